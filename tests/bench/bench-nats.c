/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-nats.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
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
  self->url = g_strdup_printf ("%s://%s%d", self->certificate != NULL ? "tls" : "nats", before_port,
                               atoi (at + strlen (before_port)));
}

static char *
find_key (BenchNats *self)
{
  return g_build_filename (self->folder, "key.pem", NULL);
}

/* Makes the server's key, and a certificate that the key itself has signed. */
static void
make_certificate (BenchNats *self)
{
  g_autofree char *key = find_key (self);
  g_autoptr (GSubprocess) openssl = NULL;

  self->certificate = g_build_filename (self->folder, "certificate.pem", NULL);
  openssl = bench_nats_spawn ((const char *const[]){
    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
    "-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self->certificate, NULL});
  if (!g_subprocess_wait_check (openssl, NULL, NULL))
    bench_fail ("openssl makes no certificate", NULL);
}

gboolean
bench_nats_open (BenchNats *self, BenchNatsKind kind)
{
  const gboolean secure = kind == BENCH_NATS_SECURE;
  g_autofree char *program = g_find_program_in_path ("nats-server");
  g_autofree char *openssl = g_find_program_in_path ("openssl");
  g_autofree char *log = NULL;
  g_autofree char *key = NULL;
  g_autofree char *streams = NULL;
  const char *rest[] = {NULL, NULL, NULL, NULL, NULL, NULL};
  g_autoptr (GError) error = NULL;

  if (program == NULL || (secure && openssl == NULL))
    {
      bench_comment ("cluster%s skipped: there is no %s", secure ? " with TLS" : "",
                     program == NULL ? "nats-server" : "openssl");
      return FALSE;
    }
  self->folder = g_dir_make_tmp ("bench-nats-XXXXXX", &error);
  if (self->folder == NULL)
    bench_fail ("a folder", error);
  if (secure)
    make_certificate (self);
  log = g_build_filename (self->folder, "log", NULL);
  key = find_key (self);
  streams = g_build_filename (self->folder, "streams", NULL);
  if (secure)
    memcpy (rest, (const char *[]){"--tls", "--tlscert", self->certificate, "--tlskey", key}, 5 * sizeof rest[0]);
  else if (kind == BENCH_NATS_KEEPING)
    memcpy (rest, (const char *[]){"--jetstream", "--store_dir", streams}, 3 * sizeof rest[0]);
  self->server =
    bench_nats_spawn ((const char *const[]){program, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", self->folder,
                                            "-l", log, rest[0], rest[1], rest[2], rest[3], rest[4], NULL});
  wait_for_server (self);
  return TRUE;
}

static int
remove_entry (const char *path, const struct stat *status, int kind, struct FTW *place)
{
  return remove (path);
}

void
bench_nats_close (BenchNats *self)
{
  bench_nats_kill (self->server);
  nftw (self->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  g_free (self->folder);
  g_free (self->url);
  g_free (self->certificate);
}
