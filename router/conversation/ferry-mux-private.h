/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A mux, as proxies and tests see it. Its requests are in the table of its transport. */

#pragma once

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "conversation/ferry-mux.h"

G_BEGIN_DECLS

/* any: Sends a request of the mux, as ferry_transport_ask(), and fails as that does: a stream if it has a window,
 * and one-way without funcs (nullable). data must stay valid until done() was called. */
guint64 ferry_mux_ask (FerryMux *self, const FerryRequest *request, const FerryAnswerFuncs *funcs, gpointer data,
                       GError **error);
/* any: Ends the call with error, and notifies the other end. Returns FALSE if the call had already ended; done may
 * still be running then. */
gboolean ferry_mux_abandon (FerryMux *self, guint64 xid, FerryCancelReason reason, const GError *error);
/* any: Allows the other end to send n more items of the stream. */
void ferry_mux_add_window (FerryMux *self, guint64 xid, guint n);

GError *ferry_mux_new_timed_out_error (const char *method);
/* Converts a timeout in microseconds, negative for none, to a deadline: monotonic time, 0 for none. */
static inline gint64
ferry_mux_get_deadline (gint64 timeout)
{
  return timeout < 0 ? 0 : ferry_time_add (g_get_monotonic_time (), MAX (timeout, 1));
}

G_END_DECLS
