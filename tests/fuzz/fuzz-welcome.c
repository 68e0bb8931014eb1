/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A packet in place of the welcome, as the worker takes it, and the memory that comes with it. The first byte says how
 * many descriptors come along. */

#include "config.h"

#include <fcntl.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "fuzz.h"
#include "lane/ferry-handshake-private.h"
#include "lane/ferry-segment-private.h"

static void
map (const FerryWelcome *welcome, int memory)
{
  g_autoptr (GError) error = NULL;
  FerrySegment segment;

  if (ferry_segment_map (&segment, memory, welcome->up_capacity, welcome->n_cells, welcome->arena_size, &error))
    {
      segment.up_ring[2 * segment.up_capacity - 1] = segment.down_ring[2 * FERRY_DOWN_CAPACITY - 1] = 1;
      ferry_segment_clear (&segment);
      return;
    }
  g_assert_nonnull (error);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  FerrySegment segment;
  FerryWelcome welcome;
  ferry_autofd application = -1;
  ferry_autofd worker = -1;
  ferry_autofd sealed = -1;
  ferry_autofd memory = -1;
  ferry_autofd doorbell = -1;
  guint n_fds = size > 0 ? data[0] % 5 : 0;

  g_assert_true (ferry_segment_create (&segment, FERRY_MIN_LANE_CAPACITY, 0, 0, &sealed, NULL));
  ferry_segment_clear (&segment);
  g_assert_true (ferry_control_socket_pair (&application, &worker, NULL));
  fuzz_send_packet (application, data + MIN (size, 1), MAX (size, 1) - 1, sealed, n_fds);
  if (ferry_control_receive_welcome (worker, &welcome, &memory, &doorbell, &error))
    {
      g_assert_true (n_fds == 2 && memory >= 0 && doorbell >= 0 && error == NULL);
      g_assert_true (memcmp (&welcome, data + 1, sizeof welcome) == 0 && welcome.n_pipes <= FERRY_MAX_PIPES_PER_LINK);
      map (&welcome, memory);
    }
  else
    g_assert_true (error != NULL && memory < 0 && doorbell < 0);
  return 0;
}
