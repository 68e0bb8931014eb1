/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-nats.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bench-common.h"
#include "bench-team.h"

#define TIMEOUT_MS 10000

/* ---- programs ---- */

static void
die_with_the_bench (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

GSubprocess *
bench_nats_spawn (const char *const *arguments)
{
  g_autoptr (GSubprocessLauncher) launcher =
    g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GError) error = NULL;
  GSubprocess *process;

  g_subprocess_launcher_set_child_setup (launcher, die_with_the_bench, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, arguments, &error);
  if (process == NULL)
    bench_fail (arguments[0], error);
  return process;
}

void
bench_nats_kill (GSubprocess *process)
{
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
  g_object_unref (process);
}

/* ---- the server ---- */

static char *
find_ports_file (BenchNats *self)
{
  g_autofree char *name = g_strdup_printf ("nats-server_%s.ports", g_subprocess_get_identifier (self->server));

  return g_build_filename (self->folder, name, NULL);
}

/* The server writes its ports into a file when it takes connections. */
static void
wait_for_server (BenchNats *self)
{
  static const char before_port[] = "127.0.0.1:";
  const gint64 end = bench_now () + TIMEOUT_MS * G_GINT64_CONSTANT (1000000);
  g_autofree char *path = find_ports_file (self);
  g_autofree char *text = NULL;
  const char *at = NULL;

  while (at == NULL)
    {
      if (bench_now () > end || g_subprocess_get_identifier (self->server) == NULL)
        bench_fail ("nats-server does not start", NULL);
      bench_pause (1000000);
      g_clear_pointer (&text, g_free);
      if (g_file_get_contents (path, &text, NULL, NULL))
        at = strstr (text, before_port);
    }
  self->url = g_strdup_printf ("nats://%s%d", before_port, atoi (at + strlen (before_port)));
}

gboolean
bench_nats_open (BenchNats *self)
{
  g_autofree char *program = g_find_program_in_path ("nats-server");
  g_autofree char *log = NULL;
  g_autoptr (GError) error = NULL;

  if (program == NULL)
    {
      bench_comment ("cluster skipped: there is no nats-server");
      return FALSE;
    }
  self->folder = g_dir_make_tmp ("bench-nats-XXXXXX", &error);
  if (self->folder == NULL)
    bench_fail ("a folder", error);
  log = g_build_filename (self->folder, "log", NULL);
  self->server = bench_nats_spawn (
    (const char *const[]){program, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", self->folder, "-l", log, NULL});
  wait_for_server (self);
  return TRUE;
}

void
bench_nats_close (BenchNats *self)
{
  g_autofree char *ports = find_ports_file (self);
  g_autofree char *log = g_build_filename (self->folder, "log", NULL);

  bench_nats_kill (self->server);
  g_unlink (ports);
  g_unlink (log);
  g_rmdir (self->folder);
  g_free (self->folder);
  g_free (self->url);
}
