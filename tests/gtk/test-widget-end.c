/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-widget-end.c
 *
 * Work that ends with its widget, also where something holds the widget. */

#include "config.h"

#include "ferry-test.h"
#include "gtk/ferry-widget-end.h"
#include "gtk/widget-test.h"
#include "task/told-task.h"

static void
test_group_ends_when_its_window_closes (void)
{
  g_autoptr (FerryTask) task = told_task_new ();
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (GtkWidget) label = NULL;
  GtkWidget *window;

  if (!widget_test_has_display ())
    return;
  label = g_object_ref_sink (gtk_label_new (""));
  window = widget_test_show (label);
  ferry_task_group_bind_widget (group, label);
  ferry_task_group_add (group, task);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_WAITING);

  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_finalize_object (g_steal_pointer (&label));
  g_assert_finalize_object (g_steal_pointer (&group));
}

/* As a page that goes to another window: what was begun before ends, and what is begun later does not. */
static void
test_group_goes_on_where_its_widget_is_realized_again (void)
{
  g_autoptr (FerryTask) before = told_task_new ();
  g_autoptr (FerryTask) after = told_task_new ();
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (GtkWidget) label = NULL;
  GtkWidget *window;

  if (!widget_test_has_display ())
    return;
  label = g_object_ref_sink (gtk_label_new (""));
  window = widget_test_show (label);
  ferry_task_group_bind_widget (group, label);
  ferry_task_group_add (group, before);
  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_cmpint (ferry_task_get_state (before), ==, FERRY_TASK_STATE_CANCELLED);

  window = widget_test_show (label);
  ferry_task_group_add (group, after);
  g_assert_cmpint (ferry_task_get_state (after), ==, FERRY_TASK_STATE_WAITING);
  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_cmpint (ferry_task_get_state (after), ==, FERRY_TASK_STATE_CANCELLED);
}

static void
test_group_ends_with_a_widget_that_was_never_shown (void)
{
  g_autoptr (FerryTask) task = told_task_new ();
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  GtkWidget *label;

  if (!widget_test_has_display ())
    return;
  label = g_object_ref_sink (gtk_label_new (""));
  ferry_task_group_bind_widget (group, label);
  ferry_task_group_add (group, task);
  g_object_unref (label);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
}

static void
test_map_ends_when_its_window_closes (void)
{
  g_autoptr (FerryRouter) router = NULL;
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryPool) pool = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (FerryMap) map = NULL;
  g_autoptr (GtkWidget) label = NULL;
  GtkWidget *window;

  if (!widget_test_has_display ())
    return;
  router = ferry_test_router_new ();
  launcher = ferry_launcher_new ((const char *[]){g_getenv ("FERRY_TEST_WORKER"), NULL});
  pool = ferry_pool_new (router, launcher);
  executor = ferry_executor_new (pool);
  map = ferry_map_new (executor, "count", FERRY_MAP_ORDERED);
  label = g_object_ref_sink (gtk_label_new (""));
  window = widget_test_show (label);
  ferry_map_bind_widget (map, label);
  g_assert_cmpint (ferry_test_get_number (map, "outcome"), ==, FERRY_MAP_OUTCOME_NONE);
  gtk_window_destroy (GTK_WINDOW (window));
  g_assert_cmpint (ferry_test_get_number (map, "outcome"), ==, FERRY_MAP_OUTCOME_CANCELLED);
  g_clear_object (&label);
  g_clear_object (&map);
  g_clear_object (&executor);
  g_clear_object (&pool);
  g_clear_object (&launcher);
  ferry_test_router_stop (g_steal_pointer (&router));
}

int
main (int argc, char **argv)
{
  widget_test_init (&argc, &argv);
  g_test_add_func ("/widget-end/group-ends-when-its-window-closes", test_group_ends_when_its_window_closes);
  g_test_add_func ("/widget-end/group-goes-on-where-its-widget-is-realized-again",
                   test_group_goes_on_where_its_widget_is_realized_again);
  g_test_add_func ("/widget-end/group-ends-with-a-widget-that-was-never-shown",
                   test_group_ends_with_a_widget_that_was_never_shown);
  g_test_add_func ("/widget-end/map-ends-when-its-window-closes", test_map_ends_when_its_window_closes);
  return g_test_run ();
}
