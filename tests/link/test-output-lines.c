/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-output.c
 *
 * How a worker's standard output and error are read and cut into lines. The test stands for the worker. */

#include "config.h"

#include "ferry-test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "link/ferry-link-private.h"

/* As ferry-output.c has them. */
#define MAX_LINE 4096
#define MAX_LAST_LINES 20
#define MAX_LAST_BYTES 8192

typedef struct
{
  FerryOutput *output;
  int writers[FERRY_N_OUTPUTS];
  guint n_fds;
} Scene;

static void
scene_init (Scene *self)
{
  g_autoptr (GError) error = NULL;

  self->n_fds = ferry_test_count_fds ();
  self->output = ferry_output_new ();
  for (guint i = 0; i < FERRY_N_OUTPUTS; i++)
    {
      self->writers[i] = ferry_output_open (self->output, i + 1, &error);
      g_assert_no_error (error);
    }
}

static void
scene_clear (Scene *self)
{
  for (guint i = 0; i < FERRY_N_OUTPUTS; i++)
    ferry_clear_fd (&self->writers[i]);
  ferry_output_free (self->output);
  g_assert_cmpuint (ferry_test_count_fds (), ==, self->n_fds);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scene, scene_clear)

static void
put (Scene *self, guint stream, const char *data, gsize size)
{
  g_assert_cmpint (write (self->writers[stream - 1], data, size), ==, (gssize) size);
}

/* Appends "STREAM:LINE|" for each line. */
static void
append_lines (GString *text, const GByteArray *lines)
{
  for (guint at = 0; at < lines->len;)
    {
      FerryOutputLine header;

      g_assert_cmpuint (at + sizeof header, <=, lines->len);
      memcpy (&header, lines->data + at, sizeof header);
      at += sizeof header;
      g_assert_cmpuint (at + header.length + 1, <=, lines->len);
      g_assert_cmpuint (lines->data[at + header.length], ==, 0);
      g_string_append_printf (text, "%u:%s|", header.stream, (const char *) lines->data + at);
      at += header.length + 1;
    }
}

/* Reads each stream in turn until there is no more. */
static char *
take (Scene *self)
{
  GString *text = g_string_new (NULL);

  do
    for (guint stream = 1; stream <= FERRY_N_OUTPUTS; stream++)
      {
        g_autoptr (GByteArray) lines = ferry_output_read (self->output, stream, G_MAXSIZE);

        append_lines (text, lines);
      }
  while (ferry_output_is_ready (self->output));
  return g_string_free (text, FALSE);
}

static void
assert_taken (Scene *self, const char *expected)
{
  g_autofree char *text = take (self);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_a_line_comes_when_it_is_complete (void)
{
  g_auto (Scene) scene = {NULL};

  scene_init (&scene);
  assert_taken (&scene, "");
  scene.output->call = 7;
  put (&scene, 1, "one\ntw", 6);
  put (&scene, 2, "bad\n", 4);
  assert_taken (&scene, "1:one|2:bad|");
  scene.output->call = 8;
  put (&scene, 1, "o\n\nthree", 8);
  assert_taken (&scene, "1:two|1:|");
  g_assert_cmpstr (scene.output->last_error, ==, "bad");
  g_assert_cmpuint (scene.output->error_call, ==, 7);
}

/* Python tells of a crash in many lines, of which the first says what it was. */
static void
test_the_heading_of_a_crash_is_kept (void)
{
  g_auto (Scene) scene = {NULL};
  const char *dump = "Fatal Python error: Segmentation fault\n\nThread 0x1:\n\nExtension modules: gi._gi (total: 1)\n";

  scene_init (&scene);
  scene.output->call = 1;
  put (&scene, 2, "not this\n", 9);
  put (&scene, 2, dump, strlen (dump));
  g_free (take (&scene));
  g_assert_cmpstr (scene.output->last_error, ==, "Fatal Python error: Segmentation fault");
  scene.output->call = 2;
  put (&scene, 2, "of the next\n", 12);
  g_free (take (&scene));
  g_assert_cmpstr (scene.output->last_error, ==, "of the next");
}

/* Nothing to read and the end differ by the returned size, and not by the error number, which stays what it was. */
static void
test_a_pipe_is_closed_at_its_end (void)
{
  g_auto (Scene) scene = {NULL};

  scene_init (&scene);
  put (&scene, 1, "one\n", 4);
  assert_taken (&scene, "1:one|");
  g_assert_cmpint (scene.output->pipes[0].fd, >=, 0);
  ferry_clear_fd (&scene.writers[0]);
  errno = EAGAIN;
  assert_taken (&scene, "");
  g_assert_cmpint (scene.output->pipes[0].fd, ==, -1);
  g_assert_cmpint (scene.output->pipes[1].fd, >=, 0);
}

static void
test_bytes_that_are_no_text_are_replaced (void)
{
  g_auto (Scene) scene = {NULL};

  scene_init (&scene);
  put (&scene, 1,
       "a\xff"
       "b\0c\n",
       6);
  assert_taken (&scene, "1:a\357\277\275b\357\277\275c|");
}

/* A character of three bytes that would be cut goes to the next piece as a whole. */
static void
test_a_long_line_is_cut_between_characters (void)
{
  for (guint before = MAX_LINE - 4; before <= MAX_LINE + 1; before++)
    {
      g_auto (Scene) scene = {NULL};
      guint first = before >= MAX_LINE ? MAX_LINE : before + 3 > MAX_LINE ? before : before + 3;
      g_autofree char *letters = g_strnfill (before, 'x');
      g_autofree char *line = g_strconcat (letters, "\342\202\254", NULL);
      g_autofree char *sent = g_strconcat (line, "\n", NULL);
      g_autofree char *piece = g_strndup (line, first);
      g_autofree char *expected = NULL;

      expected = strlen (line) > MAX_LINE ? g_strconcat ("1:", piece, "|1:", line + first, "|", NULL)
                                          : g_strconcat ("1:", line, "|", NULL);
      scene_init (&scene);
      put (&scene, 1, sent, strlen (sent));
      assert_taken (&scene, expected);
    }
}

static void
test_last_lines_are_bounded (void)
{
  g_auto (Scene) scene = {NULL};
  g_auto (GStrv) last = NULL;
  g_autofree char *long_line = g_strnfill (MAX_LAST_BYTES / 4 - 1, 'y');

  scene_init (&scene);
  for (guint i = 0; i < MAX_LAST_LINES + 2; i++)
    {
      g_autofree char *line = g_strdup_printf ("%u\n", i);

      put (&scene, 1, line, strlen (line));
    }
  g_free (take (&scene));
  last = ferry_output_dup_last_lines (scene.output);
  g_assert_cmpuint (g_strv_length (last), ==, MAX_LAST_LINES);
  g_assert_cmpstr (last[0], ==, "2");
  for (guint i = 0; i < 5; i++)
    {
      put (&scene, 1, long_line, strlen (long_line));
      put (&scene, 1, "\n", 1);
    }
  g_free (take (&scene));
  g_strfreev (last);
  last = ferry_output_dup_last_lines (scene.output);
  g_assert_cmpuint (g_strv_length (last), ==, 4);
}

/* A grandchild that holds the pipe may write without end. */
static void
test_the_end_takes_what_is_there_and_no_more (void)
{
  g_auto (Scene) scene = {NULL};

  scene_init (&scene);
  put (&scene, 1, "one\ntwo", 7);
  ferry_output_begin_end (scene.output);
  put (&scene, 1, " and more\n", 10);
  assert_taken (&scene, "1:one|1:two|");
  g_assert_false (ferry_output_is_ready (scene.output));
  g_assert_cmpint (scene.output->pipes[0].fd, ==, -1);
  g_assert_cmpint (scene.output->pipes[1].fd, ==, -1);
  assert_taken (&scene, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/output-lines/" path, func)
  ADD ("a-line-comes-when-it-is-complete", test_a_line_comes_when_it_is_complete);
  ADD ("the-heading-of-a-crash-is-kept", test_the_heading_of_a_crash_is_kept);
  ADD ("a-pipe-is-closed-at-its-end", test_a_pipe_is_closed_at_its_end);
  ADD ("bytes-that-are-no-text-are-replaced", test_bytes_that_are_no_text_are_replaced);
  ADD ("a-long-line-is-cut-between-characters", test_a_long_line_is_cut_between_characters);
  ADD ("last-lines-are-bounded", test_last_lines_are_bounded);
  ADD ("the-end-takes-what-is-there-and-no-more", test_the_end_takes_what_is_there_and_no_more);
#undef ADD
  return g_test_run ();
}
