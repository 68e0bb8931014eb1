/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a fork server: the workers that it was asked to fork, and its answers.
 *
 * Owner:     the fork server's link.
 * Threads:   the monitor; other threads also send requests, while none is queued before theirs.
 * Trust:     a fork server may send anything at any time. An answer without a request is a protocol error, which ends
 *            the fork server and its workers, and affects no other link.
 * Invariant: no call waits. At most FERRY_MAX_ASKED requests are unanswered in the socket; more requests, and those
 *            before the fork server has attached, are queued here. */

#pragma once

#include "link/ferry-fork-server-packet-private.h"
#include "link/ferry-shared-queue-private.h"

G_BEGIN_DECLS

/* Few, since descriptors in the socket count against the limit of open files. */
#define FERRY_MAX_ASKED 32

void ferry_fork_server_link_begin (FerryLink *fork_server);

gboolean ferry_fork_server_link_start (FerrySharedQueue *queue, FerryLink *fork_server, FerryLink *link,
                                       FerryStartRequest *request, guint64 id, GError **error);
guint64 ferry_fork_server_link_begin_ask (FerryLink *fork_server, FerryStartRequest *request);
void ferry_fork_server_link_end_ask (FerryLink *fork_server);
void ferry_fork_server_link_finish (FerrySharedQueue *queue, FerryLink *fork_server, const char *message);

G_END_DECLS
