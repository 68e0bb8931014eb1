/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker's end of a transport over its link. It sends by a carrier. One thread at a time receives for all transports
 * of the process, from the first ferry_worker_get_transport() until the link ends.
 *
 * That thread may run a handler, while a second one watches it. If the handler waits for an answer, or has not returned
 * when the watch has looked twice, the second thread receives in its place; the first one watches when it comes back.
 *
 * The thread waits for both lanes at once: ferry_downlink_receive() also returns for a cancel in the express lane.
 * The thread processes cancels before the message that it received, so each cancel overtakes as many messages as
 * possible. A transport keeps a cancel that arrives before its request.
 *
 * Owner:   transports: counted references; the reader: the process, which never frees it. The first
 *          ferry_worker_get_transport() makes all granted transports, and each is kept here until the program asks
 *          for it. So early requests wait in their transport.
 * Threads: any. No send waits while the up lane is full. Where many messages of a transport have no room, the reader's
 *          thread receives no more until they have. So a process that asks, and does not take the answers, fills its
 *          own down lane and no memory here.
 * Locks:   reader_lock, for the reader, turn_lock, for whose turn it is to receive, and one of each carrier; no
 *          function of a transport that sends or calls back is called with one held. */

#include "config.h"

#include "call/ferry-link-transport-private.h"

#include <pthread.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "call/ferry-transport-private.h"
#include "process/ferry-attachment-private.h"
#include "route/ferry-sender-private.h"

/* A transport that the application granted. */
typedef struct
{
  char *sender_name;       /* const: (owned) */
  guint64 connection_id;   /* const */
  guint index;             /* const: the index of the transport's pipe in the link */
  FerryTransport *untaken; /* lock: (owned) (nullable): the transport, until the program asks for it */
  FerryWeak *transport;    /* const: (owned) */
} Entry;

/* The time in microseconds after which a thread that has nothing to wait for ends. */
#define CARRIER_IDLE_TIME (5 * G_USEC_PER_SEC)

/* So many messages of a transport may wait for room before nothing more is received. */
#define MAX_UNSENT 256

/* How often a thread looks after the one that runs a handler, in microseconds, and after how many looks at which
 * nothing was done since the last one it sleeps. */
#define WATCH_TIME (1 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define N_QUIET_LOOKS 20

static GMutex reader_lock;
static GPtrArray *entries;      /* written with lock held: (element-type Entry) (nullable): const once it is set */
static FerryDownlink *downlink; /* written with lock held: const once it is set */
static GCond begun;             /* has_begun */
static gboolean has_begun;      /* lock: the reader's thread runs */

static pthread_mutex_t turn_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_changed;
static _Atomic (GThread *) receiver; /* written with turn_lock held: (unowned) (nullable): the thread that receives */
static guint64 n_turns;              /* turn_lock, as the next two: odd while the receiver runs a handler */
static gboolean is_watched;          /* a thread waits for its turn */
static gboolean watch_sleeps;        /* it wants to be woken for the next handler */

/* Of the handler that this thread runs while it receives: when it began, or 0, and how long it has been sending, which
 * may wake the application, and that may take the core. */
static _Thread_local gint64 handler_began;
static _Thread_local gint64 sending_time;

/* ---- the carrier ---- */

/* The sending half of a transport: it sends by a sender, and never waits.
 *
 * What has no room in the lane is refused. A thread then waits for room, and tells the transport when there is some. A
 * message that is larger than a record, and finds no spare buffer, goes in pieces, and a thread has to wait between
 * them. So the carrier takes a copy of such a message, and that thread sends it. Until it is sent, the carrier refuses
 * all other messages, so that they stay in order.
 *
 * Owner:   the transport; counted references (g_atomic_rc_box), since the thread has one while it runs. */
typedef struct
{
  FerrySender *sender;  /* const: (owned) */
  FerryWeak *transport; /* (owned): set once, before the first send */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  GBytes *large;       /* lock: (owned) (nullable): a message that the thread is to send, or is sending */
  gboolean stops;      /* lock: the sender is to be stopped when large is sent */
  gboolean has_thread; /* lock */
  /* Written with the lock held: large is set. Any thread reads it. */
  _Atomic gboolean is_sending;
  /* Set by a send that is refused, with the lock held; cleared by the thread before it tells the transport of room. */
  _Atomic gboolean is_full;
} Carrier;

static Carrier *
carrier_new (FerrySender *sender)
{
  Carrier *self = g_atomic_rc_box_new0 (Carrier);

  self->sender = g_object_ref (sender);
  pthread_mutex_init (&self->lock, NULL);
  ferry_cond_init (&self->changed);
  return self;
}

static void
carrier_clear (gpointer data)
{
  Carrier *self = data;

  g_clear_pointer (&self->large, g_bytes_unref);
  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  ferry_weak_unref (self->transport);
  g_object_unref (self->sender);
}

static void
carrier_unref (gpointer self)
{
  g_atomic_rc_box_release_full (self, carrier_clear);
}

/* Whether a message that was accepted is not in the lane yet. */
static gboolean
carrier_is_sending (gpointer data)
{
  Carrier *self = data;

  /* Acquire: a thread that sees the end of a message sends after it. */
  return atomic_load_explicit (&self->is_sending, memory_order_acquire);
}

/* Whether a send was refused for want of room, and the transport was not told of room since. */
static gboolean
carrier_is_full (Carrier *self)
{
  /* Relaxed: a reader that waits has loaded the transport's room count before, which changes after the flag. */
  return atomic_load_explicit (&self->is_full, memory_order_relaxed);
}

/* ---- the carrier's thread ---- */

/* Waits until there is something to do. Returns FALSE when there was nothing for a while: the thread then ends. large
 * (transfer full) (nullable): set to the message to send; without one, a send waits for room. */
static gboolean
wait_for_work (Carrier *self, GBytes **large)
{
  gint64 deadline = ferry_deadline_after (CARRIER_IDLE_TIME);
  gboolean in_time = TRUE;
  FERRY_AUTO_LOCK (&self->lock);

  while (in_time && self->large == NULL && !carrier_is_full (self))
    in_time = ferry_cond_wait_until (&self->changed, &self->lock, deadline);
  *large = self->large != NULL ? g_bytes_ref (self->large) : NULL;
  self->has_thread = *large != NULL || carrier_is_full (self);
  return self->has_thread;
}

/* Where the pipe has closed meanwhile, its transport ends for that reason. */
static void
send_large_now (Carrier *self, GBytes *large)
{
  gsize size;
  FerryPart part = {.data = g_bytes_get_data (large, &size)};
  g_autoptr (GError) error = NULL;
  gboolean stops;

  part.size = size;
  if (!ferry_sender_send_parts (self->sender, &part, 1, -1, &error))
    g_debug ("A large message was not sent: %s", error->message);
  pthread_mutex_lock (&self->lock);
  g_clear_pointer (&self->large, g_bytes_unref);
  stops = self->stops;
  /* Release: as in carrier_is_sending(). */
  atomic_store_explicit (&self->is_sending, FALSE, memory_order_release);
  pthread_mutex_unlock (&self->lock);
  if (stops)
    ferry_sender_stop (self->sender, NULL);
}

/* Waits until the lane has room for the longest record, so that whatever was refused has room now. Where the pipe has
 * closed, the next send says so. */
static void
wait_for_lane (Carrier *self)
{
  FerryWait wait = {.index = ferry_sender_get_index (self->sender), .deadline = FERRY_NO_DEADLINE};

  ferry_uplink_wait (ferry_sender_get_uplink (self->sender), &wait, ferry_record_size (FERRY_MAX_RECORD_PAYLOAD));
}

static void
note_room (Carrier *self)
{
  FERRY_USE_WEAK (FerryTransport, transport, self->transport);

  if (transport != NULL)
    ferry_transport_note_room (transport);
}

static gpointer
thread_main (gpointer data)
{
  Carrier *self = data;
  GBytes *large;

  while (wait_for_work (self, &large))
    {
      if (large != NULL)
        send_large_now (self, large);
      else
        wait_for_lane (self);
      g_clear_pointer (&large, g_bytes_unref);
      /* Relaxed: as in carrier_is_full(). A send that is refused from now on sets it again. */
      atomic_store_explicit (&self->is_full, FALSE, memory_order_relaxed);
      note_room (self);
    }
  carrier_unref (self);
  return NULL;
}

static gboolean
have_thread_locked (Carrier *self)
{
  GThread *thread;

  if (self->has_thread)
    {
      pthread_cond_signal (&self->changed);
      return TRUE;
    }
  thread =
    ferry_thread_try_new ("ferry-carrier", "waiting for room", thread_main, g_atomic_rc_box_acquire (self), NULL);
  if (thread == NULL)
    {
      carrier_unref (self);
      return FALSE;
    }
  g_thread_unref (thread);
  self->has_thread = TRUE;
  return TRUE;
}

/* ---- sending ---- */

/* Has the thread tell the transport of room. Returns FALSE where there is no thread. */
static gboolean
await_room (Carrier *self)
{
  gboolean has_thread;
  FERRY_AUTO_LOCK (&self->lock);

  atomic_store_explicit (&self->is_full, TRUE, memory_order_relaxed);
  has_thread = have_thread_locked (self);
  if (!has_thread)
    atomic_store_explicit (&self->is_full, FALSE, memory_order_relaxed);
  return has_thread;
}

/* Gives a copy of a message to the thread, unless the thread has one already. Returns FALSE where it has, or where
 * there is no thread. */
static gboolean
hand_over_large (Carrier *self, const FerryPart *parts, guint n_parts, gsize size)
{
  guint8 *data = g_malloc (size);
  g_autoptr (GBytes) large = g_bytes_new_take (data, size);
  FERRY_AUTO_LOCK (&self->lock);

  for (guint i = 0; i < n_parts; i++)
    {
      memcpy (data, parts[i].data, parts[i].size);
      data += parts[i].size;
    }
  if (self->large != NULL || !have_thread_locked (self))
    return FALSE;
  self->large = g_steal_pointer (&large);
  /* Relaxed: this thread sends nothing more before it has returned, and others are not in order with it. */
  atomic_store_explicit (&self->is_sending, TRUE, memory_order_relaxed);
  return TRUE;
}

/* Whether a message of that size goes in pieces, if it goes at all: there is no spare buffer for it. */
static gboolean
needs_pieces (Carrier *self, gsize size)
{
  const FerryUplink *uplink = ferry_sender_get_uplink (self->sender);

  return size > FERRY_MAX_RECORD_PAYLOAD && size <= uplink->max_message_size && !uplink->forked;
}

static gboolean
send_now (Carrier *self, const FerryPart *parts, guint n_parts, gsize size, GError **error)
{
  if (carrier_is_sending (self))
    return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                            "A large message is being sent to the application; send again when there is room");
  if (!needs_pieces (self, size))
    return ferry_sender_send_parts (self->sender, parts, n_parts, 0, error);
  return ferry_sender_send_parts_in_buffer (self->sender, parts, n_parts) ||
         hand_over_large (self, parts, n_parts, size) ||
         ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                          "There is no room for a large message to the application; send again when there is room");
}

/* Where there is no room, the transport is told when there may be some. Waits only where no thread can be started. */
static gboolean
send_or_await_room (Carrier *self, const FerryPart *parts, guint n_parts, GError **error)
{
  GError *failure = NULL;
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  if (send_now (self, parts, n_parts, size, &failure))
    return TRUE;
  if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) && !await_room (self))
    {
      g_clear_error (&failure);
      return ferry_sender_send_parts (self->sender, parts, n_parts, -1, error);
    }
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
carrier_send (gpointer data, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  const gint64 began = handler_began != 0 ? g_get_monotonic_time () : 0;
  const gboolean sent = send_or_await_room (data, parts, n_parts, error);

  if (began != 0)
    sending_time += g_get_monotonic_time () - began;
  return sent;
}

static gboolean
carrier_send_in_buffer (gpointer data, const FerryPart *parts, guint n_parts)
{
  Carrier *self = data;

  return !carrier_is_sending (self) && ferry_sender_send_parts_in_buffer (self->sender, parts, n_parts);
}

/* any: Stops the sender, after the message that is being sent, so that the application emits `closed`. Does nothing if
 * the sender is stopped already. */
static void
carrier_stop (gpointer data)
{
  Carrier *self = data;
  gboolean stops_later;

  pthread_mutex_lock (&self->lock);
  stops_later = self->stops = self->large != NULL;
  pthread_mutex_unlock (&self->lock);
  if (!stops_later)
    ferry_sender_stop (self->sender, NULL);
}

/* ---- whose turn it is to receive ---- */

static gpointer reader_main (gpointer data);

static gboolean
is_receiver (void)
{
  /* Relaxed: while the value is this thread, only this thread changes it, unless it runs a handler. */
  return atomic_load_explicit (&receiver, memory_order_relaxed) == g_thread_self ();
}

static void
set_receiver_locked (GThread *thread)
{
  atomic_store_explicit (&receiver, thread, memory_order_relaxed);
}

static gboolean
runs_handler_locked (void)
{
  return n_turns % 2 == 1;
}

/* Waits until nobody receives, or the thread that does has not come back from a handler for a whole look. */
static void
watch_locked (void)
{
  guint n_quiet = 0;

  while (atomic_load_explicit (&receiver, memory_order_relaxed) != NULL)
    {
      guint64 seen = n_turns;

      watch_sleeps = n_quiet >= N_QUIET_LOOKS;
      ferry_cond_wait_until (&turn_changed, &turn_lock, watch_sleeps ? G_MAXINT64 : ferry_deadline_after (WATCH_TIME));
      n_quiet = n_turns == seen ? n_quiet + 1 : 0;
      if (n_turns == seen && runs_handler_locked ())
        set_receiver_locked (NULL);
    }
}

/* Waits for this thread's turn. Returns FALSE where another thread does so already. */
static gboolean
take_turn (void)
{
  FERRY_AUTO_LOCK (&turn_lock);

  if (is_watched)
    return FALSE;
  is_watched = TRUE;
  pthread_cond_broadcast (&turn_changed);
  watch_locked ();
  is_watched = FALSE;
  n_turns += n_turns % 2;
  set_receiver_locked (g_thread_self ());
  return TRUE;
}

/* Waits, as start_reader_locked() does. */
static gboolean
have_watch_locked (void)
{
  g_autoptr (GThread) thread = NULL;

  if (is_watched)
    return TRUE;
  thread = ferry_thread_try_new ("ferry-reader", "reading while a handler runs", reader_main, NULL, NULL);
  while (thread != NULL && !is_watched)
    pthread_cond_wait (&turn_changed, &turn_lock);
  return thread != NULL;
}

static gboolean
carrier_begin_handler (gpointer carrier)
{
  FERRY_AUTO_LOCK (&turn_lock);

  if (!is_receiver () || runs_handler_locked () || !have_watch_locked ())
    return FALSE;
  n_turns++;
  if (watch_sleeps)
    pthread_cond_broadcast (&turn_changed);
  watch_sleeps = FALSE;
  sending_time = 0;
  handler_began = g_get_monotonic_time ();
  return TRUE;
}

static gint64
carrier_end_handler (gpointer carrier, gboolean waits)
{
  const gint64 taken = g_get_monotonic_time () - handler_began - sending_time;
  const gboolean runs = handler_began != 0;
  FERRY_AUTO_LOCK (&turn_lock);

  handler_began = 0;
  if (!runs)
    return is_receiver () ? 0 : G_MAXINT64;
  if (is_receiver ())
    {
      n_turns++;
      if (waits)
        {
          set_receiver_locked (NULL);
          pthread_cond_broadcast (&turn_changed);
        }
    }
  return waits ? G_MAXINT64 : taken;
}

/* ---- a transport, which has its carrier as data ---- */

static const FerryCarrierFuncs carrier_funcs = {
  .send = carrier_send,
  .close = carrier_stop,
  .free = carrier_unref,
  .send_in_buffer = carrier_send_in_buffer,
  .is_sending = carrier_is_sending,
  .begin_handler = carrier_begin_handler,
  .end_handler = carrier_end_handler,
};

/* ---- the reader's thread ---- */

/* Returns (transfer none) (nullable) the transport with that connection id. If connection_id is 0, returns the
 * transport that has xid in its range of request numbers. Returns NULL for a pipe that is no transport. */
static FerryWeak *
find_transport (guint64 connection_id, guint64 xid)
{
  for (guint i = 0; i < entries->len; i++)
    {
      Entry *entry = g_ptr_array_index (entries, i);

      if (connection_id != 0 ? entry->connection_id == connection_id
                             : (ferry_transport_get_first_xid (entry->index) ^ xid) >> FERRY_TRANSPORT_XID_BITS == 0)
        return entry->transport;
    }
  return NULL;
}

/* The transport of the latest message. It stays in use until the thread waits. */
typedef struct
{
  guint64 connection_id;     /* 0 for none */
  FerryWeak *weak;           /* (unowned) (nullable): an entry's, which is entered */
  FerryTransport *transport; /* (unowned) (nullable) */
} Latest;

static void
latest_clear (Latest *self)
{
  self->connection_id = 0;
  self->transport = NULL;
  if (self->weak != NULL)
    ferry_weak_leave (g_steal_pointer (&self->weak));
}

/* Waits while there is no room for what the transport has to send. Messages that wait for something else, such as a
 * window, do not count: it may be about to be received. */
static void
wait_for_room (FerryTransport *transport)
{
  Carrier *carrier = ferry_transport_get_carrier (transport, &carrier_funcs);

  while (G_UNLIKELY (carrier_is_full (carrier)))
    {
      guint64 count = ferry_transport_get_room_count (transport);

      if (ferry_transport_get_counts (transport).n_unsent < MAX_UNSENT || !carrier_is_full (carrier))
        return;
      ferry_transport_wait_for_room (transport, count, 0, NULL, NULL);
    }
}

/* Takes the socket for descriptors that the application passes with an empty message. */
static void
join_descriptors (FerryTransport *transport, const FerryDownMessage *message)
{
  int socket = -1;

  if (message->descriptors != NULL && message->descriptors->len == 1)
    {
      socket = g_array_index (message->descriptors, int, 0);
      g_array_set_size (message->descriptors, 0);
    }
  ferry_transport_join_descriptors (transport, socket);
}

static void
take_message (Latest *latest, const FerryDownMessage *message)
{
  if (latest->connection_id != message->connection_id)
    {
      latest_clear (latest);
      latest->connection_id = message->connection_id;
      latest->weak = find_transport (message->connection_id, 0);
      if (latest->weak != NULL)
        latest->transport = ferry_weak_enter (latest->weak);
    }
  if (latest->transport == NULL)
    return;
  if (G_UNLIKELY (message->size == 0))
    {
      join_descriptors (latest->transport, message);
      return;
    }
  ferry_transport_receive_bytes (latest->transport, message->data, message->size, NULL, FERRY_VALUE_UNJUDGED);
  wait_for_room (latest->transport);
}

static void
end_transport (FerryWeak *weak, const GError *reason)
{
  FERRY_USE_WEAK (FerryTransport, transport, weak);

  if (transport != NULL)
    ferry_transport_end (transport, reason);
}

static void
end_one (guint64 connection_id)
{
  FerryWeak *weak = find_transport (connection_id, 0);
  g_autoptr (GError) reason =
    g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "The application closed the transport; stop using it");

  if (weak != NULL)
    end_transport (weak, reason);
}

static void
cancel (FerryWeak *weak, guint64 xid, guint16 reason)
{
  FERRY_USE_WEAK (FerryTransport, transport, weak);

  if (transport != NULL)
    ferry_transport_receive_cancel (transport, xid, reason);
}

static void
take_cancels (Latest *latest)
{
  guint64 xid;
  guint16 reason;

  while (ferry_downlink_take_cancel (downlink, &xid, &reason))
    {
      FerryWeak *weak = find_transport (0, xid);

      latest_clear (latest);
      if (weak != NULL)
        cancel (weak, xid, reason);
    }
}

/* Ends all transports. Each notifies the application first, as the process may exit once a transport has ended here. */
static void
end_all (FerryError code, const char *text)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, code, text);

  for (guint i = 0; i < entries->len; i++)
    {
      Entry *entry = g_ptr_array_index (entries, i);
      FERRY_USE_WEAK (FerryTransport, transport, entry->transport);

      if (transport == NULL)
        continue;
      carrier_stop (ferry_transport_get_carrier (transport, &carrier_funcs));
      ferry_transport_end (transport, reason);
    }
}

/* Receives and processes one event. Returns FALSE when nothing more can arrive. */
static gboolean
receive (Latest *latest)
{
  FerryDownMessage message;
  FerryDownEvent event =
    ferry_downlink_receive (downlink, latest->connection_id != 0 ? 0 : FERRY_NO_DEADLINE, &message);

  take_cancels (latest);
  if (event != FERRY_DOWN_EVENT_MESSAGE)
    latest_clear (latest);
  switch (event)
    {
    case FERRY_DOWN_EVENT_MESSAGE:
      take_message (latest, &message);
      return TRUE;
    case FERRY_DOWN_EVENT_PIPE_CLOSED:
      end_one (message.connection_id);
      return TRUE;
    case FERRY_DOWN_EVENT_FINISH:
      end_all (FERRY_ERROR_CLOSED, "The application has finished with this worker; exit");
      return FALSE;
    case FERRY_DOWN_EVENT_CLOSED:
      end_all (FERRY_ERROR_CLOSED, "The application closed the link; exit");
      return FALSE;
    case FERRY_DOWN_EVENT_BROKEN:
      end_all (FERRY_ERROR_PROTOCOL,
               "The application sent malformed data; use the same version of Ferry in application and worker");
      return FALSE;
    case FERRY_DOWN_EVENT_NOTHING:
    default:
      return TRUE;
    }
}

/* Returns FALSE when nothing more can arrive. */
static gboolean
receive_in_turn (void)
{
  Latest latest = {0};
  gboolean goes_on = TRUE;

  for (guint i = 0; i < entries->len; i++)
    {
      Entry *entry = g_ptr_array_index (entries, i);
      FERRY_USE_WEAK (FerryTransport, transport, entry->transport);

      if (transport != NULL)
        ferry_transport_set_receiving_thread (transport, g_thread_self ());
    }
  while (goes_on && is_receiver ())
    goes_on = receive (&latest);
  latest_clear (&latest);
  return goes_on;
}

static gpointer
reader_main (gpointer data)
{
  g_mutex_lock (&reader_lock);
  has_begun = TRUE;
  g_cond_signal (&begun);
  g_mutex_unlock (&reader_lock);
  while (take_turn () && receive_in_turn ())
    ;
  return NULL;
}

/* Waits, since the process may exit right after this, and leak checkers report a thread that is only half started. */
static gboolean
start_reader_locked (GError **error)
{
  g_autoptr (GThread) thread =
    ferry_thread_try_new ("ferry-reader", "reading what the application sends", reader_main, NULL, error);

  while (thread != NULL && !has_begun)
    g_cond_wait (&begun, &reader_lock);
  return thread != NULL;
}

/* ---- getting a transport ---- */

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_clear_object (&entry->untaken);
  ferry_weak_unref (entry->transport);
  g_free (entry->sender_name);
  g_free (entry);
}

static gboolean
add_entry (GPtrArray *array, const char *sender_name, GError **error)
{
  g_autoptr (FerrySender) sender = ferry_attachment_get_sender (sender_name, error);
  Carrier *carrier;
  Entry *entry;

  if (sender == NULL || (ferry_sender_is_new (sender) && !ferry_sender_start (sender, error)))
    return FALSE;
  entry = g_new0 (Entry, 1);
  entry->sender_name = g_strdup (sender_name);
  entry->connection_id = ferry_sender_get_connection_id (sender);
  entry->index = ferry_sender_get_index (sender);
  carrier = carrier_new (sender);
  entry->untaken = ferry_transport_new_for_carrier (&carrier_funcs, carrier);
  carrier->transport = ferry_weak_ref (ferry_transport_get_weak (entry->untaken));
  ferry_transport_set_pass_func (entry->untaken, NULL, NULL, TRUE);
  ferry_transport_set_max_answer (entry->untaken, ferry_sender_get_uplink (sender)->max_message_size);
  entry->transport = ferry_weak_ref (ferry_transport_get_weak (entry->untaken));
  g_ptr_array_add (array, entry);
  return TRUE;
}

static gboolean
start_locked (FerryDownlink *own_downlink, GError **error)
{
  g_auto (GStrv) names = ferry_attachment_list_senders (FERRY_TRANSPORT_SENDER_PREFIX);
  g_autoptr (GPtrArray) array = g_ptr_array_new_with_free_func (entry_free);

  for (guint i = 0; names[i] != NULL; i++)
    if (!add_entry (array, names[i], error))
      return FALSE;
  ferry_cond_init (&turn_changed);
  downlink = own_downlink;
  entries = g_steal_pointer (&array);
  if (start_reader_locked (error))
    return TRUE;
  g_clear_pointer (&entries, g_ptr_array_unref);
  return FALSE;
}

static FerryTransport *
take_transport (FerryDownlink *own_downlink, const char *sender_name, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&reader_lock);

  if (entries == NULL && !start_locked (own_downlink, error))
    return NULL;
  for (guint i = 0; i < entries->len; i++)
    {
      Entry *entry = g_ptr_array_index (entries, i);

      if (g_str_equal (entry->sender_name, sender_name))
        return entry->untaken != NULL ? g_steal_pointer (&entry->untaken) : ferry_weak_get (entry->transport);
    }
  /* Each sender that the application passed to this worker has an entry in entries. For any other sender,
   * ferry_attachment_take_downlink() has failed before. */
  g_assert_not_reached ();
}

gboolean
ferry_worker_has_transport (const char *name)
{
  g_autofree char *sender_name = g_strconcat (FERRY_TRANSPORT_SENDER_PREFIX, name, NULL);

  return ferry_attachment_has_sender (sender_name);
}

/**
 * ferry_worker_get_transport:
 * @name: the name that the application gave the transport in [method@Ferry.Launcher.add_transport]
 * @error: return location for an error
 *
 * In a worker process: gets the worker's end of the transport of that name. The first call attaches the process to the
 * application and starts a thread, which receives for all transports of the process. Early requests wait in their
 * transport, at most 1,024 of them, until a demux is started. A further call with the same name returns the same
 * transport, while that is referenced. Any thread may call this.
 *
 * Sending never waits, as at the application's end. While the application takes nothing and the lane is full, it fails
 * with %FERRY_ERROR_WOULD_BLOCK, and functions that may wait do so within their time. The transport closes with
 * %FERRY_ERROR_CLOSED when the application closes its end, ends the link or has finished with the worker. Dropping the
 * last reference closes the transport, and the application is notified.
 *
 * Fails with one of these errors:
 *
 * - %FERRY_ERROR_NOT_A_WORKER in a process that no [class@Ferry.Launcher] started, or that was forked from a worker;
 *   and in a fork server, before [func@Ferry.Worker.main] has forked the worker;
 * - %FERRY_ERROR_UNKNOWN_SENDER if the application added no transport of that name;
 * - %FERRY_ERROR_ALREADY_RUNNING in a process that serves the tasks of a pool, which receives every message itself;
 * - %FERRY_ERROR_STOPPED when the program got the transport before and dropped it;
 * - %FERRY_ERROR_VERSION when the versions of application and worker do not fit together;
 * - %FERRY_ERROR_PROTOCOL, %FERRY_ERROR_TIMED_OUT and %FERRY_ERROR_SYSTEM when attaching fails.
 *
 * Returns: (transfer full): the worker's end of the transport
 */
FerryTransport *
ferry_worker_get_transport (const char *name, GError **error)
{
  g_autofree char *sender_name = NULL;
  g_autoptr (GError) failure = NULL;
  FerryTransport *transport = NULL;
  FerryDownlink *own_downlink;

  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  sender_name = g_strconcat (FERRY_TRANSPORT_SENDER_PREFIX, name, NULL);
  own_downlink = ferry_attachment_take_downlink (FERRY_DOWNLINK_TRANSPORTS, sender_name, &failure);
  if (own_downlink != NULL)
    transport = take_transport (own_downlink, sender_name, &failure);
  if (g_error_matches (failure, FERRY_ERROR, FERRY_ERROR_UNKNOWN_SENDER))
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_SENDER,
                     "The application added no transport named '%s'; see ferry_launcher_add_transport()", name);
  else if (failure != NULL)
    g_propagate_error (error, g_steal_pointer (&failure));
  else if (transport == NULL)
    ferry_set_error (error, FERRY_ERROR_STOPPED,
                     "The transport named '%s' was closed when its last reference was dropped; keep a reference", name);
  return transport;
}
