/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The visits to links: which are due, and what one does. */

#pragma once

#include "engine/ferry-drain-lock-private.h"
#include "engine/ferry-link-events-private.h"

G_BEGIN_DECLS

/* Links that are not visited until a time. */
typedef struct
{
  GQueue links; /* (element-type FerryLink) */
  gint64 until; /* monotonic time of the nap's end; valid where there are links */
} FerryNap;

typedef struct
{
  FerrySharedQueue *shared;   /* (owned); any thread may wake it */
  FerryLocalQueue *local;     /* const: (owned) */
  FerryDrain *drain;          /* (owned) */
  FerryDrainLock *drain_lock; /* const: (unowned) */
  FerryLinkEvents events;     /* const */
  gboolean lends;             /* const: the drain lock is lent at times */
  GQueue stalled;             /* (element-type FerryLink) links that wait for blocks or memory */
  FerryNap short_nap;         /* links with lanes that fill meanwhile, or that are muted for as long */
  FerryNap long_nap;          /* links that ring in vain, or need a barrier that failed */
  gboolean is_marked;         /* a watermark is not reached: see FerryWatermark */
  gboolean is_stopping;
  guint n_bound;            /* links of given senders that end with their worker */
  _Atomic guint64 n_faults; /* any: links that ended with a protocol error */
  _Atomic guint n_waiting;  /* any: links in stalled; only the monitor stores it, and most_waiting */
  _Atomic guint most_waiting;
} FerryVisits;

/* Takes shared. spare_time: microseconds to keep unused memory. After a failure, ferry_visits_clear() must follow
 * too. */
gboolean ferry_visits_init (FerryVisits *self, FerrySharedQueue *shared, FerryDrainLock *drain_lock,
                            FerryPingee *pingee, FerryMemoryAccount *account, gsize local_queue_limit,
                            gint64 spare_time, GError **error);
void ferry_visits_clear (FerryVisits *self);

/* Visits an active link. is_lent: the drain lock is lent, and the lane of the link stays unarmed until the main loop
 * polls.
 */
void ferry_visits_visit (FerryVisits *self, FerryLink *link, gboolean is_lent);
/* Arms the link's empty lane, or lets the link nap. Deactivates it if no record came meanwhile. Ends a link that is
 * done. */
void ferry_visits_rest (FerryVisits *self, FerryLink *link);
/* Ends the link. Its lane is drained to the last byte, or to a broken rule, so no record can follow. */
void ferry_visits_finish (FerryVisits *self, FerryLink *link);
/* Ends the link of a given sender. exit: (nullable): how its worker ended; NULL: the sender counts as stopped. */
void ferry_visits_end_given (FerryVisits *self, FerryLink *link, FerryExit *exit);
/* Tells the router's thread of the link's end, and the links that end with it. */
void ferry_visits_tell_end (FerryVisits *self, FerryLink *link);
/* Sets the state word of each pipe, and the first word in any case: it also closes the down lane. */
void ferry_visits_close_pipes (FerryLink *link, FerryPipeWord word);
/* Ends the link if its sender is in this process, and all its pipes are done. */
void ferry_visits_end_if_local (FerryVisits *self, FerryLink *link);

/* The monitor: activates stalled links that may go on. */
void ferry_visits_revive (FerryVisits *self);
/* The monitor: activates links with naps that are over. */
void ferry_visits_end_naps (FerryVisits *self);
/* Ends a link's nap early. */
void ferry_visits_wake (FerryVisits *self, FerryLink *link);
/* Forgets naps and stalls, before all links end. */
void ferry_visits_forget (FerryVisits *self);

/* Whether nothing is under way that only the monitor's thread does. */
gboolean ferry_visits_need_no_monitor (FerryVisits *self);
/* Whether the monitor may lend the drain lock when no link is active, and its time with it is over. */
gboolean ferry_visits_may_lend (FerryVisits *self);
/* Returns the monotonic time at which the monitor has something to do, or FERRY_SLEEP. */
gint64 ferry_visits_get_waking_time (FerryVisits *self);

/* Whether the main loop may drain the link. Then it is open, no buffer is being copied or checked, few records come at
 * a time, and the rings are for records. A ring in vain then costs the monitor's time, not that of the frames. So does
 * a copy: its page faults take as long as the worker likes. */
gboolean ferry_visits_is_light (FerryLink *link);
/* Whether the worker has attached before its fork server has answered. The link then waits for that answer, so that the
 * event of its start comes before its messages. */
gboolean ferry_visits_is_ahead_of_fork_server (FerryLink *link);
/* Whether a stalled link may be visited again. */
gboolean ferry_visits_may_go_on (FerryVisits *self, FerryLink *link);
/* Sets whether the writer rings before it waits for room: from the time when the lane is armed, until the monitor
 * visits the link. The main loop may take the ring of the armed lane and then do other work. */
void ferry_visits_set_ring_when_full (FerryLink *link, gboolean rings);

static inline guint64
ferry_visits_count_sent (FerryLink *link)
{
  /* Relaxed: a hint. */
  return atomic_load_explicit (&link->down.n_sent, memory_order_relaxed);
}

G_END_DECLS
