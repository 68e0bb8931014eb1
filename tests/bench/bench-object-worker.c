/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker of the benches of objects in windows: a gauge with a value that it changes as often as it is told, and a
 * list of a million lines. */

#include "config.h"

#include <ferry-objects.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "bench-gauge.h"
#include "bench-lines.h"
#include "bench-remote.h"

#define PAUSE 100 /* µs between turns: what is due by then is changed at once */

typedef struct
{
  BenchGauge *gauge; /* (owned) */
  gboolean running;
  guint64 rate;   /* changes a second */
  double share;   /* of one core, that it takes at least */
  gint64 started; /* ns, as what follows */
  gint64 cpu_started;
  guint64 n_changes;
} Worker;

static gint64
read_clock (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

static gint64
get_cpu (Worker *self)
{
  return read_clock (CLOCK_PROCESS_CPUTIME_ID) - self->cpu_started;
}

/* ---- the gauge ---- */

static void
run (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  Worker *self = user_data;

  g_variant_get (ferry_invocation_get_arguments (invocation), "(td)", &self->rate, &self->share);
  self->started = read_clock (CLOCK_MONOTONIC);
  self->cpu_started = read_clock (CLOCK_PROCESS_CPUTIME_ID);
  self->n_changes = 0;
  self->running = TRUE;
  ferry_invocation_return_value (invocation, NULL);
}

static void
stop (gpointer object, FerryInvocation *invocation, gpointer user_data)
{
  Worker *self = user_data;
  const double elapsed = read_clock (CLOCK_MONOTONIC) - self->started;

  self->running = FALSE;
  ferry_invocation_return_value (
    invocation, g_variant_new ("(tidd)", self->n_changes, bench_gauge_get_value (self->gauge), elapsed / 1e9,
                               get_cpu (self) / elapsed));
}

static gint64
turn (FerryExporter *exporter, gpointer user_data)
{
  Worker *self = user_data;
  const gint64 elapsed = read_clock (CLOCK_MONOTONIC) - self->started;
  guint64 n_due;

  if (!self->running)
    return -1;
  for (n_due = elapsed / 1e9 * self->rate; self->n_changes < n_due; self->n_changes++)
    bench_gauge_set_value (self->gauge, (int) self->n_changes + 1);
  while (get_cpu (self) < self->share * elapsed)
    ;
  return PAUSE;
}

/* ---- what it exports ---- */

static gboolean
export_gauge (Worker *self, FerryExporter *exporter, GError **error)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Gauge", BENCH_TYPE_GAUGE);

  ferry_interface_add_method (interface, "run", "td", "", run, self, NULL);
  ferry_interface_add_method (interface, "stop", "", "tidd", stop, self, NULL);
  ferry_interface_add_property (interface, "value", G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
  return ferry_exporter_export (exporter, BENCH_REMOTE_GAUGE, G_OBJECT (self->gauge), interface,
                                FERRY_CALL_POLICY_SERIAL, error);
}

static gboolean
export_lines (FerryExporter *exporter, GError **error)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("org.example.Lines", BENCH_TYPE_LINES);
  g_autoptr (BenchLines) lines = bench_lines_new (BENCH_REMOTE_N_LINES);

  ferry_interface_set_list (interface, bench_lines_get_row, NULL, NULL);
  return ferry_exporter_export (exporter, BENCH_REMOTE_LINES, G_OBJECT (lines), interface, FERRY_CALL_POLICY_SERIAL,
                                error);
}

static gboolean
initialise (FerryExporter *exporter, gpointer user_data, GError **error)
{
  return export_gauge (user_data, exporter, error) && export_lines (exporter, error);
}

int
main (int argc, char **argv)
{
  static const FerryObjectServerFuncs funcs = {.initialise = initialise, .turn = turn};
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = NULL;
  Worker self = {0};

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  self.gauge = g_object_new (BENCH_TYPE_GAUGE, NULL);
  transport = ferry_worker_get_transport (BENCH_REMOTE_TRANSPORT, &error);
  if (transport == NULL || !ferry_serve_objects (transport, &funcs, &self, &error))
    {
      g_printerr ("bench-object-worker: %s\n", error->message);
      return EXIT_FAILURE;
    }
  g_object_unref (self.gauge);
  return EXIT_SUCCESS;
}
