/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A table of the inspector's page.
 *
 * Threads:    the one that runs GTK.
 * Invariants: a row that stays is the same item at each look, so the selection and the place in the list stay. Only the
 *             labels of rows in sight hear of a change. */

#include "config.h"

#include "gtk/ferry-inspector-view-private.h"

#include "gtk/ferry-format.h"
#include "gtk/ferry-look-private.h"
#include "gtk/ferry-translation-private.h"

/* So many rows are shown at most: each is looked at once a second. */
#define MAX_ROWS 500

/* In pixels: the height of what is said of the selected row. */
#define DETAILS_HEIGHT 90

/* On factories and labels: which column they are of. */
#define COLUMN_KEY "ferry-column"

#define LIST_PAGE "list"
#define EMPTY_PAGE "empty"

/* ---- a row ---- */

static guint changed_signal;

G_DEFINE_FINAL_TYPE (FerryInspectorItem, ferry_inspector_item, G_TYPE_OBJECT)

static void
ferry_inspector_item_finalize (GObject *object)
{
  FerryInspectorItem *self = FERRY_INSPECTOR_ITEM (object);

  for (guint i = 0; i < FERRY_INSPECTOR_MAX_CELLS; i++)
    g_free (self->cells[i]);
  g_free (self->details);
  g_clear_object (&self->kept);
  G_OBJECT_CLASS (ferry_inspector_item_parent_class)->finalize (object);
}

static void
ferry_inspector_item_class_init (FerryInspectorItemClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_inspector_item_finalize;
  changed_signal =
    g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
ferry_inspector_item_init (FerryInspectorItem *self)
{
  self->usage = (FerryWorkerUsage) FERRY_WORKER_USAGE_INIT;
}

void
ferry_inspector_item_set (FerryInspectorItem *self, guint cell, char *text)
{
  char **place = cell < FERRY_INSPECTOR_MAX_CELLS ? &self->cells[cell] : &self->details;

  if (g_strcmp0 (*place, text) == 0)
    {
      g_free (text);
      return;
    }
  g_free (*place);
  *place = text;
  self->has_changed = TRUE;
}

/* ---- the table ---- */

struct _FerryInspectorView
{
  GtkWidget parent_instance;

  const FerryInspectorKind *kind; /* const */
  GListStore *items;
  GtkSingleSelection *selection;
  FerryInspectorItem *shown; /* (nullable): the one whose details are shown */
  gulong shown_handler;

  GtkWidget *paned;
  GtkWidget *stack;
  GtkWidget *count_label;
  GtkWidget *details_label;
  GtkWidget *ask_button;  /* (nullable): as the next one */
  GtkWidget *stop_button; /* (nullable): as all of the details, where the table has none */
  GtkWidget *kill_button; /* (nullable) */
};

G_DEFINE_FINAL_TYPE (FerryInspectorView, ferry_inspector_view, GTK_TYPE_WIDGET)

static void
setup_cb (FerryInspectorView *self, GtkListItem *list_item, GtkListItemFactory *factory)
{
  gpointer index = g_object_get_data (G_OBJECT (factory), COLUMN_KEY);
  const FerryInspectorColumn *column = &self->kind->columns[GPOINTER_TO_UINT (index)];
  /* Its size is not that of its text, so a text that changes each second makes no row measured anew. */
  GtkWidget *label = g_object_new (GTK_TYPE_INSCRIPTION, "xalign", column->xalign, "text-overflow",
                                   GTK_INSCRIPTION_OVERFLOW_ELLIPSIZE_END, "min-chars", (guint) column->width,
                                   "nat-chars", (guint) column->width, "min-lines", 1, "nat-lines", 1, NULL);

  g_object_set_data (G_OBJECT (label), COLUMN_KEY, index);
  if (column->xalign > 0)
    gtk_widget_add_css_class (label, "numeric");
  gtk_list_item_set_activatable (list_item, FALSE);
  gtk_list_item_set_child (list_item, label);
}

static void
show_cell (FerryInspectorItem *item, GtkInscription *label)
{
  guint column = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (label), COLUMN_KEY));

  gtk_inscription_set_text (label, item->cells[column]);
}

static void
bind_cb (FerryInspectorView *self, GtkListItem *list_item)
{
  FerryInspectorItem *item = gtk_list_item_get_item (list_item);
  GtkWidget *label = gtk_list_item_get_child (list_item);

  g_signal_connect_object (item, "changed", G_CALLBACK (show_cell), label, 0);
  show_cell (item, GTK_INSCRIPTION (label));
}

static void
unbind_cb (FerryInspectorView *self, GtkListItem *list_item)
{
  g_signal_handlers_disconnect_by_func (gtk_list_item_get_item (list_item), show_cell,
                                        gtk_list_item_get_child (list_item));
}

/* The title of the column that was added last is the last widget of the header. GTK has no function for its tooltip. */
static void
set_tooltip (GtkColumnView *view, const char *tooltip)
{
  GtkWidget *header = gtk_widget_get_first_child (GTK_WIDGET (view));
  GtkWidget *title = header != NULL ? gtk_widget_get_last_child (header) : NULL;

  if (title != NULL)
    gtk_widget_set_tooltip_text (title, tooltip);
}

static void
add_column (FerryInspectorView *self, GtkColumnView *view, guint index)
{
  const FerryInspectorColumn *column = &self->kind->columns[index];
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  g_autoptr (GtkColumnViewColumn) added = NULL;

  g_object_set_data (G_OBJECT (factory), COLUMN_KEY, GUINT_TO_POINTER (index));
  g_signal_connect_object (factory, "setup", G_CALLBACK (setup_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (factory, "bind", G_CALLBACK (bind_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (factory, "unbind", G_CALLBACK (unbind_cb), self, G_CONNECT_SWAPPED);
  added = gtk_column_view_column_new (_ (column->title), factory);
  gtk_column_view_column_set_expand (added, column->expands);
  gtk_column_view_column_set_resizable (added, TRUE);
  gtk_column_view_append_column (view, added);
  if (column->tooltip != NULL)
    set_tooltip (view, _ (column->tooltip));
}

/* ---- the selected row ---- */

static void
show_details (FerryInspectorView *self)
{
  gboolean can_end = self->shown != NULL && self->shown->can_end;
  const char *text = self->shown != NULL && self->shown->details != NULL ? self->shown->details : "";

  if (self->details_label == NULL)
    return;
  if (g_strcmp0 (gtk_label_get_text (GTK_LABEL (self->details_label)), text) != 0)
    gtk_label_set_text (GTK_LABEL (self->details_label), text);
  if (self->stop_button == NULL)
    return;
  gtk_widget_set_sensitive (self->ask_button, can_end);
  gtk_widget_set_sensitive (self->stop_button, can_end);
  gtk_widget_set_sensitive (self->kill_button, can_end);
}

static void
selected_cb (FerryInspectorView *self)
{
  FerryInspectorItem *item = gtk_single_selection_get_selected_item (self->selection);

  if (item == self->shown)
    return;
  if (self->shown != NULL)
    g_signal_handler_disconnect (self->shown, self->shown_handler);
  g_set_object (&self->shown, item);
  if (item != NULL)
    self->shown_handler = g_signal_connect_object (item, "changed", G_CALLBACK (show_details), self, G_CONNECT_SWAPPED);
  show_details (self);
}

static void
end_selected (FerryInspectorView *self, gboolean kills)
{
  if (self->shown == NULL || !ferry_inspection_end_worker (self->shown->number, kills))
    gtk_widget_error_bell (GTK_WIDGET (self));
  ferry_inspector_view_look (self);
}

static void
ask_cb (FerryInspectorView *self)
{
  if (self->shown == NULL || !ferry_inspection_ask_worker (self->shown->number))
    gtk_widget_error_bell (GTK_WIDGET (self));
}

static void
stop_cb (FerryInspectorView *self)
{
  end_selected (self, /* kills: */ FALSE);
}

static void
kill_cb (FerryInspectorView *self)
{
  end_selected (self, /* kills: */ TRUE);
}

/* ---- the look ---- */

/* (transfer full) (element-type FerryInspectorItem): an item for each row, in their order: those that are there already
 * for the rows that they had. */
static GPtrArray *
make_items (FerryInspectorView *self, GPtrArray *rows)
{
  GPtrArray *items = g_ptr_array_new_full (rows->len, g_object_unref);
  g_autoptr (GHashTable) known = g_hash_table_new (g_int64_hash, g_int64_equal);
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->items)); i++)
    {
      g_autoptr (FerryInspectorItem) item = g_list_model_get_item (G_LIST_MODEL (self->items), i);

      g_hash_table_insert (known, &item->number, item);
    }
  for (guint i = 0; i < rows->len; i++)
    {
      guint64 number = self->kind->get_number (rows->pdata[i]);
      FerryInspectorItem *item = g_hash_table_lookup (known, &number);

      item = item != NULL ? g_object_ref (item) : g_object_new (FERRY_TYPE_INSPECTOR_ITEM, NULL);
      item->number = number;
      self->kind->fill (item, rows->pdata[i], now);
      g_ptr_array_add (items, item);
    }
  return items;
}

static gboolean
is_at (FerryInspectorView *self, guint position, gpointer item)
{
  g_autoptr (GObject) there = g_list_model_get_item (G_LIST_MODEL (self->items), position);

  return there == item;
}

/* Without rows that are gone meanwhile, the focus is nowhere, and GTK gives it to what comes next. That may be the text
 * below, which can be selected: a label of GTK 4.8 still reads what has had the focus before, and nobody keeps a row.
 */
static void
splice (FerryInspectorView *self, guint position, guint n_removed, gpointer *added, guint n_added)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  g_autoptr (GtkWidget) kept = focus != NULL ? g_object_ref (focus) : NULL;

  g_list_store_splice (self->items, position, n_removed, added, n_added);
  if (kept != NULL && gtk_widget_get_root (kept) == NULL)
    gtk_root_set_focus (root, NULL);
}

/* Changes what is between the rows that stay at the beginning, and those that stay at the end. */
static void
set_items (FerryInspectorView *self, GPtrArray *items)
{
  guint n_before = g_list_model_get_n_items (G_LIST_MODEL (self->items));
  guint n_first = 0, n_last = 0;

  while (n_first < MIN (items->len, n_before) && is_at (self, n_first, items->pdata[n_first]))
    n_first++;
  while (n_last < MIN (items->len, n_before) - n_first &&
         is_at (self, n_before - n_last - 1, items->pdata[items->len - n_last - 1]))
    n_last++;
  if (n_first + n_last < MAX (items->len, n_before))
    splice (self, n_first, n_before - n_first - n_last, items->pdata + n_first, items->len - n_first - n_last);
}

/* The row that was selected is it again, where it is still there. */
static void
select_again (FerryInspectorView *self, FerryInspectorItem *item)
{
  guint position = item != NULL ? ferry_list_view_find (self->items, item) : GTK_INVALID_LIST_POSITION;
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->items));

  gtk_single_selection_set_selected (self->selection, position < n_items ? position : GTK_INVALID_LIST_POSITION);
}

static void
show_count (FerryInspectorView *self, const FerryInspection *inspection, guint n_rows)
{
  guint n_all = (self->kind->what & FERRY_INSPECTS_TASKS) != 0 ? MAX (inspection->n_tasks, n_rows) : n_rows;
  g_autofree char *shown = ferry_format_count (n_rows);
  g_autofree char *all = ferry_format_count (n_all);
  g_autofree char *text = NULL;

  if (n_rows < n_all)
    text = g_strdup_printf (_ ("%s of %s"), shown, all);
  else if (self->kind->sum != NULL && n_rows > 0)
    text = self->kind->sum (G_LIST_MODEL (self->items));
  if (self->count_label != NULL)
    gtk_label_set_text (GTK_LABEL (self->count_label), text != NULL ? text : "");
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), n_rows > 0 ? LIST_PAGE : EMPTY_PAGE);
}

void
ferry_inspector_view_look (FerryInspectorView *self)
{
  g_autoptr (FerryInspection) inspection = ferry_inspection_new (self->kind->what, MAX_ROWS);
  g_autoptr (FerryInspectorItem) selected = self->shown != NULL ? g_object_ref (self->shown) : NULL;
  g_autoptr (GPtrArray) items = make_items (self, self->kind->get_rows (inspection));

  set_items (self, items);
  select_again (self, selected);
  for (guint i = 0; i < items->len; i++)
    {
      FerryInspectorItem *item = items->pdata[i];

      if (item->has_changed)
        g_signal_emit (item, changed_signal, 0);
      item->has_changed = FALSE;
    }
  show_count (self, inspection, items->len);
}

/* ---- the object ---- */

static void
ferry_inspector_view_dispose (GObject *object)
{
  FerryInspectorView *self = FERRY_INSPECTOR_VIEW (object);

  if (self->shown != NULL)
    g_signal_handler_disconnect (self->shown, self->shown_handler);
  g_clear_object (&self->shown);
  g_clear_pointer (&self->paned, gtk_widget_unparent);
  g_clear_object (&self->selection);
  g_clear_object (&self->items);
  G_OBJECT_CLASS (ferry_inspector_view_parent_class)->dispose (object);
}

static void
ferry_inspector_view_class_init (FerryInspectorViewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_inspector_view_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (GTK_WIDGET_CLASS (klass), "ferryinspectorview");
}

static void
ferry_inspector_view_init (FerryInspectorView *self)
{
  self->items = g_list_store_new (FERRY_TYPE_INSPECTOR_ITEM);
  self->selection = gtk_single_selection_new (G_LIST_MODEL (g_object_ref (self->items)));
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  gtk_single_selection_set_selected (self->selection, GTK_INVALID_LIST_POSITION);
  g_signal_connect_object (self->selection, "notify::selected-item", G_CALLBACK (selected_cb), self, G_CONNECT_SWAPPED);
}

/* (transfer floating) */
static GtkWidget *
make_table (FerryInspectorView *self)
{
  GtkWidget *view = gtk_column_view_new (GTK_SELECTION_MODEL (g_object_ref (self->selection)));
  GtkWidget *scrolled = gtk_scrolled_window_new ();

  gtk_widget_add_css_class (view, "data-table");
  gtk_column_view_set_show_row_separators (GTK_COLUMN_VIEW (view), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL, _ (self->kind->title), -1);
  for (guint i = 0; i < self->kind->n_columns; i++)
    add_column (self, GTK_COLUMN_VIEW (view), i);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  return scrolled;
}

static GtkWidget *
add_button (GtkWidget *box, const char *words, const char *tooltip, GCallback clicked, FerryInspectorView *self)
{
  GtkWidget *button = ferry_look_make_button (words);

  gtk_widget_set_tooltip_text (button, tooltip);
  g_signal_connect_object (button, "clicked", clicked, self, G_CONNECT_SWAPPED);
  gtk_box_append (GTK_BOX (box), button);
  return button;
}

/* (transfer floating): what is said of the selected row, and what can be done with it. */
static GtkWidget *
make_details (FerryInspectorView *self)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *scrolled =
    g_object_new (GTK_TYPE_SCROLLED_WINDOW, "min-content-height", DETAILS_HEIGHT, "hexpand", TRUE, NULL);
  GtkWidget *side = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  self->details_label = g_object_new (GTK_TYPE_LABEL, "xalign", 0.0, "yalign", 0.0, "selectable", TRUE, "wrap", TRUE,
                                      "wrap-mode", PANGO_WRAP_WORD_CHAR, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->details_label), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  _ ("What is selected"), -1);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), self->details_label);
  self->count_label = g_object_new (GTK_TYPE_LABEL, "xalign", 1.0, NULL);
  gtk_widget_add_css_class (self->count_label, "dim-label");
  gtk_widget_add_css_class (self->count_label, "numeric");
  gtk_box_append (GTK_BOX (side), self->count_label);
  if (self->kind->can_end)
    {
      GtkWidget *buttons = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

      gtk_box_append (GTK_BOX (side), buttons);
      self->ask_button =
        add_button (buttons, _ ("_Where?"), _ ("Ask this worker which function it is in"), G_CALLBACK (ask_cb), self);
      self->stop_button = add_button (buttons, _ ("_Stop"), _ ("End this worker once it has done what it runs"),
                                      G_CALLBACK (stop_cb), self);
      self->kill_button = add_button (buttons, _ ("_Kill"), _ ("End this worker at once; what it runs is lost"),
                                      G_CALLBACK (kill_cb), self);
    }
  gtk_widget_set_vexpand (line, FALSE);
  gtk_widget_set_margin_start (line, 12);
  gtk_widget_set_margin_end (line, 12);
  gtk_widget_set_margin_top (line, 6);
  gtk_widget_set_margin_bottom (line, 6);
  gtk_box_append (GTK_BOX (line), scrolled);
  gtk_box_append (GTK_BOX (line), side);
  return line;
}

GtkWidget *
ferry_inspector_view_new (const FerryInspectorKind *kind)
{
  FerryInspectorView *self = g_object_new (FERRY_TYPE_INSPECTOR_VIEW, NULL);
  GtkWidget *empty = gtk_label_new (_ (kind->empty));

  self->kind = kind;
  self->stack = gtk_stack_new ();
  gtk_widget_set_vexpand (self->stack, TRUE);
  gtk_widget_add_css_class (empty, "dim-label");
  gtk_stack_add_named (GTK_STACK (self->stack), make_table (self), LIST_PAGE);
  gtk_stack_add_named (GTK_STACK (self->stack), empty, EMPTY_PAGE);
  /* Whoever reads more of the details makes them larger. */
  self->paned = gtk_paned_new (GTK_ORIENTATION_VERTICAL);
  gtk_paned_set_start_child (GTK_PANED (self->paned), self->stack);
  gtk_paned_set_shrink_start_child (GTK_PANED (self->paned), FALSE);
  if (kind->has_details)
    {
      gtk_paned_set_end_child (GTK_PANED (self->paned), make_details (self));
      gtk_paned_set_resize_end_child (GTK_PANED (self->paned), FALSE);
      gtk_paned_set_shrink_end_child (GTK_PANED (self->paned), FALSE);
    }
  gtk_widget_set_parent (self->paned, GTK_WIDGET (self));
  show_details (self);
  return GTK_WIDGET (self);
}
