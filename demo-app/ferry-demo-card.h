/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry.h>

#include "ferry-demo-meter.h"
#include "ferry-demo-report.h"
#include "ferry-demo-spec.h"

G_BEGIN_DECLS

/* A task's state as people want it told. No state leaves DONE, CANCELLED, CRASHED, TIMED_OUT or FAILED. */
typedef enum
{
  FERRY_DEMO_STATE_WAITING,
  FERRY_DEMO_STATE_RUNNING,
  FERRY_DEMO_STATE_NOT_RESPONDING,
  FERRY_DEMO_STATE_CANCELLING,
  FERRY_DEMO_STATE_DONE,
  FERRY_DEMO_STATE_CANCELLED,
  FERRY_DEMO_STATE_CRASHED,
  FERRY_DEMO_STATE_TIMED_OUT,
  FERRY_DEMO_STATE_FAILED,
} FerryDemoState;

/* A task's card: what the window shows of it beyond what it says itself. Each task has one, which lives as long. */

#define FERRY_DEMO_TYPE_CARD (ferry_demo_card_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoCard, ferry_demo_card, FERRY_DEMO, CARD, GObject)

void ferry_demo_card_attach (FerryTask *task, guint64 id, FerryDemoMeter *meter);
FerryDemoCard *ferry_demo_card_get (FerryTask *task);

void ferry_demo_card_show_words (FerryDemoCard *self, gint64 now);

guint64 ferry_demo_card_get_id (FerryDemoCard *self);
FerryTask *ferry_demo_card_get_task (FerryDemoCard *self);
const FerryDemoSpec *ferry_demo_card_get_spec (FerryDemoCard *self);
const FerryDemoReport *ferry_demo_card_get_report (FerryDemoCard *self);
FerryDemoState ferry_demo_card_get_state (FerryDemoCard *self);
gboolean ferry_demo_card_is_over (FerryDemoCard *self);
const char *ferry_demo_card_get_activity (FerryDemoCard *self);
const char *ferry_demo_card_get_pace (FerryDemoCard *self);
double ferry_demo_card_get_seconds (FerryDemoCard *self);
double ferry_demo_card_get_silence (FerryDemoCard *self);
int ferry_demo_card_get_signal (FerryDemoCard *self);

G_END_DECLS
