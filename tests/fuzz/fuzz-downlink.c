/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-downlink.c
 *
 * Bytes in a down lane or an express lane, as the worker reads them. The first byte says which (the lowest bit: the
 * express lane) and how much is published at a time (in units of 8 bytes; 0: all); with 255, the last eight bytes are
 * the tail of the down lane. */

#include "config.h"

#include <string.h>

#include "fuzz-worker.h"

#define WHOLE_WITH_TAIL 255

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = {data, size, 0};
  const guint8 order = fuzz_input_next_byte (&input);
  g_autoptr (FuzzWorker) fuzz = fuzz_worker_new (order != WHOLE_WITH_TAIL && order % 2 == 1);
  gsize n = MIN (size - input.at, fuzz_worker_get_capacity (fuzz));
  guint64 tail = n & ~(gsize) 7;
  guint64 step = order / 2 == 0 ? MAX (tail, 8) : order / 2 * 8;
  gboolean whole = TRUE;

  if (n > 0)
    memcpy (fuzz_worker_get_ring (fuzz), data + 1, n);
  if (order == WHOLE_WITH_TAIL)
    {
      if (n > 8)
        memcpy (&tail, data + 1 + n - 8, sizeof tail);
      step = MAX (tail, 8);
    }
  for (guint64 at = 0; at < tail && whole; at += MIN (step, tail - at))
    whole = fuzz_worker_publish_tail (fuzz, at + MIN (step, tail - at));
  return 0;
}
