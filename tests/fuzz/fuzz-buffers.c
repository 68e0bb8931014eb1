/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records of buffers in an up lane among others, each made from eight bytes of the input. The first byte says whether
 * the worker is trusted. The application keeps all buffers, and drops one where a record would be of kind 0. */

#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "lane/ferry-lane-writer-private.h"

typedef struct
{
  guint8 kind;
  guint8 number;        /* of the type; of kind 0: which buffer is dropped */
  guint8 connection_id; /* and 128: it is published with the next one */
  guint8 buffer;        /* its number */
  guint8 place;         /* of the buffer, in quarters of a page; 255: as far away as can be */
  guint8 rest;          /* length of the record's payload beyond the message; of a large one, bits: 1 it lies in the
                         * buffer, 2 is of a type, 4 is not as long as that */
  guint16 size;         /* of the buffer; 65535: the largest there is. Or of what else it is */
} Order;

static gsize
make_payload (const Order *order, guint8 *payload)
{
  FerryBufferMessage buffer = {order->place < 255 ? order->place * 1024u : -(guint64) 4096,
                               order->size < 65535 ? order->size * 16u : -(guint64) 4096, order->buffer, 0};
  const gboolean is_whole = (order->rest & 1) != 0;
  const gboolean is_typed = (order->rest & 2) != 0;
  FerryLargeMessage large = {is_whole ? buffer.size + (order->rest & 4) : order->size,
                             is_typed ? FERRY_RECORD_VARIANT : FERRY_RECORD_BYTES, is_typed ? order->number : 0, 0};

  if (order->kind == FERRY_RECORD_TYPE)
    return strlen (strcpy ((char *) payload, order->size % 2 != 0 ? "a{sv}" : "(ts)"));
  if (order->kind != FERRY_RECORD_BUFFER && order->kind != FERRY_RECORD_LARGE)
    return MIN (order->size, FERRY_MAX_RECORD_PAYLOAD);
  if (order->kind == FERRY_RECORD_LARGE)
    {
      memcpy (payload, &large, sizeof large);
      memcpy (payload + sizeof large, &buffer, sizeof buffer);
      return is_whole ? sizeof large + sizeof buffer : sizeof large;
    }
  memset (payload, order->rest, sizeof buffer + order->rest);
  memcpy (payload, &buffer, sizeof buffer);
  return sizeof buffer + order->rest;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (FuzzMonitor) fuzz = fuzz_monitor_new_with_buffers (size > 0 && (data[0] & 1) != 0);
  guint64 published = 0;
  guint64 tail = 0;

  for (gsize i = 1; i + sizeof (Order) <= size; i += sizeof (Order))
    {
      guint8 *place = fuzz_monitor_get_ring (fuzz) + tail % FUZZ_CAPACITY;
      Order order;
      gsize length;

      memcpy (&order, data + i, sizeof order);
      if (order.kind == 0)
        {
          fuzz_monitor_drop (fuzz, order.number);
          continue;
        }
      length = make_payload (&order, place + sizeof (FerryRecordHeader));
      ferry_record_write_header (place, (guint32) length, order.kind, order.number, order.connection_id & 127);
      tail += ferry_record_size (length);
      if (order.connection_id >= 128 && tail - published <= FUZZ_CAPACITY / 2)
        continue;
      published = tail;
      if (!fuzz_monitor_publish (fuzz, tail))
        break;
    }
  return 0;
}
