/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sending process' end of a link: the writing end of its up lane, shared by all senders of the process.
 *
 * Owner:     counted references: of the worker's attachment or the local sender, and of each sender.
 * Threads:   any. Threads take turns under a short lock of the process, with which no thread sleeps; a process with a
 *            single thread skips it.
 * Invariant: a process that dies before it publishes has published nothing. The last reserve bytes of the lane are for
 *            stop and abandon records, so that these never wait. */

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
  FerryLink *link;      /* const: (owned) (nullable): the other end, where it is in this process; it has the memory */
  int doorbell;         /* const: (owned): the application's */
  guint64 max_message_size; /* const */
  gsize reserve;            /* const: set before the first send */
  FerryArenaWriter *arena;  /* const: (owned) (nullable): as reserve */
  int control;              /* const: (unowned): as reserve: the control socket, or -1 */
  GThread *never_waits;     /* const: (nullable): the router's thread, where it is in this process */
  pthread_mutex_t lock;
  FerryLaneWriter writer;                                   /* lock */
  gboolean forked;                                          /* this is a copy in a child of the writing process */
  gboolean large_turn;                                      /* lock: a message is being sent in pieces */
  guint64 n_pending_memories;                               /* lock: one-shot buffers sent */
  guint64 memory_ends[FERRY_MAX_PENDING_MEMORIES_PER_LINK]; /* lock: the ends of their latest records, by number */
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

/* The conditions that end a sender's wait. */
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

/* The application's word for the pipe: a FerryPipeWord. */
static inline guint32
ferry_uplink_get_pipe_word (FerryUplink *self, guint index)
{
  /* Acquire: pairs with the application's store, so that a wait sees it after the ring. */
  return atomic_load_explicit (ferry_segment_get_pipe_word (&self->segment, index), memory_order_acquire);
}

/* Takes the lane. Returns the argument for ferry_uplink_unlock(): a second thread may start meanwhile. */
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

/* With the lane taken: where size bytes can be written, or NULL without room. */
static inline guint8 *
ferry_uplink_get_place_locked (FerryUplink *self, gsize size)
{
  if (!ferry_lane_writer_has_room (&self->writer, size + self->reserve))
    return NULL;
  return ferry_lane_writer_get_place (&self->writer);
}

/* With the lane taken: the end of the record that must be taken before the next one-shot buffer is sent. */
static inline guint64
ferry_uplink_get_memory_gate_locked (FerryUplink *self)
{
  return self->memory_ends[self->n_pending_memories % FERRY_MAX_PENDING_MEMORIES_PER_LINK];
}

/* Publishes the record at the place, gives the lane back, and rings where the reader sleeps. */
static inline void
ferry_uplink_publish_and_unlock (FerryUplink *self, gsize size, gboolean locked)
{
  gboolean due = ferry_lane_writer_publish (&self->writer, size);

  ferry_uplink_unlock (self, locked);
  if (G_UNLIKELY (due))
    ferry_doorbell_ring (self->doorbell);
}

/* any: the reader may wait a moment to take several records at once; until ferry_uplink_hurry(). */
static inline void
ferry_uplink_take_time (FerryUplink *self)
{
  /* Relaxed: a hint. */
  atomic_store_explicit (&self->writer.control->writer.unhurried, 1, memory_order_relaxed);
}

/* any: ends that, and rings the reader, even where it is not armed. */
static inline void
ferry_uplink_hurry (FerryUplink *self)
{
  /* Relaxed: a thread calls this between publishing a record and sleeping until the answer. The ring is a system call,
   * after which the reader sees the record and the cleared hint. */
  if (atomic_load_explicit (&self->writer.control->writer.unhurried, memory_order_relaxed) == 0)
    return;
  atomic_store_explicit (&self->writer.control->writer.unhurried, 0, memory_order_relaxed);
  ferry_doorbell_ring (self->doorbell);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryUplink, ferry_uplink_unref)

G_END_DECLS
