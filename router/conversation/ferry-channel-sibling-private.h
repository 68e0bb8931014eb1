/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the classes of older systems use: forks of this process, each with a channel to it, the processes that
 * channels have, and the waits for both. For ferry-classic-1, which is a sibling: see base/ferry-base-private.h. */

#pragma once

#include "base/ferry-base-private.h"
#include "conversation/ferry-channel.h"
#include "task/ferry-iterate-private.h"

G_BEGIN_DECLS

/* Forks this process. Returns (transfer full) an end of a new channel, in both processes; in the child its number is 0.
 * Starts no thread, and fails with FERRY_ERROR_REFUSED in a process with threads, with FERRY_ERROR_BUSY in the callback
 * of an asynchronous function of such a channel, and with FERRY_ERROR_SYSTEM. */
FERRY_FOR_SIBLINGS
FerryChannel *ferry_channel_fork (GError **error);
/* child: closes its end, waits until the socket has taken all that was sent, and exits. */
FERRY_FOR_SIBLINGS
void ferry_channel_exit_fork (FerryChannel *self, int status) G_GNUC_NORETURN;

/* Calls func once, when the process that was started with self has ended, which runs now. Keeps no reference to self.
 * On the thread that started the process. */
FERRY_FOR_SIBLINGS
void ferry_channel_call_at_exit (FerryChannel *self, GDestroyNotify func, gpointer data);

/* How many workers run that were started with channels of router (nullable): NULL for the forks of this process. On the
 * thread that started them. */
FERRY_FOR_SIBLINGS
guint ferry_channel_count_running (FerryRouter *router);
/* Makes task return TRUE when the number is 0 next time. */
FERRY_FOR_SIBLINGS
void ferry_channel_wait_for_none (FerryRouter *router, GTask *task);

/* Waits until the end message was sent, or can no longer be sent. Not on the thread that receives for the transport. */
FERRY_FOR_SIBLINGS
void ferry_channel_wait_end_sent (FerryChannel *self);

G_END_DECLS
