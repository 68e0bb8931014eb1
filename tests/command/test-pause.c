/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-pause.c
 *
 * A paused command: all processes of its session stand still, go on with it, and end with a cancel. */

#include "config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/command-test.h"
#include "ferry-test.h"

static gboolean
is_stopped (gpointer pid)
{
  return ferry_test_is_stopped (GPOINTER_TO_INT (pid));
}

static gboolean
goes_on (gpointer pid)
{
  return !ferry_test_is_stopped (GPOINTER_TO_INT (pid));
}

/* A program in a group of its own, as ninja starts its steps. */
#define IN_GROUP "python3 -c 'import os, sys; os.setpgid(0, 0); os.execvp(sys.argv[1], sys.argv[1:])' "

/* Waits for the file "go" by itself: a shell that starts a process waits for that uninterruptibly until it executes a
 * program (vfork()), so one that starts sleep(1) again and again stands still in a state that is not "stopped". */
#define CHILD                                                                                                          \
  "python3 -c 'import os, time\n"                                                                                      \
  "print(os.getpid(), file=open(\"child\", \"w\"), flush=True)\n"                                                      \
  "while not os.path.exists(\"go\"): time.sleep(0.01)'"

/* Says which processes it has, and that it is done, once there is a file "go". */
#define SCRIPT IN_GROUP CHILD WITH_CHILD
#define WITH_CHILD " & until test -s child; do sleep 0.01; done; echo $$ > parent; wait; echo done"

static void
let_go (CommandTest *test)
{
  g_autofree char *path = command_test_path (test, "go");

  g_assert_true (g_file_set_contents (path, "\n", -1, NULL));
}

static void
assert_stops_and_goes_on (const char *script)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, script, NULL);
  GPid parent = command_test_wait_pid (test, "parent");
  GPid child = command_test_wait_pid (test, "child");
  g_autofree char *output = NULL;

  g_assert_true (ferry_task_pause (task));
  ferry_test_look_until (is_stopped, GINT_TO_POINTER (parent));
  ferry_test_look_until (is_stopped, GINT_TO_POINTER (child));
  let_go (test);
  g_assert_true (ferry_task_resume (task));
  ferry_test_look_until (goes_on, GINT_TO_POINTER (child));
  output = command_test_wait_output (task);
  g_assert_cmpstr (output, ==, "done\n");
}

static void
stops_all_processes_of_its_session_and_goes_on (void)
{
  assert_stops_and_goes_on (SCRIPT);
}

/* As script, unbuffer and sudo start a program. */
static void
stops_what_is_in_another_session (void)
{
  assert_stops_and_goes_on ("setsid " CHILD WITH_CHILD);
}

/* As script(1): once it has heard that its child was stopped, it stops itself, which is after the pause. It hears
 * nothing of a child that goes on before it does. */
#define STOPS_ITSELF                                                                                                   \
  "python3 -c 'import os, signal, time\n"                                                                              \
  "child = os.fork()\n"                                                                                                \
  "while child == 0 and not os.path.exists(\"go\"): time.sleep(0.01)\n"                                                \
  "if child == 0: os._exit(0)\n"                                                                                       \
  "print(child, file=open(\"child\", \"w\"), flush=True)\n"                                                            \
  "while os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1]): os.kill(os.getpid(), signal.SIGSTOP)\n"                    \
  "print(\"done\", flush=True)'"

static void
goes_on_where_it_stops_itself_after_the_pause (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "echo $$ > parent; exec " STOPS_ITSELF, NULL);
  GPid parent = command_test_wait_pid (test, "parent");
  g_autofree char *output = NULL;

  command_test_wait_pid (test, "child");
  g_assert_true (ferry_task_pause (task));
  ferry_test_look_until (is_stopped, GINT_TO_POINTER (parent));
  g_assert_true (ferry_task_resume (task));
  let_go (test);
  output = command_test_wait_output (task);
  g_assert_cmpstr (output, ==, "done\n");
}

static void
goes_on_where_it_was_paused_before_it_began (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, SCRIPT, NULL);
  g_autofree char *output = NULL;

  ferry_task_pause (task);
  let_go (test);
  ferry_task_resume (task);
  output = command_test_wait_output (task);
  g_assert_cmpstr (output, ==, "done\n");
}

static void
ends_with_a_cancel (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (
    test, "trap 'echo int > log; exit' INT; echo $$ > parent; sleep 1000 & while :; do wait; done", NULL);
  GPid parent = command_test_wait_pid (test, "parent");
  g_autofree char *log = NULL;

  g_assert_true (ferry_task_pause (task));
  ferry_test_look_until (is_stopped, GINT_TO_POINTER (parent));
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  g_assert_false (ferry_test_is_alive (parent));
  log = command_test_read (test, "log");
  g_assert_cmpstr (log, ==, "int\n");
}

static void
ends_with_its_worker (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, SCRIPT, NULL);
  GPid parent = command_test_wait_pid (test, "parent");
  GPid child = command_test_wait_pid (test, "child");

  g_assert_true (ferry_task_pause (task));
  ferry_test_look_until (is_stopped, GINT_TO_POINTER (child));
  ferry_worker_send_signal (command_test_wait_worker (test, task), SIGKILL);
  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  command_test_wait_gone (parent);
  command_test_wait_gone (child);
}

/* Has an executor as applications have it. */
static void
use_usual_executor (CommandTest *test)
{
  g_autoptr (GError) error = NULL;

  g_clear_object (&test->executor);
  test->executor = ferry_executor_new_for_commands (&error);
  g_assert_no_error (error);
}

static void
goes_on_where_it_has_stopped_its_worker (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *output = NULL;

  use_usual_executor (test);
  task = command_test_submit_script (test, "kill -STOP $PPID; echo done", NULL);
  output = command_test_wait_output (task);
  g_assert_cmpstr (output, ==, "done\n");
}

static void
ends_with_a_cancel_where_it_has_stopped_its_worker (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *log = NULL;
  GPid worker;

  task = command_test_submit_script (
    test, "trap 'echo int > log; exit' INT; kill -STOP $PPID; echo $PPID > worker; sleep 1000 & while :; do wait; done",
    NULL);
  worker = command_test_wait_pid (test, "worker");
  ferry_test_look_until (is_stopped, GINT_TO_POINTER (worker));
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  log = command_test_read (test, "log");
  g_assert_cmpstr (log, ==, "int\n");
}

/* ---- of another user ---- */

#define NOBODY 65534

/* The first of PATH may be a script that looks for one. */
#define PYTHON "/usr/bin/python3"

/* As sudo has it: another user's from its beginning on. */
#define OTHER_USERS                                                                                                    \
  "import os, time\n"                                                                                                  \
  "os.setresuid(0, 0, 0)\n"                                                                                            \
  "print(os.getpid(), file=open('child', 'w'), flush=True)\n"                                                          \
  "while not os.path.exists('go'): time.sleep(0.01)"

/* (transfer full): the path of a program that is root's for whoever runs it: python, under another name. */
static char *
make_program_of_root (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("ferry-pause-XXXXXX", &error);
  char *path = g_build_filename (folder, "roots-own", NULL);
  g_autoptr (GFile) from = g_file_new_for_path (PYTHON);
  g_autoptr (GFile) to = g_file_new_for_path (path);

  g_assert_no_error (error);
  g_file_copy (from, to, G_FILE_COPY_NONE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_no_errno (chmod (folder, 0755));
  g_assert_no_errno (chmod (path, 04755));
  return path;
}

static gboolean
says_what_goes_on (gpointer task)
{
  const char *text = ferry_task_get_text (task);

  return text != NULL && strstr (text, "belongs to another user cannot be paused: 'roots-own'") != NULL;
}

static gboolean
says_that_it_goes_on (gpointer task)
{
  return g_strcmp0 (ferry_task_get_text (task), "Goes on") == 0;
}

static void
pause_program_of_root (const char *program)
{
  g_autoptr (CommandTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_assert_no_errno (setgroups (0, NULL));
  g_assert_no_errno (setgid (NOBODY));
  g_assert_no_errno (setuid (NOBODY));
  test = command_test_new ();
  task = command_test_submit (test, (const char *const[]){program, "-c", OTHER_USERS, NULL}, NULL);
  command_test_wait_pid (test, "child");
  g_assert_true (ferry_task_pause (task));
  ferry_test_run_until (says_what_goes_on, task);
  g_assert_true (ferry_task_resume (task));
  ferry_test_run_until (says_that_it_goes_on, task);
  let_go (test);
  g_free (command_test_wait_output (task));
}

/* Whether another user reaches what was built, and the system lets a program be another user's by its file. */
static gboolean
becomes_root (const char *program)
{
  g_autofree char *worker = g_test_build_filename (G_TEST_BUILT, "..", "command-worker", "ferry-command", NULL);
  g_autofree char *python =
    g_strdup_printf ("import os, sys; os.setuid(%d); sys.exit(not os.access('%s', os.X_OK) or os.spawnv(os.P_WAIT, "
                     "'%s', ['%s', '-c', 'import os; os.setresuid(0, 0, 0)']))",
                     NOBODY, worker, program, program);
  const char *argv[] = {"python3", "-c", python, NULL};
  int status;

  return g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
                       NULL, &status, NULL) &&
         status == 0;
}

static void
says_what_goes_on_since_it_belongs_to_another_user (void)
{
  g_autofree char *program = NULL;
  g_autofree char *folder = NULL;

  if (geteuid () != 0 || !g_file_test (PYTHON, G_FILE_TEST_IS_EXECUTABLE))
    {
      g_test_skip ("only root, with " PYTHON ", can make a program that belongs to another user");
      return;
    }
  if (g_test_subprocess ())
    {
      pause_program_of_root (g_getenv ("FERRY_TEST_PROGRAM_OF_ROOT"));
      return;
    }
  program = make_program_of_root ();
  folder = g_path_get_dirname (program);
  if (becomes_root (program))
    {
      g_setenv ("FERRY_TEST_PROGRAM_OF_ROOT", program, TRUE);
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
    }
  else
    g_test_skip ("another user cannot reach what was built, or no program gets the rights of its file's owner here");
  g_assert_no_errno (g_unlink (program));
  g_assert_no_errno (g_rmdir (folder));
}

static void
may_be_paused_at_any_moment (void)
{
  g_autoptr (CommandTest) test = command_test_new ();

  for (guint i = 0; i < ferry_test_times (30, 1000); i++)
    {
      g_autoptr (FerryTask) task = command_test_submit_script (test, "seq 100; sleep 0.01; sh -c 'echo $$'", NULL);
      guint n = (guint) g_test_rand_int_range (1, 5);

      for (guint j = 0; j < n; j++)
        {
          ferry_task_pause (task);
          ferry_test_take_time (g_test_rand_int_range (0, 5000));
          g_main_context_iteration (NULL, FALSE);
          ferry_task_resume (task);
          g_main_context_iteration (NULL, FALSE);
        }
      if (i % 3 == 0)
        ferry_task_cancel (task);
      command_test_wait (task);
      g_assert_cmpint (ferry_test_get_number (task, "state"), !=, FERRY_TASK_STATE_FAILED);
    }
}

/* ---- at random ---- */

#define N_COMMANDS 5

typedef struct
{
  CommandTest *test;
  FerryTask *tasks[N_COMMANDS]; /* (owned) (nullable) */
  guint n_begun;
  guint n_ended;
} Load;

static void
note_end (FerryTask *task, gpointer n_ended)
{
  ++*(guint *) n_ended;
}

/* Processes of which each has the folder in its arguments. */
static FerryTask *
submit_one (Load *self)
{
  g_autofree char *path = command_test_path (self->test, "file");
  g_autofree char *script =
    g_strdup_printf ("tail -f '%s' & " IN_GROUP "tail -f '%s' & exec tail -f '%s'", path, path, path);
  FerryTask *task = command_test_submit_script (self->test, script, NULL);

  g_signal_connect (task, "done", G_CALLBACK (note_end), &self->n_ended);
  self->n_begun++;
  return task;
}

static void
act (Load *self, guint i)
{
  if (self->tasks[i] == NULL)
    {
      self->tasks[i] = submit_one (self);
      return;
    }
  switch (g_test_rand_int_range (0, 10))
    {
    case 0:
      ferry_task_cancel (self->tasks[i]);
      break;
    case 1:
      if (ferry_task_get_state (self->tasks[i]) == FERRY_TASK_STATE_EXECUTING)
        ferry_worker_send_signal (command_test_wait_worker (self->test, self->tasks[i]), SIGKILL);
      break;
    case 2:
    case 3:
    case 4:
      ferry_task_resume (self->tasks[i]);
      break;
    default:
      ferry_task_pause (self->tasks[i]);
    }
}

static gboolean
is_gone (gpointer folder)
{
  g_autoptr (GDir) processes = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (processes)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/proc/%s/cmdline", name);
      g_autofree char *arguments = NULL;
      gsize size = 0;

      if (g_ascii_isdigit (name[0]) && g_file_get_contents (path, &arguments, &size, NULL) &&
          memmem (arguments, size, folder, strlen (folder)) != NULL)
        return FALSE;
    }
  return TRUE;
}

/* Each ends once, and leaves no process, stopped or not. */
static void
ends_once_whatever_comes (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  Load load = {.test = test};

  test->cancel_grace = G_USEC_PER_SEC / 2;
  g_object_set (ferry_executor_get_pool (test->executor), "restart-limit", 1000, "restart-interval", (gint64) 1, NULL);
  for (guint n = ferry_test_times (100, 1000); n > 0; n--)
    {
      for (guint i = 0; i < N_COMMANDS; i++)
        if (load.tasks[i] != NULL && ferry_task_get_done (load.tasks[i]))
          g_clear_object (&load.tasks[i]);
      act (&load, (guint) g_test_rand_int_range (0, N_COMMANDS));
      ferry_test_take_time (g_test_rand_int_range (0, 20000));
      while (g_main_context_iteration (NULL, FALSE))
        ;
    }
  for (guint i = 0; i < N_COMMANDS; i++)
    if (load.tasks[i] != NULL)
      {
        ferry_task_cancel (load.tasks[i]);
        command_test_wait (load.tasks[i]);
        g_object_unref (load.tasks[i]);
      }
  g_assert_cmpuint (load.n_ended, ==, load.n_begun);
  ferry_test_look_until (is_gone, test->folder);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-pause/stops-all-processes-of-its-session-and-goes-on",
                   stops_all_processes_of_its_session_and_goes_on);
  g_test_add_func ("/command-pause/stops-what-is-in-another-session", stops_what_is_in_another_session);
  g_test_add_func ("/command-pause/goes-on-where-it-stops-itself-after-the-pause",
                   goes_on_where_it_stops_itself_after_the_pause);
  g_test_add_func ("/command-pause/goes-on-where-it-was-paused-before-it-began",
                   goes_on_where_it_was_paused_before_it_began);
  g_test_add_func ("/command-pause/ends-with-a-cancel", ends_with_a_cancel);
  g_test_add_func ("/command-pause/ends-with-its-worker", ends_with_its_worker);
  g_test_add_func ("/command-pause/goes-on-where-it-has-stopped-its-worker", goes_on_where_it_has_stopped_its_worker);
  g_test_add_func ("/command-pause/ends-with-a-cancel-where-it-has-stopped-its-worker",
                   ends_with_a_cancel_where_it_has_stopped_its_worker);
  g_test_add_func ("/command-pause/says-what-goes-on-since-it-belongs-to-another-user",
                   says_what_goes_on_since_it_belongs_to_another_user);
  g_test_add_func ("/command-pause/may-be-paused-at-any-moment", may_be_paused_at_any_moment);

  g_test_add_func ("/command-pause/ends-once-whatever-comes", ends_once_whatever_comes);
  return g_test_run ();
}
