/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a pool offers to its executors.
 *
 * A task moves from its executor's queue to a worker, where it is in flight. Then it is done, or returns to the front
 * of its queue. A worker runs its tasks in flight one after the other, the oldest first. Tasks behind the first are
 * sent ahead: the worker begins the next one without waiting for the application. They can be taken back until they
 * are begun.
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
/* A worker's as well, and a test's. */
void ferry_pool_note_time (FerryPool *self, gint64 microseconds);

G_END_DECLS
