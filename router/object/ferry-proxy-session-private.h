/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The session that all proxies over one transport share, as they use it. */

#pragma once

#include "base/ferry-weak-private.h"
#include "call/ferry-transport.h"
#include "object/ferry-proxy.h"
#include "wire/ferry-object-message-private.h"

G_BEGIN_DECLS

typedef struct _FerryProxySession FerryProxySession;

/* Returns (transfer full): the transport's session. A transport has one at a time. */
FerryProxySession *ferry_proxy_session_get (FerryTransport *transport);
FerryProxySession *ferry_proxy_session_ref (FerryProxySession *self);
void ferry_proxy_session_unref (FerryProxySession *self);
/* Returns (transfer full): the session's transport. The session may move to another one meanwhile. */
FerryTransport *ferry_proxy_session_dup_transport (FerryProxySession *self);
/* Moves the session of a transport that has ended, if it has one, and all its proxies to another transport, which must
 * have no session. The exporter at the other end is another one: references to objects of the former are not valid. */
void ferry_proxy_session_move (FerryTransport *from, FerryTransport *to);

gboolean ferry_proxy_session_is_listening (FerryProxySession *self);
/* Whether a stream could not be opened for a reason that passes: no room, or a worker that has not started. */
gboolean ferry_proxy_session_is_too_early (const GError *error);
/* Must be called before a request is sent. waits: the request may wait at the other end until the exporter is up, as
 * long as the other end is starting. If there was no exporter at the other end, asks again whether there is one now.
 * Fails with FERRY_ERROR_NOT_LISTENING. When the transport has ended, fails with the reason of that end. */
gboolean ferry_proxy_session_check_listening (FerryProxySession *self, gboolean waits, GError **error);

/* How long, in microseconds, an exporter may take to come up while requests without a deadline wait for it. */
#define FERRY_EXPORTER_START_TIME (30 * G_USEC_PER_SEC)
/* Whether no exporter has reported over the transport yet, and one may still do so. */
gboolean ferry_proxy_session_is_starting (FerryProxySession *self);
/* Returns (transfer full): the error of a request for which no exporter came up in time. */
GError *ferry_proxy_session_new_absence (void);
/* Returns (transfer full) (nullable): while the exporter is starting, the error of a request that has no time left. */
GError *ferry_proxy_session_dup_absence (FerryProxySession *self);
/* For a request without a deadline: ends it with FERRY_ERROR_NOT_LISTENING where no exporter comes up in time. Does
 * nothing when an exporter has reported. */
void ferry_proxy_session_add_early (FerryProxySession *self, FerryTransport *transport, guint64 xid);
gint64 ferry_proxy_session_get_start_time (void);
/* For tests, before the first proxy is made. */
void ferry_proxy_session_set_start_time (gint64 time);
/* Returns (transfer full) (nullable): why the transport has ended, or the exporter has left it; NULL while neither
 * has happened. */
GError *ferry_proxy_session_dup_end (FerryProxySession *self);
/* Adds a watch: func is called on the receiving thread when the exporter begins or stops to listen, and when the
 * session ends. With names, also when names may stand for other objects. func is not called for the present state.
 * Returns a number for ferry_proxy_session_remove_watch(). */
typedef void (*FerryProxySessionFunc) (gpointer data);
guint64 ferry_proxy_session_add_watch (FerryProxySession *self, gboolean names, FerryProxySessionFunc func,
                                       gpointer data, GDestroyNotify destroy);
/* Removes a watch. Its function may still be running on another thread. */
void ferry_proxy_session_remove_watch (FerryProxySession *self, guint64 number);

/* Returns (transfer full) a new proxy of a result's object, which is reached by its number. weak: set to (transfer
 * none) its weak reference. Called with the session's lock held. */
typedef FerryProxy *(*FerryProxyMakeFunc) (FerryProxy *asker, const FerryChainResult *result, FerryWeak **weak);
/* Returns (transfer full) the proxy of a result's object: the present one, or one that make returns. by_name: set to
 * whether the proxy is reached by a name. Then it does not own the references that came by number. */
FerryProxy *ferry_proxy_session_find_or_make (FerryProxySession *self, const FerryChainResult *result,
                                              FerryProxyMakeFunc make, FerryProxy *asker, gboolean *by_name);
/* proxy: (element-type FerryProxy) */
void ferry_proxy_session_add_name (FerryProxySession *self, FerryWeak *proxy, const char *name);
/* Removes a proxy from the tables. Called when the proxy is finalized. */
void ferry_proxy_session_forget (FerryProxySession *self, const char *name, guint64 generation, guint64 number);
/* Drops references of this end: count references that have arrived, to the object of that number, of the exporter of
 * that generation. Sends the message later if the transport has no room. */
void ferry_proxy_session_release (FerryProxySession *self, guint64 generation, guint64 number, guint64 count);

/* Returns the session's edition: a number that changes with each reported change of the exporter's state or names. */
guint64 ferry_proxy_session_get_edition (FerryProxySession *self);
/* Returns (transfer full) (nullable): the cached description of an interface, if asked for in the present edition. */
GDBusInterfaceInfo *ferry_proxy_session_dup_info (FerryProxySession *self, const char *object);
void ferry_proxy_session_set_info (FerryProxySession *self, const char *object, guint64 edition,
                                   GDBusInterfaceInfo *info);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryProxySession, ferry_proxy_session_unref)

G_END_DECLS
