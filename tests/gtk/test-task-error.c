/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-error.c
 *
 * Why a task failed, in words, and whether another try makes sense. */

#include "config.h"

#include "ferry-test.h"
#include "gtk/ferry-task-error-private.h"
#include "task/lone-task.h"

#include <signal.h>
#include <string.h>

#include "engine/ferry-exit-private.h"

/* A signal ended the worker, as waitid() tells it. */
static FerryExit *
killed_by (int signal_number)
{
  return ferry_exit_new_for_process ("worker", 77, CLD_KILLED, signal_number, 0);
}

/* Takes error and exit, which may be NULL. */
static FerryTask *
failed_task (FerryTaskEvent event, GError *error, FerryExit *exit)
{
  static TaskTestExecutor executor;
  FerryTask *task = task_test_new_executing (&executor);

  g_assert_true (ferry_run_fail (ferry_task_get_run (task), event, error, NULL, exit));
  g_clear_object (&exit);
  return task;
}

typedef struct
{
  char *title;
  char *detail;
  gboolean can_retry;
} Words;

static void
words_clear (Words *words)
{
  g_free (words->title);
  g_free (words->detail);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Words, words_clear)

static Words
describe (FerryTask *task)
{
  Words words;

  g_assert_true (ferry_task_describe_error (task, &words.title, &words.detail, &words.can_retry));
  g_assert_cmpstr (words.title, !=, "");
  g_assert_false (g_str_has_suffix (words.detail, "."));
  return words;
}

static void
test_says_nothing_of_a_task_that_has_not_failed (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  char *title, *detail;
  gboolean can_retry;

  g_assert_false (ferry_task_describe_error (task, &title, &detail, &can_retry));
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42)));
  g_assert_false (ferry_task_describe_error (task, &title, &detail, &can_retry));
  g_assert_null (title);
  g_assert_null (detail);
  g_assert_false (can_retry);
  g_assert_false (ferry_task_describe_error (task, NULL, NULL, NULL));
}

static void
test_a_crash_may_be_tried_again_once (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) once = failed_task (
    FERRY_TASK_EVENT_LOST, g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), killed_by (SIGSEGV));
  g_autoptr (FerryTask) twice = task_test_new (NULL);
  g_autoptr (FerryExit) exit = killed_by (SIGSEGV);
  g_auto (Words) first = describe (once);
  g_auto (Words) second = {0};
  g_autofree char *technical = NULL;

  g_assert_true (first.can_retry);
  g_assert_cmpstr (first.detail, ==, "A fault in the program ended this task");
  technical = ferry_task_error_dup_technical (once);
  g_assert_true (g_str_has_prefix (technical, "sum: "));
  ferry_test_assert_says (technical, "signal 11 (Segmentation fault)");
  g_assert_null (strstr (technical, "gone"));

  g_object_set (twice, "retries", 1, NULL);
  g_assert_true (task_test_submit (twice, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (twice), 77, NULL));
  g_assert_true (ferry_run_give_back (ferry_task_get_run (twice)));
  g_assert_true (ferry_run_start (ferry_task_get_run (twice), 78, NULL));
  g_assert_true (ferry_run_fail (ferry_task_get_run (twice), FERRY_TASK_EVENT_LOST,
                                 g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), NULL, exit));
  second = describe (twice);
  g_assert_false (second.can_retry);
  g_assert_cmpstr (second.title, !=, first.title);
}

static void
test_a_crash_repeats_in_a_task_that_was_submitted_again (void)
{
  g_autoptr (FerryTask) before = failed_task (
    FERRY_TASK_EVENT_LOST, g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), killed_by (SIGSEGV));
  g_autoptr (FerryTask) again = failed_task (
    FERRY_TASK_EVENT_LOST, g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), killed_by (SIGSEGV));
  g_autoptr (FerryTask) full = failed_task (FERRY_TASK_EVENT_ERROR, task_test_error ("The disk is full"), NULL);
  g_auto (Words) words = {0};
  g_auto (Words) of_full = {0};

  ferry_task_follow (again, before);
  words = describe (again);
  g_assert_cmpstr (words.title, ==, "It crashed again");
  g_assert_false (words.can_retry);
  ferry_task_follow (full, again);
  of_full = describe (full);
  g_assert_true (of_full.can_retry);
}

/* At a limit of time, the library kills the worker itself. */
static void
test_a_crash_after_a_limit_of_time_is_the_first_one (void)
{
  g_autoptr (FerryTask) late = failed_task (
    FERRY_TASK_EVENT_ERROR, g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "It was late"), killed_by (SIGKILL));
  g_autoptr (FerryTask) again = failed_task (
    FERRY_TASK_EVENT_LOST, g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), killed_by (SIGSEGV));
  g_auto (Words) words = {0};

  ferry_task_follow (again, late);
  words = describe (again);
  g_assert_cmpstr (words.title, ==, "It crashed");
}

/* A limit of time is told in words, within a sentence. */
static void
test_limits_of_time_are_told_in_words (void)
{
  static const struct
  {
    gint64 seconds;
    const char *words;
  } cases[] = {
    {1, "1 second"},     {3, "3 seconds"},     {30, "30 seconds"}, {60, "1 minute"},     {90, "90 seconds"},
    {600, "10 minutes"}, {1000, "17 minutes"}, {3600, "1 hour"},   {5400, "90 minutes"}, {36100, "10 hours"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const FerryErrorCause cause = {.limit = cases[i].seconds * G_USEC_PER_SEC};
      g_autoptr (GError) error = g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "It was late");
      g_autofree char *wanted = g_strdup_printf ("Not done in the %s that it had", cases[i].words);
      g_autofree char *said = NULL;

      ferry_error_set_cause (error, &cause);
      said = ferry_describe_error (error);
      g_assert_cmpstr (said, ==, wanted);
    }
}

static void
test_a_kill_is_no_crash (void)
{
  g_autoptr (FerryTask) task = failed_task (
    FERRY_TASK_EVENT_LOST, g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), killed_by (SIGKILL));
  g_auto (Words) words = describe (task);

  g_assert_cmpstr (words.title, ==, "It was killed");
  g_assert_cmpstr (words.detail, ==, "Somebody stopped it, or the computer had too little memory");
  g_assert_true (words.can_retry);
}

static void
test_a_kill_by_the_application_is_said_to_be_one (void)
{
  FerryExit *exit =
    ferry_exit_new_for_process ("worker", 77, CLD_KILLED, SIGKILL, G_GUINT64_CONSTANT (1) << (SIGKILL - 1));
  g_autoptr (FerryTask) task =
    failed_task (FERRY_TASK_EVENT_LOST, g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), exit);
  g_auto (Words) words = describe (task);

  g_assert_cmpstr (words.title, ==, "It was killed");
  g_assert_cmpstr (words.detail, ==, "The application ended its process");
  g_assert_true (words.can_retry);
}

/* What the library says of it is for users, and may name files. */
static void
test_a_program_that_was_killed_is_described_by_the_library (void)
{
  TaskTestExecutor executor = {0};
  const char *const argv[] = {"sleep", "1000", NULL};
  g_autoptr (FerryCommand) command = ferry_command_new (argv);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_task_new_for_command (command, &error);
  g_autoptr (FerryExit) exit = killed_by (SIGKILL);
  g_auto (Words) words = {0};

  g_assert_no_error (error);
  g_assert_true (task_test_submit (task, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  g_assert_true (ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST,
                                 g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "'a' may be incomplete"), NULL,
                                 exit));
  words = describe (task);
  g_assert_cmpstr (words.title, ==, "It was killed");
  g_assert_cmpstr (words.detail, ==, "'a' may be incomplete");
  g_assert_true (words.can_retry);
}

static void
test_a_program_is_tried_again_where_it_may_fare_better (void)
{
  static const struct
  {
    int code; /* below 0: of a status */
    gboolean can_retry;
  } cases[] = {{G_SPAWN_ERROR_NOENT, FALSE},  {G_SPAWN_ERROR_ACCES, FALSE},
               {G_SPAWN_ERROR_CHDIR, FALSE},  {G_SPAWN_ERROR_PERM, FALSE},
               {G_SPAWN_ERROR_NOEXEC, FALSE}, {G_SPAWN_ERROR_TOO_BIG, FALSE},
               {G_SPAWN_ERROR_FAILED, TRUE},  {-23, TRUE}};

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GError *error = cases[i].code < 0 ? g_error_new (G_SPAWN_EXIT_ERROR, -cases[i].code, "'rsync' ended")
                                        : g_error_new (G_SPAWN_ERROR, cases[i].code, "'rsync' ended");
      g_autoptr (FerryTask) task = failed_task (FERRY_TASK_EVENT_ERROR, error, NULL);
      g_auto (Words) words = describe (task);

      g_assert_cmpstr (words.detail, ==, "'rsync' ended");
      g_assert_cmpint (words.can_retry, ==, cases[i].can_retry);
    }
}

static void
test_a_missing_file_is_not_tried_again (void)
{
  g_autoptr (FerryTask) file =
    failed_task (FERRY_TASK_EVENT_ERROR, g_error_new (G_FILE_ERROR, G_FILE_ERROR_NOENT, "There is no file 'a'"), NULL);
  g_autoptr (FerryTask) io =
    failed_task (FERRY_TASK_EVENT_ERROR, g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no file 'b'"), NULL);
  g_auto (Words) of_file = describe (file);
  g_auto (Words) of_io = describe (io);

  g_assert_cmpstr (of_file.detail, ==, "There is no file 'a'");
  g_assert_cmpstr (of_io.detail, ==, "There is no file 'b'");
  g_assert_cmpstr (of_file.title, ==, of_io.title);
  g_assert_false (of_file.can_retry);
  g_assert_false (of_io.can_retry);
}

static void
test_a_full_disk_may_be_tried_again (void)
{
  g_autoptr (FerryTask) task = failed_task (FERRY_TASK_EVENT_ERROR, task_test_error ("The disk is full"), NULL);
  g_auto (Words) words = describe (task);

  g_assert_cmpstr (words.detail, ==, "The disk is full");
  g_assert_true (words.can_retry);
}

static void
test_a_full_stop_is_left_out (void)
{
  g_autoptr (FerryTask) task = failed_task (FERRY_TASK_EVENT_ERROR, task_test_error ("The disk is full."), NULL);
  g_auto (Words) words = describe (task);

  g_assert_cmpstr (words.detail, ==, "The disk is full");
}

/* Of a deadline nobody knows how much time it left. */
static void
test_a_limit_of_time_is_told_as_one (void)
{
  g_autoptr (FerryTask) task =
    failed_task (FERRY_TASK_EVENT_ERROR, g_error_new (FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "late"), NULL);
  g_auto (Words) words = describe (task);

  g_assert_cmpstr (words.title, ==, "It took too long");
  g_assert_cmpstr (words.detail, ==, "The work was not done in the time that it had");
  g_assert_true (words.can_retry);
}

static void
take_unfinished (FerryTask *task)
{
  g_autoptr (GVariant) names = g_variant_ref_sink (g_variant_new_string ("'a.png', 'b.png'"));

  ferry_run_take_unfinished (ferry_task_get_run (task), names);
}

/* Of a function that runs programs. */
static void
test_a_crash_names_the_files_that_were_being_written (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryExit) exit = killed_by (SIGSEGV);
  g_auto (Words) words = {0};

  take_unfinished (task);
  g_assert_true (ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST,
                                 g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), NULL, exit));
  words = describe (task);
  g_assert_cmpstr (words.detail, ==, "A fault in the program ended this task. 'a.png', 'b.png' may be incomplete");
}

/* A worker that gets SIGTERM has tidied up. */
static void
test_files_of_an_orderly_end_are_not_named (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (FerryExit) exit = killed_by (SIGTERM);
  g_auto (Words) words = {0};

  take_unfinished (task);
  g_assert_true (ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST,
                                 g_error_new (FERRY_ERROR, FERRY_ERROR_WORKER_LOST, "gone"), NULL, exit));
  words = describe (task);
  g_assert_cmpstr (words.detail, ==, "Somebody stopped it, or the computer had too little memory");
}

static void
test_what_does_not_fit_is_not_tried_again (void)
{
  static const int codes[] = {FERRY_ERROR_PROTOCOL,    FERRY_ERROR_VERSION,       FERRY_ERROR_UNKNOWN_FUNCTION,
                              FERRY_ERROR_BAD_RESULT,  FERRY_ERROR_BAD_ARGUMENTS, FERRY_ERROR_NOT_ALLOWED,
                              FERRY_ERROR_QUARANTINED, FERRY_ERROR_LAUNCH_FAILED};

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    {
      g_autoptr (FerryTask) task =
        failed_task (FERRY_TASK_EVENT_ERROR, g_error_new (FERRY_ERROR, codes[i], "It says why"), NULL);
      g_auto (Words) words = describe (task);

      g_autofree char *technical = ferry_task_error_dup_technical (task);

      g_assert_false (words.can_retry);
      /* That is for developers, and in English. */
      g_assert_cmpstr (words.detail, !=, "It says why");
      g_assert_cmpstr (technical, ==, "It says why");
    }
}

static char *logged; /* owned: the last message */

static GLogWriterOutput
note_message (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields && level == G_LOG_LEVEL_MESSAGE; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      {
        g_free (logged);
        logged = g_strdup (fields[i].value);
      }
  return level == G_LOG_LEVEL_MESSAGE ? G_LOG_WRITER_HANDLED : g_log_writer_default (level, fields, n_fields, data);
}

/* Users are told what happened and then what helps, and the author, in the log, what is to be mended. */
static void
test_mistakes_of_the_application_have_a_cause_and_an_advice (void)
{
  static const struct
  {
    int code;
    const char *detail;
  } cases[] = {
    {FERRY_ERROR_BAD_RESULT, "The program for this task returned something else than it should. "
                             "Its makers have to correct it"},
    {FERRY_ERROR_UNKNOWN_FUNCTION, "The program for this task does not know what the application wants of it. "
                                   "Installing the application again may help"},
    {FERRY_ERROR_BAD_ARGUMENTS, "The application gave the program for this task something that it cannot use. "
                                "Its makers have to correct it"},
    {FERRY_ERROR_LAUNCH_FAILED, "The program for this task does not start. Installing the application again may help"},
    {FERRY_ERROR_TOO_LARGE, "There is more data than can be passed on in one piece. Smaller pieces may fit"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FerryTask) task =
        failed_task (FERRY_TASK_EVENT_ERROR, g_error_new (FERRY_ERROR, cases[i].code, "Correct function %u", i), NULL);
      g_autofree char *wanted = g_strdup_printf ("failed: Correct function %u", i);
      g_auto (Words) words = {0};
      g_auto (Words) again = {0};

      words = describe (task);
      ferry_test_assert_says (logged, wanted);
      g_clear_pointer (&logged, g_free);
      again = describe (task);
      g_assert_null (logged);
      g_assert_cmpstr (words.detail, ==, cases[i].detail);
      g_assert_cmpstr (again.detail, ==, words.detail);
    }
}

/* The worker that is installed now is of another version than the application that runs. */
static void
test_an_updated_application_is_to_be_restarted (void)
{
  g_autoptr (FerryTask) task =
    failed_task (FERRY_TASK_EVENT_ERROR, g_error_new (FERRY_ERROR, FERRY_ERROR_VERSION, "Two versions"), NULL);
  g_auto (Words) words = describe (task);

  g_assert_cmpstr (words.title, ==, "A new version has been installed");
  g_assert_cmpstr (words.detail, ==, "The application was updated, and has to be started again");
}

/* An error of a domain that nothing is known of. */
static void
test_other_errors_say_what_they_say (void)
{
  g_autoptr (FerryTask) task =
    failed_task (FERRY_TASK_EVENT_ERROR, g_error_new (g_quark_from_string ("other"), 3, "Odd"), NULL);
  g_auto (Words) words = describe (task);

  g_assert_cmpstr (words.title, ==, "It failed");
  g_assert_cmpstr (words.detail, ==, "Odd");
  g_assert_true (words.can_retry);
}

static void
test_sentences_have_one_end (void)
{
  static const struct
  {
    const char *title, *detail, *said;
  } cases[] = {
    {"It failed", "The disk is full", "It failed. The disk is full."},
    {"It failed", "No way!", "It failed. No way!"},
    {"It failed", "And so on\342\200\246", "It failed. And so on\342\200\246"},
    {"\345\244\261\350\264\245", "\347\243\201\347\233\230\345\267\262\346\273\241\343\200\202",
     "\345\244\261\350\264\245\343\200\202\347\243\201\347\233\230\345\267\262\346\273\241\343\200\202"},
    {"It failed", "Bad line\nSee the manual", "It failed. Bad line\nSee the manual"},
    {"It failed", "it failed", "It failed."},
    {"It failed", "It failed on page 3", "It failed on page 3."},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *said = ferry_task_error_dup_sentences (cases[i].title, cases[i].detail);

      g_assert_cmpstr (said, ==, cases[i].said);
    }
}

int
main (int argc, char **argv)
{
  int failed;

  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (note_message, NULL, NULL);
  g_test_add_func ("/task-error/mistakes-of-the-application-have-a-cause-and-an-advice",
                   test_mistakes_of_the_application_have_a_cause_and_an_advice);
  g_test_add_func ("/task-error/says-nothing-of-a-task-that-has-not-failed",
                   test_says_nothing_of_a_task_that_has_not_failed);
  g_test_add_func ("/task-error/a-crash-may-be-tried-again-once", test_a_crash_may_be_tried_again_once);
  g_test_add_func ("/task-error/a-crash-repeats-in-a-task-that-was-submitted-again",
                   test_a_crash_repeats_in_a_task_that_was_submitted_again);
  g_test_add_func ("/task-error/a-crash-after-a-limit-of-time-is-the-first-one",
                   test_a_crash_after_a_limit_of_time_is_the_first_one);
  g_test_add_func ("/task-error/limits-of-time-are-told-in-words", test_limits_of_time_are_told_in_words);
  g_test_add_func ("/task-error/a-kill-is-no-crash", test_a_kill_is_no_crash);
  g_test_add_func ("/task-error/a-kill-by-the-application-is-said-to-be-one",
                   test_a_kill_by_the_application_is_said_to_be_one);
  g_test_add_func ("/task-error/a-program-that-was-killed-is-described-by-the-library",
                   test_a_program_that_was_killed_is_described_by_the_library);
  g_test_add_func ("/task-error/a-missing-file-is-not-tried-again", test_a_missing_file_is_not_tried_again);
  g_test_add_func ("/task-error/a-program-is-tried-again-where-it-may-fare-better",
                   test_a_program_is_tried_again_where_it_may_fare_better);
  g_test_add_func ("/task-error/a-full-disk-may-be-tried-again", test_a_full_disk_may_be_tried_again);
  g_test_add_func ("/task-error/a-full-stop-is-left-out", test_a_full_stop_is_left_out);
  g_test_add_func ("/task-error/a-limit-of-time-is-told-as-one", test_a_limit_of_time_is_told_as_one);
  g_test_add_func ("/task-error/a-crash-names-the-files-that-were-being-written",
                   test_a_crash_names_the_files_that_were_being_written);
  g_test_add_func ("/task-error/files-of-an-orderly-end-are-not-named", test_files_of_an_orderly_end_are_not_named);
  g_test_add_func ("/task-error/what-does-not-fit-is-not-tried-again", test_what_does_not_fit_is_not_tried_again);
  g_test_add_func ("/task-error/an-updated-application-is-to-be-restarted",
                   test_an_updated_application_is_to_be_restarted);
  g_test_add_func ("/task-error/other-errors-say-what-they-say", test_other_errors_say_what_they_say);
  g_test_add_func ("/task-error/sentences-have-one-end", test_sentences_have_one_end);
  failed = g_test_run ();
  g_free (logged);
  return failed;
}
