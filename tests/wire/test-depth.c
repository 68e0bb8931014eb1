/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-depth.c
 *
 * How deep types and values are, and which are too deep. */

#include "config.h"

#include "ferry-test.h"

#include <string.h>

#include "wire/ferry-depth-private.h"
#include "wire/ferry-layout-private.h"

/* ---- types ---- */

/* Returns (transfer full): depth letters around a byte, and what closes them. */
static char *
make_type (char letter, guint depth)
{
  g_autofree char *open = g_strnfill (depth, letter);
  g_autofree char *close = g_strnfill (letter == '(' ? depth : 0, ')');

  return g_strconcat (open, "y", close, NULL);
}

static FerryTypeVerdict
judge (const char *type)
{
  return ferry_depth_judge_type (type, strlen (type));
}

static void
test_types_have_64_levels_at_most (void)
{
  for (const char *letter = "(am"; *letter != '\0'; letter++)
    {
      g_autofree char *deepest = make_type (*letter, 64);
      g_autofree char *deeper = make_type (*letter, 65);
      g_autofree char *with_variant = make_type (*letter, 64);

      g_assert_cmpint (judge (deepest), ==, FERRY_TYPE_GOOD);
      g_assert_cmpint (judge (deeper), ==, FERRY_TYPE_TOO_DEEP);
      /* A variant is a level itself. */
      *strchr (with_variant, 'y') = 'v';
      g_assert_cmpint (judge (with_variant), ==, FERRY_TYPE_TOO_DEEP);
    }
}

/* GLib 2.74 takes it as valid, and aborts where it walks a value of it. */
static void
test_the_type_that_glib_aborts_at_is_refused (void)
{
  g_autofree char *type = make_type ('(', 128);

  g_assert_cmpint (judge (type), !=, FERRY_TYPE_GOOD);
}

static void
test_wide_types_are_good (void)
{
  g_autofree char *members = g_strnfill (1000, 'v');
  g_autofree char *tuple = g_strdup_printf ("(%s)", members);

  g_assert_cmpint (judge (tuple), ==, FERRY_TYPE_GOOD);
}

static void
test_what_is_no_definite_type_is_refused (void)
{
  static const char *const types[] = {"", "(", "ii", "a", "*", "a?", "(ir)", "{vs}", "a{s}", "i\n", "()("};

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    g_assert_cmpint (judge (types[i]), ==, FERRY_TYPE_NOT_DEFINITE);
  g_assert_cmpint (ferry_depth_judge_type ("i\0", 2), ==, FERRY_TYPE_NOT_DEFINITE);
}

static void
test_no_zero_is_wanted_behind_a_type (void)
{
  g_assert_cmpint (ferry_depth_judge_type ("a{sv}junk", 5), ==, FERRY_TYPE_GOOD);
  g_assert_cmpint (ferry_depth_judge_type ("a{sv}junk", 4), ==, FERRY_TYPE_NOT_DEFINITE);
}

/* ---- values ---- */

static gboolean
allows (GVariant *value)
{
  g_autoptr (GVariant) taken = g_variant_ref_sink (value);
  const char *type = g_variant_get_type_string (taken);
  g_autoptr (GError) error = NULL;
  FerryValueVerdict verdict =
    ferry_layout_judge (type, strlen (type), g_variant_get_data (taken), g_variant_get_size (taken));
  gboolean allowed = verdict == FERRY_VALUE_GOOD;

  /* Both ends agree. */
  g_assert_cmpint (ferry_depth_check (taken, &error), ==, allowed);
  if (!allowed)
    {
      g_assert_cmpint (verdict, ==, FERRY_VALUE_TOO_DEEP);
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
      g_assert_nonnull (strstr (error->message, "64 levels"));
    }
  return allowed;
}

/* Returns a floating reference: so many variants around a value. */
static GVariant *
put_into_variants (GVariant *value, guint n)
{
  for (; n > 0; n--)
    value = g_variant_new_variant (value);
  return value;
}

static void
test_variants_in_variants_are_levels (void)
{
  for (guint n = 1; n <= 64; n++)
    g_assert_true (allows (put_into_variants (g_variant_new_int32 (1), n)));
  for (guint n = 65; n < 130; n++)
    g_assert_false (allows (put_into_variants (g_variant_new_int32 (1), n)));
}

/* Value: what stands around a variant, and how many levels that is with the variant. */
static const struct
{
  const char *format;
  guint levels;
} surroundings[] = {
  {"(v)", 2},       {"((v))", 3},       {"(vs)", 2},          {"(sv)", 2},        {"(sivyx)", 2},
  {"(yvyvs)", 2},   {"(s(iqv)ay)", 3},  {"(a(yi)(ts)vb)", 2}, {"mv", 2},          {"(mvmvs)", 3},
  {"av", 2},        {"a(sv)", 3},       {"aav", 3},           {"a{sv}", 3},       {"a{ya{sv}}", 5},
  {"(da{ii}v)", 2}, {"((sy)(yt)v)", 2}, {"(()v)", 2},         {"am(ns(yb)v)", 4}, {"a{i(sav)}", 5},
};

/* Fills a type with values, and each of its variants with one. Returns a floating reference. */
static GVariant *
fill (const GVariantType *type, GVariant *inside)
{
  GVariantBuilder builder;

  if (g_variant_type_equal (type, G_VARIANT_TYPE_VARIANT))
    return g_variant_new_variant (inside);
  if (g_variant_type_equal (type, G_VARIANT_TYPE_STRING))
    return g_variant_new_string ("text of some length");
  if (g_variant_type_is_basic (type))
    {
      static const gint64 number = 1;

      return g_variant_new_from_data (type, &number, sizeof number, FALSE, NULL, NULL);
    }
  if (g_variant_type_is_maybe (type))
    return g_variant_new_maybe (NULL, fill (g_variant_type_element (type), inside));
  g_variant_builder_init (&builder, type);
  if (g_variant_type_is_array (type))
    for (guint i = 0; i < 3; i++)
      g_variant_builder_add_value (&builder, fill (g_variant_type_element (type), inside));
  else if (g_variant_type_is_dict_entry (type))
    {
      g_variant_builder_add_value (&builder, fill (g_variant_type_key (type), inside));
      g_variant_builder_add_value (&builder, fill (g_variant_type_value (type), inside));
    }
  else
    for (type = g_variant_type_first (type); type != NULL; type = g_variant_type_next (type))
      g_variant_builder_add_value (&builder, fill (type, inside));
  return g_variant_builder_end (&builder);
}

static void
test_levels_count_wherever_a_variant_stands (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (surroundings); i++)
    for (guint more = 0; more < 2; more++)
      {
        const guint inside = 64 - surroundings[i].levels + more;
        g_autoptr (GVariant) chain = g_variant_ref_sink (put_into_variants (g_variant_new_int32 (1), inside));
        g_autoptr (GVariant) value = g_variant_ref_sink (fill (G_VARIANT_TYPE (surroundings[i].format), chain));

        g_test_message ("%s with %u variants", surroundings[i].format, inside);
        g_assert_cmpint (allows (value), ==, more == 0);
      }
}

static void
test_types_inside_variants_count (void)
{
  g_autofree char *deepest = make_type ('(', 63);
  g_autofree char *deeper = make_type ('(', 64);

  g_assert_true (allows (g_variant_new_variant (fill (G_VARIANT_TYPE (deepest), NULL))));
  g_assert_false (allows (g_variant_new_variant (fill (G_VARIANT_TYPE (deeper), NULL))));
}

static void
test_variants_beside_each_other_do_not_add_up (void)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < 10000; i++)
    g_variant_builder_add (&builder, "v", put_into_variants (g_variant_new_int32 (1), 62));
  g_assert_true (allows (g_variant_builder_end (&builder)));
}

/* The last of many, where offsets take two and four bytes. */
static void
test_the_deepest_of_many_counts (void)
{
  for (gsize n = 10; n <= 10000; n *= 10)
    {
      GVariantBuilder builder;

      g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sv)"));
      for (gsize i = 0; i < n; i++)
        g_variant_builder_add (&builder, "(sv)", "a name", g_variant_new_int32 (1));
      g_variant_builder_add (&builder, "(sv)", "a name", put_into_variants (g_variant_new_int32 (1), 62));
      g_assert_false (allows (g_variant_builder_end (&builder)));
    }
}

static void
test_an_empty_tuple_is_no_level (void)
{
  g_assert_true (allows (put_into_variants (g_variant_new_tuple (NULL, 0), 64)));
  g_assert_false (allows (put_into_variants (g_variant_new_tuple (NULL, 0), 65)));
}

static void
test_a_type_string_in_a_variant_is_bounded (void)
{
  g_autofree char *members = g_strnfill (FERRY_MAX_INNER_TYPE - 2, 'y');
  g_autofree char *more = g_strconcat (members, "y", NULL);
  g_autofree char *longest = g_strdup_printf ("(%s)", members);
  g_autofree char *longer = g_strdup_printf ("(%s)", more);

  g_assert_true (
    allows (g_variant_new_variant (g_variant_new_from_data (G_VARIANT_TYPE (longest), NULL, 0, FALSE, NULL, NULL))));
  g_assert_false (
    allows (g_variant_new_variant (g_variant_new_from_data (G_VARIANT_TYPE (longer), NULL, 0, FALSE, NULL, NULL))));
}

/* As the other end would see it: each is refused before it is sent. */
static void
test_what_is_not_in_normal_form_is_not_sent (void)
{
  static const struct
  {
    const char *type;
    const char *data;
    gsize size;
  } values[] = {
    {"v", "", 0},           {"v", "no zero", 7},   {"v", "\0", 1},          {"v", "\0(", 2},
    {"av", "\xff", 1},      {"av", "\0v\0v\5", 5}, {"(vvv)", "\xff", 1},    {"(vv)", "\0v\7", 3},
    {"a{sv}", "\0\1\2", 3}, {"mv", "\0", 1},       {"as", "a\0b\0\4\2", 6}, {"a(si)", "\0\1\2", 3},
    {"aas", "a\1\1", 3},    {"amb", "\2\1", 2},    {"ao", "a\0\2", 3},      {"v", "\2\0b", 3},
  };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      gpointer copy = g_memdup2 (values[i].data, values[i].size);
      g_autoptr (GVariant) value = g_variant_ref_sink (
        g_variant_new_from_data (G_VARIANT_TYPE (values[i].type), copy, values[i].size, FALSE, g_free, copy));
      g_autoptr (GVariant) normal = g_variant_get_normal_form (value);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s: %u", values[i].type, i);
      g_assert_false (ferry_depth_check (value, &error));
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
      g_assert_nonnull (strstr (error->message, "g_variant_get_normal_form()"));
      g_assert_true (allows (normal));
    }
}

/* GLib reads such values as quickly without a check. */
static void
test_only_values_with_elements_of_many_sizes_are_checked (void)
{
  static const char *const checked[] = {"v",      "as",       "av",     "a{sv}",  "aay",      "amu",       "a(ss)",
                                        "a(si)",  "(uas)",    "mas",    "a{yv}",  "(iiv)",    "ao",        "ag",
                                        "aa(ii)", "a((ii)s)", "a(uau)", "(auas)", "a{i(ss)}", "(a(uu)av)", "mv"};
  static const char *const others[] = {"s",  "u",      "ay",       "a(uu)",     "(sss)", "a{ub}",
                                       "ms", "(suay)", "(a(ii)s)", "a()",       "mau",   "(a{tt}a{tt}s)",
                                       "o",  "()",     "(aysau)",  "a((ii)(y))"};

  for (guint i = 0; i < G_N_ELEMENTS (checked); i++)
    g_assert_true (ferry_layout_is_checked (checked[i], strlen (checked[i])));
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_false (ferry_layout_is_checked (others[i], strlen (others[i])));
  g_assert_false (ferry_layout_is_checked ("aysv", 2));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/depth/types-have-64-levels-at-most", test_types_have_64_levels_at_most);
  g_test_add_func ("/depth/the-type-that-glib-aborts-at-is-refused", test_the_type_that_glib_aborts_at_is_refused);
  g_test_add_func ("/depth/wide-types-are-good", test_wide_types_are_good);
  g_test_add_func ("/depth/what-is-no-definite-type-is-refused", test_what_is_no_definite_type_is_refused);
  g_test_add_func ("/depth/no-zero-is-wanted-behind-a-type", test_no_zero_is_wanted_behind_a_type);
  g_test_add_func ("/depth/variants-in-variants-are-levels", test_variants_in_variants_are_levels);
  g_test_add_func ("/depth/levels-count-wherever-a-variant-stands", test_levels_count_wherever_a_variant_stands);
  g_test_add_func ("/depth/types-inside-variants-count", test_types_inside_variants_count);
  g_test_add_func ("/depth/variants-beside-each-other-do-not-add-up", test_variants_beside_each_other_do_not_add_up);
  g_test_add_func ("/depth/the-deepest-of-many-counts", test_the_deepest_of_many_counts);
  g_test_add_func ("/depth/an-empty-tuple-is-no-level", test_an_empty_tuple_is_no_level);
  g_test_add_func ("/depth/a-type-string-in-a-variant-is-bounded", test_a_type_string_in_a_variant_is_bounded);
  g_test_add_func ("/depth/what-is-not-in-normal-form-is-not-sent", test_what_is_not_in_normal_form_is_not_sent);
  g_test_add_func ("/depth/only-values-with-elements-of-many-sizes-are-checked",
                   test_only_values_with_elements_of_many_sizes_are_checked);
  return g_test_run ();
}
