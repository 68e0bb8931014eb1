/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How fast a job gets on, smoothed; it stays silent until it is steady, as a number that jumps tells nothing. */
typedef struct
{
  gint64 first_time; /* 0 until the first sample */
  gint64 last_time;
  guint64 last_done;
  double weight; /* of all samples so far; tends to 1 */
  double rate;   /* per second, to be divided by the weight */
  double swing;  /* mean distance of a sample from the rate, as a share of the rate */
} FerryDemoPace;

void ferry_demo_pace_add (FerryDemoPace *self, gint64 now, guint64 done);
gboolean ferry_demo_pace_get_rate (const FerryDemoPace *self, double *rate);
gboolean ferry_demo_pace_get_time_left (const FerryDemoPace *self, guint64 remaining, double *seconds);

G_END_DECLS
