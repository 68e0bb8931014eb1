/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How deep a value may be that crosses between processes. This one place decides, for both ends.
 *
 * Each array, maybe, tuple with members, dictionary entry and variant is a level. The levels of a type count also where
 * the value has no elements. GLib aborts where it walks a type of 128 levels, which it takes as a valid one. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Most levels of a value, those inside its variants counted. Far below what GLib walks, so that there is room for what
 * a receiver puts around the value. */
#define FERRY_MAX_DEPTH 64

/* Longest type string inside a variant. What is known of a type takes memory for each of its letters. */
#define FERRY_MAX_INNER_TYPE 65536

typedef enum
{
  FERRY_TYPE_GOOD,
  FERRY_TYPE_NOT_DEFINITE, /* not the string of one definite type */
  FERRY_TYPE_TOO_DEEP,
} FerryTypeVerdict;

/* Judges length bytes, with or without a zero behind them. */
FerryTypeVerdict ferry_depth_judge_type (const char *type_string, gsize length);
/* What is wrong with a type, for a message about the other end; NULL where it is good. */
const char *ferry_type_verdict_to_fault (FerryTypeVerdict verdict);
/* Whether a serialised value of a good type is no deeper than it may be. Takes a time that grows with the size, and no
 * more than that, whatever the bytes are; data may change meanwhile. */
gboolean ferry_depth_allows (const char *type_string, gsize length, gconstpointer data, gsize size);
/* For the sending end. Fails with FERRY_ERROR_TOO_LARGE. */
gboolean ferry_depth_check (GVariant *value, GError **error);

/* Whether a value of this type may be deeper than the type is. */
static inline gboolean
ferry_depth_varies (const char *type_string, gsize length)
{
  return memchr (type_string, 'v', length) != NULL;
}

G_END_DECLS
