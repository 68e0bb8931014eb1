/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a flood does to the frames of a window, and what slow painting does to the messages.
 *
 * The window paints at every tick of its frame clock. It does so in turn alone, beside workers that flood it, and
 * beside as many that burn their processor and send nothing; then beside one that rings in vain, and one that burns.
 * Then each frame takes 30 ms, and one more worker sends messages with the time at which it did. */

#include "config.h"

#include <gtk/gtk.h>
#include <stdlib.h>

#include "bench-feed.h"
#include "bench-team.h"

#define EXIT_SKIPPED 77
#define FRAME 16.667 /* ms, at 60 frames a second */
#define N_WORKERS 8
#define MS G_GINT64_CONSTANT (1000000)
#define SLOW_PAINTING (30 * MS)
#define INTERVAL 5000 /* µs between the messages with a wait that is measured */

/* What is beside the window, and the intervals of its frames, in ms. */
enum
{
  UNLOADED,
  CONTROL,
  FLOOD,
  BUSY,
  RINGS,
  SLOW,
  N_ROWS,
};

static const char *const names[N_ROWS] = {"unloaded",     "control",       "flood",
                                          "hostile/busy", "hostile/rings", "painting-30ms"};

typedef struct
{
  GtkWindow *window;
  gint64 painting;        /* ns that a frame takes on top of what GTK needs */
  gint64 last;            /* when the last frame was done, in ns; 0 when none was */
  GArray *into;           /* (unowned) (nullable): where intervals go */
  GArray *frames[N_ROWS]; /* (owned) (element-type double) */
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
after_paint_cb (GdkFrameClock *clock, gpointer user_data)
{
  Bench *self = user_data;
  const gint64 now = bench_now ();
  const double interval = (now - self->last) / 1e6;

  if (self->into != NULL && self->last != 0)
    g_array_append_val (self->into, interval);
  self->last = now;
}

static void
bench_init (Bench *self)
{
  GtkWidget *area = gtk_drawing_area_new ();

  *self = (Bench){.window = GTK_WINDOW (gtk_window_new ())};
  for (int row = 0; row < N_ROWS; row++)
    self->frames[row] = g_array_new (FALSE, FALSE, sizeof (double));
  gtk_window_set_default_size (self->window, 320, 240);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (area), draw_cb, self, NULL);
  gtk_widget_add_tick_callback (area, tick_cb, NULL, NULL);
  gtk_window_set_child (self->window, area);
  gtk_window_present (self->window);
  while (!gtk_widget_get_mapped (area))
    g_main_context_iteration (NULL, TRUE);
  g_signal_connect (gtk_widget_get_frame_clock (area), "after-paint", G_CALLBACK (after_paint_cb), self);
}

static void
bench_clear (Bench *self)
{
  gtk_window_destroy (self->window);
  for (int row = 0; row < N_ROWS; row++)
    g_array_unref (self->frames[row]);
}

/* From the next frame on; N_ROWS: no more. */
static void
note_frames (Bench *self, int row)
{
  self->last = row < N_ROWS ? 0 : self->last;
  self->into = row < N_ROWS ? self->frames[row] : NULL;
}

/* ---- rows ---- */

static void
print_frames (const Bench *self, int row)
{
  bench_print_as (bench_array_quantile (self->frames[row], 0.5), "ms", "frames/%s/median", names[row]);
  bench_print_as (bench_array_quantile (self->frames[row], 0.99), "ms", "frames/%s/p99", names[row]);
  bench_print_as (bench_array_quantile (self->frames[row], 1), "ms", "frames/%s/max", names[row]);
}

static double
get_excess (const Bench *self, int row, int base, double quantile)
{
  return bench_array_quantile (self->frames[row], quantile) - bench_array_quantile (self->frames[base], quantile);
}

/* ---- workers beside the window ---- */

static void
close_feed (Bench *self, BenchFeed *feed)
{
  if (!bench_feed_free (feed))
    self->failed = TRUE;
}

/* Messages a second. */
static double
watch (Bench *self, int row, BenchMode mode, guint n_workers, gint64 duration)
{
  BenchFeed *feed = bench_ferry_open (mode, BENCH_TAKE_RAW, n_workers);
  double rate;

  bench_feed_run (duration / 8);
  note_frames (self, row);
  rate = bench_feed_sample (feed, duration);
  note_frames (self, N_ROWS);
  close_feed (self, feed);
  return rate;
}

static void
run_flood (Bench *self, const BenchOptions *options)
{
  const gint64 duration = bench_choose (options, 50, 500, 2000) * MS;
  double rate = 0;

  for (guint round = 0; round < bench_choose (options, 1, 3, options->rounds); round++)
    {
      watch (self, UNLOADED, BENCH_MODE_IDLE, N_WORKERS, duration);
      watch (self, CONTROL, BENCH_MODE_BUSY, N_WORKERS, duration);
      rate = watch (self, FLOOD, BENCH_MODE_FLOOD, N_WORKERS, duration);
      self->failed |= rate <= 0;
    }
  for (int row = UNLOADED; row <= FLOOD; row++)
    print_frames (self, row);
  bench_print ("frames/flood/messages", rate, "messages/s");
  bench_print ("frames/p99-over-unloaded", get_excess (self, FLOOD, UNLOADED, 0.99), "ms");
  bench_print ("frames/p99-over-control", get_excess (self, FLOOD, CONTROL, 0.99), "ms");
  bench_print_budget ("<= 2");
  bench_print ("frames/max-over-control", get_excess (self, FLOOD, CONTROL, 1) / FRAME, "frames");
  bench_print_budget ("<= 1");
}

/* ---- a hostile worker ---- */

static void
count_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  ++*(guint64 *) user_data;
}

/* It has a router of its own, and is held against one that burns its processor. */
static void
watch_besieger (Bench *self, gint64 duration)
{
  g_autofree char *path = bench_path_beside ("bench-besieger");
  const char *argv[] = {path, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  FerryRouter *router = bench_router_open ();
  guint64 n_messages = 0;

  if (!ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, &error) ||
      !ferry_launcher_add_sender (launcher, "siege", sender, &error))
    bench_fail ("a pipe", error);
  ferry_receiver_set_handler (receiver, count_cb, &n_messages, NULL);
  worker = ferry_launcher_spawn (launcher, router, &error);
  if (worker == NULL)
    bench_fail ("the hostile worker", error);
  while (n_messages == 0 && ferry_worker_get_state (worker) != FERRY_WORKER_STATE_ENDED)
    g_main_context_iteration (NULL, TRUE);
  bench_feed_run (duration / 8);
  note_frames (self, RINGS);
  bench_feed_run (duration);
  note_frames (self, N_ROWS);
  if (ferry_worker_get_state (worker) == FERRY_WORKER_STATE_ENDED)
    bench_fail ("the hostile worker has ended", NULL);
  ferry_worker_force_exit (worker);
  while (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_ENDED)
    g_main_context_iteration (NULL, TRUE);
  bench_router_close (router);
}

static void
run_siege (Bench *self, const BenchOptions *options)
{
  const gint64 duration = bench_choose (options, 50, 500, 2000) * MS;

  for (guint round = 0; round < bench_choose (options, 1, 2, options->rounds); round++)
    {
      watch (self, BUSY, BENCH_MODE_BUSY, 1, duration);
      watch_besieger (self, duration);
    }
  print_frames (self, BUSY);
  print_frames (self, RINGS);
  bench_print ("frames/hostile/rings/p99-over-busy", get_excess (self, RINGS, BUSY, 0.99), "ms");
  bench_print_budget ("<= 2");
}

/* ---- slow painting ---- */

/* Measures how long the messages of one paced worker wait while painting takes nearly all the time. */
static void
run_slow_painting (Bench *self, gint64 duration, const char *name, guint n_flooding)
{
  BenchFeed *flood = bench_ferry_open (BENCH_MODE_FLOOD, BENCH_TAKE_RAW, n_flooding);
  BenchFeed *paced = bench_ferry_open (BENCH_MODE_PACED, BENCH_TAKE_STAMP, 1);
  const guint n_messages = duration / 1000 / INTERVAL;
  const gint64 started = bench_now ();
  guint64 messages = n_messages;

  self->painting = SLOW_PAINTING;
  note_frames (self, SLOW);
  if (!bench_port_order (&paced->ports[0], n_messages, INTERVAL) || !bench_feed_wait (paced, n_messages))
    bench_feed_fail (paced, NULL);
  note_frames (self, N_ROWS);
  for (guint i = 0; i < n_flooding; i++)
    messages += flood->ports[i].next;
  bench_print_as (bench_array_quantile (paced->ports[0].delays, 0.5), "us", "painting-30ms/%s/median-wait", name);
  bench_print_as (bench_array_quantile (paced->ports[0].delays, 1) / 1000, "ms", "painting-30ms/%s/max-wait", name);
  bench_print_budget ("<= 100 and a frame");
  bench_print_as (messages * 1e9 / (bench_now () - started), "messages/s", "painting-30ms/%s/messages", name);
  close_feed (self, paced);
  close_feed (self, flood);
  self->painting = 0;
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  gint64 duration;
  Bench self;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  g_setenv ("GSK_RENDERER", "cairo", FALSE);
  if (!gtk_init_check ())
    {
      bench_comment ("frames skipped: there is no display");
      return EXIT_SKIPPED;
    }
  bench_init (&self);
  duration = bench_choose (&options, 50, 800, 4000) * MS;
  run_flood (&self, &options);
  run_slow_painting (&self, duration, "calm", 0);
  run_slow_painting (&self, duration, "flood", N_WORKERS);
  print_frames (&self, SLOW);
  run_siege (&self, &options);
  bench_clear (&self);
  return self.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
