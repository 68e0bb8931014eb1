/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a message is copied into a lane. docs/engine.md says what the copy by words buys. */

#pragma once

#include <glib.h>
#include <string.h>

G_BEGIN_DECLS

/* A longer part of a message is copied by memcpy(). */
#define FERRY_COPY_BY_WORDS 128

static inline void
ferry_lane_copy_word (guint8 *place, const guint8 *data)
{
  guint64 word;

  memcpy (&word, data, 8);
  /* Keeps the compiler from combining several words into one wide load. */
  __asm__("" : "+r"(word));
  memcpy (place, &word, 8);
}

/* Copies a message, or a part of it, to place. Most small messages were written just before, field by field. A load
 * that is wider than these stores makes the processor wait until all earlier stores are done. That takes longer than
 * the whole send if another core has the lane's cache lines. So small messages are copied in words of 8 bytes: memcpy()
 * uses the widest loads. */
static inline void
ferry_lane_copy (guint8 *place, const guint8 *data, gsize size)
{
  gsize offset = 0;

  if (G_UNLIKELY (size > FERRY_COPY_BY_WORDS))
    {
      memcpy (place, data, size);
      return;
    }
  for (; offset + 8 <= size; offset += 8)
    ferry_lane_copy_word (place + offset, data + offset);
  if ((size & 4) != 0)
    {
      memcpy (place + offset, data + offset, 4);
      offset += 4;
    }
  if ((size & 2) != 0)
    {
      memcpy (place + offset, data + offset, 2);
      offset += 2;
    }
  if ((size & 1) != 0)
    place[offset] = data[offset];
}

G_END_DECLS
