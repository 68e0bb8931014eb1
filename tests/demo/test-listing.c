/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/tasks/ferry-demo-listing.c
 *
 * Lines as sha256sum prints them. */

#include "config.h"

#include "demo-app/tasks/ferry-demo-listing.h"

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
test_digest (void)
{
  g_assert_true (ferry_demo_is_sha256 (DIGEST));
  g_assert_false (ferry_demo_is_sha256 (""));
  g_assert_false (ferry_demo_is_sha256 (DIGEST "0"));
  g_assert_false (ferry_demo_is_sha256 (&DIGEST[1]));
  g_assert_false (ferry_demo_is_sha256 ("E3B0C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  g_assert_false (ferry_demo_is_sha256 ("g3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
  g_assert_false (ferry_demo_is_sha256 (" 3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85\n"));
}

static void
test_lines (void)
{
  static const struct
  {
    const char *path, *line;
  } facts[] = {
    {"a", DIGEST "  a\n"},
    {" a b ", DIGEST "   a b \n"},
    {"/usr/ä", DIGEST "  /usr/ä\n"},
    {"\xff\xfe", DIGEST "  \xff\xfe\n"},
    {"*", DIGEST "  *\n"},
    {"a\tb\x1b", DIGEST "  a\tb\x1b\n"},
    {"a\\b", "\\" DIGEST "  a\\\\b\n"},
    {"a\nb", "\\" DIGEST "  a\\nb\n"},
    {"a\rb", "\\" DIGEST "  a\\rb\n"},
    {"\\\n\r\\n", "\\" DIGEST "  \\\\\\n\\r\\\\n\n"},
  };
  g_autoptr (GString) all = g_string_new (NULL);
  g_autoptr (GString) expected = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (facts); i++)
    {
      g_autoptr (GString) listing = g_string_new (NULL);

      ferry_demo_listing_append (listing, DIGEST, facts[i].path);
      g_assert_cmpstr (listing->str, ==, facts[i].line);
      ferry_demo_listing_append (all, DIGEST, facts[i].path);
      g_string_append (expected, facts[i].line);
    }
  g_assert_cmpstr (all->str, ==, expected->str);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/listing/digest", test_digest);
  g_test_add_func ("/listing/lines", test_lines);
  return g_test_run ();
}
