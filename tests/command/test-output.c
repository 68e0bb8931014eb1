/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-output.c
 *
 * A stream as it is read: its lines, those that a person reads, and how much of it counts. */

#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "command-output.h"

/* A pipe that has room for what the tests write at once. */
static CommandOutput *
new_output (int *writing)
{
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
  *writing = ends[1];
  return command_output_new (ends[0], 0, 0, TRUE);
}

/* Writes, and reads it until nothing is there. */
static void
pass (CommandOutput *output, int fd, gconstpointer bytes, gsize size, CommandLinesFunc func, gpointer data)
{
  g_autoptr (GError) error = NULL;
  gsize got = 0;
  gsize n;

  g_assert_cmpint (write (fd, bytes, size), ==, (gssize) size);
  while (command_output_read (output, &n, func, data, &error) != NULL)
    got += n;
  g_assert_no_error (error);
  g_assert_cmpuint (got, ==, size);
}

static void
finish (CommandOutput *output, int fd, CommandLinesFunc func, gpointer data)
{
  g_autoptr (GError) error = NULL;
  gsize n;

  close (fd);
  g_assert_null (command_output_read (output, &n, func, data, &error));
  g_assert_no_error (error);
  g_assert_cmpint (command_output_get_fd (output), ==, -1);
  g_assert_true (command_output_end (output, func, data, &error));
  g_assert_no_error (error);
}

static void
assert_lines (const char *bytes, gsize size, const char *expected)
{
  g_autofree char *last = NULL;
  int fd;
  g_autoptr (CommandOutput) output = new_output (&fd);

  pass (output, fd, bytes, size, NULL, NULL);
  finish (output, fd, NULL, NULL);
  last = g_strdelimit (command_output_dup_last_lines (output), "\n", '|');
  g_assert_true (g_utf8_validate (last, -1, NULL));
  g_assert_cmpstr (last, ==, expected);
}

static void
has_lines_as_a_person_reads_them (void)
{
  assert_lines ("one\ntwo\n", 8, "one|two|");
  assert_lines ("without its end", 15, "without its end|");
  assert_lines ("\n\r\n\n", 4, "");
  assert_lines ("\r 1%\r 2%\r\n", 10, "1%|2%|");
  assert_lines ("\033[31;1mred\033[0m \033]0;title\aand\n", 29, "red and|");
  assert_lines ("a\0b\001c\n", 6, "abc|");
  assert_lines ("caf\xc3\xa9 caf\xe9\n", 11, "caf\xc3\xa9 caf\xef\xbf\xbd|");
}

static void
count_line (const guint8 *bytes, gsize size, gboolean is_part, gpointer lines)
{
  g_assert_false (is_part);
  g_string_append_len (lines, (const char *) bytes, (gssize) size);
  g_string_append_c (lines, '|');
}

static void
has_lines_as_they_were_written (void)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  int fd;
  g_autoptr (CommandOutput) output = new_output (&fd);

  pass (output, fd, "\n\tone \r", 7, count_line, lines);
  pass (output, fd, "two\r\n\nthree", 11, count_line, lines);
  finish (output, fd, count_line, lines);
  g_assert_cmpstr (lines->str, ==, "|\tone \rtwo||three|");
}

static void
keeps_the_last_lines_of_a_flood (void)
{
  g_autoptr (GString) flood = g_string_new (NULL);
  g_autofree char *last = NULL;
  g_autofree char *newest = NULL;
  int fd;
  g_autoptr (CommandOutput) output = new_output (&fd);

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (flood, "%u\n", i);
  pass (output, fd, flood->str, flood->len, NULL, NULL);
  last = command_output_dup_last_lines (output);
  g_assert_cmpstr (last, ==, "990\n991\n992\n993\n994\n995\n996\n997\n998\n999\n");
  newest = command_output_take_line (output);
  g_assert_cmpstr (newest, ==, "999");
  g_assert_null (command_output_take_line (output));
  close (fd);
}

/* However the reads cut it. */
static void
assert_written (const char *bytes, guint64 expected)
{
  for (gsize cut = 0; cut <= strlen (bytes); cut++)
    {
      int fd;
      g_autoptr (CommandOutput) output = new_output (&fd);

      pass (output, fd, bytes, cut, NULL, NULL);
      pass (output, fd, bytes + cut, strlen (bytes) - cut, NULL, NULL);
      g_assert_cmpuint (command_output_get_n_written (output), ==, expected);
      close (fd);
    }
}

static void
does_not_count_what_is_drawn_over (void)
{
  assert_written ("abc\nde", 6);
  assert_written ("one\r\ntwo\r\n", 8);
  assert_written ("\r 10%\r 20%\r 30%", 4);
  assert_written ("line\n 10%\r 20%\r 30%\n", 10);
  assert_written ("10%\b\b\b20%\b\b\b30%", 3);
  assert_written ("\b\b\b", 0);
  assert_written ("10%\033[1G20%\033[K30%", 3);
  assert_written ("a\n10%\033[1A20%", 3);
  assert_written ("head\na 1%\nb 1%\n\033[2Aa 2%\nb 2%\n", 15);
  assert_written ("head\na 1%\nb 1%\n\033[A\033[Aa 2%\nb 2%\n\033[2Fa 3%\nb 3%\n", 15);
  assert_written ("x\ny\n\033[1;1Hx\ny\n\033[Hx\nz\n", 4);
  assert_written ("x\n\033[7A\033[999Ay\n", 2);
  assert_written ("\033[1mbold\033[0m", 4);
}

/* What is above the screen is not drawn any more. */
static void
counts_what_has_left_the_screen (void)
{
  g_autoptr (GString) many = g_string_new (NULL);

  for (guint i = 0; i < 100; i++)
    g_string_append (many, "a\n");
  g_string_append (many, "\033[100Ab\n");
  assert_written (many->str, 2 * (100 - 64) + 2);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-output/has-lines-as-a-person-reads-them", has_lines_as_a_person_reads_them);
  g_test_add_func ("/command-output/has-lines-as-they-were-written", has_lines_as_they_were_written);
  g_test_add_func ("/command-output/keeps-the-last-lines-of-a-flood", keeps_the_last_lines_of_a_flood);
  g_test_add_func ("/command-output/does-not-count-what-is-drawn-over", does_not_count_what_is_drawn_over);
  g_test_add_func ("/command-output/counts-what-has-left-the-screen", counts_what_has_left_the_screen);

  return g_test_run ();
}
