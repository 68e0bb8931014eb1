/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counting primes: once to the end, once until it crashes, once until it hangs. */

#include <glib/gi18n.h>
#include <signal.h>
#include <unistd.h>

#include "app/worker-jobs.h"
#include "tasks/worker-sieve.h"

/* The two jobs that go wrong do a second of work or more to get there. */
#define DOOMED_LIMIT G_GUINT64_CONSTANT (500000000)
#define CRASH_PERCENT 50
#define HANG_PERCENT 60

/* plan (nullable) is what comes after the counting, in words. */
static gboolean
count (FerryJob *job, guint64 limit, guint64 stop_at, const char *plan, guint64 *primes, GError **error)
{
  g_autoptr (WorkerSieve) sieve = worker_sieve_new (limit);
  gboolean goes_on = TRUE;

  while (ferry_job_report_amount (job, worker_sieve_get_done (sieve), limit, _ ("numbers"), plan, error))
    {
      if (!goes_on || worker_sieve_get_done (sieve) >= stop_at)
        {
          *primes = worker_sieve_get_primes (sieve);
          return TRUE;
        }
      goes_on = worker_sieve_step (sieve);
    }
  return FALSE;
}

GVariant *
worker_primes (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 limit = g_variant_get_uint64 (arguments);
  guint64 primes = 0;

  return count (job, limit, limit, NULL, &primes, error) ? g_variant_new_uint64 (primes) : NULL;
}

GVariant *
worker_crash (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 primes = 0;

  if (count (job, DOOMED_LIMIT, DOOMED_LIMIT / 100 * CRASH_PERCENT, _ ("crashes soon"), &primes, error))
    worker_ill_write_nowhere ();
  return NULL;
}

/* Deaf to a cancel, and to a polite signal as well: only the application's SIGKILL ends it. */
GVariant *
worker_hang (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 primes = 0;

  if (!count (job, DOOMED_LIMIT, DOOMED_LIMIT / 100 * HANG_PERCENT, _ ("hangs soon"), &primes, error))
    return NULL;
  signal (SIGTERM, SIG_IGN);
  /* As most that hang do, it waits for what never comes. */
  for (;;)
    pause ();
}
