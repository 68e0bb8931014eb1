/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sending half of a worker's transport: it sends by a sender, and never waits.
 *
 * What has no room in the lane is refused. A thread then waits for room, and tells the transport when there is some. A
 * message that is larger than a record, and finds no spare buffer, goes in pieces, and a thread has to wait between
 * them. So the outbox takes a copy of such a message, and that thread sends it. Until it is sent, the outbox refuses
 * all other messages, so that they stay in order.
 *
 * Owner:   the transport; counted references, since the thread has one while it runs.
 * Threads: any. */

#pragma once

#include "call/ferry-transport-private.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

typedef struct _FerryOutbox FerryOutbox;

FerryOutbox *ferry_outbox_new (FerrySender *sender);
void ferry_outbox_unref (FerryOutbox *self);
/* Must be called before the first send. transport: (unowned): it is told of room by ferry_transport_note_room(). */
void ferry_outbox_set_transport (FerryOutbox *self, FerryTransport *transport);
FerrySender *ferry_outbox_get_sender (FerryOutbox *self);

/* Sends a message, or fails: with FERRY_ERROR_WOULD_BLOCK, the transport is told when there may be room. Waits only
 * where no thread can be started. */
gboolean ferry_outbox_send (FerryOutbox *self, const FerryPart *parts, guint n_parts, GError **error);
/* Sends a large message in a buffer. Returns FALSE where that is not possible at once. */
gboolean ferry_outbox_send_in_buffer (FerryOutbox *self, const FerryPart *parts, guint n_parts);
/* Whether a message that was accepted is not in the lane yet. */
gboolean ferry_outbox_is_sending (FerryOutbox *self);
/* Whether a send was refused for want of room, and the transport was not told of room since. */
gboolean ferry_outbox_is_full (FerryOutbox *self);
/* Stops the sender, after the message that is being sent. */
void ferry_outbox_stop (FerryOutbox *self);

G_END_DECLS
