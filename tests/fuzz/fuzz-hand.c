/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A packet of descriptors, as the worker takes it. The first byte says how many come along. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "fuzz.h"
#include "lane/ferry-hands-private.h"
#include "lane/ferry-handshake-private.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  GArray *descriptors = g_array_new (FALSE, FALSE, sizeof (int));
  ferry_autofd application = -1;
  ferry_autofd worker = -1;
  guint n_fds = size > 0 ? data[0] % 5 : 0;
  gboolean complete = FALSE;
  FerryHand packet;

  g_assert_true (ferry_control_socket_pair (&application, &worker, NULL));
  fuzz_send_packet (application, data + MIN (size, 1), MAX (size, 1) - 1, application, n_fds);
  if (ferry_control_receive_hand (worker, &packet, descriptors, &complete))
    g_assert_true (complete && packet.n_descriptors == n_fds && memcmp (&packet, data + 1, sizeof packet) == 0);
  g_assert_cmpuint (descriptors->len, ==, n_fds);
  ferry_descriptors_free (descriptors);
  return 0;
}
