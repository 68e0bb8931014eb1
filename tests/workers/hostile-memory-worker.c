/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that attaches manually, and hands over what is no buffer. It does what its arguments tell it:
 *
 *   send:N         good messages of 8 bytes, numbered on from the last one
 *   drained        wait until all was taken
 *   offer:WHAT     send a descriptor, of a MiB of memory unless the name says other:
 *                    good, unsealed, writable (all seals but that against writing), open (without that against more of
 *                    them), hugetlb (with all seals), disk (a file with another name in the folder of the program),
 *                    pipe, directory, socket, null (/dev/null), short, long (by a byte), sparse, counted (allocated,
 *                    not written), beyond (the same behind its end), hole, giant (1 TiB),
 *                    or else none, two, many (200 good ones in one packet)
 *   punched        one in which it then tries to punch a hole, which must be refused
 *   offers:N       N good ones
 *   record         the record of the next good one
 *   record:SIZE    the same with another size
 *   number:N       the same with another number
 *   typed:N        the same with metadata of type N
 *   empty          a record without payload
 *   lent           a buffer in the arena
 *   second         write for the second sender from here on
 *   pause          hang without end
 *   exit           end at once */

#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-lane-private.h"
#include "lane/ferry-segment-private.h"
#include "lane/ferry-wake-private.h"
#include "wire/ferry-handshake-private.h"

#define CONTROL_FD 3
#define SIZE ((gsize) 1024 * 1024)
#define PAGE 4096
#define HUGE_PAGE ((gsize) 2 * 1024 * 1024)
#define GIANT ((gsize) 1 << (sizeof (gsize) > 4 ? 40 : 31))
#define MANY 200
#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

static FerryWelcome welcome;
static FerrySegment segment;
static FerryLaneWriter writer;
static int doorbell = -1;
static guint64 connection_ids[2];
static guint64 connection_id;
static guint64 next_number;
static guint64 n_records;

static void
check (gboolean success, const char *what)
{
  if (success)
    return;
  g_printerr ("hostile-memory-worker: %s: %s\n", what, g_strerror (errno));
  exit (2);
}

/* ---- the link ---- */

static void
attach (void)
{
  ferry_autofd memory = -1;
  FerryLaneReader reader;

  check (ferry_control_receive_welcome (CONTROL_FD, &welcome, &memory, &doorbell, NULL, NULL), "welcome");
  check (ferry_segment_map (&segment, memory, welcome.up_capacity, welcome.n_cells, NULL), "map");
  ferry_lane_writer_init (&writer, ferry_segment_get_up (&segment), segment.up_ring, segment.up_capacity);
  ferry_lane_reader_init (&reader, ferry_segment_get_down (&segment), segment.down_ring, FERRY_DOWN_CAPACITY);
  check (ferry_lane_reader_look (&reader), "down lane");
  for (guint i = 0; i < G_N_ELEMENTS (connection_ids); i++)
    {
      FerryRecordHeader header;

      memcpy (&header, ferry_lane_reader_get_place (&reader), sizeof header);
      connection_ids[i] = header.connection_id;
      ferry_lane_reader_consume (&reader, ferry_record_size (header.length));
    }
  connection_id = connection_ids[0];
  check (ferry_control_send_attach (CONTROL_FD, welcome.segment_size, NULL), "attach");
}

static void
write_record (guint16 kind, guint16 number, const void *payload, gsize length)
{
  gsize size = ferry_record_size (length);
  guint8 *place;

  while (!ferry_lane_writer_has_room (&writer, size))
    g_thread_yield ();
  place = ferry_lane_writer_get_place (&writer);
  ferry_lane_writer_write_header (&writer, 0, (guint32) length, kind, number, connection_id);
  if (length > 0)
    memcpy (place + sizeof (FerryRecordHeader), payload, length);
  if (ferry_lane_writer_publish (&writer, size))
    ferry_doorbell_ring (doorbell);
}

static void
wait_until_drained (void)
{
  while (atomic_load (&writer.control->reader.head) != writer.tail)
    g_thread_yield ();
}

/* Sends a packet of size bytes, with n times fd. Waits while the socket is full. */
static void
send_packet (const void *data, gsize size, int fd, guint n)
{
  char control[CMSG_SPACE (MANY * sizeof (int))] __attribute__ ((aligned (8))) = {0};
  struct iovec vector = {(void *) data, size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

  if (n > 0)
    {
      struct cmsghdr *rights;

      message.msg_control = control;
      message.msg_controllen = CMSG_SPACE (n * sizeof (int));
      rights = CMSG_FIRSTHDR (&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN (n * sizeof (int));
      for (guint i = 0; i < n; i++)
        memcpy (CMSG_DATA (rights) + i * sizeof (int), &fd, sizeof fd);
    }
  sendmsg (CONTROL_FD, &message, MSG_NOSIGNAL);
}

static const FerryControlHeader packet = {
  .magic = FERRY_PROTOCOL_MAGIC, .kind = FERRY_CONTROL_DESCRIPTOR, .version = FERRY_PROTOCOL_VERSION};

/* ---- what is no buffer, or is one ---- */

static int
make_memory (gsize size, gsize filled, guint flags, int seals)
{
  int fd = memfd_create ("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
  g_autofree guint8 *data = g_malloc (MAX (filled, 1));

  check (fd >= 0 && ftruncate (fd, (off_t) size) == 0, "memfd_create");
  memset (data, 7, filled);
  check (filled == 0 || pwrite (fd, data, filled, 0) == (gssize) filled, "write");
  check (seals == 0 || fcntl (fd, F_ADD_SEALS, seals) == 0, "seal");
  return fd;
}

static int
make_hole (void)
{
  int fd = make_memory (SIZE, SIZE, 0, 0);

  check (fallocate (fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE) == 0, "punch");
  check (fcntl (fd, F_ADD_SEALS, ALL_SEALS) == 0, "seal");
  return fd;
}

/* Blocks are counted for it that no page is in, or of which none is within its size. */
static int
make_counted (gboolean within)
{
  int fd = memfd_create ("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  check (fd >= 0 && ftruncate (fd, SIZE) == 0, "memfd_create");
  check (fallocate (fd, FALLOC_FL_KEEP_SIZE, within ? 0 : SIZE, SIZE) == 0, "fallocate");
  check (fcntl (fd, F_ADD_SEALS, ALL_SEALS) == 0, "seal");
  return fd;
}

/* Without another descriptor of it that could be written to. */
static int
make_read_only (void)
{
  ferry_autofd fd = make_memory (SIZE, SIZE, 0, ALL_SEALS);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);

  return open (path, O_RDONLY | O_CLOEXEC);
}

static int
make_punched (void)
{
  int fd = make_memory (SIZE, SIZE, 0, ALL_SEALS);

  check (fallocate (fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE) < 0 && errno == EPERM, "punch");
  check (ftruncate (fd, 0) < 0 && errno == EPERM, "ftruncate");
  return fd;
}

static int
make_file (const char *folder)
{
  int fd = open (folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  static const guint8 zeros[SIZE];

  check (fd >= 0 && write (fd, zeros, SIZE) == (gssize) SIZE, "file");
  return fd;
}

static int
make_end (gboolean is_socket)
{
  int fds[2];

  check (is_socket ? socketpair (AF_UNIX, SOCK_STREAM, 0, fds) == 0 : pipe (fds) == 0, "pipe");
  return fds[0];
}

static int
make (const char *what)
{
  if (strcmp (what, "unsealed") == 0)
    return make_memory (SIZE, SIZE, 0, 0);
  if (strcmp (what, "writable") == 0)
    return make_memory (SIZE, SIZE, 0, ALL_SEALS & ~F_SEAL_WRITE);
  if (strcmp (what, "open") == 0)
    return make_memory (SIZE, SIZE, 0, ALL_SEALS & ~F_SEAL_SEAL);
  if (strcmp (what, "hugetlb") == 0)
    return make_memory (HUGE_PAGE, 0, MFD_HUGETLB, ALL_SEALS);
  if (strcmp (what, "disk") == 0)
    return make_file (".");
  if (strcmp (what, "pipe") == 0 || strcmp (what, "socket") == 0)
    return make_end (strcmp (what, "socket") == 0);
  if (strcmp (what, "directory") == 0 || strcmp (what, "null") == 0)
    return open (strcmp (what, "null") == 0 ? "/dev/null" : "/", O_RDONLY | O_CLOEXEC);
  if (strcmp (what, "short") == 0 || strcmp (what, "long") == 0)
    return make_memory (strcmp (what, "long") == 0 ? SIZE + 1 : SIZE - 1, SIZE - 1, 0, ALL_SEALS);
  if (strcmp (what, "sparse") == 0)
    return make_memory (SIZE, SIZE - PAGE, 0, ALL_SEALS);
  if (strcmp (what, "giant") == 0)
    return make_memory (GIANT, PAGE, 0, ALL_SEALS);
  if (strcmp (what, "counted") == 0 || strcmp (what, "beyond") == 0)
    return make_counted (strcmp (what, "counted") == 0);
  if (strcmp (what, "hole") == 0)
    return make_hole ();
  if (strcmp (what, "read-only") == 0)
    return make_read_only ();
  return make_memory (SIZE, SIZE, 0, ALL_SEALS);
}

static void
offer (const char *what)
{
  ferry_autofd fd = make (what);
  guint n = 1;

  check (fd >= 0, what);
  if (strcmp (what, "none") == 0)
    n = 0;
  else if (strcmp (what, "two") == 0)
    n = 2;
  else if (strcmp (what, "many") == 0)
    n = MANY;
  send_packet (&packet, sizeof packet, fd, n);
}

static void
memory_fd (int fd)
{
  send_packet (&packet, sizeof packet, fd, 1);
}

static void
offer_many (guint64 n)
{
  ferry_autofd fd = make ("good");

  while (n-- > 0)
    memory_fd (fd);
}

static void
write_one_shot (guint64 number, gsize size, guint16 type)
{
  guint64 payload[3] = {number, size, 0};

  write_record (FERRY_RECORD_ONE_SHOT, type, payload, type == 0 ? 16 : 24);
}

static void
write_lent (void)
{
  FerryBufferMessage message = {.size = 1};

  write_record (FERRY_RECORD_BUFFER, 0, &message, sizeof message);
}

static gboolean
obey (const char *order)
{
  const char *colon = strchr (order, ':');
  const char *value = colon != NULL ? colon + 1 : "";
  guint64 n = g_ascii_strtoull (value, NULL, 10);

  if (g_str_has_prefix (order, "send:"))
    for (guint64 i = 0; i < n; i++, next_number++)
      write_record (FERRY_RECORD_BYTES, 0, &next_number, sizeof next_number);
  else if (strcmp (order, "drained") == 0)
    wait_until_drained ();
  else if (g_str_has_prefix (order, "offer:"))
    offer (value);
  else if (strcmp (order, "punched") == 0)
    memory_fd (make_punched ());
  else if (g_str_has_prefix (order, "offers:"))
    offer_many (n);
  else if (g_str_has_prefix (order, "record"))
    write_one_shot (++n_records, n > 0 ? n : SIZE, 0);
  else if (g_str_has_prefix (order, "number:"))
    write_one_shot (n, SIZE, 0);
  else if (g_str_has_prefix (order, "typed:"))
    write_one_shot (++n_records, SIZE, (guint16) n);
  else if (strcmp (order, "empty") == 0)
    write_record (FERRY_RECORD_ONE_SHOT, 0, NULL, 0);
  else if (strcmp (order, "lent") == 0)
    write_lent ();
  else if (strcmp (order, "second") == 0)
    connection_id = connection_ids[1];
  else if (strcmp (order, "exit") == 0)
    _exit (0);
  else
    return FALSE;
  return TRUE;
}

int
main (int argc, char **argv)
{
  attach ();
  for (int i = 1; i < argc; i++)
    {
      if (strcmp (argv[i], "pause") == 0)
        for (;;)
          pause ();
      if (obey (argv[i]))
        continue;
      g_printerr ("hostile-memory-worker: no such order: %s\n", argv[i]);
      return 2;
    }
  return 0;
}
