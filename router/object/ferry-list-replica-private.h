/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list replica: the source of its changes and rows, and the table of the rows that are held or kept.
 *
 * Threads: the replica's. A source must call its callbacks on the replica's main context, and never before the function
 *          that registers them returns.
 * Trust:   none in what a source's callbacks are given. */

#pragma once

#include "engine/ferry-affinity-private.h"
#include "object/ferry-list-replica.h"
#include "object/ferry-list-row.h"
#include "object/ferry-proxy-private.h"

G_BEGIN_DECLS

/* ---- the source: a proxy's object, but in tests ---- */

typedef struct
{
  gpointer (*open_subscription) (gpointer end, const FerrySubscriptionFuncs *funcs, gpointer data);
  /* Closes a subscription: from now on the source must not call its callbacks. */
  void (*close_subscription) (gpointer subscription);
  /* Fetches rows. Must call ferry_list_replica_answer() once, after it has returned. Returns a handle, which must be
   * valid until that call, or until its cancel. */
  gpointer (*fetch) (gpointer end, guint64 position, guint n_rows, gpointer fetch);
  /* Cancels a fetch: from now on the source must not answer it. */
  void (*cancel) (gpointer handle);
} FerryListSource;

/* For tests. Returns (transfer full): a replica of the source's list. end: passed to the source's functions; it must
 * outlive the replica. */
FerryListReplica *ferry_list_replica_new_from (const FerryListSource *source, gpointer end);
/* Must be called by the source with the answer to a fetch. answer: (nullable): of any type; NULL with an error. */
void ferry_list_replica_answer (gpointer fetch, GVariant *answer, const GError *error);

/* ---- the table of rows ----
 *
 * The table of a remote list's rows, with the rows that are held or kept. It finds rows by position, and moves them
 * together when the list changes. The cost depends on the number of rows in the table, never on the list's length. A
 * row is held while the application has a reference to it, and kept while the table has one. A row is wished for
 * when it was looked at before its value was there.
 *
 * Owner:     the table is the replica's. A row belongs to its holders, and to the table while it is kept.
 * Threads:   the replica's.
 * Trust:     the value of a row comes from another process: it has any type and content.
 * Invariant: a row is in the table from its making until its place in the list is removed, or its last reference is
 *            dropped. A position has one row at most. A row that is kept is loaded, and a row that is wished for is
 *            not. */

/* Returns (transfer full): a row without a value. affinity: the replica's. */
FerryListRow *ferry_list_row_new (FerryAffinity *affinity);
/* Sets the row's value. Must be called once; ferry_list_row_notify_loaded() then emits the notification. */
void ferry_list_row_load (FerryListRow *self, GVariant *value);
void ferry_list_row_notify_loaded (FerryListRow *self);

typedef struct _FerryRowTable FerryRowTable;

/* Returns (transfer full): an empty table. affinity: the replica's, which must outlive the table.
 * cache_size: how many rows are kept. */
FerryRowTable *ferry_row_table_new (FerryAffinity *affinity, guint cache_size);
/* Frees the table. ferry_row_table_reset() must be called before. */
void ferry_row_table_free (FerryRowTable *self);

/* Returns (transfer full): the row of that position. Makes a row if there is none. */
FerryListRow *ferry_row_table_get (FerryRowTable *self, guint64 position);
/* Must be called when a row is looked at. A loaded row becomes the first of the kept rows, another row the first of the
 * wished rows. Rows that are no longer kept are moved to dropped, (element-type FerryListRow) (owned). The caller frees
 * dropped later: freeing a row may run the application's code. */
void ferry_row_table_want (FerryRowTable *self, FerryListRow *row, GPtrArray *dropped);
void ferry_row_table_set_cache_size (FerryRowTable *self, guint cache_size, GPtrArray *dropped);

/* Returns (element-type FerryListRow): the wished rows; the row that was wished for last is first. */
const GQueue *ferry_row_table_get_wishes (FerryRowTable *self);
guint64 ferry_row_table_get_position (FerryListRow *row);
/* Removes the wishes for the rows of a range. */
void ferry_row_table_give_up (FerryRowTable *self, guint64 position, guint64 n_rows);

/* Removes the rows of a range from the table, and moves the rows behind it. The range must fit the list, and the new
 * length must be below 2^64. */
void ferry_row_table_splice (FerryRowTable *self, guint64 position, guint64 n_removed, guint64 n_added,
                             GPtrArray *dropped);
/* Removes all rows from the table. A row that is held keeps its value. */
void ferry_row_table_reset (FerryRowTable *self, GPtrArray *dropped);

G_END_DECLS
