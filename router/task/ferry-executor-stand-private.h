/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How an executor and its tasks stand, for who looks at the whole application. The router's thread. */

#pragma once

#include "task/ferry-executor-private.h"

G_BEGIN_DECLS

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

G_END_DECLS
