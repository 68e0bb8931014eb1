/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-conversations.h>, not this header."
#endif

#include "call/ferry-transport.h"

G_BEGIN_DECLS

#define FERRY_TYPE_MUX (ferry_mux_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryMux, ferry_mux, FERRY, MUX, GObject)

/**
 * FerryMuxFunc:
 * @result: (transfer none) (nullable): the value of the answer; %NULL for an answer without a value, and for an error
 * @error: (transfer none) (nullable): the error, or %NULL
 * @user_data: the data given to [method@Ferry.Mux.transact_with_func]
 *
 * Called once with the answer to a transaction, on the receiving thread, or with an error, on the thread that ends the
 * transaction. The function must not wait.
 */
typedef void (*FerryMuxFunc) (GVariant *result, const GError *error, gpointer user_data);

/**
 * FerryMuxBytesFunc:
 * @data: (array length=size) (element-type guint8) (nullable): the bytes of the answer, valid until the function
 * returns; %NULL for an answer without a value, and for an error
 * @size: the size of @data in bytes
 * @error: (transfer none) (nullable): the error, or %NULL
 * @user_data: the data given to [method@Ferry.Mux.transact_bytes_with_func]
 *
 * Called once with the answer to a transaction, on the receiving thread, or with an error, on the thread that ends the
 * transaction. The function must not wait.
 */
typedef void (*FerryMuxBytesFunc) (gconstpointer data, gsize size, const GError *error, gpointer user_data);

FERRY_AVAILABLE_IN_0_1
FerryMux *ferry_mux_new (FerryTransport *transport) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
GVariant *ferry_mux_transact (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout,
                              GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_mux_transact_async (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout,
                               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_mux_transact_finish (FerryMux *self, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
guint64 ferry_mux_transact_with_func (FerryMux *self, const char *method, GVariant *arguments, FerryMuxFunc func,
                                      gpointer user_data, GError **error);
FERRY_AVAILABLE_IN_0_1
GBytes *ferry_mux_transact_bytes (FerryMux *self, const char *method, gconstpointer data, gsize size, gint64 timeout,
                                  GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
guint64 ferry_mux_transact_bytes_with_func (FerryMux *self, const char *method, gconstpointer data, gsize size,
                                            FerryMuxBytesFunc func, gpointer user_data, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_mux_cancel (FerryMux *self, guint64 xid);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_mux_send (FerryMux *self, const char *method, GVariant *arguments, gint64 timeout,
                         GCancellable *cancellable, GError **error);

FERRY_AVAILABLE_IN_0_1
void ferry_mux_stop (FerryMux *self);

G_END_DECLS
