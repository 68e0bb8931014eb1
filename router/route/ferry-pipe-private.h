/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A pipe in the application: its receiver, its entry in the routing table, and the table. The router's thread, unless a
 * function or a field says otherwise. */

#pragma once

#include <stdatomic.h>

#include "engine/ferry-affinity-private.h"
#include "engine/ferry-local-queue-private.h"
#include "engine/ferry-monitor-private.h"
#include "engine/ferry-pingee-private.h"
#include "route/ferry-receiver.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

/* any: makes the router's thread end the pipe of a receiver that is abandoned, or whose sender was dropped unstarted.
 */
typedef void (*FerryReceiverEndFunc) (FerryReceiver *receiver, gpointer router);

struct _FerryReceiver
{
  GObject parent_instance;

  FerryAffinity *affinity;      /* const: (owned): the router's affinity */
  guint64 connection_id;        /* const */
  FerryReceiverHandler handler; /* main, as all fields up to internal */
  gpointer handler_data;
  GDestroyNotify handler_destroy;
  GBytes *large;             /* (unowned) (nullable): the handler's present message, if it is large and may be kept */
  FerryValueVerdict verdict; /* on the value of the handler's present message, as in its block */
  guint64 messages;
  guint64 undelivered;
  guint64 overtaken;
  guint64 handler_time;   /* microseconds that deliveries to it took */
  guint64 slowest;        /* the most that one of them took, on average of those between two readings of the clock */
  _Atomic guint64 credit; /* any: see FerryReceiver:credit */
  FerryExit *exit;        /* (owned) (nullable): set when the pipe was not closed by its receiver */
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
FerryReceiver *ferry_receiver_new (guint64 connection_id, GWeakRef *router, FerryAffinity *affinity,
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

typedef struct
{
  _Atomic gint references;    /* any */
  _Atomic gint state;         /* any: whether the sender is taken, and whether the pipe is closed */
  _Atomic (FerryLink *) link; /* any: (owned) (nullable): that of this pipe alone, where its sender has one */
  guint64 connection_id;      /* const */
  FerryReceiver *receiver;    /* (owned) (nullable): NULL when the pipe is closed */
  GPtrArray *types;           /* (owned) (element-type GVariantType): the announced types, number 1 first */
  guint64 checked[4];         /* a bit for each of them, from the lowest: whether it is ferry_layout_is_checked() */
  FerryCellWatch *watch;      /* (owned) (nullable): of a pipe for latest values, after its sender was taken */
  guint64 dropped;            /* how many messages came after the pipe was closed */
  FerryMonitor *monitor;      /* const: (owned) */
  GThread *router_thread;     /* const: (unowned): only compared */
  gsize lane_capacity;        /* const */
  guint64 max_message_size;   /* const */
  FerryPipeFlags flags;       /* const */
} FerryPipe;

typedef struct
{
  GPtrArray *slots;   /* (owned) (element-type FerryPipe) (nullable elements) */
  GArray *free_slots; /* (owned) (element-type guint): slots that are not in use */
  guint64 n_uses;     /* how many connection ids were made; in the high bits of the latest id */
  guint n_open;
} FerryPipes;

FerryPipe *ferry_pipe_ref (FerryPipe *self);
/* any */
void ferry_pipe_unref (FerryPipe *self);
/* any: marks the sender as taken: started in this process, or passed to a worker. Returns FALSE if it is taken already,
 * or the pipe is closed. */
gboolean ferry_pipe_take (FerryPipe *self);
/* any: closes the pipe. Returns TRUE if the sender is not taken; then it can never be taken. For a sender that is
 * taken, ferry_router_close_pipe() then also closes the pipe on the monitor: see ferry_pipe_add_link(). */
gboolean ferry_pipe_close (FerryPipe *self);
/* any */
gboolean ferry_pipe_is_closed (FerryPipe *self);
/* any: returns (transfer full) (nullable) a link that has this pipe only. */
FerryLink *ferry_pipe_new_link (FerryPipe *self, const char *name, GError **error);
/* any: adds the pipe's own link, after its sender was taken, to the monitor. */
gboolean ferry_pipe_add_link (FerryPipe *self, FerryLink *link, GError **error);
/* any: returns (nullable) the pipe's own link, once its sender was started in this process, or given to a task. */
static inline FerryLink *
ferry_pipe_get_link (FerryPipe *self)
{
  /* Acquire: pairs with ferry_pipe_add_link(). */
  return atomic_load_explicit (&self->link, memory_order_acquire);
}

/* Returns (nullable) the watch of an open pipe with a cell that can be read. */
FerryCellWatch *ferry_pipe_get_watch (FerryPipe *self);

void ferry_pipes_init (FerryPipes *self);
/* Adds a pipe without a receiver, with a connection id that no pipe of this table has had before. */
FerryPipe *ferry_pipes_add (FerryPipes *self, GError **error);
/* Frees a pipe that has no link any more, and its slot. */
void ferry_pipes_remove (FerryPipes *self, FerryPipe *pipe);
/* Empties the table. Returns (transfer full) (element-type FerryPipe) (nullable elements) the pipes. */
GPtrArray *ferry_pipes_take_all (FerryPipes *self);
void ferry_pipes_clear (FerryPipes *self);

/* (nullable): returns the pipe with that connection id. */
static inline FerryPipe *
ferry_pipes_find (FerryPipes *self, guint64 connection_id)
{
  guint slot = ferry_connection_id_get_slot (connection_id);
  FerryPipe *pipe = slot < self->slots->len ? g_ptr_array_index (self->slots, slot) : NULL;

  return pipe != NULL && pipe->connection_id == connection_id ? pipe : NULL;
}

G_END_DECLS
