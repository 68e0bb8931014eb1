/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-bus.c, cluster/ferry-server-access.c, cluster/ferry-server-link.c,
 * cluster/ferry-nats-thread.c
 *
 * Applications and hosts over a real server: which find each other, what is carried, and what is said when something is
 * wrong. Without a server these are skipped. */

#include "config.h"

#include "cluster/bus-test.h"
#include "cluster/nats-test.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-run-message-private.h"
#include "route/ferry-router-private.h"

/* A key pair that stands in NATS' own pages. */
#define SEED "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
#define PUBLIC_KEY "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"

typedef struct
{
  FerryRouter *router;    /* (owned) */
  NatsTestServer *server; /* (owned) */
  guint n_fds;            /* descriptors that were open before */
} Scene;

static Scene *
scene_new (const char *configuration)
{
  Scene *scene = g_new0 (Scene, 1);

  /* What GLib opens once, for the default context and for its own thread, is open then. */
  g_source_unref (g_unix_signal_source_new (SIGHUP));
  g_main_context_iteration (NULL, FALSE);
  scene->n_fds = ferry_test_count_fds ();
  scene->router = ferry_test_router_new ();
  scene->server = nats_test_server_new ();
  nats_test_server_start (scene->server, configuration);
  return scene;
}

static gboolean
has_no_more_fds (gpointer data)
{
  return ferry_test_count_fds () <= ((Scene *) data)->n_fds;
}

/* Threads of buses end by themselves, behind what was closed before. */
static void
scene_free (Scene *scene)
{
  nats_test_server_free (scene->server);
  ferry_test_router_stop (scene->router);
  ferry_test_look_until (has_no_more_fds, scene);
  g_free (scene);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Scene, scene_free)

/* An end without any credentials. host: NULL for an application. */
static BusTestEnd *
join (Scene *scene, const char *host)
{
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  FerryBusSettings settings = {.url = url, .application = "app", .host = host};

  return bus_test_end_new (scene->router, &settings);
}

static BusTestEnd *
join_and_wait (Scene *scene, const char *host)
{
  BusTestEnd *end = join (scene, host);

  bus_test_end_wait_state (end, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_null (ferry_bus_get_error (end->bus));
  return end;
}

/* An end with settings that a test makes; only url and application are set here. */
static BusTestEnd *
join_as (Scene *scene, const char *scheme, const char *host, FerryBusSettings settings)
{
  g_autofree char *url = nats_test_server_get_url (scene->server, scheme, host);

  settings.url = url;
  settings.application = "app";
  return bus_test_end_new (scene->router, &settings);
}

static void
finds_hosts (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) early = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autoptr (BusTestEnd) late = NULL;

  early = join_and_wait (scene, NULL);
  host = join (scene, "alpha");
  ferry_bus_set_presence (host->bus, g_variant_new ("(us)", 1, "one"));
  bus_test_end_wait_present (early, "alpha (1, 'one') ");
  ferry_bus_set_presence (host->bus, g_variant_new ("(us)", 2, "two"));
  bus_test_end_wait_present (early, "alpha (2, 'two') ");
  late = join (scene, NULL);
  bus_test_end_wait_present (late, "alpha (2, 'two') ");
  g_assert_cmpstr (ferry_bus_get_id (early->bus), !=, ferry_bus_get_id (late->bus));
}

/* What one of several servers drops at first comes later. Nobody asks for it here. */
static void
a_host_tells_again_where_there_are_several_servers (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autofree char *url = NULL;
  g_autofree char *urls = NULL;
  FerryBusSettings settings = {.application = "app", .host = "alpha"};

  application = join_and_wait (scene, NULL);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  settings.url = urls = g_strconcat (url, ",nats://127.0.0.1:1", NULL);
  host = bus_test_end_new (scene->router, &settings);
  ferry_bus_set_presence (host->bus, g_variant_new_uint32 (1));
  bus_test_end_wait_present (application, "alpha 1 ");
  bus_test_end_wait_present (application, "alpha 1 ");
}

static void
an_application_asks_again_where_there_are_several_servers (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autofree char *url = NULL;
  g_autofree char *urls = NULL;
  FerryBusSettings settings = {.application = "app"};

  host = join_and_wait (scene, "alpha");
  ferry_bus_set_presence (host->bus, g_variant_new_uint32 (1));
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  settings.url = urls = g_strconcat (url, ",nats://127.0.0.1:1", NULL);
  application = bus_test_end_new (scene->router, &settings);
  bus_test_end_wait_present (application, "alpha 1 ");
  bus_test_end_wait_present (application, "alpha 1 ");
}

/* ---- Servers that form a cluster ---- */

#define CLUSTER "cluster { name: servers, listen: '127.0.0.1:-1'"

/* Starts a server that joins the scene's, which must have CLUSTER in its configuration. */
static NatsTestServer *
add_server (Scene *scene)
{
  g_autofree char *configuration = g_strdup_printf (CLUSTER ", routes: ['nats-route://127.0.0.1:%u'] }\n",
                                                    nats_test_server_get_other_port (scene->server, "cluster"));
  NatsTestServer *other = nats_test_server_new ();

  nats_test_server_start (other, configuration);
  return other;
}

/* The host is told one server, which has not heard of the other one yet. It says at the other one that it is there, and
 * says it again, without being asked. */
static void
a_host_whose_server_is_gone_tells_another_one_that_it_is_there (void)
{
  g_autoptr (Scene) scene = scene_new (CLUSTER " }\n");
  g_autoptr (NatsTestServer) other = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autoptr (BusTestEnd) application = NULL;
  g_autofree char *url = NULL;
  FerryBusSettings settings = {.application = "app"};

  host = join_and_wait (scene, "alpha");
  ferry_bus_set_presence (host->bus, g_variant_new_uint32 (1));
  other = add_server (scene);
  settings.url = url = nats_test_server_get_url (other, "nats", "127.0.0.1");
  application = bus_test_end_new (scene->router, &settings);
  bus_test_end_wait_present (application, "alpha 1 ");
  nats_test_server_kill (scene->server);
  ferry_bus_set_presence (host->bus, g_variant_new_uint32 (2));
  bus_test_end_wait_present (application, "alpha 2 ");
  bus_test_end_wait_present (application, "alpha 2 ");
}

/* Waits until something came for a subscription. */
static gboolean
has_come (gpointer data)
{
  natsMsg *message = NULL;

  if (natsSubscription_NextMsg (&message, data, 1) != NATS_OK)
    return FALSE;
  natsMsg_Destroy (message);
  return TRUE;
}

/* host: (nullable). subject: that of what the end tells. What it tells when it connects comes first. */
static void
check_tells_another_server (const char *host, const char *subject)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (NatsTestServer) other = NULL;
  g_autoptr (BusTestEnd) end = NULL;
  g_autofree char *url = NULL;
  natsConnection *connection = NULL;
  natsSubscription *subscription = NULL;

  if (nats_test_must_skip ("nats-server"))
    return;
  scene = scene_new (CLUSTER " }\n");
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  g_assert_cmpint (natsConnection_ConnectTo (&connection, url), ==, NATS_OK);
  g_assert_cmpint (natsConnection_SubscribeSync (&subscription, connection, subject), ==, NATS_OK);
  g_assert_cmpint (natsConnection_Flush (connection), ==, NATS_OK);
  end = join_and_wait (scene, host);
  if (host != NULL)
    ferry_bus_set_presence (end->bus, g_variant_new_uint32 (1));
  ferry_test_look_until (has_come, subscription);
  other = add_server (scene);
  ferry_test_look_until (has_come, subscription);
  ferry_test_look_until (has_come, subscription);
  natsSubscription_Destroy (subscription);
  natsConnection_Destroy (connection);
}

static void
a_host_tells_another_server_that_comes_later_that_it_is_there (void)
{
  check_tells_another_server ("alpha", "ferry.app.present.>");
}

static void
an_application_asks_at_another_server_that_comes_later (void)
{
  check_tells_another_server (NULL, "ferry.app.hello.>");
}

/* Each answer goes to all applications, so one that asks without end must not have a host speak without end. */
static void
a_host_answers_a_flood_of_hellos_once_in_a_second (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  gint64 began;

  application = join_and_wait (scene, NULL);
  host = join (scene, "alpha");
  ferry_bus_set_presence (host->bus, g_variant_new_uint32 (1));
  bus_test_end_wait_present (application, "alpha 1 ");
  began = g_get_monotonic_time ();
  for (guint i = 0; i < 3; i++)
    {
      ferry_bus_say_hello (application->bus);
      ferry_bus_say_hello (application->bus);
      bus_test_end_wait_present (application, "alpha 1 ");
    }
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 2 * G_USEC_PER_SEC);
  /* What has changed is told at once. */
  ferry_bus_say_hello (application->bus);
  ferry_bus_set_presence (host->bus, g_variant_new_uint32 (2));
  bus_test_end_wait_present (application, "alpha 2 ");
}

static void
assert_packet (BusTestEnd *end, guint index, const char *text)
{
  GBytes *packet = g_ptr_array_index (end->packets, index);

  g_assert_cmpmem (g_bytes_get_data (packet, NULL), g_bytes_get_size (packet), text, strlen (text));
}

static void
carries_packets (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autoptr (BusTestEnd) stranger = NULL;

  application = join_and_wait (scene, NULL);
  stranger = join_and_wait (scene, NULL);
  host = join_and_wait (scene, "alpha");
  bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), "one");
  bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), "two");
  bus_test_end_wait_packets (host, 2);
  assert_packet (host, 0, "one");
  assert_packet (host, 1, "two");
  g_assert_cmpstr (host->peer, ==, "user");
  g_assert_cmpstr (host->id, ==, ferry_bus_get_id (application->bus));
  bus_test_end_send (host, host->peer, host->id, "three");
  bus_test_end_wait_packets (application, 1);
  assert_packet (application, 0, "three");
  g_assert_cmpstr (application->peer, ==, "alpha");
  g_assert_cmpstr (application->id, ==, ferry_bus_get_id (host->bus));
  g_assert_cmpuint (stranger->packets->len, ==, 0);
  g_assert_cmpuint (ferry_bus_get_counts (application->bus).n_foreign, ==, 0);
}

/* A connection of a stranger to the server. The stranger may publish anything. */
static natsConnection *
make_stranger (Scene *scene)
{
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  natsConnection *stranger = NULL;

  g_assert_cmpint (natsConnection_ConnectTo (&stranger, url), ==, NATS_OK);
  return stranger;
}

static void
publish (natsConnection *stranger, const char *subject, gconstpointer data, gsize size)
{
  g_assert_cmpint (natsConnection_Publish (stranger, subject, data, (int) size), ==, NATS_OK);
}

/* What was published has come to the server then. */
static void
leave (natsConnection *stranger)
{
  g_assert_cmpint (natsConnection_Flush (stranger), ==, NATS_OK);
  natsConnection_Destroy (stranger);
}

/* A serialised 'v' with a byte, 7. */
#define GOOD_PRESENCE "\007\000y"
#define GOOD_ID "0123456789abcdef"

/* Sends to the subjects that begin so what is from no end, and then what is from one. Returns how many were bad. */
static guint
publish_from_bad_names (natsConnection *stranger, const char *start)
{
  g_autofree char *longest = g_strnfill (64, 'a');
  g_autofree char *too_long = g_strnfill (65, 'a');
  const char *const bad[] = {"a$", "\xc3\xa4", "a\001", "a/b", too_long};
  g_autofree char *good = g_strconcat (start, longest, ".", GOOD_ID, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *by_name = g_strconcat (start, bad[i], ".", GOOD_ID, NULL);
      g_autofree char *by_id = g_strconcat (start, "alpha.", bad[i], NULL);

      publish (stranger, by_name, GOOD_PRESENCE, 3);
      publish (stranger, by_id, GOOD_PRESENCE, 3);
    }
  publish (stranger, good, GOOD_PRESENCE, 3);
  return 2 * G_N_ELEMENTS (bad);
}

static void
drops_what_is_from_no_end (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autofree char *up = NULL;
  g_autofree char *down = NULL;
  natsConnection *stranger;
  guint n_up, n_down;

  application = join_and_wait (scene, NULL);
  host = join_and_wait (scene, "alpha");
  stranger = make_stranger (scene);
  up = g_strdup_printf ("ferry.app.up.user.%s.", ferry_bus_get_id (application->bus));
  down = g_strdup_printf ("ferry.app.down.alpha.%s.", ferry_bus_get_id (host->bus));
  n_up = publish_from_bad_names (stranger, "ferry.app.present.");
  /* The host hears those of its own name, which have a bad id. */
  n_down = n_up / 2;
  n_up += publish_from_bad_names (stranger, up);
  n_down += publish_from_bad_names (stranger, "ferry.app.hello.");
  n_down += publish_from_bad_names (stranger, down);
  leave (stranger);
  bus_test_end_wait_packets (application, 1);
  bus_test_end_wait_packets (host, 1);
  g_assert_cmpuint (application->packets->len, ==, 1);
  g_assert_cmpuint (host->packets->len, ==, 1);
  g_assert_cmpuint (strlen (host->peer), ==, 64);
  g_assert_cmpuint (strlen (application->peer), ==, 64);
  g_assert_true (g_str_has_suffix (application->present->str, "a 0x07 "));
  g_assert_cmpuint (application->present->len, ==, 64 + strlen (" 0x07 "));
  g_assert_cmpuint (ferry_bus_get_counts (application->bus).n_foreign, ==, n_up);
  /* What comes by one subscription may be before what came earlier by another. */
  while (ferry_bus_get_counts (host->bus).n_foreign < n_down)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (ferry_bus_get_counts (host->bus).n_foreign, ==, n_down);
}

/* Of more than a mebibyte, of no type, of a type that its bytes are not of, and not in normal form. */
static void
drops_what_no_host_tells_of_itself (void)
{
  static const char subject[] = "ferry.app.present.alpha." GOOD_ID;
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) application = NULL;
  gsize size = 1024 * 1024 + 1;
  g_autofree guint8 *large = g_malloc0 (size);
  natsConnection *stranger;

  scene = scene_new ("max_payload: 4000000\n");
  application = join_and_wait (scene, NULL);
  stranger = make_stranger (scene);
  /* Bytes, and their type behind a zero. */
  memcpy (large + size - 2, "ay", 2);
  publish (stranger, subject, large, size);
  publish (stranger, subject, "", 0);
  publish (stranger, subject, "\007\000", 2);
  publish (stranger, subject, "\007\000?", 3);
  publish (stranger, subject, "\007\000u", 3);
  publish (stranger, subject, "\002\000b", 3);
  publish (stranger, subject, GOOD_PRESENCE, 3);
  leave (stranger);
  bus_test_end_wait_present (application, "alpha 0x07 ");
  g_assert_cmpuint (ferry_bus_get_counts (application->bus).n_foreign, ==, 6);
  /* One that is not too large is taken. */
  stranger = make_stranger (scene);
  publish (stranger, subject, large + 1, size - 1);
  publish (stranger, subject, GOOD_PRESENCE, 3);
  leave (stranger);
  bus_test_end_wait_present (application, "alpha 0x07 ");
  g_assert_cmpuint (ferry_bus_get_counts (application->bus).n_foreign, ==, 6);
}

static void
says_that_no_server_answers (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) end = NULL;
  g_autofree char *url = NULL;

  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  nats_test_server_kill (scene->server);
  end = join (scene, NULL);
  g_assert_cmpint (ferry_bus_get_state (end->bus), ==, FERRY_CLUSTER_STATE_CONNECTING);
  bus_test_end_wait_error (end, FERRY_ERROR_NOT_LISTENING, "No NATS server answers at 'nats://127.0.0.1:*'*start one*");
  g_assert_cmpint (ferry_bus_get_state (end->bus), ==, FERRY_CLUSTER_STATE_CONNECTING);
  g_assert_null (ferry_bus_get_address (end->bus));
  nats_test_server_start (scene->server, NULL);
  bus_test_end_wait_state (end, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_null (ferry_bus_get_error (end->bus));
  g_assert_cmpstr (ferry_bus_get_address (end->bus), ==, url);
}

/* Longer than a name service takes, so none is asked. */
static void
says_that_no_machine_has_the_name (void)
{
  g_autofree char *label = g_strnfill (64, 'n');
  g_autofree char *url = g_strdup_printf ("nats://%s.invalid:4222", label);
  g_autofree char *pattern =
    g_strdup_printf ("No machine has the name '%s.invalid' in the address '%s' (*)*", label, url);
  const FerryBusSettings settings = {.url = url, .application = "app"};
  FerryRouter *router = ferry_test_router_new ();
  BusTestEnd *end = bus_test_end_new (router, &settings);

  bus_test_end_wait_error (end, FERRY_ERROR_NOT_LISTENING, pattern);
  g_assert_cmpint (ferry_bus_get_state (end->bus), ==, FERRY_CLUSTER_STATE_CONNECTING);
  bus_test_end_free (end);
  ferry_test_router_stop (router);
}

typedef struct
{
  BusTestEnd *end;
  const char *address;
} Place;

static gboolean
has_address (gpointer data)
{
  Place *place = data;

  return g_strcmp0 (ferry_bus_get_address (place->end->bus), place->address) == 0;
}

static void
uses_another_server (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (NatsTestServer) other = NULL;
  g_autoptr (BusTestEnd) end = NULL;
  g_autofree char *url = NULL;
  g_autofree char *other_url = NULL;
  g_autofree char *urls = NULL;
  FerryBusSettings settings = {.application = "app"};

  other = nats_test_server_new ();
  nats_test_server_start (other, NULL);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  other_url = nats_test_server_get_url (other, "nats", "127.0.0.1");
  settings.url = urls = g_strconcat (url, ", ", other_url, NULL);
  end = bus_test_end_new (scene->router, &settings);
  bus_test_end_wait_state (end, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_cmpstr (ferry_bus_get_address (end->bus), ==, url);
  nats_test_server_kill (scene->server);
  /* It may be there before it is seen that the first one is gone. */
  ferry_test_run_until (has_address, &(Place){end, other_url});
  g_assert_cmpint (ferry_bus_get_state (end->bus), ==, FERRY_CLUSTER_STATE_CONNECTED);
}

/* Returns (transfer full) a socket that takes connections and says nothing. url: set to its address. */
static GSocket *
make_mute_server (char **url)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  g_autoptr (GSocketAddress) bound = NULL;

  g_assert_true (g_socket_bind (socket, address, FALSE, NULL) && g_socket_listen (socket, NULL));
  bound = g_socket_get_local_address (socket, NULL);
  *url = g_strdup_printf ("nats://127.0.0.1:%u", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  return socket;
}

typedef struct
{
  BusTestEnd *with_one;
  BusTestEnd *with_two;
} Race;

static gboolean
has_winner (gpointer data)
{
  Race *race = data;

  return ferry_bus_get_error (race->with_one->bus) != NULL ||
         ferry_bus_get_state (race->with_two->bus) == FERRY_CLUSTER_STATE_CONNECTED;
}

/* Returns whether an end with a mute first server is connected to the second one in time: before an end without another
 * server has given up for the first time. */
static gboolean
is_connected_first (Scene *scene, const char *mute_url)
{
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  g_autofree char *urls = g_strconcat (mute_url, ",", url, NULL);
  g_autoptr (BusTestEnd) with_two =
    bus_test_end_new (scene->router, &(FerryBusSettings){.url = urls, .application = "app"});
  g_autoptr (BusTestEnd) with_one =
    bus_test_end_new (scene->router, &(FerryBusSettings){.url = mute_url, .application = "app"});

  ferry_test_run_until (has_winner, &(Race){with_one, with_two});
  return ferry_bus_get_state (with_two->bus) == FERRY_CLUSTER_STATE_CONNECTED;
}

/* Tried again, as a thread of a machine with much to do may be late once. */
static void
waits_less_where_there_is_another_server (void)
{
  g_autofree char *mute_url = NULL;
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (GSocket) mute = NULL;
  gboolean is_first = FALSE;

  mute = make_mute_server (&mute_url);
  for (guint i = 0; i < 4 && !is_first; i++)
    is_first = is_connected_first (scene, mute_url);
  g_assert_true (is_first);
}

static void
says_that_a_password_is_wrong (void)
{
  g_autoptr (Scene) scene = scene_new ("authorization { users = [ { user: alice, password: 'open sesame' } ] }\n");
  g_autoptr (BusTestEnd) wrong = NULL;
  g_autoptr (BusTestEnd) none = NULL;
  g_autoptr (BusTestEnd) right = NULL;
  g_autoptr (BusTestEnd) in_url = NULL;
  g_autoptr (BusTestEnd) nobody = NULL;

  nobody = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){0});
  wrong = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){.user = "alice", .password = "sesame"});
  none = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){.user = "alice"});
  right = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){.user = "alice", .password = "open sesame"});
  in_url = join_as (scene, "nats", "alice:open%20sesame@127.0.0.1", (FerryBusSettings){0});
  bus_test_end_wait_error (wrong, FERRY_ERROR_NOT_ALLOWED, "*does not let the user 'alice' in*correct the password*");
  bus_test_end_wait_error (none, FERRY_ERROR_NOT_ALLOWED, "*does not let the user 'alice' in*");
  bus_test_end_wait_error (nobody, FERRY_ERROR_NOT_ALLOWED, "*does not let anybody in without a user*");
  g_assert_cmpint (ferry_bus_get_state (wrong->bus), ==, FERRY_CLUSTER_STATE_CONNECTING);
  bus_test_end_wait_state (right, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_state (in_url, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_cmpstr (ferry_bus_get_user (in_url->bus), ==, "alice");
  /* The password is nowhere to be read. */
  g_assert_null (strstr (ferry_bus_get_address (in_url->bus), "sesame"));
  /* It goes on trying: once the server knows the password, it lets the user in. */
  nats_test_server_kill (scene->server);
  nats_test_server_start (scene->server, "authorization { users = [ { user: alice, password: sesame } ] }\n");
  bus_test_end_wait_state (wrong, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_error (right, FERRY_ERROR_NOT_ALLOWED, "*does not let the user 'alice' in*");
  g_assert_cmpint (ferry_bus_get_state (right->bus), ==, FERRY_CLUSTER_STATE_RECONNECTING);
}

/* The user that logs in need not be the one of the subjects. */
static void
logs_in_as_the_user_of_the_url_whoever_the_subjects_are_of (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autoptr (BusTestEnd) wrong = NULL;

  scene = scene_new ("authorization { users = [\n"
                     "{ user: 'alice@home', password: sesame, permissions: {\n"
                     "  publish: ['ferry.app.hello.shop.>', 'ferry.app.down.*.*.shop.>']\n"
                     "  subscribe: ['ferry.app.present.>', 'ferry.app.up.shop.>'] } }\n"
                     "{ user: keeper, password: secret } ] }\n");
  application = join_as (scene, "nats", "alice%40home:sesame@127.0.0.1", (FerryBusSettings){.user = "shop"});
  host = join_as (scene, "nats", "keeper:secret@127.0.0.1", (FerryBusSettings){.host = "alpha"});
  wrong = join_as (scene, "nats", "alice%40home:pea@127.0.0.1", (FerryBusSettings){.user = "shop"});
  bus_test_end_wait_state (application, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_state (host, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_error (wrong, FERRY_ERROR_NOT_ALLOWED, "*does not let the user 'alice@home' in*");
  g_assert_cmpstr (ferry_bus_get_user (application->bus), ==, "shop");
  bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), "one");
  bus_test_end_wait_packets (host, 1);
  g_assert_cmpstr (host->peer, ==, "shop");
  bus_test_end_send (host, host->peer, host->id, "two");
  bus_test_end_wait_packets (application, 1);
  g_assert_null (ferry_bus_get_error (application->bus));
}

static void
says_what_is_not_permitted (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) deaf = NULL;
  g_autoptr (BusTestEnd) dumb = NULL;

  scene =
    scene_new ("authorization { users = [\n"
               "{ user: deaf, password: a, permissions: { publish: 'ferry.>', subscribe: 'ferry.app.present.>' } }\n"
               "{ user: dumb, password: b, permissions: { subscribe: 'ferry.>', publish: 'ferry.app.hello.>' } }\n"
               "] }\n");
  deaf = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){.user = "deaf", .password = "a"});
  bus_test_end_wait_error (deaf, FERRY_ERROR_NOT_ALLOWED,
                           "*does not permit*ubscription to*ferry.app.up.deaf.*subscribing to*'ferry.app.up.deaf.>'");
  bus_test_end_wait_state (deaf, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_nonnull (ferry_bus_get_error (deaf->bus));
  dumb = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){.user = "dumb", .password = "b"});
  bus_test_end_wait_state (dumb, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_null (ferry_bus_get_error (dumb->bus));
  bus_test_end_send (dumb, "alpha", "1", "hush");
  bus_test_end_wait_error (dumb, FERRY_ERROR_NOT_ALLOWED, "*does not permit*ublish to*ferry.app.down.alpha.1.dumb.*");
  g_assert_cmpint (ferry_bus_get_state (dumb->bus), ==, FERRY_CLUSTER_STATE_CONNECTED);
}

static void
says_that_a_packet_is_too_large (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) end = NULL;
  g_autofree char *text = g_strnfill (2000, 'x');

  scene = scene_new ("max_payload: 1000\n");
  end = join_and_wait (scene, NULL);
  g_assert_cmpuint (ferry_bus_get_max_packet (end->bus), ==, 1000);
  bus_test_end_send (end, "alpha", "1", text);
  bus_test_end_wait_error (end, FERRY_ERROR_TOO_LARGE, "*1000 bytes*2000*max_payload*");
}

static void
comes_back (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;

  application = join_and_wait (scene, NULL);
  host = join_and_wait (scene, "alpha");
  ferry_bus_set_presence (host->bus, g_variant_new_uint32 (1));
  bus_test_end_wait_present (application, "alpha 1 ");
  nats_test_server_kill (scene->server);
  bus_test_end_wait_state (application, FERRY_CLUSTER_STATE_RECONNECTING);
  bus_test_end_wait_state (host, FERRY_CLUSTER_STATE_RECONNECTING);
  g_assert_nonnull (ferry_bus_get_error (application->bus));
  bus_test_end_send (host, "user", ferry_bus_get_id (application->bus), "lost");
  g_assert_cmpuint (ferry_bus_get_counts (host->bus).n_unsent, >=, 1);
  nats_test_server_start (scene->server, NULL);
  bus_test_end_wait_state (application, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_state (host, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_null (ferry_bus_get_error (application->bus));
  bus_test_end_send (host, "user", ferry_bus_get_id (application->bus), "here");
  bus_test_end_wait_packets (application, 1);
  assert_packet (application, 0, "here");
  bus_test_end_wait_present (application, "alpha 1 ");
  g_assert_cmpuint (ferry_bus_get_counts (application->bus).n_connects, ==, 2);
}

static void
checks_certificates (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) by_address = NULL;
  g_autoptr (BusTestEnd) by_name = NULL;
  g_autoptr (BusTestEnd) by_none = NULL;
  g_autoptr (BusTestEnd) wrong = NULL;
  g_autoptr (BusTestEnd) missing = NULL;
  g_autoptr (BusTestEnd) wrong_name = NULL;
  g_autofree char *good = NULL;
  g_autofree char *other = NULL;

  if (nats_test_must_skip ("nats-server") || nats_test_must_skip ("openssl"))
    return;
  scene = scene_new (NULL);
  nats_test_server_kill (scene->server);
  nats_test_server_make_certificates (scene->server, "other");
  nats_test_server_make_certificates (scene->server, "good");
  good = nats_test_server_get_path (scene->server, "good.pem");
  other = nats_test_server_get_path (scene->server, "other.pem");
  nats_test_server_start (scene->server, "tls { cert_file: 'server.pem', key_file: 'server-key.pem' }\n");
  by_address = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){.tls_ca_file = good});
  by_name = join_as (scene, "tls", "localhost", (FerryBusSettings){.tls_ca_file = good});
  wrong_name = join_as (scene, "tls", "127.0.0.2", (FerryBusSettings){.tls_ca_file = good});
  wrong = join_as (scene, "tls", "127.0.0.1", (FerryBusSettings){.tls_ca_file = other});
  by_none = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){0});
  missing = join_as (scene, "tls", "127.0.0.1", (FerryBusSettings){.tls_ca_file = "/nonexistent/ca.pem"});
  bus_test_end_wait_state (by_address, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_state (by_name, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_error (wrong, FERRY_ERROR_NOT_ALLOWED, "*did not prove who it is*");
  bus_test_end_wait_error (by_none, FERRY_ERROR_NOT_ALLOWED, "*did not prove who it is*");
  bus_test_end_wait_error (missing, FERRY_ERROR_BAD_ARGUMENTS,
                           "The file of certificates '/nonexistent/ca.pem' does not exist; set one that does");
  /* Nothing listens there; a server at another address is in the next test. */
  bus_test_end_wait_error (wrong_name, FERRY_ERROR_NOT_LISTENING, "*127.0.0.2*");
}

static void
wants_the_name_in_the_certificate (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) wrong = NULL;
  g_autoptr (BusTestEnd) plain = NULL;
  g_autofree char *good = NULL;

  if (nats_test_must_skip ("nats-server") || nats_test_must_skip ("openssl"))
    return;
  scene = scene_new (NULL);
  plain = join_as (scene, "tls", "127.0.0.1", (FerryBusSettings){0});
  bus_test_end_wait_error (plain, FERRY_ERROR_NOT_ALLOWED, "*has no TLS*");
  nats_test_server_kill (scene->server);
  nats_test_server_make_certificates (scene->server, "good");
  good = nats_test_server_get_path (scene->server, "good.pem");
  nats_test_server_start (scene->server, "tls { cert_file: 'server.pem', key_file: 'server-key.pem' }\n");
  /* The system reads this as 127.0.0.1. */
  wrong = join_as (scene, "tls", "127.1", (FerryBusSettings){.tls_ca_file = good});
  bus_test_end_wait_error (wrong, FERRY_ERROR_NOT_ALLOWED, "*did not prove who it is*");
}

/* A server may want TLS of a client that has not asked for it. What is sent and read must be the same then. */
static void
uses_tls_where_the_server_wants_it (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autofree char *good = NULL;

  if (nats_test_must_skip ("nats-server") || nats_test_must_skip ("openssl"))
    return;
  scene = scene_new (NULL);
  nats_test_server_kill (scene->server);
  nats_test_server_make_certificates (scene->server, "good");
  good = nats_test_server_get_path (scene->server, "good.pem");
  nats_test_server_start (scene->server, "tls { cert_file: 'server.pem', key_file: 'server-key.pem' }\n");
  /* What OpenSSL trusts by itself. */
  g_setenv ("SSL_CERT_FILE", good, TRUE);
  application = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){0});
  host = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){.host = "alpha"});
  bus_test_end_wait_state (application, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_wait_state (host, FERRY_CLUSTER_STATE_CONNECTED);
  g_unsetenv ("SSL_CERT_FILE");
  bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), "one");
  bus_test_end_wait_packets (host, 1);
  bus_test_end_send (host, host->peer, host->id, "two");
  bus_test_end_wait_packets (application, 1);
  assert_packet (application, 0, "two");
}

#define N_PARCELS 256
#define PARCEL_SIZE (64 * 1024)

/* What a socket does not take waits at this end, and the router's thread does not. */
static void
keeps_order_while_the_server_takes_nothing (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  g_autofree char *text = g_strnfill (PARCEL_SIZE, 'x');

  scene = scene_new (NULL);
  application = join_and_wait (scene, NULL);
  host = join_and_wait (scene, "alpha");
  ferry_test_kill (scene->server->pid, SIGSTOP);
  for (guint i = 0; i < N_PARCELS; i++)
    {
      memcpy (text, &(guint32){GUINT32_TO_BE (0x40404040 + i)}, sizeof (guint32));
      bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), text);
    }
  /* Far more than what a socket holds. */
  g_assert_cmpuint (ferry_bus_get_counts (application->bus).n_sent, <, N_PARCELS);
  ferry_test_kill (scene->server->pid, SIGCONT);
  bus_test_end_wait_packets (host, N_PARCELS);
  for (guint i = 0; i < N_PARCELS; i++)
    {
      memcpy (text, &(guint32){GUINT32_TO_BE (0x40404040 + i)}, sizeof (guint32));
      assert_packet (host, i, text);
    }
  g_assert_cmpuint (ferry_bus_get_counts (application->bus).n_unsent, ==, 0);
}

/* A file as 'nk -gen user' makes it has the seed alone, and some have a comment or the public key beside it. */
static void
signs_with_an_nkey (void)
{
  static const char *const files[] = {SEED "\n", SEED, SEED "\n" PUBLIC_KEY "\n",
                                      "-----BEGIN USER NKEY SEED-----\r\n" SEED " \r\n"};
  g_autoptr (Scene) scene = scene_new ("authorization { users = [ { nkey: " PUBLIC_KEY " } ] }\n");
  g_autofree char *path = NULL;

  path = nats_test_server_get_path (scene->server, "seed");
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (BusTestEnd) end = NULL;

      nats_test_server_write (scene->server, "seed", files[i]);
      end = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){.nkey_seed_file = path});
      bus_test_end_wait_state (end, FERRY_CLUSTER_STATE_CONNECTED);
    }
}

/* One letter is another, one is too much or too few, and the seed is that of an account. */
static void
tells_of_an_nkey_that_is_none (void)
{
  static const struct
  {
    const char *text;
    const char *pattern;
  } files[] = {
    {PUBLIC_KEY "\n", "*no line that begins with SU*"},
    {"SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VX\n", "*not the seed of a user*"},
    {SEED "A\n", "*not the seed of a user*"},
    {"SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3\n", "*not the seed of a user*"},
    {"SU1CSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY\n", "*not the seed of a user*"},
    {"SAAFAQ5OH43W3L6UWFIKDUIXCFVMDL7SPNPK3KPMHGJKCN5XSL2DWDDKTI\n", "*no line that begins with SU*"},
  };
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autofree char *path = NULL;

  path = nats_test_server_get_path (scene->server, "seed");
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (BusTestEnd) end = NULL;

      nats_test_server_write (scene->server, "seed", files[i].text);
      end = join_as (scene, "nats", "127.0.0.1", (FerryBusSettings){.nkey_seed_file = path});
      bus_test_end_wait_error (end, FERRY_ERROR_BAD_ARGUMENTS, files[i].pattern);
    }
}

/* ---- Sessions ---- */

typedef struct
{
  BusTestEnd *end;
  FerryTransport *session; /* (owned) */
  guint n_calls;
  guint n_answers;
  gboolean in_order;
} Talker;

static void
answer (FerryTransport *session, FerryCall *call, GObject *owner)
{
  Talker *talker = g_object_get_data (owner, "talker");
  guint number = g_variant_get_uint32 (ferry_call_get_arguments (call));

  talker->in_order &= number == talker->n_calls++;
  g_assert_true (ferry_call_answer (call, g_variant_new_uint32 (number), NULL));
}

static void
answered (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  Talker *talker = data;

  g_assert_no_error (error);
  talker->in_order &= g_variant_get_uint32 (result) == talker->n_answers++;
}

static void
talk (Talker *talker, Scene *scene, const char *peer, const char *id)
{
  FerryWire wire;
  gpointer data;

  ferry_bus_make_wire (talker->end->bus, peer, id, &wire, &data);
  talker->session =
    FERRY_TRANSPORT (ferry_session_new (&wire, data, scene->router->timers, scene->router->context, NULL));
  talker->in_order = TRUE;
}

/* Gives the session what has come. */
static void
feed (Talker *talker)
{
  while (talker->end->packets->len > 0)
    {
      g_autoptr (GBytes) packet = g_bytes_ref (g_ptr_array_index (talker->end->packets, 0));
      gsize size;
      gconstpointer data = g_bytes_get_data (packet, &size);

      g_ptr_array_remove_index (talker->end->packets, 0);
      g_assert_true (ferry_session_receive (FERRY_SESSION (talker->session), data, size));
    }
}

typedef struct
{
  Talker *application;
  Talker *host;
  guint n;
} Conversation;

static gboolean
has_answers (gpointer data)
{
  Conversation *self = data;

  feed (self->application);
  feed (self->host);
  return self->application->n_answers >= self->n;
}

static void
ask (Talker *talker, guint n)
{
  static const FerryAnswerFuncs funcs = {.done = answered};

  for (guint i = 0; i < n; i++)
    {
      FerryRequest request = {.method = "echo", .arguments = g_variant_new_uint32 (talker->n_calls++)};
      g_autoptr (GError) error = NULL;

      ferry_transport_ask (talker->session, &request, &funcs, talker, &error);
      g_assert_no_error (error);
    }
}

static void
sessions_survive_the_server (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) application_end = NULL;
  g_autoptr (BusTestEnd) host_end = NULL;
  g_autoptr (GObject) owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (GError) over = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_CLOSED, "It is over");
  Talker application = {0};
  Talker host = {0};
  Conversation conversation = {&application, &host, 100};

  scene = scene_new (NULL);
  application.end = application_end = join_and_wait (scene, NULL);
  host.end = host_end = join_and_wait (scene, "alpha");
  talk (&application, scene, "alpha", ferry_bus_get_id (host_end->bus));
  talk (&host, scene, "user", ferry_bus_get_id (application_end->bus));
  g_object_set_data (owner, "talker", &host);
  g_assert_true (ferry_transport_take_calls (host.session, answer, owner, NULL));
  ask (&application, 100);
  ferry_test_run_until (has_answers, &conversation);
  for (guint i = 0; i < 3; i++)
    {
      ask (&application, 100);
      nats_test_server_kill (scene->server);
      ask (&application, 100);
      bus_test_end_wait_state (application_end, FERRY_CLUSTER_STATE_RECONNECTING);
      bus_test_end_wait_state (host_end, FERRY_CLUSTER_STATE_RECONNECTING);
      ask (&application, 100);
      nats_test_server_start (scene->server, NULL);
      bus_test_end_wait_state (application_end, FERRY_CLUSTER_STATE_CONNECTED);
      bus_test_end_wait_state (host_end, FERRY_CLUSTER_STATE_CONNECTED);
      ferry_session_reconnected (FERRY_SESSION (application.session));
      ferry_session_reconnected (FERRY_SESSION (host.session));
      conversation.n += 300;
      ferry_test_run_until (has_answers, &conversation);
    }
  g_assert_true (application.in_order && host.in_order);
  g_assert_cmpuint (host.n_calls, ==, 1000);
  g_assert_cmpuint (application.n_answers, ==, 1000);
  ferry_transport_leave_calls (host.session, over);
  ferry_transport_close (application.session);
  ferry_transport_close (host.session);
  g_object_unref (application.session);
  g_object_unref (host.session);
  /* Sessions use the router's timers until they have said goodbye. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* ---- Floods, and mistakes ---- */

#define FLOOD 20000

static gboolean
count_idle (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_CONTINUE;
}

/* The other end is slower than what comes. */
static void
leaves_turns_in_a_flood (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  guint n_turns = 0;
  guint idle;

  application = join_and_wait (scene, NULL);
  host = join_and_wait (scene, "alpha");
  host->time_of_packet = 50;
  for (guint i = 0; i < FLOOD; i++)
    bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), "drop");
  bus_test_end_wait_packets (host, FLOOD / 2);
  idle = g_idle_add_full (G_PRIORITY_LOW, count_idle, &n_turns, NULL);
  bus_test_end_wait_packets (host, FLOOD);
  g_source_remove (idle);
  g_test_message ("%u turns", n_turns);
  g_assert_cmpuint (n_turns, >=, 10);
}

/* Waits without iterating the main context, so that nothing is delivered. */
static void
wait_undelivered (FerryBus *bus, guint64 n)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (ferry_bus_get_counts (bus).n_received < n)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

/* What has come and was not delivered goes with the bus; the main loop is left alone. */
static void
is_closed_with_packets_that_have_come (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  guint n_turns = 0;

  host = join_and_wait (scene, "alpha");
  application = join_and_wait (scene, NULL);
  for (guint i = 0; i < 10; i++)
    bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), "late");
  wait_undelivered (host->bus, 10);
  ferry_bus_close (host->bus);
  while (n_turns < 1000 && g_main_context_iteration (NULL, FALSE))
    n_turns++;
  g_assert_cmpuint (n_turns, <, 1000);
  g_assert_cmpuint (host->packets->len, ==, 0);
}

typedef struct
{
  BusTestEnd *end; /* (unowned) */
  FerryTimer timer;
  gboolean has_applied;
  guint n_packets; /* how many the end had taken then */
} Limit;

static void
limit_applies (gpointer data)
{
  Limit *self = data;

  self->n_packets = self->end->packets->len;
  self->has_applied = TRUE;
}

static gboolean
has_applied (gpointer data)
{
  return ((Limit *) data)->has_applied;
}

/* The router's thread takes several turns for what came while it was busy. */
static void
limits_wait_for_what_has_come (void)
{
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = NULL;
  Limit limit = {0};

  scene = scene_new (NULL);
  host = join_and_wait (scene, "alpha");
  application = join_and_wait (scene, NULL);
  host->time_of_packet = 2 * FERRY_MICROSECONDS_PER_MILLISECOND;
  for (guint i = 0; i < 10; i++)
    bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), "late");
  wait_undelivered (host->bus, 10);
  limit.end = host;
  ferry_timers_set (scene->router->limits, &limit.timer, 1, limit_applies, &limit);
  ferry_test_run_until (has_applied, &limit);
  g_assert_cmpuint (limit.n_packets, ==, 10);
}

static gboolean
wait_in_handler (gpointer data)
{
  return ((BusTestEnd *) data)->packets->len == 2;
}

static void
nest (gpointer data, const char *peer, const char *id, GBytes *packet)
{
  BusTestEnd *self = data;

  g_ptr_array_add (self->packets, g_bytes_ref (packet));
  if (self->packets->len == 1)
    ferry_test_run_until (wait_in_handler, self);
}

static void
ignore_change (gpointer data)
{
}

/* A handler that runs a main loop gets what has come behind its packet. */
static void
delivers_in_nested_loops (void)
{
  static const FerryBusFuncs funcs = {ignore_change, NULL, nest};
  g_autoptr (Scene) scene = NULL;
  g_autoptr (BusTestEnd) application = NULL;
  g_autoptr (BusTestEnd) host = g_new0 (BusTestEnd, 1);
  g_autofree char *url = NULL;

  if (nats_test_must_skip ("nats-server"))
    {
      g_free (g_steal_pointer (&host));
      return;
    }
  scene = scene_new (NULL);
  application = join_and_wait (scene, NULL);
  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  host->present = g_string_new (NULL);
  host->packets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  host->bus = ferry_bus_new (scene->router, &(FerryBusSettings){.url = url, .application = "app", .host = "alpha"},
                             &funcs, host, NULL);
  bus_test_end_wait_state (host, FERRY_CLUSTER_STATE_CONNECTED);
  bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), "one");
  bus_test_end_send (application, "alpha", ferry_bus_get_id (host->bus), "two");
  bus_test_end_wait_packets (host, 2);
  assert_packet (host, 1, "two");
}

static void
refuses_settings (void)
{
  static const struct
  {
    FerryBusSettings settings;
    const char *pattern;
  } bad[] = {
    {{.url = "", .application = "app"}, "There is no URL*"},
    {{.url = "localhost:4222", .application = "app"}, "*'nats://HOST:PORT'*"},
    {{.url = "http://localhost", .application = "app"}, "*'nats://HOST:PORT'*"},
    {{.url = "nats://a,nats://", .application = "app"}, "*'nats://HOST:PORT'*"},
    {{.url = "nats://a", .application = "my app"}, "*'my app' cannot be the name of an application*"},
    {{.url = "nats://a", .application = "a.b"}, "*'a.b' cannot be*"},
    {{.url = "nats://a", .application = "app", .user = "*"}, "*'*' cannot be the name of a user*"},
    {{.url = "nats://a%2eb:c@a", .application = "app"}, "*'a.b' cannot be the name of a user*"},
    {{.url = "nats://a", .application = "app", .host = ">"}, "*'>' cannot be the name of a host*"},
    {{.url = "nats://a%22b:c@a", .application = "app", .user = "a"}, "The user has a quotation mark*"},
    {{.url = "nats://a", .application = "app", .password = "a\"b"}, "The password has a quotation mark*"},
    {{.url = "nats://a", .application = "app", .name = "a\nb"}, "The name of the connection has a quotation mark*"},
    {{.url = "nats://a", .application = "app", .password = "a", .nkey_seed_file = "b"}, "*exclude each other*"},
    {{.url = "nats://u:p@a", .application = "app", .credentials_file = "b"}, "*exclude each other*"},
  };
  static const FerryBusFuncs funcs = {ignore_change, NULL, nest};
  FerryRouter *router = ferry_test_router_new ();

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ferry_bus_new (router, &bad[i].settings, &funcs, NULL, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
      if (!g_pattern_match_simple (bad[i].pattern, error->message))
        g_error ("%s: %s", bad[i].pattern, error->message);
    }
  ferry_test_router_stop (router);
}

/* A close waits for nothing, whatever the bus is about to do. */
static void
closes_at_any_time (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (BusTestEnd) end = join (scene, i % 2 == 0 ? "alpha" : NULL);

      if (i % 3 == 0 && i < 10)
        bus_test_end_wait_state (end, FERRY_CLUSTER_STATE_CONNECTED);
      if (i == 10)
        nats_test_server_kill (scene->server);
    }
}

/* ---- The end of the process ---- */

static gboolean
has_link_thread (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/comm", name);
      g_autofree char *thread = NULL;

      if (g_file_get_contents (path, &thread, NULL, NULL) && g_str_has_prefix (thread, "ferry-link"))
        return TRUE;
    }
  return FALSE;
}

/* Threads of the NATS library are called as the bus's. Its link's thread ends before it.
 *
 * Comes after the library's handler, as it was registered before. A thread that ends is seen for a moment still. */
static void
assert_no_link_thread (void)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;

  while (has_link_thread ())
    if (g_get_monotonic_time () > deadline)
      _exit (EXIT_FAILURE);
}

static void
end_while_connected (const char *url)
{
  FerryBusSettings settings = {.url = url, .application = "app"};

  /* It is not dropped; and without its threads nothing else has it. */
  static BusTestEnd *volatile kept;

  atexit (assert_no_link_thread);
  kept = bus_test_end_new (ferry_test_router_new (), &settings);
  bus_test_end_wait_state (kept, FERRY_CLUSTER_STATE_CONNECTED);
  exit (EXIT_SUCCESS);
}

/* What the library uses frees what it has when the process ends. */
static void
threads_end_before_their_process (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autofree char *url = NULL;

  if (g_test_subprocess ())
    end_while_connected (g_getenv ("FERRY_TEST_URL"));

  url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  g_setenv ("FERRY_TEST_URL", url, TRUE);
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

/* ---- More presences than there is room for ---- */

#define N_TOLD 100
#define TOLD_SIZE ((gsize) 256 * 1024)
#define MOST_KEPT ((gsize) 8 * 1024 * 1024)

static void
tell_by_many_names (natsConnection *connection)
{
  g_autofree char *text = g_strnfill (TOLD_SIZE, 'x');
  g_autoptr (GBytes) bytes = ferry_bus_presence_to_bytes (g_variant_new_string (text));

  for (guint i = 0; i < N_TOLD; i++)
    {
      g_autofree char *subject = g_strdup_printf ("ferry.app.present.none-%u." GOOD_ID, i);

      g_assert_cmpint (
        natsConnection_Publish (connection, subject, g_bytes_get_data (bytes, NULL), (int) g_bytes_get_size (bytes)),
        ==, NATS_OK);
      g_assert_cmpint (natsConnection_Flush (connection), ==, NATS_OK);
    }
}

/* Whoever may publish can do so by any number of names, while the main loop does something else. */
static void
bounds_what_hosts_tell_and_asks_for_the_rest (void)
{
  g_autoptr (Scene) scene = scene_new (NULL);
  g_autofree char *url = nats_test_server_get_url (scene->server, "nats", "127.0.0.1");
  const FerryBusSettings settings = {.url = url, .application = "app"};
  g_autoptr (BusTestEnd) end = bus_test_end_new (scene->router, &settings);
  natsConnection *connection = NULL;
  natsSubscription *hellos = NULL;
  FerryBusCounts before, counts;

  bus_test_end_wait_state (end, FERRY_CLUSTER_STATE_CONNECTED);
  g_assert_cmpint (natsConnection_ConnectTo (&connection, url), ==, NATS_OK);
  g_assert_cmpint (natsConnection_SubscribeSync (&hellos, connection, "ferry.app.hello.>"), ==, NATS_OK);
  g_assert_cmpint (natsConnection_Flush (connection), ==, NATS_OK);
  before = ferry_bus_get_counts (end->bus);
  tell_by_many_names (connection);
  do
    {
      g_thread_yield ();
      counts = ferry_bus_get_counts (end->bus);
    }
  while (counts.n_received + counts.n_untaken < before.n_received + before.n_untaken + N_TOLD);
  g_assert_cmpuint ((counts.n_received - before.n_received) * TOLD_SIZE, <=, MOST_KEPT);
  g_assert_cmpuint (counts.n_received, >, before.n_received);
  ferry_test_look_until (has_come, hellos);
  natsSubscription_Destroy (hellos);
  natsConnection_Destroy (connection);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  nats_test_add ("/bus/finds-hosts", finds_hosts);
  nats_test_add ("/bus/a-host-tells-again-where-there-are-several-servers",
                 a_host_tells_again_where_there_are_several_servers);
  nats_test_add ("/bus/an-application-asks-again-where-there-are-several-servers",
                 an_application_asks_again_where_there_are_several_servers);
  nats_test_add ("/bus/a-host-whose-server-is-gone-tells-another-one-that-it-is-there",
                 a_host_whose_server_is_gone_tells_another_one_that_it_is_there);
  g_test_add_func ("/bus/a-host-tells-another-server-that-comes-later-that-it-is-there",
                   a_host_tells_another_server_that_comes_later_that_it_is_there);
  g_test_add_func ("/bus/an-application-asks-at-another-server-that-comes-later",
                   an_application_asks_at_another_server_that_comes_later);
  nats_test_add ("/bus/a-host-answers-a-flood-of-hellos-once-in-a-second",
                 a_host_answers_a_flood_of_hellos_once_in_a_second);
  nats_test_add ("/bus/carries-packets", carries_packets);
  nats_test_add ("/bus/drops-what-is-from-no-end", drops_what_is_from_no_end);
  nats_test_add ("/bus/drops-what-no-host-tells-of-itself", drops_what_no_host_tells_of_itself);
  nats_test_add ("/bus/says-that-no-server-answers", says_that_no_server_answers);
  g_test_add_func ("/bus/says-that-no-machine-has-the-name", says_that_no_machine_has_the_name);
  nats_test_add ("/bus/uses-another-server", uses_another_server);
  nats_test_add ("/bus/waits-less-where-there-is-another-server", waits_less_where_there_is_another_server);
  nats_test_add ("/bus/says-that-a-password-is-wrong", says_that_a_password_is_wrong);
  nats_test_add ("/bus/logs-in-as-the-user-of-the-url-whoever-the-subjects-are-of",
                 logs_in_as_the_user_of_the_url_whoever_the_subjects_are_of);
  nats_test_add ("/bus/says-what-is-not-permitted", says_what_is_not_permitted);
  nats_test_add ("/bus/says-that-a-packet-is-too-large", says_that_a_packet_is_too_large);
  nats_test_add ("/bus/comes-back-when-the-server-does", comes_back);
  g_test_add_func ("/bus/checks-certificates", checks_certificates);
  g_test_add_func ("/bus/wants-the-name-in-the-certificate", wants_the_name_in_the_certificate);
  g_test_add_func ("/bus/uses-tls-where-the-server-wants-it", uses_tls_where_the_server_wants_it);
  nats_test_add ("/bus/keeps-order-while-the-server-takes-nothing", keeps_order_while_the_server_takes_nothing);
  nats_test_add ("/bus/signs-with-an-nkey", signs_with_an_nkey);
  nats_test_add ("/bus/tells-of-an-nkey-that-is-none", tells_of_an_nkey_that_is_none);
  nats_test_add ("/bus/sessions-survive-the-server", sessions_survive_the_server);
  nats_test_add ("/bus/leaves-turns-in-a-flood", leaves_turns_in_a_flood);
  nats_test_add ("/bus/bounds-what-hosts-tell-and-asks-for-the-rest", bounds_what_hosts_tell_and_asks_for_the_rest);
  nats_test_add ("/bus/is-closed-with-packets-that-have-come", is_closed_with_packets_that_have_come);
  nats_test_add ("/bus/limits-wait-for-what-has-come", limits_wait_for_what_has_come);
  g_test_add_func ("/bus/delivers-in-nested-loops", delivers_in_nested_loops);
  g_test_add_func ("/bus/refuses-settings-that-cannot-work", refuses_settings);
  nats_test_add ("/bus/closes-at-any-time", closes_at_any_time);
  nats_test_add ("/bus/threads-end-before-their-process", threads_end_before_their_process);
  return g_test_run ();
}
