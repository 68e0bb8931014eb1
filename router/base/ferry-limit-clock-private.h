/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A clock for limits of time: monotonic time, less the time for which its owner did not look at it.
 *
 * The owner says until when it sleeps. Where it looks much later, the process was stopped meanwhile (by Ctrl-Z, a
 * debugger, a frozen control group), the machine had no processor for it, or the owner's thread was busy. The other
 * side may have had no time either, and what it sent may be on its way through other threads. So the clock is set back
 * to a tenth of a second before the end of the sleep, and a limit goes on from there.
 *
 * A sleep takes at most an eighth of the time that is left. So of a stop, at most an eighth of the limit counts. A
 * limit of ten seconds wakes its owner some twenty times, and one of an hour some seventy times.
 *
 * A main loop whose handlers take long looks late each time. Its limits come to an end all the same: from one late look
 * to the next, the clock goes on by half of a tenth of a second or more, and after a late look a sleep takes up to half
 * of the time that is left.
 *
 * The process may be stopped before the first sleep, too. So a clock begins where its limit does, by a function that
 * returns the limit: there is nothing between the two.
 *
 * A clock is for one wait, as a variable of the function that waits, or for all limits of a thread. It does not know
 * what has come: its owner takes that before it judges a limit.
 *
 * Threads: one at a time. */

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
