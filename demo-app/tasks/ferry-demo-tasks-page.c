/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue is a model of its tasks, and FerryTaskList shows it. They run in the demo's own worker, and are there at the
 * next start.
 *
 * The actions are the window's, since keys do the same wherever the focus is. Those of all tasks are for commands, too.
 */

#include <ferry-gtk.h>
#include <glib/gi18n.h>

#include "app/ferry-demo-format.h"
#include "app/ferry-demo-pages.h"
#include "app/ferry-demo-window.h"
#include "tasks/ferry-demo-cluster.h"

#define WORKERS_HEIGHT 380
#define MANY 100
#define MANY_LIMIT G_GUINT64_CONSTANT (20000000)
#define MANY_STEP G_GUINT64_CONSTANT (1000000)

#define FERRY_DEMO_TYPE_TASKS_PAGE (ferry_demo_tasks_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoTasksPage, ferry_demo_tasks_page, FERRY_DEMO, TASKS_PAGE, AdwBin)

struct _FerryDemoTasksPage
{
  AdwBin parent_instance;

  GSimpleActionGroup *actions;
  FerryDemoSession *session;
  FerryExecutor *executor; /* (unowned) the session's */
  FerryQueue *queue;       /* (unowned) the session's: the tasks of that executor */
  FerryExecutor *commands; /* (unowned) (nullable) the session's */
  gboolean is_paused;

  GtkMenuButton *add_button;
  GtkMenuButton *workers_button;
  GtkWidget *workers_spin;
  GtkBox *workers_box;
  GtkBox *hosts_box;
  GtkLabel *counts_label;
  GtkWidget *banner;
  GtkWidget *list;
};

G_DEFINE_FINAL_TYPE (FerryDemoTasksPage, ferry_demo_tasks_page, ADW_TYPE_BIN)

/* ---- what is shown ---- */

static void
show_workers (FerryDemoTasksPage *self)
{
  g_autofree char *words = NULL;
  guint max_workers;

  g_object_get (ferry_executor_get_pool (self->executor), "max-workers", &max_workers, NULL);
  words = ferry_demo_format_counted (max_workers, ngettext ("%s worker", "%s workers", max_workers));
  gtk_menu_button_set_label (self->workers_button, words);
}

static void
append_count (GString *words, guint64 count, const char *text)
{
  g_autofree char *counted = ferry_demo_format_counted (count, text);

  if (count > 0)
    g_string_append_printf (words, "%s%s", words->len > 0 ? " · " : "", counted);
}

static void
enable (FerryDemoTasksPage *self, const char *action, gboolean enabled)
{
  g_simple_action_set_enabled (G_SIMPLE_ACTION (g_action_map_lookup_action (G_ACTION_MAP (self->actions), action)),
                               enabled);
}

/* What would do nothing cannot be chosen. */
static void
enable_actions (FerryDemoTasksPage *self)
{
  gpointer models[] = {self->queue, self->commands};
  guint n_tasks = 0, n_open = 0;

  for (guint i = 0; i < G_N_ELEMENTS (models) && models[i] != NULL; i++)
    {
      guint n_executing, n_waiting;

      g_object_get (models[i], "n-executing", &n_executing, "n-waiting", &n_waiting, NULL);
      n_open += n_executing + n_waiting;
      n_tasks += g_list_model_get_n_items (models[i]);
    }
  enable (self, "cancel-all", n_open > 0);
  enable (self, "pause-all", n_open > 0 || self->is_paused);
  enable (self, "clear", n_tasks > n_open);
}

/* What the list has to do, and what failed. Its banner says what was interrupted, and its rows what else has ended. */
static void
show_counts (FerryDemoTasksPage *self)
{
  g_autoptr (GString) words = g_string_new (NULL);
  guint n_open, n_executing, n_waiting, n_failed, n_interrupted;

  /* A queue counts what it has given to the executor, which begins it later, as a row says. */
  g_object_get (self->queue, "n-executing", &n_open, "n-waiting", &n_waiting, "n-interrupted", &n_interrupted, NULL);
  g_object_get (self->executor, "n-executing", &n_executing, NULL);
  n_executing = MIN (n_executing, n_open);
  n_waiting += n_open - n_executing;
  g_object_get (self->list, "n-failed", &n_failed, NULL);
  append_count (words, n_executing, ngettext ("%s in progress", "%s in progress", n_executing));
  append_count (words, n_waiting, ngettext ("%s waiting", "%s waiting", n_waiting));
  append_count (words, n_failed - MIN (n_failed, n_interrupted), _ ("%s failed"));
  gtk_widget_set_visible (GTK_WIDGET (self->counts_label), words->len > 0);
  gtk_label_set_text (self->counts_label, words->str);
  enable_actions (self);
}

/* ---- tasks of an earlier run ---- */

static void
opened_cb (GObject *queue, GAsyncResult *result, gpointer page)
{
  g_autoptr (FerryDemoTasksPage) self = page;
  g_autoptr (GError) error = NULL;

  if (ferry_queue_open_finish (FERRY_QUEUE (queue), result, &error) || self->actions == NULL)
    return;
  enable (self, "add-one", FALSE);
  enable (self, "add-some", FALSE);
  enable (self, "add-many", FALSE);
  ferry_demo_tell (GTK_WIDGET (self), error->message, NULL);
}

/* Only the row keeps a task that is done since an earlier run. */
static void
row_task_changed (FerryTaskRow *row)
{
  g_autoptr (FerryTask) task = NULL;

  g_object_get (row, "task", &task, NULL);
  if (task != NULL)
    ferry_demo_job_follow (task);
}

static void
setup_row_cb (FerryTaskList *list, FerryTaskRow *row)
{
  g_signal_connect (row, "notify::task", G_CALLBACK (row_task_changed), NULL);
}

/* ---- adding ---- */

static void
show (FerryDemoTasksPage *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self), "page.show", "s", "tasks");
}

/* What is to be done is in one word, as on the command line. */
static void
add (FerryDemoTasksPage *self, const char *word)
{
  FerryDemoJob job;

  if (!ferry_demo_job_parse (word, &job, NULL))
    return;
  ferry_demo_session_add (self->session, job);
  show (self);
}

static void
add_one (GSimpleAction *action, GVariant *word, gpointer user_data)
{
  add (user_data, g_variant_get_string (word, NULL));
}

/* For a first look: what ends soon, what goes wrong, and what has to wait for its turn. */
static void
add_some (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  static const char *const words[] = {
    "primes:3000000",   "crash", "primes:1500000000", "flood:endless", "primes:3000000000",
    "primes:200000000", "hang",  "primes:300000000"};

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    add (user_data, words[i]);
}

/* Enough of them to be seen to queue up. */
static void
add_many (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  FerryDemoTasksPage *self = user_data;

  for (guint64 i = 1; i <= MANY; i++)
    ferry_demo_session_add (self->session, (FerryDemoJob){FERRY_DEMO_KIND_PRIMES, MANY_LIMIT + i * MANY_STEP});
  show (self);
}

static void
open_add_menu (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  FerryDemoTasksPage *self = user_data;

  show (self);
  gtk_menu_button_popup (self->add_button);
}

/* ---- all tasks ---- */

static void
cancel_all (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  FerryDemoTasksPage *self = user_data;

  ferry_executor_cancel_all (self->executor);
  if (self->commands != NULL)
    ferry_executor_cancel_all (self->commands);
}

/* Where the list is seen, it can put them back. */
static void
clear_finished (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  FerryDemoTasksPage *self = user_data;

  if (gtk_widget_get_mapped (self->list))
    gtk_widget_activate_action (self->list, "task.clear-finished", NULL);
  else
    ferry_executor_clear_finished (self->executor);
  if (self->commands != NULL)
    ferry_executor_clear_finished (self->commands);
}

static void
pause_all (GSimpleAction *action, GVariant *state, gpointer user_data)
{
  FerryDemoTasksPage *self = user_data;

  self->is_paused = g_variant_get_boolean (state);
  g_simple_action_set_state (action, state);
  ferry_executor_set_paused (self->executor, self->is_paused, TRUE);
  if (self->commands != NULL)
    ferry_executor_set_paused (self->commands, self->is_paused, TRUE);
  enable_actions (self);
}

static const GActionEntry actions[] = {
  {"add", open_add_menu},
  {"add-one", add_one, "s"},
  {"add-some", add_some},
  {"add-many", add_many},
  {"cancel-all", cancel_all},
  {"clear", clear_finished},
  {"pause-all", NULL, NULL, "false", pause_all},
};

/* ---- the page itself ---- */

static void
ferry_demo_tasks_page_root (GtkWidget *widget)
{
  FerryDemoTasksPage *self = FERRY_DEMO_TASKS_PAGE (widget);

  GTK_WIDGET_CLASS (ferry_demo_tasks_page_parent_class)->root (widget);
  gtk_widget_insert_action_group (GTK_WIDGET (gtk_widget_get_root (widget)), "job", G_ACTION_GROUP (self->actions));
}

static void
ferry_demo_tasks_page_dispose (GObject *object)
{
  FerryDemoTasksPage *self = FERRY_DEMO_TASKS_PAGE (object);

  g_clear_object (&self->actions);
  g_clear_object (&self->session);
  G_OBJECT_CLASS (ferry_demo_tasks_page_parent_class)->dispose (object);
}

static void
ferry_demo_tasks_page_class_init (FerryDemoTasksPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_tasks_page_dispose;
  widget_class->root = ferry_demo_tasks_page_root;
  g_type_ensure (FERRY_TYPE_TASK_BANNER);
  g_type_ensure (FERRY_TYPE_TASK_LIST);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-tasks-page.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTasksPage, add_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTasksPage, workers_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTasksPage, workers_spin);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTasksPage, workers_box);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTasksPage, hosts_box);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTasksPage, counts_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTasksPage, banner);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTasksPage, list);
}

static void
ferry_demo_tasks_page_init (FerryDemoTasksPage *self)
{
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), actions, G_N_ELEMENTS (actions), self);
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
ferry_demo_tasks_page_new (FerryDemoSession *session)
{
  FerryDemoTasksPage *self = g_object_new (FERRY_DEMO_TYPE_TASKS_PAGE, NULL);
  FerryRunner *cluster = ferry_demo_session_get_cluster (session);
  GtkWidget *workers;
  FerryPool *pool;

  self->session = g_object_ref (session);
  self->executor = ferry_demo_session_get_executor (session);
  self->queue = ferry_demo_session_get_queue (session);
  self->commands = ferry_demo_session_get_commands (session);
  pool = ferry_executor_get_pool (self->executor);
  g_object_set (self->banner, "tasks", self->queue, NULL);
  g_object_set (self->list, "tasks", self->queue, NULL);
  g_signal_connect (self->list, "setup-row", G_CALLBACK (setup_row_cb), NULL);
  workers = ferry_worker_list_new (pool);
  ferry_worker_list_set_max_height (FERRY_WORKER_LIST (workers), WORKERS_HEIGHT);
  gtk_box_append (self->workers_box, workers);
  g_object_bind_property (pool, "max-workers", self->workers_spin, "value",
                          G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);
  if (cluster != NULL)
    gtk_box_append (self->hosts_box, ferry_demo_cluster_make_button (cluster));
  ferry_queue_open_async (self->queue, NULL, opened_cb, g_object_ref (self));
  /* All figures of a queue, an executor or a pool, are told of at a time; one of them stands for all. */
  g_signal_connect_object (self->queue, "items-changed", G_CALLBACK (show_counts), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->queue, "notify::fraction", G_CALLBACK (show_counts), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->executor, "notify::fraction", G_CALLBACK (show_counts), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->list, "notify::n-failed", G_CALLBACK (show_counts), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (pool, "notify::max-workers", G_CALLBACK (show_workers), self, G_CONNECT_SWAPPED);
  if (self->commands != NULL)
    {
      g_signal_connect_object (self->commands, "items-changed", G_CALLBACK (enable_actions), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (self->commands, "notify::fraction", G_CALLBACK (enable_actions), self,
                               G_CONNECT_SWAPPED);
    }
  show_counts (self);
  show_workers (self);
  return GTK_WIDGET (self);
}
