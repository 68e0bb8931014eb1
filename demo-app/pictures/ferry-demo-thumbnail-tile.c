/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pictures/ferry-demo-thumbnail-tile.h"

struct _FerryDemoThumbnailTile
{
  GtkWidget parent_instance;

  FerryDemoThumbnail *picture; /* (nullable) */

  GtkWidget *content;
  GtkWidget *stack;
  GtkWidget *thumbnail;
  GtkWidget *reason_label;
  GtkWidget *name_label;
};

G_DEFINE_FINAL_TYPE (FerryDemoThumbnailTile, ferry_demo_thumbnail_tile, GTK_TYPE_WIDGET)

static const char *
get_page (FerryDemoThumbnailState state)
{
  switch (state)
    {
    case FERRY_DEMO_THUMBNAIL_STATE_SHOWN:
      return "shown";
    case FERRY_DEMO_THUMBNAIL_STATE_BROKEN:
      return "broken";
    case FERRY_DEMO_THUMBNAIL_STATE_WAITING:
    case FERRY_DEMO_THUMBNAIL_STATE_DECODING:
    default:
      return "waiting";
    }
}

/* The grid's cell has the focus, and is what is told of. */
static void
describe (FerryDemoThumbnailTile *self)
{
  const char *name = ferry_demo_thumbnail_get_name (self->picture);
  const char *reason = ferry_demo_thumbnail_get_reason (self->picture);
  g_autofree char *tooltip = reason != NULL ? g_strdup_printf ("%s\n%s", name, reason) : g_strdup (name);
  GtkWidget *cell = gtk_widget_get_parent (GTK_WIDGET (self));

  gtk_widget_set_tooltip_text (GTK_WIDGET (self), tooltip);
  gtk_label_set_text (GTK_LABEL (self->reason_label), reason != NULL ? reason : "");
  if (cell == NULL)
    return;
  gtk_accessible_update_property (GTK_ACCESSIBLE (cell), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  if (reason != NULL)
    gtk_accessible_update_property (GTK_ACCESSIBLE (cell), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, reason, -1);
  else
    gtk_accessible_reset_property (GTK_ACCESSIBLE (cell), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION);
}

static void
changed_cb (FerryDemoThumbnailTile *self)
{
  GdkTexture *texture = ferry_demo_thumbnail_get_texture (self->picture);

  gtk_picture_set_paintable (GTK_PICTURE (self->thumbnail), GDK_PAINTABLE (texture));
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), get_page (ferry_demo_thumbnail_get_state (self->picture)));
  if (ferry_demo_thumbnail_get_state (self->picture) == FERRY_DEMO_THUMBNAIL_STATE_BROKEN)
    describe (self);
}

static void
ferry_demo_thumbnail_tile_dispose (GObject *object)
{
  FerryDemoThumbnailTile *self = FERRY_DEMO_THUMBNAIL_TILE (object);

  ferry_demo_thumbnail_tile_set_picture (self, NULL);
  g_clear_pointer (&self->content, gtk_widget_unparent);
  G_OBJECT_CLASS (ferry_demo_thumbnail_tile_parent_class)->dispose (object);
}

static void
ferry_demo_thumbnail_tile_class_init (FerryDemoThumbnailTileClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_thumbnail_tile_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_css_name (widget_class, "thumbnail");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);

  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-thumbnail-tile.ui");
  gtk_widget_class_bind_template_child (widget_class, FerryDemoThumbnailTile, content);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoThumbnailTile, stack);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoThumbnailTile, thumbnail);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoThumbnailTile, reason_label);
  gtk_widget_class_bind_template_child (widget_class, FerryDemoThumbnailTile, name_label);
}

static void
ferry_demo_thumbnail_tile_init (FerryDemoThumbnailTile *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}

GtkWidget *
ferry_demo_thumbnail_tile_new (void)
{
  return g_object_new (FERRY_DEMO_TYPE_THUMBNAIL_TILE, NULL);
}

void
ferry_demo_thumbnail_tile_set_picture (FerryDemoThumbnailTile *self, FerryDemoThumbnail *picture)
{
  if (self->picture == picture)
    return;
  if (self->picture != NULL)
    g_signal_handlers_disconnect_by_data (self->picture, self);
  g_set_object (&self->picture, picture);
  if (picture == NULL)
    return;
  g_signal_connect_object (picture, "changed", G_CALLBACK (changed_cb), self, G_CONNECT_SWAPPED);
  gtk_label_set_text (GTK_LABEL (self->name_label), ferry_demo_thumbnail_get_name (picture));
  describe (self);
  changed_cb (self);
}

FerryDemoThumbnail *
ferry_demo_thumbnail_tile_get_picture (FerryDemoThumbnailTile *self)
{
  return self->picture;
}
