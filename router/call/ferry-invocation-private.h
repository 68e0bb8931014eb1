/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An invocation as those see it that queue it and begin it. */

#pragma once

#include "call/ferry-invocation.h"
#include "call/ferry-transport-private.h"

G_BEGIN_DECLS

/* FERRY_INVOCATION_ANSWERED is set by whoever gives the answer, before it is sent; FERRY_INVOCATION_FIRING by whoever
 * fires the cancellable, and never after the other. */
#define FERRY_INVOCATION_ANSWERED 1u
#define FERRY_INVOCATION_FIRING 2u

/* What a request is called in messages: (transfer full) (nullable): NULL for what its method is called. */
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

  /* The answer: of whoever set FERRY_INVOCATION_ANSWERED, and then of those who send what was kept, one at a time. */
  FerryCallKind kind;
  gboolean shortened;
  GVariant *value;  /* (owned) (nullable) */
  GError *failure;  /* (owned) (nullable) */
  char *trace;      /* (owned) (nullable) */
  const char *note; /* (nullable) */
};

FerryInvocation *ferry_invocation_new (FerryTransport *transport, FerryCall *call,
                                       FerryInvocationDescribeFunc describe);
/* Answers with an error that says where it was raised, or that was raised by no function: no place is added. */
void ferry_invocation_pass_error (FerryInvocation *self, const GError *failure);
/* Answers without waiting for room, whatever thread this is. */
void ferry_invocation_turn_away (FerryInvocation *self, const GError *reason);
/* Whether it is to be begun; answers it where its time is over or it was cancelled. */
gboolean ferry_invocation_check_in_time (FerryInvocation *self);

G_END_DECLS
