/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The workers that decode pictures: sandboxed processes, which are given the file of a picture after the other, already
 * open. Beside that they read what belongs to the system, write nothing, and have no network. */

#define FERRY_DEMO_TYPE_THUMBNAILER (ferry_demo_thumbnailer_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoThumbnailer, ferry_demo_thumbnailer, FERRY_DEMO, THUMBNAILER, GObject)

/* What the workers run in. (transfer full) */
FerrySandbox *ferry_demo_thumbnailer_create_sandbox (void) G_GNUC_WARN_UNUSED_RESULT;

FerryDemoThumbnailer *ferry_demo_thumbnailer_new (FerryRouter *router, const char *worker_path,
                                                  guint max_workers) G_GNUC_WARN_UNUSED_RESULT;
gboolean ferry_demo_thumbnailer_start (FerryDemoThumbnailer *self, GError **error);
/* Cancels all that was asked for, and ends the workers, soon. To be called once; iterate the main loop until it has
 * ended before the router stops. */
void ferry_demo_thumbnailer_end (FerryDemoThumbnailer *self);

/* Ready to be submitted; NULL for a file that cannot be opened. (transfer full) */
FerryTask *ferry_demo_thumbnailer_make_task (FerryDemoThumbnailer *self, const char *path,
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean ferry_demo_thumbnailer_submit (FerryDemoThumbnailer *self, FerryTask *task, GError **error);
void ferry_demo_thumbnailer_cancel_all (FerryDemoThumbnailer *self);
void ferry_demo_thumbnailer_set_policy (FerryDemoThumbnailer *self, FerrySandboxPolicy policy);
FerryPool *ferry_demo_thumbnailer_get_pool (FerryDemoThumbnailer *self);
void ferry_demo_thumbnailer_kill_workers (FerryDemoThumbnailer *self);

/* Why no worker can be started, in words; NULL where they can. (nullable) */
const char *ferry_demo_thumbnailer_get_failure (FerryDemoThumbnailer *self);
/* Has workers started again after that. */
void ferry_demo_thumbnailer_revive (FerryDemoThumbnailer *self);

/* Of a task that is completed: the picture, which shares the memory that it came in. NULL for what is none. */
GdkTexture *ferry_demo_thumbnailer_make_texture (FerryTask *task) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
