/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The routing table: pipes by their connection ids, and the slots of a link.
 *
 * The entry of a pipe stays until the pipe's link has ended, also when the pipe was closed. So later messages of the
 * pipe are recognised, and its slot is not reused before the link's end.
 *
 * Owner:   the router owns the table. References to a pipe are counted: the table has one, and the sender in the
 *          application has one.
 * Threads: the router's thread, unless a function or a field says otherwise. */

#include "config.h"

#include "route/ferry-pipe-private.h"

#include "base/ferry-base-private.h"

enum
{
  TAKEN = 1 << 0,  /* the sender was started in this process, or passed to a worker */
  CLOSED = 1 << 1, /* the pipe was closed; TAKEN cannot be set any more */
};

FerryPipe *
ferry_pipe_ref (FerryPipe *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_pipe_unref (FerryPipe *self)
{
  FerryLink *link;

  if (!ferry_ref_count_dec (&self->references))
    return;
  link = ferry_pipe_get_link (self);
  g_clear_pointer (&link, ferry_link_unref);
  ferry_monitor_unref (self->monitor);
  g_free (self);
}

gboolean
ferry_pipe_take (FerryPipe *self)
{
  gint none = 0;

  return atomic_compare_exchange_strong_explicit (&self->state, &none, TAKEN, memory_order_acq_rel,
                                                  memory_order_acquire);
}

gboolean
ferry_pipe_close (FerryPipe *self)
{
  return (atomic_fetch_or_explicit (&self->state, CLOSED, memory_order_acq_rel) & TAKEN) == 0;
}

gboolean
ferry_pipe_is_closed (FerryPipe *self)
{
  /* Relaxed, since no other data is read because of the result. */
  return (atomic_load_explicit (&self->state, memory_order_relaxed) & CLOSED) != 0;
}

FerryLink *
ferry_pipe_new_link (FerryPipe *self, const char *name, GError **error)
{
  const gboolean is_latest = (self->flags & FERRY_PIPE_LATEST) != 0;
  const guint32 cell = is_latest ? 0 : FERRY_NO_CELL;

  return ferry_link_new (name, &self->connection_id, &cell, 1, self->lane_capacity,
                         is_latest ? 0 : FERRY_DEFAULT_ARENA_SIZE, self->max_message_size, error);
}

gboolean
ferry_pipe_add_link (FerryPipe *self, FerryLink *link, GError **error)
{
  /* Release: pairs with ferry_pipe_get_link(), so that the link's cell is visible. */
  atomic_store_explicit (&self->link, ferry_link_ref (link), memory_order_release);
  if (!ferry_monitor_add_link (self->monitor, link, NULL, NULL, NULL))
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The pipe %" G_GUINT64_FORMAT " is closed; stop sending",
                            self->connection_id);
  /* The pipe may have been closed after its sender was taken. Then the router's command to close it came to the monitor
   * before the link, and had no effect. The router's thread marked the pipe as closed before that command. The
   * monitor's lock orders the two commands, so the pipe is closed here, and the command is given again. */
  if (ferry_pipe_is_closed (self))
    ferry_monitor_close_pipe (self->monitor, self->connection_id);
  return TRUE;
}

/* Makes the watch if the pipe's sender is in this process, where any thread may start it. */
FerryCellWatch *
ferry_pipe_get_watch (FerryPipe *self)
{
  if (self->receiver == NULL || (self->flags & FERRY_PIPE_LATEST) == 0)
    return NULL;
  if (self->watch == NULL)
    {
      FerryLink *link = ferry_pipe_get_link (self);

      if (link == NULL)
        return NULL;
      self->watch = ferry_cell_watch_new (link, 0);
    }
  return self->watch->broken ? NULL : self->watch;
}

/* Frees what the router's thread has of a pipe. */
static void
drop (gpointer data)
{
  FerryPipe *pipe = data;

  if (pipe == NULL)
    return;
  g_clear_object (&pipe->receiver);
  g_clear_pointer (&pipe->watch, ferry_cell_watch_free);
  g_clear_pointer (&pipe->types, g_ptr_array_unref);
  ferry_pipe_unref (pipe);
}

void
ferry_pipes_init (FerryPipes *self)
{
  self->slots = g_ptr_array_new_with_free_func (drop);
  self->free_slots = g_array_new (FALSE, FALSE, sizeof (guint));
}

void
ferry_pipes_clear (FerryPipes *self)
{
  g_ptr_array_unref (self->slots);
  g_array_unref (self->free_slots);
}

FerryPipe *
ferry_pipes_add (FerryPipes *self, GError **error)
{
  guint slot = self->slots->len;
  FerryPipe *pipe;

  if (self->free_slots->len > 0)
    {
      slot = g_array_index (self->free_slots, guint, self->free_slots->len - 1);
      g_array_set_size (self->free_slots, self->free_slots->len - 1);
    }
  else if (slot == FERRY_MAX_SLOTS)
    {
      ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                       "The router has %u pipes, which is the limit; close some pipes first", FERRY_MAX_SLOTS);
      return NULL;
    }
  else
    g_ptr_array_add (self->slots, NULL);
  pipe = g_ptr_array_index (self->slots, slot) = g_new0 (FerryPipe, 1);
  atomic_init (&pipe->references, 1);
  pipe->connection_id = ++self->n_uses << FERRY_SLOT_BITS | slot;
  return pipe;
}

void
ferry_pipes_remove (FerryPipes *self, FerryPipe *pipe)
{
  guint slot = ferry_connection_id_get_slot (pipe->connection_id);

  g_ptr_array_index (self->slots, slot) = NULL;
  g_array_append_val (self->free_slots, slot);
  drop (pipe);
}

GPtrArray *
ferry_pipes_take_all (FerryPipes *self)
{
  GPtrArray *slots = g_steal_pointer (&self->slots);

  self->slots = g_ptr_array_new_with_free_func (drop);
  g_array_set_size (self->free_slots, 0);
  return slots;
}
