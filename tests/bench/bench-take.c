/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "bench-feed.h"
#include "bench-typed-message.h"

static void
take_raw (BenchPort *port, gconstpointer data, gsize size)
{
  bench_take_raw (port, data, size);
}

static void
take_stamp (BenchPort *port, gconstpointer data, gsize size)
{
  const gint64 now = bench_now ();
  BenchMessage message;
  double delay;

  memcpy (&message, data, sizeof message);
  delay = (now - message.stamp) / 1000.0;
  g_array_append_val (port->delays, delay);
  bench_take_raw (port, data, size);
}

static void
take_variant (BenchPort *port, gconstpointer data, gsize size)
{
  g_autoptr (GVariant) variant = g_variant_new_from_data (BENCH_MESSAGE_TYPE, data, size, FALSE, NULL, NULL);

  bench_take_raw (port, g_variant_get_data (variant), size);
}

static void
take_variant_get (BenchPort *port, gconstpointer data, gsize size)
{
  g_autoptr (GVariant) variant = g_variant_new_from_data (BENCH_MESSAGE_TYPE, data, size, FALSE, NULL, NULL);
  guint64 sequence;
  guint32 percent;
  const char *text;

  g_variant_get (variant, "(ttu&s)", &sequence, NULL, &percent, &text);
  if (percent != BENCH_MESSAGE_PERCENT || text[0] != 'a')
    port->errors++;
  bench_take_raw (port, &sequence, sizeof sequence);
}

/* BENCH_TAKE_SIGNAL comes here when a transport has no signal: the GVariant is made of a copy, which may be kept. */
static void
take_signal (BenchPort *port, gconstpointer data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GVariant) variant = g_variant_new_from_bytes (BENCH_MESSAGE_TYPE, bytes, FALSE);

  bench_take_raw (port, g_variant_get_data (variant), size);
}

static void
take_record (BenchPort *port, gconstpointer data, gsize size)
{
  bench_take_number (port, ((const BenchRecord *) data)->sequence);
}

static void
take_record_variant (BenchPort *port, gconstpointer data, gsize size)
{
  g_autoptr (GVariant) variant = g_variant_new_from_data (BENCH_RECORD_TYPE, data, size, FALSE, NULL, NULL);
  guint32 sequence;

  g_variant_get (variant, "(utd)", &sequence, NULL, NULL);
  bench_take_number (port, sequence);
}

const BenchTakeFunc bench_takes[BENCH_N_TAKES] = {
  [BENCH_TAKE_RAW] = take_raw,
  [BENCH_TAKE_STAMP] = take_stamp,
  [BENCH_TAKE_VARIANT] = take_variant,
  [BENCH_TAKE_VARIANT_GET] = take_variant_get,
  [BENCH_TAKE_SIGNAL] = take_signal,
  [BENCH_TAKE_RECORD] = take_record,
  [BENCH_TAKE_RECORD_VARIANT] = take_record_variant,
};
