/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport's own, for the files that make it up. */

#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "call/ferry-berths-private.h"
#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryTransactions *transactions;                                        /* const: (owned) */
  gboolean (*cancel) (FerryTransport *self, guint64 xid, guint16 reason); /* const: (nullable) */
  /* const: (nullable) */
  gboolean (*send_in_buffer) (FerryTransport *self, const FerryPart *parts, guint n_parts);
  _Atomic (GThread *) receiving_thread; /* (unowned) (nullable) */
  FerryBerths berths;
  GMainContext *context;   /* const: (owned) (nullable) */
  GThread *context_thread; /* const: (unowned) (nullable) */
  gboolean disowned;       /* const, but for who has forked */
  _Atomic guint64 room_count;
  _Atomic guint n_waiting;
  _Atomic guint n_kept; /* the lock to write: how many are in kept */

  pthread_mutex_t lock;
  pthread_cond_t room;
  pthread_cond_t closed;            /* apart from room, of which each message may make some */
  FerryTransportCallFunc call_func; /* lock: (nullable), as the next one */
  GObject *call_owner;              /* lock: (unowned) (nullable) */
  FerryTransportEndFunc owner_func; /* lock: (nullable): tells the next one of the end */
  GObject *owner;                   /* lock: (unowned) (nullable) */
  GQueue early;                     /* lock: (element-type FerryCall) (owned) */
  GQueue kept;                      /* lock: (element-type Kept) (owned): what waits for room */
  GError *refusal;                  /* lock: (owned) (nullable): why nobody takes calls any more */
  GError *reason;                   /* lock: (owned) (nullable): why it is closed */
  GDestroyNotify end_func;          /* lock: (nullable): NULL once it was called */
  gpointer end_data;                /* lock */
} FerryTransportPrivate;

/* What could not be sent where nobody may wait. */
typedef struct
{
  FerryTransportSendFunc func;
  gpointer data;
} Kept;

FerryTransportPrivate *ferry_transport_get_private (FerryTransport *self);
/* With the lock: has those look who wait for room. */
void ferry_transport_wake_waiting (FerryTransportPrivate *priv);

G_END_DECLS
