/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a transport over a worker's link, and what becomes of the calls of a dead worker. It has a
 * queued pipe. Messages from the worker arrive by the pipe, and the link sends messages to the worker with the pipe's
 * connection id.
 *
 * Life: made with a launcher, which keeps the transport until it spawns a worker, and then joins the transport to
 *       the worker's link. If the launcher drops its senders first, the transport ends. A pipe that was passed to a
 *       launcher must not be closed before the launcher has passed it to a worker or dropped it. Otherwise the next
 *       spawn would fail.
 *
 * References: the transport, the pipe's receiver and the link refer to an End, which holds no reference to the
 *             transport. So dropping the last reference to the transport, on any thread, closes the pipe.
 *
 * Threads: messages arrive on the router's thread; any thread sends and closes.
 * Locks:   lock is taken before the link's lock, since it is held while room_watch is added. The link calls
 *          room_came() with the link's lock held. The function wakes threads, under the wait queue's lock, and posts
 *          note_room(). In note_room() the router's thread sends kept answers.
 * Trust:   the worker is not trusted: a message that breaks a rule ends the link, and so the worker. */

#include "config.h"

#include "call/ferry-link-transport-private.h"

#include <errno.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "process/ferry-worker-private.h"
#include "route/ferry-router-private.h"

#define MAX_NAME (FERRY_MAX_SENDER_NAME - (sizeof (FERRY_TRANSPORT_SENDER_PREFIX) - 1))

/* The data of a transport. Reference-counted by g_atomic_rc_box. */
typedef struct
{
  GWeakRef transport;
  GWeakRef worker; /* set once, by the router's thread */
  /* const: (unowned): for the transport's own functions, and for the link until the transport is closed */
  FerryTransport *self;
  FerryReceiver *receiver; /* (owned): receiver and link are kept until the transport is freed */
  GThread *router_thread;  /* const: (unowned): only compared */
  FerryRouter *router;     /* const: (unowned): only used while the router dispatches */
  FerryTransport *kept;  /* router's thread: (unowned) (nullable): the transport, which the router keeps alive until its
                            dispatch ends */
  guint64 kept_for;      /* router's thread: the number of the dispatch for which kept is set */
  GMainContext *context; /* const: (owned): the router's */
  _Atomic gboolean told; /* note_room() is posted to context and has not run yet */
  _Atomic (FerryLink *) link; /* (owned) (nullable): set once, by the router's thread with lock held */
  FerryMonitor *monitor;      /* (owned): kept until the transport is freed */

  GMutex lock;
  FerryRoomWatch room_watch; /* lock: added to the link's room watches until ended is set */
  gboolean ended;            /* lock: the transport is closed */
  gboolean with_launcher;    /* lock: the launcher has the pipe, to pass it to a worker */
  gboolean pipe_closed;      /* lock: the pipe was closed by its other end */
} End;

static FerryLink *
get_link (End *end)
{
  /* Acquire: sees the link that launcher_done() released. */
  return atomic_load_explicit (&end->link, memory_order_acquire);
}

static void
end_clear (gpointer data)
{
  End *end = data;

  g_weak_ref_clear (&end->transport);
  g_weak_ref_clear (&end->worker);
  g_main_context_unref (end->context);
  g_mutex_clear (&end->lock);
}

static void
end_unref (gpointer end)
{
  g_atomic_rc_box_release_full (end, end_clear);
}

/* ---- sending to the worker ---- */

/* Returns (nullable) the worker's link. */
static FerryLink *
require_link (End *end, GError **error)
{
  FerryLink *link = get_link (end);

  if (link == NULL)
    ferry_set_error (error, FERRY_ERROR_NOT_STARTED,
                     "The transport has no worker yet; call ferry_launcher_spawn() first");
  return link != NULL && ferry_link_check_owner (link, error) ? link : NULL;
}

/* Whether that is FERRY_DOWN_SENT; an error otherwise. */
static gboolean
check_sent (FerryLink *link, FerryDownResult result, GError **error)
{
  if (result == FERRY_DOWN_SENT)
    return TRUE;
  if (result == FERRY_DOWN_WOULD_BLOCK || result == FERRY_DOWN_UNTAKEN)
    return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                            "There is no room in the worker's down lane; send again when there is room");
  if (result == FERRY_DOWN_TOO_LARGE)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "The message is larger than the router's limit of %" G_GUINT64_FORMAT
                            " bytes; pass a file's name, or raise FerryRouter:max-message-size",
                            link->max_message_size);
  return ferry_set_error (error, FERRY_ERROR_CLOSED, "The worker has ended; spawn another one");
}

static gboolean
send_message (gpointer data, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  End *end = data;
  FerryLink *link = require_link (end, error);

  return link != NULL &&
         check_sent (link, ferry_link_send (link, ferry_receiver_get_connection_id (end->receiver), parts, n_parts),
                     error);
}

/* Sends an empty message with the socket, the only message of a transport that has descriptors. */
static gboolean
pass_socket (gpointer data, int socket, GError **error)
{
  End *end = data;
  FerryLink *link = require_link (end, error);
  FerryDescriptors batch = {.descriptors = &socket, .n_descriptors = 1};
  FerryDownResult result =
    link != NULL ? ferry_link_send_with (link, ferry_receiver_get_connection_id (end->receiver), NULL, 0, &batch)
                 : FERRY_DOWN_CLOSED;

  if (result != FERRY_DOWN_REFUSED)
    return link != NULL && check_sent (link, result, error);
  errno = batch.error_number;
  return ferry_set_system_error (error, "Passing a socket for descriptors (sendmsg)");
}

static gboolean
send_cancel (gpointer end, guint64 xid, FerryCancelReason reason)
{
  FerryLink *link = get_link (end);

  return link != NULL && ferry_link_send_cancel (link, xid, (guint16) reason) == FERRY_DOWN_SENT;
}

static void
note_room (gpointer data)
{
  End *end = data;

  /* Cleared before the room is used, so that room_came() posts again for room that comes later. */
  atomic_store (&end->told, FALSE);
  ferry_transport_note_room_of (&end->transport);
}

/* any, with the link's lock held: wakes waiting threads, and makes the router's thread call note_room(). Nothing may
 * be sent here because of the lock. Another thread may be freeing the transport; it waits for the link's lock before
 * it frees. */
static void
room_came (gpointer data)
{
  End *end = data;

  ferry_transport_wake_waiting (end->self);
  if (!atomic_exchange (&end->told, TRUE))
    ferry_mailbox_post (end->context, note_room, g_atomic_rc_box_acquire (end), end_unref);
}

/* ---- receiving from the worker ---- */

static void
release_link (gpointer held)
{
  ferry_held_link_release (held);
}

static void
free_held_link (gpointer held)
{
  ferry_held_link_free (held);
}

gboolean
ferry_link_transport_waits (FerryRouter *router, FerryTransport *calls, gconstpointer message, gsize size)
{
  if (G_LIKELY (!ferry_call_message_ends_pieces (message, size)) || size > FERRY_MAX_RECORD_PAYLOAD ||
      !ferry_router_may_repeat (router) ||
      !ferry_transport_is_judging (calls, message, size, release_link, ferry_held_link_new (router), free_held_link))
    return FALSE;
  ferry_router_hold_record (router);
  return TRUE;
}

static void
message_came (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  End *end = user_data;

  /* Reading a weak reference takes a lock of the whole process, so it is done once per dispatch. */
  if (end->kept_for != ferry_router_get_dispatch_number (end->router))
    {
      end->kept = g_weak_ref_get (&end->transport);
      end->kept_for = ferry_router_get_dispatch_number (end->router);
      if (end->kept != NULL)
        ferry_router_keep (end->router, end->kept);
    }
  /* The transport's messages are plain bytes. A message that arrives as a variant breaks the protocol when its bytes
   * are parsed. */
  if (G_LIKELY (end->kept != NULL) && !ferry_link_transport_waits (end->router, end->kept, data, size))
    ferry_transport_receive_bytes (end->kept, data, size, receiver->large, receiver->verdict);
}

/* ---- threads that wait for answers ---- */

static void
begin_wait (gpointer data, FerryAnswerWait *wait)
{
  End *end = data;
  FerryLink *link = get_link (end);

  wait->connection_id = ferry_receiver_get_connection_id (end->receiver);
  if (link != NULL)
    ferry_short_cut_begin_wait (ferry_monitor_get_short_cut (end->monitor), link, wait);
}

static void
end_wait (gpointer data, FerryAnswerWait *wait, gboolean waits, gint64 deadline, GCancellable *cancellable)
{
  End *end = data;

  ferry_short_cut_end_wait (get_link (end), wait, waits, deadline, cancellable);
}

/* ---- the end of the pipe ---- */

static GError *
describe_end (FerryExit *exit)
{
  FerryCloseReason reason = ferry_exit_get_reason (exit);

  if (reason == FERRY_CLOSE_REASON_STOPPED)
    return g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                "The worker closed the transport; spawn another worker");
  return g_error_new_literal (
    FERRY_ERROR, reason == FERRY_CLOSE_REASON_ROUTER_STOPPED ? FERRY_ERROR_CLOSED : FERRY_ERROR_WORKER_LOST,
    ferry_exit_get_message (exit));
}

static void
pipe_closed (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  End *end = data;
  g_autoptr (FerryTransport) transport = g_weak_ref_get (&end->transport);
  g_autoptr (GError) reason = NULL;

  if (transport == NULL)
    return;
  g_mutex_lock (&end->lock);
  end->pipe_closed = TRUE;
  g_mutex_unlock (&end->lock);
  reason = describe_end (exit);
  ferry_transport_end (transport, reason);
}

/* ---- the end ---- */

/* A rule that the worker broke. */
typedef struct
{
  FerryRouter *router; /* (owned) */
  FerryLink *link;     /* (owned) */
  GError *reason;      /* (owned) */
} Fault;

static void
fault_free (gpointer data)
{
  Fault *self = data;

  g_object_unref (self->router);
  ferry_link_unref (self->link);
  g_error_free (self->reason);
  g_free (self);
}

/* main */
static void
apply_fault (gpointer data)
{
  const Fault *self = data;

  ferry_router_fault_link (self->router, self->link, self->reason->message);
}

/* Ends the whole link if the transport ended because of a protocol error. */
static void
fault_link (End *end, FerryLink *link)
{
  g_autoptr (GError) reason = ferry_transport_dup_reason (end->self);
  g_autoptr (FerryRouter) router = NULL;
  Fault *fault;

  if (!g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_PROTOCOL))
    return;
  router = ferry_receiver_dup_router (end->receiver);
  if (router == NULL)
    return;
  fault = g_new (Fault, 1);
  *fault = (Fault){g_steal_pointer (&router), ferry_link_ref (link), g_steal_pointer (&reason)};
  if (end->router_thread != g_thread_self ())
    {
      ferry_mailbox_post (end->context, apply_fault, fault, fault_free);
      return;
    }
  apply_fault (fault);
  fault_free (fault);
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
    {
      ferry_link_remove_room_watch (link, &end->room_watch);
      fault_link (end, link);
    }
  if (ours && link != NULL)
    ferry_link_send_stop (link, ferry_receiver_get_connection_id (end->receiver));
  if (ours)
    ferry_receiver_abandon (end->receiver);
}

static void
end_free (gpointer data)
{
  End *end = data;
  FerryLink *link = get_link (end);

  g_clear_object (&end->receiver);
  g_clear_pointer (&end->monitor, ferry_monitor_unref);
  g_clear_pointer (&link, ferry_link_unref);
  end_unref (end);
}

static const FerryCarrierFuncs carrier_funcs = {
  .send = send_message,
  .close = end_close,
  .free = end_free,
  .cancel = send_cancel,
  .begin_wait = begin_wait,
  .end_wait = end_wait,
};

/* ---- from a launcher to a link ---- */

/* main */
static void
abandon (gpointer receiver)
{
  ferry_receiver_abandon (receiver);
}

/* main: Called when the launcher has passed the pipe to a worker that is not started yet, or has dropped the pipe.
 * Takes the reference to the transport, which is data. */
static void
launcher_done (FerryWorker *worker, gpointer data)
{
  g_autoptr (FerryTransport) transport = data;
  End *end = ferry_transport_get_carrier (transport, &carrier_funcs);
  FerryLink *link = worker != NULL ? ferry_worker_get_link (worker) : NULL;
  g_autoptr (GError) reason = NULL;
  gboolean ended;
  gboolean ours;

  g_weak_ref_set (&end->worker, worker);
  g_mutex_lock (&end->lock);
  end->with_launcher = FALSE;
  ended = end->ended;
  ours = ended && !end->pipe_closed;
  if (link != NULL && !ended)
    {
      ferry_link_add_room_watch (link, &end->room_watch);
      /* Release: publishes the link for get_link(). */
      atomic_store_explicit (&end->link, ferry_link_ref (link), memory_order_release);
    }
  g_mutex_unlock (&end->lock);
  if (link != NULL && !ended)
    {
      ferry_transport_offer_descriptors (transport);
      /* Answers that were kept while there was no worker may be sent now. */
      ferry_transport_note_room (transport);
    }
  /* The worker's link is told of the close only once it is added, which it is when this function has returned. */
  if (ours && link != NULL)
    {
      ferry_link_send_stop (link, ferry_receiver_get_connection_id (end->receiver));
      ferry_mailbox_post (end->context, abandon, g_object_ref (end->receiver), g_object_unref);
    }
  else if (ours)
    ferry_receiver_abandon (end->receiver);
  if (!ended && link == NULL)
    {
      reason = g_error_new_literal (
        FERRY_ERROR, FERRY_ERROR_CLOSED,
        "The launcher was dropped before it spawned a worker for the transport; keep it until then");
      ferry_transport_end (transport, reason);
    }
}

/* Returns (transfer full) a new transport. Takes receiver. index: the index of the transport's pipe among the pipes
 * of the link. */
static FerryTransport *
link_transport_new (FerryReceiver *receiver, FerryRouter *router, guint index)
{
  End *end = g_atomic_rc_box_new0 (End);
  FerryTransport *transport = ferry_transport_new_for_carrier (&carrier_funcs, g_atomic_rc_box_acquire (end));

  ferry_transport_set_first_xid (transport, ferry_transport_get_first_xid (index));
  ferry_transport_set_max_answer (transport, router->max_message_size);
  ferry_transport_set_receiving_thread (transport, g_thread_self ());
  ferry_transport_set_pass_func (transport, pass_socket, end, TRUE);
  g_weak_ref_init (&end->transport, transport);
  g_weak_ref_init (&end->worker, NULL);
  end->self = transport;
  end->receiver = receiver;
  end->router_thread = g_thread_self ();
  end->router = router;
  end->context = g_main_context_ref (router->context);
  end->monitor = ferry_monitor_ref (router->monitor);
  g_mutex_init (&end->lock);
  end->room_watch = (FerryRoomWatch){.func = room_came, .data = end};
  receiver->internal = TRUE;
  ferry_receiver_set_handler (receiver, message_came, end, end_unref);
  g_signal_connect_data (receiver, "closed", G_CALLBACK (pipe_closed), g_atomic_rc_box_acquire (end),
                         (GClosureNotify) (GCallback) end_unref, 0);
  return transport;
}

FerryRouter *
ferry_link_transport_dup_router (FerryTransport *transport)
{
  End *end = ferry_transport_get_carrier (transport, &carrier_funcs);

  return end != NULL ? ferry_receiver_dup_router (end->receiver) : NULL;
}

gboolean
ferry_link_transport_is_starting (FerryTransport *transport)
{
  End *end = ferry_transport_get_carrier (transport, &carrier_funcs);
  g_autoptr (FerryWorker) worker = end != NULL ? g_weak_ref_get (&end->worker) : NULL;

  return worker != NULL && ferry_worker_get_state (worker) == FERRY_WORKER_STATE_STARTING;
}

/* Returns the function that the worker's program must call to get a transport of that name. */
static const char *
get_entry (const char *name)
{
  return g_str_has_prefix (name, FERRY_RESERVED_SENDER_PREFIX) ? FERRY_MAIN_ENTRY : "ferry_worker_get_transport()";
}

/* ---- the transports that a launcher was given ---- */

/* The key of the GObject data by which a launcher has the transports of its last worker, and those for the next one. */
#define GIVEN_KEY "ferry-transports"
/* The key of the GObject data by which a transport has its place. */
#define PLACE_KEY "ferry-place"

typedef struct
{
  char *name;         /* (owned) */
  GWeakRef transport; /* (element-type FerryTransport) */
  GObject *place;     /* (owned): see FerryRenewal */
} Given;

static void
given_free (gpointer data)
{
  Given *self = data;

  g_weak_ref_clear (&self->transport);
  g_object_unref (self->place);
  g_free (self->name);
  g_free (self);
}

/* Returns (element-type Given) the launcher's list. */
static GPtrArray *
get_given (FerryLauncher *launcher)
{
  GPtrArray *list = g_object_get_data (G_OBJECT (launcher), GIVEN_KEY);

  if (list == NULL)
    {
      list = g_ptr_array_new_with_free_func (given_free);
      g_object_set_data_full (G_OBJECT (launcher), GIVEN_KEY, list, (GDestroyNotify) g_ptr_array_unref);
    }
  return list;
}

/* Whether the transport (nullable) of the list waits for the launcher's next worker. */
static gboolean
is_pending (FerryTransport *transport)
{
  End *end = transport != NULL ? ferry_transport_get_carrier (transport, &carrier_funcs) : NULL;
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = end != NULL ? g_mutex_locker_new (&end->lock) : NULL;

  return end != NULL && end->with_launcher;
}

/* Removes the transports of the last worker from the launcher's list, which keeps those for the next one. Returns
 * (transfer full) (element-type Given): them. */
static GPtrArray *
take_former (FerryLauncher *launcher)
{
  GPtrArray *former = g_ptr_array_new_with_free_func (given_free);
  GPtrArray *list = get_given (launcher);

  for (guint i = list->len; i-- > 0;)
    {
      Given *given = list->pdata[i];
      g_autoptr (FerryTransport) transport = g_weak_ref_get (&given->transport);

      if (!is_pending (transport))
        g_ptr_array_insert (former, 0, g_ptr_array_steal_index (list, i));
    }
  return former;
}

/* transport: (nullable). */
static void
add_given (FerryLauncher *launcher, const char *name, FerryTransport *transport, GObject *place)
{
  Given *given = g_new0 (Given, 1);

  given->name = g_strdup (name);
  given->place = g_object_ref (place);
  g_weak_ref_init (&given->transport, transport);
  g_ptr_array_add (get_given (launcher), given);
}

/* Notes a transport for the next worker. From now on that worker is the launcher's last one. */
static void
note_given (FerryLauncher *launcher, const char *name, FerryTransport *transport)
{
  g_autoptr (GObject) place = g_object_new (G_TYPE_OBJECT, NULL);

  g_ptr_array_unref (take_former (launcher));
  add_given (launcher, name, transport, place);
  g_object_set_data_full (G_OBJECT (transport), PLACE_KEY, g_steal_pointer (&place), g_object_unref);
}

/* Fails with FERRY_ERROR_ALREADY_RUNNING while a transport of the launcher's last worker is open. */
static gboolean
check_ended (FerryLauncher *launcher, GError **error)
{
  GPtrArray *list = get_given (launcher);

  for (guint i = 0; i < list->len; i++)
    {
      Given *given = list->pdata[i];
      g_autoptr (FerryTransport) transport = g_weak_ref_get (&given->transport);

      if (transport != NULL && !is_pending (transport) && !ferry_transport_get_closed (transport))
        return ferry_set_error (
          error, FERRY_ERROR_ALREADY_RUNNING,
          "The transport '%s' of the last worker is open; end that worker, and spawn again when it has ended",
          given->name);
    }
  return TRUE;
}

static void
renewal_free (gpointer data)
{
  FerryRenewal *self = data;

  g_clear_object (&self->former);
  g_clear_object (&self->renewed);
  g_object_unref (self->place);
  g_free (self->name);
  g_free (self);
}

/* Returns (transfer full) (element-type FerryRenewal) what is to be renewed, which is in the launcher's list no more.
 */
static GPtrArray *
take_renewals (FerryLauncher *launcher)
{
  g_autoptr (GPtrArray) given = take_former (launcher);
  GPtrArray *renewals = g_ptr_array_new_with_free_func (renewal_free);

  for (guint i = 0; i < given->len; i++)
    {
      Given *one = given->pdata[i];
      FerryRenewal *renewal = g_new0 (FerryRenewal, 1);

      *renewal =
        (FerryRenewal){g_strdup (one->name), g_object_ref (one->place), g_weak_ref_get (&one->transport), NULL};
      g_ptr_array_add (renewals, renewal);
    }
  return renewals;
}

void
ferry_launcher_restore_transports (FerryLauncher *self, GPtrArray *renewals)
{
  for (guint i = 0; i < renewals->len; i++)
    if (((FerryRenewal *) renewals->pdata[i])->renewed != NULL)
      ferry_launcher_drop_last_sender (self);
  /* What was renewed waits for no worker any more: it has no place in the list. */
  g_ptr_array_unref (take_former (self));
  for (guint i = 0; i < renewals->len; i++)
    {
      const FerryRenewal *renewal = renewals->pdata[i];

      add_given (self, renewal->name, renewal->former, renewal->place);
    }
}

GPtrArray *
ferry_launcher_renew_transports (FerryLauncher *self, FerryRouter *router, GError **error)
{
  g_autoptr (GPtrArray) renewals = NULL;

  if (!ferry_router_check (router, error) ||
      !ferry_affinity_check_error (ferry_launcher_get_affinity (self), "ferry_launcher_spawn_again", error) ||
      !check_ended (self, error))
    return NULL;
  /* Transports that were added since are for another worker. */
  if (ferry_launcher_count_senders (self) > 0)
    return g_ptr_array_new ();
  renewals = take_renewals (self);
  for (guint i = 0; i < renewals->len; i++)
    {
      FerryRenewal *renewal = renewals->pdata[i];

      renewal->renewed = ferry_launcher_add_transport (self, router, renewal->name, error);
      if (renewal->renewed == NULL)
        {
          ferry_launcher_restore_transports (self, renewals);
          return NULL;
        }
    }
  return g_steal_pointer (&renewals);
}

GObject *
ferry_link_transport_get_place (FerryTransport *transport)
{
  return g_object_get_data (G_OBJECT (transport), PLACE_KEY);
}

/**
 * ferry_launcher_add_transport:
 * @self: a launcher
 * @router: the running router that the worker will be spawned with
 * @name: the name by which the worker asks for the transport; 1 to 239 bytes
 * @error: return location for an error
 *
 * Adds a transport between the application and the next worker that @self spawns. Both ends may ask and answer over the
 * transport. The worker gets its end with [func@Ferry.Worker.get_transport]. [method@Ferry.Launcher.spawn] and
 * [func@Ferry.Channel.start] spawn such workers. The workers of a pool have no transports, see [ctor@Ferry.Pool.new].
 *
 * Until the worker is spawned, requests fail with %FERRY_ERROR_NOT_STARTED. After that, requests wait until the worker
 * reads them. Sending never waits at the application's end: if more than 1 MiB waits for the worker, it fails with
 * %FERRY_ERROR_WOULD_BLOCK.
 *
 * When the worker ends, the transport closes with %FERRY_ERROR_WORKER_LOST and the reason. The transport closes with
 * %FERRY_ERROR_CLOSED when the worker closes its end or the router stops. It also does when the launcher is dropped
 * before it spawns a worker. If the worker sends a malformed message over the transport, the worker is killed, with the
 * reason %FERRY_CLOSE_REASON_PROTOCOL_ERROR. Closing a transport does not end the worker. To start a worker in the
 * place of one that has ended, with all proxies, see [method@Ferry.Launcher.spawn_again].
 *
 * On the router's thread, which is also the receiving thread. The transport itself may be used by any thread.
 *
 * Fails with %FERRY_ERROR_NOT_RUNNING and %FERRY_ERROR_WRONG_THREAD. Fails with %FERRY_ERROR_BAD_ARGUMENTS when the
 * name cannot be used or was used for this worker already. Fails with %FERRY_ERROR_TOO_LARGE when the router or the
 * worker has too many pipes.
 *
 * Returns: (transfer full): the application's end of the transport
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
                       "A transport cannot have the name '%s'; use a name of 1 to %d bytes", name, (int) MAX_NAME);
      return NULL;
    }
  if (!ferry_affinity_check_error (ferry_launcher_get_affinity (self), G_STRFUNC, error) ||
      !ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, error))
    return NULL;
  sender_name = g_strconcat (FERRY_TRANSPORT_SENDER_PREFIX, name, NULL);
  /* The worker gets its senders in the order in which they were added, so the index of this sender is the number of
   * earlier ones. */
  transport = link_transport_new (receiver, router, ferry_launcher_count_senders (self));
  if (!ferry_launcher_add_watched_sender (self, sender_name, sender, get_entry (name), launcher_done, transport, error))
    return NULL;
  ((End *) ferry_transport_get_carrier (transport, &carrier_funcs))->with_launcher = TRUE;
  note_given (self, name, transport);
  return g_object_ref (g_steal_pointer (&transport));
}
