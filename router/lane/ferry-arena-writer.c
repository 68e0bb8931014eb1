/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The worker's end of an arena: the allocator of its buffers, and how far ahead it may fill them. The arena is mapped
 * when the first buffer is made, because a process may have less address space than the arena takes.
 *
 * A buffer gets the lowest range of the arena that is large enough. Memory at low offsets was probably used before, so
 * its pages are mapped and in the processor's cache.
 *
 * Owner:     the uplink.
 * Threads:   any, one at a time, under the lock. No thread sleeps while it holds the lock.
 * Trust:     bits in released count only for buffers that were sent. */

#include "config.h"

#include "lane/ferry-arena-private.h"

#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-wake-private.h"

/* The number of the system call mseal(), which headers may lack. The number is the same on all processors. */
#define MSEAL 462

/* Where the application copies each buffer, buffers of this many bytes together may be sent ahead, which keeps both
 * processes busy. More bytes would only wait, and leave the processor's cache. */
#define MAX_AHEAD ((gsize) 4 * 1024 * 1024)

/* The maximum number of bytes of all spare buffers together: enough to keep both processes busy. */
#define MAX_SPARE ((gsize) 16 * 1024 * 1024)
/* Where buffers are copied, a smaller message is as fast in pieces, which fit into the processor's cache. */
#define MIN_COPIED ((gsize) 1024 * 1024)

/* How many bytes of memory are freed at a time. */
#define TIDY_STEP ((gsize) 1024 * 1024)

/* Makes an allocator for an arena that is not mapped yet. Takes memory, the arena's descriptor.
 * ferry_arena_writer_open() maps the arena. */
FerryArenaWriter *
ferry_arena_writer_new_later (FerryArenaControl *control, int memory, gsize size)
{
  FerryArenaWriter *self = g_new0 (FerryArenaWriter, 1);
  FerryArenaRange all = {0, size};

  self->control = control;
  self->memory = memory;
  self->size = size;
  pthread_mutex_init (&self->lock, NULL);
  self->gaps = g_array_new (FALSE, FALSE, sizeof (FerryArenaRange));
  g_array_append_val (self->gaps, all);
  return self;
}

/* Makes an allocator for an arena of which the beginning is mapped. Takes the caller's reference to arena. */
FerryArenaWriter *
ferry_arena_writer_new (FerryArena *arena)
{
  FerryArenaWriter *self = ferry_arena_writer_new_later (arena->control, -1, arena->size);

  self->arena = arena;
  return self;
}

/* Maps all of the arena, unless it is mapped already. Must be called before a buffer is reserved. */
gboolean
ferry_arena_writer_open (FerryArenaWriter *self, GError **error)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->arena == NULL)
    self->arena = ferry_arena_new_writer (self->control, self->memory, self->size, self->size, error);
  else if (!ferry_arena_map_rest (self->arena))
    return ferry_set_system_error (error, "Mapping a link's buffers (mremap)");
  return self->arena != NULL;
}

/* Seals the mapping of the arena, so that nothing else can be mapped at its addresses until the process ends. Before
 * Linux 6.10 this does nothing. */
void
ferry_arena_writer_pin (FerryArenaWriter *self)
{
  if (ferry_arena_writer_open (self, NULL))
    syscall (MSEAL, self->arena->memory, self->arena->size, 0);
}

void
ferry_arena_writer_free (FerryArenaWriter *self)
{
  g_clear_pointer (&self->arena, ferry_arena_unref);
  ferry_clear_fd (&self->memory);
  g_array_unref (self->gaps);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

/* Returns the size in bytes of the largest buffer that the arena can have. */
gsize
ferry_arena_writer_get_capacity (const FerryArenaWriter *self)
{
  return self->size;
}

static FerryArenaRange *
get_gap (FerryArenaWriter *self, guint index)
{
  return &g_array_index (self->gaps, FerryArenaRange, index);
}

static void
free_range_locked (FerryArenaWriter *self, FerryArenaRange range)
{
  guint index = 0;

  while (index < self->gaps->len && get_gap (self, index)->offset < range.offset)
    index++;
  if (index > 0 && get_gap (self, index - 1)->offset + get_gap (self, index - 1)->size == range.offset)
    get_gap (self, --index)->size += range.size;
  else
    g_array_insert_val (self->gaps, index, range);
  if (index + 1 < self->gaps->len &&
      get_gap (self, index)->offset + get_gap (self, index)->size == get_gap (self, index + 1)->offset)
    {
      get_gap (self, index)->size += get_gap (self, index + 1)->size;
      g_array_remove_index (self->gaps, index + 1);
    }
}

static void
free_number_locked (FerryArenaWriter *self, guint number)
{
  guint64 bit = G_GUINT64_CONSTANT (1) << number;

  if ((self->sent & bit) != 0)
    self->sent_size -= self->ranges[number].size;
  if ((self->spare & bit) != 0)
    self->spare_size -= self->ranges[number].size;
  self->in_use &= ~bit;
  self->sent &= ~bit;
  self->spare &= ~bit;
  free_range_locked (self, self->ranges[number]);
}

/* Frees the buffers that the application has returned since the last call. */
static void
collect_locked (FerryArenaWriter *self)
{
  guint64 released;

  /* Relaxed: a thread that does not see a new bit here loads released again before it sleeps. */
  if (atomic_load_explicit (&self->arena->control->released, memory_order_relaxed) == 0)
    return;
  /* Acquire: the application's reads of a buffer come before the next writes to it. */
  released = atomic_exchange_explicit (&self->arena->control->released, 0, memory_order_acquire) & self->sent;
  for (guint number = 0; released != 0; number++, released >>= 1)
    if ((released & 1) != 0)
      free_number_locked (self, number);
}

static gboolean
take_range_locked (FerryArenaWriter *self, gsize size, FerryArenaRange *range)
{
  for (guint i = 0; i < self->gaps->len; i++)
    {
      FerryArenaRange *gap = get_gap (self, i);

      if (gap->size < size)
        continue;
      *range = (FerryArenaRange){gap->offset, size};
      gap->offset += size;
      gap->size -= size;
      self->used_to = MAX (self->used_to, gap->offset);
      if (gap->size == 0)
        g_array_remove_index (self->gaps, i);
      return TRUE;
    }
  return FALSE;
}

static gboolean
is_copied (FerryArenaWriter *self)
{
  /* Relaxed: a hint. The application never sets copied back to 0. */
  return atomic_load_explicit (&self->arena->control->copied, memory_order_relaxed) != 0;
}

/* Whether the application has as many buffers as it can use at a time. Two buffers are always allowed: the application
 * copies one of them while the worker fills the next one. */
static gboolean
is_ahead_locked (FerryArenaWriter *self, gsize size)
{
  return is_copied (self) && self->sent_size + size > MAX_AHEAD && __builtin_popcountll (self->sent) >= 2;
}

static gboolean
reserve_locked (FerryArenaWriter *self, gsize size, FerryBufferMessage *message)
{
  gsize share = ferry_arena_round_up (size);
  guint number;

  if (self->in_use == G_MAXUINT64 || is_ahead_locked (self, share))
    return FALSE;
  number = (guint) __builtin_ctzll (~self->in_use);
  if (!take_range_locked (self, share, &self->ranges[number]))
    return FALSE;
  self->in_use |= G_GUINT64_CONSTANT (1) << number;
  *message = (FerryBufferMessage){.offset = self->ranges[number].offset, .size = size, .number = number};
  return TRUE;
}

/* Allocates a buffer and fills *message. size: from 1 byte to the capacity. Returns FALSE when there is no room now. */
gboolean
ferry_arena_writer_reserve (FerryArenaWriter *self, gsize size, FerryBufferMessage *message)
{
  FERRY_AUTO_LOCK (&self->lock);

  collect_locked (self);
  return reserve_locked (self, size, message);
}

/* Whether a spare buffer may be reserved. Three conditions hold then: a buffer is faster than pieces; few spare buffers
 * exist; half of the arena and of the numbers stay free for other buffers. */
static gboolean
is_spare_locked (FerryArenaWriter *self, gsize share)
{
  gsize room = 0;

  if (is_copied (self) && share < MIN_COPIED)
    return FALSE;
  for (guint i = 0; i < self->gaps->len; i++)
    room += get_gap (self, i)->size;
  return (__builtin_popcountll (self->spare) < 2 || self->spare_size + share <= MAX_SPARE) &&
         __builtin_popcountll (self->in_use) < FERRY_MAX_BUFFERS_PER_LINK / 2 &&
         room >= share + ferry_arena_writer_get_capacity (self) / 2;
}

/* Allocates a spare buffer like ferry_arena_writer_reserve(). A spare buffer is for a message that could also be sent
 * in pieces. While the application has not read spare buffers, or keeps them, they leave room for other buffers. */
gboolean
ferry_arena_writer_reserve_spare (FerryArenaWriter *self, gsize size, FerryBufferMessage *message)
{
  FERRY_AUTO_LOCK (&self->lock);

  collect_locked (self);
  if (!is_spare_locked (self, ferry_arena_round_up (size)) || !reserve_locked (self, size, message))
    return FALSE;
  self->spare |= G_GUINT64_CONSTANT (1) << message->number;
  self->spare_size += self->ranges[message->number].size;
  return TRUE;
}

/* Arms a thread that is about to wait for a buffer, so that the application wakes it when it returns a buffer. Returns
 * whether the thread may sleep, because no buffer was returned in the meantime. */
gboolean
ferry_arena_writer_arm (FerryArenaWriter *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  ferry_wake_arm (&self->arena->control->writer_waiting, &self->epoch);
  return ferry_wake_look (&self->arena->control->released) == 0;
}

/* Frees a buffer that was not sent, and wakes the threads that wait for a buffer. */
void
ferry_arena_writer_give_back (FerryArenaWriter *self, guint32 number)
{
  pthread_mutex_lock (&self->lock);
  free_number_locked (self, number);
  pthread_mutex_unlock (&self->lock);
  ferry_arena_ring (self->arena);
}

/* Wakes every thread that waits for a buffer. Each of them then checks again whether it gets one. */
void
ferry_arena_writer_ring (FerryArenaWriter *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->arena != NULL)
    ferry_arena_ring (self->arena);
}

/* Notes whether the application has the buffer. Must be called with TRUE before the application can see the buffer's
 * record, and with FALSE if this record then could not be published. */
void
ferry_arena_writer_set_sent (FerryArenaWriter *self, guint32 number, gboolean sent)
{
  FERRY_AUTO_LOCK (&self->lock);

  self->sent ^= G_GUINT64_CONSTANT (1) << number;
  self->sent_size += sent ? self->ranges[number].size : -self->ranges[number].size;
}

/* Gives pages of the free ranges back to the system; they read as zeros then. A free range is the worker's. The
 * application has returned the buffers that were there, and reads the range again only after a record of a new one.
 *
 * Frees TIDY_STEP bytes at a time, since another thread may be waiting for a buffer. Goes on from *position, 0 at
 * first, and moves it. Returns whether there may be more. */
gboolean
ferry_arena_writer_tidy (FerryArenaWriter *self, gsize *position)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->arena == NULL)
    return FALSE;
  collect_locked (self);
  for (guint i = 0; i < self->gaps->len; i++)
    {
      gsize begin = MAX (get_gap (self, i)->offset, *position);
      gsize end = MIN (get_gap (self, i)->offset + get_gap (self, i)->size, self->used_to);

      if (begin >= end)
        continue;
      end = MIN (end, begin + TIDY_STEP);
      madvise (self->arena->memory + begin, end - begin, MADV_REMOVE);
      *position = end;
      return TRUE;
    }
  return FALSE;
}
