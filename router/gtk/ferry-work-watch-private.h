/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tells the desktop of the work that a model of tasks has: that the machine is to stay awake, how far the work is, and
 * that long work has ended out of sight. The application is the default one; without one, or without a session,
 * nothing is told. The thread that runs GTK. */

#pragma once

#include "gtk/ferry-task-tally-private.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define FERRY_TYPE_WORK_WATCH (ferry_work_watch_get_type ())
G_DECLARE_FINAL_TYPE (FerryWorkWatch, ferry_work_watch, FERRY, WORK_WATCH, GObject)

/* The watch of the model, which its guards share. */
FerryWorkWatch *ferry_work_watch_of (GListModel *tasks) G_GNUC_WARN_UNUSED_RESULT;
/* How long work must last so that its end is worth a notification, in microseconds. */
void ferry_work_watch_set_long_work (FerryWorkWatch *self, gint64 long_work);
/* (transfer none): of its tasks. */
FerryTaskTally *ferry_work_watch_get_tally (FerryWorkWatch *self);
/* Windows that are open, and whose closing would end the work. */
void ferry_work_watch_add_window (FerryWorkWatch *self);
void ferry_work_watch_remove_window (FerryWorkWatch *self);
gboolean ferry_work_watch_has_last_window (FerryWorkWatch *self);

G_END_DECLS
