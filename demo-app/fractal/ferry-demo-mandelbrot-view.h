/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <graphene.h>

#include "fractal/ferry-demo-mandelbrot-set.h"

G_BEGIN_DECLS

/* Where a picture of the plane looks, and the tiles that it is put together from.
 *
 * A tile of level 0 is 4 wide, and one of each further level half as wide; tile 0, 0 has its left upper corner at 0.
 * All widths are powers of two, so every pixel of every tile is a number that a double has exactly. Tiles of all levels
 * fit together without a seam.
 *
 * Places of the picture are pixels from its middle, to the right and down. */

typedef struct
{
  int level;
  gint64 x, y; /* to the right and down */
} FerryDemoMandelbrotTile;

typedef struct
{
  double re, im; /* in the middle */
  double scale;  /* how far it is from one pixel to the next */
} FerryDemoMandelbrotView;

/* Below this pixels are too few doubles apart to look right. */
#define FERRY_DEMO_MANDELBROT_MIN_SCALE 0x1p-48
#define FERRY_DEMO_MANDELBROT_MAX_SCALE 0x1p-5
#define FERRY_DEMO_MANDELBROT_MAX_LEVEL 42

/* The whole set, as large as there is room for. */
void ferry_demo_mandelbrot_view_fit (FerryDemoMandelbrotView *self, int width, int height);
/* Moves what is seen by so many pixels. */
void ferry_demo_mandelbrot_view_pan (FerryDemoMandelbrotView *self, double x, double y);
/* Makes all larger by a factor, as far as that goes, and leaves what is seen at a place where it is. */
void ferry_demo_mandelbrot_view_zoom (FerryDemoMandelbrotView *self, double factor, double x, double y);

/* The level with pixels at least nearly as fine as those of a screen that has so many in one of the picture's. */
int ferry_demo_mandelbrot_view_get_level (const FerryDemoMandelbrotView *self, int pixels);
/* All tiles of a level that are seen, those nearest to a place first. (element-type FerryDemoMandelbrotTile) */
GArray *ferry_demo_mandelbrot_view_find_tiles (const FerryDemoMandelbrotView *self, int width, int height, int level,
                                               double x, double y) G_GNUC_WARN_UNUSED_RESULT;
/* Where a tile is in a picture of that size, from its left upper corner on, at whole pixels. */
void ferry_demo_mandelbrot_view_place (const FerryDemoMandelbrotView *self, int width, int height,
                                       const FerryDemoMandelbrotTile *tile, graphene_rect_t *place);

/* The place in the middle, as exactly as a pixel is: "-0.75 + 0.1 i". */
char *ferry_demo_mandelbrot_view_describe (const FerryDemoMandelbrotView *self) G_GNUC_WARN_UNUSED_RESULT;

double ferry_demo_mandelbrot_tile_get_left (const FerryDemoMandelbrotTile *self);
double ferry_demo_mandelbrot_tile_get_top (const FerryDemoMandelbrotTile *self);
double ferry_demo_mandelbrot_tile_get_step (const FerryDemoMandelbrotTile *self);
/* The further in, the longer points stay before they go. */
guint ferry_demo_mandelbrot_tile_get_iterations (const FerryDemoMandelbrotTile *self);
/* The tile of the level before that this one is a quarter of; and one of the four quarters of this one. */
FerryDemoMandelbrotTile ferry_demo_mandelbrot_tile_get_whole (const FerryDemoMandelbrotTile *self);
FerryDemoMandelbrotTile ferry_demo_mandelbrot_tile_get_quarter (const FerryDemoMandelbrotTile *self, guint quarter);

/* For a GHashTable. */
guint ferry_demo_mandelbrot_tile_hash (gconstpointer tile);
gboolean ferry_demo_mandelbrot_tile_equal (gconstpointer a, gconstpointer b);

G_END_DECLS
