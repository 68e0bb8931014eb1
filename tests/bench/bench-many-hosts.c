/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-many-hosts.h"

#include <ferry-cluster.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench-crowd.h"
#include "bench-proc.h"
#include "bench-team.h"

#define N_COUNTS 3
#define MAX_HOSTS 1000
#define TASKS_PER_HOST 10
#define NAP_US 10000
/* In seconds: no count takes that long. */
#define PATIENCE 300
#define IDLE_TIME (6 * G_GINT64_CONSTANT (1000000000))

enum
{
  LIST,
  TASKS,
  CANCEL,
  DRAIN,
  N_OPERATIONS
};

static const char *const names[N_OPERATIONS] = {"list", "tasks", "cancel", "drain"};

typedef struct
{
  FerryCluster *cluster;   /* (owned) */
  FerryExecutor *executor; /* (owned) */
  GPtrArray *tasks;        /* (owned) (element-type FerryTask) */
  BenchCrowd crowd;
  guint n_hosts;
  gint64 began, cpu_began;        /* ns */
  double times[N_OPERATIONS];     /* us */
  double cpu_times[N_OPERATIONS]; /* us, of all threads of the application */
} Bench;

/* ---- costs ---- */

static gint64
get_cpu (void)
{
  struct timespec used;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * G_GINT64_CONSTANT (1000000000) + used.tv_nsec;
}

static gint64
get_heap (void)
{
  const struct mallinfo2 info = mallinfo2 ();

  return (gint64) (info.uordblks + info.hblkhd);
}

/* In bytes. */
static gint64
get_resident (GPid pid)
{
  return bench_proc_resident (pid, NULL) * 1024;
}

static void
begin (Bench *self)
{
  self->cpu_began = get_cpu ();
  self->began = bench_now ();
}

/* Wall time, and processor time. */
static void
end (Bench *self, guint operation)
{
  self->times[operation] = (bench_now () - self->began) / 1e3;
  self->cpu_times[operation] = (get_cpu () - self->cpu_began) / 1e3;
  bench_print_as (self->times[operation], "us", "cluster/hosts/%s/%u", names[operation], self->n_hosts);
  bench_print_as (self->cpu_times[operation], "us", "cluster/hosts/%s/cpu/%u", names[operation], self->n_hosts);
}

/* ---- what is done ---- */

static GListModel *
get_hosts (Bench *self)
{
  return ferry_cluster_get_hosts (self->cluster);
}

/* Until each host has answered. */
static void
list (Bench *self)
{
  const gint64 resident = get_resident (getpid ());
  const gint64 heap = get_heap ();
  g_autoptr (GError) error = NULL;
  guint n_known = 0;

  begin (self);
  if (!ferry_cluster_open (self->cluster, &error))
    bench_fail ("the cluster", error);
  while (n_known < self->n_hosts)
    {
      g_autoptr (FerryHost) host = g_list_model_get_item (get_hosts (self), n_known);

      if (host != NULL && ferry_host_get_round_trip (host) > 0)
        n_known++;
      else
        g_main_context_iteration (NULL, TRUE);
    }
  end (self, LIST);
  bench_print_as ((double) (get_heap () - heap), "bytes", "cluster/hosts/heap/%u", self->n_hosts);
  bench_print_as ((double) (get_resident (getpid ()) - resident), "bytes", "cluster/hosts/resident/%u", self->n_hosts);
}

/* What it costs to have hosts, which are asked whether they live now and then. */
static void
idle (Bench *self)
{
  const gint64 cpu = get_cpu ();

  bench_run_for (IDLE_TIME);
  bench_print_as ((get_cpu () - cpu) * 100.0 / IDLE_TIME, "percent of a core", "cluster/hosts/idle/%u", self->n_hosts);
}

static void
submit (Bench *self, guint n, const char *function, GVariant *arguments)
{
  g_autoptr (GVariant) sunk = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    {
      FerryTask *task = ferry_executor_submit (self->executor, function, sunk, &error);

      if (task == NULL)
        bench_fail ("a task was not taken", error);
      g_ptr_array_add (self->tasks, task);
    }
}

/* Each task must end as is expected. */
static void
wait_for_tasks (Bench *self, gboolean cancelled)
{
  for (guint i = 0; i < self->tasks->len; i++)
    {
      FerryTask *task = self->tasks->pdata[i];

      while (!ferry_task_get_done (task))
        g_main_context_iteration (NULL, TRUE);
      if (cancelled != (ferry_task_get_state (task) == FERRY_TASK_STATE_CANCELLED) ||
          (!cancelled && ferry_task_get_error (task) != NULL))
        bench_fail ("a task", ferry_task_get_error (task));
    }
  g_ptr_array_set_size (self->tasks, 0);
}

static void
run_tasks (Bench *self)
{
  begin (self);
  submit (self, TASKS_PER_HOST * self->n_hosts, "echo", g_variant_new_string ("payload"));
  wait_for_tasks (self, FALSE);
  end (self, TASKS);
}

/* As many run as wait. */
static void
cancel_tasks (Bench *self)
{
  submit (self, 2 * self->n_hosts, "hold", NULL);
  while ((guint) bench_get_number (self->executor, "n-executing") < self->n_hosts)
    g_main_context_iteration (NULL, TRUE);
  begin (self);
  for (guint i = 0; i < self->tasks->len; i++)
    ferry_task_cancel (self->tasks->pdata[i]);
  wait_for_tasks (self, TRUE);
  end (self, CANCEL);
}

/* Half of the hosts leave while tasks run, then the others. */
static void
drain (Bench *self)
{
  const guint n = self->crowd.processes->len;

  submit (self, 2 * self->n_hosts, "nap", g_variant_new_int64 (NAP_US));
  begin (self);
  for (guint i = 0; i < n / 2; i++)
    bench_crowd_drain (&self->crowd, i);
  wait_for_tasks (self, FALSE);
  for (guint i = n / 2; i < n; i++)
    bench_crowd_drain (&self->crowd, i);
  while (g_list_model_get_n_items (get_hosts (self)) > 0)
    g_main_context_iteration (NULL, TRUE);
  end (self, DRAIN);
}

static gboolean
give_up (gpointer data)
{
  bench_fail ("hosts do not come or go, or tasks do not end", NULL);
}

static void
run (Bench *self, const BenchOptions *options, FerryRouter *router, const BenchNats *nats)
{
  const GPid server = (GPid) atoi (g_subprocess_get_identifier (nats->server));
  const gint64 resident = get_resident (server);
  const guint patience = g_timeout_add_seconds (PATIENCE, give_up, NULL);

  self->tasks = g_ptr_array_new_with_free_func (g_object_unref);
  bench_crowd_open (&self->crowd, nats, self->n_hosts);
  self->cluster = ferry_cluster_new (router, nats->url, BENCH_CROWD_APPLICATION);
  list (self);
  bench_print_as ((double) (get_resident (server) - resident), "bytes", "cluster/hosts/server/%u", self->n_hosts);
  self->executor = ferry_executor_new_for_runner (FERRY_RUNNER (self->cluster));
  if (!options->smoke && self->n_hosts == MAX_HOSTS)
    idle (self);
  run_tasks (self);
  cancel_tasks (self);
  drain (self);
  bench_crowd_close (&self->crowd);
  ferry_cluster_close (self->cluster);
  g_clear_object (&self->executor);
  g_clear_object (&self->cluster);
  g_ptr_array_unref (self->tasks);
  g_source_remove (patience);
}

void
bench_many_hosts_run (const BenchOptions *options, FerryRouter *router, const BenchNats *nats)
{
  const guint n_counts = options->smoke ? 1 : N_COUNTS;
  Bench benches[N_COUNTS] = {0};

  for (guint i = 0, n_hosts = options->smoke ? 40 : 10; i < n_counts; i++, n_hosts *= 10)
    {
      benches[i].n_hosts = n_hosts;
      run (&benches[i], options, router, nats);
    }
  if (n_counts < 2)
    return;
  for (guint operation = 0; operation < N_OPERATIONS; operation++)
    {
      const double growth = benches[n_counts - 1].cpu_times[operation] / benches[0].cpu_times[operation];

      bench_print_as (log10 (growth) / (n_counts - 1), "-", "exponent/cluster/hosts/%s", names[operation]);
      bench_print_budget ("<= 1.05");
    }
}
