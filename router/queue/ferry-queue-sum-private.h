/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checksums of what a queue stores, against damage and not against people. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FERRY_QUEUE_SUM_START G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

static inline guint64
ferry_queue_sum_add_number (guint64 sum, guint64 number)
{
  sum ^= number;
  sum = (sum << 29 | sum >> 35) * G_GUINT64_CONSTANT (0xd6e8feb86659fd93) + 1;
  return sum ^ sum >> 32;
}

/* The bytes as words in little-endian order, the last one filled up with zeros. */
guint64 ferry_queue_sum_add_bytes (guint64 sum, gconstpointer data, gsize size);

G_END_DECLS
