/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-task-pace.c
 *
 * A model with delay is held against the model that it follows, after changes at random: once they are told, both have
 * the same items, and what was told of the changes leads to them. */

#include "config.h"

#include "gtk/ferry-task-pace-private.h"
#include "gtk/widget-test.h"

/* A list of objects that are made when somebody looks. */
#define LAZY_TYPE_LIST (lazy_list_get_type ())
G_DECLARE_FINAL_TYPE (LazyList, lazy_list, LAZY, LIST, GObject)

struct _LazyList
{
  GObject parent_instance;

  guint n_items;
  guint n_made;
};

static void lazy_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (LazyList, lazy_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, lazy_list_model_init))

static GType
lazy_list_get_item_type (GListModel *model)
{
  return G_TYPE_OBJECT;
}

static guint
lazy_list_get_n_items (GListModel *model)
{
  return LAZY_LIST (model)->n_items;
}

static gpointer
lazy_list_get_item (GListModel *model, guint position)
{
  LazyList *self = LAZY_LIST (model);

  if (position >= self->n_items)
    return NULL;
  self->n_made++;
  return g_object_new (G_TYPE_OBJECT, NULL);
}

static void
lazy_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = lazy_list_get_item_type;
  iface->get_n_items = lazy_list_get_n_items;
  iface->get_item = lazy_list_get_item;
}

static void
lazy_list_class_init (LazyListClass *klass)
{
}

static void
lazy_list_init (LazyList *self)
{
}

typedef struct
{
  GListStore *store;
  FerryTaskPace *pace;
  GPtrArray *told; /* what follows of what the model tells */
  guint n_due;
  guint n_told;
  guint n_changes; /* of the store, which are made while something is told */
} Scene;

static void
due_cb (gpointer data)
{
  ((Scene *) data)->n_due++;
}

static void splice (Scene *scene, guint position, guint removed, guint added);
static guint any (guint end);

/* What is not told yet is as it was, where it is known. */
static void
check_told (Scene *scene)
{
  for (guint i = 0; i < scene->told->len; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (scene->pace), i);

      g_assert_true (item == g_ptr_array_index (scene->told, i) || FERRY_IS_TASK (item));
    }
}

static void
items_changed_cb (GListModel *model, guint position, guint removed, guint added, Scene *scene)
{
  scene->n_told++;
  g_assert_cmpuint (position + removed, <=, scene->told->len);
  if (removed > 0)
    g_ptr_array_remove_range (scene->told, position, removed);
  for (guint i = 0; i < added; i++)
    g_ptr_array_insert (scene->told, (int) (position + i), g_list_model_get_item (model, position + i));
  g_assert_cmpuint (scene->told->len, ==, g_list_model_get_n_items (model));
  if (scene->n_changes == 0)
    return;
  scene->n_changes--;
  splice (scene, any (g_list_model_get_n_items (G_LIST_MODEL (scene->store)) + 1), 0, 2);
  splice (scene, any (g_list_model_get_n_items (G_LIST_MODEL (scene->store))), 1, 0);
  check_told (scene);
}

static void
splice (Scene *scene, guint position, guint removed, guint added)
{
  g_autoptr (GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < added; i++)
    g_ptr_array_add (items, g_object_new (G_TYPE_OBJECT, NULL));
  g_list_store_splice (scene->store, position, removed, items->pdata, added);
}

static void
scene_init (Scene *scene, guint n_items)
{
  *scene = (Scene){.store = g_list_store_new (G_TYPE_OBJECT),
                   .pace = ferry_task_pace_new (due_cb, scene),
                   .told = g_ptr_array_new_with_free_func (g_object_unref)};
  splice (scene, 0, 0, n_items);
  g_signal_connect (scene->pace, "items-changed", G_CALLBACK (items_changed_cb), scene);
  ferry_task_pace_set_model (scene->pace, G_LIST_MODEL (scene->store));
  scene->n_told = scene->n_due = 0;
}

static void
scene_clear (Scene *scene)
{
  g_assert_finalize_object (scene->pace);
  g_assert_finalize_object (scene->store);
  g_ptr_array_unref (scene->told);
}

static void
check (Scene *scene)
{
  guint n = g_list_model_get_n_items (G_LIST_MODEL (scene->store));

  g_assert_cmpuint (scene->told->len, ==, n);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (scene->pace)), ==, n);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GObject) wanted = g_list_model_get_item (G_LIST_MODEL (scene->store), i);
      g_autoptr (GObject) item = g_list_model_get_item (G_LIST_MODEL (scene->pace), i);

      g_assert_true (item == wanted);
      g_assert_true (item == g_ptr_array_index (scene->told, i));
    }
}

static guint
any (guint end)
{
  return (guint) g_test_rand_int_range (0, (int) end);
}

static void
test_changes_at_random_lead_to_the_same_items (void)
{
  for (guint round = 0; round < 300; round++)
    {
      Scene scene;

      scene_init (&scene, any (600));
      for (guint i = 0; i < 10; i++)
        {
          for (guint n = any (90); n > 0; n--)
            {
              guint n_items = g_list_model_get_n_items (G_LIST_MODEL (scene.store));
              guint position = any (n_items + 1);

              splice (&scene, position, any (MIN (n_items - position, 4) + 1), any (4));
            }
          ferry_task_pace_tell (scene.pace);
          check (&scene);
        }
      scene_clear (&scene);
    }
}

/* As when the first of many tasks leave the list and others come at its end. */
static void
test_changes_at_both_ends_are_two (void)
{
  Scene scene;

  scene_init (&scene, 1000);
  for (guint i = 0; i < 100; i++)
    {
      splice (&scene, i % 8, 1, 0);
      splice (&scene, 999, 0, 1);
    }
  g_assert_cmpuint (scene.n_due, ==, 1);
  g_assert_cmpuint (scene.n_told, ==, 0);
  ferry_task_pace_tell (scene.pace);
  g_assert_cmpuint (scene.n_told, ==, 2);
  check (&scene);
  scene_clear (&scene);
}

static void
test_another_model_is_told_at_once (void)
{
  Scene scene;
  g_autoptr (GListStore) store = NULL;

  scene_init (&scene, 10);
  splice (&scene, 3, 1, 0);
  store = g_steal_pointer (&scene.store);
  scene.store = g_list_store_new (G_TYPE_OBJECT);
  splice (&scene, 0, 0, 5);
  ferry_task_pace_set_model (scene.pace, G_LIST_MODEL (scene.store));
  check (&scene);
  scene_clear (&scene);
}

static void
test_changes_come_while_others_are_told (void)
{
  for (guint round = 0; round < 100; round++)
    {
      Scene scene;

      scene_init (&scene, 500);
      for (guint n = 0; n < 10; n++)
        splice (&scene, 50 * n, 1, n % 3);
      check_told (&scene);
      scene.n_changes = 20;
      while (scene.n_changes > 0)
        {
          ferry_task_pace_tell (scene.pace);
          check_told (&scene);
        }
      ferry_task_pace_tell (scene.pace);
      check (&scene);
      scene_clear (&scene);
    }
}

/* Others are what they were. */
static void
test_an_item_that_is_gone_has_a_stand_in (void)
{
  Scene scene;
  g_autoptr (GObject) gone = NULL, before = NULL, after = NULL, first = NULL, wanted = NULL;

  scene_init (&scene, 100);
  first = g_list_model_get_item (G_LIST_MODEL (scene.store), 0);
  wanted = g_list_model_get_item (G_LIST_MODEL (scene.store), 51);
  splice (&scene, 50, 1, 0);
  before = g_list_model_get_item (G_LIST_MODEL (scene.pace), 0);
  gone = g_list_model_get_item (G_LIST_MODEL (scene.pace), 50);
  after = g_list_model_get_item (G_LIST_MODEL (scene.pace), 51);
  g_assert_true (before == first);
  g_assert_true (FERRY_IS_TASK (gone));
  g_assert_true (after == wanted);
  ferry_task_pace_tell (scene.pace);
  check (&scene);
  scene_clear (&scene);
}

static void
test_an_item_is_made_when_somebody_looks (void)
{
  LazyList *list = g_object_new (LAZY_TYPE_LIST, NULL);
  FerryTaskPace *pace = ferry_task_pace_new (due_cb, &(Scene){0});
  GObject *item;

  list->n_items = 100000;
  ferry_task_pace_set_model (pace, G_LIST_MODEL (list));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (pace)), ==, 100000);
  g_assert_cmpuint (list->n_made, ==, 0);
  item = g_list_model_get_item (G_LIST_MODEL (pace), 99999);
  g_assert_cmpuint (list->n_made, ==, 1);
  g_assert_finalize_object (item);
  g_assert_finalize_object (pace);
  g_assert_finalize_object (list);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/task-pace/changes-at-random-lead-to-the-same-items",
                   test_changes_at_random_lead_to_the_same_items);
  g_test_add_func ("/task-pace/changes-at-both-ends-are-two", test_changes_at_both_ends_are_two);
  g_test_add_func ("/task-pace/another-model-is-told-at-once", test_another_model_is_told_at_once);
  g_test_add_func ("/task-pace/changes-come-while-others-are-told", test_changes_come_while_others_are_told);
  g_test_add_func ("/task-pace/an-item-that-is-gone-has-a-stand-in", test_an_item_that_is_gone_has_a_stand_in);
  g_test_add_func ("/task-pace/an-item-is-made-when-somebody-looks", test_an_item_is_made_when_somebody_looks);
  return g_test_run ();
}
