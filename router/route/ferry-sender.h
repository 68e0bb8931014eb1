/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "route/ferry-buffer.h"

G_BEGIN_DECLS

#define FERRY_TYPE_SENDER (ferry_sender_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerrySender, ferry_sender, FERRY, SENDER, GObject)

FERRY_AVAILABLE_IN_0_1
gboolean ferry_sender_start (FerrySender *self, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_sender_send (FerrySender *self, GVariant *message, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_sender_send_bytes (FerrySender *self, gconstpointer data, gsize size, GError **error);
FERRY_AVAILABLE_IN_0_1
FerryBuffer *ferry_sender_create_buffer (FerrySender *self, gsize size, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_sender_send_buffer (FerrySender *self, GVariant *metadata, FerryBuffer *buffer, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_sender_stop (FerrySender *self, GError **error);

G_END_DECLS
