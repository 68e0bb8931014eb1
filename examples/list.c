/* A list of tasks: each with a bar, what it does and how long that takes, and with buttons for what makes sense.
 * The list shows an executor, which is a list model of its tasks. Rows are made for the tasks in sight only.
 * By keys: Control+BackSpace cancels, Control+R tries again, Control+Up runs next, Delete removes, Control+Z undoes.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-gtk.h>

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
add_cb (FerryExecutor *executor)
{
  static guint n_files = 0;
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "copy", g_variant_new_uint32 (n_files += 40));
  g_autofree char *name = g_strdup_printf ("Copy %u files", n_files);
  g_autoptr (GError) error = NULL;

  g_object_set (task, "name", name, NULL);
  if (!ferry_executor_submit_task (executor, task, &error))
    g_error ("%s", error->message);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  ferry_function_register ("copy", "u", "u", copy);
  ferry_worker_main (&argc, &argv);

  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  if (executor == NULL)
    g_error ("%s", error->message);
  g_object_set (executor, "keep-finished", 1000, NULL);

  gtk_init ();
  GtkWidget *list = ferry_task_list_new (G_LIST_MODEL (executor));
  GtkWidget *button = gtk_button_new_with_label ("New Task"), *header = gtk_header_bar_new ();
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "title", "Tasks", "titlebar", header, "child", list, NULL);
  gtk_window_set_default_size (GTK_WINDOW (window), 480, 400);
  gtk_header_bar_pack_start (GTK_HEADER_BAR (header), button);
  g_signal_connect_object (button, "clicked", G_CALLBACK (add_cb), executor, G_CONNECT_SWAPPED);
  for (int i = 0; i < 4; i++)
    add_cb (executor);
  gtk_window_present (GTK_WINDOW (window));
  while (g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
    g_main_context_iteration (NULL, TRUE);
}
