/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "queue/ledger-hosts.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <nats/nats.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/ferry-tree-private.h"
#include "cluster/nats-test.h"

#define N_HOSTS 2
/* Of a cluster of servers. */
#define N_SERVERS 3
/* A disturbance comes after a time of up to so many milliseconds. */
#define MAX_PAUSE 1500
/* And of so many one is of the server. */
#define ONE_OF_SERVER 4
/* And of so many of hosts one is a stop, of up to so many milliseconds. */
#define ONE_OF_STOPS 3
#define MAX_STOP 5000
/* How long a server is away at most, in milliseconds. One of several has more time, also until the next one: they need
 * some seconds to choose who leads. */
#define MAX_AWAY 500
#define MAX_AWAY_OF_SEVERAL 10000
#define QUIET (30 * G_USEC_PER_SEC)
/* And of so many one is a loss of what the server has, or another time of all clocks. */
#define ONE_OF_LOSSES 8
#define ONE_OF_CLOCKS 4
/* How long a call of JetStream may take, in milliseconds. */
#define CALL_TIME 1000

typedef struct
{
  LedgerHosts *hosts;   /* (unowned) */
  const char *name;     /* const */
  GSubprocess *process; /* (owned) (nullable) */
  guint stop_timer;     /* that lets it go on; or 0 */
} Host;

typedef struct
{
  NatsTestServer *server; /* (owned) */
  char *configuration;    /* (owned) (nullable) */
  guint timer;            /* that starts it again; or 0 */
} Server;

struct _LedgerHosts
{
  Server servers[N_SERVERS];
  guint n_servers;        /* const */
  gint64 quiet_until;     /* no server is killed before that */
  char *url;              /* (owned) */
  char *folder;           /* (owned) (nullable): of the streams, and the clock */
  char *clock;            /* (owned) (nullable) */
  _Atomic gint64 *beyond; /* (nullable): by how much clocks are beyond the time, in microseconds */
  gboolean works_off;     /* const */
  Host each[N_HOSTS];
  guint timer;
  guint n_hosts_killed;
  guint n_hosts_stopped;
  guint n_servers_killed;
  guint n_losses;
  guint n_clocks;
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
  g_autoptr (GSubprocessLauncher) launcher = ferry_test_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autofree char *worker = ferry_test_build_path ("queue-application");
  g_autofree char *server = g_strdup_printf ("--server=%s", host->hosts->url);
  g_autofree char *label = g_strdup_printf ("--label=%s", host->name);
  g_autofree char *log = nats_test_server_get_path (host->hosts->servers[0].server, host->name);
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_set_stderr_file_path (launcher, log);
  host->process = g_subprocess_launcher_spawn (launcher, &error, program, server, "--application=queue", "--name",
                                               host->name, label, "--workers=2", "--cut-timeout=2",
                                               host->hosts->works_off ? "--queue=user" : "--verbose", worker, NULL);
  g_assert_no_error (error);
  g_subprocess_wait_async (host->process, NULL, host_ended, host);
}

static gboolean
start_server (gpointer data)
{
  Server *self = data;

  self->timer = 0;
  nats_test_server_spawn (self->server, self->configuration);
  return G_SOURCE_REMOVE;
}

/* Of several, one at a time. */
static void
kill_server (LedgerHosts *self)
{
  Server *server = &self->servers[g_random_int_range (0, (gint32) self->n_servers)];
  const gint32 time = self->n_servers > 1 ? MAX_AWAY_OF_SEVERAL : MAX_AWAY;

  if (server->timer != 0 || g_get_monotonic_time () < self->quiet_until)
    return;
  if (self->n_servers > 1)
    self->quiet_until = g_get_monotonic_time () + QUIET;
  nats_test_server_kill (server->server);
  server->timer = g_timeout_add ((guint) g_random_int_range (0, time), start_server, server);
  self->n_servers_killed++;
}

/* A stream loses its messages, or is gone. */
static void
lose_messages (LedgerHosts *self)
{
  const char *stream = g_random_boolean () ? "ferry+queue+user+tasks" : "ferry+queue+user+ends";
  natsConnection *nats = NULL;
  jsCtx *context = NULL;
  jsOptions options;

  jsOptions_Init (&options);
  options.Wait = CALL_TIME;
  if (natsConnection_ConnectTo (&nats, self->url) == NATS_OK &&
      natsConnection_JetStream (&context, nats, &options) == NATS_OK &&
      (g_random_boolean () ? js_PurgeStream (context, stream, NULL, NULL)
                           : js_DeleteStream (context, stream, NULL, NULL)) == NATS_OK)
    self->n_losses++;
  jsCtx_Destroy (context);
  natsConnection_Destroy (nats);
}

/* An hour earlier or later, or right again. */
static void
set_clock (LedgerHosts *self)
{
  atomic_store_explicit (self->beyond, g_random_int_range (-1, 2) * 3600 * (gint64) G_USEC_PER_SEC,
                         memory_order_relaxed);
  self->n_clocks++;
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

  if (self->beyond != NULL && g_random_int_range (0, ONE_OF_CLOCKS) == 0)
    set_clock (self);
  if (g_random_int_range (0, ONE_OF_SERVER) == 0)
    kill_server (self);
  else if (self->works_off && g_random_int_range (0, ONE_OF_LOSSES) == 0)
    lose_messages (self);
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
  for (guint i = 0; i < self->n_servers; i++)
    g_clear_handle_id (&self->servers[i].timer, g_source_remove);
  for (guint i = 0; i < N_HOSTS; i++)
    {
      g_clear_handle_id (&self->each[i].stop_timer, g_source_remove);
      if (self->each[i].process != NULL)
        g_subprocess_send_signal (self->each[i].process, SIGKILL);
    }
  ferry_test_run_until (have_ended, self);
}

/* A port where nothing listens. */
static guint
find_port (void)
{
  g_autoptr (GInetAddress) here = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (here, 0);
  g_autoptr (GSocketAddress) found = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocket) socket =
    g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error);

  g_assert_no_error (error);
  g_socket_bind (socket, any, FALSE, &error);
  g_assert_no_error (error);
  found = g_socket_get_local_address (socket, &error);
  g_assert_no_error (error);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (found));
}

/* The servers keep streams, and several form a cluster. */
static void
configure_servers (LedgerHosts *self)
{
  GString *routes = g_string_new (NULL);
  guint ports[N_SERVERS];

  for (guint i = 0; i < self->n_servers; i++)
    {
      ports[i] = find_port ();
      g_string_append_printf (routes, "%s\"nats://127.0.0.1:%u\"", i > 0 ? ", " : "", ports[i]);
    }
  for (guint i = 0; i < self->n_servers; i++)
    {
      g_autofree char *cluster =
        g_strdup_printf ("cluster { name: ledger, listen: \"127.0.0.1:%u\", routes: [%s] }\n", ports[i], routes->str);

      self->servers[i].configuration = g_strdup_printf ("server_name: s%u\njetstream { store_dir: \"%s/%u\" }\n%s", i,
                                                        self->folder, i, self->n_servers > 1 ? cluster : "");
    }
  g_string_free (routes, TRUE);
}

static void
start_servers (LedgerHosts *self)
{
  GString *urls = g_string_new (NULL);

  for (guint i = 0; i < self->n_servers; i++)
    {
      g_autofree char *url = NULL;

      nats_test_server_start (self->servers[i].server, self->servers[i].configuration);
      url = nats_test_server_get_url (self->servers[i].server, "nats", "127.0.0.1");
      g_string_append_printf (urls, "%s%s", i > 0 ? "," : "", url);
    }
  self->url = g_string_free (urls, FALSE);
}

/* All programs that are started from now on have a clock that is set here. */
static void
make_clock (LedgerHosts *self)
{
  g_autofree char *library = g_test_build_filename (G_TEST_BUILT, "fake-clock.so", NULL);
  const gint64 now = 0;
  int fd;

  if (!g_file_test (library, G_FILE_TEST_EXISTS))
    return;
  self->clock = g_build_filename (self->folder, "clock", NULL);
  g_assert_true (g_file_set_contents (self->clock, (const char *) &now, sizeof now, NULL));
  fd = open (self->clock, O_RDWR | O_CLOEXEC);
  self->beyond = mmap (NULL, sizeof now, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  g_assert_true (self->beyond != MAP_FAILED);
  close (fd);
  g_setenv ("FERRY_TEST_CLOCK", self->clock, TRUE);
  g_setenv ("LD_PRELOAD", library, TRUE);
}

/* One, or a cluster of them. */
static guint
count_servers (void)
{
  const char *given = g_getenv ("FERRY_TEST_LEDGER_SERVERS");

  return given != NULL ? MIN ((guint) atoi (given), N_SERVERS) : g_random_boolean () ? N_SERVERS : 1;
}

LedgerHosts *
ledger_hosts_new (gboolean works_off)
{
  static const char *const names[N_HOSTS] = {"alpha", "beta"};
  LedgerHosts *self = g_new0 (LedgerHosts, 1);

  self->works_off = works_off;
  self->n_servers = works_off ? count_servers () : 1;
  for (guint i = 0; i < self->n_servers; i++)
    self->servers[i].server = nats_test_server_new ();
  if (works_off)
    {
      self->folder = g_dir_make_tmp ("ferry-streams-XXXXXX", NULL);
      configure_servers (self);
    }
  start_servers (self);
  if (works_off)
    make_clock (self);
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
  g_test_message ("%u kills and %u stops of hosts; %u kills of %u servers, and %u losses of what they had; %u times of "
                  "the clocks",
                  self->n_hosts_killed, self->n_hosts_stopped, self->n_servers_killed, self->n_servers, self->n_losses,
                  self->n_clocks);
  end_hosts (self);
  for (guint i = 0; i < self->n_servers; i++)
    {
      nats_test_server_free (self->servers[i].server);
      g_free (self->servers[i].configuration);
    }
  if (self->beyond != NULL)
    munmap (self->beyond, sizeof *self->beyond);
  if (self->folder != NULL)
    ferry_tree_remove (AT_FDCWD, self->folder);
  g_free (self->clock);
  g_free (self->folder);
  g_free (self->url);
  g_free (self);
}
