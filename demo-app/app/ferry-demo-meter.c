/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-meter.h"

#include <math.h>
#include <string.h>

/* Latencies are counted in buckets that grow by an eighth of an octave, so a percentile is right within 9 %. */
#define BUCKETS_PER_OCTAVE 8
#define N_OCTAVES 26
#define N_BUCKETS (BUCKETS_PER_OCTAVE * N_OCTAVES)

typedef struct
{
  gint64 begin; /* 0 for a slot that has not been used yet */
  guint64 messages, bytes;
  guint64 samples;
  guint32 latencies[N_BUCKETS];
} Slot;

struct _FerryDemoMeter
{
  Slot slots[FERRY_DEMO_METER_SLOTS + 1]; /* the last second, and the one being filled */
  guint current;
  gint64 now;
  guint64 messages, bytes;
};

FerryDemoMeter *
ferry_demo_meter_new (void)
{
  return g_new0 (FerryDemoMeter, 1);
}

void
ferry_demo_meter_free (FerryDemoMeter *self)
{
  g_free (self);
}

void
ferry_demo_meter_reset (FerryDemoMeter *self)
{
  memset (self, 0, sizeof *self);
}

static guint
get_bucket (gint64 microseconds)
{
  if (microseconds < 2)
    return 0;
  return MIN ((guint) (log2 ((double) microseconds) * BUCKETS_PER_OCTAVE), N_BUCKETS - 1);
}

static double
get_bucket_value (guint bucket)
{
  return exp2 ((bucket + 0.5) / BUCKETS_PER_OCTAVE);
}

void
ferry_demo_meter_add_latency (FerryDemoMeter *self, gint64 microseconds)
{
  Slot *slot = &self->slots[self->current];

  slot->latencies[get_bucket (microseconds)]++;
  slot->samples++;
}

/* `messages` and `bytes` are totals since the beginning of time, as the router counts them. */
void
ferry_demo_meter_turn (FerryDemoMeter *self, gint64 now, guint64 messages, guint64 bytes)
{
  self->now = now;
  self->messages = messages;
  self->bytes = bytes;
  self->current = (self->current + 1) % G_N_ELEMENTS (self->slots);
  self->slots[self->current] = (Slot){.begin = now, .messages = messages, .bytes = bytes};
}

static double
find_percentile (const guint64 *latencies, guint64 samples, double percentile)
{
  guint64 rank = (guint64) (percentile * (double) (samples - 1)), seen = 0;

  for (guint bucket = 0; bucket < N_BUCKETS; bucket++)
    {
      seen += latencies[bucket];
      if (seen > rank)
        return get_bucket_value (bucket);
    }
  return get_bucket_value (N_BUCKETS - 1);
}

void
ferry_demo_meter_read (const FerryDemoMeter *self, FerryDemoReading *reading)
{
  const Slot *oldest = &self->slots[(self->current + 1) % G_N_ELEMENTS (self->slots)];
  guint64 latencies[N_BUCKETS] = {0};
  guint64 samples = 0;

  *reading = (FerryDemoReading){0};

  for (guint i = 0; i < G_N_ELEMENTS (self->slots); i++)
    {
      const Slot *slot = &self->slots[i];

      if (slot->begin != 0 && (oldest->begin == 0 || slot->begin < oldest->begin))
        oldest = slot;
      samples += slot->samples;
      for (guint bucket = 0; bucket < N_BUCKETS; bucket++)
        latencies[bucket] += slot->latencies[bucket];
    }

  if (oldest->begin != 0 && self->now > oldest->begin)
    {
      double seconds = (double) (self->now - oldest->begin) / G_USEC_PER_SEC;

      reading->messages_per_second = (double) (self->messages - oldest->messages) / seconds;
      reading->bytes_per_second = (double) (self->bytes - oldest->bytes) / seconds;
    }
  if (samples > 0)
    {
      reading->has_latency = TRUE;
      reading->latency_median = find_percentile (latencies, samples, 0.5);
      reading->latency_p99 = find_percentile (latencies, samples, 0.99);
    }
}
