/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The workers of a pool as a list: what each does and uses, and a way to end one.
 *
 * Threads:    the one that runs GTK, which is the router's.
 * Invariants: workers are looked at once a second, those in rows only, and not while the list is not mapped. */

#include "config.h"

#include "gtk/ferry-worker-list.h"

#include "gtk/ferry-inspector-page-private.h"
#include "gtk/ferry-look-private.h"
#include "gtk/ferry-remote-picture.h"
#include "gtk/ferry-task-button.h"
#include "gtk/ferry-task-list.h"
#include "gtk/ferry-task-row.h"
#include "gtk/ferry-translation-private.h"
#include "gtk/ferry-worker-row-private.h"

#define ACTION "worker.end"

#define LIST_PAGE "list"
#define PLACEHOLDER_PAGE "placeholder"

/* In pixels, of a row of which none has been made. */
#define HEIGHT_AT_FIRST 60

/**
 * FerryWorkerList:
 *
 * A list of the workers of a pool: their process ids, what they do, and how much they use of a processor and of memory.
 *
 * Each row says whether the worker starts, is idle, is busy or ends, and names its task. What it does and uses is
 * looked at once a second while the list is mapped. A dash stands for what the system does not tell. A pool of threads
 * has no processes, so its list is empty.
 *
 * The list has the action `worker.end`, which kills the worker whose row has the focus, or else the one that is
 * selected. Its key is Delete. A row asks before it ends a worker that runs a task. To the pool this is a worker that
 * died: the task is lost, and the pool replaces the worker when it needs one.
 *
 * # CSS nodes
 *
 * The list is a `workerlist`, and its rows have a `workerrow`.
 */
struct _FerryWorkerList
{
  GtkWidget parent_instance;

  FerryPool *pool; /* (nullable) */
  GtkSingleSelection *selection;
  GPtrArray *rows; /* (element-type FerryWorkerRow) (unowned): those that have a worker */
  guint timer;
  gboolean had_focus; /* the row that had it goes away */
  int max_height;     /* 0: the list fills what it is given */

  GtkWidget *stack;
  GtkWidget *view;
};

enum
{
  PROP_POOL = 1,
  PROP_MAX_HEIGHT,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryWorkerList, ferry_worker_list, GTK_TYPE_WIDGET)

/* ---- what is shown ---- */

static gboolean
look_cb (gpointer data)
{
  FerryWorkerList *self = data;

  for (guint i = 0; i < self->rows->len; i++)
    ferry_worker_row_look (g_ptr_array_index (self->rows, i));
  return G_SOURCE_CONTINUE;
}

static void
setup_cb (FerryWorkerList *self, GtkListItem *item)
{
  gtk_list_item_set_activatable (item, FALSE);
  gtk_list_item_set_child (item, ferry_worker_row_new ());
}

static void
bind_cb (FerryWorkerList *self, GtkListItem *item)
{
  FerryWorkerRow *row = FERRY_WORKER_ROW (gtk_list_item_get_child (item));

  ferry_worker_row_set_worker (row, gtk_list_item_get_item (item));
  g_ptr_array_add (self->rows, row);
}

static void
unbind_cb (FerryWorkerList *self, GtkListItem *item)
{
  FerryWorkerRow *row = FERRY_WORKER_ROW (gtk_list_item_get_child (item));

  g_ptr_array_remove (self->rows, row);
  ferry_worker_row_set_worker (row, NULL);
}

static const FerryListViewFuncs view_funcs = {G_CALLBACK (setup_cb), G_CALLBACK (bind_cb), G_CALLBACK (unbind_cb)};

/* (nullable): the row that the focus is in. */
static FerryWorkerRow *
get_focus_row (FerryWorkerList *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  if (focus == NULL || !gtk_widget_is_ancestor (focus, self->view))
    return NULL;
  for (guint i = 0; i < self->rows->len; i++)
    {
      GtkWidget *row = g_ptr_array_index (self->rows, i);

      if (gtk_widget_is_ancestor (focus, row) || gtk_widget_is_ancestor (row, focus))
        return FERRY_WORKER_ROW (row);
    }
  return NULL;
}

/* Comes before the view hears of it. GTK 4.8 keeps a row for good that is removed with the focus in it. */
static void
items_changed_cb (FerryWorkerList *self)
{
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  FerryWorkerRow *row = get_focus_row (self);

  self->had_focus = row != NULL && ferry_list_view_find (self->selection, ferry_worker_row_get_worker (row)) == n_items;
  if (self->had_focus)
    gtk_root_set_focus (gtk_widget_get_root (GTK_WIDGET (self)), NULL);
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), n_items == 0 ? PLACEHOLDER_PAGE : LIST_PAGE);
}

/* Comes after the view has heard of it: the focus stays in the list. */
static void
view_changed_cb (FerryWorkerList *self)
{
  if (self->had_focus && g_list_model_get_n_items (G_LIST_MODEL (self->selection)) > 0)
    gtk_widget_grab_focus (self->view);
  self->had_focus = FALSE;
}

/* ---- actions ---- */

/* (nullable): the row that keys are meant for: the one that has the focus, or that of the worker that is selected. */
static FerryWorkerRow *
get_current_row (FerryWorkerList *self)
{
  FerryWorkerRow *row = get_focus_row (self);
  gpointer selected = gtk_single_selection_get_selected_item (self->selection);

  for (guint i = 0; i < self->rows->len && row == NULL && selected != NULL; i++)
    if (ferry_worker_row_get_worker (g_ptr_array_index (self->rows, i)) == selected)
      row = g_ptr_array_index (self->rows, i);
  return row;
}

static void
activate_end (GtkWidget *widget, const char *name, GVariant *parameter)
{
  FerryWorkerRow *row = get_current_row (FERRY_WORKER_LIST (widget));

  if (row == NULL || !gtk_widget_activate_action (GTK_WIDGET (row), ACTION, NULL))
    gtk_widget_error_bell (widget);
}

/* ---- the object ---- */

static void
set_pool (FerryWorkerList *self, FerryPool *pool)
{
  if (!g_set_object (&self->pool, pool))
    return;
  gtk_single_selection_set_model (self->selection, pool != NULL ? ferry_pool_get_workers (pool) : NULL);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_POOL]);
}

static void
set_max_height (FerryWorkerList *self, int max_height)
{
  if (self->max_height == max_height)
    return;
  self->max_height = max_height;
  ferry_list_view_set_max_height (self->view, max_height);
  gtk_widget_queue_resize (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MAX_HEIGHT]);
}

static void
ferry_worker_list_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  if (property_id == PROP_POOL)
    g_value_set_object (value, FERRY_WORKER_LIST (object)->pool);
  else if (property_id == PROP_MAX_HEIGHT)
    g_value_set_int (value, FERRY_WORKER_LIST (object)->max_height);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
ferry_worker_list_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  if (property_id == PROP_POOL)
    set_pool (FERRY_WORKER_LIST (object), g_value_get_object (value));
  else if (property_id == PROP_MAX_HEIGHT)
    set_max_height (FERRY_WORKER_LIST (object), g_value_get_int (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

/* The row, with what the view puts around it. */
static int
measure_row (FerryWorkerList *self, int width)
{
  int height = 0;

  if (self->rows->len > 0)
    gtk_widget_measure (gtk_widget_get_parent (g_ptr_array_index (self->rows, 0)), GTK_ORIENTATION_VERTICAL, width,
                        &height, NULL, NULL, NULL);
  return height > 0 ? height : HEIGHT_AT_FIRST;
}

/* A view has the height of rows that it has, and those that are not in sight have none. */
static void
ferry_worker_list_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                           int *minimum_baseline, int *natural_baseline)
{
  FerryWorkerList *self = FERRY_WORKER_LIST (widget);
  int n_items = (int) MIN (g_list_model_get_n_items (G_LIST_MODEL (self->selection)), G_MAXINT16);

  gtk_widget_measure (self->stack, orientation, for_size, minimum, natural, NULL, NULL);
  if (self->max_height == 0 || orientation == GTK_ORIENTATION_HORIZONTAL)
    return;
  *minimum = MAX (*minimum, MIN (n_items * measure_row (self, for_size), self->max_height));
  *natural = MAX (*natural, *minimum);
}

static void
ferry_worker_list_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  gtk_widget_allocate (FERRY_WORKER_LIST (widget)->stack, width, height, baseline, NULL);
}

static GtkSizeRequestMode
ferry_worker_list_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

/* What GTK does by itself would grab the focus where Shift+Tab wants to leave the list. */
static gboolean
ferry_worker_list_focus (GtkWidget *widget, GtkDirectionType direction)
{
  return gtk_widget_child_focus (FERRY_WORKER_LIST (widget)->stack, direction);
}

static gboolean
ferry_worker_list_grab_focus (GtkWidget *widget)
{
  FerryWorkerList *self = FERRY_WORKER_LIST (widget);

  return ferry_list_view_grab_focus (self->stack, self->view);
}

static void
ferry_worker_list_map (GtkWidget *widget)
{
  FerryWorkerList *self = FERRY_WORKER_LIST (widget);

  GTK_WIDGET_CLASS (ferry_worker_list_parent_class)->map (widget);
  look_cb (self);
  self->timer = g_timeout_add_seconds (1, look_cb, self);
  g_source_set_name_by_id (self->timer, "[ferry] usage of workers");
}

static void
ferry_worker_list_unmap (GtkWidget *widget)
{
  g_clear_handle_id (&FERRY_WORKER_LIST (widget)->timer, g_source_remove);
  GTK_WIDGET_CLASS (ferry_worker_list_parent_class)->unmap (widget);
}

static void
ferry_worker_list_dispose (GObject *object)
{
  FerryWorkerList *self = FERRY_WORKER_LIST (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->stack, gtk_widget_unparent);
  g_clear_object (&self->selection);
  g_clear_object (&self->pool);
  G_OBJECT_CLASS (ferry_worker_list_parent_class)->dispose (object);
}

static void
ferry_worker_list_finalize (GObject *object)
{
  g_ptr_array_unref (FERRY_WORKER_LIST (object)->rows);
  G_OBJECT_CLASS (ferry_worker_list_parent_class)->finalize (object);
}

static void
ferry_worker_list_class_init (FerryWorkerListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_worker_list_get_property;
  object_class->set_property = ferry_worker_list_set_property;
  object_class->dispose = ferry_worker_list_dispose;
  object_class->finalize = ferry_worker_list_finalize;
  widget_class->measure = ferry_worker_list_measure;
  widget_class->size_allocate = ferry_worker_list_size_allocate;
  widget_class->get_request_mode = ferry_worker_list_get_request_mode;
  widget_class->focus = ferry_worker_list_focus;
  widget_class->grab_focus = ferry_worker_list_grab_focus;
  widget_class->map = ferry_worker_list_map;
  widget_class->unmap = ferry_worker_list_unmap;
  /**
   * FerryWorkerList:pool:
   *
   * The pool whose workers are shown; %NULL for none. The list holds a reference.
   */
  properties[PROP_POOL] = g_param_spec_object ("pool", NULL, NULL, FERRY_TYPE_POOL,
                                               G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  /**
   * FerryWorkerList:max-height:
   *
   * In pixels: the list is as high as its rows, and scrolls where these are higher than this, as
   * [property@FerryGtk.TaskList:max-height]. 0, the default: it fills what it is given.
   */
  properties[PROP_MAX_HEIGHT] = g_param_spec_int ("max-height", NULL, NULL, 0, G_MAXINT, 0,
                                                  G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);

  gtk_widget_class_set_css_name (widget_class, "workerlist");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GENERIC);
  gtk_widget_class_install_action (widget_class, ACTION, NULL, activate_end);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Delete, 0, ACTION, NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_KP_Delete, 0, ACTION, NULL);
}

static void
ferry_worker_list_init (FerryWorkerList *self)
{
  GtkWidget *placeholder = gtk_label_new (_ ("No Workers"));

  ferry_look_ensure_styles (GTK_WIDGET (self));
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  self->rows = g_ptr_array_new ();
  self->selection = gtk_single_selection_new (NULL);
  gtk_single_selection_set_autoselect (self->selection, FALSE);
  gtk_single_selection_set_can_unselect (self->selection, TRUE);
  g_signal_connect_object (self->selection, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
  self->stack = gtk_stack_new ();
  gtk_widget_set_parent (self->stack, GTK_WIDGET (self));
  gtk_stack_add_named (
    GTK_STACK (self->stack),
    ferry_list_view_new (GTK_SELECTION_MODEL (self->selection), &view_funcs, self, _ ("Workers"), &self->view),
    LIST_PAGE);
  gtk_stack_add_named (GTK_STACK (self->stack), placeholder, PLACEHOLDER_PAGE);
  gtk_widget_add_css_class (placeholder, "dim-label");
  g_signal_connect_object (self->selection, "items-changed", G_CALLBACK (view_changed_cb), self, G_CONNECT_SWAPPED);
  items_changed_cb (self);
}

/**
 * ferry_worker_list_new:
 * @pool: (nullable): a pool
 *
 * Makes a list of the workers of a pool. On the thread that runs GTK, which must be the router's.
 *
 * Returns: (transfer floating): a new list
 */
GtkWidget *
ferry_worker_list_new (FerryPool *pool)
{
  g_return_val_if_fail (pool == NULL || FERRY_IS_POOL (pool), NULL);

  return g_object_new (FERRY_TYPE_WORKER_LIST, "pool", pool, NULL);
}

/**
 * ferry_worker_list_set_max_height:
 * @self: a list
 * @max_height: in pixels; 0: the list fills what it is given
 *
 * Sets [property@FerryGtk.WorkerList:max-height]. On the thread that runs GTK.
 */
void
ferry_worker_list_set_max_height (FerryWorkerList *self, int max_height)
{
  g_return_if_fail (FERRY_IS_WORKER_LIST (self));
  g_return_if_fail (max_height >= 0);

  set_max_height (self, max_height);
}

/* Registers the types of all widgets when the library is loaded, without their classes, so it needs no display:
 * Gtk.Builder finds a type that nothing has used before, and GTK's inspector the page. */
static __attribute__ ((constructor)) void
register_types (void)
{
  g_type_ensure (FERRY_TYPE_REMOTE_PICTURE);
  g_type_ensure (FERRY_TYPE_TASK_BUTTON);
  g_type_ensure (FERRY_TYPE_TASK_LIST);
  g_type_ensure (FERRY_TYPE_TASK_ROW);
  g_type_ensure (FERRY_TYPE_WORKER_LIST);
  ferry_inspector_page_register ();
}
