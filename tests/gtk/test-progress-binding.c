/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-progress-binding.c
 *
 * A progress bar that shows a task. */

#include "config.h"

#include "ferry-test.h"
#include "gtk/ferry-progress-binding.h"
#include "gtk/widget-test.h"
#include "task/told-task.h"

typedef struct
{
  FerryTask *task;
  GtkProgressBar *bar;
  GtkWidget *window;
} Scene;

/* FALSE where there is no display. */
static gboolean
scene_init (Scene *scene)
{
  if (!widget_test_has_display ())
    return FALSE;
  *scene = (Scene){.bar = GTK_PROGRESS_BAR (gtk_progress_bar_new ())};
  scene->task = told_task_new_executing ();
  scene->window = widget_test_show (GTK_WIDGET (scene->bar));
  return TRUE;
}

static void
scene_clear (Scene *scene)
{
  if (scene->window != NULL)
    gtk_window_destroy (GTK_WINDOW (scene->window));
  g_assert_cmpuint (G_OBJECT (scene->task)->ref_count, ==, 1);
  g_object_unref (scene->task);
}

static gboolean
shows_half (gpointer data)
{
  return gtk_progress_bar_get_fraction (((Scene *) data)->bar) == 0.5;
}

static void
test_bar_shows_the_fraction (void)
{
  g_autofree char *difference = NULL;
  Scene scene;

  if (!scene_init (&scene))
    return;
  ferry_bind_progress (scene.task, scene.bar);
  g_assert_true (told_task_report (scene.task, 0.5, "Halfway"));
  ferry_test_look_until (shows_half, &scene);
  difference = gtk_test_accessible_check_property (GTK_ACCESSIBLE (scene.bar), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                                   "50 % \302\267 Halfway");
  g_assert_null (difference);
  g_assert_true (told_task_complete (scene.task, g_variant_new_uint32 (42)));
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (scene.bar), ==, 1.0);
  scene_clear (&scene);
}

static gboolean
has_moved (gpointer data)
{
  return *(guint *) data > 3;
}

/* A bar that pulses has a fraction of 0, and GTK draws it anew each time. */
static void
test_bar_moves_while_the_end_is_not_known (void)
{
  guint n_looks = 0;
  Scene scene;

  if (!scene_init (&scene))
    return;
  ferry_bind_progress (scene.task, scene.bar);
  widget_test_count_notifications (g_object_get_data (G_OBJECT (scene.bar), "ferry-progress-binding"), "elapsed",
                                   &n_looks);
  ferry_test_look_until (has_moved, &n_looks);
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (scene.bar), ==, 0.0);
  g_assert_nonnull (gtk_widget_get_first_child (GTK_WIDGET (scene.bar)));
  scene_clear (&scene);
}

/* GTK marks what is drawn of a bar that pulses, and of no other. */
static gboolean
pulses (gpointer bar)
{
  GtkWidget *trough = gtk_widget_get_first_child (bar);

  return gtk_widget_has_css_class (gtk_widget_get_first_child (trough), "pulse");
}

static void
test_bar_pulses_again_when_its_fraction_is_taken_back (void)
{
  Scene scene;

  if (!scene_init (&scene))
    return;
  ferry_bind_progress (scene.task, scene.bar);
  g_assert_true (told_task_report (scene.task, 0.5, "Halfway"));
  ferry_test_look_until (shows_half, &scene);
  g_assert_false (pulses (scene.bar));
  g_assert_true (told_task_take_fraction_back (scene.task, "The second file"));
  g_assert_true (told_task_report (scene.task, 0.75, NULL));
  ferry_test_look_until (pulses, scene.bar);
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (scene.bar), ==, 0.0);
  gtk_test_accessible_assert_property (GTK_ACCESSIBLE (scene.bar), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                       "The second file");
  g_assert_true (told_task_complete (scene.task, g_variant_new_uint32 (42)));
  g_assert_false (pulses (scene.bar));
  g_assert_cmpfloat (gtk_progress_bar_get_fraction (scene.bar), ==, 1.0);
  scene_clear (&scene);
}

static void
test_another_task_takes_the_place (void)
{
  g_autoptr (FerryTask) other = told_task_new_executing ();
  Scene scene;

  if (!scene_init (&scene))
    return;
  ferry_bind_progress (scene.task, scene.bar);
  ferry_bind_progress (other, scene.bar);
  g_assert_cmpuint (G_OBJECT (scene.task)->ref_count, ==, 1);
  g_assert_true (told_task_report (other, 0.5, NULL));
  ferry_test_look_until (shows_half, &scene);
  ferry_bind_progress (NULL, scene.bar);
  g_assert_cmpuint (G_OBJECT (other)->ref_count, ==, 1);
  g_assert_true (told_task_complete (other, g_variant_new_uint32 (42)));
  g_assert_true (shows_half (&scene));
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  widget_test_init (&argc, &argv);
  g_test_add_func ("/progress-binding/bar-shows-the-fraction", test_bar_shows_the_fraction);
  g_test_add_func ("/progress-binding/bar-moves-while-the-end-is-not-known", test_bar_moves_while_the_end_is_not_known);
  g_test_add_func ("/progress-binding/bar-pulses-again-when-its-fraction-is-taken-back",
                   test_bar_pulses_again_when_its_fraction_is_taken_back);
  g_test_add_func ("/progress-binding/another-task-takes-the-place", test_another_task_takes_the_place);
  return g_test_run ();
}
