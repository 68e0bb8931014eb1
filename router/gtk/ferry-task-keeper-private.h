/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose the tasks of a list are, and which of them stay with their executors since somebody looks at them. The thread
 * that runs GTK. */

#pragma once

#include "gtk/ferry-task-tally-private.h"

#include <ferry.h>

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_KEEPER (ferry_task_keeper_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskKeeper, ferry_task_keeper, FERRY, TASK_KEEPER, GObject)

FerryTaskKeeper *ferry_task_keeper_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* tally: (nullable): of the model, whose executors have its tasks. Nothing may be kept. */
void ferry_task_keeper_set_tally (FerryTaskKeeper *self, FerryTaskTally *tally);
/* executor: (nullable): that of tasks which no executor of the model has. Nothing may be kept. */
void ferry_task_keeper_set_executor (FerryTaskKeeper *self, FerryExecutor *executor);
FerryExecutor *ferry_task_keeper_get_executor (FerryTaskKeeper *self);
gboolean ferry_task_keeper_has_executor (FerryTaskKeeper *self);
/* (nullable) (transfer none): the one that has the task, or may be given it. */
FerryExecutor *ferry_task_keeper_find_executor (FerryTaskKeeper *self, FerryTask *task);

/* (transfer full): a set of tasks. */
GHashTable *ferry_task_keeper_make_set (void) G_GNUC_WARN_UNUSED_RESULT;
/* A task is let go as often as it was kept. */
void ferry_task_keeper_keep (FerryTaskKeeper *self, FerryTask *task, gboolean keep);
/* Keeps these, and lets the others go that were looked at before. */
void ferry_task_keeper_set_looked_at (FerryTaskKeeper *self, GHashTable *tasks);
/* Keeps these too. */
void ferry_task_keeper_add_looked_at (FerryTaskKeeper *self, GHashTable *tasks);
void ferry_task_keeper_clear (FerryTaskKeeper *self);

G_END_DECLS
