/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An invocation for the demux, which queues it and begins it. */

#pragma once

#include "call/ferry-invocation.h"
#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

/* The answering thread sets FERRY_INVOCATION_ANSWERED before it sends. The thread that cancels the cancellable sets
 * FERRY_INVOCATION_FIRING, never after the other. */
#define FERRY_INVOCATION_ANSWERED 1u
#define FERRY_INVOCATION_FIRING 2u

/* A request as messages name it: (transfer full) (nullable): NULL for the words of its method. */
typedef char *(*FerryInvocationDescribeFunc) (const char *method, GVariant *arguments);

struct _FerryInvocation
{
  _Atomic gint references;
  _Atomic guint state;                  /* FERRY_INVOCATION_… */
  FerryCall *call;                      /* const: (owned) */
  FerryTransport *transport;            /* const: (owned) */
  FerryInvocationDescribeFunc describe; /* const: (nullable) */
  guint64 number;                       /* const: of its demux's */
  guint64 begun;                        /* const: ferry_trace_get_moment() when it came */
  gsize size;                           /* const once it waits: bytes of its arguments */
  _Atomic (GCancellable *) cancellable; /* (owned) (nullable): set once */
  GList link;                           /* the dispatcher's lock: in its queue */

  /* The answer: of the thread that set FERRY_INVOCATION_ANSWERED, then of those that send it later, one at a time. */
  FerryCallKind kind;
  gboolean shortened;
  GVariant *value;  /* (owned) (nullable) */
  GError *failure;  /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable) */
  const char *note; /* (nullable) */
};

FerryInvocation *ferry_invocation_new (FerryTransport *transport, FerryCall *call,
                                       FerryInvocationDescribeFunc describe);
/* Answers with an error that has its trace already, or was raised by no function: no place is added. */
void ferry_invocation_pass_error (FerryInvocation *self, const GError *failure);
/* Answers without waiting for room, whatever thread this is. */
void ferry_invocation_turn_away (FerryInvocation *self, const GError *reason);
/* Whether it is to be begun. Answers it where its deadline has passed or it was cancelled. */
gboolean ferry_invocation_check_in_time (FerryInvocation *self);

G_END_DECLS
