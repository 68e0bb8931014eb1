/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of buffers, at both ends of a link. */

#pragma once

#include "wire/ferry-lane-layout.h"

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>

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

/* ---- The worker's end: ferry-arena-writer.c ---- */

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
