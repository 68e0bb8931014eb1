/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: task/ferry-task.c
 *
 * Submitting once, cancelling from everywhere, and what is still heard then. */

#include "config.h"

#include "ferry-test.h"
#include "task/lone-task.h"

#include "base/ferry-base-private.h"

#define N_RACES 2000

static void
test_claimed_once (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (GError) error = NULL;

  g_assert_false (task_test_submit (task, &executor, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED);
  g_clear_error (&error);
  g_assert_true (ferry_task_cancel (task));
  g_assert_false (task_test_submit (task, &executor, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED);
}

static void
test_cancel_before (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (NULL);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_task_cancel (task));
  task_test_assert_heard (ear, "indeterminate end-time state can-pause can-cancel is-done done!");
  g_assert_false (ferry_task_cancel (task));
  g_assert_false (task_test_submit (task, &executor, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (executor.n_cancelled, ==, 0);
}

static void
test_cancel_waiting (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_task_cancel (task));
  task_test_assert_heard (ear, "indeterminate end-time state can-pause can-cancel is-done done!");
  g_assert_cmpuint (executor.n_cancelled, ==, 1);
  g_assert_cmpint (executor.state_then, ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_null (ferry_task_get_result (task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_cancel_executing (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  FerryProgress progress = task_test_progress (0.5, "half");
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_task_cancel (task));
  task_test_assert_heard (ear, "state can-cancel");
  g_assert_cmpint (executor.state_then, ==, FERRY_TASK_STATE_CANCELLING);
  g_assert_false (ferry_task_cancel (task));
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  g_assert_true (ferry_run_take_message (ferry_task_get_run (task), "a", NULL));
  g_assert_true (ferry_run_take_yield (ferry_task_get_run (task), g_variant_new_uint32 (1)));
  g_assert_null (ferry_task_get_text (task));
  task_test_assert_heard (ear, "");
  g_assert_cmpuint (executor.n_consumed, ==, 0);
  g_assert_cmpuint (executor.n_cancelled, ==, 1);

  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42)));
  task_test_assert_heard (ear, "indeterminate end-time state is-done done!");
  g_assert_null (ferry_task_get_result (task, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_ends_at_once (void)
{
  TaskTestExecutor executor = {.ends_at_once = TRUE};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);

  g_assert_true (ferry_task_cancel (task));
  task_test_assert_heard (ear, "state can-cancel indeterminate end-time state is-done done!");
  g_assert_error (ferry_test_get_error (task, "late-error"), G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  g_assert_null (ferry_task_get_error (task));
}

static void
test_begun (void)
{
  TaskTestExecutor executor = {.has_begun = TRUE};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);

  g_assert_true (ferry_task_cancel (task));
  g_assert_cmpint (executor.state_then, ==, FERRY_TASK_STATE_CANCELLING);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
  task_test_assert_heard (ear, "n-attempts identifier start-time can-pause state state can-cancel");
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
  task_test_assert_heard (ear, "indeterminate end-time state is-done done!");
}

static void
cancel_cb (FerryTask *task)
{
  ferry_task_cancel (task);
}

static void
test_cancel_in_handlers (void)
{
  static const char *const signals[] = {"notify::fraction", "notify::text", "progress", "yielded", "message"};

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      TaskTestExecutor executor = {0};
      g_autoptr (FerryTask) task = task_test_new_executing (&executor);
      g_autoptr (TaskTestEar) ear = NULL;
      FerryProgress progress = task_test_progress (0.5, "half");

      g_signal_connect (task, signals[i], G_CALLBACK (cancel_cb), NULL);
      g_assert_true (ferry_run_take_message (ferry_task_get_run (task), "a", NULL));
      g_assert_true (ferry_run_take_yield (ferry_task_get_run (task), g_variant_new_uint32 (1)));
      g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
      g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
      g_assert_cmpuint (executor.n_consumed, ==, i < 3);
      ear = task_test_ear_new (task);
      g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
      task_test_assert_heard (ear,
                              i < 3 ? "end-time state is-done done!" : "indeterminate end-time state is-done done!");
    }
}

static void
count_cb (gpointer object, gpointer user_data)
{
  ++*(guint *) user_data;
}

/* What a handler of the first notification cancels is not reported any further. */
static void
test_report_stops (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  FerryProgress progress = task_test_progress (0.5, "half");
  guint n_reports = 0;

  g_signal_connect (task, "notify::fraction", G_CALLBACK (cancel_cb), NULL);
  g_signal_connect_swapped (task, "notify::text", G_CALLBACK (count_cb), &n_reports);
  g_signal_connect (task, "progress", G_CALLBACK (count_cb), &n_reports);
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  g_assert_cmpuint (n_reports, ==, 0);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
}

/* ---- cancellables ---- */

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

static void
test_cancellable (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) task = task_test_new (NULL);
  g_autoptr (TaskTestEar) ear = NULL;
  FerryProgress progress = task_test_progress (0.5, "half");

  g_object_set (task, "cancellable", cancellable, NULL);
  g_assert_true (task_test_submit (task, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  ear = task_test_ear_new (task);
  g_cancellable_cancel (cancellable);
  /* Nothing of the task's is signalled within the cancel; and no news any more. */
  task_test_assert_heard (ear, "");
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  g_assert_true (ferry_run_take_yield (ferry_task_get_run (task), g_variant_new_uint32 (1)));
  task_test_assert_heard (ear, "");
  while (executor.n_cancelled == 0)
    g_main_context_iteration (NULL, TRUE);
  task_test_assert_heard (ear, "state can-cancel");
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
}

/* The result is faster than the main context. */
static void
test_cancellable_and_result (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) task = task_test_new (NULL);

  g_object_set (task, "cancellable", cancellable, NULL);
  g_assert_true (task_test_submit (task, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  g_cancellable_cancel (cancellable);
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42)));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (executor.n_cancelled, ==, 0);
}

/* Only the function's news are too late; what the application does goes by the state that it sees. */
static void
test_cancellable_and_application (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) returned = task_test_new (NULL);
  g_autoptr (FerryTask) slow = task_test_new (NULL);

  g_object_set (returned, "cancellable", cancellable, NULL);
  g_object_set (slow, "cancellable", cancellable, NULL);
  g_assert_true (task_test_submit (returned, &executor, NULL));
  g_assert_true (task_test_submit (slow, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (returned), 77, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (slow), 77, NULL));
  g_cancellable_cancel (cancellable);
  g_assert_true (ferry_run_give_back (ferry_task_get_run (returned)));
  g_assert_cmpint (ferry_task_get_state (returned), ==, FERRY_TASK_STATE_WAITING);
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (slow), FERRY_TASK_EVENT_RUN_TIMEOUT, task_test_error ("slow"), NULL, NULL));
  g_assert_cmpint (ferry_task_get_state (slow), ==, FERRY_TASK_STATE_CANCELLING);
  ferry_test_run_until (is_done, returned);
  g_assert_cmpint (ferry_task_get_state (returned), ==, FERRY_TASK_STATE_CANCELLED);
}

static void
test_cancelled_cancellable (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) task = task_test_new (NULL);

  g_cancellable_cancel (cancellable);
  g_object_set (task, "cancellable", cancellable, NULL);
  g_assert_true (task_test_submit (task, &executor, NULL));
  ferry_test_run_until (is_done, task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpuint (executor.n_cancelled, ==, 1);
}

static void
disconnect_cb (FerryTask *task, gpointer user_data)
{
  gpointer *data = user_data;

  g_cancellable_disconnect (data[0], GPOINTER_TO_SIZE (data[1]));
}

static void
nothing_cb (GCancellable *cancellable, gpointer user_data)
{
}

/* A handler of the task's may disconnect from the very cancellable, and may let it go. */
static void
test_disconnects (void)
{
  TaskTestExecutor executor = {0};
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FerryTask) task = task_test_new (NULL);
  gpointer data[2] = {cancellable, NULL};

  data[1] = GSIZE_TO_POINTER (g_cancellable_connect (cancellable, G_CALLBACK (nothing_cb), NULL, NULL));
  g_object_set (task, "cancellable", cancellable, NULL);
  g_signal_connect (task, "done", G_CALLBACK (disconnect_cb), data);
  g_assert_true (task_test_submit (task, &executor, NULL));
  g_cancellable_cancel (cancellable);
  ferry_test_run_until (is_done, task);
}

static void
test_cancellable_let_go (void)
{
  TaskTestExecutor executor = {0};
  GCancellable *cancellable = g_cancellable_new ();
  FerryTask *task = task_test_new (NULL);

  g_object_set (task, "cancellable", cancellable, NULL);
  g_assert_true (task_test_submit (task, &executor, NULL));
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
  /* Nothing listens to it after the end. */
  g_assert_cmpuint (
    g_signal_handlers_block_matched (cancellable, G_SIGNAL_MATCH_ID, g_signal_lookup ("cancelled", G_TYPE_CANCELLABLE),
                                     0, NULL, NULL, NULL),
    ==, 0);
  g_assert_finalize_object (task);
  g_assert_finalize_object (cancellable);
}

/* However a task comes to its end, it lets go of its cancellable then. */
static void
test_drops_cancellable (void)
{
  for (guint i = 0; i < 4; i++)
    {
      TaskTestExecutor executor = {0};
      g_autoptr (FerryTask) task = task_test_new (NULL);
      GCancellable *cancellable = g_cancellable_new ();

      g_object_set (task, "cancellable", cancellable, NULL);
      if (i > 0)
        g_assert_true (task_test_submit (task, &executor, NULL));
      if (i < 2)
        g_assert_true (ferry_task_cancel (task));
      else
        g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
      if (i == 2)
        g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
      if (i == 3)
        g_assert_true (
          ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST, task_test_error ("gone"), NULL, NULL));
      g_assert_true (ferry_task_get_done (task));
      g_assert_finalize_object (cancellable);
    }
}

static gpointer
cancel_thread (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

/* Of tasks that threads race for. It has no destination for them, as another thread may cancel them at once. */
static TaskTestExecutor contested = {.waits = TRUE};

static gpointer
claim_thread (gpointer task)
{
  return GINT_TO_POINTER (task_test_submit (task, &contested, NULL));
}

/* ---- other threads ---- */

static gpointer
cancel_task_thread (gpointer task)
{
  return GINT_TO_POINTER (ferry_task_cancel (task));
}

static gboolean
cancel_elsewhere (FerryTask *task)
{
  return GPOINTER_TO_INT (g_thread_join (g_thread_new ("cancel", cancel_task_thread, task)));
}

static void
test_cancel_elsewhere (void)
{
  g_autoptr (FerryAffinity) home = ferry_affinity_new_here ();
  TaskTestExecutor executor = {.home = home};
  g_autoptr (FerryTask) task = task_test_new_executing (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);
  FerryProgress progress = task_test_progress (0.5, "half");

  g_assert_true (cancel_elsewhere (task));
  g_assert_false (cancel_elsewhere (task));
  /* Nothing is signalled on the other thread, and no news here from now on. */
  task_test_assert_heard (ear, "");
  g_assert_cmpuint (executor.n_cancelled, ==, 0);
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (task), &progress));
  g_assert_true (ferry_run_take_yield (ferry_task_get_run (task), g_variant_new_uint32 (1)));
  task_test_assert_heard (ear, "");
  while (executor.n_cancelled == 0)
    g_main_context_iteration (NULL, TRUE);
  task_test_assert_heard (ear, "state can-cancel");
  g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_false (cancel_elsewhere (task));
}

static void
test_cancel_waiting_elsewhere (void)
{
  g_autoptr (FerryAffinity) home = ferry_affinity_new_here ();
  TaskTestExecutor executor = {.home = home};
  g_autoptr (FerryTask) task = task_test_new (&executor);
  g_autoptr (TaskTestEar) ear = task_test_ear_new (task);

  g_assert_true (cancel_elsewhere (task));
  task_test_assert_heard (ear, "");
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);
  ferry_test_run_until (is_done, task);
  task_test_assert_heard (ear, "indeterminate end-time state can-pause can-cancel is-done done!");
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
}

/* The last reference may be the one that the cancel has with it. */
static void
test_cancel_elsewhere_races (void)
{
  for (guint i = 0; i < N_RACES; i++)
    {
      g_autoptr (FerryAffinity) home = ferry_affinity_new_here ();
      TaskTestExecutor executor = {.home = home};
      FerryTask *task = task_test_new_executing (&executor);
      GThread *thread = g_thread_new ("cancel", cancel_task_thread, g_object_ref (task));

      g_object_add_weak_pointer (G_OBJECT (task), (gpointer *) &task);
      g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
      g_assert_cmpint (ferry_task_get_state (task), >=, FERRY_TASK_STATE_COMPLETED);
      g_object_unref (task);
      g_thread_join (thread);
      g_object_unref (task);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_null (task);
    }
}

/* The end of the task and the cancel meet on two threads. */
static void
test_cancellable_races (void)
{
  for (guint i = 0; i < N_RACES; i++)
    {
      TaskTestExecutor executor = {0};
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      FerryTask *task = task_test_new (NULL);
      gpointer weak = task;
      GThread *thread;

      g_object_set (task, "cancellable", cancellable, NULL);
      g_assert_true (task_test_submit (task, &executor, NULL));
      g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
      g_object_add_weak_pointer (G_OBJECT (task), &weak);
      thread = g_thread_new ("cancel", cancel_thread, cancellable);
      g_assert_true (ferry_run_complete (ferry_task_get_run (task), NULL));
      /* The thread may have a reference for a moment, which then is the last one. */
      ferry_hand_over (task);
      g_object_unref (task);
      g_thread_join (thread);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_null (weak);
    }
}

/* Of a cancel and a submission on another thread one comes first. */
static void
test_claim_races (void)
{
  for (guint i = 0; i < N_RACES; i++)
    {
      g_autoptr (FerryTask) task = task_test_new (NULL);
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      GThread *thread;

      g_object_set (task, "cancellable", cancellable, NULL);
      thread = g_thread_new ("submit", claim_thread, task);
      g_assert_true (ferry_task_cancel (task));
      g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
      g_assert_cmpint (GPOINTER_TO_INT (g_thread_join (thread)), ==, ferry_test_get_number (task, "submit-time") != 0);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      g_assert_finalize_object (g_steal_pointer (&cancellable));
    }
}

static void
test_claims_race (void)
{
  for (guint i = 0; i < N_RACES; i++)
    {
      g_autoptr (FerryTask) task = task_test_new (NULL);
      GThread *one = g_thread_new ("submit", claim_thread, task);
      GThread *other = g_thread_new ("submit", claim_thread, task);
      int n_claimed = GPOINTER_TO_INT (g_thread_join (one));

      n_claimed += GPOINTER_TO_INT (g_thread_join (other));
      g_assert_cmpint (n_claimed, ==, 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  task_test_executor_init (&contested);
  g_test_add_func ("/task-cancel/lets-a-task-be-submitted-once", test_claimed_once);
  g_test_add_func ("/task-cancel/ends-a-task-before-its-submission", test_cancel_before);
  g_test_add_func ("/task-cancel/ends-a-waiting-task-at-once", test_cancel_waiting);
  g_test_add_func ("/task-cancel/silences-an-executing-task", test_cancel_executing);
  g_test_add_func ("/task-cancel/meets-a-driver-that-needs-no-time", test_ends_at_once);
  g_test_add_func ("/task-cancel/finds-that-a-waiting-task-was-begun", test_begun);
  g_test_add_func ("/task-cancel/may-be-called-in-any-handler", test_cancel_in_handlers);
  g_test_add_func ("/task-cancel/cuts-a-report-short", test_report_stops);
  g_test_add_func ("/task-cancel/follows-a-cancellable", test_cancellable);
  g_test_add_func ("/task-cancel/comes-before-a-result-that-is-later", test_cancellable_and_result);
  g_test_add_func ("/task-cancel/leaves-the-application-the-state-it-sees", test_cancellable_and_application);
  g_test_add_func ("/task-cancel/follows-one-that-was-cancelled-before", test_cancelled_cancellable);
  g_test_add_func ("/task-cancel/lets-handlers-disconnect", test_disconnects);
  g_test_add_func ("/task-cancel/lets-the-cancellable-go", test_cancellable_let_go);
  g_test_add_func ("/task-cancel/lets-the-cancellable-go-at-every-end", test_drops_cancellable);
  g_test_add_func ("/task-cancel/is-done-on-the-router-s-thread", test_cancel_elsewhere);
  g_test_add_func ("/task-cancel/of-a-waiting-task-is-done-on-the-router-s-thread", test_cancel_waiting_elsewhere);
  g_test_add_func ("/task-cancel/of-another-thread-races-with-the-end", test_cancel_elsewhere_races);
  g_test_add_func ("/task-cancel/races-with-the-end", test_cancellable_races);
  g_test_add_func ("/task-cancel/races-with-a-submission", test_claim_races);
  g_test_add_func ("/task-cancel/has-one-of-two-submissions-win", test_claims_race);
  return g_test_run ();
}
