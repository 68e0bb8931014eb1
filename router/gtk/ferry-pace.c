/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast work gets on, as a smoothed rate, and an estimate of the time that is left.
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

/* A time left that was told is as good as one that differs by such a share of it, and gets to one that differs by more
 * in some seconds. */
#define TOLERANCE 0.25
#define SETTLING_SECONDS 5.0

/**
 * FerryPace:
 *
 * How fast work gets on: a smoothed rate, and the time that is left.
 *
 * Both are silent until they are steady, because a number that jumps tells nothing. For the same reason a time left
 * that was told once stays, and changes slowly. A [class@FerryGtk.TaskMonitor] has the pace of a task. A pace of its
 * own is for work that is no task, such as the items of a map.
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
  double left;   /* the time left that was told last, in microseconds; negative: none was */
  gint64 told;   /* the sample by which it was told */
};

G_DEFINE_FINAL_TYPE (FerryPace, ferry_pace, G_TYPE_OBJECT)

static void
begin (FerryPace *self, gint64 now, guint64 done)
{
  self->first_time = self->last_time = now;
  self->last_done = done;
  self->weight = self->rate = 0.0;
  self->swing = 1.0;
  self->left = -1.0;
}

static void
ferry_pace_class_init (FerryPaceClass *klass)
{
}

static void
ferry_pace_init (FerryPace *self)
{
  self->left = -1.0;
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

/* What to tell of a time left: told says what was told when so much time less had passed, and is negative if nothing
 * was. So is the estimate, if there is no good one. */
static double
settle (double told, double passed, double estimate)
{
  double expected = MAX (told - passed, 0.0);

  if (told < 0.0)
    return estimate;
  /* Where nobody knows how fast the work is now, nobody knows that there is less of it. */
  if (estimate < 0.0)
    return told;
  if (fabs (estimate - expected) <= TOLERANCE * expected)
    return expected;
  return expected + (1.0 - exp (-passed / (SETTLING_SECONDS * G_USEC_PER_SEC))) * (estimate - expected);
}

/* In microseconds; negative while the rate is not steady. */
static double
estimate_time_left (FerryPace *self, guint64 remaining)
{
  double rate;

  if (!ferry_pace_get_rate (self, &rate) || self->last_time - self->first_time < TIME_LEFT_AFTER ||
      self->swing > STEADY_SWING)
    return -1.0;
  return (double) remaining / rate * G_USEC_PER_SEC;
}

/**
 * ferry_pace_get_time_left:
 * @self: a pace
 * @remaining: how much is not done, in the unit of the samples
 * @time_left: (out): how long that takes, in microseconds; -1 where it is not known
 *
 * Gets the time that is left at the present rate. There is none before the samples span one and a half seconds and the
 * rate has been steady. From then on there is one: it counts down while it is about right, gets to another one in some
 * seconds, and stands still while the rate is unsteady. Any thread, one at a time.
 *
 * Returns: whether the time is known
 */
gboolean
ferry_pace_get_time_left (FerryPace *self, guint64 remaining, gint64 *time_left)
{
  g_return_val_if_fail (FERRY_IS_PACE (self), FALSE);
  g_return_val_if_fail (time_left != NULL, FALSE);

  *time_left = -1;
  self->left = settle (self->left, (double) (self->last_time - self->told), estimate_time_left (self, remaining));
  self->told = self->last_time;
  if (self->left < 0.0)
    return FALSE;
  *time_left = self->left < (double) G_MAXINT64 ? (gint64) self->left : G_MAXINT64;
  return TRUE;
}
