/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records in an up lane, each made from eight bytes of the input: so the search reaches messages in pieces, and a lane
 * that goes round many times. */

#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "lane/ferry-lane-writer-private.h"

typedef struct
{
  guint8 kind;
  guint8 number;
  guint8 connection_id;
  guint8 payload; /* what it is made of */
  guint32 length;
} Order;

static const char *const types[] = {"s", "(ts)", "a{sv}", "v", "", "*", "((", "a{vs}"};

/* Writes the payload of an order. Returns its length. */
static gsize
make_payload (const Order *order, guint8 *place)
{
  const char *type = types[order->payload % G_N_ELEMENTS (types)];
  FerryLargeMessage large = {order->length, order->payload & 3, order->payload >> 2, 0};

  if (order->kind == FERRY_RECORD_TYPE)
    return strlen (strcpy ((char *) place, type));
  if (order->kind == FERRY_RECORD_LARGE && order->payload < 128)
    {
      memcpy (place, &large, sizeof large);
      return sizeof large;
    }
  return order->kind > FERRY_RECORD_PIECE ? order->length & 1 : order->length % (FERRY_MAX_RECORD_PAYLOAD + 1);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (FuzzMonitor) fuzz = fuzz_monitor_new ();
  guint64 tail = 0;

  for (gsize i = 0; i + sizeof (Order) <= size; i += sizeof (Order))
    {
      guint8 *place = fuzz_monitor_get_ring (fuzz) + tail % FUZZ_CAPACITY;
      const Order order = *(const Order *) (const void *) (data + i);
      gsize length = make_payload (&order, place + sizeof (FerryRecordHeader));

      ferry_record_write_header (place, (guint32) length, order.kind, order.number, order.connection_id);
      tail += ferry_record_size (length);
      if (!fuzz_monitor_publish (fuzz, tail))
        break;
    }
  return 0;
}
