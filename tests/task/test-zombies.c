/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-spawn.c, process/ferry-symbolizer.c, process/ferry-bubblewrap.c, link/ferry-link.c,
 *        engine/ferry-fork-server-link.c
 *
 * An application that adopts what others leave, as process 1 of a container without an init does, and a subreaper: none
 * of the library's processes stays as a zombie. This program is its own worker. */

#include "config.h"

#include <errno.h>
#include <gio/gio.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "task/task-test.h"

/* Set in this program where it is process 1. */
#define VARIABLE "FERRY_TEST_AS_PROCESS_1"

/* ---- the worker ---- */

/* (bs): whether it leaves a process behind; and what ends it. */
static GVariant *
end (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GSubprocess) left = NULL;
  const char *way;
  gboolean leaves;

  g_variant_get (arguments, "(b&s)", &leaves, &way);
  if (leaves)
    left = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, error, "sleep", "1000", NULL);
  if (g_str_equal (way, "crash"))
    raise (SIGSEGV);
  if (g_str_equal (way, "kill"))
    raise (SIGKILL);
  if (g_str_equal (way, "wait"))
    pause ();
  return g_variant_new_uint32 (0);
}

/* ---- the application ---- */

static gboolean
has_no_child (gpointer unused)
{
  siginfo_t info;

  return waitid (P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 && errno == ECHILD;
}

static TaskTest *
begin (gboolean use_fork_server, FerrySandbox *sandbox)
{
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  TaskTest *test;

  g_object_set (launcher, "sandbox", sandbox, NULL);
  test = task_test_new_with_launcher (launcher, 2);
  g_object_set (test->pool, "use-fork-server", use_fork_server, "restart-limit", G_MAXINT, NULL);
  return test;
}

static void
assert_no_child_stays (TaskTest *test)
{
  /* The guardian is a child until the router has stopped. */
  g_clear_object (&test->executor);
  g_clear_object (&test->pool);
  ferry_router_stop (test->router, NULL);
  ferry_test_look_until (has_no_child, NULL);
}

static void
lose (TaskTest *test, gboolean leaves, const char *way, guint n)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (tasks, task_test_submit (test->executor, "end", g_variant_new ("(bs)", leaves, way)));
  for (guint i = 0; i < n; i++)
    task_test_assert_failed (tasks->pdata[i], FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
}

/* Of the worker, and of what looked up the names of its functions. */
static void
stays_none_of_crashes (void)
{
  for (int use_fork_server = FALSE; use_fork_server <= TRUE; use_fork_server++)
    {
      g_autoptr (TaskTest) test = begin (use_fork_server, NULL);

      lose (test, FALSE, "crash", ferry_test_times (50, 1000));
      lose (test, FALSE, "kill", 20);
      assert_no_child_stays (test);
    }
}

static void
stays_none_of_what_functions_start (void)
{
  for (int use_fork_server = FALSE; use_fork_server <= TRUE; use_fork_server++)
    {
      g_autoptr (TaskTest) test = begin (use_fork_server, NULL);

      lose (test, TRUE, "crash", 10);
      lose (test, TRUE, "kill", 10);
      assert_no_child_stays (test);
    }
}

static gboolean
is_started (gpointer worker)
{
  return ferry_test_get_string (worker, "identifier") != NULL;
}

/* Nobody else can reap their workers then. */
static void
stays_none_of_fork_servers_that_were_killed (void)
{
  g_autoptr (TaskTest) test = begin (TRUE, NULL);

  /* One that a fork server is about to tell of when it is killed is known to nobody. */
  ferry_pool_set_max_workers (test->pool, 1);
  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (test->executor, "end", g_variant_new ("(bs)", TRUE, "wait"));
      FerryWorker *worker;

      task_test_wait_begun (task);
      worker = ferry_test_get_worker (test->pool, task);
      ferry_test_look_until (is_started, worker);
      ferry_test_kill (task_test_get_parent (ferry_test_get_process (worker)), SIGKILL);
      task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
    }
  assert_no_child_stays (test);
}

static void
stays_none_of_sandboxes (void)
{
  g_autoptr (FerrySandbox) sandbox = ferry_sandbox_new ();
  g_autoptr (TaskTest) test = NULL;

  /* Tries what there is, and keeps its programs open. */
  ferry_sandbox_get_strength ();
  test = begin (TRUE, sandbox);
  lose (test, FALSE, "crash", 5);
  lose (test, TRUE, "kill", 5);
  assert_no_child_stays (test);
}

/* Each has a guardian. */
static void
stays_none_of_routers (void)
{
  const guint n = ferry_test_times (20, 100);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (TaskTest) test = begin (i % 2 == 0, NULL);
      g_autoptr (FerryTask) task = task_test_submit (test->executor, "end", g_variant_new ("(bs)", FALSE, "returns"));

      task_test_wait_done (task);
      assert_no_child_stays (test);
    }
}

static void
stays_none_of_persistent_workers (void)
{
  static const char *const sleeps[] = {"sleep", "1000", NULL};
  static const char *const ends[] = {"true", NULL};
  const char *const *const programs[] = {sleeps, ends};

  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autoptr (FerryLauncher) launcher = ferry_launcher_new (programs[i]);
      g_autoptr (GError) error = NULL;
      g_autofree char *identifier = NULL;

      ferry_launcher_spawn_persistent (launcher, "@ferry-test-zombies", &identifier, &error);
      g_assert_no_error (error);
      if (programs[i] == sleeps)
        ferry_test_kill (ferry_test_parse_process (identifier), SIGKILL);
      ferry_test_look_until (has_no_child, NULL);
    }
}

/* ---- a container without an init ---- */

/* Runs a program as process 1. Returns whether it has succeeded. */
static gboolean
run_as_process_1 (const char *program)
{
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;

  process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, &error, "unshare",
                              "--pid", "--fork", "--mount-proc", "--kill-child", program, NULL);
  if (process == NULL)
    return FALSE;
  g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_test_message ("%s", output);
  return g_subprocess_get_successful (process);
}

static void
stays_none_as_process_1 (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);

  if (g_getenv (VARIABLE) != NULL)
    {
      g_assert_cmpint (getpid (), ==, 1);
      return;
    }
  if (!run_as_process_1 ("true"))
    {
      g_test_skip ("This needs the right to make a namespace of processes (root), and unshare");
      return;
    }
  prctl (PR_SET_CHILD_SUBREAPER, 0);
  g_setenv (VARIABLE, "1", TRUE);
  g_assert_true (run_as_process_1 (self));
}

int
main (int argc, char *argv[])
{
  ferry_function_register ("end", "(bs)", "u", end);
  ferry_worker_main (&argc, &argv);
  task_test_init (&argc, &argv);
  prctl (PR_SET_CHILD_SUBREAPER, g_getenv (VARIABLE) == NULL);
  g_test_add_func ("/zombies/stays-none-of-crashes", stays_none_of_crashes);
  g_test_add_func ("/zombies/stays-none-of-what-functions-start", stays_none_of_what_functions_start);
  g_test_add_func ("/zombies/stays-none-of-fork-servers-that-were-killed", stays_none_of_fork_servers_that_were_killed);
  g_test_add_func ("/zombies/stays-none-of-sandboxes", stays_none_of_sandboxes);
  g_test_add_func ("/zombies/stays-none-of-routers", stays_none_of_routers);
  g_test_add_func ("/zombies/stays-none-of-persistent-workers", stays_none_of_persistent_workers);
  g_test_add_func ("/zombies/stays-none-as-process-1", stays_none_as_process_1);
  return g_test_run ();
}
