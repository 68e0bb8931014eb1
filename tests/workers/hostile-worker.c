/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that attaches manually and breaks the protocol as its arguments tell it, one after the other. What it
 * writes goes into the lane as it is, and the doorbell is rung where an honest worker rings it, too.
 *
 * The handshake:
 *   welcome        take the welcome, and do not answer it
 *   attach         answer it, after taking it where that was not done
 *   packet:WHAT    send a packet over the control socket: nothing, garbage, magic, version, version-long,
 *                  version-short, kind, size, short, long, attach (a good one), descriptor (with a good one),
 * descriptors (200 with a good one) packets        send good ones without end Records: send:N         good messages of
 * 8 bytes, numbered on from the last one second         write for the second sender from here on id:ID          a
 * message for that connection id kind:KIND  number:NUMBER  length:LENGTH  type:NUMBER:STRING  variant:NUMBER piece:SIZE
 * such a record types:N        announce N types type-zero  type-long    announce a type string with a zero in it, or of
 * 1,032 bytes beyond  piece-beyond    a header that says more than is published half-header    half a header stop
 * stop-payload  abandon   records without payload, and a stop with one large:SIZE  large-kind:KIND  large-short   the
 * beginning of a message in pieces large-storm:N  begin and abandon a message of 60 MB, N times buffer:KEY=VALUE,...  a
 * buffer: its offset (0), size (8), number (0), type (0) and the length of its record (24) whole:KEY=VALUE,...   a
 * large message (of 40000 bytes, or message=SIZE) in a buffer: as above, and its kind (1) garbage:SIZE   publish that
 * many random bytes mid-write      write a record, and stop (SIGSTOP) before it is published Memory: drained wait until
 * all was taken tail:OFFSET    move the tail by that, from where it should be tail-beyond    move it past the end of
 * the ring head           overwrite the reader's head waiting:N      N messages, with random numbers in all words of
 * waiting and ringing before each table          overwrite the pipe table released       say of all buffers that the
 * application has let go of them arena:N        N times random bytes over the arena's words scribble:N N times random
 * bytes over the whole segment unread         say that nothing in the down lane was read copied         wait until
 * the application says that it copies buffers punch:N        fill the arena and have the kernel free all pages of both
 * files, N times; the next message is the longest time of that in microseconds punch-on      have another process fill
 * and free the arena without end buffers        send buffers without end, each when the last one was returned The
 * doorbell: bell-block bell-fill bell-empty  bell-storm   make it blocking, full, empty; ring it without end The
 * process: exit:STATUS  pause */

#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-arena-private.h"
#include "lane/ferry-lane-private.h"
#include "lane/ferry-segment-private.h"
#include "lane/ferry-wake-private.h"
#include "wire/ferry-handshake-private.h"

#define CONTROL_FD 3
#define N_DESCRIPTORS 200

static FerryWelcome welcome;
static FerrySegment segment;
static FerryLaneWriter writer;
static FerryArena *arena;
static int memory = -1;
static int arena_memory = -1;
static int doorbell = -1;
static guint64 connection_ids[FERRY_MAX_PIPES_PER_LINK];
static guint64 connection_id;
static guint64 next_number;

static void
check (gboolean success, const char *what)
{
  if (success)
    return;
  g_printerr ("hostile-worker: %s: %s\n", what, g_strerror (errno));
  exit (2);
}

/* ---- the handshake ---- */

static void
read_grants (void)
{
  FerryLaneReader reader;

  ferry_lane_reader_init (&reader, ferry_segment_get_down (&segment), segment.down_ring, FERRY_DOWN_CAPACITY);
  check (ferry_lane_reader_look (&reader), "down lane");
  for (guint i = 0; ferry_lane_reader_get_available (&reader) > 0; i++)
    {
      FerryRecordHeader header;

      memcpy (&header, ferry_lane_reader_get_place (&reader), sizeof header);
      if (header.kind != FERRY_RECORD_GRANT)
        break;
      connection_ids[i] = header.connection_id;
      ferry_lane_reader_consume (&reader, ferry_record_size (header.length));
    }
  connection_id = connection_ids[0];
}

static void
take_welcome (void)
{
  if (segment.base != NULL)
    return;
  check (ferry_control_receive_welcome (CONTROL_FD, &welcome, &memory, &doorbell, &arena_memory, NULL), "welcome");
  check (ferry_segment_map (&segment, memory, welcome.up_capacity, welcome.n_cells, NULL), "map");
  if (welcome.arena_units > 0)
    arena = ferry_arena_new_writer (ferry_segment_get_arena_control (&segment), arena_memory,
                                    (gsize) welcome.arena_units * FERRY_ARENA_UNIT,
                                    (gsize) welcome.arena_units * FERRY_ARENA_UNIT, NULL);
  ferry_lane_writer_init (&writer, ferry_segment_get_up (&segment), segment.up_ring, segment.up_capacity);
  read_grants ();
}

/* Sends a packet, with that many descriptors. */
static gboolean
send_packet (const void *data, gsize size, guint n_descriptors)
{
  char control[CMSG_SPACE (N_DESCRIPTORS * sizeof (int))] __attribute__ ((aligned (8))) = {0};
  struct iovec vector = {(void *) data, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

  if (n_descriptors > 0)
    {
      struct cmsghdr *rights;
      int *fds;

      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE (n_descriptors * sizeof (int));
      rights = CMSG_FIRSTHDR (&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN (n_descriptors * sizeof (int));
      fds = (int *) (void *) CMSG_DATA (rights);
      for (guint i = 0; i < n_descriptors; i++)
        fds[i] = STDERR_FILENO;
    }
  return sendmsg (CONTROL_FD, &message, MSG_NOSIGNAL) == (gssize) size;
}

static void
send_bad_packet (const char *what)
{
  guint8 data[4096] = {0};
  FerryAttach packet = {
    .header = {.magic = FERRY_PROTOCOL_MAGIC, .kind = FERRY_CONTROL_ATTACH, .version = FERRY_PROTOCOL_VERSION},
    .segment_size = welcome.segment_size,
  };
  gsize size = sizeof packet;
  guint n_descriptors = 0;

  if (strcmp (what, "nothing") == 0)
    size = 0;
  else if (strcmp (what, "garbage") == 0)
    memset (&packet, 0xa5, sizeof packet);
  else if (strcmp (what, "magic") == 0)
    packet.header.magic[7] = 'X';
  else if (g_str_has_prefix (what, "version"))
    packet.header.version = 99;
  else if (strcmp (what, "kind") == 0)
    packet.header.kind = 77;
  else if (strcmp (what, "size") == 0)
    packet.segment_size++;
  else if (strcmp (what, "short") == 0)
    size = sizeof packet.header;
  else if (strcmp (what, "long") == 0)
    size = sizeof data;
  else if (strcmp (what, "descriptor") == 0)
    n_descriptors = 1;
  else if (strcmp (what, "descriptors") == 0)
    n_descriptors = N_DESCRIPTORS;
  else
    check (strcmp (what, "attach") == 0, what);
  if (strcmp (what, "version-long") == 0)
    size = sizeof data;
  else if (strcmp (what, "version-short") == 0)
    size = sizeof packet - 8;
  memcpy (data, &packet, sizeof packet);
  check (send_packet (data, size, n_descriptors), "packet");
}

static void
send_packets (void)
{
  FerryAttach packet = {.header = {.magic = FERRY_PROTOCOL_MAGIC, .kind = FERRY_CONTROL_ATTACH}};

  for (;;)
    send_packet (&packet, sizeof packet, 0);
}

/* ---- records ---- */

static void
publish (gsize size)
{
  if (ferry_lane_writer_publish (&writer, size))
    ferry_doorbell_ring (doorbell);
}

static guint8 *
get_place (gsize size)
{
  take_welcome ();
  while (!ferry_lane_writer_has_room (&writer, size))
    g_thread_yield ();
  return ferry_lane_writer_get_place (&writer);
}

static void
write_record (guint16 kind, guint16 number, const void *payload, gsize length)
{
  guint8 *place = get_place (ferry_record_size (length));

  ferry_lane_writer_write_header (&writer, 0, (guint32) length, kind, number, connection_id);
  if (length > 0)
    memcpy (place + sizeof (FerryRecordHeader), payload, length);
  publish (ferry_record_size (length));
}

/* Publishes only size bytes of a record that says length. */
static void
write_header (guint16 kind, guint32 length, gsize size)
{
  get_place (size);
  ferry_lane_writer_write_header (&writer, 0, length, kind, 0, connection_id);
  atomic_store (&writer.control->writer.index, writer.tail + size);
  publish (size);
}

static void
send_numbers (guint64 n)
{
  for (guint64 i = 0; i < n; i++, next_number++)
    write_record (FERRY_RECORD_BYTES, 0, &next_number, sizeof next_number);
}

static void
announce_types (guint64 n)
{
  for (guint64 number = 1; number <= n; number++)
    write_record (FERRY_RECORD_TYPE, (guint16) number, "s", 1);
}

/* size bytes of n variants, one inside the other, around an array of bytes. Returns (transfer full). */
static guint8 *
make_chain (gsize size, guint64 n)
{
  guint8 *chain = g_malloc0 (size);

  g_assert (n > 0 && size > 2 * n);
  for (gsize i = 0; i < n; i++)
    chain[size - 1 - 2 * i] = 'v';
  memcpy (chain + size - 2 * n, "ay", 2);
  return chain;
}

/* Announces a type of n tuples. */
static void
announce_tuples (guint64 n)
{
  g_autofree char *open = g_strnfill (n, '(');
  g_autofree char *close = g_strnfill (n, ')');
  g_autofree char *type = g_strconcat (open, "y", close, NULL);

  write_record (FERRY_RECORD_TYPE, 1, type, strlen (type));
}

static void
begin_large (guint64 size, guint16 kind)
{
  FerryLargeMessage large = {.size = size, .kind = kind};

  write_record (FERRY_RECORD_LARGE, 0, &large, sizeof large);
}

static void
storm_of_large (guint64 n)
{
  for (guint64 i = 0; i < n; i++)
    {
      begin_large (60 * 1000 * 1000, FERRY_RECORD_BYTES);
      write_record (FERRY_RECORD_ABANDON, 0, NULL, 0);
    }
}

static void
fill_randomly (guint8 *data, gsize size)
{
  for (gsize i = 0; i + 4 <= size; i += 4)
    {
      guint32 random = g_random_int ();

      memcpy (data + i, &random, sizeof random);
    }
}

static void
write_garbage (gsize size)
{
  fill_randomly (get_place (size), size);
  writer.word = g_random_int_range (1, G_MAXINT32);
  atomic_store (&writer.control->writer.index, writer.tail + size);
  publish (size);
}

/* Fills the ring with records of 32 bytes all around, without a word that ends them, and stores no index. */
static void
fill_ring (void)
{
  const guint64 word = ferry_record_pack (16, FERRY_RECORD_BYTES, 0);

  take_welcome ();
  for (gsize offset = writer.capacity; offset > 0; offset -= 32)
    {
      _Atomic guint64 *place = ferry_lane_get_word (writer.ring, writer.capacity, writer.tail + offset - 32);

      memcpy ((gpointer) (place + 1), &connection_id, sizeof connection_id);
      atomic_store (place, word);
    }
  ferry_doorbell_ring (doorbell);
}

static void
stop_in_mid_write (void)
{
  get_place (ferry_record_size (8));
  ferry_lane_writer_write_header (&writer, 0, 8, FERRY_RECORD_BYTES, 0, connection_id);
  raise (SIGSTOP);
}

static gboolean
obey_record (const char *order, const char *value, guint64 n)
{
  static const guint8 zeros[FERRY_MAX_RECORD_PAYLOAD];

  if (g_str_has_prefix (order, "send:"))
    send_numbers (n);
  else if (g_str_has_prefix (order, "kind:"))
    write_record ((guint16) n, 0, zeros, 8);
  else if (g_str_has_prefix (order, "number:"))
    write_record (FERRY_RECORD_BYTES, (guint16) n, zeros, 8);
  else if (g_str_has_prefix (order, "length:"))
    write_header (FERRY_RECORD_BYTES, (guint32) n, sizeof (FerryRecordHeader));
  else if (strcmp (order, "fill-ring") == 0)
    fill_ring ();
  else if (g_str_has_prefix (order, "types:"))
    announce_types (n);
  else if (g_str_has_prefix (order, "type-tuples:"))
    announce_tuples (n);
  else if (g_str_has_prefix (order, "type:"))
    write_record (FERRY_RECORD_TYPE, (guint16) n, strchr (value, ':') + 1, strlen (strchr (value, ':') + 1));
  else if (strcmp (order, "type-zero") == 0)
    write_record (FERRY_RECORD_TYPE, 1, "s\0s", 3);
  else if (strcmp (order, "type-long") == 0)
    write_record (FERRY_RECORD_TYPE, 1, zeros, 1032);
  else if (g_str_has_prefix (order, "variant:"))
    write_record (FERRY_RECORD_VARIANT, (guint16) n, zeros, 8);
  else if (strcmp (order, "beyond") == 0)
    write_header (FERRY_RECORD_BYTES, 64, 40);
  else if (strcmp (order, "half-header") == 0)
    write_header (FERRY_RECORD_BYTES, 8, 8);
  else if (strcmp (order, "stop") == 0)
    write_record (FERRY_RECORD_STOP, 0, NULL, 0);
  else if (strcmp (order, "stop-payload") == 0)
    write_record (FERRY_RECORD_STOP, 0, zeros, 8);
  else if (g_str_has_prefix (order, "garbage:"))
    write_garbage (n);
  else if (strcmp (order, "mid-write") == 0)
    stop_in_mid_write ();
  else
    return FALSE;
  return TRUE;
}

typedef struct
{
  FerryBufferMessage buffer;
  guint64 message; /* 0: as long as the buffer */
  gsize length;
  guint16 kind;
  guint16 type;
} BufferOrder;

static void
parse_buffer (const char *text, BufferOrder *order)
{
  g_auto (GStrv) pairs = g_strsplit (text, ",", -1);

  for (char **pair = pairs; *pair != NULL; pair++)
    {
      const char *sign = strchr (*pair, '=');
      guint64 n = g_ascii_strtoull (sign != NULL ? sign + 1 : "", NULL, 0);

      if (g_str_has_prefix (*pair, "offset="))
        order->buffer.offset = n;
      else if (g_str_has_prefix (*pair, "size="))
        order->buffer.size = n;
      else if (g_str_has_prefix (*pair, "number="))
        order->buffer.number = (guint32) n;
      else if (g_str_has_prefix (*pair, "type="))
        order->type = (guint16) n;
      else if (g_str_has_prefix (*pair, "length="))
        order->length = n;
      else if (g_str_has_prefix (*pair, "kind="))
        order->kind = (guint16) n;
      else if (g_str_has_prefix (*pair, "message="))
        order->message = n;
      else
        check (FALSE, *pair);
    }
}

static void
write_buffer (const char *text)
{
  static guint8 payload[FERRY_MAX_RECORD_PAYLOAD];
  BufferOrder order = {.buffer = {.size = 8}, .length = sizeof order.buffer};

  parse_buffer (text, &order);
  memset (payload, 0xa5, sizeof payload);
  memcpy (payload, &order.buffer, sizeof order.buffer);
  write_record (FERRY_RECORD_BUFFER, order.type, payload, order.length);
}

static void
write_whole (const char *text)
{
  guint8 payload[sizeof (FerryLargeMessage) + sizeof (FerryBufferMessage) + 8] = {0};
  BufferOrder order = {.buffer = {.size = 40000}, .length = sizeof payload - 8, .kind = FERRY_RECORD_BYTES};
  FerryLargeMessage large;

  parse_buffer (text, &order);
  large = (FerryLargeMessage){
    .size = order.message != 0 ? order.message : order.buffer.size, .kind = order.kind, .number = order.type};
  memcpy (payload, &large, sizeof large);
  memcpy (payload + sizeof large, &order.buffer, sizeof order.buffer);
  write_record (FERRY_RECORD_LARGE, 0, payload, MIN (order.length, sizeof payload));
}

/* Values of type number 1: as a message, in pieces, in a buffer, and beside one. */
static gboolean
obey_chain (const char *order, guint64 n)
{
  const gsize large_size = FERRY_MAX_RECORD_PAYLOAD + 1000;
  const FerryLargeMessage large = {.size = large_size, .kind = FERRY_RECORD_VARIANT, .number = 1};
  const FerryBufferMessage buffer = {.size = large_size};
  g_autofree guint8 *chain = strstr (order, "chain:") != NULL ? make_chain (large_size, n) : NULL;
  const guint8 *small = chain + large_size - 1000;

  if (chain == NULL)
    return FALSE;
  if (g_str_has_prefix (order, "chain:"))
    write_record (FERRY_RECORD_VARIANT, 1, small, 1000);
  else if (g_str_has_prefix (order, "large-chain:"))
    {
      write_record (FERRY_RECORD_LARGE, 0, &large, sizeof large);
      write_record (FERRY_RECORD_PIECE, 0, chain, FERRY_MAX_RECORD_PAYLOAD);
      write_record (FERRY_RECORD_PIECE, 0, small, 1000);
    }
  else if (g_str_has_prefix (order, "whole-chain:"))
    {
      guint8 payload[sizeof large + sizeof buffer];

      memcpy (arena->memory + buffer.offset, chain, large_size);
      memcpy (payload, &large, sizeof large);
      memcpy (payload + sizeof large, &buffer, sizeof buffer);
      write_record (FERRY_RECORD_LARGE, 0, payload, sizeof payload);
    }
  else if (g_str_has_prefix (order, "metadata-chain:"))
    {
      guint8 payload[sizeof buffer + 1000];

      memcpy (payload, &buffer, sizeof buffer);
      memcpy (payload + sizeof buffer, small, 1000);
      write_record (FERRY_RECORD_BUFFER, 1, payload, sizeof payload);
    }
  else
    return FALSE;
  return TRUE;
}

static gboolean
obey_large (const char *order, const char *value, guint64 n)
{
  static const guint8 zeros[FERRY_MAX_RECORD_PAYLOAD];

  if (g_str_has_prefix (order, "large:"))
    begin_large (n, FERRY_RECORD_BYTES);
  else if (g_str_has_prefix (order, "large-kind:"))
    begin_large (100 * 1000, (guint16) n);
  else if (strcmp (order, "large-short") == 0)
    write_record (FERRY_RECORD_LARGE, 0, zeros, 8);
  else if (g_str_has_prefix (order, "large-storm:"))
    storm_of_large (n);
  else if (g_str_has_prefix (order, "piece:"))
    write_record (FERRY_RECORD_PIECE, 0, zeros, n);
  else if (strcmp (order, "piece-beyond") == 0)
    write_header (FERRY_RECORD_PIECE, 64, 40);
  else if (strcmp (order, "abandon") == 0)
    write_record (FERRY_RECORD_ABANDON, 0, NULL, 0);
  else if (g_str_has_prefix (order, "buffer:"))
    write_buffer (value);
  else if (g_str_has_prefix (order, "whole:"))
    write_whole (value);
  else
    return FALSE;
  return TRUE;
}

/* ---- memory ---- */

static void
wait_until_drained (void)
{
  while (atomic_load (&writer.control->reader.head) != writer.tail)
    g_thread_yield ();
}

/* The next record makes it count. */
static void
set_index (guint64 index)
{
  take_welcome ();
  atomic_store (&writer.control->writer.index, index);
}

static void
send_with_wild_words (guint64 n)
{
  for (guint64 i = 0; i < n; i++)
    {
      take_welcome ();
      atomic_store (&writer.control->writer.writer_waiting, g_random_int ());
      atomic_store (&writer.control->wake.reader_waiting, g_random_int ());
      atomic_store (&writer.control->writer_bell.rings, g_random_int ());
      send_numbers (1);
    }
}

static void
scribble (guint64 n)
{
  take_welcome ();
  for (guint64 i = 0; i < n; i++)
    {
      fill_randomly (segment.base, FERRY_SEGMENT_EXPRESS_RING);
      fill_randomly (segment.express_ring, FERRY_EXPRESS_CAPACITY);
      fill_randomly (segment.down_ring, FERRY_DOWN_CAPACITY);
      fill_randomly (segment.up_ring, segment.up_capacity);
      ferry_doorbell_ring (doorbell);
    }
}

static void
scribble_over_arena (guint64 n)
{
  for (guint64 i = 0; i < n; i++)
    fill_randomly ((guint8 *) arena->control, sizeof *arena->control);
}

static void
free_pages (int fd, gsize size)
{
  check (fallocate (fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t) size) == 0, "fallocate");
}

static void
punch (guint64 n)
{
  gint64 longest = 0;

  for (guint64 i = 0; i < n; i++)
    {
      gint64 began;

      for (gsize offset = 0; offset < arena->size; offset += FERRY_ARENA_UNIT)
        arena->memory[offset] = 1;
      ferry_doorbell_ring (doorbell);
      began = g_get_monotonic_time ();
      free_pages (memory, welcome.segment_size);
      free_pages (arena_memory, arena->size);
      longest = MAX (longest, g_get_monotonic_time () - began);
    }
  next_number = (guint64) longest;
}

/* Another process fills the arena and frees its pages, until this one ends. */
static void
punch_on (void)
{
  pid_t parent = getpid ();

  if (fork () != 0)
    return;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  while (getppid () == parent)
    {
      for (gsize offset = 0; offset < arena->size; offset += FERRY_ARENA_UNIT)
        arena->memory[offset] = 1;
      free_pages (arena_memory, arena->size);
    }
  _exit (0);
}

/* Without end, one of a MiB in the middle of the arena after the other. */
static void
send_buffers (void)
{
  const FerryBufferMessage message = {.offset = arena->size / 2, .size = 1024 * 1024};

  for (;;)
    {
      write_record (FERRY_RECORD_BUFFER, 0, &message, sizeof message);
      while (atomic_exchange (&arena->control->released, 0) == 0)
        g_thread_yield ();
    }
}

/* Says that a value is in the first cell, and finds that nothing takes that before it has attached. What it prints has
 * the monitor look at its link. */
static void
mark_before_attaching (void)
{
  FerryLinkControl *control;

  take_welcome ();
  control = ferry_segment_get_control (&segment);
  atomic_fetch_or (&control->dirty, 1);
  ferry_doorbell_ring (doorbell);
  for (guint i = 0; i < 1000; i++)
    {
      if (i % 100 == 0)
        g_printerr ("marked\n");
      g_thread_yield ();
      check (atomic_load (&control->dirty) == 1, "a mark was taken before the attach");
    }
}

static void
wait_until_mark_is_taken (void)
{
  while (atomic_load (&ferry_segment_get_control (&segment)->dirty) != 0)
    g_thread_yield ();
}

static gboolean
obey_memory (const char *order, const char *value, guint64 n)
{
  if (strcmp (order, "drained") == 0)
    wait_until_drained ();
  else if (g_str_has_prefix (order, "index:"))
    set_index (writer.tail + (guint64) g_ascii_strtoll (value, NULL, 10));
  else if (strcmp (order, "index-beyond") == 0)
    set_index (writer.tail + writer.capacity + 8);
  else if (strcmp (order, "head") == 0)
    atomic_store (&writer.control->reader.head, 0xdeadbeefdeadbee8);
  else if (g_str_has_prefix (order, "waiting:"))
    send_with_wild_words (n);
  else if (strcmp (order, "mark") == 0)
    mark_before_attaching ();
  else if (strcmp (order, "mark-taken") == 0)
    wait_until_mark_is_taken ();
  else if (strcmp (order, "table") == 0)
    fill_randomly (segment.base + FERRY_SEGMENT_PIPE_TABLE, FERRY_SEGMENT_EXPRESS_RING - FERRY_SEGMENT_PIPE_TABLE);
  else if (g_str_has_prefix (order, "scribble:"))
    scribble (n);
  else if (strcmp (order, "released") == 0)
    atomic_store (&arena->control->released, G_MAXUINT64);
  else if (g_str_has_prefix (order, "arena:"))
    scribble_over_arena (n);
  else if (strcmp (order, "unread") == 0)
    atomic_store (&ferry_segment_get_down (&segment)->reader.head, 0);
  else if (strcmp (order, "copied") == 0)
    while (atomic_load (&arena->control->copied) == 0)
      g_thread_yield ();
  else if (g_str_has_prefix (order, "punch:"))
    punch (n);
  else if (strcmp (order, "punch-on") == 0)
    punch_on ();
  else if (strcmp (order, "buffers") == 0)
    send_buffers ();
  else
    return FALSE;
  return TRUE;
}

/* ---- the doorbell and the process ---- */

static void
fill_doorbell (void)
{
  guint64 count = 0xfffffffffffffffe;

  fcntl (doorbell, F_SETFL, fcntl (doorbell, F_GETFL) | O_NONBLOCK);
  check (read (doorbell, &(guint64){0}, 8) == 8 || errno == EAGAIN, "read");
  check (write (doorbell, &count, 8) == 8, "write");
}

static void
empty_doorbell (void)
{
  guint64 count;

  fcntl (doorbell, F_SETFL, fcntl (doorbell, F_GETFL) | O_NONBLOCK);
  check (read (doorbell, &count, 8) == 8 || errno == EAGAIN, "read");
}

static gboolean
obey_doorbell (const char *order)
{
  if (strcmp (order, "bell-block") == 0)
    check (fcntl (doorbell, F_SETFL, fcntl (doorbell, F_GETFL) & ~O_NONBLOCK) == 0, "fcntl");
  else if (strcmp (order, "bell-fill") == 0)
    fill_doorbell ();
  else if (strcmp (order, "bell-empty") == 0)
    empty_doorbell ();
  else if (strcmp (order, "bell-storm") == 0)
    for (;;)
      ferry_doorbell_ring (doorbell);
  else
    return FALSE;
  return TRUE;
}

static void
send_for (guint64 id)
{
  guint64 own = connection_id;

  take_welcome ();
  connection_id = id;
  write_record (FERRY_RECORD_BYTES, 0, &next_number, sizeof next_number);
  connection_id = own;
}

static gboolean
obey (const char *order)
{
  const char *colon = strchr (order, ':');
  const char *value = colon != NULL ? colon + 1 : "";
  guint64 n = g_ascii_strtoull (value, NULL, 10);

  if (strcmp (order, "welcome") == 0)
    take_welcome ();
  else if (strcmp (order, "attach") == 0)
    {
      take_welcome ();
      check (ferry_control_send_attach (CONTROL_FD, welcome.segment_size, NULL), "attach");
    }
  else if (g_str_has_prefix (order, "packet:"))
    send_bad_packet (value);
  else if (strcmp (order, "packets") == 0)
    send_packets ();
  else if (strcmp (order, "second") == 0)
    connection_id = connection_ids[1];
  else if (g_str_has_prefix (order, "id:"))
    send_for (n);
  else if (g_str_has_prefix (order, "exit:"))
    _exit ((int) n);
  else if (strcmp (order, "pause") == 0)
    for (;;)
      pause ();
  else
    return obey_record (order, value, n) || obey_large (order, value, n) || obey_chain (order, n) ||
           obey_memory (order, value, n) || obey_doorbell (order);
  return TRUE;
}

int
main (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    {
      if (obey (argv[i]))
        continue;
      g_printerr ("hostile-worker: no such order: %s\n", argv[i]);
      return 2;
    }
  return 0;
}
