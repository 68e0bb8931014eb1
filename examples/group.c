/* A group: close a window, and its tasks are cancelled.
 * Each click opens a window with three tasks. Their group is bound to the window, which is all that it takes.
 * The first window counts the tasks that run; it knows of no other window.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-gtk.h>

static GVariant *
search (FerryJob *job, GVariant *arguments, GError **error)
{
  for (int n = 1; n <= 5000; n++)
    {
      g_usleep (20000); /* the work */
      if (!ferry_job_report (job, n / 5000.0, NULL, error))
        return NULL;
    }
  return g_variant_new_boolean (TRUE);
}

static void
open_cb (FerryExecutor *executor)
{
  static const char *const places[] = {"Documents", "Music", "Pictures"};
  g_autoptr (FerryTaskGroup) group = ferry_task_group_new ();
  g_autoptr (FerryTask) whole = ferry_task_new_for_group (group, "All Places", "folders");
  GtkWidget *row = ferry_task_row_new (whole, NULL); /* the whole group as one task, with Cancel */
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12), *header = gtk_header_bar_new ();
  GtkWidget *window =
    g_object_new (GTK_TYPE_WINDOW, "title", "Search", "titlebar", header, "child", box, "default-width", 360, NULL);

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_box_append (GTK_BOX (box), g_object_new (GTK_TYPE_LABEL, "label", "Close this window to cancel its search.",
                                               "wrap", TRUE, NULL));
  gtk_box_append (GTK_BOX (box), row);
  ferry_task_row_set_prefix (FERRY_TASK_ROW (row), gtk_image_new_from_icon_name ("system-search-symbolic"));
  ferry_task_group_bind_widget (group, window);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryTask) task = ferry_executor_submit (executor, "search", g_variant_new_string (places[i]), &error);
      GtkWidget *bar = g_object_new (GTK_TYPE_PROGRESS_BAR, "show-text", TRUE, "text",
                                     task != NULL ? places[i] : error->message, NULL);

      gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, places[i], -1);
      gtk_box_append (GTK_BOX (box), bar);
      if (task == NULL)
        continue;
      ferry_task_group_add (group, task);
      ferry_bind_progress (task, GTK_PROGRESS_BAR (bar));
    }
  gtk_window_present (GTK_WINDOW (window));
}

static void
count_cb (FerryExecutor *executor, GParamSpec *pspec, GtkLabel *label)
{
  g_autofree char *text = NULL;
  guint n_executing, n_waiting;
  guint64 n_cancelled;

  g_object_get (executor, "n-executing", &n_executing, "n-waiting", &n_waiting, "n-cancelled", &n_cancelled, NULL);
  text = g_strdup_printf ("%u run, %u wait, %d were cancelled", n_executing, n_waiting, (int) n_cancelled);
  gtk_label_set_text (label, text);
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  FerryExecutor *executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  const char *text = executor ? "Close a search, and its tasks are cancelled." : error->message;
  GtkWidget *hint = g_object_new (GTK_TYPE_LABEL, "label", text, "wrap", TRUE, NULL);
  GtkWidget *label = gtk_label_new ("No tasks"), *button = gtk_button_new_with_label ("New Search");
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12), *header = gtk_header_bar_new ();
  GtkWidget *window = g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Group",
                                    "titlebar", header, "child", box, "default-width", 360, NULL);

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_box_append (GTK_BOX (box), hint);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), button);
  gtk_widget_set_sensitive (button, executor != NULL);
  if (executor != NULL)
    {
      g_object_set_data_full (G_OBJECT (window), "executor", executor,
                              g_object_unref); /* it stays while this is open */
      g_signal_connect_object (executor, "notify", G_CALLBACK (count_cb), label, 0);
      g_signal_connect_object (button, "clicked", G_CALLBACK (open_cb), executor, G_CONNECT_SWAPPED);
    }
  gtk_window_present (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("search", "s", "b", search);
  ferry_worker_main (&argc, &argv);

  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Group", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
