/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: object/ferry-interface.c, object/ferry-member.c, conversation/ferry-variant-item.c
 *
 * Lists as containers: rows, positions, and what is not allowed. */

#include "config.h"

#include <string.h>

#include "ferry-test.h"
#include "interface-test.h"

/* An item is a counter, and its row the title. */
static GVariant *
row_of (GObject *item, gpointer user_data, GError **error)
{
  g_autofree char *title = NULL;

  g_object_get (item, "title", &title, NULL);
  return g_variant_new_string (title);
}

static GObject *
item_of (GVariant *value, gpointer user_data, GError **error)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return g_object_new (COUNTER_TYPE, "title", g_variant_get_string (value, NULL), NULL);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_object_new (G_TYPE_OBJECT, NULL);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "No title");
  return NULL;
}

static GListStore *
new_store (void)
{
  static const char *const titles[] = {"one", "two", "three"};
  GListStore *store = g_list_store_new (COUNTER_TYPE);

  for (gsize i = 0; i < G_N_ELEMENTS (titles); i++)
    {
      g_autoptr (Counter) item = g_object_new (COUNTER_TYPE, "title", titles[i], NULL);

      g_list_store_append (store, item);
    }
  return store;
}

static GVariant *
fail_row (GObject *item, gpointer user_data, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "No row now");
  return NULL;
}

static FerryInterface *
new_list (GType type, FerryRowFunc get_row, FerryRowItemFunc make_item)
{
  FerryInterface *interface = ferry_interface_new ("com.example.List", type);

  ferry_interface_set_list (interface, get_row, NULL, NULL);
  if (make_item != NULL)
    ferry_interface_accept_items (interface, make_item, NULL, NULL);
  return interface;
}

static const FerryContainerFuncs *
get_funcs (FerryInterface *interface, gpointer *data)
{
  const FerryContainerFuncs *funcs = ferry_interface_get_container (interface, data);

  g_assert_nonnull (funcs);
  g_assert_true (ferry_interface_is_list (interface));
  return funcs;
}

static void
assert_item (FerryInterface *interface, gpointer object, GVariant *key, const char *title)
{
  gpointer data;
  const FerryContainerFuncs *funcs = get_funcs (interface, &data);
  g_autoptr (GVariant) taken = g_variant_ref_sink (key);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) item = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (funcs->get_item (object, taken, &value, &item, data, &error));
  g_assert_no_error (error);
  g_assert_null (item);
  g_assert_cmpstr (g_variant_get_string (value, NULL), ==, title);
}

static void
assert_no_item (FerryInterface *interface, gpointer object, GVariant *key, const char *message)
{
  gpointer data;
  const FerryContainerFuncs *funcs = get_funcs (interface, &data);
  g_autoptr (GVariant) taken = g_variant_ref_sink (key);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) item = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (funcs->get_item (object, taken, &value, &item, data, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, message));
}

static void
test_positions_count_from_both_ends (void)
{
  g_autoptr (FerryInterface) interface = new_list (G_TYPE_LIST_STORE, row_of, item_of);
  g_autoptr (GListStore) store = new_store ();

  assert_item (interface, store, g_variant_new_int64 (0), "one");
  assert_item (interface, store, g_variant_new_int32 (1), "two");
  assert_item (interface, store, g_variant_new_uint32 (2), "three");
  assert_item (interface, store, g_variant_new_uint64 (2), "three");
  assert_item (interface, store, g_variant_new_int64 (-1), "three");
  assert_item (interface, store, g_variant_new_int32 (-3), "one");
  assert_item (interface, store, g_variant_new_int16 (-2), "two");
  assert_item (interface, store, g_variant_new_uint16 (1), "two");
}

static void
test_a_row_that_fails_is_logged_once (void)
{
  g_autoptr (FerryInterface) interface = new_list (G_TYPE_LIST_STORE, fail_row, NULL);
  g_autoptr (GListStore) store = new_store ();
  g_autoptr (GVariant) key = g_variant_ref_sink (g_variant_new_int64 (0));
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) item = NULL;
  gpointer data;
  const FerryContainerFuncs *funcs = get_funcs (interface, &data);

  g_test_expect_message ("Ferry", G_LOG_LEVEL_WARNING, "*rows of 'com.example.List' failed*No row now");
  g_assert_true (funcs->get_item (store, key, &value, &item, data, NULL));
  g_test_assert_expected_messages ();
  g_assert_true (g_variant_is_of_type (value, G_VARIANT_TYPE_UNIT));
}

static void
test_position_out_of_range_names_the_length (void)
{
  g_autoptr (FerryInterface) interface = new_list (G_TYPE_LIST_STORE, row_of, item_of);
  g_autoptr (GListStore) store = new_store ();
  g_autoptr (GListStore) empty = g_list_store_new (COUNTER_TYPE);

  assert_no_item (interface, store, g_variant_new_int64 (3), "length is 3");
  assert_no_item (interface, store, g_variant_new_int64 (-4), "length is 3");
  assert_no_item (interface, store, g_variant_new_int64 (G_MININT64), "length is 3");
  assert_no_item (interface, store, g_variant_new_uint64 (G_MAXUINT64), "length is 3");
  assert_no_item (interface, store, g_variant_new_uint64 (((guint64) 1 << 32) + 1), "length is 3");
  assert_no_item (interface, empty, g_variant_new_int64 (0), "length is 0");
  assert_no_item (interface, empty, g_variant_new_int64 (-1), "length is 0");
  assert_no_item (interface, store, g_variant_new_string ("1"), "'s'");
  assert_no_item (interface, store, g_variant_new_variant (g_variant_new_int64 (0)), "'v'");
}

static gboolean
set_item (FerryInterface *interface, gpointer object, gint64 position, GVariant *value, GError **error)
{
  gpointer data;
  const FerryContainerFuncs *funcs = get_funcs (interface, &data);
  g_autoptr (GVariant) key = g_variant_ref_sink (g_variant_new_int64 (position));
  g_autoptr (GVariant) taken = g_variant_ref_sink (value);

  return funcs->set_item (object, key, taken, data, error);
}

static gboolean
delete_item (FerryInterface *interface, gpointer object, gint64 position, GError **error)
{
  gpointer data;
  const FerryContainerFuncs *funcs = get_funcs (interface, &data);
  g_autoptr (GVariant) key = g_variant_ref_sink (g_variant_new_int64 (position));

  return funcs->delete_item (object, key, data, error);
}

static guint64
get_length (FerryInterface *interface, gpointer object)
{
  gpointer data;
  const FerryContainerFuncs *funcs = get_funcs (interface, &data);
  guint64 length;

  g_assert_true (funcs->get_length (object, &length, data, NULL));
  return length;
}

static gboolean
contains (FerryInterface *interface, gpointer object, GVariant *value)
{
  gpointer data;
  const FerryContainerFuncs *funcs = get_funcs (interface, &data);
  g_autoptr (GVariant) taken = g_variant_ref_sink (value);
  gboolean is_there;

  g_assert_true (funcs->contains (object, taken, &is_there, data, NULL));
  return is_there;
}

static void
test_items_of_a_store_are_replaced_and_removed (void)
{
  g_autoptr (FerryInterface) interface = new_list (G_TYPE_LIST_STORE, row_of, item_of);
  g_autoptr (GListStore) store = new_store ();
  g_autoptr (GError) error = NULL;

  g_assert_true (set_item (interface, store, -2, g_variant_new_string ("second"), &error));
  g_assert_cmpuint (get_length (interface, store), ==, 3);
  assert_item (interface, store, g_variant_new_int64 (1), "second");
  g_assert_true (delete_item (interface, store, 0, &error));
  g_assert_cmpuint (get_length (interface, store), ==, 2);
  assert_item (interface, store, g_variant_new_int64 (0), "second");
  g_assert_false (set_item (interface, store, 2, g_variant_new_string ("third"), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_error (&error);
  g_assert_false (delete_item (interface, store, 2, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_cmpuint (get_length (interface, store), ==, 2);
}

static void
test_value_that_makes_no_item_is_refused (void)
{
  g_autoptr (FerryInterface) interface = new_list (G_TYPE_LIST_STORE, row_of, item_of);
  g_autoptr (GListStore) store = new_store ();
  g_autoptr (GError) error = NULL;

  g_assert_false (set_item (interface, store, 0, g_variant_new_int32 (1), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  /* That makes an item, and one of another type. */
  g_assert_false (set_item (interface, store, 0, g_variant_new_boolean (TRUE), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, "GObject"));
  assert_item (interface, store, g_variant_new_int64 (0), "one");
}

/* A list model that is no store. */
typedef GObject Fixed;
typedef GObjectClass FixedClass;

static GType fixed_get_type (void);

static GType
fixed_get_item_type (GListModel *model)
{
  return COUNTER_TYPE;
}

static guint
fixed_get_n_items (GListModel *model)
{
  return 2;
}

static gpointer
fixed_get_item (GListModel *model, guint position)
{
  return position < 2 ? g_object_new (COUNTER_TYPE, "title", position == 0 ? "first" : "last", NULL) : NULL;
}

static void
fixed_list_model_init (GListModelInterface *interface)
{
  interface->get_item_type = fixed_get_item_type;
  interface->get_n_items = fixed_get_n_items;
  interface->get_item = fixed_get_item;
}

G_DEFINE_TYPE_WITH_CODE (Fixed, fixed, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, fixed_list_model_init))

static void
fixed_class_init (FixedClass *klass)
{
}

static void
fixed_init (Fixed *self)
{
}

static void
test_only_stores_are_changed (void)
{
  g_autoptr (FerryInterface) any = new_list (G_TYPE_LIST_MODEL, row_of, item_of);
  g_autoptr (FerryInterface) rows_only = new_list (G_TYPE_LIST_STORE, row_of, NULL);
  g_autoptr (GListStore) store = new_store ();
  g_autoptr (GObject) model = g_object_new (fixed_get_type (), NULL);
  g_autoptr (GError) error = NULL;

  assert_item (any, model, g_variant_new_int64 (-1), "last");
  g_assert_false (set_item (any, model, 0, g_variant_new_string ("a"), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED);
  g_clear_error (&error);
  g_assert_false (delete_item (any, model, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED);
  g_clear_error (&error);
  g_assert_true (delete_item (any, store, 0, NULL));
  g_assert_false (set_item (rows_only, store, 0, g_variant_new_string ("a"), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED);
}

static void
test_contains_compares_rows (void)
{
  g_autoptr (FerryInterface) interface = new_list (G_TYPE_LIST_STORE, row_of, NULL);
  g_autoptr (GListStore) store = new_store ();

  g_assert_true (contains (interface, store, g_variant_new_string ("three")));
  g_assert_false (contains (interface, store, g_variant_new_string ("four")));
  g_assert_false (contains (interface, store, g_variant_new_int64 (0)));
  g_list_store_remove_all (store);
  g_assert_false (contains (interface, store, g_variant_new_string ("three")));
}

/* All of them are the same one. */
static void
test_long_lists_are_not_searched (void)
{
  g_autoptr (FerryInterface) interface = new_list (G_TYPE_LIST_STORE, row_of, NULL);
  g_autoptr (GListStore) store = new_store ();
  g_autoptr (Counter) item = g_object_new (COUNTER_TYPE, "title", "many", NULL);
  g_autofree gpointer *items = g_new (gpointer, 65536);
  g_autoptr (GVariant) key = g_variant_ref_sink (g_variant_new_string ("many"));
  g_autoptr (GError) error = NULL;
  gboolean is_there;
  gpointer data;
  const FerryContainerFuncs *funcs = get_funcs (interface, &data);

  for (guint i = 0; i < 65536; i++)
    items[i] = item;
  g_list_store_splice (store, 3, 0, items, 65533);
  g_assert_true (funcs->contains (store, key, &is_there, data, &error));
  g_assert_no_error (error);
  g_assert_true (is_there);
  g_list_store_append (store, item);
  g_assert_false (funcs->contains (store, key, &is_there, data, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
}

static void
test_without_rows_items_are_objects (void)
{
  g_autoptr (FerryInterface) interface = new_list (G_TYPE_LIST_STORE, NULL, NULL);
  g_autoptr (GListStore) store = new_store ();
  g_autoptr (GVariant) key = g_variant_ref_sink (g_variant_new_int64 (1));
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GObject) item = NULL;
  g_autoptr (GObject) wanted = g_list_model_get_item (G_LIST_MODEL (store), 1);
  gpointer data;
  const FerryContainerFuncs *funcs = get_funcs (interface, &data);

  g_assert_true (funcs->get_item (store, key, &value, &item, data, NULL));
  g_assert_null (value);
  g_assert_true (item == wanted);
}

static void
test_without_rows_a_row_is_the_properties (void)
{
  g_autoptr (FerryInterface) interface = new_list (G_TYPE_LIST_STORE, NULL, NULL);
  g_autoptr (Counter) item = g_object_new (COUNTER_TYPE, "title", "one", "bit-rate", 320, "serial", "\xff", NULL);
  g_autoptr (GVariant) row = ferry_interface_make_row (interface, item);
  guint32 rate;
  const char *title;

  g_assert_true (g_variant_is_of_type (row, G_VARIANT_TYPE_VARDICT));
  g_assert_true (g_variant_lookup (row, "bit-rate", "u", &rate));
  g_assert_cmpuint (rate, ==, 320);
  g_assert_true (g_variant_lookup (row, "title", "&s", &title));
  g_assert_cmpstr (title, ==, "one");
  /* Not to be read, of no type that is sent, and no text. */
  g_assert_false (g_variant_lookup (row, "secret", "s", NULL));
  g_assert_null (g_variant_lookup_value (row, "peer", NULL));
  g_assert_null (g_variant_lookup_value (row, "date", NULL));
  g_assert_null (g_variant_lookup_value (row, "serial", NULL));
}

static void
test_a_list_is_of_list_models (void)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new (INTERFACE_TEST_NAME, COUNTER_TYPE);

  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL,
                         "ferry_interface_set_list(): *ferry_interface_set_container()*");
  ferry_interface_set_list (interface, row_of, NULL, NULL);
  g_test_assert_expected_messages ();
  g_assert_false (ferry_interface_is_list (interface));
}

static void
test_only_a_list_accepts_items (void)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("com.example.List", G_TYPE_LIST_STORE);

  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "ferry_interface_accept_items(): *ferry_interface_set_list()*");
  ferry_interface_accept_items (interface, item_of, NULL, NULL);
  g_test_assert_expected_messages ();
  g_assert_false (ferry_interface_is_list (interface));
}

static void
count_up (gpointer count)
{
  ++*(guint *) count;
}

static void
test_each_function_of_a_list_has_its_data (void)
{
  FerryInterface *interface = ferry_interface_new ("com.example.List", G_TYPE_LIST_STORE);
  guint n_rows = 0;
  guint n_items = 0;

  ferry_interface_set_list (interface, row_of, &n_rows, count_up);
  ferry_interface_accept_items (interface, item_of, &n_items, count_up);
  ferry_interface_accept_items (interface, item_of, &n_items, count_up);
  g_assert_cmpuint (n_rows, ==, 0);
  g_assert_cmpuint (n_items, ==, 1);
  ferry_interface_set_list (interface, row_of, &n_rows, count_up);
  g_assert_cmpuint (n_rows, ==, 1);
  g_assert_cmpuint (n_items, ==, 2);
  ferry_interface_accept_items (interface, item_of, &n_items, count_up);
  g_assert_finalize_object (interface);
  g_assert_cmpuint (n_rows, ==, 2);
  g_assert_cmpuint (n_items, ==, 3);
}

static GVariant *
no_row (GObject *item, gpointer n_asked, GError **error)
{
  ++*(guint *) n_asked;
  return NULL;
}

static void
test_rows_that_are_missing_are_told_of_once (void)
{
  g_autoptr (FerryInterface) interface = ferry_interface_new ("com.example.List", G_TYPE_LIST_STORE);
  g_autoptr (GListStore) store = new_store ();
  guint n_asked = 0;

  ferry_interface_set_list (interface, no_row, &n_asked, NULL);
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*makes rows of 'com.example.List' returned NULL*");
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (store), i);
      g_autoptr (GVariant) row = ferry_interface_make_row (interface, item);

      g_assert_true (g_variant_is_of_type (row, G_VARIANT_TYPE_UNIT));
      g_test_assert_expected_messages ();
    }
  g_assert_cmpuint (n_asked, ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
#define ADD(path, func) g_test_add_func ("/interface-list/" path, func)
  ADD ("positions-count-from-both-ends", test_positions_count_from_both_ends);
  ADD ("a-row-that-fails-is-logged-once", test_a_row_that_fails_is_logged_once);
  ADD ("position-out-of-range-names-the-length", test_position_out_of_range_names_the_length);
  ADD ("items-of-a-store-are-replaced-and-removed", test_items_of_a_store_are_replaced_and_removed);
  ADD ("value-that-makes-no-item-is-refused", test_value_that_makes_no_item_is_refused);
  ADD ("only-stores-are-changed", test_only_stores_are_changed);
  ADD ("contains-compares-rows", test_contains_compares_rows);
  ADD ("lists-that-are-long-are-not-searched", test_long_lists_are_not_searched);
  ADD ("without-rows-items-are-objects", test_without_rows_items_are_objects);
  ADD ("without-rows-a-row-is-the-properties", test_without_rows_a_row_is_the_properties);
  ADD ("a-list-is-of-list-models", test_a_list_is_of_list_models);
  ADD ("only-a-list-accepts-items", test_only_a_list_accepts_items);
  ADD ("each-function-of-a-list-has-its-data", test_each_function_of_a_list_has_its_data);
  ADD ("rows-that-are-missing-are-told-of-once", test_rows_that_are_missing_are_told_of_once);
#undef ADD
  return g_test_run ();
}
