/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of a one-shot buffer: a memfd of its own, which a worker fills, seals and sends.
 *
 * Threads: any.
 * Trust:   a descriptor is hostile until ferry_one_shot_map() has mapped it. The mapped memory cannot change or become
 *          shorter, and all of its pages are allocated: no access fails, and none is charged to the application. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* worker: makes memory, with size bytes mapped at *data for writing. Returns its descriptor, or -1. */
int ferry_one_shot_create (gsize size, guint8 **data, GError **error);
/* worker: cuts the memory to size bytes and seals it. The mapping at data, of mapped bytes, becomes read-only. */
gboolean ferry_one_shot_seal (int fd, gsize size, guint8 *data, gsize mapped, GError **error);

/* application: makes sealed memory with a copy of these bytes. Returns its descriptor, or -1. */
int ferry_one_shot_create_filled (gconstpointer data, gsize size, GError **error);
/* worker: maps the sealed memory of fd. Fails with FERRY_ERROR_BAD_ARGUMENTS where fd is something else. */
GBytes *ferry_one_shot_map_bytes (int fd, GError **error);

/* application: maps memory that a worker sent. Returns what is wrong with it, or NULL. */
const char *ferry_one_shot_map (int fd, gsize size, gsize limit, guint8 **data);

G_END_DECLS
