/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packs headers, strings and values into bytes, and unpacks them. Any thread. */

#pragma once

#include <gio/gio.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-layout-private.h"

G_BEGIN_DECLS

/* The ferry_pack_…() functions write their argument at offset at of packed, and return the next offset. If packed is
 * NULL, they only compute the offset. packed must be aligned as by g_malloc(). */
FERRY_FOR_SIBLINGS
gsize ferry_pack_bytes (guint8 *packed, gsize at, gconstpointer bytes, gsize size);
/* Writes the string and a zero byte; an empty string takes no bytes. */
FERRY_FOR_SIBLINGS
gsize ferry_pack_string (guint8 *packed, gsize at, const char *string, gsize length);
/* Writes the type of value as a string, then the bytes of value. */
FERRY_FOR_SIBLINGS
gsize ferry_pack_value (guint8 *packed, gsize at, GVariant *value);

/* The state of an unpacking, on the caller's stack. Unpacked strings are borrowed from held, and unpacked values
 * hold a reference to it. */
typedef struct
{
  GBytes *held; /* (unowned) */
  const guint8 *data;
  gsize size;
  gsize at;
  FerryValueVerdict verdict; /* on all values, where they were checked before, in bytes that do not change; of a value
                                that breaks a rule, which one */
} FerryUnpacking;

/* Begins to unpack packed. Returns FALSE if packed (nullable) is NULL or empty. verdict: as in FerryUnpacking. */
FERRY_FOR_SIBLINGS
gboolean ferry_unpack_begin (FerryUnpacking *self, GBytes *packed, FerryValueVerdict verdict);
/* Begins to look at bytes, for ferry_unpack_bytes(), ferry_unpack_skip_string() and ferry_unpack_judge(). */
void ferry_unpack_begin_look (FerryUnpacking *self, gconstpointer data, gsize size);
/* Copies the next size bytes to bytes. Returns FALSE if fewer bytes are left. ferry_unpack_string() and
 * ferry_unpack_value() return NULL then, and also for malformed bytes. */
FERRY_FOR_SIBLINGS
gboolean ferry_unpack_bytes (FerryUnpacking *self, gpointer bytes, gsize size);
FERRY_FOR_SIBLINGS
const char *ferry_unpack_string (FerryUnpacking *self, gsize length);
/* Returns (transfer full) (nullable) the next value. */
FERRY_FOR_SIBLINGS
GVariant *ferry_unpack_value (FerryUnpacking *self, gsize type_length, gsize size);
FERRY_FOR_SIBLINGS
gboolean ferry_unpack_end (const FerryUnpacking *self);

/* Advances past a string. Returns FALSE if fewer bytes are left. */
gboolean ferry_unpack_skip_string (FerryUnpacking *self, gsize length);
/* Advances past a value, in bytes that may change meanwhile. Returns FALSE if fewer bytes are left; else sets
 * *is_checked if it looks like one of a type that ferry_layout_is_checked(). */
gboolean ferry_unpack_skip_value (FerryUnpacking *self, gsize type_length, gsize size, gboolean *is_checked);
/* Checks the next value, in bytes that do not change. Returns UNJUDGED for one that need not be checked. */
FerryValueVerdict ferry_unpack_judge (FerryUnpacking *self, gsize type_length, gsize size);

G_END_DECLS
