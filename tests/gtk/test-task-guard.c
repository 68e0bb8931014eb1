/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-guard.c, gtk/ferry-stop-question.c, gtk/ferry-work-watch.c, gtk/ferry-desktop-progress.c
 *
 * What guards work: a question when its window closes, and what a desktop is told. */

#include "config.h"

#include "gtk/desktop-test.h"
#include "gtk/ferry-task-guard.h"
#include "gtk/widget-test.h"
#include "task/task-test.h"

#include <string.h>

typedef struct
{
  TaskTest *test;
  FerryExecutor *executor; /* (unowned) the test's */
  GtkWidget *window;       /* (owned): its last reference shows that nothing else has one */
  FerryTaskGuard *guard;   /* (unowned) the window's */
} Scene;

/* A guard of an executor whose one worker is a thread. */
static void
scene_init (Scene *scene)
{
  scene->test = task_test_new (/* in_threads: */ TRUE, 1);
  scene->executor = scene->test->executor;
  scene->window = g_object_ref (widget_test_show (gtk_label_new ("Work")));
  scene->guard = ferry_task_guard_add (G_LIST_MODEL (scene->executor), GTK_WINDOW (scene->window));
}

static void
end_work (Scene *scene)
{
  task_test_open_gate ();
  ferry_test_look_until (task_test_is_idle, scene->executor);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_finalize_object (scene->window);
}

static void
scene_clear (Scene *scene)
{
  end_work (scene);
  task_test_free (scene->test);
}

static void
run (gconstpointer test)
{
  Scene scene;

  if (!widget_test_has_display ())
    return;
  scene_init (&scene);
  ((void (*) (Scene *)) test) (&scene);
  scene_clear (&scene);
}

static void
add (const char *path, void (*test) (Scene *scene))
{
  g_test_add_data_func (path, (gconstpointer) test, run);
}

static gboolean
has_no_pipes (gpointer data)
{
  return ferry_test_get_number (data, "n-pipes") == 0;
}

/* The bus is a process of the test, and stays. */
static void
scene_clear_beside_bus (Scene *scene)
{
  end_work (scene);
  g_clear_object (&scene->test->executor);
  g_clear_object (&scene->test->pool);
  ferry_test_look_until (has_no_pipes, scene->test->router);
  ferry_router_stop (scene->test->router, NULL);
  task_test_free (scene->test);
  desktop_test_end ();
}

static gboolean
is_closed (gpointer data)
{
  const Scene *scene = data;

  return !gtk_widget_get_realized (scene->window);
}

/* (transfer none) (nullable): the question that is asked. */
static GtkWidget *
find_question (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      if (g_str_equal (G_OBJECT_TYPE_NAME (window), "FerryStopQuestion"))
        return window;
    }
  return NULL;
}

static gboolean
is_asked (gpointer data)
{
  return find_question () != NULL && gtk_widget_get_mapped (find_question ());
}

static gboolean
is_asked_no_more (gpointer data)
{
  return find_question () == NULL;
}

static GtkWidget *
find_button (GtkWidget *widget, const char *label)
{
  if (GTK_IS_BUTTON (widget) && g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), label) == 0)
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_button (child, label);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static void
answer (const char *label)
{
  GtkWidget *button = find_button (find_question (), label);

  g_assert_nonnull (button);
  g_signal_emit_by_name (button, "clicked");
}

/* One task that runs until the gate opens, and those that wait for it. */
static FerryTask *
begin_work (Scene *scene, guint n_waiting)
{
  FerryTask *task = task_test_submit (scene->executor, "gate", g_variant_new_string ("a"));

  for (guint i = 0; i < n_waiting; i++)
    g_object_unref (task_test_submit (scene->executor, "note", g_variant_new_string ("b")));
  task_test_wait_begun (task);
  return task;
}

/* ---- the question ---- */

static void
test_closing_over_running_work_asks (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;

  task = begin_work (scene, 2);
  gtk_window_close (GTK_WINDOW (scene->window));
  ferry_test_look_until (is_asked, NULL);
  g_assert_nonnull (widget_test_find_words (find_question (), "Stop 3 tasks?"));
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (find_question ()), GTK_ACCESSIBLE_ROLE_ALERT_DIALOG);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (find_question ()), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                       "Stop 3 tasks?");
  widget_test_assert_read_once (find_question ());
  /* A second request is the same question. */
  gtk_window_close (GTK_WINDOW (scene->window));
  g_assert_false (is_closed (scene));
  answer ("_Keep Running");
  ferry_test_look_until (is_asked_no_more, NULL);
  g_assert_false (is_closed (scene));
  g_assert_false (ferry_task_get_done (task));
}

static void
test_escape_keeps_tasks_running (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;

  task = begin_work (scene, 0);
  gtk_window_close (GTK_WINDOW (scene->window));
  ferry_test_look_until (is_asked, NULL);
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (find_question ())) ==
                 find_button (find_question (), "_Keep Running"));
  widget_test_press (find_question (), "Escape");
  ferry_test_look_until (is_asked_no_more, NULL);
  g_assert_false (is_closed (scene));
}

/* A telephone, and text of twice the size. */
static void
test_question_fits_a_small_window (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;
  GtkSettings *settings = gtk_settings_get_default ();
  int least, dpi;

  g_object_get (settings, "gtk-xft-dpi", &dpi, NULL);
  g_object_set (settings, "gtk-xft-dpi", 2 * 96 * 1024, NULL);
  task = begin_work (scene, 0);
  gtk_window_close (GTK_WINDOW (scene->window));
  ferry_test_look_until (is_asked, NULL);
  gtk_widget_measure (find_question (), GTK_ORIENTATION_HORIZONTAL, -1, &least, NULL, NULL, NULL);
  g_assert_cmpint (least, <=, 360);
  answer ("_Keep Running");
  ferry_test_look_until (is_asked_no_more, NULL);
  g_object_set (settings, "gtk-xft-dpi", dpi, NULL);
}

static void
test_stop_cancels_the_tasks_and_closes_the_window (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;

  task = begin_work (scene, 2);
  gtk_window_close (GTK_WINDOW (scene->window));
  ferry_test_look_until (is_asked, NULL);
  answer ("_Stop");
  ferry_test_look_until (is_closed, scene);
  /* They had the time that they needed for what they had begun. */
  g_assert_true (ferry_task_get_done (task));
  task_test_assert_cancelled (task);
}

static void
test_question_counts_down_and_the_window_closes_when_the_work_ends (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL, other = NULL;

  task = begin_work (scene, 0);
  other = task_test_submit (scene->executor, "note", g_variant_new_string ("b"));
  gtk_window_close (GTK_WINDOW (scene->window));
  ferry_test_look_until (is_asked, NULL);
  ferry_task_cancel (other);
  widget_test_wait_words (find_question (), "Stop 1 task?");
  task_test_open_gate ();
  ferry_test_look_until (is_closed, scene);
  g_assert_null (find_question ());
}

static void
test_nothing_is_asked_without_work_or_by_a_window_that_hides (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL;

  task = begin_work (scene, 0);
  gtk_window_set_hide_on_close (GTK_WINDOW (scene->window), TRUE);
  gtk_window_close (GTK_WINDOW (scene->window));
  g_assert_null (find_question ());
  g_assert_false (gtk_widget_get_visible (scene->window));
  gtk_window_set_hide_on_close (GTK_WINDOW (scene->window), FALSE);
  gtk_window_present (GTK_WINDOW (scene->window));
  task_test_open_gate ();
  ferry_test_look_until (task_test_is_idle, scene->executor);
  gtk_window_close (GTK_WINDOW (scene->window));
  g_assert_null (find_question ());
  g_assert_true (is_closed (scene));
}

static void
test_last_window_of_an_executor_asks (Scene *scene)
{
  GtkWidget *other;
  g_autoptr (FerryTask) task = NULL;

  other = widget_test_show (gtk_label_new ("More"));
  ferry_task_guard_add (G_LIST_MODEL (scene->executor), GTK_WINDOW (other));
  task = begin_work (scene, 0);
  gtk_window_close (GTK_WINDOW (other));
  g_assert_null (find_question ());
  gtk_window_close (GTK_WINDOW (scene->window));
  ferry_test_look_until (is_asked, NULL);
  answer ("_Stop");
  ferry_test_look_until (is_closed, scene);
}

/* As an application has them whose functions and commands run in two executors. */
static void
test_all_executors_of_a_model_are_counted_and_stopped (Scene *scene)
{
  g_autoptr (FerryExecutor) more = ferry_executor_new (scene->test->pool);
  GListStore *executors = g_list_store_new (G_TYPE_LIST_MODEL);
  GListModel *tasks = G_LIST_MODEL (gtk_flatten_list_model_new (G_LIST_MODEL (executors)));
  g_autoptr (FerryTask) task = NULL, other = NULL;

  g_list_store_append (executors, scene->executor);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_finalize_object (scene->window);
  scene->window = g_object_ref (widget_test_show (gtk_label_new ("Work")));
  scene->guard = ferry_task_guard_add (tasks, GTK_WINDOW (scene->window));
  g_list_store_append (executors, more);
  task = begin_work (scene, 1);
  gtk_window_close (GTK_WINDOW (scene->window));
  ferry_test_look_until (is_asked, NULL);
  widget_test_wait_words (find_question (), "Stop 2 tasks?");
  other = task_test_submit (more, "gate", g_variant_new_string ("b"));
  widget_test_wait_words (find_question (), "Stop 3 tasks?");
  answer ("_Stop");
  ferry_test_look_until (is_closed, scene);
  task_test_assert_cancelled (task);
  task_test_assert_cancelled (other);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_finalize_object (tasks);
}

static void
test_guard_ends_with_its_window (Scene *scene)
{
  gpointer guard;

  guard = scene->guard;
  g_object_add_weak_pointer (G_OBJECT (guard), &guard);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_null (guard);
}

/* ---- the desktop ---- */

static void
test_machine_stays_awake_while_tasks_run (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *line = NULL;

  desktop_test_begin ();
  scene_init (&scene);
  task = begin_work (&scene, 0);
  line = desktop_test_wait ("SessionManager.Inhibit");
  ferry_test_assert_says (line, "'Tasks are running'");
  /* Logout is 1 there, and suspend 4. */
  ferry_test_assert_says (line, ", 5)");
  g_assert_false (desktop_test_has ("Uninhibit"));
  task_test_open_gate ();
  desktop_test_await ("SessionManager.Uninhibit (7,)");
  scene_clear_beside_bus (&scene);
}

static void
test_machine_may_sleep_while_all_is_paused (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL;

  desktop_test_begin ();
  scene_init (&scene);
  task = begin_work (&scene, 0);
  desktop_test_await ("SessionManager.Inhibit");
  ferry_executor_set_paused (scene.executor, TRUE, /* running: */ TRUE);
  desktop_test_await ("SessionManager.Uninhibit (7,)");
  ferry_executor_set_paused (scene.executor, FALSE, FALSE);
  desktop_test_await ("SessionManager.Inhibit");
  task_test_open_gate ();
  desktop_test_await ("SessionManager.Uninhibit (7,)");
  scene_clear_beside_bus (&scene);
}

static void
test_end_of_long_work_out_of_sight_is_notified (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *line = NULL;

  desktop_test_begin ();
  scene_init (&scene);
  g_object_set (scene.guard, "long-work", (gint64) 0, NULL);
  task = begin_work (&scene, 2);
  g_object_unref (task_test_submit (scene.executor, "no such function", NULL));
  task_test_open_gate ();
  line = desktop_test_wait ("Notifications.Notify");
  ferry_test_assert_says (line, "'Work Ended', '3 tasks are done, 1 failed.'");
  scene_clear_beside_bus (&scene);
}

static gboolean
is_inhibited (gpointer data)
{
  return desktop_test_has ("SessionManager.Inhibit");
}

static void
test_end_of_short_work_is_not_notified (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) next = NULL;

  desktop_test_begin ();
  scene_init (&scene);
  g_object_set (scene.guard, "long-work", G_MAXINT64, NULL);
  task = begin_work (&scene, 0);
  desktop_test_await ("Inhibit");
  task_test_open_gate ();
  desktop_test_await ("Uninhibit");
  task_test_close_gate ();
  /* A notification would come before what comes next. */
  next = begin_work (&scene, 0);
  ferry_test_look_until (is_inhibited, NULL);
  g_assert_false (desktop_test_has ("Notify"));
  task_test_open_gate ();
  scene_clear_beside_bus (&scene);
}

static void
test_dock_shows_how_far_the_work_is (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL, halves = NULL;
  g_autofree char *line = NULL, *last = NULL;

  desktop_test_begin ();
  scene_init (&scene);
  task = begin_work (&scene, 0);
  line = desktop_test_wait ("LauncherEntry.Update");
  ferry_test_assert_says (line, "'application://org.ferryproject.DesktopTest.desktop'");
  /* Nothing is known of it yet. */
  ferry_test_assert_says (line, "'progress-visible': <false>");
  ferry_task_cancel (task);
  task_test_wait_done (task);
  halves = task_test_submit (scene.executor, "halves", NULL);
  task_test_open_gate ();
  g_free (desktop_test_wait ("'progress': <0.5>, 'progress-visible': <true>"));
  g_free (desktop_test_wait ("'percent': <uint32 50>"));
  task_test_close_gate ();
  last = desktop_test_wait ("LauncherEntry.Update");
  ferry_test_assert_says (last, "'progress-visible': <false>");
  scene_clear_beside_bus (&scene);
}

static void
test_plasma_has_a_job_that_can_be_cancelled (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *line = NULL, *update = NULL, *end = NULL;

  desktop_test_begin ();
  scene_init (&scene);
  task = begin_work (&scene, 1);
  line = desktop_test_wait ("JobViewServerV2.requestView");
  ferry_test_assert_says (line, "('org.ferryproject.DesktopTest', 1, {");
  g_assert_null (strstr (line, "percent"));
  ferry_test_assert_says (line, "'title': <'Tasks'>");
  update = desktop_test_wait ("JobViewV3.update");
  ferry_test_assert_says (update, "1 task runs");
  desktop_test_cancel_job ();
  task_test_assert_cancelled (task);
  end = desktop_test_wait ("JobViewV3.terminate");
  ferry_test_assert_says (end, "(0, '', ");
  scene_clear_beside_bus (&scene);
}

static void
test_job_tells_of_tasks_that_failed (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *end = NULL;

  desktop_test_begin ();
  scene_init (&scene);
  task = begin_work (&scene, 0);
  g_object_unref (task_test_submit (scene.executor, "no such function", NULL));
  desktop_test_await ("JobViewV3.update");
  task_test_open_gate ();
  end = desktop_test_wait ("JobViewV3.terminate");
  ferry_test_assert_says (end, "(100, '1 task is done, 1 failed.', ");
  scene_clear_beside_bus (&scene);
}

static void
test_portal_shows_what_runs_in_the_background (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *line = NULL;

  desktop_test_begin ();
  scene_init (&scene);
  task = begin_work (&scene, 0);
  line = desktop_test_wait ("Background.SetStatus");
  ferry_test_assert_says (line, "'message': <'1 task runs'>");
  task_test_open_gate ();
  desktop_test_await ("Background.SetStatus ({},)");
  scene_clear_beside_bus (&scene);
}

/* As each portal does to an application that is not in a sandbox. */
static void
test_portal_that_refuses_is_not_asked_again (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL;

  desktop_test_begin ();
  desktop_test_refuse ("SetStatus");
  scene_init (&scene);
  task = begin_work (&scene, 0);
  desktop_test_await ("Background.SetStatus");
  desktop_test_await ("JobViewV3.update");
  task_test_open_gate ();
  desktop_test_await ("JobViewV3.terminate");
  g_assert_false (desktop_test_has ("SetStatus"));
  scene_clear_beside_bus (&scene);
}

static void
test_no_session_is_no_mistake (void)
{
  Scene scene;
  g_autoptr (FerryTask) task = NULL;

  desktop_test_begin_without ();
  scene_init (&scene);
  g_object_set (scene.guard, "long-work", (gint64) 0, NULL);
  task = begin_work (&scene, 0);
  scene_clear_beside_bus (&scene);
}

/* What GTK opens once, it opens before descriptors are counted. */
static void
warm_up (void)
{
  if (gtk_is_initialized ())
    gtk_window_destroy (GTK_WINDOW (widget_test_show (gtk_label_new (NULL))));
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  widget_test_start ();
  warm_up ();
  add ("/task-guard/closing-over-running-work-asks", test_closing_over_running_work_asks);
  add ("/task-guard/escape-keeps-tasks-running", test_escape_keeps_tasks_running);
  add ("/task-guard/question-fits-a-small-window", test_question_fits_a_small_window);
  add ("/task-guard/stop-cancels-the-tasks-and-closes-the-window", test_stop_cancels_the_tasks_and_closes_the_window);
  add ("/task-guard/question-counts-down-and-the-window-closes-when-the-work-ends",
       test_question_counts_down_and_the_window_closes_when_the_work_ends);
  add ("/task-guard/nothing-is-asked-without-work-or-by-a-window-that-hides",
       test_nothing_is_asked_without_work_or_by_a_window_that_hides);
  add ("/task-guard/last-window-of-an-executor-asks", test_last_window_of_an_executor_asks);
  add ("/task-guard/all-executors-of-a-model-are-counted-and-stopped",
       test_all_executors_of_a_model_are_counted_and_stopped);
  add ("/task-guard/guard-ends-with-its-window", test_guard_ends_with_its_window);
  desktop_test_add ("/task-guard/machine-stays-awake-while-tasks-run", test_machine_stays_awake_while_tasks_run);
  desktop_test_add ("/task-guard/machine-may-sleep-while-all-is-paused", test_machine_may_sleep_while_all_is_paused);
  desktop_test_add ("/task-guard/end-of-long-work-out-of-sight-is-notified",
                    test_end_of_long_work_out_of_sight_is_notified);
  desktop_test_add ("/task-guard/end-of-short-work-is-not-notified", test_end_of_short_work_is_not_notified);
  desktop_test_add ("/task-guard/dock-shows-how-far-the-work-is", test_dock_shows_how_far_the_work_is);
  desktop_test_add ("/task-guard/plasma-has-a-job-that-can-be-cancelled", test_plasma_has_a_job_that_can_be_cancelled);
  desktop_test_add ("/task-guard/job-tells-of-tasks-that-failed", test_job_tells_of_tasks_that_failed);
  desktop_test_add ("/task-guard/portal-shows-what-runs-in-the-background",
                    test_portal_shows_what_runs_in_the_background);
  desktop_test_add ("/task-guard/portal-that-refuses-is-not-asked-again", test_portal_that_refuses_is_not_asked_again);
  desktop_test_add ("/task-guard/no-session-is-no-mistake", test_no_session_is_no_mistake);
  return g_test_run ();
}
