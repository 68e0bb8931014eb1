/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packets of a control socket: the handshake, and what follows it.
 *
 * The application puts the welcome and the link's descriptors into the socket before the worker starts. The worker
 * answers with one packet; in a sandbox, it sends one more before that. Later packets of a worker announce the memory
 * of one-shot buffers, with one descriptor each; other workers send none. Only the worker's reading of its welcome
 * waits. */

#pragma once

#include <glib.h>
#include <sys/types.h>

#include "lane/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_CONTROL_NOTHING,  /* no packet yet */
  FERRY_CONTROL_ATTACHED, /* a valid attach packet */
  FERRY_CONTROL_TAKEN,    /* a valid packet of another kind, which was handled */
  FERRY_CONTROL_CLOSED,   /* the worker's end is closed */
  FERRY_CONTROL_INVALID,  /* a packet that breaks the protocol; the error says how */
} FerryControlEvent;

gboolean ferry_control_socket_pair (int *application_fd, int *worker_fd, GError **error);
int ferry_control_send (int fd, FerryControlKind kind, gpointer packet, gsize size, const int *descriptors,
                        guint n_descriptors, int flags);
gboolean ferry_control_is (const FerryControlHeader *header, gsize size, FerryControlKind kind);
gboolean ferry_control_is_foreign (const FerryControlHeader *header, gsize size);
gboolean ferry_control_is_hung_up (int fd);
gssize ferry_control_receive_fixed (int fd, gpointer packet, gsize capacity, int *fds, guint n_fds,
                                    gboolean *truncated);
FerryControlEvent ferry_control_receive_packet (int fd, gpointer packet, gsize capacity, gsize *packet_size,
                                                GArray *descriptors, pid_t *sender, GError **error);
FerryControlEvent ferry_control_receive (int fd, gboolean attached, gsize segment_size, GArray *descriptors,
                                         GError **error);
FerryControlEvent ferry_control_receive_memory (int fd, FerryMemoryPacket *packet, GArray *descriptors, GError **error);
gboolean ferry_control_send_welcome (int fd, const FerryWelcome *welcome, int memory, int doorbell, GError **error);
int ferry_control_send_fd_batch (int fd, guint64 number, const int *descriptors, guint n_descriptors);

/* worker: the socket that its environment names, or -1. */
int ferry_control_find_fd (void);
/* worker: the same, once: no later look finds it, and no child inherits it. Fails with FERRY_ERROR_NOT_A_WORKER. */
int ferry_control_take_fd (GError **error);
gboolean ferry_control_receive_welcome (int fd, FerryWelcome *welcome, int *memory, int *doorbell, GError **error);
gboolean ferry_control_send_attach (int fd, gsize segment_size, GError **error);
int ferry_control_send_memory (int fd, guint64 number, int memory);
gboolean ferry_control_receive_fd_batch (int fd, FerryFdBatch *packet, GArray *descriptors, gboolean *complete);

G_END_DECLS
