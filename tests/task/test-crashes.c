/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-crash.c, link/ferry-crash-report.c, process/ferry-symbolizer.c, process/ferry-symbolizer-main.c,
 * process/ferry-symbol-table-dw.c, process/ferry-symbol-table-elf.c, process/ferry-module-identity.c,
 * engine/ferry-visits.c, engine/ferry-exit.c
 *
 * Workers that crash: where, as the task and the exit record tell. */

#include "config.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "task/task-test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED TRUE
#else
#define IS_SANITIZED FALSE
#endif

/* Whether the test has to be left out, since a sanitizer does this. */
static gboolean
skip_if_sanitized (const char *what)
{
  if (IS_SANITIZED)
    g_test_skip_printf ("A sanitizer %s", what);
  return IS_SANITIZED;
}

static FerryLauncher *
make_launcher_of (const char *program)
{
  g_autofree char *path = ferry_test_build_path (program);
  const char *argv[] = {path, NULL};

  return ferry_launcher_new (argv);
}

static FerryLauncher *
make_launcher (void)
{
  return make_launcher_of ("crashing-worker");
}

static TaskTest *
begin (void)
{
  g_autoptr (FerryLauncher) launcher = make_launcher ();

  return task_test_new_with_launcher (launcher, 1);
}

static TaskTest *
begin_in_sandbox (FerrySandboxPolicy policy)
{
  g_autoptr (FerryLauncher) launcher = make_launcher ();
  g_autoptr (FerrySandbox) sandbox = ferry_sandbox_new ();

  g_object_set (sandbox, "policy", policy, NULL);
  g_object_set (launcher, "sandbox", sandbox, NULL);
  ferry_sandbox_get_strength ();
  return task_test_new_with_launcher (launcher, 1);
}

static FerryTask *
crash (TaskTest *test, const char *way)
{
  return task_test_submit (test->executor, "crash", g_variant_new_string (way));
}

/* Asserts that the task was lost by a signal, and returns (transfer none) where: what its exit record says, which its
 * trace has as well. */
static const char *
assert_crashed (FerryTask *task, int signal_number)
{
  const char *backtrace;
  FerryExit *exit;
  g_auto (GStrv) lines = NULL;

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  exit = ferry_task_get_exit (task);
  g_assert_cmpint (ferry_exit_get_signal (exit), ==, signal_number);
  backtrace = ferry_test_get_string (exit, "backtrace");
  g_assert_nonnull (backtrace);
  g_test_message ("%s", backtrace);
  lines = g_strsplit (backtrace, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *number = g_strdup_printf ("#%u ", i);

      g_assert_true (g_str_has_prefix (lines[i], number));
      ferry_test_assert_says (ferry_test_get_string (task, "trace"), lines[i]);
    }
  return backtrace;
}

/* The first line has these words. */
static void
assert_first (const char *backtrace, const char *words)
{
  g_autofree char *first = g_strndup (backtrace, strcspn (backtrace, "\n"));

  ferry_test_assert_says (first, words);
}

static void
says_which_function_read_null (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "read-null");
  const char *backtrace = assert_crashed (task, SIGSEGV);

  assert_first (backtrace, "#0 crash_reading_null+0x");
  assert_first (backtrace, " (crashing-worker+0x");
  assert_first (backtrace, ", which used address 0x0");
  ferry_test_assert_says (backtrace, "crash_by+0x");
  ferry_test_assert_says (backtrace, "ferry_worker_main+0x");
  ferry_test_assert_says (backtrace, "main+0x");
  ferry_test_assert_says (ferry_test_get_string (task, "trace"), "in function 'crash' of process ");
  task_test_wait_message ("(Segmentation fault). It was here:\n#0 crash_reading_null+0x");
}

static void
says_which_function_called_null (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "call-null");
  const char *backtrace = assert_crashed (task, SIGSEGV);

  assert_first (backtrace, "#0 0x0, which used address 0x0");
  ferry_test_assert_says (backtrace, "#1 crash_calling_null+0x");
}

static void
says_which_function_used_up_its_stack (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "overflow");
  const char *backtrace = assert_crashed (task, SIGSEGV);

  g_auto (GStrv) lines = g_strsplit (backtrace, "\n", 4);

  assert_first (backtrace, "#0 crash_overflowing+0x");
  ferry_test_assert_says (lines[1], "#1 crash_overflowing+0x");
  g_assert_true (g_str_has_suffix (lines[1], " (calls itself)"));
  ferry_test_assert_says (lines[2], "#2 crash_by+0x");
  ferry_test_assert_says (lines[3], "main+0x");
}

/* More frames than there are of any other kind, and the caller is told. */
static void
says_which_functions_called_each_other_until_their_stack_was_used_up (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "overflow-in-turns");
  const char *backtrace = assert_crashed (task, SIGSEGV);

  ferry_test_assert_says (backtrace, "#1 crash_");
  ferry_test_assert_says (backtrace, "ing_turns+0x");
  ferry_test_assert_says (backtrace, " (called by #1 again)\n#3 crash_");
  ferry_test_assert_says (backtrace, " crash_by+0x");
  ferry_test_assert_says (backtrace, "main+0x");
}

static void
says_who_gave_memory_back_twice (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "free-twice");
  const char *backtrace = assert_crashed (task, SIGABRT);

  ferry_test_assert_says (backtrace, "abort+0x");
  ferry_test_assert_says (backtrace, "crash_freeing_twice+0x");
}

static void
says_the_place_in_a_library_without_symbols (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "abort-unnamed");
  const char *backtrace = assert_crashed (task, SIGABRT);

  ferry_test_assert_says (backtrace, " unnamed-library.so+0x");
  ferry_test_assert_says (backtrace, "call_unnamed+0x");
  g_assert_null (strstr (backtrace, "abort_without_a_name"));
}

static void
says_what_gave_an_error_of_glib (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "error");

  ferry_test_assert_says (assert_crashed (task, SIGTRAP), "crash_by+0x");
}

static void
says_what_sent_a_signal (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "kill");
  const char *backtrace = assert_crashed (task, SIGSEGV);

  ferry_test_assert_says (backtrace, "crash_by+0x");
  g_assert_null (strstr (backtrace, "which used"));
}

static void
says_as_much_as_a_spoiled_stack_has (void)
{
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;

  if (skip_if_sanitized ("looks at the stack where the walk leaves it"))
    return;
  test = begin ();
  task = crash (test, "spoil-stack");
  assert_first (assert_crashed (task, SIGSEGV), "#0 crash_spoiling+0x");
}

static void
says_where_a_thread_was (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "in-thread");
  const char *backtrace = assert_crashed (task, SIGSEGV);

  assert_first (backtrace, "#0 crash_reading_null+0x");
  ferry_test_assert_says (backtrace, "#1 crash_in_thread+0x");
  g_assert_null (strstr (backtrace, "ferry_worker_main"));
}

/* The first one tells, and no other one ends the process meanwhile. */
static void
says_where_one_of_many_threads_was (void)
{
  g_autoptr (TaskTest) test = begin ();

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (FerryTask) task = crash (test, "in-threads");

      assert_first (assert_crashed (task, SIGSEGV), "#0 crash_reading_null+0x");
    }
}

static void
says_what_a_handler_of_a_signal_interrupted (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "in-handler");
  const char *backtrace = assert_crashed (task, SIGSEGV);

  assert_first (backtrace, "#0 crash_reading_null+0x");
  ferry_test_assert_says (backtrace, "#1 crash_in_handler+0x");
  ferry_test_assert_says (backtrace, "#2 <signal handler called>");
  ferry_test_assert_says (backtrace, "crash_by+0x");
}

/* Where there is a compiler for it. */
static void
says_what_threw_an_exception (void)
{
  g_autofree char *path = ferry_test_build_path ("throwing-worker");
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("There is no compiler of C++");
      return;
    }
  launcher = make_launcher_of ("throwing-worker");
  test = task_test_new_with_launcher (launcher, 1);
  task = task_test_submit (test->executor, "throw", NULL);
  ferry_test_assert_says (assert_crashed (task, SIGABRT), " decoder::Header::parse(char const*)+0x");
}

static void
says_the_same_of_a_fork_and_of_what_is_executed (void)
{
  for (gboolean is_forked = FALSE; is_forked <= TRUE; is_forked++)
    {
      g_autoptr (TaskTest) test = begin ();
      g_autoptr (FerryTask) task = NULL;

      g_object_set (test->pool, "use-fork-server", is_forked, NULL);
      task = crash (test, "read-null");
      assert_first (assert_crashed (task, SIGSEGV), "#0 crash_reading_null+0x");
      g_assert_cmpint (ferry_exit_get_reason (ferry_task_get_exit (task)), ==, FERRY_CLOSE_REASON_KILLED);
    }
}

static void
says_the_same_of_a_program_with_a_relative_path (void)
{
  static const char *const argv[] = {"./crashing-worker", NULL};
  g_autofree char *path = ferry_test_build_path ("crashing-worker");
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *before = g_get_current_dir ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_assert_cmpint (g_chdir (folder), ==, 0);
  test = task_test_new_with_launcher (launcher, 1);
  task = crash (test, "read-null");
  assert_first (assert_crashed (task, SIGSEGV), "#0 crash_reading_null+0x");
  g_assert_cmpint (g_chdir (before), ==, 0);
}

/* ---- files that others replace ---- */

/* (transfer full): the path of a copy of a file of the build, in the folder. */
static char *
copy_file (const char *name, const char *folder, const char *copy_name)
{
  g_autofree char *path = ferry_test_build_path (name);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  char *copy_path = g_build_filename (folder, copy_name, NULL);
  g_autoptr (GFile) copy = g_file_new_for_path (copy_path);
  g_autoptr (GError) error = NULL;

  g_file_copy (file, copy, G_FILE_COPY_NONE, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  return copy_path;
}

/* (transfer full): the backtrace of a worker in the library, whose place another one takes, if there is one. */
static char *
crash_in_library (const char *library, const char *replacement)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autofree char *path = copy_file (library, folder, "library.so");
  g_autofree char *other = replacement != NULL ? copy_file (replacement, folder, "other.so") : NULL;
  g_autoptr (FerryLauncher) launcher = make_launcher ();
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;
  char *backtrace;

  ferry_launcher_setenv (launcher, "FERRY_TEST_LIBRARY", path);
  if (other != NULL)
    ferry_launcher_setenv (launcher, "FERRY_TEST_REPLACEMENT", other);
  test = task_test_new_with_launcher (launcher, 1);
  task = crash (test, "abort-replaced");
  backtrace = g_strdup (assert_crashed (task, SIGABRT));
  g_unlink (path);
  g_rmdir (folder);
  return backtrace;
}

static void
knows_a_library_by_its_build (void)
{
  static const char *const libraries[] = {"named-library.so", "unidentified-library.so"};

  for (guint i = 0; i < G_N_ELEMENTS (libraries); i++)
    {
      g_autofree char *same = crash_in_library (libraries[i], NULL);
      g_autofree char *copied = crash_in_library (libraries[i], libraries[i]);
      g_autofree char *other = crash_in_library (libraries[i], libraries[1 - i]);

      ferry_test_assert_says (same, " run+0x");
      ferry_test_assert_says (copied, " run+0x");
      g_assert_null (strstr (other, " run+0x"));
      ferry_test_assert_says (other, " library.so+0x");
      ferry_test_assert_says (other, " (changed on disk since it was loaded)");
      ferry_test_assert_says (other, " call_replaced+0x");
    }
}

static void
knows_the_program_by_its_build (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autofree char *program = copy_file ("crashing-worker", folder, "program");
  g_autofree char *other = copy_file ("named-library.so", folder, "other");
  const char *argv[] = {program, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;
  const char *backtrace;

  ferry_launcher_setenv (launcher, "FERRY_TEST_REPLACEMENT", other);
  test = task_test_new_with_launcher (launcher, 1);
  task = crash (test, "replaced");
  backtrace = assert_crashed (task, SIGSEGV);
  assert_first (backtrace, "#0 program+0x");
  assert_first (backtrace, " (changed on disk since it was loaded), which used address 0x0");
  ferry_test_assert_says (backtrace, "ferry_worker_main+0x");
  g_unlink (program);
  g_rmdir (folder);
}

static void
says_the_same_in_a_sandbox (void)
{
  g_autoptr (TaskTest) test = begin_in_sandbox (FERRY_SANDBOX_POLICY_PREFERRED);
  g_autoptr (FerryTask) null = crash (test, "read-null");
  g_autoptr (FerryTask) overflow = crash (test, "overflow");
  g_autoptr (FerryTask) twice = crash (test, "free-twice");

  assert_first (assert_crashed (null, SIGSEGV), "#0 crash_reading_null+0x");
  assert_first (assert_crashed (overflow, SIGSEGV), "#0 crash_overflowing+0x");
  ferry_test_assert_says (assert_crashed (twice, SIGABRT), "crash_freeing_twice+0x");
}

/* ---- what stays as it was ---- */

static void
leaves_a_handler_of_the_program_alone (void)
{
  g_autoptr (FerryLauncher) launcher = make_launcher ();
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;

  ferry_launcher_setenv (launcher, "FERRY_TEST_HANDLER", "1");
  test = task_test_new_with_launcher (launcher, 1);
  /* A fork has the actions of the system. */
  g_object_set (test->pool, "use-fork-server", FALSE, NULL);
  task = crash (test, "read-null");
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_cmpint (ferry_exit_get_exit_status (ferry_task_get_exit (task)), ==, 42);
  g_assert_null (ferry_test_get_string (ferry_task_get_exit (task), "backtrace"));
  g_assert_null (ferry_test_get_string (task, "trace"));
}

/* A child that a worker forks has the worker's socket. */
static void
says_nothing_of_a_child_of_the_worker (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) child = task_test_submit (test->executor, "in-child", NULL);
  g_autoptr (FerryTask) left = NULL;

  task_test_assert_result (child, "11");
  left = task_test_submit (test->executor, "lie", g_variant_new_string ("no packet"));
  task_test_assert_failed (left, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_null (strstr (ferry_test_get_string (ferry_task_get_exit (left), "backtrace"), "crash_reading_null"));
}

/* It would be given time to tidy up. */
static void
leaves_the_signal_of_an_end_alone (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "listens", NULL);

  task_test_assert_result (task, "false");
}

/* Where the system writes core dumps into a file of the folder of temporary files, by number. */
static void
leaves_a_core_dump (void)
{
  static const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  g_autofree char *pattern = NULL;
  g_autofree char *path = NULL;
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;
  struct rlimit before;

  if (skip_if_sanitized ("allows no core dump"))
    return;
  getrlimit (RLIMIT_CORE, &before);
  if (!g_file_get_contents ("/proc/sys/kernel/core_pattern", &pattern, NULL, NULL) ||
      !g_str_equal (g_strchomp (pattern), "/tmp/core.%p") || setrlimit (RLIMIT_CORE, &all) < 0)
    {
      g_test_skip ("The system writes core dumps elsewhere");
      return;
    }
  test = begin ();
  task = crash (test, "read-null");
  assert_crashed (task, SIGSEGV);
  setrlimit (RLIMIT_CORE, &before);
  path = g_strdup_printf ("/tmp/core.%d", (int) ferry_test_get_process (ferry_task_get_exit (task)));
  g_assert_true (ferry_test_get_number (ferry_task_get_exit (task), "core-dumped"));
  g_assert_cmpint (g_unlink (path), ==, 0);
}

/* ---- limits of time ---- */

static const char *
run_out_of_time (TaskTest *test, const char *way, gint64 grace)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_string (way));
  const char *trace;

  g_object_set (task, "run-timeout", (gint64) G_USEC_PER_SEC / 2, "cancel-grace", grace, NULL);
  task_test_submit_task (test->executor, task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  trace = ferry_test_get_string (task, "trace");
  g_assert_nonnull (trace);
  return trace;
}

static void
says_where_a_function_was_when_its_time_was_over (void)
{
  g_autoptr (TaskTest) test = begin ();

  ferry_test_assert_says (run_out_of_time (test, "spin-here", G_USEC_PER_SEC), "#0 spin_here+0x");
  ferry_test_assert_says (run_out_of_time (test, "sleep-here", G_USEC_PER_SEC), "sleep_here+0x");
}

/* What asks it ends its sleep, and it would go on. */
static void
asks_a_function_that_would_return_then (void)
{
  g_autoptr (TaskTest) test = begin ();

  ferry_test_assert_says (run_out_of_time (test, "sleep-once", G_USEC_PER_SEC), " sleep_once+0x");
}

static gboolean
is_half_done (gpointer task)
{
  return ferry_task_get_fraction (task) == 0.5;
}

/* Somebody who looks asks it, such as the page of the inspector, and its time is not over. */
static void
asks_a_function_that_goes_on_at_once (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "asked", NULL);

  ferry_test_run_until (is_half_done, task);
  ferry_worker_send_signal (ferry_test_get_worker (test->pool, task), SIGWINCH);
  task_test_assert_result (task, "false");
}

/* Terminals and people send the signal, too. Nothing is said, and none of it counts against the worker. */
static void
minds_no_such_signal_of_others (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "asked", NULL);
  g_autoptr (FerryWorker) worker = NULL;

  ferry_test_run_until (is_half_done, task);
  worker = g_object_ref (ferry_test_get_worker (test->pool, task));
  ferry_test_signal_often (ferry_test_get_process (worker), SIGWINCH, ferry_test_times (300, 3000));
  task_test_assert_result (task, "false");
  g_assert_cmpuint (ferry_router_get_counter (test->router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, 0);
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  g_assert_null (ferry_test_get_string (ferry_test_get_object (worker, "exit"), "backtrace"));
}

static gboolean
send_one (gpointer pid)
{
  ferry_test_signal_often (GPOINTER_TO_INT (pid), SIGWINCH, 10);
  return G_SOURCE_CONTINUE;
}

static void
asks_amid_such_signals_of_others (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "listens", NULL);
  guint sender;

  task_test_wait_done (task);
  sender = g_idle_add (send_one, GINT_TO_POINTER (ferry_test_get_process (ferry_test_get_worker (test->pool, task))));
  ferry_test_assert_says (run_out_of_time (test, "spin-here", G_USEC_PER_SEC), "#0 spin_here+0x");
  g_source_remove (sender);
}

/* One that looks is not asked. */
static void
says_where_a_function_heard_that_its_time_was_over (void)
{
  g_autoptr (TaskTest) test = begin ();
  const char *trace = run_out_of_time (test, "look-here", 60 * (gint64) G_USEC_PER_SEC);
  g_auto (GStrv) lines = g_strsplit (trace, "\n", -1);

  g_test_message ("%s", trace);
  g_assert_true (g_str_has_prefix (lines[0], "in function 'crash' of process "));
  ferry_test_assert_says (trace, "ferry_job_check");
  g_assert_cmpuint (g_strv_length (lines), >, 3);
}

static void
says_where_a_function_was_that_had_not_heard_of_its_cancel (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_string ("spin-here"));

  g_object_set (task, "cancel-grace", (gint64) G_USEC_PER_SEC / 10, NULL);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun_unheard (task);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  g_assert_nonnull (ferry_test_get_string (task, "trace"));
  ferry_test_assert_says (ferry_test_get_string (task, "trace"), "#0 spin_here+0x");
}

/* What asks it must not make it crash: it may have to tidy up. */
static void
asks_a_function_whose_stack_is_spoiled (void)
{
  g_autoptr (TaskTest) test = NULL;

  if (skip_if_sanitized ("looks at the stack where the walk leaves it"))
    return;
  test = begin ();
  ferry_test_assert_says (run_out_of_time (test, "spin-spoiled", G_USEC_PER_SEC), "#0 spin_spoiled+0x");
}

/* ---- what a hostile worker says ---- */

static void
assert_lie_fails (const char *lie, const char *words)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "lie", g_variant_new_string (lie));

  ferry_test_assert_says (task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST)->message, words);
}

static void
refuses_what_is_malformed (void)
{
  assert_lie_fails ("frames", "it has more than 64 frames");
  assert_lie_fails ("module", "it has a frame in none of its files");
  assert_lie_fails ("names", "it has other names than it says");
  assert_lie_fails ("signal", "it has no signal");
  assert_lie_fails ("identity", "it has an identity of more than 32 bytes");
}

static void
refuses_to_hear_it_over_and_over (void)
{
  assert_lie_fails ("often", "said over and over where it crashed");
}

static const char *
believe (TaskTest *test, const char *lie)
{
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "lie", g_variant_new_string (lie));

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_cmpint (ferry_exit_get_exit_status (ferry_task_get_exit (task)), ==, 3);
  return ferry_test_get_string (ferry_task_get_exit (task), "backtrace");
}

static void
takes_what_it_hears_for_text (void)
{
  g_autoptr (TaskTest) test = begin ();
  const char *largest;

  g_assert_cmpstr (believe (test, "nonsense"), ==, "#0 ?[31mred?line\357\277\275+0x0, which used address 0x0");
  g_assert_cmpstr (believe (test, "zero"), ==, "#0 zero+0x0, which used address 0x0");
  largest = believe (test, "largest");
  g_assert_cmpuint (strlen (largest), <, 16384);
  g_assert_true (g_utf8_validate (largest, -1, NULL));
}

/* ---- many ---- */

static void
leaves_nothing_behind (void)
{
  static const char *const ways[] = {"read-null", "abort", "overflow", "call-null"};
  const guint n = ferry_test_times (200, 1000);
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  ferry_pool_set_max_workers (test->pool, 4);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (tasks, crash (test, ways[i % G_N_ELEMENTS (ways)]));
  for (guint i = 0; i < n; i++)
    {
      task_test_wait_done (tasks->pdata[i]);
      ferry_test_assert_says (ferry_test_get_string (ferry_task_get_exit (tasks->pdata[i]), "backtrace"), "crash_");
    }
}

/* Of links whose names are being looked up. */
static void
stops_meanwhile (void)
{
  g_autoptr (TaskTest) test = begin ();
  g_autoptr (FerryTask) task = crash (test, "read-null");
  g_autoptr (GError) error = NULL;

  task_test_wait_begun_unheard (task);
  ferry_router_stop (test->router, &error);
  g_assert_no_error (error);
  task_test_wait_done (task);
}

/* ---- without the program ---- */

static void
says_places_without_the_program (void)
{
  g_test_trap_subprocess ("/crashes/without-the-program/subprocess", 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

static void
without_the_program (void)
{
  g_autoptr (TaskTest) test = NULL;
  g_autoptr (FerryTask) task = NULL;

  g_setenv ("FERRY_SYMBOLIZER", "/nonexistent", TRUE);
  test = begin ();
  task = crash (test, "read-null");
  assert_first (assert_crashed (task, SIGSEGV), "#0 crashing-worker+0x");
}

/* Workers that begin with other handlers would keep those. */
static void
have_sanitizers_leave_signals (const char *variable)
{
  const char *before = g_getenv (variable);
  g_autofree char *options =
    g_strdup_printf ("%s:handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:handle_sigtrap=0:"
                     "use_sigaltstack=0",
                     before != NULL ? before : "");

  if (IS_SANITIZED)
    g_setenv (variable, options, TRUE);
}

int
main (int argc, char **argv)
{
  have_sanitizers_leave_signals ("ASAN_OPTIONS");
  have_sanitizers_leave_signals ("TSAN_OPTIONS");
  task_test_init (&argc, &argv);

  g_test_add_func ("/crashes/says-which-function-read-null", says_which_function_read_null);
  g_test_add_func ("/crashes/says-which-function-called-null", says_which_function_called_null);
  g_test_add_func ("/crashes/says-which-function-used-up-its-stack", says_which_function_used_up_its_stack);
  g_test_add_func ("/crashes/says-which-functions-called-each-other-until-their-stack-was-used-up",
                   says_which_functions_called_each_other_until_their_stack_was_used_up);
  g_test_add_func ("/crashes/says-who-gave-memory-back-twice", says_who_gave_memory_back_twice);
  g_test_add_func ("/crashes/says-the-place-in-a-library-without-symbols", says_the_place_in_a_library_without_symbols);
  g_test_add_func ("/crashes/says-what-gave-an-error-of-glib", says_what_gave_an_error_of_glib);
  g_test_add_func ("/crashes/says-what-sent-a-signal", says_what_sent_a_signal);
  g_test_add_func ("/crashes/says-as-much-as-a-spoiled-stack-has", says_as_much_as_a_spoiled_stack_has);
  g_test_add_func ("/crashes/says-where-a-thread-was", says_where_a_thread_was);
  g_test_add_func ("/crashes/says-where-one-of-many-threads-was", says_where_one_of_many_threads_was);
  g_test_add_func ("/crashes/says-what-a-handler-of-a-signal-interrupted", says_what_a_handler_of_a_signal_interrupted);
  g_test_add_func ("/crashes/says-what-threw-an-exception", says_what_threw_an_exception);
  g_test_add_func ("/crashes/says-the-same-of-a-fork-and-of-what-is-executed",
                   says_the_same_of_a_fork_and_of_what_is_executed);
  g_test_add_func ("/crashes/says-the-same-of-a-program-with-a-relative-path",
                   says_the_same_of_a_program_with_a_relative_path);
  g_test_add_func ("/crashes/knows-a-library-by-its-build", knows_a_library_by_its_build);
  g_test_add_func ("/crashes/knows-the-program-by-its-build", knows_the_program_by_its_build);
  g_test_add_func ("/crashes/says-the-same-in-a-sandbox", says_the_same_in_a_sandbox);
  g_test_add_func ("/crashes/leaves-a-handler-of-the-program-alone", leaves_a_handler_of_the_program_alone);
  g_test_add_func ("/crashes/says-nothing-of-a-child-of-the-worker", says_nothing_of_a_child_of_the_worker);
  g_test_add_func ("/crashes/leaves-the-signal-of-an-end-alone", leaves_the_signal_of_an_end_alone);
  g_test_add_func ("/crashes/leaves-a-core-dump", leaves_a_core_dump);
  g_test_add_func ("/crashes/says-where-a-function-was-when-its-time-was-over",
                   says_where_a_function_was_when_its_time_was_over);
  g_test_add_func ("/crashes/asks-a-function-that-would-return-then", asks_a_function_that_would_return_then);
  g_test_add_func ("/crashes/asks-a-function-that-goes-on-at-once", asks_a_function_that_goes_on_at_once);
  g_test_add_func ("/crashes/says-where-a-function-heard-that-its-time-was-over",
                   says_where_a_function_heard_that_its_time_was_over);
  g_test_add_func ("/crashes/says-where-a-function-was-that-had-not-heard-of-its-cancel",
                   says_where_a_function_was_that_had_not_heard_of_its_cancel);
  g_test_add_func ("/crashes/minds-no-such-signal-of-others", minds_no_such_signal_of_others);
  g_test_add_func ("/crashes/asks-amid-such-signals-of-others", asks_amid_such_signals_of_others);
  g_test_add_func ("/crashes/asks-a-function-whose-stack-is-spoiled", asks_a_function_whose_stack_is_spoiled);
  g_test_add_func ("/crashes/refuses-what-is-malformed", refuses_what_is_malformed);
  g_test_add_func ("/crashes/refuses-to-hear-it-over-and-over", refuses_to_hear_it_over_and_over);
  g_test_add_func ("/crashes/takes-what-it-hears-for-text", takes_what_it_hears_for_text);
  g_test_add_func ("/crashes/leaves-nothing-behind", leaves_nothing_behind);
  g_test_add_func ("/crashes/stops-meanwhile", stops_meanwhile);
  g_test_add_func ("/crashes/says-places-without-the-program", says_places_without_the_program);
  g_test_add_func ("/crashes/without-the-program/subprocess", without_the_program);
  return g_test_run ();
}
