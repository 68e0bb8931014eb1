/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Chains that proxies and replicas ask. */

#pragma once

#include "object/ferry-proxy.h"
#include "wire/ferry-object-message-private.h"

G_BEGIN_DECLS

/* A chain of operations. All of it is borrowed, and a resolution keeps what it needs. */
typedef struct
{
  FerryProxy *proxy; /* the object at which the chain begins */
  const FerryStep *steps;
  guint n_steps;
  gboolean as_proxy;       /* whether a result that is a value stays in the other process */
  GVariant *default_value; /* (nullable): the result that replaces the error when the exporter does not listen */
} FerryChain;

typedef struct
{
  GVariant *value;    /* (owned) (nullable) */
  FerryProxy *object; /* (owned) (nullable) */
  guint64 n_changes;  /* for a chain that sets a property: the count of changes, see FERRY_STEP_SET */
} FerryResolved;

void ferry_resolved_free (gpointer self);

/* A chain that was asked: the data of a completion. Its steps are behind it, and their names behind these. */
typedef struct
{
  FerryProxy *proxy;         /* const: (owned) */
  FerryTransport *transport; /* const: (owned) (nullable): the session's when the resolution was made */
  FerryChainRequest request; /* const: root is borrowed from proxy, and steps have references to their arguments */
  GVariant *default_value;   /* const: (owned) (nullable) */
  gint64 deadline;           /* const: monotonic time in microseconds; 0 for none */
  FerryProxyFunc func;       /* const, also the next field: (nullable) */
  gpointer user_data;
  _Atomic guint64 xid;       /* the call's xid; 0: not sent yet, or the object is in this process */
  GCancellable *cancellable; /* const: (owned) (nullable): for an object in this process: the methods' cancellable */
} FerryResolution;

FerryResolution *ferry_resolution_ref (FerryResolution *self);
void ferry_resolution_unref (gpointer self);
/* Ends it with object (transfer full) (nullable), or else value (nullable), or error (nullable). raised: the error is
 * the object's own: the default does not replace it. */
void ferry_resolution_answer (FerryResolution *self, GVariant *value, FerryProxy *object, const GError *error,
                              gboolean raised);

/* Does not wait. Takes the task, which returns a FerryResolved. later: without room in the transport, the request is
 * sent as soon as there is room; otherwise the task fails with FERRY_ERROR_WOULD_BLOCK. */
void ferry_resolve_run_task (const FerryChain *chain, gint64 timeout, gboolean later, GTask *task);
/* Gives what the task has returned. */
gboolean ferry_resolve_finish (GAsyncResult *result, GVariant **value, FerryProxy **object, GError **error);

G_END_DECLS
