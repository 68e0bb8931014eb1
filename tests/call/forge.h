/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages that go past all that a transport knows of calls. */

#pragma once

#include "call/ferry-transport-private.h"
#include "wire/ferry-call-message-private.h"

G_BEGIN_DECLS

/* Waits for room. Returns FALSE if the transport is closed. */
static inline gboolean
forge_parts (FerryTransport *transport, const GOutputVector *parts, guint n_parts)
{
  for (;;)
    {
      guint64 count = ferry_transport_get_room_count (transport);
      g_autoptr (GError) error = NULL;

      if (FERRY_TRANSPORT_GET_CLASS (transport)->send (transport, parts, n_parts, &error))
        return TRUE;
      if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        return FALSE;
      ferry_transport_wait_for_room (transport, count, 0, NULL, NULL);
    }
}

static inline gboolean
forge_message (FerryTransport *transport, const FerryCallMessage *message)
{
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts = ferry_call_message_get_parts (message, parts);

  return forge_parts (transport, (const GOutputVector *) parts, n_parts);
}

/* A message of the standing call: of a channel. Takes a floating value. */
static inline gboolean
forge_standing (FerryTransport *transport, FerryCallKind kind, GVariant *value, gint64 number)
{
  g_autoptr (GVariant) kept = value != NULL ? g_variant_ref_sink (value) : NULL;
  FerryCallMessage message;

  ferry_call_message_init (&message, kind, FERRY_STANDING_XID, NULL, kept);
  message.header.number = number;
  return forge_message (transport, &message);
}

G_END_DECLS
