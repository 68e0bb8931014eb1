/* A plain pipe: what a worker process sends arrives in the application, in order, as a signal.
 * The worker is this program once more. It asks for the pipe's sender by name; there is no task and no executor.
 * A worker that is faster than the window waits. Behind its last message "closed" says how it ended.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry.h>
#include <gtk/gtk.h>

#define LAST 200000

/* In the worker. A send fails when nobody listens any more, as after the window was closed. */
static int
count_primes (FerrySender *sender)
{
  gboolean heard = ferry_sender_start (sender, NULL);

  for (guint number = 2, n_primes = 0; heard && number <= LAST; number++)
    {
      guint divisor = 2;

      while (divisor * divisor <= number && number % divisor != 0)
        divisor++;
      n_primes += divisor * divisor > number;
      heard = ferry_sender_send (sender, g_variant_new ("(uu)", number, n_primes), NULL);
    }
  return heard ? 0 : 1;
}

static void
message_cb (FerryReceiver *receiver, GVariant *message, GtkProgressBar *bar)
{
  g_autofree char *text = NULL;
  guint number, n_primes;

  if (!g_variant_is_of_type (message, G_VARIANT_TYPE ("(uu)"))) /* it comes from another process */
    return;
  g_variant_get (message, "(uu)", &number, &n_primes);
  text = g_strdup_printf ("%u primes up to %u", n_primes, number);
  gtk_progress_bar_set_fraction (bar, (double) number / LAST);
  gtk_progress_bar_set_text (bar, text);
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, GtkLabel *label)
{
  gtk_label_set_text (label, ferry_exit_is_success (exit) ? "The worker is done." : ferry_exit_get_message (exit));
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerrySender) sender = ferry_worker_get_sender ("primes", NULL);
  if (sender != NULL)
    return count_primes (sender);

  g_autoptr (FerryRouter) router = ferry_router_new (NULL);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  if (!ferry_router_start (router, &error) ||
      !ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, &error) ||
      !ferry_launcher_add_sender (launcher, "primes", sender, &error) ||
      !(worker = ferry_launcher_spawn (launcher, router, &error)))
    g_error ("%s", error->message);

  gtk_init ();
  GtkWidget *label = gtk_label_new ("The worker counts."), *header = gtk_header_bar_new ();
  GtkWidget *bar = g_object_new (GTK_TYPE_PROGRESS_BAR, "show-text", TRUE, "text", "", NULL);
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "title", "Pipe", "child", bar, "titlebar", header, NULL);
  g_object_set (bar, "margin-top", 12, "margin-bottom", 12, "margin-start", 12, "margin-end", 12, NULL);
  gtk_header_bar_set_title_widget (GTK_HEADER_BAR (header), label);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, "Numbers", -1);
  g_signal_connect (receiver, "message", G_CALLBACK (message_cb), bar);
  g_signal_connect (receiver, "closed", G_CALLBACK (closed_cb), label);
  ferry_receiver_bind (receiver, G_OBJECT (window));
  gtk_window_present (GTK_WINDOW (window));
  while (g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
    g_main_context_iteration (NULL, TRUE);
}
