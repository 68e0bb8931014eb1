/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: job/ferry-worker-main.c, process/ferry-launcher.c
 *
 * Programs that are no workers: whatever starts them, the message names the program, the reason and what to do. */

#include "config.h"

#include <errno.h>
#include <ferry-classic.h>
#include <glib/gstdio.h>
#include <string.h>

#include "link/ferry-link-private.h"
#include "process/ferry-worker-private.h"
#include "task/task-test.h"

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

/* Long enough for none that never attaches, and for all that end by themselves. */
#define ATTACH_TIMEOUT (10 * 1000)

typedef struct
{
  const char *name;    /* of the file */
  const char *content; /* (nullable): the file is missing */
  guint mode;
  gboolean attaches_never;
  const char *words[3]; /* (nullable): what the message has beside the program's path */
} Program;

static const Program programs[] = {
  {"missing", NULL, 0, FALSE, {"No such file or directory", "check the path"}},
  {"not-executable", "#!/bin/sh\n", 0600, FALSE, {"Permission denied", "chmod +x"}},
  {"without-interpreter", "#! /no/such/shell -e\n", 0700, FALSE, {"No such file or directory", "'/no/such/shell'"}},
  {"without-first-line", "echo\n", 0700, FALSE, {"Exec format error", "'#!'"}},
  {"ends-well", "#!/bin/sh\n", 0700, FALSE, {"exited with status 0", "before it attached"}},
  {"ends-with-69", "#!/bin/sh\nexit 69\n", 0700, FALSE, {"exited with status 69", "before it attached"}},
  {"goes-on", "#!/bin/sh\nexec tail -f /dev/null\n", 0700, TRUE, {"did not attach in time"}},
};

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryLauncher *launcher; /* (owned) */
  const Program *program;
  char *folder; /* (owned) */
  char *path;   /* (owned) */
} Test;

static void
test_init (Test *self, const Program *program)
{
  g_autoptr (GError) error = NULL;

  self->program = program;
  self->folder = g_dir_make_tmp ("ferry-test-programs-XXXXXX", &error);
  g_assert_no_error (error);
  self->path = g_build_filename (self->folder, program->name, NULL);
  if (program->content != NULL)
    {
      g_assert_true (g_file_set_contents (self->path, program->content, -1, NULL));
      g_assert_cmpint (g_chmod (self->path, (int) program->mode), ==, 0);
    }
  self->router = ferry_test_router_new ();
  self->launcher = ferry_launcher_new ((const char *const[]){self->path, NULL});
  if (program->attaches_never)
    g_object_set (self->launcher, "attach-timeout", (gint64) ATTACH_TIMEOUT, NULL);
}

static void
test_clear (Test *self)
{
  g_object_unref (self->launcher);
  task_test_settle ();
  ferry_test_router_stop (self->router);
  g_unlink (self->path);
  g_rmdir (self->folder);
  g_free (self->path);
  g_free (self->folder);
}

/* entry: what a program has to call that can be executed. */
static void
check (Test *test, const char *message, const char *entry)
{
  const Program *program = test->program;

  ferry_test_assert_says (message, test->path);
  for (guint i = 0; program->words[i] != NULL; i++)
    ferry_test_assert_says (message, program->words[i]);
  if (strstr (message, "attach") != NULL)
    ferry_test_assert_says (message, entry);
}

static void
run_in_pool (Test *test, gboolean use_fork_server)
{
  g_autoptr (FerryPool) pool = ferry_pool_new (test->router, test->launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = NULL;

  g_object_set (pool, "use-fork-server", use_fork_server, "restart-limit", 1, "restart-interval",
                (gint64) (600 * G_USEC_PER_SEC), NULL);
  task = task_test_submit (executor, "nothing", NULL);
  task_test_wait_done (task);
  g_assert_nonnull (ferry_pool_get_error (pool));
  check (test, ferry_task_get_error (task)->message, "ferry_worker_main()");
  task_test_wait_workers (pool, 0);
}

static void
run_pool (Test *test)
{
  run_in_pool (test, FALSE);
}

static void
run_pool_with_fork_server (Test *test)
{
  run_in_pool (test, TRUE);
}

/* More often than a fork server is started in vain, so that what is executed at last is told as well. */
static void
run_channel (Test *test)
{
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) value = NULL;
      g_autoptr (FerryChannel) channel = ferry_channel_start (test->launcher, test->router, "echo", NULL, &error);

      g_assert_no_error (error);
      g_assert_false (ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error));
      check (test, error->message, "ferry_worker_main()");
      g_clear_error (&error);
      g_clear_pointer (&value, g_variant_unref);
    }
}

static void
take_error (FerryExchange *exchange, FerryChannel *channel, GVariant *value, GError *failure, GError *error,
            gpointer data)
{
  Test *test = data;

  g_assert_null (value);
  check (test, error->message, "ferry_worker_main()");
}

static void
run_exchange (Test *test)
{
  g_autoptr (FerryExchange) exchange = ferry_exchange_new (test->router, test->launcher);
  g_autoptr (GError) error = NULL;

  g_object_set (exchange, "limit", 1, NULL);
  g_signal_connect (exchange, "data", G_CALLBACK (take_error), test);
  g_object_set (exchange, "flowing", TRUE, NULL);
  for (guint i = 0; i < 2; i++)
    g_assert_true (ferry_exchange_start (exchange, "echo", NULL, &error));
  g_assert_true (ferry_exchange_finish (exchange, PATIENCE, &error));
}

static void
wait_ended (FerryWorker *worker)
{
  ferry_test_wait_ended (worker);
  task_test_settle ();
}

static void
run_sender (Test *test)
{
  FerryTestPipe *pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryWorker) worker = NULL;

  g_assert_true (ferry_launcher_add_sender (test->launcher, "out", pipe->sender, NULL));
  worker = ferry_launcher_spawn (test->launcher, test->router, NULL);
  wait_ended (worker);
  ferry_test_pipe_wait_closed (pipe);
  check (test, ferry_exit_get_message (pipe->exit), "ferry_worker_get_sender()");
  check (test, ferry_exit_get_message (ferry_test_get_object (worker, "exit")), "ferry_worker_get_sender()");
  ferry_test_pipe_free (pipe);
}

static void
run_transport (Test *test)
{
  g_autoptr (FerryTransport) transport = ferry_launcher_add_transport (test->launcher, test->router, "questions", NULL);
  g_autoptr (FerryWorker) worker = ferry_launcher_spawn (test->launcher, test->router, NULL);
  g_autoptr (GError) reason = NULL;

  wait_ended (worker);
  g_object_get (transport, "reason", &reason, NULL);
  g_assert_error (reason, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  check (test, reason->message, "ferry_worker_get_transport()");
}

static void
run_in_sandbox (Test *test)
{
  g_autoptr (FerrySandbox) sandbox = ferry_sandbox_new ();

  g_object_set (sandbox, "policy", FERRY_SANDBOX_POLICY_PREFERRED, NULL);
  ferry_test_grant (sandbox, "read-only-paths", test->folder);
  g_object_set (test->launcher, "sandbox", sandbox, NULL);
  run_transport (test);
}

typedef struct
{
  const char *name;
  void (*run) (Test *test);
} Way;

static const Way ways[] = {
  {"pool", run_pool},          {"pool-with-fork-server", run_pool_with_fork_server},
  {"channel", run_channel},    {"exchange", run_exchange},
  {"sender", run_sender},      {"transport", run_transport},
  {"sandbox", run_in_sandbox},
};

static void
tells_what_to_do (gconstpointer data)
{
  guint number = GPOINTER_TO_UINT (data);
  Test test;

  test_init (&test, &programs[number % G_N_ELEMENTS (programs)]);
  ways[number / G_N_ELEMENTS (programs)].run (&test);
  test_clear (&test);
}

/* As a worker this program, under whatever name, ends at once. */
static void
names_program_behind_a_link (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *name = g_path_get_basename (program);
  g_autofree char *worker_name = NULL;
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){"/proc/self/exe", "end", NULL});
  g_autoptr (FerryWorker) worker = NULL;
  FerryTestPipe *pipe = ferry_test_pipe_new (router);

  g_assert_true (ferry_launcher_add_sender (launcher, "out", pipe->sender, NULL));
  worker = ferry_launcher_spawn (launcher, router, NULL);
  g_object_get (worker, "name", &worker_name, NULL);
  g_assert_cmpstr (worker_name, ==, name);
  g_assert_cmpstr (ferry_worker_get_link (worker)->program, ==, program);
  wait_ended (worker);
  ferry_test_assert_says (ferry_exit_get_message (ferry_test_get_object (worker, "exit")), program);
  ferry_test_pipe_free (pipe);
  ferry_test_router_stop (g_steal_pointer (&router));
}

/* ---- what is waited for ---- */

static guint n_waits;

typedef struct
{
  FerryTask *task;
  const char *words;
} Said;

static gboolean
says_words (gpointer data)
{
  const Said *said = data;
  const char *text = ferry_task_get_text (said->task);

  return text != NULL && g_str_has_prefix (text, "Waiting for worker ") && strstr (text, said->words) != NULL &&
         g_str_has_suffix (text, " is starting");
}

/* A program that goes on without attaching, in each task's text. */
static void
says_what_is_waited_for (gconstpointer data)
{
  gboolean use_fork_server = GPOINTER_TO_INT (data);
  Test test;

  test_init (&test, &programs[G_N_ELEMENTS (programs) - 1]);
  {
    g_autoptr (FerryPool) pool = ferry_pool_new (test.router, test.launcher);
    g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
    g_autoptr (FerryTask) task = NULL;

    g_object_set (test.launcher, "attach-timeout", G_MAXINT64, NULL);
    g_object_set (pool, "use-fork-server", use_fork_server, NULL);
    task = task_test_submit (executor, "nothing", NULL);
    ferry_test_run_until (says_words,
                          &(Said){task, use_fork_server ? ": the fork server of the program '" : ": the program '"});
    ferry_task_cancel (task);
    task_test_wait_done (task);
  }
  test_clear (&test);
}

static gboolean
has_attached (gpointer path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* A main loop that was busy has not heard yet that the worker has attached. */
static void
does_not_wait_for_what_a_busy_main_loop_has_not_heard_of (gconstpointer data)
{
  g_autofree char *path = ferry_test_build_path ("serving-worker");
  g_autofree char *folder = g_dir_make_tmp ("ferry-programs-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (folder, "initialised", NULL);
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){path, NULL});
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);
  g_autoptr (FerryTask) task = NULL;
  gint64 began;

  g_object_set (pool, "use-fork-server", GPOINTER_TO_INT (data), NULL);
  g_object_set (pool, "max-workers", 1, NULL);
  ferry_launcher_setenv (launcher, "FERRY_TEST_INITIALISER", file);
  n_waits = 0;
  task = task_test_submit (executor, "nothing", NULL);
  began = g_get_monotonic_time ();
  /* The main loop is busy for longer than it takes until it is said what is waited for. */
  while (!has_attached (file) || g_get_monotonic_time () - began < 7 * G_USEC_PER_SEC / 2)
    ferry_test_let_others ();
  task_test_assert_result (task, NULL);
  g_assert_cmpuint (n_waits, ==, 0);
  g_clear_object (&executor);
  g_clear_object (&pool);
  task_test_settle ();
  ferry_test_router_stop (g_steal_pointer (&router));
  g_unlink (file);
  g_rmdir (folder);
}

/* The default, and the variable for those that need another. */
static void
has_ten_seconds_by_default (void)
{
  g_autofree char *before = g_strdup (g_getenv ("FERRY_ATTACH_TIMEOUT"));
  static const char *const values[] = {NULL, "25", "0", "ten"};
  static const gint64 seconds[] = {10, 25, 0, 10};

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      Test test;
      FerryTestPipe *pipe;
      g_autoptr (FerryWorker) worker = NULL;

      if (values[i] != NULL)
        g_setenv ("FERRY_ATTACH_TIMEOUT", values[i], TRUE);
      else
        g_unsetenv ("FERRY_ATTACH_TIMEOUT");
      test_init (&test, &programs[4]);
      pipe = ferry_test_pipe_new (test.router);
      g_assert_true (ferry_launcher_add_sender (test.launcher, "out", pipe->sender, NULL));
      worker = ferry_launcher_spawn (test.launcher, test.router, NULL);
      g_assert_cmpint (ferry_worker_get_link (worker)->attach_timeout, ==, seconds[i] * G_USEC_PER_SEC);
      ferry_test_wait_ended (worker);
      ferry_test_pipe_free (pipe);
      test_clear (&test);
    }
  if (before != NULL)
    g_setenv ("FERRY_ATTACH_TIMEOUT", before, TRUE);
  else
    g_unsetenv ("FERRY_ATTACH_TIMEOUT");
}

/* ---- a worker that is no fork server ---- */

static guint n_messages;

static GLogWriterOutput
count_messages (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      n_waits += strcmp (fields[i].key, "MESSAGE") == 0 && g_str_has_prefix (fields[i].value, "Waiting for ");
      n_messages += strcmp (fields[i].key, "MESSAGE") == 0 &&
                    strstr (fields[i].value, "cannot be a fork server") != NULL &&
                    strstr (fields[i].value, "'use-fork-server'") != NULL;
    }
  return g_log_writer_default (level, fields, n_fields, data);
}

/* Its initialiser leaves a thread behind, so that it cannot be forked. */
static void
is_executed_where_it_cannot_be_forked (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autofree char *path = ferry_test_build_path ("serving-worker");
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const[]){path, NULL});
  g_autoptr (FerryPool) pool = ferry_pool_new (router, launcher);
  g_autoptr (FerryExecutor) executor = ferry_executor_new (pool);

  ferry_launcher_setenv (launcher, "FERRY_TEST_INITIALISER", "thread");
  ferry_pool_set_max_workers (pool, 2);
  g_object_set (pool, "max-tasks", 1, NULL);
  n_messages = 0;
  for (guint i = 0; i < 6; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (executor, "nothing", NULL);

      task_test_assert_result (task, NULL);
      g_assert_no_error (ferry_pool_get_error (pool));
    }
  g_assert_cmpuint (n_messages, ==, 1);
  /* A reset tries a fork server again. */
  ferry_pool_reset (pool);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (executor, "nothing", NULL);

      task_test_assert_result (task, NULL);
    }
  g_assert_cmpuint (n_messages, ==, 2);
  g_clear_object (&executor);
  g_clear_object (&pool);
  task_test_settle ();
  ferry_test_router_stop (g_steal_pointer (&router));
}

int
main (int argc, char **argv)
{
  if (argc > 1 && strcmp (argv[1], "end") == 0)
    return 0;
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_log_set_writer_func (count_messages, NULL, NULL);
  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    for (guint program = 0; program < G_N_ELEMENTS (programs); program++)
      {
        g_autofree char *path = g_strdup_printf ("/programs/%s/%s", ways[way].name, programs[program].name);

        /* What starts a worker in namespaces has a shell run a file without a first line. */
        if (ways[way].run == run_in_sandbox && strcmp (programs[program].name, "without-first-line") == 0)
          continue;
        g_test_add_data_func (path, GUINT_TO_POINTER (way * G_N_ELEMENTS (programs) + program), tells_what_to_do);
      }
  g_test_add_func ("/programs/the-application-itself-is-named-by-its-file", names_program_behind_a_link);
  g_test_add_data_func ("/programs/says-what-is-waited-for", GINT_TO_POINTER (FALSE), says_what_is_waited_for);
  g_test_add_data_func ("/programs/says-that-a-fork-server-is-waited-for", GINT_TO_POINTER (TRUE),
                        says_what_is_waited_for);
  g_test_add_data_func ("/programs/does-not-wait-for-a-worker-that-a-busy-main-loop-has-not-heard-of",
                        GINT_TO_POINTER (FALSE), does_not_wait_for_what_a_busy_main_loop_has_not_heard_of);
  g_test_add_data_func ("/programs/does-not-wait-for-a-fork-server-that-a-busy-main-loop-has-not-heard-of",
                        GINT_TO_POINTER (TRUE), does_not_wait_for_what_a_busy_main_loop_has_not_heard_of);
  g_test_add_func ("/programs/has-ten-seconds-by-default", has_ten_seconds_by_default);
  g_test_add_func ("/programs/is-executed-where-it-cannot-be-forked", is_executed_where_it_cannot_be_forked);
  return g_test_run ();
}
