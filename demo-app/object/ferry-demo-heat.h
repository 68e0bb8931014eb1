/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#include "object/ferry-demo-heat-field.h"

G_BEGIN_DECLS

/* A plate of metal with heat sources: an object like any other, which knows nothing of processes.
 *
 * It computes when it is told to: ferry_demo_heat_advance() takes as many steps as are due. One that was made by
 * g_object_new() has the properties and cannot compute, as a replica of one that can.
 *
 * Properties, all but the first of them doubles:
 *
 *   running           whether time goes on
 *   conductivity      of the plate, in W/(m·K)
 *   source-power      of each heat source, in W
 *   speed             steps a second that are wanted; where the processor has no time for them there are fewer
 *   time              how much was simulated, in s
 *   mean-temperature  in °C, as the next
 *   max-temperature
 *   steps             how many were computed
 *   n-sources         how many heat sources there are */

#define FERRY_DEMO_HEAT_AMBIENT 20.0
#define FERRY_DEMO_HEAT_MAX_SOURCES 64
#define FERRY_DEMO_HEAT_MAX_NOTES 1000

#define FERRY_DEMO_TYPE_HEAT (ferry_demo_heat_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoHeat, ferry_demo_heat, FERRY_DEMO, HEAT, GObject)

FerryDemoHeat *ferry_demo_heat_new (void) G_GNUC_WARN_UNUSED_RESULT;
FerryDemoHeatField *ferry_demo_heat_get_field (FerryDemoHeat *self);
/* (element-type GObject): the log. */
GListModel *ferry_demo_heat_get_notes (FerryDemoHeat *self);
/* (transfer none): what an item of the log says, a time in seconds and a text. */
GVariant *ferry_demo_heat_get_row (gpointer note);

/* Time begins anew, at the ambient temperature and with no heat source. The settings stay. */
void ferry_demo_heat_reset (FerryDemoHeat *self);
gboolean ferry_demo_heat_add_source (FerryDemoHeat *self, guint x, guint y, GError **error);
void ferry_demo_heat_step (FerryDemoHeat *self, guint n_steps);
/* Pictures begin at black for the coolest of them; returns bytes of FERRY_DEMO_HEAT_PICTURE_SIZE. */
GBytes *ferry_demo_heat_render (FerryDemoHeat *self, double *black, double *white) G_GNUC_WARN_UNUSED_RESULT;

/* now is CLOCK_MONOTONIC in microseconds. Takes no longer than budget, and drops what it had no time for. Returns the
 * microseconds until the next step is due, or -1 when none is. */
gint64 ferry_demo_heat_advance (FerryDemoHeat *self, gint64 now, gint64 budget);

G_END_DECLS
