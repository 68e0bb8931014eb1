/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far the work of an application is, at the places that a desktop has for it: the icon in the dock, Plasma's list
 * of jobs, and the list of what runs in the background. The thread that runs GTK. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FerryDesktopProgress FerryDesktopProgress;

/* The connection is that of the session bus. The function is called when the user cancels the work there. */
FerryDesktopProgress *ferry_desktop_progress_new (GDBusConnection *connection, const char *application_id,
                                                  void (*cancelled) (gpointer data),
                                                  gpointer data) G_GNUC_WARN_UNUSED_RESULT;
/* A negative fraction is one that is not known. */
void ferry_desktop_progress_show (FerryDesktopProgress *self, double fraction, const char *words);
/* The work is over. The words say what is wrong with it; NULL where nothing is. Frees. */
void ferry_desktop_progress_end (FerryDesktopProgress *self, const char *failure);

G_END_DECLS
