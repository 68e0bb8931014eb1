/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-siege.h"

#include <stdlib.h>

#define PATIENCE (20 * G_USEC_PER_SEC) /* for what must come, on the slowest machine */
/* How long the application waits before it replaces a worker. */
#define PAUSE_MS 100

static void start_worker (BenchSiege *self);

static void
fail (const GError *error)
{
  bench_comment ("FAILED: %s", error != NULL ? error->message : "the hostile worker did not come or go in time");
  exit (EXIT_FAILURE);
}

static gboolean
replace_cb (gpointer user_data)
{
  BenchSiege *self = user_data;

  self->replacing = 0;
  start_worker (self);
  return G_SOURCE_REMOVE;
}

static void
ended_cb (FerryWorker *worker, const FerryExit *ended, gpointer user_data)
{
  BenchSiege *self = user_data;

  g_clear_object (&self->worker);
  g_clear_object (&self->receiver);
  if (!self->ending)
    self->replacing = g_timeout_add (PAUSE_MS, replace_cb, self);
}

static void
take_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  BenchSiege *self = user_data;

  self->n_messages++;
}

static void
start_worker (BenchSiege *self)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (program);
  g_autofree char *path = g_build_filename (folder, "bench-besieger", NULL);
  const char *argv[] = {path, self->mode, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (GError) error = NULL;

  if (!ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &sender, &self->receiver, &error) ||
      !ferry_launcher_add_sender (launcher, "siege", sender, &error))
    fail (error);
  ferry_receiver_set_handler (self->receiver, take_cb, self, NULL);
  self->worker = ferry_launcher_spawn (launcher, self->router, &error);
  if (self->worker == NULL)
    fail (error);
  g_signal_connect (self->worker, "ended", G_CALLBACK (ended_cb), self);
  self->n_started++;
}

static gboolean
has_attached (gpointer user_data)
{
  BenchSiege *self = user_data;

  return self->worker == NULL || ferry_worker_get_state (self->worker) != FERRY_WORKER_STATE_STARTING;
}

static gboolean
has_no_worker (gpointer user_data)
{
  BenchSiege *self = user_data;

  return self->worker == NULL;
}

void
bench_siege_begin (BenchSiege *self, const char *mode)
{
  g_autoptr (GError) error = NULL;

  *self = (BenchSiege){.router = ferry_router_new (NULL), .mode = mode};
  if (!ferry_router_start (self->router, &error))
    fail (error);
  start_worker (self);
  if (!ferry_router_route_until (self->router, has_attached, self, PATIENCE, &error))
    fail (error);
}

void
bench_siege_end (BenchSiege *self)
{
  g_autoptr (GError) error = NULL;

  self->ending = TRUE;
  g_clear_handle_id (&self->replacing, g_source_remove);
  if (self->worker != NULL)
    ferry_worker_force_exit (self->worker);
  if (!ferry_router_route_until (self->router, has_no_worker, self, PATIENCE, &error) ||
      !ferry_router_stop (self->router, &error))
    fail (error);
  g_clear_object (&self->router);
}
