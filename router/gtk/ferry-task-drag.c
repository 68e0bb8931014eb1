/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rows that are dragged to another place of their list. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-commands-private.h"
#include "gtk/ferry-task-row-private.h"

#define ABOVE "drop-above"
#define BELOW "drop-below"

typedef struct
{
  FerryTaskRow *row;           /* (unowned): has this */
  FerryTaskCommands *commands; /* (unowned): of the list, which has the row */
} Drag;

static gboolean
is_below (const Drag *self, double y)
{
  return y > gtk_widget_get_height (GTK_WIDGET (self->row)) / 2.0;
}

/* A line shows where the task would come. class: (nullable). */
static void
show_place (Drag *self, const char *class)
{
  gtk_widget_remove_css_class (GTK_WIDGET (self->row), ABOVE);
  gtk_widget_remove_css_class (GTK_WIDGET (self->row), BELOW);
  if (class != NULL)
    gtk_widget_add_css_class (GTK_WIDGET (self->row), class);
}

static GdkContentProvider *
prepare_cb (GtkDragSource *source, double x, double y, Drag *self)
{
  FerryTask *task = ferry_task_row_get_task (self->row);
  g_autoptr (GdkPaintable) picture = NULL;

  if (task == NULL || !ferry_task_commands_can_drag (self->commands, task))
    return NULL;
  picture = gtk_widget_paintable_new (GTK_WIDGET (self->row));
  gtk_drag_source_set_icon (source, picture, (int) x, (int) y);
  return gdk_content_provider_new_typed (FERRY_TYPE_TASK, task);
}

/* A task comes from this application or not at all: it has no form that goes to another one. */
static gboolean
accept_cb (GtkDropTarget *target, GdkDrop *drop, Drag *self)
{
  FerryTask *task = ferry_task_row_get_task (self->row);

  return task != NULL && gdk_drop_get_drag (drop) != NULL &&
         gdk_content_formats_contain_gtype (gdk_drop_get_formats (drop), FERRY_TYPE_TASK) &&
         ferry_task_commands_can_drag (self->commands, task);
}

static GdkDragAction
motion_cb (GtkDropTarget *target, double x, double y, Drag *self)
{
  show_place (self, is_below (self, y) ? BELOW : ABOVE);
  return GDK_ACTION_MOVE;
}

static void
leave_cb (GtkDropTarget *target, Drag *self)
{
  show_place (self, NULL);
}

static gboolean
drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, Drag *self)
{
  FerryTask *over = ferry_task_row_get_task (self->row);

  show_place (self, NULL);
  return over != NULL &&
         ferry_task_commands_drop (self->commands, FERRY_TASK (g_value_get_object (value)), over, is_below (self, y));
}

void
ferry_task_drag_add (FerryTaskRow *row, FerryTaskCommands *commands)
{
  GtkDragSource *source = gtk_drag_source_new ();
  GtkDropTarget *target = gtk_drop_target_new (FERRY_TYPE_TASK, GDK_ACTION_MOVE);
  Drag *self = g_new (Drag, 1);

  *self = (Drag){row, commands};
  g_object_set_data_full (G_OBJECT (row), "ferry-task-drag", self, g_free);
  gtk_drag_source_set_actions (source, GDK_ACTION_MOVE);
  g_signal_connect (source, "prepare", G_CALLBACK (prepare_cb), self);
  g_signal_connect (target, "accept", G_CALLBACK (accept_cb), self);
  g_signal_connect (target, "motion", G_CALLBACK (motion_cb), self);
  g_signal_connect (target, "leave", G_CALLBACK (leave_cb), self);
  g_signal_connect (target, "drop", G_CALLBACK (drop_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (row), GTK_EVENT_CONTROLLER (source));
  gtk_widget_add_controller (GTK_WIDGET (row), GTK_EVENT_CONTROLLER (target));
}
