/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of a queue: its entries by their place and by their key, and the keys of those that left it. The router's
 * thread. */

#pragma once

#include "queue/ferry-queue-entry-private.h"

G_BEGIN_DECLS

typedef struct
{
  GListModel *model;   /* const (unowned): the queue, which tells of changes */
  GSequence *entries;  /* (element-type FerryQueueEntry) (owned): by place */
  GHashTable *keys;    /* (element-type utf8 FerryQueueEntry): the keys are the rows' */
  GHashTable *known;   /* (element-type utf8 FerryQueueRow): keys of tasks that were removed */
  guint items_changed; /* const: the signal */
  gint64 last_id;
  gint64 last_place;
} FerryQueueList;

void ferry_queue_list_init (FerryQueueList *self, GListModel *model);
/* Frees the entries, and tells nobody. */
void ferry_queue_list_empty (FerryQueueList *self);
void ferry_queue_list_clear (FerryQueueList *self);

guint ferry_queue_list_get_n (const FerryQueueList *self);
/* (transfer none): position: below the number of entries. */
FerryQueueEntry *ferry_queue_list_get (const FerryQueueList *self, guint position);
/* (transfer none) (nullable) */
FerryQueueEntry *ferry_queue_list_lookup (const FerryQueueList *self, const char *key);
void ferry_queue_list_foreach (const FerryQueueList *self, void (*func) (FerryQueueEntry *entry, gpointer data),
                               gpointer data);

/* Gives a row that has none the next id, and a place at the end. */
void ferry_queue_list_number (FerryQueueList *self, FerryQueueRow *row);
/* Takes an entry whose place is the last one. It is not told of: see ferry_queue_list_tell(). */
void ferry_queue_list_append (FerryQueueList *self, FerryQueueEntry *entry);
/* Frees the entry. */
void ferry_queue_list_remove (FerryQueueList *self, FerryQueueEntry *entry);
/* Moves the entry in front of next, or to the end if that is NULL. Returns whether others have another place, too. */
gboolean ferry_queue_list_move (FerryQueueList *self, FerryQueueEntry *entry, FerryQueueEntry *next);
/* Emits items-changed at the entry's position. */
void ferry_queue_list_tell (FerryQueueList *self, const FerryQueueEntry *entry, guint n_removed, guint n_added);

/* Takes a row that has a key, a state and an end. */
void ferry_queue_list_remember (FerryQueueList *self, FerryQueueRow *row);
/* (transfer none) (nullable) */
const FerryQueueRow *ferry_queue_list_lookup_known (const FerryQueueList *self, const char *key);
/* Adds copies of all that are in the list, and of all known keys (both: element-type FerryQueueRow). */
void ferry_queue_list_copy (const FerryQueueList *self, GArray *rows, GArray *known);
void ferry_queue_list_forget (FerryQueueList *self, const char *key);

G_END_DECLS
