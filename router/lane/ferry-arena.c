/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The arena of a link: the memory of the link's buffers, as one process has it mapped.
 *
 * The worker allocates a buffer, writes into it, and publishes a record with the buffer's offset and size. The
 * application reads the buffer in place, and then returns it to the worker. The memory stays mapped in both processes
 * and is used again, because the first access to each new page costs a page fault.
 *
 * Owner:     counted references. In the application each buffer has a reference, so the arena may outlive the link.
 * Threads:   any.
 * Trust:     none in the worker, which may change a buffer at any time, also while the application reads it. So the
 *            application first copies the buffers of a worker that is not trusted. ferry_arena_take() checks the record
 *            of each buffer.
 * Invariant: a buffer's bit in held is set when its record is taken, and cleared when the buffer is returned. A worker
 *            that uses the buffer's number in between breaks the protocol. */

#include "config.h"

#include "lane/ferry-arena-private.h"

#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-segment-private.h"
#include "lane/ferry-wake-private.h"

/* The words of the arena are in the first pages of the segment. */
#define CONTROL_PAGES FERRY_SEGMENT_PIPE_TABLE

/* Makes the file of an arena. Returns its descriptor, which the caller owns, or -1. */
int
ferry_arena_memory_new (gsize size, GError **error)
{
  return ferry_sealed_memory_new ("ferry-buffers", size, error);
}

/* Checks the file of an arena that another process made. */
gboolean
ferry_arena_memory_check (int fd, guint64 size, GError **error)
{
  if (size == 0 || size > FERRY_MAX_ARENA_SIZE || size % FERRY_ARENA_UNIT != 0)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                            "The arena's size of %" G_GUINT64_FORMAT
                            " bytes is invalid; build application and worker with the same version of Ferry",
                            size);
  return ferry_sealed_memory_check (fd, size, error);
}

static gpointer
map (int fd, gsize size, int protection)
{
  gpointer memory = mmap (NULL, size, protection, MAP_SHARED, fd, 0);

  return memory != MAP_FAILED ? memory : NULL;
}

static FerryArena *
make (int fd, gsize size, gsize mapped, gboolean is_writer)
{
  FerryArena *self = g_new0 (FerryArena, 1);

  atomic_init (&self->references, 1);
  self->size = size;
  self->mapped = mapped;
  self->is_writer = is_writer;
  self->memory = map (fd, mapped, is_writer ? PROT_READ | PROT_WRITE : PROT_READ);
  return self;
}

/* Maps the rest of the arena, unless it is mapped. The mapping may move, so nothing of the arena may be in use. Returns
 * FALSE when the process has no address space left. */
gboolean
ferry_arena_map_rest (FerryArena *self)
{
  gpointer memory;

  if (G_LIKELY (self->mapped == self->size))
    return TRUE;
  memory = mremap (self->memory, self->mapped, self->size, MREMAP_MAYMOVE);
  if (memory == MAP_FAILED)
    return FALSE;
  self->memory = memory;
  self->mapped = self->size;
  return TRUE;
}

static FerryArena *
refuse (FerryArena *self, GError **error)
{
  ferry_set_system_error (error, "Mapping a link's buffers (mmap)");
  ferry_arena_unref (self);
  return NULL;
}

/* The worker: maps the first mapped bytes of the arena's file, for writing. control must stay mapped. The caller keeps
 * fd. Allocates no page of the memory. */
FerryArena *
ferry_arena_new_writer (FerryArenaControl *control, int fd, gsize mapped, gsize size, GError **error)
{
  FerryArena *self = make (fd, size, mapped, TRUE);

  self->control = control;
  return self->memory != NULL ? self : refuse (self, error);
}

/* The application: maps the arena's file, for reading, and the arena's words in the segment. The caller keeps both
 * descriptors. Of the file only the beginning is mapped, which keeps the file without a descriptor: most workers send
 * no buffer, and the address space of a process may be limited. ferry_arena_take() maps the rest. */
FerryArena *
ferry_arena_new_reader (int segment, int fd, gsize size, GError **error)
{
  FerryArena *self = make (fd, size, FERRY_ARENA_UNIT, FALSE);

  if (self->memory != NULL)
    self->control_pages = map (segment, CONTROL_PAGES, PROT_READ | PROT_WRITE);
  if (self->control_pages == NULL)
    return refuse (self, error);
  self->control = (FerryArenaControl *) (gpointer) (self->control_pages + FERRY_SEGMENT_ARENA_CONTROL);
  return self;
}

FerryArena *
ferry_arena_ref (FerryArena *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_arena_unref (FerryArena *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  /* This mapping may be the last one of the rings. */
  if (self->control_pages != NULL)
    ferry_unmap_aside (self->control_pages, CONTROL_PAGES);
  if (self->memory != NULL && self->is_writer)
    munmap (self->memory, self->mapped);
  else if (self->memory != NULL)
    ferry_unmap_soon (self->memory, self->mapped);
  g_free (self);
}

/* Wakes every thread that waits for a buffer. Each of them then checks again whether it gets one. */
void
ferry_arena_ring (FerryArena *self)
{
  ferry_futex_doorbell_ring (&self->control->bell.rings);
}

/* ---- the application's end ---- */

/* Notifies the worker that the application copies each buffer. The worker then sends only so many bytes ahead as keep
 * both processes busy. */
void
ferry_arena_set_copied (FerryArena *self)
{
  /* Relaxed: a hint. */
  atomic_store_explicit (&self->control->copied, 1, memory_order_relaxed);
}

/* Returns how many buffers the application has. */
guint
ferry_arena_count_held (FerryArena *self)
{
  /* Relaxed: the count may change before the caller uses it. */
  return (guint) __builtin_popcountll (atomic_load_explicit (&self->held, memory_order_relaxed));
}

/* Takes a buffer that a worker sent, until ferry_arena_let_go(). Returns what is wrong with its record, or NULL. */
const char *
ferry_arena_take (FerryArena *self, const FerryBufferMessage *message)
{
  guint64 bit;

  if (message->number >= FERRY_MAX_BUFFERS_PER_LINK)
    return "it sent a buffer with an invalid number; numbers go from 0 to 63";
  if (message->offset % FERRY_ARENA_UNIT != 0 || message->size == 0 || message->offset > self->size ||
      message->size > self->size - message->offset)
    return "it sent a buffer beyond its memory; the offset must be a multiple of 4096, and the size must "
           "be 1 or more and end within the arena";
  if (!ferry_arena_map_rest (self))
    return "its buffers could not be mapped, as the application has no address space left; raise the application's "
           "limit of address space (ulimit -v), or lower FerryLauncher:buffer-capacity";
  bit = G_GUINT64_CONSTANT (1) << message->number;
  /* Relaxed is enough. An honest worker uses the number again only after it acquired the buffer's bit in released; held
   * was cleared before that bit was set. This thread acquired the record that the worker published after that. */
  if ((atomic_fetch_or_explicit (&self->held, bit, memory_order_relaxed) & bit) != 0)
    return "it sent a buffer that the application has already; it must wait until the application sets the buffer's "
           "bit in released";
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

  /* Relaxed: the release below also orders this change. */
  atomic_fetch_and_explicit (&self->held, ~bits, memory_order_relaxed);
  /* released is the position that a waiting writer loads: see ferry-wake-private.h. This change also releases the
   * application's reads of the buffer: they come before the worker's next writes to it. */
  atomic_fetch_or_explicit (&self->control->released, bits, memory_order_seq_cst);
  epoch = atomic_load_explicit (&self->control->writer_waiting, memory_order_seq_cst);
  /* Relaxed: writer_waiting has a new value, an epoch, before each sleep of the writer. Where several threads return
   * buffers in one epoch, only one of them rings. The woken writer starts a new epoch before it sleeps again. Then
   * either the writer sees the bits of the other threads, or these threads ring for the new epoch. */
  if (G_UNLIKELY (atomic_exchange_explicit (&self->rung, epoch, memory_order_relaxed) != epoch))
    ferry_arena_ring (self);
}

/* Frees the pages of a buffer, which then reads as zeros. On older kernels MADV_REMOVE needs a writable mapping, so the
 * mapping is writable during the call. Where the kernel refuses this, the pages stay. */
static void
free_pages (FerryArena *self, const FerryBufferMessage *buffer)
{
  guint8 *place = self->memory + buffer->offset;
  gsize size = ferry_arena_round_up (buffer->size);

  if (!self->is_writer && mprotect (place, size, PROT_READ | PROT_WRITE) < 0)
    return;
  madvise (place, size, MADV_REMOVE);
  if (!self->is_writer)
    mprotect (place, size, PROT_READ);
}

static gpointer
free_all_pages (gpointer data)
{
  g_autoptr (FerryArena) self = data;
  guint64 bits;

  /* Acquire and release: pairs with free_soon(). A caller that adds bits to an empty word starts another thread. */
  while ((bits = atomic_exchange_explicit (&self->freeing, 0, memory_order_acq_rel)) != 0)
    {
      for (guint number = 0; number < FERRY_MAX_BUFFERS_PER_LINK; number++)
        if ((bits >> number & 1) != 0)
          free_pages (self, &self->taken[number]);
      release (self, bits);
    }
  return NULL;
}

/* On another thread: frees the pages of buffers that the application has, and then returns these buffers. */
static void
free_soon (FerryArena *self, guint64 bits)
{
  if (bits != 0 && atomic_fetch_or_explicit (&self->freeing, bits, memory_order_acq_rel) == 0)
    ferry_thread_run_aside ("ferry-arena", free_all_pages, ferry_arena_ref (self));
}

/* any: returns the buffer to the worker. Makes no system call, unless a thread of the worker waits for a buffer. If no
 * buffer came for long, the buffer's pages are freed before it is returned. */
void
ferry_arena_let_go (FerryArena *self, guint32 number)
{
  guint64 bit = G_GUINT64_CONSTANT (1) << number;

  if (G_UNLIKELY (atomic_load_explicit (&self->is_quiet, memory_order_relaxed)))
    free_soon (self, bit);
  else
    release (self, bit);
}

/* monitor: if no buffer came since the last call, frees the pages of returned buffers that the worker has not taken.
 * From then on, the pages of each buffer are freed before it is returned. Until the worker takes a returned buffer, it
 * uses neither the buffer's number nor its memory, so the application may take the buffer back. Returns whether this
 * function must be called again. */
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
  /* Acquire: both processes take bits by an exchange, so only one of them gets a bit. A bit of a buffer that the
   * application still has was set by the worker, which must not set bits; the bit is ignored. */
  bits = atomic_exchange_explicit (&self->control->released, 0, memory_order_acquire) &
         ~atomic_load_explicit (&self->held, memory_order_relaxed);
  /* The application has these buffers again. While it has them, a record for one of them breaks the protocol. */
  atomic_fetch_or_explicit (&self->held, bits, memory_order_relaxed);
  free_soon (self, bits);
  return FALSE;
}
