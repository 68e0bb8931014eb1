/* A plain pipe: what a worker sends arrives in the application, in order, as a signal.
 * The worker is this program once more. It asks for the pipe's sender by name; there is no task and no executor.
 * A worker that is faster than the window waits. After its last message, "closed" says how it ended.
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
  gtk_label_set_text (label, ferry_exit_is_success (exit) ? "The worker has finished." : ferry_exit_get_message (exit));
}

static void
activate_cb (GtkApplication *application)
{
  FerryRouter *router = ferry_router_get_default ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *label =
    g_object_new (GTK_TYPE_LABEL, "label", "A worker sends each number that it has looked at.", "wrap", TRUE, NULL);
  GtkWidget *bar = g_object_new (GTK_TYPE_PROGRESS_BAR, "show-text", TRUE, "text", "", NULL);
  GtkWidget *window = g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Pipe",
                                    "titlebar", gtk_header_bar_new (), "child", box, "default-width", 400, NULL);

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_box_append (GTK_BOX (box), label);
  gtk_box_append (GTK_BOX (box), bar);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, "Numbers", -1);
  gtk_window_present (GTK_WINDOW (window));
  if (!ferry_router_start (router, &error) ||
      !ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, &error) ||
      !ferry_launcher_add_sender (launcher, "primes", sender, &error) ||
      !(worker = ferry_launcher_spawn (launcher, router, &error)))
    {
      gtk_label_set_text (GTK_LABEL (label), error->message);
      return;
    }
  g_signal_connect (receiver, "message", G_CALLBACK (message_cb), bar);
  g_signal_connect (receiver, "closed", G_CALLBACK (closed_cb), label);
  ferry_receiver_bind (receiver, G_OBJECT (window));
}

int
main (int argc, char **argv)
{
  g_autoptr (FerrySender) sender = ferry_worker_get_sender ("primes", NULL);
  if (sender != NULL)
    return count_primes (sender);

  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Pipe", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
