/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* A line over time, from zero to a round number above the largest value, with the time that it goes back. */

/* (transfer full): what stands at a value. */
typedef char *(*FerryDemoPlotFormat) (double value);

#define FERRY_DEMO_TYPE_PLOT (ferry_demo_plot_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoPlot, ferry_demo_plot, FERRY_DEMO, PLOT, GtkWidget)

/* Once, before the first value. The least value that the scale has room for is 'ceiling'. */
void ferry_demo_plot_begin (FerryDemoPlot *self, double ceiling, FerryDemoPlotFormat format);
/* One value a second. A negative one leaves a gap. */
void ferry_demo_plot_add (FerryDemoPlot *self, double value);

G_END_DECLS
