/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a fork server: the workers that it was asked to fork, and what it says of them.
 *
 * Owner:     the fork server's link.
 * Threads:   the monitor; requests are sent by other threads too, where nothing waits to be sent before them.
 * Trust:     a fork server may say anything at any time. What it was not asked for is a protocol error of its own,
 * which ends the fork server and the workers that it forked; other links do not notice. Invariant: nothing here waits.
 * At most FERRY_MAX_ASKED requests lie in the socket unanswered; what is asked for beyond that, or while the fork
 * server has not attached, waits here. */

#pragma once

#include "link/ferry-fork-server-packet-private.h"
#include "link/ferry-shared-queue-private.h"

G_BEGIN_DECLS

/* Descriptors on their way count against the limit of open files, so they are not many. */
#define FERRY_MAX_ASKED 32

void ferry_fork_server_link_begin (FerryLink *fork_server);

gboolean ferry_fork_server_link_start (FerrySharedQueue *queue, FerryLink *fork_server, FerryLink *link,
                                       FerryStartRequest *request, guint64 id, GError **error);
guint64 ferry_fork_server_link_begin_ask (FerryLink *fork_server, FerryStartRequest *request);
void ferry_fork_server_link_end_ask (FerryLink *fork_server);
void ferry_fork_server_link_finish (FerrySharedQueue *queue, FerryLink *fork_server, const char *message);

G_END_DECLS
