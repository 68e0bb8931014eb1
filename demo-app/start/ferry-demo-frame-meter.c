/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "start/ferry-demo-frame-meter.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/ferry-demo-plot.h"

#define WHEEL_SIZE 64
#define N_SPOKES 8
#define TURN_PER_FRAME 0.05 /* radians */
#define N_POINTS 50
#define USUAL_RATE 60.0
/* A loop without a frame for longer is frozen. */
#define FROZEN_TIME (G_USEC_PER_SEC / 2)

struct _FerryDemoFrameMeter
{
  GtkWidget parent_instance;

  GtkWidget *wheel;
  GtkWidget *box; /* beside it, so that the two meters of the page are in sight of a small screen */
  GtkWidget *label;
  GtkWidget *plot;
  guint n_frames;
  guint n_before; /* at the last turn, which was then */
  gint64 turned;
  gint64 last_frame;
  gint64 longest_wait;
};

G_DEFINE_FINAL_TYPE (FerryDemoFrameMeter, ferry_demo_frame_meter, GTK_TYPE_WIDGET)

static void
draw_wheel (GtkDrawingArea *area, cairo_t *cairo, int width, int height, gpointer user_data)
{
  FerryDemoFrameMeter *self = user_data;
  double radius = MIN (width, height) / 2.0 - 3.0;

  gdk_cairo_set_source_rgba (cairo, ferry_demo_plot_get_colour (0));
  cairo_set_line_width (cairo, 3.0);
  cairo_translate (cairo, width / 2.0, height / 2.0);
  cairo_rotate (cairo, self->n_frames * TURN_PER_FRAME);
  cairo_arc (cairo, 0.0, 0.0, radius, 0.0, 2.0 * G_PI);
  for (guint i = 0; i < N_SPOKES; i++)
    {
      cairo_move_to (cairo, 0.0, 0.0);
      cairo_line_to (cairo, radius * cos (2.0 * G_PI * i / N_SPOKES), radius * sin (2.0 * G_PI * i / N_SPOKES));
    }
  cairo_stroke (cairo);
}

void
ferry_demo_frame_meter_count (FerryDemoFrameMeter *self)
{
  gint64 now = g_get_monotonic_time ();

  if (self->last_frame != 0)
    self->longest_wait = MAX (self->longest_wait, now - self->last_frame);
  self->last_frame = now;
  self->n_frames++;
  gtk_widget_queue_draw (self->wheel);
}

void
ferry_demo_frame_meter_turn (FerryDemoFrameMeter *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 silence = self->last_frame != 0 ? now - self->last_frame : 0;
  double seconds = (double) (now - self->turned) / G_USEC_PER_SEC;
  double rate = (self->n_frames - self->n_before) / MAX (seconds, 0.001);
  g_autofree char *words = silence > FROZEN_TIME
                             ? g_strdup_printf (_ ("No frame for %.1f s"), (double) silence / G_USEC_PER_SEC)
                             : g_strdup_printf (_ ("%.0f frames a second"), rate);

  if (self->turned != 0)
    {
      ferry_demo_plot_add (FERRY_DEMO_PLOT (self->plot), &rate);
      gtk_label_set_text (GTK_LABEL (self->label), words);
    }
  self->n_before = self->n_frames;
  self->turned = now;
}

gint64
ferry_demo_frame_meter_take_longest_wait (FerryDemoFrameMeter *self)
{
  gint64 longest = self->longest_wait;

  self->longest_wait = 0;
  return longest;
}

static void
ferry_demo_frame_meter_dispose (GObject *object)
{
  FerryDemoFrameMeter *self = FERRY_DEMO_FRAME_METER (object);

  g_clear_pointer (&self->wheel, gtk_widget_unparent);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (ferry_demo_frame_meter_parent_class)->dispose (object);
}

static void
ferry_demo_frame_meter_class_init (FerryDemoFrameMeterClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_demo_frame_meter_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass), GTK_TYPE_BOX_LAYOUT);
}

static void
ferry_demo_frame_meter_init (FerryDemoFrameMeter *self)
{
  GtkLayoutManager *layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));

  self->wheel = gtk_drawing_area_new ();
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  self->label = gtk_label_new ("–");
  self->plot = g_object_new (FERRY_DEMO_TYPE_PLOT, "hexpand", TRUE, NULL);
  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), 12);
  gtk_drawing_area_set_content_width (GTK_DRAWING_AREA (self->wheel), WHEEL_SIZE);
  gtk_drawing_area_set_content_height (GTK_DRAWING_AREA (self->wheel), WHEEL_SIZE);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (self->wheel), draw_wheel, self, NULL);
  gtk_widget_add_css_class (self->label, "figures");
  ferry_demo_plot_begin (FERRY_DEMO_PLOT (self->plot), 1, N_POINTS, USUAL_RATE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->plot), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Frames a second"),
                                  -1);
  gtk_widget_set_parent (self->wheel, GTK_WIDGET (self));
  gtk_box_append (GTK_BOX (self->box), self->label);
  gtk_box_append (GTK_BOX (self->box), self->plot);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
}
