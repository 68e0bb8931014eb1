/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guardian: a small process that ends an application's workers when the application has ended.
 *
 * A worker normally ends by the signal at its parent's death, but a worker and its starter can switch that signal off.
 * A guardian holds a pidfd of the application and of each worker, and the number of each worker's process group. When
 * the application has ended or has closed the socket, the guardian kills all of them and ends.
 *
 * Owner:     the shared queue has the application's end of the guardian's socket.
 * Threads:   the one that drains the shared queue; ferry_guardian_tell() also runs in a child that shares our memory
 *            and has not executed yet.
 * Trust:     a guardian sends nothing, and only its end is read from the socket. No worker has its socket. */

#pragma once

#include <glib.h>

#include "link/ferry-guardian-protocol.h"

G_BEGIN_DECLS

typedef struct
{
  int socket; /* (owned): the application's end; -1: there is no guardian */
  gint64 started_at;
} FerryGuardian;

/* Starts a guardian. Returns TRUE with a socket of -1 where its program is missing. */
typedef gboolean (*FerryGuardianStartFunc) (FerryGuardian *self, GError **error);

/* The longest that ferry_guardian_tell() waits for a guardian to read. */
#define FERRY_GUARDIAN_PATIENCE_SECONDS 1

gboolean ferry_guardian_tell (int socket, FerryGuardianWord word, GPid pid, int fd, int flags);

G_END_DECLS
