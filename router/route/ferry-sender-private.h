/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "lane/ferry-cell-private.h"
#include "link/ferry-uplink-private.h"
#include "route/ferry-monitor-private.h"
#include "route/ferry-pipe-share-private.h"
#include "route/ferry-router.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/* any: sends a message larger than a record at once, in a buffer. Returns FALSE where there is no buffer to spare, or
 * it could not be sent. ferry_sender_send_parts() then tells why. Waits for no more than a record's room. */
gboolean ferry_sender_send_parts_in_buffer (FerrySender *self, const FerryPart *parts, guint n_parts);
gboolean ferry_sender_send_parts (FerrySender *self, const FerryPart *parts, guint n_parts, gint64 deadline,
                                  GCancellable *cancellable, GError **error);

/* any: the last reference to a sender that was not taken is gone, and it has closed the pipe. */
typedef void (*FerrySenderDroppedFunc) (FerryRouter *router, guint64 connection_id);

FerrySender *ferry_sender_new (guint64 connection_id, FerryPipeShare *share, FerryMonitor *monitor,
                               GThread *router_thread, gsize lane_capacity, guint64 max_message_size,
                               FerryPipeFlags flags);
void ferry_sender_set_router (FerrySender *self, FerryRouter *router, FerrySenderDroppedFunc dropped);
FerrySender *ferry_sender_new_granted (guint64 connection_id, FerryUplink *uplink, guint index, guint32 cell);
gboolean ferry_sender_can_be_passed (FerrySender *self, GError **error);
gboolean ferry_sender_belongs_to (FerrySender *self, FerryMonitor *monitor, GError **error);
gboolean ferry_sender_pass (FerrySender *self, GError **error);
void ferry_sender_set_one_shot (FerrySender *self);

gboolean ferry_sender_is_new (FerrySender *self);
gboolean ferry_sender_is_latest (FerrySender *self);
gboolean ferry_sender_is_one_shot (FerrySender *self);
guint ferry_sender_get_index (FerrySender *self);
guint64 ferry_sender_get_max_message_size (FerrySender *self);
FerryUplink *ferry_sender_get_uplink (FerrySender *self);
FerryMonitor *ferry_sender_get_monitor (FerrySender *self);
FerryCellWriter *ferry_sender_get_cell_writer (FerrySender *self);

G_END_DECLS
