/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The arena of a link: the memory of the link's buffers, as one process has it mapped.
 *
 * The worker allocates a buffer, writes into it, and publishes a record with the buffer's offset and size. The
 * application reads the buffer in place, and then returns it to the worker. The memory stays mapped in both processes
 * and is used again, because the first access to each new page costs a page fault.
 *
 * Owner:     counted references. In the application each buffer has a reference, so the arena may outlive the link.
 * Threads:   any.
 * Trust:     none in the worker, which may change a buffer at any time, also while the application reads it. So the
 *            application first copies the buffers of a worker that is not trusted. ferry_arena_take() checks the record
 *            of each buffer.
 * Invariant: a buffer's bit in held is set when its record is taken, and cleared when the buffer is returned. A worker
 *            that uses the buffer's number in between breaks the protocol. */

#pragma once

#include <stdatomic.h>

#include "wire/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef struct
{
  FerryArenaControl *control; /* const: (unowned), like all up to is_writer except memory and mapped */
  /* (owned) (nullable): the application's mapping of the segment's words: buffers outlive the link's memory */
  guint8 *control_pages;
  /* monitor, and const from the first buffer on: (owned): a mapping of the arena's file; the offsets in records count
   * from here */
  guint8 *memory;
  gsize mapped; /* monitor: bytes at memory; in the application less than size until the first buffer */
  gsize size;
  gboolean is_writer;

  _Atomic gint references;
  /* this field and the fields below are for the application only. Bit n: the application has buffer n */
  _Atomic guint64 held;
  _Atomic guint32 rung; /* the value of writer_waiting at the latest ring: for each value the bell is rung once */

  /* the records of the buffers that the application has, indexed by their numbers */
  FerryBufferMessage taken[FERRY_MAX_BUFFERS_PER_LINK];
  gboolean is_used;          /* monitor: a buffer came since the last ferry_arena_tidy() */
  _Atomic gboolean is_quiet; /* no buffer came for long: a buffer's pages go to the system before it is returned */
  _Atomic guint64 freeing;   /* bit n: a thread frees the pages of buffer n, and then returns the buffer */
} FerryArena;

/* Returns how many bytes of the arena a buffer of size bytes takes. */
static inline gsize
ferry_arena_round_up (gsize size)
{
  return (size + FERRY_ARENA_UNIT - 1) & ~(gsize) (FERRY_ARENA_UNIT - 1);
}

/* Returns the size of an arena for buffers of capacity bytes together, at most an eighth of what a pointer reaches; 0
 * for a capacity of 0. */
static inline gsize
ferry_arena_size_for (guint64 capacity)
{
  return ferry_arena_round_up (MIN (capacity, MIN (FERRY_MAX_ARENA_SIZE, G_MAXSIZE / 8)));
}

int ferry_arena_memory_new (gsize size, GError **error);
gboolean ferry_arena_memory_check (int fd, guint64 size, GError **error);
FerryArena *ferry_arena_new_writer (FerryArenaControl *control, int fd, gsize mapped, gsize size, GError **error);
FerryArena *ferry_arena_new_reader (int segment, int fd, gsize size, GError **error);
gboolean ferry_arena_map_rest (FerryArena *self);
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
