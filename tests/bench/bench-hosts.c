/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-hosts.h"

#include <signal.h>

#include "bench-common.h"
#include "bench-team.h"

#define PATIENCE (60 * G_GINT64_CONSTANT (1000000000))
#define APPLICATION "bench"

void
bench_hosts_open (BenchHosts *self, const BenchNats *nats, FerryRouter *router)
{
  self->nats = nats;
  self->cluster = ferry_cluster_new (router, nats->url, APPLICATION);
  g_object_set (self->cluster, "tls-ca-file", nats->certificate, NULL);
  self->executor = ferry_executor_new_for_runner (FERRY_RUNNER (self->cluster));
  self->processes = g_ptr_array_new_with_free_func ((GDestroyNotify) bench_nats_kill);
}

void
bench_hosts_wait (BenchHosts *self, guint n_hosts)
{
  const gint64 end = bench_now () + PATIENCE;

  while (g_list_model_get_n_items (ferry_cluster_get_hosts (self->cluster)) != n_hosts)
    {
      g_autoptr (GError) error = NULL;

      g_object_get (self->cluster, "error", &error, NULL);
      if (bench_now () > end)
        bench_fail ("the hosts do not come or go", error);
      bench_pause (1000000);
      g_main_context_iteration (NULL, FALSE);
    }
}

static GSubprocess *
start_host (BenchHosts *self, const char *name, guint n_workers)
{
  g_autofree char *program = bench_path_beside ("../../router/cluster/ferry-host");
  g_autofree char *functions = bench_path_beside ("bench-functions");
  g_autofree char *workers = g_strdup_printf ("%u", n_workers);
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  const char *const options[] = {program,  "--server", self->nats->url, "--application", APPLICATION,
                                 "--name", name,       "--workers",     workers};

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    g_ptr_array_add (arguments, (char *) options[i]);
  if (self->nats->certificate != NULL)
    {
      g_ptr_array_add (arguments, (char *) "--tls-ca");
      g_ptr_array_add (arguments, self->nats->certificate);
    }
  g_ptr_array_add (arguments, functions);
  g_ptr_array_add (arguments, NULL);
  return bench_nats_spawn ((const char *const *) arguments->pdata);
}

void
bench_hosts_grow (BenchHosts *self, guint n_hosts, guint n_workers)
{
  while (self->processes->len < n_hosts)
    {
      g_autofree char *name = g_strdup_printf ("host-%u", self->processes->len + 1);

      g_ptr_array_add (self->processes, start_host (self, name, n_workers));
    }
  bench_hosts_wait (self, n_hosts);
}

/* The hosts leave by themselves, so that their workers do not outlive them. */
void
bench_hosts_close (BenchHosts *self)
{
  for (guint i = 0; i < self->processes->len; i++)
    g_subprocess_send_signal (self->processes->pdata[i], SIGTERM);
  for (guint i = 0; i < self->processes->len; i++)
    g_subprocess_wait (self->processes->pdata[i], NULL, NULL);
  g_ptr_array_unref (self->processes);
  g_clear_object (&self->executor);
  ferry_cluster_close (self->cluster);
  g_clear_object (&self->cluster);
}

FerryTask *
bench_hosts_submit (BenchHosts *self, const char *function, GVariant *arguments, gboolean idempotent)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, arguments);
  g_autoptr (GError) error = NULL;

  g_object_set (task, "idempotent", idempotent, NULL);
  if (!ferry_executor_submit_task (self->executor, task, &error))
    bench_fail ("a task was not taken", error);
  return task;
}
