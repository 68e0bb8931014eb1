/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Timers of one main context: a heap of deadlines, and a single source for the earliest one.
 *
 * Owner:   the router; freed on its thread.
 * Threads: the router's. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryTimers FerryTimers;

/* Embedded in what waits; zeroed before the first use. */
typedef struct
{
  gint64 deadline; /* monotonic time */
  guint position;  /* in the heap, from 1 on; 0: not set */
  void (*func) (gpointer data);
  gpointer data;
} FerryTimer;

FerryTimers *ferry_timers_new (GMainContext *context);
void ferry_timers_free (FerryTimers *self);
/* Has timer->func called once at deadline; moves it when it is set already. */
void ferry_timers_set (FerryTimers *self, FerryTimer *timer, gint64 deadline, void (*func) (gpointer data),
                       gpointer data);
void ferry_timers_unset (FerryTimers *self, FerryTimer *timer);
/* How many are set. */
guint ferry_timers_get_n (const FerryTimers *self);
/* When the first one is due; G_MAXINT64 where none is set. */
gint64 ferry_timers_get_first (const FerryTimers *self);
/* Not within a timer: runs the first one. Returns FALSE where it is not due by now. */
gboolean ferry_timers_run_one (FerryTimers *self, gint64 now);
/* Whether the caller was called by a timer; no other one runs before that has returned, whatever loop is run within. */
gboolean ferry_timers_is_dispatching (const FerryTimers *self);

static inline gboolean
ferry_timer_is_set (const FerryTimer *timer)
{
  return timer->position != 0;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTimers, ferry_timers_free)

G_END_DECLS
