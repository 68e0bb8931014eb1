/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <stdatomic.h>

#include "engine/ferry-affinity-private.h"
#include "route/ferry-receiver.h"

G_BEGIN_DECLS

/* any: makes the router's thread end the pipe of a receiver that is abandoned, or whose sender was dropped unstarted.
 */
typedef void (*FerryReceiverEndFunc) (FerryReceiver *receiver, gpointer router);

struct _FerryReceiver
{
  GObject parent_instance;

  FerryAffinity *affinity;      /* const: (owned): the router's affinity */
  guint64 connection_id;        /* const */
  gboolean keeps_types;         /* const: a type at one address is the same type as long as the pipe is open */
  FerryReceiverHandler handler; /* main, as all fields up to internal */
  gpointer handler_data;
  GDestroyNotify handler_destroy;
  GBytes *large; /* (unowned) (nullable): the handler's present message, if it is large and may be kept */
  guint64 messages;
  guint64 undelivered;
  guint64 overtaken;
  FerryExit *exit; /* (owned) (nullable): set when the pipe was not closed by its receiver */
  gboolean closed;
  char *sender_name; /* main: (owned) (nullable): for messages: the sender, and the worker that it was passed to */
  gboolean internal; /* the library made it: no warning if its pipe is open when the router stops */

  gboolean bound;                /* main: the owner's weak notification holds a reference to this receiver */
  GWeakRef owner;                /* any */
  _Atomic gint abandoned;        /* any: nothing is delivered any more, for example as the owner was disposed */
  FerryReceiverEndFunc end_func; /* const */
  /* const: (owned) (nullable): the router's own, which all of its receivers share: an object searches all weak
   * references to it for each that goes */
  GWeakRef *router;
};

/* router: an atomic reference-counted box, which the receiver takes a reference to
 * latest: whether the pipe carries latest values, each of which comes with its type */
void ferry_receiver_set_sender_name (FerryReceiver *self, const char *name, const char *worker);
FerryReceiver *ferry_receiver_new (guint64 connection_id, gboolean latest, GWeakRef *router, FerryAffinity *affinity,
                                   FerryReceiverEndFunc end_func);
/* any: returns (transfer full) (nullable): the router, while it lives */
gpointer ferry_receiver_dup_router (FerryReceiver *self);
guint64 ferry_receiver_get_connection_id (FerryReceiver *self);
/* any: makes the router's thread end the pipe */
void ferry_receiver_end (FerryReceiver *self);
void ferry_receiver_abandon (FerryReceiver *self);
void ferry_receiver_emit_message (FerryReceiver *self, GVariant *message);
void ferry_receiver_emit_buffer (FerryReceiver *self, GVariant *metadata, GBytes *buffer);
void ferry_receiver_emit_closed (FerryReceiver *self, FerryExit *exit);

static inline gboolean
ferry_receiver_is_abandoned (FerryReceiver *self)
{
  /* Relaxed: only the application can order a disposal on another thread before or after a dispatch. */
  return atomic_load_explicit (&self->abandoned, memory_order_relaxed) != 0;
}

G_END_DECLS
