/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-drain.c
 *
 * Records in an up lane, each as it is ordered: so the search reaches messages in pieces, and a lane that goes round
 * many times. */

#include "config.h"

#include <string.h>

#include "fuzz-monitor.h"
#include "fuzz-order.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (FuzzMonitor) fuzz = fuzz_monitor_new ();

  for (gsize i = 0; i + sizeof (FuzzRecordOrder) <= size; i += sizeof (FuzzRecordOrder))
    {
      FuzzRecordOrder order;

      memcpy (&order, data + i, sizeof order);
      fuzz_monitor_write (fuzz, order.kind, order.number, order.connection_id,
                          fuzz_record_order_write (&order, fuzz_monitor_get_payload (fuzz)));
      if (!fuzz_monitor_publish (fuzz))
        break;
    }
  return 0;
}
