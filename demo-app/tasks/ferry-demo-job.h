/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

G_BEGIN_DECLS

/* What a task of the demo's own worker is to do: "primes:3000000" when written in one word. */

typedef enum
{
  FERRY_DEMO_KIND_PRIMES,
  FERRY_DEMO_KIND_CRASH,
  FERRY_DEMO_KIND_HANG,
  FERRY_DEMO_KIND_FLOOD,
  FERRY_DEMO_N_KINDS
} FerryDemoKind;

typedef struct
{
  FerryDemoKind kind;
  guint64 number; /* up to which primes are counted, or of messages; 0 is an endless flood */
} FerryDemoJob;

gboolean ferry_demo_job_parse (const char *text, FerryDemoJob *job, GError **error);
/* A task for the job, ready to be submitted. */
FerryTask *ferry_demo_job_make_task (FerryDemoJob job) G_GNUC_WARN_UNUSED_RESULT;
/* To be called for each task of the list before it begins, and for each that has a row: what its function says is
 * checked, since it comes from another process. A task whose worker has told lies is cancelled, and shown as failed. */
void ferry_demo_job_follow (FerryTask *task);

G_END_DECLS
