/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-value-text.c
 *
 * How messages show values and the arguments of calls. */

#include "config.h"

#include "base/ferry-base-private.h"

static void
assert_shown (const char *value, const char *shown)
{
  g_autoptr (GVariant) parsed = g_variant_parse (NULL, value, NULL, NULL, NULL);
  g_autofree char *text = ferry_show_value (parsed);

  g_assert_cmpstr (text, ==, shown);
}

static void
assert_call (const char *arguments, const char *shown)
{
  g_autoptr (GVariant) parsed = arguments != NULL ? g_variant_parse (NULL, arguments, NULL, NULL, NULL) : NULL;
  g_autofree char *text = ferry_show_arguments (parsed);

  g_assert_cmpstr (text, ==, shown);
}

static void
test_values (void)
{
  assert_shown ("-1", "-1");
  assert_shown ("('one', 2)", "('one', 2)");
  assert_shown ("'Überfahrt'", "'Überfahrt'");
}

static void
test_calls (void)
{
  assert_call (NULL, "()");
  assert_call ("()", "()");
  assert_call ("-1", "(-1)");
  assert_call ("(-1,)", "(-1)");
  assert_call ("'a,)'", "('a,)')");
  assert_call ("((1, 2),)", "((1, 2))");
  assert_call ("((1,),)", "((1,))");
  assert_call ("('one', 2)", "('one', 2)");
}

static void
test_environments_are_not_shown (void)
{
  assert_call ("{'argv': <['ls']>, 'environment': <['PASSWORD=secret']>, 'total': <2>}",
               "({'argv': <['ls']>, 'total': <2>})");
  assert_call ("{'default-environment': <['PASSWORD=secret']>}", "({})");
}

/* A text of n characters, of which all but the quotation marks have two bytes. */
static GVariant *
make_text (gsize n)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 2; i < n; i++)
    g_string_append (text, "ü");
  return g_variant_new_take_string (g_string_free (text, FALSE));
}

static void
test_long_values (void)
{
  g_autoptr (GVariant) fits = g_variant_ref_sink (make_text (120));
  g_autoptr (GVariant) cut = g_variant_ref_sink (make_text (121));
  g_autofree char *fits_text = ferry_show_value (fits);
  g_autofree char *cut_text = ferry_show_value (cut);

  g_assert_cmpint (g_utf8_strlen (fits_text, -1), ==, 120);
  g_assert_true (g_str_has_suffix (fits_text, "ü'"));
  g_assert_cmpint (g_utf8_strlen (cut_text, -1), ==, 120);
  g_assert_true (g_str_has_suffix (cut_text, "ü..."));
  g_assert_true (g_utf8_validate (cut_text, -1, NULL));
}

/* Of a large value its size is shown, and the path beside it. */
static void
test_large_values (void)
{
  g_autofree guint8 *bytes = g_malloc0 (1000000);
  GVariant *large = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 1000000, 1);
  g_autoptr (GVariant) pair = g_variant_ref_sink (g_variant_new ("(s@ay)", "a.png", large));
  g_autoptr (GVariant) lone = g_variant_ref_sink (g_variant_new ("(@ay)", large));
  g_autofree char *value = ferry_show_value (large);
  g_autofree char *call = ferry_show_arguments (pair);
  g_autofree char *lone_call = ferry_show_arguments (lone);

  g_assert_cmpstr (value, ==, "1000000 bytes");
  g_assert_cmpstr (call, ==, "('a.png', 1000000 bytes)");
  g_assert_cmpstr (lone_call, ==, "(1000000 bytes)");
}

/* A path is a bytestring, and a user reads it; what is no text is told by its size. */
static void
test_bytes (void)
{
  assert_shown ("b'/tmp/a.png'", "b'/tmp/a.png'");
  assert_shown ("[byte 1, 2, 0]", "b'\\001\\002'");
  assert_shown ("[byte 1, 0, 2]", "3 bytes");
  assert_shown ("@ay []", "0 bytes");
  assert_call ("('one', [byte 1, 2])", "('one', 2 bytes)");
  assert_call ("(('one', [byte 1, 2]),)", "(('one', 2 bytes))");
}

static void
test_wide_tuples (void)
{
  g_autoptr (GVariant) number = g_variant_ref_sink (g_variant_new_uint32 (7));
  g_autofree GVariant **members = g_new (GVariant *, 100000);
  g_autoptr (GVariant) tuple = NULL;
  g_autofree char *text = NULL;

  for (guint i = 0; i < 100000; i++)
    members[i] = number;
  tuple = g_variant_ref_sink (g_variant_new_tuple (members, 100000));
  text = ferry_show_value (tuple);
  g_assert_true (g_str_has_prefix (text, "(7, 7, 7"));
  g_assert_cmpint (g_utf8_strlen (text, -1), ==, 120);
}

static void
test_waits (void)
{
  const gint64 past = 253402300799;
  g_autofree char *today = ferry_describe_wait (g_get_real_time (), " to be seen");
  g_autofree char *late = ferry_describe_wait ((past - 86400 * 2) * G_USEC_PER_SEC, "");
  g_autofree char *later = ferry_describe_wait ((past + 86400 * 2) * G_USEC_PER_SEC, " to be seen");
  g_autofree char *never = ferry_describe_wait (G_MAXINT64, "");

  g_assert_true (g_pattern_match_simple ("Waits until ??:??:?? to be seen", today));
  g_assert_true (g_pattern_match_simple ("Waits until 12/2?/99 ??:??", late));
  g_assert_cmpstr (later, ==, "Waits until it is run by hand");
  g_assert_cmpstr (never, ==, "Waits until it is run by hand");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/value-text/values-as-they-are-printed", test_values);
  g_test_add_func ("/value-text/arguments-in-brackets", test_calls);
  g_test_add_func ("/value-text/environments-are-not-shown", test_environments_are_not_shown);
  g_test_add_func ("/value-text/cuts-long-values-between-characters", test_long_values);
  g_test_add_func ("/value-text/the-size-of-a-large-value", test_large_values);
  g_test_add_func ("/value-text/the-size-of-bytes-that-are-no-text", test_bytes);
  g_test_add_func ("/value-text/the-beginning-of-a-wide-tuple", test_wide_tuples);
  g_test_add_func ("/value-text/until-when-something-waits", test_waits);
  return g_test_run ();
}
