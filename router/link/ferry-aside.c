/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Copies and checks of a worker's large memory and values, on a thread of its own, so that no other link waits. A
 * hostile worker can make page faults of its arena last without end, and the monitor has other links to serve. So that
 * thread makes copies where they have taken long. It also checks large values, since a million strings take 10 ms.
 *
 * Threads: the monitor begins and ends the work. The working thread has a reference of its own, so the monitor may drop
 *          its reference before the work is done. */

#include "config.h"

#include "link/ferry-aside-private.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ferry-thread-private.h"
#include "lane/ferry-segment-private.h"
#include "wire/ferry-call-judgement-private.h"

struct _FerryAside
{
  _Atomic gint references;
  FerryArena *arena; /* const, as all up to size: a copy: (owned): where the bytes are. A judgement: NULL */
  gsize offset;      /* a copy: where they begin */
  gsize size;
  const guint8 *value;       /* a judgement: const: (unowned) (nullable): the bytes */
  char *type;                /* (owned) (nullable): const: their type; NULL for the message of a call */
  GBytes *body;              /* (owned) (nullable): const: the bytes, if they are the value of an answer */
  FerryMemory left;          /* (owned): memory that ends with the work */
  FerryValueVerdict verdict; /* verdict and memory are for the working thread until is_done is set */
  guint8 *memory;            /* (owned) (nullable): the copy */
  _Atomic gboolean is_done;  /* stored with release order by the working thread */
  GDestroyNotify done;
  gpointer data;
};

void
ferry_aside_unref (FerryAside *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  g_free (self->memory);
  if (self->left.capacity > 0)
    ferry_unmap_soon (self->left.data, self->left.capacity);
  else
    g_free (self->left.data);
  g_clear_pointer (&self->arena, ferry_arena_unref);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_free (self->type);
  g_free (self);
}

static void
copy (FerryAside *self)
{
  memcpy (self->memory, self->arena->memory + self->offset, self->size);
}

static void
judge (FerryAside *self)
{
  if (self->body != NULL)
    self->verdict = ferry_answer_judge (self->type, strlen (self->type), self->value, self->size);
  else if (self->type != NULL)
    self->verdict = ferry_layout_judge (self->type, strlen (self->type), self->value, self->size);
  else
    self->verdict = ferry_call_judge (self->value, self->size);
}

static gpointer
work (gpointer data)
{
  FerryAside *self = data;

  if (self->value != NULL)
    judge (self);
  else
    copy (self);
  atomic_store_explicit (&self->is_done, TRUE, memory_order_release);
  self->done (self->data);
  ferry_aside_unref (self);
  return NULL;
}

FerryAside *
ferry_aside_copy (FerryArena *arena, gsize offset, gsize size, GDestroyNotify done, gpointer data)
{
  FerryAside *self = g_new (FerryAside, 1);

  *self = (FerryAside){
    .references = 2,
    .arena = ferry_arena_ref (arena),
    .offset = offset,
    .size = size,
    .memory = g_malloc (size),
    .done = done,
    .data = data,
  };
  ferry_thread_run_aside ("ferry-copier", work, self);
  return self;
}

FerryAside *
ferry_aside_judge (const guint8 *value, gsize size, const char *type, GDestroyNotify done, gpointer data)
{
  FerryAside *self = g_new (FerryAside, 1);

  *self =
    (FerryAside){.references = 2, .value = value, .size = size, .type = g_strdup (type), .done = done, .data = data};
  ferry_thread_run_aside ("ferry-judge", work, self);
  return self;
}

FerryAside *
ferry_aside_judge_answer (GBytes *body, const char *type, gsize length, GDestroyNotify done, gpointer data)
{
  FerryAside *self = g_new (FerryAside, 1);

  *self = (FerryAside){
    .references = 2, .body = g_bytes_ref (body), .type = g_strndup (type, length), .done = done, .data = data};
  self->value = g_bytes_get_data (body, &self->size);
  ferry_thread_run_aside ("ferry-judge", work, self);
  return self;
}

gboolean
ferry_aside_is_done (FerryAside *self)
{
  return atomic_load_explicit (&self->is_done, memory_order_acquire);
}

const guint8 *
ferry_aside_get_bytes (FerryAside *self)
{
  return self->memory;
}

FerryValueVerdict
ferry_aside_end_judgement (FerryAside *self)
{
  FerryValueVerdict verdict = self->verdict;

  ferry_aside_unref (self);
  return verdict;
}

void
ferry_aside_leave (FerryAside *self, FerryMemory memory)
{
  self->left = memory;
  ferry_aside_unref (self);
}
