/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a function reports of its progress: how its parts add up to the whole, and the bytes. Reports are written and
 * read without GVariant, for speed: a function may report millions of times a second. */

#include "config.h"

#include "wire/ferry-progress-private.h"

#include <string.h>

G_STATIC_ASSERT (sizeof (FerryProgressHeader) == 40);

/* Returns how many bytes of text fit into limit bytes without cutting a character in two. */
static gsize
cut_between_characters (const char *text, gsize length, gsize limit)
{
  gsize cut = limit;

  if (length <= limit)
    return length;
  /* A character has at most three continuation bytes; a text with more of them is not UTF-8, and is cut anywhere. */
  while (cut > limit - 3 && ((guint8) text[cut] & 0xc0) == 0x80)
    cut--;
  return ((guint8) text[cut] & 0xc0) == 0x80 ? limit : cut;
}

static guint16
measure (const char *text, gsize limit)
{
  return text != NULL ? (guint16) cut_between_characters (text, strlen (text), limit) : 0;
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

/* Copies a text, and makes it valid UTF-8 without zero bytes. place must have room for limit bytes and a zero byte. */
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

void
ferry_progress_set_amount (FerryProgress *self, guint64 amount, guint64 total, const char *unit)
{
  gsize length = cut_between_characters (unit, strlen (unit), FERRY_MAX_PROGRESS_UNIT);

  self->amount = amount;
  self->total = total;
  g_strlcpy (self->unit, unit, length + 1);
}

static double
read_fraction (double sent)
{
  if (sent == FERRY_FRACTION_TAKEN_BACK)
    return sent;
  return isfinite (sent) && sent >= 0 ? MIN (sent, 1) : -1;
}

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
  self->fraction = read_fraction (header.fraction);
  self->may_fall = FALSE;
  self->total = header.total;
  self->amount = header.total == 0 ? header.amount : MIN (header.amount, header.total);
  copy_text (self->unit, bytes + sizeof header, header.unit_length, FERRY_MAX_PROGRESS_UNIT);
  copy_text (self->text, bytes + sizeof header + header.unit_length, header.text_length, FERRY_MAX_PROGRESS_TEXT);
  return TRUE;
}

/* ---- parts ---- */

/* A part of this share of the job, and more, is too much of a bar to stand still in. With less, the bar stands beyond
 * what is done for less than half of the work. */
#define LARGE_SHARE 0.5

void
ferry_progress_parts_init (FerryProgressParts *self)
{
  *self = (FerryProgressParts){.whole = {.share = 1, .weight = 1}};
}

void
ferry_progress_parts_clear (FerryProgressParts *self)
{
  g_clear_pointer (&self->parts, g_array_unref);
}

gboolean
ferry_progress_parts_has_part (const FerryProgressParts *self)
{
  return self->parts != NULL && self->parts->len > 0;
}

static FerryProgressPart *
get_innermost (FerryProgressParts *self)
{
  if (!ferry_progress_parts_has_part (self))
    return &self->whole;
  return &g_array_index (self->parts, FerryProgressPart, self->parts->len - 1);
}

/* Returns fraction, limited to the range from 0 to 1; 0 for NaN. */
static double
clamp (double fraction)
{
  return isnan (fraction) ? 0 : CLAMP (fraction, 0, 1);
}

double
ferry_progress_parts_scale (FerryProgressParts *self, double fraction)
{
  FerryProgressPart *part = get_innermost (self);

  if (part->is_taken_back || self->furthest == FERRY_FRACTION_TAKEN_BACK)
    return self->furthest;
  /* A part that is begun later begins after what is done. */
  part->done = MAX (part->done, clamp (fraction));
  self->furthest = MAX (self->furthest, clamp (part->base + part->done * part->share));
  return self->furthest;
}

void
ferry_progress_parts_take_back (FerryProgressParts *self)
{
  FerryProgressPart *part = get_innermost (self);

  part->is_taken_back = TRUE;
  if (part->share >= LARGE_SHARE)
    self->furthest = FERRY_FRACTION_TAKEN_BACK;
}

void
ferry_progress_parts_begin (FerryProgressParts *self, double weight)
{
  const FerryProgressPart *parent = get_innermost (self);
  FerryProgressPart part = {
    .weight = MIN (clamp (weight), 1 - parent->done),
    .is_taken_back = parent->is_taken_back,
  };

  part.base = parent->base + parent->done * parent->share;
  part.share = part.weight * parent->share;
  if (self->parts == NULL)
    self->parts = g_array_new (FALSE, FALSE, sizeof part);
  g_array_append_val (self->parts, part);
}

gboolean
ferry_progress_parts_end (FerryProgressParts *self)
{
  double weight;

  if (!ferry_progress_parts_has_part (self))
    return FALSE;
  weight = get_innermost (self)->weight;
  g_array_set_size (self->parts, self->parts->len - 1);
  ferry_progress_parts_scale (self, get_innermost (self)->done + weight);
  return TRUE;
}
