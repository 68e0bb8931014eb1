/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-monitor.c, gtk/ferry-task-words.c, gtk/ferry-task-outcome.c
 *
 * What a monitor tells of a task, how often, and when it tells nothing. */

#include "config.h"

#include "ferry-test.h"
#include "gtk/widget-test.h"
#include "task/lone-task.h"

#include <signal.h>

#include "engine/ferry-exit-private.h"
#include "gtk/ferry-task-monitor-private.h"
#include "gtk/ferry-task-outcome.h"
#include "gtk/ferry-task-words-private.h"
#include "wire/ferry-reserved-name-private.h"

#define N_REPORTS 1000000
#define SECOND ((gint64) G_USEC_PER_SEC)

static void
report (FerryTask *task, guint64 amount, guint64 total, const char *unit)
{
  FerryProgress progress = {
    .fraction = total > 0 ? (double) amount / (double) total : -1.0, .amount = amount, .total = total};

  g_strlcpy (progress.unit, unit, sizeof progress.unit);
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
}

#define assert_text(monitor, property, words) g_assert_cmpstr (ferry_test_get_string (monitor, property), ==, words)
#define assert_status(monitor, wanted) g_assert_cmpint (ferry_test_get_number (monitor, "status"), ==, wanted)

static void
test_tells_how_far_a_task_is (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  gint64 now;

  assert_status (monitor, FERRY_TASK_STATUS_WAITING);
  assert_text (monitor, "state-text", "Waiting");
  assert_text (monitor, "detail", "Waits for its turn");
  assert_text (monitor, "pace-text", "");
  g_assert_false (ferry_test_get_number (monitor, "indeterminate"));

  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  now = g_get_monotonic_time ();
  assert_text (monitor, "state-text", "Running");
  g_assert_true (ferry_test_get_number (monitor, "indeterminate"));
  g_assert_cmpfloat (ferry_test_get_double (monitor, "fraction"), ==, 0.0);

  for (guint i = 1; i <= 40; i++)
    {
      report (task, i * 1000, 100000, "files");
      ferry_task_monitor_look (monitor, now += SECOND / 8);
    }
  g_assert_false (ferry_test_get_number (monitor, "indeterminate"));
  g_assert_cmpfloat (ferry_test_get_double (monitor, "fraction"), ==, 0.4);
  assert_text (monitor, "detail", "40,000 of 100,000 files, 7 seconds left");
  g_assert_cmpfloat_with_epsilon (ferry_test_get_double (monitor, "rate"), 8000.0, 1.0);
  g_assert_cmpfloat_with_epsilon ((double) ferry_test_get_number (monitor, "time-left"), 7.5 * SECOND, (double) SECOND);
  assert_text (monitor, "pace-text", "8,000 files/s \302\267 0:05");
  g_assert_cmpint (ferry_test_get_number (monitor, "elapsed"), >=, 5 * SECOND);

  report (task, 50000000, 100000000, "bytes");
  ferry_task_monitor_look (monitor, now += SECOND / 8);
  ferry_test_assert_says (ferry_test_get_string (monitor, "detail"), " of 100.0");
}

/* The state is said once, and nothing beside it that is not so. */
static void
test_detail_does_not_contradict_the_status (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor), cancelled = task_test_new (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  g_autoptr (FerryTaskMonitor) other = ferry_task_monitor_new (cancelled, NULL);
  FerryProgress working = task_test_progress (0.5, "working");

  g_assert_true (ferry_task_pause (task));
  assert_status (monitor, FERRY_TASK_STATUS_PAUSED);
  assert_text (monitor, "detail", "");
  g_assert_true (ferry_task_resume (task));
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  assert_text (monitor, "detail", "Running");
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &working));
  g_assert_true (ferry_task_pause (task));
  assert_text (monitor, "state-text", "Paused");
  assert_text (monitor, "detail", "50 % \302\267 working");
  g_assert_true (ferry_task_resume (task));
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42)));
  assert_text (monitor, "state-text", "Done");
  assert_text (monitor, "detail", "");

  g_assert_true (ferry_run_start (ferry_task_get_run (cancelled), 78, NULL));
  g_assert_true (ferry_task_cancel (cancelled));
  assert_text (other, "state-text", "Cancelling");
  assert_text (other, "detail", "");
  g_assert_true (ferry_run_complete (ferry_task_get_run (cancelled), g_variant_new_uint32 (42)));
}

static void
test_says_what_a_program_asks (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (NULL);
  g_autoptr (FerryTaskMonitor) monitor = NULL;
  gint64 now = g_get_monotonic_time ();
  FerryRun *run = ferry_task_get_run (task);
  g_autoptr (GVariant) question = g_variant_ref_sink (g_variant_new_string ("Password:"));
  g_autoptr (GVariant) nothing = g_variant_ref_sink (g_variant_new_string (""));

  g_object_set (task, "interactive", TRUE, NULL);
  g_assert_true (task_test_submit (task, &executor, NULL));
  monitor = ferry_task_monitor_new (task, NULL);
  g_assert_true (ferry_run_start (run, 77, NULL));
  ferry_run_take_message (run, FERRY_QUESTION, question);
  ferry_task_monitor_look (monitor, now += SECOND);
  assert_text (monitor, "detail", "Asks: Password:");
  /* It waits for its user, so nobody says that nothing is heard of it. */
  ferry_task_monitor_look (monitor, now += 100 * SECOND);
  assert_status (monitor, FERRY_TASK_STATUS_RUNNING);
  ferry_run_take_message (run, FERRY_QUESTION, nothing);
  ferry_task_monitor_look (monitor, now += SECOND / 8);
  assert_text (monitor, "detail", "Running");
}

/* Each number with its unit has its own order, whatever the sentence around it has. */
static void
test_numbers_keep_their_order_from_right_to_left (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (FerryTaskMonitor) monitor = NULL;

  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  report (task, 3, 20, "files");
  gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  monitor = ferry_task_monitor_new (task, NULL);
  gtk_widget_set_default_direction (GTK_TEXT_DIR_LTR);
  assert_text (monitor, "detail", "\342\201\2503\342\201\251 of \342\201\25020\342\201\251 files");
}

/* What a film has of seconds is said as a clock shows it, and bytes as sizes. */
static void
test_seconds_and_bytes_have_units_of_their_own (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  gint64 now = g_get_monotonic_time ();

  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  report (task, 75, 200, "s");
  ferry_task_monitor_look (monitor, now);
  assert_text (monitor, "detail", "1:15 of 3:20");
  report (task, 2000000, 3000000, "bytes");
  ferry_task_monitor_look (monitor, now + SECOND);
  ferry_test_assert_says (ferry_test_get_string (monitor, "detail"), "2.0");
  ferry_test_assert_says (ferry_test_get_string (monitor, "detail"), "MB of 3.0");
}

/* As programs say it: once a second, and in hundredths. */
static void
test_tells_the_time_that_a_fraction_leaves (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  gint64 now = g_get_monotonic_time ();

  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  for (guint i = 1; i <= 10 * 8; i++)
    {
      FerryProgress progress = {.fraction = i / 8 / 100.0};

      ferry_run_take_progress (ferry_task_get_run (task), &progress);
      ferry_task_monitor_look (monitor, now += SECOND / 8);
    }
  /* A hundredth in each second: 90 are left. */
  g_assert_cmpint (ferry_test_get_number (monitor, "time-left"), >, 80 * SECOND);
  g_assert_cmpint (ferry_test_get_number (monitor, "time-left"), <, 100 * SECOND);
  g_assert_cmpfloat (ferry_test_get_double (monitor, "rate"), ==, 0.0);
  ferry_test_assert_says (ferry_test_get_string (monitor, "detail"), "10 %, ");
  ferry_test_assert_says (ferry_test_get_string (monitor, "detail"), "minute");
}

/* Neither a time that is left nor percents stay of it. */
static void
test_forgets_a_fraction_that_is_taken_back (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  FerryProgress back = task_test_progress (FERRY_FRACTION_TAKEN_BACK, "The second file");
  FerryProgress late = task_test_progress (0.75, "The third file");
  gint64 now = g_get_monotonic_time ();
  guint n_told = 0;

  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  for (guint i = 1; i <= 10 * 8; i++)
    {
      FerryProgress progress = {.fraction = i / 8 / 100.0};

      ferry_run_take_progress (ferry_task_get_run (task), &progress);
      ferry_task_monitor_look (monitor, now += SECOND / 8);
    }
  g_assert_cmpint (ferry_test_get_number (monitor, "time-left"), >, 0);
  widget_test_count_notifications (monitor, "indeterminate", &n_told);
  ferry_run_take_progress (ferry_task_get_run (task), &back);
  ferry_task_monitor_look (monitor, now += SECOND / 8);
  g_assert_cmpuint (n_told, ==, 1);
  g_assert_true (ferry_test_get_number (monitor, "indeterminate"));
  g_assert_cmpfloat (ferry_test_get_double (monitor, "fraction"), ==, 0.0);
  g_assert_cmpint (ferry_test_get_number (monitor, "time-left"), ==, -1);
  assert_text (monitor, "detail", "The second file");
  ferry_run_take_progress (ferry_task_get_run (task), &late);
  ferry_task_monitor_look (monitor, now += SECOND / 8);
  assert_text (monitor, "detail", "The third file");
  g_assert_true (ferry_test_get_number (monitor, "indeterminate"));
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42)));
  g_assert_cmpuint (n_told, ==, 2);
  g_assert_cmpfloat (ferry_test_get_double (monitor, "fraction"), ==, 1.0);
}

static void
test_says_what_a_task_is_for_until_it_reports (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "copy", NULL);
  g_autoptr (FerryTaskMonitor) monitor = NULL;
  FerryProgress progress = task_test_progress (-1, "First file");

  g_object_set (task, "description", "From Downloads to Backup", NULL);
  g_assert_true (task_test_submit (task, &executor, NULL));
  monitor = ferry_task_monitor_new (task, NULL);
  assert_text (monitor, "detail", "From Downloads to Backup");
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  assert_text (monitor, "detail", "From Downloads to Backup");
  ferry_run_take_progress (ferry_task_get_run (task), &progress);
  ferry_task_monitor_look (monitor, g_get_monotonic_time ());
  assert_text (monitor, "detail", "First file");
}

/* With the number of attempts that it has, where a worker was lost; and where users have tried it again. */
static void
test_says_which_attempt_it_is (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "copy", NULL);
  g_autoptr (FerryTask) again = task_test_new (NULL);
  g_autoptr (FerryTaskMonitor) monitor = NULL;
  g_autoptr (FerryTaskMonitor) later = NULL;

  g_object_set (task, "retries", 2, NULL);
  g_assert_true (task_test_submit (task, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  monitor = ferry_task_monitor_new (task, NULL);
  assert_text (monitor, "detail", "Running");
  g_assert_true (ferry_run_give_back (ferry_task_get_run (task)));
  ferry_task_monitor_look (monitor, g_get_monotonic_time ());
  assert_text (monitor, "detail", "Attempt 2 of 3 \302\267 Waits for its turn");
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 78, NULL));
  ferry_task_monitor_look (monitor, g_get_monotonic_time ());
  assert_text (monitor, "detail", "Attempt 2 of 3");
  report (task, 3, 10, "files");
  ferry_task_monitor_look (monitor, g_get_monotonic_time ());
  assert_text (monitor, "detail", "3 of 10 files \302\267 Attempt 2 of 3");

  ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR, task_test_error ("The disk is full"), NULL, NULL);
  assert_text (monitor, "detail", "The disk is full");
  ferry_task_follow (again, task);
  g_assert_true (task_test_submit (again, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (again), 79, NULL));
  later = ferry_task_monitor_new (again, NULL);
  assert_text (later, "detail", "Attempt 3");
  g_assert_true (ferry_run_complete (ferry_task_get_run (again), NULL));
}

/* That it says nothing while none of its tasks has anything to say is no halt. */
static void
test_a_group_never_halts (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTask) whole = ferry_task_new_for_group (group, "Holidays", "files");
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (whole, NULL);

  ferry_task_group_add (group, task);
  ferry_task_monitor_look (monitor, g_get_monotonic_time () + 60 * SECOND);
  ferry_task_monitor_look (monitor, g_get_monotonic_time () + 120 * SECOND);
  assert_status (monitor, FERRY_TASK_STATUS_RUNNING);
  assert_text (monitor, "detail", "0 of 1 files");
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
}

static void
test_tells_how_a_task_ends (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTask) cancelled = task_test_new_executing (&executor);
  g_autoptr (FerryTask) crashed = task_test_new_executing (&executor);
  g_autoptr (FerryTask) late = task_test_new_executing (&executor);
  g_autoptr (FerryTask) failed = task_test_new_executing (&executor);
  g_autoptr (FerryExit) exit = ferry_exit_new_for_process ("worker", 77, CLD_KILLED, SIGSEGV, 0);
  FerryTask *tasks[] = {task, cancelled, crashed, late, failed};
  g_autoptr (GPtrArray) monitors = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    g_ptr_array_add (monitors, ferry_task_monitor_new (tasks[i], NULL));
  ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42));
  ferry_task_cancel (cancelled);
  ferry_run_fail (ferry_task_get_run (crashed), FERRY_TASK_EVENT_LOST,
                  g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), NULL, exit);
  ferry_run_fail (ferry_task_get_run (late), FERRY_TASK_EVENT_RUN_TIMEOUT,
                  g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "late"), NULL, NULL);
  ferry_run_complete (ferry_task_get_run (late), g_variant_new_uint32 (42));
  ferry_run_fail (ferry_task_get_run (failed), FERRY_TASK_EVENT_ERROR, task_test_error ("The disk is full"), NULL,
                  NULL);

  assert_status (monitors->pdata[0], FERRY_TASK_STATUS_DONE);
  g_assert_cmpfloat (ferry_test_get_double (monitors->pdata[0], "fraction"), ==, 1.0);
  assert_status (monitors->pdata[1], FERRY_TASK_STATUS_CANCELLING);
  assert_status (monitors->pdata[2], FERRY_TASK_STATUS_CRASHED);
  assert_text (monitors->pdata[2], "detail", "A fault in the program ended this task");
  assert_text (monitors->pdata[3], "state-text", "Timed out");
  assert_text (monitors->pdata[4], "detail", "The disk is full");
  g_assert_false (ferry_test_get_number (monitors->pdata[4], "indeterminate"));
}

/* A main loop that was busy hears of the beginning and the end at once. All times have one form. */
static void
test_no_task_takes_no_time (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) unknown = NULL, known = NULL;
  FerryRun *run = ferry_task_get_run (task);

  ferry_run_complete (run, NULL);
  run->end_time = run->start_time + SECOND * 9 / 10;
  unknown = ferry_task_monitor_new (task, NULL);
  assert_text (unknown, "pace-text", "");
  run->end_time = run->start_time + SECOND * 19 / 10;
  known = ferry_task_monitor_new (task, NULL);
  assert_text (known, "pace-text", "0:01");
}

static void
test_an_application_says_what_a_result_means (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  g_autoptr (FerryTaskMonitor) later = NULL;

  ferry_task_set_outcome (task, FERRY_TASK_STATUS_DONE, "42 apples");
  assert_status (monitor, FERRY_TASK_STATUS_RUNNING);
  ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42));
  assert_text (monitor, "detail", "42 apples");
  ferry_task_set_outcome (task, FERRY_TASK_STATUS_FAILED, "More apples than there are");
  assert_status (monitor, FERRY_TASK_STATUS_FAILED);
  later = ferry_task_monitor_new (task, NULL);
  assert_text (later, "detail", "More apples than there are");
}

static void
note_cb (GObject *object, GParamSpec *pspec, GHashTable *counts)
{
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, pspec->name));

  g_hash_table_insert (counts, (gpointer) pspec->name, GUINT_TO_POINTER (count + 1));
}

/* What is counted is held against the time that it took. */
static void
test_a_flood_of_reports_is_no_flood_of_notifications (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  g_autoptr (GHashTable) counts = g_hash_table_new (g_str_hash, g_str_equal);
  gint64 begin = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer name, count;
  guint most;

  g_signal_connect (monitor, "notify", G_CALLBACK (note_cb), counts);
  for (guint64 i = 1; i <= N_REPORTS; i++)
    {
      report (task, i, N_REPORTS, "files");
      if (i % 1000 == 0)
        g_main_context_iteration (NULL, FALSE);
    }
  most = 1 + (guint) (10 * (g_get_monotonic_time () - begin) / SECOND);
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, &name, &count))
    if (GPOINTER_TO_UINT (count) > most)
      g_error ("'%s' was notified of %u times; %u are allowed", (char *) name, GPOINTER_TO_UINT (count), most);
  ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42));
  assert_status (monitor, FERRY_TASK_STATUS_DONE);
}

static gboolean
has_half (gpointer monitor)
{
  return ferry_test_get_double (monitor, "fraction") == 0.5;
}

static void
test_reports_are_told_without_a_widget (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);

  report (task, 1, 2, "files");
  g_assert_false (has_half (monitor));
  ferry_test_run_until (has_half, monitor);
}

/* A main loop that is held up once has heard nothing meanwhile; one that is always held up notices a silence even so.
 */
static void
test_a_silence_is_noticed_where_each_look_comes_late (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  gint64 now = g_get_monotonic_time ();

  g_object_set (monitor, "stall-time", 2 * SECOND, NULL);
  ferry_task_monitor_look (monitor, now);
  ferry_task_monitor_look (monitor, now += 60 * SECOND);
  assert_status (monitor, FERRY_TASK_STATUS_RUNNING);
  for (guint i = 0; i < 8; i++)
    ferry_task_monitor_look (monitor, now += SECOND);
  assert_status (monitor, FERRY_TASK_STATUS_STALLED);
  g_assert_true (ferry_test_get_number (monitor, "stalled"));
  ferry_test_assert_says (ferry_test_get_string (monitor, "detail"), "Nothing heard for");

  report (task, 1, 2, "files");
  ferry_task_monitor_look (monitor, now += SECOND);
  assert_status (monitor, FERRY_TASK_STATUS_RUNNING);
  g_assert_cmpint (ferry_test_get_number (monitor, "silence"), <, SECOND);
}

static void
test_a_silence_without_end_is_allowed (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  gint64 now = g_get_monotonic_time ();

  g_object_set (monitor, "stall-time", G_MAXINT64, NULL);
  report (task, 1, 2, "files");
  for (guint i = 0; i < 100; i++)
    ferry_task_monitor_look (monitor, now += SECOND);
  g_assert_cmpint (ferry_test_get_number (monitor, "silence"), >, 40 * SECOND);
  assert_status (monitor, FERRY_TASK_STATUS_RUNNING);
}

static void
test_a_pause_is_no_silence (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  gint64 now = g_get_monotonic_time ();

  report (task, 1, 2, "files");
  ferry_task_monitor_look (monitor, now);
  ferry_task_pause (task);
  assert_status (monitor, FERRY_TASK_STATUS_PAUSED);
  g_assert_cmpstr (ferry_test_get_string (monitor, "state-text"), ==, "Paused");
  for (guint i = 0; i < 100; i++)
    ferry_task_monitor_look (monitor, now += SECOND / 4);
  assert_status (monitor, FERRY_TASK_STATUS_PAUSED);
  ferry_test_assert_says (ferry_test_get_string (monitor, "detail"), "1 of 2 files");
  ferry_task_resume (task);
  ferry_task_monitor_look (monitor, now += SECOND);
  assert_status (monitor, FERRY_TASK_STATUS_RUNNING);
  g_assert_cmpint (ferry_test_get_number (monitor, "silence"), <, 2 * SECOND);
}

/* Nothing is to be heard of a plain call before its result, nor of a function that says so by being stoppable. */
static void
assert_never_stalls (FerryTaskKind kind, gboolean stoppable)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = ferry_task_new (kind, "sum", NULL);
  g_autoptr (FerryTaskMonitor) monitor = NULL;
  gint64 now = g_get_monotonic_time ();

  g_object_set (task, "stoppable", stoppable, NULL);
  g_assert_true (task_test_submit (task, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  monitor = ferry_task_monitor_new (task, NULL);
  if (stoppable)
    report (task, 1, 2, "files");
  for (guint i = 0; i < 1000; i++)
    ferry_task_monitor_look (monitor, now += SECOND / 4);
  assert_status (monitor, FERRY_TASK_STATUS_RUNNING);
  g_assert_cmpint (ferry_test_get_number (monitor, "silence"), >, 100 * SECOND);
}

static void
test_what_may_be_silent_never_stalls (void)
{
  assert_never_stalls (FERRY_TASK_KIND_CALL, FALSE);
  assert_never_stalls (FERRY_TASK_KIND_PROGRESS, TRUE);
}

/* A view that opens later says of the task what the others say. */
static void
test_all_monitors_tell_the_same_silence (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) first = ferry_task_monitor_new (task, NULL);
  g_autoptr (FerryTaskMonitor) second = NULL;
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; i < 16; i++)
    ferry_task_monitor_look (first, now += SECOND / 2);
  assert_status (first, FERRY_TASK_STATUS_STALLED);
  second = ferry_task_monitor_new (task, NULL);
  ferry_task_monitor_look (second, now);
  assert_status (second, FERRY_TASK_STATUS_STALLED);
  g_assert_cmpint (ferry_test_get_number (second, "silence"), ==, ferry_test_get_number (first, "silence"));
  report (task, 1, 2, "files");
  ferry_task_monitor_look (second, now += SECOND / 2);
  ferry_task_monitor_look (first, now);
  assert_status (first, FERRY_TASK_STATUS_RUNNING);
  assert_status (second, FERRY_TASK_STATUS_RUNNING);
  g_assert_cmpint (ferry_test_get_number (first, "silence"), ==, 0);
}

static gboolean
is_over (gpointer end)
{
  return g_get_monotonic_time () >= *(gint64 *) end;
}

/* A page that is shown again does not take a task that hangs for one that has just said something. */
static void
test_a_silence_goes_on_while_nobody_looks (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) monitor = ferry_task_monitor_new (task, NULL);
  gint64 end;

  report (task, 1, 2, "files");
  end = g_get_monotonic_time () + SECOND / 4;
  g_clear_object (&monitor);
  ferry_test_look_until (is_over, &end);
  monitor = ferry_task_monitor_new (task, NULL);
  ferry_task_monitor_look (monitor, g_get_monotonic_time ());
  g_assert_cmpint (ferry_test_get_number (monitor, "silence"), >=, SECOND / 4);
}

static gboolean
iterate (gpointer data)
{
  return (*(guint *) data)++ > 50;
}

static void
test_nothing_is_computed_while_a_widget_is_not_mapped (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) monitor = NULL;
  GtkWidget *label, *window;
  guint n_notified = 0, n = 0;

  if (!widget_test_has_display ())
    return;
  label = gtk_label_new ("");
  monitor = ferry_task_monitor_new (task, label);
  widget_test_count_notifications (monitor, NULL, &n_notified);
  report (task, 1, 2, "files");
  ferry_test_look_until (iterate, &n);
  g_assert_cmpuint (n_notified, ==, 0);
  g_assert_null (g_main_context_find_source_by_user_data (NULL, monitor));
  g_assert_cmpuint (
    g_signal_handler_find (task, G_SIGNAL_MATCH_ID, g_signal_lookup ("progress", FERRY_TYPE_TASK), 0, NULL, NULL, NULL),
    ==, 0);

  window = widget_test_show (label);
  g_assert_true (has_half (monitor));
  report (task, 2, 2, "files");
  gtk_widget_set_visible (label, FALSE);
  g_assert_null (g_main_context_find_source_by_user_data (NULL, monitor));
  ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42));
  assert_status (monitor, FERRY_TASK_STATUS_RUNNING);
  gtk_widget_set_visible (label, TRUE);
  ferry_test_look_until ((FerryTestCondition) gtk_widget_get_mapped, label);
  assert_status (monitor, FERRY_TASK_STATUS_DONE);
  gtk_window_destroy (GTK_WINDOW (window));
}

static void
test_a_mapped_widget_is_followed (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryTaskMonitor) monitor = NULL;
  GtkWidget *label, *window;

  if (!widget_test_has_display ())
    return;
  label = gtk_label_new ("");
  window = widget_test_show (label);
  monitor = ferry_task_monitor_new (task, label);
  report (task, 1, 2, "files");
  ferry_test_look_until (has_half, monitor);
  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_null (g_main_context_find_source_by_user_data (NULL, monitor));
  g_assert_null (ferry_test_get_object (monitor, "widget"));
}

static void
drop_cb (FerryTaskMonitor *monitor, GParamSpec *pspec, FerryTaskMonitor **kept)
{
  g_clear_object (kept);
}

static void
test_a_handler_may_drop_the_monitor (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  FerryTaskMonitor *monitor = ferry_task_monitor_new (task, NULL);

  g_signal_connect (monitor, "notify::status", G_CALLBACK (drop_cb), &monitor);
  ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42));
  g_assert_null (monitor);
  g_assert_cmpuint (G_OBJECT (task)->ref_count, ==, 1);
}

int
main (int argc, char **argv)
{
  widget_test_init (&argc, &argv);
  g_test_add_func ("/task-monitor/detail-does-not-contradict-the-status", test_detail_does_not_contradict_the_status);
  g_test_add_func ("/task-monitor/says-what-a-program-asks", test_says_what_a_program_asks);
  g_test_add_func ("/task-monitor/numbers-keep-their-order-from-right-to-left",
                   test_numbers_keep_their_order_from_right_to_left);
  g_test_add_func ("/task-monitor/seconds-and-bytes-have-units-of-their-own",
                   test_seconds_and_bytes_have_units_of_their_own);
  g_test_add_func ("/task-monitor/a-silence-without-end-is-allowed", test_a_silence_without_end_is_allowed);
  g_test_add_func ("/task-monitor/a-pause-is-no-silence", test_a_pause_is_no_silence);
  g_test_add_func ("/task-monitor/tells-how-far-a-task-is", test_tells_how_far_a_task_is);
  g_test_add_func ("/task-monitor/tells-the-time-that-a-fraction-leaves", test_tells_the_time_that_a_fraction_leaves);
  g_test_add_func ("/task-monitor/forgets-a-fraction-that-is-taken-back", test_forgets_a_fraction_that_is_taken_back);
  g_test_add_func ("/task-monitor/says-what-a-task-is-for-until-it-reports",
                   test_says_what_a_task_is_for_until_it_reports);
  g_test_add_func ("/task-monitor/a-group-never-halts", test_a_group_never_halts);
  g_test_add_func ("/task-monitor/tells-how-a-task-ends", test_tells_how_a_task_ends);
  g_test_add_func ("/task-monitor/no-task-takes-no-time", test_no_task_takes_no_time);
  g_test_add_func ("/task-monitor/an-application-says-what-a-result-means",
                   test_an_application_says_what_a_result_means);
  g_test_add_func ("/task-monitor/a-flood-of-reports-is-no-flood-of-notifications",
                   test_a_flood_of_reports_is_no_flood_of_notifications);
  g_test_add_func ("/task-monitor/reports-are-told-without-a-widget", test_reports_are_told_without_a_widget);
  g_test_add_func ("/task-monitor/a-silence-is-noticed-where-each-look-comes-late",
                   test_a_silence_is_noticed_where_each_look_comes_late);
  g_test_add_func ("/task-monitor/what-may-be-silent-never-stalls", test_what_may_be_silent_never_stalls);
  g_test_add_func ("/task-monitor/all-monitors-tell-the-same-silence", test_all_monitors_tell_the_same_silence);
  g_test_add_func ("/task-monitor/a-silence-goes-on-while-nobody-looks", test_a_silence_goes_on_while_nobody_looks);
  g_test_add_func ("/task-monitor/says-which-attempt-it-is", test_says_which_attempt_it_is);
  g_test_add_func ("/task-monitor/nothing-is-computed-while-a-widget-is-not-mapped",
                   test_nothing_is_computed_while_a_widget_is_not_mapped);
  g_test_add_func ("/task-monitor/a-mapped-widget-is-followed", test_a_mapped_widget_is_followed);
  g_test_add_func ("/task-monitor/a-handler-may-drop-the-monitor", test_a_handler_may_drop_the_monitor);
  return g_test_run ();
}
