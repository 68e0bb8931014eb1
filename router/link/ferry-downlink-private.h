/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker's end of the down lane and of the express lane, by which it receives calls and cancels.
 *
 * Owner:   the worker's attachment, or a thread of the application that serves as a worker.
 * Threads: one receives; any thread reads the express lane, under a lock.
 * Trust:   the application is trusted; invalid records are still reported as errors. */

#pragma once

#include "link/ferry-uplink-private.h"

G_BEGIN_DECLS

typedef struct _FerryDownlink FerryDownlink;

typedef enum
{
  FERRY_DOWN_EVENT_MESSAGE,     /* *message is filled */
  FERRY_DOWN_EVENT_PIPE_CLOSED, /* the application closed a watched pipe, that of message->connection_id */
  FERRY_DOWN_EVENT_FINISH,      /* no more calls come */
  FERRY_DOWN_EVENT_NOTHING,     /* the deadline passed, a cancel is in the express lane, or it was interrupted */
  FERRY_DOWN_EVENT_CLOSED,      /* the application gave up the link */
  FERRY_DOWN_EVENT_BROKEN,      /* the lane has a record that no application of this version writes */
} FerryDownEvent;

/* A message for one of the worker's pipes. */
typedef struct
{
  guint64 connection_id;
  const guint8 *data; /* borrowed until the next receive; aligned to 8 bytes */
  gsize size;
  GArray *descriptors; /* (element-type int) (nullable): its descriptors, borrowed likewise; the rest is closed then */
  gboolean is_short;   /* some descriptors are missing: this process has too many files open */
} FerryDownMessage;

/* A sender for the worker. */
typedef struct
{
  guint64 connection_id;
  guint32 index; /* of its word in the pipe table */
  guint32 cell;  /* as in FerryGrant, as flags */
  guint32 flags;
  const char *name; /* borrowed until the next record is received; not terminated */
  gsize name_length;
} FerryDownGrant;

FerryDownlink *ferry_downlink_new (FerryUplink *uplink);
void ferry_downlink_free (FerryDownlink *self);

/* Before any other receive. Returns MESSAGE with *grant filled, NOTHING after the last grant, or BROKEN. */
FerryDownEvent ferry_downlink_receive_grant (FerryDownlink *self, FerryDownGrant *grant);

/* Before the first receive, or by the receiving thread: has it return PIPE_CLOSED once when the application closes the
 * pipe, after all messages that were sent to the pipe. */
void ferry_downlink_watch_pipe (FerryDownlink *self, guint index, guint64 connection_id);

/* Waits until deadline (monotonic time in microseconds; 0: does not wait; negative: for ever). */
FerryDownEvent ferry_downlink_receive (FerryDownlink *self, gint64 deadline, FerryDownMessage *message);
/* any: ends a wait of ferry_downlink_receive() and one of ferry_downlink_wait_for_cancel(), or the next ones. */
void ferry_downlink_interrupt (FerryDownlink *self);

/* any: whether the application gave up the link, by one load. */
gboolean ferry_downlink_is_closed (FerryDownlink *self);

/* any: whether the express lane has a new record, by one load. */
gboolean ferry_downlink_has_cancel (FerryDownlink *self);
/* any: takes the next cancel from the express lane. Returns FALSE where there is none. */
gboolean ferry_downlink_take_cancel (FerryDownlink *self, guint64 *xid, guint16 *reason);
/* any, one at a time: sleeps until has_cancel, the deadline, or an interrupt. Returns FALSE after the link's end. */
gboolean ferry_downlink_wait_for_cancel (FerryDownlink *self, gint64 deadline);

typedef enum
{
  FERRY_CLAIM_BEGUN,   /* the worker runs the call */
  FERRY_CLAIM_SKIPPED, /* the application took the call back */
  FERRY_CLAIM_KILLED,  /* the worker is about to be killed: it begins no more calls */
} FerryClaimResult;

/* Before a call is begun. The xids of a link only grow. */
FerryClaimResult ferry_downlink_claim (FerryDownlink *self, guint64 xid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDownlink, ferry_downlink_free)

G_END_DECLS
