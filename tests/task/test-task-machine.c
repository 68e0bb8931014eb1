/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-task.c, task/ferry-executor.c, pool/ferry-pool.c
 *
 * A random walk: tasks of every kind are submitted, cancelled, moved, removed and repeated, workers are killed,
 * deadlines pass, executors are shut down and made anew, by the test and by its handlers. Witnesses hold all that is
 * seen against the table of states; at the end each task has come to its end once, and the numbers add up.
 *
 * `--seed` repeats a walk's choices, which the first line of the output names; what the workers do in between is their
 * own. */

#include "config.h"

#include "task/task-test.h"

#include <signal.h>

#include "base/ferry-base-private.h"
#include "task/ferry-executor-private.h"

#define N_STEPS 10000
#define MAX_OPEN 60

typedef struct
{
  FerryExecutor *executor;
  guint n_submitted;
} Record;

typedef struct
{
  TaskTest *test;
  gboolean in_threads;
  GPtrArray *witnesses;    /* (element-type TaskTestWitness) (owned): all of them */
  GPtrArray *open;         /* (element-type TaskTestWitness): not done */
  GPtrArray *cancellables; /* (element-type GCancellable): those of tasks, by the witnesses' numbers; NULL for none */
  GPtrArray *records;      /* (element-type Record): of executors; the last one takes tasks */
  guint depth;             /* handlers that act */
} Walk;

typedef struct
{
  const char *function;
  FerryTaskKind kind;
  const char *arguments; /* (nullable): as text */
  gboolean everywhere;   /* threads have it too */
} Work;

static const Work works[] = {
  {"nothing", FERRY_TASK_KIND_CALL, NULL, TRUE},
  {"echo", FERRY_TASK_KIND_CALL, "'word'", TRUE},
  {"add", FERRY_TASK_KIND_CALL, "(int64 1, int64 2)", TRUE},
  {"fail", FERRY_TASK_KIND_CALL, "('g-file-error-quark', 4, 'No')", TRUE},
  {"no-such-function", FERRY_TASK_KIND_CALL, NULL, TRUE},
  {"yield", FERRY_TASK_KIND_ITERATION, "uint64 40", TRUE},
  {"yield", FERRY_TASK_KIND_CALL, "uint64 4", TRUE},
  {"report", FERRY_TASK_KIND_PROGRESS, "uint64 30", TRUE},
  {"sleep-until-cancelled", FERRY_TASK_KIND_CALL, NULL, TRUE},
  {"spin-until-cancelled", FERRY_TASK_KIND_CALL, NULL, TRUE},
  {"yield-and-fail", FERRY_TASK_KIND_ITERATION, "uint64 20", FALSE},
  {"send", FERRY_TASK_KIND_CALL, "uint64 20", FALSE},
  {"report-amounts", FERRY_TASK_KIND_PROGRESS, "uint64 30", FALSE},
  {"report-until-cancelled", FERRY_TASK_KIND_PROGRESS, NULL, FALSE},
  {"steps", FERRY_TASK_KIND_STEPS, "uint32 10", FALSE},
  {"finish-despite-cancel", FERRY_TASK_KIND_CALL, NULL, FALSE},
  {"fail-despite-cancel", FERRY_TASK_KIND_CALL, NULL, FALSE},
  {"spin-for-ever", FERRY_TASK_KIND_CALL, NULL, FALSE},
  {"stubborn", FERRY_TASK_KIND_CALL, NULL, FALSE},
  {"crash", FERRY_TASK_KIND_CALL, "9", FALSE},
  {"exit", FERRY_TASK_KIND_CALL, "3", FALSE},
  {"wrong-result", FERRY_TASK_KIND_CALL, NULL, FALSE},
};

static void act (Walk *walk);

static guint
draw (guint n)
{
  return (guint) g_test_rand_int_range (0, (gint32) n);
}

static gboolean
one_in (guint n)
{
  return draw (n) == 0;
}

static gint64
draw_time (void)
{
  return (gint64) (1 + draw (20)) * 1000;
}

static Record *
current (Walk *walk)
{
  return g_ptr_array_index (walk->records, walk->records->len - 1);
}

static TaskTestWitness *
draw_witness (GPtrArray *witnesses)
{
  return witnesses->len > 0 ? g_ptr_array_index (witnesses, draw (witnesses->len)) : NULL;
}

/* ---- what handlers do ---- */

static void
act_in_handler (Walk *walk)
{
  if (walk->depth >= 3 || !one_in (8))
    return;
  walk->depth++;
  act (walk);
  walk->depth--;
}

static void
task_done (FerryTask *task, gpointer data)
{
  Walk *walk = data;

  g_ptr_array_remove_fast (walk->open, g_object_get_data (G_OBJECT (task), "witness"));
  act_in_handler (walk);
}

static void
something_came (FerryTask *task, gpointer data)
{
  act_in_handler (data);
}

static void
value_came (FerryTask *task, GVariant *value, gpointer data)
{
  act_in_handler (data);
}

static void
state_changed (FerryTask *task, GParamSpec *pspec, gpointer data)
{
  act_in_handler (data);
}

static void
list_changed (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  act_in_handler (data);
}

/* ---- steps ---- */

static void
add_executor (Walk *walk)
{
  Record *record = g_new0 (Record, 1);

  record->executor = ferry_executor_new (walk->test->pool);
  g_object_set (record->executor, "keep-finished", draw (3) * 5, NULL);
  g_signal_connect (record->executor, "items-changed", G_CALLBACK (list_changed), walk);
  g_ptr_array_add (walk->records, record);
}

static void
watch (Walk *walk, FerryTask *task)
{
  TaskTestWitness *witness = task_test_witness_new (task);

  witness->nested = TRUE;
  g_object_set_data (G_OBJECT (task), "witness", witness);
  g_ptr_array_add (walk->witnesses, witness);
  g_ptr_array_add (walk->open, witness);
  g_signal_connect (task, "done", G_CALLBACK (task_done), walk);
  g_signal_connect (task, "notify::state", G_CALLBACK (state_changed), walk);
  g_signal_connect (task, "progress", G_CALLBACK (something_came), walk);
  g_signal_connect (task, "yielded", G_CALLBACK (value_came), walk);
}

static FerryTask *
draw_task (Walk *walk, GCancellable *cancellable)
{
  /* Half of them are of the short ones. */
  const Work *work = &works[draw (one_in (2) ? 8 : G_N_ELEMENTS (works))];
  g_autoptr (GVariant) arguments = NULL;
  FerryTask *task;

  while (walk->in_threads && !work->everywhere)
    work = &works[draw (G_N_ELEMENTS (works))];
  arguments = work->arguments != NULL ? g_variant_ref_sink (g_variant_new_parsed (work->arguments)) : NULL;
  task = ferry_task_new (work->kind, work->function, arguments);
  g_object_set (task, "priority", (int) draw (5) - 2, NULL);
  ferry_task_set_cancel_grace (task, draw_time () - 1000);
  g_object_set (task, "retries", draw (3), "window", 1 + draw (16), NULL);
  if (one_in (4))
    ferry_task_set_run_timeout (task, draw_time ());
  if (one_in (4))
    g_object_set (task, "queue-timeout", (gint64) (draw_time ()), NULL);
  g_object_set (task, "cancellable", cancellable, NULL);
  return task;
}

typedef struct
{
  FerryExecutor *executor;
  FerryTask *task;
} Submission;

static gpointer
submit_there (gpointer data)
{
  Submission *submission = data;

  task_test_submit_task (submission->executor, submission->task);
  return NULL;
}

static void
submit (Walk *walk)
{
  g_autoptr (GCancellable) cancellable = one_in (3) ? g_cancellable_new () : NULL;
  g_autoptr (FerryTask) task = NULL;
  Submission submission;

  if (walk->open->len >= MAX_OPEN)
    return;
  task = draw_task (walk, cancellable);
  watch (walk, task);
  g_ptr_array_add (walk->cancellables, g_steal_pointer (&cancellable));
  current (walk)->n_submitted++;
  submission = (Submission){current (walk)->executor, task};
  if (one_in (5))
    g_thread_join (g_thread_new ("submits", submit_there, &submission));
  else
    submit_there (&submission);
}

static void
cancel (Walk *walk)
{
  TaskTestWitness *witness = draw_witness (one_in (5) ? walk->witnesses : walk->open);

  if (witness != NULL)
    task_test_witness_cancel (witness);
}

static gpointer
cancel_there (gpointer data)
{
  g_cancellable_cancel (data);
  return NULL;
}

static void
cancel_cancellable (Walk *walk)
{
  guint index = walk->witnesses->len > 0 ? draw (walk->witnesses->len) : 0;
  TaskTestWitness *witness;

  /* Tasks that are repeated are watched without one. */
  if (index >= walk->cancellables->len || g_ptr_array_index (walk->cancellables, index) == NULL)
    return;
  witness = g_ptr_array_index (walk->witnesses, index);
  witness->muted |= !ferry_task_get_done (witness->task);
  g_thread_join (g_thread_new ("cancels", cancel_there, g_ptr_array_index (walk->cancellables, index)));
}

static void
kill_worker (Walk *walk)
{
  GListModel *workers = ferry_pool_get_workers (walk->test->pool);
  guint n = g_list_model_get_n_items (workers);
  g_autoptr (FerryWorker) worker = n > 0 ? g_list_model_get_item (workers, draw (n)) : NULL;

  if (worker != NULL)
    ferry_worker_send_signal (worker, one_in (2) ? SIGKILL : SIGTERM);
}

static void
move (Walk *walk)
{
  TaskTestWitness *witness = draw_witness (walk->open);

  if (witness != NULL)
    ferry_executor_set_task_priority (current (walk)->executor, witness->task, (int) draw (5) - 2, NULL);
}

static void
remove_task (Walk *walk)
{
  TaskTestWitness *witness = draw_witness (walk->witnesses);

  if (witness != NULL)
    ferry_executor_remove (current (walk)->executor, witness->task, NULL);
}

static void
repeat (Walk *walk)
{
  TaskTestWitness *witness = draw_witness (walk->witnesses);
  Record *record = current (walk);
  g_autoptr (FerryTask) again = NULL;

  if (witness == NULL || walk->open->len >= MAX_OPEN)
    return;
  again = ferry_executor_retry (record->executor, witness->task, NULL);
  if (again == NULL)
    return;
  record->n_submitted++;
  if (ferry_task_get_done (again))
    return;
  watch (walk, again);
  g_ptr_array_add (walk->cancellables, NULL);
}

static void
shut_down (Walk *walk)
{
  Record *record = current (walk);

  if (!one_in (20))
    return;
  add_executor (walk);
  ferry_executor_shutdown_async (record->executor, draw_time () - 1000, NULL, NULL, NULL);
  for (guint i = 0; i < walk->open->len; i++)
    {
      TaskTestWitness *witness = g_ptr_array_index (walk->open, i);

      if (ferry_executor_has_task (record->executor, witness->task))
        witness->cancelled = TRUE;
    }
}

static void
resize (Walk *walk)
{
  ferry_pool_set_max_workers (walk->test->pool, 1 + draw (4));
  g_object_set (walk->test->pool, "max-tasks", draw (3) * 10, "idle-timeout", (gint64) (draw_time ()), NULL);
}

/* Something that may happen at any time, also in a handler. */
static void
act (Walk *walk)
{
  static const struct
  {
    guint weight;
    void (*step) (Walk *walk);
  } steps[] = {{40, submit}, {4, cancel},      {2, cancel_cancellable}, {3, kill_worker}, {8, move},
               {6, repeat},  {3, remove_task}, {2, shut_down},          {1, resize}};
  guint left = draw (69);
  guint i = 0;

  while (left >= steps[i].weight)
    left -= steps[i++].weight;
  steps[i].step (walk);
}

/* ---- the walk ---- */

static gboolean
wake (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Lets the main loop run: what is due, or for a while, so that deadlines pass and workers get somewhere. */
static void
let_run (void)
{
  gboolean over = FALSE;

  if (!one_in (6))
    {
      g_main_context_iteration (NULL, FALSE);
      return;
    }
  g_timeout_add (1, wake, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static void
check_numbers (Record *record, gboolean at_end)
{
  FerryExecutor *executor = record->executor;
  guint64 n_done = ferry_test_get_number (executor, "n-completed") + ferry_test_get_number (executor, "n-failed") +
                   ferry_test_get_number (executor, "n-cancelled");
  guint n_open = ferry_test_get_number (executor, "n-waiting") + ferry_test_get_number (executor, "n-executing");

  g_assert_cmpuint (n_done + n_open, ==, record->n_submitted);
  if (at_end)
    g_assert_cmpuint (n_open, ==, 0);
}

static gboolean
has_none_open (gpointer data)
{
  return ((Walk *) data)->open->len == 0;
}

static void
record_free (gpointer data)
{
  Record *record = data;

  g_signal_handlers_disconnect_matched (record->executor, G_SIGNAL_MATCH_FUNC, 0, 0, NULL, list_changed, NULL);
  g_object_unref (record->executor);
  g_free (record);
}

static void
unref_if_any (gpointer data)
{
  g_clear_object (&data);
}

static void
tell (Walk *walk)
{
  guint n_ends[FERRY_N_TASK_STATES] = {0};

  for (guint i = 0; i < walk->witnesses->len; i++)
    n_ends[((TaskTestWitness *) g_ptr_array_index (walk->witnesses, i))->state]++;
  g_test_message ("%u tasks of %u executors: %u completed, %u failed, %u cancelled", walk->witnesses->len,
                  walk->records->len, n_ends[FERRY_TASK_STATE_COMPLETED], n_ends[FERRY_TASK_STATE_FAILED],
                  n_ends[FERRY_TASK_STATE_CANCELLED]);
}

static void
finish (Walk *walk)
{
  guint n_left = 3;

  walk->depth = 100;
  /* A task that waits for its cancel, or for nothing, has to be helped. */
  while (walk->open->len > 0 && n_left-- > 0)
    {
      ferry_executor_shutdown_async (current (walk)->executor, 100000, NULL, NULL, NULL);
      ferry_test_run_until (has_none_open, walk);
    }
  task_test_settle ();
  for (guint i = 0; i < walk->records->len; i++)
    check_numbers (g_ptr_array_index (walk->records, i), TRUE);
  tell (walk);
  g_ptr_array_unref (walk->records);
  g_ptr_array_unref (walk->open);
  g_ptr_array_unref (walk->witnesses);
  g_ptr_array_unref (walk->cancellables);
}

static void
walk_at_random (gconstpointer data)
{
  Walk walk = {
    .in_threads = GPOINTER_TO_INT (data),
    .witnesses = g_ptr_array_new_with_free_func ((GDestroyNotify) task_test_witness_free),
    .open = g_ptr_array_new (),
    .cancellables = g_ptr_array_new_with_free_func (unref_if_any),
    .records = g_ptr_array_new_with_free_func (record_free),
  };
  g_autoptr (TaskTest) test = task_test_new (walk.in_threads, 3);

  walk.test = test;
  g_object_set (test->pool, "restart-limit", 1000, "restart-interval", (gint64) 1, NULL);
  add_executor (&walk);
  for (guint i = 0; i < N_STEPS; i++)
    {
      if (one_in (2))
        act (&walk);
      else
        let_run ();
      if (i % 50 == 0)
        for (guint j = 0; j < walk.records->len; j++)
          check_numbers (g_ptr_array_index (walk.records, j), FALSE);
    }
  finish (&walk);
  g_assert_null (ferry_pool_get_error (test->pool));
  g_assert_cmpuint (ferry_router_get_counter (test->router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, 0);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_data_func ("/machine/walks-at-random-with-processes", GINT_TO_POINTER (FALSE), walk_at_random);
  g_test_add_data_func ("/machine/walks-at-random-with-threads", GINT_TO_POINTER (TRUE), walk_at_random);
  return g_test_run ();
}
