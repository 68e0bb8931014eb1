/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A proxy, as its calls and replicas use it. */

#pragma once

#include "object/ferry-proxy-call-private.h"
#include "object/ferry-proxy-session-private.h"
#include "object/ferry-subscription-private.h"

G_BEGIN_DECLS

/* Returns (transfer none) (nullable): the session, if the proxy's object is in another process. */
FerryProxySession *ferry_proxy_get_session (FerryProxy *self);
/* Whether results of chains stay in the other process, unless a chain is set otherwise. */
gboolean ferry_proxy_get_as_proxy (FerryProxy *self);
void ferry_proxy_set_as_proxy (FerryProxy *self, gboolean as_proxy);
/* Returns (transfer full) the proxy of a chain's result, an object in another process. Takes the reference that
 * arrived with the result. Each object has at most one proxy at a time over a transport: if the object has several
 * names, their chains return the same proxy. */
FerryProxy *ferry_proxy_take_object (FerryProxy *self, const FerryChainResult *result);
/* Fills root with what names the object in a request. root borrows from the proxy. */
void ferry_proxy_get_root (FerryProxy *self, FerryObjectRoot *root);

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

/* ---- objects of this process ----
 *
 * A proxy has a session, or this: so it knows no exporter. ferry-local-proxy.c has the functions. */

typedef struct
{
  /* Begins a chain, which may be answered when this returns. Sets the resolution's cancellable. Returns FALSE with an
   * error if the chain is never answered. */
  gboolean (*ask) (FerryResolution *resolution, GError **error);
  /* Before this thread waits, does what was left to it, and says whether it may wait: see
   * ferry_proxy_check_may_wait(). */
  gboolean (*check_may_wait) (FerryProxy *proxy, const char *async_form, GError **error);
  /* Returns (transfer full) (nullable): the description of the object's interface. */
  GDBusInterfaceInfo *(*describe) (FerryProxy *proxy, GError **error);
  /* Returns (transfer full) (nullable): a session with the exporter, for a subscription, which needs a transport. */
  FerryProxySession *(*open_session) (FerryProxy *proxy, GError **error);
  /* Drops the record. */
  void (*drop) (gpointer exported);
} FerryLocalFuncs;

typedef struct
{
  const FerryLocalFuncs *funcs;
  gpointer exporter; /* an object with the property “listening” */
  gpointer exported; /* (nullable): the exporter's record of the proxy's object; NULL: the one of the proxy's name */
} FerryLocal;

/* Returns (transfer full): a proxy of an object in this process. Takes local's record. */
FerryProxy *ferry_proxy_new_here (const FerryLocal *local, const char *name);
const FerryLocal *ferry_proxy_get_local (FerryProxy *self);

G_END_DECLS
