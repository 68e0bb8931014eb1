/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The handshake over the control socket, and what follows it there.
 *
 * The application's welcome lies in the socket before the worker is started, with the descriptors of their link. The
 * worker answers with one packet, and in a sandbox with one before it. That is the last it may send, unless a sender of
 * its has one-shot buffers: then it offers their memory, one descriptor in each packet. No call here waits, except for
 * the worker's own reading of its welcome. */

#pragma once

#include <glib.h>
#include <sys/types.h>

#include "lane/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_CONTROL_NOTHING,  /* no packet yet */
  FERRY_CONTROL_ATTACHED, /* a valid attach packet */
  FERRY_CONTROL_TAKEN,    /* a valid packet of a fork server's, which was done */
  FERRY_CONTROL_CLOSED,   /* the worker's end is closed */
  FERRY_CONTROL_INVALID,  /* a packet that breaks the protocol; the error says how */
} FerryControlEvent;

gboolean ferry_control_socket_pair (int *application_fd, int *worker_fd, GError **error);
gboolean ferry_control_send_welcome (int fd, const FerryWelcome *welcome, int memory, int doorbell, GError **error);
gboolean ferry_control_is_hung_up (int fd);
gboolean ferry_control_is_foreign (const FerryControlHeader *header, gsize size);
FerryControlEvent ferry_control_receive_packet (int fd, gpointer packet, gsize capacity, gsize *packet_size,
                                                GArray *descriptors, pid_t *sender, GError **error);
FerryControlEvent ferry_control_receive (int fd, gboolean attached, gsize segment_size, GArray *descriptors,
                                         GError **error);
FerryControlEvent ferry_control_receive_memory (int fd, FerryMemoryPacket *packet, GArray *descriptors, GError **error);

/* worker: the socket that its environment names, or -1; it is left where it is. */
int ferry_control_find_fd (void);
/* worker: the same for good: no second look finds it, and no child inherits it. Fails with FERRY_ERROR_NOT_A_WORKER. */
int ferry_control_take_fd (GError **error);
gboolean ferry_control_receive_welcome (int fd, FerryWelcome *welcome, int *memory, int *doorbell, GError **error);
gboolean ferry_control_send_attach (int fd, gsize segment_size, GError **error);
int ferry_control_send_memory (int fd, guint64 number, int memory);

int ferry_control_send_fd_batch (int fd, guint64 number, const int *descriptors, guint n_descriptors);
gboolean ferry_control_receive_fd_batch (int fd, FerryFdBatch *packet, GArray *descriptors, gboolean *complete);

G_END_DECLS
