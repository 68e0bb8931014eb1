/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>
#include <gtk/gtk.h>

#include "fractal/ferry-demo-mandelbrot-view.h"

G_BEGIN_DECLS

/* The tiles of the Mandelbrot set that there are, and workers that compute those that are wanted. They are a pool of
 * its own, with a process for each core.
 *
 * Signal "changed": a tile came, others are wanted, or something happened to a worker. */

typedef struct
{
  guint n_open;             /* tiles that are wanted and not there yet */
  guint64 n_asked;          /* of workers, since the beginning */
  guint64 n_come;           /* from workers */
  guint64 n_cancelled;      /* asked for, and then not wanted any more */
  double tiles_per_second;  /* of what is going on, or went on last; 0 when that cannot be said yet */
  double milliseconds_each; /* that a worker was at a tile, likewise */
  gsize bytes;              /* of the tiles that are kept */
  guint n_lost;             /* workers that ended and should not have */
} FerryDemoMandelbrotFigures;

#define FERRY_DEMO_TYPE_MANDELBROT_TILES (ferry_demo_mandelbrot_tiles_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoMandelbrotTiles, ferry_demo_mandelbrot_tiles, FERRY_DEMO, MANDELBROT_TILES, GObject)

FerryDemoMandelbrotTiles *ferry_demo_mandelbrot_tiles_new (FerryRouter *router, const char *worker_path,
                                                           guint max_workers) G_GNUC_WARN_UNUSED_RESULT;
void ferry_demo_mandelbrot_tiles_stop (FerryDemoMandelbrotTiles *self);

void ferry_demo_mandelbrot_tiles_want (FerryDemoMandelbrotTiles *self, GArray *tiles);
GdkTexture *ferry_demo_mandelbrot_tiles_look_up (FerryDemoMandelbrotTiles *self, const FerryDemoMandelbrotTile *tile);
void ferry_demo_mandelbrot_tiles_set_max_bytes (FerryDemoMandelbrotTiles *self, gsize max_bytes);

void ferry_demo_mandelbrot_tiles_kill (FerryDemoMandelbrotTiles *self);
void ferry_demo_mandelbrot_tiles_retry (FerryDemoMandelbrotTiles *self);

const FerryDemoMandelbrotFigures *ferry_demo_mandelbrot_tiles_get_figures (FerryDemoMandelbrotTiles *self);
/* Why no tiles come any more, until it is tried again. (nullable) */
const char *ferry_demo_mandelbrot_tiles_get_failure (FerryDemoMandelbrotTiles *self);
/* How the last of the workers that were lost ended. (nullable) */
const char *ferry_demo_mandelbrot_tiles_get_loss (FerryDemoMandelbrotTiles *self);
FerryPool *ferry_demo_mandelbrot_tiles_get_pool (FerryDemoMandelbrotTiles *self);

G_END_DECLS
