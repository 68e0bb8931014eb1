/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The account of the memory that buffers and large messages of all links take in the application, with a limit. Held
 * memory contains messages that wait in the local queue, or that the application keeps. Spare memory is private memory
 * without content; later buffers are copied into it. Where held memory needs the room, spare memory is freed.
 *
 * Owner:   counted references. The router, the local queue, each link's spare memory and each piece of held memory have
 *          one.
 * Threads: any. The counts are for statistics and limits only: no memory is published through them. */

#include "config.h"

#include "lane/ferry-memory-account-private.h"

#include <fcntl.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-wake-private.h"

FerryMemoryAccount *
ferry_memory_account_new (guint64 limit)
{
  FerryMemoryAccount *self = g_new0 (FerryMemoryAccount, 1);

  atomic_init (&self->references, 1);
  atomic_init (&self->limit, (gint64) MIN (limit, G_MAXINT64));
  pthread_mutex_init (&self->lock, NULL);
  self->bell = -1;
  return self;
}

FerryMemoryAccount *
ferry_memory_account_ref (FerryMemoryAccount *self)
{
  ferry_ref_count_inc (&self->references);
  return self;
}

void
ferry_memory_account_unref (FerryMemoryAccount *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  ferry_clear_fd (&self->bell);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

static void
ring (FerryMemoryAccount *self)
{
  FERRY_AUTO_LOCK (&self->lock);

  if (self->bell >= 0)
    ferry_doorbell_ring (self->bell);
}

void
ferry_memory_account_set_limit (FerryMemoryAccount *self, guint64 limit)
{
  /* Sequentially consistent, for the same reason as in ferry_memory_account_release(): see
   * ferry_memory_account_is_full(). */
  atomic_store_explicit (&self->limit, (gint64) MIN (limit, G_MAXINT64), memory_order_seq_cst);
  ring (self);
}

guint64
ferry_memory_account_get_limit (FerryMemoryAccount *self)
{
  return (guint64) atomic_load_explicit (&self->limit, memory_order_relaxed);
}

/* Sets the doorbell that is rung when held memory falls below the limit. The account uses a copy of the descriptor
 * bell. A bell of -1 removes the doorbell. */
gboolean
ferry_memory_account_set_bell (FerryMemoryAccount *self, int bell, GError **error)
{
  ferry_autofd copy = bell >= 0 ? fcntl (bell, F_DUPFD_CLOEXEC, 0) : -1;

  if (bell >= 0 && copy < 0)
    return ferry_set_system_error (error, "Making the account of buffers (fcntl)");
  FERRY_AUTO_LOCK (&self->lock);
  ferry_clear_fd (&self->bell);
  self->bell = ferry_steal_fd (&copy);
  return TRUE;
}

/* Whether held memory has reached the limit. Sequentially consistent: the thread may sleep where this returns TRUE. Any
 * release, or any new limit, that is later in the single total order of these accesses wakes the thread. */
gboolean
ferry_memory_account_is_full (FerryMemoryAccount *self)
{
  return atomic_load_explicit (&self->held, memory_order_seq_cst) >=
         atomic_load_explicit (&self->limit, memory_order_seq_cst);
}

/* Whether held memory is below half of the limit. */
gboolean
ferry_memory_account_is_half_empty (FerryMemoryAccount *self)
{
  /* Relaxed: the counts may change before the caller uses the answer. */
  return atomic_load_explicit (&self->held, memory_order_relaxed) <
         atomic_load_explicit (&self->limit, memory_order_relaxed) / 2;
}

/* Whether held memory, spare memory and size more bytes together are within the limit. */
gboolean
ferry_memory_account_has_room (FerryMemoryAccount *self, gsize size)
{
  /* Relaxed: the counts may change before the caller uses the answer. */
  return atomic_load_explicit (&self->held, memory_order_relaxed) +
           atomic_load_explicit (&self->spare, memory_order_relaxed) + (gint64) size <=
         atomic_load_explicit (&self->limit, memory_order_relaxed);
}

static void
add (_Atomic gint64 *count, _Atomic gint64 *highest, gsize size)
{
  gint64 value = atomic_fetch_add_explicit (count, (gint64) size, memory_order_relaxed) + (gint64) size;
  /* Relaxed: a statistic. */
  gint64 before = atomic_load_explicit (highest, memory_order_relaxed);

  while (value > before &&
         !atomic_compare_exchange_weak_explicit (highest, &before, value, memory_order_relaxed, memory_order_relaxed))
    ;
}

void
ferry_memory_account_hold (FerryMemoryAccount *self, gsize size)
{
  add (&self->held, &self->highest_held, size);
}

void
ferry_memory_account_release (FerryMemoryAccount *self, gsize size)
{
  gint64 before = atomic_fetch_sub_explicit (&self->held, (gint64) size, memory_order_seq_cst);
  gint64 limit = atomic_load_explicit (&self->limit, memory_order_seq_cst);

  if (before >= limit && before - (gint64) size < limit)
    ring (self);
}

/* Counts size bytes as spare memory, if the limit allows it. Returns whether it does. */
gboolean
ferry_memory_account_add_spare (FerryMemoryAccount *self, gsize size)
{
  if (!ferry_memory_account_has_room (self, size))
    return FALSE;
  add (&self->spare, &self->highest_spare, size);
  return TRUE;
}

void
ferry_memory_account_remove_spare (FerryMemoryAccount *self, gsize size)
{
  atomic_fetch_sub_explicit (&self->spare, (gint64) size, memory_order_relaxed);
}
