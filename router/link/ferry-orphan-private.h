/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Orphans: descriptors that a worker sent and that are not used.
 *
 * The worker chooses their files. To close the last descriptor of a socket that lingers, or of a file whose server does
 * not answer, may take for ever. So a thread of their own closes them, without any other system call.
 *
 * Threads: any. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (element-type int) (owned elements): received descriptors. */
GArray *ferry_orphans_new (void);
/* Has them closed, without waiting. */
void ferry_orphans_free (GArray *self);
/* The same of one descriptor, such as a socket with unread descriptors. */
void ferry_orphan_close (int fd);

G_END_DECLS
