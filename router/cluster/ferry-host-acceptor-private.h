/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the packets of applications become sessions of a host's service. The router's thread. */

#pragma once

#include "cluster/ferry-host-service-private.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

/* The most sessions of one user, and how many bytes of unfinished messages they may have at the host together. */
#define FERRY_HOST_MAX_USER_SESSIONS 1000
#define FERRY_HOST_MAX_USER_UNFINISHED ((guint64) 256 * 1024 * 1024)

typedef struct _FerryHostAcceptor FerryHostAcceptor;

/* Sets wire and data to what carries packets to an application, as ferry_bus_make_wire() does. */
typedef void (*FerryHostWireFunc) (gpointer bus, const char *user, const char *id, FerryWire *wire, gpointer *data);

/* timeout: how long an application may be silent, in microseconds. */
FerryHostAcceptor *ferry_host_acceptor_new (FerryHostService *service, FerryRouter *router, gint64 timeout,
                                            FerryHostWireFunc make_wire, gpointer bus);
/* Ends the sessions now, also those that the service has closed. */
void ferry_host_acceptor_free (FerryHostAcceptor *self);

/* An application looks for hosts, and says its versions. One that does not fit is told of in the log: it opens no
 * session. */
void ferry_host_acceptor_hear (FerryHostAcceptor *self, const char *user, const char *id, GVariant *hello);
/* A packet has come from an application. max_packet: the largest one that can be sent, in bytes. */
void ferry_host_acceptor_take (FerryHostAcceptor *self, const char *user, const char *id, GBytes *packet,
                               gsize max_packet);
/* There is a connection again, or it carries other packets than before: max_packet as above. */
void ferry_host_acceptor_reconnected (FerryHostAcceptor *self, gsize max_packet);
/* For tests. */
guint ferry_host_acceptor_get_n_sessions (FerryHostAcceptor *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryHostAcceptor, ferry_host_acceptor_free)

G_END_DECLS
