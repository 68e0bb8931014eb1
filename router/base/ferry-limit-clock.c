/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A clock for limits of time, which does not count the time for which its owner was stopped or did not look. See
 * ferry-timers-private.h. */

#include "config.h"

#include "base/ferry-timers-private.h"

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
