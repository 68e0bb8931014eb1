/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/progress-json.c
 *
 * One object of JSON, and what is none. */

#include "config.h"

#include <string.h>

#include "progress-json.h"

static void
add_value (const char *path, const char *value, gpointer data)
{
  g_assert_true (g_utf8_validate (path, -1, NULL));
  g_assert_true (g_utf8_validate (value, -1, NULL));
  g_string_append_printf (data, "%s=%s|", path, value);
}

static gboolean
read_json (const char *text, gsize length, GString *found)
{
  /* A copy of just that size, so that AddressSanitizer sees a step beyond it. */
  g_autofree char *copy = g_memdup2 (text, length);

  return progress_json_read (copy, length, add_value, found);
}

static void
assert_values (const char *text, const char *expected)
{
  g_autoptr (GString) found = g_string_new (NULL);

  g_assert_true (read_json (text, strlen (text), found));
  g_assert_cmpstr (found->str, ==, expected);
}

static void
assert_refused (const char *text)
{
  g_autoptr (GString) found = g_string_new (NULL);

  g_assert_false (read_json (text, strlen (text), found));
}

static void
test_values (void)
{
  assert_values ("{}", "");
  assert_values (" { \"a\" : 1 , \"b\" : -2.5e3, \"c\":true,\"d\":null } ", "a=1|b=-2.5e3|c=true|d=null|");
  assert_values ("{\"device_bytes\":\"184549376\"}", "device_bytes=184549376|");
}

static void
test_paths (void)
{
  assert_values ("{\"stats\":{\"bytes\":5,\"in\":{\"x\":1}},\"z\":2}", "stats.bytes=5|stats.in.x=1|z=2|");
  assert_values ("{\"files\":[\"/a\",\"/b\"],\"l\":[[1],{\"k\":2}],\"e\":[]}", "files=/a|files=/b|l=1|l.k=2|");
}

static void
test_strings (void)
{
  assert_values ("{\"a\":\"\\\"\\\\\\/\\n\\t\\u00fc\"}", "a=\"\\/\n\t\303\274|");
  assert_values ("{\"a\":\"\\ud83d\\ude00\"}", "a=\360\237\230\200|");
  /* Halves, zeros and bytes that are no characters are replaced. */
  assert_values ("{\"a\":\"\\ud83d\"}", "a=\357\277\275|");
  assert_values ("{\"a\":\"\\ud83d\\u0041\"}", "a=\357\277\275|");
  assert_values ("{\"a\":\"\\u0000\"}", "a=\357\277\275|");
  assert_values ("{\"a\":\"\377\"}", "a=\357\277\275|");
}

static void
test_what_is_none (void)
{
  static const char *const texts[] = {"",          "x",           "5",           "[1]",         "{",
                                      "{\"",       "{\"a",        "{\"a\"",      "{\"a\":",     "{\"a\":1",
                                      "{\"a\":1,", "{\"a\":1,}",  "{\"a\":\"",   "{\"a\":\"x",  "{a:1}",
                                      "{\"a\" 1}", "{\"a\":[1}",  "{\"a\":1} x", "{\"a\":\"\\", "{\"a\":\"\\x\"}",
                                      "{\"a\":}",  "{\"a\":[1,]}"};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i]);
}

/* A hundred thousand levels cost no stack. */
static void
test_depth_is_bounded (void)
{
  g_autofree char *lists = g_strnfill (100 * 1000, '[');
  g_autofree char *text = g_strconcat ("{\"a\":", lists, NULL);

  assert_refused (text);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress-json/values", test_values);
  g_test_add_func ("/progress-json/paths", test_paths);
  g_test_add_func ("/progress-json/strings", test_strings);
  g_test_add_func ("/progress-json/what-is-none", test_what_is_none);
  g_test_add_func ("/progress-json/depth-is-bounded", test_depth_is_bounded);
  return g_test_run ();
}
