/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-demo-pace.h"

#include <math.h>

#define SMOOTHING_SECONDS 2.0
#define RATE_AFTER (G_USEC_PER_SEC / 2)
#define TIME_LEFT_AFTER (3 * G_USEC_PER_SEC / 2)
#define STEADY_SWING 0.5

void
ferry_demo_pace_add (FerryDemoPace *self, gint64 now, guint64 done)
{
  double seconds, sample, share;

  if (self->first_time == 0 || done < self->last_done)
    {
      *self = (FerryDemoPace){.first_time = now, .last_time = now, .last_done = done, .swing = 1.0};
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

gboolean
ferry_demo_pace_get_rate (const FerryDemoPace *self, double *rate)
{
  if (self->first_time == 0 || self->last_time - self->first_time < RATE_AFTER || !(self->rate > 0.0))
    return FALSE;

  *rate = self->rate / self->weight;
  return TRUE;
}

gboolean
ferry_demo_pace_get_time_left (const FerryDemoPace *self, guint64 remaining, double *seconds)
{
  double rate;

  if (!ferry_demo_pace_get_rate (self, &rate) || self->last_time - self->first_time < TIME_LEFT_AFTER ||
      self->swing > STEADY_SWING)
    return FALSE;

  *seconds = (double) remaining / rate;
  return TRUE;
}
