/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks of a queue that a host runs whether the application is there or not, by way of the streams of a NATS server:
 * how many a second, and what a task costs each process. Beside workers of this machine that work off the same file,
 * and beside tasks of Gearman that nobody waits for, with and without its store. All of it is on one machine, so the
 * processors are shared. */

#include "config.h"

#include <ferry-cluster.h>
#include <ferry-queue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench-common.h"
#include "bench-gearman.h"
#include "bench-nats.h"
#include "bench-queue-file.h"
#include "bench-team.h"

#define N_WORKERS 2
#define PAYLOAD_SIZE 200
#define MAX_ROUNDS 16
#define APPLICATION "bench"
#define USER "user"

enum
{
  HOST,
  LOCAL,
  GEARMAN,
  GEARMAN_STORED,
  N_WAYS,
};

static const char *const names[N_WAYS] = {"host", "local-pool", "gearman", "gearman-stored"};

/* The processes of a way, by what they do. The application's is this one. */
enum
{
  OF_APPLICATION,
  OF_SERVER,
  OF_HOST,
  OF_WORKERS,
  N_PARTS,
};

static const char *const parts[N_PARTS] = {"application", "server", "host", "workers"};

typedef struct
{
  const BenchOptions *options;
  BenchTeam team;
  BenchNats nats;
  FerryCluster *cluster;              /* (owned) */
  GSubprocess *host;                  /* (owned) */
  char *path;                         /* (owned): of the queue's file */
  FerryQueue *queue;                  /* (owned) (nullable) */
  BenchGearman *gearman[N_WAYS];      /* (owned) (nullable) */
  GArray *processes[N_WAYS][N_PARTS]; /* (owned) (element-type GPid) */
  guint n_awaited;
  char payload[PAYLOAD_SIZE + 1];
} Bench;

/* ---- processor time ---- */

/* In ns, of all processes. */
static double
read_time (const GArray *processes)
{
  double sum = 0;

  for (guint i = 0; i < processes->len; i++)
    {
      struct timespec time;
      clockid_t clock;

      if (clock_getcpuclockid (g_array_index (processes, GPid, i), &clock) == 0 && clock_gettime (clock, &time) == 0)
        sum += time.tv_sec * 1e9 + time.tv_nsec;
    }
  return sum;
}

static GPid
get_process (GSubprocess *process)
{
  return (GPid) atoi (g_subprocess_get_identifier (process));
}

/* -1: there is no such process. */
static GPid
read_parent (const char *process)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", process);
  g_autofree char *text = NULL;
  const char *end = g_file_get_contents (path, &text, NULL, NULL) ? strrchr (text, ')') : NULL;
  int parent = -1;

  return end != NULL && sscanf (end, ") %*c %d", &parent) == 1 ? parent : -1;
}

/* Adds those that a process has started, and that these have. */
static void
add_children (GArray *processes, GPid parent)
{
  g_autoptr (GDir) all = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (all)) != NULL)
    if (g_ascii_isdigit (*name) && read_parent (name) == parent)
      {
        const GPid child = (GPid) atoi (name);

        g_array_append_val (processes, child);
        add_children (processes, child);
      }
}

static void
add_process (GArray *processes, GPid process)
{
  g_array_append_val (processes, process);
}

/* ---- the queue ---- */

/* While the host has them all, this machine runs none. */
static void
open_queue (Bench *self, guint way)
{
  ferry_executor_set_paused (self->team.executor, way == HOST, FALSE);
  self->queue = ferry_queue_new (self->team.executor, self->path);
  if (way == HOST)
    ferry_queue_set_cluster (self->queue, FERRY_RUNNER (self->cluster));
  bench_queue_open (self->queue);
}

static void
close_queue (Bench *self)
{
  bench_queue_close (self->queue);
  g_clear_object (&self->queue);
}

static void
done_cb (FerryTask *task, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  if (result == NULL || strcmp (g_variant_get_string (result, NULL), self->payload) != 0)
    bench_fail ("a task", error);
  self->n_awaited--;
}

static void
submit (Bench *self)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string (self->payload));
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) submitted = NULL;

  g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
  submitted = ferry_queue_submit (self->queue, task, NULL, &error);
  if (submitted == NULL)
    bench_fail ("a task", error);
}

/* Tasks a second, from the first that is submitted to the last that has ended. */
static double
measure_queue_rate (Bench *self, guint n)
{
  const gint64 started = bench_now ();

  self->n_awaited = n;
  for (guint i = 0; i < n; i++)
    submit (self);
  while (self->n_awaited > 0)
    g_main_context_iteration (NULL, TRUE);
  return n * 1e9 / (bench_now () - started);
}

/* ---- the measurement ---- */

typedef struct
{
  double rates[N_WAYS][MAX_ROUNDS];
  double times[N_WAYS][N_PARTS][MAX_ROUNDS]; /* of the processor, in us a task */
} Figures;

static gboolean
has_way (Bench *self, guint way)
{
  return way < GEARMAN || self->gearman[way] != NULL;
}

static void
measure (Bench *self, guint way, guint n, guint round, Figures *figures)
{
  double before[N_PARTS];

  if (way < GEARMAN)
    open_queue (self, way);
  for (guint part = 0; part < N_PARTS; part++)
    before[part] = read_time (self->processes[way][part]);
  if (way < GEARMAN)
    figures->rates[way][round] = measure_queue_rate (self, n);
  else
    figures->rates[way][round] = bench_gearman_measure_background_rate (self->gearman[way], self->payload, n);
  for (guint part = 0; part < N_PARTS; part++)
    figures->times[way][part][round] = (read_time (self->processes[way][part]) - before[part]) / 1e3 / n;
  if (way < GEARMAN)
    close_queue (self);
}

static void
print (Bench *self, Figures *figures)
{
  const guint n_rounds = self->options->rounds;

  for (guint way = 0; way < N_WAYS; way++)
    {
      if (!has_way (self, way))
        continue;
      bench_print_as (bench_median (figures->rates[way], n_rounds), "tasks/s", "away/tasks/%s", names[way]);
      for (guint part = 0; part < N_PARTS; part++)
        if (self->processes[way][part]->len > 0)
          bench_print_as (bench_median (figures->times[way][part], n_rounds), "us", "away/cpu/%s/%s", names[way],
                          parts[part]);
      if (way != HOST)
        bench_print_as (bench_median_ratio (figures->rates[HOST], figures->rates[way], n_rounds), "ratio",
                        "ratio/away/tasks/host/vs-%s", names[way]);
    }
}

/* Each worker has run something by now. */
static void
find_processes (Bench *self)
{
  for (guint way = 0; way < N_WAYS; way++)
    add_process (self->processes[way][OF_APPLICATION], getpid ());
  add_process (self->processes[HOST][OF_SERVER], get_process (self->nats.server));
  add_process (self->processes[HOST][OF_HOST], get_process (self->host));
  add_children (self->processes[HOST][OF_WORKERS], get_process (self->host));
  for (guint i = 0; i < g_list_model_get_n_items (ferry_pool_get_workers (self->team.pool)); i++)
    {
      g_autoptr (FerryWorker) worker = g_list_model_get_item (ferry_pool_get_workers (self->team.pool), i);

      add_process (self->processes[LOCAL][OF_WORKERS], (GPid) atoi (ferry_worker_get_identifier (worker)));
    }
  for (guint way = GEARMAN; way < N_WAYS; way++)
    {
      GPtrArray *workers = has_way (self, way) ? bench_gearman_get_workers (self->gearman[way]) : NULL;

      if (workers != NULL)
        add_process (self->processes[way][OF_SERVER], get_process (bench_gearman_get_server (self->gearman[way])));
      for (guint i = 0; workers != NULL && i < workers->len; i++)
        add_process (self->processes[way][OF_WORKERS], get_process (workers->pdata[i]));
    }
}

static void
run (Bench *self)
{
  const guint n = (guint) bench_choose (self->options, 50, 500, 2000);
  Figures figures;

  for (guint way = 0; way < N_WAYS; way++)
    if (has_way (self, way))
      measure (self, way, n / 10, 0, &figures);
  find_processes (self);
  for (guint round = 0; round < self->options->rounds; round++)
    for (guint way = 0; way < N_WAYS; way++)
      if (has_way (self, way))
        measure (self, way, n, round, &figures);
  print (self, &figures);
}

/* ---- what is there ---- */

/* The host makes the streams. The application tries to connect until they are there. */
static void
open_host (Bench *self)
{
  g_autofree char *program = bench_path_beside ("../../router/cluster/ferry-host");
  g_autofree char *functions = bench_path_beside ("bench-functions");

  self->cluster = ferry_cluster_new (self->team.router, self->nats.url, APPLICATION);
  self->host = bench_nats_spawn ((const char *const[]){program, "--server", self->nats.url, "--application",
                                                       APPLICATION, "--name", "host", "--queue", USER, "--workers",
                                                       G_STRINGIFY (N_WORKERS), functions, NULL});
}

static void
open_gearman (Bench *self)
{
  g_autofree char *store = g_build_filename (self->nats.folder, "gearman.db", NULL);

  self->gearman[GEARMAN] = bench_gearman_new (N_WORKERS, NULL);
  if (self->gearman[GEARMAN] != NULL)
    self->gearman[GEARMAN_STORED] = bench_gearman_new (N_WORKERS, store);
}

/* The host leaves by itself, so that its workers do not outlive it. */
static void
close_all (Bench *self)
{
  for (guint way = GEARMAN; way < N_WAYS; way++)
    if (has_way (self, way))
      bench_gearman_free (self->gearman[way]);
  g_subprocess_send_signal (self->host, SIGTERM);
  g_subprocess_wait (self->host, NULL, NULL);
  g_object_unref (self->host);
  ferry_cluster_close (self->cluster);
  g_clear_object (&self->cluster);
  bench_nats_close (&self->nats);
  for (guint way = 0; way < N_WAYS; way++)
    for (guint part = 0; part < N_PARTS; part++)
      g_array_unref (self->processes[way][part]);
  g_free (self->path);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  Bench self = {.options = &options};
  FerryRouter *router;

  /* The bench starts itself for Gearman's workers. */
  if (argc == 3 && g_str_equal (argv[1], "gearman-work"))
    return bench_gearman_work (argv[2]);
  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  if (!bench_nats_open (&self.nats, BENCH_NATS_KEEPING))
    return EXIT_SUCCESS;
  memset (self.payload, 'x', PAYLOAD_SIZE);
  for (guint way = 0; way < N_WAYS; way++)
    for (guint part = 0; part < N_PARTS; part++)
      self.processes[way][part] = g_array_new (FALSE, FALSE, sizeof (GPid));
  self.path = g_build_filename (self.nats.folder, "queue.db", NULL);
  router = bench_router_open ();
  bench_team_open (&self.team, router, N_WORKERS);
  bench_team_warm_up (&self.team);
  open_host (&self);
  open_gearman (&self);
  run (&self);
  close_all (&self);
  bench_team_close (&self.team);
  bench_router_close (router);
  return EXIT_SUCCESS;
}
