/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Has words read out to users who do not see the widget, when what is being read has come to its end. Nothing happens
 * where GTK is older than 4.14. The thread that runs GTK. */
void ferry_announce (GtkWidget *widget, const char *words);

G_END_DECLS
