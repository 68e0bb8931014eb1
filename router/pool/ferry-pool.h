/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "process/ferry-launcher.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

#define FERRY_TYPE_POOL (ferry_pool_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryPool, ferry_pool, FERRY, POOL, GObject)

FERRY_AVAILABLE_IN_0_1
FerryPool *ferry_pool_new (FerryRouter *router, FerryLauncher *launcher) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryPool *ferry_pool_new_for_threads (FerryRouter *router) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
void ferry_pool_set_max_workers (FerryPool *self, guint max_workers);

FERRY_AVAILABLE_IN_0_1
const GError *ferry_pool_get_error (FerryPool *self);
FERRY_AVAILABLE_IN_0_1
GListModel *ferry_pool_get_workers (FerryPool *self);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_pool_start (FerryPool *self, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_pool_reset (FerryPool *self);
FERRY_AVAILABLE_IN_0_1
void ferry_pool_stop_async (FerryPool *self, gint64 timeout, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_pool_stop_finish (FerryPool *self, GAsyncResult *result, GError **error);

G_END_DECLS
