/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker's end of the down lane and of the express lane: where it hears what it is asked to do.
 *
 * Owner:   the worker's attachment, or a thread of the application that serves as a worker.
 * Threads: one receives; any thread looks at the express lane, under a lock of its own.
 * Trust:   the application is trusted; what cannot be is still reported as an error and not followed. */

#pragma once

#include "link/ferry-uplink-private.h"

G_BEGIN_DECLS

typedef struct _FerryDownlink FerryDownlink;

typedef enum
{
  FERRY_DOWN_EVENT_MESSAGE,     /* *message is filled */
  FERRY_DOWN_EVENT_PIPE_CLOSED, /* the application closed a pipe that is watched: message->connection_id is its */
  FERRY_DOWN_EVENT_FINISH,      /* nothing more will be asked */
  FERRY_DOWN_EVENT_NOTHING,     /* the deadline passed, a cancel is in the express lane, or it was interrupted */
  FERRY_DOWN_EVENT_CLOSED,      /* the application gave up the link */
  FERRY_DOWN_EVENT_BROKEN,      /* the lane holds something that no application of this version writes */
} FerryDownEvent;

/* A message for one of the worker's pipes. */
typedef struct
{
  guint64 connection_id;
  const guint8 *data; /* borrowed until the next receive; aligned to 8 bytes */
  gsize size;
  GArray *descriptors; /* (element-type int) (nullable): borrowed likewise: those that came with it; what is left of
                        * them is closed then */
  gboolean is_short;   /* this process could not take all of them: it has too many files open */
} FerryDownMessage;

/* A sender that was passed to the worker. */
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

/* The grants are received before anything else. Returns MESSAGE with *grant filled, NOTHING after the last one, BROKEN.
 */
FerryDownEvent ferry_downlink_receive_grant (FerryDownlink *self, FerryDownGrant *grant);

/* Before the first receive, or by the thread that does: has that tell once when the application closes one of the
 * pipes. What was sent to it before comes first. */
void ferry_downlink_watch_pipe (FerryDownlink *self, guint index, guint64 connection_id);

/* Waits until deadline (monotonic time in microseconds; 0: does not wait; negative: for ever). */
FerryDownEvent ferry_downlink_receive (FerryDownlink *self, gint64 deadline, FerryDownMessage *message);
void ferry_downlink_interrupt (FerryDownlink *self);

/* any: whether the application gave up the link, by one load. */
gboolean ferry_downlink_is_closed (FerryDownlink *self);

/* any: whether something new is in the express lane, by one load. */
gboolean ferry_downlink_has_cancel (FerryDownlink *self);
/* any: takes the next cancel from the express lane. Returns FALSE when there is none. */
gboolean ferry_downlink_take_cancel (FerryDownlink *self, guint64 *xid, guint16 *reason);
/* any, one at a time: sleeps until has_cancel, the deadline, or an interrupt. Returns FALSE when the link has ended,
 * and then at once. */
gboolean ferry_downlink_wait_for_cancel (FerryDownlink *self, gint64 deadline);

typedef enum
{
  FERRY_CLAIM_BEGUN,   /* the call is the worker's to run */
  FERRY_CLAIM_SKIPPED, /* the application took it back: pass over it */
  FERRY_CLAIM_KILLED,  /* the worker is about to be killed: begin nothing any more */
} FerryClaimResult;

/* Before a call is begun; xids of one link only grow. */
FerryClaimResult ferry_downlink_claim (FerryDownlink *self, guint64 xid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDownlink, ferry_downlink_free)

G_END_DECLS
