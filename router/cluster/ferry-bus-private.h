/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection of an application, or of a host, to the NATS servers: which hosts are there, and the packets of
 * sessions. The router's thread, which never waits here. */

#pragma once

#include <nats/nats.h>

#include "cluster/ferry-cluster-state.h"
#include "cluster/ferry-server-access-private.h"
#include "cluster/ferry-session-private.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

typedef struct _FerryBus FerryBus;

/* Called on the router's thread, never by a function of the bus. */
typedef struct
{
  /* The state or the error has changed. While it is connected, sessions must be told of that by
   * ferry_session_set_max_packet() and ferry_session_reconnected(), and else by ferry_session_disconnected(). */
  void (*changed) (gpointer data);
  /* (nullable): a host tells of itself. At a host's end: another host of the same name. facts: what it gave to
   * ferry_bus_set_presence(), in normal form, but of any type and content. */
  void (*present) (gpointer data, const char *host, const char *id, GVariant *facts);
  /* A packet of a session has come. peer and id are tokens. */
  void (*packet) (gpointer data, const char *peer, const char *id, GBytes *packet);
  /* (nullable): at a host's end: an application asks which hosts are there. versions: as facts. */
  void (*hello) (gpointer data, const char *user, const char *id, GVariant *versions);
} FerryBusFuncs;

/* Returns (transfer full) a bus, which connects until it is closed, again and again. funcs: kept as it is. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS and FERRY_ERROR_SYSTEM. */
FerryBus *ferry_bus_new (FerryRouter *router, const FerryBusSettings *settings, const FerryBusFuncs *funcs,
                         gpointer data, GError **error);
FerryBus *ferry_bus_ref (FerryBus *self);
void ferry_bus_unref (FerryBus *self);
/* No func is called from now on. What was sent before still goes out, for a moment at most. */
void ferry_bus_close (FerryBus *self);

FerryClusterState ferry_bus_get_state (FerryBus *self);
/* Returns (transfer none) (nullable) what is wrong, and what to do about it. This is why there is no connection or,
 * while there is one, what the server does not permit. */
const GError *ferry_bus_get_error (FerryBus *self);
/* Returns (transfer none) the user, a token. */
const char *ferry_bus_get_user (FerryBus *self);
/* Returns (transfer none) the random id of this bus, 16 hexadecimal digits. */
const char *ferry_bus_get_id (FerryBus *self);
/* Returns (transfer none) (nullable) the address of the server that it is connected to. */
const char *ferry_bus_get_address (FerryBus *self);
/* Whether that server lets anybody in, and listens for other machines. For a host. */
gboolean ferry_bus_is_exposed (FerryBus *self);
/* Returns the size in bytes of the largest packet that the server takes, as far as that is known. */
gsize ferry_bus_get_max_packet (FerryBus *self);

/* Asks which hosts are there. The bus does so itself at each connect. For an application. */
void ferry_bus_say_hello (FerryBus *self);
/* Tells the applications what this host can do: now, at each connect, and to each application that asks. For a host.
 * Sinks facts. */
void ferry_bus_set_presence (FerryBus *self, GVariant *facts);
/* Tells facts at once, and does not keep them. Sinks facts. */
void ferry_bus_tell_once (FerryBus *self, GVariant *facts);

/* Sets wire and data to what carries packets to a peer, for ferry_session_new(). data is freed by wire->free. peer and
 * id must be tokens. */
void ferry_bus_make_wire (FerryBus *self, const char *peer, const char *id, FerryWire *wire, gpointer *data);

typedef struct
{
  guint64 n_sent;
  guint64 n_received;
  guint64 n_unsent;   /* not sent: there was no connection, or no room, or the server refused the size */
  guint64 n_untaken;  /* dropped as they came: there was no room */
  guint64 n_foreign;  /* dropped as they came: the subject or the content is none of this protocol */
  guint64 n_connects; /* how often a server was reached */
} FerryBusCounts;

/* For tests. */
FerryBusCounts ferry_bus_get_counts (FerryBus *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryBus, ferry_bus_unref)

G_END_DECLS
