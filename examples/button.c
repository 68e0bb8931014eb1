/* A button in a header bar: a ring that shows how far all tasks are, and their list behind it, as in a file manager.
 * The window is free for what the application is about, here for words. The button is there while there are tasks.
 * Its tooltip, and what a screen reader says of it, tell how many tasks run and wait.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-gtk.h>

static FerryExecutor *executor;

static GVariant *
export_words (FerryJob *job, GVariant *arguments, GError **error)
{
  gsize length = strlen (g_variant_get_string (arguments, NULL));

  for (gsize n = 1; n <= length; n++)
    {
      g_usleep (50000); /* the work */
      if (!ferry_job_report_amount (job, n, length, "letters", NULL, error))
        return NULL;
    }
  return NULL;
}

static void
export_cb (GtkTextBuffer *buffer)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *words = NULL;

  g_object_get (buffer, "text", &words, NULL);
  task = ferry_task_new (FERRY_TASK_KIND_CALL, "export", g_variant_new_string (words));
  g_object_set (task, "name", "Export", NULL);
  if (!ferry_executor_submit_task (executor, task, &error))
    g_error ("%s", error->message);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  ferry_function_register ("export", "s", "", export_words);
  ferry_worker_main (&argc, &argv);

  executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  if (executor == NULL)
    g_error ("%s", error->message);
  g_object_set (executor, "keep-finished", 100, NULL);

  gtk_init ();
  GtkWidget *text = gtk_text_view_new (), *header = gtk_header_bar_new ();
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (text));
  GtkWidget *button = gtk_button_new_with_label ("Export");
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "title", "Words", "titlebar", header, "child", text, NULL);
  gtk_window_set_default_size (GTK_WINDOW (window), 480, 320);
  gtk_header_bar_pack_start (GTK_HEADER_BAR (header), button);
  gtk_header_bar_pack_end (GTK_HEADER_BAR (header), ferry_task_button_new (executor));
  gtk_accessible_update_property (GTK_ACCESSIBLE (text), GTK_ACCESSIBLE_PROPERTY_LABEL, "Words", -1);
  g_object_set (text, "left-margin", 12, "top-margin", 12, NULL);
  gtk_text_buffer_set_text (buffer, "What is written here takes its time.", -1);
  g_signal_connect_object (button, "clicked", G_CALLBACK (export_cb), buffer, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (window));
  while (g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
    g_main_context_iteration (NULL, TRUE);
  g_object_unref (executor);
}
