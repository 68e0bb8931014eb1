/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An executor: moves each submitted task through its queue to a runner; its limits of time, its shutdown, and each
 * task's end. An executor is also a list model of its tasks: ferry-executor-list.c has which of them are in it.
 *
 * Counts: n_queued tasks wait, n_executing tasks run. The field n_open is the number of both together, without tasks in
 * the queue of submitted ones. The function source_done() removes each task from these counts once.
 *
 * It is one file since each step of a task changes the queue and the counts.
 *
 * Threads: the router's, except for submissions. Those of other threads wait until the router's thread takes them in.
 */

#include "config.h"

#include "task/ferry-executor-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-forks-private.h"
#include "base/ferry-property-private.h"
#include "base/ferry-registry-private.h"
#include "ferry-enums.h"
#include "job/ferry-function-private.h"
#include "job/ferry-worker-main-private.h"
#include "pool/ferry-labels-private.h"
#include "pool/ferry-pool-private.h"
#include "task/ferry-application-hold-private.h"
#include "task/ferry-executor-list-private.h"
#include "task/ferry-iterate-private.h"
#include "task/ferry-task-private.h"
#include "wire/ferry-call-message-private.h"
#include "wire/ferry-remote-error-private.h"

/* How long, in microseconds. */
#define DEFAULT_FINISHED_TIME (5 * G_USEC_PER_SEC)

/* How short a frame is at least, in microseconds: what progress changes is notified no sooner after the last time. */
#define SHORT_FRAME (10 * FERRY_MICROSECONDS_PER_MILLISECOND)

/**
 * FerryExecutor:
 *
 * A queue of tasks in front of a [class@Ferry.Pool], and a list model of them.
 *
 * Tasks can be submitted from any thread. All other functions are for the router's thread, unless their description
 * says otherwise. Signals are emitted on the router's thread. The list has all tasks that are not done, and the latest
 * [property@Ferry.Executor:keep-finished] of the tasks that are done. When something is connected to
 * [signal@Gio.ListModel::items-changed], as a list that shows the tasks, more of them stay:
 *
 * - Those that failed, the latest 1000 of them: until [method@Ferry.Executor.remove] or
 *   [method@Ferry.Executor.clear_finished], or until the task is tried again by [method@Ferry.Executor.retry]. So
 *   nothing fails unseen.
 * - A few of the others, for [property@Ferry.Executor:finished-time].
 *
 * Several executors can share a pool. Tasks of the same priority are then started from each executor alternately. An
 * executor can have several runners ([method@Ferry.Executor.add_runner]). It stays alive at least until its tasks are
 * done.
 */
struct _FerryExecutor
{
  GObject parent_instance;

  FerryRegistered registered;
  FerryTaskSource source;     /* the executor, as the runner sees it */
  FerryRunner *runner;        /* const: (unowned): the first of runners */
  gboolean runs_this_program; /* const: see runs_this_program() */
  GPtrArray *runners;         /* (owned) (element-type FerryRunner): a task goes to the first one that has room */
  FerryRouter *router;        /* const: (unowned): the runners' */
  guint max_pending;

  _Atomic gboolean has_hosts; /* any: one of the runners is no pool */
  _Atomic gint state;         /* any: read on any thread, and changed only on the router's thread */
  _Atomic gint n_queued;      /* any: number of tasks that wait, in submitted, in the queue or sent ahead */

  pthread_mutex_t submitted_lock;
  GQueue submitted; /* submitted_lock: (element-type FerryRun) (owned); an item &submitted means: cancel the
                         earlier tasks */

  FerryExecutorList list;
  FerryApplicationHold *hold; /* (owned) */
  gboolean hold_application;
  FerryWaitQueue submissions;           /* submissions that wait for room; the key is the task */
  gboolean pausing;                     /* all that run */
  GPtrArray *keepers;                   /* (owned) (element-type FerryRunKeeper): elements unowned */
  guint n_open;                         /* number of tasks that were taken in and are not done */
  guint n_executing;                    /* number of tasks that run */
  guint64 n_ended[FERRY_N_TASK_STATES]; /* number of tasks that are done, for each state */
  guint n_batch_done;                   /* number of tasks that were done since n_open was 0 */
  double batch_fraction;                /* the sum of those tasks' fractions; a task that was not cancelled counts 1 */

  FerryTimer spread_timer;       /* offers tasks that a runner gave back to all runners */
  FerryTimer notify_timer;       /* notifies the properties of figures that have changed */
  gint64 notified;               /* monotonic time of the latest notification */
  FerryTimer shutdown_timer;     /* runs out when the time of a shutdown is over */
  FerryWaitQueue shutdown_waits; /* callers of ferry_executor_shutdown_async() that wait for its end */
  gboolean shutting_down;        /* ferry_executor_shutdown_async() was called */
};

enum
{
  PROP_RUNNER = 1,
  PROP_POOL,
  PROP_MAX_PENDING,
  PROP_KEEP_FINISHED,
  PROP_FINISHED_TIME,
  PROP_HOLD_APPLICATION,
  PROP_STATE,
  PROP_PAUSED,
  PROP_ERROR,
  PROP_N_WAITING,
  PROP_N_EXECUTING,
  PROP_N_COMPLETED,
  PROP_N_FAILED,
  PROP_N_CANCELLED,
  PROP_FRACTION,
  PROP_INDETERMINATE,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

static FerryListedRun *
get_entry (FerryTask *task)
{
  return (FerryListedRun *) ferry_task_get_run (task);
}

static GType
get_item_type (GListModel *model)
{
  return FERRY_TYPE_TASK;
}

static guint
get_n_items (GListModel *model)
{
  FerryExecutor *self = FERRY_EXECUTOR (model);

  if (!ferry_affinity_check (self->router->affinity, "g_list_model_get_n_items"))
    return 0;
  return self->list.entries.length;
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryExecutor *self = FERRY_EXECUTOR (model);

  if (!ferry_affinity_check (self->router->affinity, "g_list_model_get_item"))
    return NULL;
  return ferry_executor_list_dup_task (&self->list, position);
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void take_in_submitted (gpointer data);
static void submit_waiting (FerryExecutor *self);

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryExecutor, ferry_executor, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* ---- Figures and states ---- */

static void
notify_figures (gpointer data)
{
  g_autoptr (FerryExecutor) self = g_object_ref (data);

  self->notified = g_get_monotonic_time ();
  ferry_executor_list_trim (&self->list);
  for (guint i = PROP_N_WAITING; i <= PROP_INDETERMINATE; i++)
    g_object_notify_by_pspec (G_OBJECT (self), properties[i]);
}

/* main: has changed figures notified, and finished tasks leave the list. */
static void
figures_changed (FerryExecutor *self)
{
  ferry_timers_set_to_tell (self->router->timers, &self->notify_timer, self->notified, notify_figures, self);
}

static void
finish_shutdown (FerryExecutor *self)
{
  if (self->n_open > 0 || atomic_load_explicit (&self->state, memory_order_relaxed) != FERRY_EXECUTOR_STATE_STOPPING)
    return;
  ferry_timers_unset (self->router->limits, &self->shutdown_timer);
  atomic_store_explicit (&self->state, FERRY_EXECUTOR_STATE_STOPPED, memory_order_release);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
  ferry_wait_queue_finish_all (&self->shutdown_waits);
}

static void
update_hold (FerryExecutor *self)
{
  ferry_application_hold_set (self->hold, self->n_open > 0, self->hold_application);
}

/* ---- The runners ---- */

/* More tasks may run, or fewer. */
static void
places_changed (FerryExecutor *self)
{
  for (guint i = 0; i < self->keepers->len; i++)
    ((FerryRunKeeper *) self->keepers->pdata[i])->funcs->places_changed (self->keepers->pdata[i]);
}

/* Its workers do not start, or are tried again. */
static void
runner_error_changed (FerryExecutor *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ERROR]);
  places_changed (self);
}

static void
add_runner (FerryExecutor *self, FerryRunner *runner)
{
  g_ptr_array_add (self->runners, g_object_ref (runner));
  if (FERRY_IS_POOL (runner))
    g_signal_connect_object (runner, "notify::error", G_CALLBACK (runner_error_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (runner, "notify::parallelism", G_CALLBACK (places_changed), self, G_CONNECT_SWAPPED);
  /* Relaxed: it orders no other memory. */
  if (!FERRY_IS_POOL (runner))
    atomic_store_explicit (&self->has_hosts, TRUE, memory_order_relaxed);
  FERRY_RUNNER_GET_IFACE (runner)->add_source (runner, &self->source);
}

/* main: has each runner send tasks that wait. */
static void
schedule (FerryExecutor *self)
{
  g_autoptr (FerryExecutor) kept G_GNUC_UNUSED = NULL;

  if (G_LIKELY (self->runners->len == 1))
    {
      ferry_runner_schedule (self->runner);
      return;
    }
  kept = g_object_ref (self);
  for (guint i = 0; i < self->runners->len; i++)
    ferry_runner_schedule (g_ptr_array_index (self->runners, i));
}

static void
spread (gpointer data)
{
  schedule (data);
}

static FerryExecutor *
from_source (FerryTaskSource *source)
{
  return (FerryExecutor *) (void *) ((char *) source - G_STRUCT_OFFSET (FerryExecutor, source));
}

/* main: whether a runner other than except (nullable) has not failed. If all have, sets error to that of the first. */
static gboolean
has_runner (FerryExecutor *self, FerryRunner *except, GError **error)
{
  for (guint i = 0; i < self->runners->len; i++)
    {
      FerryRunner *runner = g_ptr_array_index (self->runners, i);

      if (runner != except && ferry_runner_check (runner, error != NULL && *error == NULL ? error : NULL))
        {
          g_clear_error (error);
          return TRUE;
        }
    }
  return FALSE;
}

static gboolean
source_may_explain (FerryTaskSource *source, FerryRunner *runner, gboolean *has_pool)
{
  FerryExecutor *self = from_source (source);

  *has_pool = FALSE;
  for (guint i = 0; i < self->runners->len; i++)
    {
      FerryRunner *other = g_ptr_array_index (self->runners, i);

      if (FERRY_IS_POOL (other))
        *has_pool = *has_pool || ferry_runner_check (other, NULL);
      else if (other != runner)
        return FALSE;
    }
  return TRUE;
}

FerryRouter *
ferry_executor_get_router (FerryExecutor *self)
{
  return self->router;
}

guint
ferry_executor_get_parallelism (FerryExecutor *self, const char *const *needs)
{
  guint sum = 0;

  for (guint i = 0; i < self->runners->len; i++)
    {
      FerryRunner *runner = g_ptr_array_index (self->runners, i);

      sum += FERRY_RUNNER_GET_IFACE (runner)->get_parallelism (runner, needs);
    }
  return sum;
}

/* ---- A task's steps, reported by a runner ---- */

/* Releases the reference to a task that is open no more, and with the last one what take_in() has added. */
static void
let_go (FerryExecutor *self, FerryRun *run)
{
  ferry_run_unref (run);
  if (--self->n_open > 0)
    return;
  update_hold (self);
  finish_shutdown (self);
  g_object_unref (self);
}

/* main: handles the end of a task, after the task emitted done. */
static void
source_done (FerryTaskSource *source, FerryRun *run)
{
  FerryExecutor *self = from_source (source);
  FerryTaskState state = ferry_run_get_state (run);

  if (run->executing)
    self->n_executing--;
  else
    atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
  run->executing = FALSE;
  self->n_ended[state]++;
  self->n_batch_done++;
  /* The work of a cancelled task is not done, except for what the task has reported. */
  self->batch_fraction += state == FERRY_TASK_STATE_CANCELLED ? MAX (run->fraction, 0) : 1;
  ferry_executor_list_finish (&self->list, (FerryListedRun *) run);
  figures_changed (self);
  submit_waiting (self);
  let_go (self, run);
}

static void
queue_timed_out (gpointer data)
{
  g_autoptr (FerryRun) run = ferry_run_ref (data);
  g_autoptr (FerryExecutor) self = g_object_ref (from_source (run->source));

  ferry_run_end_wait (run);
  schedule (self);
}

/* The source is a part of it. */
static void
rest_is_over (gpointer source)
{
  g_autoptr (FerryExecutor) self = g_object_ref (from_source (source));

  ferry_run_end_rests (&self->source);
  schedule (self);
}

static void
wait_in_queue (FerryExecutor *self, FerryRun *run, gboolean at_front)
{
  ferry_run_wait (run, at_front);
  figures_changed (self);
}

static void
source_give_back (FerryTaskSource *source, FerryRun *run)
{
  FerryExecutor *self = from_source (source);

  if (run->executing)
    {
      self->n_executing--;
      atomic_fetch_add_explicit (&self->n_queued, 1, memory_order_relaxed);
    }
  wait_in_queue (self, run, TRUE);
  /* The runner that gave the task back sends tasks itself; the others do not know of this one. */
  if (self->runners->len > 1 && !ferry_timer_is_set (&self->spread_timer))
    ferry_timers_set (self->router->timers, &self->spread_timer, 0, spread, self);
}

static void
source_started (FerryTaskSource *source, FerryRun *run)
{
  FerryExecutor *self = from_source (source);

  self->n_executing++;
  atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
  figures_changed (self);
  submit_waiting (self);
}

/* Makes all tasks that wait fail with error, also those that other threads have just submitted. Those of a keeper wait
 * on: it takes them back where the executor cannot run them. */
static void
fail_all_waiting (FerryExecutor *executor, const GError *error)
{
  g_autoptr (FerryExecutor) self = g_object_ref (executor);

  take_in_submitted (self);
  ferry_run_fail_all_waiting (&self->source, error);
  places_changed (self);
}

static void
source_fail_all (FerryTaskSource *source, FerryRunner *runner, const GError *error)
{
  FerryExecutor *self = from_source (source);

  if (!ferry_router_get_running (self->router) || !has_runner (self, runner, NULL))
    fail_all_waiting (self, error);
}

/* Whether tasks that wait can be begun in the present state of the executor, its runners and its router. */
static gboolean
can_run (FerryExecutor *self, GError **error)
{
  if (!has_runner (self, NULL, error))
    return FALSE;
  if (self->shutting_down)
    return ferry_set_error (error, FERRY_ERROR_REFUSED,
                            "The executor is being shut down; submit the task to another executor");
  return ferry_router_get_running (self->router) ||
         ferry_set_error (error, FERRY_ERROR_NOT_RUNNING, "The pool's router is not running; start it first");
}

/* Makes tasks that wait fail if they cannot be begun. A timer calls this in the iteration of the main loop after the
 * submission. During the submission itself, handlers that submit again, and submissions that wait for room, would call
 * refuse_waiting() recursively. */
static void
refuse_waiting (gpointer data)
{
  FerryExecutor *self = data;
  g_autoptr (GError) error = NULL;

  if (can_run (self, &error))
    schedule (self);
  else
    fail_all_waiting (self, error);
}

/* ---- A task's steps, requested by the task ---- */

static void
source_cancelled (FerryTaskSource *source, FerryRun *run)
{
  g_autoptr (FerryExecutor) self = g_object_ref (from_source (source));
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (run);

  /* If it is not taken in yet, take_in() will find that the task is done. */
  if (!((FerryListedRun *) run)->taken_in)
    return;
  ferry_run_follow_cancel (run);
  schedule (self);
}

static void
source_pause_changed (FerryTaskSource *source, FerryRun *run)
{
  g_autoptr (FerryExecutor) self = g_object_ref (from_source (source));
  g_autoptr (FerryRun) kept G_GNUC_UNUSED = ferry_run_ref (run);
  FerryListedRun *entry = (FerryListedRun *) run;

  if (run->keeper != NULL && !self->pausing)
    run->keeper->funcs->changed (run->keeper, run);
  entry->executor_paused = FALSE;
  /* If it is not taken in yet, it is held when it is. */
  if (!entry->taken_in)
    return;
  ferry_run_note_pause (run);
  figures_changed (self);
  schedule (self);
}

static void
source_progressed (FerryTaskSource *source)
{
  FerryExecutor *self = from_source (source);

  /* A timer has the main loop run once more. So reports that come once in a frame are told at once, and the timer of
   * one that comes too soon is later than the next report. */
  if (g_get_monotonic_time () - self->notified < SHORT_FRAME)
    ferry_timers_set_to_tell (self->router->timers, &self->notify_timer, self->notified + SHORT_FRAME, notify_figures,
                              self);
  else
    {
      ferry_timers_unset (self->router->timers, &self->notify_timer);
      notify_figures (self);
    }
}

static gboolean
task_is_done (gpointer data)
{
  return ferry_task_get_done (data);
}

static gboolean
source_wait (FerryTaskSource *source, FerryTask *task, gint64 timeout, GError **error)
{
  g_autoptr (FerryExecutor) self = g_object_ref (from_source (source));

  if (ferry_timer_is_set (&self->source.refuse_timer))
    {
      ferry_timers_unset (self->router->timers, &self->source.refuse_timer);
      refuse_waiting (self);
      if (ferry_task_get_done (task))
        return TRUE;
    }
  if (!ferry_iterate_check (self->router, error))
    return FALSE;
  if (ferry_iterate_context (self->router->context, task_is_done, task, timeout))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_TIMED_OUT, "Task '%s' is not done yet; wait longer, or cancel it",
                          ferry_task_get_name (task));
}

/* ---- Submissions of other threads ---- */

/* main: has tasks that wait begun, as many as can be. */
static void
go_on (FerryExecutor *self)
{
  if (can_run (self, NULL))
    schedule (self);
  else
    ferry_timers_set (self->router->timers, &self->source.refuse_timer, 0, refuse_waiting, self);
}

/* main: adds an accepted task to the list and to the queue. Takes the reference. Returns whether it waits. */
static gboolean
take_in (FerryExecutor *self, FerryRun *run)
{
  FerryListedRun *entry = (FerryListedRun *) run;

  if (self->n_open++ == 0)
    {
      g_object_ref (self);
      update_hold (self);
      self->n_batch_done = 0;
      self->batch_fraction = 0;
    }
  ferry_executor_list_add (&self->list, entry);
  /* A handler of items-changed may have cancelled the task, or another thread while it was a submission. */
  entry->taken_in = TRUE;
  if (ferry_run_get_done (run))
    {
      source_done (&self->source, run);
      return FALSE;
    }
  wait_in_queue (self, run, FALSE);
  return TRUE;
}

/* main: cancels the executor's tasks, and those that wait with keepers. Returns how many. */
static guint
cancel_all (FerryExecutor *self)
{
  g_autoptr (GPtrArray) keepers = g_ptr_array_copy (self->keepers, NULL, NULL);
  guint n = 0;

  /* Handlers may end a queue. */
  for (guint i = 0; i < keepers->len; i++)
    if (g_ptr_array_find (self->keepers, keepers->pdata[i], NULL))
      n += ((FerryRunKeeper *) keepers->pdata[i])->funcs->cancel_all (keepers->pdata[i]);
  return n + ferry_executor_list_cancel (&self->list);
}

/* main: takes in the tasks that other threads have submitted, and cancels all earlier tasks at an item &submitted. */
static void
take_in_submitted (gpointer data)
{
  FerryExecutor *self = data;
  GQueue items;
  gpointer item;

  pthread_mutex_lock (&self->submitted_lock);
  items = self->submitted;
  g_queue_init (&self->submitted);
  pthread_mutex_unlock (&self->submitted_lock);
  while ((item = g_queue_pop_head (&items)) != NULL)
    if (item == &self->submitted)
      cancel_all (self);
    else if (take_in (self, item))
      go_on (self);
}

/* any: adds an item to the submitted ones: a task's run (transfer full), or &submitted, unless that is the last item
 * already. For the first item, take_in_submitted() is posted. */
static void
queue_submitted (FerryExecutor *self, gpointer item)
{
  gboolean was_empty;

  pthread_mutex_lock (&self->submitted_lock);
  was_empty = g_queue_is_empty (&self->submitted);
  if (was_empty || self->submitted.tail->data != item)
    g_queue_push_tail (&self->submitted, item);
  pthread_mutex_unlock (&self->submitted_lock);
  if (was_empty)
    ferry_mailbox_post (self->router->context, take_in_submitted, g_object_ref (self), g_object_unref);
}

/* ---- Submission: a task is checked, counted, bound to the executor, and taken in or queued for that ----
 *
 * Threads: any, except for submissions that wait for room, which are the router's. */

/* any: counts one more task that waits. Returns FALSE if max_pending tasks wait already. */
static gboolean
take_room (FerryExecutor *self)
{
  gint n_queued = atomic_load_explicit (&self->n_queued, memory_order_relaxed);

  /* Relaxed: the number orders no other memory. The number never exceeds the limit, not even for a moment: this would
   * refuse another submission for which there is room. */
  do
    if (self->max_pending > 0 && n_queued >= (gint) self->max_pending)
      return FALSE;
  while (!atomic_compare_exchange_weak_explicit (&self->n_queued, &n_queued, n_queued + 1, memory_order_relaxed,
                                                 memory_order_relaxed));
  return TRUE;
}

/* any: whether a worker that is this program once more has the function. entry (nullable): that of this program. The
 * library's own functions are in no registry. */
static gboolean
is_known_there (const FerryFunctionEntry *entry, const char *function)
{
  return ferry_worker_main_was_called () && (entry != NULL || g_str_has_prefix (function, "ferry."));
}

static gboolean
refuse_unknown (const char *function, GError **error)
{
  /* FERRY_COMMAND_FUNCTION, of the layer above. */
  if (g_str_equal (function, "command"))
    return ferry_set_error (error, FERRY_ERROR_UNKNOWN_FUNCTION,
                            "The workers of this executor run functions of the program, and no commands; submit the "
                            "command to one of ferry_executor_new_for_commands(), or call ferry_job_run_command() in a "
                            "function");
  return ferry_set_error (error, FERRY_ERROR_UNKNOWN_FUNCTION,
                          "The workers would not find the function '%s'; register it with "
                          "ferry_function_register(), then call ferry_worker_main(), both at the beginning of main()",
                          function);
}

/* any: whether what the task needs are labels, and a runner may have them, or there are hosts elsewhere. */
static gboolean
check_needs (FerryExecutor *self, FerryRun *run, gboolean has_hosts, GError **error)
{
  g_autofree char *words = NULL;
  g_autofree char *whose = NULL;

  if (run->needs == NULL)
    return TRUE;
  whose = g_strdup_printf ("Task '%s' needs", ferry_run_get_name (run));
  if (!ferry_labels_check (run->needs, whose, error))
    return FALSE;
  if (has_hosts || atomic_load_explicit (&self->has_hosts, memory_order_relaxed))
    return TRUE;
  words = ferry_labels_describe (run->needs);
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "%s a host with %s, and the executor has none; give it a FerryCluster with "
                          "ferry_executor_add_runner(), or leave FerryTask:needs out",
                          whose, words);
}

/* any: whether the executor runs, and the task's arguments fit its function. Workers that are this program once more
 * have the functions of this program. */
static gboolean
check (FerryExecutor *self, FerryRun *run, gboolean has_hosts, GError **error)
{
  const FerryFunctionEntry *entry;

  if (ferry_forks_is_inherited (self->router->fork_number))
    return ferry_set_error (error, FERRY_ERROR_NOT_RUNNING,
                            "The executor belongs to the process that this one was forked from; make another one here, "
                            "or submit the task before the fork");
  if (atomic_load_explicit (&self->state, memory_order_acquire) != FERRY_EXECUTOR_STATE_RUNNING)
    return ferry_set_error (error, FERRY_ERROR_STOPPED,
                            "The executor was stopped, and takes no more tasks; make another executor");
  if (run->function[0] == '\0')
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "The task '%s' has no function: it stands for a map or a group, and is not submitted; start "
      "the map with ferry_map_start(), or submit the tasks of the group",
      ferry_run_get_name (run));
  if (!check_needs (self, run, has_hosts, error))
    return FALSE;
  entry = ferry_function_find (run->function);
  if (self->runs_this_program && !is_known_there (entry, run->function))
    return refuse_unknown (run->function, error);
  return entry == NULL || ferry_function_check_arguments (entry, run->arguments, error);
}

/* A task that waits for hours is one that must survive the application. */
static gboolean
check_time (FerryTask *task, GError **error)
{
  return ferry_task_get_not_before (task) == 0 ||
         ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "Task '%s' is to wait for a time (FerryTask:not-before), and the executor keeps none for it; "
                          "submit it to a FerryQueue",
                          ferry_task_get_name (task));
}

static gboolean
submit_now (FerryExecutor *self, FerryRun *run, GError **error)
{
  if (!check_time (run->owner, error) ||
      !ferry_task_submit_to (run->owner, &self->source, self->router->affinity, error))
    {
      atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
      return FALSE;
    }
  if (ferry_router_check (self->router, NULL))
    {
      if (take_in (self, ferry_run_ref (run)))
        go_on (self);
    }
  else
    {
      ferry_hand_over (run->owner);
      queue_submitted (self, ferry_run_ref (run));
    }
  return TRUE;
}

static void
refuse_submissions (FerryExecutor *self)
{
  FerryCompletion *submission;

  while ((submission = ferry_wait_queue_reserve_next (&self->submissions)) != NULL)
    {
      ferry_completion_finish_reserved (
        submission, NULL, NULL,
        g_error_new_literal (FERRY_ERROR, FERRY_ERROR_STOPPED,
                             "The executor was stopped while the task waited for room; make another executor"));
      ferry_completion_unref (submission);
    }
}

/* main: submits the tasks that wait for room, as long as there is room. Callbacks may call any function. */
static void
submit_waiting (FerryExecutor *self)
{
  while (!ferry_wait_queue_is_empty (&self->submissions) && take_room (self))
    {
      g_autoptr (FerryCompletion) submission = ferry_wait_queue_reserve_next (&self->submissions);
      FerryTask *task = submission != NULL ? ferry_wait_queue_get_key (submission) : NULL;
      GError *error = NULL;

      if (task == NULL || !check (self, ferry_task_get_run (task), FALSE, &error))
        atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
      else
        submit_now (self, ferry_task_get_run (task), &error);
      if (task == NULL)
        return;
      ferry_completion_finish_reserved (submission, GINT_TO_POINTER (TRUE), NULL, error);
    }
}

void
ferry_executor_submit_when_room (FerryExecutor *self, FerryTask *task, FerryCompletionFunc func)
{
  g_autoptr (FerryCompletion) submission = ferry_wait_queue_join (&self->submissions, task, NULL);

  ferry_completion_call (submission, func, NULL);
  submit_waiting (self);
}

/* Whether one message has room for the call. */
static gboolean
check_size (FerryExecutor *self, FerryRun *run, GError **error)
{
  gsize size = sizeof (FerryCallHeader) + strlen (run->function) + sizeof (guint64);

  if (run->arguments != NULL)
    size += strlen (g_variant_get_type_string (run->arguments)) + g_variant_get_size (run->arguments);
  return size <= self->router->max_message_size ||
         ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                          "The arguments of task '%s' are larger than the router's limit of %" G_GUINT64_FORMAT
                          " bytes; pass a file's name, or raise FerryRouter:max-message-size",
                          ferry_run_get_name (run), self->router->max_message_size);
}

gboolean
ferry_executor_check_task (FerryExecutor *self, FerryTask *task, gboolean has_hosts, GError **error)
{
  return check (self, ferry_task_get_run (task), has_hosts, error) &&
         check_size (self, ferry_task_get_run (task), error);
}

gboolean
ferry_executor_take_kept (FerryExecutor *self, FerryTask *task, GError **error)
{
  FerryRun *run = ferry_task_get_run (task);

  if (!check (self, run, FALSE, error))
    return FALSE;
  atomic_fetch_add_explicit (&self->n_queued, 1, memory_order_relaxed);
  run->source = &self->source;
  take_in (self, ferry_run_ref (run));
  return TRUE;
}

void
ferry_executor_begin_kept (FerryExecutor *self)
{
  if (atomic_load_explicit (&self->n_queued, memory_order_relaxed) > 0)
    go_on (self);
}

gboolean
ferry_executor_give_back_kept (FerryExecutor *self, FerryTask *task, FerryTaskSource *source)
{
  g_autoptr (FerryExecutor) kept G_GNUC_UNUSED = g_object_ref (self);
  FerryRun *run = ferry_task_get_run (task);
  const gboolean is_held = run->end_held != NULL;
  gboolean waits = run->source == &self->source && (is_held || ferry_run_take_back (run));

  if (waits)
    {
      ferry_timers_unset (self->router->limits, &run->timer);
      if (is_held)
        {
          self->source.held -= MAX (run->fraction, 0);
          source->held += MAX (run->fraction, 0);
        }
      else
        ferry_task_queue_remove (&self->source.queue, run);
      run->source = source;
      get_entry (task)->taken_in = FALSE;
      /* No worker had begun it: it is one of those that wait. */
      if (get_entry (task)->executor_paused)
        ferry_task_resume (task);
      get_entry (task)->executor_paused = FALSE;
      if (run->executing)
        self->n_executing--;
      else
        atomic_fetch_sub_explicit (&self->n_queued, 1, memory_order_relaxed);
      run->executing = FALSE;
      ferry_executor_list_remove (&self->list, get_entry (task));
      figures_changed (self);
      let_go (self, run);
    }
  schedule (self);
  return waits;
}

gboolean
ferry_executor_can_run (FerryExecutor *self)
{
  return can_run (self, NULL);
}

GError *
ferry_executor_dup_error (FerryExecutor *self)
{
  GError *error = NULL;

  has_runner (self, NULL, &error);
  return error;
}

void
ferry_executor_try_again (FerryExecutor *self)
{
  g_autoptr (FerryExecutor) kept G_GNUC_UNUSED = g_object_ref (self);

  for (guint i = 0; i < self->runners->len; i++)
    if (FERRY_IS_POOL (self->runners->pdata[i]))
      ferry_pool_try (self->runners->pdata[i]);
}

gboolean
ferry_executor_goes_on (FerryExecutor *self)
{
  return !self->source.queue.paused &&
         atomic_load_explicit (&self->state, memory_order_acquire) == FERRY_EXECUTOR_STATE_RUNNING;
}

gboolean
ferry_executor_is_shutting_down (FerryExecutor *self)
{
  return self->shutting_down;
}

/**
 * ferry_executor_submit_task:
 * @self: an executor
 * @task: a task that was not submitted before
 * @error: return location for an error
 *
 * Submits a task. Workers begin tasks in the order of their priority, and then in the order of their submission. Any
 * thread may call this; signals are emitted on the router's thread.
 *
 * Fails with %FERRY_ERROR_STOPPED if the executor was stopped. Fails with %FERRY_ERROR_WOULD_BLOCK if
 * [property@Ferry.Executor:max-pending] tasks wait already. Fails with %FERRY_ERROR_ALREADY_STARTED if the task was
 * submitted before. Fails with %FERRY_ERROR_BAD_ARGUMENTS if the arguments do not fit a function that this program has
 * registered, if [property@Ferry.Task:not-before] is set, and if [property@Ferry.Task:needs] names what is no label, or
 * no runner has hosts. Fails with %FERRY_ERROR_UNKNOWN_FUNCTION if the workers
 * are `/proc/self/exe` without arguments, and this program has not registered the function, or has not called
 * [func@Ferry.Worker.main]. Fails with %FERRY_ERROR_NOT_RUNNING in a process that was forked from the executor's.
 * Errors that are found later, such as a function that another program lacks, make the task fail.
 *
 * Returns: %TRUE when the task was accepted
 */
gboolean
ferry_executor_submit_task (FerryExecutor *self, FerryTask *task, GError **error)
{
  FerryRun *run;

  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  run = ferry_task_get_run (task);
  if (!check (self, run, FALSE, error))
    return FALSE;
  if (!take_room (self))
    return ferry_set_error (
      error, FERRY_ERROR_WOULD_BLOCK,
      "%u tasks wait already; use ferry_executor_call_async(), which waits, or raise FerryExecutor:max-pending",
      self->max_pending);
  return submit_now (self, run, error);
}

static FerryTask *
submit_new (FerryExecutor *self, const char *name, const char *function, GVariant *arguments, GError **error)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);

  if (name != NULL)
    ferry_task_set_name (task, name);
  return ferry_executor_submit_task (self, task, error) ? g_steal_pointer (&task) : NULL;
}

/**
 * ferry_executor_submit:
 * @self: an executor
 * @function: the name of a registered function
 * @arguments: (nullable): the arguments of @function; a floating reference is sunk
 * @error: return location for an error
 *
 * Makes a task of kind %FERRY_TASK_KIND_CALL, and submits it. Any thread may call this.
 *
 * Fails as [method@Ferry.Executor.submit_task] does.
 *
 * Returns: (transfer full): the task
 */
FerryTask *
ferry_executor_submit (FerryExecutor *self, const char *function, GVariant *arguments, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return submit_new (self, NULL, function, arguments, error);
}

/**
 * ferry_executor_submit_named:
 * @self: an executor
 * @name: the name of the task, for users and errors
 * @function: the name of a registered function
 * @arguments: (nullable): the arguments of @function; a floating reference is sunk
 * @error: return location for an error
 *
 * Submits a task as [method@Ferry.Executor.submit] does, with a [property@Ferry.Task:name] of its own: what a list of
 * tasks shows as its title. Any thread may call this.
 *
 * Fails as [method@Ferry.Executor.submit_task] does.
 *
 * Returns: (transfer full): the task
 */
FerryTask *
ferry_executor_submit_named (FerryExecutor *self, const char *name, const char *function, GVariant *arguments,
                             GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (function != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return submit_new (self, name, function, arguments, error);
}

void
ferry_executor_submit_task_async (FerryExecutor *self, FerryTask *task, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (FerryCompletion) submission = NULL;
  g_autoptr (GTask) call = NULL;

  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  g_return_if_fail (FERRY_IS_TASK (task));
  ferry_return_if_elsewhere (self->router->affinity);

  /* The GTask holds references to the executor and to the task. */
  call = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (call, ferry_executor_submit_task_async);
  g_task_set_task_data (call, g_object_ref (task), g_object_unref);
  submission = ferry_wait_queue_join (&self->submissions, task, NULL);
  ferry_completion_return_boolean (submission, call, G_MAXINT64);
  submit_waiting (self);
}

gboolean
ferry_executor_submit_task_finish (FerryExecutor *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- Changes to tasks that were submitted ---- */

gboolean
ferry_executor_has_task (FerryExecutor *self, FerryTask *task)
{
  const FerryListedRun *entry = get_entry (task);

  if (entry->run.keeper != NULL)
    return entry->run.keeper->executor == self;
  return entry->run.source == &self->source && entry->taken_in;
}

guint
ferry_executor_count_failed (FerryExecutor *self)
{
  return self->list.n_failed;
}

/* Returns (transfer none) (nullable) what keeps the task beyond this process. */
static FerryRunKeeper *
get_keeper (FerryTask *task)
{
  return ferry_task_get_run (task)->keeper;
}

/* Whether the caller is on the router's thread, and the task was submitted to this executor. Sets error if not. */
static gboolean
check_task (FerryExecutor *self, const char *function, FerryTask *task, GError **error)
{
  if (!ferry_affinity_check_error (self->router->affinity, function, error))
    return FALSE;
  if (ferry_executor_has_task (self, task))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "Task '%s' was not submitted to this executor; use the task's own executor",
                          ferry_task_get_name (task));
}

/**
 * ferry_executor_set_task_priority:
 * @self: an executor
 * @task: a task that waits
 * @priority: the new priority; tasks with a higher number are begun first
 * @error: return location for an error
 *
 * Changes the priority of a task that waits, and places it behind the tasks of that priority. On the router's thread.
 *
 * Fails with %FERRY_ERROR_BUSY if the task was begun, and with %FERRY_ERROR_BAD_ARGUMENTS if the task was not submitted
 * to this executor.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_executor_set_task_priority (FerryExecutor *self, FerryTask *task, int priority, GError **error)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_task (self, G_STRFUNC, task, error))
    return FALSE;
  if (get_keeper (task) != NULL && ferry_task_get_run (task)->source != &self->source)
    return get_keeper (task)->funcs->set_priority (get_keeper (task), task, priority, error);
  if (!ferry_run_take_back (ferry_task_get_run (task)))
    {
      ferry_set_error (error, FERRY_ERROR_BUSY,
                       "Task '%s' was begun already; change the priority of tasks only while they wait",
                       ferry_task_get_name (task));
      schedule (self);
      return FALSE;
    }
  /* Delays the notification until the task is in its new place in the queue. */
  g_object_freeze_notify (G_OBJECT (task));
  ferry_task_queue_remove (&self->source.queue, ferry_task_get_run (task));
  ferry_task_change_priority (task, priority);
  ferry_task_queue_push (&self->source.queue, ferry_task_get_run (task), FALSE);
  g_object_thaw_notify (G_OBJECT (task));
  schedule (self);
  return TRUE;
}

/**
 * ferry_executor_remove:
 * @self: an executor
 * @task: a task
 * @error: return location for an error
 *
 * Removes a task from the list. A task that waits is cancelled first. On the router's thread.
 *
 * Fails with %FERRY_ERROR_BUSY, and does not change the task, while a worker runs the task. Cancel the task first, and
 * wait for its end. Fails with %FERRY_ERROR_BAD_ARGUMENTS if the task was not submitted to this executor.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_executor_remove (FerryExecutor *self, FerryTask *task, GError **error)
{
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = NULL;
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!check_task (self, G_STRFUNC, task, error))
    return FALSE;
  kept = g_object_ref (task);
  if (get_keeper (task) != NULL)
    return get_keeper (task)->funcs->remove (get_keeper (task), task, error);
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && ferry_run_take_back (ferry_task_get_run (task)))
    ferry_task_cancel (task);
  if (!ferry_task_get_done (task))
    {
      schedule (self);
      return ferry_set_error (error, FERRY_ERROR_BUSY, "Task '%s' is being run; cancel it, and wait for its end",
                              ferry_task_get_name (task));
    }
  ferry_executor_list_remove (&self->list, get_entry (task));
  return TRUE;
}

void
ferry_executor_add_keeper (FerryExecutor *self, FerryRunKeeper *keeper)
{
  g_ptr_array_add (self->keepers, keeper);
}

void
ferry_executor_remove_keeper (FerryExecutor *self, FerryRunKeeper *keeper)
{
  g_ptr_array_remove (self->keepers, keeper);
}

void
ferry_executor_keep_task (FerryExecutor *self, FerryTask *task, gboolean keep)
{
  FerryListedRun *entry = get_entry (task);

  g_return_if_fail (keep || entry->n_keepers > 0);

  entry->n_keepers = keep ? entry->n_keepers + 1 : entry->n_keepers - 1;
  if (entry->n_keepers == 0 && ferry_executor_has_task (self, task))
    ferry_executor_list_let_go (&self->list, entry);
}

/**
 * ferry_executor_retry:
 * @self: an executor
 * @task: a task that is done
 * @error: return location for an error
 *
 * Submits a new task with the function, the arguments, the name, the priority and the settings of a task that is done.
 * The new task knows of it: a row says which attempt it is, and a crash is one that repeats. A task that stays in the
 * list beyond [property@Ferry.Executor:keep-finished] leaves it. On the router's thread.
 *
 * Fails with %FERRY_ERROR_NOT_DONE if the task is not done. Fails with %FERRY_ERROR_BAD_ARGUMENTS if the task had
 * descriptors or bytes, because they were released at its end, or stands for a group or a map. Fails as
 * [method@Ferry.Executor.submit_task] does.
 *
 * Returns: (transfer full): the new task
 */
FerryTask *
ferry_executor_retry (FerryExecutor *self, FerryTask *task, GError **error)
{
  g_autoptr (FerryTask) again = NULL;

  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);
  g_return_val_if_fail (FERRY_IS_TASK (task), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error))
    return NULL;
  if (!ferry_task_get_done (task))
    {
      ferry_set_error (error, FERRY_ERROR_NOT_DONE, "Task '%s' is not done; wait for its end, or cancel it",
                       ferry_task_get_name (task));
      return NULL;
    }
  if (get_keeper (task) != NULL && ferry_executor_has_task (self, task))
    return get_keeper (task)->funcs->retry (get_keeper (task), task, error);
  if (*ferry_task_get_function (task) == '\0')
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "Task '%s' stands for others; try those again that failed",
                       ferry_task_get_name (task));
      return NULL;
    }
  if (ferry_task_get_run (task)->has_handles)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                       "Task '%s' had descriptors, which were closed at its end; make a new task with ferry_task_new()",
                       ferry_task_get_name (task));
      return NULL;
    }
  again = ferry_task_new_like (task);
  ferry_task_follow (again, task);
  if (!ferry_executor_submit_task (self, again, error))
    return NULL;
  get_entry (task)->tried_again = TRUE;
  if (get_entry (task)->stays && ferry_executor_has_task (self, task))
    ferry_executor_list_remove (&self->list, get_entry (task));
  else
    ferry_executor_list_trim (&self->list);
  return g_steal_pointer (&again);
}

/**
 * ferry_executor_clear_finished:
 * @self: an executor
 *
 * Removes all tasks that are done from the list, and from queues in front of the executor, which keep their keys. On
 * the router's thread.
 */
void
ferry_executor_clear_finished (FerryExecutor *self)
{
  g_autoptr (FerryExecutor) kept G_GNUC_UNUSED = NULL;
  g_autoptr (GPtrArray) keepers = NULL;

  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  ferry_return_if_elsewhere (self->router->affinity);

  kept = g_object_ref (self);
  keepers = g_ptr_array_copy (self->keepers, NULL, NULL);
  ferry_executor_list_remove_finished (&self->list);
  /* Handlers may end a queue. */
  for (guint i = 0; i < keepers->len; i++)
    if (g_ptr_array_find (self->keepers, keepers->pdata[i], NULL))
      ((FerryRunKeeper *) keepers->pdata[i])->funcs->clear_finished (keepers->pdata[i]);
}

/**
 * ferry_executor_cancel_all:
 * @self: an executor
 *
 * Cancels all tasks, as [method@Ferry.Task.cancel] does, also those that wait in queues in front of the executor. Tasks
 * that no worker has begun end at once. Any thread may call this. On another thread than the router's, it asks the
 * router's thread to cancel all tasks so far. Tasks that the calling thread submits later are not cancelled.
 *
 * Returns: how many tasks were cancelled; 0 on another thread, because the number is not known yet
 */
guint
ferry_executor_cancel_all (FerryExecutor *self)
{
  g_autoptr (FerryExecutor) kept G_GNUC_UNUSED = NULL;

  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), 0);

  if (!ferry_affinity_is_own (self->router->affinity))
    {
      queue_submitted (self, &self->submitted);
      return 0;
    }
  kept = g_object_ref (self);
  take_in_submitted (self);
  return cancel_all (self);
}

/* ---- Pausing ---- */

/* Takes back the tasks that were sent ahead and not begun. */
static void
take_all_back (FerryExecutor *self)
{
  g_autoptr (GPtrArray) tasks = ferry_executor_list_dup_open (&self->list);

  for (guint i = 0; i < tasks->len; i++)
    if (ferry_task_get_state (g_ptr_array_index (tasks, i)) == FERRY_TASK_STATE_WAITING)
      ferry_run_take_back (ferry_task_get_run (g_ptr_array_index (tasks, i)));
}

/* Pauses the tasks that run, or resumes those of them that nobody has paused or resumed since. */
static void
set_running_paused (FerryExecutor *self, gboolean paused)
{
  g_autoptr (GPtrArray) tasks = ferry_executor_list_dup_open (&self->list);

  self->pausing = TRUE;
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = g_ptr_array_index (tasks, i);
      FerryListedRun *entry = get_entry (task);

      if (!paused && entry->executor_paused)
        ferry_task_resume (task);
      else if (paused && entry->run.executing && ferry_task_pause (task))
        entry->executor_paused = TRUE;
    }
  self->pausing = FALSE;
}

/**
 * ferry_executor_set_paused:
 * @self: an executor
 * @paused: whether no task is begun
 * @running: whether the tasks that run are paused as well, as by [method@Ferry.Task.pause]; of no meaning where @paused
 *   is %FALSE
 *
 * Pauses the executor, or lets it go on. While it is paused, no worker begins one of its tasks, and tasks may be
 * submitted, cancelled and removed as ever. The tasks that wait are not [property@Ferry.Task:is-paused], and their
 * [property@Ferry.Task:queue-timeout] goes on.
 *
 * When the executor goes on, so do the tasks that were paused by @running, except those that were paused or resumed by
 * themselves since. It may be called again with another @running. On the router's thread.
 */
void
ferry_executor_set_paused (FerryExecutor *self, gboolean paused, gboolean running)
{
  g_autoptr (FerryExecutor) kept G_GNUC_UNUSED = NULL;
  gboolean changed;

  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  ferry_return_if_elsewhere (self->router->affinity);

  kept = g_object_ref (self);
  changed = self->source.queue.paused != !!paused;
  self->source.queue.paused = !!paused;
  take_in_submitted (self);
  if (paused)
    take_all_back (self);
  if (!paused || running)
    set_running_paused (self, paused);
  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PAUSED]);
  schedule (self);
}

/* ---- The end ---- */

/* Ends a shutdown that has no time left: kills the workers that run tasks, and ends all tasks now. */
static void
force_end (gpointer data)
{
  g_autoptr (FerryExecutor) self = g_object_ref (data);
  g_autoptr (GPtrArray) tasks = NULL;

  take_in_submitted (self);
  tasks = ferry_executor_list_dup_open (&self->list);
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = g_ptr_array_index (tasks, i);

      ferry_run_abandon (
        ferry_task_get_run (task),
        g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT,
                     "Task '%s' had not ended when the executor's shutdown timed out; give the shutdown more time",
                     ferry_task_get_name (task)));
    }
  finish_shutdown (self);
}

static void
begin_stop (FerryExecutor *self)
{
  if (atomic_load_explicit (&self->state, memory_order_relaxed) != FERRY_EXECUTOR_STATE_RUNNING)
    return;
  /* Release, like every store of the state. Another thread may submit a task meanwhile. It is put into submitted,
   * which the caller of begin_stop() empties next. */
  atomic_store_explicit (&self->state, FERRY_EXECUTOR_STATE_STOPPING, memory_order_release);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
  refuse_submissions (self);
}

/**
 * ferry_executor_stop:
 * @self: an executor
 *
 * Stops the executor permanently: it takes no more tasks. Its present tasks continue. When the last of them is done,
 * the state becomes %FERRY_EXECUTOR_STATE_STOPPED. A second stop has no effect. On the router's thread.
 *
 * To end the tasks too, before or after a stop, use [method@Ferry.Executor.cancel_all] or
 * [method@Ferry.Executor.shutdown_async].
 */
void
ferry_executor_stop (FerryExecutor *self)
{
  g_autoptr (FerryExecutor) kept G_GNUC_UNUSED = NULL;
  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  ferry_return_if_elsewhere (self->router->affinity);

  kept = g_object_ref (self);
  begin_stop (self);
  take_in_submitted (self);
  finish_shutdown (self);
}

/**
 * ferry_executor_shutdown_async:
 * @self: an executor
 * @timeout: how long the shutdown may take, in microseconds; 0 ends all tasks now, a negative number sets no limit
 * @cancellable: (nullable): cancels the waiting; the shutdown itself continues
 * @callback: (scope async): called when all tasks are done
 * @user_data: data for @callback
 *
 * Stops the executor permanently and cancels all of its tasks. Tasks that run can end by themselves within @timeout.
 * After half of @timeout at the latest their workers are asked to end, and after @timeout their workers are killed. So
 * a shutdown with a timeout always ends in time. Only a worker with a handler of `SIGTERM`, such as one of commands,
 * gets some seconds more, in which it tidies up after its task is done. The pool keeps idle workers, because other
 * executors may use them.
 *
 * A thread cannot be killed. In a pool of threads, a function that does not return in time continues after the
 * shutdown. For a shutdown that ends when all functions have returned, set no timeout here. Set a long grace time for
 * the tasks ([method@Ferry.Task.set_cancel_grace]).
 *
 * On the router's thread. If this is called a second time with an earlier end, the shutdown ends earlier.
 */
void
ferry_executor_shutdown_async (FerryExecutor *self, gint64 timeout, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GPtrArray) tasks = NULL;
  g_autoptr (GTask) shutdown = NULL;
  gint64 deadline = ferry_time_add (g_get_monotonic_time (), timeout);

  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  ferry_return_if_elsewhere (self->router->affinity);

  /* The GTask holds a reference to the executor. */
  shutdown = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (shutdown, ferry_executor_shutdown_async);
  begin_stop (self);
  if (atomic_load_explicit (&self->state, memory_order_relaxed) == FERRY_EXECUTOR_STATE_STOPPED)
    {
      g_task_return_boolean (shutdown, TRUE);
      return;
    }
  self->shutting_down = TRUE;
  ferry_wait_queue_add_task (&self->shutdown_waits, shutdown);
  if (timeout >= 0 && (!ferry_timer_is_set (&self->shutdown_timer) || self->shutdown_timer.deadline.time > deadline))
    ferry_timers_set (self->router->limits, &self->shutdown_timer, deadline, force_end, self);
  take_in_submitted (self);
  ferry_executor_list_cancel (&self->list);
  tasks = ferry_executor_list_dup_open (&self->list);
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = g_ptr_array_index (tasks, i);
      FerryRun *run = ferry_task_get_run (task);

      if (timeout >= 0 && run->destination != NULL && timeout < run->settings->cancel_grace)
        run->destination->funcs->give_time (run->destination, run, timeout);
    }
  finish_shutdown (self);
}

/**
 * ferry_executor_shutdown_finish:
 * @self: an executor
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Executor.shutdown_async]. Any thread.
 *
 * Fails with %G_IO_ERROR_CANCELLED if the waiting was cancelled.
 *
 * Returns: %TRUE when all tasks are done and the executor is stopped
 */
gboolean
ferry_executor_shutdown_finish (FerryExecutor *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- Settings and getters ---- */

/**
 * ferry_executor_add_runner:
 * @self: an executor
 * @runner: a runner with the same router, which the executor does not have yet
 *
 * Adds a runner behind those that the executor has: the pool of this machine, for instance, and what runs tasks on
 * others. A task goes to the first runner that has room for it. None is sent ahead to a worker of a pool that runs
 * another one. When a runner fails, the others run the tasks; tasks fail when all runners have failed. On the router's
 * thread.
 */
void
ferry_executor_add_runner (FerryExecutor *self, FerryRunner *runner)
{
  g_return_if_fail (FERRY_IS_EXECUTOR (self));
  g_return_if_fail (FERRY_IS_RUNNER (runner));
  ferry_return_if_elsewhere (self->router->affinity);
  ferry_return_if_fail (ferry_runner_get_router (runner) == self->router,
                        "the runner has another router; give an executor runners of one router");
  ferry_return_if_fail (!g_ptr_array_find (self->runners, runner, NULL),
                        "the executor has this runner already; add each runner once");

  self->source.is_shared = TRUE;
  take_all_back (self);
  add_runner (self, runner);
  schedule (self);
}

/**
 * ferry_executor_get_pool:
 * @self: an executor
 *
 * Gets the pool that runs the tasks. Any thread may call this.
 *
 * Returns: (transfer none) (nullable): the pool, or %NULL when the first runner is another one
 */
FerryPool *
ferry_executor_get_pool (FerryExecutor *self)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (self), NULL);

  return FERRY_IS_POOL (self->runner) ? FERRY_POOL (self->runner) : NULL;
}

/* The runners' destinations are few, so tasks that run are found through them and not through the list. */
void
ferry_executor_sum_running (FerryExecutor *self, FerryRunSum *sum)
{
  for (guint i = 0; i < self->runners->len; i++)
    {
      FerryRunner *runner = g_ptr_array_index (self->runners, i);

      FERRY_RUNNER_GET_IFACE (runner)->sum_running (runner, &self->source, sum);
    }
}

/* main: how much of the work is done, from 0 to 1. */
static double
get_fraction (FerryExecutor *self, const FerryRunSum *sum)
{
  guint n_batch = self->n_batch_done + self->n_open;

  return n_batch > 0 ? (self->batch_fraction + self->source.held + sum->fractions) / n_batch : 0;
}

/* main: before the first task, nothing is known at all. */
static gboolean
get_indeterminate (FerryExecutor *self, const FerryRunSum *sum)
{
  return self->n_batch_done + self->n_open == 0 ||
         ferry_run_sum_is_indeterminate (sum, self->n_open - self->n_executing, get_fraction (self, sum));
}

static gboolean
is_of_any_thread (guint property_id)
{
  return property_id == PROP_RUNNER || property_id == PROP_POOL || property_id == PROP_STATE ||
         property_id == PROP_N_WAITING;
}

static const gsize fields[N_PROPERTIES] = {
  [PROP_RUNNER] = G_STRUCT_OFFSET (FerryExecutor, runner),
  [PROP_MAX_PENDING] = G_STRUCT_OFFSET (FerryExecutor, max_pending),
  [PROP_KEEP_FINISHED] = G_STRUCT_OFFSET (FerryExecutor, list.keep_finished),
  [PROP_FINISHED_TIME] = G_STRUCT_OFFSET (FerryExecutor, list.finished_time),
  [PROP_HOLD_APPLICATION] = G_STRUCT_OFFSET (FerryExecutor, hold_application),
  [PROP_PAUSED] = G_STRUCT_OFFSET (FerryExecutor, source.queue.paused),
  [PROP_N_EXECUTING] = G_STRUCT_OFFSET (FerryExecutor, n_executing),
  [PROP_N_COMPLETED] = G_STRUCT_OFFSET (FerryExecutor, n_ended[FERRY_TASK_STATE_COMPLETED]),
  [PROP_N_FAILED] = G_STRUCT_OFFSET (FerryExecutor, n_ended[FERRY_TASK_STATE_FAILED]),
  [PROP_N_CANCELLED] = G_STRUCT_OFFSET (FerryExecutor, n_ended[FERRY_TASK_STATE_CANCELLED]),
};

static void
ferry_executor_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);
  FerryRunSum sum = {0};

  if (!is_of_any_thread (property_id) && !ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  if (property_id == PROP_FRACTION || property_id == PROP_INDETERMINATE)
    ferry_executor_sum_running (self, &sum);
  if (property_id == PROP_STATE)
    g_value_set_enum (value, atomic_load_explicit (&self->state, memory_order_acquire));
  else if (property_id == PROP_N_WAITING)
    g_value_set_uint (value, (guint) atomic_load_explicit (&self->n_queued, memory_order_relaxed));
  else if (property_id == PROP_POOL)
    g_value_set_object (value, ferry_executor_get_pool (self));
  else if (property_id == PROP_ERROR)
    g_value_take_boxed (value, ferry_executor_dup_error (self));
  else if (property_id == PROP_FRACTION)
    g_value_set_double (value, get_fraction (self, &sum));
  else if (property_id == PROP_INDETERMINATE)
    g_value_set_boolean (value, get_indeterminate (self, &sum));
  else
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
}

/* Whether the workers are this program once more, without arguments that would tell it to do something else. */
static gboolean
runs_this_program (FerryExecutor *self)
{
  FerryPool *pool = ferry_executor_get_pool (self);
  g_autoptr (FerryLauncher) launcher = NULL;
  g_auto (GStrv) argv = NULL;

  if (pool != NULL)
    g_object_get (pool, "launcher", &launcher, NULL);
  if (launcher != NULL)
    g_object_get (launcher, "argv", &argv, NULL);
  return argv != NULL && g_strcmp0 (argv[0], "/proc/self/exe") == 0 && argv[1] == NULL;
}

static void
ferry_executor_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  if (property_id == PROP_RUNNER)
    {
      g_autoptr (FerryRunner) runner = ferry_property_require (object, value, pspec);

      self->runner = runner;
      self->router = ferry_runner_get_router (self->runner);
      self->source.limits = self->router->limits;
      self->list.timers = self->router->timers;
      self->hold = ferry_application_hold_new (self->router->context);
      self->runs_this_program = runs_this_program (self);
      add_runner (self, self->runner);
      ferry_registry_add (&self->registered, FERRY_KIND_EXECUTOR, self, NULL);
    }
  else if (ferry_affinity_check_property (self->router->affinity, pspec) &&
           ferry_property_change (self, G_STRUCT_MEMBER_P (self, fields[property_id]), value, pspec))
    {
      if (property_id == PROP_HOLD_APPLICATION)
        update_hold (self);
      else if (property_id != PROP_MAX_PENDING)
        ferry_executor_list_trim (&self->list);
    }
}

static void
install_figures (void)
{
  /**
   * FerryExecutor:error:
   *
   * Why no task is begun: [property@Ferry.Pool:error], where no other runner is left; else %NULL. Meanwhile tasks fail
   * with it. Those of a queue in a file wait: see `FerryQueue`.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, FERRY_READABLE);
  /**
   * FerryExecutor:state:
   *
   * The state of the executor. Any thread may read this.
   */
  properties[PROP_STATE] =
    g_param_spec_enum ("state", NULL, NULL, FERRY_TYPE_EXECUTOR_STATE, FERRY_EXECUTOR_STATE_RUNNING, FERRY_READABLE);
  /**
   * FerryExecutor:paused:
   *
   * Whether no task is begun: [method@Ferry.Executor.set_paused].
   */
  properties[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, FERRY_NOTIFIED);
  /**
   * FerryExecutor:n-waiting:
   *
   * How many tasks wait. Tasks that were sent ahead to a worker and not begun are included. Any thread may read this.
   */
  properties[PROP_N_WAITING] = g_param_spec_uint ("n-waiting", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);
  /**
   * FerryExecutor:n-executing:
   *
   * How many tasks run. Cancelled tasks are included while their function has not ended.
   */
  properties[PROP_N_EXECUTING] = g_param_spec_uint ("n-executing", NULL, NULL, 0, G_MAXUINT, 0, FERRY_READABLE);
  /**
   * FerryExecutor:n-completed:
   *
   * How many tasks were completed with a result.
   */
  properties[PROP_N_COMPLETED] = g_param_spec_uint64 ("n-completed", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);
  /**
   * FerryExecutor:n-failed:
   *
   * How many tasks failed.
   */
  properties[PROP_N_FAILED] = g_param_spec_uint64 ("n-failed", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);
  /**
   * FerryExecutor:n-cancelled:
   *
   * How many tasks were cancelled.
   */
  properties[PROP_N_CANCELLED] = g_param_spec_uint64 ("n-cancelled", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);
}

static void
install_progress (void)
{
  /**
   * FerryExecutor:fraction:
   *
   * How much of the work is done, from 0 to 1. All tasks have the same weight. A running or cancelled task counts by
   * the fraction that it has reported, so a batch of which tasks were cancelled does not come to 1. Where a task takes
   * its fraction back, the sum falls by it. Whenever all tasks have ended, the next task begins a new count. It can be
   * bound to a progress bar: like the counts, it is notified once in a frame at most, also while tasks run.
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, FERRY_READABLE);
  /**
   * FerryExecutor:indeterminate:
   *
   * Whether [property@Ferry.Executor:fraction] says nothing, so that a bar should pulse: there was no task yet, or only
   * such tasks run whose own fraction is not known, and no other one waits, or nothing is done yet. It is notified with
   * the fraction.
   */
  properties[PROP_INDETERMINATE] = g_param_spec_boolean ("indeterminate", NULL, NULL, TRUE, FERRY_READABLE);
}

static void
install_properties (GObjectClass *object_class)
{
  object_class->get_property = ferry_executor_get_property;
  object_class->set_property = ferry_executor_set_property;
  /**
   * FerryExecutor:runner:
   *
   * What runs the tasks: the first runner, where there are several ([method@Ferry.Executor.add_runner]).
   */
  properties[PROP_RUNNER] = g_param_spec_object ("runner", NULL, NULL, FERRY_TYPE_RUNNER, FERRY_AT_CONSTRUCTION);
  /**
   * FerryExecutor:pool:
   *
   * The pool that runs the tasks; %NULL when the first runner is another one.
   */
  properties[PROP_POOL] = g_param_spec_object ("pool", NULL, NULL, FERRY_TYPE_POOL, FERRY_READABLE);
  /**
   * FerryExecutor:max-pending:
   *
   * How many tasks may wait; 0 for no limit. Must be set before the first task is submitted.
   */
  properties[PROP_MAX_PENDING] = g_param_spec_uint ("max-pending", NULL, NULL, 0, G_MAXINT, 0, FERRY_SETTABLE);
  /**
   * FerryExecutor:keep-finished:
   *
   * How many finished tasks stay in the list: those that finished last, and in a list that is shown those that failed
   * as well. The default is 0: a task without other references is freed when it is done, or in a list that is shown
   * after [property@Ferry.Executor:finished-time]. There, tasks leave together, within a frame.
   */
  properties[PROP_KEEP_FINISHED] = g_param_spec_uint ("keep-finished", NULL, NULL, 0, G_MAXUINT, 0, FERRY_SETTABLE);
  /**
   * FerryExecutor:finished-time:
   *
   * How long tasks that are done, or were cancelled, stay in a list that is shown, so that people see what has become
   * of them; in microseconds. The default is 5 seconds, and 0 is not at all. At most five of them stay for this time,
   * in addition to [property@Ferry.Executor:keep-finished].
   */
  properties[PROP_FINISHED_TIME] =
    g_param_spec_int64 ("finished-time", NULL, NULL, 0, G_MAXINT64, DEFAULT_FINISHED_TIME, FERRY_SETTABLE);
  /**
   * FerryExecutor:hold-application:
   *
   * Whether the default [class@Gio.Application] is held while the executor has tasks that are not done. %FALSE by
   * default.
   *
   * Set this in a service or a command line. A `GApplication` that has no window ends when nothing holds it, or after
   * its inactivity timeout, and its workers with it, whatever they do; the log has a message then. For windows there is
   * the task guard of `<ferry-gtk.h>`, which asks the user. A hold is not in the way of
   * [method@Gio.Application.quit].
   */
  properties[PROP_HOLD_APPLICATION] = g_param_spec_boolean ("hold-application", NULL, NULL, FALSE, FERRY_SETTABLE);
  install_figures ();
  install_progress ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

/* ---- How it stands ---- */

void
ferry_executor_get_stand (FerryExecutor *self, FerryExecutorStand *stand)
{
  *stand = (FerryExecutorStand){
    .runners = self->runners,
    .keepers = self->keepers,
    .paused = self->source.queue.paused,
  };
  pthread_mutex_lock (&self->submitted_lock);
  stand->n_unheard = self->submitted.length;
  pthread_mutex_unlock (&self->submitted_lock);
}

void
ferry_executor_list_tasks (FerryExecutor *self, GPtrArray *tasks, guint max)
{
  guint n_left = self->n_executing;

  for (GList *link = self->list.entries.head; link != NULL && n_left > 0 && tasks->len < max; link = link->next)
    if (((FerryRun *) link->data)->executing)
      {
        g_ptr_array_add (tasks, g_object_ref (ferry_run_get_task (link->data)));
        n_left--;
      }
  for (GList *link = self->list.entries.head; link != NULL && tasks->len < max; link = link->next)
    if (!((FerryRun *) link->data)->executing && !ferry_run_get_done (link->data))
      g_ptr_array_add (tasks, g_object_ref (ferry_run_get_task (link->data)));
  for (GList *link = self->list.finished.tail; link != NULL && tasks->len < max; link = link->prev)
    g_ptr_array_add (tasks, g_object_ref (ferry_run_get_task (link->data)));
  for (GList *link = self->list.failed.tail; link != NULL && tasks->len < max; link = link->prev)
    g_ptr_array_add (tasks, g_object_ref (ferry_run_get_task (link->data)));
}

/* ---- Life cycle ---- */

static void
ferry_executor_dispose (GObject *object)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  ferry_registry_remove (&self->registered);
  for (guint i = 0; i < self->runners->len; i++)
    {
      FerryRunner *runner = g_ptr_array_index (self->runners, i);

      FERRY_RUNNER_GET_IFACE (runner)->remove_source (runner, &self->source);
    }
  ferry_timers_unset (self->router->limits, &self->source.rest_timer);
  ferry_timers_unset (self->router->timers, &self->spread_timer);
  ferry_timers_unset (self->router->timers, &self->notify_timer);
  ferry_timers_unset (self->router->timers, &self->list.linger_timer);
  ferry_timers_unset (self->router->timers, &self->source.refuse_timer);
  ferry_timers_unset (self->router->limits, &self->shutdown_timer);

  G_OBJECT_CLASS (ferry_executor_parent_class)->dispose (object);
}

static void
ferry_executor_finalize (GObject *object)
{
  FerryExecutor *self = FERRY_EXECUTOR (object);

  ferry_wait_queue_clear (&self->submissions);
  ferry_wait_queue_clear (&self->shutdown_waits);
  ferry_task_queue_clear (&self->source.queue);
  ferry_executor_list_clear (&self->list);
  g_clear_pointer (&self->hold, ferry_application_hold_free);
  pthread_mutex_destroy (&self->submitted_lock);
  g_ptr_array_unref (self->runners);
  g_ptr_array_unref (self->keepers);

  G_OBJECT_CLASS (ferry_executor_parent_class)->finalize (object);
}

static void
ferry_executor_class_init (FerryExecutorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_executor_dispose;
  object_class->finalize = ferry_executor_finalize;
  install_properties (object_class);
}

static void
ferry_executor_init (FerryExecutor *self)
{
  self->source = (FerryTaskSource){.give_back = source_give_back,
                                   .started = source_started,
                                   .done = source_done,
                                   .may_explain = source_may_explain,
                                   .fail_all = source_fail_all,
                                   .wait_over = queue_timed_out,
                                   .rest_over = rest_is_over,
                                   .cancelled = source_cancelled,
                                   .pause_changed = source_pause_changed,
                                   .progressed = source_progressed,
                                   .wait = source_wait};
  self->list = (FerryExecutorList){.model = G_LIST_MODEL (self), .finished_time = DEFAULT_FINISHED_TIME};
  self->runners = g_ptr_array_new_with_free_func (g_object_unref);
  self->keepers = g_ptr_array_new ();
  ferry_wait_queue_init (&self->submissions);
  ferry_wait_queue_init (&self->shutdown_waits);
  pthread_mutex_init (&self->submitted_lock, NULL);
  ferry_task_queue_init (&self->source.queue);
}

/**
 * ferry_executor_new:
 * @pool: a pool
 *
 * Makes an executor of tasks for a pool. On the router's thread.
 *
 * Returns: (transfer full): the executor
 */
FerryExecutor *
ferry_executor_new (FerryPool *pool)
{
  g_return_val_if_fail (FERRY_IS_POOL (pool), NULL);
  ferry_return_val_if_elsewhere (ferry_runner_get_router (FERRY_RUNNER (pool))->affinity, NULL);

  return ferry_executor_new_for_runner (FERRY_RUNNER (pool));
}

/**
 * ferry_executor_new_for_runner:
 * @runner: a runner
 *
 * Makes an executor of tasks for a pool, or for another runner. On the router's thread.
 *
 * Returns: (transfer full): the executor
 */
FerryExecutor *
ferry_executor_new_for_runner (FerryRunner *runner)
{
  g_return_val_if_fail (FERRY_IS_RUNNER (runner), NULL);
  ferry_return_val_if_elsewhere (ferry_runner_get_router (runner)->affinity, NULL);

  return g_object_new (FERRY_TYPE_EXECUTOR, "runner", runner, NULL);
}
