/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A check of the memory of a one-shot buffer, on a thread of its own.
 *
 * System calls on one file wait for each other. A hostile worker can make its own system calls on the memory last
 * without end. So the monitor, which also serves other links, does not check large memory. Small memory is checked at
 * once, on the calling thread, because no system call takes long with it.
 *
 * Threads: the monitor begins and ends a check. The checking thread has a reference of its own, so the monitor may drop
 *          its reference before the check is done. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryOneShotCheck FerryOneShotCheck;

/* Begins a check. Takes fd. size, limit: the parameters of ferry_one_shot_map(). done: called with data after the
 * check, on the thread that checks the memory; for small memory this is the calling thread. */
FerryOneShotCheck *ferry_one_shot_check_begin (int fd, gsize size, gsize limit, GDestroyNotify done, gpointer data);
gboolean ferry_one_shot_check_is_done (FerryOneShotCheck *self);
/* Ends a check that is done, and drops the caller's reference. Returns what is wrong with the memory, or NULL; then
 * *memory becomes the mapping, which the caller owns. */
const char *ferry_one_shot_check_end (FerryOneShotCheck *self, guint8 **memory);
void ferry_one_shot_check_unref (FerryOneShotCheck *self);

G_END_DECLS
