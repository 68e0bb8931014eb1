/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A copy of a queue's file with its values. One thread at a time, which may wait for the disk. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FerryQueueCopy FerryQueueCopy;

/* path: absolute: of the copy. folder: of its values. values: the folder of those of the queue. cancellable:
 * (nullable). */
FerryQueueCopy *ferry_queue_copy_new (const char *path, const char *folder, const char *values,
                                      GCancellable *cancellable);
/* Removes what is not complete. */
void ferry_queue_copy_free (FerryQueueCopy *self);

/* (transfer none): of the copy. */
const char *ferry_queue_copy_get_path (const FerryQueueCopy *self);
/* Makes the folder and a draft that is empty. Returns (transfer none) (nullable) the path of the draft. Fails with
 * G_IO_ERROR_EXISTS and others of G_IO_ERROR. Again: throws away what the draft has. */
const char *ferry_queue_copy_begin (FerryQueueCopy *self, GError **error);
/* FALSE with G_IO_ERROR_CANCELLED. */
gboolean ferry_queue_copy_check (FerryQueueCopy *self, GError **error);
/* The draft is complete. names: (transfer full) (element-type filename): of the values that it names. */
void ferry_queue_copy_take_names (FerryQueueCopy *self, GPtrArray *names);
/* Copies these values, and has the copy at its path, on the disk. Fails with G_IO_ERROR_EXISTS, G_IO_ERROR_CANCELLED
 * and others of G_IO_ERROR. */
gboolean ferry_queue_copy_finish (FerryQueueCopy *self, GError **error);

G_END_DECLS
