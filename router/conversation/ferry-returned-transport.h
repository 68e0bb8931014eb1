/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-conversations.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "call/ferry-transport.h"
#include "job/ferry-job.h"
#include "task/ferry-task.h"

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_job_return_transport (FerryJob *self, gint *handle, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_task_open_transport (FerryTask *self, gint handle, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
