/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The connection of an application, or of a host, to the NATS servers: which hosts are there, and the packets of
 * sessions. The router's thread, which never waits here. */

#pragma once

#include <nats/nats.h>

#include "cluster/ferry-cluster-state.h"
#include "cluster/ferry-session-private.h"
#include "route/ferry-router.h"

G_BEGIN_DECLS

/* ---- Access: ferry-server-access.c ---- */

/* What an application or a host sets. All texts are (nullable), except url and application. */
typedef struct
{
  const char *url;         /* “nats://HOST:PORT” or “tls://HOST:PORT”; or several, with commas between them */
  const char *application; /* a token: hosts serve one application */
  const char *user;        /* of the subjects, a token; NULL: the first user of a URL, or else “user” */
  const char *password;    /* of that user. A URL's is that of the URL's user, whichever user the subjects are of */
  const char *credentials_file; /* what 'nsc' makes: a token of the user, and a seed */
  const char *nkey_seed_file;   /* a line with a seed */
  const char *tls_ca_file;      /* certificates of the signers of the servers' certificates. Switches TLS on */
  const char *name;             /* of the connection, for the server's monitoring */
  const char *host;             /* a token: the host's name; NULL at an application's end */
} FerryBusSettings;

typedef struct _FerryServerAccess FerryServerAccess;

/* Returns (transfer full) the access, or NULL. Fails with FERRY_ERROR_BAD_ARGUMENTS for settings that can never work.
 * Files are not read yet. */
FerryServerAccess *ferry_server_access_new (const FerryBusSettings *settings, GError **error);
void ferry_server_access_free (FerryServerAccess *self);
/* Returns the user of the subjects, a token. */
const char *ferry_server_access_get_user (const FerryServerAccess *self);

/* Called with a closure, on threads of the link or of the NATS library. This is any time until ferry_server_link_free()
 * returns; closed, failed and learned are called even later. */
typedef struct
{
  natsConnectionHandler closed; /* at most once */
  natsErrHandler failed;
  natsConnectionHandler learned; /* the server has told of another one */
  natsMsgHandler came;           /* must destroy the message */
  /* The link is clear again: what did not fit into the socket has been written. */
  void (*cleared) (gpointer closure);
} FerryServerHandlers;

typedef struct _FerryServerLink FerryServerLink;

/* Connects a link to one server, and waits for that, for some seconds at most. If there are several, each call takes
 * the next. Returns (transfer full) the connection, or NULL. Fails with FERRY_ERROR_NOT_LISTENING,
 * FERRY_ERROR_NOT_ALLOWED, FERRY_ERROR_BAD_ARGUMENTS (for a file) and FERRY_ERROR_SYSTEM. */
natsConnection *ferry_server_access_connect (FerryServerAccess *self, const FerryServerHandlers *handlers,
                                             gpointer closure, FerryServerLink *link, GError **error);
/* Notes that the server that was tried last has TLS, though it was connected to without. */
void ferry_server_access_note_tls (FerryServerAccess *self);
/* Whether the server that was tried last says that it lets anybody in, and listens for other machines. Asks it once,
 * and waits for that, for some seconds at most. */
gboolean ferry_server_access_is_exposed (FerryServerAccess *self);
/* Returns (transfer none) the address of the server that was tried last, without a user. */
const char *ferry_server_access_get_address (const FerryServerAccess *self);
/* Returns what the library says of its latest failure on this thread. */
const char *ferry_server_access_describe (natsStatus status);
/* Takes over which other servers the connected one knows of. */
void ferry_server_access_learn (FerryServerAccess *self, natsConnection *connection);
/* Whether more than one server is known. */
gboolean ferry_server_access_has_several (const FerryServerAccess *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryServerAccess, ferry_server_access_free)

/* ---- A link: ferry-server-link.c. Its owner's thread, which may wait, unless a function says another ---- */

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

/* ---- The bus ---- */

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
/* Tells it once more, at once. */
void ferry_bus_repeat_presence (FerryBus *self);

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
