/* A window of libadwaita with a list of tasks, one in three of which crashes: that costs the task, and nothing else.
 * Undo is a toast, and a dialog says what has happened, and whether it makes sense to try it again.
 * A button and a key pause all, wherever the focus is in the window: the list's state is an action of the window.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#define ADW_DISABLE_DEPRECATION_WARNINGS /* of AdwMessageDialog: libadwaita has had AdwAlertDialog since 1.5 */
#include <adwaita.h>
#include <ferry-gtk.h>

static FerryExecutor *executor; /* the application's: each of its windows shows the same tasks */

static GVariant *
bake (FerryJob *job, GVariant *number, GError **error)
{
  for (guint n = 1; n <= 200; n++)
    {
      g_usleep (20000); /* the work */
      if (!ferry_job_report_amount (job, n, 200, "loaves", NULL, error))
        return NULL;
      if (n == 50 && g_variant_get_uint32 (number) % 3 == 0)
        g_abort ();
    }
  return NULL;
}

static void
bake_cb (AdwToastOverlay *overlay)
{
  static guint number = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task =
    ferry_executor_submit_named (executor, "Bake bread", "bake", g_variant_new_uint32 (++number), &error);

  if (task == NULL)
    adw_toast_overlay_add_toast (overlay, adw_toast_new (error->message));
}

static void
undo_cb (GtkWidget *list)
{
  gtk_widget_activate_action (list, "task.undo", NULL);
}

static void
forget_toast_cb (GtkWidget *list)
{
  g_object_set_data (G_OBJECT (list), "toast", NULL);
}

static gboolean
show_undo_cb (GtkWidget *list, const char *words, AdwToastOverlay *overlay)
{
  AdwToast *toast = g_object_get_data (G_OBJECT (list), "toast");

  if (words == NULL && toast != NULL) /* what was removed is back, or gone for good */
    adw_toast_dismiss (toast);
  if (words != NULL && toast != NULL)
    adw_toast_set_title (toast, words);
  if (words == NULL || toast != NULL)
    return TRUE; /* the list has no bar for it */
  toast = g_object_new (ADW_TYPE_TOAST, "title", words, "button-label", "_Undo", "timeout", 0, NULL);
  g_object_set_data_full (G_OBJECT (list), "toast", g_object_ref (toast), g_object_unref);
  g_object_connect (toast, "swapped-object-signal::button-clicked", undo_cb, list, "swapped-object-signal::dismissed",
                    forget_toast_cb, list, NULL);
  adw_toast_overlay_add_toast (overlay, toast);
  return TRUE;
}

static void
run_again_cb (FerryTask *task)
{
  g_autoptr (FerryTask) again = ferry_executor_retry (executor, task, NULL);

  if (again != NULL)
    ferry_executor_remove (executor, task, NULL);
}

static gboolean
show_error_cb (GtkWidget *list, FerryTask *task)
{
  g_autofree char *title = NULL, *detail = NULL;
  gboolean can_retry;

  ferry_task_describe_error (task, &title, &detail, &can_retry);
  GtkWidget *dialog = adw_message_dialog_new (GTK_WINDOW (gtk_widget_get_root (list)), title, detail);
  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "close", "_Close", "retry",
                                    can_retry ? "_Run Again" : "_Run Anyway", NULL);
  g_signal_connect_object (dialog, "response::retry", G_CALLBACK (run_again_cb), task, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
  return TRUE;
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  if (executor == NULL)
    executor = ferry_executor_new_for_program ("/proc/self/exe", &error);

  GtkWidget *header = adw_header_bar_new (), *overlay = adw_toast_overlay_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *bake = gtk_button_new_with_label ("Bake");
  GtkWidget *page = g_object_new (ADW_TYPE_STATUS_PAGE, "title", "No Bread", "description",
                                  error != NULL ? error->message : "Bake some: it takes a while.", NULL);
  GtkWidget *list = g_object_new (FERRY_TYPE_TASK_LIST, "tasks", executor, "placeholder", page, "vexpand", TRUE, NULL);
  GtkWidget *pause = g_object_new (GTK_TYPE_TOGGLE_BUTTON, "icon-name", "media-playback-pause-symbolic", "tooltip-text",
                                   "Pause All", "action-name", "win.pause-all", NULL);
  GtkWidget *window = g_object_new (ADW_TYPE_APPLICATION_WINDOW, "application", application, "title", "Bakery",
                                    "content", box, "default-width", 480, "default-height", 420, NULL);
  g_autoptr (GPropertyAction) action = g_property_action_new ("pause-all", list, "paused");

  g_action_map_add_action (G_ACTION_MAP (window), G_ACTION (action));
  gtk_application_set_accels_for_action (application, "win.pause-all", (const char *[]){"<Shift><Control>p", NULL});
  adw_toast_overlay_set_child (ADW_TOAST_OVERLAY (overlay), g_object_new (ADW_TYPE_CLAMP, "child", list, NULL));
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), bake);
  adw_header_bar_pack_end (ADW_HEADER_BAR (header), pause);
  gtk_box_append (GTK_BOX (box), header);
  gtk_box_append (GTK_BOX (box), overlay);
  g_signal_connect_object (bake, "clicked", G_CALLBACK (bake_cb), overlay, G_CONNECT_SWAPPED);
  g_signal_connect_object (list, "show-undo", G_CALLBACK (show_undo_cb), overlay, 0);
  g_signal_connect (list, "show-error", G_CALLBACK (show_error_cb), NULL);
  gtk_widget_set_sensitive (bake, executor != NULL);
  gtk_window_present (GTK_WINDOW (window));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("bake", "u", "", bake);
  ferry_worker_main (&argc, &argv);

  g_autoptr (AdwApplication) application = adw_application_new ("org.example.Bakery", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
