/* Crash and retry: a worker that crashes costs you the task that it ran, and nothing else.
 * ferry_task_describe_error() has words for people, and says whether a retry makes sense: not if the crash repeats.
 * ferry_executor_retry() submits the same again: function, arguments, name and settings.
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
      g_usleep (20000); /* the work */
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
  gtk_label_set_text (GTK_LABEL (label), task ? "In every other run the worker crashes half way." : error->message);
  gtk_widget_set_sensitive (button, task == NULL);
  if (task == NULL)
    return;
  ferry_bind_progress (task, GTK_PROGRESS_BAR (bar));
  g_signal_connect_object (task, "done", G_CALLBACK (done_cb), button, 0);
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  if (task != NULL) /* it has a window */
    {
      gtk_window_present (gtk_application_get_active_window (application));
      return;
    }

  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *window = g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Crash and Retry",
                                    "titlebar", gtk_header_bar_new (), "child", box, "default-width", 400, NULL);

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_box_append (GTK_BOX (box), label = g_object_new (GTK_TYPE_LABEL, "wrap", TRUE, NULL));
  gtk_box_append (GTK_BOX (box), bar = gtk_progress_bar_new ());
  gtk_box_append (GTK_BOX (box), button = gtk_button_new_with_label ("Run"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, "Work", -1);
  gtk_window_present (GTK_WINDOW (window));
  executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  if (executor == NULL)
    {
      gtk_label_set_text (GTK_LABEL (label), error->message);
      gtk_widget_set_sensitive (button, FALSE);
      return;
    }
  g_signal_connect (button, "clicked", G_CALLBACK (run_cb), NULL);
  run_cb ();
}

int
main (int argc, char **argv)
{
  ferry_function_register ("gamble", NULL, "", gamble);
  ferry_worker_main (&argc, &argv);

  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Retry", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
