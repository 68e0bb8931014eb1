/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of a one-shot buffer: a memfd of its own, which its worker fills, seals and hands over.
 *
 * Threads: any.
 * Trust:   a descriptor is hostile until ferry_one_shot_map() has mapped it. What is mapped then cannot change, cannot
 *          become shorter, and is there to its last page: no access to it fails, and none takes memory that the
 *          application would be charged for. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* worker: a new one, of which size bytes are mapped at *data to be written. Returns its descriptor, or -1. */
int ferry_one_shot_create (gsize size, guint8 **data, GError **error);
/* worker: seals it, with size bytes. The mapping at data, of mapped bytes, stays where it is, and can be read only. */
gboolean ferry_one_shot_seal (int fd, gsize size, guint8 *data, gsize mapped, GError **error);

/* application: a new one that has these bytes and is sealed. Returns its descriptor, or -1. */
int ferry_one_shot_create_filled (gconstpointer data, gsize size, GError **error);
/* worker: maps one of those. Returns NULL with an error, of FERRY_ERROR_BAD_ARGUMENTS where it is none. */
GBytes *ferry_one_shot_map_bytes (int fd, GError **error);

/* application: maps what a worker handed over. Returns what is wrong with it, or NULL. */
const char *ferry_one_shot_map (int fd, gsize size, gsize limit, guint8 **data);

G_END_DECLS
