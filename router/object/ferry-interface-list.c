/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rows of a list as the items of a container.
 *
 * Threads: where the list is used.
 * Trust:   keys and values come from another process. */

#include "config.h"

#include "object/ferry-interface-fields-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-variant-item-private.h"

/* How many rows are made to find one. */
#define MAX_SEARCHED 65536

/* ---- rows ---- */

static GVariant *
make_properties_row (GObject *item)
{
  guint n_pspecs;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (item), &n_pspecs);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (guint i = 0; i < n_pspecs; i++)
    {
      g_auto (GValue) held = G_VALUE_INIT;
      g_autoptr (GVariant) value = NULL;

      if ((pspecs[i]->flags & G_PARAM_READABLE) == 0 || ferry_value_get_variant_type (pspecs[i]->value_type) == NULL)
        continue;
      g_value_init (&held, pspecs[i]->value_type);
      g_object_get_property (item, pspecs[i]->name, &held);
      /* A string that cannot be sent is left out, as what has no type is. */
      value = ferry_value_to_variant (&held, NULL);
      if (value != NULL)
        g_variant_builder_add (&builder, "{sv}", pspecs[i]->name, value);
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

GVariant *
ferry_interface_make_row (FerryInterface *self, gpointer item)
{
  GVariant *row;

  if (self->get_row == NULL)
    return make_properties_row (item);
  row = self->get_row (item, self->user_data);
  if (row != NULL)
    return g_variant_take_ref (row);
  g_critical ("The function that makes rows of “%s” gave none for a “%s”", self->name, G_OBJECT_TYPE_NAME (item));
  return g_variant_ref_sink (g_variant_new ("()"));
}

/* ---- positions ---- */

static gboolean
is_position (GVariant *key)
{
  return g_variant_is_of_type (key, G_VARIANT_TYPE_INT64) || g_variant_is_of_type (key, G_VARIANT_TYPE_UINT64) ||
         g_variant_is_of_type (key, G_VARIANT_TYPE_INT32) || g_variant_is_of_type (key, G_VARIANT_TYPE_UINT32);
}

static gboolean
take_position (GListModel *model, GVariant *key, guint *position, GError **error)
{
  guint64 found;

  if (!is_position (key))
    {
      g_set_error (
        error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
        "The key of a list's item is a position, of type “x”, “t”, “i” or “u”, and not of type “%s”; send one",
        g_variant_get_type_string (key));
      return FALSE;
    }
  if (!ferry_variant_get_position (key, g_list_model_get_n_items (model), &found, error))
    return FALSE;
  *position = (guint) found;
  return TRUE;
}

/* (nullable): with FERRY_ERROR_NOT_ALLOWED */
static GListStore *
get_store (FerryInterface *self, gpointer object, GError **error)
{
  if (G_IS_LIST_STORE (object))
    return G_LIST_STORE (object);
  g_set_error (
    error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED,
    "Items of “%s” are not to be replaced or removed, since a “%s” is no GListStore; give it methods for that",
    self->name, G_OBJECT_TYPE_NAME (object));
  return NULL;
}

/* ---- the container ---- */

static gboolean
get_item (gpointer object, GVariant *key, GVariant **value, GObject **item, gpointer user_data, GError **error)
{
  FerryInterface *self = user_data;
  g_autoptr (GObject) found = NULL;
  guint position;

  if (!take_position (object, key, &position, error))
    return FALSE;
  found = g_list_model_get_item (object, position);
  if (self->get_row != NULL)
    *value = ferry_interface_make_row (self, found);
  else
    *item = g_steal_pointer (&found);
  return TRUE;
}

static gboolean
set_item (gpointer object, GVariant *key, GVariant *value, gpointer user_data, GError **error)
{
  FerryInterface *self = user_data;
  GListStore *store = get_store (self, object, error);
  g_autoptr (GObject) item = NULL;
  gpointer additions[1];
  guint position;

  if (store == NULL)
    return FALSE;
  if (self->make_item == NULL)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_NOT_ALLOWED,
                   "Items of “%s” are not to be replaced: nothing makes items of values there", self->name);
      return FALSE;
    }
  item = self->make_item (value, self->user_data, error);
  /* Only then: whatever makes items may change the list as well. */
  if (item == NULL || !take_position (object, key, &position, error))
    return FALSE;
  if (!g_type_is_a (G_OBJECT_TYPE (item), g_list_model_get_item_type (object)))
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "The list has items of “%s”, and the value makes a “%s”",
                   g_type_name (g_list_model_get_item_type (object)), G_OBJECT_TYPE_NAME (item));
      return FALSE;
    }
  additions[0] = item;
  g_list_store_splice (store, position, 1, additions, 1);
  return TRUE;
}

static gboolean
delete_item (gpointer object, GVariant *key, gpointer user_data, GError **error)
{
  GListStore *store = get_store (user_data, object, error);
  guint position;

  if (store == NULL || !take_position (object, key, &position, error))
    return FALSE;
  g_list_store_remove (store, position);
  return TRUE;
}

static gboolean
contains (gpointer object, GVariant *key, gboolean *is_there, gpointer user_data, GError **error)
{
  *is_there = FALSE;
  /* Whoever asks is not to hold up the thread for as long as it likes. */
  if (g_list_model_get_n_items (object) > MAX_SEARCHED)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE,
                   "A list of more than %d items is not searched; add a method that knows where to look", MAX_SEARCHED);
      return FALSE;
    }
  for (guint i = 0; !*is_there; i++)
    {
      g_autoptr (GObject) item = g_list_model_get_item (object, i);
      g_autoptr (GVariant) row = item != NULL ? ferry_interface_make_row (user_data, item) : NULL;

      if (row == NULL)
        break;
      *is_there = g_variant_equal (row, key);
    }
  return TRUE;
}

static gboolean
get_length (gpointer object, guint64 *length, gpointer user_data, GError **error)
{
  *length = g_list_model_get_n_items (object);
  return TRUE;
}

const FerryContainerFuncs ferry_interface_list_funcs = {
  .get_item = get_item,
  .set_item = set_item,
  .delete_item = delete_item,
  .contains = contains,
  .get_length = get_length,
};
