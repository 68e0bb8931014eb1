/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A heap of times. One thread at a time. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A time, as a member of the structure that it is for. Must be zeroed before the first use. */
typedef struct
{
  gint64 time;    /* monotonic, in microseconds */
  guint position; /* index in the heap, from 1 on; 0: not set */
} FerryDeadline;

/* A heap, as a member of its owner. */
typedef struct
{
  /* (owned) (element-type FerryDeadline): elements unowned; index 1 of the heap is the array's element 0 */
  GPtrArray *heap;
} FerryDeadlines;

void ferry_deadlines_init (FerryDeadlines *self);
/* Unsets all deadlines that are still set. */
void ferry_deadlines_clear (FerryDeadlines *self);
void ferry_deadlines_set (FerryDeadlines *self, FerryDeadline *deadline, gint64 time);
void ferry_deadlines_unset (FerryDeadlines *self, FerryDeadline *deadline);
/* Moves all deadlines by that many microseconds. */
void ferry_deadlines_move (FerryDeadlines *self, gint64 time);

static inline gboolean
ferry_deadline_is_set (const FerryDeadline *deadline)
{
  return deadline->position != 0;
}

static inline guint
ferry_deadlines_get_n (const FerryDeadlines *self)
{
  return self->heap->len;
}

/* Returns (transfer none) (nullable) the earliest deadline. */
static inline FerryDeadline *
ferry_deadlines_peek (const FerryDeadlines *self)
{
  return self->heap->len > 0 ? g_ptr_array_index (self->heap, 0) : NULL;
}

G_END_DECLS
