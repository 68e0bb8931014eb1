/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-cluster.c, cluster/ferry-absences.c
 *
 * A cluster and hosts with a real server between them: how they find each other, and what becomes of tasks when the
 * server or a host is killed. Without a server these are skipped.
 *
 * It is one file since all of them need the hosts of this process. */

#include "config.h"

#include "cluster/bus-test.h"
#include "cluster/nats-test.h"
#include "cluster/proxy-test.h"

#include <nats/nats.h>
#include <string.h>

#include "cluster/ferry-absences-private.h"
#include "cluster/ferry-cluster-private.h"
#include "cluster/ferry-host-acceptor-private.h"
#include "cluster/ferry-host-private.h"
#include "cluster/ferry-host-service-private.h"
#include "cluster/ferry-run-message-private.h"
#include "cluster/ferry-session-private.h"
#include "property-test.h"
#include "route/ferry-router-private.h"
#include "task/ferry-task-private.h"
#include "task/task-test.h"

#define N_TASKS 200

/* The end of facts of a host without labels, whose program tells no version. */
#define NO_MORE ", '', @as [], false, (@t 0, @u 0, @u 0, @u 0, @t 0, @t 0, @t 0, @t 0))"

typedef struct
{
  TaskTest *task;          /* (owned): a router, and the pool of all hosts */
  NatsTestServer *server;  /* (owned) */
  ProxyTest *proxy;        /* (owned) (nullable) */
  FerryCluster *cluster;   /* (owned) */
  FerryExecutor *executor; /* (owned) */
} Scene;

/* by_proxy: there is a proxy between the application and the server. */
static Scene *
scene_new_by (const char *configuration, gboolean by_proxy)
{
  Scene *scene = g_new0 (Scene, 1);
  g_autofree char *url = NULL;

  scene->task = task_test_new (TRUE, 4);
  scene->server = nats_test_server_new ();
  nats_test_server_start (scene->server, configuration);
  scene->proxy = by_proxy ? proxy_test_new (scene->server->port) : NULL;
  url = by_proxy ? g_strdup_printf ("nats://127.0.0.1:%u", proxy_test_get_port (scene->proxy))
                 : nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  scene->cluster = ferry_cluster_new (scene->task->router, url, "app");
  scene->executor = ferry_executor_new_for_runner (FERRY_RUNNER (scene->cluster));
  return scene;
}

static Scene *
scene_new (const char *configuration)
{
  return scene_new_by (configuration, FALSE);
}

static gboolean
is_idle (gpointer data)
{
  FerryExecutor *executor = data;

  return ferry_test_get_number (executor, "n-waiting") + ferry_test_get_number (executor, "n-executing") == 0;
}

static void
scene_free (Scene *scene)
{
  ferry_test_run_until (is_idle, scene->executor);
  ferry_test_finalize (scene->executor);
  ferry_cluster_close (scene->cluster);
  ferry_test_finalize (scene->cluster);
  g_clear_pointer (&scene->proxy, proxy_test_free);
  nats_test_server_free (scene->server);
  task_test_free (scene->task);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

/* ---- Hosts of this process ---- */

typedef struct
{
  FerryBus *bus;               /* (owned) (nullable) */
  FerryHostService *service;   /* (owned) */
  FerryHostAcceptor *acceptor; /* (owned) */
  gboolean drained;
} Host;

static void
host_bus_changed (gpointer data)
{
  Host *host = data;

  if (ferry_bus_get_state (host->bus) == FERRY_CLUSTER_STATE_CONNECTED)
    ferry_host_acceptor_reconnected (host->acceptor, ferry_bus_get_max_packet (host->bus));
}

static void
host_packet_came (gpointer data, const char *peer, const char *id, GBytes *packet)
{
  Host *host = data;

  ferry_host_acceptor_take (host->acceptor, peer, id, packet, ferry_bus_get_max_packet (host->bus));
}

static void
host_hello_came (gpointer data, const char *user, const char *id, GVariant *versions)
{
  ferry_host_acceptor_hear (((Host *) data)->acceptor, user, id, versions);
}

static const FerryBusFuncs host_bus_funcs = {
  .changed = host_bus_changed, .packet = host_packet_came, .hello = host_hello_came};

static void
host_make_wire (gpointer data, const char *user, const char *id, FerryWire *wire, gpointer *wire_data)
{
  ferry_bus_make_wire (((Host *) data)->bus, user, id, wire, wire_data);
}

static void
tell_presence (Host *host)
{
  ferry_bus_set_presence (host->bus, ferry_host_facts_to_variant (ferry_host_service_get_facts (host->service)));
}

static void
note_drained (gpointer data)
{
  ((Host *) data)->drained = TRUE;
}

static Host *
host_new_at (Scene *scene, NatsTestServer *server, const char *name)
{
  static const char *const functions[] = {"add", "echo", "fail", "gate", "note", "nothing", "sleep-until-cancelled",
                                          NULL};
  g_autofree char *url = nats_test_server_get_url (server, "nats", "127.0.0.1");
  const FerryBusSettings settings = {.url = url, .application = "app", .host = name};
  g_autoptr (GError) error = NULL;
  Host *host = g_new0 (Host, 1);

  host->bus = ferry_bus_new (scene->task->router, &settings, &host_bus_funcs, host, &error);
  g_assert_no_error (error);
  host->service =
    ferry_host_service_new (scene->task->pool, name, ferry_bus_get_id (host->bus), functions, note_drained, host);
  host->acceptor =
    ferry_host_acceptor_new (host->service, scene->task->router, 30 * G_USEC_PER_SEC, host_make_wire, host);
  tell_presence (host);
  return host;
}

static Host *
host_new (Scene *scene, const char *name)
{
  return host_new_at (scene, scene->server, name);
}

/* As of a process that is killed: it says no more. */
static void
host_kill (Host *host)
{
  if (host->bus == NULL)
    return;
  ferry_bus_close (host->bus);
  g_clear_pointer (&host->acceptor, ferry_host_acceptor_free);
  g_clear_pointer (&host->bus, ferry_bus_unref);
}

static void
host_free (Host *host)
{
  host_kill (host);
  g_object_unref (host->service);
  g_free (host);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Host, host_free)

typedef struct
{
  Scene *scene;
  guint n;
} Awaited;

static gboolean
has_hosts (gpointer data)
{
  Awaited *awaited = data;

  return g_list_model_get_n_items (ferry_cluster_get_hosts (awaited->scene->cluster)) == awaited->n;
}

static void
wait_hosts (Scene *scene, guint n)
{
  Awaited awaited = {scene, n};

  ferry_test_run_until (has_hosts, &awaited);
}

static gboolean
has_state (gpointer data)
{
  Awaited *awaited = data;

  return ferry_cluster_get_state (awaited->scene->cluster) == (FerryClusterState) awaited->n;
}

static void
wait_state (Scene *scene, FerryClusterState state)
{
  Awaited awaited = {scene, state};

  ferry_test_run_until (has_state, &awaited);
}

static GPtrArray *
submit_many (Scene *scene)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < N_TASKS; i++)
    g_ptr_array_add (tasks,
                     task_test_submit (scene->executor, "add", g_variant_new ("(xx)", (gint64) i, (gint64) 1000)));
  return tasks;
}

static void
assert_sums (GPtrArray *tasks)
{
  for (guint i = 0; i < tasks->len; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i + 1000);

      task_test_assert_result (tasks->pdata[i], text);
    }
}

static char *
wait_message (void)
{
  char *message;

  while ((message = task_test_take_message ()) == NULL)
    g_main_context_iteration (NULL, TRUE);
  return message;
}

/* ---- Tests ---- */

static void
finds_hosts_before_and_after (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) late = NULL;
  g_autoptr (FerryTask) task = NULL;

  wait_state (scene, FERRY_CLUSTER_STATE_CONNECTED);
  task = task_test_submit (scene->executor, "echo", g_variant_new_string ("word"));
  late = host_new (scene, "late");
  task_test_assert_result (task, "'word'");
  g_assert_cmpstr (ferry_test_get_string (task, "host-name"), ==, "late");
}

static void
runs_tasks_at_several_hosts (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) one = NULL;
  g_autoptr (Host) other = NULL;
  g_autoptr (GPtrArray) tasks = NULL;

  one = host_new (scene, "one");
  other = host_new (scene, "other");
  wait_hosts (scene, 2);
  tasks = submit_many (scene);
  assert_sums (tasks);
}

/* Another connection of the same user has tasks of the same numbers. */
static void
an_error_names_the_task_as_the_log_of_the_host_does (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *instance = NULL;
  g_autofree char *line = NULL;
  const char *number;

  host = host_new (scene, "alpha");
  task = task_test_submit (scene->executor, "fail", g_variant_new ("(sis)", "some-quark", 5, "No such thing"));
  task_test_assert_failed (task, g_quark_from_string ("some-quark"), 5);
  g_object_get (scene->cluster, "instance", &instance, NULL);
  g_assert_true (g_regex_match_simple ("^user/[0-9a-f]{16}$", instance, 0, 0));
  number = strrchr (ferry_task_get_name (task), ' ') + 1;
  line = g_strdup_printf ("on host 'alpha', in whose log it is task %s/%s\n", instance, number);
  g_assert_nonnull (strstr (ferry_task_get_run (task)->trace, line));
}

static gboolean
has_text (gpointer task)
{
  return ferry_task_get_text (task) != NULL;
}

/* What was sent meanwhile is sent again, each once. A task that no host was sent is told why it waits. */
static void
a_server_that_is_killed_costs_time_only (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryTask) gate = NULL;
  g_autoptr (GPtrArray) tasks = NULL;
  g_autoptr (FerryHost) item = NULL;
  g_autoptr (GError) error = NULL;
  FerryTask *last;

  host = host_new (scene, "alpha");
  wait_hosts (scene, 1);
  item = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  gate = task_test_submit (scene->executor, "gate", g_variant_new_string ("gate"));
  task_test_wait_state (gate, FERRY_TASK_STATE_EXECUTING);
  nats_test_server_kill (scene->server);
  wait_state (scene, FERRY_CLUSTER_STATE_RECONNECTING);
  g_assert_cmpint (ferry_host_get_state (item), ==, FERRY_HOST_STATE_SILENT);
  task_test_open_gate ();
  tasks = submit_many (scene);
  last = tasks->pdata[N_TASKS - 1];
  ferry_test_run_until (has_text, last);
  g_object_get (scene->cluster, "error", &error, NULL);
  g_assert_cmpstr (ferry_task_get_text (last), ==, error->message);
  nats_test_server_start (scene->server, NULL);
  wait_state (scene, FERRY_CLUSTER_STATE_CONNECTED);
  task_test_assert_result (gate, NULL);
  assert_sums (tasks);
  g_assert_null (ferry_task_get_text (last));
  g_assert_cmpint (ferry_host_get_state (item), ==, FERRY_HOST_STATE_PRESENT);
  property_test_assert_no_error (scene->cluster);
}

static gboolean
has_nothing_under_way (gpointer data)
{
  FerrySessionCounts counts = ferry_session_get_counts (data);

  return counts.queued + counts.under_way == 0;
}

typedef struct
{
  FerrySession *session;
  guint64 n_pings;
} Asking;

static gboolean
has_asked (gpointer data)
{
  Asking *asking = data;

  return ferry_session_get_counts (asking->session).n_pings > asking->n_pings;
}

/* Sessions ask at once what they have missed. The next heartbeat is ten minutes away. */
static void
sessions_are_told_that_the_server_is_back (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryHost) item = NULL;
  g_autoptr (FerryTask) task = NULL;
  Asking asking;

  g_object_set (scene->cluster, "cut-timeout", (gint64) 60 * 60 * G_USEC_PER_SEC, NULL);
  ferry_cluster_close (scene->cluster);
  g_assert_true (ferry_cluster_open (scene->cluster, NULL));
  host = host_new (scene, "alpha");
  task = task_test_submit (scene->executor, "nothing", NULL);
  task_test_assert_result (task, NULL);
  item = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  asking.session = item->session;
  /* All that was sent is acknowledged, so nothing but this is a reason to ask. */
  ferry_test_run_until (has_nothing_under_way, asking.session);
  nats_test_server_kill (scene->server);
  wait_state (scene, FERRY_CLUSTER_STATE_RECONNECTING);
  asking.n_pings = ferry_session_get_counts (asking.session).n_pings;
  nats_test_server_start (scene->server, NULL);
  ferry_test_run_until (has_asked, &asking);
}

/* A namesake that has come shortly before says nothing about a host that could not answer. */
static void
no_host_is_doubted_while_the_server_is_gone (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryHost) item = NULL;
  g_autoptr (FerryTask) task = NULL;
  FerrySession *session;
  guint64 n_pings;

  host = host_new (scene, "alpha");
  task = task_test_submit (scene->executor, "nothing", NULL);
  task_test_assert_result (task, NULL);
  item = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  session = item->session;
  nats_test_server_kill (scene->server);
  wait_state (scene, FERRY_CLUSTER_STATE_RECONNECTING);
  n_pings = ferry_session_get_counts (session).n_pings;
  ferry_session_doubt (session);
  g_assert_cmpuint (ferry_session_get_counts (session).n_pings, ==, n_pings);
  nats_test_server_start (scene->server, NULL);
}

/* What is larger than the server takes now is never sent in a session that was begun before. */
static void
a_server_that_takes_less_ends_sessions_with_larger_packets (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryTask) begun = NULL;
  g_autoptr (FerryTask) large = NULL;
  g_autofree char *text = g_strnfill (40000, 'x');
  g_autofree char *printed = g_strdup_printf ("'%s'", text);
  g_autoptr (FerryHost) item = NULL;

  scene = scene_new (NULL);
  host = host_new (scene, "alpha");
  begun = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  task_test_wait_state (begun, FERRY_TASK_STATE_EXECUTING);
  nats_test_server_kill (scene->server);
  wait_state (scene, FERRY_CLUSTER_STATE_RECONNECTING);
  item = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  /* The host ignores what it says, as it has no such runs. */
  for (guint i = 0; i < 1000; i++)
    ferry_host_tell (item, FERRY_WITHDRAW_METHOD, ferry_run_order_to_variant (G_MAXUINT32 + (guint64) i, 0));
  nats_test_server_start (scene->server, "max_payload: 20000\n");
  g_assert_nonnull (strstr (task_test_assert_failed (begun, FERRY_ERROR, FERRY_ERROR_WORKER_LOST)->message,
                            "takes up to 20000 bytes; raise 'max_payload'"));
  large = task_test_submit (scene->executor, "echo", g_variant_new_string (text));
  task_test_assert_result (large, printed);
}

static guint64
count_packets (Scene *scene)
{
  GListModel *hosts = ferry_cluster_get_hosts (scene->cluster);
  guint64 n = 0;

  for (guint i = 0; i < g_list_model_get_n_items (hosts); i++)
    {
      g_autoptr (FerryHost) item = g_list_model_get_item (hosts, i);

      n += ferry_session_get_counts (item->session).n_sent;
    }
  return n;
}

/* Another host is idle meanwhile. To send the request to that one would take as long again, and so on without end. */
static void
a_large_request_is_not_asked_back_while_it_is_under_way (void)
{
  const gsize size = 4 * 1024 * 1024;
  g_autoptr (Scene) scene = NULL;
  g_autoptr (Host) alpha = NULL;
  g_autoptr (Host) beta = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *text = g_strnfill (size, 'x');

  scene = scene_new_by (NULL, /* by_proxy: */ TRUE);
  alpha = host_new (scene, "alpha");
  beta = host_new (scene, "beta");
  wait_hosts (scene, 2);
  /* Buffers of 64 KiB come so much apart: the request takes more than a second. */
  proxy_test_delay (scene->proxy, 20);
  task = task_test_submit (scene->executor, "nothing", g_variant_new_string (text));
  task_test_wait_state (task, FERRY_TASK_STATE_COMPLETED);
  g_assert_cmpuint (count_packets (scene), <, size / FERRY_SESSION_LARGEST_PACKET * 3 / 2);
}

typedef struct
{
  FerrySession *session;
  FerrySessionCounts before;
  gsize size;
} Sending;

/* Whether the session has taken a message of that size, and sent some packets. */
static gboolean
has_begun_to_send (gpointer data)
{
  const Sending *sending = data;
  FerrySessionCounts counts = ferry_session_get_counts (sending->session);

  return counts.accepted >= sending->before.accepted + sending->size && counts.n_sent >= sending->before.n_sent + 4;
}

/* The next task does not wait for the rest. The host gives room as before, though it never gets what it gave some for.
 */
static void
a_large_request_is_not_sent_to_its_end_when_its_task_is_cancelled (void)
{
  const gsize size = 8 * 1024 * 1024;
  const guint n = 10;
  g_autoptr (Scene) scene = NULL;
  g_autoptr (Host) host = NULL;
  g_autofree char *text = g_strnfill (size, 'x');
  g_autoptr (FerryHost) item = NULL;
  g_autoptr (FerryTask) next = NULL;
  FerrySession *session;

  scene = scene_new_by (NULL, /* by_proxy: */ TRUE);
  host = host_new (scene, "alpha");
  wait_hosts (scene, 1);
  item = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  session = item->session;
  proxy_test_delay (scene->proxy, 20);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", g_variant_new_string (text));
      Sending sending = {session, ferry_session_get_counts (session), size};

      g_object_set (task, "idempotent", i % 2 == 1, NULL);
      task_test_submit_task (scene->executor, task);
      ferry_test_run_until (has_begun_to_send, &sending);
      ferry_task_cancel (task);
      task_test_wait_state (task, FERRY_TASK_STATE_CANCELLED);
    }
  next = task_test_submit (scene->executor, "nothing", NULL);
  task_test_wait_state (next, FERRY_TASK_STATE_COMPLETED);
  g_test_message ("%" G_GUINT64_FORMAT " packets", count_packets (scene));
  g_assert_cmpuint (count_packets (scene), <, n * size / FERRY_SESSION_LARGEST_PACKET / 2);
}

/* Whether a server tells those that connect of another one. */
static gboolean
knows_another_server (gpointer server)
{
  g_autofree char *url = nats_test_server_get_url (server, "nats", "127.0.0.1");
  natsConnection *connection = NULL;
  char **urls = NULL;
  int n = 0;

  g_assert_cmpint (natsConnection_ConnectTo (&connection, url), ==, NATS_OK);
  g_assert_cmpint (natsConnection_GetDiscoveredServers (connection, &urls, &n), ==, NATS_OK);
  natsConnection_Destroy (connection);
  for (int i = 0; i < n; i++)
    free (urls[i]);
  free (urls);
  return n > 0;
}

/* The application is told one server, and learns of the other one, at which the host is. */
static void
servers_of_a_nats_cluster_stand_in_for_each_other (void)
{
  static const char text[] = "cluster { name: servers, listen: '127.0.0.1:-1'";
  g_autofree char *configuration = g_strconcat (text, " }\n", NULL);
  g_autofree char *other_configuration = NULL;
  g_autoptr (Scene) scene = scene_new (configuration);
  g_autoptr (NatsTestServer) other = NULL;
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryTask) task = NULL;

  other_configuration = g_strdup_printf ("%s, routes: ['nats-route://127.0.0.1:%u'] }\n", text,
                                         nats_test_server_get_other_port (scene->server, "cluster"));
  other = nats_test_server_new ();
  nats_test_server_start (other, other_configuration);
  ferry_test_look_until (knows_another_server, scene->server);
  ferry_cluster_close (scene->cluster);
  g_assert_true (ferry_cluster_open (scene->cluster, NULL));
  host = host_new_at (scene, other, "alpha");
  task = task_test_submit (scene->executor, "gate", g_variant_new_string ("gate"));
  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  nats_test_server_kill (scene->server);
  task_test_open_gate ();
  task_test_assert_result (task, NULL);
  g_assert_cmpint (ferry_cluster_get_state (scene->cluster), ==, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
}

static void
a_host_that_is_killed_is_found_out (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (Host) next = NULL;
  g_autoptr (FerryTask) lost = NULL;
  g_autoptr (FerryTask) again = NULL;

  g_object_set (scene->cluster, "cut-timeout", (gint64) G_USEC_PER_SEC, NULL);
  ferry_cluster_close (scene->cluster);
  g_assert_true (ferry_cluster_open (scene->cluster, NULL));
  host = host_new (scene, "alpha");
  lost = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  task_test_wait_state (lost, FERRY_TASK_STATE_EXECUTING);
  again = ferry_task_new (FERRY_TASK_KIND_CALL, "gate", g_variant_new_string ("gate"));
  g_object_set (again, "idempotent", TRUE, NULL);
  task_test_submit_task (scene->executor, again);
  task_test_wait_state (again, FERRY_TASK_STATE_EXECUTING);
  host_kill (host);
  g_assert_nonnull (strstr (task_test_assert_failed (lost, FERRY_ERROR, FERRY_ERROR_WORKER_LOST)->message, "'alpha'"));
  task_test_open_gate ();
  wait_hosts (scene, 0);
  next = host_new (scene, "alpha");
  task_test_assert_result (again, NULL);
  g_assert_cmpuint (ferry_test_get_number (again, "n-attempts"), ==, 2);
}

/* It need not wait for the cut timeout, which is an hour here. */
static void
a_host_that_is_started_again_takes_its_place (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (Host) next = NULL;
  g_autoptr (FerryTask) lost = NULL;
  g_autoptr (FerryTask) again = NULL;
  g_autoptr (FerryHost) item = NULL;
  g_autofree char *instance = NULL;

  g_object_set (scene->cluster, "cut-timeout", (gint64) 60 * 60 * G_USEC_PER_SEC, NULL);
  ferry_cluster_close (scene->cluster);
  g_assert_true (ferry_cluster_open (scene->cluster, NULL));
  host = host_new (scene, "alpha");
  lost = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  task_test_wait_state (lost, FERRY_TASK_STATE_EXECUTING);
  again = ferry_task_new (FERRY_TASK_KIND_CALL, "gate", g_variant_new_string ("gate"));
  g_object_set (again, "idempotent", TRUE, NULL);
  task_test_submit_task (scene->executor, again);
  task_test_wait_state (again, FERRY_TASK_STATE_EXECUTING);
  host_kill (host);
  next = host_new (scene, "alpha");
  g_assert_nonnull (strstr (task_test_assert_failed (lost, FERRY_ERROR, FERRY_ERROR_WORKER_LOST)->message, "'alpha'"));
  task_test_open_gate ();
  task_test_assert_result (again, NULL);
  g_assert_cmpuint (ferry_test_get_number (again, "n-attempts"), ==, 2);
  wait_hosts (scene, 1);
  item = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  g_object_get (item, "instance", &instance, NULL);
  g_assert_cmpstr (instance, ==, ferry_bus_get_id (next->bus));
}

static gboolean
is_drained (gpointer data)
{
  return ((Host *) data)->drained;
}

static void
a_host_leaves (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryTask) task = NULL;

  host = host_new (scene, "alpha");
  task = task_test_submit (scene->executor, "gate", g_variant_new_string ("gate"));
  task_test_wait_log ("gate");
  ferry_host_service_drain (host->service);
  tell_presence (host);
  task_test_open_gate ();
  task_test_assert_result (task, NULL);
  ferry_test_run_until (is_drained, host);
  wait_hosts (scene, 0);
}

static gboolean
has_closed_sessions (gpointer data)
{
  FerryHostServiceCounts counts = ferry_host_service_get_counts (((Host *) data)->service);

  return counts.n_sessions + counts.n_running == 0;
}

/* Such as machines that are brought up to date one after the other, that of the server among them. */
static void
a_host_that_leaves_while_the_server_is_gone_loses_no_result (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryTask) task = NULL;

  host = host_new (scene, "alpha");
  task = task_test_submit (scene->executor, "gate", g_variant_new_string ("gate"));
  task_test_wait_log ("gate");
  nats_test_server_kill (scene->server);
  wait_state (scene, FERRY_CLUSTER_STATE_RECONNECTING);
  ferry_host_service_drain (host->service);
  tell_presence (host);
  task_test_open_gate ();
  ferry_test_run_until (has_closed_sessions, host);
  g_assert_false (host->drained);
  nats_test_server_start (scene->server, NULL);
  task_test_assert_result (task, NULL);
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
  ferry_test_run_until (is_drained, host);
  wait_hosts (scene, 0);
}

static void
wrong_credentials_fail_tasks (void)
{
  g_autoptr (Scene) scene = scene_new ("authorization { user: somebody, password: secret }");
  g_autoptr (FerryTask) task = NULL;

  task = task_test_submit (scene->executor, "nothing", NULL);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED);
  property_test_assert_error (scene->cluster, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED);
}

static void
a_url_that_cannot_be_fails_tasks (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  FerryCluster *cluster = ferry_cluster_new (test->router, "http://127.0.0.1", "app");
  FerryExecutor *executor = ferry_executor_new_for_runner (FERRY_RUNNER (cluster));
  g_autoptr (FerryTask) task = task_test_submit (executor, "nothing", NULL);
  g_autoptr (GError) error = NULL;

  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_false (ferry_cluster_open (cluster, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  ferry_test_finalize (executor);
  ferry_test_finalize (cluster);
}

/* A cluster need not be closed. */
static void
ends_with_its_last_reference (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  FerryCluster *cluster;
  g_autofree char *url = NULL;

  host = host_new (scene, "alpha");
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  cluster = ferry_cluster_new (scene->task->router, url, "app");
  g_assert_true (ferry_cluster_open (cluster, NULL));
  while (g_list_model_get_n_items (ferry_cluster_get_hosts (cluster)) == 0)
    g_main_context_iteration (NULL, TRUE);
  ferry_test_finalize (cluster);
}

static gboolean
says_what_is_missing (gpointer task)
{
  const char *text = ferry_task_get_text (task);

  return text != NULL && strstr (text, "No NATS server answers at") != NULL;
}

static void
tasks_wait_for_a_server (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (Host) host = NULL;

  nats_test_server_kill (scene->server);
  ferry_cluster_close (scene->cluster);
  g_assert_true (ferry_cluster_open (scene->cluster, NULL));
  task = task_test_submit (scene->executor, "nothing", NULL);
  ferry_test_run_until (says_what_is_missing, task);
  g_assert_cmpint (ferry_cluster_get_state (scene->cluster), ==, FERRY_CLUSTER_STATE_CONNECTING);
  nats_test_server_start (scene->server, NULL);
  host = host_new (scene, "alpha");
  task_test_assert_result (task, NULL);
}

/* Texts of tasks are for windows and logs. */
static void
no_text_tells_the_password (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (GSocketListener) silent = g_socket_listener_new ();
  g_autofree char *url =
    g_strdup_printf ("nats://alice:secret@127.0.0.1:%u", g_socket_listener_add_any_inet_port (silent, NULL, NULL));
  FerryCluster *cluster = ferry_cluster_new (test->router, url, "app");
  FerryExecutor *executor = ferry_executor_new_for_runner (FERRY_RUNNER (cluster));
  g_autoptr (FerryTask) task = task_test_submit (executor, "nothing", NULL);

  ferry_test_run_until (has_text, task);
  g_assert_null (strstr (ferry_task_get_text (task), "secret"));
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  ferry_test_finalize (executor);
  ferry_test_finalize (cluster);
}

/* A host that is there, but has forgotten its sessions, is used again. */
static void
a_host_that_has_forgotten_its_session_is_found_again (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) next = NULL;

  host = host_new (scene, "alpha");
  task = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  ferry_host_acceptor_free (host->acceptor);
  host->acceptor =
    ferry_host_acceptor_new (host->service, scene->task->router, 30 * G_USEC_PER_SEC, host_make_wire, host);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  next = task_test_submit (scene->executor, "echo", g_variant_new_string ("word"));
  task_test_assert_result (next, "'word'");
}

static void
a_host_that_breaks_the_rules_is_not_used_for_a_while (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) liar = NULL;
  g_autoptr (Host) honest = NULL;
  g_autoptr (FerryHost) item = NULL;
  g_autoptr (FerryHost) other = NULL;

  liar = host_new (scene, "liar");
  wait_hosts (scene, 1);
  item = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  ferry_host_fault (item, "a test says so");
  wait_hosts (scene, 0);
  tell_presence (liar);
  honest = host_new (scene, "honest");
  wait_hosts (scene, 1);
  other = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  g_assert_cmpstr (ferry_host_get_name (other), ==, "honest");
}

typedef struct
{
  gboolean has_connected_anew;
  gboolean seems_to_reconnect;
} Anew;

static void
connect_anew (FerryCluster *cluster, GParamSpec *pspec, Anew *anew)
{
  g_autoptr (GError) error = NULL;

  g_object_get (cluster, "error", &error, NULL);
  if (error == NULL || anew->has_connected_anew)
    return;
  anew->has_connected_anew = TRUE;
  ferry_cluster_close (cluster);
  g_assert_true (ferry_cluster_open (cluster, NULL));
}

static void
look_at_state (FerryCluster *cluster, GParamSpec *pspec, Anew *anew)
{
  anew->seems_to_reconnect |= ferry_cluster_get_state (cluster) == FERRY_CLUSTER_STATE_RECONNECTING;
}

/* The connection that was lost is not the one that is made in the handler, which was never there before. */
static void
a_cluster_connects_anew_in_a_handler_of_its_error (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  Anew anew = {0};

  wait_state (scene, FERRY_CLUSTER_STATE_CONNECTED);
  g_signal_connect (scene->cluster, "notify::error", G_CALLBACK (connect_anew), &anew);
  g_signal_connect (scene->cluster, "notify::state", G_CALLBACK (look_at_state), &anew);
  nats_test_server_kill (scene->server);
  wait_state (scene, FERRY_CLUSTER_STATE_CONNECTING);
  g_assert_true (anew.has_connected_anew);
  g_assert_false (anew.seems_to_reconnect);
  nats_test_server_start (scene->server, NULL);
  wait_state (scene, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_false (anew.seems_to_reconnect);
  g_signal_handlers_disconnect_by_data (scene->cluster, &anew);
}

/* ---- Hosts that end each session ---- */

/* Says goodbye to each session that the cluster opens. Returns when it was open for the n-th time. */
static gint64
end_sessions (BusTestEnd *end, guint n)
{
  gint64 at = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GBytes) open = NULL;
      g_autoptr (GBytes) bye = NULL;
      FerryPacket packet;
      gpointer data;
      gsize size;
      FerryWire wire;

      do
        {
          g_clear_pointer (&open, g_bytes_unref);
          g_ptr_array_set_size (end->packets, 0);
          bus_test_end_wait_packets (end, 1);
          open = g_bytes_ref (end->packets->pdata[0]);
          g_bytes_get_data (open, &size);
        }
      while (ferry_packet_parse (&packet, g_bytes_get_data (open, NULL), size, NULL) != FERRY_PACKET_SOUND ||
             packet.header.kind != FERRY_PACKET_OPEN);
      at = g_get_monotonic_time ();
      bye = ferry_session_make_refusal (g_bytes_get_data (open, NULL), size);
      ferry_bus_make_wire (end->bus, end->peer, end->id, &wire, &data);
      wire.send (data, bye);
      wire.free (data);
    }
  return at;
}

/* Each time, all hosts are asked whether they are there. */
static void
a_host_that_ends_each_session_is_tried_ever_less_often (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) rude = NULL;
  g_autofree char *url = NULL;
  FerryBusSettings settings = {.application = "app", .host = "rude"};
  gint64 began = g_get_monotonic_time ();

  scene = scene_new (NULL);
  settings.url = url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  rude = bus_test_end_new (scene->task->router, &settings);
  ferry_bus_set_presence (rude->bus, g_variant_new_parsed ("(@u 6, '0.1.0', 'rude', %s, ['f'], @u 1, false" NO_MORE,
                                                           ferry_bus_get_id (rude->bus)));
  /* After pauses of 1, 2 and 4 seconds. */
  g_assert_cmpint (end_sessions (rude, 4) - began, >=, 7 * G_USEC_PER_SEC);
}

static gboolean
is_used_again (gpointer absences)
{
  return !ferry_absences_has (absences, "host", "0");
}

static void
a_host_whose_session_lived_is_tried_soon (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  const FerryBusSettings settings = {.url = url, .application = "app"};
  g_autoptr (BusTestEnd) end = bus_test_end_new (scene->task->router, &settings);
  FerryAbsences absences = {0};

  ferry_absences_init (&absences, scene->task->router->timers, end->bus);
  ferry_absences_add (&absences, "host", "0", 40 * G_USEC_PER_SEC, 0);
  /* It did not live: for a minute, in place of a microsecond. */
  ferry_absences_add (&absences, "host", "0", 1, 40 * G_USEC_PER_SEC);
  g_assert_true (ferry_absences_has (&absences, "host", "0"));
  g_assert_false (ferry_absences_has (&absences, "host", "1"));
  ferry_absences_add (&absences, "host", "0", 1, 60 * G_USEC_PER_SEC + 1);
  ferry_test_run_until (is_used_again, &absences);
  ferry_absences_clear (&absences);
}

/* ---- Presence that is not to be trusted ---- */

/* A host that tells of itself what the test says. */
static void
check_false_facts (const char *start, const char *end, const char *words)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  const FerryBusSettings settings = {.url = url, .application = "app", .host = "liar"};
  g_autoptr (BusTestEnd) liar = NULL;
  g_autofree char *message = NULL;
  g_autofree char *facts = NULL;
  g_autoptr (GVariant) presence = NULL;

  g_free (task_test_take_message ());
  liar = bus_test_end_new (scene->task->router, &settings);
  facts = g_strconcat (start, ferry_bus_get_id (liar->bus), end, NULL);
  presence = g_variant_parse (NULL, facts, NULL, NULL, NULL);
  ferry_bus_set_presence (liar->bus, presence);
  message = wait_message ();
  g_assert_nonnull (strstr (message, "The host 'liar' cannot be used"));
  g_assert_nonnull (strstr (message, words));
  g_assert_cmpuint (g_list_model_get_n_items (ferry_cluster_get_hosts (scene->cluster)), ==, 0);
}

static void
false_facts_are_not_believed (void)
{
  check_false_facts ("(@u 7, '0.1.0', 'liar', '", "', ['f'], @u 1, false" NO_MORE,
                     "The host 'liar' has Ferry 0.1.0, which speaks version 7 of");
  check_false_facts ("(@u 6, '0.1.0', 'alpha', '", "', ['f'], @u 1, false" NO_MORE, "another name than the servers do");
  check_false_facts ("(@u 6, '0.1.0', 'liar', '", "', ['f'], @u 0, false" NO_MORE, "no workers");
  check_false_facts ("'", "'", "without a version");
}

/* ---- Ends of another version ---- */

static gboolean
is_told_of_version_7 (gpointer task)
{
  const char *text = ferry_task_get_text (task);

  return text != NULL && g_str_has_prefix (text, "The host 'old' has Ferry 0.0.9, which speaks version 7 ");
}

static void
a_task_is_told_of_a_host_of_another_version (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  const FerryBusSettings settings = {.url = url, .application = "app", .host = "old"};
  g_autoptr (BusTestEnd) old = bus_test_end_new (scene->task->router, &settings);
  g_autoptr (FerryTask) task = task_test_submit (scene->executor, "echo", g_variant_new_string ("word"));
  g_autoptr (Host) updated = NULL;

  ferry_bus_set_presence (old->bus, g_variant_new ("(usb)", 7, "0.0.9", TRUE));
  ferry_test_run_until (is_told_of_version_7, task);
  updated = host_new (scene, "old");
  task_test_assert_result (task, "'word'");
}

static void
say_hello (NatsTestServer *server, const char *subject, GVariant *versions)
{
  g_autoptr (GBytes) bytes = ferry_bus_presence_to_bytes (versions);
  g_autofree char *url = nats_test_server_get_url (server, "nats", "127.0.0.1");
  natsConnection *connection = NULL;

  g_assert_cmpint (natsConnection_ConnectTo (&connection, url), ==, NATS_OK);
  natsConnection_Publish (connection, subject, g_bytes_get_data (bytes, NULL), (int) g_bytes_get_size (bytes));
  g_assert_cmpint (natsConnection_Flush (connection), ==, NATS_OK);
  natsConnection_Destroy (connection);
}

/* It opens no session, as it does not use this host. */
static void
a_host_says_that_an_application_has_another_version (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = host_new (scene, "alpha");
  g_autofree char *message = NULL;

  wait_hosts (scene, 1);
  g_free (task_test_take_message ());
  for (guint i = 0; i < 3; i++)
    say_hello (scene->server, "ferry.app.hello.old.0af", g_variant_new ("(us)", 92, "0.0.9"));
  message = wait_message ();
  g_assert_nonnull (strstr (message, "The application old/0af has Ferry 0.0.9, which speaks version 92 "));
  say_hello (scene->server, "ferry.app.hello.older.0af", g_variant_new ("(us)", 91, "0.0.8"));
  g_free (message);
  message = wait_message ();
  g_assert_nonnull (strstr (message, "The application older/0af has Ferry 0.0.8, which speaks version 91 "));
}

/* ---- Ends with a protocol of sessions that does not fit ---- */

/* Returns (transfer full) a packet that opens a session, in version 7, or in the order of bytes of other machines. */
static GBytes *
make_misfit (gboolean other_order)
{
  const FerryPacketHeader header = {.sender = 1};
  const FerryPacketLimits limits = {.window_packets = 1, .window_bytes = 4096, .max_message = 1};
  g_autoptr (GBytes) open = ferry_packet_new_open (&header, &limits);
  gsize size = g_bytes_get_size (open);
  guint8 *copy = g_memdup2 (g_bytes_get_data (open, NULL), size);
  guint32 mark;

  memcpy (&mark, copy + FERRY_PACKET_HEADER_SIZE, sizeof mark);
  mark = GUINT32_SWAP_LE_BE (mark);
  if (other_order)
    memcpy (copy + FERRY_PACKET_HEADER_SIZE, &mark, sizeof mark);
  else
    copy[4] = 7;
  return g_bytes_new_take (copy, size);
}

static void
send_misfit (BusTestEnd *end, const char *peer, const char *id, gboolean other_order)
{
  g_autoptr (GBytes) packet = make_misfit (other_order);
  gpointer data;
  FerryWire wire;

  ferry_bus_make_wire (end->bus, peer, id, &wire, &data);
  wire.send (data, packet);
  wire.free (data);
}

static void
present_misfit (BusTestEnd *misfit)
{
  ferry_bus_set_presence (misfit->bus, g_variant_new_parsed ("(@u 6, '0.1.0', 'misfit', %s, ['f'], @u 1, false" NO_MORE,
                                                             ferry_bus_get_id (misfit->bus)));
}

static void
check_misfit_host (gboolean other_order, const char *words)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  const FerryBusSettings settings = {.url = url, .application = "app", .host = "misfit"};
  g_autoptr (BusTestEnd) misfit = bus_test_end_new (scene->task->router, &settings);
  g_autoptr (Host) honest = NULL;
  g_autoptr (FerryHost) other = NULL;
  g_autofree char *message = NULL;

  g_free (task_test_take_message ());
  present_misfit (misfit);
  bus_test_end_wait_packets (misfit, 1);
  send_misfit (misfit, misfit->peer, misfit->id, other_order);
  message = wait_message ();
  g_assert_nonnull (strstr (message, words));
  wait_hosts (scene, 0);
  /* It is not used for a while: what comes behind its presence comes first. */
  present_misfit (misfit);
  honest = host_new (scene, "honest");
  wait_hosts (scene, 1);
  other = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  g_assert_cmpstr (ferry_host_get_name (other), ==, "honest");
  g_assert_null (task_test_take_message ());
}

static void
a_host_whose_protocol_does_not_fit_is_told_of_once (void)
{
  check_misfit_host (
    FALSE, "The host 'misfit' uses version 7 of the protocol of sessions, and this end version 2; use the same");
  check_misfit_host (TRUE, "The host 'misfit' is on a machine of another byte order; use machines of the same");
}

static void
check_misfit_application (gboolean other_order, const char *words)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  const FerryBusSettings settings = {.url = url, .application = "app", .user = "misfit"};
  g_autoptr (BusTestEnd) misfit = bus_test_end_new (scene->task->router, &settings);
  g_autoptr (Host) host = host_new (scene, "alpha");
  g_autofree char *name = g_strdup_printf ("The application misfit/%s ", ferry_bus_get_id (misfit->bus));
  g_autofree char *message = NULL;

  g_free (task_test_take_message ());
  bus_test_end_wait_present (misfit, "alpha ");
  /* Until then, what it sends is lost. */
  bus_test_end_wait_state (misfit, FERRY_CLUSTER_STATE_CONNECTED);
  send_misfit (misfit, "alpha", ferry_bus_get_id (host->bus), other_order);
  message = wait_message ();
  g_assert_nonnull (strstr (message, name));
  g_assert_nonnull (strstr (message, words));
  /* It is answered each time, so that it learns of that too, and told of once. */
  bus_test_end_wait_packets (misfit, 1);
  for (guint i = 2; i < 5; i++)
    {
      send_misfit (misfit, "alpha", ferry_bus_get_id (host->bus), other_order);
      bus_test_end_wait_packets (misfit, i);
    }
  g_assert_null (task_test_take_message ());
}

static void
an_application_whose_protocol_does_not_fit_is_told_of_once (void)
{
  check_misfit_application (FALSE,
                            "version 7 of the protocol of sessions, and this end version 2; use the same version");
  check_misfit_application (TRUE, "another byte order; use machines of the same");
}

/* A user that may speak for a host can do so by any number of ids. */
static void
false_facts_do_not_fill_the_log (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) honest = NULL;
  g_autofree char *url = NULL;
  natsConnection *liar = NULL;

  wait_state (scene, FERRY_CLUSTER_STATE_CONNECTED);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  g_assert_cmpint (natsConnection_ConnectTo (&liar, url), ==, NATS_OK);
  task_test_take_n_messages ();
  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *subject = g_strdup_printf ("ferry.app.present.liar.%u", i);

      g_assert_cmpint (natsConnection_Publish (liar, subject, "\007\000y", 3), ==, NATS_OK);
    }
  g_assert_cmpint (natsConnection_Flush (liar), ==, NATS_OK);
  natsConnection_Destroy (liar);
  honest = host_new (scene, "honest");
  wait_hosts (scene, 1);
  g_assert_cmpuint (task_test_take_n_messages (), ==, FERRY_RATE_MAX_LINES + 1);
}

static gboolean
has_honest_and_few_others (gpointer data)
{
  GListModel *hosts = ferry_cluster_get_hosts (((Scene *) data)->cluster);
  guint n_honest = 0;

  for (guint i = 0; i < g_list_model_get_n_items (hosts); i++)
    {
      g_autoptr (FerryHost) host = g_list_model_get_item (hosts, i);

      n_honest += g_str_equal (ferry_host_get_name (host), "honest");
    }
  g_assert_cmpuint (g_list_model_get_n_items (hosts) - n_honest, <=, 8);
  return n_honest > 0;
}

/* Each start of a host is another one. One that seems to start without end is not given sessions without end. */
static void
hosts_of_one_name_are_few (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (GPtrArray) ends = g_ptr_array_new_with_free_func ((GDestroyNotify) bus_test_end_free);
  g_autofree char *url = NULL;
  g_autoptr (Host) honest = NULL;

  scene = scene_new (NULL);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  wait_state (scene, FERRY_CLUSTER_STATE_CONNECTED);
  for (guint i = 0; i < 12; i++)
    {
      const FerryBusSettings settings = {.url = url, .application = "app", .host = "liar"};
      BusTestEnd *end = bus_test_end_new (scene->task->router, &settings);

      ferry_bus_set_presence (end->bus, g_variant_new_parsed ("(@u 6, '0.1.0', 'liar', %s, ['f'], @u 1, false" NO_MORE,
                                                              ferry_bus_get_id (end->bus)));
      g_ptr_array_add (ends, end);
    }
  for (guint i = 0; i < ends->len; i++)
    bus_test_end_wait_state (ends->pdata[i], FERRY_CLUSTER_STATE_CONNECTED);
  task_test_wait_message ("8 hosts called 'liar'");
  honest = host_new (scene, "honest");
  ferry_test_run_until (has_honest_and_few_others, scene);
}

/* ---- Others that have the same server ---- */

#define N_KEPT 256

/* How one says something: what was heard, in its own way. */
typedef void (*MeddlerTalk) (natsConnection *nats, const char *subject, const char *bytes, int size, GRand *random);

/* One that hears all that application and hosts say to each other, and talks in between. */
typedef struct
{
  natsConnection *nats;           /* (owned) */
  natsSubscription *subscription; /* (owned) */
  GRand *random;                  /* subscription: (owned) */
  natsMsg *kept[N_KEPT];          /* subscription: (owned) (nullable): what was said last */
  guint n_heard;                  /* subscription */
  MeddlerTalk talk;
} Meddler;

/* A function of libnats' thread for the subscription. */
static void
meddle (natsConnection *nats, natsSubscription *subscription, natsMsg *message, void *closure)
{
  Meddler *self = closure;
  guint place = self->n_heard++ % N_KEPT;
  const natsMsg *old;

  natsMsg_Destroy (self->kept[place]);
  self->kept[place] = message;
  old = self->kept[g_rand_int_range (self->random, 0, (gint32) MIN (self->n_heard, N_KEPT))];
  self->talk (nats, natsMsg_GetSubject (message), natsMsg_GetData (message), natsMsg_GetDataLength (message),
              self->random);
  self->talk (nats, natsMsg_GetSubject (old), natsMsg_GetData (old), natsMsg_GetDataLength (old), self->random);
}

static void
meddler_begin (Meddler *self, Scene *scene)
{
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  natsOptions *options = NULL;

  self->random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  g_assert_cmpint (natsOptions_Create (&options), ==, NATS_OK);
  g_assert_cmpint (natsOptions_SetURL (options, url), ==, NATS_OK);
  /* It does not hear itself. */
  g_assert_cmpint (natsOptions_SetNoEcho (options, true), ==, NATS_OK);
  g_assert_cmpint (natsConnection_Connect (&self->nats, options), ==, NATS_OK);
  natsOptions_Destroy (options);
  g_assert_cmpint (natsConnection_Subscribe (&self->subscription, self->nats, "ferry.app.>", meddle, self), ==,
                   NATS_OK);
  g_assert_cmpint (natsConnection_Flush (self->nats), ==, NATS_OK);
}

static void
subscription_ended (void *closure)
{
  *(gboolean *) closure = TRUE;
  g_main_context_wakeup (NULL);
}

/* Nothing more is heard by the subscription, and nothing of it runs. */
static void
end_subscription (natsSubscription *subscription, natsConnection *connection)
{
  gboolean ended = FALSE;

  g_assert_cmpint (natsSubscription_SetOnCompleteCB (subscription, subscription_ended, &ended), ==, NATS_OK);
  g_assert_cmpint (natsSubscription_Unsubscribe (subscription), ==, NATS_OK);
  ferry_test_wait_flag (&ended);
  natsSubscription_Destroy (subscription);
  natsConnection_Destroy (connection);
}

/* Returns how many messages it has heard. */
static guint
meddler_end (Meddler *self)
{
  end_subscription (self->subscription, self->nats);
  for (guint i = 0; i < N_KEPT; i++)
    natsMsg_Destroy (self->kept[i]);
  g_rand_free (self->random);
  return self->n_heard;
}

static void
assert_each_noted_once (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree char *text = task_test_take_log ();
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  g_assert_cmpuint (g_strv_length (words), ==, N_TASKS);
  for (guint i = 0; i < N_TASKS; i++)
    g_assert_true (g_hash_table_add (seen, words[i]));
}

/* Each task notes its number: none may run twice. */
static void
run_tasks_beside (MeddlerTalk talk)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (Scene) scene = NULL;
  g_autoptr (Host) one = NULL;
  g_autoptr (Host) other = NULL;
  Meddler meddler = {.talk = talk};

  if (nats_test_must_skip ("nats-server"))
    return;
  scene = scene_new (NULL);
  meddler_begin (&meddler, scene);
  one = host_new (scene, "one");
  other = host_new (scene, "other");
  wait_hosts (scene, 2);
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autofree char *word = g_strdup_printf ("w%u", i);

      g_ptr_array_add (tasks, task_test_submit (scene->executor, "note", g_variant_new_string (word)));
    }
  for (guint i = 0; i < N_TASKS; i++)
    task_test_assert_result (tasks->pdata[i], NULL);
  /* Packets share many messages where the machine is slow. */
  g_assert_cmpuint (meddler_end (&meddler), >, N_TASKS / 8);
  assert_each_noted_once ();
  property_test_assert_no_error (scene->cluster);
}

static void
repeat (natsConnection *nats, const char *subject, const char *bytes, int size, GRand *random)
{
  natsConnection_Publish (nats, subject, bytes, size);
}

/* All that application and hosts say comes once more at once, and some of it later. */
static void
what_is_said_again_harms_nothing (void)
{
  run_tasks_beside (repeat);
}

/* Says the same under a name of its own, with some bytes changed or without its end. */
static void
garble (natsConnection *nats, const char *subject, const char *bytes, int size, GRand *random)
{
  g_auto (GStrv) tokens = g_strsplit (subject, ".", -1);
  g_autofree char *garbled = g_memdup2 (bytes, (gsize) size);
  g_autofree char *own = NULL;
  guint n_tokens = g_strv_length (tokens);

  g_free (tokens[n_tokens - 2]);
  tokens[n_tokens - 2] = g_strdup ("mallory");
  g_free (tokens[n_tokens - 1]);
  tokens[n_tokens - 1] = g_strdup_printf ("m%d", g_rand_int_range (random, 0, 4));
  own = g_strjoinv (".", tokens);
  for (int i = g_rand_int_range (random, 0, 4); i > 0 && size > 0; i--)
    garbled[g_rand_int_range (random, 0, size)] ^= (char) g_rand_int_range (random, 1, 256);
  natsConnection_Publish (nats, own, garbled, g_rand_boolean (random) ? size : g_rand_int_range (random, 0, size + 1));
}

static void
what_others_garble_harms_no_task (void)
{
  run_tasks_beside (garble);
}

/* ---- How much is said ---- */

/* One that hears what a host says. */
typedef struct
{
  natsConnection *nats;           /* (owned) */
  natsSubscription *subscription; /* (owned) */
  FerrySession *session;          /* (unowned): of the application */
  _Atomic guint n_packets;        /* with messages */
  _Atomic guint n_last_words;     /* how often the host has said what it says of a task that goes on for 100 ms */
  FerrySessionCounts at_end;      /* what the session had when a task ended */
} Listener;

/* A function of libnats' thread for the subscription. */
static void
listen (natsConnection *nats, natsSubscription *subscription, natsMsg *message, void *closure)
{
  Listener *self = closure;
  gsize size = (gsize) natsMsg_GetDataLength (message);
  const char *bytes = natsMsg_GetData (message);
  FerryPacket packet;

  if (ferry_packet_parse (&packet, bytes, size, NULL) == FERRY_PACKET_SOUND && packet.header.kind == FERRY_PACKET_DATA)
    {
      self->n_last_words += memmem (bytes, size, FERRY_PROCESS_VALUE, strlen (FERRY_PROCESS_VALUE)) != NULL;
      self->n_packets++;
    }
  natsMsg_Destroy (message);
  g_main_context_wakeup (NULL);
}

static void
listener_begin (Listener *self, Scene *scene)
{
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");

  g_assert_cmpint (natsConnection_ConnectTo (&self->nats, url), ==, NATS_OK);
  g_assert_cmpint (natsConnection_Subscribe (&self->subscription, self->nats, "ferry.app.up.>", listen, self), ==,
                   NATS_OK);
  g_assert_cmpint (natsConnection_Flush (self->nats), ==, NATS_OK);
}

static void
listener_end (Listener *self)
{
  end_subscription (self->subscription, self->nats);
}

static gboolean
has_heard_the_last_words (gpointer data)
{
  Listener *self = data;

  return self->n_last_words > 0 && ferry_session_get_counts (self->session).n_received == self->n_packets;
}

static gboolean
is_told_that_a_worker_is_busy (gpointer host)
{
  return ferry_host_get_n_busy (host) == 1;
}

static void
note_end (FerryTask *task, Listener *listener)
{
  listener->at_end = ferry_session_get_counts (listener->session);
}

/* One packet has the cancel, and the next one that comes has the end. */
static void
a_cancel_takes_one_round_trip (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (Host) host = NULL;
  g_autoptr (FerryHost) item = NULL;
  g_autoptr (FerryTask) task = NULL;
  Listener listener = {.n_packets = 0};
  FerrySessionCounts before;

  listener_begin (&listener, scene);
  host = host_new (scene, "alpha");
  task = task_test_submit (scene->executor, "sleep-until-cancelled", NULL);
  task_test_wait_state (task, FERRY_TASK_STATE_EXECUTING);
  item = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  listener.session = item->session;
  ferry_test_run_until (is_told_that_a_worker_is_busy, item);
  ferry_test_run_until (has_heard_the_last_words, &listener);
  ferry_test_run_until (has_nothing_under_way, listener.session);
  g_signal_connect (task, "done", G_CALLBACK (note_end), &listener);
  before = ferry_session_get_counts (listener.session);
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  g_assert_cmpuint (listener.at_end.n_sent - before.n_sent, ==, 1);
  g_assert_cmpuint (listener.at_end.n_received - before.n_received, ==, 1);
  listener_end (&listener);
}

/* ---- Hosts that are none ---- */

#define N_FUNCTIONS_OF_NONE 100

static void
tell_of_none (natsConnection *connection, guint number, guint n_workers)
{
  g_autofree char *name = g_strdup_printf ("none-%u", number);
  g_autofree char *subject = g_strdup_printf ("ferry.app.present.%s.id", name);
  g_autoptr (GPtrArray) functions = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GBytes) bytes = NULL;
  FerryHostFacts facts = {
    .version = FERRY_RUN_VERSION,
    .ferry_version = (char *) "0.1.0",
    .name = name,
    .instance = (char *) "id",
    .n_workers = n_workers,
  };

  for (guint i = 0; i < N_FUNCTIONS_OF_NONE; i++)
    g_ptr_array_add (functions, g_strdup_printf ("function-%u", i));
  g_ptr_array_add (functions, NULL);
  facts.functions = (char **) functions->pdata;
  bytes = ferry_bus_presence_to_bytes (ferry_host_facts_to_variant (&facts));
  g_assert_cmpint (
    natsConnection_Publish (connection, subject, g_bytes_get_data (bytes, NULL), (int) g_bytes_get_size (bytes)), ==,
    NATS_OK);
}

static gboolean
has_seven_workers (gpointer cluster)
{
  g_autoptr (FerryHost) host = g_list_model_get_item (ferry_cluster_get_hosts (cluster), 0);

  return host != NULL && ferry_host_get_n_workers (host) == 7;
}

/* Whoever may publish can tell of more names than there is memory for, and of functions that nobody has. */
static void
hosts_that_never_answer_are_bounded (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (FerryHost) first = NULL;
  g_auto (GStrv) functions = NULL;
  g_autofree char *url = NULL;
  natsConnection *connection = NULL;

  g_object_set (scene->cluster, "cut-timeout", (gint64) 3600 * G_USEC_PER_SEC, NULL);
  wait_state (scene, FERRY_CLUSTER_STATE_CONNECTED);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  g_assert_cmpint (natsConnection_ConnectTo (&connection, url), ==, NATS_OK);
  for (guint i = 0; i < FERRY_CLUSTER_MAX_ASKED + 100; i++)
    {
      tell_of_none (connection, i, 1);
      /* The server drops what it cannot hand over in time. */
      if (i % 64 == 63)
        wait_hosts (scene, MIN (i + 1, FERRY_CLUSTER_MAX_ASKED));
    }
  /* It comes behind all of them. */
  tell_of_none (connection, 0, 7);
  g_assert_cmpint (natsConnection_Flush (connection), ==, NATS_OK);
  ferry_test_run_until (has_seven_workers, scene->cluster);
  g_assert_cmpuint (g_list_model_get_n_items (ferry_cluster_get_hosts (scene->cluster)), ==, FERRY_CLUSTER_MAX_ASKED);
  first = g_list_model_get_item (ferry_cluster_get_hosts (scene->cluster), 0);
  g_object_get (first, "functions", &functions, NULL);
  g_assert_cmpuint (g_strv_length (functions), ==, 0);
  natsConnection_Destroy (connection);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  nats_test_add ("/cluster-nats/finds-hosts-before-and-after", finds_hosts_before_and_after);
  nats_test_add ("/cluster-nats/runs-tasks-at-several-hosts", runs_tasks_at_several_hosts);
  nats_test_add ("/cluster-nats/an-error-names-the-task-as-the-log-of-the-host-does",
                 an_error_names_the_task_as_the_log_of_the_host_does);
  nats_test_add ("/cluster-nats/a-server-that-is-killed-costs-time-only", a_server_that_is_killed_costs_time_only);
  nats_test_add ("/cluster-nats/sessions-are-told-that-the-server-is-back", sessions_are_told_that_the_server_is_back);
  nats_test_add ("/cluster-nats/a-cancel-takes-one-round-trip", a_cancel_takes_one_round_trip);
  nats_test_add ("/cluster-nats/no-host-is-doubted-while-the-server-is-gone",
                 no_host_is_doubted_while_the_server_is_gone);
  nats_test_add ("/cluster-nats/a-task-is-told-of-a-host-of-another-version",
                 a_task_is_told_of_a_host_of_another_version);
  nats_test_add ("/cluster-nats/a-host-says-that-an-application-has-another-version",
                 a_host_says_that_an_application_has_another_version);
  nats_test_add ("/cluster-nats/a-large-request-is-not-asked-back-while-it-is-under-way",
                 a_large_request_is_not_asked_back_while_it_is_under_way);
  nats_test_add ("/cluster-nats/a-server-that-takes-less-ends-sessions-with-larger-packets",
                 a_server_that_takes_less_ends_sessions_with_larger_packets);
  nats_test_add ("/cluster-nats/servers-of-a-nats-cluster-stand-in-for-each-other",
                 servers_of_a_nats_cluster_stand_in_for_each_other);
  nats_test_add ("/cluster-nats/a-large-request-is-not-sent-to-its-end-when-its-task-is-cancelled",
                 a_large_request_is_not_sent_to_its_end_when_its_task_is_cancelled);
  nats_test_add ("/cluster-nats/a-host-that-is-killed-is-found-out", a_host_that_is_killed_is_found_out);
  nats_test_add ("/cluster-nats/a-host-that-is-started-again-takes-its-place",
                 a_host_that_is_started_again_takes_its_place);
  nats_test_add ("/cluster-nats/a-host-leaves", a_host_leaves);
  nats_test_add ("/cluster-nats/a-host-that-leaves-while-the-server-is-gone-loses-no-result",
                 a_host_that_leaves_while_the_server_is_gone_loses_no_result);
  nats_test_add ("/cluster-nats/a-host-that-has-forgotten-its-session-is-found-again",
                 a_host_that_has_forgotten_its_session_is_found_again);
  nats_test_add ("/cluster-nats/a-host-that-breaks-the-rules-is-not-used-for-a-while",
                 a_host_that_breaks_the_rules_is_not_used_for_a_while);
  nats_test_add ("/cluster-nats/a-host-that-ends-each-session-is-tried-ever-less-often",
                 a_host_that_ends_each_session_is_tried_ever_less_often);
  nats_test_add ("/cluster-nats/a-host-whose-session-lived-is-tried-soon", a_host_whose_session_lived_is_tried_soon);
  nats_test_add ("/cluster-nats/wrong-credentials-fail-tasks", wrong_credentials_fail_tasks);
  g_test_add_func ("/cluster-nats/a-url-that-cannot-be-fails-tasks", a_url_that_cannot_be_fails_tasks);
  nats_test_add ("/cluster-nats/ends-with-its-last-reference", ends_with_its_last_reference);
  nats_test_add ("/cluster-nats/a-cluster-connects-anew-in-a-handler-of-its-error",
                 a_cluster_connects_anew_in_a_handler_of_its_error);
  nats_test_add ("/cluster-nats/tasks-wait-for-a-server", tasks_wait_for_a_server);
  g_test_add_func ("/cluster-nats/no-text-tells-the-password", no_text_tells_the_password);
  nats_test_add ("/cluster-nats/false-facts-are-not-believed", false_facts_are_not_believed);
  nats_test_add ("/cluster-nats/a-host-whose-protocol-does-not-fit-is-told-of-once",
                 a_host_whose_protocol_does_not_fit_is_told_of_once);
  nats_test_add ("/cluster-nats/an-application-whose-protocol-does-not-fit-is-told-of-once",
                 an_application_whose_protocol_does_not_fit_is_told_of_once);
  nats_test_add ("/cluster-nats/false-facts-do-not-fill-the-log", false_facts_do_not_fill_the_log);
  nats_test_add ("/cluster-nats/hosts-of-one-name-are-few", hosts_of_one_name_are_few);
  g_test_add_func ("/cluster-nats/what-is-said-again-harms-nothing", what_is_said_again_harms_nothing);
  g_test_add_func ("/cluster-nats/what-others-garble-harms-no-task", what_others_garble_harms_no_task);
  nats_test_add ("/cluster-nats/hosts-that-never-answer-are-bounded", hosts_that_never_answer_are_bounded);
  return g_test_run ();
}
