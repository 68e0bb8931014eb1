/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a flood does to the frames of a window, and what slow painting does to the messages.
 *
 * The window paints at every tick of its frame clock. It does so in turn alone, beside workers that flood it, and
 * beside as many that burn their processor and send nothing. Then each frame takes 30 ms, and one more worker sends a
 * message every few ms with the time at which it did.
 *
 * Then one hostile worker does what it can to keep the main loop busy, with the short cut and without. Its frames are
 * held against those of a window without workers in the same round. At last each frame takes 10 ms, and a worker sends
 * a message each ms. */

#include "config.h"

#include <gtk/gtk.h>
#include <stdlib.h>

#include "bench-ferry.h"
#include "bench-frame-watch.h"
#include "bench-siege.h"

#define N_WORKERS 4
#define SLOW_PAINTING G_GINT64_CONSTANT (30000000)
#define INTERVAL 5000 /* µs between the messages with a wait that is measured */

#define PAINTING G_GINT64_CONSTANT (10000000)
#define BLOCKED G_GINT64_CONSTANT (100000000) /* ns that the main loop blocks now and then */
#define BLOCK_INTERVAL_MS 500

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

/* ---- hostile workers ---- */

typedef struct
{
  const char *mode;    /* what bench-besieger does */
  const char *control; /* the mode that it is held against; NULL: it is a control itself */
  GArray *frames;      /* (owned) */
  GArray *shares;      /* (owned) (element-type double): of the main thread's processor time, in each round */
  guint64 n_messages;
  guint n_started;
} Siege;

static double
watch_siege (Bench *self, GArray *into, gint64 duration)
{
  gint64 began, cpu;

  bench_feed_run (duration / 8);
  bench_frame_watch_note (&self->frames, into);
  began = bench_now ();
  cpu = bench_thread_cpu ();
  bench_feed_run (duration);
  bench_frame_watch_note (&self->frames, NULL);
  return 100.0 * (bench_thread_cpu () - cpu) / (bench_now () - began);
}

static void
run_siege (Bench *self, Siege *siege, gint64 duration)
{
  BenchSiege hostile;
  double share;

  bench_siege_begin (&hostile, siege->mode);
  share = watch_siege (self, siege->frames, duration);
  g_array_append_val (siege->shares, share);
  bench_siege_end (&hostile);
  siege->n_messages += hostile.n_messages;
  siege->n_started += hostile.n_started;
}

static const Siege *
find_control (const Siege *sieges, const Siege *siege)
{
  while (!g_str_equal (sieges->mode, siege->control))
    sieges++;
  return sieges;
}

static void
print_siege (const Siege *siege, const GArray *alone, const Siege *sieges)
{
  g_autofree char *name = g_strdup_printf ("hostile/%s", siege->mode);
  g_autofree char *share = g_strdup_printf ("frames/%s/main-thread", name);
  g_autofree char *over = g_strdup_printf ("frames/%s", name);

  bench_frame_print ("frames", name, siege->frames);
  bench_frame_print_p99_over (over, "alone", siege->frames, alone);
  if (siege->control != NULL)
    {
      bench_frame_print_p99_over (over, siege->control, siege->frames, find_control (sieges, siege)->frames);
      bench_print_budget ("<= 2");
    }
  bench_print (share, bench_array_quantile (siege->shares, 0.5), "% of a core");
  bench_comment ("%s: %u workers, %" G_GUINT64_FORMAT " messages", name, siege->n_started, siege->n_messages);
}

static void
run_sieges (Bench *self, const BenchOptions *options)
{
  /* A worker that is ended is held against one that ends, and one that lasts against one that lasts. */
  static const struct
  {
    const char *name, *control;
  } modes[] = {{"busy", NULL},    {"leaves", NULL},        {"rings-only", "leaves"},
               {"rings", "busy"}, {"positions", "leaves"}, {"all", "leaves"}};
  const gint64 duration = bench_choose (options, 50, 500, 2000) * G_GINT64_CONSTANT (1000000);
  Siege sieges[G_N_ELEMENTS (modes)] = {0};
  g_autoptr (GArray) alone = bench_frame_intervals_new ();
  g_autoptr (GArray) shares_alone = bench_frame_intervals_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (sieges); i++)
    sieges[i] = (Siege){.mode = modes[i].name,
                        .control = modes[i].control,
                        .frames = bench_frame_intervals_new (),
                        .shares = bench_frame_intervals_new ()};
  for (guint round = 0; round < bench_choose (options, 1, 2, options->rounds); round++)
    {
      double share = watch_siege (self, alone, duration);

      g_array_append_val (shares_alone, share);
      for (gsize i = 0; i < G_N_ELEMENTS (sieges); i++)
        run_siege (self, &sieges[i], duration);
    }
  bench_frame_print ("frames", "alone", alone);
  bench_print ("frames/alone/main-thread", bench_array_quantile (shares_alone, 0.5), "% of a core");
  for (gsize i = 0; i < G_N_ELEMENTS (sieges); i++)
    print_siege (&sieges[i], alone, sieges);
  for (gsize i = 0; i < G_N_ELEMENTS (sieges); i++)
    {
      g_array_unref (sieges[i].frames);
      g_array_unref (sieges[i].shares);
    }
}

/* ---- floods ---- */

static void
run_flood (Bench *self, const BenchOptions *options)
{
  const gint64 duration = bench_choose (options, 50, 500, 2000) * G_GINT64_CONSTANT (1000000);

  for (guint round = 0; round < bench_choose (options, 1, 3, options->rounds); round++)
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

static void
run_slow_paintings (Bench *self, gint64 duration)
{
  self->painting = SLOW_PAINTING;
  run_slow_painting (self, duration, "calm", 0);
  run_slow_painting (self, duration, "flood", N_WORKERS);
  self->painting = 0;
  bench_frame_print ("frames", "painting-30ms", self->slow);
}

/* ---- a main loop that paints, or blocks ---- */

/* Has a worker send a message each ms on average, at irregular times. */
static void
order_messages (BenchFeed *paced, guint n_messages)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  for (guint i = 0; i < n_messages; i++)
    if (!bench_port_order (&paced->ports[0], 1, (guint32) g_rand_int_range (random, 500, 1500)))
      bench_feed_fail (paced, NULL);
}

static void
run_paced (Bench *self, gint64 duration, const char *name, const char *budget)
{
  BenchFeed *paced = open_feed (BENCH_MODE_PACED, BENCH_TAKE_STAMP, 1);
  const guint n_messages = (guint) (duration / 1000000);
  g_autofree char *median = g_strdup_printf ("%s/median-wait", name);
  g_autofree char *p99 = g_strdup_printf ("%s/p99-wait", name);
  g_autofree char *max = g_strdup_printf ("%s/max-wait", name);
  g_autoptr (GArray) frames = bench_frame_intervals_new ();

  bench_frame_watch_note (&self->frames, frames);
  order_messages (paced, n_messages);
  if (!bench_feed_wait (paced, n_messages))
    bench_feed_fail (paced, NULL);
  bench_frame_watch_note (&self->frames, NULL);
  bench_print (median, bench_array_quantile (paced->ports[0].delays, 0.5) / 1000, "ms");
  bench_print (p99, bench_array_quantile (paced->ports[0].delays, 0.99) / 1000, "ms");
  if (budget != NULL)
    bench_print_budget (budget);
  bench_print (max, bench_array_quantile (paced->ports[0].delays, 1) / 1000, "ms");
  bench_frame_print ("frames", name, frames);
  close_feed (self, paced);
}

static gboolean
block_cb (gpointer user_data)
{
  const gint64 until = bench_now () + BLOCKED;

  while (bench_now () < until)
    ;
  return G_SOURCE_CONTINUE;
}

static void
run_painting (Bench *self, gint64 duration)
{
  guint blocks;

  self->painting = PAINTING;
  run_paced (self, duration, "painting-10ms", "<= 5 and a frame");
  self->painting = 0;
  blocks = g_timeout_add (BLOCK_INTERVAL_MS, block_cb, NULL);
  run_paced (self, duration, "blocked-100ms", NULL);
  g_source_remove (blocks);
}

static gboolean
is_wanted (const BenchOptions *options, const char *part)
{
  return options->only == NULL || g_str_equal (options->only, part);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  gint64 duration;
  Bench self;

  bench_frame_begin ("frames", &options, &argc, &argv);
  bench_init (&self);
  duration = bench_choose (&options, 50, 800, 4000) * G_GINT64_CONSTANT (1000000);
  if (is_wanted (&options, "flood"))
    run_flood (&self, &options);
  if (is_wanted (&options, "slow-painting"))
    run_slow_paintings (&self, duration);
  if (is_wanted (&options, "hostile"))
    run_sieges (&self, &options);
  if (is_wanted (&options, "painting"))
    run_painting (&self, duration);
  bench_clear (&self);
  return self.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
