/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-classic.h>, not this header."
#endif

#include <ferry-conversations.h>

G_BEGIN_DECLS

FERRY_AVAILABLE_IN_0_1
FerryChannel *ferry_channel_create (GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_channel_exit (FerryChannel *self, int status) G_GNUC_NORETURN;

FERRY_AVAILABLE_IN_0_1
gboolean ferry_wait_all (FerryRouter *router, gint64 timeout, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_wait_all_async (FerryRouter *router, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_wait_all_finish (FerryRouter *router, GAsyncResult *result, GError **error);

G_END_DECLS
