/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks on their way through an executor: from whoever submits them, through the queue, to the pool, and to their end.
 *
 * Counting: n_queued has the tasks that wait, in the inbox, in the queue or sent ahead; n_executing those that a worker
 * is at; n_open both. A task is counted out once, in task_done(). */

#include "config.h"

#include "task/ferry-executor-private.h"

#include "base/ferry-base-private.h"
#include "worker/ferry-function-private.h"

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
  gint64 timeout = ferry_task_get_queue_timeout (task);

  if (timeout > 0)
    ferry_timers_set (self->timers, &ferry_task_get_seat (task)->timer, ferry_task_get_submit_time (task) + timeout,
                      queue_timed_out, task);
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
  return ferry_task_queue_peek (&from_source (source)->queue);
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

static void
source_fail_all (FerryTaskSource *source, const GError *error)
{
  FerryExecutor *self = g_object_ref (from_source (source));
  FerryTask *task;

  while ((task = ferry_task_queue_peek (&self->queue)) != NULL)
    {
      ferry_task_queue_remove (&self->queue, task);
      fail_waiting (self, task, FERRY_TASK_EVENT_REFUSE, g_error_copy (error));
    }
  g_object_unref (self);
}

static void
queue_timed_out (gpointer data)
{
  FerryTask *task = data;
  FerryTaskSeat *seat = ferry_task_get_seat (task);
  FerryExecutor *self = from_source (seat->queue);
  gint64 timeout = ferry_task_get_queue_timeout (task);

  /* A task that was sent ahead is taken back, unless it was begun this moment. */
  if (seat->worker != NULL)
    ferry_pool_worker_take_back (seat->worker);
  if (seat->worker != NULL)
    return;
  ferry_task_queue_remove (&self->queue, task);
  fail_waiting (self, task, FERRY_TASK_EVENT_QUEUE_TIMEOUT,
                g_error_new (FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT,
                             "Task “%s” waited for longer than its %" G_GINT64_FORMAT
                             " ms without being begun; add workers, or submit less",
                             ferry_task_get_name (task), timeout / FERRY_MICROSECONDS_PER_MILLISECOND));
  ferry_pool_pump (self->pool);
}

/* The task was asked to cancel. One that waited is cancelled by that; it is taken out of wherever it waits. */
static void
driver_cancelled (gpointer executor, FerryTask *task)
{
  FerryExecutor *self = executor;
  FerryTaskSeat *seat = ferry_task_get_seat (task);

  if (!ferry_task_get_done (task))
    {
      ferry_pool_worker_cancel_task (seat->worker, task);
      return;
    }
  /* In the inbox: the router's thread finds it done when it takes it in. */
  if (!seat->taken_in)
    return;
  g_object_ref (self);
  g_object_ref (task);
  ferry_timers_unset (self->timers, &seat->timer);
  if (seat->worker != NULL)
    ferry_pool_worker_cancel_task (seat->worker, task);
  else
    ferry_task_queue_remove (&self->queue, task);
  task_done (self, task);
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

static void
wait_timed_out (gpointer data)
{
  *(gboolean *) data = TRUE;
}

static gboolean
driver_wait (gpointer executor, FerryTask *task, gint64 timeout, GError **error)
{
  FerryExecutor *self = executor;
  FerryRouter *router = self->pool->router;
  gboolean timed_out = FALSE;
  FerryTimer timer = {0};

  if (!ferry_router_check (router, error))
    return FALSE;
  if (router->dispatching)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_BUSY,
                           "A handler cannot wait for a task, whose end would come through the same loop; use "
                           "ferry_task_wait_async()");
      return FALSE;
    }
  g_object_ref (self);
  if (timeout >= 0)
    ferry_timers_set (self->timers, &timer, g_get_monotonic_time () + timeout, wait_timed_out, &timed_out);
  while (!ferry_task_get_done (task) && !timed_out)
    g_main_context_iteration (router->context, TRUE);
  ferry_timers_unset (self->timers, &timer);
  g_object_unref (self);
  if (ferry_task_get_done (task))
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "Task “%s” is not done yet; wait longer, or cancel it",
               ferry_task_get_name (task));
  return FALSE;
}

static GMainContext *
driver_get_context (gpointer executor)
{
  return FERRY_EXECUTOR (executor)->pool->router->context;
}

static const FerryTaskDriver driver = {driver_cancelled, driver_consumed, driver_wait, driver_get_context};

static gboolean
router_is_usable (FerryExecutor *self, GError **error)
{
  if (ferry_router_get_running (self->pool->router))
    return TRUE;
  g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING,
                       "The pool's router is not running; call ferry_router_start() first");
  return FALSE;
}

/* main: a task that was accepted takes its place in the queue. Takes its reference over. */
static void
take_in (FerryExecutor *self, FerryTask *task)
{
  g_autoptr (GError) error = NULL;

  ferry_task_get_seat (task)->taken_in = TRUE;
  if (self->n_open++ == 0)
    {
      g_object_ref (self);
      self->n_batch_done = 0;
    }
  ferry_executor_list_add (self, task);
  if (ferry_task_get_done (task))
    {
      task_done (self, task);
      return;
    }
  if (self->pool->error != NULL)
    error = g_error_copy (self->pool->error);
  else if (self->shutdown_tasks->len > 0)
    g_set_error_literal (&error, FERRY_ERROR, FERRY_ERROR_REFUSED, "The executor is being shut down");
  if (error != NULL || !router_is_usable (self, &error))
    {
      fail_waiting (self, task, FERRY_TASK_EVENT_REFUSE, g_steal_pointer (&error));
      return;
    }
  ferry_task_queue_push (&self->queue, task, FALSE);
  set_queue_timer (self, task);
  ferry_executor_figures_changed (self);
  ferry_pool_pump (self->pool);
}

/* main: takes in what other threads submitted so far. */
void
ferry_executor_empty_inbox (FerryExecutor *self)
{
  GQueue tasks;
  FerryTask *task;

  pthread_mutex_lock (&self->inbox_lock);
  tasks = self->inbox;
  g_queue_init (&self->inbox);
  if (self->inbox_source != NULL)
    g_source_destroy (self->inbox_source);
  g_clear_pointer (&self->inbox_source, g_source_unref);
  pthread_mutex_unlock (&self->inbox_lock);
  while ((task = g_queue_pop_head (&tasks)) != NULL)
    take_in (self, task);
}

static gboolean
inbox_ready (gpointer data)
{
  ferry_executor_empty_inbox (data);
  return G_SOURCE_REMOVE;
}

/* any: leaves a task for the router's thread. */
static void
put_into_inbox (FerryExecutor *self, FerryTask *task)
{
  pthread_mutex_lock (&self->inbox_lock);
  ferry_hand_over (task);
  g_queue_push_tail (&self->inbox, g_object_ref (task));
  if (self->inbox_source == NULL)
    {
      self->inbox_source = g_idle_source_new ();
      g_source_set_priority (self->inbox_source, G_PRIORITY_DEFAULT);
      g_source_set_static_name (self->inbox_source, "[ferry] tasks of other threads");
      g_source_set_callback (self->inbox_source, inbox_ready, g_object_ref (self), g_object_unref);
      g_source_attach (self->inbox_source, self->pool->router->context);
    }
  pthread_mutex_unlock (&self->inbox_lock);
}

/* any: counts a task in, where there is room for it. */
static gboolean
take_room (FerryExecutor *self)
{
  gint before = atomic_fetch_add_explicit (&self->n_queued, 1, memory_order_relaxed);

  if (self->max_pending == 0 || before < (gint) self->max_pending)
    return TRUE;
  atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
  return FALSE;
}

/* any: whether the task could be submitted, but for room. */
static gboolean
check (FerryExecutor *self, FerryTask *task, GError **error)
{
  const FerryFunctionEntry *entry = ferry_function_find (ferry_task_get_function (task));

  if (atomic_load_explicit (&self->state, memory_order_acquire) != FERRY_EXECUTOR_STATE_RUNNING)
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_STOPPED,
                           "The executor was stopped, and takes no more tasks; make another one");
      return FALSE;
    }
  return entry == NULL || ferry_function_check_arguments (entry, ferry_task_get_arguments (task), error);
}

static gboolean
submit_now (FerryExecutor *self, FerryTask *task, GError **error)
{
  if (!ferry_task_claim (task, &driver, self, error))
    {
      atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
      return FALSE;
    }
  ferry_task_get_seat (task)->queue = &self->source;
  if (ferry_router_check (self->pool->router, NULL))
    take_in (self, g_object_ref (task));
  else
    put_into_inbox (self, task);
  return TRUE;
}

/* main: submissions that waited for room go on. */
void
ferry_executor_wake_waiters (FerryExecutor *self)
{
  while (self->waiters.head != NULL)
    {
      g_autoptr (GTask) waiter = NULL;
      g_autoptr (GError) error = NULL;
      FerryTask *task;

      if (g_task_return_error_if_cancelled (self->waiters.head->data))
        {
          g_object_unref (g_queue_pop_head (&self->waiters));
          continue;
        }
      if (!take_room (self))
        return;
      waiter = g_queue_pop_head (&self->waiters);
      task = g_task_get_task_data (waiter);
      if (!check (self, task, &error))
        atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
      else if (submit_now (self, task, &error))
        {
          g_task_return_boolean (waiter, TRUE);
          continue;
        }
      g_task_return_error (waiter, g_steal_pointer (&error));
    }
}

static void
ferry_executor_dispose (GObject *object)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  if (self->pool != NULL)
    {
      ferry_pool_remove_source (self->pool, &self->source);
      ferry_timers_unset (self->timers, &self->notify_timer);
      ferry_timers_unset (self->timers, &self->shutdown_timer);
    }
  g_queue_clear (&self->finished);
  if (self->list != NULL)
    g_sequence_remove_range (g_sequence_get_begin_iter (self->list), g_sequence_get_end_iter (self->list));

  G_OBJECT_CLASS (ferry_executor_parent_class)->dispose (object);
}

static void
ferry_executor_finalize (GObject *object)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  ferry_task_queue_clear (&self->queue);
  g_clear_pointer (&self->list, g_sequence_free);
  g_ptr_array_unref (self->shutdown_tasks);
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
  self->shutdown_tasks = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * ferry_executor_submit_task:
 * @self: an executor
 * @task: a task that was not submitted before
 * @error: return location for an error
 *
 * Submits a task. It is begun when its turn comes: by priority, then in the order of submission. Any thread may call
 * this; signals come on the router's thread.
 *
 * Fails with %FERRY_ERROR_STOPPED when the executor takes no more tasks, with %FERRY_ERROR_WOULD_BLOCK when
 * [property@Ferry.Executor:max-pending] tasks wait, with %FERRY_ERROR_ALREADY_STARTED when the task was submitted
 * before, and with %FERRY_ERROR_BAD_ARGUMENTS when this program has registered the function and the arguments are not
 * its. What goes wrong later, an unknown function for instance, is the task's error.
 *
 * Returns: %TRUE when the task was accepted
 *
 * Since: 0.1
 */
gboolean
ferry_executor_submit_task (FerryExecutor *self, FerryTask *task, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check (self, task, error))
    return FALSE;
  if (!take_room (self))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK,
                   "%u tasks wait already; submit with ferry_executor_submit_task_async(), or allow more",
                   self->max_pending);
      return FALSE;
    }
  return submit_now (self, task, error);
}

/**
 * ferry_executor_submit:
 * @self: an executor
 * @function: the name of a registered function
 * @arguments: (nullable): its arguments; a floating reference is taken over
 * @error: return location for an error
 *
 * Submits a call: makes a task of kind %FERRY_TASK_KIND_CALL, and submits it. Any thread may call this.
 *
 * Fails as [method@Ferry.Executor.submit_task] does.
 *
 * Returns: (transfer full): the task
 *
 * Since: 0.1
 */
FerryTask *
ferry_executor_submit (FerryExecutor *self, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (FerryTask) task = NULL;

  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);
  return ferry_executor_submit_task (self, task, error) ? g_steal_pointer (&task) : NULL;
}

/**
 * ferry_executor_submit_task_async:
 * @self: an executor
 * @task: a task that was not submitted before
 * @cancellable: (nullable): ends the waiting for room
 * @callback: (scope async): called when the task was accepted, or will not be
 * @user_data: data for @callback
 *
 * Submits a task as soon as there is room for it: whoever submits in the callback of the submission before never has
 * more waiting than [property@Ferry.Executor:max-pending]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_executor_submit_task_async (FerryExecutor *self, FerryTask *task, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *waiter;

  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  g_return_if_fail (FERRY_IS_TASK (task));

  waiter = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (waiter, ferry_executor_submit_task_async);
  g_task_set_task_data (waiter, g_object_ref (task), g_object_unref);
  g_queue_push_tail (&self->waiters, waiter);
  ferry_executor_wake_waiters (self);
}

/**
 * ferry_executor_submit_task_finish:
 * @self: an executor
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Executor.submit_task_async].
 *
 * Fails as [method@Ferry.Executor.submit_task] does, but for want of room, and with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when the task was accepted
 *
 * Since: 0.1
 */
gboolean
ferry_executor_submit_task_finish (FerryExecutor *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}
