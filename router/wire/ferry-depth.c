/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may be sent: the limits of depth and of types.
 *
 * Threads: any; nothing is shared. */

#include "config.h"

#include "wire/ferry-depth-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-layout-private.h"

static gboolean
set_too_deep (GError **error)
{
  return ferry_set_error (
    error, FERRY_ERROR_TOO_LARGE,
    "A value has more than %d levels of arrays, maybes, tuples, dictionary entries and variants, or a type "
    "string of more than %d bytes inside a variant; send a flatter value, or several values",
    FERRY_MAX_DEPTH, FERRY_MAX_INNER_TYPE);
}

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

/* Checks a definite type before a value of it is sent. */
static gboolean
check_type (const char *type_string, gsize length, GError **error)
{
  if (length > FERRY_MAX_INNER_TYPE)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "A value's type string has %" G_GSIZE_FORMAT
                            " bytes, and at most %d can be sent; send arrays or dictionaries",
                            length, FERRY_MAX_INNER_TYPE);
  return ferry_depth_judge_type (type_string, length) == FERRY_TYPE_GOOD || set_too_deep (error);
}

static gboolean
check_bytes (const char *type_string, gsize length, gconstpointer data, gsize size, GError **error)
{
  switch (ferry_layout_judge (type_string, length, data, size))
    {
    case FERRY_VALUE_GOOD:
      return TRUE;
    case FERRY_VALUE_TOO_DEEP:
      return set_too_deep (error);
    case FERRY_VALUE_UNJUDGED:
    case FERRY_VALUE_NOT_NORMAL:
    default:
      return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                              "A value of the type '%.*s' is not in normal form; send what g_variant_get_normal_form() "
                              "makes of it",
                              (int) MIN (length, FERRY_MAX_DEPTH), type_string);
    }
}

gboolean
ferry_depth_check (GVariant *value, GError **error)
{
  const char *type_string = g_variant_get_type_string (value);
  gsize length = strlen (type_string);

  if (G_UNLIKELY (length > FERRY_MAX_DEPTH) && !check_type (type_string, length, error))
    return FALSE;
  /* GLib knows this of most values, such as all that a program has built. */
  return G_LIKELY (!ferry_layout_is_checked (type_string, length)) ||
         (memchr (type_string, 'v', length) == NULL && g_variant_is_normal_form (value)) ||
         check_bytes (type_string, length, g_variant_get_data (value), g_variant_get_size (value), error);
}
