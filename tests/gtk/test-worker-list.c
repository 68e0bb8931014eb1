/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-worker-list.c, gtk/ferry-worker-row.c, process/ferry-worker-usage.c
 *
 * A list of a pool's workers: what it says of them, and how it ends them. */

#include "config.h"

#include "gtk/ferry-worker-list.h"
#include "gtk/ferry-worker-row-private.h"
#include "gtk/widget-test.h"
#include "process/ferry-worker-usage-private.h"
#include "task/task-test.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct
{
  TaskTest *test;
  FerryPool *pool; /* (unowned) the test's */
  GtkWidget *list;
  GtkWidget *window;
} Scene;

/* A list of a pool of processes that has no worker yet. FALSE where there is no display. */
static gboolean
scene_init (Scene *scene, guint max_workers)
{
  if (!widget_test_has_display ())
    return FALSE;
  scene->test = task_test_new (/* in_threads: */ FALSE, max_workers);
  scene->pool = scene->test->pool;
  scene->list = ferry_worker_list_new (scene->pool);
  scene->window = widget_test_show (scene->list);
  return TRUE;
}

static void
scene_clear (Scene *scene)
{
  g_object_ref (scene->list);
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_finalize_object (scene->list);
  task_test_free (scene->test);
}

static FerryTask *
run_task (Scene *scene)
{
  FerryTask *task = task_test_submit (scene->test->executor, "sleep-until-cancelled", NULL);

  g_object_set (task, "name", "Counting sheep", NULL);
  task_test_wait_begun (task);
  return task;
}

/* A worker that has run its task, and waits for the next one. */
static FerryWorker *
start_idle_worker (Scene *scene)
{
  g_autoptr (FerryTask) task = task_test_submit (scene->test->executor, "nothing", NULL);

  task_test_wait_done (task);
  widget_test_wait_words (scene->list, "Idle");
  return g_list_model_get_item (ferry_pool_get_workers (scene->pool), 0);
}

/* The mapped row; there must be one. */
static GtkWidget *
get_row (Scene *scene)
{
  GtkWidget *label = widget_test_find_words (scene->list, "Worker ");
  GtkWidget *row = label != NULL ? gtk_widget_get_ancestor (label, FERRY_TYPE_WORKER_ROW) : NULL;

  g_assert_nonnull (row);
  return row;
}

/* (nullable): the first mapped button that says so, or has an action where text is NULL. */
static GtkWidget *
find_button (GtkWidget *widget, const char *text)
{
  GtkWidget *found = NULL;

  if (GTK_IS_BUTTON (widget) && gtk_widget_get_mapped (widget) &&
      (text != NULL ? g_strcmp0 (gtk_button_get_label (GTK_BUTTON (widget)), text) == 0
                    : gtk_actionable_get_action_name (GTK_ACTIONABLE (widget)) != NULL))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL && found == NULL;
       child = gtk_widget_get_next_sibling (child))
    found = find_button (child, text);
  return found;
}

static GtkWidget *
get_button (Scene *scene, const char *text)
{
  GtkWidget *button = find_button (scene->list, text);

  g_assert_nonnull (button);
  return button;
}

static gboolean
has_ended (gpointer worker)
{
  return ferry_worker_get_state (worker) == FERRY_WORKER_STATE_ENDED;
}

/* The keys are the list's, and it acts on what is selected. */
static void
press_end (Scene *scene)
{
  gtk_widget_grab_focus (scene->list);
  g_assert_true (gtk_widget_activate_action (scene->list, "worker.end", NULL));
}

static void
test_row_says_what_a_worker_does_and_uses (void)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autofree char *title = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  g_assert_nonnull (widget_test_find_words (scene.list, "No Workers"));
  task = run_task (&scene);
  widget_test_wait_words (scene.list, "Busy");
  widget_test_wait_words (scene.list, "Counting sheep");
  widget_test_wait_words (scene.list, "MB");
  widget_test_wait_words (scene.list, " %");
  worker = g_list_model_get_item (ferry_pool_get_workers (scene.pool), 0);
  title = g_strdup_printf ("Worker %s", ferry_worker_get_identifier (worker));
  g_assert_nonnull (widget_test_find_words (scene.list, title));
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  widget_test_wait_words (scene.list, "Idle");
  g_assert_null (widget_test_find_words (scene.list, "Counting sheep"));
  g_clear_object (&worker);
  scene_clear (&scene);
}

static void
test_idle_worker_ends_at_once (void)
{
  g_autoptr (FerryWorker) worker = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  worker = start_idle_worker (&scene);
  press_end (&scene);
  g_assert_nonnull (widget_test_find_words (scene.list, "Ending"));
  ferry_test_look_until (has_ended, worker);
  g_assert_cmpint (ferry_exit_get_signal (ferry_test_get_object (worker, "exit")), ==, 9);
  widget_test_wait_words (scene.list, "No Workers");
  g_clear_object (&worker);
  scene_clear (&scene);
}

static void
test_busy_worker_ends_when_its_row_was_asked_twice (void)
{
  g_autoptr (FerryTask) task = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  widget_test_wait_words (scene.list, "Busy");
  press_end (&scene);
  widget_test_wait_words (scene.list, "Its task is lost.");
  g_assert_true (gtk_widget_is_focus (get_button (&scene, "Keep")));
  g_signal_emit_by_name (get_button (&scene, "Keep"), "clicked");
  g_assert_null (widget_test_find_words (scene.list, "Its task is lost."));
  g_assert_nonnull (widget_test_find_words (scene.list, "Busy"));
  press_end (&scene);
  widget_test_wait_words (scene.list, "Its task is lost.");
  g_assert_false (ferry_task_get_done (task));
  g_signal_emit_by_name (get_button (&scene, "End"), "clicked");
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  widget_test_wait_words (scene.list, "No Workers");
  scene_clear (&scene);
}

static void
test_question_is_not_asked_of_another_worker (void)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  GtkWidget *row;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  widget_test_wait_words (scene.list, "Busy");
  worker = g_list_model_get_item (ferry_pool_get_workers (scene.pool), 0);
  row = g_object_ref_sink (ferry_worker_row_new ());
  ferry_worker_row_set_worker (FERRY_WORKER_ROW (row), worker);
  gtk_window_set_child (GTK_WINDOW (scene.window), row);
  ferry_test_look_until ((FerryTestCondition) gtk_widget_get_mapped, row);
  g_assert_true (gtk_widget_activate_action (row, "worker.end", NULL));
  widget_test_wait_words (row, "Its task is lost.");
  ferry_worker_row_set_worker (FERRY_WORKER_ROW (row), NULL);
  g_assert_null (widget_test_find_words (row, "Its task is lost."));
  gtk_window_destroy (GTK_WINDOW (scene.window));
  g_assert_finalize_object (row);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  g_clear_object (&worker);
  task_test_free (scene.test);
}

static gboolean
has_one_worker (gpointer pool)
{
  return g_list_model_get_n_items (ferry_pool_get_workers (pool)) == 1;
}

/* The focus of a row that goes would be lost for users without a pointer. */
static void
test_focus_stays_in_the_list (void)
{
  g_autoptr (FerryTask) one = NULL;
  g_autoptr (FerryTask) other = NULL;
  GtkWidget *focus;
  Scene scene;

  if (!scene_init (&scene, 2))
    return;
  one = run_task (&scene);
  other = run_task (&scene);
  task_test_wait_workers (scene.pool, 2);
  widget_test_wait_words (scene.list, "Busy");
  press_end (&scene);
  widget_test_wait_words (scene.list, "Its task is lost.");
  g_signal_emit_by_name (get_button (&scene, "End"), "clicked");
  ferry_test_look_until (has_one_worker, scene.pool);
  focus = gtk_root_get_focus (GTK_ROOT (scene.window));
  g_assert_nonnull (focus);
  g_assert_true (gtk_widget_is_ancestor (focus, scene.list));
  ferry_task_cancel (one);
  ferry_task_cancel (other);
  task_test_wait_done (one);
  task_test_wait_done (other);
  scene_clear (&scene);
}

static void
test_nothing_is_looked_at_while_the_list_is_hidden (void)
{
  g_autoptr (FerryWorker) worker = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  worker = start_idle_worker (&scene);
  g_assert_nonnull (g_main_context_find_source_by_user_data (NULL, scene.list));
  gtk_widget_set_visible (scene.list, FALSE);
  g_assert_null (g_main_context_find_source_by_user_data (NULL, scene.list));
  gtk_widget_set_visible (scene.list, TRUE);
  widget_test_wait_words (scene.list, "Idle");
  g_assert_nonnull (g_main_context_find_source_by_user_data (NULL, scene.list));
  g_clear_object (&worker);
  scene_clear (&scene);
}

static void
assert_property (GtkWidget *widget, GtkAccessibleProperty property, const char *text)
{
  g_autofree char *difference = gtk_test_accessible_check_property (GTK_ACCESSIBLE (widget), property, text);

  if (difference != NULL)
    g_error ("'%s' is %s", text, difference);
}

static void
test_row_is_read_out (void)
{
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *title = NULL;
  g_autofree char *end = NULL;
  GtkWidget *row;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  widget_test_wait_words (scene.list, "Busy");
  row = get_row (&scene);
  title =
    g_strdup_printf ("Worker %s", ferry_worker_get_identifier (ferry_worker_row_get_worker (FERRY_WORKER_ROW (row))));
  end = g_strdup_printf ("End: %s", title);
  assert_property (gtk_widget_get_parent (row), GTK_ACCESSIBLE_PROPERTY_LABEL, title);
  assert_property (gtk_widget_get_parent (row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Busy, Counting sheep");
  assert_property (get_button (&scene, NULL), GTK_ACCESSIBLE_PROPERTY_LABEL, end);
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_ROLE_GROUP);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  scene_clear (&scene);
}

static int
measure_width (GtkWidget *widget, int text_percent)
{
  int minimum;

  g_object_set (gtk_settings_get_default (), "gtk-xft-dpi", 96 * 1024 * text_percent / 100, NULL);
  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  return minimum;
}

/* Also while a row asks, and with text twice as large. */
static void
test_list_fits_a_narrow_window (void)
{
  g_autoptr (FerryTask) task = NULL;
  Scene scene;

  if (!scene_init (&scene, 1))
    return;
  task = run_task (&scene);
  g_object_set (task, "name", "A name that is far longer than a narrow window is wide, and goes on", NULL);
  widget_test_wait_words (scene.list, "far longer");
  press_end (&scene);
  widget_test_wait_words (scene.list, "Its task is lost.");
  g_assert_cmpint (measure_width (scene.list, 100), <=, 360);
  g_assert_cmpint (measure_width (scene.list, 200), <=, 360);
  g_assert_cmpint (measure_width (scene.list, 100), <=, 360);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  scene_clear (&scene);
}

static void
test_list_lives_without_a_pool (void)
{
  Scene scene;
  FerryPool *pool;

  if (!scene_init (&scene, 1))
    return;
  pool = ferry_test_get_object (scene.list, "pool");
  g_assert_true (pool == scene.pool);
  g_object_unref (start_idle_worker (&scene));
  g_object_set (scene.list, "pool", NULL, NULL);
  g_assert_nonnull (widget_test_find_words (scene.list, "No Workers"));
  gtk_widget_activate_action (scene.list, "worker.end", NULL);
  scene_clear (&scene);
}

/* Uses this process' time until the system has counted some of it. */
static void
use_processor (void)
{
  clock_t until = clock () + CLOCKS_PER_SEC / 10;

  while (clock () < until)
    ;
}

static void
test_usage_is_told_of_a_process (void)
{
  FerryWorkerUsage usage = FERRY_WORKER_USAGE_INIT;

  g_assert_true (ferry_worker_usage_look (&usage, "self", 1000));
  g_assert_cmpuint (usage.memory, >, 1024 * 1024);
  g_assert_cmpfloat (usage.share, <, 0.0);
  use_processor ();
  g_assert_true (ferry_worker_usage_look (&usage, "self", 1000 + G_USEC_PER_SEC / 10));
  g_assert_cmpfloat (usage.share, >, 0.5);
  use_processor ();
  g_assert_true (ferry_worker_usage_look (&usage, "self", 1000 + 100 * (gint64) G_USEC_PER_SEC));
  g_assert_cmpfloat (usage.share, <, 0.5);
}

/* Another process may have got the number of one that is gone. */
static void
test_usage_is_told_of_one_process_alone (void)
{
  FerryWorkerUsage usage = FERRY_WORKER_USAGE_INIT;

  g_assert_true (ferry_worker_usage_look (&usage, "self", 1000));
  usage.started--;
  g_assert_true (ferry_worker_usage_look (&usage, "self", 2000));
  g_assert_cmpfloat (usage.share, <, 0.0);
  g_assert_false (ferry_worker_usage_look (&usage, NULL, 3000));
  g_assert_cmpuint (usage.memory, ==, 0);
  g_assert_true (ferry_worker_usage_look (&usage, "self", 4000));
  g_assert_cmpfloat (usage.share, <, 0.0);
}

static gboolean
is_high (gpointer list)
{
  return gtk_widget_get_height (list) >= 100;
}

/* Three workers are in sight where something else scrolls. */
static void
test_list_is_as_high_as_its_rows (void)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  GtkWidget *outer, *list, *window;
  Scene scene;

  if (!scene_init (&scene, 3))
    return;
  outer = gtk_scrolled_window_new ();
  list = ferry_worker_list_new (scene.pool);
  ferry_worker_list_set_max_height (FERRY_WORKER_LIST (list), 400);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (outer), list);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (outer), TRUE);
  gtk_widget_set_valign (outer, GTK_ALIGN_START);
  window = widget_test_show (outer);
  for (guint i = 0; i < 3; i++)
    g_ptr_array_add (tasks, run_task (&scene));
  ferry_test_look_until (is_high, list);
  ferry_executor_cancel_all (scene.test->executor);
  gtk_window_destroy (GTK_WINDOW (window));
  scene_clear (&scene);
}

/* What GTK opens once, it opens before descriptors are counted. */
static void
warm_up (void)
{
  if (gtk_is_initialized ())
    gtk_window_destroy (GTK_WINDOW (widget_test_show (ferry_worker_list_new (NULL))));
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  widget_test_start ();
  warm_up ();
  g_test_add_func ("/worker-list/row-says-what-a-worker-does-and-uses", test_row_says_what_a_worker_does_and_uses);
  g_test_add_func ("/worker-list/idle-worker-ends-at-once", test_idle_worker_ends_at_once);
  g_test_add_func ("/worker-list/busy-worker-ends-when-its-row-was-asked-twice",
                   test_busy_worker_ends_when_its_row_was_asked_twice);
  g_test_add_func ("/worker-list/question-is-not-asked-of-another-worker",
                   test_question_is_not_asked_of_another_worker);
  g_test_add_func ("/worker-list/focus-stays-in-the-list", test_focus_stays_in_the_list);
  g_test_add_func ("/worker-list/nothing-is-looked-at-while-the-list-is-hidden",
                   test_nothing_is_looked_at_while_the_list_is_hidden);
  g_test_add_func ("/worker-list/row-is-read-out", test_row_is_read_out);
  g_test_add_func ("/worker-list/list-fits-a-narrow-window", test_list_fits_a_narrow_window);
  g_test_add_func ("/worker-list/list-is-as-high-as-its-rows", test_list_is_as_high_as_its_rows);
  g_test_add_func ("/worker-list/list-lives-without-a-pool", test_list_lives_without_a_pool);
  g_test_add_func ("/worker-list/usage-is-told-of-a-process", test_usage_is_told_of_a_process);
  g_test_add_func ("/worker-list/usage-is-told-of-one-process-alone", test_usage_is_told_of_one_process_alone);
  return g_test_run ();
}
