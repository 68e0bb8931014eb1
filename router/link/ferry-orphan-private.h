/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Descriptors that a worker sent and nobody wants.
 *
 * What they are of is the worker's choice: a socket that lingers or a file whose server does not answer holds up who
 * closes the last of it. So nothing is asked of them, and a thread closes them that does nothing else.
 *
 * Threads: any. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (element-type int) (owned elements): descriptors that were received. */
GArray *ferry_orphans_new (void);
/* Takes all of them, and leaves the array empty. Does not wait for anything. */
void ferry_orphans_close (GArray *self);
void ferry_orphans_free (GArray *self);

/* The same for one, which may be the end of a socket with descriptors in it that were not received. */
void ferry_orphan_close (int fd);

G_END_DECLS
