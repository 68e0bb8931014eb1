/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool.c, process/ferry-launcher.c, engine/ferry-shared-queue.c
 *
 * Workers that take far longer to attach than their limit, since they or the application have no time: they are waited
 * for. Only one that does nothing is given up. */

#include "config.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "task/task-test.h"

#define TIMEOUT (100 * G_TIME_SPAN_MILLISECOND)

/* How many of its limits a worker takes at least. */
#define N_LIMITS 10

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryLauncher *launcher; /* (owned) */
  FerryPool *pool;         /* (owned) */
  FerryExecutor *executor; /* (owned) */
  char *folder;            /* (owned) */
  char *program;           /* (owned) */
  char *go;                /* (owned): a file, with which the program goes on; a test may make it a fifo */
} Test;

/* script: what the program does before it becomes the worker. %s in it is the file with which it goes on. */
static void
test_init (Test *self, const char *script, gboolean use_fork_server, gint64 timeout)
{
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_autoptr (GString) text = g_string_new ("#!/bin/sh\n");

  self->folder = g_dir_make_tmp ("ferry-test-slow-XXXXXX", NULL);
  self->program = g_build_filename (self->folder, "program", NULL);
  self->go = g_build_filename (self->folder, "go", NULL);
  g_string_append_printf (text, "%s\nexec '%s'\n", script, worker);
  g_string_replace (text, "%s", self->go, 0);
  g_assert_true (g_file_set_contents_full (self->program, text->str, -1, G_FILE_SET_CONTENTS_NONE, 0700, NULL));
  self->router = ferry_test_router_new ();
  self->launcher = ferry_launcher_new ((const char *const[]){self->program, NULL});
  g_object_set (self->launcher, "attach-timeout", timeout, NULL);
  self->pool = ferry_pool_new (self->router, self->launcher);
  self->executor = ferry_executor_new (self->pool);
  g_object_set (self->pool, "use-fork-server", use_fork_server, "max-workers", 1, NULL);
}

static void
test_clear (Test *self)
{
  g_clear_object (&self->executor);
  g_clear_object (&self->pool);
  g_clear_object (&self->launcher);
  task_test_settle ();
  ferry_test_router_stop (self->router);
  g_unlink (self->go);
  g_unlink (self->program);
  g_rmdir (self->folder);
  g_free (self->go);
  g_free (self->program);
  g_free (self->folder);
}

static gboolean
is_time (gpointer time)
{
  return g_get_monotonic_time () >= *(gint64 *) time;
}

static gboolean
says_waiting (gpointer task)
{
  const char *text = ferry_task_get_text (task);

  return ferry_task_get_done (task) || (text != NULL && strstr (text, "is starting") != NULL);
}

static void
is_waited_for (const char *script, gboolean use_fork_server)
{
  g_autoptr (FerryTask) task = NULL;
  gint64 end;
  Test test;

  test_init (&test, script, use_fork_server, TIMEOUT);
  task = task_test_submit (test.executor, "nothing", NULL);
  end = g_get_monotonic_time () + N_LIMITS * TIMEOUT;
  ferry_test_look_until (is_time, &end);
  ferry_test_run_until (says_waiting, task);
  g_assert_no_error (ferry_task_get_error (task));
  g_assert_true (g_file_set_contents (test.go, "", 0, NULL));
  task_test_assert_result (task, NULL);
  g_assert_null (ferry_task_get_text (task));
  test_clear (&test);
}

static void
one_that_computes_is_waited_for (gconstpointer use_fork_server)
{
  is_waited_for ("while ! [ -e '%s' ]; do :; done", GPOINTER_TO_INT (use_fork_server));
}

static void
one_whose_child_computes_is_waited_for (gconstpointer use_fork_server)
{
  is_waited_for ("(while ! [ -e '%s' ]; do :; done)", GPOINTER_TO_INT (use_fork_server));
}

static gboolean
is_stopped (gpointer file)
{
  g_autofree char *text = NULL;

  return g_file_get_contents (file, &text, NULL, NULL) && atoi (text) > 0 && ferry_test_is_stopped (atoi (text));
}

static void
one_that_was_stopped_is_waited_for (gconstpointer use_fork_server)
{
  g_autoptr (FerryTask) task = NULL;
  gint64 end;
  Test test;
  g_autofree char *text = NULL;

  test_init (&test, "echo $$ > '%s'; kill -STOP $$", GPOINTER_TO_INT (use_fork_server), TIMEOUT);
  task = task_test_submit (test.executor, "nothing", NULL);
  ferry_test_look_until (is_stopped, test.go);
  end = g_get_monotonic_time () + N_LIMITS * TIMEOUT;
  ferry_test_look_until (is_time, &end);
  ferry_test_run_until (says_waiting, task);
  g_assert_no_error (ferry_task_get_error (task));
  g_assert_true (g_file_get_contents (test.go, &text, NULL, NULL));
  ferry_test_kill (atoi (text), SIGCONT);
  task_test_assert_result (task, NULL);
  test_clear (&test);
}

static void
one_that_sleeps_is_given_up (gconstpointer use_fork_server)
{
  g_autoptr (FerryTask) task = NULL;
  const GError *error;
  Test test;

  test_init (&test, "exec tail -f /dev/null", GPOINTER_TO_INT (use_fork_server), TIMEOUT);
  task = task_test_submit (test.executor, "nothing", NULL);
  error = task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  ferry_test_assert_says (error->message, "did not attach in time and was killed; make the program call");
  g_assert_nonnull (ferry_pool_get_error (test.pool));
  test_clear (&test);
}

static void
one_without_a_limit_may_sleep (gconstpointer use_fork_server)
{
  g_autoptr (FerryTask) task = NULL;
  Test test;

  test_init (&test, "read line < '%s'", GPOINTER_TO_INT (use_fork_server), G_MAXINT64);
  g_assert_no_errno (mkfifo (test.go, 0600));
  task = task_test_submit (test.executor, "nothing", NULL);
  ferry_test_run_until (says_waiting, task);
  g_assert_no_error (ferry_task_get_error (task));
  close (open (test.go, O_WRONLY | O_CLOEXEC));
  task_test_assert_result (task, NULL);
  test_clear (&test);
}

/* That a worker takes its time is no fault, of neither the program nor the machine: the log has not a word of it. */
static void
one_that_comes_late_is_not_logged (gconstpointer use_fork_server)
{
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
      g_test_trap_assert_passed ();
      g_test_trap_assert_stderr_unmatched ("*Ferry*");
      return;
    }
  one_that_computes_is_waited_for (use_fork_server);
}

/* ---- a stop of the application ---- */

/* The worker sleeps as long as the application is stopped. */
static gboolean
survives_a_stop (gint64 timeout)
{
  g_autoptr (FerryTask) task = NULL;
  gboolean survives;
  int order;
  GPid stopper;
  Test test;

  test_init (&test, "read line < '%s'", FALSE, timeout);
  g_assert_no_errno (mkfifo (test.go, 0600));
  stopper = ferry_test_fork_stopper (test.go, 3 * timeout, &order);
  task = task_test_submit (test.executor, "nothing", NULL);
  g_assert_cmpint (write (order, "", 1), ==, 1);
  task_test_wait_done (task);
  survives = ferry_task_get_error (task) == NULL;
  close (order);
  ferry_test_kill (stopper, SIGKILL);
  waitpid (stopper, NULL, 0);
  test_clear (&test);
  return survives;
}

/* How long it takes until the application is stopped is up to the machine. */
static void
a_stop_of_the_application_takes_no_time (void)
{
  gint64 timeout = G_USEC_PER_SEC / 2;

  while (!survives_a_stop (timeout))
    g_assert_cmpint (timeout *= 2, <, 20 * G_USEC_PER_SEC);
}

static void
add (const char *fact, GTestDataFunc func)
{
  g_autofree char *executed = g_strdup_printf ("/slow-starts/%s", fact);
  g_autofree char *forked = g_strdup_printf ("/slow-starts/as-a-fork-server-%s", fact);

  g_test_add_data_func (executed, GINT_TO_POINTER (FALSE), func);
  g_test_add_data_func (forked, GINT_TO_POINTER (TRUE), func);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  add ("one-that-computes-is-waited-for", one_that_computes_is_waited_for);
  add ("one-whose-child-computes-is-waited-for", one_whose_child_computes_is_waited_for);
  add ("one-that-was-stopped-is-waited-for", one_that_was_stopped_is_waited_for);
  add ("one-that-sleeps-is-given-up", one_that_sleeps_is_given_up);
  add ("one-without-a-limit-may-sleep", one_without_a_limit_may_sleep);
  add ("one-that-comes-late-is-not-logged", one_that_comes_late_is_not_logged);
  g_test_add_func ("/slow-starts/a-stop-of-the-application-takes-no-time", a_stop_of_the_application_takes_no_time);
  return g_test_run ();
}
