/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-normal-form.c, wire/ferry-layout.c
 *
 * Which bytes are a value in normal form. GLib is asked for its own verdict on the same bytes. */

#include "config.h"

#include "ferry-test.h"

#include <string.h>

#include "wire/ferry-layout-private.h"

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

/* Returns (transfer full) a copy of the value's bytes, aligned to 8, some of them changed, and others added or cut off.
 * It is a zero byte longer than size. */
static guint8 *
make_mutation (GRand *random, GVariant *value, gsize *size)
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

/* ---- the verdict ---- */

static gboolean
is_normal (const char *type, gconstpointer data, gsize size)
{
  g_autoptr (FerryLayout) layout = ferry_layout_new (type, strlen (type));
  const FerryValueVerdict verdict = ferry_layout_check (layout, data, size);

  g_assert_cmpint (ferry_layout_judge (type, strlen (type), data, size), ==, verdict);
  return verdict == FERRY_VALUE_GOOD;
}

static void
assert_verdict_of_glib (const char *type, const guint8 *data, gsize size)
{
  g_autoptr (GVariant) value =
    g_variant_ref_sink (g_variant_new_from_data (G_VARIANT_TYPE (type), data, size, FALSE, NULL, NULL));

  if (is_normal (type, data, size) == g_variant_is_normal_form (value))
    return;
  g_test_message ("type %s, %" G_GSIZE_FORMAT " bytes, normal for GLib: %d", type, size,
                  g_variant_is_normal_form (value));
  for (gsize i = 0; i < size; i++)
    g_test_message ("%02x", data[i]);
  g_test_fail ();
}

/* A copy of exactly the bytes, so that AddressSanitizer sees a read behind them. */
static void
judge_mutation (GRand *random, GVariant *value)
{
  const char *type = g_variant_get_type_string (value);
  gsize size;
  g_autofree guint8 *mutated = make_mutation (random, value, &size);
  g_autofree guint8 *data = g_memdup2 (mutated, size);

  assert_verdict_of_glib (type, data, size);
  g_assert_true (is_normal (type, g_variant_get_data (value), g_variant_get_size (value)));
}

/* 20,000 random values of random types, at night 200,000, or as many as FERRY_TEST_VALUES says. */
static void
test_the_verdict_is_that_of_glib (void)
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
      judge_mutation (random, value);
    }
}

/* All values of up to three bytes, of types that are read from there. */
static void
test_the_verdict_on_few_bytes_is_that_of_glib (void)
{
  static const char *const types[] = {"s",  "(ss)", "(sas)", "as", "aas", "a(s)", "ms", "mb", "()", "(y)", "(yq)",
                                      "ab", "v",    "av",    "mv", "mms", "(mb)", "o",  "g",  "q",  "b",   "(asas)"};
  guint8 *data = g_malloc (8);

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    for (guint32 number = 0; number < 1 << 24; number += number < 1 << 8 ? 1 : number < 1 << 16 ? 61 : 40009)
      for (gsize size = number < 1 << 8 ? 0 : number < 1 << 16 ? 2 : 3; size <= 3; size++)
        {
          memcpy (data, &(guint32){GUINT32_TO_LE (number)}, 4);
          assert_verdict_of_glib (types[i], data, size);
        }
  g_free (data);
}

static void
test_padding_and_booleans_are_looked_at (void)
{
  guint8 data[24] = {0};

  g_assert_true (is_normal ("(utd)", data, sizeof data));
  g_assert_false (is_normal ("(utd)", data, 16));
  for (guint i = 0; i < sizeof data; i++)
    {
      data[i] = 0xff;
      g_assert_cmpint (is_normal ("(utd)", data, sizeof data), ==, i < 4 || i >= 8);
      g_assert_cmpint (is_normal ("a(utd)", data, sizeof data), ==, i < 4 || i >= 8);
      data[i] = 1;
      g_assert_cmpint (is_normal ("(bytb)", data, sizeof data), ==, i < 2 || (i >= 8 && i <= 16));
      data[i] = 0;
    }
}

/* Many elements that could each lie on all bytes, and variants in one another. */
static void
test_hostile_values_take_time_in_proportion (void)
{
  const gsize size = 1 << 20;
  g_autofree guint8 *data = g_malloc (size);
  static const char *const types[] = {"a(ss)", "av", "a(ass)", "aaas", "v", "a((((((((s))))))))", "a(vv)"};
  static const guint8 fillings[] = {0, 1, 0xff, 'v', '('};

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    for (guint filling = 0; filling < G_N_ELEMENTS (fillings); filling++)
      {
        memset (data, fillings[filling], size);
        assert_verdict_of_glib (types[i], data, size);
        data[size - 1] = 0;
        assert_verdict_of_glib (types[i], data, size);
      }
}

static void
test_a_value_of_more_than_64_levels_is_not_normal (void)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_byte (1));

  for (guint levels = 1; levels <= 100; levels++)
    {
      g_autoptr (GVariant) inner = g_steal_pointer (&value);

      value = g_variant_ref_sink (g_variant_new_variant (inner));
      g_assert_cmpint (is_normal ("v", g_variant_get_data (value), g_variant_get_size (value)), ==, levels <= 64);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/normal-form/the-verdict-is-that-of-glib", test_the_verdict_is_that_of_glib);
  g_test_add_func ("/normal-form/the-verdict-on-few-bytes-is-that-of-glib",
                   test_the_verdict_on_few_bytes_is_that_of_glib);
  g_test_add_func ("/normal-form/padding-and-booleans-are-looked-at", test_padding_and_booleans_are_looked_at);
  g_test_add_func ("/normal-form/hostile-values-take-time-in-proportion", test_hostile_values_take_time_in_proportion);
  g_test_add_func ("/normal-form/a-value-of-more-than-64-levels-is-not-normal",
                   test_a_value_of_more_than_64_levels_is_not_normal);
  return g_test_run ();
}
