/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The functions of a pool that its executors call.
 *
 * A task moves from its executor's queue to a worker, where it is in flight. Then the task is done, or returns to the
 * front of its queue. A worker runs its tasks in flight one after the other, the oldest first. Tasks behind the first
 * are sent ahead, so that the worker begins the next task without waiting for the application. The pool can take tasks
 * back until the worker begins them.
 *
 * Threads: the router's. */

#pragma once

#include "task/ferry-pool-worker-private.h"

G_BEGIN_DECLS

void ferry_pool_add_source (FerryPool *self, FerryTaskSource *source);
void ferry_pool_remove_source (FerryPool *self, FerryTaskSource *source);
void ferry_pool_schedule (FerryPool *self);
gboolean ferry_pool_check (FerryPool *self, GError **error);
double ferry_pool_sum_fractions (FerryPool *self, FerryTaskSource *source);
/* Workers call this through FerryPoolRules, and a test calls it directly. */
void ferry_pool_note_time (FerryPool *self, gint64 microseconds);

G_END_DECLS
