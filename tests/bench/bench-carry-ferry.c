/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Buffers: of a worker that is trusted, and of one that is not. */

#include "config.h"

#include <ferry.h>

#include "bench-carry.h"

#define SENDER_NAME "buffers"

typedef struct
{
  FerryRouter *router;     /* (owned) */
  FerryReceiver *receiver; /* (owned) */
  FerryWorker *worker;     /* (owned) */
  gulong handler;
} End;

typedef struct
{
  FerrySender *sender; /* (owned) */
  FerryBuffer *buffer; /* (owned) (nullable) */
} WorkerEnd;

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer user_data)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (buffer, &size);

  bench_carrier_check (user_data, data, size);
}

static gboolean
open_link (BenchCarrier *self, gboolean trusted, GError **error)
{
  g_autofree char *worker = bench_path_beside ("bench-buffers-worker");
  g_autofree char *size = g_strdup_printf ("%" G_GSIZE_FORMAT, self->size);
  const char *const argv[] = {worker, self->way->name, "", size, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerrySender) sender = NULL;
  End *end = g_new0 (End, 1);

  self->end = end;
  end->router = ferry_router_new (NULL);
  g_object_set (launcher, "trusted", trusted, NULL);
  if (!ferry_router_start (end->router, error) ||
      !ferry_router_pipe (end->router, FERRY_PIPE_QUEUED, &sender, &end->receiver, error) ||
      !ferry_launcher_add_sender (launcher, SENDER_NAME, sender, error))
    return FALSE;
  end->worker = ferry_launcher_spawn (launcher, end->router, error);
  if (end->worker == NULL)
    return FALSE;
  end->handler = g_signal_connect (end->receiver, "buffer", G_CALLBACK (buffer_cb), self);
  return TRUE;
}

static gboolean
recycled_open (BenchCarrier *self, GError **error)
{
  return open_link (self, TRUE, error);
}

static gboolean
untrusted_open (BenchCarrier *self, GError **error)
{
  return open_link (self, FALSE, error);
}

static void
ferry_take (BenchCarrier *self)
{
  const guint64 before = self->n_taken;

  while (self->n_taken == before && ferry_receiver_get_exit (((End *) self->end)->receiver) == NULL)
    g_main_context_iteration (NULL, TRUE);
  if (self->n_taken == before)
    bench_carry_fail (self->way->name, NULL);
}

static void
ferry_close (BenchCarrier *self)
{
  End *end = self->end;
  g_autoptr (GError) error = NULL;

  g_signal_handler_disconnect (end->receiver, end->handler);
  ferry_worker_force_exit (end->worker);
  while (ferry_worker_get_state (end->worker) != FERRY_WORKER_STATE_ENDED)
    g_main_context_iteration (NULL, TRUE);
  if (!ferry_router_stop (end->router, &error))
    bench_carry_fail (self->way->name, error);
  g_object_unref (end->worker);
  g_object_unref (end->receiver);
  g_object_unref (end->router);
  g_free (end);
}

static gpointer
ferry_attach (const char *address, gsize size)
{
  g_autoptr (GError) error = NULL;
  WorkerEnd *end = g_new0 (WorkerEnd, 1);

  end->sender = ferry_worker_get_sender (SENDER_NAME, &error);
  if (end->sender == NULL || !ferry_sender_start (end->sender, &error))
    bench_carry_fail (SENDER_NAME, error);
  return end;
}

static guint8 *
ferry_begin (gpointer data, gsize size)
{
  WorkerEnd *end = data;
  g_autoptr (GError) error = NULL;

  end->buffer = ferry_sender_create_buffer (end->sender, size, &error);
  if (end->buffer == NULL)
    bench_carry_fail (SENDER_NAME, error);
  return ferry_buffer_get_data (end->buffer, NULL);
}

static gboolean
ferry_send (gpointer data, gsize size)
{
  WorkerEnd *end = data;
  g_autoptr (FerryBuffer) buffer = g_steal_pointer (&end->buffer);

  return ferry_sender_send_buffer (end->sender, NULL, buffer, NULL);
}

/* Ways that differ in how the application opens them. */
#define WAY(NAME, OPEN)                                                                                                \
  {                                                                                                                    \
    .name = NAME, .open = OPEN, .take = ferry_take, .close = ferry_close, .attach = ferry_attach,                      \
    .begin = ferry_begin, .send = ferry_send                                                                           \
  }

const BenchWay bench_way_recycled = WAY ("recycled", recycled_open);
const BenchWay bench_way_untrusted = WAY ("untrusted", untrusted_open);
