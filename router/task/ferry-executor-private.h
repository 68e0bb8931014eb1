/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of an executor that maps use, and those that lists of tasks use.
 *
 * Threads: the router's. */

#pragma once

#include "base/ferry-completion-private.h"
#include "pool/ferry-runner-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor.h"
#include "task/ferry-task-private.h"

G_BEGIN_DECLS

/* Submits a task as soon as the executor has room for it, and then calls func. It is also called if the task cannot be
 * submitted. The function gets a completion that has the task as its key (ferry_wait_queue_get_key()). The caller must
 * keep a reference to the task until then. */
void ferry_executor_submit_when_room (FerryExecutor *self, FerryTask *task, FerryCompletionFunc func);
/* The same for a caller that waits as a GTask does, also for the executor's answer: refusals are those of
 * ferry_executor_submit_task(). cancellable (nullable) cancels the waiting for room. */
void ferry_executor_submit_task_async (FerryExecutor *self, FerryTask *task, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
gboolean ferry_executor_submit_task_finish (FerryExecutor *self, GAsyncResult *result, GError **error);
/* any: returns (transfer none) the router of the executor's runners. */
FERRY_FOR_SIBLINGS
FerryRouter *ferry_executor_get_router (FerryExecutor *self);
/* Returns how many tasks that need these labels the executor's runners may run at a time. needs: (nullable): none. */
FERRY_FOR_SIBLINGS
guint ferry_executor_get_parallelism (FerryExecutor *self, const char *const *needs);
/* Whether the task was submitted to this executor and the router's thread has taken it in. The task may be done. */
FERRY_FOR_SIBLINGS
gboolean ferry_executor_has_task (FerryExecutor *self, FerryTask *task);
/* Keeps a task in the executor's list after its end, whatever FerryExecutor:keep-finished and
 * FerryExecutor:finished-time say, until it is removed or tried again: somebody looks at it. Each call with TRUE needs
 * one with FALSE. A task that was let go by all leaves as if it had just ended. */
FERRY_FOR_SIBLINGS
void ferry_executor_keep_task (FerryExecutor *self, FerryTask *task, gboolean keep);
/* Adds its tasks that run to the sum. */
FERRY_FOR_SIBLINGS
void ferry_executor_sum_running (FerryExecutor *self, FerryRunSum *sum);
/* How many tasks in the executor's list have failed. */
FERRY_FOR_SIBLINGS
guint ferry_executor_count_failed (FerryExecutor *self);

/* ---- How an executor and its tasks stand, for who looks at the whole application ---- */

typedef struct
{
  GPtrArray *runners; /* (unowned) (element-type FerryRunner) */
  GPtrArray *keepers; /* (unowned) (element-type FerryRunKeeper) */
  guint n_unheard;    /* how many tasks other threads have submitted that the main loop has not taken in */
  gboolean paused;
} FerryExecutorStand;

/* What is unowned is valid until the executor changes. */
void ferry_executor_get_stand (FerryExecutor *self, FerryExecutorStand *stand);
/* Adds (transfer full) to tasks (element-type FerryTask) those of the executor, until there are max: those that run,
 * those that wait, and the latest that are done. */
void ferry_executor_list_tasks (FerryExecutor *self, GPtrArray *tasks, guint max);

/* ---- Tasks of a keeper, such as a queue in a file: FerryRunKeeper ---- */

/* The keeper has tasks for this executor, also such as wait with the keeper; and has none any more. */
FERRY_FOR_SIBLINGS
void ferry_executor_add_keeper (FerryExecutor *self, FerryRunKeeper *keeper);
FERRY_FOR_SIBLINGS
void ferry_executor_remove_keeper (FerryExecutor *self, FerryRunKeeper *keeper);
/* any: whether the executor would take the task: fails as ferry_executor_submit_task() does, but for its limit.
 * has_hosts: what needs labels may run elsewhere. */
FERRY_FOR_SIBLINGS
gboolean ferry_executor_check_task (FerryExecutor *self, FerryTask *task, gboolean has_hosts, GError **error);
/* Takes a task that waits and has a keeper: it was submitted to its keeper's source, and has the executor as its source
 * from now on. Fails as ferry_executor_check_task() does, and has not changed it then. It is begun after
 * ferry_executor_begin_kept(), or when another one is: so many that are taken at a time wake each worker once. */
FERRY_FOR_SIBLINGS
gboolean ferry_executor_take_kept (FerryExecutor *self, FerryTask *task, GError **error);
FERRY_FOR_SIBLINGS
void ferry_executor_begin_kept (FerryExecutor *self);
/* Gives such a task back to source, unless a worker runs it: it waits, or its keeper holds its end. Returns whether
 * source has it now. */
FERRY_FOR_SIBLINGS
gboolean ferry_executor_give_back_kept (FerryExecutor *self, FerryTask *task, FerryTaskSource *source);
/* Whether a task that waits could be begun now or later: not while each of its runners has failed. */
FERRY_FOR_SIBLINGS
gboolean ferry_executor_can_run (FerryExecutor *self);
/* Returns (transfer full) (nullable) why each runner has failed: the error of the first one; NULL: one has not. */
FERRY_FOR_SIBLINGS
GError *ferry_executor_dup_error (FerryExecutor *self);
/* Tries to start a worker of each pool that has failed: see ferry_pool_try(). */
FERRY_FOR_SIBLINGS
void ferry_executor_try_again (FerryExecutor *self);
/* Whether it begins tasks now: it is neither paused nor stopped. */
FERRY_FOR_SIBLINGS
gboolean ferry_executor_goes_on (FerryExecutor *self);
/* Whether ferry_executor_shutdown_async() was called: that ends tasks, and is nobody's wish for one of them. */
FERRY_FOR_SIBLINGS
gboolean ferry_executor_is_shutting_down (FerryExecutor *self);

G_END_DECLS
