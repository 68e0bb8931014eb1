/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-property.c
 *
 * A value gets what the getter of its type returns. */

#include "config.h"

#include "ferry-test.h"

#include <gio/gio.h>

#include "base/ferry-property-private.h"

#define GETTER(type, name, returned)                                                                                   \
  static type get_##name (gpointer object)                                                                             \
  {                                                                                                                    \
    g_assert_true (object == &object_of_test);                                                                         \
    return returned;                                                                                                   \
  }

static int object_of_test;
static GObject *held;    /* (owned) */
static GVariant *packed; /* (owned) */
static GError *failure;  /* (owned) */

GETTER (gboolean, boolean, TRUE)
GETTER (int, int, G_MININT)
GETTER (guint, uint, G_MAXUINT)
GETTER (gint64, int64, G_MININT64)
GETTER (guint64, uint64, G_MAXUINT64)
GETTER (double, double, 0.1)
GETTER (GZlibCompressorFormat, enum, G_ZLIB_COMPRESSOR_FORMAT_RAW)
GETTER (GApplicationFlags, flags, G_APPLICATION_HANDLES_OPEN)
GETTER (const char *, string, "text")
GETTER (const GError *, boxed, failure)
GETTER (GObject *, object, held)
GETTER (GVariant *, variant, packed)

static const GValue *
get (GValue *value, GType type, GCallback getter)
{
  g_value_unset (value);
  g_value_init (value, type);
  ferry_property_get (&object_of_test, getter, value);
  return value;
}

static void
test_each_type_is_got (void)
{
  g_auto (GValue) v = G_VALUE_INIT;

  g_value_init (&v, G_TYPE_INT);
  held = g_object_new (G_TYPE_OBJECT, NULL);
  packed = g_variant_ref_sink (g_variant_new_string ("text"));
  failure = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, "text");
  g_assert_true (g_value_get_boolean (get (&v, G_TYPE_BOOLEAN, G_CALLBACK (get_boolean))));
  g_assert_cmpint (g_value_get_int (get (&v, G_TYPE_INT, G_CALLBACK (get_int))), ==, G_MININT);
  g_assert_cmpuint (g_value_get_uint (get (&v, G_TYPE_UINT, G_CALLBACK (get_uint))), ==, G_MAXUINT);
  g_assert_cmpint (g_value_get_int64 (get (&v, G_TYPE_INT64, G_CALLBACK (get_int64))), ==, G_MININT64);
  g_assert_cmpuint (g_value_get_uint64 (get (&v, G_TYPE_UINT64, G_CALLBACK (get_uint64))), ==, G_MAXUINT64);
  g_assert_cmpfloat (g_value_get_double (get (&v, G_TYPE_DOUBLE, G_CALLBACK (get_double))), ==, 0.1);
  g_assert_cmpint (g_value_get_enum (get (&v, G_TYPE_ZLIB_COMPRESSOR_FORMAT, G_CALLBACK (get_enum))), ==,
                   G_ZLIB_COMPRESSOR_FORMAT_RAW);
  g_assert_cmpuint (g_value_get_flags (get (&v, G_TYPE_APPLICATION_FLAGS, G_CALLBACK (get_flags))), ==,
                    G_APPLICATION_HANDLES_OPEN);
  g_assert_cmpstr (g_value_get_string (get (&v, G_TYPE_STRING, G_CALLBACK (get_string))), ==, "text");
  g_assert_true (g_value_get_variant (get (&v, G_TYPE_VARIANT, G_CALLBACK (get_variant))) == packed);
  g_assert_error ((GError *) g_value_get_boxed (get (&v, G_TYPE_ERROR, G_CALLBACK (get_boxed))), G_IO_ERROR,
                  G_IO_ERROR_FAILED);
  g_assert_true (g_value_get_object (get (&v, G_TYPE_OBJECT, G_CALLBACK (get_object))) == held);
  g_value_unset (&v);
  g_value_init (&v, G_TYPE_INT);
  g_assert_finalize_object (held);
  g_variant_unref (packed);
  g_error_free (failure);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/property/each-type-is-got", test_each_type_is_got);
  return g_test_run ();
}
