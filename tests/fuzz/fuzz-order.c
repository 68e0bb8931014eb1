/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fuzz-order.h"

#include <string.h>

#include "wire/ferry-lane-layout.h"

static const char *const types[] = {"s", "(ts)", "a{sv}", "v", "", "*", "((", "a{vs}"};

gsize
fuzz_record_order_write (const FuzzRecordOrder *self, guint8 *payload)
{
  const char *type = types[self->payload % G_N_ELEMENTS (types)];
  FerryLargeMessage large = {self->length, self->payload & 3, self->payload >> 2, 0};

  if (self->kind == FERRY_RECORD_TYPE)
    return strlen (strcpy ((char *) payload, type));
  if (self->kind == FERRY_RECORD_LARGE && self->payload < 128)
    {
      memcpy (payload, &large, sizeof large);
      return sizeof large;
    }
  return self->kind > FERRY_RECORD_PIECE ? self->length & 1 : self->length % (FERRY_MAX_RECORD_PAYLOAD + 1);
}

gsize
fuzz_buffer_order_write (const FuzzBufferOrder *self, guint8 *payload)
{
  FerryBufferMessage buffer = {self->place < 255 ? self->place * 1024u : -(guint64) 4096,
                               self->size < 65535 ? self->size * 16u : -(guint64) 4096, self->buffer, 0};
  const gboolean is_whole = (self->rest & 1) != 0;
  const gboolean is_typed = (self->rest & 2) != 0;
  FerryLargeMessage large = {is_whole ? buffer.size + (self->rest & 4) : self->size,
                             is_typed ? FERRY_RECORD_VARIANT : FERRY_RECORD_BYTES, is_typed ? self->number : 0, 0};

  if (self->kind == FERRY_RECORD_TYPE)
    return strlen (strcpy ((char *) payload, types[self->size % 2 != 0 ? 2 : 1]));
  if (self->kind != FERRY_RECORD_BUFFER && self->kind != FERRY_RECORD_LARGE)
    return MIN (self->size, FERRY_MAX_RECORD_PAYLOAD);
  if (self->kind == FERRY_RECORD_LARGE)
    {
      memcpy (payload, &large, sizeof large);
      memcpy (payload + sizeof large, &buffer, sizeof buffer);
      return is_whole ? sizeof large + sizeof buffer : sizeof large;
    }
  memset (payload, self->rest, sizeof buffer + self->rest);
  memcpy (payload, &buffer, sizeof buffer);
  return sizeof buffer + self->rest;
}
