/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry-conversations.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "call/ferry-transport.h"
#include "conversation/ferry-invocation.h"

G_BEGIN_DECLS

#define FERRY_TYPE_DEMUX (ferry_demux_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryDemux, ferry_demux, FERRY, DEMUX, GObject)

/**
 * FerryDemuxHandler: (skip)
 * @invocation: (transfer none): the request; take a reference to answer it later
 * @user_data: the data given to [method@Ferry.Demux.add_handler]
 *
 * Answers a request, now or later. If the handler returns without an answer and without taking a reference, the request
 * is refused.
 */
typedef void (*FerryDemuxHandler) (FerryInvocation *invocation, gpointer user_data);

/**
 * FerryDemuxHandlerFull:
 * @invocation: (transfer none): the request, an object: whoever keeps it may answer later
 * @user_data: the data given to [method@Ferry.Demux.add_handler_full]
 * @error: return location for an error
 *
 * A [callback@Ferry.DemuxHandler] that may fail. Its error is the answer, unless there is one already.
 */
typedef void (*FerryDemuxHandlerFull) (FerryInvocation *invocation, gpointer user_data, GError **error);

FERRY_AVAILABLE_IN_0_1
FerryDemux *ferry_demux_new (FerryTransport *transport);

FERRY_AVAILABLE_IN_0_1
void ferry_demux_add_handler (FerryDemux *self, const char *method, FerryDemuxHandler handler, gpointer user_data,
                              GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_demux_add_handler_full (FerryDemux *self, const char *method, FerryDemuxHandlerFull handler,
                                   gpointer user_data, GDestroyNotify destroy);
FERRY_AVAILABLE_IN_0_1
void ferry_demux_remove_handler (FerryDemux *self, const char *method);

FERRY_AVAILABLE_IN_0_1
void ferry_demux_set_threads (FerryDemux *self, int n_threads);
FERRY_AVAILABLE_IN_0_1
void ferry_demux_set_context (FerryDemux *self, GMainContext *context);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_demux_start (FerryDemux *self, GError **error);
FERRY_AVAILABLE_IN_0_1
void ferry_demux_stop (FerryDemux *self);
FERRY_AVAILABLE_IN_0_1
void ferry_demux_stop_async (FerryDemux *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_demux_stop_finish (FerryDemux *self, GAsyncResult *result, GError **error);

G_END_DECLS
