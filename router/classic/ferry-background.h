/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-classic.h>, not this header."
#endif

#include <ferry-conversations.h>

G_BEGIN_DECLS

#define FERRY_TYPE_BACKGROUND (ferry_background_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryBackground, ferry_background, FERRY, BACKGROUND, GObject)

FERRY_AVAILABLE_IN_0_1
FerryBackground *ferry_background_new (const char *method, guint max_results) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
gboolean ferry_background_put (FerryBackground *self, GVariant *result, gint64 timeout, GCancellable *cancellable,
                               GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_background_attach (FerryBackground *self, FerryTransport *transport, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_background_attach_channel (FerryBackground *self, FerryChannel *channel, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_background_detach (FerryBackground *self);
FERRY_AVAILABLE_IN_0_1
void ferry_background_finish (FerryBackground *self);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_background_wait_taken (FerryBackground *self, gint64 timeout, GCancellable *cancellable, GError **error);

G_END_DECLS
