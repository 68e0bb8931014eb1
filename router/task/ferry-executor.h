/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "pool/ferry-pool.h"
#include "pool/ferry-runner.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/**
 * FerryExecutorState:
 * @FERRY_EXECUTOR_STATE_RUNNING: The executor takes tasks.
 * @FERRY_EXECUTOR_STATE_STOPPING: The executor takes no more tasks; its present tasks continue.
 * @FERRY_EXECUTOR_STATE_STOPPED: The executor takes no more tasks, and all of its tasks are done.
 *
 * The state of an executor.
 */
typedef enum
{
  FERRY_EXECUTOR_STATE_RUNNING,
  FERRY_EXECUTOR_STATE_STOPPING,
  FERRY_EXECUTOR_STATE_STOPPED,
} FerryExecutorState;

#define FERRY_TYPE_EXECUTOR (ferry_executor_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryExecutor, ferry_executor, FERRY, EXECUTOR, GObject)

FERRY_AVAILABLE_IN_0_1
FerryExecutor *ferry_executor_new (FerryPool *pool) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryExecutor *ferry_executor_new_for_runner (FerryRunner *runner) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryExecutor *ferry_executor_new_for_program (const char *program, GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
void ferry_executor_add_runner (FerryExecutor *self, FerryRunner *runner);

FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_executor_submit (FerryExecutor *self, const char *function, GVariant *arguments,
                                  GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_executor_submit_named (FerryExecutor *self, const char *name, const char *function,
                                        GVariant *arguments, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_executor_submit_task (FerryExecutor *self, FerryTask *task, GError **error);

FERRY_AVAILABLE_IN_0_1
void ferry_executor_call_async (FerryExecutor *self, const char *function, GVariant *arguments,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_executor_call_finish (FerryExecutor *self, GAsyncResult *result,
                                      GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
gboolean ferry_executor_set_task_priority (FerryExecutor *self, FerryTask *task, int priority, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_executor_remove (FerryExecutor *self, FerryTask *task, GError **error);
FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_executor_retry (FerryExecutor *self, FerryTask *task, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_executor_clear_finished (FerryExecutor *self);
FERRY_AVAILABLE_IN_0_1
guint ferry_executor_cancel_all (FerryExecutor *self);
FERRY_AVAILABLE_IN_0_1
void ferry_executor_set_paused (FerryExecutor *self, gboolean paused, gboolean running);

FERRY_AVAILABLE_IN_0_1
FerryPool *ferry_executor_get_pool (FerryExecutor *self);

FERRY_AVAILABLE_IN_0_1
void ferry_executor_stop (FerryExecutor *self);
FERRY_AVAILABLE_IN_0_1
void ferry_executor_shutdown_async (FerryExecutor *self, gint64 timeout, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_executor_shutdown_finish (FerryExecutor *self, GAsyncResult *result, GError **error);

G_END_DECLS
