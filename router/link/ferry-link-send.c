/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's writing end of a link: the down lane, the express lane and the claim word.
 *
 * Owner:     the link.
 * Threads:   any, under the link's down_lock, with which nobody waits.
 * Trust:     none in the worker. It can write any position and any claim: a position is checked by the lane's writer, a
 *            claim is a number that is only compared, and no loop follows it for ever.
 * Invariant: a lane's backlog holds what comes after all that is in the lane; while it holds anything, the lane's
 *            writer is armed, so that the reader's next half lane of room has the monitor flush it. */

#include "config.h"

#include "link/ferry-link-private.h"

#include <string.h>

#include "lane/ferry-doorbell-private.h"
#include "link/ferry-hands-private.h"
#include "link/ferry-shared-queue-private.h"

/* What may wait for room in the down lane. A message that finds nothing waiting is always taken, whatever its size. */
#define MAX_BACKLOG (1024 * 1024)

/* Messages of so few bytes have such a limit of their own: a window is to be taken while a large message waits, or a
 * worker that waits for the window would do so for ever. */
#define MAX_SHORT 64

/* Cancels that wait for room in the express lane: one for each call that a worker may have. */
#define MAX_EXPRESS_BACKLOG 65536

/* An honest worker changes its claim once a call. */
#define CLAIM_ATTEMPTS 1000

/* What turned_away says. */
#define LONG_MESSAGE 1
#define SHORT_MESSAGE 2
#define HANDED_MESSAGE 4

/* A record that waits for room. */
typedef struct
{
  gsize size;
  guint64 words[];
} FerryBacklogRecord;

/* How far the parts of a message were taken. */
typedef struct
{
  const FerryPart *parts;
  guint n_parts;
  gsize offset; /* in the first part that is left */
} Gather;

static gboolean
is_short (gsize record_size)
{
  return record_size <= ferry_record_size (MAX_SHORT);
}

static gsize *
get_backlog_size (FerryLink *self, gsize record_size)
{
  return is_short (record_size) ? &self->backlog_short : &self->backlog_size;
}

static gboolean
may_wait_locked (FerryLink *self, gsize size)
{
  if (g_queue_is_empty (&self->backlog))
    return TRUE;
  return *get_backlog_size (self, ferry_record_size (size)) + size <= MAX_BACKLOG;
}

static void
lock (FerryLink *self)
{
  pthread_mutex_lock (&self->down_lock);
}

static void
unlock (FerryLink *self)
{
  pthread_mutex_unlock (&self->down_lock);
}

static gboolean
is_usable_locked (FerryLink *self)
{
  return !self->down_closed && self->down_fault == NULL;
}

/* Leaves it to the monitor to end the link. */
void
ferry_link_set_fault_locked (FerryLink *self, const char *fault)
{
  if (self->down_fault != NULL)
    return;
  self->down_fault = fault;
  if (self->queue != NULL)
    ferry_shared_queue_report_fault (self->queue);
}

/* Whether both lanes are as an honest worker leaves them. */
static gboolean
check_lanes_locked (FerryLink *self)
{
  if (!self->down.broken && !self->express.broken)
    return TRUE;
  ferry_link_set_fault_locked (self,
                               "it wrote a position beyond what was sent to it; the head of its down lane and of its "
                               "express lane must be a multiple of 8, from the one before to the end of what was sent");
  return FALSE;
}

static void
ring_reader_locked (FerryLink *self)
{
  ferry_futex_doorbell_ring (&ferry_segment_get_control (&self->segment)->reader_bell.rings);
}

static void
publish_locked (FerryLink *self, FerryLaneWriter *writer, gsize size)
{
  if (ferry_lane_writer_publish (writer, size))
    ring_reader_locked (self);
}

static void
gather (Gather *self, guint8 *place, gsize size)
{
  while (size > 0)
    {
      gsize left = self->parts->size - self->offset;
      gsize n = MIN (left, size);

      if (n > 0)
        memcpy (place, (const guint8 *) self->parts->data + self->offset, n);
      place += n;
      size -= n;
      self->offset += n;
      if (n == left)
        {
          self->parts++;
          self->n_parts--;
          self->offset = 0;
        }
    }
}

/* Where in the down lane the record ends that is put there next. */
static guint64
get_next_end (FerryLink *self, gsize payload)
{
  return self->down.tail + self->backlog_size + self->backlog_short + ferry_record_size (payload);
}

static void
fill (guint8 *place, const FerryRecordHeader *header, Gather *payload)
{
  memcpy (place, header, sizeof *header);
  gather (payload, place + sizeof *header, header->length);
}

/* Writes a record into the lane or, when it has no room or others wait for it, behind those. */
static void
put_locked (FerryLink *self, FerryLaneWriter *writer, GQueue *backlog, const FerryRecordHeader *header, Gather *payload)
{
  gsize size = ferry_record_size (header->length);
  FerryBacklogRecord *record;

  if (G_LIKELY (g_queue_is_empty (backlog) && ferry_lane_writer_has_room (writer, size)))
    {
      fill (ferry_lane_writer_get_place (writer), header, payload);
      publish_locked (self, writer, size);
      return;
    }
  record = g_malloc (sizeof *record + size);
  record->size = size;
  /* What is between the payload and the record's end crosses as well, and may not be what lay in our memory. */
  record->words[size / sizeof (guint64) - 1] = 0;
  fill ((guint8 *) record->words, header, payload);
  g_queue_push_tail (backlog, record);
  if (backlog == &self->backlog)
    *get_backlog_size (self, size) += size;
}

/* Tells of room once there is plenty: half of the backlog for each kind, or all of it. Somebody whose message is larger
 * than that tries in vain, and is told again when more has gone. */
static void
tell_of_room_locked (FerryLink *self)
{
  guint before = self->turned_away;

  if (self->backlog_size <= MAX_BACKLOG / 2)
    self->turned_away &= ~(guint) LONG_MESSAGE;
  if (self->backlog_short <= MAX_BACKLOG / 2)
    self->turned_away &= ~(guint) SHORT_MESSAGE;
  if (g_queue_is_empty (&self->backlog))
    self->turned_away &= HANDED_MESSAGE;
  if ((before & HANDED_MESSAGE) != 0 && ferry_hands_count_locked (self) <= FERRY_MAX_HANDED_PER_LINK / 2)
    self->turned_away &= ~(guint) HANDED_MESSAGE;
  if (self->turned_away == before)
    return;
  for (GList *node = self->room_watches.head; node != NULL; node = node->next)
    {
      FerryRoomWatch *watch = node->data;

      watch->func (watch->data);
    }
}

/* Moves what waits into the lane. When something is left, the lane's writer is armed. Room is told of by the flush that
 * made it, and no other: or two who try in vain would wake each other without end. */
static void
flush_locked (FerryLink *self, FerryLaneWriter *writer, GQueue *backlog)
{
  FerryBacklogRecord *record;
  gboolean moved = FALSE;

  while ((record = g_queue_peek_head (backlog)) != NULL)
    {
      if (!ferry_lane_writer_has_room (writer, record->size) && !ferry_lane_writer_arm (writer, record->size))
        break;
      memcpy (ferry_lane_writer_get_place (writer), record->words, record->size);
      publish_locked (self, writer, record->size);
      if (backlog == &self->backlog)
        *get_backlog_size (self, record->size) -= record->size;
      g_queue_pop_head (backlog);
      g_free (record);
      moved = TRUE;
    }
  if (G_UNLIKELY (moved && self->turned_away != 0))
    tell_of_room_locked (self);
}

static void
put_message_locked (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts, gsize size)
{
  Gather payload = {parts, n_parts, 0};
  FerryLargeMessage large = {.size = size, .kind = FERRY_RECORD_BYTES};
  FerryPart large_part = {&large, sizeof large};
  Gather large_payload = {&large_part, 1, 0};

  if (G_LIKELY (size <= FERRY_MAX_RECORD_PAYLOAD))
    {
      FerryRecordHeader header = {(guint32) size, FERRY_RECORD_BYTES, 0, connection_id};

      put_locked (self, &self->down, &self->backlog, &header, &payload);
      return;
    }
  put_locked (self, &self->down, &self->backlog,
              &(FerryRecordHeader){sizeof large, FERRY_RECORD_LARGE, 0, connection_id}, &large_payload);
  while (size > 0)
    {
      gsize piece = MIN (size, FERRY_MAX_RECORD_PAYLOAD);
      FerryRecordHeader header = {(guint32) piece, FERRY_RECORD_PIECE, 0, connection_id};

      put_locked (self, &self->down, &self->backlog, &header, &payload);
      size -= piece;
    }
}

/* Sends the descriptors of the message that comes next, and puts their record before it. */
static FerryDownResult
hand_locked (FerryLink *self, guint64 connection_id, FerryHandful *handful)
{
  FerryHandMessage message = {.n_descriptors = handful->n_descriptors};
  FerryPart part = {&message, sizeof message};
  Gather payload = {&part, 1, 0};

  if (!self->local && self->control < 0)
    return FERRY_DOWN_CLOSED;
  handful->error_number = ferry_hands_send_locked (self, handful, get_next_end (self, sizeof message));
  switch (handful->error_number)
    {
    case 0:
      message.number = self->hands->n_sent;
      put_locked (self, &self->down, &self->backlog,
                  &(FerryRecordHeader){sizeof message, FERRY_RECORD_HAND, 0, connection_id}, &payload);
      return FERRY_DOWN_SENT;
    case EAGAIN:
      self->turned_away |= HANDED_MESSAGE;
      return FERRY_DOWN_UNTAKEN;
    case EPIPE:
    case ECONNRESET:
      /* The worker is going, or gone: how it ended is the monitor's to say. */
      return FERRY_DOWN_CLOSED;
    default:
      return FERRY_DOWN_REFUSED;
    }
}

/* any: sends the worker a message of plain bytes for one of its pipes. Never waits. */
FerryDownResult
ferry_link_send (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts)
{
  return ferry_link_send_with (self, connection_id, parts, n_parts, NULL);
}

/* any: the same with descriptors, which all go with it, or nothing does. */
FerryDownResult
ferry_link_send_with (FerryLink *self, guint64 connection_id, const FerryPart *parts, guint n_parts,
                      FerryHandful *handful)
{
  FerryDownResult result = FERRY_DOWN_CLOSED;
  gsize size = 0;

  for (guint i = 0; i < n_parts; i++)
    {
      if (parts[i].size > self->max_message_size - size)
        return FERRY_DOWN_TOO_LARGE;
      size += parts[i].size;
    }
  lock (self);
  if (is_usable_locked (self))
    {
      flush_locked (self, &self->down, &self->backlog);
      if (!may_wait_locked (self, size))
        {
          /* Something waits, so a flush is to come. */
          self->turned_away |= is_short (ferry_record_size (size)) ? SHORT_MESSAGE : LONG_MESSAGE;
          result = FERRY_DOWN_WOULD_BLOCK;
        }
      else
        {
          result = handful != NULL ? hand_locked (self, connection_id, handful) : FERRY_DOWN_SENT;
          if (result == FERRY_DOWN_SENT)
            put_message_locked (self, connection_id, parts, n_parts, size);
          flush_locked (self, &self->down, &self->backlog);
        }
      if (!check_lanes_locked (self) || !is_usable_locked (self))
        result = FERRY_DOWN_CLOSED;
    }
  unlock (self);
  return result;
}

static FerryDownResult
send_word (FerryLink *self, FerryLaneWriter *writer, GQueue *backlog, FerryRecordHeader header)
{
  FerryDownResult result = FERRY_DOWN_CLOSED;
  Gather nothing = {NULL, 0, 0};

  lock (self);
  if (is_usable_locked (self))
    {
      flush_locked (self, writer, backlog);
      result = backlog == &self->express_backlog && backlog->length >= MAX_EXPRESS_BACKLOG ? FERRY_DOWN_WOULD_BLOCK
                                                                                           : FERRY_DOWN_SENT;
      if (result == FERRY_DOWN_SENT)
        put_locked (self, writer, backlog, &header, &nothing);
      flush_locked (self, writer, backlog);
      if (!check_lanes_locked (self))
        result = FERRY_DOWN_CLOSED;
    }
  unlock (self);
  return result;
}

/* any: tells the worker that nothing more will be asked, behind all that was. */
FerryDownResult
ferry_link_send_finish (FerryLink *self)
{
  return send_word (self, &self->down, &self->backlog, (FerryRecordHeader){0, FERRY_RECORD_FINISH, 0, 0});
}

/* any: has the worker cancel a call. Overtakes all that is in the down lane. */
FerryDownResult
ferry_link_send_cancel (FerryLink *self, guint64 xid, guint16 reason)
{
  return send_word (self, &self->express, &self->express_backlog,
                    (FerryRecordHeader){0, FERRY_RECORD_CANCEL, reason, xid});
}

/* Somebody waits for descriptors to be taken. A ring is good for one look, so another one is asked for. */
static void
look_at_handed_locked (FerryLink *self)
{
  ferry_lane_writer_arm (&self->down, 0);
  tell_of_room_locked (self);
}

/* any: moves into the lanes what waits for room. Returns how many bytes the worker has taken from them so far, which
 * tells one that goes on from one that only rings. */
guint64
ferry_link_flush_down (FerryLink *self)
{
  guint64 taken;

  lock (self);
  if (is_usable_locked (self))
    {
      ferry_lane_writer_look (&self->down, 0);
      ferry_lane_writer_look (&self->express, 0);
      flush_locked (self, &self->express, &self->express_backlog);
      flush_locked (self, &self->down, &self->backlog);
      if ((self->turned_away & HANDED_MESSAGE) != 0)
        look_at_handed_locked (self);
      check_lanes_locked (self);
    }
  taken = self->down.head + self->express.head;
  unlock (self);
  return taken;
}

static _Atomic guint64 *
get_claim (FerryLink *self)
{
  return &ferry_segment_get_control (&self->segment)->claim;
}

/* The call begun last. Where the claim is the end of a skip, that was never begun, but the one before the skip was. */
static guint64
get_begun_of (FerryLink *self, guint64 claim)
{
  guint64 xid = claim >> FERRY_CLAIM_SHIFT;

  return xid != 0 && xid == self->skip_until ? self->begun_before_skip : xid;
}

/* Changes the claim from one value to another; *claim becomes the value found when that was not it. */
static gboolean
change_claim (FerryLink *self, guint64 *claim, guint64 next)
{
  /* Release: what led to the change is seen by a worker that sees it. Acquire: what the worker did before the claim
   * that we found. Pairs with the same exchange in ferry_downlink_claim(). */
  return atomic_compare_exchange_strong_explicit (get_claim (self), claim, next, memory_order_acq_rel,
                                                  memory_order_acquire);
}

static guint64
load_claim (FerryLink *self)
{
  /* Acquire: as in change_claim(). */
  return atomic_load_explicit (get_claim (self), memory_order_acquire);
}

static gboolean
give_up_claim_locked (FerryLink *self)
{
  ferry_link_set_fault_locked (self, "it changed its claim over and over");
  return FALSE;
}

/* any: keeps the worker from beginning calls, until ferry_link_release_calls(). *begun becomes the one begun last; 0:
 * none. Returns FALSE when the link has ended. */
gboolean
ferry_link_hold_calls (FerryLink *self, guint64 *begun)
{
  gboolean held = FALSE;

  *begun = 0;
  lock (self);
  if (is_usable_locked (self))
    {
      guint64 claim = load_claim (self);

      for (guint n = 0; n < CLAIM_ATTEMPTS && !held; n++)
        held = change_claim (self, &claim, claim | FERRY_CLAIM_HOLD);
      if (held)
        *begun = get_begun_of (self, claim);
      else
        give_up_claim_locked (self);
    }
  unlock (self);
  return held;
}

/* any: lets the worker begin calls again, but none up to skip_until that it has not begun; 0: all of them. */
void
ferry_link_release_calls (FerryLink *self, guint64 skip_until)
{
  gboolean released = FALSE;

  lock (self);
  if (is_usable_locked (self))
    {
      guint64 claim = load_claim (self);
      guint64 begun = 0;

      for (guint n = 0; n < CLAIM_ATTEMPTS && !released; n++)
        {
          guint64 xid = MAX (claim >> FERRY_CLAIM_SHIFT, skip_until);

          begun = get_begun_of (self, claim);
          released = change_claim (self, &claim, xid << FERRY_CLAIM_SHIFT | (claim & FERRY_CLAIM_DOOMED));
        }
      if (!released)
        give_up_claim_locked (self);
      else if (skip_until > claim >> FERRY_CLAIM_SHIFT)
        {
          self->skip_until = skip_until;
          self->begun_before_skip = begun;
        }
      ring_reader_locked (self);
    }
  unlock (self);
}

/* any: has the worker begin nothing any more, if xid is the call that it began last. Returns whether it is. */
gboolean
ferry_link_doom_call (FerryLink *self, guint64 xid)
{
  gboolean doomed = FALSE;

  lock (self);
  if (is_usable_locked (self))
    {
      guint64 claim = load_claim (self);
      guint n = 0;

      while (n < CLAIM_ATTEMPTS && !doomed && xid != 0 && get_begun_of (self, claim) == xid)
        {
          doomed = change_claim (self, &claim, claim | FERRY_CLAIM_DOOMED);
          n++;
        }
      if (n == CLAIM_ATTEMPTS && !doomed)
        give_up_claim_locked (self);
    }
  unlock (self);
  return doomed;
}

/* any: the call that the worker began last; 0: none. After the end of the link, what it was then. */
guint64
ferry_link_get_begun_call (FerryLink *self)
{
  guint64 begun;

  lock (self);
  begun = self->down_closed ? self->final_begun : get_begun_of (self, load_claim (self));
  unlock (self);
  return begun;
}

/* router's thread: the end of what the worker has written to the up lane so far. The worker may write any position;
 * what is returned lies in the lane. */
guint64
ferry_link_get_written (FerryLink *self)
{
  /* Acquire: see ferry_link_has_dispatched(). */
  guint64 taken = atomic_load_explicit (&self->up_taken, memory_order_acquire);
  guint64 written = taken;

  lock (self);
  /* Acquire: pairs with ferry_lane_writer_publish(), which comes before the claim of a later call. */
  if (is_usable_locked (self))
    written = atomic_load_explicit (&self->up.control->writer.tail, memory_order_acquire);
  unlock (self);
  /* A buffer that is being copied holds taken back by its record. */
  return written - taken <= 2 * self->up.capacity ? written : taken;
}

/* router's thread: whether all that was written up to a position of the up lane has been dispatched. Records that make
 * no block, such as the pieces of a message that was not finished, count when nothing else of the link is on its way.
 */
gboolean
ferry_link_has_dispatched (FerryLink *self, guint64 position)
{
  /* Acquire: pairs with the monitor's release, so that share_out counts the blocks that it pushed before. */
  guint64 taken = atomic_load_explicit (&self->up_taken, memory_order_acquire);

  return self->up_dispatched >= position ||
         (taken >= position && atomic_load_explicit (&self->share_out, memory_order_relaxed) == 0);
}

/* any: has watch->func called each time that there is room after a message was turned away. */
void
ferry_link_add_room_watch (FerryLink *self, FerryRoomWatch *watch)
{
  lock (self);
  watch->node = (GList){.data = watch};
  g_queue_push_tail_link (&self->room_watches, &watch->node);
  unlock (self);
}

/* any: when this returns, nobody is in watch->func. */
void
ferry_link_remove_room_watch (FerryLink *self, FerryRoomWatch *watch)
{
  lock (self);
  g_queue_unlink (&self->room_watches, &watch->node);
  unlock (self);
}

/* any: nothing goes down any more; the memory may be unmapped after this. */
void
ferry_link_close_down (FerryLink *self)
{
  lock (self);
  if (!self->down_closed && self->segment.base != NULL)
    self->final_begun = get_begun_of (self, load_claim (self));
  self->down_closed = TRUE;
  g_queue_clear_full (&self->backlog, g_free);
  g_queue_clear_full (&self->express_backlog, g_free);
  self->backlog_size = 0;
  self->backlog_short = 0;
  g_clear_pointer (&self->hands, ferry_hands_free);
  unlock (self);
}
