/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "engine/ferry-counter.h"
#include "route/ferry-receiver.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/**
 * FERRY_PRIORITY_DEFAULT: (value 125)
 *
 * The priority at which a router delivers messages. It is just below the priority of GTK's redraw, which is
 * `G_PRIORITY_HIGH_IDLE + 20`.
 */
#define FERRY_PRIORITY_DEFAULT (G_PRIORITY_HIGH_IDLE + 25)

/**
 * FerryPipeFlags:
 * @FERRY_PIPE_QUEUED: Every message arrives, in order; a sender waits when the lane is full.
 * @FERRY_PIPE_LATEST: Only the newest message counts, as for a progress bar or a preview. A sender never waits, and a
 *   newer message replaces an older message that was not delivered yet. At most one message is delivered in each
 *   interval of [property@Ferry.Router:latest-interval]. The last message always arrives, before `closed`. A message
 *   and the string of its type have at most 4,088 bytes together.
 *
 * The kinds of pipes that [method@Ferry.Router.pipe] makes.
 */
typedef enum
{
  FERRY_PIPE_QUEUED = 0,
  FERRY_PIPE_LATEST = 1 << 0,
} FerryPipeFlags;

/**
 * FerryLatency:
 * @FERRY_LATENCY_SYSTEM: As the system's power profile says: %FERRY_LATENCY_POWER_SAVING while it saves power, and
 *   %FERRY_LATENCY_BALANCED otherwise.
 * @FERRY_LATENCY_POWER_SAVING: Waiting threads sleep at once.
 * @FERRY_LATENCY_BALANCED: Waiting threads poll for up to 60 microseconds before they sleep, where that has paid
 * lately.
 * @FERRY_LATENCY_QUICK: The same, for up to 200 microseconds.
 *
 * How much processor time may be spent on short waits: see [property@Ferry.Router:latency].
 */
typedef enum
{
  FERRY_LATENCY_SYSTEM,
  FERRY_LATENCY_POWER_SAVING,
  FERRY_LATENCY_BALANCED,
  FERRY_LATENCY_QUICK,
} FerryLatency;

#define FERRY_TYPE_ROUTER (ferry_router_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryRouter, ferry_router, FERRY, ROUTER, GObject)

/**
 * FerryCondition:
 * @user_data: the data that was given with the condition
 *
 * Evaluates the condition that [method@Ferry.Router.route_until] waits for.
 *
 * Returns: %TRUE when the condition holds
 */
typedef gboolean (*FerryCondition) (gpointer user_data);

FERRY_AVAILABLE_IN_0_1
FerryRouter *ferry_router_new (GMainContext *context) G_GNUC_WARN_UNUSED_RESULT;
FERRY_AVAILABLE_IN_0_1
FerryRouter *ferry_router_get_default (void);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_router_start (FerryRouter *self, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_router_stop (FerryRouter *self, GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_router_get_running (FerryRouter *self);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_router_pipe (FerryRouter *self, FerryPipeFlags flags, FerrySender **sender, FerryReceiver **receiver,
                            GError **error);
FERRY_AVAILABLE_IN_0_1
gboolean ferry_router_close_pipe (FerryRouter *self, FerryReceiver *receiver, GError **error);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_router_route_until (FerryRouter *self, FerryCondition condition, gpointer user_data, gint64 timeout,
                                   GError **error);

FERRY_AVAILABLE_IN_0_1
guint64 ferry_router_get_counter (FerryRouter *self, FerryCounter counter);

G_END_DECLS
