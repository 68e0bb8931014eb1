/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-downlink.c, link/ferry-link.c
 *
 * Descriptors that go down a link with messages, with both ends in this process: over a control socket, as with a
 * worker, and without one. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "down-fixture.h"
#include "link/ferry-link-private.h"

/* How many of the next packets the socket has no room for. */
static guint n_without_room;

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  if (n_without_room > 0)
    {
      n_without_room--;
      errno = EAGAIN;
      return -1;
    }
  return syscall (SYS_sendmsg, fd, message, flags);
}

typedef struct
{
  DownEnds ends;
  int control; /* the worker's end, or -1 */
} Scene;

/* over_socket: as between two processes. */
static void
scene_init (Scene *self, gboolean over_socket)
{
  g_autoptr (GError) error = NULL;
  FerryWelcome welcome;
  ferry_autofd memory = -1;
  ferry_autofd doorbell = -1;

  down_ends_init (&self->ends, MAX_MESSAGE);
  self->control = -1;
  if (!over_socket)
    return;
  ferry_link_open_socket (self->ends.link, &error);
  g_assert_no_error (error);
  self->control = ferry_steal_fd (&self->ends.link->worker_end);
  ferry_control_receive_welcome (self->control, &welcome, &memory, &doorbell, NULL, &error);
  g_assert_no_error (error);
  self->ends.link->local = FALSE;
  self->ends.uplink->control = self->control;
  /* What the downlink asks to know whether it is another process'. */
  self->ends.uplink->link = NULL;
}

static void
scene_clear (Scene *self)
{
  self->ends.uplink->link = self->ends.link;
  down_ends_clear (&self->ends);
  ferry_clear_fd (&self->control);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scene, scene_clear)

static guint
count_fds (void)
{
  guint n = 0;

  for (int fd = 0; fd < 1024; fd++)
    n += fcntl (fd, F_GETFD) >= 0;
  return n;
}

static ino_t
get_inode (int fd)
{
  struct stat file;

  g_assert_cmpint (fstat (fd, &file), ==, 0);
  return file.st_ino;
}

static int
new_file (void)
{
  int fd = memfd_create ("test", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  return fd;
}

/* Sends the message of that number, with n copies of a descriptor. */
static FerryDownResult
send_with (Scene *self, guint64 number, gsize size, int fd, guint n)
{
  g_autofree guint8 *data = g_malloc (size + 1);
  FerryPart part = {data, size};
  int descriptors[FERRY_MAX_FDS_PER_LINK];
  FerryDescriptors batch = {descriptors, n, 0};

  for (gsize i = 0; i < size; i++)
    data[i] = test_byte (number, i);
  for (guint i = 0; i < n; i++)
    descriptors[i] = fd;
  return ferry_link_send_with (self->ends.link, 10 + number % 2, &part, 1, &batch);
}

/* Takes the message of that number, which has n descriptors of that file. */
static void
take_with (Scene *self, guint64 number, gsize size, int fd, guint n)
{
  FerryDownMessage message;

  while (ferry_downlink_receive (self->ends.downlink, 0, &message) != FERRY_DOWN_EVENT_MESSAGE)
    down_wait_and_flush (&self->ends);
  down_check (&message, number, size);
  g_assert_cmpuint (message.descriptors != NULL ? message.descriptors->len : 0, ==, n);
  for (guint i = 0; i < n; i++)
    {
      int taken = g_array_index (message.descriptors, int, i);

      g_assert_cmpuint (get_inode (taken), ==, get_inode (fd));
      g_assert_cmpint (fcntl (taken, F_GETFD) & FD_CLOEXEC, !=, 0);
    }
}

static void
test_descriptors_come_with_their_message (gconstpointer over_socket)
{
  guint before = count_fds ();
  ferry_autofd first = new_file ();
  ferry_autofd second = new_file ();

  {
    g_auto (Scene) scene = {0};

    scene_init (&scene, over_socket != NULL);
    g_assert_cmpint (send_with (&scene, 1, 100, first, 2), ==, FERRY_DOWN_SENT);
    g_assert_cmpint (down_send (&scene.ends, 2, 100), ==, FERRY_DOWN_SENT);
    g_assert_cmpint (send_with (&scene, 3, 100, second, 64 - 2), ==, FERRY_DOWN_SENT);
    take_with (&scene, 1, 100, first, 2);
    take_with (&scene, 2, 100, first, 0);
    take_with (&scene, 3, 100, second, 64 - 2);
  }
  g_assert_cmpuint (count_fds (), ==, before + 2);
}

static void
test_large_messages_have_them_too (gconstpointer over_socket)
{
  g_auto (Scene) scene = {0};
  ferry_autofd fd = new_file ();

  scene_init (&scene, over_socket != NULL);
  g_assert_cmpint (send_with (&scene, 1, 500000, fd, 3), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (send_with (&scene, 2, 500000, fd, 1), ==, FERRY_DOWN_SENT);
  take_with (&scene, 1, 500000, fd, 3);
  take_with (&scene, 2, 500000, fd, 1);
}

static void
count_room (gpointer data)
{
  (*(guint *) data)++;
}

static void
test_64_may_lie_with_a_worker (gconstpointer over_socket)
{
  g_auto (Scene) scene = {0};
  ferry_autofd fd = new_file ();
  guint n_told = 0;
  FerryRoomWatch watch = {.func = count_room, .data = &n_told};

  scene_init (&scene, over_socket != NULL);
  ferry_link_add_room_watch (scene.ends.link, &watch);
  for (guint i = 0; i < 8; i++)
    g_assert_cmpint (send_with (&scene, i, 10, fd, 8), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (send_with (&scene, 8, 10, fd, 1), ==, FERRY_DOWN_UNTAKEN);
  g_assert_cmpint (down_send (&scene.ends, 8, 10), ==, FERRY_DOWN_SENT);
  /* Each that is taken rings until half of them are gone. */
  for (guint i = 0; i < 4; i++)
    {
      g_assert_cmpuint (n_told, ==, 0);
      take_with (&scene, i, 10, fd, 8);
      down_wait_and_flush (&scene.ends);
    }
  g_assert_cmpuint (n_told, ==, 1);
  g_assert_cmpint (send_with (&scene, 9, 10, fd, 32), ==, FERRY_DOWN_SENT);
  ferry_link_remove_room_watch (scene.ends.link, &watch);
}

static void
test_what_is_not_taken_is_closed_with_the_link (gconstpointer over_socket)
{
  guint before = count_fds ();

  {
    g_auto (Scene) scene = {0};
    ferry_autofd fd = new_file ();

    scene_init (&scene, over_socket != NULL);
    for (guint i = 0; i < 4; i++)
      g_assert_cmpint (send_with (&scene, i, 10, fd, 16), ==, FERRY_DOWN_SENT);
    take_with (&scene, 0, 10, fd, 16);
  }
  g_assert_cmpuint (count_fds (), ==, before);
}

#define N_BETWEEN_THREADS 20000

/* How many descriptors the message of that number has: some have none. */
static guint
get_n (guint64 number)
{
  return (guint) (number * 7 % 23);
}

static gpointer
take_all (gpointer data)
{
  Scene *self = data;

  for (guint64 i = 0; i < N_BETWEEN_THREADS; i++)
    {
      FerryDownMessage message;

      g_assert_cmpint (ferry_downlink_receive (self->ends.downlink, down_watchdog_time (), &message), ==,
                       FERRY_DOWN_EVENT_MESSAGE);
      down_check (&message, i, 8 + i % 64);
      g_assert_cmpuint (message.descriptors != NULL ? message.descriptors->len : 0, ==, get_n (i));
    }
  return NULL;
}

/* A sender that was turned away is notified, every time. */
static void
test_they_go_between_threads (gconstpointer over_socket)
{
  g_auto (Scene) scene = {0};
  ferry_autofd fd = new_file ();
  GThread *taker;
  guint n_turned_away = 0;

  scene_init (&scene, over_socket != NULL);
  taker = g_thread_new ("test-taker", take_all, &scene);
  for (guint64 i = 0; i < N_BETWEEN_THREADS;)
    {
      FerryDownResult result =
        get_n (i) > 0 ? send_with (&scene, i, 8 + i % 64, fd, get_n (i)) : down_send (&scene.ends, i, 8 + i % 64);

      if (result == FERRY_DOWN_SENT)
        {
          i++;
          continue;
        }
      g_assert_cmpint (result, ==, FERRY_DOWN_UNTAKEN);
      n_turned_away++;
      down_wait_and_flush (&scene.ends);
    }
  g_thread_join (taker);
  g_assert_cmpuint (n_turned_away, >, 0);
}

/* Takes what is in the lane, and leaves the descriptors in the socket. */
static void
pass_all (Scene *self)
{
  FerryLaneWriter *writer = &self->ends.link->down.lane;

  atomic_store (&writer->control->reader.head, writer->tail);
}

static void
test_a_worker_that_passes_them_by_is_noticed (void)
{
  g_auto (Scene) scene = {0};
  ferry_autofd fd = new_file ();

  scene_init (&scene, TRUE);
  g_assert_cmpint (send_with (&scene, 1, 10, fd, 1), ==, FERRY_DOWN_SENT);
  pass_all (&scene);
  g_assert_cmpint (send_with (&scene, 2, 10, fd, 1), ==, FERRY_DOWN_CLOSED);
  g_assert_nonnull (scene.ends.link->down.fault);
}

static void
test_a_worker_that_shuts_the_socket_is_noticed (void)
{
  g_auto (Scene) scene = {0};
  ferry_autofd fd = new_file ();

  scene_init (&scene, TRUE);
  shutdown (scene.control, SHUT_RD);
  g_assert_cmpint (send_with (&scene, 1, 10, fd, 1), ==, FERRY_DOWN_CLOSED);
  g_assert_nonnull (scene.ends.link->down.fault);
}

static void
test_a_worker_that_is_gone_has_broken_nothing (void)
{
  g_auto (Scene) scene = {0};
  ferry_autofd fd = new_file ();

  scene_init (&scene, TRUE);
  ferry_clear_fd (&scene.control);
  g_assert_cmpint (send_with (&scene, 1, 10, fd, 1), ==, FERRY_DOWN_CLOSED);
  g_assert_null (scene.ends.link->down.fault);
}

/* What the other end of the socket is sent in place of the packet. */
static FerryDownEvent
receive_after (Scene *self, gconstpointer packet, gsize size, guint n_packets)
{
  FerryFdBatchMessage message = {.number = 1, .n_descriptors = 1};
  FerryLaneWriter *writer = &self->ends.link->down.lane;
  FerryDownMessage received;
  guint8 *place = ferry_lane_writer_get_place (writer);

  for (guint i = 0; i < n_packets; i++)
    g_assert_cmpint (send (self->ends.link->control, packet, size, 0), ==, size);
  ferry_lane_writer_write_header (writer, 0, sizeof message, FERRY_RECORD_FD_BATCH, 0, 10);
  memcpy (place + sizeof (FerryRecordHeader), &message, sizeof message);
  ferry_lane_writer_publish (writer, ferry_record_size (sizeof message));
  return ferry_downlink_receive (self->ends.downlink, 0, &received);
}

static void
test_a_record_without_its_packet_breaks_the_lane (void)
{
  g_auto (Scene) scene = {0};

  scene_init (&scene, TRUE);
  g_assert_cmpint (receive_after (&scene, NULL, 0, 0), ==, FERRY_DOWN_EVENT_BROKEN);
}

static void
test_a_packet_without_descriptors_breaks_the_lane (void)
{
  g_auto (Scene) scene = {0};
  FerryFdBatch packet = {
    .header = {.kind = FERRY_CONTROL_FD_BATCH, .version = FERRY_PROTOCOL_VERSION}, .number = 1, .n_descriptors = 1};

  memcpy (packet.header.magic, FERRY_PROTOCOL_MAGIC, 8);
  scene_init (&scene, TRUE);
  g_assert_cmpint (receive_after (&scene, &packet, sizeof packet, 1), ==, FERRY_DOWN_EVENT_BROKEN);
}

static void
test_a_packet_of_another_kind_breaks_the_lane (void)
{
  g_auto (Scene) scene = {0};
  guint8 packet[sizeof (FerryFdBatch) + 1] = {0};

  scene_init (&scene, TRUE);
  g_assert_cmpint (receive_after (&scene, packet, sizeof packet, 1), ==, FERRY_DOWN_EVENT_BROKEN);
}

static void
test_too_many_open_files_cost_the_message_its_own (void)
{
  g_auto (Scene) scene = {0};
  ferry_autofd fd = new_file ();
  struct rlimit before, limit;
  FerryDownMessage message;
  FerryDownEvent event;
  guint n_open;

  scene_init (&scene, TRUE);
  g_assert_cmpint (send_with (&scene, 1, 10, fd, 8), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (send_with (&scene, 2, 10, fd, 1), ==, FERRY_DOWN_SENT);
  n_open = count_fds ();
  getrlimit (RLIMIT_NOFILE, &before);
  limit = before;
  limit.rlim_cur = n_open + 3;
  setrlimit (RLIMIT_NOFILE, &limit);
  event = ferry_downlink_receive (scene.ends.downlink, 0, &message);
  setrlimit (RLIMIT_NOFILE, &before);
  g_assert_cmpint (event, ==, FERRY_DOWN_EVENT_MESSAGE);
  g_assert_true (message.is_short);
  g_assert_cmpuint (message.descriptors->len, <, 8);
  take_with (&scene, 2, 10, fd, 1);
}

static void
test_a_descriptor_that_is_not_open_is_refused (gconstpointer over_socket)
{
  g_auto (Scene) scene = {0};
  int none = 1000000;
  FerryDescriptors batch = {&none, 1, 0};
  FerryPart part = {"12345678", 8};

  scene_init (&scene, over_socket != NULL);
  g_assert_cmpint (ferry_link_send_with (scene.ends.link, 10, &part, 1, &batch), ==, FERRY_DOWN_REFUSED);
  g_assert_cmpint (batch.error_number, ==, EBADF);
  down_assert_nothing (&scene.ends);
  g_assert_cmpint (down_send (&scene.ends, 2, 10), ==, FERRY_DOWN_SENT);
  take_with (&scene, 2, 10, -1, 0);
}

/* The worker took all that was in the socket between the two tries, so no ring would come. */
static void
test_a_socket_that_was_full_is_tried_once_more (void)
{
  g_auto (Scene) scene = {0};
  ferry_autofd fd = new_file ();

  scene_init (&scene, TRUE);
  n_without_room = 1;
  g_assert_cmpint (send_with (&scene, 1, 10, fd, 1), ==, FERRY_DOWN_SENT);
  take_with (&scene, 1, 10, fd, 1);
}

static void
test_a_socket_without_room_refuses_the_message (void)
{
  g_auto (Scene) scene = {0};
  ferry_autofd fd = new_file ();
  FerryDescriptors batch = {&fd, 1, 0};
  FerryPart part = {"12345678", 8};

  scene_init (&scene, TRUE);
  n_without_room = 2;
  g_assert_cmpint (ferry_link_send_with (scene.ends.link, 10, &part, 1, &batch), ==, FERRY_DOWN_REFUSED);
  g_assert_cmpint (batch.error_number, ==, ENOBUFS);
  g_assert_cmpuint (n_without_room, ==, 0);
  down_assert_nothing (&scene.ends);
  g_assert_cmpint (send_with (&scene, 2, 10, fd, 1), ==, FERRY_DOWN_SENT);
  take_with (&scene, 2, 10, fd, 1);
}

/* Each of these over a socket and within this process. */
static void
add_both (const char *name, GTestDataFunc function)
{
  g_autofree char *over_socket = g_strdup_printf ("/fd-batches/%s", name);
  g_autofree char *local = g_strdup_printf ("/fd-batches/local/%s", name);

  g_test_add_data_func (over_socket, "", function);
  g_test_add_data_func (local, NULL, function);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_both ("descriptors-come-with-their-message", test_descriptors_come_with_their_message);
  add_both ("large-messages-have-them-too", test_large_messages_have_them_too);
  add_both ("64-may-lie-with-a-worker", test_64_may_lie_with_a_worker);
  add_both ("they-go-between-threads", test_they_go_between_threads);
  add_both ("what-is-not-taken-is-closed-with-the-link", test_what_is_not_taken_is_closed_with_the_link);
  add_both ("a-descriptor-that-is-not-open-is-refused", test_a_descriptor_that_is_not_open_is_refused);
  g_test_add_func ("/fd-batches/a-worker-that-passes-them-by-is-noticed", test_a_worker_that_passes_them_by_is_noticed);
  g_test_add_func ("/fd-batches/a-worker-that-shuts-the-socket-is-noticed",
                   test_a_worker_that_shuts_the_socket_is_noticed);
  g_test_add_func ("/fd-batches/a-worker-that-is-gone-has-broken-nothing",
                   test_a_worker_that_is_gone_has_broken_nothing);
  g_test_add_func ("/fd-batches/a-record-without-its-packet-breaks-the-lane",
                   test_a_record_without_its_packet_breaks_the_lane);
  g_test_add_func ("/fd-batches/a-packet-without-descriptors-breaks-the-lane",
                   test_a_packet_without_descriptors_breaks_the_lane);
  g_test_add_func ("/fd-batches/a-packet-of-another-kind-breaks-the-lane",
                   test_a_packet_of_another_kind_breaks_the_lane);
  g_test_add_func ("/fd-batches/a-socket-that-was-full-is-tried-once-more",
                   test_a_socket_that_was_full_is_tried_once_more);
  g_test_add_func ("/fd-batches/a-socket-without-room-refuses-the-message",
                   test_a_socket_without_room_refuses_the_message);
  g_test_add_func ("/fd-batches/too-many-open-files-cost-the-message-its-own",
                   test_too_many_open_files_cost_the_message_its_own);
  return g_test_run ();
}
