/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/ferry-monitor-private.h"
#include "lane/ferry-cell-private.h"
#include "link/ferry-uplink-private.h"
#include "route/ferry-receiver-private.h"
#include "route/ferry-router.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/* The end of a message of FERRY_ERROR_TOO_LARGE. Where it does not fit, a caller puts another one in its place. */
#define FERRY_TOO_LARGE_REMEDY "send it in parts, or raise FerryRouter:max-message-size"

/* The state that a pipe and its sender in the application share. It says whether the sender is taken (started in the
 * application, or passed to a worker), and whether the pipe is closed. Once the sender is taken, the pipe's slot stays
 * in use until the sender's link has ended.
 *
 * Owner:   references are counted: the pipe has one, and the sender has one.
 * Threads: any, unless a function says otherwise. */
typedef struct _FerryPipeShare FerryPipeShare;

FerryPipeShare *ferry_pipe_share_ref (FerryPipeShare *self);
void ferry_pipe_share_unref (FerryPipeShare *self);
/* Closes the pipe. Returns TRUE if the sender is not taken; then it can never be taken. For a sender that is taken,
 * ferry_router_close_pipe() then also closes the pipe on the monitor: see start_locally(). */
gboolean ferry_pipe_share_close (FerryPipeShare *self);
/* router's thread: (nullable): returns the link of a sender in this process; only for a pipe for latest values. */
FerryLink *ferry_pipe_share_get_link (FerryPipeShare *self);

/* any: sends a message larger than a record in a buffer, without waiting. Returns FALSE when there is no spare buffer,
 * no room in the lane, or the message could not be sent; ferry_sender_send_parts() says why. */
gboolean ferry_sender_send_parts_in_buffer (FerrySender *self, const FerryPart *parts, guint n_parts);
/* worker, any thread: makes a job's buffer of size bytes. The buffer is on the heap where the message would be no large
 * one, or the arena has no room now. */
FerryBuffer *ferry_sender_create_job_buffer (FerrySender *self, gsize size, GError **error);
/* worker, any thread: sends a message whose last part is a job's buffer, as ferry_sender_send_parts() does without a
 * limit, and copies only the other parts, of FERRY_BUFFER_HEAD bytes together. A buffer on the heap is copied. */
gboolean ferry_sender_send_job_buffer (FerrySender *self, const FerryPart *parts, guint n_parts, FerryBuffer *buffer,
                                       GError **error);
gboolean ferry_sender_send_parts (FerrySender *self, const FerryPart *parts, guint n_parts, gint64 timeout,
                                  GError **error);

/* any: ends the pipe of a sender that was not taken, when its last reference was dropped. The sender has closed the
 * share. Takes ownership of receiver. */
typedef void (*FerrySenderDroppedFunc) (FerryReceiver *receiver);

FerrySender *ferry_sender_new (FerryReceiver *receiver, FerrySenderDroppedFunc dropped, FerryMonitor *monitor,
                               GThread *router_thread, gsize lane_capacity, guint64 max_message_size,
                               FerryPipeFlags flags);
FerrySender *ferry_sender_new_granted (guint64 connection_id, FerryUplink *uplink, guint index, guint32 cell,
                                       guint32 flags);
gboolean ferry_sender_can_be_passed (FerrySender *self, GError **error);
gboolean ferry_sender_belongs_to (FerrySender *self, FerryMonitor *monitor, GError **error);
gboolean ferry_sender_pass (FerrySender *self, GError **error);
void ferry_sender_end (FerrySender *self);
/* any: returns (transfer full) (nullable) a new link for the sender, which cannot be used in this process any more. Its
 * welcome lies in the socket worker_end, which the caller gives to a worker. The link ends by ferry_monitor_end_link(),
 * or together with the link of worker (nullable). */
FerryLink *ferry_sender_give (FerrySender *self, FerryLink *worker, GError **error);

guint64 ferry_sender_get_connection_id (FerrySender *self);
gboolean ferry_sender_is_new (FerrySender *self);
gboolean ferry_sender_is_latest (FerrySender *self);
gboolean ferry_sender_is_one_shot (FerrySender *self);
guint ferry_sender_get_index (FerrySender *self);
FerryUplink *ferry_sender_get_uplink (FerrySender *self);
FerryMonitor *ferry_sender_get_monitor (FerrySender *self);
FerryPipeShare *ferry_sender_get_share (FerrySender *self);

G_END_DECLS
