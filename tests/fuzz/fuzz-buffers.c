/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-drain.c, route/ferry-buffer.c
 *
 * Records of buffers in an up lane among others. The first byte says whether the worker is trusted. The application
 * keeps all buffers until it is told to drop one. */

#include "config.h"

#include <string.h>

#include "fuzz-monitor.h"
#include "fuzz-order.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (FuzzMonitor) fuzz = fuzz_monitor_new_with_buffers (size > 0 && (data[0] & 1) != 0);

  for (gsize i = 1; i + sizeof (FuzzBufferOrder) <= size; i += sizeof (FuzzBufferOrder))
    {
      FuzzBufferOrder order;
      gsize unpublished;

      memcpy (&order, data + i, sizeof order);
      if (order.kind == 0)
        {
          fuzz_monitor_drop (fuzz, order.number);
          continue;
        }
      unpublished = fuzz_monitor_write (fuzz, order.kind, order.number, order.connection_id & 127,
                                        fuzz_buffer_order_write (&order, fuzz_monitor_get_payload (fuzz)));
      if (order.connection_id >= 128 && unpublished <= FUZZ_CAPACITY / 2)
        continue;
      if (!fuzz_monitor_publish (fuzz))
        break;
    }
  return 0;
}
