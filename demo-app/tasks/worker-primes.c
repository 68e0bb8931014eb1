/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counting primes: once to the end, once until it crashes, once until it hangs. */

#include <signal.h>
#include <unistd.h>

#include "app/worker-jobs.h"

#include "pipes/worker-pipe.h"
#include "tasks/worker-sieve.h"
#include <glib/gi18n.h>

/* The two jobs that go wrong do about two seconds of work to get there. */
#define DOOMED_LIMIT G_GUINT64_CONSTANT (3000000000)
#define CRASH_PERCENT 50
#define HANG_PERCENT 60

/* plan (nullable) is what comes after the counting, in words. */
static gboolean
report (FerryJob *job, WorkerSieve *sieve, guint64 limit, const char *plan, GError **error)
{
  guint64 primes = worker_sieve_get_primes (sieve);
  g_autofree char *number = worker_format_count (primes);
  g_autofree char *found = g_strdup_printf (ngettext ("%s prime so far", "%s primes so far", primes), number);
  g_autofree char *text = plan != NULL ? g_strdup_printf ("%s, %s", found, plan) : g_steal_pointer (&found);

  return ferry_job_report_amount (job, worker_sieve_get_done (sieve), limit, "numbers", text, error);
}

static gboolean
count (FerryJob *job, guint64 limit, guint64 stop_at, const char *plan, guint64 *primes, GError **error)
{
  g_autoptr (WorkerSieve) sieve = worker_sieve_new (limit);

  do
    if (!report (job, sieve, limit, plan, error))
      return FALSE;
  while (worker_sieve_get_done (sieve) < stop_at && worker_sieve_step (sieve));

  *primes = worker_sieve_get_primes (sieve);
  return report (job, sieve, limit, plan, error);
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

  if (count (job, DOOMED_LIMIT, DOOMED_LIMIT / 100 * CRASH_PERCENT, _ ("about to crash half-way"), &primes, error))
    worker_ill_write_nowhere ();
  return NULL;
}

/* Deaf to a cancel, and to a polite signal as well: only the application's SIGKILL ends it. */
GVariant *
worker_hang (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 primes = 0;

  if (!count (job, DOOMED_LIMIT, DOOMED_LIMIT / 100 * HANG_PERCENT, _ ("about to hang"), &primes, error))
    return NULL;
  signal (SIGTERM, SIG_IGN);
  /* As most that hang do, it waits for what never comes. */
  for (;;)
    pause ();
}
