/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <stdatomic.h>

#include "route/ferry-home-private.h"
#include "route/ferry-receiver.h"

G_BEGIN_DECLS

/* any: has the pipe of an abandoned receiver closed. */
typedef void (*FerryReceiverAbandonedFunc) (FerryReceiver *receiver, gpointer router);

struct _FerryReceiver
{
  GObject parent_instance;

  FerryHome *home;              /* const: (owned): the router's */
  guint64 connection_id;        /* const */
  FerryReceiverHandler handler; /* main, as what follows */
  gpointer handler_data;
  GDestroyNotify handler_destroy;
  void (*run_ended) (gpointer handler_data); /* (nullable): called after a few messages that came in a row */
  GBytes *large; /* (unowned) (nullable): the message that the handler is called with, if it may be kept */
  guint64 messages;
  guint64 undelivered;
  guint64 overtaken;
  FerryExit *exit; /* (owned) (nullable): set when the pipe is closed by its other end */
  gboolean closed;
  gboolean internal; /* a layer above has it: no warning where its pipe is open when the router stops */

  gboolean bound;                            /* main: the owner's weak notification has a reference to this receiver */
  GWeakRef owner;                            /* any */
  _Atomic gint abandoned;                    /* any: nothing may arrive any more; the owner was disposed, for example */
  FerryReceiverAbandonedFunc abandoned_func; /* const */
  GWeakRef router;
};

FerryReceiver *ferry_receiver_new (guint64 connection_id, GObject *router, FerryHome *home,
                                   FerryReceiverAbandonedFunc abandoned_func);
void ferry_receiver_abandon (FerryReceiver *self);
void ferry_receiver_emit_message (FerryReceiver *self, GVariant *message);
void ferry_receiver_emit_buffer (FerryReceiver *self, GVariant *metadata, GBytes *buffer);
void ferry_receiver_emit_closed (FerryReceiver *self, FerryExit *exit);

/* main, within a handler: delivers the newest value of the pipe now, if it was not delivered yet. So what the handler
 * does next comes after it. In ferry-router.c. */
void ferry_receiver_flush_latest (FerryReceiver *receiver);

static inline gboolean
ferry_receiver_is_abandoned (FerryReceiver *self)
{
  /* Relaxed: a disposal on another thread is ordered against a dispatch only by the application. */
  return atomic_load_explicit (&self->abandoned, memory_order_relaxed) != 0;
}

G_END_DECLS
