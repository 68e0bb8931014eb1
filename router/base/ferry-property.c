/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads and sets GObject properties by tables of getters and setters.
 *
 * A property is read by calling its getter, so that a class has a table of getters and no switch. What is set here are
 * the fields of those properties that are no more than a field. */

#include "config.h"

#include "base/ferry-property-private.h"

#define CASE(TYPE, returned, name)                                                                                     \
  case G_TYPE_##TYPE:                                                                                                  \
    g_value_set_##name (value, ((returned (*) (gpointer)) getter) (object));                                           \
    break

void
ferry_property_get (gpointer object, GCallback getter, GValue *value)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
      CASE (BOOLEAN, gboolean, boolean);
      CASE (INT, int, int);
      CASE (UINT, guint, uint);
      CASE (INT64, gint64, int64);
      CASE (UINT64, guint64, uint64);
      CASE (DOUBLE, double, double);
      CASE (ENUM, int, enum);
      CASE (FLAGS, guint, flags);
      CASE (STRING, const char *, string);
      CASE (BOXED, gconstpointer, boxed);
      CASE (OBJECT, gpointer, object);
      CASE (INTERFACE, gpointer, object); /* an interface that objects implement */
      CASE (VARIANT, GVariant *, variant);
    default:
      g_assert_not_reached ();
    }
}

#define READ(TYPE, type, name)                                                                                         \
  case G_TYPE_##TYPE:                                                                                                  \
    g_value_set_##name (value, *(type const *) field);                                                                 \
    break

void
ferry_property_read (gconstpointer field, GValue *value)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
      READ (BOOLEAN, gboolean, boolean);
      READ (INT, int, int);
      READ (UINT, guint, uint);
      READ (INT64, gint64, int64);
      READ (UINT64, guint64, uint64);
      READ (DOUBLE, double, double);
      READ (ENUM, int, enum);
      READ (FLAGS, guint, flags);
      READ (STRING, char *, string);
      READ (BOXED, gpointer, boxed);
      READ (OBJECT, gpointer, object);
      READ (INTERFACE, gpointer, object);
      READ (VARIANT, GVariant *, variant);
    default:
      g_assert_not_reached ();
    }
}

#define NUMBER(TYPE, type, name)                                                                                       \
  case G_TYPE_##TYPE:                                                                                                  \
    if (*(type *) field == g_value_get_##name (value))                                                                 \
      return FALSE;                                                                                                    \
    *(type *) field = g_value_get_##name (value);                                                                      \
    return TRUE

static gboolean
change_string (char **field, const char *text)
{
  if (g_strcmp0 (*field, text) == 0)
    return FALSE;
  g_free (*field);
  *field = g_strdup (text);
  return TRUE;
}

static gboolean
change_strings (char ***field, char **texts)
{
  if (*field == texts ||
      (*field != NULL && texts != NULL && g_strv_equal ((const char *const *) *field, (const char *const *) texts)))
    return FALSE;
  g_strfreev (*field);
  *field = g_strdupv (texts);
  return TRUE;
}

static gboolean
change_boxed (gpointer *field, const GValue *value)
{
  if (*field == g_value_get_boxed (value))
    return FALSE;
  if (*field != NULL)
    g_boxed_free (G_VALUE_TYPE (value), *field);
  *field = g_value_dup_boxed (value);
  return TRUE;
}

static gboolean
change_variant (GVariant **field, GVariant *variant)
{
  if (*field == variant)
    return FALSE;
  g_clear_pointer (field, g_variant_unref);
  *field = variant != NULL ? g_variant_ref_sink (variant) : NULL;
  return TRUE;
}

static gboolean
change (gpointer field, const GValue *value)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
      NUMBER (BOOLEAN, gboolean, boolean);
      NUMBER (INT, int, int);
      NUMBER (UINT, guint, uint);
      NUMBER (INT64, gint64, int64);
      NUMBER (UINT64, guint64, uint64);
      NUMBER (DOUBLE, double, double);
      NUMBER (ENUM, int, enum);
      NUMBER (FLAGS, guint, flags);
    case G_TYPE_STRING:
      return change_string (field, g_value_get_string (value));
    case G_TYPE_BOXED:
      return G_VALUE_HOLDS (value, G_TYPE_STRV) ? change_strings (field, g_value_get_boxed (value))
                                                : change_boxed (field, value);
    case G_TYPE_OBJECT:
    case G_TYPE_INTERFACE:
      return g_set_object ((GObject **) field, g_value_get_object (value));
    case G_TYPE_VARIANT:
      return change_variant (field, g_value_get_variant (value));
    default:
      g_assert_not_reached ();
    }
}

gboolean
ferry_property_change (gpointer object, gpointer field, const GValue *value, GParamSpec *pspec)
{
  if (!change (field, value))
    return FALSE;
  g_object_notify_by_pspec (object, pspec);
  return TRUE;
}

gpointer
ferry_property_require (gpointer object, const GValue *value, GParamSpec *pspec)
{
  gpointer needed = g_value_dup_object (value);

  if (needed == NULL)
    g_error ("A %s cannot be made without its property '%s', a %s; set it when you make the object",
             G_OBJECT_TYPE_NAME (object), pspec->name, g_type_name (pspec->value_type));
  return needed;
}
