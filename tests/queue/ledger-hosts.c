/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "queue/ledger-hosts.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <signal.h>

#include "base/ferry-tree-private.h"
#include "cluster/nats-test.h"

#define N_HOSTS 2
/* A disturbance comes after a time of up to so many milliseconds. */
#define MAX_PAUSE 1500
/* And of so many one is of the server. */
#define ONE_OF_SERVER 4
/* And of so many of hosts one is a stop, of up to so many milliseconds. */
#define ONE_OF_STOPS 3
#define MAX_STOP 5000

typedef struct
{
  LedgerHosts *hosts;   /* (unowned) */
  const char *name;     /* const */
  GSubprocess *process; /* (owned) (nullable) */
  guint stop_timer;     /* that lets it go on; or 0 */
} Host;

struct _LedgerHosts
{
  NatsTestServer *server; /* (owned) */
  char *url;              /* (owned) */
  char *configuration;    /* (owned) (nullable): of the server */
  char *folder;           /* (owned) (nullable): of its streams */
  gboolean works_off;     /* const */
  Host each[N_HOSTS];
  guint timer;
  guint server_timer; /* that starts the server again; or 0 */
  guint n_hosts_killed;
  guint n_hosts_stopped;
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
                                               host->name, "--workers=2", "--cut-timeout=2",
                                               host->hosts->works_off ? "--queue=user" : "--verbose", worker, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_async (host->process, NULL, host_ended, host);
}

static gboolean
start_server (gpointer data)
{
  LedgerHosts *self = data;

  self->server_timer = 0;
  nats_test_server_spawn (self->server, self->configuration);
  return G_SOURCE_REMOVE;
}

static gboolean
let_host_go_on (gpointer data)
{
  Host *host = data;

  host->stop_timer = 0;
  if (host->process != NULL)
    g_subprocess_send_signal (host->process, SIGCONT);
  return G_SOURCE_REMOVE;
}

static void
stop_host (Host *host)
{
  if (host->stop_timer != 0)
    return;
  g_subprocess_send_signal (host->process, SIGSTOP);
  host->stop_timer = g_timeout_add ((guint) g_random_int_range (0, MAX_STOP), let_host_go_on, host);
  host->hosts->n_hosts_stopped++;
}

static gboolean
disturb (gpointer data)
{
  LedgerHosts *self = data;
  Host *host = &self->each[g_random_int_range (0, N_HOSTS)];

  if (g_random_int_range (0, ONE_OF_SERVER) == 0 && self->server_timer == 0)
    {
      nats_test_server_kill (self->server);
      self->server_timer = g_timeout_add ((guint) g_random_int_range (0, 500), start_server, self);
      self->n_servers_killed++;
    }
  else if (self->works_off && host->process != NULL && g_random_int_range (0, ONE_OF_STOPS) == 0)
    stop_host (host);
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
  LedgerHosts *self = data;

  for (guint i = 0; i < N_HOSTS; i++)
    if (self->each[i].process != NULL)
      return FALSE;
  return TRUE;
}

static void
end_hosts (LedgerHosts *self)
{
  self->over = TRUE;
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_handle_id (&self->server_timer, g_source_remove);
  for (guint i = 0; i < N_HOSTS; i++)
    {
      g_clear_handle_id (&self->each[i].stop_timer, g_source_remove);
      if (self->each[i].process != NULL)
        g_subprocess_send_signal (self->each[i].process, SIGKILL);
    }
  ferry_test_run_until (have_ended, self);
}

LedgerHosts *
ledger_hosts_new (gboolean works_off)
{
  static const char *const names[N_HOSTS] = {"alpha", "beta"};
  LedgerHosts *self = g_new0 (LedgerHosts, 1);

  self->server = nats_test_server_new ();
  self->works_off = works_off;
  if (works_off)
    {
      self->folder = g_dir_make_tmp ("ferry-streams-XXXXXX", NULL);
      self->configuration = g_strdup_printf ("jetstream { store_dir: \"%s\" }\n", self->folder);
    }
  nats_test_server_start (self->server, self->configuration);
  self->url = nats_test_server_get_url (self->server, "nats", "127.0.0.1");
  for (guint i = 0; i < N_HOSTS; i++)
    {
      self->each[i] = (Host){.hosts = self, .name = names[i]};
      start_host (&self->each[i]);
    }
  self->timer = g_timeout_add (MAX_PAUSE, disturb, self);
  return self;
}

const char *
ledger_hosts_get_url (LedgerHosts *self)
{
  return self->url;
}

void
ledger_hosts_free (LedgerHosts *self)
{
  g_test_message ("%u kills and %u stops of hosts, %u kills of the server", self->n_hosts_killed, self->n_hosts_stopped,
                  self->n_servers_killed);
  end_hosts (self);
  nats_test_server_free (self->server);
  if (self->folder != NULL)
    ferry_tree_remove (AT_FDCWD, self->folder);
  g_free (self->folder);
  g_free (self->configuration);
  g_free (self->url);
  g_free (self);
}
