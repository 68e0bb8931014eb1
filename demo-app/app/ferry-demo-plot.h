/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Lines that move to the left as values are added. The scale fits the largest value that is shown. */

#define FERRY_DEMO_PLOT_MAX_LINES 3

#define FERRY_DEMO_TYPE_PLOT (ferry_demo_plot_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPlot, ferry_demo_plot, FERRY_DEMO, PLOT, GtkWidget)

/* n_lines, up to three, of so many values each, of which none is there yet; ceiling is the least that the scale has
 * room for. */
void ferry_demo_plot_begin (FerryDemoPlot *self, guint n_lines, guint n_values, double ceiling);
/* One for each line; a negative one leaves a gap. */
void ferry_demo_plot_add (FerryDemoPlot *self, const double *values);
/* Of all that is shown. */
double ferry_demo_plot_get_highest (FerryDemoPlot *self);
/* The colour of a line, for what stands beside it. */
const GdkRGBA *ferry_demo_plot_get_colour (guint line);

G_END_DECLS
