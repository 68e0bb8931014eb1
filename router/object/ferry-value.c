/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of properties and signals, as another process gets them.
 *
 * Trust: variants come from another process. They become a copy, or a variant that the application checks as it checks
 *        arguments. */

#include "config.h"

#include "object/ferry-interface-private.h"

#include <float.h>
#include <math.h>

#include "base/ferry-base-private.h"

static const GVariantType *
get_basic_type (GType fundamental)
{
  switch (fundamental)
    {
    case G_TYPE_BOOLEAN:
      return G_VARIANT_TYPE_BOOLEAN;
    case G_TYPE_CHAR:
    case G_TYPE_UCHAR:
      return G_VARIANT_TYPE_BYTE;
    case G_TYPE_INT:
    case G_TYPE_ENUM:
      return G_VARIANT_TYPE_INT32;
    case G_TYPE_UINT:
    case G_TYPE_FLAGS:
      return G_VARIANT_TYPE_UINT32;
    case G_TYPE_LONG:
    case G_TYPE_INT64:
      return G_VARIANT_TYPE_INT64;
    case G_TYPE_ULONG:
    case G_TYPE_UINT64:
      return G_VARIANT_TYPE_UINT64;
    case G_TYPE_FLOAT:
    case G_TYPE_DOUBLE:
      return G_VARIANT_TYPE_DOUBLE;
    case G_TYPE_STRING:
      return G_VARIANT_TYPE_STRING;
    case G_TYPE_VARIANT:
      return G_VARIANT_TYPE_VARIANT;
    default:
      return NULL;
    }
}

const GVariantType *
ferry_value_get_variant_type (GType type)
{
  GType fundamental = G_TYPE_FUNDAMENTAL (type);

  if (fundamental != G_TYPE_BOXED)
    return get_basic_type (fundamental);
  if (g_type_is_a (type, G_TYPE_STRV))
    return G_VARIANT_TYPE_STRING_ARRAY;
  if (g_type_is_a (type, G_TYPE_BYTES) || g_type_is_a (type, G_TYPE_BYTE_ARRAY))
    return G_VARIANT_TYPE_BYTESTRING;
  return NULL;
}

/* ---- to another process ---- */

static gboolean
check_text (const char *text, GError **error)
{
  if (g_utf8_validate (text, -1, NULL))
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "A string that is not UTF-8 cannot be sent as one; make it bytes");
}

static GVariant *
text_to_variant (const char *text, GError **error)
{
  if (text == NULL)
    text = "";
  return check_text (text, error) ? g_variant_new_string (text) : NULL;
}

static GVariant *
strv_to_variant (const char *const *strv, GError **error)
{
  for (gsize i = 0; strv != NULL && strv[i] != NULL; i++)
    {
      if (!check_text (strv[i], error))
        return NULL;
    }
  return g_variant_new_strv (strv, strv != NULL ? -1 : 0);
}

static GVariant *
boxed_to_variant (const GValue *value, GError **error)
{
  if (G_VALUE_HOLDS (value, G_TYPE_STRV))
    return strv_to_variant (g_value_get_boxed (value), error);
  if (G_VALUE_HOLDS (value, G_TYPE_BYTES))
    {
      GBytes *bytes = g_value_get_boxed (value);
      gsize size = 0;
      gconstpointer data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;

      return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1);
    }
  const GByteArray *array = g_value_get_boxed (value);

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, array != NULL ? array->data : NULL,
                                    array != NULL ? array->len : 0, 1);
}

static GVariant *
variant_to_variant (GVariant *variant)
{
  return g_variant_new_variant (variant != NULL ? variant : g_variant_new ("()"));
}

/* Returns (transfer floating) (nullable) */
static GVariant *
make_variant (const GValue *value, GError **error)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_BOOLEAN:
      return g_variant_new_boolean (g_value_get_boolean (value));
    case G_TYPE_CHAR:
      return g_variant_new_byte ((guint8) g_value_get_schar (value));
    case G_TYPE_UCHAR:
      return g_variant_new_byte (g_value_get_uchar (value));
    case G_TYPE_INT:
      return g_variant_new_int32 (g_value_get_int (value));
    case G_TYPE_UINT:
      return g_variant_new_uint32 (g_value_get_uint (value));
    case G_TYPE_LONG:
      return g_variant_new_int64 (g_value_get_long (value));
    case G_TYPE_ULONG:
      return g_variant_new_uint64 (g_value_get_ulong (value));
    case G_TYPE_INT64:
      return g_variant_new_int64 (g_value_get_int64 (value));
    case G_TYPE_UINT64:
      return g_variant_new_uint64 (g_value_get_uint64 (value));
    case G_TYPE_FLOAT:
      return g_variant_new_double ((double) g_value_get_float (value));
    case G_TYPE_DOUBLE:
      return g_variant_new_double (g_value_get_double (value));
    case G_TYPE_ENUM:
      return g_variant_new_int32 (g_value_get_enum (value));
    case G_TYPE_FLAGS:
      return g_variant_new_uint32 (g_value_get_flags (value));
    case G_TYPE_STRING:
      return text_to_variant (g_value_get_string (value), error);
    case G_TYPE_VARIANT:
      return variant_to_variant (g_value_get_variant (value));
    default:
      return boxed_to_variant (value, error);
    }
}

GVariant *
ferry_value_to_variant (const GValue *value, GError **error)
{
  GVariant *variant;

  /* What holds a pointer of another kind must not be asked for a boxed one. */
  if (ferry_value_get_variant_type (G_VALUE_TYPE (value)) == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                       "A value of type “%s” cannot be sent: only basic types, enumerations, flags, variants, lists of "
                       "strings and bytes can",
                       G_VALUE_TYPE_NAME (value));
      return NULL;
    }
  variant = make_variant (value, error);
  return variant != NULL ? g_variant_ref_sink (variant) : NULL;
}

/* ---- from another process ---- */

static gboolean
refuse_value (GError **error, GType type, GVariant *variant, const char *remedy)
{
  g_autofree char *text = g_variant_print (variant, FALSE);

  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "%s is no value of “%s”: %s", text, g_type_name (type),
                          remedy);
}

static gboolean
take_enum (GValue *value, GType type, GVariant *variant, GError **error)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  int number = g_variant_get_int32 (variant);

  if (g_enum_get_value (klass, number) == NULL)
    return refuse_value (error, type, variant, "send a member of that enumeration");
  g_value_init (value, type);
  g_value_set_enum (value, number);
  return TRUE;
}

static gboolean
take_flags (GValue *value, GType type, GVariant *variant, GError **error)
{
  g_autoptr (GFlagsClass) klass = g_type_class_ref (type);
  guint number = g_variant_get_uint32 (variant);

  if ((number & ~klass->mask) != 0)
    return refuse_value (error, type, variant, "send flags that it has");
  g_value_init (value, type);
  g_value_set_flags (value, number);
  return TRUE;
}

/* C types whose sizes are the machine's, or smaller than the type that is sent. */
static gboolean
take_narrow (GValue *value, GType type, GVariant *variant, GError **error)
{
  GType fundamental = G_TYPE_FUNDAMENTAL (type);
  gint64 number = fundamental == G_TYPE_LONG ? g_variant_get_int64 (variant) : 0;
  guint64 count = fundamental == G_TYPE_ULONG ? g_variant_get_uint64 (variant) : 0;
  double real = fundamental == G_TYPE_FLOAT ? g_variant_get_double (variant) : 0;

  if ((gint64) (glong) number != number || (guint64) (gulong) count != count ||
      (isfinite (real) && fabs (real) > (double) FLT_MAX))
    return refuse_value (error, type, variant, "send one in its range");
  g_value_init (value, type);
  if (fundamental == G_TYPE_LONG)
    g_value_set_long (value, (glong) number);
  else if (fundamental == G_TYPE_ULONG)
    g_value_set_ulong (value, (gulong) count);
  else
    g_value_set_float (value, (float) real);
  return TRUE;
}

static void
take_boxed (GValue *value, GType type, GVariant *variant)
{
  g_value_init (value, type);
  if (g_type_is_a (type, G_TYPE_STRV))
    g_value_take_boxed (value, g_variant_dup_strv (variant, NULL));
  else
    {
      gsize size;
      gconstpointer data = g_variant_get_fixed_array (variant, &size, 1);

      if (g_type_is_a (type, G_TYPE_BYTES))
        g_value_take_boxed (value, g_bytes_new (data, size));
      else
        g_value_take_boxed (value, g_byte_array_append (g_byte_array_new (), data, (guint) size));
    }
}

/* Of the types that take every value of the variant's type. */
static void
take_whole (GValue *value, GType type, GVariant *variant)
{
  g_value_init (value, type);
  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_BOOLEAN:
      g_value_set_boolean (value, g_variant_get_boolean (variant));
      break;
    case G_TYPE_CHAR:
      g_value_set_schar (value, (gint8) g_variant_get_byte (variant));
      break;
    case G_TYPE_UCHAR:
      g_value_set_uchar (value, g_variant_get_byte (variant));
      break;
    case G_TYPE_INT:
      g_value_set_int (value, g_variant_get_int32 (variant));
      break;
    case G_TYPE_UINT:
      g_value_set_uint (value, g_variant_get_uint32 (variant));
      break;
    case G_TYPE_INT64:
      g_value_set_int64 (value, g_variant_get_int64 (variant));
      break;
    case G_TYPE_UINT64:
      g_value_set_uint64 (value, g_variant_get_uint64 (variant));
      break;
    case G_TYPE_DOUBLE:
      g_value_set_double (value, g_variant_get_double (variant));
      break;
    case G_TYPE_STRING:
      g_value_set_string (value, g_variant_get_string (variant, NULL));
      break;
    default:
      g_value_take_variant (value, g_variant_get_variant (variant));
    }
}

gboolean
ferry_value_from_variant (GValue *value, GType type, GVariant *variant, GError **error)
{
  const GVariantType *wanted = ferry_value_get_variant_type (type);

  if (wanted == NULL || !g_variant_is_of_type (variant, wanted))
    {
      g_autofree char *text = wanted != NULL ? g_variant_type_dup_string (wanted) : NULL;

      return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "A value of type “%s” is no “%s”: %s%s%s",
                              g_variant_get_type_string (variant), g_type_name (type),
                              text != NULL ? "send one of type “" : "no value of another process can be",
                              text != NULL ? text : "", text != NULL ? "”" : "");
    }
  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_ENUM:
      return take_enum (value, type, variant, error);
    case G_TYPE_FLAGS:
      return take_flags (value, type, variant, error);
    case G_TYPE_LONG:
    case G_TYPE_ULONG:
    case G_TYPE_FLOAT:
      return take_narrow (value, type, variant, error);
    case G_TYPE_BOXED:
      take_boxed (value, type, variant);
      return TRUE;
    default:
      take_whole (value, type, variant);
      return TRUE;
    }
}
