/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The executors that send their tasks to a runner, and which of them has the turn.
 *
 * Owner:   the runner. The executors are not owned: each leaves before it ends.
 * Threads: the router's. */

#pragma once

#include "base/ferry-sibling-private.h"
#include "task/ferry-runner-private.h"

G_BEGIN_DECLS

typedef struct
{
  GPtrArray *list; /* (owned) (element-type FerryTaskSource) (unowned) */
  guint next;      /* index of the executor with the tasks that are compared first */
} FerryTaskSources;

FERRY_FOR_SIBLINGS
void ferry_task_sources_init (FerryTaskSources *self);
FERRY_FOR_SIBLINGS
void ferry_task_sources_clear (FerryTaskSources *self);
FERRY_FOR_SIBLINGS
void ferry_task_sources_add (FerryTaskSources *self, FerryTaskSource *source);
FERRY_FOR_SIBLINGS
void ferry_task_sources_remove (FerryTaskSources *self, FerryTaskSource *source);
/* Returns (transfer none) (nullable) the first task of the highest priority that the filter (nullable) accepts.
 * Executors with such tasks alternate. */
FERRY_FOR_SIBLINGS
FerryRun *ferry_task_sources_find (FerryTaskSources *self, FerryTaskFilter filter, gpointer data);
/* Makes ferry_task_sources_find() begin with the executor that follows the task's own. */
FERRY_FOR_SIBLINGS
void ferry_task_sources_pass_turn (FerryTaskSources *self, FerryRun *run);
/* Makes the tasks that wait fail with error, except those of executors that have another runner than this one. Handlers
 * may add and remove executors. */
FERRY_FOR_SIBLINGS
void ferry_task_sources_fail_all (FerryTaskSources *self, FerryRunner *runner, const GError *error);

G_END_DECLS
