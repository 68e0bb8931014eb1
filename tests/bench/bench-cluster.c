/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks on other hosts, by way of a NATS server: how many a second beside bare requests of the same server, how soon
 * one begins, and how busy several hosts are kept. All of it is on one machine, so the processors are shared by the
 * application, the server, the hosts and what it is compared with. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bench-common.h"
#include "bench-crowd.h"
#include "bench-hosts.h"
#include "bench-many-hosts.h"
#include "bench-peers.h"
#include "bench-team.h"

#define N_WORKERS 2
#define PAYLOAD_SIZE 200
#define N_UNDER_WAY 1000
#define NAP_US 10000
#define MAX_HOSTS 8
#define MAX_ROUNDS 16

/* A task is run once at most, or is idempotent. The last ways need a server with TLS. */
static const struct
{
  const char *name;
  gboolean idempotent;
  gboolean secure;
} ways[] = {
  {"once", FALSE, FALSE}, {"idempotent", TRUE, FALSE}, {"once-tls", FALSE, TRUE}, {"idempotent-tls", TRUE, TRUE}};

#define N_WAYS G_N_ELEMENTS (ways)
#define N_PLAIN_WAYS 2

#define N_PEERS 2

typedef struct
{
  const BenchPeer *kind;
  gpointer peer; /* (owned) */
} Peer;

typedef struct
{
  const BenchOptions *options;
  FerryRouter *router; /* (unowned) */
  BenchNats nats;
  BenchNats secure_nats;
  BenchHosts hosts;
  BenchHosts secure_hosts; /* one */
  guint n_ways;            /* that this machine has */
  BenchRequests *requests; /* (owned) */
  Peer peers[N_PEERS];
  guint n_peers; /* that this machine has */
  char payload[PAYLOAD_SIZE + 1];
} Bench;

static FerryTask *
submit_to_hosts (Bench *self, guint way, const char *function, GVariant *arguments)
{
  return bench_hosts_submit (ways[way].secure ? &self->secure_hosts : &self->hosts, function, arguments,
                             ways[way].idempotent);
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
    submit_to_hosts (self->bench, self->way, "echo", g_variant_new_string (self->bench->payload));

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

/* Values of the ways and of the peers, in the same rounds. */
static void
print_rates (Bench *self, const double *floors, double (*rates)[MAX_ROUNDS], double (*peers)[MAX_ROUNDS])
{
  const guint n_rounds = self->options->rounds;

  bench_print ("cluster/tasks/nats-requests", bench_median (floors, n_rounds), "tasks/s");
  for (guint i = 0; i < self->n_peers; i++)
    bench_print_as (bench_median (peers[i], n_rounds), "tasks/s", "cluster/tasks/%s", self->peers[i].kind->name);
  for (guint way = 0; way < self->n_ways; way++)
    {
      bench_print_as (bench_median (rates[way], n_rounds), "tasks/s", "cluster/tasks/%s", ways[way].name);
      bench_print_as (bench_median_ratio (rates[way], floors, n_rounds), "ratio",
                      "ratio/cluster/tasks/%s/vs-nats-requests", ways[way].name);
      bench_print_budget (">= 0.5");
      for (guint i = 0; i < self->n_peers; i++)
        {
          bench_print_as (bench_median_ratio (rates[way], peers[i], n_rounds), "ratio", "ratio/cluster/tasks/%s/vs-%s",
                          ways[way].name, self->peers[i].kind->name);
          bench_print_budget (">= 5");
        }
    }
}

static void
run_rates (Bench *self)
{
  const guint n_rounds = self->options->rounds;
  const guint n = (guint) bench_choose (self->options, 2000, 10000, 50000);
  double floors[MAX_ROUNDS], rates[N_WAYS][MAX_ROUNDS], peers[N_PEERS][MAX_ROUNDS];

  for (guint way = 0; way < self->n_ways; way++)
    measure_rate (self, n / 10, way);
  for (guint round = 0; round < n_rounds; round++)
    {
      floors[round] = bench_requests_rate (self->requests, self->payload, n, N_UNDER_WAY);
      for (guint way = 0; way < self->n_ways; way++)
        rates[way][round] = measure_rate (self, n, way);
      for (guint i = 0; i < self->n_peers; i++)
        peers[i][round] = self->peers[i].kind->measure_rate (self->peers[i].peer, self->payload,
                                                             n / self->peers[i].kind->divisor, N_UNDER_WAY);
    }
  print_rates (self, floors, rates, peers);
}

/* ---- how soon one begins, and ends ---- */

/* From the submission on, in ns. */
typedef struct
{
  GArray *first; /* (element-type double): to the function's first instruction */
  GArray *known; /* (element-type double): until the application knows that it begins */
  GArray *end;   /* (element-type double): to the result */
} Trips;

static void
trips_init (Trips *self)
{
  self->first = g_array_new (FALSE, FALSE, sizeof (double));
  self->known = g_array_new (FALSE, FALSE, sizeof (double));
  self->end = g_array_new (FALSE, FALSE, sizeof (double));
}

static void
trips_clear (Trips *self)
{
  g_array_unref (self->first);
  g_array_unref (self->known);
  g_array_unref (self->end);
}

static void
note_trip (GArray *times, double time)
{
  g_array_append_val (times, time);
}

static void
note_state (FerryTask *task, GParamSpec *pspec, gpointer user_data)
{
  gint64 *begun = user_data;

  if (*begun == 0 && ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING)
    *begun = bench_now ();
}

static void
measure_trip (Bench *self, guint way, Trips *trips)
{
  const gint64 started = bench_now ();
  g_autoptr (FerryTask) task = submit_to_hosts (self, way, "now", NULL);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  gint64 begun = 0;
  gint64 ended;

  g_signal_connect (task, "notify::state", G_CALLBACK (note_state), &begun);
  while (!ferry_task_get_done (task))
    g_main_context_iteration (NULL, TRUE);
  ended = bench_now ();
  result = ferry_task_get_result (task, &error);
  if (result == NULL || begun == 0)
    bench_fail ("a task", error);
  note_trip (trips->first, (double) (g_variant_get_int64 (result) - started));
  note_trip (trips->known, (double) (begun - started));
  note_trip (trips->end, (double) (ended - started));
}

static void
measure_peer_trip (Bench *self, guint i, Trips *trips)
{
  double begin, end;

  self->peers[i].kind->measure_trip (self->peers[i].peer, &begin, &end);
  note_trip (trips->first, begin);
  note_trip (trips->end, end);
}

/* In turn, so that all of them meet the same neighbours. */
static void
measure_trips (Bench *self, guint n, GArray *requests, Trips *trips, Trips *peers)
{
  for (guint i = 0; i < n; i++)
    {
      note_trip (requests, bench_requests_trip (self->requests, self->payload));
      for (guint way = 0; way < self->n_ways; way++)
        measure_trip (self, way, &trips[way]);
      for (guint peer = 0; peer < self->n_peers && i % self->peers[peer].kind->divisor == 0; peer++)
        measure_peer_trip (self, peer, &peers[peer]);
    }
}

static double
get_median (const GArray *times)
{
  return bench_array_quantile (times, 0.5);
}

/* requests: how long bare requests took. */
static void
print_begin (const GArray *times, const GArray *requests, const char *name)
{
  bench_print_as (get_median (times) / 1e3, "us", "cluster/begin/%s/p50", name);
  bench_print_as (get_median (times) / get_median (requests), "ratio", "ratio/cluster/begin/%s/vs-nats-request", name);
  bench_print_budget ("<= 1.5");
}

static void
print_trips (Bench *self, const char *name, const Trips *trips, const GArray *requests, const Trips *peers)
{
  g_autofree char *known = g_strconcat (name, "/known", NULL);

  print_begin (trips->first, requests, name);
  print_begin (trips->known, requests, known);
  bench_print_as (get_median (trips->end) / 1e3, "us", "cluster/end/%s/p50", name);
  bench_print_as (get_median (trips->end) / get_median (requests), "ratio", "ratio/cluster/end/%s/vs-nats-request",
                  name);
  for (guint i = 0; i < self->n_peers; i++)
    bench_print_as (get_median (trips->end) / get_median (peers[i].end), "ratio", "ratio/cluster/end/%s/vs-%s", name,
                    self->peers[i].kind->name);
}

static void
run_trips (Bench *self)
{
  g_autoptr (GArray) requests = g_array_new (FALSE, FALSE, sizeof (double));
  Trips trips[N_WAYS], peers[N_PEERS];

  for (guint way = 0; way < self->n_ways; way++)
    trips_init (&trips[way]);
  for (guint i = 0; i < self->n_peers; i++)
    trips_init (&peers[i]);
  measure_trips (self, (guint) bench_choose (self->options, 50, 1000, 5000), requests, trips, peers);
  bench_print ("cluster/end/nats-request/p50", get_median (requests) / 1e3, "us");
  for (guint i = 0; i < self->n_peers; i++)
    {
      bench_print_as (get_median (peers[i].first) / 1e3, "us", "cluster/begin/%s/p50", self->peers[i].kind->name);
      bench_print_as (get_median (peers[i].end) / 1e3, "us", "cluster/end/%s/p50", self->peers[i].kind->name);
    }
  for (guint way = 0; way < self->n_ways; way++)
    {
      print_trips (self, ways[way].name, &trips[way], requests, peers);
      trips_clear (&trips[way]);
    }
  for (guint i = 0; i < self->n_peers; i++)
    trips_clear (&peers[i]);
}

/* ---- how busy hosts are kept ---- */

/* Which part of the time that all workers have together they sleep for tasks. */
static double
measure_naps (FerryExecutor *executor, guint n_workers, guint n)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;
  const gint64 started = bench_now ();

  for (guint i = 0; i < n; i++)
    {
      FerryTask *task = ferry_executor_submit (executor, "nap", g_variant_new_int64 (NAP_US), &error);

      if (task == NULL)
        bench_fail ("a task was not taken", error);
      g_ptr_array_add (tasks, task);
    }
  for (guint i = 0; i < n; i++)
    {
      while (!ferry_task_get_done (tasks->pdata[i]))
        g_main_context_iteration (NULL, TRUE);
      if (ferry_task_get_error (tasks->pdata[i]) != NULL)
        bench_fail ("a task", ferry_task_get_error (tasks->pdata[i]));
    }
  return n * NAP_US * 1e3 / n_workers / (bench_now () - started);
}

/* Beside a pool of this machine with as many workers, which meets the same neighbours. */
static void
run_naps (Bench *self, guint n_hosts)
{
  const guint n_workers = n_hosts * N_WORKERS;
  const guint n = n_workers * (guint) bench_choose (self->options, 5, 30, 100);
  g_autofree char *row = g_strdup_printf ("cluster/efficiency/%u-hosts", n_hosts);
  g_autofree char *local_row = g_strdup_printf ("cluster/efficiency/%u-hosts/local-pool", n_hosts);
  double hosts[MAX_ROUNDS], local[MAX_ROUNDS];
  BenchTeam team;

  bench_team_open (&team, self->router, n_workers);
  bench_team_warm_up (&team);
  bench_hosts_grow (&self->hosts, n_hosts, N_WORKERS);
  /* Hosts start their workers with the first tasks, and learn how long these take. */
  measure_naps (self->hosts.executor, n_workers, 5 * n_workers);
  for (guint round = 0; round < self->options->rounds; round++)
    {
      local[round] = measure_naps (team.executor, n_workers, n);
      hosts[round] = measure_naps (self->hosts.executor, n_workers, n);
    }
  bench_team_close (&team);
  bench_print (row, bench_median (hosts, self->options->rounds), "ratio");
  bench_print_budget (">= 0.95");
  bench_print (local_row, bench_median (local, self->options->rounds), "ratio");
}

/* ---- the program ---- */

static void
open_peers (Bench *self)
{
  static const BenchPeer *const kinds[N_PEERS] = {&bench_gearman, &bench_dask};

  for (guint i = 0; i < N_PEERS; i++)
    {
      gpointer peer = kinds[i]->open (N_WORKERS);

      if (peer != NULL)
        self->peers[self->n_peers++] = (Peer){kinds[i], peer};
    }
}

static void
close_peers (Bench *self)
{
  for (guint i = 0; i < self->n_peers; i++)
    self->peers[i].kind->close (self->peers[i].peer);
}

/* What comes with the same payload, from as many workers. */
static void
compare (Bench *self)
{
  self->requests = bench_requests_new (&self->nats);
  open_peers (self);
  run_rates (self);
  run_trips (self);
  close_peers (self);
  bench_requests_free (self->requests);
}

/* The bench starts itself for what has to be another process. Returns its status, or -1 if it is the bench itself. */
static int
be_another_process (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "answer"))
    return bench_nats_answer (argv[2]);
  if (argc == 3 && g_str_equal (argv[1], "gearman-work"))
    return bench_gearman_work (argv[2]);
  if (argc == 5 && g_str_equal (argv[1], "hosts"))
    return bench_crowd_be (argv[2], (guint) atoi (argv[3]), (guint) atoi (argv[4]));
  return -1;
}

static void
open_secure_hosts (Bench *self)
{
  self->n_ways = N_PLAIN_WAYS;
  if (!bench_nats_open (&self->secure_nats, TRUE))
    return;
  self->n_ways = N_WAYS;
  bench_hosts_open (&self->secure_hosts, &self->secure_nats, self->router);
  bench_hosts_grow (&self->secure_hosts, 1, N_WORKERS);
}

static void
close_secure_hosts (Bench *self)
{
  if (self->n_ways < N_WAYS)
    return;
  bench_hosts_close (&self->secure_hosts);
  bench_nats_close (&self->secure_nats);
}

/* Rows of tasks and begins, and of efficiency. */
static void
run_hosts (Bench *self)
{
  bench_hosts_open (&self->hosts, &self->nats, self->router);
  bench_hosts_grow (&self->hosts, 1, N_WORKERS);
  open_secure_hosts (self);
  compare (self);
  close_secure_hosts (self);
  for (guint n_hosts = 1; n_hosts <= (self->options->smoke ? 2 : MAX_HOSTS); n_hosts *= 2)
    run_naps (self, n_hosts);
  bench_hosts_close (&self->hosts);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  Bench self = {.options = &options};
  const int status = be_another_process (argc, argv);

  if (status >= 0)
    return status;
  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  if (!bench_nats_open (&self.nats, FALSE))
    return EXIT_SUCCESS;
  memset (self.payload, 'x', PAYLOAD_SIZE);
  self.router = bench_router_open ();
  if (options.only == NULL)
    run_hosts (&self);
  if (options.only == NULL || g_str_equal (options.only, "hosts"))
    bench_many_hosts_run (&options, self.router, &self.nats);
  bench_nats_close (&self.nats);
  bench_router_close (self.router);
  return EXIT_SUCCESS;
}
