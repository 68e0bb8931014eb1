/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The limit on the depth of a value that crosses between processes. Both ends use the functions of this file.
 *
 * Each array, maybe, tuple with members, dictionary entry and variant is one level. The levels of a type count even
 * if the value has no elements. GLib aborts when it walks a type of 128 levels, although it accepts such a type as
 * valid. */

#pragma once

#include <glib.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* The most levels of a value, with the levels inside its variants. Far below GLib's limit, so a receiver can wrap
 * the value in more levels. */
#define FERRY_MAX_DEPTH 64

/* The longest type string inside a variant, in bytes. The walk allocates memory for each byte of a type string. */
#define FERRY_MAX_INNER_TYPE 65536

typedef enum
{
  FERRY_TYPE_GOOD,
  FERRY_TYPE_NOT_DEFINITE, /* not the string of one definite type */
  FERRY_TYPE_TOO_DEEP,
} FerryTypeVerdict;

/* Checks a type string of length bytes. A zero byte at the end is not needed. */
FerryTypeVerdict ferry_depth_judge_type (const char *type_string, gsize length);
/* Returns what is wrong with a type, as the end of an error message about the other end; NULL if the type is good. */
const char *ferry_type_verdict_to_fault (FerryTypeVerdict verdict);
/* Whether a serialised value has no more than FERRY_MAX_DEPTH levels. The type must be good. The time is at most
 * proportional to size, whatever the bytes are. Another process may change data meanwhile. */
gboolean ferry_depth_allows (const char *type_string, gsize length, gconstpointer data, gsize size);
/* Checks a value before it is sent. Fails with FERRY_ERROR_TOO_LARGE. */
FERRY_FOR_SIBLINGS
gboolean ferry_depth_check (GVariant *value, GError **error);
/* The same, for a value of a definite type in serialised form. */
gboolean ferry_depth_check_serialised (const char *type_string, gsize length, gconstpointer data, gsize size,
                                       GError **error);

/* Whether a value of this type may have more levels than the type: whether the type contains a variant. */
static inline gboolean
ferry_depth_varies (const char *type_string, gsize length)
{
  return memchr (type_string, 'v', length) != NULL;
}

G_END_DECLS
