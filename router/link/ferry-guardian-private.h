/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guardian: a small process that ends an application's workers when the application has ended.
 *
 * A signal at the parent's death is the first to end a worker, but a worker can take that off, and so can what starts
 * it. A guardian holds a pidfd of each worker and of the application, and each worker's process group. When the
 * application has ended, or has let go, it kills all of them and ends.
 *
 * Owner:     the shared queue has the application's end of the guardian's socket.
 * Threads:   the one that drains the shared queue; ferry_guardian_tell() also runs in a child that shares our memory
 *            and has not executed yet.
 * Trust:     a guardian sends nothing, and is asked for nothing but its end. No worker has its socket. */

#pragma once

#include <glib.h>

#include "link/ferry-guardian-protocol.h"

G_BEGIN_DECLS

typedef struct
{
  int socket; /* (owned): the application's end; -1: there is no guardian */
  gint64 started_at;
} FerryGuardian;

#define FERRY_GUARDIAN_INIT                                                                                            \
  {                                                                                                                    \
    -1, 0                                                                                                              \
  }

/* Starts one. Returns TRUE and leaves -1 where its program is missing. */
typedef gboolean (*FerryGuardianStartFunc) (FerryGuardian *self, GError **error);

/* How long a guardian may leave what it is told unread, where that is waited for. */
#define FERRY_GUARDIAN_PATIENCE_SECONDS 1

gboolean ferry_guardian_tell (int socket, FerryGuardianWord word, GPid pid, int fd, int flags);
void ferry_guardian_close (FerryGuardian *self);

G_END_DECLS
