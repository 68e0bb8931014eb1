/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Buffers and large messages: of a worker that is trusted, and of one that is not. */

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
  guint8 *memory;      /* (owned) (nullable): of messages */
} WorkerEnd;

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer user_data)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (buffer, &size);

  bench_carrier_check (user_data, data, size);
}

static void
unread_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer user_data)
{
  BenchCarrier *self = user_data;

  self->n_taken += g_bytes_get_size (buffer) == self->size;
}

static void
handle_bytes (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  bench_carrier_check (user_data, data, size);
}

/* capacity: of its buffers; 0 for the usual one. */
static gboolean
open_link (BenchCarrier *self, gboolean trusted, guint64 capacity, FerryPipeFlags flags, GError **error)
{
  g_autofree char *worker = bench_carry_find_worker ();
  g_autofree char *size = g_strdup_printf ("%" G_GSIZE_FORMAT, self->size);
  const char *const argv[] = {worker, self->way->name, "", size, NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerrySender) sender = NULL;
  End *end = g_new0 (End, 1);

  self->end = end;
  end->router = ferry_router_new (NULL);
  g_object_set (launcher, "trusted", trusted, NULL);
  if (capacity > 0)
    g_object_set (launcher, "buffer-capacity", (guint64) capacity, NULL);
  if (!ferry_router_start (end->router, error) ||
      !ferry_router_pipe (end->router, flags, &sender, &end->receiver, error) ||
      !ferry_launcher_add_sender (launcher, SENDER_NAME, sender, error))
    return FALSE;
  end->worker = ferry_launcher_spawn (launcher, end->router, error);
  return end->worker != NULL;
}

static gboolean
open_for_buffers (BenchCarrier *self, gboolean trusted, FerryPipeFlags flags, GCallback buffer_func, gpointer user_data,
                  GError **error)
{
  if (!open_link (self, trusted, 0, flags, error))
    return FALSE;
  ((End *) self->end)->handler = g_signal_connect (((End *) self->end)->receiver, "buffer", buffer_func, user_data);
  return TRUE;
}

gboolean
bench_carrier_open_link (BenchCarrier *self, gboolean trusted, GCallback buffer_func, gpointer user_data,
                         GError **error)
{
  return open_for_buffers (self, trusted, FERRY_PIPE_QUEUED, buffer_func, user_data, error);
}

static gboolean
open_for_messages (BenchCarrier *self, gboolean trusted, guint64 capacity, GError **error)
{
  if (!open_link (self, trusted, capacity, FERRY_PIPE_QUEUED, error))
    return FALSE;
  ferry_receiver_set_handler (((End *) self->end)->receiver, handle_bytes, self, NULL);
  return TRUE;
}

static gboolean
message_open (BenchCarrier *self, GError **error)
{
  return open_for_messages (self, TRUE, 0, error);
}

static gboolean
message_untrusted_open (BenchCarrier *self, GError **error)
{
  return open_for_messages (self, FALSE, 0, error);
}

static gboolean
message_pieces_open (BenchCarrier *self, GError **error)
{
  return open_for_messages (self, TRUE, 1, error);
}

static gboolean
recycled_open (BenchCarrier *self, GError **error)
{
  return bench_carrier_open_link (self, TRUE, G_CALLBACK (buffer_cb), self, error);
}

static gboolean
untrusted_open (BenchCarrier *self, GError **error)
{
  return bench_carrier_open_link (self, FALSE, G_CALLBACK (buffer_cb), self, error);
}

static gboolean
one_shot_open (BenchCarrier *self, GError **error)
{
  return open_for_buffers (self, FALSE, FERRY_PIPE_ONE_SHOT_BUFFERS, G_CALLBACK (buffer_cb), self, error);
}

static gboolean
unread_open (BenchCarrier *self, GError **error)
{
  return bench_carrier_open_link (self, TRUE, G_CALLBACK (unread_cb), self, error);
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

  if (end->handler != 0)
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

static guint8 *
message_begin (gpointer data, gsize size)
{
  WorkerEnd *end = data;

  if (end->memory == NULL)
    end->memory = g_malloc (size);
  return end->memory;
}

static gboolean
message_send (gpointer data, gsize size)
{
  WorkerEnd *end = data;

  return ferry_sender_send_bytes (end->sender, end->memory, size, NULL);
}

/* Ways that differ in how the application opens them, and in what the worker does for one. */
#define WAY(NAME, OPEN, BEGIN, SEND)                                                                                   \
  {                                                                                                                    \
    .name = NAME, .open = OPEN, .take = ferry_take, .close = ferry_close, .attach = ferry_attach, .begin = BEGIN,      \
    .send = SEND                                                                                                       \
  }

const BenchWay bench_way_message = WAY ("message", message_open, message_begin, message_send);
const BenchWay bench_way_message_untrusted =
  WAY ("message-untrusted", message_untrusted_open, message_begin, message_send);
const BenchWay bench_way_message_pieces = WAY ("message-pieces", message_pieces_open, message_begin, message_send);
const BenchWay bench_way_recycled = WAY ("recycled", recycled_open, ferry_begin, ferry_send);
const BenchWay bench_way_untrusted = WAY ("untrusted", untrusted_open, ferry_begin, ferry_send);
const BenchWay bench_way_one_shot = WAY ("one-shot", one_shot_open, ferry_begin, ferry_send);
const BenchWay bench_way_frames = {
  .name = "frames",
  .close = ferry_close,
  .attach = ferry_attach,
  .begin = ferry_begin,
  .send = ferry_send,
};

const BenchWay bench_way_paced = WAY ("paced", unread_open, ferry_begin, ferry_send);
const BenchWay bench_way_untouched = WAY ("untouched", unread_open, ferry_begin, ferry_send);
