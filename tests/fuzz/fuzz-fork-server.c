/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-fork-server-packet.c
 *
 * Packets of a fork server's, as the application takes them. Whatever comes, no descriptor is left. */

#include "config.h"

#include <string.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "fuzz-packet.h"
#include "link/ferry-pidfd-private.h"
#include "wire/ferry-fork-server-packet-private.h"

static void
check_answer (const FerryForkServerAnswer *answer, const FuzzPacket *packet)
{
  fuzz_n_accepted++;
  g_assert_cmpuint (packet->n_fds, ==, answer->kind == FERRY_CONTROL_STARTED);
  g_assert_true ((answer->pidfd >= 0) == (packet->n_fds == 1));
  if (answer->kind == FERRY_CONTROL_FAILED)
    g_assert_cmpuint (sizeof (FerryForkServerPacket) + strlen (answer->text), <, packet->size);
  else if (answer->pidfd >= 0)
    ferry_pidfd_is_child (answer->pidfd, (GPid) answer->pid, 1);
  else
    g_assert_true (answer->code == CLD_EXITED ? answer->status <= 255 : answer->status > 0 && answer->status < 65);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  FuzzInput input = {data, size, 0};
  FuzzPacket packet;

  while (fuzz_packet_next (&packet, &input))
    {
      g_auto (FuzzSocket) socket = fuzz_socket_open ();
      g_autoptr (GError) error = NULL;
      FerryForkServerAnswer answer;
      FerryControlEvent event;

      fuzz_packet_send (&packet, socket.worker, socket.worker);
      event = ferry_fork_server_answer_receive (&answer, socket.application, &error);
      g_assert_true ((error != NULL) == (event == FERRY_CONTROL_INVALID));
      if (event == FERRY_CONTROL_TAKEN)
        check_answer (&answer, &packet);
      ferry_clear_fd (&answer.pidfd);
    }
  return 0;
}
