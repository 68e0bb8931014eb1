/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sender as the library itself uses it: messages in parts, the buffers of jobs, and its way from the router to a
 * worker. The files that send share ferry-send-private.h instead.
 *
 * Threads: any, unless a function says otherwise. */

#pragma once

#include "engine/ferry-monitor-private.h"
#include "lane/ferry-cell-private.h"
#include "link/ferry-uplink-private.h"
#include "route/ferry-pipe-private.h"
#include "route/ferry-router.h"
#include "route/ferry-sender.h"

G_BEGIN_DECLS

/* The end of a message of FERRY_ERROR_TOO_LARGE. Where it does not fit, a caller puts another one in its place. */
#define FERRY_TOO_LARGE_REMEDY "send it in parts, or raise FerryRouter:max-message-size"

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

FerrySender *ferry_sender_new (FerryPipe *pipe);
FerrySender *ferry_sender_new_granted (guint64 connection_id, FerryUplink *uplink, guint index, guint32 cell);
gboolean ferry_sender_can_be_passed (FerrySender *self, GError **error);
gboolean ferry_sender_belongs_to (FerrySender *self, FerryMonitor *monitor, GError **error);
gboolean ferry_sender_pass (FerrySender *self, GError **error);
void ferry_sender_end (FerrySender *self);

guint64 ferry_sender_get_connection_id (FerrySender *self);
gboolean ferry_sender_is_new (FerrySender *self);
gboolean ferry_sender_is_latest (FerrySender *self);
guint ferry_sender_get_index (FerrySender *self);
FerryUplink *ferry_sender_get_uplink (FerrySender *self);
FerryPipe *ferry_sender_get_pipe (FerrySender *self);

G_END_DECLS
