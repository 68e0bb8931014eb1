/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-session.c, cluster/ferry-packet.c
 *
 * What the other end of a session sends, mixed with what its owner does and with time, in any order.
 *
 * The input is a row of orders, a byte each; one of them is followed by a packet in two bytes of length. An epoch of
 * the receiver that is 1 becomes that of the session, so that packets get further than that. A packet that is taken is
 * written again, which must give the same bytes. */

#include "config.h"

#include <string.h>

#include "base/ferry-error.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-session-private.h"
#include "fuzz.h"

#define AT_RECEIVER 16
#define MAX_MESSAGE 5000
#define MAX_PACKET 600
#define WINDOW_BYTES 4096
#define MAX_QUEUED 3000

typedef struct
{
  GMainContext *loop;     /* (owned) */
  GMainContext *stopped;  /* (owned) */
  FerryTimers *timers;    /* (owned) */
  FerrySession *session;  /* (owned) */
  FerrySessionPort *port; /* (unowned) (nullable): until it is finished */
  guint64 epoch;          /* of the session; 0: nothing was sent yet */
} Scene;

static gint64 now;

static gint64
get_time (void)
{
  return now;
}

/* ---- the codec ---- */

static GBytes *
write_again (const FerryPacket *packet)
{
  switch (packet->header.kind)
    {
    case FERRY_PACKET_OPEN:
      return packet->open.same_order ? ferry_packet_new_open (&packet->header, &packet->open.limits) : NULL;
    case FERRY_PACKET_ACK:
      return ferry_packet_new_ack (&packet->header, packet->ack.ranges, packet->ack.n_ranges);
    case FERRY_PACKET_PING:
    case FERRY_PACKET_PONG:
      return ferry_packet_new_ping (&packet->header, packet->header.kind, packet->token);
    case FERRY_PACKET_BYE:
      return ferry_packet_new_bye (&packet->header, (FerryByeReason) packet->bye);
    default:
      return NULL;
    }
}

/* All bytes of a chunk are those of the packet, and all chunks together are the packet. */
static void
check_chunks (const FerryPacket *packet)
{
  FerryChunk chunk;
  gsize sum = 0;
  gsize at = 0;
  volatile guint8 mixed = 0; /* so that the bytes are read */

  while (ferry_packet_next_chunk (packet, &at, &chunk))
    {
      sum += ferry_packet_get_chunk_size (chunk.kind, chunk.size);
      for (gsize i = 0; i < chunk.size; i++)
        mixed = mixed ^ chunk.data[i];
      g_assert_cmpuint (sum, ==, at);
    }
  g_assert_cmpuint (sum, ==, packet->data.size);
}

static void
check_codec (gconstpointer data, gsize size)
{
  FerryPacket packet;
  FerryPacket again;
  g_autoptr (GBytes) bytes = NULL;

  if (ferry_packet_parse (&packet, data, size, NULL) != FERRY_PACKET_SOUND)
    return;
  fuzz_n_accepted++;
  if (packet.header.kind == FERRY_PACKET_DATA)
    check_chunks (&packet);
  bytes = write_again (&packet);
  if (bytes == NULL)
    return;
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, size);
  g_assert_cmpint (ferry_packet_parse (&again, g_bytes_get_data (bytes, NULL), size, NULL), ==, FERRY_PACKET_SOUND);
  g_assert_cmpuint (again.header.number, ==, packet.header.number);
  g_assert_cmpuint (again.header.ack, ==, packet.header.ack);
}

/* ---- the session ---- */

static void
note_sent (gpointer data, GBytes *bytes)
{
  Scene *scene = data;
  FerryPacket packet;

  g_assert_cmpuint (g_bytes_get_size (bytes), <=, MAX_PACKET);
  g_assert_cmpint (ferry_packet_parse (&packet, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL), ==,
                   FERRY_PACKET_SOUND);
  scene->epoch = packet.header.sender;
}

static void
note_finished (gpointer data)
{
  ((Scene *) data)->port = NULL;
}

static void
ignore_call (FerryTransport *transport, FerryCall *call, GObject *owner)
{
}

static void
settle (Scene *scene)
{
  FerrySessionCounts counts;

  while (g_main_context_iteration (scene->loop, FALSE))
    ;
  counts = ferry_session_get_counts (scene->session);
  g_assert_cmpuint (counts.queued, <=, MAX_QUEUED + MAX_MESSAGE + 100);
  g_assert_cmpuint (counts.under_way, <=, WINDOW_BYTES);
  g_assert_cmpuint (counts.assembled, <=, MAX_MESSAGE);
  /* One packet that is larger than the window may be held alone. */
  g_assert_cmpuint (counts.held, <=, G_MAXUINT16);
}

static void
come (Scene *scene, const guint8 *data, gsize size)
{
  g_autofree guint8 *packet = g_memdup2 (data, size);
  g_autoptr (GBytes) refusal = NULL;
  const guint8 own[8] = {1};

  check_codec (packet, size);
  refusal = ferry_session_make_refusal (packet, size);
  ferry_session_is_opened_by (packet, size);
  if (size >= FERRY_PACKET_HEADER_SIZE && memcmp (packet + AT_RECEIVER, own, sizeof own) == 0)
    {
      guint64 epoch = GUINT64_TO_LE (scene->epoch);

      memcpy (packet + AT_RECEIVER, &epoch, sizeof epoch);
    }
  if (scene->port != NULL && !ferry_session_port_receive (scene->port, packet, size))
    g_assert_null (scene->port);
}

static void
say (Scene *scene, gsize size)
{
  g_autofree guint8 *bytes = g_malloc0 (size + 1);
  const FerryRequest request = {.method = "m", .flags = FERRY_CALL_ONE_WAY, .packed = {bytes, size}};
  g_autoptr (GError) error = NULL;

  if (ferry_transport_ask (FERRY_TRANSPORT (scene->session), &request, NULL, NULL, &error) == 0)
    g_assert_true (error->domain == FERRY_ERROR);
}

static void
pass_time (Scene *scene, gint64 microseconds)
{
  gint64 end = now + microseconds;

  while (ferry_timers_get_first (scene->timers) <= end)
    {
      now = MAX (now, ferry_timers_get_first (scene->timers));
      ferry_timers_run_one (scene->timers, now);
    }
  now = end;
}

static void
obey (Scene *scene, guint8 order)
{
  switch (order)
    {
    case 's':
      say (scene, 10);
      break;
    case 'S':
      say (scene, 2000);
      break;
    case 't':
      pass_time (scene, 25 * G_TIME_SPAN_MILLISECOND);
      break;
    case 'T':
      pass_time (scene, 3 * G_TIME_SPAN_SECOND);
      break;
    case 'r':
      if (scene->port != NULL)
        ferry_session_port_reconnected (scene->port);
      break;
    case 'c':
      ferry_transport_close (FERRY_TRANSPORT (scene->session));
      break;
    default:
      break;
    }
}

/* ---- the whole ---- */

static void
begin (Scene *scene, GObject *owner)
{
  static const FerryWire wire = {.send = note_sent};
  const FerrySessionSettings settings = {
    .max_packet = MAX_PACKET,
    .window_bytes = WINDOW_BYTES,
    .window_packets = 8,
    .max_message = MAX_MESSAGE,
    .max_queued = MAX_QUEUED,
    .get_time = get_time,
    .finished = note_finished,
    .finished_data = scene,
  };

  now = G_TIME_SPAN_HOUR;
  scene->loop = g_main_context_new ();
  scene->stopped = g_main_context_new ();
  scene->timers = ferry_timers_new (scene->stopped);
  scene->session = ferry_session_new (&wire, scene, scene->timers, scene->loop, &settings);
  scene->port = ferry_session_get_port (scene->session);
  ferry_transport_take_calls (FERRY_TRANSPORT (scene->session), ignore_call, owner, NULL);
  settle (scene);
}

static void
finish (Scene *scene)
{
  g_autoptr (GError) reason = ferry_transport_dup_reason (FERRY_TRANSPORT (scene->session));

  g_assert_true (reason == NULL || reason->domain == FERRY_ERROR);
  if (scene->port != NULL)
    ferry_session_port_finish (scene->port);
  g_assert_true (ferry_transport_get_closed (FERRY_TRANSPORT (scene->session)));
  g_assert_finalize_object (scene->session);
  while (g_main_context_iteration (scene->loop, FALSE))
    ;
  g_assert_cmpuint (ferry_timers_get_n (scene->timers), ==, 0);
  ferry_timers_free (scene->timers);
  g_main_context_unref (scene->loop);
  g_main_context_unref (scene->stopped);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GObject) owner = g_object_new (G_TYPE_OBJECT, NULL);
  FuzzInput input = {data, size};
  Scene scene = {NULL};

  begin (&scene, owner);
  while (input.at < input.size)
    {
      guint8 order = fuzz_input_next_byte (&input);

      if (order == 'p')
        {
          g_autoptr (GBytes) packet = fuzz_input_next_bytes (&input);

          come (&scene, g_bytes_get_data (packet, NULL), g_bytes_get_size (packet));
        }
      else
        obey (&scene, order);
      settle (&scene);
    }
  finish (&scene);
  return 0;
}
