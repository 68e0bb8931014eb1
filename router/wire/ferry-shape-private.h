/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a type says of the serialised form of its values, and a type prepared for many of them. */

#pragma once

#include <glib.h>
#include <string.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* What a type says of the serialised form of its values: sizes, alignments and levels. docs/protocol.md has the form.
 */

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
/* Returns what the other end did wrong, as “it sent a value …”; NULL if the value is good. */
const char *ferry_value_verdict_to_fault (FerryValueVerdict verdict);

/* A type, prepared for looking at many values of it in serialised form, without a GVariant.
 *
 * Owner:   a sender or a receiver, one for each type that it meets.
 * Threads: any; a shape never changes.
 * Trust:   the bytes are not trusted, but nothing may change them meanwhile. */

typedef struct _FerryShape FerryShape;

/* A unit of which some bits must be zero: a word of 8 bytes if the type is aligned to them, or else a byte. */
typedef struct
{
  gsize offset;
  guint64 mask;    /* of the bits that must be zero, in the unit as a little-endian number */
  guint64 padding; /* of those bits that are padding */
} FerryShapeZero;

/* The most words of 8 bytes of a value for which a shape keeps a word each. */
#define FERRY_MAX_KEPT_WORDS 64

/* All fields are const. */
struct _FerryShape
{
  FerryLayout layout;     /* (owned): string ends with a zero byte */
  gsize fixed_size;       /* of all values of the type; 0: it varies */
  gsize stride;           /* the size of a value, or of each element of an array, if that is fixed; else 0 */
  FerryShapeZero *zeroes; /* (owned) (nullable): of such a value or element: its booleans and padding */
  guint n_zeroes;
  guint unit;           /* 8 or 1 */
  gboolean has_padding; /* whether ferry_shape_clear_padding() may change a value */
  gboolean is_checked;  /* ferry_layout_is_checked() */

  guint64 start;      /* the type string as a little-endian number */
  guint64 start_mask; /* of the bytes of start; 0: the type string has more than 8 */

  /* (owned) (nullable): for each word of 8 bytes of a value of fixed size, as it lies in memory: the bits that are no
   * padding. NULL if the values are no such words, or have too many. */
  guint64 *kept;
  guint64 halves; /* with kept: bit i is set if of the word i, the first 4 bytes are kept and the last 4 are padding */
};

/* Makes the shape of a type, which ferry_depth_judge_type() must have found good. A zero byte at the end is not
 * needed. */
FerryShape *ferry_shape_new (const char *type_string, gsize length);
void ferry_shape_free (FerryShape *self);

/* Returns a unit as a little-endian number. */
static inline guint64
ferry_shape_load (const FerryShape *self, const guint8 *place)
{
  guint64 word;

  if (self->unit != 8)
    return *place;
  memcpy (&word, place, 8);
  return GUINT64_FROM_LE (word);
}

/* Whether a value, or an element, of fixed size has zeroes where it must. */
static inline gboolean
ferry_shape_has_zeroes (const FerryShape *self, const guint8 *value)
{
  guint64 wrong = 0;

  for (guint i = 0; i < self->n_zeroes; i++)
    wrong |= ferry_shape_load (self, value + self->zeroes[i].offset) & self->zeroes[i].mask;
  return wrong == 0;
}

/* As ferry_layout_judge(), for a type that ferry_layout_is_checked(). */
FerryValueVerdict ferry_shape_judge (const FerryShape *self, gconstpointer data, gsize size);
/* As ferry_shape_is_normal(), by the slow way. */
gboolean ferry_shape_walk (const FerryShape *self, gconstpointer data, gsize size);
/* Whether the bytes are a value of the type in normal form, which each value has once. The verdict is that of
 * g_variant_is_normal_form(), except that a value of more than FERRY_MAX_DEPTH levels has none. The time is at most
 * proportional to size. */
static inline gboolean
ferry_shape_is_normal (const FerryShape *self, gconstpointer data, gsize size)
{
  if (self->fixed_size > 0)
    return size == self->fixed_size && ferry_shape_has_zeroes (self, data);
  return ferry_shape_walk (self, data, size);
}
/* Sets the padding to zero in a value of fixed size, or in each element of an array of such values. */
static inline void
ferry_shape_clear_padding (const FerryShape *self, guint8 *data, gsize size)
{
  if (!self->has_padding)
    return;
  for (; size >= self->stride; data += self->stride, size -= self->stride)
    for (guint i = 0; i < self->n_zeroes; i++)
      {
        guint8 *place = data + self->zeroes[i].offset;
        guint64 word = ferry_shape_load (self, place) & ~self->zeroes[i].padding;

        if (self->unit == 8)
          memcpy (place, &(guint64){GUINT64_TO_LE (word)}, 8);
        else
          *place = (guint8) word;
      }
}

__attribute__ ((no_sanitize ("address"))) static inline guint64
ferry_shape_load_aligned (const char *place)
{
  guint64 word;

  memcpy (&word, __builtin_assume_aligned (place, 8), 8);
  return GUINT64_FROM_LE (word);
}

/* Whether the shape is that of type, which may go on behind its end. No definite type begins another one, so the two
 * are equal if type begins with the shape's whole type string.
 *
 * A short string, as most are, is compared as one word, which is made of aligned words. Each of those has a byte of
 * type: where all bytes of the first one are equal, the string goes on in the second. So no load crosses a page. Bytes
 * before and behind type are masked out; AddressSanitizer cannot know this. */
__attribute__ ((no_sanitize ("address"))) static inline gboolean
ferry_shape_is_of_type (const FerryShape *self, const char *type)
{
  const char *known = self->layout.string;

  if (G_LIKELY (self->start_mask != 0))
    {
      guint shift = 8 * ((guintptr) type & 7);
      const char *aligned = type - shift / 8;
      guint64 different = (ferry_shape_load_aligned (aligned) >> shift ^ self->start) & self->start_mask;

      if ((different & G_MAXUINT64 >> shift) != 0)
        return FALSE;
      if (shift == 0 || self->start_mask >> (64 - shift) == 0)
        return TRUE;
      return (different ^ (ferry_shape_load_aligned (aligned + 8) << (64 - shift) & self->start_mask)) == 0;
    }
  while (*known != '\0' && *known == *type)
    known++, type++;
  return *known == '\0';
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryShape, ferry_shape_free)

G_END_DECLS
