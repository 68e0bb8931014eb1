/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The parts of a list of tasks, each a class of its own. The thread that runs GTK. */

#pragma once

#include "gtk/ferry-task-actions-private.h"
#include "gtk/ferry-task-list.h"
#include "gtk/ferry-task-row.h"
#include "gtk/ferry-task-tally-private.h"

#include <ferry.h>
#include <gio/gio.h>
#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The place of a row in a list: as high as rows are, and with a row while it is in sight. */
#define FERRY_TYPE_TASK_CELL (ferry_task_cell_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskCell, ferry_task_cell, FERRY, TASK_CELL, GtkWidget)

/* last_height is one for all cells of a list, and must outlive them. A cell with a row sets it to the height of that,
 * and a cell without one is as high. */
GtkWidget *ferry_task_cell_new (int *last_height) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): the row that is there. */
GtkWidget *ferry_task_cell_get_row (FerryTaskCell *self);
/* The cell has no row. */
void ferry_task_cell_put_row (FerryTaskCell *self, GtkWidget *row);
/* (transfer full) (nullable): the row, which is there no more. */
GtkWidget *ferry_task_cell_take_row (FerryTaskCell *self) G_GNUC_WARN_UNUSED_RESULT;

/* Where the parts of a row are. */
#define FERRY_TYPE_TASK_LAYOUT (ferry_task_layout_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskLayout, ferry_task_layout, FERRY, TASK_LAYOUT, GtkLayoutManager)

/* The row shows something else from now on, such as another task or what has become of it, and may be lower. */
void ferry_task_layout_begin (FerryTaskLayout *self, GtkWidget *row);

/* The bar is beside the name, unless the row is narrow. */
void ferry_task_layout_set_compact (FerryTaskLayout *self, gboolean is_compact);

/* There are other words about the same. The row gets higher if they need more lines, and never lower. */
void ferry_task_layout_change_words (FerryTaskLayout *self, GtkWidget *row);

/* What a list has its rows do in its way. */

/* From now on the row has func do what changes the list, and show errors. */
void ferry_task_row_set_func (FerryTaskRow *self, FerryTaskRowFunc func, gpointer data);
/* (nullable) (transfer none): the task. */
FerryTask *ferry_task_row_get_task (FerryTaskRow *self);
void ferry_task_row_set_task (FerryTaskRow *self, FerryTask *task);
/* Whether func removes tasks that have ended, also those of no executor. */
void ferry_task_row_set_can_remove (FerryTaskRow *self, gboolean can_remove);
void ferry_task_row_set_executor (FerryTaskRow *self, FerryExecutor *executor);

/* The rows of a list of tasks: a view, whose items have a row while they are in sight.
 *
 * Signals: setup (FerryTaskRow), for each row that is made; show (FerryTaskRow, FerryTask), for a row that is to show
 * that task; moved, when other rows may be in sight than before, and ferry_task_rows_show() is to come in the next
 * frame; looked, when other rows may be looked at. */
#define FERRY_TYPE_TASK_ROWS (ferry_task_rows_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskRows, ferry_task_rows, FERRY, TASK_ROWS, GObject)

FerryTaskRows *ferry_task_rows_new (GtkSelectionModel *tasks, const char *label) G_GNUC_WARN_UNUSED_RESULT;
/* The view is about to be disposed of; there is no row any more. */
void ferry_task_rows_end (FerryTaskRows *self);
/* (transfer none): the view, in a scrolled window that is floating until it has a parent. */
GtkWidget *ferry_task_rows_get_view (FerryTaskRows *self);
GtkSelectionModel *ferry_task_rows_get_tasks (FerryTaskRows *self);

/* Gives rows to those in sight, and some around, and takes them from all others. For each frame with something new. */
void ferry_task_rows_show (FerryTaskRows *self);
/* Other rows may be in sight when the view has its layout. */
void ferry_task_rows_set_moved (FerryTaskRows *self);
/* How high the highest row is in that width, of those that are shown. */
int ferry_task_rows_measure (FerryTaskRows *self, int width);
/* How high all rows are in that width; those that are not shown, as high as the highest one that is. */
int ferry_task_rows_measure_all (FerryTaskRows *self, int width);

/* (transfer full) (element-type FerryTask): a set of the tasks that are selected or have the focus, and of those in
 * sight while the pointer is over the view: none is to move under it. */
GHashTable *ferry_task_rows_find_looked_at (FerryTaskRows *self) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable): that of the row which has the focus, or has what has it. */
GtkListItem *ferry_task_rows_find_focus (FerryTaskRows *self);
/* (nullable): the row that has the focus in it. */
FerryTaskRow *ferry_task_rows_find_focus_row (FerryTaskRows *self);
/* Selects the task in that place alone; none behind the last one. */
void ferry_task_rows_select (FerryTaskRows *self, guint position);
/* Gives the focus to the task in that place. */
void ferry_task_rows_focus (FerryTaskRows *self, guint position);
/* To the row that is selected, or the one that had the focus last. Returns whether there is one. */
gboolean ferry_task_rows_enter (FerryTaskRows *self);
/* The row that has the focus was given it by a window or a popover that opened, or in the place of one that was
 * removed, and not by a user. So this does not say that somebody looks at it, nor does it that the row is selected,
 * before somebody presses a key, or the row. */
void ferry_task_rows_note_given_focus (FerryTaskRows *self);
/* The same of a row, one of whose buttons was clicked. */
void ferry_task_rows_note_click (FerryTaskRows *self);
/* From the row of the item to what is in it, and back; FALSE where the focus leaves the rows. */
gboolean ferry_task_rows_move_focus (FerryTaskRows *self, GtkListItem *item, GtkDirectionType direction);
/* Takes the focus from the rows. */
void ferry_task_rows_leave (FerryTaskRows *self);

/* The menu of a list of tasks: what is possible of its actions.
 *
 * Signals: asked (FerryTaskRow or NULL, double x, double y), when users ask for the menu at that place of the list;
 * closed. */
#define FERRY_TYPE_TASK_MENU (ferry_task_menu_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskMenu, ferry_task_menu, FERRY, TASK_MENU, GObject)

/* owner: (unowned): the list, which has the actions. */
FerryTaskMenu *ferry_task_menu_new (GtkWidget *owner) G_GNUC_WARN_UNUSED_RESULT;
/* The owner is about to be disposed of. */
void ferry_task_menu_end (FerryTaskMenu *self);
/* Actions that are not enabled are hidden. resumes: what pauses is to let tasks go on. */
void ferry_task_menu_open (FerryTaskMenu *self, gboolean resumes, double x, double y);

/* A list model in the order of another one, but for items that were moved. */
#define FERRY_TYPE_TASK_ORDER (ferry_task_order_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskOrder, ferry_task_order, FERRY, TASK_ORDER, GObject)

FerryTaskOrder *ferry_task_order_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* Nullable. Each item is in its place again. */
void ferry_task_order_set_model (FerryTaskOrder *self, GListModel *model);
/* Moves the item in one place to another one, which it then has. */
void ferry_task_order_move (FerryTaskOrder *self, guint from, guint to);
/* Until the end, changes of the other model are noted, and not told. Then the last item takes the given place, where
 * the first one of two that are to be one is removed. */
void ferry_task_order_begin_replacement (FerryTaskOrder *self, guint position);
void ferry_task_order_end_replacement (FerryTaskOrder *self);

/* A list model that is another one with delay: what changes there is gathered, and told when it is asked for. */
#define FERRY_TYPE_TASK_PACE (ferry_task_pace_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskPace, ferry_task_pace, FERRY, TASK_PACE, GObject)

/* The function is called when there is something to tell after there was nothing, and for each change from or to an
 * empty list. */
FerryTaskPace *ferry_task_pace_new (void (*due) (gpointer data), gpointer data) G_GNUC_WARN_UNUSED_RESULT;
/* Nullable. The items of the model are told at once. */
void ferry_task_pace_set_model (FerryTaskPace *self, GListModel *model);
/* Tells what has changed. */
void ferry_task_pace_tell (FerryTaskPace *self);
/* Whether each change is told by itself, without delay. */
void ferry_task_pace_set_immediate (FerryTaskPace *self, gboolean is_immediate);

/* Whose the tasks of a list are, and which of them stay with their executors since somebody looks at them. */
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

/* What was removed from a list and can be put back for some seconds, and the bar that says so. */
#define FERRY_TYPE_TASK_UNDO (ferry_task_undo_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskUndo, ferry_task_undo, FERRY, TASK_UNDO, GObject)

/* ended: called when the time is over; it takes the tasks; changed: called when another list has removed some, or has
 * none of them any more. */
FerryTaskUndo *ferry_task_undo_new (void (*ended) (gpointer data), void (*changed) (gpointer data),
                                    gpointer data) G_GNUC_WARN_UNUSED_RESULT;
/* (transfer none): the bar, whose button activates "task.undo". */
GtkWidget *ferry_task_undo_get_bar (FerryTaskUndo *self);
/* is_stopped: it waited, and was cancelled; to put it back is to submit it again. */
void ferry_task_undo_add (FerryTaskUndo *self, FerryTask *task, gboolean is_stopped);
/* Shows the bar, and begins the time anew. */
void ferry_task_undo_begin (FerryTaskUndo *self);
guint ferry_task_undo_count (FerryTaskUndo *self);
/* (transfer full) (nullable): what the bar says; NULL where nothing can be put back. */
char *ferry_task_undo_dup_words (FerryTaskUndo *self) G_GNUC_WARN_UNUSED_RESULT;
/* Whether the application shows it, in place of the bar. */
void ferry_task_undo_set_elsewhere (FerryTaskUndo *self, gboolean is_elsewhere);
gboolean ferry_task_undo_is_elsewhere (FerryTaskUndo *self);
/* How many of them have failed. */
guint ferry_task_undo_count_failed (FerryTaskUndo *self);
/* Whether any list has removed it, and can put it back. */
gboolean ferry_task_undo_hides (gpointer task);
/* How many of the executors' tasks other lists have removed, and how many of them have failed. */
guint ferry_task_undo_count_elsewhere (FerryTaskUndo *self, FerryTaskTally *tally, guint *n_failed);
gboolean ferry_task_undo_is_stopped (FerryTaskUndo *self, gpointer task);
/* (transfer none) (element-type FerryTask): a set. */
GHashTable *ferry_task_undo_get_tasks (FerryTaskUndo *self);
/* (transfer full): the same; there is nothing to put back from now on, and no bar. */
GHashTable *ferry_task_undo_take_tasks (FerryTaskUndo *self) G_GNUC_WARN_UNUSED_RESULT;
/* Gives the button the focus as soon as it can have it. */
void ferry_task_undo_grab_focus (FerryTaskUndo *self);

/* What users do with the tasks of a list, and the way back.
 *
 * Signals: removed, when other tasks than before are removed and can be put back; announce (string), for what is to be
 * read out; show-error (FerryTask), for one that failed, to which a handler returns whether it shows why. */
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

/* Ends of tasks, read out to those who do not see their list. */
#define FERRY_TYPE_TASK_ENDS (ferry_task_ends_get_type ())
G_DECLARE_FINAL_TYPE (FerryTaskEnds, ferry_task_ends, FERRY, TASK_ENDS, GObject)

/* list, line: (unowned): as ferry_announce() has them; until the end. */
FerryTaskEnds *ferry_task_ends_new (GtkWidget *list, GtkWidget *line) G_GNUC_WARN_UNUSED_RESULT;
/* tally: (nullable): of the tasks. */
void ferry_task_ends_set_tally (FerryTaskEnds *self, FerryTaskTally *tally);
/* What has ended before is not read out. */
void ferry_task_ends_pass_over (FerryTaskEnds *self);

/* func: called when tasks were removed that an undo may bring back, or when there are such tasks no more. */
void ferry_task_list_set_removed_func (FerryTaskList *self, void (*func) (gpointer data), gpointer data);
/* How many such tasks there are. The executor has them still. */
guint ferry_task_list_count_removed (FerryTaskList *self);
/* FerryTaskList:n-failed, as it is now. */
guint ferry_task_list_count_failed (FerryTaskList *self);

/* Gives the focus to the first row whose task failed; where none did, to the first one whose task has not ended. */
void ferry_task_list_focus_first (FerryTaskList *self);

G_END_DECLS
