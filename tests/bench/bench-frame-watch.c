/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-frame-watch.h"

#include <stdlib.h>

#define EXIT_SKIPPED 77

void
bench_frame_begin (const char *bench, BenchOptions *options, int *argc, char ***argv)
{
  if (!bench_options_parse (options, argc, argv))
    exit (EXIT_FAILURE);
  g_setenv ("GSK_RENDERER", "cairo", FALSE);
  if (gtk_init_check ())
    return;
  bench_comment ("%s skipped: there is no display", bench);
  exit (EXIT_SKIPPED);
}

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
bench_frame_watch_init (BenchFrameWatch *self, GtkWindow *window, GtkWidget *child)
{
  *self = (BenchFrameWatch){0};
  gtk_window_set_child (window, child);
  gtk_window_present (window);
  while (!gtk_widget_get_mapped (child))
    g_main_context_iteration (NULL, TRUE);
  g_signal_connect (gtk_widget_get_frame_clock (child), "after-paint", G_CALLBACK (after_paint_cb), self);
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

void
bench_frame_print_p99_over (const char *bench, const char *name, const GArray *intervals, const GArray *base)
{
  g_autofree char *p99 = g_strdup_printf ("%s/p99-over-%s", bench, name);

  bench_print (p99, bench_array_quantile (intervals, 0.99) - bench_array_quantile (base, 0.99), "ms");
}

void
bench_frame_print_over (const char *bench, const char *name, const GArray *intervals, const GArray *base)
{
  g_autofree char *max = g_strdup_printf ("%s/max-over-%s", bench, name);

  bench_frame_print_p99_over (bench, name, intervals, base);
  bench_print_budget ("<= 2");
  bench_print (max, (bench_array_quantile (intervals, 1) - bench_array_quantile (base, 1)) / BENCH_FRAME, "frames");
  bench_print_budget ("<= 1");
}
