/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host does for a queue whose application may be off. The router's thread. */

#pragma once

#include "cluster/ferry-host-service-private.h"
#include "cluster/ferry-server-access-private.h"
#include "pool/ferry-pool.h"

G_BEGIN_DECLS

typedef struct _FerryHostQueue FerryHostQueue;

/* Fetches tasks of the queue from now on, and runs them in the pool. service: what applications that are there ask for
 * goes before. queue: a token. ack_wait: how long another host waits for this one, in microseconds, if it makes the
 * streams. functions: (array zero-terminated=1): those that the host offers. labels: (nullable) (array
 * zero-terminated=1). drained: called once, after ferry_host_queue_drain(), when nothing runs. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS and FERRY_ERROR_SYSTEM. */
FerryHostQueue *ferry_host_queue_new (FerryPool *pool, FerryHostService *service, const FerryBusSettings *settings,
                                      const char *queue, gint64 ack_wait, const char *const *functions,
                                      const char *const *labels, void (*drained) (gpointer data), gpointer data,
                                      GError **error);
/* Fetches no more, and finishes what has begun. */
void ferry_host_queue_drain (FerryHostQueue *self);
/* How many tasks of the queue run here. */
guint ferry_host_queue_get_n_running (FerryHostQueue *self);
/* Lets go of what runs: another host gets it when its time is over. */
void ferry_host_queue_free (FerryHostQueue *self);

G_END_DECLS
