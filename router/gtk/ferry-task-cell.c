/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The place of a row in a list view, which is empty while out of sight.
 *
 * A cell of the role "presentation" would keep the row in it from the accessible tree, with all its parts.
 *
 * A list view makes some two hundred items, of which a dozen is in sight. An empty cell is two nodes of the style tree
 * in place of twenty. The thread that runs GTK. */

#include "config.h"

#include "gtk/ferry-task-cell-private.h"

struct _FerryTaskCell
{
  GtkWidget parent_instance;

  GtkWidget *row;   /* (nullable) (unowned): the child */
  int height;       /* with the row that was there last; 0 where there was none */
  int *last_height; /* (unowned): of the row that was measured last, in all cells of the list */
};

G_DEFINE_FINAL_TYPE (FerryTaskCell, ferry_task_cell, GTK_TYPE_WIDGET)

static void
ferry_task_cell_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                         int *minimum_baseline, int *natural_baseline)
{
  FerryTaskCell *self = FERRY_TASK_CELL (widget);

  if (self->row != NULL)
    gtk_widget_measure (self->row, orientation, for_size, minimum, natural, NULL, NULL);
  else
    *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 0
                          : self->height > 0                        ? self->height
                                                                    : *self->last_height;
  if (self->row != NULL && orientation == GTK_ORIENTATION_VERTICAL)
    self->height = *self->last_height = *natural;
}

static void
ferry_task_cell_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  FerryTaskCell *self = FERRY_TASK_CELL (widget);

  if (self->row != NULL)
    gtk_widget_allocate (self->row, width, height, baseline, NULL);
}

static GtkSizeRequestMode
ferry_task_cell_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
ferry_task_cell_dispose (GObject *object)
{
  FerryTaskCell *self = FERRY_TASK_CELL (object);

  g_clear_pointer (&self->row, gtk_widget_unparent);
  G_OBJECT_CLASS (ferry_task_cell_parent_class)->dispose (object);
}

static void
ferry_task_cell_class_init (FerryTaskCellClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_task_cell_dispose;
  widget_class->measure = ferry_task_cell_measure;
  widget_class->size_allocate = ferry_task_cell_size_allocate;
  widget_class->get_request_mode = ferry_task_cell_get_request_mode;
  gtk_widget_class_set_css_name (widget_class, "taskcell");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GENERIC);
}

static void
ferry_task_cell_init (FerryTaskCell *self)
{
}

GtkWidget *
ferry_task_cell_new (int *last_height)
{
  FerryTaskCell *self = g_object_new (FERRY_TYPE_TASK_CELL, NULL);

  self->last_height = last_height;
  return GTK_WIDGET (self);
}

GtkWidget *
ferry_task_cell_get_row (FerryTaskCell *self)
{
  return self->row;
}

void
ferry_task_cell_put_row (FerryTaskCell *self, GtkWidget *row)
{
  self->row = row;
  gtk_widget_set_parent (row, GTK_WIDGET (self));
}

GtkWidget *
ferry_task_cell_take_row (FerryTaskCell *self)
{
  GtkWidget *row = g_steal_pointer (&self->row);

  if (row == NULL)
    return NULL;
  g_object_ref (row);
  gtk_widget_unparent (row);
  return row;
}
