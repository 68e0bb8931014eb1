/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the widgets of this library have in common: their looks, their lists, and what is read out. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Templates, styles, buttons and dialogs of the widgets. */

#define FERRY_LOOK_RESOURCES "/org/ferryproject/FerryGtk/"

/* Links the templates into a program that is linked statically. */
void ferry_look_ensure_resources (void);
/* Adds the styles and icons to the widget's display, once. */
void ferry_look_ensure_styles (GtkWidget *widget);

/* Returns (transfer floating) a button. Its name, then and later, is read out once, without the underscore of its
 * mnemonic. */
GtkWidget *ferry_look_make_button (const char *words);

/* Gives a window its styles, what screen readers call it, and a content with space around it. Returns (transfer none)
 * the box for that content, which is to be put into the window. */
GtkWidget *ferry_look_begin_dialog (GtkWindow *window, GtkAccessibleRole role, const char *css_class, int spacing,
                                    int margin);
/* Returns the width of a dialog over a window (nullable), which is that wide at most, and no wider than the window. */
int ferry_look_get_dialog_width (GtkWidget *parent, int width);

/* Closes the popover that the widget is in, if there is one: it would stand above a dialog, and hold its keys. */
void ferry_look_leave_popover (GtkWidget *widget);

/* What the lists of this library have in common: how they look, and how an item is found in them. The thread that runs
 * GTK. */

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
/* The list is as high as its rows, up to that many pixels; 0: as high as it is made. */
void ferry_list_view_set_max_height (GtkWidget *view, int height);
/* Gives the focus to the view, or to what stands in its place in a stack. Returns whether anything there takes it. */
gboolean ferry_list_view_grab_focus (GtkWidget *stack, GtkWidget *view);
/* Returns where the item is in the model, or how many items that has. */
guint ferry_list_view_find (gpointer model, gconstpointer item);

/* Returns (transfer floating) a widget that has no size, and is not in the accessible tree before words are put there.
 * The thread that runs GTK, as all of this. */
GtkWidget *ferry_announce_line_new (void);
/* Has words read out to users who do not see the widget, when what is being read has come to its end. Where GTK is
 * older than 4.14, the words become the name of the line, which a screen reader finds and does not read by itself.
 * line: (nullable): none where the widget itself has the same to say. */
void ferry_announce (GtkWidget *widget, GtkWidget *line, const char *words);

G_END_DECLS
