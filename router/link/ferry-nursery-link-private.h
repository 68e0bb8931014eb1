/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of a nursery: the workers that it was asked to fork, and what it says of them.
 *
 * Owner:     the nursery's link.
 * Threads:   the monitor; requests are sent by other threads too, where nothing waits to be sent before them.
 * Trust:     a nursery may say anything at any time. What it was not asked for is a protocol error of its own, which
 * ends the nursery and the workers that it forked; other links do not notice. Invariant: nothing here waits. At most
 * FERRY_MAX_ASKED requests lie in the socket unanswered; what is asked for beyond that, or while the nursery has not
 * attached, waits here. */

#pragma once

#include "link/ferry-nursery-packet-private.h"
#include "link/ferry-shared-queue-private.h"

G_BEGIN_DECLS

/* Descriptors on their way count against the limit of open files, so they are not many. */
#define FERRY_MAX_ASKED 32

void ferry_nursery_link_begin (FerryLink *nursery);

gboolean ferry_nursery_link_start (FerrySharedQueue *queue, FerryLink *nursery, FerryLink *link,
                                   FerryStartRequest *request, guint64 id, GError **error);
guint64 ferry_nursery_link_begin_ask (FerryLink *nursery, FerryStartRequest *request);
void ferry_nursery_link_end_ask (FerryLink *nursery);
void ferry_nursery_link_finish (FerrySharedQueue *queue, FerryLink *nursery, const char *message);

G_END_DECLS
