/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all proxies over one transport share: whether the exporter at its other end listens, the proxies of its objects,
 * and the descriptions of their interfaces.
 *
 * Owner:   its proxies, by counted references.
 * Threads: any.
 * Trust:   none in the other end. */

#pragma once

#include "call/ferry-mux.h"
#include "object/ferry-object-message-private.h"
#include "object/ferry-proxy.h"

G_BEGIN_DECLS

typedef struct _FerryProxySession FerryProxySession;

/* The one of the transport. Returns (transfer full). */
FerryProxySession *ferry_proxy_session_get (FerryTransport *transport);
FerryProxySession *ferry_proxy_session_ref (FerryProxySession *self);
void ferry_proxy_session_unref (FerryProxySession *self);
FerryMux *ferry_proxy_session_get_mux (FerryProxySession *self);

gboolean ferry_proxy_session_is_listening (FerryProxySession *self);
/* Before a request: where no exporter is there, it is looked for again. Fails with FERRY_ERROR_NOT_LISTENING, and where
 * the transport has ended, with its reason. */
gboolean ferry_proxy_session_check_listening (FerryProxySession *self, GError **error);
/* Why the transport has ended, or the exporter has left it; NULL while neither is so. Returns (transfer full)
 * (nullable). */
GError *ferry_proxy_session_dup_end (FerryProxySession *self);
/* Calls func with each change of whether the exporter listens, and with its end; with names, also when names stand for
 * other objects now. On the receiving thread. The present state is not told. Returns a number to remove it by. */
typedef void (*FerryProxySessionFunc) (gpointer data);
guint64 ferry_proxy_session_add_watch (FerryProxySession *self, gboolean names, FerryProxySessionFunc func,
                                       gpointer data, GDestroyNotify destroy);
/* It may be under way on another thread. */
void ferry_proxy_session_remove_watch (FerryProxySession *self, guint64 number);

/* Makes the proxy of a result's object, by its number. With the session's lock. Returns (transfer full). */
typedef FerryProxy *(*FerryProxyMakeFunc) (FerryProxy *asker, const FerryViewResult *result);
/* The proxy of a result's object, of which there is one at a time. by_name: set where the proxy has a name, and so none
 * of the references that came by number. Calls make where there is no proxy. Returns (transfer full). */
FerryProxy *ferry_proxy_session_find_or_make (FerryProxySession *self, const FerryViewResult *result,
                                              FerryProxyMakeFunc make, FerryProxy *asker, gboolean *by_name);
/* The proxy of a name goes into the table, or comes out of it. */
void ferry_proxy_session_add_name (FerryProxySession *self, FerryProxy *proxy, const char *name);
/* At a proxy's end. */
void ferry_proxy_session_forget (FerryProxySession *self, const char *name, guint64 generation, guint64 number);
/* Drops count references that have arrived, to the object of that number, of the exporter of that generation: later
 * where the transport has no room. */
void ferry_proxy_session_release (FerryProxySession *self, guint64 generation, guint64 number, guint64 count);

/* Another one whenever the exporter has said anything of its state or its names. */
guint64 ferry_proxy_session_get_edition (FerryProxySession *self);
/* The cached description of an interface, in the edition in which it was asked for. Returns (transfer full)
 * (nullable). */
GDBusInterfaceInfo *ferry_proxy_session_dup_info (FerryProxySession *self, const char *object);
void ferry_proxy_session_set_info (FerryProxySession *self, const char *object, guint64 edition,
                                   GDBusInterfaceInfo *info);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryProxySession, ferry_proxy_session_unref)

G_END_DECLS
