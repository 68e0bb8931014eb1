/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One worker of a pool, a process or a thread: its start, its calls, the tasks in flight, which are sent to it,
 * answered, taken back or lost, the signals of a cancel, the last lines that it printed, and its end.
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

#include "pool/ferry-pool-worker-private.h"

#include "pool/ferry-pool-private.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-link-transport-private.h"
#include "call/ferry-transport-private.h"
#include "job/ferry-file-value-private.h"
#include "job/ferry-map-function-private.h"
#include "job/ferry-serve-private.h"
#include "link/ferry-pidfd-private.h"
#include "process/ferry-launcher-private.h"
#include "process/ferry-worker-private.h"
#include "wire/ferry-remote-error-private.h"
#include "wire/ferry-reserved-name-private.h"
#include "wire/ferry-task-call-private.h"

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

/* How long a function whose time is over may take to say where it is, and how often it is looked whether it has. */
#define SAY_TIME (1 * G_USEC_PER_SEC)
#define SAY_INTERVAL (5 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* How often it is looked whether a program has stopped its worker. */
#define STOP_LOOK (2 * G_USEC_PER_SEC)

/* A worker answers a call before it claims the next call. So where the claim is beyond a call, the answer of that call
 * is on its way, and a kill would end the next task. The claim is false if the answer is still missing when everything
 * that the worker had written by then is dispatched. This is checked every LOOK_INTERVAL microseconds, and at most
 * MAX_LOOKS times while nothing is dispatched. A worker cannot make this time longer. An application can, if it keeps
 * all buffers or stays in a handler. */
#define MAX_LOOKS 600
#define LOOK_INTERVAL (G_USEC_PER_SEC / 10)

/* How many of the last lines that its worker printed a failed task keeps, and a worker in all: it may say of each line
 * that it is of another call. */
#define MAX_TASK_LINES 20
#define MAX_LINES (64 * MAX_TASK_LINES)

/* Tells of room in a worker's lane: the transport, which may have kept a window or a cancel, and the pool, which may
 * have a task that did not fit. A worker with too many untaken descriptors is sent no more either, and even an idle one
 * may still have to take those of tasks that were taken back.
 *
 * Owner:   counted references, of the worker and of the post that is on its way.
 * Threads: the link calls room_came() on any thread, with its lock held. The rest is the router's. */
struct _FerryPoolRoom
{
  FerryRoomWatch watch;
  GWeakRef pool;
  GWeakRef calls;
  GMainContext *context; /* const: (owned): the router's */
  _Atomic gboolean told; /* any: use_room() was posted and has not run yet */
};

static void
room_clear (gpointer data)
{
  FerryPoolRoom *self = data;

  g_weak_ref_clear (&self->pool);
  g_weak_ref_clear (&self->calls);
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

  /* Cleared before the room is used, so that later room is posted again. */
  atomic_store (&self->told, FALSE);
  ferry_transport_note_room_of (&self->calls);
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

static void
await_room (FerryPoolWorker *self)
{
  FerryPoolRoom *room = g_atomic_rc_box_new0 (FerryPoolRoom);

  g_weak_ref_init (&room->pool, self->pool);
  g_weak_ref_init (&room->calls, self->calls);
  room->context = g_main_context_ref (self->router->context);
  room->watch = (FerryRoomWatch){.func = room_came, .data = room};
  self->room = room;
  ferry_link_add_room_watch (self->link, &room->watch);
}

/* ---- What a worker prints, for the task of it that fails ----
 *
 * Lines and answers come by different ways. But each line comes with the call that it is of, and a worker answers a
 * call that fails only when its lines were read: they come before the answer. Lines of later calls may as well. */

typedef struct
{
  guint64 call;
  char text[];
} Line;

static void
drop_oldest_line (FerryPoolWorker *self)
{
  g_free (g_queue_pop_head (&self->output));
}

/* The worker has printed a line in a call. */
static void
add_line (FerryPoolWorker *self, guint64 call, const char *text)
{
  gsize size = strlen (text) + 1;
  GList *oldest = g_queue_peek_nth_link (&self->output, self->output.length - MAX_TASK_LINES);
  Line *line;

  if (size == 1)
    return;
  if (oldest != NULL && ((Line *) oldest->data)->call == call)
    {
      g_free (oldest->data);
      g_queue_delete_link (&self->output, oldest);
    }
  if (self->output.length == MAX_LINES)
    drop_oldest_line (self);
  line = g_malloc (sizeof *line + size);
  line->call = call;
  memcpy (line->text, text, size);
  g_queue_push_tail (&self->output, line);
}

/* The call has ended. failed: (nullable): its run, which gets its lines. */
static void
end_lines (FerryPoolWorker *self, guint64 call, FerryRun *failed)
{
  gboolean is_wanted = failed != NULL && failed->funcs->took_lines != NULL;
  g_autoptr (GPtrArray) lines = is_wanted ? g_ptr_array_new_with_free_func (g_free) : NULL;
  const Line *line;

  for (; (line = g_queue_peek_head (&self->output)) != NULL && line->call <= call; drop_oldest_line (self))
    if (line->call == call && is_wanted)
      g_ptr_array_add (lines, g_strdup (line->text));
  if (is_wanted)
    failed->funcs->took_lines (failed->owner, g_steal_pointer (&lines));
}

static void
clear_lines (FerryPoolWorker *self)
{
  while (!g_queue_is_empty (&self->output))
    drop_oldest_line (self);
}

char *
ferry_pool_worker_dup_lines (const FerryPoolWorker *self)
{
  GString *text = g_string_new (NULL);

  for (const GList *node = self->output.head; node != NULL; node = node->next)
    g_string_append_printf (text, "%s%s", text->len > 0 ? "\n" : "", ((const Line *) node->data)->text);
  return g_string_free (text, FALSE);
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
            !ferry_timer_is_set (&self->stop_timer) && !ferry_timer_is_set (&self->look_timer));
  if (self->room != NULL)
    ferry_link_remove_room_watch (self->link, &self->room->watch);
  g_clear_pointer (&self->room, room_unref);
  clear_lines (self);
  g_clear_object (&self->worker);
  g_clear_pointer (&self->thread, g_thread_unref);
  g_clear_object (&self->calls_receiver);
  g_clear_object (&self->progress_receiver);
  g_clear_object (&self->calls);
  g_clear_pointer (&self->link, ferry_link_unref);
  g_clear_object (&self->router);
  g_free (self);
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
    ferry_pool_note_change (self->pool, self);
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
  else if (ferry_pool_may_end_idle (self->pool))
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
    ferry_pool_schedule (self->pool);
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

      g_prefix_error (&reason, "The workers' initialiser '%s' failed; correct it: ", self->rules->initialiser.function);
      ferry_pool_fail (pool, g_steal_pointer (&reason));
      ferry_pool_worker_kill (self);
      return;
    }
  self->rules->has_initialised = TRUE;
  set_state (self, FERRY_POOL_WORKER_READY);
  self->ready_at = g_get_monotonic_time ();
  use_worker (self);
  if (self->pool != NULL)
    ferry_pool_note_up (self->pool, self);
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
  if (ferry_transport_ask (self->calls, &request, funcs, self, error) != 0)
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

/* Ends the worker's process by func, or abandons its thread. Earlier messages of the worker are still delivered. */
static void
end_by (FerryPoolWorker *self, void (*func) (FerryWorker *worker))
{
  set_state (self, FERRY_POOL_WORKER_CONDEMNED);
  self->told_to_end = TRUE;
  ferry_timers_unset (self->limits, &self->timer);
  if (self->worker != NULL)
    func (self->worker);
  else
    abandon (self);
}

/* main: kills the worker's process, or abandons its thread. */
void
ferry_pool_worker_kill (FerryPoolWorker *self)
{
  end_by (self, ferry_worker_force_exit);
}

/* main: detaches the worker from its pool, which is being finalised, and ends the worker. */
void
ferry_pool_worker_let_go (FerryPoolWorker *self)
{
  ferry_timers_unset (self->limits, &self->timer);
  ferry_timers_unset (self->limits, &self->stop_timer);
  ferry_timers_unset (self->limits, &self->look_timer);
  self->pool = NULL;
  if (self->state != FERRY_POOL_WORKER_CONDEMNED)
    end_by (self, ferry_worker_end_in_order);
}

/* Gives the worker grace microseconds to end, of a processor or in which it does nothing. */
static void
limit_end (FerryPoolWorker *self, gint64 grace, void (*look) (gpointer data))
{
  ferry_watchdog_start (&self->watchdog, FERRY_WATCHDOG_END,
                        self->worker != NULL ? ferry_worker_get_process_number (self->worker) : 0, grace);
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

/* Lets the worker go on, if somebody else has stopped it: a program that it runs, which a task is to be done with, and
 * whose cancel it could not hear. */
static void
end_foreign_stop (FerryPoolWorker *self)
{
  if (self->worker == NULL || self->stopped ||
      !ferry_process_is_stopped (ferry_worker_get_process_number (self->worker)))
    return;
  g_log_structured (
    G_LOG_DOMAIN, self->texts != NULL ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_MESSAGE, "MESSAGE",
    "Worker '%s' was stopped by a signal while it ran a task, and goes on; use ferry_task_pause() to pause it",
    ferry_worker_get_name (self->worker));
  ferry_worker_set_stopped (self->worker, FALSE);
}

static void
look_for_stop (gpointer data)
{
  FerryPoolWorker *self = data;

  end_foreign_stop (self);
  ferry_timers_set (self->limits, &self->look_timer, g_get_monotonic_time () + STOP_LOOK, look_for_stop, self);
}

/* Removes a task from the worker's tasks in flight. Returns (transfer full) its run. */
static FerryRun *
unlink_task (FerryPoolWorker *self, FerryRun *run)
{
  guint64 xid = run->xid;

  ferry_destination_let_go (run, &self->in_flight, self->limits);
  if (xid == self->paused_xid)
    end_pause (self, 0);
  if (xid == self->look.xid)
    self->look.xid = 0;
  if (g_queue_is_empty (&self->in_flight))
    ferry_timers_unset (self->limits, &self->look_timer);
  note_change (self);
  return run;
}

static FerryPoolWorker *
get_worker (const FerryRun *run)
{
  return (FerryPoolWorker *) run->destination;
}

static void destination_give_time (FerryTaskDestination *destination, FerryRun *run, gint64 grace);

static void
run_timed_out (gpointer data)
{
  g_autoptr (FerryRun) run = ferry_run_ref (data);
  FerryPoolWorker *self = get_worker (run);

  if (run->end_held != NULL)
    return;
  ferry_transport_cancel (self->calls, run->xid, FERRY_CANCEL_REASON_DEADLINE);
  end_pause (self, 0);
  end_foreign_stop (self);
  destination_give_time (&self->destination, run, ferry_run_get_cancel_grace (run));
  ferry_destination_time_out (run, ferry_destination_new_run_error (run));
}

static GPid
get_pid (FerryPoolWorker *self)
{
  return self->worker != NULL ? ferry_worker_get_process_number (self->worker) : getpid ();
}

static void
start_task (FerryPoolWorker *self, FerryRun *run)
{
  /* A function may be stopped to be looked at; who runs programs does not know that there are workers. */
  if (self->texts != NULL && self->pool != NULL)
    ferry_timers_set (self->limits, &self->look_timer, g_get_monotonic_time () + STOP_LOOK, look_for_stop, self);
  ferry_destination_set_limit (run, ferry_destination_get_run_deadline (run), run_timed_out);
  ferry_destination_start (run, get_pid (self), NULL);
}

/* Notifies the first task in flight that it runs, once the worker has attached. */
static void
start_first (FerryPoolWorker *self)
{
  FerryRun *run = g_queue_peek_head (&self->in_flight);

  if (run != NULL && self->attached && ferry_run_get_state (run) == FERRY_TASK_STATE_WAITING)
    start_task (self, run);
}

/* Notes that the worker has attached. A task that was started before is notified of the process id. */
static void
take_process (FerryPoolWorker *self)
{
  for (GList *link = self->in_flight.head; link != NULL; link = link->next)
    if (((FerryRun *) link->data)->executing)
      {
        ferry_run_take_pid (link->data, get_pid (self));
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
return_task (FerryPoolWorker *self, FerryRun *run)
{
  /* Releases the reference that answered() would have released. */
  if (ferry_transport_forget (self->calls, run->xid))
    ferry_run_unref (run);
  unlink_task (self, run);
  ferry_destination_give_back_unbegun (run);
  ferry_run_unref (run);
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

  begun = MAX (begun, MAX (self->unclaimed, ferry_transport_get_unclaimed (self->calls)));
  while (link != NULL)
    {
      GList *previous = link->prev;
      FerryRun *run = link->data;

      if (run->xid > begun)
        return_task (self, run);
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
  ferry_link_release_calls (self->link, ((FerryRun *) last->data)->xid);
  return_after (self, begun);
  if (self->state == FERRY_POOL_WORKER_RETIRING)
    limit_retirement (self);
  else if (self->pool != NULL)
    note_idle (self);
}

/* Takes back a task that waits at this worker. If the worker has begun the task, notifies the task that it runs. */
static void
destination_take_back (FerryTaskDestination *destination, FerryRun *run)
{
  FerryPoolWorker *self = (FerryPoolWorker *) destination;
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);

  ferry_pool_worker_take_back (self);
  if (run->destination == &self->destination && ferry_run_get_state (run) == FERRY_TASK_STATE_WAITING)
    start_task (self, run);
}

/* ---- Answers ---- */

/* Whether the worker's process has more resident memory than max_memory. FALSE soon after the last reading. */
static gboolean
is_too_large (FerryPoolWorker *self)
{
  gint64 now = g_get_monotonic_time ();
  const char *identifier = ferry_worker_get_identifier (self->worker);
  g_autofree char *text = NULL;
  unsigned long n_pages;
  char path[32];

  if (identifier == NULL || now - self->memory_at < MEMORY_INTERVAL)
    return FALSE;
  self->memory_at = now;
  g_snprintf (path, sizeof path, "/proc/%s/statm", identifier);
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

static gboolean
has_descriptors (const FerryRun *run)
{
  return run->has_handles || run->settings->max_returned_descriptors > 0 || run->settings->interactive;
}

static void
answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryRun) run = data;
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (get_worker (run));
  /* Who runs programs knows no function. */
  g_autofree char *lines = self->texts != NULL ? ferry_trace_drop_place (trace, run->function) : NULL;
  gint64 now = g_get_monotonic_time ();
  guint64 xid = run->xid;

  if (run != g_queue_peek_head (&self->in_flight))
    {
      fault (self, "it answered a call while it ran an earlier call");
      return;
    }
  if (has_descriptors (run) && ferry_link_has_untaken_fds (self->link, xid))
    {
      fault (self, "it answered a call without taking the descriptors that came with it");
      return;
    }
  ferry_router_flush_latest (self->router, self->progress_receiver);
  if (run->destination != &self->destination)
    return;
  note_running (self);
  /* Counted before the pool's roster is told of the change. */
  self->n_done++;
  ferry_run_unref (unlink_task (self, run));
  if (self->pool != NULL)
    ferry_pool_note_time (self->pool, now - self->latest);
  self->latest = now;
  end_lines (self, xid, error != NULL ? run : NULL);
  if (refused && run->n_refusals++ < MAX_REFUSALS)
    ferry_destination_give_back_unbegun (run);
  else if (error != NULL)
    ferry_destination_fail (run, FERRY_TASK_EVENT_ERROR, ferry_error_copy (error), self->texts != NULL ? lines : trace,
                            NULL);
  else
    ferry_destination_complete (run, result);
  go_on (self);
}

static void
item_came (gpointer data, const char *name, GVariant *value)
{
  g_autoptr (FerryRun) run = ferry_run_ref (data);
  FerryPoolWorker *self = get_worker (run);

  /* Drops an item of a task that is not the first: the worker does not run that task, which would refuse the item. */
  note_running (self);
  if (run != g_queue_peek_head (&self->in_flight))
    return;
  if (name[0] == '\0')
    ferry_run_take_yield (run, value);
  else if (g_str_equal (name, FERRY_PARTIAL_RESULT))
    ferry_run_take_partial_result (run, value);
  else if (g_str_equal (name, FERRY_UNFINISHED))
    ferry_run_take_unfinished (run, value);
  else if (g_str_equal (name, FERRY_RUNS_PROGRAMS))
    run->runs_programs = TRUE;
  else if (g_str_equal (name, FERRY_COMMITTED))
    run->is_committed = TRUE;
  else
    ferry_run_take_message (run, name, value);
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
  return ferry_destination_is_for_good (error);
}

/* Adds the descriptors of a run to its call. descriptors: FERRY_MAX_FDS_PER_LINK of room. Fails with
 * FERRY_ERROR_SYSTEM. */
static gboolean
add_descriptors (FerryPoolWorker *self, FerryRun *run, FerryRequest *request, int *descriptors, GError **error)
{
  guint flags;

  if (!run->funcs->give_descriptors (run->owner, self->link, descriptors, &request->n_descriptors, &flags, error))
    return FALSE;
  request->descriptors = descriptors;
  request->flags |= flags;
  return TRUE;
}

/* Returns the xid of the run's call, or 0 with an error. */
static guint64
send_run (FerryPoolWorker *self, FerryRun *run, GError **error)
{
  FerryRequest request = {
    .method = run->function,
    .arguments = run->arguments,
    .deadline = ferry_destination_get_run_deadline (run),
    .flags = (FerryCallFlags) ((guint) run->kind << FERRY_CALL_KIND_SHIFT),
  };
  int descriptors[FERRY_MAX_FDS_PER_LINK];
  guint64 xid;

  if (run->n_attempts > 0)
    request.flags |= FERRY_CALL_REPEATED;
  if (run->kind == FERRY_TASK_KIND_ITERATION)
    {
      request.flags |= FERRY_CALL_STREAM;
      request.window = (guint16) run->settings->window;
    }
  if (has_descriptors (run) && !add_descriptors (self, run, &request, descriptors, error))
    return 0;
  ferry_run_ref (run);
  xid = ferry_transport_ask (self->calls, &request, &answer_funcs, run, error);
  if (xid == 0)
    ferry_run_unref (run);
  if (xid != 0 && has_descriptors (run))
    run->funcs->descriptors_sent (run->owner);
  return xid;
}

/* Sends a task of a queue to the worker, which has room for it. Returns FALSE if its call cannot be sent now; then the
 * task stays in its queue. If the call can never be sent, the task fails, and TRUE is returned. */
gboolean
ferry_pool_worker_send_task (FerryPoolWorker *self, FerryRun *run)
{
  g_autoptr (GError) error = NULL;
  guint64 xid = send_run (self, run, &error);

  if (xid == 0)
    {
      if (!note_send_error (self, error))
        return FALSE;
      ferry_destination_fail_unsendable (run, g_steal_pointer (&error));
      return TRUE;
    }
  if (g_queue_is_empty (&self->in_flight))
    self->latest = g_get_monotonic_time ();
  ferry_destination_take (run, &self->destination, &self->in_flight, xid);
  note_change (self);
  start_first (self);
  return TRUE;
}

static void
destination_add_window (FerryTaskDestination *destination, FerryRun *run, guint n)
{
  ferry_destination_add_window (run, ((FerryPoolWorker *) destination)->calls, n);
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

/* What became of a task whose worker has ended. */
static GError *
new_lost_error (FerryPoolWorker *self, FerryRun *run, FerryExit *exit)
{
  const int signal = ferry_exit_get_signal (exit);
  g_autofree char *sentence = self->texts != NULL ? self->texts->describe_loss (run->arguments, signal) : NULL;
  g_autofree char *arguments = sentence == NULL ? ferry_show_arguments (run->arguments) : NULL;
  g_autofree char *unfinished = ferry_run_describe_unfinished (run, exit);
  const FerryErrorCause cause = {.is_for_people = TRUE};
  GError *error;

  if (sentence != NULL)
    {
      g_debug ("%s", ferry_exit_get_message (exit));
      error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, sentence);
      ferry_error_set_cause (error, &cause);
      return error;
    }
  error = g_error_new (
    FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
    "Task '%s' was lost because its worker ended while it ran %s %s; correct the function, or submit "
    "the task again%s: %s",
    ferry_run_get_name (run), ferry_run_get_shown_function (run), arguments, unfinished, ferry_exit_get_message (exit));
  ferry_run_note_loss (run, exit, error);
  return error;
}

static void
fail_lost_task (FerryPoolWorker *self, FerryRun *run, FerryExit *exit)
{
  g_autofree char *last = g_strdup_printf ("worker: %s", ferry_exit_get_message (exit));
  g_autofree char *trace = ferry_exit_dup_trace (exit, run->function);
  gboolean is_stopping = self->pool != NULL && self->rules->stopping;
  FerryLoss loss = {
    .repeats = run->repeats,
    .death_limit = run->death_limit,
    .is_final = is_stopping,
    .last = last,
    .trace = trace,
    .exit = exit,
  };

  /* If the router was stopped, the worker did not cause the loss, and no other worker can run the task. */
  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_ROUTER_STOPPED)
    {
      ferry_destination_fail (
        run, FERRY_TASK_EVENT_LOST,
        g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED,
                     "The router was stopped while task '%s' ran; start the router again, then submit the task "
                     "again",
                     ferry_run_get_name (run)),
        NULL, exit);
      return;
    }
  loss.error = new_lost_error (self, run, exit);
  ferry_destination_lose (run, &loss);
}

static void
lose_task (FerryPoolWorker *self, FerryRun *run, FerryExit *exit)
{
  guint64 xid = run->xid;

  if (ferry_transport_forget (self->calls, xid))
    ferry_run_unref (run);
  unlink_task (self, run);
  self->lost_task = TRUE;
  if (!ferry_run_get_done (run))
    end_lines (self, xid, run);
  if (!ferry_run_get_done (run))
    fail_lost_task (self, run, exit);
  ferry_run_unref (run);
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
  FerryRun *run;

  self->lost_initialiser = self->state == FERRY_POOL_WORKER_STARTING && begun != 0;
  set_state (self, FERRY_POOL_WORKER_ENDED);
  ferry_timers_unset (self->limits, &self->timer);
  end_pause (self, 0);
  return_after (self, begun);
  self->attached = TRUE;
  while ((run = g_queue_peek_head (&self->in_flight)) != NULL)
    {
      start_first (self);
      if (run == g_queue_peek_head (&self->in_flight))
        lose_task (self, run, exit);
    }
  ferry_transport_end (self->calls, reason);
  disconnect (self);
  pool = g_steal_pointer (&self->pool);
  if (pool != NULL)
    ferry_pool_note_ended (pool, self, exit);
}

/* ---- Escalation: a cancelled task's process gets SIGTERM, then SIGKILL ---- */

static void escalate (gpointer data);

static void
escalate_after (FerryPoolWorker *self, FerryRun *run, gint64 time)
{
  ferry_timers_set (self->limits, &run->timer, ferry_time_add (g_get_monotonic_time (), time), escalate, run);
}

/* Waits for the answer of a task when the worker's claim is beyond the task's call. If the answer does not come, the
 * claim was false, and the worker ends with a protocol error. Of several such tasks one is looked for at a time. */
static void
look_for_answer (FerryPoolWorker *self, FerryRun *run)
{
  FerryPoolLook *look = &self->look;
  guint64 dispatched = self->link->turn.dispatched;

  if (look->xid == 0)
    *look = (FerryPoolLook){run->xid, ferry_link_get_written (self->link), dispatched, 0};
  if (dispatched > look->dispatched)
    look->n = 0;
  look->dispatched = dispatched;
  if (look->xid == run->xid && (ferry_link_has_dispatched (self->link, look->end) || ++look->n == MAX_LOOKS))
    fault (self, "it claimed a call before it answered the previous call");
  else
    escalate_after (self, run, LOOK_INTERVAL);
}

/* Handles a task that did not end in time while the claim says that the worker does not run the task. A worker that has
 * not begun the task in all this time makes no progress: the task is taken back, and the worker is killed. */
static void
escalate_unclaimed (FerryPoolWorker *self, FerryRun *run)
{
  ferry_pool_worker_take_back (self);
  if (run->destination == &self->destination)
    look_for_answer (self, run);
  else
    ferry_pool_worker_kill (self);
  schedule (self);
}

static void
abandon_task (FerryPoolWorker *self, FerryRun *run)
{
  abandon (self);
  if (!ferry_run_get_done (run))
    ferry_destination_fail (
      run, FERRY_TASK_EVENT_ABANDON,
      g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                   "Task '%s' did not end when it was cancelled, and a thread cannot be killed; run the "
                   "function in a process",
                   ferry_run_get_name (run)),
      NULL, NULL);
}

/* Asks a function that has to end where it is, which the exit of its worker tells then. Returns whether it may say so:
 * what runs programs is always at the same place, and of several tasks that the worker has, it runs the first. */
static gboolean
ask_where (FerryPoolWorker *self, FerryRun *run)
{
  if (self->worker == NULL || self->texts != NULL || run != g_queue_peek_head (&self->in_flight) ||
      !ferry_process_hears (ferry_worker_get_process_number (self->worker), FERRY_WHERE_SIGNAL))
    return FALSE;
  self->question = (FerryPoolQuestion){atomic_load (&self->link->process.n_crashes),
                                       ferry_time_add (g_get_monotonic_time (), SAY_TIME)};
  end_foreign_stop (self);
  ferry_link_expect_place (self->link, FALSE);
  ferry_worker_send_signal (self->worker, FERRY_WHERE_SIGNAL);
  return TRUE;
}

static gboolean
is_saying_where (FerryPoolWorker *self)
{
  return atomic_load (&self->link->process.n_crashes) == self->question.n_said &&
         g_get_monotonic_time () < self->question.until;
}

static void
tell_to_end (FerryPoolWorker *self, FerryRun *run)
{
  self->question.until = 0;
  if (self->worker != NULL)
    {
      end_foreign_stop (self);
      ferry_worker_send_signal (self->worker, SIGTERM);
    }
  escalate_after (self, run, ferry_run_get_cancel_grace (run) / 2);
}

/* The worker begins no more calls. By that, it knows what the question is for. */
static void
condemn (FerryPoolWorker *self, FerryRun *run)
{
  self->doomed = run->xid;
  set_state (self, FERRY_POOL_WORKER_CONDEMNED);
  self->told_to_end = TRUE;
  return_after (self, run->xid);
  if (ask_where (self, run))
    escalate_after (self, run, SAY_INTERVAL);
  else
    tell_to_end (self, run);
  schedule (self);
}

/* Runs when a cancelled or timed-out task did not end in time. After half of its grace time, its process gets SIGTERM.
 * At the end of the grace time, the process is killed. A thread cannot be killed, and is abandoned. */
static void
escalate (gpointer data)
{
  g_autoptr (FerryRun) run = ferry_run_ref (data);
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (get_worker (run));

  if (self->doomed != run->xid)
    {
      if (ferry_link_doom_call (self->link, run->xid))
        condemn (self, run);
      else
        escalate_unclaimed (self, run);
    }
  else if (is_saying_where (self))
    escalate_after (self, run, SAY_INTERVAL);
  else if (self->question.until != 0)
    tell_to_end (self, run);
  else if (self->worker != NULL)
    ferry_pool_worker_kill (self);
  else
    abandon_task (self, run);
}

/* Whether the task was asked to end, and its process is told so once more at a set time. */
static gboolean
is_escalated (const FerryRun *run)
{
  return ferry_timer_is_set (&run->timer) && run->timer.func == escalate;
}

/* Escalates a running task that was asked to end, after half of grace (microseconds) or at an earlier set time. */
static void
destination_give_time (FerryTaskDestination *destination, FerryRun *run, gint64 grace)
{
  FerryPoolWorker *self = (FerryPoolWorker *) destination;
  gint64 time = ferry_time_add (g_get_monotonic_time (), grace / 2);

  if (self->doomed == run->xid || (is_escalated (run) && run->timer.deadline.time <= time))
    return;
  ferry_timers_set (self->limits, &run->timer, time, escalate, run);
}

/* main: ends the worker if it runs this task. If the worker has not begun the task, takes the task back. */
static void
destination_force (FerryTaskDestination *destination, FerryRun *run)
{
  FerryPoolWorker *self = (FerryPoolWorker *) destination;

  if (self->doomed != run->xid && !ferry_link_doom_call (self->link, run->xid))
    {
      ferry_pool_worker_take_back (self);
      if (run->destination == &self->destination)
        destination_give_time (destination, run, 0);
      return;
    }
  self->doomed = run->xid;
  return_after (self, run->xid);
  /* Its timer would kill what tidies up. */
  ferry_timers_unset (self->limits, &run->timer);
  end_by (self, ferry_worker_end_in_order);
}

/* Cancels a task in flight: takes it back if the worker has not begun it, else sends its function a cancel. */
static void
destination_cancel (FerryTaskDestination *destination, FerryRun *run)
{
  FerryPoolWorker *self = (FerryPoolWorker *) destination;

  ferry_pool_worker_take_back (self);
  if (run->destination != &self->destination)
    return;
  ferry_transport_cancel (self->calls, run->xid, FERRY_CANCEL_REASON_CANCELLED);
  end_pause (self, 0);
  end_foreign_stop (self);
  destination_give_time (destination, run, ferry_run_get_cancel_grace (run));
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
begin_pause (FerryPoolWorker *self, FerryRun *run)
{
  const FerryTaskSettings *settings = run->settings;

  self->paused_xid = run->xid;
  self->paused_at = g_get_monotonic_time ();
  ferry_run_hold_limit (run, run_timed_out);
  ferry_link_set_pause (self->link, self->paused_xid, TRUE, settings->deadline);
  if (self->worker != NULL && settings->stoppable)
    ferry_timers_set (self->limits, &self->stop_timer, self->paused_at + HEAR_TIME, stop_unless_heard, self);
  note_change (self);
}

/* A task that the worker has not begun returns to its queue, and so do those behind it. */
static void
destination_pause_changed (FerryTaskDestination *destination, FerryRun *run)
{
  FerryPoolWorker *self = (FerryPoolWorker *) destination;
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);

  if (!run->paused)
    {
      if (run->xid == self->paused_xid)
        end_pause (self, ferry_run_resume_limit (run, run_timed_out));
      return;
    }
  destination_take_back (destination, run);
  if (run->destination == &self->destination && run->paused && self->paused_xid == 0 && self->doomed != run->xid &&
      ferry_run_get_state (run) == FERRY_TASK_STATE_EXECUTING)
    begin_pause (self, run);
}

static const FerryTaskDestinationFuncs destination_funcs = {destination_take_back, destination_add_window,
                                                            destination_cancel,    destination_give_time,
                                                            destination_force,     destination_pause_changed};

/* ---- The worker's link ---- */

/* Whether the worker has claimed the call xid. A claim counts for all calls up to its xid, so the link's memory is read
 * once for each call. The message was received with acquire order, so the claim that was written before it is seen. */
static gboolean
is_begun (gpointer carrier, guint64 xid)
{
  FerryPoolWorker *self = carrier;

  if (xid > self->claimed)
    self->claimed = ferry_link_get_begun_call (self->link);
  return xid <= self->claimed;
}

static void
release_link (gpointer held)
{
  ferry_held_link_release (held);
}

static void
free_held_link (gpointer held)
{
  ferry_held_link_free (held);
}

/* Whether a message may have a value that is in a file: an answer, or a partial result. */
static gboolean
may_have_file (const FerryCallMessage *message)
{
  const gsize length = strlen (FERRY_PARTIAL_RESULT);

  if (message->header.type_length != strlen (FERRY_FILE_VALUE_TYPE) ||
      memcmp (message->type_string, FERRY_FILE_VALUE_TYPE, message->header.type_length) != 0 ||
      message->header.number > 0)
    return FALSE;
  return message->header.kind == FERRY_CALL_ANSWER ||
         (message->header.kind == FERRY_CALL_ITEM && message->header.name_length == length &&
          memcmp (message->name, FERRY_PARTIAL_RESULT, length) == 0);
}

/* Whether another thread opens the value of a message, which comes once more when it has. Messages of other workers go
 * on meanwhile. */
static gboolean
is_opening (FerryPoolWorker *self, gconstpointer data, gsize size)
{
  FerryRun *first = g_queue_peek_head (&self->in_flight);
  g_autoptr (GVariant) value = NULL;
  FerryCallMessage message;

  if (G_LIKELY (first == NULL || first->settings->max_returned_descriptors == 0) || size > FERRY_MAX_RECORD_PAYLOAD)
    return FALSE;
  if (first->funcs->is_opening == NULL || !ferry_router_may_repeat (self->router) ||
      !ferry_call_message_parse (&message, data, size, NULL) || message.header.xid != first->xid ||
      !may_have_file (&message))
    return FALSE;
  value = ferry_call_message_dup_value (&message, NULL);
  if (value == NULL ||
      !first->funcs->is_opening (first->owner, value, release_link, ferry_held_link_new (self->router), free_held_link))
    return FALSE;
  ferry_router_hold_record (self->router);
  return TRUE;
}

static void
calls_came (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (user_data);
  g_autoptr (GError) error = NULL;

  if (!ferry_link_transport_waits (self->router, self->calls, data, size) && !is_opening (self, data, size) &&
      !ferry_transport_process (self->calls, data, size, receiver->large, receiver->verdict, &error))
    fault (self, error->message);
}

static void
progress_came (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (user_data);
  FerryRun *first = g_queue_peek_head (&self->in_flight);
  g_autoptr (FerryRun) run = first != NULL ? ferry_run_ref (first) : NULL;
  FerryProgress progress;

  /* Messages that are no progress reports are ignored, and so is the report of a task that is done already. */
  if (type != NULL || !ferry_progress_decode (&progress, data, size) || run == NULL || run->xid != progress.xid)
    return;
  if (is_begun (self, progress.xid))
    {
      note_running (self);
      ferry_run_take_progress (run, &progress);
      return;
    }
  self->unclaimed = MAX (self->unclaimed, progress.xid);
  fault (self,
         "it reported progress of a call that was not claimed; a worker must claim a call before it begins the call");
}

static gboolean
send_message (gpointer carrier, const FerryPart *parts, guint n_parts, FerryDescriptors *descriptors, GError **error)
{
  FerryPoolWorker *self = carrier;
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
send_cancel (gpointer carrier, guint64 xid, FerryCancelReason reason)
{
  FerryPoolWorker *self = carrier;

  return ferry_link_send_cancel (self->link, xid, (guint16) reason) == FERRY_DOWN_SENT;
}

static const FerryCarrierFuncs carrier_funcs = {.send = send_message, .cancel = send_cancel, .is_begun = is_begun};

/* Refuses a call from the worker: a worker of a pool only answers calls. */
static void
refuse_request (FerryTransport *calls, FerryCall *call, GObject *owner)
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
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_run_unref);

  for (GList *node = self->in_flight.head; node != NULL; node = node->next)
    g_ptr_array_add (runs, ferry_run_ref (node->data));
  for (guint i = 0; i < runs->len; i++)
    {
      FerryRun *run = runs->pdata[i];

      if (run->funcs->waits_for != NULL)
        run->funcs->waits_for (run->owner, text != NULL && self->texts != NULL ? self->texts->waiting : text);
    }
}

static void
worker_state_changed (FerryWorker *worker, GParamSpec *pspec, gpointer data)
{
  FerryPoolWorker *self = data;

  if (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_OPEN)
    return;
  if (self->pool != NULL)
    ferry_pool_note_open (self->pool);
  if (self->pool != NULL)
    ferry_pool_note_up (self->pool, self);
  say_to_tasks (worker, NULL, self);
  take_process (self);
}

/* A worker may run its task, and be stopped by it, before its number is known here. */
static void
worker_identifier_changed (FerryWorker *worker, GParamSpec *pspec, gpointer data)
{
  FerryPoolWorker *self = data;
  FerryRun *run = g_queue_peek_head (&self->in_flight);

  if (run != NULL && is_escalated (run))
    end_foreign_stop (self);
}

static char *
get_task_name (FerryWorker *worker, gpointer data)
{
  FerryPoolWorker *self = data;
  FerryRun *run = g_queue_peek_head (&self->in_flight);

  return run != NULL ? g_strdup (ferry_run_get_name (run)) : NULL;
}

static void
printed (FerryWorker *worker, FerryStream stream, const char *line, FerryPoolWorker *self)
{
  add_line (self, ferry_worker_get_output_call (worker), line);
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
  g_signal_connect (self->worker, "notify::identifier", G_CALLBACK (worker_identifier_changed), self);
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

  if (!ferry_serve_run (server, &ferry_map_function, &error))
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

  self->destination.funcs = &destination_funcs;
  self->references = 1;
  self->pool = pool;
  self->rules = rules;
  self->router = g_object_ref (router);
  self->limits = router->limits;
  self->texts = starter != NULL ? ferry_launcher_get_user_texts (starter) : NULL;
  self->ready_at = self->idle_at = g_get_monotonic_time ();
  g_queue_init (&self->in_flight);
  self->calls = ferry_transport_new_for_carrier (&carrier_funcs, self);
  ferry_transport_take_calls (self->calls, refuse_request, NULL, NULL);
  self->state = rules->initialiser.function != NULL ? FERRY_POOL_WORKER_STARTING : FERRY_POOL_WORKER_READY;
  if (start (self, name, starter, error) && ask (self, &rules->initialiser, &initialiser_funcs, error))
    {
      await_room (self);
      return g_steal_pointer (&self);
    }
  give_up (self);
  return NULL;
}
