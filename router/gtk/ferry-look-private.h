/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Templates, styles and buttons of the widgets. */

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

G_END_DECLS
