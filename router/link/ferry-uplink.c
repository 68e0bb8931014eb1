/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sending process' end of a link: the writing end of the link's up lane, which all senders of the process share.
 *
 * Owner:     counted references. The worker's attachment or the local sender has one, and so has each sender.
 * Threads:   any, under the lock of the uplink. No thread sleeps while it holds that lock. A process with a single
 *            thread does not take the lock.
 * Invariant: a process that dies before it publishes a record has published nothing of that record. The last reserve
 *            bytes of the lane are for stop and abandon records only, so that such a record never waits. */

#include "config.h"

#include "link/ferry-uplink-private.h"

#include <fcntl.h>

/* Makes the sending end of a link. Takes ownership of segment and doorbell. */
FerryUplink *
ferry_uplink_new (FerrySegment *segment, int doorbell, guint64 max_message_size, guint n_pipes)
{
  FerryUplink *self = g_new0 (FerryUplink, 1);

  self->segment = *segment;
  *segment = (FerrySegment){0};
  self->doorbell = doorbell;
  self->control = -1;
  self->max_message_size = max_message_size;
  self->reserve = (n_pipes + 1) * sizeof (FerryRecordHeader);
  pthread_mutex_init (&self->lock, NULL);
  ferry_lane_writer_init (&self->writer, ferry_segment_get_up (&self->segment), self->segment.up_ring,
                          self->segment.up_capacity);
  atomic_init (&self->references, 1);
  return self;
}

/* Makes the sending end of a link that has both ends in this process. Both ends share one mapping. The descriptor of
 * the arena must still be open. */
FerryUplink *
ferry_uplink_new_local (FerryLink *link, GThread *never_waits, GError **error)
{
  FerrySegment segment = link->segment;
  int doorbell = fcntl (link->doorbell, F_DUPFD_CLOEXEC, 0);
  g_autoptr (FerryUplink) self = NULL;

  if (doorbell < 0)
    {
      ferry_set_system_error (error, "Making a local sender (fcntl)");
      return NULL;
    }
  self = ferry_uplink_new (&segment, doorbell, link->max_message_size, link->connection_ids->len);
  self->link = ferry_link_ref (link);
  self->never_waits = never_waits;
  if (link->arena != NULL)
    {
      FerryArena *arena = ferry_arena_new_writer (ferry_segment_get_arena_control (&self->segment), link->arena_memory,
                                                  FERRY_ARENA_UNIT, link->arena->size, error);

      if (arena == NULL)
        return NULL;
      self->arena = ferry_arena_writer_new (arena);
    }
  return g_steal_pointer (&self);
}

/* worker: makes the uplink of a welcome. Takes *doorbell and *arena, which is -1 where the link has none, on
 * success. */
FerryUplink *
ferry_uplink_open (const FerryWelcome *welcome, int memory, int *doorbell, int *arena, GError **error)
{
  const gsize arena_size = (gsize) welcome->arena_units * FERRY_ARENA_UNIT;
  FerrySegment segment = {0};
  FerryUplink *self;

  if ((*arena >= 0 && !ferry_arena_memory_check (*arena, arena_size, error)) ||
      !ferry_segment_map (&segment, memory, welcome->up_capacity, welcome->n_cells, error))
    return NULL;
  self = ferry_uplink_new (&segment, ferry_steal_fd (doorbell), welcome->max_message_size, welcome->n_pipes);
  if (*arena >= 0)
    self->arena = ferry_arena_writer_new_later (ferry_segment_get_arena_control (&self->segment),
                                                ferry_steal_fd (arena), arena_size);
  return self;
}

/* ---- uplinks of given senders ----
 *
 * A process may have any number of them. In a child that this process forks, all of them are marked as copies. */

static pthread_mutex_t own_uplinks_lock = PTHREAD_MUTEX_INITIALIZER;
static GQueue own_uplinks = G_QUEUE_INIT; /* own_uplinks_lock: (element-type FerryUplink) (unowned) */

/* A handler of pthread_atfork(): so that the child finds the list whole. */
static void
before_fork (void)
{
  pthread_mutex_lock (&own_uplinks_lock);
}

static void
after_fork_in_parent (void)
{
  pthread_mutex_unlock (&own_uplinks_lock);
}

static void
after_fork_in_child (void)
{
  for (GList *node = own_uplinks.head; node != NULL; node = node->next)
    ferry_uplink_mark_forked (node->data);
  pthread_mutex_unlock (&own_uplinks_lock);
}

/* Makes control (transfer full) the control socket of this uplink alone. */
void
ferry_uplink_take_control (FerryUplink *self, int control)
{
  static gsize watched;

  if (g_once_init_enter (&watched))
    {
      pthread_atfork (before_fork, after_fork_in_parent, after_fork_in_child);
      g_once_init_leave (&watched, 1);
    }
  self->control = control;
  self->own = TRUE;
  self->own_node.data = self;
  FERRY_AUTO_LOCK (&own_uplinks_lock);
  g_queue_push_tail_link (&own_uplinks, &self->own_node);
}

static void
drop_control (FerryUplink *self)
{
  if (!self->own)
    return;
  ferry_clear_fd (&self->control);
  FERRY_AUTO_LOCK (&own_uplinks_lock);
  g_queue_unlink (&own_uplinks, &self->own_node);
}

FerryUplink *
ferry_uplink_ref (FerryUplink *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_uplink_unref (FerryUplink *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  drop_control (self);
  if (self->link != NULL)
    ferry_link_unref (self->link);
  else
    ferry_segment_clear (&self->segment);
  g_clear_pointer (&self->arena, ferry_arena_writer_free);
  ferry_clear_fd (&self->doorbell);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* Wakes the waiting threads of this process. Each of them then checks the conditions of its FerryWait again. */
void
ferry_uplink_interrupt (FerryUplink *self)
{
  ferry_futex_doorbell_ring (&ferry_segment_get_up (&self->segment)->writer_bell.rings);
  if (self->arena != NULL)
    ferry_arena_writer_ring (self->arena);
}

/* Sleeps until the bell rings, or for a part of the time that is left. Does not sleep if the bell has rung since the
 * caller loaded its count into `seen`. Returns READY when the caller must check its conditions again, or another result
 * when the wait is over. The caller has looked just before, so a deadline is over only when there is still no room. */
static FerryWaitResult
sleep_once (FerryUplink *self, FerryWait *wait, FerryBellLine *bell, guint32 seen)
{
  if (wait->interrupted != NULL && wait->interrupted (wait->data))
    return FERRY_WAIT_INTERRUPTED;
  if (wait->deadline == 0 || (self->never_waits != NULL && self->never_waits == g_thread_self ()))
    return FERRY_WAIT_WOULD_BLOCK;
  if (wait->deadline > 0 && ferry_limit_clock_look (&wait->clock) >= wait->deadline)
    return FERRY_WAIT_TIMED_OUT;
  ferry_futex_doorbell_wait (&bell->rings, seen,
                             wait->deadline > 0 ? ferry_limit_clock_sleep (&wait->clock, wait->deadline) : -1);
  return FERRY_WAIT_READY;
}

static FerryBellLine *
get_bell (FerryUplink *self)
{
  return &ferry_segment_get_up (&self->segment)->writer_bell;
}

static guint32
load_bell (FerryBellLine *bell)
{
  /* Acquire: a thread that sees the ring also sees the pipe word and in_pieces that were stored before it. */
  return atomic_load_explicit (&bell->rings, memory_order_acquire);
}

/* Makes all later sends of this process fail. For a forked child, which has only one thread. A capacity of 0 makes each
 * send find no room and then check forked. */
void
ferry_uplink_mark_forked (FerryUplink *self)
{
  self->forked = TRUE;
  self->writer.capacity = 0;
}

/* Gives memory of the lane back; see ferry_lane_writer_tidy(). A thread that sends meanwhile waits for the lock: no
 * record is being written while pages are freed. Returns whether there is more. */
static gboolean
tidy_lane (FerryUplink *self, guint64 *position)
{
  gboolean locked = ferry_uplink_lock (self);
  gboolean more = ferry_lane_writer_tidy (&self->writer, position);

  ferry_uplink_unlock (self, locked);
  return more;
}

/* Gives the unused memory of the up lane and of the arena back to the system. */
void
ferry_uplink_tidy (FerryUplink *self)
{
  guint64 place = 0;
  guint64 end = 0;
  gsize offset = 0;

  if (self->forked)
    return;
  /* Once round the ring: beside senders that go on, there would always be more. */
  while (tidy_lane (self, &place) && (end == 0 || place < end))
    end = end == 0 ? place + self->segment.up_capacity : end;
  while (self->arena != NULL && ferry_arena_writer_tidy (self->arena, &offset))
    ;
}

/* Gives unused memory back, if the application has asked for that since the last call. */
void
ferry_uplink_tidy_where_asked (FerryUplink *self)
{
  /* Relaxed: a hint. A receiving thread, which must not miss it, has loaded the bell that is rung after the change. */
  guint32 asked = atomic_load_explicit (&ferry_segment_get_down (&self->segment)->writer.tidy, memory_order_relaxed);

  if (G_LIKELY (asked == atomic_load_explicit (&self->tidied, memory_order_relaxed)))
    return;
  atomic_store_explicit (&self->tidied, asked, memory_order_relaxed);
  ferry_uplink_tidy (self);
}

/* Wakes a reader that sleeps. Then gives memory back where the application has asked for that. A process that only
 * sends has no thread that waits for messages, but its lane was idle before this record. */
void
ferry_uplink_ring (FerryUplink *self)
{
  ferry_doorbell_ring (self->doorbell);
  ferry_uplink_tidy_where_asked (self);
}

/* Rings a reader that is busy with other work, so that another thread of the application reads the lane. */
static void
ring_when_full (FerryUplink *self)
{
  /* Relaxed: the reader sets the word before it arms the lane. A writer that has filled the lane has found it armed. */
  if (atomic_load_explicit (&self->writer.control->wake.ring_when_full, memory_order_relaxed) == 1)
    ferry_doorbell_ring (self->doorbell);
}

/* Waits until size bytes of the lane are free. The caller must then try again: another thread may be faster. */
FerryWaitResult
ferry_uplink_wait (FerryUplink *self, FerryWait *wait, gsize size)
{
  if (self->forked)
    return FERRY_WAIT_FORKED;
  for (;;)
    {
      guint32 seen = load_bell (get_bell (self));
      gboolean locked = ferry_uplink_lock (self);
      gboolean ready = ferry_lane_writer_arm (&self->writer, size + self->reserve);
      gboolean broken = self->writer.broken;
      FerryWaitResult result;

      ferry_uplink_unlock (self, locked);
      if (ferry_uplink_get_pipe_word (self, wait->index) != FERRY_PIPE_WORD_OPEN)
        return FERRY_WAIT_CLOSED;
      if (broken)
        return FERRY_WAIT_BROKEN;
      if (ready)
        return FERRY_WAIT_READY;
      ring_when_full (self);
      result = sleep_once (self, wait, get_bell (self), seen);
      if (result != FERRY_WAIT_READY)
        return result;
    }
}

/* Reserves a buffer of size bytes, at most the arena's size; waits for room in the arena. The arena must be open. */
FerryWaitResult
ferry_uplink_reserve_buffer (FerryUplink *self, FerryWait *wait, gsize size, FerryBufferMessage *message)
{
  FerryBellLine *bell = &self->arena->arena->control->bell;

  if (self->forked)
    return FERRY_WAIT_FORKED;
  for (;;)
    {
      guint32 seen = load_bell (bell);
      FerryWaitResult result;

      if (ferry_uplink_get_pipe_word (self, wait->index) != FERRY_PIPE_WORD_OPEN)
        return FERRY_WAIT_CLOSED;
      if (ferry_arena_writer_reserve (self->arena, size, message))
        return FERRY_WAIT_READY;
      if (!ferry_arena_writer_arm (self->arena))
        continue;
      result = sleep_once (self, wait, bell, seen);
      if (result != FERRY_WAIT_READY)
        return result;
    }
}

/* Waits until no other thread sends a message in pieces, and then reserves this right for the caller. A link carries
 * one message in pieces at a time, which bounds the memory of unfinished messages. Small messages of other senders may
 * be written between the pieces. The caller must call ferry_uplink_end_pieces() afterwards. */
FerryWaitResult
ferry_uplink_begin_pieces (FerryUplink *self, FerryWait *wait)
{
  if (self->forked)
    return FERRY_WAIT_FORKED;
  for (;;)
    {
      guint32 seen = load_bell (get_bell (self));
      gboolean locked = ferry_uplink_lock (self);
      gboolean mine = !self->in_pieces;
      FerryWaitResult result;

      self->in_pieces = TRUE;
      ferry_uplink_unlock (self, locked);
      if (mine)
        return FERRY_WAIT_READY;
      if (ferry_uplink_get_pipe_word (self, wait->index) != FERRY_PIPE_WORD_OPEN)
        return FERRY_WAIT_CLOSED;
      result = sleep_once (self, wait, get_bell (self), seen);
      if (result != FERRY_WAIT_READY)
        return result;
    }
}

void
ferry_uplink_end_pieces (FerryUplink *self)
{
  gboolean locked = ferry_uplink_lock (self);

  self->in_pieces = FALSE;
  ferry_uplink_unlock (self, locked);
  ferry_uplink_interrupt (self);
}

/* Writes a record without payload into the reserve of the lane. The reserve always has room: each pipe is stopped once,
 * and at most one message is abandoned at a time. Releases the lock. Returns FALSE where the lane is broken. */
gboolean
ferry_uplink_write_control_and_unlock (FerryUplink *self, FerryRecordKind kind, guint64 connection_id, gboolean locked)
{
  if (!ferry_lane_writer_has_room (&self->writer, sizeof (FerryRecordHeader)))
    {
      ferry_uplink_unlock (self, locked);
      return FALSE;
    }
  ferry_lane_writer_write_header (&self->writer, 0, 0, kind, 0, connection_id);
  ferry_uplink_publish_and_unlock (self, sizeof (FerryRecordHeader), locked);
  return TRUE;
}
