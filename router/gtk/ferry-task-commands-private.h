/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What users do with the tasks of a list, and the way back. The thread that runs GTK.
 *
 * Signals: removed, when other tasks than before are removed and can be put back; announce (string), for what is to be
 * read out; show-error (FerryTask), for one that failed, to which a handler returns whether it shows why. */

#pragma once

#include "gtk/ferry-task-actions-private.h"
#include "gtk/ferry-task-keeper-private.h"
#include "gtk/ferry-task-order-private.h"
#include "gtk/ferry-task-pace-private.h"
#include "gtk/ferry-task-rows-private.h"
#include "gtk/ferry-task-undo-private.h"

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_COMMANDS (ferry_task_commands_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskCommands, ferry_task_commands, FERRY, TASK_COMMANDS, GObject)

/* rows: of the order, which is that of the pace. */
FerryTaskCommands *ferry_task_commands_new (FerryTaskPace *pace, FerryTaskOrder *order, FerryTaskRows *rows,
                                            FerryTaskKeeper *keeper) G_GNUC_WARN_UNUSED_RESULT;
/* (transfer none): what is removed. */
FerryTaskUndo *ferry_task_commands_get_undo (FerryTaskCommands *self);
/* model: (nullable): of the tasks. From an application's own list store, tasks that are over are removed. */
void ferry_task_commands_set_model (FerryTaskCommands *self, GListModel *model);
gboolean ferry_task_commands_can_remove (FerryTaskCommands *self);

/* (transfer full) (element-type FerryTask): the tasks that keys are meant for: all that are selected, or the one of the
 * row that has the focus, where that is not one of them. */
GPtrArray *ferry_task_commands_dup_current (FerryTaskCommands *self) G_GNUC_WARN_UNUSED_RESULT;
/* Whether the action is possible for some of the tasks. */
gboolean ferry_task_commands_is_possible (FerryTaskCommands *self, FerryTaskAction action, GPtrArray *tasks);
/* Whether FERRY_TASK_ACTION_PAUSE lets the tasks go on. */
gboolean ferry_task_commands_resumes (FerryTaskCommands *self, GPtrArray *tasks);
/* For a button, which is for the task of its own row. */
void ferry_task_commands_act (FerryTaskCommands *self, FerryTask *task, FerryTaskAction action);
/* For a key or the menu: the action of that name, of the current tasks. */
void ferry_task_commands_activate (FerryTaskCommands *self, const char *name);
void ferry_task_commands_cancel_all (FerryTaskCommands *self);
/* Tries all of them again that have failed. */
void ferry_task_commands_retry_all (FerryTaskCommands *self);
/* An order of the application's own is not changed by hand. */
void ferry_task_commands_set_sorted (FerryTaskCommands *self, gboolean is_sorted);
/* Moves tasks that wait in a queue, all of the same one: in front of the one that waits above them, or behind the one
 * below. */
gboolean ferry_task_commands_can_move (FerryTaskCommands *self, GPtrArray *tasks, gboolean up);
void ferry_task_commands_move (FerryTaskCommands *self, gboolean up);
gboolean ferry_task_commands_can_drag (FerryTaskCommands *self, FerryTask *task);
/* Moves the task, and the others that are selected if it is one of them, above or below another one. It may be dragged
 * here from another list. */
gboolean ferry_task_commands_drop (FerryTaskCommands *self, FerryTask *task, FerryTask *over, gboolean below);
void ferry_task_commands_clear_finished (FerryTaskCommands *self);

/* Puts back what is removed. */
void ferry_task_commands_undo (FerryTaskCommands *self);
/* From now on there is no undo. */
void ferry_task_commands_commit (FerryTaskCommands *self);
/* Gives the focus to the task in that place, or the last one, and selects it. */
void ferry_task_commands_go_to (FerryTaskCommands *self, guint position, gboolean select);

/* The row's task can be dragged, and others be dropped there. */
void ferry_task_drag_add (FerryTaskRow *row, FerryTaskCommands *commands);

G_END_DECLS
