/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-pending-memory.c
 *
 * Descriptors that a worker hands over, and the records that say so. Three bytes of the input are a step: a packet that
 * is well formed, another packet, a look at the socket, or a record. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "fuzz-packet.h"
#include "link/ferry-pending-memory-private.h"

static gboolean
is_good (FerryPendingMemory *pending_memory, int socket, guint64 number, gsize size)
{
  ferry_autofd fd = -1;

  if (ferry_pending_memory_take (pending_memory, socket, number, &fd) != NULL || !fuzz_memory_map (fd, size))
    return FALSE;
  g_assert_cmpuint (number, ==, pending_memory->n_taken);
  return TRUE;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FerryMemoryPacket packet = {{FERRY_PROTOCOL_MAGIC, FERRY_CONTROL_MEMORY, FERRY_PROTOCOL_VERSION}, 0};
  FerryPendingMemory *pending_memory = ferry_pending_memory_new ();
  g_auto (FuzzSocket) socket = fuzz_socket_open ();
  gboolean good = TRUE;

  for (gsize at = 0; at + 3 <= MIN (size, FUZZ_MAX_PACKETS * 3) && good; at += 3)
    {
      const guint8 *step = data + at;
      const guint n_fds = step[2] / 2 % 5;
      const FuzzPacket packets[] = {{&packet, sizeof packet, n_fds}, {step, MIN (step[1], size - at), n_fds}};

      packet.number = step[1];
      if (step[0] % 4 < 2)
        fuzz_packet_send (&packets[step[0] % 4], socket.worker, fuzz_memory_get (step[2] & 1));
      else if (step[0] % 4 == 2)
        good = ferry_pending_memory_receive (pending_memory, socket.application, NULL) <= FERRY_CONTROL_TAKEN;
      else
        good = is_good (pending_memory, socket.application, step[1], step[2] % 4 * FUZZ_MEMORY_SIZE / 2);
      g_assert_cmpuint (pending_memory->descriptors->len, <=, FERRY_MAX_PENDING_MEMORIES_PER_LINK);
    }
  fuzz_close_all (pending_memory->descriptors);
  fuzz_close_all (pending_memory->orphans);
  ferry_pending_memory_free (pending_memory);
  return 0;
}
