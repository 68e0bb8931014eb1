/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: conversation/ferry-channel.c, conversation/ferry-listener.c, conversation/ferry-stream-transport.c,
 * base/ferry-machine-limits.c
 *
 * What transports, muxes, channels and listeners do when the system refuses them something. This program is the worker
 * of its channels. */

#include "config.h"

#include <errno.h>
#include <ferry-classic.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conversation/conversation-handlers.h"
#include "faults/faults-test.h"

#define PATIENCE (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

#define LOST FERRY_ERROR_CLOSED, FERRY_ERROR_WORKER_LOST, FERRY_ERROR_SYSTEM, FERRY_ERROR_LAUNCH_FAILED

typedef struct
{
  FaultsTest *test;
  gboolean done;
} Asked;

static gboolean
is_done (gpointer data)
{
  return ((Asked *) data)->done;
}

static void
answered_cb (GObject *mux, GAsyncResult *result, gpointer data)
{
  Asked *asked = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) value = ferry_mux_transact_finish (FERRY_MUX (mux), result, &error);

  if (faults_test_works (asked->test, &error, LOST, FERRY_ERROR_REFUSED, -1))
    g_assert_cmpuint (g_variant_get_uint32 (value), ==, 10);
  asked->done = TRUE;
}

static void
ask (FaultsTest *test, FerryTransport *transport)
{
  g_autoptr (FerryMux) mux = ferry_mux_new (transport);

  for (guint i = 0; i < 3; i++)
    {
      Asked asked = {test, FALSE};

      ferry_mux_transact_async (mux, "work", g_variant_new ("(uu)", 0, 5), PATIENCE, NULL, answered_cb, &asked);
      ferry_test_run_until (is_done, &asked);
    }
}

/* ---- with a worker ---- */

static void
play_worker (FaultsTest *test)
{
  g_autofree char *program = ferry_test_build_path ("answering-worker");
  const char *const argv[] = {program, "1", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryTransport) transport = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;

  transport = ferry_launcher_add_transport (launcher, test->router, "calls", &error);
  if (!faults_test_works (test, &error, FERRY_ERROR_SYSTEM, -1))
    return;
  worker = ferry_launcher_spawn (launcher, test->router, &error);
  if (!faults_test_works (test, &error, FERRY_ERROR_SYSTEM, FERRY_ERROR_LAUNCH_FAILED, -1))
    {
      ferry_transport_close (transport);
      return;
    }
  ask (test, transport);
  ferry_transport_close (transport);
  ferry_test_wait_ended (worker);
  faults_test_check_exit (test, ferry_test_get_object (worker, "exit"), FERRY_CLOSE_REASON_EXITED,
                          FERRY_CLOSE_REASON_LAUNCH_FAILED, FERRY_CLOSE_REASON_HUNG_UP, -1);
}

/* ---- over a socket pair ---- */

static void
stopped_cb (GObject *demux, GAsyncResult *result, gpointer data)
{
  ferry_demux_stop_finish (FERRY_DEMUX (demux), result, NULL);
  ((Asked *) data)->done = TRUE;
}

static void
stop (FerryDemux *demux)
{
  Asked asked = {NULL, FALSE};

  ferry_demux_stop_async (demux, NULL, stopped_cb, &asked);
  ferry_test_run_until (is_done, &asked);
}

static void
converse (FaultsTest *test, FerryTransport *transport, FerryTransport *other)
{
  g_autoptr (FerryDemux) demux = ferry_demux_new (other);
  g_autoptr (GError) error = NULL;
  gboolean started;

  conversation_add_handlers (demux);
  ferry_demux_set_threads (demux, 1);
  started = ferry_demux_start (demux, &error);
  faults_test_works (test, &error, LOST, -1);
  if (started)
    {
      ask (test, transport);
      ferry_transport_close (transport);
      stop (demux);
    }
}

static void
play_sockets (FaultsTest *test)
{
  FerryTransport *transport;
  FerryTransport *other;
  int fds[2];
  g_autoptr (GError) error = NULL;

  /* The pair is the test's own, and there must be one. */
  while (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    ;
  transport = ferry_transport_new_for_descriptors (fds[0], fds[0], &error);
  faults_test_works (test, &error, FERRY_ERROR_SYSTEM, -1);
  other = ferry_transport_new_for_descriptors (fds[1], fds[1], &error);
  faults_test_works (test, &error, FERRY_ERROR_SYSTEM, -1);
  if (transport != NULL && other != NULL)
    converse (test, transport, other);
  g_clear_object (&transport);
  g_clear_object (&other);
}

/* ---- at an address ---- */

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static gboolean
has_result (gpointer data)
{
  return *(GAsyncResult **) data != NULL;
}

static FerryTransport *
connect_to (FaultsTest *test, const char *address)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  FerryTransport *transport;

  ferry_transport_connect_to_async (address, 0, PATIENCE, NULL, connected_cb, &result);
  ferry_test_run_until (has_result, &result);
  transport = ferry_transport_connect_to_finish (result, &error);
  g_assert_true ((transport == NULL) == (error != NULL));
  faults_test_works (test, &error, FERRY_ERROR_SYSTEM, FERRY_ERROR_CLOSED, FERRY_ERROR_NOT_LISTENING, FERRY_ERROR_BUSY,
                     -1);
  return transport;
}

static void
attached_cb (FerryListener *listener, FerryTransport *transport, gpointer data)
{
  g_set_object ((FerryTransport **) data, transport);
}

typedef struct
{
  FerryTransport *transport; /* (owned) (nullable) */
  FerryTransport *other;     /* (owned) (nullable): the listener's */
} Meeting;

static gboolean
have_met (gpointer data)
{
  Meeting *meeting = data;

  return meeting->other != NULL || ferry_test_get_number (meeting->transport, "closed");
}

/* An end that was let in has one at the other end, or sees that it has gone. */
static void
meet (FaultsTest *test, FerryListener *listener)
{
  Meeting meeting = {NULL, NULL};
  gulong handler = g_signal_connect (listener, "attached", G_CALLBACK (attached_cb), &meeting.other);
  g_autofree char *address = NULL;

  g_object_get (listener, "address", &address, NULL);
  meeting.transport = connect_to (test, address);
  if (meeting.transport != NULL)
    ferry_test_look_until (have_met, &meeting);
  g_signal_handler_disconnect (listener, handler);
  if (meeting.other != NULL && meeting.transport != NULL)
    converse (test, meeting.transport, meeting.other);
  g_clear_object (&meeting.transport);
  g_clear_object (&meeting.other);
}

static void
play_listener (FaultsTest *test)
{
  g_autofree char *address = g_strdup_printf ("@ferry-faults-%d", (int) getpid ());
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryListener) listener = ferry_listener_new (address, &error);

  g_assert_true ((listener == NULL) == (error != NULL));
  if (!faults_test_works (test, &error, FERRY_ERROR_SYSTEM, -1))
    return;
  ferry_listener_start (listener, &error);
  if (faults_test_works (test, &error, FERRY_ERROR_SYSTEM, -1))
    meet (test, listener);
  ferry_listener_close (listener);
}

/* One that comes costs a call, and a second one to see that no other is there. */
static void
accepts_in_few_calls (void)
{
  FaultsTest test = {.expecting = TRUE};

  fault_arm (FAULT_ACCEPT, G_MAXUINT, EMFILE);
  play_listener (&test);
  g_assert_cmpuint (fault_disarm (), <=, 8);
}

/* ---- over a pair ---- */

static gboolean
has_its_threads (gpointer data)
{
  return fault_get_n_calls () == 4;
}

/* Each end has a thread that reads, which starts the one that writes. They are counted as no call of a test. */
static void
new_pair_with_threads (FerryTransport **one, FerryTransport **other)
{
  fault_arm (FAULT_THREAD, G_MAXUINT, EAGAIN);
  ferry_transport_new_pair (one, other);
  ferry_test_look_until (has_its_threads, NULL);
  fault_disarm ();
}

/* ---- results of the background ---- */

/* The results stay, and another try gives them. */
static void
test_background_without_thread (void)
{
  g_autoptr (FerryBackground) background = ferry_background_new ("result", 2);
  g_autoptr (FerryTransport) one = NULL;
  g_autoptr (FerryTransport) other = NULL;
  g_autoptr (GError) error = NULL;

  new_pair_with_threads (&one, &other);
  fault_arm (FAULT_THREAD, 1, EAGAIN);
  g_assert_false (ferry_background_attach (background, one, &error));
  g_assert_cmpuint (fault_disarm (), ==, 1);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  g_clear_error (&error);
  g_assert_true (ferry_background_attach (background, one, &error));
  g_assert_no_error (error);
  ferry_transport_close (one);
  ferry_transport_close (other);
}

/* ---- objects ---- */

static gboolean
note_call (FerryExporter *exporter, gpointer was_called, GError **error)
{
  *(gboolean *) was_called = TRUE;
  return TRUE;
}

static gint64
turn (FerryExporter *exporter, gpointer was_called)
{
  return -1;
}

/* The transport stays, and another try serves over it. */
static void
test_serves_no_objects_without_thread (void)
{
  static const FerryObjectServerFuncs funcs = {.initialise = note_call, .turn = turn};
  g_autoptr (FerryTransport) one = NULL;
  g_autoptr (FerryTransport) other = NULL;
  g_autoptr (GError) error = NULL;
  gboolean was_called = FALSE;

  new_pair_with_threads (&one, &other);
  fault_arm (FAULT_THREAD, 1, EAGAIN);
  g_assert_false (ferry_serve_objects (one, &funcs, &was_called, &error));
  g_assert_cmpuint (fault_disarm (), ==, 1);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_SYSTEM);
  g_assert_false (was_called);
  g_clear_error (&error);
  ferry_transport_close (other);
  g_assert_true (ferry_serve_objects (one, &funcs, &was_called, &error));
  g_assert_no_error (error);
  g_assert_true (was_called);
}

/* ---- channels ---- */

static gboolean
square (FerryChannel *channel, GVariant *arguments, GError **error)
{
  guint number = g_variant_get_uint32 (arguments);

  return ferry_channel_send (channel, g_variant_new_uint32 (number * number), -1, NULL, error);
}

static void
play_channel (FaultsTest *test)
{
  static const char *const argv[] = {"/proc/self/exe", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryChannel) channel = NULL;
  g_autoptr (FerryExit) exit = NULL;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;

  channel = ferry_channel_start (launcher, test->router, "square", g_variant_new_uint32 (9), &error);
  g_assert_true ((channel == NULL) == (error != NULL));
  if (!faults_test_works (test, &error, FERRY_ERROR_SYSTEM, FERRY_ERROR_LAUNCH_FAILED, -1))
    return;
  ferry_channel_receive (channel, PATIENCE, NULL, &value, NULL, &error);
  if (faults_test_works (test, &error, LOST, -1))
    g_assert_cmpuint (g_variant_get_uint32 (value), ==, 81);
  ferry_channel_close (channel);
  exit = ferry_channel_wait (channel, PATIENCE, &error);
  g_assert_no_error (error);
  faults_test_check_exit (test, exit, FERRY_CLOSE_REASON_EXITED, FERRY_CLOSE_REASON_LAUNCH_FAILED,
                          FERRY_CLOSE_REASON_HUNG_UP, FERRY_CLOSE_REASON_FORK_SERVER_LOST, -1);
}

int
main (int argc, char **argv)
{
  static const Fault of_worker[] = {
    {FAULT_MEMFD_CREATE, EMFILE}, {FAULT_MMAP, ENOMEM},     {FAULT_EVENTFD, EMFILE},
    {FAULT_SOCKETPAIR, EMFILE},   {FAULT_SENDMSG, ENOBUFS}, {FAULT_RECVMSG, ENOMEM},
    {FAULT_EPOLL_CTL, ENOSPC},    {FAULT_CLONE, EAGAIN},    {FAULT_DUP, EMFILE},
  };
  static const Fault of_listener[] = {
    {FAULT_SOCKET, EMFILE}, {FAULT_ACCEPT, EMFILE}, {FAULT_ACCEPT, ENOBUFS}, {FAULT_SEND, ENOBUFS},
    {FAULT_SEND, EINTR},    {FAULT_RECV, ENOMEM},   {FAULT_RECV, EINTR},     {FAULT_EVENTFD, EMFILE},
    {FAULT_DUP, EMFILE},    {FAULT_THREAD, EAGAIN},
  };
  static const Fault of_sockets[] = {{FAULT_EVENTFD, EMFILE}, {FAULT_THREAD, EAGAIN}};

  ferry_channel_function_register ("square", "u", square);
  ferry_worker_main (&argc, &argv);
  faults_test_init (&argc, &argv);
  faults_test_add ("transport-of-a-worker", play_worker, of_worker, G_N_ELEMENTS (of_worker));
  faults_test_add ("transport-of-sockets", play_sockets, of_sockets, G_N_ELEMENTS (of_sockets));
  faults_test_add ("listener", play_listener, of_listener, G_N_ELEMENTS (of_listener));
  g_test_add_func ("/faults/listener-accepts-in-few-calls", accepts_in_few_calls);
  g_test_add_func ("/faults/background-is-attached-where-there-was-no-thread", test_background_without_thread);
  g_test_add_func ("/faults/objects-are-not-served-where-there-was-no-thread", test_serves_no_objects_without_thread);
  faults_test_add ("channel", play_channel, of_worker, G_N_ELEMENTS (of_worker));
  return g_test_run ();
}
