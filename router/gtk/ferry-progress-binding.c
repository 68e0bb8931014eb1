/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A progress bar that shows a task. The bar has the monitor, which has the task. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-progress-binding.h"

#include "gtk/ferry-task-monitor.h"

#define KEY "ferry-progress-binding"

static gboolean
get_progress (GtkProgressBar *bar, double *fraction)
{
  FerryTaskMonitor *monitor = g_object_get_data (G_OBJECT (bar), KEY);
  gboolean indeterminate;

  g_object_get (monitor, "fraction", fraction, "indeterminate", &indeterminate, NULL);
  return !indeterminate;
}

/* The bar says in words what it draws. */
static void
show_detail (GtkProgressBar *bar)
{
  FerryTaskMonitor *monitor = g_object_get_data (G_OBJECT (bar), KEY);
  g_autofree char *detail = NULL;

  g_object_get (monitor, "detail", &detail, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, detail, -1);
}

/* GTK takes the words from a bar that ends to pulse. One whose fraction was taken back is empty until it pulses. */
static void
show_fraction (GtkProgressBar *bar)
{
  double fraction;

  get_progress (bar, &fraction);
  gtk_progress_bar_set_fraction (bar, fraction);
  show_detail (bar);
}

/* While the end is not known, or no more, the bar moves when the monitor looks. */
static void
pulse (GtkProgressBar *bar)
{
  double fraction;

  if (!get_progress (bar, &fraction))
    gtk_progress_bar_pulse (bar);
}

/**
 * ferry_bind_progress:
 * @task: (nullable): a task; %NULL to end a binding
 * @bar: a progress bar
 *
 * Has a progress bar show how far a task is. The bar pulses while the task runs and its end is not known. Its
 * accessible value says in words what the task does. The bar keeps the task until another one is bound, or the bar
 * ends. On the thread that runs GTK, which must be the router's.
 *
 * The bar moves as a [class@FerryGtk.TaskMonitor] does: at most ten times a second, and not while it is not mapped.
 */
void
ferry_bind_progress (FerryTask *task, GtkProgressBar *bar)
{
  FerryTaskMonitor *monitor;

  g_return_if_fail (task == NULL || FERRY_IS_TASK (task));
  g_return_if_fail (GTK_IS_PROGRESS_BAR (bar));

  if (task == NULL)
    {
      g_object_set_data (G_OBJECT (bar), KEY, NULL);
      return;
    }
  monitor = ferry_task_monitor_new (task, GTK_WIDGET (bar));
  g_object_set_data_full (G_OBJECT (bar), KEY, monitor, g_object_unref);
  g_signal_connect_object (monitor, "notify::fraction", G_CALLBACK (show_fraction), bar, G_CONNECT_SWAPPED);
  g_signal_connect_object (monitor, "notify::indeterminate", G_CALLBACK (show_fraction), bar, G_CONNECT_SWAPPED);
  g_signal_connect_object (monitor, "notify::elapsed", G_CALLBACK (pulse), bar, G_CONNECT_SWAPPED);
  g_signal_connect_object (monitor, "notify::detail", G_CALLBACK (show_detail), bar, G_CONNECT_SWAPPED);
  show_fraction (bar);
}
