/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-plot.h"

#define LINE_WIDTH 2.0
#define NATURAL_WIDTH 240
#define HEIGHT 56

struct _FerryDemoPlot
{
  GtkWidget parent_instance;

  double *values[FERRY_DEMO_PLOT_MAX_LINES]; /* rings; the oldest value is the next to be overwritten */
  guint n_lines;
  guint n_values;
  guint next;
  double ceiling;
};

G_DEFINE_FINAL_TYPE (FerryDemoPlot, ferry_demo_plot, GTK_TYPE_WIDGET)

/* Each stands out by 3 to 1 and more from light and dark. */
const GdkRGBA *
ferry_demo_plot_get_colour (guint line)
{
  static const GdkRGBA colours[FERRY_DEMO_PLOT_MAX_LINES] = {
    {0.21f, 0.52f, 0.89f, 1.0f}, {0.90f, 0.38f, 0.0f, 1.0f}, {0.15f, 0.63f, 0.41f, 1.0f}};

  return &colours[line];
}

static double
get_value (FerryDemoPlot *self, guint line, guint i)
{
  return self->values[line][(self->next + i) % self->n_values];
}

double
ferry_demo_plot_get_highest (FerryDemoPlot *self)
{
  double highest = 0.0;

  for (guint line = 0; line < self->n_lines; line++)
    for (guint i = 0; i < self->n_values; i++)
      highest = MAX (highest, self->values[line][i]);
  return highest;
}

static void
draw_line (FerryDemoPlot *self, cairo_t *cairo, guint line, double scale)
{
  double width = gtk_widget_get_width (GTK_WIDGET (self));
  double height = gtk_widget_get_height (GTK_WIDGET (self));
  gboolean in_gap = TRUE;

  gdk_cairo_set_source_rgba (cairo, ferry_demo_plot_get_colour (line));
  for (guint i = 0; i < self->n_values; i++)
    {
      double value = get_value (self, line, i);
      double x = width * i / (self->n_values - 1);
      double y = height - LINE_WIDTH / 2 - (height - LINE_WIDTH) * value / scale;

      if (value >= 0.0 && in_gap)
        cairo_move_to (cairo, x, y);
      else if (value >= 0.0)
        cairo_line_to (cairo, x, y);
      in_gap = value < 0.0;
    }
  cairo_stroke (cairo);
}

static void
ferry_demo_plot_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  FerryDemoPlot *self = FERRY_DEMO_PLOT (widget);
  graphene_rect_t bounds = {{0.0f, 0.0f},
                            {(float) gtk_widget_get_width (widget), (float) gtk_widget_get_height (widget)}};
  double scale = MAX (ferry_demo_plot_get_highest (self), self->ceiling);
  cairo_t *cairo = gtk_snapshot_append_cairo (snapshot, &bounds);

  cairo_set_line_width (cairo, LINE_WIDTH);
  cairo_set_line_join (cairo, CAIRO_LINE_JOIN_ROUND);
  for (guint line = 0; line < self->n_lines; line++)
    draw_line (self, cairo, line, scale);
  cairo_destroy (cairo);
}

static void
ferry_demo_plot_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                         int *minimum_baseline, int *natural_baseline)
{
  *minimum = HEIGHT;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? NATURAL_WIDTH : HEIGHT;
}

static void
ferry_demo_plot_finalize (GObject *object)
{
  FerryDemoPlot *self = FERRY_DEMO_PLOT (object);

  for (guint line = 0; line < self->n_lines; line++)
    g_free (self->values[line]);
  G_OBJECT_CLASS (ferry_demo_plot_parent_class)->finalize (object);
}

static void
ferry_demo_plot_class_init (FerryDemoPlotClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ferry_demo_plot_finalize;
  widget_class->snapshot = ferry_demo_plot_snapshot;
  widget_class->measure = ferry_demo_plot_measure;
  gtk_widget_class_set_css_name (widget_class, "plot");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
ferry_demo_plot_init (FerryDemoPlot *self)
{
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
}

void
ferry_demo_plot_begin (FerryDemoPlot *self, guint n_lines, guint n_values, double ceiling)
{
  g_return_if_fail (self->n_lines == 0 && n_lines <= FERRY_DEMO_PLOT_MAX_LINES && n_values > 1);

  self->n_lines = n_lines;
  self->n_values = n_values;
  self->ceiling = ceiling;
  for (guint line = 0; line < n_lines; line++)
    {
      self->values[line] = g_new (double, n_values);
      for (guint i = 0; i < n_values; i++)
        self->values[line][i] = -1.0;
    }
}

void
ferry_demo_plot_add (FerryDemoPlot *self, const double *values)
{
  for (guint line = 0; line < self->n_lines; line++)
    self->values[line][self->next] = values[line];
  self->next = (self->next + 1) % self->n_values;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
