/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a guard of tasks. */

#pragma once

#include "gtk/ferry-task-tally-private.h"

#include <gio/gio.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The dialog that asks whether tasks shall be stopped, or, of a queue, go on when the application is started again. */
#define FERRY_TYPE_STOP_QUESTION (ferry_stop_question_get_type ())
G_DECLARE_FINAL_TYPE (FerryStopQuestion, ferry_stop_question, FERRY, STOP_QUESTION, GtkWindow)

/* Emits `stop` where the answer is yes, and then is destroyed, as with any other answer. */
FerryStopQuestion *ferry_stop_question_new (GtkWindow *parent) G_GNUC_WARN_UNUSED_RESULT;
/* n_lost: those that do not go on; n_kept: those of queues. */
void ferry_stop_question_set_n_tasks (FerryStopQuestion *self, guint n_lost, guint n_kept);

/* How far the work of an application is, at the places that a desktop has for it: the icon in the dock, Plasma's list
 * of jobs, and the list of what runs in the background. */
typedef struct _FerryDesktopProgress FerryDesktopProgress;

/* The connection is that of the session bus. The function is called when the user cancels the work there. */
FerryDesktopProgress *ferry_desktop_progress_new (GDBusConnection *connection, const char *application_id,
                                                  void (*cancelled) (gpointer data),
                                                  gpointer data) G_GNUC_WARN_UNUSED_RESULT;
/* A negative fraction is one that is not known. */
void ferry_desktop_progress_show (FerryDesktopProgress *self, double fraction, const char *words);
/* The work is over. The words say what is wrong with it; NULL where nothing is. Frees. */
void ferry_desktop_progress_end (FerryDesktopProgress *self, const char *failure);

/* Tells the desktop of the work that a model of tasks has: that the machine is to stay awake, how far the work is, and
 * that long work has ended out of sight. The application is the default one; without one, or without a session, nothing
 * is told. */
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
