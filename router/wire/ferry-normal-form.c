/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The check of a value for normal form, in a time that grows with its size. GLib has one too, but only for a GVariant,
 * which has to be made first.
 *
 * A value is walked. Each step of the walk goes into a part that lies within its container, and stops at the first
 * fault. The parts of a value that has passed so far do not overlap, so the time is bounded by the size. The number of
 * levels is bounded by FERRY_MAX_DEPTH. */

#include "config.h"

#include "wire/ferry-layout-private.h"

#include <string.h>

#include "wire/ferry-depth-private.h"

static FerryValueVerdict check (const FerryLayout *layout, guint place, const guint8 *data, gsize size, guint levels);
static FerryValueVerdict check_type (const char *string, gsize length, const guint8 *data, gsize size, guint levels);

/* Moves *offset to the next aligned place, over bytes before end that are zero. */
static gboolean
skip_padding (const guint8 *data, gsize *offset, guint alignment, gsize end)
{
  for (; (*offset & alignment) != 0; (*offset)++)
    if (*offset >= end || data[*offset] != '\0')
      return FALSE;
  return TRUE;
}

static FerryValueVerdict
check_fixed_array (const FerryLayout *layout, guint place, const guint8 *data, gsize size)
{
  const FerryLayoutPart *element = &layout->parts[place + 1];
  FerryValueVerdict verdict = FERRY_VALUE_GOOD;

  if (size % element->fixed_size != 0)
    return FERRY_VALUE_NOT_NORMAL;
  if (element->is_plain)
    return FERRY_VALUE_GOOD;
  for (gsize at = 0; at < size && verdict == FERRY_VALUE_GOOD; at += element->fixed_size)
    verdict = check (layout, place + 1, data + at, element->fixed_size, 0);
  return verdict;
}

/* Whether the 8 bytes of a word are ASCII. Then adds to *n_zeros how many of them are zero: the highest bit of all
 * others is set after the sum, and the product adds up the bits. */
static inline gboolean
count_zeros_of_word (guint64 word, gsize *n_zeros)
{
  const guint64 lows = G_GUINT64_CONSTANT (0x0101010101010101);

  *n_zeros += ((~(word + lows * 0x7f) >> 7 & lows) * lows) >> 56;
  return (word & (lows << 7)) == 0;
}

/* Whether all bytes are ASCII. Then sets *n_zeros to how many of them are zero. */
static gboolean
count_zeros_of_ascii (const guint8 *data, gsize size, gsize *n_zeros)
{
  gsize at = 0;
  guint64 word = 0;
  gboolean is_ascii = TRUE;

  *n_zeros = 0;
  for (; is_ascii && at + 8 <= size; at += 8)
    {
      memcpy (&word, data + at, 8);
      is_ascii = count_zeros_of_word (word, n_zeros);
    }
  if (!is_ascii || at == size)
    return is_ascii;
  /* The rest, with zeros in the place of bytes that were counted. */
  word = 0;
  if (size >= 8)
    {
      memcpy (&word, data + size - 8, 8);
      word = GUINT64_FROM_LE (word) >> (8 * (at + 8 - size));
    }
  else
    for (gsize i = 0; i < size; i++)
      word |= (guint64) data[i] << (8 * i);
  *n_zeros -= at + 8 - size;
  return count_zeros_of_word (word, n_zeros);
}

/* Checks an array of texts, which is what most large values are. last: where its offsets begin. Texts in ASCII have no
 * zero but at their ends, if there are as many zeros as texts. */
static FerryValueVerdict
check_strings (const guint8 *data, gsize size, gsize last, guint offset_size)
{
  const gsize n_texts = (size - last) / offset_size;
  gsize n_zeros = 0;
  const gboolean is_ascii = count_zeros_of_ascii (data, last, &n_zeros);
  gsize offset = 0;

  if (is_ascii && n_zeros != n_texts)
    return FERRY_VALUE_NOT_NORMAL;
  for (gsize at = last; at < size; at += offset_size)
    {
      const gsize end = offset_size == 1 ? data[at] : ferry_layout_read_offset (data + at, offset_size);

      if (end <= offset || end > last || data[end - 1] != '\0' ||
          (!is_ascii && !ferry_layout_is_utf8 ((const char *) data + offset, end - 1 - offset)))
        return FERRY_VALUE_NOT_NORMAL;
      offset = end;
    }
  return FERRY_VALUE_GOOD;
}

static FerryValueVerdict
check_array (const FerryLayout *layout, guint place, const guint8 *data, gsize size, guint levels)
{
  const guint8 alignment = layout->parts[place + 1].alignment;
  const guint offset_size = ferry_layout_get_offset_size (size);
  const gsize last = ferry_layout_read_offset (data + size - offset_size, offset_size);
  gsize offset = 0;

  if (last >= size || (size - last) % offset_size != 0 ||
      ferry_layout_choose_offset_size (last, (size - last) / offset_size) != offset_size)
    return FERRY_VALUE_NOT_NORMAL;
  if (layout->string[place + 1] == 's')
    return check_strings (data, size, last, offset_size);
  for (gsize at = last; at < size; at += offset_size)
    {
      const gsize end = ferry_layout_read_offset (data + at, offset_size);
      FerryValueVerdict verdict;

      if (end < offset || end > last || !skip_padding (data, &offset, alignment, end))
        return FERRY_VALUE_NOT_NORMAL;
      verdict = check (layout, place + 1, data + offset, end - offset, levels - 1);
      if (verdict != FERRY_VALUE_GOOD)
        return verdict;
      offset = end;
    }
  return FERRY_VALUE_GOOD;
}

static FerryValueVerdict
check_tuple (const FerryLayout *layout, guint place, const guint8 *data, gsize size, guint levels)
{
  const guint offset_size = ferry_layout_get_offset_size (size);
  gsize n_offsets = 0;
  gsize offsets = size;
  gsize offset = 0;
  gboolean is_good;
  const FerryLayoutPart *member;

  for (guint next = place + 1; !ferry_layout_is_close (layout->string[next]); next = member->end)
    {
      gsize end = offsets;
      FerryValueVerdict verdict;

      member = &layout->parts[next];
      if (!skip_padding (data, &offset, member->alignment, size))
        return FERRY_VALUE_NOT_NORMAL;
      if (member->fixed_size > 0)
        end = offset + member->fixed_size;
      else if (!ferry_layout_is_close (layout->string[member->end]))
        {
          if (offsets < offset + offset_size)
            return FERRY_VALUE_NOT_NORMAL;
          offsets -= offset_size;
          n_offsets++;
          end = ferry_layout_read_offset (data + offsets, offset_size);
        }
      if (end < offset || end > offsets)
        return FERRY_VALUE_NOT_NORMAL;
      verdict = check (layout, next, data + offset, end - offset, levels - 1);
      if (verdict != FERRY_VALUE_GOOD)
        return verdict;
      offset = end;
    }
  if (layout->parts[place].fixed_size > 0)
    is_good =
      (offset > 0 || data[offset++] == '\0') && skip_padding (data, &offset, layout->parts[place].alignment, size);
  else
    is_good = offset == offsets && ferry_layout_choose_offset_size (offset, n_offsets) == offset_size;
  return is_good ? FERRY_VALUE_GOOD : FERRY_VALUE_NOT_NORMAL;
}

/* Checks a variant of a basic type, as most are. Returns FALSE for any other one. */
static gboolean
check_basic (const guint8 *data, gsize size, FerryValueVerdict *verdict)
{
  static const guint8 sizes[128] = {['b'] = 1, ['y'] = 1, ['n'] = 2, ['q'] = 2, ['i'] = 4,   ['u'] = 4,
                                    ['h'] = 4, ['x'] = 8, ['t'] = 8, ['d'] = 8, ['s'] = 0xff};
  const guint8 expected = data[size - 1] < 128 ? sizes[data[size - 1]] : 0;

  if (size < 2 || data[size - 2] != '\0' || expected == 0)
    return FALSE;
  *verdict = FERRY_VALUE_NOT_NORMAL;
  if (expected == 0xff ? ferry_layout_is_text ('s', data, size - 2)
                       : size - 2 == expected && (data[size - 1] != 'b' || *data <= 1))
    *verdict = FERRY_VALUE_GOOD;
  return TRUE;
}

static FerryValueVerdict
check_variant (const guint8 *data, gsize size, guint levels)
{
  const guint8 *zero;
  FerryValueVerdict verdict;
  gsize length;

  if (check_basic (data, size, &verdict))
    return verdict;
  zero = memrchr (data, '\0', size);
  if (zero == NULL)
    return FERRY_VALUE_NOT_NORMAL;
  length = (gsize) (data + size - zero) - 1;
  if (length > FERRY_MAX_INNER_TYPE)
    return FERRY_VALUE_TOO_DEEP;
  if (!ferry_layout_is_definite ((const char *) zero + 1, length))
    return FERRY_VALUE_NOT_NORMAL;
  return check_type ((const char *) zero + 1, length, data, (gsize) (zero - data), levels);
}

/* Checks the bytes of the type at an index, of which levels are the most levels. A tuple of one member has the bytes of
 * that member, so it needs no step of its own: many of them, one in the other, would take long for each byte. */
static FerryValueVerdict
check (const FerryLayout *layout, guint place, const guint8 *data, gsize size, guint levels)
{
  const guint inner = layout->parts[place].inner;
  const FerryLayoutPart *part = &layout->parts[inner];
  gboolean is_good;

  levels -= inner - place;
  if (part->fixed_size > 0 && (part->is_plain || part->fixed_size != size))
    return part->fixed_size == size ? FERRY_VALUE_GOOD : FERRY_VALUE_NOT_NORMAL;
  if (size == 0)
    return part->may_be_empty ? FERRY_VALUE_GOOD : FERRY_VALUE_NOT_NORMAL;
  switch (layout->string[inner])
    {
    case 'b':
      is_good = *data <= 1;
      break;
    case 's':
    case 'o':
    case 'g':
      is_good = ferry_layout_is_text (layout->string[inner], data, size);
      break;
    case 'v':
      return check_variant (data, size, levels - 1);
    case 'm':
      if (part[1].fixed_size > 0)
        return check (layout, inner + 1, data, size, levels - 1);
      if (data[size - 1] == '\0')
        return check (layout, inner + 1, data, size - 1, levels - 1);
      return FERRY_VALUE_NOT_NORMAL;
    case 'a':
      return part[1].fixed_size > 0 ? check_fixed_array (layout, inner, data, size)
                                    : check_array (layout, inner, data, size, levels);
    default:
      return check_tuple (layout, inner, data, size, levels);
    }
  return is_good ? FERRY_VALUE_GOOD : FERRY_VALUE_NOT_NORMAL;
}

/* Counts the levels of a type, and then checks a value of the type. */
static FerryValueVerdict
check_type (const char *string, gsize length, const guint8 *data, gsize size, guint levels)
{
  FerryLayoutPart few[FERRY_SHORT_TYPE];
  g_autofree FerryLayoutPart *many = length > FERRY_SHORT_TYPE ? g_new (FerryLayoutPart, length) : NULL;
  const FerryLayout layout = {string, many != NULL ? many : few};

  return ferry_layout_plan (&layout, levels) ? check (&layout, 0, data, size, levels) : FERRY_VALUE_TOO_DEEP;
}

FerryValueVerdict
ferry_layout_judge (const char *string, gsize length, gconstpointer data, gsize size)
{
  return check_type (string, length, data, size, FERRY_MAX_DEPTH);
}

const char *
ferry_value_verdict_to_fault (FerryValueVerdict verdict)
{
  switch (verdict)
    {
    case FERRY_VALUE_NOT_NORMAL:
      return "it sent a value that is not in normal form; it must send what g_variant_get_normal_form() makes of it";
    case FERRY_VALUE_TOO_DEEP:
      return "it sent a value of more than " G_STRINGIFY (
        FERRY_MAX_DEPTH) " levels, counting those in its variants; it must send fewer";
    case FERRY_VALUE_UNJUDGED:
    case FERRY_VALUE_GOOD:
    default:
      return NULL;
    }
}

FerryValueVerdict
ferry_layout_check (const FerryLayout *self, gconstpointer data, gsize size)
{
  return check (self, 0, data, size, FERRY_MAX_DEPTH);
}
