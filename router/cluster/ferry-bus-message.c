/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What comes from a NATS server. See ferry-bus-message-private.h. */

#include "config.h"

#include "cluster/ferry-bus-message-private.h"

#include <string.h>

#define MAX_PRESENCE ((gsize) 1024 * 1024)

gboolean
ferry_bus_peer_from_subject (FerryBusPeer *peer, const char *subject, const char *prefix)
{
  const char *name = g_str_has_prefix (subject, prefix) ? subject + strlen (prefix) : "";
  const char *dot = strchr (name, '.');

  if (dot == NULL || dot - name > FERRY_MAX_TOKEN || strlen (dot + 1) > FERRY_MAX_TOKEN)
    return FALSE;
  memcpy (peer->name, name, (gsize) (dot - name));
  peer->name[dot - name] = '\0';
  strcpy (peer->id, dot + 1);
  return ferry_token_is_valid (peer->name) && ferry_token_is_valid (peer->id);
}

GBytes *
ferry_bus_presence_to_bytes (GVariant *facts)
{
  g_autoptr (GVariant) boxed = g_variant_ref_sink (g_variant_new_variant (facts));
  g_autoptr (GVariant) sent =
    G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (boxed) : g_variant_get_normal_form (boxed);

  return g_variant_get_data_as_bytes (sent);
}

GVariant *
ferry_bus_presence_from_bytes (GBytes *bytes)
{
  g_autoptr (GVariant) boxed = NULL;
  g_autoptr (GVariant) facts = NULL;

  if (g_bytes_get_size (bytes) > MAX_PRESENCE)
    return NULL;
  boxed = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARIANT, bytes, FALSE));
  if (!g_variant_is_normal_form (boxed))
    return NULL;
  facts = g_variant_get_variant (boxed);
  return G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (facts) : g_steal_pointer (&facts);
}
