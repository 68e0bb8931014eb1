/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-error.c
 *
 * What is said of tasks, calls and items of maps whose processes really end under them. */

#include "config.h"

#include "task/task-test.h"

#include <ferry-gtk.h>
#include <signal.h>

#define CRASHED "A fault in the program ended this task"
#define KILLED "Somebody stopped it, or the computer had too little memory"
#define LATE "Not done in the 0.5 seconds that it had"

/* As it is in a row that a person has run again. */
static void
test_a_crash_that_the_executor_repeats_is_told_as_one (void)
{
  g_autoptr (TaskTest) test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "crash", g_variant_new_int32 (SIGSEGV));
  static const char *const titles[] = {"It crashed", "It crashed again", "It crashed again"};

  for (guint i = 0; i < G_N_ELEMENTS (titles); i++)
    {
      g_autofree char *title = NULL;
      gboolean can_retry;

      task_test_wait_done (task);
      g_assert_true (ferry_task_describe_error (task, &title, NULL, &can_retry));
      g_assert_cmpstr (title, ==, titles[i]);
      g_assert_cmpint (can_retry, ==, i == 0);
      if (i + 1 < G_N_ELEMENTS (titles))
        {
          g_autoptr (FerryTask) before = g_steal_pointer (&task);

          task = ferry_executor_retry (test->executor, before, NULL);
          g_assert_nonnull (task);
        }
    }
}

/* The words are those of a task, also of a copy of the error. */
static void
assert_words (const GError *error, const char *words)
{
  g_autoptr (GError) copy = g_error_copy (error);
  g_autofree char *said = ferry_describe_error (error);
  g_autofree char *said_of_copy = NULL;

  g_prefix_error (&copy, "Behind the picture: ");
  said_of_copy = ferry_describe_error (copy);
  g_assert_cmpstr (said, ==, words);
  g_assert_cmpstr (said_of_copy, ==, words);
}

static void
assert_detail (FerryTask *task, const char *words)
{
  g_autofree char *detail = NULL;

  g_assert_true (ferry_task_describe_error (task, NULL, &detail, NULL));
  g_assert_cmpstr (detail, ==, words);
}

static FerryTask *
run_map (FerryMap *map)
{
  FerryTask *task = ferry_task_new_for_map (map, "Thumbnails", "pictures");

  ferry_map_start (map);
  task_test_wait_done (task);
  return task;
}

static void
test_items_of_a_map_are_told_apart (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "crash", FERRY_MAP_ORDERED);
  GListModel *results = ferry_map_get_results (map);
  g_autoptr (FerryTask) task = NULL;

  ferry_map_set_arguments (map, g_variant_new_parsed ("[%i, %i, %i]", SIGSEGV, SIGKILL, /* none: */ 0));
  task = run_map (map);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FerryMapItem) item = g_list_model_get_item (results, i);

      assert_words (ferry_map_item_get_error (item), i == 0 ? CRASHED : KILLED);
    }
  assert_detail (task, "2 of 3 pictures failed");
}

/* And not how long it took until the worker had ended, which is stopped here and does not hear of the limit. */
static void
test_the_limit_of_an_item_is_told (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryMap) map = ferry_map_new (test->executor, "crash", FERRY_MAP_UNORDERED);
  GListModel *results = ferry_map_get_results (map);
  g_autoptr (FerryMapItem) item = NULL;
  g_autoptr (FerryTask) task = NULL;

  ferry_map_set_arguments (map, g_variant_new_parsed ("[%i]", SIGSTOP));
  g_object_set (map, "run-timeout", (gint64) (G_USEC_PER_SEC / 2), NULL);
  task = run_map (map);
  item = g_list_model_get_item (results, 0);
  assert_words (ferry_map_item_get_error (item), LATE);
  assert_detail (task, LATE);
}

static void
test_the_limit_of_a_task_is_told (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "crash", g_variant_new_int32 (SIGSTOP));

  ferry_task_set_run_timeout (task, G_USEC_PER_SEC / 2);
  ferry_task_set_cancel_grace (task, G_USEC_PER_SEC);
  task_test_submit_task (test->executor, task);
  task_test_wait_done (task);
  assert_detail (task, LATE);
}

/* Most programs end themselves then, as by a fault. */
static void
test_too_little_memory_is_no_fault (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "starve", NULL);
  gboolean can_retry;

  task_test_wait_done (task);
  assert_detail (task, "There was less memory than it needed");
  assert_words (ferry_task_get_error (task), "There was less memory than it needed");
  g_assert_true (ferry_task_describe_error (task, NULL, NULL, &can_retry));
  g_assert_false (can_retry);
}

typedef struct
{
  GError *error;
} Call;

static void
called_cb (GObject *executor, GAsyncResult *result, gpointer call)
{
  g_assert_null (ferry_executor_call_finish (FERRY_EXECUTOR (executor), result, &((Call *) call)->error));
}

static gboolean
has_error (gpointer call)
{
  return ((Call *) call)->error != NULL;
}

/* Of a call there is nothing else. */
static void
test_the_error_of_a_call_is_enough (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  Call call = {0};

  ferry_executor_call_async (test->executor, "crash", g_variant_new_int32 (SIGSEGV), NULL, called_cb, &call);
  ferry_test_run_until (has_error, &call);
  assert_words (call.error, CRASHED);
  g_error_free (call.error);
}

int
main (int argc, char *argv[])
{
  task_test_init (&argc, &argv);

  g_test_add_func ("/lost-work/a-crash-that-the-executor-repeats-is-told-as-one",
                   test_a_crash_that_the_executor_repeats_is_told_as_one);
  g_test_add_func ("/lost-work/items-of-a-map-are-told-apart", test_items_of_a_map_are_told_apart);
  g_test_add_func ("/lost-work/the-limit-of-an-item-is-told", test_the_limit_of_an_item_is_told);
  g_test_add_func ("/lost-work/the-limit-of-a-task-is-told", test_the_limit_of_a_task_is_told);
  g_test_add_func ("/lost-work/too-little-memory-is-no-fault", test_too_little_memory_is_no_fault);
  g_test_add_func ("/lost-work/the-error-of-a-call-is-enough", test_the_error_of_a_call_is_enough);

  return g_test_run ();
}
