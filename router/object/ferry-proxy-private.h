/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A proxy as views and replicas see it. */

#pragma once

#include "object/ferry-exported-private.h"
#include "object/ferry-exporter-private.h"
#include "object/ferry-proxy-session-private.h"
#include "object/ferry-proxy.h"
#include "object/ferry-subscription-private.h"

G_BEGIN_DECLS

/* (nullable): of an object in another process. */
FerryProxySession *ferry_proxy_get_session (FerryProxy *self);
/* (nullable): of one in this process. */
FerryExporter *ferry_proxy_get_exporter (FerryProxy *self);
/* Of an object in another process: the proxy of a view's result. There is one proxy for each object at a time, and the
 * result of a view of several names is this one. Takes the reference that arrived. Returns (transfer full). */
FerryProxy *ferry_proxy_take_object (FerryProxy *self, const FerryViewResult *result);
/* exported: of exporter. */
FerryProxy *ferry_proxy_new_for_exported (FerryExporter *exporter, FerryExported *exported);
/* Fills root, which borrows from the proxy. */
void ferry_proxy_get_root (FerryProxy *self, FerryObjectRoot *root);
/* Of a proxy in the object's own process. Returns (transfer full) (nullable). */
FerryExported *ferry_proxy_find_exported (FerryProxy *self, GError **error);

/* Whether this thread may wait for it: FERRY_ERROR_WRONG_THREAD, which names what to use. */
gboolean ferry_proxy_check_may_wait (FerryProxy *self, const char *async_form, GError **error);

/* The cached description of its interface. Returns (transfer full) (nullable). */
GDBusInterfaceInfo *ferry_proxy_dup_info (FerryProxy *self);

/* Opens a subscription of the object: of one in this process, over a transport to it. properties and signals:
 * (nullable), NULL-terminated. */
FerrySubscription *ferry_proxy_open_subscription (FerryProxy *self, const char *const *properties,
                                                  const char *const *signals, gboolean list,
                                                  const FerrySubscriptionFuncs *funcs, gpointer data);

G_END_DECLS
