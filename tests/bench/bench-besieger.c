/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that means harm, for bench-frames: it attaches manually, and then rings without end. The application ends a
 * worker that rings without progress, so it sends a message now and then. */

#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "lane/ferry-lane-private.h"
#include "lane/ferry-segment-private.h"
#include "lane/ferry-wake-private.h"
#include "wire/ferry-handshake-private.h"

/* The application allows 1000 rings without progress. */
#define RINGS_PER_MESSAGE 500

typedef struct
{
  FerrySegment segment;
  FerryLaneWriter writer;
  int doorbell; /* (owned) */
  guint64 connection_id;
  guint64 sequence; /* the number of the next message */
} Besieger;

static gboolean
besieger_attach (Besieger *self)
{
  FerryRecordHeader header;
  FerryLaneReader down;
  FerryWelcome welcome;
  int memory = -1;
  int control = ferry_control_take_fd (NULL);

  if (control < 0 || !ferry_control_receive_welcome (control, &welcome, &memory, &self->doorbell, NULL, NULL) ||
      !ferry_segment_map (&self->segment, memory, welcome.up_capacity, welcome.n_cells, NULL))
    return FALSE;
  ferry_lane_writer_init (&self->writer, ferry_segment_get_up (&self->segment), self->segment.up_ring,
                          self->segment.up_capacity);
  ferry_lane_reader_init (&down, ferry_segment_get_down (&self->segment), self->segment.down_ring, FERRY_DOWN_CAPACITY);
  if (!ferry_lane_reader_look (&down) || ferry_lane_reader_get_available (&down) < sizeof header)
    return FALSE;
  memcpy (&header, ferry_lane_reader_get_place (&down), sizeof header);
  self->connection_id = header.connection_id;
  return ferry_control_send_attach (control, welcome.segment_size, NULL);
}

/* Sends a good message, where the lane has room for one. */
static void
send_number (Besieger *self)
{
  const gsize size = ferry_record_size (sizeof self->sequence);
  guint8 *place;

  if (!ferry_lane_writer_has_room (&self->writer, size))
    return;
  place = ferry_lane_writer_get_place (&self->writer);
  ferry_lane_writer_write_header (&self->writer, 0, sizeof self->sequence, FERRY_RECORD_BYTES, 0, self->connection_id);
  memcpy (place + sizeof (FerryRecordHeader), &self->sequence, sizeof self->sequence);
  self->sequence++;
  ferry_lane_writer_publish (&self->writer, size);
}

int
main (int argc, char **argv)
{
  Besieger self = {0};

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (!besieger_attach (&self))
    return EXIT_FAILURE;
  for (guint n = 0;; n = (n + 1) % RINGS_PER_MESSAGE)
    {
      if (n == 0)
        send_number (&self);
      ferry_doorbell_ring (self.doorbell);
    }
}
