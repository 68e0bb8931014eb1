/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One worker of a pool, a process or a thread: how it comes into being, its link, its calls, the tasks that it has in
 * hand, and its end.
 *
 * Handlers of a task's signals run in the middle of what is done here, and may do anything: so bookkeeping comes first,
 * signals after it, and what is looked at after a signal is looked at anew.
 *
 * It is one file since its state, what it has in hand and what it has claimed are looked at, and change, wherever a
 * task is given to it, is answered, taken back or pressed for, and wherever it is told to end.
 *
 * Threads: the router's, but for what a link tells of its room, and for the thread that is a worker.
 * Trust:   the worker's claim says what a kill would hit, and is believed as long as time allows; but no claim keeps a
 *          task from coming to its end. */

#include "config.h"

#include "task/ferry-pool-worker-private.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "call/ferry-transactions-private.h"
#include "task/ferry-serve-private.h"
#include "worker/ferry-function-private.h"
#include "worker/ferry-launcher-private.h"
#include "worker/ferry-worker-private.h"

/* How long a worker that was told to finish may take for it, before it is killed. */
#define RETIRE_GRACE (10 * G_USEC_PER_SEC)

/* The same for one that stopped the sender of its calls with a call open: as for one that hangs up. */
#define FAREWELL_GRACE (1 * G_USEC_PER_SEC)

/* A refused task is put again, to the same program. One that refuses it over and over would have it go to and fro for
 * ever. */
#define MAX_REFUSALS 3

/* A process' size is looked at this often at most. */
#define MEMORY_INTERVAL (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* A worker answers a call before it claims the next one. So the answer to a call that its claim is beyond is on its
 * way, in the lane or behind it, and a kill would hit the next task. Only when all is dispatched that the worker had
 * written when this was noticed, and the answer was not there, does the worker lie. This is looked at with so many
 * microseconds in between, and so often while nothing is dispatched. No worker can make that last; an application can,
 * which keeps all buffers or stays in a handler. */
#define MAX_LOOKS 600
#define LOOK_INTERVAL (G_USEC_PER_SEC / 10)

typedef enum
{
  FERRY_POOL_WORKER_STARTING,  /* its process is being started, or its initialiser runs */
  FERRY_POOL_WORKER_READY,     /* takes tasks */
  FERRY_POOL_WORKER_RETIRING,  /* was told to finish; takes no more */
  FERRY_POOL_WORKER_CONDEMNED, /* is being killed */
  FERRY_POOL_WORKER_ENDED,
} FerryPoolWorkerState;

typedef struct _FerryPoolRoom FerryPoolRoom;

struct _FerryPoolWorker
{
  gint references;
  FerryPool *pool;     /* (unowned) (nullable): NULL once the pool let go of it */
  FerryRouter *router; /* (owned) */
  FerryTimers *timers; /* (unowned): the router's */
  FerryWorker *worker; /* (owned) (nullable): NULL in a pool of threads */
  GThread *thread;     /* (owned) (nullable) */
  FerryLink *link;     /* (owned) */
  FerryReceiver *calls_receiver;
  FerryReceiver *progress_receiver;
  FerryTransactions *calls; /* (owned) */
  FerryPoolWorkerState state;
  GQueue in_flight;       /* (element-type FerryTask), by their placements' links; the first is being run */
  gboolean first_started; /* the first in flight was told that it runs */
  gboolean attached;
  guint n_missed;       /* so often in a row it did not begin what it had the time to begin, since it was heard of */
  guint64 claimed;      /* the latest claim that was looked at; it only grows */
  guint64 unclaimed;    /* the latest call that the worker sent something of without a claim; 0: none */
  gboolean told_to_end; /* by us: its end is no accident */
  gboolean lost_task;   /* it ended at a task */
  guint64 n_done;
  gint64 latest;    /* monotonic time of the latest answer, or of the hand-over to an idle worker */
  gint64 memory_at; /* monotonic time when its memory was last looked at */
  FerryTimer timer; /* READY: idle for too long; RETIRING: time for force */
  gint64 born_at;
  gint64 idle_at; /* monotonic time since when it has nothing in hand */
  FerryRoomWatch room_watch;
  FerryPoolRoom *room; /* (owned) (nullable): while room_watch is in the link */
};

/* A pool hears when a worker has taken descriptors that kept it from being given more. Nothing else may tell: a worker
 * that has nothing in hand answers nothing, and may still have those to take that came with tasks which were taken
 * back.
 *
 * Threads: the link tells on any thread, with its lock held; the pool hears of it on the router's. */

/* Counted references: the worker, and the post that is on its way. */
struct _FerryPoolRoom
{
  GWeakRef pool;
  GMainContext *context; /* const: (owned): the router's */
  _Atomic gboolean told; /* any: a post is on its way */
};

static void
room_clear (gpointer data)
{
  FerryPoolRoom *self = data;

  g_weak_ref_clear (&self->pool);
  g_main_context_unref (self->context);
}

static void
room_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, room_clear);
}

static void
use_room (gpointer data)
{
  FerryPoolRoom *self = data;
  g_autoptr (FerryPool) pool = g_weak_ref_get (&self->pool);

  /* Before the room is used: what comes after is told of again. */
  atomic_store (&self->told, FALSE);
  if (pool != NULL)
    ferry_pool_schedule (pool);
}

static void
room_came (gpointer data)
{
  FerryPoolRoom *self = data;

  if (!atomic_exchange (&self->told, TRUE))
    ferry_mailbox_post (self->context, use_room, g_atomic_rc_box_acquire (self), room_unref);
}

/* main: has the pool hand over what it can once the worker has taken descriptors. */
static void
await_room (FerryPoolWorker *self)
{
  FerryPoolRoom *room;

  if (self->room != NULL || self->pool == NULL)
    return;
  room = g_atomic_rc_box_new0 (FerryPoolRoom);
  g_weak_ref_init (&room->pool, self->pool);
  room->context = g_main_context_ref (self->router->context);
  self->room = room;
  self->room_watch = (FerryRoomWatch){.func = room_came, .data = room};
  ferry_link_add_room_watch (self->link, &self->room_watch);
}

/* main */
static void
forget_room (FerryPoolWorker *self)
{
  if (self->room == NULL)
    return;
  ferry_link_remove_room_watch (self->link, &self->room_watch);
  g_clear_pointer (&self->room, room_unref);
}

/* ---- What the pool asks of it ---- */

FerryPoolWorker *
ferry_pool_worker_ref (FerryPoolWorker *self)
{
  self->references++;
  return self;
}

void
ferry_pool_worker_unref (FerryPoolWorker *self)
{
  if (--self->references > 0)
    return;
  g_assert (g_queue_is_empty (&self->in_flight) && !ferry_timer_is_set (&self->timer));
  forget_room (self);
  g_clear_object (&self->worker);
  g_clear_pointer (&self->thread, g_thread_unref);
  g_clear_object (&self->calls_receiver);
  g_clear_object (&self->progress_receiver);
  g_clear_pointer (&self->calls, ferry_transactions_unref);
  g_clear_pointer (&self->link, ferry_link_unref);
  g_clear_object (&self->router);
  g_free (self);
}

/* main: the process (transfer none), or NULL for a thread. */
FerryWorker *
ferry_pool_worker_get_process (FerryPoolWorker *self)
{
  return self->worker;
}

gint64
ferry_pool_worker_get_born_at (FerryPoolWorker *self)
{
  return self->born_at;
}

/* main: whether it takes tasks, or will. */
gboolean
ferry_pool_worker_is_live (const FerryPoolWorker *self)
{
  return self->state == FERRY_POOL_WORKER_READY || self->state == FERRY_POOL_WORKER_STARTING;
}

/* main: whether it takes tasks. */
gboolean
ferry_pool_worker_is_ready (const FerryPoolWorker *self)
{
  return self->state == FERRY_POOL_WORKER_READY;
}

/* main: whether it takes tasks, and has none. */
gboolean
ferry_pool_worker_is_idle (const FerryPoolWorker *self)
{
  return self->state == FERRY_POOL_WORKER_READY && self->in_flight.length == 0;
}

/* main: whether its end is no accident. */
gboolean
ferry_pool_worker_was_told_to_end (FerryPoolWorker *self)
{
  return self->told_to_end;
}

/* main: whether it has done a task, or ended at one. */
gboolean
ferry_pool_worker_was_of_use (FerryPoolWorker *self)
{
  return self->n_done > 0 || self->lost_task;
}

/* main: how many tasks it has in hand. */
guint
ferry_pool_worker_get_n_tasks (const FerryPoolWorker *self)
{
  return self->in_flight.length;
}

/* main: the task (transfer none) that it is at, or will be; or NULL. */
FerryTask *
ferry_pool_worker_get_first_task (FerryPoolWorker *self)
{
  GList *link = g_queue_peek_head_link (&self->in_flight);

  return link != NULL ? link->data : NULL;
}

/* main: the latest call that it has begun, by its claim. */
guint64
ferry_pool_worker_get_begun (const FerryPoolWorker *self)
{
  return ferry_link_get_begun_call (self->link);
}

/* main: whether the worker is better than another one (nullable) for the next task: one that was seen to begin what it
 * is given comes first, then one that has less in hand. */
gboolean
ferry_pool_worker_is_better (const FerryPoolWorker *self, const FerryPoolWorker *other)
{
  if (other == NULL || self->n_missed != other->n_missed)
    return other == NULL || self->n_missed < other->n_missed;
  return self->in_flight.length < other->in_flight.length;
}

/* main: whether the worker may be given one more, where one may have so many in hand; one that was not seen to begin
 * what it is given has one at a time. Nothing is sent ahead that it will be too worn out for. max_tasks: the pool's. */
gboolean
ferry_pool_worker_has_room (const FerryPoolWorker *self, guint depth, guint max_tasks)
{
  guint n = self->in_flight.length;

  return self->state == FERRY_POOL_WORKER_READY && n < (self->n_missed > 0 ? 1 : depth) &&
         (max_tasks == 0 || self->n_done + n < max_tasks);
}

/* main: so often in a row it did not begin what it had the time to begin, since it was heard of. */
guint
ferry_pool_worker_get_n_missed (const FerryPoolWorker *self)
{
  return self->n_missed;
}

/* main: it did not begin what it had the time to begin, which goes to a worker that missed its own time so often. */
void
ferry_pool_worker_note_missed (FerryPoolWorker *self, guint n_missed_before)
{
  self->n_missed = MAX (self->n_missed, n_missed_before) + 1;
}

/* main: how many of the tasks that the worker has in hand wait there: all but the first, and that one too where the
 * worker has had the time to begin it and has not, as one that is still preparing itself. begins_by is set to when the
 * first counts, too, where that is to come. */
guint
ferry_pool_worker_count_ahead (const FerryPoolWorker *self, gint64 time_to_begin, gint64 *begins_by)
{
  gint64 time = self->latest + time_to_begin;
  guint n = self->in_flight.length;

  if (self->state != FERRY_POOL_WORKER_READY)
    return 0;
  if (n == 0 || ferry_pool_worker_get_begun (self) >= ferry_task_get_placement (self->in_flight.head->data)->xid)
    return MAX (n, 1) - 1;
  if (time <= g_get_monotonic_time ())
    return n;
  *begins_by = time;
  return n - 1;
}

/* ---- It has nothing to do ---- */

static void
idle_timed_out (gpointer data)
{
  FerryPoolWorker *self = data;
  gint64 until = ferry_time_add (self->idle_at, ferry_pool_get_rules (self->pool)->idle_timeout);

  if (!ferry_pool_worker_is_idle (self))
    return;
  if (g_get_monotonic_time () < until)
    ferry_timers_set (self->timers, &self->timer, until, idle_timed_out, self);
  else if (ferry_pool_can_spare_idle (self->pool))
    ferry_pool_worker_retire (self);
}

/* Where the worker has nothing in hand, its time to be idle begins. */
static void
note_idle (FerryPoolWorker *self)
{
  gint64 idle_timeout;

  if (!ferry_pool_worker_is_idle (self))
    return;
  self->idle_at = g_get_monotonic_time ();
  idle_timeout = ferry_pool_get_rules (self->pool)->idle_timeout;
  /* A timer that is set looks when it runs out how long the worker has been idle by then. */
  if (idle_timeout > 0 && !ferry_timer_is_set (&self->timer))
    ferry_timers_set (self->timers, &self->timer, ferry_time_add (self->idle_at, idle_timeout), idle_timed_out, self);
}

/* The worker has room: after an answer, or at its beginning. */
static void
use_worker (FerryPoolWorker *self)
{
  ferry_pool_schedule (self->pool);
  if (self->pool != NULL)
    note_idle (self);
}

/* ---- What is asked of it before the first task and after the last one ---- */

static void
initialised (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryPoolWorker) self = data;
  FerryPool *pool = self->pool;

  if (self->state != FERRY_POOL_WORKER_STARTING || pool == NULL)
    return;
  if (error != NULL)
    {
      g_autoptr (GError) reason = ferry_error_copy (error);

      g_prefix_error (&reason, "The workers' initialiser “%s” failed; mend it, then call ferry_pool_reset(): ",
                      ferry_pool_get_rules (pool)->initialiser);
      ferry_pool_fail (pool, g_steal_pointer (&reason));
      ferry_pool_worker_kill (self);
      return;
    }
  self->state = FERRY_POOL_WORKER_READY;
  use_worker (self);
}

static void
finalised (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryPoolWorker) self = data;

  if (error != NULL && self->state != FERRY_POOL_WORKER_ENDED)
    g_message ("A worker's finaliser failed: %s", error->message);
}

static const FerryAnswerFuncs initialiser_funcs = {.done = initialised};
static const FerryAnswerFuncs finaliser_funcs = {.done = finalised};

static gboolean
ask (FerryPoolWorker *self, const char *function, GVariant *arguments, const FerryAnswerFuncs *funcs, GError **error)
{
  FerryRequest request = {.method = function, .arguments = arguments};

  ferry_pool_worker_ref (self);
  if (ferry_transactions_ask (self->calls, &request, funcs, self, error) != 0)
    return TRUE;
  ferry_pool_worker_unref (self);
  return FALSE;
}

/* main */
static void
ask_finaliser (FerryPoolWorker *self)
{
  const FerryPoolRules *rules = self->pool != NULL ? ferry_pool_get_rules (self->pool) : NULL;
  g_autoptr (GError) error = NULL;

  if (rules == NULL || rules->finaliser == NULL)
    return;
  if (!ask (self, rules->finaliser, rules->finaliser_arguments, &finaliser_funcs, &error))
    g_message ("A worker's finaliser could not be called: %s", error->message);
}

/* ---- It is told to end, or made to ---- */

/* main: lets go of a thread that cannot be ended. Its link ends now, and the thread when its function returns. */
static void
abandon (FerryPoolWorker *self)
{
  self->state = FERRY_POOL_WORKER_CONDEMNED;
  ferry_router_close_pipe (self->router, self->calls_receiver, NULL);
  ferry_router_close_pipe (self->router, self->progress_receiver, NULL);
}

/* main: ends the worker as one that broke the protocol. */
static void
fault (FerryPoolWorker *self, const char *detail)
{
  /* What it sent before is still heard, and its end comes soon; until then it is given nothing more. */
  if (self->state != FERRY_POOL_WORKER_ENDED)
    self->state = FERRY_POOL_WORKER_CONDEMNED;
  if (self->worker != NULL)
    ferry_router_fault_link (self->router, self->link, detail);
  else
    abandon (self);
}

/* main: ends the worker at once. What it has sent still arrives. */
void
ferry_pool_worker_kill (FerryPoolWorker *self)
{
  self->state = FERRY_POOL_WORKER_CONDEMNED;
  self->told_to_end = TRUE;
  ferry_timers_unset (self->timers, &self->timer);
  if (self->worker != NULL)
    ferry_worker_force_exit (self->worker);
  else
    abandon (self);
}

/* main: the pool goes, and the worker ends. */
void
ferry_pool_worker_let_go (FerryPoolWorker *self)
{
  ferry_timers_unset (self->timers, &self->timer);
  self->pool = NULL;
  if (self->state != FERRY_POOL_WORKER_CONDEMNED)
    ferry_pool_worker_kill (self);
}

static void
retire_timed_out (gpointer data)
{
  ferry_pool_worker_kill (data);
}

/* A worker that was told to finish, and has nothing in hand, has so much time for it. */
static void
limit_retirement (FerryPoolWorker *self)
{
  if (g_queue_is_empty (&self->in_flight))
    ferry_timers_set (self->timers, &self->timer, g_get_monotonic_time () + RETIRE_GRACE, retire_timed_out, self);
}

/* main: has the worker end when it has done what it has in hand. */
void
ferry_pool_worker_retire (FerryPoolWorker *self)
{
  if (self->state != FERRY_POOL_WORKER_READY && self->state != FERRY_POOL_WORKER_STARTING)
    return;
  self->state = FERRY_POOL_WORKER_RETIRING;
  self->told_to_end = TRUE;
  ask_finaliser (self);
  ferry_link_send_finish (self->link);
  ferry_timers_unset (self->timers, &self->timer);
  limit_retirement (self);
}

/* ---- Tasks start, and go back ---- */

static FerryTaskSource *
get_source (FerryTask *task)
{
  return ferry_task_get_placement (task)->queue;
}

/* Takes a task out of the worker's hands. Returns the reference that the worker had. */
static FerryTask *
unlink_task (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  if (self->in_flight.head == &placement->queue_link)
    self->first_started = FALSE;
  g_queue_unlink (&self->in_flight, &placement->queue_link);
  ferry_timers_unset (self->timers, &placement->timer);
  placement->worker = NULL;
  placement->xid = 0;
  return task;
}

/* When the task's time is over, if it runs from now on; 0: never. */
static gint64
get_run_deadline (FerryTask *task)
{
  return ferry_task_get_deadline_of (task, g_get_monotonic_time (), ferry_task_get_run_timeout (task));
}

static GError *
new_run_error (FerryTask *task)
{
  gint64 deadline = ferry_task_get_deadline (task);

  if (deadline > 0 && deadline <= g_get_monotonic_time ())
    return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                        "Task “%s” was still at it at its deadline; give it more time, or less to do",
                        ferry_task_get_name (task));
  return g_error_new (
    FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
    "Task “%s” ran for longer than its %.15g ms; give it more with ferry_task_set_run_timeout(), or less "
    "to do",
    ferry_task_get_name (task), (double) ferry_task_get_run_timeout (task) / FERRY_MICROSECONDS_PER_MILLISECOND);
}

static void
run_timed_out (gpointer data)
{
  g_autoptr (FerryTask) task = g_object_ref (data);
  FerryPoolWorker *self = ferry_task_get_placement (task)->worker;
  FerryTaskSource *source = get_source (task);

  ferry_transactions_cancel (self->calls, ferry_task_get_placement (task)->xid, FERRY_CANCEL_REASON_DEADLINE);
  ferry_pool_worker_give_time (self, task, ferry_task_get_cancel_grace (task));
  if (ferry_task_fail (task, FERRY_TASK_EVENT_RUN_TIMEOUT, new_run_error (task), NULL, NULL))
    source->done (source, task);
}

static GPid
get_pid (FerryPoolWorker *self)
{
  return self->worker != NULL ? ferry_worker_get_pid (self->worker) : getpid ();
}

/* A task that waits hears that it is being run. */
static void
start_task (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskSource *source = get_source (task);
  gint64 deadline = get_run_deadline (task);

  if (deadline > 0)
    ferry_timers_set (self->timers, &ferry_task_get_placement (task)->timer, deadline, run_timed_out, task);
  else
    ferry_timers_unset (self->timers, &ferry_task_get_placement (task)->timer);
  g_object_ref (task);
  source->started (source, task);
  ferry_task_start (task, get_pid (self));
  g_object_unref (task);
}

/* The first task in flight is being run: it hears so once the process is known. One that was to be cancelled may have
 * heard it before. */
static void
start_first (FerryPoolWorker *self)
{
  FerryTask *task = ferry_pool_worker_get_first_task (self);

  if (task == NULL || self->first_started || !self->attached)
    return;
  self->first_started = TRUE;
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
    start_task (self, task);
}

/* main: the process is known, and has attached. A task that was started before hears which process it is. */
static void
take_process (FerryPoolWorker *self)
{
  for (GList *link = self->in_flight.head; link != NULL; link = link->next)
    if (ferry_task_get_placement (link->data)->executing)
      {
        ferry_task_take_pid (link->data, get_pid (self));
        break;
      }
  self->attached = TRUE;
  start_first (self);
}

/* main: the worker said something about its first task, so that it runs that, whether we heard of its process or not:
 * what it says and what its launch comes to reach us on different ways. */
static void
heard (FerryPoolWorker *self)
{
  self->attached = TRUE;
  self->n_missed = 0;
  start_first (self);
}

/* A task that is in no worker's hands any more, and was not run to its end, waits again. The queue has it before it
 * says so itself: handlers may cancel it there. */
static void
give_back (FerryTask *task)
{
  FerryTaskSource *source = get_source (task);
  FerryTaskState state = ferry_task_get_state (task);

  if (ferry_task_get_done (task))
    return;
  if (state == FERRY_TASK_STATE_CANCELLING)
    {
      if (ferry_task_give_back (task))
        source->done (source, task);
      return;
    }
  source->give_back (source, task);
  if (state == FERRY_TASK_STATE_EXECUTING)
    ferry_task_give_back (task);
}

/* Takes the task's call back, which the worker did not begin and will not. */
static void
return_task (FerryPoolWorker *self, FerryTask *task)
{
  /* The reference that the answer would have brought. */
  if (ferry_transactions_forget (self->calls, ferry_task_get_placement (task)->xid))
    g_object_unref (task);
  unlink_task (self, task);
  give_back (task);
  g_object_unref (task);
}

/* main: what the worker has not begun; what it sent something of without a claim, it has. From the last to the first,
 * so that each goes to the front of its queue before those behind it. The first is the only one of which more is known
 * than that it waits, so that handlers run when the walk is at its end. */
static void
return_after (FerryPoolWorker *self, guint64 begun)
{
  GList *link = self->in_flight.tail;

  while (link != NULL)
    {
      GList *previous = link->prev;
      FerryTask *task = link->data;

      if (ferry_task_get_placement (task)->xid > MAX (begun, self->unclaimed))
        return_task (self, task);
      link = previous;
    }
}

/* main: takes back what was sent ahead and not begun. */
void
ferry_pool_worker_take_back (FerryPoolWorker *self)
{
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);
  GList *last = self->in_flight.tail;
  guint64 begun;

  if (last == NULL || !ferry_link_hold_calls (self->link, &begun))
    return;
  ferry_link_release_calls (self->link, ferry_task_get_placement (last->data)->xid);
  return_after (self, begun);
  if (self->state == FERRY_POOL_WORKER_RETIRING)
    limit_retirement (self);
  else if (self->pool != NULL)
    note_idle (self);
}

/* main: takes back a task that waits. Where the worker has begun it, the task hears so. */
void
ferry_pool_worker_withdraw_task (FerryPoolWorker *self, FerryTask *task)
{
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);

  ferry_pool_worker_take_back (self);
  if (ferry_task_get_placement (task)->worker == self && ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
    start_task (self, task);
}

/* ---- Answers ---- */

/* main: where this program has the function as well, the result is seen to have its type. */
gboolean
ferry_pool_worker_check_result (FerryTask *task, GVariant *result, GError **error)
{
  const FerryFunctionEntry *entry = ferry_function_find (ferry_task_get_function (task));

  return entry == NULL || ferry_function_check_result (entry, result, error);
}

static void
fail_task (FerryTask *task, FerryTaskEvent event, GError *error, const char *trace, FerryExit *exit)
{
  FerryTaskSource *source = get_source (task);

  if (ferry_task_get_done (task))
    {
      ferry_task_note_late_error (task, error, trace);
      g_error_free (error);
      return;
    }
  if (ferry_task_fail (task, event, error, trace, exit))
    source->done (source, task);
}

static void
complete_task (FerryTask *task, GVariant *result)
{
  FerryTaskSource *source = get_source (task);
  g_autoptr (GError) error = NULL;

  if (ferry_task_get_done (task))
    return;
  if (!ferry_pool_worker_check_result (task, result, &error))
    fail_task (task, FERRY_TASK_EVENT_ERROR, g_steal_pointer (&error), NULL, NULL);
  else if (ferry_task_complete (task, result))
    source->done (source, task);
}

/* Resident pages of a process; 0 when it is gone. */
static guint64
read_resident_pages (GPid pid)
{
  unsigned long pages = 0;
  char path[32];
  FILE *file;

  g_snprintf (path, sizeof path, "/proc/%d/statm", (int) pid);
  file = fopen (path, "re");
  if (file == NULL)
    return 0;
  if (fscanf (file, "%*u %lu", &pages) != 1)
    pages = 0;
  fclose (file);
  return pages;
}

/* main: whether the worker's process has more resident memory than that. */
static gboolean
is_too_large (FerryPoolWorker *self, guint64 max_memory)
{
  gint64 now = g_get_monotonic_time ();
  GPid pid = ferry_worker_get_pid (self->worker);

  if (pid == 0 || now - self->memory_at < MEMORY_INTERVAL)
    return FALSE;
  self->memory_at = now;
  return read_resident_pages (pid) * (guint64) sysconf (_SC_PAGESIZE) > max_memory;
}

/* Whether the worker has done its share, or grown too large. */
static gboolean
is_worn_out (FerryPoolWorker *self)
{
  const FerryPoolRules *rules = ferry_pool_get_rules (self->pool);

  if (rules->max_tasks > 0 && self->n_done >= rules->max_tasks)
    return TRUE;
  return rules->max_memory > 0 && self->worker != NULL && is_too_large (self, rules->max_memory);
}

/* An answer freed the worker for what comes next. */
static void
go_on (FerryPoolWorker *self)
{
  if (self->state == FERRY_POOL_WORKER_CONDEMNED)
    {
      ferry_pool_worker_kill (self);
      return;
    }
  if (self->state == FERRY_POOL_WORKER_READY && self->pool != NULL && is_worn_out (self))
    {
      ferry_pool_worker_take_back (self);
      ferry_pool_worker_retire (self);
      if (self->pool != NULL)
        ferry_pool_schedule (self->pool);
    }
  start_first (self);
  if (self->state == FERRY_POOL_WORKER_READY && self->pool != NULL)
    use_worker (self);
  else if (self->state == FERRY_POOL_WORKER_RETIRING)
    limit_retirement (self);
}

static void
answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryTask) task = data;
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (placement->worker);
  gint64 now = g_get_monotonic_time ();

  if (task != ferry_pool_worker_get_first_task (self))
    {
      fault (self, "it answered a call before the one that it was at");
      return;
    }
  if (placement->n_handed > 0 && placement->n_handed > ferry_link_get_n_fd_batches_taken (self->link))
    {
      fault (self, "it answered a call without taking the descriptors that came with it");
      return;
    }
  ferry_receiver_flush_latest (self->progress_receiver);
  if (placement->worker != self)
    return;
  heard (self);
  g_object_unref (unlink_task (self, task));
  self->n_done++;
  if (self->pool != NULL)
    ferry_pool_note_time (self->pool, now - self->latest);
  self->latest = now;
  if (refused && placement->n_refusals++ < MAX_REFUSALS)
    give_back (task);
  else if (error != NULL)
    fail_task (task, FERRY_TASK_EVENT_ERROR, ferry_error_copy (error), trace, NULL);
  else
    complete_task (task, result);
  go_on (self);
}

static void
item_came (gpointer data, const char *name, GVariant *value)
{
  FerryTask *task = data;
  FerryPoolWorker *self = ferry_task_get_placement (task)->worker;

  /* What a worker sends of a call that it is not at is dropped: the task would refuse it. */
  heard (self);
  if (task != ferry_pool_worker_get_first_task (self))
    return;
  g_object_ref (task);
  if (name[0] == '\0')
    ferry_task_take_yield (task, value);
  else
    ferry_task_take_message (task, name, value);
  g_object_unref (task);
}

static const FerryAnswerFuncs answer_funcs = {.item = item_came, .done = answered};

/* A task could not be sent. Returns whether it never can be. */
static gboolean
look_at_refusal (FerryPoolWorker *self, const GError *error)
{
  /* An honest worker answers what it has read, and then its lane has room. What was taken back stays in the lane until
   * it is read, which fills that when the worker stands still for hours. */
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) && g_queue_is_empty (&self->in_flight))
    fault (self, self->n_missed > 0 ? "it reads no calls any more" : "it answered calls that it had not read");
  return !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) &&
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BUSY) &&
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

/* main: sends the task's call to the worker, which has room for it. Returns FALSE when it could not be sent now; the
 * task is then still where it was. */
gboolean
ferry_pool_worker_hand_over (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskSource *source = get_source (task);
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  FerryTaskKind kind = ferry_task_get_kind (task);
  gint64 now = g_get_monotonic_time ();
  FerryRequest request = {
    .method = ferry_task_get_function (task),
    .arguments = ferry_task_get_arguments (task),
    .deadline = get_run_deadline (task),
    .flags = (FerryCallFlags) ((guint) kind << FERRY_CALL_KIND_SHIFT),
  };
  int descriptors[FERRY_MAX_HANDED_PER_LINK];
  g_autoptr (GError) error = NULL;
  guint64 xid;

  request.descriptors = descriptors;
  request.n_descriptors = ferry_task_get_descriptors (task, descriptors);
  if (request.n_descriptors > 0)
    await_room (self);
  if (kind == FERRY_TASK_KIND_ITERATION)
    {
      request.flags |= FERRY_CALL_STREAM;
      request.window = (guint16) ferry_task_get_window (task);
    }
  g_object_ref (task);
  xid = ferry_transactions_ask (self->calls, &request, &answer_funcs, task, &error);
  if (xid == 0)
    {
      gboolean for_good = look_at_refusal (self, error);

      if (for_good)
        {
          source->take (source, task);
          ferry_timers_unset (self->timers, &placement->timer);
          if (ferry_task_fail (task, FERRY_TASK_EVENT_REFUSE, g_steal_pointer (&error), NULL, NULL))
            source->done (source, task);
        }
      g_object_unref (task);
      return for_good;
    }
  source->take (source, task);
  if (g_queue_is_empty (&self->in_flight))
    self->latest = now;
  placement->worker = self;
  placement->xid = xid;
  placement->n_handed = request.n_descriptors > 0 ? ferry_link_get_n_handed (self->link) : 0;
  placement->escalation = 0;
  placement->n_looks = 0;
  placement->answer_end = placement->dispatched = 0;
  placement->n_consumed = 0;
  placement->queue_link.data = g_object_ref (task);
  g_queue_push_tail_link (&self->in_flight, &placement->queue_link);
  start_first (self);
  return TRUE;
}

/* main: so many of a task's items were consumed. The worker is told of half a window at a time, so that few such
 * messages lie unread in its lane at any time. */
void
ferry_pool_worker_add_window (FerryPoolWorker *self, FerryTask *task, guint n)
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  placement->n_consumed += n;
  if (placement->n_consumed >= MAX (ferry_task_get_window (task) / 2, 1) &&
      ferry_transactions_add_window (self->calls, placement->xid, placement->n_consumed, NULL))
    placement->n_consumed = 0;
}

/* ---- Its end ---- */

static void
farewell_timed_out (gpointer data)
{
  fault (data, "it stopped the sender of its calls with a call open, and did not end within a second; "
               "a worker that stops its senders must exit");
}

/* main: the worker stopped its senders, as one does that is about to exit. Nothing more comes of it. What it has begun
 * has no answer, and is lost with its end; what it has not goes to others at once. With either of them open, its end
 * has to come soon. */
static void
take_farewell (FerryPoolWorker *self)
{
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);
  gboolean is_open = self->state == FERRY_POOL_WORKER_STARTING || !g_queue_is_empty (&self->in_flight);

  if (self->state == FERRY_POOL_WORKER_CONDEMNED || self->state == FERRY_POOL_WORKER_ENDED)
    return;
  self->state = FERRY_POOL_WORKER_RETIRING;
  ferry_pool_worker_take_back (self);
  if (self->state != FERRY_POOL_WORKER_RETIRING)
    return;
  ferry_timers_set (self->timers, &self->timer, g_get_monotonic_time () + (is_open ? FAREWELL_GRACE : RETIRE_GRACE),
                    is_open ? farewell_timed_out : retire_timed_out, self);
  if (self->pool != NULL)
    ferry_pool_schedule (self->pool);
}

/* A task that ends one worker after the other is set aside, where it would be tried again. */
static gboolean
is_deadly (FerryPoolWorker *self, FerryTask *task)
{
  guint limit = self->pool != NULL ? ferry_pool_get_rules (self->pool)->death_limit : 0;

  return limit > 0 && ferry_task_get_placement (task)->n_deaths >= limit && ferry_task_get_retries (task) > 0;
}

/* Whether a task whose worker was lost is to be tried again. One that was only thought to run has lost nothing, so that
 * attempts are not what counts. */
static gboolean
may_try_again (FerryPoolWorker *self, FerryTask *task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING &&
         ferry_task_get_placement (task)->n_deaths <= ferry_task_get_retries (task) &&
         (self->pool == NULL || !ferry_pool_is_stopping (self->pool));
}

static void
fail_lost_task (FerryPoolWorker *self, FerryTask *task, FerryExit *exit)
{
  if (is_deadly (self, task))
    fail_task (task, FERRY_TASK_EVENT_REFUSE,
               g_error_new (FERRY_ERROR, FERRY_ERROR_QUARANTINED,
                            "Task “%s” ended %u workers, and is not tried again; find out what its arguments do to the "
                            "function. The last: %s",
                            ferry_task_get_name (task), ferry_task_get_placement (task)->n_deaths,
                            ferry_exit_get_message (exit)),
               NULL, exit);
  else if (may_try_again (self, task))
    give_back (task);
  else
    fail_task (task, FERRY_TASK_EVENT_LOST,
               g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "Task “%s” was lost with its worker: %s",
                            ferry_task_get_name (task), ferry_exit_get_message (exit)),
               NULL, exit);
}

/* No worker goes on, and none is at fault. */
static void
fail_stopped_task (FerryTask *task, FerryExit *exit)
{
  fail_task (task, FERRY_TASK_EVENT_LOST,
             g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                          "The router was stopped while task “%s” ran; start the router again, then submit the task "
                          "again",
                          ferry_task_get_name (task)),
             NULL, exit);
}

static void
lose_task (FerryPoolWorker *self, FerryTask *task, FerryExit *exit)
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  if (ferry_transactions_forget (self->calls, placement->xid))
    g_object_unref (task);
  unlink_task (self, task);
  self->lost_task = TRUE;
  if (!ferry_task_get_done (task) && ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_ROUTER_STOPPED)
    fail_stopped_task (task, exit);
  else if (!ferry_task_get_done (task))
    {
      placement->n_deaths++;
      fail_lost_task (self, task, exit);
    }
  g_object_unref (task);
}

/* What is connected holds the worker, which holds what it is connected to. */
static void
disconnect (FerryPoolWorker *self)
{
  ferry_receiver_set_handler (self->calls_receiver, NULL, NULL, NULL);
  ferry_receiver_set_handler (self->progress_receiver, NULL, NULL, NULL);
  g_signal_handlers_disconnect_by_data (self->calls_receiver, self);
  if (self->worker == NULL)
    return;
  ferry_worker_set_task_name_func (self->worker, NULL, NULL);
  g_signal_handlers_disconnect_by_data (self->worker, self);
}

/* main: the worker's process has ended, and all that it sent was delivered. What it had begun is lost, the rest goes
 * back. */
static void
take_end (FerryPoolWorker *self, FerryExit *exit)
{
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, ferry_exit_get_message (exit));
  guint64 begun = ferry_pool_worker_get_begun (self);
  FerryPool *pool;
  FerryTask *task;

  self->state = FERRY_POOL_WORKER_ENDED;
  ferry_timers_unset (self->timers, &self->timer);
  return_after (self, begun);
  self->attached = TRUE;
  while ((task = ferry_pool_worker_get_first_task (self)) != NULL)
    {
      start_first (self);
      if (task == ferry_pool_worker_get_first_task (self))
        lose_task (self, task, exit);
    }
  ferry_transactions_close (self->calls, reason);
  disconnect (self);
  pool = g_steal_pointer (&self->pool);
  if (pool != NULL)
    ferry_pool_take_end (pool, self, exit);
}

/* ---- How a task is ended that is in its hands: asked for first, then pressed for, by force in the end ---- */

static void escalate (gpointer data);

static void
escalate_after (FerryPoolWorker *self, FerryTask *task, gint64 time)
{
  ferry_timers_set (self->timers, &ferry_task_get_placement (task)->timer,
                    ferry_time_add (g_get_monotonic_time (), time), escalate, task);
}

static void
escalate_later (FerryPoolWorker *self, FerryTask *task)
{
  escalate_after (self, task, ferry_task_get_cancel_grace (task) / 2);
}

/* The claim is beyond this call, which is not answered. */
static void
look_for_answer (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  if (placement->answer_end == 0)
    placement->answer_end = ferry_link_get_written (self->link);
  if (self->link->up_dispatched > placement->dispatched)
    placement->n_looks = 0;
  placement->dispatched = self->link->up_dispatched;
  if (ferry_link_has_dispatched (self->link, placement->answer_end) || ++placement->n_looks == MAX_LOOKS)
    fault (self, "it claimed a call and had not answered the one before");
  else
    escalate_after (self, task, LOOK_INTERVAL);
}

/* The worker says that it is not at this task. If it has not begun it, though it had its time, it stands still, and the
 * task is taken back. */
static void
escalate_unclaimed (FerryPoolWorker *self, FerryTask *task)
{
  ferry_pool_worker_take_back (self);
  if (ferry_task_get_placement (task)->worker == self)
    look_for_answer (self, task);
  else
    ferry_pool_worker_kill (self);
  if (self->pool != NULL)
    ferry_pool_schedule (self->pool);
}

static void
abandon_task (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskSource *source = ferry_task_get_placement (task)->queue;

  abandon (self);
  if (ferry_task_fail (task, FERRY_TASK_EVENT_ABANDON,
                       g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                                    "Task “%s” did not end when it was cancelled, and a thread cannot be killed; run "
                                    "it in a process",
                                    ferry_task_get_name (task)),
                       NULL, NULL))
    source->done (source, task);
}

/* The time for a task to end by itself is over. First the process is asked to end, halfway, then it is killed. A thread
 * cannot be, and is left behind. */
static void
escalate (gpointer data)
{
  g_autoptr (FerryTask) task = g_object_ref (data);
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (placement->worker);

  if (placement->escalation > 0)
    {
      if (self->worker != NULL)
        ferry_pool_worker_kill (self);
      else
        abandon_task (self, task);
      return;
    }
  if (!ferry_link_doom_call (self->link, placement->xid))
    {
      escalate_unclaimed (self, task);
      return;
    }
  placement->escalation = 1;
  self->state = FERRY_POOL_WORKER_CONDEMNED;
  self->told_to_end = TRUE;
  return_after (self, placement->xid);
  if (self->worker != NULL)
    ferry_worker_send_signal (self->worker, SIGTERM, NULL);
  escalate_later (self, task);
  if (self->pool != NULL)
    ferry_pool_schedule (self->pool);
}

/* main: gives a task that is being run, and was asked to end, so much time for it. One that was given less before keeps
 * to that. */
void
ferry_pool_worker_give_time (FerryPoolWorker *self, FerryTask *task, gint64 grace)
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  gint64 time = ferry_time_add (g_get_monotonic_time (), grace / 2);
  gboolean is_escalated = ferry_timer_is_set (&placement->timer) && placement->timer.func == escalate;

  if (placement->escalation > 0 || (is_escalated && placement->timer.deadline <= time))
    return;
  ferry_timers_set (self->timers, &placement->timer, time, escalate, task);
}

/* main: kills the worker if it is at this task, and takes back a task that was not begun. */
void
ferry_pool_worker_force_task (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  if (placement->escalation == 0 && !ferry_link_doom_call (self->link, placement->xid))
    {
      ferry_pool_worker_take_back (self);
      if (placement->worker == self)
        ferry_pool_worker_give_time (self, task, 0);
      return;
    }
  placement->escalation = 2;
  return_after (self, placement->xid);
  ferry_pool_worker_kill (self);
}

/* main: the task was cancelled: where it was not begun, it is taken back, with what is behind it; else its function is
 * told. */
void
ferry_pool_worker_cancel_task (FerryPoolWorker *self, FerryTask *task)
{
  ferry_pool_worker_take_back (self);
  /* If it was not begun, that was all. */
  if (ferry_task_get_placement (task)->worker != self)
    return;
  ferry_transactions_cancel (self->calls, ferry_task_get_placement (task)->xid, FERRY_CANCEL_REASON_CANCELLED);
  ferry_pool_worker_give_time (self, task, ferry_task_get_cancel_grace (task));
}

/* ---- Its link: what it sends, and what is sent to it ---- */

/* main: whether the worker has claimed the call. A claim counts for all calls up to it, so it is looked at once a call.
 * Acquired with the message that the worker sent after it. */
static gboolean
is_begun (gpointer transport, guint64 xid)
{
  FerryPoolWorker *self = transport;

  if (xid > self->claimed)
    self->claimed = ferry_pool_worker_get_begun (self);
  return xid <= self->claimed;
}

static void
note_unclaimed (gpointer transport, guint64 xid)
{
  FerryPoolWorker *self = transport;

  self->unclaimed = MAX (self->unclaimed, xid);
}

static void
calls_came (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryPoolWorker *self = user_data;
  g_autoptr (GError) error = NULL;

  ferry_pool_worker_ref (self);
  if (!(receiver->large != NULL ? ferry_transactions_receive_bytes (self->calls, receiver->large, &error)
                                : ferry_transactions_receive (self->calls, data, size, &error)))
    fault (self, error->message);
  ferry_pool_worker_unref (self);
}

static void
progress_came (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryPoolWorker *self = user_data;
  FerryTask *task = ferry_pool_worker_get_first_task (self);
  FerryProgress progress;

  /* What is no progress says nothing, and what was reported last may be of a task that is done. */
  if (type != NULL || !ferry_progress_decode (&progress, data, size) || task == NULL ||
      ferry_task_get_placement (task)->xid != progress.xid)
    return;
  g_object_ref (task);
  ferry_pool_worker_ref (self);
  if (is_begun (self, progress.xid))
    {
      heard (self);
      ferry_task_take_progress (task, &progress);
    }
  else
    {
      note_unclaimed (self, progress.xid);
      fault (self, "it reported progress of a call that was not claimed; a worker must claim a call "
                   "before it begins it");
    }
  ferry_pool_worker_unref (self);
  g_object_unref (task);
}

static void
calls_closed (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (data);

  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_STOPPED && self->worker != NULL)
    take_farewell (self);
}

static gboolean
send_message (gpointer transport, const FerryCallMessage *message, GError **error)
{
  FerryPoolWorker *self = transport;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts = ferry_call_message_get_parts (message, parts);

  FerryHandful handful = {message->descriptors, message->n_descriptors, 0};
  guint64 connection_id = ferry_receiver_get_connection_id (self->calls_receiver);

  switch (ferry_link_send_with (self->link, connection_id, parts, n_parts, handful.n_descriptors > 0 ? &handful : NULL))
    {
    case FERRY_DOWN_SENT:
      return TRUE;
    case FERRY_DOWN_UNTAKEN:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                           "The worker has descriptors enough to take; ask it later");
      return FALSE;
    case FERRY_DOWN_REFUSED:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM,
                   "The system does not let the task's %u descriptors pass to a worker; raise the limit of open files: "
                   "%s",
                   handful.n_descriptors, g_strerror (handful.error_number));
      return FALSE;
    case FERRY_DOWN_WOULD_BLOCK:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK, "The worker has enough to read; ask it later");
      return FALSE;
    case FERRY_DOWN_TOO_LARGE:
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                   "The arguments have more than the %" G_GUINT64_FORMAT
                   " bytes that the router takes; pass a file's name, or raise FerryRouter:max-message-size",
                   self->link->max_message_size);
      return FALSE;
    case FERRY_DOWN_CLOSED:
    default:
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_CLOSED, "The worker has ended; ask another one");
      return FALSE;
    }
}

static gboolean
send_cancel (gpointer transport, guint64 xid, FerryCancelReason reason, GError **error)
{
  FerryPoolWorker *self = transport;

  return ferry_link_send_cancel (self->link, xid, (guint16) reason) == FERRY_DOWN_SENT;
}

static const FerryTransportFuncs transport_funcs = {
  .send = send_message, .cancel = send_cancel, .is_begun = is_begun, .note_unclaimed = note_unclaimed};

/* A worker of a pool is asked, and asks nothing. */
static void
refuse_request (FerryTransactions *calls, FerryCall *call, gpointer data)
{
  g_autoptr (GError) reason =
    g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "The application answers no call of “%s” from a worker of a pool",
                 ferry_call_get_method (call));

  ferry_call_refuse (call, reason, NULL);
}

/* ---- How it comes into being: its two pipes, its process or its thread ---- */

static void
unref_worker (gpointer data)
{
  ferry_pool_worker_unref (data);
}

static void
worker_state_changed (FerryWorker *worker, GParamSpec *pspec, gpointer data)
{
  FerryPoolWorker *self = data;

  if (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_OPEN)
    return;
  if (self->pool != NULL)
    ferry_pool_note_attached (self->pool);
  take_process (self);
}

static void
worker_ended (FerryWorker *worker, FerryExit *exit, gpointer data)
{
  take_end (data, exit);
}

static char *
get_task_name (FerryWorker *worker, gpointer data)
{
  FerryPoolWorker *self = data;
  FerryTask *task = ferry_pool_worker_get_first_task (self);

  return task != NULL ? g_strdup (ferry_task_get_name (task)) : NULL;
}

static void
connect_worker (FerryPoolWorker *self)
{
  GClosure *closure = g_cclosure_new (G_CALLBACK (worker_ended), ferry_pool_worker_ref (self),
                                      (GClosureNotify) (GCallback) ferry_pool_worker_unref);

  g_signal_connect_closure (self->worker, "ended", closure, FALSE);
  closure = g_cclosure_new (G_CALLBACK (worker_state_changed), ferry_pool_worker_ref (self),
                            (GClosureNotify) (GCallback) ferry_pool_worker_unref);
  g_signal_connect_closure (self->worker, "notify::state", closure, FALSE);
  ferry_worker_set_task_name_func (self->worker, get_task_name, self);
}

static gboolean
start_process (FerryPoolWorker *self, const char *name, FerryLauncher *starter, FerrySender *calls,
               FerrySender *progress, GError **error)
{
  GArray *senders = ferry_launcher_set_senders_aside (starter);

  if (ferry_launcher_add_reserved_sender (starter, FERRY_CALLS_SENDER, calls, error) &&
      ferry_launcher_add_reserved_sender (starter, FERRY_PROGRESS_SENDER, progress, error))
    self->worker = ferry_launcher_spawn_named (starter, self->router, name, error);
  ferry_launcher_put_senders_back (starter, senders);
  if (self->worker == NULL)
    return FALSE;
  self->link = ferry_link_ref (ferry_worker_get_link (self->worker));
  connect_worker (self);
  ferry_pool_show (self->pool, self->worker);
  return TRUE;
}

/* A thread of the application as a pool's worker: it serves over a link whose both ends are in this process, so tasks,
 * senders, order and limits are the same as with a process.
 *
 * What a process has and a thread has not: it cannot be killed. Nobody joins it, since it may be anywhere; it holds
 * what it needs, and lets go of it when its function has returned. */

/* The thread's own. */
typedef struct
{
  FerryUplink *uplink;
  FerrySender *calls;
  FerrySender *progress;
} Thread;

static void
thread_free (Thread *thread)
{
  g_object_unref (thread->calls);
  g_object_unref (thread->progress);
  ferry_uplink_unref (thread->uplink);
  g_free (thread);
}

static gpointer
serve (gpointer data)
{
  Thread *thread = data;
  g_autoptr (FerryDownlink) downlink = ferry_downlink_new (thread->uplink);
  g_autoptr (FerryServe) server = ferry_serve_new (downlink, thread->calls, thread->progress);
  g_autoptr (GError) error = NULL;

  if (!ferry_serve_run (server, &error))
    g_debug ("A thread of a pool ends: %s", error->message);
  g_clear_pointer (&server, ferry_serve_free);
  g_clear_pointer (&downlink, ferry_downlink_free);
  thread_free (thread);
  return NULL;
}

static void
thread_launched (gpointer data, GPid pid)
{
}

static void
thread_attached (gpointer data)
{
}

static void
thread_ended (gpointer data, FerryExit *exit)
{
  take_end (data, exit);
}

static Thread *
new_thread (FerryPoolWorker *self, FerrySender *calls, FerrySender *progress, GError **error)
{
  guint64 connection_ids[2] = {ferry_sender_get_connection_id (calls), ferry_sender_get_connection_id (progress)};
  guint32 cells[2] = {FERRY_NO_CELL, 0};
  g_autoptr (FerryLink) link = NULL;
  FerryUplink *uplink;
  Thread *thread;

  link = ferry_link_new ("a thread", connection_ids, cells, 2, self->router->lane_capacity, 0,
                         self->router->max_message_size, error);
  if (link == NULL)
    return NULL;
  ferry_clear_fd (&link->memory);
  link->local = TRUE;
  uplink = ferry_uplink_new_local (link, self->router->thread, error);
  if (uplink == NULL)
    return NULL;
  if (!ferry_sender_pass (calls, error) || !ferry_sender_pass (progress, error))
    {
      ferry_uplink_unref (uplink);
      return NULL;
    }
  self->link = g_steal_pointer (&link);
  thread = g_new (Thread, 1);
  thread->uplink = uplink;
  thread->calls = ferry_sender_new_granted (connection_ids[0], uplink, 0, FERRY_NO_CELL);
  thread->progress = ferry_sender_new_granted (connection_ids[1], uplink, 1, 0);
  return thread;
}

/* main: starts the thread. Its link ends when the thread has stopped both senders, or when their pipes are closed. */
static gboolean
start_thread (FerryPoolWorker *self, const char *name, FerrySender *calls, FerrySender *progress, GError **error)
{
  Thread *thread = new_thread (self, calls, progress, error);
  FerryLinkObserver *observer;
  GError *failure = NULL;

  if (thread == NULL)
    return FALSE;
  self->attached = TRUE;
  observer = g_new0 (FerryLinkObserver, 1);
  *observer = (FerryLinkObserver){
    .launched = thread_launched,
    .attached = thread_attached,
    .ended = thread_ended,
    .data = ferry_pool_worker_ref (self),
    .destroy = unref_worker,
  };
  if (!ferry_router_add_link (self->router, self->link, observer, NULL, NULL, NULL))
    {
      unref_worker (observer->data);
      g_free (observer);
      thread_free (thread);
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING, "The router is being stopped");
      return FALSE;
    }
  self->thread = g_thread_try_new (name, serve, thread, &failure);
  if (self->thread != NULL)
    return TRUE;
  thread_free (thread);
  return ferry_set_thread_error (error, "a pool", failure);
}

static gboolean
start (FerryPoolWorker *self, const char *name, FerryLauncher *starter, GError **error)
{
  g_autoptr (FerrySender) calls = NULL;
  g_autoptr (FerrySender) progress = NULL;

  if (!ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &calls, &self->calls_receiver, error) ||
      !ferry_router_pipe (self->router, FERRY_PIPE_LATEST, &progress, &self->progress_receiver, error))
    return FALSE;
  self->calls_receiver->internal = self->progress_receiver->internal = TRUE;
  ferry_receiver_set_handler (self->calls_receiver, calls_came, ferry_pool_worker_ref (self), unref_worker);
  g_signal_connect (self->calls_receiver, "closed", G_CALLBACK (calls_closed), self);
  ferry_receiver_set_handler (self->progress_receiver, progress_came, ferry_pool_worker_ref (self), unref_worker);
  if (starter == NULL)
    return start_thread (self, name, calls, progress, error);
  return start_process (self, name, starter, calls, progress, error);
}

/* Undoes what was done for a worker that cannot be used; what was started of it ends, and concerns the pool no more. */
static void
give_up (FerryPoolWorker *self)
{
  FerryPool *pool = g_steal_pointer (&self->pool);

  if (self->worker != NULL)
    {
      ferry_pool_hide (pool, self->worker);
      ferry_worker_force_exit (self->worker);
    }
  if (self->calls_receiver != NULL)
    {
      ferry_receiver_set_handler (self->calls_receiver, NULL, NULL, NULL);
      g_signal_handlers_disconnect_by_data (self->calls_receiver, self);
      ferry_router_close_pipe (self->router, self->calls_receiver, NULL);
    }
  if (self->progress_receiver != NULL)
    {
      ferry_receiver_set_handler (self->progress_receiver, NULL, NULL, NULL);
      ferry_router_close_pipe (self->router, self->progress_receiver, NULL);
    }
}

/* main: a worker that is being started, as a process by the starter, or as a thread where that is NULL. It takes tasks
 * at once where no initialiser comes first: they wait for it in its lane. */
FerryPoolWorker *
ferry_pool_worker_new (FerryPool *pool, const char *name, FerryLauncher *starter, GError **error)
{
  const FerryPoolRules *rules = ferry_pool_get_rules (pool);
  g_autoptr (FerryPoolWorker) self = g_new0 (FerryPoolWorker, 1);

  self->references = 1;
  self->pool = pool;
  self->router = g_object_ref (ferry_pool_get_router (pool));
  self->timers = ferry_pool_get_timers (pool);
  self->born_at = self->idle_at = g_get_monotonic_time ();
  g_queue_init (&self->in_flight);
  self->calls = ferry_transactions_new (&transport_funcs, self, refuse_request, self);
  self->state = rules->initialiser != NULL ? FERRY_POOL_WORKER_STARTING : FERRY_POOL_WORKER_READY;
  if (start (self, name, starter, error) &&
      (rules->initialiser == NULL ||
       ask (self, rules->initialiser, rules->initialiser_arguments, &initialiser_funcs, error)))
    return g_steal_pointer (&self);
  give_up (self);
  return NULL;
}
