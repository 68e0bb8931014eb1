/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checksums of what a queue stores, against damage.
 *
 * They are not against people. Each step maps one sum to another, and one word to another, so what differs in one word
 * of eight bytes alone always has another sum; any other difference has with all but one of 2^64. A sum of SHA-256 took
 * half of the time that a queue needs to open.
 *
 * Threads: any. */

#include "config.h"

#include "queue/ferry-queue-sum-private.h"

#include <string.h>

guint64
ferry_queue_sum_add_bytes (guint64 sum, gconstpointer data, gsize size)
{
  const guint8 *bytes = data;

  for (; size > 0; size -= MIN (size, sizeof (guint64)), bytes += sizeof (guint64))
    {
      guint64 word = 0;

      memcpy (&word, bytes, MIN (size, sizeof word));
      sum = ferry_queue_sum_add_number (sum, GUINT64_FROM_LE (word));
    }
  return sum;
}
