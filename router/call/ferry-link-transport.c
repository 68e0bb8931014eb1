/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a transport over a worker's link. It has a queued pipe. Messages come up by the pipe, and
 * the link sends messages down to the pipe's connection id.
 *
 * Life: made with a launcher, which keeps it until a worker is spawned, and then joins it to the worker's link. A
 * launcher that drops its senders ends it. A pipe that was passed to a launcher is closed only when the launcher is
 * done with it, or the next spawn would fail.
 *
 * References: the transport, the pipe's receiver and the link refer to an End, which holds no reference to the
 * transport. So the last reference, dropped on any thread, closes the pipe.
 *
 * Threads: messages come on the router's; any thread sends and closes.
 * Locks:   lock before the link's, since it is held while room_watch is added. The link calls room_came() with its own
 *          lock held. That wakes threads, under the wait queue's lock, and lets the router's thread send kept answers.
 * Trust:   none in the worker: a message that breaks a rule ends the link, and with it the worker. */

#include "config.h"

#include "call/ferry-link-transport-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "route/ferry-router-private.h"
#include "worker/ferry-worker-private.h"

#define MAX_NAME (FERRY_MAX_SENDER_NAME - (sizeof (FERRY_TRANSPORT_SENDER_PREFIX) - 1))

/* The data of a transport. Counted references, by g_atomic_rc_box. */
typedef struct
{
  GWeakRef transport;
  FerryTransport *self;       /* const: (unowned): for its own functions, and for the link until it is closed */
  FerryReceiver *receiver;    /* (owned): until the transport is freed, as link */
  GThread *router_thread;     /* const: (unowned), only compared */
  FerryRouter *router;        /* const: (unowned): only used in its dispatch */
  FerryTransport *kept;       /* router's thread: (unowned) (nullable): the router keeps it until its dispatch ends */
  guint64 kept_for;           /* router's thread: the number of that dispatch */
  GMainContext *context;      /* const: (owned): the router's */
  _Atomic gboolean told;      /* note_room() is posted to context */
  _Atomic (FerryLink *) link; /* (owned) (nullable): set once, by the router's thread with lock held */

  GMutex lock;
  FerryRoomWatch room_watch; /* lock: in the link while ended is not set */
  gboolean ended;            /* lock, as the next two: the transport is closed */
  gboolean with_launcher;    /* the pipe is the launcher's to pass */
  gboolean pipe_closed;      /* by its other end */
} End;

static FerryLink *
get_link (End *end)
{
  /* Acquire: pairs with launcher_done(). */
  return atomic_load_explicit (&end->link, memory_order_acquire);
}

static void
end_clear (gpointer data)
{
  End *end = data;

  g_weak_ref_clear (&end->transport);
  g_main_context_unref (end->context);
  g_mutex_clear (&end->lock);
}

static void
end_unref (gpointer end)
{
  g_atomic_rc_box_release_full (end, end_clear);
}

/* ---- down ---- */

static gboolean
check_sent (FerryLink *link, FerryDownResult result, GError **error)
{
  if (result == FERRY_DOWN_SENT)
    return TRUE;
  if (result == FERRY_DOWN_WOULD_BLOCK)
    return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                            "The worker has enough to read; send again when there is room");
  if (result == FERRY_DOWN_TOO_LARGE)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The message has more than the %" G_GUINT64_FORMAT
                            " bytes that the router takes; pass a file's name, or raise FerryRouter:max-message-size",
                            link->max_message_size);
  return ferry_set_error (error, FERRY_ERROR_CLOSED, "The worker has ended; spawn another one");
}

static gboolean
send_parts (gpointer data, const GOutputVector *vectors, guint n_vectors, GError **error)
{
  End *end = data;
  FerryLink *link = get_link (end);

  if (link == NULL)
    return ferry_set_error (error, FERRY_ERROR_NOT_STARTED,
                            "The transport has no worker yet; call ferry_launcher_spawn() first");
  return check_sent (
    link,
    ferry_link_send (link, ferry_receiver_get_connection_id (end->receiver), (const FerryPart *) vectors, n_vectors),
    error);
}

static gboolean
send_cancel (gpointer end, guint64 xid, guint16 reason)
{
  FerryLink *link = get_link (end);

  return link != NULL && ferry_link_send_cancel (link, xid, reason) == FERRY_DOWN_SENT;
}

static void
note_room (gpointer data)
{
  End *end = data;
  g_autoptr (FerryTransport) transport = g_weak_ref_get (&end->transport);

  /* Before the room is used: room that comes later is posted again. */
  atomic_store (&end->told, FALSE);
  if (transport != NULL)
    ferry_transport_note_room (transport);
}

/* any, with the link's lock held, so nothing may be sent here: the router's thread does that. Another thread may be
 * freeing the transport, and then waits for that lock. */
static void
room_came (gpointer data)
{
  End *end = data;

  ferry_transport_wake_waiting (end->self);
  if (!atomic_exchange (&end->told, TRUE))
    ferry_mailbox_post (end->context, note_room, g_atomic_rc_box_acquire (end), end_unref);
}

/* ---- up ---- */

static void
run_ended (gpointer data)
{
  End *end = data;

  if (end->kept_for == end->router->dispatch_number && end->kept != NULL)
    ferry_transport_end_run (end->kept);
}

static void
message_came (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  End *end = user_data;

  /* A weak reference takes a lock of the whole process, so it is read once a dispatch. */
  if (end->kept_for != end->router->dispatch_number)
    {
      end->kept = g_weak_ref_get (&end->transport);
      end->kept_for = end->router->dispatch_number;
      if (end->kept != NULL)
        ferry_router_keep (end->router, end->kept);
    }
  /* The bytes of a message that comes as a variant break a rule of the protocol. */
  if (G_LIKELY (end->kept != NULL))
    ferry_transport_receive_in_run (end->kept, data, size, receiver->large);
}

static GError *
describe_end (FerryExit *exit)
{
  switch (ferry_exit_get_reason (exit))
    {
    case FERRY_CLOSE_REASON_STOPPED:
      return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The worker closed the transport");
    case FERRY_CLOSE_REASON_ROUTER_STOPPED:
      return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, ferry_exit_get_message (exit));
    default:
      return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, ferry_exit_get_message (exit));
    }
}

static void
pipe_closed (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  End *end = data;
  g_autoptr (FerryTransport) transport = g_weak_ref_get (&end->transport);
  g_autoptr (GError) reason = NULL;

  if (transport == NULL)
    return;
  /* An answer may have come right before. */
  run_ended (end);
  g_mutex_lock (&end->lock);
  end->pipe_closed = TRUE;
  g_mutex_unlock (&end->lock);
  reason = describe_end (exit);
  ferry_transport_end (transport, reason);
}

/* ---- the end ---- */

/* main: a fault of the protocol here ends the whole link. */
static void
fault_link (End *end, FerryLink *link)
{
  g_autoptr (GError) reason = ferry_transport_dup_reason (end->self);
  g_autoptr (FerryRouter) router = NULL;

  if (!g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_PROTOCOL))
    return;
  router = g_weak_ref_get (&end->receiver->router);
  if (router != NULL)
    ferry_router_fault_link (router, link, reason->message);
}

static void
end_close (gpointer data)
{
  End *end = data;
  FerryLink *link;
  gboolean ours;

  g_mutex_lock (&end->lock);
  end->ended = TRUE;
  ours = !end->with_launcher && !end->pipe_closed;
  link = get_link (end);
  g_mutex_unlock (&end->lock);
  if (link != NULL)
    ferry_link_remove_room_watch (link, &end->room_watch);
  /* A malformed message is found on the thread that receives it. */
  if (link != NULL && end->router_thread == g_thread_self ())
    fault_link (end, link);
  if (ours)
    ferry_receiver_abandon (end->receiver);
}

static void
end_free (gpointer data)
{
  End *end = data;
  FerryLink *link = get_link (end);

  g_clear_object (&end->receiver);
  g_clear_pointer (&link, ferry_link_unref);
  end_unref (end);
}

static const FerryTransportKind link_kind = {
  .send = send_parts, .close = end_close, .free = end_free, .cancel = send_cancel};

/* ---- from a launcher to a link ---- */

/* main: the launcher has passed the pipe to a worker, or dropped it. Takes data's reference. */
static void
launcher_done (FerryWorker *worker, gpointer data)
{
  g_autoptr (FerryTransport) transport = data;
  End *end = ferry_transport_get_data (transport, &link_kind);
  FerryLink *link = worker != NULL ? ferry_worker_get_link (worker) : NULL;
  g_autoptr (GError) reason = NULL;
  gboolean ended;
  gboolean ours;

  g_mutex_lock (&end->lock);
  end->with_launcher = FALSE;
  ended = end->ended;
  ours = ended && !end->pipe_closed;
  if (link != NULL && !ended)
    {
      ferry_link_add_room_watch (link, &end->room_watch);
      /* Release: pairs with get_link(). */
      atomic_store_explicit (&end->link, ferry_link_ref (link), memory_order_release);
    }
  g_mutex_unlock (&end->lock);
  /* Requests that failed without a worker may be sent now. */
  if (link != NULL && !ended)
    ferry_transport_note_room (transport);
  if (ours)
    ferry_receiver_abandon (end->receiver);
  if (!ended && link == NULL)
    {
      reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                    "The launcher was dropped before it spawned a worker for the transport");
      ferry_transport_end (transport, reason);
    }
}

/* Takes receiver. index: of its pipe among those of the link. */
static FerryTransport *
link_transport_new (FerryReceiver *receiver, FerryRouter *router, guint index)
{
  End *end = g_atomic_rc_box_new0 (End);
  FerryTransport *transport = ferry_transport_new_of_kind (&link_kind, g_atomic_rc_box_acquire (end));
  FerryTransactions *transactions = ferry_transport_get_transactions (transport);

  ferry_transactions_set_first_xid (transactions, ferry_transport_get_first_xid (index));
  ferry_transactions_set_max_answer (transactions, router->max_message_size);
  ferry_transport_set_receiving_thread (transport, g_thread_self ());
  g_weak_ref_init (&end->transport, transport);
  end->self = transport;
  end->receiver = receiver;
  end->router_thread = g_thread_self ();
  end->router = router;
  end->context = g_main_context_ref (router->context);
  g_mutex_init (&end->lock);
  end->room_watch = (FerryRoomWatch){.func = room_came, .data = end};
  receiver->internal = TRUE;
  ferry_receiver_set_handler (receiver, message_came, end, end_unref);
  receiver->run_ended = run_ended;
  g_signal_connect_data (receiver, "closed", G_CALLBACK (pipe_closed), g_atomic_rc_box_acquire (end),
                         (GClosureNotify) (GCallback) end_unref, 0);
  return transport;
}

FerryRouter *
ferry_link_transport_dup_router (FerryTransport *transport)
{
  End *end = ferry_transport_get_data (transport, &link_kind);

  return end != NULL ? g_weak_ref_get (&end->receiver->router) : NULL;
}

/* The function that the worker's program calls for a transport of that name. */
static const char *
get_entry (const char *name)
{
  return g_str_has_prefix (name, FERRY_RESERVED_SENDER_PREFIX) ? FERRY_MAIN_ENTRY : "ferry_worker_get_transport()";
}

/**
 * ferry_launcher_add_transport:
 * @self: a launcher
 * @router: the running router that the worker will be spawned with
 * @name: the name by which the worker asks for the transport; 1 to 239 bytes.
 * @error: return location for an error
 *
 * Joins the next worker that is spawned to the application by a transport. Both ends may ask and answer over it. The
 * worker gets its end with [func@Ferry.Worker.get_transport]. [method@Ferry.Launcher.spawn] and
 * [func@Ferry.Channel.start] spawn such workers. The workers of a pool have no transports, see [ctor@Ferry.Pool.new].
 *
 * Until the worker is spawned, requests fail with %FERRY_ERROR_NOT_STARTED. From then on they wait until the worker
 * takes them. Sending never waits here. Where the worker has more than 1 MiB to read, it fails with
 * %FERRY_ERROR_WOULD_BLOCK.
 *
 * When the worker ends, the transport closes with %FERRY_ERROR_WORKER_LOST and the reason. It closes with
 * %FERRY_ERROR_CLOSED when the worker closes its end, when the router stops, or when the launcher is dropped before it
 * spawns a worker. A worker that sends a malformed message over it is ended, with the reason
 * %FERRY_CLOSE_REASON_PROTOCOL_ERROR. Closing a transport does not end the worker.
 *
 * On the router's thread, which is also the one that receives. The transport itself may be used by any thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD. Fails with %FERRY_ERROR_BAD_ARGUMENTS when the
 * name cannot be used or was used for this worker already. Fails with %FERRY_ERROR_TOO_LARGE when the router or the
 * worker has too many pipes.
 *
 * Returns: (transfer full): the application's end
 *
 * Since: 0.1
 */
FerryTransport *
ferry_launcher_add_transport (FerryLauncher *self, FerryRouter *router, const char *name, GError **error)
{
  g_autofree char *sender_name = NULL;
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerrySender) sender = NULL;
  FerryReceiver *receiver = NULL;

  g_return_val_if_fail (FERRY_IS_LAUNCHER (self), NULL);
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (name[0] == '\0' || strlen (name) > MAX_NAME)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                       "The transport cannot be called “%s”; a name has 1 to %d bytes", name, (int) MAX_NAME);
      return NULL;
    }
  if (!ferry_home_check_error (ferry_launcher_get_home (self), G_STRFUNC, error) ||
      !ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, error))
    return NULL;
  sender_name = g_strconcat (FERRY_TRANSPORT_SENDER_PREFIX, name, NULL);
  /* The sender is added behind the others, and they go to the worker in that order. */
  transport = link_transport_new (receiver, router, ferry_launcher_count_senders (self));
  if (!ferry_launcher_add_watched_sender (self, sender_name, sender, get_entry (name), launcher_done, transport, error))
    return NULL;
  ((End *) ferry_transport_get_data (transport, &link_kind))->with_launcher = TRUE;
  return g_object_ref (g_steal_pointer (&transport));
}
