/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The demo's worker: one process, one job, no toolkit.
 *
 * ferry-demo-worker KIND [ARGUMENT] is started by the demo, which gave it a sender; what the job finds goes there.
 * When the demo cancels the job it closes the pipe, the next send fails, and the worker leaves in peace. */

#include <ferry.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "ferry-demo-message.h"
#include "worker-report.h"

/* Work in the background leaves the processor to the window that shows it when there is not enough for both. */
#define NICENESS 10

typedef gboolean (*WorkerJob) (WorkerReport *report, const FerryDemoSpec *spec, GError **error);

static const WorkerJob jobs[FERRY_DEMO_N_KINDS] = {
  [FERRY_DEMO_KIND_SHA256] = worker_sha256, [FERRY_DEMO_KIND_PRIMES] = worker_primes,
  [FERRY_DEMO_KIND_CRASH] = worker_crash,   [FERRY_DEMO_KIND_HANG] = worker_hang,
  [FERRY_DEMO_KIND_FLOOD] = worker_flood,
};

/* FALSE without an error: it failed, and the application was told why. */
static gboolean
run (int argc, char *argv[], GError **error)
{
  g_autoptr (FerryDemoSpec) spec = NULL;
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (GError) failure = NULL;
  WorkerReport report = {0};
  FerryDemoKind kind;

  if (argc < 2 || argc > 3)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "Usage: %s KIND [ARGUMENT]; the demo application starts it", argv[0]);
      return FALSE;
    }
  if (!ferry_demo_kind_from_name (argv[1], &kind, error))
    return FALSE;
  spec = ferry_demo_spec_new (kind, argv[2], error);
  if (spec == NULL)
    return FALSE;

  sender = ferry_worker_get_sender (FERRY_DEMO_SENDER_NAME, error);
  if (sender == NULL || !ferry_sender_start (sender, error))
    return FALSE;

  report.sender = sender;
  if (!jobs[kind](&report, spec, &failure))
    {
      if (!worker_report_problem (&report, failure->message, NULL))
        g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  return ferry_sender_stop (sender, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  if (nice (NICENESS) == -1)
    g_debug ("The worker keeps its priority");

  if (run (argc, argv, &error))
    return EXIT_SUCCESS;
  if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_CLOSED))
    return EXIT_SUCCESS;

  if (error != NULL)
    g_printerr ("ferry-demo-worker: %s\n", error->message);
  return EXIT_FAILURE;
}
