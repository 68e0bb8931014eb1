/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An address that this process owns, with a socket that listens at it.
 *
 * For a path, the owner holds a lock on the file PATH.lock, which contains its process id. While it holds the lock, the
 * owner may remove a socket at the path if no process listens on it. It may also move its own socket to the path. That
 * socket listens at another path before it is moved, so a socket at the address always accepts connections. The owner
 * removes both files in ferry_binding_free() and at exit(), unless another process has replaced them. If an owner is
 * killed, its files stay without a lock, and the next owner removes them.
 *
 * For an abstract name, the kernel knows the owner.
 *
 * Owner:   the caller of ferry_binding_new().
 * Threads: one at a time, except for the removal at exit(). */

#pragma once

#include <sys/stat.h>

#include "conversation/ferry-address-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryAddress address;
  int fd;           /* const: (owned): the socket that listens; non-blocking */
  int lock_fd;      /* const: (owned): -1 for an abstract name */
  char *lock_path;  /* const: (owned) (nullable) */
  struct stat made; /* the device and inode of the socket file at the path */
  pid_t pid;        /* const: the process that made the binding; a forked child removes no files */
} FerryBinding;

/* Returns (transfer full) (nullable) a binding of address. Fails with FERRY_ERROR_ALREADY_RUNNING,
 * FERRY_ERROR_BAD_ARGUMENTS, FERRY_ERROR_NOT_ALLOWED and FERRY_ERROR_SYSTEM. */
FerryBinding *ferry_binding_new (const char *address, GError **error);
void ferry_binding_free (FerryBinding *self);
/* Allows every user to connect to the socket. The acceptor must then check the user of each connection. */
void ferry_binding_open_to_all (FerryBinding *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryBinding, ferry_binding_free)

G_END_DECLS
