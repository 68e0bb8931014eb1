/* Hello: one task in a worker process, with its progress and a way to cancel it, in a window.
 * The function is in hello-worker.c. Its progress comes as a property of the task, and the bar is bound to that.
 * The window stays in motion however busy the worker is, and a worker that crashed would cost nothing but the task.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry.h>
#include <gtk/gtk.h>

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("./hello-worker", &error);
  if (!executor || !(task = ferry_executor_submit (executor, "pi", g_variant_new_double (1e7), &error)))
    g_error ("%s", error->message);

  gtk_init ();
  GtkWidget *bar = gtk_progress_bar_new (), *cancel = gtk_button_new_with_label ("Cancel");
  GtkWidget *header = gtk_header_bar_new ();
  gtk_header_bar_pack_start (GTK_HEADER_BAR (header), cancel);
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "title", "Pi", "titlebar", header, "child", bar, NULL);
  g_object_bind_property (task, "fraction", bar, "fraction", G_BINDING_DEFAULT);
  g_signal_connect_swapped (cancel, "clicked", G_CALLBACK (ferry_task_cancel), task);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, "Pi", -1);
  gtk_window_present (GTK_WINDOW (window));
  while (!ferry_task_get_done (task) && g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
    g_main_context_iteration (NULL, TRUE);

  g_autoptr (GVariant) pi = ferry_task_get_result (task, &error);
  g_autofree char *text = pi ? g_strdup_printf ("Pi is %.6f.", g_variant_get_double (pi)) : g_strdup (error->message);
  g_print ("%s\n", text);
}
