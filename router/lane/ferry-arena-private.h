/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The arena of a link: the memory of its buffers, as one process has it mapped.
 *
 * The worker gives out pieces of it, writes into them and says in a record which piece is a buffer; the application
 * reads it where it lies, and lets go of it. The memory stays mapped at both ends, and is used again: whoever fills
 * fresh memory pays for each of its pages.
 *
 * Owner:     counted references. In the application each buffer that is kept holds one: it outlives the link.
 * Threads:   any.
 * Trust:     the worker may change what lies in a buffer at any time, also while it is read. Whoever does not trust it
 *            copies first. What a record says of a buffer is checked by ferry_arena_take().
 * Invariant: a buffer's bit is set in held from the moment that its record was taken until it is let go of; a worker
 *            that uses its number meanwhile breaks the protocol. */

#pragma once

#include <stdatomic.h>

#include "lane/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef struct
{
  FerryArenaControl *control; /* const, as what follows: (owned): a mapping of its own */
  guint8 *memory;             /* (owned): all of it, so that offsets are those of records */
  gsize size;
  gboolean is_writer;

  _Atomic gint references;
  _Atomic guint64 held; /* the application's, as what follows: bit n: it has buffer n */
  _Atomic guint32 rung; /* epoch of writer_waiting that was last rung for */

  FerryBufferMessage taken[FERRY_MAX_BUFFERS_PER_LINK]; /* of the latest buffer of each number, while that is ours */
  gboolean is_used;                                     /* monitor: a buffer came since it was tidied last */
  _Atomic gboolean is_quiet; /* none came for long: what is let go of goes to the system first */
  _Atomic guint64 returning; /* bit n: buffer n goes to the system, and is let go of then */
} FerryArena;

/* An arena whose buffers take capacity bytes together. */
static inline gsize
ferry_arena_size_for (guint64 capacity)
{
  gsize share = (capacity + FERRY_ARENA_UNIT - 1) & ~(guint64) (FERRY_ARENA_UNIT - 1);

  return capacity > 0 ? FERRY_ARENA_CONTROL_SIZE + share : 0;
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
