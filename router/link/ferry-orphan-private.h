/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Orphans: descriptors that a worker sent and that are not used. Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns an empty array for received descriptors. (element-type int) (owned elements) */
GArray *ferry_orphans_new (void);
/* Frees the array and makes another thread close its descriptors. Does not wait. */
void ferry_orphans_free (GArray *self);
/* Makes another thread close fd, such as a socket with unread descriptors. Takes fd. Does not wait. */
void ferry_orphan_close (int fd);

G_END_DECLS
