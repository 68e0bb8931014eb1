/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The leases of lanes to threads that wait for answers.
 *
 * A single thread that waits for an answer over a link has the link's up lane itself, while the role is lent. It gets
 * the lane before it sends the request. After that it polls the lane for some microseconds, where that has paid lately,
 * and then sleeps on a bell of its own. It hands answers over, its own among them, where these are the next records:
 * its answer then comes without a hop. If there is anything else, it drains the link, and gives the lane back.
 *
 * The link rests meanwhile: it is not active, and its lane is unarmed, or armed for that thread. Each step of the
 * thread on the lane is made with the role, except the load of the next first word. A role's holder that has to visit
 * the link recalls the lease first, by activating the link. A record of another pipe rings the doorbell, and so has the
 * link visited. A thread that has lost its lease while it slept sleeps on: its answer is handed over, and ends the
 * wait.
 *
 * Owner:   the monitor.
 * Threads: any.
 * Model:   tests/model/lease.pml. */

#pragma once

#include "engine/ferry-commands-private.h"
#include "engine/ferry-short-cut-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryShortCut *short_cut;  /* const: (unowned), as the others */
  FerryVisits *visits;       /* const */
  FerryRole *role;           /* const */
  FerryCommands *commands;   /* const */
  _Atomic guint64 spin_time; /* any: microseconds of the spins of these threads */
} FerryLeases;

void ferry_leases_init (FerryLeases *self, FerryShortCut *short_cut, FerryCommands *commands);

/* Notes a thread that is going to send a request over the link, so that it is handed the answer. may_take: this thread
 * may have the lane, if the link allows it now. Returns whether it has: ferry_leases_end() must then follow soon. Where
 * the wait is listed then, ferry_answer_waits_remove() must follow, unless the wait's completion is handed over. The
 * caller must keep a reference to the link. */
gboolean ferry_leases_begin (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait, gboolean may_take);
/* Ends the wait that ferry_leases_begin() began. waits: waits for the answer first. Polls, where that is likely to pay;
 * then sleeps. Hands answers over meanwhile. Afterwards, wait->size tells whether the answer is in wait->place. If
 * not, the answer is handed over or dispatched later, and the caller must wait for that. It calls ferry_spin_end()
 * afterwards. */
void ferry_leases_end (FerryLeases *self, FerryLink *link, FerryAnswerWait *wait, gboolean waits);

G_END_DECLS
