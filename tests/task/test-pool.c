/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool.c, pool/ferry-run.c, pool/ferry-runner.c
 *
 * A pool's workers as they come, stay and go by plan: how many there are, when they are replaced, what they run before
 * and after. Workers that end by accident are in test-pool-deaths.c, and which of them has which
 * task in test-pool-balance.c. */

#include "config.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "task/task-test.h"

#include <glib/gstdio.h>

#define IN_THREADS GINT_TO_POINTER (TRUE)
#define IN_PROCESSES GINT_TO_POINTER (FALSE)

/* The lines of a worker that come on this process' own standard output. */
typedef struct
{
  int reader;
  GString *text;
} Shown;

static gboolean
has_line (gpointer data)
{
  Shown *self = data;
  char buffer[256];
  gssize n;

  while ((n = read (self->reader, buffer, sizeof buffer)) > 0)
    g_string_append_len (self->text, buffer, n);
  return self->text->len > 0 && self->text->str[self->text->len - 1] == '\n';
}

/* By default, a line that a function prints is shown where the application's own are, behind its worker's name. */
static void
shows_what_a_function_prints (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *expected = NULL;
  ferry_test_autofd report = dup (STDOUT_FILENO);
  Shown shown = {.text = g_string_new (NULL)};
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  shown.reader = fds[0];
  g_assert_cmpint (dup2 (fds[1], STDOUT_FILENO), >=, 0);
  task = task_test_submit (test->executor, "print", g_variant_new ("(ss)", "\nhello\n", ""));
  task_test_wait_done (task);
  ferry_test_look_until (has_line, &shown);
  g_assert_cmpint (dup2 (report, STDOUT_FILENO), >=, 0);
  expected = g_strdup_printf ("%s 1[%d]: hello\n", ferry_test_get_string (test->pool, "name"),
                              (int) ferry_test_get_process (task));
  g_assert_cmpstr (shown.text->str, ==, expected);
  g_string_free (shown.text, TRUE);
  close (fds[0]);
  close (fds[1]);
}

/* Standard output is the test's report, so another one takes its place while the worker is started. */
static void
leaves_streams_that_are_inherited (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = task_test_launcher_new ();
  g_autoptr (FerryPool) pool = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (FerryTask) task = NULL;
  char line[] = "to standard output\n";
  char written[sizeof line] = "";
  ferry_test_autofd report = dup (STDOUT_FILENO);
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_INHERIT, NULL);
  pool = ferry_pool_new (router, launcher);
  ferry_pool_set_max_workers (pool, 1);
  executor = ferry_executor_new (pool);
  g_assert_cmpint (dup2 (fds[1], STDOUT_FILENO), >=, 0);
  task = task_test_submit (executor, "print", g_variant_new ("(ss)", "to standard output", ""));
  task_test_wait_done (task);
  g_assert_cmpint (dup2 (report, STDOUT_FILENO), >=, 0);
  g_assert_cmpint (read (fds[0], written, strlen (line)), ==, strlen (line));
  g_assert_cmpstr (written, ==, line);
  close (fds[0]);
  close (fds[1]);
  g_clear_object (&executor);
  g_clear_object (&pool);
  task_test_settle ();
  ferry_test_router_stop (g_steal_pointer (&router));
}

static FerryTask *
submit_sleeper (TaskTest *test)
{
  return task_test_submit (test->executor, "sleep-until-cancelled", NULL);
}

static gboolean
has_two_executing (gpointer data)
{
  return ferry_test_get_number (data, "n-executing") == 2;
}

static void
has_no_more_than_its_maximum (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 2);

  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 0);
  for (guint i = 0; i < 5; i++)
    g_object_unref (submit_sleeper (test));
  ferry_test_run_until (has_two_executing, test->executor);
  task_test_settle ();
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 2);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-busy"), ==, 2);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-executing"), ==, 2);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-waiting"), ==, 3);
}

static void
starts_its_minimum (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 4);
  g_autoptr (GError) error = NULL;

  g_object_set (test->pool, "min-workers", 3, NULL);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 0);
  ferry_pool_start (test->pool, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 3);
  g_object_set (test->pool, "min-workers", 4, NULL);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 4);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-busy"), ==, 0);
}

/* Down to the minimum, and each by plan. */
static void
lets_idle_workers_go (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 3);
  FerryTask *tasks[3];

  g_object_set (test->pool, "min-workers", 1, "idle-timeout", (gint64) 20000, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    tasks[i] = submit_sleeper (test);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    task_test_wait_state (tasks[i], FERRY_TASK_STATE_EXECUTING);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 3);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      ferry_task_cancel (tasks[i]);
      task_test_assert_cancelled (tasks[i]);
      g_object_unref (tasks[i]);
    }
  task_test_wait_workers (test->pool, 1);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), ==, 0);
  g_assert_null (ferry_pool_get_error (test->pool));
}

/* A worker that was idle, and is busy when its time is over, stays. */
static void
keeps_busy_worker (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) first = NULL;
  g_autoptr (FerryTask) second = NULL;

  g_object_set (test->pool, "idle-timeout", (gint64) 1, NULL);
  first = task_test_submit (test->executor, "nothing", NULL);
  task_test_wait_done (first);
  second = submit_sleeper (test);
  task_test_wait_state (second, FERRY_TASK_STATE_EXECUTING);
  task_test_settle ();
  ferry_task_cancel (second);
  task_test_assert_cancelled (second);
  task_test_wait_workers (test->pool, 0);
}

/* A worker that is idle because its task was taken back goes as any other. */
static void
lets_worker_go_whose_task_was_cancelled (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (test->pool, "idle-timeout", (gint64) 1000, NULL);
  task = submit_sleeper (test);
  ferry_task_cancel (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-busy"), ==, 0);
  task_test_wait_workers (test->pool, 0);
}

static void
is_found_in_list (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  GListModel *workers = ferry_pool_get_workers (test->pool);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) name = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  g_object_set (test->pool, "name", "resize", NULL);
  task = submit_sleeper (test);
  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  g_assert_cmpuint (g_list_model_get_n_items (workers), ==, 1);
  worker = g_list_model_get_item (workers, 0);
  g_assert_cmpint (ferry_test_get_process (worker), ==, ferry_test_get_process (task));
  g_assert_cmpstr (ferry_test_get_string (worker, "name"), ==, "resize 1");
  ferry_task_cancel (task);
  name = task_test_submit (test->executor, "process-name", NULL);
  task_test_assert_result (name, "'resize 1'");
}

static void
names_the_task_of_a_process (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = submit_sleeper (test);
  g_autoptr (FerryWorker) worker = NULL;
  g_autofree char *busy = NULL;
  g_autofree char *idle = NULL;

  g_object_set (task, "name", "Counting sheep", NULL);
  task_test_wait_begun (task);
  worker = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);
  g_object_get (worker, "task-name", &busy, NULL);
  g_assert_cmpstr (busy, ==, "Counting sheep");
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  g_object_get (worker, "task-name", &idle, NULL);
  g_assert_null (idle);
}

/* Which worker runs a task is seen by how many it has run. */
static void
replaces_worker_after_its_tasks (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  g_object_set (test->pool, "max-tasks", 7, NULL);
  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (tasks, task_test_submit (test->executor, "serial", NULL));
  for (guint i = 0; i < tasks->len; i++)
    {
      g_autofree char *expected = g_strdup_printf ("%u", i % 7 + 1);

      task_test_assert_result (g_ptr_array_index (tasks, i), expected);
      /* What was sent ahead to a worker that is replaced was not begun there. */
      g_assert_cmpuint (ferry_test_get_number (g_ptr_array_index (tasks, i), "n-attempts"), ==, 1);
    }
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), ==, 0);
  g_assert_null (ferry_pool_get_error (test->pool));
}

static void
replaces_thread_after_its_tasks (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);

  g_object_set (test->pool, "max-tasks", 3, NULL);
  for (guint i = 0; i < 100; i++)
    g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  ferry_test_run_until (task_test_is_idle, test->executor);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, 100);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), ==, 0);
}

static void
replaces_large_worker (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) first = NULL;
  g_autoptr (FerryTask) large = NULL;
  g_autoptr (FerryTask) second = NULL;

  g_object_set (test->pool, "max-memory", (guint64) (256 << 20), NULL);
  large = task_test_submit (test->executor, "allocate", g_variant_new_uint64 (300 << 20));
  second = task_test_submit (test->executor, "serial", NULL);
  first = task_test_submit (test->executor, "serial", NULL);
  task_test_assert_result (large, NULL);
  task_test_assert_result (second, "1");
  task_test_assert_result (first, "2");
  g_assert_true (ferry_test_get_process (second) != ferry_test_get_process (large));
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), ==, 0);
}

static GVariant *
make_line (const char *path, const char *line)
{
  return g_variant_new ("(ss)", path, line);
}

static char *
make_path (void)
{
  g_autofree char *name = g_strdup_printf ("ferry-test-pool-%d", (int) getpid ());

  return g_build_filename (g_get_tmp_dir (), name, NULL);
}

typedef struct
{
  gboolean returned;
  GError *error;
} Stop;

static void
stopped (GObject *object, GAsyncResult *result, gpointer data)
{
  Stop *stop = data;

  stop->returned = TRUE;
  ferry_pool_stop_finish (FERRY_POOL (object), result, &stop->error);
}

/* Each worker: before its first task, and after its last one. */
static void
prepares_and_clears_up (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autofree char *path = make_path ();
  g_autofree char *text = NULL;
  Stop stop = {0};

  g_object_set (test->pool, "initialiser", "append-line", "initialiser-arguments", make_line (path, "first"), NULL);
  g_object_set (test->pool, "finaliser", "append-line", "finaliser-arguments", make_line (path, "last"), "max-tasks", 2,
                NULL);
  for (guint i = 0; i < 3; i++)
    g_object_unref (task_test_submit (test->executor, "append-line", make_line (path, "task")));
  ferry_test_run_until (task_test_is_idle, test->executor);
  ferry_pool_stop_async (test->pool, -1, NULL, stopped, &stop);
  ferry_test_wait_flag (&stop.returned);
  g_assert_no_error (stop.error);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  /* The second worker may come before the first one has cleared up. */
  if (!g_str_equal (text, "first\ntask\ntask\nlast\nfirst\ntask\nlast\n") &&
      !g_str_equal (text, "first\ntask\ntask\nfirst\nlast\ntask\nlast\n"))
    g_assert_cmpstr (text, ==, "first\ntask\ntask\nfirst\ntask\nlast\nlast\n");
  g_unlink (path);
}

static void
fails_once_with_its_initialiser (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 3);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (test->pool, "initialiser", "fail", "initialiser-arguments",
                g_variant_new ("(sis)", "g-file-error-quark", 4, "No model"), NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  for (guint i = 0; i < 10; i++)
    g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  task_test_assert_failed (task, G_FILE_ERROR, 4);
  g_assert_nonnull (strstr (ferry_task_get_error (task)->message, "No model"));
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-failed"), ==, 11);
  g_assert_error (ferry_pool_get_error (test->pool), G_FILE_ERROR, 4);
  task_test_wait_workers (test->pool, 0);
  g_clear_object (&task);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_failed (task, G_FILE_ERROR, 4);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 0);
  g_clear_object (&task);
  g_object_set (test->pool, "initialiser", NULL, "initialiser-arguments", NULL, NULL);
  ferry_pool_reset (test->pool);
  g_assert_null (ferry_pool_get_error (test->pool));
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_result (task, NULL);
}

/* What runs is finished, what waits is refused; afterwards the pool serves again. */
static void
stops_when_workers_have_finished (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 1);
  g_autoptr (FerryTask) running = submit_sleeper (test);
  g_autoptr (FerryTask) waiting = NULL;
  g_autoptr (FerryTask) again = NULL;
  Stop stop = {0};
  Stop second = {0};

  task_test_wait_begun (running);
  waiting = task_test_submit (test->executor, "nothing", NULL);
  ferry_pool_stop_async (test->pool, -1, NULL, stopped, &stop);
  ferry_pool_stop_async (test->pool, -1, NULL, stopped, &second);
  task_test_assert_failed (waiting, FERRY_ERROR, FERRY_ERROR_REFUSED);
  again = task_test_submit (test->executor, "nothing", NULL);
  ferry_test_wait_flag (&second.returned);
  g_assert_error (second.error, FERRY_ERROR, FERRY_ERROR_BUSY);
  g_assert_false (stop.returned);
  ferry_task_cancel (running);
  ferry_test_wait_flag (&stop.returned);
  g_assert_no_error (stop.error);
  task_test_assert_result (again, NULL);
  g_clear_error (&second.error);
}

static gboolean
has_ended (gpointer pidfd)
{
  struct pollfd ends = {.fd = *(int *) pidfd, .events = POLLIN};

  return poll (&ends, 1, 0) == 1;
}

/* The pool still exists then, and starts another one for the next task. */
static void
ends_its_fork_server_when_it_stops (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) running = submit_sleeper (test);
  g_autoptr (FerryTask) again = NULL;
  ferry_test_autofd pidfd = -1;
  Stop stop = {0};
  GPid parent;

  task_test_wait_begun (running);
  parent = task_test_get_parent (ferry_test_get_process (running));
  g_assert_cmpint (parent, !=, getpid ());
  pidfd = (int) syscall (SYS_pidfd_open, parent, 0);
  g_assert_cmpint (pidfd, >=, 0);
  ferry_task_cancel (running);
  ferry_pool_stop_async (test->pool, -1, NULL, stopped, &stop);
  ferry_test_wait_flag (&stop.returned);
  g_assert_no_error (stop.error);
  ferry_test_look_until (has_ended, &pidfd);
  again = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_result (again, NULL);
}

/* Whether there is a process of the workers' program that is this one's own child; data: gets its number. */
static gboolean
has_fork_server (gpointer data)
{
  g_autoptr (GDir) processes = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (processes)) != NULL)
    {
      g_autofree char *stat_path = g_build_filename ("/proc", name, "stat", NULL);
      g_autofree char *program_path = g_build_filename ("/proc", name, "exe", NULL);
      g_autofree char *program = g_file_read_link (program_path, NULL);
      g_autofree char *text = NULL;
      int parent = 0;

      if (program != NULL && g_str_has_suffix (program, "/serving-worker") &&
          g_file_get_contents (stat_path, &text, NULL, NULL) &&
          sscanf (strrchr (text, ')') + 2, "%*c %d", &parent) == 1 && parent == getpid ())
        {
          *(GPid *) data = atoi (name);
          return TRUE;
        }
    }
  return FALSE;
}

/* The first worker then starts at once. It has the settings of that time. */
static void
begins_its_fork_server_ahead (gconstpointer changes_setting)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) running = NULL;
  ferry_test_autofd pidfd = -1;
  GPid ahead = 0;
  GPid parent;

  g_assert_true (ferry_pool_start (test->pool, NULL));
  ferry_test_look_until (has_fork_server, &ahead);
  pidfd = (int) syscall (SYS_pidfd_open, ahead, 0);
  g_assert_cmpint (pidfd, >=, 0);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 0);
  g_object_get (test->pool, "launcher", &launcher, NULL);
  if (GPOINTER_TO_INT (changes_setting))
    ferry_launcher_setenv (launcher, "FERRY_TEST_NOTE", "changed");
  task = task_test_submit (test->executor, "environment", g_variant_new_string ("FERRY_TEST_NOTE"));
  task_test_assert_result (task, GPOINTER_TO_INT (changes_setting) ? "'changed'" : "''");
  running = submit_sleeper (test);
  task_test_wait_begun (running);
  parent = task_test_get_parent (ferry_test_get_process (running));
  g_assert_cmpint (parent, !=, getpid ());
  if (GPOINTER_TO_INT (changes_setting))
    ferry_test_look_until (has_ended, &pidfd);
  else
    g_assert_cmpint (parent, ==, ahead);
  /* From the first worker on, all are copies of the same. */
  ferry_launcher_setenv (launcher, "FERRY_TEST_NOTE", "again");
  ferry_task_cancel (running);
  task_test_wait_done (running);
  g_assert_cmpint (kill (parent, 0), ==, 0);
}

static void
stops_by_force (gconstpointer data)
{
  gboolean in_threads = GPOINTER_TO_INT (data);
  g_autoptr (TaskTest) test = task_test_new (in_threads, 2);
  g_autoptr (FerryTask) running = ferry_task_new (FERRY_TASK_KIND_CALL, in_threads ? "hang" : "stubborn", NULL);
  Stop stop = {0};

  /* Nor is it begun again. */
  g_object_set (running, "retries", 5, NULL);
  task_test_submit_task (test->executor, running);
  task_test_wait_begun (running);
  ferry_pool_stop_async (test->pool, 10000, NULL, stopped, &stop);
  ferry_test_wait_flag (&stop.returned);
  g_assert_no_error (stop.error);
  task_test_assert_failed (running, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 0);
}

static void
submit_again (FerryTask *task, gpointer data)
{
  g_autoptr (FerryTask) again = ferry_executor_retry (data, task, NULL);

  g_assert_nonnull (again);
}

/* A handler that submits what was refused waits for the pool to serve again. */
static void
stops_though_tasks_come (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) running = submit_sleeper (test);
  Stop stop = {0};

  task_test_wait_begun (running);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);

      g_signal_connect (task, "done", G_CALLBACK (submit_again), test->executor);
      task_test_submit_task (test->executor, task);
    }
  ferry_pool_stop_async (test->pool, -1, NULL, stopped, &stop);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-failed"), ==, 5);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-waiting"), ==, 5);
  ferry_task_cancel (running);
  ferry_test_wait_flag (&stop.returned);
  ferry_test_run_until (task_test_is_idle, test->executor);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, 5);
}

static void
stop_is_waited_for_no_more (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) running = submit_sleeper (test);
  Stop stop = {0};

  task_test_wait_begun (running);
  ferry_pool_stop_async (test->pool, -1, cancellable, stopped, &stop);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&stop.returned);
  g_assert_error (stop.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&stop.error);
  g_assert_cmpint (ferry_task_get_state (running), ==, FERRY_TASK_STATE_EXECUTING);
  ferry_task_cancel (running);
  task_test_wait_workers (test->pool, 0);
}

static void
is_dropped_with_workers (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 2);
  gpointer pool = test->pool;

  g_object_set (test->pool, "min-workers", 2, NULL);
  g_assert_true (ferry_pool_start (test->pool, NULL));
  g_object_add_weak_pointer (pool, &pool);
  g_object_unref (submit_sleeper (test));
  ferry_executor_shutdown_async (test->executor, 0, NULL, NULL, NULL);
  g_clear_object (&test->executor);
  g_clear_object (&test->pool);
  while (pool != NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
outlives_stops_of_its_router (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr (FerryTask) lost = task_test_submit (test->executor, "spin-until-cancelled", NULL);
      g_autoptr (FerryTask) task = NULL;

      task_test_wait_state (lost, FERRY_TASK_STATE_EXECUTING);
      g_assert_true (ferry_router_stop (test->router, NULL));
      task_test_wait_done (lost);
      g_assert_true (ferry_router_start (test->router, NULL));
      task = task_test_submit (test->executor, "nothing", NULL);
      task_test_wait_done (task);
      g_assert_no_error (ferry_task_get_error (task));
    }
  g_assert_no_error (ferry_pool_get_error (test->pool));
}

static void
takes_the_longest_times_for_ever (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  ferry_task_set_run_timeout (task, G_MAXINT64);
  g_object_set (task, "queue-timeout", (gint64) G_MAXINT64, NULL);
  ferry_task_set_cancel_grace (task, G_MAXINT64);
  task_test_submit_task (test->executor, task);
  result = ferry_task_wait (task, G_MAXINT64, &error);
  g_assert_no_error (error);
  g_assert_null (result);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
}

static gboolean
has_no_workers (gpointer pool)
{
  return ferry_test_get_number (pool, "n-workers") == 0;
}

static gboolean
has_three_workers (gpointer pool)
{
  return ferry_test_get_number (pool, "n-workers") == 3;
}

/* Two that have nothing to do, beside the one that has. */
static void
keeps_some_idle (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 8);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (test->pool, "idle-timeout", (gint64) 1, "min-idle", 2, NULL);
  task = submit_sleeper (test);
  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  ferry_test_look_until (has_three_workers, test->pool);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-busy"), ==, 1);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
}

static void
replaces_worker_by_age (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 1);
  g_autoptr (FerryTask) old = submit_sleeper (test);
  g_autoptr (FerryTask) task = NULL;

  task_test_wait_state (old, FERRY_TASK_STATE_EXECUTING);
  /* It is older already, and goes when it has done what it has begun. */
  g_object_set (test->pool, "max-age", (gint64) 1, NULL);
  g_object_set (test->pool, "max-age", (gint64) (3600 * (gint64) G_USEC_PER_SEC), NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  ferry_task_cancel (old);
  task_test_assert_cancelled (old);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
}

static void
replaces_idle_worker_by_age (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  GPid pids[2];

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);

      task_test_wait_done (task);
      pids[i] = ferry_test_get_process (task);
      g_object_set (test->pool, "max-age", (gint64) 20000, NULL);
      ferry_test_look_until (has_no_workers, test->pool);
      g_object_set (test->pool, "max-age", (gint64) 0, NULL);
    }
  g_assert_cmpint (pids[0], !=, pids[1]);
}

static void
replaces_initialised_worker_by_age (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (test->pool, "idle-timeout", (gint64) 0, "max-age", (gint64) 20000, "initialiser", "nothing",
                "initialiser-arguments", NULL, NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_wait_done (task);
  g_assert_no_error (ferry_task_get_error (task));
  ferry_test_look_until (has_no_workers, test->pool);
}

static void
keeps_deadlines_of_tasks (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  gint64 deadline = g_get_monotonic_time () + 50000;
  FerryTask *tasks[2];

  for (guint i = 0; i < 2; i++)
    {
      tasks[i] = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);
      g_object_set (tasks[i], "deadline", (gint64) deadline, NULL);
      task_test_submit_task (test->executor, tasks[i]);
    }
  for (guint i = 0; i < 2; i++)
    {
      task_test_wait_done (tasks[i]);
      g_assert_cmpint (g_get_monotonic_time (), >=, deadline);
      g_assert_error (ferry_task_get_error (tasks[i]), FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
      g_object_unref (tasks[i]);
    }
}

static void
stopped_cb (GObject *pool, GAsyncResult *result, gpointer data)
{
  g_assert_true (ferry_pool_stop_finish (FERRY_POOL (pool), result, NULL));
  *(gboolean *) data = TRUE;
}

/* A worker is asked of a fork server that stands still, so that it is not known which process to kill. */
static void
stops_in_time_though_the_fork_server_stands_still (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) busy = submit_sleeper (test);
  g_autoptr (FerryTask) task = NULL;
  gboolean stopped = FALSE;
  ferry_test_autofd pidfd = -1;
  GPid fork_server;

  task_test_wait_state (busy, FERRY_TASK_STATE_EXECUTING);
  fork_server = task_test_get_parent (ferry_test_get_process (busy));
  pidfd = (int) syscall (SYS_pidfd_open, fork_server, 0);
  g_assert_cmpint (pidfd, >=, 0);
  ferry_test_kill (fork_server, SIGSTOP);
  task = task_test_submit (test->executor, "nothing", NULL);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 2);
  ferry_pool_stop_async (test->pool, 100000, NULL, stopped_cb, &stopped);
  ferry_test_wait_flag (&stopped);
  /* Nothing has waited for the fork server, which would not have answered. It ends though it stands still. */
  g_assert_true (ferry_task_get_done (busy) && ferry_task_get_done (task));
  ferry_test_look_until (has_ended, &pidfd);
}

static FerryTransport *
add_transport (TaskTest *test)
{
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (GError) error = NULL;
  FerryTransport *transport;

  g_object_get (test->pool, "launcher", &launcher, NULL);
  transport = ferry_launcher_add_transport (launcher, test->router, "questions", &error);
  g_assert_no_error (error);
  return transport;
}

/* Which its workers' names begin with. */
static void
leaves_its_launcher_its_name (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autofree char *name = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  g_object_get (test->pool, "launcher", &launcher, NULL);
  g_object_set (launcher, "name", "mine", NULL);
  g_object_set (test->pool, "use-fork-server", FALSE, NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_result (task, NULL);
  worker = ferry_launcher_spawn (launcher, test->router, NULL);
  g_object_get (worker, "name", &name, NULL);
  g_assert_cmpstr (name, ==, "mine");
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
}

/* A question over the transport would wait without end. */
static void
refuses_transports_of_its_launcher (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTransport) transport = add_transport (test);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;
  const GError *reason;

  g_object_set (test->pool, "use-fork-server", data != NULL, NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  reason = task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  if (strstr (reason->message, "has the transport 'questions', which") == NULL ||
      strstr (reason->message, "ferry_job_send()") == NULL)
    g_error ("%s", reason->message);
  g_assert_false (ferry_pool_start (test->pool, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_false (ferry_test_get_number (transport, "closed"));
}

/* What a launcher is given while its pool runs is for a worker that is spawned: no worker of the pool, and no fork
 * server, takes it. */
static void
leaves_later_transports_alone (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTransport) transport = NULL;

  g_object_set (test->pool, "use-fork-server", data != NULL, NULL);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);
      g_autoptr (FerryTask) last = NULL;

      task_test_assert_result (task, NULL);
      if (transport == NULL)
        transport = add_transport (test);
      last = task_test_submit (test->executor, "exit", g_variant_new_int32 (3));
      task_test_assert_failed (last, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
    }
  g_assert_no_error (ferry_pool_get_error (test->pool));
  g_assert_false (ferry_test_get_number (transport, "closed"));
}

/* In a worker that a fork server forked: before its functions, in order, once. In one that was executed: not at all. */
static void
calls_fork_handlers_in_each_forked_worker (gconstpointer forked)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryLauncher) launcher = NULL;

  g_object_get (test->pool, "launcher", &launcher, NULL);
  ferry_launcher_setenv (launcher, "FERRY_TEST_NOTE", "noted");
  g_object_set (test->pool, "use-fork-server", forked != NULL, "max-tasks", 1, NULL);
  /* The first worker is forked for its request, most others ahead of it. */
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (test->executor, "forks", NULL);
      g_autoptr (GVariant) result = NULL;
      const char *noted, *expected;

      task_test_wait_done (task);
      result = ferry_task_get_result (task, NULL);
      g_assert_nonnull (result);
      g_variant_get (result, "(&s&s)", &noted, &expected);
      g_assert_cmpstr (noted, ==, forked != NULL ? expected : "");
      g_assert_nonnull (strstr (expected, ", served 0, noted\n"));
    }
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_data_func ("/pool/has-no-more-processes-than-its-maximum", IN_PROCESSES, has_no_more_than_its_maximum);
  g_test_add_data_func ("/pool/starts-its-minimum-of-processes", IN_PROCESSES, starts_its_minimum);
  g_test_add_data_func ("/pool/lets-idle-processes-go", IN_PROCESSES, lets_idle_workers_go);
  g_test_add_func ("/pool/shows-what-a-function-prints", shows_what_a_function_prints);
  g_test_add_func ("/pool/lets-a-process-go-whose-task-was-cancelled", lets_worker_go_whose_task_was_cancelled);
  g_test_add_func ("/pool/leaves-streams-that-are-inherited", leaves_streams_that_are_inherited);
  g_test_add_func ("/pool/leaves-its-launcher-its-name", leaves_its_launcher_its_name);
  g_test_add_func ("/pool/shows-its-processes", is_found_in_list);
  g_test_add_func ("/pool/names-the-task-of-a-process", names_the_task_of_a_process);
  g_test_add_func ("/pool/replaces-a-process-after-its-tasks", replaces_worker_after_its_tasks);
  g_test_add_func ("/pool/replaces-a-process-that-grew", replaces_large_worker);
  g_test_add_func ("/pool/prepares-processes-and-clears-up", prepares_and_clears_up);
  g_test_add_data_func ("/pool/calls-fork-handlers-in-each-forked-worker", GINT_TO_POINTER (TRUE),
                        calls_fork_handlers_in_each_forked_worker);
  g_test_add_data_func ("/pool/calls-no-fork-handlers-in-an-executed-worker", GINT_TO_POINTER (FALSE),
                        calls_fork_handlers_in_each_forked_worker);
  g_test_add_func ("/pool/fails-once-with-its-initialiser", fails_once_with_its_initialiser);
  g_test_add_data_func ("/pool/stops-when-processes-have-finished", IN_PROCESSES, stops_when_workers_have_finished);
  g_test_add_func ("/pool/ends-its-fork-server-when-it-stops", ends_its_fork_server_when_it_stops);
  g_test_add_data_func ("/pool/begins-its-fork-server-ahead-when-started", GINT_TO_POINTER (FALSE),
                        begins_its_fork_server_ahead);
  g_test_add_data_func ("/pool/begins-its-fork-server-anew-when-a-setting-changes-before-the-first-worker",
                        GINT_TO_POINTER (TRUE), begins_its_fork_server_ahead);
  g_test_add_data_func ("/pool/stops-processes-by-force", IN_PROCESSES, stops_by_force);
  g_test_add_data_func ("/pool/is-dropped-with-processes", IN_PROCESSES, is_dropped_with_workers);
  g_test_add_data_func ("/pool/has-no-more-threads-than-its-maximum", IN_THREADS, has_no_more_than_its_maximum);
  g_test_add_data_func ("/pool/starts-its-minimum-of-threads", IN_THREADS, starts_its_minimum);
  g_test_add_data_func ("/pool/lets-idle-threads-go", IN_THREADS, lets_idle_workers_go);
  g_test_add_func ("/pool/keeps-a-worker-that-is-busy-again", keeps_busy_worker);
  g_test_add_func ("/pool/replaces-a-thread-after-its-tasks", replaces_thread_after_its_tasks);
  g_test_add_data_func ("/pool/stops-when-threads-have-finished", IN_THREADS, stops_when_workers_have_finished);
  g_test_add_data_func ("/pool/stops-threads-by-force", IN_THREADS, stops_by_force);
  g_test_add_func ("/pool/stops-though-tasks-come", stops_though_tasks_come);
  g_test_add_func ("/pool/stops-also-when-nobody-waits", stop_is_waited_for_no_more);
  g_test_add_data_func ("/pool/is-dropped-with-threads", IN_THREADS, is_dropped_with_workers);
  g_test_add_data_func ("/pool/keeps-some-processes-idle", IN_PROCESSES, keeps_some_idle);
  g_test_add_data_func ("/pool/keeps-some-threads-idle", IN_THREADS, keeps_some_idle);
  g_test_add_data_func ("/pool/replaces-a-process-by-age", IN_PROCESSES, replaces_worker_by_age);
  g_test_add_data_func ("/pool/replaces-a-thread-by-age", IN_THREADS, replaces_worker_by_age);
  g_test_add_func ("/pool/replaces-an-idle-worker-by-age", replaces_idle_worker_by_age);
  g_test_add_func ("/pool/replaces-initialised-workers-by-age", replaces_initialised_worker_by_age);
  g_test_add_func ("/pool/keeps-the-deadlines-of-tasks", keeps_deadlines_of_tasks);
  g_test_add_func ("/pool/outlives-stops-of-its-router", outlives_stops_of_its_router);
  g_test_add_func ("/pool/takes-the-longest-times-for-ever", takes_the_longest_times_for_ever);
  g_test_add_data_func ("/pool/refuses-transports-of-its-launcher", NULL, refuses_transports_of_its_launcher);
  g_test_add_data_func ("/pool/refuses-transports-of-its-launcher-also-with-a-fork-server", "fork-server",
                        refuses_transports_of_its_launcher);
  g_test_add_data_func ("/pool/leaves-later-transports-alone", NULL, leaves_later_transports_alone);
  g_test_add_data_func ("/pool/leaves-later-transports-alone-also-with-a-fork-server", "fork-server",
                        leaves_later_transports_alone);
  g_test_add_func ("/pool/stops-in-time-though-the-fork-server-stands-still",
                   stops_in_time_though_the_fork_server_stands_still);
  return g_test_run ();
}
