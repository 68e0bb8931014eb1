/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-drain.c
 *
 * Bytes in an up lane, as the monitor drains them. The first byte says in steps of how many bytes (times eight) they
 * are published, 0 for all at once; with 255, the last eight bytes are published as the tail instead. */

#include "config.h"

#include <string.h>

#include "fuzz-monitor.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (FuzzMonitor) fuzz = NULL;
  gsize end = (MIN (size, FUZZ_CAPACITY) - 1) & ~(gsize) 7;
  guint64 tail = 0;

  if (size < 9)
    return 0;
  fuzz = fuzz_monitor_new ();
  memcpy (fuzz_monitor_get_ring (fuzz), data + 1, end);
  if (data[0] == 255)
    {
      memcpy (&tail, data + 1 + end - 8, sizeof tail);
      fuzz_monitor_publish_tail (fuzz, tail);
      return 0;
    }
  do
    tail = data[0] == 0 ? end : MIN (tail + data[0] * 8u, end);
  while (fuzz_monitor_publish_tail (fuzz, tail) && tail < end);
  return 0;
}
