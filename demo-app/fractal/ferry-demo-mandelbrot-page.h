/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "fractal/ferry-demo-mandelbrot-tiles.h"

G_BEGIN_DECLS

/* The Mandelbrot set, what there is to be said about it, and how its workers get on. */

#define FERRY_DEMO_TYPE_MANDELBROT_PAGE (ferry_demo_mandelbrot_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoMandelbrotPage, ferry_demo_mandelbrot_page, FERRY_DEMO, MANDELBROT_PAGE, GtkWidget)

/* To be called once. */
void ferry_demo_mandelbrot_page_set_tiles (FerryDemoMandelbrotPage *self, FerryDemoMandelbrotTiles *tiles);
gboolean ferry_demo_mandelbrot_page_is_settled (FerryDemoMandelbrotPage *self);

G_END_DECLS
