/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-meter.c
 *
 * Traffic and latency over the last second. Time is the test's own. */

#include "config.h"

#include "demo-app/app/ferry-demo-meter.h"

#define SLOT (FERRY_DEMO_METER_SLOT_MILLISECONDS * G_GINT64_CONSTANT (1000))
#define BEGIN (50 * G_USEC_PER_SEC)

typedef struct
{
  FerryDemoMeter *meter;
  gint64 now;
  guint64 messages, bytes;
  FerryDemoReading reading;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->meter = ferry_demo_meter_new ();
  fixture->now = BEGIN;
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  ferry_demo_meter_free (fixture->meter);
}

/* A slot passes in which so many messages came. */
static void
pass (Fixture *fixture, guint64 messages, guint64 bytes)
{
  fixture->now += SLOT;
  fixture->messages += messages;
  fixture->bytes += bytes;
  ferry_demo_meter_turn (fixture->meter, fixture->now, fixture->messages, fixture->bytes);
  ferry_demo_meter_read (fixture->meter, &fixture->reading);
}

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  ferry_demo_meter_read (fixture->meter, &fixture->reading);
  g_assert_cmpfloat (fixture->reading.messages_per_second, ==, 0.0);
  g_assert_cmpfloat (fixture->reading.bytes_per_second, ==, 0.0);
  g_assert_false (fixture->reading.has_latency);

  pass (fixture, 0, 0);
  g_assert_cmpfloat (fixture->reading.messages_per_second, ==, 0.0);
  g_assert_false (fixture->reading.has_latency);
}

/* What came before the first turn belongs to no second. */
static void
test_rates (Fixture *fixture, gconstpointer data)
{
  pass (fixture, 1000000, 64000000);
  g_assert_cmpfloat (fixture->reading.messages_per_second, ==, 0.0);

  for (guint i = 0; i < 3 * FERRY_DEMO_METER_SLOTS; i++)
    {
      pass (fixture, 125, 1250);
      g_assert_cmpfloat_with_epsilon (fixture->reading.messages_per_second, 1000.0, 1.0);
      g_assert_cmpfloat_with_epsilon (fixture->reading.bytes_per_second, 10000.0, 10.0);
    }
}

static void
test_last_second_only (Fixture *fixture, gconstpointer data)
{
  pass (fixture, 0, 0);
  for (guint i = 0; i < 20; i++)
    ferry_demo_meter_add_latency (fixture->meter, 100);
  pass (fixture, 20, 20);
  g_assert_true (fixture->reading.has_latency);
  g_assert_cmpfloat (fixture->reading.messages_per_second, >, 0.0);

  for (guint i = 0; i < FERRY_DEMO_METER_SLOTS - 1; i++)
    pass (fixture, 0, 0);
  g_assert_true (fixture->reading.has_latency);
  g_assert_cmpfloat_with_epsilon (fixture->reading.messages_per_second, 20.0, 0.5);

  pass (fixture, 0, 0);
  pass (fixture, 0, 0);
  g_assert_false (fixture->reading.has_latency);
  g_assert_cmpfloat (fixture->reading.messages_per_second, ==, 0.0);
}

/* Latencies 1 to 1000, each once: the documented 9 % is what a percentile may be off. */
static void
test_percentiles (Fixture *fixture, gconstpointer data)
{
  pass (fixture, 0, 0);
  for (gint64 latency = 1; latency <= 1000; latency++)
    ferry_demo_meter_add_latency (fixture->meter, latency);
  pass (fixture, 1000, 1000);
  g_assert_cmpfloat_with_epsilon (fixture->reading.latency_median, 500.0, 45.0);
  g_assert_cmpfloat_with_epsilon (fixture->reading.latency_p99, 990.0, 90.0);
}

/* Slots are weighed by their samples, and not each the same. */
static void
test_percentiles_over_slots (Fixture *fixture, gconstpointer data)
{
  pass (fixture, 0, 0);
  ferry_demo_meter_add_latency (fixture->meter, 50000);
  pass (fixture, 1, 1);
  for (guint i = 0; i < 49; i++)
    ferry_demo_meter_add_latency (fixture->meter, 10);
  pass (fixture, 49, 49);
  g_assert_cmpfloat_with_epsilon (fixture->reading.latency_median, 10.0, 1.0);
  for (guint i = 0; i < 150; i++)
    ferry_demo_meter_add_latency (fixture->meter, 10);
  pass (fixture, 150, 150);
  g_assert_cmpfloat_with_epsilon (fixture->reading.latency_p99, 10.0, 1.0);

  for (guint i = 0; i < 5; i++)
    ferry_demo_meter_add_latency (fixture->meter, 50000);
  pass (fixture, 5, 5);
  g_assert_cmpfloat_with_epsilon (fixture->reading.latency_p99, 50000.0, 4500.0);
}

static void
test_one_sample (Fixture *fixture, gconstpointer data)
{
  pass (fixture, 0, 0);
  ferry_demo_meter_add_latency (fixture->meter, 777);
  pass (fixture, 1, 1);
  g_assert_cmpfloat_with_epsilon (fixture->reading.latency_median, 777.0, 70.0);
  g_assert_cmpfloat (fixture->reading.latency_p99, ==, fixture->reading.latency_median);
}

static void
test_extreme_latencies (Fixture *fixture, gconstpointer data)
{
  static const gint64 latencies[] = {0, -1, G_MININT64, G_MAXINT64, G_USEC_PER_SEC * G_GINT64_CONSTANT (86400)};

  for (guint i = 0; i < G_N_ELEMENTS (latencies); i++)
    {
      ferry_demo_meter_reset (fixture->meter);
      pass (fixture, 0, 0);
      ferry_demo_meter_add_latency (fixture->meter, latencies[i]);
      pass (fixture, 1, 1);
      g_assert_true (fixture->reading.has_latency);
      g_assert_cmpfloat (fixture->reading.latency_median, >=, 0.0);
      g_assert_cmpfloat (fixture->reading.latency_median, <, 1e9);
    }
}

static void
test_reset (Fixture *fixture, gconstpointer data)
{
  pass (fixture, 0, 0);
  ferry_demo_meter_add_latency (fixture->meter, 777);
  pass (fixture, 1000, 1000);
  ferry_demo_meter_reset (fixture->meter);
  ferry_demo_meter_read (fixture->meter, &fixture->reading);
  g_assert_false (fixture->reading.has_latency);
  g_assert_cmpfloat (fixture->reading.messages_per_second, ==, 0.0);
}

static void
add (const char *path, void (*test) (Fixture *fixture, gconstpointer data))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/meter/empty", test_empty);
  add ("/meter/rates", test_rates);
  add ("/meter/last-second-only", test_last_second_only);
  add ("/meter/percentiles", test_percentiles);
  add ("/meter/percentiles-over-slots", test_percentiles_over_slots);
  add ("/meter/one-sample", test_one_sample);
  add ("/meter/extreme-latencies", test_extreme_latencies);
  add ("/meter/reset", test_reset);
  return g_test_run ();
}
