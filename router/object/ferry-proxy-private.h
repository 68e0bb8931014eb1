/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A proxy, as replicas use it: the object that it stands for, and chains of operations. */

#pragma once

#include "object/ferry-exported-private.h"
#include "object/ferry-exporter-private.h"
#include "object/ferry-proxy-session-private.h"
#include "object/ferry-proxy.h"
#include "object/ferry-subscription-private.h"
#include "wire/ferry-object-message-private.h"

G_BEGIN_DECLS

/* Returns (transfer none) (nullable): the session, if the proxy's object is in another process. */
FerryProxySession *ferry_proxy_get_session (FerryProxy *self);
/* Returns (transfer none) (nullable): the exporter, if the proxy's object is in this process. */
FerryExporter *ferry_proxy_get_exporter (FerryProxy *self);
/* Whether results of chains stay in the other process, unless a chain is set otherwise. */
gboolean ferry_proxy_get_as_proxy (FerryProxy *self);
void ferry_proxy_set_as_proxy (FerryProxy *self, gboolean as_proxy);
/* Returns (transfer full) the proxy of a chain's result, an object in another process. Takes the reference that
 * arrived with the result. Each object has at most one proxy at a time over a transport: if the object has several
 * names, their chains return the same proxy. */
FerryProxy *ferry_proxy_take_object (FerryProxy *self, const FerryChainResult *result);
/* Returns (transfer full) a proxy of an object in this process. exported must be one of exporter's objects. */
FerryProxy *ferry_proxy_new_for_exported (FerryExporter *exporter, FerryExported *exported);
/* Fills root with what names the object in a request. root borrows from the proxy. */
void ferry_proxy_get_root (FerryProxy *self, FerryObjectRoot *root);
/* Returns (transfer full) (nullable) the record of the proxy's object, which must be in this process. */
FerryExported *ferry_proxy_find_exported (FerryProxy *self, GError **error);

/* Whether this thread may wait for an answer of the proxy's object. Fails with FERRY_ERROR_WRONG_THREAD. The message
 * names async_form as the function to use. */
gboolean ferry_proxy_check_may_wait (FerryProxy *self, const char *async_form, GError **error);

/* Where the exporter may be coming up, waits until it answers, for an exporter's start time at most. Returns FALSE if
 * it does not, or the wait was cancelled. */
gboolean ferry_proxy_wait_until_started (FerryProxy *self, GCancellable *cancellable);

/* Returns (transfer full) (nullable): the cached description of the interface of an object in another process. */
GDBusInterfaceInfo *ferry_proxy_dup_info (FerryProxy *self);

/* Opens a subscription to the proxy's object. If the object is in this process, the subscription uses a transport to
 * it. properties and signals: (nullable), NULL-terminated. */
FerrySubscription *ferry_proxy_open_subscription (FerryProxy *self, const char *const *properties,
                                                  const char *const *signals, gboolean list,
                                                  const FerrySubscriptionFuncs *funcs, gpointer data);

/* ---- chains ----
 *
 * A resolution sends a chain to the object's process, or evaluates it in this process. It ends once: with the result,
 * an error, its deadline, or its cancellation. An answer that comes after the deadline or the cancellation is still
 * read: it may have a reference that must be dropped. */

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
