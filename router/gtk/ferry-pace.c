/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast work gets on, as a smoothed rate.
 *
 * Threads:    one at a time.
 * Invariants: weight is 0 while there is no sample, and tends to 1. rate divided by weight is the mean of the samples,
 *             the latest of which count most. */

#include "config.h"

#include "gtk/ferry-pace.h"

#include <math.h>

#define SMOOTHING_SECONDS 2.0
#define RATE_AFTER (G_USEC_PER_SEC / 2)
#define TIME_LEFT_AFTER (3 * G_USEC_PER_SEC / 2)
#define STEADY_SWING 0.5

/**
 * FerryPace:
 *
 * How fast work gets on: a smoothed rate, and the time that is left.
 *
 * Both are silent until they are steady, because a number that jumps tells nothing. A [class@FerryGtk.TaskMonitor] has
 * the pace of a task. A pace of its own is for work that is no task, such as the items of a map.
 */
struct _FerryPace
{
  GObject parent_instance;

  gint64 first_time; /* 0 until the first sample */
  gint64 last_time;
  guint64 last_done;
  double weight; /* of all samples so far; tends to 1 */
  double rate;   /* per second, to be divided by the weight */
  double swing;  /* mean distance of a sample from the rate, as a share of the rate */
};

G_DEFINE_FINAL_TYPE (FerryPace, ferry_pace, G_TYPE_OBJECT)

static void
begin (FerryPace *self, gint64 now, guint64 done)
{
  self->first_time = self->last_time = now;
  self->last_done = done;
  self->weight = self->rate = 0.0;
  self->swing = 1.0;
}

static void
ferry_pace_class_init (FerryPaceClass *klass)
{
}

static void
ferry_pace_init (FerryPace *self)
{
}

/**
 * ferry_pace_new:
 *
 * Makes a pace without samples. Any thread.
 *
 * Returns: (transfer full): a new pace
 */
FerryPace *
ferry_pace_new (void)
{
  return g_object_new (FERRY_TYPE_PACE, NULL);
}

/**
 * ferry_pace_add:
 * @self: a pace
 * @now: the time of the sample, in monotonic microseconds
 * @done: how much is done by then, in any unit
 *
 * Adds a sample. Where less is done than before, a new pace begins. A sample that is not later than the one before is
 * ignored. Any thread, one at a time.
 */
void
ferry_pace_add (FerryPace *self, gint64 now, guint64 done)
{
  double seconds, sample, share;

  g_return_if_fail (FERRY_IS_PACE (self));

  if (self->first_time == 0 || done < self->last_done)
    {
      begin (self, now, done);
      return;
    }
  if (now <= self->last_time)
    return;

  seconds = (double) (now - self->last_time) / G_USEC_PER_SEC;
  sample = (double) (done - self->last_done) / seconds;
  share = 1.0 - exp (-seconds / SMOOTHING_SECONDS);
  self->weight += share * (1.0 - self->weight);
  self->rate += share * (sample - self->rate);
  if (self->rate > 0.0)
    self->swing += share * (fabs (sample * self->weight / self->rate - 1.0) - self->swing);
  self->last_time = now;
  self->last_done = done;
}

/**
 * ferry_pace_get_rate:
 * @self: a pace
 * @rate: (out): how much is done in a second; more than 0
 *
 * Gets the rate. There is none before the samples span half a second, and none while nothing is done. Any thread, one
 * at a time.
 *
 * Returns: whether there is a rate
 */
gboolean
ferry_pace_get_rate (FerryPace *self, double *rate)
{
  g_return_val_if_fail (FERRY_IS_PACE (self), FALSE);
  g_return_val_if_fail (rate != NULL, FALSE);

  *rate = 0.0;
  if (self->first_time == 0 || self->last_time - self->first_time < RATE_AFTER || !(self->rate > 0.0))
    return FALSE;
  *rate = self->rate / self->weight;
  return TRUE;
}

/**
 * ferry_pace_get_time_left:
 * @self: a pace
 * @remaining: how much is not done, in the unit of the samples
 * @time_left: (out): how long that takes, in microseconds; -1 where it is not known
 *
 * Gets the time that is left at the present rate. There is none before the samples span one and a half seconds, and
 * none while the rate is unsteady. Any thread, one at a time.
 *
 * Returns: whether the time is known
 */
gboolean
ferry_pace_get_time_left (FerryPace *self, guint64 remaining, gint64 *time_left)
{
  double rate, microseconds;

  g_return_val_if_fail (FERRY_IS_PACE (self), FALSE);
  g_return_val_if_fail (time_left != NULL, FALSE);

  *time_left = -1;
  if (!ferry_pace_get_rate (self, &rate) || self->last_time - self->first_time < TIME_LEFT_AFTER ||
      self->swing > STEADY_SWING)
    return FALSE;
  microseconds = (double) remaining / rate * G_USEC_PER_SEC;
  *time_left = microseconds < (double) G_MAXINT64 ? (gint64) microseconds : G_MAXINT64;
  return TRUE;
}
