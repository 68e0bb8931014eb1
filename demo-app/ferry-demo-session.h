/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "ferry-demo-job.h"
#include "ferry-demo-meter.h"

G_BEGIN_DECLS

/* The router, the list of jobs on it, and the meter of its traffic: all of the demo that is not widgets.
 *
 * Signal "turned": the words of the jobs and the reading are new; a few times a second while there is traffic. */

#define FERRY_DEMO_TYPE_SESSION (ferry_demo_session_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoSession, ferry_demo_session, FERRY_DEMO, SESSION, GObject)

FerryDemoSession *ferry_demo_session_new (const char *worker_path) G_GNUC_WARN_UNUSED_RESULT;
gboolean ferry_demo_session_start (FerryDemoSession *self, GError **error);
void ferry_demo_session_stop (FerryDemoSession *self);

FerryDemoJob *ferry_demo_session_add (FerryDemoSession *self, const FerryDemoSpec *spec);
void ferry_demo_session_repeat (FerryDemoSession *self, guint64 id);
void ferry_demo_session_remove (FerryDemoSession *self, guint64 id);
void ferry_demo_session_clear (FerryDemoSession *self);
FerryDemoJob *ferry_demo_session_find (FerryDemoSession *self, guint64 id);

GListModel *ferry_demo_session_get_jobs (FerryDemoSession *self);
guint ferry_demo_session_get_n_running (FerryDemoSession *self);
gboolean ferry_demo_session_is_turning (FerryDemoSession *self);
const FerryDemoReading *ferry_demo_session_get_reading (FerryDemoSession *self);
void ferry_demo_session_show_progress (FerryDemoSession *self);

G_END_DECLS
