/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "engine/ferry-exit.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/**
 * FerryTaskState:
 * @FERRY_TASK_STATE_WAITING: The task was not submitted, waits in a queue, or was sent ahead to a worker that runs
 *   another task.
 * @FERRY_TASK_STATE_EXECUTING: A worker runs the task's function, or will run it next.
 * @FERRY_TASK_STATE_CANCELLING: The task was cancelled, or its time is over, and its function has not ended yet. The
 *   task no longer signals what its function does.
 * @FERRY_TASK_STATE_COMPLETED: The function returned its result.
 * @FERRY_TASK_STATE_FAILED: The function returned an error, its worker was lost, a deadline passed, or the task was
 *   refused.
 * @FERRY_TASK_STATE_CANCELLED: The task was cancelled, and its function did not begin, has returned, or has ended with
 *   its worker. There are two exceptions: see below.
 *
 * The state of a task.
 *
 * Handlers of `notify::state` see each of these changes, and no other changes:
 *
 * - waiting to executing: a worker has the task. If a worker is idle, this happens during the submission.
 * - waiting to failed: the task's time for waiting is over, or the task is refused.
 * - waiting to cancelled: the task is cancelled before a worker has begun it.
 * - executing to waiting: the task's worker was lost, refused the task or had not begun it, and the task is tried
 *   again.
 * - executing to completed or failed: the task's function has ended, or its worker was lost.
 * - executing to cancelling: the task is cancelled, or its time is over.
 * - cancelling to cancelled: the task's function has returned or had not begun, or its worker has ended.
 * - cancelling to failed: the same, where the task's time was over.
 * - cancelling to completed or failed: the function had committed before it heard of the cancel
 *   ([method@Ferry.Job.commit]), or the program's files were in their places.
 *
 * A worker may begin a function before the application is notified. If such a task is cancelled, its state changes
 * twice: from waiting to executing, and then to cancelling. If a handler itself changes the state, for example by a
 * cancel, GObject repeats the notification. The repeated notification then stands for all changes so far.
 *
 * In two cases a function may still run when its task is cancelled. A thread cannot be killed. In a pool of threads, a
 * function that does not return within the grace time continues, and still uses the application's data. And when the
 * time of [method@Ferry.Executor.shutdown_async] is over, tasks end before their killed workers have ended.
 */
typedef enum
{
  FERRY_TASK_STATE_WAITING,
  FERRY_TASK_STATE_EXECUTING,
  FERRY_TASK_STATE_CANCELLING,
  FERRY_TASK_STATE_COMPLETED,
  FERRY_TASK_STATE_FAILED,
  FERRY_TASK_STATE_CANCELLED,
} FerryTaskState;

/**
 * FerryTaskKind:
 * @FERRY_TASK_KIND_CALL: The function returns a result, and may report progress.
 * @FERRY_TASK_KIND_ITERATION: The function yields values while it runs, and returns a result at its end.
 * @FERRY_TASK_KIND_PROGRESS: The function reports progress as a fraction or an amount, and returns a result.
 * @FERRY_TASK_KIND_STEPS: The function sets a number of steps, reports each step, and returns a result.
 *
 * What a task's function does before it returns its result. The worker refuses calls of [class@Ferry.Job] methods that
 * the kind does not allow.
 */
typedef enum
{
  FERRY_TASK_KIND_CALL,
  FERRY_TASK_KIND_ITERATION,
  FERRY_TASK_KIND_PROGRESS,
  FERRY_TASK_KIND_STEPS,
} FerryTaskKind;

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
