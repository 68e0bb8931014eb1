/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-nats.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench-common.h"
#include "bench-team.h"

/* Requests of the first are answered at once each, those of the second when libnats thinks it worth a write. */
#define SUBJECT_ALONE "alone"
#define SUBJECT_MANY "many"
#define TIMEOUT_MS 10000

static void
check (natsStatus status, const char *what)
{
  g_autoptr (GError) error = NULL;

  if (status == NATS_OK)
    return;
  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, natsStatus_GetText (status));
  bench_fail (what, error);
}

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

static void
start_server (BenchNats *self, const char *program)
{
  g_autofree char *log = g_build_filename (self->folder, "log", NULL);
  g_autofree char *key = find_key (self);

  self->server = bench_nats_spawn ((const char *const[]){program, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir",
                                                         self->folder, "-l", log, self->certificate ? "--tls" : NULL,
                                                         "--tlscert", self->certificate, "--tlskey", key, NULL});
  wait_for_server (self);
}

gboolean
bench_nats_open (BenchNats *self, gboolean secure)
{
  g_autofree char *program = g_find_program_in_path ("nats-server");
  g_autofree char *openssl = g_find_program_in_path ("openssl");
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
  start_server (self, program);
  return TRUE;
}

void
bench_nats_close (BenchNats *self)
{
  g_autofree char *ports = find_ports_file (self);
  g_autofree char *log = g_build_filename (self->folder, "log", NULL);
  g_autofree char *key = find_key (self);

  bench_nats_kill (self->server);
  g_unlink (ports);
  g_unlink (log);
  if (self->certificate != NULL)
    {
      g_unlink (key);
      g_unlink (self->certificate);
    }
  g_rmdir (self->folder);
  g_free (self->folder);
  g_free (self->url);
  g_free (self->certificate);
}

/* ---- connections ---- */

static natsConnection *
connect_to (const char *url, gboolean at_once)
{
  natsConnection *connection;
  natsOptions *options;

  check (natsOptions_Create (&options), "the options");
  check (natsOptions_SetURL (options, url), url);
  check (natsOptions_SetSendAsap (options, at_once), "the options");
  check (natsConnection_Connect (&connection, options), url);
  natsOptions_Destroy (options);
  return connection;
}

static void
answer (natsConnection *connection, natsSubscription *subscription, natsMsg *request, void *data)
{
  check (natsConnection_Publish (connection, natsMsg_GetReply (request), natsMsg_GetData (request),
                                 natsMsg_GetDataLength (request)),
         "an answer");
  natsMsg_Destroy (request);
}

int
bench_nats_answer (const char *url)
{
  natsConnection *alone = connect_to (url, TRUE);
  natsConnection *many = connect_to (url, FALSE);
  natsSubscription *subscriptions[2];

  check (natsConnection_Subscribe (&subscriptions[0], alone, SUBJECT_ALONE, answer, NULL), SUBJECT_ALONE);
  check (natsConnection_Subscribe (&subscriptions[1], many, SUBJECT_MANY, answer, NULL), SUBJECT_MANY);
  check (natsConnection_Flush (alone), url);
  check (natsConnection_Flush (many), url);
  puts ("ready");
  fflush (stdout);
  while (TRUE)
    pause ();
}

/* ---- requests ---- */

struct _BenchRequests
{
  GSubprocess *answerer;          /* (owned) */
  natsConnection *alone;          /* (owned) */
  natsConnection *many;           /* (owned) */
  natsSubscription *subscription; /* (owned) */
  natsInbox *inbox;               /* (owned) */
  GMutex lock;
  GCond finished;
  const char *payload;
  int size;
  guint n_left;    /* requests to make */
  guint n_awaited; /* lock: answers to come */
};

static void
ask (BenchRequests *self)
{
  self->n_left--;
  check (natsConnection_PublishRequest (self->many, SUBJECT_MANY, self->inbox, self->payload, self->size), "a request");
}

/* The thread of libnats, which asks again. */
static void
answer_came (natsConnection *connection, natsSubscription *subscription, natsMsg *message, void *data)
{
  BenchRequests *self = data;

  if (natsMsg_GetDataLength (message) != self->size ||
      memcmp (natsMsg_GetData (message), self->payload, (gsize) self->size) != 0)
    bench_fail ("an answer is not what was asked", NULL);
  natsMsg_Destroy (message);
  g_mutex_lock (&self->lock);
  if (self->n_left > 0)
    ask (self);
  if (--self->n_awaited == 0)
    g_cond_signal (&self->finished);
  g_mutex_unlock (&self->lock);
}

BenchRequests *
bench_requests_new (const BenchNats *nats)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  BenchRequests *self = g_new0 (BenchRequests, 1);
  char word[5];

  g_mutex_init (&self->lock);
  g_cond_init (&self->finished);
  self->answerer = bench_nats_spawn ((const char *const[]){program, "answer", nats->url, NULL});
  if (!g_input_stream_read_all (g_subprocess_get_stdout_pipe (self->answerer), word, sizeof word, NULL, NULL, NULL))
    bench_fail ("what answers does not start", NULL);
  self->alone = connect_to (nats->url, TRUE);
  self->many = connect_to (nats->url, FALSE);
  check (natsInbox_Create (&self->inbox), "an inbox");
  check (natsConnection_Subscribe (&self->subscription, self->many, self->inbox, answer_came, self), "an inbox");
  check (natsConnection_Flush (self->many), "an inbox");
  return self;
}

void
bench_requests_free (BenchRequests *self)
{
  natsSubscription_Destroy (self->subscription);
  natsConnection_Destroy (self->many);
  natsConnection_Destroy (self->alone);
  natsInbox_Destroy (self->inbox);
  bench_nats_kill (self->answerer);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->finished);
  g_free (self);
}

double
bench_requests_rate (BenchRequests *self, const char *payload, guint n, guint n_under_way)
{
  const gint64 started = bench_now ();

  g_mutex_lock (&self->lock);
  self->payload = payload;
  self->size = (int) strlen (payload);
  self->n_left = n;
  self->n_awaited = n;
  for (guint i = 0; i < MIN (n, n_under_way); i++)
    ask (self);
  while (self->n_awaited > 0)
    g_cond_wait (&self->finished, &self->lock);
  g_mutex_unlock (&self->lock);
  return n * 1e9 / (bench_now () - started);
}

double
bench_requests_trip (BenchRequests *self, const char *payload)
{
  const gint64 started = bench_now ();
  natsMsg *message;

  check (natsConnection_RequestString (&message, self->alone, SUBJECT_ALONE, payload, TIMEOUT_MS), "a request");
  natsMsg_Destroy (message);
  return (double) (bench_now () - started);
}
