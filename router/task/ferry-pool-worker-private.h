/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One worker of a pool, a process or a thread: what it offers to its pool, and to the executors whose tasks it has in
 * hand.
 *
 * Threads: the router's. */

#pragma once

#include "task/ferry-pool-private.h"
#include "worker/ferry-launcher.h"

G_BEGIN_DECLS

FerryPoolWorker *ferry_pool_worker_new (FerryPool *pool, const char *name, FerryLauncher *starter, GError **error);
FerryPoolWorker *ferry_pool_worker_ref (FerryPoolWorker *self);
void ferry_pool_worker_unref (FerryPoolWorker *self);
void ferry_pool_worker_let_go (FerryPoolWorker *self);

/* What it is at. */
FerryWorker *ferry_pool_worker_get_process (FerryPoolWorker *self);
gint64 ferry_pool_worker_get_born_at (FerryPoolWorker *self);
gboolean ferry_pool_worker_is_live (const FerryPoolWorker *self);
gboolean ferry_pool_worker_is_ready (const FerryPoolWorker *self);
gboolean ferry_pool_worker_is_idle (const FerryPoolWorker *self);
gboolean ferry_pool_worker_was_told_to_end (FerryPoolWorker *self);
gboolean ferry_pool_worker_was_of_use (FerryPoolWorker *self);
guint ferry_pool_worker_get_n_tasks (const FerryPoolWorker *self);
FerryTask *ferry_pool_worker_get_first_task (FerryPoolWorker *self);
guint64 ferry_pool_worker_get_begun (const FerryPoolWorker *self);

/* Which worker is given a task. */
gboolean ferry_pool_worker_has_room (const FerryPoolWorker *self, guint depth, guint max_tasks);
gboolean ferry_pool_worker_is_better (const FerryPoolWorker *self, const FerryPoolWorker *other);
guint ferry_pool_worker_get_n_missed (const FerryPoolWorker *self);
void ferry_pool_worker_note_missed (FerryPoolWorker *self, guint n_missed_before);
guint ferry_pool_worker_count_ahead (const FerryPoolWorker *self, gint64 time_to_begin, gint64 *begins_by);

/* Tasks come to it and go. */
gboolean ferry_pool_worker_hand_over (FerryPoolWorker *self, FerryTask *task);
void ferry_pool_worker_take_back (FerryPoolWorker *self);
void ferry_pool_worker_withdraw_task (FerryPoolWorker *self, FerryTask *task);
void ferry_pool_worker_add_window (FerryPoolWorker *self, FerryTask *task, guint n);
void ferry_pool_worker_cancel_task (FerryPoolWorker *self, FerryTask *task);
void ferry_pool_worker_give_time (FerryPoolWorker *self, FerryTask *task, gint64 grace);
void ferry_pool_worker_force_task (FerryPoolWorker *self, FerryTask *task);
gboolean ferry_pool_worker_check_result (FerryTask *task, GVariant *result, GError **error);

/* Its end. */
void ferry_pool_worker_retire (FerryPoolWorker *self);
void ferry_pool_worker_kill (FerryPoolWorker *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryPoolWorker, ferry_pool_worker_unref)

G_END_DECLS
