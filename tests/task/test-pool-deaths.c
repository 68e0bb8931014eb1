/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool.c, pool/ferry-pool-worker.c
 *
 * Workers that end by accident: what that costs, what is told where, and when the pool gives up. */

#include "config.h"

#include "task/task-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "pool/ferry-pool-private.h"
#include "pool/ferry-pool-worker-private.h"
#include "task/ferry-task-private.h"

static void
assert_lost (FerryTask *task, const char *words)
{
  ferry_test_assert_says (task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST)->message, words);
}

/* Tasks behind it, that were sent ahead, and beside it are done. */
static void
costs_one_task (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) segment = NULL;
  g_autoptr (FerryTask) status = NULL;

  for (guint i = 0; i < 200; i++)
    g_object_unref (task_test_submit (test->executor, "echo", g_variant_new_string ("before")));
  segment = task_test_submit (test->executor, "crash", g_variant_new_int32 (SIGSEGV));
  for (guint i = 0; i < 200; i++)
    g_object_unref (task_test_submit (test->executor, "echo", g_variant_new_string ("between")));
  status = task_test_submit (test->executor, "exit", g_variant_new_int32 (42));
  for (guint i = 0; i < 200; i++)
    g_object_unref (task_test_submit (test->executor, "echo", g_variant_new_string ("after")));
  ferry_test_run_until (task_test_is_idle, test->executor);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, 600);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-failed"), ==, 2);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), ==, 2);
  g_assert_null (ferry_pool_get_error (test->pool));
  assert_lost (segment, "Segmentation fault");
  assert_lost (segment, "while it ran crash (11)");
  assert_lost (status, "42");
  g_assert_cmpint (ferry_exit_get_reason (ferry_task_get_exit (segment)), ==, FERRY_CLOSE_REASON_KILLED);
  g_assert_cmpint (ferry_exit_get_reason (ferry_task_get_exit (status)), ==, FERRY_CLOSE_REASON_EXITED);
}

static void
says_what_it_ran (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) crash = ferry_task_new (FERRY_TASK_KIND_CALL, "complain", g_variant_new_string ("holiday.png"));
  g_autoptr (GError) error = NULL;

  g_object_set (crash, "name", "Preview 17", NULL);
  g_assert_true (ferry_executor_submit_task (test->executor, crash, &error));
  assert_lost (crash, "Task 'Preview 17' was lost because its worker ended while it ran complain ('holiday.png');");
}

static void
says_its_last_line (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) crash =
    task_test_submit (test->executor, "complain", g_variant_new_string ("cannot read the model"));

  assert_lost (crash, "it wrote to standard error: cannot read the model");
}

static void
count_lines (FerryWorker *worker, FerryStream stream, const char *line, gpointer data)
{
  *(gboolean *) data = strcmp (line, "of the first task") == 0;
}

/* The line of the first task was read before the second one was begun. */
static void
says_no_line_of_an_earlier_task (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) warm = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerryTask) words = NULL;
  g_autoptr (FerryTask) crash = NULL;
  gboolean was_read = FALSE;

  task_test_assert_result (warm, NULL);
  worker = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);
  g_signal_connect (worker, "output", G_CALLBACK (count_lines), &was_read);
  words = task_test_submit (test->executor, "print", g_variant_new ("(ss)", "", "of the first task"));
  task_test_assert_result (words, NULL);
  ferry_test_wait_flag (&was_read);
  crash = task_test_submit (test->executor, "crash", g_variant_new_int32 (SIGABRT));
  assert_lost (crash, "Aborted");
  g_assert_null (strstr (ferry_task_get_error (crash)->message, "of the first task"));
  g_signal_handlers_disconnect_by_data (worker, &was_read);
}

static GVariant *
make_line (const char *path)
{
  return g_variant_new ("(ss)", path, "begun");
}

static char *
make_path (void)
{
  g_autofree char *name = g_strdup_printf ("ferry-test-deaths-%d", (int) getpid ());

  return g_build_filename (g_get_tmp_dir (), name, NULL);
}

/* By how many processes it ended. */
static void
repeats_where_it_may (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) once = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_int32 (SIGKILL));
  g_autoptr (FerryTask) twice = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_int32 (SIGKILL));
  g_autoptr (FerryTask) failing =
    ferry_task_new (FERRY_TASK_KIND_CALL, "fail", g_variant_new ("(sis)", "g-file-error-quark", 4, "No"));
  TaskTestWitness *witnesses[] = {task_test_witness_new (once), task_test_witness_new (twice),
                                  task_test_witness_new (failing)};

  g_object_set (twice, "retries", 1, NULL);
  g_object_set (failing, "retries", 5, NULL);
  task_test_submit_task (test->executor, once);
  task_test_submit_task (test->executor, twice);
  task_test_submit_task (test->executor, failing);
  assert_lost (once, "Killed");
  assert_lost (twice, "Killed");
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), ==, 3);
  task_test_assert_failed (failing, G_FILE_ERROR, 4);
  g_assert_cmpuint (witnesses[2]->n_started, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (witnesses); i++)
    task_test_witness_free (witnesses[i]);
}

static void
tells_the_function_that_it_is_repeated (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash-at-first", NULL);

  g_object_set (task, "retries", 1, NULL);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 2);
}

/* The task goes on, so it has no error and no exit that would tell. */
static void
tells_the_log_how_an_attempt_was_lost (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash-at-first", NULL);

  g_object_set (task, "name", "careful", "retries", 1, NULL);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  task_test_wait_message ("Task 'careful' is tried again after attempt 1. The last worker: Worker '");
}

/* As often as it was asked for, and the workers that it ends on the way are replaced. */
static void
begins_once_more_than_it_has_retries (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) deadly = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_int32 (SIGKILL));
  g_autoptr (FerryTask) other = NULL;

  g_object_set (deadly, "retries", 6, NULL);
  task_test_submit_task (test->executor, deadly);
  other = task_test_submit (test->executor, "echo", g_variant_new_string ("other"));
  assert_lost (deadly, "Killed");
  g_assert_cmpint (ferry_test_get_number (deadly, "n-attempts"), ==, 7);
  task_test_assert_result (other, "'other'");
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), ==, 7);
}

static void
cancel_when_it_waits_again (FerryTask *task, GParamSpec *pspec, gpointer data)
{
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
    ferry_task_cancel (task);
}

static void
cancels_what_would_be_repeated (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_int32 (SIGKILL));
  g_autoptr (FerryTask) other = NULL;

  g_object_set (task, "retries", 1, NULL);
  g_signal_connect (task, "notify::state", G_CALLBACK (cancel_when_it_waits_again), NULL);
  task_test_submit_task (test->executor, task);
  other = task_test_submit (test->executor, "echo", g_variant_new_string ("other"));
  task_test_assert_cancelled (task);
  task_test_assert_result (other, "'other'");
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 1);
}

static void
kill_worker (TaskTest *test, FerryTask *task)
{
  ferry_worker_send_signal (ferry_test_get_worker (test->pool, task), SIGKILL);
}

static gpointer
cancel_there (gpointer data)
{
  g_cancellable_cancel (data);
  return NULL;
}

/* The cancel comes on another thread, and the worker's end is heard of first. */
static void
cancels_elsewhere_what_would_be_repeated (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) other = NULL;

  g_object_set (task, "retries", 1, "cancellable", cancellable, NULL);
  task_test_submit_task (test->executor, task);
  other = task_test_submit (test->executor, "echo", g_variant_new_string ("other"));
  task_test_wait_begun (task);
  kill_worker (test, task);
  g_thread_join (g_thread_new ("cancels", cancel_there, cancellable));
  task_test_assert_cancelled (task);
  task_test_assert_result (other, "'other'");
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 1);
}

/* What a worker had begun is known for certain: what it had not is done once, elsewhere. */
static void
runs_elsewhere_what_was_sent_ahead (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autofree char *path = make_path ();
  g_autofree char *text = NULL;
  g_autoptr (FerryTask) killed = NULL;

  for (guint i = 0; i < 50; i++)
    g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  ferry_test_run_until (task_test_is_idle, test->executor);
  killed = task_test_submit (test->executor, "pause-for-ever", NULL);
  for (guint i = 0; i < 20; i++)
    g_object_unref (task_test_submit (test->executor, "append-line", make_line (path)));
  task_test_wait_begun (killed);
  kill_worker (test, killed);
  ferry_test_run_until (task_test_is_idle, test->executor);
  assert_lost (killed, "Killed");
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-failed"), ==, 1);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpuint (strlen (text), ==, 20 * strlen ("begun\n"));
  g_unlink (path);
}

/* Returns (transfer full) an idle worker that is kept from beginning calls. */
static FerryPoolWorker *
hold_idle_worker (TaskTest *test)
{
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  FerryPoolWorker *worker;
  guint64 begun;

  task_test_wait_begun (first);
  worker = ferry_pool_worker_ref ((FerryPoolWorker *) ferry_task_get_run (first)->destination);
  ferry_task_cancel (first);
  task_test_assert_cancelled (first);
  g_assert_true (ferry_link_hold_calls (worker->link, &begun));
  return worker;
}

static void
count_notification (FerryTask *task, GParamSpec *pspec, gpointer n)
{
  ++*(guint *) n;
}

/* The task is told that it runs, as an idle worker has it; that worker has not begun it when it dies. */
static void
counts_no_attempt_that_was_not_begun (gconstpointer data)
{
  gboolean cancels = GPOINTER_TO_INT (data);
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  FerryPoolWorker *worker = hold_idle_worker (test);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  TaskTestWitness *witness = task_test_witness_new (task);
  guint n_told = 0;

  g_signal_connect (task, "notify::n-attempts", G_CALLBACK (count_notification), &n_told);
  task_test_submit_task (test->executor, task);
  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
  if (cancels)
    {
      g_assert_true (task_test_witness_cancel (witness));
      task_test_assert_cancelled (task);
      g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 0);
      g_assert_cmpuint (n_told, ==, 2);
    }
  else
    {
      ferry_worker_send_signal (worker->worker, SIGKILL);
      task_test_assert_result (task, NULL);
      g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
      g_assert_cmpuint (n_told, ==, 3);
    }
  g_signal_handlers_disconnect_by_data (task, &n_told);
  ferry_pool_worker_unref (worker);
  task_test_witness_free (witness);
}

/* A task that is cancelled before a worker began it leaves no trace, also when it was on its way. */
static void
never_begins_what_was_cancelled_before (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autofree char *path = make_path ();
  g_autofree char *text = NULL;
  g_autoptr (FerryTask) cancelled = task_test_submit (test->executor, "append-line", make_line (path));
  g_autoptr (FerryTask) other = NULL;

  g_assert_cmpint (ferry_task_get_state (cancelled), ==, FERRY_TASK_STATE_WAITING);
  ferry_task_cancel (cancelled);
  g_assert_cmpint (ferry_task_get_state (cancelled), ==, FERRY_TASK_STATE_CANCELLED);
  other = task_test_submit (test->executor, "append-line", make_line (path));
  task_test_assert_result (other, NULL);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "begun\n");
  g_unlink (path);
}

/* ---- workers that are of no use ---- */

static TaskTest *
new_with_program (const char *program, const char *argument, const char *order)
{
  TaskTest *test = task_test_new (FALSE, 2);
  g_autofree char *path = g_path_is_absolute (program) ? g_strdup (program) : ferry_test_build_path (program);
  const char *argv[] = {path, argument, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);

  if (order != NULL)
    ferry_launcher_setenv (launcher, "FERRY_TEST_INITIALISER", order);
  g_object_unref (test->executor);
  g_object_unref (test->pool);
  test->pool = ferry_pool_new (test->router, launcher);
  ferry_pool_set_max_workers (test->pool, 2);
  test->executor = ferry_executor_new (test->pool);
  return test;
}

static void
gives_up_workers_that_die_at_their_start (void)
{
  g_autoptr (TaskTest) test = new_with_program ("serving-worker", NULL, "crash");
  g_autoptr (FerryTask) first = NULL;
  g_autoptr (FerryTask) second = NULL;
  gint64 begin = g_get_monotonic_time ();

  /* Executed, each of them: a fork server that crashes is another matter. */
  g_object_set (test->pool, "use-fork-server", FALSE, "restart-limit", 2, "restart-interval",
                (gint64) (600 * G_USEC_PER_SEC), NULL);
  first = task_test_submit (test->executor, "nothing", NULL);
  second = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_failed (first, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  task_test_assert_failed (second, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_error (ferry_pool_get_error (test->pool), FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_nonnull (
    strstr (ferry_pool_get_error (test->pool)->message, "correct the worker's program. The last worker: "));
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), >=, 3);
  /* There was a pause between them. */
  g_assert_cmpint (g_get_monotonic_time () - begin, >=, 50000);
}

/* As the system does for want of memory: the program is not to blame. */
static void
blames_no_program_that_was_killed (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autofree char *program = g_build_filename (folder, "killed", NULL);
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;
  const GError *error;

  g_assert_true (
    g_file_set_contents_full (program, "#!/bin/sh\nkill -KILL $$\n", -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  test = new_with_program (program, NULL, NULL);
  g_object_set (test->pool, "use-fork-server", FALSE, "restart-limit", 1, "restart-interval",
                (gint64) (600 * G_USEC_PER_SEC), NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  error = task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  ferry_test_assert_says (error->message, "want of memory");
  g_assert_null (strstr (error->message, "correct"));
  g_unlink (program);
  g_rmdir (folder);
}

/* As after an update that was installed while the application ran. */
static void
gives_up_workers_of_another_version (void)
{
  g_autoptr (TaskTest) test = new_with_program ("hostile-worker", "packet:version", NULL);
  g_autoptr (FerryTask) task = NULL;
  const GError *error;

  g_object_set (test->pool, "use-fork-server", FALSE, NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  error = task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_VERSION);
  ferry_test_assert_says (error->message, "restart the application");
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), <=, 2);
}

static void
gives_up_when_the_initialiser_crashes (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) again = NULL;

  g_object_set (test->pool, "initialiser", "crash", "initialiser-arguments", g_variant_new_int32 (SIGSEGV), NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  ferry_test_assert_says (ferry_task_get_error (task)->message,
                          "The workers' initialiser 'crash' has ended its worker; correct it.");
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), ==, 1);
  g_object_set (test->pool, "initialiser", NULL, "initialiser-arguments", NULL, NULL);
  ferry_pool_reset (test->pool);
  again = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_result (again, NULL);
}

/* Once a worker has come through it, the initialiser is not what is wrong. */
static void
retries_an_initialiser_that_was_well (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autofree char *path = make_path ();
  g_autoptr (FerryTask) well = NULL;
  g_autoptr (FerryTask) lost = NULL;

  g_object_set (test->pool, "initialiser", "crash-if-there", "initialiser-arguments", g_variant_new_string (path),
                "max-tasks", 1, "restart-limit", 1, "restart-interval", (gint64) (600 * G_USEC_PER_SEC), NULL);
  well = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_result (well, NULL);
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  lost = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_failed (lost, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  ferry_test_assert_says (ferry_task_get_error (lost)->message, "2 workers of the pool");
  g_unlink (path);
}

static void
fails_without_its_program (gconstpointer data)
{
  g_autoptr (TaskTest) test = new_with_program ("/no/such/program", NULL, NULL);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (test->pool, "use-fork-server", GPOINTER_TO_INT (data), NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
  g_assert_error (ferry_pool_get_error (test->pool), FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
  if (strstr (ferry_task_get_error (task)->message, "'/no/such/program' could not be executed") == NULL)
    g_error ("%s", ferry_task_get_error (task)->message);
}

static void
gives_up_when_the_fork_server_fails (void)
{
  g_autoptr (TaskTest) test = new_with_program ("serving-worker", NULL, "fail");
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);

  g_object_set (test->pool, "restart-limit", 1, "restart-interval", (gint64) (600 * G_USEC_PER_SEC), NULL);
  task_test_wait_done (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
  g_assert_nonnull (ferry_pool_get_error (test->pool));
  task_test_wait_workers (test->pool, 0);
}

/* A fork server that ended too often is not started any more, until the pool is told to try again. */
static void
tries_its_fork_server_again_when_reset (void)
{
  g_autoptr (TaskTest) test = new_with_program ("serving-worker", NULL, "fail");
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_object_set (test->pool, "restart-limit", 0, "restart-interval", (gint64) (600 * G_USEC_PER_SEC), NULL);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (FerryTask) hopeless = task_test_submit (test->executor, "nothing", NULL);

      task_test_wait_done (hopeless);
      g_assert_cmpint (ferry_task_get_state (hopeless), ==, FERRY_TASK_STATE_FAILED);
      task_test_wait_workers (test->pool, 0);
      if (i < 3)
        ferry_pool_reset (test->pool);
    }
  g_object_get (test->pool, "launcher", &launcher, NULL);
  ferry_launcher_setenv (launcher, "FERRY_TEST_INITIALISER", NULL);
  /* A worker that is asked of a fork server is lost with it if the server's end is just being told of, and replaced. */
  g_object_set (test->pool, "restart-limit", 5, "restart-interval", (gint64) (600 * G_USEC_PER_SEC), NULL);
  ferry_pool_reset (test->pool);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
}

static gboolean
has_completed_two (gpointer data)
{
  return ferry_test_get_number (data, "n-completed") >= 2;
}

/* Workers that are replaced after each task, and never end. */
static void
has_no_more_that_end_than_others (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);

  g_object_set (test->pool, "max-tasks", 1, "finaliser", "pause-for-ever", "finaliser-arguments", NULL, NULL);
  for (guint i = 0; i < 5; i++)
    g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  ferry_test_run_until (has_completed_two, test->executor);
  task_test_settle ();
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 2);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, 2);
}

static gboolean
all_are_open (gpointer data)
{
  GListModel *workers = ferry_pool_get_workers (data);
  guint n = g_list_model_get_n_items (workers);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FerryWorker) worker = g_list_model_get_item (workers, i);

      if (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_OPEN)
        return FALSE;
    }
  return n == ferry_test_get_number (data, "min-workers");
}

/* More workers than there may be bad starts, none of which has done anything. */
static void
replaces_a_fork_server_that_was_killed (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 8);
  g_autoptr (FerryWorker) first = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_object_set (test->pool, "min-workers", 8, NULL);
  g_assert_true (ferry_pool_start (test->pool, NULL));
  ferry_test_run_until (all_are_open, test->pool);
  first = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);
  ferry_test_kill (task_test_get_parent (ferry_test_get_process (first)), SIGKILL);
  ferry_test_wait_ended (first);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
  g_assert_no_error (ferry_pool_get_error (test->pool));
  ferry_test_run_until (all_are_open, test->pool);
}

/* The second worker stands still before it serves, and is given a task; the first one has nothing else to do. */
static void
does_not_wait_for_a_worker_that_prepares_itself (void)
{
  g_autoptr (TaskTest) test = new_with_program ("serving-worker", NULL, NULL);
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryTask) warm = NULL;
  g_autoptr (FerryTask) busy = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_object_set (test->pool, "use-fork-server", FALSE, NULL);
  warm = task_test_submit (test->executor, "nothing", NULL);
  task_test_wait_done (warm);
  g_object_get (test->pool, "launcher", &launcher, NULL);
  ferry_launcher_setenv (launcher, "FERRY_TEST_INITIALISER", "stop");
  busy = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  task_test_wait_begun (busy);
  task = task_test_submit (test->executor, "nothing", NULL);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 2);
  ferry_task_cancel (busy);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
}

/* The first executor goes with its last task, in the middle of the pool's telling all of them. */
static void
tells_every_executor (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  FerryExecutor *going = ferry_executor_new (test->pool);
  g_autoptr (FerryTask) first = NULL;
  g_autoptr (FerryTask) second = NULL;
  g_autoptr (FerryTask) third = NULL;
  g_autoptr (FerryExecutor) last = ferry_executor_new (test->pool);

  g_object_set (test->pool, "initialiser", "fail", "initialiser-arguments",
                g_variant_new ("(sis)", "g-file-error-quark", 4, "No model"), NULL);
  first = task_test_submit (test->executor, "nothing", NULL);
  second = task_test_submit (going, "nothing", NULL);
  third = task_test_submit (last, "nothing", NULL);
  g_clear_object (&test->executor);
  g_object_unref (going);
  task_test_assert_failed (first, G_FILE_ERROR, 4);
  task_test_assert_failed (second, G_FILE_ERROR, 4);
  task_test_assert_failed (third, G_FILE_ERROR, 4);
}

static GVariant *
make_too_large (void)
{
  gsize size = (gsize) 65 << 20;
  gpointer data = g_malloc0 (size);

  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

static gboolean
raise_flag (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Lets a deadline pass that must not matter any more. */
static void
let_pass (guint milliseconds)
{
  gboolean over = FALSE;

  g_timeout_add (milliseconds, raise_flag, &over);
  ferry_test_wait_flag (&over);
}

static void
refuses_what_is_too_large (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo-bytes", make_too_large ());
  g_autoptr (FerryTask) other = NULL;

  g_object_set (task, "queue-timeout", (gint64) 20000, NULL);
  task_test_submit_task (test->executor, task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  task_test_settle ();
  g_assert_finalize_object (task);
  let_pass (30);
  other = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_result (other, NULL);
}

static void
fails_with_an_initialiser_that_is_too_large (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (test->pool, "initialiser", "echo-bytes", "initialiser-arguments", make_too_large (), NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_error (ferry_pool_get_error (test->pool), FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (ferry_pool_get_workers (test->pool)), ==, 0);
}

/* The time that the lost attempt took was no waiting. */
static gboolean
has_second_attempt (gpointer data)
{
  return ferry_test_get_number (data, "n-attempts") == 2;
}

static void
repeats_after_the_queue_deadline (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);

  g_object_set (task, "queue-timeout", (gint64) (600 * G_USEC_PER_SEC), "retries", 1, NULL);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun (task);
  /* As if it had run for longer than it might have waited. */
  ferry_task_get_run (task)->submit_time -= 700 * G_USEC_PER_SEC;
  kill_worker (test, task);
  ferry_test_run_until (has_second_attempt, task);
  task_test_wait_begun (task);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

static gboolean
rests (gpointer task)
{
  return ferry_task_get_run (task)->rest_until > 0;
}

static void
does_not_count_a_rest_as_waiting (void)
{
  const gint64 hour = 3600 * (gint64) G_USEC_PER_SEC;
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash-at-first", NULL);
  const FerryRun *run = ferry_task_get_run (task);

  g_object_set (task, "queue-timeout", hour, "retries", 1, "retry-pause", 2 * hour, NULL);
  task_test_submit_task (test->executor, task);
  ferry_test_run_until (rests, task);
  g_assert_true (ferry_timer_is_set (&run->timer));
  g_assert_cmpint (run->timer.deadline.time, ==, run->rest_until + hour);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/deaths/cost-one-task-each", costs_one_task);
  g_test_add_func ("/deaths/tell-what-ran", says_what_it_ran);
  g_test_add_func ("/deaths/come-with-the-last-line", says_its_last_line);
  g_test_add_func ("/deaths/come-without-a-line-of-an-earlier-task", says_no_line_of_an_earlier_task);
  g_test_add_func ("/deaths/have-a-task-repeated-where-it-may-be", repeats_where_it_may);
  g_test_add_func ("/deaths/are-known-to-the-function-that-is-repeated", tells_the_function_that_it_is_repeated);
  g_test_add_func ("/deaths/are-in-the-log-where-the-task-goes-on", tells_the_log_how_an_attempt_was_lost);
  g_test_add_func ("/deaths/have-a-task-begun-once-more-than-it-has-retries", begins_once_more_than_it_has_retries);
  g_test_add_func ("/deaths/meet-a-cancel", cancels_what_would_be_repeated);
  g_test_add_func ("/deaths/meet-a-cancel-of-another-thread", cancels_elsewhere_what_would_be_repeated);
  g_test_add_func ("/deaths/leave-what-was-sent-ahead", runs_elsewhere_what_was_sent_ahead);
  g_test_add_data_func ("/deaths/count-no-attempt-that-was-not-begun", GINT_TO_POINTER (FALSE),
                        counts_no_attempt_that_was_not_begun);
  g_test_add_data_func ("/deaths/of-nobody-count-no-attempt-that-was-cancelled-before", GINT_TO_POINTER (TRUE),
                        counts_no_attempt_that_was_not_begun);
  g_test_add_func ("/deaths/of-nobody-but-the-task-is-cancelled", never_begins_what_was_cancelled_before);
  g_test_add_func ("/deaths/at-the-start-are-given-up", gives_up_workers_that_die_at_their_start);
  g_test_add_func ("/deaths/of-workers-that-were-killed-blame-no-program", blames_no_program_that_was_killed);
  g_test_add_func ("/deaths/of-workers-of-another-version-end-the-pool", gives_up_workers_of_another_version);
  g_test_add_func ("/deaths/in-the-initialiser-are-given-up", gives_up_when_the_initialiser_crashes);
  g_test_add_func ("/deaths/in-an-initialiser-that-was-well-are-not", retries_an_initialiser_that_was_well);
  g_test_add_func ("/deaths/of-the-fork-server-are-given-up", gives_up_when_the_fork_server_fails);
  g_test_add_func ("/deaths/of-the-fork-server-are-forgotten-by-a-reset", tries_its_fork_server_again_when_reset);
  g_test_add_func ("/deaths/with-a-fork-server-that-was-killed-are-no-bad-starts",
                   replaces_a_fork_server_that_was_killed);
  g_test_add_func ("/deaths/of-nobody-while-a-worker-prepares-itself", does_not_wait_for_a_worker_that_prepares_itself);
  g_test_add_func ("/deaths/that-take-for-ever-are-not-too-many", has_no_more_that_end_than_others);
  g_test_add_func ("/deaths/of-the-pool-are-told-to-every-executor", tells_every_executor);
  g_test_add_func ("/deaths/of-nobody-but-a-task-is-too-large", refuses_what_is_too_large);
  g_test_add_func ("/deaths/by-an-initialiser-that-is-too-large", fails_with_an_initialiser_that_is_too_large);
  g_test_add_func ("/deaths/come-after-the-deadline-of-the-queue", repeats_after_the_queue_deadline);
  g_test_add_data_func ("/deaths/without-a-program", GINT_TO_POINTER (FALSE), fails_without_its_program);
  g_test_add_data_func ("/deaths/without-a-program-for-a-fork-server", GINT_TO_POINTER (TRUE),
                        fails_without_its_program);
  g_test_add_func ("/deaths/a-rest-after-one-is-no-time-in-the-queue", does_not_count_a_rest_as_waiting);
  return g_test_run ();
}
