/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two ends of a lane: the reader and the writer. One thread at a time reads, and one writes. */

#pragma once

#include <string.h>

#include "base/ferry-completion-private.h"
#include "lane/ferry-wake-private.h"
#include "wire/ferry-lane-layout.h"
#include "wire/ferry-layout-private.h"

G_BEGIN_DECLS

typedef struct _FerryAnswerWait FerryAnswerWait;

/* A thread that asks, and is handed the answer by the thread that drains the lane. */
struct _FerryAnswerWait
{
  guint64 connection_id;       /* of the answer's record */
  guint64 number;              /* of the answer: see ferry-answer-waits.c */
  FerryAnswerWait *next;       /* (unowned) (nullable): in a list of FerryAnswerWaits */
  FerryCompletion *completion; /* (unowned): handed over with the answer */
  /* Where the answer's payload is copied to, and its size in bytes then; 0: none came. */
  guint64 *place;
  gsize max_size;
  gsize size;
  GBytes *whole;             /* (owned) (nullable): an answer that is longer than max_size */
  FerryValueVerdict verdict; /* on the value in whole, if it was checked */
  /* Whether the payload, which lies in place, is the answer: then it is handed over. Called with the lane in use, so it
   * must not wait. */
  gboolean (*is_answer) (gpointer data, gconstpointer payload, gsize size);
  /* Takes the payload if it is a part of the answer, before its last part. */
  gboolean (*take_part) (gpointer data, gconstpointer payload, gsize size);
  gpointer data;

  /* For the thread itself: see ferry-monitor-private.h. */
  gboolean is_listed; /* in a list of FerryAnswerWaits, or was until it was handed its answer */
};

/* ---- the reader ---- */

/* Which rule of the lane its writer broke. */
typedef enum
{
  FERRY_LANE_FAULT_INDEX,  /* the index is out of range */
  FERRY_LANE_FAULT_RECORD, /* a record goes beyond the free part of the ring */
  FERRY_LANE_FAULT_LAG,    /* the index is far behind the records */
} FerryLaneFault;

typedef struct
{
  FerryLaneControl *control;
  const guint8 *ring;
  gsize capacity;
  guint64 head;
  guint64 tail;         /* behind the latest record that is known */
  FerryLaneFault fault; /* of the latest look, if that failed */
  guint64 refused;      /* the position that was refused */
  guint32 rung;         /* the value of writer_waiting at the latest wake-up: for each value the writer is woken once */
  guint32 epoch;        /* the value that was stored in reader_waiting last */
  /* the latest ferry_lane_reader_arm() worked; FALSE: the reader must not sleep, because a barrier failed */
  gboolean is_armed;
  gboolean is_announced; /* the word reader_waiting is not 0 */
  gboolean is_begun; /* the lane is announced as armed, and the barrier for a writer that omits barriers was issued */
} FerryLaneReader;

gboolean ferry_answer_wait_take (FerryAnswerWait *self, const FerryRecordHeader *header, const guint8 *payload);

void ferry_lane_reader_init (FerryLaneReader *self, FerryLaneControl *control, const guint8 *ring, gsize capacity);
gboolean ferry_lane_reader_look (FerryLaneReader *self);
gboolean ferry_lane_reader_look_to_end (FerryLaneReader *self);
char *ferry_lane_reader_describe_fault (const FerryLaneReader *self, const char *lane);
gboolean ferry_lane_reader_begin_arming (FerryLaneReader *self);
void ferry_lane_reader_note_barrier (FerryLaneReader *self, gboolean issued);
gboolean ferry_lane_reader_arm (FerryLaneReader *self);
gboolean ferry_lane_reader_release (FerryLaneReader *self, gsize size);
void ferry_lane_reader_consume (FerryLaneReader *self, gsize size);

/* Returns the first word of the record at a position, which is 0 until the record is published. */
static inline _Atomic guint64 *
ferry_lane_get_word (const guint8 *ring, gsize capacity, guint64 position)
{
  return (_Atomic guint64 *) (gpointer) (ring + (position & (capacity - 1)));
}

static inline _Atomic guint64 *
ferry_lane_reader_get_word (FerryLaneReader *self, guint64 position)
{
  return ferry_lane_get_word (self->ring, self->capacity, position);
}

/* Whether a record is published at a position. */
static inline gboolean
ferry_lane_reader_has_record (FerryLaneReader *self, guint64 position)
{
  /* Acquire: pairs with the store that publishes the record. */
  return atomic_load_explicit (ferry_lane_reader_get_word (self, position), memory_order_acquire) != 0;
}

/* Makes the writer omit the ring for which the lane is armed. The lane must be armed again before the reader sleeps. */
static inline void
ferry_lane_reader_disarm (FerryLaneReader *self)
{
  self->is_begun = FALSE;
  if (self->is_announced)
    ferry_wake_disarm (&self->control->wake.reader_waiting);
  self->is_announced = FALSE;
}

/* Goes on behind size bytes, which the writer gets with the next ferry_lane_reader_release(). */
static inline void
ferry_lane_reader_skip (FerryLaneReader *self, gsize size)
{
  self->head += size;
}

/* Whether the writer waits for room and was not woken yet. */
static inline gboolean
ferry_lane_reader_is_awaited (FerryLaneReader *self)
{
  /* Relaxed: a hint. ferry_lane_reader_release() looks again. */
  guint32 epoch = atomic_load_explicit (&self->control->writer.writer_waiting, memory_order_relaxed);

  return epoch != self->rung && epoch != 0;
}

static inline gsize
ferry_lane_reader_get_available (FerryLaneReader *self)
{
  return self->tail - self->head;
}

static inline const guint8 *
ferry_lane_reader_get_place (FerryLaneReader *self)
{
  return self->ring + (self->head & (self->capacity - 1));
}

/* ---- the writer ---- */

typedef struct
{
  FerryLaneControl *control;
  guint8 *ring;
  gsize capacity;
  guint64 tail;
  guint64 word;  /* the first word of the record that is written at the tail, which publishes it */
  guint64 head;  /* the latest valid head that was loaded */
  guint32 rung;  /* the value of reader_waiting at the latest wake-up: for each value the reader is woken once */
  guint32 epoch; /* the value that was stored in writer_waiting last */
  gboolean broken;
  FerryOmission omission;
} FerryLaneWriter;

void ferry_lane_writer_init (FerryLaneWriter *self, FerryLaneControl *control, guint8 *ring, gsize capacity);
gboolean ferry_lane_writer_end_publish (FerryLaneWriter *self);
gboolean ferry_lane_writer_look (FerryLaneWriter *self, gsize size);
gboolean ferry_lane_writer_arm (FerryLaneWriter *self, gsize size);
gboolean ferry_lane_writer_tidy (FerryLaneWriter *self, guint64 *position);

/* Whether size bytes are free. Loads the reader's head only when the latest known head leaves too little room. */
static inline gboolean
ferry_lane_writer_has_room (FerryLaneWriter *self, gsize size)
{
  return G_LIKELY (self->tail - self->head + size + FERRY_LANE_END <= self->capacity) ||
         ferry_lane_writer_look (self, size);
}

/* Returns the place where the next record must be written. Must be called after ferry_lane_writer_has_room(). */
static inline guint8 *
ferry_lane_writer_get_place (FerryLaneWriter *self)
{
  return self->ring + (self->tail & (self->capacity - 1));
}

/* Cache lines are prefetched DISTANCE bytes ahead of the tail, for records of at most MAX bytes. For a larger record,
 * the copy alone already keeps the memory busy. */
#define FERRY_PREFETCH_DISTANCE 1024
#define FERRY_PREFETCH_MAX 256

/* Prefetches, for writing, the cache lines of later records of this size. These lines are still in the cache of the
 * reader's core. Publishing a record waits for all stores before it, so without this each record would wait until its
 * lines are moved to this core. */
static inline void
ferry_lane_writer_prefetch (FerryLaneWriter *self, gsize size)
{
  const guint8 *ahead = self->ring + ((self->tail + FERRY_PREFETCH_DISTANCE) & (self->capacity - 1));

  if (size > FERRY_PREFETCH_MAX)
    return;
  for (gsize offset = 0; offset < size; offset += 64)
    {
#ifdef __x86_64__
      /* In code for all x86-64 processors, the compiler's own prefetch requests a line for reading only. This
       * instruction requests a line for writing. Processors without the instruction ignore it. */
      __asm__ volatile("prefetchw %0" : : "m"(ahead[offset]));
#else
      __builtin_prefetch (ahead + offset, 1);
#endif
    }
}

/* The index is stored when the tail passes a multiple of this. A reader looks at records for as many bytes at a time.
 */
#define FERRY_INDEX_STEP ((guint64) 16384)
/* A reader refuses records further behind the index. A writer has published one step more, and what it publishes at
 * once: a type and a message. */
#define FERRY_MAX_INDEX_LAG ((guint64) 131072)

/* Stores the tail as the index, for a reader that is behind. A reader that has caught up finds the next record by its
 * first word, so nothing waits for the next index. */
static inline void
ferry_lane_writer_store_index (FerryLaneWriter *self)
{
  /* Release: pairs with the reader's load, so the records up to the index are complete. */
  atomic_store_explicit (&self->control->writer.index, self->tail, memory_order_release);
}

/* size: bytes that were published just now. */
static inline void
ferry_lane_writer_store_index_if_due (FerryLaneWriter *self, gsize size)
{
  if (G_UNLIKELY (((self->tail ^ (self->tail - size)) & ~(FERRY_INDEX_STEP - 1)) != 0))
    ferry_lane_writer_store_index (self);
}

/* Publishes the size bytes that were written at the tail: clears the word behind them, then stores the first word.
 * Returns whether the reader's doorbell must be rung now. While the writer omits barriers, a record that rings none is
 * published by two stores, one load and two comparisons. */
static inline gboolean
ferry_lane_writer_publish (FerryLaneWriter *self, gsize size)
{
  _Atomic guint64 *word = ferry_lane_get_word (self->ring, self->capacity, self->tail);

  ferry_lane_writer_prefetch (self, size);
  self->tail += size;
  /* Relaxed: the store that publishes the record comes later, and releases this one. */
  atomic_store_explicit (ferry_lane_get_word (self->ring, self->capacity, self->tail), 0, memory_order_relaxed);
  if (G_LIKELY (self->omission.is_on))
    {
      ferry_wake_publish_without_barrier (word, self->word);
      ferry_lane_writer_store_index_if_due (self, size);
      /* Sequentially consistent: as in ferry_wake_due(), which would find nothing due for this value either. */
      if (G_LIKELY (atomic_load_explicit (&self->control->wake.reader_waiting, memory_order_seq_cst) == self->rung))
        return FALSE;
    }
  else
    {
      ferry_wake_publish (word, self->word);
      ferry_lane_writer_store_index_if_due (self, size);
    }
  return ferry_lane_writer_end_publish (self);
}

/* Returns the first word of a record's header. */
static inline guint64
ferry_record_pack (guint32 length, guint16 kind, guint16 number)
{
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
  return length | (guint64) kind << 32 | (guint64) number << 48;
#else
  return (guint64) length << 32 | (guint64) kind << 16 | number;
#endif
}

/* Writes a record's header offset bytes behind the tail. The first word of the first record is kept back: the store of
 * it publishes what was written. */
static inline void
ferry_lane_writer_write_header (FerryLaneWriter *self, gsize offset, guint32 length, guint16 kind, guint16 number,
                                guint64 connection_id)
{
  const guint64 word = ferry_record_pack (length, kind, number);
  guint8 *place = ferry_lane_writer_get_place (self) + offset;

  if (offset == 0)
    self->word = word;
  else
    memcpy (place, &word, sizeof word);
  memcpy (place + sizeof word, &connection_id, sizeof connection_id);
}

G_END_DECLS
