/* A group: the tasks of a window are cancelled when that window is closed.
 * Each click opens a window with three tasks in a group, which is bound to the window. No code runs at the closing.
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
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "title", "Search", "child", box, "default-width", 360, NULL);

  g_object_set (box, "margin-top", 12, "margin-bottom", 12, "margin-start", 12, "margin-end", 12, NULL);
  ferry_task_group_bind_widget (group, window);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryTask) task = ferry_executor_submit (executor, "search", g_variant_new_string (places[i]), &error);
      GtkWidget *bar = g_object_new (GTK_TYPE_PROGRESS_BAR, "show-text", TRUE, "text", places[i], NULL);

      if (task == NULL)
        g_error ("%s", error->message);
      gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, places[i], -1);
      ferry_task_group_add (group, task);
      g_object_bind_property (task, "fraction", bar, "fraction", G_BINDING_SYNC_CREATE);
      gtk_box_append (GTK_BOX (box), bar);
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

int
main (int argc, char **argv)
{
  ferry_function_register ("search", "s", "b", search);
  ferry_worker_main (&argc, &argv);

  gtk_init ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  if (executor == NULL)
    g_error ("%s", error->message);
  GtkWidget *label = gtk_label_new ("No tasks"), *button = gtk_button_new_with_label ("New Search");
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "title", "Group", "child", box, NULL);
  g_object_set (box, "margin-top", 12, "margin-bottom", 12, "margin-start", 12, "margin-end", 12, NULL);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), button);
  g_signal_connect_object (executor, "notify", G_CALLBACK (count_cb), label, 0);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (open_cb), executor);
  gtk_window_present (GTK_WINDOW (window));
  while (g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
    g_main_context_iteration (NULL, TRUE);
}
