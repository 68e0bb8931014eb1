/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-variant-writer.c, base/ferry-layout.c
 *
 * What a writer writes is what GLib's own serialiser writes, and nothing in the wrong place. */

#include "config.h"

#include "base/variant-test.h"

#include <string.h>

static void
assert_same_bytes (FerryVariantWriter *writer, GVariant *value)
{
  gsize size;
  gconstpointer data = ferry_variant_writer_finish (writer, &size);

  g_assert_nonnull (data);
  g_assert_cmpmem (data, size, g_variant_get_data (value), g_variant_get_size (value));
}

/* Twice: the second value is written into memory that is not zero any more. */
static void
write_as_glib (GRand *random, GVariant *value)
{
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (g_variant_get_type (value));

  for (guint i = 0; i < 2; i++)
    {
      variant_test_write (writer, value);
      assert_same_bytes (writer, value);
    }
}

static void
test_the_bytes_are_those_of_glib (void)
{
  variant_test_run (write_as_glib);
}

/* The offsets of a container have 1, 2 or 4 bytes by the size of the container with them. */
static void
test_offsets_grow_with_the_container (void)
{
  static const gsize lengths[] = {0,     250,   251,   252,   253,   254,   255,  256,
                                  65520, 65528, 65529, 65530, 65531, 65532, 65533};

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autofree char *text = g_strnfill (lengths[i], 'x');
      g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (G_VARIANT_TYPE ("(sas)"));
      g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_parsed ("(%s, [%s, 'end'])", text, text));

      variant_test_write (writer, value);
      assert_same_bytes (writer, value);
    }
}

static void
expect (const char *pattern)
{
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, pattern);
}

static void
test_a_value_in_the_wrong_place_is_a_mistake (void)
{
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (G_VARIANT_TYPE ("(sab)"));
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_parsed ("('a', [true])"));

  expect ("*no place here*");
  ferry_variant_writer_add (writer, "u", 1);
  expect ("*no container is open*");
  ferry_variant_writer_close (writer);
  ferry_variant_writer_open (writer, NULL);
  expect ("*lacks children*");
  ferry_variant_writer_close (writer);
  expect ("*not UTF-8*");
  ferry_variant_writer_add (writer, "s", "\xff");
  ferry_variant_writer_add (writer, "s", "a");
  expect ("*no place here*");
  ferry_variant_writer_add_array (writer, "", 1, 1);
  expect ("*no place here*");
  ferry_variant_writer_add (writer, "i", 1);
  expect ("*no place here*");
  ferry_variant_writer_add (writer, "m", NULL);
  expect ("*no place here*");
  ferry_variant_writer_open (writer, G_VARIANT_TYPE_STRING);
  ferry_variant_writer_open (writer, NULL);
  ferry_variant_writer_add (writer, "b", 2);
  ferry_variant_writer_close (writer);
  expect ("*no place here*");
  ferry_variant_writer_open (writer, NULL);
  ferry_variant_writer_close (writer);
  expect ("*no place here*");
  ferry_variant_writer_add (writer, "s", "b");
  g_test_assert_expected_messages ();
  assert_same_bytes (writer, value);
}

static void
test_several_values_are_added_up_to_the_first_mistake (void)
{
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (G_VARIANT_TYPE ("(utsd)"));
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new ("(utsd)", 1, (guint64) 2, "three", 4.5));

  ferry_variant_writer_open (writer, NULL);
  expect ("*no place here*");
  ferry_variant_writer_add (writer, "utd", 1, (guint64) 2, 3.5);
  expect ("*a text is NULL*");
  ferry_variant_writer_add (writer, "sd", NULL, 4.5);
  g_test_assert_expected_messages ();
  ferry_variant_writer_add (writer, "sd", "three", 4.5);
  ferry_variant_writer_close (writer);
  assert_same_bytes (writer, value);
}

static void
test_a_maybe_has_one_child_or_none (void)
{
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (G_VARIANT_TYPE ("(mimsms)"));
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new ("(mimsms)", FALSE, 0, "text", NULL));

  ferry_variant_writer_open (writer, NULL);
  ferry_variant_writer_open (writer, NULL);
  ferry_variant_writer_close (writer);
  ferry_variant_writer_open (writer, NULL);
  ferry_variant_writer_add (writer, "s", "text");
  expect ("*no place here*");
  ferry_variant_writer_add (writer, "s", "another");
  g_test_assert_expected_messages ();
  ferry_variant_writer_close (writer);
  ferry_variant_writer_open (writer, NULL);
  ferry_variant_writer_close (writer);
  ferry_variant_writer_close (writer);
  assert_same_bytes (writer, value);
}

static void
test_an_unfinished_value_is_a_mistake_and_forgotten (void)
{
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (G_VARIANT_TYPE ("as"));
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_parsed ("['b']"));
  gsize size = 1;

  ferry_variant_writer_open (writer, NULL);
  ferry_variant_writer_add (writer, "s", "a");
  expect ("*lacks parts*");
  g_assert_null (ferry_variant_writer_finish (writer, &size));
  g_assert_cmpuint (size, ==, 0);
  expect ("*lacks parts*");
  g_assert_null (ferry_variant_writer_finish (writer, &size));
  g_test_assert_expected_messages ();
  variant_test_write (writer, value);
  assert_same_bytes (writer, value);
}

static void
test_numbers_of_another_size_are_a_mistake (void)
{
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (G_VARIANT_TYPE ("au"));
  static const guint32 numbers[] = {1, 2, 3};
  gsize size;

  expect ("*does not have 8 bytes*");
  ferry_variant_writer_add_array (writer, numbers, 1, 8);
  g_test_assert_expected_messages ();
  ferry_variant_writer_add_array (writer, numbers, 3, 4);
  g_assert_cmpmem (numbers, sizeof numbers, ferry_variant_writer_finish (writer, &size), size);
}

static void
test_no_more_than_64_levels_are_opened (void)
{
  g_autoptr (FerryVariantWriter) writer = ferry_variant_writer_new (G_VARIANT_TYPE_VARIANT);
  g_autofree char *deep = g_strnfill (65, 'a');
  g_autofree char *too_deep = g_strconcat (deep, "y", NULL);
  gsize size;

  for (guint levels = 0; levels < 64; levels++)
    ferry_variant_writer_open (writer, G_VARIANT_TYPE_VARIANT);
  expect ("*no place here*");
  ferry_variant_writer_open (writer, G_VARIANT_TYPE_VARIANT);
  expect ("*lacks parts*");
  g_assert_null (ferry_variant_writer_finish (writer, &size));
  expect ("*at most 64 levels*");
  g_assert_null (ferry_variant_writer_new (G_VARIANT_TYPE (too_deep)));
  g_test_assert_expected_messages ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/variant-writer/the-bytes-are-those-of-glib", test_the_bytes_are_those_of_glib);
  g_test_add_func ("/variant-writer/offsets-grow-with-the-container", test_offsets_grow_with_the_container);
  g_test_add_func ("/variant-writer/a-value-in-the-wrong-place-is-a-mistake",
                   test_a_value_in_the_wrong_place_is_a_mistake);
  g_test_add_func ("/variant-writer/several-values-are-added-up-to-the-first-mistake",
                   test_several_values_are_added_up_to_the_first_mistake);
  g_test_add_func ("/variant-writer/a-maybe-has-one-child-or-none", test_a_maybe_has_one_child_or_none);
  g_test_add_func ("/variant-writer/an-unfinished-value-is-a-mistake-and-forgotten",
                   test_an_unfinished_value_is_a_mistake_and_forgotten);
  g_test_add_func ("/variant-writer/numbers-of-another-size-are-a-mistake", test_numbers_of_another_size_are_a_mistake);
  g_test_add_func ("/variant-writer/no-more-than-64-levels-are-opened", test_no_more_than_64_levels_are_opened);
  return g_test_run ();
}
