/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-list-replica.c
 *
 * A replica of a list that fails, stops, comes again, lies, or is longer than a list model can be; and its own end. */

#include "config.h"

#include <string.h>

#include "object/list-test.h"
#include "property-test.h"

static void
test_failed (void)
{
  ListTest *test = list_test_new_begun (1000);
  guint n_errors = 0;

  g_signal_connect (test->replica, "notify::error", G_CALLBACK (list_test_count_cb), &n_errors);
  list_test_look (test, 5);
  list_test_look (test, 500);
  list_test_turn (test);
  list_test_fail (list_test_get_fetch (test, 0));
  g_assert_cmpuint (n_errors, ==, 1);
  property_test_assert_error (test->replica, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_true (ferry_test_get_number (test->replica, "following"));
  list_test_settle (test);
  g_assert_cmpuint (test->n_asked, ==, 2);
  g_assert_true (list_test_is_loaded (test, 5));
  g_assert_false (list_test_is_loaded (test, 500));
  list_test_settle (test);
  g_assert_cmpuint (test->n_asked, ==, 3);
  list_test_assert_all_right (test);
  list_test_free (test);
}

/* Those that were not asked for with it still are. */
static void
test_failed_alone (void)
{
  ListTest *test = list_test_new_begun (10000);

  list_test_look (test, 9000);
  for (guint i = 0; i < 4; i++)
    list_test_look (test, i * 1000);
  list_test_turn (test);
  g_assert_cmpuint (list_test_get_fetch (test, 3)->position, ==, 0);
  while (test->fetches->len > 0)
    list_test_fail (list_test_get_fetch (test, 0));
  list_test_settle (test);
  g_assert_true (list_test_is_loaded (test, 9000));
  for (guint i = 0; i < 4; i++)
    g_assert_false (ferry_list_row_get_loaded (list_test_look (test, i * 1000)));
  list_test_settle (test);
  list_test_assert_all_right (test);
  list_test_free (test);
}

static void
test_stopped (gconstpointer for_ever)
{
  ListTest *test = list_test_new_begun (1000);
  FerryListRow *row = list_test_look (test, 5);
  guint n_following = 0;

  g_signal_connect (test->replica, "notify::following", G_CALLBACK (list_test_count_cb), &n_following);
  list_test_settle (test);
  list_test_look (test, 300);
  list_test_turn (test);
  list_test_fall_silent (test, for_ever != NULL);
  list_test_deliver (test);
  list_test_fail (list_test_get_fetch (test, 0));
  g_assert_cmpuint (n_following, ==, 1);
  g_assert_false (ferry_test_get_number (test->replica, "following"));
  property_test_assert_error (test->replica, FERRY_ERROR, FERRY_ERROR_NOT_LISTENING);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->replica)), ==, 1000);
  g_assert_true (list_test_look (test, 5) == row);
  g_assert_false (list_test_is_loaded (test, 500));
  list_test_turn (test);
  g_assert_cmpuint (test->n_asked, ==, 2);
  list_test_free (test);
}

/* What was wished for before it was known is not asked for. */
static void
test_stopped_before (void)
{
  ListTest *test = list_test_new_begun (1000);

  list_test_look (test, 5);
  list_test_fall_silent (test, FALSE);
  list_test_deliver (test);
  list_test_turn (test);
  g_assert_cmpuint (test->n_asked, ==, 0);
  list_test_free (test);
}

static void
test_empty (void)
{
  ListTest *test = list_test_new_begun (0);

  g_assert_true (ferry_test_get_number (test->replica, "following"));
  g_assert_cmpuint (test->n_changed, ==, 0);
  list_test_free (test);
}

static void
test_listens_again (void)
{
  ListTest *test = list_test_new_begun (1000);
  g_autoptr (FerryListRow) row = g_object_ref (list_test_look (test, 5));
  guint n_following = 0;
  guint n_changed;

  g_signal_connect (test->replica, "notify::following", G_CALLBACK (list_test_count_cb), &n_following);
  list_test_look (test, 500);
  list_test_turn (test);
  list_test_answer (list_test_get_fetch (test, 1));
  list_test_read (list_test_get_fetch (test, 0));
  list_test_fall_silent (test, FALSE);
  list_test_replace (test, 700);
  list_test_begin (test);
  list_test_deliver (test);
  n_changed = test->n_changed;
  list_test_deliver (test);
  g_assert_cmpuint (test->n_changed, ==, n_changed + 1);
  g_assert_cmpuint (test->fetches->len, ==, 0);
  g_assert_cmpuint (n_following, ==, 2);
  g_assert_true (ferry_test_get_number (test->replica, "following"));
  property_test_assert_no_error (test->replica);
  g_assert_true (list_test_look (test, 5) != row);
  g_assert_true (ferry_list_row_get_loaded (row));
  list_test_settle (test);
  list_test_assert_all_right (test);
  list_test_free (test);
}

/* ---- lies ---- */

static void
assert_broken_off (ListTest *test, guint length)
{
  property_test_assert_error (test->replica, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_false (ferry_test_get_number (test->replica, "following"));
  g_assert_null (test->funcs);
  g_assert_cmpuint (test->fetches->len, ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->replica)), ==, length);
  for (guint i = 0; i < 10 && !test->blind; i++)
    list_test_assert_right (test, i);
  list_test_turn (test);
  g_assert_cmpuint (test->fetches->len, ==, 0);
}

static void
test_hostile_items (void)
{
  static const char *const items[] = {
    "[(1, 1001, 0, 0)], 0",
    "[(1, 0, 1001, 0)], 0",
    "[(1, 999, 2, 0)], 0",
    "[(1, 18446744073709551615, 1, 0)], 0",
    "[(1, 1, 18446744073709551615, 0)], 0",
    "[(1, 0, 0, 18446744073709551615)], 0",
    "[(1, 1000, 0, 18446744073709550616)], 0",
    "[(0, 0, 0, 1)], 0",
  };

  for (guint i = 0; i < G_N_ELEMENTS (items); i++)
    {
      ListTest *test = list_test_new_begun (1000);

      g_test_message ("%s", items[i]);
      list_test_look (test, 3);
      list_test_turn (test);
      list_test_give_item (test, FALSE, items[i]);
      assert_broken_off (test, 1000);
      list_test_free (test);
    }
}

/* What came before the lie counts. */
static void
test_hostile_order (void)
{
  ListTest *test = list_test_new_begun (1000);

  test->blind = TRUE;
  list_test_give_item (test, FALSE, "[(18446744073709551615, 0, 0, 10), (5, 0, 0, 1)], 0");
  g_assert_cmpuint (test->n_changed, ==, 2);
  assert_broken_off (test, 1010);
  list_test_free (test);
}

static void
test_hostile_beginning (void)
{
  ListTest *test = list_test_new_begun (1000);

  list_test_give_item (test, TRUE, "[(7, 0, 0, 0), (8, 21, 0, 0)], 20");
  assert_broken_off (test, 1000);
  list_test_free (test);
}

static void
test_hostile_answers (void)
{
  static const char *const answers[] = {
    "(uint64 0, uint64 10, [<1>, <2>])",
    "(uint64 0, uint64 2, [<1>])",
    "(uint64 0, uint64 10, [<0>, <1>, <2>, <3>, <4>, <5>, <6>, <7>, <8>, <9>, <10>])",
    "(uint64 9, uint64 18446744073709551615, @av [])",
    "(uint64 0, uint64 10, @as [])",
    "(0, uint64 10, [<1>])",
    "'rows'",
  };

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      ListTest *test = list_test_new_begun (10);

      g_test_message ("%s", answers[i]);
      list_test_look (test, 3);
      list_test_turn (test);
      list_test_answer_with (list_test_get_fetch (test, 0), g_variant_new_parsed (answers[i]));
      assert_broken_off (test, 10);
      list_test_free (test);
    }
}

static void
test_other_length (void)
{
  ListTest *test = list_test_new_begun (10);

  list_test_look (test, 3);
  list_test_turn (test);
  list_test_answer_with (
    list_test_get_fetch (test, 0),
    g_variant_new_parsed ("(uint64 0, uint64 11, [<0>, <1>, <2>, <3>, <4>, <5>, <6>, <7>, <8>, <9>])"));
  property_test_assert_error (test->replica, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_true (ferry_test_get_number (test->replica, "following"));
  g_assert_false (list_test_is_loaded (test, 3));
  list_test_settle (test);
  list_test_assert_all_right (test);
  list_test_free (test);
}

/* The latest of several faults is the one that is told. */
static void
test_other_lengths (void)
{
  ListTest *test = list_test_new_begun (10);

  for (guint64 length = 11; length <= 12; length++)
    {
      g_autofree char *words = g_strdup_printf ("had %" G_GUINT64_FORMAT " when", length);
      g_autoptr (GError) error = NULL;

      list_test_look (test, 3);
      list_test_turn (test);
      list_test_answer_with (
        list_test_get_fetch (test, 0),
        g_variant_new_parsed ("(uint64 0, %t, [<0>, <1>, <2>, <3>, <4>, <5>, <6>, <7>, <8>, <9>])", length));
      g_object_get (test->replica, "error", &error, NULL);
      g_assert_nonnull (strstr (error->message, words));
    }
  g_assert_true (ferry_test_get_number (test->replica, "following"));
  list_test_free (test);
}

/* An answer of a list that cannot have been between the two. */
static void
test_hostile_between (void)
{
  ListTest *test = list_test_new_begun (10);
  g_autoptr (FerryListRow) row = g_list_model_get_item (G_LIST_MODEL (test->replica), 0);

  test->blind = TRUE;
  list_test_turn (test);
  list_test_answer_with (list_test_get_fetch (test, 0), g_variant_new_parsed ("(uint64 1, uint64 2, [<1>, <2>])"));
  list_test_give_item (test, FALSE, "[(2, 5, 1, 1)], 0");
  g_assert_false (ferry_list_row_get_loaded (row));
  list_test_turn (test);
  g_assert_cmpuint (test->n_asked, ==, 2);
  list_test_free (test);
}

static void
test_foreign_values (void)
{
  ListTest *test = list_test_new_begun (2);
  g_autoptr (FerryListRow) first = NULL;
  g_autoptr (FerryListRow) second = NULL;

  first = g_list_model_get_item (G_LIST_MODEL (test->replica), 0);
  list_test_turn (test);
  list_test_answer_with (list_test_get_fetch (test, 0),
                         g_variant_new_parsed ("(uint64 0, uint64 2, [<('a', [1.5])>, <<'inner'>>])"));
  second = g_list_model_get_item (G_LIST_MODEL (test->replica), 1);
  g_assert_cmpstr (g_variant_get_type_string (ferry_list_row_get_value (first)), ==, "(sad)");
  g_assert_cmpstr (g_variant_get_type_string (ferry_list_row_get_value (second)), ==, "v");
  list_test_free (test);
}

/* ---- lists that are too long ---- */

typedef struct
{
  GArray *changes; /* (element-type guint): threes */
  guint n_items;
} Shown;

static void
shown_cb (GListModel *model, guint position, guint n_removed, guint n_added, Shown *shown)
{
  const guint change[] = {position, n_removed, n_added};

  g_array_append_vals (shown->changes, change, 3);
  g_assert_cmpuint (position, <=, shown->n_items);
  g_assert_cmpuint (n_removed, <=, shown->n_items - position);
  shown->n_items -= n_removed;
  g_assert_cmpuint (n_added, <=, G_MAXUINT - shown->n_items);
  shown->n_items += n_added;
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, shown->n_items);
}

static void
assert_shown (Shown *shown, guint position, guint n_removed, guint n_added)
{
  g_assert_cmpuint (shown->changes->len, ==, 3);
  g_assert_cmpuint (g_array_index (shown->changes, guint, 0), ==, position);
  g_assert_cmpuint (g_array_index (shown->changes, guint, 1), ==, n_removed);
  g_assert_cmpuint (g_array_index (shown->changes, guint, 2), ==, n_added);
  g_array_set_size (shown->changes, 0);
}

static void
test_too_long (void)
{
  ListTest *test = list_test_new (0);
  Shown shown = {g_array_new (FALSE, FALSE, sizeof (guint)), 0};
  g_autoptr (FerryListRow) row = NULL;
  g_autoptr (FerryListRow) same = NULL;

  test->blind = TRUE;
  g_signal_connect (test->replica, "items-changed", G_CALLBACK (shown_cb), &shown);
  list_test_give_item (test, TRUE, "[], 4294967290");
  assert_shown (&shown, 0, 0, 4294967290);
  row = g_list_model_get_item (G_LIST_MODEL (test->replica), 4000000000);
  list_test_give_item (test, FALSE, "[(1, 4294967290, 0, 10)], 0");
  assert_shown (&shown, 4294967290, 0, 5);
  list_test_give_item (test, FALSE, "[(2, 4294967298, 2, 0)], 0");
  g_assert_cmpuint (shown.changes->len, ==, 0);
  list_test_give_item (test, FALSE, "[(3, 100, 5, 5)], 0");
  assert_shown (&shown, 100, 5, 5);
  list_test_give_item (test, FALSE, "[(4, 3999999999, 0, 18446744069414584317)], 0");
  assert_shown (&shown, 3999999999, 294967296, 294967296);
  list_test_give_item (test, FALSE, "[(5, 3999999999, 18446744069414584317, 0)], 0");
  assert_shown (&shown, 3999999999, 294967296, 294967296);
  same = g_list_model_get_item (G_LIST_MODEL (test->replica), 4000000000);
  g_assert_true (same == row);
  list_test_give_item (test, FALSE, "[(6, 4294967290, 8, 0)], 0");
  assert_shown (&shown, 4294967290, 5, 0);
  list_test_give_item (test, TRUE, "[], 18446744073709551615");
  assert_shown (&shown, 0, 4294967290, G_MAXUINT);
  g_assert_true (ferry_test_get_number (test->replica, "following"));
  g_array_unref (shown.changes);
  g_signal_handlers_disconnect_by_func (test->replica, shown_cb, &shown);
  list_test_free (test);
}

/* ---- its own end ---- */

static void
test_released (void)
{
  ListTest *test = list_test_new_begun (1000);
  FerryListRow *row = list_test_look (test, 5);

  list_test_look (test, 900);
  list_test_turn (test);
  list_test_answer (list_test_get_fetch (test, 1));
  g_assert_cmpuint (test->fetches->len, ==, 1);
  list_test_look (test, 500);
  g_assert_finalize_object (g_steal_pointer (&test->replica));
  g_assert_cmpuint (test->fetches->len, ==, 0);
  g_assert_null (test->funcs);
  g_assert_true (ferry_list_row_get_loaded (row));
  list_test_free (test);
}

static void
dispose_cb (GListModel *model)
{
  g_object_run_dispose (G_OBJECT (model));
}

static void
test_disposed_in_change (void)
{
  ListTest *test = list_test_new_begun (1000);

  list_test_look (test, 5);
  list_test_turn (test);
  test->blind = TRUE;
  g_signal_connect (test->replica, "items-changed", G_CALLBACK (dispose_cb), NULL);
  list_test_give_item (test, FALSE, "[(1, 0, 1, 0), (2, 0, 1, 0), (3, 4000, 1, 0)], 0");
  g_assert_cmpuint (test->n_changed, ==, 2);
  property_test_assert_no_error (test->replica);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->replica)), ==, 0);
  list_test_free (test);
}

static void
release_cb (GObject *row, GParamSpec *pspec, ListTest *test)
{
  g_clear_object (&test->replica);
}

static void
test_released_in_load (void)
{
  ListTest *test = list_test_new_begun (1000);
  g_autoptr (FerryListRow) first = g_list_model_get_item (G_LIST_MODEL (test->replica), 0);
  g_autoptr (FerryListRow) last = g_list_model_get_item (G_LIST_MODEL (test->replica), 127);

  g_signal_connect (first, "notify::value", G_CALLBACK (release_cb), test);
  list_test_turn (test);
  list_test_answer (list_test_get_fetch (test, 0));
  g_assert_null (test->replica);
  g_assert_true (ferry_list_row_get_loaded (last));
  list_test_free (test);
}

static void
released_on_error_cb (GObject *replica, GParamSpec *pspec, ListTest *test)
{
  g_clear_object (&test->replica);
}

static void
test_released_in_failure (void)
{
  ListTest *test = list_test_new_begun (1000);

  g_signal_connect (test->replica, "notify::error", G_CALLBACK (released_on_error_cb), test);
  list_test_look (test, 0);
  list_test_turn (test);
  list_test_fail (list_test_get_fetch (test, 0));
  g_assert_null (test->replica);
  list_test_free (test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/list-replica-ends/tells-why-rows-stay-empty-and-asks-when-told-again", test_failed);
  g_test_add_func ("/list-replica-ends/asks-for-the-rest-when-a-fetch-fails", test_failed_alone);
  g_test_add_data_func ("/list-replica-ends/stays-as-it-was-while-nobody-listens", NULL, test_stopped);
  g_test_add_data_func ("/list-replica-ends/stays-as-it-was-when-the-list-is-gone", "for ever", test_stopped);
  g_test_add_func ("/list-replica-ends/asks-for-nothing-while-nobody-listens", test_stopped_before);
  g_test_add_func ("/list-replica-ends/tells-of-no-change-when-it-was-empty-and-is", test_empty);
  g_test_add_func ("/list-replica-ends/is-replaced-once-the-exporter-listens-again", test_listens_again);
  g_test_add_func ("/list-replica-ends/breaks-off-at-changes-that-cannot-be", test_hostile_items);
  g_test_add_func ("/list-replica-ends/breaks-off-at-changes-out-of-turn", test_hostile_order);
  g_test_add_func ("/list-replica-ends/breaks-off-at-a-beginning-that-cannot-be", test_hostile_beginning);
  g_test_add_func ("/list-replica-ends/breaks-off-at-answers-that-cannot-be", test_hostile_answers);
  g_test_add_func ("/list-replica-ends/does-not-use-rows-of-a-list-of-another-length", test_other_length);
  g_test_add_func ("/list-replica-ends/tells-of-the-latest-of-several-faults", test_other_lengths);
  g_test_add_func ("/list-replica-ends/does-not-use-rows-of-a-list-that-cannot-have-been", test_hostile_between);
  g_test_add_func ("/list-replica-ends/takes-values-of-any-type", test_foreign_values);
  g_test_add_func ("/list-replica-ends/shows-as-many-rows-as-a-model-can-have", test_too_long);
  g_test_add_func ("/list-replica-ends/takes-its-fetches-and-its-subscription-with-it", test_released);
  g_test_add_func ("/list-replica-ends/may-be-disposed-of-in-a-change", test_disposed_in_change);
  g_test_add_func ("/list-replica-ends/may-be-released-when-a-row-comes", test_released_in_load);
  g_test_add_func ("/list-replica-ends/may-be-released-when-a-fetch-fails", test_released_in_failure);
  return g_test_run ();
}
