/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A check of the memory that a worker sent, by a thread of its own.
 *
 * System calls on a file wait for each other, and a hostile worker can prolong its own on that memory without end. So
 * the monitor, which has other links, does not make them. It does check small memory, with which no call takes long.
 *
 * Threads: begun and ended by the monitor. The thread has a reference of its own, so the monitor may drop a check. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryOneShotCheck FerryOneShotCheck;

/* Takes fd. size, limit: as of ferry_one_shot_map(). done: called with data after the check, on the checking thread. */
FerryOneShotCheck *ferry_one_shot_check_begin (int fd, gsize size, gsize limit, GDestroyNotify done, gpointer data);
gboolean ferry_one_shot_check_is_done (FerryOneShotCheck *self);
/* After the check: returns the fault, or NULL with the mapping, which is the caller's. Drops the reference. */
const char *ferry_one_shot_check_end (FerryOneShotCheck *self, guint8 **memory);
void ferry_one_shot_check_unref (FerryOneShotCheck *self);

G_END_DECLS
