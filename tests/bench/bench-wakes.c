/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Threads: the sleepers' own, and the one that runs. They share words only, all of them sequentially consistent. */

#include "config.h"

#include "bench-wakes.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_THREADS 64

typedef struct
{
  BenchWakes *wakes;
  guint64 bit;
  _Atomic guint32 word; /* one more with each wake */
  GThread *thread;      /* (owned) */
} Sleeper;

struct _BenchWakes
{
  guint n_sleepers;
  _Atomic guint64 asleep; /* a bit for each sleeper that is to be woken */
  _Atomic guint32 bell;   /* one more when there is one, after there was none */
  _Atomic gboolean stopped;
  Sleeper sleepers[MAX_THREADS];
};

static void
wait_word (_Atomic guint32 *word, guint32 value)
{
  syscall (SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void
wake_word (_Atomic guint32 *word)
{
  atomic_fetch_add (word, 1);
  syscall (SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static gpointer
sleep_again_and_again (gpointer data)
{
  Sleeper *self = data;
  BenchWakes *wakes = self->wakes;

  while (!wakes->stopped)
    {
      guint32 value = self->word;

      if (atomic_fetch_or (&wakes->asleep, self->bit) == 0)
        wake_word (&wakes->bell);
      while (self->word == value)
        wait_word (&self->word, value);
    }
  return NULL;
}

/* Returns how many it woke. */
static guint
wake_all (BenchWakes *self)
{
  guint64 asleep = atomic_exchange (&self->asleep, 0);
  guint n = 0;

  for (; asleep != 0; asleep &= asleep - 1)
    {
      wake_word (&self->sleepers[g_bit_nth_lsf (asleep, -1)].word);
      n++;
    }
  return n;
}

BenchWakes *
bench_wakes_new (guint n_threads)
{
  BenchWakes *self = g_new0 (BenchWakes, 1);

  g_assert (n_threads <= MAX_THREADS);
  self->n_sleepers = n_threads;
  for (guint i = 0; i < n_threads; i++)
    {
      Sleeper *sleeper = &self->sleepers[i];

      sleeper->wakes = self;
      sleeper->bit = G_GUINT64_CONSTANT (1) << i;
      sleeper->thread = g_thread_new ("bench-sleeper", sleep_again_and_again, sleeper);
    }
  return self;
}

double
bench_wakes_run (BenchWakes *self, gint64 duration)
{
  const gint64 started = bench_now ();
  gint64 elapsed = 0;
  guint64 n_woken = 0;

  for (; elapsed < duration; elapsed = bench_now () - started)
    {
      guint32 rung = self->bell;
      guint n = wake_all (self);

      if (n == 0)
        wait_word (&self->bell, rung);
      n_woken += n;
    }
  return n_woken * 1e9 / elapsed;
}

void
bench_wakes_free (BenchWakes *self)
{
  self->stopped = TRUE;
  for (guint i = 0; i < self->n_sleepers; i++)
    {
      wake_word (&self->sleepers[i].word);
      g_thread_join (self->sleepers[i].thread);
    }
  g_free (self);
}
