/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <gio/gio.h>

#include "base/ferry-version.h"
#include "route/ferry-receiver.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/**
 * FERRY_PRIORITY_DEFAULT: (value 125)
 *
 * The priority at which a router dispatches: just below GTK's redraw, which is `G_PRIORITY_HIGH_IDLE + 20`.
 *
 * Since: 0.1
 */
#define FERRY_PRIORITY_DEFAULT (G_PRIORITY_HIGH_IDLE + 25)

/**
 * FerryPipeFlags:
 * @FERRY_PIPE_QUEUED: Every message arrives, in order; a sender waits when there is no room.
 * @FERRY_PIPE_LATEST: Only the newest message counts, as for a progress bar or a preview. A sender never waits, and a
 *   newer message may overtake one before its delivery. At most one is delivered in each interval of
 *   [property@Ferry.Router:latest-interval]. The last one always arrives, before `closed`. A message has at most 4,088
 *   bytes, less the string of its type.
 * @FERRY_PIPE_ONE_SHOT_BUFFERS: Each buffer that a worker sends has memory of its own, which is sealed and passed on
 * with it. Nothing is copied, and the worker cannot change it any more: see [method@Ferry.Sender.create_buffer_until].
 * For large data that comes now and then from workers that are not trusted. Where buffers come one after the other,
 * copies into memory that is used again are quicker. The flag changes nothing for a sender in the application itself.
 *
 * What kind of pipe [method@Ferry.Router.pipe] makes.
 *
 * Since: 0.1
 */
typedef enum
{
  FERRY_PIPE_QUEUED = 0,
  FERRY_PIPE_LATEST = 1 << 0,
  FERRY_PIPE_ONE_SHOT_BUFFERS = 1 << 1,
} FerryPipeFlags;

/**
 * FerryCounter:
 * @FERRY_COUNTER_MESSAGES: Messages delivered to receivers.
 * @FERRY_COUNTER_BYTES: Bytes of payload in those messages.
 * @FERRY_COUNTER_DROPPED: Messages that came for a pipe already closed.
 * @FERRY_COUNTER_UNDELIVERED: Messages that had reached the application and were not delivered when the router
 *   was stopped.
 * @FERRY_COUNTER_BLOCKS: Blocks that went through the local queue.
 * @FERRY_COUNTER_DISPATCHES: Times the main context ran the router.
 * @FERRY_COUNTER_AGED_DISPATCHES: Those of them that came by ageing, because higher priorities held the router back.
 * @FERRY_COUNTER_PROTOCOL_ERRORS: Workers that were ended because they broke a rule of the protocol.
 * @FERRY_COUNTER_QUEUED_BYTES: Bytes in the local queue, or being delivered, now.
 * @FERRY_COUNTER_LINKS: Links that are open now.
 * @FERRY_COUNTER_OVERTAKEN: Values of pipes for latest values that a newer one overtook before they were delivered.
 * @FERRY_COUNTER_WAITING_LINKS: Links that wait now until the application handles messages or drops buffers of theirs.
 * @FERRY_COUNTER_BUFFER_BYTES: Bytes of buffers and large messages that the application has now, on their way or kept.
 * @FERRY_COUNTER_SPARE_BYTES: Bytes of memory that are kept now for the next buffers.
 * @FERRY_COUNTER_HIGHEST_QUEUED_BYTES: The most that @FERRY_COUNTER_QUEUED_BYTES ever was.
 * @FERRY_COUNTER_HIGHEST_WAITING_LINKS: The most that @FERRY_COUNTER_WAITING_LINKS ever was.
 * @FERRY_COUNTER_HIGHEST_BUFFER_BYTES: The most that @FERRY_COUNTER_BUFFER_BYTES ever was.
 * @FERRY_COUNTER_HIGHEST_SPARE_BYTES: The most that @FERRY_COUNTER_SPARE_BYTES ever was.
 *
 * What a router counts; see [method@Ferry.Router.get_counter].
 *
 * Since: 0.1
 */
typedef enum
{
  FERRY_COUNTER_MESSAGES,
  FERRY_COUNTER_BYTES,
  FERRY_COUNTER_DROPPED,
  FERRY_COUNTER_UNDELIVERED,
  FERRY_COUNTER_BLOCKS,
  FERRY_COUNTER_DISPATCHES,
  FERRY_COUNTER_AGED_DISPATCHES,
  FERRY_COUNTER_PROTOCOL_ERRORS,
  FERRY_COUNTER_QUEUED_BYTES,
  FERRY_COUNTER_LINKS,
  FERRY_COUNTER_OVERTAKEN,
  FERRY_COUNTER_WAITING_LINKS,
  FERRY_COUNTER_BUFFER_BYTES,
  FERRY_COUNTER_SPARE_BYTES,
  FERRY_COUNTER_HIGHEST_QUEUED_BYTES,
  FERRY_COUNTER_HIGHEST_WAITING_LINKS,
  FERRY_COUNTER_HIGHEST_BUFFER_BYTES,
  FERRY_COUNTER_HIGHEST_SPARE_BYTES,
} FerryCounter;

#define FERRY_TYPE_ROUTER (ferry_router_get_type ())

FERRY_AVAILABLE_IN_0_1
G_DECLARE_FINAL_TYPE (FerryRouter, ferry_router, FERRY, ROUTER, GObject)

/**
 * FerryCondition:
 * @user_data: the data given with it
 *
 * The condition that [method@Ferry.Router.route_until] waits for.
 *
 * Returns: %TRUE when the condition holds
 *
 * Since: 0.1
 */
typedef gboolean (*FerryCondition) (gpointer user_data);

FERRY_AVAILABLE_IN_0_1
FerryRouter *ferry_router_new (GMainContext *context) G_GNUC_WARN_UNUSED_RESULT;

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
guint ferry_router_get_n_pipes (FerryRouter *self);

FERRY_AVAILABLE_IN_0_1
gboolean ferry_router_route_until (FerryRouter *self, FerryCondition condition, gpointer user_data, gint64 timeout,
                                   GError **error);

FERRY_AVAILABLE_IN_0_1
guint64 ferry_router_get_counter (FerryRouter *self, FerryCounter counter);

G_END_DECLS
