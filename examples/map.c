/* A map: one function for many files, on all cores, with the results in a grid: ./map PICTURE...
 * A picture that cannot be decoded, crashes its worker or takes too long, is one result that failed. The others go on.
 * The grid has a place for each file, where its picture comes, or why there is none, and widgets for those in sight.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <ferry-gtk.h>

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

static GdkTexture *
make_texture (GVariant *value)
{
  g_autoptr (GVariant) pixels = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint width, height;

  g_variant_get (value, "(uu@ay)", &width, &height, &pixels);
  bytes = g_variant_get_data_as_bytes (pixels);
  if (width == 0 || 4 * (guint64) width * height != g_bytes_get_size (bytes)) /* the worker chose all of them */
    return NULL;
  return gdk_memory_texture_new (width, height, GDK_MEMORY_R8G8B8A8, bytes, 4 * width);
}

static void
result_cb (FerryMap *map, guint64 index, GVariant *value, const GError *error, GListStore *model)
{
  g_autoptr (GFile) old = g_list_model_get_item (G_LIST_MODEL (model), (guint) index), file = g_file_dup (old);
  GdkTexture *texture = value ? make_texture (value) : NULL;
  char *why = error ? ferry_describe_error (error) : texture ? NULL : g_strdup ("No picture");

  g_object_set_data_full (G_OBJECT (file), "texture", texture, g_object_unref);
  g_object_set_data_full (G_OBJECT (file), "why", why, g_free);
  g_list_store_splice (model, (guint) index, 1, (gpointer *) &file, 1); /* another one is looked at anew */
}

static void
bind_cb (GtkListItemFactory *factory, GtkListItem *place)
{
  GObject *file = gtk_list_item_get_item (place);
  GdkPaintable *texture = g_object_get_data (file, "texture");
  const char *why = g_object_get_data (file, "why"), *icon = why ? "dialog-warning-symbolic" : "image-loading-symbolic";
  g_autofree char *name = g_file_get_basename (G_FILE (file)), *text = g_strjoin (": ", name, why, NULL);
  GtkWidget *picture = texture ? gtk_picture_new_for_paintable (texture) : gtk_image_new_from_icon_name (icon);
  GtkWidget *label = g_object_new (GTK_TYPE_LABEL, "label", why != NULL ? why : name, "ellipsize", PANGO_ELLIPSIZE_END,
                                   "wrap", TRUE, "max-width-chars", 12, "lines", 3, NULL);
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);

  gtk_widget_add_css_class (label, why != NULL ? "error" : "caption");
  g_object_set (picture, "width-request", 96, "height-request", 96, "tooltip-text", text, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (picture), GTK_ACCESSIBLE_PROPERTY_LABEL, text, -1);
  gtk_box_append (GTK_BOX (box), picture);
  gtk_box_append (GTK_BOX (box), label);
  gtk_list_item_set_child (place, box);
}

static GVariant *
path_of (GObject *item, gpointer data, GError **error)
{
  return g_variant_new_bytestring (g_file_peek_path (G_FILE (item)) ? g_file_peek_path (G_FILE (item)) : "");
}

static void
open_cb (GtkApplication *application, GFile **files, int n_files)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program ("/proc/self/exe", &error);
  g_autoptr (FerryMap) map = executor ? ferry_map_new (executor, "decode", FERRY_MAP_UNORDERED) : NULL;
  g_autoptr (GListStore) model = g_list_store_new (G_TYPE_FILE);
  const char *text = n_files > 0 ? "Where a picture cannot be decoded, stands why." : "Name pictures: ./map PICTURE…";
  GtkWidget *hint = g_object_new (GTK_TYPE_LABEL, "label", error ? error->message : text, "wrap", TRUE, NULL);
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GtkNoSelection *none = gtk_no_selection_new (G_LIST_MODEL (g_object_ref (model)));
  GtkWidget *grid = gtk_grid_view_new (GTK_SELECTION_MODEL (none), factory), *bar = gtk_progress_bar_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *window =
    g_object_new (GTK_TYPE_APPLICATION_WINDOW, "application", application, "title", "Map", "titlebar",
                  gtk_header_bar_new (), "child", box, "default-width", 640, "default-height", 480, NULL);

  g_object_set (box, "margin-top", 24, "margin-bottom", 24, "margin-start", 24, "margin-end", 24, NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (bind_cb), NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, "Decoded", -1);
  gtk_box_append (GTK_BOX (box), hint);
  gtk_box_append (GTK_BOX (box), bar);
  gtk_box_append (GTK_BOX (box), g_object_new (GTK_TYPE_SCROLLED_WINDOW, "child", grid, "vexpand", TRUE, NULL));
  gtk_window_present (GTK_WINDOW (window));
  if (map == NULL || n_files == 0)
    return;
  g_list_store_splice (model, 0, 0, (gpointer *) files, n_files);
  g_object_set (map, "run-timeout", (gint64) 30 * G_USEC_PER_SEC, NULL); /* that of one picture */
  ferry_map_set_model (map, G_LIST_MODEL (model), path_of, NULL, NULL);
  g_signal_connect_object (map, "result", G_CALLBACK (result_cb), model, 0);
  ferry_map_bind_widget (map, window); /* which keeps it, and cancels it at its end */
  g_object_bind_property (map, "fraction", bar, "fraction", G_BINDING_DEFAULT);
  ferry_map_start (map);
}

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
