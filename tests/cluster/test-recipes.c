/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-recipes.c, cluster/ferry-host-main.c
 *
 * A recipe of a host, asked for by an application through a real server. */

#include "config.h"

#include <ferry-cluster.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cluster/nats-test.h"
#include "ferry-test.h"

#define RECIPE "[upper]\nargv=['sh', '-c', 'tr a-z A-Z <$1 >$2', '', '{input}', '{output.txt}']\n"

static GSubprocess *
start_host (NatsTestServer *server)
{
  g_autofree char *host = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "command-worker", "ferry-command", NULL);
  g_autofree char *url = nats_test_server_get_url (server, "nats", "127.0.0.1");
  g_autofree char *recipes = nats_test_server_get_path (server, "recipes.conf");
  const char *argv[] = {host,        "--server", url, "--application=app", "--name=far", "--workers=1", program,
                        "--recipes", recipes,    NULL};

  nats_test_server_write (server, "recipes.conf", RECIPE);
  return ferry_test_start (argv, G_SUBPROCESS_FLAGS_NONE);
}

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

static void
a_host_runs_a_recipe (void)
{
  NatsTestServer *server = nats_test_server_new ();
  g_autoptr (FerryRouter) router = ferry_router_new (NULL);
  g_autoptr (FerryCluster) cluster = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GSubprocess) host = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GVariant) output = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *url = NULL;

  nats_test_server_start (server, NULL);
  url = nats_test_server_get_url (server, "nats", "127.0.0.1");
  host = start_host (server);
  g_assert_true (ferry_router_start (router, &error));
  cluster = ferry_cluster_new (router, url, "app");
  g_assert_true (ferry_cluster_open (cluster, &error));
  executor = ferry_executor_new_for_runner (FERRY_RUNNER (cluster));
  task = ferry_executor_submit (executor, "upper", g_variant_new_parsed ("{'input': <b'far away'>}"), &error);
  g_assert_no_error (error);
  ferry_test_run_until (is_done, task);
  result = ferry_task_get_result (task, &error);
  g_assert_no_error (error);
  output = g_variant_get_child_value (result, 1);
  /* The input has the NUL byte that ends a byte string in GVariant's text. */
  g_assert_cmpmem (g_variant_get_data (output), g_variant_get_size (output), "FAR AWAY", sizeof "FAR AWAY");
  g_clear_object (&task);
  g_clear_object (&executor);
  ferry_cluster_close (cluster);
  g_assert_true (ferry_router_stop (router, &error));
  g_subprocess_force_exit (host);
  nats_test_server_free (server);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  nats_test_add ("/recipes/a-host-runs-a-recipe", a_host_runs_a_recipe);
  return g_test_run ();
}
