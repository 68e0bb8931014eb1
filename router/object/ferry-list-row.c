/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of a remote list's rows, with the rows that are held or kept. */

#include "config.h"

#include "object/ferry-list-replica-private.h"

#include "base/ferry-property-private.h"

struct _FerryRowTable
{
  GSequence *rows;         /* (element-type FerryListRow) (unowned): by position */
  GQueue kept;             /* (element-type FerryListRow) (owned): the row that was looked at last is first */
  GQueue wished;           /* (element-type FerryListRow) (unowned): the row that was wished for last is first */
  guint cache_size;        /* how many rows are kept at most */
  FerryAffinity *affinity; /* const: (unowned): the thread of the replica */
};

/**
 * FerryListRow:
 *
 * A row of a [class@Ferry.ListReplica].
 *
 * A row that was not looked at before is empty until its value arrives from the other process. Connect to
 * `notify::value`, or bind [property@Ferry.ListRow:value], which changes once. When a row of the remote list changes,
 * the replica replaces its row object by a new one. A row that was removed from the list keeps its value.
 *
 * A row belongs to the thread of its replica, and must be released on that thread.
 */
struct _FerryListRow
{
  GObject parent_instance;

  FerryAffinity *affinity; /* const: (owned): the thread of the replica */
  GVariant *value;         /* (owned) (nullable) */

  FerryRowTable *table; /* (unowned) (nullable): NULL when the row is in no table; then the fields below are unused */
  guint64 position;
  GSequenceIter *iter;
  GList kept;   /* a link of the table's kept; data is NULL when the row is not kept */
  GList wished; /* a link of the table's wished; data is NULL when the row is not wished for */
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

/* ---- a row's place in the table ---- */

static void
drop_wish (FerryListRow *self)
{
  if (g_steal_pointer (&self->wished.data) != NULL)
    g_queue_unlink (&self->table->wished, &self->wished);
}

static void
keep_no_longer (FerryListRow *self, GPtrArray *dropped)
{
  if (g_steal_pointer (&self->kept.data) == NULL)
    return;
  g_queue_unlink (&self->table->kept, &self->kept);
  g_ptr_array_add (dropped, self);
}

static void
detach (FerryListRow *self, GPtrArray *dropped)
{
  drop_wish (self);
  keep_no_longer (self, dropped);
  g_sequence_remove (g_steal_pointer (&self->iter));
  self->table = NULL;
}

/* ---- the row ---- */

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  static const GCallback getters[N_PROPERTIES] = {
    [PROP_VALUE] = G_CALLBACK (ferry_list_row_get_value),
    [PROP_LOADED] = G_CALLBACK (ferry_list_row_get_loaded),
  };

  ferry_property_get (object, getters[id], value);
}

static void
ferry_list_row_dispose (GObject *object)
{
  FerryListRow *self = FERRY_LIST_ROW (object);
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func (g_object_unref);

  if (self->table != NULL)
    detach (self, dropped);

  G_OBJECT_CLASS (ferry_list_row_parent_class)->dispose (object);
}

static void
ferry_list_row_finalize (GObject *object)
{
  FerryListRow *self = FERRY_LIST_ROW (object);

  g_clear_pointer (&self->value, g_variant_unref);
  g_clear_pointer (&self->affinity, ferry_affinity_unref);

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
   * The row's value in the other process; %NULL until it arrives. The property changes once at the most.
   */
  properties[PROP_VALUE] = g_param_spec_variant ("value", NULL, NULL, G_VARIANT_TYPE_ANY, NULL, FERRY_READABLE);
  /**
   * FerryListRow:loaded: (getter get_loaded)
   *
   * Whether the row's value has arrived.
   */
  properties[PROP_LOADED] = g_param_spec_boolean ("loaded", NULL, NULL, FALSE, FERRY_READABLE);

  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_list_row_init (FerryListRow *self)
{
}

FerryListRow *
ferry_list_row_new (FerryAffinity *affinity)
{
  FerryListRow *self = g_object_new (FERRY_TYPE_LIST_ROW, NULL);

  self->affinity = ferry_affinity_ref (affinity);
  return self;
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
 * Gets the row's value in the other process. The value is not trusted: check its type before you use it. On the
 * replica's thread.
 *
 * Returns: (transfer none) (nullable): the value, or %NULL until it arrives
 */
GVariant *
ferry_list_row_get_value (FerryListRow *self)
{
  g_return_val_if_fail (FERRY_IS_LIST_ROW (self), NULL);
  ferry_return_val_if_elsewhere (self->affinity, NULL);

  return self->value;
}

/**
 * ferry_list_row_get_loaded: (get-property loaded)
 * @self: a row
 *
 * Returns whether the row's value has arrived. On the replica's thread.
 *
 * Returns: %TRUE when the row has a value
 */
gboolean
ferry_list_row_get_loaded (FerryListRow *self)
{
  g_return_val_if_fail (FERRY_IS_LIST_ROW (self), FALSE);
  ferry_return_val_if_elsewhere (self->affinity, FALSE);

  return self->value != NULL;
}

/* ---- the table ---- */

static int
compare_positions (gconstpointer a, gconstpointer b, gpointer data)
{
  const FerryListRow *one = a;
  const FerryListRow *other = b;

  return one->position < other->position ? -1 : one->position > other->position;
}

/* Returns the first row at that position or behind it; the end of the sequence if there is none. */
static GSequenceIter *
find_from (FerryRowTable *self, guint64 position)
{
  FerryListRow before = {.position = position - 1};

  if (position == 0)
    return g_sequence_get_begin_iter (self->rows);
  return g_sequence_search (self->rows, &before, compare_positions, NULL);
}

FerryRowTable *
ferry_row_table_new (FerryAffinity *affinity, guint cache_size)
{
  FerryRowTable *self = g_new0 (FerryRowTable, 1);

  self->rows = g_sequence_new (NULL);
  self->cache_size = cache_size;
  self->affinity = affinity;
  return self;
}

void
ferry_row_table_free (FerryRowTable *self)
{
  g_sequence_free (self->rows);
  g_free (self);
}

FerryListRow *
ferry_row_table_get (FerryRowTable *self, guint64 position)
{
  GSequenceIter *iter = find_from (self, position);
  FerryListRow *row = g_sequence_iter_is_end (iter) ? NULL : g_sequence_get (iter);

  if (row != NULL && row->position == position)
    return g_object_ref (row);
  row = ferry_list_row_new (self->affinity);
  row->position = position;
  row->table = self;
  row->iter = g_sequence_insert_before (iter, row);
  return row;
}

static void
trim (FerryRowTable *self, GPtrArray *dropped)
{
  while (self->kept.length > self->cache_size)
    keep_no_longer (g_queue_peek_tail (&self->kept), dropped);
}

void
ferry_row_table_want (FerryRowTable *self, FerryListRow *row, GPtrArray *dropped)
{
  gboolean was_kept = row->kept.data != NULL;

  drop_wish (row);
  if (!ferry_list_row_get_loaded (row))
    {
      row->wished.data = row;
      g_queue_push_head_link (&self->wished, &row->wished);
      return;
    }
  if (was_kept)
    g_queue_unlink (&self->kept, &row->kept);
  row->kept.data = was_kept ? row : g_object_ref (row);
  g_queue_push_head_link (&self->kept, &row->kept);
  trim (self, dropped);
}

void
ferry_row_table_set_cache_size (FerryRowTable *self, guint cache_size, GPtrArray *dropped)
{
  self->cache_size = cache_size;
  trim (self, dropped);
}

const GQueue *
ferry_row_table_get_wishes (FerryRowTable *self)
{
  return &self->wished;
}

guint64
ferry_row_table_get_position (FerryListRow *row)
{
  return row->position;
}

void
ferry_row_table_give_up (FerryRowTable *self, guint64 position, guint64 n_rows)
{
  GSequenceIter *iter = find_from (self, position);

  for (; !g_sequence_iter_is_end (iter); iter = g_sequence_iter_next (iter))
    {
      FerryListRow *row = g_sequence_get (iter);

      if (row->position - position >= n_rows)
        return;
      drop_wish (row);
    }
}

void
ferry_row_table_splice (FerryRowTable *self, guint64 position, guint64 n_removed, guint64 n_added, GPtrArray *dropped)
{
  GSequenceIter *iter = find_from (self, position);

  while (!g_sequence_iter_is_end (iter))
    {
      FerryListRow *row = g_sequence_get (iter);

      if (row->position - position >= n_removed)
        break;
      iter = g_sequence_iter_next (iter);
      detach (row, dropped);
    }
  if (n_removed == n_added)
    return;
  for (; !g_sequence_iter_is_end (iter); iter = g_sequence_iter_next (iter))
    {
      FerryListRow *row = g_sequence_get (iter);

      row->position = row->position - n_removed + n_added;
    }
}

void
ferry_row_table_reset (FerryRowTable *self, GPtrArray *dropped)
{
  GSequenceIter *iter;

  while (!g_sequence_iter_is_end (iter = g_sequence_get_begin_iter (self->rows)))
    detach (g_sequence_get (iter), dropped);
}
