/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guardian: a small process that ends an application's workers when the application has ended.
 *
 * Normally, the kernel ends a worker by the signal that is sent when the worker's parent dies. But a worker, and the
 * program that starts it, can switch that signal off. A guardian has a pidfd of the application and of each worker, and
 * the number of each worker's process group. When the application has ended or has closed the guardian's socket, the
 * guardian kills all workers with their groups, and then ends.
 *
 * Owner:     the shared queue owns the application's end of the guardian's socket.
 * Threads: the thread that drains the shared queue. The function ferry_guardian_tell() also runs in a child that shares
 *            this process' memory and has not executed its program yet.
 * Trust:     a guardian sends nothing. The application only watches the socket for the guardian's end. No worker has
 *            the guardian's socket. */

#pragma once

#include <glib.h>

#include "wire/ferry-guardian-protocol.h"

G_BEGIN_DECLS

typedef struct
{
  int socket; /* (owned): the application's end of the socket; -1: no guardian runs */
  gint64 started_at;
} FerryGuardian;

/* Starts a guardian. Returns TRUE with a socket of -1 where the guardian's program is missing. */
typedef gboolean (*FerryGuardianStartFunc) (FerryGuardian *self, GError **error);

/* The longest time, in seconds, that ferry_guardian_tell() waits for room in the socket. */
#define FERRY_GUARDIAN_PATIENCE_SECONDS 1

gboolean ferry_guardian_tell (int socket, FerryGuardianWord word, GPid pid, int fd, int flags);

G_END_DECLS
