/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hash table of calls by their numbers (xids).
 *
 * It uses open addressing with linear probing, and stores the entries in the slots. A removal moves later entries back,
 * so no deleted slot needs a mark. So with many short calls the table neither grows nor is rebuilt.
 *
 * Owner:     the struct that embeds the table; that struct's lock guards it.
 * Trust:     the other end may choose the numbers. The slot of an entry also depends on a secret of the table, so no
 *            choice of numbers makes the table slow.
 * Invariant: at most half of the slots are taken. An entry is in the slot that its number hashes to, or after it with
 *            no free slot in between. */

#include "config.h"

#include "call/ferry-xid-table-private.h"

#define FEWEST_SLOTS 16

/* Returns the slot that a number hashes to: its bits mixed with the secret, by the finaliser of MurmurHash3. */
static guint
wanted_slot (const FerryXidTable *self, guint64 xid)
{
  guint64 mixed = xid ^ self->secret;

  mixed = (mixed ^ mixed >> 33) * G_GUINT64_CONSTANT (0xff51afd7ed558ccd);
  mixed = (mixed ^ mixed >> 33) * G_GUINT64_CONSTANT (0xc4ceb9fe1a85ec53);
  return (guint) (mixed >> 32) & (self->n_slots - 1);
}

/* Returns the slot that contains xid, or the free slot in which xid would be inserted. */
static guint
find_slot (const FerryXidTable *self, guint64 xid)
{
  guint slot = wanted_slot (self, xid);

  while (self->slots[slot].xid != 0 && self->slots[slot].xid != xid)
    slot = (slot + 1) & (self->n_slots - 1);
  return slot;
}

static void
resize (FerryXidTable *self, guint n_slots)
{
  g_autofree FerryXidEntry *old = g_steal_pointer (&self->slots);
  guint n_old = self->n_slots;

  self->slots = g_new0 (FerryXidEntry, n_slots);
  self->n_slots = n_slots;
  if (n_old == 0)
    self->secret = (guint64) g_random_int () << 32 | g_random_int ();
  for (guint i = 0; i < n_old; i++)
    {
      if (old[i].xid != 0)
        self->slots[find_slot (self, old[i].xid)] = old[i];
    }
}

void
ferry_xid_table_clear (FerryXidTable *self)
{
  g_clear_pointer (&self->slots, g_free);
  self->n_slots = 0;
  self->n_entries = 0;
}

FerryXidEntry *
ferry_xid_table_find (const FerryXidTable *self, guint64 xid)
{
  FerryXidEntry *entry;

  if (self->n_entries == 0)
    return NULL;
  entry = &self->slots[find_slot (self, xid)];
  return entry->xid != 0 ? entry : NULL;
}

FerryXidEntry *
ferry_xid_table_add (FerryXidTable *self, guint64 xid)
{
  FerryXidEntry *entry;

  if ((self->n_entries + 1) * 2 > self->n_slots)
    resize (self, MAX (FEWEST_SLOTS, self->n_slots * 2));
  entry = &self->slots[find_slot (self, xid)];
  g_assert (entry->xid == 0);
  *entry = (FerryXidEntry){.xid = xid};
  self->n_entries++;
  return entry;
}

gboolean
ferry_xid_table_remove (FerryXidTable *self, guint64 xid, FerryXidEntry *entry)
{
  guint mask = self->n_slots - 1;
  FerryXidEntry *found = ferry_xid_table_find (self, xid);
  guint hole;

  if (found == NULL)
    return FALSE;
  if (entry != NULL)
    *entry = *found;
  hole = (guint) (found - self->slots);
  /* An entry after the hole moves into the hole, unless the slot that its number hashes to is after the hole too. */
  for (guint slot = (hole + 1) & mask; self->slots[slot].xid != 0; slot = (slot + 1) & mask)
    {
      guint wanted = wanted_slot (self, self->slots[slot].xid);

      if (((slot - wanted) & mask) >= ((slot - hole) & mask))
        {
          self->slots[hole] = self->slots[slot];
          hole = slot;
        }
    }
  self->slots[hole].xid = 0;
  self->n_entries--;
  /* After many calls at once, frees the memory that they needed. */
  if (self->n_slots > FEWEST_SLOTS * 64 && self->n_entries * 16 < self->n_slots)
    resize (self, self->n_slots / 4);
  return TRUE;
}

int
ferry_xid_compare (gconstpointer a, gconstpointer b)
{
  guint64 one = *(const guint64 *) a;
  guint64 other = *(const guint64 *) b;

  return one < other ? -1 : one > other;
}

GArray *
ferry_xid_table_steal_all (FerryXidTable *self)
{
  GArray *entries = g_array_sized_new (FALSE, FALSE, sizeof (FerryXidEntry), self->n_entries);

  g_array_set_clear_func (entries, (GDestroyNotify) ferry_xid_entry_clear);
  for (guint i = 0; i < self->n_slots; i++)
    {
      if (self->slots[i].xid != 0)
        g_array_append_val (entries, self->slots[i]);
    }
  g_array_sort (entries, ferry_xid_compare);
  ferry_xid_table_clear (self);
  return entries;
}
