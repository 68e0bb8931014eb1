/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker's end of the down lane and of the express lane. One thread receives from the down lane; any reads the
 * express lane. */

#pragma once

#include "base/ferry-spin-private.h"
#include "link/ferry-uplink-private.h"

G_BEGIN_DECLS

typedef struct _FerryDownlink FerryDownlink;

typedef enum
{
  FERRY_DOWN_EVENT_MESSAGE,     /* *message is filled */
  FERRY_DOWN_EVENT_PIPE_CLOSED, /* the application sends no more to a pipe; its id is message->connection_id */
  FERRY_DOWN_EVENT_FINISH,      /* the application sends no more calls */
  FERRY_DOWN_EVENT_NOTHING,     /* the deadline passed, the express lane has a cancel, or the wait was interrupted */
  FERRY_DOWN_EVENT_CLOSED,      /* the application ended the link */
  FERRY_DOWN_EVENT_BROKEN,      /* the lane has a record that no application of this version of Ferry writes */
} FerryDownEvent;

/* A message for one of the worker's pipes. */
typedef struct
{
  guint64 connection_id;
  const guint8 *data; /* borrowed until the next call of a receive function; aligned to 8 bytes */
  gsize size;
  /* (element-type int) (nullable): the message's descriptors, borrowed until the next call of a receive function, which
   * closes those that are still in the array */
  GArray *descriptors;
  gboolean is_short; /* some descriptors are missing, because this process has too many files open */
} FerryDownMessage;

/* A grant: the application allows the worker to send by this connection id. */
typedef struct
{
  guint64 connection_id;
  guint32 index;    /* the index of the sender's word in the pipe table */
  guint32 cell;     /* as in FerryGrant */
  const char *name; /* borrowed until the next record is received; not zero-terminated */
  gsize name_length;
} FerryDownGrant;

FerryDownlink *ferry_downlink_new (FerryUplink *uplink);
void ferry_downlink_free (FerryDownlink *self);

/* Receives the next grant. Must be called before the other receive functions. Returns MESSAGE with *grant filled,
 * NOTHING after the last grant, or BROKEN. */
FerryDownEvent ferry_downlink_receive_grant (FerryDownlink *self, FerryDownGrant *grant);

/* Receives the given senders that come before the next message, without waiting. For a process that receives nothing
 * else so far, on one thread at a time. */
void ferry_downlink_look_for_given (FerryDownlink *self);
/* any: takes the next given sender that ferry_downlink_receive() has come across. Returns FALSE where there is none.
 * Sets *name and *fd, which become the caller's; *fd is -1 where the process could not receive the descriptor. */
gboolean ferry_downlink_take_given (FerryDownlink *self, char **name, int *fd);

/* Returns the next event. Waits until deadline (monotonic time in microseconds; 0: does not wait; negative: waits
 * without limit). */
FerryDownEvent ferry_downlink_receive (FerryDownlink *self, gint64 deadline, FerryDownMessage *message);
/* any: ends one wait of ferry_downlink_receive() and one wait of ferry_downlink_wait_for_cancel(). Where no thread
 * waits, the next wait ends at once. */
void ferry_downlink_interrupt (FerryDownlink *self);

/* any: whether the application has ended the link. Costs one load from memory. */
gboolean ferry_downlink_is_closed (FerryDownlink *self);
/* any: ends the link in place of an application that was killed. Costs a system call. */
void ferry_downlink_close_if_left (FerryDownlink *self);

/* any: whether the express lane has a new record. Costs one load from memory. */
gboolean ferry_downlink_has_cancel (FerryDownlink *self);
/* any: takes the next cancel from the express lane. Returns FALSE where the lane has no cancel. */
gboolean ferry_downlink_take_cancel (FerryDownlink *self, guint64 *xid, guint16 *reason);
/* any, one at a time: sleeps until ferry_downlink_has_cancel() is TRUE, the pause word is another than was taken last,
 * the deadline passes, or ferry_downlink_interrupt() is called. Returns FALSE after the link's end. */
gboolean ferry_downlink_wait_for_cancel (FerryDownlink *self, gint64 deadline);

/* any: returns the inode of the pipe from which the application reads the stream 1 (output) or 2 (error) of the worker;
 * 0: it does not read that stream. */
guint64 ferry_downlink_get_output (FerryDownlink *self, guint stream);

/* any: returns the pause word: see FERRY_PAUSED. Costs one load from memory. */
guint64 ferry_downlink_get_pause (FerryDownlink *self);
/* any: returns the pause word. The next change of it ends ferry_downlink_wait_for_cancel(). */
guint64 ferry_downlink_take_pause (FerryDownlink *self);
/* any, after one of these two: returns the deadline of the call that the pause word names. */
gint64 ferry_downlink_get_deadline (FerryDownlink *self);
/* any: tells the application that the function has heard of this pause. */
void ferry_downlink_note_heard (FerryDownlink *self, guint64 pause);

typedef enum
{
  FERRY_CLAIM_BEGUN,   /* the worker must run the call now */
  FERRY_CLAIM_SKIPPED, /* the application took the call back */
  FERRY_CLAIM_KILLED,  /* the worker will be killed soon: it must begin no more calls */
} FerryClaimResult;

/* Claims a call. Must be called before the worker begins the call. Each call of a link has a greater xid than the calls
 * before. Waits while the application prevents the worker from beginning calls (ferry_link_hold_calls()). */
FerryClaimResult ferry_downlink_claim (FerryDownlink *self, guint64 xid);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDownlink, ferry_downlink_free)

G_END_DECLS
