/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cluster/server-test.h"

#include <string.h>

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

ServerTest *
server_test_new (void)
{
  ServerTest *self = g_new0 (ServerTest, 1);
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
  return self;
}

void
server_test_free (ServerTest *self)
{
  g_subprocess_force_exit (self->process);
  g_subprocess_wait (self->process, NULL, NULL);
  g_clear_object (&self->process);
  g_free (self->address);
  g_free (self);
}

char *
server_test_dup_url (ServerTest *self, const char *user, const char *password)
{
  return g_strdup_printf ("nats://%s:%s@%s", user, password, self->address);
}
