/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* An address that this process owns, with a socket that listens there.
 *
 * Of a path: who owns it holds a lock on PATH.lock, in which its number is written. Under that lock it may remove a
 * socket that nobody listens at, and puts its own in place: it listens under another name first, so that whoever finds
 * a socket at the path can connect to it. At its end it removes both files, if they still are the ones that it made;
 * so it does at exit(), too. What a killed owner leaves behind is without a lock, and the next one takes it away.
 *
 * Of an abstract name: the kernel knows who has it.
 *
 * Owner:   who made it.
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
  pid_t pid;        /* const: a child that was forked removes nothing */
} FerryBinding;

/* FERRY_ERROR_ALREADY_RUNNING, FERRY_ERROR_BAD_ARGUMENTS,
 * FERRY_ERROR_NOT_ALLOWED and FERRY_ERROR_SYSTEM. */
FerryBinding *ferry_binding_new (const char *address, GError **error);
void ferry_binding_free (FerryBinding *self);
/* Lets every user connect; it is for whoever accepts to say no. */
void ferry_binding_open_to_all (FerryBinding *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryBinding, ferry_binding_free)

G_END_DECLS
