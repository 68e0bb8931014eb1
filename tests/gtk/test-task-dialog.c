/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-dialog.c
 *
 * A dialog for one task: when it is shown, what closes it, and what it says of a failure. */

#include "config.h"

#include "gtk/ferry-task-dialog.h"
#include "gtk/widget-test.h"
#include "task/told-task.h"

typedef struct
{
  FerryTask *task;
  GtkWidget *window;
} Scene;

static void
scene_init (Scene *scene)
{
  scene->task = told_task_new_executing ();
  g_object_set (scene->task, "name", "Export", NULL);
  scene->window = widget_test_show (gtk_label_new ("Below"));
}

static void
run (gconstpointer test)
{
  Scene scene;

  if (!widget_test_has_display ())
    return;
  scene_init (&scene);
  ((void (*) (Scene *)) test) (&scene);
  g_object_unref (scene.task);
  gtk_window_destroy (GTK_WINDOW (scene.window));
}

static void
add (const char *path, void (*test) (Scene *scene))
{
  g_test_add_data_func (path, (gconstpointer) test, run);
}

/* (nullable): what is over the window, shown or not. */
static GtkWidget *
find_dialog (Scene *scene)
{
  g_autoptr (GList) windows = gtk_window_list_toplevels ();

  for (GList *item = windows; item != NULL; item = item->next)
    if (gtk_window_get_transient_for (item->data) == GTK_WINDOW (scene->window))
      return item->data;
  return NULL;
}

static gboolean
is_shown (gpointer data)
{
  GtkWidget *dialog = find_dialog (data);

  return dialog != NULL && gtk_widget_get_mapped (dialog);
}

static gboolean
is_gone (gpointer data)
{
  return find_dialog (data) == NULL;
}

static GtkWidget *
show (Scene *scene)
{
  ferry_task_show_dialog (scene->task, GTK_WINDOW (scene->window));
  ferry_test_run_until (is_shown, scene);
  return find_dialog (scene);
}

static void
cancelled_cb (Scene *scene)
{
  g_assert_true (told_task_lose (scene->task));
}

/* ---- facts ---- */

static void
test_dialog_comes_late_and_goes_with_the_end (Scene *scene)
{
  GtkWidget *dialog;

  ferry_task_show_dialog (scene->task, GTK_WINDOW (scene->window));
  g_assert_false (is_shown (scene));
  ferry_test_run_until (is_shown, scene);
  dialog = find_dialog (scene);
  g_assert_true (gtk_window_get_modal (GTK_WINDOW (dialog)));
  widget_test_wait_words (dialog, "Export");
  told_task_report (scene->task, 0.5, "Page 3");
  widget_test_wait_words (dialog, "Page 3");
  gtk_test_accessible_assert_role (GTK_ACCESSIBLE (dialog), GTK_ACCESSIBLE_ROLE_DIALOG);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (dialog), GTK_ACCESSIBLE_PROPERTY_LABEL, "Export");
  widget_test_assert_read_once (dialog);
  g_assert_true (told_task_complete (scene->task, g_variant_new_uint32 (42)));
  ferry_test_run_until (is_gone, scene);
}

static void
test_short_work_shows_none (Scene *scene)
{
  ferry_task_show_dialog (scene->task, GTK_WINDOW (scene->window));
  g_assert_true (told_task_complete (scene->task, g_variant_new_uint32 (42)));
  g_assert_true (is_gone (scene));
  ferry_task_show_dialog (scene->task, GTK_WINDOW (scene->window));
  g_assert_true (is_gone (scene));
}

static void
test_close_is_a_cancel (Scene *scene)
{
  GtkWidget *dialog = show (scene);
  GtkWidget *button = gtk_window_get_focus (GTK_WINDOW (dialog));

  g_assert_cmpstr (gtk_button_get_label (GTK_BUTTON (button)), ==, "_Cancel");
  widget_test_press (dialog, "Escape");
  g_assert_cmpint (ferry_task_get_state (scene->task), ==, FERRY_TASK_STATE_CANCELLING);
  g_assert_true (find_dialog (scene) == dialog);
  g_assert_false (gtk_widget_get_sensitive (button));
  cancelled_cb (scene);
  g_assert_cmpint (ferry_task_get_state (scene->task), ==, FERRY_TASK_STATE_CANCELLED);
  ferry_test_run_until (is_gone, scene);
}

static void
fail_now (Scene *scene)
{
  g_assert_true (told_task_fail (scene->task, "The disk is full", "export.c:12"));
}

static void
test_failure_is_said_until_the_dialog_is_closed (Scene *scene)
{
  GtkWidget *dialog = show (scene), *button = gtk_window_get_focus (GTK_WINDOW (dialog));

  fail_now (scene);
  widget_test_wait_words (dialog, "There is no room left. The disk is full.");
  g_assert_nonnull (widget_test_find_words (dialog, "Export"));
  g_assert_cmpstr (gtk_window_get_title (GTK_WINDOW (dialog)), ==, "Export");
  g_assert_cmpstr (gtk_button_get_label (GTK_BUTTON (button)), ==, "_Close");
  widget_test_assert_read_once (dialog);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (dialog), GTK_ACCESSIBLE_PROPERTY_LABEL, "Export");
  g_signal_emit_by_name (gtk_widget_get_prev_sibling (button), "clicked");
  g_assert_true (gtk_window_get_modal (GTK_WINDOW (dialog)));
  g_signal_emit_by_name (button, "clicked");
  ferry_test_run_until (is_gone, scene);
}

static void
test_failure_is_said_however_early (Scene *scene)
{
  ferry_task_show_dialog (scene->task, GTK_WINDOW (scene->window));
  fail_now (scene);
  ferry_test_run_until (is_shown, scene);
  widget_test_wait_words (find_dialog (scene), "The disk is full.");
}

/* How many of the parent's controllers take input before its widgets do. */
static guint
count_holds (Scene *scene)
{
  g_autoptr (GListModel) controllers = gtk_widget_observe_controllers (scene->window);
  guint count = 0;

  for (guint i = 0; i < g_list_model_get_n_items (controllers); i++)
    {
      g_autoptr (GtkEventController) controller = g_list_model_get_item (controllers, i);

      count += GTK_IS_EVENT_CONTROLLER_LEGACY (controller) &&
               gtk_event_controller_get_propagation_phase (controller) == GTK_PHASE_CAPTURE;
    }
  return count;
}

static void
test_parent_takes_no_input_before_the_dialog_is_shown (Scene *scene)
{
  guint before = count_holds (scene);

  ferry_task_show_dialog (scene->task, GTK_WINDOW (scene->window));
  g_assert_false (is_shown (scene));
  g_assert_cmpuint (count_holds (scene), ==, before + 1);
  g_assert_true (told_task_complete (scene->task, g_variant_new_uint32 (42)));
  ferry_test_run_until (is_gone, scene);
  g_assert_cmpuint (count_holds (scene), ==, before);
}

static void
test_dialog_goes_with_its_parent_and_the_task_goes_on (Scene *scene)
{
  GtkWidget *parent = scene->window;

  ferry_task_show_dialog (scene->task, GTK_WINDOW (parent));
  scene->window = widget_test_show (gtk_label_new ("Another one"));
  gtk_window_destroy (GTK_WINDOW (parent));
  g_assert_cmpint (ferry_task_get_state (scene->task), ==, FERRY_TASK_STATE_EXECUTING);
  /* Nothing of the dialog is left to hear it. */
  fail_now (scene);
  g_assert_true (is_gone (scene));
}

int
main (int argc, char **argv)
{
  widget_test_init (&argc, &argv);
  add ("/task-dialog/dialog-comes-late-and-goes-with-the-end", test_dialog_comes_late_and_goes_with_the_end);
  add ("/task-dialog/short-work-shows-none", test_short_work_shows_none);
  add ("/task-dialog/close-is-a-cancel", test_close_is_a_cancel);
  add ("/task-dialog/failure-is-said-until-the-dialog-is-closed", test_failure_is_said_until_the_dialog_is_closed);
  add ("/task-dialog/failure-is-said-however-early", test_failure_is_said_however_early);
  add ("/task-dialog/parent-takes-no-input-before-the-dialog-is-shown",
       test_parent_takes_no_input_before_the_dialog_is_shown);
  add ("/task-dialog/dialog-goes-with-its-parent-and-the-task-goes-on",
       test_dialog_goes_with_its_parent_and_the_task_goes_on);
  return g_test_run ();
}
