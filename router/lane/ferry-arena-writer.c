/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-arena-writer-private.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-wake-private.h"

/* mseal(), whose number is the same on all processors, and which headers may lack. */
#define MSEAL 462

/* Where each buffer is copied when it comes, and comes back, so many bytes keep both ends at work: what is beyond them
 * only waits, in memory that is cold. */
#define MAX_AHEAD ((gsize) 4 * 1024 * 1024)

/* How much there may be of what has another way too: enough to keep both ends at work. */
#define MAX_SPARE ((gsize) 16 * 1024 * 1024)
/* Where buffers are copied, less than this goes another way as quickly, through memory that is warm. */
#define MIN_COPIED ((gsize) 1024 * 1024)

/* Takes memory. */
FerryArenaWriter *
ferry_arena_writer_new_later (int memory, gsize offset, gsize size)
{
  FerryArenaWriter *self = g_new0 (FerryArenaWriter, 1);
  FerryArenaRange all = {FERRY_ARENA_CONTROL_SIZE, size - FERRY_ARENA_CONTROL_SIZE};

  self->memory = memory;
  self->offset = offset;
  self->size = size;
  pthread_mutex_init (&self->lock, NULL);
  self->gaps = g_array_new (FALSE, FALSE, sizeof (FerryArenaRange));
  g_array_append_val (self->gaps, all);
  return self;
}

/* Takes arena. */
FerryArenaWriter *
ferry_arena_writer_new (FerryArena *arena)
{
  FerryArenaWriter *self = ferry_arena_writer_new_later (-1, 0, arena->size);

  self->arena = arena;
  return self;
}

/* To be called before a buffer is reserved. Returns whether there is memory for buffers. */
gboolean
ferry_arena_writer_open (FerryArenaWriter *self, GError **error)
{
  gboolean open;

  pthread_mutex_lock (&self->lock);
  if (self->arena == NULL)
    self->arena = ferry_arena_new (self->memory, self->offset, self->size, TRUE, error);
  open = self->arena != NULL;
  pthread_mutex_unlock (&self->lock);
  return open;
}

/* Has the arena stay where it is until the process ends, so that nothing else is mapped in its place: from Linux 6.10
 * on. Before, it goes on as it is. */
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

/* The largest buffer that there can be. */
gsize
ferry_arena_writer_get_capacity (const FerryArenaWriter *self)
{
  return self->size - FERRY_ARENA_CONTROL_SIZE;
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

/* What the application has let go of since. */
static void
collect_locked (FerryArenaWriter *self)
{
  guint64 released;

  /* Relaxed: whoever misses a bit here looks again before it sleeps. */
  if (atomic_load_explicit (&self->arena->control->released, memory_order_relaxed) == 0)
    return;
  /* Acquire: the application's reading comes before our writing. */
  released = atomic_exchange_explicit (&self->arena->control->released, 0, memory_order_acquire) & self->sent;
  for (guint number = 0; released != 0; number++, released >>= 1)
    if ((released & 1) != 0)
      free_number_locked (self, number);
}

static gsize
get_share (gsize size)
{
  return (size + FERRY_ARENA_UNIT - 1) & ~(gsize) (FERRY_ARENA_UNIT - 1);
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
      if (gap->size == 0)
        g_array_remove_index (self->gaps, i);
      return TRUE;
    }
  return FALSE;
}

static gboolean
is_copied (FerryArenaWriter *self)
{
  /* Relaxed: it is a hint, and never taken back. */
  return atomic_load_explicit (&self->arena->control->copied, memory_order_relaxed) != 0;
}

/* Whether the application has as much as is of use to it at a time: always two buffers at least, since one is copied
 * while the next is filled. */
static gboolean
is_ahead_locked (FerryArenaWriter *self, gsize size)
{
  return is_copied (self) && self->sent_size + size > MAX_AHEAD && __builtin_popcountll (self->sent) >= 2;
}

static gboolean
reserve_locked (FerryArenaWriter *self, gsize size, FerryBufferMessage *message)
{
  gsize share = get_share (size);
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

/* Fills message, whose memory is the caller's from then on. size: from 1 to the capacity. Returns FALSE when there is
 * no place for it now. */
gboolean
ferry_arena_writer_reserve (FerryArenaWriter *self, gsize size, FerryBufferMessage *message)
{
  gboolean reserved;

  pthread_mutex_lock (&self->lock);
  collect_locked (self);
  reserved = reserve_locked (self, size, message);
  pthread_mutex_unlock (&self->lock);
  return reserved;
}

/* Whether it is worth a buffer, there is little of that yet, and half of everything is left besides. */
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

/* The same for who has another way too: what the application has not come to, or keeps, leaves room for buffers. size:
 * any, and at least 1. */
gboolean
ferry_arena_writer_reserve_spare (FerryArenaWriter *self, gsize size, FerryBufferMessage *message)
{
  gboolean reserved;

  pthread_mutex_lock (&self->lock);
  collect_locked (self);
  reserved = is_spare_locked (self, get_share (size)) && reserve_locked (self, size, message);
  if (reserved)
    {
      self->spare |= G_GUINT64_CONSTANT (1) << message->number;
      self->spare_size += self->ranges[message->number].size;
    }
  pthread_mutex_unlock (&self->lock);
  return reserved;
}

/* Says that a thread is about to sleep for a buffer. Returns whether there is none that was let go of: then it may. */
gboolean
ferry_arena_writer_arm (FerryArenaWriter *self)
{
  gboolean nothing;

  pthread_mutex_lock (&self->lock);
  ferry_wake_arm (&self->arena->control->writer_waiting, &self->epoch);
  nothing = ferry_wake_look (&self->arena->control->released) == 0;
  pthread_mutex_unlock (&self->lock);
  return nothing;
}

/* A buffer that was not sent. */
void
ferry_arena_writer_give_back (FerryArenaWriter *self, guint32 number)
{
  pthread_mutex_lock (&self->lock);
  free_number_locked (self, number);
  pthread_mutex_unlock (&self->lock);
  ferry_arena_ring (self->arena);
}

/* Wakes every thread that waits for a buffer, so that it looks again. */
void
ferry_arena_writer_ring (FerryArenaWriter *self)
{
  pthread_mutex_lock (&self->lock);
  if (self->arena != NULL)
    ferry_arena_ring (self->arena);
  pthread_mutex_unlock (&self->lock);
}

/* To be set before the application can see its record. */
void
ferry_arena_writer_set_sent (FerryArenaWriter *self, guint32 number, gboolean sent)
{
  guint64 bit = G_GUINT64_CONSTANT (1) << number;

  pthread_mutex_lock (&self->lock);
  self->sent ^= bit;
  self->sent_size += sent ? self->ranges[number].size : -self->ranges[number].size;
  pthread_mutex_unlock (&self->lock);
}
