/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an executor offers to maps.
 *
 * Threads: the router's. */

#pragma once

#include "task/ferry-executor.h"
#include "task/ferry-pool-private.h"

G_BEGIN_DECLS

/* error (nullable): why the task was not submitted. */
typedef void (*FerrySubmittedFunc) (gpointer data, const GError *error);
/* Submits a task as soon as there is room. func is posted then, or when the task cannot be submitted. */
void ferry_executor_submit_when_room (FerryExecutor *self, FerryTask *task, FerrySubmittedFunc func, gpointer data);
/* Whether the executor has taken in the task, which may be done. */
gboolean ferry_executor_has_task (FerryExecutor *self, FerryTask *task);

G_END_DECLS
