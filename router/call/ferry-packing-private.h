/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Headers, strings and values packed one behind the other into a GVariant "ay", each with zeros up to a multiple of 8:
 * a tenth of the time that tuples and arrays of variants take to be built and taken apart.
 *
 * Threads: any; nothing is shared.
 * Trust:   none in what is unpacked: all lengths are checked, strings are UTF-8, and a value is untrusted like any
 *          GVariant of another process. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Each puts its argument at the offset at, or where packed is NULL only counts, and returns the next offset. packed is
 * aligned as g_malloc() does. */
gsize ferry_pack_bytes (guint8 *packed, gsize at, gconstpointer bytes, gsize size);
/* With a zero behind it; an empty one takes no bytes. */
gsize ferry_pack_string (guint8 *packed, gsize at, const char *string, gsize length);
/* Its type as a string, then its bytes. */
gsize ferry_pack_value (guint8 *packed, gsize at, GVariant *value);
/* Takes packed. Returns (transfer floating). */
GVariant *ferry_pack_end (guint8 *packed, gsize size);

/* On the stack; everything unpacked is borrowed from held, or holds it. */
typedef struct
{
  GVariant *held; /* (unowned) */
  const guint8 *data;
  gsize size;
  gsize at;
} FerryUnpacking;

/* Returns FALSE where packed (nullable) is no “ay”, or empty. */
gboolean ferry_unpack_begin (FerryUnpacking *self, GVariant *packed);
/* Fills bytes. FALSE, as with the next two NULL: there are not so many, or they are not what they should be. */
gboolean ferry_unpack_bytes (FerryUnpacking *self, gpointer bytes, gsize size);
const char *ferry_unpack_string (FerryUnpacking *self, gsize length);
/* Returns (transfer full). */
GVariant *ferry_unpack_value (FerryUnpacking *self, gsize type_length, gsize size);
/* Whether all of it was unpacked. */
gboolean ferry_unpack_end (const FerryUnpacking *self);

G_END_DECLS
