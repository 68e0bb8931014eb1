/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who has a queue's file, and whether it is the one at its path.
 *
 * Threads: one at a time. */

#pragma once

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

typedef struct _FerryQueueLock FerryQueueLock;

/* Returns (transfer full) the one path of the file: absolute, and where its links lead. */
char *ferry_queue_lock_resolve (const char *path);
/* path: one that ferry_queue_lock_resolve() returned. Returns (transfer full) what no other queue of this process has
 * meanwhile, or NULL with FERRY_ERROR_BUSY. It touches no file. */
FerryQueueLock *ferry_queue_lock_new (const char *path, GError **error);
/* Whether a queue had the file once. */
gboolean ferry_queue_lock_was_taken (const FerryQueueLock *self);
/* Keeps out other processes. The folder is there. Fails with FERRY_ERROR_BUSY, which names the process that has the
 * file, with FERRY_ERROR_BAD_ARGUMENTS if the file has a second name, and with FERRY_ERROR_SYSTEM. */
gboolean ferry_queue_lock_take (FerryQueueLock *self, GError **error);
/* The database is connected, and was written. Fails with FERRY_ERROR_SYSTEM. */
gboolean ferry_queue_lock_hold (FerryQueueLock *self, GError **error);
/* Whether no other queue can have taken the file, and nothing of it was cut, which a write would hide. Fails with
 * G_IO_ERROR_NOT_FOUND. */
gboolean ferry_queue_lock_may_write (FerryQueueLock *self, GError **error);
/* Whether what is held is at its path, whole, and under no other name. Fails with G_IO_ERROR_NOT_FOUND. */
gboolean ferry_queue_lock_check (FerryQueueLock *self, GError **error);
/* Before the database is disconnected, which SQLite's last visitor puts in order. */
void ferry_queue_lock_let_go (FerryQueueLock *self);
/* was_refused: what is at the path is no queue, and nothing stays beside it. */
void ferry_queue_lock_free (FerryQueueLock *self, gboolean was_refused);

G_END_DECLS
