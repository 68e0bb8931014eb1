/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-monitor.c, command-worker/command-progress.c
 *
 * A command that says no more than a percentage has a time that is left, and one that says nothing is none that hangs.
 * Whoever cancels it, or gives it too little time, reads which file is half written. */

#include "config.h"

#include <ferry-gtk.h>

#include "command/command-test.h"
#include "ferry-test.h"

static gboolean
has_time_left (gpointer monitor)
{
  g_assert_cmpint (ferry_test_get_number (monitor, "status"), <=, FERRY_TASK_STATUS_RUNNING);
  return ferry_test_get_number (monitor, "time-left") > 0;
}

/* It goes on for some minutes where nobody has seen the time. */
static void
test_has_a_time_that_is_left (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autofree char *seen = command_test_path (test, "seen");
  g_autoptr (FerryTask) task = command_test_submit_script (
    test,
    "i=0; while [ ! -e seen ]; do i=$((i + 1)); printf '%d.%02d%%\\r' $((i / 20)) $((i % 20 * 5)); sleep 0.1; done",
    NULL);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);

  ferry_test_run_until (has_time_left, monitor);
  g_assert_cmpint (ferry_test_get_number (monitor, "indeterminate"), ==, FALSE);
  g_assert_true (g_file_set_contents (seen, "", 0, NULL));
  g_free (command_test_wait_output (task));
}

static gboolean
is_silent (gpointer monitor)
{
  g_assert_cmpint (ferry_test_get_number (monitor, "status"), <=, FERRY_TASK_STATUS_RUNNING);
  return ferry_test_get_number (monitor, "silence") > G_USEC_PER_SEC / 2;
}

static void
test_is_not_stalled_when_it_says_nothing (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryCommand) command = ferry_command_new ((const char *const[]){"sleep", "1000", NULL});
  g_autoptr (FerryTask) task = ferry_executor_submit_command (test->executor, command, NULL);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);

  g_object_set (monitor, "stall-time", (gint64) G_USEC_PER_SEC / 10, NULL);
  ferry_test_run_until (is_silent, monitor);
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
}

/* (transfer full): a command that is writing over a file that was there. */
static FerryTask *
submit_writer (CommandTest *test)
{
  g_autofree char *out = command_test_path (test, "out");
  const char *const files[] = {"out", NULL};
  GVariantDict *options = g_variant_dict_new (NULL);

  g_assert_true (g_file_set_contents (out, "old", -1, NULL));
  g_variant_dict_insert (options, "output-files", "^aay", files);
  return command_test_submit_script (test, "echo half > out; echo > begun; sleep 1000", options);
}

static void
test_says_what_a_cancel_has_harmed (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = submit_writer (test);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);

  command_test_wait_file (test, "begun");
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  g_assert_cmpstr (ferry_test_get_string (monitor, "detail"), ==,
                   "'out' may be damaged, since it was written in place and not finished");
}

static void
test_says_what_a_limit_of_time_has_harmed (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTaskMonitor) monitor = NULL;

  test->run_timeout = 3 * G_USEC_PER_SEC;
  task = submit_writer (test);
  monitor = ferry_task_monitor_new (task, NULL);
  command_test_wait_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_test_assert_says (ferry_test_get_string (monitor, "detail"),
                          "that it had. 'out' may be damaged, since it was written in place and not finished");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-pace/has-a-time-that-is-left", test_has_a_time_that_is_left);
  g_test_add_func ("/command-pace/is-not-stalled-when-it-says-nothing", test_is_not_stalled_when_it_says_nothing);
  g_test_add_func ("/command-pace/says-what-a-cancel-has-harmed", test_says_what_a_cancel_has_harmed);
  g_test_add_func ("/command-pace/says-what-a-limit-of-time-has-harmed", test_says_what_a_limit_of_time_has_harmed);

  return g_test_run ();
}
