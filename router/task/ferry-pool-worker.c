/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One worker of a pool: its link, its calls, and the tasks that it has in hand.
 *
 * Handlers of a task's signals run in the middle of what is done here, and may do anything: so bookkeeping comes first,
 * signals after it, and what is looked at after a signal is looked at anew. */

#include "config.h"

#include "task/ferry-pool-private.h"

#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-serve-private.h"
#include "worker/ferry-worker-private.h"

/* How long a worker that was told to finish may take for it, before it is killed. */
#define RETIRE_GRACE (10 * G_USEC_PER_SEC)

/* The same for one that stopped the sender of its calls with a call open: as for one that hangs up. */
#define FAREWELL_GRACE (1 * G_USEC_PER_SEC)

/* A refused task is put again, to the same program. One that refuses it over and over would have it go to and fro for
 * ever. */
#define MAX_REFUSALS 3

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
  ferry_pool_worker_forget_room (self);
  g_clear_object (&self->worker);
  g_clear_pointer (&self->thread, g_thread_unref);
  g_clear_object (&self->calls_receiver);
  g_clear_object (&self->progress_receiver);
  g_clear_pointer (&self->calls, ferry_transactions_unref);
  g_clear_pointer (&self->link, ferry_link_unref);
  g_clear_object (&self->router);
  g_free (self);
}

/* Takes a task out of the worker's hands. Returns the reference that the worker had. */
static FerryTask *
unlink_task (FerryPoolWorker *self, FerryTask *task)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (self->in_flight.head == &seat->queue_link)
    self->first_started = FALSE;
  g_queue_unlink (&self->in_flight, &seat->queue_link);
  ferry_timers_unset (self->timers, &seat->timer);
  seat->worker = NULL;
  seat->xid = 0;
  return task;
}

static FerryTask *
get_first (FerryPoolWorker *self)
{
  GList *link = g_queue_peek_head_link (&self->in_flight);

  return link != NULL ? link->data : NULL;
}

static FerryTaskSource *
get_source (FerryTask *task)
{
  return ferry_task_get_seat (task)->queue;
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
  FerryPoolWorker *self = ferry_task_get_seat (task)->worker;
  FerryTaskSource *source = get_source (task);

  ferry_transactions_cancel (self->calls, ferry_task_get_seat (task)->xid, FERRY_CANCEL_REASON_DEADLINE);
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
    ferry_timers_set (self->timers, &ferry_task_get_seat (task)->timer, deadline, run_timed_out, task);
  else
    ferry_timers_unset (self->timers, &ferry_task_get_seat (task)->timer);
  g_object_ref (task);
  source->started (source, task);
  ferry_task_start (task, get_pid (self));
  g_object_unref (task);
}

/* The first task in flight is being run: it hears so once the process is known. One that was to be cancelled may have
 * heard it before. */
void
ferry_pool_worker_start_first (FerryPoolWorker *self)
{
  FerryTask *task = get_first (self);

  if (task == NULL || self->first_started || !self->attached)
    return;
  self->first_started = TRUE;
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
    start_task (self, task);
}

/* main: the process is known, and has attached. A task that was started before hears which process it is. */
void
ferry_pool_worker_take_process (FerryPoolWorker *self)
{
  for (GList *link = self->in_flight.head; link != NULL; link = link->next)
    if (ferry_task_get_seat (link->data)->executing)
      {
        ferry_task_take_pid (link->data, get_pid (self));
        break;
      }
  self->attached = TRUE;
  ferry_pool_worker_start_first (self);
}

/* main: the worker said something about its first task, so that it runs that, whether we heard of its process or not:
 * what it says and what its launch comes to reach us on different ways. */
void
ferry_pool_worker_heard (FerryPoolWorker *self)
{
  self->attached = TRUE;
  self->n_missed = 0;
  ferry_pool_worker_start_first (self);
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

/* Whether a task whose worker was lost is to be tried again. One that was only thought to run has lost nothing, so that
 * attempts are not what counts. */
static gboolean
may_try_again (FerryPoolWorker *self, FerryTask *task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING &&
         ferry_task_get_seat (task)->n_deaths <= ferry_task_get_retries (task) &&
         (self->pool == NULL || !self->pool->stopping);
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
  if (!ferry_pool_check_result (task, result, &error))
    fail_task (task, FERRY_TASK_EVENT_ERROR, g_steal_pointer (&error), NULL, NULL);
  else if (ferry_task_complete (task, result))
    source->done (source, task);
}

/* Whether the worker has done its share, or grown too large. */
static gboolean
is_worn_out (FerryPoolWorker *self)
{
  FerryPool *pool = self->pool;

  if (pool->max_tasks > 0 && self->n_done >= pool->max_tasks)
    return TRUE;
  return pool->max_memory > 0 && self->worker != NULL && ferry_pool_worker_is_too_large (self, pool->max_memory);
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
        ferry_pool_pump (self->pool);
    }
  ferry_pool_worker_start_first (self);
  if (self->state == FERRY_POOL_WORKER_READY && self->pool != NULL)
    ferry_pool_worker_ready (self->pool, self);
  else if (self->state == FERRY_POOL_WORKER_RETIRING)
    limit_retirement (self);
}

static void
answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  g_autoptr (FerryTask) task = data;
  FerryTaskSeat *seat = ferry_task_get_seat (task);
  g_autoptr (FerryPoolWorker) self = ferry_pool_worker_ref (seat->worker);
  gint64 now = g_get_monotonic_time ();

  if (task != get_first (self))
    {
      ferry_pool_worker_fault (self, "it answered a call before the one that it was at");
      return;
    }
  if (seat->n_handed > 0 && seat->n_handed > ferry_link_get_n_hands_taken (self->link))
    {
      ferry_pool_worker_fault (self, "it answered a call without taking the descriptors that came with it");
      return;
    }
  ferry_receiver_flush_latest (self->progress_receiver);
  if (seat->worker != self)
    return;
  ferry_pool_worker_heard (self);
  g_object_unref (unlink_task (self, task));
  self->n_done++;
  if (self->pool != NULL)
    ferry_pool_note_time (self->pool, now - self->latest);
  self->latest = now;
  if (refused && seat->n_refusals++ < MAX_REFUSALS)
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
  FerryPoolWorker *self = ferry_task_get_seat (task)->worker;

  /* What a worker sends of a call that it is not at is dropped: the task would refuse it. */
  ferry_pool_worker_heard (self);
  if (task != get_first (self))
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
    ferry_pool_worker_fault (
      self, self->n_missed > 0 ? "it reads no calls any more" : "it answered calls that it had not read");
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
  FerryTaskSeat *seat = ferry_task_get_seat (task);
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
    ferry_pool_worker_await_room (self);
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
          ferry_timers_unset (self->timers, &seat->timer);
          if (ferry_task_fail (task, FERRY_TASK_EVENT_REFUSE, g_steal_pointer (&error), NULL, NULL))
            source->done (source, task);
        }
      g_object_unref (task);
      return for_good;
    }
  source->take (source, task);
  if (g_queue_is_empty (&self->in_flight))
    self->latest = now;
  seat->worker = self;
  seat->xid = xid;
  seat->n_handed = request.n_descriptors > 0 ? ferry_link_get_n_handed (self->link) : 0;
  seat->escalation = 0;
  seat->n_looks = 0;
  seat->answer_end = seat->dispatched = 0;
  seat->n_consumed = 0;
  seat->queue_link.data = g_object_ref (task);
  g_queue_push_tail_link (&self->in_flight, &seat->queue_link);
  ferry_pool_worker_start_first (self);
  return TRUE;
}

/* Takes the task's call back, which the worker did not begin and will not. */
static void
return_task (FerryPoolWorker *self, FerryTask *task)
{
  /* The reference that the answer would have brought. */
  if (ferry_transactions_forget (self->calls, ferry_task_get_seat (task)->xid))
    g_object_unref (task);
  unlink_task (self, task);
  give_back (task);
  g_object_unref (task);
}

/* main: what the worker has not begun; what it sent something of without a claim, it has. From the last to the first,
 * so that each goes to the front of its queue before those behind it. The first is the only one of which more is known
 * than that it waits, so that handlers run when the walk is at its end. */
void
ferry_pool_worker_return_after (FerryPoolWorker *self, guint64 begun)
{
  GList *link = self->in_flight.tail;

  while (link != NULL)
    {
      GList *previous = link->prev;
      FerryTask *task = link->data;

      if (ferry_task_get_seat (task)->xid > MAX (begun, self->unclaimed))
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
  ferry_link_release_calls (self->link, ferry_task_get_seat (last->data)->xid);
  ferry_pool_worker_return_after (self, begun);
  if (self->state == FERRY_POOL_WORKER_RETIRING)
    limit_retirement (self);
  else if (self->pool != NULL)
    ferry_pool_note_idle (self->pool, self);
}

/* main: takes back a task that waits. Where the worker has begun it, the task hears so. */
void
ferry_pool_worker_withdraw_task (FerryPoolWorker *self, FerryTask *task)
{
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);

  ferry_pool_worker_take_back (self);
  if (ferry_task_get_seat (task)->worker == self && ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
    start_task (self, task);
}

/* main: so many of a task's items were consumed. The worker is told of half a window at a time, so that few such
 * messages lie unread in its lane at any time. */
void
ferry_pool_worker_add_window (FerryPoolWorker *self, FerryTask *task, guint n)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  seat->n_consumed += n;
  if (seat->n_consumed >= MAX (ferry_task_get_window (task) / 2, 1) &&
      ferry_transactions_add_window (self->calls, seat->xid, seat->n_consumed, NULL))
    seat->n_consumed = 0;
}

/* main: has the worker end when it has done what it has in hand. */
void
ferry_pool_worker_retire (FerryPoolWorker *self)
{
  if (self->state != FERRY_POOL_WORKER_READY && self->state != FERRY_POOL_WORKER_STARTING)
    return;
  self->state = FERRY_POOL_WORKER_RETIRING;
  self->told_to_end = TRUE;
  ferry_pool_worker_ask_finaliser (self);
  ferry_link_send_finish (self->link);
  ferry_timers_unset (self->timers, &self->timer);
  limit_retirement (self);
}

static void
farewell_timed_out (gpointer data)
{
  ferry_pool_worker_fault (data,
                           "it stopped the sender of its calls with a call open, and did not end within a second; "
                           "a worker that stops its senders must exit");
}

/* main: the worker stopped its senders, as one does that is about to exit. Nothing more comes of it. What it has begun
 * has no answer, and is lost with its end; what it has not goes to others at once. With either of them open, its end
 * has to come soon. */
void
ferry_pool_worker_take_farewell (FerryPoolWorker *self)
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
    ferry_pool_pump (self->pool);
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
    ferry_pool_worker_abandon (self);
}

/* A task that ends one worker after the other is set aside, where it would be tried again. */
static gboolean
is_deadly (FerryPoolWorker *self, FerryTask *task)
{
  guint limit = self->pool != NULL ? self->pool->death_limit : 0;

  return limit > 0 && ferry_task_get_seat (task)->n_deaths >= limit && ferry_task_get_retries (task) > 0;
}

static void
fail_lost_task (FerryPoolWorker *self, FerryTask *task, FerryExit *exit)
{
  if (is_deadly (self, task))
    fail_task (
      task, FERRY_TASK_EVENT_REFUSE,
      g_error_new (FERRY_ERROR, FERRY_ERROR_SET_ASIDE,
                   "Task “%s” ended %u workers, and is not tried again; find out what its arguments do to the "
                   "function. The last: %s",
                   ferry_task_get_name (task), ferry_task_get_seat (task)->n_deaths, ferry_exit_get_message (exit)),
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
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (ferry_transactions_forget (self->calls, seat->xid))
    g_object_unref (task);
  unlink_task (self, task);
  self->lost_task = TRUE;
  if (!ferry_task_get_done (task) && ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_ROUTER_STOPPED)
    fail_stopped_task (task, exit);
  else if (!ferry_task_get_done (task))
    {
      seat->n_deaths++;
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
void
ferry_pool_worker_take_end (FerryPoolWorker *self, FerryExit *exit)
{
  g_autoptr (FerryPoolWorker) kept G_GNUC_UNUSED = ferry_pool_worker_ref (self);
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, ferry_exit_get_message (exit));
  guint64 begun = ferry_link_get_begun_call (self->link);
  FerryTask *task;

  self->state = FERRY_POOL_WORKER_ENDED;
  ferry_timers_unset (self->timers, &self->timer);
  ferry_pool_worker_return_after (self, begun);
  self->attached = TRUE;
  while ((task = get_first (self)) != NULL)
    {
      ferry_pool_worker_start_first (self);
      if (task == get_first (self))
        lose_task (self, task, exit);
    }
  ferry_transactions_close (self->calls, reason);
  disconnect (self);
  if (self->pool != NULL)
    ferry_pool_worker_ended (self->pool, self, exit);
}
