/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a type says of the serialised form of its values (ferry-layout.c), and the check of such values
 * (ferry-normal-form.c). Any thread. */

#pragma once

#include <glib.h>
#include <string.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* Types up to this length are planned without an allocation. */
#define FERRY_SHORT_TYPE 32

/* What is known of the type that begins at a given index of a type string. */
typedef struct
{
  guint32 end;         /* the index after the type's last letter */
  guint32 inner;       /* for a tuple of one member, the index of that member's own inner type, since both have the same
                          bytes; else the index itself */
  guint32 fixed_size;  /* 0: the size varies */
  guint8 alignment;    /* minus one */
  guint8 is_plain;     /* of fixed size, and any bytes are a value in normal form: no padding, and no booleans */
  guint8 may_be_empty; /* no bytes are a value in normal form */
} FerryLayoutPart;

/* The string of one definite type, and a part for each index of it. */
typedef struct
{
  const char *string;
  FerryLayoutPart *parts;
} FerryLayout;

/* Makes the layout of a type, which ferry_depth_judge_type() must have found good, for the check of many values. A zero
 * byte at the end is not needed; the copy in the layout has one. */
FerryLayout *ferry_layout_new (const char *string, gsize length);
void ferry_layout_free (FerryLayout *self);

gboolean ferry_layout_is_definite (const char *string, gsize length);
/* Whether the bytes are valid UTF-8 without a zero byte. */
gboolean ferry_layout_is_utf8 (const char *text, gsize length);
/* Whether the bytes are a value of the type “s”, “o” or “g” in normal form: with a zero byte at the end only. */
gboolean ferry_layout_is_text (char letter, const guint8 *data, gsize size);
/* Fills in the parts. Returns FALSE if the type has more levels than levels. */
gboolean ferry_layout_plan (const FerryLayout *self, guint levels);

static inline gsize
ferry_layout_align (gsize offset, guint alignment)
{
  return (offset + alignment) & ~(gsize) alignment;
}

/* Whether a letter ends a tuple or a dictionary entry. */
static inline gboolean
ferry_layout_is_close (char letter)
{
  return letter == ')' || letter == '}';
}

/* Returns the bytes of each offset at the end of a container of that size. */
static inline guint
ferry_layout_get_offset_size (gsize size)
{
  if (size > G_MAXUINT32)
    return 8;
  if (size > G_MAXUINT16)
    return 4;
  return size > G_MAXUINT8 ? 2 : 1;
}

/* Returns the least bytes of each offset of a container. That many offsets follow its body. */
static inline guint
ferry_layout_choose_offset_size (gsize body, gsize n_offsets)
{
  for (guint offset_size = 1; offset_size < 8; offset_size *= 2)
    if (ferry_layout_get_offset_size (body + n_offsets * offset_size) <= offset_size)
      return offset_size;
  return 8;
}

static inline gsize
ferry_layout_read_offset (const guint8 *place, guint offset_size)
{
  guint64 offset = 0;
  guint32 half = 0;

  if (offset_size == 1)
    return *place;
  if (offset_size == 2)
    return (gsize) (place[0] | place[1] << 8);
  if (offset_size == 4)
    {
      memcpy (&half, place, 4);
      return GUINT32_FROM_LE (half);
    }
  memcpy (&offset, place, 8);
  return GUINT64_FROM_LE (offset);
}

/* What a check of a value has found. */
typedef enum
{
  FERRY_VALUE_UNJUDGED, /* it was not checked */
  FERRY_VALUE_GOOD,
  FERRY_VALUE_NOT_NORMAL,
  FERRY_VALUE_TOO_DEEP, /* it has more than FERRY_MAX_DEPTH levels, or a longer type string than FERRY_MAX_INNER_TYPE in
                           a variant */
} FerryValueVerdict;

/* Whether values of a good type must be in normal form when they come from another process: those with variants, and
 * with arrays of elements that vary in size.
 *
 * GLib reads a value of which it does not know whether it is in normal form, such as one of 80,000 strings, in a time
 * that grows with the square of its elements: 2 seconds, where 10 ms are enough. So each such value is checked once, in
 * memory that no other process can change, and GLib is then told to trust it. All others are read as quickly without a
 * check. In them, GLib reads as the default of its type what is not in normal form. */
gboolean ferry_layout_is_checked (const char *string, gsize length);
/* Checks the bytes of a good type, which may have any alignment. The verdict is that of g_variant_is_normal_form(), but
 * for the levels. The time is at most proportional to size, whatever the bytes are. Nothing may change them
 * meanwhile. */
FERRY_FOR_SIBLINGS
FerryValueVerdict ferry_layout_judge (const char *string, gsize length, gconstpointer data, gsize size);
/* The same, for a type whose layout is known. */
FerryValueVerdict ferry_layout_check (const FerryLayout *self, gconstpointer data, gsize size);
/* Returns what the other end did wrong, as “it sent a value …”; NULL if the value is good. */
const char *ferry_value_verdict_to_fault (FerryValueVerdict verdict);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryLayout, ferry_layout_free)

G_END_DECLS
