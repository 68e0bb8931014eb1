/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-handshake.c
 *
 * Welcome and attach over a socket pair, one thread playing both sides. */

#include "config.h"

#include "descriptor-array.h"
#include "ferry-test.h"
#include "link/control-sockets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ferry-base-private.h"
#include "lane/ferry-wake-private.h"
#include "wire/ferry-handshake-private.h"

#define SEGMENT_SIZE 204800
#define OTHER_VERSION 4711

/* Sends a packet, with n copies of the sending socket's own descriptor. */
static void
send_packet (int fd, gconstpointer packet, gsize size, guint n)
{
  union
  {
    char bytes[CMSG_SPACE (8 * sizeof (int))];
    struct cmsghdr align;
  } control = {0};
  struct iovec vector = {.iov_base = (gpointer) packet, .iov_len = size};
  struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

  if (n > 0)
    {
      struct cmsghdr *rights = &control.align;

      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE (n * sizeof (int));
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN (n * sizeof (int));
      for (guint i = 0; i < n; i++)
        memcpy (CMSG_DATA (rights) + i * sizeof (int), &fd, sizeof (int));
    }
  g_assert_cmpint (sendmsg (fd, &message, MSG_NOSIGNAL), ==, (gssize) size);
}

static FerryAttach
make_attach (void)
{
  FerryAttach attach = {
    .header = {.kind = FERRY_CONTROL_ATTACH, .version = FERRY_PROTOCOL_VERSION},
    .segment_size = SEGMENT_SIZE,
    .worker_pid = 1,
  };

  memcpy (attach.header.magic, FERRY_PROTOCOL_MAGIC, 8);
  return attach;
}

static FerryWelcome
make_welcome (void)
{
  FerryWelcome welcome = {
    .header = {.kind = FERRY_CONTROL_WELCOME, .version = FERRY_PROTOCOL_VERSION},
    .segment_size = SEGMENT_SIZE,
    .up_capacity = FERRY_MIN_LANE_CAPACITY,
    .down_capacity = FERRY_DOWN_CAPACITY,
    .max_message_size = 1000000,
    .application_pid = 2,
    .n_pipes = 3,
    .depth = 2,
  };

  memcpy (welcome.header.magic, FERRY_PROTOCOL_MAGIC, 8);
  return welcome;
}

/* The next packet; what comes along is closed. */
static FerryControlEvent
receive_packet (int fd, gboolean attached, gsize segment_size, GError **error)
{
  g_autoptr (GArray) descriptors = descriptor_array_new ();
  g_autoptr (FerryCrashPacket) crash = NULL;

  return attached ? ferry_control_receive_later (fd, &crash, descriptors, error)
                  : ferry_control_receive (fd, segment_size, descriptors, error);
}

/* What the application makes of a packet; its complaint must hold words. */
static void
assert_attach_invalid (gconstpointer packet, gsize size, int code, const char *words)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;

  sockets_init (&sockets);
  send_packet (sockets.peer, packet, size, 0);
  g_assert_cmpint (receive_packet (sockets.application, FALSE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_INVALID);
  g_assert_error (error, FERRY_ERROR, code);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_welcome_brings_what_was_sent (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;
  FerryWelcome sent = make_welcome ();
  FerryWelcome came;
  ferry_autofd memory = -1;
  ferry_autofd doorbell = -1;
  ferry_autofd bell = -1;

  sockets_init (&sockets);
  bell = ferry_doorbell_new (NULL);
  ferry_control_send_welcome (sockets.application, &sent, sockets.application, bell, -1, &error);
  g_assert_no_error (error);
  ferry_control_receive_welcome (sockets.peer, &came, &memory, &doorbell, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (&came, sizeof came, &sent, sizeof sent);
  ferry_doorbell_ring (doorbell);
  g_assert_cmpint (read (bell, &(guint64){0}, 8), ==, 8);
  ferry_clear_fd (&memory);
  ferry_clear_fd (&doorbell);
  ferry_clear_fd (&bell);
}

static void
test_welcome_brings_the_arena_where_there_is_one (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;
  FerryWelcome welcome = make_welcome ();
  ferry_autofd memory = -1;
  ferry_autofd doorbell = -1;
  ferry_autofd arena = -1;

  sockets_init (&sockets);
  welcome.arena_units = 2;
  ferry_control_send_welcome (sockets.application, &welcome, sockets.application, sockets.application,
                              sockets.application, &error);
  g_assert_no_error (error);
  ferry_control_receive_welcome (sockets.peer, &welcome, &memory, &doorbell, &arena, &error);
  g_assert_no_error (error);
  g_assert_cmpint (arena, >=, 0);
}

static void
test_attach_answers_the_welcome (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;

  sockets_init (&sockets);
  ferry_control_send_attach (sockets.peer, SEGMENT_SIZE, &error);
  g_assert_no_error (error);
  g_assert_cmpint (receive_packet (sockets.application, FALSE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_ATTACHED);
  g_assert_no_error (error);
}

static void
test_nothing_is_there_yet (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;

  sockets_init (&sockets);
  g_assert_cmpint (receive_packet (sockets.application, FALSE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_NOTHING);
  g_assert_no_error (error);
}

static void
test_closed_end_is_seen (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;

  sockets_init (&sockets);
  ferry_clear_fd (&sockets.peer);
  g_assert_cmpint (receive_packet (sockets.application, TRUE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_CLOSED);
  g_assert_no_error (error);
}

static void
test_attach_before_the_close_counts (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;

  sockets_init (&sockets);
  ferry_control_send_attach (sockets.peer, SEGMENT_SIZE, &error);
  g_assert_no_error (error);
  ferry_clear_fd (&sockets.peer);
  g_assert_cmpint (receive_packet (sockets.application, FALSE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_ATTACHED);
  g_assert_cmpint (receive_packet (sockets.application, TRUE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_CLOSED);
}

static void
test_application_hears_of_another_version (void)
{
  FerryAttach attach = make_attach ();

  attach.header.version = OTHER_VERSION;
  assert_attach_invalid (&attach, sizeof attach, FERRY_ERROR_VERSION, "version 4711 and this application version 9");
}

/* A later version may have other packets; its header says enough. */
static void
test_another_version_may_have_other_packets (void)
{
  FerryAttach attach = make_attach ();

  attach.header.version = OTHER_VERSION;
  attach.header.kind = 99;
  assert_attach_invalid (&attach, sizeof attach.header, FERRY_ERROR_VERSION, "4711");
}

/* Of whatever size, and with whatever comes along. */
static void
test_another_version_is_told_before_anything_else (void)
{
  const gsize sizes[] = {sizeof (FerryControlHeader), 24, 31, 32, 33, 40, 4096};
  guint8 packet[4096] = {0};
  FerryAttach attach = make_attach ();

  attach.header.version = OTHER_VERSION;
  memcpy (packet, &attach, sizeof attach);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (guint n_descriptors = 0; n_descriptors <= 3; n_descriptors += 3)
      {
        g_auto (Sockets) sockets;
        g_autoptr (GError) error = NULL;

        sockets_init (&sockets);
        send_packet (sockets.peer, packet, sizes[i], n_descriptors);
        g_assert_cmpint (receive_packet (sockets.application, FALSE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_INVALID);
        g_assert_error (error, FERRY_ERROR, FERRY_ERROR_VERSION);
        g_assert_nonnull (strstr (error->message, "version 4711 and this application version 9"));
      }
}

/* It reads as the end of the socket does, which has not ended. */
static void
test_an_empty_packet_is_invalid (void)
{
  for (guint attached = 0; attached <= 1; attached++)
    {
      g_auto (Sockets) sockets;
      g_autoptr (GError) error = NULL;

      sockets_init (&sockets);
      send_packet (sockets.peer, "", 0, 0);
      g_assert_cmpint (receive_packet (sockets.application, attached, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_INVALID);
      g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      g_assert_nonnull (strstr (error->message, " 0 bytes"));
    }
}

/* The kernel says which process it is. */
static void
test_the_process_id_is_not_looked_at (void)
{
  for (guint pid = 0; pid <= 2; pid++)
    {
      g_auto (Sockets) sockets;
      g_autoptr (GError) error = NULL;
      FerryAttach attach = make_attach ();

      attach.worker_pid = pid;
      sockets_init (&sockets);
      send_packet (sockets.peer, &attach, sizeof attach, 0);
      g_assert_cmpint (receive_packet (sockets.application, FALSE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_ATTACHED);
      g_assert_no_error (error);
    }
}

static void
test_worker_hears_of_another_version (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;
  FerryWelcome welcome = make_welcome ();
  int memory = -1;
  int doorbell = -1;

  sockets_init (&sockets);
  welcome.header.version = OTHER_VERSION;
  send_packet (sockets.application, &welcome, sizeof welcome, 2);
  g_assert_false (ferry_control_receive_welcome (sockets.peer, &welcome, &memory, &doorbell, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_VERSION);
  g_assert_nonnull (strstr (error->message, "version 4711 and this worker version 9"));
  g_assert_cmpint (memory, ==, -1);
  g_assert_cmpint (doorbell, ==, -1);
}

static void
test_garbage_is_invalid (void)
{
  guint8 garbage[32];

  for (guint i = 0; i < sizeof garbage; i++)
    garbage[i] = (guint8) (i * 77 + 3);
  assert_attach_invalid (garbage, sizeof garbage, FERRY_ERROR_PROTOCOL, "do not begin as a packet does");
}

static void
test_short_packets_are_invalid (void)
{
  FerryAttach attach = make_attach ();

  for (gsize size = 1; size < sizeof attach.header; size++)
    assert_attach_invalid (&attach, size, FERRY_ERROR_PROTOCOL, "do not begin as a packet does");
  for (gsize size = sizeof attach.header; size < sizeof attach; size++)
    assert_attach_invalid (&attach, size, FERRY_ERROR_PROTOCOL, "it must have 32");
}

static void
test_long_packet_is_invalid (void)
{
  struct
  {
    FerryAttach attach;
    guint8 more;
  } packet = {.attach = make_attach ()};

  assert_attach_invalid (&packet, sizeof packet.attach + 1, FERRY_ERROR_PROTOCOL,
                         "an attach packet of 33 bytes; it must have 32");
}

static void
test_wrong_magic_is_invalid (void)
{
  for (guint i = 0; i < 8; i++)
    {
      FerryAttach attach = make_attach ();

      attach.header.magic[i] ^= 1;
      assert_attach_invalid (&attach, sizeof attach, FERRY_ERROR_PROTOCOL, "do not begin as a packet does");
    }
}

static void
test_wrong_kind_is_invalid (void)
{
  FerryAttach attach = make_attach ();

  attach.header.kind = FERRY_CONTROL_WELCOME;
  assert_attach_invalid (&attach, sizeof attach, FERRY_ERROR_PROTOCOL,
                         "a packet of kind 1; it must send attach, which has kind 2");
}

static void
test_wrong_segment_size_is_invalid (void)
{
  FerryAttach attach = make_attach ();

  attach.segment_size = 0;
  assert_attach_invalid (&attach, sizeof attach, FERRY_ERROR_PROTOCOL, "a segment size of 0; it must be ");
}

static void
test_second_packet_is_invalid (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;

  sockets_init (&sockets);
  ferry_control_send_attach (sockets.peer, SEGMENT_SIZE, NULL);
  ferry_control_send_attach (sockets.peer, SEGMENT_SIZE, NULL);
  g_assert_cmpint (receive_packet (sockets.application, FALSE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_ATTACHED);
  g_assert_cmpint (receive_packet (sockets.application, TRUE, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_INVALID);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, "a packet of 32 bytes with 0 descriptors after attach"));
}

static void
assert_descriptors_refused (gsize size, guint n, gboolean attached)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;
  FerryAttach attach = make_attach ();

  sockets_init (&sockets);
  send_packet (sockets.peer, &attach, size, n);
  g_assert_cmpint (receive_packet (sockets.application, attached, SEGMENT_SIZE, &error), ==, FERRY_CONTROL_INVALID);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, "descriptors"));
}

/* The fixture counts what is open afterwards. */
static void
test_attach_counts_of_who_left_something_unread (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;

  sockets_init (&sockets);
  send_packet (sockets.application, "unread", 6, 0);
  g_assert_true (ferry_control_send_attach (sockets.peer, 4096, &error));
  ferry_clear_fd (&sockets.peer);
  g_assert_cmpint (receive_packet (sockets.application, FALSE, 4096, &error), ==, FERRY_CONTROL_ATTACHED);
  g_assert_cmpint (receive_packet (sockets.application, TRUE, 4096, &error), ==, FERRY_CONTROL_CLOSED);
}

static void
test_descriptors_are_refused_and_closed (void)
{
  assert_descriptors_refused (sizeof (FerryAttach), 1, FALSE);
  assert_descriptors_refused (sizeof (FerryAttach), 8, FALSE);
  assert_descriptors_refused (sizeof (FerryAttach), 1, TRUE);
}

static void
test_descriptors_in_an_empty_packet_are_refused (void)
{
  assert_descriptors_refused (0, 1, FALSE);
}

static void
assert_welcome_refused (const FerryWelcome *packet, gsize size, guint n, const char *words)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;
  FerryWelcome came;
  int memory = -1;
  int doorbell = -1;

  sockets_init (&sockets);
  send_packet (sockets.application, packet, size, n);
  g_assert_false (ferry_control_receive_welcome (sockets.peer, &came, &memory, &doorbell, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_cmpint (memory, ==, -1);
  g_assert_cmpint (doorbell, ==, -1);
}

static void
test_welcome_without_its_descriptors_is_refused (void)
{
  FerryWelcome welcome = make_welcome ();

  assert_welcome_refused (&welcome, sizeof welcome, 0, "without its descriptors");
  assert_welcome_refused (&welcome, sizeof welcome, 1, "without its descriptors");
  welcome.arena_units = 2;
  assert_welcome_refused (&welcome, sizeof welcome, 2, "without its descriptors");
}

static void
test_welcome_with_more_descriptors_is_refused (void)
{
  FerryWelcome welcome = make_welcome ();

  assert_welcome_refused (&welcome, sizeof welcome, 3, "descriptors");
  assert_welcome_refused (&welcome, sizeof welcome, 8, "descriptors");
}

static void
test_short_welcome_is_refused (void)
{
  FerryWelcome welcome = make_welcome ();

  for (gsize size = 0; size < sizeof welcome; size++)
    assert_welcome_refused (&welcome, size, 2, size < sizeof welcome.header ? "did not welcome" : "malformed");
}

static void
test_malformed_welcome_is_refused (void)
{
  FerryWelcome welcome = make_welcome ();

  welcome.n_pipes = FERRY_MAX_PIPES_PER_LINK + 1;
  assert_welcome_refused (&welcome, sizeof welcome, 2, "malformed");
  welcome = make_welcome ();
  welcome.down_capacity *= 2;
  assert_welcome_refused (&welcome, sizeof welcome, 2, "malformed");
  welcome = make_welcome ();
  welcome.reserved = 8192;
  assert_welcome_refused (&welcome, sizeof welcome, 2, "malformed");
  welcome = make_welcome ();
  welcome.header.kind = FERRY_CONTROL_ATTACH;
  assert_welcome_refused (&welcome, sizeof welcome, 2, "malformed");
  welcome = make_welcome ();
  welcome.header.magic[7] = 0;
  assert_welcome_refused (&welcome, sizeof welcome, 2, "did not welcome");
}

static void
test_welcome_of_a_closed_application_is_an_error (void)
{
  g_auto (Sockets) sockets;
  g_autoptr (GError) error = NULL;
  FerryWelcome came;
  int memory = -1;
  int doorbell = -1;

  sockets_init (&sockets);
  ferry_clear_fd (&sockets.application);
  g_assert_false (ferry_control_receive_welcome (sockets.peer, &came, &memory, &doorbell, NULL, &error));
  g_assert_nonnull (error);
}

static void
test_descriptors_are_not_inherited (void)
{
  g_auto (Sockets) sockets;
  FerryWelcome welcome = make_welcome ();
  int memory = -1;
  int doorbell = -1;

  sockets_init (&sockets);
  g_assert_cmpint (fcntl (sockets.application, F_GETFD), ==, FD_CLOEXEC);
  g_assert_cmpint (fcntl (sockets.peer, F_GETFD), ==, FD_CLOEXEC);
  send_packet (sockets.application, &welcome, sizeof welcome, 2);
  g_assert_true (ferry_control_receive_welcome (sockets.peer, &welcome, &memory, &doorbell, NULL, NULL));
  g_assert_cmpint (fcntl (memory, F_GETFD), ==, FD_CLOEXEC);
  g_assert_cmpint (fcntl (doorbell, F_GETFD), ==, FD_CLOEXEC);
  ferry_clear_fd (&memory);
  ferry_clear_fd (&doorbell);
}

static void
add_attach_tests (void)
{
  g_test_add_func ("/handshake/nothing-is-there-yet", test_nothing_is_there_yet);
  g_test_add_func ("/handshake/closed-end-is-seen", test_closed_end_is_seen);
  g_test_add_func ("/handshake/attach-before-the-close-counts", test_attach_before_the_close_counts);
  g_test_add_func ("/handshake/garbage-is-invalid", test_garbage_is_invalid);
  g_test_add_func ("/handshake/short-packets-are-invalid", test_short_packets_are_invalid);
  g_test_add_func ("/handshake/long-packet-is-invalid", test_long_packet_is_invalid);
  g_test_add_func ("/handshake/wrong-magic-is-invalid", test_wrong_magic_is_invalid);
  g_test_add_func ("/handshake/wrong-kind-is-invalid", test_wrong_kind_is_invalid);
  g_test_add_func ("/handshake/wrong-segment-size-is-invalid", test_wrong_segment_size_is_invalid);
  g_test_add_func ("/handshake/second-packet-is-invalid", test_second_packet_is_invalid);
  g_test_add_func ("/handshake/attach-counts-of-who-left-something-unread",
                   test_attach_counts_of_who_left_something_unread);
  g_test_add_func ("/handshake/descriptors-are-refused-and-closed", test_descriptors_are_refused_and_closed);
  g_test_add_func ("/handshake/descriptors-in-an-empty-packet-are-refused",
                   test_descriptors_in_an_empty_packet_are_refused);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/handshake/welcome-brings-what-was-sent", test_welcome_brings_what_was_sent);
  g_test_add_func ("/handshake/welcome-brings-the-arena-where-there-is-one",
                   test_welcome_brings_the_arena_where_there_is_one);
  g_test_add_func ("/handshake/attach-answers-the-welcome", test_attach_answers_the_welcome);
  g_test_add_func ("/handshake/application-hears-of-another-version", test_application_hears_of_another_version);
  g_test_add_func ("/handshake/another-version-is-told-before-anything-else",
                   test_another_version_is_told_before_anything_else);
  g_test_add_func ("/handshake/an-empty-packet-is-invalid", test_an_empty_packet_is_invalid);
  g_test_add_func ("/handshake/the-process-id-is-not-looked-at", test_the_process_id_is_not_looked_at);
  g_test_add_func ("/handshake/another-version-may-have-other-packets", test_another_version_may_have_other_packets);
  g_test_add_func ("/handshake/worker-hears-of-another-version", test_worker_hears_of_another_version);
  add_attach_tests ();
  g_test_add_func ("/handshake/welcome-without-its-descriptors-is-refused",
                   test_welcome_without_its_descriptors_is_refused);
  g_test_add_func ("/handshake/welcome-with-more-descriptors-is-refused",
                   test_welcome_with_more_descriptors_is_refused);
  g_test_add_func ("/handshake/short-welcome-is-refused", test_short_welcome_is_refused);
  g_test_add_func ("/handshake/malformed-welcome-is-refused", test_malformed_welcome_is_refused);
  g_test_add_func ("/handshake/welcome-of-a-closed-application-is-an-error",
                   test_welcome_of_a_closed_application_is_an_error);
  g_test_add_func ("/handshake/descriptors-are-not-inherited", test_descriptors_are_not_inherited);
  return g_test_run ();
}
