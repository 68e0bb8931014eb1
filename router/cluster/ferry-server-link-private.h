/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* One connection to a NATS server: subscriptions, and messages in both directions.
 *
 * Without TLS, a thread of the link reads the socket and calls handlers.came. A sending thread writes to the socket as
 * much as it takes. Nothing waits, and a message changes threads once at each end. With TLS, the NATS library has a
 * thread for each of these, and sending may wait.
 *
 * Owner:   its maker.
 * Threads: its owner's, which may wait, unless a function says another.
 * Trust:   the server is not trusted. */

#pragma once

#include <nats/nats.h>

#include "cluster/ferry-server-access-private.h"

G_BEGIN_DECLS

typedef struct _FerryServerLink FerryServerLink;

/* Called with the closure of ferry_server_link_new(), on threads of the link or of the NATS library. This is any time
 * until ferry_server_link_free() returns; closed, failed and learned are called even later. */
typedef struct
{
  natsConnectionHandler closed;
  natsErrHandler failed;
  natsConnectionHandler learned; /* the server has told of another one */
  natsMsgHandler came;           /* must destroy the message */
  /* The link is clear again: what did not fit into the socket has been written. */
  void (*cleared) (gpointer closure);
} FerryServerLinkHandlers;

/* Connects, as ferry_server_access_connect() does. handlers: kept as it is. */
FerryServerLink *ferry_server_link_new (FerryServerAccess *access, const FerryServerLinkHandlers *handlers,
                                        gpointer closure, GError **error);
/* What was sent and is not written yet may be lost: flush before. */
void ferry_server_link_free (FerryServerLink *self);

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
