/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rows of a remote list that are held or kept: found by their position, and moved together when the list changes.
 * The cost depends on their number, never on the list's length.
 *
 * Owner:     the table is the replica's. A row belongs to its holders, and to the table while it is kept.
 * Threads:   the replica's.
 * Invariant: a row is in the table from its making until the list loses it, or its last holder drops it. A position has
 *            one row at most. A row that is kept is loaded, and a row that is wished for is not. */

#pragma once

#include "object/ferry-list-row.h"
#include "route/ferry-home-private.h"

G_BEGIN_DECLS

/* home: (nullable) */
FerryListRow *ferry_list_row_new (FerryHome *home);
/* Gives the row its value, once; the notification comes later. */
void ferry_list_row_load (FerryListRow *self, GVariant *value);
void ferry_list_row_notify_loaded (FerryListRow *self);

typedef struct _FerryRowTable FerryRowTable;

/* home: (nullable): the replica's, which outlives it. cache_size: how many rows are kept. Returns (transfer full). */
FerryRowTable *ferry_row_table_new (FerryHome *home, guint cache_size);
/* After a reset. */
void ferry_row_table_free (FerryRowTable *self);

/* Returns (transfer full): the row of that position, made when there is none. */
FerryListRow *ferry_row_table_get (FerryRowTable *self, guint64 position);
/* The row is wanted: it becomes the first of the kept ones, or of the wished ones. Rows that are kept no longer go to
 * dropped, (element-type FerryListRow) (owned), since their last reference runs the application's code. */
void ferry_row_table_want (FerryRowTable *self, FerryListRow *row, GPtrArray *dropped);
void ferry_row_table_set_cache_size (FerryRowTable *self, guint cache_size, GPtrArray *dropped);
guint ferry_row_table_get_cache_size (FerryRowTable *self);

/* Return (transfer none) (nullable): the row that was wished for last, and the one that was before that. */
FerryListRow *ferry_row_table_peek_wish (FerryRowTable *self);
FerryListRow *ferry_row_table_next_wish (FerryRowTable *self, FerryListRow *row);
guint64 ferry_row_table_get_position (FerryListRow *row);
/* The rows of that range are wished for no more. */
void ferry_row_table_give_up (FerryRowTable *self, guint64 position, guint64 n_rows);

/* Takes out the rows of a range and moves those behind it. The range fits the list, and the sum below 2^64. */
void ferry_row_table_splice (FerryRowTable *self, guint64 position, guint64 n_removed, guint64 n_added,
                             GPtrArray *dropped);
/* Takes out all rows. A row that is held stays as it is. */
void ferry_row_table_reset (FerryRowTable *self, GPtrArray *dropped);

G_END_DECLS
