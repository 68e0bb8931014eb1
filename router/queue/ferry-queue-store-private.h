/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread that a queue's file is used on, as the queue sees it. The queue's thread. */

#pragma once

#include "queue/ferry-queue-file-private.h"

G_BEGIN_DECLS

typedef struct _FerryQueueStore FerryQueueStore;

/* owner: the GObject that has the store. */
typedef struct
{
  /* Either content (transfer full) or error (transfer full) is NULL. After an error the store does nothing more. */
  void (*opened) (gpointer owner, FerryQueueContent *content, GError *error);
  /* error: (transfer none) (nullable): none of the changes was made. */
  void (*written) (gpointer owner, const GError *error);
  /* content (transfer full): what was to be written. error: (transfer full) (nullable). */
  void (*renewed) (gpointer owner, FerryQueueContent *content, GError *error);
  /* error: (transfer none) (nullable): the file was not at its path. */
  void (*closed) (gpointer owner, const GError *error);
  /* value: (transfer none). Either bytes (transfer none) or error (transfer none) is NULL. */
  void (*loaded) (gpointer owner, FerryQueueValue *value, GBytes *bytes, const GError *error);
  /* error: (transfer none) (nullable): the draft is not complete. */
  void (*backed_up) (gpointer owner, const GError *error);
} FerryQueueStoreFuncs;

/* Starts the thread, and opens the file: see ferry_queue_file_open(). owner is kept until each answer has come. Fails
 * with FERRY_ERROR_SYSTEM. */
FerryQueueStore *ferry_queue_store_open (const char *path, GMainContext *context, const FerryQueueStoreFuncs *funcs,
                                         GObject *owner, GError **error);
/* Takes a reference to changes (element-type FerryQueueChange), which nobody changes any more. Once they are written,
 * those with a value in a file are left in it. */
void ferry_queue_store_write (FerryQueueStore *self, GPtrArray *changes, gboolean wants_answer);
/* Takes content, and writes it anew: see ferry_queue_file_renew(). */
void ferry_queue_store_renew (FerryQueueStore *self, FerryQueueContent *content);
/* Reads a value that is in a file. */
void ferry_queue_store_load (FerryQueueStore *self, FerryQueueValue *value);
/* Copies the file while it is written: see ferry_queue_file_back_up(). copy: kept until the answer. */
void ferry_queue_store_back_up (FerryQueueStore *self, FerryQueueCopy *copy);
/* Its values were copied. */
void ferry_queue_store_end_back_up (FerryQueueStore *self);
/* After all that was asked for. Frees the store; the answer comes all the same, unless it is not wanted. */
void ferry_queue_store_close (FerryQueueStore *self, gboolean is_orderly, gboolean wants_answer);

G_END_DECLS
