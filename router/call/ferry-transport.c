/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The object: its carrier, the messages that come, the waits of threads for answers, and the end.
 *
 * Four files work on the tables of calls inside a transport: what this end has asked, what it answers, and the cancels
 * that came before their requests. This one has the object, what comes and the end, ferry-request.c the end that asks,
 * ferry-call.c the end that answers, and ferry-room.c what waits for room.
 *
 * Carriers:   ferry-link-transport.c and ferry-worker-transport.c here, others by the same table of functions; and a
 *             subclass, by its methods.
 * Asking:     a request is added to the table before it is sent. One function removes it: the one that receives its
 *             answer, _forget(), _abandon(), _end_request() or _end(), or _ask() itself if the request was not sent.
 *             The function that removes a request also calls done() if done() is to be called, so done() is called at
 *             most once.
 * Calls:      a call is in the table of the end that answers it until it is over; windows and cancels find it there. A
 *             call that is dropped without an answer stays until its refusal is sent. So the asking end always gets an
 *             answer, or the end of the link.
 * Locks:      send_lock is taken before lock. No callback is called with lock held, except hold(), window_hold() and
 *             match(). send() may be called with send_lock held.
 * References: a call that was handed over holds the transport until its last reference is dropped. One that waits for
 *             an owner, or for its refusal to be sent, does not, and goes with the transport. The transport refers to
 *             open calls by call_try_ref() under the lock, which the call's last unref takes too. */

#include "config.h"

#include "call/ferry-calls-private.h"
#include "call/ferry-link-transport-private.h"

#include "base/ferry-property-private.h"
#include "base/ferry-revival-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-wake-private.h"
#include "wire/ferry-lane-layout.h"
#include "wire/ferry-remote-error-private.h"

/* The default size in bytes of the largest answer. */
#define DEFAULT_MAX_ANSWER (256 * 1024 * 1024)

/**
 * FerryTransport:
 *
 * Carries calls between two ends. Both ends may ask and answer: a [class@Ferry.Mux] asks over a transport, and a
 * [class@Ferry.Demux] answers.
 *
 * These functions make transports:
 *
 * - [method@Ferry.Launcher.add_transport] and [func@Ferry.Worker.get_transport]: over a worker's link;
 * - [ctor@Ferry.Transport.new_for_descriptors]: over a socket, or over two pipes;
 * - [func@Ferry.Transport.new_pair]: between two ends in one process.
 *
 * A subclass is another kind of transport. It must send whole messages in order, in one piece
 * ([vfunc@Ferry.Transport.send_bytes]) or in parts ([vfunc@Ferry.Transport.send]). It must call
 * [method@Ferry.Transport.receive] with each message that arrives. It must call [method@Ferry.Transport.end] when no
 * more messages can arrive.
 *
 * The other end is not trusted: a message that breaks a rule closes the transport.
 *
 * A transport closes when [method@Ferry.Transport.close] is called, when the other end closes, and when its last
 * reference is dropped. All calls in flight then fail with the reason, see [property@Ferry.Transport:reason]. Later
 * calls fail with %FERRY_ERROR_CLOSED.
 *
 * Any thread may use a transport. A process that was forked from an application with workers cannot use the transports
 * to them. What it asks fails with %FERRY_ERROR_CLOSED, without harm for the application and the worker.
 */
G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (FerryTransport, ferry_transport, G_TYPE_OBJECT)

enum
{
  PROP_CLOSED = 1,
  PROP_REASON,
  PROP_MAX_DESCRIPTORS,
};

/* ---- what it is made for ---- */

void
ferry_transport_set_unbounded (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  priv->piece_size = G_MAXSIZE;
  priv->max_open_bytes = G_MAXSIZE;
}

void
ferry_transport_set_first_xid (FerryTransport *self, guint64 first)
{
  ferry_transport_get_private (self)->next_xid = first;
}

void
ferry_transport_set_max_answer (FerryTransport *self, guint64 max_answer)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  FERRY_AUTO_LOCK (&priv->lock);
  priv->max_answer = MIN (max_answer, G_MAXUINT / 2);
}

FerryWeak *
ferry_transport_get_weak (FerryTransport *self)
{
  return ferry_transport_get_private (self)->weak;
}

/* ---- which threads may wait for answers ---- */

void
ferry_transport_set_receiving_thread (FerryTransport *self, GThread *thread)
{
  /* Relaxed: a thread only compares the value with itself, and if they are equal, that thread has set the value. */
  atomic_store_explicit (&ferry_transport_get_private (self)->receiving_thread, thread, memory_order_relaxed);
}

static gboolean
is_receiving (FerryTransport *self)
{
  return atomic_load_explicit (&ferry_transport_get_private (self)->receiving_thread, memory_order_relaxed) ==
         g_thread_self ();
}

gboolean
ferry_transport_begin_handler (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  return priv->funcs->begin_handler != NULL && priv->funcs->begin_handler (priv->carrier);
}

gint64
ferry_transport_end_handler (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  return priv->funcs->end_handler (priv->carrier, FALSE);
}

/* Whether this thread has to receive, and so must not wait. */
static gboolean
stays_receiving (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  return is_receiving (self) &&
         (priv->funcs->end_handler == NULL || priv->funcs->end_handler (priv->carrier, TRUE) == 0);
}

gboolean
ferry_transport_check_may_wait (FerryTransport *self, const char *form, GError **error)
{
  /* Before GLib is asked: another thread may have had one of its locks at the fork. */
  if (!ferry_transport_check_process (self, error))
    return FALSE;
  if (g_main_context_is_owner (NULL))
    return ferry_set_error (error, FERRY_ERROR_WRONG_THREAD,
                            "Waiting on this thread would block the main loop; use %s, or another thread", form);
  return !stays_receiving (self) ||
         ferry_set_error (error, FERRY_ERROR_WRONG_THREAD,
                          "Waiting on this thread, which receives the answer, would block it; use %s, or another "
                          "thread, on which FerryDemux:threads has handlers run",
                          form);
}

/* ---- how it stands ---- */

/* The number of the oldest call of a table; 0: it has none. The standing call is a channel's. */
static guint64
get_oldest (const FerryXidTable *table, guint *n)
{
  guint64 oldest = FERRY_STANDING_XID;

  *n = 0;
  for (guint i = 0; i < table->n_slots; i++)
    if (table->slots[i].xid != 0 && table->slots[i].xid != FERRY_STANDING_XID)
      {
        oldest = MIN (oldest, table->slots[i].xid);
        ++*n;
      }
  return *n > 0 ? oldest : 0;
}

/* FerryLoadFunc. A transport with a standing call is a channel's. */
static gboolean
look (gpointer object, FerryLoad *load)
{
  /* Of a link's requests, the bits above are the transport's: ferry_transport_get_first_xid(). */
  const guint64 counted = ((guint64) 1 << FERRY_TRANSPORT_XID_BITS) - 1;
  FerryTransportPrivate *priv = ferry_transport_get_private (object);
  FERRY_AUTO_LOCK (&priv->lock);

  if (priv->reason != NULL || priv->standing_asked)
    return FALSE;
  *load = (FerryLoad){.n_carried = (priv->next_xid - 1) & counted};
  load->oldest = get_oldest (&priv->asked, &load->n_sent) & counted;
  if (priv->highest_call != FERRY_STANDING_XID)
    load->n_carried += priv->highest_call & counted;
  get_oldest (&priv->calls, &load->n_received);
  return TRUE;
}

/* ---- a subclass as its own carrier ---- */

static gboolean
class_send (gpointer transport, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  return FERRY_TRANSPORT_GET_CLASS (transport)->send (transport, (const GOutputVector *) parts, n_parts, error);
}

static void
class_close (gpointer transport)
{
  FERRY_TRANSPORT_GET_CLASS (transport)->close (transport);
}

static const FerryCarrierFuncs class_funcs = {.send = class_send, .close = class_close};

/* ---- descriptors ---- */

void
ferry_transport_set_pass_func (FerryTransport *self, FerryPassSocketFunc pass, gpointer data, gboolean both_ways)
{
  FerryDescriptorPort *port = &ferry_transport_get_private (self)->port;

  port->pass = pass;
  port->pass_data = data;
  port->both_ways = both_ways;
}

gboolean
ferry_transport_join_descriptors (FerryTransport *self, int socket)
{
  return ferry_descriptor_port_join (&ferry_transport_get_private (self)->port, socket);
}

void
ferry_transport_offer_descriptors (FerryTransport *self)
{
  FerryDescriptorPort *port = &ferry_transport_get_private (self)->port;
  g_autoptr (GError) error = NULL;

  if (port->both_ways && port->pass != NULL && ferry_descriptor_port_get_max (port) > 0 &&
      !ferry_descriptor_port_open (port, &error) && !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED))
    ferry_transport_end (self, error);
}

/**
 * ferry_transport_send_descriptor:
 * @self: a transport
 * @fd: a descriptor, which stays the caller's
 * @error: return location for an error
 *
 * Sends a copy of a descriptor to the other end, for example of memory, a file or a socket. The other end takes it by
 * the handle that this function returns. So send the handle afterwards: in the arguments of a request or a call, an
 * item or an answer, by convention as a value of the type “h”. Handles count from 0, for each direction by itself.
 *
 * The other end says by [property@Ferry.Transport:max-descriptors] how many it takes. A transport carries descriptors
 * if it is a worker's, a task's, or one of a pair. So does one over a stream that is a `AF_UNIX` socket.
 *
 * This function never waits. Any thread may call it.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS if this kind of transport carries no descriptors, or, in a worker, if the
 * application takes none. Fails with %FERRY_ERROR_NOT_STARTED while the transport has no worker. Fails with
 * %FERRY_ERROR_WOULD_BLOCK while many wait for the other end to take them. Fails with %FERRY_ERROR_CLOSED, and with
 * %FERRY_ERROR_SYSTEM if the system refuses to send the descriptor.
 *
 * Returns: the handle, or -1 with an error
 */
gint
ferry_transport_send_descriptor (FerryTransport *self, int fd, GError **error)
{
  g_return_val_if_fail (FERRY_IS_TRANSPORT (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  return ferry_transport_check_process (self, error)
           ? ferry_descriptor_port_send (&ferry_transport_get_private (self)->port, fd, error)
           : -1;
}

/**
 * ferry_transport_take_descriptor:
 * @self: a transport with [property@Ferry.Transport:max-descriptors]
 * @handle: a handle that [method@Ferry.Transport.send_descriptor] has returned at the other end, and a message has
 *   brought
 * @error: return location for an error
 *
 * Takes a descriptor that the other end has sent, once. It is there as soon as the message that names it, and can still
 * be taken when the transport is closed. The caller must close it. Programs that this process executes do not inherit
 * it. This function never waits. Any thread may call it.
 *
 * The other end chooses the file. See [method@Ferry.Task.dup_descriptor] for how to use a file of a process that is not
 * trusted.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS if this end takes no descriptors, or the other end has sent none with that
 * handle. Fails with %FERRY_ERROR_CLOSED if it was taken before. Fails with %FERRY_ERROR_TOO_LARGE if more descriptors
 * came before it than may wait. Fails with %FERRY_ERROR_SYSTEM if this process has too many files open.
 *
 * Returns: a descriptor, or -1 with an error
 */
int
ferry_transport_take_descriptor (FerryTransport *self, gint handle, GError **error)
{
  g_return_val_if_fail (FERRY_IS_TRANSPORT (self), -1);
  g_return_val_if_fail (error == NULL || *error == NULL, -1);

  return ferry_descriptor_port_take (&ferry_transport_get_private (self)->port, handle, "The other end", NULL, error);
}

/* ---- messages ---- */

/* Keeps what comes for the standing call before this end has asked it. Returns FALSE if it has. */
static gboolean
keep (FerryTransportPrivate *priv, const FerryCallMessage *message, gconstpointer data, gsize size, gboolean *fits)
{
  const FerryCallKind kind = message->header.kind;
  FERRY_AUTO_LOCK (&priv->lock);

  /* An other end that claims its calls has no standing call. */
  if (priv->standing || priv->funcs->is_begun != NULL || kind == FERRY_CALL_REQUEST || kind == FERRY_CALL_WINDOW ||
      kind == FERRY_CALL_CANCEL)
    return FALSE;
  *fits =
    priv->kept.length <= FERRY_STANDING_WINDOW &&
    (priv->kept.length == 0 || size <= FERRY_MAX_OPEN_CALL_BYTES - MIN (priv->kept_size, FERRY_MAX_OPEN_CALL_BYTES));
  if (*fits)
    g_queue_push_tail (&priv->kept, message->whole != NULL ? g_bytes_ref (message->whole) : g_bytes_new (data, size));
  priv->kept_size += size;
  return TRUE;
}

/* Returns (transfer full) (nullable) the next message that was kept. */
static GBytes *
take_kept (FerryTransportPrivate *priv)
{
  GBytes *bytes;
  FERRY_AUTO_LOCK (&priv->lock);

  bytes = g_queue_pop_head (&priv->kept);
  priv->standing = bytes == NULL;
  priv->kept_size -= bytes != NULL ? g_bytes_get_size (bytes) : 0;
  return bytes;
}

static gboolean
receive_now (FerryTransportPrivate *priv, const FerryCallMessage *message, GError **error)
{
  switch (message->header.kind)
    {
    case FERRY_CALL_REQUEST:
      return ferry_calls_receive_request (priv, message, error);
    case FERRY_CALL_ITEM:
      return ferry_calls_check_begun (priv, message, error) && ferry_calls_receive_item (priv, message, error);
    case FERRY_CALL_WINDOW:
      return ferry_calls_receive_window (priv, message, error);
    case FERRY_CALL_CANCEL:
      ferry_transport_receive_cancel (priv->self, message->header.xid, (guint16) message->header.number);
      return TRUE;
    case FERRY_CALL_PIECE:
      return ferry_calls_check_begun (priv, message, error) && ferry_calls_receive_piece (priv, message, error);
    default:
      return ferry_calls_check_begun (priv, message, error) && ferry_calls_receive_answer (priv, message, error);
    }
}

static gboolean
receive (FerryTransportPrivate *priv, const FerryCallMessage *message, gconstpointer data, gsize size, GError **error)
{
  gboolean fits;

  if (ferry_calls_is_closed (priv))
    return TRUE;
  /* A carrier need not tell of room that the other end made before it sent this. Relaxed: see note_owed_locked(). */
  if (atomic_load_explicit (&priv->has_owed, memory_order_relaxed))
    ferry_calls_flush (priv);
  if (message->header.xid != FERRY_STANDING_XID || !keep (priv, message, data, size, &fits))
    return receive_now (priv, message, error);
  return fits || ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                                  "More was sent for the standing call than a transport keeps; use the same version of "
                                  "Ferry at both ends");
}

gboolean
ferry_transport_receive_kept (FerryTransport *self, GError **error)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  gboolean received = TRUE;
  GBytes *bytes;

  while (received && (bytes = take_kept (priv)) != NULL)
    {
      FerryCallMessage message;

      /* It was parsed before. */
      ferry_call_message_parse (&message, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL);
      message.whole = bytes;
      received = receive_now (priv, &message, error);
      g_bytes_unref (bytes);
    }
  return received;
}

gboolean
ferry_transport_process (FerryTransport *self, gconstpointer data, gsize size, GBytes *bytes, FerryValueVerdict verdict,
                         GError **error)
{
  FerryCallMessage message;

  if (bytes != NULL)
    data = g_bytes_get_data (bytes, &size);
  if (!ferry_call_message_parse (&message, data, size, error))
    return FALSE;
  message.whole = bytes;
  message.verdict = verdict;
  return receive (ferry_transport_get_private (self), &message, data, size, error);
}

/**
 * ferry_transport_receive:
 * @self: a transport
 * @data: (array length=size) (element-type guint8): a message as the other end sent it, borrowed
 * @size: the size of @data in bytes
 *
 * For implementations: processes a message that arrived. One thread at a time may call this; answers and requests are
 * delivered on that thread. A message that breaks a rule of the protocol closes the transport.
 */
void
ferry_transport_receive (FerryTransport *self, gconstpointer data, gsize size)
{
  g_autoptr (FerryTransport) kept = NULL;

  g_return_if_fail (FERRY_IS_TRANSPORT (self));

  kept = g_object_ref (self);
  ferry_transport_receive_bytes (self, data, size, NULL, FERRY_VALUE_UNJUDGED);
}

void
ferry_transport_receive_bytes (FerryTransport *self, gconstpointer data, gsize size, GBytes *bytes,
                               FerryValueVerdict verdict)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  GThread *before = atomic_load_explicit (&priv->receiving_thread, memory_order_relaxed);
  g_autoptr (GError) error = NULL;

  /* Until this function returns, this thread is the receiving thread, whichever thread was set before. */
  if (before != g_thread_self ())
    ferry_transport_set_receiving_thread (self, g_thread_self ());
  if (!ferry_transport_process (self, data, size, bytes, verdict, &error))
    ferry_transport_end (self, error);
  if (before != g_thread_self ())
    ferry_transport_set_receiving_thread (self, before);
}

void
ferry_transport_watch_end (FerryTransport *self, FerryTransportEndFunc func, GObject *owner)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  FERRY_AUTO_LOCK (&priv->lock);

  priv->owner_func = func;
  priv->owner = owner;
}

void
ferry_transport_unwatch_end (FerryTransport *self, GObject *owner)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  FERRY_AUTO_LOCK (&priv->lock);

  if (priv->owner == owner)
    {
      priv->owner_func = NULL;
      priv->owner = NULL;
    }
}

static void
tell_owner_of_end (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  g_autoptr (GObject) owner = NULL;
  FerryTransportEndFunc func;

  pthread_mutex_lock (&priv->lock);
  func = priv->owner_func;
  if (func != NULL)
    owner = g_object_ref (priv->owner);
  pthread_mutex_unlock (&priv->lock);
  if (func != NULL)
    func (self, owner);
}

/* Returns (transfer full) (element-type FerryXidEntry) the requests that have no answer. A thread that was handed its
 * own takes that out of the table. */
static GArray *
steal_unanswered_locked (FerryTransportPrivate *priv)
{
  g_autoptr (GArray) all = ferry_xid_table_steal_all (&priv->asked);
  GArray *unanswered = g_array_new (FALSE, FALSE, sizeof (FerryXidEntry));

  g_array_set_clear_func (unanswered, (GDestroyNotify) ferry_xid_entry_clear);
  priv->pieces_size = 0;
  for (guint i = 0; i < all->len; i++)
    {
      const FerryXidEntry *entry = &g_array_index (all, FerryXidEntry, i);

      if (!entry->is_handed)
        {
          g_array_append_val (unanswered, *entry);
          continue;
        }
      priv->pieces_size += entry->pieces != NULL ? entry->pieces->len : 0;
      *ferry_xid_table_add (&priv->asked, entry->xid) = *entry;
    }
  /* All entries have moved. */
  g_array_set_clear_func (all, NULL);
  return unanswered;
}

/* Fails all requests that have no answer, and cancels the calls. Returns FALSE if the transport is closed. */
static gboolean
close_calls (FerryTransportPrivate *priv, const GError *reason, GQueue *unowned, GDestroyNotify *end_func)
{
  g_autoptr (GPtrArray) calls = NULL;
  g_autoptr (GArray) asked = NULL;

  pthread_mutex_lock (&priv->lock);
  if (priv->reason != NULL)
    {
      pthread_mutex_unlock (&priv->lock);
      return FALSE;
    }
  priv->reason = ferry_error_copy (reason);
  /* Release: publishes the reason for ferry_calls_is_closed(). */
  atomic_store_explicit (&priv->closed, TRUE, memory_order_release);
  asked = steal_unanswered_locked (priv);
  calls = ferry_calls_ref_open_locked (priv);
  ferry_xid_table_clear (&priv->early);
  *unowned = priv->unowned;
  g_queue_init (&priv->unowned);
  *end_func = g_steal_pointer (&priv->end_func);
  pthread_mutex_unlock (&priv->lock);

  /* Calls come first: they should stop soon, and done() may take long. */
  for (guint i = 0; i < calls->len; i++)
    ferry_call_cancel (g_ptr_array_index (calls, i), FERRY_CANCEL_REASON_CANCELLED);
  for (guint i = 0; i < asked->len; i++)
    {
      FerryXidEntry *entry = &g_array_index (asked, FerryXidEntry, i);
      g_autoptr (GError) copy = ferry_error_copy (priv->reason);

      entry->funcs->done (entry->data, NULL, copy, NULL, FALSE);
    }
  return TRUE;
}

/* Keeps the transport by its weak reference, as a thread may call this that must not change the reference count. */
static void
end (FerryTransport *self, const GError *reason)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  GDestroyNotify end_func;
  GQueue unowned;
  FERRY_USE_WEAK (FerryTransport, kept, priv->weak);

  if (!close_calls (priv, reason, &unowned, &end_func))
    return;
  ferry_transport_note_room (self);
  ferry_descriptor_port_end (&priv->port);
  /* Dropped after the close, so that no refusals are sent for them. */
  g_queue_clear_full (&unowned, (GDestroyNotify) ferry_call_unref);
  ferry_wait_queue_finish_all (&priv->at_end);
  tell_owner_of_end (self);
  /* Release: what the owner did is seen by the thread that waited for this. */
  atomic_store_explicit (&priv->ended, TRUE, memory_order_release);
  ferry_wait_queue_finish_all (&priv->at_end);
  if (priv->funcs->close != NULL)
    priv->funcs->close (priv->carrier);
  if (end_func != NULL)
    end_func (priv->end_data);
}

/**
 * ferry_transport_end:
 * @self: a transport
 * @reason: why no more messages can arrive
 *
 * For implementations: closes the transport, with that reason. Does nothing if the transport is closed. Any thread;
 * calls in flight fail on this thread.
 */
void
ferry_transport_end (FerryTransport *self, const GError *reason)
{
  g_return_if_fail (FERRY_IS_TRANSPORT (self));
  g_return_if_fail (reason != NULL);

  end (self, reason);
}

void
ferry_transport_set_end_func (FerryTransport *self, GDestroyNotify func, gpointer data)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  gboolean closed;

  pthread_mutex_lock (&priv->lock);
  closed = ferry_calls_is_closed (priv);
  if (!closed)
    {
      priv->end_func = func;
      priv->end_data = data;
    }
  pthread_mutex_unlock (&priv->lock);
  if (closed)
    func (data);
}

/**
 * ferry_transport_close:
 * @self: a transport
 *
 * Closes the transport. Calls in flight fail with %FERRY_ERROR_CLOSED on this thread, and requests that are being
 * answered are cancelled. Does nothing if the transport is closed. Any thread.
 */
void
ferry_transport_close (FerryTransport *self)
{
  g_autoptr (GError) reason = NULL;

  g_return_if_fail (FERRY_IS_TRANSPORT (self));

  reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The transport was closed at this end; open a new transport");
  ferry_transport_end (self, reason);
}

gboolean
ferry_transport_get_closed (FerryTransport *self)
{
  return ferry_calls_is_closed (ferry_transport_get_private (self));
}

static gboolean
is_closed (gpointer data)
{
  return ferry_transport_get_closed (data);
}

/**
 * ferry_transport_wait_closed:
 * @self: a transport
 *
 * Waits until the transport is closed. A worker that only answers can do so in its main function. Any thread but the
 * receiving one and that of a main loop. On these two threads the function logs a critical and returns at once.
 */
void
ferry_transport_wait_closed (FerryTransport *self)
{
  g_autoptr (GError) reason = NULL;
  gboolean may_wait;

  g_return_if_fail (FERRY_IS_TRANSPORT (self));
  may_wait = ferry_transport_check_may_wait (self, "FerryTransport:closed", &reason);
  ferry_return_if_fail (may_wait, "%s", reason->message);

  ferry_wait_queue_wait (&ferry_transport_get_private (self)->at_end, NULL, is_closed, self, G_MAXINT64, NULL, NULL,
                         NULL);
}

static gboolean
has_ended (gpointer data)
{
  return atomic_load_explicit (&ferry_transport_get_private (data)->ended, memory_order_acquire);
}

void
ferry_transport_wait_ended (FerryTransport *self)
{
  ferry_wait_queue_wait (&ferry_transport_get_private (self)->at_end, NULL, has_ended, self, G_MAXINT64, NULL, NULL,
                         NULL);
}

GError *
ferry_transport_dup_reason (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  return ferry_calls_is_closed (priv) ? ferry_error_copy (priv->reason) : NULL;
}

/* ---- the object ---- */

FerryTransportCounts
ferry_transport_get_counts (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  FERRY_AUTO_LOCK (&priv->lock);
  return (FerryTransportCounts){
    .n_asked = priv->asked.n_entries,
    .n_late = priv->n_late,
    .n_unknown = priv->n_unknown,
    .n_calls = priv->calls.n_entries,
    .n_early = priv->early.n_entries,
    .n_unsent = priv->n_sends,
    .pieces_size = priv->pieces_size,
  };
}

static void
ferry_transport_dispose (GObject *object)
{
  FerryTransport *self = FERRY_TRANSPORT (object);
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                                   "The transport was dropped at this end; keep a reference to it");

  if (ferry_forks_keep (object, ferry_transport_get_private (self)->fork_number))
    return;
  ferry_registry_remove (&ferry_transport_get_private (self)->registered);
  ferry_take_over (object);
  ferry_weak_end (ferry_transport_get_private (self)->weak);
  ferry_transport_end (self, reason);

  G_OBJECT_CLASS (ferry_transport_parent_class)->dispose (object);
}

static void
ferry_transport_finalize (GObject *object)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (FERRY_TRANSPORT (object));

  /* Each call that was handed over holds the transport, and the others went at the end. */
  g_assert (priv->calls.n_entries == 0);
  if (priv->funcs->free != NULL)
    priv->funcs->free (priv->carrier);
  ferry_calls_drop_judgement (priv);
  ferry_descriptor_port_clear (&priv->port);
  ferry_wait_queue_clear (&priv->room);
  ferry_wait_queue_clear (&priv->at_end);
  g_array_unref (ferry_xid_table_steal_all (&priv->asked));
  ferry_xid_table_clear (&priv->calls);
  ferry_xid_table_clear (&priv->early);
  g_free (priv->early_ring);
  g_queue_clear_full (&priv->owed, g_free);
  g_queue_clear_full (&priv->kept, (GDestroyNotify) g_bytes_unref);
  g_clear_error (&priv->reason);
  g_clear_error (&priv->refusal);
  ferry_weak_unref (priv->weak);
  pthread_mutex_destroy (&priv->lock);
  pthread_mutex_destroy (&priv->send_lock);

  G_OBJECT_CLASS (ferry_transport_parent_class)->finalize (object);
}

static void
ferry_transport_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryTransport *self = FERRY_TRANSPORT (object);

  if (id == PROP_CLOSED)
    g_value_set_boolean (value, ferry_transport_get_closed (self));
  else if (id == PROP_MAX_DESCRIPTORS)
    g_value_set_uint (value, ferry_descriptor_port_get_max (&ferry_transport_get_private (self)->port));
  else
    g_value_take_boxed (value, ferry_transport_dup_reason (self));
}

static void
ferry_transport_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FerryTransport *self = FERRY_TRANSPORT (object);

  ferry_descriptor_port_set_max (&ferry_transport_get_private (self)->port, g_value_get_uint (value));
  ferry_transport_offer_descriptors (self);
}

static gboolean
ferry_transport_send (FerryTransport *self, const GOutputVector *parts, guint n_parts, GError **error)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);
  g_autoptr (GByteArray) message = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (priv->carrier != self)
    return priv->funcs->send (priv->carrier, (const FerryPart *) parts, n_parts, NULL, error);
  message = g_byte_array_new ();
  for (guint i = 0; i < n_parts; i++)
    g_byte_array_append (message, parts[i].buffer, (guint) parts[i].size);
  bytes = g_byte_array_free_to_bytes (g_steal_pointer (&message));
  return FERRY_TRANSPORT_GET_CLASS (self)->send_bytes (self, bytes, error);
}

static void
ferry_transport_class_init (FerryTransportClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  ferry_transport_private_offset = FerryTransport_private_offset;
  klass->send = ferry_transport_send;
  object_class->get_property = ferry_transport_get_property;
  object_class->set_property = ferry_transport_set_property;
  ferry_revival_class_init (object_class);
  object_class->dispose = ferry_transport_dispose;
  object_class->finalize = ferry_transport_finalize;

  /**
   * FerryTransport:closed:
   *
   * Whether the transport is closed. Changes are not notified: see [method@Ferry.Transport.wait_closed]. Any thread.
   */
  g_object_class_install_property (object_class, PROP_CLOSED,
                                   g_param_spec_boolean ("closed", NULL, NULL, FALSE, FERRY_READABLE));

  /**
   * FerryTransport:reason:
   *
   * Why the transport is closed; %NULL while it is open:
   *
   * - %FERRY_ERROR_CLOSED when it was closed at either end;
   * - %FERRY_ERROR_WORKER_LOST when the worker at the other end has ended;
   * - %FERRY_ERROR_PROTOCOL and %FERRY_ERROR_VERSION when the other end has sent a wrong message;
   * - an error of this kind of transport.
   *
   * Changes are not notified. Any thread.
   */
  g_object_class_install_property (object_class, PROP_REASON,
                                   g_param_spec_boxed ("reason", NULL, NULL, G_TYPE_ERROR, FERRY_READABLE));

  /**
   * FerryTransport:max-descriptors:
   *
   * How many descriptors of the other end may wait here until [method@Ferry.Transport.take_descriptor] takes them. With
   * 0, the default, this end takes none. A worker can send descriptors only after the application has set this at its
   * end. Set it before the worker is spawned, or before the request that the worker answers with descriptors. Any
   * thread.
   */
  g_object_class_install_property (object_class, PROP_MAX_DESCRIPTORS,
                                   g_param_spec_uint ("max-descriptors", NULL, NULL, 0, FERRY_MAX_FDS_PER_LINK, 0,
                                                      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
}

static void
ferry_transport_init (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  priv->self = self;
  priv->weak = ferry_weak_new (self);
  priv->fork_number = ferry_forks_note ();
  priv->funcs = &class_funcs;
  priv->carrier = self;
  priv->piece_size = FERRY_CALL_PIECE_SIZE;
  priv->max_open_bytes = FERRY_MAX_OPEN_CALL_BYTES;
  priv->next_xid = 1;
  priv->max_answer = DEFAULT_MAX_ANSWER;
  pthread_mutex_init (&priv->send_lock, NULL);
  pthread_mutex_init (&priv->lock, NULL);
  g_queue_init (&priv->owed);
  g_queue_init (&priv->kept);
  g_queue_init (&priv->unowned);
  ferry_descriptor_port_init (&priv->port, 0);
  ferry_wait_queue_init (&priv->room);
  ferry_wait_queue_init (&priv->at_end);
  ferry_registry_add (&priv->registered, FERRY_KIND_TRANSPORT, self, look);
}

/* ---- carriers without a class of their own ---- */

#define FERRY_TYPE_PLAIN_TRANSPORT (ferry_plain_transport_get_type ())
G_DECLARE_FINAL_TYPE (FerryPlainTransport, ferry_plain_transport, FERRY, PLAIN_TRANSPORT, FerryTransport)

struct _FerryPlainTransport
{
  FerryTransport parent_instance;
};

G_DEFINE_FINAL_TYPE (FerryPlainTransport, ferry_plain_transport, FERRY_TYPE_TRANSPORT)

static void
ferry_plain_transport_class_init (FerryPlainTransportClass *klass)
{
}

static void
ferry_plain_transport_init (FerryPlainTransport *self)
{
}

FerryTransport *
ferry_transport_new_for_carrier (const FerryCarrierFuncs *funcs, gpointer carrier)
{
  FerryTransport *self = g_object_new (FERRY_TYPE_PLAIN_TRANSPORT, NULL);
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  priv->funcs = funcs;
  priv->carrier = carrier;
  return self;
}

gpointer
ferry_transport_get_carrier (FerryTransport *self, const FerryCarrierFuncs *funcs)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  return priv->funcs == funcs ? priv->carrier : NULL;
}

/* ---- carriers without threads ---- */

/* For how many such carriers this thread hands something over, nested within each other. */
static _Thread_local gint n_handing_over;

void
ferry_transport_note_handing_over (gint step)
{
  n_handing_over += step;
}

gboolean
ferry_transport_is_handing_over (void)
{
  return n_handing_over > 0;
}

GMainContext *
ferry_transport_get_context (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  return priv->funcs->get_context != NULL ? priv->funcs->get_context (priv->carrier) : NULL;
}

gboolean
ferry_transport_check_may_iterate (FerryTransport *self, const char *form, GError **error)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  return priv->funcs->check_may_iterate (priv->carrier, form, error);
}

gboolean
ferry_transport_is_flushed (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  return priv->funcs->is_flushed == NULL || priv->funcs->is_flushed (priv->carrier);
}

void
ferry_transport_flush (FerryTransport *self)
{
  FerryTransportPrivate *priv = ferry_transport_get_private (self);

  if (priv->funcs->flush != NULL)
    priv->funcs->flush (priv->carrier);
}
