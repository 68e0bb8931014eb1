/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Short commands through two workers, beside GSubprocess that is started two at a time from the main loop, in turn; and
 * how late a main loop is meanwhile that has something to do for each frame. */

#include "config.h"

#include <stdlib.h>

#include "bench-common.h"
#include "bench-team.h"

#define N_WORKERS 2
#define UNDER_WAY 100
#define MAX_ROUNDS 16
#define FRAME 16667 /* µs */

enum
{
  FERRY,
  GSUBPROCESS,
  N_WAYS,
};

static const char *const names[N_WAYS] = {"commands/10000-true", "commands/10000-true/gsubprocess"};

typedef struct
{
  FerryExecutor *executor; /* (owned) */
  FerryCommand *command;   /* (owned) */
  guint n_left;            /* are to be begun */
  guint n_open;            /* have begun */
  gint64 due;              /* when the next frame is, in µs */
  GArray *late[N_WAYS];    /* (owned) (element-type double): how late frames were, in ms */
  GArray *into;            /* (unowned): where that goes now */
} Bench;

static void ask_command (Bench *self);
static void ask_subprocess (Bench *self);

/* ---- the ways ---- */

static void
done_cb (FerryTask *task, gpointer user_data)
{
  Bench *self = user_data;

  if (ferry_task_get_state (task) != FERRY_TASK_STATE_COMPLETED)
    bench_fail ("true", ferry_task_get_error (task));
  self->n_open--;
  ask_command (self);
}

static void
ask_command (Bench *self)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;

  if (self->n_left == 0)
    return;
  task = ferry_executor_submit_command (self->executor, self->command, &error);
  if (task == NULL)
    bench_fail ("true", error);
  g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
  self->n_left--;
  self->n_open++;
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!g_subprocess_wait_check_finish (G_SUBPROCESS (source), result, &error))
    bench_fail ("true", error);
  self->n_open--;
  ask_subprocess (self);
}

static void
ask_subprocess (Bench *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;

  if (self->n_left == 0)
    return;
  process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "true", NULL);
  if (process == NULL)
    bench_fail ("true", error);
  g_subprocess_wait_check_async (process, NULL, ended_cb, self);
  self->n_left--;
  self->n_open++;
}

/* Commands a second. */
static double
measure (Bench *self, int way, guint n_commands)
{
  const gint64 started = bench_now ();
  const guint n_begun = MIN (n_commands, way == FERRY ? UNDER_WAY : N_WORKERS);

  self->into = self->late[way];
  self->n_left = n_commands;
  for (guint i = 0; i < n_begun; i++)
    (way == FERRY ? ask_command : ask_subprocess) (self);
  while (self->n_left > 0 || self->n_open > 0)
    g_main_context_iteration (NULL, TRUE);
  self->into = NULL;
  return n_commands * 1e9 / (bench_now () - started);
}

/* ---- frames ---- */

static gboolean
frame_cb (gpointer user_data)
{
  Bench *self = user_data;
  const gint64 now = g_get_monotonic_time ();
  const double late = (now - self->due) / 1e3;

  if (self->into != NULL)
    g_array_append_val (self->into, late);
  self->due = MAX (self->due + FRAME, now);
  g_source_set_ready_time (g_main_current_source (), self->due);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

/* (transfer full): as a window's frame clock. */
static GSource *
start_frames (Bench *self)
{
  static GSourceFuncs funcs = {.dispatch = dispatch};
  GSource *source = g_source_new (&funcs, sizeof (GSource));

  self->due = g_get_monotonic_time () + FRAME;
  g_source_set_callback (source, frame_cb, self, NULL);
  g_source_set_priority (source, G_PRIORITY_HIGH_IDLE + 20);
  g_source_set_ready_time (source, self->due);
  g_source_attach (source, NULL);
  return source;
}

/* ---- the run ---- */

static void
run (Bench *self, const BenchOptions *options)
{
  const guint n_commands = (guint) bench_choose (options, 20, 1000, 10000) / options->rounds;
  double rates[N_WAYS][MAX_ROUNDS];

  /* The workers start. */
  measure (self, FERRY, 2 * N_WORKERS);
  measure (self, GSUBPROCESS, 2 * N_WORKERS);
  for (int way = 0; way < N_WAYS; way++)
    g_array_set_size (self->late[way], 0);
  for (guint round = 0; round < options->rounds; round++)
    for (int way = 0; way < N_WAYS; way++)
      rates[way][round] = measure (self, way, n_commands);
  for (int way = 0; way < N_WAYS; way++)
    {
      bench_print (names[way], bench_median (rates[way], options->rounds), "commands/s");
      if (self->late[way]->len > 0)
        bench_print_as (bench_array_quantile (self->late[way], 0.99), "ms", "%s/frame-late-p99", names[way]);
    }
  bench_print ("ratio/commands/10000-true-vs-gsubprocess",
               bench_median_ratio (rates[FERRY], rates[GSUBPROCESS], options->rounds), "ratio");
  bench_print_budget (">= 1");
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  Bench self = {0};
  g_autoptr (GSource) frames = NULL;
  g_autoptr (GError) error = NULL;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  self.executor = ferry_executor_new_for_commands (&error);
  if (self.executor == NULL)
    bench_fail ("an executor", error);
  ferry_pool_set_max_workers (ferry_executor_get_pool (self.executor), N_WORKERS);
  self.command = ferry_command_new ((const char *const[]){"true", NULL});
  for (int way = 0; way < N_WAYS; way++)
    self.late[way] = g_array_new (FALSE, FALSE, sizeof (double));
  frames = start_frames (&self);
  run (&self, &options);
  g_source_destroy (frames);
  for (int way = 0; way < N_WAYS; way++)
    g_array_unref (self.late[way]);
  g_object_unref (self.command);
  ferry_executor_stop (self.executor);
  g_object_unref (self.executor);
  return EXIT_SUCCESS;
}
