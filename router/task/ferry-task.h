/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "route/ferry-exit.h"

G_BEGIN_DECLS

/**
 * FerryTaskState:
 * @FERRY_TASK_STATE_WAITING: The task was not submitted, waits in a queue, or was sent ahead to a busy worker.
 * @FERRY_TASK_STATE_EXECUTING: A worker runs the task's function, or will run it next.
 * @FERRY_TASK_STATE_CANCELLING: The task was cancelled, and its worker has not stopped yet. The task signals nothing of
 *   its function any more.
 * @FERRY_TASK_STATE_COMPLETED: The function gave its result.
 * @FERRY_TASK_STATE_FAILED: The function failed, its worker was lost, a deadline passed, or the task was refused.
 * @FERRY_TASK_STATE_CANCELLED: The task was cancelled, and its function did not begin, has returned, or has ended with
 *   its worker. There are two exceptions: see below.
 *
 * The state of a task.
 *
 * Handlers of `notify::state` see each of these steps, and no other:
 *
 * - waiting to executing: a worker has it. Where a worker is idle, the submission makes this step.
 * - waiting to failed: its time for waiting is over, or it is refused.
 * - waiting to cancelled: it is cancelled before a worker has begun it.
 * - executing to waiting: its worker was lost, refused it or had not begun it, and it is tried again.
 * - executing to completed or failed: its function has ended, its worker was lost, or its time is over.
 * - executing to cancelling: it is cancelled.
 * - cancelling to cancelled: its function has returned or had not begun, or its worker has ended.
 *
 * A worker may begin a function before the application hears of it. The cancel of such a task makes two steps: from
 * waiting to executing, and on to cancelling. Where a handler changes the state itself, such as by a cancel, GObject
 * repeats the notification; it then stands for all steps so far.
 *
 * In two cases a function may still run when its task is cancelled. A thread cannot be killed: a function in a pool of
 * threads that does not return within the grace time goes on, and still uses the application's data. And when the time
 * of [method@Ferry.Executor.shutdown_async] is over, tasks end before their killed workers have ended.
 *
 * Since: 0.1
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
 * @FERRY_TASK_KIND_CALL: Gives a result, and may report progress.
 * @FERRY_TASK_KIND_ITERATION: Yields values on its way, and gives a result at its end.
 * @FERRY_TASK_KIND_PROGRESS: Reports progress as a fraction or an amount, and gives a result.
 * @FERRY_TASK_KIND_STEPS: Sets a number of steps, reports each step, and gives a result.
 *
 * What a task's function does before its result. The worker refuses calls that do not belong to the kind.
 *
 * Since: 0.1
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
 * @type: the name that the function gave the value
 * @value: the value
 *
 * The function sent a value with [method@Ferry.Job.send]. The default emits [signal@Ferry.Task::message], so an
 * override calls the parent class for the signal.
 *
 * Since: 0.1
 */

/**
 * FerryTaskClass::progress:
 * @self: a task
 *
 * The function reported progress: the class handler of [signal@Ferry.Task::progress].
 *
 * Since: 0.1
 */

/**
 * FerryTaskClass::yielded:
 * @self: a task
 * @value: what the function yielded
 *
 * The function yielded a value: the class handler of [signal@Ferry.Task::yielded].
 *
 * Since: 0.1
 */

/**
 * FerryTaskClass::done:
 * @self: a task
 *
 * The task is completed, failed or cancelled: the class handler of [signal@Ferry.Task::done].
 *
 * Since: 0.1
 */

/**
 * FerryTaskClass:
 * @parent_class: the parent class
 * @message: called with a value of [method@Ferry.Job.send]
 * @progress: class handler of [signal@Ferry.Task::progress]
 * @yielded: class handler of [signal@Ferry.Task::yielded]
 * @done: class handler of [signal@Ferry.Task::done]
 *
 * The functions that a class of tasks may override. They run on the router's thread.
 *
 * Since: 0.1
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
void ferry_task_set_name (FerryTask *self, const char *name);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_priority (FerryTask *self, int priority);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_deadline (FerryTask *self, gint64 deadline);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_run_timeout (FerryTask *self, gint64 timeout);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_queue_timeout (FerryTask *self, gint64 timeout);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_cancel_grace (FerryTask *self, gint64 grace);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_retries (FerryTask *self, guint retries);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_window (FerryTask *self, guint window);
FERRY_AVAILABLE_IN_0_1
void ferry_task_set_cancellable (FerryTask *self, GCancellable *cancellable);

FERRY_AVAILABLE_IN_0_1
gint ferry_task_add_descriptor (FerryTask *self, int fd, GError **error);
FERRY_AVAILABLE_IN_0_1
gint ferry_task_add_bytes (FerryTask *self, GBytes *bytes, GError **error);

FERRY_AVAILABLE_IN_0_1
FerryTaskKind ferry_task_get_kind (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_task_get_name (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_task_get_function (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_task_get_arguments (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
int ferry_task_get_priority (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
FerryTaskState ferry_task_get_state (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_get_done (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_get_cancellable (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
double ferry_task_get_fraction (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_task_get_message (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
guint64 ferry_task_get_amount (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
guint64 ferry_task_get_total (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_task_get_unit (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
GPid ferry_task_get_pid (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
guint ferry_task_get_n_attempts (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
gint64 ferry_task_get_submit_time (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
gint64 ferry_task_get_start_time (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
gint64 ferry_task_get_end_time (FerryTask *self);

FERRY_AVAILABLE_IN_0_1
GVariant *ferry_task_get_result (FerryTask *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
const GError *ferry_task_get_error (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
const GError *ferry_task_get_late_error (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
const char *ferry_task_get_trace (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
FerryExit *ferry_task_get_exit (FerryTask *self);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_cancel (FerryTask *self);
FERRY_AVAILABLE_IN_0_1
void ferry_task_wait_async (FerryTask *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_task_wait_finish (FerryTask *self, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_task_wait (FerryTask *self, gint64 timeout, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
