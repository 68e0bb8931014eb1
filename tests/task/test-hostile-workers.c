/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool-worker.c
 *
 * What a hostile worker of a pool can do to what it shares with the application: its claim, its lanes and cells, its
 * output, its process. */

#include "config.h"

#include "task/hostile-task-test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MILLISECONDS(n) ((gint64) (n) *1000)
#define MEGABYTES(n) ((gsize) (n) *1000 * 1000)

#define ROW(name, orders, outcome, words)                                                                              \
  {                                                                                                                    \
    "/hostile-workers/" name, orders, outcome, words, FERRY_TASK_KIND_CALL, 1                                          \
  }

#define BEYOND "a position beyond what was sent to it"

static const HostileRow rows[] = {
  ROW ("refuses-a-head-that-runs-ahead", "take claim down:+1000000 pause", HOSTILE_FAULT, BEYOND),
  ROW ("refuses-a-head-that-runs-backwards", "take claim down:-1000000 pause", HOSTILE_FAULT, BEYOND),
  ROW ("refuses-a-head-that-is-not-aligned", "take claim down:-12 pause", HOSTILE_FAULT, BEYOND),
  ROW ("refuses-a-head-of-the-express-lane-that-runs-ahead", "take claim express:+8 pause", HOSTILE_FAULT, BEYOND),
  ROW ("refuses-a-head-of-the-express-lane-that-runs-backwards", "take claim express:-8 pause", HOSTILE_FAULT, BEYOND),
  ROW ("refuses-a-storm-of-rings", "take claim ring-for-ever", HOSTILE_FAULT, "rang its doorbell"),
  ROW ("refuses-a-storm-of-cells", "take claim dirty:-1", HOSTILE_FAULT, "rang its doorbell"),
  ROW ("passes-over-cells-that-are-none", "take claim dirty:100 m:type=s,text=x pause", HOSTILE_RESULT, "'x'"),
  ROW ("passes-over-a-value-that-is-never-whole", "take claim torn m:type=s,text=x pause", HOSTILE_RESULT, "'x'"),
  ROW ("loses-a-task-whose-worker-hangs-up", "take claim hang-up pause", HOSTILE_FAILURE, "closed its control socket"),
  ROW ("loses-a-task-whose-worker-stops-its-senders", "take claim stop-senders pause", HOSTILE_FAULT,
       "with a call open"),
  ROW ("loses-a-task-whose-worker-stops-its-calls", "take claim stop-calls pause", HOSTILE_FAULT, "with a call open"),
  ROW ("loses-a-task-whose-worker-stops-its-calls-and-goes-on", "take claim stop-calls spin", HOSTILE_FAULT,
       "with a call open"),
  ROW ("loses-a-task-whose-worker-stops-its-calls-and-exits", "take claim stop-calls exit:3", HOSTILE_FAILURE,
       "status 3"),
  ROW ("takes-no-closed-output-amiss", "take claim close-output m:type=s,text=x pause", HOSTILE_RESULT, "'x'"),
  ROW ("takes-a-flood-of-answers-of-a-child", "take claim fork write-for-ever", HOSTILE_NOTHING, NULL),
};

/* ---- claims ---- */

/* Each is about a worker that has a task, and was sent some ahead. */
static const char *const claims[] = {
  "take pause",
  "take claim pause",
  "take claim spin",
  "pause",
  "take word:+1 pause",
  "take word:+1000000 pause",
  "take word:4611686018427387903 pause",
  "take claim word:0 pause",
  "take claim word:-1 pause",
  "take hold pause",
  "take claim hold doomed pause",
  "take doomed pause",
  "take claim flip pause",
  "take flip spin",
};

typedef struct
{
  GPtrArray *witnesses;
  guint n;
} Done;

static gboolean
are_done (gpointer data)
{
  Done *wanted = data;
  guint n = 0;

  for (guint i = 0; i < wanted->witnesses->len; i++)
    n += ferry_task_get_done (((TaskTestWitness *) g_ptr_array_index (wanted->witnesses, i))->task);
  return n >= wanted->n;
}

static GPtrArray *
submit_many (HostileTest *test, guint n, gsize size, gint64 run_timeout)
{
  GPtrArray *witnesses = g_ptr_array_new_with_free_func ((GDestroyNotify) task_test_witness_free);

  for (guint i = 0; i < n; i++)
    {
      g_autofree guint8 *zeros = g_malloc0 (size);
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "anything",
                                                   g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, zeros, size, 1));

      ferry_task_set_cancel_grace (task, MILLISECONDS (20));
      ferry_task_set_run_timeout (task, run_timeout);
      g_ptr_array_add (witnesses, hostile_test_submit (test, task));
    }
  return witnesses;
}

/* Has the worker do 50 tasks, and the pool think that they are short, so that it sends many ahead. */
static void
serve_first (HostileTest *test)
{
  g_autoptr (GPtrArray) witnesses = submit_many (test, 50, 8, 0);
  Done all = {witnesses, 50};

  ferry_test_run_until (are_done, &all);
  task_test_expect_short_tasks (test->pool);
}

/* Cancels from the last one to the first, so that those which were sent ahead are taken back one by one. */
static void
cancel_all (GPtrArray *witnesses)
{
  Done all = {witnesses, witnesses->len};

  for (guint i = witnesses->len; i > 0; i--)
    task_test_witness_cancel (g_ptr_array_index (witnesses, i - 1));
  ferry_test_run_until (are_done, &all);
}

/* Whatever the claim says, a cancel ends all tasks. */
static void
test_cancel (gconstpointer data)
{
  g_autofree char *orders = g_strconcat ("50*one ", data, NULL);
  g_autoptr (HostileTest) test = hostile_test_new (orders);
  g_autoptr (GPtrArray) witnesses = NULL;

  serve_first (test);
  witnesses = submit_many (test, 50, 8, 0);
  hostile_test_assert_progress (test);
  cancel_all (witnesses);
}

static gboolean
has_no_workers (gpointer data)
{
  return ferry_test_get_number (data, "n-workers") == 0;
}

/* A task fails when its time is over and its worker has ended, which is given no other one. */
static void
test_timeout (gconstpointer data)
{
  g_autoptr (HostileTest) test = hostile_test_new (data);
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autoptr (TaskTestWitness) witness = NULL;

  ferry_task_set_run_timeout (task, MILLISECONDS (20));
  ferry_task_set_cancel_grace (task, MILLISECONDS (20));
  witness = hostile_test_submit (test, task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_test_run_until (has_no_workers, test->pool);
}

static void
note_result (GObject *object, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static gboolean
has_result (gpointer data)
{
  return *(GAsyncResult **) data != NULL;
}

/* A shutdown that has to be over kills what is left, as does a stop of the pool. */
static void
test_shutdown (gconstpointer data)
{
  g_autofree char *orders = g_strconcat ("50*one ", data, NULL);
  g_autoptr (HostileTest) test = hostile_test_new (orders);
  g_autoptr (GPtrArray) witnesses = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  Done all = {NULL, 50};

  serve_first (test);
  witnesses = submit_many (test, 50, 8, 0);
  all.witnesses = witnesses;
  ferry_executor_shutdown_async (test->executor, MILLISECONDS (50), NULL, note_result, &result);
  ferry_test_run_until (has_result, &result);
  g_assert_true (are_done (&all));
}

static void
test_stop (gconstpointer data)
{
  g_autofree char *orders = g_strconcat ("50*one ", data, NULL);
  g_autoptr (HostileTest) test = hostile_test_new (orders);
  g_autoptr (GPtrArray) witnesses = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  Done all = {NULL, 50};

  serve_first (test);
  witnesses = submit_many (test, 50, 8, 0);
  all.witnesses = witnesses;
  ferry_pool_stop_async (test->pool, MILLISECONDS (50), NULL, note_result, &result);
  ferry_test_run_until (has_result, &result);
  g_assert_true (ferry_pool_stop_finish (test->pool, result, NULL));
  ferry_test_run_until (are_done, &all);
}

/* The second of what it has in hand is answered first. */
static void
test_refuses_answers_out_of_order (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("50*one 2*take claim m: pause");
  g_autoptr (GPtrArray) witnesses = NULL;
  TaskTestWitness *first;

  serve_first (test);
  witnesses = submit_many (test, 50, 8, 0);
  first = g_ptr_array_index (witnesses, 0);
  task_test_wait_done (first->task);
  hostile_test_assert_n_faults (test, 1);
  cancel_all (witnesses);
}

/* Each gives the task back by that, and lives on. There is an end to it, though none of them has ever begun a task. */
static void
test_gives_up_when_workers_stop_their_calls (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("take stop-calls pause");
  g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
  g_autoptr (TaskTestWitness) witness = NULL;
  const GError *error;

  g_object_set (test->pool, "restart-limit", 1, "restart-interval", (gint64) G_MAXINT64, NULL);
  witness = hostile_test_submit (test, task);
  error = task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_nonnull (strstr (error->message, "with a call open"));
  g_assert_error (ferry_pool_get_error (test->pool), FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
}

/* ---- what goes down ---- */

/* What a worker does not read waits here, but not all of it. */
static void
test_sends_so_much_to_a_worker_that_reads_nothing (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("50*one pause");
  g_autoptr (GPtrArray) more = NULL;

  serve_first (test);
  more = submit_many (test, 40, MEGABYTES (1), 0);
  hostile_test_assert_progress (test);
  /* The arguments themselves, and what was sent of them. */
  hostile_test_assert_memory (test, MEGABYTES (55));
  cancel_all (more);
}

/* One that answers what it does not read makes room in its hands, and none in its lane. With a time limit, one task is
 * sent at a time. */
static void
test_ends_a_worker_that_answers_what_it_has_not_read (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("take word:1000000 m: answer-unread");
  g_autoptr (GPtrArray) witnesses = submit_many (test, 12, 700 * 1000, G_USEC_PER_SEC * 100);
  Done all = {witnesses, 12};

  ferry_test_run_until (are_done, &all);
  g_assert_cmpuint (ferry_router_get_counter (test->honest->router, FERRY_COUNTER_PROTOCOL_ERRORS), >, 0);
}

/* What lies unread in its socket counts against all that this user has there. */
static void
test_ends_a_worker_that_leaves_descriptors_unread (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("take word:1000000 m: answer-unread");
  g_autoptr (GPtrArray) witnesses = g_ptr_array_new_with_free_func ((GDestroyNotify) task_test_witness_free);
  Done all = {witnesses, 6};

  for (guint i = 0; i < 6; i++)
    {
      g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);

      g_assert_cmpint (ferry_task_add_descriptor (task, STDERR_FILENO, NULL), ==, 0);
      ferry_task_set_run_timeout (task, G_USEC_PER_SEC * 100);
      g_ptr_array_add (witnesses, hostile_test_submit (test, task));
    }
  ferry_test_run_until (are_done, &all);
  g_assert_cmpuint (ferry_router_get_counter (test->honest->router, FERRY_COUNTER_PROTOCOL_ERRORS), >, 0);
}

/* More cancels than the express lane has room for. */
static void
test_goes_on_when_no_cancel_is_taken (void)
{
  g_autoptr (HostileTest) test = hostile_test_new ("take serve-late");

  for (guint i = 0; i < 2000; i++)
    {
      g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
      g_autoptr (TaskTestWitness) witness = hostile_test_submit (test, task);

      task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
      task_test_witness_cancel (witness);
      task_test_wait_done (task);
    }
}

/* ---- output ---- */

static guint64 n_output_bytes;

static void
count_output (FerryWorker *worker, FerryStream stream, const char *line, gpointer data)
{
  g_assert_true (g_utf8_validate (line, -1, NULL));
  n_output_bytes += strlen (line);
}

static void
watch_output (GListModel *workers, guint position, guint n_removed, guint n_added, gpointer data)
{
  for (guint i = 0; i < n_added; i++)
    {
      g_autoptr (FerryWorker) worker = g_list_model_get_item (workers, position + i);

      g_signal_connect (worker, "output", G_CALLBACK (count_output), NULL);
    }
}

/* Each byte that is no text becomes a character of three; less than a line's waits for the rest of it. */
static gboolean
has_output (gpointer data)
{
  return n_output_bytes >= 3 * 30 * 1024 * 1024 - 20000;
}

/* In a process of its own; its log goes nowhere. */
static void
test_logs_a_flood_without_an_end (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (HostileTest) test = hostile_test_new ("take claim output:30 m: pause");
      g_autoptr (FerryTask) task = hostile_test_new_task (FERRY_TASK_KIND_CALL);
      g_autoptr (TaskTestWitness) witness = NULL;

      g_assert_nonnull (freopen ("/dev/null", "w", stdout));
      g_signal_connect (ferry_pool_get_workers (test->pool), "items-changed", G_CALLBACK (watch_output), NULL);
      witness = hostile_test_submit (test, task);
      task_test_assert_result (task, NULL);
      hostile_test_assert_progress (test);
      ferry_test_run_until (has_output, NULL);
      hostile_test_assert_memory (test, MEGABYTES (10));
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
add_rows (const char *name, const char *const *orders, gsize n_orders, GTestDataFunc func)
{
  for (gsize i = 0; i < n_orders; i++)
    {
      g_autofree char *words = g_strdelimit (g_strdup (orders[i]), " :+", '-');
      g_autofree char *path = g_strconcat ("/hostile-workers/", name, words, NULL);

      g_test_add_data_func (path, orders[i], func);
    }
}

int
main (int argc, char **argv)
{
  static const char *const stubborn[] = {"ignore-finish",         "pause",
                                         "take claim spin",       "take claim flip pause",
                                         "take word:+1000 pause", "take claim word:0 pause"};

  task_test_init (&argc, &argv);
  hostile_test_add_rows (rows, G_N_ELEMENTS (rows));
  add_rows ("cancel-ends-", claims, G_N_ELEMENTS (claims), test_cancel);
  add_rows ("timeout-ends-", claims, G_N_ELEMENTS (claims), test_timeout);
  add_rows ("shutdown-ends-", stubborn, G_N_ELEMENTS (stubborn), test_shutdown);
  add_rows ("stop-ends-", stubborn, G_N_ELEMENTS (stubborn), test_stop);
  g_test_add_func ("/hostile-workers/refuses-answers-out-of-order", test_refuses_answers_out_of_order);
  g_test_add_func ("/hostile-workers/gives-up-when-workers-stop-their-calls",
                   test_gives_up_when_workers_stop_their_calls);
  g_test_add_func ("/hostile-workers/sends-so-much-to-a-worker-that-reads-nothing",
                   test_sends_so_much_to_a_worker_that_reads_nothing);
  g_test_add_func ("/hostile-workers/ends-a-worker-that-answers-what-it-has-not-read",
                   test_ends_a_worker_that_answers_what_it_has_not_read);
  g_test_add_func ("/hostile-workers/ends-a-worker-that-leaves-descriptors-unread",
                   test_ends_a_worker_that_leaves_descriptors_unread);
  g_test_add_func ("/hostile-workers/goes-on-when-no-cancel-is-taken", test_goes_on_when_no_cancel_is_taken);
  g_test_add_func ("/hostile-workers/logs-a-flood-without-an-end", test_logs_a_flood_without_an_end);
  return g_test_run ();
}
