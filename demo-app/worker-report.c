/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "worker-report.h"

#include "ferry-demo-message.h"

/* Often enough for a bar that moves at 60 frames a second, and no more. */
#define PROGRESS_INTERVAL (G_USEC_PER_SEC / 100)

static gboolean
send_message (WorkerReport *self, FerryDemoMessageKind kind, GVariant *payload, GError **error)
{
  return ferry_sender_send (self->sender, ferry_demo_message_new (kind, payload), error);
}

gboolean
worker_report_progress_at_once (WorkerReport *self, const WorkerProgress *progress, GError **error)
{
  self->last_progress = g_get_monotonic_time ();
  return send_message (self, FERRY_DEMO_MESSAGE_PROGRESS,
                       g_variant_new ("(tttts)", progress->done, progress->total, progress->items_done,
                                      progress->items_total, progress->doing),
                       error);
}

gboolean
worker_report_progress (WorkerReport *self, const WorkerProgress *progress, GError **error)
{
  if (g_get_monotonic_time () - self->last_progress < PROGRESS_INTERVAL)
    return TRUE;
  return worker_report_progress_at_once (self, progress, error);
}

gboolean
worker_report_digest (WorkerReport *self, const char *digest, const char *path, GError **error)
{
  return send_message (self, FERRY_DEMO_MESSAGE_DIGEST, g_variant_new ("(s^ay)", digest, path), error);
}

gboolean
worker_report_problem (WorkerReport *self, const char *problem, GError **error)
{
  g_autofree char *text = g_utf8_make_valid (problem, -1);

  return send_message (self, FERRY_DEMO_MESSAGE_PROBLEM, g_variant_new ("(s)", text), error);
}

gboolean
worker_report_result (WorkerReport *self, guint64 first, guint64 second, GError **error)
{
  return send_message (self, FERRY_DEMO_MESSAGE_RESULT, g_variant_new ("(tt)", first, second), error);
}
