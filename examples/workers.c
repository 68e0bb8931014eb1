/* Workers: the processes of a pool, with the task, the processor time and the memory of each, and a button to kill it.
 * Kill one: its task fails, the others go on, and the pool starts another worker for the next task.
 * One worker for each processor is the default. Here there are three.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <adwaita.h>
#include <ferry-gtk.h>

#define N_NUMBERS 5000000

static FerryExecutor *executor; /* the application's: each of its windows shows the same tasks */

static GVariant *
count_primes (FerryJob *job, GVariant *arguments, GError **error)
{
  guint n_primes = 0;

  for (guint number = 2; number < N_NUMBERS; number++)
    {
      guint divisor = 2;

      while (divisor * divisor <= number && number % divisor != 0)
        divisor++;
      n_primes += divisor * divisor > number;
      if (number % 100 == 0 && !ferry_job_report (job, number / (double) N_NUMBERS, NULL, error))
        return NULL;
    }
  return g_variant_new_uint32 (n_primes);
}

static void
add_cb (AdwToastOverlay *overlay)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_executor_submit_named (executor, "Count primes", "count", NULL, &error);

  if (task == NULL)
    adw_toast_overlay_add_toast (overlay, adw_toast_new (error->message));
}

static void
activate_cb (GtkApplication *application)
{
  g_autoptr (GError) error = NULL;
  GtkWidget *header = adw_header_bar_new (), *overlay = adw_toast_overlay_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *button = gtk_button_new_with_label ("New Task");
  GtkWidget *window = g_object_new (ADW_TYPE_APPLICATION_WINDOW, "application", application, "title", "Workers",
                                    "content", box, "default-width", 480, "default-height", 400, NULL);

  gtk_box_append (GTK_BOX (box), header);
  gtk_box_append (GTK_BOX (box), overlay);
  gtk_window_present (GTK_WINDOW (window));
  if (executor == NULL && !(executor = ferry_executor_new_for_program ("/proc/self/exe", &error)))
    {
      GtkWidget *page = g_object_new (ADW_TYPE_STATUS_PAGE, "title", "No Workers", "description", error->message, NULL);
      adw_toast_overlay_set_child (ADW_TOAST_OVERLAY (overlay), page);
      return;
    }
  FerryPool *pool = ferry_executor_get_pool (executor);
  ferry_pool_set_max_workers (pool, 3);
  GtkWidget *list = ferry_worker_list_new (pool);
  adw_toast_overlay_set_child (ADW_TOAST_OVERLAY (overlay), g_object_new (ADW_TYPE_CLAMP, "child", list, "maximum-size",
                                                                          800, "vexpand", TRUE, NULL));
  adw_header_bar_pack_start (ADW_HEADER_BAR (header), button);
  adw_header_bar_pack_end (ADW_HEADER_BAR (header), ferry_task_button_new (G_LIST_MODEL (executor)));
  g_signal_connect_object (button, "clicked", G_CALLBACK (add_cb), overlay, G_CONNECT_SWAPPED);
  for (int i = 0; i < 4; i++)
    add_cb (ADW_TOAST_OVERLAY (overlay));
}

int
main (int argc, char **argv)
{
  ferry_function_register ("count", NULL, "u", count_primes);
  ferry_worker_main (&argc, &argv);

  g_autoptr (AdwApplication) application = adw_application_new ("org.example.Workers", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
