/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A picture in the grid, before and after it has come. */

#include "pictures/ferry-demo-tile.h"

struct _FerryDemoTile
{
  AdwBin parent_instance;

  GtkPicture *picture;
  GtkWidget *missing_box;
  GtkImage *icon;
  GtkLabel *reason_label;
  GtkLabel *name_label;
};

G_DEFINE_FINAL_TYPE (FerryDemoTile, ferry_demo_tile, ADW_TYPE_BIN)

static void
ferry_demo_tile_class_init (FerryDemoTileClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_set_css_name (widget_class, "thumbnail");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-tile.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTile, picture);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTile, missing_box);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTile, icon);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTile, reason_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoTile, name_label);
}

static void
ferry_demo_tile_init (FerryDemoTile *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
ferry_demo_tile_new (void)
{
  return g_object_new (FERRY_DEMO_TYPE_TILE, NULL);
}

void
ferry_demo_tile_show (FerryDemoTile *self, const char *name, GdkTexture *texture, const char *reason)
{
  g_autofree char *tooltip = g_strjoin ("\n", name, reason, NULL);
  GtkWidget *cell = gtk_widget_get_parent (GTK_WIDGET (self));

  gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (texture));
  gtk_widget_set_visible (self->missing_box, texture == NULL);
  gtk_image_set_from_icon_name (self->icon, reason != NULL ? "image-missing-symbolic" : "image-x-generic-symbolic");
  gtk_label_set_text (self->reason_label, reason);
  gtk_widget_set_visible (GTK_WIDGET (self->reason_label), reason != NULL);
  gtk_label_set_text (self->name_label, name);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), tooltip);
  /* The grid's cell has the focus, and is what a screen reader names. */
  if (cell == NULL)
    return;
  gtk_accessible_update_property (GTK_ACCESSIBLE (cell), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  if (reason != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (cell), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, reason, -1);
  else
    gtk_accessible_reset_property (GTK_ACCESSIBLE (cell), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION);
}
