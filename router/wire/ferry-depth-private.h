/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The limits on a value that crosses between processes. Both ends use the functions of this file.
 *
 * Each array, maybe, tuple with members, dictionary entry and variant is one level. The levels of a type count even
 * if the value has no elements. GLib aborts when it walks a type of 128 levels, although it accepts such a type as
 * valid. ferry-normal-form.c has the check of values. */

#pragma once

#include <glib.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* The most levels of a value, with the levels inside its variants. Far below GLib's limit, so a receiver can wrap
 * the value in more levels. */
#define FERRY_MAX_DEPTH 64

/* The longest type string inside a variant, in bytes. The check allocates memory for each byte of a type string. */
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
/* Checks a value before it is sent: the levels, and, of a type that ferry_layout_is_checked(), the normal form. Fails
 * with FERRY_ERROR_TOO_LARGE and FERRY_ERROR_BAD_ARGUMENTS. */
FERRY_FOR_SIBLINGS
gboolean ferry_depth_check (GVariant *value, GError **error);

G_END_DECLS
