/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An address that this process owns, with a socket that listens at it. */

#pragma once

#include "conversation/ferry-address-private.h"

G_BEGIN_DECLS

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
