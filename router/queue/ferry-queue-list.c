/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of a queue: its entries by place and by key.
 *
 * It has the keys of those that left it, too.
 *
 * Owner:   the queue, of which it is a part.
 * Threads: the router's. */

#include "config.h"

#include "queue/ferry-queue-list-private.h"

/* So many places lie between two tasks, for those that are moved there. */
#define PLACE_GAP ((gint64) 1 << 24)

void
ferry_queue_list_init (FerryQueueList *self, GListModel *model)
{
  self->model = model;
  self->items_changed = g_signal_lookup ("items-changed", G_TYPE_LIST_MODEL);
  self->entries = g_sequence_new (ferry_queue_entry_free);
  self->keys = g_hash_table_new (g_str_hash, g_str_equal);
  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) ferry_queue_row_free);
}

void
ferry_queue_list_empty (FerryQueueList *self)
{
  g_hash_table_remove_all (self->keys);
  g_sequence_remove_range (g_sequence_get_begin_iter (self->entries), g_sequence_get_end_iter (self->entries));
}

void
ferry_queue_list_clear (FerryQueueList *self)
{
  g_hash_table_unref (self->keys);
  g_hash_table_unref (self->known);
  g_sequence_free (self->entries);
}

guint
ferry_queue_list_get_n (const FerryQueueList *self)
{
  return (guint) g_sequence_get_length (self->entries);
}

FerryQueueEntry *
ferry_queue_list_get (const FerryQueueList *self, guint position)
{
  return g_sequence_get (g_sequence_get_iter_at_pos (self->entries, (int) position));
}

FerryQueueEntry *
ferry_queue_list_lookup (const FerryQueueList *self, const char *key)
{
  return g_hash_table_lookup (self->keys, key);
}

void
ferry_queue_list_foreach (const FerryQueueList *self, void (*func) (FerryQueueEntry *entry, gpointer data),
                          gpointer data)
{
  g_sequence_foreach (self->entries, (GFunc) (void (*) (void)) func, data);
}

void
ferry_queue_list_number (FerryQueueList *self, FerryQueueRow *row)
{
  row->id = self->last_id + 1;
  row->place = self->last_place + PLACE_GAP;
}

void
ferry_queue_list_append (FerryQueueList *self, FerryQueueEntry *entry)
{
  self->last_id = MAX (self->last_id, entry->row.id);
  self->last_place = MAX (self->last_place, entry->row.place);
  g_hash_table_replace (self->keys, entry->row.key, entry);
  entry->position = g_sequence_append (self->entries, entry);
}

/* Nobody looks at most lists, and to tell them so would take a third of what a removal takes. */
static gboolean
is_watched (const FerryQueueList *self)
{
  return g_signal_has_handler_pending (self->model, self->items_changed, 0, FALSE);
}

void
ferry_queue_list_remove (FerryQueueList *self, FerryQueueEntry *entry)
{
  const gboolean tells = is_watched (self);
  guint position = tells ? (guint) g_sequence_iter_get_position (entry->position) : 0;

  g_hash_table_remove (self->keys, entry->row.key);
  /* It frees the entry. */
  g_sequence_remove (entry->position);
  if (tells)
    g_list_model_items_changed (self->model, position, 1, 0);
}

void
ferry_queue_list_tell (FerryQueueList *self, const FerryQueueEntry *entry, guint n_removed, guint n_added)
{
  if (is_watched (self))
    g_list_model_items_changed (self->model, (guint) g_sequence_iter_get_position (entry->position), n_removed,
                                n_added);
}

/* ---- places ---- */

/* Gives each task a place anew, with gaps between them. */
static void
spread_places (FerryQueueList *self)
{
  gint64 place = 0;

  for (GSequenceIter *iter = g_sequence_get_begin_iter (self->entries); !g_sequence_iter_is_end (iter);
       iter = g_sequence_iter_next (iter))
    {
      FerryQueueEntry *entry = g_sequence_get (iter);

      place += PLACE_GAP;
      entry->row.place = place;
    }
  self->last_place = place;
}

/* Returns a place in front of iter, or 0 if there is none. */
static gint64
find_place (FerryQueueList *self, GSequenceIter *iter)
{
  gint64 after = 0;
  gint64 before;

  if (g_sequence_iter_is_end (iter))
    return self->last_place + PLACE_GAP;
  if (!g_sequence_iter_is_begin (iter))
    after = ((FerryQueueEntry *) g_sequence_get (g_sequence_iter_prev (iter)))->row.place;
  before = ((FerryQueueEntry *) g_sequence_get (iter))->row.place;
  return before - after >= 2 ? after + (before - after) / 2 : 0;
}

gboolean
ferry_queue_list_move (FerryQueueList *self, FerryQueueEntry *entry, FerryQueueEntry *next)
{
  GSequenceIter *iter = next != NULL ? next->position : g_sequence_get_end_iter (self->entries);
  gboolean has_spread = find_place (self, iter) == 0;

  if (has_spread)
    spread_places (self);
  entry->row.place = find_place (self, iter);
  self->last_place = MAX (self->last_place, entry->row.place);
  g_sequence_move (entry->position, iter);
  return has_spread;
}

/* ---- keys of tasks that were removed ---- */

void
ferry_queue_list_remember (FerryQueueList *self, FerryQueueRow *row)
{
  g_hash_table_replace (self->known, row->key, row);
}

const FerryQueueRow *
ferry_queue_list_lookup_known (const FerryQueueList *self, const char *key)
{
  return g_hash_table_lookup (self->known, key);
}

void
ferry_queue_list_forget (FerryQueueList *self, const char *key)
{
  g_hash_table_remove (self->known, key);
}

static void
add_copy (FerryQueueEntry *entry, gpointer rows)
{
  FerryQueueRow copy = ferry_queue_row_copy (&entry->row);

  g_array_append_val ((GArray *) rows, copy);
}

void
ferry_queue_list_copy (const FerryQueueList *self, GArray *rows, GArray *known)
{
  GHashTableIter iter;
  gpointer row;

  ferry_queue_list_foreach (self, add_copy, rows);
  g_hash_table_iter_init (&iter, self->known);
  while (g_hash_table_iter_next (&iter, NULL, &row))
    {
      FerryQueueRow copy = ferry_queue_row_copy (row);

      g_array_append_val (known, copy);
    }
}
