/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* As many messages as the lane takes: each has its number, so that a lost or misplaced one is seen, and its time. */

#include "ferry-demo-message.h"
#include "worker-report.h"

gboolean
worker_flood (WorkerReport *report, const FerryDemoSpec *spec, GError **error)
{
  FerryDemoFloodMessage message = {0};

  for (; ferry_demo_spec_is_endless (spec) || message.sequence < spec->number; message.sequence++)
    {
      if (message.sequence % FERRY_DEMO_FLOOD_MESSAGES_PER_TIME == 0)
        message.sent = g_get_monotonic_time ();
      if (!ferry_sender_send_bytes (report->sender, &message, sizeof message, error))
        return FALSE;
    }
  return worker_report_result (report, message.sequence, message.sequence * sizeof message, error);
}
