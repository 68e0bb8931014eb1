/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a fork server: the workers that the fork server was asked to fork, and its answers.
 *
 * Owner:     the fork server's link.
 * Threads:   the monitor. Other threads also send requests, but only while no request is queued.
 * Trust:     none in the fork server, which may send anything at any time. An answer without a request is a protocol
 *            error: it ends the fork server and its workers, and affects no other link.
 * Invariant: no function waits. At most FERRY_MAX_ASKED requests are in the socket without an answer. Further requests
 *            are queued here, and so are requests that come before the fork server has attached. */

#pragma once

#include "engine/ferry-shared-queue-private.h"
#include "wire/ferry-fork-server-packet-private.h"

G_BEGIN_DECLS

/* The maximum number of requests that are sent and not answered. It is small, because descriptors in the socket count
 * against the limit of open files. */
#define FERRY_MAX_ASKED 32

void ferry_fork_server_link_begin (FerryLink *fork_server);

gboolean ferry_fork_server_link_start (FerrySharedQueue *queue, FerryLink *fork_server, FerryLink *link,
                                       FerryStartRequest *request, guint64 id, GError **error);
guint64 ferry_fork_server_link_begin_ask (FerryLink *fork_server, FerryStartRequest *request);
void ferry_fork_server_link_end_ask (FerryLink *fork_server);
/* any: returns (transfer full) (nullable) why the fork server has executed a worker, and not forked it. */
char *ferry_fork_server_link_dup_why_executed (FerryLink *fork_server);

/* monitor: for the shared queue. */
void ferry_fork_server_link_flush (FerrySharedQueue *queue, FerryLink *fork_server);
FerryControlEvent ferry_fork_server_link_receive (FerrySharedQueue *queue, FerryLink *fork_server, GError **error);
void ferry_fork_server_link_close (FerryLink *fork_server);
void ferry_fork_server_link_lose (FerrySharedQueue *queue, FerryLink *fork_server, int cause);
void ferry_fork_server_link_finish (FerrySharedQueue *queue, FerryLink *fork_server, const char *message);

G_END_DECLS
