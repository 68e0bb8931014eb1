/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A page of GTK's inspector (Ctrl+Shift+D) that shows what the application has of Ferry: workers, tasks, routers and
 * queues, pipes, channels and calls.
 *
 * The inspector finds it by an extension point of GTK's, which it looks at when its window is made. An application that
 * was started with GTK_DEBUG=interactive has that window before this library, so the page is added to it.
 *
 * Threads:    the one that runs GTK.
 * Invariants: the application is looked at once a second, and not while the page is not mapped; each time only for what
 *             the table in sight shows. */

#include "config.h"

#include "gtk/ferry-inspector-page-private.h"

#include <ferry.h>

#include "gtk/ferry-inspector-view-private.h"
#include "gtk/ferry-look-private.h"
#include "gtk/ferry-translation-private.h"

#define EXTENSION_POINT "gtk-inspector-page"
#define NAME "ferry"
/* The product's name, which no language changes. */
#define TITLE "Ferry"

#define FERRY_TYPE_INSPECTOR_PAGE (ferry_inspector_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryInspectorPage, ferry_inspector_page, FERRY, INSPECTOR_PAGE, GtkWidget)

struct _FerryInspectorPage
{
  GtkWidget parent_instance;

  guint timer;

  GtkWidget *box;
  GtkWidget *stack;
};

enum
{
  PROP_TITLE = 1,
  PROP_OBJECT,
};

G_DEFINE_FINAL_TYPE (FerryInspectorPage, ferry_inspector_page, GTK_TYPE_WIDGET)

static void
look (FerryInspectorPage *self)
{
  GtkWidget *view = gtk_stack_get_visible_child (GTK_STACK (self->stack));

  if (gtk_widget_get_mapped (GTK_WIDGET (self)) && view != NULL)
    ferry_inspector_view_look (FERRY_INSPECTOR_VIEW (view));
}

static gboolean
look_cb (gpointer data)
{
  look (data);
  return G_SOURCE_CONTINUE;
}

static void
copy_cb (FerryInspectorPage *self)
{
  g_autofree char *text = ferry_describe_application ();

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
}

static void
ferry_inspector_page_map (GtkWidget *widget)
{
  FerryInspectorPage *self = FERRY_INSPECTOR_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_inspector_page_parent_class)->map (widget);
  look (self);
  self->timer = g_timeout_add_seconds (1, look_cb, self);
  g_source_set_name_by_id (self->timer, "[ferry] inspector");
}

static void
ferry_inspector_page_unmap (GtkWidget *widget)
{
  g_clear_handle_id (&FERRY_INSPECTOR_PAGE (widget)->timer, g_source_remove);
  GTK_WIDGET_CLASS (ferry_inspector_page_parent_class)->unmap (widget);
}

static void
ferry_inspector_page_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  if (property_id == PROP_TITLE)
    g_value_set_static_string (value, TITLE);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

/* The object that is selected in the inspector, which has nothing to do with this page. */
static void
ferry_inspector_page_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  if (property_id != PROP_OBJECT)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
}

static void
ferry_inspector_page_dispose (GObject *object)
{
  FerryInspectorPage *self = FERRY_INSPECTOR_PAGE (object);

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (ferry_inspector_page_parent_class)->dispose (object);
}

static void
ferry_inspector_page_class_init (FerryInspectorPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_inspector_page_get_property;
  object_class->set_property = ferry_inspector_page_set_property;
  object_class->dispose = ferry_inspector_page_dispose;
  widget_class->map = ferry_inspector_page_map;
  widget_class->unmap = ferry_inspector_page_unmap;
  /* What the inspector asks of each page. */
  g_object_class_install_property (
    object_class, PROP_TITLE,
    g_param_spec_string ("title", NULL, NULL, TITLE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (
    object_class, PROP_OBJECT,
    g_param_spec_object ("object", NULL, NULL, G_TYPE_OBJECT, G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "ferryinspectorpage");
}

/* (transfer floating): which table is shown, and the button that copies all. */
static GtkWidget *
make_bar (FerryInspectorPage *self)
{
  GtkWidget *bar = gtk_center_box_new ();
  GtkWidget *switcher = gtk_stack_switcher_new ();
  GtkWidget *copy = ferry_look_make_button (_ ("_Copy as Text"));

  gtk_stack_switcher_set_stack (GTK_STACK_SWITCHER (switcher), GTK_STACK (self->stack));
  gtk_widget_set_tooltip_text (copy, _ ("Copy all of this for a report, without arguments, names of tasks and paths"));
  g_signal_connect_object (copy, "clicked", G_CALLBACK (copy_cb), self, G_CONNECT_SWAPPED);
  gtk_center_box_set_center_widget (GTK_CENTER_BOX (bar), switcher);
  gtk_center_box_set_end_widget (GTK_CENTER_BOX (bar), copy);
  gtk_widget_set_margin_start (bar, 6);
  gtk_widget_set_margin_end (bar, 6);
  gtk_widget_set_margin_top (bar, 6);
  gtk_widget_set_margin_bottom (bar, 6);
  return bar;
}

static void
ferry_inspector_page_init (FerryInspectorPage *self)
{
  self->stack = gtk_stack_new ();
  gtk_widget_set_vexpand (self->stack, TRUE);
  for (guint i = 0; i < FERRY_INSPECTOR_N_KINDS; i++)
    {
      const FerryInspectorKind *kind = &ferry_inspector_kinds[i];

      gtk_stack_add_titled (GTK_STACK (self->stack), ferry_inspector_view_new (kind), kind->name, _ (kind->title));
    }
  g_signal_connect_object (self->stack, "notify::visible-child", G_CALLBACK (look), self, G_CONNECT_SWAPPED);
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  gtk_box_append (GTK_BOX (self->box), make_bar (self));
  gtk_box_append (GTK_BOX (self->box), self->stack);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}

/* ---- the inspector ---- */

/* Whether this is one of the inspector's stacks with a child for each of its pages: those themselves, which have
 * titles, and their buttons in the header bar. */
static gboolean
has_pages (GtkWidget *widget)
{
  return GTK_IS_STACK (widget) && gtk_stack_get_child_by_name (GTK_STACK (widget), "objects") != NULL &&
         gtk_stack_get_child_by_name (GTK_STACK (widget), "css") != NULL &&
         gtk_stack_get_child_by_name (GTK_STACK (widget), NAME) == NULL;
}

static void
find_stacks (GtkWidget *widget, GPtrArray *stacks)
{
  if (has_pages (widget))
    g_ptr_array_add (stacks, widget);
  else
    for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
         child = gtk_widget_get_next_sibling (child))
      find_stacks (child, stacks);
}

static void
add_to_window (GtkWidget *window)
{
  g_autoptr (GPtrArray) stacks = g_ptr_array_new ();
  GtkStack *pages = NULL, *buttons = NULL;

  find_stacks (window, stacks);
  for (guint i = 0; i < stacks->len; i++)
    {
      GtkStack *stack = GTK_STACK (stacks->pdata[i]);
      GtkWidget *child = gtk_stack_get_child_by_name (stack, "objects");

      if (gtk_stack_page_get_title (gtk_stack_get_page (stack, child)) != NULL)
        pages = stack;
      else
        buttons = stack;
    }
  if (pages == NULL || buttons == NULL)
    return;
  gtk_stack_add_named (buttons, gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0), NAME);
  gtk_stack_add_titled (pages, g_object_new (FERRY_TYPE_INSPECTOR_PAGE, NULL), NAME, TITLE);
}

static gboolean
add_to_open_windows (gpointer data)
{
  GListModel *windows = gtk_window_get_toplevels ();

  for (guint i = 0; i < g_list_model_get_n_items (windows); i++)
    {
      g_autoptr (GtkWidget) window = g_list_model_get_item (windows, i);

      if (g_str_equal (G_OBJECT_TYPE_NAME (window), "GtkInspectorWindow"))
        add_to_window (window);
    }
  return G_SOURCE_REMOVE;
}

void
ferry_inspector_page_register (void)
{
  /* GTK's, or the same that it will find. */
  g_io_extension_point_register (EXTENSION_POINT);
  g_io_extension_point_implement (EXTENSION_POINT, FERRY_TYPE_INSPECTOR_PAGE, NAME, 0);
  /* Soon, also where the main loop is never idle: that is what the page is looked at for. */
  if (gtk_is_initialized ())
    g_idle_add_full (G_PRIORITY_DEFAULT, add_to_open_windows, NULL, NULL);
}
