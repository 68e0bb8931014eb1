/* A map: one function for many files, on all cores, with its results in a grid: ./map PICTURE...
 * A picture that cannot be decoded, or crashes its worker, is one result that failed. The others go on.
 * Results keep the order of the files. The map takes further files only where there is room, so memory is bounded.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry.h>
#include <gtk/gtk.h>

static const char *const *paths;

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

static void
result_cb (FerryMap *map, guint64 index, GVariant *value, const GError *error, GtkFlowBox *grid)
{
  GtkWidget *picture = value != NULL ? show (value) : gtk_image_new_from_icon_name ("image-missing");
  g_autofree char *name = g_path_get_basename (paths[index]);
  g_autofree char *text = g_strconcat (name, error != NULL ? ": " : NULL, error != NULL ? error->message : NULL, NULL);

  gtk_widget_set_size_request (picture, 96, 96);
  gtk_widget_set_tooltip_text (picture, text);
  gtk_accessible_update_property (GTK_ACCESSIBLE (picture), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
  gtk_flow_box_insert (grid, picture, -1);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  ferry_function_register ("decode", "ay", "(uuay)", decode);
  ferry_worker_main (&argc, &argv);

  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  if (executor == NULL)
    g_error ("%s", error->message);
  g_autoptr (FerryMap) map = ferry_map_new (executor, "decode", FERRY_MAP_ORDERED);
  paths = (const char *const *) argv + 1;
  ferry_map_set_arguments (map, g_variant_new_bytestring_array (paths, argc - 1));

  gtk_init ();
  GtkWidget *grid = argc > 1 ? gtk_flow_box_new () : gtk_label_new ("Name pictures: ./map PICTURE...");
  GtkWidget *scroll = g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", grid, "vexpand", TRUE, NULL);
  GtkWidget *bar = gtk_progress_bar_new (), *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "title", "Map", "child", box, NULL);
  gtk_window_set_default_size (GTK_WINDOW (window), 640, 480);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, "Decoded", -1);
  gtk_box_append (GTK_BOX (box), bar);
  gtk_box_append (GTK_BOX (box), scroll);
  g_signal_connect_object (map, "result", G_CALLBACK (result_cb), grid, 0);
  g_object_bind_property (map, "fraction", bar, "fraction", G_BINDING_DEFAULT);
  ferry_map_start (map);
  gtk_window_present (GTK_WINDOW (window));
  while (g_list_model_get_n_items (gtk_window_get_toplevels ()) > 0)
    g_main_context_iteration (NULL, TRUE);
  ferry_map_cancel (map);
}
