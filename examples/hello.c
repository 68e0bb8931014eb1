/* Hello: one task in a worker process, with its progress and a way to cancel it, in a window.
 * The function is in hello-worker.c. The bar and the button follow the task, and the label says how it ended.
 * The window never waits for the worker, and a worker that crashes costs you its task and nothing else.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-gtk.h>

static void
done_cb (FerryTask *task, GtkLabel *label)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) pi = ferry_task_get_result (task, &error);
  g_autofree char *text = pi != NULL ? g_strdup_printf ("Pi is %.6f.", g_variant_get_double (pi)) : NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    gtk_label_set_label (label, "You cancelled it.");
  else
    gtk_label_set_label (label, pi != NULL ? text : error->message);
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("./hello-worker", &error);
  g_autoptr (FerryTask) task =
    executor != NULL ? ferry_executor_submit (executor, "pi", g_variant_new_double (2e7), &error) : NULL;
  const char *text = task != NULL ? "A worker process computes pi." : error->message;

  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12), *bar = gtk_progress_bar_new ();
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", text, "wrap", TRUE, NULL);
  GtkWidget *cancel = g_object_new (GTK_TYPE_BUTTON, "label", "Cancel", "sensitive", FALSE, NULL);
  GtkWidget *window = g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Pi", "titlebar",
                                    gtk_header_bar_new (), "child", box, "default-width", 360, NULL);
  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), bar);
  gtk_box_append (GTK_BOX (box), cancel);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, "Progress", -1);
  gtk_window_present (GTK_WINDOW (window));
  if (task == NULL)
    return;
  ferry_bind_progress (task, GTK_PROGRESS_BAR (bar));
  g_object_bind_property (task, "can-cancel", cancel, "sensitive", G_BINDING_SYNC_CREATE);
  g_signal_connect_object (task, "done", G_CALLBACK (done_cb), label, 0);
  g_signal_connect_object (cancel, "clicked", G_CALLBACK (ferry_task_cancel), task, G_CONNECT_SWAPPED);
}

int
main (int argc, char **argv)
{
  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Pi", G_APPLICATION_DEFAULT_FLAGS);

  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
