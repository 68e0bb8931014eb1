/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A graph of a value over time. */

#include "app/ferry-demo-plot.h"

#include <glib/gi18n.h>
#include <math.h>

/* It stands out by 3 to 1 and more from light and dark. */
#define LINE_COLOUR ((GdkRGBA){0.21f, 0.52f, 0.89f, 1.0f})
#define LINE_WIDTH 2.0
#define GAP 6.0
#define LEAST_WIDTH 240
/* In lines of text: three values, the seconds below them, and some room in between. */
#define LEAST_LINES 6
#define N_VALUES 60
/* Fewer seconds are not drawn out any wider. */
#define LEAST_SECONDS 10

struct _FerryDemoPlot
{
  GtkWidget parent_instance;

  double values[N_VALUES]; /* a ring: the oldest value is the next to be overwritten */
  guint n_values;
  guint next;
  double ceiling;
  FerryDemoPlotFormat format;
};

/* Where the lines are, and what the top of it stands for. */
typedef struct
{
  double left, top, right, bottom;
  double scale;
  guint seconds;
} Area;

G_DEFINE_FINAL_TYPE (FerryDemoPlot, ferry_demo_plot, GTK_TYPE_WIDGET)

static double
get_value (FerryDemoPlot *self, guint age)
{
  return self->values[(self->next + N_VALUES - 1 - age) % N_VALUES];
}

/* 1, 2 or 5 with zeros, so that the scale stays for a while. */
static double
get_scale (FerryDemoPlot *self)
{
  static const double factors[] = {2.0, 2.5, 2.0};
  double highest = 0.0, scale = self->ceiling;

  for (guint age = 0; age < self->n_values; age++)
    highest = MAX (highest, get_value (self, age));
  for (guint i = 0; scale < highest; i++)
    scale *= factors[i % G_N_ELEMENTS (factors)];
  return scale;
}

/* Returns how wide it is. */
static double
draw_text (FerryDemoPlot *self, cairo_t *cairo, const char *text, double x, double y, double xalign)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), text);
  int width;

  pango_layout_get_pixel_size (layout, &width, NULL);
  cairo_move_to (cairo, x - width * xalign, y);
  pango_cairo_show_layout (cairo, layout);
  return width;
}

/* Lines at zero, at the half and at the top, with their values above them. */
static void
draw_axes (FerryDemoPlot *self, cairo_t *cairo, const Area *area, double text_height)
{
  g_autofree char *seconds = g_strdup_printf (_ ("%u s ago"), area->seconds);
  GdkRGBA colour, faint;

  gtk_style_context_get_color (gtk_widget_get_style_context (GTK_WIDGET (self)), &colour);
  faint = colour;
  faint.alpha = 0.25f;
  for (guint i = 0; i <= 2; i++)
    {
      double y = area->bottom + (area->top - area->bottom) * i / 2;
      g_autofree char *text = i > 0 ? self->format (area->scale * i / 2) : g_strdup ("0");

      gdk_cairo_set_source_rgba (cairo, &faint);
      cairo_rectangle (cairo, area->left, floor (y), area->right - area->left, 1.0);
      cairo_fill (cairo);
      gdk_cairo_set_source_rgba (cairo, &colour);
      draw_text (self, cairo, text, area->left - GAP, y - text_height / 2, 1.0);
    }
  /* The end needs no word where there is no room for it. */
  if (2.0 * draw_text (self, cairo, seconds, area->left, area->bottom + GAP, 0.0) < area->right - area->left)
    draw_text (self, cairo, _ ("now"), area->right, area->bottom + GAP, 1.0);
}

static void
draw_line (FerryDemoPlot *self, cairo_t *cairo, const Area *area)
{
  gboolean in_gap = TRUE;

  gdk_cairo_set_source_rgba (cairo, &LINE_COLOUR);
  for (guint age = 0; age < self->n_values; age++)
    {
      double value = get_value (self, age);
      double x = area->right - (area->right - area->left) * age / area->seconds;
      double y = area->bottom - (area->bottom - area->top) * value / area->scale;

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
  float width = (float) gtk_widget_get_width (widget), height = (float) gtk_widget_get_height (widget);
  cairo_t *cairo = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0.0f, 0.0f, width, height));
  Area area = {.scale = get_scale (self), .seconds = MAX (self->n_values, LEAST_SECONDS + 1) - 1};
  g_autofree char *top = self->format (area.scale);
  g_autofree char *middle = self->format (area.scale / 2);
  g_autofree char *text = g_strconcat (top, "\n", middle, NULL);
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, text);
  int text_width, text_height;

  pango_layout_get_pixel_size (layout, &text_width, &text_height);
  text_height /= 2;
  area.left = text_width + GAP;
  area.top = text_height / 2.0;
  area.right = width - LINE_WIDTH;
  area.bottom = height - text_height - GAP;
  draw_axes (self, cairo, &area, text_height);
  cairo_set_line_width (cairo, LINE_WIDTH);
  cairo_set_line_join (cairo, CAIRO_LINE_JOIN_ROUND);
  draw_line (self, cairo, &area);
  cairo_destroy (cairo);
}

static void
ferry_demo_plot_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                         int *minimum_baseline, int *natural_baseline)
{
  g_autoptr (PangoLayout) layout = gtk_widget_create_pango_layout (widget, "0");
  int height;

  pango_layout_get_pixel_size (layout, NULL, &height);
  *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? LEAST_WIDTH : LEAST_LINES * height;
}

static void
ferry_demo_plot_class_init (FerryDemoPlotClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  widget_class->snapshot = ferry_demo_plot_snapshot;
  widget_class->measure = ferry_demo_plot_measure;
  gtk_widget_class_set_css_name (widget_class, "plot");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
ferry_demo_plot_init (FerryDemoPlot *self)
{
}

void
ferry_demo_plot_begin (FerryDemoPlot *self, double ceiling, FerryDemoPlotFormat format)
{
  self->ceiling = ceiling;
  self->format = format;
}

void
ferry_demo_plot_add (FerryDemoPlot *self, double value)
{
  self->values[self->next] = value;
  self->next = (self->next + 1) % N_VALUES;
  self->n_values = MIN (self->n_values + 1, N_VALUES);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}
