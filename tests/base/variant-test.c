/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "base/variant-test.h"

#include <string.h>

#define VALUES_EACH_TIME 20000
#define VALUES_EACH_NIGHT 200000
#define MAX_LEVELS 6

static const char basic_letters[] = "bynqiuxthdsog";

/* ---- random types and values ---- */

static void
add_random_type (GRand *random, GString *type, guint levels)
{
  const char *letters = levels > 0 ? "bynqiuxthdsogvvvvvaaaaaaaaaa(((((((((({{{{{{mmmmmm" : basic_letters;
  char letter = letters[g_rand_int_range (random, 0, (gint) strlen (letters))];

  if (letter == '{')
    {
      g_string_append_printf (type, "a{%c", basic_letters[g_rand_int_range (random, 0, sizeof basic_letters - 1)]);
      add_random_type (random, type, levels - 1);
      g_string_append_c (type, '}');
      return;
    }
  g_string_append_c (type, letter);
  if (letter == 'a' || letter == 'm')
    add_random_type (random, type, levels - 1);
  if (letter != '(')
    return;
  for (gint n = g_rand_int_range (random, 0, 5); n > 0; n--)
    add_random_type (random, type, levels - 1);
  g_string_append_c (type, ')');
}

static char *
make_random_text (GRand *random)
{
  char *text = g_strnfill (g_rand_int_range (random, 0, g_rand_int_range (random, 0, 20) == 0 ? 400 : 12), 'a');

  for (char *letter = text; *letter != '\0'; letter++)
    *letter = (char) g_rand_int_range (random, ' ', 127);
  return text;
}

static GVariant *make_random_value (GRand *random, const GVariantType *type, guint levels);

static GVariant *
make_random_basic (GRand *random, const GVariantType *type)
{
  static const char *const paths[] = {"/", "/org/ferry", "/a/b_c/D9"};
  static const char *const signatures[] = {"", "a{sv}", "i(ss)ay"};
  g_autofree char *text = make_random_text (random);
  guint64 number = (guint64) g_rand_int (random) << 32 | g_rand_int (random);
  gpointer copy;

  switch (*(const char *) type)
    {
    case 'b':
      return g_variant_new_boolean (number & 1);
    case 's':
      return g_variant_new_string (text);
    case 'o':
      return g_variant_new_object_path (paths[number % G_N_ELEMENTS (paths)]);
    case 'g':
      return g_variant_new_signature (signatures[number % G_N_ELEMENTS (signatures)]);
    default:
      copy = g_memdup2 (&number, sizeof number);
      return g_variant_new_from_data (type, copy,
                                      strchr ("xtd", *(const char *) type) != NULL   ? 8
                                      : strchr ("iuh", *(const char *) type) != NULL ? 4
                                      : *(const char *) type == 'y'                  ? 1
                                                                                     : 2,
                                      TRUE, g_free, copy);
    }
}

static GVariant *
make_random_variant (GRand *random, guint levels)
{
  g_autoptr (GString) type = g_string_new (NULL);

  add_random_type (random, type, levels > 0 ? levels - 1 : 0);
  return g_variant_new_variant (make_random_value (random, G_VARIANT_TYPE (type->str), levels > 0 ? levels - 1 : 0));
}

static GVariant *
make_random_value (GRand *random, const GVariantType *type, guint levels)
{
  GVariantBuilder builder;

  if (g_variant_type_is_basic (type))
    return make_random_basic (random, type);
  if (g_variant_type_is_variant (type))
    return make_random_variant (random, levels);
  g_variant_builder_init (&builder, type);
  if (g_variant_type_is_array (type) || g_variant_type_is_maybe (type))
    {
      gint most = g_variant_type_is_maybe (type) ? 2 : g_rand_int_range (random, 0, 30) == 0 ? 40 : 4;

      for (gint n = g_rand_int_range (random, 0, most); n > 0; n--)
        g_variant_builder_add_value (&builder, make_random_value (random, g_variant_type_element (type), levels));
    }
  else
    for (const GVariantType *member = g_variant_type_first (type); member != NULL;
         member = g_variant_type_next (member))
      g_variant_builder_add_value (&builder, make_random_value (random, member, levels));
  return g_variant_builder_end (&builder);
}

void
variant_test_run (VariantTestFunc func)
{
  const char *wanted = g_getenv ("FERRY_TEST_VALUES");
  guint64 n =
    wanted != NULL ? g_ascii_strtoull (wanted, NULL, 10) : ferry_test_times (VALUES_EACH_TIME, VALUES_EACH_NIGHT);
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());

  for (; n > 0; n--)
    {
      g_autoptr (GString) type = g_string_new (NULL);
      g_autoptr (GVariant) value = NULL;

      add_random_type (random, type, (guint) g_rand_int_range (random, 1, MAX_LEVELS));
      value = g_variant_ref_sink (make_random_value (random, G_VARIANT_TYPE (type->str), 3));
      func (random, value);
    }
}

guint8 *
variant_test_mutate (GRand *random, GVariant *value, gsize *size)
{
  gsize whole = g_variant_get_size (value);
  guint8 *data;

  *size = whole;
  if (g_rand_int_range (random, 0, 4) == 0)
    *size = (gsize) g_rand_int_range (random, 0, (gint) whole + 9);
  data = g_malloc0 (MAX (whole, *size) + 1);
  g_variant_store (value, data);
  data[*size] = '\0';
  for (gint n = g_rand_int_range (random, 0, 4); n > 0 && *size > 0; n--)
    {
      guint8 *byte = data + g_rand_int_range (random, 0, (gint) *size);
      guint8 choices[] = {0, 1, (guint8) (*byte + 1), (guint8) (*byte - 1), (guint8) g_rand_int (random), 'v', 's'};

      *byte = choices[g_rand_int_range (random, 0, G_N_ELEMENTS (choices))];
    }
  return data;
}

/* ---- writing and reading ---- */

static void
write_children (FerryVariantWriter *writer, GVariant *value)
{
  for (gsize i = 0; i < g_variant_n_children (value); i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (value, i);

      variant_test_write (writer, child);
    }
  ferry_variant_writer_close (writer);
}

static void
write_container (FerryVariantWriter *writer, GVariant *value)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE ("ad")) && g_variant_get_size (value) % 16 == 0)
    {
      gsize n;
      const double *numbers = g_variant_get_fixed_array (value, &n, sizeof (double));

      ferry_variant_writer_add_array (writer, numbers, n, sizeof (double));
      return;
    }
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARIANT))
    {
      g_autoptr (GVariant) inside = g_variant_get_variant (value);

      ferry_variant_writer_open (writer, g_variant_get_type (inside));
      write_children (writer, value);
      return;
    }
  ferry_variant_writer_open (writer, NULL);
  write_children (writer, value);
}

void
variant_test_write (FerryVariantWriter *writer, GVariant *value)
{
  const char *letter = g_variant_get_type_string (value);

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      ferry_variant_writer_add (writer, letter, g_variant_get_boolean (value));
      break;
    case G_VARIANT_CLASS_BYTE:
      ferry_variant_writer_add (writer, letter, g_variant_get_byte (value));
      break;
    case G_VARIANT_CLASS_INT16:
      ferry_variant_writer_add (writer, letter, g_variant_get_int16 (value));
      break;
    case G_VARIANT_CLASS_UINT16:
      ferry_variant_writer_add (writer, letter, g_variant_get_uint16 (value));
      break;
    case G_VARIANT_CLASS_INT32:
      ferry_variant_writer_add (writer, letter, g_variant_get_int32 (value));
      break;
    case G_VARIANT_CLASS_HANDLE:
      ferry_variant_writer_add (writer, letter, g_variant_get_handle (value));
      break;
    case G_VARIANT_CLASS_UINT32:
      ferry_variant_writer_add (writer, letter, g_variant_get_uint32 (value));
      break;
    case G_VARIANT_CLASS_INT64:
      ferry_variant_writer_add (writer, letter, g_variant_get_int64 (value));
      break;
    case G_VARIANT_CLASS_UINT64:
      ferry_variant_writer_add (writer, letter, g_variant_get_uint64 (value));
      break;
    case G_VARIANT_CLASS_DOUBLE:
      ferry_variant_writer_add (writer, letter, g_variant_get_double (value));
      break;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      ferry_variant_writer_add (writer, letter, g_variant_get_string (value, NULL));
      break;
    default:
      write_container (writer, value);
    }
}

static gboolean
copy_container (FerryVariantReader *reader, FerryVariantWriter *writer, guint *n_left)
{
  FerryVariantReader child;

  if (*(const char *) ferry_variant_reader_get_type (reader) == 'v')
    {
      g_assert_true (ferry_variant_reader_next (reader, &child));
      ferry_variant_writer_open (writer, ferry_variant_reader_get_type (&child));
      if (!variant_test_copy (&child, writer, n_left))
        return FALSE;
    }
  else
    ferry_variant_writer_open (writer, NULL);
  while (ferry_variant_reader_next (reader, &child))
    if (!variant_test_copy (&child, writer, n_left))
      return FALSE;
  ferry_variant_writer_close (writer);
  return TRUE;
}

static void
copy_basic (FerryVariantReader *reader, FerryVariantWriter *writer)
{
  const char letter[] = {*(const char *) ferry_variant_reader_get_type (reader), '\0'};
  union
  {
    gboolean boolean;
    guint8 byte;
    gint16 int16;
    guint16 uint16;
    guint32 of_32;
    guint64 of_64;
    double fraction;
    const char *text;
  } value;

  g_assert_true (ferry_variant_reader_get (reader, letter, &value));
  if (*letter == 'b')
    ferry_variant_writer_add (writer, letter, value.boolean);
  else if (*letter == 'y')
    ferry_variant_writer_add (writer, letter, value.byte);
  else if (*letter == 'n')
    ferry_variant_writer_add (writer, letter, value.int16);
  else if (*letter == 'q')
    ferry_variant_writer_add (writer, letter, value.uint16);
  else if (strchr ("iuh", *letter) != NULL)
    ferry_variant_writer_add (writer, letter, value.of_32);
  else if (strchr ("xt", *letter) != NULL)
    ferry_variant_writer_add (writer, letter, value.of_64);
  else if (*letter == 'd')
    ferry_variant_writer_add (writer, letter, value.fraction);
  else
    ferry_variant_writer_add (writer, letter, value.text);
}

gboolean
variant_test_copy (FerryVariantReader *reader, FerryVariantWriter *writer, guint *n_left)
{
  if (*n_left == 0)
    return FALSE;
  --*n_left;
  if (!g_variant_type_is_basic (ferry_variant_reader_get_type (reader)))
    return copy_container (reader, writer, n_left);
  copy_basic (reader, writer);
  return TRUE;
}
