/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

#include "ferry-demo-spec.h"

G_BEGIN_DECLS

/* The worker's way to say how it gets on. Each call fails when the application no longer listens, and then the job
 * ends: nobody is there for its result. */
typedef struct
{
  FerrySender *sender;
  gint64 last_progress;
} WorkerReport;

typedef struct
{
  guint64 done, total;
  guint64 items_done, items_total;
  const char *doing;
} WorkerProgress;

gboolean worker_report_progress (WorkerReport *self, const WorkerProgress *progress, GError **error);
gboolean worker_report_progress_at_once (WorkerReport *self, const WorkerProgress *progress, GError **error);
gboolean worker_report_digest (WorkerReport *self, const char *digest, const char *path, GError **error);
gboolean worker_report_problem (WorkerReport *self, const char *problem, GError **error);
gboolean worker_report_result (WorkerReport *self, guint64 first, guint64 second, GError **error);

/* The jobs. */
gboolean worker_sha256 (WorkerReport *report, const FerryDemoSpec *spec, GError **error);
gboolean worker_primes (WorkerReport *report, const FerryDemoSpec *spec, GError **error);
gboolean worker_crash (WorkerReport *report, const FerryDemoSpec *spec, GError **error);
gboolean worker_hang (WorkerReport *report, const FerryDemoSpec *spec, GError **error);
gboolean worker_flood (WorkerReport *report, const FerryDemoSpec *spec, GError **error);

G_END_DECLS
