/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-handshake.c, engine/ferry-shared-queue.c
 *
 * Packets of a worker's on the control socket, as the application takes them. */

#include "config.h"

#include "descriptor-array.h"
#include "fuzz-packet.h"
#include "wire/ferry-handshake-private.h"

#define SEGMENT_SIZE 208896
#define CHECKED_SIZE offsetof (FerryAttach, worker_pid)

static FerryControlEvent
receive (int fd, gboolean attached, const FuzzPacket *packet)
{
  g_autoptr (GArray) descriptors = descriptor_array_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryCrashPacket) crash = NULL;
  FerryControlEvent event = attached ? ferry_control_receive_later (fd, &crash, descriptors, &error)
                                     : ferry_control_receive (fd, SEGMENT_SIZE, descriptors, &error);
  const FerryAttach attach = {
    .header = {.magic = FERRY_PROTOCOL_MAGIC, .kind = FERRY_CONTROL_ATTACH, .version = FERRY_PROTOCOL_VERSION},
    .segment_size = SEGMENT_SIZE};

  g_assert_true (descriptors->len == packet->n_fds && (error != NULL) == (event == FERRY_CONTROL_INVALID));
  /* The other end is open. */
  g_assert_cmpint (event, !=, FERRY_CONTROL_CLOSED);
  if (event != FERRY_CONTROL_ATTACHED)
    return event;
  fuzz_n_accepted++;
  g_assert_true (!attached && packet->n_fds == 0 && packet->size == sizeof attach);
  g_assert_cmpmem (packet->data, CHECKED_SIZE, &attach, CHECKED_SIZE);
  return event;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_auto (FuzzSocket) socket = fuzz_socket_open ();
  FuzzInput input = {data, size, 0};
  FuzzPacket packet;
  FerryControlEvent event = FERRY_CONTROL_ATTACHED;

  for (gboolean attached = FALSE; event == FERRY_CONTROL_ATTACHED && fuzz_packet_next (&packet, &input);
       attached = TRUE)
    {
      fuzz_packet_send (&packet, socket.worker, socket.worker);
      event = receive (socket.application, attached, &packet);
    }
  return 0;
}
