/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-picture.h"

#include <glib/gi18n.h>

struct _FerryDemoPicture
{
  char *path;
  GdkTexture *texture;
  guint score;
};

FerryDemoPicture *
ferry_demo_picture_new (const char *path)
{
  FerryDemoPicture *self = g_new0 (FerryDemoPicture, 1);

  self->path = g_strdup (path);
  return self;
}

void
ferry_demo_picture_free (FerryDemoPicture *self)
{
  g_clear_object (&self->texture);
  g_free (self->path);
  g_free (self);
}

gboolean
ferry_demo_picture_is_taken (FerryDemoPicture *self)
{
  return self->texture != NULL;
}

/* To be called after the widget was painted, when its layout holds. */
void
ferry_demo_picture_take (FerryDemoPicture *self, GtkWidget *widget, guint score)
{
  g_autoptr (GdkPaintable) paintable = NULL;
  g_autoptr (GskRenderNode) node = NULL;
  GtkSnapshot *snapshot;
  GskRenderer *renderer = gtk_native_get_renderer (GTK_NATIVE (widget));

  if (renderer == NULL || (self->texture != NULL && score <= self->score))
    return;

  paintable = gtk_widget_paintable_new (widget);
  snapshot = gtk_snapshot_new ();
  gdk_paintable_snapshot (paintable, snapshot, gdk_paintable_get_intrinsic_width (paintable),
                          gdk_paintable_get_intrinsic_height (paintable));
  node = gtk_snapshot_free_to_node (snapshot);
  if (node == NULL)
    return;

  g_clear_object (&self->texture);
  self->texture = gsk_renderer_render_texture (renderer, node, NULL);
  self->score = score;
}

gboolean
ferry_demo_picture_save (FerryDemoPicture *self, GError **error)
{
  g_return_val_if_fail (self->texture != NULL, FALSE);

  if (gdk_texture_save_to_png (self->texture, self->path))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
               _ ("The picture could not be saved as '%s': check that its folder exists and may be written"),
               self->path);
  return FALSE;
}
