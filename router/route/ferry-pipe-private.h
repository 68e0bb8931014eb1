/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The routing table: pipes by slot. The entry of a pipe stays until the pipe's link has ended, also when the pipe was
 * closed. So later messages of the pipe are recognised, and its slot is not reused before the link's end.
 *
 * Owner:   the router owns the table. References to a pipe are counted: the table has one, and the sender in the
 *          application has one.
 * Threads: the router's thread, unless a function or a field says otherwise. */

#pragma once

#include "engine/ferry-local-queue-private.h"
#include "engine/ferry-monitor-private.h"
#include "engine/ferry-pingee-private.h"
#include "route/ferry-receiver-private.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

typedef struct
{
  _Atomic gint references;    /* any */
  _Atomic gint state;         /* any: whether the sender is taken, and whether the pipe is closed */
  _Atomic (FerryLink *) link; /* any: (owned) (nullable): of a local sender of a pipe for latest values */
  guint64 connection_id;      /* const */
  FerryReceiver *receiver;    /* (owned) (nullable): NULL when the pipe is closed */
  GPtrArray *types;           /* (owned) (element-type GVariantType): the announced types, number 1 first */
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
