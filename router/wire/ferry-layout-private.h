/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a type says of the serialised form of its values: sizes, alignments and levels. docs/protocol.md has the form.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Types up to this length are planned without an allocation. */
#define FERRY_SHORT_TYPE 32

/* What is known of the type that begins at a given index of a type string. */
typedef struct
{
  guint32 end;        /* the index after the type's last letter */
  guint32 inner;      /* for a tuple of one member, the index of that member's own inner type, since both have the same
                         bytes; else the index itself */
  guint32 fixed_size; /* 0: the size varies */
  guint8 alignment;   /* minus one */
  guint8 depth;
  guint8 has_variant;
  guint8 is_plain; /* of fixed size, and any bytes are a value in normal form: no padding, and no booleans */
} FerryLayoutPart;

/* The string of one definite type, and a part for each index of it. */
typedef struct
{
  const char *string;
  FerryLayoutPart *parts;
} FerryLayout;

gboolean ferry_layout_is_definite (const char *string, gsize length);
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
  gsize offset = 0;

  for (guint i = 0; i < offset_size; i++)
    offset |= (gsize) place[i] << (8 * i);
  return offset;
}

G_END_DECLS
