/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One worker of a pool, a process or a thread: its start, its link, its calls, its tasks in flight, and its end.
 *
 * Handlers of a task's signals run in the middle of functions here, and may call any function. So each function updates
 * its fields before it emits a signal, and reads all state again afterwards.
 *
 * It is one file since all of its functions read and change the worker's state, its tasks in flight and its claim.
 *
 * Threads: the router's, except for a link's notice of room, and for the thread that is a worker.
 * Trust:   the worker's claim says which task a kill would end. The claim is believed for a limited time, so that no
 *          claim keeps a task from its end. */

#include "config.h"

#include "task/ferry-pool-worker-private.h"

#include <signal.h>
#include <stdio.h>

#include "base/ferry-base-private.h"
#include "call/ferry-transactions-private.h"
#include "process/ferry-launcher-private.h"
#include "process/ferry-worker-private.h"
#include "task/ferry-serve-private.h"
#include "task/ferry-task-carrier-private.h"
#include "wire/ferry-remote-error-private.h"

/* How long a worker that was asked to finish may take, in microseconds, before it is killed. */
#define RETIRE_GRACE (10 * G_USEC_PER_SEC)

/* The same for a worker that has stopped the sender of its calls while a call was open. */
#define EXIT_GRACE (1 * G_USEC_PER_SEC)

/* How often a task that a worker has refused is sent again; each worker of the pool may refuse it. */
#define MAX_REFUSALS 3

/* The shortest time between two readings of a process' memory, in microseconds. */
#define MEMORY_INTERVAL (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* How long a function that is paused may take to hear of that, in microseconds, before its process is stopped. */
#define HEAR_TIME (1 * G_USEC_PER_SEC)

/* A worker answers a call before it claims the next call. So where the claim is beyond a call, the answer of that call
 * is on its way, and a kill would end the next task. The claim is false if the answer is still missing when everything
 * that the worker had written by then is dispatched. This is checked every LOOK_INTERVAL microseconds, and at most
 * MAX_LOOKS times while nothing is dispatched. A worker cannot make this time longer. An application can, if it keeps
 * all buffers or stays in a handler. */
#define MAX_LOOKS 600
#define LOOK_INTERVAL (G_USEC_PER_SEC / 10)

/* Makes the pool schedule once a worker has taken descriptors, because a worker with too many untaken descriptors is
 * sent no more. Even an idle worker may still have to take the descriptors of tasks that were taken back.
 *
 * Owner:   counted references, of the worker and of the post that is on its way.
 * Threads: the link calls room_came() on any thread, with its lock held. The rest is the router's. */
struct _FerryPoolRoom
{
  FerryRoomWatch watch;
  GWeakRef pool;
  void (*schedule) (FerryPool *pool); /* const */
  GMainContext *context;              /* const: (owned): the router's */
  _Atomic gboolean told;              /* any: use_room() was posted and has not run yet */
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

  /* Cleared before the pool is scheduled, so that later room is posted again. */
  atomic_store (&self->told, FALSE);
  if (pool != NULL)
    self->schedule (pool);
}

static void
room_came (gpointer data)
{
  FerryPoolRoom *self = data;

  if (!atomic_exchange (&self->told, TRUE))
    ferry_mailbox_post (self->context, use_room, g_atomic_rc_box_acquire (self), room_unref);
}

static void
await_room (FerryPoolWorker *self)
{
  FerryPoolRoom *room = g_atomic_rc_box_new0 (FerryPoolRoom);

  g_weak_ref_init (&room->pool, self->pool);
  room->schedule = self->rules->schedule;
  room->context = g_main_context_ref (self->router->context);
  room->watch = (FerryRoomWatch){.func = room_came, .data = room};
  self->room = room;
  ferry_link_add_room_watch (self->link, &room->watch);
}

/* ---- References to a worker, and what the pool asks about it ---- */

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
  g_assert (g_queue_is_empty (&self->in_flight) && !ferry_timer_is_set (&self->timer) &&
            !ferry_timer_is_set (&self->stop_timer));
  if (self->room != NULL)
    ferry_link_remove_room_watch (self->link, &self->room->watch);
  g_clear_pointer (&self->room, room_unref);
  ferry_task_output_clear (&self->output);
  g_clear_object (&self->worker);
  g_clear_pointer (&self->thread, g_thread_unref);
  g_clear_object (&self->calls_receiver);
  g_clear_object (&self->progress_receiver);
  g_clear_pointer (&self->calls, ferry_transactions_unref);
  ferry_calls_way_clear (&self->way);
  g_clear_pointer (&self->link, ferry_link_unref);
  g_clear_object (&self->router);
  g_free (self);
}

gboolean
ferry_pool_worker_is_live (const FerryPoolWorker *self)
{
  return self->state == FERRY_POOL_WORKER_READY || self->state == FERRY_POOL_WORKER_STARTING;
}

static gboolean
is_idle (const FerryPoolWorker *self)
{
  return self->state == FERRY_POOL_WORKER_READY && self->in_flight.length == 0;
}

/* ---- Changes that the pool's roster must know of ---- */

static void
note_change (FerryPoolWorker *self)
{
  if (self->pool != NULL)
    self->rules->note_change (self->pool, self);
}

static void
set_state (FerryPoolWorker *self, FerryPoolWorkerState state)
{
  self->state = state;
  note_change (self);
}

void
ferry_pool_worker_set_n_missed (FerryPoolWorker *self, guint n_missed)
{
  if (self->n_missed == n_missed)
    return;
  self->n_missed = n_missed;
  note_change (self);
}

/* ---- Idle time ---- */

static void
idle_timed_out (gpointer data)
{
  FerryPoolWorker *self = data;
  gint64 until = ferry_time_add (self->idle_at, self->rules->idle_timeout);

  if (!is_idle (self))
    return;
  if (g_get_monotonic_time () < until)
    ferry_timers_set (self->limits, &self->timer, until, idle_timed_out, self);
  else if (self->rules->may_end_idle (self->pool))
    ferry_pool_worker_retire (self);
}

static void
note_idle (FerryPoolWorker *self)
{
  gint64 idle_timeout = self->rules->idle_timeout;

  if (!is_idle (self))
    return;
  self->idle_at = g_get_monotonic_time ();
  /* If the timer is set already, idle_timed_out() compares the new idle_at when it runs out. */
  if (idle_timeout > 0 && !ferry_timer_is_set (&self->timer))
    ferry_timers_set (self->limits, &self->timer, ferry_time_add (self->idle_at, idle_timeout), idle_timed_out, self);
}

static void
schedule (FerryPoolWorker *self)
{
  if (self->pool != NULL)
    self->rules->schedule (self->pool);
}

static void
use_worker (FerryPoolWorker *self)
{
  /* The handler of a task's end has often submitted the next task, with which the pool was scheduled. */
  if (!self->rules->settled)
    schedule (self);
  if (self->pool != NULL)
    note_idle (self);
}

/* ---- Initialiser and finaliser ---- */

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

      g_prefix_error (&reason,
                      "The workers' initialiser '%s' failed; correct it, then %s: ", self->rules->initialiser.function,
                      self->rules->remedy);
      self->rules->fail (pool, g_steal_pointer (&reason));
      ferry_pool_worker_kill (self);
      return;
    }
  self->rules->has_initialised = TRUE;
  set_state (self, FERRY_POOL_WORKER_READY);
  self->ready_at = g_get_monotonic_time ();
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

/* Sends the worker a call of the pool's initialiser or finaliser, if the pool has one. */
static gboolean
ask (FerryPoolWorker *self, const FerryPoolCall *call, const FerryAnswerFuncs *funcs, GError **error)
{
  FerryRequest request = {.method = call->function, .arguments = call->arguments};

  if (call->function == NULL)
    return TRUE;
  ferry_pool_worker_ref (self);
  if (ferry_transactions_ask (self->calls, &request, funcs, self, error) != 0)
    return TRUE;
  ferry_pool_worker_unref (self);
  return FALSE;
}

/* ---- Asking or forcing the worker to end ---- */

/* main: abandons a thread, which cannot be killed. The link ends now; the thread ends when its function returns. */
static void
abandon (FerryPoolWorker *self)
{
  set_state (self, FERRY_POOL_WORKER_CONDEMNED);
  ferry_router_close_pipe (self->router, self->calls_receiver, NULL);
  ferry_router_close_pipe (self->router, self->progress_receiver, NULL);
}

/* Ends the worker because of a protocol error, which detail describes. */
static void
fault (FerryPoolWorker *self, const char *detail)
{
  /* The worker's earlier messages are still delivered before its end. From now on it is sent no more tasks. */
  if (self->state != FERRY_POOL_WORKER_ENDED)
    set_state (self, FERRY_POOL_WORKER_CONDEMNED);
  if (self->worker != NULL)
    ferry_router_fault_link (self->router, self->link, detail);
  else
    abandon (self);
}

/* main: kills the worker's process, or abandons its thread. Earlier messages of the worker are still delivered. */
void
ferry_pool_worker_kill (FerryPoolWorker *self)
{
  set_state (self, FERRY_POOL_WORKER_CONDEMNED);
  self->told_to_end = TRUE;
  ferry_timers_unset (self->limits, &self->timer);
  if (self->worker != NULL)
    ferry_worker_force_exit (self->worker);
  else
    abandon (self);
}

/* main: detaches the worker from its pool, which is being finalised, and kills the worker. */
void
ferry_pool_worker_let_go (FerryPoolWorker *self)
{
  ferry_timers_unset (self->limits, &self->timer);
  ferry_timers_unset (self->limits, &self->stop_timer);
  self->pool = NULL;
  if (self->state != FERRY_POOL_WORKER_CONDEMNED)
    ferry_pool_worker_kill (self);
}

/* Gives the worker grace microseconds to end, of a processor or in which it does nothing. */
static void
limit_end (FerryPoolWorker *self, gint64 grace, void (*look) (gpointer data))
{
  ferry_watchdog_start (&self->watchdog, FERRY_WATCHDOG_END,
                        self->worker != NULL ? ferry_worker_get_pid (self->worker) : 0, grace);
  ferry_timers_set (self->limits, &self->timer, ferry_watchdog_get_next_look (&self->watchdog), look, self);
}

/* Whether the worker's time to end is over. Sets the timer for the next look if not. */
static gboolean
end_timed_out (FerryPoolWorker *self, void (*look) (gpointer data))
{
  if (ferry_watchdog_look (&self->watchdog))
    return TRUE;
  ferry_timers_set (self->limits, &self->timer, ferry_watchdog_get_next_look (&self->watchdog), look, self);
  return FALSE;
}

static void
look_at_retired (gpointer data)
{
  if (end_timed_out (data, look_at_retired))
    ferry_pool_worker_kill (data);
}

static void
limit_retirement (FerryPoolWorker *self)
{
  if (g_queue_is_empty (&self->in_flight))
    limit_end (self, RETIRE_GRACE, look_at_retired);
}

/* main: takes back the tasks that the worker has not begun, and makes the worker end after its present task. */
void
ferry_pool_worker_retire (FerryPoolWorker *self)
{
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);
  g_autoptr (GError) error = NULL;

  ferry_pool_worker_take_back (self);
  if (!ferry_pool_worker_is_live (self))
    return;
  set_state (self, FERRY_POOL_WORKER_RETIRING);
  self->told_to_end = TRUE;
  if (self->pool != NULL && !ask (self, &self->rules->finaliser, &finaliser_funcs, &error))
    g_message ("A worker's finaliser could not be called: %s", error->message);
  ferry_link_send_finish (self->link);
  ferry_timers_unset (self->limits, &self->timer);
  limit_retirement (self);
}

/* ---- Tasks start, or return to their queue ---- */

/* Lets the worker go on, if its call was paused. deadline: of that call from now on; 0: none. */
static void
end_pause (FerryPoolWorker *self, gint64 deadline)
{
  guint64 xid = self->paused_xid;

  if (xid == 0)
    return;
  self->paused_xid = 0;
  /* The time of the pause is none that the task took. */
  self->latest += g_get_monotonic_time () - self->paused_at;
  ferry_timers_unset (self->limits, &self->stop_timer);
  ferry_link_set_pause (self->link, xid, FALSE, deadline);
  if (self->stopped)
    ferry_worker_set_stopped (self->worker, FALSE);
  self->stopped = FALSE;
  note_change (self);
}

/* Removes a task from the worker's tasks in flight. Returns (transfer full) the task. */
static FerryTask *
unlink_task (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  if (self->in_flight.head == &placement->queue_link)
    self->first_started = FALSE;
  g_queue_unlink (&self->in_flight, &placement->queue_link);
  ferry_timers_unset (self->limits, &placement->timer);
  if (placement->xid == self->paused_xid)
    end_pause (self, 0);
  ferry_task_unset_way (task);
  placement->carrier = NULL;
  placement->xid = 0;
  note_change (self);
  return task;
}

static void carrier_give_time (FerryTaskCarrier *carrier, FerryTask *task, gint64 grace);

static void
run_timed_out (gpointer data)
{
  g_autoptr (FerryTask) task = g_object_ref (data);
  FerryPoolWorker *self = ferry_task_get_placement (task)->carrier;

  if (!ferry_task_decide (task))
    return;
  ferry_transactions_cancel (self->calls, ferry_task_get_placement (task)->xid, FERRY_CANCEL_REASON_DEADLINE);
  end_pause (self, 0);
  carrier_give_time (&self->carrier, task, ferry_task_get_settings (task)->cancel_grace);
  ferry_task_output_end (&self->output, ferry_task_get_placement (task)->xid, task);
  ferry_carrier_fail (task, FERRY_TASK_EVENT_RUN_TIMEOUT, ferry_carrier_new_run_error (task), NULL, NULL);
}

static GPid
get_pid (FerryPoolWorker *self)
{
  return self->worker != NULL ? ferry_worker_get_pid (self->worker) : getpid ();
}

static void
start_task (FerryPoolWorker *self, FerryTask *task)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (task);
  FerryTaskSource *source = ferry_carrier_get_source (task);
  gint64 deadline = ferry_carrier_get_run_deadline (task);

  if (deadline > 0)
    ferry_timers_set (self->limits, &ferry_task_get_placement (task)->timer, deadline, run_timed_out, task);
  else
    ferry_timers_unset (self->limits, &ferry_task_get_placement (task)->timer);
  /* started() runs callbacks of submissions that waited for room in the executor. These callbacks may cancel the task,
   * which calls start_task() for this task recursively. */
  if (!ferry_task_get_placement (task)->executing)
    source->started (source, task);
  if (ferry_task_get_placement (task)->carrier == self)
    ferry_task_start (task, get_pid (self));
}

/* Notifies the first task in flight that it runs, once the worker has attached. */
static void
start_first (FerryPoolWorker *self)
{
  FerryTask *task = g_queue_peek_head (&self->in_flight);

  if (task == NULL || self->first_started || !self->attached)
    return;
  self->first_started = TRUE;
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
    start_task (self, task);
}

/* Notes that the worker has attached. A task that was started before is notified of the process id. */
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

/* Notes that the worker runs its first task, about which it has sent something. Such a message may come before the
 * notice that the process has attached, because the two use different ways. */
static void
note_running (FerryPoolWorker *self)
{
  self->attached = TRUE;
  ferry_pool_worker_set_n_missed (self, 0);
  start_first (self);
}

/* Takes back a task with a call that the worker has not begun and will not begin. */
static void
return_task (FerryPoolWorker *self, FerryTask *task)
{
  /* Releases the reference that answered() would have released. */
  if (ferry_transactions_forget (self->calls, ferry_task_get_placement (task)->xid))
    g_object_unref (task);
  unlink_task (self, task);
  ferry_carrier_give_back (task);
  g_object_unref (task);
}

/* Takes back the tasks with calls after begun, the xid of the latest call that was begun. A call for which the worker
 * sent something without a claim counts as begun.
 *
 * The loop goes from the last task to the first, because each task is inserted at the front of its queue. Only the
 * first task can be executing, so signal handlers run only at the end of the loop. */
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

/* main: takes back the tasks in flight that the worker has not begun. */
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

static void
carrier_take_back (FerryTaskCarrier *carrier)
{
  ferry_pool_worker_take_back ((FerryPoolWorker *) carrier);
}

/* Takes back a task that waits at this worker. If the worker has begun the task, notifies the task that it runs. */
static void
carrier_withdraw (FerryTaskCarrier *carrier, FerryTask *task)
{
  FerryPoolWorker *self = (FerryPoolWorker *) carrier;
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);

  ferry_pool_worker_take_back (self);
  if (ferry_task_get_placement (task)->carrier == self && ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
    start_task (self, task);
}

/* ---- Answers ---- */

/* Whether the worker's process has more resident memory than max_memory. FALSE soon after the last reading. */
static gboolean
is_too_large (FerryPoolWorker *self)
{
  gint64 now = g_get_monotonic_time ();
  GPid pid = ferry_worker_get_pid (self->worker);
  g_autofree char *text = NULL;
  unsigned long n_pages;
  char path[32];

  if (pid < 0 || now - self->memory_at < MEMORY_INTERVAL)
    return FALSE;
  self->memory_at = now;
  g_snprintf (path, sizeof path, "/proc/%d/statm", (int) pid);
  return g_file_get_contents (path, &text, NULL, NULL) && sscanf (text, "%*u %lu", &n_pages) == 1 &&
         n_pages * (guint64) sysconf (_SC_PAGESIZE) > self->rules->max_memory;
}

static gboolean
is_worn_out (FerryPoolWorker *self)
{
  const FerryPoolRules *rules = self->rules;

  return (rules->max_tasks > 0 && self->n_done >= rules->max_tasks) ||
         (rules->max_memory > 0 && self->worker != NULL && is_too_large (self));
}

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
      ferry_pool_worker_retire (self);
      schedule (self);
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
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (placement->carrier);
  gint64 now = g_get_monotonic_time ();
  guint64 xid = placement->xid;

  if (task != g_queue_peek_head (&self->in_flight))
    {
      fault (self, "it answered a call while it ran an earlier call");
      return;
    }
  if (placement->n_fd_batches > 0 && placement->n_fd_batches > ferry_link_get_n_fd_batches_taken (self->link))
    {
      fault (self, "it answered a call without taking the descriptors that came with it");
      return;
    }
  ferry_router_flush_latest (self->router, self->progress_receiver);
  if (placement->carrier != self)
    return;
  note_running (self);
  /* Counted before the pool's roster is told of the change. */
  self->n_done++;
  g_object_unref (unlink_task (self, task));
  if (self->pool != NULL)
    self->rules->note_time (self->pool, now - self->latest);
  self->latest = now;
  ferry_task_output_end (&self->output, xid, error != NULL ? task : NULL);
  if (refused && placement->n_refusals++ < MAX_REFUSALS)
    ferry_carrier_give_back (task);
  else if (error != NULL)
    ferry_carrier_fail (task, FERRY_TASK_EVENT_ERROR, ferry_error_copy (error), trace, NULL);
  else
    ferry_carrier_complete (task, result);
  go_on (self);
}

static void
item_came (gpointer data, const char *name, GVariant *value)
{
  g_autoptr (FerryTask) task = g_object_ref (data);
  FerryPoolWorker *self = ferry_task_get_placement (task)->carrier;

  /* Drops an item of a task that is not the first: the worker does not run that task, which would refuse the item. */
  note_running (self);
  if (task != g_queue_peek_head (&self->in_flight))
    return;
  if (name[0] == '\0')
    ferry_task_take_yield (task, value);
  else
    ferry_task_take_message (task, name, value);
}

static const FerryAnswerFuncs answer_funcs = {.item = item_came, .done = answered};

/* Handles an error of sending a task. Ends a worker that reads no calls. Returns whether the task can never be sent. */
static gboolean
note_send_error (FerryPoolWorker *self, const GError *error)
{
  /* A correct worker answers the calls that it has read, and then its lane has room. Calls that were taken back stay in
   * the lane until the worker reads them. They fill the lane only if the worker reads nothing for hours. */
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) && g_queue_is_empty (&self->in_flight))
    fault (self, self->n_missed > 0 ? "it reads no calls any more" : "it answered calls that it had not read");
  return !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK) &&
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BUSY) &&
         !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

/* Adds the descriptors of a task to its call. descriptors: FERRY_MAX_FDS_PER_LINK of room. Fails with
 * FERRY_ERROR_SYSTEM. */
static gboolean
add_descriptors (FerryPoolWorker *self, FerryTask *task, FerryRequest *request, int *descriptors, GError **error)
{
  gboolean returns;

  if (!ferry_task_get_descriptors (task, descriptors, &request->n_descriptors, &returns, error))
    return FALSE;
  request->descriptors = descriptors;
  if (returns)
    request->flags |= FERRY_CALL_RETURNS;
  if (request->n_descriptors > 0)
    ferry_task_set_worker (task, self->link);
  if (request->n_descriptors > 0 && self->room == NULL)
    await_room (self);
  return TRUE;
}

/* Sends a task of a queue to the worker, which has room for it. Returns FALSE if its call cannot be sent now; then the
 * task stays in its queue. If the call can never be sent, the task fails, and TRUE is returned. */
gboolean
ferry_pool_worker_send_task (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskSource *source = ferry_carrier_get_source (task);
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  FerryTaskKind kind = ferry_task_get_kind (task);
  FerryRequest request = {
    .method = ferry_task_get_function (task),
    .arguments = ferry_task_get_arguments (task),
    .deadline = ferry_carrier_get_run_deadline (task),
    .flags = (FerryCallFlags) ((guint) kind << FERRY_CALL_KIND_SHIFT),
  };
  int descriptors[FERRY_MAX_FDS_PER_LINK];
  g_autoptr (GError) error = NULL;
  guint64 xid = 0;

  if (kind == FERRY_TASK_KIND_ITERATION)
    {
      request.flags |= FERRY_CALL_STREAM;
      request.window = (guint16) ferry_task_get_settings (task)->window;
    }
  g_object_ref (task);
  if (add_descriptors (self, task, &request, descriptors, &error))
    xid = ferry_transactions_ask (self->calls, &request, &answer_funcs, task, &error);
  if (xid == 0)
    {
      gboolean for_good = note_send_error (self, error);

      if (for_good)
        {
          ferry_task_queue_remove (&source->queue, task);
          ferry_timers_unset (self->limits, &placement->timer);
          ferry_carrier_fail (task, FERRY_TASK_EVENT_REFUSE, g_steal_pointer (&error), NULL, NULL);
        }
      g_object_unref (task);
      return for_good;
    }
  ferry_task_note_descriptors_sent (task);
  ferry_task_queue_remove (&source->queue, task);
  if (g_queue_is_empty (&self->in_flight))
    self->latest = g_get_monotonic_time ();
  placement->carrier = self;
  placement->xid = xid;
  placement->n_fd_batches = request.n_descriptors > 0 ? ferry_link_get_n_fd_batches_sent (self->link) : 0;
  placement->escalation = 0;
  placement->n_looks = 0;
  placement->answer_end = placement->dispatched = 0;
  placement->n_consumed = 0;
  placement->queue_link.data = g_object_ref (task);
  g_queue_push_tail_link (&self->in_flight, &placement->queue_link);
  ferry_task_set_way (task, &self->way, xid);
  note_change (self);
  start_first (self);
  return TRUE;
}

/* main: notes that the application has consumed n of a task's items. The worker is notified when half a window was
 * consumed, so that few such messages are unread in its lane. */
static void
carrier_add_window (FerryTaskCarrier *carrier, FerryTask *task, guint n)
{
  FerryPoolWorker *self = (FerryPoolWorker *) carrier;
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  placement->n_consumed += n;
  if (placement->n_consumed >= MAX (ferry_task_get_settings (task)->window / 2, 1) &&
      ferry_transactions_add_window (self->calls, placement->xid, placement->n_consumed, NULL))
    placement->n_consumed = 0;
}

/* ---- The worker's end ---- */

static void
look_at_exiting (gpointer data)
{
  if (end_timed_out (data, look_at_exiting))
    fault (data, "it stopped the sender of its calls with a call open, and did not end within a second; "
                 "a worker that stops its senders must exit");
}

/* Handles a worker that stopped its senders, as it does before an exit. Tasks that the worker has not begun are taken
 * back now. The task that it has begun is lost when it ends, which must be within EXIT_GRACE. */
static void
calls_closed (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (data);
  gboolean is_open = self->state == FERRY_POOL_WORKER_STARTING || !g_queue_is_empty (&self->in_flight);

  if (ferry_exit_get_reason (exit) != FERRY_CLOSE_REASON_STOPPED || self->worker == NULL ||
      self->state == FERRY_POOL_WORKER_CONDEMNED || self->state == FERRY_POOL_WORKER_ENDED)
    return;
  set_state (self, FERRY_POOL_WORKER_RETIRING);
  ferry_pool_worker_take_back (self);
  /* It must end now, and has to run for that. */
  end_pause (self, 0);
  if (self->state != FERRY_POOL_WORKER_RETIRING)
    return;
  limit_end (self, is_open ? EXIT_GRACE : RETIRE_GRACE, is_open ? look_at_exiting : look_at_retired);
  schedule (self);
}

static gboolean
is_deadly (FerryPoolWorker *self, FerryTask *task)
{
  guint limit = self->pool != NULL ? self->rules->death_limit : 0;

  return limit > 0 && ferry_task_get_placement (task)->n_deaths >= limit && ferry_task_get_settings (task)->retries > 0;
}

/* Whether a task is retried after its worker was lost. Deaths are counted, because some attempts were never begun. */
static gboolean
may_try_again (FerryPoolWorker *self, FerryTask *task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING &&
         ferry_task_get_placement (task)->n_deaths <= ferry_task_get_settings (task)->retries &&
         (self->pool == NULL || !self->rules->stopping);
}

static void
fail_lost_task (FerryPoolWorker *self, FerryTask *task, FerryExit *exit)
{
  g_autofree char *arguments = ferry_show_arguments (ferry_task_get_arguments (task));

  /* If the router was stopped, the worker did not cause the loss, and no other worker can run the task. */
  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_ROUTER_STOPPED)
    ferry_carrier_fail (
      task, FERRY_TASK_EVENT_LOST,
      g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                   "The router was stopped while task '%s' ran; start the router again, then submit the task "
                   "again",
                   ferry_task_get_name (task)),
      NULL, exit);
  else if (is_deadly (self, task))
    ferry_carrier_fail (
      task, FERRY_TASK_EVENT_REFUSE,
      g_error_new (FERRY_ERROR, FERRY_ERROR_QUARANTINED,
                   "Task '%s' ended %u workers and is not retried; find out why %s %s fails. The last "
                   "worker: %s",
                   ferry_task_get_name (task), ferry_task_get_placement (task)->n_deaths,
                   ferry_task_get_function (task), arguments, ferry_exit_get_message (exit)),
      NULL, exit);
  else if (may_try_again (self, task))
    ferry_carrier_give_back (task);
  else
    ferry_carrier_fail (
      task, FERRY_TASK_EVENT_LOST,
      g_error_new (
        FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
        "Task '%s' was lost because its worker ended while it ran %s %s; correct the function, or submit the "
        "task again: %s",
        ferry_task_get_name (task), ferry_task_get_function (task), arguments, ferry_exit_get_message (exit)),
      NULL, exit);
}

static void
lose_task (FerryPoolWorker *self, FerryTask *task, FerryExit *exit)
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  guint64 xid = placement->xid;

  if (ferry_transactions_forget (self->calls, xid))
    g_object_unref (task);
  unlink_task (self, task);
  self->lost_task = TRUE;
  placement->n_deaths++;
  if (!ferry_task_get_done (task))
    ferry_task_output_end (&self->output, xid, task);
  if (!ferry_task_get_done (task))
    fail_lost_task (self, task, exit);
  g_object_unref (task);
}

/* Breaks reference cycles: the handlers hold references to the worker, which holds the objects that call them. */
static void
disconnect (FerryPoolWorker *self)
{
  if (self->calls_receiver != NULL)
    {
      ferry_receiver_set_handler (self->calls_receiver, NULL, NULL, NULL);
      g_signal_handlers_disconnect_by_data (self->calls_receiver, self);
    }
  if (self->progress_receiver != NULL)
    ferry_receiver_set_handler (self->progress_receiver, NULL, NULL, NULL);
  if (self->worker == NULL)
    return;
  ferry_worker_set_task_name_func (self->worker, NULL, NULL);
  g_signal_handlers_disconnect_by_data (self->worker, self);
}

/* Handles the worker's end. Tasks that the worker had begun are lost; the others are taken back. */
static void
take_end (gpointer data, FerryExit *exit)
{
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (data);
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, ferry_exit_get_message (exit));
  guint64 begun = ferry_link_get_begun_call (self->link);
  FerryPool *pool;
  FerryTask *task;

  self->lost_initialiser = self->state == FERRY_POOL_WORKER_STARTING && begun != 0;
  set_state (self, FERRY_POOL_WORKER_ENDED);
  ferry_timers_unset (self->limits, &self->timer);
  end_pause (self, 0);
  return_after (self, begun);
  self->attached = TRUE;
  while ((task = g_queue_peek_head (&self->in_flight)) != NULL)
    {
      start_first (self);
      if (task == g_queue_peek_head (&self->in_flight))
        lose_task (self, task, exit);
    }
  ferry_transactions_close (self->calls, reason);
  disconnect (self);
  pool = g_steal_pointer (&self->pool);
  if (pool != NULL)
    self->rules->worker_ended (pool, self, exit);
}

/* ---- Escalation: a cancelled task's process gets SIGTERM, then SIGKILL ---- */

static void escalate (gpointer data);

static void
escalate_after (FerryPoolWorker *self, FerryTask *task, gint64 time)
{
  ferry_timers_set (self->limits, &ferry_task_get_placement (task)->timer,
                    ferry_time_add (g_get_monotonic_time (), time), escalate, task);
}

/* Waits for the answer of a task when the worker's claim is beyond the task's call. If the answer does not come, the
 * claim was false, and the worker ends with a protocol error. */
static void
look_for_answer (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  if (placement->answer_end == 0)
    placement->answer_end = ferry_link_get_written (self->link);
  if (self->link->turn.dispatched > placement->dispatched)
    placement->n_looks = 0;
  placement->dispatched = self->link->turn.dispatched;
  if (ferry_link_has_dispatched (self->link, placement->answer_end) || ++placement->n_looks == MAX_LOOKS)
    fault (self, "it claimed a call before it answered the previous call");
  else
    escalate_after (self, task, LOOK_INTERVAL);
}

/* Handles a task that did not end in time while the claim says that the worker does not run the task. A worker that has
 * not begun the task in all this time makes no progress: the task is taken back, and the worker is killed. */
static void
escalate_unclaimed (FerryPoolWorker *self, FerryTask *task)
{
  ferry_pool_worker_take_back (self);
  if (ferry_task_get_placement (task)->carrier == self)
    look_for_answer (self, task);
  else
    ferry_pool_worker_kill (self);
  schedule (self);
}

static void
abandon_task (FerryPoolWorker *self, FerryTask *task)
{
  abandon (self);
  if (!ferry_task_get_done (task))
    ferry_carrier_fail (
      task, FERRY_TASK_EVENT_ABANDON,
      g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                   "Task '%s' did not end when it was cancelled, and a thread cannot be killed; run the "
                   "function in a process",
                   ferry_task_get_name (task)),
      NULL, NULL);
}

/* Runs when a cancelled or timed-out task did not end in time. After half of its grace time, its process gets SIGTERM.
 * At the end of the grace time, the process is killed. A thread cannot be killed, and is abandoned. */
static void
escalate (gpointer data)
{
  g_autoptr (FerryTask) task = g_object_ref (data);
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (placement->carrier);

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
  set_state (self, FERRY_POOL_WORKER_CONDEMNED);
  self->told_to_end = TRUE;
  return_after (self, placement->xid);
  if (self->worker != NULL)
    ferry_worker_send_signal (self->worker, SIGTERM, NULL);
  escalate_after (self, task, ferry_task_get_settings (task)->cancel_grace / 2);
  schedule (self);
}

/* Escalates a running task that was asked to end, after half of grace (microseconds) or at an earlier set time. */
static void
carrier_give_time (FerryTaskCarrier *carrier, FerryTask *task, gint64 grace)
{
  FerryPoolWorker *self = (FerryPoolWorker *) carrier;
  FerryTaskPlacement *placement = ferry_task_get_placement (task);
  gint64 time = ferry_time_add (g_get_monotonic_time (), grace / 2);
  gboolean is_escalated = ferry_timer_is_set (&placement->timer) && placement->timer.func == escalate;

  if (placement->escalation > 0 || (is_escalated && placement->timer.deadline.time <= time))
    return;
  ferry_timers_set (self->limits, &placement->timer, time, escalate, task);
}

/* main: kills the worker if it runs this task. If the worker has not begun the task, takes the task back. */
static void
carrier_force (FerryTaskCarrier *carrier, FerryTask *task)
{
  FerryPoolWorker *self = (FerryPoolWorker *) carrier;
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  if (placement->escalation == 0 && !ferry_link_doom_call (self->link, placement->xid))
    {
      ferry_pool_worker_take_back (self);
      if (placement->carrier == self)
        carrier_give_time (carrier, task, 0);
      return;
    }
  placement->escalation = 2;
  return_after (self, placement->xid);
  ferry_pool_worker_kill (self);
}

/* Cancels a task in flight: takes it back if the worker has not begun it, else sends its function a cancel. */
static void
carrier_cancel (FerryTaskCarrier *carrier, FerryTask *task)
{
  FerryPoolWorker *self = (FerryPoolWorker *) carrier;

  ferry_pool_worker_take_back (self);
  if (ferry_task_get_placement (task)->carrier != self)
    return;
  ferry_transactions_cancel (self->calls, ferry_task_get_placement (task)->xid, FERRY_CANCEL_REASON_CANCELLED);
  end_pause (self, 0);
  carrier_give_time (carrier, task, ferry_task_get_settings (task)->cancel_grace);
}

/* ---- Pausing ---- */

/* Stops the process group of a worker whose function has not heard that it is paused. */
static void
stop_unless_heard (gpointer data)
{
  FerryPoolWorker *self = data;

  if (ferry_link_has_heard_pause (self->link))
    return;
  self->stopped = TRUE;
  ferry_worker_set_stopped (self->worker, TRUE);
}

/* Pauses a task that the worker has begun. */
static void
begin_pause (FerryPoolWorker *self, FerryTask *task)
{
  const FerryTaskSettings *settings = ferry_task_get_settings (task);

  self->paused_xid = ferry_task_get_placement (task)->xid;
  self->paused_at = g_get_monotonic_time ();
  ferry_carrier_hold_limit (task, self->limits, run_timed_out);
  ferry_link_set_pause (self->link, self->paused_xid, TRUE, settings->deadline);
  if (self->worker != NULL && settings->stoppable)
    ferry_timers_set (self->limits, &self->stop_timer, self->paused_at + HEAR_TIME, stop_unless_heard, self);
  note_change (self);
}

/* A task that the worker has not begun returns to its queue, and so do those behind it. */
static void
carrier_pause_changed (FerryTaskCarrier *carrier, FerryTask *task)
{
  FerryPoolWorker *self = (FerryPoolWorker *) carrier;
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);
  FerryTaskPlacement *placement = ferry_task_get_placement (task);

  if (!placement->paused)
    {
      if (placement->xid == self->paused_xid)
        end_pause (self, ferry_carrier_resume_limit (task, self->limits, run_timed_out));
      return;
    }
  carrier_withdraw (carrier, task);
  if (placement->carrier == self && placement->paused && self->paused_xid == 0 && placement->escalation == 0 &&
      ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING)
    begin_pause (self, task);
}

static const FerryTaskCarrierFuncs carrier_funcs = {carrier_take_back,    carrier_withdraw,  carrier_add_window,
                                                    carrier_cancel,       carrier_give_time, carrier_force,
                                                    carrier_pause_changed};

/* ---- The worker's link ---- */

/* Whether the worker has claimed the call xid. A claim counts for all calls up to its xid, so the link's memory is read
 * once for each call. The message was received with acquire order, so the claim that was written before it is seen. */
static gboolean
is_begun (gpointer transport, guint64 xid)
{
  FerryPoolWorker *self = transport;

  if (xid > self->claimed)
    self->claimed = ferry_link_get_begun_call (self->link);
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
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (user_data);
  g_autoptr (GError) error = NULL;

  if (!(receiver->large != NULL ? ferry_transactions_receive_bytes (self->calls, receiver->large, &error)
                                : ferry_transactions_receive (self->calls, data, size, &error)))
    fault (self, error->message);
}

static void
progress_came (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (user_data);
  FerryTask *first = g_queue_peek_head (&self->in_flight);
  g_autoptr (FerryTask) task = first != NULL ? g_object_ref (first) : NULL;
  FerryProgress progress;

  /* Messages that are no progress reports are ignored, and so is the report of a task that is done already. */
  if (type != NULL || !ferry_progress_decode (&progress, data, size) || task == NULL ||
      ferry_task_get_placement (task)->xid != progress.xid)
    return;
  if (is_begun (self, progress.xid))
    {
      note_running (self);
      ferry_task_take_progress (task, &progress);
      return;
    }
  note_unclaimed (self, progress.xid);
  fault (self,
         "it reported progress of a call that was not claimed; a worker must claim a call before it begins the call");
}

static gboolean
send_message (gpointer transport, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  FerryPoolWorker *self = transport;
  guint64 connection_id = ferry_receiver_get_connection_id (self->calls_receiver);

  switch (ferry_link_send_with (self->link, connection_id, parts, n_parts, descriptors))
    {
    case FERRY_DOWN_SENT:
      return TRUE;
    case FERRY_DOWN_UNTAKEN:
      return ferry_set_error (error, FERRY_ERROR_BUSY,
                              "The worker has not taken earlier descriptors yet; send the call later");
    case FERRY_DOWN_REFUSED:
      return ferry_set_error (
        error, FERRY_ERROR_SYSTEM,
        "The system refused to send the task's %u descriptors to a worker; raise the limit of open files: %s",
        descriptors->n_descriptors, g_strerror (descriptors->error_number));
    case FERRY_DOWN_WOULD_BLOCK:
      return ferry_set_error (error, FERRY_ERROR_WOULD_BLOCK, "The worker's lane is full; send the call later");
    case FERRY_DOWN_TOO_LARGE:
      return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                              "The arguments are larger than the router's limit of %" G_GUINT64_FORMAT
                              " bytes; pass a file's name, or raise FerryRouter:max-message-size",
                              self->link->max_message_size);
    case FERRY_DOWN_CLOSED:
    default:
      return ferry_set_error (error, FERRY_ERROR_CLOSED, "The worker has ended; send the call to another worker");
    }
}

static gboolean
send_cancel (gpointer transport, guint64 xid, FerryCancelReason reason)
{
  FerryPoolWorker *self = transport;

  return ferry_link_send_cancel (self->link, xid, (guint16) reason) == FERRY_DOWN_SENT;
}

static const FerryCarrierFuncs call_funcs = {
  .send = send_message, .cancel = send_cancel, .is_begun = is_begun, .note_unclaimed = note_unclaimed};

/* Refuses a call from the worker: a worker of a pool only answers calls. */
static void
refuse_request (FerryTransactions *calls, FerryCall *call, gpointer data)
{
  g_autoptr (GError) reason =
    g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED,
                 "The application answers no call of '%s' from a worker of a pool; use ferry_job_send() instead",
                 ferry_call_get_method (call));

  ferry_call_refuse (call, reason, NULL);
}

/* ---- The worker's start: two pipes, and a process or a thread ---- */

/* Says in the texts of the tasks that wait for the worker why they wait; text is NULL: they wait no more. Handlers may
 * take tasks from the list. */
static void
say_to_tasks (FerryWorker *worker, const char *text, gpointer data)
{
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (data);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (GList *node = self->in_flight.head; node != NULL; node = node->next)
    g_ptr_array_add (tasks, g_object_ref (node->data));
  for (guint i = 0; i < tasks->len; i++)
    ferry_task_set_obstacle (tasks->pdata[i], text);
}

static void
worker_state_changed (FerryWorker *worker, GParamSpec *pspec, gpointer data)
{
  FerryPoolWorker *self = data;

  if (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_OPEN)
    return;
  if (self->pool != NULL)
    self->rules->note_open (self->pool);
  say_to_tasks (worker, NULL, self);
  take_process (self);
}

static char *
get_task_name (FerryWorker *worker, gpointer data)
{
  FerryPoolWorker *self = data;
  FerryTask *task = g_queue_peek_head (&self->in_flight);

  return task != NULL ? g_strdup (ferry_task_get_name (task)) : NULL;
}

static void
printed (FerryWorker *worker, FerryStream stream, const char *line, FerryPoolWorker *self)
{
  ferry_task_output_add (&self->output, ferry_worker_get_output_call (worker), line);
}

static gboolean
start_process (FerryPoolWorker *self, const char *name, FerryLauncher *starter, FerrySender *calls,
               FerrySender *progress, GError **error)
{
  GArray *senders = ferry_launcher_set_senders_aside (starter);

  if (ferry_launcher_add_watched_sender (starter, FERRY_CALLS_SENDER, calls, FERRY_MAIN_ENTRY, NULL, NULL, error) &&
      ferry_launcher_add_watched_sender (starter, FERRY_PROGRESS_SENDER, progress, FERRY_MAIN_ENTRY, NULL, NULL, error))
    self->worker = ferry_launcher_spawn_named (starter, self->router, name, error);
  ferry_launcher_put_senders_back (starter, senders);
  if (self->worker == NULL)
    return FALSE;
  self->link = ferry_link_ref (ferry_worker_get_link (self->worker));
  g_signal_connect_data (self->worker, "ended", G_CALLBACK (take_end), ferry_pool_worker_ref (self),
                         (GClosureNotify) (GCallback) ferry_pool_worker_unref, G_CONNECT_SWAPPED);
  g_signal_connect (self->worker, "notify::state", G_CALLBACK (worker_state_changed), self);
  g_signal_connect (self->worker, "output", G_CALLBACK (printed), self);
  ferry_worker_set_task_name_func (self->worker, get_task_name, self);
  ferry_worker_set_late_func (self->worker, say_to_tasks, self);
  return TRUE;
}

/* The main function of a thread of the application that is a pool's worker. Both ends of its link are in this process.
 * So tasks, senders, order and limits are the same as with a process, but the thread cannot be killed.
 *
 * The thread is never joined, because the function that it runs may never return. The thread owns everything that it
 * needs, and releases all of this when the function has returned. */
static gpointer
serve (gpointer data)
{
  g_autoptr (FerryServe) server = data;
  g_autoptr (GError) error = NULL;

  if (!ferry_serve_run (server, &error))
    g_debug ("A thread of a pool ends: %s", error->message);
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

/* Makes the thread's link and sets self->link. Returns (transfer full) the object that serves calls on the thread. */
static FerryServe *
new_server (FerryPoolWorker *self, FerrySender *calls, FerrySender *progress, GError **error)
{
  guint64 connection_ids[2] = {ferry_sender_get_connection_id (calls), ferry_sender_get_connection_id (progress)};
  guint32 cells[2] = {FERRY_NO_CELL, 0};
  g_autoptr (FerryLink) link =
    ferry_link_new ("a thread", connection_ids, cells, 2, ferry_router_choose_lane_capacity (self->router), 0,
                    self->router->max_message_size, error);
  g_autoptr (FerryServe) server = NULL;

  if (link == NULL)
    return NULL;
  ferry_clear_fd (&link->memory);
  server = ferry_serve_new_local (link, connection_ids, self->router->thread, error);
  if (server == NULL || !ferry_sender_pass (calls, error) || !ferry_sender_pass (progress, error))
    return NULL;
  self->link = g_steal_pointer (&link);
  return g_steal_pointer (&server);
}

/* Starts the worker's thread. Its link ends when the thread has stopped both senders, or their pipes are closed. */
static gboolean
start_thread (FerryPoolWorker *self, const char *name, FerrySender *calls, FerrySender *progress, GError **error)
{
  g_autoptr (FerryServe) server = new_server (self, calls, progress, error);
  FerryLinkObserver *observer;
  GError *failure = NULL;

  if (server == NULL)
    return FALSE;
  self->attached = TRUE;
  observer = g_new0 (FerryLinkObserver, 1);
  *observer = (FerryLinkObserver){
    .launched = thread_launched,
    .attached = thread_attached,
    .ended = take_end,
    .data = ferry_pool_worker_ref (self),
    .destroy = (GDestroyNotify) ferry_pool_worker_unref,
  };
  if (!ferry_router_add_link (self->router, self->link, observer, NULL, NULL, NULL))
    {
      ferry_pool_worker_unref (self);
      g_free (observer);
      return ferry_set_error (error, FERRY_ERROR_NOT_RUNNING,
                              "The router is being stopped; start it again when it has stopped");
    }
  self->thread = g_thread_try_new (name, serve, server, &failure);
  if (self->thread == NULL)
    return ferry_set_thread_error (error, "a pool", failure);
  g_steal_pointer (&server);
  return TRUE;
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
  ferry_receiver_set_handler (self->calls_receiver, calls_came, ferry_pool_worker_ref (self),
                              (GDestroyNotify) ferry_pool_worker_unref);
  g_signal_connect (self->calls_receiver, "closed", G_CALLBACK (calls_closed), self);
  ferry_receiver_set_handler (self->progress_receiver, progress_came, ferry_pool_worker_ref (self),
                              (GDestroyNotify) ferry_pool_worker_unref);
  if (starter == NULL)
    return start_thread (self, name, calls, progress, error);
  return start_process (self, name, starter, calls, progress, error);
}

/* Undoes the start of a worker that cannot be used. Its process is killed, and the pool is not notified of the end. */
static void
give_up (FerryPoolWorker *self)
{
  self->pool = NULL;
  if (self->worker != NULL)
    ferry_worker_force_exit (self->worker);
  disconnect (self);
  if (self->calls_receiver != NULL)
    ferry_router_close_pipe (self->router, self->calls_receiver, NULL);
  if (self->progress_receiver != NULL)
    ferry_router_close_pipe (self->router, self->progress_receiver, NULL);
}

/* main: starts a worker: a process that starter starts, or a thread if starter is NULL. If the pool has no initialiser,
 * the worker can be sent tasks at once: they wait in its lane until it has started. */
FerryPoolWorker *
ferry_pool_worker_new (FerryPool *pool, FerryRouter *router, FerryPoolRules *rules, const char *name,
                       FerryLauncher *starter, GError **error)
{
  g_autoptr (FerryPoolWorker) self = g_new0 (FerryPoolWorker, 1);

  self->carrier.funcs = &carrier_funcs;
  self->references = 1;
  self->pool = pool;
  self->rules = rules;
  self->router = g_object_ref (router);
  self->limits = router->limits;
  self->ready_at = self->idle_at = g_get_monotonic_time ();
  g_queue_init (&self->in_flight);
  self->calls = ferry_transactions_new (&call_funcs, self, refuse_request, self);
  self->state = rules->initialiser.function != NULL ? FERRY_POOL_WORKER_STARTING : FERRY_POOL_WORKER_READY;
  if (start (self, name, starter, error) && ask (self, &rules->initialiser, &initialiser_funcs, error))
    {
      ferry_calls_way_init (&self->way, router->monitor, self->link,
                            ferry_receiver_get_connection_id (self->calls_receiver));
      return g_steal_pointer (&self);
    }
  give_up (self);
  return NULL;
}
