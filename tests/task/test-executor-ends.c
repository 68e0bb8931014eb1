/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-executor.c, task/ferry-executor-list.c
 *
 * An executor as a list, and how it ends: stopped, shut down, dropped, or with its router. */

#include "config.h"

#include "task/task-test.h"

#include "base/ferry-base-private.h"
#include "task/ferry-executor-private.h"

/* ---- the list ---- */

/* What a view would have made of items-changed. */
typedef struct
{
  GListModel *model; /* (unowned) */
  GPtrArray *items;  /* (element-type FerryTask) */
  guint n_changes;
} Mirror;

static void
items_changed (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  Mirror *mirror = data;

  mirror->n_changes++;
  g_assert_cmpuint (position + removed, <=, mirror->items->len);
  if (removed > 0)
    g_ptr_array_remove_range (mirror->items, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (mirror->items, (int) (position + i), g_list_model_get_item (model, position + i));
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, mirror->items->len);
}

static void
mirror_compare (Mirror *mirror)
{
  g_assert_cmpuint (g_list_model_get_n_items (mirror->model), ==, mirror->items->len);
  for (guint i = 0; i < mirror->items->len; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (mirror->model, i);

      g_assert_true (item == g_ptr_array_index (mirror->items, i));
    }
  g_assert_null (g_list_model_get_item (mirror->model, mirror->items->len));
}

static Mirror *
mirror_new (FerryExecutor *executor)
{
  Mirror *mirror = g_new0 (Mirror, 1);

  mirror->model = G_LIST_MODEL (executor);
  mirror->items = g_ptr_array_new_with_free_func (g_object_unref);
  g_assert_true (g_list_model_get_item_type (mirror->model) == FERRY_TYPE_TASK);
  g_object_set (executor, "finished-time", G_GINT64_CONSTANT (0), NULL);
  g_signal_connect (executor, "items-changed", G_CALLBACK (items_changed), mirror);
  return mirror;
}

/* Whether no task is left that is about to leave the list. */
static gboolean
mirror_is_trimmed (gpointer data)
{
  Mirror *mirror = data;
  guint keep = (guint) ferry_test_get_number (mirror->model, "keep-finished"), n_done = 0;

  for (guint i = 0; i < mirror->items->len; i++)
    n_done += ferry_task_get_done (g_ptr_array_index (mirror->items, i));
  return n_done <= keep;
}

static void
mirror_free (Mirror *mirror)
{
  g_signal_handlers_disconnect_by_data (mirror->model, mirror);
  g_ptr_array_unref (mirror->items);
  g_free (mirror);
}

static void
submit_words (FerryExecutor *executor, const char *function, guint n)
{
  for (guint i = 0; i < n; i++)
    g_object_unref (task_test_submit (executor, function, g_variant_new_string ("x")));
}

static void
is_list (gconstpointer data)
{
  guint keep = GPOINTER_TO_UINT (data);
  g_autoptr (TaskTest) test = task_test_new (TRUE, 2);
  Mirror *mirror = mirror_new (test->executor);

  g_object_set (test->executor, "keep-finished", keep, NULL);
  submit_words (test->executor, "gate", 4);
  submit_words (test->executor, "note", 100);
  mirror_compare (mirror);
  g_assert_cmpuint (mirror->items->len, ==, 104);
  /* Some from the middle. */
  for (guint i = 0; i < 10; i++)
    ferry_task_cancel (g_ptr_array_index (mirror->items, 20 + i));
  mirror_compare (mirror);
  task_test_open_gate ();
  ferry_test_run_until (task_test_is_idle, test->executor);
  ferry_test_run_until (mirror_is_trimmed, mirror);
  mirror_compare (mirror);
  g_assert_cmpuint (mirror->items->len, ==, MIN (keep, 104));
  g_object_set (test->executor, "keep-finished", 2, NULL);
  mirror_compare (mirror);
  g_assert_cmpuint (mirror->items->len, ==, MIN (keep, 2));
  submit_words (test->executor, "note", 1);
  ferry_executor_clear_finished (test->executor);
  mirror_compare (mirror);
  g_assert_cmpuint (mirror->items->len, ==, 1);
  ferry_test_run_until (task_test_is_idle, test->executor);
  mirror_free (mirror);
}

/* Asserts that the list has these tasks. Looks at them from the last to the first, and then the other way. */
static void
assert_items (FerryExecutor *executor, GPtrArray *expected)
{
  GListModel *model = G_LIST_MODEL (executor);

  g_assert_cmpuint (g_list_model_get_n_items (model), ==, expected->len);
  g_assert_null (g_list_model_get_item (model, expected->len));
  for (guint i = 0; i < 2 * expected->len; i++)
    {
      guint position = i < expected->len ? expected->len - 1 - i : i - expected->len;
      g_autoptr (GObject) item = g_list_model_get_item (model, position);

      g_assert_true (item == g_ptr_array_index (expected, position));
    }
  g_assert_null (g_list_model_get_item (model, G_MAXUINT));
}

static GPtrArray *
submit_to_list (FerryExecutor *executor, guint n)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (tasks, task_test_submit (executor, i == 0 ? "gate" : "note", g_variant_new_string ("x")));
  return tasks;
}

static void
remove_from_list (FerryExecutor *executor, GPtrArray *tasks, guint position)
{
  g_autoptr (GError) error = NULL;

  ferry_executor_remove (executor, g_ptr_array_index (tasks, position), &error);
  g_assert_no_error (error);
  g_ptr_array_remove_index (tasks, position);
}

/* No position is asked for before tasks have left the list. */
static void
is_looked_at_late (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GPtrArray) tasks = submit_to_list (test->executor, 30);

  g_object_set (test->executor, "keep-finished", 1000, NULL);
  task_test_wait_begun (g_ptr_array_index (tasks, 0));
  for (guint i = 5; i < 10; i++)
    ferry_task_cancel (g_ptr_array_index (tasks, i));
  remove_from_list (test->executor, tasks, 7);
  remove_from_list (test->executor, tasks, 5);
  remove_from_list (test->executor, tasks, 20);
  assert_items (test->executor, tasks);
  remove_from_list (test->executor, tasks, tasks->len - 1);
  remove_from_list (test->executor, tasks, 1);
  g_ptr_array_add (tasks, task_test_submit (test->executor, "note", g_variant_new_string ("x")));
  assert_items (test->executor, tasks);
  task_test_open_gate ();
  ferry_test_run_until (task_test_is_idle, test->executor);
  assert_items (test->executor, tasks);
  /* One worker ran them in order. So those that stay are the last ones. */
  g_object_set (test->executor, "keep-finished", 3, NULL);
  g_ptr_array_remove_range (tasks, 0, tasks->len - 3);
  assert_items (test->executor, tasks);
  ferry_executor_clear_finished (test->executor);
  g_ptr_array_set_size (tasks, 0);
  assert_items (test->executor, tasks);
  g_ptr_array_add (tasks, task_test_submit (test->executor, "note", g_variant_new_string ("x")));
  assert_items (test->executor, tasks);
  task_test_wait_done (g_ptr_array_index (tasks, 0));
}

/* The first handler comes when tasks have left the list, before the first look at it. */
static void
is_watched_late (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GPtrArray) tasks = submit_to_list (test->executor, 40);
  Mirror *mirror;

  g_object_set (test->executor, "keep-finished", 1000, NULL);
  task_test_wait_begun (g_ptr_array_index (tasks, 0));
  remove_from_list (test->executor, tasks, 3);
  remove_from_list (test->executor, tasks, tasks->len - 1);
  mirror = mirror_new (test->executor);
  for (guint i = 0; i < tasks->len; i++)
    g_ptr_array_add (mirror->items, g_object_ref (g_ptr_array_index (tasks, i)));
  for (guint i = 29; i > 1; i -= i % 4 == 1 ? 1 : 3)
    ferry_task_cancel (g_ptr_array_index (tasks, i));
  /* The cancelled ones leave in seven ranges, whatever the order in which they ended. */
  g_object_set (test->executor, "keep-finished", 0, NULL);
  g_assert_cmpuint (mirror->n_changes, ==, 7);
  g_assert_cmpuint (mirror->items->len, <, tasks->len);
  mirror_compare (mirror);
  task_test_open_gate ();
  ferry_test_run_until (task_test_is_idle, test->executor);
  ferry_test_run_until (mirror_is_trimmed, mirror);
  mirror_compare (mirror);
  g_assert_cmpuint (mirror->items->len, ==, 0);
  mirror_free (mirror);
}

static FerryTask *
submit_failing (FerryExecutor *executor)
{
  return task_test_submit (executor, "fail", g_variant_new ("(sis)", "domain", 1, "It failed"));
}

static gboolean
has_five (gpointer mirror)
{
  return ((Mirror *) mirror)->items->len == 5;
}

static gboolean
has_one (gpointer mirror)
{
  return ((Mirror *) mirror)->items->len == 1;
}

static gboolean
has_three (gpointer mirror)
{
  return ((Mirror *) mirror)->items->len == 3;
}

/* Who looks at the list sees what failed, until it is removed, cleared or tried again. */
static void
keeps_what_failed_while_it_is_watched (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  Mirror *mirror = mirror_new (test->executor);
  g_autoptr (FerryTask) again = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_object_unref (submit_failing (test->executor));
      submit_words (test->executor, "note", 10);
    }
  g_assert_true (ferry_task_cancel (g_ptr_array_index (mirror->items, 31)));
  ferry_test_run_until (task_test_is_idle, test->executor);
  ferry_test_run_until (has_three, mirror);
  mirror_compare (mirror);
  again = ferry_executor_retry (test->executor, g_ptr_array_index (mirror->items, 0), NULL);
  g_assert_nonnull (again);
  mirror_compare (mirror);
  g_assert_cmpuint (mirror->items->len, ==, 3);
  g_assert_true (g_ptr_array_index (mirror->items, 2) == again);
  task_test_wait_done (again);
  submit_words (test->executor, "note", 10);
  ferry_test_run_until (task_test_is_idle, test->executor);
  ferry_test_run_until (has_three, mirror);
  g_assert_true (ferry_executor_remove (test->executor, g_ptr_array_index (mirror->items, 1), NULL));
  mirror_compare (mirror);
  g_assert_cmpuint (mirror->items->len, ==, 2);
  ferry_executor_clear_finished (test->executor);
  g_assert_cmpuint (mirror->items->len, ==, 0);
  mirror_free (mirror);
}

static gboolean
has_no_done (gpointer mirror)
{
  return ((Mirror *) mirror)->items->len == 0;
}

/* The last ones of many, and for as long as is wanted. */
static void
keeps_some_for_a_while_when_it_is_watched (void)
{
  const gint64 wanted = G_USEC_PER_SEC / 4;
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  Mirror *mirror = mirror_new (test->executor);
  g_autoptr (FerryTask) last = NULL;

  g_object_set (test->executor, "finished-time", 600 * G_USEC_PER_SEC, NULL);
  submit_words (test->executor, "note", 30);
  last = task_test_submit (test->executor, "note", g_variant_new_string ("x"));
  ferry_test_run_until (task_test_is_idle, test->executor);
  ferry_test_run_until (has_five, mirror);
  mirror_compare (mirror);
  g_assert_true (g_ptr_array_index (mirror->items, 4) == last);
  g_object_set (test->executor, "finished-time", wanted, NULL);
  ferry_test_run_until (has_no_done, mirror);
  g_assert_cmpint (g_get_monotonic_time () - ferry_test_get_number (last, "end-time"), >=, wanted);
  mirror_compare (mirror);
  mirror_free (mirror);
}

/* Whatever finishes after it, and whatever its age. */
static void
keeps_a_task_that_somebody_keeps (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  Mirror *mirror = mirror_new (test->executor);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "note", g_variant_new_string ("x"));
  g_autoptr (FerryTask) again = NULL;

  ferry_executor_keep_task (test->executor, task, TRUE);
  ferry_executor_keep_task (test->executor, task, TRUE);
  submit_words (test->executor, "note", 30);
  ferry_test_run_until (task_test_is_idle, test->executor);
  ferry_test_run_until (has_one, mirror);
  g_assert_true (g_ptr_array_index (mirror->items, 0) == task);
  ferry_executor_keep_task (test->executor, task, FALSE);
  mirror_compare (mirror);
  g_assert_cmpuint (mirror->items->len, ==, 1);
  ferry_executor_keep_task (test->executor, task, FALSE);
  ferry_test_run_until (has_no_done, mirror);

  g_clear_object (&task);
  task = task_test_submit (test->executor, "note", g_variant_new_string ("y"));
  ferry_executor_keep_task (test->executor, task, TRUE);
  ferry_test_run_until (task_test_is_idle, test->executor);
  ferry_test_run_until (has_one, mirror);
  again = ferry_executor_retry (test->executor, task, NULL);
  g_assert_nonnull (again);
  task_test_wait_done (again);
  ferry_test_run_until (has_no_done, mirror);
  ferry_executor_keep_task (test->executor, task, FALSE);
  mirror_free (mirror);
}

/* It would stand beside its other attempt. */
static void
keeps_no_failed_task_for_a_while_that_was_tried_again (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  Mirror *mirror = mirror_new (test->executor);
  g_autoptr (FerryTask) task = submit_failing (test->executor);
  g_autoptr (FerryTask) again = NULL;

  g_object_set (test->executor, "finished-time", 600 * G_USEC_PER_SEC, NULL);
  task_test_wait_done (task);
  again = ferry_executor_retry (test->executor, task, NULL);
  ferry_test_run_until (has_one, mirror);
  g_assert_true (g_ptr_array_index (mirror->items, 0) == again);
  task_test_wait_done (again);
  mirror_free (mirror);
}

static void
retry_cb (FerryTask *task, gpointer executor)
{
  g_object_unref (ferry_executor_retry (executor, task, NULL));
}

/* An application that tries a task again by itself shows the last attempt only. */
static void
keeps_no_failed_task_that_was_tried_again (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  Mirror *mirror = mirror_new (test->executor);
  g_autoptr (FerryTask) task = submit_failing (test->executor);

  g_signal_connect (task, "done", G_CALLBACK (retry_cb), test->executor);
  ferry_test_run_until (task_test_is_idle, test->executor);
  g_assert_cmpint (ferry_test_get_number (test->executor, "n-failed"), ==, 2);
  ferry_test_run_until (has_one, mirror);
  g_assert_true (g_ptr_array_index (mirror->items, 0) != task);
  mirror_free (mirror);
}

static void
keeps_so_many_that_failed (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  Mirror *mirror;

  for (guint i = 0; i < 3; i++)
    g_object_unref (submit_failing (test->executor));
  ferry_test_run_until (task_test_is_idle, test->executor);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->executor)), ==, 0);
  mirror = mirror_new (test->executor);
  for (guint i = 0; i < 1100; i++)
    g_object_unref (submit_failing (test->executor));
  ferry_test_run_until (task_test_is_idle, test->executor);
  while (mirror->items->len > 1000)
    g_main_context_iteration (NULL, TRUE);
  mirror_compare (mirror);
  g_assert_cmpuint (mirror->items->len, ==, 1000);
  mirror_free (mirror);
}

typedef struct
{
  GListModel *model;
  guint n_items; /* when the task was freed */
} Freed;

static void
note_freed (gpointer data, GObject *object)
{
  Freed *freed = data;
  g_autoptr (GObject) first = g_list_model_get_item (freed->model, 0);

  freed->n_items = g_list_model_get_n_items (freed->model);
  g_assert_true (first == NULL || first != object);
}

/* What runs when a task is freed finds a list without the task. */
static void
frees_what_has_left_the_list (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GPtrArray) tasks = submit_to_list (test->executor, 10);
  Freed freed = {G_LIST_MODEL (test->executor), G_MAXUINT};

  g_object_set (test->executor, "keep-finished", 10, NULL);
  g_object_weak_ref (g_ptr_array_index (tasks, 4), note_freed, &freed);
  task_test_wait_begun (g_ptr_array_index (tasks, 0));
  ferry_task_cancel (g_ptr_array_index (tasks, 4));
  ferry_task_cancel (g_ptr_array_index (tasks, 5));
  g_ptr_array_set_size (tasks, 0);
  g_assert_cmpuint (freed.n_items, ==, G_MAXUINT);
  ferry_executor_clear_finished (test->executor);
  g_assert_cmpuint (freed.n_items, ==, 8);
  task_test_open_gate ();
  ferry_test_run_until (task_test_is_idle, test->executor);
}

static void
drop_executor (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  TaskTest *test = data;

  g_clear_object (&test->executor);
}

/* A handler drops the last reference to the list that is about to lose its last task. */
static void
is_dropped_by_its_handler (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GPtrArray) tasks = submit_to_list (test->executor, 2);
  FerryExecutor *executor = test->executor;

  g_object_set (executor, "keep-finished", 1, NULL);
  task_test_open_gate ();
  ferry_test_run_until (task_test_is_idle, executor);
  task_test_settle ();
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (executor)), ==, 1);
  g_signal_connect (executor, "items-changed", G_CALLBACK (drop_executor), test);
  ferry_executor_remove (executor, g_ptr_array_index (tasks, 1), NULL);
  g_assert_null (test->executor);
  g_assert_cmpuint (G_OBJECT (g_ptr_array_index (tasks, 1))->ref_count, ==, 1);
}

static void
cancel_added (GListModel *model, guint position, guint removed, guint added, gpointer data)
{
  for (guint i = 0; i < added; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (model, position + i);

      ferry_task_cancel (task);
    }
}

static gboolean
is_empty (gpointer model)
{
  return g_list_model_get_n_items (model) == 0;
}

static void
cancels_what_comes_into_the_list (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);

  submit_words (test->executor, "gate", 1);
  g_signal_connect (test->executor, "items-changed", G_CALLBACK (cancel_added), NULL);
  submit_words (test->executor, "note", 10);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 10);
  task_test_open_gate ();
  ferry_test_run_until (task_test_is_idle, test->executor);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, 1);
  ferry_test_run_until (is_empty, test->executor);
  g_signal_handlers_disconnect_by_func (test->executor, cancel_added, NULL);
}

/* ---- other threads ---- */

typedef struct
{
  FerryExecutor *executor;
  FerryTask *before; /* (owned) */
  FerryTask *after;  /* (owned) */
} Elsewhere;

static gpointer
cancel_between (gpointer data)
{
  Elsewhere *self = data;

  self->before = task_test_submit (self->executor, "note", g_variant_new_string ("before"));
  g_assert_cmpuint (ferry_executor_cancel_all (self->executor), ==, 0);
  g_assert_cmpuint (ferry_executor_cancel_all (self->executor), ==, 0);
  self->after = task_test_submit (self->executor, "note", g_variant_new_string ("after"));
  return NULL;
}

static void
cancels_what_a_thread_submitted_before (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) here =
    GPOINTER_TO_INT (data) ? task_test_submit (test->executor, "gate", g_variant_new_string ("x")) : NULL;
  Elsewhere elsewhere = {test->executor, NULL, NULL};

  g_thread_join (g_thread_new ("elsewhere", cancel_between, &elsewhere));
  g_assert_cmpint (ferry_task_get_state (elsewhere.before), ==, FERRY_TASK_STATE_WAITING);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-waiting"), ==, 2);
  task_test_assert_cancelled (elsewhere.before);
  task_test_assert_result (elsewhere.after, NULL);
  if (here != NULL)
    task_test_assert_cancelled (here);
  g_object_unref (elsewhere.before);
  g_object_unref (elsewhere.after);
}

static gpointer
cancel_all_the_time (gpointer data)
{
  Elsewhere *self = data;

  while (!ferry_task_get_done (self->after))
    ferry_executor_cancel_all (self->executor);
  return NULL;
}

/* Where another thread cancels while tasks run and report, each comes to its end, once and on this thread. */
static void
is_cancelled_under_load (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (GPtrArray) witnesses = g_ptr_array_new_with_free_func ((GDestroyNotify) task_test_witness_free);
  g_autoptr (FerryTask) end = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  Elsewhere elsewhere = {test->executor, NULL, end};
  GThread *thread = g_thread_new ("elsewhere", cancel_all_the_time, &elsewhere);

  for (guint i = 0; i < 500; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report-until-cancelled", NULL);

      g_ptr_array_add (witnesses, task_test_witness_new (task));
      task_test_submit_task (test->executor, task);
      task_test_assert_cancelled (task);
    }
  ferry_task_cancel (end);
  g_thread_join (thread);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 500);
}

/* ---- ends ---- */

static void
cancels_all (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 2);
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) second = task_test_submit (test->executor, "spin-until-cancelled", NULL);
  TaskTestWitness *witness = NULL;

  for (guint i = 0; i < 100; i++)
    g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  task_test_wait_begun (first);
  task_test_wait_begun (second);
  witness = task_test_witness_new (first);
  witness->cancelled = TRUE;
  g_assert_cmpuint (ferry_executor_cancel_all (test->executor), ==, 102);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-waiting"), ==, 0);
  g_assert_cmpuint (ferry_executor_cancel_all (test->executor), ==, 0);
  task_test_assert_cancelled (first);
  task_test_assert_cancelled (second);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 102);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, 0);
  task_test_witness_free (witness);
}

static gboolean
is_stopped (gpointer data)
{
  return ferry_test_get_number (data, "state") == FERRY_EXECUTOR_STATE_STOPPED;
}

static void
assert_refuses (FerryExecutor *executor)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_executor_submit (executor, "nothing", NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STOPPED);
}

static void
stops (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);

  submit_words (test->executor, "gate", 1);
  submit_words (test->executor, "note", 5);
  ferry_executor_stop (test->executor);
  g_assert_cmpint (ferry_test_get_number (test->executor, "state"), ==, FERRY_EXECUTOR_STATE_STOPPING);
  assert_refuses (test->executor);
  /* Again: what it has goes on all the same. */
  ferry_executor_stop (test->executor);
  g_assert_cmpint (ferry_test_get_number (test->executor, "state"), ==, FERRY_EXECUTOR_STATE_STOPPING);
  task_test_open_gate ();
  ferry_test_run_until (is_stopped, test->executor);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, 6);
  assert_refuses (test->executor);
  ferry_executor_stop (test->executor);
  g_assert_cmpint (ferry_test_get_number (test->executor, "state"), ==, FERRY_EXECUTOR_STATE_STOPPED);
}

typedef struct
{
  gboolean returned;
  GError *error;
} Shutdown;

static void
shut_down (GObject *object, GAsyncResult *result, gpointer data)
{
  Shutdown *shutdown = data;

  shutdown->returned = TRUE;
  ferry_executor_shutdown_finish (FERRY_EXECUTOR (object), result, &shutdown->error);
}

static void
shuts_down_what_heeds_it (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  Shutdown shutdown = {0};

  g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  task_test_wait_begun (task);
  ferry_executor_shutdown_async (test->executor, -1, NULL, shut_down, &shutdown);
  assert_refuses (test->executor);
  ferry_test_wait_flag (&shutdown.returned);
  g_assert_no_error (shutdown.error);
  g_assert_true (is_stopped (test->executor));
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-cancelled"), ==, 2);
}

static void
shuts_down_without_time (gconstpointer data)
{
  gboolean in_threads = GPOINTER_TO_INT (data);
  g_autoptr (TaskTest) test = task_test_new (in_threads, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, in_threads ? "hang" : "stubborn", NULL);
  Shutdown shutdown = {0};

  g_object_unref (task_test_submit (test->executor, "nothing", NULL));
  task_test_wait_begun (task);
  ferry_executor_shutdown_async (test->executor, 0, NULL, shut_down, &shutdown);
  ferry_test_wait_flag (&shutdown.returned);
  g_assert_no_error (shutdown.error);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_true (is_stopped (test->executor));
}

/* The call that gives less time counts, and both are told; one that waits no more is told so at once. */
static void
shuts_down_twice (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "hang", NULL);
  Shutdown first = {0};
  Shutdown second = {0};
  Shutdown impatient = {0};
  Shutdown late = {0};

  task_test_wait_begun (task);
  ferry_executor_shutdown_async (test->executor, -1, NULL, shut_down, &first);
  ferry_executor_shutdown_async (test->executor, -1, cancellable, shut_down, &impatient);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&impatient.returned);
  g_assert_error (impatient.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (first.returned);
  ferry_executor_shutdown_async (test->executor, 20000, NULL, shut_down, &second);
  ferry_test_wait_flag (&first.returned);
  ferry_test_wait_flag (&second.returned);
  g_assert_no_error (first.error);
  g_assert_no_error (second.error);
  ferry_executor_shutdown_async (test->executor, -1, NULL, shut_down, &late);
  ferry_test_wait_flag (&late.returned);
  g_assert_no_error (late.error);
  g_clear_error (&impatient.error);
}

/* Tasks are done all the same when the last reference is dropped, and the list's tasks go with it. */
static void
is_dropped_with_open_tasks (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 2);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  gpointer executor = test->executor;

  g_object_set (test->executor, "keep-finished", 7, NULL);
  for (guint i = 0; i < 50; i++)
    g_ptr_array_add (tasks, task_test_submit (test->executor, "echo", g_variant_new_string ("x")));
  g_object_add_weak_pointer (executor, &executor);
  g_clear_object (&test->executor);
  for (guint i = 0; i < 50; i++)
    task_test_assert_result (g_ptr_array_index (tasks, i), "'x'");
  task_test_settle ();
  g_assert_null (executor);
  for (guint i = 0; i < 50; i++)
    g_assert_cmpuint (G_OBJECT (g_ptr_array_index (tasks, i))->ref_count, ==, 1);
}

static void
ends_with_its_router (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 2);
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) witnesses = g_ptr_array_new_with_free_func ((GDestroyNotify) task_test_witness_free);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 20; i++)
    {
      FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);

      g_object_set (task, "retries", i % 3, NULL);
      g_ptr_array_add (tasks, task);
      g_ptr_array_add (witnesses, task_test_witness_new (task));
      task_test_submit_task (test->executor, task);
    }
  task_test_wait_state (g_ptr_array_index (tasks, 0), FERRY_TASK_STATE_EXECUTING);
  ferry_router_stop (test->router, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 20; i++)
    {
      FerryTask *task = g_ptr_array_index (tasks, i);

      task_test_wait_done (task);
      g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_FAILED);
      g_assert_true (ferry_task_get_error (task)->domain == FERRY_ERROR);
    }
  g_assert_cmpuint (task_test_take_n_warnings (), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-failed"), ==, 20);
}

static gpointer
submit_nothing (gpointer executor)
{
  return task_test_submit (executor, "nothing", NULL);
}

/* Those that run, those that wait, and those that other threads submitted before end with the stop, for one reason that
 * they say. */
static void
says_to_all_that_the_router_was_stopped (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (data != NULL, 1);
  FerryTask *running = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) waiting = NULL;
  g_autoptr (FerryTask) foreign = NULL;

  /* Nor is it tried again, by a worker that is not started. */
  g_object_set (running, "retries", 5, NULL);
  task_test_submit_task (test->executor, running);
  waiting = task_test_submit (test->executor, "nothing", NULL);
  task_test_wait_begun (running);
  foreign = g_thread_join (g_thread_new ("submit", submit_nothing, test->executor));
  ferry_router_stop (test->router, NULL);
  for (guint i = 0; i < 3; i++)
    {
      FerryTask *const tasks[] = {running, waiting, foreign};
      const GError *error = ferry_task_get_error (tasks[i]);

      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
      ferry_test_assert_says (error->message, i == 0 ? "The router was stopped" : "The task was not begun");
    }
  g_object_unref (running);
}

/* The router's end of a task that is submitted when it does not run. */
static void
fails_tasks_without_a_router (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) task = NULL;

  ferry_router_stop (test->router, NULL);
  task = task_test_submit (test->executor, "nothing", NULL);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
}

#define IN_THREADS GINT_TO_POINTER (TRUE)
#define IN_PROCESSES GINT_TO_POINTER (FALSE)

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_data_func ("/executor/processes-say-to-all-that-the-router-was-stopped", NULL,
                        says_to_all_that_the_router_was_stopped);
  g_test_add_data_func ("/executor/threads-say-to-all-that-the-router-was-stopped", "threads",
                        says_to_all_that_the_router_was_stopped);
  g_test_add_data_func ("/executor/cancels-all-in-processes", IN_PROCESSES, cancels_all);
  g_test_add_data_func ("/executor/shuts-down-a-process-that-heeds-it", IN_PROCESSES, shuts_down_what_heeds_it);
  g_test_add_data_func ("/executor/shuts-down-a-process-without-time", IN_PROCESSES, shuts_down_without_time);
  g_test_add_data_func ("/executor/runs-on-in-processes-when-it-is-dropped", IN_PROCESSES, is_dropped_with_open_tasks);
  g_test_add_data_func ("/executor/ends-with-the-router-of-its-processes", IN_PROCESSES, ends_with_its_router);
  g_test_add_data_func ("/executor/is-a-list-without-finished-tasks", GUINT_TO_POINTER (0), is_list);
  g_test_add_data_func ("/executor/is-a-list-with-some-finished-tasks", GUINT_TO_POINTER (5), is_list);
  g_test_add_data_func ("/executor/is-a-list-with-all-tasks", GUINT_TO_POINTER (1000), is_list);
  g_test_add_func ("/executor/is-a-list-that-is-looked-at-late", is_looked_at_late);
  g_test_add_func ("/executor/is-a-list-that-is-watched-late", is_watched_late);
  g_test_add_func ("/executor/is-dropped-by-a-handler-of-its-list", is_dropped_by_its_handler);
  g_test_add_func ("/executor/keeps-what-failed-while-it-is-watched", keeps_what_failed_while_it_is_watched);
  g_test_add_func ("/executor/keeps-no-failed-task-that-was-tried-again", keeps_no_failed_task_that_was_tried_again);
  g_test_add_func ("/executor/keeps-some-for-a-while-when-it-is-watched", keeps_some_for_a_while_when_it_is_watched);
  g_test_add_func ("/executor/keeps-a-task-that-somebody-keeps", keeps_a_task_that_somebody_keeps);
  g_test_add_func ("/executor/keeps-no-failed-task-for-a-while-that-was-tried-again",
                   keeps_no_failed_task_for_a_while_that_was_tried_again);
  g_test_add_func ("/executor/keeps-so-many-that-failed", keeps_so_many_that_failed);
  g_test_add_func ("/executor/frees-what-has-left-the-list", frees_what_has_left_the_list);
  g_test_add_func ("/executor/is-told-to-cancel-what-comes-into-the-list", cancels_what_comes_into_the_list);
  g_test_add_data_func ("/executor/cancels-all-in-threads", IN_THREADS, cancels_all);
  g_test_add_data_func ("/executor/cancels-what-a-thread-submitted-before", GINT_TO_POINTER (FALSE),
                        cancels_what_a_thread_submitted_before);
  g_test_add_data_func ("/executor/cancels-all-for-another-thread", GINT_TO_POINTER (TRUE),
                        cancels_what_a_thread_submitted_before);
  g_test_add_func ("/executor/is-cancelled-under-load-by-another-thread", is_cancelled_under_load);
  g_test_add_func ("/executor/stops", stops);
  g_test_add_data_func ("/executor/shuts-down-a-thread-that-heeds-it", IN_THREADS, shuts_down_what_heeds_it);
  g_test_add_data_func ("/executor/shuts-down-a-thread-without-time", IN_THREADS, shuts_down_without_time);
  g_test_add_func ("/executor/shuts-down-for-whoever-gives-least-time", shuts_down_twice);
  g_test_add_data_func ("/executor/runs-on-in-threads-when-it-is-dropped", IN_THREADS, is_dropped_with_open_tasks);
  g_test_add_data_func ("/executor/ends-with-the-router-of-its-threads", IN_THREADS, ends_with_its_router);
  g_test_add_func ("/executor/fails-tasks-without-a-router", fails_tasks_without_a_router);
  return g_test_run ();
}
