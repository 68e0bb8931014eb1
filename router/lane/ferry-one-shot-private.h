/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of a one-shot buffer: a memfd of its own, which a worker fills, seals and sends.
 *
 * Threads: any.
 * Trust:   a descriptor is hostile until ferry_one_shot_map() has mapped it. Mapped memory cannot change or become
 *          shorter, and all of its pages are allocated. So no read of it fails, and no page is charged to the
 *          application. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* worker: makes memory of size bytes, and maps it for writing at *data. expected: how many of these bytes the caller
 * will probably write; their pages are allocated at once. Returns its descriptor, which the caller owns, or -1. */
int ferry_one_shot_create (gsize size, gsize expected, guint8 **data, GError **error);
/* worker: truncates the memory to size bytes and seals it. The mapping at data, of mapped bytes, becomes read-only. */
gboolean ferry_one_shot_seal (int fd, gsize size, guint8 *data, gsize mapped, GError **error);

/* application: makes sealed memory with a copy of these bytes. Returns its descriptor, which the caller owns, or -1. */
int ferry_one_shot_create_filled (gconstpointer data, gsize size, GError **error);
/* worker: maps the sealed memory of fd. The caller keeps fd. Fails with FERRY_ERROR_BAD_ARGUMENTS where fd is not
 * sealed memory. (transfer full) */
GBytes *ferry_one_shot_map_bytes (int fd, GError **error);

/* application: checks memory that a worker sent, and maps it for reading at *data. size: the size that the record
 * gives; limit: the greatest size that is allowed. Returns what is wrong with the memory, or NULL. */
const char *ferry_one_shot_map (int fd, gsize size, gsize limit, guint8 **data);
/* application: enters the pages of mapped memory into the page table, so that the reader has no page faults. Takes some
 * 30 µs a MiB. */
void ferry_one_shot_touch (guint8 *data, gsize size);

G_END_DECLS
