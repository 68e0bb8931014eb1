/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The monitor's thread runs commands, reports the links' state to the router's thread, and visits links. The drain
 * (ferry-drain.c) takes and checks the records of the visited link.
 *
 * A link is active (the monitor visits it in turn), or it is not visited, for one of four reasons:
 * - its worker has not attached;
 * - its lane is empty and armed (the writer rings at its next record): the doorbell makes the link active again;
 * - it dozes or lingers: it becomes active again after a fixed time;
 * - it is stalled, because its share of blocks or of memory is in use: it becomes active again when blocks or memory
 *   are given back.
 *
 * It is one file since the monitor's thread, the main loop and threads that wait for an answer pass one role to and
 * fro. Each step of a link belongs to the thread that has the role. */

#include "config.h"

#include "route/ferry-monitor-private.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "base/ferry-spin-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-barrier-private.h"
#include "link/ferry-console-private.h"
#include "link/ferry-fork-server-link-private.h"
#include "route/ferry-drain-private.h"
#include "route/ferry-exit-private.h"
#include "route/ferry-pingee-private.h"

/* How long a stop waits for the workers that it killed, so that their exit records are complete. */
#define STOP_GRACE_MS 100

/* The number of visits to links after which the monitor checks doorbells, sockets and commands again. */
#define VISITS_PER_ROUND 8

/* Ringing a doorbell costs the sender far more time than writing a message. So when a busy lane becomes empty, the
 * monitor waits a moment while the lane fills. Only then it arms the lane (asks the writer for a ring). Network cards
 * moderate their interrupts in this way. A lane is busy when it carried at least BUSY_RECORDS and BUSY_BYTES since its
 * last rest, at BUSY_BYTES_PER_MICROSECOND or more. Any other lane is armed at once. */
#define BUSY_RECORDS 4
#define BUSY_BYTES 4096
#define BUSY_BYTES_PER_MICROSECOND 20
#define STREAM_BUFFERS 2
#define DOZE_MICROSECONDS 50

/* A worker that computes a chunk of items writes many small records, and marks its lane as unhurried. The monitor then
 * reads the lane once in this time, so that not each record wakes it and the main loop. */
#define LINGER_MICROSECONDS 1000

/* A lane that is found empty more than MANY_RESTS times in RESTS_INTERVAL microseconds carries records one by one, and
 * each costs two wake-ups. With a worker that means harm, that takes a core away from the frames. So such a link dozes
 * too, and so does a worker that rings in vain, for LINGER_MICROSECONDS. Its doorbell is not heard meanwhile. */
#define MANY_RESTS 32
#define RESTS_INTERVAL 1000

/* The main loop drains links that carry less than MANY_RECORDS at a time. With more, the monitor drains while the main
 * loop dispatches, and keeps the role for KEEP_ROLE_MICROSECONDS after the last of such links. */
#define MANY_RECORDS 512
#define KEEP_ROLE_MICROSECONDS 10000
/* For so long after a thread has waited for an answer, the link's lane is armed while the main loop works. So not each
 * of a thread's requests wakes the monitor. The main loop's own conversations over the link pay for it with up to half
 * of their rate: the monitor hears what is sent meanwhile. */
#define AWAITED_MICROSECONDS 2000
/* How often a turn visits a link over which threads wait, until it is empty. */
#define VISITS_PER_SERVICE 4

/* For each message of the application, this many records of the worker are part of a conversation. At most MAX_CREDIT
 * count for messages before the latest rest. */
#define CREDIT_PER_MESSAGE 2
#define MAX_CREDIT 4096

/* The main loop spins only where it looks at no more links than this. */
#define MAX_LINKS_TO_SPIN_FOR 8

/* So long a thread waits for the role while another thread has a turn. */
#define WAIT_FOR_ROLE_MICROSECONDS 200

/* How often a caller tries to take the role from a main loop that spins: some microseconds. */
#define TRIES_TO_BEGIN_CALL 100

/* ferry_router_route_until() sets a fence when it begins. The monitor then notes each lane's tail, and has reached the
 * fence when it has drained each lane up to that tail. */
typedef struct
{
  guint64 latest;          /* router's thread: the number of the latest fence */
  guint64 number;          /* monitor, as the next two: the number of the present fence */
  guint rounds;            /* rounds of the monitor until the fence is set up */
  gboolean open;           /* the fence is set up and not yet reached */
  _Atomic guint64 reached; /* any: the number of the latest fence that was reached */
  _Atomic guint64 pushed;  /* any: how many blocks had been pushed when it was reached */
} Fence;

/* monitor: links that are not visited until a time. */
typedef struct
{
  GQueue links; /* (element-type FerryLink) */
  gint64 until; /* monotonic time of the nap's end; valid where there are links */
} Nap;

struct _FerryMonitor
{
  GThread *thread;          /* const */
  FerrySharedQueue *shared; /* monitor: (owned); any thread may wake it */
  FerryLocalQueue *local;   /* const: (owned) */
  FerryPingee *pingee;      /* const: (owned) */
  FerryDrain *drain;        /* monitor: (owned) */
  GQueue stalled;           /* monitor: (element-type FerryLink) links that wait for blocks or memory */
  Nap doze;                 /* monitor: busy links; their lanes fill meanwhile */
  Nap linger;               /* monitor: links with unhurried writers */
  Fence fence;
  gboolean stopping; /* monitor */

  /* The role of the thread that drains the shared queue: what is marked "monitor" belongs to the thread that holds this
   * lock. The monitor holds it always, except while the main loop drains: then the monitor sleeps, and each turn of the
   * main loop takes the lock. */
  pthread_mutex_t role;
  _Atomic gboolean by_main; /* any: the main loop drains; set with role held */
  _Atomic gint n_claims;    /* any: how many threads need the monitor to drain */
  gint64 keep_until;        /* role: monotonic time until which the monitor keeps the role */
  gboolean is_unused;       /* role: the role was lent, and the main loop has had no turn since */
  GMainContext *context;    /* const: (owned) (nullable): runs the main loop; NULL: the monitor always drains */
  gboolean expects_turn;    /* router's thread: the pingee is pinged, and its dispatch takes a turn */
  gboolean gives_way;       /* router's thread: the next iteration of the main loop is for other sources */
  gboolean has_served; /* router's thread: records were taken after the latest turn, while threads waited for some */
  FerrySpin spin;      /* router's thread: the main loop's spins while it drains; any for the time of all spins */
  _Atomic guint32 spin_setting;      /* any */
  _Atomic gint n_callers;            /* any: how many threads poll a link while they wait for an answer, or want to */
  _Atomic guint64 callers_spin_time; /* any: microseconds of the spins of these threads */

  pthread_mutex_t lock;
  GQueue commands;          /* lock: (element-type Command) */
  gboolean closed;          /* lock: no more commands are taken */
  _Atomic gint references;  /* any */
  guint n_bound;            /* links of given senders that end with their worker */
  _Atomic guint64 n_faults; /* any: links that ended with a protocol error */
  _Atomic guint n_links;    /* any: links that were added, with an end that the router's thread has not handled yet */
  _Atomic guint n_waiting;  /* any: links in stalled; only the monitor stores it, and most_waiting */
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

/* any: makes the monitor's thread call func with data. Frees data and returns FALSE if it takes no more commands. */
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
  /* The lock must be free by now: the monitor, when it wakes, begins by taking it. */
  if (!closed)
    ferry_shared_queue_wake (self->shared);
  else
    command_free (command);
  return !closed;
}

/* monitor: runs the commands that are queued now. Commands that are queued meanwhile run in the next round: no thread
 * can keep the monitor from visiting links. */
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

/* ---- news of a link for the router's thread ---- */

/* monitor: sets the state word of each pipe, and the first word in any case: it also closes the down lane. */
static void
close_all_pipes (FerryLink *link, FerryPipeWord word)
{
  for (guint i = 0; i == 0 || i < link->connection_ids->len; i++)
    ferry_link_set_pipe_word (link, i, word);
  ferry_link_wake_writers (link);
}

/* monitor: pushes news of the link, behind the blocks that were drained from it. Takes ownership of exit (nullable). */
static void
push_news (FerryMonitor *self, FerryLink *link, FerryBlockKind kind, FerryExit *exit)
{
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, kind);

  block->pid = link->pid;
  block->exit = exit;
  ferry_drain_push (self->drain, block);
}

static void
end_given_link (FerryMonitor *self, FerryLink *link, FerryExit *exit)
{
  if (exit == NULL)
    ferry_link_note (link, FERRY_CLOSE_REASON_STOPPED, NULL);
  else if (link->given_exit == NULL)
    link->given_exit = g_object_ref (exit);
  ferry_shared_queue_end_given (self->shared, link);
}

/* monitor: ends the links of the senders that the worker of a link was given, and that no task has. */
static void
end_bound_links (FerryMonitor *self, FerryLink *worker, FerryExit *exit)
{
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (link->bound && link->worker == worker)
        end_given_link (self, link, exit);
    }
}

/* monitor: reports the link's end. The end of a fork server is reported before the ends of the workers that it was
 * asked to fork and did not. */
static void
tell_end (FerryMonitor *self, FerryLink *link)
{
  g_autoptr (FerryExit) given = g_steal_pointer (&link->given_exit);
  g_autoptr (FerryExit) exit =
    given != NULL && link->cause == FERRY_NO_CAUSE ? g_steal_pointer (&given) : ferry_exit_new_for_link (link);

  push_news (self, link, FERRY_BLOCK_ENDED, g_object_ref (exit));
  self->n_bound -= link->bound;
  if (self->n_bound > 0 && !link->bound)
    end_bound_links (self, link, exit);
  if (link->fork_server != NULL)
    ferry_fork_server_link_finish (self->shared, link, ferry_exit_get_message (exit));
}

/* monitor: reports once to the router's thread that the link's process was started. */
static void
tell_launched (FerryMonitor *self, FerryLink *link)
{
  if (link->told_launched || link->pid == 0)
    return;
  link->told_launched = TRUE;
  push_news (self, link, FERRY_BLOCK_LAUNCHED, NULL);
}

/* ---- output ----
 *
 * Lines from a worker's standard streams go into the local queue; the router's thread logs them.
 *
 * Lines count against the link's share, as messages do. While the share is used up, a stream that is logged is not
 * read. So a worker that writes faster than the application logs waits in write(), as with any pipe.
 *
 * Lines that are shown are written here, also where the link is stalled or the main loop is blocked. A worker that
 * prints much must not wait for the main loop. They go into the local queue as well, for a signal, but only while they
 * leave most of the link's share to messages. */

#define MAX_SHOWN_IN_QUEUE (FERRY_LINK_WINDOW / 4)

static void
show_lines (FerryLink *link, const GByteArray *lines)
{
  const GPid pid = link->confinement.pid != 0 ? link->confinement.pid : link->pid;
  FerryOutputLine line;

  for (gsize at = 0; at < lines->len; at += sizeof line + line.length + 1)
    {
      memcpy (&line, lines->data + at, sizeof line);
      ferry_console_show (line.stream, link->name, pid, (const char *) lines->data + at + sizeof line);
    }
}

static void
push_lines (FerryMonitor *self, FerryLink *link, GByteArray *lines, gboolean charged)
{
  FerryBlock *block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_OUTPUT);

  block->size = block->share = lines->len;
  block->charge = charged ? lines->len : 0;
  block->data = g_byte_array_steal (lines, NULL);
  ferry_drain_push (self->drain, block);
}

/* monitor: reads the next part of a stream. Its lines are of the call that the worker began last, or older. */
static void
read_stream (FerryMonitor *self, FerryLink *link, guint stream)
{
  const gboolean shown = link->output->pipes[stream - 1].shown;
  guint n_errors = link->output->n_errors;
  g_autoptr (GByteArray) lines = ferry_output_read (link->output, stream);

  if (link->output->n_errors != n_errors)
    link->output->error_begun = ferry_link_get_begun_call (link);
  if (lines->len == 0)
    return;
  if (shown)
    show_lines (link, lines);
  /* Relaxed: only the monitor adds to the share. */
  if (!shown || atomic_load_explicit (&link->share_out, memory_order_relaxed) < MAX_SHOWN_IN_QUEUE)
    push_lines (self, link, lines, !shown);
}

/* monitor: reads the next part of the output; also after the worker's end, to the last. Lines that are logged need
 * room. Lines wait for the process id of a worker that a fork server forks, as it is shown. */
static FerryDrainResult
drain_output (FerryMonitor *self, FerryLink *link)
{
  FerryOutput *output = link->output;
  gboolean more = FALSE;
  gboolean stalled = FALSE;

  if (output == NULL)
    return FERRY_DRAIN_EMPTY;
  if (link->state == FERRY_LINK_ENDED)
    ferry_output_begin_end (output);
  else if (link->pid == 0)
    return FERRY_DRAIN_EMPTY;
  for (guint stream = 1; stream <= FERRY_N_OUTPUTS; stream++)
    {
      const FerryOutputPipe *pipe = &output->pipes[stream - 1];

      if (!pipe->ready)
        continue;
      if (pipe->shown || ferry_local_queue_has_room (self->local, link))
        read_stream (self, link, stream);
      else
        stalled = TRUE;
      more |= pipe->ready && (pipe->shown || !stalled);
    }
  return more ? FERRY_DRAIN_MORE : stalled ? FERRY_DRAIN_STALLED : FERRY_DRAIN_EMPTY;
}

/* ---- cells ----
 *
 * The monitor reports to the router's thread which cells were rung for. The router's thread reads these cells. */

static void
push_cell (FerryMonitor *self, FerryLink *link, guint cell)
{
  FerryBlock *block;
  guint index = 0;

  while (index < link->cells->len && g_array_index (link->cells, guint32, index) != cell)
    index++;
  if (index == link->cells->len)
    return;
  block = ferry_local_queue_take_block (self->local, link, FERRY_BLOCK_CELL);
  block->connection_id = g_array_index (link->connection_ids, guint64, index);
  block->number = (guint16) cell;
  ferry_drain_push (self->drain, block);
}

/* role: whether the link's worker has stored a value in a cell that the main loop has not been told of. */
static gboolean
has_dirty_cells (FerryLink *link)
{
  /* Relaxed: a writer sets its bit before it rings, so a bit that is missed here is found after the ring. */
  return atomic_load_explicit (&ferry_segment_get_control (&link->segment)->dirty, memory_order_relaxed) != 0;
}

/* monitor: reports the link's cells that were rung for. Omits a cell that the router's thread has yet to read for an
 * earlier report. So a worker that rings again and again uses one block for each cell. */
static void
take_cells (FerryMonitor *self, FerryLink *link)
{
  FerryLinkControl *control;
  guint64 rang;

  if (link->segment.n_cells == 0 || link->state == FERRY_LINK_ATTACHING || link->draining_done)
    return;
  if (G_LIKELY (!has_dirty_cells (link)))
    return;
  control = ferry_segment_get_control (&link->segment);
  /* Acquire: pairs with the atomic “or” of the writer, so that the router's thread reads the value for which the bit
   * was set. */
  rang = atomic_exchange_explicit (&control->dirty, 0, memory_order_acq_rel);
  if (link->segment.n_cells < 64)
    rang &= ((guint64) 1 << link->segment.n_cells) - 1;
  /* Release: pairs with cell_rang() of ferry-router.c, which clears the bit before it reads the cell. A bit that was
   * set before this operation means that the router's thread has yet to read the cell. */
  rang &= ~atomic_fetch_or_explicit (&link->cells_pending, rang, memory_order_acq_rel);
  for (; rang != 0; rang &= rang - 1)
    push_cell (self, link, (guint) __builtin_ctzll (rang));
}

/* ---- visits ---- */

/* monitor: ends the link. Its lane is drained to the last byte, or to a broken rule, so no record can follow. */
static void
finish_link (FerryMonitor *self, FerryLink *link)
{
  g_autoptr (FerryLink) kept G_GNUC_UNUSED = ferry_link_ref (link);

  if (link->cause == FERRY_CLOSE_REASON_PROTOCOL_ERROR)
    atomic_fetch_add_explicit (&self->n_faults, 1, memory_order_relaxed);
  /* Output may be left, for example when the router stops. */
  if (link->output != NULL)
    ferry_output_begin_end (link->output);
  for (guint stream = 1; link->output != NULL && stream <= FERRY_N_OUTPUTS; stream++)
    while (link->output->pipes[stream - 1].ready)
      read_stream (self, link, stream);
  ferry_drain_revoke (self->drain, link);
  ferry_shared_queue_remove (self->shared, link);
  close_all_pipes (link, self->stopping ? FERRY_PIPE_WORD_ROUTER_STOPPED : FERRY_PIPE_WORD_LINK_ENDED);
  /* The link's memory is freed when the router's thread handles the end: see end_link() in ferry-router.c. */
  tell_end (self, link);
}

/* Whether the link's sender is in this process, and all its pipes are done. Such a link is to be ended. */
static gboolean
is_local_end (FerryLink *link)
{
  return link->local && link->n_done == link->connection_ids->len;
}

/* Returns by how many records the worker may still be ahead, counted from the start of the count. */
static gint64
get_credit (FerryLink *link)
{
  /* Relaxed: a hint. */
  guint64 n_sent = atomic_load_explicit (&link->down.n_sent, memory_order_relaxed) - link->counted_n_sent;

  return link->credit + (gint64) (n_sent * CREDIT_PER_MESSAGE) - (gint64) link->n_since;
}

/* Whether the worker and the application converse. Then at least half of the records go with a message of the
 * application, as its answer or as what it answers. The worker then waits for the application sooner or later, and does
 * not run ahead. So a hand-over to the monitor, or a pause in which the lane fills, only adds to the wait. */
static gboolean
is_conversing (FerryLink *link)
{
  return get_credit (link) >= 0;
}

/* Begins to count records and messages anew. The answers to what was sent before may still come, so that is kept. */
static void
restart_count (FerryLink *link)
{
  link->credit = CLAMP (get_credit (link), 0, MAX_CREDIT);
  link->n_since = 0;
  link->counted_n_sent = atomic_load_explicit (&link->down.n_sent, memory_order_relaxed);
}

/* Whether the lane is busy: it carried many records and bytes since its last rest. */
static gboolean
is_busy (FerryLink *link, gint64 now)
{
  guint64 bytes = link->up.head - link->rested_head;

  return link->n_since >= BUSY_RECORDS && bytes >= BUSY_BYTES &&
         bytes >= (guint64) (now - link->rested_at) * BUSY_BYTES_PER_MICROSECOND;
}

/* Whether records come without end, and the monitor drains better. */
static gboolean
carries_many (FerryLink *link)
{
  return link->n_since >= MANY_RECORDS && !is_conversing (link);
}

/* Whether the worker sends buffers one after the other, at BUSY_BYTES_PER_MICROSECOND or more. When the application has
 * fewer than STREAM_BUFFERS of them, the worker may be waiting for the answer to one. */
static gboolean
is_streaming (FerryLink *link, gint64 now)
{
  return link->buffers_since > 0 && ferry_arena_count_held (link->arena) >= STREAM_BUFFERS &&
         link->buffers_since >= (guint64) (now - link->rested_at) * BUSY_BYTES_PER_MICROSECOND;
}

/* Notes a rest: restarts the counts that is_busy() and is_streaming() read. */
static void
note_rest (FerryLink *link, gint64 now)
{
  link->rested_at = now;
  link->rested_head = link->up.head;
  restart_count (link);
  link->buffers_since = 0;
}

static void
begin_nap (FerryMonitor *self, FerryLink *link, Nap *nap, gint64 now, gint64 microseconds)
{
  note_rest (link, now);
  /* Only where the lane is announced as armed. A writer that finds it disarmed anew counts its records anew, and would
   * not become unfenced in a flood. */
  if (link->up.is_begun)
    ferry_lane_reader_disarm (&link->up);
  ferry_shared_queue_deactivate (self->shared, link);
  if (g_queue_is_empty (&nap->links))
    nap->until = now + microseconds;
  g_queue_push_tail (&nap->links, link);
}

static void
end_nap (FerryMonitor *self, Nap *nap, gint64 now)
{
  FerryLink *link;

  while (now >= nap->until && (link = g_queue_pop_head (&nap->links)) != NULL)
    {
      link->dozing = link->lingering = FALSE;
      ferry_shared_queue_set_deaf (self->shared, link, FALSE);
      ferry_shared_queue_activate (self->shared, link);
    }
}

static void
begin_doze (FerryMonitor *self, FerryLink *link, gint64 now)
{
  link->dozing = TRUE;
  begin_nap (self, link, &self->doze, now, DOZE_MICROSECONDS);
}

/* Begins a doze of a busy link. Returns FALSE where the link is not busy. The lane was drained up to the record that is
 * being written. A reader this close gets small blocks, and takes away the cache lines that the writer uses. */
static gboolean
doze (FerryMonitor *self, FerryLink *link, gint64 now)
{
  if (link->state != FERRY_LINK_OPEN || (!is_busy (link, now) && !is_streaming (link, now)))
    return FALSE;
  if (is_conversing (link) && link->buffers_since == 0)
    return FALSE;
  begin_doze (self, link, now);
  return TRUE;
}

static void
begin_linger (FerryMonitor *self, FerryLink *link, gint64 now)
{
  link->lingering = TRUE;
  begin_nap (self, link, &self->linger, now, LINGER_MICROSECONDS);
}

/* Begins a nap of a link with an empty lane and an unhurried writer, which need not ring until a nap passes without a
 * record. Returns FALSE when the lane is to be armed. */
static gboolean
linger (FerryMonitor *self, FerryLink *link, gint64 now)
{
  if (link->state != FERRY_LINK_OPEN || link->n_since == 0 || !ferry_lane_reader_is_unhurried (&link->up))
    return FALSE;
  begin_linger (self, link, now);
  return TRUE;
}

/* Counts a rest. Returns whether there are too many of them. */
static gboolean
rests_often (FerryLink *link, gint64 now)
{
  if (now - link->rests_since >= RESTS_INTERVAL)
    {
      link->rests_since = now;
      link->n_rests = 0;
    }
  return ++link->n_rests > MANY_RESTS && !is_conversing (link);
}

/* Begins a nap of a link with a worker that rings in vain, or for each record, at a high rate. Returns FALSE when the
 * lane is to be armed. */
static gboolean
turn_deaf (FerryMonitor *self, FerryLink *link, gint64 now)
{
  gboolean often = rests_often (link, now);
  gboolean too_loud = ferry_shared_queue_is_too_loud (link);

  if (link->state != FERRY_LINK_OPEN || (!often && !too_loud))
    return FALSE;
  ferry_shared_queue_set_deaf (self->shared, link, TRUE);
  self->keep_until = now + KEEP_ROLE_MICROSECONDS;
  if (too_loud)
    begin_linger (self, link, now);
  else
    begin_doze (self, link, now);
  return TRUE;
}

static void
end_naps (FerryMonitor *self)
{
  gint64 now;

  if (g_queue_is_empty (&self->doze.links) && g_queue_is_empty (&self->linger.links))
    return;
  now = g_get_monotonic_time ();
  end_nap (self, &self->doze, now);
  end_nap (self, &self->linger, now);
}

/* monitor: whether nothing is under way that only the monitor's thread does. */
static gboolean
is_at_rest (FerryMonitor *self)
{
  return g_queue_is_empty (&self->stalled) && g_queue_is_empty (&self->doze.links) &&
         g_queue_is_empty (&self->linger.links) && self->fence.rounds == 0 && !self->fence.open &&
         ferry_deadlines_get_n (&self->shared->deadlines) == 0 && !self->stopping;
}

/* monitor: whether the role goes to the main loop when no link is active and its time with the monitor is over. */
static gboolean
wants_to_lend (FerryMonitor *self)
{
  /* Relaxed: a thread that claims the role wakes the monitor afterwards. */
  return self->context != NULL && is_at_rest (self) &&
         atomic_load_explicit (&self->n_claims, memory_order_relaxed) == 0;
}

/* Returns the monotonic time at which end_naps(), ferry_drain_tidy() or lend_role() has something to do. */
static gint64
get_waking_time (FerryMonitor *self)
{
  gint64 until = ferry_drain_get_tidy_time (self->drain);

  if (!g_queue_is_empty (&self->doze.links))
    until = MIN (until, self->doze.until);
  if (!g_queue_is_empty (&self->linger.links))
    until = MIN (until, self->linger.until);
  if (wants_to_lend (self))
    until = MIN (until, self->keep_until);
  return until != G_MAXINT64 ? until : FERRY_SLEEP;
}

/* Sets whether the writer rings before it waits for room: from the time when the lane is armed, until the monitor
 * visits the link. The main loop may take the ring of the armed lane and then do other work. */
static void
set_ring_when_full (FerryLink *link, gboolean rings)
{
  if (link->rings_when_full == rings)
    return;
  link->rings_when_full = rings;
  /* Relaxed: a writer that finds the lane armed, which it does by an acquire, sees what was stored before. */
  atomic_store_explicit (&link->up.control->reader.ring_when_full, rings ? 1 : 0, memory_order_relaxed);
}

/* Arms the link's lane. Returns whether the link may rest: no record came meanwhile, and the writer rings for the next.
 */
static gboolean
arm_lane (FerryLink *link)
{
  return ferry_lane_reader_arm (&link->up) && ferry_lane_reader_get_available (&link->up) == 0 && link->up.is_armed;
}

/* Arms the link's empty lane, and deactivates the link if no record came meanwhile. Ends a link that is done. */
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
      /* The link is closed for a fault, and its process has not ended yet. */
      ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  now = g_get_monotonic_time ();
  if (carries_many (link) || ferry_shared_queue_rings_in_vain (link))
    self->keep_until = now + KEEP_ROLE_MICROSECONDS;
  if (doze (self, link, now) || linger (self, link, now) || turn_deaf (self, link, now))
    return;
  note_rest (link, now);
  set_ring_when_full (link, self->context != NULL);
  if (arm_lane (link))
    ferry_shared_queue_deactivate (self->shared, link);
  /* The worker is unfenced, and this process has forbidden itself the barrier since the link was made. */
  else if (G_UNLIKELY (!link->up.is_armed && ferry_lane_reader_get_available (&link->up) == 0))
    begin_linger (self, link, now);
}

/* Whether a stalled link may be visited again. */
static gboolean
may_go_on (FerryMonitor *self, FerryLink *link)
{
  return ferry_local_queue_has_room (self->local, link) && ferry_drain_has_looked (link) &&
         (!link->wants_memory || ferry_local_queue_has_memory (self->local, link));
}

static void
count_waiting (FerryMonitor *self)
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
  count_waiting (self);
}

/* Whether the worker has attached before its fork server has answered. The link then waits for that answer, so that the
 * news of the process comes before its messages. */
static gboolean
is_ahead_of_its_fork_server (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && link->parent == FERRY_PARENT_ASKED;
}

static void
visit_link (FerryMonitor *self, FerryLink *link, gboolean by_main)
{
  FerryDrainResult output;

  tell_launched (self, link);
  output = drain_output (self, link);
  if (output == FERRY_DRAIN_STALLED)
    {
      stall (self, link);
      return;
    }
  if (link->state == FERRY_LINK_ATTACHING || is_ahead_of_its_fork_server (link))
    {
      if (output == FERRY_DRAIN_EMPTY || link->state != FERRY_LINK_ATTACHING)
        ferry_shared_queue_deactivate (self->shared, link);
      return;
    }
  if (link->state == FERRY_LINK_OPEN && !link->told_attached && !link->local)
    {
      link->told_attached = TRUE;
      push_news (self, link, FERRY_BLOCK_ATTACHED, NULL);
    }
  switch (ferry_drain_visit (self->drain, link))
    {
    case FERRY_DRAIN_EMPTY:
      if (output == FERRY_DRAIN_EMPTY && !by_main)
        rest_link (self, link);
      break;
    case FERRY_DRAIN_STALLED:
      stall (self, link);
      if (output == FERRY_DRAIN_MORE)
        ferry_shared_queue_activate (self->shared, link);
      break;
    case FERRY_DRAIN_CAUGHT_UP:
      doze (self, link, g_get_monotonic_time ());
      break;
    default:
      break;
    }
}

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
          count_waiting (self);
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
  /* The fence is set up in the next round, which begins at once. By then the events of processes and sockets that
   * were due are handled. */
  self->fence.rounds = 2;
  ferry_shared_queue_wake (self->shared);
}

/* router's thread: makes the monitor set up a fence, instead of an earlier one, and returns its number. The fence is
 * reached when all that was sent so far is drained. */
guint64
ferry_monitor_set_fence (FerryMonitor *self)
{
  guint64 number = ++self->fence.latest;

  ferry_monitor_invoke (self, set_fence_command, g_memdup2 (&number, sizeof number), g_free);
  return number;
}

/* router's thread: whether that fence is reached. If so, sets *n_pushed to how many blocks were pushed before. */
gboolean
ferry_monitor_is_fence_reached (FerryMonitor *self, guint64 number, guint64 *n_pushed)
{
  /* Acquire: pairs with look_at_fence(), so that the count below is at least as new as the number. */
  if (atomic_load_explicit (&self->fence.reached, memory_order_acquire) < number)
    return FALSE;
  *n_pushed = atomic_load_explicit (&self->fence.pushed, memory_order_relaxed);
  return TRUE;
}

/* Whether the monitor may still drain records from the link's lane, or has yet to report the link's end. */
static gboolean
may_be_drained (FerryLink *link)
{
  return link->state != FERRY_LINK_ATTACHING && !is_ahead_of_its_fork_server (link) &&
         (!link->draining_done || link->state == FERRY_LINK_ENDED);
}

/* Whether the link is stalled until the application drops buffers that it keeps. */
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
      /* A tail that is out of range needs no handling here: the next visit finds it. */
      if (!link->tail_final)
        ferry_lane_reader_look (&link->up);
      link->fence = link->up.tail;
      if (!is_before_fence (self, link) || link->stalled)
        continue;
      if (link->dozing)
        g_queue_remove (&self->doze.links, link);
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

/* Visits an active link. by_main: the main loop drains, and the lane of the link stays unarmed until it polls. */
static void
visit_next (FerryMonitor *self, FerryLink *link, gboolean by_main)
{
  if (!by_main)
    set_ring_when_full (link, FALSE);
  /* Before the lane is drained: a cell's value is reported before the records that were written after it. */
  if (!is_ahead_of_its_fork_server (link))
    take_cells (self, link);
  if (link->lingering)
    g_queue_remove (&self->linger.links, link);
  link->lingering = FALSE;
  if (!link->dozing)
    ferry_shared_queue_set_deaf (self->shared, link, FALSE);
  if (!link->stalled && !link->dozing)
    visit_link (self, link, by_main);
  else if (drain_output (self, link) != FERRY_DRAIN_MORE)
    ferry_shared_queue_deactivate (self->shared, link);
}

/* ---- the role ---- */

static gboolean
may_lend_role (FerryMonitor *self)
{
  return g_queue_is_empty (&self->shared->active) && wants_to_lend (self) &&
         g_get_monotonic_time () >= self->keep_until;
}

/* monitor: lends the role to the main loop, sleeps until there is work that is not the main loop's, and takes the role
 * back. The file tests/model/role.pml is the model of this and of the main loop's turns. */
static void
lend_role (FerryMonitor *self)
{
  gint64 until = ferry_drain_get_tidy_time (self->drain);

  self->is_unused = TRUE;
  /* Relaxed, as all accesses: the lock orders what the flag tells of. */
  atomic_store_explicit (&self->by_main, TRUE, memory_order_relaxed);
  pthread_mutex_unlock (&self->role);
  /* The main loop may be polling without the bells, and must poll again with them. */
  g_main_context_wakeup (self->context);
  ferry_shared_queue_sleep (self->shared, until != G_MAXINT64 ? until : FERRY_SLEEP);
  /* First, so that the main loop begins no further turn. */
  atomic_store_explicit (&self->by_main, FALSE, memory_order_relaxed);
  pthread_mutex_lock (&self->role);
  ferry_shared_queue_hear (self->shared, TRUE);
  /* A ring before the main loop's first turn says nothing: a worker that answers at once may always be quicker. */
  if (!self->is_unused)
    self->keep_until = g_get_monotonic_time () + KEEP_ROLE_MICROSECONDS;
}

/* any: takes the role, if the main loop drains now and no other thread has the role at this moment. */
static gboolean
try_turn (FerryMonitor *self)
{
  if (!atomic_load_explicit (&self->by_main, memory_order_relaxed) || pthread_mutex_trylock (&self->role) != 0)
    return FALSE;
  if (atomic_load_explicit (&self->by_main, memory_order_relaxed))
    return TRUE;
  pthread_mutex_unlock (&self->role);
  return FALSE;
}

/* any: takes the role for a turn, if the main loop drains now. Another thread has it for some microseconds, but may
 * have lost its processor to this thread, or to others. So this one gives up after a while, as if the monitor drained.
 * It wakes the monitor, which then waits for the role. */
static gboolean
begin_turn (FerryMonitor *self)
{
  gint64 until = 0;

  while (!try_turn (self))
    {
      gint64 now;

      if (!atomic_load_explicit (&self->by_main, memory_order_relaxed))
        return FALSE;
      now = g_get_monotonic_time ();
      if (until == 0)
        until = now + WAIT_FOR_ROLE_MICROSECONDS;
      if (now >= until)
        {
          ferry_shared_queue_wake (self->shared);
          return FALSE;
        }
      sched_yield ();
    }
  return TRUE;
}

/* any: ends a turn. Passes the role to the monitor, where there is work for the monitor only. */
static void
end_turn (FerryMonitor *self, gboolean passes)
{
  if (passes)
    {
      atomic_store_explicit (&self->by_main, FALSE, memory_order_relaxed);
      ferry_shared_queue_wake (self->shared);
    }
  pthread_mutex_unlock (&self->role);
}

/* Whether the main loop may drain the link. Then it is open, no buffer is being copied or checked, few records come at
 * a time, and the rings are for records. A ring in vain then costs the monitor's time, not that of the frames. So does
 * a copy: its page faults take as long as the worker likes. */
static gboolean
is_light (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && !link->draining_done && link->copy.memory.data == NULL &&
         link->arrival.check == NULL && !carries_many (link) &&
         ferry_lane_reader_get_available (&link->up) < FERRY_BLOCK_SIZE && !ferry_shared_queue_rings_in_vain (link);
}

/* Whether a thread has the link's up lane, to wait for an answer: see "callers" below. */
static gboolean
has_caller (FerryLink *link)
{
  /* Relaxed: only a hint, as the thread may stop at any time. */
  return atomic_load_explicit (&link->caller, memory_order_relaxed) == FERRY_CALLER_WAITS;
}

/* role: lets an active link with an empty lane rest, with the lane armed, if the main loop may drain it. */
static void
rest_light_link (FerryMonitor *self, FerryLink *link)
{
  if (!is_light (link) || ferry_lane_reader_get_available (&link->up) > 0)
    return;
  /* A link that was activated after the last turn was not visited: its ring may have been for a cell. */
  if (!is_ahead_of_its_fork_server (link))
    take_cells (self, link);
  rest_link (self, link);
}

/* ---- links over which threads wait for answers ----
 *
 * The holder of the role hands an answer to the thread that waits for it (see ferry-drain.c). So that there always is
 * such a holder, the lane of such a link is armed whenever the main loop goes on to other work, also to a handler. A
 * ring then wakes the monitor. Other lanes are unarmed meanwhile. */

/* role: whether threads wait for answers over the link, or have done so lately. */
static gboolean
is_awaited (FerryLink *link)
{
  gint64 now;

  if (!ferry_callers_has_any (&link->callers) && !atomic_load_explicit (&link->awaited, memory_order_relaxed))
    return FALSE;
  now = g_get_monotonic_time ();
  if (ferry_callers_has_any (&link->callers))
    {
      link->awaited_at = now;
      return TRUE;
    }
  if (now - link->awaited_at < AWAITED_MICROSECONDS)
    return TRUE;
  /* Sequentially consistent, as in note_awaited() and the count: a thread adds itself, and then sets the flag. Either
   * this thread sees it added, or that thread finds the flag cleared, and wakes the monitor. */
  atomic_store_explicit (&link->awaited, FALSE, memory_order_seq_cst);
  return ferry_callers_has_any (&link->callers);
}

/* any: notes that a thread waits for an answer over the link, and does not have the lane. The monitor arms the lane. */
static void
note_awaited (FerryMonitor *self, FerryLink *link)
{
  if (self->context != NULL && !atomic_load_explicit (&link->awaited, memory_order_seq_cst) &&
      !atomic_exchange_explicit (&link->awaited, TRUE, memory_order_seq_cst))
    ferry_shared_queue_wake (self->shared);
}

/* role: drains an active link, and lets it rest with its lane armed. Returns FALSE if the monitor must take the role:
 * the main loop, or this thread, has other work. */
static gboolean
serve_link (FerryMonitor *self, FerryLink *link)
{
  for (guint i = 0; i < VISITS_PER_SERVICE && link->active && is_light (link); i++)
    {
      visit_next (self, link, TRUE);
      if (link->active)
        rest_light_link (self, link);
    }
  return !link->active && is_at_rest (self);
}

/* router's thread, with the role, before it goes on to other work: serves the links over which threads wait. Returns
 * FALSE if the monitor must take the role. */
static gboolean
serve_awaited_links (FerryMonitor *self)
{
  gboolean served = TRUE;
  GList *node = self->shared->active.head;

  while (node != NULL)
    {
      GList *next = node->next;
      FerryLink *link = node->data;

      if (is_awaited (link))
        {
          const guint64 head = link->up.head;

          served &= serve_link (self, link);
          self->has_served |= link->up.head != head;
        }
      node = next;
    }
  return served;
}

/* ---- the main loop's turns ---- */

/* role: begins to arm the empty lanes of all active links, with one barrier for those that need it. It would else be
 * one for each, in each iteration, also where they are quiet. */
static void
begin_arming (FerryMonitor *self)
{
  gboolean issued;
  guint n = 0;

  for (GList *node = self->shared->active.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (is_light (link) && ferry_lane_reader_get_available (&link->up) == 0 &&
          atomic_load_explicit (&link->up.control->writer.unfenced, memory_order_relaxed) != 0)
        n += ferry_lane_reader_begin_arming (&link->up);
    }
  if (n == 0)
    return;
  issued = ferry_barrier_issue ();
  for (GList *node = self->shared->active.head; node != NULL; node = node->next)
    ferry_lane_reader_note_barrier (&((FerryLink *) node->data)->up, issued);
}

/* router's thread, before the main loop polls: whether the main loop is to poll the bells. Arms the lanes. Sets *ready
 * to whether there are records already. */
static gboolean
begin_poll (FerryMonitor *self, gboolean *ready)
{
  GList *node;

  *ready = self->expects_turn;
  if (self->expects_turn || !begin_turn (self))
    return FALSE;
  self->is_unused = FALSE;
  begin_arming (self);
  node = self->shared->active.head;
  while (node != NULL)
    {
      GList *next = node->next;
      FerryLink *link = node->data;

      rest_light_link (self, link);
      node = next;
    }
  *ready = !g_queue_is_empty (&self->shared->active);
  if (!*ready)
    ferry_shared_queue_hear (self->shared, FALSE);
  ferry_drain_ping (self->drain);
  end_turn (self, !is_at_rest (self));
  return !*ready;
}

/* Activates the links that rest, while the main loop works or spins. Their lanes are unarmed then, as if the main loop
 * had drained them. A worker that sends meanwhile does not ring, which would wake the monitor. A lane that gets full
 * rings still. all: also the links over which threads wait. */
static void
adopt_links (FerryMonitor *self, gboolean all)
{
  if (self->shared->links.length > MAX_LINKS_TO_SPIN_FOR || self->shared->links.length == self->shared->active.length)
    return;
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (link->state != FERRY_LINK_OPEN || link->active || link->draining_done || has_caller (link) ||
          (!all && is_awaited (link)))
        continue;
      set_ring_when_full (link, TRUE);
      ferry_lane_reader_disarm (&link->up);
      ferry_shared_queue_activate (self->shared, link);
    }
}

/* router's thread, after the main loop has polled: whether there are records, or were. From now on, the monitor
 * hears them. If a lane is full, its ring may have been that of a writer that waits for room. So the monitor takes the
 * role at once. */
static gboolean
end_poll (FerryMonitor *self, gboolean rang)
{
  gboolean ready;
  gboolean passes = FALSE;

  if (!begin_turn (self))
    return FALSE;
  if (rang)
    ferry_shared_queue_take_bells (self->shared);
  for (GList *node = self->shared->active.head; node != NULL; node = node->next)
    passes |= !ferry_lane_reader_look (&((FerryLink *) node->data)->up) || !is_light (node->data);
  passes |= !serve_awaited_links (self);
  ready = !g_queue_is_empty (&self->shared->active) || self->has_served;
  if (!passes)
    adopt_links (self, FALSE);
  ferry_shared_queue_hear (self->shared, TRUE);
  end_turn (self, passes);
  return ready;
}

/* router's thread, at the end of a dispatch: the main loop goes on to other work. */
void
ferry_monitor_end_turns (FerryMonitor *self)
{
  if (begin_turn (self))
    end_turn (self, !serve_awaited_links (self));
}

/* role: whether an open link has records. Activates such a link, also one that is armed, with a ring that was not heard
 * yet. */
static gboolean
has_records (FerryMonitor *self)
{
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      if (link->state != FERRY_LINK_OPEN || link->draining_done || has_caller (link))
        continue;
      /* A tail that is out of range needs no handling here: the next visit finds it. */
      if (ferry_lane_reader_look (&link->up) && ferry_lane_reader_get_available (&link->up) == 0)
        continue;
      ferry_shared_queue_activate (self->shared, link);
      return TRUE;
    }
  return FALSE;
}

/* Whether a thread polls for its answer itself. The main loop then does not spin, as the thread needs the role, and the
 * core. Relaxed: a hint. */
static gboolean
has_callers (FerryMonitor *self)
{
  return atomic_load_explicit (&self->n_callers, memory_order_relaxed) > 0;
}

static gboolean
is_spin_over (gpointer data)
{
  return has_callers (data) || has_records (data);
}

/* Counts anew. Returns whether the records that came since the latest spin belong to a conversation: a next one is
 * likely to come at once. */
static gboolean
restart_counts (FerryMonitor *self)
{
  gboolean converses = FALSE;

  for (GList *node = self->shared->active.head; node != NULL; node = node->next)
    {
      FerryLink *link = node->data;

      converses |= link->n_since > 0 && is_conversing (link);
      restart_count (link);
    }
  return converses;
}

/* role: polls the lanes. Returns whether there are records. */
static gboolean
spin (FerryMonitor *self)
{
  gboolean converses = restart_counts (self);
  gboolean arrived = FALSE;
  gboolean deaf;

  if (ferry_spin_begin (&self->spin) && converses)
    {
      adopt_links (self, TRUE);
      /* Armed links ring, and then the monitor would take the role. */
      deaf = self->shared->links.length > self->shared->active.length;
      if (deaf)
        ferry_shared_queue_hear (self->shared, FALSE);
      arrived = ferry_spin_poll (&self->spin, is_spin_over, self) && has_records (self);
      if (deaf)
        ferry_shared_queue_hear (self->shared, TRUE);
    }
  return arrived;
}

/* router's thread: whether there are records, if the main loop drains now. */
static gboolean
look_for_records (gpointer data)
{
  FerryMonitor *self = data;
  gboolean arrived;

  if (!begin_turn (self))
    return FALSE;
  arrived = has_records (self);
  end_turn (self, FALSE);
  return arrived;
}

/* router's thread, when the main loop has nothing to dispatch: spins, if the main loop drains now. Returns whether
 * there are records. Where there is one core, yields it once, without the role, which a caller may need meanwhile. */
gboolean
ferry_monitor_spin (FerryMonitor *self)
{
  gboolean arrived = FALSE;

  ferry_spin_configure (&self->spin, atomic_load_explicit (&self->spin_setting, memory_order_relaxed));
  if (self->spin.yields)
    return ferry_spin_begin (&self->spin) && ferry_spin_poll (&self->spin, look_for_records, self);
  if (!begin_turn (self))
    return FALSE;
  if (self->shared->links.length <= MAX_LINKS_TO_SPIN_FOR && !has_callers (self))
    arrived = spin (self);
  end_turn (self, FALSE);
  return arrived;
}

/* router's thread: the main loop does not sleep before its next turn, so the lanes need not be armed until then. */
void
ferry_monitor_expect_turn (FerryMonitor *self)
{
  self->expects_turn = TRUE;
}

/* router's thread: as ferry_monitor_expect_turn(), but the turn comes an iteration of the main loop later, after
 * sources of lower priority. */
void
ferry_monitor_give_way (FerryMonitor *self)
{
  self->expects_turn = self->gives_way = TRUE;
}

/* role: whether the link is active only because the main loop has not polled since it drained the link's last record.
 */
static gboolean
is_as_good_as_resting (FerryLink *link)
{
  return ferry_lane_reader_look (&link->up) && ferry_lane_reader_get_available (&link->up) == 0 &&
         !has_dirty_cells (link) && (link->output == NULL || !ferry_output_is_ready (link->output));
}

/* Whether the main loop need not visit the link in its turn. Most links of an application are so at any time. */
static gboolean
is_quiet (FerryLink *link)
{
  return is_light (link) && link->told_attached && !link->stalled && !link->dozing && !link->lingering && !link->deaf &&
         is_as_good_as_resting (link);
}

/* role: visits an active link in a turn of the main loop. Returns FALSE if the monitor must take the role. */
static gboolean
visit_in_turn (FerryMonitor *self, FerryLink *link)
{
  if (is_quiet (link))
    return TRUE;
  visit_next (self, link, TRUE);
  if (link->n_since >= MANY_RECORDS && is_conversing (link))
    restart_count (link);
  return is_light (link);
}

/* router's thread: drains the active links, if the main loop drains now. calls: handlers are called afterwards, even if
 * nothing was drained. */
void
ferry_monitor_take_turn (FerryMonitor *self, gboolean calls)
{
  gboolean passes = FALSE;
  gint64 tidy_time;
  GList *node;

  self->expects_turn = FALSE;
  if (!begin_turn (self))
    return;
  tidy_time = ferry_drain_get_tidy_time (self->drain);
  if (self->is_unused)
    adopt_links (self, FALSE);
  self->is_unused = FALSE;
  if (!g_queue_is_empty (&self->shared->active) || self->has_served)
    ferry_spin_end (&self->spin);
  self->has_served = FALSE;
  /* The blocks are dispatched by the caller at once. */
  ferry_drain_set_pings (self->drain, FALSE);
  node = self->shared->active.head;
  while (node != NULL)
    {
      GList *next = node->next;

      passes |= !visit_in_turn (self, node->data);
      node = next;
    }
  if (calls || ferry_local_queue_get_n_pushed (self->local) != ferry_local_queue_get_n_popped (self->local))
    passes |= !serve_awaited_links (self);
  ferry_drain_ping (self->drain);
  ferry_drain_set_pings (self->drain, TRUE);
  /* A monitor that sleeps does not know of a timer that this turn has started. */
  passes |= ferry_drain_get_tidy_time (self->drain) != tidy_time;
  end_turn (self, passes || !is_at_rest (self));
}

/* any: makes the monitor drain until ferry_monitor_unclaim(). For a thread that waits outside of the main loop. */
void
ferry_monitor_claim (FerryMonitor *self)
{
  atomic_fetch_add_explicit (&self->n_claims, 1, memory_order_relaxed);
  if (self->context != NULL)
    ferry_shared_queue_wake (self->shared);
}

void
ferry_monitor_unclaim (FerryMonitor *self)
{
  atomic_fetch_sub_explicit (&self->n_claims, 1, memory_order_relaxed);
}

/* A source of the main loop that is never dispatched: it works around each poll, and pings the pingee where there is
 * something to drain. The router drains in the dispatch of the pingee, with its priority and ageing. The source has the
 * highest priority, since GLib omits sources of a lower priority than that of a ready one. */
typedef struct
{
  GSource source;
  GPollFD bells;
  gboolean polls;        /* bells is among what the main loop polls */
  gboolean gives_way;    /* this iteration is for other sources */
  FerryMonitor *monitor; /* (owned) */
} ShortCut;

static gboolean
short_cut_prepare (GSource *source, int *timeout)
{
  ShortCut *self = (ShortCut *) source;
  gboolean gives_way = self->monitor->gives_way;
  gboolean ready;
  gboolean polls = begin_poll (self->monitor, &ready);

  *timeout = gives_way ? 0 : -1;
  if (polls != self->polls && !ready)
    {
      self->polls = polls;
      if (polls)
        g_source_add_poll (source, &self->bells);
      else
        g_source_remove_poll (source, &self->bells);
    }
  self->gives_way = gives_way;
  self->monitor->gives_way = FALSE;
  if (ready && !gives_way)
    ferry_pingee_ping (self->monitor->pingee);
  return FALSE;
}

static gboolean
short_cut_check (GSource *source)
{
  ShortCut *self = (ShortCut *) source;

  if (!self->gives_way && end_poll (self->monitor, (self->bells.revents & G_IO_IN) != 0))
    ferry_pingee_ping (self->monitor->pingee);
  return FALSE;
}

static void
short_cut_finalize (GSource *source)
{
  ferry_monitor_unref (((ShortCut *) source)->monitor);
}

/* router's thread: (transfer full): returns the source of the short cut, attached to the router's context. To be
 * destroyed before ferry_monitor_stop(). */
GSource *
ferry_monitor_attach_short_cut (FerryMonitor *self)
{
  static GSourceFuncs funcs = {.prepare = short_cut_prepare, .check = short_cut_check, .finalize = short_cut_finalize};
  GSource *source = g_source_new (&funcs, sizeof (ShortCut));

  ((ShortCut *) source)->bells = (GPollFD){.fd = self->shared->bells, .events = G_IO_IN};
  ((ShortCut *) source)->monitor = ferry_monitor_ref (self);
  g_source_set_priority (source, G_MININT);
  g_source_set_static_name (source, "[ferry] short cut");
  g_source_attach (source, self->context);
  return source;
}

/* ---- the thread ---- */

/* monitor: sleeps until there is work, and then does one round of work. */
static void
work_or_sleep (FerryMonitor *self)
{
  revive_stalled (self);
  if (g_queue_is_empty (&self->shared->active) && !g_queue_is_empty (&self->stalled))
    {
      ferry_local_queue_arm (self->local);
      revive_stalled (self);
    }
  if (may_lend_role (self))
    lend_role (self);
  ferry_shared_queue_wait (self->shared, get_waking_time (self));
  end_naps (self);
  ferry_drain_tidy (self->drain);
  run_commands (self);
  if (G_UNLIKELY (self->fence.rounds > 0) && --self->fence.rounds == 0)
    set_up_fence (self);
  for (guint n = 0; n < VISITS_PER_ROUND && !self->stopping; n++)
    {
      FerryLink *link = ferry_shared_queue_next (self->shared);

      if (link == NULL)
        break;
      visit_next (self, link, FALSE);
    }
  ferry_drain_ping (self->drain);
  if (G_UNLIKELY (self->fence.open))
    look_at_fence (self);
}

/* A process that was killed, and that has not ended within STOP_GRACE_MS. */
typedef struct
{
  FerryLink *link; /* (owned) */
  int pidfd;       /* (owned) */
} LateProcess;

static gpointer
reap_in_background (gpointer data)
{
  g_autoptr (GArray) late = data;

  for (guint i = 0; i < late->len; i++)
    {
      LateProcess *process = &g_array_index (late, LateProcess, i);

      process->link->pidfd = process->pidfd;
      ferry_link_wait (process->link);
      ferry_link_unref (process->link);
    }
  return NULL;
}

/* Reaps the processes that were killed, and waits up to STOP_GRACE_MS for them. Returns those that take longer to end
 * (a large heap, a slow disk), for another thread to reap. */
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
  /* The guardian kills the processes that are left. */
  ferry_shared_queue_close_guardian (self->shared);
  g_queue_clear (&self->stalled);
  atomic_store_explicit (&self->n_waiting, 0, memory_order_relaxed);
  g_queue_clear (&self->doze.links);
  g_queue_clear (&self->linger.links);
  while (!g_queue_is_empty (&self->shared->links))
    finish_link (self, g_queue_peek_head (&self->shared->links));
  if (late->len > 0)
    ferry_thread_run_aside ("ferry-reaper", reap_in_background, late);
  else
    g_array_unref (late);
}

static gpointer
monitor_main (gpointer data)
{
  FerryMonitor *self = data;

  /* By default, the kernel delays the timers of a thread by up to 50 microseconds. */
  prctl (PR_SET_TIMERSLACK, 1);
  pthread_mutex_lock (&self->role);
  while (!self->stopping)
    work_or_sleep (self);
  /* Runs the commands that were queued before stop_command() closed the queue. */
  run_commands (self);
  end_links (self);
  pthread_mutex_unlock (&self->role);
  return NULL;
}

static void
catch_up (gpointer data)
{
  run_commands (data);
}

/* router's thread: makes a monitor and starts its thread. The monitor pings pingee when it has pushed blocks. */
FerryMonitor *
ferry_monitor_new (FerryPingee *pingee, GMainContext *context, FerryMemoryAccount *account, gsize local_queue_limit,
                   gint64 spare_time, GError **error)
{
  g_autoptr (FerryMonitor) self = g_new0 (FerryMonitor, 1);

  atomic_init (&self->references, 1);
  pthread_mutex_init (&self->lock, NULL);
  pthread_mutex_init (&self->role, NULL);
  self->context = context != NULL ? g_main_context_ref (context) : NULL;
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
  self->thread = ferry_thread_try_new ("ferry-monitor", "the router", monitor_main, self, error);
  return self->thread != NULL ? g_steal_pointer (&self) : NULL;
}

FerryMonitor *
ferry_monitor_ref (FerryMonitor *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

/* any: drops a reference. ferry_monitor_stop() must come before the last one is dropped. */
void
ferry_monitor_unref (FerryMonitor *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  g_assert (g_queue_is_empty (&self->commands));
  g_clear_pointer (&self->drain, ferry_drain_free);
  g_clear_pointer (&self->local, ferry_local_queue_unref);
  g_clear_pointer (&self->shared, ferry_shared_queue_free);
  g_clear_pointer (&self->pingee, ferry_pingee_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  pthread_mutex_destroy (&self->role);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

static void
stop_command (FerryMonitor *self, gpointer data)
{
  self->stopping = TRUE;
  FERRY_AUTO_LOCK (&self->lock);
  self->closed = TRUE;
}

/* router's thread: stops the monitor, and joins its thread. The queued commands run, further ones are refused, and all
 * links end. The local queue then holds the blocks that were drained, and the end of each link. */
void
ferry_monitor_stop (FerryMonitor *self)
{
  ferry_monitor_invoke (self, stop_command, NULL, NULL);
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

/* any: sets what the monitor has counted in counts, by FerryCounter. */
void
ferry_monitor_get_counts (FerryMonitor *self, guint64 *counts)
{
  /* Relaxed: the counts may be out of date when they are returned. */
  counts[FERRY_COUNTER_BLOCKS] = ferry_local_queue_get_n_pushed (self->local);
  counts[FERRY_COUNTER_PROTOCOL_ERRORS] = atomic_load_explicit (&self->n_faults, memory_order_relaxed);
  counts[FERRY_COUNTER_QUEUED_BYTES] = (guint64) ferry_local_queue_get_bytes (self->local);
  counts[FERRY_COUNTER_LINKS] = atomic_load_explicit (&self->n_links, memory_order_relaxed);
  counts[FERRY_COUNTER_WAITING_LINKS] = atomic_load_explicit (&self->n_waiting, memory_order_relaxed);
  counts[FERRY_COUNTER_SPIN_TIME] =
    ferry_spin_get_time (&self->spin) + atomic_load_explicit (&self->callers_spin_time, memory_order_relaxed);
  counts[FERRY_COUNTER_DIRECT_ANSWERS] = ferry_drain_get_n_handed_over (self->drain);
  counts[FERRY_COUNTER_HIGHEST_QUEUED_BYTES] = (guint64) ferry_local_queue_get_highest (self->local);
  counts[FERRY_COUNTER_HIGHEST_WAITING_LINKS] = atomic_load_explicit (&self->most_waiting, memory_order_relaxed);
}

/* router's thread: counts a link with an end that this thread has handled. */
void
ferry_monitor_count_ended_link (FerryMonitor *self)
{
  atomic_fetch_sub_explicit (&self->n_links, 1, memory_order_relaxed);
}

/* ---- commands of other threads ---- */

typedef struct
{
  FerryLink *link;        /* (owned) */
  FerryLaunchFunc launch; /* add_link_command(): (nullable) */
  int signal_number;      /* send_signal_command() */
  gpointer data;          /* add_link_command(): for launch; fault_command(): the detail */
  GDestroyNotify destroy; /* (nullable): of data */
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

static gboolean
invoke_for_link (FerryMonitor *self, FerryMonitorFunc func, LinkCommand command)
{
  ferry_link_ref (command.link);
  return ferry_monitor_invoke (self, func, g_memdup2 (&command, sizeof command), link_command_free);
}

/* Notes a shortage as the launch's obstacle, unless the link has a cause already: that cause came with its obstacle. */
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

  if (command->launch (command->data, link->worker_end, &pid, &pidfd, &error))
    {
      if (pid == 0)
        return;
      if (ferry_shared_queue_set_process (self->shared, link, pid, pidfd, &error))
        tell_launched (self, link);
      else
        {
          /* The process cannot be watched, so it is killed here. */
          ferry_link_send_signal (link, SIGKILL);
          ferry_link_wait (link);
        }
    }
  if (error != NULL)
    {
      note_obstacle (link, error);
      ferry_shared_queue_apply (self->shared, link, FERRY_LINK_LAUNCH_FAILED, error->message);
    }
  ferry_clear_fd (&link->worker_end);
}

/* Tells the worker how much to spin. */
static void
store_spin (FerryMonitor *self, FerryLink *link)
{
  /* Relaxed: see ferry_downlink_receive(). */
  atomic_store_explicit (&link->down.lane.control->writer.spin,
                         atomic_load_explicit (&self->spin_setting, memory_order_relaxed), memory_order_relaxed);
}

static void
set_spin_command (FerryMonitor *self, gpointer data)
{
  for (GList *node = self->shared->links.head; node != NULL; node = node->next)
    store_spin (self, node->data);
}

/* any: sets how much the main loop and the workers spin: see FERRY_SPIN_SETTING(). */
void
ferry_monitor_set_spin (FerryMonitor *self, guint32 setting)
{
  if (atomic_exchange_explicit (&self->spin_setting, setting, memory_order_relaxed) != setting)
    ferry_monitor_invoke (self, set_spin_command, NULL, NULL);
}

static void
add_link_command (FerryMonitor *self, gpointer data)
{
  LinkCommand *command = data;
  g_autoptr (GError) error = NULL;
  FerryLink *link = command->link;
  GPid pid;
  int pidfd;

  atomic_fetch_add_explicit (&self->n_links, 1, memory_order_relaxed);
  store_spin (self, link);
  self->n_bound += link->bound;
  ferry_drain_grant (self->drain, link);
  if (!ferry_shared_queue_add (self->shared, link, &error))
    {
      note_obstacle (link, error);
      ferry_link_note (link, FERRY_CLOSE_REASON_LAUNCH_FAILED, error->message);
      link->state = FERRY_LINK_ENDED;
      /* A fork server may have been asked to start the process. It answers later, and the process is killed then. */
      if (command->launch != NULL && link->parent == FERRY_PARENT_ASKED)
        command->launch (command->data, -1, &pid, &pidfd, NULL);
      ferry_drain_revoke (self->drain, link);
      close_all_pipes (link, FERRY_PIPE_WORD_LINK_ENDED);
      tell_end (self, link);
    }
  else if (command->launch != NULL)
    launch_link (self, command);
  else if (link->bound && link->worker->state == FERRY_LINK_ENDED && link->worker->queue == NULL)
    {
      g_autoptr (FerryExit) exit = ferry_exit_new_for_link (link->worker);

      end_given_link (self, link, exit);
    }
}

/* any: adds a link and, where launch is not NULL, makes the monitor's thread start the process at its other end.
 * Returns FALSE when the monitor takes no more commands. */
gboolean
ferry_monitor_add_link (FerryMonitor *self, FerryLink *link, FerryLaunchFunc launch, gpointer launch_data,
                        GDestroyNotify launch_destroy)
{
  ferry_spare_memory_set_account (&link->spare, ferry_local_queue_get_account (self->local));
  return invoke_for_link (
    self, add_link_command,
    (LinkCommand){.link = link, .launch = launch, .data = launch_data, .destroy = launch_destroy});
}

static void
close_pipe_command (FerryMonitor *self, gpointer data)
{
  guint index;
  FerryLink *link = ferry_drain_end_pipe (self->drain, *(guint64 *) data, &index);

  if (link == NULL)
    return;
  ferry_link_set_pipe_word (link, index, FERRY_PIPE_WORD_CLOSED);
  ferry_link_wake_writers (link);
  if (is_local_end (link))
    ferry_shared_queue_apply (self->shared, link, FERRY_LINK_FINISHED, NULL);
}

/* any: marks a pipe as closed, so that sending through the pipe fails. */
void
ferry_monitor_close_pipe (FerryMonitor *self, guint64 connection_id)
{
  ferry_monitor_invoke (self, close_pipe_command, g_memdup2 (&connection_id, sizeof connection_id), g_free);
}

/* Ends a link without an answer of its fork server, so that its process is not known. If the process is started anyway,
 * it is killed when the fork server answers. */
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
  LinkCommand *command = data;
  FerryLink *link = command->link;

  link->signals_sent |= G_GUINT64_CONSTANT (1) << (command->signal_number - 1);
  if (command->signal_number == SIGKILL && link->parent == FERRY_PARENT_ASKED && link->queue != NULL)
    end_unstarted (self, link);
  else
    ferry_link_send_signal (link, command->signal_number);
}

/* any: sends a signal to the process of a link, after the commands that are queued have run. Returns FALSE when the
 * monitor takes no more commands. */
gboolean
ferry_monitor_send_signal (FerryMonitor *self, FerryLink *link, int signal_number)
{
  return invoke_for_link (self, send_signal_command, (LinkCommand){.link = link, .signal_number = signal_number});
}

static void
fault_command (FerryMonitor *self, gpointer data)
{
  LinkCommand *command = data;

  /* A link that has ended meanwhile is in no queue. */
  if (command->link->queue != NULL)
    ferry_shared_queue_fault (self->shared, command->link, command->data);
}

/* any: ends a link because its worker broke a rule that the router's thread checks. */
void
ferry_monitor_fault_link (FerryMonitor *self, FerryLink *link, const char *detail)
{
  invoke_for_link (self, fault_command, (LinkCommand){.link = link, .data = g_strdup (detail), .destroy = g_free});
}

static void
end_link_command (FerryMonitor *self, gpointer data)
{
  LinkCommand *command = data;
  FerryLink *link = command->link;

  if (link->queue != NULL)
    end_given_link (self, link, command->data);
}

/* any: ends a link that has no process of its own, behind all that was written to its lane before this call. exit:
 * (nullable): how the worker ended that had the link's sender; NULL: the sender counts as stopped. */
void
ferry_monitor_end_link (FerryMonitor *self, FerryLink *link, FerryExit *exit)
{
  LinkCommand command = {.link = link};

  if (exit != NULL)
    {
      command.data = g_object_ref (exit);
      command.destroy = g_object_unref;
    }
  invoke_for_link (self, end_link_command, command);
}

/* ---- callers ----
 *
 * A single thread that waits for an answer over a link has the link's up lane itself, while the main loop has the role.
 * It gets the lane before it sends the request. After that it polls the lane for some microseconds, where that has paid
 * lately, and then sleeps on a bell of its own. It hands answers over, its own among them, where these are the next
 * records: its answer then comes without a hop. If there is anything else, it drains the link, and gives the lane back.
 *
 * The link rests meanwhile: it is not active, and its lane is unarmed, or armed for the caller. Each step of the thread
 * on the lane, but the load of the tail, is made with the role. A role's holder that has to visit the link dismisses
 * the thread first, by activating the link. A record of another pipe rings the doorbell, and so has the link visited. A
 * thread that was dismissed in its sleep sleeps on: its answer is handed over, and ends the wait. The file
 * tests/model/caller.pml is the model of this. */

typedef struct
{
  FerryMonitor *monitor;
  FerryLink *link;
  FerryCaller *caller;
  guint64 head;     /* the up lane's */
  gboolean is_over; /* this thread has the lane no more */
  gboolean passes;  /* the monitor must take the role after this turn */
} Call;

/* role: whether a caller may have the link's lane: the link rests. */
static gboolean
may_be_called (FerryLink *link)
{
  return link->state == FERRY_LINK_OPEN && !link->stalled && !link->dozing && !link->lingering && !link->local &&
         !link->draining_done && link->told_attached && link->assembly.data == NULL && link->copy.memory.data == NULL &&
         link->arrival.check == NULL &&
         atomic_load_explicit (&link->caller, memory_order_relaxed) == FERRY_CALLER_NONE &&
         (!link->active || is_as_good_as_resting (link));
}

/* role: gives the lane back, armed for the doorbell. Drains the link first if there are records. Without its answer,
 * the thread waits among others from now on. */
static void
give_lane_back (Call *call)
{
  call->is_over = TRUE;
  if (call->caller->size == 0)
    ferry_callers_add (&call->link->callers, call->caller);
  /* Relaxed: the role orders this. The memory is freed only after a holder of the role has dismissed this thread. */
  atomic_store_explicit (&call->link->caller, FERRY_CALLER_NONE, memory_order_relaxed);
  if (arm_lane (call->link))
    return;
  ferry_shared_queue_activate (call->monitor->shared, call->link);
  call->passes |= !serve_link (call->monitor, call->link);
  ferry_drain_ping (call->monitor->drain);
}

/* role: hands answers over, the caller's own among them. If that has not come and the caller may sleep, arms the lane
 * for it; else gives the lane back. */
static void
look_for_answer (Call *call, gboolean may_sleep)
{
  ferry_drain_hand_over_next (call->monitor->drain, call->link, call->caller);
  if (call->caller->size > 0 || !may_sleep || ferry_lane_reader_get_available (&call->link->up) > 0 ||
      !ferry_lane_reader_arm_for_caller (&call->link->up, call->caller))
    give_lane_back (call);
}

static void
activate_command (FerryMonitor *self, gpointer data)
{
  LinkCommand *command = data;

  /* A link that has ended meanwhile is in no queue. */
  if (command->link->queue != NULL)
    ferry_shared_queue_activate (self->shared, command->link);
}

/* any: gives the lane back, where the role is the monitor's. */
static void
give_lane_to_monitor (Call *call)
{
  call->is_over = TRUE;
  /* The lane is not armed for the doorbell, so the monitor looks at it. */
  if (ferry_callers_add_if (&call->link->callers, call->caller, &call->link->caller, FERRY_CALLER_WAITS,
                            FERRY_CALLER_NONE))
    invoke_for_link (call->monitor, activate_command, (LinkCommand){.link = call->link});
  else
    ferry_link_let_caller_go (call->link);
}

typedef enum
{
  CALL_LEAVES, /* gives the lane back at once */
  CALL_LOOKS,  /* takes the answer if it is there, and gives the lane back */
  CALL_STAYS,  /* as CALL_LOOKS, but keeps the lane while it is empty, and then sleeps */
} CallStep;

/* any: takes a turn of the role for a step of the call. Gives the lane back if the role is the monitor's now. */
static void
take_turn_of_call (Call *call, CallStep step)
{
  call->passes = FALSE;
  if (!begin_turn (call->monitor))
    {
      give_lane_to_monitor (call);
      return;
    }
  if (!has_caller (call->link))
    {
      call->is_over = TRUE;
      ferry_link_let_caller_go (call->link);
    }
  else if (step == CALL_LEAVES)
    give_lane_back (call);
  else
    {
      look_for_answer (call, step == CALL_STAYS);
      /* A monitor that sleeps does not know of a timer that this turn has started. */
      call->passes |= ferry_drain_note_untidy (call->monitor->drain, call->link);
    }
  end_turn (call->monitor, call->passes);
}

/* role: makes this thread the link's caller. Returns FALSE if there are records. */
static gboolean
take_lane (Call *call)
{
  ferry_shared_queue_deactivate (call->monitor->shared, call->link);
  set_ring_when_full (call->link, TRUE);
  call->link->calling = call->caller;
  /* Relaxed: only this thread and later holders of the role read it. */
  atomic_store_explicit (&call->link->caller, FERRY_CALLER_WAITS, memory_order_relaxed);
  if (call->caller->spins)
    ferry_lane_reader_disarm (&call->link->up);
  else if (!ferry_lane_reader_arm_for_caller (&call->link->up, call->caller))
    give_lane_back (call);
  return !call->is_over;
}

/* Whether there is a record, or this thread is to poll no more. */
static gboolean
is_poll_over (gpointer data)
{
  const Call *call = data;

  /* Relaxed: the record is only looked at after the tail was loaded again, and the flags are hints. */
  return atomic_load_explicit (&call->link->up.control->writer.tail, memory_order_relaxed) != call->head ||
         !has_caller (call->link) || !atomic_load_explicit (&call->monitor->by_main, memory_order_relaxed);
}

/* any: polls, and then looks for the answer. */
static void
poll_lane (Call *call)
{
  const FerryCaller *caller = call->caller;
  guint64 before = ferry_spin_get_time (caller->spin);

  /* Relaxed: only this thread changes the head while it is the caller; after a dismissal, the poll is over. */
  call->head = atomic_load_explicit (&call->link->up.control->reader.head, memory_order_relaxed);
  ferry_spin_poll (caller->spin, is_poll_over, call);
  /* Relaxed: a count. */
  atomic_fetch_add_explicit (&call->monitor->callers_spin_time, ferry_spin_get_time (caller->spin) - before,
                             memory_order_relaxed);
  take_turn_of_call (call, caller->sleep != NULL ? CALL_STAYS : CALL_LOOKS);
}

/* any: gives this thread the link's up lane, where the main loop drains and the link rests. Returns whether it does. */
static gboolean
begin_call (FerryMonitor *self, FerryLink *link, FerryCaller *caller)
{
  Call call = {.monitor = self, .link = link, .caller = caller};
  guint tries = TRIES_TO_BEGIN_CALL;
  gboolean begun;

  ferry_spin_configure (caller->spin, atomic_load_explicit (&self->spin_setting, memory_order_relaxed));
  caller->spins = ferry_spin_begin (caller->spin);
  if (!caller->spins && caller->sleep == NULL)
    return FALSE;
  /* Relaxed: a hint for the main loop, which may have the role for a spin. */
  atomic_fetch_add_explicit (&self->n_callers, 1, memory_order_relaxed);
  while (!try_turn (self))
    if (--tries == 0 || !atomic_load_explicit (&self->by_main, memory_order_relaxed))
      {
        atomic_fetch_sub_explicit (&self->n_callers, 1, memory_order_relaxed);
        return FALSE;
      }
  begun = may_be_called (link) && take_lane (&call);
  end_turn (self, call.passes);
  if (!begun || !caller->spins)
    atomic_fetch_sub_explicit (&self->n_callers, 1, memory_order_relaxed);
  return begun;
}

/* any: notes a thread that is going to send a request over the link, so that it is handed the answer. may_take: this
 * thread may have the lane for a call, if the link allows it now. Returns whether it has: ferry_monitor_end_call() must
 * then follow soon. Where the caller is listed then, ferry_callers_remove() must follow, unless the caller's completion
 * is handed over.
 *
 * The caller must keep a reference to the link. */
gboolean
ferry_monitor_begin_call (FerryMonitor *self, FerryLink *link, FerryCaller *caller, gboolean may_take)
{
  if (may_take && begin_call (self, link, caller))
    return TRUE;
  if (!caller->is_listed)
    ferry_callers_add (&link->callers, caller);
  note_awaited (self, link);
  return FALSE;
}

/* any: ends the call that ferry_monitor_begin_call() began. waits: waits for the answer first. Polls, where that is
 * likely to pay; then sleeps. Hands answers over meanwhile. Afterwards, caller->size tells whether the answer is in
 * caller->place. If not, the answer is handed over or dispatched later, and the caller must wait for that. It calls
 * ferry_spin_end() afterwards. */
void
ferry_monitor_end_call (FerryMonitor *self, FerryLink *link, FerryCaller *caller, gboolean waits)
{
  Call call = {.monitor = self, .link = link, .caller = caller};
  gboolean goes_on = waits;

  /* Relaxed: as in begin_call(). While this thread sleeps, the main loop may spin. */
  if (caller->spins)
    {
      if (waits)
        poll_lane (&call);
      atomic_fetch_sub_explicit (&self->n_callers, 1, memory_order_relaxed);
    }
  while (!call.is_over)
    {
      goes_on = goes_on && caller->sleep (caller->data, &link->up.control->caller_bell.rings, caller->seen);
      atomic_fetch_add_explicit (&self->n_callers, 1, memory_order_relaxed);
      take_turn_of_call (&call, goes_on ? CALL_STAYS : waits ? CALL_LOOKS : CALL_LEAVES);
      atomic_fetch_sub_explicit (&self->n_callers, 1, memory_order_relaxed);
    }
}

/* any: notes that a thread waits for what comes to an inbox of the link. */
void
ferry_monitor_note_wait (FerryMonitor *self, FerryLink *link)
{
  note_awaited (self, link);
}

/* any: wakes the monitor for a stalled link. Messages of share bytes were taken out of an inbox of the link, and half
 * of its share is free since. */
void
ferry_monitor_note_taken (FerryMonitor *self, FerryLink *link, gsize share)
{
  gint64 left = atomic_load_explicit (&link->share_out, memory_order_seq_cst);

  if (left <= FERRY_LINK_WINDOW / 2 && left + (gint64) share > FERRY_LINK_WINDOW / 2)
    ferry_shared_queue_wake (self->shared);
}
