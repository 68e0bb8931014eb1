/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "start/ferry-demo-frame-meter.h"

#include <math.h>

#define SIZE 88
#define N_SPOKES 8
#define LINE_WIDTH 4.0
#define TURN_PER_FRAME 0.05 /* radians */

struct _FerryDemoFrameMeter
{
  GtkWidget parent_instance;

  guint n_frames;
  gint64 last_frame;
  gint64 longest_wait;
};

G_DEFINE_FINAL_TYPE (FerryDemoFrameMeter, ferry_demo_frame_meter, GTK_TYPE_WIDGET)

/* In the colour of the style class "accent". */
static void
ferry_demo_frame_meter_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  float width = (float) gtk_widget_get_width (widget), height = (float) gtk_widget_get_height (widget);
  double radius = MIN (width, height) / 2.0 - LINE_WIDTH;
  cairo_t *cairo = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, width, height));
  GdkRGBA colour;

  gtk_style_context_get_color (gtk_widget_get_style_context (widget), &colour);
  gdk_cairo_set_source_rgba (cairo, &colour);
  cairo_set_line_width (cairo, LINE_WIDTH);
  cairo_translate (cairo, width / 2.0, height / 2.0);
  cairo_rotate (cairo, FERRY_DEMO_FRAME_METER (widget)->n_frames * TURN_PER_FRAME);
  cairo_arc (cairo, 0.0, 0.0, radius, 0.0, 2.0 * G_PI);
  for (guint i = 0; i < N_SPOKES; i++)
    {
      cairo_move_to (cairo, 0.0, 0.0);
      cairo_line_to (cairo, radius * cos (2.0 * G_PI * i / N_SPOKES), radius * sin (2.0 * G_PI * i / N_SPOKES));
    }
  cairo_stroke (cairo);
  cairo_destroy (cairo);
}

static void
ferry_demo_frame_meter_class_init (FerryDemoFrameMeterClass *klass)
{
  GTK_WIDGET_CLASS (klass)->snapshot = ferry_demo_frame_meter_snapshot;
  gtk_widget_class_set_accessible_role (GTK_WIDGET_CLASS (klass), GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
ferry_demo_frame_meter_init (FerryDemoFrameMeter *self)
{
  gtk_widget_set_size_request (GTK_WIDGET (self), SIZE, SIZE);
  gtk_widget_add_css_class (GTK_WIDGET (self), "accent");
}

gint64
ferry_demo_frame_meter_get_silence (FerryDemoFrameMeter *self)
{
  return self->last_frame != 0 ? g_get_monotonic_time () - self->last_frame : 0;
}

void
ferry_demo_frame_meter_count (FerryDemoFrameMeter *self)
{
  self->longest_wait = MAX (self->longest_wait, ferry_demo_frame_meter_get_silence (self));
  self->last_frame = g_get_monotonic_time ();
  self->n_frames++;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

gint64
ferry_demo_frame_meter_take_longest_wait (FerryDemoFrameMeter *self)
{
  gint64 longest = self->longest_wait;

  self->longest_wait = 0;
  return longest;
}
