/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's end of an arena: the allocator of its buffers. The arena is mapped when the first buffer is made,
 * because a process may have less address space than the arena takes.
 *
 * A buffer gets the lowest range of the arena that is large enough. Memory at low offsets was probably used before, so
 * its pages are mapped and in the processor's cache.
 *
 * Owner:     the uplink.
 * Threads:   any, one at a time, under the lock. No thread sleeps while it holds the lock.
 * Trust:     bits in released count only for buffers that were sent. */

#pragma once

#include <pthread.h>

#include "lane/ferry-arena-private.h"

G_BEGIN_DECLS

typedef struct
{
  gsize offset;
  gsize size; /* in bytes; a multiple of FERRY_ARENA_UNIT */
} FerryArenaRange;

typedef struct
{
  FerryArenaControl *control; /* const: (unowned), like memory and size; must stay mapped */
  int memory;                 /* (owned): the arena's descriptor, or -1 where a mapped arena was passed */
  gsize size;

  pthread_mutex_t lock;
  /* lock: (owned) (nullable): NULL until the arena is mapped; const afterwards */
  FerryArena *arena;
  guint64 in_use;                                     /* lock, like all fields below. Bit n: buffer n is allocated */
  guint64 sent;                                       /* bit n: the application has buffer n */
  gsize sent_size;                                    /* bytes of the buffers in sent */
  guint64 spare;                                      /* bit n: buffer n was reserved as a spare buffer */
  gsize spare_size;                                   /* bytes of the buffers in spare */
  FerryArenaRange ranges[FERRY_MAX_BUFFERS_PER_LINK]; /* the ranges of the buffers, indexed by their numbers */
  /* (element-type FerryArenaRange): the free ranges, ordered by offset; neighbours are joined */
  GArray *gaps;
  gsize used_to; /* the end of the highest range that was ever in use */
  guint32 epoch; /* the value that was stored in writer_waiting last */
} FerryArenaWriter;

FerryArenaWriter *ferry_arena_writer_new (FerryArena *arena);
FerryArenaWriter *ferry_arena_writer_new_later (FerryArenaControl *control, int memory, gsize size);
gboolean ferry_arena_writer_open (FerryArenaWriter *self, GError **error);
void ferry_arena_writer_free (FerryArenaWriter *self);

void ferry_arena_writer_pin (FerryArenaWriter *self);
gsize ferry_arena_writer_get_capacity (const FerryArenaWriter *self);
gboolean ferry_arena_writer_reserve (FerryArenaWriter *self, gsize size, FerryBufferMessage *message);
gboolean ferry_arena_writer_reserve_spare (FerryArenaWriter *self, gsize size, FerryBufferMessage *message);
gboolean ferry_arena_writer_arm (FerryArenaWriter *self);
void ferry_arena_writer_give_back (FerryArenaWriter *self, guint32 number);
void ferry_arena_writer_ring (FerryArenaWriter *self);
gboolean ferry_arena_writer_tidy (FerryArenaWriter *self, gsize *position);
void ferry_arena_writer_set_sent (FerryArenaWriter *self, guint32 number, gboolean sent);

G_END_DECLS
