/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An address that this process owns, with a socket that listens there.
 *
 * For a path, the owner holds a lock on the file PATH.lock, which contains its process id. With the lock held, it may
 * remove a socket without a listener, and puts its own in place. It listens under another name first, so a socket at
 * the path can always be connected to. At its end, and at exit(), it removes both files where they are still its own.
 * The files of a killed owner are not locked, and the next owner removes them.
 *
 * For an abstract name, the kernel knows the owner.
 *
 * Owner:   the caller of ferry_binding_new().
 * Threads: one at a time, but for exit(). */

#pragma once

#include <sys/stat.h>

#include "call/ferry-address-private.h"

G_BEGIN_DECLS

typedef struct
{
  FerryAddress address;
  int fd;           /* const: (owned): listens, and does not block */
  int lock_fd;      /* const: (owned): -1 for an abstract name */
  char *lock_path;  /* const: (owned) (nullable) */
  struct stat made; /* the socket that was put in place */
  pid_t pid;        /* const: a forked child removes nothing */
} FerryBinding;

/* FERRY_ERROR_ALREADY_RUNNING, FERRY_ERROR_BAD_ARGUMENTS,
 * FERRY_ERROR_NOT_ALLOWED and FERRY_ERROR_SYSTEM. */
FerryBinding *ferry_binding_new (const char *address, GError **error);
void ferry_binding_free (FerryBinding *self);
/* Lets every user connect. The acceptor then decides about each connection. */
void ferry_binding_open_to_all (FerryBinding *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryBinding, ferry_binding_free)

G_END_DECLS
