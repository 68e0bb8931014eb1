/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "call/ferry-berths-private.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Nobody waits for more than so many answers of others. */
#define MAX_DUE 32

#define SHARED (1u << 31)

static guint
group_of (guint berth)
{
  return berth / 32 % FERRY_N_BERTH_GROUPS;
}

static guint32
bit_of (guint berth)
{
  return 1u << (berth % 32);
}

guint
ferry_berths_take (FerryBerths *self)
{
  for (guint group = 0; group < FERRY_N_BERTH_GROUPS; group++)
    {
      guint32 taken = atomic_load_explicit (&self->groups[group].taken, memory_order_relaxed);

      /* Relaxed, as in ferry_berths_leave(): what is in a berth is its sleeper's own affair. */
      while (taken != G_MAXUINT32)
        {
          guint bit = (guint) __builtin_ctz (~taken);

          if (atomic_compare_exchange_weak_explicit (&self->groups[group].taken, &taken, taken | 1u << bit,
                                                     memory_order_relaxed, memory_order_relaxed))
            return group * 32 + bit;
        }
    }
  return SHARED | (guint) (GPOINTER_TO_SIZE (g_thread_self ()) / 64) % (FERRY_N_BERTH_GROUPS * 32);
}

void
ferry_berths_leave (FerryBerths *self, guint berth)
{
  if ((berth & SHARED) == 0)
    atomic_fetch_and_explicit (&self->groups[group_of (berth)].taken, ~bit_of (berth), memory_order_relaxed);
}

guint32
ferry_berths_look (FerryBerths *self, guint berth)
{
  /* Acquire: what is looked at next is at least as new. */
  return atomic_load_explicit (&self->groups[group_of (berth)].rings, memory_order_acquire);
}

gboolean
ferry_berths_sleep (FerryBerths *self, guint berth, guint32 seen, gint64 deadline)
{
  struct timespec until = {.tv_sec = deadline / G_USEC_PER_SEC, .tv_nsec = (deadline % G_USEC_PER_SEC) * 1000};

  return syscall (SYS_futex, &self->groups[group_of (berth)].rings, FUTEX_WAIT_BITSET_PRIVATE, seen,
                  deadline > 0 ? &until : NULL, NULL, bit_of (berth)) == 0 ||
         errno != ETIMEDOUT;
}

static void
wake_group (FerryBerths *self, guint group, guint32 bits)
{
  _Atomic guint32 *rings = &self->groups[group].rings;

  /* Release: pairs with ferry_berths_look(). */
  atomic_fetch_add_explicit (rings, 1, memory_order_release);
  syscall (SYS_futex, rings, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, bits);
}

void
ferry_berths_wake (FerryBerths *self, guint berth)
{
  wake_group (self, group_of (berth), bit_of (berth));
}

void
ferry_berths_wake_later (FerryBerths *self, guint berth)
{
  self->groups[group_of (berth)].due |= bit_of (berth);
  self->due |= 1u << group_of (berth);
  if (++self->n_due >= MAX_DUE)
    ferry_berths_wake_due (self);
}

void
ferry_berths_wake_due (FerryBerths *self)
{
  self->n_due = 0;
  while (self->due != 0)
    {
      guint group = (guint) __builtin_ctz (self->due);
      guint32 bits = self->groups[group].due;

      self->groups[group].due = 0;
      self->due &= ~(1u << group);
      wake_group (self, group, bits);
    }
}
