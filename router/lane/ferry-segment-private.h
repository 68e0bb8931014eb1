/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The shared memory of a link, and its unmapping. */

#pragma once

#include "wire/ferry-lane-layout.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint8 *base;         /* the lane controls, the link control and the pipe table: FERRY_SEGMENT_EXPRESS_RING bytes */
  guint8 *up_ring;      /* 2 * up_capacity bytes of address space */
  guint8 *down_ring;    /* 2 * FERRY_DOWN_CAPACITY bytes of address space */
  guint8 *express_ring; /* FERRY_EXPRESS_CAPACITY bytes */
  FerryCell *cells;     /* (nullable): n_cells cells; NULL where n_cells is 0 */
  gsize up_capacity;
  guint n_cells;
  gsize size; /* bytes of the memfd */
} FerrySegment;

gboolean ferry_segment_create (FerrySegment *self, gsize up_capacity, guint n_cells, int *fd, GError **error);
gboolean ferry_segment_map (FerrySegment *self, int fd, gsize up_capacity, guint n_cells, GError **error);
void ferry_segment_clear (FerrySegment *self);
/* Unmaps the segment like ferry_segment_clear(), but on another thread: the last unmapping frees all pages of the
 * memory. */
void ferry_segment_clear_soon (FerrySegment *self);
/* Makes a memfd of size bytes that can be sealed and that cannot be executed. Returns its descriptor, which the caller
 * owns, or -1. All memory that Ferry shares is sized here: beyond RLIMIT_FSIZE, the kernel would end the process by
 * SIGXFSZ, so the limit is looked at first. Fails with FERRY_ERROR_TOO_LARGE and FERRY_ERROR_SYSTEM. */
int ferry_memfd_new (const char *name, gsize size, GError **error);
int ferry_sealed_memory_new (const char *name, gsize size, GError **error);
gboolean ferry_sealed_memory_check (int fd, gsize size, GError **error);

static inline FerryLaneControl *
ferry_segment_get_up (FerrySegment *self)
{
  return (FerryLaneControl *) (void *) (self->base + FERRY_SEGMENT_UP_CONTROL);
}

static inline FerryLaneControl *
ferry_segment_get_down (FerrySegment *self)
{
  return (FerryLaneControl *) (void *) (self->base + FERRY_SEGMENT_DOWN_CONTROL);
}

static inline FerryLaneControl *
ferry_segment_get_express (FerrySegment *self)
{
  return (FerryLaneControl *) (void *) (self->base + FERRY_SEGMENT_EXPRESS_CONTROL);
}

static inline FerryLinkControl *
ferry_segment_get_control (FerrySegment *self)
{
  return (FerryLinkControl *) (void *) (self->base + FERRY_SEGMENT_LINK_CONTROL);
}

static inline FerryArenaControl *
ferry_segment_get_arena_control (FerrySegment *self)
{
  return (FerryArenaControl *) (void *) (self->base + FERRY_SEGMENT_ARENA_CONTROL);
}

static inline _Atomic guint32 *
ferry_segment_get_pipe_word (FerrySegment *self, guint index)
{
  return (_Atomic guint32 *) (void *) (self->base + FERRY_SEGMENT_PIPE_TABLE) + index;
}

/* ---- Unmapping: ferry-unmap.c ---- */

void ferry_unmap_soon (gpointer data, gsize size);
void ferry_unmap_aside (gpointer data, gsize size);

G_END_DECLS
