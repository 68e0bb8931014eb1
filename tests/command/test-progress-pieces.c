/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/progress-pieces.c
 *
 * What programs print, in pieces: whatever separates them, and however the bytes come. */

#include "config.h"

#include <string.h>

#include "progress-pieces.h"

static gboolean
add_piece (const char *piece, gsize length, gpointer data)
{
  g_assert_cmpuint (length, >, 0);
  g_assert_cmpuint (length, <=, PROGRESS_MAX_PIECE);
  g_string_append_len (data, piece, (gssize) length);
  g_string_append_c (data, '|');
  return TRUE;
}

/* Returns the pieces, each with a bar after it, of bytes that come in two parts. */
static char *
cut_at (const char *bytes, gsize length, gsize cut)
{
  g_autoptr (ProgressPieces) pieces = progress_pieces_new ();
  GString *found = g_string_new (NULL);

  progress_pieces_feed (pieces, bytes, cut, add_piece, found);
  progress_pieces_feed (pieces, bytes + cut, length - cut, add_piece, found);
  progress_pieces_flush (pieces, add_piece, found);
  return g_string_free (found, FALSE);
}

static void
assert_pieces_of (const char *bytes, gsize length, const char *expected)
{
  for (gsize cut = 0; cut <= length; cut++)
    {
      g_autofree char *found = cut_at (bytes, length, cut);

      g_assert_cmpstr (found, ==, expected);
    }
}

static void
assert_pieces (const char *bytes, const char *expected)
{
  assert_pieces_of (bytes, strlen (bytes), expected);
}

static void
test_end_with_lines_and_returns (void)
{
  assert_pieces ("one\ntwo\r\nthree\n\n  \nfour", "one|two|three|four|");
  assert_pieces ("\r 1%\r 2%\r100%\n", "1%|2%|100%|");
  assert_pieces (" 1%\r 2%\r100%\r", "1%|2%|100%|");
}

static void
test_end_where_backspaces_begin (void)
{
  assert_pieces ("  0%\b\b\b\b    \b\b\b\b  7% + m20\b\b\b\b\b\b\b\b\b\b", "0%|7% + m20|");
}

static void
test_keep_what_backspaces_leave (void)
{
  assert_pieces ("Tables:  0/10\b\b\b\b\b     \b\b\b\b\b 3/10\b\b\b\b\bdone\n",
                 "Tables:  0/10|Tables:  3/10|Tables: done|");
}

static void
test_lose_whole_characters_to_backspaces (void)
{
  assert_pieces ("f\303\274r\b\bor\n", "f\303\274r|for|");
  assert_pieces ("ab\b\b\b\b\bc\n", "ab|c|");
}

static void
test_have_no_terminal_sequences (void)
{
  assert_pieces ("\033[1;31mred\033[0m \033[Kend\n", "red end|");
  assert_pieces ("\033]0;a title\007text\033]8;;http://x\033\\link\n", "textlink|");
  assert_pieces ("\033(Bplain\033=\033>\n", "plain|");
  assert_pieces ("\033[12\nnext\n", "next|");
  assert_pieces ("\033]never ended\nnext\n", "next|");
}

static void
test_end_where_the_cursor_goes_elsewhere (void)
{
  assert_pieces ("one\033[2K\033[1Atwo\033[1;1Hthree", "one|two|three|");
  assert_pieces ("\r[0/30] step\033[K\r[1/30] step\033[K\n", "[0/30] step|[1/30] step|");
}

static void
test_have_no_control_characters (void)
{
  static const char bytes[] = "a\0b\001c\177d\te\n";
  /* They end what backspaces have begun. */
  static const char runs[] = "\0\0\0 7%\b\b\001\002\177\b\0\0 8%\0\0\0";

  assert_pieces_of (bytes, sizeof bytes - 1, "abcd e|");
  assert_pieces_of (runs, sizeof runs - 1, "7%|8%|");
}

/* A long run is looked at eight bytes at a time, and a byte at a time where each comes alone. */
static void
test_are_the_same_however_they_come (void)
{
  static const char *const alphabet[] = {"\0",   "\0\0\0\0\0\0\0\0\0", "plain text 7%", "\n",  "\r", "\b", "\177",
                                         "\x1f", "\xc3\xa4",           "\xff",          "\x80"};
  static const gsize sizes[] = {1, 9, 13, 1, 1, 1, 1, 1, 2, 1, 1};
  g_autoptr (GRand) random = g_rand_new_with_seed (7);

  for (guint i = 0; i < 2000; i++)
    {
      g_autoptr (ProgressPieces) pieces = progress_pieces_new ();
      g_autoptr (GString) bytes = g_string_new (NULL);
      g_autoptr (GString) found = g_string_new (NULL);
      g_autofree char *at_once = NULL;
      const gboolean is_long = i % 100 == 0;

      while (bytes->len < (is_long ? 3 * PROGRESS_MAX_PIECE : 100))
        {
          guint which = (guint) g_rand_int_range (random, is_long ? 6 : 0, G_N_ELEMENTS (alphabet));

          g_string_append_len (bytes, alphabet[which], (gssize) sizes[which]);
        }
      /* How much of one that is longer than a piece may be was left out, tells what is taken back. */
      for (int n = is_long ? g_rand_int_range (random, 0, 3 * PROGRESS_MAX_PIECE) : 0; n > 0; n--)
        g_string_append_c (bytes, '\b');
      g_string_append_c (bytes, 'x');
      at_once = cut_at (bytes->str, bytes->len, 0);
      for (gsize at = 0; at < bytes->len; at++)
        progress_pieces_feed (pieces, bytes->str + at, 1, add_piece, found);
      progress_pieces_flush (pieces, add_piece, found);
      g_assert_cmpstr (at_once, ==, found->str);
    }
}

static void
test_are_given_once (void)
{
  g_autoptr (ProgressPieces) pieces = progress_pieces_new ();
  g_autoptr (GString) found = g_string_new (NULL);

  progress_pieces_feed (pieces, "\r 34%", 5, add_piece, found);
  g_assert_cmpstr (found->str, ==, "");
  progress_pieces_flush (pieces, add_piece, found);
  progress_pieces_flush (pieces, add_piece, found);
  g_assert_cmpstr (found->str, ==, "34%|");
  progress_pieces_feed (pieces, "  \r 69%", 7, add_piece, found);
  g_assert_cmpstr (found->str, ==, "34%|");
  progress_pieces_flush (pieces, add_piece, found);
  g_assert_cmpstr (found->str, ==, "34%|69%|");
}

static gboolean
refuse_piece (const char *piece, gsize length, gpointer data)
{
  *(guint *) data += 1;
  return FALSE;
}

static void
test_are_given_again_where_refused (void)
{
  g_autoptr (ProgressPieces) pieces = progress_pieces_new ();
  g_autoptr (GString) found = g_string_new (NULL);
  guint n_refused = 0;

  progress_pieces_feed (pieces, "Really? ", 8, refuse_piece, &n_refused);
  progress_pieces_flush (pieces, refuse_piece, &n_refused);
  g_assert_cmpuint (n_refused, ==, 1);
  progress_pieces_flush (pieces, add_piece, found);
  progress_pieces_flush (pieces, add_piece, found);
  g_assert_cmpstr (found->str, ==, "Really?|");
}

static gboolean
count_piece (const char *piece, gsize length, gpointer data)
{
  g_assert_cmpuint (length, ==, PROGRESS_MAX_PIECE);
  *(guint *) data += 1;
  return TRUE;
}

/* A line of 100 MB without an end. */
static void
test_are_bounded (void)
{
  g_autoptr (ProgressPieces) pieces = progress_pieces_new ();
  g_autofree char *bytes = g_strnfill (1000 * 1000, 'x');
  guint n_pieces = 0;

  for (guint i = 0; i < 100; i++)
    progress_pieces_feed (pieces, bytes, 1000 * 1000, count_piece, &n_pieces);
  progress_pieces_feed (pieces, "\b\b\b", 3, count_piece, &n_pieces);
  progress_pieces_feed (pieces, "\n", 1, count_piece, &n_pieces);
  g_assert_cmpuint (n_pieces, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress-pieces/end-with-lines-and-returns", test_end_with_lines_and_returns);
  g_test_add_func ("/progress-pieces/end-where-backspaces-begin", test_end_where_backspaces_begin);
  g_test_add_func ("/progress-pieces/keep-what-backspaces-leave", test_keep_what_backspaces_leave);
  g_test_add_func ("/progress-pieces/lose-whole-characters-to-backspaces", test_lose_whole_characters_to_backspaces);
  g_test_add_func ("/progress-pieces/have-no-terminal-sequences", test_have_no_terminal_sequences);
  g_test_add_func ("/progress-pieces/end-where-the-cursor-goes-elsewhere", test_end_where_the_cursor_goes_elsewhere);
  g_test_add_func ("/progress-pieces/have-no-control-characters", test_have_no_control_characters);
  g_test_add_func ("/progress-pieces/are-the-same-however-they-come", test_are_the_same_however_they_come);
  g_test_add_func ("/progress-pieces/are-given-once", test_are_given_once);
  g_test_add_func ("/progress-pieces/are-given-again-where-refused", test_are_given_again_where_refused);
  g_test_add_func ("/progress-pieces/are-bounded", test_are_bounded);
  return g_test_run ();
}
