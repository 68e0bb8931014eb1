/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The states of a task, and other enumerations that worker and application share. */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib.h>

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

G_END_DECLS
