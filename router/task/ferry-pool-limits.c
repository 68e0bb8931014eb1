/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a pool puts up with: how often workers may end, how large they may grow, what they may answer. */

#include "config.h"

#include <stdio.h>

#include "base/ferry-base-private.h"
#include "route/ferry-exit-private.h"
#include "task/ferry-pool-private.h"
#include "worker/ferry-function-private.h"

/* The first pause after a worker that ended before it was of use, which doubles with each that follows. */
#define FIRST_BACK_OFF (50 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define MAX_BACK_OFF (5 * G_USEC_PER_SEC)

/* A process' size is looked at this often at most. */
#define MEMORY_INTERVAL (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

static void
backed_off (gpointer data)
{
  ferry_pool_fit (data);
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
  if (self->refusals->len > self->restart_limit && ferry_pool_count_live (self) == 0)
    ferry_pool_fail (self, describe_refusals (self, error));
}

/* main: a worker could not be started. What the system is short of may be there again soon, so that it is tried again
 * until there were too many of such times. What stays as it is fails the pool, unless there are other workers, which
 * then do what there is to do. Takes error over. */
void
ferry_pool_note_failed_start (FerryPool *self, FerryObstacle obstacle, GError *error)
{
  if (obstacle != FERRY_OBSTACLE_SHORTAGE && ferry_pool_count_live (self) == 0)
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

/* The nursery cannot fork the worker, and the next one is executed. */
static gboolean
is_for_the_nursery_only (FerryPool *self, FerryExit *exit)
{
  return ferry_exit_get_obstacle (exit) == FERRY_OBSTACLE_NURSERY && ferry_launcher_get_may_execute (self->starter);
}

/* main: a worker ended that was not told to. One that had worked is simply replaced, and so are those that were lost
 * with their nursery, which counts its own ends. Those that end before they have done anything are replaced after a
 * pause, and when there are too many of them, not any more. */
void
ferry_pool_note_end (FerryPool *self, FerryPoolWorker *worker, FerryExit *exit)
{
  /* The router's own stop took it along. */
  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_ROUTER_STOPPED)
    return;
  self->n_restarts++;
  if (ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_LAUNCH_FAILED)
    {
      if (is_for_the_nursery_only (self, exit))
        return;
      ferry_pool_note_failed_start (
        self, ferry_exit_get_obstacle (exit),
        g_error_new_literal (FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED, ferry_exit_get_message (exit)));
      return;
    }
  /* An initialiser that was begun is no task. */
  if (worker->n_done > 0 || worker->lost_task || ferry_exit_get_reason (exit) == FERRY_CLOSE_REASON_NURSERY_LOST)
    return;
  back_off (self, self->restarts);
  if (self->restarts->len > get_limit (self, exit))
    ferry_pool_fail (self, describe_limit (self, exit));
}

/* main: where this program has the function as well, the result is seen to have its type. */
gboolean
ferry_pool_check_result (FerryTask *task, GVariant *result, GError **error)
{
  const FerryFunctionEntry *entry = ferry_function_find (ferry_task_get_function (task));

  return entry == NULL || ferry_function_check_result (entry, result, error);
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
gboolean
ferry_pool_worker_is_too_large (FerryPoolWorker *self, guint64 max_memory)
{
  gint64 now = g_get_monotonic_time ();
  GPid pid = ferry_worker_get_pid (self->worker);

  if (pid == 0 || now - self->memory_at < MEMORY_INTERVAL)
    return FALSE;
  self->memory_at = now;
  return read_resident_pages (pid) * (guint64) sysconf (_SC_PAGESIZE) > max_memory;
}

static void
ages_came (gpointer data)
{
  g_autoptr (FerryPool) self = g_object_ref (data);

  ferry_pool_look_at_ages (self);
  ferry_pool_pump (self);
}

/* main: has the workers that are too old retire after the task that they are at, and looks again when the next one is.
 * Handlers may change the list, so it is looked at from its beginning after each. */
void
ferry_pool_look_at_ages (FerryPool *self)
{
  gint64 next = G_MAXINT64;
  guint i = 0;

  ferry_timers_unset (self->timers, &self->age_timer);
  while (self->max_age > 0 && i < self->workers->len)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i++);
      gint64 end = ferry_time_add (worker->born_at, self->max_age);

      if (worker->state != FERRY_POOL_WORKER_READY)
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

static void
idle_timed_out (gpointer data)
{
  FerryPoolWorker *worker = data;
  FerryPool *pool = worker->pool;
  gint64 until = ferry_time_add (worker->idle_at, pool->idle_timeout);

  if (worker->state != FERRY_POOL_WORKER_READY || worker->in_flight.length > 0)
    return;
  if (g_get_monotonic_time () < until)
    ferry_timers_set (pool->timers, &worker->timer, until, idle_timed_out, worker);
  else if (ferry_pool_count_live (pool) > pool->min_workers && ferry_pool_count_idle (pool) > pool->min_idle)
    ferry_pool_worker_retire (worker);
}

/* main: where the worker has nothing in hand, its time to be idle begins. */
void
ferry_pool_note_idle (FerryPool *self, FerryPoolWorker *worker)
{
  if (worker->state != FERRY_POOL_WORKER_READY || worker->in_flight.length > 0)
    return;
  worker->idle_at = g_get_monotonic_time ();
  /* A timer that is set looks when it runs out how long the worker has been idle by then. */
  if (self->idle_timeout > 0 && !ferry_timer_is_set (&worker->timer))
    ferry_timers_set (self->timers, &worker->timer, ferry_time_add (worker->idle_at, self->idle_timeout),
                      idle_timed_out, worker);
}

/* main: how many workers take tasks, or will. */
guint
ferry_pool_count_live (FerryPool *self)
{
  guint n = 0;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      n += worker->state == FERRY_POOL_WORKER_READY || worker->state == FERRY_POOL_WORKER_STARTING;
    }
  return n;
}

/* main: how many workers have nothing to do, or will have. */
guint
ferry_pool_count_idle (FerryPool *self)
{
  guint n = 0;

  for (guint i = 0; i < self->workers->len; i++)
    {
      FerryPoolWorker *worker = g_ptr_array_index (self->workers, i);

      n += worker->state <= FERRY_POOL_WORKER_READY && worker->in_flight.length == 0;
    }
  return n;
}
