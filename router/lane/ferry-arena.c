/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "lane/ferry-arena-private.h"

#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-doorbell-private.h"
#include "lane/ferry-unmap-private.h"

static gpointer
map (int fd, gsize offset, gsize size, int protection)
{
  gpointer memory = mmap (NULL, size, protection, MAP_SHARED, fd, (off_t) offset);

  return memory != MAP_FAILED ? memory : NULL;
}

/* Maps the part of a segment's memfd that begins at offset; fd stays the caller's. Nothing is touched. */
FerryArena *
ferry_arena_new (int fd, gsize offset, gsize size, gboolean is_writer, GError **error)
{
  FerryArena *self = g_new0 (FerryArena, 1);

  atomic_init (&self->references, 1);
  self->size = size;
  self->is_writer = is_writer;
  self->control = map (fd, offset, FERRY_ARENA_CONTROL_SIZE, PROT_READ | PROT_WRITE);
  if (self->control != NULL)
    self->memory = map (fd, offset, size, is_writer ? PROT_READ | PROT_WRITE : PROT_READ);
  if (self->memory != NULL)
    return self;
  ferry_set_system_error (error, "Mapping a link's buffers (mmap)");
  ferry_arena_unref (self);
  return NULL;
}

FerryArena *
ferry_arena_ref (FerryArena *self)
{
  /* Relaxed: whoever refers to it has a reference already. */
  atomic_fetch_add_explicit (&self->references, 1, memory_order_relaxed);
  return self;
}

void
ferry_arena_unref (FerryArena *self)
{
  /* Release, so that our uses come before the end; acquire, so that the end comes after everybody's. */
  if (atomic_fetch_sub_explicit (&self->references, 1, memory_order_acq_rel) != 1)
    return;
  if (self->control != NULL)
    munmap (self->control, FERRY_ARENA_CONTROL_SIZE);
  if (self->memory != NULL && self->is_writer)
    munmap (self->memory, self->size);
  else if (self->memory != NULL)
    ferry_unmap_soon (self->memory, self->size);
  g_free (self);
}

/* Wakes every thread that waits for a buffer, so that it looks again. */
void
ferry_arena_ring (FerryArena *self)
{
  ferry_futex_doorbell_ring (&self->control->bell.rings);
}

/* ---- the application's end ---- */

/* Has the worker send no more at a time than keeps both ends at work. */
void
ferry_arena_set_copied (FerryArena *self)
{
  /* Relaxed: a hint. */
  atomic_store_explicit (&self->control->copied, 1, memory_order_relaxed);
}

/* How many buffers the application has. */
guint
ferry_arena_count_held (FerryArena *self)
{
  /* Relaxed: it may be out of date at once. */
  return (guint) __builtin_popcountll (atomic_load_explicit (&self->held, memory_order_relaxed));
}

/* What a worker says of a buffer. Returns what is wrong with it, or NULL: then the application has it. */
const char *
ferry_arena_take (FerryArena *self, const FerryBufferMessage *message)
{
  guint64 bit;

  if (message->number >= FERRY_MAX_BUFFERS_PER_LINK)
    return "it sent a buffer whose number is none; it must number them from 0 to 63";
  if (message->offset < FERRY_ARENA_CONTROL_SIZE || message->offset % FERRY_ARENA_UNIT != 0 || message->size == 0 ||
      message->offset > self->size || message->size > self->size - message->offset)
    return "it sent a buffer beyond its memory; its offset must be a multiple of 4096 from 4096 on, and it must have "
           "a byte at least and end within the arena";
  bit = G_GUINT64_CONSTANT (1) << message->number;
  /* Relaxed: a worker that keeps to the protocol has acquired that the bit was cleared, and this thread the record. */
  if ((atomic_fetch_or_explicit (&self->held, bit, memory_order_relaxed) & bit) != 0)
    return "it sent a buffer that the application has already; it must wait until the bit of released says that it is "
           "back";
  self->taken[message->number] = *message;
  self->is_used = TRUE;
  /* Relaxed: a hint. */
  atomic_store_explicit (&self->is_quiet, FALSE, memory_order_relaxed);
  return NULL;
}

static void
release (FerryArena *self, guint64 bits)
{
  guint32 epoch;

  /* Relaxed: what follows releases it. */
  atomic_fetch_and_explicit (&self->held, ~bits, memory_order_relaxed);
  /* The position that a waiting writer looks at: see ferry-wake-private.h. It also releases our reading of the buffer
   * to who writes it next. */
  atomic_fetch_or_explicit (&self->control->released, bits, memory_order_seq_cst);
  epoch = atomic_load_explicit (&self->control->writer_waiting, memory_order_seq_cst);
  /* Relaxed: of threads that let go at the same moment one rings, and the others' bits were set before its ring or are
   * rung for by themselves. */
  if (G_UNLIKELY (atomic_exchange_explicit (&self->rung, epoch, memory_order_relaxed) != epoch))
    ferry_arena_ring (self);
}

/* Has the system take the pages of a buffer, which are zeroes afterwards. MADV_REMOVE asks for a mapping that can be
 * written to on older kernels. Where it is refused, the pages stay. */
static void
remove_pages (FerryArena *self, const FerryBufferMessage *buffer)
{
  guint8 *place = self->memory + buffer->offset;
  gsize size = (buffer->size + FERRY_ARENA_UNIT - 1) & ~(gsize) (FERRY_ARENA_UNIT - 1);

  if (!self->is_writer && mprotect (place, size, PROT_READ | PROT_WRITE) < 0)
    return;
  madvise (place, size, MADV_REMOVE);
  if (!self->is_writer)
    mprotect (place, size, PROT_READ);
}

static gpointer
return_pages (gpointer data)
{
  g_autoptr (FerryArena) self = data;
  guint64 bits;

  /* Acquire and release: a caller that adds bits and finds none there starts another thread. */
  while ((bits = atomic_exchange_explicit (&self->returning, 0, memory_order_acq_rel)) != 0)
    {
      for (guint number = 0; number < FERRY_MAX_BUFFERS_PER_LINK; number++)
        if ((bits >> number & 1) != 0)
          remove_pages (self, &self->taken[number]);
      release (self, bits);
    }
  return NULL;
}

/* Gives the pages of buffers that are ours to the system, on a thread that does nothing else, and lets go of them. */
static void
return_soon (FerryArena *self, guint64 bits)
{
  if (bits != 0 && atomic_fetch_or_explicit (&self->returning, bits, memory_order_acq_rel) == 0)
    ferry_thread_run_aside ("ferry-arena", return_pages, ferry_arena_ref (self));
}

/* any: the buffer is the worker's again. No system call, unless a thread of the worker's waits for one, or none came
 * for long: then its pages go to the system first. */
void
ferry_arena_let_go (FerryArena *self, guint32 number)
{
  guint64 bit = G_GUINT64_CONSTANT (1) << number;

  if (G_UNLIKELY (atomic_load_explicit (&self->is_quiet, memory_order_relaxed)))
    return_soon (self, bit);
  else
    release (self, bit);
}

/* monitor: when no buffer came since the last call, gives the system what the application has let go of and the worker
 * has not taken, and from now on what is let go of. The worker does not use the number of such a buffer, nor its place,
 * before it has taken it: so either end may take it back. Returns whether this is to be called again. */
gboolean
ferry_arena_tidy (FerryArena *self)
{
  guint64 bits;

  if (self->is_used)
    {
      self->is_used = FALSE;
      return TRUE;
    }
  atomic_store_explicit (&self->is_quiet, TRUE, memory_order_relaxed);
  /* Acquire: of the two that exchange, one has the bit. Bits of what was never let go of are the worker's lies. */
  bits = atomic_exchange_explicit (&self->control->released, 0, memory_order_acquire) &
         ~atomic_load_explicit (&self->held, memory_order_relaxed);
  /* Ours again: a record that says otherwise meanwhile breaks the protocol. */
  atomic_fetch_or_explicit (&self->held, bits, memory_order_relaxed);
  return_soon (self, bits);
  return FALSE;
}
