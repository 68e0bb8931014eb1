/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a list of 100,000 tasks does to the frames of its window, while eight of them run and a thousand end each
 * second.
 *
 * The window is drawn anew in each frame, in turn without tasks, with tasks that leave the list when they are done, so
 * that its rows move up, and with tasks that stay. */

#include "config.h"

#include <ferry-gtk.h>
#include <stdlib.h>
#include <time.h>

#include "bench-frame-watch.h"
#include "bench-team.h"

#define N_TASKS 100000
#define N_WORKERS 8
/* µs: with eight workers, and the way there and back, a thousand tasks end each second. */
#define TASK_TIME 7500

typedef struct
{
  GtkWindow *window;
  GtkWidget *list;
  BenchFrameWatch frames;
  FerryRouter *router;
  GArray *control; /* (owned) */
  GArray *leaving; /* (owned) */
  GArray *staying; /* (owned) */
  GArray *work;    /* (unowned) (nullable): where the processor time of a frame goes, in ms */
  GArray *control_work, *leaving_work, *staying_work; /* (owned) */
  double used;                                        /* of the thread, when the last frame was done; 0 when none was */
  guint64 n_done;
  double seconds;
} Bench;

static gboolean
tick_cb (GtkWidget *widget, GdkFrameClock *clock, gpointer user_data)
{
  gtk_widget_queue_draw (widget);
  return G_SOURCE_CONTINUE;
}

/* What the thread has done since the last frame, which says something on a machine that has other work, too. */
static void
after_paint_cb (GdkFrameClock *clock, Bench *self)
{
  struct timespec time;
  double used, work;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  used = time.tv_sec * 1e3 + time.tv_nsec / 1e6;
  work = used - self->used;
  if (self->frames.into != NULL && self->used > 0)
    g_array_append_val (self->work, work);
  self->used = used;
}

static void
bench_init (Bench *self)
{
  *self = (Bench){.window = GTK_WINDOW (gtk_window_new ()),
                  .list = ferry_task_list_new (NULL),
                  .router = bench_router_open (),
                  .control = bench_frame_intervals_new (),
                  .leaving = bench_frame_intervals_new (),
                  .staying = bench_frame_intervals_new (),
                  .control_work = bench_frame_intervals_new (),
                  .leaving_work = bench_frame_intervals_new (),
                  .staying_work = bench_frame_intervals_new ()};
  gtk_window_set_default_size (self->window, 480, 640);
  gtk_widget_add_tick_callback (self->list, tick_cb, NULL, NULL);
  bench_frame_watch_init (&self->frames, self->window, self->list);
  g_signal_connect (gtk_widget_get_frame_clock (self->list), "after-paint", G_CALLBACK (after_paint_cb), self);
}

static void
bench_clear (Bench *self)
{
  gtk_window_destroy (self->window);
  g_array_unref (self->control);
  g_array_unref (self->leaving);
  g_array_unref (self->staying);
  g_array_unref (self->control_work);
  g_array_unref (self->leaving_work);
  g_array_unref (self->staying_work);
  bench_router_close (self->router);
}

/* The intervals of frames once all has settled. */
static void
watch (Bench *self, GArray *into, GArray *work, gint64 duration)
{
  bench_run_for (G_GINT64_CONSTANT (500000000));
  self->work = work;
  self->used = 0;
  bench_frame_watch_note (&self->frames, into);
  bench_run_for (duration);
  bench_frame_watch_note (&self->frames, NULL);
}

static void
submit (BenchTeam *team)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) task = ferry_executor_submit (team->executor, "nap", g_variant_new_int64 (TASK_TIME), &error);

  if (task == NULL)
    bench_fail ("a task", error);
}

static guint64
get_n_done (BenchTeam *team)
{
  guint64 n;

  g_object_get (team->executor, "n-completed", &n, NULL);
  return n;
}

static void
run_tasks (Bench *self, GArray *into, GArray *work, gboolean keep, gint64 duration)
{
  BenchTeam team;
  guint64 n_before;
  gint64 began;

  bench_team_open (&team, self->router, N_WORKERS);
  bench_team_warm_up (&team);
  g_object_set (team.executor, "keep-finished", keep ? N_TASKS : 0, NULL);
  for (guint i = 0; i < N_TASKS; i++)
    submit (&team);
  g_object_set (self->list, "model", team.executor, NULL);
  n_before = get_n_done (&team);
  began = bench_now ();
  watch (self, into, work, duration);
  self->seconds += (double) (bench_now () - began) / 1e9;
  self->n_done += get_n_done (&team) - n_before;
  g_object_set (self->list, "model", NULL, "executor", NULL, NULL);
  ferry_executor_cancel_all (team.executor);
  bench_team_close (&team);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  gint64 duration;
  Bench self;

  bench_frame_begin ("task-list", &options, &argc, &argv);
  bench_init (&self);
  duration = bench_choose (&options, 100, 1000, 3000) * G_GINT64_CONSTANT (1000000);
  for (guint round = 0; round < bench_choose (&options, 1, 3, options.rounds); round++)
    {
      watch (&self, self.control, self.control_work, duration);
      run_tasks (&self, self.leaving, self.leaving_work, FALSE, duration);
      run_tasks (&self, self.staying, self.staying_work, TRUE, duration);
    }
  bench_frame_print ("task-list", "control", self.control);
  bench_frame_print ("task-list", "leaving", self.leaving);
  bench_frame_print ("task-list", "staying", self.staying);
  bench_frame_print ("task-list", "control-work", self.control_work);
  bench_frame_print ("task-list", "leaving-work", self.leaving_work);
  bench_frame_print ("task-list", "staying-work", self.staying_work);
  bench_print ("task-list/rate", (double) self.n_done / self.seconds, "tasks/s");
  bench_frame_print_p99_over ("task-list/leaving", "control", self.leaving, self.control);
  bench_print_budget ("<= 2");
  bench_frame_print_p99_over ("task-list/staying", "control", self.staying, self.control);
  bench_print_budget ("<= 2");
  bench_clear (&self);
  return EXIT_SUCCESS;
}
