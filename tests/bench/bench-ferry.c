/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ferry's own ends, written against its public header as an application and its worker are. */

#include "config.h"

#include <ferry.h>
#include <string.h>
#include <unistd.h>

#include "bench-feed.h"

#define SENDER_NAME "flood"

typedef struct
{
  FerryReceiver *receiver; /* (owned) */
  FerryWorker *worker;     /* (owned) */
} BenchFerryEnd;

FerryWorker *
bench_ferry_get_worker (BenchPort *port)
{
  BenchFerryEnd *end = port->end;

  return end->worker;
}

static void
raw_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  bench_take_raw (user_data, data, size);
}

static void
take_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  BenchPort *port = user_data;

  port->take (port, data, size);
}

static void
strings_cb (FerryReceiver *receiver, GVariant *message, gpointer port)
{
  bench_take_strings (port, message);
}

static gboolean
ferry_open (BenchFeed *feed, GError **error)
{
  feed->hub = ferry_router_new (NULL);
  return ferry_router_start (feed->hub, error);
}

static void
listen_to (BenchPort *port, FerryReceiver *receiver)
{
  if (port->feed->load.content == BENCH_CONTENT_STRINGS)
    g_signal_connect (receiver, "message", G_CALLBACK (strings_cb), port);
  else
    ferry_receiver_set_handler (receiver, port->feed->load.take == BENCH_TAKE_RAW ? raw_cb : take_cb, port, NULL);
}

static gboolean
ferry_connect (BenchPort *port, GError **error)
{
  g_auto (GStrv) argv = bench_port_argv (port, "-");
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const *) argv);
  g_autoptr (FerrySender) sender = NULL;
  BenchFerryEnd *end = g_new0 (BenchFerryEnd, 1);

  port->end = end;
  if (!ferry_router_pipe (port->feed->hub, FERRY_PIPE_QUEUED, &sender, &end->receiver, error))
    return FALSE;
  listen_to (port, end->receiver);
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDIN, bench_port_take_order_fd (port));
  if (!ferry_launcher_add_sender (launcher, SENDER_NAME, sender, error))
    return FALSE;
  end->worker = ferry_launcher_spawn (launcher, port->feed->hub, error);
  return end->worker != NULL;
}

static void
ferry_disconnect (BenchPort *port)
{
  BenchFerryEnd *end = port->end;

  if (ferry_receiver_get_exit (end->receiver) == NULL)
    ferry_router_close_pipe (port->feed->hub, end->receiver, NULL);
  ferry_worker_force_exit (end->worker);
}

static gboolean
all_are (const BenchFeed *feed, FerryWorkerState state)
{
  for (guint i = 0; i < feed->load.n_workers; i++)
    {
      const BenchFerryEnd *end = feed->ports[i].end;

      if (ferry_worker_get_state (end->worker) != state)
        return FALSE;
    }
  return TRUE;
}

static gboolean
all_open (gpointer user_data)
{
  return all_are (user_data, FERRY_WORKER_STATE_OPEN);
}

static gboolean
all_ended (gpointer user_data)
{
  return all_are (user_data, FERRY_WORKER_STATE_ENDED);
}

/* Opens a feed, and runs the router until every worker has taken up its sender. */
BenchFeed *
bench_ferry_open (BenchMode mode, BenchTake take, guint n_workers)
{
  const BenchLoad load = {
    .transport = &bench_ferry,
    .content = BENCH_CONTENT_BYTES,
    .take = take,
    .mode = mode,
    .size = 64,
    .n_workers = n_workers,
  };
  g_autoptr (GError) error = NULL;
  BenchFeed *feed = bench_feed_new (&load, &error);

  if (feed == NULL ||
      !ferry_router_route_until (feed->hub, all_open, feed, bench_feed_get_patience (feed) / 1000, &error))
    bench_feed_fail (feed, error);
  return feed;
}

static void
ferry_close (BenchFeed *feed)
{
  g_autoptr (GError) error = NULL;

  if (!ferry_router_route_until (feed->hub, all_ended, feed, bench_feed_get_patience (feed) / 1000, &error) ||
      !ferry_router_stop (feed->hub, &error))
    bench_comment ("the router did not come to rest: %s", error != NULL ? error->message : "no reason given");
  for (guint i = 0; i < feed->load.n_workers; i++)
    {
      BenchFerryEnd *end = feed->ports[i].end;

      g_object_unref (end->receiver);
      g_object_unref (end->worker);
      g_free (end);
    }
  g_object_unref (feed->hub);
}

static gpointer
ferry_attach (const char *address, gsize size, GError **error)
{
  g_autoptr (FerrySender) sender = ferry_worker_get_sender (SENDER_NAME, error);

  if (sender == NULL || !ferry_sender_start (sender, error))
    return NULL;
  return g_steal_pointer (&sender);
}

static gboolean
ferry_send (gpointer end, gconstpointer data, gsize size)
{
  return ferry_sender_send_bytes (end, data, size, NULL);
}

static gboolean
ferry_send_variant (gpointer end, GVariant *variant)
{
  return ferry_sender_send (end, variant, NULL);
}

const BenchTransport bench_ferry = {
  .name = "ferry",
  .open = ferry_open,
  .connect = ferry_connect,
  .disconnect = ferry_disconnect,
  .close = ferry_close,
  .attach = ferry_attach,
  .send = ferry_send,
  .send_variant = ferry_send_variant,
};
