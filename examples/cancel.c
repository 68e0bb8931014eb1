/* Cancel: you can always get rid of a task, whether its function listens or not.
 * The first function learns of the cancel when it reports its progress, and returns.
 * The second one never asks. After a second its worker is ended, and the first task does not notice.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry.h>
#include <gtk/gtk.h>

#define N_FILES 5000

static GVariant *
copy (FerryJob *job, GVariant *arguments, GError **error)
{
  gboolean listens = g_variant_get_boolean (arguments);

  for (int n = 0; n <= N_FILES; n++)
    {
      g_usleep (20000); /* the work */
      if (!ferry_job_report_amount (job, n, N_FILES, "files", NULL, listens ? error : NULL) && listens)
        return NULL;
    }
  return g_variant_new_int32 (N_FILES);
}

static void
notify_cb (FerryTask *task, GParamSpec *pspec, GtkProgressBar *bar)
{
  static const char *const words[] = {"Waiting", NULL, "Cancelling…", "Completed", "Failed", "Cancelled"};
  double fraction = ferry_task_get_fraction (task);
  g_autofree char *text = g_strdup_printf ("%.0f of %d files", fraction * N_FILES, N_FILES);
  const char *word = words[ferry_task_get_state (task)];

  gtk_progress_bar_set_fraction (bar, fraction);
  gtk_progress_bar_set_text (bar, word != NULL ? word : text);
}

static void
add_task (FerryExecutor *executor, gboolean listens, GtkWidget *list)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "copy", g_variant_new_boolean (listens));
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *cancel = g_object_new (GTK_TYPE_BUTTON, "label", "Cancel", "valign", GTK_ALIGN_CENTER, NULL);
  GtkWidget *bar = g_object_new (GTK_TYPE_PROGRESS_BAR, "show-text", TRUE, "hexpand", TRUE, "text", "Waiting", NULL);

  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, listens ? "Listens" : "Ignores",
                                  -1);
  gtk_box_append (GTK_BOX (list), row);
  gtk_box_append (GTK_BOX (row), bar);
  gtk_box_append (GTK_BOX (row), cancel);
  ferry_task_set_cancel_grace (task, G_USEC_PER_SEC);
  g_object_bind_property (task, "can-cancel", cancel, "sensitive", G_BINDING_DEFAULT);
  g_signal_connect_object (task, "notify", G_CALLBACK (notify_cb), bar, 0);
  g_signal_connect_object (cancel, "clicked", G_CALLBACK (ferry_task_cancel), task, G_CONNECT_SWAPPED);
  if (!ferry_executor_submit_task (executor, task, &error))
    gtk_progress_bar_set_text (GTK_PROGRESS_BAR (bar), error->message);
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  const char *text =
    "Cancel both. The first task stops at once. The second does not listen, and is stopped after a second.";
  GtkWidget *hint =
    g_object_new (GTK_TYPE_LABEL, "label", executor ? text : error->message, "wrap", TRUE, "xalign", 0.0, NULL);
  GtkWidget *list = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *window = g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Cancel",
                                    "titlebar", gtk_header_bar_new (), "child", list, "default-width", 400, NULL);

  g_object_set (list, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_box_append (GTK_BOX (list), hint);
  for (int i = 0; executor != NULL && i < 2; i++)
    add_task (executor, i == 0, list);
  gtk_window_present (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("copy", "b", "i", copy);
  ferry_worker_main (&argc, &argv);

  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Cancel", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
