/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-objects.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "call/ferry-transport.h"

G_BEGIN_DECLS

#define FERRY_TYPE_PROXY (ferry_proxy_get_type ())

typedef struct _FerryExporter FerryExporter;
typedef struct _FerryProxy FerryProxy;

/**
 * FerryProxyFunc:
 * @value: (transfer none) (nullable): the result, if it is a value, else %NULL
 * @object: (transfer none) (nullable): a proxy of the result, if it is an object, else %NULL
 * @error: (transfer none) (nullable): the error, or %NULL
 * @user_data: the data that was passed with the function
 *
 * Called once with the result of a call, on a thread that other work needs: the function must not wait.
 */
typedef void (*FerryProxyFunc) (GVariant *value, FerryProxy *object, const GError *error, gpointer user_data);

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryProxy, ferry_proxy, FERRY, PROXY, GObject)

FERRY_AVAILABLE_IN_0_1
FerryProxy *ferry_proxy_new (FerryTransport *transport, const char *name) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryProxy *ferry_proxy_new_local (FerryExporter *exporter, const char *name) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
gboolean ferry_proxy_get_listening (FerryProxy *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_proxy_wait_until_listening (FerryProxy *self, gint64 timeout, GCancellable *cancellable, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_proxy_wait_until_listening_async (FerryProxy *self, gint64 timeout, GCancellable *cancellable,
                                             GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_proxy_wait_until_listening_finish (FerryProxy *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_proxy_resolve (FerryProxy *self, GVariant *steps, GVariant *options, gint64 timeout,
                              GCancellable *cancellable, GVariant **value, FerryProxy **object, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_proxy_resolve_async (FerryProxy *self, GVariant *steps, GVariant *options, gint64 timeout,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_proxy_resolve_finish (FerryProxy *self, GAsyncResult *result, GVariant **value, FerryProxy **object,
                                     GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_proxy_call (FerryProxy *self, const char *method, GVariant *arguments, gint64 timeout,
                           GCancellable *cancellable, GVariant **value, FerryProxy **object, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_proxy_call_async (FerryProxy *self, const char *method, GVariant *arguments, gint64 timeout,
                             GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_proxy_call_finish (FerryProxy *self, GAsyncResult *result, GVariant **value, FerryProxy **object,
                                  GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_proxy_call_with_func (FerryProxy *self, const char *method, GVariant *arguments, FerryProxyFunc func,
                                 gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_proxy_get (FerryProxy *self, const char *property, gint64 timeout, GCancellable *cancellable,
                           GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_proxy_get_async (FerryProxy *self, const char *property, gint64 timeout, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_proxy_get_finish (FerryProxy *self, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_proxy_set (FerryProxy *self, const char *property, GVariant *value, gint64 timeout,
                          GCancellable *cancellable, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_proxy_set_async (FerryProxy *self, const char *property, GVariant *value, gint64 timeout,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_proxy_set_finish (FerryProxy *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_1
void ferry_proxy_describe_async (FerryProxy *self, gint64 timeout, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GDBusInterfaceInfo *ferry_proxy_describe_finish (FerryProxy *self, GAsyncResult *result, GError **error);

FERRY_AVAILABLE_IN_0_1
void ferry_proxy_follow (FerryProxy *self, const char *const *properties, const char *const *signals);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_proxy_dup_cached (FerryProxy *self, const char *property);
FERRY_AVAILABLE_IN_0_1
GObject *ferry_proxy_create_replica (FerryProxy *self, GType type, const char *const *names) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_proxy_create_replica_async (FerryProxy *self, GType type, const char *const *names,
                                       GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GObject *ferry_proxy_create_replica_finish (FerryProxy *self, GAsyncResult *result,
                                            GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
