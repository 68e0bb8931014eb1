/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The check for normal form. GLib has one too, but only for a GVariant, which has to be made first.
 *
 * For a value of fixed size, the shape lists the bytes that can be wrong: those of booleans and of padding. Other
 * values are walked. Each step of the walk goes into a part that lies within its container, and stops at the first
 * fault. The parts of a value that has passed so far do not overlap, so the time is bounded by the size. The number of
 * levels is bounded by FERRY_MAX_DEPTH. */

#include "config.h"

#include "wire/ferry-shape-private.h"

#include <string.h>

#include "wire/ferry-depth-private.h"

#define PADDING 0xff
#define NO_BOOLEAN 0xfe

static gboolean check (const FerryLayout *layout, guint place, const guint8 *data, gsize size, guint levels);

/* Adds bytes that come after all bytes that were added before. */
static void
add_zeroes (FerryShape *self, GArray *zeroes, gsize offset, gsize size, guint8 mask)
{
  for (gsize end = offset + size; offset < end; offset++)
    {
      const FerryShapeZero next = {.offset = offset / self->unit * self->unit};
      FerryShapeZero *zero;

      if (zeroes->len == 0 || g_array_index (zeroes, FerryShapeZero, zeroes->len - 1).offset != next.offset)
        g_array_append_val (zeroes, next);
      zero = &g_array_index (zeroes, FerryShapeZero, zeroes->len - 1);
      zero->mask |= (guint64) mask << (offset % self->unit * 8);
      if (mask == PADDING)
        zero->padding |= (guint64) mask << (offset % self->unit * 8);
      self->has_padding |= mask == PADDING;
    }
}

/* Adds the zeroes of a value of fixed size, which begins at offset. */
static void
collect_zeroes (FerryShape *self, GArray *zeroes, guint place, gsize offset)
{
  const FerryLayoutPart *part = &self->layout.parts[place];
  gsize end = offset;

  if (part->is_plain)
    return;
  if (self->layout.string[place] == 'b')
    {
      add_zeroes (self, zeroes, offset, 1, NO_BOOLEAN);
      return;
    }
  for (guint next = place + 1; !ferry_layout_is_close (self->layout.string[next]); next = self->layout.parts[next].end)
    {
      gsize start = ferry_layout_align (end, self->layout.parts[next].alignment);

      add_zeroes (self, zeroes, end, start - end, PADDING);
      collect_zeroes (self, zeroes, next, start);
      end = start + self->layout.parts[next].fixed_size;
    }
  add_zeroes (self, zeroes, end, offset + part->fixed_size - end, PADDING);
}

/* Fills kept and halves in. The zeroes must be there. */
static void
keep_words (FerryShape *self)
{
  const guint64 first_half = GUINT64_TO_LE (0xffffffff);
  guint8 *bytes;

  if (self->fixed_size % 8 != 0 || self->fixed_size > FERRY_MAX_KEPT_WORDS * 8)
    return;
  self->kept = g_new (guint64, self->fixed_size / 8);
  bytes = (guint8 *) memset (self->kept, 0xff, self->fixed_size);
  for (guint i = 0; i < self->n_zeroes; i++)
    for (guint j = 0; j < self->unit; j++)
      bytes[self->zeroes[i].offset + j] ^= (guint8) (self->zeroes[i].padding >> (8 * j));
  for (guint i = 0; i < self->fixed_size / 8; i++)
    if (self->kept[i] == first_half)
      self->halves |= G_GUINT64_CONSTANT (1) << i;
}

FerryShape *
ferry_shape_new (const char *type_string, gsize length)
{
  g_autoptr (GArray) zeroes = g_array_new (FALSE, FALSE, sizeof (FerryShapeZero));
  FerryShape *self = g_new0 (FerryShape, 1);
  guint repeated = *type_string == 'a' ? 1 : 0;

  self->layout.string = g_strndup (type_string, length);
  if (length <= sizeof self->start)
    {
      memcpy (&self->start, type_string, length);
      memset (&self->start_mask, 0xff, length);
      self->start = GUINT64_FROM_LE (self->start);
      self->start_mask = GUINT64_FROM_LE (self->start_mask);
    }
  self->layout.parts = g_new (FerryLayoutPart, length);
  ferry_layout_plan (&self->layout, FERRY_MAX_DEPTH);
  self->fixed_size = self->layout.parts[0].fixed_size;
  self->has_variant = self->layout.parts[0].has_variant;
  self->stride = self->layout.parts[repeated].fixed_size;
  self->unit = self->layout.parts[repeated].alignment == 7 ? 8 : 1;
  if (self->stride > 0)
    collect_zeroes (self, zeroes, repeated, 0);
  self->n_zeroes = zeroes->len;
  self->zeroes = (FerryShapeZero *) (gpointer) g_array_free (g_steal_pointer (&zeroes), FALSE);
  if (self->fixed_size > 0)
    keep_words (self);
  return self;
}

void
ferry_shape_free (FerryShape *self)
{
  g_free (self->kept);
  g_free (self->zeroes);
  g_free (self->layout.parts);
  g_free ((char *) self->layout.string);
  g_free (self);
}

/* ---- the walk ---- */

/* Moves *offset to the next aligned place, over bytes before end that are zero. */
static gboolean
skip_padding (const guint8 *data, gsize *offset, guint alignment, gsize end)
{
  for (; (*offset & alignment) != 0; (*offset)++)
    if (*offset >= end || data[*offset] != '\0')
      return FALSE;
  return TRUE;
}

static gboolean
check_fixed_array (const FerryLayout *layout, guint place, const guint8 *data, gsize size, guint levels)
{
  const FerryLayoutPart *element = &layout->parts[place + 1];

  if (size % element->fixed_size != 0)
    return FALSE;
  if (element->is_plain)
    return TRUE;
  for (gsize at = 0; at < size; at += element->fixed_size)
    if (!check (layout, place + 1, data + at, element->fixed_size, levels - 1))
      return FALSE;
  return TRUE;
}

static gboolean
check_array (const FerryLayout *layout, guint place, const guint8 *data, gsize size, guint levels)
{
  const guint8 alignment = layout->parts[place + 1].alignment;
  const guint offset_size = ferry_layout_get_offset_size (size);
  gsize offset = 0;
  gsize last;

  if (size == 0)
    return TRUE;
  last = ferry_layout_read_offset (data + size - offset_size, offset_size);
  if (last >= size || (size - last) % offset_size != 0 ||
      ferry_layout_choose_offset_size (last, (size - last) / offset_size) != offset_size)
    return FALSE;
  for (gsize at = last; at < size; at += offset_size)
    {
      gsize end = ferry_layout_read_offset (data + at, offset_size);

      if (end < offset || end > last || !skip_padding (data, &offset, alignment, end) ||
          !check (layout, place + 1, data + offset, end - offset, levels - 1))
        return FALSE;
      offset = end;
    }
  return TRUE;
}

static gboolean
check_tuple (const FerryLayout *layout, guint place, const guint8 *data, gsize size, guint levels)
{
  const guint offset_size = size > 0 ? ferry_layout_get_offset_size (size) : 0;
  gsize n_offsets = 0;
  gsize offsets = size;
  gsize offset = 0;
  const FerryLayoutPart *member;

  for (guint next = place + 1; !ferry_layout_is_close (layout->string[next]); next = member->end)
    {
      gsize end = offsets;

      member = &layout->parts[next];
      if (!skip_padding (data, &offset, member->alignment, size))
        return FALSE;
      if (member->fixed_size > 0)
        end = offset + member->fixed_size;
      else if (!ferry_layout_is_close (layout->string[member->end]))
        {
          if (offsets < offset + offset_size)
            return FALSE;
          offsets -= offset_size;
          n_offsets++;
          end = ferry_layout_read_offset (data + offsets, offset_size);
        }
      if (end < offset || end > offsets || !check (layout, next, data + offset, end - offset, levels - 1))
        return FALSE;
      offset = end;
    }
  if (layout->parts[place].fixed_size > 0)
    return (offset > 0 || data[offset++] == '\0') && skip_padding (data, &offset, layout->parts[place].alignment, size);
  return size == 0 || (offset == offsets && ferry_layout_choose_offset_size (offset, n_offsets) == offset_size);
}

static gboolean
check_variant (const guint8 *data, gsize size, guint levels)
{
  FerryLayoutPart few[FERRY_SHORT_TYPE];
  g_autofree FerryLayoutPart *many = NULL;
  const guint8 *zero = size > 0 ? memrchr (data, '\0', size) : NULL;
  FerryLayout layout;
  gsize length;

  if (zero == NULL)
    return FALSE;
  length = (gsize) (data + size - zero) - 1;
  layout.string = (const char *) zero + 1;
  if (length > FERRY_MAX_INNER_TYPE || !ferry_layout_is_definite (layout.string, length))
    return FALSE;
  if (length > FERRY_SHORT_TYPE)
    many = g_new (FerryLayoutPart, length);
  layout.parts = many != NULL ? many : few;
  return ferry_layout_plan (&layout, levels) && check (&layout, 0, data, (gsize) (zero - data), levels);
}

/* Checks the bytes of the type at an index, of which levels are the most levels. */
static gboolean
check (const FerryLayout *layout, guint place, const guint8 *data, gsize size, guint levels)
{
  const FerryLayoutPart *part = &layout->parts[place];

  if (part->fixed_size > 0 && (part->is_plain || part->fixed_size != size))
    return part->fixed_size == size;
  switch (layout->string[place])
    {
    case 'b':
      return *data <= 1;
    case 's':
    case 'o':
    case 'g':
      return ferry_layout_is_text (layout->string[place], data, size);
    case 'v':
      return check_variant (data, size, levels - 1);
    case 'm':
      if (size == 0 || part[1].fixed_size > 0)
        return size == 0 || check (layout, place + 1, data, size, levels - 1);
      return data[size - 1] == '\0' && check (layout, place + 1, data, size - 1, levels - 1);
    case 'a':
      return (part[1].fixed_size > 0 ? check_fixed_array : check_array) (layout, place, data, size, levels);
    default:
      return check_tuple (layout, place, data, size, levels);
    }
}

gboolean
ferry_shape_walk (const FerryShape *self, gconstpointer data, gsize size)
{
  if (self->stride == 0)
    return check (&self->layout, 0, size > 0 ? data : "", size, FERRY_MAX_DEPTH);
  if (size % self->stride != 0)
    return FALSE;
  if (self->n_zeroes == 0)
    return TRUE;
  for (const guint8 *value = data; size > 0; value += self->stride, size -= self->stride)
    if (!ferry_shape_has_zeroes (self, value))
      return FALSE;
  return TRUE;
}
