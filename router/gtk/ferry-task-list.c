/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks as a list: rows in sight only, what can be done with them by keyboard, and a way back.
 *
 * Threads:   the one that runs GTK.
 * Models:    the tasks -> as they were in the last frame -> with those in other places that users tried again or put
 * first -> those that the application's filter and the removed set leave -> in the order of its sorter -> the
 * selection. Without filter and sorter the models between hand everything on as it is. Invariant: a task that was
 * removed is hidden, and stays with its executor until it is too late for an undo.
 *
 * It is one file since what is selected, what has the focus and what is kept are looked at together: each action
 * changes all of them, in an order that the view depends on. */

#include "config.h"

#include "gtk/ferry-task-list-private.h"

#include "gtk/ferry-announce-private.h"
#include "gtk/ferry-list-view-private.h"
#include "gtk/ferry-look-private.h"
#include "gtk/ferry-task-cell-private.h"
#include "gtk/ferry-task-details-private.h"
#include "gtk/ferry-task-order-private.h"
#include "gtk/ferry-task-pace-private.h"
#include "gtk/ferry-task-row-private.h"
#include "gtk/ferry-task-tally-private.h"
#include "gtk/ferry-task-undo-private.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"
#include "task/ferry-executor-private.h"

#define LIST_PAGE "list"
#define PLACEHOLDER_PAGE "placeholder"

/* How often ends of tasks are read out at most. */
#define ENDS_SECONDS 2

/* Rows beside those in sight that show their tasks already. */
#define ROWS_AROUND 3

/* How often rows are put into a view that has its layout, in a frame. */
#define MOST_TURNS 2

/* Rows of a view that has shown no row yet, which says nothing of their height; and the height. */
#define ROWS_AT_FIRST 12
#define HEIGHT_AT_FIRST 60

/* What a list asks for in a window that has no size of its own. */
#define NATURAL_WIDTH 360
#define LEAST_ROWS 2

/* How often the list follows its model at most, in microseconds. */
#define INTERVAL (G_USEC_PER_SEC / 10)

/* How many rows that are not needed are kept for other tasks. */
#define MOST_SPARE_ROWS 32

/* How many of the selected tasks are kept at most. */
#define MOST_KEPT 1000

/* Where the menu has what pauses and resumes. */
#define PAUSE_PLACE 3

/**
 * FerryTaskList:
 *
 * A list of tasks, such as those of a [class@Ferry.Executor], which is a model of its tasks.
 *
 * Rows exist for tasks near those in sight only, so a list of 100,000 tasks costs what a page of it does. The rows are
 * [class@FerryGtk.TaskRow]s; the signal `setup-row` lets an application add to them. A row that is not in sight has no
 * task. The list follows its model in the frames of its window, and not while it is not mapped.
 *
 * A list is at least as high as two rows.
 *
 * The list has the actions `task.cancel`, `task.pause`, `task.retry`, `task.remove`, `task.run-next`,
 * `task.show-error` and `task.copy-error`. The keys are Control+BackSpace, Control+P, Control+R, Delete, Control+Up,
 * Alt+Return and Control+C. They act on all tasks that are selected, or on the one whose row has the focus, where that
 * is not selected.
 *
 * Two actions are for the whole list, without the tasks that a filter hides: `task.cancel-all`
 * (Shift+Control+BackSpace) cancels what waits or runs, and `task.clear-finished` (Shift+Delete) removes what has
 * ended. A button elsewhere activates them with [method@Gtk.Widget.activate_action] of the list.
 *
 * Tab goes to a row, through what is in it, and out of the list. The keys of arrows walk the rows.
 *
 * A menu has what is possible of all this: by the secondary button of the pointer, a long touch, or the menu key.
 *
 * A row that is selected, has the focus or is under the pointer does not go by itself when its task has ended.
 *
 * A removal can be undone for some seconds: `task.undo`, or Control+Z. A task that waits is cancelled when it is
 * removed, and an undo submits it again.
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

  GListModel *model;       /* (nullable): of tasks */
  FerryTaskTally *tally;   /* (owned) (nullable): of the model */
  FerryExecutor *executor; /* (nullable): of tasks that no executor of the model has */
  GtkFilter *filter;       /* (nullable): the application's */
  GtkSorter *sorter;       /* (nullable): the application's */
  GtkWidget *placeholder;  /* (nullable) (unowned): a child of the stack */

  FerryTaskPace *pace;
  FerryTaskOrder *order;
  GtkFilterListModel *filtered;
  GtkSortListModel *sorted;
  GtkMultiSelection *selection;
  FerryTask *selected;  /* (owned) (nullable): the one that is selected alone */
  FerryTaskUndo *undo;  /* tasks that are hidden, and not removed from the executor yet */
  GHashTable *items;    /* (element-type GtkListItem guint): those with a task, (unowned), and n_layouts at that time */
  GHashTable *cells;    /* (element-type GtkListItem FerryTaskCell): of each item, (unowned), its cell, (owned) */
  GHashTable *kept;     /* (element-type FerryTask): those that the executor keeps, since somebody looks at them */
  GtkWidget *pointed;   /* (nullable) (unowned): the row under the pointer */
  int row_height;       /* of the row that was measured last */
  GdkFrameClock *clock; /* (nullable) (owned): of the window */
  guint n_layouts;      /* how often the window was laid out */
  gboolean has_moved;   /* other rows may be in sight than before this frame */
  gint64 frame;         /* the one in which rows were put into a view that had its layout last */
  guint n_turns;        /* how often that was so in this frame */
  GPtrArray *spare;     /* (element-type FerryTaskRow) (owned): rows of none */
  gboolean is_due;      /* the model has changed */
  gint64 told;          /* the frame in which the list followed it last */
  guint tick;           /* the next frame brings something new */
  guint64 n_completed, n_failed; /* how many ends of the executor's tasks were read out, or passed over */
  guint ends_timer;              /* ends are read out later */

  GtkWidget *box;
  GtkWidget *line; /* of what cannot be read out */
  GtkWidget *stack;
  GtkWidget *view;
  GtkWidget *undo_bar; /* (unowned): that of undo */
  GtkWidget *menu;
  GMenu *task_menu;                        /* (owned): its part for tasks */
  void (*removed_changed) (gpointer data); /* (nullable) */
  gpointer removed_data;
  int max_height; /* 0: the list has a size of its own */
};

enum
{
  PROP_TASKS = 1,
  PROP_EXECUTOR,
  PROP_FILTER,
  PROP_SORTER,
  PROP_PLACEHOLDER,
  PROP_SELECTED_TASK,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

static guint setup_row_signal;

G_DEFINE_FINAL_TYPE (FerryTaskList, ferry_task_list, GTK_TYPE_WIDGET)

/* (transfer full): for tasks. */
static GHashTable *
make_set (void)
{
  return g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
}

/* ---- what is shown ---- */

static gboolean
is_not_removed (gpointer item, gpointer data)
{
  return !ferry_task_undo_contains (FERRY_TASK_LIST (data)->undo, item);
}

/* No filter is asked where none is needed: a model that hands everything on costs nothing. */
static void
apply_filters (FerryTaskList *self)
{
  g_autoptr (GtkFilter) every = NULL;

  if (ferry_task_undo_count (self->undo) == 0)
    {
      gtk_filter_list_model_set_filter (self->filtered, self->filter);
      return;
    }
  every = GTK_FILTER (gtk_every_filter_new ());
  gtk_multi_filter_append (GTK_MULTI_FILTER (every), GTK_FILTER (gtk_custom_filter_new (is_not_removed, self, NULL)));
  if (self->filter != NULL)
    gtk_multi_filter_append (GTK_MULTI_FILTER (every), g_object_ref (self->filter));
  gtk_filter_list_model_set_filter (self->filtered, every);
}

/* Takes the focus from the rows. GTK 4.8 keeps a row for good that is removed with the focus in it. */
static void
take_focus (FerryTaskList *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (focus != NULL && gtk_widget_is_ancestor (focus, self->view))
    gtk_root_set_focus (root, NULL);
}

/* (transfer full) (element-type FerryTask): those that are selected, in their order. */
static GPtrArray *
dup_selected (FerryTaskList *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GtkBitset) set = gtk_selection_model_get_selection (GTK_SELECTION_MODEL (self->selection));
  GtkBitsetIter iter;
  guint position;

  for (gboolean more = gtk_bitset_iter_init_first (&iter, set, &position); more;
       more = gtk_bitset_iter_next (&iter, &position))
    g_ptr_array_add (tasks, g_list_model_get_item (G_LIST_MODEL (self->selection), position));
  return tasks;
}

/* ---- rows that do not go by themselves ---- */

static void follow (gpointer data);

/* (nullable): that of the row which has the focus, or has what has it. */
static GtkListItem *
find_focus_item (FerryTaskList *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  GHashTableIter iter;
  gpointer item;

  if (focus == NULL || self->view == NULL || !gtk_widget_is_ancestor (focus, self->view))
    return NULL;
  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    {
      GtkWidget *widget = gtk_widget_get_parent (gtk_list_item_get_child (item));

      if (focus == widget || gtk_widget_is_ancestor (focus, widget))
        return item;
    }
  return NULL;
}

/* The task may be NULL. */
static void
add_to_kept (GHashTable *kept, FerryTask *task)
{
  if (task != NULL)
    g_hash_table_add (kept, g_object_ref (task));
}

static void
add_selected_to_kept (FerryTaskList *self, GHashTable *kept)
{
  g_autoptr (GtkBitset) set = gtk_selection_model_get_selection (GTK_SELECTION_MODEL (self->selection));
  GtkBitsetIter iter;
  guint position;

  for (gboolean more = gtk_bitset_iter_init_first (&iter, set, &position); more && g_hash_table_size (kept) < MOST_KEPT;
       more = gtk_bitset_iter_next (&iter, &position))
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->selection), position);

      add_to_kept (kept, task);
    }
}

/* (nullable): the one that has the task, or may be given it. */
static FerryExecutor *
find_executor (FerryTaskList *self, FerryTask *task)
{
  FerryExecutor *executor =
    task != NULL && self->tally != NULL ? ferry_task_tally_find_executor (self->tally, task) : NULL;

  return executor != NULL ? executor : self->executor;
}

static gboolean
has_executor (FerryTaskList *self)
{
  return self->executor != NULL || (self->tally != NULL && ferry_task_tally_has_executor (self->tally));
}

/* A task is let go as often as it was kept. */
static void
keep_task (FerryTaskList *self, FerryTask *task, gboolean keep)
{
  FerryExecutor *executor = find_executor (self, task);

  if (executor != NULL)
    ferry_executor_keep_task (executor, task, keep);
}

/* (transfer full): what somebody looks at, and must not go by itself. */
static GHashTable *
find_kept (FerryTaskList *self)
{
  GHashTable *kept = make_set ();
  GtkListItem *item = find_focus_item (self);

  if (!has_executor (self) || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return kept;
  add_selected_to_kept (self, kept);
  if (item != NULL)
    add_to_kept (kept, gtk_list_item_get_item (item));
  if (self->pointed != NULL)
    add_to_kept (kept, ferry_task_row_get_task (FERRY_TASK_ROW (self->pointed)));
  return kept;
}

/* Takes the set. The executor's list may change meanwhile, and this be called again. */
static void
set_kept (FerryTaskList *self, GHashTable *kept)
{
  g_autoptr (GHashTable) before = g_steal_pointer (&self->kept);
  g_autoptr (GHashTable) now = g_hash_table_ref (kept);
  GHashTableIter iter;
  gpointer task;

  self->kept = kept;
  g_hash_table_iter_init (&iter, now);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    if (!g_hash_table_contains (before, task))
      keep_task (self, task, TRUE);
  g_hash_table_iter_init (&iter, before);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    if (!g_hash_table_contains (now, task))
      keep_task (self, task, FALSE);
}

/* What nobody looks at any more is let go in the next frame: the models may be changing now. */
static void
keep_also (FerryTaskList *self, GHashTable *tasks)
{
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, tasks);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    if (g_hash_table_add (self->kept, g_object_ref (task)))
      keep_task (self, task, TRUE);
  follow (self);
}

static void
keep_tasks (FerryTaskList *self)
{
  g_autoptr (GHashTable) kept = find_kept (self);

  keep_also (self, kept);
}

static void
keep_none (FerryTaskList *self)
{
  set_kept (self, make_set ());
}

static void
enter_cb (GtkEventController *motion, double x, double y, FerryTaskList *self)
{
  self->pointed = gtk_event_controller_get_widget (motion);
  keep_tasks (self);
}

static void
leave_cb (GtkEventController *motion, FerryTaskList *self)
{
  if (self->pointed != gtk_event_controller_get_widget (motion))
    return;
  self->pointed = NULL;
  keep_tasks (self);
}

static void
watch_pointer (FerryTaskList *self, GtkWidget *row)
{
  GtkEventController *motion = gtk_event_controller_motion_new ();

  g_signal_connect_object (motion, "enter", G_CALLBACK (enter_cb), self, 0);
  g_signal_connect_object (motion, "leave", G_CALLBACK (leave_cb), self, 0);
  gtk_widget_add_controller (row, motion);
}

/* Takes the focus from a row that goes. A view would give it to a neighbour, which keys would be meant for then. */
static void
take_focus_of_leaving (FerryTaskList *self, guint position, guint n_removed, guint n_added)
{
  GtkListItem *item = find_focus_item (self);
  guint place = item != NULL ? gtk_list_item_get_position (item) : GTK_INVALID_LIST_POSITION;

  if (item == NULL || place < position || place - position >= n_removed)
    return;
  for (guint i = position; i < position + n_added; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->selection), i);

      if (task == gtk_list_item_get_item (item))
        return;
    }
  take_focus (self);
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

/* The one in that place alone; none behind the last one. */
static void
select_alone (FerryTaskList *self, guint position)
{
  if (position < g_list_model_get_n_items (G_LIST_MODEL (self->selection)))
    gtk_selection_model_select_item (GTK_SELECTION_MODEL (self->selection), position, TRUE);
  else
    gtk_selection_model_unselect_all (GTK_SELECTION_MODEL (self->selection));
}

static gboolean
can_remove (FerryTaskList *self)
{
  return has_executor (self) || G_IS_LIST_STORE (self->model);
}

/* Where the list has all tasks of its model, it is known how many of them are over. */
static void
show_list_actions (FerryTaskList *self)
{
  guint n_shown = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  guint n_open = self->tally != NULL ? ferry_task_tally_count_open (self->tally) : 0;
  guint n_all = self->model != NULL ? g_list_model_get_n_items (self->model) : 0;
  gboolean has_ended =
    self->filter == NULL ? n_all > n_open + ferry_task_undo_count (self->undo) : n_shown > 0 && n_all > n_open;

  gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.cancel-all",
                                 n_open > 0 && (self->filter == NULL || n_shown > 0));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.clear-finished", can_remove (self) && has_ended);
}

static void
show_items (FerryTaskList *self)
{
  gboolean empty = g_list_model_get_n_items (G_LIST_MODEL (self->selection)) == 0;

  if (empty)
    take_focus (self);
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

static void act (gpointer data, FerryTask *task, FerryTaskAction action);

/* ---- frames ---- */

static GtkAdjustment *
get_adjustment (FerryTaskList *self)
{
  return gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (self->view));
}

/* Whether the item is in sight. A view gives a place to no others, and before it has its own, the first ones are. An
 * item that the view has used for another position since has no place yet. */
static gboolean
is_in_sight (FerryTaskList *self, GtkListItem *item)
{
  GtkWidget *widget = gtk_widget_get_parent (gtk_list_item_get_child (item));
  graphene_rect_t place;

  if (gtk_widget_get_height (self->view) == 0)
    return gtk_list_item_get_position (item) < ROWS_AT_FIRST;
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->items, item)) != self->n_layouts &&
         gtk_widget_get_child_visible (widget) && gtk_widget_get_width (widget) > 0 &&
         gtk_widget_compute_bounds (widget, self->view, &place) &&
         place.origin.y < (float) gtk_widget_get_height (self->view) && place.origin.y + place.size.height > 0.0F;
}

/* (transfer full): a row of none, made where there is no such row. */
static GtkWidget *
take_spare_row (FerryTaskList *self)
{
  GtkWidget *row;

  if (self->spare->len > 0)
    return g_ptr_array_steal_index_fast (self->spare, self->spare->len - 1);
  row = g_object_ref_sink (ferry_task_row_new (NULL, NULL));
  ferry_task_row_set_func (FERRY_TASK_ROW (row), act, self);
  watch_pointer (self, row);
  g_signal_emit (self, setup_row_signal, 0, row);
  return row;
}

static void
show_row (FerryTaskList *self, GtkListItem *item)
{
  FerryTaskCell *cell = FERRY_TASK_CELL (gtk_list_item_get_child (item));
  FerryTaskRow *shown;

  if (ferry_task_cell_get_row (cell) == NULL)
    {
      g_autoptr (GtkWidget) row = take_spare_row (self);

      ferry_task_cell_put_row (cell, row);
    }
  shown = FERRY_TASK_ROW (ferry_task_cell_get_row (cell));
  ferry_task_row_set_executor (shown, find_executor (self, gtk_list_item_get_item (item)));
  ferry_task_row_set_can_remove (shown, G_IS_LIST_STORE (self->model));
  ferry_task_row_set_task (shown, gtk_list_item_get_item (item));
}

/* To make a row takes as long as to draw some, so it is kept. */
static void
hide_row (FerryTaskList *self, FerryTaskCell *cell)
{
  GtkWidget *row = ferry_task_cell_take_row (cell);

  if (row == self->pointed)
    self->pointed = NULL;
  if (row != NULL)
    g_ptr_array_add (self->spare, row);
}

static void
free_spare_rows (FerryTaskList *self)
{
  for (guint i = 0; i < self->spare->len; i++)
    ferry_task_row_set_task (g_ptr_array_index (self->spare, i), NULL);
  if (self->spare->len > MOST_SPARE_ROWS)
    g_ptr_array_set_size (self->spare, MOST_SPARE_ROWS);
}

/* The positions of the rows that are in sight as the view was laid out last, and some around: they have their heights
 * already when they come in sight. */
static void
find_rows_in_sight (FerryTaskList *self, guint *first, guint *end)
{
  GHashTableIter iter;
  gpointer item;

  *first = G_MAXUINT;
  *end = 0;
  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    if (is_in_sight (self, item))
      {
        guint position = gtk_list_item_get_position (item);

        *first = MIN (*first, position);
        *end = MAX (*end, position + 1);
      }
  *first -= MIN (*first, ROWS_AROUND);
  *end += *end > 0 ? ROWS_AROUND : 0;
}

/* A view has some two hundred items beside those in sight, and gives all of them other tasks at each change. A row with
 * the focus stays where it is. */
static void
show_rows (FerryTaskList *self)
{
  g_autoptr (GPtrArray) shown = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer item;
  guint first, end;

  find_rows_in_sight (self, &first, &end);
  if (end == 0)
    return;
  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    {
      FerryTaskCell *cell = FERRY_TASK_CELL (gtk_list_item_get_child (item));
      guint position = gtk_list_item_get_position (item);

      if ((position >= first && position < end) || gtk_widget_get_focus_child (GTK_WIDGET (cell)) != NULL)
        g_ptr_array_add (shown, item);
      else
        hide_row (self, cell);
    }
  for (guint i = 0; i < shown->len; i++)
    show_row (self, shown->pdata[i]);
  free_spare_rows (self);
}

/* Comes when the view has given its items their places, and before they are drawn. A row that is put there asks for
 * another turn in the same frame, and may be higher than was thought: GTK has patience for four. Rows that went out of
 * sight go in the next frame. */
static void
layout_cb (FerryTaskList *self, GdkFrameClock *clock)
{
  gint64 frame = gdk_frame_clock_get_frame_counter (clock);
  GHashTableIter iter;
  gpointer item;

  self->n_layouts++;
  if (!self->has_moved || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->n_turns = frame == self->frame ? self->n_turns + 1 : 0;
  self->frame = frame;
  if (self->n_turns >= MOST_TURNS)
    {
      follow (self);
      return;
    }
  self->has_moved = FALSE;
  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    if (is_in_sight (self, item))
      {
        self->has_moved |= ferry_task_cell_get_row (FERRY_TASK_CELL (gtk_list_item_get_child (item))) == NULL;
        show_row (self, item);
      }
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
  show_rows (self);
  set_kept (self, find_kept (self));
  gdk_frame_clock_request_phase (frame_clock, GDK_FRAME_CLOCK_PHASE_LAYOUT);
  if (self->is_due)
    return G_SOURCE_CONTINUE;
  self->tick = 0;
  return G_SOURCE_REMOVE;
}

/* While nobody sees the list, nothing is due; see ferry_task_list_map(). */
static void
follow (gpointer data)
{
  FerryTaskList *self = data;

  self->has_moved = TRUE;
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

/* (nullable): what the view has made for that position. */
static GtkWidget *
find_item_widget (FerryTaskList *self, guint position)
{
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    if (gtk_list_item_get_position (item) == position)
      return gtk_widget_get_parent (gtk_list_item_get_child (item));
  return NULL;
}

/* Gives the focus to the task in that place. A view that gets the focus would give it to the item that had it last. */
static void
focus_task (FerryTaskList *self, guint position)
{
  GtkWidget *item;

  gtk_widget_activate_action (self->view, "list.scroll-to-item", "u", position);
  item = find_item_widget (self, position);
  gtk_widget_grab_focus (item != NULL ? item : self->view);
}

/* Selects the task in that place, or the last one, and gives it the focus. */
static void
go_to (FerryTaskList *self, guint position)
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));

  if (n_items == 0)
    {
      ferry_task_undo_grab_focus (self->undo);
      return;
    }
  position = MIN (position, n_items - 1);
  select_alone (self, position);
  focus_task (self, position);
}

/* ---- what is read out ---- */

static gboolean
count_ends (FerryTaskList *self, guint64 *n_completed, guint64 *n_failed)
{
  FerryTaskFigures figures = {0};

  if (self->tally != NULL)
    figures = ferry_task_tally_get (self->tally);
  *n_completed = figures.n_completed - self->n_completed;
  *n_failed = figures.n_failed - self->n_failed;
  self->n_completed = figures.n_completed;
  self->n_failed = figures.n_failed;
  return *n_completed + *n_failed > 0;
}

static void
pass_over_ends (FerryTaskList *self)
{
  guint64 n_completed, n_failed;

  g_clear_handle_id (&self->ends_timer, g_source_remove);
  count_ends (self, &n_completed, &n_failed);
}

static gboolean
ends_timer_cb (gpointer data)
{
  FerryTaskList *self = data;
  guint64 n_completed, n_failed;
  g_autofree char *words = NULL;

  self->ends_timer = 0;
  if (!count_ends (self, &n_completed, &n_failed))
    return G_SOURCE_REMOVE;
  words = ferry_task_words_for_ends (n_completed, n_failed);
  ferry_announce (GTK_WIDGET (self), self->line, words);
  return G_SOURCE_REMOVE;
}

static void
figures_cb (FerryTaskList *self)
{
  show_list_actions (self);
  if (self->ends_timer != 0 || !gtk_widget_get_mapped (GTK_WIDGET (self)))
    return;
  self->ends_timer = g_timeout_add_seconds (ENDS_SECONDS, ends_timer_cb, self);
  g_source_set_name_by_id (self->ends_timer, "[ferry] ends of tasks, read out");
}

/* Takes the words. */
static void
announce (FerryTaskList *self, char *words)
{
  ferry_announce (GTK_WIDGET (self), self->line, words);
  g_free (words);
}

/* ---- removal, and the way back ---- */

/* Submits the work of a task once more. The new task stands where the old one stood. */
static FerryTask *
run_again (FerryTaskList *self, FerryTask *task, GError **error)
{
  FerryTask *again;

  ferry_task_pace_set_immediate (self->pace, TRUE);
  ferry_task_order_begin_replacement (self->order, ferry_list_view_find (self->order, task));
  again = ferry_task_run_again (task, find_executor (self, task), error);
  ferry_task_pace_set_immediate (self->pace, FALSE);
  ferry_task_order_end_replacement (self->order);
  return again;
}

static void
show_undo (FerryTaskList *self)
{
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.undo", ferry_task_undo_count (self->undo) > 0);
  if (self->removed_changed != NULL)
    self->removed_changed (self->removed_data);
}

static void
forget_removed (FerryTaskList *self)
{
  g_autoptr (GHashTable) removed = ferry_task_undo_take_tasks (self->undo);
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, removed);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    keep_task (self, task, FALSE);
}

static void
remove_for_good (FerryTaskList *self, FerryTask *task)
{
  FerryExecutor *executor = find_executor (self, task);
  guint position;

  if (executor != NULL)
    ferry_executor_remove (executor, task, NULL);
  if (G_IS_LIST_STORE (self->model) && g_list_store_find (G_LIST_STORE (self->model), task, &position))
    g_list_store_remove (G_LIST_STORE (self->model), position);
}

/* From now on there is no undo. */
static void
commit_removed (gpointer data)
{
  FerryTaskList *self = data;
  g_autoptr (GList) tasks = g_hash_table_get_keys (ferry_task_undo_get_tasks (self->undo));

  if (tasks == NULL)
    return;
  for (GList *item = tasks; item != NULL; item = item->next)
    remove_for_good (self, item->data);
  forget_removed (self);
  apply_filters (self);
  show_undo (self);
}

/* Selects the tasks of the set alone, and goes to the first of them. */
static void
go_to_all (FerryTaskList *self, GHashTable *tasks)
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  g_autoptr (GtkBitset) places = gtk_bitset_new_empty (), all = gtk_bitset_new_range (0, n_items);

  for (guint position = 0; position < n_items; position++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->selection), position);

      if (g_hash_table_contains (tasks, task))
        gtk_bitset_add (places, position);
    }
  if (gtk_bitset_is_empty (places))
    return;
  gtk_selection_model_set_selection (GTK_SELECTION_MODEL (self->selection), places, all);
  focus_task (self, gtk_bitset_get_minimum (places));
}

static void
undo (FerryTaskList *self)
{
  g_autoptr (GHashTable) back = make_set ();
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
    gtk_widget_error_bell (GTK_WIDGET (self));
  keep_also (self, back);
  forget_removed (self);
  apply_filters (self);
  show_undo (self);
  go_to_all (self, back);
}

/* What is read out of tasks that were removed. */
static char *
words_for_removal (GPtrArray *tasks)
{
  if (tasks->len == 1)
    return g_strdup_printf (_ ("Removed: %s. Control+Z puts it back."), ferry_task_get_name (tasks->pdata[0]));
  return g_strdup_printf (ferry_gtk_ngettext ("%u task removed. Control+Z puts it back.",
                                              "%u tasks removed. Control+Z puts them back.", tasks->len),
                          tasks->len);
}

static void
remove_tasks (FerryTaskList *self, GPtrArray *tasks)
{
  guint position = ferry_list_view_find (self->selection, tasks->pdata[0]);

  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = tasks->pdata[i];

      ferry_task_undo_add (self->undo, task,
                           ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && ferry_task_cancel (task));
      keep_task (self, task, TRUE);
    }
  take_focus (self);
  apply_filters (self);
  ferry_task_undo_begin (self->undo);
  show_undo (self);
  announce (self, words_for_removal (tasks));
  go_to (self, position);
}

/* ---- actions ---- */

static void
retry_task (FerryTaskList *self, FerryTask *task)
{
  g_autoptr (GError) error = NULL;
  FerryTask *again = run_again (self, task, &error);

  if (again == NULL)
    {
      gtk_widget_error_bell (GTK_WIDGET (self));
      return;
    }
  announce (self, g_strdup_printf (_ ("Runs again: %s"), ferry_task_get_name (again)));
  go_to (self, ferry_list_view_find (self->selection, again));
}

/* The position of the first task that waits. */
static guint
find_waiting (GListModel *tasks)
{
  guint n_tasks = g_list_model_get_n_items (tasks);

  for (guint position = 0; position < n_tasks; position++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (tasks, position);

      if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING)
        return position;
    }
  return n_tasks;
}

static void
run_next (FerryTaskList *self, FerryTask *task)
{
  guint from = ferry_list_view_find (self->order, task), to = find_waiting (G_LIST_MODEL (self->order));

  if (!ferry_task_run_next (task, find_executor (self, task), NULL))
    {
      gtk_widget_error_bell (GTK_WIDGET (self));
      return;
    }
  announce (self, g_strdup_printf (_ ("Runs next: %s"), ferry_task_get_name (task)));
  if (to >= from)
    return;
  take_focus (self);
  ferry_task_order_move (self->order, from, to);
  go_to (self, ferry_list_view_find (self->selection, task));
}

/* Pauses those that run; where all are paused, lets them go on. */
static void
toggle_paused (FerryTaskList *self, GPtrArray *tasks)
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
                                     ferry_task_get_name (first)));
}

static void
copy_errors (FerryTaskList *self, GPtrArray *tasks)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < tasks->len; i++)
    {
      g_autofree char *report = ferry_task_dup_error_report (tasks->pdata[i]);

      g_string_append (text, report);
    }
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text->str);
}

static void
cancel_tasks (GPtrArray *tasks)
{
  for (guint i = 0; i < tasks->len; i++)
    ferry_task_cancel (tasks->pdata[i]);
}

/* At least one task, and the action is possible for each of them. */
static void
act_on (FerryTaskList *self, GPtrArray *tasks, FerryTaskAction action)
{
  ferry_task_pace_tell (self->pace);
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
        retry_task (self, tasks->pdata[i]);
      break;
    case FERRY_TASK_ACTION_REMOVE:
      remove_tasks (self, tasks);
      break;
    case FERRY_TASK_ACTION_RUN_NEXT:
      for (guint i = tasks->len; i > 0; i--)
        run_next (self, tasks->pdata[i - 1]);
      break;
    case FERRY_TASK_ACTION_SHOW_ERROR:
      ferry_task_details_present (tasks->pdata[0], GTK_WIDGET (self));
      break;
    case FERRY_TASK_ACTION_COPY_ERROR:
      copy_errors (self, tasks);
      break;
    case FERRY_TASK_N_ACTIONS:
    default:
      g_assert_not_reached ();
    }
}

/* What rows call: a button is for its own row. */
static void
act (gpointer data, FerryTask *task, FerryTaskAction action)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (tasks, g_object_ref (task));
  act_on (data, tasks, action);
}

/* (nullable): the row that has the focus, or has what has it. */
static FerryTaskRow *
find_focus_row (FerryTaskList *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  GtkWidget *row = focus != NULL ? gtk_widget_get_ancestor (focus, FERRY_TYPE_TASK_ROW) : NULL;

  return row != NULL && gtk_widget_is_ancestor (row, GTK_WIDGET (self)) ? FERRY_TASK_ROW (row) : NULL;
}

/* (transfer full) (element-type FerryTask): the tasks that keys are meant for: all that are selected, or the one of the
 * row that has the focus, where that is not one of them. */
static GPtrArray *
dup_current (FerryTaskList *self)
{
  FerryTaskRow *row = find_focus_row (self);
  GPtrArray *tasks = dup_selected (self);
  GtkListItem *item = tasks->len == 0 ? find_focus_item (self) : NULL;

  /* The row itself has the focus, and not what is in it. */
  if (item != NULL)
    row = FERRY_TASK_ROW (ferry_task_cell_get_row (FERRY_TASK_CELL (gtk_list_item_get_child (item))));
  if (row == NULL || g_ptr_array_find (tasks, ferry_task_row_get_task (row), NULL))
    return tasks;
  g_ptr_array_set_size (tasks, 0);
  g_ptr_array_add (tasks, g_object_ref (ferry_task_row_get_task (row)));
  return tasks;
}

/* Whose list can be changed: that of an executor, and the application's own. */
static gboolean
is_possible (FerryTaskList *self, FerryTaskAction action, FerryTask *task)
{
  if (action == FERRY_TASK_ACTION_REMOVE && G_IS_LIST_STORE (self->model))
    return ferry_task_get_done (task);
  return ferry_task_action_is_possible (action, task, find_executor (self, task));
}

/* A window has one error. */
static gboolean
is_for_several (FerryTaskAction action)
{
  return action != FERRY_TASK_ACTION_SHOW_ERROR;
}

static void
activate_action (GtkWidget *widget, const char *name, GVariant *parameter)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);
  g_autoptr (GPtrArray) tasks = dup_current (self);
  FerryTaskAction action;

  if (!ferry_task_action_find (name, &action))
    return;
  for (guint i = tasks->len; i > 0; i--)
    if (!is_possible (self, action, tasks->pdata[i - 1]))
      g_ptr_array_remove_index (tasks, i - 1);
  if (tasks->len == 1 || (tasks->len > 1 && is_for_several (action)))
    act_on (self, tasks, action);
  else
    gtk_widget_error_bell (widget);
}

/* Those of the list that are over, or those that are not. */
static GPtrArray *
dup_tasks (FerryTaskList *self, gboolean over)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);
  guint n_items;

  ferry_task_pace_tell (self->pace);
  n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  for (guint position = 0; position < n_items; position++)
    {
      FerryTask *task = g_list_model_get_item (G_LIST_MODEL (self->selection), position);

      if (ferry_task_get_done (task) == over)
        g_ptr_array_add (tasks, task);
      else
        g_object_unref (task);
    }
  return tasks;
}

static void
activate_cancel_all (GtkWidget *widget, const char *name, GVariant *parameter)
{
  g_autoptr (GPtrArray) tasks = dup_tasks (FERRY_TASK_LIST (widget), /* over: */ FALSE);

  cancel_tasks (tasks);
}

static void
activate_clear_finished (GtkWidget *widget, const char *name, GVariant *parameter)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);
  g_autoptr (GPtrArray) tasks = dup_tasks (self, /* over: */ TRUE);

  if (tasks->len > 0 && can_remove (self))
    remove_tasks (self, tasks);
}

/* ---- the menu ---- */

/* With its key, the menu would be wider than a telephone with text of twice the size. */
static void
insert_item (GMenu *section, int place, const char *words, const char *action)
{
  g_autoptr (GMenuItem) item = g_menu_item_new (words, action);

  g_menu_item_set_attribute (item, "hidden-when", "s", "action-disabled");
  g_menu_item_set_attribute (item, "accel", "s", "");
  g_menu_insert_item (section, place, item);
}

static void
add_item (GMenu *section, const char *words, const char *action)
{
  insert_item (section, -1, words, action);
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

/* The item says what it does: see toggle_paused(). */
static void
name_pause (FerryTaskList *self, GPtrArray *tasks)
{
  gboolean resume = TRUE;

  for (guint i = 0; i < tasks->len; i++)
    resume = resume &&
             (ferry_task_is_paused (tasks->pdata[i]) || !is_possible (self, FERRY_TASK_ACTION_PAUSE, tasks->pdata[i]));
  g_menu_remove (self->task_menu, PAUSE_PLACE);
  insert_item (self->task_menu, PAUSE_PLACE, resume ? _ ("Resume") : _ ("Pause"), "task.pause");
}

/* What is not possible for any of the tasks is hidden. */
static void
show_possible (FerryTaskList *self)
{
  g_autoptr (GPtrArray) tasks = dup_current (self);
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));

  name_pause (self, tasks);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.cancel-all", find_first (self, is_open) < n_items);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "task.clear-finished",
                                 can_remove (self) && find_first (self, ferry_task_get_done) < n_items);

  for (guint action = 0; action < FERRY_TASK_N_ACTIONS; action++)
    {
      guint n = 0;
      gboolean enabled;

      for (guint i = 0; i < tasks->len && n < 2; i++)
        n += is_possible (self, (FerryTaskAction) action, tasks->pdata[i]);
      enabled = n > 0 && (n == 1 || is_for_several ((FerryTaskAction) action));
      gtk_widget_action_set_enabled (GTK_WIDGET (self), ferry_task_action_get_name ((FerryTaskAction) action), enabled);
    }
}

/* Keys find out for themselves what is possible. */
static void
menu_closed_cb (FerryTaskList *self)
{
  for (guint action = 0; action < FERRY_TASK_N_ACTIONS; action++)
    gtk_widget_action_set_enabled (GTK_WIDGET (self), ferry_task_action_get_name ((FerryTaskAction) action), TRUE);
  show_list_actions (self);
}

/* The menu is for the row, and for all others that are selected if it is one of them. */
static void
open_menu (FerryTaskList *self, FerryTaskRow *row, double x, double y)
{
  FerryTask *task = row != NULL ? ferry_task_row_get_task (row) : NULL;
  guint position = task != NULL ? ferry_list_view_find (self->selection, task) : GTK_INVALID_LIST_POSITION;

  if (task != NULL && !gtk_selection_model_is_selected (GTK_SELECTION_MODEL (self->selection), position))
    go_to (self, position);
  else
    gtk_widget_grab_focus (self->view);
  show_possible (self);
  gtk_popover_set_pointing_to (GTK_POPOVER (self->menu), &(GdkRectangle){(int) x, (int) y, 1, 1});
  gtk_popover_popup (GTK_POPOVER (self->menu));
}

static void
open_menu_at (FerryTaskList *self, double x, double y)
{
  GtkWidget *picked = gtk_widget_pick (GTK_WIDGET (self), x, y, GTK_PICK_DEFAULT);
  GtkWidget *row = picked != NULL ? gtk_widget_get_ancestor (picked, FERRY_TYPE_TASK_ROW) : NULL;

  open_menu (self, row != NULL ? FERRY_TASK_ROW (row) : NULL, x, y);
}

static void
pressed_cb (FerryTaskList *self, int n_presses, double x, double y, GtkGesture *gesture)
{
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  open_menu_at (self, x, y);
}

static void
long_pressed_cb (FerryTaskList *self, double x, double y, GtkGesture *gesture)
{
  pressed_cb (self, 1, x, y, gesture);
}

static void
activate_menu (GtkWidget *widget, const char *name, GVariant *parameter)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);
  FerryTaskRow *row = find_focus_row (self);
  graphene_rect_t place;

  if (!gtk_widget_compute_bounds (row != NULL ? GTK_WIDGET (row) : self->view, widget, &place))
    return;
  open_menu (self, row, place.origin.x + place.size.width / 2, place.origin.y + place.size.height / 2);
}

static GtkWidget *
make_menu (FerryTaskList *self)
{
  g_autoptr (GMenu) menu = g_menu_new (), list = g_menu_new ();
  GMenu *tasks = self->task_menu = g_menu_new ();
  GtkWidget *popover;

  add_item (tasks, _ ("Show Error"), "task.show-error");
  add_item (tasks, _ ("Copy Error"), "task.copy-error");
  add_item (tasks, _ ("Run Next"), "task.run-next");
  add_item (tasks, _ ("Pause"), "task.pause");
  add_item (tasks, _ ("Cancel"), "task.cancel");
  add_item (tasks, _ ("Run Again"), "task.retry");
  add_item (tasks, _ ("Remove"), "task.remove");
  add_item (list, _ ("Cancel All"), "task.cancel-all");
  add_item (list, _ ("Clear Finished"), "task.clear-finished");
  g_menu_append_section (menu, NULL, G_MENU_MODEL (tasks));
  g_menu_append_section (menu, NULL, G_MENU_MODEL (list));
  popover = gtk_popover_menu_new_from_model (G_MENU_MODEL (menu));
  gtk_popover_set_has_arrow (GTK_POPOVER (popover), FALSE);
  g_signal_connect_object (popover, "closed", G_CALLBACK (menu_closed_cb), self, G_CONNECT_SWAPPED);
  return popover;
}

static void
add_menu (FerryTaskList *self)
{
  GtkGesture *click = gtk_gesture_click_new (), *press = gtk_gesture_long_press_new ();

  self->menu = make_menu (self);
  gtk_widget_set_parent (self->menu, GTK_WIDGET (self));
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), GDK_BUTTON_SECONDARY);
  gtk_gesture_single_set_touch_only (GTK_GESTURE_SINGLE (press), TRUE);
  g_signal_connect_object (click, "pressed", G_CALLBACK (pressed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (press, "pressed", G_CALLBACK (long_pressed_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (press));
}

static void
activate_undo (GtkWidget *widget, const char *name, GVariant *parameter)
{
  undo (FERRY_TASK_LIST (widget));
}

/* ---- rows ---- */

static void
setup_cb (FerryTaskList *self, GtkListItem *item)
{
  GtkWidget *cell = g_object_ref_sink (ferry_task_cell_new (&self->row_height));

  g_hash_table_insert (self->cells, item, cell);
  gtk_list_item_set_activatable (item, FALSE);
  gtk_list_item_set_child (item, cell);
}

/* GTK 4.8 takes the cell from its item before this. */
static void
teardown_cb (FerryTaskList *self, GtkListItem *item)
{
  FerryTaskCell *cell = g_hash_table_lookup (self->cells, item);

  if (cell == NULL)
    return;
  if (self->view != NULL)
    hide_row (self, cell);
  g_hash_table_remove (self->cells, item);
}

static void
bind_cb (FerryTaskList *self, GtkListItem *item)
{
  g_hash_table_insert (self->items, item, GUINT_TO_POINTER (self->n_layouts));
  follow (self);
}

static void
unbind_cb (FerryTaskList *self, GtkListItem *item)
{
  g_hash_table_remove (self->items, item);
}

static const FerryListViewFuncs view_funcs = {G_CALLBACK (setup_cb), G_CALLBACK (bind_cb), G_CALLBACK (unbind_cb),
                                              G_CALLBACK (teardown_cb)};

/* ---- the object ---- */

static void
set_executor (FerryTaskList *self, FerryExecutor *executor)
{
  if (self->executor == executor)
    return;
  commit_removed (self);
  keep_none (self);
  g_set_object (&self->executor, executor);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_EXECUTOR]);
}

/* Takes the tally. */
static void
set_tally (FerryTaskList *self, FerryTaskTally *tally)
{
  g_clear_object (&self->tally);
  self->tally = tally;
  if (tally != NULL)
    g_signal_connect_object (tally, "changed", G_CALLBACK (figures_cb), self, G_CONNECT_SWAPPED);
  pass_over_ends (self);
}

static void
set_model (FerryTaskList *self, GListModel *model)
{
  if (self->model == model)
    return;
  commit_removed (self);
  keep_none (self);
  g_set_object (&self->model, model);
  set_tally (self, model != NULL ? ferry_task_tally_new (model) : NULL);
  if (FERRY_IS_EXECUTOR (model))
    set_executor (self, FERRY_EXECUTOR (model));
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
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SORTER]);
}

static GtkWidget *
make_placeholder (void)
{
  GtkWidget *label = gtk_label_new (_ ("No Tasks"));

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
ferry_task_list_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTaskList *self = FERRY_TASK_LIST (object);

  switch (property_id)
    {
    case PROP_TASKS:
      g_value_set_object (value, self->model);
      break;
    case PROP_EXECUTOR:
      g_value_set_object (value, self->executor);
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
      select_alone (self, g_value_get_object (value) != NULL
                            ? ferry_list_view_find (self->selection, g_value_get_object (value))
                            : GTK_INVALID_LIST_POSITION);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

/* How high the highest row is in that width, of those that are shown. */
static int
measure_row (FerryTaskList *self, int width)
{
  GHashTableIter iter;
  gpointer item;
  int highest = 0;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    {
      GtkWidget *cell = gtk_list_item_get_child (item);
      int height;

      if (ferry_task_cell_get_row (FERRY_TASK_CELL (cell)) == NULL)
        continue;
      gtk_widget_measure (gtk_widget_get_parent (cell), GTK_ORIENTATION_VERTICAL, width, &height, NULL, NULL, NULL);
      highest = MAX (highest, height);
    }
  return highest > 0 ? highest : HEIGHT_AT_FIRST;
}

/* A scrolled window does not ask its child how high that is in its width. */
static void
measure_rows (FerryTaskList *self, int width, int *minimum, int *natural)
{
  int n_items = (int) MIN (g_list_model_get_n_items (G_LIST_MODEL (self->selection)), G_MAXINT16);
  int height = measure_row (self, width), all = MIN (n_items * height, self->max_height);

  *minimum = MAX (*minimum, MIN (n_items, LEAST_ROWS) * height);
  *natural = MAX (MAX (*natural, all), *minimum);
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
    *minimum = MAX (*minimum, LEAST_ROWS * measure_row (self, for_size));
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

/* To the row that is selected, or the one that had the focus last. */
static gboolean
enter_rows (FerryTaskList *self)
{
  g_autoptr (GtkBitset) set = gtk_selection_model_get_selection (GTK_SELECTION_MODEL (self->selection));

  if (gtk_bitset_is_empty (set))
    return gtk_widget_grab_focus (self->view);
  focus_task (self, gtk_bitset_get_minimum (set));
  return find_focus_item (self) != NULL;
}

/* From a row to what is in it, and back; FALSE where the focus leaves the rows. A view would go through the buttons of
 * all rows, and never to a row. */
static gboolean
move_in_row (FerryTaskList *self, GtkListItem *item, GtkDirectionType direction)
{
  GtkWidget *cell = gtk_list_item_get_child (item), *widget = gtk_widget_get_parent (cell);

  if (direction == GTK_DIR_TAB_FORWARD)
    return gtk_widget_child_focus (cell, direction);
  if (gtk_widget_is_focus (widget))
    return FALSE;
  return gtk_widget_child_focus (cell, direction) || gtk_widget_grab_focus (widget);
}

/* What GTK does by itself would also grab the focus where Shift+Tab wants to leave the list. */
static gboolean
ferry_task_list_focus (GtkWidget *widget, GtkDirectionType direction)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);
  GtkListItem *item = find_focus_item (self);
  gboolean is_inside = gtk_widget_get_focus_child (widget) != NULL;
  gboolean is_tab = direction == GTK_DIR_TAB_FORWARD || direction == GTK_DIR_TAB_BACKWARD;

  if (g_list_model_get_n_items (G_LIST_MODEL (self->selection)) == 0 || (is_inside && !is_tab))
    return gtk_widget_child_focus (self->box, direction);
  if (item != NULL)
    return move_in_row (self, item, direction) ||
           (direction == GTK_DIR_TAB_FORWARD && gtk_widget_child_focus (self->undo_bar, direction));
  if (is_inside && direction == GTK_DIR_TAB_FORWARD)
    return gtk_widget_child_focus (self->undo_bar, direction);
  return (direction == GTK_DIR_TAB_BACKWARD && gtk_widget_child_focus (self->undo_bar, direction)) || enter_rows (self);
}

static gboolean
ferry_task_list_grab_focus (GtkWidget *widget)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);

  return ferry_list_view_grab_focus (self->stack, self->view);
}

/* What has ended before is not read out. */
static void
ferry_task_list_map (GtkWidget *widget)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);

  pass_over_ends (self);
  ferry_task_pace_tell (self->pace);
  show_rows (self);
  GTK_WIDGET_CLASS (ferry_task_list_parent_class)->map (widget);
  follow (self);
}

/* Nobody sees the way back any more. */
static void
ferry_task_list_unmap (GtkWidget *widget)
{
  commit_removed (FERRY_TASK_LIST (widget));
  pass_over_ends (FERRY_TASK_LIST (widget));
  end_tick (FERRY_TASK_LIST (widget));
  GTK_WIDGET_CLASS (ferry_task_list_parent_class)->unmap (widget);
  keep_none (FERRY_TASK_LIST (widget));
}

/* What is connected after the window comes after it has laid out all that is in it. */
static void
ferry_task_list_realize (GtkWidget *widget)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);

  GTK_WIDGET_CLASS (ferry_task_list_parent_class)->realize (widget);
  self->clock = g_object_ref (gtk_widget_get_frame_clock (widget));
  g_signal_connect_object (self->clock, "layout", G_CALLBACK (layout_cb), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
}

static void
ferry_task_list_unrealize (GtkWidget *widget)
{
  FerryTaskList *self = FERRY_TASK_LIST (widget);

  g_signal_handlers_disconnect_by_func (self->clock, layout_cb, self);
  g_clear_object (&self->clock);
  GTK_WIDGET_CLASS (ferry_task_list_parent_class)->unrealize (widget);
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
ferry_task_list_dispose (GObject *object)
{
  FerryTaskList *self = FERRY_TASK_LIST (object);

  if (self->box != NULL)
    commit_removed (self);
  keep_none (self);
  g_clear_handle_id (&self->ends_timer, g_source_remove);
  end_tick (self);
  self->view = NULL;
  self->pointed = NULL;
  g_clear_pointer (&self->menu, gtk_widget_unparent);
  g_clear_object (&self->task_menu);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->selected);
  g_clear_object (&self->selection);
  g_clear_object (&self->sorted);
  g_clear_object (&self->filtered);
  g_clear_object (&self->order);
  g_clear_object (&self->pace);
  g_hash_table_remove_all (self->cells);
  g_ptr_array_set_size (self->spare, 0);
  g_clear_object (&self->filter);
  g_clear_object (&self->sorter);
  g_clear_object (&self->tally);
  g_clear_object (&self->executor);
  g_clear_object (&self->model);
  G_OBJECT_CLASS (ferry_task_list_parent_class)->dispose (object);
}

static void
ferry_task_list_finalize (GObject *object)
{
  FerryTaskList *self = FERRY_TASK_LIST (object);

  g_object_unref (self->undo);
  g_hash_table_unref (self->items);
  g_hash_table_unref (self->cells);
  g_hash_table_unref (self->kept);
  g_ptr_array_unref (self->spare);
  G_OBJECT_CLASS (ferry_task_list_parent_class)->finalize (object);
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
   * FerryTaskList:selected-task:
   *
   * The task that is selected; %NULL for none, or several.
   */
  properties[PROP_SELECTED_TASK] = g_param_spec_object ("selected-task", NULL, NULL, FERRY_TYPE_TASK, settable);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
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
  widget_class->realize = ferry_task_list_realize;
  widget_class->unrealize = ferry_task_list_unrealize;
  widget_class->map = ferry_task_list_map;
  widget_class->unmap = ferry_task_list_unmap;
  widget_class->root = ferry_task_list_root;
  widget_class->unroot = ferry_task_list_unroot;
  install_properties (object_class);
  /**
   * FerryTaskList::setup-row:
   * @self: the list
   * @row: a new row, without a task
   *
   * Emitted for each row that the list makes. A handler may set [property@FerryGtk.TaskRow:suffix]. A row shows one
   * task after the other; its property `task` says which.
   */
  setup_row_signal = g_signal_new ("setup-row", FERRY_TYPE_TASK_LIST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 1, FERRY_TYPE_TASK_ROW);

  gtk_widget_class_set_css_name (widget_class, "tasklist");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GENERIC);
  for (guint i = 0; i < FERRY_TASK_N_ACTIONS; i++)
    gtk_widget_class_install_action (widget_class, ferry_task_action_get_name ((FerryTaskAction) i), NULL,
                                     activate_action);
  gtk_widget_class_install_action (widget_class, "task.undo", NULL, activate_undo);
  gtk_widget_class_install_action (widget_class, "menu.popup", NULL, activate_menu);
  gtk_widget_class_install_action (widget_class, "task.cancel-all", NULL, activate_cancel_all);
  gtk_widget_class_install_action (widget_class, "task.clear-finished", NULL, activate_clear_finished);
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
ferry_task_list_init (FerryTaskList *self)
{
  self->undo = ferry_task_undo_new (commit_removed, self);
  self->undo_bar = ferry_task_undo_get_bar (self->undo);
  self->row_height = HEIGHT_AT_FIRST;
  self->items = g_hash_table_new (NULL, NULL);
  self->cells = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
  self->kept = make_set ();
  self->spare = g_ptr_array_new_with_free_func (g_object_unref);
  ferry_look_ensure_styles (GTK_WIDGET (self));
  make_models (self);
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  self->stack = gtk_stack_new ();
  gtk_stack_set_vhomogeneous (GTK_STACK (self->stack), FALSE);
  gtk_stack_add_named (
    GTK_STACK (self->stack),
    ferry_list_view_new (GTK_SELECTION_MODEL (self->selection), &view_funcs, self, _ ("Tasks"), &self->view),
    LIST_PAGE);
  g_signal_connect_object (get_adjustment (self), "value-changed", G_CALLBACK (follow), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (get_adjustment (self), "changed", G_CALLBACK (follow), self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (self->box), self->stack);
  gtk_box_append (GTK_BOX (self->box), self->undo_bar);
  self->line = ferry_announce_line_new ();
  gtk_box_append (GTK_BOX (self->box), self->line);
  add_menu (self);
  set_placeholder (self, NULL);
  show_undo (self);
}

void
ferry_task_list_set_max_height (FerryTaskList *self, int height)
{
  self->max_height = height;
  ferry_list_view_set_max_height (self->view, height);
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
  return ferry_task_undo_count (self->undo);
}

gboolean
ferry_task_list_has_removed (FerryTaskList *self, FerryTask *task)
{
  return ferry_task_undo_contains (self->undo, task);
}

static gboolean
has_failed (FerryTask *task)
{
  return ferry_task_get_state (task) == FERRY_TASK_STATE_FAILED;
}

void
ferry_task_list_focus_first (FerryTaskList *self)
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  guint position = find_first (self, has_failed);

  if (n_items > 0)
    focus_task (self, position < n_items ? position : 0);
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
