/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: wire/ferry-frame-decoder.c, conversation/ferry-stream-transport.c
 *
 * What a mux makes of a peer that writes frames which break off or have a length that is not true, or that hangs up as
 * soon as it has written: here the test itself, at the other end of a socket or two pipes, with docs/protocol.md in its
 * hand. */

#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call/transport-test.h"
#include "conversation/mux-outcome.h"
#include "wire/ferry-call-message-private.h"

#define GREETING "FERRYSTM\2\0\0\0"

typedef struct
{
  const char *name;
  gsize size;
  const char *bytes; /* behind the greeting */
  gboolean ends;     /* the stream, with them */
} Broken;

static const Broken broken[] = {
  {"an-end-inside-a-length-fails-all", 2, "\1\0", TRUE},
  {"an-end-before-a-message-fails-all", 4, "\x40\0\0\0", TRUE},
  {"an-end-inside-a-message-fails-all", 10, "\x40\0\0\0abcdef", TRUE},
  {"a-length-of-nothing-fails-all", 4, "\0\0\0\0", FALSE},
  {"a-length-of-2-gigabytes-fails-all", 4, "\xff\xff\xff\x7f", FALSE},
  {"a-length-of-4-gigabytes-fails-all", 4, "\xff\xff\xff\xff", FALSE},
};

static void
put (int fd, gconstpointer bytes, gsize size)
{
  g_assert_cmpint (write (fd, bytes, size), ==, (gssize) size);
}

/* in, out: the peer's. Over a pipe an end is an end and no hang-up. */
static void
fail_all (const Broken *row, FerryTransport *end, int in, int out)
{
  const guint32 mark = 0x01020304;
  g_autoptr (FerryMux) mux = ferry_mux_new (end);
  g_auto (MuxOutcome) outcome = {0};

  mux_outcome_ask (mux, "echo", 3, -1, NULL, &outcome);
  put (out, GREETING, 12);
  put (out, &mark, sizeof mark);
  put (out, row->bytes, row->size);
  if (row->ends && in != out)
    close (out);
  else if (row->ends)
    g_assert_cmpint (shutdown (out, SHUT_WR), ==, 0);
  mux_outcome_wait (&outcome, 3);
  g_assert_cmpuint (outcome.n_good, ==, 0);
  g_assert_error (outcome.error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  if (!row->ends && in != out)
    close (out);
  close (in);
}

static void
take (int fd, gpointer bytes, gsize size)
{
  for (gsize at = 0; at < size;)
    {
      gssize n = read (fd, (char *) bytes + at, size - at);

      g_assert_cmpint (n, >, 0);
      at += (gsize) n;
    }
}

static guint64
take_request (int fd)
{
  guint8 message[200];
  guint32 size;
  guint64 xid;

  take (fd, &size, sizeof size);
  g_assert_cmpuint (GUINT32_FROM_LE (size), <=, sizeof message);
  take (fd, message, GUINT32_FROM_LE (size));
  memcpy (&xid, message, sizeof xid);
  return xid;
}

static void
put_answer (int fd, guint64 xid)
{
  g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_uint32 (7));
  FerryCallMessage message;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint32 size = 0;
  guint n_parts;

  ferry_call_message_init (&message, FERRY_CALL_ANSWER, xid, NULL, value);
  n_parts = ferry_call_message_get_parts (&message, parts);
  for (guint i = 0; i < n_parts; i++)
    size += (guint32) parts[i].size;
  size = GUINT32_TO_LE (size);
  put (fd, &size, sizeof size);
  for (guint i = 0; i < n_parts; i++)
    put (fd, parts[i].data, parts[i].size);
}

/* A peer that closes as soon as it has written, so that the last bytes and the hang-up are one event. */
static void
answer_and_hang_up (const Broken *row, FerryTransport *end, int in, int out)
{
  const guint32 mark = 0x01020304;
  g_autoptr (FerryMux) mux = ferry_mux_new (end);
  g_auto (MuxOutcome) outcome = {0};
  guint64 xids[3];
  guint8 greeting[16];

  mux_outcome_ask (mux, "echo", G_N_ELEMENTS (xids), -1, NULL, &outcome);
  take (in, greeting, sizeof greeting);
  for (guint i = 0; i < G_N_ELEMENTS (xids); i++)
    xids[i] = take_request (in);
  put (out, GREETING, 12);
  put (out, &mark, sizeof mark);
  for (guint i = 0; i < G_N_ELEMENTS (xids); i++)
    put_answer (out, xids[i]);
  if (in != out)
    close (out);
  close (in);
  mux_outcome_wait (&outcome, G_N_ELEMENTS (xids));
  g_assert_no_error (outcome.error);
  g_assert_cmpuint (outcome.most, ==, 7);
}

typedef void (*PeerFunc) (const Broken *row, FerryTransport *end, int in, int out);

static void
be_peer_over_pipes (PeerFunc func, const Broken *row)
{
  guint n_fds = ferry_test_count_fds ();
  g_autoptr (FerryTransport) end = NULL;
  int there[2];
  int back[2];

  g_assert_cmpint (pipe2 (there, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (back, O_CLOEXEC), ==, 0);
  end = ferry_transport_new_for_descriptors (back[0], there[1], NULL);
  func (row, end, there[0], back[1]);
  g_clear_object (&end);
  transport_test_wait_left (0, n_fds);
}

static void
be_peer_over_a_socket (PeerFunc func, const Broken *row)
{
  guint n_fds = ferry_test_count_fds ();
  g_autoptr (FerryTransport) end = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  end = ferry_transport_new_for_descriptors (fds[0], fds[0], NULL);
  func (row, end, fds[1], fds[1]);
  g_clear_object (&end);
  transport_test_wait_left (0, n_fds);
}

static void
fails_over_pipes (gconstpointer row)
{
  be_peer_over_pipes (fail_all, row);
}

static void
fails_over_a_socket (gconstpointer row)
{
  be_peer_over_a_socket (fail_all, row);
}

static void
hears_all_that_a_peer_wrote_before_it_closed (void)
{
  for (guint i = 0; i < 20; i++)
    {
      be_peer_over_pipes (answer_and_hang_up, NULL);
      be_peer_over_a_socket (answer_and_hang_up, NULL);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  mux_outcome_open_descriptors ();
  for (guint i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *pipes = g_strdup_printf ("/mux-frames/pipes/%s", broken[i].name);
      g_autofree char *socket = g_strdup_printf ("/mux-frames/one-descriptor/%s", broken[i].name);

      g_test_add_data_func (pipes, &broken[i], fails_over_pipes);
      g_test_add_data_func (socket, &broken[i], fails_over_a_socket);
    }
  g_test_add_func ("/mux-frames/hears-all-that-a-peer-wrote-before-it-closed",
                   hears_all_that_a_peer_wrote_before_it_closed);
  return g_test_run ();
}
