/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An exporter, as its subscribers, proxies of its own process and tests see it. */

#pragma once

#include "object/ferry-exported-private.h"
#include "object/ferry-paced-sender-private.h"

G_BEGIN_DECLS

/* Returns (transfer full) (nullable): the object that is exported by that name. Fails with
 * FERRY_ERROR_UNKNOWN_OBJECT. */
FerryExported *ferry_exporter_find (FerryExporter *self, const char *name, GError **error);
/* Returns (transfer none) (nullable): the main context on which methods are called; NULL: on threads. */
GMainContext *ferry_exporter_get_context (FerryExporter *self);
/* Returns when all methods have returned that were called for that session, one of ferry_exporter_list_sessions(), and
 * its transport has ended. Not in a method. */
void ferry_exporter_wait_for_methods (gpointer session);
/* Removes an exporter from all transports, and unexports all objects. Must be called on the thread that answers
 * requests, if there is one. All objects of which only the exporter has references are freed on this thread, also when
 * another thread ends a transport meanwhile. */
void ferry_exporter_leave (FerryExporter *self);
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

/* any: a subscription has ended. Called once, or twice if it ended before ferry_subscriber_begin(). session: the one of
 * ferry_subscriber_new(). */
void ferry_exporter_forget_subscription (gpointer session, FerryPacedSender *subscription);

G_END_DECLS
