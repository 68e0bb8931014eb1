/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Timers of one main context: a heap of deadlines, and a single source for the earliest one.
 *
 * Owner:   the router; freed on its thread.
 * Threads: the router's. */

#pragma once

#include "base/ferry-deadlines-private.h"
#include "base/ferry-sibling-private.h"

G_BEGIN_DECLS

typedef struct _FerryTimers FerryTimers;

/* A timer, as a member of the structure that needs it. Must be zeroed before the first use. */
typedef struct
{
  FerryDeadline deadline;
  void (*func) (gpointer data);
  gpointer data;
} FerryTimer;

FerryTimers *ferry_timers_new (GMainContext *context);
void ferry_timers_free (FerryTimers *self);
/* Makes the timer call func once at deadline. If the timer is set already, it gets the new deadline, func and data. */
FERRY_FOR_SIBLINGS
void ferry_timers_set (FerryTimers *self, FerryTimer *timer, gint64 deadline, void (*func) (gpointer data),
                       gpointer data);
FERRY_FOR_SIBLINGS
void ferry_timers_unset (FerryTimers *self, FerryTimer *timer);
/* Unsets a timer, and the main context does not wake up for it: costs a system call. */
void ferry_timers_drop (FerryTimers *self, FerryTimer *timer);
/* Returns how many timers are set. */
guint ferry_timers_get_n (const FerryTimers *self);
/* Returns the earliest deadline; G_MAXINT64 if no timer is set. */
gint64 ferry_timers_get_first (const FerryTimers *self);
/* Calls the func of the earliest timer. Returns FALSE if that timer's deadline is after now. Must not be called
 * within a timer's func. */
gboolean ferry_timers_run_one (FerryTimers *self, gint64 now);
/* Whether the caller was called by a timer. Until that timer's func returns, no other timer runs, even if func
 * iterates the main context. */
gboolean ferry_timers_is_dispatching (const FerryTimers *self);

static inline gboolean
ferry_timer_is_set (const FerryTimer *timer)
{
  return ferry_deadline_is_set (&timer->deadline);
}

/* Has func notify figures that have changed, at most once in a frame: at once where it has not done so in the latest
 * one, and otherwise together with all that change until the next. told: monotonic time at which it did so last. It is
 * set whether somebody listens or not: once in a frame costs less than to ask at each change, and GLib emits nothing
 * where nobody does. */
static inline void
ferry_timers_set_to_tell (FerryTimers *self, FerryTimer *timer, gint64 told, void (*func) (gpointer data),
                          gpointer data)
{
  if (!ferry_timer_is_set (timer))
    ferry_timers_set (self, timer, told + G_USEC_PER_SEC / 60, func, data);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryTimers, ferry_timers_free)

G_END_DECLS
