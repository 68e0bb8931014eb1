/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A clock for limits of time: monotonic time, less the time for which its owner was stopped or did not look. The owner
 * says until when it sleeps. Where it looks much later, the process was stopped meanwhile (by Ctrl-Z, a debugger, a
 * frozen control group), the machine had no processor for it, or the owner's thread was busy. The other side may have
 * had no time either, and what it sent may be on its way through other threads. So the clock is set back to a tenth of
 * a second before the end of the sleep, and a limit goes on from there.
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

#include "config.h"

#include "base/ferry-limit-clock-private.h"

#include "base/ferry-base-private.h"

/* How late a look may be, in microseconds, and how far the clock is set back before the end of the sleep if it is
 * later. It is also the shortest sleep between two looks. */
#define SLACK (100 * FERRY_MICROSECONDS_PER_MILLISECOND)

/* The part of the time left that a sleep takes at most; and after a late look. */
#define PARTS 8
#define LATE_PARTS 2

gint64
ferry_limit_clock_begin (FerryLimitClock *self, gint64 timeout)
{
  gint64 now = g_get_monotonic_time ();

  *self = (FerryLimitClock){.due = now};
  return timeout < 0 ? G_MAXINT64 : ferry_time_add (now, timeout);
}

gint64
ferry_limit_clock_look (FerryLimitClock *self)
{
  gint64 now = g_get_monotonic_time ();

  g_assert (self->due != 0);
  if (now - SLACK > self->due)
    {
      self->late = MAX (self->due - SLACK - self->lost, self->late + SLACK / 2);
      self->lost = now - self->late;
      self->due = now + SLACK;
      self->is_late = TRUE;
    }
  else if (now >= self->due)
    self->is_late = FALSE;
  return now - self->lost;
}

gint64
ferry_limit_clock_sleep (FerryLimitClock *self, gint64 limit)
{
  gint64 now = ferry_limit_clock_look (self) + self->lost;
  gint64 until = ferry_time_add (limit, self->lost);

  if (until < G_MAXINT64 && until - now > SLACK)
    until = now + MAX ((until - now) / (self->is_late ? LATE_PARTS : PARTS), SLACK);
  self->due = MAX (until, now);
  return until;
}

gint64
ferry_limit_clock_catch_up (FerryLimitClock *self)
{
  gint64 lost = self->lost;

  self->late += lost;
  self->lost = 0;
  return lost;
}
