/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The arena of a link: the memory of its buffers, as one process has it mapped.
 *
 * The worker allocates a buffer, writes into it, and publishes a record with its place. The application reads the
 * buffer where it lies, and returns it. The memory stays mapped at both ends and is used again, since each fresh page
 * costs a fault.
 *
 * Owner:     counted references. In the application each buffer holds one, so the arena outlives the link.
 * Threads:   any.
 * Trust:     the worker may change a buffer at any time, also while the application reads it. So buffers of a worker
 *            that is not trusted are copied first. ferry_arena_take() checks the record of each buffer.
 * Invariant: a buffer's bit is set in held from the moment that its record was taken until the buffer is returned. A
 *            worker that uses its number meanwhile breaks the protocol. */

#pragma once

#include <stdatomic.h>

#include "lane/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef struct
{
  FerryArenaControl *control; /* const, as the next three: (owned): a mapping of its own */
  guint8 *memory;             /* (owned): the whole arena, so that the offsets of records count from here */
  gsize size;
  gboolean is_writer;

  _Atomic gint references;
  _Atomic guint64 held; /* application only, as the rest: bit n: the application has buffer n */
  _Atomic guint32 rung; /* epoch of writer_waiting that was last rung for */

  FerryBufferMessage taken[FERRY_MAX_BUFFERS_PER_LINK]; /* by number: the buffers that the application has */
  gboolean is_used;                                     /* monitor: a buffer came since the last tidying */
  _Atomic gboolean is_quiet; /* none came for long: the pages of a buffer are freed before it is returned */
  _Atomic guint64 freeing;   /* bit n: the pages of buffer n are being freed; then it is returned */
} FerryArena;

/* The bytes of the arena that size bytes of buffers take. */
static inline gsize
ferry_arena_round_up (gsize size)
{
  return (size + FERRY_ARENA_UNIT - 1) & ~(gsize) (FERRY_ARENA_UNIT - 1);
}

/* The size of an arena for buffers of capacity bytes together. */
static inline gsize
ferry_arena_size_for (guint64 capacity)
{
  return capacity > 0 ? FERRY_ARENA_CONTROL_SIZE + ferry_arena_round_up (capacity) : 0;
}

FerryArena *ferry_arena_new (int fd, gsize offset, gsize size, gboolean is_writer, GError **error);
FerryArena *ferry_arena_ref (FerryArena *self);
void ferry_arena_unref (FerryArena *self);
void ferry_arena_ring (FerryArena *self);
void ferry_arena_set_copied (FerryArena *self);
guint ferry_arena_count_held (FerryArena *self);
gboolean ferry_arena_tidy (FerryArena *self);

const char *ferry_arena_take (FerryArena *self, const FerryBufferMessage *message);
void ferry_arena_let_go (FerryArena *self, guint32 number);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryArena, ferry_arena_unref)

G_END_DECLS
