/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a session with a host. What arrives is delivered on the router's thread, in order, whatever
 * thread the transport receives on. What cannot be sent now is sent when there is room.
 *
 * Owner:   counted references.
 * Threads: the router's, unless a comment says otherwise. */

#pragma once

#include "call/ferry-transactions-private.h"
#include "call/ferry-transport.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

typedef struct _FerryRunSession FerryRunSession;

/* What a session tells its owner, which must have closed the session before it is freed. */
typedef struct
{
  /* Called once, unless this end closes the session. All that arrived before was delivered. */
  void (*ended) (gpointer owner, const GError *reason);
  /* There is room again after ferry_run_session_ask() failed with FERRY_ERROR_WOULD_BLOCK. */
  void (*has_room) (gpointer owner);
} FerryRunSessionFuncs;

/* As in FerryAnswerFuncs. Neither is called after done(), after ferry_run_session_forget(), or after the session's
 * end: then the owner knows by itself. */
typedef struct
{
  void (*item) (gpointer data, const char *name, GVariant *value); /* value: (nullable) */
  void (*done) (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused);
} FerryRunAnswerFuncs;

/* Returns (transfer full) a session over transport, of which it keeps a reference. */
FerryRunSession *ferry_run_session_new (FerryTransport *transport, FerryRouter *router,
                                        const FerryRunSessionFuncs *funcs, gpointer owner);
void ferry_run_session_unref (FerryRunSession *self);
/* Closes the transport. Nothing is delivered any more, and the owner is not told of the end. */
void ferry_run_session_close (FerryRunSession *self, const GError *reason);

/* Works as ferry_transactions_ask(). data must stay until neither function is called any more. */
guint64 ferry_run_session_ask (FerryRunSession *self, const FerryRequest *request, const FerryRunAnswerFuncs *funcs,
                               gpointer data, GError **error);
/* Cancels what was asked for, and delivers nothing more of it. A large request of which not all was sent is given up
 * instead. Returns whether it was: then the host never has it. */
gboolean ferry_run_session_abandon (FerryRunSession *self, guint64 xid);
/* Whether a large request was not sent as a whole, and so is now given up as by ferry_run_session_abandon(). */
gboolean ferry_run_session_drop (FerryRunSession *self, guint64 xid);
/* Sends a one-way request, now or as soon as there is room, behind earlier ones. Sinks arguments. */
void ferry_run_session_tell (FerryRunSession *self, const char *method, GVariant *arguments);

FerryTransport *ferry_run_session_get_transport (FerryRunSession *self);
/* Returns (transfer none) the transactions, for cancels and windows. */
FerryTransactions *ferry_run_session_get_transactions (FerryRunSession *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryRunSession, ferry_run_session_unref)

G_END_DECLS
