/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Work that ends with the widget that shows it.
 *
 * A widget that others hold is not finalised when its window closes, and perhaps never. So the work ends when the
 * widget is unrealized, or destroyed. The widget's signal handlers keep the work. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-widget-end.h"

static void
unref_closure (gpointer data, GClosure *closure)
{
  g_object_unref (data);
}

/* Calls func with the work at each end of the widget, which keeps the work. */
static void
connect_ends (GtkWidget *widget, GCallback func, gpointer work)
{
  g_signal_connect_data (widget, "unrealize", func, g_object_ref (work), unref_closure, G_CONNECT_SWAPPED);
  g_signal_connect_data (widget, "destroy", func, g_object_ref (work), unref_closure, G_CONNECT_SWAPPED);
}

static void
end_group (FerryTaskGroup *group)
{
  ferry_task_group_cancel (group);
}

static void
end_map (FerryMap *map)
{
  ferry_map_cancel (map);
}

/**
 * ferry_task_group_bind_widget:
 * @group: a group of tasks
 * @widget: the widget that shows the tasks
 *
 * Binds the group to a widget, as [method@Ferry.TaskGroup.bind] does. The tasks are cancelled whenever the widget is
 * unrealized or destroyed, as when its window closes, also where a reference to the widget is left somewhere. The
 * widget holds a reference to the group. A group is bound to one widget at most. On the thread that runs GTK, which
 * must be the router's.
 */
void
ferry_task_group_bind_widget (FerryTaskGroup *group, GtkWidget *widget)
{
  g_return_if_fail (FERRY_IS_TASK_GROUP (group));
  g_return_if_fail (GTK_IS_WIDGET (widget));

  ferry_task_group_bind (group, G_OBJECT (widget));
  connect_ends (widget, G_CALLBACK (end_group), group);
}

/**
 * ferry_map_bind_widget:
 * @map: a map
 * @widget: the widget that shows the results
 *
 * Cancels the map when the widget is unrealized or destroyed, as when its window closes, also where a reference to the
 * widget is left somewhere. The widget holds a reference to the map. On the thread that runs GTK, which must be the
 * router's.
 */
void
ferry_map_bind_widget (FerryMap *map, GtkWidget *widget)
{
  g_return_if_fail (FERRY_IS_MAP (map));
  g_return_if_fail (GTK_IS_WIDGET (widget));

  connect_ends (widget, G_CALLBACK (end_map), map);
}
