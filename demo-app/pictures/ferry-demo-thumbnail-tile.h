/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

#include "pictures/ferry-demo-thumbnail.h"

G_BEGIN_DECLS

/* A picture of a folder as a grid shows it: the thumbnail above the file's name, or why there is none. */

#define FERRY_DEMO_TYPE_THUMBNAIL_TILE (ferry_demo_thumbnail_tile_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoThumbnailTile, ferry_demo_thumbnail_tile, FERRY_DEMO, THUMBNAIL_TILE, GtkWidget)

GtkWidget *ferry_demo_thumbnail_tile_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* (nullable) */
void ferry_demo_thumbnail_tile_set_picture (FerryDemoThumbnailTile *self, FerryDemoThumbnail *picture);
/* (nullable) */
FerryDemoThumbnail *ferry_demo_thumbnail_tile_get_picture (FerryDemoThumbnailTile *self);

G_END_DECLS
