/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tiny tasks through a warm pool of two: how many a second beside Python's pool, how much that depends on the length of
 * the queue, and what a task that waits takes. A function gives back its argument. */

#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "bench-common.h"
#include "bench-proc.h"
#include "bench-python.h"
#include "bench-team.h"

#define N_WORKERS 2
#define SHORT_QUEUE 100
#define LONG_QUEUE 100000
#define MAX_ROUNDS 16

typedef struct
{
  BenchTeam team;
  guint64 n_submitted;
  guint64 n_done;
  gboolean refilling; /* a task that is done makes room for another */
} Bench;

static void submit (Bench *self);

static void
done_cb (FerryTask *task, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  if (result == NULL || g_variant_get_uint64 (result) >= self->n_submitted)
    bench_fail ("a task", error);
  self->n_done++;
  if (self->refilling)
    submit (self);
}

static void
submit (Bench *self)
{
  g_autoptr (FerryTask) task = bench_team_submit (&self->team, "echo", g_variant_new_uint64 (self->n_submitted++));

  g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
}

static void
run_until_done (Bench *self)
{
  self->refilling = FALSE;
  while (self->n_done < self->n_submitted)
    g_main_context_iteration (NULL, TRUE);
}

/* Tasks a second while as many as that wait; cpu: what one costs this thread, in ns. */
static double
measure_rate (Bench *self, const BenchOptions *options, guint length, double *cpu)
{
  gint64 started, used;
  guint64 before;
  double rate;

  self->refilling = TRUE;
  while (self->n_submitted - self->n_done < length)
    submit (self);
  bench_run_for (options->warm_up);
  before = self->n_done;
  used = bench_thread_cpu ();
  started = bench_now ();
  bench_run_for (options->window);
  rate = (self->n_done - before) * 1e9 / (bench_now () - started);
  *cpu = (double) (bench_thread_cpu () - used) / (self->n_done - before);
  self->refilling = FALSE;
  return rate;
}

/* What a task that waits takes in memory, in bytes; rate: how many are taken a second. */
static double
measure_memory (Bench *self, guint n, double *rate)
{
  const gint64 before = bench_proc_resident (getpid (), NULL);
  const gint64 started = bench_now ();

  for (guint i = 0; i < n; i++)
    submit (self);
  *rate = n * 1e9 / (bench_now () - started);
  return (bench_proc_resident (getpid (), NULL) - before) * 1024.0 / n;
}

static void
print_rates (double (*rates)[MAX_ROUNDS], double (*costs)[MAX_ROUNDS], guint n_rounds)
{
  bench_print ("tasks/100-queued", bench_median (rates[0], n_rounds), "tasks/s");
  bench_print ("tasks/100000-queued", bench_median (rates[1], n_rounds), "tasks/s");
  bench_print ("ratio/tasks/100000-queued-vs-100", bench_median_ratio (rates[1], rates[0], n_rounds), "ratio");
  bench_print ("tasks/100-queued/cpu", bench_median (costs[0], n_rounds), "ns");
  bench_print ("tasks/100000-queued/cpu", bench_median (costs[1], n_rounds), "ns");
  if (rates[2][0] == 0)
    return;
  bench_print ("tasks/python", bench_median (rates[2], n_rounds), "tasks/s");
  bench_print ("ratio/tasks/vs-python", bench_median_ratio (rates[0], rates[2], n_rounds), "ratio");
  bench_print_budget (">= 20");
}

static void
run (Bench *self, const BenchOptions *options, BenchPython *python)
{
  double rates[3][MAX_ROUNDS] = {0}, costs[2][MAX_ROUNDS] = {0};
  const guint n_rounds = options->rounds;
  double memory, submissions, drained;

  memory = measure_memory (self, LONG_QUEUE, &submissions);
  drained = (double) bench_now ();
  run_until_done (self);
  drained = LONG_QUEUE * 1e9 / ((double) bench_now () - drained);
  for (guint round = 0; round < n_rounds; round++)
    {
      rates[0][round] = measure_rate (self, options, SHORT_QUEUE, &costs[0][round]);
      run_until_done (self);
      if (python != NULL)
        rates[2][round] = bench_python_ask (python, "tasks", (guint) bench_choose (options, 30, 300, 2000));
      rates[1][round] = measure_rate (self, options, LONG_QUEUE, &costs[1][round]);
      run_until_done (self);
    }
  print_rates (rates, costs, n_rounds);
  bench_print ("tasks/100000-drained", drained, "tasks/s");
  bench_print ("tasks/submit", submissions, "tasks/s");
  bench_print ("memory/queued-task", memory, "bytes");
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  BenchPython *python;
  FerryRouter *router;
  Bench self = {0};

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  router = bench_router_open ();
  bench_team_open (&self.team, router, N_WORKERS);
  bench_team_warm_up (&self.team);
  python = bench_python_new ("tasks/python");
  run (&self, &options, python);
  bench_python_free (python);
  bench_team_close (&self.team);
  bench_router_close (router);
  return EXIT_SUCCESS;
}
