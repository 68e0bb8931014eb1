/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hash table of calls by their numbers. The lock of the struct that embeds it guards it. */

#pragma once

#include <glib.h>

#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

/* A call. Each table uses some of the fields. */
typedef struct
{
  guint64 xid; /* 0: the slot is free */
  const FerryAnswerFuncs *funcs;
  gpointer data;
  gconstpointer asker;
  guint32 window;
  guint32 flags;
  guint32 owed;         /* growth of the window that was not sent to the other end yet; not included in window */
  gboolean cancel_owed; /* the call's cancel was not sent yet */
  gboolean is_handed;   /* the thread that waits for the answer has it, and will process it */
  GByteArray *pieces;   /* (owned) (nullable): what has arrived of an answer that comes in pieces */
} FerryXidEntry;

static inline void
ferry_xid_entry_clear (FerryXidEntry *self)
{
  g_clear_pointer (&self->pieces, g_byte_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryXidEntry, ferry_xid_entry_clear)

typedef struct
{
  FerryXidEntry *slots; /* (owned) (nullable) */
  guint n_slots;        /* 0, or a power of two */
  guint n_entries;
  guint64 secret;
} FerryXidTable;

/* Empties the table. Does not clear the entries: for those with pieces use ferry_xid_table_steal_all(). */
void ferry_xid_table_clear (FerryXidTable *self);
/* Returns the entry of xid, valid until the next change of the table; NULL if there is none. */
FerryXidEntry *ferry_xid_table_find (const FerryXidTable *self, guint64 xid);
/* Returns a new entry for xid, zeroed except for its number. There must be no entry for xid yet. */
FerryXidEntry *ferry_xid_table_add (FerryXidTable *self, guint64 xid);
/* Removes the entry of xid. Returns whether there was one, and copies it to entry (nullable). */
gboolean ferry_xid_table_remove (FerryXidTable *self, guint64 xid, FerryXidEntry *entry);
/* Returns (transfer full) (element-type FerryXidEntry) all entries, in the order of their numbers, and empties the
 * table. The array clears its entries. */
GArray *ferry_xid_table_steal_all (FerryXidTable *self);
/* Compares two numbers, or two entries by their first field, the number. */
int ferry_xid_compare (gconstpointer a, gconstpointer b);

G_END_DECLS
