/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A check of the memory of a one-shot buffer, on a thread of its own. See ferry-link-private.h. */

#include "config.h"

#include "link/ferry-link-private.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/ferry-thread-private.h"
#include "lane/ferry-one-shot-private.h"
#include "lane/ferry-segment-private.h"
#include "link/ferry-orphan-private.h"

/* In bytes. Memory smaller than this is checked on the calling thread. */
#define SMALL ((gsize) 1024 * 1024)

struct _FerryOneShotCheck
{
  _Atomic gint references;
  int fd; /* (owned): for the checking thread only */
  gsize size;
  gsize limit;
  const char *fault;        /* fault and memory are for the checking thread until is_done is set */
  guint8 *memory;           /* (owned) (nullable) */
  _Atomic gboolean is_done; /* stored with release order by the checking thread */
  GDestroyNotify done;
  gpointer data;
};

void
ferry_one_shot_check_unref (FerryOneShotCheck *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  if (self->memory != NULL)
    ferry_unmap_soon (self->memory, self->size);
  g_free (self);
}

static gpointer
check (gpointer data)
{
  FerryOneShotCheck *self = data;

  self->fault = ferry_one_shot_map (self->fd, self->size, self->limit, &self->memory);
  /* Not on the monitor: other links would wait meanwhile. */
  if (self->fault == NULL && self->size >= SMALL)
    ferry_one_shot_touch (self->memory, self->size);
  /* The check has shown that the file is plain memory, which is quick to close. */
  if (self->fault == NULL)
    close (self->fd);
  else
    ferry_orphan_close (self->fd);
  atomic_store_explicit (&self->is_done, TRUE, memory_order_release);
  self->done (self->data);
  ferry_one_shot_check_unref (self);
  return NULL;
}

FerryOneShotCheck *
ferry_one_shot_check_begin (int fd, gsize size, gsize limit, GDestroyNotify done, gpointer data)
{
  FerryOneShotCheck *self = g_new (FerryOneShotCheck, 1);

  *self = (FerryOneShotCheck){.references = 2, .fd = fd, .size = size, .limit = limit, .done = done, .data = data};
  if (size < SMALL)
    check (self);
  else
    ferry_thread_run_aside ("ferry-checker", check, self);
  return self;
}

gboolean
ferry_one_shot_check_is_done (FerryOneShotCheck *self)
{
  return atomic_load_explicit (&self->is_done, memory_order_acquire);
}

const char *
ferry_one_shot_check_end (FerryOneShotCheck *self, guint8 **memory)
{
  const char *fault = self->fault;

  *memory = g_steal_pointer (&self->memory);
  ferry_one_shot_check_unref (self);
  return fault;
}
