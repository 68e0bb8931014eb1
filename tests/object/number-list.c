/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* See number-list.h. */

#include "config.h"

#include "object/number-list.h"

#define TYPE_NUMBER (number_get_type ())

G_DECLARE_FINAL_TYPE (Number, number, TEST, NUMBER, GObject)

struct _Number
{
  GObject parent_instance;

  guint64 number;
};

G_DEFINE_FINAL_TYPE (Number, number, G_TYPE_OBJECT)

static void
number_class_init (NumberClass *klass)
{
}

static void
number_init (Number *self)
{
}

struct _NumberList
{
  GObject parent_instance;

  GArray *numbers; /* (element-type guint64) */
  guint64 next;
  guint n_made;
};

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (NumberList, number_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static GType
get_item_type (GListModel *model)
{
  return TYPE_NUMBER;
}

static guint
get_n_items (GListModel *model)
{
  return NUMBER_LIST (model)->numbers->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  NumberList *self = NUMBER_LIST (model);
  Number *item;

  if (position >= self->numbers->len)
    return NULL;
  item = g_object_new (TYPE_NUMBER, NULL);
  item->number = number_list_get (self, position);
  self->n_made++;
  return item;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
number_list_finalize (GObject *object)
{
  g_array_unref (NUMBER_LIST (object)->numbers);

  G_OBJECT_CLASS (number_list_parent_class)->finalize (object);
}

static void
number_list_class_init (NumberListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = number_list_finalize;
}

static void
number_list_init (NumberList *self)
{
  self->numbers = g_array_new (FALSE, FALSE, sizeof (guint64));
}

NumberList *
number_list_new (guint length)
{
  NumberList *self = g_object_new (NUMBER_TYPE_LIST, NULL);

  number_list_splice (self, 0, 0, length);
  return self;
}

guint64
number_list_get (NumberList *self, guint position)
{
  g_assert_cmpuint (position, <, self->numbers->len);
  return g_array_index (self->numbers, guint64, position);
}

void
number_list_splice (NumberList *self, guint position, guint n_removed, guint n_added)
{
  g_autofree guint64 *added = g_new (guint64, n_added + 1);

  for (guint i = 0; i < n_added; i++)
    added[i] = self->next++;
  if (n_removed > 0)
    g_array_remove_range (self->numbers, position, n_removed);
  g_array_insert_vals (self->numbers, position, added, n_added);
  g_list_model_items_changed (G_LIST_MODEL (self), position, n_removed, n_added);
}

guint
number_list_get_n_made (NumberList *self)
{
  return self->n_made;
}

GVariant *
number_list_get_row (GObject *item, gpointer user_data, GError **error)
{
  return g_variant_new_uint64 (TEST_NUMBER (item)->number);
}
