/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-server-access.c, cluster/ferry-host-check.c
 *
 * Files of credentials, with a real server that lets in a user with a token which one of its accounts has signed.
 * Without a server these are skipped. */

#include "config.h"

#include "cluster/bus-test.h"
#include "cluster/operator-test.h"

#include <string.h>

#include "cluster/ferry-bus-private.h"
#include "cluster/ferry-cluster.h"
#include "cluster/ferry-server-access-private.h"
#include "cluster/ferry-server-link-private.h"
#include "task/task-test.h"

#define AN_HOUR (60 * 60)

typedef struct
{
  FerryRouter *router;    /* (owned) */
  NatsTestServer *server; /* (owned) */
} Scene;

static Scene *
scene_new (OperatorTestKey revoked)
{
  g_autofree char *configuration = operator_test_make_configuration (revoked);
  Scene *scene = g_new0 (Scene, 1);

  scene->router = ferry_test_router_new ();
  scene->server = nats_test_server_new ();
  nats_test_server_start (scene->server, configuration);
  return scene;
}

static void
scene_free (Scene *scene)
{
  nats_test_server_free (scene->server);
  ferry_test_router_stop (scene->router);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

/* An end with a file of credentials. host: NULL for an application. */
static BusTestEnd *
join (Scene *scene, const char *host, const char *credentials_file)
{
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  const FerryBusSettings settings = {
    .url = url, .application = "app", .host = host, .credentials_file = credentials_file};

  return bus_test_end_new (scene->router, &settings);
}

static const OperatorTestCredentials of_one = {.account = OPERATOR_TEST_ONE, .user = OPERATOR_TEST_USER};
static const OperatorTestCredentials of_other = {.account = OPERATOR_TEST_OTHER, .user = OPERATOR_TEST_SECOND_USER};
static const OperatorTestCredentials with_wrong_seed = {
  .account = OPERATOR_TEST_ONE, .user = OPERATOR_TEST_USER, .seed = OPERATOR_TEST_SECOND_USER};

static OperatorTestCredentials
get_expired (void)
{
  OperatorTestCredentials expired = of_one;

  expired.expiry = g_get_real_time () / G_USEC_PER_SEC - AN_HOUR;
  return expired;
}

/* ---- Hosts ---- */

/* Returns (transfer full) the program of a host, with two further options. address: of the server, with what lets the
 * host in. */
static GSubprocess *
start_host_as (NatsTestServer *server, const char *address, const char *option, const char *second_option)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "..", "router", "cluster", "ferry-host", NULL);
  g_autofree char *worker = ferry_test_build_path ("serving-worker");
  g_autofree char *url = nats_test_server_get_url (server, "nats", address);
  g_autofree char *variable = g_strconcat ("FERRY_SERVER=", url, NULL);
  const char *argv[] = {"env",   variable, program,       "--application", "app", "--name",
                        "alpha", option,   second_option, worker,          NULL};

  return ferry_test_start (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
}

static GSubprocess *
start_host (NatsTestServer *server, const char *credentials_file, const char *option)
{
  g_autofree char *credentials = g_strconcat ("--credentials=", credentials_file, NULL);

  return start_host_as (server, "127.0.0.1", credentials, option);
}

/* Waits for the end of a host. Returns (transfer full) what it has said. */
static char *
dup_output (GSubprocess *host, int status)
{
  char *output = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_subprocess_communicate_utf8 (host, NULL, NULL, &output, NULL, &error));
  g_test_message ("%s", output);
  g_assert_cmpint (g_subprocess_get_exit_status (host), ==, status);
  return output;
}

static void
assert_output (GSubprocess *host, int status, const char *pattern)
{
  g_autofree char *output = dup_output (host, status);

  g_assert_true (g_pattern_match_simple (pattern, output));
}

static void
check (Scene *scene, OperatorTestCredentials credentials, int status, const char *pattern)
{
  g_autofree char *file = operator_test_write_credentials (scene->server, "checked.creds", credentials);
  g_autoptr (GSubprocess) host = start_host (scene->server, file, "--check");

  assert_output (host, status, pattern);
}

/* ---- Tests ---- */

static void
let_a_task_run (void)
{
  g_autofree char *file = NULL;
  g_autofree char *url = NULL;
  g_autoptr (Scene) scene = scene_new (0);
  g_autoptr (GSubprocess) host = NULL;
  g_autoptr (FerryTask) task = NULL;
  FerryCluster *cluster;
  FerryExecutor *executor;

  file = operator_test_write_credentials (scene->server, "one.creds", of_one);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  host = start_host (scene->server, file, "--workers=1");
  cluster = ferry_cluster_new (scene->router, url, "app");
  g_object_set (cluster, "credentials-file", file, NULL);
  executor = ferry_executor_new_for_runner (FERRY_RUNNER (cluster));
  task = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  task_test_assert_result (task, "'word'");
  g_assert_cmpstr (ferry_test_get_string (task, "host-name"), ==, "alpha");
  ferry_test_finalize (executor);
  ferry_cluster_close (cluster);
  ferry_test_finalize (cluster);
  g_subprocess_force_exit (host);
  g_subprocess_wait (host, NULL, NULL);
}

#define TOO_LITTLE                                                                                                     \
  "authorization { users = [ { user: alice, password: secret, permissions: { publish: \"ferry.other.>\", "             \
  "subscribe: \"ferry.other.>\" } } ] }\n"

static gboolean
is_refused (gpointer cluster)
{
  return ferry_cluster_get_state (cluster) == FERRY_CLUSTER_STATE_CONNECTED &&
         ferry_test_get_error (cluster, "error") != NULL;
}

/* The server lets the user in, and tells what it does not permit when the cluster is connected. */
static void
too_little_fails_tasks (void)
{
  g_autoptr (NatsTestServer) server = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) next = NULL;
  g_autofree char *url = NULL;
  FerryRouter *router = ferry_test_router_new ();
  FerryCluster *cluster;
  FerryExecutor *executor;

  server = nats_test_server_new ();
  nats_test_server_start (server, TOO_LITTLE);
  url = nats_test_server_get_url (server, "nats", "alice:secret@127.0.0.1");
  cluster = ferry_cluster_new (router, url, "app");
  executor = ferry_executor_new_for_runner (FERRY_RUNNER (cluster));
  task = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED);
  ferry_test_run_until (is_refused, cluster);
  next = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  task_test_assert_failed (next, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED);
  ferry_test_finalize (executor);
  ferry_cluster_close (cluster);
  ferry_test_finalize (cluster);
  ferry_test_router_stop (router);
}

/* Each lacks one permission of those that docs/cluster.md lists. */
#define MUTE_HOST                                                                                                      \
  "authorization { users = [ { user: alpha, password: secret, permissions: { publish: \"ferry.app.present.alpha.>\", " \
  "subscribe: [\"ferry.app.hello.>\", \"ferry.app.present.alpha.>\", \"ferry.app.down.alpha.>\"] } } ] }\n"
#define HOST_AND(permissions)                                                                                          \
  "authorization { users = [ { user: alpha, password: secret }, { user: alice, password: secret, permissions: "        \
  "{ " permissions " } } ] }\n"
#define MUTE_APPLICATION                                                                                               \
  HOST_AND ("publish: \"ferry.app.hello.alice.>\", subscribe: [\"ferry.app.present.>\", \"ferry.app.up.alice.>\"]")
#define DEAF_APPLICATION                                                                                               \
  HOST_AND ("publish: [\"ferry.app.hello.alice.>\", \"ferry.app.down.*.*.alice.>\"], subscribe: "                      \
            "\"ferry.app.present.>\"")

/* An application that sees a host, and cannot ask it or hear its answers, does not wait for it without end. */
static void
fails_the_tasks_of (const char *configuration)
{
  g_autoptr (NatsTestServer) server = NULL;
  g_autoptr (GSubprocess) host = NULL;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *url = NULL;
  FerryRouter *router;
  FerryCluster *cluster;
  FerryExecutor *executor;

  if (nats_test_must_skip ("nats-server"))
    return;
  router = ferry_test_router_new ();
  server = nats_test_server_new ();
  nats_test_server_start (server, configuration);
  host = start_host_as (server, "alpha:secret@127.0.0.1", "--workers=1", "--verbose");
  url = nats_test_server_get_url (server, "nats", "alice:secret@127.0.0.1");
  cluster = ferry_cluster_new (router, url, "app");
  executor = ferry_executor_new_for_runner (FERRY_RUNNER (cluster));
  task = task_test_submit (executor, "echo", g_variant_new_string ("word"));
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED);
  g_test_message ("%s", ferry_task_get_error (task)->message);
  ferry_test_finalize (executor);
  ferry_cluster_close (cluster);
  ferry_test_finalize (cluster);
  ferry_test_router_stop (router);
  g_subprocess_force_exit (host);
  g_subprocess_wait (host, NULL, NULL);
}

static void
one_that_may_not_ask_fails_tasks (void)
{
  fails_the_tasks_of (MUTE_APPLICATION);
}

static void
one_that_may_not_hear_answers_fails_tasks (void)
{
  fails_the_tasks_of (DEAF_APPLICATION);
}

static void
a_check_tells_of_a_host_that_may_not_answer (void)
{
  g_autoptr (NatsTestServer) server = nats_test_server_new ();
  g_autoptr (GSubprocess) host = NULL;

  nats_test_server_start (server, MUTE_HOST);
  host = start_host_as (server, "alpha:secret@127.0.0.1", "--check", "--verbose");
  assert_output (host, 2, "*does not permit*ferry.app.up.*");
}

/* A server that listens for other machines, unless it wants a password, is warned of; and not one that does not. */
static void
none_are_needed_is_warned_of (void)
{
  static const struct
  {
    const char *address;
    const char *configuration;
    gboolean is_exposed;
  } servers[] = {
    {"0.0.0.0", "", TRUE},
    {"0.0.0.0", "authorization { user: alpha, password: secret }\n", FALSE},
    {"127.0.0.1", "", FALSE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (servers); i++)
    {
      g_autoptr (NatsTestServer) server = nats_test_server_new ();
      g_autoptr (GSubprocess) host = NULL;
      g_autofree char *output = NULL;

      server->address = servers[i].address;
      nats_test_server_start (server, servers[i].configuration);
      host = start_host_as (server, "alpha:secret@127.0.0.1", "--check", "--verbose");
      output = dup_output (host, 0);
      g_assert_cmpint (strstr (output, "lets anybody in") != NULL, ==, servers[i].is_exposed);
    }
}

/* A host finds its guardian beside the library, where no variable says where it is; it would warn, and end by that
 * here. */
static void
a_host_finds_its_guardian (void)
{
  g_autofree char *guardian = g_strdup (g_getenv ("FERRY_GUARDIAN"));
  g_autoptr (NatsTestServer) server = nats_test_server_new ();
  g_autoptr (GSubprocess) host = NULL;

  nats_test_server_start (server, NULL);
  g_unsetenv ("FERRY_GUARDIAN");
  host = start_host_as (server, "127.0.0.1", "--check", "--verbose");
  if (guardian != NULL)
    g_setenv ("FERRY_GUARDIAN", guardian, TRUE);
  assert_output (host, 0, "*connected to*");
}

/* What one account's host tells comes before what the other's tells, so nothing of it is on the way any more. */
static void
of_another_account_see_nothing (void)
{
  g_autofree char *file = NULL;
  g_autofree char *other_file = NULL;
  g_autoptr (Scene) scene = scene_new (0);
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) other_application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autoptr (BusTestEnd) other_host = NULL;

  file = operator_test_write_credentials (scene->server, "one.creds", of_one);
  other_file = operator_test_write_credentials (scene->server, "other.creds", of_other);
  application = join (scene, NULL, file);
  other_application = join (scene, NULL, other_file);
  host = join (scene, "alpha", file);
  other_host = join (scene, "beta", other_file);
  bus_test_end_wait_state (application, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_state (other_application, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_state (host, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_state (other_host, FERRY_CLUSTER_STATE_CONNECTED);
  ferry_bus_set_presence (host->bus, g_variant_new_uint32 (1));
  bus_test_end_send (host, "user", ferry_bus_get_id (other_application->bus), "wrong");
  bus_test_end_wait_present (application, "alpha 1 ");
  bus_test_end_send (other_host, "user", ferry_bus_get_id (other_application->bus), "right");
  ferry_bus_set_presence (other_host->bus, g_variant_new_uint32 (2));
  bus_test_end_wait_packets (other_application, 1);
  g_assert_cmpstr (other_application->peer, ==, "beta");
  g_assert_null (strstr (other_application->present->str, "alpha"));
  bus_test_end_wait_present (other_application, "beta 2 ");
}

static void
ignore_close (natsConnection *nats, void *closure)
{
}

static void
ignore_failure (natsConnection *nats, natsSubscription *subscription, natsStatus status, void *closure)
{
}

/* Whatever their signatures begin with: so often that there are all first bytes. */
static void
let_in_each_time (void)
{
  static const FerryServerHandlers handlers = {.closed = ignore_close, .failed = ignore_failure};
  g_autofree char *file = NULL;
  g_autofree char *url = NULL;
  g_autoptr (Scene) scene = NULL;
  g_autoptr (GError) error = NULL;
  FerryServerAccess *access;
  guint n = ferry_test_times (300, 1500);

  scene = scene_new (0);
  file = operator_test_write_credentials (scene->server, "one.creds", of_one);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  access =
    ferry_server_access_new (&(FerryBusSettings){.url = url, .application = "app", .credentials_file = file}, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    {
      FerryServerLink *link = ferry_server_link_new (access, &handlers, NULL, &error);

      g_assert_no_error (error);
      ferry_server_link_free (link);
    }
  ferry_server_access_free (access);
}

static void
that_are_wrong_are_told (void)
{
  g_autofree char *expired = NULL;
  g_autofree char *wrong_seed = NULL;
  g_autoptr (Scene) scene = scene_new (0);
  g_autoptr (BusTestEnd) late = NULL;
  g_autoptr (BusTestEnd) wrong = NULL;

  expired = operator_test_write_credentials (scene->server, "expired.creds", get_expired ());
  wrong_seed = operator_test_write_credentials (scene->server, "wrong.creds", with_wrong_seed);
  late = join (scene, NULL, expired);
  wrong = join (scene, NULL, wrong_seed);
  bus_test_end_wait_error (late, FERRY_ERROR_NOT_ALLOWED,
                           "*does not take the credentials in '*/expired.creds'*valid until 20*; get new ones");
  bus_test_end_wait_error (wrong, FERRY_ERROR_NOT_ALLOWED,
                           "*does not take the credentials in '*/wrong.creds'*seed is not that*; get new ones");
  g_assert_cmpint (ferry_bus_get_state (late->bus), ==, FERRY_CLUSTER_STATE_CONNECTING);
}

static void
that_are_revoked_are_told (void)
{
  g_autofree char *file = NULL;
  g_autofree char *after = NULL;
  g_autoptr (Scene) scene = scene_new (0);
  g_autoptr (BusTestEnd) end = NULL;

  file = operator_test_write_credentials (scene->server, "one.creds", of_one);
  end = join (scene, NULL, file);
  bus_test_end_wait_state (end, FERRY_CLUSTER_STATE_CONNECTED);
  nats_test_server_kill (scene->server);
  after = operator_test_make_configuration (OPERATOR_TEST_USER);
  nats_test_server_start (scene->server, after);
  bus_test_end_wait_error (end, FERRY_ERROR_NOT_ALLOWED, "*does not take the credentials in '*'*revoked*");
  g_assert_cmpint (ferry_bus_get_state (end->bus), ==, FERRY_CLUSTER_STATE_RECONNECTING);
}

static void
without_a_token_or_a_seed_are_told (void)
{
  g_autofree char *file = NULL;
  g_autoptr (Scene) scene = scene_new (0);
  g_autoptr (BusTestEnd) end = NULL;

  file = nats_test_server_get_path (scene->server, "half.creds");
  nats_test_server_write (scene->server, "half.creds", "-----BEGIN NATS USER JWT-----\nabc\n");
  end = join (scene, NULL, file);
  bus_test_end_wait_error (end, FERRY_ERROR_BAD_ARGUMENTS, "*'*/half.creds'*no line that begins with SU*");
  nats_test_server_write (scene->server, "half.creds", "word\n");
  bus_test_end_wait_error (end, FERRY_ERROR_BAD_ARGUMENTS, "*'*/half.creds'*BEGIN NATS USER JWT*");
}

static void
are_checked_by_hosts (void)
{
  g_autoptr (Scene) scene = scene_new (OPERATOR_TEST_SECOND_USER);

  check (scene, of_one, 0, "*connected to nats://*");
  check (scene, get_expired (), 2, "*server *does not take the credentials*valid until*get new ones*");
  check (scene, with_wrong_seed, 2, "*server *does not take the credentials*seed is not that*");
  check (scene, (OperatorTestCredentials){.account = OPERATOR_TEST_ONE, .user = OPERATOR_TEST_SECOND_USER}, 2,
         "*server *does not take the credentials*revoked*");
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  nats_test_add ("/credentials/let-a-task-run", let_a_task_run);
  nats_test_add ("/credentials/that-permit-too-little-fail-tasks", too_little_fails_tasks);
  g_test_add_func ("/credentials/that-may-not-ask-fail-tasks", one_that_may_not_ask_fails_tasks);
  g_test_add_func ("/credentials/that-may-not-hear-answers-fail-tasks", one_that_may_not_hear_answers_fails_tasks);
  nats_test_add ("/credentials/of-a-host-that-may-not-answer-are-told", a_check_tells_of_a_host_that_may_not_answer);
  nats_test_add ("/credentials/that-are-not-needed-are-warned-of", none_are_needed_is_warned_of);
  nats_test_add ("/credentials/are-not-needed-to-find-a-guardian", a_host_finds_its_guardian);
  nats_test_add ("/credentials/of-another-account-see-nothing", of_another_account_see_nothing);
  nats_test_add ("/credentials/let-in-each-time", let_in_each_time);
  nats_test_add ("/credentials/that-are-wrong-are-told", that_are_wrong_are_told);
  nats_test_add ("/credentials/that-are-revoked-are-told", that_are_revoked_are_told);
  nats_test_add ("/credentials/without-a-token-or-a-seed-are-told", without_a_token_or_a_seed_are_told);
  nats_test_add ("/credentials/are-checked-by-hosts", are_checked_by_hosts);
  return g_test_run ();
}
