/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The streamed answer to a call: items, and at the end a result or an error. Subscriptions to an object's changes are
 * such calls.
 *
 * The other end may send only as many items as the window allows, and more when items are taken. So memory stays
 * bounded. Dropping the last reference cancels the call. Any thread may use the object. */

#pragma once

#include "conversation/ferry-mux.h"

G_BEGIN_DECLS

#define FERRY_TYPE_REPLIES (ferry_replies_get_type ())

G_DECLARE_FINAL_TYPE (FerryReplies, ferry_replies, FERRY, REPLIES, GObject)

/* any: Sends a request for a streamed answer, without waiting. A floating reference to arguments (nullable) is sunk.
 * window: how many items may arrive before some are taken, 1 to 65535. timeout: in microseconds until the end of the
 * call; negative for no limit. Returns (transfer full) (nullable) the replies, or NULL with an error:
 * FERRY_ERROR_WOULD_BLOCK if the transport has no room now, FERRY_ERROR_CLOSED, FERRY_ERROR_BAD_ARGUMENTS or
 * FERRY_ERROR_TOO_LARGE. */
FerryReplies *ferry_mux_transact_stream (FerryMux *self, const char *method, GVariant *arguments, guint window,
                                         gint64 timeout, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* any: Takes the next item without waiting. callback is called in the caller's thread-default main context, with items
 * in the order of the calls. cancellable (nullable) is for this wait only. */
void ferry_replies_next_async (FerryReplies *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data);
/* any: Returns (transfer full) (nullable) the next item; NULL without an error at the end. Fails with
 * G_IO_ERROR_CANCELLED, after which another item may be taken, and after the last item with the call's error. */
GVariant *ferry_replies_next_finish (FerryReplies *self, GAsyncResult *result,
                                     GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* any: Ends the call with G_IO_ERROR_CANCELLED, and notifies the other end. Items that came before can still be taken.
 * Does nothing if the call has ended. */
void ferry_replies_cancel (FerryReplies *self);

G_END_DECLS
