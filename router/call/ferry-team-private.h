/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The team of a worker, by the pattern of leader and followers: one of its threads has the lead. That thread receives,
 * and also runs handlers. When a handler takes long, or is about to wait, another thread of the team takes the lead,
 * and receives.
 *
 * The follower is a thread that waits for the lead. While handlers run, it looks each millisecond whether the handler
 * of its last look still runs, and takes the lead then. So a handler that returns at once costs two atomic operations.
 * While no handlers run, the follower sleeps.
 *
 * Owner:   the process, which never frees it.
 * Threads: any, unless a function says otherwise. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryTeam FerryTeam;

/* Receives, on a thread that has just got the lead. Returns when the thread has lost the lead, see
 * ferry_team_has_lead(), or when nothing more can arrive. */
typedef void (*FerryTeamFunc) (gpointer data);

FerryTeam *ferry_team_new (FerryTeamFunc receive, gpointer data);
/* Starts the first thread, and waits until it has begun. Must be called once. Fails with FERRY_ERROR_SYSTEM. */
gboolean ferry_team_start (FerryTeam *self, GError **error);

/* Whether this thread has the lead: it receives, and maybe runs a handler. */
gboolean ferry_team_has_lead (FerryTeam *self);

/* Whether this thread may run a handler: it has the lead, runs no other handler, and there is a follower. Where there
 * is none, this function starts one. */
gboolean ferry_team_may_handle (FerryTeam *self);
/* Must be called before a handler, after ferry_team_may_handle(). is_quick: the handler is likely to return at once;
 * else the follower takes the lead now. */
void ferry_team_begin_handler (FerryTeam *self, gboolean is_quick);
/* Must be called after the handler. Returns whether this thread still has the lead, or has it again. If not, it must
 * touch nothing that belongs to the receiving thread, and return to the team's function soon. was_quick: set to whether
 * the follower had no reason to take the lead by itself. */
gboolean ferry_team_end_handler (FerryTeam *self, gboolean *was_quick);
/* For a thread that is about to wait: gives the lead to the follower. Returns FALSE if the thread runs no handler of
 * the team: then it must not wait where it has the lead. */
gboolean ferry_team_step_aside (FerryTeam *self);

G_END_DECLS
