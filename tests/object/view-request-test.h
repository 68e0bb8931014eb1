/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The request of a view as a message, for tests that send it themselves. */

#pragma once

#include "call/ferry-packing-private.h"
#include "object/ferry-object-message-private.h"

/* Returns (transfer floating). */
static inline GVariant *
view_request_to_variant (const FerryViewRequest *request)
{
  gsize size;
  guint8 *packed = ferry_view_request_pack (request, NULL, 0, &size);

  return ferry_pack_end (packed, size);
}
