/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sending on a pipe for latest values: into its cell, over the value before the last. It never waits, and makes a
 * system call only for the first value after the reader came to rest. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "route/ferry-sender-private.h"

/* any: whether a value fits into a cell. variant is NULL for plain bytes. */
gboolean
ferry_sender_check_latest (GVariant *variant, gsize size, GError **error)
{
  gsize type_length = variant != NULL ? strlen (g_variant_get_type_string (variant)) : 0;

  if (size <= FERRY_CELL_SLOT_SIZE && ferry_cell_value_size (type_length, size) <= FERRY_CELL_SLOT_SIZE)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
               "The message has %" G_GSIZE_FORMAT " bytes, and a pipe for latest values takes %" G_GSIZE_FORMAT
               " of this type; send less, or open the pipe with FERRY_PIPE_QUEUED",
               size, FERRY_CELL_SLOT_SIZE - ferry_cell_value_size (type_length, 0));
  return FALSE;
}

/* Marks the cell, and wakes the monitor for it. Sequentially consistent: the mark is there before the ring, and comes
 * after the value. */
static void
ring (FerrySender *self)
{
  FerryLinkControl *control = ferry_segment_get_control (&self->uplink->segment);

  atomic_fetch_or_explicit (&control->dirty, (guint64) 1 << self->cell, memory_order_seq_cst);
  ferry_doorbell_ring (self->uplink->doorbell);
}

/* any: makes a value that fits the newest one. variant is NULL for plain bytes. Returns READY, CLOSED or FORKED. */
FerryWaitResult
ferry_sender_write_latest (FerrySender *self, GVariant *variant, gconstpointer data, gsize size)
{
  guint64 serialised[FERRY_CELL_WORDS];
  const char *type = NULL;
  gboolean locked;
  gboolean due;

  if (self->uplink->forked)
    return FERRY_WAIT_FORKED;
  if (variant != NULL)
    {
      type = g_variant_get_type_string (variant);
      g_variant_store (variant, serialised);
      data = serialised;
    }
  locked = ferry_uplink_lock (self->uplink);
  if (!ferry_sender_is_sendable (self))
    {
      ferry_uplink_unlock (self->uplink, locked);
      return FERRY_WAIT_CLOSED;
    }
  due = ferry_cell_writer_write (&self->writer, type, data, size);
  ferry_uplink_unlock (self->uplink, locked);
  if (G_UNLIKELY (due))
    ring (self);
  return FERRY_WAIT_READY;
}
