/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A look at the memory that a worker handed over, by a thread of its own.
 *
 * The kernel has whoever asks about a file wait for who is busy with it, and a worker may be busy with the memory that
 * it has handed over for as long as it likes. The monitor, which has other links, does not wait with it. Of little
 * memory it does: there is no way to be busy with that for long.
 *
 * Threads: begun, ended and dropped by the monitor. The thread has a reference of its own, so the monitor may drop what
 *          is under way. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _FerryOneShotCheck FerryOneShotCheck;

/* Takes fd over. size, limit: as of ferry_one_shot_map(). done: called with data once it is done, on the thread that
 * looked. */
FerryOneShotCheck *ferry_one_shot_check_begin (int fd, gsize size, gsize limit, GDestroyNotify done, gpointer data);
gboolean ferry_one_shot_check_is_done (FerryOneShotCheck *self);
/* Of one that is done: returns what is wrong, or NULL with the mapping, which is the caller's. Frees it. */
const char *ferry_one_shot_check_end (FerryOneShotCheck *self, guint8 **memory);
void ferry_one_shot_check_drop (FerryOneShotCheck *self);

G_END_DECLS
