/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The packets of a control socket: the handshake, and the packets after it. */

#pragma once

#include <glib.h>
#include <sys/types.h>

#include "wire/ferry-crash-packet-private.h"
#include "wire/ferry-lane-layout.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_CONTROL_NOTHING,  /* the socket has no packet */
  FERRY_CONTROL_ATTACHED, /* a valid attach packet */
  FERRY_CONTROL_TAKEN,    /* a valid packet of another kind, which was handled */
  FERRY_CONTROL_CLOSED,   /* the worker's end is closed */
  /* a packet that breaks the protocol; the GError says how. FERRY_ERROR_NOT_A_WORKER: the process says that it is no
   * worker */
  FERRY_CONTROL_INVALID,
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
FerryControlEvent ferry_control_receive (int fd, gsize segment_size, GArray *descriptors, GError **error);
FerryControlEvent ferry_control_receive_later (int fd, FerryCrashPacket **crash, GArray *descriptors, GError **error);
gboolean ferry_control_send_welcome (int fd, const FerryWelcome *welcome, int memory, int doorbell, int arena,
                                     GError **error);
int ferry_control_send_fd_batch (int fd, guint64 number, const int *descriptors, guint n_descriptors);

/* worker: returns the control socket that the environment variable names, or -1. */
int ferry_control_find_fd (void);
/* worker: whether the environment variable is there, whatever it names. */
gboolean ferry_control_is_named (void);
/* worker: whether fd is a control socket that this process inherited from its start, with a welcome that it has not
 * read. This needs no environment. */
gboolean ferry_control_has_welcome (int fd);
/* worker: returns the control socket as ferry_control_find_fd() does, and removes the environment variable, so that a
 * second call fails. No child process inherits the socket. Fails with FERRY_ERROR_NOT_A_WORKER. */
int ferry_control_take_fd (GError **error);
/* worker: checks that fd is a control socket with a welcome that was not taken. Fails with FERRY_ERROR_BAD_ARGUMENTS
 * for another descriptor, and with FERRY_ERROR_CLOSED where the welcome was taken, or the link has ended. */
gboolean ferry_control_check_welcome (int fd, GError **error);
gboolean ferry_control_receive_welcome (int fd, FerryWelcome *welcome, int *memory, int *doorbell, int *arena,
                                        GError **error);
gboolean ferry_control_send_attach (int fd, gsize segment_size, GError **error);
void ferry_control_send_word (int fd, FerryControlKind kind);
int ferry_control_send_descriptor (int fd, int descriptor);
gboolean ferry_control_receive_fd_batch (int fd, FerryFdBatch *packet, GArray *descriptors, gboolean *complete);

G_END_DECLS
