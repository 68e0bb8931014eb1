/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lock of a queue's file: one queue of one process has the file.
 *
 * Threads: any. */

#pragma once

#include "base/ferry-base-private.h"

G_BEGIN_DECLS

typedef struct _FerryQueueLock FerryQueueLock;

/* path: of the queue's file, whose folder is there. Returns (transfer full) the lock, or NULL with FERRY_ERROR_BUSY,
 * which names the process that has it, or FERRY_ERROR_SYSTEM. */
FerryQueueLock *ferry_queue_lock_take (const char *path, GError **error);
/* Whether a queue had the file once. */
gboolean ferry_queue_lock_was_taken (const char *path);
void ferry_queue_lock_release (FerryQueueLock *self);

G_END_DECLS
