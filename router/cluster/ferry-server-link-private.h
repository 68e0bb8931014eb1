/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A connection to one server, whose socket is read and written without threads of the library. Its owner's thread,
 * which may wait, unless a function says another. */

#pragma once

#include "cluster/ferry-server-access-private.h"

G_BEGIN_DECLS

/* Connects, as ferry_server_access_connect() does. handlers: kept as it is. */
FerryServerLink *ferry_server_link_new (FerryServerAccess *access, const FerryServerHandlers *handlers,
                                        gpointer closure, GError **error);
/* What was sent and is not written yet may be lost: flush before. */
void ferry_server_link_free (FerryServerLink *self);

/* Lets the link read and write the socket of a connection, in place of threads of the library. Not for TLS. */
natsStatus ferry_server_link_join (FerryServerLink *self, natsOptions *options);
natsStatus ferry_server_link_subscribe (FerryServerLink *self, const char *subject);
/* Waits until the server has taken what was sent before, for at most so many milliseconds. */
natsStatus ferry_server_link_flush (FerryServerLink *self, gint64 timeout);

/* Any thread, one at a time. Where the link waits never, a message is kept until the socket takes it. So no other one
 * should be sent until the link is clear. */
natsStatus ferry_server_link_send (FerryServerLink *self, const char *subject, gconstpointer data, gsize size);
/* Any thread: whether all that was sent is written. */
gboolean ferry_server_link_is_clear (FerryServerLink *self);
/* Any thread: whether sending waits for nothing. */
gboolean ferry_server_link_waits_never (FerryServerLink *self);

/* Whether a flush has failed as the server has TLS, which was not known: ferry_server_access_note_tls() helps. */
gboolean ferry_server_link_has_tls (FerryServerLink *self);
/* Returns (transfer none) the connection. */
natsConnection *ferry_server_link_get_connection (FerryServerLink *self);

G_END_DECLS
