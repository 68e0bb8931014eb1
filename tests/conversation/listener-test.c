/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "conversation/listener-test.h"

#include <gio/gunixinputstream.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "conversation/ferry-address-private.h"

/* GLib opens some descriptors when it is first asked for a process or a main context, and keeps them. */
static void
warm_up (void)
{
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL, "true", NULL);

  g_assert_true (g_subprocess_wait_check (process, NULL, NULL));
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* Some tests have other users come in. Later GLibs give a test a folder of its own for what is temporary, which lets no
 * other user through. */
static void
let_others_through (const char *folder)
{
  GStatBuf status;

  g_assert_cmpint (g_stat (folder, &status), ==, 0);
  if ((status.st_mode & S_IXOTH) == 0)
    g_assert_cmpint (g_chmod (folder, 0755), ==, 0);
}

void
listener_test_place_init (ListenerTestPlace *place)
{
  g_autoptr (GError) error = NULL;

  warm_up ();
  place->n_threads = transport_test_count_threads ();
  place->n_fds = ferry_test_count_fds ();
  place->folder = g_dir_make_tmp ("test-listener-XXXXXX", &error);
  g_assert_no_error (error);
  let_others_through (g_get_tmp_dir ());
  let_others_through (place->folder);
  place->address = g_build_filename (place->folder, "worker", NULL);
}

/* GLib closes what it had for a process some time after its end, so that there may have been more before. */
static gboolean
is_no_more_left (gpointer data)
{
  ListenerTestPlace *place = data;

  return transport_test_count_threads () <= place->n_threads && ferry_test_count_fds () <= place->n_fds;
}

/* A transport's thread closes the socket and then ends. */
static gboolean
is_no_thread_left (gpointer data)
{
  return transport_test_count_threads () <= ((ListenerTestPlace *) data)->n_threads;
}

void
listener_test_place_wait_left (ListenerTestPlace *place)
{
  transport_test_wait (is_no_thread_left, place);
}

void
listener_test_place_clear (ListenerTestPlace *place)
{
  transport_test_wait (is_no_more_left, place);
  if (g_rmdir (place->folder) < 0)
    g_error ("Something was left in %s", place->folder);
  g_free (place->folder);
  g_free (place->address);
}

gboolean
listener_test_exists (const ListenerTestPlace *place, const char *suffix)
{
  g_autofree char *path = g_strconcat (place->address, suffix, NULL);
  GStatBuf found;

  return g_lstat (path, &found) == 0;
}

static void
assert_line (int fd, const char *expected)
{
  g_autofree char *line = worker_test_read_line (fd);

  if (strstr (line, expected) == NULL)
    g_error ("'%s' was written, not '%s'", line, expected);
}

void
listener_test_worker_start (ListenerTestWorker *worker, const char *address, const char *mode, const char *user)
{
  g_autofree char *program = ferry_test_build_path ("persistent-worker");
  const char *argv[] = {program, mode, user, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autofree char *identifier = NULL;
  g_autoptr (GError) error = NULL;

  worker->output = worker_test_open_output (launcher, FERRY_STREAM_STDOUT);
  ferry_launcher_spawn_persistent (launcher, address, &identifier, &error);
  g_assert_no_error (error);
  worker->pid = ferry_test_parse_process (identifier);
  /* Its end is to be the only writer's. */
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_SILENT, NULL);
}

void
listener_test_worker_init (ListenerTestWorker *worker, const char *address, const char *mode, const char *user,
                           const char *expected)
{
  listener_test_worker_start (worker, address, mode, user);
  assert_line (worker->output, expected);
}

void
listener_test_worker_wait (ListenerTestWorker *worker)
{
  g_autofree char *rest = worker_test_read_all (worker->output);

  g_assert_cmpstr (rest, ==, "");
  ferry_clear_fd (&worker->output);
}

void
listener_test_worker_kill (ListenerTestWorker *worker)
{
  ferry_test_kill (worker->pid, SIGKILL);
  listener_test_worker_wait (worker);
}

FerryTransport *
listener_test_connect (const char *address)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_transport_connect_to (address, &error);

  g_assert_no_error (error);
  return transport;
}

void
listener_test_connect_fails (const char *address, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  FerryTransport *transport = ferry_transport_connect_to (address, &error);

  g_assert_null (transport);
  g_assert_error (error, FERRY_ERROR, code);
  if (strstr (error->message, words) == NULL)
    g_error ("'%s' has no '%s' in it", error->message, words);
}

guint32
listener_test_add (FerryTransport *transport, guint32 number)
{
  g_autoptr (FerryMux) mux = ferry_mux_new (transport);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) sum = ferry_mux_transact (mux, "add", g_variant_new_uint32 (number), -1, NULL, &error);

  g_assert_no_error (error);
  return g_variant_get_uint32 (sum);
}

guint32
listener_test_visit (const char *address, guint32 number)
{
  g_autoptr (FerryTransport) transport = listener_test_connect (address);
  guint32 sum = listener_test_add (transport, number);

  ferry_transport_close (transport);
  return sum;
}

GSubprocess *
listener_test_application (const char *mode, const char *address, const char *argument, const char *expected)
{
  g_autofree char *program = ferry_test_build_path ("attaching-application");
  const char *argv[] = {program, mode, address, argument, NULL};
  GSubprocess *application = ferry_test_start (argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  GInputStream *output;

  output = g_subprocess_get_stdout_pipe (application);
  assert_line (g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (output)), expected);
  return application;
}

void
listener_test_kill_application (GSubprocess *application)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_force_exit (application);
  g_subprocess_wait (application, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (application);
}

int
listener_test_raw_socket (const char *address, gboolean listens)
{
  g_auto (FerryAddress) parsed;
  ferry_autofd fd = -1;

  g_assert_true (ferry_address_init (&parsed, address, NULL));
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listens)
    {
      g_assert_no_errno (bind (fd, (const struct sockaddr *) &parsed.name, parsed.size));
      g_assert_no_errno (listen (fd, 1));
    }
  else
    g_assert_no_errno (connect (fd, (const struct sockaddr *) &parsed.name, parsed.size));
  return ferry_steal_fd (&fd);
}
