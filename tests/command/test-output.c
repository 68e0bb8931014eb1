/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-output.c
 *
 * What is kept of a stream: its lines as a person reads them, its start up to a limit, and its end, in memory with a
 * bound. */

#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "command-output.h"

/* A pipe that has room for what the tests write at once. */
static CommandOutput *
new_output (int *writing, guint64 limit)
{
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
  *writing = ends[1];
  return command_output_new (ends[0], limit);
}

/* Writes, and reads it until nothing is there. */
static void
pass (CommandOutput *output, int fd, gconstpointer bytes, gsize size, CommandLineFunc func, gpointer data)
{
  gsize got = 0;
  gsize n;

  g_assert_cmpint (write (fd, bytes, size), ==, (gssize) size);
  while (command_output_read (output, &n, func, data) != NULL)
    got += n;
  g_assert_cmpuint (got, ==, size);
}

static void
note_line (const char *line, gpointer lines)
{
  g_assert_true (g_utf8_validate (line, -1, NULL));
  g_string_append_printf (lines, "%s|", line);
}

static void
assert_lines (const char *bytes, gsize size, const char *expected)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  g_autofree char *last = NULL;
  int fd;
  g_autoptr (CommandOutput) output = new_output (&fd, 0);

  pass (output, fd, bytes, size, note_line, lines);
  close (fd);
  g_assert_null (command_output_read (output, &size, note_line, lines));
  g_assert_cmpint (command_output_get_fd (output), ==, -1);
  command_output_flush (output, note_line, lines);
  g_assert_cmpstr (lines->str, ==, expected);
  last = g_strdelimit (command_output_dup_last_lines (output), "\n", '|');
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
keeps_the_last_lines_of_a_flood (void)
{
  g_autoptr (GString) flood = g_string_new (NULL);
  g_autofree char *last = NULL;
  g_autofree char *newest = NULL;
  int fd;
  g_autoptr (CommandOutput) output = new_output (&fd, 0);

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

static void
keeps_its_start_up_to_the_limit (void)
{
  int fd;
  g_autoptr (CommandOutput) output = new_output (&fd, 5);

  pass (output, fd, "1234", 4, NULL, NULL);
  pass (output, fd, "5", 1, NULL, NULL);
  g_assert_false (command_output_is_over_limit (output));
  pass (output, fd, "6", 1, NULL, NULL);
  g_assert_true (command_output_is_over_limit (output));
  g_assert_cmpmem (command_output_get_start (output)->data, command_output_get_start (output)->len, "12345", 5);
  close (fd);
}

static void
keeps_its_end (void)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();
  int fd;
  g_autoptr (CommandOutput) output = new_output (&fd, 0);

  for (guint round = 0; round < 300; round++)
    {
      guint8 bytes[1000];
      gsize size = (gsize) g_test_rand_int_range (1, sizeof bytes);
      g_autoptr (GByteArray) tail = NULL;
      gsize expected;

      for (gsize i = 0; i < size; i++)
        bytes[i] = (guint8) g_test_rand_int ();
      g_byte_array_append (all, bytes, (guint) size);
      pass (output, fd, bytes, size, NULL, NULL);
      tail = command_output_dup_tail (output);
      expected = MIN (all->len, COMMAND_OUTPUT_TAIL);
      g_assert_cmpmem (tail->data, tail->len, all->data + all->len - expected, expected);
    }
  g_assert_cmpuint (all->len, >, COMMAND_OUTPUT_TAIL);
  close (fd);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/command-output/has-lines-as-a-person-reads-them", has_lines_as_a_person_reads_them);
  g_test_add_func ("/command-output/keeps-the-last-lines-of-a-flood", keeps_the_last_lines_of_a_flood);
  g_test_add_func ("/command-output/keeps-its-start-up-to-the-limit", keeps_its_start_up_to_the_limit);
  g_test_add_func ("/command-output/keeps-its-end", keeps_its_end);

  return g_test_run ();
}
