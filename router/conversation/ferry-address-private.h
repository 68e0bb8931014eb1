/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How the two ends of a persistent worker meet: its address, who owns that, and the handshake there. */

#pragma once

#include <gio/gio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "call/ferry-transport.h"

G_BEGIN_DECLS

/* The address of a persistent worker, and the process that owns it. An address is a path, or "@" and a name in the
 * abstract namespace of sockets.
 *
 * Threads: any. */

/* The suffix of the temporary path at which a new owner binds its socket, before it moves the socket to the address. */
#define FERRY_ADDRESS_NEW_SUFFIX ".new"

typedef struct
{
  char *text; /* const: (owned): the address as messages show it; a path is made absolute */
  char *path; /* const: (owned) (nullable): NULL for an abstract name */
  struct sockaddr_un name;
  socklen_t size;
} FerryAddress;

/* Sets self from text. Fails with FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_address_init (FerryAddress *self, const char *text, GError **error);
void ferry_address_clear (FerryAddress *self);

/* Connects without blocking. Returns the socket, or -1 with errno set: ENOENT or ECONNREFUSED if no process listens
 * at the address. */
int ferry_address_connect (const FerryAddress *self);
/* Sets peer to the process id and the user of the process at the other end of a socket, as the kernel reports them. */
gboolean ferry_address_get_peer (int fd, struct ucred *peer, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryAddress, ferry_address_clear)

/* ---- an owner ----
 *
 * An address that this process owns, with a socket that listens at it.
 *
 * For a path, the owner holds a lock on the file PATH.lock, which contains its process id. While it holds the lock, the
 * owner may remove a socket at the path if no process listens on it. It may also move its own socket to the path. That
 * socket listens at another path before it is moved, so a socket at the address always accepts connections. The owner
 * removes both files in ferry_bound_address_free() and at exit(), unless another process has replaced them. If an owner
 * is killed, its files stay without a lock, and the next owner removes them.
 *
 * For an abstract name, the kernel knows the owner.
 *
 * Owner:   the caller of ferry_bound_address_new().
 * Threads: one at a time, except for the removal at exit(). */

typedef struct
{
  FerryAddress address;
  int fd;           /* const: (owned): the socket that listens; non-blocking */
  int lock_fd;      /* const: (owned): -1 for an abstract name */
  char *lock_path;  /* const: (owned) (nullable) */
  struct stat made; /* the device and inode of the socket file at the path */
  pid_t pid;        /* const: the process that made the bound address; a forked child removes no files */
} FerryBoundAddress;

/* Returns (transfer full) (nullable) a bound address of address. Fails with FERRY_ERROR_ALREADY_RUNNING,
 * FERRY_ERROR_BAD_ARGUMENTS, FERRY_ERROR_NOT_ALLOWED and FERRY_ERROR_SYSTEM. */
FerryBoundAddress *ferry_bound_address_new (const char *address, GError **error);
void ferry_bound_address_free (FerryBoundAddress *self);
/* Allows every user to connect to the socket. The acceptor must then check the user of each connection. */
void ferry_bound_address_open_to_all (FerryBoundAddress *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryBoundAddress, ferry_bound_address_free)

/* The handshake at an address, before the stream of a transport begins there. The application sends a greeting, as a
 * stream begins with one. The listener answers with a greeting and one frame: an answer, which is the welcome, or an
 * error, the reason why the application is refused.
 *
 * Threads: any.
 * Trust:   neither end trusts the other one. */

/* The longest answer that is taken, in bytes. */
#define FERRY_HELLO_MAX_ANSWER 4096

/* These send an answer, without waiting. code: FERRY_ERROR_BUSY, FERRY_ERROR_NOT_ALLOWED or FERRY_ERROR_VERSION. */
gboolean ferry_hello_welcome (int fd);
void ferry_hello_refuse (int fd, int code, const char *why);
/* Reads the message of an answer's frame. Returns FALSE with the reason if the listener refuses; a code other than the
 * three above becomes FERRY_ERROR_REFUSED. Fails with FERRY_ERROR_PROTOCOL. */
gboolean ferry_hello_read_answer (gconstpointer message, gsize size, const char *address, GError **error);

/* Makes the transport, after the welcome, at either end. Takes the socket and sets fd to -1, unless GIO refuses it. */
FerryTransport *ferry_hello_make_transport (int *fd, GError **error);

G_END_DECLS
