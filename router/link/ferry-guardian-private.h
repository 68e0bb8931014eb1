/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The application's end of its guardian. For the shared queue, which has one, and for what starts it. */

#pragma once

#include "wire/ferry-guardian-protocol.h"

#include <glib.h>

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
