/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-handshake.c
 *
 * A packet of descriptors, as the worker takes it. The first byte says how many come along. */

#include "config.h"

#include <string.h>

#include "descriptor-array.h"
#include "fuzz-packet.h"
#include "wire/ferry-handshake-private.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const FuzzPacket packet = fuzz_packet_take_all (data, size);
  g_auto (FuzzSocket) socket = fuzz_socket_open ();
  g_autoptr (GArray) descriptors = descriptor_array_new ();
  gboolean complete = FALSE;
  FerryFdBatch hand;

  fuzz_packet_send (&packet, socket.application, socket.application);
  if (ferry_control_receive_fd_batch (socket.worker, &hand, descriptors, &complete))
    {
      fuzz_n_accepted++;
      g_assert_true (complete && hand.n_descriptors == packet.n_fds);
      g_assert_cmpmem (&hand, sizeof hand, packet.data, packet.size);
    }
  g_assert_cmpuint (descriptors->len, ==, packet.n_fds);
  return 0;
}
