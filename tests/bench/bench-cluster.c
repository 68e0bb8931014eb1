/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks on other hosts, by way of a NATS server: how many a second beside bare requests of the same server, how soon
 * one begins, and how busy several hosts are kept. All of it is on one machine, so the processors are shared by the
 * application, the server, the hosts and what it is compared with. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bench-common.h"
#include "bench-hosts.h"
#include "bench-team.h"

#define N_WORKERS 2
#define PAYLOAD_SIZE 200
#define N_UNDER_WAY 1000
#define NAP_US 10000
#define MAX_HOSTS 8
#define MAX_ROUNDS 16

typedef struct
{
  const BenchOptions *options;
  FerryRouter *router; /* (unowned) */
  BenchNats nats;
  BenchHosts hosts;
  BenchRequests *requests; /* (owned) */
  char payload[PAYLOAD_SIZE + 1];
} Bench;

/* ---- how many a second ---- */

typedef struct
{
  Bench *bench;
  gboolean idempotent;
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
    bench_hosts_submit (&self->bench->hosts, "echo", g_variant_new_string (self->bench->payload), self->idempotent);

  self->n_left--;
  g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
}

/* Tasks a second. */
static double
measure_rate (Bench *self, guint n, gboolean idempotent)
{
  Flow flow = {self, idempotent, n, n};
  const gint64 started = bench_now ();

  for (guint i = 0; i < MIN (n, N_UNDER_WAY); i++)
    submit (&flow);
  while (flow.n_awaited > 0)
    g_main_context_iteration (NULL, TRUE);
  return n * 1e9 / (bench_now () - started);
}

static void
run_rates (Bench *self)
{
  const guint n_rounds = self->options->rounds;
  const guint n = (guint) bench_choose (self->options, 2000, 10000, 50000);
  double floors[MAX_ROUNDS], plain[MAX_ROUNDS], idempotent[MAX_ROUNDS];

  measure_rate (self, n / 10, FALSE);
  for (guint round = 0; round < n_rounds; round++)
    {
      floors[round] = bench_requests_rate (self->requests, self->payload, n, N_UNDER_WAY);
      plain[round] = measure_rate (self, n, FALSE);
      idempotent[round] = measure_rate (self, n, TRUE);
    }
  bench_print ("cluster/tasks/nats-requests", bench_median (floors, n_rounds), "tasks/s");
  bench_print ("cluster/tasks/once", bench_median (plain, n_rounds), "tasks/s");
  bench_print ("cluster/tasks/idempotent", bench_median (idempotent, n_rounds), "tasks/s");
  bench_print ("ratio/cluster/tasks/once/vs-nats-requests", bench_median_ratio (plain, floors, n_rounds), "ratio");
  bench_print_budget (">= 0.5");
  bench_print ("ratio/cluster/tasks/idempotent/vs-nats-requests", bench_median_ratio (idempotent, floors, n_rounds),
               "ratio");
  bench_print_budget (">= 0.5");
}

/* ---- how soon one begins ---- */

static void
note_state (FerryTask *task, GParamSpec *pspec, gpointer user_data)
{
  gint64 *begun = user_data;

  if (*begun == 0 && ferry_task_get_state (task) == FERRY_TASK_STATE_EXECUTING)
    *begun = bench_now ();
}

/* From the submission to the function's first instruction, and until the application knows that it begins, in ns. */
static void
measure_begin (Bench *self, gboolean idempotent, double *first, double *known)
{
  const gint64 started = bench_now ();
  g_autoptr (FerryTask) task = bench_hosts_submit (&self->hosts, "now", NULL, idempotent);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GError) error = NULL;
  gint64 begun = 0;

  g_signal_connect (task, "notify::state", G_CALLBACK (note_state), &begun);
  while (!ferry_task_get_done (task))
    g_main_context_iteration (NULL, TRUE);
  result = ferry_task_get_result (task, &error);
  if (result == NULL || begun == 0)
    bench_fail ("a task", error);
  *first = (double) (g_variant_get_int64 (result) - started);
  *known = (double) (begun - started);
}

static void
print_begins (const char *name, const GArray *times, const GArray *trips)
{
  g_autofree char *row = g_strdup_printf ("cluster/begin/%s/p50", name);
  g_autofree char *ratio = g_strdup_printf ("ratio/cluster/begin/%s/vs-nats-request", name);

  bench_print (row, bench_array_quantile (times, 0.5) / 1e3, "us");
  bench_print (ratio, bench_array_quantile (times, 0.5) / bench_array_quantile (trips, 0.5), "ratio");
  bench_print_budget ("<= 1.5");
}

/* In turn, so that all of them meet the same neighbours. */
static void
run_begins (Bench *self)
{
  static const char *const names[] = {"once", "once/known", "idempotent", "idempotent/known"};
  const guint n = (guint) bench_choose (self->options, 50, 1000, 5000);
  g_autoptr (GArray) trips = g_array_new (FALSE, FALSE, sizeof (double));
  GArray *times[G_N_ELEMENTS (names)];

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    times[i] = g_array_new (FALSE, FALSE, sizeof (double));
  for (guint i = 0; i < n; i++)
    {
      const double trip = bench_requests_trip (self->requests, self->payload);

      g_array_append_val (trips, trip);
      for (guint kind = 0; kind < 2; kind++)
        {
          double first, known;

          measure_begin (self, kind == 1, &first, &known);
          g_array_append_val (times[2 * kind], first);
          g_array_append_val (times[2 * kind + 1], known);
        }
    }
  bench_print ("cluster/begin/nats-request/p50", bench_array_quantile (trips, 0.5) / 1e3, "us");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      print_begins (names[i], times[i], trips);
      g_array_unref (times[i]);
    }
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

int
main (int argc, char **argv)
{
  BenchOptions options;
  Bench self = {.options = &options};

  if (argc == 3 && g_str_equal (argv[1], "answer"))
    return bench_nats_answer (argv[2]);
  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  if (!bench_nats_open (&self.nats))
    return EXIT_SUCCESS;
  memset (self.payload, 'x', PAYLOAD_SIZE);
  self.router = bench_router_open ();
  bench_hosts_open (&self.hosts, &self.nats, self.router);
  bench_hosts_grow (&self.hosts, 1, N_WORKERS);
  self.requests = bench_requests_new (&self.nats);
  run_rates (&self);
  run_begins (&self);
  bench_requests_free (self.requests);
  for (guint n_hosts = 1; n_hosts <= (options.smoke ? 2 : MAX_HOSTS); n_hosts *= 2)
    run_naps (&self, n_hosts);
  bench_hosts_close (&self.hosts);
  bench_nats_close (&self.nats);
  bench_router_close (self.router);
  return EXIT_SUCCESS;
}
