/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sieve of primes, a segment at a time. */

#include "tasks/worker-sieve.h"

#include <math.h>
#include <string.h>

/* One byte stands for one odd number; a segment fits in a core's cache. */
#define SEGMENT_ODDS (128 * 1024)

typedef struct
{
  guint64 prime;
  guint64 next; /* its next odd multiple that is not crossed out yet */
} BasePrime;

struct _WorkerSieve
{
  guint64 limit;
  guint64 begin; /* odd: everything below is counted */
  guint64 primes;
  GArray *base_primes; /* (element-type BasePrime) odd primes up to the square root of the limit */
  guint8 crossed[SEGMENT_ODDS];
};

static guint64
get_root (guint64 number)
{
  guint64 root = (guint64) sqrt ((double) number);

  while (root * root > number)
    root--;
  while ((root + 1) * (root + 1) <= number)
    root++;
  return root;
}

static void
add_base_primes (WorkerSieve *self, guint64 root)
{
  g_autofree guint8 *composite = g_malloc0 (root + 1);

  for (guint64 candidate = 3; candidate <= root; candidate += 2)
    {
      BasePrime base = {candidate, candidate * candidate};

      if (composite[candidate])
        continue;
      for (guint64 multiple = base.next; multiple <= root; multiple += 2 * candidate)
        composite[multiple] = TRUE;
      g_array_append_val (self->base_primes, base);
    }
}

WorkerSieve *
worker_sieve_new (guint64 limit)
{
  WorkerSieve *self = g_new0 (WorkerSieve, 1);

  self->limit = limit;
  self->begin = 3;
  self->primes = limit >= 2 ? 1 : 0;
  self->base_primes = g_array_new (FALSE, FALSE, sizeof (BasePrime));
  add_base_primes (self, get_root (limit));
  return self;
}

void
worker_sieve_free (WorkerSieve *self)
{
  g_array_unref (self->base_primes);
  g_free (self);
}

static void
cross_out (WorkerSieve *self, guint64 odds)
{
  guint64 end = self->begin + 2 * odds;

  memset (self->crossed, 0, odds);
  for (guint i = 0; i < self->base_primes->len; i++)
    {
      BasePrime *base = &g_array_index (self->base_primes, BasePrime, i);

      if (base->prime * base->prime >= end)
        break;
      for (; base->next < end; base->next += 2 * base->prime)
        self->crossed[(base->next - self->begin) / 2] = TRUE;
    }
}

/* FALSE when all numbers up to the limit are counted. */
gboolean
worker_sieve_step (WorkerSieve *self)
{
  guint64 odds;

  if (self->begin > self->limit)
    return FALSE;

  odds = MIN ((self->limit - self->begin) / 2 + 1, SEGMENT_ODDS);
  cross_out (self, odds);
  for (guint64 i = 0; i < odds; i++)
    self->primes += !self->crossed[i];
  self->begin += 2 * odds;
  return TRUE;
}

guint64
worker_sieve_get_done (const WorkerSieve *self)
{
  return MIN (self->begin - 1, self->limit);
}

guint64
worker_sieve_get_primes (const WorkerSieve *self)
{
  return self->primes;
}
