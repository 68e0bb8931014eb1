/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a task stands, in the words of a row. */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-gtk.h>, not this header."
#endif

#include <ferry.h>

G_BEGIN_DECLS

/**
 * FerryTaskStatus:
 * @FERRY_TASK_STATUS_WAITING: The task waits for a worker.
 * @FERRY_TASK_STATUS_RUNNING: The task runs, or has been sent to a worker.
 * @FERRY_TASK_STATUS_STALLED: The task runs, and nothing has been heard of it for a while.
 * @FERRY_TASK_STATUS_PAUSED: The task is paused, while it waits or while it runs.
 * @FERRY_TASK_STATUS_CANCELLING: The task was cancelled, and its function has not ended.
 * @FERRY_TASK_STATUS_DONE: The task has a result.
 * @FERRY_TASK_STATUS_CANCELLED: The task was cancelled.
 * @FERRY_TASK_STATUS_CRASHED: A signal ended the worker under the task.
 * @FERRY_TASK_STATUS_TIMED_OUT: The task was not done in the time that it had.
 * @FERRY_TASK_STATUS_INTERRUPTED: The application ended while the task was under way.
 * @FERRY_TASK_STATUS_FAILED: The task failed in another way.
 *
 * The state of a task as users are told of it. From %FERRY_TASK_STATUS_DONE on it has ended.
 */
typedef enum
{
  FERRY_TASK_STATUS_WAITING,
  FERRY_TASK_STATUS_RUNNING,
  FERRY_TASK_STATUS_STALLED,
  FERRY_TASK_STATUS_PAUSED,
  FERRY_TASK_STATUS_CANCELLING,
  FERRY_TASK_STATUS_DONE,
  FERRY_TASK_STATUS_CANCELLED,
  FERRY_TASK_STATUS_CRASHED,
  FERRY_TASK_STATUS_TIMED_OUT,
  FERRY_TASK_STATUS_INTERRUPTED,
  FERRY_TASK_STATUS_FAILED,
} FerryTaskStatus;

G_END_DECLS
