/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command/ferry-job-command.c, command/ferry-step-files.c, base/ferry-scratch-folder.c, job/ferry-job.c
 *
 * Programs that a function runs in a worker. The program is its own worker: its function "steps" runs scripts of sh,
 * one after the other. A script sees the folder of the test as its own, and the scratch folder of the task as $1. */

#include "config.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/command-test.h"
#include "ferry-test.h"

/* Of a script: the rest is skipped once one has failed, but for what runs whatever happens. */
#define ALWAYS TRUE
#define UNLESS_FAILED FALSE

/* Where scratch folders are. */
static char *scratch_parent;

/* ---- the functions ---- */

static gboolean
run_script (FerryJob *job, const char *folder, const char *script, gboolean always, GVariant **result, GError **error)
{
  const char *scratch = ferry_job_get_scratch_folder (job, error);
  const char *const argv[] = {"sh", "-c", script, "sh", scratch, NULL};
  g_autoptr (FerryCommand) command = scratch != NULL ? ferry_command_new (argv) : NULL;

  if (command == NULL)
    return FALSE;
  g_object_set (command, "directory", folder, "cleans-up", always, "interactive", TRUE, "polite", FALSE, "progress",
                FERRY_COMMAND_PROGRESS_PERCENT, NULL);
  return ferry_job_run_command (job, command, result, error);
}

/* Returns the output of the last script that has succeeded. */
static GVariant *
run_steps (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GVariantIter) scripts = NULL;
  g_autoptr (GError) failure = NULL;
  g_autoptr (GVariant) output = NULL;
  const char *folder;
  const char *script;
  gboolean always;

  g_variant_get (arguments, "(&sa(sb))", &folder, &scripts);
  while (g_variant_iter_next (scripts, "(&sb)", &script, &always))
    {
      g_autoptr (GVariant) result = NULL;

      if (failure != NULL && !always)
        continue;
      if (!run_script (job, folder, script, always, &result, failure == NULL ? &failure : NULL))
        continue;
      g_clear_pointer (&output, g_variant_unref);
      output = g_variant_get_child_value (result, 1);
    }
  if (failure == NULL)
    return g_variant_new_take_string (
      g_strdup_printf ("%.*s", (int) g_variant_get_size (output), (const char *) g_variant_get_data (output)));
  g_propagate_error (error, g_steal_pointer (&failure));
  return NULL;
}

typedef struct
{
  FerryJob *job;
  const char *folder;
  const char *script;
} Thread;

static gpointer
run_on_thread (gpointer data)
{
  const Thread *thread = data;

  return GINT_TO_POINTER (run_script (thread->job, thread->folder, thread->script, FALSE, NULL, NULL));
}

/* Runs all scripts at a time. */
static GVariant *
run_at_a_time (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GVariantIter) scripts = NULL;
  Thread threads[8];
  GThread *running[8];
  guint n = 0, n_good = 0;
  const char *folder;
  const char *script;
  gboolean always;

  g_variant_get (arguments, "(&sa(sb))", &folder, &scripts);
  while (n < G_N_ELEMENTS (threads) && g_variant_iter_next (scripts, "(&sb)", &script, &always))
    {
      threads[n] = (Thread){job, folder, script};
      running[n] = g_thread_new ("script", run_on_thread, &threads[n]);
      n++;
    }
  while (n > 0)
    n_good += GPOINTER_TO_UINT (g_thread_join (running[--n]));
  return g_variant_new_take_string (g_strdup_printf ("%u", n_good));
}

typedef struct
{
  FerryJob *job; /* (owned) */
  char *folder;  /* (owned) */
} Left;

static gpointer
run_left_behind (gpointer data)
{
  Left *left = data;
  const char *const argv[] = {"sh", "-c", "trap '' INT; echo half > out; echo > begun; sleep 1000 & wait", NULL};
  g_autoptr (FerryCommand) command = ferry_command_new (argv);

  g_object_set (command, "directory", left->folder, "polite", FALSE, "output-files", (const char *const[]){"out", NULL},
                NULL);
  g_assert_false (ferry_job_run_command (left->job, command, NULL, NULL));
  g_object_unref (left->job);
  g_free (left->folder);
  g_free (left);
  return NULL;
}

static gboolean
exists (gpointer path)
{
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* Returns while a thread of it runs a program. */
static GVariant *
leave_behind (FerryJob *job, GVariant *arguments, GError **error)
{
  Left *left = g_new (Left, 1);
  g_autofree char *begun = NULL;

  *left = (Left){g_object_ref (job), g_variant_dup_string (arguments, NULL)};
  begun = g_build_filename (left->folder, "begun", NULL);
  g_thread_unref (g_thread_new ("left", run_left_behind, left));
  ferry_test_look_until (exists, begun);
  return g_variant_new ("()");
}

/* What write_file() does when the program has ended. */
typedef enum
{
  RETURN,
  FAIL,
  WAIT,
} Then;

/* Has a program write the file "out", returns what is in the file "out" when the program has ended. */
static GVariant *
write_file (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *const argv[] = {"sh", "-c", "echo new > \"$1\"; echo more > \"$1.log\"", "sh", "out", NULL};
  g_autoptr (FerryCommand) command = ferry_command_new (argv);
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;
  g_autofree char *begun = NULL;
  const char *folder;
  gboolean replaces;
  gint32 then;

  g_variant_get (arguments, "(&sbi)", &folder, &replaces, &then);
  g_object_set (command, "directory", folder, "polite", FALSE, "output-files", (const char *const[]){"out", NULL},
                "replace-output-files", replaces, NULL);
  if (!ferry_job_run_command (job, command, NULL, error) || ferry_job_get_scratch_folder (job, error) == NULL)
    return NULL;
  path = g_build_filename (folder, "out", NULL);
  g_file_get_contents (path, &text, NULL, NULL);
  if (then == FAIL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "No good");
      return NULL;
    }
  begun = g_build_filename (folder, "begun", NULL);
  g_file_set_contents (begun, "\n", -1, NULL);
  if (then == WAIT)
    {
      struct pollfd cancel = {.fd = g_cancellable_get_fd (ferry_job_get_cancellable (job)), .events = POLLIN};

      g_assert_cmpint (TEMP_FAILURE_RETRY (poll (&cancel, 1, -1)), ==, 1);
      g_cancellable_release_fd (ferry_job_get_cancellable (job));
    }
  return g_variant_new_string (text != NULL ? text : "");
}

/* Has something in its scratch folder, and runs no program. */
static GVariant *
fill_scratch (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *scratch = ferry_job_get_scratch_folder (job, error);
  g_autofree char *file = g_build_filename (scratch, "file", NULL);
  g_autofree char *begun = g_build_filename (g_variant_get_string (arguments, NULL), "begun", NULL);
  struct pollfd cancel = {.fd = g_cancellable_get_fd (ferry_job_get_cancellable (job)), .events = POLLIN};

  g_assert_true (g_file_set_contents (file, "something", -1, NULL));
  g_assert_true (g_file_set_contents (begun, "\n", -1, NULL));
  g_assert_cmpint (TEMP_FAILURE_RETRY (poll (&cancel, 1, -1)), ==, 1);
  g_cancellable_release_fd (ferry_job_get_cancellable (job));
  ferry_job_check (job, error);
  return NULL;
}

/* Has one program replace the file "out", and a script the file "other", which it is given as $1. Then something may be
 * where "other" is to be. */
static GVariant *
write_two (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *folder;
  const char *script;
  gboolean is_blocked;
  g_autofree char *other = NULL;

  g_variant_get (arguments, "(&s&sb)", &folder, &script, &is_blocked);
  for (guint i = 0; i < 2; i++)
    {
      const char *name = i == 0 ? "out" : "other";
      const char *const argv[] = {"sh", "-c", i == 0 ? "echo new > $1" : script, "sh", name, NULL};
      g_autoptr (FerryCommand) command = ferry_command_new (argv);

      g_object_set (command, "directory", folder, "polite", FALSE, "output-files", (const char *const[]){name, NULL},
                    "replace-output-files", TRUE, NULL);
      if (!ferry_job_run_command (job, command, NULL, error))
        {
          g_prefix_error (error, "Program %u: ", i);
          return NULL;
        }
    }
  other = g_build_filename (folder, "other", NULL);
  if (is_blocked)
    g_assert_no_errno (mkdir (other, 0700));
  return g_variant_new ("()");
}

/* Says what it does, and has a program do it, which says nothing. */
static GVariant *
say_and_run (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *folder;
  const char *script;

  g_variant_get (arguments, "(&s&s)", &folder, &script);
  return ferry_job_report (job, 0.25, "Packing", error) && run_script (job, folder, script, UNLESS_FAILED, NULL, error)
           ? g_variant_new ("()")
           : NULL;
}

/* Runs a script that writes the file "out" in place. */
static GVariant *
write_in_place (FerryJob *job, GVariant *arguments, GError **error)
{
  const char *folder;
  const char *script;
  g_autofree char *note = NULL;
  g_autofree char *number = g_strdup_printf ("%d\n", (int) getpid ());

  g_variant_get (arguments, "(&s&s)", &folder, &script);
  note = g_build_filename (folder, "worker", NULL);
  g_file_set_contents (note, number, -1, NULL);
  g_autoptr (FerryCommand) command = ferry_command_new ((const char *const[]){"sh", "-c", script, NULL});

  g_object_set (command, "directory", folder, "polite", FALSE, NULL);
  if (strstr (script, "> out") != NULL)
    g_object_set (command, "output-files", (const char *const[]){"out", NULL}, NULL);
  return ferry_job_run_command (job, command, NULL, error) ? g_variant_new ("()") : NULL;
}

/* The same, and waits to be cancelled. */
static GVariant *
write_in_place_and_wait (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) written = write_in_place (job, arguments, error);
  const char *folder;

  g_variant_get (arguments, "(&s&s)", &folder, NULL);
  g_autoptr (GVariant) wait = g_variant_ref_sink (g_variant_new ("(ss)", folder, "echo 1 > waits; exec sleep 1000"));
  g_autoptr (GVariant) waited = write_in_place (job, wait, NULL);

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "An end of its own");
  return NULL;
}

/* The same, and fails in its own way, as an exception does. */
static GVariant *
write_in_place_and_say_nothing (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (GVariant) written = write_in_place (job, arguments, NULL);

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "An end of its own");
  return NULL;
}

/* ---- the application ---- */

typedef struct
{
  FerryExecutor *executor; /* (owned) */
  CommandTest *command;    /* (owned): for its folder */
  GArray *fractions;       /* (owned) (element-type double): those of the task */
  GPtrArray *lines;        /* (owned) (element-type utf8) */
} Test;

static Test *
test_new (void)
{
  g_autoptr (GError) error = NULL;
  Test *test = g_new0 (Test, 1);

  test->executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  g_assert_no_error (error);
  test->command = command_test_new ();
  test->fractions = g_array_new (FALSE, FALSE, sizeof (double));
  test->lines = g_ptr_array_new_with_free_func (g_free);
  return test;
}

static void
test_free (Test *test)
{
  ferry_executor_stop (test->executor);
  ferry_test_finalize (test->executor);
  command_test_free (test->command);
  g_array_unref (test->fractions);
  g_ptr_array_unref (test->lines);
  g_free (test);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Test, test_free)

static void
note_fraction (FerryTask *task, GParamSpec *pspec, Test *test)
{
  double fraction = ferry_task_get_fraction (task);

  g_array_append_val (test->fractions, fraction);
}

static void
note_line (FerryTask *task, const char *type, GVariant *value, Test *test)
{
  g_ptr_array_add (test->lines, g_strdup_printf ("%s: %s", type, g_variant_get_string (value, NULL)));
}

typedef struct
{
  const char *script;
  gboolean always;
} Script;

/* (transfer full): scripts ends with one without a script. */
static FerryTask *
make_task (Test *test, const char *function, const Script *scripts)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sb)"));
  for (; scripts->script != NULL; scripts++)
    g_variant_builder_add (&builder, "(sb)", scripts->script, scripts->always);
  return ferry_task_new (FERRY_TASK_KIND_PROGRESS, function,
                         g_variant_new ("(sa(sb))", test->command->folder, &builder));
}

/* (transfer full): grace: 0: one that does not run out. */
static FerryTask *
submit (Test *test, const char *function, const Script *scripts, gint64 grace, gint64 timeout)
{
  FerryTask *task = make_task (test, function, scripts);
  g_autoptr (GError) error = NULL;

  ferry_task_set_cancel_grace (task, grace > 0 ? grace : FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC);
  ferry_task_set_run_timeout (task, timeout);
  g_signal_connect (task, "notify::fraction", G_CALLBACK (note_fraction), test);
  g_signal_connect (task, "message", G_CALLBACK (note_line), test);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  return task;
}

#define submit_steps(test, ...) submit (test, "steps", (const Script[]){__VA_ARGS__, {NULL, FALSE}}, 0, 0)

static void
assert_result (FerryTask *task, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;

  command_test_wait (task);
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (result, NULL), ==, expected);
}

/* How many scratch folders there are. */
static guint
count_scratch_folders (void)
{
  g_autoptr (GDir) folder = g_dir_open (scratch_parent, 0, NULL);
  guint n = 0;

  while (folder != NULL && g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

static gboolean
has_file (Test *test, const char *name)
{
  g_autofree char *path = command_test_path (test->command, name);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
two_programs_are_one_task (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_steps (test, {"echo one > $1/between; stat -c %a $1", UNLESS_FAILED},
                                             {"cat $1/between; stat -c %a $1", UNLESS_FAILED});

  assert_result (task, "one\n700\n");
  g_assert_cmpuint (count_scratch_folders (), ==, 0);
}

static void
programs_are_to_the_kernel_as_the_application (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task =
    submit_steps (test, {"cat /proc/self/timerslack_ns /proc/self/oom_score_adj", UNLESS_FAILED});
  g_autofree char *slack = NULL;
  g_autofree char *score = NULL;
  g_autofree char *expected = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/timerslack_ns", &slack, NULL, NULL));
  g_assert_true (g_file_get_contents ("/proc/self/oom_score_adj", &score, NULL, NULL));
  expected = g_strconcat (slack, score, NULL);
  assert_result (task, expected);
}

static void
wait_fraction (Test *test, FerryTask *task, double fraction)
{
  while (ferry_task_get_fraction (task) < fraction - 1e-6)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpfloat_with_epsilon (ferry_task_get_fraction (task), fraction, 1e-6);
}

static void
let_go (Test *test, const char *name)
{
  g_autofree char *path = command_test_path (test->command, name);

  g_assert_true (g_file_set_contents (path, "\n", -1, NULL));
}

static void
two_programs_make_one_bar (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task =
    submit_steps (test, {"echo '80%'; until test -s first; do sleep 0.01; done", UNLESS_FAILED},
                  {"echo '50%'; until test -s second; do sleep 0.01; done", UNLESS_FAILED});
  double before = 0;

  /* Half of the bar is the first one's, and half of the rest the second one's. */
  wait_fraction (test, task, 0.4);
  let_go (test, "first");
  wait_fraction (test, task, 0.625);
  let_go (test, "second");
  command_test_wait (task);
  for (guint i = 0; i < test->fractions->len; i++)
    {
      g_assert_cmpfloat (g_array_index (test->fractions, double, i), >=, before);
      before = g_array_index (test->fractions, double, i);
    }
  g_assert_cmpfloat (before, ==, 1);
}

/* It is half of the bar. */
static void
bar_of_a_program_that_is_taken_back_is_that_of_the_task (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task =
    submit_steps (test,
                  {"echo '80%'; until test -s first; do sleep 0.01; done; echo '1%'; echo '2%'; until test -s third; "
                   "do sleep 0.01; done",
                   UNLESS_FAILED},
                  {"echo '50% more'; until test -s second; do sleep 0.01; done", UNLESS_FAILED});

  wait_fraction (test, task, 0.4);
  g_assert_false (ferry_test_get_number (task, "indeterminate"));
  let_go (test, "first");
  while (!ferry_test_get_number (task, "indeterminate"))
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 0);
  let_go (test, "third");
  while (g_strcmp0 (ferry_task_get_text (task), "more") != 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (ferry_test_get_number (task, "indeterminate"));
  let_go (test, "second");
  command_test_wait (task);
  g_assert_cmpfloat (ferry_task_get_fraction (task), ==, 1);
  g_assert_false (ferry_test_get_number (task, "indeterminate"));
}

static void
lines_are_messages_of_the_task (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_steps (test, {"echo first", UNLESS_FAILED}, {"echo second >&2", UNLESS_FAILED});

  assert_result (task, "");
  g_assert_cmpuint (test->lines->len, ==, 2);
  g_assert_cmpstr (test->lines->pdata[0], ==, "newest-line: first");
  g_assert_cmpstr (test->lines->pdata[1], ==, "newest-error-line: second");
}

static void
step_that_fails_is_the_error_of_the_task (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_steps (test, {"echo before >&2; echo no good >&2; exit 7", UNLESS_FAILED},
                                             {"echo no > after", UNLESS_FAILED}, {"echo yes > tidied", ALWAYS});
  const GError *error = command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 7);

  ferry_test_assert_says (error->message, "'sh' ended with status 7: no good");
  ferry_test_assert_says (ferry_test_get_string (task, "trace"), "before\nno good\n");
  g_assert_true (has_file (test, "tidied"));
  g_assert_false (has_file (test, "after"));
  g_assert_cmpuint (count_scratch_folders (), ==, 0);
}

static void
missing_program_is_the_error_of_the_task (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_steps (test, {"exit 0", UNLESS_FAILED});
  g_autoptr (FerryTask) missing = NULL;

  assert_result (task, "");
  missing = ferry_task_new (FERRY_TASK_KIND_CALL, "missing", NULL);
  g_assert_true (ferry_executor_submit_task (test->executor, missing, NULL));
  command_test_wait_failed (missing, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
}

static GVariant *
run_missing (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autoptr (FerryCommand) command = ferry_command_new ((const char *const[]){"no-such-program", NULL});

  ferry_job_run_command (job, command, NULL, error);
  return NULL;
}

/* A shell, or a handler of Python, that is told to end in the moment before it waits would wait. */
#define WAIT_FOR_EVER                                                                                                  \
  "exec python3 -c 'import os, signal, subprocess, time\n"                                                             \
  "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"                                                                     \
  "child = subprocess.Popen([\"sleep\", \"1000\"])\n"                                                                  \
  "print(child.pid, file=open(\"child\", \"w\"), flush=True)\n"                                                        \
  "print(os.getpid(), file=open(\"parent\", \"w\"), flush=True)\n"                                                     \
  "time.sleep(1000)'"

static void
cancel_ends_the_program_and_runs_what_tidies_up (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_steps (test, {WAIT_FOR_EVER, UNLESS_FAILED}, {"echo no > after", UNLESS_FAILED},
                                             {"echo yes > tidied", ALWAYS});
  GPid child = command_test_wait_pid (test->command, "child");

  command_test_wait_pid (test->command, "parent");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  g_assert_false (ferry_test_is_alive (child));
  g_assert_true (has_file (test, "tidied"));
  g_assert_false (has_file (test, "after"));
  g_assert_cmpuint (count_scratch_folders (), ==, 0);
}

/* At half of the grace time the application sends SIGTERM to the worker, which then ends the program, and goes on. */
static void
stubborn_program_ends_before_its_worker (void)
{
  g_autoptr (Test) test = test_new ();
  const Script scripts[] = {{"trap '' INT TERM; echo $$ > parent; while :; do sleep 1; done", UNLESS_FAILED},
                            {"echo yes > tidied", ALWAYS},
                            {NULL, FALSE}};
  gint64 grace = ferry_test_times (8, 20) * G_USEC_PER_SEC;
  g_autoptr (FerryTask) task = submit (test, "steps", scripts, grace, 0);
  GPid parent = command_test_wait_pid (test->command, "parent");

  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  command_test_wait_gone (parent);
  if (ferry_test_get_object (task, "exit") != NULL)
    {
      g_test_skip ("the machine had no time for the program in the grace time");
      return;
    }
  g_assert_true (has_file (test, "tidied"));
  g_assert_cmpuint (count_scratch_folders (), ==, 0);
}

static void
run_timeout_is_one_of_the_whole (void)
{
  g_autoptr (Test) test = test_new ();
  const Script scripts[] = {{"echo $$ > parent", UNLESS_FAILED}, {"sleep 1000", UNLESS_FAILED}, {NULL, FALSE}};
  g_autoptr (FerryTask) task = submit (test, "steps", scripts, 0, G_USEC_PER_SEC / 2);

  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

static void
may_be_cancelled_at_any_moment (void)
{
  g_autoptr (Test) test = test_new ();

  for (guint i = 0; i < ferry_test_times (25, 1000); i++)
    {
      g_autoptr (FerryTask) task =
        submit_steps (test, {"echo x > $1/a; sleep 0.01; echo y > $1/b", UNLESS_FAILED},
                      {"cat $1/a $1/b; sleep 0.01", UNLESS_FAILED}, {"rm -f result; sleep 0.01", ALWAYS});

      for (int n = g_test_rand_int_range (0, 100); n > 0 && !ferry_task_get_done (task); n--)
        {
          g_main_context_iteration (NULL, FALSE);
          ferry_test_take_time (1000);
        }
      ferry_task_cancel (task);
      command_test_wait (task);
      g_assert_cmpint (ferry_task_get_state (task), !=, FERRY_TASK_STATE_FAILED);
      g_assert_cmpuint (count_scratch_folders (), ==, 0);
    }
}

static gboolean
is_stopped (gpointer pid)
{
  return ferry_test_is_stopped (GPOINTER_TO_INT (pid));
}

static FerryTask *
submit_one (Test *test, const char *function, const char *script)
{
  FerryTask *task =
    ferry_task_new (FERRY_TASK_KIND_CALL, function, g_variant_new ("(ss)", test->command->folder, script));
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  return task;
}

static gboolean
can_be_paused (gpointer task)
{
  return ferry_test_get_number (task, "can-pause") != 0;
}

static void
program_of_a_function_that_says_nothing_can_be_paused (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_steps (test, {WAIT_FOR_EVER, UNLESS_FAILED});

  command_test_wait_pid (test->command, "parent");
  ferry_test_run_until (can_be_paused, task);
  g_assert_cmpfloat (ferry_test_get_double (task, "fraction"), <=, 0);
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
}

static void
what_a_function_has_said_stays_while_a_program_says_nothing (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_one (test, "say-and-run", WAIT_FOR_EVER);

  command_test_wait_pid (test->command, "parent");
  ferry_test_run_until (can_be_paused, task);
  g_assert_cmpstr (ferry_test_get_string (task, "text"), ==, "Packing");
  g_assert_cmpfloat (ferry_test_get_double (task, "fraction"), ==, 0.25);
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
}

static void
pause_stops_the_program (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_steps (
    test,
    {"echo $$ > parent; exec python3 -c 'import os, time\nwhile not os.path.exists(\"go\"): time.sleep(0.01)'",
     UNLESS_FAILED},
    {"echo done", UNLESS_FAILED});
  GPid parent = command_test_wait_pid (test->command, "parent");

  g_assert_true (ferry_task_pause (task));
  ferry_test_look_until (is_stopped, GINT_TO_POINTER (parent));
  let_go (test, "go");
  g_assert_true (ferry_task_resume (task));
  assert_result (task, "done\n");
}

static gboolean
has_no_scratch_folder (gpointer data)
{
  return count_scratch_folders () == 0;
}

static gboolean
has_process (gpointer task)
{
  return ferry_test_get_string (task, "identifier") != NULL;
}

static void
worker_that_is_killed_leaves_nothing_after_the_next_run (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task =
    submit_steps (test, {"echo x > $1/a; mkdir $1/b; chmod 500 $1/b; " WAIT_FOR_EVER, UNLESS_FAILED});
  g_autoptr (FerryTask) next = NULL;
  GPid child = command_test_wait_pid (test->command, "child");
  GPid parent = command_test_wait_pid (test->command, "parent");

  ferry_test_run_until (has_process, task);
  ferry_test_kill (ferry_test_get_process (task), SIGKILL);
  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  command_test_wait_gone (parent);
  command_test_wait_gone (child);
  g_assert_cmpuint (count_scratch_folders (), ==, 1);
  next = submit_steps (test, {"exit 0", UNLESS_FAILED});
  assert_result (next, "");
  g_assert_true (has_no_scratch_folder (NULL));
}

static void
several_may_run_at_a_time (void)
{
  g_autoptr (Test) test = test_new ();
  const Script scripts[] = {{"echo x > one; until test -s two; do sleep 0.01; done", UNLESS_FAILED},
                            {"echo x > two; until test -s one; do sleep 0.01; done", UNLESS_FAILED},
                            {NULL, FALSE}};
  g_autoptr (FerryTask) task = submit (test, "at-a-time", scripts, 0, 0);

  assert_result (task, "2");
}

/* The usual grace time of a function is shorter than this, and that of programs is not. */
static void
cleaning_up_has_the_grace_time_of_programs (void)
{
  const Script scripts[] = {{WAIT_FOR_EVER, UNLESS_FAILED}, {"sleep 3; echo yes > tidied", ALWAYS}, {NULL, FALSE}};
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = make_task (test, "steps", scripts);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  command_test_wait_pid (test->command, "parent");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  g_assert_true (has_file (test, "tidied"));
  g_assert_cmpuint (count_scratch_folders (), ==, 0);
}

static FerryTask *
submit_write (Test *test, gboolean replaces, Then then)
{
  FerryTask *task =
    ferry_task_new (FERRY_TASK_KIND_CALL, "write-file", g_variant_new ("(sbi)", test->command->folder, replaces, then));
  g_autoptr (GError) error = NULL;

  ferry_task_set_cancel_grace (task, FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  return task;
}

static void
write_old (Test *test)
{
  g_autofree char *path = command_test_path (test->command, "out");

  g_assert_true (g_file_set_contents (path, "old\n", -1, NULL));
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The folder has these files, and nothing hidden. */
static void
assert_files (Test *test, const char *expected)
{
  g_autoptr (GDir) folder = g_dir_open (test->command->folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autofree char *all = NULL;
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    g_ptr_array_add (names, (gpointer) name);
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  all = g_strjoinv (" ", (char **) names->pdata);
  g_assert_cmpstr (all, ==, expected);
}

static void
assert_out (Test *test, const char *expected)
{
  g_autofree char *text = command_test_read (test->command, "out");

  g_assert_cmpstr (text, ==, expected);
}

static void
program_that_is_left_behind_ends_before_the_task (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task =
    ferry_task_new (FERRY_TASK_KIND_CALL, "leave-behind", g_variant_new_string (test->command->folder));
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  command_test_wait (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_COMPLETED);
  assert_files (test, "begun");
}

/* The main loop has heard neither of the files nor of the result. */
static void
files_that_are_in_place_are_the_result_whatever_is_cancelled (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_write (test, TRUE, RETURN);

  while (ferry_task_get_state (task) != FERRY_TASK_STATE_EXECUTING)
    g_main_context_iteration (NULL, TRUE);
  command_test_wait_file_unheard (test->command, "out");
  g_assert_true (ferry_task_cancel (task));
  assert_result (task, "");
  assert_files (test, "begun out");
}

static void
files_are_in_place_when_the_function_has_succeeded (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = NULL;

  write_old (test);
  task = submit_write (test, TRUE, RETURN);
  assert_result (task, "old\n");
  assert_out (test, "new\n");
  assert_files (test, "begun out");
}

static void
files_stay_as_they_were_when_the_function_fails (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = NULL;

  write_old (test);
  task = submit_write (test, TRUE, FAIL);
  command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_FAILED);
  assert_out (test, "old\n");
  assert_files (test, "out");
}

/* (transfer full): the message of the error. */
static char *
fail_to_write_two (Test *test, const char *script, gboolean is_blocked, int code)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "write-two",
                                               g_variant_new ("(ssb)", test->command->folder, script, is_blocked));
  g_autoptr (GError) error = NULL;

  write_old (test);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  return g_strdup (command_test_wait_failed (task, G_IO_ERROR, code)->message);
}

static void
files_of_all_programs_stay_where_one_cannot_be_moved (void)
{
  g_autoptr (Test) test = test_new ();
  g_autofree char *message = fail_to_write_two (test, "echo new > $1", TRUE, G_IO_ERROR_IS_DIRECTORY);

  g_assert_nonnull (strstr (message, "could not be moved to '"));
  assert_out (test, "old\n");
  assert_files (test, "other out");
}

static void
program_that_does_not_write_its_file_fails (void)
{
  g_autoptr (Test) test = test_new ();
  g_autofree char *message = fail_to_write_two (test, "exit 0", FALSE, G_IO_ERROR_NOT_FOUND);

  g_assert_true (g_str_has_prefix (message, "Program 1: The output file 'other' has not been written"));
  assert_out (test, "old\n");
  assert_files (test, "out");
}

static void
new_file_is_gone_when_the_function_fails (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_write (test, FALSE, FAIL);

  command_test_wait_failed (task, G_IO_ERROR, G_IO_ERROR_FAILED);
  assert_files (test, "out.log");
}

static void
files_stay_as_they_were_when_the_function_is_cancelled (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = NULL;

  write_old (test);
  task = submit_write (test, TRUE, WAIT);
  command_test_wait_file (test->command, "begun");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  assert_out (test, "old\n");
  assert_files (test, "begun out");
}

/* As the application does it when it ends. */
static void
worker_that_is_told_to_end_tidies_up (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_write (test, FALSE, WAIT);

  command_test_wait_file (test->command, "begun");
  ferry_test_run_until (has_process, task);
  ferry_test_kill (ferry_test_get_process (task), SIGTERM);
  command_test_wait (task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
  assert_files (test, "begun out.log");
  g_assert_cmpuint (count_scratch_folders (), ==, 0);
}

static void
worker_that_is_told_to_end_tidies_up_before_its_first_program (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task =
    ferry_task_new (FERRY_TASK_KIND_CALL, "fill-scratch", g_variant_new_string (test->command->folder));
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  command_test_wait_file (test->command, "begun");
  ferry_test_run_until (has_process, task);
  g_assert_cmpuint (count_scratch_folders (), ==, 1);
  ferry_test_kill (ferry_test_get_process (task), SIGTERM);
  command_test_wait (task);
  g_assert_cmpuint (count_scratch_folders (), ==, 0);
}

static void
worker_that_is_told_to_end_ends_its_program (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_steps (test, {WAIT_FOR_EVER, UNLESS_FAILED}, {"echo yes > tidied", ALWAYS});
  GPid child = command_test_wait_pid (test->command, "child");

  command_test_wait_pid (test->command, "parent");
  ferry_test_run_until (has_process, task);
  ferry_test_kill (ferry_test_get_process (task), SIGTERM);
  command_test_wait (task);
  command_test_wait_gone (child);
  g_assert_true (has_file (test, "tidied"));
  g_assert_cmpuint (count_scratch_folders (), ==, 0);
}

/* (transfer full): the message of the error when the worker was killed while its program had half written the file. */
static char *
kill_worker_that_writes (Test *test)
{
  g_autoptr (FerryTask) task = submit_one (test, "write-in-place", "echo half > out; " WAIT_FOR_EVER);
  GPid child = command_test_wait_pid (test->command, "child");
  GPid parent = command_test_wait_pid (test->command, "parent");
  const GError *error;

  ferry_test_run_until (has_process, task);
  ferry_test_kill (ferry_test_get_process (task), SIGKILL);
  error = command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  command_test_wait_gone (parent);
  command_test_wait_gone (child);
  return g_strdup (error->message);
}

static gboolean
has_no_out (gpointer test)
{
  return !has_file (test, "out");
}

static void
worker_that_is_killed_leaves_no_half_of_a_new_file (void)
{
  g_autoptr (Test) test = test_new ();
  g_autofree char *message = kill_worker_that_writes (test);

  /* The program's own worker removes it. */
  ferry_test_look_until (has_no_out, test);
}

static void
killed_worker_is_said_to_leave_a_file_incomplete (void)
{
  g_autoptr (Test) test = test_new ();
  g_autofree char *message = NULL;

  write_old (test);
  message = kill_worker_that_writes (test);
  assert_out (test, "half\n");
  g_assert_nonnull (strstr (message, "submit the task again. Until then, 'out' may be incomplete: Worker "));
}

static gboolean
is_finished (gpointer map)
{
  return ferry_test_get_number (map, "is-finished") != 0;
}

/* (transfer full): the message of the item that ran when the worker of a map was killed: the last one. */
static char *
kill_worker_of_map (Test *test, const char *const *scripts)
{
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "write-in-place", FERRY_MAP_ORDERED);
  g_autoptr (GVariantBuilder) items = g_variant_builder_new (G_VARIANT_TYPE ("a(ss)"));
  GListModel *results = ferry_map_get_results (map);
  g_autoptr (FerryMapItem) last = NULL;
  GPid child, parent;

  for (guint i = 0; scripts[i] != NULL; i++)
    g_variant_builder_add (items, "(ss)", test->command->folder, scripts[i]);
  g_object_set (map, "chunk-size", 100, NULL);
  ferry_map_set_arguments (map, g_variant_builder_end (items));
  ferry_map_start (map);
  child = command_test_wait_pid (test->command, "child");
  parent = command_test_wait_pid (test->command, "parent");
  ferry_test_kill (command_test_wait_pid (test->command, "worker"), SIGKILL);
  ferry_test_run_until (is_finished, map);
  command_test_wait_gone (parent);
  command_test_wait_gone (child);
  last = g_list_model_get_item (results, g_list_model_get_n_items (results) - 1);
  g_assert_error (ferry_map_item_get_error (last), FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  return g_strdup (ferry_map_item_get_error (last)->message);
}

static void
killed_worker_of_a_map_is_said_to_leave_a_file_incomplete (void)
{
  g_autoptr (Test) test = test_new ();
  g_autofree char *message = NULL;

  write_old (test);
  message = kill_worker_of_map (test, (const char *const[]){"echo half > out; " WAIT_FOR_EVER, NULL});
  assert_out (test, "half\n");
  g_assert_nonnull (strstr (message, "or map the item again. Until then, 'out' may be incomplete: Worker "));
}

static void
next_item_of_a_map_is_said_to_leave_nothing (void)
{
  g_autoptr (Test) test = test_new ();
  g_autofree char *message = kill_worker_of_map (test, (const char *const[]){"echo new > out", WAIT_FOR_EVER, NULL});

  assert_out (test, "new\n");
  g_assert_null (strstr (message, "incomplete"));
}

static void
next_task_of_a_worker_is_said_to_leave_nothing (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) first = submit_one (test, "write-in-place", "echo new > out");
  g_autoptr (FerryTask) task = NULL;
  GPid parent;

  command_test_wait (first);
  task = submit_steps (test, {WAIT_FOR_EVER, UNLESS_FAILED});
  parent = command_test_wait_pid (test->command, "parent");
  ferry_test_run_until (has_process, task);
  ferry_test_kill (ferry_test_get_process (task), SIGKILL);
  g_assert_null (strstr (command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST)->message, "incomplete"));
  command_test_wait_gone (parent);
}

static void
file_that_is_damaged_is_named_once (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = NULL;
  const GError *error;

  write_old (test);
  task = submit_one (test, "write-in-place", "echo half > out; exit 3");
  error = command_test_wait_failed (task, G_SPAWN_EXIT_ERROR, 3);
  g_assert_cmpstr (error->message, ==,
                   "'sh' ended with status 3; 'out' may be damaged, since it was written in place and not finished");
}

static void
file_that_is_damaged_is_named_after_a_cancel (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;

  write_old (test);
  task = submit_one (test, "write-in-place", "echo half > out; " WAIT_FOR_EVER);
  command_test_wait_pid (test->command, "child");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  g_assert_null (ferry_task_get_result (task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_nonnull (strstr (error->message, "to run it again; 'out' may be damaged, since it was written in place"));
}

static void
file_that_is_damaged_is_named_whatever_the_function_says_after_a_cancel (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;

  write_old (test);
  task = submit_one (test, "write-in-place-and-say-nothing", "echo half > out; " WAIT_FOR_EVER);
  command_test_wait_pid (test->command, "child");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  g_assert_null (ferry_task_get_result (task, &error));
  ferry_test_assert_says (error->message, "to run it again; 'out' may be damaged, since it was written in place");
}

/* The step has succeeded, and the function ends before it has. */
static void
file_of_a_step_that_has_succeeded_is_named_after_a_cancel (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;

  write_old (test);
  task = submit_one (test, "write-in-place-and-wait", "echo half > out");
  command_test_wait_file (test->command, "waits");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  g_assert_null (ferry_task_get_result (task, &error));
  ferry_test_assert_says (error->message, "to run it again; 'out' may be damaged, since it was written in place");
}

/* The worker of the program, which is its parent. */
static void
program_that_loses_its_worker_leaves_no_half_of_a_new_file (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_one (test, "write-in-place", "echo half > out; kill -9 $PPID; " WAIT_FOR_EVER);

  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_true (has_no_out (test));
}

static void
answer (FerryTask *task, const char *question, GPtrArray *questions)
{
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (questions, g_strdup (question));
  g_assert_true (
    ferry_task_answer (task, questions->len == 1 ? "first\n" : "second\n", questions->len == 1 ? 6 : 7, &error));
  g_assert_no_error (error);
}

static void
programs_ask_the_user_of_the_task (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (GPtrArray) questions = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (FerryTask) task =
    make_task (test, "steps",
               (const Script[]){{"printf 'One: '; read x; echo $x > $1/answer", UNLESS_FAILED},
                                {"printf 'Two: ' >&2; read x; cat $1/answer; echo $x", UNLESS_FAILED},
                                {NULL, FALSE}});
  g_autoptr (GError) error = NULL;

  g_object_set (task, "interactive", TRUE, NULL);
  g_signal_connect (task, "asks", G_CALLBACK (answer), questions);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  assert_result (task, "first\nsecond\n");
  g_assert_cmpuint (questions->len, ==, 2);
  g_assert_cmpstr (questions->pdata[0], ==, "One:");
  g_assert_cmpstr (questions->pdata[1], ==, "Two:");
}

static void
programs_ask_nobody_where_the_task_is_not_interactive (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryTask) task = submit_steps (test, {"printf 'One: '; read x || echo end", UNLESS_FAILED});

  assert_result (task, "One: end\n");
}

static void
register_functions (void)
{
  ferry_function_register ("steps", "(sa(sb))", "s", run_steps);
  ferry_function_register ("at-a-time", "(sa(sb))", "s", run_at_a_time);
  ferry_function_register ("missing", "", "", run_missing);
  ferry_function_register ("write-file", "(sbi)", "s", write_file);
  ferry_function_register ("leave-behind", "s", "()", leave_behind);
  ferry_function_register ("fill-scratch", "s", "", fill_scratch);
  ferry_function_register ("write-two", "(ssb)", "()", write_two);
  ferry_function_register ("write-in-place", "(ss)", "()", write_in_place);
  ferry_function_register ("write-in-place-and-wait", "(ss)", "()", write_in_place_and_wait);
  ferry_function_register ("write-in-place-and-say-nothing", "(ss)", "()", write_in_place_and_say_nothing);
  ferry_function_register ("say-and-run", "(ss)", "()", say_and_run);
}

/* Not to be registered, as an unknown function is: a function runs a command, or another executor does. */
static void
test_refuses_a_command_that_its_workers_do_not_run (void)
{
  g_autoptr (Test) test = test_new ();
  g_autoptr (FerryCommand) command = ferry_command_new ((const char *const[]){"true", NULL});
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_executor_submit_command (test->executor, command, &error);

  g_assert_null (task);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
  ferry_test_assert_says (error->message, "ferry_executor_new_for_commands()");
  ferry_test_assert_says (error->message, "ferry_job_run_command()");
}

#define ADD(name, func) g_test_add_func ("/job-command/" name, func)

static void
add_tests_of_files (void)
{
  ADD ("files-that-are-in-place-are-the-result-whatever-is-cancelled",
       files_that_are_in_place_are_the_result_whatever_is_cancelled);
  ADD ("files-are-in-place-when-the-function-has-succeeded", files_are_in_place_when_the_function_has_succeeded);
  ADD ("files-stay-as-they-were-when-the-function-fails", files_stay_as_they_were_when_the_function_fails);
  ADD ("files-of-all-programs-stay-where-one-cannot-be-moved", files_of_all_programs_stay_where_one_cannot_be_moved);
  ADD ("program-that-does-not-write-its-file-fails", program_that_does_not_write_its_file_fails);
  ADD ("new-file-is-gone-when-the-function-fails", new_file_is_gone_when_the_function_fails);
  ADD ("files-stay-as-they-were-when-the-function-is-cancelled",
       files_stay_as_they_were_when_the_function_is_cancelled);
  ADD ("worker-that-is-told-to-end-tidies-up", worker_that_is_told_to_end_tidies_up);
  ADD ("worker-that-is-told-to-end-tidies-up-before-its-first-program",
       worker_that_is_told_to_end_tidies_up_before_its_first_program);
  ADD ("worker-that-is-told-to-end-ends-its-program", worker_that_is_told_to_end_ends_its_program);
  ADD ("worker-that-is-killed-leaves-no-half-of-a-new-file", worker_that_is_killed_leaves_no_half_of_a_new_file);
  ADD ("killed-worker-is-said-to-leave-a-file-incomplete", killed_worker_is_said_to_leave_a_file_incomplete);
  ADD ("killed-worker-of-a-map-is-said-to-leave-a-file-incomplete",
       killed_worker_of_a_map_is_said_to_leave_a_file_incomplete);
  ADD ("next-item-of-a-map-is-said-to-leave-nothing", next_item_of_a_map_is_said_to_leave_nothing);
  ADD ("next-task-of-a-worker-is-said-to-leave-nothing", next_task_of_a_worker_is_said_to_leave_nothing);
  ADD ("file-that-is-damaged-is-named-once", file_that_is_damaged_is_named_once);
  ADD ("file-that-is-damaged-is-named-after-a-cancel", file_that_is_damaged_is_named_after_a_cancel);
  ADD ("file-that-is-damaged-is-named-whatever-the-function-says-after-a-cancel",
       file_that_is_damaged_is_named_whatever_the_function_says_after_a_cancel);
  ADD ("file-of-a-step-that-has-succeeded-is-named-after-a-cancel",
       file_of_a_step_that_has_succeeded_is_named_after_a_cancel);
  ADD ("program-that-loses-its-worker-leaves-no-half-of-a-new-file",
       program_that_loses_its_worker_leaves_no_half_of_a_new_file);
}

int
main (int argc, char **argv)
{
  g_autofree char *cache = NULL;
  int status;

  register_functions ();
  ferry_worker_main (&argc, &argv);
  /* Workers get it with the environment. */
  cache = g_dir_make_tmp ("ferry-cache-XXXXXX", NULL);
  scratch_parent = g_build_filename (cache, "ferry", NULL);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_test_init (&argc, &argv, NULL);
  ADD ("refuses-a-command-that-its-workers-do-not-run", test_refuses_a_command_that_its_workers_do_not_run);
  ADD ("two-programs-are-one-task", two_programs_are_one_task);
  ADD ("programs-are-to-the-kernel-as-the-application", programs_are_to_the_kernel_as_the_application);
  ADD ("two-programs-make-one-bar", two_programs_make_one_bar);
  ADD ("bar-of-a-program-that-is-taken-back-is-that-of-the-task",
       bar_of_a_program_that_is_taken_back_is_that_of_the_task);
  ADD ("lines-are-messages-of-the-task", lines_are_messages_of_the_task);
  ADD ("step-that-fails-is-the-error-of-the-task", step_that_fails_is_the_error_of_the_task);
  ADD ("missing-program-is-the-error-of-the-task", missing_program_is_the_error_of_the_task);
  ADD ("cancel-ends-the-program-and-runs-what-tidies-up", cancel_ends_the_program_and_runs_what_tidies_up);
  ADD ("stubborn-program-ends-before-its-worker", stubborn_program_ends_before_its_worker);
  ADD ("run-timeout-is-one-of-the-whole", run_timeout_is_one_of_the_whole);
  ADD ("may-be-cancelled-at-any-moment", may_be_cancelled_at_any_moment);
  ADD ("pause-stops-the-program", pause_stops_the_program);
  ADD ("program-of-a-function-that-says-nothing-can-be-paused", program_of_a_function_that_says_nothing_can_be_paused);
  ADD ("what-a-function-has-said-stays-while-a-program-says-nothing",
       what_a_function_has_said_stays_while_a_program_says_nothing);
  ADD ("worker-that-is-killed-leaves-nothing-after-the-next-run",
       worker_that_is_killed_leaves_nothing_after_the_next_run);
  ADD ("several-may-run-at-a-time", several_may_run_at_a_time);
  ADD ("cleaning-up-has-the-grace-time-of-programs", cleaning_up_has_the_grace_time_of_programs);
  ADD ("program-that-is-left-behind-ends-before-the-task", program_that_is_left_behind_ends_before_the_task);
  add_tests_of_files ();
  ADD ("programs-ask-the-user-of-the-task", programs_ask_the_user_of_the_task);
  ADD ("programs-ask-nobody-where-the-task-is-not-interactive", programs_ask_nobody_where_the_task_is_not_interactive);
  status = g_test_run ();
  g_rmdir (scratch_parent);
  g_rmdir (cache);
  g_free (scratch_parent);
  return status;
}
