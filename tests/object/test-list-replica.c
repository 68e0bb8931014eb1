/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-list-replica.c, object/ferry-list-row.c
 *
 * How a replica comes by its rows, and keeps them. */

#include "config.h"

#include <string.h>

#include "object/list-test.h"

#define PAGE 128

static void
test_length (void)
{
  ListTest *test = list_test_new (1000000);

  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->replica)), ==, 0);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (test->replica), 0));
  g_assert_false (ferry_test_get_number (test->replica, "following"));
  g_assert_true (g_list_model_get_item_type (G_LIST_MODEL (test->replica)) == FERRY_TYPE_LIST_ROW);
  list_test_begin (test);
  list_test_deliver (test);
  g_assert_true (ferry_test_get_number (test->replica, "following"));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (test->replica)), ==, 1000000);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (test->replica), 1000000));
  list_test_turn (test);
  g_assert_cmpuint (test->n_asked, ==, 0);
  list_test_look (test, 999999);
  list_test_look (test, 0);
  list_test_settle (test);
  list_test_assert_all_right (test);
  g_assert_cmpuint (test->n_asked, ==, 2);
  list_test_free (test);
}

static void
test_page (void)
{
  ListTest *test = list_test_new_begun (1000);
  ListTestFetch *fetch;
  guint n_loaded = 0;

  g_assert_false (list_test_is_loaded (test, 130));
  g_signal_connect (list_test_look (test, 130), "notify::loaded", G_CALLBACK (list_test_count_cb), &n_loaded);
  g_assert_false (list_test_is_loaded (test, 255));
  list_test_turn (test);
  fetch = list_test_get_fetch (test, 0);
  g_assert_cmpuint (fetch->position, ==, PAGE);
  g_assert_cmpuint (fetch->n_rows, ==, PAGE);
  g_assert_cmpuint (test->n_loaded, ==, 0);
  list_test_answer (fetch);
  g_assert_cmpuint (test->n_loaded, ==, 2);
  g_assert_cmpuint (n_loaded, ==, 1);
  g_assert_true (list_test_is_loaded (test, 130));
  g_assert_true (list_test_is_loaded (test, 200));
  g_assert_false (list_test_is_loaded (test, 256));
  list_test_settle (test);
  list_test_assert_all_right (test);
  g_assert_cmpuint (test->n_asked, ==, 2);
  list_test_free (test);
}

static void
test_last_page (void)
{
  ListTest *test = list_test_new_begun (300);

  list_test_look (test, 299);
  list_test_turn (test);
  g_assert_cmpuint (list_test_get_fetch (test, 0)->n_rows, ==, 300 - 2 * PAGE);
  list_test_settle (test);
  list_test_assert_all_right (test);
  list_test_free (test);
}

static const char *wanted_critical; /* (nullable): NULL where none may come */
static guint n_criticals;

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if ((level & G_LOG_LEVEL_CRITICAL) == 0 || wanted_critical == NULL)
    return g_log_writer_default (level, fields, n_fields, data);
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      g_assert_true (g_str_has_prefix (fields[i].value, wanted_critical));
  n_criticals++;
  return G_LOG_WRITER_HANDLED;
}

static gpointer
use_properties (gpointer replica)
{
  static const char *const names[] = {"page-size", "cache-size", "following", "error", "n-items"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_autofree char *wanted = g_strdup_printf ("FerryListReplica:%s was used on another thread ", names[i]);

      wanted_critical = wanted;
      n_criticals = 0;
      g_object_get_property (replica, names[i], &value);
      g_assert_cmpuint (n_criticals, ==, 1);
      if (i >= 2)
        continue;
      g_object_set (replica, names[i], 1, NULL);
      g_assert_cmpuint (n_criticals, ==, 2);
    }
  wanted_critical = NULL;
  return NULL;
}

static void
test_elsewhere (void)
{
  ListTest *test = list_test_new_begun (10);

  g_thread_join (g_thread_new ("elsewhere", use_properties, test->replica));
  g_assert_cmpint (ferry_test_get_number (test->replica, "page-size"), ==, PAGE);
  g_assert_cmpint (ferry_test_get_number (test->replica, "cache-size"), ==, 8192);
  list_test_free (test);
}

static void
test_page_size (void)
{
  ListTest *test = list_test_new_begun (1000);

  g_object_set (test->replica, "page-size", 10, NULL);
  g_assert_cmpint (ferry_test_get_number (test->replica, "page-size"), ==, 10);
  list_test_look (test, 25);
  list_test_turn (test);
  g_assert_cmpuint (list_test_get_fetch (test, 0)->position, ==, 20);
  g_assert_cmpuint (list_test_get_fetch (test, 0)->n_rows, ==, 10);
  list_test_settle (test);
  list_test_free (test);
}

static void
test_once (void)
{
  ListTest *test = list_test_new_begun (1000);

  for (guint i = 0; i < PAGE; i++)
    {
      list_test_look (test, i);
      list_test_turn (test);
    }
  g_assert_cmpuint (test->n_asked, ==, 1);
  list_test_settle (test);
  for (guint i = 0; i < PAGE; i++)
    g_assert_true (list_test_is_loaded (test, i));
  list_test_settle (test);
  g_assert_cmpuint (test->n_asked, ==, 1);
  list_test_free (test);
}

static void
test_newest_first (void)
{
  ListTest *test = list_test_new_begun (100 * PAGE);

  for (guint i = 0; i < 10; i++)
    list_test_look (test, i * PAGE);
  list_test_turn (test);
  g_assert_cmpuint (test->fetches->len, ==, 4);
  for (guint i = 0; i < 4; i++)
    g_assert_cmpuint (list_test_get_fetch (test, i)->position, ==, (9 - i) * PAGE);
  list_test_look (test, 50 * PAGE);
  list_test_turn (test);
  g_assert_cmpuint (test->fetches->len, ==, 4);
  list_test_answer (list_test_get_fetch (test, 2));
  list_test_turn (test);
  g_assert_cmpuint (list_test_get_fetch (test, 3)->position, ==, 50 * PAGE);
  list_test_settle (test);
  list_test_assert_all_right (test);
  g_assert_cmpuint (test->most_fetches, ==, 4);
  g_assert_cmpuint (test->n_asked, ==, 11);
  list_test_free (test);
}

static void
test_scrolling (void)
{
  ListTest *test = list_test_new_begun (1000000);

  for (guint i = 0; i < 999000; i += 30)
    {
      list_test_look (test, i);
      list_test_look_away (test, i);
      if (i % 3000 == 0)
        list_test_turn (test);
    }
  list_test_look (test, 500);
  list_test_look (test, 999999);
  list_test_settle (test);
  list_test_assert_all_right (test);
  g_assert_cmpuint (test->n_asked, ==, 2);
  list_test_free (test);
}

static void
test_cache (void)
{
  ListTest *test = list_test_new_begun (10 * PAGE);

  g_object_set (test->replica, "cache-size", 2 * PAGE, NULL);
  for (guint i = 0; i < 3; i++)
    {
      list_test_look (test, i * PAGE);
      list_test_settle (test);
    }
  list_test_look_away (test, PAGE);
  g_assert_true (list_test_is_loaded (test, PAGE));
  g_assert_true (list_test_is_loaded (test, 2 * PAGE));
  g_assert_true (list_test_is_loaded (test, 0));
  g_assert_false (list_test_is_loaded (test, 1));
  list_test_settle (test);
  g_assert_cmpuint (test->n_asked, ==, 4);
  g_object_set (test->replica, "cache-size", 0, NULL);
  list_test_look_away (test, 0);
  g_assert_false (list_test_is_loaded (test, 0));
  list_test_settle (test);
  g_assert_true (list_test_is_loaded (test, 0));
  list_test_assert_all_right (test);
  list_test_free (test);
}

static void
note_gone (gpointer data, GObject *object)
{
  ++*(guint *) data;
}

static void
test_released (void)
{
  ListTest *test = list_test_new_begun (PAGE);
  guint n_gone = 0;

  g_object_weak_ref (G_OBJECT (list_test_look (test, 3)), note_gone, &n_gone);
  list_test_settle (test);
  list_test_look_away (test, 3);
  g_assert_cmpuint (n_gone, ==, 0);
  g_assert_true (list_test_is_loaded (test, 3));
  list_test_look_away (test, 3);
  g_object_set (test->replica, "cache-size", 0, NULL);
  g_assert_cmpuint (n_gone, ==, 1);
  g_assert_false (list_test_is_loaded (test, 3));
  list_test_settle (test);
  list_test_free (test);
}

/* ---- changes ---- */

static void
test_n_items (void)
{
  ListTest *test = list_test_new_begun (1000);
  guint n_items = 0;
  guint n = 0;

  g_signal_connect (test->replica, "notify::n-items", G_CALLBACK (list_test_count_cb), &n_items);
  list_test_splice (test, 5, 1, 1);
  list_test_settle (test);
  g_assert_cmpuint (n_items, ==, 0);
  list_test_splice (test, 5, 1, 3);
  list_test_settle (test);
  g_assert_cmpuint (n_items, ==, 1);
  g_object_get (test->replica, "n-items", &n, NULL);
  g_assert_cmpuint (n, ==, 1002);
  list_test_free (test);
}

static void
test_moves (void)
{
  ListTest *test = list_test_new_begun (1000);
  FerryListRow *loaded = list_test_look (test, 500);
  FerryListRow *removed = g_object_ref (list_test_look (test, 10));
  FerryListRow *empty;
  guint64 number;

  list_test_settle (test);
  number = g_array_index (test->numbers, guint64, 10);
  empty = list_test_look (test, 900);
  list_test_splice (test, 5, 20, 100);
  list_test_tell (test);
  list_test_deliver (test);
  g_assert_true (list_test_look (test, 580) == loaded);
  g_assert_true (list_test_look (test, 980) == empty);
  g_assert_cmpuint (g_variant_get_uint64 (ferry_list_row_get_value (removed)), ==, number);
  g_assert_false (list_test_is_loaded (test, 10));
  list_test_settle (test);
  g_assert_true (ferry_list_row_get_loaded (empty));
  list_test_assert_all_right (test);
  g_object_unref (removed);
  list_test_free (test);
}

static void
test_removed_empty (void)
{
  ListTest *test = list_test_new_begun (1000);
  g_autoptr (FerryListRow) row = g_object_ref (list_test_look (test, 700));

  list_test_splice (test, 0, 1000, 10);
  list_test_settle (test);
  g_assert_false (ferry_list_row_get_loaded (row));
  g_assert_cmpuint (test->n_asked, ==, 0);
  list_test_free (test);
}

static void
test_append (void)
{
  ListTest *test = list_test_new_begun (1000000);
  guint n_changed = test->n_changed;

  list_test_look (test, 0);
  list_test_settle (test);
  for (guint i = 0; i < 1000; i++)
    list_test_splice (test, 1000000 + i, 0, 1);
  list_test_settle (test);
  g_assert_cmpuint (test->n_changed, ==, n_changed + 1000);
  list_test_look (test, 1000999);
  list_test_settle (test);
  list_test_assert_all_right (test);
  g_assert_cmpuint (test->n_asked, ==, 2);
  list_test_free (test);
}

static void
test_too_old (void)
{
  ListTest *test = list_test_new_begun (1000);

  list_test_look (test, 0);
  list_test_turn (test);
  list_test_read (list_test_get_fetch (test, 0));
  list_test_splice (test, 0, 1, 1);
  list_test_splice (test, 0, 1, 1);
  list_test_look (test, 1);
  list_test_tell (test);
  list_test_deliver (test);
  list_test_look (test, 0);
  list_test_answer (list_test_get_fetch (test, 0));
  g_assert_false (list_test_is_loaded (test, 0));
  g_assert_false (list_test_is_loaded (test, 1));
  list_test_settle (test);
  list_test_assert_all_right (test);
  g_assert_cmpuint (test->n_asked, ==, 2);
  list_test_free (test);
}

static void
test_too_new (void)
{
  ListTest *test = list_test_new_begun (1000);

  list_test_look (test, 0);
  list_test_look (test, 20);
  list_test_turn (test);
  list_test_splice (test, 10, 0, 5);
  list_test_splice (test, 0, 1, 0);
  list_test_tell (test);
  list_test_answer (list_test_get_fetch (test, 0));
  g_assert_false (list_test_is_loaded (test, 0));
  g_assert_false (list_test_is_loaded (test, 20));
  list_test_turn (test);
  g_assert_cmpuint (test->n_asked, ==, 1);
  list_test_deliver (test);
  g_assert_true (list_test_is_loaded (test, 24));
  list_test_look (test, 0);
  list_test_settle (test);
  list_test_assert_all_right (test);
  g_assert_cmpuint (test->n_asked, ==, 1);
  list_test_free (test);
}

static void
test_jumped_past (void)
{
  ListTest *test = list_test_new_begun (1000);

  list_test_look (test, 0);
  list_test_turn (test);
  list_test_splice (test, 10, 0, 5);
  list_test_read (list_test_get_fetch (test, 0));
  list_test_splice (test, 5, 1, 2);
  list_test_look (test, 6);
  list_test_look (test, 12);
  list_test_answer (list_test_get_fetch (test, 0));
  list_test_join (test);
  list_test_tell (test);
  list_test_deliver (test);
  g_assert_true (list_test_is_loaded (test, 0));
  g_assert_true (list_test_is_loaded (test, 4));
  g_assert_false (list_test_is_loaded (test, 5));
  g_assert_false (list_test_is_loaded (test, 15));
  g_assert_true (list_test_is_loaded (test, 16));
  g_assert_true (list_test_is_loaded (test, 128));
  g_assert_false (list_test_is_loaded (test, 129));
  list_test_settle (test);
  list_test_assert_all_right (test);
  g_assert_cmpuint (test->n_asked, ==, 3);
  list_test_free (test);
}

static void
test_moved_out (void)
{
  ListTest *test = list_test_new_begun (10 * PAGE);

  list_test_look (test, 10);
  list_test_turn (test);
  list_test_splice (test, 0, 0, 3 * PAGE);
  list_test_tell (test);
  list_test_deliver (test);
  list_test_turn (test);
  g_assert_cmpuint (test->fetches->len, ==, 2);
  g_assert_cmpuint (list_test_get_fetch (test, 1)->position, ==, 3 * PAGE);
  list_test_settle (test);
  list_test_assert_all_right (test);
  list_test_free (test);
}

static void
test_shrunk (void)
{
  ListTest *test = list_test_new_begun (1000);

  list_test_look (test, 100);
  list_test_look (test, 999);
  list_test_turn (test);
  list_test_splice (test, 50, 900, 0);
  list_test_splice (test, 100, 0, 3);
  list_test_settle (test);
  list_test_look (test, 102);
  list_test_settle (test);
  list_test_assert_all_right (test);
  list_test_free (test);
}

static void
deliver_more (GListModel *model, guint position, guint n_removed, guint n_added, ListTest *test)
{
  list_test_deliver (test);
  list_test_turn (test);
  while (test->fetches->len > 0)
    list_test_answer (list_test_get_fetch (test, 0));
}

/* What the subscription tells while a handler runs comes after what it told before. */
static void
test_nested (void)
{
  ListTest *test = list_test_new_begun (1000);

  g_signal_connect (test->replica, "items-changed", G_CALLBACK (deliver_more), test);
  for (guint i = 0; i < 10; i++)
    {
      list_test_look (test, 90 + i);
      list_test_splice (test, 500 - i, 1, 0);
      list_test_splice (test, i, 0, 1);
      list_test_tell (test);
    }
  list_test_settle (test);
  g_assert_cmpuint (test->n_changed, ==, 21);
  list_test_assert_all_right (test);
  g_signal_handlers_disconnect_by_func (test->replica, deliver_more, test);
  list_test_free (test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);

  g_test_add_func ("/list-replica/has-length-at-once-and-rows-as-they-are-looked-at", test_length);
  g_test_add_func ("/list-replica/loads-a-page-into-the-rows-that-were-given", test_page);
  g_test_add_func ("/list-replica/asks-for-no-more-than-there-is", test_last_page);
  g_test_add_func ("/list-replica/properties-belong-to-its-thread", test_elsewhere);
  g_test_add_func ("/list-replica/asks-for-pages-as-large-as-it-is-told", test_page_size);
  g_test_add_func ("/list-replica/asks-for-a-page-once", test_once);
  g_test_add_func ("/list-replica/asks-for-four-pages-at-a-time-and-the-newest-first", test_newest_first);
  g_test_add_func ("/list-replica/does-not-ask-for-what-was-scrolled-past", test_scrolling);
  g_test_add_func ("/list-replica/keeps-the-latest-rows-that-nobody-holds", test_cache);
  g_test_add_func ("/list-replica/lets-go-of-rows-that-nobody-has", test_released);
  g_test_add_func ("/list-replica/notifies-of-its-length", test_n_items);
  g_test_add_func ("/list-replica/moves-rows-behind-a-change", test_moves);
  g_test_add_func ("/list-replica/does-not-ask-for-rows-that-were-removed", test_removed_empty);
  g_test_add_func ("/list-replica/appends-to-a-long-list", test_append);
  g_test_add_func ("/list-replica/asks-again-when-the-answer-is-too-old", test_too_old);
  g_test_add_func ("/list-replica/keeps-an-answer-until-the-subscription-has-caught-up", test_too_new);
  g_test_add_func ("/list-replica/uses-what-a-joined-change-has-not-touched", test_jumped_past);
  g_test_add_func ("/list-replica/asks-again-for-rows-that-moved-out-of-a-page", test_moved_out);
  g_test_add_func ("/list-replica/lives-with-a-list-that-shrinks-under-a-fetch", test_shrunk);
  g_test_add_func ("/list-replica/keeps-the-order-where-a-handler-runs-the-main-loop", test_nested);
  return g_test_run ();
}
