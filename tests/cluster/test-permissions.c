/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: data/nats.conf
 *
 * With a server that runs it, one user cannot read what is said to another, nor answer or cancel for them. */

#include "config.h"

#include <nats/nats.h>

#include "cluster/server-test.h"

static natsStatus
try_to_connect (NatsTestServer *server, const char *user, const char *password, natsConnection **connection)
{
  g_autofree char *url = server_test_dup_url (server, user, password);

  return natsConnection_ConnectTo (connection, url);
}

static natsConnection *
connect_as (NatsTestServer *server, const char *user)
{
  natsConnection *connection = NULL;

  g_assert_cmpint (try_to_connect (server, user, "secret", &connection), ==, NATS_OK);
  return connection;
}

/* Whether the server has accepted all that the connection has said so far. */
static gboolean
is_permitted (natsConnection *connection)
{
  const char *text = NULL;

  g_assert_cmpint (natsConnection_Flush (connection), ==, NATS_OK);
  return natsConnection_GetLastError (connection, &text) != NATS_NOT_PERMITTED;
}

static gboolean
may_publish (NatsTestServer *server, const char *user, const char *subject)
{
  natsConnection *connection = connect_as (server, user);
  gboolean permitted;

  g_assert_cmpint (natsConnection_PublishString (connection, subject, "text"), ==, NATS_OK);
  permitted = is_permitted (connection);
  natsConnection_Destroy (connection);
  return permitted;
}

static gboolean
may_read (NatsTestServer *server, const char *user, const char *subject)
{
  natsConnection *connection = connect_as (server, user);
  natsSubscription *subscription = NULL;
  gboolean permitted;

  g_assert_cmpint (natsConnection_SubscribeSync (&subscription, connection, subject), ==, NATS_OK);
  permitted = is_permitted (connection);
  natsSubscription_Destroy (subscription);
  natsConnection_Destroy (connection);
  return permitted;
}

typedef struct
{
  const char *user;
  const char *subject;
} Right;

#define SESSION_DOWN "ferry.demo.down.alpha.i0."
#define SESSION_UP ".c0.alpha.i0"

static void
test_each_may_do_its_part (void)
{
  static const Right publishes[] = {
    {"alice", "ferry.demo.hello.alice.c0"},
    {"alice", SESSION_DOWN "alice.c0"},
    {"bob", SESSION_DOWN "bob.c1"},
    {"alpha", "ferry.demo.present.alpha.i0"},
    {"alpha", "ferry.demo.up.alice" SESSION_UP},
    {"carol", "ferry.other.hello.carol.c0"},
  };
  static const Right reads[] = {
    {"alice", "ferry.demo.present.>"},        {"alice", "ferry.demo.up.alice.c0.>"},
    {"alpha", "ferry.demo.hello.>"},          {"alpha", "ferry.demo.down.alpha.i0.>"},
    {"gamma", "ferry.other.down.gamma.i0.>"}, {"alpha", "ferry.demo.present.alpha.*"},
    {"gamma", "ferry.other.present.gamma.*"},
  };
  g_autoptr (NatsTestServer) server = server_test_new ();

  for (guint i = 0; i < G_N_ELEMENTS (publishes); i++)
    g_assert_true (may_publish (server, publishes[i].user, publishes[i].subject));
  for (guint i = 0; i < G_N_ELEMENTS (reads); i++)
    g_assert_true (may_read (server, reads[i].user, reads[i].subject));
}

static void
test_nobody_reads_what_is_for_another (void)
{
  static const Right reads[] = {
    {"alice", ">"},
    {"alice", "ferry.demo.up.bob.>"},
    {"alice", "ferry.demo.up.*.c1.>"},
    {"alice", "ferry.demo.down.>"},
    {"alice", "ferry.demo.hello.>"},
    {"alpha", "ferry.demo.down.beta.>"},
    {"alpha", "ferry.demo.down.*.i0.>"},
    {"alpha", "ferry.demo.up.alice.>"},
    {"alpha", "ferry.demo.present.>"},
    {"alpha", "ferry.demo.present.beta.*"},
    {"carol", "ferry.demo.up.carol.>"},
    {"gamma", "ferry.demo.down.gamma.>"},
  };
  g_autoptr (NatsTestServer) server = server_test_new ();

  for (guint i = 0; i < G_N_ELEMENTS (reads); i++)
    g_assert_false (may_read (server, reads[i].user, reads[i].subject));
}

static void
test_nobody_speaks_for_another (void)
{
  static const Right publishes[] = {
    {"alice", SESSION_DOWN "bob.c1"},           {"alice", "ferry.demo.hello.bob.c1"},
    {"alice", "ferry.demo.up.bob" SESSION_UP},  {"alice", "ferry.demo.present.alpha.i0"},
    {"beta", "ferry.demo.up.alice" SESSION_UP}, {"beta", "ferry.demo.present.alpha.i0"},
    {"beta", SESSION_DOWN "alice.c0"},          {"beta", "ferry.demo.hello.alice.c0"},
    {"carol", SESSION_DOWN "carol.c0"},         {"gamma", "ferry.demo.up.alice.c0.gamma.i0"},
  };
  g_autoptr (NatsTestServer) server = server_test_new ();

  for (guint i = 0; i < G_N_ELEMENTS (publishes); i++)
    g_assert_false (may_publish (server, publishes[i].user, publishes[i].subject));
}

/* What is refused does not reach the host; what comes behind it does. */
static void
test_what_is_refused_does_not_arrive (void)
{
  natsConnection *host, *alice, *bob;
  natsSubscription *heard = NULL;
  natsMsg *message = NULL;
  g_autoptr (NatsTestServer) server = server_test_new ();

  host = connect_as (server, "alpha");
  alice = connect_as (server, "alice");
  bob = connect_as (server, "bob");
  natsConnection_SubscribeSync (&heard, host, "ferry.demo.down.alpha.i0.>");
  g_assert_true (is_permitted (host));
  natsConnection_PublishString (bob, SESSION_DOWN "alice.c0", "forged");
  g_assert_false (is_permitted (bob));
  natsConnection_PublishString (alice, SESSION_DOWN "alice.c0", "true");
  g_assert_true (is_permitted (alice));
  g_assert_cmpint (natsSubscription_NextMsg (&message, heard, 600000), ==, NATS_OK);
  g_assert_cmpstr (natsMsg_GetData (message), ==, "true");
  natsMsg_Destroy (message);
  natsSubscription_Destroy (heard);
  natsConnection_Destroy (host);
  natsConnection_Destroy (alice);
  natsConnection_Destroy (bob);
}

static void
test_wrong_password_is_refused (void)
{
  natsConnection *connection = NULL;
  g_autoptr (NatsTestServer) server = server_test_new ();

  g_assert_cmpint (try_to_connect (server, "alice", "guessed", &connection), ==, NATS_CONNECTION_AUTH_FAILED);
  g_assert_cmpint (try_to_connect (server, "mallory", "secret", &connection), ==, NATS_CONNECTION_AUTH_FAILED);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  if (server_test_must_skip ())
    return 0;
  g_test_add_func ("/permissions/each-may-do-its-part", test_each_may_do_its_part);
  g_test_add_func ("/permissions/nobody-reads-what-is-for-another", test_nobody_reads_what_is_for_another);
  g_test_add_func ("/permissions/nobody-speaks-for-another", test_nobody_speaks_for_another);
  g_test_add_func ("/permissions/what-is-refused-does-not-arrive", test_what_is_refused_does_not_arrive);
  g_test_add_func ("/permissions/wrong-password-is-refused", test_wrong_password_is_refused);
  result = g_test_run ();
  nats_Close ();
  return result;
}
