/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Workers kept warm, and who gets which task.
 *
 * Everything here is set going by an event: a task was submitted, an answer came, a worker started or ended, a timer
 * ran out. Each of them ends in ferry_pool_schedule(), which hands over tasks as long as there are tasks and room.
 *
 * It is one file since most of it are settings, and each of those is heeded wherever workers are started, fed, retired
 * or replaced. What one worker does is in ferry-pool-worker.c.
 *
 * Threads: the router's. */

#include "config.h"

#include "task/ferry-pool-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-usable-cores.h"
#include "base/ferry-wait-queue-private.h"
#include "call/ferry-remote-error-private.h"
#include "route/ferry-exit-private.h"
#include "task/ferry-pool-worker-private.h"
#include "worker/ferry-launcher-private.h"

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

/* The first pause after a worker that ended before it was of use, which doubles with each that follows. */
#define FIRST_BACK_OFF (50 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define MAX_BACK_OFF (5 * G_USEC_PER_SEC)

/**
 * FerryPool:
 *
 * Workers that are kept warm, and run tasks one after the other.
 *
 * A pool of processes is made from a [class@Ferry.Launcher] that says which program: one that registers functions
 * ([func@Ferry.function_register]) and calls [func@Ferry.Worker.main]. Its workers are forked by a
 * [class@Ferry.Fork server] of that program. A pool of threads runs the functions that this program has registered, in
 * threads of its own: for what is light, and for tests.
 *
 * Tasks come from one [class@Ferry.Executor] or from several. A worker's death costs the task that it was at and
 * nothing else, and the worker is replaced. Nothing in a pool polls: a pool without tasks costs nothing.
 *
 * A pool lives on its router's thread. It ends its workers when it goes; executors keep their pool.
 *
 * Since: 0.1
 */
struct _FerryPool
{
  GObject parent_instance;

  FerryRouter *router;     /* const: (owned) */
  FerryLauncher *launcher; /* const: (owned) (nullable): NULL in a pool of threads */
  FerryLauncher *starter;  /* (owned) (nullable): what starts the workers, from the first start on */
  FerryTimers *timers;     /* const: (unowned): the router's */
  char *name;              /* (owned) (nullable) */
  FerryPoolRules rules;
  guint min_workers;
  guint max_workers;
  guint min_idle;
  gint64 max_age;
  FerryTimer age_timer; /* for the oldest worker */
  guint restart_limit;
  gint64 restart_interval;

  gboolean in_threads; /* const */
  gboolean use_fork_server;

  GListStore *list;   /* (owned) (element-type FerryWorker): of processes, for show */
  GPtrArray *workers; /* (owned) (element-type FerryPoolWorker): not ended */
  guint n_numbered;   /* for the names of workers */
  GPtrArray *sources; /* (element-type FerryTaskSource) (unowned) */
  guint next_source;  /* whose turn it is */
  double mean_time;   /* of a task, in microseconds; 0: not known yet */
  GArray *restarts;   /* (element-type gint64): times of those ends that count against the limit */
  GArray *refusals;   /* (element-type gint64): times at which the system had too little for a worker */
  guint64 n_restarts;
  FerryTimer back_off;   /* set: no worker is started before */
  GError *error;         /* (owned) (nullable): why no worker is started any more */
  gboolean has_attached; /* some worker has, so that the program is one that does */
  gboolean started;
  gboolean stopping;
  gboolean scheduling;
  gboolean schedule_again;
  FerryWaitQueue stop_waits; /* for the end of a stop */
  FerryTimer stop_timer;
  FerryPoolWorker *taker; /* (unowned) (nullable): has the next task, since it was taken back for this one */
  FerryTimer look_timer;  /* for an idle worker to take what another one has not begun by then */
};

enum
{
  PROP_ROUTER = 1,
  PROP_LAUNCHER,
  PROP_NAME,
  PROP_MIN_WORKERS,
  PROP_MAX_WORKERS,
  PROP_IDLE_TIMEOUT,
  PROP_MIN_IDLE,
  PROP_MAX_TASKS,
  PROP_MAX_AGE,
  PROP_MAX_MEMORY,
  PROP_DEATH_LIMIT,
  PROP_USE_FORK_SERVER,
  PROP_N_WORKERS,
  PROP_N_BUSY,
  PROP_N_RESTARTS,
  PROP_ERROR,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryPool, ferry_pool, G_TYPE_OBJECT)

/* ---- Where tasks come from ---- */

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

/* main: has the tasks that wait fail. Executors may go meanwhile, with their last task, or come; those that come are
 * told by the pool's state. */
static void
fail_sources (FerryPool *self, const GError *reason)
{
  for (guint i = self->sources->len; i > 0; i--)
    if (i <= self->sources->len)
      {
        FerryTaskSource *source = g_ptr_array_index (self->sources, i - 1);

        source->fail_all (source, reason);
      }
}

/* main: how much of those tasks of source is done that are being run: each counts for 1 at the most. */
double
ferry_pool_sum_fractions (FerryPool *self, FerryTaskSource *source)
{
  double sum = 0;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryTask *task = ferry_pool_worker_get_first_task (g_ptr_array_index (self->workers, i));

      if (task != NULL && ferry_task_get_placement (task)->queue == source && !ferry_task_get_done (task))
        sum += MAX (ferry_task_get_fraction (task), 0);
    }
  return sum;
}

/* main */
static void
notify_error (FerryPool *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
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
  notify_error (self);
  fail_sources (self, reason);
}

/* main: whether the pool runs what it is given. Fails with the error that the pool failed with. */
gboolean
ferry_pool_check (FerryPool *self, GError **error)
{
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, ferry_error_copy (self->error));
  return FALSE;
}

/* ---- Counts of workers ---- */

/* main: how many workers take tasks, or will. */
static guint
count_live (FerryPool *self)
{
  guint n = 0;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      n += ferry_pool_worker_is_live (worker);
    }
  return n;
}

/* main: how many workers have nothing to do, or will have. */
static guint
count_idle (FerryPool *self)
{
  guint n = 0;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      n += ferry_pool_worker_is_live (worker) && ferry_pool_worker_get_n_tasks (worker) == 0;
    }
  return n;
}

static guint
count_busy (FerryPool *self)
{
  guint n = 0;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      n += ferry_pool_worker_get_n_tasks (worker) > 0;
    }
  return n;
}

/* main: whether a worker that has nothing to do may end. */
gboolean
ferry_pool_can_spare_idle (FerryPool *self)
{
  return count_live (self) > self->min_workers && count_idle (self) > self->min_idle;
}

/* ---- What a pool puts up with: how often workers may end, how old they may grow ---- */

static void fit (FerryPool *self);

static void
backed_off (gpointer data)
{
  fit (data);
}

static void
forget_before (GArray *times, gint64 time)
{
  guint n = 0;

  while (n < times->len && g_array_index (times, gint64, n) < time)
    n++;
  g_array_remove_range (times, 0, n);
}

static GError *
describe_limit (FerryPool *self, FerryExit *exit)
{
  const char *const *lines = ferry_exit_get_last_lines (exit);
  g_autofree char *text = g_strjoinv ("\n", (char **) lines);

  return g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                      "%u workers of the pool “%s” ended before they had done anything; mend the program, then call "
                      "ferry_pool_reset(). The last: %s%s%s",
                      self->restarts->len, ferry_pool_get_name (self), ferry_exit_get_message (exit),
                      lines[0] != NULL ? ":\n" : "", text);
}

/* Nothing is started before a pause, which is the longer the more of these times there were lately. */
static void
back_off (FerryPool *self, GArray *times)
{
  gint64 now = g_get_monotonic_time ();
  gint64 pause = FIRST_BACK_OFF;

  forget_before (times, now - self->restart_interval);
  g_array_append_val (times, now);
  for (guint i = 1; i < times->len && pause < MAX_BACK_OFF; i++)
    pause *= 2;
  ferry_timers_set (self->timers, &self->back_off, now + MIN (pause, MAX_BACK_OFF), backed_off, self);
}

static GError *
describe_refusals (FerryPool *self, const GError *error)
{
  return g_error_new (
    FERRY_ERROR, FERRY_ERROR_SYSTEM,
    "The system had too little for a worker of the pool “%s” %u times; free what it is short of, then "
    "call ferry_pool_reset(). The last time: %s",
    ferry_pool_get_name (self), self->refusals->len, error->message);
}

/* The system had too little for a worker. All those that were being started at that time have met the same shortage:
 * what comes of the others within the pause is not counted again. */
static void
note_refusal (FerryPool *self, const GError *error)
{
  if (!ferry_timer_is_set (&self->back_off))
    {
      back_off (self, self->refusals);
      g_message ("The pool “%s” starts a worker again after a pause: %s", ferry_pool_get_name (self), error->message);
    }
  if (self->refusals->len > self->restart_limit && count_live (self) == 0)
    ferry_pool_fail (self, describe_refusals (self, error));
}

/* main: a worker could not be started. What the system is short of may be there again soon, so that it is tried again
 * until there were too many of such times. What stays as it is fails the pool, unless there are other workers, which
 * then do what there is to do. Takes error over. */
static void
note_failed_start (FerryPool *self, FerryObstacle obstacle, GError *error)
{
  if (obstacle != FERRY_OBSTACLE_SHORTAGE && count_live (self) == 0)
    {
      ferry_pool_fail (self, error);
      return;
    }
  if (obstacle == FERRY_OBSTACLE_SHORTAGE)
    note_refusal (self, error);
  else
    {
      g_message ("The pool “%s” goes on with the workers that it has: %s", ferry_pool_get_name (self), error->message);
      back_off (self, self->restarts);
    }
  g_error_free (error);
}

/* How many workers may end before they are of use. A program of which no worker has ever attached, and that lets the
 * time for that pass, is hardly one that does: it is tried once more. */
static guint
get_limit (FerryPool *self, FerryExit *exit)
{
  gboolean never = ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_NEVER_ATTACHED && !self->has_attached;

  return never ? MIN (self->restart_limit, 1) : self->restart_limit;
}

/* The fork server cannot fork the worker, and the next one is executed. */
static gboolean
is_for_the_fork_server_only (FerryPool *self, FerryExit *exit)
{
  return ferry_exit_get_obstacle (exit) == FERRY_OBSTACLE_FORK_SERVER && ferry_launcher_get_may_execute (self->starter);
}

/* main: a worker ended that was not told to. One that had worked is simply replaced, and so are those that were lost
 * with their fork server, which counts its own ends. Those that end before they have done anything are replaced after a
 * pause, and when there are too many of them, not any more. */
static void
note_end (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit)
{
  /* The router's own stop took it along. */
  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_ROUTER_STOPPED)
    return;
  self->n_restarts++;
  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_LAUNCH_FAILED)
    {
      if (is_for_the_fork_server_only (self, exit))
        return;
      note_failed_start (self, ferry_exit_get_obstacle (exit),
                         g_error_new_literal (FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED, ferry_exit_get_message (exit)));
      return;
    }
  /* An initialiser that was begun is no task. */
  if (ferry_pool_worker_was_of_use (worker) || ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_FORK_SERVER_LOST)
    return;
  back_off (self, self->restarts);
  if (self->restarts->len > get_limit (self, exit))
    ferry_pool_fail (self, describe_limit (self, exit));
}

static void look_at_ages (FerryPool *self);

static void
ages_came (gpointer data)
{
  g_autoptr (FerryPool) self = g_object_ref (data);

  look_at_ages (self);
  ferry_pool_schedule (self);
}

/* main: has the workers that are too old retire after the task that they are at, and looks again when the next one is.
 * Handlers may change the list, so it is looked at from its beginning after each. */
static void
look_at_ages (FerryPool *self)
{
  gint64 next = G_MAXINT64;
  guint i = 0;

  ferry_timers_unset (self->timers, &self->age_timer);
  while (self->max_age > 0 && i < self->workers->len)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i++);
      gint64 end = ferry_time_add (ferry_pool_worker_get_born_at (worker), self->max_age);

      if (!ferry_pool_worker_is_ready (worker))
        continue;
      if (end > g_get_monotonic_time ())
        {
          next = MIN (next, end);
          continue;
        }
      ferry_pool_worker_ref (worker);
      ferry_pool_worker_take_back (worker);
      ferry_pool_worker_retire (worker);
      ferry_pool_worker_unref (worker);
      i = 0;
      next = G_MAXINT64;
    }
  if (next != G_MAXINT64)
    ferry_timers_set (self->timers, &self->age_timer, next, ages_came, self);
}

/* ---- Workers are started ---- */

/* What starts the workers: the pool's launcher, or one like it that has them forked. Made at the first start, so that
 * the launcher can be told everything before. What is then with the launcher for a worker would wait for ever; what
 * comes later is for one that is spawned, and fails until then. A reference, since whoever hears of the worker may have
 * the pool make another one. */
static FerryLauncher *
get_starter (FerryPool *self, GError **error)
{
  if (self->starter != NULL)
    return g_object_ref (self->starter);
  if (!ferry_launcher_check_no_senders (self->launcher, "the pool",
                                        "have tasks use ferry_job_send() and ferry_job_yield(), or spawn a worker of "
                                        "its own for them; then give the pool another launcher, or call "
                                        "ferry_pool_reset()",
                                        error))
    return NULL;
  ferry_launcher_log_usual (self->launcher);
  if (self->use_fork_server && ferry_launcher_get_fork_server (self->launcher) == NULL)
    self->starter = ferry_launcher_new_forked (self->launcher);
  else
    self->starter = g_object_ref (self->launcher);
  return g_object_ref (self->starter);
}

static FerryPoolWorker *
new_worker (FerryPool *self, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%s %u", ferry_pool_get_name (self), ++self->n_numbered);
  g_autoptr (FerryLauncher) starter = NULL;

  if (!self->in_threads)
    {
      starter = get_starter (self, error);
      if (starter == NULL)
        return NULL;
    }
  return ferry_pool_worker_new (self, name, starter, error);
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
  worker = new_worker (self, &error);
  if (worker == NULL)
    {
      gboolean short_of = g_error_matches (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);

      note_failed_start (self, short_of ? FERRY_OBSTACLE_SHORTAGE : FERRY_OBSTACLE_LASTING, g_steal_pointer (&error));
      return FALSE;
    }
  self->started = TRUE;
  g_ptr_array_add (self->workers, worker);
  if (self->max_age > 0 && !ferry_timer_is_set (&self->age_timer))
    look_at_ages (self);
  return TRUE;
}

/* Whether one worker more may be started. Those that end do not count, but for there being no more of them than of the
 * others: each is replaced before it has run its finaliser, and may take its time for that. */
static gboolean
has_place (FerryPool *self)
{
  return count_live (self) < self->max_workers && self->workers->len < 2 * self->max_workers;
}

static gboolean
has_too_few (FerryPool *self)
{
  return count_live (self) < self->min_workers || (self->min_idle > 0 && count_idle (self) < self->min_idle);
}

static void
start_minimum (FerryPool *self)
{
  while (self->started && has_too_few (self) && has_place (self) && start_worker (self))
    ;
}

/* ---- Who gets which task ---- */

static void look_for_idle (gpointer data);

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

/* The best worker that has room, or NULL. A task whose time runs from its hand-over on is not sent ahead. */
static FerryPoolWorker *
pick_worker (FerryPool *self, FerryTask *task)
{
  guint depth = ferry_task_get_settings (task)->run_timeout > 0 ? 1 : get_depth (self);
  FerryPoolWorker *best = NULL;

  if (self->taker != NULL && ferry_pool_worker_has_room (self->taker, 1, self->rules.max_tasks))
    return self->taker;
  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      if (ferry_pool_worker_has_room (worker, depth, self->rules.max_tasks) &&
          ferry_pool_worker_is_better (worker, best))
        best = worker;
    }
  return best;
}

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

      if (ferry_pool_worker_is_idle (worker) && ferry_pool_worker_is_better (worker, idle))
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

  if (task != NULL && (worker == NULL || ferry_pool_worker_get_n_tasks (worker) > 0) && has_place (self))
    {
      /* Whether a worker was started or not, handlers may have done anything to the task. */
      start_worker (self);
      task = peek_task (self);
      worker = task != NULL && !self->stopping ? pick_worker (self, task) : NULL;
    }
  if (worker == NULL)
    return FALSE;
  pass_turn (self, ferry_task_get_placement (task)->queue);
  if (!ferry_pool_worker_hand_over (worker, task))
    return FALSE;
  if (!ferry_timer_is_set (&self->look_timer) && find_idle (self) != NULL)
    look_at (self, g_get_monotonic_time () + BEGIN_MICROSECONDS);
  return TRUE;
}

/* How many of the tasks that a worker has in hand wait there. The more often the idle worker missed its time to begin
 * something, the more has this one. */
static guint
count_ahead (FerryPool *self, const FerryPoolWorker *worker, const FerryPoolWorker *idle)
{
  gint64 time_to_begin = get_time_to_begin (ferry_pool_worker_get_n_missed (idle));
  gint64 begins_by = 0;
  guint n = ferry_pool_worker_count_ahead (worker, time_to_begin, &begins_by);

  if (begins_by > 0)
    look_at (self, begins_by);
  return n;
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
      guint n = count_ahead (self, worker, idle);

      if (n <= most)
        continue;
      busiest = worker;
      most = n;
    }
  if (busiest == NULL)
    return;
  if (most == ferry_pool_worker_get_n_tasks (busiest))
    ferry_pool_worker_note_missed (busiest, ferry_pool_worker_get_n_missed (idle));
  self->taker = taker;
  ferry_pool_worker_take_back (busiest);
  ferry_pool_schedule (self);
  self->taker = taker_before;
}

/* A worker that has nothing to do takes from those that have more than they are at. */
static void
level (FerryPool *self)
{
  FerryPoolWorker *idle = self->stopping || self->taker != NULL ? NULL : find_idle (self);

  if (idle != NULL)
    take_from_busiest (self, idle);
}

/* A worker was idle while another one had not begun what it was given. */
static void
look_for_idle (gpointer data)
{
  level (data);
}

/* main: hands over what can be. */
void
ferry_pool_schedule (FerryPool *self)
{
  if (self->scheduling)
    {
      self->schedule_again = TRUE;
      return;
    }
  g_object_ref (self);
  self->scheduling = TRUE;
  self->router->n_holding++;
  do
    {
      self->schedule_again = FALSE;
      while (!self->stopping && pump_once (self))
        ;
    }
  while (self->schedule_again);
  self->router->n_holding--;
  self->scheduling = FALSE;
  start_minimum (self);
  level (self);
  /* What came back from a worker after the pool had failed. */
  if (self->error != NULL)
    {
      g_autoptr (GError) reason = ferry_error_copy (self->error);

      fail_sources (self, reason);
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

      if (ferry_pool_worker_is_live (worker) &&
          (pick == NULL || ferry_pool_worker_get_n_tasks (worker) < ferry_pool_worker_get_n_tasks (pick)))
        pick = worker;
    }
  return pick;
}

/* main: there are to be more workers or less than before. */
static void
fit (FerryPool *self)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = g_object_ref (self);

  while (!self->stopping && count_live (self) > self->max_workers)
    {
      g_autoptr (FerryPoolWorker) worker = ferry_pool_worker_ref (pick_to_retire (self));

      ferry_pool_worker_take_back (worker);
      ferry_pool_worker_retire (worker);
    }
  /* What was sent ahead is worth another worker, where there may be one now. */
  for (guint i = 0; has_place (self) && i < self->workers->len; i++)
    ferry_pool_worker_take_back (g_ptr_array_index (self->workers, i));
  ferry_pool_schedule (self);
}

/* ---- How a pool ends all of its workers, and can be used again ---- */

static void
kill_all (gpointer data)
{
  g_autoptr (FerryPool) self = g_object_ref (FERRY_POOL (data));

  for (guint i = self->workers->len; i > 0; i--)
    if (i <= self->workers->len)
      ferry_pool_worker_kill (g_ptr_array_index (self->workers, i - 1));
}

/* main: where the pool is being stopped and has no worker left, it is stopped. */
static void
finish_stop (FerryPool *self)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = NULL;

  if (self->workers->len > 0 || !self->stopping)
    return;
  kept = g_object_ref (self);
  ferry_timers_unset (self->timers, &self->stop_timer);
  self->stopping = FALSE;
  self->started = FALSE;
  ferry_wait_queue_finish_all (&self->stop_waits);
  /* What was submitted meanwhile. */
  ferry_pool_schedule (self);
}

/**
 * ferry_pool_stop_async:
 * @self: a pool
 * @timeout: how long the workers may take to finish what they are at, in microseconds; 0 to kill them now, negative
 *   for as long as it takes
 * @cancellable: (nullable): ends the waiting, not the stopping
 * @callback: (scope async): called when all workers have ended
 * @user_data: data for @callback
 *
 * Ends all workers. Those that do a task finish it, those that have finished run their finaliser, and those that are
 * left when the time is over are killed. Tasks that wait fail with %FERRY_ERROR_REFUSED. Afterwards the pool can be
 * used again. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_stop_async (FerryPool *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = NULL;
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) reason = NULL;

  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  kept = g_object_ref (self);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_pool_stop_async);
  if (self->stopping)
    {
      g_task_return_new_error (task, FERRY_ERROR, FERRY_ERROR_BUSY, "The pool “%s” is being stopped already",
                               ferry_pool_get_name (self));
      return;
    }
  self->stopping = TRUE;
  ferry_wait_queue_add_task (&self->stop_waits, task);
  reason = g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED, "The pool “%s” was stopped; submit the task again",
                        ferry_pool_get_name (self));
  for (guint i = self->workers->len; i > 0; i--)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i - 1);

      ferry_pool_worker_take_back (worker);
      ferry_pool_worker_retire (worker);
    }
  fail_sources (self, reason);
  if (timeout == 0)
    kill_all (self);
  else if (timeout > 0)
    ferry_timers_set (self->timers, &self->stop_timer, ferry_time_add (g_get_monotonic_time (), timeout), kill_all,
                      self);
  finish_stop (self);
}

/**
 * ferry_pool_stop_finish:
 * @self: a pool
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [method@Ferry.Pool.stop_async]. Any thread.
 *
 * Fails with %FERRY_ERROR_BUSY when the pool was being stopped already, and with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when all workers have ended
 *
 * Since: 0.1
 */
gboolean
ferry_pool_stop_finish (FerryPool *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
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
  if (self->starter != NULL && ferry_launcher_get_fork_server (self->starter) != NULL)
    ferry_fork_server_forgive (ferry_launcher_get_fork_server (self->starter));
  else if (self->starter != NULL && ferry_launcher_get_may_execute (self->starter))
    /* It may be a fork server now. */
    g_clear_object (&self->starter);
  ferry_timers_unset (self->timers, &self->back_off);
  notify_error (self);
  ferry_pool_schedule (self);
}

/* ---- What workers tell and ask ---- */

/* main: the pool's own; they may change. */
const FerryPoolRules *
ferry_pool_get_rules (FerryPool *self)
{
  return &self->rules;
}

/* main */
gboolean
ferry_pool_is_stopping (FerryPool *self)
{
  return self->stopping;
}

/* main: the process is there, and is in the list of them. */
void
ferry_pool_show (FerryPool *self, FerryWorker *process)
{
  g_list_store_append (self->list, process);
}

/* main: the process is in the list no more, if it was. */
void
ferry_pool_hide (FerryPool *self, FerryWorker *process)
{
  guint position;

  if (g_list_store_find (self->list, process, &position))
    g_list_store_remove (self->list, position);
}

/* main: a worker has attached. */
void
ferry_pool_note_attached (FerryPool *self)
{
  self->has_attached = TRUE;
}

/* main: the worker is gone. */
void
ferry_pool_take_end (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit)
{
  gboolean expected = ferry_pool_worker_was_told_to_end (worker);

  g_object_ref (self);
  if (ferry_pool_worker_get_process (worker) != NULL)
    ferry_pool_hide (self, ferry_pool_worker_get_process (worker));
  if (!expected && !self->stopping)
    note_end (self, worker, exit);
  g_ptr_array_remove (self->workers, worker);
  if (self->stopping)
    finish_stop (self);
  else
    ferry_pool_schedule (self);
  g_object_unref (self);
}

/* ---- What a pool is told ---- */

/**
 * ferry_pool_set_name:
 * @self: a pool
 * @name: (nullable): what [property@Ferry.Pool:name] says
 *
 * Sets [property@Ferry.Pool:name]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_name (FerryPool *self, const char *name)
{
  char *copy;

  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  copy = g_strdup (name);
  g_free (self->name);
  self->name = copy;
  g_object_notify (G_OBJECT (self), "name");
}

/**
 * ferry_pool_set_min_workers:
 * @self: a pool
 * @min_workers: what [property@Ferry.Pool:min-workers] says
 *
 * Sets [property@Ferry.Pool:min-workers]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_min_workers (FerryPool *self, guint min_workers)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->min_workers == min_workers)
    return;
  self->min_workers = min_workers;
  g_object_notify (G_OBJECT (self), "min-workers");
  if (self->started)
    ferry_pool_schedule (self);
}

/**
 * ferry_pool_set_min_idle:
 * @self: a pool
 * @min_idle: what [property@Ferry.Pool:min-idle] says
 *
 * Sets [property@Ferry.Pool:min-idle]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_min_idle (FerryPool *self, guint min_idle)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->min_idle == min_idle)
    return;
  self->min_idle = min_idle;
  g_object_notify (G_OBJECT (self), "min-idle");
  if (self->started)
    ferry_pool_schedule (self);
}

/**
 * ferry_pool_set_max_workers:
 * @self: a pool
 * @max_workers: what [property@Ferry.Pool:max-workers] says
 *
 * Sets [property@Ferry.Pool:max-workers]. Workers beyond it retire when they have done the task that they are at. On
 * the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_max_workers (FerryPool *self, guint max_workers)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  g_return_if_fail (max_workers >= 1);
  ferry_return_if_elsewhere (self->router->home);

  if (self->max_workers == max_workers)
    return;
  self->max_workers = max_workers;
  g_object_notify (G_OBJECT (self), "max-workers");
  fit (self);
}

/**
 * ferry_pool_set_idle_timeout:
 * @self: a pool
 * @timeout: what [property@Ferry.Pool:idle-timeout] says
 *
 * Sets [property@Ferry.Pool:idle-timeout]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_idle_timeout (FerryPool *self, gint64 idle_timeout)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  g_return_if_fail (idle_timeout >= 0 && idle_timeout < G_MAXINT64 / 2);
  ferry_return_if_elsewhere (self->router->home);

  if (self->rules.idle_timeout == idle_timeout)
    return;
  self->rules.idle_timeout = idle_timeout;
  g_object_notify (G_OBJECT (self), "idle-timeout");
}

/**
 * ferry_pool_set_max_age:
 * @self: a pool
 * @max_age: what [property@Ferry.Pool:max-age] says
 *
 * Sets [property@Ferry.Pool:max-age]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_max_age (FerryPool *self, gint64 max_age)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  g_return_if_fail (max_age >= 0);
  ferry_return_if_elsewhere (self->router->home);

  if (self->max_age == max_age)
    return;
  self->max_age = max_age;
  g_object_notify (G_OBJECT (self), "max-age");
  look_at_ages (self);
}

/**
 * ferry_pool_set_max_tasks:
 * @self: a pool
 * @max_tasks: what [property@Ferry.Pool:max-tasks] says
 *
 * Sets [property@Ferry.Pool:max-tasks]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_max_tasks (FerryPool *self, guint max_tasks)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->rules.max_tasks == max_tasks)
    return;
  self->rules.max_tasks = max_tasks;
  g_object_notify (G_OBJECT (self), "max-tasks");
}

/**
 * ferry_pool_set_max_memory:
 * @self: a pool
 * @max_memory: what [property@Ferry.Pool:max-memory] says
 *
 * Sets [property@Ferry.Pool:max-memory]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_max_memory (FerryPool *self, guint64 max_memory)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->rules.max_memory == max_memory)
    return;
  self->rules.max_memory = max_memory;
  g_object_notify (G_OBJECT (self), "max-memory");
}

/**
 * ferry_pool_set_death_limit:
 * @self: a pool
 * @deaths: what [property@Ferry.Pool:death-limit] says
 *
 * Sets [property@Ferry.Pool:death-limit]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_death_limit (FerryPool *self, guint death_limit)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->rules.death_limit == death_limit)
    return;
  self->rules.death_limit = death_limit;
  g_object_notify (G_OBJECT (self), "death-limit");
}

/**
 * ferry_pool_set_use_fork_server:
 * @self: a pool
 * @use_fork_server: what [property@Ferry.Pool:use-fork-server] says
 *
 * Sets [property@Ferry.Pool:use-fork-server]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_use_fork_server (FerryPool *self, gboolean use_fork_server)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  if (self->use_fork_server == use_fork_server)
    return;
  self->use_fork_server = use_fork_server;
  g_object_notify (G_OBJECT (self), "use-fork-server");
}

/**
 * ferry_pool_set_restart_limit:
 * @self: a pool
 * @restarts: how many
 * @interval: in which time, in microseconds
 *
 * Limits how often a worker that ends before it has begun anything is replaced: each time after a pause that doubles,
 * and when there are more of them than @restarts in @interval, not any more: the pool then fails. By default 5 in 60
 * seconds. Workers that end at a task are replaced without limit.
 *
 * A worker that does not attach in its time ([method@Ferry.Launcher.set_attach_timeout]) is replaced once where none of
 * the pool's workers ever has: the program then hardly calls [func@Ferry.Worker.main].
 *
 * What the system refuses a worker for want of memory, descriptors or processes is tried again after such pauses as
 * well, and limited alike: with no worker left the pool then fails with %FERRY_ERROR_SYSTEM. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_restart_limit (FerryPool *self, guint restarts, gint64 interval)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  g_return_if_fail (interval > 0);
  ferry_return_if_elsewhere (self->router->home);

  self->restart_limit = restarts;
  self->restart_interval = interval;
}

/**
 * ferry_pool_set_initialiser:
 * @self: a pool
 * @function: (nullable): the name of a registered function; %NULL for none
 * @arguments: (nullable): its arguments
 *
 * Sets a function that each new worker runs before its first task. When it fails, the pool fails, once: no worker
 * is started any more until [method@Ferry.Pool.reset]. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_initialiser (FerryPool *self, const char *function, GVariant *arguments)
{
  g_autofree char *name = g_strdup (function);

  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  g_clear_pointer (&self->rules.initialiser_arguments, g_variant_unref);
  if (arguments != NULL)
    self->rules.initialiser_arguments = g_variant_ref_sink (arguments);
  g_free (self->rules.initialiser);
  self->rules.initialiser = g_steal_pointer (&name);
}

/**
 * ferry_pool_set_finaliser:
 * @self: a pool
 * @function: (nullable): the name of a registered function; %NULL for none
 * @arguments: (nullable): its arguments
 *
 * Sets a function that each new worker runs after its last task, when it is retired or the pool is stopped. Its
 * errors are logged. On the router's thread.
 *
 * Since: 0.1
 */
void
ferry_pool_set_finaliser (FerryPool *self, const char *function, GVariant *arguments)
{
  g_autofree char *name = g_strdup (function);

  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->home);

  g_clear_pointer (&self->rules.finaliser_arguments, g_variant_unref);
  if (arguments != NULL)
    self->rules.finaliser_arguments = g_variant_ref_sink (arguments);
  g_free (self->rules.finaliser);
  self->rules.finaliser = g_steal_pointer (&name);
}

/* ---- What it says of itself ---- */

/**
 * ferry_pool_get_min_workers:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:min-workers]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_pool_get_min_workers (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->min_workers;
}

/**
 * ferry_pool_get_max_workers:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:max-workers]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_pool_get_max_workers (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->max_workers;
}

/**
 * ferry_pool_get_n_workers:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:n-workers]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_pool_get_n_workers (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->workers->len;
}

/**
 * ferry_pool_get_n_busy:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:n-busy]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint
ferry_pool_get_n_busy (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return count_busy (self);
}

/**
 * ferry_pool_get_n_restarts:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:n-restarts]. On the router's thread.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
guint64
ferry_pool_get_n_restarts (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), 0);
  ferry_return_val_if_elsewhere (self->router->home, 0);

  return self->n_restarts;
}

/**
 * ferry_pool_get_error:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:error]. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the error
 *
 * Since: 0.1
 */
const GError *
ferry_pool_get_error (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);
  ferry_return_val_if_elsewhere (self->router->home, NULL);

  return self->error;
}

/**
 * ferry_pool_get_name:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:name]. On the router's thread.
 *
 * Returns: (transfer none): the name
 *
 * Since: 0.1
 */
const char *
ferry_pool_get_name (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);
  ferry_return_val_if_elsewhere (self->router->home, NULL);

  if (self->name == NULL)
    self->name = self->launcher != NULL ? ferry_launcher_dup_program_name (self->launcher) : g_strdup ("thread");
  return self->name;
}

/**
 * ferry_pool_get_router:
 * @self: a pool
 *
 * Gets the router. Any thread may call this.
 *
 * Returns: (transfer none): the router
 *
 * Since: 0.1
 */
FerryRouter *
ferry_pool_get_router (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);

  return self->router;
}

/* main: the router's. */
FerryTimers *
ferry_pool_get_timers (FerryPool *self)
{
  return self->timers;
}

/**
 * ferry_pool_get_workers:
 * @self: a pool
 *
 * The processes of the pool, as a list that changes as they come and go. A pool of threads has none.
 * On the router's thread.
 *
 * Returns: (transfer none): a list model of [class@Ferry.Worker]
 *
 * Since: 0.1
 */
GListModel *
ferry_pool_get_workers (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);
  ferry_return_val_if_elsewhere (self->router->home, NULL);

  return G_LIST_MODEL (self->list);
}

static void
ferry_pool_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryPool *self = FERRY_POOL (object);

  /* Those two are const. */
  if (property_id != PROP_ROUTER && property_id != PROP_LAUNCHER)
    ferry_return_if_elsewhere (self->router->home);
  switch (property_id)
    {
    case PROP_ROUTER:
      g_value_set_object (value, self->router);
      break;
    case PROP_LAUNCHER:
      g_value_set_object (value, self->launcher);
      break;
    case PROP_NAME:
      g_value_set_string (value, ferry_pool_get_name (self));
      break;
    case PROP_MIN_WORKERS:
      g_value_set_uint (value, self->min_workers);
      break;
    case PROP_MAX_WORKERS:
      g_value_set_uint (value, self->max_workers);
      break;
    case PROP_IDLE_TIMEOUT:
      g_value_set_int64 (value, self->rules.idle_timeout);
      break;
    case PROP_MIN_IDLE:
      g_value_set_uint (value, self->min_idle);
      break;
    case PROP_MAX_TASKS:
      g_value_set_uint (value, self->rules.max_tasks);
      break;
    case PROP_MAX_AGE:
      g_value_set_int64 (value, self->max_age);
      break;
    case PROP_MAX_MEMORY:
      g_value_set_uint64 (value, self->rules.max_memory);
      break;
    case PROP_DEATH_LIMIT:
      g_value_set_uint (value, self->rules.death_limit);
      break;
    case PROP_USE_FORK_SERVER:
      g_value_set_boolean (value, self->use_fork_server);
      break;
    case PROP_N_WORKERS:
      g_value_set_uint (value, self->workers->len);
      break;
    case PROP_N_BUSY:
      g_value_set_uint (value, count_busy (self));
      break;
    case PROP_N_RESTARTS:
      g_value_set_uint64 (value, self->n_restarts);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_pool_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryPool *self = FERRY_POOL (object);

  switch (property_id)
    {
    case PROP_ROUTER:
      self->router = g_value_dup_object (value);
      break;
    case PROP_LAUNCHER:
      self->launcher = g_value_dup_object (value);
      break;
    case PROP_NAME:
      ferry_pool_set_name (self, g_value_get_string (value));
      break;
    case PROP_MIN_WORKERS:
      ferry_pool_set_min_workers (self, g_value_get_uint (value));
      break;
    case PROP_MAX_WORKERS:
      ferry_pool_set_max_workers (self, g_value_get_uint (value));
      break;
    case PROP_IDLE_TIMEOUT:
      ferry_pool_set_idle_timeout (self, g_value_get_int64 (value));
      break;
    case PROP_MIN_IDLE:
      ferry_pool_set_min_idle (self, g_value_get_uint (value));
      break;
    case PROP_MAX_TASKS:
      ferry_pool_set_max_tasks (self, g_value_get_uint (value));
      break;
    case PROP_MAX_AGE:
      ferry_pool_set_max_age (self, g_value_get_int64 (value));
      break;
    case PROP_MAX_MEMORY:
      ferry_pool_set_max_memory (self, g_value_get_uint64 (value));
      break;
    case PROP_DEATH_LIMIT:
      ferry_pool_set_death_limit (self, g_value_get_uint (value));
      break;
    case PROP_USE_FORK_SERVER:
      ferry_pool_set_use_fork_server (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
install_settings (void)
{
  /**
   * FerryPool:name:
   *
   * The pool's name: the first part of its workers' names, which are seen in `ps`. By default the name of the
   * program.
   *
   * Since: 0.1
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL,
                                               G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:min-workers:
   *
   * How many workers are kept, also when there is nothing to do, once the pool was started or was given a task.
   *
   * Since: 0.1
   */
  properties[PROP_MIN_WORKERS] = g_param_spec_uint (
    "min-workers", NULL, NULL, 0, G_MAXUINT16, 0, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:min-idle:
   *
   * How many workers are kept with nothing to do beside those that are at something, as far as
   * [property@Ferry.Pool:max-workers] allows, once the pool was started or was given a task: so the next task finds a
   * warm one.
   *
   * Since: 0.1
   */
  properties[PROP_MIN_IDLE] = g_param_spec_uint ("min-idle", NULL, NULL, 0, G_MAXUINT16, 0,
                                                 G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:max-workers:
   *
   * How many workers there are at most, beside as many that are ending. By default [func@Ferry.get_n_usable_cores].
   *
   * Since: 0.1
   */
  properties[PROP_MAX_WORKERS] = g_param_spec_uint (
    "max-workers", NULL, NULL, 1, G_MAXUINT16, 1, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:idle-timeout:
   *
   * How long a worker above the minimum is kept with nothing to do, in microseconds; 0 for ever. By default 60
   * seconds.
   *
   * Since: 0.1
   */
  properties[PROP_IDLE_TIMEOUT] =
    g_param_spec_int64 ("idle-timeout", NULL, NULL, 0, G_MAXINT64 / 2, 60 * G_USEC_PER_SEC,
                        G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
}

static void
install_limits (void)
{
  /**
   * FerryPool:max-age:
   *
   * After how many microseconds a worker is replaced by a new one, when it has done the task that it is at; 0 for
   * never.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_AGE] = g_param_spec_int64 ("max-age", NULL, NULL, 0, G_MAXINT64, 0,
                                                 G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:max-tasks:
   *
   * After how many tasks a worker is replaced by a new one; 0 for never.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_TASKS] = g_param_spec_uint ("max-tasks", NULL, NULL, 0, G_MAXUINT, 0,
                                                  G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:max-memory:
   *
   * A worker whose process has more resident memory than this, in bytes, is replaced after its task; 0 for no
   * limit. It is looked at after a task, at most ten times a second. Threads have no such limit.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_MEMORY] = g_param_spec_uint64 (
    "max-memory", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:death-limit:
   *
   * How many workers a task that may be retried can end before it is set aside, with %FERRY_ERROR_QUARANTINED; 0
   * for any number.
   *
   * Since: 0.1
   */
  properties[PROP_DEATH_LIMIT] = g_param_spec_uint (
    "death-limit", NULL, NULL, 0, G_MAXUINT, 3, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:use-fork-server:
   *
   * Whether workers are forked by a fork server, which takes a tenth of a millisecond, or executed one by one, which
   * gives each a layout of its memory of its own. The launcher's own fork server counts before this.
   *
   * A program that cannot be a fork server, since it has threads when it is to fork, say, is executed for each worker
   * all the same: a message tells so once, and [method@Ferry.Pool.reset] has a fork server tried again.
   *
   * Since: 0.1
   */
  properties[PROP_USE_FORK_SERVER] = g_param_spec_boolean (
    "use-fork-server", NULL, NULL, TRUE, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
}

static void
install_figures (void)
{
  /**
   * FerryPool:n-workers:
   *
   * How many workers there are, those that are starting or ending among them. Without notification.
   *
   * Since: 0.1
   */
  properties[PROP_N_WORKERS] =
    g_param_spec_uint ("n-workers", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:n-busy:
   *
   * How many workers have tasks in hand. Without notification.
   *
   * Since: 0.1
   */
  properties[PROP_N_BUSY] =
    g_param_spec_uint ("n-busy", NULL, NULL, 0, G_MAXUINT, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:n-restarts:
   *
   * How many workers ended without having been told to. Without notification.
   *
   * Since: 0.1
   */
  properties[PROP_N_RESTARTS] =
    g_param_spec_uint64 ("n-restarts", NULL, NULL, 0, G_MAXUINT64, 0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:error:
   *
   * Why the pool starts no workers any more; %NULL while it does. See [method@Ferry.Pool.reset].
   *
   * Since: 0.1
   */
  properties[PROP_ERROR] =
    g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
}

static void
install_properties (GObjectClass *object_class)
{
  object_class->get_property = ferry_pool_get_property;
  object_class->set_property = ferry_pool_set_property;
  /**
   * FerryPool:router:
   *
   * The router over which tasks and answers go.
   *
   * Since: 0.1
   */
  properties[PROP_ROUTER] = g_param_spec_object ("router", NULL, NULL, FERRY_TYPE_ROUTER,
                                                 G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * FerryPool:launcher:
   *
   * What starts the workers; %NULL in a pool of threads.
   *
   * Since: 0.1
   */
  properties[PROP_LAUNCHER] = g_param_spec_object ("launcher", NULL, NULL, FERRY_TYPE_LAUNCHER,
                                                   G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  install_settings ();
  install_limits ();
  install_figures ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

/* ---- Life cycle ---- */

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
  fail_sources (self, error);
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
      g_autoptr (FerryPoolWorker) worker = g_ptr_array_steal_index (self->workers, self->workers->len - 1);

      ferry_pool_worker_let_go (worker);
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

  ferry_wait_queue_clear (&self->stop_waits);
  g_ptr_array_unref (self->workers);
  g_ptr_array_unref (self->sources);
  g_array_unref (self->restarts);
  g_array_unref (self->refusals);
  g_object_unref (self->list);
  g_clear_error (&self->error);
  g_free (self->name);
  g_free (self->rules.initialiser);
  g_clear_pointer (&self->rules.initialiser_arguments, g_variant_unref);
  g_free (self->rules.finaliser);
  g_clear_pointer (&self->rules.finaliser_arguments, g_variant_unref);
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
  install_properties (object_class);
}

static void
ferry_pool_init (FerryPool *self)
{
  self->max_workers = ferry_get_n_usable_cores ();
  self->rules.idle_timeout = 60 * G_USEC_PER_SEC;
  self->restart_limit = 5;
  self->restart_interval = 60 * G_USEC_PER_SEC;
  self->rules.death_limit = 3;
  self->use_fork_server = TRUE;
  self->list = g_list_store_new (FERRY_TYPE_WORKER);
  self->workers = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_pool_worker_unref);
  self->sources = g_ptr_array_new ();
  self->restarts = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->refusals = g_array_new (FALSE, FALSE, sizeof (gint64));
  ferry_wait_queue_init (&self->stop_waits);
}

/**
 * ferry_pool_new:
 * @router: a router
 * @launcher: how a worker is started, which has no senders and transports; the pool's from then on
 *
 * Makes a pool of processes. No worker is started yet, and the router need not run yet. Standard output and error of
 * the workers are logged ([method@Ferry.Launcher.log_stream]), unless the launcher has them go elsewhere. Any thread;
 * the launcher is the router's thread's from then on.
 *
 * Senders and transports do not reach the workers of a pool. Where the launcher has some when the first worker is
 * started, the pool fails with %FERRY_ERROR_BAD_ARGUMENTS, which [method@Ferry.Pool.start] and each task tell.
 *
 * Returns: (transfer full): the pool
 *
 * Since: 0.1
 */
FerryPool *
ferry_pool_new (FerryRouter *router, FerryLauncher *launcher)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);
  g_return_val_if_fail (FERRY_IS_LAUNCHER (launcher), NULL);

  return g_object_new (FERRY_TYPE_POOL, "router", router, "launcher", launcher, NULL);
}

/**
 * ferry_pool_new_for_threads:
 * @router: a router
 *
 * Makes a pool of threads of this program, which run the functions that it has registered itself. The same tasks run in
 * them, with the same order and the same limits. A thread cannot be killed: a task that does not end when it is
 * cancelled is given up when its grace is over, and its thread is left behind. Any thread.
 *
 * Returns: (transfer full): the pool
 *
 * Since: 0.1
 */
FerryPool *
ferry_pool_new_for_threads (FerryRouter *router)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);

  return g_object_new (FERRY_TYPE_POOL, "router", router, NULL);
}
