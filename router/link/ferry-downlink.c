/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker's end of the down lane and of the express lane.
 *
 * A worker receives calls by the down lane, and cancels by the express lane.
 *
 * Owner:   the worker's attachment, or a thread of the application that serves as a worker.
 * Threads: one thread receives from the down lane. Any thread reads the express lane, under a lock.
 * Trust:   the application is trusted; invalid records are still reported as errors. */

#include "config.h"

#include "link/ferry-downlink-private.h"

#include <poll.h>
#include <sched.h>
#include <string.h>

#include "base/ferry-base-private.h"

/* The records of this many bytes are released together, unless the lane gets empty before, or its writer waits for
 * room. Each release waits until all stores before it are in memory, among them those of the answer to the record. */
#define RELEASE_STEP (FERRY_DOWN_CAPACITY / 8)

/* A sender that came after the handshake: see ferry_downlink_take_given(). */
typedef struct
{
  char *name; /* (owned) */
  int fd;     /* (owned) */
} GivenSender;

struct _FerryDownlink
{
  FerryUplink *uplink; /* const: (owned) */

  /* The fields from down to n_wakes are for the receiving thread. */
  FerryLaneReader down;
  gsize borrowed;         /* size in bytes of the latest message's record, which is not released yet; else 0 */
  gsize unreleased;       /* size in bytes of the records before it that are not released yet */
  FerryAssembly assembly; /* the large message that is being received; when it is complete, the latest message */
  gboolean broken;
  GArray *descriptors;   /* (element-type int) (owned elements) (nullable): the latest fd batch */
  gboolean has_fd_batch; /* descriptors belongs to the next message */
  gboolean is_short;     /* some descriptors of the latest fd batch are missing */
  guint64 fd_batch_id;   /* the connection id of the message that the fd batch belongs to */
  guint64 n_fd_batches;  /* how many fd batches were taken */
  guint interrupts_taken;
  FerrySpin spin;
  guint n_wakes; /* ferry_spin_count_wakes() before the latest spin */

  _Atomic guint interrupts; /* any: how often ferry_downlink_interrupt() was called */

  pthread_mutex_t lock;
  FerryLaneReader express; /* lock */
  GQueue given;            /* lock: (element-type GivenSender) (owned): not taken yet, in the order of their arrival */
  /* any: the position up to which records of the express lane were taken; stored with lock held */
  _Atomic guint64 express_seen;
  _Atomic gboolean express_broken; /* any */
  _Atomic guint64 pause_taken;     /* any: the pause word, as a thread has taken it last */
  guint cancel_interrupts_taken;   /* for the thread that waits for cancels */
};

FerryDownlink *
ferry_downlink_new (FerryUplink *uplink)
{
  FerryDownlink *self = g_new0 (FerryDownlink, 1);
  FerrySegment *segment = &uplink->segment;

  self->uplink = ferry_uplink_ref (uplink);
  pthread_mutex_init (&self->lock, NULL);
  ferry_lane_reader_init (&self->down, ferry_segment_get_down (segment), segment->down_ring, FERRY_DOWN_CAPACITY);
  ferry_lane_reader_init (&self->express, ferry_segment_get_express (segment), segment->express_ring,
                          FERRY_EXPRESS_CAPACITY);
  return self;
}

static void
given_free (gpointer data)
{
  GivenSender *self = data;

  ferry_clear_fd (&self->fd);
  g_free (self->name);
  g_free (self);
}

void
ferry_downlink_free (FerryDownlink *self)
{
  g_queue_clear_full (&self->given, given_free);
  ferry_assembly_clear (&self->assembly);
  g_clear_pointer (&self->descriptors, ferry_descriptors_free);
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
  /* Acquire: a thread that sees the ring also sees what was stored before the ring. */
  return atomic_load_explicit (get_bell (self), memory_order_acquire);
}

/* The pipe word of index 0 shows the end of the link, also for a link without pipes. */
gboolean
ferry_downlink_is_closed (FerryDownlink *self)
{
  return self->uplink->forked || ferry_uplink_get_pipe_word (self->uplink, 0) >= FERRY_PIPE_WORD_LINK_ENDED;
}

void
ferry_downlink_close_if_left (FerryDownlink *self)
{
  struct pollfd control = {.fd = self->uplink->control};

  if (poll (&control, 1, 0) == 1 && (control.revents & POLLHUP) != 0)
    atomic_store (ferry_segment_get_pipe_word (&self->uplink->segment, 0), FERRY_PIPE_WORD_LINK_ENDED);
}

/* Releases size bytes of a lane to its writer. Wakes the monitor where the application waits for room in the lane. */
static void
release (FerryDownlink *self, FerryLaneReader *lane, gsize size)
{
  if (ferry_lane_reader_release (lane, size))
    ferry_doorbell_ring (self->uplink->doorbell);
}

static void
release_down (FerryDownlink *self, gsize size)
{
  self->unreleased = 0;
  release (self, &self->down, size);
}

/* Relaxed: a change may be seen late. */
static guint32
get_spin_setting (FerryDownlink *self)
{
  return atomic_load_explicit (&self->down.control->writer.spin, memory_order_relaxed);
}

static FerryDownEvent
break_lane (FerryDownlink *self)
{
  self->broken = TRUE;
  return FERRY_DOWN_EVENT_BROKEN;
}

/* Copies the next record's header, and sets *payload to its payload in the lane. Returns MESSAGE, NOTHING or BROKEN. */
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

/* Releases the memory and the descriptors of the latest message. */
static void
drop_latest (FerryDownlink *self)
{
  ferry_lane_reader_skip (&self->down, self->borrowed);
  self->unreleased += self->borrowed;
  self->borrowed = 0;
  if (self->unreleased >= RELEASE_STEP || (self->unreleased > 0 && ferry_lane_reader_is_awaited (&self->down)))
    release_down (self, 0);
  if (self->assembly.data != NULL && self->assembly.filled == self->assembly.size)
    ferry_assembly_clear (&self->assembly);
  if (self->descriptors != NULL && !self->has_fd_batch)
    ferry_descriptors_close (self->descriptors);
}

/* Grants are the first records of the lane, so a record with a message means that all grants were received. */
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
      header.kind == FERRY_RECORD_FD_BATCH || header.kind == FERRY_RECORD_STOP)
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
    .connection_id = header->connection_id,
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
    return ferry_link_take_fd_batch (self->uplink->link, message->number, self->descriptors);
  if (!ferry_control_receive_fd_batch (self->uplink->control, &packet, self->descriptors, &complete))
    return FALSE;
  self->is_short = !complete;
  return packet.number == message->number && packet.n_descriptors == message->n_descriptors;
}

/* Takes the descriptors of the next message. The application sent them before this record. Returns FALSE for a record
 * or a packet that no application sends. */
static gboolean
take_fd_batch (FerryDownlink *self, const FerryRecordHeader *header, const guint8 *payload)
{
  FerryFdBatchMessage message;

  if (header->length != sizeof message || header->number != 0 || self->assembly.data != NULL || self->has_fd_batch)
    return FALSE;
  memcpy (&message, payload, sizeof message);
  if (message.number != self->n_fd_batches + 1)
    return FALSE;
  if (self->descriptors == NULL)
    self->descriptors = g_array_new (FALSE, FALSE, sizeof (int));
  self->n_fd_batches++;
  self->has_fd_batch = TRUE;
  self->is_short = FALSE;
  self->fd_batch_id = header->connection_id;
  return receive_fd_batch (self, &message);
}

/* Keeps a given sender, whose descriptor came before this record. Returns FALSE for a record that no application
 * sends. */
static gboolean
take_given (FerryDownlink *self, const FerryRecordHeader *header, const guint8 *payload)
{
  GivenSender *given;
  FerryGrant raw;

  if (!self->has_fd_batch || header->connection_id != self->fd_batch_id || header->length <= sizeof raw ||
      self->descriptors->len > 1)
    return FALSE;
  memcpy (&raw, payload, sizeof raw);
  if (header->length - sizeof raw != raw.name_length)
    return FALSE;
  given = g_new (GivenSender, 1);
  *given = (GivenSender){g_strndup ((const char *) payload + sizeof raw, raw.name_length), -1};
  if (self->descriptors->len == 1)
    given->fd = g_array_index (self->descriptors, int, 0);
  g_array_set_size (self->descriptors, 0);
  self->has_fd_batch = FALSE;
  FERRY_AUTO_LOCK (&self->lock);
  g_queue_push_tail (&self->given, given);
  return TRUE;
}

void
ferry_downlink_look_for_given (FerryDownlink *self)
{
  FerryRecordHeader header;
  const guint8 *payload;
  gboolean valid;

  drop_latest (self);
  while (peek (self, &header, &payload) == FERRY_DOWN_EVENT_MESSAGE)
    {
      if (header.kind == FERRY_RECORD_FD_BATCH)
        valid = take_fd_batch (self, &header, payload);
      else if (header.kind == FERRY_RECORD_GRANT)
        valid = take_given (self, &header, payload);
      else
        return;
      if (valid)
        release_down (self, ferry_record_size (header.length));
      else
        break_lane (self);
    }
}

gboolean
ferry_downlink_take_given (FerryDownlink *self, char **name, int *fd)
{
  g_autofree GivenSender *given = NULL;
  FERRY_AUTO_LOCK (&self->lock);

  given = g_queue_pop_head (&self->given);
  if (given == NULL)
    return FALSE;
  *name = given->name;
  *fd = given->fd;
  return TRUE;
}

/* Fills in a message that is complete, with the fd batch where there is one. */
static FerryDownEvent
deliver (FerryDownlink *self, guint64 connection_id, const guint8 *data, gsize size, FerryDownMessage *message)
{
  *message = (FerryDownMessage){.connection_id = connection_id, .data = data, .size = size};
  if (!self->has_fd_batch)
    return FERRY_DOWN_EVENT_MESSAGE;
  if (connection_id != self->fd_batch_id)
    return break_lane (self);
  message->descriptors = self->descriptors;
  message->is_short = self->is_short;
  self->has_fd_batch = FALSE;
  return FERRY_DOWN_EVENT_MESSAGE;
}

/* Handles a record that is not part of a large message. */
static FerryDownEvent
take_record (FerryDownlink *self, const FerryRecordHeader *header, const guint8 *payload, FerryDownMessage *message)
{
  gsize size = ferry_record_size (header->length);

  if (self->assembly.data != NULL || header->number != 0)
    return break_lane (self);
  if (header->kind == FERRY_RECORD_BYTES)
    {
      self->borrowed = size;
      return deliver (self, header->connection_id, payload, header->length, message);
    }
  if ((header->kind != FERRY_RECORD_FINISH && header->kind != FERRY_RECORD_STOP) || header->length != 0 ||
      self->has_fd_batch)
    return break_lane (self);
  release_down (self, size);
  *message = (FerryDownMessage){.connection_id = header->connection_id};
  return header->kind == FERRY_RECORD_STOP ? FERRY_DOWN_EVENT_PIPE_CLOSED : FERRY_DOWN_EVENT_FINISH;
}

static gboolean
is_express_broken (FerryDownlink *self)
{
  return atomic_load_explicit (&self->express_broken, memory_order_relaxed);
}

/* Returns the next event, without waiting. */
static FerryDownEvent
take_event (FerryDownlink *self, FerryDownMessage *message)
{
  FerryAssembly *assembly = &self->assembly;

  if (ferry_downlink_is_closed (self))
    return FERRY_DOWN_EVENT_CLOSED;
  if (is_express_broken (self))
    return break_lane (self);
  for (;;)
    {
      FerryRecordHeader header;
      const guint8 *payload;
      FerryDownEvent event = peek (self, &header, &payload);
      gboolean valid;

      if (event != FERRY_DOWN_EVENT_MESSAGE)
        return event;
      if (header.kind == FERRY_RECORD_FD_BATCH)
        valid = take_fd_batch (self, &header, payload);
      else if (header.kind == FERRY_RECORD_GRANT)
        valid = take_given (self, &header, payload);
      else if (header.kind == FERRY_RECORD_LARGE)
        valid = begin_large (self, &header, payload);
      else if (header.kind == FERRY_RECORD_PIECE)
        valid = add_piece (self, &header, payload);
      else
        return take_record (self, &header, payload, message);
      if (!valid)
        return break_lane (self);
      release_down (self, ferry_record_size (header.length));
      if ((header.kind == FERRY_RECORD_LARGE || header.kind == FERRY_RECORD_PIECE) &&
          assembly->filled == assembly->size)
        return deliver (self, assembly->connection_id, assembly->data, assembly->size, message);
    }
}

/* Whether a wait is interrupted. *taken: the interrupts that this kind of wait has already seen. Each interrupt ends
 * one wait of each kind. */
static gboolean
take_interrupt (FerryDownlink *self, guint *taken)
{
  /* Acquire: pairs with ferry_downlink_interrupt(). This thread sees what the interrupting thread stored before. */
  guint interrupts = atomic_load_explicit (&self->interrupts, memory_order_acquire);
  gboolean interrupted = interrupts != *taken;

  *taken = interrupts;
  return interrupted;
}

/* Returns the first word of the next record of the express lane. */
static _Atomic guint64 *
get_express_word (FerryDownlink *self)
{
  return ferry_lane_reader_get_word (&self->express, atomic_load_explicit (&self->express_seen, memory_order_relaxed));
}

/* Makes the application ring for the next cancel, before a sleep. Returns whether the express lane already has one. */
static gboolean
arm_express (FerryDownlink *self)
{
  pthread_mutex_lock (&self->lock);
  ferry_wake_arm (&self->express.control->wake.reader_waiting, &self->express.epoch);
  pthread_mutex_unlock (&self->lock);
  return ferry_wake_look (get_express_word (self)) != 0 && !is_express_broken (self);
}

/* ---- waiting ---- */

/* What a thread compares while it polls. */
typedef struct
{
  FerryDownlink *downlink;
  guint64 tail; /* the down lane's */
  guint32 seen; /* the bell before the lanes were looked at */
} Poll;

static gboolean
has_arrived (gpointer data)
{
  const Poll *poll = data;
  FerryDownlink *self = poll->downlink;

  return ferry_lane_reader_has_record (&self->down, poll->tail) || load_bell (self) != poll->seen ||
         ferry_downlink_has_cancel (self);
}

/* A thread that this one has woken, with its answer, is likely to ask again at once; or it handles what came. Where it
 * has no core but this one, as the application polls on the other, it runs before a spin, or after it. */
static void
give_way_to_woken (FerryDownlink *self)
{
  const guint n_wakes = ferry_spin_count_wakes ();

  if (n_wakes != self->n_wakes)
    sched_yield ();
  self->n_wakes = n_wakes;
}

/* Waits until something may have arrived. Returns BROKEN, MESSAGE where it is worth to look, or NOTHING when the
 * deadline has passed. */
static FerryDownEvent
wait_for_arrival (FerryDownlink *self, guint32 seen, gint64 deadline)
{
  Poll poll = {self, self->down.tail, seen};
  gboolean in_time;

  ferry_spin_configure (&self->spin, get_spin_setting (self));
  if (ferry_spin_begin (&self->spin))
    {
      give_way_to_woken (self);
      if (ferry_spin_poll (&self->spin, has_arrived, &poll))
        return FERRY_DOWN_EVENT_MESSAGE;
    }
  if (!ferry_lane_reader_arm (&self->down))
    return break_lane (self);
  if (ferry_lane_reader_get_available (&self->down) > 0)
    return FERRY_DOWN_EVENT_MESSAGE;
  in_time = ferry_futex_doorbell_wait (get_bell (self), seen, deadline);
  ferry_spin_end (&self->spin);
  return in_time ? FERRY_DOWN_EVENT_MESSAGE : FERRY_DOWN_EVENT_NOTHING;
}

FerryDownEvent
ferry_downlink_receive (FerryDownlink *self, gint64 deadline, FerryDownMessage *message)
{
  drop_latest (self);
  for (;;)
    {
      guint32 seen = load_bell (self);
      FerryDownEvent event = take_event (self, message);

      if (event == FERRY_DOWN_EVENT_NOTHING && self->unreleased > 0)
        release_down (self, 0);
      if (event != FERRY_DOWN_EVENT_NOTHING || take_interrupt (self, &self->interrupts_taken) || deadline == 0 ||
          arm_express (self))
        return event;
      ferry_uplink_tidy_where_asked (self->uplink);
      event = wait_for_arrival (self, seen, deadline);
      if (event != FERRY_DOWN_EVENT_MESSAGE)
        return event;
    }
}

void
ferry_downlink_interrupt (FerryDownlink *self)
{
  /* Release: pairs with the acquire load in take_interrupt(). */
  atomic_fetch_add_explicit (&self->interrupts, 1, memory_order_release);
  ferry_futex_doorbell_ring (get_bell (self));
}

gboolean
ferry_downlink_has_cancel (FerryDownlink *self)
{
  /* Acquire: this thread sees what the application stored before the cancel. express_seen is only written by this
   * process, so relaxed is enough for it. */
  return atomic_load_explicit (get_express_word (self), memory_order_acquire) != 0 && !is_express_broken (self);
}

static gboolean
break_express_locked (FerryDownlink *self)
{
  atomic_store_explicit (&self->express_broken, TRUE, memory_order_relaxed);
  ferry_futex_doorbell_ring (get_bell (self));
  return FALSE;
}

/* After an invalid record, no more cancels are taken, and ferry_downlink_receive() returns BROKEN. */
gboolean
ferry_downlink_take_cancel (FerryDownlink *self, guint64 *xid, guint16 *reason)
{
  FerryLaneReader *lane = &self->express;
  FerryRecordHeader header;

  if (!ferry_downlink_has_cancel (self) || self->uplink->forked)
    return FALSE;
  FERRY_AUTO_LOCK (&self->lock);
  if (is_express_broken (self) || !ferry_lane_reader_look (lane))
    return break_express_locked (self);
  if (ferry_lane_reader_get_available (lane) == 0)
    return FALSE;
  if (ferry_lane_reader_get_available (lane) < sizeof header)
    return break_express_locked (self);
  memcpy (&header, ferry_lane_reader_get_place (lane), sizeof header);
  if (header.kind != FERRY_RECORD_CANCEL || header.length != 0)
    return break_express_locked (self);
  release (self, lane, sizeof header);
  atomic_store_explicit (&self->express_seen, lane->head, memory_order_relaxed);
  *xid = header.connection_id;
  *reason = header.number;
  return TRUE;
}

static FerryLinkControl *
get_link_control (FerryDownlink *self)
{
  return ferry_segment_get_control (&self->uplink->segment);
}

guint64
ferry_downlink_get_output (FerryDownlink *self, guint stream)
{
  /* Relaxed: stored before the worker was started. */
  return atomic_load_explicit (&get_link_control (self)->outputs[stream - 1], memory_order_relaxed);
}

guint64
ferry_downlink_get_pause (FerryDownlink *self)
{
  /* Acquire: pairs with ferry_link_set_pause(), so that the deadline is seen. */
  return atomic_load_explicit (&get_link_control (self)->pause, memory_order_acquire);
}

guint64
ferry_downlink_take_pause (FerryDownlink *self)
{
  guint64 pause = ferry_downlink_get_pause (self);

  atomic_store (&self->pause_taken, pause);
  return pause;
}

gint64
ferry_downlink_get_deadline (FerryDownlink *self)
{
  /* Relaxed: the load of the pause word orders it. */
  return MAX (atomic_load_explicit (&get_link_control (self)->deadline, memory_order_relaxed), 0);
}

void
ferry_downlink_note_heard (FerryDownlink *self, guint64 pause)
{
  /* Relaxed: the application only compares the word. The lane's words are the parent's in a process that was forked
   * from the worker. */
  if (!self->uplink->forked)
    atomic_store_explicit (&get_link_control (self)->heard, pause, memory_order_relaxed);
}

gboolean
ferry_downlink_wait_for_cancel (FerryDownlink *self, gint64 deadline)
{
  for (;;)
    {
      guint32 seen = load_bell (self);

      if (ferry_downlink_is_closed (self))
        return FALSE;
      /* The application stores the pause word before it rings. */
      if (ferry_downlink_get_pause (self) != atomic_load (&self->pause_taken) || arm_express (self) ||
          take_interrupt (self, &self->cancel_interrupts_taken) || deadline == 0 ||
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
      /* Acquire: pairs with the application's exchange of the claim. The exchange below does as well. */
      guint64 word = atomic_load_explicit (claim, memory_order_acquire);

      if ((word & FERRY_CLAIM_DOOMED) != 0 || ferry_downlink_is_closed (self))
        return FERRY_CLAIM_KILLED;
      if (word >> FERRY_CLAIM_SHIFT >= xid)
        return FERRY_CLAIM_SKIPPED;
      if ((word & FERRY_CLAIM_HOLD) != 0)
        {
          /* The application rings when it releases the claim, and when the link ends. */
          ferry_futex_doorbell_wait (get_bell (self), seen, -1);
          continue;
        }
      /* The application takes the index for the end of what the calls before have sent. */
      ferry_uplink_store_index (self->uplink);
      if (atomic_compare_exchange_strong_explicit (claim, &word, xid << FERRY_CLAIM_SHIFT, memory_order_acq_rel,
                                                   memory_order_acquire))
        return FERRY_CLAIM_BEGUN;
    }
}
