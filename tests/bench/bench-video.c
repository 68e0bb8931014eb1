/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Frames of 3840 × 2160 from a worker, sixty a second, into a picture, beside the same picture fed with frames that lie
 * in this process. GTK paints within a cycle of its frame clock, and takes the pixels there; all that this thread does
 * at other times is what a frame costs beside that. */

#include "config.h"

#include <ferry.h>
#include <gtk/gtk.h>
#include <stdlib.h>
#include <string.h>

#include "bench-carry.h"
#include "bench-frame-watch.h"

#define WIDTH 3840
#define HEIGHT 2160
#define STRIDE ((gsize) WIDTH * 4)
#define SIZE (STRIDE * HEIGHT)
#define N_LOCAL 3   /* frames of this process, shown in turn */
#define INTERVAL 16 /* ms */
#define MAX_ROUNDS 16

typedef struct
{
  GtkWindow *window;
  GtkPicture *picture; /* (unowned) */
  BenchFrameWatch frames;
  GBytes *bytes[N_LOCAL]; /* (owned) */
  guint64 n_shown;        /* frames that were given to the picture */
  gint64 painting;        /* ns of this thread within cycles of the frame clock */
  gint64 painting_since;
} Bench;

/* Of one window of time, or the medians of several. */
typedef struct
{
  double rate;   /* frames a second */
  double paint;  /* ms of this thread for each, within the frame clock's cycles */
  double beside; /* and at other times */
} Shown;

static void
before_paint_cb (GdkFrameClock *clock, gpointer user_data)
{
  ((Bench *) user_data)->painting_since = bench_thread_cpu ();
}

static void
after_paint_cb (GdkFrameClock *clock, gpointer user_data)
{
  Bench *self = user_data;

  self->painting += bench_thread_cpu () - self->painting_since;
}

static void
show (Bench *self, GBytes *bytes)
{
  g_autoptr (GdkTexture) texture = gdk_memory_texture_new (WIDTH, HEIGHT, GDK_MEMORY_DEFAULT, bytes, STRIDE);

  gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (texture));
  self->n_shown++;
}

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer user_data)
{
  if (g_bytes_get_size (buffer) != SIZE)
    bench_carry_fail ("a frame", NULL);
  show (user_data, buffer);
}

static gboolean
local_cb (gpointer user_data)
{
  Bench *self = user_data;

  show (self, self->bytes[self->n_shown % N_LOCAL]);
  return G_SOURCE_CONTINUE;
}

static void
bench_init (Bench *self)
{
  GtkWidget *picture = gtk_picture_new ();
  GdkFrameClock *clock;

  *self = (Bench){.window = GTK_WINDOW (gtk_window_new ()), .picture = GTK_PICTURE (picture)};
  gtk_window_set_default_size (self->window, 640, 360);
  gtk_picture_set_can_shrink (self->picture, TRUE);
  for (guint i = 0; i < N_LOCAL; i++)
    {
      guint8 *data = g_malloc (SIZE);

      memset (data, (int) (80 * i), SIZE);
      self->bytes[i] = g_bytes_new_take (data, SIZE);
    }
  bench_frame_watch_init (&self->frames, self->window, picture);
  clock = gtk_widget_get_frame_clock (picture);
  g_signal_connect (clock, "before-paint", G_CALLBACK (before_paint_cb), self);
  g_signal_connect (clock, "after-paint", G_CALLBACK (after_paint_cb), self);
}

static void
bench_clear (Bench *self)
{
  gtk_window_destroy (self->window);
  for (guint i = 0; i < N_LOCAL; i++)
    g_bytes_unref (self->bytes[i]);
}

/* What the window shows meanwhile; into: (nullable): where the intervals of its frames go. */
static Shown
watch (Bench *self, gint64 duration, GArray *into)
{
  gint64 started, used;
  double n, elapsed;

  bench_run_for (duration / 4);
  bench_frame_watch_note (&self->frames, into);
  self->n_shown = 0;
  self->painting = 0;
  used = bench_thread_cpu ();
  started = bench_now ();
  bench_run_for (duration);
  elapsed = bench_now () - started;
  used = bench_thread_cpu () - used;
  bench_frame_watch_note (&self->frames, NULL);
  n = (double) self->n_shown;
  return (Shown){n * 1e9 / elapsed, self->painting / n / 1e6, (used - self->painting) / n / 1e6};
}

static Shown
watch_remote (Bench *self, gint64 duration, GArray *into)
{
  BenchCarrier carrier = {.way = &bench_way_frames, .size = SIZE};
  g_autoptr (GError) error = NULL;
  Shown shown;

  if (!bench_carrier_open_link (&carrier, TRUE, G_CALLBACK (buffer_cb), self, &error))
    bench_carry_fail ("frames", error);
  shown = watch (self, duration, into);
  bench_way_frames.close (&carrier);
  return shown;
}

static Shown
watch_local (Bench *self, gint64 duration, GArray *into)
{
  guint source = g_timeout_add (INTERVAL, local_cb, self);
  Shown shown = watch (self, duration, into);

  g_source_remove (source);
  return shown;
}

static void
print (const char *name, const Shown *shown, guint n, const GArray *intervals)
{
  const char *const figures[] = {"rate", "paint", "beside-paint"};
  const char *const units[] = {"frames/s", "ms", "ms"};

  for (gsize i = 0; i < G_N_ELEMENTS (figures); i++)
    {
      g_autofree char *row = g_strdup_printf ("video/%s/%s", name, figures[i]);
      double values[MAX_ROUNDS];

      for (guint round = 0; round < n; round++)
        values[round] = i == 0 ? shown[round].rate : i == 1 ? shown[round].paint : shown[round].beside;
      bench_print (row, bench_median (values, n), units[i]);
    }
  bench_print_budget ("<= 0.2 ms beside GTK's own work");
  bench_frame_print ("video", name, intervals);
}

int
main (int argc, char **argv)
{
  g_autoptr (GArray) remote = bench_frame_intervals_new ();
  g_autoptr (GArray) local = bench_frame_intervals_new ();
  Shown shown[2][MAX_ROUNDS];
  BenchOptions options;
  gint64 duration;
  Bench self;

  /* Cairo takes 100 ms to scale such a frame. */
  g_setenv ("GSK_RENDERER", "gl", FALSE);
  bench_frame_begin ("video", &options, &argc, &argv);
  duration = bench_choose (&options, 100, 1000, 4000) * G_GINT64_CONSTANT (1000000);
  options.rounds = MIN (options.rounds, MAX_ROUNDS);
  bench_init (&self);
  for (guint round = 0; round < options.rounds; round++)
    {
      shown[0][round] = watch_local (&self, duration, local);
      shown[1][round] = watch_remote (&self, duration, remote);
    }
  print ("local", shown[0], options.rounds, local);
  print ("remote", shown[1], options.rounds, remote);
  bench_clear (&self);
  return EXIT_SUCCESS;
}
