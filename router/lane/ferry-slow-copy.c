/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A copy of a part of an arena, on a thread of its own. See ferry-arena-private.h. */

#include "config.h"

#include "lane/ferry-arena-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

struct _FerrySlowCopy
{
  _Atomic gint references;
  FerryArena *arena; /* const: (owned) */
  gsize offset;      /* const: of the bytes in the arena; size is const too */
  gsize size;
  guint8 *bytes;            /* (owned): for the copying thread until is_done is set */
  _Atomic gboolean is_done; /* stored with release order by the copying thread */
  GDestroyNotify done;
  gpointer data;
};

void
ferry_slow_copy_unref (FerrySlowCopy *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  ferry_arena_unref (self->arena);
  g_free (self->bytes);
  g_free (self);
}

static gpointer
copy (gpointer data)
{
  FerrySlowCopy *self = data;

  memcpy (self->bytes, self->arena->memory + self->offset, self->size);
  atomic_store_explicit (&self->is_done, TRUE, memory_order_release);
  self->done (self->data);
  ferry_slow_copy_unref (self);
  return NULL;
}

FerrySlowCopy *
ferry_slow_copy_begin (FerryArena *arena, gsize offset, gsize size, GDestroyNotify done, gpointer data)
{
  FerrySlowCopy *self = g_new (FerrySlowCopy, 1);

  *self = (FerrySlowCopy){
    .references = 2,
    .arena = ferry_arena_ref (arena),
    .offset = offset,
    .size = size,
    .bytes = g_malloc (size),
    .done = done,
    .data = data,
  };
  ferry_thread_run_aside ("ferry-copier", copy, self);
  return self;
}

gboolean
ferry_slow_copy_is_done (FerrySlowCopy *self)
{
  return atomic_load_explicit (&self->is_done, memory_order_acquire);
}

const guint8 *
ferry_slow_copy_get_bytes (FerrySlowCopy *self)
{
  return self->bytes;
}
