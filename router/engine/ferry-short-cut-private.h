/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The short cut: the main loop drains, where little comes. */

#pragma once

#include "base/ferry-spin-private.h"
#include "engine/ferry-visits-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryVisits *visits;        /* const: (unowned) */
  FerrySharedQueue *shared;   /* const: (unowned): of the visits */
  FerryDrainLock *drain_lock; /* const: (unowned) */
  FerryPingee *pingee;        /* const: (unowned) */
  GMainContext *context;      /* const: (owned) (nullable): runs the main loop; NULL: the monitor always drains */
  gboolean expects_drain;     /* router's thread: the pingee is pinged, and its dispatch drains */
  gboolean gives_way;         /* router's thread: the next iteration of the main loop is for other sources */
  gboolean has_served; /* router's thread: records were taken after the latest drain, while threads waited for some */
  FerrySpin spin;      /* router's thread: the main loop's spins while it drains; any for their time */
  _Atomic guint32 spin_setting; /* any: see FERRY_SPIN_SETTING() */
} FerryShortCut;

void ferry_short_cut_init (FerryShortCut *self, FerryVisits *visits, FerryDrainLock *drain_lock, FerryPingee *pingee,
                           GMainContext *context);
void ferry_short_cut_clear (FerryShortCut *self);

/* The router's thread: returns (transfer full) the source of the short cut, attached to the router's context. keeps: a
 * reference to the owner of this short cut, which unref drops. */
GSource *ferry_short_cut_attach (FerryShortCut *self, gpointer keeps, GDestroyNotify unref);

/* The router's thread: the main loop does not sleep before it drains again, so the lanes need not be armed until then.
 */
void ferry_short_cut_expect_drain (FerryShortCut *self);
/* The router's thread: the same, but it drains an iteration of the main loop later, after sources of lower
 * priority. */
void ferry_short_cut_give_way (FerryShortCut *self);
/* The router's thread: drains the active links, if the drain lock is lent. calls: handlers are called afterwards, even
 * if nothing was drained. */
void ferry_short_cut_drain (FerryShortCut *self, gboolean calls);
/* The router's thread, at the end of a dispatch: the main loop goes on to other work. */
void ferry_short_cut_end_dispatch (FerryShortCut *self);
/* The router's thread, when the main loop has nothing to dispatch: spins, if the drain lock is lent. Returns whether
 * there are records. Where there is one core, yields it, without the drain lock, which a waiting thread may need
 * meanwhile. */
gboolean ferry_short_cut_spin (FerryShortCut *self);

/* any: lists a thread that is going to send a request over the link, so that it is handed the answer, and arms the
 * lane. The caller keeps a reference to the link. */
void ferry_short_cut_begin_wait (FerryShortCut *self, FerryLink *link, FerryAnswerWait *wait);
/* any: ends that. waits: first waits until the thread is handed its answer or the completion is over. Afterwards,
 * wait->size tells whether the answer is in wait->place. */
void ferry_short_cut_end_wait (FerryLink *link, FerryAnswerWait *wait, gboolean waits, gint64 deadline,
                               GCancellable *cancellable);

/* The monitor: lends the drain lock to the main loop, sleeps until there is work that is not the main loop's, and takes
 * the drain lock back. */
void ferry_short_cut_lend_drain_lock (FerryShortCut *self);

G_END_DECLS
