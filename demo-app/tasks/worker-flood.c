/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* As many messages as go through: each is its number, so that a lost or misplaced one is seen. */

#include <glib/gi18n.h>

#include "app/ferry-demo-message.h"
#include "app/worker-jobs.h"

#define MESSAGES_PER_REPORT 1024

GVariant *
worker_flood (FerryJob *job, GVariant *arguments, GError **error)
{
  guint64 number = g_variant_get_uint64 (arguments);
  guint64 sequence;

  for (sequence = 0; number == 0 || sequence < number; sequence++)
    {
      if (sequence % MESSAGES_PER_REPORT == 0 &&
          !ferry_job_report_amount (job, sequence, number, _ ("messages"), NULL, error))
        return NULL;
      if (!ferry_job_send (job, FERRY_DEMO_FLOOD, g_variant_new_uint64 (sequence), error))
        return NULL;
    }
  if (!ferry_job_report_amount (job, sequence, number, _ ("messages"), NULL, error))
    return NULL;
  return g_variant_new_uint64 (sequence);
}
