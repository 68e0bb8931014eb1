/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions of an exporter for proxies in the same process and for tests, and its subscribers. */

#pragma once

#include "conversation/ferry-invocation.h"
#include "object/ferry-exported-private.h"
#include "object/ferry-paced-sender-private.h"
#include "wire/ferry-object-message-private.h"

G_BEGIN_DECLS

/* Returns (transfer full) (nullable): the object that is exported by that name. Fails with
 * FERRY_ERROR_UNKNOWN_OBJECT. */
FerryExported *ferry_exporter_find (FerryExporter *self, const char *name, GError **error);
/* Returns (transfer full): a record that keeps a value in this process, for a proxy of the value. */
FerryExported *ferry_exporter_hold_value (FerryExporter *self, GVariant *value);
/* For fuzzers only. Must be called before the first transport is added. generation: not 0. */
void ferry_exporter_set_generation (FerryExporter *self, guint64 generation);
/* Returns (transfer none) (nullable): the main context on which methods are called; NULL: on threads. */
GMainContext *ferry_exporter_get_context (FerryExporter *self);
/* For a manual exporter without a transport: in a worker, methods are called where requests are received while the
 * calling thread sleeps in ferry_exporter_poll(), and nowhere else while it does not. It has the exporter's context
 * from now on, until ferry_exporter_leave(). */
void ferry_exporter_share_context (FerryExporter *self);
/* Returns when all methods have returned that were called for that session, one of ferry_exporter_list_sessions(), and
 * its transport has ended. Not in a method. */
void ferry_exporter_wait_for_methods (gpointer session);
/* Removes an exporter from all transports, and unexports all objects. Must be called on the thread that answers
 * requests, if there is one. All objects of which only the exporter has references are freed on this thread, also when
 * another thread ends a transport meanwhile. */
void ferry_exporter_leave (FerryExporter *self);
/* Whether the exporter was started and not stopped. */
gboolean ferry_exporter_get_listening (FerryExporter *self);
/* Whether a request is answered now. before: the request came before the exporter was stopped. Fails with
 * FERRY_ERROR_NOT_LISTENING and FERRY_ERROR_REFUSED. */
gboolean ferry_exporter_check_listening (FerryExporter *self, gboolean before, GError **error);

/* For tests, also the functions below. Returns how many requests have begun. */
guint64 ferry_exporter_get_n_requests (FerryExporter *self);
/* Returns how many requests wait. */
guint ferry_exporter_get_n_pending (FerryExporter *self);
/* Adds a transport to the exporter that answered over the one of that place until it ended, if there is one. place:
 * that of ferry_link_transport_get_place(). */
void ferry_exporter_move (GObject *place, FerryTransport *to);
/* Returns (transfer full): the exporter's sessions, GObjects. */
GPtrArray *ferry_exporter_list_sessions (FerryExporter *self);
/* Adds a session. The exporter takes a reference to it. Returns whether the exporter was started or stopped before:
 * then the session takes requests at once. */
gboolean ferry_exporter_add_session (FerryExporter *self, gpointer session);
/* Removes a session. Returns it (transfer full), or NULL if the exporter does not have it any more. */
gpointer ferry_exporter_steal_session (FerryExporter *self, gpointer session);

/* ---- subscribers ----
 *
 * A subscriber is the sending end of a subscription. It follows an object's properties, its signals and its list for
 * the other end. The receiving end is FerrySubscription. */

/* any: a subscription has ended. Called once, or twice if it ended before ferry_subscriber_begin(). session: the one of
 * ferry_subscriber_new(). */
void ferry_exporter_forget_subscription (gpointer session, FerryPacedSender *subscription);
/* Returns (transfer full) (nullable): a subscriber, which answers the invocation. On failure the caller must answer
 * the invocation. Takes exported (transfer full), and a reference to session, one of the exporter's. Fails with
 * FERRY_ERROR_UNKNOWN_MEMBER and FERRY_ERROR_NOT_ALLOWED. */
FerryPacedSender *ferry_subscriber_new (FerryInvocation *invocation, FerryExported *exported,
                                        const FerryFollowRequest *request, gpointer session, GError **error);
/* Connects signal handlers to the object, and queues its first values. Must be called once. */
void ferry_subscriber_begin (FerryPacedSender *subscription);
/* Whether the subscription is of that object, and was requested by the object's name. */
gboolean ferry_subscriber_has_by_name (FerryPacedSender *subscription, FerryExported *exported);

G_END_DECLS
