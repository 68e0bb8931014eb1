/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Forks of this process, each with a channel to it. */

#pragma once

#include <ferry-conversations.h>

G_BEGIN_DECLS

/* Forks this process. Returns (transfer full) an end of a new channel, in both processes; in the child its number is 0.
 * Starts no thread, and fails with FERRY_ERROR_REFUSED in a process with threads, with FERRY_ERROR_BUSY in the callback
 * of an asynchronous function of such a channel, and with FERRY_ERROR_SYSTEM. */
FerryChannel *ferry_channel_fork (GError **error);
/* child: closes its end, waits until the socket has taken all that was sent, and exits. */
void ferry_channel_exit_fork (FerryChannel *self, int status) G_GNUC_NORETURN;

G_END_DECLS
