/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-question.c, task/ferry-task-answers.c, task/ferry-task.c
 *
 * Commands that ask, on a pipe and on a terminal, and what the application answers. */

#include "config.h"

#include <signal.h>
#include <string.h>

#include "command/command-test.h"
#include "ferry-test.h"

#define ON_TERMINAL TRUE
#define ON_PIPE FALSE

/* What a test has heard of the task. */
typedef struct
{
  GPtrArray *questions; /* (owned) (element-type utf8) */
  GPtrArray *answers;   /* (unowned) (element-type utf8): for one question each; "" for the end */
} Talk;

static void
answer (FerryTask *task, const char *question, Talk *talk)
{
  const char *text = talk->questions->len < talk->answers->len ? talk->answers->pdata[talk->questions->len] : NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (question, ==, ferry_test_get_string (task, "question"));
  g_ptr_array_add (talk->questions, g_strdup (question));
  if (text == NULL)
    return;
  g_assert_true (ferry_task_answer (task, text[0] != '\0' ? text : NULL, strlen (text), &error));
  g_assert_no_error (error);
  g_assert_null (ferry_test_get_string (task, "question"));
}

static void
talk_clear (Talk *talk)
{
  g_ptr_array_unref (talk->questions);
  g_ptr_array_unref (talk->answers);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Talk, talk_clear)

/* (transfer full): answers (nullable): one line, or two with a '|' in between. */
static FerryTask *
ask (CommandTest *test, const char *script, gboolean on_terminal, Talk *talk, const char *answers)
{
  g_autoptr (FerryCommand) command = ferry_command_new ((const char *const[]){"python3", "-c", script, NULL});
  g_auto (GStrv) words = g_strsplit (answers != NULL ? answers : "", "|", -1);
  g_autoptr (GError) error = NULL;
  FerryTask *task;

  talk->questions = g_ptr_array_new_with_free_func (g_free);
  talk->answers = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; answers != NULL && words[i] != NULL; i++)
    g_ptr_array_add (talk->answers, g_strdup (words[i]));
  g_object_set (command, "interactive", TRUE, "polite", FALSE, "terminal", on_terminal, "directory", test->folder,
                NULL);
  task = ferry_task_new_for_command (command, &error);
  g_assert_no_error (error);
  g_signal_connect (task, "asks", G_CALLBACK (answer), talk);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  return task;
}

static void
assert_output (FerryTask *task, const char *expected)
{
  g_autofree char *output = command_test_wait_output (task);

  g_assert_cmpstr (output, ==, expected);
}

static void
question_on_a_pipe_is_answered (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task = ask (test, "print('[' + input('overwrite? [y/N] ') + ']')", ON_PIPE, &talk, "y\n");

  assert_output (task, "overwrite? [y/N] [y]\n");
  g_assert_cmpuint (talk.questions->len, ==, 1);
  g_assert_cmpstr (talk.questions->pdata[0], ==, "overwrite? [y/N]");
  g_assert_null (ferry_test_get_string (task, "question"));
}

/* getpass() opens /dev/tty, and has it echo nothing. */
static void
password_on_a_terminal_is_answered_and_shown_nowhere (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task = ask (test,
                                    "import getpass\n"
                                    "while getpass.getpass('Passwort: ') != 'geheim': print('Falsch')\n"
                                    "print('Gut')",
                                    ON_TERMINAL, &talk, "falsch\n|geheim\n");
  g_autofree char *output = command_test_wait_output (task);
  g_autofree char *arguments = g_variant_print (ferry_test_get_variant (task, "arguments"), FALSE);

  g_assert_cmpuint (talk.questions->len, ==, 2);
  g_assert_cmpstr (talk.questions->pdata[0], ==, "Passwort:");
  g_assert_cmpstr (talk.questions->pdata[1], ==, "Passwort:");
  ferry_test_assert_says (output, "Falsch");
  ferry_test_assert_says (output, "Gut");
  g_assert_null (strstr (output, "geheim\n"));
}

static void
question_on_standard_error_is_one (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task =
    ask (test, "import sys; print('Name', end='', file=sys.stderr, flush=True); print(sys.stdin.readline(), end='')",
         ON_PIPE, &talk, "somebody\n");

  /* It does not end as questions do: but it is known to read. */
  assert_output (task, "somebody\n");
  g_assert_cmpstr (talk.questions->pdata[0], ==, "Name");
}

static void
line_that_was_ended_is_the_question_of_what_reads (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task = ask (test, "print('Which one?', flush=True); print(input())", ON_PIPE, &talk, "this\n");

  assert_output (task, "Which one?\nthis\n");
  g_assert_cmpstr (talk.questions->pdata[0], ==, "Which one?");
}

static void
end_of_the_input_is_an_answer (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task =
    ask (test, "import sys; print('Text:', flush=True); print(len(sys.stdin.read()))", ON_PIPE, &talk, "four|");

  /* It asks once, and the second answer follows on the first. */
  while (talk.questions->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (ferry_task_answer (task, NULL, 0, NULL));
  assert_output (task, "Text:\n4\n");
}

/* It says something that looks like a question, and then works: nobody is asked while it does. */
static void
line_of_a_program_that_works_is_no_question (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task = ask (test,
                                    "import os, time\n"
                                    "print('Working:', end='', flush=True)\n"
                                    "end = time.monotonic() + 1.5\n"
                                    "while time.monotonic() < end: time.sleep(0.01)\n"
                                    "print()",
                                    ON_PIPE, &talk, NULL);

  assert_output (task, "Working:\n");
  g_assert_cmpuint (talk.questions->len, ==, 0);
}

/* What ends while it is looked at may not be looked at, and does not read. */
static void
line_of_a_program_whose_children_end_is_no_question (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task = ask (test,
                                    "import os\n"
                                    "print('Working:', end='', flush=True)\n"
                                    "os.system('for n in $(seq 250); do for i in 1 2 3 4 5 6 7 8; do"
                                    " /bin/true & done; wait; done')\n"
                                    "print()",
                                    ON_PIPE, &talk, NULL);

  assert_output (task, "Working:\n");
  g_assert_cmpuint (talk.questions->len, ==, 0);
}

static gboolean
asks_nothing (gpointer task)
{
  return ferry_test_get_string (task, "question") == NULL;
}

static void
question_is_over_when_the_program_goes_on (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task = ask (test,
                                    "import select, sys, time, os\n"
                                    "print('Continue? ', end='', flush=True)\n"
                                    "while not os.path.exists('go'): select.select([sys.stdin], [], [], 0.05)\n"
                                    "print('no answer', flush=True)\n"
                                    "while not os.path.exists('end'): time.sleep(0.01)",
                                    ON_PIPE, &talk, NULL);
  g_autofree char *go = command_test_path (test, "go");
  g_autofree char *end = command_test_path (test, "end");

  while (talk.questions->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (talk.questions->pdata[0], ==, "Continue?");
  g_assert_true (g_file_set_contents (go, "\n", -1, NULL));
  ferry_test_run_until (asks_nothing, task);
  g_assert_true (g_file_set_contents (end, "\n", -1, NULL));
  assert_output (task, "Continue? no answer\n");
}

static void
cancel_ends_what_asks (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task = ask (test, "input('Password: ')", ON_TERMINAL, &talk, NULL);
  g_autoptr (GError) error = NULL;

  while (talk.questions->len == 0)
    g_main_context_iteration (NULL, TRUE);
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  g_assert_null (ferry_test_get_string (task, "question"));
  g_assert_false (ferry_task_answer (task, "late\n", 5, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
}

static void
answer_before_it_runs_is_there_when_it_does (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) first = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;

  ferry_pool_set_max_workers (ferry_executor_get_pool (test->executor), 1);
  first = command_test_submit_script (test, "sleep 1000", NULL);
  task = ask (test, "import sys; print([line for line in sys.stdin])", ON_PIPE, &talk, NULL);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  g_assert_true (ferry_task_answer (task, "one\n", 4, &error));
  g_assert_true (ferry_task_answer (task, "two\n", 4, &error));
  g_assert_true (ferry_task_answer (task, NULL, 0, &error));
  g_assert_no_error (error);
  ferry_task_cancel (first);
  command_test_wait_cancelled (first);
  assert_output (task, "['one\\n', 'two\\n']\n");
}

/* Answers what the worker asked that was lost. */
static void
answer_late (FerryTask *task, GParamSpec *pspec, guint *n_refused)
{
  g_autoptr (GError) error = NULL;

  if (ferry_task_get_state (task) != FERRY_TASK_STATE_WAITING)
    return;
  g_assert_false (ferry_task_answer (task, "late\n", 5, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
  ++*n_refused;
}

static void
answer_to_a_lost_worker_is_refused (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {g_ptr_array_new_with_free_func (g_free), g_ptr_array_new_with_free_func (g_free)};
  const char *const argv[] = {"sh", "-c",
                              "if test -e asked; then printf 'Again? '; else echo $PPID > asked; printf 'Sure? '; fi; "
                              "read answer; echo $answer",
                              NULL};
  g_autoptr (FerryCommand) command = ferry_command_new (argv);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;
  guint n_refused = 0;

  g_object_set (command, "interactive", TRUE, "polite", FALSE, "directory", test->folder, NULL);
  task = ferry_task_new_for_command (command, &error);
  g_assert_no_error (error);
  g_object_set (task, "retries", 1, "idempotent", TRUE, NULL);
  g_signal_connect (task, "asks", G_CALLBACK (answer), &talk);
  g_assert_true (ferry_executor_submit_task (test->executor, task, &error));
  g_assert_no_error (error);
  g_signal_connect (task, "notify::state", G_CALLBACK (answer_late), &n_refused);
  while (talk.questions->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_ptr_array_add (talk.answers, g_strdup ("none\n"));
  g_ptr_array_add (talk.answers, g_strdup ("yes\n"));
  ferry_test_kill (command_test_wait_pid (test, "asked"), SIGKILL);
  assert_output (task, "Again? yes\n");
  g_assert_cmpuint (n_refused, ==, 1);
}

static void
nobody_is_asked_without_interactive (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_autoptr (FerryTask) task = command_test_submit_script (test, "printf 'Password: '; read answer || echo end", NULL);

  assert_output (task, "Password: end\n");
}

static void
answers_have_a_bound (void)
{
  g_autoptr (CommandTest) test = command_test_new ();
  g_auto (Talk) talk = {NULL};
  g_autoptr (FerryTask) task = ask (test, "print(input('Text: '))", ON_PIPE, &talk, NULL);
  g_autofree char *large = g_strnfill (4097, 'x');
  g_autoptr (GError) error = NULL;

  while (talk.questions->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (ferry_task_answer (task, large, 4097, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_true (ferry_task_answer (task, "short\n", 6, NULL));
  assert_output (task, "Text: short\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/questions/" name, func)
  ADD ("question-on-a-pipe-is-answered", question_on_a_pipe_is_answered);
  ADD ("answer-before-it-runs-is-there-when-it-does", answer_before_it_runs_is_there_when_it_does);
  ADD ("password-on-a-terminal-is-answered-and-shown-nowhere", password_on_a_terminal_is_answered_and_shown_nowhere);
  ADD ("question-on-standard-error-is-one", question_on_standard_error_is_one);
  ADD ("line-that-was-ended-is-the-question-of-what-reads", line_that_was_ended_is_the_question_of_what_reads);
  ADD ("end-of-the-input-is-an-answer", end_of_the_input_is_an_answer);
  ADD ("line-of-a-program-that-works-is-no-question", line_of_a_program_that_works_is_no_question);
  ADD ("line-of-a-program-whose-children-end-is-no-question", line_of_a_program_whose_children_end_is_no_question);
  ADD ("question-is-over-when-the-program-goes-on", question_is_over_when_the_program_goes_on);
  ADD ("cancel-ends-what-asks", cancel_ends_what_asks);
  ADD ("answer-to-a-lost-worker-is-refused", answer_to_a_lost_worker_is_refused);
  ADD ("nobody-is-asked-without-interactive", nobody_is_asked_without_interactive);
  ADD ("answers-have-a-bound", answers_have_a_bound);
  return g_test_run ();
}
