/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-drain.c, command-worker/command-session.c, command-worker/command-processes.c,
 *        process/ferry-fork-server-main.c, process/ferry-adopted.c, job/ferry-job.c
 *
 * The end of a command is the end of all that it has started, also of what left its session: after a cancel, when its
 * worker is killed, and when the application is. */

#include "config.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "command/command-test.h"
#include "ferry-test.h"

/* Three processes beside the shell: one with SIGINT ignored, one that has left the session, and a plain one. The time
 * that they sleep tells them from others. */
#define SCRIPT "sleep %s & setsid sleep %s & sleep %s"
#define N_PROCESSES 3

/* ---- processes by their arguments ---- */

/* (transfer full): a number of seconds that no other process of this machine sleeps. */
static char *
make_mark (void)
{
  static guint n;

  return g_strdup_printf ("1000.%d%06u", (int) getpid (), n++);
}

static gboolean
sleeps (const char *pid, const char *mark)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "cmdline", NULL);
  g_autofree char *line = NULL;
  gsize size;

  /* A zombie has no arguments any more. */
  return g_ascii_isdigit (pid[0]) && g_file_get_contents (path, &line, &size, NULL) && size > strlen ("sleep") + 1 &&
         g_str_equal (line, "sleep") && g_str_equal (line + strlen ("sleep") + 1, mark);
}

static guint
count (const char *mark)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *pid;
  guint n = 0;

  while ((pid = g_dir_read_name (folder)) != NULL)
    n += sleeps (pid, mark);
  return n;
}

static gboolean
all_sleep (gpointer mark)
{
  return count (mark) == N_PROCESSES;
}

static gboolean
none_sleeps (gpointer mark)
{
  return count (mark) == 0;
}

static FerryTask *
submit_sleepers (CommandTest *test, const char *mark)
{
  g_autofree char *script = g_strdup_printf (SCRIPT, mark, mark, mark);
  FerryTask *task = command_test_submit_script (test, script, NULL);

  ferry_test_look_until (all_sleep, (gpointer) mark);
  return task;
}

/* Says what the longest time was from the cause of an end until nothing was left. */
static void
say_longest (GArray *times)
{
  gint64 longest = 0;

  for (guint i = 0; i < times->len; i++)
    longest = MAX (longest, g_array_index (times, gint64, i));
  g_test_message ("%u ends, of which the longest took %" G_GINT64_FORMAT " ms", times->len, longest / 1000);
}

static void
note_time (GArray *times, gint64 begun)
{
  gint64 time = g_get_monotonic_time () - begun;

  g_array_append_val (times, time);
}

static void
end_with_a_cancel (void)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (CommandTest) test = command_test_new ();

  for (guint i = 0; i < ferry_test_times (5, 200); i++)
    {
      g_autofree char *mark = make_mark ();
      g_autoptr (FerryTask) task = submit_sleepers (test, mark);

      const gint64 begun = g_get_monotonic_time ();

      ferry_task_cancel (task);
      command_test_wait_cancelled (task);
      /* The worker has told of the end after it ended all. */
      g_assert_cmpuint (count (mark), ==, 0);
      note_time (times, begun);
    }
  say_longest (times);
}

static void
end_with_their_worker (void)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (CommandTest) test = command_test_new ();

  g_object_set (ferry_executor_get_pool (test->executor), "restart-limit", 1000, "restart-interval", (gint64) 1, NULL);
  for (guint i = 0; i < ferry_test_times (5, 200); i++)
    {
      g_autofree char *mark = make_mark ();
      g_autoptr (FerryTask) task = submit_sleepers (test, mark);

      const gint64 begun = g_get_monotonic_time ();

      ferry_worker_send_signal (command_test_wait_worker (test, task), SIGKILL);
      command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      ferry_test_look_until (none_sleeps, mark);
      note_time (times, begun);
    }
  say_longest (times);
}

/* ---- an application that is killed ---- */

#define APPLICATION "application"

static int
be_application (const char *mark)
{
  CommandTest *test = command_test_new ();
  g_autoptr (FerryTask) task = submit_sleepers (test, mark);

  command_test_wait (task);
  return EXIT_FAILURE;
}

/* Starts this program as an application. What one that is killed leaves behind is in the test's folder. */
static GPid
start_application (CommandTest *test, const char *const *argv)
{
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "TMPDIR", test->folder, TRUE);
  g_autoptr (GError) error = NULL;
  GPid pid;

  g_spawn_async (NULL, (char **) argv, environment, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                 &pid, &error);
  g_assert_no_error (error);
  return pid;
}

/* Returns its wait status. */
static int
wait_application (GPid pid)
{
  int status;

  g_assert_cmpint (TEMP_FAILURE_RETRY (waitpid (pid, &status, 0)), ==, pid);
  return status;
}

static void
end_with_the_application (void)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_autoptr (CommandTest) test = command_test_new ();

  for (guint i = 0; i < ferry_test_times (3, 200); i++)
    {
      g_autofree char *mark = make_mark ();
      const char *argv[] = {"/proc/self/exe", APPLICATION, mark, NULL};
      GPid pid = start_application (test, argv);
      gint64 begun;

      ferry_test_look_until (all_sleep, mark);
      begun = g_get_monotonic_time ();
      ferry_test_kill (pid, SIGKILL);
      wait_application (pid);
      ferry_test_look_until (none_sleeps, mark);
      note_time (times, begun);
    }
  say_longest (times);
}

/* ---- an application that is killed in a pause ---- */

#define PAUSER "pauser"

/* It floods, so that the pause finds its worker with a line to send, and notes that it was asked to end. */
#define PRINTER                                                                                                        \
  "import os, signal, sys\n"                                                                                           \
  "def end(*arguments):\n"                                                                                             \
  "    print('asked', file=open(sys.argv[1], 'w'), flush=True)\n"                                                      \
  "    os._exit(0)\n"                                                                                                  \
  "signal.signal(signal.SIGTERM, end)\n"                                                                               \
  "print(os.getpid(), file=open('printer', 'w'), flush=True)\n"                                                        \
  "while True: print('line')"

static gboolean
is_stopped (gpointer pid)
{
  return ferry_test_is_stopped (GPOINTER_TO_INT (pid));
}

static int
be_pauser (const char *note)
{
  CommandTest *test = command_test_new ();
  GVariantDict *options = g_variant_dict_new (NULL);
  FerryTask *task;
  GPid printer;

  g_variant_dict_insert (options, "all-lines", "b", TRUE);
  task = command_test_submit (test, (const char *const[]){"python3", "-c", PRINTER, note, NULL}, options);
  printer = command_test_wait_pid (test, "printer");
  g_assert_true (ferry_task_pause (task));
  ferry_test_look_until (is_stopped, GINT_TO_POINTER (printer));
  raise (SIGKILL);
  return EXIT_FAILURE;
}

/* One that is not asked is killed with its worker, when that has had its time. */
static void
are_asked_to_end_where_they_are_paused (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *note = command_test_path (test, "note");
  const char *argv[] = {"/proc/self/exe", PAUSER, note, NULL};
  int status = wait_application (start_application (test, argv));

  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  command_test_wait_file (test, "note");
}

/* ---- an application that ends as soon as it knows that a worker was killed ----
 *
 * Its fork server has adopted what the worker had started, and has not killed it yet: it is stopped before. */

#define LOSER "loser"

static const char *const losers_ways[] = {"return", "stop", "drop", "drop-and-stop", "kill"};

/* Ends in one of the ways. Writes the number of its fork server to a file before. */
static int
be_loser (const char *way, const char *mark, const char *note)
{
  CommandTest *test = command_test_new ();
  g_autofree char *number = NULL;
  FerryTask *task;
  FerryWorker *worker;
  GPid server;

  g_clear_object (&test->executor);
  test->executor = ferry_executor_new_for_commands (NULL);
  task = submit_sleepers (test, mark);
  worker = command_test_wait_worker (test, task);
  server = ferry_test_read_parent ((GPid) g_ascii_strtoull (ferry_worker_get_identifier (worker), NULL, 10));
  number = g_strdup_printf ("%d\n", (int) server);
  g_assert_true (g_file_set_contents (note, number, -1, NULL));
  ferry_test_kill (server, SIGSTOP);
  ferry_worker_send_signal (worker, SIGKILL);
  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_object_unref (task);
  if (g_str_has_prefix (way, "drop"))
    g_object_unref (g_steal_pointer (&test->executor));
  if (g_str_has_suffix (way, "stop"))
    ferry_router_stop (ferry_router_get_default (), NULL);
  if (g_str_equal (way, "drop"))
    ferry_test_look_until (none_sleeps, (gpointer) mark);
  if (g_str_equal (way, "kill"))
    raise (SIGKILL);
  return EXIT_SUCCESS;
}

static void
end_with_an_application_that_has_lost_their_worker (gconstpointer way)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *note = command_test_path (test, "server");
  g_autofree char *mark = make_mark ();
  const char *argv[] = {"/proc/self/exe", LOSER, way, mark, note, NULL};

  wait_application (start_application (test, argv));
  /* It may have ended: an executor that was dropped has let it go on. */
  ferry_test_kill_if_there (command_test_wait_pid (test, "server"), SIGCONT);
  ferry_test_look_until (none_sleeps, mark);
  command_test_wait_gone (command_test_wait_pid (test, "server"));
}

/* ---- files that a command has not finished when the application ends ---- */

#define WRITER "writer"

/* A command that has written a half file, in place or not, and noted its worker, in a file of that name. */
static FerryTask *
submit_writer (CommandTest *test, const char *folder, const char *note, gboolean replaces)
{
  GVariantDict *options = g_variant_dict_new (NULL);
  const char *name = replaces ? "replaced" : "direct";
  const char *argv[] = {"sh", "-c", "echo half > $1; echo $PPID > $2; sleep 1000", "sh", name, note, NULL};

  g_variant_dict_insert_value (options, "directory", g_variant_new_bytestring (folder));
  g_variant_dict_insert_value (options, "output-files",
                               g_variant_new_bytestring_array ((const char *const[]){name, NULL}, -1));
  g_variant_dict_insert (options, "replace-output-files", "b", replaces);
  return command_test_submit (test, argv, options);
}

static gboolean
is_noted (gpointer path)
{
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) && g_str_has_suffix (text, "\n");
}

static const char *const ways[] = {"return", "exit", "_exit", "stop", "drop", "cancel", "term", "kill"};

/* Ends in one of the ways, while two commands write. */
static int
be_writer (const char *way, const char *folder, const char *notes)
{
  CommandTest *test = command_test_new ();
  FerryTask *tasks[2];

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autofree char *note = g_strdup_printf ("%s/%u", notes, i);

      tasks[i] = submit_writer (test, folder, note, i == 1);
      ferry_test_look_until (is_noted, note);
    }
  if (g_str_equal (way, "exit"))
    exit (EXIT_SUCCESS);
  if (g_str_equal (way, "_exit"))
    _exit (EXIT_SUCCESS);
  if (g_str_equal (way, "stop"))
    ferry_router_stop (ferry_router_get_default (), NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      if (g_str_equal (way, "cancel"))
        ferry_task_cancel (tasks[i]);
      if (g_str_equal (way, "drop"))
        g_object_unref (tasks[i]);
    }
  if (g_str_equal (way, "drop"))
    g_object_unref (g_steal_pointer (&test->executor));
  if (g_str_equal (way, "term"))
    raise (SIGTERM);
  if (g_str_equal (way, "kill"))
    raise (SIGKILL);
  return EXIT_SUCCESS;
}

static gboolean
is_empty (gpointer path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);

  return g_dir_read_name (folder) == NULL;
}

static void
take_their_files_along (gconstpointer way)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *folder = command_test_path (test, "folder");
  g_autofree char *notes = command_test_path (test, "notes");
  /* What the application leaves of its own is in this test's folder. */
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "TMPDIR", test->folder, TRUE);
  const char *argv[] = {"/proc/self/exe", WRITER, way, folder, notes, NULL};
  g_autofree char *path = command_test_path (test, "errors");
  ferry_test_autofd errors = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  g_autofree char *said = NULL;
  g_autoptr (GError) error = NULL;
  GPid pid;
  int status;

  g_assert_no_errno (g_mkdir (folder, 0700));
  g_assert_no_errno (g_mkdir (notes, 0700));
  g_spawn_async_with_fds (NULL, (char **) argv, environment, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                          NULL, NULL, &pid, -1, -1, errors, &error);
  g_assert_no_error (error);
  g_assert_cmpint (TEMP_FAILURE_RETRY (waitpid (pid, &status, 0)), ==, pid);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *note = g_strdup_printf ("notes/%u", i);

      command_test_wait_gone (command_test_wait_pid (test, note));
    }
  /* A worker is gone before its fork server has reaped it, and nothing comes after it. */
  g_assert_true (is_empty (folder));
  g_assert_true (g_file_get_contents (path, &said, NULL, NULL));
  g_assert_null (strstr (said, "cannot be sent"));
}

/* At a logout the system sends SIGTERM to all processes; somebody may kill it with SIGKILL. */
static void
take_their_files_along_with_the_fork_server (gconstpointer number)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *folder = command_test_path (test, "folder");
  g_autofree char *note = command_test_path (test, "note");
  g_autoptr (FerryTask) task = NULL;
  GPid worker;

  g_assert_no_errno (g_mkdir (folder, 0700));
  task = submit_writer (test, folder, note, FALSE);
  worker = command_test_wait_pid (test, "note");
  ferry_test_kill (ferry_test_read_parent (worker), GPOINTER_TO_INT (number));
  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  command_test_wait_gone (worker);
  g_assert_true (is_empty (folder));
}

/* (transfer full): what is said of a command whose worker got SIGKILL, by an executor as applications have it. */
static char *
kill_worker (CommandTest *test, const char *script, const char *property, GVariant *value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariantDict) options = g_variant_dict_new (NULL);
  g_autoptr (FerryTask) task = NULL;

  g_clear_object (&test->executor);
  test->executor = ferry_executor_new_for_commands (&error);
  g_assert_no_error (error);
  if (property != NULL)
    g_variant_dict_insert_value (options, property, value);
  task = command_test_submit_script (test, script, g_steal_pointer (&options));
  ferry_test_kill (command_test_wait_pid (test, "worker"), SIGKILL);
  return g_strdup (command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST)->message);
}

static void
say_for_users_that_their_worker_was_lost (void)
{
  const char *const names[] = {"one.webm", "two.webm", NULL};
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *mark = make_mark ();
  g_autofree char *script = g_strdup_printf ("echo $PPID > %s/worker; sleep %s", test->folder, mark);
  g_autofree char *plain = kill_worker (test, script, NULL, NULL);
  g_autofree char *in_place = NULL;
  g_autofree char *note = command_test_path (test, "worker");

  g_assert_cmpstr (plain, ==,
                   "'sh' was ended together with the process that runs it (signal 9, Killed), and is not done; run it "
                   "again");
  g_assert_no_errno (g_unlink (note));
  in_place = kill_worker (test, script, "output-files", g_variant_new_bytestring_array (names, -1));
  g_assert_true (g_str_has_suffix (in_place, "; run it again. Until then, 'one.webm', 'two.webm' may be incomplete"));
  g_clear_object (&test->executor);
  ferry_test_look_until (none_sleeps, mark);
}

static void
say_for_users_that_no_worker_starts (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *before = g_strdup (g_getenv ("FERRY_COMMAND"));
  g_autofree char *none = g_find_program_in_path ("true");
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  const char *message;

  g_clear_object (&test->executor);
  g_setenv ("FERRY_COMMAND", none, TRUE);
  test->executor = ferry_executor_new_for_commands (&error);
  g_assert_no_error (error);
  task = command_test_submit_script (test, "true", NULL);
  command_test_wait (task);
  message = ferry_test_get_error (task, "error")->message;
  ferry_test_assert_says (message, "No programs can be run, as the process that runs them does not start; install");
  g_assert_null (strstr (message, "ferry_worker_main"));
  if (before != NULL)
    g_setenv ("FERRY_COMMAND", before, TRUE);
  else
    g_unsetenv ("FERRY_COMMAND");
}

/* ---- what goes on after a success ---- */

/* (transfer full) (nullable): what the descriptor of a process is, such as "pipe:[12345]". */
static char *
read_descriptor (const char *pid, int fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/fd/%d", pid, fd);

  return g_file_read_link (path, NULL);
}

/* Whether no process has it for its standard input. */
static gboolean
nobody_reads (gpointer descriptor)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *pid;

  while ((pid = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *input = g_ascii_isdigit (pid[0]) ? read_descriptor (pid, 0) : NULL;

      if (g_strcmp0 (input, descriptor) == 0)
        return FALSE;
    }
  return TRUE;
}

/* Writes more than a pipe has, to both of its streams. */
#define DAEMON                                                                                                         \
  "setsid sh -c 'echo $$ > daemon; until test -e go; do sleep 0.01; done; seq 1000000; seq 1000000 >&2; echo x > "     \
  "wrote'"

#define STAYING                                                                                                        \
  "setsid sh -c 'echo $$ > daemon; exec sleep 1000' & until test -s daemon; do sleep 0.01; done; "                     \
  "echo $PPID > worker; ps -o ppid= -p $PPID > server"

/* The application: it ends as soon as its task is done. */
static void
run_and_exit (const char *folder)
{
  const char *const argv[] = {"sh", "-c", STAYING, NULL};
  g_autoptr (GError) error = NULL;
  FerryExecutor *executor = ferry_executor_new_for_commands (&error);
  FerryCommand *command = ferry_command_new (argv);
  g_autoptr (FerryTask) task = NULL;

  g_assert_no_error (error);
  g_object_set (command, "directory", folder, NULL);
  task = ferry_executor_submit_command (executor, command, &error);
  g_object_unref (command);
  g_assert_no_error (error);
  command_test_wait (task);
  g_assert_cmpint (ferry_test_get_number (task, "state"), ==, FERRY_TASK_STATE_COMPLETED);
  exit (EXIT_SUCCESS);
}

/* The worker has not ended yet, mostly. */
static void
stay_where_the_application_ends_at_the_success (void)
{
  if (g_test_subprocess ())
    run_and_exit (g_getenv ("FERRY_TEST_FOLDER"));
  for (guint i = 0; i < ferry_test_times (8, 200); i++)
    {
      g_autoptr (CommandTest) test = command_test_new ();
      GPid pid;

      g_setenv ("FERRY_TEST_FOLDER", test->folder, TRUE);
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      pid = command_test_wait_pid (test, "daemon");
      command_test_wait_gone (command_test_wait_pid (test, "worker"));
      command_test_wait_gone (command_test_wait_pid (test, "server"));
      g_assert_true (ferry_test_is_alive (pid));
      ferry_test_kill (pid, SIGKILL);
    }
}

static void
go_on_and_write_after_a_success (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task =
    command_test_submit_script (test, DAEMON " & echo $PPID > worker; until test -s daemon; do sleep 0.01; done", NULL);
  g_autofree char *output = command_test_wait_output (task);
  GPid pid = command_test_wait_pid (test, "daemon");
  GPid worker = command_test_wait_pid (test, "worker");
  g_autofree char *number = g_strdup_printf ("%d", (int) pid);
  g_autofree char *written = read_descriptor (number, 1);
  g_autofree char *go = command_test_path (test, "go");

  g_assert_cmpstr (output, ==, "");
  g_assert_nonnull (written);
  /* Its worker has ended, which read from it. */
  command_test_wait_gone (worker);
  g_assert_false (nobody_reads (written));
  g_assert_true (g_file_set_contents (go, "\n", -1, NULL));
  command_test_wait_file (test, "wrote");
  command_test_wait_gone (pid);
  ferry_test_look_until (nobody_reads, written);
}

/* The task is done at once, as nothing waits for its end any more. */
static void
take_their_files_along_in_a_shutdown_without_time (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *folder = command_test_path (test, "folder");
  g_autofree char *note = command_test_path (test, "note");
  g_autoptr (FerryTask) task = NULL;
  GPid worker;

  g_assert_no_errno (g_mkdir (folder, 0700));
  task = submit_writer (test, folder, note, FALSE);
  worker = command_test_wait_pid (test, "note");
  command_test_wait_worker (test, task);
  ferry_executor_shutdown_async (test->executor, 0, NULL, NULL, NULL);
  command_test_wait (task);
  command_test_wait_gone (worker);
  g_assert_true (is_empty (folder));
}

/* Who looks after exit() sees nothing of it: in a container, what goes on after that would be killed. */
static void
take_their_files_along_before_the_application_is_gone (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *folder = command_test_path (test, "folder");
  g_autofree char *notes = command_test_path (test, "notes");
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "TMPDIR", test->folder, TRUE);
  const char *argv[] = {"/proc/self/exe", WRITER, "exit", folder, notes, NULL};
  g_autoptr (GError) error = NULL;
  gboolean waited = FALSE;

  g_assert_no_errno (g_mkdir (folder, 0700));
  g_assert_no_errno (g_mkdir (notes, 0700));
  /* It waits for two seconds, and no longer, which is little where there are no processors. */
  for (guint i = 0; i < 10 && !waited; i++)
    {
      g_spawn_sync (NULL, (char **) argv, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, NULL, NULL,
                    &error);
      g_assert_no_error (error);
      waited = is_empty (folder);
      ferry_test_look_until (is_empty, folder);
      for (guint j = 0; j < 2; j++)
        {
          g_autofree char *note = g_strdup_printf ("%s/%u", notes, j);

          g_assert_no_errno (g_unlink (note));
        }
    }
  g_assert_true (waited);
}

/* Terminals and people send the signal by which an application asks other workers where they are. */
static void
go_on_where_others_send_sigwinch (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *fifo = command_test_path (test, "fifo");
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *output = NULL;
  GPid program;
  int fd;

  g_assert_no_errno (mkfifo (fifo, 0600));
  task = command_test_submit_script (test, "echo $$ > pid; read line < fifo; echo $line", NULL);
  program = command_test_wait_pid (test, "pid");
  ferry_test_signal_often (ferry_test_get_process (command_test_wait_worker (test, task)), SIGWINCH,
                           ferry_test_times (300, 3000));
  ferry_test_signal_often (program, SIGWINCH, ferry_test_times (300, 3000));
  fd = open (fifo, O_WRONLY | O_CLOEXEC);
  g_assert_cmpint (write (fd, "on\n", 3), ==, 3);
  close (fd);
  output = command_test_wait_output (task);
  g_assert_cmpstr (output, ==, "on\n");
}

int
main (int argc, char *argv[])
{
  if (argc == 3 && g_str_equal (argv[1], APPLICATION))
    return be_application (argv[2]);
  if (argc == 3 && g_str_equal (argv[1], PAUSER))
    return be_pauser (argv[2]);
  if (argc == 5 && g_str_equal (argv[1], WRITER))
    return be_writer (argv[2], argv[3], argv[4]);
  if (argc == 5 && g_str_equal (argv[1], LOSER))
    return be_loser (argv[2], argv[3], argv[4]);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-ends/end-with-a-cancel", end_with_a_cancel);
  g_test_add_func ("/command-ends/end-with-their-worker", end_with_their_worker);
  g_test_add_func ("/command-ends/say-for-users-that-their-worker-was-lost", say_for_users_that_their_worker_was_lost);
  g_test_add_func ("/command-ends/say-for-users-that-no-worker-starts", say_for_users_that_no_worker_starts);
  g_test_add_func ("/command-ends/stay-where-the-application-ends-at-the-success",
                   stay_where_the_application_ends_at_the_success);
  g_test_add_func ("/command-ends/go-on-and-write-after-a-success", go_on_and_write_after_a_success);
  g_test_add_func ("/command-ends/go-on-where-others-send-sigwinch", go_on_where_others_send_sigwinch);
  g_test_add_func ("/command-ends/end-with-the-application", end_with_the_application);
  g_test_add_func ("/command-ends/are-asked-to-end-where-they-are-paused", are_asked_to_end_where_they_are_paused);
  for (gsize i = 0; i < G_N_ELEMENTS (losers_ways); i++)
    {
      g_autofree char *path =
        g_strconcat ("/command-ends/end-with-an-application-that-has-lost-their-worker-at-", losers_ways[i], NULL);

      g_test_add_data_func (path, losers_ways[i], end_with_an_application_that_has_lost_their_worker);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (ways); i++)
    {
      g_autofree char *path = g_strconcat ("/command-ends/take-their-files-along-at-", ways[i], NULL);

      g_test_add_data_func (path, ways[i], take_their_files_along);
    }
  g_test_add_func ("/command-ends/take-their-files-along-in-a-shutdown-without-time",
                   take_their_files_along_in_a_shutdown_without_time);
  g_test_add_func ("/command-ends/take-their-files-along-before-the-application-is-gone",
                   take_their_files_along_before_the_application_is_gone);
  g_test_add_data_func ("/command-ends/take-their-files-along-when-all-are-told-to-end", GINT_TO_POINTER (SIGTERM),
                        take_their_files_along_with_the_fork_server);
  g_test_add_data_func ("/command-ends/take-their-files-along-when-the-fork-server-is-killed",
                        GINT_TO_POINTER (SIGKILL), take_their_files_along_with_the_fork_server);

  return g_test_run ();
}
