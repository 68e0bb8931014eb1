/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An item of a map that has ended, with its result.
 *
 * Threads: any, since an item never changes. */

#include "config.h"

#include "task/ferry-map-private.h"

#include "base/ferry-property-private.h"

/**
 * FerryMapItem:
 *
 * An item of a [class@Ferry.Map] that has ended: its index, and its value or its error.
 *
 * An item that failed is a result too. The value was sent by another process: check its type before use, unless this
 * program has registered the function too. An item never changes, so any thread may use it.
 */
struct _FerryMapItem
{
  GObject parent_instance;

  guint64 index;   /* const, as the fields below */
  GVariant *value; /* (owned) (nullable) */
  GError *error;   /* (owned) (nullable) */
};

enum
{
  PROP_INDEX = 1,
  PROP_VALUE,
  PROP_ERROR,
  N_PROPERTIES,
};

G_DEFINE_FINAL_TYPE (FerryMapItem, ferry_map_item, G_TYPE_OBJECT)

static void
ferry_map_item_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_INDEX] = G_CALLBACK (ferry_map_item_get_index),
    [PROP_VALUE] = G_CALLBACK (ferry_map_item_get_value),
    [PROP_ERROR] = G_CALLBACK (ferry_map_item_get_error),
  };

  ferry_property_get (object, getters[property_id], value);
}

static void
ferry_map_item_finalize (GObject *object)
{
  FerryMapItem *self = FERRY_MAP_ITEM (object);

  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_error (&self->error);

  G_OBJECT_CLASS (ferry_map_item_parent_class)->finalize (object);
}

static void
ferry_map_item_class_init (FerryMapItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamSpec *properties[N_PROPERTIES] = {NULL};

  object_class->get_property = ferry_map_item_get_property;
  object_class->finalize = ferry_map_item_finalize;
  /**
   * FerryMapItem:index: (getter get_index)
   *
   * The number of the item in the order of submission, from 0 on.
   */
  properties[PROP_INDEX] = g_param_spec_uint64 ("index", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_READABLE);
  /**
   * FerryMapItem:value: (getter get_value)
   *
   * The function's result; %NULL for a function without a result, and when the item failed.
   */
  properties[PROP_VALUE] = g_param_spec_variant ("value", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, FERRY_READABLE);
  /**
   * FerryMapItem:error: (getter get_error)
   *
   * Why the item failed; %NULL if it did not. For users, `ferry_describe_error()` of `<ferry-gtk.h>` has a sentence.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, FERRY_READABLE);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_map_item_init (FerryMapItem *self)
{
}

FerryMapItem *
ferry_map_item_new (guint64 index, GVariant *value, GError *error)
{
  FerryMapItem *self = g_object_new (FERRY_TYPE_MAP_ITEM, NULL);

  self->index = index;
  self->value = value;
  self->error = error;
  return self;
}

/**
 * ferry_map_item_get_index:
 * @self: an item
 *
 * Gets [property@Ferry.MapItem:index]. Any thread.
 *
 * Returns: the number of the item in the order of submission, from 0 on
 */
guint64
ferry_map_item_get_index (FerryMapItem *self)
{
  g_return_val_if_fail (FERRY_IS_MAP_ITEM (self), 0);

  return self->index;
}

/**
 * ferry_map_item_get_value:
 * @self: an item
 *
 * Gets [property@Ferry.MapItem:value]. Any thread.
 *
 * Returns: (transfer none) (nullable): the function's result
 */
GVariant *
ferry_map_item_get_value (FerryMapItem *self)
{
  g_return_val_if_fail (FERRY_IS_MAP_ITEM (self), NULL);

  return self->value;
}

/**
 * ferry_map_item_get_error:
 * @self: an item
 *
 * Gets [property@Ferry.MapItem:error]. Any thread.
 *
 * Returns: (transfer none) (nullable): why the item failed, or %NULL
 */
const GError *
ferry_map_item_get_error (FerryMapItem *self)
{
  g_return_val_if_fail (FERRY_IS_MAP_ITEM (self), NULL);

  return self->error;
}
