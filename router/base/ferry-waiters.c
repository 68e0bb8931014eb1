/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Slots in which threads sleep while they wait for answers over one transport, so that many threads can be woken at
 * once. See ferry-waiters-private.h. */

#include "config.h"

#include "base/ferry-waiters-private.h"

#include "base/ferry-thread-private.h"

/* The most due threads that wait for one wake-up. When so many are due, they are woken at once. */
#define MAX_DUE 32

#define SHARED (1u << 31)

/* What this thread wakes later. */
static _Thread_local FerryDueWaiters own_due;

static guint
group_of (guint slot)
{
  return slot / 32 % FERRY_N_WAITER_GROUPS;
}

static guint32
bit_of (guint slot)
{
  return 1u << (slot % 32);
}

guint
ferry_waiters_take (FerryWaiters *self)
{
  for (guint group = 0; group < FERRY_N_WAITER_GROUPS; group++)
    {
      guint32 taken = atomic_load_explicit (&self->groups[group].taken, memory_order_relaxed);

      /* Relaxed, as in ferry_waiters_leave(): a slot guards no data. */
      while (taken != G_MAXUINT32)
        {
          guint bit = (guint) __builtin_ctz (~taken);

          if (atomic_compare_exchange_weak_explicit (&self->groups[group].taken, &taken, taken | 1u << bit,
                                                     memory_order_relaxed, memory_order_relaxed))
            return group * 32 + bit;
        }
    }
  return SHARED | (guint) (GPOINTER_TO_SIZE (g_thread_self ()) / 64) % (FERRY_N_WAITER_GROUPS * 32);
}

void
ferry_waiters_leave (FerryWaiters *self, guint slot)
{
  if ((slot & SHARED) == 0)
    atomic_fetch_and_explicit (&self->groups[group_of (slot)].taken, ~bit_of (slot), memory_order_relaxed);
}

guint32
ferry_waiters_look (FerryWaiters *self, guint slot)
{
  /* Acquire: what the thread reads next is at least as new as the rings. */
  return atomic_load_explicit (&self->groups[group_of (slot)].rings, memory_order_acquire);
}

gboolean
ferry_waiters_sleep (FerryWaiters *self, guint slot, guint32 seen, gint64 deadline)
{
  return ferry_futex_wait (&self->groups[group_of (slot)].rings, seen, bit_of (slot), deadline);
}

static void
wake_group (FerryWaiters *self, guint group, guint32 bits)
{
  _Atomic guint32 *rings = &self->groups[group].rings;

  /* Release: publishes the awaited state for a thread that calls ferry_waiters_look(). */
  atomic_fetch_add_explicit (rings, 1, memory_order_release);
  ferry_futex_wake (rings, bits);
}

void
ferry_waiters_wake (FerryWaiters *self, guint slot)
{
  wake_group (self, group_of (slot), bit_of (slot));
}

void
ferry_due_waiters_add (FerryDueWaiters *self, FerryWaiters *waiters, guint slot)
{
  if (self->waiters != waiters)
    ferry_due_waiters_wake (self);
  self->waiters = waiters;
  self->slots[group_of (slot)] |= bit_of (slot);
  self->groups |= 1u << group_of (slot);
  self->n++;
}

void
ferry_due_waiters_wake (FerryDueWaiters *self)
{
  self->n = 0;
  while (self->groups != 0)
    {
      guint group = (guint) __builtin_ctz (self->groups);
      guint32 bits = self->slots[group];

      self->slots[group] = 0;
      self->groups &= ~(1u << group);
      wake_group (self->waiters, group, bits);
    }
}

void
ferry_waiters_wake_later (FerryWaiters *self, guint slot)
{
  ferry_due_waiters_add (&own_due, self, slot);
  if (own_due.n >= MAX_DUE)
    ferry_due_waiters_wake (&own_due);
}

void
ferry_waiters_wake_due (void)
{
  ferry_due_waiters_wake (&own_due);
}
