/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-property.c
 *
 * A value gets what the getter of its type returns, or what a field of its type has. A field is changed, and notified
 * of, when the value is another. */

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

/* ---- fields ---- */

#define TEST_TYPE_FIELDS (test_fields_get_type ())
G_DECLARE_FINAL_TYPE (TestFields, test_fields, TEST, FIELDS, GObject)

/* An object with a field of each type, and a property for it. */
struct _TestFields
{
  GObject parent_instance;

  gboolean truth;
  int number;
  guint count;
  gint64 time;
  guint64 size;
  GZlibCompressorFormat format;
  char *text;
  GObject *other;
  GVariant *packed;
  GApplicationFlags flags;
  char **texts;
  double share;
  GBytes *bytes;
};

G_DEFINE_FINAL_TYPE (TestFields, test_fields, G_TYPE_OBJECT)

static void
test_fields_finalize (GObject *object)
{
  TestFields *self = (TestFields *) object;

  g_free (self->text);
  g_strfreev (self->texts);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_object (&self->other);
  g_clear_pointer (&self->packed, g_variant_unref);

  G_OBJECT_CLASS (test_fields_parent_class)->finalize (object);
}

static gpointer
get_field (TestFields *self, guint id)
{
  gpointer fields[] = {NULL,         &self->truth,  &self->number, &self->count, &self->time,
                       &self->size,  &self->format, &self->text,   &self->other, &self->packed,
                       &self->flags, &self->texts,  &self->share,  &self->bytes};

  return fields[id];
}

static void
test_fields_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ferry_property_read (get_field ((TestFields *) object, id), value);
}

static void
test_fields_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ferry_property_change (object, get_field ((TestFields *) object, id), value, pspec);
}

static void
test_fields_class_init (TestFieldsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = FERRY_SETTABLE;
  GParamSpec *pspecs[] = {
    NULL,
    g_param_spec_boolean ("truth", NULL, NULL, FALSE, flags),
    g_param_spec_int ("number", NULL, NULL, G_MININT, G_MAXINT, 0, flags),
    g_param_spec_uint ("count", NULL, NULL, 0, G_MAXUINT, 0, flags),
    g_param_spec_int64 ("time", NULL, NULL, G_MININT64, G_MAXINT64, 0, flags),
    g_param_spec_uint64 ("size", NULL, NULL, 0, G_MAXUINT64, 0, flags),
    g_param_spec_enum ("format", NULL, NULL, G_TYPE_ZLIB_COMPRESSOR_FORMAT, 0, flags),
    g_param_spec_string ("text", NULL, NULL, NULL, flags),
    g_param_spec_object ("other", NULL, NULL, G_TYPE_OBJECT, flags),
    g_param_spec_variant ("packed", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, flags),
    g_param_spec_flags ("flags", NULL, NULL, G_TYPE_APPLICATION_FLAGS, 0, flags),
    g_param_spec_boxed ("texts", NULL, NULL, G_TYPE_STRV, flags),
    g_param_spec_double ("share", NULL, NULL, 0, G_MAXDOUBLE, 0, flags),
    g_param_spec_boxed ("bytes", NULL, NULL, G_TYPE_BYTES, flags),
  };

  object_class->finalize = test_fields_finalize;
  object_class->get_property = test_fields_get_property;
  object_class->set_property = test_fields_set_property;
  g_object_class_install_properties (object_class, G_N_ELEMENTS (pspecs), pspecs);
}

static void
test_fields_init (TestFields *self)
{
}

static void
count_notes (GObject *object, GParamSpec *pspec, guint *n_notes)
{
  (*n_notes)++;
}

/* Sets the property twice, and looks that it is notified of once. */
#define set_twice(object, name, value)                                                                                 \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    guint n_notes = 0;                                                                                                 \
    gulong handler = g_signal_connect ((object), "notify::" name, G_CALLBACK (count_notes), &n_notes);                 \
                                                                                                                       \
    g_object_set ((object), name, (value), NULL);                                                                      \
    g_object_set ((object), name, (value), NULL);                                                                      \
    g_assert_cmpuint (n_notes, ==, 1);                                                                                 \
    g_signal_handler_disconnect ((object), handler);                                                                   \
  }                                                                                                                    \
  G_STMT_END

/* The fields have what test_a_field_is_changed_once() has set, and the properties say so. */
static void
assert_fields (TestFields *fields, GObject *other, GVariant *value)
{
  g_autoptr (GObject) found = NULL;
  g_autoptr (GVariant) packed_found = NULL;
  g_autofree char *text = NULL;
  gboolean truth;
  int number;
  guint count;
  gint64 time;
  guint64 size;
  GZlibCompressorFormat format;

  g_object_get (fields, "truth", &truth, "number", &number, "count", &count, "time", &time, "size", &size, "format",
                &format, "text", &text, "other", &found, "packed", &packed_found, NULL);
  g_assert_true (truth && fields->truth);
  g_assert_cmpint (number, ==, G_MININT);
  g_assert_cmpint (fields->number, ==, G_MININT);
  g_assert_cmpuint (count, ==, G_MAXUINT);
  g_assert_cmpuint (fields->count, ==, G_MAXUINT);
  g_assert_cmpint (time, ==, G_MININT64);
  g_assert_cmpint (fields->time, ==, G_MININT64);
  g_assert_cmpuint (size, ==, G_MAXUINT64);
  g_assert_cmpuint (fields->size, ==, G_MAXUINT64);
  g_assert_cmpuint (format, ==, G_ZLIB_COMPRESSOR_FORMAT_RAW);
  g_assert_cmpuint (fields->format, ==, G_ZLIB_COMPRESSOR_FORMAT_RAW);
  g_assert_cmpstr (text, ==, "text");
  g_assert_cmpstr (fields->text, ==, "text");
  g_assert_true (found == other && fields->other == other);
  g_assert_true (packed_found == value && fields->packed == value);
}

static void
test_a_field_is_changed_once (void)
{
  g_autoptr (GObject) other = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_string ("text"));
  TestFields *fields = g_object_new (TEST_TYPE_FIELDS, NULL);

  set_twice (fields, "truth", TRUE);
  set_twice (fields, "number", G_MININT);
  set_twice (fields, "count", G_MAXUINT);
  set_twice (fields, "time", G_MININT64);
  set_twice (fields, "size", G_MAXUINT64);
  set_twice (fields, "format", G_ZLIB_COMPRESSOR_FORMAT_RAW);
  set_twice (fields, "text", "text");
  set_twice (fields, "other", other);
  set_twice (fields, "packed", value);
  assert_fields (fields, other, value);
  set_twice (fields, "text", NULL);
  set_twice (fields, "other", NULL);
  set_twice (fields, "packed", NULL);
  g_assert_null (fields->text);
  g_assert_null (fields->other);
  g_assert_null (fields->packed);
  g_assert_finalize_object (G_OBJECT (fields));
}

static void
test_a_double_and_bytes_are_changed_once (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new ("text", 4);
  g_autoptr (GBytes) found = NULL;
  g_autoptr (TestFields) fields = g_object_new (TEST_TYPE_FIELDS, NULL);
  double share;

  set_twice (fields, "share", 0.5);
  set_twice (fields, "bytes", bytes);
  g_object_get (fields, "share", &share, "bytes", &found, NULL);
  g_assert_cmpfloat (share, ==, 0.5);
  g_assert_cmpfloat (fields->share, ==, 0.5);
  g_assert_true (found == bytes && fields->bytes == bytes);
  set_twice (fields, "bytes", NULL);
  g_assert_null (fields->bytes);
}

static void
test_flags_and_arrays_of_strings_are_changed_once (void)
{
  const char *const texts[] = {"one", "two", NULL};
  const char *const others[] = {"one", NULL};
  g_autoptr (TestFields) fields = g_object_new (TEST_TYPE_FIELDS, NULL);
  g_auto (GStrv) found = NULL;
  GApplicationFlags flags;

  set_twice (fields, "flags", G_APPLICATION_HANDLES_OPEN | G_APPLICATION_NON_UNIQUE);
  set_twice (fields, "texts", texts);
  g_object_get (fields, "flags", &flags, "texts", &found, NULL);
  g_assert_cmpuint (flags, ==, G_APPLICATION_HANDLES_OPEN | G_APPLICATION_NON_UNIQUE);
  g_assert_cmpstrv (found, texts);
  set_twice (fields, "texts", others);
  g_assert_cmpstrv (fields->texts, others);
  set_twice (fields, "texts", NULL);
  g_assert_null (fields->texts);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/property/each-type-is-got", test_each_type_is_got);
  g_test_add_func ("/property/a-field-is-changed-once", test_a_field_is_changed_once);
  g_test_add_func ("/property/flags-and-arrays-of-strings-are-changed-once",
                   test_flags_and_arrays_of_strings_are_changed_once);
  g_test_add_func ("/property/a-double-and-bytes-are-changed-once", test_a_double_and_bytes_are_changed_once);
  return g_test_run ();
}
