/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Chains and their results as the values that carry them in a call. */

#pragma once

#include "wire/ferry-object-message-private.h"
#include "wire/ferry-packing-private.h"

G_BEGIN_DECLS

/* Returns (transfer floating). */
static inline GVariant *
packed_request (const FerryChainRequest *request)
{
  gsize size;
  guint8 *packed = ferry_chain_request_pack (request, NULL, 0, &size);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, packed, size, TRUE, g_free, packed);
}

/* Returns (transfer floating). */
static inline GVariant *
packed_result (const FerryChainResult *result)
{
  gsize size;
  guint8 *packed = ferry_chain_result_pack (result, NULL, 0, &size);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, packed, size, TRUE, g_free, packed);
}

static inline gboolean
packed_result_take (FerryChainResult *result, GVariant *value)
{
  g_autoptr (GBytes) bytes = NULL;

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    return FALSE;
  bytes = g_variant_get_data_as_bytes (value);
  return ferry_chain_result_take (result, bytes, FERRY_VALUE_UNJUDGED, NULL);
}

G_END_DECLS
