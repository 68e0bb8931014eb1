/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Private memory of the application into which the buffers of workers are copied, kept for the next copies. The memory
 * is used again, because the page faults of new memory take longer than the copy. Memory that was not used for some
 * time is freed.
 *
 * Owner:     the link. Code that has memory from here must keep a reference to the link.
 * Threads:   any.
 * Invariant: while spare memory exists, the code that took memory calls ferry_spare_memory_tidy() again and again. */

#include "config.h"

#include "lane/ferry-spare-memory-private.h"

#include "lane/ferry-memory-account-private.h"

#include <sys/mman.h>

#include "base/ferry-thread-private.h"
#include "lane/ferry-segment-private.h"

/* The maximum number of bytes of spare memory of one link. */
#define SPARE_LIMIT ((gsize) 512 * 1024 * 1024)
/* Memory of fewer bytes comes from the heap, which uses memory again itself, and rounds sizes up less. */
#define UNIT ((gsize) 64 * 1024)
/* From this size in bytes on, huge pages are requested, which cost fewer page faults. */
#define LARGE_PAGES_FROM ((gsize) 4 * 1024 * 1024)

typedef struct
{
  FerryMemory memory;
  gint64 since; /* monotonic time in microseconds at which the memory was given back */
} SpareMemory;

void
ferry_spare_memory_init (FerrySpareMemory *self)
{
  *self = (FerrySpareMemory){.spare = g_array_new (FALSE, FALSE, sizeof (SpareMemory))};
  pthread_mutex_init (&self->lock, NULL);
}

/* Sets the account, unless one is set. Must be called before any memory is taken. */
void
ferry_spare_memory_set_account (FerrySpareMemory *self, FerryMemoryAccount *account)
{
  if (self->account == NULL)
    self->account = ferry_memory_account_ref (account);
}

static FerryMemory
remove_locked (FerrySpareMemory *self, guint index)
{
  FerryMemory memory = g_array_index (self->spare, SpareMemory, index).memory;

  g_array_remove_index (self->spare, index);
  self->total -= memory.capacity;
  if (self->account != NULL)
    ferry_memory_account_remove_spare (self->account, memory.capacity);
  return memory;
}

/* Frees all spare memory that was given back before a time. */
static void
drop_locked (FerrySpareMemory *self, gint64 before)
{
  while (self->spare->len > 0 && g_array_index (self->spare, SpareMemory, 0).since < before)
    {
      FerryMemory memory = remove_locked (self, 0);

      ferry_unmap_soon (memory.data, memory.capacity);
    }
}

void
ferry_spare_memory_drop (FerrySpareMemory *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  drop_locked (self, G_MAXINT64);
}

/* Frees all spare memory. From now on, memory that is given back is also freed. */
void
ferry_spare_memory_close (FerrySpareMemory *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->closed = TRUE;
  drop_locked (self, G_MAXINT64);
}

void
ferry_spare_memory_clear (FerrySpareMemory *self)
{
  ferry_spare_memory_close (self);
  g_array_unref (self->spare);
  g_clear_pointer (&self->account, ferry_memory_account_unref);
  pthread_mutex_destroy (&self->lock);
}

/* Frees the spare memory that was given back before a time. If no memory was taken since that time, frees all spare
 * memory. Memory that is given back is then freed too, until memory is taken again. Returns whether this function must
 * be called again. */
gboolean
ferry_spare_memory_tidy (FerrySpareMemory *self, gint64 before)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->is_quiet = self->taken_at < before;
  drop_locked (self, self->is_quiet ? G_MAXINT64 : before);
  return !self->is_quiet;
}

static gsize
get_capacity (gsize size)
{
  return (size + UNIT - 1) & ~(UNIT - 1);
}

/* Returns the index of the smallest spare memory that is large enough, if at least half of it would be used; else
 * G_MAXUINT. Of several with the same size, returns the latest, which is probably in the processor's cache. */
static guint
find_locked (FerrySpareMemory *self, gsize size)
{
  guint best = G_MAXUINT;

  for (guint i = self->spare->len; i-- > 0;)
    {
      gsize capacity = g_array_index (self->spare, SpareMemory, i).memory.capacity;

      if (capacity == size)
        return i;
      if (capacity > size && capacity / 2 <= size &&
          (best == G_MAXUINT || capacity < g_array_index (self->spare, SpareMemory, best).memory.capacity))
        best = i;
    }
  return best;
}

/* Whether ferry_spare_memory_take() with this size would use spare memory. */
gboolean
ferry_spare_memory_fits (FerrySpareMemory *self, gsize size)
{
  if (size < UNIT)
    return FALSE;
  FERRY_AUTO_LOCK (&self->lock);
  return find_locked (self, get_capacity (size)) != G_MAXUINT;
}

/* Takes memory of at least size bytes; its content is undefined. Returns FALSE when the system has no memory. */
gboolean
ferry_spare_memory_take (FerrySpareMemory *self, gsize size, FerryMemory *memory)
{
  gsize capacity = get_capacity (size);
  guint index;

  if (size < UNIT)
    {
      *memory = (FerryMemory){g_try_malloc (size), 0};
      return memory->data != NULL;
    }
  pthread_mutex_lock (&self->lock);
  self->taken_at = g_get_monotonic_time ();
  self->is_quiet = FALSE;
  index = find_locked (self, capacity);
  if (index != G_MAXUINT)
    *memory = remove_locked (self, index);
  pthread_mutex_unlock (&self->lock);
  if (index != G_MAXUINT)
    return TRUE;
  memory->data = mmap (NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory->capacity = capacity;
  if (memory->data == MAP_FAILED)
    return FALSE;
  if (capacity >= LARGE_PAGES_FROM)
    madvise (memory->data, capacity, MADV_HUGEPAGE);
  return TRUE;
}

static gboolean
keep_locked (FerrySpareMemory *self, FerryMemory memory)
{
  SpareMemory spare = {memory, g_get_monotonic_time ()};

  if (self->closed || self->is_quiet || memory.capacity > SPARE_LIMIT ||
      (self->account != NULL && !ferry_memory_account_add_spare (self->account, memory.capacity)))
    return FALSE;
  g_array_append_val (self->spare, spare);
  self->total += memory.capacity;
  return TRUE;
}

/* Gives memory back, to be used again or freed. Beyond the limit, the oldest spare memory is freed. */
void
ferry_spare_memory_give (FerrySpareMemory *self, FerryMemory memory)
{
  if (memory.capacity == 0)
    {
      g_free (memory.data);
      return;
    }
  pthread_mutex_lock (&self->lock);
  if (keep_locked (self, memory))
    memory = self->total > SPARE_LIMIT ? remove_locked (self, 0) : (FerryMemory){0};
  pthread_mutex_unlock (&self->lock);
  if (memory.data != NULL)
    ferry_unmap_soon (memory.data, memory.capacity);
}
