/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the lists of this library have in common: how they look, and how an item is found in them. The thread that runs
 * GTK. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* What is done with the rows; each gets the owner, and a GtkListItem. */
typedef struct
{
  GCallback setup;
  GCallback bind;
  GCallback unbind;
  GCallback teardown; /* (nullable) */
} FerryListViewFuncs;

/* Returns (transfer floating) a scrolled list of the selection. label: its accessible label. view: set to the list view
 * in it. */
GtkWidget *ferry_list_view_new (GtkSelectionModel *selection, const FerryListViewFuncs *funcs, gpointer owner,
                                const char *label, GtkWidget **view);
/* The list is as high as its rows, up to that many pixels. */
void ferry_list_view_set_max_height (GtkWidget *view, int height);
/* Gives the focus to the view, or to what stands in its place in a stack. Returns whether anything there takes it. */
gboolean ferry_list_view_grab_focus (GtkWidget *stack, GtkWidget *view);
/* Returns where the item is in the model, or how many items that has. */
guint ferry_list_view_find (gpointer model, gconstpointer item);

G_END_DECLS
