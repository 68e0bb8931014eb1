/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an executor offers to maps.
 *
 * Threads: the router's. */

#pragma once

#include "base/ferry-wait-queue-private.h"
#include "task/ferry-executor.h"
#include "task/ferry-pool-private.h"

G_BEGIN_DECLS

/* Submits a task as soon as there is room: then func is called, also where the task cannot be submitted. The key of its
 * completion (ferry_wait_queue_get_key()) is the task, which the caller keeps until then. */
void ferry_executor_submit_when_room (FerryExecutor *self, FerryTask *task, FerryCompletionFunc func);
/* Whether the executor has taken in the task, which may be done. */
gboolean ferry_executor_has_task (FerryExecutor *self, FerryTask *task);

G_END_DECLS
