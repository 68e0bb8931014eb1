/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads GObject properties by calling their public getters, so that a class has a table of getters and no switch.
 * See ferry-property-private.h. */

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
