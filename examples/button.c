/* A button in a header bar, as in a file manager: a ring shows how far all tasks are, and their list is behind it.
 * The window itself is free for what the application is about. The button is there while there are tasks.
 * Its tooltip says how many tasks run and wait, and so does a screen reader.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <adwaita.h>
#include <ferry-gtk.h>

static FerryExecutor *executor; /* the application's */

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
  task = ferry_executor_submit_named (executor, "Export", "export", g_variant_new_string (words), &error);
  if (task == NULL)
    gtk_text_buffer_set_text (buffer, error->message, -1);
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *header = adw_header_bar_new (), *button = gtk_button_new_with_label ("Export");
  GtkWidget *text = g_object_new (GTK_TYPE_TEXT_VIEW, "wrap-mode", GTK_WRAP_WORD, "top-margin", 24, "bottom-margin", 24,
                                  "left-margin", 24, "right-margin", 24, "vexpand", TRUE, NULL);
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (text));
  GtkWidget *window = g_object_new (ADW_TYPE_APPLICATION_WINDOW, "application", application, "title", "Words",
                                    "content", box, "default-width", 480, "default-height", 320, NULL);

  gtk_accessible_update_property (GTK_ACCESSIBLE (text), GTK_ACCESSIBLE_PROPERTY_LABEL, "Words", -1);
  gtk_box_append (GTK_BOX (box), header);
  gtk_box_append (GTK_BOX (box), text);
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), button);
  if (executor == NULL)
    executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  gtk_text_buffer_set_text (buffer, executor != NULL ? "Write something, and press Export." : error->message, -1);
  gtk_widget_set_sensitive (button, executor != NULL);
  if (executor != NULL)
    adw_header_bar_pack_end (ADW_HEADER_BAR (header), ferry_task_button_new (G_LIST_MODEL (executor)));
  g_signal_connect_object (button, "clicked", G_CALLBACK (export_cb), buffer, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("export", "s", "", export_words);
  ferry_worker_main (&argc, &argv);

  g_autoptr (AdwApplication) application = adw_application_new ("org.example.Words", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
