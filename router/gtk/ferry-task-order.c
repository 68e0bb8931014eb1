/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The order of a list of tasks: that of another model, but for those that were moved.
 *
 * Threads:    the one that runs GTK.
 * Invariants: an item is moved or one of the rest. The rest is in the order of the model, and a moved item stands
 * before a place of the rest. So a change of the model costs a walk of the moved items, of which there are few, and an
 * item is found in a time that grows with the logarithm of their number. */

#include "config.h"

#include "gtk/ferry-task-order-private.h"

typedef struct
{
  guint place; /* in the model */
  guint rest;  /* how many items of the rest stand before this one */
} Moved;

struct _FerryTaskOrder
{
  GObject parent_instance;

  GListModel *model; /* (nullable) (owned) */
  guint n_model;
  GArray *moved;  /* (element-type Moved), in the order in which they stand; see taken */
  GArray *places; /* (element-type guint), those of the moved ones and of the one that is taken, rising */

  gboolean is_replacing;
  guint replaced;   /* where the old item stood */
  guint n_before;   /* how many items there were */
  guint n_added;    /* items that came at the end of the model */
  guint n_removed;  /* items that were removed where the old one stood */
  guint n_in_place; /* items that took the place of the old one, as those of a queue do */
  guint n_others;   /* other changes */
};

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryTaskOrder, ferry_task_order, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

/* ---- places ---- */

static Moved *
get_moved (FerryTaskOrder *self, guint i)
{
  return &g_array_index (self->moved, Moved, i);
}

static guint
get_place (FerryTaskOrder *self, guint i)
{
  return g_array_index (self->places, guint, i);
}

/* How many moved items stand before that position. */
static guint
count_moved_before (FerryTaskOrder *self, guint position)
{
  guint low = 0, high = self->moved->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (get_moved (self, middle)->rest + middle < position)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/* How many items that are not of the rest stand in the model before that place. */
static guint
count_places_before (FerryTaskOrder *self, guint place)
{
  guint low = 0, high = self->places->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (get_place (self, middle) < place)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

/* The place in the model of an item of the rest. */
static guint
find_place_of_rest (FerryTaskOrder *self, guint rest)
{
  guint low = 0, high = self->places->len;

  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (get_place (self, middle) - middle <= rest)
        low = middle + 1;
      else
        high = middle;
    }
  return rest + low;
}

/* The place in the model of the item that stands in that position. */
static guint
find_place (FerryTaskOrder *self, guint position)
{
  guint i = count_moved_before (self, position);

  if (i < self->moved->len && get_moved (self, i)->rest + i == position)
    return get_moved (self, i)->place;
  return find_place_of_rest (self, position - i);
}

/* The position in which an item of the rest stands: after the moved ones that stand before it. */
static guint
find_position_of_rest (FerryTaskOrder *self, guint rest)
{
  guint i = 0;

  while (i < self->moved->len && get_moved (self, i)->rest <= rest)
    i++;
  return rest + i;
}

static guint
count_items (FerryTaskOrder *self)
{
  return self->n_model - self->places->len + self->moved->len;
}

/* ---- moves ---- */

/* Takes the item in that position out. It is in no position then, and one of the moved ones. */
static guint
take_out (FerryTaskOrder *self, guint position)
{
  guint i = count_moved_before (self, position), place = find_place (self, position);
  guint rest = position - i;

  if (i < self->moved->len && get_moved (self, i)->place == place)
    {
      g_array_remove_index (self->moved, i);
      return place;
    }
  for (; i < self->moved->len; i++)
    if (get_moved (self, i)->rest > rest)
      get_moved (self, i)->rest--;
  g_array_insert_val (self->places, count_places_before (self, place), place);
  return place;
}

static void
put_in (FerryTaskOrder *self, guint place, guint position)
{
  guint i = count_moved_before (self, position);
  Moved moved = {place, position - i};

  g_array_insert_val (self->moved, i, moved);
}

void
ferry_task_order_move (FerryTaskOrder *self, guint from, guint to)
{
  guint place = take_out (self, from);

  g_list_model_items_changed (G_LIST_MODEL (self), from, 1, 0);
  put_in (self, place, to);
  g_list_model_items_changed (G_LIST_MODEL (self), to, 0, 1);
}

/* ---- changes of the model ---- */

static void
tell (FerryTaskOrder *self, guint position, guint removed, guint added)
{
  if (!self->is_replacing)
    g_list_model_items_changed (G_LIST_MODEL (self), position, removed, added);
  else if (removed == 0 && added == 1 && position + 1 == count_items (self))
    self->n_added++;
  else if (removed == 1 && added == 0 && position == self->replaced)
    self->n_removed++;
  else if (removed == 1 && added == 1 && position == self->replaced)
    self->n_in_place++;
  else
    self->n_others++;
}

/* Forgets the moved items in that part of the model. Returns the first position in which one of them stood. */
static guint
forget_moved (FerryTaskOrder *self, guint place, guint n)
{
  guint first = G_MAXUINT;

  for (guint i = self->moved->len; i > 0; i--)
    if (get_moved (self, i - 1)->place - place < n)
      {
        first = get_moved (self, i - 1)->rest + i - 1;
        g_array_remove_index (self->moved, i - 1);
      }
  return first;
}

/* Follows a change of the rest. Moved items between those that were removed stand behind those that were added.
 * Returns how many there are. */
static guint
shift_rest (FerryTaskOrder *self, guint rest, guint removed, guint added)
{
  guint n_between = 0;

  for (guint i = 0; i < self->moved->len; i++)
    {
      Moved *moved = get_moved (self, i);

      if (moved->rest >= rest + removed && (moved->rest > rest || removed > 0))
        moved->rest += added - removed;
      else if (moved->rest > rest)
        {
          moved->rest = rest + added;
          n_between++;
        }
    }
  return n_between;
}

static void
shift_places (FerryTaskOrder *self, guint place, guint removed, guint added)
{
  guint first = count_places_before (self, place), end = count_places_before (self, place + removed);

  g_array_remove_range (self->places, first, end - first);
  for (guint i = first; i < self->places->len; i++)
    g_array_index (self->places, guint, i) += added - removed;
  for (guint i = 0; i < self->moved->len; i++)
    if (get_moved (self, i)->place >= place + removed)
      get_moved (self, i)->place += added - removed;
}

static void
items_changed_cb (FerryTaskOrder *self, guint place, guint removed, guint added)
{
  guint n_before = count_items (self);
  guint rest = place - count_places_before (self, place);
  guint n_moved = count_places_before (self, place + removed) - count_places_before (self, place);
  guint first = n_moved > 0 ? forget_moved (self, place, removed) : G_MAXUINT;
  guint position = find_position_of_rest (self, rest), n_between;

  shift_places (self, place, removed, added);
  n_between = shift_rest (self, rest, removed - n_moved, added);
  self->n_model += added - removed;
  if (n_moved == 0)
    tell (self, position, removed + n_between, added + n_between);
  else if (removed == 1 && added == 0)
    tell (self, first, 1, 0);
  else
    tell (self, 0, n_before, count_items (self));
}

void
ferry_task_order_begin_replacement (FerryTaskOrder *self, guint position)
{
  self->is_replacing = TRUE;
  self->replaced = position;
  self->n_before = count_items (self);
  self->n_added = self->n_removed = self->n_in_place = self->n_others = 0;
}

void
ferry_task_order_end_replacement (FerryTaskOrder *self)
{
  guint n_items = count_items (self);

  self->is_replacing = FALSE;
  if (self->n_added == 1 && self->n_removed == 1 && self->n_in_place + self->n_others == 0)
    {
      put_in (self, take_out (self, n_items - 1), self->replaced);
      g_list_model_items_changed (G_LIST_MODEL (self), self->replaced, 1, 1);
    }
  else if (self->n_added + self->n_removed + self->n_others > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), 0, self->n_before, n_items);
  else if (self->n_in_place > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), self->replaced, 1, 1);
}

/* ---- the object ---- */

static GType
get_item_type (GListModel *model)
{
  return G_TYPE_OBJECT;
}

static guint
get_n_items (GListModel *model)
{
  return count_items (FERRY_TASK_ORDER (model));
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryTaskOrder *self = FERRY_TASK_ORDER (model);

  if (position >= count_items (self))
    return NULL;
  return g_list_model_get_item (self->model, self->places->len > 0 ? find_place (self, position) : position);
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
ferry_task_order_dispose (GObject *object)
{
  FerryTaskOrder *self = FERRY_TASK_ORDER (object);

  if (self->model != NULL)
    g_signal_handlers_disconnect_by_data (self->model, self);
  g_clear_object (&self->model);
  self->n_model = 0;
  g_array_set_size (self->moved, 0);
  g_array_set_size (self->places, 0);
  G_OBJECT_CLASS (ferry_task_order_parent_class)->dispose (object);
}

static void
ferry_task_order_finalize (GObject *object)
{
  FerryTaskOrder *self = FERRY_TASK_ORDER (object);

  g_array_unref (self->moved);
  g_array_unref (self->places);
  G_OBJECT_CLASS (ferry_task_order_parent_class)->finalize (object);
}

static void
ferry_task_order_class_init (FerryTaskOrderClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_task_order_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_task_order_finalize;
}

static void
ferry_task_order_init (FerryTaskOrder *self)
{
  self->moved = g_array_new (FALSE, FALSE, sizeof (Moved));
  self->places = g_array_new (FALSE, FALSE, sizeof (guint));
}

FerryTaskOrder *
ferry_task_order_new (void)
{
  return g_object_new (FERRY_TYPE_TASK_ORDER, NULL);
}

void
ferry_task_order_set_model (FerryTaskOrder *self, GListModel *model)
{
  guint n_before = count_items (self);

  if (self->model == model)
    return;
  if (self->model != NULL)
    g_signal_handlers_disconnect_by_data (self->model, self);
  g_array_set_size (self->moved, 0);
  g_array_set_size (self->places, 0);
  g_set_object (&self->model, model);
  self->n_model = model != NULL ? g_list_model_get_n_items (model) : 0;
  if (model != NULL)
    g_signal_connect_object (model, "items-changed", G_CALLBACK (items_changed_cb), self, G_CONNECT_SWAPPED);
  g_list_model_items_changed (G_LIST_MODEL (self), 0, n_before, self->n_model);
}
