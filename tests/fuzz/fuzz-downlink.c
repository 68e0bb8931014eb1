/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes in a down lane or an express lane, as the worker reads them. The first byte says which (the lowest bit: the
 * express lane) and how much is published at a time (in units of 8 bytes; 0: all); with 255, the last eight bytes are
 * the tail of the down lane. Packets of descriptors lie in the control socket, of one, two, and so on. */

#include "config.h"

#include <fcntl.h>
#include <string.h>

#include "fuzz.h"
#include "lane/ferry-downlink-private.h"

#define WHOLE_WITH_TAIL 255
#define N_HANDS 4

static void
check_message (const FerryDownMessage *message)
{
  g_assert_cmpuint (message->size, <=, FUZZ_MAX_MESSAGE);
  g_assert_cmpuint ((guintptr) message->data % 8, ==, 0);
  /* Reads all of it, for what watches over memory to see. */
  g_free (g_memdup2 (message->data, message->size));
  for (guint i = 0; message->descriptors != NULL && i < message->descriptors->len; i++)
    g_assert_cmpint (fcntl (g_array_index (message->descriptors, int, i), F_GETFD), >=, 0);
}

static void
send_hands (int control)
{
  const int descriptors[N_HANDS] = {control, control, control, control};

  for (guint i = 1; i <= N_HANDS; i++)
    g_assert_cmpint (ferry_control_send_hand (control, i, descriptors, i), ==, 0);
}

/* Returns FALSE when the lane is broken. */
static gboolean
receive_all (FerryDownlink *downlink)
{
  for (;;)
    {
      FerryDownMessage message = {0};

      switch (ferry_downlink_receive (downlink, 0, &message))
        {
        case FERRY_DOWN_EVENT_MESSAGE:
          check_message (&message);
          break;
        case FERRY_DOWN_EVENT_FINISH:
          break;
        case FERRY_DOWN_EVENT_NOTHING:
          return TRUE;
        case FERRY_DOWN_EVENT_BROKEN:
          g_assert_cmpint (ferry_downlink_receive (downlink, 0, &message), ==, FERRY_DOWN_EVENT_BROKEN);
          return FALSE;
        case FERRY_DOWN_EVENT_CLOSED:
        default:
          g_assert_not_reached ();
        }
    }
}

static void
take_cancels (FerryDownlink *downlink)
{
  guint64 xid;
  guint16 reason;

  while (ferry_downlink_take_cancel (downlink, &xid, &reason))
    ;
  g_assert_false (ferry_downlink_has_cancel (downlink));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (FerryUplink) uplink = NULL;
  g_autoptr (FerryDownlink) downlink = NULL;
  FerrySegment segment;
  FerryLaneControl *control;
  ferry_autofd memory = -1;
  ferry_autofd application = -1;
  ferry_autofd worker = -1;
  guint8 order = size > 0 ? data[0] : 0;
  gboolean express = order != WHOLE_WITH_TAIL && order % 2 == 1;
  gsize n = MIN (MAX (size, 1) - 1, express ? FERRY_EXPRESS_CAPACITY : FERRY_DOWN_CAPACITY);
  guint64 tail = n & ~(gsize) 7;
  gsize step = order / 2 == 0 || order == WHOLE_WITH_TAIL ? MAX (tail, 8) : order / 2 * 8;
  gboolean whole = TRUE;

  g_assert_true (ferry_segment_create (&segment, FERRY_MIN_LANE_CAPACITY, 0, 0, &memory, NULL));
  control = express ? ferry_segment_get_express (&segment) : ferry_segment_get_down (&segment);
  if (n > 0)
    memcpy (express ? segment.express_ring : segment.down_ring, data + 1, n);
  if (order == WHOLE_WITH_TAIL && n > 8)
    {
      memcpy (&tail, data + 1 + n - 8, sizeof tail);
      step = tail;
    }
  uplink = ferry_uplink_new (&segment, -1, FUZZ_MAX_MESSAGE, 1);
  g_assert_true (ferry_control_socket_pair (&application, &worker, NULL));
  send_hands (application);
  uplink->control = worker;
  downlink = ferry_downlink_new (uplink);
  for (guint64 at = 0; at < tail && whole; at += MIN (step, tail - at))
    {
      atomic_store (&control->writer.tail, at + MIN (step, tail - at));
      if (express)
        take_cancels (downlink);
      whole = receive_all (downlink);
    }
  return 0;
}
