/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* See ferry-row-table-private.h. */

#include "config.h"

#include "object/ferry-row-table-private.h"

#include "object/ferry-list-row-private.h"

static int
compare_positions (gconstpointer a, gconstpointer b, gpointer data)
{
  const FerryRowPlace *one = a;
  const FerryRowPlace *other = b;

  return one->position < other->position ? -1 : one->position > other->position;
}

/* The first row at that position or behind it. */
static GSequenceIter *
find_from (FerryRowTable *self, guint64 position)
{
  FerryRowPlace before = {.position = position - 1};

  if (position == 0)
    return g_sequence_get_begin_iter (self->rows);
  return g_sequence_search (self->rows, &before, compare_positions, NULL);
}

void
ferry_row_table_init (FerryRowTable *self, guint cache_size)
{
  self->rows = g_sequence_new (NULL);
  self->cache_size = cache_size;
  g_queue_init (&self->kept);
  g_queue_init (&self->wished);
}

void
ferry_row_table_clear (FerryRowTable *self)
{
  g_clear_pointer (&self->rows, g_sequence_free);
}

static void
drop_wish (FerryRowPlace *place)
{
  if (g_steal_pointer (&place->wished.data) != NULL)
    g_queue_unlink (&place->table->wished, &place->wished);
}

static void
keep_no_longer (FerryRowPlace *place, GPtrArray *dropped)
{
  if (g_steal_pointer (&place->kept.data) == NULL)
    return;
  g_queue_unlink (&place->table->kept, &place->kept);
  g_ptr_array_add (dropped, place->row);
}

static void
detach (FerryRowPlace *place, GPtrArray *dropped)
{
  drop_wish (place);
  keep_no_longer (place, dropped);
  g_sequence_remove (g_steal_pointer (&place->iter));
  place->table = NULL;
}

void
ferry_row_table_forget (FerryRowPlace *place)
{
  g_autoptr (GPtrArray) dropped = NULL;

  if (place->table == NULL)
    return;
  dropped = g_ptr_array_new_with_free_func (g_object_unref);
  detach (place, dropped);
}

FerryListRow *
ferry_row_table_get (FerryRowTable *self, guint64 position)
{
  GSequenceIter *iter = find_from (self, position);
  FerryRowPlace *place;

  if (!g_sequence_iter_is_end (iter))
    {
      place = g_sequence_get (iter);
      if (place->position == position)
        return g_object_ref (place->row);
    }
  place = ferry_list_row_get_place (ferry_list_row_new (self->home));
  place->position = position;
  place->table = self;
  place->iter = g_sequence_insert_before (iter, place);
  return place->row;
}

static void
trim (FerryRowTable *self, GPtrArray *dropped)
{
  while (self->kept.length > self->cache_size)
    keep_no_longer (ferry_list_row_get_place (g_queue_peek_tail (&self->kept)), dropped);
}

void
ferry_row_table_want (FerryRowTable *self, FerryListRow *row, GPtrArray *dropped)
{
  FerryRowPlace *place = ferry_list_row_get_place (row);
  gboolean was_kept = place->kept.data != NULL;

  drop_wish (place);
  if (!ferry_list_row_get_loaded (row))
    {
      place->wished.data = row;
      g_queue_push_head_link (&self->wished, &place->wished);
      return;
    }
  if (was_kept)
    g_queue_unlink (&self->kept, &place->kept);
  place->kept.data = was_kept ? row : g_object_ref (row);
  g_queue_push_head_link (&self->kept, &place->kept);
  trim (self, dropped);
}

void
ferry_row_table_set_cache_size (FerryRowTable *self, guint cache_size, GPtrArray *dropped)
{
  self->cache_size = cache_size;
  trim (self, dropped);
}

FerryListRow *
ferry_row_table_peek_wish (FerryRowTable *self)
{
  return g_queue_peek_head (&self->wished);
}

FerryListRow *
ferry_row_table_next_wish (FerryRowTable *self, FerryListRow *row)
{
  GList *next = ferry_list_row_get_place (row)->wished.next;

  return next != NULL ? next->data : NULL;
}

guint64
ferry_row_table_get_position (FerryListRow *row)
{
  return ferry_list_row_get_place (row)->position;
}

void
ferry_row_table_give_up (FerryRowTable *self, guint64 position, guint64 n_rows)
{
  GSequenceIter *iter = find_from (self, position);

  for (; !g_sequence_iter_is_end (iter); iter = g_sequence_iter_next (iter))
    {
      FerryRowPlace *place = g_sequence_get (iter);

      if (place->position - position >= n_rows)
        return;
      drop_wish (place);
    }
}

void
ferry_row_table_splice (FerryRowTable *self, guint64 position, guint64 n_removed, guint64 n_added, GPtrArray *dropped)
{
  GSequenceIter *iter = find_from (self, position);

  while (!g_sequence_iter_is_end (iter))
    {
      FerryRowPlace *place = g_sequence_get (iter);

      if (place->position - position >= n_removed)
        break;
      iter = g_sequence_iter_next (iter);
      detach (place, dropped);
    }
  if (n_removed == n_added)
    return;
  for (; !g_sequence_iter_is_end (iter); iter = g_sequence_iter_next (iter))
    {
      FerryRowPlace *place = g_sequence_get (iter);

      place->position = place->position - n_removed + n_added;
    }
}

void
ferry_row_table_reset (FerryRowTable *self, GPtrArray *dropped)
{
  GSequenceIter *iter;

  while (!g_sequence_iter_is_end (iter = g_sequence_get_begin_iter (self->rows)))
    detach (g_sequence_get (iter), dropped);
}
