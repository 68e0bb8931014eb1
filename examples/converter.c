/* Any program as a task: a window where you drop videos, and ffmpeg converts each of them beside its original.
 * The list has what ffmpeg says of its progress, and buttons for what makes sense: Pause, Cancel, Try Again, Remove.
 * What you cancel, or what fails, leaves nothing behind: no process, and no half of a file.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-gtk.h>

static FerryExecutor *executor; /* the application's: each of its windows shows the same tasks */

static void
convert (GFile *file, GtkLabel *hint)
{
  g_autofree char *name = g_file_get_basename (file), *input = g_file_get_path (file);
  g_autoptr (GError) error = NULL;

  if (input == NULL)
    {
      gtk_label_set_label (hint, "Only files of this computer can be opened.");
      return;
    }
  g_autofree char *output = g_strconcat (input, ".webm", NULL);
  const char *const argv[] = {"ffmpeg", "-nostdin", "-y", "-i", input, output, NULL};
  g_autoptr (FerryCommand) command = ferry_command_new (argv);
  g_object_set (command, "output-files", (const char *const[]){output, NULL}, "replace-output-files", TRUE, NULL);
  g_autoptr (FerryTask) task = ferry_executor_submit_command (executor, command, &error);
  if (task != NULL)
    g_object_set (task, "name", name, NULL);
  else
    gtk_label_set_label (hint, error->message);
}

static gboolean
drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, GtkLabel *hint)
{
  g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));

  for (GSList *file = files; file != NULL; file = file->next)
    convert (file->data, hint);
  return TRUE;
}

static void
open_cb (GtkApplication *application, GFile **files, int n_files)
{
  g_autoptr (GError) error = NULL;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *hint = g_object_new (GTK_TYPE_LABEL, "label", "Drop videos here. Each becomes a WebM file beside it.",
                                  "wrap", TRUE, "margin-top", 12, "margin-bottom", 12, NULL);
  GtkWidget *window =
    g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Converter", "titlebar",
                  gtk_header_bar_new (), "child", box, "default-width", 480, "default-height", 420, NULL);

  gtk_box_append (GTK_BOX (box), hint);
  gtk_window_present (GTK_WINDOW (window));
  if (executor == NULL && !(executor = ferry_executor_new_for_commands (&error)))
    {
      gtk_label_set_label (GTK_LABEL (hint), error->message);
      return;
    }
  g_object_set (executor, "keep-finished", 1000, NULL);
  GtkWidget *list = ferry_task_list_new (G_LIST_MODEL (executor));
  gtk_widget_set_vexpand (list, TRUE);
  gtk_box_append (GTK_BOX (box), list);
  ferry_task_guard_add (G_LIST_MODEL (executor), GTK_WINDOW (window));
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);
  g_signal_connect_object (target, "drop", G_CALLBACK (drop_cb), hint, 0);
  gtk_widget_add_controller (window, GTK_EVENT_CONTROLLER (target));
  for (int i = 0; i < n_files; i++)
    convert (files[i], GTK_LABEL (hint));
}

/* Without a file. */
static void
activate_cb (GtkApplication *application)
{
  open_cb (application, NULL, 0);
}

int
main (int argc, char **argv)
{
  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Converter", G_APPLICATION_HANDLES_OPEN);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  g_signal_connect (application, "open", G_CALLBACK (open_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
