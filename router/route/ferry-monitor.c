/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor's thread: what it is asked for, what it tells the router's thread of, which link is visited when, and
 * when it sleeps. What is taken from a link that is visited is the drain's to check.
 *
 * A link is active (it is visited in turn), or it is left alone for one of four reasons: its worker has not attached;
 * its lane is empty and armed, so that its doorbell brings it back; it dozes, and time brings it back; it is stalled,
 * as it has its share of blocks or of memory out, and what comes back of that brings it back. */

#include "config.h"

#include "route/ferry-monitor-private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "link/ferry-fork-server-link-private.h"
#include "route/ferry-drain-private.h"
#include "route/ferry-exit-private.h"

/* How long a stop waits for the workers that it killed, to have their exit records whole. */
#define STOP_GRACE_MS 100

/* How many visits are made before doorbells, sockets and commands are looked at again. */
#define VISITS_PER_ROUND 8

/* Ringing a doorbell costs the sender far more than a message, so a busy lane is not armed when it runs empty, but
 * left to fill for a moment first, as network cards moderate their interrupts. A lane is busy when at least a few
 * records and a few KiB came through it since it rested last, at this rate; one that carries a message now and then,
 * large as it may be, is armed at once, and rings at once. */
#define BUSY_RECORDS 4
#define BUSY_BYTES 4096
#define BUSY_BYTES_PER_MICROSECOND 20
#define STREAM_BUFFERS 2
#define DOZE_MICROSECONDS 50

/* A worker that goes through a chunk of items has something every moment that nobody waits for so much; it says so, and
 * then wakes neither this thread nor the main loop each time. */
#define LINGER_MICROSECONDS 1000

/* What ferry_router_route_until() sets at its beginning, and passes when all that was sent before is dispatched. The
 * monitor has reached it when it has drained each lane to where the lane was written at that time. */
typedef struct
{
  guint64 latest;          /* router's thread: the number of the one that was set last */
  guint64 number;          /* monitor, as the next two: of the one that is set up */
  guint rounds;            /* until it is set up */
  gboolean open;           /* it is not reached */
  _Atomic guint64 reached; /* any: the number of the one that was reached last */
  _Atomic guint64 pushed;  /* any: how many blocks had been pushed by then */
} Fence;

struct _FerryMonitor
{
  GThread *thread;          /* const */
  FerrySharedQueue *shared; /* monitor: (owned), but for its wake */
  FerryLocalQueue *local;   /* const: (owned) */
  FerryPingee *pingee;      /* const: (owned) */
  FerryDrain *drain;        /* monitor: (owned), but for its count of blocks */
  GQueue stalled;           /* monitor: (element-type FerryLink) links that wait for blocks to come back */
  GQueue dozing;            /* monitor: (element-type FerryLink) links whose lanes are left to fill for a moment */
  gint64 doze_until;        /* monitor: when the moment is over */
  GQueue lingering;         /* monitor: (element-type FerryLink) those whose writers are in no hurry */
  gint64 linger_until;      /* monitor: when they are looked after */
  Fence fence;              /* see there */
  gboolean stopping;        /* monitor */
  pthread_mutex_t lock;
  GQueue commands;          /* lock: (element-type Command) */
  gboolean closed;          /* lock: no more commands are taken */
  _Atomic gint references;  /* any */
  _Atomic guint64 n_faults; /* any */
  _Atomic guint n_links;    /* any: links added and not yet ended on the router's thread */
  _Atomic guint n_waiting;  /* any: links in stalled, as the next one */
  _Atomic guint most_waiting;
};

/* ---- commands ---- */

typedef struct
{
  FerryMonitorFunc func;
  gpointer data;
  GDestroyNotify destroy;
} Command;

static void
command_free (Command *command)
{
  if (command->destroy != NULL)
    command->destroy (command->data);
  g_free (command);
}

/* any: has func run on the monitor's thread. Returns FALSE, with data freed, when the monitor takes no more. */
gboolean
ferry_monitor_invoke (FerryMonitor *self, FerryMonitorFunc func, gpointer data, GDestroyNotify destroy)
{
  Command *command = g_new (Command, 1);
  gboolean closed;

  *command = (Command){func, data, destroy};
  pthread_mutex_lock (&self->lock);
  closed = self->closed;
  if (!closed)
    g_queue_push_tail (&self->commands, command);
  pthread_mutex_unlock (&self->lock);
  /* After the lock, which the monitor takes first of all. */
  if (!closed)
    ferry_shared_queue_wake (self->shared);
  else
    command_free (command);
  return !closed;
}

/* monitor: does what was asked for so far. What is asked for meanwhile waits for the next round, so that a thread that
 * asks without end does not keep the links from their turns. */
static void
run_commands (FerryMonitor *self)
{
  GQueue commands;
  Command *command;

  pthread_mutex_lock (&self->lock);
  commands = self->commands;
  g_queue_init (&self->commands);
  pthread_mutex_unlock (&self->lock);
  while ((command = g_queue_pop_head (&commands)) != NULL)
    {
      command->func (self, command->data);
      command_free (command);
    }
}

/* ---- what the router's thread is told of a link ---- */

/* The first word is set even where there is no pipe: it tells the worker's end of the down lane. */
static void
close_all_pipes (FerryLink *link, FerryPipeWord word)
{
  ferry_link_set_pipe_word (link, 0, word);
  for (guint i = 1; i < link->connection_ids->len; i++)
    ferry_link_set_pipe_word (link, i, word);
  ferry_link_wake_writers (link);
}

/* monitor: tells the router's thread of the link, behind what was drained from it. */
static void
push_news (FerryMonitor *self, FerryLink *link, FerryBlockKind kind)
{
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, kind);

  block->pid = link->pid;
  ferry_drain_push (self->drain, block);
}

/* Tells of its end; a fork server's is heard of before that of the workers that it did not come to fork. */
static void
tell_end (FerryMonitor *self, FerryLink *link)
{
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_ENDED);
  g_autoptr (FerryExit) exit = ferry_exit_new_for_link (link);

  block->pid = link->pid;
  block->exit = ferry_exit_ref (exit);
  ferry_drain_push (self->drain, block);
  if (link->fork_server != NULL)
    ferry_fork_server_link_finish (self->shared, link, ferry_exit_get_message (exit));
}

/* monitor: tells of the process, once there is one. */
static void
tell_launched (FerryMonitor *self, FerryLink *link)
{
  if (link->told_launched || link->pid == 0)
    return;
  link->told_launched = TRUE;
  push_news (self, link, FERRY_BLOCK_LAUNCHED);
}

/* ---- output ----
 *
 * From a worker's standard streams into the local queue, where they are logged.
 *
 * What the lines take is charged against the link as messages are: a link that has its share out is not read, so a
 * worker that writes more than is taken waits in write(), as it would with any pipe. */

static void
push_lines (FerryMonitor *self, FerryLink *link, GByteArray *lines)
{
  FerryBlock *block;

  if (lines->len == 0)
    {
      g_byte_array_unref (lines);
      return;
    }
  block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_OUTPUT);
  block->size = lines->len;
  block->charge = lines->len;
  block->data = g_byte_array_free (lines, FALSE);
  ferry_drain_push (self->drain, block);
}

/* Reads what there is of a turn. A line is of the call that was begun last by then, or of one before it. */
static void
read_output (FerryMonitor *self, FerryLink *link)
{
  guint n_errors = link->output->n_errors;
  GByteArray *lines = ferry_output_read (link->output);

  if (link->output->n_errors != n_errors)
    link->output->error_begun = ferry_link_get_begun_call (link);
  push_lines (self, link, lines);
}

/* monitor: reads a turn of what the worker wrote. When it has ended, until all is read that is there. */
static FerryDrainResult
drain_output (FerryMonitor *self, FerryLink *link)
{
  FerryOutput *output = link->output;

  if (output == NULL)
    return FERRY_DRAIN_EMPTY;
  if (link->state == FERRY_LINK_ENDED)
    ferry_output_begin_end (output);
  if (!output->ready || output->ended)
    return FERRY_DRAIN_EMPTY;
  if (!ferry_local_queue_has_room (self->local, link))
    return FERRY_DRAIN_STALLED;
  read_output (self, link);
  return output->ready ? FERRY_DRAIN_MORE : FERRY_DRAIN_EMPTY;
}

/* monitor: the link is given up, because the router stops, say: reads what is left, at once. */
static void
finish_output (FerryMonitor *self, FerryLink *link)
{
  FerryOutput *output = link->output;

  if (output == NULL)
    return;
  ferry_output_begin_end (output);
  while (!output->ended)
    read_output (self, link);
}

/* ---- cells ----
 *
 * The monitor hears which of them have a value that rang, and tells the router's thread, which reads them. */

static gboolean
find_pipe_of_cell (FerryLink *link, guint cell, guint *index)
{
  for (*index = 0; *index < link->cells->len; *index += 1)
    if (g_array_index (link->cells, guint32, *index) == cell)
      return TRUE;
  return FALSE;
}

static void
push_cell (FerryMonitor *self, FerryLink *link, guint cell)
{
  FerryBlock *block;
  guint index;

  if (!find_pipe_of_cell (link, cell, &index))
    return;
  block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_CELL);
  block->connection_id = g_array_index (link->connection_ids, guint64, index);
  block->number = (guint16) cell;
  ferry_drain_push (self->drain, block);
}

/* monitor: tells the router's thread of the link's cells that rang. A cell that it was told of, and has not looked at
 * yet, is passed over: a worker that rings and rings costs one block a cell. */
static void
take_cells (FerryMonitor *self, FerryLink *link)
{
  FerryLinkControl *control;
  guint64 rang;

  if (link->segment.n_cells == 0 || link->state == FERRY_LINK_ATTACHING || link->draining_done)
    return;
  control = ferry_segment_get_control (&link->segment);
  /* Relaxed: who set a bit rings afterwards, so this is looked at again. */
  if (G_LIKELY (atomic_load_explicit (&control->dirty, memory_order_relaxed) == 0))
    return;
  /* Acquire: pairs with the writer's or, so that the router's thread finds the value for which the bit was set. */
  rang = atomic_exchange_explicit (&control->dirty, 0, memory_order_acq_rel);
  if (link->segment.n_cells < 64)
    rang &= ((guint64) 1 << link->segment.n_cells) - 1;
  /* Release, and pairs with the router's thread, which takes its bit out before it looks into the cell: a bit found set
   * here is one whose look is still to come. */
  rang &= ~atomic_fetch_or_explicit (&link->cells_pending, rang, memory_order_acq_rel);
  for (; rang != 0; rang &= rang - 1)
    push_cell (self, link, (guint) __builtin_ctzll (rang));
}

/* ---- visits ---- */

/* monitor: the lane is drained to its last byte, or to where a rule was broken: nothing can follow. */
static void
finish_link (FerryMonitor *self, FerryLink *link)
{
  g_autoptr (FerryLink) kept G_GNUC_UNUSED = ferry_link_ref (link);

  if (link->cause == FERRY_CLOSE_REASON_PROTOCOL_ERROR)
    atomic_fetch_add_explicit (&self->n_faults, 1, memory_order_relaxed);
  finish_output (self, link);
  ferry_drain_revoke (self->drain, link);
  ferry_shared_queue_remove (self->shared, link);
  close_all_pipes (link, self->stopping ? FERRY_PIPE_WORD_ROUTER_STOPPED : FERRY_PIPE_WORD_LINK_ENDED);
  /* The memory goes when the router's thread has heard of the end: see end_link() in ferry-router.c. */
  tell_end (self, link);
}

/* Whether nothing more comes over a link whose senders are in this process. It ends then. */
static gboolean
is_local_end (FerryLink *link)
{
  return link->local && link->n_done == link->connection_ids->len;
}

/* Whether much came through the lane since it last rested. */
static gboolean
is_busy (FerryLink *link, gint64 now)
{
  guint64 bytes = link->up.head - link->rested_head;

  return link->n_since >= BUSY_RECORDS && bytes >= BUSY_BYTES &&
         bytes >= (guint64) (now - link->rested_at) * BUSY_BYTES_PER_MICROSECOND;
}

/* Whether buffers come one behind the other: their bytes come at that rate, and the latest is not the only one that
 * the application has, so it is not that its answer to it is waited for. */
static gboolean
is_streaming (FerryLink *link, gint64 now)
{
  return link->buffers_since > 0 && ferry_arena_count_held (link->arena) >= STREAM_BUFFERS &&
         link->buffers_since >= (guint64) (now - link->rested_at) * BUSY_BYTES_PER_MICROSECOND;
}

/* From here on counts what is_busy() looks at. */
static void
note_rest (FerryLink *link, gint64 now)
{
  link->rested_at = now;
  link->rested_head = link->up.head;
  link->n_since = 0;
  link->buffers_since = 0;
}

/* The lane was drained to what its writer is just writing. Leaves a busy one to fill: a reader at the writer's heels
 * gets small blocks, and takes from it the very lines that it writes. Returns FALSE when the lane is not busy. */
static gboolean
doze (FerryMonitor *self, FerryLink *link, gint64 now)
{
  if (link->state != FERRY_LINK_OPEN || (!is_busy (link, now) && !is_streaming (link, now)))
    return FALSE;
  note_rest (link, now);
  ferry_shared_queue_deactivate (self->shared, link);
  if (g_queue_is_empty (&self->dozing))
    self->doze_until = now + DOZE_MICROSECONDS;
  link->dozing = TRUE;
  g_queue_push_tail (&self->dozing, link);
  return TRUE;
}

/* The lane is empty, and its writer is in no hurry. It is left alone for a while, unarmed, until something comes in
 * none. Returns FALSE when it is to be armed. */
static gboolean
linger (FerryMonitor *self, FerryLink *link, gint64 now)
{
  if (link->state != FERRY_LINK_OPEN || link->n_since == 0 || !ferry_lane_reader_is_unhurried (&link->up))
    return FALSE;
  note_rest (link, now);
  ferry_shared_queue_deactivate (self->shared, link);
  if (g_queue_is_empty (&self->lingering))
    self->linger_until = now + LINGER_MICROSECONDS;
  link->lingering = TRUE;
  g_queue_push_tail (&self->lingering, link);
  return TRUE;
}

/* Its doorbell rang, or it came to an end. */
static void
stop_lingering (FerryMonitor *self, FerryLink *link)
{
  g_queue_remove (&self->lingering, link);
  link->lingering = FALSE;
}

/* Looks after the links that were left alone for as long as that. */
static void
wake_dozing (FerryMonitor *self)
{
  gint64 now;
  FerryLink *link;

  if (g_queue_is_empty (&self->dozing) && g_queue_is_empty (&self->lingering))
    return;
  now = g_get_monotonic_time ();
  while (now >= self->doze_until && (link = g_queue_pop_head (&self->dozing)) != NULL)
    {
      link->dozing = FALSE;
      ferry_shared_queue_activate (self->shared, link);
    }
  while (now >= self->linger_until && (link = g_queue_pop_head (&self->lingering)) != NULL)
    {
      link->lingering = FALSE;
      ferry_shared_queue_activate (self->shared, link);
    }
}

/* When wake_dozing() has something to do. */
static gint64
get_waking_time (FerryMonitor *self)
{
  gint64 tidy_at = ferry_drain_get_tidy_time (self->drain);
  gint64 until = FERRY_SLEEP;

  if (!g_queue_is_empty (&self->dozing))
    until = self->doze_until;
  if (!g_queue_is_empty (&self->lingering))
    until = until == FERRY_SLEEP ? self->linger_until : MIN (until, self->linger_until);
  if (tidy_at != 0)
    until = until == FERRY_SLEEP ? tidy_at : MIN (until, tidy_at);
  return until;
}

/* The lane is empty. It is armed, and left alone unless something came meanwhile. */
static void
rest_link (FerryMonitor *self, FerryLink *link)
{
  gint64 now;

  if (link->state == FERRY_LINK_OPEN && is_local_end (link))
    ferry_shared_queue_apply (self->shared, link, FERRY_LINK_FINISHED, NULL);
  if (link->state == FERRY_LINK_ENDED)
    {
      finish_link (self, link);
      return;
    }
  if (link->draining_done)
    {
      /* Closed for a fault: its process' end is still to come. */
      ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  now = g_get_monotonic_time ();
  if (doze (self, link, now) || linger (self, link, now))
    return;
  note_rest (link, now);
  if (!ferry_lane_reader_arm (&link->up) || ferry_lane_reader_get_available (&link->up) > 0)
    return;
  ferry_shared_queue_deactivate (self->shared, link);
}

/* Whether what the link was stalled for is over. */
static gboolean
may_go_on (FerryMonitor *self, FerryLink *link)
{
  return ferry_local_queue_has_room (self->local, link) && ferry_drain_has_looked (link) &&
         (!link->wants_memory || ferry_local_queue_has_memory (self->local, link));
}

/* Stored by the monitor alone, so that others can read it. */
static void
tell_waiting (FerryMonitor *self)
{
  guint n = g_queue_get_length (&self->stalled);

  atomic_store_explicit (&self->n_waiting, n, memory_order_relaxed);
  if (n > atomic_load_explicit (&self->most_waiting, memory_order_relaxed))
    atomic_store_explicit (&self->most_waiting, n, memory_order_relaxed);
}

static void
stall (FerryMonitor *self, FerryLink *link)
{
  ferry_shared_queue_deactivate (self->shared, link);
  link->stalled = TRUE;
  g_queue_push_tail (&self->stalled, link);
  tell_waiting (self);
}

/* That the process is there is told before anything that it says: it may be quicker than its fork server, whose answer
 * then brings the link back. */
static gboolean
is_ahead_of_its_fork_server (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && link->parent == FERRY_PARENT_ASKED;
}

static void
visit_link (FerryMonitor *self, FerryLink *link)
{
  FerryDrainResult output;

  if (!link->told_launched)
    tell_launched (self, link);
  output = drain_output (self, link);
  if (output == FERRY_DRAIN_STALLED)
    {
      stall (self, link);
      return;
    }
  if (link->state == FERRY_LINK_ATTACHING)
    {
      if (output == FERRY_DRAIN_EMPTY)
        ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  if (is_ahead_of_its_fork_server (link))
    {
      ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  if (link->state == FERRY_LINK_OPEN && !link->told_attached && !link->local)
    {
      link->told_attached = TRUE;
      push_news (self, link, FERRY_BLOCK_ATTACHED);
    }
  switch (ferry_drain_visit (self->drain, link))
    {
    case FERRY_DRAIN_EMPTY:
      if (output == FERRY_DRAIN_EMPTY)
        rest_link (self, link);
      break;
    case FERRY_DRAIN_STALLED:
      stall (self, link);
      break;
    case FERRY_DRAIN_CAUGHT_UP:
      doze (self, link, g_get_monotonic_time ());
      break;
    case FERRY_DRAIN_MORE:
    default:
      break;
    }
}

/* Links that may go on become active again. */
static void
revive_stalled (FerryMonitor *self)
{
  GList *node = self->stalled.head;

  while (node != NULL)
    {
      GList *next = node->next;
      FerryLink *link = node->data;

      if (may_go_on (self, link))
        {
          link->stalled = FALSE;
          g_queue_delete_link (&self->stalled, node);
          tell_waiting (self);
          ferry_shared_queue_activate (self->shared, link);
        }
      node = next;
    }
}

/* ---- the fence ---- */

static void
set_fence_command (FerryMonitor *self, gpointer data)
{
  self->fence.number = *(guint64 *) data;
  self->fence.open = FALSE;
  /* It is set up in the next round, which begins at once: what processes and sockets had to say before is heard then.
   */
  self->fence.rounds = 2;
  ferry_shared_queue_wake (self->shared);
}

/* router's thread: has the monitor tell when it has drained what was sent so far. Takes the place of an earlier fence.
 * Returns its number. */
guint64
ferry_monitor_set_fence (FerryMonitor *self)
{
  guint64 number = ++self->fence.latest;

  ferry_monitor_invoke (self, set_fence_command, g_memdup2 (&number, sizeof number), g_free);
  return number;
}

/* router's thread: n_pushed is how many blocks were pushed before it was reached. */
gboolean
ferry_monitor_is_fence_reached (FerryMonitor *self, guint64 number, guint64 *n_pushed)
{
  /* Acquire: the count is as new; pairs with look_at_fence(). */
  if (atomic_load_explicit (&self->fence.reached, memory_order_acquire) < number)
    return FALSE;
  *n_pushed = atomic_load_explicit (&self->fence.pushed, memory_order_relaxed);
  return TRUE;
}

/* Whether something may be drained from the lane, or is to follow what was. */
static gboolean
may_be_drained (FerryLink *link)
{
  return link->state != FERRY_LINK_ATTACHING && !is_ahead_of_its_fork_server (link) &&
         (!link->draining_done || link->state == FERRY_LINK_ENDED);
}

/* Whether the link goes on only when the application drops buffers that it keeps. */
static gboolean
is_held_up (FerryMonitor *self, FerryLink *link)
{
  return link->stalled && ferry_drain_has_looked (link) && ferry_local_queue_get_bytes (self->local) == 0 &&
         !may_go_on (self, link);
}

static gboolean
is_before_fence (FerryMonitor *self, FerryLink *link)
{
  return link->fenced && may_be_drained (link) && !is_held_up (self, link) &&
         (link->state == FERRY_LINK_ENDED || link->up.head < link->fence || link->copy.memory.data != NULL ||
          link->arrival.check != NULL);
}

static void
set_up_fence (FerryMonitor *self)
{
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      link->fenced = may_be_drained (link);
      if (!link->fenced)
        continue;
      take_cells (self, link);
      /* A tail that is out of range is left for the next visit to find. */
      if (!link->tail_final)
        ferry_lane_reader_look (&link->up);
      link->fence = link->up.tail;
      if (!is_before_fence (self, link) || link->stalled)
        continue;
      if (link->dozing)
        g_queue_remove (&self->dozing, link);
      link->dozing = FALSE;
      ferry_shared_queue_activate (self->shared, link);
    }
  self->fence.open = TRUE;
}

static void
look_at_fence (FerryMonitor *self)
{
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    if (is_before_fence (self, node->data))
      return;
  self->fence.open = FALSE;
  atomic_store_explicit (&self->fence.pushed, ferry_local_queue_get_n_pushed (self->local), memory_order_relaxed);
  /* Release: pairs with ferry_monitor_is_fence_reached(). */
  atomic_store_explicit (&self->fence.reached, self->fence.number, memory_order_release);
  ferry_local_queue_nudge (self->local);
}

/* ---- the thread ---- */

/* monitor: sleeps until there is something to do, and does a round of it. */
static void
work_or_sleep (FerryMonitor *self)
{
  revive_stalled (self);
  if (g_queue_is_empty (&self->shared->active) && !g_queue_is_empty (&self->stalled))
    {
      ferry_local_queue_arm (self->local);
      revive_stalled (self);
    }
  ferry_shared_queue_wait (self->shared, get_waking_time (self));
  wake_dozing (self);
  ferry_drain_tidy (self->drain);
  run_commands (self);
  if (G_UNLIKELY (self->fence.rounds > 0) && --self->fence.rounds == 0)
    set_up_fence (self);
  for (guint n = 0; n < VISITS_PER_ROUND && !self->stopping; n++)
    {
      FerryLink *link = ferry_shared_queue_next (self->shared);

      if (link == NULL)
        break;
      /* Before the lane: a value that was written before a record is told of before it. */
      if (!is_ahead_of_its_fork_server (link))
        take_cells (self, link);
      if (link->lingering)
        stop_lingering (self, link);
      if (!link->stalled && !link->dozing)
        visit_link (self, link);
      else
        ferry_shared_queue_deactivate (self->shared, link);
    }
  ferry_drain_ping (self->drain);
  if (G_UNLIKELY (self->fence.open))
    look_at_fence (self);
}

/* A process that outlives the router's stop for a moment. */
typedef struct
{
  FerryLink *link; /* (owned) */
  int pidfd;       /* (owned) */
} LateProcess;

static gpointer
reap_in_background (gpointer data)
{
  GArray *late = data;

  for (guint i = 0; i < late->len; i++)
    {
      LateProcess *process = &g_array_index (late, LateProcess, i);

      process->link->pidfd = process->pidfd;
      ferry_link_wait (process->link);
      ferry_link_unref (process->link);
    }
  g_array_unref (late);
  return NULL;
}

/* Reaps the processes that were killed, for a moment here, and those that take longer (a large heap, a slow disk)
 * on a thread of their own, so that a stop does not wait for them. */
static GArray *
reap_killed (FerryMonitor *self)
{
  gint64 deadline = g_get_monotonic_time () + STOP_GRACE_MS * FERRY_MICROSECONDS_PER_MILLISECOND;
  GArray *late = g_array_new (FALSE, FALSE, sizeof (LateProcess));

  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;
      gint64 left = deadline - g_get_monotonic_time ();
      struct pollfd poll_fd = {.fd = link->pidfd, .events = POLLIN};
      LateProcess process;

      if (link->pidfd < 0 || link->reaped)
        continue;
      TEMP_FAILURE_RETRY (poll (&poll_fd, 1, (int) (MAX (left, 0) / FERRY_MICROSECONDS_PER_MILLISECOND)));
      if (ferry_link_reap (link))
        continue;
      ferry_link_send_signal (link, SIGKILL);
      process = (LateProcess){ferry_link_ref (link), ferry_steal_fd (&link->pidfd)};
      g_array_append_val (late, process);
    }
  return late;
}

static void
end_links (FerryMonitor *self)
{
  GArray *late;

  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      ferry_shared_queue_apply (self->shared, link, FERRY_LINK_STOP, NULL);
      close_all_pipes (link, FERRY_PIPE_WORD_ROUTER_STOPPED);
    }
  late = reap_killed (self);
  /* It kills what is left. */
  ferry_shared_queue_close_guardian (self->shared);
  g_queue_clear (&self->stalled);
  atomic_store_explicit (&self->n_waiting, 0, memory_order_relaxed);
  g_queue_clear (&self->dozing);
  g_queue_clear (&self->lingering);
  while (!g_queue_is_empty (&self->shared->links))
    finish_link (self, g_queue_peek_head (&self->shared->links));
  if (late->len > 0)
    {
      ferry_thread_run_aside ("ferry-reaper", reap_in_background, late);
    }
  else
    g_array_unref (late);
}

static gpointer
monitor_main (gpointer data)
{
  FerryMonitor *self = data;

  /* A thread's timers are late by 50 microseconds unless it asks for better. */
  prctl (PR_SET_TIMERSLACK, 1);
  while (!self->stopping)
    work_or_sleep (self);
  end_links (self);
  return NULL;
}

static gboolean
start_thread (FerryMonitor *self, GError **error)
{
  self->thread = ferry_thread_try_new ("ferry-monitor", "the router", monitor_main, self, error);
  return self->thread != NULL;
}

static void
catch_up (gpointer data)
{
  run_commands (data);
}

/* router's thread: makes a monitor that pings pingee after each block, and starts its thread. */
FerryMonitor *
ferry_monitor_new (FerryPingee *pingee, FerryMemoryAccount *account, gsize local_queue_limit, gint64 spare_time,
                   GError **error)
{
  g_autoptr (FerryMonitor) self = g_new0 (FerryMonitor, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  self->pingee = ferry_pingee_ref (pingee);
  self->shared = ferry_shared_queue_new (error);
  if (self->shared == NULL)
    return NULL;
  self->shared->catch_up = catch_up;
  self->shared->catch_up_data = self;
  self->local = ferry_local_queue_new (self->shared, account, local_queue_limit, error);
  if (self->local == NULL)
    return NULL;
  self->drain = ferry_drain_new (self->shared, self->local, pingee, spare_time);
  if (!start_thread (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

FerryMonitor *
ferry_monitor_ref (FerryMonitor *self)
{
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

/* any. The last reference goes after ferry_monitor_stop(). */
void
ferry_monitor_unref (FerryMonitor *self)
{
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) != 1)
    return;
  g_assert (g_queue_is_empty (&self->commands));
  g_clear_pointer (&self->drain, ferry_drain_free);
  g_clear_pointer (&self->local, ferry_local_queue_unref);
  g_clear_pointer (&self->shared, ferry_shared_queue_free);
  g_clear_pointer (&self->pingee, ferry_pingee_unref);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

static void
stop_command (FerryMonitor *self, gpointer data)
{
  self->stopping = TRUE;
}

/* router's thread: has the monitor take no more, end all links, and joins it. The stop is the last command: what was
 * asked for before it is done. The local queue then holds what was drained, and the end of each link. */
void
ferry_monitor_stop (FerryMonitor *self)
{
  Command *command = g_new (Command, 1);

  *command = (Command){stop_command, NULL, NULL};
  pthread_mutex_lock (&self->lock);
  g_queue_push_tail (&self->commands, command);
  self->closed = TRUE;
  pthread_mutex_unlock (&self->lock);
  ferry_shared_queue_wake (self->shared);
  g_thread_join (g_steal_pointer (&self->thread));
}

/* const */
FerrySharedQueue *
ferry_monitor_get_shared_queue (FerryMonitor *self)
{
  return self->shared;
}

/* const */
FerryLocalQueue *
ferry_monitor_get_local_queue (FerryMonitor *self)
{
  return self->local;
}

/* any: what it counts, as of now. */
FerryMonitorCounts
ferry_monitor_get_counts (FerryMonitor *self)
{
  /* Relaxed: they may be out of date at once. */
  return (FerryMonitorCounts){
    .n_blocks = ferry_drain_get_n_blocks (self->drain),
    .n_faults = atomic_load_explicit (&self->n_faults, memory_order_relaxed),
    .n_links = atomic_load_explicit (&self->n_links, memory_order_relaxed),
    .n_waiting = atomic_load_explicit (&self->n_waiting, memory_order_relaxed),
    .most_waiting = atomic_load_explicit (&self->most_waiting, memory_order_relaxed),
  };
}

/* router's thread: it has heard of the end of a link. */
void
ferry_monitor_count_ended_link (FerryMonitor *self)
{
  atomic_fetch_sub_explicit (&self->n_links, 1, memory_order_relaxed);
}

/* ---- what others ask for ---- */

typedef struct
{
  FerryLink *link; /* (owned) */
  FerryLaunchFunc launch;
  gpointer data;
  GDestroyNotify destroy;
} LinkCommand;

static void
link_command_free (gpointer data)
{
  LinkCommand *command = data;

  if (command->destroy != NULL)
    command->destroy (command->data);
  ferry_link_unref (command->link);
  g_free (command);
}

/* A cause that was noted before has its own obstacle: that of the fork server, for instance. */
static void
note_obstacle (FerryLink *link, const GError *error)
{
  if (link->cause == FERRY_NO_CAUSE && g_error_matches (error, FERRY_ERROR, FERRY_ERROR_SYSTEM))
    link->obstacle = FERRY_OBSTACLE_SHORTAGE;
}

static void
launch_link (FerryMonitor *self, LinkCommand *command)
{
  g_autoptr (GError) error = NULL;
  FerryLink *link = command->link;
  GPid pid = 0;
  int pidfd = -1;

  if (!command->launch (command->data, link->worker_end, &pid, &pidfd, &error))
    {
      note_obstacle (link, error);
      ferry_shared_queue_apply (self->shared, link, FERRY_LINK_LAUNCH_FAILED, error->message);
    }
  else if (pid == 0)
    return;
  else if (!ferry_shared_queue_set_process (self->shared, link, pid, pidfd, &error))
    {
      /* It cannot be watched, so it is ended here. */
      ferry_link_send_signal (link, SIGKILL);
      ferry_link_wait (link);
      note_obstacle (link, error);
      ferry_shared_queue_apply (self->shared, link, FERRY_LINK_LAUNCH_FAILED, error->message);
    }
  else
    tell_launched (self, link);
  ferry_clear_fd (&link->worker_end);
}

/* The link could not be added. What was asked of a fork server already is answered, and ended then. */
static void
refuse_launch (LinkCommand *command)
{
  GPid pid;
  int pidfd;

  if (command->launch != NULL && command->link->parent == FERRY_PARENT_ASKED)
    command->launch (command->data, -1, &pid, &pidfd, NULL);
}

static void
add_link_command (FerryMonitor *self, gpointer data)
{
  LinkCommand *command = data;
  g_autoptr (GError) error = NULL;
  FerryLink *link = command->link;

  atomic_fetch_add_explicit (&self->n_links, 1, memory_order_relaxed);
  ferry_drain_grant (self->drain, link);
  if (!ferry_shared_queue_add (self->shared, link, &error))
    {
      note_obstacle (link, error);
      ferry_link_note (link, FERRY_CLOSE_REASON_LAUNCH_FAILED, error->message);
      link->state = FERRY_LINK_ENDED;
      refuse_launch (command);
      ferry_drain_revoke (self->drain, link);
      close_all_pipes (link, FERRY_PIPE_WORD_LINK_ENDED);
      tell_end (self, link);
    }
  else if (command->launch != NULL)
    launch_link (self, command);
}

/* any: adds a link and, with launch, starts the process at its other end. Returns FALSE when the monitor takes no
 * more. */
gboolean
ferry_monitor_add_link (FerryMonitor *self, FerryLink *link, FerryLaunchFunc launch, gpointer launch_data,
                        GDestroyNotify launch_destroy)
{
  LinkCommand *command = g_new (LinkCommand, 1);

  ferry_spare_memory_set_account (&link->spare, ferry_local_queue_get_account (self->local));
  *command = (LinkCommand){ferry_link_ref (link), launch, launch_data, launch_destroy};
  return ferry_monitor_invoke (self, add_link_command, command, link_command_free);
}

static void
close_pipe_command (FerryMonitor *self, gpointer data)
{
  guint64 connection_id = *(guint64 *) data;
  guint index;
  FerryLink *link = ferry_drain_find_link (self->drain, connection_id, &index);

  if (link == NULL)
    return;
  ferry_link_set_pipe_word (link, index, FERRY_PIPE_WORD_CLOSED);
  ferry_link_wake_writers (link);
  ferry_drain_end_pipe (self->drain, connection_id);
  if (is_local_end (link))
    ferry_shared_queue_apply (self->shared, link, FERRY_LINK_FINISHED, NULL);
}

/* any: tells the sender of a pipe that nobody receives any more. */
gboolean
ferry_monitor_close_pipe (FerryMonitor *self, guint64 connection_id)
{
  return ferry_monitor_invoke (self, close_pipe_command, g_memdup2 (&connection_id, sizeof connection_id), g_free);
}

typedef struct
{
  FerryLink *link; /* (owned) */
  int signal_number;
} SignalCommand;

static void
signal_command_free (gpointer data)
{
  SignalCommand *command = data;

  ferry_link_unref (command->link);
  g_free (command);
}

/* A fork server may take its time to say which process it is that is to be killed. It is not waited for: what it starts
 * all the same is killed when it says so. */
static void
end_unstarted (FerryMonitor *self, FerryLink *link)
{
  link->reaped = TRUE;
  link->wait_code = CLD_KILLED;
  link->wait_status = SIGKILL;
  ferry_link_note (link, FERRY_CLOSE_REASON_KILLED, NULL);
  ferry_shared_queue_apply (self->shared, link, FERRY_LINK_PROCESS_ENDED, NULL);
}

static void
send_signal_command (FerryMonitor *self, gpointer data)
{
  SignalCommand *command = data;
  FerryLink *link = command->link;

  if (command->signal_number == SIGKILL && link->parent == FERRY_PARENT_ASKED && link->queue != NULL)
    end_unstarted (self, link);
  else
    ferry_link_send_signal (link, command->signal_number);
}

/* any: sends the process of a link a signal, after whatever was asked for before. */
gboolean
ferry_monitor_send_signal (FerryMonitor *self, FerryLink *link, int signal_number)
{
  SignalCommand *command = g_new (SignalCommand, 1);

  *command = (SignalCommand){ferry_link_ref (link), signal_number};
  return ferry_monitor_invoke (self, send_signal_command, command, signal_command_free);
}

typedef struct
{
  FerryLink *link; /* (owned) */
  char *detail;    /* (owned) */
} FaultCommand;

static void
fault_command_free (gpointer data)
{
  FaultCommand *command = data;

  ferry_link_unref (command->link);
  g_free (command->detail);
  g_free (command);
}

static void
fault_command (FerryMonitor *self, gpointer data)
{
  FaultCommand *command = data;

  /* A link that has ended meanwhile has left the queue. */
  if (command->link->queue != NULL)
    ferry_shared_queue_fault (self->shared, command->link, command->detail);
}

/* any: ends a link whose worker broke a rule that only the layers above know. */
gboolean
ferry_monitor_fault_link (FerryMonitor *self, FerryLink *link, const char *detail)
{
  FaultCommand *command = g_new (FaultCommand, 1);

  *command = (FaultCommand){ferry_link_ref (link), g_strdup (detail)};
  return ferry_monitor_invoke (self, fault_command, command, fault_command_free);
}

typedef struct
{
  guint64 connection_id;
  const char *fault; /* (unowned): static */
} Refusal;

static void
refuse_command (FerryMonitor *self, gpointer data)
{
  Refusal *refusal = data;
  FerryLink *link = ferry_drain_find_link (self->drain, refusal->connection_id, NULL);

  /* The link may have ended meanwhile. */
  if (link != NULL)
    ferry_shared_queue_fault (self->shared, link, refusal->fault);
}

/* router's thread: a cell holds what no honest worker writes. fault is static. */
gboolean
ferry_monitor_refuse_cell (FerryMonitor *self, guint64 connection_id, const char *fault)
{
  Refusal *refusal = g_new (Refusal, 1);

  *refusal = (Refusal){connection_id, fault};
  return ferry_monitor_invoke (self, refuse_command, refusal, g_free);
}
