/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A copy of a part of an arena, on a thread of its own.
 *
 * A hostile worker can make page faults of its arena last: see ferry-lane-layout.h. So where copies of a worker's
 * buffers have taken long, the monitor, which also serves other links, does not make the next ones.
 *
 * Threads: the monitor begins and ends a copy. The copying thread has a reference of its own, so the monitor may drop
 *          its reference before the copy is done. */

#pragma once

#include "lane/ferry-arena-private.h"

G_BEGIN_DECLS

typedef struct _FerrySlowCopy FerrySlowCopy;

/* Begins a copy of size bytes at offset, which the caller has checked. done: called with data after the copy, on the
 * thread that copies. */
FerrySlowCopy *ferry_slow_copy_begin (FerryArena *arena, gsize offset, gsize size, GDestroyNotify done, gpointer data);
gboolean ferry_slow_copy_is_done (FerrySlowCopy *self);
/* The bytes of a copy that is done. */
const guint8 *ferry_slow_copy_get_bytes (FerrySlowCopy *self);
void ferry_slow_copy_unref (FerrySlowCopy *self);

G_END_DECLS
