/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The address of a persistent worker: a path, or a name in the abstract namespace, which is written with an "@" first.
 *
 * Threads: any. */

#pragma once

#include <gio/gio.h>
#include <sys/socket.h>
#include <sys/un.h>

G_BEGIN_DECLS

/* The suffix of an owner's socket while it takes the address. */
#define FERRY_ADDRESS_NEW_SUFFIX ".new"

typedef struct
{
  char *text; /* const: (owned): as messages show it; of a path, the absolute one */
  char *path; /* const: (owned) (nullable): NULL for an abstract name */
  struct sockaddr_un name;
  socklen_t size;
} FerryAddress;

/* FERRY_ERROR_BAD_ARGUMENTS. */
gboolean ferry_address_init (FerryAddress *self, const char *text, GError **error);
void ferry_address_clear (FerryAddress *self);

/* Connects, without waiting. Returns the socket, or -1 and errno: ENOENT and ECONNREFUSED without a listener. */
int ferry_address_connect (const FerryAddress *self);
/* The process at the other end of a socket, from the kernel. */
gboolean ferry_address_get_peer (int fd, struct ucred *peer, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FerryAddress, ferry_address_clear)

G_END_DECLS
