/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resolves a chain of operations of a proxy: sends it to the object's process, or evaluates it in this process.
 *
 * A resolution ends once: with the result, an error, its deadline, or its cancellation. An answer that comes after
 * the deadline or the cancellation is still read: it may have a reference that must be dropped. */

#pragma once

#include "object/ferry-proxy-private.h"
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

/* Waits for the result: see ferry_proxy_resolve(). async_form: the function that the error message names if this thread
 * may not wait. */
gboolean ferry_resolve_wait (const FerryChain *chain, const char *async_form, gint64 timeout, GCancellable *cancellable,
                             GVariant **value, FerryProxy **object, GError **error);
/* Does not wait. Takes the task, which returns a FerryResolved. later: without room in the transport, the request is
 * sent as soon as there is room; otherwise the task fails with FERRY_ERROR_WOULD_BLOCK. */
void ferry_resolve_run_task (const FerryChain *chain, gint64 timeout, gboolean later, GTask *task);
/* Gives what the task has returned. */
gboolean ferry_resolve_finish (GAsyncResult *result, GVariant **value, FerryProxy **object, GError **error);

G_END_DECLS
