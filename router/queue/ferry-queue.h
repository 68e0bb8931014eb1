/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-queue.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "task/ferry-executor.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

/**
 * FerryQueueStart:
 * @FERRY_QUEUE_START_CONTINUE: The queue goes on.
 * @FERRY_QUEUE_START_PAUSED: The queue is paused: a person, or the application, lets it go on.
 * @FERRY_QUEUE_START_AS_IT_WAS: The queue is paused if it was paused when the application ended.
 *
 * What a queue does with the tasks that it finds in its file.
 */
typedef enum
{
  FERRY_QUEUE_START_CONTINUE,
  FERRY_QUEUE_START_PAUSED,
  FERRY_QUEUE_START_AS_IT_WAS,
} FerryQueueStart;

#define FERRY_TYPE_QUEUE (ferry_queue_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryQueue, ferry_queue, FERRY, QUEUE, GObject)

FERRY_AVAILABLE_IN_0_1
FerryQueue *ferry_queue_new (FerryExecutor *executor, const char *path) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
void ferry_queue_open_async (FerryQueue *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_queue_open_finish (FerryQueue *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_queue_submit (FerryQueue *self, FerryTask *task, const char *key,
                               GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_queue_flush_async (FerryQueue *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_queue_flush_finish (FerryQueue *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_2
void ferry_queue_back_up_async (FerryQueue *self, const char *path, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_2
gboolean ferry_queue_back_up_finish (FerryQueue *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_queue_lookup (FerryQueue *self, const char *key) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
const char *ferry_queue_get_key (FerryQueue *self, FerryTask *task);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_queue_forget (FerryQueue *self, const char *key, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_queue_move (FerryQueue *self, FerryTask *task, FerryTask *before, GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_queue_set_not_before (FerryQueue *self, FerryTask *task, gint64 not_before, GError **error);

FERRY_AVAILABLE_IN_0_2
void ferry_queue_set_cluster (FerryQueue *self, FerryRunner *cluster);

FERRY_AVAILABLE_IN_0_1
void ferry_queue_close_async (FerryQueue *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_queue_close_finish (FerryQueue *self, GAsyncResult *result, GError **error);

G_END_DECLS
