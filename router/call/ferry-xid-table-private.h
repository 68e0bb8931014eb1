/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions by their number: open addressing, an entry a slot, nothing allocated for an entry.
 *
 * Owner:     whoever has it embedded; its lock guards it.
 * Trust:     the other end may choose the numbers. Where an entry goes depends on a secret of the table as well, so no
 *            choice of numbers makes it slow.
 * Invariant: at most half of the slots are taken, and between the slot that an entry's number wants and its own there
 *            is none that is free. */

#pragma once

#include <glib.h>

#include "call/ferry-transactions-private.h"

G_BEGIN_DECLS

/* What is known of a transaction; which members are used is the owner's business. */
typedef struct
{
  guint64 xid; /* 0: the slot is free */
  FerryAnswerFuncs funcs;
  gpointer data;
  guint32 window;
  guint32 flags;
  guint32 owed;         /* what is not in window, as the other end was not told yet */
  gboolean cancel_owed; /* nor of its cancel */
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
/* For sorting numbers, or entries by theirs. */
int ferry_xid_compare (gconstpointer a, gconstpointer b);

G_END_DECLS
