/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The window: the list of jobs, the ways to add one, and the figures below.
 *
 * Bars follow the frame clock and words the session's turns. While nothing runs the frame clock is left alone, so an
 * idle window draws nothing. */

#include "ferry-demo-window.h"

#include "ferry-demo-format.h"
#include "ferry-demo-primes-dialog.h"
#include "ferry-demo-row.h"

#define NO_FIGURE "–"

struct _FerryDemoWindow
{
  GtkApplicationWindow parent_instance;

  FerryDemoSession *session;
  guint tick_callback;
  GtkFileChooserNative *folder_chooser;

  GtkWidget *add_button;
  GtkWidget *stack;
  GtkWidget *list;
  GtkWidget *messages_label;
  GtkWidget *bytes_label;
  GtkWidget *median_label;
  GtkWidget *p99_label;
  GtkWidget *frames_label;
};

G_DEFINE_FINAL_TYPE (FerryDemoWindow, ferry_demo_window, GTK_TYPE_APPLICATION_WINDOW)

static void
set_figure (GtkWidget *label, char *text)
{
  gtk_label_set_text (GTK_LABEL (label), text);
  g_free (text);
}

static void
show_figures (FerryDemoWindow *self)
{
  const FerryDemoReading *reading = ferry_demo_session_get_reading (self->session);
  g_autofree char *amount = ferry_demo_format_amount (reading->messages_per_second);
  g_autofree char *size = g_format_size ((guint64) reading->bytes_per_second);
  GdkFrameClock *frame_clock = gtk_widget_get_frame_clock (GTK_WIDGET (self));
  gboolean drawing = self->tick_callback != 0 && frame_clock != NULL;

  set_figure (self->messages_label, g_strdup_printf ("%s/s", amount));
  set_figure (self->bytes_label, g_strdup_printf ("%s/s", size));
  set_figure (self->median_label,
              reading->has_latency ? ferry_demo_format_latency (reading->latency_median) : g_strdup (NO_FIGURE));
  set_figure (self->p99_label,
              reading->has_latency ? ferry_demo_format_latency (reading->latency_p99) : g_strdup (NO_FIGURE));
  set_figure (self->frames_label,
              drawing ? g_strdup_printf ("%.0f/s", gdk_frame_clock_get_fps (frame_clock)) : g_strdup (NO_FIGURE));
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *frame_clock, gpointer user_data)
{
  FerryDemoWindow *self = FERRY_DEMO_WINDOW (widget);

  ferry_demo_session_show_progress (self->session);
  if (ferry_demo_session_is_turning (self->session))
    return G_SOURCE_CONTINUE;

  self->tick_callback = 0;
  show_figures (self);
  return G_SOURCE_REMOVE;
}

static void
jobs_changed_cb (FerryDemoWindow *self)
{
  GListModel *jobs = ferry_demo_session_get_jobs (self->session);
  gboolean empty = g_list_model_get_n_items (jobs) == 0;

  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), empty ? "empty" : "jobs");
  if (!empty && self->tick_callback == 0)
    self->tick_callback = gtk_widget_add_tick_callback (GTK_WIDGET (self), tick_cb, NULL, NULL);
}

static void
add_job (FerryDemoWindow *self, FerryDemoKind kind, const char *argument)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_new (kind, argument, &error);

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
limit_chosen_cb (FerryDemoWindow *self, guint64 limit)
{
  g_autofree char *argument = g_strdup_printf ("%" G_GUINT64_FORMAT, limit);

  add_job (self, FERRY_DEMO_KIND_PRIMES, argument);
}

static void
choose_limit (GtkWidget *widget, const char *action, GVariant *parameter)
{
  GtkWidget *dialog = ferry_demo_primes_dialog_new (GTK_WINDOW (widget));

  g_signal_connect_object (dialog, "chosen", G_CALLBACK (limit_chosen_cb), widget, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
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
  gtk_menu_button_popup (GTK_MENU_BUTTON (FERRY_DEMO_WINDOW (widget)->add_button));
}

static void
clear_jobs (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_session_clear (FERRY_DEMO_WINDOW (widget)->session);
}

static void
repeat_job (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_session_repeat (FERRY_DEMO_WINDOW (widget)->session, g_variant_get_uint64 (parameter));
}

static void
remove_job (GtkWidget *widget, const char *action, GVariant *parameter)
{
  ferry_demo_session_remove (FERRY_DEMO_WINDOW (widget)->session, g_variant_get_uint64 (parameter));
}

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
  gtk_widget_class_install_action (widget_class, "job.add", NULL, open_add_menu);
  gtk_widget_class_install_action (widget_class, "job.add-sha256", NULL, choose_folder);
  gtk_widget_class_install_action (widget_class, "job.add-primes", NULL, choose_limit);
  gtk_widget_class_install_action (widget_class, "job.add-flood", NULL, add_flood);
  gtk_widget_class_install_action (widget_class, "job.add-crash", NULL, add_crash);
  gtk_widget_class_install_action (widget_class, "job.add-hang", NULL, add_hang);
  gtk_widget_class_install_action (widget_class, "job.clear", NULL, clear_jobs);
  gtk_widget_class_install_action (widget_class, "job.repeat", "t", repeat_job);
  gtk_widget_class_install_action (widget_class, "job.remove", "t", remove_job);
}

static void
ferry_demo_window_class_init (FerryDemoWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = ferry_demo_window_dispose;

  g_type_ensure (FERRY_DEMO_TYPE_ROW);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-window.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, add_button);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, stack);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, list);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, messages_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, bytes_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, median_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, p99_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoWindow, frames_label);
  install_actions (widget_class);
}

static void
ferry_demo_window_init (FerryDemoWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
ferry_demo_window_new (GtkApplication *application, FerryDemoSession *session)
{
  FerryDemoWindow *self = g_object_new (FERRY_DEMO_TYPE_WINDOW, "application", application, NULL);
  GListModel *jobs = ferry_demo_session_get_jobs (session);
  g_autoptr (GtkNoSelection) selection = gtk_no_selection_new (g_object_ref (jobs));

  self->session = g_object_ref (session);
  gtk_list_view_set_model (GTK_LIST_VIEW (self->list), GTK_SELECTION_MODEL (selection));
  g_signal_connect_object (jobs, "items-changed", G_CALLBACK (jobs_changed_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "turned", G_CALLBACK (show_figures), self, G_CONNECT_SWAPPED);
  jobs_changed_cb (self);
  show_figures (self);
  return GTK_WIDGET (self);
}
