/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A value that a queue stores: the arguments or the result of a task. Any thread, but for what a function says. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* In bytes: a larger value is in a file. Within it, SQLite is faster than files. */
#define FERRY_QUEUE_INLINE_SIZE (64 * 1024)
/* In bytes: larger arguments are refused. */
#define FERRY_QUEUE_MAX_ARGUMENTS_SIZE (256 * 1024 * 1024)

typedef struct _FerryQueueValue FerryQueueValue;

/* (transfer full) (nullable): one of this process; NULL for NULL. Sinks value. folder: of the files. */
FerryQueueValue *ferry_queue_value_of (const char *folder, GVariant *value);
/* (transfer full): one whose bytes are in a row. */
FerryQueueValue *ferry_queue_value_of_bytes (GBytes *bytes);
/* (transfer full) (nullable): one in a file, as the row says; NULL if it says nothing of that kind. */
FerryQueueValue *ferry_queue_value_of_text (const char *folder, const char *text);
/* self: (nullable). */
FerryQueueValue *ferry_queue_value_ref (FerryQueueValue *self);
void ferry_queue_value_unref (FerryQueueValue *self);

/* The queue's thread: (transfer none) (nullable): what is in the row: the bytes, or for one in a file NULL. */
GBytes *ferry_queue_value_get_bytes (const FerryQueueValue *self);
/* The queue's thread: (transfer none) (nullable): what is in the row of one in a file; else NULL. */
const char *ferry_queue_value_get_text (const FerryQueueValue *self);
/* (transfer none) (nullable): the name of its file; else NULL. */
const char *ferry_queue_value_get_name (const FerryQueueValue *self);

/* The queue's thread: packs the value, before its row is written. One in a file is on the disk then, with its folder.
 * Fails with G_IO_ERROR_NO_SPACE, G_IO_ERROR_READ_ONLY and others of G_IO_ERROR. */
gboolean ferry_queue_value_write (FerryQueueValue *self, GError **error);
/* The queue's thread: returns (transfer full) (nullable) what is in the file of one that is in a file. Fails as
 * ferry_queue_value_open() does. */
GBytes *ferry_queue_value_read (FerryQueueValue *self, GError **error);
/* The router's thread: it has these bytes, which were read, until ferry_queue_value_unload(). */
void ferry_queue_value_keep (FerryQueueValue *self, GBytes *bytes);
/* The router's thread, while the queue's has nothing to do with it: it is in its file, and needs no memory. */
void ferry_queue_value_unload (FerryQueueValue *self);
/* Whether it can be opened without reading a file. */
gboolean ferry_queue_value_is_at_hand (const FerryQueueValue *self);
/* Whether its file is there, as large as it should be, and was not found to be damaged. Fails as
 * ferry_queue_value_open() does. */
gboolean ferry_queue_value_check (FerryQueueValue *self, GError **error);
/* Returns (transfer full) (nullable) the value, or NULL with G_IO_ERROR_NOT_FOUND, G_IO_ERROR_INVALID_DATA and others
 * of G_IO_ERROR, whose message is for the error of a task. May read a file. */
GVariant *ferry_queue_value_open (FerryQueueValue *self, GError **error);

/* Any thread: what is in the folder is on the disk with its name. FALSE with errno. */
gboolean ferry_queue_sync_folder (const char *path);
/* Any thread: the folder is there, and on the disk with its name, as are those above it. FALSE with errno. */
gboolean ferry_queue_make_folder (const char *path);

/* Any thread: sets an error of G_IO_ERROR for errno, with the path and what to do, and returns FALSE. */
gboolean ferry_queue_set_write_error (const char *path, GError **error);

/* (transfer full): of no length: a container without items. */
GBytes *ferry_queue_no_bytes (void);
/* In normal form and little-endian order. (transfer full) (nullable): value: (nullable). */
GBytes *ferry_queue_pack (GVariant *value);
/* (transfer full) (nullable): bytes: (nullable). Returns NULL also for bytes that are no value of type. */
GVariant *ferry_queue_unpack (GBytes *bytes, const char *type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryQueueValue, ferry_queue_value_unref)

G_END_DECLS
