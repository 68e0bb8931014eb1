/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The frames of a main loop: a wheel that turns with each, and for how long there was none. Times are in microseconds.
 */

/* A loop without a frame for longer is frozen. */
#define FERRY_DEMO_FROZEN_TIME (G_USEC_PER_SEC / 2)

#define FERRY_DEMO_TYPE_FRAME_METER (ferry_demo_frame_meter_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoFrameMeter, ferry_demo_frame_meter, FERRY_DEMO, FRAME_METER, GtkWidget)

void ferry_demo_frame_meter_count (FerryDemoFrameMeter *self);
/* Since the last frame. */
gint64 ferry_demo_frame_meter_get_silence (FerryDemoFrameMeter *self);
/* The longest time between two frames since the last call. */
gint64 ferry_demo_frame_meter_take_longest_wait (FerryDemoFrameMeter *self);

G_END_DECLS
