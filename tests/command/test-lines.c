/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-lines.c
 *
 * Lines are the bytes between line feeds, however the reads cut them. */

#include "config.h"

#include <gio/gio.h>
#include <string.h>

#include "command-lines.h"

/* A line as it is compared: its bytes escaped, and a bar; or a plus for a part. */
static void
note_line (const guint8 *bytes, gsize size, gboolean is_part, gpointer lines)
{
  g_autofree char *copy = g_strndup ((const char *) bytes, size);
  g_autofree char *shown = size <= 100 ? g_strescape (copy, NULL) : g_strdup_printf ("%zu bytes", size);

  g_string_append_printf (lines, "%s%c", shown, is_part ? '+' : '|');
}

/* Feeds the bytes in pieces of each size. */
static void
assert_lines (const char *bytes, gsize size, const char *expected)
{
  for (gsize step = 1; step <= size; step++)
    {
      g_autoptr (CommandLines) lines = command_lines_new ();
      g_autoptr (GString) found = g_string_new (NULL);

      for (gsize at = 0; at < size; at += step)
        command_lines_feed (lines, (const guint8 *) bytes + at, MIN (step, size - at), note_line, found);
      command_lines_end (lines, note_line, found);
      g_assert_cmpstr (found->str, ==, expected);
    }
}

static void
are_what_is_between_line_feeds (void)
{
  assert_lines ("one\ntwo\n", 8, "one|two|");
  assert_lines ("without its end", 15, "without its end|");
  assert_lines ("\n\n\nafter\n\n", 10, "|||after||");
  assert_lines (" \tblanks\t \n", 11, " \\tblanks\\t |");
  assert_lines ("10%\b\b\b20%\r30%\n", 14, "10%\\b\\b\\b20%\\r30%|");
  assert_lines ("caf\xe9 \033[1m\n", 10, "caf\\351 \\033[1m|");
}

static void
may_end_with_a_carriage_return_before_the_line_feed (void)
{
  assert_lines ("one\r\n\r\ntwo\r\r\n\rthree\r", 21, "one||two\\r|\\rthree\\r|");
}

static void
note_size (const guint8 *bytes, gsize size, gboolean is_part, gpointer found)
{
  g_assert_cmpmem (bytes, size, "a\0b", 3);
  *(guint *) found += 1;
}

static void
keep_their_zeros (void)
{
  g_autoptr (CommandLines) lines = command_lines_new ();
  guint n = 0;

  command_lines_feed (lines, (const guint8 *) "a\0b\n", 4, note_size, &n);
  g_assert_cmpuint (n, ==, 1);
}

static void
come_in_parts_that_say_so (void)
{
  const gsize size = 2 * COMMAND_LINES_MAX + 3;
  g_autofree char *bytes = g_malloc (size + 2);
  g_autoptr (CommandLines) lines = command_lines_new ();
  g_autoptr (GString) found = g_string_new (NULL);

  memset (bytes, 'x', size);
  memcpy (bytes + size, "\nl", 2);
  command_lines_feed (lines, (const guint8 *) bytes, size + 2, note_line, found);
  command_lines_end (lines, note_line, found);
  g_assert_cmpstr (found->str, ==, "16384 bytes+16384 bytes+xxx|l|");
}

static void
end_within_a_part_and_at_its_end (void)
{
  g_autofree char *bytes = g_malloc (COMMAND_LINES_MAX + 2);
  g_autoptr (GString) found = g_string_new (NULL);

  memset (bytes, 'x', COMMAND_LINES_MAX);
  memcpy (bytes + COMMAND_LINES_MAX - 1, "\r\ny", 3);
  /* The carriage return at the end of a part belongs to the line feed behind it. */
  for (gsize cut = 0; cut <= COMMAND_LINES_MAX + 1; cut += cut < COMMAND_LINES_MAX - 2 ? COMMAND_LINES_MAX - 2 : 1)
    {
      g_autoptr (CommandLines) lines = command_lines_new ();

      g_string_truncate (found, 0);
      command_lines_feed (lines, (const guint8 *) bytes, cut, note_line, found);
      command_lines_feed (lines, (const guint8 *) bytes + cut, COMMAND_LINES_MAX + 2 - cut, note_line, found);
      command_lines_end (lines, note_line, found);
      g_assert_cmpstr (found->str, ==, "16383 bytes+|y|");
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-lines/are-what-is-between-line-feeds", are_what_is_between_line_feeds);
  g_test_add_func ("/command-lines/may-end-with-a-carriage-return-before-the-line-feed",
                   may_end_with_a_carriage_return_before_the_line_feed);
  g_test_add_func ("/command-lines/keep-their-zeros", keep_their_zeros);
  g_test_add_func ("/command-lines/come-in-parts-that-say-so", come_in_parts_that_say_so);
  g_test_add_func ("/command-lines/end-within-a-part-and-at-its-end", end_within_a_part_and_at_its_end);

  return g_test_run ();
}
