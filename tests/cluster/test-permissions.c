/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: data/nats.conf
 *
 * With a server that runs it, one user cannot read what is said to another, nor answer or cancel for them. */

#include "config.h"

#include <nats/nats.h>
#include <string.h>

#include "ferry-test.h"

typedef struct
{
  GSubprocess *process; /* (owned) */
  char *address;        /* (owned) */
} Server;

/* Returns (transfer full) the address that the server says it listens at. It has a port of its own. */
static char *
read_address (GDataInputStream *lines)
{
  static const char mark[] = "Listening for client connections on ";
  char *address = NULL;
  char *line;

  while (address == NULL && (line = g_data_input_stream_read_line (lines, NULL, NULL, NULL)) != NULL)
    {
      const char *found = strstr (line, mark);

      address = found != NULL ? g_strdup (found + strlen (mark)) : NULL;
      g_free (line);
    }
  g_assert_nonnull (address);
  return address;
}

static void
server_start (Server *self)
{
  static const char *const users[] = {"ALPHA", "BETA", "ALICE", "BOB", "GAMMA", "CAROL"};
  g_autofree char *file = g_test_build_filename (G_TEST_DIST, "..", "data", "nats.conf", NULL);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GDataInputStream) lines = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    {
      g_autofree char *variable = g_strdup_printf ("FERRY_%s_PASSWORD", users[i]);

      g_subprocess_launcher_setenv (launcher, variable, "secret", TRUE);
    }
  self->process = g_subprocess_launcher_spawn (launcher, &error, "nats-server", "--config", file, "--addr", "127.0.0.1",
                                               "--port", "-1", "--http_port", "-1", NULL);
  g_assert_no_error (error);
  lines = g_data_input_stream_new (g_subprocess_get_stderr_pipe (self->process));
  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (lines), FALSE);
  self->address = read_address (lines);
}

static void
server_stop (Server *self)
{
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_clear_object (&self->process);
  g_clear_pointer (&self->address, g_free);
}

static natsStatus
try_to_connect (Server *server, const char *user, const char *password, natsConnection **connection)
{
  g_autofree char *url = g_strdup_printf ("nats://%s:%s@%s", user, password, server->address);

  return natsConnection_ConnectTo (connection, url);
}

static natsConnection *
connect_as (Server *server, const char *user)
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
may_publish (Server *server, const char *user, const char *subject)
{
  natsConnection *connection = connect_as (server, user);
  gboolean permitted;

  g_assert_cmpint (natsConnection_PublishString (connection, subject, "text"), ==, NATS_OK);
  permitted = is_permitted (connection);
  natsConnection_Destroy (connection);
  return permitted;
}

static gboolean
may_read (Server *server, const char *user, const char *subject)
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
    {"alice", "ferry.demo.present.>"},       {"alice", "ferry.demo.up.alice.c0.>"},    {"alpha", "ferry.demo.hello.>"},
    {"alpha", "ferry.demo.down.alpha.i0.>"}, {"gamma", "ferry.other.down.gamma.i0.>"},
  };
  Server server;

  server_start (&server);
  for (guint i = 0; i < G_N_ELEMENTS (publishes); i++)
    g_assert_true (may_publish (&server, publishes[i].user, publishes[i].subject));
  for (guint i = 0; i < G_N_ELEMENTS (reads); i++)
    g_assert_true (may_read (&server, reads[i].user, reads[i].subject));
  server_stop (&server);
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
    {"carol", "ferry.demo.up.carol.>"},
    {"gamma", "ferry.demo.down.gamma.>"},
  };
  Server server;

  server_start (&server);
  for (guint i = 0; i < G_N_ELEMENTS (reads); i++)
    g_assert_false (may_read (&server, reads[i].user, reads[i].subject));
  server_stop (&server);
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
  Server server;

  server_start (&server);
  for (guint i = 0; i < G_N_ELEMENTS (publishes); i++)
    g_assert_false (may_publish (&server, publishes[i].user, publishes[i].subject));
  server_stop (&server);
}

/* What is refused does not reach the host; what comes behind it does. */
static void
test_what_is_refused_does_not_arrive (void)
{
  natsConnection *host, *alice, *bob;
  natsSubscription *heard = NULL;
  natsMsg *message = NULL;
  Server server;

  server_start (&server);
  host = connect_as (&server, "alpha");
  alice = connect_as (&server, "alice");
  bob = connect_as (&server, "bob");
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
  server_stop (&server);
}

static void
test_wrong_password_is_refused (void)
{
  natsConnection *connection = NULL;
  Server server;

  server_start (&server);
  g_assert_cmpint (try_to_connect (&server, "alice", "guessed", &connection), ==, NATS_CONNECTION_AUTH_FAILED);
  g_assert_cmpint (try_to_connect (&server, "mallory", "secret", &connection), ==, NATS_CONNECTION_AUTH_FAILED);
  server_stop (&server);
}

int
main (int argc, char **argv)
{
  int result;

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/permissions/each-may-do-its-part", test_each_may_do_its_part);
  g_test_add_func ("/permissions/nobody-reads-what-is-for-another", test_nobody_reads_what_is_for_another);
  g_test_add_func ("/permissions/nobody-speaks-for-another", test_nobody_speaks_for_another);
  g_test_add_func ("/permissions/what-is-refused-does-not-arrive", test_what_is_refused_does_not_arrive);
  g_test_add_func ("/permissions/wrong-password-is-refused", test_wrong_password_is_refused);
  result = g_test_run ();
  nats_Close ();
  return result;
}
