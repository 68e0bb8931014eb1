/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <ferry-gtk.h>

#include "app/ferry-demo-meter.h"
#include "tasks/ferry-demo-report.h"
#include "tasks/ferry-demo-spec.h"

G_BEGIN_DECLS

/* A task's card: its job, its monitor, and what its function has reported. Each task of the list has one. */

#define FERRY_DEMO_TYPE_CARD (ferry_demo_card_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoCard, ferry_demo_card, FERRY_DEMO, CARD, GObject)

/* A task for a job, ready to be submitted. */
FerryTask *ferry_demo_card_make_task (const FerryDemoSpec *spec) G_GNUC_WARN_UNUSED_RESULT;

FerryDemoCard *ferry_demo_card_new (FerryTask *task, FerryDemoMeter *meter) G_GNUC_WARN_UNUSED_RESULT;
FerryDemoCard *ferry_demo_card_get (FerryTask *task);

FerryTask *ferry_demo_card_get_task (FerryDemoCard *self);
const FerryDemoSpec *ferry_demo_card_get_spec (FerryDemoCard *self);
const FerryDemoReport *ferry_demo_card_get_report (FerryDemoCard *self);
FerryTaskMonitor *ferry_demo_card_get_monitor (FerryDemoCard *self);
FerryTaskStatus ferry_demo_card_get_status (FerryDemoCard *self);
gboolean ferry_demo_card_is_over (FerryDemoCard *self);

G_END_DECLS
