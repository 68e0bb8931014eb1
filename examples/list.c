/* A list of tasks: each has a bar, says what it does and how long that takes, and has buttons for what makes sense.
 * The list shows an executor, which is a list model of its tasks. It makes rows for the tasks in sight only.
 * By keys: Control+BackSpace cancels, Control+R tries again, Control+Up runs next, Delete removes, Control+Z undoes.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-gtk.h>

static FerryExecutor *executor; /* the application's: each of its windows shows the same tasks */

static GVariant *
copy (FerryJob *job, GVariant *arguments, GError **error)
{
  guint n_files = g_variant_get_uint32 (arguments);

  for (guint n = 1; n <= n_files; n++)
    {
      g_usleep (20000); /* the work */
      if (!ferry_job_report_amount (job, n, n_files, "files", NULL, error))
        return NULL;
      if (n == 100)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "The disk has no room for file %u", n);
          return NULL;
        }
    }
  return g_variant_new_uint32 (n_files);
}

static void
add_cb (GtkLabel *hint)
{
  static guint n_files = 0;
  g_autofree char *name = g_strdup_printf ("Copy %u files", n_files += 40);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task =
    ferry_executor_submit_named (executor, name, "copy", g_variant_new_uint32 (n_files), &error);

  if (task == NULL)
    gtk_label_set_label (hint, error->message);
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *header = gtk_header_bar_new ();
  GtkWidget *button = gtk_button_new_with_label ("New Task");
  GtkWidget *hint = g_object_new (GTK_TYPE_LABEL, "label", "Each task has more files than the one before. Some fail.",
                                  "wrap", TRUE, "margin-top", 12, "margin-bottom", 12, NULL);
  GtkWidget *window =
    g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Tasks", "titlebar", header,
                  "child", box, "default-width", 480, "default-height", 480, NULL);

  gtk_header_bar_pack_start (GTK_HEADER_BAR (header), button);
  gtk_box_append (GTK_BOX (box), hint);
  gtk_window_present (GTK_WINDOW (window));
  if (executor == NULL && !(executor = ferry_executor_new_for_program ("/proc/self/exe", &error)))
    {
      gtk_label_set_label (GTK_LABEL (hint), error->message);
      gtk_widget_set_sensitive (button, FALSE);
      return;
    }
  g_object_set (executor, "keep-finished", 1000, NULL);
  GtkWidget *list = ferry_task_list_new (G_LIST_MODEL (executor));
  gtk_widget_set_vexpand (list, TRUE);
  gtk_box_append (GTK_BOX (box), list);
  g_signal_connect_object (button, "clicked", G_CALLBACK (add_cb), hint, G_CONNECT_SWAPPED);
  for (int i = 0; i < 4; i++)
    add_cb (GTK_LABEL (hint));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("copy", "u", "u", copy);
  ferry_worker_main (&argc, &argv);

  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Tasks", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
