/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks as a list: rows in sight only, its keys, and its actions by name.
 *
 * Threads:   the one that runs GTK.
 * Models:    the tasks -> as they were in the last frame -> with those in other places that users tried again or put
 *            first -> those that the application's filter and the removed set leave -> in the order of its sorter ->
 *            the selection. Without filter and sorter the models between hand everything on as it is.
 * Invariant: a task that was removed is hidden, and stays with its executor until it is too late for an undo. */

#include "config.h"

#include "gtk/ferry-task-list-private.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-task-commands-private.h"
#include "gtk/ferry-task-ends-private.h"
#include "gtk/ferry-task-keeper-private.h"
#include "gtk/ferry-task-menu-private.h"
#include "gtk/ferry-task-order-private.h"
#include "gtk/ferry-task-pace-private.h"
#include "gtk/ferry-task-row-private.h"
#include "gtk/ferry-task-rows-private.h"
#include "gtk/ferry-task-undo-private.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"

#define PAUSE_ALL "task.pause-all"
#define MOVE_UP "task.move-up"
#define MOVE_DOWN "task.move-down"

#define LIST_PAGE "list"
#define PLACEHOLDER_PAGE "placeholder"

/* With it, a list that is empty is as high as one with a task, so that a page does not jump with the first. */
#define PLACEHOLDER_MARGIN 19

/* What a list asks for in a window that has no size of its own. */
#define NATURAL_WIDTH 360
#define NATURAL_ROWS 2

/* How often the list follows its model at most, in microseconds. */
#define INTERVAL (G_USEC_PER_SEC / 10)

/**
 * FerryTaskList:
 *
 * A list of tasks, such as those of a [class@Ferry.Executor], which is a model of its tasks.
 *
 * Rows exist for tasks near those in sight only, so a list of 100,000 tasks costs what a page of it does. The rows are
 * [class@FerryGtk.TaskRow]s; the signal `setup-row` lets an application add to them. A row that is not in sight has no
 * task. The list follows its model in the frames of its window, and not while it is not mapped.
 *
 * A list is as high as two rows by itself, and at least as one.
 *
 * The list has the actions `task.cancel`, `task.pause`, `task.retry`, `task.remove`, `task.run-next`,
 * `task.show-error` and `task.copy-error`. The keys are Control+BackSpace, Control+P, Control+R, Delete, Control+Up,
 * Return (also with Alt) and Control+C. They act on all tasks that are selected, or on the one whose row has the focus,
 * where that is not selected.
 *
 * Three actions are for the whole list, without the tasks that a filter hides: `task.cancel-all`
 * (Shift+Control+BackSpace) cancels what waits or runs, `task.retry-all` (Shift+Control+R) tries all again that have
 * failed, and `task.clear-finished` (Shift+Delete) removes what has ended. `task.pause-all` (Shift+Control+P) is for
 * the whole model, and has a state: it changes [property@FerryGtk.TaskList:paused]. A button elsewhere activates them
 * with [method@Gtk.Widget.activate_action] of the list.
 *
 * The tasks of a queue, which stores their order, are moved by dragging them, and by `task.move-up` (Alt+Up) and
 * `task.move-down` (Alt+Down), while they wait and the list has no sorter. `task.run-next` also begins a task that
 * waits for its time ([property@Ferry.Task:not-before]).
 *
 * Tab goes to a row, through what is in it, and out of the list. The keys of arrows walk the rows.
 *
 * A menu has what is possible of all this: by the secondary button of the pointer, a long touch, or the menu key.
 *
 * A row that is selected or has the focus does not go by itself when its task has ended, and none in sight does while
 * the pointer is over the list.
 *
 * A removal can be undone for some seconds: `task.undo`, or Control+Z. No list shows the task meanwhile, and the one it
 * was removed from has the way back. It is for good where that list is hidden before, unless the application shows the
 * undo itself. A task that waits is cancelled when it is removed, and an undo submits it again.
 *
 * A task that is tried again stands where the one before stood. A task that is to run next is moved before all that
 * wait. What users do, and the ends of an executor's tasks, are read out to those who do not see the list, by
 * `gtk_accessible_announce()` where GTK has it. An older GTK cannot have them read out. There, the last of these words
 * are the name of a child of the list with the role `status`.
 *
 * # CSS nodes
 *
 * The list is a `tasklist`.
 */
struct _FerryTaskList
{
  GtkWidget parent_instance;

  GListModel *model;      /* (nullable): of tasks */
  FerryTaskTally *tally;  /* (owned) (nullable): of the model */
  GtkFilter *filter;      /* (nullable): the application's */
  GtkSorter *sorter;      /* (nullable): the application's */
  GtkWidget *placeholder; /* (nullable) (unowned): a child of the stack */

  FerryTaskPace *pace;
  FerryTaskOrder *order;
  GtkFilterListModel *filtered;
  GtkSortListModel *sorted;
  GtkMultiSelection *selection;
  FerryTask *selected; /* (owned) (nullable): the one that is selected alone */
  FerryTaskRows *rows;
  FerryTaskKeeper *keeper;
  FerryTaskCommands *commands;
  FerryTaskUndo *undo; /* (unowned): that of the commands */
  gboolean is_due;     /* the model has changed */
  gint64 told;         /* the frame in which the list followed it last */
  guint tick;          /* the next frame brings something new */

  GtkWidget *box;
  GtkWidget *line; /* of what cannot be read out */
  GtkWidget *stack;
  GtkWidget *view;     /* (nullable) (unowned): that of the rows */
  GtkWidget *undo_bar; /* (unowned): that of undo */
  FerryTaskMenu *menu;
  FerryTaskEnds *ends;
  void (*removed_changed) (gpointer data); /* (nullable) */
  gpointer removed_data;
  guint n_elsewhere, n_failed_elsewhere; /* of its tasks, removed from other lists */
  guint n_failed;                        /* as it was told last */
  guint n_removed;                       /* as well */
  gboolean paused;                       /* as well */
  int max_height;                        /* 0: the list fills what it is given */
};

enum
{
  PROP_TASKS = 1,
  PROP_EXECUTOR,
  PROP_FILTER,
  PROP_SORTER,
  PROP_PLACEHOLDER,
  PROP_SELECTED_TASK,
  PROP_N_FAILED,
  PROP_MAX_HEIGHT,
  PROP_PAUSED,
  N_PROPERTIES
};

enum
{
  SETUP_ROW,
  SHOW_UNDO,
  SHOW_ERROR,
  N_SIGNALS
};

static GParamSpec *properties[N_PROPERTIES];

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryTaskList, ferry_task_list, GTK_TYPE_WIDGET)

/* ---- what is shown ---- */

static gboolean
is_not_removed (gpointer item, gpointer data)
{
  return !ferry_task_undo_hides (item);
}

/* No filter is asked where none is needed: a model that hands everything on costs nothing. */
static void
apply_filters (FerryTaskList *self)
{
  g_autoptr (GtkFilter) every = NULL;

  if (ferry_task_list_count_removed (self) == 0)
    {
      gtk_filter_list_model_set_filter (self->filtered, self->filter);
      return;
    }
  every = GTK_FILTER (gtk_every_filter_new ());
  gtk_multi_filter_append (GTK_MULTI_FILTER (every), GTK_FILTER (gtk_custom_filter_new (is_not_removed, NULL, NULL)));
  if (self->filter != NULL)
    gtk_multi_filter_append (GTK_MULTI_FILTER (every), g_object_ref (self->filter));
  gtk_filter_list_model_set_filter (self->filtered, every);
}

/* ---- rows that do not go by themselves ---- */

static void follow (FerryTaskList *self);

/* (transfer full): what somebody looks at, and must not go by itself. */
static GHashTable *
find_looked_at (FerryTaskList *self)
{
  return ferry_task_keeper_has_executor (self->keeper) && gtk_widget_get_mapped (GTK_WIDGET (self))
           ? ferry_task_rows_find_looked_at (self->rows)
           : ferry_task_keeper_make_set ();
}

/* What nobody looks at any more is let go in the next frame: the models may be changing now. */
static void
keep_tasks (FerryTaskList *self)
{
  g_autoptr (GHashTable) kept = find_looked_at (self);

  ferry_task_keeper_add_looked_at (self->keeper, kept);
  follow (self);
}

/* Takes the focus from a row that goes. A view would give it to a neighbour, which keys would be meant for then. */
static void
take_focus_of_leaving (FerryTaskList *self, guint position, guint n_removed, guint n_added)
{
  GtkListItem *item = ferry_task_rows_find_focus (self->rows);
  guint place = item != NULL ? gtk_list_item_get_position (item) : GTK_INVALID_LIST_POSITION;

  if (item == NULL || place < position || place - position >= n_removed)
    return;
  for (guint i = position; i < position + n_added; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->selection), i);

      if (task == gtk_list_item_get_item (item))
        return;
    }
  ferry_task_rows_leave (self->rows);
}

/* ---- the selection ---- */

static void
selected_cb (FerryTaskList *self)
{
  g_autoptr (GtkBitset) set = gtk_selection_model_get_selection (GTK_SELECTION_MODEL (self->selection));
  g_autoptr (FerryTask) task = NULL;

  keep_tasks (self);
  if (gtk_bitset_get_size (set) == 1)
    task = g_list_model_get_item (G_LIST_MODEL (self->selection), gtk_bitset_get_minimum (set));
  if (g_set_object (&self->selected, task))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SELECTED_TASK]);
}

static void
show_failed (FerryTaskList *self)
{
  guint n_failed = ferry_task_list_count_failed (self);

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.retry-all", n_failed > 0);
  if (self->n_failed == n_failed)
    return;
  self->n_failed = n_failed;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_FAILED]);
}

static gboolean
is_paused (FerryTaskList *self)
{
  return self->tally != NULL && ferry_task_tally_is_paused (self->tally);
}

static void
show_paused (FerryTaskList *self, guint n_open)
{
  gboolean paused = is_paused (self);

  gtk_widget_action_set_enabled (GTK_WIDGET (self), PAUSE_ALL, paused || n_open > 0);
  if (self->paused == paused)
    return;
  self->paused = paused;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PAUSED]);
}

/* Where the list has all tasks of its model, it is known how many of them are over. */
static void
show_list_actions (FerryTaskList *self)
{
  guint n_shown = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  guint n_open = self->tally != NULL ? ferry_task_tally_count_open (self->tally) : 0;
  guint n_all = self->model != NULL ? g_list_model_get_n_items (self->model) : 0;
  gboolean has_ended =
    self->filter == NULL ? n_all > n_open + ferry_task_list_count_removed (self) : n_shown > 0 && n_all > n_open;

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.cancel-all",
                                 n_open > 0 && (self->filter == NULL || n_shown > 0));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.clear-finished",
                                 ferry_task_commands_can_remove (self->commands) && has_ended);
  show_paused (self, n_open);
  show_failed (self);
}

static void
show_items (FerryTaskList *self)
{
  gboolean empty = g_list_model_get_n_items (G_LIST_MODEL (self->selection)) == 0;

  if (empty)
    ferry_task_rows_leave (self->rows);
  selected_cb (self);
  show_list_actions (self);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), empty ? PLACEHOLDER_PAGE : LIST_PAGE);
}

/* Comes before the view hears of it. */
static void
items_changed_cb (FerryTaskList *self, guint position, guint n_removed, guint n_added)
{
  take_focus_of_leaving (self, position, n_removed, n_added);
  show_items (self);
}

/* ---- frames ---- */

static void
keep_looked_at (FerryTaskList *self)
{
  g_autoptr (GHashTable) kept = find_looked_at (self);

  ferry_task_keeper_set_looked_at (self->keeper, kept);
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);

  gint64 now = gdk_frame_clock_get_frame_time (frame_clock);

  if (now - self->told >= INTERVAL)
    {
      self->is_due = FALSE;
      self->told = now;
      ferry_task_pace_tell (self->pace);
    }
  ferry_task_rows_show (self->rows);
  keep_looked_at (self);
  gdk_frame_clock_request_phase (frame_clock, GDK_FRAME_CLOCK_PHASE_LAYOUT);
  if (self->is_due)
    return G_SOURCE_CONTINUE;
  self->tick = 0;
  return G_SOURCE_REMOVE;
}

/* While nobody sees the list, nothing is due; see ferry_task_list_map(). */
static void
follow (FerryTaskList *self)
{
  ferry_task_rows_set_moved (self->rows);
  if (self->tick == 0 && gtk_widget_get_mapped (GTK_WIDGET (self)))
    self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

static void
due_cb (gpointer data)
{
  FerryTaskList *self = data;
  gboolean is_empty =
    g_list_model_get_n_items (G_LIST_MODEL (self->pace)) == 0 || g_list_model_get_n_items (self->model) == 0;

  /* That there are tasks, or are none any more, is seen at once. */
  if (is_empty && gtk_widget_get_mapped (GTK_WIDGET (self)))
    ferry_task_pace_tell (self->pace);
  else
    self->is_due = TRUE;
  follow (self);
}

static void
end_tick (FerryTaskList *self)
{
  if (self->tick != 0)
    gtk_widget_remove_tick_callback (GTK_WIDGET (self), self->tick);
  self->tick = 0;
}

/* ---- actions, and the menu of them ---- */

static void
announce_cb (FerryTaskList *self, const char *words)
{
  ferry_announce (GTK_WIDGET (self), self->line, words);
}

/* Those of before are not to be put back by themselves any more. */
static void
offer_undo (FerryTaskList *self)
{
  guint n_removed = ferry_task_undo_count (self->undo);
  g_autofree char *words = ferry_task_undo_dup_words (self->undo);
  gboolean is_shown = FALSE;

  if (self->n_removed == n_removed)
    return;
  self->n_removed = n_removed;
  g_signal_emit (self, signals[SHOW_UNDO], 0, words, &is_shown);
  ferry_task_undo_set_elsewhere (self->undo, is_shown);
}

static gboolean
show_error_cb (FerryTaskList *self, FerryTask *task)
{
  gboolean is_shown = FALSE;

  g_signal_emit (self, signals[SHOW_ERROR], 0, task, &is_shown);
  return is_shown;
}

/* What another list has removed is gone from this one, too. */
static void
hide_removed (FerryTaskList *self)
{
  self->n_elsewhere = self->n_failed_elsewhere = 0;
  if (self->tally != NULL)
    self->n_elsewhere = ferry_task_undo_count_elsewhere (self->undo, self->tally, &self->n_failed_elsewhere);
  apply_filters (self);
}

static void
show_undo (FerryTaskList *self)
{
  hide_removed (self);
  offer_undo (self);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.undo", ferry_task_undo_count (self->undo) > 0);
  show_failed (self);
  if (self->removed_changed != NULL)
    self->removed_changed (self->removed_data);
}

static void
act (gpointer data, FerryTask *task, FerryTaskAction action)
{
  ferry_task_commands_act (FERRY_TASK_LIST (data)->commands, task, action);
  ferry_task_rows_note_click (FERRY_TASK_LIST (data)->rows);
}

static void
activate_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  ferry_task_commands_activate (FERRY_TASK_LIST (widget)->commands, name);
}

static void
activate_cancel_all (GtkWidget *widget, const char *name, GVariant *parameter)
{
  ferry_task_commands_cancel_all (FERRY_TASK_LIST (widget)->commands);
}

static void
activate_clear_finished (GtkWidget *widget, const char *name, GVariant *parameter)
{
  ferry_task_commands_clear_finished (FERRY_TASK_LIST (widget)->commands);
}

static void
activate_retry_all (GtkWidget *widget, const char *name, GVariant *parameter)
{
  ferry_task_commands_retry_all (FERRY_TASK_LIST (widget)->commands);
}

static void
activate_move (GtkWidget *widget, const char *name, GVariant *parameter)
{
  ferry_task_commands_move (FERRY_TASK_LIST (widget)->commands, /* up: */ g_str_equal (name, MOVE_UP));
}

static void
activate_undo (GtkWidget *widget, const char *name, GVariant *parameter)
{
  ferry_task_commands_undo (FERRY_TASK_LIST (widget)->commands);
}

/* The position of the first task of that kind; behind the last one where there is none. */
static guint
find_first (FerryTaskList *self, gboolean (*is_it) (FerryTask *task))
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));

  for (guint position = 0; position < n_items; position++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->selection), position);

      if (is_it (task))
        return position;
    }
  return n_items;
}

static gboolean
is_open (FerryTask *task)
{
  return !ferry_task_get_done (task);
}

static gboolean
has_failed (FerryTask *task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_FAILED;
}

/* Of the list's actions, those that are possible with what its filter shows. The tally counts all tasks. */
static void
disable_for_hidden (FerryTaskList *self)
{
  static const struct
  {
    const char *action;
    gboolean (*is_for) (FerryTask *task);
  } actions[] = {
    {"task.cancel-all", is_open},
    {"task.retry-all", has_failed},
    {"task.clear-finished", ferry_task_get_done},
  };
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    if (find_first (self, actions[i].is_for) == n_items)
      gtk_widget_action_set_enabled (GTK_WIDGET (self), actions[i].action, FALSE);
}

/* What is not possible for any of the tasks is hidden. */
static void
show_possible (FerryTaskList *self, GPtrArray *tasks)
{
  show_list_actions (self);
  if (self->filter != NULL)
    disable_for_hidden (self);
  if (!ferry_task_keeper_has_executor (self->keeper))
    gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.retry-all", FALSE);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), MOVE_UP,
                                 ferry_task_commands_can_move (self->commands, tasks, /* up: */ TRUE));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), MOVE_DOWN,
                                 ferry_task_commands_can_move (self->commands, tasks, /* up: */ FALSE));
  for (guint action = 0; action < FERRY_TASK_N_ACTIONS; action++)
    gtk_widget_action_set_enabled (GTK_WIDGET (self), ferry_task_action_get_name ((FerryTaskAction) action),
                                   ferry_task_commands_is_possible (self->commands, (FerryTaskAction) action, tasks));
}

/* Keys find out for themselves what is possible. */
static void
menu_closed_cb (FerryTaskList *self)
{
  for (guint action = 0; action < FERRY_TASK_N_ACTIONS; action++)
    gtk_widget_action_set_enabled (GTK_WIDGET (self), ferry_task_action_get_name ((FerryTaskAction) action), TRUE);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), MOVE_UP, TRUE);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), MOVE_DOWN, TRUE);
  show_list_actions (self);
}

/* The menu is for the row, and for all others that are selected if it is one of them. */
static void
open_menu (FerryTaskList *self, FerryTaskRow *row, double x, double y)
{
  g_autoptr (GPtrArray) tasks = NULL;
  FerryTask *task = row != NULL ? ferry_task_row_get_task (row) : NULL;
  guint position = task != NULL ? ferry_list_view_find (self->selection, task) : GTK_INVALID_LIST_POSITION;

  if (task != NULL && !gtk_selection_model_is_selected (GTK_SELECTION_MODEL (self->selection), position))
    ferry_task_commands_go_to (self->commands, position, /* select: */ TRUE);
  else
    gtk_widget_grab_focus (self->view);
  tasks = ferry_task_commands_dup_current (self->commands);
  show_possible (self, tasks);
  ferry_task_menu_open (self->menu, ferry_task_commands_resumes (self->commands, tasks), x, y);
}

static void
activate_menu (GtkWidget *widget, const char *name, GVariant *parameter)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);
  FerryTaskRow *row = ferry_task_rows_find_focus_row (self->rows);
  graphene_rect_t place;

  if (!gtk_widget_compute_bounds (row != NULL ? GTK_WIDGET (row) : self->view, widget, &place))
    return;
  open_menu (self, row, place.origin.x + place.size.width / 2, place.origin.y + place.size.height / 2);
}

/* ---- rows ---- */

static void
setup_row_cb (FerryTaskList *self, FerryTaskRow *row)
{
  ferry_task_row_set_func (row, act, self);
  ferry_task_drag_add (row, self->commands);
  g_signal_emit (self, signals[SETUP_ROW], 0, row);
}

static void
show_row_cb (FerryTaskList *self, FerryTaskRow *row, FerryTask *task)
{
  ferry_task_row_set_executor (row, ferry_task_keeper_find_executor (self->keeper, task));
  ferry_task_row_set_can_remove (row, G_IS_LIST_STORE (self->model));
  ferry_task_row_set_task (row, task);
}

/* ---- the object ---- */

static void
set_executor (FerryTaskList *self, FerryExecutor *executor)
{
  if (ferry_task_keeper_get_executor (self->keeper) == executor)
    return;
  ferry_task_commands_commit (self->commands);
  ferry_task_keeper_clear (self->keeper);
  ferry_task_keeper_set_executor (self->keeper, executor);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXECUTOR]);
}

/* Takes the tally. */
static void
set_tally (FerryTaskList *self, FerryTaskTally *tally)
{
  g_clear_object (&self->tally);
  self->tally = tally;
  ferry_task_keeper_set_tally (self->keeper, tally);
  if (tally != NULL)
    g_signal_connect_object (tally, "changed", G_CALLBACK (show_list_actions), self, G_CONNECT_SWAPPED);
  ferry_task_ends_set_tally (self->ends, tally);
}

static void
set_model (FerryTaskList *self, GListModel *model)
{
  if (self->model == model)
    return;
  ferry_task_commands_commit (self->commands);
  ferry_task_keeper_clear (self->keeper);
  if (self->model != NULL)
    g_signal_handlers_disconnect_by_func (self->model, show_failed, self);
  g_set_object (&self->model, model);
  ferry_task_commands_set_model (self->commands, model);
  set_tally (self, model != NULL ? ferry_task_tally_new (model) : NULL);
  /* The tally does not say that a task of an executor has left, and the rows hear of it late. */
  if (model != NULL)
    g_signal_connect_object (model, "items-changed", G_CALLBACK (show_failed), self, G_CONNECT_SWAPPED);
  if (FERRY_IS_EXECUTOR (model))
    set_executor (self, FERRY_EXECUTOR (model));
  hide_removed (self);
  ferry_task_pace_set_model (self->pace, model);
  show_items (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TASKS]);
}

static void
set_filter (FerryTaskList *self, GtkFilter *filter)
{
  if (!g_set_object (&self->filter, filter))
    return;
  apply_filters (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_FILTER]);
}

static void
set_sorter (FerryTaskList *self, GtkSorter *sorter)
{
  if (!g_set_object (&self->sorter, sorter))
    return;
  gtk_sort_list_model_set_sorter (self->sorted, sorter);
  ferry_task_commands_set_sorted (self->commands, sorter != NULL);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SORTER]);
}

static GtkWidget *
make_placeholder (void)
{
  GtkWidget *label = gtk_label_new (_ ("No Tasks"));

  gtk_widget_set_margin_top (label, PLACEHOLDER_MARGIN);
  gtk_widget_set_margin_bottom (label, PLACEHOLDER_MARGIN);
  gtk_widget_add_css_class (label, "dim-label");
  return label;
}

static void
set_placeholder (FerryTaskList *self, GtkWidget *placeholder)
{
  GtkWidget *old = gtk_stack_get_child_by_name (GTK_STACK (self->stack), PLACEHOLDER_PAGE);

  if (old != NULL && old == placeholder)
    return;
  if (old != NULL)
    gtk_stack_remove (GTK_STACK (self->stack), old);
  self->placeholder = placeholder;
  gtk_stack_add_named (GTK_STACK (self->stack), placeholder != NULL ? placeholder : make_placeholder (),
                       PLACEHOLDER_PAGE);
  show_items (self);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PLACEHOLDER]);
}

static void
set_max_height (FerryTaskList *self, int height)
{
  if (self->max_height == height)
    return;
  self->max_height = height;
  ferry_list_view_set_max_height (self->view, height);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_HEIGHT]);
}

static void
set_paused (FerryTaskList *self, gboolean paused)
{
  if (self->tally == NULL || is_paused (self) == paused)
    return;
  ferry_task_tally_set_paused (self->tally, paused);
  show_list_actions (self);
}

static void
ferry_task_list_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTaskList *self = FERRY_TASK_LIST (object);

  switch (property_id)
    {
    case PROP_TASKS:
      g_value_set_object (value, self->model);
      break;
    case PROP_EXECUTOR:
      g_value_set_object (value, ferry_task_keeper_get_executor (self->keeper));
      break;
    case PROP_FILTER:
      g_value_set_object (value, self->filter);
      break;
    case PROP_SORTER:
      g_value_set_object (value, self->sorter);
      break;
    case PROP_PLACEHOLDER:
      g_value_set_object (value, self->placeholder);
      break;
    case PROP_SELECTED_TASK:
      g_value_set_object (value, self->selected);
      break;
    case PROP_N_FAILED:
      g_value_set_uint (value, ferry_task_list_count_failed (self));
      break;
    case PROP_MAX_HEIGHT:
      g_value_set_int (value, self->max_height);
      break;
    case PROP_PAUSED:
      g_value_set_boolean (value, is_paused (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ferry_task_list_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryTaskList *self = FERRY_TASK_LIST (object);

  switch (property_id)
    {
    case PROP_TASKS:
      set_model (self, g_value_get_object (value));
      break;
    case PROP_EXECUTOR:
      set_executor (self, g_value_get_object (value));
      break;
    case PROP_FILTER:
      set_filter (self, g_value_get_object (value));
      break;
    case PROP_SORTER:
      set_sorter (self, g_value_get_object (value));
      break;
    case PROP_PLACEHOLDER:
      set_placeholder (self, g_value_get_object (value));
      break;
    case PROP_SELECTED_TASK:
      ferry_task_pace_tell (self->pace);
      ferry_task_rows_select (self->rows, g_value_get_object (value) != NULL
                                            ? ferry_list_view_find (self->selection, g_value_get_object (value))
                                            : GTK_INVALID_LIST_POSITION);
      break;
    case PROP_MAX_HEIGHT:
      set_max_height (self, g_value_get_int (value));
      break;
    case PROP_PAUSED:
      set_paused (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

/* GTK 4.8 asks what is in a popover how high it is in a width that has the popover's shadow, and gives it its natural
 * one. A row that is not narrow is lower: what is below the list would be cut off. */
static int
limit_to_popover (FerryTaskList *self, int width)
{
  GtkWidget *popover = gtk_widget_get_ancestor (GTK_WIDGET (self), GTK_TYPE_POPOVER);
  int natural;

  if (popover == NULL)
    return width;
  gtk_widget_measure (gtk_popover_get_child (GTK_POPOVER (popover)), GTK_ORIENTATION_HORIZONTAL, -1, NULL, &natural,
                      NULL, NULL);
  return MIN (width, natural);
}

/* A scrolled window does not ask its child how high that is in its width. A popover does not tell its child a width,
 * and gives it the least one: sentences break in that. What scrolls around a list gives it no more than the least
 * height. */
static void
measure_rows (FerryTaskList *self, int width, int *minimum, int *natural)
{
  int height, bar;

  if (width < 0)
    gtk_widget_measure (GTK_WIDGET (self), GTK_ORIENTATION_HORIZONTAL, -1, &width, NULL, NULL, NULL);
  width = limit_to_popover (self, width);
  height = ferry_task_rows_measure_all (self->rows, width);
  gtk_widget_measure (self->undo_bar, GTK_ORIENTATION_VERTICAL, width, NULL, &bar, NULL, NULL);
  *minimum = MAX (*minimum, MIN (height, self->max_height) + bar);
  *natural = MAX (*natural, *minimum);
}

/* A list that is as high as its rows has the width that its owner gives it. */
static void
ferry_task_list_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                         int *minimum_baseline, int *natural_baseline)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);

  gtk_widget_measure (self->box, orientation, for_size, minimum, natural, NULL, NULL);
  if (self->max_height > 0 && orientation == GTK_ORIENTATION_VERTICAL)
    measure_rows (self, for_size, minimum, natural);
  if (self->max_height > 0)
    return;
  if (orientation == GTK_ORIENTATION_VERTICAL)
    {
      int height = ferry_task_rows_measure (self->rows, for_size);

      *minimum = MAX (*minimum, height);
      *natural = MAX (*natural, NATURAL_ROWS * height);
    }
  *natural = MAX (*natural, orientation == GTK_ORIENTATION_VERTICAL ? *minimum : NATURAL_WIDTH);
}

static void
ferry_task_list_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  gtk_widget_allocate (FERRY_TASK_LIST (widget)->box, width, height, baseline, NULL);
}

static GtkSizeRequestMode
ferry_task_list_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

/* What GTK does by itself would also grab the focus where Shift+Tab wants to leave the list. */
/* A window that opens gives its focus to what is first in it. */
static gboolean
enter (FerryTaskList *self)
{
  gboolean is_given = gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self))) == NULL;
  gboolean has_entered = ferry_task_rows_enter (self->rows);

  if (is_given)
    ferry_task_rows_note_given_focus (self->rows);
  return has_entered;
}

static gboolean
ferry_task_list_focus (GtkWidget *widget, GtkDirectionType direction)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);
  GtkListItem *item = ferry_task_rows_find_focus (self->rows);
  gboolean is_inside = gtk_widget_get_focus_child (widget) != NULL;
  gboolean is_tab = direction == GTK_DIR_TAB_FORWARD || direction == GTK_DIR_TAB_BACKWARD;

  if (g_list_model_get_n_items (G_LIST_MODEL (self->selection)) == 0 || (is_inside && !is_tab))
    return gtk_widget_child_focus (self->box, direction);
  if (item != NULL)
    return ferry_task_rows_move_focus (self->rows, item, direction) ||
           (direction == GTK_DIR_TAB_FORWARD && gtk_widget_child_focus (self->undo_bar, direction));
  if (is_inside && direction == GTK_DIR_TAB_FORWARD)
    return gtk_widget_child_focus (self->undo_bar, direction);
  return (direction == GTK_DIR_TAB_BACKWARD && gtk_widget_child_focus (self->undo_bar, direction)) || enter (self);
}

static gboolean
ferry_task_list_grab_focus (GtkWidget *widget)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);
  gboolean has_focus = ferry_list_view_grab_focus (self->stack, self->view);

  ferry_task_rows_note_given_focus (self->rows);
  return has_focus;
}

/* What has ended before is not read out. */
static void
ferry_task_list_map (GtkWidget *widget)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);

  ferry_task_ends_pass_over (self->ends);
  ferry_task_pace_tell (self->pace);
  ferry_task_rows_show (self->rows);
  GTK_WIDGET_CLASS (ferry_task_list_parent_class)->map (widget);
  follow (self);
}

/* Nobody sees the way back any more, unless it is in a toast of the window that the list is in. */
static void
ferry_task_list_unmap (GtkWidget *widget)
{
  if (!ferry_task_undo_is_elsewhere (FERRY_TASK_LIST (widget)->undo))
    ferry_task_commands_commit (FERRY_TASK_LIST (widget)->commands);
  ferry_task_ends_pass_over (FERRY_TASK_LIST (widget)->ends);
  end_tick (FERRY_TASK_LIST (widget));
  GTK_WIDGET_CLASS (ferry_task_list_parent_class)->unmap (widget);
  ferry_task_keeper_clear (FERRY_TASK_LIST (widget)->keeper);
}

static void
ferry_task_list_root (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (ferry_task_list_parent_class)->root (widget);
  g_signal_connect_object (gtk_widget_get_root (widget), "notify::focus-widget", G_CALLBACK (keep_tasks), widget,
                           G_CONNECT_SWAPPED);
}

static void
ferry_task_list_unroot (GtkWidget *widget)
{
  g_signal_handlers_disconnect_by_func (gtk_widget_get_root (widget), keep_tasks, widget);
  GTK_WIDGET_CLASS (ferry_task_list_parent_class)->unroot (widget);
}

static void
end_parts (FerryTaskList *self)
{
  ferry_task_commands_commit (self->commands);
  ferry_task_keeper_clear (self->keeper);
  ferry_task_rows_end (self->rows);
  ferry_task_menu_end (self->menu);
  ferry_task_ends_set_tally (self->ends, NULL);
}

static void
ferry_task_list_dispose (GObject *object)
{
  FerryTaskList *self = FERRY_TASK_LIST (object);

  if (self->box != NULL)
    end_parts (self);
  end_tick (self);
  self->view = NULL;
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->selected);
  g_clear_object (&self->selection);
  g_clear_object (&self->sorted);
  g_clear_object (&self->filtered);
  g_clear_object (&self->order);
  g_clear_object (&self->pace);
  g_clear_object (&self->filter);
  g_clear_object (&self->sorter);
  g_clear_object (&self->tally);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (ferry_task_list_parent_class)->dispose (object);
}

static void
ferry_task_list_finalize (GObject *object)
{
  FerryTaskList *self = FERRY_TASK_LIST (object);

  g_object_unref (self->ends);
  g_object_unref (self->menu);
  g_object_unref (self->commands);
  g_object_unref (self->keeper);
  g_object_unref (self->rows);
  G_OBJECT_CLASS (ferry_task_list_parent_class)->finalize (object);
}

static void
make_state_properties (GParamFlags settable)
{
  /**
   * FerryTaskList:selected-task:
   *
   * The task that is selected; %NULL for none, or several.
   */
  properties[PROP_SELECTED_TASK] = g_param_spec_object ("selected-task", NULL, NULL, FERRY_TYPE_TASK, settable);
  /**
   * FerryTaskList:n-failed:
   *
   * How many tasks of the model have failed that nobody has removed or tried again, whatever the filter shows. A window
   * can say so where its list is not in sight.
   */
  properties[PROP_N_FAILED] = g_param_spec_uint ("n-failed", NULL, NULL, 0, G_MAXUINT, 0,
                                                 G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  /**
   * FerryTaskList:paused:
   *
   * Whether all is paused: no task of the model is begun, and those that run are paused too. A queue is paused as well
   * as its executor; tasks that no executor of the model has are paused one by one, and it is %FALSE where these are
   * all, and none is open. This is the state of `task.pause-all`, and a #GPropertyAction makes it an action of a
   * window.
   */
  properties[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, settable);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * FerryTaskList:tasks:
   *
   * The tasks: an executor, several in a [class@Gtk.FlattenListModel], or any other list model of tasks.
   */
  properties[PROP_TASKS] = g_param_spec_object ("tasks", NULL, NULL, G_TYPE_LIST_MODEL, settable);
  /**
   * FerryTaskList:executor:
   *
   * The executor that tasks are tried again by which no executor of the model has. An executor that is the model is set
   * by itself. Without one, such tasks can be cancelled and their errors read, and nothing else; but from a #GListStore
   * tasks that have ended are removed.
   */
  properties[PROP_EXECUTOR] = g_param_spec_object ("executor", NULL, NULL, FERRY_TYPE_EXECUTOR, settable);
  /**
   * FerryTaskList:filter:
   *
   * Which tasks are shown; %NULL for all.
   */
  properties[PROP_FILTER] = g_param_spec_object ("filter", NULL, NULL, GTK_TYPE_FILTER, settable);
  /**
   * FerryTaskList:sorter:
   *
   * The order of the tasks; %NULL for that of the model.
   */
  properties[PROP_SORTER] = g_param_spec_object ("sorter", NULL, NULL, GTK_TYPE_SORTER, settable);
  /**
   * FerryTaskList:placeholder:
   *
   * What is shown while there is no task to show; %NULL for a line that says so.
   */
  properties[PROP_PLACEHOLDER] = g_param_spec_object ("placeholder", NULL, NULL, GTK_TYPE_WIDGET, settable);
  /**
   * FerryTaskList:max-height:
   *
   * In pixels: the list is as high as its rows, and scrolls where these are higher than this. So it grows in a page of
   * preferences, a popover, and all that scrolls around it. 0, the default: it fills what it is given, and scrolls
   * there.
   */
  properties[PROP_MAX_HEIGHT] = g_param_spec_int ("max-height", NULL, NULL, 0, G_MAXINT, 0, settable);
  make_state_properties (settable);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
install_signals (void)
{
  /**
   * FerryTaskList::setup-row:
   * @self: the list
   * @row: a new row, without a task
   *
   * Emitted for each row that the list makes. A handler may set properties of the row, such as
   * [property@FerryGtk.TaskRow:prefix]. A row shows one task after the other; its property `task` says which.
   */
  signals[SETUP_ROW] = g_signal_new ("setup-row", FERRY_TYPE_TASK_LIST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                     G_TYPE_NONE, 1, FERRY_TYPE_TASK_ROW);
  /**
   * FerryTaskList::show-undo:
   * @self: the list
   * @words: (nullable): what was removed, such as `3 tasks removed`; %NULL: it is back, or gone for good
   *
   * Emitted when users have removed tasks, for which the action `task.undo` is possible for some seconds, and with
   * %NULL when it is not possible any more. A handler may show that, such as in a toast, which %NULL dismisses.
   *
   * Returns: %TRUE if the application shows it; then the list does not
   */
  signals[SHOW_UNDO] = g_signal_new ("show-undo", FERRY_TYPE_TASK_LIST, G_SIGNAL_RUN_LAST, 0,
                                     g_signal_accumulator_true_handled, NULL, NULL, G_TYPE_BOOLEAN, 1, G_TYPE_STRING);
  /**
   * FerryTaskList::show-error:
   * @self: the list
   * @task: a task that has failed
   *
   * Emitted when users want to know why a task has failed. A handler may open a dialog of its own, with what
   * ferry_task_describe_error() says.
   *
   * Returns: %TRUE if the application shows it; then the list does not open its window of details
   */
  signals[SHOW_ERROR] =
    g_signal_new ("show-error", FERRY_TYPE_TASK_LIST, G_SIGNAL_RUN_LAST, 0, g_signal_accumulator_true_handled, NULL,
                  NULL, G_TYPE_BOOLEAN, 1, FERRY_TYPE_TASK);
}

static void
install_keys (GtkWidgetClass *widget_class)
{
  static const struct
  {
    guint key;
    GdkModifierType modifiers;
    FerryTaskAction action;
  } keys[] = {
    {GDK_KEY_BackSpace, GDK_CONTROL_MASK, FERRY_TASK_ACTION_CANCEL},
    {GDK_KEY_p, GDK_CONTROL_MASK, FERRY_TASK_ACTION_PAUSE},
    {GDK_KEY_r, GDK_CONTROL_MASK, FERRY_TASK_ACTION_RETRY},
    {GDK_KEY_Delete, 0, FERRY_TASK_ACTION_REMOVE},
    {GDK_KEY_KP_Delete, 0, FERRY_TASK_ACTION_REMOVE},
    {GDK_KEY_Up, GDK_CONTROL_MASK, FERRY_TASK_ACTION_RUN_NEXT},
    {GDK_KEY_Return, GDK_ALT_MASK, FERRY_TASK_ACTION_SHOW_ERROR},
    {GDK_KEY_c, GDK_CONTROL_MASK, FERRY_TASK_ACTION_COPY_ERROR},
  };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_widget_class_add_binding_action (widget_class, keys[i].key, keys[i].modifiers,
                                         ferry_task_action_get_name (keys[i].action), NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Up, GDK_ALT_MASK, MOVE_UP, NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Down, GDK_ALT_MASK, MOVE_DOWN, NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_r, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "task.retry-all",
                                       NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_p, GDK_CONTROL_MASK | GDK_SHIFT_MASK, PAUSE_ALL, NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_z, GDK_CONTROL_MASK, "task.undo", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_F10, GDK_SHIFT_MASK, "menu.popup", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Menu, 0, "menu.popup", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_BackSpace, GDK_CONTROL_MASK | GDK_SHIFT_MASK,
                                       "task.cancel-all", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Delete, GDK_SHIFT_MASK, "task.clear-finished", NULL);
}

static void
ferry_task_list_class_init (FerryTaskListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_task_list_get_property;
  object_class->set_property = ferry_task_list_set_property;
  object_class->dispose = ferry_task_list_dispose;
  object_class->finalize = ferry_task_list_finalize;
  widget_class->measure = ferry_task_list_measure;
  widget_class->size_allocate = ferry_task_list_size_allocate;
  widget_class->get_request_mode = ferry_task_list_get_request_mode;
  widget_class->focus = ferry_task_list_focus;
  widget_class->grab_focus = ferry_task_list_grab_focus;
  widget_class->map = ferry_task_list_map;
  widget_class->unmap = ferry_task_list_unmap;
  widget_class->root = ferry_task_list_root;
  widget_class->unroot = ferry_task_list_unroot;
  install_properties (object_class);
  install_signals ();
  gtk_widget_class_set_css_name (widget_class, "tasklist");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GENERIC);
  for (guint i = 0; i < FERRY_TASK_N_ACTIONS; i++)
    gtk_widget_class_install_action (widget_class, ferry_task_action_get_name ((FerryTaskAction) i), NULL,
                                     activate_action);
  gtk_widget_class_install_action (widget_class, "task.undo", NULL, activate_undo);
  gtk_widget_class_install_action (widget_class, "menu.popup", NULL, activate_menu);
  gtk_widget_class_install_action (widget_class, "task.cancel-all", NULL, activate_cancel_all);
  gtk_widget_class_install_action (widget_class, "task.retry-all", NULL, activate_retry_all);
  gtk_widget_class_install_action (widget_class, "task.clear-finished", NULL, activate_clear_finished);
  gtk_widget_class_install_property_action (widget_class, PAUSE_ALL, "paused");
  gtk_widget_class_install_action (widget_class, MOVE_UP, NULL, activate_move);
  gtk_widget_class_install_action (widget_class, MOVE_DOWN, NULL, activate_move);
  install_keys (widget_class);
}

static void
make_models (FerryTaskList *self)
{
  self->pace = ferry_task_pace_new (due_cb, self);
  self->order = ferry_task_order_new ();
  ferry_task_order_set_model (self->order, G_LIST_MODEL (self->pace));
  self->filtered = gtk_filter_list_model_new (g_object_ref (G_LIST_MODEL (self->order)), NULL);
  self->sorted = gtk_sort_list_model_new (g_object_ref (G_LIST_MODEL (self->filtered)), NULL);
  self->selection = gtk_multi_selection_new (g_object_ref (G_LIST_MODEL (self->sorted)));
  g_signal_connect_object (self->selection, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "selection-changed", G_CALLBACK (selected_cb), self, G_CONNECT_SWAPPED);
}

static void
make_parts (FerryTaskList *self)
{
  self->rows = ferry_task_rows_new (GTK_SELECTION_MODEL (self->selection), _ ("Tasks"));
  self->view = ferry_task_rows_get_view (self->rows);
  self->keeper = ferry_task_keeper_new ();
  self->commands = ferry_task_commands_new (self->pace, self->order, self->rows, self->keeper);
  self->undo = ferry_task_commands_get_undo (self->commands);
  self->undo_bar = ferry_task_undo_get_bar (self->undo);
  self->menu = ferry_task_menu_new (GTK_WIDGET (self));
  g_signal_connect_object (self->rows, "setup", G_CALLBACK (setup_row_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->rows, "show", G_CALLBACK (show_row_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->rows, "moved", G_CALLBACK (follow), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->rows, "looked", G_CALLBACK (keep_tasks), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->commands, "removed", G_CALLBACK (show_undo), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->commands, "announce", G_CALLBACK (announce_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->commands, "show-error", G_CALLBACK (show_error_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->menu, "asked", G_CALLBACK (open_menu), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->menu, "closed", G_CALLBACK (menu_closed_cb), self, G_CONNECT_SWAPPED);
}

static void
ferry_task_list_init (FerryTaskList *self)
{
  ferry_look_ensure_styles (GTK_WIDGET (self));
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN); /* where its corners are round */
  make_models (self);
  make_parts (self);
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  self->stack = gtk_stack_new ();
  /* A stack asks a page that is not shown how wide it is on one line: a long placeholder would widen the window. */
  gtk_stack_set_hhomogeneous (GTK_STACK (self->stack), FALSE);
  gtk_stack_set_vhomogeneous (GTK_STACK (self->stack), FALSE);
  gtk_stack_add_named (GTK_STACK (self->stack), gtk_widget_get_parent (self->view), LIST_PAGE);
  gtk_box_append (GTK_BOX (self->box), self->stack);
  gtk_box_append (GTK_BOX (self->box), self->undo_bar);
  self->line = ferry_announce_line_new ();
  gtk_box_append (GTK_BOX (self->box), self->line);
  self->ends = ferry_task_ends_new (GTK_WIDGET (self), self->line);
  set_placeholder (self, NULL);
  show_undo (self);
}

void
ferry_task_list_set_removed_func (FerryTaskList *self, void (*func) (gpointer data), gpointer data)
{
  self->removed_changed = func;
  self->removed_data = data;
}

guint
ferry_task_list_count_removed (FerryTaskList *self)
{
  return ferry_task_undo_count (self->undo) + self->n_elsewhere;
}

guint
ferry_task_list_count_failed (FerryTaskList *self)
{
  guint n_failed = self->tally != NULL ? ferry_task_tally_count_failed (self->tally) : 0;

  return n_failed - MIN (n_failed, ferry_task_undo_count_failed (self->undo) + self->n_failed_elsewhere);
}

void
ferry_task_list_focus_first (FerryTaskList *self)
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  guint position = find_first (self, ferry_task_list_count_failed (self) > 0 ? has_failed : is_open);

  /* A window takes the focus from a popover that closes with the next frame. If it opens again before, the window has
   * that focus still, and would not give it to the same row anew. */
  ferry_task_rows_leave (self->rows);
  if (n_items > 0)
    ferry_task_rows_focus (self->rows, position < n_items ? position : 0);
  ferry_task_rows_note_given_focus (self->rows);
}

/**
 * ferry_task_list_set_filter:
 * @self: a list
 * @filter: (nullable) (transfer none): which tasks are shown; %NULL for all
 *
 * Sets [property@FerryGtk.TaskList:filter]. On the thread that runs GTK.
 */
void
ferry_task_list_set_filter (FerryTaskList *self, GtkFilter *filter)
{
  g_return_if_fail (FERRY_IS_TASK_LIST (self));
  g_return_if_fail (filter == NULL || GTK_IS_FILTER (filter));

  set_filter (self, filter);
}

/**
 * ferry_task_list_set_placeholder:
 * @self: a list
 * @placeholder: (nullable) (transfer none): what is shown while there is no task to show; %NULL for a line that says so
 *
 * Sets [property@FerryGtk.TaskList:placeholder]. A floating reference is sunk. On the thread that runs GTK.
 */
void
ferry_task_list_set_placeholder (FerryTaskList *self, GtkWidget *placeholder)
{
  g_return_if_fail (FERRY_IS_TASK_LIST (self));
  g_return_if_fail (placeholder == NULL || GTK_IS_WIDGET (placeholder));

  set_placeholder (self, placeholder);
}

/**
 * ferry_task_list_set_max_height:
 * @self: a list
 * @max_height: in pixels; 0: the list fills what it is given
 *
 * Sets [property@FerryGtk.TaskList:max-height]. On the thread that runs GTK.
 */
void
ferry_task_list_set_max_height (FerryTaskList *self, int max_height)
{
  g_return_if_fail (FERRY_IS_TASK_LIST (self));
  g_return_if_fail (max_height >= 0);

  set_max_height (self, max_height);
}

/**
 * ferry_task_list_new:
 * @tasks: (nullable) (transfer none): an executor, or another list model of tasks
 *
 * Makes a list. On the thread that runs GTK, which must be the router's.
 *
 * Returns: (transfer floating): a new list
 */
GtkWidget *
ferry_task_list_new (GListModel *tasks)
{
  g_return_val_if_fail (tasks == NULL || G_IS_LIST_MODEL (tasks), NULL);

  return g_object_new (FERRY_TYPE_TASK_LIST, "tasks", tasks, NULL);
}
