/* A remote object: it lives in a worker, and a slider of this window is bound to it, both ways.
 * It is a kettle that cools by itself. What the worker sets moves the slider, and the slider heats the kettle.
 * A replica is an object in this process that follows the one in the worker. Here it is the adjustment of a scale.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-objects.h>
#include <gtk/gtk.h>

/* In the worker. The interface lists what others may do with the object, and nothing else can be done. */
static gboolean
initialise (FerryExporter *exporter, gpointer kettle, GError **error)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Kettle", GTK_TYPE_ADJUSTMENT);

  ferry_interface_add_property (interface, "value",
                                G_DBUS_PROPERTY_INFO_FLAGS_READABLE | G_DBUS_PROPERTY_INFO_FLAGS_WRITABLE);
  return ferry_exporter_export (exporter, "kettle", kettle, interface, FERRY_CALL_POLICY_SERIAL, error);
}

/* Called between requests, so that the object needs no lock. Returns after which time it wants to be called again. */
static gint64
cool (FerryExporter *exporter, gpointer kettle)
{
  gtk_adjustment_set_value (kettle, 0.99 * gtk_adjustment_get_value (kettle));
  return G_USEC_PER_SEC / 20;
}

static int
serve (FerryTransport *transport)
{
  static const FerryObjectServerFuncs funcs = {initialise, cool, NULL};
  g_autoptr (GtkAdjustment) kettle = g_object_ref_sink (gtk_adjustment_new (100, 0, 100, 1, 10, 0));

  return ferry_serve_objects (transport, &funcs, kettle, NULL) ? 0 : 1;
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
  GtkWidget *label =
    g_object_new (GTK_TYPE_LABEL, "label", "A kettle in another process cools down. Heat it.", "wrap", TRUE, NULL);
  GtkWidget *window = g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Kettle",
                                    "titlebar", gtk_header_bar_new (), "child", box, "default-width", 400, NULL);

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_box_append (GTK_BOX (box), label);
  gtk_window_present (GTK_WINDOW (window));
  if (!ferry_router_start (router, &error) ||
      !(transport = ferry_launcher_add_transport (launcher, router, "objects", &error)) ||
      !(worker = ferry_launcher_spawn (launcher, router, &error)))
    {
      gtk_label_set_text (GTK_LABEL (label), error->message);
      return;
    }
  g_autoptr (FerryProxy) proxy = ferry_proxy_new (transport, "kettle");
  g_autoptr (GObject) replica =
    ferry_proxy_create_replica (proxy, GTK_TYPE_ADJUSTMENT, (const char *[]){"value", NULL});
  g_object_set (replica, "upper", 100.0, NULL);
  GtkWidget *scale = gtk_scale_new (GTK_ORIENTATION_HORIZONTAL, GTK_ADJUSTMENT (replica));
  gtk_scale_set_draw_value (GTK_SCALE (scale), TRUE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (scale), GTK_ACCESSIBLE_PROPERTY_LABEL, "Temperature", -1);
  gtk_box_append (GTK_BOX (box), scale);
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("objects", NULL);
  if (transport != NULL)
    return serve (transport);

  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Kettle", G_APPLICATION_DEFAULT_FLAGS);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
