/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks on their way through an executor: from whoever submits them, through the queue, to the pool, and to their end.
 *
 * Counting: n_queued has the tasks that wait, in the inbox, in the queue or sent ahead; n_executing those that a worker
 * is at; n_open both. A task is counted out once, in task_done(). */

#include "config.h"

#include "task/ferry-executor-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-remote-error-private.h"
#include "task/ferry-iterate-private.h"

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryExecutor, ferry_executor, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, ferry_executor_list_model_init))

static FerryExecutor *
from_source (FerryTaskSource *source)
{
  return (FerryExecutor *) (void *) ((char *) source - G_STRUCT_OFFSET (FerryExecutor, source));
}

static void queue_timed_out (gpointer data);

static void
set_queue_timer (FerryExecutor *self, FerryTask *task)
{
  /* The time that a lost worker was at it was no waiting. */
  gint64 since = ferry_task_get_seat (task)->n_deaths > 0 ? g_get_monotonic_time () : ferry_task_get_submit_time (task);
  gint64 deadline = ferry_task_get_deadline_of (task, since, ferry_task_get_queue_timeout (task));

  if (deadline > 0)
    ferry_timers_set (self->timers, &ferry_task_get_seat (task)->timer, deadline, queue_timed_out, task);
}

/* main: a task has come to its end, and has said so. */
static void
task_done (FerryExecutor *self, FerryTask *task)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (seat->executing)
    self->n_executing--;
  else
    atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
  seat->executing = FALSE;
  switch (ferry_task_get_state (task))
    {
    case FERRY_TASK_STATE_COMPLETED:
      self->n_completed++;
      break;
    case FERRY_TASK_STATE_CANCELLED:
      self->n_cancelled++;
      break;
    default:
      self->n_failed++;
      break;
    }
  self->n_batch_done++;
  ferry_executor_list_finish (self, task);
  ferry_executor_figures_changed (self);
  ferry_executor_wake_waiters (self);
  g_object_unref (task);
  if (--self->n_open > 0)
    return;
  ferry_executor_finish_shutdown (self);
  /* The reference that is held as long as there are open tasks. */
  g_object_unref (self);
}

static FerryTask *
source_peek (FerryTaskSource *source)
{
  FerryExecutor *self = from_source (source);

  return ferry_timer_is_set (&self->refuse_timer) ? NULL : ferry_task_queue_peek (&self->queue);
}

static void
source_take (FerryTaskSource *source, FerryTask *task)
{
  ferry_task_queue_remove (&from_source (source)->queue, task);
}

static void
source_give_back (FerryTaskSource *source, FerryTask *task)
{
  FerryExecutor *self = from_source (source);
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (seat->executing)
    {
      seat->executing = FALSE;
      self->n_executing--;
      atomic_fetch_add_explicit (&self->n_queued, 1, memory_order_relaxed);
    }
  ferry_task_queue_push (&self->queue, task, TRUE);
  set_queue_timer (self, task);
  ferry_executor_figures_changed (self);
}

static void
source_started (FerryTaskSource *source, FerryTask *task)
{
  FerryExecutor *self = from_source (source);

  ferry_task_get_seat (task)->executing = TRUE;
  self->n_executing++;
  atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
  ferry_executor_figures_changed (self);
  ferry_executor_wake_waiters (self);
}

static void
source_done (FerryTaskSource *source, FerryTask *task)
{
  task_done (from_source (source), task);
}

static void
fail_waiting (FerryExecutor *self, FerryTask *task, FerryTaskEvent event, GError *error)
{
  g_object_ref (task);
  ferry_timers_unset (self->timers, &ferry_task_get_seat (task)->timer);
  if (ferry_task_fail (task, event, error, NULL, NULL))
    task_done (self, task);
  g_object_unref (task);
}

/* Those that other threads submitted before are among them. */
static void
source_fail_all (FerryTaskSource *source, const GError *error)
{
  g_autoptr (FerryExecutor) self = g_object_ref (from_source (source));
  g_autoptr (GPtrArray) tasks = NULL;

  ferry_executor_empty_inbox (self);
  tasks = ferry_task_queue_list (&self->queue);
  /* Not those that handlers submit meanwhile; and handlers may have ended some of these. */
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = g_ptr_array_index (tasks, i);

      if (ferry_task_get_done (task) || ferry_task_get_seat (task)->worker != NULL)
        continue;
      ferry_task_queue_remove (&self->queue, task);
      fail_waiting (self, task, FERRY_TASK_EVENT_REFUSE, ferry_error_copy (error));
    }
}

static GError *
new_queue_error (FerryTask *task)
{
  gint64 deadline = ferry_task_get_deadline (task);

  if (deadline > 0 && deadline <= g_get_monotonic_time ())
    return g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                        "Task “%s” was not begun before its deadline; add workers, or submit less",
                        ferry_task_get_name (task));
  return g_error_new (
    FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT,
    "Task “%s” waited for longer than its %" G_GINT64_FORMAT " ms without being begun; add workers, or submit less",
    ferry_task_get_name (task), ferry_task_get_queue_timeout (task) / FERRY_MICROSECONDS_PER_MILLISECOND);
}

/* main: a task that was sent ahead comes back into the queue, unless the worker has begun it. Returns whether the task
 * is in the queue. The pool is to be pumped afterwards, as other tasks may have come back with it. */
gboolean
ferry_executor_take_back (FerryTask *task)
{
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (seat->worker != NULL)
    ferry_pool_worker_take_back (seat->worker);
  return seat->worker == NULL && ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING;
}

static void
queue_timed_out (gpointer data)
{
  g_autoptr (FerryTask) task = g_object_ref (FERRY_TASK (data));
  FerryTaskSeat *seat = ferry_task_get_seat (task);
  g_autoptr (FerryExecutor) self = g_object_ref (from_source (seat->queue));

  if (!ferry_executor_take_back (task))
    {
      ferry_pool_pump (self->pool);
      return;
    }
  ferry_task_queue_remove (&self->queue, task);
  fail_waiting (self, task, FERRY_TASK_EVENT_QUEUE_TIMEOUT, new_queue_error (task));
  ferry_pool_pump (self->pool);
}

/* A task that waits is about to be cancelled. It comes back into the queue, or executes; handlers may do other things
 * to it. */
static void
driver_withdraw (gpointer executor, FerryTask *task)
{
  g_autoptr (FerryExecutor) kept G_GNUC_UNUSED = g_object_ref (executor);
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  while (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && seat->worker != NULL)
    ferry_pool_worker_withdraw_task (seat->worker, task);
}

/* The task was asked to cancel. One that waited is cancelled by that, and leaves the queue. One that executed is in a
 * worker's hands, which has not heard of it. */
static void
driver_cancelled (gpointer executor, FerryTask *task)
{
  FerryExecutor *self = executor;
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  /* In the inbox: the router's thread finds it done when it takes it in. */
  if (!seat->taken_in)
    return;
  g_object_ref (self);
  g_object_ref (task);
  if (ferry_task_get_done (task))
    {
      ferry_timers_unset (self->timers, &seat->timer);
      ferry_task_queue_remove (&self->queue, task);
      task_done (self, task);
    }
  else
    ferry_pool_worker_cancel_task (seat->worker, task);
  ferry_pool_pump (self->pool);
  g_object_unref (task);
  g_object_unref (self);
}

static void
driver_consumed (gpointer executor, FerryTask *task, guint n)
{
  FerryPoolWorker *worker = ferry_task_get_seat (task)->worker;

  if (worker != NULL)
    ferry_pool_worker_add_window (worker, task, n);
}

static gboolean
router_is_usable (FerryExecutor *self, GError **error)
{
  if (ferry_router_get_running (self->pool->router))
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING,
                       "The pool's router is not running; call ferry_router_start() first");
  return FALSE;
}

/* Whether tasks that wait are ever begun, as things are. */
static gboolean
can_run (FerryExecutor *self, GError **error)
{
  if (self->pool->error != NULL)
    g_propagate_error (error, ferry_error_copy (self->pool->error));
  else if (self->shutting_down)
    g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_REFUSED, "The executor is being shut down");
  else
    return router_is_usable (self, error);
  return FALSE;
}

/* Tasks that were submitted in vain fail a turn of the main loop later, and not within their submission: handlers may
 * submit again, and those that wait for room come at once. */
static void
refuse_waiting (gpointer data)
{
  FerryExecutor *self = data;
  g_autoptr (GError) error = NULL;

  if (can_run (self, &error))
    ferry_pool_pump (self->pool);
  else
    source_fail_all (&self->source, error);
}

static gboolean
task_is_done (gpointer data)
{
  return ferry_task_get_done (data);
}

static gboolean
driver_wait (gpointer executor, FerryTask *task, gint64 timeout, GError **error)
{
  FerryExecutor *self = executor;
  FerryRouter *router = self->pool->router;
  gboolean done;

  if (ferry_timer_is_set (&self->refuse_timer))
    {
      ferry_timers_unset (self->timers, &self->refuse_timer);
      refuse_waiting (self);
      if (ferry_task_get_done (task))
        return TRUE;
    }
  if (!ferry_iterate_check (router, error))
    return FALSE;
  g_object_ref (self);
  done = ferry_iterate (router, task_is_done, task, timeout);
  g_object_unref (self);
  if (done)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "Task “%s” is not done yet; wait longer, or cancel it",
               ferry_task_get_name (task));
  return FALSE;
}

static FerryHome *
driver_get_home (gpointer executor)
{
  return FERRY_EXECUTOR (executor)->pool->router->home;
}

const FerryTaskDriver ferry_executor_driver = {driver_withdraw, driver_cancelled, driver_consumed, driver_wait,
                                               driver_get_home};

/* main: a task that was accepted takes its place in the queue. Takes its reference over. */
void
ferry_executor_take_in (FerryExecutor *self, FerryTask *task)
{
  g_autoptr (GError) error = NULL;

  if (self->n_open++ == 0)
    {
      g_object_ref (self);
      self->n_batch_done = 0;
    }
  ferry_executor_list_add (self, task);
  /* Who hears of the list may cancel the task, which is found done here, as one that was cancelled in the inbox. */
  ferry_task_get_seat (task)->taken_in = TRUE;
  if (ferry_task_get_done (task))
    {
      task_done (self, task);
      return;
    }
  ferry_task_queue_push (&self->queue, task, FALSE);
  set_queue_timer (self, task);
  ferry_executor_figures_changed (self);
  if (can_run (self, &error))
    ferry_pool_pump (self->pool);
  else
    ferry_timers_set (self->timers, &self->refuse_timer, 0, refuse_waiting, self);
}

/* main: takes in what other threads submitted so far, and cancels where they did so in between. */
void
ferry_executor_empty_inbox (FerryExecutor *self)
{
  GQueue items;
  gpointer item;

  pthread_mutex_lock (&self->inbox_lock);
  items = self->inbox;
  g_queue_init (&self->inbox);
  self->inbox_is_told = FALSE;
  pthread_mutex_unlock (&self->inbox_lock);
  while ((item = g_queue_pop_head (&items)) != NULL)
    if (item == &self->inbox)
      ferry_executor_cancel_listed (self);
    else
      ferry_executor_take_in (self, item);
}

static void
inbox_told (gpointer data)
{
  ferry_executor_empty_inbox (data);
}

/* any */
static void
put (FerryExecutor *self, gpointer item)
{
  gboolean was_told;

  pthread_mutex_lock (&self->inbox_lock);
  g_queue_push_tail (&self->inbox, item);
  was_told = self->inbox_is_told;
  self->inbox_is_told = TRUE;
  pthread_mutex_unlock (&self->inbox_lock);
  if (!was_told)
    ferry_errands_post (self->pool->router->context, inbox_told, g_object_ref (self), g_object_unref);
}

/* any: leaves a task for the router's thread. */
void
ferry_executor_put_into_inbox (FerryExecutor *self, FerryTask *task)
{
  ferry_hand_over (task);
  put (self, g_object_ref (task));
}

/* any: has the router's thread cancel all tasks so far, and none that this thread submits later. */
void
ferry_executor_put_cancel_into_inbox (FerryExecutor *self)
{
  gboolean is_there;

  pthread_mutex_lock (&self->inbox_lock);
  is_there = self->inbox.tail != NULL && self->inbox.tail->data == &self->inbox;
  pthread_mutex_unlock (&self->inbox_lock);
  /* Two in a row do what one does: so there are about as many as tasks, and as threads that put one at this moment. */
  if (!is_there)
    put (self, &self->inbox);
}

static void
ferry_executor_dispose (GObject *object)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  if (self->pool != NULL)
    {
      ferry_pool_remove_source (self->pool, &self->source);
      ferry_timers_unset (self->timers, &self->notify_timer);
      ferry_timers_unset (self->timers, &self->refuse_timer);
      ferry_timers_unset (self->timers, &self->shutdown_timer);
    }
  ferry_executor_list_clear (self);

  G_OBJECT_CLASS (ferry_executor_parent_class)->dispose (object);
}

static void
ferry_executor_finalize (GObject *object)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  ferry_task_queue_clear (&self->queue);
  g_clear_pointer (&self->list, g_sequence_free);
  pthread_mutex_destroy (&self->inbox_lock);
  g_clear_object (&self->pool);

  G_OBJECT_CLASS (ferry_executor_parent_class)->finalize (object);
}

static void
ferry_executor_constructed (GObject *object)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  G_OBJECT_CLASS (ferry_executor_parent_class)->constructed (object);

  self->timers = self->pool->timers;
  ferry_pool_add_source (self->pool, &self->source);
}

static void
ferry_executor_class_init (FerryExecutorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_executor_constructed;
  object_class->dispose = ferry_executor_dispose;
  object_class->finalize = ferry_executor_finalize;
  ferry_executor_install_properties (object_class);
}

static void
ferry_executor_init (FerryExecutor *self)
{
  self->source =
    (FerryTaskSource){source_peek, source_take, source_give_back, source_started, source_done, source_fail_all};
  pthread_mutex_init (&self->inbox_lock, NULL);
  ferry_task_queue_init (&self->queue);
  self->list = g_sequence_new (g_object_unref);
}
