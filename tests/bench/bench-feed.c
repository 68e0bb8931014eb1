/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-feed.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <unistd.h>

#define SECOND G_GINT64_CONSTANT (1000000000)
/* For what must come, on the slowest machine: of all workers, and of each. */
#define PATIENCE (20 * SECOND)
#define PATIENCE_EACH (SECOND / 5)

static const BenchTransport *const transports[] = {
  &bench_ferry,
  &bench_pipe,
  &bench_gathered_pipe,
  &bench_gdbus,
};

const BenchTransport *
bench_transport_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (transports); i++)
    if (g_str_equal (transports[i]->name, name))
      return transports[i];
  return NULL;
}

/* The command line of a worker; the worker executable lies beside this one. */
char **
bench_port_argv (const BenchPort *port, const char *address)
{
  const BenchLoad *load = &port->feed->load;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autofree char *worker = bench_path_beside ("bench-worker");
  g_autofree char *content = g_strdup_printf ("%d", load->content);
  g_autofree char *mode = g_strdup_printf ("%d", load->mode);
  g_autofree char *size = g_strdup_printf ("%" G_GSIZE_FORMAT, load->size);

  g_strv_builder_add_many (builder, worker, load->transport->name, content, mode, size, address, NULL);
  return g_strv_builder_end (builder);
}

/* Gives the reading end of the pipe that orders go through, to be the worker's standard input. */
int
bench_port_take_order_fd (BenchPort *port)
{
  g_autoptr (GError) error = NULL;
  int fds[2];

  if (!g_unix_open_pipe (fds, FD_CLOEXEC, &error))
    bench_feed_fail (port->feed, error);
  port->order_fd = fds[1];
  return fds[0];
}

/* Starts the worker of a transport that is not Ferry. It gets @fds, which are taken, as 3, 4 and so on. */
gboolean
bench_port_spawn (BenchPort *port, const char *address, const int *fds, guint n_fds, GError **error)
{
  g_auto (GStrv) argv = bench_port_argv (port, address);

  port->process = bench_spawn (argv, bench_port_take_order_fd (port), fds, n_fds, error);
  return port->process != NULL;
}

/* Has a worker in BENCH_MODE_PACED send so many messages, one each @interval µs. */
gboolean
bench_port_order (BenchPort *port, guint32 n_messages, guint32 interval)
{
  const BenchOrder order = {n_messages, interval};

  return write (port->order_fd, &order, sizeof order) == sizeof order;
}

static void
port_clear (BenchPort *port)
{
  port->feed->load.transport->disconnect (port);
  if (port->order_fd >= 0)
    close (port->order_fd);
  if (port->process != NULL)
    {
      g_subprocess_force_exit (port->process);
      g_subprocess_wait (port->process, NULL, NULL);
    }
  g_clear_object (&port->process);
  g_array_unref (port->delays);
}

BenchFeed *
bench_feed_new (const BenchLoad *load, GError **error)
{
  BenchFeed *feed = g_new0 (BenchFeed, 1);

  feed->load = *load;
  feed->ports = g_new0 (BenchPort, load->n_workers);
  for (guint i = 0; i < load->n_workers; i++)
    {
      feed->ports[i].feed = feed;
      feed->ports[i].order_fd = -1;
      feed->ports[i].take = bench_takes[load->take];
      feed->ports[i].delays = g_array_new (FALSE, FALSE, sizeof (double));
    }
  if (load->transport->open != NULL && !load->transport->open (feed, error))
    return NULL;
  for (guint i = 0; i < load->n_workers; i++)
    if (!load->transport->connect (&feed->ports[i], error))
      return NULL;
  return feed;
}

/* Returns FALSE, and says so, when a message was missing, doubled or damaged. */
gboolean
bench_feed_free (BenchFeed *feed)
{
  guint64 errors = 0;

  for (guint i = 0; i < feed->load.n_workers; i++)
    {
      port_clear (&feed->ports[i]);
      errors += feed->ports[i].errors;
    }
  if (feed->load.transport->close != NULL)
    feed->load.transport->close (feed);
  if (errors > 0)
    bench_comment ("FAILED: %s delivered %" G_GUINT64_FORMAT " wrong messages", feed->load.transport->name, errors);
  g_free (feed->ports);
  g_free (feed);
  return errors == 0;
}

/* Ends the program: without its workers a bench has nothing to say. */
void
bench_feed_fail (const BenchFeed *feed, const GError *error)
{
  bench_comment ("FAILED: %s", error != NULL ? error->message : "messages did not come in time");
  exit (EXIT_FAILURE);
}

static gboolean
set_flag_cb (gpointer user_data)
{
  gboolean *flag = user_data;

  *flag = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the main loop for a while. */
void
bench_feed_run (gint64 nanoseconds)
{
  gboolean over = FALSE;

  g_timeout_add (nanoseconds / 1000000, set_flag_cb, &over);
  while (!over)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
have_all (const BenchFeed *feed, guint64 n_messages)
{
  for (guint i = 0; i < feed->load.n_workers; i++)
    if (feed->ports[i].next < n_messages)
      return FALSE;
  return TRUE;
}

gint64
bench_feed_get_patience (const BenchFeed *feed)
{
  return PATIENCE + feed->load.n_workers * PATIENCE_EACH;
}

/* Runs the main loop until each worker has brought @n_messages in all. */
gboolean
bench_feed_wait (BenchFeed *feed, guint64 n_messages)
{
  gboolean over = FALSE;
  guint timeout = g_timeout_add ((guint) (bench_feed_get_patience (feed) / 1000000), set_flag_cb, &over);
  gboolean complete;

  while (!(complete = have_all (feed, n_messages)) && !over)
    g_main_context_iteration (NULL, TRUE);
  if (!over)
    g_source_remove (timeout);
  return complete;
}

static guint64
count (const BenchFeed *feed)
{
  guint64 total = 0;

  for (guint i = 0; i < feed->load.n_workers; i++)
    total += feed->ports[i].next;
  return total;
}

/* Messages a second, of all workers together, while the main loop runs for about that long. */
double
bench_feed_sample (BenchFeed *feed, gint64 nanoseconds)
{
  const guint64 before = count (feed);
  const gint64 start = bench_now ();

  bench_feed_run (nanoseconds);
  return (count (feed) - before) * (double) SECOND / (bench_now () - start);
}

/* ---- what is done with a message ---- */

static void
take_raw (BenchPort *port, gconstpointer data, gsize size)
{
  bench_take_raw (port, data, size);
}

static void
take_stamp (BenchPort *port, gconstpointer data, gsize size)
{
  const gint64 now = bench_now ();
  BenchMessage message;
  double delay;

  memcpy (&message, data, sizeof message);
  delay = (now - message.stamp) / 1000.0;
  g_array_append_val (port->delays, delay);
  bench_take_raw (port, data, size);
}

static void
take_variant_get (BenchPort *port, gconstpointer data, gsize size)
{
  g_autoptr (GVariant) variant = g_variant_new_from_data (BENCH_MESSAGE_TYPE, data, size, FALSE, NULL, NULL);
  guint64 sequence;
  guint32 percent;
  const char *text;

  g_variant_get (variant, "(ttu&s)", &sequence, NULL, &percent, &text);
  if (percent != BENCH_MESSAGE_PERCENT || text[0] != 'a')
    port->errors++;
  bench_take_raw (port, &sequence, sizeof sequence);
}

const BenchTakeFunc bench_takes[BENCH_N_TAKES] = {
  [BENCH_TAKE_RAW] = take_raw,
  [BENCH_TAKE_STAMP] = take_stamp,
  [BENCH_TAKE_VARIANT_GET] = take_variant_get,
};

void
bench_take_strings (BenchPort *port, GVariant *message)
{
  g_autoptr (GVariant) strings = NULL;
  guint64 sequence;
  GVariantIter iter;
  const char *name;
  guint n = 0;

  g_variant_get (message, BENCH_STRINGS_TYPE, &sequence, &strings);
  g_variant_iter_init (&iter, strings);
  while (g_variant_iter_next (&iter, "&s", &name))
    n += name[0] == 'p';
  if (n != BENCH_N_STRINGS)
    port->errors++;
  bench_take_number (port, sequence);
}
