/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The menu of a list of tasks: what is possible of its actions. The thread that runs GTK.
 *
 * Signals: asked (FerryTaskRow or NULL, double x, double y), when users ask for the menu at that place of the list;
 * closed. */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_MENU (ferry_task_menu_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskMenu, ferry_task_menu, FERRY, TASK_MENU, GObject)

/* owner: (unowned): the list, which has the actions. */
FerryTaskMenu *ferry_task_menu_new (GtkWidget *owner) G_GNUC_WARN_UNUSED_RESULT;
/* The owner is about to be disposed of. */
void ferry_task_menu_end (FerryTaskMenu *self);
/* Actions that are not enabled are hidden. resumes: what pauses is to let tasks go on. */
void ferry_task_menu_open (FerryTaskMenu *self, gboolean resumes, double x, double y);

G_END_DECLS
