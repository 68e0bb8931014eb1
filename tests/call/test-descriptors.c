/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-descriptor-port.c, call/ferry-transport.c,
 *        conversation/ferry-stream-transport.c, call/ferry-link-transport.c, call/ferry-worker-transport.c
 *
 * Descriptors that go with requests, items and answers, over each kind of transport. */

#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call/contract-test.h"
#include "call/link-test.h"
#include "call/transport-test.h"
#include "conversation/ferry-mux.h"
#include "wire/ferry-frame-decoder-private.h"
#include "wire/ferry-handshake-private.h"

/* ---- files ---- */

static gint
send_file (FerryTransport *transport, const char *text)
{
  g_autoptr (GError) error = NULL;
  int fd = contract_end_make_file (text);
  gint handle = ferry_transport_send_descriptor (transport, fd, &error);

  g_assert_no_error (error);
  close (fd);
  return handle;
}

static void
assert_takes (FerryTransport *transport, gint handle, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;
  int fd = ferry_transport_take_descriptor (transport, handle, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fcntl (fd, F_GETFD), ==, FD_CLOEXEC);
  found = contract_end_read_file (fd);
  g_assert_cmpstr (found, ==, text);
  close (fd);
}

static void
assert_takes_not (FerryTransport *transport, gint handle, int code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_transport_take_descriptor (transport, handle, &error), ==, -1);
  g_assert_error (error, FERRY_ERROR, code);
  ferry_test_assert_says (error->message, words);
}

static void
assert_sends_not (FerryTransport *transport, int code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_transport_send_descriptor (transport, STDERR_FILENO, &error), ==, -1);
  g_assert_error (error, FERRY_ERROR, code);
  ferry_test_assert_says (error->message, words);
}

/* ---- what holds for each kind ---- */

/* Returns two ends that take that many descriptors. */
static ContractPair *
pair_new (const ContractKind *kind, guint max)
{
  ContractPair *pair = contract_pair_new (kind);

  contract_do_number (pair->ends[ONE], "accept", g_variant_new_uint32 (max));
  contract_do_number (pair->ends[OTHER], "accept", g_variant_new_uint32 (max));
  contract_do (pair->ends[OTHER], "take");
  /* What one end needs to send comes before what the other asks. */
  contract_do (pair->ends[ONE], "take");
  contract_assert_answered (pair->ends[OTHER], contract_ask (pair->ends[OTHER], "echo", g_variant_new_boolean (TRUE)),
                            "true");
  return pair;
}

/* Returns the handle; -1 with an error. */
static gint
try_to_send (ContractEnd *end, const char *text, int *code, char **message)
{
  g_autoptr (GVariant) said = contract_end_do (end, "send-file", g_variant_new_string (text));
  gint handle;

  g_variant_get (said, "(iis)", &handle, code, message);
  return handle;
}

static void
assert_sends (ContractEnd *end, const char *text, gint handle)
{
  g_autofree char *message = NULL;
  int code;

  g_assert_cmpint (try_to_send (end, text, &code, &message), ==, handle);
  g_assert_cmpint (code, ==, 0);
}

static void
assert_end_sends_not (ContractEnd *end, int code, const char *words)
{
  g_autofree char *message = NULL;
  int found;

  g_assert_cmpint (try_to_send (end, "no", &found, &message), ==, -1);
  g_assert_cmpint (found, ==, code);
  ferry_test_assert_says (message, words);
}

static void
assert_end_takes (ContractEnd *end, gint handle, const char *text)
{
  g_autoptr (GVariant) said = contract_end_do (end, "take-file", g_variant_new_int32 (handle));
  const char *found, *message;
  int code;

  g_variant_get (said, "(&si&s)", &found, &code, &message);
  g_assert_cmpstr (message, ==, "");
  g_assert_cmpstr (found, ==, text);
}

static void
assert_end_takes_not (ContractEnd *end, gint handle, int code, const char *words)
{
  g_autoptr (GVariant) said = contract_end_do (end, "take-file", g_variant_new_int32 (handle));
  const char *text, *message;
  int found;

  g_variant_get (said, "(&si&s)", &text, &found, &message);
  g_assert_cmpint (found, ==, code);
  ferry_test_assert_says (message, words);
}

static void
test_request_and_answer (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = pair_new (kind, 1);

  for (gint i = 0; i < 100; i++)
    {
      g_autofree char *text = g_strdup_printf ("%d,", i);
      g_autofree char *twice = g_strconcat (text, text, NULL);
      g_autofree char *handle = g_strdup_printf ("handle %d", i);

      assert_sends (pair->ends[ONE], text, i);
      contract_assert_answered (pair->ends[ONE], contract_ask (pair->ends[ONE], "double", g_variant_new_handle (i)),
                                handle);
      assert_end_takes (pair->ends[ONE], i, twice);
    }
}

/* Waits until the other end has what was sent before. */
static void
wait_told (ContractPair *pair)
{
  contract_tell (pair->ends[ONE], "pass");
  contract_wait_told (pair->ends[OTHER], 1);
}

static void
test_bound (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = pair_new (kind, 2);

  for (gint i = 0; i < 5; i++)
    assert_sends (pair->ends[ONE], i == 2 ? "two" : "other", i);
  wait_told (pair);
  assert_end_takes_not (pair->ends[OTHER], 2, FERRY_ERROR_TOO_LARGE, "the 2 descriptors that may wait here");
  assert_end_takes (pair->ends[OTHER], 1, "other");
  assert_end_takes (pair->ends[OTHER], 2, "two");
  contract_do_number (pair->ends[OTHER], "accept", g_variant_new_uint32 (3));
  assert_end_takes (pair->ends[OTHER], 4, "other");
}

static void
test_once (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = pair_new (kind, 8);

  assert_sends (pair->ends[ONE], "once", 0);
  wait_told (pair);
  assert_end_takes (pair->ends[OTHER], 0, "once");
  assert_end_takes_not (pair->ends[OTHER], 0, FERRY_ERROR_CLOSED, "was taken already");
  assert_end_takes_not (pair->ends[OTHER], 1, FERRY_ERROR_BAD_ARGUMENTS,
                        "has not sent handle 1; 1 descriptors have come");
  assert_end_takes_not (pair->ends[OTHER], -1, FERRY_ERROR_BAD_ARGUMENTS, "has not sent handle -1");
}

static void
test_none_taken (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = pair_new (kind, 0);

  assert_sends (pair->ends[ONE], "later", 0);
  wait_told (pair);
  assert_end_takes_not (pair->ends[OTHER], 0, FERRY_ERROR_BAD_ARGUMENTS, "FerryTransport:max-descriptors");
  contract_do_number (pair->ends[OTHER], "accept", g_variant_new_uint32 (1));
  assert_end_takes (pair->ends[OTHER], 0, "later");
}

static void
test_after_the_close (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = pair_new (kind, 8);

  assert_sends (pair->ends[ONE], "left", 0);
  assert_sends (pair->ends[ONE], "dropped", 1);
  wait_told (pair);
  contract_do (pair->ends[ONE], "close");
  contract_assert_closed (pair->ends[OTHER], FERRY_ERROR_CLOSED);
  assert_end_takes (pair->ends[OTHER], 0, "left");
  assert_end_sends_not (pair->ends[ONE], FERRY_ERROR_CLOSED, "The transport is closed");
}

static void
test_full (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = pair_new (kind, 8);
  gint n = -1;
  gint handle;
  int code;

  do
    {
      g_autofree char *message = NULL;

      handle = try_to_send (pair->ends[ONE], "full", &code, &message);
      n++;
    }
  while (handle >= 0);
  g_assert_cmpint (code, ==, FERRY_ERROR_WOULD_BLOCK);
  wait_told (pair);
  for (gint i = 0; i < n; i++)
    assert_end_takes (pair->ends[OTHER], i, "full");
  assert_sends (pair->ends[ONE], "again", n);
  assert_end_takes (pair->ends[OTHER], n, "again");
}

/* The message that names it finds no room at first. */
static void
test_behind_what_is_full (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = pair_new (kind, 8);
  guint n;

  contract_do_number (pair->ends[OTHER], "shut", g_variant_new_boolean (TRUE));
  n = contract_do_number (pair->ends[ONE], "fill", NULL);
  assert_sends (pair->ends[ONE], "behind", 0);
  contract_do_number (pair->ends[OTHER], "shut", g_variant_new_boolean (FALSE));
  contract_tell (pair->ends[ONE], "pass");
  contract_wait_told (pair->ends[OTHER], n + 1);
  assert_end_takes (pair->ends[OTHER], 0, "behind");
}

static void
test_with_a_request (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      g_autofree char *answer = g_strdup_printf ("'%u'", i);

      contract_assert_answered (
        pair->ends[ONE], contract_do_number (pair->ends[ONE], "ask-with-file", g_variant_new_string (text)), answer);
    }
}

static void
test_kinds_without (const ContractKind *kind)
{
  g_autoptr (ContractPair) pair = contract_pair_new (kind);

  assert_end_sends_not (pair->ends[ONE], FERRY_ERROR_BAD_ARGUMENTS, "This kind of transport sends no descriptors");
  contract_do_number (pair->ends[ONE], "accept", g_variant_new_uint32 (1));
  assert_end_takes_not (pair->ends[ONE], 0, FERRY_ERROR_BAD_ARGUMENTS, "has not sent handle 0");
}

static const ContractFact facts[] = {
  {"go-with-requests-and-answers", test_request_and_answer, CONTRACT_DESCRIPTORS, 0},
  {"wait-in-a-bounded-number", test_bound, CONTRACT_DESCRIPTORS, 0},
  {"are-taken-once", test_once, CONTRACT_DESCRIPTORS, 0},
  {"are-not-taken-by-an-end-that-takes-none", test_none_taken, CONTRACT_SENDS_FIRST, 0},
  {"can-be-taken-after-the-close", test_after_the_close, CONTRACT_DESCRIPTORS, 0},
  {"are-refused-while-many-wait", test_full, CONTRACT_DESCRIPTORS, 0},
  {"come-behind-what-is-full", test_behind_what_is_full, CONTRACT_DESCRIPTORS, 0},
  {"go-with-a-request-itself", test_with_a_request, CONTRACT_REQUEST_DESCRIPTORS, 0},
  {"are-refused-by-a-kind-that-carries-none", test_kinds_without, 0, CONTRACT_DESCRIPTORS},
};

/* ---- lies at the other end of a stream ---- */

/* Sends bytes with descriptors through a socket. */
static void
send_raw (int socket, gconstpointer bytes, gsize size, const int *fds, guint n_fds)
{
  union
  {
    char bytes[CMSG_SPACE (4 * sizeof (int))];
    struct cmsghdr header;
  } rights = {.header = {CMSG_LEN (n_fds * sizeof (int)), SOL_SOCKET, SCM_RIGHTS}};
  struct iovec vector = {(gpointer) bytes, size};
  struct msghdr message = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = n_fds > 0 ? rights.bytes : NULL,
                           .msg_controllen = n_fds > 0 ? CMSG_SPACE (n_fds * sizeof (int)) : 0};

  if (n_fds > 0)
    memcpy (CMSG_DATA (&rights.header), fds, n_fds * sizeof (int));
  g_assert_cmpint (sendmsg (socket, &message, MSG_NOSIGNAL), ==, size);
}

static gboolean
has_refused (gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (ferry_transport_take_descriptor (data, 0, &error), ==, -1);
  return g_error_matches (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
}

static void
send_file_to (int box, int file)
{
  FerryControlHeader packet;

  g_assert_cmpint (ferry_control_send (box, FERRY_CONTROL_DESCRIPTOR, &packet, sizeof packet, &file, 1, 0), ==, 0);
}

static void
test_lies (void)
{
  guint n_fds;
  guint n_threads;
  g_autoptr (FerryTransport) transport = NULL;
  guint8 greeting[FERRY_GREETING_SIZE];
  int fds[2];
  int box[2];
  int file = contract_end_make_file ("true");
  int two[2] = {file, file};

  g_main_context_iteration (NULL, FALSE);
  n_fds = ferry_test_count_fds ();
  n_threads = transport_test_count_threads ();
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, box), ==, 0);
  transport = ferry_transport_new_for_descriptors (fds[0], fds[0], NULL);
  g_object_set (transport, "max-descriptors", 8, NULL);
  ferry_greeting_write (greeting);
  send_raw (fds[1], greeting, 4, &box[1], 1);
  close (box[1]);
  /* A packet without a descriptor, and one with two, have a handle and no descriptor. The latter is the last one. */
  send_raw (box[0], "none", 4, NULL, 0);
  send_file_to (box[0], file);
  send_raw (box[0], "two", 3, two, 2);
  send_file_to (box[0], file);
  ferry_test_look_until (has_refused, transport);
  assert_takes_not (transport, 2, FERRY_ERROR_SYSTEM, "raise the limit of open files");
  assert_takes (transport, 1, "true");
  assert_takes_not (transport, 3, FERRY_ERROR_BAD_ARGUMENTS, "has not sent handle 3; 3 descriptors have come");
  close (box[0]);
  /* A second socket is none. */
  send_raw (fds[1], greeting + 4, 4, two, 1);
  close (fds[1]);
  transport_test_wait_closed (transport, FERRY_ERROR_PROTOCOL);
  g_clear_object (&transport);
  transport_test_wait_left (n_threads, n_fds);
  close (file);
}

/* ---- a worker ---- */

static void
answered_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  *(GVariant **) data = ferry_mux_transact_finish (FERRY_MUX (mux), result, &error);
  g_assert_no_error (error);
}

static gboolean
is_set (gpointer data)
{
  return *(gpointer *) data != NULL;
}

static gint
ask_for_handle (FerryMux *mux, const char *method, GVariant *arguments)
{
  g_autoptr (GVariant) answer = NULL;

  ferry_mux_transact_async (mux, method, arguments, -1, NULL, answered_cb, &answer);
  ferry_test_run_until (is_set, &answer);
  return g_variant_get_handle (answer);
}

/* Asks the worker for a file with a text. */
static gint
ask_for_file (LinkTest *joined, const char *text)
{
  g_autoptr (FerryMux) mux = ferry_mux_new (joined->a);

  return ask_for_handle (mux, "make", g_variant_new_string (text));
}

static void
test_worker (void)
{
  g_auto (LinkTest) joined;

  link_test_init_unspawned (&joined, "answer", NULL);
  g_object_set (joined.a, "max-descriptors", 2, NULL);
  assert_sends_not (joined.a, FERRY_ERROR_NOT_STARTED, "no worker yet");
  joined.worker = worker_test_spawn (joined.launcher, joined.router);
  for (gint i = 0; i < 100; i++)
    {
      gint handle = send_file (joined.a, "there");

      g_assert_cmpint (handle, ==, i);
      link_test_assert_answers (joined.a, "read", g_variant_new_handle (handle), "'there'");
      g_assert_cmpint (ask_for_file (&joined, "back"), ==, i);
      assert_takes (joined.a, i, "back");
    }
  link_test_close (&joined);
}

/* The first descriptor of the application opens the way, and the worker may use it for what this end takes later. */
static void
test_worker_later (void)
{
  g_auto (LinkTest) joined;

  link_test_init (&joined);
  link_test_assert_answers (joined.a, "read", g_variant_new_handle (send_file (joined.a, "a")), "'a'");
  link_test_assert_answers (joined.b, "read", g_variant_new_handle (send_file (joined.b, "b")), "'b'");
  assert_takes_not (joined.a, ask_for_file (&joined, "no"), FERRY_ERROR_BAD_ARGUMENTS, "takes no descriptors");
  g_object_set (joined.a, "max-descriptors", 2, NULL);
  assert_takes (joined.a, ask_for_file (&joined, "yes"), "yes");
  link_test_close (&joined);
}

static void
failed_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  g_assert_null (ferry_mux_transact_finish (FERRY_MUX (mux), result, data));
}

static void
test_worker_without (void)
{
  g_auto (LinkTest) joined;
  g_autoptr (FerryMux) mux = NULL;
  g_autoptr (GError) error = NULL;

  link_test_init (&joined);
  mux = ferry_mux_new (joined.a);
  ferry_mux_transact_async (mux, "make", g_variant_new_string ("no"), -1, NULL, failed_cb, &error);
  ferry_test_run_until (is_set, &error);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  ferry_test_assert_says (error->message, "The application takes no descriptors over this transport");
  g_object_set (joined.a, "max-descriptors", 1, NULL);
  assert_takes (joined.a, ask_for_file (&joined, "yes"), "yes");
  g_clear_object (&mux);
  link_test_close (&joined);
}

/* A worker that is killed loses no descriptor that it had sent, and leaves none behind. */
static void
test_worker_killed (void)
{
  g_auto (LinkTest) joined;

  link_test_init (&joined);
  g_object_set (joined.a, "max-descriptors", 8, NULL);
  for (gint i = 0; i < 3; i++)
    g_assert_cmpint (ask_for_file (&joined, "left"), ==, i);
  ferry_worker_send_signal (joined.worker, SIGKILL);
  link_test_wait_closed (joined.a, FERRY_ERROR_WORKER_LOST, "");
  assert_takes (joined.a, 1, "left");
  assert_takes (joined.a, 0, "left");
  assert_sends_not (joined.a, FERRY_ERROR_CLOSED, "The transport is closed");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  contract_test_add_facts ("descriptors", facts, G_N_ELEMENTS (facts));
  g_test_add_func ("/descriptors/lies-of-the-other-end-harm-nothing", test_lies);
  g_test_add_func ("/descriptors/go-to-a-worker-and-come-from-it", test_worker);
  g_test_add_func ("/descriptors/of-a-worker-come-once-the-application-takes-them", test_worker_later);
  g_test_add_func ("/descriptors/of-a-worker-are-refused-while-the-application-takes-none", test_worker_without);
  g_test_add_func ("/descriptors/of-a-killed-worker-are-not-lost", test_worker_killed);

  return g_test_run ();
}
