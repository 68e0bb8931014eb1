/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counting primes: once to the end, once until it crashes, once until it hangs. */

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "worker-report.h"
#include "worker-sieve.h"

/* The two jobs that go wrong do about two seconds of work to get there. */
#define DOOMED_LIMIT G_GUINT64_CONSTANT (3000000000)
#define CRASH_PERCENT 50
#define HANG_PERCENT 60

static gboolean
count (WorkerReport *report, guint64 limit, guint64 stop_at, const char *doing, guint64 *primes, GError **error)
{
  g_autoptr (WorkerSieve) sieve = worker_sieve_new (limit);
  WorkerProgress progress = {.total = limit, .doing = doing};

  do
    {
      progress.done = worker_sieve_get_done (sieve);
      progress.items_done = worker_sieve_get_primes (sieve);
      if (!worker_report_progress (report, &progress, error))
        return FALSE;
    }
  while (progress.done < stop_at && worker_sieve_step (sieve));

  *primes = worker_sieve_get_primes (sieve);
  return worker_report_progress_at_once (report, &progress, error);
}

gboolean
worker_primes (WorkerReport *report, const FerryDemoSpec *spec, GError **error)
{
  guint64 primes = 0;

  return count (report, spec->number, spec->number, "", &primes, error) &&
         worker_report_result (report, primes, spec->number, error);
}

/* A write to a page that may not be written is what a stray pointer does, and no compiler or sanitizer sees it coming.
 * Nobody wants the core dump of a crash that was asked for. */
static void
crash (void)
{
  volatile char *page = mmap (NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  signal (SIGSEGV, SIG_DFL);
  prctl (PR_SET_DUMPABLE, 0);
  page[0] = 1;
}

gboolean
worker_crash (WorkerReport *report, const FerryDemoSpec *spec, GError **error)
{
  guint64 primes = 0;

  if (!count (report, DOOMED_LIMIT, DOOMED_LIMIT / 100 * CRASH_PERCENT, "about to crash half-way", &primes, error))
    return FALSE;
  crash ();
  return TRUE;
}

/* Deaf to a polite signal as well: only the application's SIGKILL ends it. */
gboolean
worker_hang (WorkerReport *report, const FerryDemoSpec *spec, GError **error)
{
  volatile guint64 turns = 0;
  guint64 primes = 0;

  signal (SIGTERM, SIG_IGN);
  if (!count (report, DOOMED_LIMIT, DOOMED_LIMIT / 100 * HANG_PERCENT, "about to hang", &primes, error))
    return FALSE;
  for (;;)
    turns = turns + 1;
}
