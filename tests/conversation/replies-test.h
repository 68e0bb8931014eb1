/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A streamed answer, of which tests send and take one item after the other, on whatever thread. */

#pragma once

#include "conversation/ferry-demux-invocation-private.h"
#include "conversation/ferry-invocation-private.h"
#include "conversation/ferry-replies-private.h"

G_BEGIN_DECLS

/* Sends an item of the answer to what a demux was asked, as soon as the other end accepts it. */
static inline gboolean
replies_test_send (FerryInvocation *invocation, GVariant *item, GError **error)
{
  FerryCall *call = ((FerryDemuxInvocation *) invocation)->call;
  FerryTransport *transport = ferry_call_get_transport (call);
  g_autoptr (GVariant) taken = g_variant_ref_sink (item);

  while (!ferry_invocation_is_cancelled (invocation))
    {
      guint64 count = ferry_transport_get_room_count (transport);
      g_autoptr (GError) refusal = NULL;

      if (ferry_call_send_item (call, taken, &refusal))
        return TRUE;
      if (!g_error_matches (refusal, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&refusal));
          return FALSE;
        }
      ferry_transport_wait_for_room (transport, count, 0, NULL, NULL);
    }
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The items are not wanted any more");
  return FALSE;
}

static inline void
replies_test_note (GObject *replies, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* The next item, as ferry_replies_next_finish() has it, after a wait in a context of its own; or, with a cancellable
 * (nullable), what there is now, and else G_IO_ERROR_CANCELLED. */
static inline GVariant *
replies_test_next (FerryReplies *replies, GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;

  g_main_context_push_thread_default (context);
  ferry_replies_next_async (replies, cancellable, replies_test_note, &result);
  g_cancellable_cancel (cancellable);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  return ferry_replies_next_finish (replies, result, error);
}

/* Whether the answer has come to its end. Drops the items that have come. */
static inline gboolean
replies_test_is_over (FerryReplies *replies)
{
  for (;;)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) item = replies_test_next (replies, cancellable, &error);

      if (item == NULL)
        return !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    }
}

G_END_DECLS
