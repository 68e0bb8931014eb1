/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of the executor's tasks, how far all of them are, and the figures below. Bars move when a function reports,
 * words at the session's turns. The frame clock is kept going while there is work, so that its figure is honest. An
 * idle page draws nothing.
 *
 * The actions are the window's as well, since keys do the same wherever the focus is. */

#include "tasks/ferry-demo-tasks-page.h"

#include <glib/gi18n.h>

#include "app/ferry-demo-format.h"
#include "tasks/ferry-demo-cluster.h"
#include "tasks/ferry-demo-digests-button.h"
#include "tasks/ferry-demo-words.h"

#define NO_FIGURE "–"

#define LIMIT_KEY "limit-button"

#define MANY 100
#define MANY_LIMIT G_GUINT64_CONSTANT (20000000)
#define MANY_STEP G_GUINT64_CONSTANT (1000000)

struct _FerryDemoTasksPage
{
  FerryDemoPage parent_instance;

  GSimpleActionGroup *actions;
  FerryDemoSession *session; /* (unowned) the page's */
  FerryExecutor *executor;   /* (unowned) the session's */
  guint tick_callback;
};

G_DEFINE_FINAL_TYPE (FerryDemoTasksPage, ferry_demo_tasks_page, FERRY_DEMO_TYPE_PAGE)

static void
set_enabled (FerryDemoTasksPage *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

/* ---- what is shown ---- */

static void
show_figures (FerryDemoTasksPage *self)
{
  const FerryDemoReading *reading = ferry_demo_session_get_reading (self->session);
  g_autofree char *amount = ferry_format_amount (reading->messages_per_second);
  g_autofree char *size = g_format_size ((guint64) reading->bytes_per_second);
  GdkFrameClock *frame_clock = gtk_widget_get_frame_clock (GTK_WIDGET (self));
  gboolean drawing = self->tick_callback != 0 && frame_clock != NULL;

  ferry_demo_page_take_text (self, "messages_label", g_strdup_printf ("%s/s", amount));
  ferry_demo_page_take_text (self, "bytes_label", g_strdup_printf ("%s/s", size));
  ferry_demo_page_take_text (
    self, "median_label",
    reading->has_latency ? ferry_demo_format_latency (reading->latency_median) : g_strdup (NO_FIGURE));
  ferry_demo_page_take_text (
    self, "p99_label", reading->has_latency ? ferry_demo_format_latency (reading->latency_p99) : g_strdup (NO_FIGURE));
  ferry_demo_page_take_text (
    self, "frames_label",
    drawing ? g_strdup_printf ("%.0f/s", gdk_frame_clock_get_fps (frame_clock)) : g_strdup (NO_FIGURE));
}

static void
show_total (FerryDemoTasksPage *self)
{
  double fraction;

  g_object_get (self->executor, "fraction", &fraction, NULL);
  ferry_demo_page_take_text (self, "total_label", g_strdup_printf ("%d %%", (int) (fraction * 100.0)));
}

static void
show_workers (FerryDemoTasksPage *self)
{
  g_autofree char *most = NULL;
  g_autofree char *tooltip = NULL;
  guint max_workers, n_workers, n_busy;

  g_object_get (ferry_executor_get_pool (self->executor), "max-workers", &max_workers, "n-workers", &n_workers,
                "n-busy", &n_busy, NULL);
  most = ferry_demo_format_counted (max_workers, ngettext ("%s worker", "%s workers", max_workers));
  tooltip = g_strdup_printf (_ ("At most %s at a time"), most);
  gtk_menu_button_set_label (ferry_demo_page_get_child (self, "workers_button"), most);
  gtk_widget_set_tooltip_text (ferry_demo_page_get_child (self, "workers_button"), tooltip);
  ferry_demo_page_take_text (self, "workers_label", g_strdup_printf (_ ("%u started, %u busy"), n_workers, n_busy));
}

static void
show_counts (FerryDemoTasksPage *self)
{
  guint n_open = ferry_demo_session_get_n_open (self->session);
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->executor));

  ferry_demo_page_take_text (self, "counts_label", ferry_demo_words_for_counts (self->executor));
  set_enabled (self, "cancel-all", n_open > 0);
  set_enabled (self, "clear", n_items > n_open);
  show_total (self);
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryDemoTasksPage *self = FERRY_DEMO_TASKS_PAGE (widget);

  if (ferry_demo_session_is_turning (self->session))
    return G_SOURCE_CONTINUE;

  self->tick_callback = 0;
  show_figures (self);
  return G_SOURCE_REMOVE;
}

static void
tasks_changed_cb (FerryDemoTasksPage *self)
{
  gboolean empty = g_list_model_get_n_items (G_LIST_MODEL (self->executor)) == 0;

  gtk_widget_set_visible (ferry_demo_page_get_child (self, "summary"), !empty);
  show_counts (self);
  if (!empty && self->tick_callback == 0)
    self->tick_callback = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

/* ---- adding ---- */

static void
show (FerryDemoTasksPage *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "page.show", "s", "tasks");
}

static void
add_job (FerryDemoTasksPage *self, FerryDemoKind kind, const char *argument)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_new (kind, argument, &error);

  if (spec != NULL)
    ferry_demo_session_add (self->session, spec);
  else
    ferry_demo_page_tell (FERRY_DEMO_PAGE (self), GTK_MESSAGE_ERROR, error->message);
  show (self);
}

static void
folder_chosen (FerryDemoPage *page, const char *path)
{
  add_job (FERRY_DEMO_TASKS_PAGE (page), FERRY_DEMO_KIND_SHA256, path);
}

static void
choose_folder (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  g_autoptr (FerryDemoSpec) usual = ferry_demo_spec_new (FERRY_DEMO_KIND_SHA256, NULL, NULL);

  show (self);
  ferry_demo_page_choose_folder (self, _ ("SHA-256 of a Folder"), usual->argument);
}

static void
add_primes (FerryDemoTasksPage *self, guint64 limit)
{
  g_autofree char *argument = g_strdup_printf ("%" G_GUINT64_FORMAT, limit);

  add_job (self, FERRY_DEMO_KIND_PRIMES, argument);
}

static void
limit_chosen_cb (FerryDemoTasksPage *self, GtkWidget *start_button)
{
  GtkWidget *dialog = GTK_WIDGET (gtk_widget_get_root (start_button));
  GtkSpinButton *limit_button = g_object_get_data (G_OBJECT (dialog), LIMIT_KEY);

  gtk_spin_button_update (limit_button);
  add_primes (self, (guint64) gtk_spin_button_get_value (limit_button));
  gtk_window_destroy (GTK_WINDOW (dialog));
}

static void
choose_limit (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource ("/org/ferryproject/Demo/ferry-demo-primes-dialog.ui");
  GtkWindow *dialog = GTK_WINDOW (gtk_builder_get_object (builder, "dialog"));
  GObject *limit_button = gtk_builder_get_object (builder, "limit_button");

  gtk_spin_button_set_range (GTK_SPIN_BUTTON (limit_button), 2.0, (double) FERRY_DEMO_PRIMES_MAX);
  /* A spin button has no such property of its own before GTK 4.14. */
  g_object_set (gtk_editable_get_delegate (GTK_EDITABLE (limit_button)), "activates-default", TRUE, NULL);
  g_object_set_data (G_OBJECT (dialog), LIMIT_KEY, limit_button);
  g_signal_connect_object (gtk_builder_get_object (builder, "start_button"), "clicked", G_CALLBACK (limit_chosen_cb),
                           self, G_CONNECT_SWAPPED);
  gtk_window_set_transient_for (dialog, GTK_WINDOW (gtk_widget_get_root (self)));
  gtk_window_present (dialog);
}

/* Enough of them to be seen to queue up. */
static void
add_many (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  for (guint64 i = 1; i <= MANY; i++)
    add_primes (self, MANY_LIMIT + i * MANY_STEP);
}

static void
add_flood (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  add_job (self, FERRY_DEMO_KIND_FLOOD, FERRY_DEMO_ENDLESS);
}

static void
add_crash (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  add_job (self, FERRY_DEMO_KIND_CRASH, NULL);
}

static void
add_hang (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  add_job (self, FERRY_DEMO_KIND_HANG, NULL);
}

static void
try_to_break (FerryDemoPage *page)
{
  add_job (FERRY_DEMO_TASKS_PAGE (page), FERRY_DEMO_KIND_CRASH, NULL);
  add_job (FERRY_DEMO_TASKS_PAGE (page), FERRY_DEMO_KIND_HANG, NULL);
}

static void
open_add_menu (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  show (self);
  gtk_menu_button_popup (ferry_demo_page_get_child (self, "add_button"));
}

/* ---- tasks of the list ---- */

/* The list knows which task is meant; "retry-current" is its action "task.retry". */
static void
act_on_task (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  g_auto (GStrv) parts = g_strsplit (g_action_get_name (G_ACTION (action)), "-current", 2);
  g_autofree char *of_list = g_strconcat ("task.", parts[0], NULL);

  if (gtk_widget_get_mapped (self))
    gtk_widget_activate_action (ferry_demo_page_get_child (self, "list"), of_list, NULL);
}

static void
setup_row_cb (FerryDemoTasksPage *self, FerryTaskRow *row)
{
  g_object_set (row, "suffix", ferry_demo_digests_button_new (row), NULL);
}

static void
cancel_all (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  ferry_executor_cancel_all (FERRY_DEMO_TASKS_PAGE (self)->executor);
}

static void
clear_finished (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  ferry_executor_clear_finished (FERRY_DEMO_TASKS_PAGE (self)->executor);
}

static const GActionEntry actions[] = {
  {"add", open_add_menu},         {"add-sha256", choose_folder},     {"add-primes", choose_limit},
  {"add-many", add_many},         {"add-flood", add_flood},          {"add-crash", add_crash},
  {"add-hang", add_hang},         {"cancel-all", cancel_all},        {"clear", clear_finished},
  {"retry-current", act_on_task}, {"run-next-current", act_on_task}, {"cancel-current", act_on_task},
};

/* ---- the page itself ---- */

static void
begin (FerryDemoPage *page, FerryDemoSession *session)
{
  FerryDemoTasksPage *self = FERRY_DEMO_TASKS_PAGE (page);
  FerryRunner *cluster = ferry_demo_session_get_cluster (session);
  FerryPool *pool;

  self->session = session;
  self->executor = ferry_demo_session_get_executor (session);
  pool = ferry_executor_get_pool (self->executor);
  g_object_set (ferry_demo_page_get_child (self, "list"), "model", self->executor, NULL);
  gtk_box_append (ferry_demo_page_get_child (self, "workers_box"), ferry_worker_list_new (pool));
  g_object_bind_property (pool, "max-workers", ferry_demo_page_get_child (self, "workers_spin"), "value",
                          G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);
  g_signal_connect_object (self->executor, "items-changed", G_CALLBACK (tasks_changed_cb), self, G_CONNECT_SWAPPED);
  g_object_bind_property (self->executor, "fraction", ferry_demo_page_get_child (self, "total_bar"), "fraction",
                          G_BINDING_SYNC_CREATE);
  /* All figures of an executor, or of a pool, are told of at a time; one of them stands for all. */
  g_signal_connect_object (self->executor, "notify::fraction", G_CALLBACK (show_counts), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (pool, "notify::max-workers", G_CALLBACK (show_workers), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (pool, "notify::n-busy", G_CALLBACK (show_workers), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "turned", G_CALLBACK (show_figures), self, G_CONNECT_SWAPPED);
  if (cluster != NULL)
    gtk_box_append (ferry_demo_page_get_child (self, "hosts_box"), ferry_demo_cluster_make_button (cluster));
  tasks_changed_cb (self);
  show_workers (self);
  show_figures (self);
}

static void
ferry_demo_tasks_page_root (GtkWidget *widget)
{
  FerryDemoTasksPage *self = FERRY_DEMO_TASKS_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_demo_tasks_page_parent_class)->root (widget);
  gtk_widget_insert_action_group (GTK_WIDGET (gtk_widget_get_root (widget)), "job", G_ACTION_GROUP (self->actions));
}

static void
ferry_demo_tasks_page_finalize (GObject *object)
{
  g_object_unref (FERRY_DEMO_TASKS_PAGE (object)->actions);
  G_OBJECT_CLASS (ferry_demo_tasks_page_parent_class)->finalize (object);
}

static void
ferry_demo_tasks_page_class_init (FerryDemoTasksPageClass *klass)
{
  static const char *const names[] = {
    "add_button",
    "cancel_all_button",
    "clear_button",
    "hosts_box",
    "workers_button",
    "workers_box",
    "workers_label",
    "workers_spin",
    "summary",
    "total_bar",
    "total_label",
    "messages_label",
    "bytes_label",
    "median_label",
    "p99_label",
    "frames_label",
    "list",
    "counts_label",
    NULL,
  };

  G_OBJECT_CLASS (klass)->finalize = ferry_demo_tasks_page_finalize;
  GTK_WIDGET_CLASS (klass)->root = ferry_demo_tasks_page_root;
  FERRY_DEMO_PAGE_CLASS (klass)->begin = begin;
  FERRY_DEMO_PAGE_CLASS (klass)->try_to_break = try_to_break;
  FERRY_DEMO_PAGE_CLASS (klass)->folder_chosen = folder_chosen;
  g_type_ensure (FERRY_TYPE_TASK_LIST);
  ferry_demo_page_class_set_template (klass, "ferry-demo-tasks-page", names);
  gtk_widget_class_bind_template_callback (GTK_WIDGET_CLASS (klass), setup_row_cb);
}

static void
ferry_demo_tasks_page_init (FerryDemoTasksPage *self)
{
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), actions, G_N_ELEMENTS (actions), self);
  gtk_widget_init_template (GTK_WIDGET (self));
}
