/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Progress as bytes, written and read manually: a function may report millions of times a second.
 *
 * Threads: any.
 * Trust:   see the header. The size must be the one that the lengths add up to; text that is no UTF-8 is made so. */

#include "config.h"

#include "task/ferry-progress-private.h"

#include <math.h>
#include <string.h>

G_STATIC_ASSERT (sizeof (FerryProgressHeader) == 40);

/* How many bytes of text to take, of which no more than limit, so that no character is cut in two. */
static gsize
cut_between_characters (const char *text, gsize length, gsize limit)
{
  gsize cut = limit;

  if (length <= limit)
    return length;
  /* A character has three continuing bytes at most; more of them is no UTF-8, and cut anywhere. */
  while (cut > limit - 3 && ((guint8) text[cut] & 0xc0) == 0x80)
    cut--;
  return ((guint8) text[cut] & 0xc0) == 0x80 ? limit : cut;
}

static guint16
measure (const char *text, gsize limit)
{
  return text == NULL ? 0 : (guint16) cut_between_characters (text, strlen (text), limit);
}

gsize
ferry_progress_encode (guint8 bytes[FERRY_MAX_PROGRESS_SIZE], guint64 xid, double fraction, guint64 amount,
                       guint64 total, const char *unit, const char *text)
{
  FerryProgressHeader header = {
    .xid = xid,
    .fraction = fraction,
    .amount = amount,
    .total = total,
    .unit_length = measure (unit, FERRY_MAX_PROGRESS_UNIT),
    .text_length = measure (text, FERRY_MAX_PROGRESS_TEXT),
  };

  memcpy (bytes, &header, sizeof header);
  if (header.unit_length > 0)
    memcpy (bytes + sizeof header, unit, header.unit_length);
  if (header.text_length > 0)
    memcpy (bytes + sizeof header + header.unit_length, text, header.text_length);
  return sizeof header + header.unit_length + header.text_length;
}

/* Copies text that may be anything, zeroes among it; place has room for limit bytes and a zero. */
static void
copy_text (char *place, const guint8 *data, gsize length, gsize limit)
{
  const char *text = (const char *) data;
  g_autofree char *valid = NULL;

  if (!g_utf8_validate_len (text, length, NULL))
    {
      valid = g_utf8_make_valid (text, (gssize) length);
      text = valid;
      length = cut_between_characters (valid, strlen (valid), limit);
    }
  memcpy (place, text, length);
  place[length] = '\0';
}

static double
make_sane (double fraction)
{
  if (!isfinite (fraction) || fraction < 0)
    return -1;
  return MIN (fraction, 1);
}

/* Returns FALSE, with nothing changed, when the bytes are no progress. */
gboolean
ferry_progress_decode (FerryProgress *self, gconstpointer data, gsize size)
{
  const guint8 *bytes = data;
  FerryProgressHeader header;

  if (size < sizeof header)
    return FALSE;
  memcpy (&header, bytes, sizeof header);
  if (header.unit_length > FERRY_MAX_PROGRESS_UNIT || header.text_length > FERRY_MAX_PROGRESS_TEXT ||
      size != sizeof header + header.unit_length + header.text_length)
    return FALSE;
  self->xid = header.xid;
  self->fraction = make_sane (header.fraction);
  self->total = header.total;
  self->amount = header.total == 0 ? header.amount : MIN (header.amount, header.total);
  copy_text (self->unit, bytes + sizeof header, header.unit_length, FERRY_MAX_PROGRESS_UNIT);
  copy_text (self->text, bytes + sizeof header + header.unit_length, header.text_length, FERRY_MAX_PROGRESS_TEXT);
  return TRUE;
}
