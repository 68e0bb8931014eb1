/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-host-main.c, process/ferry-spawn.c, process/ferry-symbolizer.c
 *
 * A host that is process 1, as the entry point of a container without an init is. This program is its worker. */

#include "config.h"

#include <ferry-cluster.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cluster/nats-test.h"
#include "ferry-test.h"

#define UNSHARE "unshare", "--pid", "--fork", "--mount-proc", "--kill-child"

static GVariant *
crash (FerryJob *job, GVariant *arguments, GError **error)
{
  raise (SIGSEGV);
  return NULL;
}

/* ---- the host ---- */

/* Whether the system lets this test make processes of their own numbers; it is skipped else. */
static gboolean
may_contain (void)
{
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL, UNSHARE, "true", NULL);

  if (process != NULL && g_subprocess_wait_check (process, NULL, NULL))
    return TRUE;
  g_test_skip ("This needs the right to make a namespace of processes (root), and unshare");
  return FALSE;
}

static GSubprocess *
start_host (NatsTestServer *server)
{
  g_autofree char *host = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *url = nats_test_server_get_url (server, "nats", "127.0.0.1");
  const char *argv[] = {UNSHARE, host, "--server", url, "--application=app", "--name=boxed", "--workers=2", self, NULL};

  return ferry_test_start (argv, G_SUBPROCESS_FLAGS_STDERR_SILENCE);
}

/* (transfer full): the numbers of the children of a process. */
static GStrv
list_children (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/children", (int) pid, (int) pid);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_new0 (char *, 1);
  return g_strsplit (g_strchomp (text), " ", -1);
}

/* What 'unshare' has started. */
static GPid
get_process_1 (GSubprocess *host)
{
  g_auto (GStrv) children = list_children (ferry_test_parse_process (g_subprocess_get_identifier (host)));

  g_assert_cmpuint (g_strv_length (children), ==, 1);
  return ferry_test_parse_process (children[0]);
}

/* A thread may have adopted them. */
static gboolean
has_no_zombie (gpointer pid)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    if (g_ascii_isdigit (name[0]) && ferry_test_read_parent (atoi (name)) == GPOINTER_TO_INT (pid) &&
        !ferry_test_is_alive (atoi (name)))
      return FALSE;
  return TRUE;
}

/* ---- the application ---- */

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

static void
lose_tasks (FerryExecutor *executor, guint n)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;

      g_ptr_array_add (tasks, ferry_executor_submit (executor, "crash", NULL, &error));
      g_assert_no_error (error);
    }
  for (guint i = 0; i < n; i++)
    {
      ferry_test_run_until (is_done, tasks->pdata[i]);
      g_assert_error (ferry_task_get_error (tasks->pdata[i]), FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
    }
}

static void
is_drained_and_has_no_zombie (void)
{
  NatsTestServer *server = NULL;
  g_autoptr (FerryRouter) router = ferry_router_new (NULL);
  g_autoptr (FerryCluster) cluster = NULL;
  g_autoptr (FerryExecutor) executor = NULL;
  g_autoptr (GSubprocess) host = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *url = NULL;

  if (!may_contain ())
    return;
  server = nats_test_server_new ();
  nats_test_server_start (server, NULL);
  url = nats_test_server_get_url (server, "nats", "127.0.0.1");
  host = start_host (server);
  g_assert_true (ferry_router_start (router, &error));
  cluster = ferry_cluster_new (router, url, "app");
  g_assert_true (ferry_cluster_open (cluster, &error));
  executor = ferry_executor_new_for_runner (FERRY_RUNNER (cluster));
  lose_tasks (executor, ferry_test_times (100, 1000));
  ferry_test_look_until (has_no_zombie, GINT_TO_POINTER (get_process_1 (host)));
  g_clear_object (&executor);
  ferry_cluster_close (cluster);
  g_assert_true (ferry_router_stop (router, &error));
  ferry_test_kill (get_process_1 (host), SIGTERM);
  g_assert_true (g_subprocess_wait_check (host, NULL, &error));
  g_assert_no_error (error);
  nats_test_server_free (server);
}

int
main (int argc, char *argv[])
{
  ferry_function_register ("crash", NULL, NULL, crash);
  ferry_worker_main (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  nats_test_add ("/host-container/is-drained-and-has-no-zombie", is_drained_and_has_no_zombie);
  return g_test_run ();
}
