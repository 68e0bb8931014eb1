/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "fuzz-worker.h"

#include <fcntl.h>

#include "fuzz-packet.h"
#include "link/ferry-downlink-private.h"
#include "wire/ferry-handshake-private.h"

#define N_HANDS 4

struct _FuzzWorker
{
  gboolean express;
  FuzzSocket socket;
  FerryUplink *uplink;
  FerryDownlink *downlink;
};

static void
send_fd_batches (int control)
{
  const int descriptors[N_HANDS] = {control, control, control, control};

  for (guint i = 1; i <= N_HANDS; i++)
    g_assert_cmpint (ferry_control_send_fd_batch (control, i, descriptors, i), ==, 0);
}

FuzzWorker *
fuzz_worker_new (gboolean express)
{
  FuzzWorker *self = g_new0 (FuzzWorker, 1);
  FerrySegment segment;
  ferry_autofd memory = -1;

  self->express = express;
  self->socket = fuzz_socket_open ();
  send_fd_batches (self->socket.application);
  g_assert_true (ferry_segment_create (&segment, FERRY_MIN_LANE_CAPACITY, 0, &memory, NULL));
  self->uplink = ferry_uplink_new (&segment, -1, FUZZ_MAX_DOWN_MESSAGE, 1);
  self->uplink->control = self->socket.worker;
  self->downlink = ferry_downlink_new (self->uplink);
  return self;
}

void
fuzz_worker_free (FuzzWorker *self)
{
  ferry_downlink_free (self->downlink);
  ferry_uplink_unref (self->uplink);
  fuzz_socket_close (&self->socket);
  g_free (self);
}

guint8 *
fuzz_worker_get_ring (FuzzWorker *self)
{
  return self->express ? self->uplink->segment.express_ring : self->uplink->segment.down_ring;
}

gsize
fuzz_worker_get_capacity (FuzzWorker *self)
{
  return self->express ? FERRY_EXPRESS_CAPACITY : FERRY_DOWN_CAPACITY;
}

static void
check_message (const FerryDownMessage *message)
{
  fuzz_n_accepted++;
  g_assert_cmpuint (message->size, <=, FUZZ_MAX_DOWN_MESSAGE);
  g_assert_cmpuint ((guintptr) message->data % 8, ==, 0);
  /* Reads all of it, for what watches over memory to see. */
  g_free (g_memdup2 (message->data, message->size));
  for (guint i = 0; message->descriptors != NULL && i < message->descriptors->len; i++)
    g_assert_cmpint (fcntl (g_array_index (message->descriptors, int, i), F_GETFD), >=, 0);
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
        case FERRY_DOWN_EVENT_PIPE_CLOSED:
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
    fuzz_n_accepted++;
  g_assert_false (ferry_downlink_has_cancel (downlink));
}

gboolean
fuzz_worker_publish_tail (FuzzWorker *self, guint64 tail)
{
  FerrySegment *segment = &self->uplink->segment;
  FerryLaneControl *control = self->express ? ferry_segment_get_express (segment) : ferry_segment_get_down (segment);

  atomic_store (&control->writer.index, tail);
  if (self->express)
    take_cancels (self->downlink);
  return receive_all (self->downlink);
}
