/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-frame-watch.h"

GArray *
bench_frame_intervals_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (double));
}

static void
after_paint_cb (GdkFrameClock *clock, gpointer user_data)
{
  BenchFrameWatch *self = user_data;
  const gint64 now = bench_now ();
  const double interval = (now - self->last) / 1e6;

  if (self->into != NULL && self->last != 0)
    g_array_append_val (self->into, interval);
  self->last = now;
}

void
bench_frame_watch_init (BenchFrameWatch *self, GtkWidget *widget)
{
  *self = (BenchFrameWatch){0};
  g_signal_connect (gtk_widget_get_frame_clock (widget), "after-paint", G_CALLBACK (after_paint_cb), self);
}

void
bench_frame_watch_note (BenchFrameWatch *self, GArray *into)
{
  if (into != NULL)
    self->last = 0;
  self->into = into;
}

void
bench_frame_print (const char *bench, const char *name, const GArray *intervals)
{
  g_autofree char *median = g_strdup_printf ("%s/%s/median", bench, name);
  g_autofree char *p99 = g_strdup_printf ("%s/%s/p99", bench, name);
  g_autofree char *max = g_strdup_printf ("%s/%s/max", bench, name);

  bench_print (median, bench_array_quantile (intervals, 0.5), "ms");
  bench_print (p99, bench_array_quantile (intervals, 0.99), "ms");
  bench_print (max, bench_array_quantile (intervals, 1), "ms");
}
