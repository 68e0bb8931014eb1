/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two ends of a lane, a ring in shared memory: how the writer publishes, and the reader looks, sleeps and is woken.
 * The reader wakes a writer that waits for room when it has freed half of the lane.
 *
 * Threads:   one thread at a time reads. That is, for the up lane, the thread that holds the drain lock, and for a down
 *            lane a thread of the worker. One thread at a time writes, under a lock of the writer's owner.
 * Trust:     none. Each position of the other end is copied out of shared memory once, then checked. The monitor also
 *            copies each record, and only the copy is checked and used. The writer keeps its own position in private
 *            memory.
 * Invariant: 0 <= tail - head <= capacity - FERRY_LANE_END. Both positions only grow. */

#include "config.h"

#include "lane/ferry-lane-private.h"

#include <sys/mman.h>

#include "lane/ferry-wake-private.h"

/* The ring of a lane begins at a page of its memory, and pages have this size. */
#define PAGE ((guint64) 4096)
/* How many bytes of memory are freed at a time: what takes well below a tenth of a millisecond. */
#define TIDY_STEP ((guint64) 512 * 1024)

/* ---- the reader ---- */

void
ferry_lane_reader_init (FerryLaneReader *self, FerryLaneControl *control, const guint8 *ring, gsize capacity)
{
  *self = (FerryLaneReader){.control = control, .ring = ring, .capacity = capacity};
}

static gboolean
refuse (FerryLaneReader *self, FerryLaneFault fault, guint64 refused)
{
  self->fault = fault;
  self->refused = refused;
  return FALSE;
}

/* index: beyond the tail. */
static gboolean
take_index (FerryLaneReader *self, guint64 index)
{
  if (index - self->head > self->capacity - FERRY_LANE_END || (index & 7) != 0)
    return refuse (self, FERRY_LANE_FAULT_INDEX, index);
  self->tail = index;
  return TRUE;
}

/* Goes on to the end of the records that are published behind the tail, record by record, for at most
 * FERRY_INDEX_STEP bytes. */
static gboolean
walk (FerryLaneReader *self, guint64 word)
{
  const guint64 limit = self->tail + FERRY_INDEX_STEP;

  do
    {
      gsize size = ferry_record_size ((guint32) word);

      /* The reader finds that this record is too long when it takes it. */
      if (G_UNLIKELY ((guint32) word > FERRY_MAX_RECORD_PAYLOAD))
        size = sizeof (FerryRecordHeader);
      if (G_UNLIKELY (self->tail + size - self->head > self->capacity - FERRY_LANE_END))
        return refuse (self, FERRY_LANE_FAULT_RECORD, self->tail + size);
      self->tail += size;
      word = atomic_load_explicit (ferry_lane_reader_get_word (self, self->tail), memory_order_acquire);
    }
  while (word != 0 && self->tail < limit);
  return TRUE;
}

/* Goes on behind the records that begin with a word that was found at the tail. A reader that is behind finds their end
 * by the index, and one that has caught up by the records.
 *
 * An index that is far behind is refused. A ring without a cleared word has no end of records, so the reader would go
 * around such a ring without a writer that runs. */
static gboolean
take_published (FerryLaneReader *self, guint64 word)
{
  /* Acquire: pairs with the store of the index, so the records up to the index are complete. */
  guint64 index = atomic_load_explicit (&self->control->writer.index, memory_order_acquire);

  if ((gint64) (index - self->tail) > 0)
    return take_index (self, index);
  return G_LIKELY (self->tail - index <= FERRY_MAX_INDEX_LAG) ? walk (self, word)
                                                              : refuse (self, FERRY_LANE_FAULT_LAG, index);
}

/* Returns the rule of the lane that its writer broke, after a look that returned FALSE. lane: its name. */
char *
ferry_lane_reader_describe_fault (const FerryLaneReader *self, const char *lane)
{
  const guint64 end = self->head + self->capacity - FERRY_LANE_END;

  if (self->fault == FERRY_LANE_FAULT_INDEX)
    return g_strdup_printf ("it stored %" G_GUINT64_FORMAT
                            " as its %s lane's index, which must be a multiple of 8 of at most %" G_GUINT64_FORMAT
                            "; it must store the end of a record that it has written",
                            self->refused, lane, end);
  if (self->fault == FERRY_LANE_FAULT_RECORD)
    return g_strdup_printf ("it wrote a record up to the position %" G_GUINT64_FORMAT
                            " of its %s lane, whose free part ends at %" G_GUINT64_FORMAT
                            "; it must wait for room first",
                            self->refused, lane, end);
  return g_strdup_printf ("it published records at the position %" G_GUINT64_FORMAT
                          " of its %s lane, whose index is %" G_GUINT64_FORMAT
                          "; it must store the index at least each %" G_GUINT64_FORMAT " bytes",
                          self->tail, lane, self->refused, FERRY_INDEX_STEP);
}

/* Looks for records that were published since. Returns FALSE where the writer broke a rule of the lane. */
gboolean
ferry_lane_reader_look (FerryLaneReader *self)
{
  guint64 word = atomic_load_explicit (ferry_lane_reader_get_word (self, self->tail), memory_order_acquire);

  return word == 0 || take_published (self, word);
}

/* Works as ferry_lane_reader_look(), up to the last record. */
gboolean
ferry_lane_reader_look_to_end (FerryLaneReader *self)
{
  guint64 before;

  do
    {
      before = self->tail;
      if (!ferry_lane_reader_look (self))
        return FALSE;
    }
  while (self->tail != before);
  return TRUE;
}

static void
announce (FerryLaneReader *self)
{
  ferry_wake_arm (&self->control->wake.reader_waiting, &self->epoch);
  self->is_announced = TRUE;
}

/* Begins to arm the reader, for several lanes that need one barrier together. Returns whether they need it. */
gboolean
ferry_lane_reader_begin_arming (FerryLaneReader *self)
{
  announce (self);
  self->is_begun = ferry_omission_is_announced (self->control);
  return self->is_begun;
}

/* The barrier was issued. The next ferry_lane_reader_arm() issues no other one. */
void
ferry_lane_reader_note_barrier (FerryLaneReader *self, gboolean issued)
{
  self->is_begun = self->is_begun && issued;
}

/* Arms the reader, so that the writer wakes it for the next record; then looks once more. Returns FALSE like
 * ferry_lane_reader_look(). If no record is available afterwards and is_armed is set, the reader may sleep on its
 * doorbell. If there is one, the lane is disarmed again. The reader does not sleep, so a ring for a later record would
 * wake it, or another thread, in vain. */
gboolean
ferry_lane_reader_arm (FerryLaneReader *self)
{
  const gboolean is_begun = self->is_begun;
  gboolean is_valid;
  guint64 word;

  self->is_begun = FALSE;
  if (!is_begun)
    announce (self);
  self->is_armed = is_begun || !ferry_omission_is_announced (self->control) || ferry_barrier_issue ();
  word = ferry_wake_look (ferry_lane_reader_get_word (self, self->tail));
  is_valid = word == 0 || take_published (self, word);
  if (self->tail != self->head)
    ferry_lane_reader_disarm (self);
  return is_valid;
}

/* Copies a record's payload, which must be in the lane completely, if it may be the awaited answer; then checks the
 * copy. Returns whether it is the answer. The record must then be released. */
gboolean
ferry_answer_wait_take (FerryAnswerWait *self, const FerryRecordHeader *header, const guint8 *payload)
{
  if (header->kind != FERRY_RECORD_BYTES || header->number != 0 || header->connection_id != self->connection_id ||
      header->length > self->max_size)
    return FALSE;
  memcpy (self->place, payload, header->length);
  if (!self->is_answer (self->data, self->place, header->length))
    return FALSE;
  self->size = header->length;
  return TRUE;
}

/* Releases size bytes to the writer. Returns whether the caller must wake the writer: the writer waits for room, and
 * half of the lane is free. So a full lane costs a few wake-ups, not one for each record. No record is larger than half
 * of the lane, so the record for which the writer waits then has room. */
gboolean
ferry_lane_reader_release (FerryLaneReader *self, gsize size)
{
  self->head += size;
  ferry_wake_publish (&self->control->reader.head, self->head);
  /* The latest known tail may be far behind that of a writer that waits. A bad word is found by the next look. */
  if (G_UNLIKELY (ferry_lane_reader_is_awaited (self)))
    ferry_lane_reader_look_to_end (self);
  return self->tail - self->head + FERRY_LANE_END <= self->capacity / 2 &&
         ferry_wake_due (&self->control->writer.writer_waiting, &self->rung);
}

/* Releases size bytes to the writer, and wakes a writer that sleeps on the lane's futex doorbell. */
void
ferry_lane_reader_consume (FerryLaneReader *self, gsize size)
{
  if (ferry_lane_reader_release (self, size))
    ferry_futex_doorbell_ring (&self->control->writer_bell.rings);
}

/* ---- the writer ---- */

void
ferry_lane_writer_init (FerryLaneWriter *self, FerryLaneControl *control, guint8 *ring, gsize capacity)
{
  *self = (FerryLaneWriter){.control = control, .ring = ring, .capacity = capacity};
}

/* Does what is left when a record was published: changes between barriers and none. Returns whether the reader's
 * doorbell must be rung now. */
gboolean
ferry_lane_writer_end_publish (FerryLaneWriter *self)
{
  gboolean due = ferry_wake_due (&self->control->wake.reader_waiting, &self->rung);

  /* Relaxed: a hint. */
  ferry_omission_note (
    &self->omission, self->control,
    due || atomic_load_explicit (&self->control->wake.reader_waiting, memory_order_relaxed) != self->rung);
  return due;
}

static gboolean
take_head (FerryLaneWriter *self, guint64 head, gsize size)
{
  /* One comparison checks both bounds: a head that went back makes the first difference greater than any capacity. */
  if (head - self->head > self->tail - self->head || (head & 7) != 0)
    {
      self->broken = TRUE;
      return FALSE;
    }
  self->head = head;
  return self->tail - head + size + FERRY_LANE_END <= self->capacity;
}

/* Loads the reader's head. Returns whether size bytes are free. Sets broken when the head is out of range. */
gboolean
ferry_lane_writer_look (FerryLaneWriter *self, gsize size)
{
  /* Acquire: pairs with the store that publishes the head, so old bytes are read before the next writes. */
  return take_head (self, atomic_load_explicit (&self->control->reader.head, memory_order_acquire), size);
}

/* Arms a writer that waits for room, so that the reader wakes it when half of the lane is free. Then loads the head
 * once more. Returns whether size bytes are free. If not, the writer may sleep on the bell. The writer must have loaded
 * the bell's count before it called this function. */
gboolean
ferry_lane_writer_arm (FerryLaneWriter *self, gsize size)
{
  ferry_wake_arm (&self->control->writer.writer_waiting, &self->epoch);
  return take_head (self, ferry_wake_look (&self->control->reader.head), size);
}

/* Gives pages of the ring that have no record back to the system; they read as zeros then. From the tail up to the head
 * and a capacity, all bytes are the writer's. The reader has released them, and reads them again only after the tail
 * has passed them. So only the writer may free these pages, and only between two records. A page that also has bytes of
 * a record that is not released stays. Where the kernel refuses this, all pages stay.
 *
 * Frees TIDY_STEP bytes at a time, since another thread may be waiting to write. Goes on from *position, 0 at first,
 * and moves it. Returns whether there is more. */
gboolean
ferry_lane_writer_tidy (FerryLaneWriter *self, guint64 *position)
{
  guint64 begin;
  guint64 end;
  guint64 limit;

  ferry_lane_writer_look (self, 0);
  if (self->broken)
    return FALSE;
  begin = (MAX (self->tail, *position) + PAGE - 1) & ~(PAGE - 1);
  limit = (self->head + self->capacity) & ~(PAGE - 1);
  if (begin >= limit)
    return FALSE;
  end = MIN (limit, begin + TIDY_STEP);
  /* The ring is mapped twice in a row, so the pages are contiguous. */
  madvise (self->ring + (begin & (self->capacity - 1)), end - begin, MADV_REMOVE);
  *position = end;
  return end < limit;
}
