/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A descriptor port: the descriptors that two processes send each other beside their messages, through a pair of
 * sockets of their own. Any thread. */

#pragma once

#include <glib.h>
#include <pthread.h>

G_BEGIN_DECLS

/* Passes a copy of a socket to the other end, so that it arrives there before later messages. Fails with
 * FERRY_ERROR_NOT_STARTED while there is no other end, and with other errors. */
typedef gboolean (*FerryPassSocketFunc) (gpointer data, int socket, GError **error);

typedef struct
{
  FerryPassSocketFunc pass; /* const: (nullable): NULL where this end can pass no sockets */
  gpointer pass_data;       /* const */
  gboolean both_ways;       /* const: a socket that is passed serves both directions */

  pthread_mutex_t lock;
  int receiving;         /* lock, as all fields below: (owned): -1 for none */
  gboolean is_over;      /* a packet had several descriptors, and no more packets are taken */
  guint max;             /* how many descriptors may wait here */
  gint n_came;           /* how many packets were taken from the socket: the next handle */
  GHashTable *there;     /* (owned): from the handles of packets to their descriptors, which the port owns */
  gboolean short_of_fds; /* the other end has passed a socket, and this process had too many files open */
  int sending;           /* (owned): -1 before the first descriptor, and after the end; of a task's port the worker's
                           socket, until it is sent */
  gint n_sent;
  gboolean ended;
} FerryDescriptorPort;

/* max: how many descriptors may wait here, at most FERRY_MAX_FDS_PER_LINK. */
void ferry_descriptor_port_init (FerryDescriptorPort *self, guint max);
void ferry_descriptor_port_clear (FerryDescriptorPort *self);

guint ferry_descriptor_port_get_max (FerryDescriptorPort *self);
void ferry_descriptor_port_set_max (FerryDescriptorPort *self, guint max);
/* Makes a pair of sockets and passes one of them, unless that is done already. */
gboolean ferry_descriptor_port_open (FerryDescriptorPort *self, GError **error);
/* Takes a socket that the other end has passed, or -1 for one that did not come. Returns FALSE for a further one, which
 * is dropped. */
gboolean ferry_descriptor_port_join (FerryDescriptorPort *self, int socket);

/* For a task's port: returns the worker's socket for the next attempt, which stays the port's, or -1 with
 * FERRY_ERROR_SYSTEM. What came of an earlier attempt is dropped. */
int ferry_descriptor_port_begin_attempt (FerryDescriptorPort *self, GError **error);
/* The worker's socket was sent to a worker. The next attempt gets another one. */
void ferry_descriptor_port_note_sent (FerryDescriptorPort *self);
/* worker: returns how many descriptors may be sent through a task's socket, or 0 with FERRY_ERROR_PROTOCOL. */
guint ferry_descriptor_port_read_max (int fd, GError **error);

/* Returns the handle, or -1 with an error. */
gint ferry_descriptor_port_send (FerryDescriptorPort *self, int fd, GError **error);
/* Sends a copy of a descriptor through a socket. Does not wait. Fails with FERRY_ERROR_CLOSED, FERRY_ERROR_WOULD_BLOCK
 * and FERRY_ERROR_SYSTEM. closed: the message of the first of these. */
gboolean ferry_descriptor_send (int socket, int fd, const char *closed, GError **error);
/* Returns (transfer full) a copy of a descriptor, or -1 with an error. sender: the subject of an error's message, such
 * as "The other end". */
int ferry_descriptor_port_dup (FerryDescriptorPort *self, gint handle, const char *sender, GError **error);
/* Returns (transfer full) the descriptor itself, which the port has no longer, or -1 with an error. check (nullable):
 * fails for a descriptor that is not wanted, which stays in the port. */
int ferry_descriptor_port_take (FerryDescriptorPort *self, gint handle, const char *sender,
                                gboolean (*check) (int fd, GError **error), GError **error);
/* For a task's port, whose function has ended: closes its socket, if nothing is in it and nothing has come. all: drops
 * what has come, too. */
void ferry_descriptor_port_end_attempt (FerryDescriptorPort *self, gboolean all);
/* Sends and receives no more. What came can still be taken. */
void ferry_descriptor_port_end (FerryDescriptorPort *self);

G_END_DECLS
