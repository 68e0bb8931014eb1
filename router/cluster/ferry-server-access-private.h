/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The servers of an application or of a host, with what they ask for: addresses, users, files. The thread of its owner,
 * which may wait. */

#pragma once

#include <glib.h>
#include <nats/nats.h>

G_BEGIN_DECLS

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
/* Sets what subjects of answers begin with. Without that, nothing is asked that is answered. */
void ferry_server_access_set_inbox (FerryServerAccess *self, const char *inbox);
/* Returns the user of the subjects, a token. */
const char *ferry_server_access_get_user (const FerryServerAccess *self);

/* Called with a closure, on threads of the link or of the NATS library. This is any time until ferry_server_link_free()
 * returns; closed, failed and learned are called even later. */
typedef struct
{
  natsConnectionHandler closed; /* at most once */
  natsErrHandler failed;
  natsConnectionHandler learned; /* the server has told of another one */
  natsMsgHandler came;           /* for the library: must destroy the message */
  /* For the link's thread, which destroys the message. */
  void (*take) (natsMsg *message, gpointer closure);
  /* The link is clear again: what did not fit into the socket has been written. */
  void (*cleared) (gpointer closure);
} FerryServerHandlers;

typedef struct _FerryServerLink FerryServerLink;

/* Connects a link (nullable) to one server, and waits for that, for some seconds at most. Without a link, the library
 * has threads for the connection, and handlers is NULL. If there are several servers, each call takes the next. Returns
 * (transfer full) the connection, or NULL. Fails with FERRY_ERROR_NOT_LISTENING, FERRY_ERROR_NOT_ALLOWED,
 * FERRY_ERROR_BAD_ARGUMENTS (for a file) and FERRY_ERROR_SYSTEM. */
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

G_END_DECLS
