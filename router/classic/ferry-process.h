/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-classic.h>, not this header."
#endif

#include <ferry.h>

G_BEGIN_DECLS

#define FERRY_TYPE_PROCESS (ferry_process_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryProcess, ferry_process, FERRY, PROCESS, GObject)

FERRY_AVAILABLE_IN_0_1
FerryProcess *ferry_process_new (FerryRouter *router, FerryLauncher *launcher, const char *function,
                                 GVariant *arguments, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_process_next (FerryProcess *self, gint64 timeout, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_process_next_async (FerryProcess *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_process_next_finish (FerryProcess *self, GAsyncResult *result,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_process_join (FerryProcess *self, gint64 timeout, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_process_join_async (FerryProcess *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_process_join_finish (FerryProcess *self, GAsyncResult *result, GError **error);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_process_get_result (FerryProcess *self, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
