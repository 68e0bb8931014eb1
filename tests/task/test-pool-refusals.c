/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool.c, process/ferry-launcher.c
 *
 * A pool of workers that cannot be started, because the system has too little of something: it tries again until the
 * system has enough. */

#include "config.h"

#include "pool/ferry-pool-private.h"
#include "task/task-test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef enum
{
  IN_PROCESSES,
  IN_FORKED_PROCESSES,
  IN_THREADS,
} Kind;

static guint64 before;

/* At most n descriptors more can be had. */
static void
lower_limit (guint n)
{
  before = ferry_test_limit_fds (ferry_test_get_lowest_fd () + n);
}

static void
lift_limit (void)
{
  ferry_test_limit_fds (before);
}

static TaskTest *
new_test (Kind kind)
{
  TaskTest *test = task_test_new (kind == IN_THREADS, 2);

  if (kind == IN_PROCESSES)
    g_object_set (test->pool, "use-fork-server", FALSE, NULL);
  return test;
}

/* The attempt is made where the task is submitted. */
static FerryTask *
submit_under_the_limit (TaskTest *test)
{
  FerryTask *task;

  lower_limit (0);
  task = task_test_submit (test->executor, "nothing", NULL);
  lift_limit ();
  return task;
}

static void
is_tried_again (gconstpointer data)
{
  g_autoptr (TaskTest) test = new_test (GPOINTER_TO_INT (data));
  g_autoptr (FerryTask) task = submit_under_the_limit (test);

  g_assert_false (ferry_task_get_done (task));
  g_assert_no_error (ferry_pool_get_error (test->pool));
  task_test_assert_result (task, NULL);
}

/* The workers that a pool keeps at least are wanted without any task. */
static gboolean
has_two_workers (gpointer data)
{
  return ferry_test_get_number (data, "n-workers") == 2;
}

static void
is_tried_again_without_a_task (gconstpointer data)
{
  g_autoptr (TaskTest) test = new_test (GPOINTER_TO_INT (data));
  g_autoptr (GError) error = NULL;

  g_object_set (test->pool, "min-workers", 2, NULL);
  lower_limit (0);
  g_assert_true (ferry_pool_start (test->pool, &error));
  lift_limit ();
  g_assert_no_error (error);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 0);
  ferry_test_run_until (has_two_workers, test->pool);
}

static gboolean
says_what_is_short (gpointer task)
{
  const char *text = ferry_task_get_text (task);

  g_assert_no_error (ferry_task_get_error (task));
  return text != NULL && strstr (text, "Waiting until the system has enough") != NULL &&
         (strstr (text, g_strerror (EMFILE)) != NULL || strstr (text, g_strerror (EAGAIN)) != NULL);
}

static guint n_lines;

static gboolean
has_more_lines (gpointer n)
{
  n_lines += task_test_take_n_messages ();
  return n_lines > GPOINTER_TO_UINT (n);
}

/* Without a limit, and not in silence. What waited begins when the lack is over. */
static void
goes_on_as_long_as_it_lacks (gconstpointer data)
{
  g_autoptr (TaskTest) test = new_test (GPOINTER_TO_INT (data));
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) behind = NULL;

  g_object_set (test->pool, "restart-limit", 0, NULL);
  n_lines = 0;
  task_test_take_n_messages ();
  lower_limit (0);
  task = task_test_submit (test->executor, "nothing", NULL);
  behind = task_test_submit (test->executor, "nothing", NULL);
  ferry_test_run_until (says_what_is_short, task);
  ferry_test_run_until (says_what_is_short, behind);
  /* The first, the second and the fourth refusal are logged. */
  ferry_test_run_until (has_more_lines, GUINT_TO_POINTER (2));
  lift_limit ();
  g_assert_no_error (ferry_pool_get_error (test->pool));
  task_test_assert_result (task, NULL);
  task_test_assert_result (behind, NULL);
  g_assert_null (ferry_task_get_text (behind));
}

static gboolean
says_that_the_program_is_busy (gpointer task)
{
  const char *text = ferry_task_get_text (task);

  return text != NULL && strstr (text, "it is still being written, so close it") != NULL;
}

/* A pool lacks its program, which is being written, and another lacks descriptors: each says so. */
static void
test_another_lack_is_logged_as_well (void)
{
  g_autoptr (TaskTest) test = new_test (IN_THREADS);
  g_autofree char *program = g_build_filename (g_get_user_runtime_dir (), "program", NULL);
  const char *argv[] = {program, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryPool) pool = ferry_pool_new (test->router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) busy = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *said = NULL;
  int writer = open (program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

  g_assert_no_errno (writer);
  g_object_set (pool, "use-fork-server", FALSE, NULL);
  busy = task_test_submit (executor, "nothing", NULL);
  ferry_test_run_until (says_that_the_program_is_busy, busy);
  g_free (task_test_take_message ());
  task = submit_under_the_limit (test);
  said = task_test_take_message ();
  g_assert_nonnull (said);
  ferry_test_assert_says (said, g_strerror (EMFILE));
  task_test_assert_result (task, NULL);
  ferry_task_cancel (busy);
  task_test_wait_done (busy);
  close (writer);
}

static gboolean
is_done_or_says_what_is_short (gpointer task)
{
  return ferry_task_get_done (task) || says_what_is_short (task);
}

/* Some descriptors are enough to make one worker or two, and not to start them. */
static void
says_so_whatever_lacks (gconstpointer data)
{
  gboolean lacked = TRUE;

  for (guint n = 0; lacked; n++)
    {
      g_autoptr (TaskTest) test = new_test (GPOINTER_TO_INT (data));
      FerryTask *tasks[4];

      lower_limit (n);
      for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
        tasks[i] = task_test_submit (test->executor, "nothing", NULL);
      for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
        ferry_test_run_until (is_done_or_says_what_is_short, tasks[i]);
      lacked = !ferry_task_get_done (tasks[0]);
      lift_limit ();
      for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
        {
          task_test_assert_result (tasks[i], NULL);
          g_object_unref (tasks[i]);
        }
    }
}

/* A pool whose tasks can be run elsewhere gives up: that of a host. */
static void
gives_up_whatever_lacks (gconstpointer data)
{
  gboolean lacked = TRUE;

  for (guint n = 0; lacked; n++)
    {
      g_autoptr (TaskTest) test = new_test (GPOINTER_TO_INT (data));
      FerryTask *tasks[4];

      g_object_set (test->pool, "restart-limit", 1, NULL);
      ferry_pool_set_one_of_many (test->pool);
      lower_limit (n);
      for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
        tasks[i] = task_test_submit (test->executor, "nothing", NULL);
      for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
        task_test_wait_done (tasks[i]);
      lift_limit ();
      lacked = ferry_task_get_error (tasks[0]) != NULL;
      for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
        {
          if (lacked)
            ferry_test_assert_says (task_test_assert_failed (tasks[i], FERRY_ERROR, FERRY_ERROR_SYSTEM)->message,
                                    "free memory, descriptors or processes. The last error: ");
          else
            task_test_assert_result (tasks[i], NULL);
          g_object_unref (tasks[i]);
        }
    }
}

/* No process and no thread more can be had. The limit does not hold for root. */
static void
is_tried_again_for_processes (gconstpointer data)
{
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;
  struct rlimit limit;
  struct rlimit none;

  if (geteuid () == 0)
    {
      g_test_skip ("root has no limit of processes");
      return;
    }
  test = new_test (GPOINTER_TO_INT (data));
  g_assert_no_errno (getrlimit (RLIMIT_NPROC, &limit));
  none = limit;
  none.rlim_cur = 0;
  g_assert_no_errno (setrlimit (RLIMIT_NPROC, &none));
  task = task_test_submit (test->executor, "nothing", NULL);
  ferry_test_run_until (says_what_is_short, task);
  g_assert_no_errno (setrlimit (RLIMIT_NPROC, &limit));
  task_test_assert_result (task, NULL);
}

static void
add (const char *fact, GTestDataFunc func)
{
  static const char *const kinds[] = {"processes", "forked-processes", "threads"};

  for (Kind kind = IN_PROCESSES; kind <= IN_THREADS; kind++)
    {
      g_autofree char *path = g_strdup_printf ("/refusals/of-%s-%s", kinds[kind], fact);

      g_test_add_data_func (path, GINT_TO_POINTER (kind), func);
    }
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  add ("are-tried-again", is_tried_again);
  add ("are-tried-again-without-a-task", is_tried_again_without_a_task);
  add ("are-tried-again-as-long-as-it-takes", goes_on_as_long_as_it_lacks);
  g_test_add_func ("/refusals/of-another-lack-are-logged-as-well", test_another_lack_is_logged_as_well);
  add ("are-told-whatever-lacks", says_so_whatever_lacks);
  add ("are-given-up-where-others-can-run-the-tasks", gives_up_whatever_lacks);
  add ("are-tried-again-for-want-of-processes", is_tried_again_for_processes);
  return g_test_run ();
}
