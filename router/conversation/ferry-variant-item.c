/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gets items of values that are containers: of arrays and tuples by position, of dictionaries by key.
 *
 * Positions below 0 count from the end.
 *
 * Threads: any.
 * Trust:   keys are not trusted. */

#include "config.h"

#include "conversation/ferry-variant-item-private.h"

#include "base/ferry-base-private.h"

static gboolean
read_number (GVariant *key, gboolean *is_negative, guint64 *amount)
{
  gint64 number;

  switch (g_variant_classify (key))
    {
    case G_VARIANT_CLASS_UINT16:
      *amount = g_variant_get_uint16 (key);
      return TRUE;
    case G_VARIANT_CLASS_UINT32:
      *amount = g_variant_get_uint32 (key);
      return TRUE;
    case G_VARIANT_CLASS_UINT64:
      *amount = g_variant_get_uint64 (key);
      return TRUE;
    case G_VARIANT_CLASS_INT16:
      number = g_variant_get_int16 (key);
      break;
    case G_VARIANT_CLASS_INT32:
      number = g_variant_get_int32 (key);
      break;
    case G_VARIANT_CLASS_INT64:
      number = g_variant_get_int64 (key);
      break;
    default:
      return FALSE;
    }
  *is_negative = number < 0;
  *amount = number < 0 ? -(guint64) number : (guint64) number;
  return TRUE;
}

gboolean
ferry_variant_get_position (GVariant *key, guint64 length, guint64 *position, GError **error)
{
  gboolean is_negative = FALSE;
  guint64 amount = 0;

  if (!read_number (key, &is_negative, &amount))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "A value of type '%s' is no position in a list; use a whole number",
                            g_variant_get_type_string (key));
  if (is_negative ? amount > length : amount >= length)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "The list has no position %s%" G_GUINT64_FORMAT ", as its length is %" G_GUINT64_FORMAT
                            "; ask for the length first",
                            is_negative ? "-" : "", amount, length);
  *position = is_negative ? length - amount : amount;
  return TRUE;
}

static gboolean
is_dictionary (GVariant *value)
{
  return g_variant_is_of_type (value, G_VARIANT_TYPE_DICTIONARY);
}

static gboolean
check_container (GVariant *value, GError **error)
{
  return g_variant_is_of_type (value, G_VARIANT_TYPE_ARRAY) || g_variant_is_of_type (value, G_VARIANT_TYPE_TUPLE) ||
         ferry_set_error (error, FERRY_ERROR_UNKNOWN_MEMBER,
                          "A value of type '%s' has no items; use an array, a tuple or a dictionary",
                          g_variant_get_type_string (value));
}

/* Returns (transfer full) (nullable) the value of the entry with that key. */
static GVariant *
find_entry (GVariant *dictionary, GVariant *key)
{
  GVariantIter entries;
  GVariant *entry;

  g_variant_iter_init (&entries, dictionary);
  while ((entry = g_variant_iter_next_value (&entries)) != NULL)
    {
      g_autoptr (GVariant) taken = entry;
      g_autoptr (GVariant) its_key = g_variant_get_child_value (taken, 0);

      if (g_variant_equal (its_key, key))
        return g_variant_get_child_value (taken, 1);
    }
  return NULL;
}

/* Returns (transfer full) (nullable) item, or the value inside it if it is a variant. Takes item (nullable). */
static GVariant *
unwrap (GVariant *item)
{
  GVariant *content;

  if (item == NULL || !g_variant_is_of_type (item, G_VARIANT_TYPE_VARIANT))
    return item;
  content = g_variant_get_variant (item);
  g_variant_unref (item);
  return content;
}

GVariant *
ferry_variant_get_item (GVariant *value, GVariant *key, GError **error)
{
  GVariant *item = NULL;
  guint64 position;

  if (!check_container (value, error))
    return NULL;
  if (is_dictionary (value))
    {
      item = find_entry (value, key);
      if (item == NULL)
        ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                         "The dictionary has no item with that key; check first whether it contains the key");
    }
  else if (ferry_variant_get_position (key, g_variant_n_children (value), &position, error))
    item = g_variant_get_child_value (value, (gsize) position);
  return unwrap (item);
}

gboolean
ferry_variant_contains (GVariant *value, GVariant *key, gboolean *contains, GError **error)
{
  if (!check_container (value, error))
    return FALSE;
  if (is_dictionary (value))
    {
      g_autoptr (GVariant) item = find_entry (value, key);

      *contains = item != NULL;
      return TRUE;
    }
  *contains = FALSE;
  for (gsize i = 0, n = g_variant_n_children (value); i < n && !*contains; i++)
    {
      g_autoptr (GVariant) item = unwrap (g_variant_get_child_value (value, i));

      *contains = g_variant_equal (item, key);
    }
  return TRUE;
}

gboolean
ferry_variant_get_length (GVariant *value, guint64 *length, GError **error)
{
  if (!check_container (value, error))
    return FALSE;
  *length = g_variant_n_children (value);
  return TRUE;
}
