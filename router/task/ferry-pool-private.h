/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions of a pool for its workers, and for tests. What its executors call are its functions as a runner.
 *
 * Threads: the router's. */

#pragma once

#include "base/ferry-sibling-private.h"
#include "task/ferry-pool-worker-private.h"

G_BEGIN_DECLS

/* Sends tasks until no task waits or no worker has room. A recursive call only makes the outer call send once more. */
void ferry_pool_schedule (FerryPool *self);
/* Workers call this through FerryPoolRules, and a test calls it directly. */
void ferry_pool_note_time (FerryPool *self, gint64 microseconds);
/* What errors tell their reader to do when the cause is gone: text follows the word "then", and must stay. It is to
 * call ferry_pool_reset() at first, which is for a programmer. Other pools can then run its tasks too, so it fails
 * where the system goes on to have too little for a worker. */
FERRY_FOR_SIBLINGS
void ferry_pool_set_remedy (FerryPool *self, const char *text);

G_END_DECLS
