/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Timers of one main context. */

#pragma once

#include <glib.h>

#include "base/ferry-base-private.h"
#include "base/ferry-deadlines-private.h"

G_BEGIN_DECLS

typedef struct _FerryTimers FerryTimers;

/* A timer, as a member of the structure that needs it. Must be zeroed before the first use. */
typedef struct
{
  FerryDeadline deadline;
  void (*func) (gpointer data);
  gpointer data;
} FerryTimer;

/* Whether all that had come over one way is dispatched. begins: it is asked about all that has come by now; otherwise
 * it is asked again. If FALSE is returned, ferry_timers_look() must be called as soon as it may be TRUE. */
typedef gboolean (*FerrySettledFunc) (gpointer data, gboolean begins);

FerryTimers *ferry_timers_new (GMainContext *context);
/* any: returns (transfer full) the limits of context, which must not be NULL. They are the same at each call. All other
 * functions are for the thread that runs the context. */
FerryTimers *ferry_timers_ref_limits_of (GMainContext *context);
void ferry_timers_unref_limits (FerryTimers *limits);
/* any: has limits wait until what came over this way is dispatched. Threads make routers for contexts of others. */
FERRY_FOR_SIBLINGS
void ferry_timers_add_settled_func (FerryTimers *limits, FerrySettledFunc is_settled, gpointer data);
/* any, but not within such a func: it is not called afterwards. */
FERRY_FOR_SIBLINGS
void ferry_timers_remove_settled_func (FerryTimers *limits, gpointer data);
void ferry_timers_free (FerryTimers *self);
/* Makes the timer call func once at deadline. If the timer is set already, it gets the new deadline, func and data. */
FERRY_FOR_SIBLINGS
void ferry_timers_set (FerryTimers *self, FerryTimer *timer, gint64 deadline, void (*func) (gpointer data),
                       gpointer data);
FERRY_FOR_SIBLINGS
void ferry_timers_unset (FerryTimers *self, FerryTimer *timer);
/* Unsets a timer, and the main context does not wake up for it: costs a system call. */
void ferry_timers_drop (FerryTimers *self, FerryTimer *timer);
guint ferry_timers_get_n (const FerryTimers *self);
/* Returns the time at which a timer may be due; G_MAXINT64 if none is set. */
gint64 ferry_timers_get_first (const FerryTimers *self);
/* Calls the func of the earliest timer. Returns FALSE if that timer's deadline is after now, or if it is a limit that
 * cannot be applied yet. Must not be called within a timer's func. */
gboolean ferry_timers_run_one (FerryTimers *self, gint64 now);
/* Has the context look soon whether limits that are over can be applied. Does nothing if none are. */
FERRY_FOR_SIBLINGS
void ferry_timers_look (FerryTimers *limits);
/* Returns (transfer full) a source for one limit: its callback is called once, a GSourceFunc. */
GSource *ferry_limit_source_new (gint64 deadline);
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
