/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-exported.c
 *
 * The record of an exported object, by itself. */

#include "config.h"

#include "ferry-test.h"
#include "object/ferry-exported-private.h"

static FerryExported *
export_store (FerryObjectTable *table, GListStore *store)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("com.example.List", G_TYPE_LIST_STORE);

  return ferry_object_table_find (table, G_OBJECT (store), interface, FERRY_CALL_POLICY_SERIAL);
}

static void
append_one (GListStore *store)
{
  g_autoptr (GObject) item = g_object_new (G_TYPE_OBJECT, NULL);

  g_list_store_append (store, item);
}

/* Otherwise rows of the second list, which has got the first one's name, could be taken for rows of the first one. */
static void
test_two_lists_have_no_revision_in_common (void)
{
  FerryObjectTable *table = ferry_object_table_new ();
  GListStore *stores[2] = {g_list_store_new (G_TYPE_OBJECT), g_list_store_new (G_TYPE_OBJECT)};
  FerryExported *exported[2] = {export_store (table, stores[0]), export_store (table, stores[1])};
  guint64 first, second;

  g_assert_cmpuint (ferry_exported_get_revision (exported[0]), ==, 0);
  first = ferry_exported_count_revisions (exported[0]);
  second = ferry_exported_count_revisions (exported[1]);
  g_assert_cmpuint (first, >, 0);
  g_assert_cmpuint (second, >, first + G_MAXINT32);
  for (guint i = 1; i <= 1000; i++)
    {
      append_one (stores[0]);
      g_assert_cmpuint (ferry_exported_get_revision (exported[0]), ==, first + i);
    }
  append_one (stores[1]);
  g_assert_cmpuint (ferry_exported_get_revision (exported[1]), ==, second + 1);
  g_assert_cmpuint (ferry_exported_count_revisions (exported[0]), ==, first + 1000);
  ferry_exported_unref (exported[0]);
  ferry_exported_unref (exported[1]);
  g_object_unref (stores[0]);
  g_object_unref (stores[1]);
  ferry_object_table_close (table);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/exported/two-lists-have-no-revision-in-common", test_two_lists_have_no_revision_in_common);
  return g_test_run ();
}
