/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "link/ferry-downlink-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-usable-cores.h"

/* How often a wait looks before it sleeps, where that pays: some microseconds. */
#define MAX_LOOKS 256
/* A sleep that was shorter, in microseconds, would better have been none. */
#define SHORT_SLEEP 30
/* After how many waits in a row that looked in vain they sleep at once again. */
#define MAX_PATIENCE 4

typedef struct
{
  guint index;
  guint64 connection_id;
} WatchedPipe;

struct _FerryDownlink
{
  FerryUplink *uplink; /* const: (owned) */
  gboolean may_look;   /* const: there is another core for whoever sends */

  /* Of the thread that receives. */
  FerryLaneReader down;
  gsize borrowed;         /* size of the record that holds the latest message, not given back yet */
  FerryAssembly assembly; /* of a large message; whole: it is the latest message */
  gboolean broken;
  GArray *handed;       /* (element-type int) (owned elements) (nullable): descriptors of a message */
  gboolean is_handed;   /* they are of the message that comes next */
  gboolean is_short;    /* they are not all of them */
  guint64 handed_for;   /* connection id of the message */
  guint64 n_fd_batches; /* packets of them that were taken */
  guint interrupts_taken;
  guint n_taken;   /* messages since the last sleep */
  guint patience;  /* how many more waits look before they sleep */
  GArray *watched; /* (element-type WatchedPipe) (owned) (nullable) */

  _Atomic guint interrupts; /* any: how often a wait was interrupted */

  pthread_mutex_t lock;
  FerryLaneReader express; /* lock */
  /* any: the express lane's tail up to which all was taken; stored with lock. */
  _Atomic guint64 express_seen;
  _Atomic gboolean express_broken; /* any */
  guint cancel_interrupts_taken;   /* of the thread that waits for cancels */
};

FerryDownlink *
ferry_downlink_new (FerryUplink *uplink)
{
  FerryDownlink *self = g_new0 (FerryDownlink, 1);
  FerrySegment *segment = &uplink->segment;

  self->uplink = ferry_uplink_ref (uplink);
  self->may_look = ferry_get_n_usable_cores () > 1;
  pthread_mutex_init (&self->lock, NULL);
  ferry_lane_reader_init (&self->down, ferry_segment_get_down (segment), segment->down_ring, FERRY_DOWN_CAPACITY);
  ferry_lane_reader_init (&self->express, ferry_segment_get_express (segment), segment->express_ring,
                          FERRY_EXPRESS_CAPACITY);
  return self;
}

void
ferry_downlink_free (FerryDownlink *self)
{
  ferry_assembly_clear (&self->assembly);
  g_clear_pointer (&self->watched, g_array_unref);
  g_clear_pointer (&self->handed, ferry_descriptors_free);
  pthread_mutex_destroy (&self->lock);
  ferry_uplink_unref (self->uplink);
  g_free (self);
}

static _Atomic guint32 *
get_bell (FerryDownlink *self)
{
  return &ferry_segment_get_control (&self->uplink->segment)->reader_bell.rings;
}

static guint32
load_bell (FerryDownlink *self)
{
  /* Acquire: whoever rang before has what it rang for seen by what follows. */
  return atomic_load_explicit (get_bell (self), memory_order_acquire);
}

/* Whether the application gave up the link. Its first pipe's word says so for all, even where there is no pipe. */
static gboolean
has_ended (FerryDownlink *self)
{
  return self->uplink->forked || ferry_uplink_get_pipe_word (self->uplink, 0) >= FERRY_PIPE_WORD_LINK_ENDED;
}

gboolean
ferry_downlink_is_closed (FerryDownlink *self)
{
  return has_ended (self);
}

/* Gives size bytes of a lane back. When the application waits for the room, its monitor is woken to fill it. */
static void
give_back (FerryDownlink *self, FerryLaneReader *lane, gsize size)
{
  if (ferry_lane_reader_release (lane, size))
    ferry_doorbell_ring (self->uplink->doorbell);
}

static FerryDownEvent
break_lane (FerryDownlink *self)
{
  self->broken = TRUE;
  return FERRY_DOWN_EVENT_BROKEN;
}

/* The header of the next record, and its payload where it lies. */
static FerryDownEvent
peek (FerryDownlink *self, FerryRecordHeader *header, const guint8 **payload)
{
  FerryLaneReader *lane = &self->down;
  gsize available;

  if (self->broken || (ferry_lane_reader_get_available (lane) == 0 && !ferry_lane_reader_look (lane)))
    return break_lane (self);
  available = ferry_lane_reader_get_available (lane);
  if (available == 0)
    return FERRY_DOWN_EVENT_NOTHING;
  if (available < sizeof *header)
    return break_lane (self);
  memcpy (header, ferry_lane_reader_get_place (lane), sizeof *header);
  if (header->length > FERRY_MAX_RECORD_PAYLOAD || ferry_record_size (header->length) > available)
    return break_lane (self);
  *payload = ferry_lane_reader_get_place (lane) + sizeof *header;
  return FERRY_DOWN_EVENT_MESSAGE;
}

/* Gives back what the latest message lay in. */
static void
drop_latest (FerryDownlink *self)
{
  if (self->borrowed > 0)
    give_back (self, &self->down, self->borrowed);
  self->borrowed = 0;
  if (self->assembly.data != NULL && self->assembly.filled == self->assembly.size)
    ferry_assembly_clear (&self->assembly);
  if (self->handed != NULL && !self->is_handed)
    ferry_descriptors_close (self->handed);
}

/* worker, before the first receive: takes the next of the senders that the application passes, which come first in the
 * lane. */
FerryDownEvent
ferry_downlink_receive_grant (FerryDownlink *self, FerryDownGrant *grant)
{
  FerryRecordHeader header;
  const guint8 *payload;
  FerryGrant raw;
  FerryDownEvent event;

  drop_latest (self);
  event = peek (self, &header, &payload);
  if (event != FERRY_DOWN_EVENT_MESSAGE)
    return event;
  if (header.kind == FERRY_RECORD_BYTES || header.kind == FERRY_RECORD_LARGE || header.kind == FERRY_RECORD_FINISH ||
      header.kind == FERRY_RECORD_FD_BATCH)
    return FERRY_DOWN_EVENT_NOTHING;
  if (header.kind != FERRY_RECORD_GRANT || header.length < sizeof raw)
    return break_lane (self);
  memcpy (&raw, payload, sizeof raw);
  if (header.length - sizeof raw != raw.name_length || raw.index >= FERRY_MAX_PIPES_PER_LINK ||
      (raw.cell != FERRY_NO_CELL && raw.cell >= self->uplink->segment.n_cells))
    return break_lane (self);
  *grant = (FerryDownGrant){
    .connection_id = header.connection_id,
    .index = raw.index,
    .cell = raw.cell,
    .flags = raw.flags,
    .name = (const char *) payload + sizeof raw,
    .name_length = raw.name_length,
  };
  self->borrowed = ferry_record_size (header.length);
  return FERRY_DOWN_EVENT_MESSAGE;
}

static gboolean
begin_large (FerryDownlink *self, const FerryRecordHeader *header, const guint8 *payload)
{
  FerryLargeMessage large;

  if (header->length != sizeof large || self->assembly.data != NULL)
    return FALSE;
  memcpy (&large, payload, sizeof large);
  if (large.size <= FERRY_MAX_RECORD_PAYLOAD || large.size > self->uplink->max_message_size ||
      large.kind != FERRY_RECORD_BYTES || large.number != 0)
    return FALSE;
  self->assembly = (FerryAssembly){
    .data = g_malloc (large.size),
    .size = large.size,
    .allocated = large.size,
    .connection_id = header->connection_id,
    .kind = large.kind,
  };
  return TRUE;
}

static gboolean
add_piece (FerryDownlink *self, const FerryRecordHeader *header, const guint8 *payload)
{
  FerryAssembly *assembly = &self->assembly;

  if (assembly->data == NULL || assembly->connection_id != header->connection_id || header->length == 0 ||
      header->length > assembly->size - assembly->filled)
    return FALSE;
  memcpy (assembly->data + assembly->filled, payload, header->length);
  assembly->filled += header->length;
  return TRUE;
}

static gboolean
receive_fd_batch (FerryDownlink *self, const FerryFdBatchMessage *message)
{
  FerryFdBatch packet;
  gboolean complete = TRUE;

  if (self->uplink->link != NULL)
    return ferry_link_take_fd_batch (self->uplink->link, message->number, self->handed);
  if (!ferry_control_receive_fd_batch (self->uplink->control, &packet, self->handed, &complete))
    return FALSE;
  self->is_short = !complete;
  return packet.number == message->number && packet.n_descriptors == message->n_descriptors;
}

/* Takes the descriptors of the next message. They were sent before their record, so they are there. */
static gboolean
take_fd_batch (FerryDownlink *self, const FerryRecordHeader *header, const guint8 *payload)
{
  FerryFdBatchMessage message;

  if (header->length != sizeof message || header->number != 0 || self->assembly.data != NULL || self->is_handed)
    return FALSE;
  memcpy (&message, payload, sizeof message);
  if (message.number != self->n_fd_batches + 1)
    return FALSE;
  if (self->handed == NULL)
    self->handed = g_array_new (FALSE, FALSE, sizeof (int));
  self->n_fd_batches++;
  self->is_handed = TRUE;
  self->is_short = FALSE;
  self->handed_for = header->connection_id;
  return receive_fd_batch (self, &message);
}

/* Gives the message that is whole now what came with it. */
static FerryDownEvent
deliver (FerryDownlink *self, FerryDownMessage *message)
{
  if (!self->is_handed)
    return FERRY_DOWN_EVENT_MESSAGE;
  if (message->connection_id != self->handed_for)
    return break_lane (self);
  message->descriptors = self->handed;
  message->is_short = self->is_short;
  self->is_handed = FALSE;
  return FERRY_DOWN_EVENT_MESSAGE;
}

/* Takes a record that belongs to no large message. */
static FerryDownEvent
take_record (FerryDownlink *self, const FerryRecordHeader *header, const guint8 *payload, FerryDownMessage *message)
{
  gsize size = ferry_record_size (header->length);

  if (self->assembly.data != NULL || header->number != 0)
    return break_lane (self);
  if (header->kind == FERRY_RECORD_BYTES)
    {
      self->borrowed = size;
      *message = (FerryDownMessage){header->connection_id, payload, header->length, NULL, FALSE};
      return deliver (self, message);
    }
  if (header->kind != FERRY_RECORD_FINISH || header->length != 0 || self->is_handed)
    return break_lane (self);
  give_back (self, &self->down, size);
  return FERRY_DOWN_EVENT_FINISH;
}

/* What is there, as far as it makes an event. */
static FerryDownEvent
take_event (FerryDownlink *self, FerryDownMessage *message)
{
  FerryAssembly *assembly = &self->assembly;

  if (has_ended (self))
    return FERRY_DOWN_EVENT_CLOSED;
  if (atomic_load_explicit (&self->express_broken, memory_order_relaxed))
    return break_lane (self);
  for (;;)
    {
      FerryRecordHeader header;
      const guint8 *payload;
      FerryDownEvent event = peek (self, &header, &payload);
      gboolean valid;

      if (event != FERRY_DOWN_EVENT_MESSAGE)
        return event;
      if (header.kind != FERRY_RECORD_LARGE && header.kind != FERRY_RECORD_PIECE &&
          header.kind != FERRY_RECORD_FD_BATCH)
        return take_record (self, &header, payload, message);
      if (header.kind == FERRY_RECORD_FD_BATCH)
        valid = take_fd_batch (self, &header, payload);
      else
        valid =
          header.kind == FERRY_RECORD_LARGE ? begin_large (self, &header, payload) : add_piece (self, &header, payload);
      if (!valid)
        return break_lane (self);
      give_back (self, &self->down, ferry_record_size (header.length));
      if (header.kind != FERRY_RECORD_FD_BATCH && assembly->filled == assembly->size)
        {
          *message = (FerryDownMessage){assembly->connection_id, assembly->data, assembly->size, NULL, FALSE};
          return deliver (self, message);
        }
    }
}

/* Whether a wait is to end for an interrupt, which ends one wait of each kind. */
static gboolean
take_interrupt (FerryDownlink *self, guint *taken)
{
  /* Acquire: pairs with ferry_downlink_interrupt(), whose caller has something seen. */
  guint interrupts = atomic_load_explicit (&self->interrupts, memory_order_acquire);
  gboolean interrupted = interrupts != *taken;

  *taken = interrupts;
  return interrupted;
}

/* Before a sleep: has the application ring for the next cancel. Returns whether there is one already. */
static gboolean
arm_express (FerryDownlink *self)
{
  pthread_mutex_lock (&self->lock);
  ferry_wake_arm (&self->express.control->reader.reader_waiting, &self->express.epoch);
  pthread_mutex_unlock (&self->lock);
  return ferry_wake_look (&self->express.control->writer.tail) !=
         atomic_load_explicit (&self->express_seen, memory_order_relaxed);
}

void
ferry_downlink_watch_pipe (FerryDownlink *self, guint index, guint64 connection_id)
{
  WatchedPipe pipe = {index, connection_id};

  if (self->watched == NULL)
    self->watched = g_array_new (FALSE, FALSE, sizeof pipe);
  g_array_append_val (self->watched, pipe);
}

/* Whether one of the watched pipes was closed. To be called after the bell was loaded: the application stores the word
 * before it rings. The end of the link, which is in all of the words, is has_ended()'s. */
static gboolean
take_closed_pipe (FerryDownlink *self, FerryDownMessage *message)
{
  for (guint i = 0; self->watched != NULL && i < self->watched->len; i++)
    {
      const WatchedPipe pipe = g_array_index (self->watched, WatchedPipe, i);

      if (ferry_uplink_get_pipe_word (self->uplink, pipe.index) != FERRY_PIPE_WORD_CLOSED)
        continue;
      g_array_remove_index_fast (self->watched, i);
      *message = (FerryDownMessage){.connection_id = pipe.connection_id};
      return TRUE;
    }
  return FALSE;
}

static inline void
pause_processor (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

/* Looks for a while whether something comes, which spares whoever sends it a system call, and both a wake-up. */
static gboolean
look_around (FerryDownlink *self, guint32 seen)
{
  if (self->patience == 0)
    return FALSE;
  for (guint i = 0; i < MAX_LOOKS; i++)
    {
      if (!ferry_lane_reader_look (&self->down) || ferry_lane_reader_get_available (&self->down) > 0 ||
          load_bell (self) != seen || ferry_downlink_has_cancel (self))
        {
          self->patience = MAX_PATIENCE;
          return TRUE;
        }
      pause_processor ();
    }
  self->patience--;
  return FALSE;
}

/* Returns FALSE when the deadline passed. Several messages since the last sleep, and a short one now: somebody sends
 * without waiting for answers, a little slower than they are taken. Who sends one at a time and waits would only have
 * to share the processor. */
static gboolean
sleep_until_rung (FerryDownlink *self, guint32 seen, gint64 deadline)
{
  gint64 began = self->may_look && self->n_taken > 1 ? g_get_monotonic_time () : 0;
  gboolean in_time = ferry_futex_doorbell_wait (get_bell (self), seen, deadline);

  if (began != 0 && g_get_monotonic_time () - began < SHORT_SLEEP)
    self->patience = MAX_PATIENCE;
  self->n_taken = 0;
  return in_time;
}

/* worker: waits for what the application sends. */
FerryDownEvent
ferry_downlink_receive (FerryDownlink *self, gint64 deadline, FerryDownMessage *message)
{
  drop_latest (self);
  for (;;)
    {
      guint32 seen = load_bell (self);
      FerryDownEvent event = take_event (self, message);

      self->n_taken += event == FERRY_DOWN_EVENT_MESSAGE;
      if (event == FERRY_DOWN_EVENT_NOTHING && take_closed_pipe (self, message))
        return FERRY_DOWN_EVENT_PIPE_CLOSED;
      if (event != FERRY_DOWN_EVENT_NOTHING || take_interrupt (self, &self->interrupts_taken) || deadline == 0 ||
          arm_express (self))
        return event;
      ferry_uplink_hurry (self->uplink);
      if (look_around (self, seen))
        continue;
      if (!ferry_lane_reader_arm (&self->down))
        return break_lane (self);
      if (ferry_lane_reader_get_available (&self->down) == 0 && !sleep_until_rung (self, seen, deadline))
        return FERRY_DOWN_EVENT_NOTHING;
    }
}

/* any: ends a wait of ferry_downlink_receive() and one of ferry_downlink_wait_for_cancel(), or the next. */
void
ferry_downlink_interrupt (FerryDownlink *self)
{
  /* Release: pairs with take_interrupt(). */
  atomic_fetch_add_explicit (&self->interrupts, 1, memory_order_release);
  ferry_futex_doorbell_ring (get_bell (self));
}

gboolean
ferry_downlink_has_cancel (FerryDownlink *self)
{
  /* Acquire: what the application did before it cancelled is seen by whoever stops for it. The other one is our own
   * note of what was taken, and only compared. */
  return atomic_load_explicit (&ferry_segment_get_express (&self->uplink->segment)->writer.tail,
                               memory_order_acquire) !=
         atomic_load_explicit (&self->express_seen, memory_order_relaxed);
}

static gboolean
break_express_locked (FerryDownlink *self)
{
  guint64 tail = atomic_load_explicit (&self->express.control->writer.tail, memory_order_relaxed);

  atomic_store_explicit (&self->express_seen, tail, memory_order_relaxed);
  atomic_store_explicit (&self->express_broken, TRUE, memory_order_relaxed);
  ferry_futex_doorbell_ring (get_bell (self));
  return FALSE;
}

/* Copies the next cancel. Returns FALSE when there is none. After what no application writes there are none any more,
 * and whoever receives hears of it. */
static gboolean
take_cancel_locked (FerryDownlink *self, FerryRecordHeader *header)
{
  FerryLaneReader *lane = &self->express;

  if (atomic_load_explicit (&self->express_broken, memory_order_relaxed) || !ferry_lane_reader_look (lane))
    return break_express_locked (self);
  if (ferry_lane_reader_get_available (lane) == 0)
    return FALSE;
  if (ferry_lane_reader_get_available (lane) < sizeof *header)
    return break_express_locked (self);
  memcpy (header, ferry_lane_reader_get_place (lane), sizeof *header);
  if (header->kind != FERRY_RECORD_CANCEL || header->length != 0)
    return break_express_locked (self);
  give_back (self, lane, sizeof *header);
  atomic_store_explicit (&self->express_seen, lane->head, memory_order_relaxed);
  return TRUE;
}

gboolean
ferry_downlink_take_cancel (FerryDownlink *self, guint64 *xid, guint16 *reason)
{
  FerryRecordHeader header;
  gboolean taken;

  if (!ferry_downlink_has_cancel (self) || self->uplink->forked)
    return FALSE;
  pthread_mutex_lock (&self->lock);
  taken = take_cancel_locked (self, &header);
  pthread_mutex_unlock (&self->lock);
  if (!taken)
    return FALSE;
  *xid = header.connection_id;
  *reason = header.number;
  return TRUE;
}

gboolean
ferry_downlink_wait_for_cancel (FerryDownlink *self, gint64 deadline)
{
  for (;;)
    {
      guint32 seen = load_bell (self);

      if (has_ended (self))
        return FALSE;
      if (arm_express (self))
        return TRUE;
      if (take_interrupt (self, &self->cancel_interrupts_taken) || deadline == 0 ||
          !ferry_futex_doorbell_wait (get_bell (self), seen, deadline))
        return TRUE;
    }
}

FerryClaimResult
ferry_downlink_claim (FerryDownlink *self, guint64 xid)
{
  _Atomic guint64 *claim = &ferry_segment_get_control (&self->uplink->segment)->claim;

  for (;;)
    {
      guint32 seen = load_bell (self);
      /* Acquire: pairs with the application's exchange, as does the one below. */
      guint64 word = atomic_load_explicit (claim, memory_order_acquire);

      if ((word & FERRY_CLAIM_DOOMED) != 0 || has_ended (self))
        return FERRY_CLAIM_KILLED;
      if (word >> FERRY_CLAIM_SHIFT >= xid)
        return FERRY_CLAIM_SKIPPED;
      if ((word & FERRY_CLAIM_HOLD) != 0)
        /* The release rings, whoever waits; so does the end of the link. */
        ferry_futex_doorbell_wait (get_bell (self), seen, -1);
      else if (atomic_compare_exchange_strong_explicit (claim, &word, xid << FERRY_CLAIM_SHIFT, memory_order_acq_rel,
                                                        memory_order_acquire))
        return FERRY_CLAIM_BEGUN;
    }
}
