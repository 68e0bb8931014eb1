/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sending process' end of a link: the writing end of its up lane, shared by all senders of the process.
 *
 * Owner:     counted references; the worker's attachment or a local sender holds one, and so does each sender.
 * Threads:   any. The threads of the process take turns under one short lock that no other process knows; a process
 *            with a single thread skips it. Nobody sleeps with the lock held.
 * Invariant: begin and end bracket one publication: a process that dies in between has published nothing of it.
 *            The last reserve bytes of the lane are kept for stop and abandon records, so neither ever waits. */

#pragma once

#include <pthread.h>
#include <sys/single_threaded.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-arena-writer-private.h"
#include "lane/ferry-doorbell-private.h"
#include "lane/ferry-lane-private.h"
#include "lane/ferry-segment-private.h"
#include "link/ferry-link-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerrySegment segment; /* const */
  FerryLink *link;      /* const: (owned) (nullable): the other end, where it is in this process and has the memory */
  int doorbell;         /* const: (owned) the application's */
  guint64 max_message_size; /* const */
  gsize reserve;            /* const: set before the first send */
  FerryArenaWriter *arena;  /* const: (owned) (nullable): as reserve */
  int control;              /* const: (unowned): as reserve: what memory is handed over by, or -1 */
  GThread *never_waits;     /* const: (nullable) the router's thread, where it is of this process */
  pthread_mutex_t lock;
  FerryLaneWriter writer;     /* lock */
  gboolean forked;            /* this is a copy in a child of the process that writes the lane */
  gboolean large_turn;        /* lock: a message is being sent in pieces */
  guint64 n_pending_memories; /* lock: one-shot buffers sent */
  guint64 offer_ends[FERRY_MAX_PENDING_MEMORIES_PER_LINK]; /* lock: where the record of the latest ones end, by their
                                                              numbers */
  _Atomic gint references;
} FerryUplink;

typedef enum
{
  FERRY_WAIT_READY,
  FERRY_WAIT_CLOSED,
  FERRY_WAIT_BROKEN,
  FERRY_WAIT_FORKED,
  FERRY_WAIT_WOULD_BLOCK,
  FERRY_WAIT_TIMED_OUT,
  FERRY_WAIT_INTERRUPTED,
} FerryWaitResult;

typedef gboolean (*FerryInterruptedFunc) (gpointer data);

/* What a sending thread waits for, and until when. */
typedef struct
{
  guint index;                      /* of the sender's word in the pipe table */
  gint64 deadline;                  /* monotonic time in microseconds; 0: do not wait; negative: for ever */
  FerryInterruptedFunc interrupted; /* (nullable) */
  gpointer data;
} FerryWait;

FerryUplink *ferry_uplink_new (FerrySegment *segment, int doorbell, guint64 max_message_size, guint n_pipes);
FerryUplink *ferry_uplink_new_local (FerryLink *link, GThread *never_waits, GError **error);
void ferry_uplink_take_memory (FerryUplink *self, int memory);
FerryUplink *ferry_uplink_ref (FerryUplink *self);
void ferry_uplink_unref (FerryUplink *self);

FerryWaitResult ferry_uplink_wait (FerryUplink *self, const FerryWait *wait, gsize size);
FerryWaitResult ferry_uplink_reserve_buffer (FerryUplink *self, const FerryWait *wait, gsize size,
                                             FerryBufferMessage *message);
FerryWaitResult ferry_uplink_wait_for_pending_memory (FerryUplink *self, const FerryWait *wait);
FerryWaitResult ferry_uplink_take_turn (FerryUplink *self, const FerryWait *wait);
void ferry_uplink_give_turn (FerryUplink *self);
void ferry_uplink_interrupt (FerryUplink *self);
void ferry_uplink_mark_forked (FerryUplink *self);
gboolean ferry_uplink_write_control_and_unlock (FerryUplink *self, FerryRecordKind kind, guint64 connection_id,
                                                gboolean locked);

/* What the application says of the pipe: a FerryPipeWord. */
static inline guint32
ferry_uplink_get_pipe_word (FerryUplink *self, guint index)
{
  /* Acquire: pairs with the application's store, so that a wait which is rung for it sees it. */
  return atomic_load_explicit (ferry_segment_get_pipe_word (&self->segment, index), memory_order_acquire);
}

/* Takes the lane. Returns what ferry_uplink_unlock() wants back: a second thread may come into being meanwhile, but
 * not from within the short section. */
static inline gboolean
ferry_uplink_lock (FerryUplink *self)
{
  if (__libc_single_threaded)
    return FALSE;
  pthread_mutex_lock (&self->lock);
  return TRUE;
}

static inline void
ferry_uplink_unlock (FerryUplink *self, gboolean locked)
{
  if (locked)
    pthread_mutex_unlock (&self->lock);
}

/* With the lane taken: where size bytes can be written, or NULL when there is no room for them now. */
static inline guint8 *
ferry_uplink_get_place_locked (FerryUplink *self, gsize size)
{
  if (!ferry_lane_writer_has_room (&self->writer, size + self->reserve))
    return NULL;
  return ferry_lane_writer_get_place (&self->writer);
}

/* With the lane taken: where the record ends that must have been taken before one more buffer is offered. */
static inline guint64
ferry_uplink_get_memory_gate_locked (FerryUplink *self)
{
  return self->offer_ends[self->n_pending_memories % FERRY_MAX_PENDING_MEMORIES_PER_LINK];
}

/* Publishes what was written at the place, gives the lane back, and rings when the reader sleeps. */
static inline void
ferry_uplink_publish_and_unlock (FerryUplink *self, gsize size, gboolean locked)
{
  gboolean due = ferry_lane_writer_publish (&self->writer, size);

  ferry_uplink_unlock (self, locked);
  if (G_UNLIKELY (due))
    ferry_doorbell_ring (self->doorbell);
}

/* any: the reader may let a moment pass, and then take what came meanwhile all at once; until ferry_uplink_hurry(). */
static inline void
ferry_uplink_take_time (FerryUplink *self)
{
  /* Relaxed: a hint. */
  atomic_store_explicit (&self->writer.control->writer.unhurried, 1, memory_order_relaxed);
}

/* any: ends that, and has the reader look for what waits for it: it may not be armed, and is rung for all the same. */
static inline void
ferry_uplink_hurry (FerryUplink *self)
{
  /* Relaxed: who publishes something and then sleeps on the answer calls this itself, in between. That the reader sees
   * what was published, and no hint any more, is due to the ring, a system call that it looks after. */
  if (atomic_load_explicit (&self->writer.control->writer.unhurried, memory_order_relaxed) == 0)
    return;
  atomic_store_explicit (&self->writer.control->writer.unhurried, 0, memory_order_relaxed);
  ferry_doorbell_ring (self->doorbell);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryUplink, ferry_uplink_unref)

G_END_DECLS
