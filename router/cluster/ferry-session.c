/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A reliable, ordered, bounded stream of messages over any wire of packets.
 *
 * The way of a message: ferry_session_send() copies it into a packet that waits in the queue. In the next iteration of
 * the main context, the session's source takes the packets out of the queue, as many as the window allows, numbers them
 * and hands them to the wire. So the messages of one iteration share packets. Each packet is kept until the other end
 * has acknowledged it. The other end delivers packets in the order of their numbers; those that come before their turn
 * are held.
 *
 * What is lost: every packet tells how far its sender has numbered. So the receiving end knows what it misses, and asks
 * for that at once. Where the lost packet was the last one, or the question itself was lost, the sending end finds its
 * packets not acknowledged after a while, and sends a ping, which makes the other end ask. Nothing is sent twice unless
 * it was asked for.
 *
 * Opening: each end has an epoch, a number of this session. It sends OPEN with it until a packet shows that the other
 * end knows it, which confirms the session. Data is sent and taken from then on.
 *
 * Ends: nothing was heard for the timeout; BYE; OPEN of a later epoch; a rule was broken; this end was closed.
 *
 * The transport and the source share the core, so that the transport can be closed and dropped on any thread: the
 * session's thread then finishes the core.
 *
 * Owner:     counted references: one of the transport and one of the source.
 * Threads:   the session's, unless a comment says otherwise.
 * Locks:     lock; no function that takes another lock is called while it is held.
 * Trust:     packets are not trusted.
 * Invariant: acked <= number, number - acked == sent.length, and next <= end <= next + the window. */

#include "config.h"

#include "cluster/ferry-session-private.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-fragments-private.h"
#include "cluster/ferry-packet-private.h"
#include "cluster/ferry-packet-queue-private.h"

#define DEFAULT_MAX_MESSAGE ((guint64) 64 * 1024 * 1024)
#define DEFAULT_WINDOW_BYTES ((guint64) 1024 * 1024)
#define DEFAULT_WINDOW_PACKETS 256
#define DEFAULT_MAX_QUEUED ((gsize) 1024 * 1024)
#define MIN_MAX_PACKET ((gsize) 512)

/* Data is acknowledged by a packet of its own after so many packets, so large a part of the window, or so much time. */
#define ACK_PACKETS 32
#define ACK_WINDOW_PART 4
#define ACK_TIME (20 * G_TIME_SPAN_MILLISECOND)
/* A packet that was asked for is not sent again sooner, and no packet is asked for again sooner. */
#define MIN_REPEAT_TIME (20 * G_TIME_SPAN_MILLISECOND)
/* The time to the first ping for what is not acknowledged, beside two round trips. It doubles up to the second. */
#define FIRST_PROBE_TIME (200 * G_TIME_SPAN_MILLISECOND)
#define LAST_PROBE_TIME (2 * G_USEC_PER_SEC)
/* How many heartbeats there are in the timeout. */
#define N_HEARTBEATS 6

/* A DATA packet that was sent and not acknowledged. */
typedef struct
{
  GBytes *packet; /* (owned) */
  guint64 number;
  gint64 sent_at;
  gboolean resent;
} Sent;

/* A DATA packet that came before its turn. */
typedef struct
{
  guint8 *data; /* (owned) */
  gsize size;
  guint64 number;
} Held;

typedef struct
{
  _Atomic gint references;
  GWeakRef transport;
  FerryWire wire;             /* const */
  gpointer wire_data;         /* const */
  FerryTimers *timers;        /* const: (unowned) */
  GSource *source;            /* const: (owned): flushes, and finishes what was closed on another thread */
  GThread *thread;            /* const: (unowned) */
  gint64 (*get_time) (void);  /* const */
  char *peer;                 /* const: (owned) */
  gint64 timeout;             /* const */
  FerryPacketLimits limits;   /* const: of this end */
  gsize max_queued;           /* const */
  _Atomic gint64 round_trip;  /* any: smoothed; 0: not measured */
  _Atomic gboolean confirmed; /* any: a packet has shown that the other end knows epoch */

  pthread_mutex_t lock;
  FerryPacketQueue queue; /* lock: this and all fields of this group */
  guint64 max_message;    /* of a message that may be sent; 0: not known yet, so that no large message may be sent */
  gboolean refused;       /* a message was refused because there was no room */
  gboolean woken;         /* the source is ready */
  gboolean closed;
  FerryByeReason bye; /* what the other end is told when this end is closed; 0: nothing */

  guint64 epoch;
  guint64 peer_epoch;        /* 0: not known */
  FerryPacketLimits allowed; /* the lower limits of both ends; set with peer_epoch */
  gboolean opening;          /* OPEN was sent */
  gboolean finished;
  guint n_tries; /* of OPEN, or of pings for what is not acknowledged, since the last success */
  FerryTimer probe;
  FerryTimer heartbeat;
  FerryTimer ack;
  gint64 heartbeat_at; /* when the next one is due */
  gint64 heard_at;
  guint64 token; /* of the latest ping */
  gint64 pinged_at;

  GQueue sent;       /* (owned) (element-type Sent): in order */
  guint64 number;    /* of the next DATA packet */
  guint64 acked;     /* the other end has all packets below this */
  guint64 under_way; /* bytes of sent */

  GQueue held;  /* (owned) (element-type Held): in order */
  guint64 next; /* the number of the DATA packet that is delivered next */
  guint64 end;  /* the other end has numbered so far */
  guint64 held_size;
  gboolean delivering;
  guint n_to_ack; /* DATA packets since the last acknowledgement, and their bytes */
  guint64 size_to_ack;
  gint64 asked_at; /* 0: never */
  FerryFragments fragments;
  FerrySessionCounts counts; /* without the current numbers */
} Core;

struct _FerrySession
{
  FerryTransport parent_instance;
  Core *core; /* const: (owned) */
};

G_DEFINE_FINAL_TYPE (FerrySession, ferry_session, FERRY_TYPE_TRANSPORT)

/* ---- the core ---- */

static void
sent_free (gpointer data)
{
  g_bytes_unref (((Sent *) data)->packet);
  g_free (data);
}

static void
held_free (gpointer data)
{
  g_free (((Held *) data)->data);
  g_free (data);
}

static void
core_unref (gpointer data)
{
  Core *core = data;

  if (!ferry_ref_count_dec (&core->references))
    return;
  g_queue_clear_full (&core->sent, sent_free);
  g_queue_clear_full (&core->held, held_free);
  ferry_packet_queue_clear (&core->queue);
  ferry_fragments_clear (&core->fragments);
  pthread_mutex_destroy (&core->lock);
  g_weak_ref_clear (&core->transport);
  g_source_unref (core->source);
  g_free (core->peer);
  g_free (core);
}

/* Returns a number that is larger than those of all sessions of this process before. So an end can tell a packet of a
 * former session from one of a later session. The low bits differ where two processes begin at the same time. */
static guint64
new_epoch (void)
{
  static _Atomic guint64 latest;
  guint64 now = (guint64) g_get_real_time () << 12 | (g_random_int () & 0xfff);
  /* Relaxed: the numbers order nothing but themselves. */
  guint64 before = atomic_load_explicit (&latest, memory_order_relaxed);
  guint64 epoch;

  do
    epoch = MAX (now, before + 1);
  while (!atomic_compare_exchange_weak_explicit (&latest, &before, epoch, memory_order_relaxed, memory_order_relaxed));
  return epoch;
}

/* any: */
static gboolean
is_confirmed (Core *core)
{
  /* Relaxed, as below: nothing else is read by way of it. */
  return atomic_load_explicit (&core->confirmed, memory_order_relaxed);
}

/* any: */
static gint64
get_round_trip (Core *core)
{
  return atomic_load_explicit (&core->round_trip, memory_order_relaxed);
}

/* Ends the transport, if there is still one, which closes the core. Takes reason. bye: 0: the other end is not told. */
static void
end (Core *core, FerryByeReason bye, GError *reason)
{
  g_autoptr (FerryTransport) transport = g_weak_ref_get (&core->transport);
  g_autoptr (GError) owned = reason;

  pthread_mutex_lock (&core->lock);
  core->bye = bye;
  pthread_mutex_unlock (&core->lock);
  if (transport != NULL)
    ferry_transport_end (transport, reason);
}

static void
end_for_breach (Core *core, const char *what)
{
  end (core, FERRY_BYE_PROTOCOL,
       g_error_new (FERRY_ERROR, FERRY_ERROR_PROTOCOL, "%s broke a rule of the protocol: %s", core->peer, what));
}

/* ---- sending packets ---- */

static FerryPacketHeader
make_header (const Core *core)
{
  return (FerryPacketHeader){
    .kind = FERRY_PACKET_DATA,
    .sender = core->epoch,
    .receiver = core->peer_epoch,
    .number = core->number,
    .ack = core->next,
  };
}

/* Takes packet. Every packet acknowledges. */
static void
send_packet (Core *core, GBytes *packet)
{
  core->n_to_ack = 0;
  core->size_to_ack = 0;
  ferry_timers_unset (core->timers, &core->ack);
  core->wire.send (core->wire_data, packet);
  g_bytes_unref (packet);
}

static void
send_open (Core *core)
{
  FerryPacketHeader header = make_header (core);

  send_packet (core, ferry_packet_new_open (&header, &core->limits));
}

static void
send_ping (Core *core)
{
  FerryPacketHeader header = make_header (core);

  core->counts.n_pings++;
  core->pinged_at = core->get_time ();
  send_packet (core, ferry_packet_new_ping (&header, FERRY_PACKET_PING, ++core->token));
}

/* Lists the packets that are missing, as many as fit. */
static guint
list_missing (const Core *core, FerryPacketRange *ranges)
{
  guint64 expected = core->next;
  guint n = 0;

  for (const GList *l = core->held.head; n < FERRY_PACKET_MAX_RANGES && expected < core->end; l = l->next)
    {
      guint64 there = l != NULL ? ((const Held *) l->data)->number : core->end;

      if (there > expected)
        ranges[n++] = (FerryPacketRange){expected, (guint32) (there - expected)};
      expected = there + 1;
      if (l == NULL)
        break;
    }
  return n;
}

/* Acknowledges, and asks for what is missing. */
static void
send_ack (Core *core)
{
  FerryPacketHeader header = make_header (core);
  FerryPacketRange ranges[FERRY_PACKET_MAX_RANGES];
  guint n_ranges = list_missing (core, ranges);

  if (n_ranges > 0)
    core->asked_at = core->get_time ();
  send_packet (core, ferry_packet_new_ack (&header, ranges, n_ranges));
}

static void probe_cb (gpointer data);

/* Sets or unsets the timer for what the other end has not confirmed. */
static void
set_probe (Core *core)
{
  gint64 time = MIN (FIRST_PROBE_TIME << MIN (core->n_tries, 8), LAST_PROBE_TIME) + 2 * get_round_trip (core);

  if (core->finished || (is_confirmed (core) && core->sent.length == 0))
    ferry_timers_unset (core->timers, &core->probe);
  else
    ferry_timers_set (core->timers, &core->probe, core->get_time () + time, probe_cb, core);
}

static void
probe (Core *core)
{
  if (is_confirmed (core))
    send_ping (core);
  else
    send_open (core);
  set_probe (core);
}

static void
probe_cb (gpointer data)
{
  Core *core = data;

  core->n_tries++;
  probe (core);
}

/* Numbers a packet, and sends it for the first time. Takes data. */
static void
send_data (Core *core, guint8 *data, gsize size)
{
  FerryPacketHeader header = make_header (core);
  Sent *sent = g_new (Sent, 1);

  ferry_packet_write_header (data, &header);
  *sent = (Sent){.packet = g_bytes_new_take (data, size), .number = core->number++, .sent_at = core->get_time ()};
  g_queue_push_tail (&core->sent, sent);
  core->under_way += size;
  core->counts.n_sent++;
  send_packet (core, g_bytes_ref (sent->packet));
}

/* Whether one more packet of any size may be sent. One that is larger than the whole window goes alone. */
static gboolean
has_window (Core *core)
{
  if (!is_confirmed (core))
    return FALSE;
  return core->sent.length == 0 || (core->sent.length < core->allowed.window_packets &&
                                    core->under_way + core->queue.max_packet <= core->allowed.window_bytes);
}

/* Returns (transfer full) (nullable) the next packet to send, and its size. */
static guint8 *
take_packet (Core *core, gsize *size)
{
  FERRY_AUTO_LOCK (&core->lock);

  return ferry_packet_queue_is_empty (&core->queue) ? NULL : ferry_packet_queue_take (&core->queue, size);
}

static gboolean
take_refused (Core *core)
{
  gboolean refused;
  FERRY_AUTO_LOCK (&core->lock);

  refused = core->refused && core->queue.size < core->max_queued / 2;
  if (refused)
    core->refused = FALSE;
  return refused;
}

/* Sends what waits, as far as the window allows. */
static void
flush (Core *core)
{
  gboolean had_none = core->sent.length == 0;
  guint8 *packet;
  gsize size;

  while (!core->finished && has_window (core) && (packet = take_packet (core, &size)) != NULL)
    send_data (core, packet, size);
  if (had_none && core->sent.length > 0)
    set_probe (core);
}

/* Tells those who were refused that there is room. They may send at once. */
static void
note_room (Core *core)
{
  if (take_refused (core))
    ferry_transport_note_room_of (&core->transport);
}

/* ---- the end ---- */

/* Says goodbye, and lets go of the timers, the source and the wire. */
static void
finish (Core *core)
{
  FerryPacketHeader header;

  if (core->finished)
    return;
  if (core->bye == FERRY_BYE_CLOSED)
    flush (core);
  core->finished = TRUE;
  header = make_header (core);
  if (core->bye != 0 && core->peer_epoch != 0)
    send_packet (core, ferry_packet_new_bye (&header, core->bye));
  ferry_timers_unset (core->timers, &core->probe);
  ferry_timers_unset (core->timers, &core->heartbeat);
  ferry_timers_unset (core->timers, &core->ack);
  if (core->wire.free != NULL)
    core->wire.free (core->wire_data);
  /* Drops the source's reference. */
  g_source_destroy (core->source);
}

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  g_source_set_ready_time (source, -1);
  callback (data);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {.dispatch = source_dispatch};

static gboolean
source_cb (gpointer data)
{
  Core *core = data;
  gboolean closed;

  pthread_mutex_lock (&core->lock);
  core->woken = FALSE;
  closed = core->closed;
  pthread_mutex_unlock (&core->lock);
  if (closed)
    finish (core);
  else if (!core->opening)
    {
      core->opening = TRUE;
      probe (core);
    }
  else
    {
      flush (core);
      note_room (core);
    }
  return G_SOURCE_CONTINUE;
}

/* any: Makes the source ready once. */
static void
wake (Core *core)
{
  gboolean was_woken;

  pthread_mutex_lock (&core->lock);
  was_woken = core->woken;
  core->woken = TRUE;
  pthread_mutex_unlock (&core->lock);
  if (!was_woken)
    g_source_set_ready_time (core->source, 0);
}

/* ---- the heartbeat ---- */

static void set_heartbeat (Core *core, gint64 now);

static void
give_up (Core *core)
{
  end (core, FERRY_BYE_TIMEOUT,
       g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                    "%s was not heard of for %g s; see whether its program runs, and the network", core->peer,
                    (double) core->timeout / G_USEC_PER_SEC));
}

/* A late heartbeat shows that this thread did not run. What came meanwhile was not received yet, so that time does not
 * count. */
static void
heartbeat_cb (gpointer data)
{
  Core *core = data;
  gint64 now = core->get_time ();

  core->heard_at = MIN (now, core->heard_at + (now - core->heartbeat_at));
  if (now - core->heard_at >= core->timeout)
    {
      give_up (core);
      return;
    }
  if (is_confirmed (core))
    send_ping (core);
  set_heartbeat (core, now);
}

static void
set_heartbeat (Core *core, gint64 now)
{
  core->heartbeat_at = now + core->timeout / N_HEARTBEATS;
  ferry_timers_set (core->timers, &core->heartbeat, core->heartbeat_at, heartbeat_cb, core);
}

/* ---- receiving: what the other end has of this one's packets ---- */

/* Removes what the other end has, and sends what waited for that. */
static void
take_ack (Core *core, guint64 ack)
{
  if (ack <= core->acked)
    return;
  while (core->acked < ack)
    {
      Sent *sent = g_queue_pop_head (&core->sent);

      core->under_way -= g_bytes_get_size (sent->packet);
      core->acked++;
      sent_free (sent);
    }
  core->n_tries = 0;
  set_probe (core);
  flush (core);
  note_room (core);
}

/* The other end asks when a later packet has come, so a round trip after this one was sent. What asks sooner, or more
 * often, does not see what is on its way, or is hostile. */
static void
send_again (Core *core, Sent *sent, gint64 now)
{
  gint64 round_trip = get_round_trip (core);

  if (now - sent->sent_at < (sent->resent ? MAX (MIN_REPEAT_TIME, round_trip) : round_trip / 2))
    return;
  sent->sent_at = now;
  sent->resent = TRUE;
  core->counts.n_resent++;
  send_packet (core, g_bytes_ref (sent->packet));
}

/* Sends again what the other end asks for. The ranges and the packets are in order. */
static void
receive_ack (Core *core, const FerryPacket *packet)
{
  const FerryPacketRange *range = packet->ack.ranges;
  const FerryPacketRange *behind = range + packet->ack.n_ranges;
  gint64 now = core->get_time ();

  if (range != behind && (behind - 1)->first + (behind - 1)->n > core->number)
    {
      end_for_breach (core, "it asked for a packet that was not sent");
      return;
    }
  for (GList *l = core->sent.head; l != NULL && range != behind; l = l->next)
    {
      Sent *sent = l->data;

      while (range != behind && sent->number >= range->first + range->n)
        range++;
      if (range != behind && sent->number >= range->first)
        send_again (core, sent, now);
    }
}

/* ---- receiving: data ---- */

static void
ack_cb (gpointer data)
{
  send_ack (data);
}

/* Lets data be acknowledged by what is sent next, or soon. */
static void
note_to_ack (Core *core, gsize size)
{
  core->n_to_ack++;
  core->size_to_ack += size;
  if (core->n_to_ack >= ACK_PACKETS || core->size_to_ack >= core->limits.window_bytes / ACK_WINDOW_PART)
    send_ack (core);
  else if (!ferry_timer_is_set (&core->ack))
    ferry_timers_set (core->timers, &core->ack, core->get_time () + ACK_TIME, ack_cb, core);
}

/* Asks for what is missing, at most once in a round trip. */
static void
ask_if_missing (Core *core)
{
  gint64 now = core->get_time ();

  if (core->finished || core->next + core->held.length >= core->end)
    return;
  if (core->asked_at == 0 || now - core->asked_at >= MAX (MIN_REPEAT_TIME, get_round_trip (core)))
    send_ack (core);
}

static gboolean
deliver_fragment (Core *core, FerryTransport *transport, const FerryChunk *chunk)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = NULL;

  if (!ferry_fragments_add (&core->fragments, chunk, &message, &error))
    {
      end_for_breach (core, error->message);
      return FALSE;
    }
  if (message != NULL)
    ferry_transport_receive_in_run (transport, NULL, g_bytes_get_size (message), message);
  return !core->finished;
}

static void
deliver (Core *core, FerryTransport *transport, const FerryPacket *packet)
{
  FerryChunk chunk;
  gsize at = 0;

  core->next++;
  core->counts.n_received++;
  while (!core->finished && ferry_packet_next_chunk (packet, &at, &chunk))
    if (chunk.kind == FERRY_CHUNK_WHOLE)
      ferry_transport_receive_in_run (transport, chunk.data, chunk.size, NULL);
    else if (!deliver_fragment (core, transport, &chunk))
      break;
}

/* Delivers what is held, as far as nothing is missing. */
static void
deliver_held (Core *core, FerryTransport *transport)
{
  Held *held;

  while (!core->finished && (held = g_queue_peek_head (&core->held)) != NULL && held->number == core->next)
    {
      FerryPacket packet;

      g_queue_pop_head (&core->held);
      core->held_size -= held->size;
      /* Was parsed when it came. */
      ferry_packet_parse (&packet, held->data, held->size, NULL);
      deliver (core, transport, &packet);
      held_free (held);
    }
}

/* Keeps a copy of a packet for later, unless it is there already. */
static void
hold (Core *core, guint64 number, gconstpointer data, gsize size)
{
  GList *before = core->held.tail;
  Held *held;

  while (before != NULL && ((Held *) before->data)->number > number)
    before = before->prev;
  if (before != NULL && ((Held *) before->data)->number == number)
    {
      core->counts.n_repeated++;
      return;
    }
  if (core->held.length > 0 && core->held_size + size > core->limits.window_bytes)
    {
      end_for_breach (core, "it sent more than the window allows");
      return;
    }
  held = g_new (Held, 1);
  *held = (Held){g_memdup2 (data, size), size, number};
  if (before != NULL)
    g_queue_insert_after (&core->held, before, held);
  else
    g_queue_push_head (&core->held, held);
  core->held_size += size;
}

/* A packet that comes within a delivery, from a main loop that a handler runs, is held until that delivery is over. */
static void
receive_data (Core *core, FerryTransport *transport, const FerryPacket *packet, gconstpointer data, gsize size)
{
  guint64 number = packet->header.number;

  if (number < core->next)
    core->counts.n_repeated++;
  else if (number == core->next && !core->delivering)
    {
      core->delivering = TRUE;
      deliver (core, transport, packet);
      deliver_held (core, transport);
      core->delivering = FALSE;
      ferry_transport_end_run (transport);
    }
  else
    hold (core, number, data, size);
  if (!core->finished)
    note_to_ack (core, size);
}

/* ---- receiving: the rest ---- */

/* Opens the session: what waited for that may be sent. */
static void
confirm (Core *core)
{
  if (is_confirmed (core))
    return;
  atomic_store_explicit (&core->confirmed, TRUE, memory_order_relaxed);
  pthread_mutex_lock (&core->lock);
  core->max_message = core->allowed.max_message;
  pthread_mutex_unlock (&core->lock);
  core->n_tries = 0;
  send_ping (core);
  flush (core);
  set_probe (core);
  note_room (core);
}

/* Takes reason: why the two ends do not fit together. The other end may not have OPEN yet, and learns that by it. */
static void
refuse_open (Core *core, GError *reason)
{
  send_open (core);
  end (core, 0, reason);
}

/* From a new epoch, or again. Until the session is confirmed, a later epoch takes the place of an earlier one: that
 * came late, from an end that is no more. */
static void
receive_open (Core *core, const FerryPacket *packet)
{
  if (!packet->open.same_order)
    {
      refuse_open (core, g_error_new (FERRY_ERROR, FERRY_ERROR_VERSION,
                                      "%s is on a machine of another byte order; use machines of the same byte order",
                                      core->peer));
      return;
    }
  core->heard_at = core->get_time ();
  core->peer_epoch = packet->header.sender;
  core->allowed = (FerryPacketLimits){
    .window_packets = MIN (core->limits.window_packets, packet->open.limits.window_packets),
    .window_bytes = MIN (core->limits.window_bytes, packet->open.limits.window_bytes),
    .max_message = MIN (core->limits.max_message, packet->open.limits.max_message),
  };
  core->opening = TRUE;
  if (packet->header.receiver == 0)
    {
      send_open (core);
      set_probe (core);
    }
  else if (is_confirmed (core))
    send_ack (core);
  else
    confirm (core);
}

static void
receive_pong (Core *core, guint64 token)
{
  gint64 before = get_round_trip (core);
  gint64 measured = MAX (core->get_time () - core->pinged_at, 1);

  if (token != core->token || core->pinged_at == 0)
    return;
  core->pinged_at = 0;
  atomic_store_explicit (&core->round_trip, before == 0 ? measured : (3 * before + measured) / 4, memory_order_relaxed);
}

static void
receive_bye (Core *core, guint32 why)
{
  const char *peer = core->peer;

  if (why == FERRY_BYE_PROTOCOL)
    end (core, 0,
         g_error_new (FERRY_ERROR, FERRY_ERROR_PROTOCOL, "%s found that this end broke a rule of the protocol", peer));
  else if (why == FERRY_BYE_UNKNOWN)
    end (core, 0,
         g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "%s does not know this session any more; open a new one", peer));
  else if (why == FERRY_BYE_TIMEOUT)
    end (core, 0,
         g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "%s had not heard of this end for too long; open a new session",
                      peer));
  else
    end (core, 0, g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "%s has closed the session; open a new one", peer));
}

/* Whether the numbers of a packet of this session can be true. end: set to how far the other end has numbered. */
static gboolean
check_numbers (Core *core, const FerryPacketHeader *header)
{
  guint64 last = header->kind == FERRY_PACKET_DATA ? header->number : header->number - 1;

  if (header->ack > core->number)
    end_for_breach (core, "it acknowledged a packet that was not sent");
  else if (header->number > core->next && last - core->next >= core->limits.window_packets)
    end_for_breach (core, "it sent more packets than the window allows");
  else
    {
      core->end = MAX (core->end, last + 1);
      return TRUE;
    }
  return FALSE;
}

/* A packet of this session. */
static void
receive_own (Core *core, FerryTransport *transport, const FerryPacket *packet, gconstpointer data, gsize size)
{
  core->heard_at = core->get_time ();
  if (!check_numbers (core, &packet->header))
    return;
  confirm (core);
  take_ack (core, packet->header.ack);
  if (core->finished)
    return;
  if (packet->header.kind == FERRY_PACKET_DATA)
    receive_data (core, transport, packet, data, size);
  else if (packet->header.kind == FERRY_PACKET_ACK)
    receive_ack (core, packet);
  else if (packet->header.kind == FERRY_PACKET_PONG)
    receive_pong (core, packet->token);
  else if (packet->header.kind == FERRY_PACKET_PING)
    {
      FerryPacketHeader header = make_header (core);

      send_packet (core, ferry_packet_new_ping (&header, FERRY_PACKET_PONG, packet->token));
    }
  ask_if_missing (core);
}

static GError *
make_version_error (const Core *core, guint8 version)
{
  return g_error_new (
    FERRY_ERROR, FERRY_ERROR_VERSION,
    "%s uses version %u of the protocol of sessions, and this end version %d; use the same version of "
    "Ferry at both ends",
    core->peer, version, FERRY_PACKET_VERSION);
}

/* Whether a packet is of this session, as far as this end can know. */
static gboolean
is_own (Core *core, const FerryPacketHeader *header)
{
  if (header->kind == FERRY_PACKET_OPEN)
    return (header->receiver == core->epoch || header->receiver == 0) && header->sender >= core->peer_epoch;
  /* An end that is gone before this one has heard of it says goodbye too. */
  return header->receiver == core->epoch &&
         (header->sender == core->peer_epoch || (core->peer_epoch == 0 && header->kind == FERRY_PACKET_BYE));
}

/* Whether the other end, which was known, has forgotten this session. */
static gboolean
is_forgotten (Core *core, const FerryPacketHeader *header)
{
  return header->kind == FERRY_PACKET_OPEN && is_confirmed (core) && header->sender > core->peer_epoch;
}

static void
receive_sound (Core *core, FerryTransport *transport, const FerryPacket *packet, gconstpointer data, gsize size)
{
  if (packet->header.kind == FERRY_PACKET_BYE)
    receive_bye (core, packet->bye);
  else if (packet->header.kind == FERRY_PACKET_OPEN)
    receive_open (core, packet);
  else
    receive_own (core, transport, packet, data, size);
}

/* Returns FALSE if the packet opens another session of the other end. */
static gboolean
receive (Core *core, FerryTransport *transport, gconstpointer data, gsize size)
{
  FerryPacket packet;
  guint8 version = 0;
  FerryPacketStatus status = ferry_packet_parse (&packet, data, size, &version);
  gboolean fits = status == FERRY_PACKET_SOUND && is_own (core, &packet.header);

  if (core->finished)
    return !ferry_session_is_opened_by (data, size);
  if (status == FERRY_PACKET_BROKEN)
    core->counts.n_broken++;
  else if (status == FERRY_PACKET_OTHER_VERSION && packet.header.kind == FERRY_PACKET_OPEN && !is_confirmed (core))
    refuse_open (core, make_version_error (core, version));
  else if (fits && is_forgotten (core, &packet.header))
    {
      end (core, 0,
           g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                        "%s has opened a new session, and has forgotten this one; use the new one", core->peer));
      return FALSE;
    }
  else if (fits)
    receive_sound (core, transport, &packet, data, size);
  else
    core->counts.n_foreign++;
  return TRUE;
}

gboolean
ferry_session_receive (FerrySession *self, gconstpointer packet, gsize size)
{
  g_autoptr (FerryTransport) kept = NULL;

  g_return_val_if_fail (self->core->thread == g_thread_self (), TRUE);

  kept = FERRY_TRANSPORT (g_object_ref (self));
  return receive (self->core, kept, packet, size);
}

void
ferry_session_reconnected (FerrySession *self)
{
  Core *core = self->core;

  g_return_if_fail (core->thread == g_thread_self ());

  if (core->finished || !core->opening)
    return;
  /* What was asked for before was lost with the wire, so it may be asked for again. */
  core->asked_at = 0;
  for (GList *l = core->sent.head; l != NULL; l = l->next)
    ((Sent *) l->data)->sent_at = 0;
  core->n_tries = 0;
  probe (core);
}

/* ---- packets without a session ---- */

gboolean
ferry_session_is_opened_by (gconstpointer packet, gsize size)
{
  FerryPacket parsed;
  FerryPacketStatus status = ferry_packet_parse (&parsed, packet, size, NULL);

  return status != FERRY_PACKET_BROKEN && parsed.header.kind == FERRY_PACKET_OPEN && parsed.header.receiver == 0;
}

GBytes *
ferry_session_make_refusal (gconstpointer packet, gsize size)
{
  FerryPacket parsed;
  FerryPacketHeader header;

  if (ferry_packet_parse (&parsed, packet, size, NULL) != FERRY_PACKET_SOUND || parsed.header.receiver == 0 ||
      parsed.header.kind == FERRY_PACKET_BYE)
    return NULL;
  header = (FerryPacketHeader){.sender = parsed.header.receiver, .receiver = parsed.header.sender};
  return ferry_packet_new_bye (&header, FERRY_BYE_UNKNOWN);
}

/* ---- the object ---- */

/* any: */
static gboolean
check_room_locked (Core *core, gsize size, GError **error)
{
  guint64 max_message = core->max_message != 0 ? core->max_message : core->limits.max_message;
  gboolean fits = ferry_packet_queue_fits (&core->queue, size);

  if (core->closed)
    return ferry_set_error (error, FERRY_ERROR_CLOSED, "The session was closed; open a new one");
  if (size > max_message)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "A message of %" G_GSIZE_FORMAT " bytes is larger than the limit of %" G_GUINT64_FORMAT
                            " bytes; send less at once",
                            size, max_message);
  if (core->queue.size < core->max_queued && (fits || core->max_message != 0))
    return TRUE;
  core->refused = TRUE;
  return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK,
                          "%" G_GSIZE_FORMAT " bytes wait to be sent to %s; send again when there is room",
                          core->queue.size, core->peer);
}

/* any: Whether a message may overtake others: a cancel, which may come even before its request. */
static gboolean
is_urgent (const GOutputVector *parts, guint n_parts)
{
  return n_parts > 0 && parts[0].size == sizeof (FerryCallHeader) &&
         ((const FerryCallHeader *) parts[0].buffer)->kind == FERRY_CALL_CANCEL;
}

static gboolean
ferry_session_send (FerryTransport *transport, const GOutputVector *parts, guint n_parts, GError **error)
{
  Core *core = FERRY_SESSION (transport)->core;
  gsize size = 0;
  gboolean sent;

  for (guint i = 0; i < n_parts; i++)
    size += parts[i].size;
  pthread_mutex_lock (&core->lock);
  sent = check_room_locked (core, size, error);
  if (sent)
    ferry_packet_queue_add (&core->queue, parts, n_parts, size, is_urgent (parts, n_parts));
  pthread_mutex_unlock (&core->lock);
  if (sent)
    wake (core);
  return sent;
}

static void
ferry_session_close (FerryTransport *transport)
{
  Core *core = FERRY_SESSION (transport)->core;
  g_autoptr (GError) reason = ferry_transport_dup_reason (transport);

  pthread_mutex_lock (&core->lock);
  core->closed = TRUE;
  if (core->bye == FERRY_BYE_CLOSED && g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_PROTOCOL))
    core->bye = FERRY_BYE_PROTOCOL;
  pthread_mutex_unlock (&core->lock);
  ferry_transport_set_receiving_thread (transport, NULL);
  if (core->thread == g_thread_self ())
    finish (core);
  else
    wake (core);
}

static void
ferry_session_finalize (GObject *object)
{
  g_clear_pointer (&FERRY_SESSION (object)->core, core_unref);

  G_OBJECT_CLASS (ferry_session_parent_class)->finalize (object);
}

static void
ferry_session_class_init (FerrySessionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_session_finalize;
  FERRY_TRANSPORT_CLASS (klass)->send = ferry_session_send;
  FERRY_TRANSPORT_CLASS (klass)->close = ferry_session_close;
}

static void
ferry_session_init (FerrySession *self)
{
}

static void
apply_settings (Core *core, const FerrySessionSettings *settings)
{
  static const FerrySessionSettings none;
  const FerrySessionSettings *from = settings != NULL ? settings : &none;
  guint64 window_bytes = from->window_bytes != 0 ? from->window_bytes : DEFAULT_WINDOW_BYTES;
  guint32 window_packets = from->window_packets != 0 ? from->window_packets : DEFAULT_WINDOW_PACKETS;

  core->peer = g_strdup (from->peer != NULL ? from->peer : "The other end");
  core->timeout = from->timeout != 0 ? from->timeout : FERRY_SESSION_DEFAULT_TIMEOUT;
  core->limits.max_message = from->max_message != 0 ? from->max_message : DEFAULT_MAX_MESSAGE;
  core->limits.window_bytes = CLAMP (window_bytes, FERRY_PACKET_MIN_WINDOW_BYTES, FERRY_PACKET_MAX_WINDOW_BYTES);
  core->limits.window_packets = MIN (window_packets, FERRY_PACKET_MAX_WINDOW_PACKETS);
  core->max_queued = from->max_queued != 0 ? from->max_queued : DEFAULT_MAX_QUEUED;
  core->get_time = from->get_time != NULL ? from->get_time : g_get_monotonic_time;
  ferry_packet_queue_init (
    &core->queue, MAX (from->max_packet != 0 ? from->max_packet : FERRY_SESSION_DEFAULT_MAX_PACKET, MIN_MAX_PACKET));
  ferry_fragments_init (&core->fragments, core->limits.max_message);
}

static Core *
core_new (const FerryWire *wire, gpointer data, FerryTimers *timers, const FerrySessionSettings *settings)
{
  Core *core = g_new0 (Core, 1);

  atomic_init (&core->references, 1);
  core->wire = *wire;
  core->wire_data = data;
  core->timers = timers;
  core->thread = g_thread_self ();
  core->epoch = new_epoch ();
  core->bye = FERRY_BYE_CLOSED;
  pthread_mutex_init (&core->lock, NULL);
  apply_settings (core, settings);
  core->heard_at = core->get_time ();
  return core;
}

static void
attach_source (Core *core, GMainContext *context)
{
  core->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_static_name (core->source, "[ferry] session");
  g_source_set_priority (core->source, G_PRIORITY_HIGH);
  ferry_ref_count_inc (&core->references);
  g_source_set_callback (core->source, source_cb, core, core_unref);
  g_source_attach (core->source, context);
}

FerrySession *
ferry_session_new (const FerryWire *wire, gpointer data, FerryTimers *timers, GMainContext *context,
                   const FerrySessionSettings *settings)
{
  FerrySession *self = g_object_new (FERRY_TYPE_SESSION, NULL);
  Core *core = core_new (wire, data, timers, settings);

  self->core = core;
  g_weak_ref_init (&core->transport, self);
  ferry_transactions_set_max_answer (ferry_transport_get_transactions (FERRY_TRANSPORT (self)),
                                     core->limits.max_message);
  ferry_transport_set_receiving_thread (FERRY_TRANSPORT (self), core->thread);
  attach_source (core, context);
  set_heartbeat (core, core->heard_at);
  wake (core);
  return self;
}

gboolean
ferry_session_is_open (FerrySession *self)
{
  return is_confirmed (self->core);
}

gint64
ferry_session_get_round_trip (FerrySession *self)
{
  return get_round_trip (self->core);
}

FerrySessionCounts
ferry_session_get_counts (FerrySession *self)
{
  Core *core = self->core;
  FerrySessionCounts counts = core->counts;
  FERRY_AUTO_LOCK (&core->lock);

  counts.queued = core->queue.size;
  counts.under_way = core->under_way;
  counts.held = core->held_size;
  counts.assembled = core->fragments.capacity;
  return counts;
}
