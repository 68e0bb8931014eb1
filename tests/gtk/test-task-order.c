/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-order.c
 *
 * A model in another order is held against a plain list, in which the test does the same, after each of many changes
 * at random. What the model tells of its changes must lead to the same list. */

#include "config.h"

#include "gtk/ferry-task-order-private.h"
#include "gtk/widget-test.h"

typedef struct
{
  GListStore *store;
  FerryTaskOrder *order;
  GPtrArray *expected; /* of the items, as they must stand */
  GPtrArray *told;     /* what follows of what the model tells */
} Scene;

static void
items_changed_cb (GListModel *model, guint position, guint removed, guint added, Scene *scene)
{
  g_assert_cmpuint (position + removed, <=, scene->told->len);
  if (removed > 0)
    g_ptr_array_remove_range (scene->told, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (scene->told, (int) (position + i), g_list_model_get_item (model, position + i));
  g_assert_cmpuint (scene->told->len, ==, g_list_model_get_n_items (model));
}

static void
scene_init (Scene *scene)
{
  scene->store = g_list_store_new (G_TYPE_OBJECT);
  scene->order = ferry_task_order_new ();
  scene->expected = g_ptr_array_new_with_free_func (g_object_unref);
  scene->told = g_ptr_array_new_with_free_func (g_object_unref);
  g_signal_connect (scene->order, "items-changed", G_CALLBACK (items_changed_cb), scene);
  ferry_task_order_set_model (scene->order, G_LIST_MODEL (scene->store));
}

static void
scene_clear (Scene *scene)
{
  g_assert_finalize_object (scene->order);
  g_object_unref (scene->store);
  g_ptr_array_unref (scene->expected);
  g_ptr_array_unref (scene->told);
}

static guint
find (GPtrArray *items, gconstpointer item)
{
  guint position;

  g_assert_true (g_ptr_array_find (items, item, &position));
  return position;
}

static void
check (Scene *scene)
{
  GListModel *model = G_LIST_MODEL (scene->order);

  g_assert_cmpuint (g_list_model_get_n_items (model), ==, scene->expected->len);
  for (guint i = 0; i < scene->expected->len; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (model, i);

      g_assert_true (item == g_ptr_array_index (scene->expected, i));
      g_assert_true (item == g_ptr_array_index (scene->told, i));
    }
}

/* An item at the end of the store stands at the end. */
static void
append (Scene *scene)
{
  GObject *item = g_object_new (G_TYPE_OBJECT, NULL);

  g_ptr_array_add (scene->expected, item);
  g_list_store_append (scene->store, item);
}

static void
remove_at (Scene *scene, guint place)
{
  g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (scene->store), place);

  g_ptr_array_remove_index (scene->expected, find (scene->expected, item));
  g_list_store_remove (scene->store, place);
}

static void
remove_range (Scene *scene, guint place, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (scene->store), place + i);

      g_ptr_array_remove_index (scene->expected, find (scene->expected, item));
    }
  g_list_store_splice (scene->store, place, n, NULL, 0);
}

static void
move (Scene *scene, guint from, guint to)
{
  gpointer item = g_object_ref (g_ptr_array_index (scene->expected, from));

  g_ptr_array_remove_index (scene->expected, from);
  g_ptr_array_insert (scene->expected, (int) to, item);
  ferry_task_order_move (scene->order, from, to);
}

/* Another item takes the place of one. */
static void
replace (Scene *scene, guint position)
{
  gpointer old = g_object_ref (g_ptr_array_index (scene->expected, position));
  GObject *item = g_object_new (G_TYPE_OBJECT, NULL);
  guint place;

  ferry_task_order_begin_replacement (scene->order, position);
  g_list_store_append (scene->store, item);
  g_assert_true (g_list_store_find (scene->store, old, &place));
  g_list_store_remove (scene->store, place);
  ferry_task_order_end_replacement (scene->order);
  g_ptr_array_remove_index (scene->expected, position);
  g_ptr_array_insert (scene->expected, (int) position, item);
  g_object_unref (old);
}

static guint
any (guint end)
{
  return (guint) g_test_rand_int_range (0, (int) end);
}

static void
change (Scene *scene)
{
  guint n = scene->expected->len;

  if (n < 4)
    append (scene);
  else
    switch (any (6))
      {
      case 0:
      case 1:
        append (scene);
        break;
      case 2:
        remove_at (scene, any (n));
        break;
      case 3:
        move (scene, any (n), any (n));
        break;
      case 4:
        replace (scene, any (n));
        break;
      default:
        {
          guint place = any (n);

          remove_range (scene, place, any (MIN (n - place, 4)));
        }
      }
}

static void
test_items_stand_where_they_were_moved_whatever_else_changes (void)
{
  for (guint round = 0; round < 200; round++)
    {
      Scene scene;

      scene_init (&scene);
      for (guint i = 0; i < 60; i++)
        {
          change (&scene);
          check (&scene);
        }
      scene_clear (&scene);
    }
}

static void
test_replacement_is_told_as_one_item_for_another (void)
{
  Scene scene;
  guint n_told = 0;

  scene_init (&scene);
  for (guint i = 0; i < 5; i++)
    append (&scene);
  g_signal_connect_swapped (scene.order, "items-changed", G_CALLBACK (g_atomic_int_inc), &n_told);
  replace (&scene, 1);
  g_assert_cmpuint (n_told, ==, 1);
  check (&scene);
  scene_clear (&scene);
}

static void
test_another_model_is_in_its_own_order (void)
{
  Scene scene;
  g_autoptr (GListStore) other = g_list_store_new (G_TYPE_OBJECT);

  scene_init (&scene);
  for (guint i = 0; i < 5; i++)
    append (&scene);
  move (&scene, 4, 0);
  ferry_task_order_set_model (scene.order, G_LIST_MODEL (other));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (scene.order)), ==, 0);
  g_ptr_array_set_size (scene.expected, 0);
  check (&scene);
  scene_clear (&scene);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/task-order/items-stand-where-they-were-moved-whatever-else-changes",
                   test_items_stand_where_they_were_moved_whatever_else_changes);
  g_test_add_func ("/task-order/replacement-is-told-as-one-item-for-another",
                   test_replacement_is_told_as_one_item_for_another);
  g_test_add_func ("/task-order/another-model-is-in-its-own-order", test_another_model_is_in_its_own_order);
  return g_test_run ();
}
