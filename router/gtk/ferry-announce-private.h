/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Returns (transfer floating) a widget that has no size, and is not in the accessible tree before words are put there.
 * The thread that runs GTK, as all of this. */
GtkWidget *ferry_announce_line_new (void);
/* Has words read out to users who do not see the widget, when what is being read has come to its end. Where GTK is
 * older than 4.14, the words become the name of the line, which a screen reader finds and does not read by itself.
 * line: (nullable): none where the widget itself has the same to say. */
void ferry_announce (GtkWidget *widget, GtkWidget *line, const char *words);

G_END_DECLS
