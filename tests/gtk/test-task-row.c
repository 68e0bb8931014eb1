/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-row.c, gtk/ferry-task-layout.c, gtk/ferry-look.c
 *
 * A row of a task: what it shows, what can be done with it without a pointer and without eyes, and whether it can be
 * read. */

#include "config.h"

#include "gtk/ferry-task-row-private.h"
#include "gtk/look-test.h"
#include "gtk/widget-test.h"
#include "task/lone-task.h"

#include "gtk/ferry-task-details-private.h"
#include "gtk/ferry-task-monitor-private.h"
#include "gtk/ferry-task-outcome.h"

#define LONG_WORDS "A text that is longer than a narrow window is wide, and goes on "

typedef struct
{
  TaskTestExecutor executor;
  FerryTask *task;
  GtkWidget *row;
  GtkWidget *window;
} Scene;

/* A row in a window, of a task that runs. FALSE where there is no display. */
static gboolean
scene_init (Scene *scene)
{
  if (!widget_test_has_display ())
    return FALSE;
  *scene = (Scene){.row = NULL};
  scene->task = task_test_new_executing (&scene->executor);
  scene->row = ferry_task_row_new (scene->task, NULL);
  scene->window = widget_test_show (scene->row);
  return TRUE;
}

static void
scene_clear (Scene *scene)
{
  gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_cmpuint (G_OBJECT (scene->task)->ref_count, ==, 1);
  g_object_unref (scene->task);
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
add (const char *path, void (*test) (Scene *scene))
{
  g_test_add_data_func (path, (gconstpointer) test, run);
}

static GtkWidget *
get_part (Scene *scene, const char *name)
{
  return GTK_WIDGET (gtk_widget_get_template_child (scene->row, FERRY_TYPE_TASK_ROW, name));
}

static gboolean
is_shown (Scene *scene, const char *name)
{
  return gtk_widget_get_visible (get_part (scene, name));
}

/* Gives the row its place, in the height that it asks for. */
static void
lay_out (GtkWidget *row, int width)
{
  int height;

  gtk_widget_measure (row, GTK_ORIENTATION_VERTICAL, width, &height, NULL, NULL, NULL);
  gtk_widget_size_allocate (row, &(GtkAllocation){0, 0, width, height}, -1);
}

static graphene_rect_t
get_bounds (GtkWidget *row, const char *part)
{
  graphene_rect_t bounds;

  g_assert_true (gtk_widget_compute_bounds (GTK_WIDGET (gtk_widget_get_template_child (row, FERRY_TYPE_TASK_ROW, part)),
                                            row, &bounds));
  return bounds;
}

static float
get_end (graphene_rect_t bounds)
{
  return bounds.origin.x + bounds.size.width;
}

static int
measure_height (GtkWidget *widget, int width)
{
  int height;

  gtk_widget_measure (widget, GTK_ORIENTATION_VERTICAL, width, &height, NULL, NULL, NULL);
  return height;
}

static void
fail (Scene *scene)
{
  g_assert_true (ferry_run_fail (ferry_task_get_run (scene->task), FERRY_TASK_EVENT_ERROR,
                                 task_test_error ("The disk is full"), NULL, NULL));
}

static void
test_row_says_how_a_task_stands (Scene *scene)
{
  FerryProgress progress = task_test_progress (0.5, "Halfway");

  widget_test_wait_words (scene->row, ferry_task_get_name (scene->task));
  widget_test_wait_words (scene->row, "Running");
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &progress));
  widget_test_wait_words (scene->row, "Halfway");
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (GTK_PROGRESS_BAR (get_part (scene, "progress_bar"))), ==, 0.5);
  ferry_task_set_outcome (scene->task, FERRY_TASK_STATUS_DONE, "42 apples");
  g_assert_true (ferry_run_complete (ferry_task_get_run (scene->task), g_variant_new_uint32 (42)));
  g_assert_nonnull (widget_test_find_words (scene->row, "42 apples"));
  g_assert_nonnull (widget_test_find_words (scene->row, "Done"));
  g_assert_true (gtk_widget_has_css_class (scene->row, "success"));
}

static gboolean
pulses (gpointer bar)
{
  GtkWidget *trough = gtk_widget_get_first_child (bar);

  return gtk_widget_has_css_class (gtk_widget_get_first_child (trough), "pulse");
}

static void
test_bar_pulses_again_when_its_fraction_is_taken_back (Scene *scene)
{
  FerryProgress half = task_test_progress (0.5, "First file");
  FerryProgress back = task_test_progress (FERRY_FRACTION_TAKEN_BACK, "Second file");
  GtkWidget *bar = get_part (scene, "progress_bar");
  g_autofree char *difference = NULL;

  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &half));
  widget_test_wait_words (scene->row, "First file");
  g_assert_false (pulses (bar));
  difference = gtk_test_accessible_check_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                                   "Running: 50 % \302\267 First file");
  g_assert_null (difference);
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &back));
  ferry_test_look_until (pulses, bar);
  widget_test_wait_words (scene->row, "Second file");
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (GTK_PROGRESS_BAR (bar)), ==, 0.0);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                       "Running: Second file");
}

/* While it is paused, it shows no more than one that was never known. */
static void
test_bar_is_empty_when_a_pause_comes_first (Scene *scene)
{
  FerryProgress half = task_test_progress (0.5, "First file");
  FerryProgress back = task_test_progress (FERRY_FRACTION_TAKEN_BACK, "Second file");
  GtkProgressBar *bar = GTK_PROGRESS_BAR (get_part (scene, "progress_bar"));

  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &half));
  widget_test_wait_words (scene->row, "First file");
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &back));
  g_assert_true (ferry_task_pause (scene->task));
  widget_test_wait_words (scene->row, "Paused");
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (bar), ==, 0.0);
}

/* An application may know it only when the task has ended. */
static void
test_what_is_said_after_the_end_is_read_out (Scene *scene)
{
  g_assert_true (ferry_run_complete (ferry_task_get_run (scene->task), g_variant_new_uint32 (42)));
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (scene->row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Done");
  ferry_task_set_outcome (scene->task, FERRY_TASK_STATUS_DONE, "42 apples");
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (scene->row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "Done: 42 apples");
}

static void
test_what_the_name_says_is_not_said_again (Scene *scene)
{
  ferry_task_set_outcome (scene->task, FERRY_TASK_STATUS_DONE, ferry_task_get_name (scene->task));
  g_assert_true (ferry_run_complete (ferry_task_get_run (scene->task), NULL));
  g_assert_cmpstr (gtk_inscription_get_text (GTK_INSCRIPTION (get_part (scene, "detail_label"))), ==, "");
  g_assert_true (is_shown (scene, "state_label"));
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (scene->row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Done");
}

/* In the color of the state; a row that shows another task then says its state again. */
static void
test_what_the_sentence_says_is_not_said_before_it (Scene *scene)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) other = task_test_new_executing (&executor);
  GtkWidget *detail = get_part (scene, "detail_label");

  task_test_fail_for_parts (scene->task, 9, 60, "It is odd");
  g_assert_cmpstr (gtk_inscription_get_text (GTK_INSCRIPTION (detail)), ==, "9 of 60 failed");
  g_assert_true (gtk_widget_has_css_class (detail, "state"));
  g_assert_true (gtk_widget_has_css_class (scene->row, "error"));
  g_assert_false (is_shown (scene, "state_label"));
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (scene->row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "9 of 60 failed");
  ferry_task_row_set_task (FERRY_TASK_ROW (scene->row), other);
  g_assert_true (ferry_run_fail (ferry_task_get_run (other), FERRY_TASK_EVENT_ERROR,
                                 task_test_error ("The disk is full"), NULL, NULL));
  g_assert_nonnull (widget_test_find_words (scene->row, "Failed"));
  g_assert_false (gtk_widget_has_css_class (detail, "state"));
  ferry_task_row_set_task (FERRY_TASK_ROW (scene->row), NULL);
}

/* Without an executor nothing else can be done. */
static void
test_buttons_are_those_that_make_sense (Scene *scene)
{
  g_assert_true (is_shown (scene, "cancel_button"));
  g_assert_false (is_shown (scene, "details_button"));
  fail (scene);
  g_assert_false (is_shown (scene, "cancel_button"));
  g_assert_true (is_shown (scene, "details_button"));
  g_assert_false (is_shown (scene, "retry_button"));
  g_assert_false (is_shown (scene, "remove_button"));
  g_assert_false (is_shown (scene, "now_button"));
  g_assert_false (gtk_widget_activate_action (scene->row, "task.retry", NULL) &&
                  g_list_model_get_n_items (gtk_window_get_toplevels ()) == 0);
}

static void
test_cancel_button_cancels (Scene *scene)
{
  g_signal_emit_by_name (get_part (scene, "cancel_button"), "clicked");
  g_assert_cmpint (ferry_task_get_state (scene->task), ==, FERRY_TASK_STATE_CANCELLING);
  g_assert_false (gtk_widget_is_sensitive (get_part (scene, "cancel_button")));
  g_assert_nonnull (widget_test_find_words (scene->row, "Cancelling"));
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (scene->task), FERRY_TASK_EVENT_LOST, task_test_error ("gone"), NULL, NULL));
}

static void
test_pause_button_pauses_and_resumes (Scene *scene)
{
  GtkWidget *button = get_part (scene, "pause_button");

  /* Nothing was heard of the function, so it may not look. */
  g_assert_false (is_shown (scene, "pause_button"));
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task),
                                          &(FerryProgress){.fraction = -1, .amount = 1, .total = 2, .unit = "files"}));
  g_assert_true (is_shown (scene, "pause_button"));
  widget_test_assert_label (button, "Pause", ferry_task_get_name (scene->task));
  gtk_widget_grab_focus (button);
  g_signal_emit_by_name (button, "clicked");
  g_assert_true (ferry_test_get_number (scene->task, "is-paused"));
  g_assert_nonnull (widget_test_find_words (scene->row, "Paused"));
  widget_test_assert_label (button, "Resume", ferry_task_get_name (scene->task));
  g_assert_true (gtk_widget_is_focus (button));
  g_signal_emit_by_name (button, "clicked");
  g_assert_false (ferry_test_get_number (scene->task, "is-paused"));
  g_assert_null (widget_test_find_words (scene->row, "Paused"));
  fail (scene);
  g_assert_false (is_shown (scene, "pause_button"));
}

static gboolean
is_focus (gpointer widget)
{
  return gtk_widget_is_focus (widget);
}

static void
test_focus_is_kept_when_a_button_goes (Scene *scene)
{
  gtk_widget_grab_focus (get_part (scene, "cancel_button"));
  g_assert_true (gtk_widget_is_focus (get_part (scene, "cancel_button")));
  fail (scene);
  ferry_test_look_until (is_focus, get_part (scene, "details_button"));
}

static void
count_removal (gpointer n_removals, FerryTask *task, FerryTaskAction action)
{
  g_assert_cmpint (action, ==, FERRY_TASK_ACTION_REMOVE);
  (*(guint *) n_removals)++;
}

static gboolean
is_one (gpointer n)
{
  return *(guint *) n == 1;
}

static gboolean
is_sensitive (gpointer widget)
{
  return gtk_widget_is_sensitive (widget);
}

/* A click for a button that was there a moment ago, or a key. */
static void
test_what_appears_at_the_end_does_nothing_at_first (Scene *scene)
{
  GtkWidget *button = get_part (scene, "remove_button");
  gint64 ended = g_get_monotonic_time ();
  guint n_removals = 0;

  ferry_task_row_set_func (FERRY_TASK_ROW (scene->row), count_removal, &n_removals);
  ferry_task_row_set_can_remove (FERRY_TASK_ROW (scene->row), TRUE);
  gtk_widget_grab_focus (get_part (scene, "cancel_button"));
  fail (scene);
  g_assert_true (is_shown (scene, "remove_button"));
  g_assert_false (gtk_widget_is_sensitive (button));
  g_assert_false (gtk_widget_grab_focus (button));
  gtk_widget_mnemonic_activate (button, FALSE);
  g_assert_cmpuint (n_removals, ==, 0);
  ferry_test_look_until (is_sensitive, button);
  g_assert_cmpint (g_get_monotonic_time () - ended, >=, 400 * G_TIME_SPAN_MILLISECOND);
  g_assert_cmpuint (n_removals, ==, 0);
  gtk_widget_mnemonic_activate (button, FALSE);
  ferry_test_look_until (is_one, &n_removals);
}

static gboolean
has_waited (gpointer ended)
{
  return g_get_monotonic_time () - *(gint64 *) ended > 600 * G_TIME_SPAN_MILLISECOND && !g_main_context_pending (NULL);
}

/* It was to press Pause or Cancel, and has to come anew for what is there now. */
static void
test_what_appears_under_a_pointer_waits_until_it_leaves (Scene *scene)
{
  GtkWidget *button = get_part (scene, "remove_button"), *side = get_part (scene, "side_box");
  gint64 ended = g_get_monotonic_time ();

  ferry_task_row_set_can_remove (FERRY_TASK_ROW (scene->row), TRUE);
  gtk_widget_set_state_flags (side, GTK_STATE_FLAG_PRELIGHT, FALSE);
  fail (scene);
  ferry_test_look_until (has_waited, &ended);
  g_assert_false (gtk_widget_is_sensitive (button));
  gtk_widget_unset_state_flags (side, GTK_STATE_FLAG_PRELIGHT);
  g_assert_true (gtk_widget_is_sensitive (button));
}

/* Who does not move it means what is there. */
static void
test_what_appears_under_a_pointer_works_after_two_seconds (Scene *scene)
{
  GtkWidget *button = get_part (scene, "remove_button");
  gint64 ended = g_get_monotonic_time ();

  ferry_task_row_set_can_remove (FERRY_TASK_ROW (scene->row), TRUE);
  gtk_widget_set_state_flags (get_part (scene, "side_box"), GTK_STATE_FLAG_PRELIGHT, FALSE);
  fail (scene);
  ferry_test_look_until (is_sensitive, button);
  g_assert_cmpint (g_get_monotonic_time () - ended, >=, 2 * G_TIME_SPAN_SECOND);
}

/* One that has ended before is shown by a row that was scrolled there. */
static void
test_buttons_of_another_task_work_at_once (Scene *scene)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) other = task_test_new_executing (&executor);
  guint n_removals = 0;

  ferry_task_row_set_func (FERRY_TASK_ROW (scene->row), count_removal, &n_removals);
  ferry_task_row_set_can_remove (FERRY_TASK_ROW (scene->row), TRUE);
  g_assert_true (ferry_run_complete (ferry_task_get_run (other), NULL));
  fail (scene);
  g_assert_false (gtk_widget_is_sensitive (get_part (scene, "remove_button")));
  ferry_task_row_set_task (FERRY_TASK_ROW (scene->row), other);
  g_assert_true (gtk_widget_is_sensitive (get_part (scene, "remove_button")));
  ferry_task_row_set_task (FERRY_TASK_ROW (scene->row), NULL);
}

/* Two buttons at the same place would be taken for each other. */
static void
test_remove_is_not_where_cancel_was (Scene *scene)
{
  graphene_rect_t cancel, remove;

  ferry_task_row_set_can_remove (FERRY_TASK_ROW (scene->row), TRUE);
  lay_out (scene->row, 1000);
  cancel = get_bounds (scene->row, "cancel_button");
  fail (scene);
  lay_out (scene->row, 1000);
  remove = get_bounds (scene->row, "remove_button");
  g_assert_cmpfloat (get_end (remove), <=, cancel.origin.x);
  g_assert_cmpstr (gtk_button_get_icon_name (GTK_BUTTON (get_part (scene, "remove_button"))), !=,
                   gtk_button_get_icon_name (GTK_BUTTON (get_part (scene, "cancel_button"))));
}

/* (nullable): the window of the error, which is the newest one. */
static GtkWidget *
find_details (void)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      if (FERRY_IS_TASK_DETAILS (window))
        return window;
    }
  return NULL;
}

static void
assert_details (void)
{
  g_assert_nonnull (find_details ());
  gtk_window_destroy (GTK_WINDOW (find_details ()));
}

static GtkGesture *
find_click (GtkWidget *widget)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (widget);

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      if (GTK_IS_GESTURE_CLICK (controller))
        return GTK_GESTURE (controller);
    }
  g_assert_not_reached ();
}

/* It is the cause that one wants to know more of. */
static void
test_sentence_of_a_failure_opens_the_details (Scene *scene)
{
  GtkWidget *sentence = get_part (scene, "detail_label");
  GtkGesture *click = find_click (sentence);

  g_signal_emit_by_name (click, "released", 1, 1.0, 1.0);
  g_assert_null (find_details ());
  g_assert_null (gtk_widget_get_cursor (sentence));
  fail (scene);
  g_assert_nonnull (gtk_widget_get_cursor (sentence));
  lay_out (scene->row, 1000);
  g_signal_emit_by_name (click, "released", 1, 1.0, 1.0);
  assert_details ();
  /* A double click is one. */
  g_signal_emit_by_name (click, "released", 2, 1.0, 1.0);
  g_assert_null (find_details ());
  g_signal_emit_by_name (get_part (scene, "details_button"), "clicked");
  assert_details ();
}

static void
test_return_on_a_row_opens_the_details (Scene *scene)
{
  GtkWidget *list = gtk_list_box_new (), *item = gtk_list_box_row_new ();

  gtk_list_box_append (GTK_LIST_BOX (list), item);
  gtk_window_set_focus (GTK_WINDOW (scene->window), NULL);
  g_object_ref (scene->row);
  gtk_window_set_child (GTK_WINDOW (scene->window), list);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (item), scene->row);
  g_signal_emit_by_name (item, "activate");
  g_assert_null (find_details ());
  fail (scene);
  g_signal_emit_by_name (item, "activate");
  assert_details ();
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (item), NULL);
  g_signal_emit_by_name (item, "activate");
  g_assert_null (find_details ());
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (item), scene->row);
  g_object_unref (scene->row);
}

static const char *const state_classes[] = {"waiting", "running", "paused", "success", "warning", "error", "cancelled"};

static void
assert_state (Scene *scene, const char *style, const char *icon)
{
  for (guint i = 0; i < G_N_ELEMENTS (state_classes); i++)
    g_assert_cmpint (gtk_widget_has_css_class (scene->row, state_classes[i]), ==,
                     g_str_equal (state_classes[i], style));
  g_assert_cmpstr (gtk_image_get_icon_name (GTK_IMAGE (get_part (scene, "state_image"))), ==, icon);
}

static void
assert_outcome (Scene *scene, FerryTaskStatus status, const char *style, const char *icon)
{
  ferry_task_set_outcome (scene->task, status, "words");
  assert_state (scene, style, icon);
}

/* For those who see it. Others hear it. */
static void
test_state_has_an_icon_and_a_style (Scene *scene)
{
  const FerryProgress progress = {.fraction = -1, .amount = 1, .total = 2, .unit = "files"};

  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (get_part (scene, "state_image")), GTK_ACCESSIBLE_ROLE_PRESENTATION);
  assert_state (scene, "running", "ferry-running-symbolic");
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &progress));
  g_assert_true (ferry_task_pause (scene->task));
  assert_state (scene, "paused", "media-playback-pause-symbolic");
  g_assert_true (ferry_task_resume (scene->task));
  fail (scene);
  assert_state (scene, "error", "dialog-warning-symbolic");
  assert_outcome (scene, FERRY_TASK_STATUS_DONE, "success", "object-select-symbolic");
  assert_outcome (scene, FERRY_TASK_STATUS_INTERRUPTED, "warning", "dialog-warning-symbolic");
  assert_outcome (scene, FERRY_TASK_STATUS_CANCELLED, "cancelled", "ferry-cancel-symbolic");
}

/* What waits has done nothing, also while it is paused. */
static void
test_bar_is_there_while_the_task_runs (Scene *scene)
{
  TaskTestExecutor executor = {0};
  g_autoptr (FerryTask) waiting = task_test_new (&executor);
  const FerryProgress progress = {.fraction = -1, .amount = 1, .total = 2, .unit = "files"};
  int height;

  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &progress));
  g_assert_true (is_shown (scene, "progress_bar"));
  g_assert_true (ferry_task_pause (scene->task));
  g_assert_true (is_shown (scene, "progress_bar"));
  height = measure_height (scene->row, 1000);
  ferry_task_row_set_task (FERRY_TASK_ROW (scene->row), waiting);
  g_assert_false (is_shown (scene, "progress_bar"));
  assert_state (scene, "waiting", "ferry-waiting-symbolic");
  g_assert_cmpint (measure_height (scene->row, 1000), <, height);
  g_assert_true (ferry_task_pause (waiting));
  g_assert_false (is_shown (scene, "progress_bar"));
  assert_state (scene, "paused", "media-playback-pause-symbolic");
  g_assert_true (ferry_task_resume (waiting));
  g_assert_true (ferry_run_start (ferry_task_get_run (waiting), 78, NULL));
  g_assert_true (is_shown (scene, "progress_bar"));
  fail (scene);
  g_assert_true (ferry_run_complete (ferry_task_get_run (waiting), NULL));
  ferry_task_row_set_task (FERRY_TASK_ROW (scene->row), NULL);
}

/* An icon of the application is before all, and moves the lines. */
static void
test_prefix_is_at_the_start (Scene *scene)
{
  GtkWidget *prefix = g_object_new (GTK_TYPE_IMAGE, "icon-name", "folder", "pixel-size", 32, NULL);
  graphene_rect_t place, icon, title;
  float start;

  lay_out (scene->row, 1000);
  start = get_bounds (scene->row, "title_label").origin.x;
  ferry_task_row_set_prefix (FERRY_TASK_ROW (scene->row), prefix);
  g_assert_true (ferry_test_get_object (scene->row, "prefix") == prefix);
  lay_out (scene->row, 1000);
  place = get_bounds (scene->row, "prefix_box");
  icon = get_bounds (scene->row, "state_image");
  title = get_bounds (scene->row, "title_label");
  g_assert_cmpfloat (place.origin.x, ==, 0.0F);
  g_assert_cmpfloat (get_end (place), <=, icon.origin.x);
  g_assert_cmpfloat (get_end (icon), <=, title.origin.x);
  g_assert_cmpfloat (get_bounds (scene->row, "progress_bar").origin.x, ==, title.origin.x);
  ferry_task_row_set_prefix (FERRY_TASK_ROW (scene->row), NULL);
  lay_out (scene->row, 1000);
  g_assert_cmpfloat (get_bounds (scene->row, "title_label").origin.x, ==, start);
}

/* So a list does not move when a task begins, or ends. */
static void
test_compact_row_has_its_bar_beside_the_name (Scene *scene)
{
  graphene_rect_t title, bar;
  int height;

  lay_out (scene->row, 360);
  height = measure_height (scene->row, 360);
  ferry_task_row_set_compact (FERRY_TASK_ROW (scene->row), TRUE);
  g_assert_cmpint (measure_height (scene->row, 360), ==, height);
  lay_out (scene->row, 800);
  height = gtk_widget_get_height (scene->row);
  title = get_bounds (scene->row, "title_label");
  bar = get_bounds (scene->row, "progress_bar");
  g_assert_cmpfloat (get_end (title), <=, bar.origin.x);
  g_assert_cmpfloat (get_end (bar), <=, get_bounds (scene->row, "side_box").origin.x);
  g_assert_cmpfloat (bar.origin.y + bar.size.height / 2, <, title.origin.y + title.size.height);
  g_assert_cmpfloat (bar.origin.y, >, title.origin.y);
  g_assert_true (ferry_run_complete (ferry_task_get_run (scene->task), NULL));
  lay_out (scene->row, 800);
  g_assert_cmpint (gtk_widget_get_height (scene->row), ==, height);
}

/* Also where one has no button, or one. */
static void
test_buttons_and_suffixes_stand_in_columns (Scene *scene)
{
  const FerryProgress progress = {.fraction = -1, .amount = 1, .total = 2, .unit = "files"};
  static const char *const themes[] = {"Default", "Default-hc"};
  GtkWidget *suffix = gtk_label_new ("suffix");
  float starts[G_N_ELEMENTS (themes)];

  ferry_task_row_set_suffix (FERRY_TASK_ROW (scene->row), suffix);
  for (guint i = 0; i < G_N_ELEMENTS (themes); i++)
    {
      look_test_set (themes[i], FALSE, 100);
      lay_out (scene->row, 1000);
      starts[i] = get_bounds (scene->row, "suffix_box").origin.x;
    }
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &progress));
  g_assert_true (is_shown (scene, "pause_button"));
  for (guint i = 0; i < G_N_ELEMENTS (themes); i++)
    {
      look_test_set (themes[i], FALSE, 100);
      lay_out (scene->row, 1000);
      g_assert_cmpfloat (get_bounds (scene->row, "suffix_box").origin.x, ==, starts[i]);
    }
  fail (scene);
  g_assert_false (is_shown (scene, "retry_button"));
  lay_out (scene->row, 1000);
  g_assert_cmpfloat (get_bounds (scene->row, "suffix_box").origin.x, ==, starts[1]);
  look_test_reset ();
}

static void
test_each_part_has_a_name (Scene *scene)
{
  static const struct
  {
    const char *part;
    const char *verb;
  } parts[] = {
    {"progress_bar", "Progress"},  {"now_button", "Run now"},     {"cancel_button", "Cancel"},
    {"details_button", "Details"}, {"retry_button", "Run again"}, {"remove_button", "Remove"},
  };

  for (guint i = 0; i < 2; i++)
    {
      const char *title = ferry_task_get_name (scene->task);

      widget_test_assert_label (scene->row, "Task", title);
      for (guint j = 0; j < G_N_ELEMENTS (parts); j++)
        widget_test_assert_label (get_part (scene, parts[j].part), parts[j].verb, title);
      g_object_set (scene->task, "name", "Another name", NULL);
    }
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (scene->row), GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (get_part (scene, "progress_bar")), GTK_ACCESSIBLE_ROLE_PROGRESS_BAR);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (scene->row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Running");
  fail (scene);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (scene->row), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                       "Failed: The disk is full");
}

/* U+202E, RIGHT-TO-LEFT OVERRIDE, and the end of somebody else's isolate, U+2069. */
static void
test_strangers_words_turn_nothing (Scene *scene)
{
  FerryProgress progress = task_test_progress (0.5, "Reads gpj.\342\200\256txt.exe\342\201\251");
  GtkWidget *title = get_part (scene, "title_label"), *detail = get_part (scene, "detail_label");

  g_object_set (scene->task, "name", "photo\342\200\256gnp.exe\342\201\251", NULL);
  g_assert_cmpstr (gtk_inscription_get_text (GTK_INSCRIPTION (title)), ==, "photognp.exe");
  widget_test_assert_label (get_part (scene, "cancel_button"), "Cancel", "photognp.exe");
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &progress));
  widget_test_wait_words (detail, "Reads gpj.txt.exe");
  g_assert_true (ferry_run_fail (ferry_task_get_run (scene->task), FERRY_TASK_EVENT_ERROR,
                                 task_test_error ("No such file: 'a\342\200\256b'."), NULL, NULL));
  widget_test_wait_words (detail, "No such file: 'ab'");
}

/* Also what it draws: its words are heard in place of its value. */
static void
test_bar_says_what_it_shows (Scene *scene)
{
  static const GtkAccessibleProperty properties[] = {GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                                     GTK_ACCESSIBLE_PROPERTY_DESCRIPTION};
  GtkAccessible *bar = GTK_ACCESSIBLE (get_part (scene, "progress_bar"));
  FerryProgress progress = {.fraction = -1, .amount = 3, .total = 10, .unit = "files"};

  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &progress));
  ferry_task_monitor_look (ferry_test_get_object (scene->row, "monitor"), g_get_monotonic_time ());
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      /* Not by the macro, which takes the words for a format. */
      g_autofree char *difference =
        gtk_test_accessible_check_property (bar, properties[i], "Running: 30 % \302\267 3 of 10 files");

      g_assert_cmpstr (difference, ==, NULL);
    }
}

static void
test_bar_says_which_attempt_runs (Scene *scene)
{
  GtkAccessible *bar = GTK_ACCESSIBLE (get_part (scene, "progress_bar"));

  g_assert_true (ferry_run_give_back (ferry_task_get_run (scene->task)));
  g_assert_true (ferry_run_start (ferry_task_get_run (scene->task), 78, NULL));
  ferry_task_monitor_look (ferry_test_get_object (scene->row, "monitor"), g_get_monotonic_time ());
  g_assert_nonnull (widget_test_find_words (scene->row, "Attempt 2"));
  gtk_test_accessible_assert_property (bar, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Running: Attempt 2");
}

/* The row of a list goes from item to item, and its task with it. */
static void
test_state_is_told_to_what_the_row_is_in (void)
{
  GtkAccessible *items[2];
  GtkWidget *list;
  Scene scene;

  if (!scene_init (&scene))
    return;
  fail (&scene);
  list = g_object_ref_sink (gtk_list_box_new ());
  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    {
      items[i] = GTK_ACCESSIBLE (gtk_list_box_row_new ());
      gtk_list_box_append (GTK_LIST_BOX (list), GTK_WIDGET (items[i]));
    }
  /* GTK 4.8 keeps what is removed with the focus in it. */
  gtk_window_set_focus (GTK_WINDOW (scene.window), NULL);
  g_object_ref (scene.row);
  gtk_window_set_child (GTK_WINDOW (scene.window), list);
  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    {
      gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (items[i]), scene.row);
      widget_test_assert_label (GTK_WIDGET (items[i]), "Task", ferry_task_get_name (scene.task));
      gtk_test_accessible_assert_property (items[i], GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Failed: The disk is full");
      gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (items[i]), NULL);
      g_assert_false (gtk_test_accessible_has_property (items[i], GTK_ACCESSIBLE_PROPERTY_LABEL));
      g_assert_false (gtk_test_accessible_has_property (items[i], GTK_ACCESSIBLE_PROPERTY_DESCRIPTION));
    }
  g_object_unref (scene.row);
  scene_clear (&scene);
  g_object_unref (list);
}

/* Those who walk the rows of a list do not come to the bar. */
static void
test_row_with_the_focus_says_how_far_its_task_is (void)
{
  FerryProgress progress = task_test_progress (0.5, NULL);
  g_autofree char *difference = NULL;
  GtkWidget *list;
  GtkAccessible *item;
  Scene scene;

  if (!scene_init (&scene))
    return;
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene.task), &progress));
  ferry_task_monitor_look (ferry_test_get_object (scene.row, "monitor"), g_get_monotonic_time ());
  list = gtk_list_box_new ();
  item = GTK_ACCESSIBLE (gtk_list_box_row_new ());
  gtk_list_box_append (GTK_LIST_BOX (list), GTK_WIDGET (item));
  gtk_window_set_focus (GTK_WINDOW (scene.window), NULL);
  g_object_ref (scene.row);
  gtk_window_set_child (GTK_WINDOW (scene.window), list);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (item), scene.row);
  gtk_test_accessible_assert_property (item, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Running");
  gtk_widget_grab_focus (GTK_WIDGET (item));
  /* Not by the macro, which takes the words for a format. */
  difference = gtk_test_accessible_check_property (item, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Running: 50 %");
  g_assert_cmpstr (difference, ==, NULL);
  gtk_window_set_focus (GTK_WINDOW (scene.window), NULL);
  gtk_test_accessible_assert_property (item, GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, "Running");
  g_object_unref (scene.row);
  scene_clear (&scene);
}

static void
test_row_without_a_task_holds_nothing (Scene *scene)
{
  GtkWidget *suffix;

  suffix = gtk_label_new ("suffix");
  g_object_set (scene->row, "suffix", suffix, NULL);
  g_assert_true (gtk_widget_get_ancestor (suffix, FERRY_TYPE_TASK_ROW) == scene->row);
  g_object_set (scene->row, "task", NULL, NULL);
  g_assert_null (ferry_test_get_object (scene->row, "monitor"));
  g_assert_cmpuint (G_OBJECT (scene->task)->ref_count, ==, 1);
  g_assert_false (is_shown (scene, "cancel_button"));
  g_object_set (scene->row, "suffix", NULL, NULL);
  g_assert_null (ferry_test_get_object (scene->row, "suffix"));
}

/* ---- how it looks ---- */

static int
measure_width (GtkWidget *widget)
{
  int minimum;

  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, NULL, NULL, NULL);
  return minimum;
}

/* Also with a host, a rate and a time left, and with text twice as large. */
static void
test_row_fits_a_narrow_window (Scene *scene)
{
  FerryProgress progress = task_test_progress (0.5, "A text that is far longer than a narrow window is wide");
  static const int percents[] = {100, 200};

  g_object_set (scene->task, "name", "A name that is far longer than a narrow window is wide, and goes on", NULL);
  task_test_move (scene->task, "a-host-with-a-long-name.example.org");
  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &progress));
  widget_test_wait_words (scene->row, "far longer");
  for (guint i = 0; i < G_N_ELEMENTS (percents); i++)
    {
      look_test_set ("Default", FALSE, percents[i]);
      g_assert_cmpint (measure_width (scene->row), <=, 360);
    }
  look_test_reset ();
}

/* From below the name to the end of the row, or to the buttons where they are beside the line. */
static void
assert_fills (GtkWidget *row, const char *part, gboolean has_buttons_beside)
{
  graphene_rect_t bounds = get_bounds (row, part);

  g_assert_cmpfloat (bounds.origin.x, ==, get_bounds (row, "title_label").origin.x);
  if (has_buttons_beside)
    g_assert_cmpfloat_with_epsilon (get_end (bounds), get_bounds (row, "side_box").origin.x, 12.5F);
  else
    g_assert_cmpfloat (get_end (bounds), ==, (float) gtk_widget_get_width (row));
}

/* A narrow row has its buttons beside the name only. */
static void
test_bar_and_words_have_the_whole_width (Scene *scene)
{
  static const int widths[] = {1000, 480, 360};

  g_object_set (scene->task, "name", "A name that is far longer than a narrow window is wide, and goes on", NULL);
  g_object_set (scene->row, "parts", FERRY_TASK_ROW_PARTS_BAR | FERRY_TASK_ROW_PARTS_BUTTONS, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (widths); i++)
    {
      graphene_rect_t title, bar, side;
      gboolean is_beside;

      lay_out (scene->row, widths[i]);
      title = get_bounds (scene->row, "title_label");
      bar = get_bounds (scene->row, "progress_bar");
      side = get_bounds (scene->row, "side_box");
      is_beside = get_end (bar) <= side.origin.x;
      g_assert_cmpint (is_beside, ==, widths[i] >= 480);
      g_assert_cmpfloat (get_end (title), <=, side.origin.x);
      g_assert_cmpfloat (get_end (side), ==, (float) gtk_widget_get_width (scene->row));
      g_assert_true (is_beside || side.origin.y + side.size.height <= bar.origin.y);
      g_assert_cmpfloat (title.origin.y + title.size.height, <=, bar.origin.y);
      g_assert_cmpfloat (bar.origin.y + bar.size.height, <=, get_bounds (scene->row, "detail_label").origin.y);
      assert_fills (scene->row, "progress_bar", is_beside);
      assert_fills (scene->row, "detail_label", is_beside);
    }
}

static GtkInscription *
get_text (Scene *scene, const char *part)
{
  return GTK_INSCRIPTION (get_part (scene, part));
}

static float
get_text_height (Scene *scene, const char *part)
{
  return get_bounds (scene->row, part).size.height;
}

/* The height of a single line is that of the font, rounded up. */
static void
assert_lines (Scene *scene, const char *part, guint n, float line_height)
{
  g_assert_cmpfloat_with_epsilon (get_text_height (scene, part), (float) n * line_height, (float) (n + 1));
}

/* So nothing of them is cut. What can be spared there is not there. */
static void
test_name_and_words_have_more_lines_in_a_narrow_row (Scene *scene)
{
  float title, detail;

  task_test_move (scene->task, "a-host.example.org");
  lay_out (scene->row, 1000);
  title = get_text_height (scene, "title_label");
  detail = get_text_height (scene, "detail_label");
  g_assert_true (gtk_widget_get_child_visible (get_part (scene, "host_label")));
  gtk_inscription_set_text (get_text (scene, "title_label"), LONG_WORDS LONG_WORDS);
  gtk_inscription_set_text (get_text (scene, "detail_label"), LONG_WORDS LONG_WORDS LONG_WORDS);
  lay_out (scene->row, 340);
  assert_lines (scene, "title_label", 3, title);
  assert_lines (scene, "detail_label", 2, detail);
  g_assert_false (gtk_widget_get_child_visible (get_part (scene, "host_label")));
  g_assert_false (gtk_widget_get_child_visible (get_part (scene, "pace_label")));
}

static void
test_row_is_as_high_as_its_texts_need (Scene *scene)
{
  int one_line;

  gtk_inscription_set_text (get_text (scene, "title_label"), "Copy files");
  gtk_inscription_set_text (get_text (scene, "detail_label"), "3 of 10 files");
  lay_out (scene->row, 340);
  one_line = gtk_widget_get_height (scene->row);
  gtk_inscription_set_text (get_text (scene, "detail_label"), LONG_WORDS);
  lay_out (scene->row, 340);
  g_assert_cmpint (gtk_widget_get_height (scene->row), >, one_line);
  gtk_inscription_set_text (get_text (scene, "title_label"), LONG_WORDS);
  gtk_inscription_set_text (get_text (scene, "title_label"), "Copy files");
  gtk_inscription_set_text (get_text (scene, "detail_label"), "3 of 10 files");
  lay_out (scene->row, 340);
  g_assert_cmpint (gtk_widget_get_height (scene->row), ==, one_line);
}

/* The list would jump with each report. */
static void
test_running_row_gets_no_lower (Scene *scene)
{
  int high;

  gtk_inscription_set_text (get_text (scene, "detail_label"), LONG_WORDS);
  lay_out (scene->row, 340);
  high = gtk_widget_get_height (scene->row);
  gtk_inscription_set_text (get_text (scene, "detail_label"), "3 of 10 files");
  lay_out (scene->row, 340);
  g_assert_cmpint (gtk_widget_get_height (scene->row), ==, high);
  fail (scene);
  lay_out (scene->row, 340);
  g_assert_cmpint (gtk_widget_get_height (scene->row), <, high);
}

static void
test_row_is_narrow_by_its_letters (Scene *scene)
{
  float height;

  gtk_inscription_set_text (get_text (scene, "detail_label"), LONG_WORDS LONG_WORDS LONG_WORDS);
  lay_out (scene->row, 500);
  height = get_text_height (scene, "detail_label");
  look_test_set ("Default", FALSE, 200);
  lay_out (scene->row, 500);
  g_assert_cmpfloat (get_text_height (scene, "detail_label"), >, 3 * height);
  look_test_reset ();
}

/* Beside its buttons it would have half the width. */
static void
test_name_is_above_the_buttons_in_a_tiny_row (Scene *scene)
{
  graphene_rect_t title, side;

  look_test_set ("Default", FALSE, 200);
  lay_out (scene->row, 340);
  title = get_bounds (scene->row, "title_label");
  side = get_bounds (scene->row, "side_box");
  g_assert_cmpfloat (get_end (title), ==, (float) gtk_widget_get_width (scene->row));
  g_assert_cmpfloat (title.origin.y + title.size.height, <=, side.origin.y);
  g_assert_cmpfloat (get_end (get_bounds (scene->row, "progress_bar")), <=, side.origin.x);
  look_test_reset ();
}

static gboolean
has_tooltip (Scene *scene, const char *part)
{
  g_autoptr (GtkTooltip) tooltip = g_object_new (GTK_TYPE_TOOLTIP, NULL);
  gboolean has;

  g_signal_emit_by_name (get_part (scene, part), "query-tooltip", 0, 0, FALSE, tooltip, &has);
  return has;
}

/* What stands there whole is not said once more. */
static void
test_tooltip_is_for_what_is_cut (Scene *scene)
{
  static const char *const parts[] = {"title_label", "detail_label"};

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      GtkInscription *line = GTK_INSCRIPTION (get_part (scene, parts[i]));

      gtk_inscription_set_text (line, "Copy files");
      lay_out (scene->row, 340);
      g_assert_false (has_tooltip (scene, parts[i]));
      gtk_inscription_set_text (line, "A name that takes two lines, and no more");
      lay_out (scene->row, 340);
      g_assert_false (has_tooltip (scene, parts[i]));
      gtk_inscription_set_text (line, "A text that is far longer than a narrow window is wide, and goes on, and goes "
                                      "on, and goes on, and goes on, and goes on, and goes on, and goes on");
      lay_out (scene->row, 340);
      g_assert_true (has_tooltip (scene, parts[i]));
      gtk_inscription_set_text (line, "");
      g_assert_false (has_tooltip (scene, parts[i]));
    }
}

/* It would leave the reason a column of some letters. The link is behind it, or below the reason. */
static void
test_state_has_a_line_of_its_own_in_a_narrow_row (Scene *scene)
{
  graphene_rect_t state, detail, link;

  fail (scene);
  lay_out (scene->row, 1000);
  detail = get_bounds (scene->row, "detail_label");
  g_assert_cmpfloat (get_bounds (scene->row, "state_label").origin.y, ==, detail.origin.y);
  g_assert_cmpfloat (get_end (detail), <=, get_bounds (scene->row, "details_button").origin.x);
  lay_out (scene->row, 340);
  state = get_bounds (scene->row, "state_label");
  detail = get_bounds (scene->row, "detail_label");
  link = get_bounds (scene->row, "details_button");
  g_assert_cmpfloat (detail.origin.y, >=, state.origin.y + state.size.height);
  g_assert_cmpfloat (get_end (state), <=, link.origin.x);
  g_assert_cmpfloat (link.origin.y, <, detail.origin.y);
  assert_fills (scene->row, "detail_label", TRUE);
  look_test_set ("Default", FALSE, 200);
  lay_out (scene->row, 340);
  state = get_bounds (scene->row, "state_label");
  detail = get_bounds (scene->row, "detail_label");
  g_assert_cmpfloat (detail.origin.y, >=, state.origin.y + state.size.height);
  g_assert_cmpfloat (detail.size.width, ==, (float) gtk_widget_get_width (scene->row));
  g_assert_cmpfloat (get_bounds (scene->row, "details_button").origin.y, >=, detail.origin.y + detail.size.height);
  look_test_reset ();
}

/* Below the header bar of a window of 360 x 640, with text twice as large. */
static void
test_two_rows_fit_a_small_window (Scene *scene)
{
  look_test_set ("Default", FALSE, 200);
  g_assert_cmpint (2 * measure_height (scene->row, 324), <=, 640 - 60);
  look_test_reset ();
}

/* There is a line more for what is said. */
static void
test_bar_goes_at_the_end (Scene *scene)
{
  float line;

  lay_out (scene->row, 480);
  line = get_text_height (scene, "detail_label");
  g_assert_true (is_shown (scene, "progress_bar"));
  g_assert_false (is_shown (scene, "state_label"));
  ferry_task_set_outcome (
    scene->task, FERRY_TASK_STATUS_FAILED,
    "The disk has no room for the hundredth of the files, and the disk before it has none either");
  fail (scene);
  g_assert_false (is_shown (scene, "progress_bar"));
  g_assert_true (is_shown (scene, "state_label"));
  lay_out (scene->row, 480);
  assert_lines (scene, "detail_label", 2, line);
}

static void
test_parts_can_be_left_out (Scene *scene)
{
  FerryProgress progress = task_test_progress (0.5, NULL);
  int height;

  g_assert_true (ferry_run_take_progress (ferry_task_get_run (scene->task), &progress));
  ferry_task_monitor_look (ferry_test_get_object (scene->row, "monitor"), g_get_monotonic_time ());
  g_assert_null (widget_test_find_words (scene->row, "50 %"));
  height = measure_height (scene->row, 1000);
  g_object_set (scene->row, "parts", FERRY_TASK_ROW_PARTS_PACE, NULL);
  g_assert_false (is_shown (scene, "progress_bar"));
  g_assert_false (is_shown (scene, "cancel_button"));
  g_assert_true (is_shown (scene, "pace_label"));
  g_assert_cmpint (measure_height (scene->row, 1000), <, height);
  g_assert_nonnull (widget_test_find_words (scene->row, "50 %"));
  g_object_set (scene->row, "parts", FERRY_TASK_ROW_PARTS_BAR | FERRY_TASK_ROW_PARTS_BUTTONS, NULL);
  g_assert_true (is_shown (scene, "progress_bar"));
  g_assert_true (is_shown (scene, "cancel_button"));
  g_assert_false (is_shown (scene, "pace_label"));
  g_assert_null (widget_test_find_words (scene->row, "50 %"));
}

static void
test_row_is_mirrored (Scene *scene)
{
  graphene_rect_t side, mirrored;

  lay_out (scene->row, 1000);
  side = get_bounds (scene->row, "side_box");
  gtk_widget_set_direction (scene->row, GTK_TEXT_DIR_RTL);
  lay_out (scene->row, 1000);
  mirrored = get_bounds (scene->row, "side_box");
  g_assert_cmpfloat (mirrored.origin.x, ==, (float) gtk_widget_get_width (scene->row) - get_end (side));
  g_assert_cmpfloat (mirrored.size.width, ==, side.size.width);
}

/* Where what a widget draws begins, and where it ends. */
static gboolean
find_ink (GtkWidget *widget, int *start, int *end)
{
  g_autoptr (GdkTexture) texture = look_test_take (widget);
  int width = texture != NULL ? gdk_texture_get_width (texture) : 0;
  int height = texture != NULL ? gdk_texture_get_height (texture) : 0;
  g_autofree guint32 *pixels = g_new (guint32, (gsize) width * (gsize) height);

  if (texture != NULL)
    gdk_texture_download (texture, (guchar *) pixels, 4 * (gsize) width);
  *start = width;
  *end = 0;
  for (int i = 0; i < width * height; i++)
    if (pixels[i] != 0)
      {
        *start = MIN (*start, i % width);
        *end = MAX (*end, i % width);
      }
  return *start < *end;
}

typedef struct
{
  GtkWidget *part;
  GtkTextDirection direction;
} Place;

/* The picture is that of the next frame, or of one behind that. */
static gboolean
stands_at_start (gpointer data)
{
  Place *place = data;
  int start, end;

  if (!find_ink (place->part, &start, &end) || end - start > gtk_widget_get_width (place->part) / 2)
    return FALSE;
  return place->direction == GTK_TEXT_DIR_LTR ? start <= 3 : end >= gtk_widget_get_width (place->part) - 4;
}

/* Also where the first letter is of another script than the user's. */
static void
test_texts_stand_where_the_row_begins (Scene *scene)
{
  static const char *const texts[] = {"Copy files", "\327\224\327\242\327\252\327\247\327\252", "50 %"};
  static const char *const parts[] = {"title_label", "detail_label"};
  static const GtkTextDirection directions[] = {GTK_TEXT_DIR_LTR, GTK_TEXT_DIR_RTL, GTK_TEXT_DIR_LTR};

  gtk_window_set_default_size (GTK_WINDOW (scene->window), 1000, 480);
  for (guint i = 0; i < G_N_ELEMENTS (directions); i++)
    {
      gtk_widget_set_default_direction (directions[i]);
      for (guint j = 0; j < G_N_ELEMENTS (texts) * G_N_ELEMENTS (parts); j++)
        {
          Place place = {.part = get_part (scene, parts[j % 2]), .direction = directions[i]};

          gtk_inscription_set_text (GTK_INSCRIPTION (place.part), texts[j / 2]);
          ferry_test_look_until (stands_at_start, &place);
        }
    }
}

static void
assert_readable (GtkWidget *label, const char *style, const char *theme, gboolean dark)
{
  GdkRGBA plain = look_test_lookup (label, "theme_base_color");
  GdkRGBA window = look_test_lookup (label, "theme_bg_color");
  GdkRGBA selection = look_test_lookup (label, "theme_selected_bg_color");
  GdkRGBA selected = look_test_mix (&plain, &selection, 0.15F);
  const GdkRGBA *grounds[] = {&plain, &window, &selected};
  GdkRGBA color;

  gtk_widget_set_css_classes (gtk_widget_get_parent (label), (const char *[]){style, NULL});
  gtk_style_context_get_color (gtk_widget_get_style_context (label), &color);
  g_assert_cmpfloat (color.alpha, ==, 1.0F);
  for (guint i = 0; i < G_N_ELEMENTS (grounds); i++)
    if (look_test_get_contrast (&color, grounds[i]) < 4.5)
      g_error ("The contrast of '%s' in %s%s on ground %u is %.2f", style, theme, dark ? ", dark" : "", i,
               look_test_get_contrast (&color, grounds[i]));
}

/* Not nearly black, nor nearly white: by far the most of it is red. */
static void
assert_red (GtkWidget *label)
{
  GdkRGBA color;

  gtk_widget_set_css_classes (gtk_widget_get_parent (label), (const char *[]){"error", NULL});
  gtk_style_context_get_color (gtk_widget_get_style_context (label), &color);
  g_assert_cmpfloat (color.red, >=, 0.7F);
  g_assert_cmpfloat (color.red - MAX (color.green, color.blue), >=, 0.45F);
}

/* The widget below that has the CSS name; there must be one. */
static GtkWidget *
find_node (GtkWidget *widget, const char *name)
{
  GtkWidget *child = gtk_widget_get_first_child (widget);

  if (g_str_equal (gtk_widget_get_css_name (widget), name))
    return widget;
  g_assert_nonnull (child);
  return find_node (child, name);
}

/* What is seen of the widget's background on that color, as its own picture says: the pixel in the middle. */
static GdkRGBA
get_ground (GtkWidget *widget, const GdkRGBA *below)
{
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, 3, 3);
  cairo_t *cairo = cairo_create (surface);
  const guint8 *pixel;
  GdkRGBA color;

  gdk_cairo_set_source_rgba (cairo, below);
  cairo_paint (cairo);
  gtk_render_background (gtk_widget_get_style_context (widget), cairo, -20, -20, 40, 40);
  cairo_surface_flush (surface);
  pixel = cairo_image_surface_get_data (surface) + cairo_image_surface_get_stride (surface) + 4;
  color = (GdkRGBA){.red = pixel[2] / 255.0F, .green = pixel[1] / 255.0F, .blue = pixel[0] / 255.0F, .alpha = 1.0F};
  g_assert_cmpuint (pixel[3], ==, 255);
  cairo_destroy (cairo);
  cairo_surface_destroy (surface);
  return color;
}

/* 4.5 to 1 for text, in a row, in a window and in a row that is selected; 3 to 1 for the bar, which has the accent
 * color of the theme where that can be told from the ground, and in a light theme from its trough, too. */
static void
test_texts_and_bars_can_be_told_from_the_ground (Scene *scene)
{
  static const char *const themes[] = {"Default", "Default-hc"};

  for (guint theme = 0; theme < G_N_ELEMENTS (themes); theme++)
    for (gboolean dark = FALSE; dark <= TRUE; dark++)
      {
        GtkWidget *label = get_part (scene, "state_label");
        GdkRGBA ground, bar, trough, accent;

        look_test_set (themes[theme], dark, 100);
        for (guint i = 0; i < G_N_ELEMENTS (state_classes); i++)
          assert_readable (label, state_classes[i], themes[theme], dark);
        assert_readable (get_part (scene, "detail_label"), "running", themes[theme], dark);
        assert_readable (get_part (scene, "details_button"), "error", themes[theme], dark);
        ground = look_test_lookup (label, "theme_base_color");
        bar = get_ground (find_node (get_part (scene, "progress_bar"), "progress"), &ground);
        g_assert_cmpfloat (look_test_get_contrast (&ground, &bar), >=, 3.0);
        trough = get_ground (find_node (get_part (scene, "progress_bar"), "trough"), &ground);
        g_assert_cmpfloat (look_test_get_contrast (&ground, &trough), >=, dark ? 1.3 : 1.2);
        g_assert_cmpfloat (look_test_get_contrast (&bar, &trough), >=, dark ? 2.0 : 3.0);
        accent = look_test_lookup (label, "theme_selected_bg_color");
        g_assert_cmpint (gdk_rgba_equal (&bar, &accent), ==, !dark);
        assert_red (label);
      }
  look_test_reset ();
}

static void
assert_icon (GtkIconTheme *icons, const char *name)
{
  if (!gtk_icon_theme_has_icon (icons, name))
    g_error ("Without a theme of icons there is no '%s'", name);
}

/* On a system without icons, those that GTK brings are there, and the library's own. */
static void
test_row_has_icons_without_a_theme_of_icons (Scene *scene)
{
  static const char *const parts[] = {"now_button", "pause_button", "cancel_button", "retry_button", "remove_button"};
  static const char *const states[] = {"ferry-waiting-symbolic",  "ferry-running-symbolic",
                                       "ferry-cancel-symbolic",   "media-playback-pause-symbolic",
                                       "dialog-warning-symbolic", "object-select-symbolic"};
  g_autoptr (GtkIconTheme) icons = gtk_icon_theme_new ();

  gtk_icon_theme_set_theme_name (icons, "none");
  gtk_icon_theme_set_search_path (icons, (const char *[]){"/nonexistent", NULL});
  gtk_icon_theme_add_resource_path (icons, "/org/ferryproject/FerryGtk/icons");
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    assert_icon (icons, gtk_button_get_icon_name (GTK_BUTTON (get_part (scene, parts[i]))));
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    assert_icon (icons, states[i]);
  assert_icon (gtk_icon_theme_get_for_display (gtk_widget_get_display (scene->row)), "ferry-cancel-symbolic");
}

int
main (int argc, char **argv)
{
  widget_test_init (&argc, &argv);
  add ("/task-row/row-says-how-a-task-stands", test_row_says_how_a_task_stands);
  add ("/task-row/bar-pulses-again-when-its-fraction-is-taken-back",
       test_bar_pulses_again_when_its_fraction_is_taken_back);
  add ("/task-row/strangers-words-turn-nothing", test_strangers_words_turn_nothing);
  add ("/task-row/bar-is-empty-when-a-pause-comes-first", test_bar_is_empty_when_a_pause_comes_first);
  add ("/task-row/what-is-said-after-the-end-is-read-out", test_what_is_said_after_the_end_is_read_out);
  add ("/task-row/what-the-name-says-is-not-said-again", test_what_the_name_says_is_not_said_again);
  add ("/task-row/what-the-sentence-says-is-not-said-before-it", test_what_the_sentence_says_is_not_said_before_it);
  add ("/task-row/buttons-are-those-that-make-sense", test_buttons_are_those_that_make_sense);
  add ("/task-row/cancel-button-cancels", test_cancel_button_cancels);
  add ("/task-row/pause-button-pauses-and-resumes", test_pause_button_pauses_and_resumes);
  add ("/task-row/focus-is-kept-when-a-button-goes", test_focus_is_kept_when_a_button_goes);
  add ("/task-row/each-part-has-a-name", test_each_part_has_a_name);
  g_test_add_func ("/task-row/state-is-told-to-what-the-row-is-in", test_state_is_told_to_what_the_row_is_in);
  g_test_add_func ("/task-row/row-with-the-focus-says-how-far-its-task-is",
                   test_row_with_the_focus_says_how_far_its_task_is);
  add ("/task-row/row-without-a-task-holds-nothing", test_row_without_a_task_holds_nothing);
  add ("/task-row/row-fits-a-narrow-window", test_row_fits_a_narrow_window);
  add ("/task-row/bar-says-what-it-shows", test_bar_says_what_it_shows);
  add ("/task-row/bar-says-which-attempt-runs", test_bar_says_which_attempt_runs);
  add ("/task-row/bar-and-words-have-the-whole-width", test_bar_and_words_have_the_whole_width);
  add ("/task-row/name-and-words-have-more-lines-in-a-narrow-row", test_name_and_words_have_more_lines_in_a_narrow_row);
  add ("/task-row/row-is-as-high-as-its-texts-need", test_row_is_as_high_as_its_texts_need);
  add ("/task-row/running-row-gets-no-lower", test_running_row_gets_no_lower);
  add ("/task-row/name-is-above-the-buttons-in-a-tiny-row", test_name_is_above_the_buttons_in_a_tiny_row);
  add ("/task-row/row-is-narrow-by-its-letters", test_row_is_narrow_by_its_letters);
  add ("/task-row/tooltip-is-for-what-is-cut", test_tooltip_is_for_what_is_cut);
  add ("/task-row/row-is-mirrored", test_row_is_mirrored);
  add ("/task-row/texts-stand-where-the-row-begins", test_texts_stand_where_the_row_begins);
  add ("/task-row/state-has-a-line-of-its-own-in-a-narrow-row", test_state_has_a_line_of_its_own_in_a_narrow_row);
  add ("/task-row/two-rows-fit-a-small-window", test_two_rows_fit_a_small_window);
  add ("/task-row/bar-goes-at-the-end", test_bar_goes_at_the_end);
  add ("/task-row/parts-can-be-left-out", test_parts_can_be_left_out);
  add ("/task-row/texts-and-bars-can-be-told-from-the-ground", test_texts_and_bars_can_be_told_from_the_ground);
  add ("/task-row/row-has-icons-without-a-theme-of-icons", test_row_has_icons_without_a_theme_of_icons);
  add ("/task-row/what-appears-at-the-end-does-nothing-at-first", test_what_appears_at_the_end_does_nothing_at_first);
  add ("/task-row/what-appears-under-a-pointer-waits-until-it-leaves",
       test_what_appears_under_a_pointer_waits_until_it_leaves);
  add ("/task-row/what-appears-under-a-pointer-works-after-two-seconds",
       test_what_appears_under_a_pointer_works_after_two_seconds);
  add ("/task-row/buttons-of-another-task-work-at-once", test_buttons_of_another_task_work_at_once);
  add ("/task-row/remove-is-not-where-cancel-was", test_remove_is_not_where_cancel_was);
  add ("/task-row/sentence-of-a-failure-opens-the-details", test_sentence_of_a_failure_opens_the_details);
  add ("/task-row/return-on-a-row-opens-the-details", test_return_on_a_row_opens_the_details);
  add ("/task-row/state-has-an-icon-and-a-style", test_state_has_an_icon_and_a_style);
  add ("/task-row/bar-is-there-while-the-task-runs", test_bar_is_there_while_the_task_runs);
  add ("/task-row/prefix-is-at-the-start", test_prefix_is_at_the_start);
  add ("/task-row/compact-row-has-its-bar-beside-the-name", test_compact_row_has_its_bar_beside_the_name);
  add ("/task-row/buttons-and-suffixes-stand-in-columns", test_buttons_and_suffixes_stand_in_columns);
  return g_test_run ();
}
