/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What actions do to the chosen tasks of a list, and the way back.
 *
 * What is selected, what has the focus and what is kept change together, in an order that the view depends on: the
 * focus leaves the rows before one of them goes.
 *
 * Threads:   the one that runs GTK.
 * Invariant: a task that was removed is hidden, and stays with its executor until it is too late for an undo. */

#include "config.h"

#include "gtk/ferry-task-commands-private.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-task-details-private.h"
#include "gtk/ferry-task-keeper-private.h"
#include "gtk/ferry-task-order-private.h"
#include "gtk/ferry-task-pace-private.h"
#include "gtk/ferry-task-rows-private.h"
#include "gtk/ferry-task-undo-private.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"

struct _FerryTaskCommands
{
  GObject parent_instance;

  GListModel *model;   /* (owned) (nullable): of tasks */
  FerryTaskPace *pace; /* (owned): as all below */
  FerryTaskOrder *order;
  FerryTaskRows *rows;
  FerryTaskKeeper *keeper;
  FerryTaskUndo *undo; /* tasks that are hidden, and not removed from the executor yet */
  gboolean is_sorted;
};

enum
{
  REMOVED,
  ANNOUNCE,
  SHOW_ERROR,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryTaskCommands, ferry_task_commands, G_TYPE_OBJECT)

static GListModel *
get_tasks (FerryTaskCommands *self)
{
  return G_LIST_MODEL (ferry_task_rows_get_tasks (self->rows));
}

static void
ring_bell (FerryTaskCommands *self)
{
  gtk_widget_error_bell (ferry_task_rows_get_view (self->rows));
}

/* Takes the words. */
static void
announce (FerryTaskCommands *self, char *words)
{
  g_signal_emit (self, signals[ANNOUNCE], 0, words);
  g_free (words);
}

static void
tell_removed (FerryTaskCommands *self)
{
  g_signal_emit (self, signals[REMOVED], 0);
}

void
ferry_task_commands_go_to (FerryTaskCommands *self, guint position, gboolean select)
{
  guint n_items = g_list_model_get_n_items (get_tasks (self));

  if (n_items == 0)
    {
      ferry_task_undo_grab_focus (self->undo);
      return;
    }
  position = MIN (position, n_items - 1);
  if (select)
    ferry_task_rows_select (self->rows, position);
  ferry_task_rows_focus (self->rows, position);
}

/* What was selected is followed by what comes in its place. A click on a button in a row selects nothing. */
static gboolean
is_selected (FerryTaskCommands *self, FerryTask *task)
{
  return gtk_selection_model_is_selected (ferry_task_rows_get_tasks (self->rows),
                                          ferry_list_view_find (get_tasks (self), task));
}

/* ---- removal, and the way back ---- */

/* Submits the work of a task once more. The new task stands where the old one stood. */
static FerryTask *
run_again (FerryTaskCommands *self, FerryTask *task, GError **error)
{
  FerryTask *again;

  ferry_task_pace_set_immediate (self->pace, TRUE);
  ferry_task_order_begin_replacement (self->order, ferry_list_view_find (self->order, task));
  again = ferry_task_run_again (task, ferry_task_keeper_find_executor (self->keeper, task), error);
  ferry_task_pace_set_immediate (self->pace, FALSE);
  ferry_task_order_end_replacement (self->order);
  return again;
}

static void
forget_removed (FerryTaskCommands *self)
{
  g_autoptr (GHashTable) removed = ferry_task_undo_take_tasks (self->undo);
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, removed);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    ferry_task_keeper_keep (self->keeper, task, FALSE);
}

static void
remove_for_good (FerryTaskCommands *self, FerryTask *task)
{
  FerryExecutor *executor = ferry_task_keeper_find_executor (self->keeper, task);
  guint position;

  if (executor != NULL)
    ferry_executor_remove (executor, task, NULL);
  if (G_IS_LIST_STORE (self->model) && g_list_store_find (G_LIST_STORE (self->model), task, &position))
    g_list_store_remove (G_LIST_STORE (self->model), position);
}

void
ferry_task_commands_commit (FerryTaskCommands *self)
{
  g_autoptr (GList) tasks = g_hash_table_get_keys (ferry_task_undo_get_tasks (self->undo));

  if (tasks == NULL)
    return;
  for (GList *item = tasks; item != NULL; item = item->next)
    remove_for_good (self, item->data);
  forget_removed (self);
  tell_removed (self);
}

/* Selects the tasks of the set alone, and goes to the first of them. */
static void
go_to_all (FerryTaskCommands *self, GHashTable *tasks)
{
  guint n_items = g_list_model_get_n_items (get_tasks (self));
  g_autoptr (GtkBitset) places = gtk_bitset_new_empty (), all = gtk_bitset_new_range (0, n_items);

  for (guint position = 0; position < n_items; position++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (get_tasks (self), position);

      if (g_hash_table_contains (tasks, task))
        gtk_bitset_add (places, position);
    }
  if (gtk_bitset_is_empty (places))
    return;
  gtk_selection_model_set_selection (ferry_task_rows_get_tasks (self->rows), places, all);
  ferry_task_rows_focus (self->rows, gtk_bitset_get_minimum (places));
}

/* What is read out of tasks that are back, of which there is one at least. */
static char *
words_for_return (GHashTable *tasks)
{
  guint n_tasks = g_hash_table_size (tasks);
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, tasks);
  if (g_hash_table_iter_next (&iter, &task, NULL) && n_tasks == 1)
    return g_strdup_printf (_ ("Put back: %s"), ferry_task_words_get_name (task));
  return g_strdup_printf (ferry_gtk_ngettext ("%u task put back", "%u tasks put back", n_tasks), n_tasks);
}

void
ferry_task_commands_undo (FerryTaskCommands *self)
{
  g_autoptr (GHashTable) back = ferry_task_keeper_make_set ();
  GHashTableIter iter;
  gpointer task;
  gboolean failed = FALSE;

  g_hash_table_iter_init (&iter, ferry_task_undo_get_tasks (self->undo));
  while (g_hash_table_iter_next (&iter, &task, NULL))
    {
      FerryTask *again = ferry_task_undo_is_stopped (self->undo, task) ? run_again (self, task, NULL) : task;

      failed |= again == NULL;
      if (again != NULL)
        g_hash_table_add (back, g_object_ref (again));
    }
  if (failed)
    ring_bell (self);
  ferry_task_keeper_add_looked_at (self->keeper, back);
  forget_removed (self);
  tell_removed (self);
  if (g_hash_table_size (back) > 0)
    announce (self, words_for_return (back));
  go_to_all (self, back);
}

/* What is read out of tasks that were removed. */
static char *
words_for_removal (GPtrArray *tasks)
{
  if (tasks->len == 1)
    return g_strdup_printf (_ ("Removed: %s. Control+Z puts it back."), ferry_task_words_get_name (tasks->pdata[0]));
  return g_strdup_printf (ferry_gtk_ngettext ("%u task removed. Control+Z puts it back.",
                                              "%u tasks removed. Control+Z puts them back.", tasks->len),
                          tasks->len);
}

/* Nobody has asked for the neighbour, so that it does not stay for this. */
static void
remove_tasks (FerryTaskCommands *self, GPtrArray *tasks)
{
  guint position = ferry_list_view_find (get_tasks (self), tasks->pdata[0]);
  gboolean select = is_selected (self, tasks->pdata[0]);

  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = tasks->pdata[i];

      ferry_task_undo_add (self->undo, task,
                           ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && ferry_task_cancel (task));
      ferry_task_keeper_keep (self->keeper, task, TRUE);
    }
  ferry_task_rows_leave (self->rows);
  ferry_task_undo_begin (self->undo);
  tell_removed (self);
  announce (self, words_for_removal (tasks));
  ferry_task_commands_go_to (self, position, select);
  ferry_task_rows_note_given_focus (self->rows);
}

/* ---- actions ---- */

static void
retry_task (FerryTaskCommands *self, FerryTask *task, gboolean select)
{
  g_autoptr (GError) error = NULL;
  FerryTask *again = run_again (self, task, &error);

  if (again == NULL)
    {
      ring_bell (self);
      return;
    }
  announce (self, g_strdup_printf (_ ("Runs again: %s"), ferry_task_words_get_name (again)));
  ferry_task_commands_go_to (self, ferry_list_view_find (get_tasks (self), again), select);
}

/* The position of the first task that waits, of those of the same queue. */
static guint
find_waiting (GListModel *tasks, FerryTask *like)
{
  guint n_tasks = g_list_model_get_n_items (tasks);

  for (guint position = 0; position < n_tasks; position++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (tasks, position);

      if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && ferry_task_is_of_same_queue (task, like))
        return position;
    }
  return n_tasks;
}

static void
run_next (FerryTaskCommands *self, FerryTask *task, gboolean select)
{
  guint from = ferry_list_view_find (self->order, task), to = find_waiting (G_LIST_MODEL (self->order), task);
  g_autoptr (FerryTask) first = g_list_model_get_item (G_LIST_MODEL (self->order), to);

  if (!ferry_task_run_next (task, ferry_task_keeper_find_executor (self->keeper, task), NULL))
    {
      ring_bell (self);
      return;
    }
  announce (self, g_strdup_printf (_ ("Runs next: %s"), ferry_task_words_get_name (task)));
  if (to >= from)
    return;
  ferry_task_rows_leave (self->rows);
  if (ferry_task_can_move (task))
    {
      ferry_task_pace_set_immediate (self->pace, TRUE);
      ferry_task_move (task, first, /* like: */ task, NULL);
      ferry_task_pace_set_immediate (self->pace, FALSE);
      ferry_task_words_set_first (task, TRUE);
    }
  else
    ferry_task_order_move (self->order, from, to);
  ferry_task_commands_go_to (self, ferry_list_view_find (get_tasks (self), task), select);
}

/* Pauses those that run; where all are paused, lets them go on. */
static void
toggle_paused (FerryTaskCommands *self, GPtrArray *tasks)
{
  gboolean resume = TRUE;
  FerryTask *first = tasks->pdata[0];

  for (guint i = 0; i < tasks->len; i++)
    resume = resume && ferry_task_is_paused (tasks->pdata[i]);
  for (guint i = 0; i < tasks->len; i++)
    if (ferry_task_is_paused (tasks->pdata[i]) == resume)
      ferry_task_toggle_paused (tasks->pdata[i]);
  if (tasks->len == 1)
    announce (self, g_strdup_printf (ferry_task_is_paused (first) ? _ ("Paused: %s") : _ ("Goes on: %s"),
                                     ferry_task_words_get_name (first)));
}

static void
copy_errors (FerryTaskCommands *self, GPtrArray *tasks)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < tasks->len; i++)
    {
      g_autofree char *report = ferry_task_dup_error_report (tasks->pdata[i]);

      g_string_append (text, report);
    }
  gdk_clipboard_set_text (gtk_widget_get_clipboard (ferry_task_rows_get_view (self->rows)), text->str);
}

static void
cancel_tasks (GPtrArray *tasks)
{
  for (guint i = 0; i < tasks->len; i++)
    ferry_task_cancel (tasks->pdata[i]);
}

static void
retry_shown (gpointer commands, FerryTask *task, FerryTaskAction action)
{
  FerryTaskCommands *self = commands;

  ferry_task_pace_tell (self->pace);
  retry_task (self, task, is_selected (self, task));
}

static void
show_error (FerryTaskCommands *self, FerryTask *task)
{
  FerryExecutor *executor = ferry_task_keeper_find_executor (self->keeper, task);
  gboolean can_retry = ferry_task_action_is_possible (FERRY_TASK_ACTION_RETRY, task, executor);
  gboolean is_shown = FALSE;

  ferry_look_leave_popover (ferry_task_rows_get_view (self->rows));
  g_signal_emit (self, signals[SHOW_ERROR], 0, task, &is_shown);
  if (is_shown)
    return;
  ferry_task_details_present (task, ferry_task_rows_get_view (self->rows), can_retry ? retry_shown : NULL, self);
}

/* At least one task, and the action is possible for each of them. */
static void
act_on (FerryTaskCommands *self, GPtrArray *tasks, FerryTaskAction action)
{
  gboolean select;

  ferry_task_pace_tell (self->pace);
  select = is_selected (self, tasks->pdata[0]);
  switch (action)
    {
    case FERRY_TASK_ACTION_CANCEL:
      cancel_tasks (tasks);
      break;
    case FERRY_TASK_ACTION_PAUSE:
      toggle_paused (self, tasks);
      break;
    case FERRY_TASK_ACTION_RETRY:
      for (guint i = 0; i < tasks->len; i++)
        retry_task (self, tasks->pdata[i], select);
      break;
    case FERRY_TASK_ACTION_REMOVE:
      remove_tasks (self, tasks);
      break;
    case FERRY_TASK_ACTION_RUN_NEXT:
      for (guint i = tasks->len; i > 0; i--)
        run_next (self, tasks->pdata[i - 1], select);
      break;
    case FERRY_TASK_ACTION_SHOW_ERROR:
      show_error (self, tasks->pdata[0]);
      break;
    case FERRY_TASK_ACTION_COPY_ERROR:
      copy_errors (self, tasks);
      break;
    case FERRY_TASK_N_ACTIONS:
    default:
      g_assert_not_reached ();
    }
}

/* ---- which tasks ---- */

/* (transfer full) (element-type FerryTask): those that are selected, in their order. */
static GPtrArray *
dup_selected (FerryTaskCommands *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GtkBitset) set = gtk_selection_model_get_selection (ferry_task_rows_get_tasks (self->rows));
  GtkBitsetIter iter;
  guint position;

  for (gboolean more = gtk_bitset_iter_init_first (&iter, set, &position); more;
       more = gtk_bitset_iter_next (&iter, &position))
    g_ptr_array_add (tasks, g_list_model_get_item (get_tasks (self), position));
  return tasks;
}

GPtrArray *
ferry_task_commands_dup_current (FerryTaskCommands *self)
{
  GPtrArray *tasks = dup_selected (self);
  GtkListItem *item = ferry_task_rows_find_focus (self->rows);
  gpointer task = item != NULL ? gtk_list_item_get_item (item) : NULL;
  gboolean is_in_row = ferry_task_rows_find_focus_row (self->rows) != NULL;

  /* A row that has the focus itself is meant where none is selected. */
  if (task == NULL || (!is_in_row && tasks->len > 0) || g_ptr_array_find (tasks, task, NULL))
    return tasks;
  g_ptr_array_set_size (tasks, 0);
  g_ptr_array_add (tasks, g_object_ref (task));
  return tasks;
}

/* ---- another order ---- */

/* (transfer full) (nullable): the next task of the same queue, above the position or below it, which is none of the
 * tasks. waits: that waits. */
static FerryTask *
find_neighbour (FerryTaskCommands *self, GPtrArray *tasks, guint position, gboolean up, gboolean waits)
{
  guint n_items = g_list_model_get_n_items (get_tasks (self));

  while (up ? position > 0 : position + 1 < n_items)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (get_tasks (self), up ? position - 1 : position + 1);

      position = up ? position - 1 : position + 1;
      if (ferry_task_is_of_same_queue (task, tasks->pdata[0]) && (!waits || ferry_task_can_move (task)) &&
          !g_ptr_array_find (tasks, task, NULL))
        return g_steal_pointer (&task);
    }
  return NULL;
}

/* (transfer full) (nullable): the task above which, or below which, the tasks would be moved. */
static FerryTask *
find_goal (FerryTaskCommands *self, GPtrArray *tasks, gboolean up)
{
  guint position;

  for (guint i = 0; i < tasks->len; i++)
    if (!ferry_task_can_move (tasks->pdata[i]) || !ferry_task_is_of_same_queue (tasks->pdata[i], tasks->pdata[0]))
      return NULL;
  if (tasks->len == 0 || self->is_sorted)
    return NULL;
  position = ferry_list_view_find (get_tasks (self), tasks->pdata[up ? 0 : tasks->len - 1]);
  return find_neighbour (self, tasks, position, up, /* waits: */ TRUE);
}

void
ferry_task_commands_set_sorted (FerryTaskCommands *self, gboolean is_sorted)
{
  self->is_sorted = is_sorted;
}

gboolean
ferry_task_commands_can_drag (FerryTaskCommands *self, FerryTask *task)
{
  return !self->is_sorted && ferry_task_can_move (task);
}

gboolean
ferry_task_commands_can_move (FerryTaskCommands *self, GPtrArray *tasks, gboolean up)
{
  g_autoptr (FerryTask) goal = find_goal (self, tasks, up);

  return goal != NULL;
}

/* Moves the tasks above or below the goal. What is selected, and the focus, go with them. */
static gboolean
move_tasks (FerryTaskCommands *self, GPtrArray *tasks, FerryTask *goal, gboolean below)
{
  g_autoptr (GHashTable) moved = ferry_task_keeper_make_set ();
  guint position = ferry_list_view_find (get_tasks (self), goal);
  g_autoptr (FerryTask) before =
    below ? find_neighbour (self, tasks, position, /* up: */ FALSE, /* waits: */ FALSE) : g_object_ref (goal);
  gboolean done = TRUE;

  ferry_task_rows_leave (self->rows);
  ferry_task_pace_set_immediate (self->pace, TRUE);
  for (guint i = 0; i < tasks->len; i++)
    {
      done = done && ferry_task_move (tasks->pdata[i], before, goal, NULL);
      g_hash_table_add (moved, g_object_ref (tasks->pdata[i]));
    }
  ferry_task_pace_set_immediate (self->pace, FALSE);
  go_to_all (self, moved);
  if (!done)
    ring_bell (self);
  else if (tasks->len == 1)
    announce (self, g_strdup_printf (below ? _ ("Moved down: %s") : _ ("Moved up: %s"),
                                     ferry_task_words_get_name (tasks->pdata[0])));
  return done;
}

void
ferry_task_commands_move (FerryTaskCommands *self, gboolean up)
{
  g_autoptr (GPtrArray) tasks = NULL;
  g_autoptr (FerryTask) goal = NULL;

  ferry_task_pace_tell (self->pace);
  tasks = ferry_task_commands_dup_current (self);
  goal = find_goal (self, tasks, up);
  if (goal != NULL)
    move_tasks (self, tasks, goal, /* below: */ !up);
  else
    ring_bell (self);
}

gboolean
ferry_task_commands_drop (FerryTaskCommands *self, FerryTask *task, FerryTask *over, gboolean below)
{
  g_autoptr (GPtrArray) tasks = NULL;

  ferry_task_pace_tell (self->pace);
  tasks = dup_selected (self);
  if (!g_ptr_array_find (tasks, task, NULL))
    {
      g_ptr_array_set_size (tasks, 0);
      g_ptr_array_add (tasks, g_object_ref (task));
    }
  for (guint i = 0; i < tasks->len; i++)
    if (tasks->pdata[i] == over || !ferry_task_can_move (tasks->pdata[i]) ||
        !ferry_task_is_of_same_queue (tasks->pdata[i], over))
      return FALSE;
  return ferry_task_can_move (over) && move_tasks (self, tasks, over, below);
}

/* ---- what is possible ---- */

/* Whose list can be changed: that of an executor, and the application's own. */
static gboolean
is_possible_for (FerryTaskCommands *self, FerryTaskAction action, FerryTask *task)
{
  if (action == FERRY_TASK_ACTION_REMOVE && G_IS_LIST_STORE (self->model))
    return ferry_task_get_done (task);
  return ferry_task_action_is_possible (action, task, ferry_task_keeper_find_executor (self->keeper, task));
}

/* A window has one error. */
static gboolean
is_for_several (FerryTaskAction action)
{
  return action != FERRY_TASK_ACTION_SHOW_ERROR;
}

gboolean
ferry_task_commands_is_possible (FerryTaskCommands *self, FerryTaskAction action, GPtrArray *tasks)
{
  guint n = 0;

  for (guint i = 0; i < tasks->len && n < 2; i++)
    n += is_possible_for (self, action, tasks->pdata[i]);
  return n > 0 && (n == 1 || is_for_several (action));
}

gboolean
ferry_task_commands_resumes (FerryTaskCommands *self, GPtrArray *tasks)
{
  gboolean resumes = TRUE;

  for (guint i = 0; i < tasks->len; i++)
    resumes = resumes && (ferry_task_is_paused (tasks->pdata[i]) ||
                          !is_possible_for (self, FERRY_TASK_ACTION_PAUSE, tasks->pdata[i]));
  return resumes;
}

void
ferry_task_commands_act (FerryTaskCommands *self, FerryTask *task, FerryTaskAction action)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (tasks, g_object_ref (task));
  act_on (self, tasks, action);
}

void
ferry_task_commands_activate (FerryTaskCommands *self, const char *name)
{
  g_autoptr (GPtrArray) tasks = ferry_task_commands_dup_current (self);
  FerryTaskAction action;

  if (!ferry_task_action_find (name, &action))
    return;
  for (guint i = tasks->len; i > 0; i--)
    if (!is_possible_for (self, action, tasks->pdata[i - 1]))
      g_ptr_array_remove_index (tasks, i - 1);
  if (tasks->len == 1 || (tasks->len > 1 && is_for_several (action)))
    act_on (self, tasks, action);
  else
    ring_bell (self);
}

/* Those of the list that are over, or those that are not. */
static GPtrArray *
dup_tasks (FerryTaskCommands *self, gboolean over)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_items;

  ferry_task_pace_tell (self->pace);
  n_items = g_list_model_get_n_items (get_tasks (self));
  for (guint position = 0; position < n_items; position++)
    {
      FerryTask *task = g_list_model_get_item (get_tasks (self), position);

      if (ferry_task_get_done (task) == over)
        g_ptr_array_add (tasks, task);
      else
        g_object_unref (task);
    }
  return tasks;
}

void
ferry_task_commands_retry_all (FerryTaskCommands *self)
{
  g_autoptr (GPtrArray) tasks = dup_tasks (self, /* over: */ TRUE);
  guint n = 0;

  for (guint i = 0; i < tasks->len; i++)
    if (ferry_task_get_state (tasks->pdata[i]) == FERRY_TASK_STATE_FAILED &&
        is_possible_for (self, FERRY_TASK_ACTION_RETRY, tasks->pdata[i]))
      n += run_again (self, tasks->pdata[i], NULL) != NULL;
  if (n > 0)
    announce (self, g_strdup_printf (ferry_gtk_ngettext ("%u task runs again", "%u tasks run again", n), n));
  else
    ring_bell (self);
}

void
ferry_task_commands_cancel_all (FerryTaskCommands *self)
{
  g_autoptr (GPtrArray) tasks = dup_tasks (self, /* over: */ FALSE);

  cancel_tasks (tasks);
}

gboolean
ferry_task_commands_can_remove (FerryTaskCommands *self)
{
  return ferry_task_keeper_has_executor (self->keeper) || G_IS_LIST_STORE (self->model);
}

void
ferry_task_commands_clear_finished (FerryTaskCommands *self)
{
  g_autoptr (GPtrArray) tasks = dup_tasks (self, /* over: */ TRUE);

  if (tasks->len > 0 && ferry_task_commands_can_remove (self))
    remove_tasks (self, tasks);
}

/* ---- the object ---- */

static void
undo_ended_cb (gpointer data)
{
  ferry_task_commands_commit (data);
}

static void
changed_elsewhere_cb (gpointer data)
{
  tell_removed (data);
}

static void
ferry_task_commands_finalize (GObject *object)
{
  FerryTaskCommands *self = FERRY_TASK_COMMANDS (object);

  g_object_unref (self->undo);
  g_object_unref (self->keeper);
  g_object_unref (self->rows);
  g_object_unref (self->order);
  g_object_unref (self->pace);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (ferry_task_commands_parent_class)->finalize (object);
}

static void
ferry_task_commands_class_init (FerryTaskCommandsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_task_commands_finalize;
  signals[REMOVED] =
    g_signal_new ("removed", FERRY_TYPE_TASK_COMMANDS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[ANNOUNCE] = g_signal_new ("announce", FERRY_TYPE_TASK_COMMANDS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                    G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SHOW_ERROR] = g_signal_new ("show-error", FERRY_TYPE_TASK_COMMANDS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                      G_TYPE_BOOLEAN, 1, FERRY_TYPE_TASK);
}

static void
ferry_task_commands_init (FerryTaskCommands *self)
{
  self->undo = ferry_task_undo_new (undo_ended_cb, changed_elsewhere_cb, self);
}

FerryTaskCommands *
ferry_task_commands_new (FerryTaskPace *pace, FerryTaskOrder *order, FerryTaskRows *rows, FerryTaskKeeper *keeper)
{
  FerryTaskCommands *self = g_object_new (FERRY_TYPE_TASK_COMMANDS, NULL);

  self->pace = g_object_ref (pace);
  self->order = g_object_ref (order);
  self->rows = g_object_ref (rows);
  self->keeper = g_object_ref (keeper);
  return self;
}

FerryTaskUndo *
ferry_task_commands_get_undo (FerryTaskCommands *self)
{
  return self->undo;
}

void
ferry_task_commands_set_model (FerryTaskCommands *self, GListModel *model)
{
  g_set_object (&self->model, model);
}
