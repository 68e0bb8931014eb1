/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Traffic and latency over the last second.
 *
 * The second is cut into slots; the owner of the meter calls ferry_demo_meter_turn() at the end of each. */

#define FERRY_DEMO_METER_SLOTS 8
#define FERRY_DEMO_METER_SLOT_MILLISECONDS (1000 / FERRY_DEMO_METER_SLOTS)

typedef struct
{
  double messages_per_second;
  double bytes_per_second;
  gboolean has_latency;
  double latency_median; /* microseconds */
  double latency_p99;
} FerryDemoReading;

typedef struct _FerryDemoMeter FerryDemoMeter;

FerryDemoMeter *ferry_demo_meter_new (void) G_GNUC_WARN_UNUSED_RESULT;
void ferry_demo_meter_free (FerryDemoMeter *self);
void ferry_demo_meter_reset (FerryDemoMeter *self);
void ferry_demo_meter_add_latency (FerryDemoMeter *self, gint64 microseconds);
void ferry_demo_meter_turn (FerryDemoMeter *self, gint64 now, guint64 messages, guint64 bytes);
void ferry_demo_meter_read (const FerryDemoMeter *self, FerryDemoReading *reading);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDemoMeter, ferry_demo_meter_free)

G_END_DECLS
