/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

/* A picture of the grid: its name, and its thumbnail or the reason why there is none, as soon as one of both is known.
 */

#define FERRY_DEMO_TYPE_TILE (ferry_demo_tile_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoTile, ferry_demo_tile, FERRY_DEMO, TILE, AdwBin)

GtkWidget *ferry_demo_tile_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* The texture or the reason may be NULL, and so may both. */
void ferry_demo_tile_show (FerryDemoTile *self, const char *name, GdkTexture *texture, const char *reason);

G_END_DECLS
