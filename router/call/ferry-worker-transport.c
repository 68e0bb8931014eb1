/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker's end of a transport over its link: a sender for the way up. What comes down is read by the thread of
 * ferry-link-reader.c, for all transports of the process.
 *
 * Threads: any. A send waits while the up lane is full, also on the reader's thread: the application always reads on.
 */

#include "config.h"

#include "call/ferry-link-transport-private.h"

#include "route/ferry-sender-private.h"

#define FERRY_TYPE_WORKER_TRANSPORT (ferry_worker_transport_get_type ())
G_DECLARE_FINAL_TYPE (FerryWorkerTransport, ferry_worker_transport, FERRY, WORKER_TRANSPORT, FerryTransport)

struct _FerryWorkerTransport
{
  FerryTransport parent_instance;

  FerrySender *sender; /* const: (owned) */
};

G_DEFINE_FINAL_TYPE (FerryWorkerTransport, ferry_worker_transport, FERRY_TYPE_TRANSPORT)

static gboolean
ferry_worker_transport_send (FerryTransport *transport, const GOutputVector *vectors, guint n_vectors, GError **error)
{
  FerryWorkerTransport *self = FERRY_WORKER_TRANSPORT (transport);
  FerryPart parts[FERRY_CALL_MAX_PARTS];

  g_assert (n_vectors <= G_N_ELEMENTS (parts));
  for (guint i = 0; i < n_vectors; i++)
    parts[i] = (FerryPart){vectors[i].buffer, vectors[i].size};
  return ferry_sender_send_parts (self->sender, parts, n_vectors, FERRY_NO_DEADLINE, NULL, error);
}

static gboolean
send_in_buffer (FerryTransport *transport, const FerryPart *parts, guint n_parts)
{
  return ferry_sender_send_parts_in_buffer (FERRY_WORKER_TRANSPORT (transport)->sender, parts, n_parts);
}

/* any: tells the application, which hears `closed`. Does nothing where that was done. */
void
ferry_worker_transport_stop (FerryTransport *transport)
{
  ferry_sender_stop (FERRY_WORKER_TRANSPORT (transport)->sender, NULL);
}

static void
ferry_worker_transport_finalize (GObject *object)
{
  g_clear_object (&FERRY_WORKER_TRANSPORT (object)->sender);

  G_OBJECT_CLASS (ferry_worker_transport_parent_class)->finalize (object);
}

static void
ferry_worker_transport_class_init (FerryWorkerTransportClass *klass)
{
  FerryTransportClass *transport_class = FERRY_TRANSPORT_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ferry_worker_transport_finalize;
  transport_class->send = ferry_worker_transport_send;
  transport_class->close = ferry_worker_transport_stop;
}

static void
ferry_worker_transport_init (FerryWorkerTransport *self)
{
}

FerryTransport *
ferry_worker_transport_new (FerrySender *sender)
{
  FerryWorkerTransport *self = g_object_new (FERRY_TYPE_WORKER_TRANSPORT, NULL);

  ferry_transactions_set_max_answer (ferry_transport_get_transactions (FERRY_TRANSPORT (self)),
                                     ferry_sender_get_max_message_size (sender));
  ferry_transport_set_buffer_func (FERRY_TRANSPORT (self), send_in_buffer);
  self->sender = g_object_ref (sender);
  return FERRY_TRANSPORT (self);
}
