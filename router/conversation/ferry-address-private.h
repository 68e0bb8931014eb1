/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The address of a persistent worker, and the process that owns it. An address is a path, or "@" and a name in the
 * abstract namespace of sockets.
 *
 * Threads: any. */

#pragma once

#include <gio/gio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

G_BEGIN_DECLS

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

G_END_DECLS
