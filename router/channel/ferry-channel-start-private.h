/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A channel with a worker that was started for it, at both ends.
 *
 * The worker is passed one transport, by a reserved name; the first message over it, its order, names the function and
 * has its arguments. */

#pragma once

#include "channel/ferry-channel-private.h"
#include "channel/ferry-channel-start.h"

G_BEGIN_DECLS

#define FERRY_CHANNEL_TRANSPORT "ferry.channel"

/* arguments (nullable). Returns (transfer floating). */
GVariant *ferry_channel_order_new (const char *function, GVariant *arguments);

/* In ferry-wait-all.c. main: a worker that ferry_wait_all() waits for was started, or has ended; router is NULL for one
 * that was forked. */
void ferry_wait_all_begin (FerryRouter *router);
void ferry_wait_all_end (FerryRouter *router);
/* In a child that was forked: its parent's are none of its own. */
void ferry_wait_all_forget (void);

G_END_DECLS
