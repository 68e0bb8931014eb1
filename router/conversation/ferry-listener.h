/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-conversations.h>, not this header."
#endif

#include "call/ferry-transport.h"

G_BEGIN_DECLS

#define FERRY_TYPE_LISTENER (ferry_listener_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryListener, ferry_listener, FERRY, LISTENER, GObject)

FERRY_AVAILABLE_IN_0_1
FerryListener *ferry_listener_new (const char *address, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryListener *ferry_listener_new_from_environment (GError **error) G_GNUC_WARN_UNUSED_RESULT;

FERRY_AVAILABLE_IN_0_1
void ferry_listener_allow_user (FerryListener *self, guint user);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_listener_start (FerryListener *self, GError **error);
FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_listener_accept (FerryListener *self, gint64 timeout, GCancellable *cancellable,
                                       GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_listener_close (FerryListener *self);

/* ---- the other end of an address ---- */

FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_transport_connect_to (const char *address, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_transport_connect_to_async (const char *address, gint64 wait, gint64 timeout, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
FERRY_AVAILABLE_IN_0_1
FerryTransport *ferry_transport_connect_to_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
