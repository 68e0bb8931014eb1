/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pool: when workers start, retire and are tried again after a failure, and which of them is sent which task.
 *
 * Each step starts with an event: a task was submitted, an answer was received, a worker started or ended, or a timer
 * ran out. Each event ends in ferry_pool_schedule(), which sends tasks as long as there are workers with room.
 *
 * It is one file since most of its functions read the pool's settings, and each setting counts wherever workers are
 * started, scheduled, retired or replaced. The code for a single worker is in ferry-pool-worker.c.
 *
 * Threads: the router's. */

#include "config.h"

#include "pool/ferry-pool-private.h"

#include "pool/ferry-pool-roster-private.h"
#include "pool/ferry-pool-worker-private.h"

#include <signal.h>

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-registry-private.h"
#include "base/ferry-usable-cores.h"
#include "base/ferry-wait-queue-private.h"
#include "engine/ferry-exit-private.h"
#include "process/ferry-launcher-private.h"
#include "wire/ferry-remote-error-private.h"

/* Limits of the tasks that are sent ahead to one worker, so that it is not idle during a round trip to the application,
 * whose main loop may be painting a frame. They are limits of their estimated run time together, and of their number. A
 * task of higher priority may have to wait for these tasks. */
#define AHEAD_MICROSECONDS 16000.0
#define MAX_AHEAD 64

/* The time in which a worker must begin a task; a warm worker needs far less. A task that was not begun in this time
 * can be stolen: it is taken back and sent to an idle worker. Each theft of such a task doubles the time that its next
 * worker has, up to 8 s. So tasks do not move between slow workers without end. */
#define BEGIN_MICROSECONDS 1000
#define MAX_DOUBLINGS 13

/* The weight of a new sample in the mean time of a task. */
#define MEAN_SHARE (1.0 / 16)

/* The pause before a worker that had not begun a task is replaced. It doubles with each further such end. */
#define FIRST_BACK_OFF (50 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define MAX_BACK_OFF (5 * G_USEC_PER_SEC)

#define DEFAULT_RESTART_LIMIT 5
#define DEFAULT_RESTART_INTERVAL (60 * G_USEC_PER_SEC)

/**
 * FerryPool:
 *
 * Workers that are kept warm, and run tasks one after the other.
 *
 * A pool of processes is made from a [class@Ferry.Launcher] that says which program to start. The program registers
 * functions ([func@Ferry.function_register]) and calls [func@Ferry.Worker.main]. Its workers are forked by a
 * [class@Ferry.ForkServer] of that program. A pool of threads runs the functions that this program has registered, in
 * threads of its own. It is for light functions, and for tests.
 *
 * Tasks come from one or several [class@Ferry.Executor]. When a worker dies, only the task that it ran is lost, and the
 * pool replaces the worker. Nothing in a pool polls: a pool without tasks uses no processor time.
 *
 * A pool must be used on its router's thread. When it is finalised, its workers end. Executors hold references to it.
 */
struct _FerryPool
{
  GObject parent_instance;

  guint fork_number; /* const: see ferry-forks.c */
  FerryRegistered registered;
  FerryRouter *router;     /* const: (owned) */
  FerryLauncher *launcher; /* const: (owned) (nullable): NULL in a pool of threads */
  FerryLauncher *starter;  /* (owned) (nullable): starts the workers; NULL until the first start */
  guint starter_version;   /* the launcher's ferry_launcher_get_n_changes() when the starter was made */
  gboolean starter_is_new; /* the starter has started no worker yet */
  char *name;              /* (owned) (nullable) */
  FerryPoolRules rules;
  guint min_workers;
  guint max_workers;
  guint min_idle;
  gint64 max_age;
  FerryTimer age_timer; /* runs out when the oldest worker reaches max_age */
  guint restart_limit;
  gint64 restart_interval;
  gboolean use_fork_server;

  GListStore
    *list; /* (owned) (element-type FerryWorker): the workers' processes; ferry_pool_get_workers() returns it */
  FerryPoolRoster roster; /* the workers that have not ended */
  guint n_numbered;       /* number in the name of the newest worker */
  FerryTaskSources sources;
  double mean_time;        /* mean time of a task, in microseconds; 0: not known yet */
  GArray *restarts;        /* monotonic times of worker ends that count against restart_limit */
  gboolean is_one_of_many; /* see ferry_pool_set_one_of_many() */
  guint n_refusals;        /* how often in a row the system had too little of something for a new worker */
  guint64 n_restarts;
  FerryTimer back_off;    /* while it is set, no worker is started */
  GError *error;          /* (owned) (nullable): why no further worker is started */
  FerryPoolWorker *trial; /* (unowned) (nullable): the one that ferry_pool_try() has started */
  gboolean started;
  gboolean scheduling;
  gboolean schedule_again;
  FerryWaitQueue stop_waits; /* callers of ferry_pool_stop_async() that wait for the end of the stop */
  FerryTimer stop_timer;
  FerryPoolWorker *thief;  /* (owned) (nullable): the idle worker that is sent the next task; see steal_work() */
  FerryTimer steal_timer;  /* runs out when an idle worker may steal tasks that another worker has not begun */
  FerryTimer notify_timer; /* notifies the figures that have changed */
  gint64 notified;         /* monotonic time of the latest notification */
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
  PROP_RESTART_LIMIT,
  PROP_RESTART_INTERVAL,
  PROP_USE_FORK_SERVER,
  PROP_INITIALISER,
  PROP_INITIALISER_ARGUMENTS,
  PROP_FINALISER,
  PROP_FINALISER_ARGUMENTS,
  PROP_N_WORKERS,
  PROP_N_BUSY,
  PROP_N_RESTARTS,
  PROP_ERROR,
  N_PROPERTIES,
  PROP_PARALLELISM = N_PROPERTIES, /* of FerryRunner */
};

static GParamSpec *properties[N_PROPERTIES];

static void runner_init (FerryRunnerInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryPool, ferry_pool, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (FERRY_TYPE_RUNNER, runner_init))

static const char *
get_name (FerryPool *self)
{
  if (self->name == NULL)
    self->name = self->launcher != NULL ? ferry_launcher_dup_program_name (self->launcher) : g_strdup ("thread");
  return self->name;
}

/* (nullable): where users of the pool know nothing of workers */
static const FerryUserTexts *
get_texts (FerryPool *self)
{
  return self->launcher != NULL ? ferry_launcher_get_user_texts (self->launcher) : NULL;
}

/* The log's level of what names workers. */
static GLogLevelFlags
get_log_level (FerryPool *self)
{
  return get_texts (self) != NULL ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_MESSAGE;
}

/* ---- Where tasks come from ---- */

static void
runner_add_source (FerryRunner *runner, FerryTaskSource *source)
{
  g_ptr_array_add (FERRY_POOL (runner)->sources.list, source);
}

static void
runner_remove_source (FerryRunner *runner, FerryTaskSource *source)
{
  g_ptr_array_remove (FERRY_POOL (runner)->sources.list, source);
}

/* Makes the tasks that wait in the executors' queues fail with error, unless another runner runs them. Takes error. */
static void
fail_sources (FerryPool *self, GError *error)
{
  g_autoptr (GError) reason = error;

  ferry_task_sources_fail_all (&self->sources, FERRY_RUNNER (self), reason);
}

static void
runner_sum_running (FerryRunner *runner, FerryTaskSource *source, FerryRunSum *sum)
{
  FerryPool *self = FERRY_POOL (runner);

  for (guint i = 0; i < self->roster.workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->roster.workers, i);
      const FerryRun *run = g_queue_peek_head (&worker->in_flight);

      if (run != NULL && run->source == source)
        ferry_run_sum_add (sum, run);
    }
}

/* Has the error say in words for users that no worker starts. One of the launcher's settings is for the programmer. */
static void
put_for_users (FerryPool *self, GError *error)
{
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS))
    return;
  g_debug ("%s", error->message);
  g_free (error->message);
  error->message = g_strdup (self->n_refusals > 0 ? get_texts (self)->lacking : get_texts (self)->broken);
}

void
ferry_pool_fail (FerryPool *self, GError *error)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = g_object_ref (self);

  if (self->error != NULL)
    {
      g_error_free (error);
      return;
    }
  if (get_texts (self) != NULL)
    put_for_users (self, error);
  self->error = ferry_error_copy (error);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
  fail_sources (self, error);
}

static gboolean
runner_check (FerryRunner *runner, GError **error)
{
  FerryPool *self = FERRY_POOL (runner);

  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, ferry_error_copy (self->error));
  return FALSE;
}

/* ---- Counts of workers ---- */

static void
notify_figures (gpointer data)
{
  g_autoptr (FerryPool) self = g_object_ref (data);

  self->notified = g_get_monotonic_time ();
  for (guint i = PROP_N_WORKERS; i <= PROP_N_RESTARTS; i++)
    g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
}

static void
figures_changed (FerryPool *self)
{
  ferry_timers_set_to_tell (self->router->timers, &self->notify_timer, self->notified, notify_figures, self);
}

void
ferry_pool_note_change (FerryPool *self, FerryPoolWorker *worker)
{
  self->rules.settled = FALSE;
  ferry_pool_roster_update (&self->roster, worker);
  figures_changed (self);
}

gboolean
ferry_pool_may_end_idle (FerryPool *self)
{
  return self->roster.n_live > self->min_workers && self->roster.n_idle > self->min_idle;
}

/* ---- How it stands ---- */

void
ferry_pool_get_stand (FerryPool *self, FerryPoolStand *stand)
{
  *stand = (FerryPoolStand){
    .name = get_name (self),
    .workers = self->roster.workers,
    .max_workers = self->max_workers,
    .n_busy = self->roster.n_busy,
    .n_refusals = self->n_refusals,
    .next_start = ferry_timer_is_set (&self->back_off) ? self->back_off.deadline.time : 0,
  };
  for (guint i = 0; i < self->roster.workers->len; i++)
    stand->n_starting +=
      ((FerryPoolWorker *) g_ptr_array_index (self->roster.workers, i))->state == FERRY_POOL_WORKER_STARTING;
}

/* ---- Limits: how often workers may end early, and how old they may become ---- */

static void fit (gpointer data);

/* Starts a pause in which no worker is started. It doubles with each failure of n. */
static void
pause_starts (FerryPool *self, guint n)
{
  gint64 pause = FIRST_BACK_OFF;

  for (guint i = 1; i < n && pause < MAX_BACK_OFF; i++)
    pause *= 2;
  ferry_timers_set (self->router->timers, &self->back_off, g_get_monotonic_time () + MIN (pause, MAX_BACK_OFF), fit,
                    self);
}

/* Counts a worker that has ended early, and starts a pause. */
static void
back_off (FerryPool *self)
{
  gint64 now = g_get_monotonic_time ();

  while (self->restarts->len > 0 && g_array_index (self->restarts, gint64, 0) < now - self->restart_interval)
    g_array_remove_index (self->restarts, 0);
  g_array_append_val (self->restarts, now);
  pause_starts (self, self->restarts->len);
}

static gboolean
collect (FerryRun *run, gpointer runs)
{
  if (run->funcs->waits_for != NULL && !run->source->is_shared)
    g_ptr_array_add (runs, ferry_run_ref (run));
  return FALSE;
}

/* What needs a label is for hosts. */
static gboolean
is_for_pool (FerryRun *run, gpointer data)
{
  return run->needs == NULL;
}

/* Says in the texts of the next tasks why they wait; text is NULL: they wait no more for this. Those of an executor
 * with several runners may begin elsewhere. Handlers may take tasks from the queues. */
static void
say_to_next_tasks (FerryPool *self, const char *text)
{
  g_autoptr (GPtrArray) runs = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_run_unref);

  ferry_task_sources_find (&self->sources, collect, runs);
  for (guint i = 0; i < runs->len; i++)
    {
      FerryRun *run = runs->pdata[i];

      if (run->destination == NULL)
        run->funcs->waits_for (run->owner, text);
    }
}

/* Whether a worker can run the tasks that wait. One that has not attached may be refused what it needs as well. */
static gboolean
has_attached_worker (FerryPool *self)
{
  for (guint i = 0; i < self->roster.workers->len; i++)
    {
      const FerryPoolWorker *worker = g_ptr_array_index (self->roster.workers, i);

      if (worker->attached && ferry_pool_worker_is_live (worker))
        return TRUE;
    }
  return FALSE;
}

/* Handles a shortage of resources at a worker's start. What is short now may be there later, so the start is tried
 * again, ever more rarely and without end. Workers that were started together are refused one after the other: in the
 * pause that the first one began, the others are the same shortage. */
static void
note_refusal (FerryPool *self, const GError *error)
{
  g_autofree char *text =
    g_strdup_printf ("Waiting until the system has enough for a worker of the pool '%s'; free memory, descriptors "
                     "or processes. The last error: %s",
                     get_name (self), error->message);

  if (self->n_refusals == 0 || !ferry_timer_is_set (&self->back_off))
    {
      self->n_refusals++;
      /* The log gets the first, the second, the fourth... */
      if ((self->n_refusals & (self->n_refusals - 1)) == 0)
        g_log_structured (G_LOG_DOMAIN, get_log_level (self), "MESSAGE", "%s", text);
    }
  if (!ferry_timer_is_set (&self->back_off))
    pause_starts (self, self->n_refusals);
  if (self->is_one_of_many && self->n_refusals > self->restart_limit && self->roster.n_live == 0)
    ferry_pool_fail (self,
                     g_error_new (FERRY_ERROR, FERRY_ERROR_SYSTEM,
                                  "The system had too little for a worker of the pool '%s' %u times; free memory, "
                                  "descriptors or processes. The last error: %s",
                                  get_name (self), self->n_refusals, error->message));
  else if (!has_attached_worker (self))
    say_to_next_tasks (self, get_texts (self) != NULL ? get_texts (self)->lacking : text);
}

void
ferry_pool_note_open (FerryPool *self)
{
  self->rules.has_attached = TRUE;
  if (self->n_refusals == 0)
    return;
  self->n_refusals = 0;
  say_to_next_tasks (self, NULL);
}

/* Handles a worker that could not be started. After a shortage of resources the start is tried again. Any other
 * failure makes the pool fail, unless other workers can run its tasks, or are starting. Takes error. */
static void
note_failed_start (FerryPool *self, FerryLaunchFailure failure, GError *error)
{
  if (failure != FERRY_LAUNCH_FAILURE_SHORTAGE && self->roster.n_live == 0)
    {
      ferry_pool_fail (self, error);
      return;
    }
  if (failure == FERRY_LAUNCH_FAILURE_SHORTAGE)
    note_refusal (self, error);
  else
    {
      if (has_attached_worker (self))
        g_log_structured (G_LOG_DOMAIN, get_log_level (self), "MESSAGE",
                          "The pool '%s' could not start a worker, and goes on with its other workers: %s",
                          get_name (self), error->message);
      back_off (self);
    }
  g_error_free (error);
}

/* Makes the pool fail, as none of its workers has come through its initialiser: each further one would end there. */
static void
fail_by_initialiser (FerryPool *self, FerryExit *exit)
{
  const char *const *lines = ferry_exit_get_last_lines (exit);
  g_autofree char *text = g_strjoinv ("\n", (char **) lines);

  ferry_pool_fail (self, g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST,
                                      "The workers' initialiser '%s' has ended its worker; correct it. %s%s%s",
                                      self->rules.initialiser.function, ferry_exit_get_message (exit),
                                      lines[0] != NULL ? ":\n" : "", text));
}

/* What can be done about a worker that ended too early. One that was killed by SIGKILL is not to blame: the system may
 * have done that for want of memory. */
static const char *
get_correction (FerryExit *exit)
{
  return ferry_exit_get_signal (exit) == SIGKILL ? "find what kills them, such as the system for want of memory"
                                                 : "correct the worker's program";
}

/* Handles the end of a worker that had not begun a task. The worker is replaced after a pause, up to a limit. It is not
 * replaced if it said that it is none, or did not attach and no other ever has. Then the program is probably no worker,
 * and each further one would take as long. Nor is one of another version, such as that of an update that was installed
 * meanwhile. */
static void
note_useless_end (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit)
{
  FerryLaunchFailure failure = ferry_exit_get_launch_failure (exit);
  gboolean never = failure == FERRY_LAUNCH_FAILURE_NO_WORKER ||
                   (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_NEVER_ATTACHED && !self->rules.has_attached);
  const char *const *lines = ferry_exit_get_last_lines (exit);
  g_autofree char *text = g_strjoinv ("\n", (char **) lines);
  g_autofree char *number = NULL;

  back_off (self);
  if (worker->lost_initialiser && !self->rules.has_initialised)
    {
      fail_by_initialiser (self, exit);
      return;
    }
  if (failure == FERRY_LAUNCH_FAILURE_VERSION)
    {
      ferry_pool_fail (self,
                       g_error_new (FERRY_ERROR, FERRY_ERROR_VERSION, "The workers of the pool '%s' fit no longer. %s",
                                    get_name (self), ferry_exit_get_message (exit)));
      return;
    }
  if (!never && self->restarts->len <= self->restart_limit)
    return;
  number = never ? g_strdup ("No process") : g_strdup_printf ("%u workers", self->restarts->len);
  ferry_pool_fail (
    self, g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "%s of the pool '%s' %s; %s. The last worker: %s%s%s",
                       number, get_name (self), never ? "has become a worker" : "ended before they had begun a task",
                       never ? "correct the worker's program" : get_correction (exit), ferry_exit_get_message (exit),
                       lines[0] != NULL ? ":\n" : "", text));
}

/* Handles the unexpected end of a worker. A worker that had begun a task, other than the initialiser, is replaced
 * without a pause. So is a worker that was lost with its fork server: the ends of fork servers are limited
 * separately. */
static void
note_end (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit)
{
  FerryCloseReason reason = ferry_exit_get_reason (exit);
  FerryLaunchFailure failure = ferry_exit_get_launch_failure (exit);

  /* The router's own stop ended the worker. */
  if (reason == FERRY_CLOSE_REASON_ROUTER_STOPPED)
    return;
  self->n_restarts++;
  if (reason != FERRY_CLOSE_REASON_LAUNCH_FAILED)
    {
      if (worker->n_done == 0 && !worker->lost_task && reason != FERRY_CLOSE_REASON_FORK_SERVER_LOST)
        note_useless_end (self, worker, exit);
      return;
    }
  /* If the fork server could not fork the worker, the next worker is executed directly, which is no failed start. */
  if (failure != FERRY_LAUNCH_FAILURE_FORK_SERVER || !ferry_launcher_get_may_execute (self->starter))
    note_failed_start (self, failure,
                       g_error_new_literal (FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED, ferry_exit_get_message (exit)));
}

/* Retires each worker that is older than max_age, and sets age_timer for the oldest of the other workers. Handlers may
 * change the list of workers, so the loop starts again after each retirement. */
static void
retire_old (gpointer data)
{
  g_autoptr (FerryPool) self = g_object_ref (data);
  gint64 next = G_MAXINT64;
  gboolean any = FALSE;
  guint i = 0;

  ferry_timers_unset (self->router->timers, &self->age_timer);
  while (self->max_age > 0 && i < self->roster.workers->len)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->roster.workers, i++);
      gint64 end = ferry_time_add (worker->ready_at, self->max_age);

      if (worker->state != FERRY_POOL_WORKER_READY)
        continue;
      if (end > g_get_monotonic_time ())
        {
          next = MIN (next, end);
          continue;
        }
      ferry_pool_worker_retire (worker);
      any = TRUE;
      i = 0;
    }
  if (next != G_MAXINT64)
    ferry_timers_set (self->router->timers, &self->age_timer, next, retire_old, self);
  if (any)
    ferry_pool_schedule (self);
}

/* ---- Starting workers ---- */

/* Drops a starter that has started no worker yet, with its fork server, where a setting has changed since it was made.
 */
static void
forget_outdated_starter (FerryPool *self)
{
  if (self->starter != NULL && self->starter_is_new &&
      (ferry_launcher_get_n_changes (self->launcher) != self->starter_version ||
       ferry_launcher_is_confined (self->launcher)))
    g_clear_object (&self->starter);
}

/* Returns (transfer full) the launcher that starts the workers: the pool's launcher, or a copy of it that uses a fork
 * server. The application can configure the launcher until the first worker is started.
 *
 * Fails if the launcher has senders, because no worker of the pool would ever get them. A sender that the application
 * adds later is kept for a worker that the application spawns itself.
 *
 * The caller needs its own reference: a handler that is notified of the new worker may replace the starter. */
static FerryLauncher *
get_starter (FerryPool *self, GError **error)
{
  forget_outdated_starter (self);
  if (self->starter != NULL)
    return g_object_ref (self->starter);
  if (!ferry_launcher_check_no_senders (
        self->launcher, "the pool",
        "use ferry_job_send() and ferry_job_yield() in the functions, and make the pool with another launcher; or "
        "spawn a separate worker with this launcher, then call ferry_pool_reset()",
        error))
    return NULL;
  if (self->use_fork_server && ferry_launcher_get_fork_server (self->launcher) == NULL)
    self->starter = ferry_launcher_new_forked (self->launcher);
  else
    self->starter = g_object_ref (self->launcher);
  self->starter_version = ferry_launcher_get_n_changes (self->launcher);
  self->starter_is_new = TRUE;
  return g_object_ref (self->starter);
}

/* Has the fork server prepare itself, which is most of what the first worker's start takes. What fails here is told by
 * the start of the first worker. */
static void
start_fork_server (FerryPool *self)
{
  g_autoptr (FerryLauncher) starter = NULL;
  FerryForkServer *fork_server;

  if (self->launcher == NULL || self->error != NULL || self->rules.stopping)
    return;
  starter = get_starter (self, NULL);
  fork_server = starter != NULL ? ferry_launcher_get_fork_server (starter) : NULL;
  if (fork_server != NULL)
    ferry_fork_server_prepare (fork_server, self->router, NULL);
}

/* Returns (transfer none) (nullable) a new worker, or NULL if none could be started. */
static FerryPoolWorker *
add_worker (FerryPool *self)
{
  g_autofree char *name = NULL;
  g_autoptr (FerryLauncher) starter = NULL;
  g_autoptr (GError) error = NULL;
  FerryPoolWorker *worker = NULL;

  name = g_strdup_printf ("%s %u", get_name (self), ++self->n_numbered);
  starter = self->launcher != NULL ? get_starter (self, &error) : NULL;
  if (error == NULL)
    worker = ferry_pool_worker_new (self, self->router, &self->rules, name, starter, &error);
  if (worker == NULL)
    {
      gboolean short_of = ferry_error_is_shortage (error);

      note_failed_start (self, short_of ? FERRY_LAUNCH_FAILURE_SHORTAGE : FERRY_LAUNCH_FAILURE_LASTING,
                         g_steal_pointer (&error));
      return NULL;
    }
  self->started = TRUE;
  self->starter_is_new = FALSE;
  self->rules.settled = FALSE;
  ferry_pool_roster_add (&self->roster, worker);
  figures_changed (self);
  if (worker->worker != NULL)
    g_list_store_append (self->list, worker->worker);
  else
    ferry_pool_note_open (self);
  return worker;
}

static gboolean
start_worker (FerryPool *self)
{
  return self->error == NULL && !self->rules.stopping && !ferry_timer_is_set (&self->back_off) &&
         ferry_router_check (self->router, NULL) && add_worker (self) != NULL;
}

/* Whether one more worker may be started. Workers that are ending do not count against max_workers, because a worker is
 * replaced before its finaliser has run. But at most max_workers more may be ending. */
static gboolean
has_place (FerryPool *self)
{
  return self->roster.n_live < self->max_workers && self->roster.workers->len < 2 * self->max_workers;
}

static gboolean
has_too_few (FerryPool *self)
{
  return self->roster.n_live < self->min_workers || self->roster.n_idle < self->min_idle;
}

/* Starts workers up to the minimum, and notes the age of new workers that can run tasks. */
static void
start_minimum (FerryPool *self)
{
  while (self->started && has_too_few (self) && has_place (self) && start_worker (self))
    ;
  if (self->max_age > 0 && !ferry_timer_is_set (&self->age_timer))
    retire_old (self);
}

/* ---- Which worker gets which task ---- */

static void steal_work (gpointer data);

void
ferry_pool_note_time (FerryPool *self, gint64 microseconds)
{
  double sample = (double) MAX (microseconds, 0);

  if (self->mean_time == 0)
    self->mean_time = MAX (sample, 1);
  else
    self->mean_time += (sample - self->mean_time) * MEAN_SHARE;
}

/* Returns how many tasks one worker may have in flight: as many as it probably runs in AHEAD_MICROSECONDS. */
static guint
get_depth (FerryPool *self)
{
  if (self->mean_time == 0)
    return 1;
  return (guint) CLAMP (AHEAD_MICROSECONDS / MAX (self->mean_time, 1), 1, MAX_AHEAD);
}

/* Whether the worker, which had no task in flight when it was picked, still may be sent one. */
static gboolean
may_begin (FerryPool *self, const FerryPoolWorker *worker)
{
  return worker->state == FERRY_POOL_WORKER_READY && worker->in_flight.length == 0 &&
         (self->rules.max_tasks == 0 || worker->n_done < self->rules.max_tasks);
}

/* Whether the task may be sent to a worker that has a task. The time of a task with a limited run time starts when it
 * is sent. A task that other runners may take as well would miss their free workers. */
static gboolean
may_go_ahead (FerryRun *run)
{
  return run->settings->run_timeout == 0 && !run->source->is_shared;
}

static gboolean
is_heard (FerryPoolWorker *worker)
{
  return !ferry_router_is_held_outside (worker->router, worker->link);
}

/* Returns (transfer none) the worker that is sent the next task, if it has fewer than depth in flight, or NULL. Where a
 * handler runs a main loop, what the worker of that handler answers waits for the handler: such a worker comes last. */
static FerryPoolWorker *
find_worker (FerryPool *self, guint depth)
{
  FerryPoolWorker *worker = ferry_pool_roster_find (&self->roster, depth);
  FerryPoolWorker *heard;

  if (worker == NULL || G_LIKELY (is_heard (worker)))
    return worker;
  heard = ferry_pool_roster_find_accepted (&self->roster, depth, is_heard);
  return heard != NULL ? heard : worker;
}

/* Returns (transfer none) the worker that the task is sent to now, or NULL. */
static FerryPoolWorker *
pick_worker (FerryPool *self, FerryRun *run)
{
  if (self->thief != NULL && may_begin (self, self->thief))
    return self->thief;
  return find_worker (self, may_go_ahead (run) ? get_depth (self) : 1);
}

static void
steal_at (FerryPool *self, gint64 time)
{
  if (!ferry_timer_is_set (&self->steal_timer) || self->steal_timer.deadline.time > time)
    ferry_timers_set (self->router->timers, &self->steal_timer, time, steal_work, self);
}

/* Sends the next task to a worker, which may be a new one. Returns FALSE when no further task can be sent now. */
static gboolean
send_next (FerryPool *self)
{
  FerryRun *run = self->error == NULL ? ferry_task_sources_find (&self->sources, is_for_pool, NULL) : NULL;
  FerryPoolWorker *worker = run != NULL ? pick_worker (self, run) : NULL;

  if (run != NULL && (worker == NULL || worker->in_flight.length > 0 || !is_heard (worker)) && has_place (self))
    {
      /* Handlers may run in start_worker(), also if it fails, and may change which task is next. */
      start_worker (self);
      run = ferry_task_sources_find (&self->sources, is_for_pool, NULL);
      worker = run != NULL && !self->rules.stopping ? pick_worker (self, run) : NULL;
    }
  if (worker == NULL)
    return FALSE;
  ferry_task_sources_pass_turn (&self->sources, run);
  if (!ferry_pool_worker_send_task (worker, run))
    return FALSE;
  /* If the worker does not begin the task in time, an idle worker may steal the task. */
  if (!ferry_timer_is_set (&self->steal_timer) && ferry_pool_roster_find (&self->roster, 1) != NULL)
    steal_at (self, g_get_monotonic_time () + BEGIN_MICROSECONDS);
  return TRUE;
}

/* Returns (transfer none) the worker with the most tasks that can be stolen, or NULL, and sets most to their number.
 * n_missed is the thief's. The larger it is, the longer a worker may take to begin its first task. */
static FerryPoolWorker *
find_busiest (FerryPool *self, guint n_missed, guint *most)
{
  gint64 time_to_begin = (gint64) BEGIN_MICROSECONDS << MIN (n_missed, MAX_DOUBLINGS);
  gint64 begins_by;
  FerryPoolWorker *busiest = ferry_pool_roster_find_busiest (&self->roster, time_to_begin, most, &begins_by);

  if (begins_by > 0)
    steal_at (self, begins_by);
  return busiest;
}

/* Takes back tasks that were sent ahead to the busiest worker, and sends them to an idle worker (the thief). The thief
 * gets the first of them even if it missed its time before: else the task would return to the busiest worker. */
static void
steal_work (gpointer data)
{
  FerryPool *self = data;
  FerryPoolWorker *idle = self->rules.stopping || self->thief != NULL ? NULL : find_worker (self, 1);
  guint most = 0;
  FerryPoolWorker *busiest = idle != NULL && is_heard (idle) ? find_busiest (self, idle->n_missed, &most) : NULL;

  if (busiest == NULL)
    return;
  /* All tasks of the busiest worker can be stolen, so the worker did not begin its first task in time. */
  if (most == busiest->in_flight.length)
    ferry_pool_worker_set_n_missed (busiest, MAX (busiest->n_missed, idle->n_missed) + 1);
  g_object_ref (self);
  self->thief = ferry_pool_worker_ref (idle);
  ferry_pool_worker_take_back (busiest);
  ferry_pool_schedule (self);
  g_clear_pointer (&self->thief, ferry_pool_worker_unref);
  g_object_unref (self);
}

void
ferry_pool_schedule (FerryPool *self)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = g_object_ref (self);

  if (self->scheduling)
    {
      self->schedule_again = TRUE;
      return;
    }
  self->scheduling = TRUE;
  ferry_router_hold (self->router);
  do
    {
      self->schedule_again = FALSE;
      while (!self->rules.stopping && send_next (self))
        ;
    }
  while (self->schedule_again);
  self->rules.settled = TRUE;
  ferry_router_release (self->router);
  self->scheduling = FALSE;
  start_minimum (self);
  steal_work (self);
  /* Tasks may have returned from a worker after the pool had failed. These tasks must fail too. */
  if (self->error != NULL)
    fail_sources (self, ferry_error_copy (self->error));
}

/* Returns (transfer none) the live worker with the fewest tasks in flight, or NULL. */
static FerryPoolWorker *
pick_to_retire (FerryPool *self)
{
  FerryPoolWorker *pick = NULL;

  for (guint i = 0; i < self->roster.workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->roster.workers, i);

      if (ferry_pool_worker_is_live (worker) && (pick == NULL || worker->in_flight.length < pick->in_flight.length))
        pick = worker;
    }
  return pick;
}

/* Adapts the number of workers to max_workers. Also runs when the timer back_off runs out. */
static void
fit (gpointer data)
{
  g_autoptr (FerryPool) self = g_object_ref (data);

  while (!self->rules.stopping && self->roster.n_live > self->max_workers)
    ferry_pool_worker_retire (pick_to_retire (self));
  /* If one more worker may be started, takes back the tasks that were sent ahead, so that new workers run them. */
  for (guint i = 0; has_place (self) && i < self->roster.workers->len; i++)
    ferry_pool_worker_take_back (g_ptr_array_index (self->roster.workers, i));
  ferry_pool_schedule (self);
}

/* ---- Stopping the pool, and using it again ---- */

static void
kill_all (gpointer data)
{
  g_autoptr (FerryPool) self = g_object_ref (FERRY_POOL (data));

  for (guint i = self->roster.workers->len; i > 0; i--)
    if (i <= self->roster.workers->len)
      ferry_pool_worker_kill (g_ptr_array_index (self->roster.workers, i - 1));
}

static void
finish_stop (FerryPool *self)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = g_object_ref (self);

  if (self->roster.workers->len > 0 || !self->rules.stopping)
    return;
  ferry_timers_unset (self->router->limits, &self->stop_timer);
  self->rules.stopping = FALSE;
  self->started = FALSE;
  /* A fork server of the pool's own ends with it. */
  g_clear_object (&self->starter);
  ferry_wait_queue_finish_all (&self->stop_waits);
  /* Sends tasks that were submitted during the stop. */
  ferry_pool_schedule (self);
}

/**
 * ferry_pool_stop_async:
 * @self: a pool
 * @timeout: how long the workers may take to finish, in microseconds; 0 kills them now, a negative number sets no limit
 * @cancellable: (nullable): cancels the waiting; the stop itself continues
 * @callback: (scope async): called when all workers have ended
 * @user_data: data for @callback
 *
 * Ends all workers, and then the fork server that the pool has started for them. A worker that runs a task finishes the
 * task, and then runs the pool's finaliser. When @timeout is over, the workers that have not ended are killed. Tasks
 * that wait fail with %FERRY_ERROR_REFUSED, but for those of a queue in a file, which wait on. Afterwards the pool can
 * be used again. On the router's thread.
 */
void
ferry_pool_stop_async (FerryPool *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->affinity);

  /* The GTask holds a reference to the pool. */
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_pool_stop_async);
  if (self->rules.stopping)
    {
      g_task_return_new_error (task, FERRY_ERROR, FERRY_ERROR_BUSY,
                               "The pool '%s' is being stopped already; wait for the end of that stop",
                               get_name (self));
      return;
    }
  self->rules.stopping = TRUE;
  ferry_wait_queue_add_task (&self->stop_waits, task);
  for (guint i = self->roster.workers->len; i > 0; i--)
    ferry_pool_worker_retire (g_ptr_array_index (self->roster.workers, i - 1));
  fail_sources (self,
                g_error_new (FERRY_ERROR, FERRY_ERROR_REFUSED,
                             "The pool '%s' was stopped; submit the task again, which starts it", get_name (self)));
  if (timeout == 0)
    kill_all (self);
  else if (timeout > 0)
    ferry_timers_set (self->router->limits, &self->stop_timer, ferry_time_add (g_get_monotonic_time (), timeout),
                      kill_all, self);
  finish_stop (self);
}

/**
 * ferry_pool_stop_finish:
 * @self: a pool
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Pool.stop_async]. Any thread.
 *
 * Fails with %FERRY_ERROR_BUSY if the pool was being stopped already, and with %G_IO_ERROR_CANCELLED if the cancellable
 * was cancelled.
 *
 * Returns: %TRUE when all workers have ended
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
 * Starts the pool's fork server and [property@Ferry.Pool:min-workers] workers, so that the first tasks find warm
 * workers, or at least a program that has prepared itself to fork some. To call this is optional: the pool also starts
 * both when there are tasks for them. On the router's thread.
 *
 * The settings of the launcher can be changed after this, as long as no worker was started: the fork server is then
 * started anew with the first one.
 *
 * If a worker cannot be started because the system lacks resources, the start is tried again after a pause
 * ([property@Ferry.Pool:restart-limit]). This function reports no error then.
 *
 * Fails with the pool's error if the pool has failed (see [method@Ferry.Pool.get_error]), and with the other errors of
 * [method@Ferry.Launcher.spawn].
 *
 * Returns: %TRUE on success
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
  if (self->roster.workers->len == 0)
    start_fork_server (self);
  return ferry_runner_check (FERRY_RUNNER (self), error);
}

void
ferry_pool_set_one_of_many (FerryPool *self)
{
  self->is_one_of_many = TRUE;
}

/* What has failed before does not count any more. */
static void
forgive (FerryPool *self)
{
  g_array_set_size (self->restarts, 0);
  self->n_refusals = 0;
  if (self->starter != NULL && ferry_launcher_get_fork_server (self->starter) != NULL)
    ferry_fork_server_forgive (ferry_launcher_get_fork_server (self->starter));
  else if (self->starter != NULL && ferry_launcher_get_may_execute (self->starter))
    /* A changed program may be able to run as a fork server, so the starter is made anew. */
    g_clear_object (&self->starter);
  ferry_timers_unset (self->router->timers, &self->back_off);
}

void
ferry_pool_try (FerryPool *self)
{
  if (self->error == NULL || self->trial != NULL || self->rules.stopping || !ferry_router_check (self->router, NULL))
    return;
  forgive (self);
  self->trial = add_worker (self);
}

void
ferry_pool_note_up (FerryPool *self, FerryPoolWorker *worker)
{
  if (worker == self->trial && worker->state == FERRY_POOL_WORKER_READY)
    ferry_pool_reset (self);
}

/**
 * ferry_pool_reset:
 * @self: a pool
 *
 * Makes a failed pool usable again: it clears [property@Ferry.Pool:error], and workers are started when there are tasks
 * for them. The settings stay. On the router's thread.
 */
void
ferry_pool_reset (FerryPool *self)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  ferry_return_if_elsewhere (self->router->affinity);

  g_clear_error (&self->error);
  self->trial = NULL;
  forgive (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
  ferry_pool_schedule (self);
}

void
ferry_pool_note_ended (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit)
{
  g_autoptr (FerryPool) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (FerryPoolWorker) kept_worker G_GNUC_UNUSED = ferry_pool_worker_ref (worker);
  gboolean expected = worker->told_to_end;
  guint position = ferry_pool_roster_remove (&self->roster, worker);

  if (worker == self->trial)
    self->trial = NULL;
  figures_changed (self);
  /* The list has the processes in the roster's order, and no handler runs between the two removals. */
  if (worker->worker != NULL)
    g_list_store_remove (self->list, position);
  if (!expected && !self->rules.stopping)
    note_end (self, worker, exit);
  if (self->rules.stopping)
    finish_stop (self);
  else
    ferry_pool_schedule (self);
}

/* ---- Settings ---- */

static void
setting_changed (FerryPool *self, guint property_id)
{
  switch (property_id)
    {
    case PROP_MIN_WORKERS:
    case PROP_MIN_IDLE:
      if (self->started)
        ferry_pool_schedule (self);
      break;
    case PROP_MAX_WORKERS:
      fit (self);
      g_object_notify (G_OBJECT (self), "parallelism");
      break;
    case PROP_USE_FORK_SERVER:
      if (self->starter_is_new)
        g_clear_object (&self->starter);
      break;
    case PROP_MAX_AGE:
      retire_old (self);
      break;
    case PROP_INITIALISER:
    case PROP_INITIALISER_ARGUMENTS:
      self->rules.has_initialised = FALSE;
      break;
    case PROP_MAX_TASKS:
      self->rules.settled = FALSE;
      ferry_pool_roster_update_all (&self->roster);
      break;
    default:
      break;
    }
}

/**
 * ferry_pool_set_max_workers:
 * @self: a pool
 * @max_workers: the largest number of workers, at least 1
 *
 * Sets [property@Ferry.Pool:max-workers]. On the router's thread.
 */
void
ferry_pool_set_max_workers (FerryPool *self, guint max_workers)
{
  g_return_if_fail (FERRY_IS_POOL (self));
  g_return_if_fail (max_workers >= 1);
  ferry_return_if_elsewhere (self->router->affinity);

  g_object_set (self, "max-workers", max_workers, NULL);
}

/* ---- Getters ---- */

/**
 * ferry_pool_get_error:
 * @self: a pool
 *
 * Gets [property@Ferry.Pool:error], which [method@Ferry.Pool.reset] clears once its cause is gone. On the router's
 * thread.
 *
 * Returns: (transfer none) (nullable): the error
 */
const GError *
ferry_pool_get_error (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);
  ferry_return_val_if_elsewhere (self->router->affinity, NULL);

  return self->error;
}

static FerryRouter *
runner_get_router (FerryRunner *runner)
{
  return FERRY_POOL (runner)->router;
}

static guint
runner_get_parallelism (FerryRunner *runner, const char *const *needs)
{
  return needs == NULL ? FERRY_POOL (runner)->max_workers : 0;
}

static void
runner_schedule (FerryRunner *runner)
{
  ferry_pool_schedule (FERRY_POOL (runner));
}

static void
runner_init (FerryRunnerInterface *iface)
{
  iface->get_router = runner_get_router;
  iface->get_parallelism = runner_get_parallelism;
  iface->add_source = runner_add_source;
  iface->remove_source = runner_remove_source;
  iface->schedule = runner_schedule;
  iface->check = runner_check;
  iface->sum_running = runner_sum_running;
}

/**
 * ferry_pool_get_workers:
 * @self: a pool
 *
 * Gets a list of the pool's worker processes. The list model reports each process that starts or ends. In a pool of
 * threads the list is empty. On the router's thread.
 *
 * Returns: (transfer none): a list model of [class@Ferry.Worker]
 */
GListModel *
ferry_pool_get_workers (FerryPool *self)
{
  g_return_val_if_fail (FERRY_IS_POOL (self), NULL);
  ferry_return_val_if_elsewhere (self->router->affinity, NULL);

  return G_LIST_MODEL (self->list);
}

static const gsize fields[N_PROPERTIES + 1] = {
  [PROP_ROUTER] = G_STRUCT_OFFSET (FerryPool, router),
  [PROP_LAUNCHER] = G_STRUCT_OFFSET (FerryPool, launcher),
  [PROP_NAME] = G_STRUCT_OFFSET (FerryPool, name),
  [PROP_MIN_WORKERS] = G_STRUCT_OFFSET (FerryPool, min_workers),
  [PROP_MAX_WORKERS] = G_STRUCT_OFFSET (FerryPool, max_workers),
  [PROP_IDLE_TIMEOUT] = G_STRUCT_OFFSET (FerryPool, rules.idle_timeout),
  [PROP_MIN_IDLE] = G_STRUCT_OFFSET (FerryPool, min_idle),
  [PROP_MAX_TASKS] = G_STRUCT_OFFSET (FerryPool, rules.max_tasks),
  [PROP_MAX_AGE] = G_STRUCT_OFFSET (FerryPool, max_age),
  [PROP_MAX_MEMORY] = G_STRUCT_OFFSET (FerryPool, rules.max_memory),
  [PROP_RESTART_LIMIT] = G_STRUCT_OFFSET (FerryPool, restart_limit),
  [PROP_RESTART_INTERVAL] = G_STRUCT_OFFSET (FerryPool, restart_interval),
  [PROP_USE_FORK_SERVER] = G_STRUCT_OFFSET (FerryPool, use_fork_server),
  [PROP_INITIALISER] = G_STRUCT_OFFSET (FerryPool, rules.initialiser.function),
  [PROP_INITIALISER_ARGUMENTS] = G_STRUCT_OFFSET (FerryPool, rules.initialiser.arguments),
  [PROP_FINALISER] = G_STRUCT_OFFSET (FerryPool, rules.finaliser.function),
  [PROP_FINALISER_ARGUMENTS] = G_STRUCT_OFFSET (FerryPool, rules.finaliser.arguments),
  [PROP_N_BUSY] = G_STRUCT_OFFSET (FerryPool, roster.n_busy),
  [PROP_N_RESTARTS] = G_STRUCT_OFFSET (FerryPool, n_restarts),
  [PROP_ERROR] = G_STRUCT_OFFSET (FerryPool, error),
  [PROP_PARALLELISM] = G_STRUCT_OFFSET (FerryPool, max_workers),
};

static void
ferry_pool_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryPool *self = FERRY_POOL (object);

  /* These two are set at construction only. */
  if (property_id != PROP_ROUTER && property_id != PROP_LAUNCHER &&
      !ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  if (property_id == PROP_NAME)
    g_value_set_string (value, get_name (self));
  else if (property_id == PROP_N_WORKERS)
    g_value_set_uint (value, self->roster.workers->len);
  else
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
}

/* The router is set first, and the pool belongs to its thread from then on. */
static void
ferry_pool_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryPool *self = FERRY_POOL (object);

  if (property_id == PROP_ROUTER)
    self->router = ferry_property_require (object, value, pspec);
  else if (property_id == PROP_LAUNCHER)
    self->launcher = g_value_dup_object (value);
  else if (ferry_affinity_check_property (self->router->affinity, pspec) &&
           ferry_property_change (self, G_STRUCT_MEMBER_P (self, fields[property_id]), value, pspec))
    setting_changed (self, property_id);
}

static void
install_settings (void)
{
  /**
   * FerryPool:name:
   *
   * The pool's name, with which its workers' names begin; `ps` shows them. The default is the worker program's name.
   */
  properties[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryPool:min-workers:
   *
   * The smallest number of workers that the pool keeps, from its start or its first task on.
   */
  properties[PROP_MIN_WORKERS] = g_param_spec_uint ("min-workers", NULL, NULL, 0, G_MAXUINT16, 0, FERRY_SETTABLE);
  /**
   * FerryPool:min-idle:
   *
   * How many idle workers the pool keeps beside the busy ones, from its start or its first task on. So the next task
   * finds a warm worker. [property@Ferry.Pool:max-workers] limits idle and busy workers together.
   */
  properties[PROP_MIN_IDLE] = g_param_spec_uint ("min-idle", NULL, NULL, 0, G_MAXUINT16, 0, FERRY_SETTABLE);
  /**
   * FerryPool:max-workers:
   *
   * The largest number of workers. If the pool has more, the surplus workers end after their present tasks. Workers
   * that are ending are not counted; at most as many workers again may be ending. The default is
   * [func@Ferry.get_n_usable_cores].
   */
  properties[PROP_MAX_WORKERS] = g_param_spec_uint ("max-workers", NULL, NULL, 1, G_MAXUINT16, 1, FERRY_SETTABLE);
  /**
   * FerryPool:idle-timeout:
   *
   * How long the pool keeps an idle worker, in microseconds; 0 for no limit. This is for a worker beyond
   * [property@Ferry.Pool:min-workers] and [property@Ferry.Pool:min-idle]. The default is 60 seconds.
   */
  properties[PROP_IDLE_TIMEOUT] =
    g_param_spec_int64 ("idle-timeout", NULL, NULL, 0, G_MAXINT64, 60 * G_USEC_PER_SEC, FERRY_SETTABLE);
}

static void
install_restarts (void)
{
  /**
   * FerryPool:restart-limit:
   *
   * How many workers that end before they have begun a task the pool replaces in
   * [property@Ferry.Pool:restart-interval]. Before each replacement there is a pause, which doubles each time. With one
   * more such end the pool fails. Workers that end while they run a task are replaced without limit. The default is 5.
   *
   * If no worker of the pool has ever attached, a worker that does nothing and does not attach
   * ([property@Ferry.Launcher:attach-timeout]) is not replaced. The pool then fails. The program probably does not call
   * [func@Ferry.Worker.main].
   *
   * If the system lacks memory, descriptors or processes for a worker, the start is tried again after such pauses,
   * without a limit. [property@Ferry.Task:text] says what is short.
   */
  properties[PROP_RESTART_LIMIT] =
    g_param_spec_uint ("restart-limit", NULL, NULL, 0, G_MAXUINT, DEFAULT_RESTART_LIMIT, FERRY_SETTABLE);
  /**
   * FerryPool:restart-interval:
   *
   * The time in which the ends of [property@Ferry.Pool:restart-limit] are counted, in microseconds. The default is 60
   * seconds.
   */
  properties[PROP_RESTART_INTERVAL] =
    g_param_spec_int64 ("restart-interval", NULL, NULL, 1, G_MAXINT64, DEFAULT_RESTART_INTERVAL, FERRY_SETTABLE);
}

static void
install_limits (void)
{
  /**
   * FerryPool:max-age:
   *
   * The age at which a worker is replaced, in microseconds from the end of its initialiser; 0 for no limit. The worker
   * finishes its present task first.
   */
  properties[PROP_MAX_AGE] = g_param_spec_int64 ("max-age", NULL, NULL, 0, G_MAXINT64, 0, FERRY_SETTABLE);
  /**
   * FerryPool:max-tasks:
   *
   * How many tasks a worker runs before it is replaced; 0 for no limit.
   */
  properties[PROP_MAX_TASKS] = g_param_spec_uint ("max-tasks", NULL, NULL, 0, G_MAXUINT, 0, FERRY_SETTABLE);
  /**
   * FerryPool:max-memory:
   *
   * The resident memory of a worker's process, in bytes, above which the worker is replaced; 0 for no limit. The memory
   * is read after a task, at most ten times a second. The limit does not apply to a pool of threads.
   */
  properties[PROP_MAX_MEMORY] = g_param_spec_uint64 ("max-memory", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_SETTABLE);
  install_restarts ();
  /**
   * FerryPool:use-fork-server:
   *
   * Whether a fork server forks the workers, which takes about 0.1 ms for each. Otherwise the program is executed for
   * each worker, and each worker's memory has a layout of its own. A fork server of the launcher is always used.
   *
   * Some programs cannot be a fork server, for example a program that has threads when it is to fork. The pool executes
   * such a program for each worker, and logs this once. [method@Ferry.Pool.reset] makes it try a fork server again.
   */
  properties[PROP_USE_FORK_SERVER] = g_param_spec_boolean ("use-fork-server", NULL, NULL, TRUE, FERRY_SETTABLE);
}

static void
install_calls (void)
{
  /**
   * FerryPool:initialiser:
   *
   * The name of a registered function that each new worker runs before its first task; %NULL for none. If it fails, the
   * pool fails, and starts no worker until [method@Ferry.Pool.reset] is called. So it is if the initialiser ends its
   * worker, as by a crash, and no worker has come through it so far. Later such ends count for
   * [property@Ferry.Pool:restart-limit].
   */
  properties[PROP_INITIALISER] = g_param_spec_string ("initialiser", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryPool:initialiser-arguments:
   *
   * The arguments of [property@Ferry.Pool:initialiser]; %NULL for none.
   */
  properties[PROP_INITIALISER_ARGUMENTS] =
    g_param_spec_variant ("initialiser-arguments", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, FERRY_SETTABLE);
  /**
   * FerryPool:finaliser:
   *
   * The name of a registered function that each worker runs after its last task, when the worker is retired or the pool
   * is stopped; %NULL for none. Its errors are logged.
   */
  properties[PROP_FINALISER] = g_param_spec_string ("finaliser", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryPool:finaliser-arguments:
   *
   * The arguments of [property@Ferry.Pool:finaliser]; %NULL for none.
   */
  properties[PROP_FINALISER_ARGUMENTS] =
    g_param_spec_variant ("finaliser-arguments", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, FERRY_SETTABLE);
}

static void
install_figures (void)
{
  /**
   * FerryPool:n-workers:
   *
   * How many workers the pool has. Workers that are starting or ending are included. This property, n-busy and
   * n-restarts are notified at most once in a frame.
   */
  properties[PROP_N_WORKERS] = g_param_spec_uint ("n-workers", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);
  /**
   * FerryPool:n-busy:
   *
   * How many workers have tasks.
   */
  properties[PROP_N_BUSY] = g_param_spec_uint ("n-busy", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);
  /**
   * FerryPool:n-restarts:
   *
   * How many workers have ended unexpectedly.
   */
  properties[PROP_N_RESTARTS] = g_param_spec_uint64 ("n-restarts", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);
  /**
   * FerryPool:error:
   *
   * Why the pool has failed and starts no further workers ([method@Ferry.Pool.reset]); %NULL if it has not failed.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, FERRY_READABLE);
}

static void
install_properties (GObjectClass *object_class)
{
  object_class->get_property = ferry_pool_get_property;
  object_class->set_property = ferry_pool_set_property;
  /**
   * FerryPool:router:
   *
   * The router that carries tasks and answers.
   */
  properties[PROP_ROUTER] = g_param_spec_object ("router", NULL, NULL, FERRY_TYPE_ROUTER, FERRY_AT_CONSTRUCTION);
  /**
   * FerryPool:launcher:
   *
   * The launcher that starts the workers; %NULL in a pool of threads.
   */
  properties[PROP_LAUNCHER] = g_param_spec_object ("launcher", NULL, NULL, FERRY_TYPE_LAUNCHER, FERRY_AT_CONSTRUCTION);
  install_settings ();
  install_limits ();
  install_calls ();
  install_figures ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  g_object_class_override_property (object_class, PROP_PARALLELISM, "parallelism");
}

/* ---- Life cycle ---- */

/* Makes the tasks that wait fail when the router has stopped, but not the pool: the router may be started again. */
static void
running_changed (FerryPool *self)
{
  if (!ferry_router_get_running (self->router))
    fail_sources (self, g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED,
                                             "The task was not begun, since the application ends or has stopped its "
                                             "router; submit the task again when that runs"));
}

static void
ferry_pool_constructed (GObject *object)
{
  FerryPool *self = FERRY_POOL (object);

  G_OBJECT_CLASS (ferry_pool_parent_class)->constructed (object);

  if (self->launcher != NULL)
    ferry_launcher_bind (self->launcher, self->router->affinity);
  g_signal_connect_object (self->router, "notify::running", G_CALLBACK (running_changed), self, G_CONNECT_SWAPPED);
  ferry_registry_add (&self->registered, FERRY_KIND_POOL, self, NULL);
}

/* Ends the workers. They have no tasks: each executor holds a reference to its pool, so there is none any more. */
static void
ferry_pool_dispose (GObject *object)
{
  FerryPool *self = FERRY_POOL (object);

  if (ferry_forks_keep (object, self->fork_number))
    return;
  ferry_registry_remove (&self->registered);
  self->rules.stopping = TRUE;
  while (self->roster.workers->len > 0)
    {
      FerryPoolWorker *last = g_ptr_array_index (self->roster.workers, self->roster.workers->len - 1);
      g_autoptr (FerryPoolWorker) worker = ferry_pool_worker_ref (last);

      ferry_pool_roster_remove (&self->roster, worker);
      ferry_pool_worker_let_go (worker);
    }
  ferry_timers_unset (self->router->timers, &self->back_off);
  ferry_timers_unset (self->router->limits, &self->stop_timer);
  ferry_timers_unset (self->router->timers, &self->steal_timer);
  ferry_timers_unset (self->router->timers, &self->age_timer);
  ferry_timers_unset (self->router->timers, &self->notify_timer);

  G_OBJECT_CLASS (ferry_pool_parent_class)->dispose (object);
}

static void
pool_call_clear (FerryPoolCall *self)
{
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_pointer (&self->function, g_free);
}

static void
ferry_pool_finalize (GObject *object)
{
  FerryPool *self = FERRY_POOL (object);

  ferry_wait_queue_clear (&self->stop_waits);
  ferry_pool_roster_clear (&self->roster);
  g_ptr_array_unref (self->sources.list);
  g_array_unref (self->restarts);
  g_object_unref (self->list);
  g_clear_error (&self->error);
  g_free (self->name);
  pool_call_clear (&self->rules.initialiser);
  pool_call_clear (&self->rules.finaliser);
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
  self->fork_number = ferry_forks_note ();
  self->max_workers = ferry_get_n_usable_cores ();
  self->rules.idle_timeout = 60 * G_USEC_PER_SEC;
  self->restart_limit = DEFAULT_RESTART_LIMIT;
  self->restart_interval = DEFAULT_RESTART_INTERVAL;
  self->use_fork_server = TRUE;
  self->list = g_list_store_new (FERRY_TYPE_WORKER);
  ferry_pool_roster_init (&self->roster, (GDestroyNotify) ferry_pool_worker_unref);
  self->sources.list = g_ptr_array_new ();
  self->restarts = g_array_new (FALSE, FALSE, sizeof (gint64));
  ferry_wait_queue_init (&self->stop_waits);
}

/**
 * ferry_pool_new:
 * @router: a router
 * @launcher: starts each worker; must have no senders and no transports. The pool keeps a reference
 *
 * Makes a pool of processes. This starts no worker yet, and the router need not run yet. Standard output and standard
 * error of the workers are shown on the application's own ([enum@Ferry.StreamMode]), unless the launcher
 * redirects them. Any thread; from then on the launcher must be used on the router's thread.
 *
 * The workers of a pool cannot use senders and transports of the launcher. If the launcher has some when the first
 * worker is started, the pool fails with %FERRY_ERROR_BAD_ARGUMENTS. Then [method@Ferry.Pool.start] and each task
 * report this error.
 *
 * Returns: (transfer full): the pool
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
 * Makes a pool of threads of this program, which run the functions that the program has registered. Tasks, their order
 * and their limits are the same as in a pool of processes, but a thread cannot be killed. If a cancelled task does not
 * end in its grace time, the task fails, and its thread continues outside the pool. Any thread.
 *
 * Returns: (transfer full): the pool
 */
FerryPool *
ferry_pool_new_for_threads (FerryRouter *router)
{
  g_return_val_if_fail (FERRY_IS_ROUTER (router), NULL);

  return g_object_new (FERRY_TYPE_POOL, "router", router, NULL);
}
