/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks on another host, by way of a NATS server: how many a second, and how soon one begins and ends, beside a pool of
 * this machine and beside Gearman. All of it is on one machine, so the processors are shared by the application, the
 * server, the host and what it is compared with. */

#include "config.h"

#include <ferry-cluster.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bench-common.h"
#include "bench-gearman.h"
#include "bench-nats.h"
#include "bench-team.h"

#define N_WORKERS 2
#define PAYLOAD_SIZE 200
#define N_UNDER_WAY 1000
#define MAX_ROUNDS 16
#define PATIENCE (60 * G_GINT64_CONSTANT (1000000000))
#define APPLICATION "bench"

/* A task is run once at most, or is idempotent, or is run by a pool of this machine. The last ways need a server
 * with TLS. */
enum
{
  ONCE,
  IDEMPOTENT,
  LOCAL,
  ONCE_TLS,
  IDEMPOTENT_TLS,
  N_WAYS,
};

static const char *const names[N_WAYS] = {"once", "idempotent", "local-pool", "once-tls", "idempotent-tls"};

/* A server, what the application has of it, and a host. */
typedef struct
{
  BenchNats nats;
  FerryCluster *cluster;   /* (owned) */
  FerryExecutor *executor; /* (owned): of the cluster */
  GSubprocess *host;       /* (owned): ferry-host with the functions of the benches */
} Site;

typedef struct
{
  const BenchOptions *options;
  FerryRouter *router; /* (unowned) */
  Site plain;
  Site secure;  /* with TLS */
  guint n_ways; /* that this machine has */
  BenchTeam local;
  BenchGearman *gearman; /* (owned) (nullable) */
  char payload[PAYLOAD_SIZE + 1];
} Bench;

static FerryTask *
submit_task (Bench *self, guint way, const char *function, GVariant *arguments)
{
  Site *site = way >= ONCE_TLS ? &self->secure : &self->plain;
  g_autoptr (GError) error = NULL;
  FerryTask *task;

  if (way == LOCAL)
    return bench_team_submit (&self->local, function, arguments);
  task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);
  g_object_set (task, "idempotent", way == IDEMPOTENT || way == IDEMPOTENT_TLS, NULL);
  if (!ferry_executor_submit_task (site->executor, task, &error))
    bench_fail ("a task was not taken", error);
  return task;
}

/* ---- how many a second ---- */

typedef struct
{
  Bench *bench;
  guint way;
  guint n_left; /* tasks to submit */
  guint n_awaited;
} Flow;

static void submit (Flow *self);

static void
done_cb (FerryTask *task, gpointer user_data)
{
  Flow *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  if (result == NULL || strcmp (g_variant_get_string (result, NULL), self->bench->payload) != 0)
    bench_fail ("a task", error);
  self->n_awaited--;
  if (self->n_left > 0)
    submit (self);
}

static void
submit (Flow *self)
{
  g_autoptr (FerryTask) task =
    submit_task (self->bench, self->way, "echo", g_variant_new_string (self->bench->payload));

  self->n_left--;
  g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
}

/* Tasks a second. */
static double
measure_rate (Bench *self, guint n, guint way)
{
  Flow flow = {self, way, n, n};
  const gint64 started = bench_now ();

  for (guint i = 0; i < MIN (n, N_UNDER_WAY); i++)
    submit (&flow);
  while (flow.n_awaited > 0)
    g_main_context_iteration (NULL, TRUE);
  return n * 1e9 / (bench_now () - started);
}

/* Values of the ways, and of Gearman, in the same rounds. */
static void
print_rates (Bench *self, double (*rates)[MAX_ROUNDS], const double *gearman)
{
  static const char *const budgets[LOCAL] = {">= 2", ">= 3"};
  const guint n_rounds = self->options->rounds;

  for (guint way = 0; way < self->n_ways; way++)
    bench_print_as (bench_median (rates[way], n_rounds), "tasks/s", "cluster/tasks/%s", names[way]);
  bench_print ("ratio/cluster/tasks/idempotent/vs-local-pool",
               bench_median_ratio (rates[IDEMPOTENT], rates[LOCAL], n_rounds), "ratio");
  bench_print_budget (">= 0.5");
  for (guint way = ONCE_TLS; way < self->n_ways; way++)
    bench_print_as (bench_median_ratio (rates[way], rates[way - ONCE_TLS], n_rounds), "ratio",
                    "ratio/cluster/tasks/%s/vs-%s", names[way], names[way - ONCE_TLS]);
  if (self->gearman == NULL)
    return;
  bench_print ("cluster/tasks/gearman", bench_median (gearman, n_rounds), "tasks/s");
  for (guint way = 0; way < LOCAL; way++)
    {
      bench_print_as (bench_median_ratio (rates[way], gearman, n_rounds), "ratio", "ratio/cluster/tasks/%s/vs-gearman",
                      names[way]);
      bench_print_budget (budgets[way]);
    }
}

static void
run_rates (Bench *self)
{
  const guint n = (guint) bench_choose (self->options, 2000, 10000, 50000);
  double rates[N_WAYS][MAX_ROUNDS], gearman[MAX_ROUNDS];

  for (guint way = 0; way < self->n_ways; way++)
    measure_rate (self, n / 10, way);
  for (guint round = 0; round < self->options->rounds; round++)
    {
      for (guint way = 0; way < self->n_ways; way++)
        rates[way][round] = measure_rate (self, n, way);
      if (self->gearman != NULL)
        gearman[round] = bench_gearman_measure_rate (self->gearman, self->payload, n, N_UNDER_WAY);
    }
  print_rates (self, rates, gearman);
}

/* ---- how soon one begins, and ends ---- */

/* From the submission on, in ns. */
typedef struct
{
  GArray *first; /* (element-type double): to the function's first instruction */
  GArray *end;   /* (element-type double): to the result */
} Trips;

static void
trips_init (Trips *self)
{
  self->first = g_array_new (FALSE, FALSE, sizeof (double));
  self->end = g_array_new (FALSE, FALSE, sizeof (double));
}

static void
trips_clear (Trips *self)
{
  g_array_unref (self->first);
  g_array_unref (self->end);
}

static void
note_trip (GArray *times, double time)
{
  g_array_append_val (times, time);
}

static void
measure_trip (Bench *self, guint way, Trips *trips)
{
  const gint64 started = bench_now ();
  g_autoptr (FerryTask) task = submit_task (self, way, "now", NULL);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  gint64 ended;

  while (!ferry_task_get_done (task))
    g_main_context_iteration (NULL, TRUE);
  ended = bench_now ();
  result = ferry_task_get_result (task, &error);
  if (result == NULL)
    bench_fail ("a task", error);
  note_trip (trips->first, (double) (g_variant_get_int64 (result) - started));
  note_trip (trips->end, (double) (ended - started));
}

static void
measure_gearman_trip (Bench *self, Trips *trips)
{
  double begin, end;

  bench_gearman_measure_trip (self->gearman, &begin, &end);
  note_trip (trips->first, begin);
  note_trip (trips->end, end);
}

static void
print_trips (const char *name, const Trips *trips)
{
  bench_print_as (bench_array_quantile (trips->first, 0.5) / 1e3, "us", "cluster/begin/%s/p50", name);
  bench_print_as (bench_array_quantile (trips->end, 0.5) / 1e3, "us", "cluster/end/%s/p50", name);
}

/* In turn, so that all of them meet the same neighbours. */
static void
run_trips (Bench *self)
{
  const guint n = (guint) bench_choose (self->options, 50, 1000, 5000);
  Trips trips[N_WAYS], gearman;

  for (guint way = 0; way < self->n_ways; way++)
    trips_init (&trips[way]);
  trips_init (&gearman);
  for (guint i = 0; i < n; i++)
    {
      for (guint way = 0; way < self->n_ways; way++)
        measure_trip (self, way, &trips[way]);
      if (self->gearman != NULL)
        measure_gearman_trip (self, &gearman);
    }
  for (guint way = 0; way < self->n_ways; way++)
    {
      print_trips (names[way], &trips[way]);
      trips_clear (&trips[way]);
    }
  if (self->gearman != NULL)
    print_trips ("gearman", &gearman);
  trips_clear (&gearman);
}

/* Returns FALSE when the machine has not what the server needs. */
static gboolean
open_site (Site *self, FerryRouter *router, gboolean secure)
{
  g_autofree char *program = bench_path_beside ("../../router/cluster/ferry-host");
  g_autofree char *functions = bench_path_beside ("bench-functions");
  const gint64 end = bench_now () + PATIENCE;

  if (!bench_nats_open (&self->nats, secure ? BENCH_NATS_SECURE : BENCH_NATS_PLAIN))
    return FALSE;
  self->cluster = ferry_cluster_new (router, self->nats.url, APPLICATION);
  g_object_set (self->cluster, "tls-ca-file", self->nats.certificate, NULL);
  self->executor = ferry_executor_new_for_runner (FERRY_RUNNER (self->cluster));
  /* Without TLS the list ends where the certificate is. */
  self->host = bench_nats_spawn ((const char *const[]){
    program, "--server", self->nats.url, "--application", APPLICATION, "--name", "host", "--workers",
    G_STRINGIFY (N_WORKERS), secure ? "--tls-ca" : functions, self->nats.certificate, functions, NULL});
  while (g_list_model_get_n_items (ferry_cluster_get_hosts (self->cluster)) == 0)
    {
      g_autoptr (GError) error = NULL;

      g_object_get (self->cluster, "error", &error, NULL);
      if (bench_now () > end)
        bench_fail ("the host does not come", error);
      bench_pause (1000000);
      g_main_context_iteration (NULL, FALSE);
    }
  return TRUE;
}

/* The host leaves by itself, so that its workers do not outlive it. */
static void
close_site (Site *self)
{
  g_subprocess_send_signal (self->host, SIGTERM);
  g_subprocess_wait (self->host, NULL, NULL);
  g_object_unref (self->host);
  g_clear_object (&self->executor);
  ferry_cluster_close (self->cluster);
  g_clear_object (&self->cluster);
  bench_nats_close (&self->nats);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  Bench self = {.options = &options};

  /* The bench starts itself for Gearman's workers. */
  if (argc == 3 && g_str_equal (argv[1], "gearman-work"))
    return bench_gearman_work (argv[2]);
  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  memset (self.payload, 'x', PAYLOAD_SIZE);
  self.router = bench_router_open ();
  if (!open_site (&self.plain, self.router, FALSE))
    {
      bench_router_close (self.router);
      return EXIT_SUCCESS;
    }
  self.n_ways = open_site (&self.secure, self.router, TRUE) ? N_WAYS : ONCE_TLS;
  bench_team_open (&self.local, self.router, N_WORKERS);
  bench_team_warm_up (&self.local);
  self.gearman = bench_gearman_new (N_WORKERS, NULL);
  run_rates (&self);
  run_trips (&self);
  if (self.gearman != NULL)
    bench_gearman_free (self.gearman);
  bench_team_close (&self.local);
  if (self.n_ways == N_WAYS)
    close_site (&self.secure);
  close_site (&self.plain);
  bench_router_close (self.router);
  return EXIT_SUCCESS;
}
