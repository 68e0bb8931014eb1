/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-spare-memory-private.h"

#include <sys/mman.h>

#include "lane/ferry-unmap-private.h"

/* How much is kept for later; what comes back beyond it is given to the system. */
#define SPARE_LIMIT ((gsize) 512 * 1024 * 1024)
#define UNIT ((gsize) 64 * 1024)
/* From this size on the system is asked for large pages, of which there are fewer to fault in. */
#define LARGE_PAGES_FROM ((gsize) 4 * 1024 * 1024)

void
ferry_spare_memory_init (FerrySpareMemory *self)
{
  *self = (FerrySpareMemory){.spare = g_array_new (FALSE, FALSE, sizeof (FerryMemory))};
  pthread_mutex_init (&self->lock, NULL);
}

/* Gives all of it to the system, and from now on whatever comes back. */
void
ferry_spare_memory_close (FerrySpareMemory *self)
{
  pthread_mutex_lock (&self->lock);
  self->closed = TRUE;
  for (guint i = 0; i < self->spare->len; i++)
    {
      FerryMemory memory = g_array_index (self->spare, FerryMemory, i);

      ferry_unmap_soon (memory.data, memory.capacity);
    }
  g_array_set_size (self->spare, 0);
  self->total = 0;
  pthread_mutex_unlock (&self->lock);
}

void
ferry_spare_memory_clear (FerrySpareMemory *self)
{
  ferry_spare_memory_close (self);
  g_array_unref (self->spare);
  pthread_mutex_destroy (&self->lock);
}

/* The smallest that does, unless more than half of it would be left over. */
static gboolean
take_spare_locked (FerrySpareMemory *self, gsize size, FerryMemory *memory)
{
  guint best = G_MAXUINT;

  for (guint i = 0; i < self->spare->len; i++)
    {
      gsize capacity = g_array_index (self->spare, FerryMemory, i).capacity;

      if (capacity >= size && capacity / 2 <= size &&
          (best == G_MAXUINT || capacity < g_array_index (self->spare, FerryMemory, best).capacity))
        best = i;
    }
  if (best == G_MAXUINT)
    return FALSE;
  *memory = g_array_index (self->spare, FerryMemory, best);
  self->total -= memory->capacity;
  g_array_remove_index_fast (self->spare, best);
  return TRUE;
}

/* At least size bytes, which may hold anything. Returns FALSE when the system has no memory. */
gboolean
ferry_spare_memory_take (FerrySpareMemory *self, gsize size, FerryMemory *memory)
{
  gsize capacity = (size + UNIT - 1) & ~(UNIT - 1);
  gboolean taken;

  pthread_mutex_lock (&self->lock);
  taken = take_spare_locked (self, capacity, memory);
  pthread_mutex_unlock (&self->lock);
  if (taken)
    return TRUE;
  memory->data = mmap (NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory->capacity = capacity;
  if (memory->data == MAP_FAILED)
    return FALSE;
  if (capacity >= LARGE_PAGES_FROM)
    madvise (memory->data, capacity, MADV_HUGEPAGE);
  return TRUE;
}

/* Of what has been there for longest something goes, when there is too much: what is used again comes back. */
void
ferry_spare_memory_give (FerrySpareMemory *self, FerryMemory memory)
{
  pthread_mutex_lock (&self->lock);
  if (!self->closed && memory.capacity <= SPARE_LIMIT)
    {
      g_array_append_val (self->spare, memory);
      self->total += memory.capacity;
      memory = (FerryMemory){0};
    }
  if (self->total > SPARE_LIMIT)
    {
      memory = g_array_index (self->spare, FerryMemory, 0);
      g_array_remove_index (self->spare, 0);
      self->total -= memory.capacity;
    }
  pthread_mutex_unlock (&self->lock);
  if (memory.data != NULL)
    ferry_unmap_soon (memory.data, memory.capacity);
}
