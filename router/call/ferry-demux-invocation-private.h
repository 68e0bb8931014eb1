/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An invocation of a demux, which makes it of a request, queues it and begins it. */

#pragma once

#include "call/ferry-invocation-private.h"
#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryInvocation base;
  FerryCall *call;                      /* const: (owned) */
  FerryTransport *transport;            /* const: (owned) */
  guint64 number;                       /* const: of its demux's */
  guint64 begun;                        /* const: ferry_trace_get_moment() when it came */
  gsize size;                           /* const once it waits: bytes of its arguments */
  _Atomic (GCancellable *) cancellable; /* (owned) (nullable): set once */
  GList link;                           /* the dispatcher's lock: in its queue */

  /* The answer: of the thread that set FERRY_INVOCATION_ANSWERED, then of those that send it later, one at a time. */
  FerryCallKind kind;
  GVariant *value;  /* (owned) (nullable) */
  GError *failure;  /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable) */
  const char *note; /* (nullable): goes with an error that was cut */
} FerryDemuxInvocation;

FerryDemuxInvocation *ferry_demux_invocation_new (FerryTransport *transport, FerryCall *call,
                                                  FerryInvocationDescribeFunc describe);
/* The following are for what a handler got: an invocation that a demux made. */

/* Whether it is to be begun. Answers it where its deadline has passed or it was cancelled. */
gboolean ferry_demux_invocation_check_in_time (FerryInvocation *invocation);
/* Answers with an error that has its trace already, or was raised by no function: no place is added. */
void ferry_demux_invocation_pass_error (FerryInvocation *invocation, const GError *failure);
/* Answers without waiting for room, whatever thread this is. */
void ferry_demux_invocation_turn_away (FerryInvocation *invocation, const GError *reason);

G_END_DECLS
