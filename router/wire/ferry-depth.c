/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The depth of types and of serialised values.
 *
 * Threads: any; nothing is shared.
 * Trust:   the bytes are not trusted. An offset in them is checked before it is used, and read once.
 *
 * GLib could walk a value too, at 200 ns and several allocations a node. This walk takes some 10 ns, since it only
 * visits the parts that lead to variants. A part that contains a variant has no fixed size. So each step reads an
 * offset from the end of an array or a tuple. The next step stays within the bounds of that offset. Each step uses up
 * at least one byte that no other step uses, so the time is bounded by the size. Bytes that are not in normal form are
 * read as GLib reads them. An offset that is out of order or out of range makes its element, and all elements after it,
 * empty. */

#include "config.h"

#include "wire/ferry-depth-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-shape-private.h"

static gboolean walk (const FerryLayout *plan, guint place, const guint8 *data, gsize size, guint levels);

/* Walks an array of elements that contain variants. They vary in size, so the offsets of their ends follow them. */
static gboolean
walk_array (const FerryLayout *plan, guint place, const guint8 *data, gsize size, guint levels)
{
  const guint8 alignment = plan->parts[place + 1].alignment;
  const guint offset_size = ferry_layout_get_offset_size (size);
  const gsize last = ferry_layout_read_offset (data + size - offset_size, offset_size);
  gsize before = 0;

  if (last > size || (size - last) % offset_size != 0)
    return TRUE;
  for (gsize at = last; at < size; at += offset_size)
    {
      gsize start = ferry_layout_align (before, alignment);
      gsize end = ferry_layout_read_offset (data + at, offset_size);

      if (end < before || end > last)
        return TRUE;
      if (start < end && !walk (plan, place + 1, data + start, end - start, levels - 1))
        return FALSE;
      before = end;
    }
  return TRUE;
}

/* Walks a tuple. The offsets of its members' ends are stored after the members, in reverse order. A member of fixed
 * size has no offset, nor has the last member. If the first member ends beyond the tuple, GLib 2.74 reads the other
 * members in any order, and may read the same bytes for several members. Such variants are refused, since their walk
 * would not be bounded by the size. */
static gboolean
walk_tuple (const FerryLayout *plan, guint place, const guint8 *data, gsize size, guint levels)
{
  const guint offset_size = ferry_layout_get_offset_size (size);
  gboolean is_unordered = FALSE;
  gsize offsets = size;
  gsize end = 0;
  const FerryLayoutPart *member;

  for (guint next = place + 1; !ferry_layout_is_close (plan->string[next]); next = member->end)
    {
      gsize start;

      member = &plan->parts[next];
      start = ferry_layout_align (end, member->alignment);
      if (member->fixed_size > 0)
        end = start + member->fixed_size;
      else if (ferry_layout_is_close (plan->string[member->end]))
        end = offsets;
      else if (offsets < offset_size)
        return TRUE;
      else
        {
          offsets -= offset_size;
          end = ferry_layout_read_offset (data + offsets, offset_size);
        }
      if (start <= end && end <= size)
        {
          if (is_unordered && member->has_variant && start < end)
            return FALSE;
          if (!walk (plan, next, data + start, end - start, levels - 1))
            return FALSE;
        }
      else if (next == place + 1)
        is_unordered = TRUE;
      else if (!is_unordered)
        return TRUE;
    }
  return TRUE;
}

/* Counts the levels of a type, then walks a value of the type. Returns FALSE if either has more levels than levels. */
static gboolean
walk_type (const char *string, gsize length, const guint8 *data, gsize size, guint levels)
{
  FerryLayoutPart few[FERRY_SHORT_TYPE];
  g_autofree FerryLayoutPart *many = length > FERRY_SHORT_TYPE ? g_new (FerryLayoutPart, length) : NULL;
  const FerryLayout plan = {string, many != NULL ? many : few};

  return ferry_layout_plan (&plan, levels) && walk (&plan, 0, data, size, levels);
}

/* Walks the value inside a variant. Bytes without a definite type read as an empty tuple. levels: the most levels of
 * the inner value. */
static gboolean
walk_variant (const guint8 *data, gsize size, guint levels)
{
  char few[FERRY_SHORT_TYPE + 1];
  g_autofree char *many = NULL;
  const guint8 *zero;
  char *string = few;
  gsize length;

  /* Most variants hold a basic type: they end with a zero and one letter. */
  if (size >= 2 && data[size - 2] == '\0' && data[size - 1] != '\0' && data[size - 1] != 'v')
    return TRUE;
  zero = memrchr (data, '\0', size);
  if (zero == NULL)
    return TRUE;
  length = (gsize) (data + size - zero) - 1;
  if (length > FERRY_MAX_INNER_TYPE)
    return FALSE;
  /* The innermost letter is not a level. */
  if (length <= (gsize) levels + 1 && !ferry_depth_varies ((const char *) zero + 1, length))
    return TRUE;
  /* The type string is copied, as another process may change the bytes. */
  if (length > FERRY_SHORT_TYPE)
    string = many = g_malloc (length + 1);
  memcpy (string, zero + 1, length);
  string[length] = '\0';
  return !ferry_layout_is_definite (string, length) || walk_type (string, length, data, (gsize) (zero - data), levels);
}

/* Walks the value at an index of the type. A value of no bytes reads as the default of its type, with empty tuples
 * in its variants. */
static gboolean
walk (const FerryLayout *plan, guint place, const guint8 *data, gsize size, guint levels)
{
  const guint inner = plan->parts[place].inner;

  if (size == 0 || !plan->parts[place].has_variant)
    return TRUE;
  levels -= inner - place;
  switch (plan->string[inner])
    {
    case 'v':
      return walk_variant (data, size, levels - 1);
    case 'm':
      return walk (plan, inner + 1, data, size - 1, levels - 1);
    case 'a':
      return walk_array (plan, inner, data, size, levels);
    default:
      return walk_tuple (plan, inner, data, size, levels);
    }
}

/* ---- for both ends ---- */

FerryTypeVerdict
ferry_depth_judge_type (const char *type_string, gsize length)
{
  g_autofree FerryLayoutPart *parts = NULL;

  if (!ferry_layout_is_definite (type_string, length))
    return FERRY_TYPE_NOT_DEFINITE;
  if (length <= FERRY_MAX_DEPTH)
    return FERRY_TYPE_GOOD;
  parts = g_new (FerryLayoutPart, length);
  return ferry_layout_plan (&(FerryLayout){type_string, parts}, FERRY_MAX_DEPTH) ? FERRY_TYPE_GOOD
                                                                                 : FERRY_TYPE_TOO_DEEP;
}

const char *
ferry_type_verdict_to_fault (FerryTypeVerdict verdict)
{
  switch (verdict)
    {
    case FERRY_TYPE_NOT_DEFINITE:
      return "is no string of one definite type";
    case FERRY_TYPE_TOO_DEEP:
      return "is a type of more than " G_STRINGIFY (FERRY_MAX_DEPTH) " levels";
    case FERRY_TYPE_GOOD:
    default:
      return NULL;
    }
}

gboolean
ferry_depth_allows (const char *type_string, gsize length, gconstpointer data, gsize size)
{
  return !ferry_depth_varies (type_string, length) || walk_type (type_string, length, data, size, FERRY_MAX_DEPTH);
}

gboolean
ferry_depth_check_serialised (const char *type_string, gsize length, gconstpointer data, gsize size, GError **error)
{
  if (length > FERRY_MAX_INNER_TYPE)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "A value's type string has %" G_GSIZE_FORMAT
                            " bytes, and at most %d can be sent; send arrays or dictionaries",
                            length, FERRY_MAX_INNER_TYPE);
  if (ferry_depth_judge_type (type_string, length) != FERRY_TYPE_GOOD ||
      !ferry_depth_allows (type_string, length, data, size))
    return ferry_set_error (
      error, FERRY_ERROR_TOO_LARGE,
      "A value has more than %d levels of arrays, maybes, tuples, dictionary entries and variants, or a type "
      "string of more than %d bytes inside a variant; send a flatter value, or several values",
      FERRY_MAX_DEPTH, FERRY_MAX_INNER_TYPE);
  return TRUE;
}

gboolean
ferry_depth_check (GVariant *value, GError **error)
{
  const char *type_string = g_variant_get_type_string (value);
  gsize length = strlen (type_string);

  return G_LIKELY (length <= FERRY_MAX_DEPTH && !ferry_depth_varies (type_string, length)) ||
         ferry_depth_check_serialised (type_string, length, g_variant_get_data (value), g_variant_get_size (value),
                                       error);
}
