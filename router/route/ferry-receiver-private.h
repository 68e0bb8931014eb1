/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <stdatomic.h>

#include "route/ferry-home-private.h"
#include "route/ferry-receiver.h"

G_BEGIN_DECLS

/* What a receiver that is abandoned, as when its owner was disposed, calls to have its pipe closed. May run on any
 * thread. */
typedef void (*FerryReceiverAbandonedFunc) (FerryReceiver *receiver, gpointer router);

struct _FerryReceiver
{
  GObject parent_instance;

  FerryHome *home;              /* const: (owned): the router's */
  guint64 connection_id;        /* const */
  FerryReceiverHandler handler; /* main, as what follows */
  gpointer handler_data;
  GDestroyNotify handler_destroy;
  void (*run_ended) (gpointer handler_data); /* (nullable): behind a few messages that the handler got in a row */
  GBytes *large; /* (unowned) (nullable): the message with which the handler is called, where that can be kept */
  guint64 messages;
  guint64 undelivered;
  guint64 overtaken;
  FerryExit *exit; /* (owned) (nullable): set when the pipe is closed by its other end */
  gboolean closed;
  gboolean internal; /* of a layer above, which looks after it: its pipe may be open when the router stops */

  gboolean bound;         /* main: the owner's weak notification holds a reference to this receiver */
  GWeakRef owner;         /* any */
  _Atomic gint abandoned; /* any: nothing may arrive, as after the end of the owner */
  FerryReceiverAbandonedFunc abandoned_func; /* const */
  GWeakRef router;
};

FerryReceiver *ferry_receiver_new (guint64 connection_id, GObject *router, FerryHome *home,
                                   FerryReceiverAbandonedFunc abandoned_func);
void ferry_receiver_abandon (FerryReceiver *self);
void ferry_receiver_emit_message (FerryReceiver *self, GVariant *message);
void ferry_receiver_emit_buffer (FerryReceiver *self, GVariant *metadata, GBytes *buffer);
void ferry_receiver_emit_closed (FerryReceiver *self, FerryExit *exit);

/* In ferry-router.c. */
void ferry_receiver_flush_latest (FerryReceiver *receiver);

static inline gboolean
ferry_receiver_is_abandoned (FerryReceiver *self)
{
  /* Relaxed: a disposal on another thread is only ordered against a dispatch by whoever joins the two. */
  return atomic_load_explicit (&self->abandoned, memory_order_relaxed) != 0;
}

G_END_DECLS
