/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* Lines over time, from zero to a round number above the largest value, with the time that they go back. */

#define FERRY_DEMO_PLOT_MAX_LINES 2

/* (transfer full): what stands at a value. */
typedef char *(*FerryDemoPlotFormat) (double value);

#define FERRY_DEMO_TYPE_PLOT (ferry_demo_plot_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPlot, ferry_demo_plot, FERRY_DEMO, PLOT, GtkWidget)

/* Once, before the first value. The least value that the scale has room for is 'ceiling'. */
void ferry_demo_plot_begin (FerryDemoPlot *self, double ceiling, FerryDemoPlotFormat format);
/* One value a second for each line. A negative one leaves a gap. */
void ferry_demo_plot_add (FerryDemoPlot *self, const double values[static FERRY_DEMO_PLOT_MAX_LINES]);
/* The colour of a line, for what stands beside it. */
const GdkRGBA *ferry_demo_plot_get_colour (guint line);

G_END_DECLS
