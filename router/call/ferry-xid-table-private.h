/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions by their number: open addressing, with the entries in the slots.
 *
 * Owner:     the struct that it is embedded in, whose lock guards it.
 * Trust:     the other end may choose the numbers. The slot of an entry also depends on a secret of the table, so no
 *            choice of numbers makes it slow.
 * Invariant: at most half of the slots are taken. No slot is free between the one that an entry's number wants and the
 *            entry. */

#pragma once

#include <glib.h>

#include "call/ferry-transactions-private.h"

G_BEGIN_DECLS

/* A transaction. Each table uses some of the members. */
typedef struct
{
  guint64 xid; /* 0: the slot is free */
  FerryAnswerFuncs funcs;
  gpointer data;
  guint32 window;
  guint32 flags;
  guint32 owed;         /* window that is not sent to the other end yet, and not in window */
  gboolean cancel_owed; /* its cancel is not sent yet */
} FerryXidEntry;

typedef struct
{
  FerryXidEntry *slots; /* (owned) (nullable) */
  guint n_slots;        /* 0, or a power of two */
  guint n_entries;
  guint64 secret;
} FerryXidTable;

void ferry_xid_table_clear (FerryXidTable *self);
/* Returns the entry, until the next change of the table; NULL when there is none. */
FerryXidEntry *ferry_xid_table_find (const FerryXidTable *self, guint64 xid);
/* Adds an entry that is not there yet, zeroed but for its number. */
FerryXidEntry *ferry_xid_table_add (FerryXidTable *self, guint64 xid);
/* Returns whether there was one; it is copied to entry (nullable). */
gboolean ferry_xid_table_remove (FerryXidTable *self, guint64 xid, FerryXidEntry *entry);
/* Takes all of them out, in the order of their numbers. */
GArray *ferry_xid_table_steal_all (FerryXidTable *self);
/* Compares numbers, or entries, which begin with theirs. */
int ferry_xid_compare (gconstpointer a, gconstpointer b);

G_END_DECLS
