/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-conversations.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"

G_BEGIN_DECLS

#define FERRY_TYPE_REPLIES (ferry_replies_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryReplies, ferry_replies, FERRY, REPLIES, GObject)

FERRY_AVAILABLE_IN_0_1
GVariant *ferry_replies_next (FerryReplies *self, GCancellable *cancellable, GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
void ferry_replies_next_async (FerryReplies *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_replies_next_finish (FerryReplies *self, GAsyncResult *result,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
GVariant *ferry_replies_dup_result (FerryReplies *self, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_replies_cancel (FerryReplies *self);

G_END_DECLS
