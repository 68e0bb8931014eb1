/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-task-group.c, task/ferry-whole-task.c
 *
 * Groups of tasks, and what they are bound to. */

#include "config.h"

#include "ferry-test.h"
#include "task/lone-task.h"

static void
count_cb (gpointer object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
note_cb (FerryTask *task, gpointer user_data)
{
  g_object_set_data (user_data, "heard", user_data);
}

static void
end_lost (FerryTask *task)
{
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST, task_test_error ("gone"), NULL, NULL));
}

static void
test_leaving (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) one = task_test_new_executing (&executor);
  g_autoptr (FerryTask) other = task_test_new_executing (&executor);
  guint n_notified = 0;

  g_signal_connect (group, "notify::n-open", G_CALLBACK (count_cb), &n_notified);
  ferry_task_group_add (group, one);
  ferry_task_group_add (group, one);
  ferry_task_group_add (group, other);
  g_assert_cmpuint (n_notified, ==, 2);
  g_assert_cmpuint (ferry_test_get_number (group, "n-open"), ==, 2);
  g_assert_true (ferry_run_complete (ferry_task_get_run (one), NULL));
  g_assert_cmpuint (n_notified, ==, 3);
  g_assert_cmpuint (ferry_test_get_number (group, "n-open"), ==, 1);
  ferry_task_group_add (group, one);
  g_assert_cmpuint (ferry_test_get_number (group, "n-open"), ==, 1);
  end_lost (other);
  g_assert_cmpuint (ferry_test_get_number (group, "n-open"), ==, 0);
}

static void
test_cancel (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) fresh = task_test_new (NULL);
  g_autoptr (FerryTask) waiting = task_test_new (&executor);
  g_autoptr (FerryTask) executing = task_test_new_executing (&executor);
  g_autoptr (FerryTask) cancelling = task_test_new_executing (&executor);
  g_autoptr (FerryTask) stranger = task_test_new_executing (&executor);

  g_assert_true (ferry_task_cancel (cancelling));
  ferry_task_group_add (group, fresh);
  ferry_task_group_add (group, waiting);
  ferry_task_group_add (group, executing);
  ferry_task_group_add (group, cancelling);
  g_assert_cmpuint (ferry_task_group_cancel (group), ==, 3);
  g_assert_cmpint (ferry_task_get_state (fresh), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (waiting), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (executing), ==, FERRY_TASK_STATE_CANCELLING);
  g_assert_cmpint (ferry_task_get_state (stranger), ==, FERRY_TASK_STATE_EXECUTING);
  g_assert_cmpuint (ferry_test_get_number (group, "n-open"), ==, 2);
  g_assert_cmpuint (ferry_task_group_cancel (group), ==, 0);
  end_lost (executing);
  end_lost (cancelling);
  g_assert_cmpuint (ferry_test_get_number (group, "n-open"), ==, 0);
  end_lost (stranger);
}

typedef struct
{
  FerryTaskGroup *group;
  FerryTask *next; /* (nullable) */
} Chain;

static void
add_next_cb (FerryTask *task, Chain *chain)
{
  if (chain->next != NULL)
    ferry_task_group_add (chain->group, g_steal_pointer (&chain->next));
}

/* What handlers add while the group is cancelled is not of that cancel. */
static void
test_add_in_handler (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (FerryTask) next = task_test_new (&executor);
  Chain chain = {group, next};

  g_signal_connect (task, "done", G_CALLBACK (add_next_cb), &chain);
  ferry_task_group_add (group, task);
  g_assert_cmpuint (ferry_task_group_cancel (group), ==, 1);
  g_assert_cmpuint (ferry_test_get_number (group, "n-open"), ==, 1);
  g_assert_cmpint (ferry_task_get_state (next), ==, FERRY_TASK_STATE_WAITING);
  g_assert_cmpuint (ferry_task_group_cancel (group), ==, 1);
}

static void
drop_cb (FerryTask *task, gpointer user_data)
{
  g_clear_object ((GObject **) user_data);
}

static void
test_dropped_in_handler (void)
{
  TaskTestExecutor executor = {0};
  FerryTaskGroup *group = ferry_task_group_new ();
  FerryTaskGroup *watched = group;
  g_autoptr (FerryTask) one = task_test_new (&executor);
  g_autoptr (FerryTask) other = task_test_new (&executor);

  g_object_add_weak_pointer (G_OBJECT (group), (gpointer *) &watched);
  g_signal_connect (one, "done", G_CALLBACK (drop_cb), &group);
  g_signal_connect (other, "done", G_CALLBACK (drop_cb), &group);
  ferry_task_group_add (group, one);
  ferry_task_group_add (group, other);
  g_assert_cmpuint (ferry_task_group_cancel (group), ==, 2);
  g_assert_null (watched);
}

static void
test_forgets (void)
{
  TaskTestExecutor executor = {0};
  FerryTaskGroup *group = ferry_task_group_new ();
  FerryTask *task = task_test_new_executing (&executor);

  ferry_task_group_add (group, task);
  g_assert_finalize_object (group);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
  g_assert_finalize_object (task);
}

/* ---- owners ---- */

static void
test_owner (void)
{
  TaskTestExecutor executor = {0};
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);
  FerryTaskGroup *group = ferry_task_group_new ();
  g_autoptr (FerryTask) waiting = task_test_new (&executor);
  g_autoptr (FerryTask) executing = task_test_new_executing (&executor);
  g_autoptr (FerryTask) late = task_test_new (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (executing);

  ferry_task_group_bind (group, owner);
  ferry_task_group_add (group, waiting);
  ferry_task_group_add (group, executing);
  /* Would crash with an owner that is no more. */
  g_signal_connect (waiting, "done", G_CALLBACK (note_cb), owner);
  g_signal_connect (executing, "done", G_CALLBACK (note_cb), owner);
  g_assert_finalize_object (owner);
  g_assert_cmpint (ferry_task_get_state (waiting), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (executing), ==, FERRY_TASK_STATE_CANCELLING);
  ferry_task_group_add (group, late);
  g_assert_cmpint (ferry_task_get_state (late), ==, FERRY_TASK_STATE_CANCELLED);
  end_lost (executing);
  /* Others still hear of it. */
  task_test_assert_heard (ear, "state can-cancel indeterminate end-time state is-done done!");
  g_assert_finalize_object (group);
}

static void
test_owner_keeps_group (void)
{
  TaskTestExecutor executor = {0};
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);
  FerryTaskGroup *group = ferry_task_group_new ();
  g_autoptr (FerryTask) task = task_test_new (&executor);

  ferry_task_group_bind (group, owner);
  ferry_task_group_add (group, task);
  g_object_unref (group);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  g_assert_finalize_object (owner);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
}

static void
test_latest_owner (void)
{
  TaskTestExecutor executor = {0};
  GObject *first = g_object_new (G_TYPE_OBJECT, NULL);
  GObject *second = g_object_new (G_TYPE_OBJECT, NULL);
  FerryTaskGroup *group = ferry_task_group_new ();
  g_autoptr (FerryTask) task = task_test_new (&executor);

  ferry_task_group_add (group, task);
  ferry_task_group_bind (group, first);
  ferry_task_group_bind (group, second);
  g_assert_finalize_object (first);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  g_assert_finalize_object (second);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_finalize_object (group);
}

static gpointer
unref_thread (gpointer object)
{
  g_object_unref (object);
  return NULL;
}

static gboolean
is_empty (gpointer group)
{
  return ferry_test_get_number (group, "n-open") == 0;
}

static void
test_owner_on_other_thread (void)
{
  TaskTestExecutor executor = {0};
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) task = task_test_new (&executor);

  ferry_task_group_bind (group, owner);
  ferry_task_group_add (group, task);
  g_signal_connect (task, "done", G_CALLBACK (note_cb), owner);
  g_thread_join (g_thread_new ("owner", unref_thread, owner));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  ferry_test_run_until (is_empty, group);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
}

/* ---- waiting ---- */

typedef struct
{
  gboolean called;
  gboolean done;
  GError *error;
} Waited;

static void
waited_cb (GObject *object, GAsyncResult *result, gpointer user_data)
{
  Waited *waited = user_data;

  waited->called = TRUE;
  waited->done = ferry_task_group_wait_finish (FERRY_TASK_GROUP (object), result, &waited->error);
}

static void
test_wait (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) one = task_test_new_executing (&executor);
  g_autoptr (FerryTask) other = task_test_new_executing (&executor);
  Waited empty = {0};
  Waited full = {0};

  ferry_task_group_wait_async (group, NULL, waited_cb, &empty);
  ferry_test_wait_flag (&empty.called);
  g_assert_true (empty.done);
  ferry_task_group_add (group, one);
  ferry_task_group_add (group, other);
  ferry_task_group_wait_async (group, NULL, waited_cb, &full);
  g_assert_true (ferry_run_complete (ferry_task_get_run (one), NULL));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_false (full.called);
  end_lost (other);
  ferry_test_wait_flag (&full.called);
  g_assert_true (full.done);
  g_assert_no_error (full.error);
}

static void
test_cancelled_wait (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Waited waited = {0};

  ferry_task_group_add (group, task);
  ferry_task_group_wait_async (group, cancellable, waited_cb, &waited);
  g_cancellable_cancel (cancellable);
  ferry_test_wait_flag (&waited.called);
  g_assert_false (waited.done);
  g_assert_error (waited.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&waited.error);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
}

static void
test_pause (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) fresh = task_test_new (NULL);
  g_autoptr (FerryTask) executing = task_test_new_executing (&executor);
  g_autoptr (FerryTask) cancelling = task_test_new_executing (&executor);
  g_autoptr (FerryTask) later = task_test_new (NULL);

  g_assert_true (ferry_task_cancel (cancelling));
  ferry_task_group_add (group, fresh);
  ferry_task_group_add (group, executing);
  ferry_task_group_add (group, cancelling);
  g_assert_cmpuint (ferry_task_group_pause (group), ==, 2);
  g_assert_cmpuint (ferry_task_group_pause (group), ==, 0);
  ferry_task_group_add (group, later);
  g_assert_true (ferry_test_get_number (fresh, "is-paused"));
  g_assert_true (ferry_test_get_number (executing, "is-paused"));
  g_assert_false (ferry_test_get_number (later, "is-paused"));
  g_assert_true (ferry_task_resume (fresh));
  g_assert_cmpuint (ferry_task_group_resume (group), ==, 1);
  g_assert_false (ferry_test_get_number (executing, "is-paused"));
  end_lost (executing);
  end_lost (cancelling);
}

/* ---- the task that stands for a group ---- */

static void
report (FerryTask *task, double fraction)
{
  FerryProgress progress = task_test_progress (fraction, NULL);

  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
}

static void
assert_progress (FerryTask *sum, double fraction, guint64 amount, guint64 total)
{
  g_assert_cmpfloat_with_epsilon (ferry_task_get_fraction (sum), fraction, 0.001);
  g_assert_cmpuint (ferry_test_get_number (sum, "amount"), ==, amount);
  g_assert_cmpuint (ferry_test_get_number (sum, "total"), ==, total);
}

static void
test_sum (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) one = task_test_new_executing (&executor);
  g_autoptr (FerryTask) other = task_test_new (&executor);
  g_autoptr (FerryTask) sum = ferry_task_new_for_group (group, "Holidays", "files");
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (ferry_task_get_name (sum), ==, "Holidays");
  g_assert_cmpint (ferry_task_get_state (sum), ==, FERRY_TASK_STATE_WAITING);
  ferry_task_group_add (group, other);
  g_assert_cmpint (ferry_task_get_state (sum), ==, FERRY_TASK_STATE_WAITING);
  ferry_task_group_add (group, one);
  g_assert_cmpint (ferry_task_get_state (sum), ==, FERRY_TASK_STATE_EXECUTING);
  report (one, 0.5);
  assert_progress (sum, 0.25, 0, 2);
  g_assert_cmpstr (ferry_test_get_string (sum, "unit"), ==, "files");
  g_assert_true (ferry_run_complete (ferry_task_get_run (one), NULL));
  assert_progress (sum, 0.5, 1, 2);
  g_assert_true (ferry_run_start (ferry_task_get_run (other), 77, NULL));
  g_assert_true (ferry_run_complete (ferry_task_get_run (other), NULL));
  assert_progress (sum, 1, 2, 2);
  g_assert_cmpint (ferry_task_get_state (sum), ==, FERRY_TASK_STATE_COMPLETED);
  result = ferry_task_get_result (sum, &error);
  g_assert_no_error (error);
  g_assert_finalize_object (g_steal_pointer (&group));
}

/* It falls by what was taken back and by nothing else, and is never below 0. */
static void
test_sum_falls_with_what_is_taken_back (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) sum = ferry_task_new_for_group (group, "Holidays", "files");
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (TaskTestEar) ear = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_ptr_array_add (tasks, task_test_new_executing (&executor));
      ferry_task_group_add (group, tasks->pdata[i]);
      report (tasks->pdata[i], 0.3 * (i + 1));
    }
  assert_progress (sum, 0.6, 0, 3);
  ear = task_test_ear_new (sum);
  report (tasks->pdata[2], FERRY_FRACTION_TAKEN_BACK);
  task_test_assert_heard (ear, "fraction progress!");
  assert_progress (sum, 0.3, 0, 3);
  g_assert_false (ferry_test_get_number (sum, "indeterminate"));
  report (tasks->pdata[2], 0.9);
  report (tasks->pdata[0], 0.1);
  assert_progress (sum, 0.3, 0, 3);
  for (guint i = 0; i < 3; i++)
    report (tasks->pdata[i], FERRY_FRACTION_TAKEN_BACK);
  g_assert_cmpfloat (ferry_task_get_fraction (sum), >=, 0);
  assert_progress (sum, 0, 0, 3);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_true (ferry_run_complete (ferry_task_get_run (tasks->pdata[i]), NULL));
      assert_progress (sum, (i + 1) / 3.0, i + 1, 3);
    }
  g_assert_cmpint (ferry_task_get_state (sum), ==, FERRY_TASK_STATE_COMPLETED);
}

static void
test_sum_fails (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) one = task_test_new_executing (&executor);
  g_autoptr (FerryTask) other = task_test_new_executing (&executor);
  g_autoptr (FerryTask) sum = NULL, both = NULL;
  g_autoptr (GVariant) failures = NULL;
  g_autofree char *printed = NULL;

  ferry_task_group_add (group, one);
  sum = ferry_task_new_for_group (group, "First", NULL);
  g_assert_true (ferry_run_fail (ferry_task_get_run (one), FERRY_TASK_EVENT_ERROR, task_test_error ("The disk is full"),
                                 NULL, NULL));
  g_assert_error (ferry_task_get_error (sum), G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_cmpstr (ferry_task_get_error (sum)->message, ==, "The disk is full");

  g_clear_object (&one);
  one = task_test_new_executing (&executor);
  ferry_task_group_add (group, one);
  ferry_task_group_add (group, other);
  g_object_set (one, "name", "One", NULL);
  g_object_set (other, "name", "Other", NULL);
  both = ferry_task_new_for_group (group, "Second", NULL);
  assert_progress (both, 0, 0, 0);
  end_lost (one);
  g_assert_false (ferry_task_get_done (both));
  end_lost (other);
  ferry_test_assert_says (ferry_task_get_error (both)->message, "2 of 2 failed, the first of them so: One: ");
  ferry_test_assert_says (ferry_task_get_error (both)->message, "gone");
  g_object_get (both, "failures", &failures, NULL);
  printed = g_variant_print (failures, FALSE);
  ferry_test_assert_says (printed, "(2, 2, [(");
  ferry_test_assert_says (printed, ", 'One', 'gone'), (");
  ferry_test_assert_says (printed, ", 'Other', 'gone')])");
}

static void
test_sum_is_cancelled (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) waiting = task_test_new (&executor);
  g_autoptr (FerryTask) executing = task_test_new_executing (&executor);
  g_autoptr (FerryTask) empty = ferry_task_new_for_group (group, "Nothing", NULL);
  g_autoptr (FerryTask) sum = NULL;

  g_assert_true (ferry_task_cancel (empty));
  g_assert_cmpint (ferry_task_get_state (empty), ==, FERRY_TASK_STATE_CANCELLED);
  ferry_task_group_add (group, waiting);
  ferry_task_group_add (group, executing);
  sum = ferry_task_new_for_group (group, "All", NULL);
  g_assert_true (ferry_task_pause (sum));
  g_assert_true (ferry_test_get_number (executing, "is-paused"));
  g_assert_true (ferry_task_resume (sum));
  g_assert_false (ferry_test_get_number (executing, "is-paused"));
  g_assert_true (ferry_task_cancel (sum));
  g_assert_cmpint (ferry_task_get_state (waiting), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (sum), ==, FERRY_TASK_STATE_CANCELLING);
  end_lost (executing);
  g_assert_cmpint (ferry_task_get_state (sum), ==, FERRY_TASK_STATE_CANCELLED);
}

/* Nobody has to keep it, and it holds nobody. */
static void
test_sum_is_dropped (void)
{
  TaskTestExecutor executor = {0};
  FerryTaskGroup *group = ferry_task_group_new ();
  g_autoptr (FerryTask) one = task_test_new_executing (&executor);
  FerryTask *sum = ferry_task_new_for_group (group, "Dropped", NULL);
  FerryTask *other = ferry_task_new_for_group (group, "Kept", NULL);
  g_autoptr (GError) error = NULL;

  ferry_task_group_add (group, one);
  g_assert_finalize_object (sum);
  report (one, 0.5);
  g_assert_cmpfloat (ferry_task_get_fraction (other), ==, 0.5);
  g_assert_null (ferry_task_wait (other, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_task_group_cancel (group);
  end_lost (one);
  g_assert_cmpint (ferry_task_get_state (other), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_finalize_object (other);
  g_assert_finalize_object (group);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/task-group/has-tasks-until-they-are-done", test_leaving);
  g_test_add_func ("/task-group/cancels-all-that-are-open", test_cancel);
  g_test_add_func ("/task-group/spares-what-handlers-add", test_add_in_handler);
  g_test_add_func ("/task-group/may-be-dropped-in-a-handler", test_dropped_in_handler);
  g_test_add_func ("/task-group/is-not-missed-by-its-tasks", test_forgets);
  g_test_add_func ("/task-group/ends-with-its-owner", test_owner);
  g_test_add_func ("/task-group/is-kept-by-its-owner", test_owner_keeps_group);
  g_test_add_func ("/task-group/follows-its-latest-owner", test_latest_owner);
  g_test_add_func ("/task-group/survives-an-owner-of-another-thread", test_owner_on_other_thread);
  g_test_add_func ("/task-group/is-paused", test_pause);
  g_test_add_func ("/task-group/can-be-waited-for", test_wait);
  g_test_add_func ("/task-group/lets-a-wait-be-cancelled", test_cancelled_wait);
  g_test_add_func ("/task-group/is-one-task", test_sum);
  g_test_add_func ("/task-group/falls-with-what-is-taken-back", test_sum_falls_with_what_is_taken_back);
  g_test_add_func ("/task-group/fails-as-one-task", test_sum_fails);
  g_test_add_func ("/task-group/is-cancelled-as-one-task", test_sum_is_cancelled);
  g_test_add_func ("/task-group/forgets-the-task-that-stands-for-it", test_sum_is_dropped);
  return g_test_run ();
}
