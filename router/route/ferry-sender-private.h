/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "lane/ferry-cell-private.h"
#include "link/ferry-uplink-private.h"
#include "route/ferry-monitor-private.h"
#include "route/ferry-receiver-private.h"
#include "route/ferry-router.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/* What a pipe and its sender in the application share: whether the sender is taken (started there, or passed to a
 * worker) or the pipe was closed before. The pipe's slot stays in use until the link of a taken sender has ended.
 *
 * Owner:   counted references: the pipe's, and the sender's.
 * Threads: any, where a function says no other. */
typedef struct _FerryPipeShare FerryPipeShare;

FerryPipeShare *ferry_pipe_share_ref (FerryPipeShare *self);
void ferry_pipe_share_unref (FerryPipeShare *self);
/* Closes the pipe. Returns whether its sender is not taken, and so never will be. For a taken one, the router's thread
 * then closes the pipe on the monitor: see start_locally(). */
gboolean ferry_pipe_share_close (FerryPipeShare *self);
/* router's thread: (nullable): the link of a sender in this process, of a pipe for latest values. */
FerryLink *ferry_pipe_share_get_link (FerryPipeShare *self);

/* any: sends a message larger than a record at once, in a buffer. Returns FALSE where there is no buffer to spare, or
 * it could not be sent. ferry_sender_send_parts() then tells why. Waits for no more than a record's room. */
gboolean ferry_sender_send_parts_in_buffer (FerrySender *self, const FerryPart *parts, guint n_parts);
gboolean ferry_sender_send_parts (FerrySender *self, const FerryPart *parts, guint n_parts, gint64 deadline,
                                  GCancellable *cancellable, GError **error);

/* any: the last reference to a sender that was not taken is gone, and it has closed the pipe. Takes receiver over. */
typedef void (*FerrySenderDroppedFunc) (FerryReceiver *receiver);

FerrySender *ferry_sender_new (FerryReceiver *receiver, FerrySenderDroppedFunc dropped, FerryMonitor *monitor,
                               GThread *router_thread, gsize lane_capacity, guint64 max_message_size,
                               FerryPipeFlags flags);
FerrySender *ferry_sender_new_granted (guint64 connection_id, FerryUplink *uplink, guint index, guint32 cell);
gboolean ferry_sender_can_be_passed (FerrySender *self, GError **error);
gboolean ferry_sender_belongs_to (FerrySender *self, FerryMonitor *monitor, GError **error);
gboolean ferry_sender_pass (FerrySender *self, GError **error);
void ferry_sender_set_one_shot (FerrySender *self);

gboolean ferry_sender_is_new (FerrySender *self);
gboolean ferry_sender_is_latest (FerrySender *self);
gboolean ferry_sender_is_one_shot (FerrySender *self);
guint ferry_sender_get_index (FerrySender *self);
FerryUplink *ferry_sender_get_uplink (FerrySender *self);
FerryMonitor *ferry_sender_get_monitor (FerrySender *self);
FerryPipeShare *ferry_sender_get_share (FerrySender *self);

G_END_DECLS
