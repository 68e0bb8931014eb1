/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-crowd.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench-common.h"
#include "bench-team.h"
#include "cluster/ferry-bus-private.h"
#include "cluster/ferry-host-reception-private.h"
#include "cluster/ferry-host-service-private.h"

#define N_PROCESSES 4
#define CUT_TIMEOUT (30 * G_USEC_PER_SEC)

typedef struct
{
  GMainLoop *loop;  /* (owned) */
  GPtrArray *hosts; /* (owned) (element-type Host) */
  guint n_connected;
  guint n_drained;
} Crowd;

typedef struct
{
  Crowd *crowd;                  /* (unowned) */
  FerryBus *bus;                 /* (owned) */
  FerryPool *pool;               /* (owned) */
  FerryHostService *service;     /* (owned) */
  FerryHostReception *reception; /* (owned) */
  gboolean was_connected;
} Host;

/* ---- functions ---- */

static GVariant *
echo (FerryJob *job, GVariant *arguments, GError **error)
{
  return arguments != NULL ? g_variant_ref (arguments) : NULL;
}

static GVariant *
nap (FerryJob *job, GVariant *arguments, GError **error)
{
  g_usleep ((gulong) g_variant_get_int64 (arguments));
  return NULL;
}

static GVariant *
hold (FerryJob *job, GVariant *arguments, GError **error)
{
  GCancellable *cancellable = ferry_job_get_cancellable (job);
  GPollFD fd;

  g_cancellable_make_pollfd (cancellable, &fd);
  while (!g_cancellable_is_cancelled (cancellable))
    g_poll (&fd, 1, -1);
  g_cancellable_release_fd (cancellable);
  ferry_job_check (job, error);
  return NULL;
}

/* ---- a host ---- */

static void
bus_changed (gpointer data)
{
  Host *self = data;

  if (ferry_bus_get_state (self->bus) != FERRY_CLUSTER_STATE_CONNECTED)
    return;
  ferry_host_reception_reconnected (self->reception, ferry_bus_get_max_packet (self->bus));
  if (self->was_connected)
    return;
  self->was_connected = TRUE;
  if (++self->crowd->n_connected < self->crowd->hosts->len)
    return;
  puts ("ready");
  fflush (stdout);
}

static void
packet_came (gpointer data, const char *peer, const char *id, GBytes *packet)
{
  Host *self = data;

  ferry_host_reception_take (self->reception, peer, id, packet, ferry_bus_get_max_packet (self->bus));
}

static const FerryBusFuncs bus_funcs = {.changed = bus_changed, .packet = packet_came};

static void
make_wire (gpointer bus, const char *user, const char *id, FerryWire *wire, gpointer *data)
{
  ferry_bus_make_wire (bus, user, id, wire, data);
}

static void
facts_changed (gpointer data)
{
  Host *self = data;

  ferry_bus_set_presence (self->bus, ferry_host_facts_to_variant (ferry_host_service_get_facts (self->service)));
}

static void
drained (gpointer data)
{
  Host *self = data;

  if (++self->crowd->n_drained == self->crowd->hosts->len)
    g_main_loop_quit (self->crowd->loop);
}

static const FerryHostServiceFuncs service_funcs = {facts_changed, drained};

static Host *
host_new (Crowd *crowd, FerryRouter *router, const char *url, guint number)
{
  static const char *const functions[] = {"echo", "hold", "nap", NULL};
  Host *self = g_new0 (Host, 1);
  g_autofree char *name = g_strdup_printf ("host-%u", number);
  const FerryBusSettings settings = {.url = url, .application = BENCH_CROWD_APPLICATION, .name = name, .host = name};
  g_autoptr (GError) error = NULL;

  self->crowd = crowd;
  self->bus = ferry_bus_new (router, &settings, &bus_funcs, self, &error);
  if (self->bus == NULL)
    bench_fail ("a host", error);
  self->pool = ferry_pool_new_for_threads (router);
  ferry_pool_set_max_workers (self->pool, 1);
  self->service =
    ferry_host_service_new (self->pool, name, ferry_bus_get_id (self->bus), functions, &service_funcs, self);
  self->reception = ferry_host_reception_new (self->service, router, CUT_TIMEOUT, make_wire, self->bus);
  facts_changed (self);
  return self;
}

static void
host_free (gpointer data)
{
  Host *self = data;

  ferry_host_reception_free (self->reception);
  g_object_unref (self->service);
  ferry_bus_close (self->bus);
  ferry_bus_unref (self->bus);
  g_object_unref (self->pool);
  g_free (self);
}

/* ---- the process of many ---- */

static gboolean
drain_all (gpointer data)
{
  Crowd *self = data;

  for (guint i = 0; i < self->hosts->len; i++)
    ferry_host_service_drain (((Host *) self->hosts->pdata[i])->service);
  return G_SOURCE_REMOVE;
}

int
bench_crowd_be (const char *url, guint first, guint n_hosts)
{
  Crowd self = {.loop = g_main_loop_new (NULL, FALSE), .hosts = g_ptr_array_new_with_free_func (host_free)};
  FerryRouter *router = bench_router_open ();

  ferry_function_register ("echo", NULL, NULL, echo);
  ferry_function_register ("hold", NULL, "", hold);
  ferry_function_register ("nap", "x", "", nap);
  g_unix_signal_add (SIGTERM, drain_all, &self);
  for (guint i = 0; i < n_hosts; i++)
    g_ptr_array_add (self.hosts, host_new (&self, router, url, first + i));
  g_main_loop_run (self.loop);
  g_ptr_array_unref (self.hosts);
  g_main_loop_unref (self.loop);
  bench_router_close (router);
  return EXIT_SUCCESS;
}

/* ---- the crowd, as the bench has it ---- */

void
bench_crowd_open (BenchCrowd *self, const BenchNats *nats, guint n_hosts)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  char word[5];

  self->processes = g_ptr_array_new_with_free_func ((GDestroyNotify) bench_nats_kill);
  for (guint i = 0; i < N_PROCESSES; i++)
    {
      const guint first = n_hosts * i / N_PROCESSES;
      g_autofree char *from = g_strdup_printf ("%u", first);
      g_autofree char *n = g_strdup_printf ("%u", n_hosts * (i + 1) / N_PROCESSES - first);

      g_ptr_array_add (self->processes,
                       bench_nats_spawn ((const char *const[]){program, "hosts", nats->url, from, n, NULL}));
    }
  for (guint i = 0; i < N_PROCESSES; i++)
    if (!g_input_stream_read_all (g_subprocess_get_stdout_pipe (self->processes->pdata[i]), word, sizeof word, NULL,
                                  NULL, NULL))
      bench_fail ("hosts do not start", NULL);
}

void
bench_crowd_drain (BenchCrowd *self, guint index)
{
  g_subprocess_send_signal (self->processes->pdata[index], SIGTERM);
}

void
bench_crowd_close (BenchCrowd *self)
{
  for (guint i = 0; i < self->processes->len; i++)
    g_subprocess_wait (self->processes->pdata[i], NULL, NULL);
  g_ptr_array_unref (self->processes);
}
