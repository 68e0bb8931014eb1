/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-demo-message.h"

#define MESSAGE_TYPE "(yxv)"

static const char *const payload_types[FERRY_DEMO_N_MESSAGES] = {
  [FERRY_DEMO_MESSAGE_PROGRESS] = "(tttts)",
  [FERRY_DEMO_MESSAGE_DIGEST] = "(say)",
  [FERRY_DEMO_MESSAGE_PROBLEM] = "(s)",
  [FERRY_DEMO_MESSAGE_RESULT] = "(tt)",
};

GVariant *
ferry_demo_message_new (FerryDemoMessageKind kind, GVariant *payload)
{
  g_return_val_if_fail (kind < FERRY_DEMO_N_MESSAGES, NULL);

  return g_variant_new (MESSAGE_TYPE, (guchar) kind, g_get_monotonic_time (), payload);
}

/* The bytes come from another process and are only borrowed: the message must be cleared before they go. */
gboolean
ferry_demo_message_parse (FerryDemoMessage *message, gconstpointer data, gsize size, const GVariantType *type)
{
  g_autoptr (GVariant) variant = NULL;
  g_autoptr (GVariant) payload = NULL;
  guchar kind = 0;
  gint64 sent = 0;

  if (!g_variant_type_equal (type, G_VARIANT_TYPE (MESSAGE_TYPE)))
    return FALSE;

  variant = g_variant_ref_sink (g_variant_new_from_data (type, data, size, /* trusted: */ FALSE, NULL, NULL));
  g_variant_get (variant, MESSAGE_TYPE, &kind, &sent, &payload);
  if (kind >= FERRY_DEMO_N_MESSAGES || !g_variant_is_of_type (payload, G_VARIANT_TYPE (payload_types[kind])))
    return FALSE;

  message->kind = kind;
  message->sent = sent;
  message->payload = g_steal_pointer (&payload);
  return TRUE;
}

void
ferry_demo_message_clear (FerryDemoMessage *message)
{
  g_clear_pointer (&message->payload, g_variant_unref);
}
