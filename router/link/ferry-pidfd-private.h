/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals a process by its pidfd, and checks which process a pidfd stands for. */

#pragma once

#include <glib.h>

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

/* How long a process with a handler of SIGTERM may do nothing when it has to end, before it is killed, in microseconds.
 * It may wait for a process of its own that gets no processor. Nobody waits for it that long. */
#define FERRY_TIDY_GRACE (8 * G_USEC_PER_SEC)

FERRY_FOR_SIBLINGS
gboolean ferry_pidfd_signal (int pidfd, GPid pid, int signal_number);
void ferry_pidfd_signal_group (int pidfd, GPid pid, int signal_number);
gboolean ferry_pidfd_kill_group (int pidfd, GPid pid);
gboolean ferry_pidfd_is_child (int pidfd, GPid pid, GPid parent);
GPid ferry_read_parent (GPid pid);
gboolean ferry_process_is_stopped (GPid pid);
gboolean ferry_process_hears (GPid pid, int signal_number);
gboolean ferry_process_hears_sigterm (GPid pid);

G_END_DECLS
