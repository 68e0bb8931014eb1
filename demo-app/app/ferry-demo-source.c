/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-source.h"

#define WIDTH 900
#define HEIGHT 700
#define MARGIN 12

GtkWindow *
ferry_demo_source_new (GtkWindow *parent, const char *path)
{
  g_autofree char *resource = g_strconcat ("/org/ferryproject/Demo/source/", path, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_resources_lookup_data (resource, G_RESOURCE_LOOKUP_FLAGS_NONE, &error);
  GtkWidget *view = gtk_text_view_new ();
  GtkWidget *scrolled = gtk_scrolled_window_new ();
  GtkWidget *window = g_object_new (GTK_TYPE_WINDOW, "transient-for", parent, "title", path, "child", scrolled,
                                    "default-width", WIDTH, "default-height", HEIGHT, NULL);
  const char *text = bytes != NULL ? g_bytes_get_data (bytes, NULL) : error->message;

  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), text,
                            bytes != NULL ? (int) g_bytes_get_size (bytes) : -1);
  g_object_set (view, "editable", FALSE, "monospace", TRUE, "cursor-visible", FALSE, "top-margin", MARGIN,
                "bottom-margin", MARGIN, "left-margin", MARGIN, "right-margin", MARGIN, NULL);
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL, path, -1);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  return GTK_WINDOW (window);
}
