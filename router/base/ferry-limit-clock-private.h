/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The clock that limits of time go by: the time for which the process was stopped does not count. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Zeros are a clock that has not begun, and must not be looked at. */
typedef struct
{
  gint64 lost;      /* microseconds that do not count */
  gint64 due;       /* the monotonic time at which the sleep ends, or of the beginning; G_MAXINT64: without end */
  gint64 late;      /* the clock's time at the latest look that was late */
  gboolean is_late; /* the end of the latest sleep was seen late */
} FerryLimitClock;

/* Begins, with monotonic time. Returns the clock's time at which a timeout that starts now is over; G_MAXINT64 for a
 * negative one, which is without end. */
gint64 ferry_limit_clock_begin (FerryLimitClock *self, gint64 timeout);
/* Returns the clock's time now, in microseconds. */
gint64 ferry_limit_clock_look (FerryLimitClock *self);
/* Returns the monotonic time until which the owner may sleep, and must look again. limit: the clock's time at which the
 * next limit is over; G_MAXINT64: there is none, and the owner may sleep without end. An event may end the sleep
 * earlier. */
gint64 ferry_limit_clock_sleep (FerryLimitClock *self, gint64 limit);
/* Has the clock show monotonic time again. Returns by how much it was behind, in microseconds: the owner moves all of
 * the clock's times by that. */
gint64 ferry_limit_clock_catch_up (FerryLimitClock *self);

G_END_DECLS
