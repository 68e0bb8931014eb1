/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a flood does to the frames of a window, and what slow painting does to the messages.
 *
 * The window paints at every tick of its frame clock. It does so in turn alone, beside workers that flood it, and
 * beside as many that burn their processor and send nothing. Then each frame takes 30 ms, and one more worker sends a
 * message every few ms with the time at which it did. */

#include "config.h"

#include <gtk/gtk.h>
#include <stdlib.h>

#include "bench-ferry.h"
#include "bench-frame-watch.h"

#define N_WORKERS 4
#define SLOW_PAINTING G_GINT64_CONSTANT (30000000)
#define INTERVAL 5000 /* µs between the messages whose wait is measured */

typedef struct
{
  GtkWindow *window;
  gint64 painting; /* ns that a frame takes on top of what GTK needs */
  BenchFrameWatch frames;
  GArray *unloaded; /* (owned) */
  GArray *control;  /* (owned) */
  GArray *flood;    /* (owned) */
  GArray *slow;     /* (owned) */
  double rate;      /* messages a second in the flood */
  gboolean failed;
} Bench;

static void
draw_cb (GtkDrawingArea *area, cairo_t *cr, int width, int height, gpointer user_data)
{
  Bench *self = user_data;
  const gint64 now = bench_now ();
  const double phase = now % 1000000000 / 1e9;

  cairo_set_source_rgb (cr, 0.2, 0.5, phase);
  cairo_rectangle (cr, 0, 0, width * phase, height);
  cairo_fill (cr);
  while (bench_now () < now + self->painting)
    ;
}

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

static void
bench_init (Bench *self)
{
  GtkWidget *area = gtk_drawing_area_new ();

  *self = (Bench){.window = GTK_WINDOW (gtk_window_new ()),
                  .unloaded = bench_frame_intervals_new (),
                  .control = bench_frame_intervals_new (),
                  .flood = bench_frame_intervals_new (),
                  .slow = bench_frame_intervals_new ()};
  gtk_window_set_default_size (self->window, 320, 240);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (area), draw_cb, self, NULL);
  gtk_widget_add_tick_callback (area, tick_cb, NULL, NULL);
  bench_frame_watch_init (&self->frames, self->window, area);
}

static void
bench_clear (Bench *self)
{
  gtk_window_destroy (self->window);
  g_array_unref (self->unloaded);
  g_array_unref (self->control);
  g_array_unref (self->flood);
  g_array_unref (self->slow);
}

static BenchFeed *
open_feed (BenchMode mode, BenchTake take, guint n_workers)
{
  const BenchLoad load = {
    .transport = &bench_ferry,
    .content = BENCH_CONTENT_BYTES,
    .take = take,
    .mode = mode,
    .size = 64,
    .n_workers = n_workers,
  };
  g_autoptr (GError) error = NULL;
  BenchFeed *feed = bench_feed_new (&load, &error);

  if (feed == NULL || !bench_ferry_wait_until_open (feed, &error))
    bench_feed_fail (feed, error);
  return feed;
}

static void
close_feed (Bench *self, BenchFeed *feed)
{
  if (!bench_feed_free (feed))
    self->failed = TRUE;
}

/* Notes the intervals of frames while it measures the flood. */
static double
watch (Bench *self, BenchFeed *feed, GArray *into, gint64 duration)
{
  BenchSample sample;

  bench_feed_run (duration / 8);
  bench_frame_watch_note (&self->frames, into);
  sample = bench_feed_sample (feed, duration);
  bench_frame_watch_note (&self->frames, NULL);
  return sample.rate;
}

static void
run_round (Bench *self, gint64 duration)
{
  BenchFeed *feed = open_feed (BENCH_MODE_IDLE, BENCH_TAKE_RAW, N_WORKERS);

  watch (self, feed, self->unloaded, duration);
  close_feed (self, feed);

  feed = open_feed (BENCH_MODE_BUSY, BENCH_TAKE_RAW, N_WORKERS);
  watch (self, feed, self->control, duration);
  close_feed (self, feed);

  feed = open_feed (BENCH_MODE_FLOOD, BENCH_TAKE_RAW, N_WORKERS);
  self->rate = watch (self, feed, self->flood, duration);
  if (self->rate <= 0)
    self->failed = TRUE;
  close_feed (self, feed);
}

static void
run_flood (Bench *self, const BenchOptions *options)
{
  const gint64 duration = (options->quick ? 500 : 2000) * G_GINT64_CONSTANT (1000000);

  for (guint round = 0; round < (options->quick ? 3 : options->rounds); round++)
    run_round (self, duration);
  bench_frame_print ("frames", "unloaded", self->unloaded);
  bench_frame_print ("frames", "control", self->control);
  bench_frame_print ("frames", "flood", self->flood);
  bench_print ("frames/flood/messages", self->rate, "messages/s");
  bench_frame_print_p99_over ("frames", "unloaded", self->flood, self->unloaded);
  bench_frame_print_over ("frames", "control", self->flood, self->control);
}

/* Measures how long the messages of one paced worker wait while painting takes nearly all the time. */
static void
run_slow_painting (Bench *self, gint64 duration, const char *name, guint n_flooding)
{
  BenchFeed *flood = open_feed (BENCH_MODE_FLOOD, BENCH_TAKE_RAW, n_flooding);
  BenchFeed *paced = open_feed (BENCH_MODE_PACED, BENCH_TAKE_STAMP, 1);
  const guint n_messages = duration / 1000 / INTERVAL;
  g_autofree char *median = g_strdup_printf ("painting-30ms/%s/median-wait", name);
  g_autofree char *max = g_strdup_printf ("painting-30ms/%s/max-wait", name);
  g_autofree char *rate = g_strdup_printf ("painting-30ms/%s/messages", name);
  gint64 started = bench_now ();
  guint64 messages = 0;

  bench_frame_watch_note (&self->frames, self->slow);
  if (!bench_port_order (&paced->ports[0], n_messages, INTERVAL) || !bench_feed_wait (paced, n_messages))
    bench_feed_fail (paced, NULL);
  bench_frame_watch_note (&self->frames, NULL);
  for (guint i = 0; i < n_flooding; i++)
    messages += flood->ports[i].next;
  bench_print (median, bench_array_quantile (paced->ports[0].delays, 0.5), "us");
  bench_print (max, bench_array_quantile (paced->ports[0].delays, 1) / 1000, "ms");
  bench_print_budget ("<= 100 and a frame");
  bench_print (rate, (messages + n_messages) * 1e9 / (bench_now () - started), "messages/s");
  close_feed (self, paced);
  close_feed (self, flood);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  gint64 duration;
  Bench self;

  bench_frame_begin ("frames", &options, &argc, &argv);
  bench_init (&self);
  run_flood (&self, &options);
  self.painting = SLOW_PAINTING;
  duration = (options.quick ? 800 : 4000) * G_GINT64_CONSTANT (1000000);
  run_slow_painting (&self, duration, "calm", 0);
  run_slow_painting (&self, duration, "flood", N_WORKERS);
  bench_frame_print ("frames", "painting-30ms", self.slow);
  bench_clear (&self);
  return self.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
