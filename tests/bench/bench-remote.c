/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-remote.h"

#include "bench-team.h"

void
bench_remote_open (BenchRemote *self)
{
  g_autofree char *path = bench_path_beside ("bench-object-worker");
  const char *const argv[] = {path, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (GError) error = NULL;

  self->router = bench_router_open ();
  self->transport = ferry_launcher_add_transport (launcher, self->router, BENCH_REMOTE_TRANSPORT, &error);
  if (self->transport == NULL)
    bench_fail ("a transport", error);
  self->worker = ferry_launcher_spawn (launcher, self->router, &error);
  if (self->worker == NULL)
    bench_fail (path, error);
}

void
bench_remote_close (BenchRemote *self)
{
  ferry_worker_force_exit (self->worker);
  while (ferry_worker_get_state (self->worker) != FERRY_WORKER_STATE_ENDED || !bench_is_closed (self->transport))
    g_main_context_iteration (NULL, TRUE);
  g_clear_object (&self->transport);
  g_clear_object (&self->worker);
  bench_router_close (g_steal_pointer (&self->router));
}

static void
called_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **called = data;

  *called = g_object_ref (result);
}

GVariant *
bench_remote_call (FerryProxy *proxy, const char *method, GVariant *arguments)
{
  g_autoptr (GAsyncResult) called = NULL;
  g_autoptr (GError) error = NULL;
  GVariant *value = NULL;

  ferry_proxy_call_async (proxy, method, arguments, -1, NULL, called_cb, &called);
  while (called == NULL)
    g_main_context_iteration (NULL, TRUE);
  if (!ferry_proxy_call_finish (proxy, called, &value, NULL, &error))
    bench_fail (method, error);
  return value;
}
