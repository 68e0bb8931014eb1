/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Watches the executor while the user looks elsewhere. The machine is not suspended while tasks run. When long work
 * ends while no window has the focus there is a notification. Does neither where the application has no session to
 * ask. */

#define FERRY_DEMO_TYPE_WATCH (ferry_demo_watch_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoWatch, ferry_demo_watch, FERRY_DEMO, WATCH, GObject)

/* Microseconds; during a shorter wait a user hardly looks away. */
#define FERRY_DEMO_LONG_WORK (10 * G_USEC_PER_SEC)

FerryDemoWatch *ferry_demo_watch_new (GtkApplication *application, FerryExecutor *executor,
                                      gint64 long_work) G_GNUC_WARN_UNUSED_RESULT;
gboolean ferry_demo_watch_is_working (FerryDemoWatch *self);
gboolean ferry_demo_watch_is_inhibiting (FerryDemoWatch *self);
char *ferry_demo_watch_dup_words (FerryDemoWatch *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
