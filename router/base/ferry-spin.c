/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whether a poll before a sleep is worth its time, for the main loop, waiting threads and workers: how long the last
 * waits were.
 *
 * Spinning: a thread that waits for another process polls for some microseconds before it sleeps, where that has paid
 * lately; where there is one core, it yields twice instead. docs/engine.md says when. The router chooses, with its
 * first setting: a thread of an application may be bound to one core, and the worker to another.
 *
 * Threads: one at a time; ferry_spin_get_time() any. */

#include "config.h"

#include "base/ferry-spin-private.h"

#include <sched.h>

/* A wait that takes longer counts as one of this time, in microseconds. */
#define LONG_WAIT 1000
/* Spins only where waits typically take less, in microseconds: two wake-ups across cores and a short answer. */
#define NEAR_WAIT 200
/* How often a spin polls between two looks at the clock. */
#define POLLS_PER_LOOK 16
#define MAX_MISSES 6
/* How often a wait yields: the first yield may go to a thread that wakes the one that answers. */
#define N_YIELDS 2
/* A spin that has taken so long yields, in microseconds: whoever is to answer may wait for this very core. */
#define LONG_SPIN 10

static _Thread_local guint n_wakes;

void
ferry_spin_note_wake (void)
{
  n_wakes++;
}

guint
ferry_spin_count_wakes (void)
{
  return n_wakes;
}

void
ferry_spin_set (FerrySpin *self, guint32 setting)
{
  if (self->longest == 0 && !self->yields)
    self->typical = LONG_WAIT;
  self->setting = setting;
  self->yields = (setting & 0xffff) == FERRY_SPIN_YIELD;
  self->longest = self->yields ? 0 : setting & 0xffff;
  self->allowance = (setting >> 16) * (G_USEC_PER_SEC / 1000);
}

static inline void
pause_processor (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

/* The average falls faster than it rises: a conversation that begins again spins after two short waits. */
static void
note_wait (FerrySpin *self, gint64 microseconds)
{
  const gint64 wait = MIN (microseconds, LONG_WAIT);

  self->typical = wait < self->typical ? (self->typical + 3 * wait) / 4 : (3 * self->typical + wait) / 4;
}

/* Whether a spin is likely to pay, and the present second allows one. */
static gboolean
is_likely (FerrySpin *self)
{
  if (self->typical >= NEAR_WAIT)
    return FALSE;
  if (self->skips > 0)
    {
      self->skips--;
      return FALSE;
    }
  if (self->began - self->second >= G_USEC_PER_SEC)
    {
      self->second = self->began;
      self->wasted = 0;
    }
  return self->wasted < self->allowance;
}

static void
note_miss (FerrySpin *self, gint64 microseconds)
{
  self->wasted += microseconds;
  self->misses = MIN (self->misses + 1, MAX_MISSES);
  self->skips = (1u << self->misses) - 1;
}

gboolean
ferry_spin_begin (FerrySpin *self)
{
  if (self->longest == 0 && !self->yields)
    return FALSE;
  self->began = g_get_monotonic_time ();
  return is_likely (self);
}

/* Yields until it has arrived, a few times. What comes so has the core that this thread has. Sets taken to how long the
 * wait has taken. */
static gboolean
yield (FerrySpin *self, FerrySpinFunc has_arrived, gpointer data, gint64 *taken)
{
  gboolean arrived = FALSE;

  for (guint i = 0; i < N_YIELDS && !arrived; i++)
    {
      sched_yield ();
      arrived = has_arrived (data);
    }
  *taken = g_get_monotonic_time () - self->began;
  return arrived;
}

gboolean
ferry_spin_poll (FerrySpin *self, FerrySpinFunc has_arrived, gpointer data)
{
  gint64 taken = 0;
  gboolean arrived = (self->yields || self->shares_core) && yield (self, has_arrived, data, &taken);
  gboolean has_yielded = FALSE;

  self->shares_core &= arrived;
  while (!arrived && taken < self->longest)
    {
      for (guint i = 0; i < POLLS_PER_LOOK && !(arrived = has_arrived (data)); i++)
        pause_processor ();
      taken = g_get_monotonic_time () - self->began;
      if (!arrived && !has_yielded && taken >= LONG_SPIN)
        {
          arrived = self->shares_core = yield (self, has_arrived, data, &taken);
          has_yielded = TRUE;
        }
    }
  /* Relaxed, here and in ferry_spin_get_time(): a count. */
  if (!self->yields)
    atomic_fetch_add_explicit (&self->time, (guint64) taken, memory_order_relaxed);
  if (!arrived)
    {
      note_miss (self, taken);
      return FALSE;
    }
  self->misses = 0;
  self->began = 0;
  note_wait (self, taken);
  return TRUE;
}

void
ferry_spin_end (FerrySpin *self)
{
  if (self->began != 0)
    note_wait (self, g_get_monotonic_time () - self->began);
  self->began = 0;
}

guint64
ferry_spin_get_time (const FerrySpin *self)
{
  return atomic_load_explicit (&self->time, memory_order_relaxed);
}
