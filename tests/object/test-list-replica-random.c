/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-list-replica.c, object/ferry-list-row.c
 *
 * 20,000 things that happen to a list and its replica, from a seed: changes, told one by one or joined, looks, answers
 * that are read and arrive whenever it pleases them, failures, stops, other lists in its place. Whatever is loaded is
 * right all the time, and once it is quiet all that is looked at is loaded. */

#include "config.h"

#include "object/list-test.h"

#define N_STEPS 20000
#define LONGEST 4000

typedef struct
{
  ListTest *test;
  GRand *rand;
  gboolean silent;
  guint n_quiet;
} Play;

static guint
pick (Play *play, guint n)
{
  return n == 0 ? 0 : (guint) g_rand_int_range (play->rand, 0, (gint32) n);
}

static void
change (Play *play)
{
  guint length = play->test->numbers->len;
  guint position = pick (play, 4) == 0 ? length : pick (play, length + 1);
  guint most = pick (play, 50) == 0 ? LONGEST : 8;
  guint n_removed = pick (play, MIN (most, length - position) + 1);
  guint n_added = pick (play, MIN (most, LONGEST - (length - n_removed)) + 1);

  list_test_splice (play->test, position, n_removed, n_added);
}

static void
tell (Play *play)
{
  if (play->silent)
    return;
  if (pick (play, 3) == 0)
    list_test_join (play->test);
  list_test_tell (play->test);
}

/* Where the eye is now; it looks away from most of what it saw. */
static void
look (Play *play)
{
  guint length = play->test->cells->len;
  guint start = pick (play, length);

  for (guint i = 0; i < 10; i++)
    if (length > 0)
      list_test_look_away (play->test, pick (play, length));
  for (guint i = start; i < MIN (start + 20, length); i++)
    list_test_look (play->test, i);
}

static void
look_away (Play *play)
{
  for (guint i = 0; i < play->test->cells->len; i++)
    list_test_look_away (play->test, i);
}

/* An answer of a list that is silent was read before. */
static void
fetch (Play *play)
{
  ListTestFetch *fetch;

  if (play->test->fetches->len == 0)
    return;
  fetch = list_test_get_fetch (play->test, pick (play, play->test->fetches->len));
  if (pick (play, 20) == 0 || (play->silent && fetch->answer == NULL))
    list_test_fail (fetch);
  else if (fetch->answer == NULL && pick (play, 2) == 0)
    list_test_read (fetch);
  else
    list_test_answer (fetch);
}

static void
stop (Play *play)
{
  for (guint i = 0; i < play->test->fetches->len; i++)
    if (list_test_get_fetch (play->test, i)->answer == NULL && pick (play, 2) == 0)
      list_test_read (list_test_get_fetch (play->test, i));
  list_test_fall_silent (play->test, FALSE);
  play->silent = TRUE;
}

static void
start (Play *play)
{
  while (play->test->fetches->len > 0)
    fetch (play);
  if (pick (play, 2) == 0)
    list_test_replace (play->test, pick (play, LONGEST));
  list_test_begin (play->test);
  play->silent = FALSE;
}

static void
become_quiet (Play *play)
{
  if (play->silent)
    start (play);
  list_test_settle (play->test);
  for (guint i = 0; i < play->test->cells->len; i++)
    if (g_array_index (play->test->cells, ListTestCell, i).row != NULL)
      list_test_look (play->test, i);
  look (play);
  list_test_settle (play->test);
  list_test_assert_all_right (play->test);
  play->n_quiet++;
}

static void
resize (Play *play)
{
  g_object_set (play->test->replica, "page-size", 1 + pick (play, 200), NULL);
  g_object_set (play->test->replica, "cache-size", pick (play, 3) == 0 ? pick (play, 20) : 500, NULL);
}

static void
step (Play *play)
{
  guint what = pick (play, 1000);

  if (what < 200)
    change (play);
  else if (what < 350)
    tell (play);
  else if (what < 500)
    list_test_deliver (play->test);
  else if (what < 600)
    look (play);
  else if (what < 605)
    look_away (play);
  else if (what < 780)
    fetch (play);
  else if (what < 980)
    list_test_turn (play->test);
  else if (what < 985)
    resize (play);
  else if (what < 990)
    become_quiet (play);
  else if (play->silent)
    start (play);
  else if (what < 993)
    stop (play);
}

static void
test_random (void)
{
  guint32 seed = (guint32) g_test_rand_int ();
  Play play = {list_test_new (1000), g_rand_new_with_seed (seed), TRUE, 0};

  g_test_message ("The seed is %u", seed);
  for (guint i = 0; i < N_STEPS; i++)
    {
      guint n = play.test->cells->len;

      step (&play);
      g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (play.test->replica)), ==, play.test->cells->len);
      if (n > 0 && n == play.test->cells->len)
        list_test_assert_right (play.test, pick (&play, n));
    }
  become_quiet (&play);
  g_assert_cmpuint (play.test->most_fetches, <=, 4);
  g_assert_cmpuint (play.test->n_loaded, >, 1000);
  g_assert_cmpuint (play.n_quiet, >, 10);
  g_test_message ("%u fetches, %u rows came, %u changes were seen", play.test->n_asked, play.test->n_loaded,
                  play.test->n_changed);
  g_rand_free (play.rand);
  list_test_free (play.test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/list-replica-random/is-right-at-all-times-and-whole-once-it-is-quiet", test_random);
  return g_test_run ();
}
