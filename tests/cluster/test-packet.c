/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-packet.c
 *
 * The bytes of packets, and the ways of messages into packets and out of fragments. */

#include "config.h"

#include "cluster/ferry-session-private.h"

#include <string.h>

#include "base/ferry-error.h"

#define MAX_MESSAGE 100000

static const FerryPacketHeader header = {.sender = 0x1122334455667788, .receiver = 2, .number = 3, .ack = 4};

static FerryPacketStatus
parse (FerryPacket *packet, GBytes *bytes)
{
  return ferry_packet_parse (packet, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL);
}

static void
assert_header (const FerryPacket *packet, FerryPacketKind kind)
{
  g_assert_cmpint (packet->header.kind, ==, kind);
  g_assert_cmpuint (packet->header.sender, ==, header.sender);
  g_assert_cmpuint (packet->header.receiver, ==, header.receiver);
  g_assert_cmpuint (packet->header.number, ==, header.number);
  g_assert_cmpuint (packet->header.ack, ==, header.ack);
}

/* ---- packets ---- */

/* As docs/protocol.md has it. */
static void
test_bytes_are_those_of_the_protocol (void)
{
  static const guint8 expected[] = {
    'F', 'R', 'Y', 'S', 2, 4, 0, 0, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 2, 0, 0, 0, 0, 0, 0, 0,
    3,   0,   0,   0,   0, 0, 0, 0, 4,    0,    0,    0,    0,    0,    0,    0,    9, 0, 0, 0, 0, 0, 0, 0,
  };
  g_autoptr (GBytes) ping = ferry_packet_new_ping (&header, FERRY_PACKET_PING, 9);

  g_assert_cmpmem (g_bytes_get_data (ping, NULL), g_bytes_get_size (ping), expected, sizeof expected);
}

static void
test_opening_tells_the_limits (void)
{
  const FerryPacketLimits limits = {.window_packets = 7, .window_bytes = 70000, .max_message = 700000};
  g_autoptr (GBytes) bytes = ferry_packet_new_open (&header, &limits);
  FerryPacket packet;

  g_assert_cmpint (parse (&packet, bytes), ==, FERRY_PACKET_SOUND);
  assert_header (&packet, FERRY_PACKET_OPEN);
  g_assert_true (packet.open.same_order);
  g_assert_cmpuint (packet.open.limits.window_packets, ==, 7);
  g_assert_cmpuint (packet.open.limits.window_bytes, ==, 70000);
  g_assert_cmpuint (packet.open.limits.max_message, ==, 700000);
}

static void
test_impossible_limits_are_refused (void)
{
  static const FerryPacketLimits wrong[] = {
    {.window_packets = 0, .window_bytes = 4096, .max_message = 1},
    {.window_packets = 65537, .window_bytes = 4096, .max_message = 1},
    {.window_packets = 1, .window_bytes = 4095, .max_message = 1},
    {.window_packets = 1, .window_bytes = ((guint64) 1 << 30) + 1, .max_message = 1},
    {.window_packets = 1, .window_bytes = 4096, .max_message = 0},
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GBytes) bytes = ferry_packet_new_open (&header, &wrong[i]);
      FerryPacket packet;

      g_assert_cmpint (parse (&packet, bytes), ==, FERRY_PACKET_BROKEN);
    }
}

static void
test_acknowledgement_asks_for_ranges (void)
{
  const FerryPacketRange ranges[] = {{4, 1}, {6, 3}, {20, 100}};
  g_autoptr (GBytes) bytes = ferry_packet_new_ack (&header, ranges, G_N_ELEMENTS (ranges));
  FerryPacket packet;

  g_assert_cmpint (parse (&packet, bytes), ==, FERRY_PACKET_SOUND);
  assert_header (&packet, FERRY_PACKET_ACK);
  g_assert_cmpuint (packet.ack.n_ranges, ==, 3);
  for (guint i = 0; i < G_N_ELEMENTS (ranges); i++)
    {
      g_assert_cmpuint (packet.ack.ranges[i].first, ==, ranges[i].first);
      g_assert_cmpuint (packet.ack.ranges[i].n, ==, ranges[i].n);
    }
}

static void
test_ranges_out_of_order_are_refused (void)
{
  static const FerryPacketRange wrong[][2] = {
    {{4, 0}, {6, 1}}, {{4, 2}, {5, 1}}, {{4, 2}, {6, 1}}, {{6, 1}, {4, 1}}, {{4, 1}, {G_MAXUINT64, 2}},
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GBytes) bytes = ferry_packet_new_ack (&header, wrong[i], 2);
      FerryPacket packet;

      g_assert_cmpint (parse (&packet, bytes), ==, FERRY_PACKET_BROKEN);
    }
}

static void
test_every_shorter_packet_is_refused (void)
{
  g_autoptr (GBytes) bye = ferry_packet_new_bye (&header, FERRY_BYE_TIMEOUT);
  gsize size = g_bytes_get_size (bye);
  FerryPacket packet;

  g_assert_cmpint (parse (&packet, bye), ==, FERRY_PACKET_SOUND);
  g_assert_cmpuint (packet.bye, ==, FERRY_BYE_TIMEOUT);
  for (gsize i = 0; i < size; i++)
    {
      g_autofree guint8 *copy = g_memdup2 (g_bytes_get_data (bye, NULL), i);

      g_assert_cmpint (ferry_packet_parse (&packet, copy, i, NULL), ==, FERRY_PACKET_BROKEN);
    }
}

static void
test_packet_without_epochs_is_refused (void)
{
  const FerryPacketHeader nobody = {.receiver = 1};
  const FerryPacketHeader to_nobody = {.sender = 1};
  g_autoptr (GBytes) first = ferry_packet_new_bye (&nobody, FERRY_BYE_CLOSED);
  g_autoptr (GBytes) second = ferry_packet_new_bye (&to_nobody, FERRY_BYE_CLOSED);
  FerryPacket packet;

  g_assert_cmpint (parse (&packet, first), ==, FERRY_PACKET_BROKEN);
  g_assert_cmpint (parse (&packet, second), ==, FERRY_PACKET_BROKEN);
}

/* ---- chunks ---- */

/* A DATA packet around n bytes of chunks. */
static FerryPacketStatus
parse_chunks (FerryPacket *packet, guint8 *data, gsize n)
{
  FerryPacketHeader own = header;

  own.kind = FERRY_PACKET_DATA;
  ferry_packet_write_header (data, &own);
  return ferry_packet_parse (packet, data, FERRY_PACKET_HEADER_SIZE + n, NULL);
}

static void
test_chunks_come_out_as_they_went_in (void)
{
  static const FerryChunk in[] = {
    {.kind = FERRY_CHUNK_WHOLE, .size = 0},
    {.kind = FERRY_CHUNK_WHOLE, .size = 13},
    {.kind = FERRY_CHUNK_FIRST, .size = 5, .total = 12345678901},
    {.kind = FERRY_CHUNK_NEXT, .size = 8},
    {.kind = FERRY_CHUNK_NEXT, .size = 1},
    {.kind = FERRY_CHUNK_DROP},
  };
  _Alignas(8) guint8 data[400];
  FerryPacket packet;
  FerryChunk chunk;
  gsize n = 0;
  gsize at = 0;

  for (guint i = 0; i < G_N_ELEMENTS (in); i++)
    {
      guint8 *bytes = ferry_packet_write_chunk (data + FERRY_PACKET_HEADER_SIZE + n, &in[i]);

      memset (bytes, (int) i, in[i].size);
      n += ferry_packet_get_chunk_size (in[i].kind, in[i].size);
    }
  g_assert_cmpint (parse_chunks (&packet, data, n), ==, FERRY_PACKET_SOUND);
  for (guint i = 0; i < G_N_ELEMENTS (in); i++)
    {
      g_assert_true (ferry_packet_next_chunk (&packet, &at, &chunk));
      g_assert_cmpint (chunk.kind, ==, in[i].kind);
      g_assert_cmpuint (chunk.size, ==, in[i].size);
      g_assert_cmpuint (chunk.total, ==, in[i].total);
      g_assert_cmpuint ((gsize) chunk.data % 8, ==, 0);
      g_assert_true (chunk.size == 0 || chunk.data[chunk.size - 1] == i);
    }
  g_assert_false (ferry_packet_next_chunk (&packet, &at, &chunk));
}

static void
test_malformed_chunks_are_refused (void)
{
  static const struct
  {
    guint8 size;
    guint8 kind;
    gsize n; /* bytes in the packet */
  } wrong[] = {
    {0, 0, 0}, {0, 0, 7}, {1, 0, 8}, {9, 0, 16}, {1, 4, 16}, {1, 3, 16}, {7, 1, 16}, {8, 1, 16}, {0, 2, 8},
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      guint8 data[100] = {0};
      FerryPacket packet;

      data[FERRY_PACKET_HEADER_SIZE] = wrong[i].size;
      data[FERRY_PACKET_HEADER_SIZE + 4] = wrong[i].kind;
      g_assert_cmpint (parse_chunks (&packet, data, wrong[i].n), ==, FERRY_PACKET_BROKEN);
    }
}

static void
test_largest_size_of_a_chunk_overflows_nothing (void)
{
  for (guint kind = FERRY_CHUNK_WHOLE; kind <= FERRY_CHUNK_DROP; kind++)
    {
      guint8 data[100] = {0};
      FerryPacket packet;

      memset (data + FERRY_PACKET_HEADER_SIZE, 0xff, 4);
      data[FERRY_PACKET_HEADER_SIZE + 4] = (guint8) kind;
      g_assert_cmpint (parse_chunks (&packet, data, 60), ==, FERRY_PACKET_BROKEN);
    }
}

/* ---- from messages to packets and back ---- */

static void
add (FerryPacketQueue *queue, guint8 letter, gsize size, gboolean urgent)
{
  g_autofree guint8 *bytes = g_malloc (size);
  const GOutputVector parts[] = {{bytes, size / 3}, {NULL, 0}, {bytes, size - size / 3}};

  memset (bytes, letter, size);
  ferry_packet_queue_add (queue, parts, G_N_ELEMENTS (parts), size, urgent);
}

/* Appends "letter:size " of each message. */
static void
note_message (GString *out, const guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i++)
    g_assert_cmpint (bytes[i], ==, bytes[0]);
  g_string_append_printf (out, "%c:%" G_GSIZE_FORMAT " ", bytes[0], size);
}

static void
note_chunk (GString *out, FerryFragments *fragments, const FerryChunk *chunk)
{
  g_autoptr (GBytes) message = NULL;
  g_autoptr (GError) error = NULL;

  if (chunk->kind == FERRY_CHUNK_WHOLE)
    {
      note_message (out, chunk->data, chunk->size);
      return;
    }
  g_assert_true (ferry_fragments_add (fragments, chunk, &message, &error));
  g_assert_no_error (error);
  if (message != NULL)
    note_message (out, g_bytes_get_data (message, NULL), g_bytes_get_size (message));
}

/* Takes all packets. Returns (transfer full) the messages in them, with a bar behind each packet. */
static char *
take_all_with (FerryPacketQueue *queue, gsize max_packet, FerryFragments *fragments)
{
  GString *out = g_string_new (NULL);

  while (!ferry_packet_queue_is_empty (queue))
    {
      gsize size;
      g_autofree guint8 *data = ferry_packet_queue_take (queue, &size);
      FerryPacket packet;
      FerryChunk chunk;
      gsize at = 0;

      g_assert_cmpuint (size, <=, max_packet);
      g_assert_cmpint (parse_chunks (&packet, data, size - FERRY_PACKET_HEADER_SIZE), ==, FERRY_PACKET_SOUND);
      while (ferry_packet_next_chunk (&packet, &at, &chunk))
        note_chunk (out, fragments, &chunk);
      g_string_append_c (out, '|');
    }
  g_assert_cmpuint (queue->size, ==, 0);
  g_assert_null (fragments->data);
  return g_string_free (out, FALSE);
}

static char *
take_all (FerryPacketQueue *queue, gsize max_packet)
{
  FerryFragments fragments = {.max_message = MAX_MESSAGE};

  return take_all_with (queue, max_packet, &fragments);
}

static void
test_small_messages_share_a_packet (void)
{
  FerryPacketQueue queue;
  g_autofree char *out = NULL;

  ferry_packet_queue_init (&queue, 512);
  for (guint i = 0; i < 5; i++)
    add (&queue, (guint8) ('a' + i), 100, FALSE);
  out = take_all (&queue, 512);
  g_assert_cmpstr (out, ==, "a:100 b:100 c:100 d:100 |e:100 |");
}

static void
test_large_messages_go_in_fragments (void)
{
  FerryPacketQueue queue;
  g_autofree char *out = NULL;

  ferry_packet_queue_init (&queue, 512);
  add (&queue, 'a', 10, FALSE);
  add (&queue, 'b', 1500, FALSE);
  add (&queue, 'c', 10, FALSE);
  out = take_all (&queue, 512);
  g_assert_cmpstr (out, ==, "a:10 ||||b:1500 |c:10 |");
}

static void
test_every_size_comes_whole (void)
{
  for (gsize max_packet = 512; max_packet < 540; max_packet++)
    for (gsize size = 1; size < 1600; size += size < 400 ? 37 : 1)
      {
        FerryPacketQueue queue;
        g_autofree char *out = NULL;
        g_autofree char *expected = g_strdup_printf ("a:%" G_GSIZE_FORMAT " ", size);

        ferry_packet_queue_init (&queue, max_packet);
        add (&queue, 'a', size, FALSE);
        out = take_all (&queue, max_packet);
        g_assert_nonnull (strstr (out, expected));
      }
}

static void
test_urgent_messages_overtake_others (void)
{
  FerryPacketQueue queue;
  g_autofree char *out = NULL;

  ferry_packet_queue_init (&queue, 512);
  add (&queue, 'a', 10, FALSE);
  add (&queue, 'b', 600, FALSE);
  add (&queue, 'c', 10, TRUE);
  add (&queue, 'd', 10, TRUE);
  out = take_all (&queue, 512);
  g_assert_cmpstr (out, ==, "c:10 d:10 |a:10 ||b:600 |");
}

static void
assert_refused (FerryFragments *fragments, const FerryChunk *chunk)
{
  g_autoptr (GBytes) message = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_fragments_add (fragments, chunk, &message, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_null (message);
}

static gboolean
begins_with (gconstpointer message, gsize size, gpointer letter)
{
  return *(const guint8 *) message == *(const guint8 *) letter;
}

static gboolean
drop (FerryPacketQueue *queue, guint8 letter)
{
  return ferry_packet_queue_drop (queue, begins_with, &letter);
}

static void
test_large_message_that_is_dropped_is_not_sent_to_its_end (void)
{
  FerryPacketQueue queue;
  FerryFragments fragments = {.max_message = MAX_MESSAGE};
  g_autofree char *out = NULL;
  g_autofree guint8 *taken = NULL;
  FerryPacket packet;
  FerryChunk chunk;
  gsize size;
  gsize at = 0;
  g_autoptr (GBytes) message = NULL;

  ferry_packet_queue_init (&queue, 512);
  add (&queue, 'a', 10000, FALSE);
  add (&queue, 'b', 10, FALSE);
  add (&queue, 'c', 10000, FALSE);
  add (&queue, 'd', 600, FALSE);
  taken = ferry_packet_queue_take (&queue, &size);
  g_assert_true (drop (&queue, 'a'));
  g_assert_false (drop (&queue, 'a'));
  g_assert_false (drop (&queue, 'b'));
  g_assert_true (drop (&queue, 'c'));
  g_assert_cmpuint (queue.size, <, 700);
  g_assert_cmpint (parse_chunks (&packet, taken, size - FERRY_PACKET_HEADER_SIZE), ==, FERRY_PACKET_SOUND);
  g_assert_true (ferry_packet_next_chunk (&packet, &at, &chunk));
  g_assert_true (ferry_fragments_add (&fragments, &chunk, &message, NULL));
  out = take_all_with (&queue, 512, &fragments);
  g_assert_cmpstr (out, ==, "|b:10 ||d:600 |");
}

static void
test_large_message_of_which_nothing_came_is_not_dropped (void)
{
  const FerryChunk chunk = {.kind = FERRY_CHUNK_DROP};
  FerryFragments fragments = {.max_message = MAX_MESSAGE};

  assert_refused (&fragments, &chunk);
}

static void
test_queue_frees_what_was_not_taken (void)
{
  FerryPacketQueue queue;
  gsize size;

  ferry_packet_queue_init (&queue, 512);
  add (&queue, 'a', 10000, FALSE);
  add (&queue, 'b', 10, TRUE);
  g_free (ferry_packet_queue_take (&queue, &size));
  g_free (ferry_packet_queue_take (&queue, &size));
  ferry_packet_queue_clear (&queue);
  g_assert_true (ferry_packet_queue_is_empty (&queue));
}

/* ---- fragments ---- */

static void
test_fragments_grow_with_what_came (void)
{
  static const guint8 bytes[100] = {0};
  FerryFragments fragments = {.max_message = MAX_MESSAGE};
  FerryChunk chunk = {.kind = FERRY_CHUNK_FIRST, .data = bytes, .size = sizeof bytes, .total = MAX_MESSAGE};
  gsize came = 0;

  for (guint i = 0; i < 900; i++)
    {
      g_autoptr (GBytes) message = NULL;

      g_assert_true (ferry_fragments_add (&fragments, &chunk, &message, NULL));
      g_assert_null (message);
      came += sizeof bytes;
      g_assert_cmpuint (fragments.capacity, <=, MIN (2 * came, MAX_MESSAGE));
      chunk.kind = FERRY_CHUNK_NEXT;
    }
  ferry_fragments_clear (&fragments);
}

static void
test_fragments_of_a_wrong_size_are_refused (void)
{
  static const guint8 bytes[100] = {0};
  const FerryChunk first = {.kind = FERRY_CHUNK_FIRST, .data = bytes, .size = 50, .total = 100};
  const FerryChunk beyond = {.kind = FERRY_CHUNK_NEXT, .data = bytes, .size = 51};
  const FerryChunk *wrong[] = {&first, &beyond};

  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GBytes) message = NULL;
      FerryFragments fragments = {.max_message = MAX_MESSAGE};

      g_assert_true (ferry_fragments_add (&fragments, &first, &message, NULL));
      assert_refused (&fragments, wrong[i]);
      ferry_fragments_clear (&fragments);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add_func ("/packet/" path, func)
  ADD ("bytes-are-those-of-the-protocol", test_bytes_are_those_of_the_protocol);
  ADD ("opening-tells-the-limits", test_opening_tells_the_limits);
  ADD ("impossible-limits-are-refused", test_impossible_limits_are_refused);
  ADD ("acknowledgement-asks-for-ranges", test_acknowledgement_asks_for_ranges);
  ADD ("ranges-out-of-order-are-refused", test_ranges_out_of_order_are_refused);
  ADD ("every-shorter-packet-is-refused", test_every_shorter_packet_is_refused);
  ADD ("packet-without-epochs-is-refused", test_packet_without_epochs_is_refused);
  ADD ("chunks-come-out-as-they-went-in", test_chunks_come_out_as_they_went_in);
  ADD ("malformed-chunks-are-refused", test_malformed_chunks_are_refused);
  ADD ("largest-size-of-a-chunk-overflows-nothing", test_largest_size_of_a_chunk_overflows_nothing);
  ADD ("small-messages-share-a-packet", test_small_messages_share_a_packet);
  ADD ("large-messages-go-in-fragments", test_large_messages_go_in_fragments);
  ADD ("every-size-comes-whole", test_every_size_comes_whole);
  ADD ("urgent-messages-overtake-others", test_urgent_messages_overtake_others);
  ADD ("large-message-that-is-dropped-is-not-sent-to-its-end",
       test_large_message_that_is_dropped_is_not_sent_to_its_end);
  ADD ("large-message-of-which-nothing-came-is-not-dropped", test_large_message_of_which_nothing_came_is_not_dropped);
  ADD ("queue-frees-what-was-not-taken", test_queue_frees_what_was_not_taken);
  ADD ("fragments-grow-with-what-came", test_fragments_grow_with_what_came);
  ADD ("fragments-of-a-wrong-size-are-refused", test_fragments_of_a_wrong_size_are_refused);
#undef ADD
  return g_test_run ();
}
