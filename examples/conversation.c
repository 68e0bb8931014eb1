/* A conversation: the window asks as often as it likes, and a worker answers many questions at a time.
 * A mux asks and a demux answers, here over the link to a worker, which is this program once more.
 * Each question has a deadline, and the worker knows it. A hard one (1000000000039) does not hold up an easy one.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-conversations.h>
#include <gtk/gtk.h>

static void
find_divisor (FerryInvocation *invocation, gpointer data)
{
  GVariant *arguments = ferry_invocation_get_arguments (invocation);
  guint64 number, divisor = 2;

  if (arguments == NULL || !g_variant_is_of_type (arguments, G_VARIANT_TYPE_UINT64)) /* it comes from elsewhere */
    {
      ferry_invocation_refuse (invocation, "A number is wanted");
      return;
    }
  number = g_variant_get_uint64 (arguments);
  while (divisor < number && number % divisor != 0 && !ferry_invocation_is_cancelled (invocation))
    divisor++;
  ferry_invocation_return_value (invocation, g_variant_new_uint64 (MIN (divisor, number)));
}

static int
answer (FerryTransport *transport)
{
  g_autoptr (FerryDemux) demux = ferry_demux_new (transport);

  ferry_demux_set_threads (demux, 4); /* so many questions are answered at a time */
  ferry_demux_add_handler (demux, "find-divisor", find_divisor, NULL, NULL);
  if (ferry_demux_start (demux, NULL))
    ferry_transport_wait_closed (transport);
  return 0;
}

static void
answered_cb (GObject *mux, GAsyncResult *result, gpointer label)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) divisor = ferry_mux_transact_finish (FERRY_MUX (mux), result, &error);
  g_autofree char *answer = divisor != NULL ? g_variant_print (divisor, FALSE) : g_strdup (error->message);
  const char *late = "There was no answer in 3 seconds.";
  gboolean is_late = g_error_matches (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_autofree char *text = g_strconcat (gtk_label_get_text (label), ": ", is_late ? late : answer, NULL);

  gtk_label_set_text (label, text);
  g_object_unref (label);
}

static void
ask_cb (GtkEditable *entry, FerryMux *mux)
{
  const char *text = gtk_editable_get_text (entry);
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", text, "wrap", TRUE, "xalign", 0.0, NULL);
  guint64 number;

  gtk_box_append (GTK_BOX (gtk_widget_get_parent (GTK_WIDGET (entry))), label);
  if (g_ascii_string_to_unsigned (text, 10, 2, G_MAXUINT64, &number, NULL))
    ferry_mux_transact_async (mux, "find-divisor", g_variant_new_uint64 (number), 3 * G_USEC_PER_SEC, NULL, answered_cb,
                              g_object_ref (label));
  else
    gtk_label_set_text (GTK_LABEL (label), "A whole number is wanted, of 2 or more.");
  gtk_editable_set_text (entry, "");
}

static void
activate_cb (GtkApplication *application)
{
  FerryRouter *router = ferry_router_get_default ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *hint = g_object_new (GTK_TYPE_LABEL, "label",
                                  "Enter a number, and the worker looks for its smallest divisor. "
                                  "Try 1000000000039, and 91 while you wait.",
                                  "wrap", TRUE, "xalign", 0.0, NULL);
  GtkWidget *entry = g_object_new (GTK_TYPE_ENTRY, "placeholder-text", "A number", NULL);
  GtkWidget *window =
    g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Smallest Divisor", "titlebar",
                  gtk_header_bar_new (), "child", box, "default-width", 400, NULL);

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL, "Number", -1);
  gtk_box_append (GTK_BOX (box), hint);
  gtk_window_present (GTK_WINDOW (window));
  if (!ferry_router_start (router, &error) ||
      !(transport = ferry_launcher_add_transport (launcher, router, "questions", &error)) ||
      !(worker = ferry_launcher_spawn (launcher, router, &error)))
    {
      gtk_label_set_text (GTK_LABEL (hint), error->message);
      return;
    }
  FerryMux *mux = ferry_mux_new (transport);
  g_object_set_data_full (G_OBJECT (window), "mux", mux, g_object_unref); /* the conversation ends with the window */
  g_signal_connect_object (entry, "activate", G_CALLBACK (ask_cb), mux, 0);
  gtk_box_append (GTK_BOX (box), entry);
  gtk_widget_grab_focus (entry);
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("questions", NULL);
  if (transport != NULL)
    return answer (transport);

  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Divisor", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
