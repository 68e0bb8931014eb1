/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which rows a list of tasks has: widgets for those in sight, put there between layout and drawing.
 *
 * A view has some two hundred items, and rows are made for those in sight alone. Which ones these are is known when the
 * view has its layout, so rows are put there between that and the drawing of the same frame.
 *
 * Threads:   the one that runs GTK.
 * Invariant: a row without a task is in no cell. */

#include "config.h"

#include "gtk/ferry-task-rows-private.h"

#include "gtk/ferry-look-private.h"
#include "gtk/ferry-task-cell-private.h"
#include "gtk/ferry-task-keeper-private.h"
#include "gtk/ferry-task-row-private.h"

/* Rows beside those in sight that show their tasks already. */
#define ROWS_AROUND 3

/* How often rows are put into a view that has its layout, in a frame. */
#define MOST_TURNS 2

/* Rows of a view that has shown no row yet, which says nothing of their height; and the height. */
#define ROWS_AT_FIRST 12
#define HEIGHT_AT_FIRST 60

/* How many rows that are not needed are kept for other tasks. */
#define MOST_SPARE_ROWS 32

/* How many of the selected tasks are looked at, at most. */
#define MOST_LOOKED_AT 1000

struct _FerryTaskRows
{
  GObject parent_instance;

  GtkSelectionModel *tasks; /* (owned) */
  GtkWidget *view;          /* (nullable) (unowned): none after the end */
  GHashTable *items;    /* (element-type GtkListItem guint): those with a task, (unowned), and n_layouts at that time */
  GHashTable *cells;    /* (element-type GtkListItem FerryTaskCell): of each item, (unowned), its cell, (owned) */
  GPtrArray *spare;     /* (element-type FerryTaskRow) (owned): rows of none */
  gboolean has_pointer; /* the view */
  FerryTask *given;     /* (nullable) (owned): whose row was given the focus, and pressed since was nothing */
  int row_height;       /* of the row that was measured last */
  GdkFrameClock *clock; /* (nullable) (owned): of the window */
  guint n_layouts;      /* how often the window was laid out */
  gboolean has_moved;   /* other rows may be in sight than before this frame */
  gint64 frame;         /* the one in which rows were put into a view that had its layout last */
  guint n_turns;        /* how often that was so in this frame */
};

enum
{
  SETUP,
  SHOW,
  MOVED,
  LOOKED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryTaskRows, ferry_task_rows, G_TYPE_OBJECT)

static void
move (FerryTaskRows *self)
{
  self->has_moved = TRUE;
  g_signal_emit (self, signals[MOVED], 0);
}

/* ---- the pointer, and keys ---- */

static void
enter_cb (FerryTaskRows *self)
{
  self->has_pointer = TRUE;
  g_signal_emit (self, signals[LOOKED], 0);
}

static void
leave_cb (FerryTaskRows *self)
{
  self->has_pointer = FALSE;
  g_signal_emit (self, signals[LOOKED], 0);
}

/* Whoever presses keys, or a row, knows where the focus is. */
static void
pressed_cb (FerryTaskRows *self)
{
  if (self->given == NULL)
    return;
  g_clear_object (&self->given);
  g_signal_emit (self, signals[LOOKED], 0);
}

static gboolean
key_pressed_cb (FerryTaskRows *self)
{
  pressed_cb (self);
  return GDK_EVENT_PROPAGATE;
}

static void
watch (FerryTaskRows *self)
{
  GtkEventController *motion = gtk_event_controller_motion_new (), *keys = gtk_event_controller_key_new ();
  GtkEventController *press = GTK_EVENT_CONTROLLER (gtk_gesture_click_new ());

  g_signal_connect_object (motion, "enter", G_CALLBACK (enter_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (motion, "leave", G_CALLBACK (leave_cb), self, G_CONNECT_SWAPPED);
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (key_pressed_cb), self, G_CONNECT_SWAPPED);
  gtk_event_controller_set_propagation_phase (press, GTK_PHASE_CAPTURE);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (press), 0);
  g_signal_connect_object (press, "pressed", G_CALLBACK (pressed_cb), self, G_CONNECT_SWAPPED);
  gtk_widget_add_controller (self->view, motion);
  gtk_widget_add_controller (self->view, keys);
  gtk_widget_add_controller (self->view, press);
}

/* ---- what is in sight ---- */

/* Whether the item is in sight. A view gives a place to no others, and before it has its own, the first ones are. An
 * item that the view has used for another position since has no place yet. */
static gboolean
is_in_sight (FerryTaskRows *self, GtkListItem *item)
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
take_spare_row (FerryTaskRows *self)
{
  GtkWidget *row;

  if (self->spare->len > 0)
    return g_ptr_array_steal_index_fast (self->spare, self->spare->len - 1);
  row = g_object_ref_sink (ferry_task_row_new (NULL, NULL));
  g_signal_emit (self, signals[SETUP], 0, row);
  return row;
}

static void
show_row (FerryTaskRows *self, GtkListItem *item)
{
  FerryTaskCell *cell = FERRY_TASK_CELL (gtk_list_item_get_child (item));

  if (ferry_task_cell_get_row (cell) == NULL)
    {
      g_autoptr (GtkWidget) row = take_spare_row (self);

      ferry_task_cell_put_row (cell, row);
    }
  g_signal_emit (self, signals[SHOW], 0, ferry_task_cell_get_row (cell), gtk_list_item_get_item (item));
}

/* To make a row takes as long as to draw some, so it is kept. */
static void
hide_row (FerryTaskRows *self, FerryTaskCell *cell)
{
  GtkWidget *row = ferry_task_cell_take_row (cell);

  if (row != NULL)
    g_ptr_array_add (self->spare, row);
}

static void
free_spare_rows (FerryTaskRows *self)
{
  for (guint i = 0; i < self->spare->len; i++)
    ferry_task_row_set_task (g_ptr_array_index (self->spare, i), NULL);
  if (self->spare->len > MOST_SPARE_ROWS)
    g_ptr_array_set_size (self->spare, MOST_SPARE_ROWS);
}

/* (transfer full): the positions of the rows that are in sight as the view was laid out last, and some around each:
 * they have their heights already when they come in sight. A view that jumps may have rows of both places for a frame,
 * and what is between them is not in sight. */
static GtkBitset *
find_rows_in_sight (FerryTaskRows *self)
{
  GtkBitset *rows = gtk_bitset_new_empty ();
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    if (is_in_sight (self, item))
      {
        guint position = gtk_list_item_get_position (item), first = position - MIN (position, ROWS_AROUND);

        gtk_bitset_add_range_closed (rows, first, position + ROWS_AROUND);
      }
  return rows;
}

/* A view has some two hundred items beside those in sight, and gives all of them other tasks at each change. A row with
 * the focus stays where it is. */
void
ferry_task_rows_show (FerryTaskRows *self)
{
  g_autoptr (GPtrArray) shown = g_ptr_array_new ();
  g_autoptr (GtkBitset) rows = find_rows_in_sight (self);
  GHashTableIter iter;
  gpointer item;

  if (gtk_bitset_is_empty (rows))
    return;
  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    {
      FerryTaskCell *cell = FERRY_TASK_CELL (gtk_list_item_get_child (item));

      if (gtk_bitset_contains (rows, gtk_list_item_get_position (item)) ||
          gtk_widget_get_focus_child (GTK_WIDGET (cell)) != NULL)
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
layout_cb (FerryTaskRows *self, GdkFrameClock *clock)
{
  gint64 frame = gdk_frame_clock_get_frame_counter (clock);
  GHashTableIter iter;
  gpointer item;

  self->n_layouts++;
  if (!self->has_moved || !gtk_widget_get_mapped (self->view))
    return;
  self->n_turns = frame == self->frame ? self->n_turns + 1 : 0;
  self->frame = frame;
  if (self->n_turns >= MOST_TURNS)
    {
      move (self);
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

/* ---- the view ---- */

static void
setup_cb (FerryTaskRows *self, GtkListItem *item)
{
  GtkWidget *cell = g_object_ref_sink (ferry_task_cell_new (&self->row_height));

  g_hash_table_insert (self->cells, item, cell);
  gtk_list_item_set_activatable (item, FALSE);
  gtk_list_item_set_child (item, cell);
}

/* GTK 4.8 takes the cell from its item before this. */
static void
teardown_cb (FerryTaskRows *self, GtkListItem *item)
{
  FerryTaskCell *cell = g_hash_table_lookup (self->cells, item);

  if (cell == NULL)
    return;
  if (self->view != NULL)
    hide_row (self, cell);
  g_hash_table_remove (self->cells, item);
}

static void
bind_cb (FerryTaskRows *self, GtkListItem *item)
{
  g_hash_table_insert (self->items, item, GUINT_TO_POINTER (self->n_layouts));
  move (self);
}

static void
unbind_cb (FerryTaskRows *self, GtkListItem *item)
{
  g_hash_table_remove (self->items, item);
}

static const FerryListViewFuncs view_funcs = {G_CALLBACK (setup_cb), G_CALLBACK (bind_cb), G_CALLBACK (unbind_cb),
                                              G_CALLBACK (teardown_cb)};

/* What is connected after the window comes after it has laid out all that is in it. */
static void
realize_cb (FerryTaskRows *self)
{
  self->clock = g_object_ref (gtk_widget_get_frame_clock (self->view));
  g_signal_connect_object (self->clock, "layout", G_CALLBACK (layout_cb), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
}

static void
unrealize_cb (FerryTaskRows *self)
{
  g_signal_handlers_disconnect_by_func (self->clock, layout_cb, self);
  g_clear_object (&self->clock);
}

static void
ferry_task_rows_finalize (GObject *object)
{
  FerryTaskRows *self = FERRY_TASK_ROWS (object);

  g_hash_table_unref (self->items);
  g_hash_table_unref (self->cells);
  g_ptr_array_unref (self->spare);
  g_clear_object (&self->clock);
  g_object_unref (self->tasks);
  G_OBJECT_CLASS (ferry_task_rows_parent_class)->finalize (object);
}

static void
ferry_task_rows_class_init (FerryTaskRowsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_task_rows_finalize;
  signals[SETUP] = g_signal_new ("setup", FERRY_TYPE_TASK_ROWS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                 FERRY_TYPE_TASK_ROW);
  signals[SHOW] = g_signal_new ("show", FERRY_TYPE_TASK_ROWS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                                FERRY_TYPE_TASK_ROW, FERRY_TYPE_TASK);
  signals[MOVED] = g_signal_new ("moved", FERRY_TYPE_TASK_ROWS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[LOOKED] =
    g_signal_new ("looked", FERRY_TYPE_TASK_ROWS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_task_rows_init (FerryTaskRows *self)
{
  self->row_height = HEIGHT_AT_FIRST;
  self->items = g_hash_table_new (NULL, NULL);
  self->cells = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
  self->spare = g_ptr_array_new_with_free_func (g_object_unref);
}

/* A view takes Return for nothing, and comes after what has the focus in a row. */
static gboolean
show_error (GtkWidget *view, GVariant *unused, gpointer rows)
{
  return ferry_task_rows_find_focus_row (rows) == NULL &&
         gtk_widget_activate_action (view, ferry_task_action_get_name (FERRY_TASK_ACTION_SHOW_ERROR), NULL);
}

static void
add_return (FerryTaskRows *self)
{
  static const guint keys[] = {GDK_KEY_Return, GDK_KEY_KP_Enter, GDK_KEY_ISO_Enter};
  GtkEventController *shortcuts = gtk_shortcut_controller_new ();

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (shortcuts),
      gtk_shortcut_new (gtk_keyval_trigger_new (keys[i], 0), gtk_callback_action_new (show_error, self, NULL)));
  gtk_event_controller_set_propagation_phase (shortcuts, GTK_PHASE_CAPTURE);
  gtk_widget_add_controller (self->view, shortcuts);
}

FerryTaskRows *
ferry_task_rows_new (GtkSelectionModel *tasks, const char *label)
{
  FerryTaskRows *self = g_object_new (FERRY_TYPE_TASK_ROWS, NULL);
  GtkAdjustment *place;

  self->tasks = g_object_ref (tasks);
  ferry_list_view_new (tasks, &view_funcs, self, label, &self->view);
  place = gtk_scrollable_get_vadjustment (GTK_SCROLLABLE (self->view));
  g_signal_connect_object (place, "value-changed", G_CALLBACK (move), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (place, "changed", G_CALLBACK (move), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->view, "realize", G_CALLBACK (realize_cb), self, G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  watch (self);
  add_return (self);
  g_signal_connect_object (self->view, "unrealize", G_CALLBACK (unrealize_cb), self, G_CONNECT_SWAPPED);
  return self;
}

void
ferry_task_rows_end (FerryTaskRows *self)
{
  self->view = NULL;
  self->has_pointer = FALSE;
  g_clear_object (&self->given);
}

GtkWidget *
ferry_task_rows_get_view (FerryTaskRows *self)
{
  return self->view;
}

GtkSelectionModel *
ferry_task_rows_get_tasks (FerryTaskRows *self)
{
  return self->tasks;
}

void
ferry_task_rows_set_moved (FerryTaskRows *self)
{
  self->has_moved = TRUE;
}

/* Of the rows that are shown, the highest one, and all together. Returns how many these are. */
static int
measure_shown (FerryTaskRows *self, int width, int *highest, int *all)
{
  GHashTableIter iter;
  gpointer item;
  int n_shown = 0;

  *highest = *all = 0;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    {
      GtkWidget *cell = gtk_list_item_get_child (item);
      int height;

      if (ferry_task_cell_get_row (FERRY_TASK_CELL (cell)) == NULL)
        continue;
      gtk_widget_measure (gtk_widget_get_parent (cell), GTK_ORIENTATION_VERTICAL, width, &height, NULL, NULL, NULL);
      *highest = MAX (*highest, height);
      *all += height;
      n_shown++;
    }
  return n_shown;
}

int
ferry_task_rows_measure (FerryTaskRows *self, int width)
{
  int highest, all;

  return measure_shown (self, width, &highest, &all) > 0 ? highest : HEIGHT_AT_FIRST;
}

int
ferry_task_rows_measure_all (FerryTaskRows *self, int width)
{
  int n_items = (int) MIN (g_list_model_get_n_items (G_LIST_MODEL (self->tasks)), G_MAXINT16);
  int highest, all, n_shown = measure_shown (self, width, &highest, &all);

  return n_shown > 0 ? all + MAX (n_items - n_shown, 0) * highest : n_items * HEIGHT_AT_FIRST;
}

/* ---- the selection, and the focus ---- */

GtkListItem *
ferry_task_rows_find_focus (FerryTaskRows *self)
{
  GtkRoot *root = self->view != NULL ? gtk_widget_get_root (self->view) : NULL;
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  GHashTableIter iter;
  gpointer item;

  if (focus == NULL || !gtk_widget_is_ancestor (focus, self->view))
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

FerryTaskRow *
ferry_task_rows_find_focus_row (FerryTaskRows *self)
{
  GtkRoot *root = gtk_widget_get_root (self->view);
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  GtkWidget *row = focus != NULL ? gtk_widget_get_ancestor (focus, FERRY_TYPE_TASK_ROW) : NULL;

  return row != NULL && gtk_widget_is_ancestor (row, self->view) ? FERRY_TASK_ROW (row) : NULL;
}

/* The task may be NULL. */
static void
add_to_set (GHashTable *looked_at, FerryTask *task)
{
  if (task != NULL)
    g_hash_table_add (looked_at, g_object_ref (task));
}

static void
add_selected (FerryTaskRows *self, GHashTable *looked_at)
{
  g_autoptr (GtkBitset) set = gtk_selection_model_get_selection (self->tasks);
  GtkBitsetIter iter;
  guint position;

  for (gboolean more = gtk_bitset_iter_init_first (&iter, set, &position);
       more && g_hash_table_size (looked_at) < MOST_LOOKED_AT; more = gtk_bitset_iter_next (&iter, &position))
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->tasks), position);

      if (task != self->given)
        add_to_set (looked_at, task);
    }
}

static void
add_shown (FerryTaskRows *self, GHashTable *looked_at)
{
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    if (ferry_task_cell_get_row (FERRY_TASK_CELL (gtk_list_item_get_child (item))) != NULL)
      add_to_set (looked_at, gtk_list_item_get_item (item));
}

GHashTable *
ferry_task_rows_find_looked_at (FerryTaskRows *self)
{
  GHashTable *looked_at = ferry_task_keeper_make_set ();
  GtkListItem *item = ferry_task_rows_find_focus (self);

  add_selected (self, looked_at);
  if (item != NULL && gtk_list_item_get_item (item) != self->given)
    add_to_set (looked_at, gtk_list_item_get_item (item));
  if (self->has_pointer)
    add_shown (self, looked_at);
  return looked_at;
}

void
ferry_task_rows_select (FerryTaskRows *self, guint position)
{
  if (position < g_list_model_get_n_items (G_LIST_MODEL (self->tasks)))
    gtk_selection_model_select_item (self->tasks, position, TRUE);
  else
    gtk_selection_model_unselect_all (self->tasks);
}

/* (nullable): what the view has made for that position. */
static GtkWidget *
find_item_widget (FerryTaskRows *self, guint position)
{
  GHashTableIter iter;
  gpointer item;

  g_hash_table_iter_init (&iter, self->items);
  while (g_hash_table_iter_next (&iter, &item, NULL))
    if (gtk_list_item_get_position (item) == position)
      return gtk_widget_get_parent (gtk_list_item_get_child (item));
  return NULL;
}

/* A view that gets the focus would give it to the item that had it last. */
void
ferry_task_rows_focus (FerryTaskRows *self, guint position)
{
  GtkWidget *item;

  gtk_widget_activate_action (self->view, "list.scroll-to-item", "u", position);
  item = find_item_widget (self, position);
  gtk_widget_grab_focus (item != NULL ? item : self->view);
}

gboolean
ferry_task_rows_enter (FerryTaskRows *self)
{
  g_autoptr (GtkBitset) set = gtk_selection_model_get_selection (self->tasks);

  if (gtk_bitset_is_empty (set))
    return gtk_widget_grab_focus (self->view);
  ferry_task_rows_focus (self, gtk_bitset_get_minimum (set));
  return ferry_task_rows_find_focus (self) != NULL;
}

void
ferry_task_rows_note_given_focus (FerryTaskRows *self)
{
  GtkListItem *item = ferry_task_rows_find_focus (self);

  g_set_object (&self->given, item != NULL ? gtk_list_item_get_item (item) : NULL);
}

/* Whoever presses a button by keys stands in the row, and sees it go. */
void
ferry_task_rows_note_click (FerryTaskRows *self)
{
  if (self->has_pointer)
    ferry_task_rows_note_given_focus (self);
}

/* A view would go through the buttons of all rows, and never to a row. */
gboolean
ferry_task_rows_move_focus (FerryTaskRows *self, GtkListItem *item, GtkDirectionType direction)
{
  GtkWidget *cell = gtk_list_item_get_child (item), *widget = gtk_widget_get_parent (cell);

  if (direction == GTK_DIR_TAB_FORWARD)
    return gtk_widget_child_focus (cell, direction);
  if (gtk_widget_is_focus (widget))
    return FALSE;
  return gtk_widget_child_focus (cell, direction) || gtk_widget_grab_focus (widget);
}

/* GTK 4.8 keeps a row for good that is removed with the focus in it. */
void
ferry_task_rows_leave (FerryTaskRows *self)
{
  GtkRoot *root = self->view != NULL ? gtk_widget_get_root (self->view) : NULL;
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (focus != NULL && gtk_widget_is_ancestor (focus, self->view))
    gtk_root_set_focus (root, NULL);
}
