/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

#include "ferry-demo-meter.h"
#include "ferry-demo-report.h"
#include "ferry-demo-spec.h"

G_BEGIN_DECLS

/* CANCELLING leads to CANCELLED only; no state leaves DONE, CANCELLED, CRASHED or FAILED. */
typedef enum
{
  FERRY_DEMO_JOB_STATE_STARTING,
  FERRY_DEMO_JOB_STATE_RUNNING,
  FERRY_DEMO_JOB_STATE_NOT_RESPONDING,
  FERRY_DEMO_JOB_STATE_CANCELLING,
  FERRY_DEMO_JOB_STATE_DONE,
  FERRY_DEMO_JOB_STATE_CANCELLED,
  FERRY_DEMO_JOB_STATE_CRASHED,
  FERRY_DEMO_JOB_STATE_FAILED,
} FerryDemoJobState;

#define FERRY_DEMO_TYPE_JOB (ferry_demo_job_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoJob, ferry_demo_job, FERRY_DEMO, JOB, GObject)

FerryDemoJob *ferry_demo_job_new (const FerryDemoSpec *spec, guint64 id,
                                  FerryDemoMeter *meter) G_GNUC_WARN_UNUSED_RESULT;

void ferry_demo_job_start (FerryDemoJob *self, FerryRouter *router, const char *worker_path);
void ferry_demo_job_cancel (FerryDemoJob *self);
void ferry_demo_job_show_progress (FerryDemoJob *self);
void ferry_demo_job_show_words (FerryDemoJob *self, gint64 now);

guint64 ferry_demo_job_get_id (FerryDemoJob *self);
const FerryDemoSpec *ferry_demo_job_get_spec (FerryDemoJob *self);
const FerryDemoReport *ferry_demo_job_get_report (FerryDemoJob *self);
FerryDemoJobState ferry_demo_job_get_state (FerryDemoJob *self);
gboolean ferry_demo_job_is_over (FerryDemoJob *self);
double ferry_demo_job_get_fraction (FerryDemoJob *self);
const char *ferry_demo_job_get_title (FerryDemoJob *self);
const char *ferry_demo_job_get_activity (FerryDemoJob *self);
const char *ferry_demo_job_get_pace (FerryDemoJob *self);
double ferry_demo_job_get_seconds (FerryDemoJob *self);
double ferry_demo_job_get_silence (FerryDemoJob *self);
int ferry_demo_job_get_signal (FerryDemoJob *self);

G_END_DECLS
