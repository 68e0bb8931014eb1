/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The window of the demo: its sidebar, its pages and their keys. */

#include "app/ferry-demo-window.h"

#include <ferry-gtk.h>
#include <glib/gi18n.h>

#include "app/ferry-demo-pages.h"
#include "pictures/ferry-demo-pictures-page.h"

#define SOURCE_WIDTH 1000
#define SOURCE_HEIGHT 700
#define SOURCE_MARGIN 12
#define LIST_SPACING 12

/* ---- the list of pages: Tab goes to the row of the page that is shown, and on; arrows go to the other rows ---- */

#define FERRY_DEMO_TYPE_SIDEBAR (ferry_demo_sidebar_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoSidebar, ferry_demo_sidebar, FERRY_DEMO, SIDEBAR, AdwBin)

struct _FerryDemoSidebar
{
  AdwBin parent_instance;
};

G_DEFINE_FINAL_TYPE (FerryDemoSidebar, ferry_demo_sidebar, ADW_TYPE_BIN)

static gboolean
ferry_demo_sidebar_focus (GtkWidget *widget, GtkDirectionType direction)
{
  GtkListBoxRow *row = gtk_list_box_get_selected_row (GTK_LIST_BOX (adw_bin_get_child (ADW_BIN (widget))));

  if (direction != GTK_DIR_TAB_FORWARD && direction != GTK_DIR_TAB_BACKWARD)
    return GTK_WIDGET_CLASS (ferry_demo_sidebar_parent_class)->focus (widget, direction);
  return gtk_widget_get_focus_child (widget) == NULL && gtk_widget_grab_focus (GTK_WIDGET (row));
}

static void
ferry_demo_sidebar_class_init (FerryDemoSidebarClass *klass)
{
  GTK_WIDGET_CLASS (klass)->focus = ferry_demo_sidebar_focus;
}

static void
ferry_demo_sidebar_init (FerryDemoSidebar *self)
{
}

/* ---- the window ---- */

struct _FerryDemoWindow
{
  AdwApplicationWindow parent_instance;

  FerryDemoSession *session;

  AdwToast *again_toast;    /* (weak) what has a button to try again */
  GtkWidget *again_page;    /* (weak) whose action that is */
  const char *again;        /* (static) its name */
  GtkWindow *source_window; /* (weak) */
  AdwToastOverlay *toasts;
  AdwLeaflet *leaflet;
  GtkWidget *sidebar;
  GtkWidget *content;
  GtkWidget *list;
  GtkListBox *rows;
  GtkLabel *title;
  GtkBox *tools;
  GtkActionBar *bar; /* has the tools of a narrow window */
  GtkStack *pages;
  GtkMenuButton *menu;      /* of a wide window */
  GtkMenuButton *bar_menu;  /* of a page, in a narrow window, where the header bar has the title alone */
  GtkMenuButton *list_menu; /* of the list, there */
};

typedef struct
{
  const char *name;
  const char *title;
  const char *icon;
  const char *source; /* which has the page's idea */
  GtkWidget *(*make) (FerryDemoSession *session);
} Page;

G_DEFINE_FINAL_TYPE (FerryDemoWindow, ferry_demo_window, ADW_TYPE_APPLICATION_WINDOW)

/* ---- pages ---- */

static const Page pages[] = {
  {"start", N_ ("Start"), "media-playback-start-symbolic", "start/ferry-demo-start-page.c", ferry_demo_start_page_new},
  {"tasks", N_ ("Tasks"), "view-list-symbolic", "tasks/ferry-demo-tasks-page.c", ferry_demo_tasks_page_new},
  {"commands", N_ ("Commands"), "utilities-terminal-symbolic", "commands/ferry-demo-commands-page.c",
   ferry_demo_commands_page_new},
  {"pictures", N_ ("Pictures"), "folder-pictures-symbolic", "pictures/ferry-demo-pictures-page.c",
   ferry_demo_pictures_page_new},
  {"robust", N_ ("Robust"), "security-high-symbolic", "robust/ferry-demo-robust-page.c", ferry_demo_robust_page_new},
  {"object", N_ ("Live Object"), "weather-clear-symbolic", "object/ferry-demo-object-page.c",
   ferry_demo_object_page_new},
};

static const Page *
find_page (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    if (g_strcmp0 (pages[i].name, name) == 0)
      return &pages[i];
  return NULL;
}

gboolean
ferry_demo_window_has_page (const char *name)
{
  return find_page (name) != NULL;
}

static const Page *
get_shown (FerryDemoWindow *self)
{
  return find_page (gtk_stack_get_visible_child_name (self->pages));
}

/* The row has the focus, and is what a screen reader names. */
static void
add_page (FerryDemoWindow *self, const Page *page)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, LIST_SPACING);
  GtkWidget *row = g_object_new (GTK_TYPE_LIST_BOX_ROW, "child", box, NULL);

  gtk_box_append (GTK_BOX (box), g_object_new (GTK_TYPE_IMAGE, "icon-name", page->icon, "accessible-role",
                                               GTK_ACCESSIBLE_ROLE_PRESENTATION, NULL));
  gtk_box_append (GTK_BOX (box), gtk_label_new (_ (page->title)));
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, _ (page->title), -1);
  gtk_list_box_append (self->rows, row);
  gtk_stack_add_named (self->pages, page->make (self->session), page->name);
}

static void
selected_cb (FerryDemoWindow *self, GtkListBoxRow *row)
{
  if (row != NULL)
    gtk_stack_set_visible_child_name (self->pages, pages[gtk_list_box_row_get_index (row)].name);
}

static void
shown_cb (FerryDemoWindow *self)
{
  const Page *page = get_shown (self);

  gtk_label_set_text (self->title, _ (page->title));
  gtk_list_box_select_row (self->rows, gtk_list_box_get_row_at_index (self->rows, (int) (page - pages)));
}

/* In a narrow window the list and the page take turns. F10 opens the menu that is shown. What libadwaita has for this
 * since 1.4 is not in 1.2. */
G_GNUC_BEGIN_IGNORE_DEPRECATIONS
static void
turned_cb (FerryDemoWindow *self)
{
  gboolean is_folded = adw_leaflet_get_folded (self->leaflet);
  gboolean is_content = adw_leaflet_get_visible_child (self->leaflet) == self->content;

  gtk_menu_button_set_primary (self->menu, !is_folded);
  gtk_menu_button_set_primary (self->bar_menu, is_folded && is_content);
  gtk_menu_button_set_primary (self->list_menu, is_folded && !is_content);
}
G_GNUC_END_IGNORE_DEPRECATIONS

static void
show_content (FerryDemoWindow *self)
{
  g_object_set (self->leaflet, "visible-child", self->content, NULL);
}

static void
show_page (GtkWidget *widget, const char *action, GVariant *page)
{
  ferry_demo_window_show_page (FERRY_DEMO_WINDOW (widget), g_variant_get_string (page, NULL));
}

static void
go_back (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);

  g_object_set (self->leaflet, "visible-child", self->sidebar, NULL);
  gtk_widget_child_focus (self->list, GTK_DIR_TAB_FORWARD);
}

static void
open_pictures (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);

  ferry_demo_window_show_page (self, "pictures");
  ferry_demo_pictures_page_choose_folder (FERRY_DEMO_PICTURES_PAGE (ferry_demo_window_get_page (self, "pictures")));
}

static void
enter_command (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_window_show_page (FERRY_DEMO_WINDOW (widget), "commands");
  ferry_demo_commands_page_enter (ferry_demo_window_get_page (FERRY_DEMO_WINDOW (widget), "commands"));
}

/* ---- the source of a page ---- */

static GtkWidget *
make_source_view (const char *path)
{
  g_autofree char *resource = g_strconcat ("/org/ferryproject/Demo/source/", path, NULL);
  g_autoptr (GBytes) bytes = g_resources_lookup_data (resource, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  GtkWidget *view = gtk_text_view_new ();

  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), g_bytes_get_data (bytes, NULL),
                            (int) g_bytes_get_size (bytes));
  g_object_set (view, "editable", FALSE, "monospace", TRUE, "cursor-visible", FALSE, "top-margin", SOURCE_MARGIN,
                "bottom-margin", SOURCE_MARGIN, "left-margin", SOURCE_MARGIN, "right-margin", SOURCE_MARGIN, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL, path, -1);
  return view;
}

static void
copy_cb (GtkTextView *view)
{
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (view);
  g_autofree char *text = NULL;

  g_object_get (buffer, "text", &text, NULL);
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (view)), text);
}

/* There is one such window; it has the keys of the application. */
static void
view_source (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);
  const Page *page = get_shown (self);
  g_autofree char *title = g_strdup_printf (_ ("Source of “%s”"), _ (page->title));
  GtkWidget *scrolled = gtk_scrolled_window_new (), *view = make_source_view (page->source);
  GtkWidget *header_bar = adw_header_bar_new (), *copy_button = gtk_button_new_with_label (_ ("Copy"));
  GtkEventController *keys = gtk_shortcut_controller_new ();
  GtkWindow *window =
    g_object_new (GTK_TYPE_WINDOW, "transient-for", widget, "destroy-with-parent", TRUE, "application",
                  gtk_window_get_application (GTK_WINDOW (widget)), "title", title, "titlebar", header_bar, "child",
                  scrolled, "default-width", SOURCE_WIDTH, "default-height", SOURCE_HEIGHT, NULL);

  if (self->source_window != NULL)
    gtk_window_destroy (self->source_window);
  g_set_weak_pointer (&self->source_window, window);
  adw_header_bar_pack_start (ADW_HEADER_BAR (header_bar), copy_button);
  adw_header_bar_set_title_widget (ADW_HEADER_BAR (header_bar), adw_window_title_new (title, page->source));
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  g_signal_connect_object (copy_button, "clicked", G_CALLBACK (copy_cb), view, G_CONNECT_SWAPPED);
  gtk_shortcut_controller_add_shortcut (
    GTK_SHORTCUT_CONTROLLER (keys),
    gtk_shortcut_new (gtk_keyval_trigger_new (GDK_KEY_Escape, 0), gtk_named_action_new ("window.close")));
  gtk_widget_add_controller (GTK_WIDGET (window), keys);
  gtk_window_present (window);
}

/* ---- sentences ---- */

static void
again_cb (FerryDemoWindow *self)
{
  if (self->again_page != NULL)
    gtk_widget_activate_action (self->again_page, self->again, NULL);
}

static void
forget_again_cb (FerryDemoWindow *self)
{
  g_clear_weak_pointer (&self->again_toast);
}

void
ferry_demo_tell (GtkWidget *page, const char *sentence, const char *again)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (gtk_widget_get_ancestor (page, FERRY_DEMO_TYPE_WINDOW));
  g_autofree char *title = g_markup_escape_text (sentence, -1);
  AdwToast *toast;

  if (again == NULL)
    {
      adw_toast_overlay_add_toast (self->toasts, adw_toast_new (title));
      return;
    }
  g_set_weak_pointer (&self->again_page, page);
  self->again = g_intern_string (again);
  /* Of several ways on, the newest is shown. libadwaita before 1.5 reads freed memory when a toast is dismissed in the
   * frame that it comes in, so the one that is there gets the words. */
  if (self->again_toast != NULL)
    {
      adw_toast_set_title (self->again_toast, title);
      return;
    }
  toast = g_object_new (ADW_TYPE_TOAST, "title", title, "button-label", _ ("_Run Again"), "timeout", 0, NULL);
  g_set_weak_pointer (&self->again_toast, toast);
  g_signal_connect_object (toast, "button-clicked", G_CALLBACK (again_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (toast, "dismissed", G_CALLBACK (forget_again_cb), self, G_CONNECT_SWAPPED);
  adw_toast_overlay_add_toast (self->toasts, toast);
}

void
ferry_demo_tell_error (GtkWidget *page, const GError *error, const char *again)
{
  g_message ("%s", error->message);
  ferry_demo_tell (page, _ ("The worker could not be started"), again);
}

void
ferry_demo_tell_end (GtkWidget *page, FerryExit *ended, const char *again)
{
  ferry_demo_tell (page,
                   ferry_exit_get_reason (ended) == FERRY_CLOSE_REASON_LAUNCH_FAILED
                     ? _ ("The worker could not be started")
                     : _ ("A worker has ended unexpectedly"),
                   again);
}

/* ---- the window ---- */

static void
ferry_demo_window_dispose (GObject *object)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (object);

  g_clear_weak_pointer (&self->again_toast);
  g_clear_weak_pointer (&self->again_page);
  g_clear_weak_pointer (&self->source_window);
  g_clear_object (&self->session);
  G_OBJECT_CLASS (ferry_demo_window_parent_class)->dispose (object);
}

static void
ferry_demo_window_class_init (FerryDemoWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_window_dispose;
  g_type_ensure (FERRY_DEMO_TYPE_SIDEBAR);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-window.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, toasts);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, leaflet);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, sidebar);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, content);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, list);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, rows);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, title);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, tools);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, bar);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, menu);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, bar_menu);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, list_menu);
  gtk_widget_class_bind_template_callback (widget_class, selected_cb);
  gtk_widget_class_bind_template_callback (widget_class, show_content);
  gtk_widget_class_bind_template_callback (widget_class, shown_cb);
  gtk_widget_class_bind_template_callback (widget_class, turned_cb);
  gtk_widget_class_install_action (widget_class, "page.show", "s", show_page);
  gtk_widget_class_install_action (widget_class, "page.go-back", NULL, go_back);
  gtk_widget_class_install_action (widget_class, "page.view-source", NULL, view_source);
  gtk_widget_class_install_action (widget_class, "pictures.open", NULL, open_pictures);
  gtk_widget_class_install_action (widget_class, "command.enter", NULL, enter_command);
  /* Not before what has the focus: an entry cuts its text with it. */
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Delete, GDK_SHIFT_MASK, "job.clear", NULL);
}

static void
ferry_demo_window_init (FerryDemoWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  turned_cb (self);
}

GtkWidget *
ferry_demo_window_new (GtkApplication *application, FerryDemoSession *session)
{
  FerryDemoWindow *self = g_object_new (FERRY_DEMO_TYPE_WINDOW, "application", application, NULL);
  GListModel *tasks = ferry_demo_session_get_tasks (session);

  self->session = g_object_ref (session);
  for (guint i = 0; i < G_N_ELEMENTS (pages); i++)
    add_page (self, &pages[i]);
  gtk_box_append (self->tools, ferry_task_button_new (tasks));
  gtk_action_bar_pack_end (self->bar, ferry_task_button_new (tasks));
  return GTK_WIDGET (self);
}

void
ferry_demo_window_show_page (FerryDemoWindow *self, const char *page)
{
  gtk_stack_set_visible_child_name (self->pages, page);
  show_content (self);
}

GtkWidget *
ferry_demo_window_get_page (FerryDemoWindow *self, const char *name)
{
  return name != NULL ? gtk_stack_get_child_by_name (self->pages, name) : gtk_stack_get_visible_child (self->pages);
}
