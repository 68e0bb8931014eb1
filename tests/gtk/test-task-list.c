/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-list.c, gtk/ferry-task-rows.c, gtk/ferry-task-cell.c, gtk/ferry-task-commands.c,
 * gtk/ferry-task-menu.c, gtk/ferry-task-keeper.c, gtk/ferry-task-undo.c, gtk/ferry-task-ends.c, gtk/ferry-announce.c,
 * gtk/ferry-list-view.c
 *
 * A list of tasks: which it shows, what can be done with them by keys and buttons, and the way back.
 *
 * It is one file since all of it needs the scene, and how rows are found in it. */

#include "config.h"

#include "gtk/ferry-task-details-private.h"
#include "gtk/ferry-task-list.h"
#include "gtk/ferry-task-row-private.h"
#include "gtk/widget-test.h"
#include "task/task-test.h"

#include <string.h>

#define MANY 100000

typedef struct
{
  TaskTest *test;
  FerryExecutor *executor; /* (unowned) the test's */
  GtkWidget *list;
  GtkWidget *window;
} Scene;

/* A list of an executor whose one worker is a thread. FALSE where there is no display. */
static gboolean
scene_init (Scene *scene)
{
  if (!widget_test_has_display ())
    return FALSE;
  scene->test = task_test_new (/* in_threads: */ TRUE, 1);
  scene->executor = scene->test->executor;
  g_object_set (scene->executor, "keep-finished", 100, NULL);
  scene->list = ferry_task_list_new (G_LIST_MODEL (scene->executor));
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

static void
run (gconstpointer test)
{
  Scene scene;

  if (!scene_init (&scene))
    return;
  ((void (*) (Scene *)) test) (&scene);
  scene_clear (&scene);
}

static void
add_test (const char *path, void (*test) (Scene *scene))
{
  g_test_add_data_func (path, (gconstpointer) test, run);
}

/* The executor keeps it. */
static FerryTask *
add (Scene *scene, const char *function, const char *argument)
{
  g_autoptr (FerryTask) task = task_test_submit (scene->executor, function, g_variant_new_string (argument));

  g_object_set (task, "name", argument, NULL);
  return task;
}

static FerryTask *
add_done (Scene *scene, const char *name)
{
  FerryTask *task = add (scene, "note", name);

  task_test_wait_done (task);
  return task;
}

static guint
count_tasks (Scene *scene)
{
  return g_list_model_get_n_items (G_LIST_MODEL (scene->executor));
}

typedef struct
{
  GtkWidget *list;
  FerryTask *task;
} Wanted;

static GtkWidget *
find_row (GtkWidget *widget, FerryTask *task)
{
  if (!gtk_widget_get_mapped (widget))
    return NULL;
  if (FERRY_IS_TASK_ROW (widget) && ferry_task_row_get_task (FERRY_TASK_ROW (widget)) == task)
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find_row (child, task);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static gboolean
has_row (gpointer data)
{
  const Wanted *wanted = data;

  return find_row (wanted->list, wanted->task) != NULL;
}

static GtkWidget *
wait_row (Scene *scene, FerryTask *task)
{
  Wanted wanted = {scene->list, task};

  ferry_test_look_until (has_row, &wanted);
  return find_row (scene->list, task);
}

static gboolean
has_no_row (gpointer data)
{
  return !has_row (data);
}

static void
wait_no_row (Scene *scene, FerryTask *task)
{
  Wanted wanted = {scene->list, task};

  ferry_test_look_until (has_no_row, &wanted);
}

static void
select_task (Scene *scene, FerryTask *task)
{
  gtk_window_set_focus (GTK_WINDOW (scene->window), NULL);
  g_object_set (scene->list, "selected-task", task, NULL);
  g_assert_true (ferry_test_get_object (scene->list, "selected-task") == task);
}

static gboolean
is_sensitive (gpointer widget)
{
  return gtk_widget_is_sensitive (widget);
}

/* Those of a task that has ended just now do nothing yet. */
static GtkWidget *
wait_button (GtkWidget *row, const char *name)
{
  GtkWidget *button = GTK_WIDGET (gtk_widget_get_template_child (row, FERRY_TYPE_TASK_ROW, name));

  ferry_test_look_until (is_sensitive, button);
  return button;
}

static void
click (GtkWidget *row, const char *name)
{
  GtkWidget *button = GTK_WIDGET (gtk_widget_get_template_child (row, FERRY_TYPE_TASK_ROW, name));

  g_assert_true (gtk_widget_get_visible (button));
  g_signal_emit_by_name (button, "clicked");
}

static void
note_text_cb (GObject *clipboard, GAsyncResult *result, gpointer data)
{
  *(char **) data = gdk_clipboard_read_text_finish (GDK_CLIPBOARD (clipboard), result, NULL);
}

static gboolean
is_there (gpointer data)
{
  return *(gpointer *) data != NULL;
}

/* ---- facts ---- */

static void
test_tasks_become_rows (Scene *scene)
{
  FerryTask *task;

  widget_test_wait_words (scene->list, "No Tasks");
  g_object_set (scene->list, "placeholder", gtk_label_new ("Nothing here"), NULL);
  widget_test_wait_words (scene->list, "Nothing here");
  task = add_done (scene, "a");
  widget_test_wait_words (wait_row (scene, task), "Done");
  g_assert_true (ferry_executor_remove (scene->executor, task, NULL));
  widget_test_wait_words (scene->list, "Nothing here");
}

/* A placeholder that is not shown any more has no say in how wide the window is. */
static void
test_a_long_placeholder_does_not_widen_the_list (Scene *scene)
{
  GtkWidget *label = gtk_label_new ("There are no tasks, and this sentence of many words, which is wrapped, says why.");
  FerryTask *task;
  int empty;
  int full;

  g_object_set (label, "wrap", TRUE, "max-width-chars", 20, NULL);
  g_object_set (scene->list, "placeholder", label, NULL);
  widget_test_wait_words (scene->list, gtk_label_get_label (GTK_LABEL (label)));
  gtk_widget_measure (scene->list, GTK_ORIENTATION_HORIZONTAL, -1, &empty, NULL, NULL, NULL);
  task = add_done (scene, "a");
  widget_test_wait_words (wait_row (scene, task), "Done");
  gtk_widget_measure (scene->list, GTK_ORIENTATION_HORIZONTAL, -1, &full, NULL, NULL, NULL);
  g_assert_cmpint (empty, <, 360);
  g_assert_cmpint (full, <, 360);
}

/* Items of a map, beside a task that is not of it. */
static void
test_tasks_of_a_map_become_rows (Scene *scene)
{
  FerryMap *map;
  GListModel *tasks = NULL;

  map = ferry_map_new (scene->executor, "sleep-until-cancelled", FERRY_MAP_ORDERED);
  g_object_set (map, "chunk-size", 1, NULL);
  g_object_get (map, "tasks", &tasks, NULL);
  g_object_set (scene->list, "tasks", tasks, NULL);
  widget_test_wait_words (scene->list, "No Tasks");
  add (scene, "sleep-until-cancelled", "other");
  ferry_map_set_arguments (map, g_variant_new_parsed ("[()]"));
  ferry_map_start (map);
  widget_test_wait_words (scene->list, "Waits for its turn");
  g_assert_cmpuint (g_list_model_get_n_items (tasks), ==, 1);
  ferry_map_cancel (map);
  widget_test_wait_words (scene->list, "No Tasks");
  ferry_executor_cancel_all (scene->executor);
  g_clear_object (&tasks);
  g_clear_object (&map);
}

/* (transfer none): what the list has made for the task, and what gets the focus. */
static GtkWidget *
get_item_widget (Scene *scene, FerryTask *task)
{
  return gtk_widget_get_parent (gtk_widget_get_parent (wait_row (scene, task)));
}

static void
test_removal_can_be_undone (Scene *scene)
{
  FerryTask *first, *second;

  first = add_done (scene, "a");
  second = add_done (scene, "b");
  click (wait_row (scene, first), "remove_button");
  wait_no_row (scene, first);
  widget_test_wait_words (scene->list, "1 task removed");
  g_assert_null (ferry_test_get_object (scene->list, "selected-task"));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (scene->window)) == get_item_widget (scene, second));
  g_assert_cmpuint (count_tasks (scene), ==, 2);
  widget_test_press (scene->list, "Delete");
  wait_no_row (scene, second);
  widget_test_wait_words (scene->list, "2 tasks removed");
  g_assert_nonnull (gtk_widget_get_focus_child (scene->list));

  widget_test_press (scene->list, "<Control>z");
  wait_row (scene, first);
  wait_row (scene, second);
  g_assert_cmpuint (count_tasks (scene), ==, 2);
}

/* As that of a button in the header bar. The way back is where the task was removed, and goes with that list. */
static void
test_what_is_removed_is_gone_from_other_lists (Scene *scene)
{
  g_autoptr (FerryTask) failed = NULL;
  GtkWidget *list = ferry_task_list_new (G_LIST_MODEL (scene->executor)), *window;
  Scene other = {.test = scene->test, .executor = scene->executor, .list = list};
  FerryTask *done;

  failed =
    task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "g-file-error-quark", 12, "The disk is full"));
  task_test_wait_done (failed);
  done = add_done (scene, "a");
  window = widget_test_show (list);
  wait_row (&other, failed);
  wait_row (scene, done);
  g_assert_cmpint (ferry_test_get_number (list, "n-failed"), ==, 1);
  select_task (scene, failed);
  gtk_widget_activate_action (scene->list, "task.remove", NULL);
  wait_no_row (scene, failed);
  wait_no_row (&other, failed);
  wait_row (&other, done);
  g_assert_cmpint (ferry_test_get_number (list, "n-failed"), ==, 0);
  g_assert_null (widget_test_find_words (list, "1 task removed"));

  gtk_widget_activate_action (scene->list, "task.undo", NULL);
  wait_row (&other, failed);
  g_assert_cmpint (ferry_test_get_number (list, "n-failed"), ==, 1);
  gtk_widget_activate_action (list, "task.clear-finished", NULL);
  wait_no_row (scene, failed);
  wait_no_row (scene, done);
  g_assert_cmpuint (count_tasks (scene), ==, 2);
  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_cmpuint (count_tasks (scene), ==, 0);
}

static gboolean
has_no_tasks (gpointer scene)
{
  return count_tasks (scene) == 0;
}

static gboolean
has_one_task (gpointer scene)
{
  return count_tasks (scene) == 1;
}

static gboolean
has_two_tasks (gpointer scene)
{
  return count_tasks (scene) == 2;
}

static gboolean
is_named_b (gpointer item, gpointer data)
{
  return g_str_equal (ferry_task_get_name (item), "b");
}

/* As a pointer that comes or goes does. */
static void
point (GtkWidget *view, gboolean enter)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (view);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);

      if (!GTK_IS_EVENT_CONTROLLER_MOTION (controller))
        continue;
      if (enter)
        g_signal_emit_by_name (controller, "enter", 1.0, 1.0);
      else
        g_signal_emit_by_name (controller, "leave");
    }
}

static void
let_go_at_once (Scene *scene)
{
  g_object_set (scene->executor, "keep-finished", 0, "finished-time", G_GINT64_CONSTANT (0), NULL);
}

static void
test_row_that_is_selected_stays (Scene *scene)
{
  FerryTask *looked_at;

  looked_at = add_done (scene, "a");
  add_done (scene, "b");
  wait_row (scene, looked_at);
  select_task (scene, looked_at);
  let_go_at_once (scene);
  ferry_test_look_until (has_one_task, scene);
  wait_row (scene, looked_at);
  g_assert_true (ferry_test_get_object (scene->list, "selected-task") == looked_at);
  g_object_set (scene->list, "selected-task", NULL, NULL);
  ferry_test_look_until (has_no_tasks, scene);
}

/* The filter hides one of three. */
static void
test_no_row_goes_under_the_pointer (Scene *scene)
{
  g_autoptr (GtkFilter) filter = GTK_FILTER (gtk_custom_filter_new (is_named_b, NULL, NULL));
  FerryTask *first, *second;
  GtkWidget *view;

  add_done (scene, "a");
  g_object_set (scene->list, "filter", filter, NULL);
  first = add_done (scene, "b");
  second = add_done (scene, "b");
  view = gtk_widget_get_ancestor (wait_row (scene, second), GTK_TYPE_LIST_VIEW);
  point (view, TRUE);
  widget_test_wait_frame (scene->window);
  let_go_at_once (scene);
  ferry_test_look_until (has_two_tasks, scene);
  wait_row (scene, first);
  wait_row (scene, second);
  point (view, FALSE);
  ferry_test_look_until (has_no_tasks, scene);
}

/* What a click on a button is for is the task of that row. */
static void
test_button_in_a_row_selects_nothing (Scene *scene)
{
  FerryTask *selected, *removed, *retried;

  selected = add_done (scene, "a");
  removed = add_done (scene, "b");
  retried = add_done (scene, "c");
  select_task (scene, selected);
  click (wait_row (scene, removed), "remove_button");
  wait_no_row (scene, removed);
  g_assert_true (ferry_test_get_object (scene->list, "selected-task") == selected);
  click (wait_row (scene, retried), "retry_button");
  wait_no_row (scene, retried);
  g_assert_true (ferry_test_get_object (scene->list, "selected-task") == selected);
  ferry_test_look_until (task_test_is_idle, scene->executor);
}

/* Nobody has asked for the row that comes in the place of one that was removed. */
static void
test_row_in_the_place_of_a_removed_one_goes (Scene *scene)
{
  FerryTask *removed, *next;

  removed = add_done (scene, "a");
  next = add_done (scene, "b");
  wait_row (scene, next);
  select_task (scene, removed);
  widget_test_press (scene->list, "Delete");
  g_assert_true (ferry_test_get_object (scene->list, "selected-task") == next);
  let_go_at_once (scene);
  wait_no_row (scene, next);
}

static void
test_row_with_the_focus_stays (Scene *scene)
{
  FerryTask *looked_at;

  looked_at = add_done (scene, "a");
  add_done (scene, "b");
  g_assert_true (gtk_widget_grab_focus (get_item_widget (scene, looked_at)));
  g_object_set (scene->list, "selected-task", NULL, NULL);
  let_go_at_once (scene);
  ferry_test_look_until (has_one_task, scene);
  wait_row (scene, looked_at);
  gtk_window_set_focus (GTK_WINDOW (scene->window), NULL);
  ferry_test_look_until (has_no_tasks, scene);
}

/* (nullable) */
static GtkWidget *
find_details (void)
{
  g_autoptr (GList) windows = gtk_window_list_toplevels ();

  for (GList *item = windows; item != NULL; item = item->next)
    if (FERRY_IS_TASK_DETAILS (item->data) && gtk_widget_get_mapped (item->data))
      return item->data;
  return NULL;
}

static gboolean
has_details (gpointer wanted)
{
  return (find_details () != NULL) == GPOINTER_TO_INT (wanted);
}

/* Where the error is read, as in the row. */
static void
test_details_try_the_task_again (Scene *scene)
{
  g_autoptr (FerryTask) task = NULL, again = NULL;
  GtkWidget *button;

  task =
    task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "g-file-error-quark", 12, "The disk is full"));
  task_test_wait_done (task);
  wait_row (scene, task);
  g_assert_cmpint (ferry_test_get_number (scene->list, "n-failed"), ==, 1);
  select_task (scene, task);
  gtk_widget_activate_action (scene->list, "task.show-error", NULL);
  ferry_test_look_until (has_details, GINT_TO_POINTER (TRUE));
  button = gtk_widget_get_ancestor (widget_test_find_words (find_details (), "Run Again"), GTK_TYPE_BUTTON);
  g_signal_emit_by_name (button, "clicked");
  ferry_test_look_until (has_details, GINT_TO_POINTER (FALSE));
  again = g_list_model_get_item (G_LIST_MODEL (scene->executor), 0);
  g_assert_true (again != task);
  task_test_wait_done (again);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (scene->executor)), ==, 1);
  g_assert_cmpint (ferry_test_get_number (scene->list, "n-failed"), ==, 1);
  /* What is removed is none of them, until it is put back. */
  wait_row (scene, again);
  select_task (scene, again);
  gtk_widget_activate_action (scene->list, "task.remove", NULL);
  g_assert_cmpint (ferry_test_get_number (scene->list, "n-failed"), ==, 0);
  gtk_widget_activate_action (scene->list, "task.undo", NULL);
  g_assert_cmpint (ferry_test_get_number (scene->list, "n-failed"), ==, 1);
}

/* Presses a key that the view is told of first, and nobody does anything with. */
static void
press_any_key (GtkWidget *row)
{
  g_autoptr (GListModel) controllers =
    gtk_widget_observe_controllers (gtk_widget_get_ancestor (row, GTK_TYPE_LIST_VIEW));

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GObject) controller = g_list_model_get_item (controllers, i);
      gboolean is_handled = FALSE;

      if (GTK_IS_EVENT_CONTROLLER_KEY (controller))
        g_signal_emit_by_name (controller, "key-pressed", GDK_KEY_Shift_L, 50, 0, &is_handled);
    }
}

/* A window that opens gives its focus to the first row, which nobody has asked for. A key says that somebody is there.
 */
static void
test_row_that_was_given_the_focus_leaves (Scene *scene)
{
  FerryTask *first, *second;

  first = add_done (scene, "a");
  wait_row (scene, first);
  gtk_window_set_focus (GTK_WINDOW (scene->window), NULL);
  g_assert_true (gtk_widget_child_focus (scene->window, GTK_DIR_TAB_FORWARD));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (scene->window)) == get_item_widget (scene, first));
  let_go_at_once (scene);
  ferry_test_look_until (has_no_tasks, scene);

  g_object_set (scene->executor, "keep-finished", 100, NULL);
  second = add_done (scene, "b");
  add_done (scene, "c");
  wait_row (scene, second);
  g_assert_true (gtk_widget_child_focus (scene->window, GTK_DIR_TAB_FORWARD));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (scene->window)) == get_item_widget (scene, second));
  widget_test_wait_frame (scene->window);
  press_any_key (wait_row (scene, second));
  let_go_at_once (scene);
  ferry_test_look_until (has_one_task, scene);
  wait_row (scene, second);
}

/* Keys of arrows walk the rows. */
static void
test_tab_goes_through_one_row (Scene *scene)
{
  FerryTask *first, *second;
  GtkWidget *item;
  guint n_stops = 0;

  first = add_done (scene, "a");
  second = add_done (scene, "b");
  item = get_item_widget (scene, first);
  wait_button (wait_row (scene, first), "retry_button");
  wait_button (wait_row (scene, second), "retry_button");
  g_assert_true (gtk_widget_child_focus (scene->list, GTK_DIR_TAB_FORWARD));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (scene->window)) == item);
  for (; gtk_widget_child_focus (scene->list, GTK_DIR_TAB_FORWARD); n_stops++)
    g_assert_true (gtk_widget_is_ancestor (gtk_window_get_focus (GTK_WINDOW (scene->window)), item));
  g_assert_cmpuint (n_stops, ==, 2);
  for (n_stops = 0; gtk_widget_child_focus (scene->list, GTK_DIR_TAB_BACKWARD);)
    n_stops++;
  g_assert_cmpuint (n_stops, ==, 2);
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (scene->window)) == item);

  select_task (scene, second);
  g_assert_true (gtk_widget_child_focus (scene->list, GTK_DIR_TAB_FORWARD));
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (scene->window)) == get_item_widget (scene, second));
}

/* Which nobody chose. */
static void
test_focus_of_a_row_that_goes_is_not_its_neighbours (Scene *scene)
{
  FerryTask *first, *second;

  first = add_done (scene, "a");
  second = add_done (scene, "b");
  wait_row (scene, second);
  gtk_widget_grab_focus (wait_button (wait_row (scene, first), "retry_button"));
  g_assert_nonnull (gtk_widget_get_focus_child (scene->list));
  g_assert_true (ferry_executor_remove (scene->executor, first, NULL));
  wait_no_row (scene, first);
  g_assert_null (gtk_widget_get_focus_child (scene->list));
  g_assert_null (ferry_test_get_object (scene->list, "selected-task"));
  widget_test_press (scene->list, "Delete");
  wait_row (scene, second);
  g_assert_null (widget_test_find_words (scene->list, "1 task removed"));
}

/* Also after the time that tasks stay which have ended. */
static void
test_removal_can_be_undone_when_the_task_would_have_gone (Scene *scene)
{
  FerryTask *first;

  first = add_done (scene, "a");
  add_done (scene, "b");
  click (wait_row (scene, first), "remove_button");
  g_object_set (scene->list, "selected-task", NULL, NULL);
  gtk_window_set_focus (GTK_WINDOW (scene->window), NULL);
  let_go_at_once (scene);
  ferry_test_look_until (has_one_task, scene);
  widget_test_press (scene->list, "<Control>z");
  wait_row (scene, first);
  g_assert_true (ferry_test_get_object (scene->list, "selected-task") == first);
}

static gboolean
has_focus_inside (gpointer list)
{
  return gtk_widget_get_focus_child (list) != NULL;
}

/* The way back slides in. What comes back is what keys are meant for. */
static void
test_removal_of_all_tasks_can_be_undone (Scene *scene)
{
  FerryTask *first, *second;
  GtkWidget *item;

  first = add_done (scene, "a");
  second = add_done (scene, "b");
  ferry_test_run_until (task_test_is_idle, scene->executor);
  task_test_settle ();
  wait_row (scene, second);
  g_assert_true (gtk_widget_grab_focus (get_item_widget (scene, first)));
  widget_test_press (scene->list, "<Shift>Delete");
  widget_test_wait_words (scene->list, "No Tasks");
  ferry_test_look_until (has_focus_inside, scene->list);
  g_assert_true (GTK_IS_BUTTON (gtk_window_get_focus (GTK_WINDOW (scene->window))));
  widget_test_press (scene->list, "<Control>z");
  item = get_item_widget (scene, first);
  wait_row (scene, second);
  g_assert_true (gtk_window_get_focus (GTK_WINDOW (scene->window)) == item);
  widget_test_press (scene->list, "Delete");
  widget_test_wait_words (scene->list, "2 tasks removed");
}

/* When nobody sees the way back any more. */
static void
test_removal_is_final_when_the_list_is_hidden (Scene *scene)
{
  FerryTask *task;

  task = add_done (scene, "a");
  add_done (scene, "b");
  select_task (scene, task);
  widget_test_press (scene->list, "Delete");
  g_assert_cmpuint (count_tasks (scene), ==, 2);
  gtk_widget_set_visible (scene->list, FALSE);
  g_assert_cmpuint (count_tasks (scene), ==, 1);
}

/* It has not cost anything yet, so it is cancelled, and submitted again where that was a mistake. */
static void
test_task_that_waits_is_cancelled_with_its_removal (Scene *scene)
{
  FerryTask *runs, *waits;

  runs = add (scene, "gate", "a");
  waits = add (scene, "note", "b");
  task_test_wait_begun (runs);
  select_task (scene, runs);
  widget_test_press (scene->list, "Delete");
  g_assert_cmpint (ferry_task_get_state (runs), ==, FERRY_TASK_STATE_EXECUTING);
  wait_row (scene, runs);

  select_task (scene, waits);
  widget_test_press (scene->list, "Delete");
  g_assert_cmpint (ferry_task_get_state (waits), ==, FERRY_TASK_STATE_CANCELLED);
  wait_no_row (scene, waits);
  widget_test_press (scene->list, "<Control>z");
  g_assert_cmpuint (count_tasks (scene), ==, 2);
  task_test_open_gate ();
  {
    g_autoptr (FerryTask) again = g_list_model_get_item (G_LIST_MODEL (scene->executor), 1);

    g_assert_true (again != waits);
    g_assert_cmpstr (ferry_task_get_name (again), ==, "b");
    task_test_wait_done (again);
    g_assert_cmpint (ferry_task_get_state (again), ==, FERRY_TASK_STATE_COMPLETED);
  }
}

static void
select_also (Scene *scene, guint position)
{
  g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (scene->executor), position);
  GtkWidget *view = gtk_widget_get_ancestor (wait_row (scene, task), GTK_TYPE_LIST_VIEW);

  gtk_selection_model_select_item (gtk_list_view_get_model (GTK_LIST_VIEW (view)), position, FALSE);
}

static void
test_an_action_is_for_all_that_are_selected (Scene *scene)
{
  FerryTask *runs, *first, *second, *third;

  runs = add (scene, "gate", "a");
  first = add (scene, "note", "b");
  second = add (scene, "note", "c");
  third = add (scene, "note", "d");
  task_test_wait_begun (runs);
  select_task (scene, first);
  select_also (scene, 3);
  g_assert_null (ferry_test_get_object (scene->list, "selected-task"));
  widget_test_press (scene->list, "<Control>p");
  g_assert_true (ferry_test_get_number (first, "is-paused"));
  g_assert_false (ferry_test_get_number (second, "is-paused"));
  g_assert_true (ferry_test_get_number (third, "is-paused"));
  widget_test_press (scene->list, "<Control>p");
  g_assert_false (ferry_test_get_number (third, "is-paused"));
  widget_test_press (scene->list, "Delete");
  widget_test_wait_words (scene->list, "2 tasks removed");
  g_assert_cmpint (ferry_task_get_state (first), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (second), ==, FERRY_TASK_STATE_WAITING);
  wait_no_row (scene, first);
  wait_no_row (scene, third);
  task_test_open_gate ();
  task_test_wait_done (second);
  widget_test_press (scene->list, "<Control>z");
  g_assert_cmpuint (count_tasks (scene), ==, 4);
  ferry_test_run_until (task_test_is_idle, scene->executor);
}

static void
test_copies_the_errors_of_all_that_failed (Scene *scene)
{
  GVariant *error = g_variant_ref_sink (g_variant_new ("(sis)", "g-io-error-quark", 1, "It is gone"));
  g_autoptr (FerryTask) first = task_test_submit (scene->executor, "fail", error);
  g_autoptr (FerryTask) second = task_test_submit (scene->executor, "fail", error);
  g_autoptr (FerryTask) done = g_object_ref (add_done (scene, "a"));
  g_autofree char *one = NULL, *other = NULL, *both = NULL, *copied = NULL;

  g_variant_unref (error);
  task_test_wait_done (second);
  select_task (scene, first);
  select_also (scene, 1);
  select_also (scene, 2);
  one = ferry_task_dup_error_report (first);
  other = ferry_task_dup_error_report (second);
  both = g_strconcat (one, other, NULL);
  widget_test_press (scene->list, "<Control>c");
  gdk_clipboard_read_text_async (gtk_widget_get_clipboard (scene->list), NULL, note_text_cb, &copied);
  ferry_test_run_until (is_there, &copied);
  g_assert_cmpstr (copied, ==, both);
}

static void
test_whole_list_is_cancelled_and_cleared (Scene *scene)
{
  FerryTask *done, *runs, *waits;

  done = add_done (scene, "a");
  runs = add (scene, "gate", "b");
  waits = add (scene, "note", "c");
  task_test_wait_begun (runs);
  wait_row (scene, waits);
  widget_test_press (scene->list, "<Shift>Delete");
  widget_test_wait_words (scene->list, "1 task removed");
  wait_no_row (scene, done);
  g_assert_true (gtk_widget_activate_action (scene->list, "task.cancel-all", NULL));
  g_assert_cmpint (ferry_task_get_state (waits), ==, FERRY_TASK_STATE_CANCELLED);
  task_test_wait_done (runs);
  /* At once, before the list shows that it has ended. */
  gtk_widget_activate_action (scene->list, "task.clear-finished", NULL);
  widget_test_wait_words (scene->list, "3 tasks removed");
  widget_test_press (scene->list, "<Control>z");
  wait_row (scene, done);
  g_assert_cmpuint (count_tasks (scene), ==, 3);
}

/* The executor's tasks are in no list then. */
static gboolean
has_menu (gpointer list)
{
  return widget_test_find_words (list, "Clear Finished") != NULL;
}

static gboolean
has_no_menu (gpointer list)
{
  return !has_menu (list);
}

/* (nullable): the row of a task that failed has the same word. */
static GtkWidget *
find_in_menu (gpointer list, const char *words)
{
  for (GtkWidget *child = gtk_widget_get_first_child (list); child; child = gtk_widget_get_next_sibling (child))
    if (GTK_IS_POPOVER (child))
      return widget_test_find_words (child, words);
  g_assert_not_reached ();
}

static gboolean
menu_has_details (gpointer list)
{
  return find_in_menu (list, "Details") != NULL;
}

static void
open_menu (Scene *scene)
{
  /* The windows of other programs do not close it. */
  for (GtkWidget *child = gtk_widget_get_first_child (scene->list); child; child = gtk_widget_get_next_sibling (child))
    if (GTK_IS_POPOVER (child))
      gtk_popover_set_autohide (GTK_POPOVER (child), FALSE);
  widget_test_press (scene->list, "Menu");
}

static void
choose (Scene *scene, const char *words)
{
  widget_test_wait_words (scene->list, words);
  g_assert_true (gtk_widget_activate (gtk_widget_get_parent (widget_test_find_words (scene->list, words))));
  ferry_test_run_until (has_no_menu, scene->list);
}

static void
test_menu_says_pause_or_resume (Scene *scene)
{
  FerryTask *runs, *waits;

  add_done (scene, "z");
  runs = add (scene, "gate", "a");
  waits = add (scene, "note", "b");
  task_test_wait_begun (runs);
  wait_row (scene, waits);
  select_task (scene, waits);
  open_menu (scene);
  ferry_test_run_until (has_menu, scene->list);
  g_assert_null (widget_test_find_words (scene->list, "Resume"));
  choose (scene, "Pause");
  g_assert_true (ferry_test_get_number (waits, "is-paused"));
  open_menu (scene);
  choose (scene, "Resume");
  g_assert_false (ferry_test_get_number (waits, "is-paused"));
  task_test_open_gate ();
  task_test_wait_done (waits);
}

/* A window has one. */
static void
test_menu_shows_the_error_of_one_task (Scene *scene)
{
  FerryTask *first, *second;

  first = add (scene, "no such function", "a");
  second = add (scene, "no such function", "b");
  task_test_wait_done (second);
  wait_row (scene, second);
  select_task (scene, first);
  open_menu (scene);
  ferry_test_look_until (menu_has_details, scene->list);
  choose (scene, "Copy Error");
  select_task (scene, first);
  select_also (scene, 1);
  open_menu (scene);
  ferry_test_run_until (has_menu, scene->list);
  g_assert_null (find_in_menu (scene->list, "Details"));
  choose (scene, "Copy Error");
}

/* Whether something was done. */
static gboolean
press_return (GtkWidget *view)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (view);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GListModel) keys = g_list_model_get_item (controllers, i);
      g_autoptr (GtkShortcut) first = GTK_IS_SHORTCUT_CONTROLLER (keys) ? g_list_model_get_item (keys, 0) : NULL;
      g_autofree char *key = first != NULL ? gtk_shortcut_trigger_to_string (gtk_shortcut_get_trigger (first)) : NULL;

      if (g_strcmp0 (key, "Return") == 0)
        return gtk_shortcut_action_activate (gtk_shortcut_get_action (first), 0, view, NULL);
    }
  g_assert_not_reached ();
}

/* Of one task, and not where a button has the focus, which takes the key itself. */
static void
test_return_opens_the_details (Scene *scene)
{
  FerryTask *failed = add (scene, "no such function", "a");
  GtkWidget *row, *view;

  task_test_wait_done (failed);
  row = wait_row (scene, failed);
  view = gtk_widget_get_parent (get_item_widget (scene, failed));
  gtk_widget_grab_focus (wait_button (row, "retry_button"));
  g_assert_false (press_return (view));
  gtk_widget_grab_focus (get_item_widget (scene, failed));
  g_assert_true (press_return (view));
  ferry_test_look_until (has_details, GINT_TO_POINTER (TRUE));
  gtk_window_destroy (GTK_WINDOW (find_details ()));
}

static float
get_start (GtkWidget *row, GtkWidget *list)
{
  graphene_rect_t place;

  g_assert_true (gtk_widget_compute_bounds (
    GTK_WIDGET (gtk_widget_get_template_child (row, FERRY_TYPE_TASK_ROW, "state_image")), list, &place));
  return place.origin.x;
}

static gboolean
has_a_place (gpointer widget)
{
  return gtk_widget_get_width (widget) > 0;
}

/* As one of libadwaita in a boxed list: 12 pixels, and 2 of the list. */
static void
test_rows_begin_at_the_same_place_in_each_list (Scene *scene)
{
  FerryTask *task = add_done (scene, "a");
  GtkWidget *row = ferry_task_row_new (task, scene->executor), *box = gtk_list_box_new (), *window;

  gtk_list_box_append (GTK_LIST_BOX (box), row);
  window = widget_test_show (box);
  ferry_test_look_until (has_a_place, row);
  ferry_test_look_until (has_a_place, wait_row (scene, task));
  g_assert_cmpfloat (get_start (row, box), ==, 14.0F);
  g_assert_cmpfloat (get_start (wait_row (scene, task), scene->list), ==, 14.0F);
  gtk_window_destroy (GTK_WINDOW (window));
}

/* The list cannot know it of an executor. */
static void
test_menu_cancels_what_is_not_over (Scene *scene)
{
  g_autoptr (GListStore) store = g_list_store_new (FERRY_TYPE_TASK);
  FerryTask *done, *runs;

  done = add_done (scene, "a");
  runs = add (scene, "gate", "b");
  task_test_wait_begun (runs);
  g_list_store_append (store, done);
  g_object_set (scene->list, "tasks", store, NULL);
  wait_row (scene, done);
  select_task (scene, done);
  open_menu (scene);
  ferry_test_run_until (has_menu, scene->list);
  g_assert_null (widget_test_find_words (scene->list, "Cancel All"));
  choose (scene, "Run Again");
  task_test_open_gate ();
  ferry_test_run_until (task_test_is_idle, scene->executor);
}

static void
test_menu_has_what_is_possible (Scene *scene)
{
  FerryTask *done;
  GtkWidget *item;

  done = add_done (scene, "a");
  wait_row (scene, done);
  select_task (scene, done);
  /* The windows of other programs do not close it. */
  for (item = gtk_widget_get_first_child (scene->list); item != NULL; item = gtk_widget_get_next_sibling (item))
    if (GTK_IS_POPOVER (item))
      gtk_popover_set_autohide (GTK_POPOVER (item), FALSE);
  widget_test_press (scene->list, "Menu");
  ferry_test_run_until (has_menu, scene->list);
  g_assert_nonnull (widget_test_find_words (scene->list, "Run Again"));
  g_assert_null (find_in_menu (scene->list, "Details"));
  g_assert_null (widget_test_find_words (scene->list, "Cancel All"));
  item = gtk_widget_get_parent (widget_test_find_words (scene->list, "Remove"));
  g_assert_true (gtk_widget_activate (item));
  wait_no_row (scene, done);
  ferry_test_run_until (has_no_menu, scene->list);
  widget_test_press (scene->list, "<Control>z");
  wait_row (scene, done);
}

static void
test_group_is_one_row (Scene *scene)
{
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) whole = ferry_task_new_for_group (group, "Holidays", "files");
  g_autoptr (GListStore) store = g_list_store_new (FERRY_TYPE_TASK);
  g_autoptr (FerryTask) gate = g_object_ref (add (scene, "gate", "a"));

  ferry_task_group_add (group, gate);
  g_list_store_append (store, whole);
  g_object_set (scene->list, "tasks", store, "executor", NULL, NULL);
  wait_row (scene, whole);
  task_test_wait_begun (gate);
  widget_test_wait_words (scene->list, "0 of 1 files");
  task_test_open_gate ();
  task_test_wait_done (whole);
  widget_test_wait_words (scene->list, "Done");
  select_task (scene, whole);
  widget_test_press (scene->list, "<Control>r");
  widget_test_press (scene->list, "Delete");
  wait_no_row (scene, whole);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (store)), ==, 1);
  widget_test_press (scene->list, "<Control>z");
  wait_row (scene, whole);
  widget_test_press (scene->list, "<Shift>Delete");
  gtk_widget_set_visible (scene->list, FALSE);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (store)), ==, 0);
}

static void
test_each_action_has_a_key (Scene *scene)
{
  FerryTask *runs, *first, *second;

  runs = add (scene, "gate", "a");
  first = add (scene, "note", "b");
  second = add (scene, "note", "c");
  task_test_wait_begun (runs);
  select_task (scene, second);
  widget_test_press (scene->list, "<Control>Up");
  g_assert_cmpint (ferry_test_get_number (second, "priority"), >, ferry_test_get_number (first, "priority"));
  select_task (scene, first);
  widget_test_press (scene->list, "<Control>BackSpace");
  g_assert_cmpint (ferry_task_get_state (first), ==, FERRY_TASK_STATE_CANCELLED);
  task_test_open_gate ();
  task_test_wait_done (second);

  select_task (scene, first);
  widget_test_press (scene->list, "<Control>r");
  g_assert_cmpuint (count_tasks (scene), ==, 3);
  g_assert_cmpstr (ferry_task_get_name (ferry_test_get_object (scene->list, "selected-task")), ==, "b");
  task_test_wait_done (ferry_test_get_object (scene->list, "selected-task"));
}

static void
test_focus_comes_before_the_selection (Scene *scene)
{
  FerryTask *first, *second;
  GtkWidget *row;

  first = add_done (scene, "a");
  second = add_done (scene, "b");
  row = wait_row (scene, second);
  select_task (scene, first);
  gtk_widget_grab_focus (wait_button (row, "retry_button"));
  widget_test_press (scene->list, "Delete");
  wait_no_row (scene, second);
  wait_row (scene, first);
}

static int
compare_names (gconstpointer a, gconstpointer b, gpointer data)
{
  return strcmp (ferry_task_get_name ((FerryTask *) a), ferry_task_get_name ((FerryTask *) b));
}

static void
test_filter_and_sorter_are_the_applications (Scene *scene)
{
  g_autoptr (GtkFilter) filter = NULL;
  g_autoptr (GtkSorter) sorter = NULL;
  FerryTask *b, *a;
  graphene_rect_t place_of_a, place_of_b;

  filter = GTK_FILTER (gtk_custom_filter_new (is_named_b, NULL, NULL));
  sorter = GTK_SORTER (gtk_custom_sorter_new (compare_names, NULL, NULL));
  b = add_done (scene, "b");
  a = add_done (scene, "a");
  wait_row (scene, a);
  g_object_set (scene->list, "filter", filter, NULL);
  wait_no_row (scene, a);
  wait_row (scene, b);
  select_task (scene, b);
  widget_test_press (scene->list, "Delete");
  wait_no_row (scene, b);
  widget_test_press (scene->list, "<Control>z");
  wait_row (scene, b);
  g_assert_null (find_row (scene->list, a));

  g_object_set (scene->list, "filter", NULL, "sorter", sorter, NULL);
  wait_row (scene, a);
  g_assert_true (gtk_widget_compute_bounds (wait_row (scene, a), scene->list, &place_of_a));
  g_assert_true (gtk_widget_compute_bounds (wait_row (scene, b), scene->list, &place_of_b));
  g_assert_cmpfloat (place_of_a.origin.y, <=, place_of_b.origin.y);
}

static void
count_cb (FerryTaskList *list, FerryTaskRow *row, guint *n_rows)
{
  g_object_set (row, "suffix", gtk_label_new ("suffix"), NULL);
  (*n_rows)++;
}

/* Any model of tasks will do; without an executor its tasks can be cancelled. Rows are made for those in sight. */
static void
test_many_tasks_have_few_rows (void)
{
  g_autoptr (GListStore) tasks = NULL;
  g_autoptr (FerryTask) first = NULL;
  Scene scene = {.executor = NULL};
  guint n_rows = 0;

  if (!widget_test_has_display ())
    return;
  tasks = g_list_store_new (FERRY_TYPE_TASK);
  for (guint i = 0; i < MANY; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "sum", NULL);

      g_list_store_append (tasks, task);
    }
  scene.list = ferry_task_list_new (NULL);
  g_signal_connect (scene.list, "setup-row", G_CALLBACK (count_cb), &n_rows);
  g_object_set (scene.list, "tasks", tasks, NULL);
  scene.window = widget_test_show (scene.list);
  first = g_list_model_get_item (G_LIST_MODEL (tasks), 0);
  wait_row (&scene, first);
  g_assert_nonnull (widget_test_find_words (wait_row (&scene, first), "suffix"));
  g_assert_cmpuint (n_rows, <, 500);
  select_task (&scene, first);
  widget_test_press (scene.list, "Delete");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (tasks)), ==, MANY);
  widget_test_press (scene.list, "<Control>BackSpace");
  g_assert_cmpint (ferry_task_get_state (first), ==, FERRY_TASK_STATE_CANCELLED);
  gtk_window_destroy (GTK_WINDOW (scene.window));
}

static GtkWidget *
get_view (GtkWidget *widget)
{
  if (GTK_IS_LIST_VIEW (widget))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child; child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *view = get_view (child);

      if (view != NULL)
        return view;
    }
  return NULL;
}

/* (transfer none): what the view in the list shows. */
static GListModel *
get_shown (GtkWidget *widget)
{
  return G_LIST_MODEL (gtk_list_view_get_model (GTK_LIST_VIEW (get_view (widget))));
}

static void
test_nothing_is_computed_while_the_list_is_hidden (Scene *scene)
{
  FerryTask *last = NULL;
  guint n_changes = 0;

  wait_row (scene, add_done (scene, "a"));
  gtk_widget_set_visible (scene->list, FALSE);
  g_signal_connect_swapped (get_shown (scene->list), "items-changed", G_CALLBACK (g_atomic_int_inc), &n_changes);
  for (guint i = 0; i < 50; i++)
    last = add_done (scene, "b");
  task_test_settle ();
  g_assert_null (g_main_context_find_source_by_user_data (NULL, scene->list));
  g_assert_cmpuint (n_changes, ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (get_shown (scene->list)), ==, 1);
  gtk_widget_set_visible (scene->list, TRUE);
  g_assert_cmpuint (n_changes, ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (get_shown (scene->list)), ==, 51);
  select_task (scene, last);
}

static gboolean
is_long (gpointer data)
{
  return gtk_adjustment_get_upper (data) > 61 * 50;
}

/* Scrolls to the end. GTK may scroll back to the row that it keeps in sight, while rows still get their heights. */
static gboolean
has_row_at_the_end (gpointer data)
{
  const Wanted *wanted = data;
  GtkAdjustment *adjustment = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (get_view (wanted->list)));

  gtk_adjustment_set_value (adjustment, gtk_adjustment_get_upper (adjustment));
  return has_row (data);
}

/* A row that is not in sight has no task, and computes nothing. */
static void
test_rows_that_are_not_in_sight_have_no_task (Scene *scene)
{
  FerryTask *first, *last = NULL;
  GtkAdjustment *adjustment;

  first = add_done (scene, "a");
  for (guint i = 0; i < 60; i++)
    last = add_done (scene, "b");
  wait_row (scene, first);
  adjustment = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (get_view (scene->list)));
  ferry_test_look_until (is_long, adjustment);
  g_assert_null (find_row (scene->list, last));
  ferry_test_look_until (has_row_at_the_end, &(Wanted){scene->list, last});
  wait_no_row (scene, first);
}

static void
test_list_is_read_out (Scene *scene)
{
  FerryTask *task;
  GtkWidget *item;

  task = add_done (scene, "a");
  item = gtk_widget_get_parent (gtk_widget_get_parent (wait_row (scene, task)));
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (item), GTK_ACCESSIBLE_ROLE_LIST_ITEM);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (item), GTK_ACCESSIBLE_PROPERTY_LABEL, "Task: a");
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (item), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Done");
}

/* The names of the rows, from the top, as far as they are drawn. */
static char *
find_order (Scene *scene)
{
  g_autoptr (GString) order = g_string_new (NULL);
  float last = -1.0F;

  for (;;)
    {
      FerryTask *next = NULL;
      float nearest = G_MAXFLOAT;

      for (guint i = 0; i < count_tasks (scene); i++)
        {
          g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (scene->executor), i);
          GtkWidget *row = find_row (scene->list, task);
          graphene_rect_t place;

          if (row != NULL && gtk_widget_compute_bounds (row, scene->list, &place) && place.origin.y > last &&
              place.origin.y < nearest)
            {
              next = task;
              nearest = place.origin.y;
            }
        }
      if (next == NULL)
        return g_string_free (g_steal_pointer (&order), FALSE);
      g_string_append (order, ferry_task_get_name (next));
      last = nearest;
    }
}

typedef struct
{
  Scene *scene;
  const char *order;
} WantedOrder;

static gboolean
has_order (gpointer data)
{
  const WantedOrder *wanted = data;
  g_autofree char *order = find_order (wanted->scene);

  return g_str_equal (order, wanted->order);
}

static void
wait_order (Scene *scene, const char *order)
{
  WantedOrder wanted = {scene, order};

  ferry_test_look_until (has_order, &wanted);
}

static void
test_task_that_is_tried_again_stands_where_it_stood (Scene *scene)
{
  FerryTask *second, *again;

  add_done (scene, "a");
  second = add_done (scene, "b");
  add_done (scene, "c");
  wait_order (scene, "abc");
  select_task (scene, second);
  widget_test_press (scene->list, "<Control>r");
  task_test_wait_done (ferry_test_get_object (scene->list, "selected-task"));
  wait_order (scene, "abc");
  again = ferry_test_get_object (scene->list, "selected-task");
  g_assert_true (again != second);
  g_assert_true (gtk_widget_is_ancestor (wait_row (scene, again), gtk_window_get_focus (GTK_WINDOW (scene->window))));
  add_done (scene, "d");
  wait_order (scene, "abcd");
}

static void
test_task_that_runs_next_stands_before_all_that_wait (Scene *scene)
{
  FerryTask *runs, *last;

  runs = add (scene, "gate", "a");
  add (scene, "note", "b");
  add (scene, "note", "c");
  last = add (scene, "note", "d");
  task_test_wait_begun (runs);
  wait_order (scene, "abcd");
  select_task (scene, last);
  widget_test_press (scene->list, "<Control>Up");
  wait_order (scene, "adbc");
  widget_test_wait_words (wait_row (scene, last), "Waits at the front");
  g_assert_true (ferry_test_get_object (scene->list, "selected-task") == last);
}

static GString *read_out;

/* Stands in the place of the function that GTK has since version 4.14. */
#if GTK_CHECK_VERSION(4, 14, 0)
typedef GtkAccessibleAnnouncementPriority Priority;
#else
typedef int Priority;
void gtk_accessible_announce (GtkAccessible *self, const char *message, Priority priority);
#endif

void
gtk_accessible_announce (GtkAccessible *self, const char *message, Priority priority)
{
  g_assert_cmpint (priority, ==, 1);
  if (read_out == NULL)
    read_out = g_string_new (NULL);
  g_string_append_printf (read_out, "%s|", message);
}

static gboolean
was_read_out (gpointer data)
{
  return read_out != NULL && strstr (read_out->str, data) != NULL;
}

static void
test_ends_and_what_users_do_are_read_out (Scene *scene)
{
  FerryTask *runs, *waits;

  add (scene, "no such function", "a");
  add_done (scene, "b");
  ferry_test_look_until (was_read_out, (gpointer) "1 task is done, 1 failed.|");
  add (scene, "no such function", "a");
  ferry_test_look_until (was_read_out, (gpointer) "|1 task failed.|");
  runs = add (scene, "gate", "c");
  waits = add (scene, "note", "d");
  task_test_wait_begun (runs);
  select_task (scene, waits);
  widget_test_press (scene->list, "<Control>Up");
  g_assert_true (was_read_out ((gpointer) "Runs next: d|"));
  widget_test_press (scene->list, "<Control>p");
  g_assert_true (ferry_test_get_number (waits, "is-paused"));
  g_assert_true (was_read_out ((gpointer) "Paused: d|"));
  widget_test_press (scene->list, "<Control>p");
  g_assert_true (was_read_out ((gpointer) "Goes on: d|"));
  widget_test_press (scene->list, "Delete");
  g_assert_true (was_read_out ((gpointer) "Removed: d. Control+Z puts it back.|"));
  widget_test_press (scene->list, "<Control>z");
  g_assert_true (was_read_out ((gpointer) "Put back: d|"));
  task_test_open_gate ();
  task_test_wait_done (runs);
  select_task (scene, runs);
  widget_test_press (scene->list, "<Control>r");
  g_assert_true (was_read_out ((gpointer) "Runs again: c|"));
  task_test_wait_done (ferry_test_get_object (scene->list, "selected-task"));
}

/* In a list, the row would be read out as well. */
static void
test_end_of_a_single_row_is_read_out (Scene *scene)
{
  FerryTask *task;

  task = add (scene, "gate", "single");
  gtk_window_set_child (GTK_WINDOW (scene->window), ferry_task_row_new (task, NULL));
  scene->list = gtk_window_get_child (GTK_WINDOW (scene->window));
  wait_row (scene, task);
  task_test_open_gate ();
  ferry_test_look_until (was_read_out, (gpointer) "single: Done|");
}

static void
test_list_fits_a_narrow_window (Scene *scene)
{
  int minimum;

  click (wait_row (scene, add_done (scene, "A name that is far longer than a narrow window is wide")), "remove_button");
  gtk_widget_measure (scene->list, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  g_assert_cmpint (minimum, <=, 360);
}

/* What GTK opens once, it opens before descriptors are counted. */
static void
warm_up (void)
{
  GtkWidget *list;

  if (!gtk_is_initialized ())
    return;
  list = ferry_task_list_new (NULL);
  gtk_window_destroy (GTK_WINDOW (widget_test_show (list)));
}

static gboolean
has_room_for_two (gpointer data)
{
  const Wanted *wanted = data;
  GtkWidget *row = find_row (wanted->list, wanted->task);

  return row != NULL && gtk_widget_get_height (row) > 0 && gtk_widget_get_width (wanted->list) >= 360 &&
         gtk_widget_get_height (wanted->list) >= 2 * gtk_widget_get_height (row);
}

/* The first window that a newcomer writes has no size. */
static void
test_list_has_a_size_of_its_own (Scene *scene)
{
  FerryTask *task = add_done (scene, "a");
  GtkWidget *window = gtk_window_new ();
  Wanted wanted = {ferry_task_list_new (G_LIST_MODEL (scene->executor)), task};

  add_done (scene, "b");
  gtk_window_set_child (GTK_WINDOW (window), wanted.list);
  gtk_window_present (GTK_WINDOW (window));
  ferry_test_look_until (has_room_for_two, &wanted);
  gtk_window_destroy (GTK_WINDOW (window));
}

typedef struct
{
  GtkWidget *list;
  int least, most;
} Height;

static gboolean
has_height (gpointer data)
{
  const Height *height = data;
  int now = gtk_widget_get_height (height->list);

  return now >= height->least && now <= height->most;
}

/* As in a page of preferences, which scrolls, and gives what is in it the least height. */
/* Not higher, where one of them is. */
static gboolean
is_as_high_as_its_rows (gpointer data)
{
  const Wanted *wanted = data;
  GtkWidget *row = find_row (wanted->list, wanted->task);
  int height = 0;

  if (row == NULL ||
      !gtk_widget_get_visible (GTK_WIDGET (gtk_widget_get_template_child (row, FERRY_TYPE_TASK_ROW, "progress_bar"))))
    return FALSE;
  row = gtk_widget_get_parent (gtk_widget_get_parent (row));
  for (GtkWidget *child = gtk_widget_get_first_child (gtk_widget_get_parent (row)); child;
       child = gtk_widget_get_next_sibling (child))
    height += gtk_widget_get_allocated_height (child);
  return ABS (gtk_widget_get_height (wanted->list) - height) <= 5;
}

static void
test_list_is_as_high_as_its_rows_where_something_else_scrolls (Scene *scene)
{
  GtkWidget *outer = gtk_scrolled_window_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *window;
  Wanted wanted = {ferry_task_list_new (G_LIST_MODEL (scene->executor)), add_done (scene, "a")};
  Height height = {wanted.list, 1, 120};
  int row;

  ferry_task_list_set_max_height (FERRY_TASK_LIST (wanted.list), 300);
  gtk_box_append (GTK_BOX (box), gtk_label_new ("Above"));
  gtk_box_append (GTK_BOX (box), wanted.list);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (outer), box);
  window = widget_test_show (outer);
  ferry_test_look_until (has_height, &height);
  row = gtk_widget_get_height (wait_row (&(Scene){.list = wanted.list}, wanted.task));
  add_done (scene, "b");
  add_done (scene, "c");
  height = (Height){wanted.list, 3 * row, 3 * row + 120};
  ferry_test_look_until (has_height, &height);
  wanted.task = add (scene, "gate", "e");
  ferry_test_look_until (is_as_high_as_its_rows, &wanted);
  task_test_open_gate ();
  task_test_wait_done (wanted.task);
  for (guint i = 0; i < 20; i++)
    add_done (scene, "d");
  height = (Height){wanted.list, 300, 300};
  ferry_test_look_until (has_height, &height);
  ferry_task_list_set_max_height (FERRY_TASK_LIST (wanted.list), 0);
  height = (Height){wanted.list, 1, 299};
  ferry_test_look_until (has_height, &height);
  gtk_window_destroy (GTK_WINDOW (window));
}

/* ---- what an application shows in place of the list ---- */

typedef struct
{
  gboolean is_shown; /* what the handler returns */
  guint n_asked;
  char *words;     /* (owned) (nullable): of the last undo */
  FerryTask *task; /* (unowned) (nullable): of the last error */
} Shown;

static gboolean
show_undo_cb (FerryTaskList *list, const char *words, gpointer data)
{
  Shown *shown = data;

  shown->n_asked++;
  g_free (shown->words);
  shown->words = g_strdup (words);
  return shown->is_shown;
}

static gboolean
show_error_cb (FerryTaskList *list, FerryTask *task, gpointer data)
{
  Shown *shown = data;

  shown->n_asked++;
  shown->task = task;
  return shown->is_shown;
}

static void
test_an_application_shows_undo_in_a_toast_of_its_own (Scene *scene)
{
  FerryTask *first = add_done (scene, "a"), *second = add_done (scene, "b");
  Shown shown = {.is_shown = TRUE};

  g_signal_connect (scene->list, "show-undo", G_CALLBACK (show_undo_cb), &shown);
  click (wait_row (scene, first), "remove_button");
  wait_no_row (scene, first);
  g_assert_cmpstr (shown.words, ==, "1 task removed");
  select_task (scene, second);
  widget_test_press (scene->list, "Delete");
  wait_no_row (scene, second);
  g_assert_cmpstr (shown.words, ==, "2 tasks removed");
  g_assert_cmpuint (shown.n_asked, ==, 2);
  g_assert_null (widget_test_find_words (scene->list, "removed"));
  g_assert_null (widget_test_find_words (scene->list, "Undo"));
  g_assert_true (gtk_widget_activate_action (scene->list, "task.undo", NULL));
  g_assert_null (shown.words);
  g_assert_cmpuint (shown.n_asked, ==, 3);
  wait_row (scene, first);
  /* A toast is there still when a popover with the list is closed. */
  select_task (scene, first);
  widget_test_press (scene->list, "Delete");
  gtk_widget_set_visible (scene->list, FALSE);
  g_assert_cmpstr (shown.words, ==, "1 task removed");
  g_assert_true (gtk_widget_activate_action (scene->list, "task.undo", NULL));
  g_assert_null (shown.words);
  g_assert_cmpuint (shown.n_asked, ==, 5);
  gtk_widget_set_visible (scene->list, TRUE);
  wait_row (scene, first);
  /* Who returns FALSE leaves it to the list, and hears of the end that is for good, too. */
  shown.is_shown = FALSE;
  select_task (scene, first);
  widget_test_press (scene->list, "Delete");
  widget_test_wait_words (scene->list, "1 task removed");
  gtk_widget_set_visible (scene->list, FALSE);
  g_assert_null (shown.words);
  g_assert_cmpuint (shown.n_asked, ==, 7);
  g_signal_handlers_disconnect_by_data (scene->list, &shown);
}

static void
test_an_application_shows_errors_in_a_dialog_of_its_own (Scene *scene)
{
  FerryTask *task =
    task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "g-file-error-quark", 12, "The disk is full"));
  Shown shown = {.is_shown = TRUE};
  GtkWidget *row;

  task_test_wait_done (task);
  row = wait_row (scene, task);
  select_task (scene, task);
  g_signal_connect (scene->list, "show-error", G_CALLBACK (show_error_cb), &shown);
  g_assert_true (gtk_widget_activate_action (scene->list, "task.show-error", NULL));
  g_assert_true (shown.task == task);
  g_assert_true (gtk_widget_activate_action (row, "task.show-error", NULL));
  g_assert_cmpuint (shown.n_asked, ==, 2);
  g_assert_null (find_details ());
  shown.is_shown = FALSE;
  g_assert_true (gtk_widget_activate_action (row, "task.show-error", NULL));
  ferry_test_look_until (has_details, GINT_TO_POINTER (TRUE));
  gtk_window_close (GTK_WINDOW (find_details ()));
  ferry_test_look_until (has_details, GINT_TO_POINTER (FALSE));
  g_object_unref (task);
}

/* ---- all at once ---- */

static gboolean
is_task_paused (gpointer task)
{
  return ferry_test_get_number (task, "is-paused") != 0;
}

static void
test_all_is_paused_and_goes_on (Scene *scene)
{
  g_autoptr (GPropertyAction) action = g_property_action_new ("pause-all", scene->list, "paused");
  g_autoptr (GVariant) before = g_action_get_state (G_ACTION (action)), paused = NULL;
  FerryTask *runs = add (scene, "sleep-until-cancelled", "a"), *waits = add (scene, "note", "b");
  guint n_told = 0;

  widget_test_count_notifications (scene->list, "paused", &n_told);
  task_test_wait_begun (runs);
  widget_test_press (scene->list, "<Shift><Control>p");
  g_assert_true (is_task_paused (runs));
  g_assert_true (ferry_test_get_number (scene->executor, "paused"));
  g_assert_true (ferry_test_get_number (scene->list, "paused"));
  g_assert_cmpuint (n_told, ==, 1);
  paused = g_action_get_state (G_ACTION (action));
  g_assert_true (g_variant_get_boolean (paused) && !g_variant_get_boolean (before));
  g_action_activate (G_ACTION (action), NULL);
  g_assert_false (is_task_paused (runs));
  g_assert_false (ferry_test_get_number (scene->executor, "paused"));
  /* Whoever else does it, it is so. */
  ferry_executor_set_paused (scene->executor, TRUE, FALSE);
  g_assert_true (ferry_test_get_number (scene->list, "paused"));
  g_assert_cmpuint (n_told, ==, 3);
  g_assert_true (gtk_widget_activate_action (scene->list, "task.pause-all", NULL));
  ferry_task_cancel (runs);
  task_test_wait_done (waits);
}

/* Where no executor has them. */
static void
test_tasks_of_a_list_of_its_own_are_paused_one_by_one (Scene *scene)
{
  g_autoptr (GListStore) store = g_list_store_new (FERRY_TYPE_TASK);
  FerryTask *runs = add (scene, "sleep-until-cancelled", "a"), *waits = add (scene, "note", "b");

  g_list_store_append (store, runs);
  g_list_store_append (store, waits);
  g_object_set (scene->list, "tasks", store, NULL);
  task_test_wait_begun (runs);
  g_object_set (scene->list, "paused", TRUE, NULL);
  g_assert_true (is_task_paused (runs) && is_task_paused (waits));
  g_assert_false (ferry_test_get_number (scene->executor, "paused"));
  g_assert_true (ferry_test_get_number (scene->list, "paused"));
  ferry_task_resume (runs);
  g_assert_false (ferry_test_get_number (scene->list, "paused"));
  ferry_task_pause (runs);
  g_object_set (scene->list, "paused", FALSE, NULL);
  g_assert_false (is_task_paused (runs) || is_task_paused (waits));
  ferry_task_cancel (runs);
  task_test_wait_done (waits);
}

static GObject *(*get_item_of_gtk) (GListModel *model, guint position);
static guint n_items_asked;

static gpointer
count_item (GListModel *model, guint position)
{
  n_items_asked++;
  return get_item_of_gtk (model, position);
}

/* What the menu has of all tasks is counted as they change. Of these, none is done, and none has failed. */
static void
test_menu_of_many_tasks_looks_at_none (Scene *scene)
{
  GListModelInterface *iface = g_type_interface_peek (g_type_class_peek (GTK_TYPE_MULTI_SELECTION), G_TYPE_LIST_MODEL);
  FerryTask *task;

  ferry_executor_set_paused (scene->executor, TRUE, FALSE);
  task = add (scene, "note", "a");
  for (guint i = 0; i < 5000; i++)
    add (scene, "note", "b");
  wait_row (scene, task);
  get_item_of_gtk = (gpointer) iface->get_item;
  iface->get_item = count_item;
  open_menu (scene);
  widget_test_wait_words (scene->list, "Pause All");
  iface->get_item = (gpointer) get_item_of_gtk;
  g_assert_nonnull (widget_test_find_words (scene->list, "Cancel All"));
  g_assert_null (widget_test_find_words (scene->list, "Clear Finished"));
  g_test_message ("%u of %u tasks", n_items_asked, count_tasks (scene));
  g_assert_cmpuint (n_items_asked, <, 1000);
  ferry_executor_cancel_all (scene->executor);
  g_assert_true (ferry_task_get_done (task));
}

static void
add_rows_that_stay (void)
{
  add_test ("/task-list/row-that-is-selected-stays", test_row_that_is_selected_stays);
  add_test ("/task-list/no-row-goes-under-the-pointer", test_no_row_goes_under_the_pointer);
  add_test ("/task-list/button-in-a-row-selects-nothing", test_button_in_a_row_selects_nothing);
  add_test ("/task-list/row-in-the-place-of-a-removed-one-goes", test_row_in_the_place_of_a_removed_one_goes);
  add_test ("/task-list/row-with-the-focus-stays", test_row_with_the_focus_stays);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  widget_test_start ();
  warm_up ();
  add_test ("/task-list/tasks-become-rows", test_tasks_become_rows);
  add_test ("/task-list/a-long-placeholder-does-not-widen-the-list", test_a_long_placeholder_does_not_widen_the_list);
  add_test ("/task-list/tasks-of-a-map-become-rows", test_tasks_of_a_map_become_rows);
  add_test ("/task-list/removal-can-be-undone", test_removal_can_be_undone);
  add_test ("/task-list/removal-can-be-undone-when-the-task-would-have-gone",
            test_removal_can_be_undone_when_the_task_would_have_gone);
  add_test ("/task-list/what-is-removed-is-gone-from-other-lists", test_what_is_removed_is_gone_from_other_lists);
  add_test ("/task-list/removal-of-all-tasks-can-be-undone", test_removal_of_all_tasks_can_be_undone);
  add_test ("/task-list/an-application-shows-undo-in-a-toast-of-its-own",
            test_an_application_shows_undo_in_a_toast_of_its_own);
  add_test ("/task-list/an-application-shows-errors-in-a-dialog-of-its-own",
            test_an_application_shows_errors_in_a_dialog_of_its_own);
  add_test ("/task-list/all-is-paused-and-goes-on", test_all_is_paused_and_goes_on);
  add_test ("/task-list/tasks-of-a-list-of-its-own-are-paused-one-by-one",
            test_tasks_of_a_list_of_its_own_are_paused_one_by_one);
  add_test ("/task-list/menu-of-many-tasks-looks-at-none", test_menu_of_many_tasks_looks_at_none);
  add_test ("/task-list/menu-says-pause-or-resume", test_menu_says_pause_or_resume);
  add_test ("/task-list/menu-shows-the-error-of-one-task", test_menu_shows_the_error_of_one_task);
  add_test ("/task-list/return-opens-the-details", test_return_opens_the_details);
  add_test ("/task-list/rows-begin-at-the-same-place-in-each-list", test_rows_begin_at_the_same_place_in_each_list);
  add_test ("/task-list/menu-cancels-what-is-not-over", test_menu_cancels_what_is_not_over);
  add_rows_that_stay ();
  add_test ("/task-list/details-try-the-task-again", test_details_try_the_task_again);
  add_test ("/task-list/row-that-was-given-the-focus-leaves", test_row_that_was_given_the_focus_leaves);
  add_test ("/task-list/tab-goes-through-one-row", test_tab_goes_through_one_row);
  add_test ("/task-list/focus-of-a-row-that-goes-is-not-its-neighbours",
            test_focus_of_a_row_that_goes_is_not_its_neighbours);
  add_test ("/task-list/removal-is-final-when-the-list-is-hidden", test_removal_is_final_when_the_list_is_hidden);
  add_test ("/task-list/task-that-waits-is-cancelled-with-its-removal",
            test_task_that_waits_is_cancelled_with_its_removal);
  add_test ("/task-list/an-action-is-for-all-that-are-selected", test_an_action_is_for_all_that_are_selected);
  add_test ("/task-list/copies-the-errors-of-all-that-failed", test_copies_the_errors_of_all_that_failed);
  add_test ("/task-list/whole-list-is-cancelled-and-cleared", test_whole_list_is_cancelled_and_cleared);
  add_test ("/task-list/menu-has-what-is-possible", test_menu_has_what_is_possible);
  add_test ("/task-list/group-is-one-row", test_group_is_one_row);
  add_test ("/task-list/each-action-has-a-key", test_each_action_has_a_key);
  add_test ("/task-list/focus-comes-before-the-selection", test_focus_comes_before_the_selection);
  add_test ("/task-list/filter-and-sorter-are-the-applications", test_filter_and_sorter_are_the_applications);
  add_test ("/task-list/task-that-is-tried-again-stands-where-it-stood",
            test_task_that_is_tried_again_stands_where_it_stood);
  add_test ("/task-list/task-that-runs-next-stands-before-all-that-wait",
            test_task_that_runs_next_stands_before_all_that_wait);
  add_test ("/task-list/ends-and-what-users-do-are-read-out", test_ends_and_what_users_do_are_read_out);
  add_test ("/task-list/end-of-a-single-row-is-read-out", test_end_of_a_single_row_is_read_out);
  g_test_add_func ("/task-list/many-tasks-have-few-rows", test_many_tasks_have_few_rows);
  add_test ("/task-list/nothing-is-computed-while-the-list-is-hidden",
            test_nothing_is_computed_while_the_list_is_hidden);
  add_test ("/task-list/rows-that-are-not-in-sight-have-no-task", test_rows_that_are_not_in_sight_have_no_task);
  add_test ("/task-list/list-is-read-out", test_list_is_read_out);
  add_test ("/task-list/list-fits-a-narrow-window", test_list_fits_a_narrow_window);
  add_test ("/task-list/list-has-a-size-of-its-own", test_list_has_a_size_of_its_own);
  add_test ("/task-list/list-is-as-high-as-its-rows-where-something-else-scrolls",
            test_list_is_as_high_as_its_rows_where_something_else_scrolls);
  return g_test_run ();
}
