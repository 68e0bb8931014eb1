/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-task-handles.c, task/ferry-task.c, job/ferry-job.c
 *
 * Tasks that are given descriptors and bytes. That the application has none open afterwards, every fixture looks. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "task/descriptor-functions.h"
#include "task/task-test.h"

#define N_AT_A_TIME 7

/* A file that has no name, with this text. */
static int
open_text (const char *text)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("ferry-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_unlink (path);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  return fd;
}

/* Gives the task a file of that text. */
static gint
add_text (FerryTask *task, const char *text)
{
  g_autoptr (GError) error = NULL;
  int fd = open_text (text);
  gint handle = ferry_task_add_descriptor (task, fd, &error);

  g_assert_no_error (error);
  close (fd);
  return handle;
}

static FerryTask *
new_task (const char *function)
{
  return ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new_handle (0));
}

static void
test_a_function_reads_a_file (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = new_task ("read-handle");

  g_assert_cmpint (add_text (task, "a text"), ==, 0);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "'a text'");
}

static void
test_a_function_reads_bytes (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = new_task ("read-bytes");
  g_autoptr (GBytes) bytes = g_bytes_new_static ("some bytes", 10);

  g_assert_cmpint (ferry_task_add_bytes (task, bytes, NULL), ==, 0);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "'some bytes'");
}

static GBytes *
new_bytes (const char *text)
{
  return g_bytes_new (text, strlen (text));
}

static void
add_bytes (FerryTask *task, const char *text)
{
  g_autoptr (GBytes) bytes = new_bytes (text);
  g_autoptr (GError) error = NULL;

  ferry_task_add_bytes (task, bytes, &error);
  g_assert_no_error (error);
}

/* The arguments of a function that takes n handles, the first n. */
static GVariant *
new_handles (guint n)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("ah"));
  for (guint i = 0; i < n; i++)
    g_variant_builder_add (&builder, "h", (gint) i);
  return g_variant_builder_end (&builder);
}

static void
test_handles_count_from_0 (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "read-handles", new_handles (3));
  g_autoptr (GBytes) bytes = new_bytes ("two ");

  g_assert_cmpint (add_text (task, "one "), ==, 0);
  g_assert_cmpint (ferry_task_add_bytes (task, bytes, NULL), ==, 1);
  g_assert_cmpint (add_text (task, "three"), ==, 2);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "'one two three'");
}

static void
test_empty_bytes_are_bytes (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = new_task ("read-bytes");

  add_bytes (task, "");
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "''");
}

static void
test_bytes_outlive_the_job (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) keep = new_task ("keep-bytes");
  g_autoptr (FerryTask) read = NULL;

  add_bytes (keep, "kept");
  task_test_submit_task (test->executor, keep);
  task_test_wait_done (keep);
  read = task_test_submit (test->executor, "read-kept-bytes", NULL);
  task_test_assert_result (read, "'kept'");
}

static void
test_nobody_can_change_bytes (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = new_task ("write-to-bytes");
  const char *refused = "'Operation not permitted, Operation not permitted, Operation not permitted'";

  add_bytes (task, "fixed");
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, refused);
}

/* Each task gets what the other two have, all at once. */
static void
test_the_same_bytes_are_copied_once (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (GBytes) bytes = new_bytes ("shared");
  guint before = ferry_test_count_fds ();
  FerryTask *tasks[3];

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      tasks[i] = new_task ("read-bytes");
      g_assert_cmpint (ferry_task_add_bytes (tasks[i], bytes, NULL), ==, 0);
    }
  g_assert_cmpuint (ferry_test_count_fds (), ==, before + 1);
  g_clear_object (&tasks[0]);
  for (guint i = 1; i < G_N_ELEMENTS (tasks); i++)
    {
      task_test_submit_task (test->executor, tasks[i]);
      task_test_assert_result (tasks[i], "'shared'");
      g_object_unref (tasks[i]);
    }
}

static void
note_yielded (FerryTask *task, GVariant *value, gpointer data)
{
  g_string_append (data, g_variant_get_string (value, NULL));
}

static void
test_iterations_are_given_descriptors (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_ITERATION, "yield-handles", new_handles (2));
  g_autoptr (GString) yielded = g_string_new (NULL);

  add_text (task, "first ");
  add_text (task, "second");
  g_signal_connect (task, "yielded", G_CALLBACK (note_yielded), yielded);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, NULL);
  g_assert_cmpstr (yielded->str, ==, "first second");
}

static void
test_progresses_and_steps_are_given_descriptors (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  GVariant *handle = g_variant_new_handle (0);
  g_autoptr (FerryTask) progress = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report-handle", handle);
  g_autoptr (FerryTask) steps = ferry_task_new (FERRY_TASK_KIND_STEPS, "step-handle", handle);

  add_text (progress, "half way");
  add_text (steps, "one step");
  task_test_submit_task (test->executor, progress);
  task_test_submit_task (test->executor, steps);
  task_test_assert_result (progress, "'half way'");
  task_test_assert_result (steps, "'one step'");
}

static void
test_a_second_attempt_is_given_the_same (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autofree char *path = task_test_make_path ("attempted");
  GVariant *arguments = g_variant_new ("(hs)", 1, path);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "read-once-killed", arguments);

  add_bytes (task, "not this");
  add_text (task, "again");
  g_object_set (task, "retries", 1, NULL);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "'again'");
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 2);
  g_unlink (path);
}

static void
test_a_done_task_has_none_open (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "read-handles", new_handles (2));
  g_autoptr (GError) error = NULL;
  guint before;

  task_test_wait_done (first);
  before = ferry_test_count_fds ();
  add_text (task, "a");
  add_bytes (task, "b");
  g_assert_cmpuint (ferry_test_count_fds (), ==, before + 2);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, "'ab'");
  if (in_threads == NULL)
    g_assert_cmpuint (ferry_test_count_fds (), ==, before);
  g_assert_null (ferry_executor_retry (test->executor, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static guint32
count_open_in_worker (TaskTest *test)
{
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "count-open", NULL);
  g_autoptr (GVariant) result = NULL;

  task_test_wait_done (task);
  result = ferry_task_get_result (task, NULL);
  return g_variant_get_uint32 (result);
}

static void
test_a_worker_keeps_none_open (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  guint32 before = count_open_in_worker (test);
  g_autoptr (FerryTask) asleep = NULL;
  g_autoptr (FerryTask) behind = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (FerryTask) wrong = ferry_task_new (FERRY_TASK_KIND_CALL, "no-such-function", NULL);
  g_autoptr (FerryTask) read = new_task ("read-handle");

  /* One that is taken back before it is begun, one that is refused, and one that uses what it has. */
  asleep = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  task_test_wait_begun (asleep);
  add_text (behind, "unread");
  add_text (wrong, "unread");
  add_text (read, "read");
  task_test_submit_task (test->executor, behind);
  ferry_task_cancel (behind);
  ferry_task_cancel (asleep);
  task_test_assert_cancelled (asleep);
  task_test_assert_cancelled (behind);
  task_test_submit_task (test->executor, wrong);
  task_test_assert_failed (wrong, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
  task_test_submit_task (test->executor, read);
  task_test_assert_result (read, "'read'");
  g_assert_cmpuint (count_open_in_worker (test), ==, before);
}

/* More than may lie with the workers at a time. */
static void
test_many_come_through (gconstpointer in_threads)
{
  enum
  {
    N_TASKS = 20,
    N_EACH = 30
  };
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 2);
  FerryTask *tasks[N_TASKS];

  for (guint i = 0; i < N_TASKS; i++)
    {
      tasks[i] = ferry_task_new (FERRY_TASK_KIND_CALL, "read-handles", new_handles (N_EACH));
      for (guint j = 0; j < N_EACH; j++)
        {
          g_autofree char *text = g_strdup_printf ("%c", 'a' + (i + j) % 26);

          add_text (tasks[i], text);
        }
      task_test_submit_task (test->executor, tasks[i]);
    }
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autoptr (GString) expected = g_string_new ("'");

      for (guint j = 0; j < N_EACH; j++)
        g_string_append_c (expected, (char) ('a' + (i + j) % 26));
      g_string_append_c (expected, '\'');
      task_test_assert_result (tasks[i], expected->str);
      g_object_unref (tasks[i]);
    }
}

static void
test_a_task_has_64_at_most (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "read-handles", new_handles (64));
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strnfill (64, 'x');
  g_autofree char *expected = g_strdup_printf ("'%s'", text);

  for (guint i = 0; i < 64; i++)
    g_assert_cmpint (add_text (task, "x"), ==, i);
  g_assert_cmpint (ferry_task_add_descriptor (task, STDERR_FILENO, &error), ==, -1);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  task_test_submit_task (test->executor, task);
  task_test_assert_result (task, expected);
}

static void
test_what_cannot_be_given_is_refused (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (GBytes) bytes = new_bytes ("late");
  g_autoptr (GError) not_open = NULL;
  g_autoptr (GError) late = NULL;

  g_assert_cmpint (ferry_task_add_descriptor (task, 1000000, &not_open), ==, -1);
  g_assert_error (not_open, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  task_test_submit_task (test->executor, task);
  g_assert_cmpint (ferry_task_add_bytes (task, bytes, &late), ==, -1);
  g_assert_error (late, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED);
  task_test_assert_result (task, NULL);
}

static void
test_a_handle_of_nothing_is_an_error (gconstpointer in_threads)
{
  g_autoptr (TaskTest) test = task_test_new (in_threads != NULL, 1);
  g_autoptr (FerryTask) none = new_task ("read-handle");
  g_autoptr (FerryTask) beyond = ferry_task_new (FERRY_TASK_KIND_CALL, "read-bytes", g_variant_new_handle (1));
  g_autoptr (FerryTask) file = new_task ("read-bytes");

  add_bytes (beyond, "the only one");
  add_text (file, "no memory");
  task_test_submit_task (test->executor, none);
  task_test_submit_task (test->executor, beyond);
  task_test_submit_task (test->executor, file);
  task_test_assert_failed (none, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  task_test_assert_failed (beyond, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  task_test_assert_failed (file, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
test_a_worker_without_room_fails_that_task_only (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  guint32 n_open = count_open_in_worker (test);
  g_autoptr (FerryTask) limit = task_test_submit (test->executor, "limit-open", g_variant_new_uint32 (n_open + 4));
  g_autoptr (FerryTask) large = ferry_task_new (FERRY_TASK_KIND_CALL, "read-handles", new_handles (8));
  g_autoptr (FerryTask) small = new_task ("read-handle");

  task_test_wait_done (limit);
  for (guint i = 0; i < 8; i++)
    add_text (large, "x");
  add_text (small, "fits");
  task_test_submit_task (test->executor, large);
  task_test_submit_task (test->executor, small);
  task_test_assert_failed (large, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  task_test_assert_result (small, "'fits'");
  g_assert_cmpuint (count_open_in_worker (test), ==, n_open);
}

static void
test_tasks_of_a_killed_worker_leave_none (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) crash = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_int32 (SIGKILL));
  g_autoptr (FerryTask) behind = new_task ("read-handle");
  guint before = ferry_test_count_fds ();

  add_text (crash, "lost");
  add_text (behind, "saved");
  g_assert_cmpuint (ferry_test_count_fds (), ==, before + 2);
  task_test_submit_task (test->executor, crash);
  task_test_submit_task (test->executor, behind);
  task_test_assert_failed (crash, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  task_test_assert_result (behind, "'saved'");
}

typedef struct
{
  FerryTask **tasks;
  guint n_done; /* so many are wanted */
} Wanted;

static gboolean
are_done (gpointer data)
{
  Wanted *wanted = data;
  guint n = 0;

  for (guint i = 0; i < N_AT_A_TIME; i++)
    n += ferry_task_get_done (wanted->tasks[i]);
  return n >= wanted->n_done;
}

static void
kill_some_worker (TaskTest *test, guint number)
{
  GListModel *workers = ferry_pool_get_workers (test->pool);
  guint n = g_list_model_get_n_items (workers);
  g_autoptr (FerryWorker) worker = n > 0 ? g_list_model_get_item (workers, number % n) : NULL;

  /* By the worker, not by its number: of the one that was killed last the application may not know yet. */
  if (worker != NULL && ferry_worker_get_identifier (worker) != NULL)
    ferry_worker_force_exit (worker);
}

/* Workers are killed while they take descriptors, use them, or have some unread: each task is given them again. */
static void
test_workers_are_killed_at_any_time (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  FerryTask *tasks[N_AT_A_TIME];

  g_object_set (test->pool, "restart-limit", 1000, "restart-interval", (gint64) G_USEC_PER_SEC, NULL);
  for (guint round = 0; round < 40; round++)
    {
      Wanted wanted = {tasks, round % N_AT_A_TIME};

      for (guint i = 0; i < N_AT_A_TIME; i++)
        {
          tasks[i] = ferry_task_new (FERRY_TASK_KIND_CALL, "read-handles", new_handles (20));
          g_object_set (tasks[i], "retries", 1000, NULL);
          for (guint j = 0; j < 20; j++)
            add_text (tasks[i], "z");
          task_test_submit_task (test->executor, tasks[i]);
        }
      ferry_test_run_until (are_done, &wanted);
      kill_some_worker (test, round);
      for (guint i = 0; i < N_AT_A_TIME; i++)
        {
          task_test_assert_result (tasks[i], "'zzzzzzzzzzzzzzzzzzzz'");
          g_object_unref (tasks[i]);
        }
    }
}

static gboolean
is_stopped (gpointer worker)
{
  return ferry_worker_get_identifier (worker) != NULL && ferry_test_is_stopped (ferry_test_get_process (worker));
}

/* A worker that has not begun to read has the descriptors of a task that was taken back. The next one waits until it
 * has taken them, of which no answer tells. */
static void
test_a_slow_worker_is_waited_for (void)
{
  g_autoptr (FerryLauncher) launcher = task_test_launcher_new ();
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) first = ferry_task_new (FERRY_TASK_KIND_CALL, "read-handles", new_handles (40));
  g_autoptr (FerryTask) second = ferry_task_new (FERRY_TASK_KIND_CALL, "read-handles", new_handles (40));
  g_autofree char *text = g_strnfill (40, 'y');
  g_autofree char *expected = g_strdup_printf ("'%s'", text);
  g_autoptr (FerryPool) pool = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  test = task_test_new (FALSE, 1);
  ferry_launcher_setenv (launcher, "FERRY_TEST_INITIALISER", "stop");
  pool = ferry_pool_new (test->router, launcher);
  ferry_pool_set_max_workers (pool, 1);
  g_object_set (pool, "use-fork-server", FALSE, NULL);
  executor = ferry_executor_new (pool);
  for (guint i = 0; i < 40; i++)
    {
      add_text (first, "x");
      add_text (second, "y");
    }
  task_test_submit_task (executor, first);
  worker = g_list_model_get_item (ferry_pool_get_workers (pool), 0);
  ferry_task_cancel (first);
  task_test_assert_cancelled (first);
  task_test_submit_task (executor, second);
  ferry_test_look_until (is_stopped, worker);
  g_assert_cmpint (ferry_task_get_state (second), ==, FERRY_TASK_STATE_WAITING);
  ferry_worker_send_signal (worker, SIGCONT);
  task_test_assert_result (second, expected);
}

/* Each of these in a process and in a thread. */
static void
add_both (const char *name, GTestDataFunc function)
{
  g_autofree char *in_process = g_strdup_printf ("/task-descriptors/%s", name);
  g_autofree char *in_thread = g_strdup_printf ("/task-descriptors/in-a-thread/%s", name);

  g_test_add_data_func (in_process, NULL, function);
  g_test_add_data_func (in_thread, "", function);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  descriptor_functions_register ();

  add_both ("a-function-reads-a-file", test_a_function_reads_a_file);
  add_both ("a-function-reads-bytes", test_a_function_reads_bytes);
  add_both ("handles-count-from-0", test_handles_count_from_0);
  add_both ("empty-bytes-are-bytes", test_empty_bytes_are_bytes);
  add_both ("bytes-outlive-the-job", test_bytes_outlive_the_job);
  add_both ("nobody-can-change-bytes", test_nobody_can_change_bytes);
  add_both ("iterations-are-given-descriptors", test_iterations_are_given_descriptors);
  add_both ("progresses-and-steps-are-given-descriptors", test_progresses_and_steps_are_given_descriptors);
  add_both ("a-done-task-has-none-open", test_a_done_task_has_none_open);
  add_both ("many-come-through", test_many_come_through);
  add_both ("a-handle-of-nothing-is-an-error", test_a_handle_of_nothing_is_an_error);
  g_test_add_func ("/task-descriptors/the-same-bytes-are-copied-once", test_the_same_bytes_are_copied_once);
  g_test_add_func ("/task-descriptors/a-second-attempt-is-given-the-same", test_a_second_attempt_is_given_the_same);
  g_test_add_func ("/task-descriptors/a-worker-keeps-none-open", test_a_worker_keeps_none_open);
  g_test_add_func ("/task-descriptors/a-task-has-64-at-most", test_a_task_has_64_at_most);
  g_test_add_func ("/task-descriptors/what-cannot-be-given-is-refused", test_what_cannot_be_given_is_refused);
  g_test_add_func ("/task-descriptors/a-worker-without-room-fails-that-task-only",
                   test_a_worker_without_room_fails_that_task_only);
  g_test_add_func ("/task-descriptors/tasks-of-a-killed-worker-leave-none", test_tasks_of_a_killed_worker_leave_none);
  g_test_add_func ("/task-descriptors/workers-are-killed-at-any-time", test_workers_are_killed_at_any_time);
  g_test_add_func ("/task-descriptors/a-slow-worker-is-waited-for", test_a_slow_worker_is_waited_for);
  return g_test_run ();
}
