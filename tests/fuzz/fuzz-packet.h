/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Packets on a control socket, as a fuzzer sends them. */

#pragma once

#include "fuzz.h"

G_BEGIN_DECLS

typedef struct
{
  gconstpointer data; /* (unowned) */
  gsize size;
  guint n_fds; /* at most 4 */
} FuzzPacket;

/* Takes the next one of an input, where each begins with its length and with how many descriptors come along. Returns
 * FALSE at the end of the input. */
gboolean fuzz_packet_next (FuzzPacket *self, FuzzInput *input);
/* Takes all of an input as one, but for its first byte: how many descriptors come along. */
FuzzPacket fuzz_packet_take_all (const guint8 *data, gsize size);
/* Sends it over a socket, with copies of fd. */
void fuzz_packet_send (const FuzzPacket *self, int socket, int fd);

/* Both ends of a control socket. */
typedef struct
{
  int application;
  int worker;
} FuzzSocket;

FuzzSocket fuzz_socket_open (void);
void fuzz_socket_close (FuzzSocket *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FuzzSocket, fuzz_socket_close)

G_END_DECLS
