/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Unmapping on a thread of its own. The last unmapping of shared memory frees all of its pages, which takes a tenth of
 * a second for a GiB. So neither the application's threads nor the monitor wait for it. The thread ends when no mapping
 * is left to unmap.
 *
 * Threads: any. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

void ferry_unmap_soon (gpointer data, gsize size);
void ferry_unmap_aside (gpointer data, gsize size);

G_END_DECLS
