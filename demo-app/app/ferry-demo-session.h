/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry-queue.h>

#include "tasks/ferry-demo-job.h"

G_BEGIN_DECLS

/* The router, and the executors with their pools of workers. This is all that the pages share.
 *
 * Signal "stopping": workers that a page has started are to end, before the router stops. */

#define FERRY_DEMO_MAX_WORKERS 16

#define FERRY_DEMO_TYPE_SESSION (ferry_demo_session_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoSession, ferry_demo_session, FERRY_DEMO, SESSION, GObject)

/* The policy is for workers in a sandbox. */
FerryDemoSession *ferry_demo_session_new (const char *worker_path, guint max_workers,
                                          FerrySandboxPolicy policy) G_GNUC_WARN_UNUSED_RESULT;
gboolean ferry_demo_session_add_cluster (FerryDemoSession *self, const char *url, GError **error);
gboolean ferry_demo_session_start (FerryDemoSession *self, GError **error);
void ferry_demo_session_stop (FerryDemoSession *self);

/* Starts the program with an argument, or with none, as a worker that leaves the processor to the window. */
FerryLauncher *ferry_demo_launcher_new (const char *worker_path, const char *argument) G_GNUC_WARN_UNUSED_RESULT;

/* (transfer full): an executor with workers of its own, which end when the session stops. Their sandbox, if they have
 * one, gets the policy that the user prefers. Before or after the start. */
FerryExecutor *ferry_demo_session_add_executor (FerryDemoSession *self, const char *name, FerrySandbox *sandbox,
                                                guint max_workers) G_GNUC_WARN_UNUSED_RESULT;

void ferry_demo_session_add (FerryDemoSession *self, FerryDemoJob job);

FerryRouter *ferry_demo_session_get_router (FerryDemoSession *self);
const char *ferry_demo_session_get_worker_path (FerryDemoSession *self);
FerryExecutor *ferry_demo_session_get_executor (FerryDemoSession *self);
/* NULL where there is no program that runs commands. */
FerryExecutor *ferry_demo_session_get_commands (FerryDemoSession *self);
/* What has the tasks of the executor, over the demo's end. */
FerryQueue *ferry_demo_session_get_queue (FerryDemoSession *self);
/* Those of both. */
GListModel *ferry_demo_session_get_tasks (FerryDemoSession *self);
FerryRunner *ferry_demo_session_get_cluster (FerryDemoSession *self);

G_END_DECLS
