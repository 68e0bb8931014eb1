/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-inbox.c, route/ferry-dispatch.c
 *
 * A worker floods a channel while a thread waits for an answer over the same link, and the main loop does not run. This
 * program is its own worker. */

#include "config.h"

#include <ferry-conversations.h>
#include <stdio.h>
#include <unistd.h>

#include "call/forge.h"
#include "process/worker-test.h"

#define SIZE 400
#define WAIT (G_USEC_PER_SEC / 2)
/* A flood without a bound takes 90 MB and more in that time. A link's share is 1 MiB, and its lane has as much again.
 */
#define MAX_GROWTH ((gint64) 32 * 1024 * 1024)

static int
flood (FerryTransport *transport)
{
  static const guint8 bytes[SIZE];
  g_autoptr (GVariant) message =
    g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1));

  while (forge_standing (transport, FERRY_CALL_ITEM, message, 0))
    ;
  return 0;
}

static gint64
get_resident_size (void)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  long pages;

  g_file_get_contents ("/proc/self/statm", &text, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (sscanf (text, "%*d %ld", &pages), ==, 1);
  return (gint64) pages * sysconf (_SC_PAGESIZE);
}

static gpointer
wait_thread (gpointer mux)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_mux_transact (mux, "never", NULL, WAIT, NULL, &error);

  g_assert_null (value);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  return NULL;
}

static void
test_flood (void)
{
  g_autoptr (FerryRouter) router = ferry_router_new (NULL);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *[]){"/proc/self/exe", NULL});
  g_autoptr (FerryTransport) flooded = NULL;
  g_autoptr (FerryTransport) other = NULL;
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (FerryMux) mux = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  gint64 before, growth;

  g_assert_true (ferry_router_start (router, &error));
  flooded = ferry_launcher_add_transport (launcher, router, "flooded", &error);
  other = ferry_launcher_add_transport (launcher, router, "other", &error);
  channel = ferry_channel_new (flooded);
  mux = ferry_mux_new (other);
  worker = ferry_launcher_spawn (launcher, router, &error);
  g_assert_no_error (error);
  while (ferry_worker_get_state (worker) == FERRY_WORKER_STATE_STARTING)
    g_main_context_iteration (NULL, TRUE);
  before = get_resident_size ();
  g_thread_join (g_thread_new ("waits", wait_thread, mux));
  growth = get_resident_size () - before;
  g_test_message ("it has grown by %" G_GINT64_FORMAT " bytes", growth);
  g_assert_cmpint (growth, <, MAX_GROWTH);
  ferry_worker_force_exit (worker);
  while (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_ENDED)
    g_main_context_iteration (NULL, TRUE);
  ferry_router_stop (router, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (FerryTransport) transport = ferry_worker_get_transport ("flooded", NULL);
  g_autoptr (FerryTransport) other = transport != NULL ? ferry_worker_get_transport ("other", NULL) : NULL;

  if (transport != NULL)
    return flood (transport);
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/inbox-flood/memory-is-bounded-while-a-thread-waits-and-no-main-loop-runs", test_flood);

  return g_test_run ();
}
