/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The routing table: pipes, their connection ids and their slots, and the links that they go over. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"

/* main */
void
ferry_pipe_free (gpointer data)
{
  FerryPipe *pipe = data;

  if (pipe == NULL)
    return;
  g_clear_object (&pipe->receiver);
  g_clear_pointer (&pipe->watch, ferry_cell_watch_free);
  ferry_pipe_share_unref (pipe->share);
  g_clear_pointer (&pipe->types, g_ptr_array_unref);
  g_free (pipe);
}

/* main: the entry of a connection id, or NULL. */
FerryPipe *
ferry_router_find_pipe (FerryRouter *self, guint64 connection_id)
{
  guint slot = ferry_connection_id_get_slot (connection_id);
  FerryPipe *pipe = slot < self->slots->len ? g_ptr_array_index (self->slots, slot) : NULL;

  return pipe != NULL && pipe->connection_id == connection_id ? pipe : NULL;
}

/* main: gives up the receiver of a pipe; with an exit record, it hears `closed`. */
void
ferry_router_end_pipe (FerryRouter *self, FerryPipe *pipe, FerryExit *exit)
{
  g_autoptr (FerryReceiver) receiver = g_steal_pointer (&pipe->receiver);

  if (receiver == NULL)
    return;
  self->n_open--;
  /* A handler of this receiver's may be running, on memory that goes with it. */
  if (self->dispatching)
    ferry_router_keep (self, g_object_ref (receiver));
  ferry_receiver_emit_closed (receiver, exit);
}

/* main: gives the slot of a pipe whose link has ended to the next one. */
void
ferry_router_free_slot (FerryRouter *self, FerryPipe *pipe)
{
  guint slot = ferry_connection_id_get_slot (pipe->connection_id);

  g_ptr_array_index (self->slots, slot) = NULL;
  g_array_append_val (self->free_slots, slot);
  ferry_pipe_free (pipe);
}

static void
close_abandoned (gpointer data)
{
  FerryReceiver *receiver = data;
  g_autoptr (FerryRouter) router = g_weak_ref_get (&receiver->router);

  if (router != NULL && !receiver->closed)
    ferry_router_close_pipe (router, receiver, NULL);
}

/* any: the owner of a receiver was disposed. */
static void
receiver_abandoned (FerryReceiver *receiver, gpointer data)
{
  FerryRouter *self = data;

  if (ferry_router_check (self, NULL))
    close_abandoned (receiver);
  else
    ferry_errands_post (self->context, close_abandoned, g_object_ref (receiver), g_object_unref);
}

/* A connection id that no pipe of this router has had before. */
static gboolean
take_connection_id (FerryRouter *self, guint64 *connection_id, GError **error)
{
  guint slot = self->slots->len;

  if (self->free_slots->len > 0)
    {
      slot = g_array_index (self->free_slots, guint, self->free_slots->len - 1);
      g_array_set_size (self->free_slots, self->free_slots->len - 1);
    }
  else if (slot == FERRY_MAX_SLOTS)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE, "The router has %u pipes; close some first",
                   FERRY_MAX_SLOTS);
      return FALSE;
    }
  else
    g_ptr_array_add (self->slots, NULL);
  *connection_id = ++self->next_use << FERRY_SLOT_BITS | slot;
  return TRUE;
}

/**
 * ferry_router_pipe:
 * @self: a router
 * @flags: what kind of pipe
 * @sender: (out) (transfer full): where the writing end goes
 * @receiver: (out) (transfer full): where the reading end goes
 * @error: return location for an error
 *
 * Opens a pipe. Connect to the receiver, or set its handler, before the sender sends. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD, and with
 * %FERRY_ERROR_TOO_LARGE when there are 16,777,216 pipes.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_router_pipe (FerryRouter *self, FerryPipeFlags flags, FerrySender **sender, FerryReceiver **receiver,
                   GError **error)
{
  guint64 connection_id;
  FerryPipe *pipe;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail ((flags & ~(FERRY_PIPE_LATEST | FERRY_PIPE_ONE_SHOT_BUFFERS)) == 0, FALSE);
  g_return_val_if_fail (flags != (FERRY_PIPE_LATEST | FERRY_PIPE_ONE_SHOT_BUFFERS), FALSE);
  g_return_val_if_fail (sender != NULL && receiver != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self, error) || !take_connection_id (self, &connection_id, error))
    return FALSE;
  pipe = g_new0 (FerryPipe, 1);
  pipe->connection_id = connection_id;
  pipe->share = ferry_pipe_share_new ();
  pipe->receiver = ferry_receiver_new (connection_id, G_OBJECT (self), self->home, receiver_abandoned);
  g_ptr_array_index (self->slots, ferry_connection_id_get_slot (connection_id)) = pipe;
  self->n_open++;
  *receiver = g_object_ref (pipe->receiver);
  *sender = ferry_sender_new (connection_id, pipe->share, self->monitor, self->thread, self->lane_capacity,
                              self->max_message_size, (flags & FERRY_PIPE_LATEST) != 0);
  g_weak_ref_set (&(*sender)->router, self);
  (*sender)->one_shot = (flags & FERRY_PIPE_ONE_SHOT_BUFFERS) != 0;
  return TRUE;
}

/* Whether nobody has the sender, and nobody gets it any more. */
static gboolean
is_unclaimed (FerryPipe *pipe)
{
  /* Relaxed: the drop of the sender says nothing else. */
  return ferry_pipe_share_claim (pipe->share, FERRY_CLAIM_CLOSED) ||
         atomic_load_explicit (&pipe->share->claim, memory_order_relaxed) == FERRY_CLAIM_CLOSED;
}

/* Such a pipe has no link whose end would be waited for. */
static void
end_unclaimed_pipe (FerryRouter *self, FerryPipe *pipe, FerryExit *exit)
{
  guint64 connection_id = pipe->connection_id;

  ferry_router_end_pipe (self, pipe, exit);
  if (ferry_router_find_pipe (self, connection_id) == pipe)
    ferry_router_free_slot (self, pipe);
}

typedef struct
{
  GWeakRef router;
  guint64 connection_id;
} DroppedSender;

static void
dropped_sender_free (gpointer data)
{
  g_weak_ref_clear (&((DroppedSender *) data)->router);
  g_free (data);
}

static gboolean
close_dropped (gpointer data)
{
  const DroppedSender *dropped = data;
  g_autoptr (FerryRouter) self = g_weak_ref_get (&((DroppedSender *) data)->router);
  FerryPipe *pipe = self != NULL ? ferry_router_find_pipe (self, dropped->connection_id) : NULL;
  g_autoptr (FerryExit) exit = NULL;

  if (pipe == NULL)
    return G_SOURCE_REMOVE;
  exit = ferry_exit_new (FERRY_CLOSE_REASON_STOPPED, "The sender was dropped before it was started");
  end_unclaimed_pipe (self, pipe, exit);
  return G_SOURCE_REMOVE;
}

/* any: the last reference to the sender of a pipe went, which was claimed as closed. The receiver hears so from the
 * main context, and not in the middle of what dropped it. */
void
ferry_router_note_dropped_sender (FerryRouter *self, guint64 connection_id)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  DroppedSender *dropped = g_new0 (DroppedSender, 1);

  g_weak_ref_init (&dropped->router, self);
  dropped->connection_id = connection_id;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "[ferry] close a pipe whose sender was dropped");
  g_source_set_callback (source, close_dropped, dropped, dropped_sender_free);
  g_source_attach (source, self->context);
}

/**
 * ferry_router_close_pipe:
 * @self: a router
 * @receiver: the receiver of a pipe of this router's
 * @error: return location for an error
 *
 * Closes a pipe from the reading end. The receiver hears nothing more, not even `closed`. The sender is told by the
 * router's own thread soon after this has returned; a send that comes before returns %TRUE, and is dropped. From then
 * on sending fails with %FERRY_ERROR_CLOSED, also where it waits for room. What was under way is counted and dropped.
 * May be called from within a handler. On the router's thread.
 *
 * A pipe that is at its end already stays as it is, and the call succeeds: so a clean-up need not know whether `closed`
 * came before it.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING, %FERRY_ERROR_WRONG_THREAD, and with %FERRY_ERROR_CLOSED when the pipe belongs to
 * another router.
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_router_close_pipe (FerryRouter *self, FerryReceiver *receiver, GError **error)
{
  FerryPipe *pipe;

  g_return_val_if_fail (FERRY_IS_ROUTER (self), FALSE);
  g_return_val_if_fail (FERRY_IS_RECEIVER (receiver), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self, error))
    return FALSE;
  pipe = ferry_router_find_pipe (self, receiver->connection_id);
  if (pipe == NULL || pipe->receiver != receiver)
    {
      g_autoptr (FerryRouter) owner = g_weak_ref_get (&receiver->router);

      if (owner == self && receiver->closed)
        return TRUE;
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED,
                   "The pipe %" G_GUINT64_FORMAT " is another router's; close it there", receiver->connection_id);
      return FALSE;
    }
  if (is_unclaimed (pipe))
    {
      end_unclaimed_pipe (self, pipe, NULL);
      return TRUE;
    }
  /* Before the command: a sender that is just being started looks here after its own. */
  atomic_store_explicit (&pipe->share->closed, 1, memory_order_relaxed);
  ferry_monitor_close_pipe (self->monitor, receiver->connection_id);
  ferry_router_end_pipe (self, pipe, NULL);
  return TRUE;
}

/* main: adds a link whose senders were passed, and has launch start its process. Takes observer over when it
 * succeeds. */
gboolean
ferry_router_add_link (FerryRouter *self, FerryLink *link, FerryLinkObserver *observer, FerryLaunchFunc launch,
                       gpointer launch_data, GDestroyNotify launch_destroy)
{
  link->user_data = observer;
  ferry_router_watch_cells (self, link);
  if (ferry_monitor_add_link (self->monitor, link, launch, launch_data, launch_destroy))
    return TRUE;
  link->user_data = NULL;
  return FALSE;
}

/* main: ends a link whose worker broke a rule that only the layers above know. */
void
ferry_router_fault_link (FerryRouter *self, FerryLink *link, const char *detail)
{
  if (self->monitor != NULL)
    ferry_monitor_fault_link (self->monitor, link, detail);
}
