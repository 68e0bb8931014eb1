/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The invocation that a demux makes of a request, queues, and passes to a handler. */

#pragma once

#include "conversation/ferry-invocation-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryInvocation base;
  FerryCall *call; /* const: (owned) */
  guint64 number;  /* const: the demux counts its requests from 1, and this is the count of this one */
  guint64 begun;   /* const: the result of ferry_trace_get_moment() when the request arrived */
  _Atomic (GCancellable *) cancellable; /* (owned) (nullable): set once */
  GList link;                           /* the dispatcher's lock: the invocation's link in the dispatcher's queue */

  /* kind, value, failure, trace and note: the answer. The thread that set FERRY_INVOCATION_ANSWERED uses them first,
   * then the threads that send the answer later, one at a time. */
  FerryCallKind kind;
  GVariant *value;  /* (owned) (nullable) */
  GError *failure;  /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable) */
  const char *note; /* (nullable): a remark that is sent with an error when its message was cut */
} FerryDemuxInvocation;

/* Returns (transfer full) the invocation of a call, in the call's memory: see ferry_call_get_space(). */
FerryDemuxInvocation *ferry_demux_invocation_new (FerryCall *call, FerryInvocationDescribeFunc describe);
/* Here and below: invocation is one that a demux made. Whether the handler should be called. If the request's deadline
 * has passed, or the request was cancelled, answers the invocation with an error and returns FALSE. */
gboolean ferry_demux_invocation_check_in_time (FerryInvocation *invocation);
/* Returns (transfer full) (nullable) the arguments if they are an array of bytes. verdict: set as in FerryBody. */
GBytes *ferry_demux_invocation_dup_bytes (FerryInvocation *invocation, FerryValueVerdict *verdict);
/* Answers with an error, and adds no entry to the error's trace: the error has its trace already, or no function
 * raised it. */
void ferry_demux_invocation_pass_error (FerryInvocation *invocation, const GError *failure);
/* Answers with an error. Does not wait for room in the transport, on any thread. */
void ferry_demux_invocation_turn_away (FerryInvocation *invocation, const GError *reason);

G_END_DECLS
