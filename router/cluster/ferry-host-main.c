/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* ferry-host: runs the functions of a program for applications on other machines, until a signal stops it.
 *
 * The program tells its functions, and the bus tells the applications of them. The acceptor makes a session for each
 * application, and the service runs what they ask for. SIGTERM and SIGINT drain; a second one ends at once.
 *
 * Exit status: 0 after a drain, a check that found nothing wrong, or a status. 1 for wrong options; 2 where the host
 * cannot work, a check found something, or no host has told its status; 3 after a second signal. */

#include "config.h"

#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/ferry-error.h"
#include "cluster/ferry-bus-private.h"
#include "cluster/ferry-host-acceptor-private.h"
#include "cluster/ferry-host-metrics-private.h"
#include "cluster/ferry-host-program-private.h"
#include "cluster/ferry-host-queue-private.h"
#include "cluster/ferry-host-service-private.h"
#include "cluster/ferry-server-access-private.h"

/* How often the metrics are written. */
#define METRICS_SECONDS 15

typedef enum
{
  EXIT_DRAINED = EXIT_SUCCESS,
  EXIT_BAD_OPTIONS = 1,
  EXIT_CANNOT_WORK = 2,
  EXIT_FORCED = 3,
} ExitStatus;

typedef struct
{
  FerryHostOptions options;
  FerryHostProgram program;
  FerryBus *bus;               /* (owned) */
  FerryHostService *service;   /* (owned) */
  FerryHostAcceptor *acceptor; /* (owned) */
  FerryHostQueue *queue;       /* (owned) (nullable) */
  FerryClusterState state;     /* of the bus, as was told last */
  char *exposure;              /* (owned) (nullable): the latest warning of a server */
  GMainLoop *loop;             /* (owned) */
  gboolean is_draining;
  guint metrics_timer; /* 0: there is no file */
  gboolean metrics_failed;
  int status;
} Host;

/* ---- the log ---- */

static gboolean is_verbose;

static const char *
find_field (const GLogField *fields, gsize n_fields, const char *name)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, name))
      return fields[i].value;
  return NULL;
}

/* The lines of a worker that runs a task are logged by the service, with the task's id. */
static gboolean
is_wanted (GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
  const char *domain = find_field (fields, n_fields, "GLIB_DOMAIN");
  gboolean is_worker = g_strcmp0 (domain, "Ferry-Worker") == 0;

  if (is_worker && find_field (fields, n_fields, "FERRY_TASK") != NULL)
    return FALSE;
  return is_verbose || is_worker || g_strcmp0 (domain, FERRY_HOST_LOG_DOMAIN) == 0 ||
         (level & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG)) == 0;
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (!is_wanted (level, fields, n_fields))
    return G_LOG_WRITER_HANDLED;
  if (g_log_writer_is_journald (fileno (stderr)) &&
      g_log_writer_journald (level, fields, n_fields, NULL) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_standard_streams (level, fields, n_fields, NULL);
}

/* ---- the bus ---- */

/* Once for each server. */
static void
warn_of_exposure (Host *self)
{
  g_autofree char *exposure = ferry_host_dup_exposure (self->bus);

  if (exposure == NULL || g_strcmp0 (exposure, self->exposure) == 0)
    return;
  g_message ("Warning: %s", exposure);
  g_free (self->exposure);
  self->exposure = g_steal_pointer (&exposure);
}

static void
bus_changed (gpointer data)
{
  Host *self = data;
  FerryClusterState state = ferry_bus_get_state (self->bus);
  const GError *error = ferry_bus_get_error (self->bus);

  if (error != NULL)
    g_message ("%s", error->message);
  /* A server that permits too little keeps the host from being heard. */
  if (state == FERRY_CLUSTER_STATE_CONNECTED && self->state != state &&
      !g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED))
    g_message ("Host '%s' serves the application '%s' by way of %s", self->options.name, self->options.application,
               ferry_bus_get_address (self->bus));
  if (state == FERRY_CLUSTER_STATE_CONNECTED && self->state != state)
    warn_of_exposure (self);
  /* An error may be that packets are too large. */
  if (state == FERRY_CLUSTER_STATE_CONNECTED)
    ferry_host_acceptor_reconnected (self->acceptor, ferry_bus_get_max_packet (self->bus));
  self->state = state;
}

static void
packet_came (gpointer data, const char *peer, const char *id, GBytes *packet)
{
  Host *self = data;

  ferry_host_acceptor_take (self->acceptor, peer, id, packet, ferry_bus_get_max_packet (self->bus));
}

static void
hello_came (gpointer data, const char *user, const char *id, GVariant *versions)
{
  Host *self = data;

  ferry_host_acceptor_hear (self->acceptor, user, id, versions);
}

/* 'ferry-host --check' and '--status' ask by the name of a host. Those that ask do not answer. */
static void
namesake_came (gpointer data, const char *host, const char *id, GVariant *value)
{
  Host *self = data;
  g_auto (FerryHostFacts) facts = {0};
  FerryHostFacts answer;

  if (!ferry_host_facts_from_variant (&facts, value, NULL) || !facts.asking)
    return;
  answer = *ferry_host_service_get_facts (self->service);
  ferry_host_service_get_figures (self->service, &answer.figures);
  ferry_bus_tell_once (self->bus, ferry_host_facts_to_variant (&answer));
}

static const FerryBusFuncs bus_funcs = {
  .changed = bus_changed,
  .present = namesake_came,
  .packet = packet_came,
  .hello = hello_came,
};

static void
make_wire (gpointer bus, const char *user, const char *id, FerryWire *wire, gpointer *data)
{
  ferry_bus_make_wire (bus, user, id, wire, data);
}

/* ---- the service ---- */

static void
tell_facts (Host *self)
{
  ferry_bus_set_presence (self->bus, ferry_host_facts_to_variant (ferry_host_service_get_facts (self->service)));
}

static void
drained (gpointer data)
{
  Host *self = data;

  g_main_loop_quit (self->loop);
}

/* ---- the metrics ---- */

/* What goes wrong is told once. */
static gboolean
write_metrics (gpointer data)
{
  Host *self = data;
  const FerryHostOptions *options = &self->options;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  text = ferry_host_service_describe_metrics (self->service, options->application);
  if (!ferry_host_metrics_write_file (options->metrics_file, options->application, options->name, text, &error) &&
      !self->metrics_failed)
    g_message ("%s", error->message);
  self->metrics_failed = error != NULL;
  return G_SOURCE_CONTINUE;
}

static gboolean
start_metrics (Host *self, GError **error)
{
  const FerryHostOptions *options = &self->options;

  if (options->metrics_file == NULL)
    return TRUE;
  if (!ferry_host_metrics_check_file (options->metrics_file, options->application, options->name, error))
    return FALSE;
  self->metrics_timer = g_timeout_add_seconds (METRICS_SECONDS, write_metrics, self);
  write_metrics (self);
  return TRUE;
}

/* Figures of a host that is gone would say that all is well. */
static void
stop_metrics (Host *self)
{
  const FerryHostOptions *options = &self->options;

  if (self->metrics_timer == 0)
    return;
  g_source_remove (self->metrics_timer);
  ferry_host_metrics_remove_file (options->metrics_file, options->application, options->name);
}

/* ---- signals ---- */

static gboolean
take_signal (gpointer data)
{
  Host *self = data;
  g_autoptr (GError) reason = NULL;

  /* The main context still runs while the workers end. */
  if (self->service == NULL)
    return G_SOURCE_CONTINUE;
  if (!self->is_draining)
    {
      FerryHostServiceCounts counts = ferry_host_service_get_counts (self->service);

      self->is_draining = TRUE;
      g_message ("Finishes %u tasks that run, and gives back %u; a second signal ends at once",
                 counts.n_running + (self->queue != NULL ? ferry_host_queue_get_n_running (self->queue) : 0),
                 counts.n_waiting + counts.n_reserved);
      if (self->queue != NULL)
        ferry_host_queue_drain (self->queue);
      ferry_host_service_drain (self->service);
      tell_facts (self);
      return G_SOURCE_CONTINUE;
    }
  reason = g_error_new (FERRY_ERROR, FERRY_ERROR_CLOSED, "Host '%s' was ended", self->options.name);
  ferry_host_service_end (self->service, reason);
  self->status = EXIT_FORCED;
  g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

/* ---- the queue ---- */

static void
queue_drained (gpointer data)
{
  Host *self = data;

  ferry_host_service_release (self->service);
}

/* The service is drained when the queue is. */
static gboolean
start_queue (Host *self, const FerryBusSettings *settings, GError **error)
{
  if (self->options.queue == NULL)
    return TRUE;
  self->queue = ferry_host_queue_new (self->program.pool, self->service, settings, self->options.queue,
                                      (gint64) self->options.cut_timeout * G_USEC_PER_SEC,
                                      (const char *const *) self->program.functions,
                                      (const char *const *) self->options.labels, queue_drained, self, error);
  if (self->queue != NULL)
    ferry_host_service_hold (self->service);
  return self->queue != NULL;
}

/* ---- the program ---- */

static gboolean
start (Host *self, GError **error)
{
  g_autofree char *connection_name = NULL;
  FerryBusSettings settings;

  if (!ferry_host_program_start (&self->program, &self->options, error))
    return FALSE;
  ferry_host_get_bus_settings (&self->options, &settings, &connection_name);
  self->bus = ferry_bus_new (self->program.router, &settings, &bus_funcs, self, error);
  if (self->bus == NULL)
    return FALSE;
  self->service = ferry_host_service_new (self->program.pool, self->options.name, ferry_bus_get_id (self->bus),
                                          (const char *const *) self->program.functions, drained, self);
  ferry_host_service_describe (self->service, self->program.version, (const char *const *) self->options.labels);
  self->acceptor = ferry_host_acceptor_new (self->service, self->program.router,
                                            (gint64) self->options.cut_timeout * G_USEC_PER_SEC, make_wire, self->bus);
  tell_facts (self);
  return start_metrics (self, error) && start_queue (self, &settings, error);
}

static void
stop (Host *self)
{
  stop_metrics (self);
  g_clear_pointer (&self->queue, ferry_host_queue_free);
  g_clear_pointer (&self->acceptor, ferry_host_acceptor_free);
  g_clear_object (&self->service);
  if (self->bus != NULL)
    ferry_bus_close (self->bus);
  g_clear_pointer (&self->bus, ferry_bus_unref);
  ferry_host_program_stop (&self->program);
}

static int
run (Host *self)
{
  g_autoptr (GError) error = NULL;

  if (!start (self, &error))
    {
      g_printerr ("ferry-host: %s\n", error->message);
      stop (self);
      return EXIT_CANNOT_WORK;
    }
  self->loop = g_main_loop_new (NULL, FALSE);
  g_unix_signal_add (SIGTERM, take_signal, self);
  g_unix_signal_add (SIGINT, take_signal, self);
  g_main_loop_run (self->loop);
  stop (self);
  g_main_loop_unref (self->loop);
  return self->status;
}

int
main (int argc, char **argv)
{
  Host host = {.status = EXIT_DRAINED};
  g_autoptr (GError) error = NULL;
  int status;

  setlocale (LC_ALL, "");
  if (!ferry_host_options_parse (&host.options, argv, &error))
    {
      g_printerr ("ferry-host: %s\n", error->message);
      ferry_host_options_clear (&host.options);
      return EXIT_BAD_OPTIONS;
    }
  g_unsetenv (FERRY_HOST_SERVER_VARIABLE);
  is_verbose = host.options.verbose;
  g_log_set_debug_enabled (is_verbose);
  g_log_writer_default_set_use_stderr (TRUE);
  g_log_set_writer_func (write_log, NULL, NULL);
  if (host.options.version)
    {
      g_print ("ferry-host %s\n", FERRY_PROJECT_VERSION);
      status = EXIT_SUCCESS;
    }
  else if (host.options.status)
    status = ferry_host_status (&host.options) ? EXIT_SUCCESS : EXIT_CANNOT_WORK;
  else if (host.options.check)
    status = ferry_host_check (&host.options) ? EXIT_SUCCESS : EXIT_CANNOT_WORK;
  else
    status = run (&host);
  ferry_host_options_clear (&host.options);
  g_free (host.exposure);
  return status;
}
