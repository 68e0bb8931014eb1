/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a type says of the serialised form of its values: sizes, alignments, and whether a check is needed.
 *
 * docs/protocol.md has the form. A type also says its levels. The check of values is in ferry-normal-form.c.
 *
 * Threads: any; nothing is shared. */

#include "config.h"

#include "wire/ferry-layout-private.h"

#include <string.h>

#include "wire/ferry-depth-private.h"

gboolean
ferry_layout_is_definite (const char *string, gsize length)
{
  const char *end = NULL;

  /* '*', '?' and 'r' match more than one type. */
  return length > 0 && g_variant_type_string_scan (string, string + length, &end) && end == string + length &&
         memchr (string, '*', length) == NULL && memchr (string, '?', length) == NULL &&
         memchr (string, 'r', length) == NULL;
}

/* Whether 8 bytes are ASCII, and none of them is a zero. */
static inline gboolean
is_ascii (const char *text)
{
  const guint64 lows = G_GUINT64_CONSTANT (0x0101010101010101);
  guint64 word;

  memcpy (&word, text, 8);
  /* For a byte that is no ASCII, the first part sets the highest bit of the byte. For a zero, the second part sets it.
   */
  return ((word | (word - lows)) & (lows << 7)) == 0;
}

/* Most texts are ASCII, of which 8 bytes are checked at a time. */
gboolean
ferry_layout_is_utf8 (const char *text, gsize length)
{
  gsize at = 0;

  while (at + 8 <= length && is_ascii (text + at))
    at += 8;
  /* The last 8 bytes at once, where the others were ASCII. */
  if (at + 8 > length && length >= 8 && is_ascii (text + length - 8))
    return TRUE;
  while (at < length && (signed char) text[at] > 0)
    at++;
  return at == length || g_utf8_validate_len (text + at, length - at, NULL);
}

gboolean
ferry_layout_is_text (char letter, const guint8 *data, gsize size)
{
  const char *text = (const char *) data;

  return size > 0 && text[size - 1] == '\0' && ferry_layout_is_utf8 (text, size - 1) &&
         (letter != 'o' || g_variant_is_object_path (text)) && (letter != 'g' || g_variant_is_signature (text));
}

/* Returns the size of a basic type, 0 if the size varies. The alignment of a basic type equals its size. */
static guint
get_basic_size (char letter)
{
  switch (letter)
    {
    case 'b':
    case 'y':
      return 1;
    case 'n':
    case 'q':
      return 2;
    case 'i':
    case 'u':
    case 'h':
      return 4;
    case 'x':
    case 't':
    case 'd':
      return 8;
    default:
      return 0;
    }
}

static gboolean plan_part (const FerryLayout *self, guint place, guint levels);

/* Fills in the part of a tuple or of a dictionary entry. */
static gboolean
plan_members (const FerryLayout *self, guint place, guint levels)
{
  FerryLayoutPart *part = &self->parts[place];
  gboolean is_fixed = TRUE;
  gboolean may_be_empty = TRUE;
  guint n_members = 0;
  guint next = place + 1;
  gsize plain_size = 0;
  gsize size = 0;

  for (; !ferry_layout_is_close (self->string[next]); n_members++)
    {
      const FerryLayoutPart *member = &self->parts[next];

      if (!plan_part (self, next, levels - 1))
        return FALSE;
      part->alignment = MAX (part->alignment, member->alignment);
      is_fixed = is_fixed && member->fixed_size > 0;
      may_be_empty = may_be_empty && member->may_be_empty;
      size = ferry_layout_align (size, member->alignment) + member->fixed_size;
      plain_size += member->is_plain ? member->fixed_size : 0;
      next = member->end;
    }
  part->end = next + 1;
  part->inner = n_members == 1 ? self->parts[place + 1].inner : place;
  if (is_fixed)
    part->fixed_size = (guint32) MAX (ferry_layout_align (size, part->alignment), 1);
  part->is_plain = is_fixed && plain_size == part->fixed_size;
  part->may_be_empty = may_be_empty;
  return TRUE;
}

/* Fills in the part of the type at an index. Returns FALSE if the type has more levels than levels. */
static gboolean
plan_part (const FerryLayout *self, guint place, guint levels)
{
  const char letter = self->string[place];
  FerryLayoutPart *part = &self->parts[place];

  *part = (FerryLayoutPart){.end = place + 1, .inner = place};
  if (letter == '(' && self->string[place + 1] == ')')
    {
      *part = (FerryLayoutPart){.end = place + 2, .inner = place, .fixed_size = 1};
      return TRUE;
    }
  if (strchr ("({amv", letter) == NULL)
    {
      part->fixed_size = get_basic_size (letter);
      part->alignment = (guint8) (MAX (part->fixed_size, 1) - 1);
      part->is_plain = part->fixed_size > 0 && letter != 'b';
      return TRUE;
    }
  if (levels == 0)
    return FALSE;
  if (letter == '(' || letter == '{')
    return plan_members (self, place, levels);
  if (letter == 'v')
    {
      part->alignment = 7;
      return TRUE;
    }
  if (!plan_part (self, place + 1, levels - 1))
    return FALSE;
  part->end = part[1].end;
  part->alignment = part[1].alignment;
  part->may_be_empty = TRUE;
  return TRUE;
}

gboolean
ferry_layout_is_checked (const char *string, gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      guint open = 0;

      if (string[i] == 'v')
        return TRUE;
      if (string[i] != 'a')
        continue;
      do
        {
          i++;
          if (strchr ("sogamv", string[i]) != NULL)
            return TRUE;
          open += string[i] == '(' || string[i] == '{';
          open -= ferry_layout_is_close (string[i]);
        }
      while (open > 0);
    }
  return FALSE;
}

gboolean
ferry_layout_plan (const FerryLayout *self, guint levels)
{
  return plan_part (self, 0, levels);
}

FerryLayout *
ferry_layout_new (const char *string, gsize length)
{
  FerryLayout *self = g_new (FerryLayout, 1);

  self->string = g_strndup (string, length);
  self->parts = g_new (FerryLayoutPart, length);
  ferry_layout_plan (self, FERRY_MAX_DEPTH);
  return self;
}

void
ferry_layout_free (FerryLayout *self)
{
  g_free (self->parts);
  g_free ((char *) self->string);
  g_free (self);
}
