/* A list in a page of preferences: folders to back up, and below them what is done with them, as high as it needs.
 * Up to its max-height, a list has the height of its rows, so that it grows with them, and the page scrolls.
 * The style class card gives it the frame of the other groups.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <adwaita.h>
#include <ferry-gtk.h>

static FerryExecutor *executor; /* the application's: each of its windows shows the same tasks */

static GVariant *
back_up (FerryJob *job, GVariant *arguments, GError **error)
{
  for (guint n = 1; n <= 300; n++)
    {
      g_usleep (20000); /* the work */
      if (!ferry_job_report_amount (job, n, 300, "files", NULL, error))
        return NULL;
    }
  return NULL;
}

static void
back_up_cb (GtkWidget *row)
{
  g_autoptr (GError) error = NULL;
  const char *folder = adw_preferences_row_get_title (ADW_PREFERENCES_ROW (row));
  g_autoptr (FerryTask) task = ferry_executor_submit_named (executor, folder, "back-up", NULL, &error);

  if (task == NULL)
    adw_action_row_set_subtitle (ADW_ACTION_ROW (row), error->message);
}

static GtkWidget *
make_group (const char *title, GtkWidget *page)
{
  GtkWidget *group = g_object_new (ADW_TYPE_PREFERENCES_GROUP, "title", title, NULL);

  adw_preferences_page_add (ADW_PREFERENCES_PAGE (page), ADW_PREFERENCES_GROUP (group));
  return group;
}

static void
add_folder (GtkWidget *group, const char *name)
{
  GtkWidget *button =
    g_object_new (GTK_TYPE_BUTTON, "label", "Back Up", "valign", GTK_ALIGN_CENTER, "sensitive", executor != NULL, NULL);
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", name, "activatable-widget", button, NULL);

  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (group), row);
  g_signal_connect_object (button, "clicked", G_CALLBACK (back_up_cb), row, G_CONNECT_SWAPPED);
}

static void
setup_row_cb (GtkWidget *list, FerryTaskRow *row)
{
  ferry_task_row_set_compact (row, TRUE);
}

static void
activate_cb (GtkApplication *application)
{
  static const char *const folders[] = {"Documents", "Music", "Pictures"};
  g_autoptr (GError) error = NULL;
  GtkWidget *page = g_object_new (ADW_TYPE_PREFERENCES_PAGE, "vexpand", TRUE, NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *window = g_object_new (ADW_TYPE_APPLICATION_WINDOW, "application", application, "title", "Backup",
                                    "content", box, "default-width", 480, "default-height", 560, NULL);

  gtk_box_append (GTK_BOX (box), adw_header_bar_new ());
  gtk_box_append (GTK_BOX (box), page);
  if (executor == NULL)
    executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  if (executor != NULL)
    g_object_set (executor, "keep-finished", 20, NULL); /* else what is done leaves the list after some seconds */
  GtkWidget *group = make_group ("Folders", page), *tasks = make_group ("Backups", page);
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    add_folder (group, folders[i]);
  if (error != NULL)
    adw_preferences_group_set_description (ADW_PREFERENCES_GROUP (tasks), error->message);
  GtkWidget *list = ferry_task_list_new (G_LIST_MODEL (executor));
  ferry_task_list_set_max_height (FERRY_TASK_LIST (list), 400);
  gtk_widget_add_css_class (list, "card");
  g_signal_connect (list, "setup-row", G_CALLBACK (setup_row_cb), NULL);
  adw_preferences_group_add (ADW_PREFERENCES_GROUP (tasks), list);
  gtk_window_present (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("back-up", NULL, "", back_up);
  ferry_worker_main (&argc, &argv);

  g_autoptr (AdwApplication) application = adw_application_new ("org.example.Backup", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
