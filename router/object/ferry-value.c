/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Converts values of properties and signals to and from the variants that are sent to other processes.
 *
 * Trust: variants come from another process. A variant becomes a copy in a C type, or stays a variant, which the
 *        application must check as it checks arguments. */

#include "config.h"

#include "object/ferry-interface-private.h"

#include <float.h>
#include <math.h>

#include "base/ferry-base-private.h"

/* The whole numbers. For each: the GType, its name in g_value_…() and its C type; then the variant type, its name in
 * g_variant_…() and its C type. */
#define WHOLE_NUMBERS(CASE)                                                                                            \
  CASE (BOOLEAN, boolean, gboolean, BOOLEAN, boolean, gboolean)                                                        \
  CASE (CHAR, schar, gint8, BYTE, byte, guint8)                                                                        \
  CASE (UCHAR, uchar, guint8, BYTE, byte, guint8)                                                                      \
  CASE (INT, int, int, INT32, int32, gint32)                                                                           \
  CASE (UINT, uint, guint, UINT32, uint32, guint32)                                                                    \
  CASE (LONG, long, glong, INT64, int64, gint64)                                                                       \
  CASE (ULONG, ulong, gulong, UINT64, uint64, guint64)                                                                 \
  CASE (INT64, int64, gint64, INT64, int64, gint64)                                                                    \
  CASE (UINT64, uint64, guint64, UINT64, uint64, guint64)

#define CASE_TYPE(GTYPE, g_name, GCType, VTYPE, v_name, VCType)                                                        \
  case G_TYPE_##GTYPE:                                                                                                 \
    return G_VARIANT_TYPE_##VTYPE;

#define CASE_TO_VARIANT(GTYPE, g_name, GCType, VTYPE, v_name, VCType)                                                  \
  case G_TYPE_##GTYPE:                                                                                                 \
    return g_variant_new_##v_name ((VCType) g_value_get_##g_name (value));

/* Check the range: the size of a C type depends on the machine, and may be smaller than that of the sent type. */
#define CASE_FROM_VARIANT(GTYPE, g_name, GCType, VTYPE, v_name, VCType)                                                \
  case G_TYPE_##GTYPE:                                                                                                 \
    if ((VCType) (GCType) g_variant_get_##v_name (variant) != g_variant_get_##v_name (variant))                        \
      return refuse_value (error, type, variant, OUT_OF_RANGE);                                                        \
    g_value_set_##g_name (g_value_init (value, type), (GCType) g_variant_get_##v_name (variant));                      \
    return TRUE;

#define OUT_OF_RANGE "send a value in its range"

static const GVariantType *
get_basic_type (GType fundamental)
{
  switch (fundamental)
    {
      WHOLE_NUMBERS (CASE_TYPE)
    case G_TYPE_ENUM:
      return G_VARIANT_TYPE_INT32;
    case G_TYPE_FLAGS:
      return G_VARIANT_TYPE_UINT32;
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
                          "A string that is not UTF-8 cannot be sent; send it as bytes");
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
    if (!check_text (strv[i], error))
      return NULL;
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

/* Returns (transfer floating) (nullable): the value as a variant; NULL with an error. The value's type must have a
 * variant type. */
static GVariant *
make_variant (const GValue *value, GError **error)
{
  GVariant *inner;

  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
      WHOLE_NUMBERS (CASE_TO_VARIANT)
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
      inner = g_value_get_variant (value);
      return g_variant_new_variant (inner != NULL ? inner : g_variant_new ("()"));
    default:
      return boxed_to_variant (value, error);
    }
}

GVariant *
ferry_value_to_variant (const GValue *value, GError **error)
{
  GVariant *variant;

  /* Check the type first: g_value_get_boxed() must not be called for a value that holds a pointer of another kind. */
  if (ferry_value_get_variant_type (G_VALUE_TYPE (value)) == NULL)
    {
      ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                       "A value of type '%s' cannot be sent: only basic types, enumerations, flags, variants, "
                       "G_TYPE_STRV and G_TYPE_BYTES can",
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

  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "%s is not a value of '%s'; %s", text, g_type_name (type),
                          remedy);
}

static gboolean
take_enum (GValue *value, GType type, GVariant *variant, GError **error)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);
  int number = g_variant_get_int32 (variant);

  if (g_enum_get_value (klass, number) == NULL)
    return refuse_value (error, type, variant, "send a member of that enumeration");
  g_value_set_enum (g_value_init (value, type), number);
  return TRUE;
}

static gboolean
take_flags (GValue *value, GType type, GVariant *variant, GError **error)
{
  g_autoptr (GFlagsClass) klass = g_type_class_ref (type);
  guint number = g_variant_get_uint32 (variant);

  if ((number & ~klass->mask) != 0)
    return refuse_value (error, type, variant, "send flags of that type");
  g_value_set_flags (g_value_init (value, type), number);
  return TRUE;
}

static gboolean
take_float (GValue *value, GType type, GVariant *variant, GError **error)
{
  double number = g_variant_get_double (variant);

  if (isfinite (number) && fabs (number) > (double) FLT_MAX)
    return refuse_value (error, type, variant, OUT_OF_RANGE);
  g_value_set_float (g_value_init (value, type), (float) number);
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

gboolean
ferry_value_from_variant (GValue *value, GType type, GVariant *variant, GError **error)
{
  const GVariantType *wanted = ferry_value_get_variant_type (type);

  if (wanted == NULL || !g_variant_is_of_type (variant, wanted))
    {
      g_autofree char *text = wanted != NULL ? g_variant_type_dup_string (wanted) : NULL;

      return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "A value of type '%s' is not a '%s'; %s%s%s",
                              g_variant_get_type_string (variant), g_type_name (type),
                              text != NULL ? "send a value of type '" : "leave it out, as such values cannot be sent",
                              text != NULL ? text : "", text != NULL ? "'" : "");
    }
  switch (G_TYPE_FUNDAMENTAL (type))
    {
      WHOLE_NUMBERS (CASE_FROM_VARIANT)
    case G_TYPE_ENUM:
      return take_enum (value, type, variant, error);
    case G_TYPE_FLAGS:
      return take_flags (value, type, variant, error);
    case G_TYPE_FLOAT:
      return take_float (value, type, variant, error);
    case G_TYPE_DOUBLE:
      g_value_set_double (g_value_init (value, type), g_variant_get_double (variant));
      return TRUE;
    case G_TYPE_STRING:
      g_value_set_string (g_value_init (value, type), g_variant_get_string (variant, NULL));
      return TRUE;
    case G_TYPE_VARIANT:
      g_value_take_variant (g_value_init (value, type), g_variant_get_variant (variant));
      return TRUE;
    default:
      take_boxed (value, type, variant);
      return TRUE;
    }
}
