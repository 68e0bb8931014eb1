/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* The frames of a main loop: a wheel that turns with each, how many there were in the last second, and for how long
 * there was none. */

#define FERRY_DEMO_TYPE_FRAME_METER (ferry_demo_frame_meter_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoFrameMeter, ferry_demo_frame_meter, FERRY_DEMO, FRAME_METER, GtkWidget)

void ferry_demo_frame_meter_count (FerryDemoFrameMeter *self);
/* A few times a second. */
void ferry_demo_frame_meter_turn (FerryDemoFrameMeter *self);
/* Microseconds, since the last call. */
gint64 ferry_demo_frame_meter_take_longest_wait (FerryDemoFrameMeter *self);

G_END_DECLS
