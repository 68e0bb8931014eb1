/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "app/ferry-demo-page.h"

G_BEGIN_DECLS

/* The Mandelbrot set, what there is to be said about it, and how its workers get on. */

#define FERRY_DEMO_TYPE_MANDELBROT_PAGE (ferry_demo_mandelbrot_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoMandelbrotPage, ferry_demo_mandelbrot_page, FERRY_DEMO, MANDELBROT_PAGE, FerryDemoPage)

G_END_DECLS
