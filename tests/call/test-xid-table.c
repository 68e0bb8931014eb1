/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-xid-table.c */

#include "config.h"

#include "call/ferry-xid-table-private.h"

static void
test_empty_table_has_nothing (void)
{
  FerryXidTable table = {NULL};

  g_assert_null (ferry_xid_table_find (&table, 0));
  g_assert_null (ferry_xid_table_find (&table, 1));
  g_assert_false (ferry_xid_table_remove (&table, 1, NULL));
  ferry_xid_table_add (&table, 1);
  g_assert_null (ferry_xid_table_find (&table, 0));
  ferry_xid_table_clear (&table);
}

/* Adds and removes at random, beside a hash table that does the same; now and then nearly all of them go. */
static void
test_does_as_a_hash_table_does (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autoptr (GHashTable) model = g_hash_table_new (NULL, NULL);
  FerryXidTable table = {NULL};

  for (guint i = 0; i < 200000; i++)
    {
      guint xid = 1 + (guint) g_rand_int_range (rand, 0, 8000);
      gboolean there = g_hash_table_contains (model, GUINT_TO_POINTER (xid));
      FerryXidEntry *entry = ferry_xid_table_find (&table, xid);
      /* Phases of mostly adding, and of mostly removing. */
      gboolean add = g_rand_int_range (rand, 0, 10) < (i / 20000 % 2 == 0 ? 8 : 1);

      g_assert_true ((entry != NULL) == there);
      g_assert_true (entry == NULL || (entry->xid == xid && entry->window == xid * 3));
      if (add && !there)
        {
          ferry_xid_table_add (&table, xid)->window = xid * 3;
          g_hash_table_add (model, GUINT_TO_POINTER (xid));
        }
      else if (!add)
        {
          g_assert_true (ferry_xid_table_remove (&table, xid, NULL) == there);
          g_hash_table_remove (model, GUINT_TO_POINTER (xid));
        }
      g_assert_cmpuint (table.n_entries, ==, g_hash_table_size (model));
      g_assert_cmpuint (table.n_entries * 2, <=, table.n_slots);
    }
  ferry_xid_table_clear (&table);
}

static void
test_all_come_in_the_order_of_their_numbers (void)
{
  FerryXidTable table = {NULL};
  g_autoptr (GArray) all = NULL;

  for (guint64 xid = 1000; xid > 0; xid--)
    ferry_xid_table_add (&table, xid << 40);
  all = ferry_xid_table_steal_all (&table);
  g_assert_cmpuint (all->len, ==, 1000);
  for (guint i = 0; i < all->len; i++)
    g_assert_cmpuint (g_array_index (all, FerryXidEntry, i).xid, ==, (guint64) (i + 1) << 40);
  g_assert_cmpuint (table.n_entries, ==, 0);
  g_assert_null (ferry_xid_table_find (&table, (guint64) 1 << 40));
}

static void
test_memory_of_a_burst_is_given_back (void)
{
  FerryXidTable table = {NULL};

  for (guint64 xid = 1; xid <= 100000; xid++)
    ferry_xid_table_add (&table, xid);
  for (guint64 xid = 1; xid <= 100000; xid++)
    g_assert_true (ferry_xid_table_remove (&table, xid, NULL));
  g_assert_cmpuint (table.n_slots, <=, 1024);
  ferry_xid_table_clear (&table);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/xid-table/empty-table-has-nothing", test_empty_table_has_nothing);
  g_test_add_func ("/xid-table/does-as-a-hash-table-does", test_does_as_a_hash_table_does);
  g_test_add_func ("/xid-table/all-come-in-the-order-of-their-numbers", test_all_come_in_the_order_of_their_numbers);
  g_test_add_func ("/xid-table/memory-of-a-burst-is-given-back", test_memory_of_a_burst_is_given_back);
  return g_test_run ();
}
