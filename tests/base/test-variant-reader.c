/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-variant-reader.c, base/ferry-layout.c
 *
 * What a reader reads of good bytes, and of any others. */

#include "config.h"

#include "base/variant-test.h"

#include <string.h>

#include "base/ferry-shape-private.h"

#define MAX_NODES 10000

static void
read_back (GRand *random, GVariant *value)
{
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (g_variant_get_type (value));
  FerryVariantReader reader;
  guint n_left = G_MAXUINT;
  gconstpointer data;
  gsize size;

  ferry_variant_reader_init (&reader, g_variant_get_type (value), g_variant_get_data (value),
                             g_variant_get_size (value));
  g_assert_true (variant_test_copy (&reader, writer, &n_left));
  data = ferry_variant_writer_finish (writer, &size);
  g_assert_cmpmem (data, size, g_variant_get_data (value), g_variant_get_size (value));
}

static void
test_all_of_a_value_is_read (void)
{
  variant_test_run (read_back);
}

static char *
print_value (const GVariantType *type, gconstpointer data, gsize size)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_from_data (type, data, size, FALSE, NULL, NULL));

  return g_variant_print (value, TRUE);
}

/* Variants and tuples of nothing can be normal in two ways for GLib, of which a writer knows one. So values of
 * different bytes may be equal. */
static void
assert_equal_values (const GVariantType *type, gconstpointer a, gsize a_size, gconstpointer b, gsize b_size)
{
  g_autofree char *a_text = NULL;
  g_autofree char *b_text = NULL;

  if (a_size == b_size && (a_size == 0 || memcmp (a, b, a_size) == 0))
    return;
  a_text = print_value (type, a, a_size);
  b_text = print_value (type, b, b_size);
  g_assert_cmpstr (a_text, ==, b_text);
}

/* What is read of any bytes can be written, and is then in normal form. The bytes are copied to a place of exactly
 * their size, so that AddressSanitizer sees a read behind them. */
static void
read_mutation (GRand *random, GVariant *value)
{
  const GVariantType *type = g_variant_get_type (value);
  g_autoptr (FerryShape) shape = ferry_shape_new ((const char *) type, g_variant_type_get_string_length (type));
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (type);
  guint n_left = MAX_NODES;
  gsize size;
  g_autofree guint8 *mutated = variant_test_mutate (random, value, &size);
  g_autofree guint8 *data = g_memdup2 (mutated, size);
  gboolean was_normal = ferry_shape_is_normal (shape, data, size);
  FerryVariantReader reader;
  gconstpointer written;
  gsize written_size;

  ferry_variant_reader_init (&reader, type, data, size);
  if (!variant_test_copy (&reader, writer, &n_left))
    return;
  written = ferry_variant_writer_finish (writer, &written_size);
  g_assert_true (ferry_shape_is_normal (shape, written, written_size));
  if (was_normal)
    assert_equal_values (type, written, written_size, data, size);
}

static void
test_any_bytes_read_as_some_value (void)
{
  variant_test_run (read_mutation);
}

static void
init_parsed (FerryVariantReader *reader, GVariant **value, const char *text)
{
  *value = g_variant_parse (NULL, text, NULL, NULL, NULL);
  ferry_variant_reader_init (reader, g_variant_get_type (*value), g_variant_get_data (*value),
                             g_variant_get_size (*value));
}

static void
test_keys_are_looked_up (void)
{
  g_autoptr (GVariant) value = NULL;
  FerryVariantReader reader, found;
  guint64 number;
  const char *text;

  init_parsed (&reader, &value, "{'size': <uint64 7>, 'name': <'ship'>, 'size': <'second'>}");
  g_assert_true (ferry_variant_reader_next (&reader, &found));
  g_assert_true (ferry_variant_reader_lookup (&reader, "size", G_VARIANT_TYPE_UINT64, &found));
  g_assert_true (ferry_variant_reader_get (&found, "t", &number));
  g_assert_cmpuint (number, ==, 7);
  g_assert_true (ferry_variant_reader_lookup (&reader, "name", NULL, &found));
  g_assert_true (ferry_variant_reader_get (&found, "s", &text));
  g_assert_cmpstr (text, ==, "ship");
  g_assert_false (ferry_variant_reader_lookup (&reader, "size", G_VARIANT_TYPE_STRING, &found));
  g_assert_false (ferry_variant_reader_lookup (&reader, "nothing", NULL, &found));
  g_assert_false (ferry_variant_reader_lookup (&found, "name", NULL, &reader));
}

static void
test_values_that_are_no_variants_are_looked_up (void)
{
  g_autoptr (GVariant) value = NULL;
  FerryVariantReader reader, found;
  double number;

  init_parsed (&reader, &value, "{'a': 1.5, 'b': 2.5}");
  g_assert_true (ferry_variant_reader_lookup (&reader, "b", G_VARIANT_TYPE_DOUBLE, &found));
  g_assert_true (ferry_variant_reader_get (&found, "d", &number));
  g_assert_cmpfloat (number, ==, 2.5);
}

#define assert_reads_default(reader, letter, variable, none)                                                           \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    memset (&(variable), 0xff, sizeof (variable));                                                                     \
    g_assert_false (ferry_variant_reader_get ((reader), (letter), &(variable)));                                       \
    g_assert_true ((variable) == (none));                                                                              \
  }                                                                                                                    \
  G_STMT_END

static void
test_another_type_reads_as_the_default (void)
{
  g_autoptr (GVariant) value = NULL;
  FerryVariantReader reader, child;
  gboolean boolean;
  guint32 of_32;
  guint64 of_64;
  double fraction;
  const char *text;
  gsize n = 1;

  init_parsed (&reader, &value, "uint32 5");
  g_assert_true (ferry_variant_reader_get (&reader, "u", &of_32));
  g_assert_cmpuint (of_32, ==, 5);
  assert_reads_default (&reader, "i", of_32, 0);
  assert_reads_default (&reader, "t", of_64, 0);
  assert_reads_default (&reader, "d", fraction, 0);
  assert_reads_default (&reader, "b", boolean, FALSE);
  g_assert_false (ferry_variant_reader_get (&reader, "s", &text));
  g_assert_cmpstr (text, ==, "");
  g_assert_false (ferry_variant_reader_get (&reader, "o", &text));
  g_assert_cmpstr (text, ==, "/");
  g_assert_null (ferry_variant_reader_get_fixed_array (&reader, 4, &n));
  g_assert_cmpuint (n, ==, 0);
  g_assert_false (ferry_variant_reader_next (&reader, &child));
}

static void
test_children_are_got_together (void)
{
  g_autoptr (GVariant) value = NULL;
  FerryVariantReader reader, child;
  guint32 first, second = 1;
  const char *text;
  double fraction;

  init_parsed (&reader, &value, "(uint32 5, 'word', [1.5], true, uint32 6)");
  g_assert_true (ferry_variant_reader_get (&reader, "us", &first, &text));
  g_assert_cmpuint (first, ==, 5);
  g_assert_cmpstr (text, ==, "word");
  g_assert_true (ferry_variant_reader_next (&reader, &child));
  g_assert_true (ferry_variant_reader_get (&child, "d", &fraction));
  g_assert_cmpfloat (fraction, ==, 1.5);
  g_assert_false (ferry_variant_reader_get (&child, "d", &fraction));
  g_assert_cmpfloat (fraction, ==, 0);
  /* The child of another type is passed over, and the one behind the last is not there. */
  g_assert_false (ferry_variant_reader_get (&reader, "sus", &text, &second, &text));
  g_assert_cmpstr (text, ==, "");
  g_assert_cmpuint (second, ==, 6);
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "*no basic type*");
  g_assert_false (ferry_variant_reader_get (&child, "a", &text));
  g_test_assert_expected_messages ();
}

static void
test_an_array_of_fixed_size_is_read_where_it_lies (void)
{
  g_autoptr (GVariant) value = NULL;
  FerryVariantReader reader;
  const guint32 *numbers;
  gsize n;

  init_parsed (&reader, &value, "[(uint32 1, uint32 2), (3, 4)]");
  numbers = ferry_variant_reader_get_fixed_array (&reader, 8, &n);
  g_assert_true ((gconstpointer) numbers == g_variant_get_data (value));
  g_assert_cmpuint (n, ==, 2);
  g_assert_cmpuint (numbers[3], ==, 4);
  g_assert_null (ferry_variant_reader_get_fixed_array (&reader, 4, &n));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/variant-reader/all-of-a-value-is-read", test_all_of_a_value_is_read);
  g_test_add_func ("/variant-reader/any-bytes-read-as-some-value", test_any_bytes_read_as_some_value);
  g_test_add_func ("/variant-reader/keys-are-looked-up", test_keys_are_looked_up);
  g_test_add_func ("/variant-reader/values-that-are-no-variants-are-looked-up",
                   test_values_that_are_no_variants_are_looked_up);
  g_test_add_func ("/variant-reader/another-type-reads-as-the-default", test_another_type_reads_as_the_default);
  g_test_add_func ("/variant-reader/children-are-got-together", test_children_are_got_together);
  g_test_add_func ("/variant-reader/an-array-of-fixed-size-is-read-where-it-lies",
                   test_an_array_of_fixed_size_is_read_where_it_lies);
  return g_test_run ();
}
