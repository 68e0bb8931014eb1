/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gearman as a peer: gearmand, a client of libgearman, and a process for each worker. */

#include "config.h"

#include "bench-gearman.h"

#include <gio/gunixinputstream.h>
#include <libgearman/gearman.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench-common.h"
#include "bench-nats.h"
#include "bench-team.h"

#define ADDRESS "127.0.0.1"
#define PATIENCE (20 * G_GINT64_CONSTANT (1000000000))

struct _BenchGearman
{
  GSubprocess *server;       /* (owned) */
  GPtrArray *workers;        /* (owned) (element-type GSubprocess) */
  gearman_client_st *client; /* (owned) */
  const char *payload;
  guint n_under_way;
};

static void
check (gearman_return_t status, const char *what)
{
  g_autoptr (GError) error = NULL;

  if (status == GEARMAN_SUCCESS)
    return;
  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, gearman_strerror (status));
  bench_fail (what, error);
}

/* ---- the worker's process ---- */

static void *
echo (gearman_job_st *job, void *context, size_t *size, gearman_return_t *status)
{
  *size = gearman_job_workload_size (job);
  *status = GEARMAN_SUCCESS;
  return memcpy (malloc (*size), gearman_job_workload (job), *size);
}

static void *
tell_time (gearman_job_st *job, void *context, size_t *size, gearman_return_t *status)
{
  const gint64 now = bench_now ();

  *size = sizeof now;
  *status = GEARMAN_SUCCESS;
  return memcpy (malloc (sizeof now), &now, sizeof now);
}

/* Nobody waits for it, so it says that it was run. */
static void *
mark (gearman_job_st *job, void *context, size_t *size, gearman_return_t *status)
{
  *size = 0;
  *status = write (STDOUT_FILENO, "", 1) == 1 ? GEARMAN_SUCCESS : GEARMAN_WORK_FAIL;
  return NULL;
}

int
bench_gearman_work (const char *port)
{
  gearman_worker_st *worker = gearman_worker_create (NULL);

  check (gearman_worker_add_server (worker, ADDRESS, (in_port_t) atoi (port)), "a worker of gearmand");
  check (gearman_worker_add_function (worker, "echo", 0, echo, NULL), "a worker of gearmand");
  check (gearman_worker_add_function (worker, "now", 0, tell_time, NULL), "a worker of gearmand");
  check (gearman_worker_add_function (worker, "mark", 0, mark, NULL), "a worker of gearmand");
  while (TRUE)
    check (gearman_worker_work (worker), "a worker of gearmand");
}

/* ---- the server ---- */

static guint16
find_port (void)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  g_autoptr (GError) error = NULL;
  const guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, &error);

  if (port == 0)
    bench_fail ("a port", error);
  return port;
}

/* gearmand says nothing when it takes connections. */
static void
wait_for_server (BenchGearman *self)
{
  const gint64 end = bench_now () + PATIENCE;

  while (gearman_client_echo (self->client, "?", 1) != GEARMAN_SUCCESS)
    {
      if (bench_now () > end || g_subprocess_get_identifier (self->server) == NULL)
        bench_fail ("gearmand does not start", NULL);
      bench_pause (1000000);
    }
}

BenchGearman *
bench_gearman_new (guint n_workers, const char *store)
{
  g_autofree char *program = g_find_program_in_path ("gearmand");
  g_autofree char *self_program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *port = NULL;
  BenchGearman *self;

  if (program == NULL)
    {
      bench_comment ("cluster/gearman skipped: there is no gearmand");
      return NULL;
    }
  self = g_new0 (BenchGearman, 1);
  port = g_strdup_printf ("%u", find_port ());
  self->server = bench_nats_spawn ((const char *const[]){program, "--listen", ADDRESS, "--port", port, "--log-file",
                                                         "none", store != NULL ? "--queue-type" : NULL, "libsqlite3",
                                                         "--libsqlite3-db", store, NULL});
  self->client = gearman_client_create (NULL);
  check (gearman_client_add_server (self->client, ADDRESS, (in_port_t) atoi (port)), "gearmand");
  wait_for_server (self);
  self->workers = g_ptr_array_new_with_free_func ((GDestroyNotify) bench_nats_kill);
  for (guint i = 0; i < n_workers; i++)
    g_ptr_array_add (self->workers, bench_nats_spawn ((const char *const[]){self_program, "gearman-work", port, NULL}));
  return self;
}

void
bench_gearman_free (BenchGearman *self)
{
  gearman_client_free (self->client);
  g_ptr_array_unref (self->workers);
  bench_nats_kill (self->server);
  g_free (self);
}

GSubprocess *
bench_gearman_get_server (BenchGearman *self)
{
  return self->server;
}

GPtrArray *
bench_gearman_get_workers (BenchGearman *self)
{
  return self->workers;
}

/* ---- tasks ---- */

static gearman_return_t
complete (gearman_task_st *task)
{
  BenchGearman *self = gearman_task_context (task);
  const gsize size = strlen (self->payload);

  if (gearman_task_data_size (task) != size || memcmp (gearman_task_data (task), self->payload, size) != 0)
    bench_fail ("a task of gearmand gives another result", NULL);
  self->n_under_way--;
  return GEARMAN_SUCCESS;
}

static void
add_task (BenchGearman *self)
{
  gearman_return_t status;

  gearman_client_add_task (self->client, NULL, self, "echo", NULL, self->payload, strlen (self->payload), &status);
  check (status, "a task of gearmand");
  self->n_under_way++;
}

double
bench_gearman_measure_rate (BenchGearman *self, const char *payload, guint n, guint n_under_way)
{
  const gint64 started = bench_now ();
  guint n_left = n;

  self->payload = payload;
  gearman_client_set_complete_fn (self->client, complete);
  gearman_client_add_options (self->client, GEARMAN_CLIENT_NON_BLOCKING | GEARMAN_CLIENT_FREE_TASKS);
  while (n_left > 0 || self->n_under_way > 0)
    {
      gearman_return_t status;

      for (; n_left > 0 && self->n_under_way < n_under_way; n_left--)
        add_task (self);
      status = gearman_client_run_tasks (self->client);
      if (status == GEARMAN_IO_WAIT && (n_left == 0 || self->n_under_way == n_under_way))
        status = gearman_client_wait (self->client);
      if (status != GEARMAN_IO_WAIT)
        check (status, "tasks of gearmand");
    }
  gearman_client_remove_options (self->client, GEARMAN_CLIENT_NON_BLOCKING | GEARMAN_CLIENT_FREE_TASKS);
  gearman_client_clear_fn (self->client);
  return n * 1e9 / (bench_now () - started);
}

/* Waits until so many were run. */
static void
read_marks (BenchGearman *self, guint n)
{
  g_autofree struct pollfd *polled = g_new0 (struct pollfd, self->workers->len);
  char marks[4096];

  for (guint i = 0; i < self->workers->len; i++)
    {
      GInputStream *stream = g_subprocess_get_stdout_pipe (self->workers->pdata[i]);

      polled[i] = (struct pollfd){.fd = g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (stream)), .events = POLLIN};
    }
  while (n > 0 && poll (polled, self->workers->len, -1) > 0)
    for (guint i = 0; i < self->workers->len; i++)
      if (polled[i].revents != 0)
        {
          const gssize size = read (polled[i].fd, marks, sizeof marks);

          if (size <= 0 || size > (gssize) n)
            bench_fail ("a worker of gearmand", NULL);
          n -= (guint) size;
        }
}

double
bench_gearman_measure_background_rate (BenchGearman *self, const char *payload, guint n)
{
  const gint64 started = bench_now ();
  gearman_return_t status;

  gearman_client_add_options (self->client, GEARMAN_CLIENT_FREE_TASKS);
  for (guint i = 0; i < n; i++)
    {
      gearman_client_add_task_background (self->client, NULL, NULL, "mark", NULL, payload, strlen (payload), &status);
      check (status, "a task of gearmand");
    }
  check (gearman_client_run_tasks (self->client), "tasks of gearmand");
  gearman_client_remove_options (self->client, GEARMAN_CLIENT_FREE_TASKS);
  read_marks (self, n);
  return n * 1e9 / (bench_now () - started);
}

void
bench_gearman_measure_trip (BenchGearman *self, double *begin, double *end)
{
  const gint64 started = bench_now ();
  gearman_return_t status;
  size_t size;
  void *result = gearman_client_do (self->client, "now", NULL, "?", 1, &size, &status);
  gint64 begun;

  *end = (double) (bench_now () - started);
  check (status, "a task of gearmand");
  if (size != sizeof begun)
    bench_fail ("a task of gearmand gives another result", NULL);
  memcpy (&begun, result, sizeof begun);
  free (result);
  *begin = (double) (begun - started);
}
