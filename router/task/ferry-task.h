/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "engine/ferry-exit.h"
#include "job/ferry-task-enums.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

#define FERRY_TYPE_TASK (ferry_task_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_DERIVABLE_TYPE (FerryTask, ferry_task, FERRY, TASK, GObject)

/**
 * FerryTaskClass::message:
 * @self: a task
 * @type: the name of the value, which the function chose
 * @value: the value
 *
 * Called when the function has sent a value with [method@Ferry.Job.send]. The default implementation emits
 * [signal@Ferry.Task::message]. An override must call the parent class if the signal is to be emitted.
 */

/**
 * FerryTaskClass::progress:
 * @self: a task
 *
 * Called when the function has reported progress: the class handler of [signal@Ferry.Task::progress].
 */

/**
 * FerryTaskClass::yielded:
 * @self: a task
 * @value: the value that the function yielded
 *
 * Called when the function has yielded a value: the class handler of [signal@Ferry.Task::yielded].
 */

/**
 * FerryTaskClass::done:
 * @self: a task
 *
 * Called when the task is completed, failed or cancelled: the class handler of [signal@Ferry.Task::done].
 */

/**
 * FerryTaskClass:
 * @parent_class: the parent class
 *
 * The functions that a class of tasks may override. They run on the router's thread.
 */
struct _FerryTaskClass
{
  GObjectClass parent_class;

  void (*message) (FerryTask *self, const char *type, GVariant *value);
  void (*progress) (FerryTask *self);
  void (*yielded) (FerryTask *self, GVariant *value);
  void (*done) (FerryTask *self);

  /*< private >*/
  gpointer padding[8];
};

FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_task_new (FerryTaskKind kind, const char *function, GVariant *arguments) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
void ferry_task_set_arguments (FerryTask *self, GVariant *arguments);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_run_timeout (FerryTask *self, gint64 timeout);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_cancel_grace (FerryTask *self, gint64 grace);

FERRY_AVAILABLE_IN_0_1
int ferry_task_dup_descriptor (FerryTask *self, gint handle, GError **error);
FERRY_AVAILABLE_IN_0_1
gint ferry_task_add_descriptor (FerryTask *self, int fd, GError **error);
FERRY_AVAILABLE_IN_0_1
gint ferry_task_add_bytes (FerryTask *self, GBytes *bytes, GError **error);
FERRY_AVAILABLE_IN_0_1
gint ferry_task_add_sender (FerryTask *self, FerrySender *sender, GError **error);

FERRY_AVAILABLE_IN_0_1
const char *ferry_task_get_name (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
FerryTaskState ferry_task_get_state (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_get_done (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
double ferry_task_get_fraction (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_task_get_text (FerryTask *self);

FERRY_AVAILABLE_IN_0_1
GVariant *ferry_task_get_result (FerryTask *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
const GError *ferry_task_get_error (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
FerryExit *ferry_task_get_exit (FerryTask *self);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_cancel (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_pause (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_resume (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
void ferry_task_consume (FerryTask *self, guint n);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_answer (FerryTask *self, gconstpointer answer, gsize size, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_task_wait_async (FerryTask *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_task_wait_finish (FerryTask *self, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_task_wait (FerryTask *self, gint64 timeout, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
