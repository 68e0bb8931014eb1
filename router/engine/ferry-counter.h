/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a router counts: messages, blocks, dispatches, broken rules and memory. Each is counted where it happens. */

#pragma once

#if !defined(FERRY_INSIDE) && !defined(FERRY_COMPILATION)
#error "Include <ferry.h>, not this header."
#endif

#include <glib.h>

G_BEGIN_DECLS

/**
 * FerryCounter:
 * @FERRY_COUNTER_MESSAGES: Messages that were delivered to receivers.
 * @FERRY_COUNTER_BYTES: Bytes of payload in the delivered messages.
 * @FERRY_COUNTER_DROPPED: Messages that arrived after their pipe was closed.
 * @FERRY_COUNTER_UNDELIVERED: Messages that had arrived, but were not delivered because the router was stopped.
 * @FERRY_COUNTER_BLOCKS: Blocks that were put into the local queue.
 * @FERRY_COUNTER_DISPATCHES: How many times the main context ran the router.
 * @FERRY_COUNTER_AGED_DISPATCHES: How many of @FERRY_COUNTER_DISPATCHES were caused by [property@Ferry.Router:ageing].
 * @FERRY_COUNTER_PROTOCOL_ERRORS: Workers that were killed because they broke a rule of the protocol.
 * @FERRY_COUNTER_QUEUED_BYTES: Bytes that are now in the local queue, or being delivered.
 * @FERRY_COUNTER_LINKS: Links that are now open.
 * @FERRY_COUNTER_OVERTAKEN: Values of pipes for latest values that a newer value replaced before they were delivered.
 * @FERRY_COUNTER_WAITING_LINKS: Links that now wait for the application to handle their messages or drop their buffers.
 * @FERRY_COUNTER_BUFFER_BYTES: Bytes of the buffers and large messages that are now on their way, or that the
 *   application keeps.
 * @FERRY_COUNTER_SPARE_BYTES: Bytes of unused memory that are now kept for later buffers.
 * @FERRY_COUNTER_SPIN_TIME: Microseconds for which the main context polled for messages instead of sleeping: see
 *   [property@Ferry.Router:latency].
 * @FERRY_COUNTER_DIRECT_ANSWERS: Answers that the waiting threads received themselves, without the main context.
 *   They do not count as messages.
 * @FERRY_COUNTER_HIGHEST_QUEUED_BYTES: The highest value that @FERRY_COUNTER_QUEUED_BYTES has had.
 * @FERRY_COUNTER_HIGHEST_WAITING_LINKS: The highest value that @FERRY_COUNTER_WAITING_LINKS has had.
 * @FERRY_COUNTER_HIGHEST_BUFFER_BYTES: The highest value that @FERRY_COUNTER_BUFFER_BYTES has had.
 * @FERRY_COUNTER_HIGHEST_SPARE_BYTES: The highest value that @FERRY_COUNTER_SPARE_BYTES has had.
 * @FERRY_COUNTER_HANDLER_TIME: Microseconds that deliveries took on the router's thread, nearly all of it in handlers.
 *
 * The counters of a router, which [method@Ferry.Router.get_counter] reads.
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
  FERRY_COUNTER_SPIN_TIME,
  FERRY_COUNTER_DIRECT_ANSWERS,
  FERRY_COUNTER_HIGHEST_QUEUED_BYTES,
  FERRY_COUNTER_HIGHEST_WAITING_LINKS,
  FERRY_COUNTER_HIGHEST_BUFFER_BYTES,
  FERRY_COUNTER_HIGHEST_SPARE_BYTES,
  FERRY_COUNTER_HANDLER_TIME,
} FerryCounter;

G_END_DECLS
