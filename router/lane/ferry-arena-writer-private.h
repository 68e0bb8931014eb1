/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's end of an arena: the allocator of its buffers. The arena is mapped with the first buffer, since a
 * process may have less address space than it takes.
 *
 * A buffer gets the lowest place that is large enough: memory that was used before is mapped and warm.
 *
 * Owner:     the uplink.
 * Threads:   any, by turns under the lock. No thread sleeps while it holds the lock.
 * Trust:     released bits count only for buffers that were sent. */

#pragma once

#include <pthread.h>

#include "lane/ferry-arena-private.h"

G_BEGIN_DECLS

typedef struct
{
  gsize offset;
  gsize size; /* a multiple of FERRY_ARENA_UNIT */
} FerryArenaRange;

typedef struct
{
  int memory;   /* const, as the next two: (owned): the segment's descriptor, or -1 where an arena was given */
  gsize offset; /* of the arena in memory */
  gsize size;

  pthread_mutex_t lock;
  FerryArena *arena;                                  /* lock; const once it is mapped: (owned) (nullable) */
  guint64 in_use;                                     /* lock, as the rest: bit n: there is a buffer n */
  guint64 sent;                                       /* bit n: the application has it */
  gsize sent_size;                                    /* of those */
  guint64 spare;                                      /* bit n: it was reserved as a spare buffer */
  gsize spare_size;                                   /* of those */
  FerryArenaRange ranges[FERRY_MAX_BUFFERS_PER_LINK]; /* of buffers, by number */
  GArray *gaps;                                       /* (element-type FerryArenaRange): in order; no two touch */
  guint32 epoch;                                      /* of writer_waiting */
} FerryArenaWriter;

FerryArenaWriter *ferry_arena_writer_new (FerryArena *arena);
FerryArenaWriter *ferry_arena_writer_new_later (int memory, gsize offset, gsize size);
gboolean ferry_arena_writer_open (FerryArenaWriter *self, GError **error);
void ferry_arena_writer_free (FerryArenaWriter *self);

void ferry_arena_writer_pin (FerryArenaWriter *self);
gsize ferry_arena_writer_get_capacity (const FerryArenaWriter *self);
gboolean ferry_arena_writer_reserve (FerryArenaWriter *self, gsize size, FerryBufferMessage *message);
gboolean ferry_arena_writer_reserve_spare (FerryArenaWriter *self, gsize size, FerryBufferMessage *message);
gboolean ferry_arena_writer_arm (FerryArenaWriter *self);
void ferry_arena_writer_give_back (FerryArenaWriter *self, guint32 number);
void ferry_arena_writer_ring (FerryArenaWriter *self);
void ferry_arena_writer_set_sent (FerryArenaWriter *self, guint32 number, gboolean sent);

G_END_DECLS
