/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue.c, queue/ferry-queue-tasks.c, cluster/ferry-cluster.c
 *
 * The ledger of queue/queue-ledger.h, over two hosts: beside the application and its workers, hosts and the server are
 * killed, and started again. */

#include "config.h"

#include <gio/gio.h>
#include <signal.h>

#include "cluster/nats-test.h"
#include "queue/queue-ledger.h"

#define N_HOSTS 2
/* A disturbance comes after a time of up to so many milliseconds. */
#define MAX_PAUSE 1500
/* And of so many one is of the server. */
#define ONE_OF_SERVER 4

typedef struct _Hosts Hosts;

typedef struct
{
  Hosts *hosts;         /* (unowned) */
  const char *name;     /* const */
  GSubprocess *process; /* (owned) (nullable) */
} Host;

struct _Hosts
{
  NatsTestServer *server; /* (owned) */
  char *url;              /* (owned) */
  Host each[N_HOSTS];
  guint timer;
  guint server_timer; /* that starts the server again; or 0 */
  guint n_hosts_killed;
  guint n_servers_killed;
  gboolean over;
};

static void start_host (Host *host);

static void
host_ended (GObject *process, GAsyncResult *result, gpointer data)
{
  Host *host = data;

  g_assert_true (g_subprocess_wait_finish (G_SUBPROCESS (process), result, NULL));
  g_clear_object (&host->process);
  if (!host->hosts->over)
    start_host (host);
}

static void
start_host (Host *host)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autofree char *worker = ferry_test_build_path ("queue-application");
  g_autofree char *server = g_strdup_printf ("--server=%s", host->hosts->url);
  g_autofree char *log = nats_test_server_get_path (host->hosts->server, host->name);
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_set_child_setup (launcher, ferry_test_end_with_the_test, NULL, NULL);
  g_subprocess_launcher_set_stderr_file_path (launcher, log);
  host->process = g_subprocess_launcher_spawn (launcher, &error, program, server, "--application=queue", "--name",
                                               host->name, "--workers=2", "--cut-timeout=2", worker, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_async (host->process, NULL, host_ended, host);
}

static gboolean
start_server (gpointer data)
{
  Hosts *self = data;

  self->server_timer = 0;
  nats_test_server_spawn (self->server, NULL);
  return G_SOURCE_REMOVE;
}

static gboolean
disturb (gpointer data)
{
  Hosts *self = data;
  Host *host = &self->each[g_random_int_range (0, N_HOSTS)];

  if (g_random_int_range (0, ONE_OF_SERVER) == 0 && self->server_timer == 0)
    {
      nats_test_server_kill (self->server);
      self->server_timer = g_timeout_add ((guint) g_random_int_range (0, 500), start_server, self);
      self->n_servers_killed++;
    }
  else if (host->process != NULL)
    {
      g_subprocess_send_signal (host->process, SIGKILL);
      self->n_hosts_killed++;
    }
  self->timer = g_timeout_add ((guint) g_random_int_range (1, MAX_PAUSE), disturb, self);
  return G_SOURCE_REMOVE;
}

static gboolean
have_ended (gpointer data)
{
  Hosts *self = data;

  for (guint i = 0; i < N_HOSTS; i++)
    if (self->each[i].process != NULL)
      return FALSE;
  return TRUE;
}

static void
end_hosts (Hosts *self)
{
  self->over = TRUE;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_handle_id (&self->server_timer, g_source_remove);
  for (guint i = 0; i < N_HOSTS; i++)
    if (self->each[i].process != NULL)
      g_subprocess_send_signal (self->each[i].process, SIGKILL);
  ferry_test_run_until (have_ended, self);
}

static void
test_ledger (void)
{
  static const char *const names[N_HOSTS] = {"alpha", "beta"};
  Hosts self = {.server = nats_test_server_new ()};

  nats_test_server_start (self.server, NULL);
  self.url = nats_test_server_get_url (self.server, "nats", "127.0.0.1");
  for (guint i = 0; i < N_HOSTS; i++)
    {
      self.each[i] = (Host){.hosts = &self, .name = names[i]};
      start_host (&self.each[i]);
    }
  self.timer = g_timeout_add (MAX_PAUSE, disturb, &self);
  queue_ledger_play (self.url);
  g_test_message ("%u kills of hosts, %u of the server", self.n_hosts_killed, self.n_servers_killed);
  end_hosts (&self);
  nats_test_server_free (self.server);
  g_free (self.url);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  nats_test_add ("/ledger-hosts/each-task-is-there-once", test_ledger);
  return g_test_run ();
}
