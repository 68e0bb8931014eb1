/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-progress.c
 *
 * Progress as bytes, and the sums of parts. */

#include "config.h"

#include "ferry-test.h"

#include <math.h>
#include <string.h>

#include "wire/ferry-progress-private.h"

static guint8 bytes[FERRY_MAX_PROGRESS_SIZE];

/* What arrives of a fraction and amounts. */
static FerryProgress
send_numbers (double fraction, guint64 amount, guint64 total)
{
  gsize size = ferry_progress_encode (bytes, 7, fraction, amount, total, NULL, NULL);
  FerryProgress progress;

  g_assert_true (ferry_progress_decode (&progress, bytes, size));
  return progress;
}

static FerryProgress
send_text (const char *unit, const char *text)
{
  gsize size = ferry_progress_encode (bytes, 7, 0.5, 0, 0, unit, text);
  FerryProgress progress;

  g_assert_cmpuint (size, <=, FERRY_MAX_PROGRESS_SIZE);
  g_assert_true (ferry_progress_decode (&progress, bytes, size));
  g_assert_true (g_utf8_validate (progress.unit, -1, NULL));
  g_assert_true (g_utf8_validate (progress.text, -1, NULL));
  return progress;
}

static void
test_all_arrives (void)
{
  gsize size = ferry_progress_encode (bytes, G_MAXUINT64, 0.25, 5, 20, "files", "größer");
  FerryProgress progress;

  g_assert_true (ferry_progress_decode (&progress, bytes, size));
  g_assert_cmpuint (progress.xid, ==, G_MAXUINT64);
  g_assert_cmpfloat (progress.fraction, ==, 0.25);
  g_assert_cmpuint (progress.amount, ==, 5);
  g_assert_cmpuint (progress.total, ==, 20);
  g_assert_cmpstr (progress.unit, ==, "files");
  g_assert_cmpstr (progress.text, ==, "größer");
}

static void
test_nothing_is_nothing (void)
{
  FerryProgress progress = send_text (NULL, "");

  g_assert_cmpstr (progress.unit, ==, "");
  g_assert_cmpstr (progress.text, ==, "");
  g_assert_cmpuint (progress.total, ==, 0);
}

static void
test_numbers_are_made_sane (void)
{
  g_assert_cmpfloat (send_numbers (NAN, 0, 0).fraction, ==, -1);
  g_assert_cmpfloat (send_numbers (INFINITY, 0, 0).fraction, ==, -1);
  g_assert_cmpfloat (send_numbers (-1e308, 0, 0).fraction, ==, -1);
  g_assert_cmpfloat (send_numbers (-2, 0, 0).fraction, ==, -1);
  g_assert_cmpfloat (send_numbers (-0.5, 0, 0).fraction, ==, -1);
  g_assert_cmpfloat (send_numbers (1.5, 0, 0).fraction, ==, 1);
  g_assert_cmpuint (send_numbers (0, 9, 8).amount, ==, 8);
  g_assert_cmpuint (send_numbers (0, 9, 0).amount, ==, 9);
}

static void
test_take_back_arrives (void)
{
  g_assert_cmpfloat (send_numbers (-INFINITY, 0, 0).fraction, ==, FERRY_FRACTION_TAKEN_BACK);
  /* Whatever is said beside it. */
  g_assert_cmpfloat (send_numbers (-INFINITY, 5, 10).fraction, ==, FERRY_FRACTION_TAKEN_BACK);
  g_assert_false (send_numbers (-INFINITY, 5, 10).may_fall);
}

/* Each length around the limit, with a character of each size across it. */
static void
test_text_is_cut_between_characters (void)
{
  const char *const characters[] = {"a", "ö", "€", "😀"};

  for (guint kind = 0; kind < G_N_ELEMENTS (characters); kind++)
    for (gsize before = FERRY_MAX_PROGRESS_TEXT - 5; before <= FERRY_MAX_PROGRESS_TEXT + 1; before++)
      {
        gsize size = strlen (characters[kind]);
        g_autofree char *start = g_strnfill (before, 'x');
        g_autofree char *text = g_strconcat (start, characters[kind], NULL);
        FerryProgress progress = send_text (NULL, text);
        gboolean fits = before + size <= FERRY_MAX_PROGRESS_TEXT;

        g_assert_true (g_str_has_prefix (text, progress.text));
        g_assert_cmpuint (strlen (progress.text), ==, MIN (fits ? before + size : before, FERRY_MAX_PROGRESS_TEXT));
      }
}

static void
test_long_unit_is_cut (void)
{
  g_autofree char *unit = g_strnfill (100, 'u');

  g_assert_cmpuint (strlen (send_text (unit, "text").unit), ==, FERRY_MAX_PROGRESS_UNIT);
  g_assert_cmpstr (send_text (unit, "text").text, ==, "text");
}

static void
test_invalid_text_is_made_valid (void)
{
  g_autofree char *orphan = g_strnfill (2000, (char) 0x80);
  FerryProgress progress = send_text ("\xff", "a\xc3");

  g_assert_cmpstr (progress.unit, ==, "\xef\xbf\xbd");
  g_assert_cmpstr (progress.text, ==, "a\xef\xbf\xbd");
  /* Three bytes for each that is replaced, so that it has to be cut again. */
  g_assert_cmpuint (strlen (send_text (NULL, orphan).text), ==, FERRY_MAX_PROGRESS_TEXT / 3 * 3);
}

static void
test_zeroes_within_text_are_replaced (void)
{
  gsize size = ferry_progress_encode (bytes, 1, 0, 0, 0, NULL, "a-b");
  FerryProgress progress;

  bytes[size - 2] = 0;
  g_assert_true (ferry_progress_decode (&progress, bytes, size));
  g_assert_cmpstr (progress.text, ==,
                   "a\xef\xbf\xbd"
                   "b");
}

static void
test_wrong_sizes_are_refused (void)
{
  gsize size = ferry_progress_encode (bytes, 1, 0, 0, 0, "unit", "text");
  FerryProgressHeader header;
  FerryProgress progress = {.xid = 99};

  for (gsize wrong = 0; wrong <= sizeof bytes; wrong++)
    g_assert_cmpint (ferry_progress_decode (&progress, bytes, wrong), ==, wrong == size);
  progress.xid = 99;
  memcpy (&header, bytes, sizeof header);
  header.unit_length = FERRY_MAX_PROGRESS_UNIT + 1;
  memcpy (bytes, &header, sizeof header);
  g_assert_false (ferry_progress_decode (&progress, bytes, sizeof header + header.unit_length + 4));
  header.unit_length = 0;
  header.text_length = FERRY_MAX_PROGRESS_TEXT + 1;
  memcpy (bytes, &header, sizeof header);
  g_assert_false (ferry_progress_decode (&progress, bytes, sizeof header + header.text_length));
  g_assert_cmpuint (progress.xid, ==, 99);
}

static void
test_garbage_harms_nobody (void)
{
  guint n_taken = 0;

  for (guint round = 0; round < 20000; round++)
    {
      gsize size = sizeof (FerryProgressHeader) + (gsize) g_test_rand_int_range (0, 64);
      g_autofree guint8 *garbage = g_malloc (size);
      FerryProgressHeader header;
      FerryProgress progress;

      for (gsize i = 0; i < size; i++)
        garbage[i] = (guint8) g_test_rand_int ();
      memcpy (&header, garbage, sizeof header);
      header.unit_length = (guint16) g_test_rand_int_range (0, 32);
      header.text_length = (guint16) g_test_rand_int_range (0, 32);
      memcpy (garbage, &header, sizeof header);
      if (!ferry_progress_decode (&progress, garbage, size))
        continue;
      n_taken++;
      g_assert_true (progress.fraction == -1 || progress.fraction == FERRY_FRACTION_TAKEN_BACK ||
                     (progress.fraction >= 0 && progress.fraction <= 1));
      g_assert_true (progress.total == 0 || progress.amount <= progress.total);
      g_assert_true (g_utf8_validate (progress.unit, -1, NULL));
      g_assert_true (g_utf8_validate (progress.text, -1, NULL));
    }
  g_assert_cmpuint (n_taken, >, 0);
}

static void
assert_near (double value, double expected)
{
  g_assert_cmpfloat_with_epsilon (value, expected, 1e-9);
}

static void
test_parts_take_their_share (void)
{
  FerryProgressParts parts;

  ferry_progress_parts_init (&parts);
  ferry_progress_parts_begin (&parts, 0.25);
  assert_near (ferry_progress_parts_scale (&parts, 0.5), 0.125);
  g_assert_true (ferry_progress_parts_end (&parts));
  assert_near (parts.furthest, 0.25);
  ferry_progress_parts_begin (&parts, 0.5);
  ferry_progress_parts_begin (&parts, 0.5);
  assert_near (ferry_progress_parts_scale (&parts, 0.5), 0.375);
  g_assert_true (ferry_progress_parts_end (&parts));
  assert_near (parts.furthest, 0.5);
  g_assert_true (ferry_progress_parts_end (&parts));
  assert_near (parts.furthest, 0.75);
  assert_near (ferry_progress_parts_scale (&parts, 1), 1);
  g_assert_false (ferry_progress_parts_end (&parts));
  ferry_progress_parts_clear (&parts);
}

static double
share_of_innermost (const FerryProgressParts *parts)
{
  return g_array_index (parts->parts, FerryProgressPart, parts->parts->len - 1).share;
}

static void
test_parts_never_go_beyond_or_back (void)
{
  FerryProgressParts parts;
  double before = 0;

  ferry_progress_parts_init (&parts);
  for (guint round = 0; round < 10000; round++)
    {
      double number = g_test_rand_double_range (-0.5, 1.5);
      double now = before;

      /* Once in a while a part is taken back, and nothing moves before it ends. */
      if (round % 50 == 0 && ferry_progress_parts_has_part (&parts) && share_of_innermost (&parts) < 0.5)
        ferry_progress_parts_take_back (&parts);
      /* More ends than begins, so that the walk leaves a part without a share. */
      switch (g_test_rand_int_range (0, 5))
        {
        case 0:
          ferry_progress_parts_begin (&parts, round % 100 == 0 ? NAN : number / 8);
          break;
        case 1:
        case 2:
          ferry_progress_parts_end (&parts);
          now = parts.furthest;
          break;
        default:
          now = ferry_progress_parts_scale (&parts, round % 100 == 0 ? NAN : number / 4);
        }
      g_assert_true (now >= before && now <= 1);
      before = now;
    }
  g_assert_cmpfloat (before, >, 0);
  ferry_progress_parts_clear (&parts);
}

static void
test_parts_begin_behind_what_was_reported (void)
{
  FerryProgressParts parts;

  ferry_progress_parts_init (&parts);
  assert_near (ferry_progress_parts_scale (&parts, 0.5), 0.5);
  ferry_progress_parts_begin (&parts, 0.8);
  assert_near (ferry_progress_parts_scale (&parts, 0.5), 0.75);
  g_assert_true (ferry_progress_parts_end (&parts));
  assert_near (parts.furthest, 1);
  ferry_progress_parts_clear (&parts);
}

/* Of a small part, only that part: the job's fraction stands until it ends, and with it what lies in it. */
static void
test_small_part_is_taken_back_alone (void)
{
  FerryProgressParts parts;

  ferry_progress_parts_init (&parts);
  ferry_progress_parts_begin (&parts, 0.4);
  assert_near (ferry_progress_parts_scale (&parts, 0.5), 0.2);
  ferry_progress_parts_take_back (&parts);
  assert_near (parts.furthest, 0.2);
  assert_near (ferry_progress_parts_scale (&parts, 1), 0.2);
  ferry_progress_parts_begin (&parts, 0.5);
  assert_near (ferry_progress_parts_scale (&parts, 1), 0.2);
  g_assert_true (ferry_progress_parts_end (&parts));
  assert_near (parts.furthest, 0.2);
  g_assert_true (ferry_progress_parts_end (&parts));
  assert_near (parts.furthest, 0.4);
  assert_near (ferry_progress_parts_scale (&parts, 0.5), 0.5);
  ferry_progress_parts_clear (&parts);
}

/* A bar that stands in half of the job, or more, is none. */
static void
test_large_part_takes_back_the_whole (void)
{
  const double weights[] = {0.5, 1};

  for (guint i = 0; i < G_N_ELEMENTS (weights); i++)
    {
      FerryProgressParts parts;

      ferry_progress_parts_init (&parts);
      ferry_progress_parts_begin (&parts, weights[i]);
      ferry_progress_parts_scale (&parts, 0.99);
      ferry_progress_parts_take_back (&parts);
      g_assert_cmpfloat (parts.furthest, ==, FERRY_FRACTION_TAKEN_BACK);
      g_assert_true (ferry_progress_parts_end (&parts));
      g_assert_cmpfloat (ferry_progress_parts_scale (&parts, 1), ==, FERRY_FRACTION_TAKEN_BACK);
      ferry_progress_parts_begin (&parts, 0.1);
      g_assert_cmpfloat (ferry_progress_parts_scale (&parts, NAN), ==, FERRY_FRACTION_TAKEN_BACK);
      ferry_progress_parts_clear (&parts);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress/all-arrives", test_all_arrives);
  g_test_add_func ("/progress/nothing-is-nothing", test_nothing_is_nothing);
  g_test_add_func ("/progress/numbers-are-made-sane", test_numbers_are_made_sane);
  g_test_add_func ("/progress/take-back-arrives", test_take_back_arrives);
  g_test_add_func ("/progress/text-is-cut-between-characters", test_text_is_cut_between_characters);
  g_test_add_func ("/progress/long-unit-is-cut", test_long_unit_is_cut);
  g_test_add_func ("/progress/invalid-text-is-made-valid", test_invalid_text_is_made_valid);
  g_test_add_func ("/progress/zeroes-within-text-are-replaced", test_zeroes_within_text_are_replaced);
  g_test_add_func ("/progress/wrong-sizes-are-refused", test_wrong_sizes_are_refused);
  g_test_add_func ("/progress/garbage-harms-nobody", test_garbage_harms_nobody);
  g_test_add_func ("/progress/parts-take-their-share", test_parts_take_their_share);
  g_test_add_func ("/progress/parts-never-go-beyond-or-back", test_parts_never_go_beyond_or_back);
  g_test_add_func ("/progress/parts-begin-behind-what-was-reported", test_parts_begin_behind_what_was_reported);
  g_test_add_func ("/progress/small-part-is-taken-back-alone", test_small_part_is_taken_back_alone);
  g_test_add_func ("/progress/large-part-takes-back-the-whole", test_large_part_takes_back_the_whole);
  return g_test_run ();
}
