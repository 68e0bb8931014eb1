/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The write-ahead log of a database, as it lies on the disk. One thread at a time, which may wait for the disk. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* path: of the database, which nobody has connected to yet: SQLite drops what it does not read. Returns (transfer full)
 * (nullable) how the log is damaged, as a sentence goes on; NULL if it has all that was committed. */
char *ferry_queue_log_find_damage (const char *path);
/* index: a descriptor of PATH-shm. Returns how large the log is at least. */
goffset ferry_queue_log_get_least_size (int index);

G_END_DECLS
