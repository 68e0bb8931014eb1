/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Templates, styles, buttons and dialogs of the widgets. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_LOOK_RESOURCES "/org/ferryproject/FerryGtk/"

/* Links the templates into a program that is linked statically. */
void ferry_look_ensure_resources (void);
/* Adds the styles to the widget's display, once. */
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

G_END_DECLS
