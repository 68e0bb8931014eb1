/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes in a memfd that nobody can change any more, such as those of tasks (ferry_task_add_bytes()). Any thread. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Makes sealed memory with a copy of these bytes. Returns its descriptor, which the caller owns, or -1. */
int ferry_sealed_bytes_new (gconstpointer data, gsize size, GError **error);
/* Maps the sealed memory of fd. The caller keeps fd. Fails with FERRY_ERROR_BAD_ARGUMENTS where fd is not sealed
 * memory. (transfer full) */
GBytes *ferry_sealed_bytes_map (int fd, GError **error);

G_END_DECLS
