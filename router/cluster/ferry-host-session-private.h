/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host and one application say to each other in a session: the host's end.
 *
 * It ends with the session below it, or with the answer to FERRY_SERVE_METHOD. That answer is sent when the host has
 * drained, or when the application broke the protocol. In the second case the answer is an error that says how. Either
 * way, what still runs for the session is cancelled, and ended by force.
 *
 * Owner:   counted references; a FerryHostService has each session until it has ended.
 * Threads: the router's.
 * Trust:   the application is not trusted. What it sends is checked first, and what is kept of it is bounded by the
 *          room that it was given. */

#pragma once

#include "cluster/ferry-host-room-private.h"
#include "cluster/ferry-host-run-private.h"
#include "cluster/ferry-rate-private.h"
#include "cluster/ferry-session-private.h"

G_BEGIN_DECLS

#define FERRY_TYPE_HOST_SESSION (ferry_host_session_get_type ())
G_DECLARE_FINAL_TYPE (FerryHostSession, ferry_host_session, FERRY, HOST_SESSION, GObject)

/* What a session tells its owner. */
typedef struct
{
  /* A run has come, which must be put into a line, and waits for a place: ferry_host_session_begin(). */
  void (*run_came) (gpointer owner, FerryHostSession *session, FerryHostRun *run);
  /* There is leave for a run, which begins now. */
  void (*run_left) (gpointer owner, FerryHostSession *session, FerryHostRun *run);
  /* Other room is wanted, or there is other room. */
  void (*changed) (gpointer owner, FerryHostSession *session);
  /* The session has ended; nothing is told after that. Its runs are over, but for those that are being ended. */
  void (*ended) (gpointer owner, FerryHostSession *session);
} FerryHostSessionFuncs;

/* What sessions read of their host. It must stay as long as they are. */
typedef struct
{
  FerryRouter *router;     /* (unowned) */
  FerryHostSource *source; /* (owned): of all runs that have begun */
  GRefString *name;        /* (owned): the host's */
  FerryHostFacts facts;    /* (owned) */
  FerryHostRoom room;
  guint n_busy;
  FerryRate complaints; /* lines in the log about applications */
} FerryHostBoard;

/* Begins to serve what asks by session. name: of the application, its user and its instance, for logs. NULL with an
 * error where the session is in use. */
FerryHostSession *ferry_host_session_new (FerrySession *session, const char *name, FerryHostBoard *board,
                                          const FerryHostSessionFuncs *funcs, gpointer owner, GError **error);

/* There is a place for the run: it begins, or asks for leave. */
void ferry_host_session_begin (FerryHostSession *self, FerryHostRun *run);
/* The run waits for the application from now on, or no longer. Does nothing for a run of a session that has ended. */
void ferry_host_session_set_stuck (FerryHostRun *run, gboolean stuck);
/* The owner calls both after each changed(). The first sends what runs have to say, which may free room. The second
 * sends all that is new, also on the board. It expects that no more follows in this turn of the main loop. */
void ferry_host_session_flush_runs (FerryHostSession *self);
void ferry_host_session_flush (FerryHostSession *self);
/* Refuses what was not begun, and ends when all runs are over. */
void ferry_host_session_drain (FerryHostSession *self);
/* Ends the session, and says why: the answer to FERRY_SERVE_METHOD is reason. */
void ferry_host_session_end (FerryHostSession *self, const GError *reason);
/* Ends it now, and the session below it. */
void ferry_host_session_finish (FerryHostSession *self, const GError *reason);

G_END_DECLS
