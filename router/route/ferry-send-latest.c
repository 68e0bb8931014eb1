/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a latest value is sent: it is written into the cell of the pipe, over the value before the last one. Sending
 * never waits, and makes a system call only for the first value after the reader has armed the cell. */

#include "config.h"

#include "route/ferry-send-private.h"

#include "base/ferry-base-private.h"
#include "wire/ferry-handshake-private.h"

/* any: checks that a value fits into a cell. type_string is NULL for plain bytes. */
static gboolean
check_latest (const char *type_string, gsize size, GError **error)
{
  gsize type_length = type_string != NULL ? strlen (type_string) : 0;

  if (size <= FERRY_CELL_SLOT_SIZE && ferry_cell_value_size (type_length, size) <= FERRY_CELL_SLOT_SIZE)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                          "The message has %" G_GSIZE_FORMAT
                          " bytes, and a pipe for latest values takes at most %" G_GSIZE_FORMAT
                          " bytes of this type; send less, or open the pipe with FERRY_PIPE_QUEUED",
                          size, FERRY_CELL_SLOT_SIZE - ferry_cell_value_size (type_length, 0));
}

gboolean
ferry_send_latest (FerrySend *send, GError **error)
{
  FerrySender *self = send->sender;
  guint64 serialised[FERRY_CELL_WORDS];
  gconstpointer data = serialised;
  g_autoptr (GCancellable) cancellable = ferry_sender_dup_cancellable (self);
  FerryLinkControl *control;
  gboolean locked;
  gboolean due;

  if (cancellable != NULL && g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (!ferry_sender_is_sendable (self))
    return ferry_sender_refuse_ended (self, error);
  if (!check_latest (ferry_send_get_type_string (send), send->size, error))
    return FALSE;
  if (self->uplink->forked)
    return ferry_sender_refuse_wait (self, FERRY_WAIT_FORKED, error);
  if (send->variant != NULL)
    g_variant_store (send->variant, serialised);
  else
    data = ferry_send_get_data (send);
  locked = ferry_uplink_lock (self->uplink);
  if (!ferry_sender_is_sendable (self))
    {
      ferry_uplink_unlock (self->uplink, locked);
      return ferry_sender_refuse_ended (self, error);
    }
  due = ferry_cell_writer_write (&self->writer, ferry_send_get_type_string (send), data, send->size);
  ferry_uplink_unlock (self->uplink, locked);
  if (G_LIKELY (!due))
    return TRUE;
  /* Sequentially consistent: the bit is set after the value was written, and before the doorbell rings. */
  control = ferry_segment_get_control (&self->uplink->segment);
  atomic_fetch_or_explicit (&control->dirty, (guint64) 1 << self->cell, memory_order_seq_cst);
  ferry_doorbell_ring (self->uplink->doorbell);
  return TRUE;
}
