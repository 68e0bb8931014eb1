/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Spinning: polls for some microseconds before a sleep, where that has paid lately. One thread at a time;
 * ferry_spin_get_time() any. */

#pragma once

#include <glib.h>
#include <stdatomic.h>

G_BEGIN_DECLS

typedef struct
{
  guint32 setting;      /* see FERRY_SPIN_SETTING() */
  gint64 longest;       /* the longest spin in microseconds; 0: waits sleep at once, or yield */
  gboolean yields;      /* waits yield the core instead of a spin */
  gboolean shares_core; /* what arrived last came by a yield, so waits yield before they spin */
  gint64 allowance;     /* microseconds in each second for spins that find nothing */
  gint64 began;         /* monotonic time when the present wait began; 0: there is none */
  gint64 second;        /* monotonic time when the present second began */
  gint64 wasted;        /* microseconds of spins that found nothing in the present second */
  gint64 typical;       /* a moving average of the time that waits took, in microseconds */
  guint misses;         /* how many spins in a row found nothing */
  guint skips;          /* how many of the next waits sleep at once */
  _Atomic guint64 time; /* any: microseconds of all spins, without yields */
} FerrySpin;

/* Whether what the thread waits for has arrived. Called again and again. */
typedef gboolean (*FerrySpinFunc) (gpointer data);

/* How much waits spin, as one word, which other processes can load. It has the longest spin in microseconds, and the
 * share of the time for spins that find nothing, in thousandths. The longest spin may be FERRY_SPIN_YIELD. 0: waits do
 * not spin.
 */
#define FERRY_SPIN_SETTING(longest, share) ((guint32) (share) << 16 | (guint32) (longest))
#define FERRY_SPIN_YIELD 0xffff

void ferry_spin_set (FerrySpin *self, guint32 setting);
/* Must be called before each wait, with the present setting. */
static inline void
ferry_spin_configure (FerrySpin *self, guint32 setting)
{
  if (G_UNLIKELY (setting != self->setting))
    ferry_spin_set (self, setting);
}

/* Begins a wait. Returns whether a spin is likely to pay; if so, the caller calls ferry_spin_poll(). */
gboolean ferry_spin_begin (FerrySpin *self);
/* Spins. Returns whether something arrived; if not, the caller sleeps, and then calls ferry_spin_end(), as it does
 * where it does not spin. */
gboolean ferry_spin_poll (FerrySpin *self, FerrySpinFunc has_arrived, gpointer data);
/* Ends the wait, if there is one with a spin that found nothing: something has arrived. */
void ferry_spin_end (FerrySpin *self);
/* This thread has woken another one of its process. */
void ferry_spin_note_wake (void);
/* Returns how many threads this thread has woken. One that has woken some since its latest spin yields before the next:
 * if the end that asks polls on one core and this one on the other, what was woken has none. */
guint ferry_spin_count_wakes (void);
/* Any thread: returns how many microseconds all spins took. */
guint64 ferry_spin_get_time (const FerrySpin *self);

G_END_DECLS
