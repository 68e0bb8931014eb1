/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What becomes of a point c of the plane when z² + c takes the place of z again and again, from 0 on; and its colour.
 *
 * A tile is a square of so many pixels; each shows the point in its middle. */

#define FERRY_DEMO_MANDELBROT_SIDE 256

/* Bytes of a tile: one guint32 a pixel, in the machine's order of bytes: alpha, red, green and blue from the top. */
#define FERRY_DEMO_MANDELBROT_TILE_SIZE (FERRY_DEMO_MANDELBROT_SIDE * FERRY_DEMO_MANDELBROT_SIDE * sizeof (guint32))

/* The escape time of a point that stays near 0 for all iterations. */
#define FERRY_DEMO_MANDELBROT_STAYS (-1.0)
#define FERRY_DEMO_MANDELBROT_BLACK 0xff000000u

/* How many iterations it takes the point to leave the disc with radius 2, with a fraction, so that colours have no
 * steps; FERRY_DEMO_MANDELBROT_STAYS when it has not left after so many. */
double ferry_demo_mandelbrot_escape (double re, double im, guint iterations);
guint32 ferry_demo_mandelbrot_colour (double escape);

/* A row of pixels, each `step` wide, from the real part `left` on, around the imaginary part `middle`. */
void ferry_demo_mandelbrot_row (double left, double middle, double step, guint iterations,
                                guint32 pixels[static FERRY_DEMO_MANDELBROT_SIDE]);

G_END_DECLS
