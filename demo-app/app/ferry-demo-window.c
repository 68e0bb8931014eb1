/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The window. Its page of jobs: the list of the executor's tasks, how far all of them are, and the figures below. Its
 * other pages are FerryDemoObjectPage, FerryDemoMandelbrotPage and FerryDemoThumbnailPage.
 *
 * Bars move when a function reports, words at the session's turns. The frame clock is kept going while there is work,
 * so that its figure is honest; an idle window draws nothing. */

#include "app/ferry-demo-window.h"

#include "app/ferry-demo-format.h"
#include "fractal/ferry-demo-mandelbrot-page.h"
#include "object/ferry-demo-object-page.h"
#include "pictures/ferry-demo-thumbnail-page.h"
#include "tasks/ferry-demo-cluster.h"
#include "tasks/ferry-demo-digests-button.h"
#include "tasks/ferry-demo-primes-dialog.h"
#include "tasks/ferry-demo-words.h"

#define NO_FIGURE "–"
#define JOBS_PAGE "jobs"
#define PICTURES_PAGE "pictures"

#define MANY 100
#define MANY_LIMIT G_GUINT64_CONSTANT (20000000)
#define MANY_STEP G_GUINT64_CONSTANT (1000000)

struct _FerryDemoWindow
{
  GtkApplicationWindow parent_instance;

  FerryDemoSession *session;
  FerryExecutor *executor; /* (unowned) the session's */
  guint tick_callback;
  GtkFileChooserNative *folder_chooser;

  GtkWidget *pages;
  GtkWidget *object_page;
  GtkWidget *mandelbrot_page;
  GtkWidget *thumbnail_page;
  GtkWidget *add_button;
  GtkWidget *cancel_all_button;
  GtkWidget *clear_button;
  GtkWidget *hosts_box; /* empty where there is no cluster */
  GtkWidget *workers_button;
  GtkWidget *workers_label;
  GtkAdjustment *workers_adjustment;
  GtkWidget *summary;
  GtkWidget *counts_label;
  GtkWidget *total_bar;
  GtkWidget *total_label;
  GtkWidget *list;
  GtkWidget *messages_label;
  GtkWidget *bytes_label;
  GtkWidget *median_label;
  GtkWidget *p99_label;
  GtkWidget *frames_label;
};

G_DEFINE_FINAL_TYPE (FerryDemoWindow, ferry_demo_window, GTK_TYPE_APPLICATION_WINDOW)

/* ---- what is shown ---- */

static void
take_label (GtkWidget *label, char *text)
{
  gtk_label_set_text (GTK_LABEL (label), text);
  g_free (text);
}

static void
show_figures (FerryDemoWindow *self)
{
  const FerryDemoReading *reading = ferry_demo_session_get_reading (self->session);
  g_autofree char *amount = ferry_format_amount (reading->messages_per_second);
  g_autofree char *size = g_format_size ((guint64) reading->bytes_per_second);
  GdkFrameClock *frame_clock = gtk_widget_get_frame_clock (GTK_WIDGET (self));
  gboolean drawing = self->tick_callback != 0 && frame_clock != NULL;

  take_label (self->messages_label, g_strdup_printf ("%s/s", amount));
  take_label (self->bytes_label, g_strdup_printf ("%s/s", size));
  take_label (self->median_label,
              reading->has_latency ? ferry_demo_format_latency (reading->latency_median) : g_strdup (NO_FIGURE));
  take_label (self->p99_label,
              reading->has_latency ? ferry_demo_format_latency (reading->latency_p99) : g_strdup (NO_FIGURE));
  take_label (self->frames_label,
              drawing ? g_strdup_printf ("%.0f/s", gdk_frame_clock_get_fps (frame_clock)) : g_strdup (NO_FIGURE));
}

static void
show_total (FerryDemoWindow *self)
{
  double fraction;

  g_object_get (self->executor, "fraction", &fraction, NULL);
  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->total_bar), fraction);
  take_label (self->total_label, g_strdup_printf ("%d %%", (int) (fraction * 100.0)));
}

static void
show_workers (FerryDemoWindow *self)
{
  g_autofree char *most = NULL;
  g_autofree char *tooltip = NULL;
  guint max_workers, n_workers, n_busy;

  g_object_get (ferry_executor_get_pool (self->executor), "max-workers", &max_workers, "n-workers", &n_workers,
                "n-busy", &n_busy, NULL);
  most = ferry_demo_format_counted (max_workers, "worker", "workers");
  tooltip = g_strdup_printf ("At most %s at a time", most);
  gtk_menu_button_set_label (GTK_MENU_BUTTON (self->workers_button), most);
  gtk_widget_set_tooltip_text (self->workers_button, tooltip);
  take_label (self->workers_label, g_strdup_printf ("%u started, %u busy", n_workers, n_busy));
}

static void
show_counts (FerryDemoWindow *self)
{
  guint n_open = ferry_demo_session_get_n_open (self->session);
  guint n_items = g_list_model_get_n_items (G_LIST_MODEL (self->executor));

  take_label (self->counts_label, ferry_demo_words_for_counts (self->executor));
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "job.cancel-all", n_open > 0);
  gtk_widget_action_set_enabled (GTK_WIDGET (self), "job.clear", n_items > n_open);
  show_total (self);
  show_workers (self);
}

static void
turned_cb (FerryDemoWindow *self)
{
  show_figures (self);
  show_total (self);
  show_workers (self);
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);

  if (ferry_demo_session_is_turning (self->session))
    return G_SOURCE_CONTINUE;

  self->tick_callback = 0;
  show_figures (self);
  return G_SOURCE_REMOVE;
}

static void
tasks_changed_cb (FerryDemoWindow *self)
{
  gboolean empty = g_list_model_get_n_items (G_LIST_MODEL (self->executor)) == 0;

  gtk_widget_set_visible (self->summary, !empty);
  show_counts (self);
  if (!empty && self->tick_callback == 0)
    self->tick_callback = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

/* ---- pages ---- */

static gboolean
is_showing_jobs (FerryDemoWindow *self)
{
  return g_str_equal (gtk_stack_get_visible_child_name (GTK_STACK (self->pages)), JOBS_PAGE);
}

/* What is in the header bar for the jobs is there with their page. */
static void
page_changed_cb (FerryDemoWindow *self)
{
  gboolean jobs = is_showing_jobs (self);

  gtk_widget_set_visible (self->add_button, jobs);
  gtk_widget_set_visible (self->cancel_all_button, jobs);
  gtk_widget_set_visible (self->clear_button, jobs);
  gtk_widget_set_visible (self->hosts_box, jobs);
  gtk_widget_set_visible (self->workers_button, jobs);
}

static void
show_page (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_window_show_page (FERRY_DEMO_WINDOW (widget), g_variant_get_string (parameter, NULL));
}

static void
open_pictures (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);

  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), PICTURES_PAGE);
  ferry_demo_thumbnail_page_choose_folder (FERRY_DEMO_THUMBNAIL_PAGE (self->thumbnail_page));
}

/* ---- adding ---- */

static void
add_job (FerryDemoWindow *self, FerryDemoKind kind, const char *argument)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_new (kind, argument, &error);

  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), JOBS_PAGE);
  if (spec != NULL)
    ferry_demo_session_add (self->session, spec);
  else
    g_warning ("%s", error->message);
}

static void
folder_chosen_cb (FerryDemoWindow *self, int response)
{
  if (response == GTK_RESPONSE_ACCEPT)
    {
      g_autoptr (GFile) folder = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (self->folder_chooser));
      g_autofree char *path = folder != NULL ? g_file_get_path (folder) : NULL;

      if (path != NULL)
        add_job (self, FERRY_DEMO_KIND_SHA256, path);
    }
  g_clear_object (&self->folder_chooser);
}

static void
choose_folder (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);
  g_autoptr (FerryDemoSpec) usual = NULL;
  g_autoptr (GFile) folder = NULL;

  if (self->folder_chooser != NULL)
    return;

  usual = ferry_demo_spec_new (FERRY_DEMO_KIND_SHA256, NULL, NULL);
  folder = g_file_new_for_path (usual->argument);
  self->folder_chooser = gtk_file_chooser_native_new ("SHA-256 of a Folder", GTK_WINDOW (self),
                                                      GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, "_Start", "_Cancel");
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (self->folder_chooser), TRUE);
  gtk_file_chooser_set_file (GTK_FILE_CHOOSER (self->folder_chooser), folder, NULL);
  g_signal_connect_object (self->folder_chooser, "response", G_CALLBACK (folder_chosen_cb), self, G_CONNECT_SWAPPED);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (self->folder_chooser));
}

static void
add_primes (FerryDemoWindow *self, guint64 limit)
{
  g_autofree char *argument = g_strdup_printf ("%" G_GUINT64_FORMAT, limit);

  add_job (self, FERRY_DEMO_KIND_PRIMES, argument);
}

static void
choose_limit (GtkWidget *widget, const char *action, GVariant *parameter)
{
  GtkWidget *dialog = ferry_demo_primes_dialog_new (GTK_WINDOW (widget));

  g_signal_connect_object (dialog, "chosen", G_CALLBACK (add_primes), widget, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* Enough of them to be seen to queue up. */
static void
add_many (GtkWidget *widget, const char *action, GVariant *parameter)
{
  for (guint64 i = 1; i <= MANY; i++)
    add_primes (FERRY_DEMO_WINDOW (widget), MANY_LIMIT + i * MANY_STEP);
}

static void
add_flood (GtkWidget *widget, const char *action, GVariant *parameter)
{
  add_job (FERRY_DEMO_WINDOW (widget), FERRY_DEMO_KIND_FLOOD, FERRY_DEMO_ENDLESS);
}

static void
add_crash (GtkWidget *widget, const char *action, GVariant *parameter)
{
  add_job (FERRY_DEMO_WINDOW (widget), FERRY_DEMO_KIND_CRASH, NULL);
}

static void
add_hang (GtkWidget *widget, const char *action, GVariant *parameter)
{
  add_job (FERRY_DEMO_WINDOW (widget), FERRY_DEMO_KIND_HANG, NULL);
}

static void
open_add_menu (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);

  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), JOBS_PAGE);
  gtk_menu_button_popup (GTK_MENU_BUTTON (self->add_button));
}

/* ---- tasks of the list ---- */

/* What keys do wherever the focus is in the window; the list knows which task they are meant for. */
static const struct
{
  const char *action;
  const char *of_list;
} task_actions[] = {
  {"job.retry-current", "task.retry"},
  {"job.run-next-current", "task.run-next"},
  {"job.cancel-current", "task.cancel"},
};

static void
act_on_task (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);

  for (guint i = 0; is_showing_jobs (self) && i < G_N_ELEMENTS (task_actions); i++)
    if (g_str_equal (task_actions[i].action, action))
      gtk_widget_activate_action (self->list, task_actions[i].of_list, NULL);
}

static void
setup_row_cb (FerryDemoWindow *self, FerryTaskRow *row)
{
  g_object_set (row, "suffix", ferry_demo_digests_button_new (row), NULL);
}

static void
cancel_all (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_executor_cancel_all (FERRY_DEMO_WINDOW (widget)->executor);
}

static void
clear_finished (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_executor_clear_finished (FERRY_DEMO_WINDOW (widget)->executor);
}

/* ---- the window itself ---- */

static void
ferry_demo_window_dispose (GObject *object)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (object);

  g_clear_object (&self->folder_chooser);
  g_clear_object (&self->session);
  G_OBJECT_CLASS (ferry_demo_window_parent_class)->dispose (object);
}

static void
install_actions (GtkWidgetClass *widget_class)
{
  gtk_widget_class_install_action (widget_class, "page.show", "s", show_page);
  gtk_widget_class_install_action (widget_class, "pictures.open", NULL, open_pictures);
  gtk_widget_class_install_action (widget_class, "job.add", NULL, open_add_menu);
  gtk_widget_class_install_action (widget_class, "job.add-sha256", NULL, choose_folder);
  gtk_widget_class_install_action (widget_class, "job.add-primes", NULL, choose_limit);
  gtk_widget_class_install_action (widget_class, "job.add-many", NULL, add_many);
  gtk_widget_class_install_action (widget_class, "job.add-flood", NULL, add_flood);
  gtk_widget_class_install_action (widget_class, "job.add-crash", NULL, add_crash);
  gtk_widget_class_install_action (widget_class, "job.add-hang", NULL, add_hang);
  gtk_widget_class_install_action (widget_class, "job.cancel-all", NULL, cancel_all);
  gtk_widget_class_install_action (widget_class, "job.clear", NULL, clear_finished);
  for (guint i = 0; i < G_N_ELEMENTS (task_actions); i++)
    gtk_widget_class_install_action (widget_class, task_actions[i].action, NULL, act_on_task);
}

static void
bind_template (GtkWidgetClass *widget_class)
{
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-window.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, object_page);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, mandelbrot_page);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, thumbnail_page);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, add_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, cancel_all_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, clear_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, hosts_box);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, workers_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, workers_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, workers_adjustment);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, summary);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, counts_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, total_bar);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, total_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, list);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, messages_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, bytes_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, median_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, p99_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, frames_label);
  gtk_widget_class_bind_template_callback (widget_class, setup_row_cb);
}

static void
ferry_demo_window_class_init (FerryDemoWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_window_dispose;

  g_type_ensure (FERRY_DEMO_TYPE_MANDELBROT_PAGE);
  g_type_ensure (FERRY_DEMO_TYPE_OBJECT_PAGE);
  g_type_ensure (FERRY_TYPE_TASK_LIST);
  g_type_ensure (FERRY_DEMO_TYPE_THUMBNAIL_PAGE);
  bind_template (widget_class);
  install_actions (widget_class);
}

static void
ferry_demo_window_init (FerryDemoWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_adjustment_set_upper (self->workers_adjustment, FERRY_DEMO_MAX_WORKERS);
  g_signal_connect_object (self->pages, "notify::visible-child-name", G_CALLBACK (page_changed_cb), self,
                           G_CONNECT_SWAPPED);
}

static void
follow (FerryDemoWindow *self, gpointer object, const char *signal, void (*show) (FerryDemoWindow *self))
{
  g_signal_connect_object (object, signal, G_CALLBACK (show), self, G_CONNECT_SWAPPED);
}

GtkWidget *
ferry_demo_window_new (GtkApplication *application, FerryDemoSession *session)
{
  FerryDemoWindow *self = g_object_new (FERRY_DEMO_TYPE_WINDOW, "application", application, NULL);
  FerryPool *pool;

  self->session = g_object_ref (session);
  self->executor = ferry_demo_session_get_executor (session);
  pool = ferry_executor_get_pool (self->executor);

  g_object_set (self->list, "model", self->executor, NULL);
  g_object_bind_property (pool, "max-workers", self->workers_adjustment, "value",
                          G_BINDING_SYNC_CREATE | G_BINDING_BIDIRECTIONAL);
  follow (self, self->executor, "items-changed", tasks_changed_cb);
  /* All figures are told of at a time; one of them stands for all. */
  follow (self, self->executor, "notify::fraction", show_counts);
  follow (self, pool, "notify::max-workers", show_workers);
  follow (self, session, "turned", turned_cb);
  ferry_demo_object_page_set_object (FERRY_DEMO_OBJECT_PAGE (self->object_page),
                                     ferry_demo_session_get_object (session));
  ferry_demo_mandelbrot_page_set_tiles (FERRY_DEMO_MANDELBROT_PAGE (self->mandelbrot_page),
                                        ferry_demo_session_get_mandelbrot_tiles (session));
  ferry_demo_thumbnail_page_set_thumbnails (FERRY_DEMO_THUMBNAIL_PAGE (self->thumbnail_page),
                                            ferry_demo_session_get_thumbnails (session));
  if (ferry_demo_session_get_cluster (session) != NULL)
    gtk_box_append (GTK_BOX (self->hosts_box),
                    ferry_demo_cluster_make_button (ferry_demo_session_get_cluster (session)));
  tasks_changed_cb (self);
  show_figures (self);
  return GTK_WIDGET (self);
}

void
ferry_demo_window_show_page (FerryDemoWindow *self, const char *page)
{
  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), page);
}

/* Whether what the page shows is there: a picture of it is worth taking. */
gboolean
ferry_demo_window_is_settled (FerryDemoWindow *self)
{
  GtkWidget *page = gtk_stack_get_visible_child (GTK_STACK (self->pages));

  return page != self->mandelbrot_page ||
         ferry_demo_mandelbrot_page_is_settled (FERRY_DEMO_MANDELBROT_PAGE (self->mandelbrot_page));
}
