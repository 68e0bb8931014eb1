/* A window of libadwaita with a list of tasks, the button in its header bar, and a toast for what goes wrong.
 * Ferry's widgets are plain GTK, and follow libadwaita's style: light, dark, and in high contrast.
 * While there are no tasks, the list shows a status page. The guard asks before work is lost.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <adwaita.h>
#include <ferry-gtk.h>

static FerryExecutor *executor; /* the application's: each of its windows shows the same tasks */

static GVariant *
bake (FerryJob *job, GVariant *arguments, GError **error)
{
  for (guint n = 1; n <= 200; n++)
    {
      g_usleep (20000); /* the work */
      if (!ferry_job_report_amount (job, n, 200, "loaves", NULL, error))
        return NULL;
    }
  return NULL;
}

static void
bake_cb (AdwToastOverlay *overlay)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_executor_submit_named (executor, "Bake bread", "bake", NULL, &error);

  if (task == NULL)
    adw_toast_overlay_add_toast (overlay, adw_toast_new (error->message));
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  GtkWidget *header = adw_header_bar_new (), *overlay = adw_toast_overlay_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *button = gtk_button_new_with_label ("Bake");
  GtkWidget *page = g_object_new (ADW_TYPE_STATUS_PAGE, "title", "No Bread", "description",
                                  "Bake some: it takes a while.", "icon-name", "document-open-recent-symbolic", NULL);
  GtkWidget *window = g_object_new (ADW_TYPE_APPLICATION_WINDOW, "application", application, "title", "Bakery",
                                    "content", box, "default-width", 480, "default-height", 420, NULL);

  adw_header_bar_pack_start (ADW_HEADER_BAR (header), button);
  gtk_box_append (GTK_BOX (box), header);
  gtk_box_append (GTK_BOX (box), overlay);
  if (executor == NULL)
    executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  if (executor != NULL)
    {
      GtkWidget *list = ferry_task_list_new (G_LIST_MODEL (executor));
      g_object_set (list, "placeholder", page, "vexpand", TRUE, NULL);
      adw_toast_overlay_set_child (ADW_TOAST_OVERLAY (overlay), list);
      adw_header_bar_pack_end (ADW_HEADER_BAR (header), ferry_task_button_new (G_LIST_MODEL (executor)));
      ferry_task_guard_add (G_LIST_MODEL (executor), GTK_WINDOW (window));
      g_signal_connect_object (button, "clicked", G_CALLBACK (bake_cb), overlay, G_CONNECT_SWAPPED);
    }
  else
    {
      g_object_set (page, "title", "No Oven", "description", error->message, "vexpand", TRUE, NULL);
      adw_toast_overlay_set_child (ADW_TOAST_OVERLAY (overlay), page);
      gtk_widget_set_sensitive (button, FALSE);
    }
  gtk_window_present (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("bake", NULL, "", bake);
  ferry_worker_main (&argc, &argv);

  g_autoptr (AdwApplication) application = adw_application_new ("org.example.Bakery", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
