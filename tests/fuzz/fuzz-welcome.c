/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-handshake.c, lane/ferry-segment.c
 *
 * A packet in place of the welcome, as the worker takes it, and its memory. The first byte: how many descriptors. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "fuzz-packet.h"
#include "lane/ferry-arena-private.h"
#include "lane/ferry-segment-private.h"
#include "wire/ferry-handshake-private.h"

static void
map (const FerryWelcome *welcome, int memory, int arena)
{
  g_autoptr (GError) error = NULL;
  FerrySegment segment;

  if (arena >= 0)
    ferry_arena_memory_check (arena, (guint64) welcome->arena_units * FERRY_ARENA_UNIT, NULL);
  ferry_segment_map (&segment, memory, welcome->up_capacity, welcome->n_cells, &error);
  if (error != NULL)
    return;
  fuzz_n_accepted++;
  segment.up_ring[2 * segment.up_capacity - 1] = segment.down_ring[2 * FERRY_DOWN_CAPACITY - 1] = 1;
  ferry_segment_clear (&segment);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const FuzzPacket packet = fuzz_packet_take_all (data, size);
  g_auto (FuzzSocket) socket = fuzz_socket_open ();
  g_autoptr (GError) error = NULL;
  FerrySegment segment;
  FerryWelcome welcome;
  ferry_autofd sealed = -1;
  ferry_autofd memory = -1;
  ferry_autofd doorbell = -1;
  ferry_autofd arena = -1;

  g_assert_true (ferry_segment_create (&segment, FERRY_MIN_LANE_CAPACITY, 0, &sealed, NULL));
  ferry_segment_clear (&segment);
  fuzz_packet_send (&packet, socket.application, sealed);
  if (ferry_control_receive_welcome (socket.worker, &welcome, &memory, &doorbell, &arena, &error))
    {
      g_assert_true (packet.n_fds == (welcome.arena_units > 0 ? 3 : 2) && memory >= 0 && doorbell >= 0 &&
                     error == NULL);
      g_assert_true ((arena >= 0) == (welcome.arena_units > 0));
      g_assert_cmpmem (&welcome, sizeof welcome, packet.data, packet.size);
      map (&welcome, memory, arena);
    }
  g_assert_true ((error != NULL) == (memory < 0) && (memory < 0) == (doorbell < 0));
  return 0;
}
