/* A conversation: the window asks as often as it likes, and a worker answers many questions at a time.
 * A mux asks and a demux answers, here over the link to a worker, which is this program once more.
 * A question has a deadline, of which the worker hears. A hard one (1000000000039) does not hold up an easy one.
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
  g_autofree char *answer = divisor != NULL ? g_variant_print (divisor, FALSE) : NULL;
  g_autofree char *text = NULL;

  text = g_strconcat (gtk_label_get_text (label), ": ", answer != NULL ? answer : error->message, NULL);
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

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("questions", NULL);
  if (transport != NULL)
    return answer (transport);

  FerryRouter *router = ferry_router_get_default ();
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  g_autoptr (FerryWorker) worker = NULL;
  if (!ferry_router_start (router, &error) ||
      !(transport = ferry_launcher_add_transport (launcher, router, "questions", &error)) ||
      !(worker = ferry_launcher_spawn (launcher, router, &error)))
    g_error ("%s", error->message);
  g_autoptr (FerryMux) mux = ferry_mux_new (transport);

  gtk_init ();
  GtkWidget *entry = g_object_new (GTK_TYPE_ENTRY, "placeholder-text", "A number", NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *window =
    g_object_new (GTK_TYPE_WINDOW, "title", "Smallest Divisor", "child", box, "default-width", 360, NULL);
  g_object_set (box, "margin-top", 12, "margin-bottom", 12, "margin-start", 12, "margin-end", 12, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL, "Number", -1);
  gtk_box_append (GTK_BOX (box), entry);
  g_signal_connect (entry, "activate", G_CALLBACK (ask_cb), mux);
  gtk_window_present (GTK_WINDOW (window));
  while (g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
    g_main_context_iteration (NULL, TRUE);
}
