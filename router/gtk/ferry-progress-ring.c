/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A ring that fills clockwise from the top, in the colour of the text around it. While it is not known how far that is,
 * a quarter of it goes round. An exclamation mark in it says that something has failed, also to those who do not see
 * its colour.
 *
 * Threads:   the one that runs GTK.
 * Invariant: there is a tick callback, which asks for frames, while a part turns that can be seen. */

#include "config.h"

#include "gtk/ferry-progress-ring-private.h"

#include <math.h>

#define SIZE 16
#define LINE_WIDTH 2.5

/* The part that goes round while the fraction is not known, and how long it takes to come round, in microseconds. */
#define ARC 0.25
#define TURN (2 * G_USEC_PER_SEC)

/* The exclamation mark: its stroke begins and ends so far from the middle, and its dot is below. */
#define MARK_WIDTH 2.0
#define MARK_TOP -3.5
#define MARK_END 0.75
#define DOT_TOP 2.0
#define DOT_END 3.75

/* How much of the colour of the text the part has that is not filled. So it can be told both from the ground and from
 * what is filled, with a contrast of 3 to 1: contrast is a matter of logarithms, and dark text needs more of it. */
#define TRACK_ALPHA_OF_DARK 0.6F
#define TRACK_ALPHA_OF_LIGHT 0.45F

struct _FerryProgressRing
{
  GtkWidget parent_instance;

  double fraction;
  gboolean failed;
  gboolean indeterminate;
  gboolean turns;        /* while it is */
  double begin;          /* where the part begins that is shown, as a share of the ring from its top */
  guint tick;            /* 0 while nothing turns */
  GtkSettings *settings; /* (nullable) (unowned): those of its display, while the ring can be seen */
};

G_DEFINE_FINAL_TYPE (FerryProgressRing, ferry_progress_ring, GTK_TYPE_WIDGET)

static void
draw_arc (cairo_t *cairo, const GdkRGBA *color, double radius, double begin, double length)
{
  double angle = -G_PI_2 + 2.0 * G_PI * begin;

  gdk_cairo_set_source_rgba (cairo, color);
  cairo_arc (cairo, 0.0, 0.0, radius, angle, angle + 2.0 * G_PI * length);
  cairo_stroke (cairo);
}

void
ferry_progress_ring_get_colors (FerryProgressRing *self, GdkRGBA *filled, GdkRGBA *track)
{
  gboolean is_dark;

  gtk_style_context_get_color (gtk_widget_get_style_context (GTK_WIDGET (self)), filled);
  is_dark = 0.2126F * filled->red + 0.7152F * filled->green + 0.0722F * filled->blue < 0.5F;
  *track = *filled;
  track->alpha *= is_dark ? TRACK_ALPHA_OF_DARK : TRACK_ALPHA_OF_LIGHT;
}

static void
draw_mark (cairo_t *cairo)
{
  cairo_set_line_width (cairo, MARK_WIDTH);
  cairo_move_to (cairo, 0.0, MARK_TOP);
  cairo_line_to (cairo, 0.0, MARK_END);
  cairo_move_to (cairo, 0.0, DOT_TOP);
  cairo_line_to (cairo, 0.0, DOT_END);
  cairo_stroke (cairo);
}

static void
ferry_progress_ring_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  FerryProgressRing *self = FERRY_PROGRESS_RING (widget);
  int width = gtk_widget_get_width (widget), height = gtk_widget_get_height (widget);
  double radius = (MIN (width, height) - LINE_WIDTH) / 2.0;
  cairo_t *cairo = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, (float) width, (float) height));
  GdkRGBA color, track;

  ferry_progress_ring_get_colors (self, &color, &track);
  cairo_translate (cairo, width / 2.0, height / 2.0);
  cairo_set_line_width (cairo, LINE_WIDTH);
  draw_arc (cairo, &track, radius, 0.0, 1.0);
  draw_arc (cairo, &color, radius, self->begin, self->indeterminate ? ARC : self->fraction);
  if (self->failed)
    draw_mark (cairo);
  cairo_destroy (cairo);
}

static void
ferry_progress_ring_measure (GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum, int *natural,
                             int *minimum_baseline, int *natural_baseline)
{
  *minimum = *natural = SIZE;
}

/* ---- the part that turns ---- */

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  FerryProgressRing *self = FERRY_PROGRESS_RING (widget);

  self->begin = (double) (gdk_frame_clock_get_frame_time (clock) % TURN) / TURN;
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

static gboolean
is_animated (FerryProgressRing *self)
{
  gboolean enabled = FALSE;

  if (self->settings != NULL)
    g_object_get (self->settings, "gtk-enable-animations", &enabled, NULL);
  return enabled;
}

/* What stands still stands at the top. */
static void
update_turn (FerryProgressRing *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  gboolean turns = self->indeterminate && self->turns && is_animated (self);

  if (turns && self->tick == 0)
    self->tick = gtk_widget_add_tick_callback (widget, tick_cb, NULL, NULL);
  else if (!turns && self->tick != 0)
    {
      gtk_widget_remove_tick_callback (widget, self->tick);
      self->tick = 0;
    }
  if (!turns)
    self->begin = 0.0;
  gtk_widget_queue_draw (widget);
}

static void
ferry_progress_ring_map (GtkWidget *widget)
{
  FerryProgressRing *self = FERRY_PROGRESS_RING (widget);

  GTK_WIDGET_CLASS (ferry_progress_ring_parent_class)->map (widget);
  self->settings = gtk_widget_get_settings (widget);
  g_signal_connect_object (self->settings, "notify::gtk-enable-animations", G_CALLBACK (update_turn), self,
                           G_CONNECT_SWAPPED);
  update_turn (self);
}

static void
ferry_progress_ring_unmap (GtkWidget *widget)
{
  FerryProgressRing *self = FERRY_PROGRESS_RING (widget);

  g_signal_handlers_disconnect_by_func (self->settings, update_turn, self);
  self->settings = NULL;
  update_turn (self);
  GTK_WIDGET_CLASS (ferry_progress_ring_parent_class)->unmap (widget);
}

static void
ferry_progress_ring_class_init (FerryProgressRingClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  widget_class->snapshot = ferry_progress_ring_snapshot;
  widget_class->measure = ferry_progress_ring_measure;
  widget_class->map = ferry_progress_ring_map;
  widget_class->unmap = ferry_progress_ring_unmap;
  gtk_widget_class_set_css_name (widget_class, "progressring");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void
ferry_progress_ring_init (FerryProgressRing *self)
{
  gtk_widget_set_halign (GTK_WIDGET (self), GTK_ALIGN_CENTER);
  gtk_widget_set_valign (GTK_WIDGET (self), GTK_ALIGN_CENTER);
}

GtkWidget *
ferry_progress_ring_new (void)
{
  return g_object_new (FERRY_TYPE_PROGRESS_RING, NULL);
}

void
ferry_progress_ring_set_fraction (FerryProgressRing *self, double fraction)
{
  fraction = CLAMP (fraction, 0.0, 1.0);
  if (!self->indeterminate && self->fraction == fraction)
    return;
  self->indeterminate = FALSE;
  self->fraction = fraction;
  update_turn (self);
}

void
ferry_progress_ring_set_indeterminate (FerryProgressRing *self, gboolean turns)
{
  if (self->indeterminate && self->turns == turns)
    return;
  self->indeterminate = TRUE;
  self->turns = turns;
  update_turn (self);
}

void
ferry_progress_ring_set_failed (FerryProgressRing *self, gboolean failed)
{
  if (self->failed == failed)
    return;
  self->failed = failed;
  if (failed)
    gtk_widget_add_css_class (GTK_WIDGET (self), "error");
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self), "error");
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

double
ferry_progress_ring_get_fraction (FerryProgressRing *self)
{
  return self->indeterminate ? -1.0 : self->fraction;
}

gboolean
ferry_progress_ring_is_turning (FerryProgressRing *self)
{
  return self->tick != 0;
}
