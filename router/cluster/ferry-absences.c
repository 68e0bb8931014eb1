/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hosts that are left alone for a while, and for how long. A host that was lost, or cannot be used, is remembered, so
 * that it is not looked at, nor told of, each time that it is present. All hosts are asked again to tell of themselves
 * when one of them may be used again.
 *
 * Owner: a cluster, with its bus. */

#include "config.h"

#include "cluster/ferry-absences-private.h"

#include "base/ferry-base-private.h"

#define MAX_ABSENCES 4096

/* The longest time for which a host is left alone that ends each session; and for how long that is remembered. */
#define LONGEST_PAUSE (60 * G_USEC_PER_SEC)

/* All hosts answer when this end looks for one. */
#define LOOK_INTERVAL (1 * G_USEC_PER_SEC)

/* When a host may be used again, in monotonic time, and how long it was not. G_MAXINT64: never, and without an end. */
typedef struct
{
  gint64 until;
  gint64 pause;
} Absence;

static void look_at (FerryAbsences *self, gint64 time);

static void
look (gpointer data)
{
  FerryAbsences *self = data;
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  Absence *absence;

  self->due = now + LOOK_INTERVAL;
  g_hash_table_iter_init (&iter, self->table);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &absence))
    if (absence->until <= now - LONGEST_PAUSE)
      g_hash_table_iter_remove (&iter);
    else if (absence->until > now && absence->until < G_MAXINT64)
      look_at (self, absence->until);
  ferry_bus_say_hello (self->bus);
}

static void
look_at (FerryAbsences *self, gint64 time)
{
  gint64 due = MAX (time, self->due);

  if (!ferry_timer_is_set (&self->timer) || self->timer.deadline.time > due)
    ferry_timers_set (self->timers, &self->timer, due, look, self);
}

void
ferry_absences_look_soon (FerryAbsences *self)
{
  look_at (self, g_get_monotonic_time () + LOOK_INTERVAL);
}

static Absence *
find (FerryAbsences *self, const char *name, const char *instance)
{
  g_autofree char *key = g_strconcat (name, ".", instance, NULL);

  return g_hash_table_lookup (self->table, key);
}

gboolean
ferry_absences_has (FerryAbsences *self, const char *name, const char *instance)
{
  const Absence *absence = find (self, name, instance);

  return absence != NULL && absence->until > g_get_monotonic_time ();
}

void
ferry_absences_add (FerryAbsences *self, const char *name, const char *instance, gint64 time, gint64 lived)
{
  const Absence *before = find (self, name, instance);
  gboolean is_worse = before != NULL && lived <= before->pause;
  gint64 pause = is_worse ? MAX (time, 2 * MIN (before->pause, LONGEST_PAUSE / 2)) : time;
  const Absence absence = {ferry_time_add (g_get_monotonic_time (), pause), pause};

  if (g_hash_table_size (self->table) >= MAX_ABSENCES)
    g_hash_table_remove_all (self->table);
  g_hash_table_insert (self->table, g_strconcat (name, ".", instance, NULL), g_memdup2 (&absence, sizeof absence));
  if (absence.until < G_MAXINT64)
    look_at (self, absence.until);
}

void
ferry_absences_init (FerryAbsences *self, FerryTimers *timers, FerryBus *bus)
{
  *self = (FerryAbsences){.timers = timers, .bus = bus};
  self->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
ferry_absences_clear (FerryAbsences *self)
{
  ferry_timers_unset (self->timers, &self->timer);
  g_clear_pointer (&self->table, g_hash_table_unref);
}
