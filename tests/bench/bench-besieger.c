/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that means harm, for bench-frames: it attaches manually, and then keeps the application as busy as the
 * protocol lets it. The application ends a worker that rings without progress, so one that is to last sends a message
 * now and then. */

#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "lane/ferry-doorbell-private.h"
#include "lane/ferry-lane-private.h"
#include "lane/ferry-segment-private.h"
#include "link/ferry-handshake-private.h"

/* The application allows 1000 rings without progress. */
#define RINGS_PER_MESSAGE 500
/* How often, in rounds, a worker in the mode "all" stores a tail that no honest worker stores. */
#define ROUNDS_PER_ODD_TAIL 20000
/* For how long a worker that is ended burns its processor before that; in microseconds. */
#define SHORT_LIFE 20000

typedef struct
{
  FerrySegment segment;
  FerryLaneWriter writer;
  int doorbell; /* (owned) */
  guint64 connection_id;
  guint64 sequence; /* the number of the next message */
  guint32 random;
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

static guint32
next_random (Besieger *self)
{
  self->random = self->random * 1664525u + 1013904223u;
  return self->random;
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

/* Stores odd values in all words of the lanes that an application need not end it for. */
static void
store_odd_words (Besieger *self)
{
  FerryLaneControl *up = ferry_segment_get_up (&self->segment);
  FerryLaneControl *down = ferry_segment_get_down (&self->segment);
  const guint32 odd = next_random (self);

  atomic_store_explicit (&up->writer.writer_waiting, odd, memory_order_relaxed);
  atomic_store_explicit (&up->writer.spin, odd, memory_order_relaxed);
  atomic_store_explicit (&up->wake.reader_waiting, odd, memory_order_relaxed);
  atomic_store_explicit (&up->wake.ring_when_full, odd, memory_order_relaxed);
  atomic_store_explicit (&up->writer_bell.rings, odd, memory_order_relaxed);
  atomic_store_explicit (&down->writer.index, odd, memory_order_relaxed);
  atomic_store_explicit (&down->writer.spin, odd, memory_order_relaxed);
  atomic_store_explicit (&down->wake.reader_waiting, odd, memory_order_relaxed);
  atomic_store_explicit (&ferry_segment_get_control (&self->segment)->dirty, odd, memory_order_relaxed);
  memset (self->segment.down_ring, (int) odd, 64);
}

/* Burns its processor and harms nothing else: what those that last are held against. */
static void
burn (Besieger *self)
{
  for (;;)
    next_random (self);
}

/* Burns its processor and soon ends: what those that the application ends are held against. Each is replaced too, and a
 * kernel may let the main thread wait for a tick behind a new process that burns the same processor. */
static void
leave (Besieger *self)
{
  const gint64 until = g_get_monotonic_time () + SHORT_LIFE;

  while (g_get_monotonic_time () < until)
    next_random (self);
  exit (EXIT_SUCCESS);
}

/* Rings without end and sends nothing. */
static void
ring_only (Besieger *self)
{
  for (;;)
    ferry_doorbell_ring (self->doorbell);
}

/* As ring_only(), but sends so much that it is not ended. */
static void
ring (Besieger *self)
{
  for (guint n = 0;; n = (n + 1) % RINGS_PER_MESSAGE)
    {
      if (n == 0)
        send_number (self);
      ferry_doorbell_ring (self->doorbell);
    }
}

/* Moves its tail by a random number of messages, stores odd values in the other words, and rings, without end. */
static void
race (Besieger *self)
{
  for (;;)
    {
      for (guint n = next_random (self) >> 30; n > 0; n--)
        send_number (self);
      store_odd_words (self);
      ferry_doorbell_ring (self->doorbell);
    }
}

/* Does all of it, and at times stores a tail for which it is ended. */
static void
rage (Besieger *self)
{
  for (guint n = 1;; n++)
    {
      if (n % RINGS_PER_MESSAGE == 0)
        send_number (self);
      store_odd_words (self);
      atomic_store_explicit (&self->writer.control->reader.head, next_random (self), memory_order_relaxed);
      if (n % ROUNDS_PER_ODD_TAIL == 0)
        atomic_store_explicit (&self->writer.control->writer.index, next_random (self) | 1, memory_order_relaxed);
      ferry_doorbell_ring (self->doorbell);
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*func) (Besieger *self);
  } modes[] = {{"busy", burn},  {"leaves", leave},   {"rings-only", ring_only},
               {"rings", ring}, {"positions", race}, {"all", rage}};
  Besieger self = {.random = 1};

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (argc != 2 || !besieger_attach (&self))
    return EXIT_FAILURE;
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    if (g_str_equal (argv[1], modes[i].name))
      modes[i].func (&self);
  return EXIT_FAILURE;
}
