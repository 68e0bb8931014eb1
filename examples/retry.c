/* Crash and retry: a worker that crashes costs the task that it ran, and nothing else.
 * ferry_task_describe_error() has words for people, and says whether a retry makes sense: not after a crash that
 * repeats. ferry_executor_retry() submits the same once more: function, arguments, name and settings.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-gtk.h>
#include <stdlib.h>

static FerryExecutor *executor;
static FerryTask *task;
static GtkWidget *bar, *label, *button;

static GVariant *
gamble (FerryJob *job, GVariant *arguments, GError **error)
{
  for (int n = 1; n <= 100; n++)
    {
      g_usleep (5000); /* the work */
      if (!ferry_job_report (job, n / 100.0, NULL, error))
        return NULL;
      if (n == 50 && g_random_boolean ())
        abort ();
    }
  return NULL;
}

static void
done_cb (FerryTask *done)
{
  g_autofree char *title = NULL;
  g_autofree char *detail = NULL;
  g_autofree char *text = NULL;
  gboolean can_retry;
  gboolean failed = ferry_task_describe_error (done, &title, &detail, &can_retry);

  text = failed ? g_strdup_printf ("%s: %s.", title, detail) : g_strdup ("It went well.");
  gtk_label_set_text (GTK_LABEL (label), text);
  gtk_button_set_label (GTK_BUTTON (button), !failed ? "Run Again" : can_retry ? "Retry" : "Retry Anyway");
  gtk_widget_set_sensitive (button, TRUE);
}

static void
run_cb (void)
{
  g_autoptr (FerryTask) before = g_steal_pointer (&task);
  g_autoptr (GError) error = NULL;

  task = before != NULL ? ferry_executor_retry (executor, before, &error)
                        : ferry_executor_submit (executor, "gamble", NULL, &error);
  if (task == NULL)
    g_error ("%s", error->message);
  gtk_label_set_text (GTK_LABEL (label), "Half of all workers crash in the middle of this.");
  gtk_widget_set_sensitive (button, FALSE);
  g_object_bind_property (task, "fraction", bar, "fraction", G_BINDING_SYNC_CREATE);
  g_signal_connect_object (task, "done", G_CALLBACK (done_cb), button, 0);
}

int
main (int argc, char **argv)
{
  ferry_function_register ("gamble", NULL, "", gamble);
  ferry_worker_main (&argc, &argv);

  gtk_init ();
  g_autoptr (GError) error = NULL;
  executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  if (executor == NULL)
    g_error ("%s", error->message);
  bar = gtk_progress_bar_new ();
  label = g_object_new (GTK_TYPE_LABEL, "wrap", TRUE, "max-width-chars", 50, NULL);
  button = gtk_button_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "title", "Crash and Retry", "child", box, NULL);
  g_object_set (box, "margin-top", 12, "margin-bottom", 12, "margin-start", 12, "margin-end", 12, NULL);
  gtk_box_append (GTK_BOX (box), bar);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), button);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, "Work", -1);
  g_signal_connect (button, "clicked", G_CALLBACK (run_cb), NULL);
  run_cb ();
  gtk_window_present (GTK_WINDOW (window));
  while (g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
    g_main_context_iteration (NULL, TRUE);
}
