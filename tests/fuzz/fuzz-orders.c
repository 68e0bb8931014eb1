/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-fork-server-packet.c
 *
 * Packets of an application's, as a fork server takes them. Whatever comes, no descriptor is left. */

#include "config.h"

#include <string.h>

#include "fuzz-packet.h"
#include "wire/ferry-fork-server-packet-private.h"

static void
check_order (const FerryStartOrder *order, const FuzzPacket *packet)
{
  fuzz_n_accepted++;
  g_assert_true (order->control >= 0 && packet->n_fds >= 1);
  g_assert_true ((order->attributes != NULL) == (order->attributes_size > 0));
  g_assert_cmpuint (order->attributes_size + strlen (order->name) + strlen (order->cwd), <, packet->size);
  for (char **place = order->environment; place != NULL && *place != NULL; place++)
    g_assert_cmpuint (strlen (*place), <, packet->size);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static guint8 buffer[FERRY_MAX_PACKET_SIZE];
  FuzzInput input = {data, size, 0};
  FuzzPacket packet;

  while (fuzz_packet_next (&packet, &input))
    {
      g_auto (FuzzSocket) socket = fuzz_socket_open ();
      g_autoptr (GError) error = NULL;
      FerryStartOrder order;
      FerryControlEvent event;

      fuzz_packet_send (&packet, socket.application, socket.application);
      event = ferry_start_order_receive (&order, socket.worker, buffer, &error);
      g_assert_true ((error != NULL) == (event == FERRY_CONTROL_INVALID));
      if (event == FERRY_CONTROL_TAKEN)
        check_order (&order, &packet);
      ferry_start_order_clear (&order);
    }
  return 0;
}
