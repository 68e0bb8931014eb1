/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-window.h"

#include "app/ferry-demo-fold.h"
#include "app/ferry-demo-page.h"
#include "object/ferry-demo-object-page.h"
#include "pictures/ferry-demo-thumbnail-page.h"
#include "pipes/ferry-demo-pipes-page.h"
#include "robust/ferry-demo-robust-page.h"
#include "start/ferry-demo-start-page.h"
#include "tasks/ferry-demo-tasks-page.h"

#define SHOW "page.show"

struct _FerryDemoWindow
{
  GtkApplicationWindow parent_instance;

  FerryDemoSession *session;

  GtkWidget *header_bar;
  GtkWidget *side_box;
  GtkWidget *pages_button;
  GMenu *pages_menu;
  GtkStack *pages;
};

enum
{
  PROP_PAGE = 1,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE (FerryDemoWindow, ferry_demo_window, GTK_TYPE_APPLICATION_WINDOW)

static void
page_changed_cb (FerryDemoWindow *self)
{
  GtkStackPage *page = gtk_stack_get_page (self->pages, gtk_stack_get_visible_child (self->pages));

  gtk_menu_button_set_label (GTK_MENU_BUTTON (self->pages_button), gtk_stack_page_get_title (page));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_PAGE]);
}

static void
open_pictures (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);
  GtkWidget *page = gtk_stack_get_child_by_name (self->pages, "pictures");

  gtk_stack_set_visible_child (self->pages, page);
  ferry_demo_thumbnail_page_choose_folder (FERRY_DEMO_THUMBNAIL_PAGE (page));
}

/* The bar takes the key by itself only while it has the focus, which may be at the list of pages, or nowhere. */
static gboolean
escape_cb (GtkWidget *widget, GVariant *arguments, gpointer user_data)
{
  return ferry_demo_page_close_bar (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (widget), NULL));
}

static void
ferry_demo_window_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_string (value, gtk_stack_get_visible_child_name (FERRY_DEMO_WINDOW (object)->pages));
}

static void
ferry_demo_window_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ferry_demo_window_show_page (FERRY_DEMO_WINDOW (object), g_value_get_string (value));
}

static void
ferry_demo_window_dispose (GObject *object)
{
  g_clear_object (&FERRY_DEMO_WINDOW (object)->session);
  G_OBJECT_CLASS (ferry_demo_window_parent_class)->dispose (object);
}

static void
add_style (void)
{
  g_autoptr (GtkCssProvider) provider = gtk_css_provider_new ();

  gtk_css_provider_load_from_resource (provider, "/org/ferryproject/Demo/style.css");
  gtk_style_context_add_provider_for_display (gdk_display_get_default (), GTK_STYLE_PROVIDER (provider),
                                              GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

static void
ferry_demo_window_class_init (FerryDemoWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->get_property = ferry_demo_window_get_property;
  object_class->set_property = ferry_demo_window_set_property;
  object_class->dispose = ferry_demo_window_dispose;
  properties[PROP_PAGE] = g_param_spec_string ("page", NULL, NULL, NULL,
                                               G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  add_style ();
  g_type_ensure (FERRY_DEMO_TYPE_FOLD);
  g_type_ensure (FERRY_DEMO_TYPE_OBJECT_PAGE);
  g_type_ensure (FERRY_DEMO_TYPE_PIPES_PAGE);
  g_type_ensure (FERRY_DEMO_TYPE_ROBUST_PAGE);
  g_type_ensure (FERRY_DEMO_TYPE_START_PAGE);
  g_type_ensure (FERRY_DEMO_TYPE_TASKS_PAGE);
  g_type_ensure (FERRY_DEMO_TYPE_THUMBNAIL_PAGE);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-window.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, header_bar);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, side_box);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, pages_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, pages_menu);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, pages);
  gtk_widget_class_add_binding (widget_class, GDK_KEY_Escape, 0, escape_cb, NULL);
  gtk_widget_class_install_property_action (widget_class, SHOW, "page");
  gtk_widget_class_install_action (widget_class, "pictures.open", NULL, open_pictures);
}

static void
ferry_demo_window_init (FerryDemoWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (self->pages, "notify::visible-child-name", G_CALLBACK (page_changed_cb), self,
                           G_CONNECT_SWAPPED);
  page_changed_cb (self);
}

static void
begin_page (FerryDemoWindow *self, GtkStackPage *page)
{
  const char *title = gtk_stack_page_get_title (page), *name = gtk_stack_page_get_name (page);
  g_autoptr (GMenuItem) item = g_menu_item_new (title, NULL);
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", title, "xalign", 0.0, NULL);
  GtkWidget *button = g_object_new (GTK_TYPE_TOGGLE_BUTTON, "child", label, "has-frame", FALSE, NULL);

  g_menu_item_set_action_and_target (item, SHOW, "s", name);
  g_menu_append_item (self->pages_menu, item);
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "s", name);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), SHOW);
  gtk_box_append (GTK_BOX (self->side_box), button);
  ferry_demo_page_begin (FERRY_DEMO_PAGE (gtk_stack_page_get_child (page)), self->session);
}

GtkWidget *
ferry_demo_window_new (GtkApplication *application, FerryDemoSession *session)
{
  FerryDemoWindow *self = g_object_new (FERRY_DEMO_TYPE_WINDOW, "application", application, NULL);
  g_autoptr (GtkSelectionModel) pages = gtk_stack_get_pages (self->pages);

  self->session = g_object_ref (session);
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (pages)); i++)
    {
      g_autoptr (GObject) page = g_list_model_get_item (G_LIST_MODEL (pages), i);

      begin_page (self, GTK_STACK_PAGE (page));
    }
  gtk_header_bar_pack_end (GTK_HEADER_BAR (self->header_bar),
                           ferry_task_button_new (ferry_demo_session_get_executor (session)));
  return GTK_WIDGET (self);
}

void
ferry_demo_window_show_page (FerryDemoWindow *self, const char *page)
{
  gtk_stack_set_visible_child_name (self->pages, page);
}

FerryDemoPage *
ferry_demo_window_get_page (FerryDemoWindow *self, const char *name)
{
  return FERRY_DEMO_PAGE (name != NULL ? gtk_stack_get_child_by_name (self->pages, name)
                                       : gtk_stack_get_visible_child (self->pages));
}
