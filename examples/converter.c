/* Any program as a task: a window where videos are dropped, each of which ffmpeg converts beside its original.
 * The list has what ffmpeg says of its progress, and buttons for what makes sense: Pause, Cancel, Try Again, Remove.
 * What is cancelled, or fails, leaves nothing behind: no process, and no half of a file.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-gtk.h>

static void
convert (FerryExecutor *executor, GFile *file)
{
  g_autofree char *name = g_file_get_basename (file), *input = g_file_get_path (file);
  g_autofree char *output = g_strconcat (input, ".webm", NULL);
  const char *const argv[] = {"ffmpeg", "-nostdin", "-y", "-i", input, output, NULL};
  g_autoptr (FerryCommand) command = ferry_command_new (argv);
  g_autoptr (GError) error = NULL;

  g_object_set (command, "output-files", (const char *const[]){output, NULL}, "replace-output-files", TRUE, NULL);
  g_autoptr (FerryTask) task = ferry_executor_submit_command (executor, command, &error);
  if (task == NULL)
    g_error ("%s", error->message);
  g_object_set (task, "name", name, NULL);
}

static gboolean
drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, FerryExecutor *executor)
{
  g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));

  for (GSList *file = files; file != NULL; file = file->next)
    convert (executor, file->data);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_commands (&error);
  if (executor == NULL)
    g_error ("%s", error->message);
  g_object_set (executor, "keep-finished", 1000, NULL);

  gtk_init ();
  GtkWidget *list = ferry_task_list_new (G_LIST_MODEL (executor));
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "title", "Drop Videos Here", "child", list, NULL);
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);
  g_signal_connect (target, "drop", G_CALLBACK (drop_cb), executor);
  gtk_widget_add_controller (window, GTK_EVENT_CONTROLLER (target));
  ferry_task_guard_new (executor, GTK_WINDOW (window));
  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GFile) file = g_file_new_for_commandline_arg (argv[i]);

      convert (executor, file);
    }
  gtk_window_set_default_size (GTK_WINDOW (window), 480, 400);
  gtk_window_present (GTK_WINDOW (window));
  while (g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
    g_main_context_iteration (NULL, TRUE);
}
