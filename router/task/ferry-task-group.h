/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

#define FERRY_TYPE_TASK_GROUP (ferry_task_group_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryTaskGroup, ferry_task_group, FERRY, TASK_GROUP, GObject)

FERRY_AVAILABLE_IN_0_1
FerryTaskGroup *ferry_task_group_new (void) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_task_group_bind (FerryTaskGroup *self, GObject *owner);
FERRY_AVAILABLE_IN_0_1
void ferry_task_group_add (FerryTaskGroup *self, FerryTask *task);
FERRY_AVAILABLE_IN_0_1
guint ferry_task_group_cancel (FerryTaskGroup *self);
FERRY_AVAILABLE_IN_0_1
guint ferry_task_group_pause (FerryTaskGroup *self);
FERRY_AVAILABLE_IN_0_1
guint ferry_task_group_resume (FerryTaskGroup *self);
FERRY_AVAILABLE_IN_0_1
void ferry_task_group_wait_async (FerryTaskGroup *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_task_group_wait_finish (FerryTaskGroup *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_1
FerryTask *ferry_task_new_for_group (FerryTaskGroup *group, const char *name,
                                     const char *unit) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
