/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The address of a persistent worker, and which process is at the other end of it. */

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

G_END_DECLS
