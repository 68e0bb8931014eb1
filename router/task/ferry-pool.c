/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Workers kept warm, and who gets which task.
 *
 * Everything here is set going by an event: a task was submitted, an answer came, a worker started or ended, a timer
 * ran out. Each of them ends in ferry_pool_pump(), which hands over tasks as long as there are tasks and room. */

#include "config.h"

#include "task/ferry-pool-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-usable-cores.h"
#include "call/ferry-remote-error-private.h"
#include "worker/ferry-nursery-private.h"

/* So much work may be sent ahead to one worker, by the time that tasks took lately, and so many tasks: enough to bridge
 * the way to us and back, and little enough that a task of higher priority does not wait for long. */
#define AHEAD_MICROSECONDS 1000.0
#define MAX_DEPTH 64

/* A worker that is warm begins what it is given long before. Among workers that do not, the time is twice as long each
 * time, up to 8 s, so that tasks do not go round and round and yet find the first that goes on. */
#define BEGIN_MICROSECONDS 1000
#define MAX_DOUBLINGS 13

/* How quickly the mean follows. */
#define MEAN_SHARE (1.0 / 16)

G_DEFINE_FINAL_TYPE (FerryPool, ferry_pool, G_TYPE_OBJECT)

/* main: from now on tasks of source are run. */
void
ferry_pool_add_source (FerryPool *self, FerryTaskSource *source)
{
  g_ptr_array_add (self->sources, source);
}

void
ferry_pool_remove_source (FerryPool *self, FerryTaskSource *source)
{
  g_ptr_array_remove (self->sources, source);
}

/* main: notes how long a task took, from its hand-over or from the answer before it. */
void
ferry_pool_note_time (FerryPool *self, gint64 microseconds)
{
  double sample = (double) MAX (microseconds, 0);

  if (self->mean_time == 0)
    self->mean_time = MAX (sample, 1);
  else
    self->mean_time += (sample - self->mean_time) * MEAN_SHARE;
}

/* How many tasks a worker may have in hand. */
static guint
get_depth (FerryPool *self)
{
  if (self->mean_time == 0)
    return 1;
  return (guint) CLAMP (AHEAD_MICROSECONDS / MAX (self->mean_time, 1), 1, MAX_DEPTH);
}

/* The task to be run next: of the highest priority, and by turns among executors with such. */
static FerryTask *
peek_task (FerryPool *self)
{
  FerryTask *best = NULL;
  guint n = self->sources->len;

  for (guint i = 0; i < n; i++)
    {
      guint index = (self->next_source + i) % n;
      FerryTaskSource *source = g_ptr_array_index (self->sources, index);
      FerryTask *task = source->peek (source);

      if (task != NULL && (best == NULL || ferry_task_get_priority (task) > ferry_task_get_priority (best)))
        best = task;
    }
  return best;
}

/* The next turn is that of the executor behind this one. */
static void
pass_turn (FerryPool *self, FerryTaskSource *source)
{
  guint index = 0;

  if (self->sources->len > 1 && g_ptr_array_find (self->sources, source, &index))
    self->next_source = index + 1;
}

/* Whether a worker may be given one more. Nothing is sent ahead that it will be too worn out for. */
static gboolean
has_room (FerryPool *self, FerryPoolWorker *worker, guint depth)
{
  guint n = worker->in_flight.length;

  return worker->state == FERRY_POOL_WORKER_READY && n < depth &&
         (self->max_tasks == 0 || worker->n_done + n < self->max_tasks);
}

/* Whether a worker is better than another one for the next task: one that was seen to begin what it is given comes
 * first, then one that has less in hand. */
static gboolean
is_better (const FerryPoolWorker *worker, const FerryPoolWorker *other)
{
  if (other == NULL || worker->n_missed != other->n_missed)
    return other == NULL || worker->n_missed < other->n_missed;
  return worker->in_flight.length < other->in_flight.length;
}

/* The best worker that has room, or NULL. A task whose time runs from its hand-over on is not sent ahead. */
static FerryPoolWorker *
pick_worker (FerryPool *self, FerryTask *task)
{
  guint depth = ferry_task_get_run_timeout (task) > 0 ? 1 : get_depth (self);
  FerryPoolWorker *best = NULL;

  if (self->taker != NULL && has_room (self, self->taker, 1))
    return self->taker;
  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      if (has_room (self, worker, worker->n_missed > 0 ? 1 : depth) && is_better (worker, best))
        best = worker;
    }
  return best;
}

/* main: has the tasks that wait fail. Executors may go meanwhile, with their last task, or come; those that come are
 * told by the pool's state. */
void
ferry_pool_fail_sources (FerryPool *self, const GError *reason)
{
  for (guint i = self->sources->len; i > 0; i--)
    if (i <= self->sources->len)
      {
        FerryTaskSource *source = g_ptr_array_index (self->sources, i - 1);

        source->fail_all (source, reason);
      }
}

/* That the router was stopped ends what there is to do, and not the pool: the router may be started again. The workers
 * have ended by then. */
static void
running_changed (FerryPool *self)
{
  g_autoptr (GError) error = NULL;

  if (ferry_router_get_running (self->router))
    return;
  error = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                               "The router was stopped before the task began; start the router again, then submit the "
                               "task again");
  ferry_pool_fail_sources (self, error);
}

static gboolean
start_worker (FerryPool *self)
{
  g_autoptr (GError) error = NULL;
  FerryPoolWorker *worker;

  if (self->error != NULL || self->stopping || ferry_timer_is_set (&self->back_off))
    return FALSE;
  if (!ferry_router_check (self->router, NULL))
    return FALSE;
  worker = ferry_pool_worker_new (self, &error);
  if (worker == NULL)
    {
      gboolean short_of = g_error_matches (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);

      ferry_pool_note_failed_start (self, short_of ? FERRY_OBSTACLE_SHORTAGE : FERRY_OBSTACLE_LASTING,
                                    g_steal_pointer (&error));
      return FALSE;
    }
  self->started = TRUE;
  g_ptr_array_add (self->workers, worker);
  if (self->max_age > 0 && !ferry_timer_is_set (&self->age_timer))
    ferry_pool_look_at_ages (self);
  return TRUE;
}

/* Whether one worker more may be started. Those that end do not count, but for there being no more of them than of the
 * others: each is replaced before it has run its finaliser, and may take its time for that. */
static gboolean
has_place (FerryPool *self)
{
  return ferry_pool_count_live (self) < self->max_workers && self->workers->len < 2 * self->max_workers;
}

static gboolean
has_too_few (FerryPool *self)
{
  return ferry_pool_count_live (self) < self->min_workers ||
         (self->min_idle > 0 && ferry_pool_count_idle (self) < self->min_idle);
}

static void
start_minimum (FerryPool *self)
{
  while (self->started && has_too_few (self) && has_place (self) && start_worker (self))
    ;
}

static void look_for_idle (gpointer data);
static void take_from_busiest (FerryPool *self, FerryPoolWorker *idle);

static gint64
get_time_to_begin (guint n_missed)
{
  return (gint64) BEGIN_MICROSECONDS << MIN (n_missed, MAX_DOUBLINGS);
}

static void
look_at (FerryPool *self, gint64 time)
{
  if (!ferry_timer_is_set (&self->look_timer) || self->look_timer.deadline > time)
    ferry_timers_set (self->timers, &self->look_timer, time, look_for_idle, self);
}

/* A worker with nothing in hand, of those the one most likely to begin something; or NULL. */
static FerryPoolWorker *
find_idle (FerryPool *self)
{
  FerryPoolWorker *idle = NULL;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      if (worker->state == FERRY_POOL_WORKER_READY && worker->in_flight.length == 0 && is_better (worker, idle))
        idle = worker;
    }
  return idle;
}

/* Hands a task over. Returns FALSE when nothing more can be done now. */
static gboolean
pump_once (FerryPool *self)
{
  FerryTask *task = self->error == NULL ? peek_task (self) : NULL;
  FerryPoolWorker *worker = task != NULL ? pick_worker (self, task) : NULL;

  if (task != NULL && (worker == NULL || worker->in_flight.length > 0) && has_place (self))
    {
      /* Whether a worker was started or not, handlers may have done anything to the task. */
      start_worker (self);
      task = peek_task (self);
      worker = task != NULL && !self->stopping ? pick_worker (self, task) : NULL;
    }
  if (worker == NULL)
    return FALSE;
  pass_turn (self, ferry_task_get_seat (task)->queue);
  if (!ferry_pool_worker_hand_over (worker, task))
    return FALSE;
  if (!ferry_timer_is_set (&self->look_timer) && find_idle (self) != NULL)
    look_at (self, g_get_monotonic_time () + BEGIN_MICROSECONDS);
  return TRUE;
}

/* A worker that has nothing to do takes from those that have more than they are at. */
static void
level (FerryPool *self)
{
  FerryPoolWorker *idle = self->stopping || self->taker != NULL ? NULL : find_idle (self);

  if (idle != NULL)
    take_from_busiest (self, idle);
}

/* main: hands over what can be. */
void
ferry_pool_pump (FerryPool *self)
{
  if (self->pumping)
    {
      self->pump_again = TRUE;
      return;
    }
  g_object_ref (self);
  self->pumping = TRUE;
  self->router->n_holding++;
  do
    {
      self->pump_again = FALSE;
      while (!self->stopping && pump_once (self))
        ;
    }
  while (self->pump_again);
  self->router->n_holding--;
  self->pumping = FALSE;
  start_minimum (self);
  level (self);
  /* What came back from a worker after the pool had failed. */
  if (self->error != NULL)
    {
      g_autoptr (GError) reason = ferry_error_copy (self->error);

      ferry_pool_fail_sources (self, reason);
    }
  g_object_unref (self);
}

/* A worker that can be spared: one that has nothing to do, where there is one. */
static FerryPoolWorker *
pick_to_retire (FerryPool *self)
{
  FerryPoolWorker *pick = NULL;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      if (worker->state <= FERRY_POOL_WORKER_READY &&
          (pick == NULL || worker->in_flight.length < pick->in_flight.length))
        pick = worker;
    }
  return pick;
}

/* main: there are to be more workers or less than before. */
void
ferry_pool_fit (FerryPool *self)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = g_object_ref (self);

  while (!self->stopping && ferry_pool_count_live (self) > self->max_workers)
    {
      g_autoptr (FerryPoolWorker) worker = ferry_pool_worker_ref (pick_to_retire (self));

      ferry_pool_worker_take_back (worker);
      ferry_pool_worker_retire (worker);
    }
  /* What was sent ahead is worth another worker, where there may be one now. */
  for (guint i = 0; has_place (self) && i < self->workers->len; i++)
    ferry_pool_worker_take_back (g_ptr_array_index (self->workers, i));
  ferry_pool_pump (self);
}

/* How many of the tasks that a worker has in hand wait there: all but the first, and that one too where the worker has
 * had the time to begin it and has not, as one that is still preparing itself. The more often the idle worker missed
 * its time, the more has this one. */
static guint
count_ahead (FerryPool *self, const FerryPoolWorker *worker, const FerryPoolWorker *idle)
{
  gint64 begins_by = worker->latest + get_time_to_begin (idle->n_missed);
  guint n = worker->in_flight.length;

  if (n == 0 || ferry_link_get_begun_call (worker->link) >= ferry_task_get_seat (worker->in_flight.head->data)->xid)
    return MAX (n, 1) - 1;
  if (begins_by <= g_get_monotonic_time ())
    return n;
  look_at (self, begins_by);
  return n - 1;
}

/* Gives a worker what was sent ahead to the one with the most of it; one that is still being started has begun nothing.
 * The first goes to this worker whatever it missed before, or it would come back here for ever. */
static void
take_from_busiest (FerryPool *self, FerryPoolWorker *idle)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (FerryPoolWorker) taker = ferry_pool_worker_ref (idle);
  FerryPoolWorker *taker_before = self->taker;
  FerryPoolWorker *busiest = NULL;
  guint most = 0;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);
      guint n = worker->state == FERRY_POOL_WORKER_READY ? count_ahead (self, worker, idle) : 0;

      if (n <= most)
        continue;
      busiest = worker;
      most = n;
    }
  if (busiest == NULL)
    return;
  if (most == busiest->in_flight.length)
    busiest->n_missed = MAX (busiest->n_missed, idle->n_missed) + 1;
  self->taker = taker;
  ferry_pool_worker_take_back (busiest);
  ferry_pool_pump (self);
  self->taker = taker_before;
}

/* A worker was idle while another one had not begun what it was given. */
static void
look_for_idle (gpointer data)
{
  level (data);
}

/* main: a worker has room: after an answer, or at its beginning. */
void
ferry_pool_worker_ready (FerryPool *self, FerryPoolWorker *worker)
{
  ferry_pool_pump (self);
  ferry_pool_note_idle (self, worker);
}

/* main: the worker is gone. */
void
ferry_pool_worker_ended (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit)
{
  gboolean expected = worker->told_to_end;
  guint position;

  g_object_ref (self);
  worker->pool = NULL;
  if (worker->worker != NULL && g_list_store_find (self->list, worker->worker, &position))
    g_list_store_remove (self->list, position);
  if (!expected && !self->stopping)
    ferry_pool_note_end (self, worker, exit);
  g_ptr_array_remove (self->workers, worker);
  if (self->stopping)
    ferry_pool_finish_stop (self);
  else
    ferry_pool_pump (self);
  g_object_unref (self);
}

/* main: nothing can be run any more: every task that waits fails with this error, and those that are submitted later.
 * Takes error over; the first one counts. */
void
ferry_pool_fail (FerryPool *self, GError *error)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GError) reason = NULL;

  if (self->error != NULL)
    {
      g_error_free (error);
      return;
    }
  self->error = error;
  reason = ferry_error_copy (error);
  ferry_pool_notify_error (self);
  ferry_pool_fail_sources (self, reason);
}

static void
release_worker (gpointer data)
{
  FerryPoolWorker *worker = data;

  worker->pool = NULL;
  ferry_pool_worker_unref (worker);
}

static void
ferry_pool_constructed (GObject *object)
{
  FerryPool *self = FERRY_POOL (object);

  G_OBJECT_CLASS (ferry_pool_parent_class)->constructed (object);

  self->timers = ferry_router_get_timers (self->router);
  self->in_threads = self->launcher == NULL;
  if (self->launcher != NULL)
    ferry_launcher_bind (self->launcher, self->router->home);
  g_signal_connect_object (self->router, "notify::running", G_CALLBACK (running_changed), self, G_CONNECT_SWAPPED);
}

/* The workers end with their pool. What they have in hand goes back to executors, of which there are none: each holds
 * its pool. */
static void
ferry_pool_dispose (GObject *object)
{
  FerryPool *self = FERRY_POOL (object);

  self->stopping = TRUE;
  while (self->workers->len > 0)
    {
      FerryPoolWorker *worker = g_ptr_array_steal_index (self->workers, self->workers->len - 1);

      ferry_timers_unset (self->timers, &worker->timer);
      worker->pool = NULL;
      if (worker->state != FERRY_POOL_WORKER_CONDEMNED)
        ferry_pool_worker_kill (worker);
      ferry_pool_worker_unref (worker);
    }
  ferry_timers_unset (self->timers, &self->back_off);
  ferry_timers_unset (self->timers, &self->stop_timer);
  ferry_timers_unset (self->timers, &self->look_timer);
  ferry_timers_unset (self->timers, &self->age_timer);

  G_OBJECT_CLASS (ferry_pool_parent_class)->dispose (object);
}

static void
ferry_pool_finalize (GObject *object)
{
  FerryPool *self = FERRY_POOL (object);

  g_ptr_array_unref (self->workers);
  g_ptr_array_unref (self->sources);
  g_array_unref (self->restarts);
  g_array_unref (self->refusals);
  g_object_unref (self->list);
  g_clear_error (&self->error);
  g_free (self->name);
  g_free (self->initialiser);
  g_clear_pointer (&self->initialiser_arguments, g_variant_unref);
  g_free (self->finaliser);
  g_clear_pointer (&self->finaliser_arguments, g_variant_unref);
  g_clear_object (&self->starter);
  g_clear_object (&self->launcher);
  g_object_unref (self->router);

  G_OBJECT_CLASS (ferry_pool_parent_class)->finalize (object);
}

static void
ferry_pool_class_init (FerryPoolClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = ferry_pool_constructed;
  object_class->dispose = ferry_pool_dispose;
  object_class->finalize = ferry_pool_finalize;
  ferry_pool_install_properties (object_class);
}

static void
ferry_pool_init (FerryPool *self)
{
  self->max_workers = ferry_get_n_usable_cores ();
  self->idle_timeout = 60 * G_USEC_PER_SEC;
  self->restart_limit = 5;
  self->restart_interval = 60 * G_USEC_PER_SEC;
  self->death_limit = 3;
  self->use_nursery = TRUE;
  self->list = g_list_store_new (FERRY_TYPE_WORKER);
  self->workers = g_ptr_array_new_with_free_func (release_worker);
  self->sources = g_ptr_array_new ();
  self->restarts = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->refusals = g_array_new (FALSE, FALSE, sizeof (gint64));
}

/**
 * ferry_pool_start:
 * @self: a pool
 * @error: return location for an error
 *
 * Starts as many workers as the pool keeps at least, so that the first tasks find them warm. Not needed: workers are
 * started when there are tasks for them. On the router's thread.
 *
 * What the system has too little for now is tried again after a pause ([method@Ferry.Pool.set_restart_limit]), and is
 * no error of this call.
 *
 * Fails with the error that the pool failed with (see [method@Ferry.Pool.get_error]), and with the other errors of
 * [method@Ferry.Launcher.spawn].
 *
 * Returns: %TRUE on success
 *
 * Since: 0.1
 */
gboolean
ferry_pool_start (FerryPool *self, GError **error)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_router_check (self->router, error))
    return FALSE;
  self->started = TRUE;
  start_minimum (self);
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, ferry_error_copy (self->error));
  return FALSE;
}

/**
 * ferry_pool_reset:
 * @self: a pool
 *
 * Has a pool that has failed try again: workers are started again when there are tasks for them. What it was given to
 * start stays as it is. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_reset (FerryPool *self)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  g_clear_error (&self->error);
  g_array_set_size (self->restarts, 0);
  g_array_set_size (self->refusals, 0);
  if (self->starter != NULL && ferry_launcher_get_nursery (self->starter) != NULL)
    ferry_nursery_forgive (ferry_launcher_get_nursery (self->starter));
  else if (self->starter != NULL && ferry_launcher_get_may_execute (self->starter))
    /* It may be a nursery now. */
    g_clear_object (&self->starter);
  ferry_timers_unset (self->timers, &self->back_off);
  ferry_pool_notify_error (self);
  ferry_pool_pump (self);
}
