/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "fractal/ferry-demo-mandelbrot-tiles.h"

G_BEGIN_DECLS

/* The Mandelbrot set to be looked at from near and far. It is dragged with a pointer, zoomed with a wheel or two
 * fingers, and moved with the arrow keys. Asks for the tiles that it shows while it is seen, and for none when it is
 * not.
 *
 * Signal "moved": something else is looked at. */

#define FERRY_DEMO_TYPE_MANDELBROT (ferry_demo_mandelbrot_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoMandelbrot, ferry_demo_mandelbrot, FERRY_DEMO, MANDELBROT, GtkWidget)

/* To be called once. */
void ferry_demo_mandelbrot_set_tiles (FerryDemoMandelbrot *self, FerryDemoMandelbrotTiles *tiles);

/* Places are those of the widget. */
void ferry_demo_mandelbrot_pan (FerryDemoMandelbrot *self, double x, double y);
void ferry_demo_mandelbrot_zoom (FerryDemoMandelbrot *self, double factor, double x, double y);
/* About the middle. */
void ferry_demo_mandelbrot_zoom_in (FerryDemoMandelbrot *self);
void ferry_demo_mandelbrot_zoom_out (FerryDemoMandelbrot *self);
void ferry_demo_mandelbrot_show_whole (FerryDemoMandelbrot *self);
void ferry_demo_mandelbrot_show_view (FerryDemoMandelbrot *self, const FerryDemoMandelbrotView *view);

const FerryDemoMandelbrotView *ferry_demo_mandelbrot_get_view (FerryDemoMandelbrot *self);
/* The tiles that are seen. (element-type FerryDemoMandelbrotTile) */
GArray *ferry_demo_mandelbrot_find_tiles (FerryDemoMandelbrot *self) G_GNUC_WARN_UNUSED_RESULT;
/* How much larger all is than when the whole set was seen last. */
double ferry_demo_mandelbrot_get_magnification (FerryDemoMandelbrot *self);
/* Whether it goes no further in. */
gboolean ferry_demo_mandelbrot_is_at_end (FerryDemoMandelbrot *self);
/* Whether all is there that is seen. */
gboolean ferry_demo_mandelbrot_is_complete (FerryDemoMandelbrot *self);

G_END_DECLS
