/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What it takes to start a process, and to ask one that is there: Ferry's ways and their peers, in turn; and the same
 * again in an application with a heap of 500 MB. */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench-asker.h"
#include "bench-python.h"
#include "bench-starters.h"
#include "bench-team.h"

#define HEAP (500 * (gsize) 1024 * 1024)
#define MAX_ROUNDS 16
#define PYTHON "start/python-forkserver"

enum
{
  WAY_FERRY_TASK,
  WAY_FERRY_FORKED,
  WAY_FERRY_EXECUTED,
  WAY_BARE_LIBC,
  WAY_BARE_GIO,
  WAY_POSIX_SPAWN,
  WAY_GSUBPROCESS,
  WAY_PYTHON_FORKSERVER,
  WAY_WARM_POOL,
  WAY_BARE_TRANSACTION,
  N_WAYS,
};

static const char *const names[N_WAYS] = {
  [WAY_FERRY_TASK] = "ferry-task",
  [WAY_FERRY_FORKED] = "ferry-forked-worker",
  [WAY_FERRY_EXECUTED] = "ferry-executed-worker",
  [WAY_BARE_LIBC] = "bare-fork-server-libc",
  [WAY_BARE_GIO] = "bare-fork-server-gio",
  [WAY_POSIX_SPAWN] = "posix-spawn",
  [WAY_GSUBPROCESS] = "gsubprocess",
  [WAY_PYTHON_FORKSERVER] = "python-forkserver",
  [WAY_WARM_POOL] = "warm-pool",
  [WAY_BARE_TRANSACTION] = "bare-transaction",
};

typedef struct
{
  gboolean heavy; /* with the heap */
  double instruction[N_WAYS][MAX_ROUNDS];
  double answer[N_WAYS][MAX_ROUNDS];
} Figures;

typedef struct
{
  FerryRouter *router;         /* (owned) */
  BenchTeam fresh;             /* a new worker for each task */
  FerryLauncher *launchers[2]; /* (owned) of plain workers: forked, executed */
  BenchTeam warm;
  BenchAsker *asker;        /* (owned) */
  BenchForkServer *bare[2]; /* (owned) with libc alone, with GIO */
  BenchPython *python;      /* (owned) (nullable) */
  const char *only;         /* (nullable): the one way to measure, for a profiler */
  guint n_starts;           /* each a round */
  guint n_trips;
  Figures light;
  Figures heavy;
} Bench;

static void
bench_init (Bench *self, const BenchOptions *options)
{
  g_autoptr (GVariant) first = NULL;
  g_autoptr (FerryLauncher) own = NULL;
  g_autoptr (FerryForkServer) fork_server = NULL;

  self->heavy.heavy = TRUE;
  self->only = options->only;
  self->n_starts = (guint) bench_choose (options, 1, 10, 40);
  self->n_trips = (guint) bench_choose (options, 20, 200, 1000);
  self->router = bench_router_open ();
  bench_team_open (&self->fresh, self->router, 1);
  g_object_set (self->fresh.pool, "max-tasks", 1, NULL);
  for (guint i = 0; i < 2; i++)
    {
      self->launchers[i] = bench_functions_launcher ();
      ferry_launcher_setenv (self->launchers[i], "FERRY_BENCH_TIME", "1");
    }
  own = bench_functions_launcher ();
  fork_server = ferry_fork_server_new (own);
  ferry_launcher_set_fork_server (self->launchers[0], fork_server);
  first = bench_team_ask (&self->fresh, "now", NULL);
  bench_team_open (&self->warm, self->router, 1);
  bench_team_warm_up (&self->warm);
  self->asker = bench_asker_new (self->router);
  self->bare[0] = bench_fork_server_new ("bench-fork-server-libc");
  self->bare[1] = bench_fork_server_new ("bench-fork-server-gio");
  self->python = bench_python_new (PYTHON);
}

static void
bench_clear (Bench *self)
{
  bench_python_free (self->python);
  bench_fork_server_free (self->bare[0]);
  bench_fork_server_free (self->bare[1]);
  bench_asker_free (self->asker);
  g_object_unref (self->launchers[0]);
  g_object_unref (self->launchers[1]);
  bench_team_close (&self->warm);
  bench_team_close (&self->fresh);
  bench_router_close (self->router);
}

/* A task in a worker that is started for it, forked by a fork server that is there. */
static BenchStart
start_ferry (Bench *self)
{
  BenchStart start;
  gint64 started;

  /* The last worker's end is in no other's figure. */
  while (bench_get_number (self->fresh.pool, "n-workers") > 0)
    g_main_context_iteration (NULL, TRUE);
  started = bench_now ();
  {
    g_autoptr (GVariant) told = bench_team_ask (&self->fresh, "now", NULL);

    start.answer = bench_now () - started;
    start.instruction = g_variant_get_int64 (told) - started;
  }
  return start;
}

static BenchStart
trip_warm (Bench *self)
{
  const gint64 started = bench_now ();
  g_autoptr (GVariant) result = bench_team_ask (&self->warm, "echo", g_variant_new_uint32 (7));

  return (BenchStart){0, bench_now () - started};
}

static BenchStart
trip_bare (Bench *self)
{
  const gint64 started = bench_now ();

  bench_asker_ask (self->asker, g_variant_new_uint32 (7));
  return (BenchStart){0, bench_now () - started};
}

static BenchStart
take (Bench *self, int way)
{
  switch (way)
    {
    case WAY_FERRY_TASK:
      return start_ferry (self);
    case WAY_FERRY_FORKED:
    case WAY_FERRY_EXECUTED:
      return bench_start_worker (self->launchers[way - WAY_FERRY_FORKED], self->router);
    case WAY_BARE_LIBC:
    case WAY_BARE_GIO:
      return bench_start_bare (self->bare[way - WAY_BARE_LIBC]);
    case WAY_POSIX_SPAWN:
      return bench_start_posix_spawn ();
    case WAY_GSUBPROCESS:
      return bench_start_gsubprocess ();
    case WAY_WARM_POOL:
      return trip_warm (self);
    case WAY_BARE_TRANSACTION:
    default:
      return trip_bare (self);
    }
}

static gboolean
is_measured (const Bench *self, int way)
{
  return way != WAY_PYTHON_FORKSERVER && (self->only == NULL || g_str_equal (names[way], self->only));
}

/* Takes n of each of the ways from first to last, in turn: each finds a machine that has done something else meanwhile,
 * and what changes on it meets all of them. */
static void
measure (Bench *self, Figures *figures, int first, int last, guint n, guint round)
{
  g_autofree double *values = g_new (double, 2 * N_WAYS * n);
  double *instructions = values;
  double *answers = values + N_WAYS * n;

  for (guint i = 0; i < n; i++)
    for (int way = first; way <= last; way++)
      if (is_measured (self, way))
        {
          const BenchStart start = take (self, way);

          instructions[way * n + i] = start.instruction / 1e3;
          answers[way * n + i] = start.answer / 1e3;
        }
  for (int way = first; way <= last; way++)
    if (is_measured (self, way))
      {
        figures->instruction[way][round] = bench_median (&instructions[way * n], n);
        figures->answer[way][round] = bench_median (&answers[way * n], n);
      }
}

/* Memory as malloc() has it, all of it touched, in pages of the usual size. */
static gpointer
heap_new (void)
{
  gpointer heap = mmap (NULL, HEAP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (heap == MAP_FAILED)
    bench_fail ("500 MB", NULL);
  madvise (heap, HEAP, MADV_NOHUGEPAGE);
  memset (heap, 1, HEAP);
  return heap;
}

static void
run_round (Bench *self, Figures *figures, guint round)
{
  gpointer heap = figures->heavy ? heap_new () : NULL;

  measure (self, figures, 0, WAY_GSUBPROCESS, self->n_starts, round);
  if (self->python != NULL && !figures->heavy && self->only == NULL)
    figures->instruction[WAY_PYTHON_FORKSERVER][round] = bench_python_ask (self->python, "start", self->n_starts) / 1e3;
  for (int way = WAY_WARM_POOL; way < N_WAYS; way++)
    measure (self, figures, way, way, self->n_trips, round);
  if (heap != NULL)
    munmap (heap, HEAP);
}

static void
print_figures (const Figures *figures, guint n_rounds)
{
  const char *suffix = figures->heavy ? "/500-MB-heap" : "";

  for (int way = 0; way < N_WAYS; way++)
    {
      const double instruction = bench_median (figures->instruction[way], n_rounds);
      const double answer = bench_median (figures->answer[way], n_rounds);
      const char *group = way >= WAY_WARM_POOL ? "round-trip" : "start";
      g_autofree char *first = g_strdup_printf ("%s/%s/first-instruction%s", group, names[way], suffix);
      g_autofree char *whole =
        g_strdup_printf ("%s/%s%s%s", group, names[way], way >= WAY_WARM_POOL ? "" : "/answer", suffix);

      if (instruction > 0)
        bench_print (first, instruction, "us");
      if (answer > 0)
        bench_print (whole, answer, "us");
    }
}

static void
print_ratio (const char *name, const double *values, const double *base, guint n_rounds, const char *budget)
{
  bench_print (name, bench_median_ratio (values, base, n_rounds), "ratio");
  if (budget != NULL)
    bench_print_budget (budget);
}

static void
print_ratios (const Bench *self, guint n_rounds)
{
  const Figures *light = &self->light;
  const Figures *heavy = &self->heavy;

  print_ratio ("ratio/start/vs-bare-fork-server", light->instruction[WAY_FERRY_TASK], light->instruction[WAY_BARE_GIO],
               n_rounds, "<= 2");
  print_ratio ("ratio/start/forked-worker-vs-bare-fork-server", light->instruction[WAY_FERRY_FORKED],
               light->instruction[WAY_BARE_GIO], n_rounds, "<= 2");
  print_ratio ("ratio/start/vs-bare-fork-server-libc", light->instruction[WAY_FERRY_TASK],
               light->instruction[WAY_BARE_LIBC], n_rounds, NULL);
  print_ratio ("ratio/start/vs-posix-spawn", light->instruction[WAY_FERRY_TASK], light->instruction[WAY_POSIX_SPAWN],
               n_rounds, NULL);
  print_ratio ("ratio/start/500-MB-heap-vs-none", heavy->instruction[WAY_FERRY_TASK],
               light->instruction[WAY_FERRY_TASK], n_rounds, "about 1");
  print_ratio ("ratio/round-trip/vs-bare-transaction", light->answer[WAY_WARM_POOL],
               light->answer[WAY_BARE_TRANSACTION], n_rounds, "<= 2");
  print_ratio ("ratio/round-trip/500-MB-heap-vs-none", heavy->answer[WAY_WARM_POOL], light->answer[WAY_WARM_POOL],
               n_rounds, "about 1");
  print_ratio ("ratio/gsubprocess/500-MB-heap-vs-none", heavy->instruction[WAY_GSUBPROCESS],
               light->instruction[WAY_GSUBPROCESS], n_rounds, NULL);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  Bench self = {0};
  guint n_rounds;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  n_rounds = (guint) bench_choose (&options, 1, 5, 9);
  bench_init (&self, &options);
  for (guint round = 0; round < n_rounds; round++)
    {
      run_round (&self, &self.light, round);
      run_round (&self, &self.heavy, round);
    }
  print_figures (&self.light, n_rounds);
  print_figures (&self.heavy, n_rounds);
  if (options.only == NULL)
    print_ratios (&self, n_rounds);
  bench_clear (&self);
  return EXIT_SUCCESS;
}
