/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A row of a remote list: empty at first, then with its value, for good.
 *
 * Owner:   whoever asked for it, and its replica for as long as it keeps it.
 * Threads: the replica's.
 * Trust:   its value is another process': it has any type and content. */

#include "config.h"

#include "object/ferry-list-row-private.h"

/**
 * FerryListRow:
 *
 * A row of a [class@Ferry.ListReplica].
 *
 * A row that was not looked at before is empty until it came from the other process: connect to `notify::value`, or
 * bind [property@Ferry.ListRow:value], which changes once. When the row of the remote list changes, the replica has
 * another row in its place. A row that was removed from the list keeps the value that it has.
 *
 * It is for the thread of its replica, and is to be released there.
 *
 * Since: 0.1
 */
struct _FerryListRow
{
  GObject parent_instance;

  FerryHome *home; /* const: (owned) (nullable): the replica's */
  GVariant *value; /* (owned) (nullable) */
  FerryRowPlace place;
};

enum
{
  PROP_0,
  PROP_VALUE,
  PROP_LOADED,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerryListRow, ferry_list_row, G_TYPE_OBJECT)

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  FerryListRow *self = FERRY_LIST_ROW (object);

  switch (id)
    {
    case PROP_VALUE:
      g_value_set_variant (value, ferry_list_row_get_value (self));
      break;
    case PROP_LOADED:
      g_value_set_boolean (value, ferry_list_row_get_loaded (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
ferry_list_row_dispose (GObject *object)
{
  FerryListRow *self = FERRY_LIST_ROW (object);

  ferry_row_table_forget (&self->place);

  G_OBJECT_CLASS (ferry_list_row_parent_class)->dispose (object);
}

static void
ferry_list_row_finalize (GObject *object)
{
  FerryListRow *self = FERRY_LIST_ROW (object);

  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_pointer (&self->home, ferry_home_unref);

  G_OBJECT_CLASS (ferry_list_row_parent_class)->finalize (object);
}

static void
ferry_list_row_class_init (FerryListRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_list_row_dispose;
  object_class->finalize = ferry_list_row_finalize;
  object_class->get_property = get_property;

  /**
   * FerryListRow:value: (getter get_value)
   *
   * What the other process shows of the row, or %NULL until it came. It changes once at the most.
   *
   * Since: 0.1
   */
  properties[PROP_VALUE] =
    g_param_spec_variant ("value", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  /**
   * FerryListRow:loaded: (getter get_loaded)
   *
   * Whether there is a value.
   *
   * Since: 0.1
   */
  properties[PROP_LOADED] =
    g_param_spec_boolean ("loaded", NULL, NULL, FALSE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_list_row_init (FerryListRow *self)
{
  self->place.row = self;
}

FerryListRow *
ferry_list_row_new (FerryHome *home)
{
  FerryListRow *self = g_object_new (FERRY_TYPE_LIST_ROW, NULL);

  if (home != NULL)
    self->home = ferry_home_ref (home);
  return self;
}

FerryRowPlace *
ferry_list_row_get_place (FerryListRow *self)
{
  return &self->place;
}

void
ferry_list_row_load (FerryListRow *self, GVariant *value)
{
  g_assert (self->value == NULL);
  self->value = g_variant_ref_sink (value);
}

void
ferry_list_row_notify_loaded (FerryListRow *self)
{
  g_object_freeze_notify (G_OBJECT (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_VALUE]);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_LOADED]);
  g_object_thaw_notify (G_OBJECT (self));
}

/**
 * ferry_list_row_get_value: (get-property value)
 * @self: a row
 *
 * Gets what the other process shows of the row. It comes from there: look at its type before it is used. On the
 * replica's thread.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL until it came
 *
 * Since: 0.1
 */
GVariant *
ferry_list_row_get_value (FerryListRow *self)
{
  g_return_val_if_fail (FERRY_IS_LIST_ROW (self), NULL);
  ferry_return_val_if_elsewhere (self->home, NULL);

  return self->value;
}

/**
 * ferry_list_row_get_loaded: (get-property loaded)
 * @self: a row
 *
 * Tells whether there is a value. On the replica's thread.
 *
 * Returns: %TRUE when it has a value
 *
 * Since: 0.1
 */
gboolean
ferry_list_row_get_loaded (FerryListRow *self)
{
  g_return_val_if_fail (FERRY_IS_LIST_ROW (self), FALSE);
  ferry_return_val_if_elsewhere (self->home, FALSE);

  return self->value != NULL;
}
