/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sending process' end of a link, which all senders of the process share. Any thread. */

#pragma once

#include <pthread.h>
#include <sys/single_threaded.h>

#include "base/ferry-base-private.h"
#include "base/ferry-limit-clock-private.h"
#include "lane/ferry-arena-private.h"
#include "lane/ferry-lane-private.h"
#include "lane/ferry-segment-private.h"
#include "lane/ferry-wake-private.h"
#include "link/ferry-link-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerrySegment segment; /* const */
  /* const: (owned) (nullable): the application's end, where it is in this process; then the memory is the link's */
  FerryLink *link;
  int doorbell;             /* const: (owned): the doorbell of the application */
  guint64 max_message_size; /* const */
  /* const: set before the first send: bytes of the lane that are for stop and abandon records */
  gsize reserve;
  FerryArenaWriter *arena; /* const: (owned) (nullable): set before the first send */
  int control;             /* const: (owned if own): set before the first send: the control socket, or -1 */
  gboolean own;            /* const: the uplink is that of a given sender, and has a control socket of its own */
  GList own_node;          /* own_uplinks_lock: where own is set */
  /* const: (nullable): the router's thread, where it is in this process; sends on that thread never wait */
  GThread *never_waits;
  pthread_mutex_t lock;
  FerryLaneWriter writer; /* lock */
  /* this uplink is a copy in a forked child of the sending process */
  gboolean forked;
  gboolean in_pieces;     /* lock: a thread is sending a message in pieces */
  _Atomic guint32 tidied; /* any: the value of the down lane's word tidy at the latest tidying */
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

/* The conditions under which a sender's wait ends. */
typedef struct
{
  guint index; /* the index of the sender's word in the pipe table */
  /* the clock's time, which begins as monotonic time; 0: does not wait; negative: waits without limit */
  gint64 deadline;
  /* (nullable): called with data before each sleep; when it returns TRUE, the wait ends */
  FerryInterruptedFunc interrupted;
  gpointer data;
  FerryLimitClock clock; /* of the deadline, if that is positive, in all waits of one send */
} FerryWait;

FerryUplink *ferry_uplink_new (FerrySegment *segment, int doorbell, guint64 max_message_size, guint n_pipes);
FerryUplink *ferry_uplink_new_local (FerryLink *link, GThread *never_waits, GError **error);
FerryUplink *ferry_uplink_open (const FerryWelcome *welcome, int memory, int *doorbell, int *arena, GError **error);
void ferry_uplink_take_control (FerryUplink *self, int control);
FerryUplink *ferry_uplink_ref (FerryUplink *self);
void ferry_uplink_unref (FerryUplink *self);

FerryWaitResult ferry_uplink_wait (FerryUplink *self, FerryWait *wait, gsize size);
FerryWaitResult ferry_uplink_reserve_buffer (FerryUplink *self, FerryWait *wait, gsize size,
                                             FerryBufferMessage *message);
FerryWaitResult ferry_uplink_begin_pieces (FerryUplink *self, FerryWait *wait);
void ferry_uplink_end_pieces (FerryUplink *self);
void ferry_uplink_interrupt (FerryUplink *self);
void ferry_uplink_mark_forked (FerryUplink *self);
void ferry_uplink_tidy (FerryUplink *self);
void ferry_uplink_tidy_where_asked (FerryUplink *self);
void ferry_uplink_ring (FerryUplink *self);
gboolean ferry_uplink_write_control_and_unlock (FerryUplink *self, FerryRecordKind kind, guint64 connection_id,
                                                gboolean locked);

/* Returns the pipe word of a pipe, a FerryPipeWord. The application stores it. */
static inline guint32
ferry_uplink_get_pipe_word (FerryUplink *self, guint index)
{
  /* Acquire: pairs with the application's release store of the word. A thread that was woken by the ring after that
   * store sees the new word. */
  return atomic_load_explicit (ferry_segment_get_pipe_word (&self->segment, index), memory_order_acquire);
}

/* Takes the lock of the uplink, where the process has several threads. Returns whether the lock was taken. The result
 * must be passed to ferry_uplink_unlock(), because a second thread may start in the meantime. */
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

/* Returns the place in the lane for size bytes, or NULL where the lane has no room for them. With the lock taken. */
static inline guint8 *
ferry_uplink_get_place_locked (FerryUplink *self, gsize size)
{
  if (!ferry_lane_writer_has_room (&self->writer, size + self->reserve))
    return NULL;
  return ferry_lane_writer_get_place (&self->writer);
}

/* Stores how far the lane is written as its index. */
static inline void
ferry_uplink_store_index (FerryUplink *self)
{
  gboolean locked = ferry_uplink_lock (self);

  ferry_lane_writer_store_index (&self->writer);
  ferry_uplink_unlock (self, locked);
}

/* Publishes the record at the place, releases the lock, and rings the doorbell where the reader sleeps. */
static inline void
ferry_uplink_publish_and_unlock (FerryUplink *self, gsize size, gboolean locked)
{
  gboolean rings = ferry_lane_writer_publish (&self->writer, size);

  ferry_uplink_unlock (self, locked);
  if (G_UNLIKELY (rings))
    ferry_uplink_ring (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryUplink, ferry_uplink_unref)

G_END_DECLS
