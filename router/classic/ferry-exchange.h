/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-classic.h>, not this header."
#endif

#include <ferry-conversations.h>

G_BEGIN_DECLS

#define FERRY_TYPE_EXCHANGE (ferry_exchange_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryExchange, ferry_exchange, FERRY, EXCHANGE, GObject)

FERRY_AVAILABLE_IN_0_1
FerryExchange *ferry_exchange_new (FerryRouter *router, FerryLauncher *launcher) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
GListModel *ferry_exchange_get_active (FerryExchange *self);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_exchange_add (FerryExchange *self, FerryChannel *channel);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exchange_remove (FerryExchange *self, FerryChannel *channel);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exchange_start (FerryExchange *self, const char *function, GVariant *arguments, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_exchange_connect_async (FerryExchange *self, const char *address, gint64 timeout, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
FerryChannel *ferry_exchange_connect_finish (FerryExchange *self, GAsyncResult *result,
                                             GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryChannel *ferry_exchange_create (FerryExchange *self, gint64 timeout, GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
gboolean ferry_exchange_add_wait (FerryExchange *self, FerryChannel *channel, gint64 timeout, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_exchange_add_wait_async (FerryExchange *self, FerryChannel *channel, GCancellable *cancellable,
                                    GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exchange_add_wait_finish (FerryExchange *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_1
GPtrArray *ferry_exchange_ready (FerryExchange *self, gint64 timeout, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_exchange_ready_async (FerryExchange *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GPtrArray *ferry_exchange_ready_finish (FerryExchange *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_exchange_finish (FerryExchange *self, gint64 timeout, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_exchange_finish_async (FerryExchange *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_exchange_finish_finish (FerryExchange *self, GAsyncResult *result, GError **error);

G_END_DECLS
