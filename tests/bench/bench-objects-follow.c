/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What following a property that changes 100,000 times a second does to the frames of a window.
 *
 * The window has a label and a scale, and paints at every tick. In turn nothing happens; the worker changes the
 * property, and both widgets are bound to a replica that follows it; the worker changes it, nothing follows, and the
 * worker burns as much of a processor as it took before. */

#include "config.h"

#include <gtk/gtk.h>
#include <stdlib.h>

#include "bench-frame-watch.h"
#include "bench-gauge.h"
#include "bench-listening.h"
#include "bench-remote.h"
#include "bench-team.h"

#define RATE 100000 /* changes a second */
#define SETTLE G_GINT64_CONSTANT (10000000000)

typedef struct
{
  BenchRemote remote;
  FerryProxy *proxy; /* (owned) */
  GtkWindow *window;
  GtkWidget *label;
  GtkAdjustment *adjustment;
  BenchFrameWatch frames;
  GArray *unloaded; /* (owned) */
  GArray *follow;   /* (owned) */
  GArray *control;  /* (owned) */
  guint64 n_told;
  guint64 n_changes;
  double elapsed; /* s */
  double share;   /* of one core, that the worker took when it was followed */
  int last;       /* value of the worker's object */
} Bench;

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

static void
bench_init (Bench *self)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *scale = gtk_scale_new_with_range (GTK_ORIENTATION_HORIZONTAL, 0, 10 * RATE, 1);

  *self = (Bench){.window = GTK_WINDOW (gtk_window_new ()),
                  .label = gtk_label_new (NULL),
                  .adjustment = gtk_range_get_adjustment (GTK_RANGE (scale)),
                  .unloaded = bench_frame_intervals_new (),
                  .follow = bench_frame_intervals_new (),
                  .control = bench_frame_intervals_new ()};
  bench_remote_open (&self->remote);
  self->proxy = ferry_proxy_new (self->remote.transport, BENCH_REMOTE_GAUGE);
  gtk_window_set_default_size (self->window, 320, 240);
  gtk_box_append (GTK_BOX (box), self->label);
  gtk_box_append (GTK_BOX (box), scale);
  gtk_widget_add_tick_callback (box, tick_cb, NULL, NULL);
  bench_frame_watch_init (&self->frames, self->window, box);
  bench_wait_until_listening (self->proxy);
}

static void
bench_clear (Bench *self)
{
  gtk_window_destroy (self->window);
  g_clear_object (&self->proxy);
  bench_remote_close (&self->remote);
  g_array_unref (self->unloaded);
  g_array_unref (self->follow);
  g_array_unref (self->control);
}

static void
watch (Bench *self, GArray *into, gint64 duration)
{
  bench_run_for (duration / 8);
  bench_frame_watch_note (&self->frames, into);
  bench_run_for (duration);
  bench_frame_watch_note (&self->frames, NULL);
}

/* Has the worker change its property and take that share of a core meanwhile. Returns the share that it took. */
static double
watch_changes (Bench *self, double share, GArray *into, gint64 duration)
{
  g_autoptr (GVariant) none = bench_remote_call (self->proxy, "run", g_variant_new ("(td)", (guint64) RATE, share));
  g_autoptr (GVariant) told = NULL;

  watch (self, into, duration);
  told = bench_remote_call (self->proxy, "stop", NULL);
  g_variant_get (told, "(tidd)", &self->n_changes, &self->last, &self->elapsed, &share);
  return share;
}

static void
told_cb (GObject *replica, GParamSpec *pspec, Bench *self)
{
  self->n_told++;
}

/* The widgets end on the value that the object ended on. */
static void
check_widgets (Bench *self)
{
  const gint64 deadline = bench_now () + SETTLE;
  g_autofree char *text = g_strdup_printf ("%d", self->last);

  while (!g_str_equal (gtk_label_get_text (GTK_LABEL (self->label)), text) ||
         gtk_adjustment_get_value (self->adjustment) != self->last)
    {
      if (bench_now () > deadline)
        bench_fail ("the widgets do not have the last value", NULL);
      bench_run_for (1000000);
    }
}

static void
run_follow (Bench *self, gint64 duration)
{
  g_autoptr (GObject) replica =
    ferry_proxy_create_replica (self->proxy, BENCH_TYPE_GAUGE, (const char *const[]){"value", NULL});

  g_object_bind_property (replica, "value", self->label, "label", G_BINDING_SYNC_CREATE);
  g_object_bind_property (replica, "value", self->adjustment, "value", G_BINDING_SYNC_CREATE);
  g_signal_connect (replica, "notify::value", G_CALLBACK (told_cb), self);
  self->n_told = 0;
  self->share = watch_changes (self, 0, self->follow, duration);
  check_widgets (self);
}

static void
print (Bench *self)
{
  bench_frame_print ("objects/follow", "unloaded", self->unloaded);
  bench_frame_print ("objects/follow", "control", self->control);
  bench_frame_print ("objects/follow", "followed", self->follow);
  bench_frame_print_p99_over ("objects/follow", "unloaded", self->follow, self->unloaded);
  bench_frame_print_over ("objects/follow", "control", self->follow, self->control);
}

int
main (int argc, char **argv)
{
  double made[10] = {0};
  double told[10] = {0};
  double share[10] = {0};
  BenchOptions options;
  gint64 duration;
  guint n_rounds;
  Bench self;

  bench_frame_begin ("objects-follow", &options, &argc, &argv);
  bench_init (&self);
  duration = bench_choose (&options, 50, 400, 3000) * G_GINT64_CONSTANT (1000000);
  n_rounds = (guint) bench_choose (&options, 1, 3, MIN (options.rounds, G_N_ELEMENTS (made)));
  for (guint round = 0; round < n_rounds; round++)
    {
      watch (&self, self.unloaded, duration);
      run_follow (&self, duration);
      made[round] = self.n_changes / self.elapsed;
      told[round] = self.n_told / self.elapsed;
      share[round] = self.share;
      watch_changes (&self, self.share, self.control, duration);
    }
  print (&self);
  bench_print ("objects/follow/changes", bench_median (made, n_rounds), "changes/s");
  bench_print ("objects/follow/told", bench_median (told, n_rounds), "values/s");
  bench_print ("objects/follow/worker", bench_median (share, n_rounds), "cores");
  bench_clear (&self);
  return EXIT_SUCCESS;
}
