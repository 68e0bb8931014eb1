/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of an executor that maps use, and those that lists of tasks use.
 *
 * Threads: the router's. */

#pragma once

#include "base/ferry-wait-queue-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor.h"
#include "task/ferry-runner-private.h"

G_BEGIN_DECLS

/* Submits a task as soon as the executor has room for it, and then calls func. It is also called if the task cannot be
 * submitted. The function gets a completion that has the task as its key (ferry_wait_queue_get_key()). The caller must
 * keep a reference to the task until then. */
void ferry_executor_submit_when_room (FerryExecutor *self, FerryTask *task, FerryCompletionFunc func);
/* any: returns (transfer none) the router of the executor's runners. */
FerryRouter *ferry_executor_get_router (FerryExecutor *self);
/* Returns how many tasks the executor's runners may run at a time. */
guint ferry_executor_get_parallelism (FerryExecutor *self);
/* Whether the task was submitted to this executor and the router's thread has taken it in. The task may be done. */
FERRY_FOR_SIBLINGS
gboolean ferry_executor_has_task (FerryExecutor *self, FerryTask *task);
/* Keeps a task in the executor's list after its end, whatever FerryExecutor:keep-finished and
 * FerryExecutor:finished-time say, until it is removed or tried again: somebody looks at it. Each call with TRUE needs
 * one with FALSE. A task that was let go by all leaves as if it had just ended. */
FERRY_FOR_SIBLINGS
void ferry_executor_keep_task (FerryExecutor *self, FerryTask *task, gboolean keep);

G_END_DECLS
