/* A map: one function for many files, on all cores, with the results in a grid: ./map PICTURE...
 * A picture that cannot be decoded, or crashes its worker, is one result that failed. The others go on.
 * The grid shows the map's list of results, in the order of the files. Files are taken as there is room for them.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry.h>
#include <gtk/gtk.h>

static GVariant *
decode (FerryJob *job, GVariant *path, GError **error)
{
  g_autoptr (GdkPixbuf) small = gdk_pixbuf_new_from_file_at_size (g_variant_get_bytestring (path), 96, 96, error);
  g_autoptr (GdkPixbuf) pixbuf = small ? gdk_pixbuf_add_alpha (small, FALSE, 0, 0, 0) : NULL;
  g_autoptr (GBytes) pixels = pixbuf ? gdk_pixbuf_read_pixel_bytes (pixbuf) : NULL;

  if (pixels == NULL)
    return NULL;
  return g_variant_new ("(uu@ay)", gdk_pixbuf_get_width (pixbuf), gdk_pixbuf_get_height (pixbuf),
                        g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, pixels, TRUE));
}

static GtkWidget *
show (GVariant *value)
{
  g_autoptr (GVariant) pixels = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GdkTexture) texture = NULL;
  guint width, height;

  g_variant_get (value, "(uu@ay)", &width, &height, &pixels);
  bytes = g_variant_get_data_as_bytes (pixels);
  if (width == 0 || 4 * (guint64) width * height != g_bytes_get_size (bytes)) /* the worker chose all of them */
    return gtk_image_new_from_icon_name ("image-missing");
  texture = gdk_memory_texture_new (width, height, GDK_MEMORY_R8G8B8A8, bytes, 4 * width);
  return gtk_picture_new_for_paintable (GDK_PAINTABLE (texture));
}

static GtkWidget *
make_picture (gpointer item, gpointer files)
{
  GVariant *value = ferry_map_item_get_value (item);
  const GError *error = ferry_map_item_get_error (item);
  GtkWidget *picture = value != NULL ? show (value) : gtk_image_new_from_icon_name ("image-missing");
  g_autoptr (GFile) file = g_list_model_get_item (files, (guint) ferry_map_item_get_index (item));
  g_autofree char *name = g_file_get_basename (file);
  g_autofree char *text = g_strconcat (name, error != NULL ? ": " : NULL, error != NULL ? error->message : NULL, NULL);

  gtk_widget_set_size_request (picture, 96, 96);
  gtk_widget_set_tooltip_text (picture, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (picture), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
  return picture;
}

static GVariant *
path_of (GObject *item, gpointer data, GError **error)
{
  GFile *file = G_FILE (item);
  g_autofree char *name = g_file_peek_path (file) != NULL ? g_file_get_path (file) : g_file_get_uri (file);

  return g_variant_new_bytestring (name); /* a file of another machine is one that cannot be opened */
}

static void
open_cb (GtkApplication *application, GFile **files, int n_files)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  g_autoptr (FerryMap) map = executor ? ferry_map_new (executor, "decode", FERRY_MAP_ORDERED) : NULL;
  g_autoptr (GListStore) model = g_list_store_new (G_TYPE_FILE);
  const char *text = executor ? "Point at a picture for its name, or for what is wrong with it." : error->message;
  GtkWidget *hint =
    g_object_new (GTK_TYPE_LABEL, "label", n_files > 0 ? text : "Name pictures: ./map PICTURE…", "wrap", TRUE, NULL);
  GtkWidget *grid = gtk_flow_box_new (), *bar = gtk_progress_bar_new (),
            *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *scroll = g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", grid, "vexpand", TRUE, NULL);
  GtkWidget *window =
    g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Map", "titlebar",
                  gtk_header_bar_new (), "child", box, "default-width", 640, "default-height", 480, NULL);

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, "Decoded", -1);
  gtk_box_append (GTK_BOX (box), hint);
  gtk_box_append (GTK_BOX (box), bar);
  gtk_box_append (GTK_BOX (box), scroll);
  gtk_window_present (GTK_WINDOW (window));
  if (map == NULL || n_files == 0)
    return;
  g_list_store_splice (model, 0, 0, (gpointer *) files, n_files);
  ferry_map_set_model (map, G_LIST_MODEL (model), path_of, NULL, NULL);
  gtk_flow_box_bind_model (GTK_FLOW_BOX (grid), ferry_map_get_results (map), make_picture, g_object_ref (model),
                           g_object_unref);
  g_object_set_data_full (G_OBJECT (window), "map", g_object_ref (map), g_object_unref);
  g_signal_connect_object (window, "destroy", G_CALLBACK (ferry_map_cancel), map, G_CONNECT_SWAPPED);
  g_object_bind_property (map, "fraction", bar, "fraction", G_BINDING_DEFAULT);
  ferry_map_start (map);
}

/* Without a file. */
static void
activate_cb (GtkApplication *application)
{
  open_cb (application, NULL, 0);
}

int
main (int argc, char **argv)
{
  ferry_function_register ("decode", "ay", "(uuay)", decode);
  ferry_worker_main (&argc, &argv);

  g_autoptr (GtkApplication) application = gtk_application_new ("org.example.Map", G_APPLICATION_HANDLES_OPEN);
  g_signal_connect (application, "activate", G_CALLBACK (activate_cb), NULL);
  g_signal_connect (application, "open", G_CALLBACK (open_cb), NULL);
  return g_application_run (G_APPLICATION (application), argc, argv);
}
