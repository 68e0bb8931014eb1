/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A transport's port for descriptors: a descriptor box for what comes, and a socket for what is sent.
 *
 * An end makes a pair of sockets when it first sends a descriptor, keeps one of them, and passes the other one to the
 * other end as its kind of transport can. The worker's end of a link cannot pass any. So the application's end makes a
 * pair for both directions.
 *
 * Owner:   the transport, which embeds it.
 * Threads: any. The lock is held while a socket is passed to the other end. */

#pragma once

#include <pthread.h>

#include "link/ferry-descriptor-box-private.h"

G_BEGIN_DECLS

/* Passes a copy of a socket to the other end, so that it arrives there before later messages. Fails with
 * FERRY_ERROR_NOT_STARTED while there is no other end, and with other errors. */
typedef gboolean (*FerryPassSocketFunc) (gpointer data, int socket, GError **error);

typedef struct
{
  FerryDescriptorBox *box;  /* const: (owned) */
  FerryPassSocketFunc pass; /* const: (nullable): NULL where this end can pass no sockets */
  gpointer pass_data;       /* const */
  gboolean both_ways;       /* const: a socket that is passed serves both directions */

  pthread_mutex_t lock;
  int outbox;            /* lock: (owned): -1 before the first descriptor, and after the end */
  gint n_sent;           /* lock */
  gboolean short_of_fds; /* lock: the other end has passed a socket, and this process had too many files open */
  gboolean ended;        /* lock */
} FerryDescriptorPort;

void ferry_descriptor_port_init (FerryDescriptorPort *self);
void ferry_descriptor_port_clear (FerryDescriptorPort *self);
/* Makes a pair of sockets and passes one of them, unless that is done already. */
gboolean ferry_descriptor_port_open (FerryDescriptorPort *self, GError **error);
/* Takes a socket that the other end has passed, or -1 for one that did not come. Returns FALSE for a further one, which
 * is dropped. */
gboolean ferry_descriptor_port_join (FerryDescriptorPort *self, int socket);
/* Returns the handle, or -1 with an error. */
gint ferry_descriptor_port_send (FerryDescriptorPort *self, int fd, GError **error);
/* Returns (transfer full) a descriptor, or -1 with an error. */
int ferry_descriptor_port_take (FerryDescriptorPort *self, gint handle, GError **error);
/* Sends and receives no more. What came can still be taken. */
void ferry_descriptor_port_end (FerryDescriptorPort *self);

G_END_DECLS
