/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cluster/nats-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

gboolean
nats_test_must_skip (const char *program)
{
  g_autofree char *path = g_find_program_in_path (program);
  g_autofree char *text = g_strdup_printf ("there is no program '%s'; install it to run this", program);

  if (path == NULL)
    g_test_skip (text);
  return path == NULL;
}

static void
run (gconstpointer test)
{
  if (!nats_test_must_skip ("nats-server"))
    ((void (*) (void)) test) ();
}

void
nats_test_add (const char *path, void (*test) (void))
{
  g_test_add_data_func (path, (gconstpointer) test, run);
}

/* ---- The server ---- */

NatsTestServer *
nats_test_server_new (void)
{
  NatsTestServer *self = g_new0 (NatsTestServer, 1);
  g_autoptr (GError) error = NULL;

  self->address = "127.0.0.1";
  self->folder = g_dir_make_tmp ("ferry-nats-XXXXXX", &error);
  g_assert_no_error (error);
  return self;
}

char *
nats_test_server_get_path (NatsTestServer *self, const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

void
nats_test_server_write (NatsTestServer *self, const char *name, const char *text)
{
  g_autofree char *path = nats_test_server_get_path (self, name);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

/* The server writes its ports into a file when it takes connections. Returns 0 if what it does there is not in it. */
static guint
find_port (NatsTestServer *self, const char *what)
{
  g_autofree char *name = g_strdup_printf ("nats-server_%d.ports", self->pid);
  g_autofree char *path = nats_test_server_get_path (self, name);
  g_autofree char *key = g_strdup_printf ("\"%s\":", what);
  g_autofree char *text = NULL;
  const char *at;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (at = strstr (text, key)) == NULL ||
      (at = strstr (at, "127.0.0.1:")) == NULL)
    return 0;
  return (guint) g_ascii_strtoull (at + strlen ("127.0.0.1:"), NULL, 10);
}

static gboolean
read_port (gpointer data)
{
  NatsTestServer *self = data;
  guint port = find_port (self, "nats");

  g_assert_cmpint (waitpid (self->pid, NULL, WNOHANG), ==, 0);
  self->port = port > 0 ? port : self->port;
  return port > 0;
}

guint
nats_test_server_get_other_port (NatsTestServer *self, const char *what)
{
  guint port = find_port (self, what);

  g_assert_cmpuint (port, >, 0);
  return port;
}

void
nats_test_server_spawn (NatsTestServer *self, const char *configuration)
{
  g_autofree char *path = nats_test_server_get_path (self, "server.conf");
  g_autofree char *log = nats_test_server_get_path (self, "log");
  g_autofree char *port = self->port > 0 ? g_strdup_printf ("%u", self->port) : g_strdup ("-1");
  const char *arguments[] = {"nats-server",      "-c",         path, "-a", self->address, "-p", port,
                             "--ports_file_dir", self->folder, "-l", log,  NULL};
  g_autoptr (GError) error = NULL;

  nats_test_server_write (self, "server.conf", configuration != NULL ? configuration : "");
  g_spawn_async (self->folder, (char **) arguments, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD,
                 ferry_test_end_with_the_test, NULL, &self->pid, &error);
  g_assert_no_error (error);
}

void
nats_test_server_start (NatsTestServer *self, const char *configuration)
{
  nats_test_server_spawn (self, configuration);
  ferry_test_look_until (read_port, self);
}

void
nats_test_server_kill (NatsTestServer *self)
{
  if (self->pid == 0)
    return;
  ferry_test_kill (self->pid, SIGKILL);
  g_assert_cmpint (waitpid (self->pid, NULL, 0), ==, self->pid);
  self->pid = 0;
}

void
nats_test_server_free (NatsTestServer *self)
{
  g_autoptr (GDir) folder = g_dir_open (self->folder, 0, NULL);
  const char *name;

  nats_test_server_kill (self);
  while ((name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = nats_test_server_get_path (self, name);

      g_unlink (path);
    }
  g_rmdir (self->folder);
  g_free (self->folder);
  g_free (self);
}

char *
nats_test_server_get_url (NatsTestServer *self, const char *scheme, const char *host)
{
  return g_strdup_printf ("%s://%s:%u", scheme, host, self->port);
}

static void
run_openssl (NatsTestServer *self, const char *line)
{
  g_auto (GStrv) arguments = NULL;
  g_autofree char *output = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_shell_parse_argv (line, NULL, &arguments, &error);
  g_assert_no_error (error);
  g_spawn_sync (self->folder, arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &output, &status, &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, NULL))
    g_error ("%s: %s", line, output);
}

void
nats_test_server_make_certificates (NatsTestServer *self, const char *name)
{
  g_autofree char *authority =
    g_strdup_printf ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=%s "
                     "-keyout %s-key.pem -out %s.pem",
                     name, name, name);
  g_autofree char *signature = g_strdup_printf ("openssl x509 -req -in server.csr -CA %s.pem -CAkey %s-key.pem "
                                                "-set_serial 2 -days 2 -extfile names -out server.pem",
                                                name, name);

  nats_test_server_write (self, "names", "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  run_openssl (self, authority);
  run_openssl (self, "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=server "
                     "-keyout server-key.pem -out server.csr");
  run_openssl (self, signature);
}
