/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cluster/server-test.h"

#include <string.h>

gboolean
server_test_must_skip (void)
{
  g_autofree char *path = g_find_program_in_path ("nats-server");

  if (path == NULL)
    g_print ("1..0 # SKIP there is no program 'nats-server'; install it to run this\n");
  return path == NULL;
}

/* Returns (transfer full) the configuration, without a fixed port for monitoring. */
static char *
read_configuration (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "..", "data", "nats.conf", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  char *monitoring;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  monitoring = strstr (text, "\nhttp: 127.0.0.1:8222\n");
  g_assert_nonnull (monitoring);
  memcpy (strstr (monitoring, "8222"), "-1  ", strlen ("8222"));
  return g_steal_pointer (&text);
}

static NatsTestServer *
start (const char *configuration)
{
  static const char *const users[] = {"ALPHA", "BETA", "ALICE", "BOB", "GAMMA", "CAROL", "OPERATOR"};
  NatsTestServer *server = nats_test_server_new ();

  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    {
      g_autofree char *variable = g_strdup_printf ("FERRY_%s_PASSWORD", users[i]);

      g_setenv (variable, "secret", TRUE);
    }
  nats_test_server_start (server, configuration);
  return server;
}

NatsTestServer *
server_test_new (void)
{
  g_autofree char *configuration = read_configuration ();

  return start (configuration);
}

NatsTestServer *
server_test_new_with_streams (const char *folder, char **configuration)
{
  g_autofree char *store = g_strdup_printf ("jetstream { store_dir: \"%s\"", folder);
  g_autofree char *plain = read_configuration ();
  g_autoptr (GString) text = g_string_new (plain);

  g_assert_cmpuint (g_string_replace (text, "#jetstream { store_dir: \"/var/lib/nats\"", store, 0), ==, 1);
  g_assert_cmpuint (g_string_replace (text, "#jetstream: enabled", "jetstream: enabled", 0), ==, 1);
  *configuration = g_string_free (g_steal_pointer (&text), FALSE);
  return start (*configuration);
}

char *
server_test_dup_url (NatsTestServer *server, const char *user, const char *password)
{
  return g_strdup_printf ("nats://%s:%s@127.0.0.1:%u", user, password, server->port);
}
