/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-listening.h"

#include "bench-team.h"

#define TIMEOUT (30 * G_USEC_PER_SEC)

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **waited = data;

  *waited = g_object_ref (result);
}

/* A worker that has its transport already and not yet its exporter on it says that there is none. */
static gboolean
is_early (FerryProxy *proxy, const GError *error)
{
  g_autoptr (FerryTransport) transport = NULL;

  g_object_get (proxy, "transport", &transport, NULL);
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING) && !bench_is_closed (transport);
}

void
bench_wait_until_listening (FerryProxy *proxy)
{
  const gint64 deadline = g_get_monotonic_time () + TIMEOUT;
  gboolean listens = FALSE;

  while (!listens)
    {
      g_autoptr (GAsyncResult) waited = NULL;
      g_autoptr (GError) error = NULL;

      ferry_proxy_wait_until_listening_async (proxy, TIMEOUT, NULL, waited_cb, &waited);
      while (waited == NULL)
        g_main_context_iteration (NULL, TRUE);
      listens = ferry_proxy_wait_until_listening_finish (proxy, waited, &error);
      if (!listens && (!is_early (proxy, error) || g_get_monotonic_time () > deadline))
        bench_fail ("an exporter", error);
    }
}
