/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The queue of blocks from the thread that drains to the router's thread, its limit, and how much of a link may wait
 * there.
 *
 * A block is an item of the local queue. Most blocks carry whole records of one link. Other blocks carry one large
 * message, or an event of a link such as its end. The queue keeps the order of a link's messages and events, and
 * returns empty blocks to the monitor.
 *
 * A block is “out” while it is in the queue or being dispatched. The bytes of the blocks that are out are counted, for
 * each link and for all links together. A link with its share out is not drained until blocks of the link are given
 * back. Bytes that are not drained stay in the lane, and make the lane's sender wait. This one rule gives fairness
 * between workers, bounded memory and bounded latency.
 *
 * Owner:   references are counted: the monitor has one, and each large message and buffer that the application keeps
 *          has one.
 * Threads: the monitor takes empty blocks from the pool, fills them and pushes full ones. While a block with records is
 *          in the queue, the monitor may add more, with the queue's lock. From then on only the router's thread uses
 *          the block: it pops blocks and gives them back. */

#include "config.h"

#include "engine/ferry-local-queue-private.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"
#include "lane/ferry-segment-private.h"
#include "lane/ferry-wake-private.h"

/* How many empty blocks are kept for later use. */
#define POOL_SIZE 64
/* Blocks are given back to the system where at most this many were needed since the last look. */
#define FEW_BLOCKS 16
/* The records of a block of at most this many bytes are added to the block before. */
#define MAX_ADDED 4096
/* A block's data begins at a page. */
#define PAGE 4096

struct _FerryLocalQueue
{
  _Atomic gint references;
  int bell;                    /* const: (owned): a copy of the shared queue's doorbell */
  GAsyncQueue *queue;          /* any: (owned) (element-type FerryBlock) */
  gint64 limit;                /* const */
  FerryMemoryAccount *account; /* const: (owned) */

  FerryBlock nudge;        /* carries nothing: it is queued to wake the thread that sleeps on the queue */
  _Atomic gboolean nudged; /* any: the nudge is in the queue, or is being queued */

  _Atomic guint64 n_pushed; /* any, stored by the monitor: blocks pushed so far */
  FerryBlock *pool;         /* monitor: (owned) empty blocks */
  guint n_pool;             /* monitor */
  guint n_taken;            /* monitor: blocks for records that were taken since the last ferry_local_queue_tidy() */
  guint32 epoch;            /* monitor: the epoch that was stored in waiting */

  /* The monitor waits for room as a lane's writer does (lane/ferry-wake-private.h): it arms waiting, reads the
   * counts, and sleeps. The thread that gives a block back changes the counts, and then wakes the monitor. */
  _Atomic (FerryBlock *) returned __attribute__ ((aligned (FERRY_LINE_SIZE))); /* any: (owned) blocks given back */
  _Atomic gint64 bytes_out; /* any: bytes of the blocks that are out */
  _Atomic gint64 highest;   /* any, stored by the monitor: the most bytes that were out */
  _Atomic guint32 waiting;
  guint32 rung;     /* router's thread: the latest epoch that was rung for */
  guint64 n_popped; /* router's thread: blocks popped so far */
};

FerryLocalQueue *
ferry_local_queue_new (FerrySharedQueue *waker, FerryMemoryAccount *account, gsize limit, GError **error)
{
  ferry_autofd bell = fcntl (waker->wake, F_DUPFD_CLOEXEC, 0);
  FerryLocalQueue *self;

  if (bell < 0)
    {
      ferry_set_system_error (error, "Making the local queue (fcntl)");
      return NULL;
    }
  if (!ferry_memory_account_set_bell (account, bell, error))
    return NULL;
  self = g_aligned_alloc0 (1, sizeof (FerryLocalQueue), FERRY_LINE_SIZE);
  atomic_init (&self->references, 1);
  self->bell = ferry_steal_fd (&bell);
  self->queue = g_async_queue_new ();
  self->limit = (gint64) limit;
  self->account = ferry_memory_account_ref (account);
  return self;
}

/* any: takes the queue's lock. The router's thread must hold it while it changes anything of a popped block but its
 * cursor: other threads look into such blocks. */
void
ferry_local_queue_lock (FerryLocalQueue *self)
{
  g_async_queue_lock (self->queue);
  ferry_take_over (self->queue);
}

void
ferry_local_queue_unlock (FerryLocalQueue *self)
{
  ferry_hand_over (self->queue);
  g_async_queue_unlock (self->queue);
}

static gboolean
falls_below (gint64 limit, gint64 before, gint64 after)
{
  return before >= limit && after < limit;
}

static void
free_blocks (FerryBlock *block)
{
  while (block != NULL)
    {
      FerryBlock *next = block->next;

      g_aligned_free (block->data);
      g_free (block);
      block = next;
    }
}

/* Frees blocks, and their pages at once: the heap may keep what is freed. */
static void
free_blocks_and_pages (FerryBlock *block)
{
  for (FerryBlock *each = block; each != NULL; each = each->next)
    madvise (each->data, FERRY_BLOCK_SIZE, MADV_DONTNEED);
  free_blocks (block);
}

FerryLocalQueue *
ferry_local_queue_ref (FerryLocalQueue *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_local_queue_ring (FerryLocalQueue *self)
{
  ferry_doorbell_ring (self->bell);
}

/* Returns the block that was popped, or NULL for a nudge. */
static FerryBlock *
as_block (FerryLocalQueue *self, FerryBlock *block)
{
  if (block == NULL)
    return NULL;
  ferry_take_over (block);
  if (block != &self->nudge)
    return block;
  /* Sequentially consistent: this thread reads what the nudge announces after this store. A thread that announces
   * more later finds the flag FALSE, and queues the nudge again. */
  atomic_store_explicit (&self->nudged, FALSE, memory_order_seq_cst);
  return NULL;
}

/* any: drops a reference. When the last one is dropped, no block may be in the queue. */
void
ferry_local_queue_unref (FerryLocalQueue *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  g_assert (ferry_local_queue_pop_all (self) == NULL);
  free_blocks (self->pool);
  free_blocks (atomic_load_explicit (&self->returned, memory_order_acquire));
  g_async_queue_unref (self->queue);
  ferry_clear_fd (&self->bell);
  ferry_memory_account_unref (self->account);
  g_aligned_free (self);
}

/* monitor: whether the link may have one more block out. Half of the queue's limit is for links that have none out, so
 * that a flood does not shut them out. Sequentially consistent, since the monitor checks again after
 * ferry_local_queue_arm(). */
gboolean
ferry_local_queue_has_room (FerryLocalQueue *self, FerryLink *link)
{
  gint64 share_out = atomic_load_explicit (&link->out.share, memory_order_seq_cst);
  gint64 limit = share_out == 0 ? self->limit : self->limit / 2;

  return share_out < FERRY_LINK_WINDOW && atomic_load_explicit (&self->bytes_out, memory_order_seq_cst) < limit;
}

/* any: whether the application keeps no buffer and no large message of the link. */
static gboolean
has_nothing (FerryLink *link)
{
  return atomic_load_explicit (&link->out.kept, memory_order_seq_cst) == 0 &&
         atomic_load_explicit (&link->out.lent, memory_order_seq_cst) == 0;
}

/* monitor: whether the link may have one more buffer or large message. A link that has none may have one also when
 * the account is full. Sequentially consistent, since the monitor checks again after ferry_local_queue_arm(). */
gboolean
ferry_local_queue_has_memory (FerryLocalQueue *self, FerryLink *link)
{
  return atomic_load_explicit (&link->out.kept, memory_order_seq_cst) < FERRY_KEPT_LIMIT &&
         (has_nothing (link) || !ferry_memory_account_is_full (self->account));
}

/* monitor: asks to be woken when a block is given back. To be called before the monitor checks for room and sleeps. */
void
ferry_local_queue_arm (FerryLocalQueue *self)
{
  ferry_wake_arm (&self->waiting, &self->epoch);
}

static FerryBlock *
take_from_pool (FerryLocalQueue *self)
{
  FerryBlock *block;

  if (self->pool == NULL)
    {
      /* Acquire: pairs with ferry_local_queue_give_back(). All are taken at once, so there is no ABA problem. */
      self->pool = atomic_exchange_explicit (&self->returned, NULL, memory_order_acquire);
      self->n_pool = 0;
      for (block = self->pool; block != NULL; block = block->next)
        if (++self->n_pool == POOL_SIZE)
          {
            free_blocks (g_steal_pointer (&block->next));
            break;
          }
    }
  block = self->pool;
  if (block == NULL)
    return NULL;
  self->pool = block->next;
  self->n_pool--;
  block->next = NULL;
  return block;
}

/* monitor: frees the empty blocks, if few were needed since the last call. Returns whether this function must be called
 * again. */
gboolean
ferry_local_queue_tidy (FerryLocalQueue *self)
{
  gboolean few = self->n_taken <= FEW_BLOCKS;

  self->n_taken = 0;
  if (!few)
    return TRUE;
  free_blocks_and_pages (g_steal_pointer (&self->pool));
  self->n_pool = 0;
  /* Acquire: as in take_from_pool(). */
  free_blocks_and_pages (atomic_exchange_explicit (&self->returned, NULL, memory_order_acquire));
  return FALSE;
}

/* monitor: (transfer full): returns an empty block of that kind for the link. */
FerryBlock *
ferry_local_queue_take_block (FerryLocalQueue *self, FerryLink *link, FerryBlockKind kind)
{
  FerryBlock *block = kind == FERRY_BLOCK_RECORDS ? take_from_pool (self) : NULL;

  self->n_taken += kind == FERRY_BLOCK_RECORDS;
  if (block == NULL)
    {
      block = g_new0 (FerryBlock, 1);
      if (kind == FERRY_BLOCK_RECORDS)
        block->data = g_aligned_alloc (1, FERRY_BLOCK_SIZE, PAGE);
    }
  block->kind = kind;
  block->link = ferry_link_ref (link);
  block->cursor = 0;
  block->up_head = 0;
  return block;
}

/* Adds the records of a block to the block before it, where that is in the queue still. So a link that carries few
 * records at a time does not use up its share while the main loop is at work. Returns whether it did. */
static gboolean
add_to_latest_locked (FerryBlock *block)
{
  /* Relaxed, as all accesses: the queue's lock is held. */
  FerryBlock *latest = atomic_load_explicit (&block->link->out.latest, memory_order_relaxed);

  if (latest == NULL || block->kind != FERRY_BLOCK_RECORDS || block->size > MAX_ADDED ||
      block->size > FERRY_BLOCK_SIZE - latest->size)
    return FALSE;
  memcpy (latest->data + latest->size, block->data, block->size);
  latest->size += block->size;
  latest->up_head = block->up_head;
  ferry_hand_over (latest);
  return TRUE;
}

static void
push_locked (FerryLocalQueue *self, FerryBlock *block)
{
  gint64 charge = (gint64) block->charge;
  gint64 bytes_out;

  block->share = MAX (block->share, block->charge);
  /* Relaxed: only the monitor adds to the counts, and only the monitor checks for room. */
  atomic_fetch_add_explicit (&block->link->out.share, (gint64) block->share, memory_order_relaxed);
  bytes_out = atomic_fetch_add_explicit (&self->bytes_out, charge, memory_order_relaxed) + charge;
  if (bytes_out > atomic_load_explicit (&self->highest, memory_order_relaxed))
    atomic_store_explicit (&self->highest, bytes_out, memory_order_relaxed);
  block->serial = atomic_fetch_add_explicit (&self->n_pushed, 1, memory_order_relaxed) + 1;
  /* Output comes before the records in front of it, see ferry-fair-queue.c. A worker that prints a line now and then
   * would use up its share otherwise. */
  if (block->kind == FERRY_BLOCK_OUTPUT)
    atomic_fetch_add_explicit (&block->link->out.lines, block->size, memory_order_relaxed);
  else
    atomic_store_explicit (&block->link->out.latest, block->kind == FERRY_BLOCK_RECORDS ? block : NULL,
                           memory_order_relaxed);
  block->out_link.data = block;
  g_queue_push_tail_link (&block->link->out.blocks, &block->out_link);
  ferry_hand_over (block);
  g_async_queue_push_unlocked (self->queue, block);
}

/* monitor: pushes a block, for the router's thread, and counts its bytes as out. */
void
ferry_local_queue_push (FerryLocalQueue *self, FerryBlock *block)
{
  gboolean added;

  ferry_local_queue_lock (self);
  added = add_to_latest_locked (block);
  if (!added)
    push_locked (self, block);
  ferry_local_queue_unlock (self);
  if (!added)
    return;
  block->charge = block->share = 0;
  block->up_head = 0;
  ferry_local_queue_give_back (self, block);
}

/* any: returns how many blocks were pushed so far. */
guint64
ferry_local_queue_get_n_pushed (FerryLocalQueue *self)
{
  return atomic_load_explicit (&self->n_pushed, memory_order_relaxed);
}

/* router's thread: returns how many blocks were popped so far. */
guint64
ferry_local_queue_get_n_popped (FerryLocalQueue *self)
{
  return self->n_popped;
}

/* router's thread: (transfer full) (nullable): pops all blocks, and returns them as a list. */
FerryBlock *
ferry_local_queue_pop_all (FerryLocalQueue *self)
{
  FerryBlock *first = NULL;
  FerryBlock **place = &first;
  FerryBlock *taken;

  ferry_local_queue_lock (self);
  while ((taken = g_async_queue_try_pop_unlocked (self->queue)) != NULL)
    {
      *place = as_block (self, taken);
      if (*place == NULL)
        continue;
      self->n_popped++;
      if ((*place)->kind == FERRY_BLOCK_RECORDS)
        atomic_store_explicit (&(*place)->link->out.latest, NULL, memory_order_relaxed);
      place = &(*place)->next;
    }
  ferry_local_queue_unlock (self);
  *place = NULL;
  return first;
}

/* router's thread: sleeps until a block is in the queue (where it stays), until a nudge, or until deadline. */
void
ferry_local_queue_wait_until (FerryLocalQueue *self, gint64 deadline)
{
  gint64 left = deadline - g_get_monotonic_time ();
  FerryBlock *block;

  if (left <= 0)
    return;
  block = as_block (self, g_async_queue_timeout_pop (self->queue, (guint64) MIN (left, FERRY_LONGEST_SLEEP)));
  if (block == NULL)
    return;
  ferry_hand_over (block);
  g_async_queue_push_front (self->queue, block);
}

/* any: ends the present sleep of the router's thread on the queue, or the next one where it does not sleep now. */
void
ferry_local_queue_nudge (FerryLocalQueue *self)
{
  if (atomic_exchange_explicit (&self->nudged, TRUE, memory_order_seq_cst))
    return;
  ferry_hand_over (&self->nudge);
  g_async_queue_push (self->queue, &self->nudge);
}

/* Ends the time in which other threads look into the block. */
static void
take_off_list (FerryLocalQueue *self, FerryBlock *block)
{
  if (block->out_link.data == NULL)
    return;
  ferry_local_queue_lock (self);
  g_queue_unlink (&block->link->out.blocks, &block->out_link);
  ferry_local_queue_unlock (self);
  block->out_link.data = NULL;
}

/* router's thread: gives a block back. Wakes a monitor that waits for room when half of the link's share is free, or
 * when the queue has room for other links again. So a flood causes one wake-up for several blocks. */
void
ferry_local_queue_give_back (FerryLocalQueue *self, FerryBlock *block)
{
  FerryLink *link = block->link;
  FerryBlock *top;
  gint64 charge = (gint64) block->charge;
  gint64 share = (gint64) block->share;
  gint64 link_left, before;
  gboolean enough;

  take_off_list (self, block);
  top = atomic_load_explicit (&self->returned, memory_order_relaxed);
  link_left = atomic_fetch_sub_explicit (&link->out.share, share, memory_order_seq_cst) - share;
  before = atomic_fetch_sub_explicit (&self->bytes_out, charge, memory_order_seq_cst);
  enough = link_left <= FERRY_LINK_WINDOW / 2 || falls_below (self->limit, before, before - charge) ||
           falls_below (self->limit / 2, before, before - charge);

  if (block->kind == FERRY_BLOCK_OUTPUT)
    atomic_fetch_sub_explicit (&link->out.lines, block->size, memory_order_relaxed);
  if (block->up_head != 0)
    link->turn.dispatched = block->up_head;
  block->link = NULL;
  block->charge = block->share = 0;
  g_clear_object (&block->exit);
  g_clear_pointer (&block->buffer, g_bytes_unref);
  if (block->kind != FERRY_BLOCK_RECORDS)
    {
      g_free (block->data);
      g_free (block);
    }
  else
    do
      block->next = top;
    while (!atomic_compare_exchange_weak_explicit (&self->returned, &top, block, memory_order_release,
                                                   memory_order_relaxed));
  if (share > 0 && enough && ferry_wake_due (&self->waiting, &self->rung))
    ferry_doorbell_ring (self->bell);
  ferry_link_unref (link);
}

/* A large message or a buffer that is in the queue or that the application keeps. Its bytes are in one of three
 * places: data, memory, or the buffer of that number in arena. */
typedef struct
{
  FerryLocalQueue *queue; /* (owned) */
  FerryLink *link;        /* (owned) */
  guint8 *data;           /* (owned) (nullable); so are memory and arena */
  FerryMemory memory;
  FerryArena *arena;
  guint32 number;
  gsize charge; /* the bytes that count against the link's and the account's limits */
} KeptMessage;

static _Atomic gint64 *
get_counter (KeptMessage *kept)
{
  return kept->arena != NULL ? &kept->link->out.lent : &kept->link->out.kept;
}

/* any: frees a KeptMessage. Wakes the monitor where the link or the account is below its limit again. */
static void
release_kept (gpointer data)
{
  KeptMessage *kept = data;
  FerryMemoryAccount *account = kept->queue->account;
  gint64 charge = (gint64) kept->charge;
  gint64 before = atomic_fetch_sub_explicit (get_counter (kept), charge, memory_order_seq_cst);

  ferry_memory_account_release (account, kept->charge);
  if (kept->memory.data != NULL)
    ferry_spare_memory_give (&kept->link->spare, kept->memory);
  if (kept->arena != NULL)
    {
      ferry_arena_let_go (kept->arena, kept->number);
      ferry_arena_unref (kept->arena);
    }
  if (falls_below (FERRY_KEPT_LIMIT, before, before - charge) ||
      (has_nothing (kept->link) && ferry_memory_account_is_full (account)))
    ferry_doorbell_ring (kept->queue->bell);
  ferry_local_queue_unref (kept->queue);
  ferry_link_unref (kept->link);
  g_free (kept->data);
  g_free (kept);
}

/* (transfer full): returns the bytes at data, which count against the link's and account's limits until the release. */
static GBytes *
keep (FerryLocalQueue *self, FerryLink *link, gconstpointer data, gsize size, KeptMessage what)
{
  KeptMessage *kept = g_memdup2 (&what, sizeof what);

  kept->queue = ferry_local_queue_ref (self);
  kept->link = ferry_link_ref (link);
  atomic_fetch_add_explicit (get_counter (kept), (gint64) kept->charge, memory_order_relaxed);
  ferry_memory_account_hold (self->account, kept->charge);
  return g_bytes_new_with_free_func (data, size, release_kept, kept);
}

/* any: whether the library may keep a message of the link for the application, which knows of no limit. If not, the
 * library must keep a copy instead, so that the link is not stalled. */
gboolean
ferry_local_queue_may_keep (FerryLocalQueue *self, FerryLink *link)
{
  return atomic_load_explicit (&link->out.kept, memory_order_relaxed) < FERRY_KEPT_LIMIT / 2 &&
         ferry_memory_account_is_half_empty (self->account);
}

/* (transfer full): returns the block's large message, without a copy. */
GBytes *
ferry_local_queue_keep (FerryLocalQueue *self, FerryBlock *block)
{
  guint8 *data = g_steal_pointer (&block->data);

  return keep (self, block->link, data, block->size, (KeptMessage){.data = data, .charge = block->size});
}

/* router's thread: (transfer full): as ferry_local_queue_keep(), also where the thread that drains has done that. */
GBytes *
ferry_local_queue_take_large (FerryLocalQueue *self, FerryBlock *block)
{
  return block->buffer != NULL ? g_steal_pointer (&block->buffer) : ferry_local_queue_keep (self, block);
}

/* monitor: (transfer full): returns the copy of a buffer, which owns memory and ends as spare memory of the link. */
GBytes *
ferry_local_queue_keep_copy (FerryLocalQueue *self, FerryLink *link, FerryMemory memory, gsize size)
{
  gsize charge = MAX (memory.capacity, size + sizeof (KeptMessage));

  return keep (self, link, memory.data, size, (KeptMessage){.memory = memory, .charge = charge});
}

/* monitor: (transfer full): returns a buffer in the link's arena. The last reference lets the worker use it again. */
GBytes *
ferry_local_queue_keep_loan (FerryLocalQueue *self, FerryLink *link, const FerryBufferMessage *message)
{
  return keep (
    self, link, link->arena->memory + message->offset, message->size,
    (KeptMessage){.arena = ferry_arena_ref (link->arena), .number = message->number, .charge = message->size});
}

/* any: returns the account of the buffers and large messages of all links. */
FerryMemoryAccount *
ferry_local_queue_get_account (FerryLocalQueue *self)
{
  return self->account;
}

/* any: returns the highest count that ferry_local_queue_get_bytes() has reached. */
gint64
ferry_local_queue_get_highest (FerryLocalQueue *self)
{
  return atomic_load_explicit (&self->highest, memory_order_relaxed);
}

/* any: returns how many bytes are in the queue or being dispatched. */
gint64
ferry_local_queue_get_bytes (FerryLocalQueue *self)
{
  return atomic_load_explicit (&self->bytes_out, memory_order_relaxed);
}
