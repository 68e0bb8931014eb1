/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-link-transport.c, call/ferry-worker-transport.c
 *
 * Asking and answering over the links of real workers. */

#include "config.h"

#include "call/link-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "base/ferry-thread-private.h"

/* What the application answers. */
static void
answer_here (FerryTransport *transport, FerryCall *call, GObject *owner)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (ferry_call_get_method (call), ==, "echo");
  ferry_call_answer (call, ferry_call_get_arguments (call), &error);
  g_assert_no_error (error);
}

static GObject *
take_calls (FerryTransport *transport)
{
  GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);

  g_assert_true (ferry_transport_take_calls (transport, answer_here, owner, NULL));
  return owner;
}

static void
leave_calls (FerryTransport *transport, GObject *owner)
{
  g_autoptr (GError) reason = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_REFUSED, "The test is over");

  ferry_transport_leave_calls (transport, reason);
  g_object_unref (owner);
}

/* ---- asking and answering ---- */

static void
test_both_ends_ask_and_answer (void)
{
  g_auto (LinkTest) joined;
  GObject *owner;

  link_test_init (&joined);
  owner = take_calls (joined.a);
  link_test_assert_answers (joined.a, "echo", g_variant_new ("(su)", "crate", 7), "('crate', uint32 7)");
  link_test_assert_answers (joined.a, "relay", g_variant_new ("(su)", "echo", 11), "uint32 11");
  leave_calls (joined.a, owner);
  link_test_close (&joined);
}

static void
test_what_is_asked_right_after_the_spawn_waits_for_the_worker (void)
{
  g_auto (LinkTest) joined;
  CallTestAnswer *answers[500];

  link_test_init (&joined);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answers[i] = link_test_ask (i % 2 == 0 ? joined.a : joined.b, "name", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      link_test_wait_done (answers[i]);
      call_test_assert_result (answers[i], i % 2 == 0 ? "'a'" : "'b'");
      call_test_answer_free (answers[i]);
    }
  link_test_close (&joined);
}

static void
test_what_is_asked_waits_until_the_worker_gets_the_transport (void)
{
  g_auto (LinkTest) joined;
  CallTestAnswer *early;

  link_test_init_unspawned (&joined, "answer", NULL);
  joined.b = link_test_add_transport (joined.launcher, joined.router, "b");
  joined.worker = worker_test_spawn (joined.launcher, joined.router);
  early = link_test_ask (joined.b, "name", NULL);
  link_test_assert_answers (joined.a, "name", NULL, "'a'");
  g_assert_cmpuint (early->n_done, ==, 0);
  link_test_assert_answers (joined.a, "take", g_variant_new_string ("b"), NULL);
  link_test_wait_done (early);
  call_test_assert_result (early, "'b'");
  call_test_answer_free (early);
  link_test_close (&joined);
}

static void
test_many_threads_of_the_worker_ask_at_once (void)
{
  g_auto (LinkTest) joined;
  GObject *owner;

  link_test_init (&joined);
  owner = take_calls (joined.b);
  link_test_assert_answers (joined.b, "flood", g_variant_new ("(uu)", 8, 2000), "uint32 16000");
  leave_calls (joined.b, owner);
  link_test_close (&joined);
}

/* One thread takes its answers itself. With several, the thread that receives wakes them. */
static void
test_threads_of_the_worker_wait_for_each_answer (void)
{
  g_auto (LinkTest) joined;
  GObject *owner;

  link_test_init (&joined);
  owner = take_calls (joined.b);
  link_test_assert_answers (joined.b, "converse", g_variant_new ("(uu)", 1, 5000), "uint32 5000");
  link_test_assert_answers (joined.b, "converse", g_variant_new ("(uu)", 4, 1000), "uint32 4000");
  leave_calls (joined.b, owner);
  link_test_close (&joined);
}

/* Requests for the receiving thread come while another thread polls the lane for its answer. */
static void
test_a_thread_of_the_worker_waits_while_others_are_asked (void)
{
  g_auto (LinkTest) joined;
  g_autoptr (CallTestAnswer) conversation = NULL;
  GObject *owner;

  link_test_init (&joined);
  owner = take_calls (joined.b);
  conversation = link_test_ask (joined.b, "converse", g_variant_new ("(uu)", 1, 5000));
  while (conversation->n_done == 0)
    {
      link_test_assert_answers (joined.a, "echo", g_variant_new_uint32 (1), "uint32 1");
      link_test_assert_answers (joined.b, "name", NULL, "'b'");
    }
  call_test_assert_result (conversation, "uint32 5000");
  leave_calls (joined.b, owner);
  link_test_close (&joined);
}

/* The main context does not run meanwhile. */
static void
wait_for_file (const char *path)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC / 4;

  while (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

/* Whether a thread of that name is in a wait for a word. */
static gboolean
is_asleep (GPid pid, const char *thread, const char *name)
{
  g_autofree char *comm = g_strdup_printf ("/proc/%d/task/%s/comm", pid, thread);
  g_autofree char *text = NULL;

  return g_file_get_contents (comm, &text, NULL, NULL) && g_str_equal (g_strchomp (text), name) &&
         ferry_test_get_system_call (pid, atoi (thread)) == FERRY_SYS_FUTEX;
}

static void
wait_until_asleep (GPid pid, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", pid);
  gboolean found = FALSE;

  while (!found)
    {
      g_autoptr (GDir) threads = g_dir_open (path, 0, NULL);
      const char *thread;

      g_assert_nonnull (threads);
      while (!found && (thread = g_dir_read_name (threads)) != NULL)
        found = is_asleep (pid, thread, name);
      g_thread_yield ();
    }
}

static void
ignore_bytes (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
}

static void
open_out (LinkTest *self, FerryReceiver **receiver)
{
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (GError) error = NULL;

  ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &sender, receiver, &error);
  g_assert_no_error (error);
  ferry_receiver_set_handler (*receiver, ignore_bytes, NULL, NULL);
  ferry_launcher_add_sender (self->launcher, "out", sender, &error);
  g_assert_no_error (error);
}

/* It asks, and has the lane for the answer from before it sends. The worker's receiving thread hears requests all the
 * same. */
static void
test_a_thread_of_the_worker_that_waits_for_room_holds_up_no_requests (void)
{
  g_auto (LinkTest) joined;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (CallTestAnswer) clog = NULL;
  g_autofree char *folder = g_dir_make_tmp ("ferry-XXXXXX", NULL);
  g_autofree char *full = g_build_filename (folder, "full", NULL);
  g_autofree char *touched = g_build_filename (folder, "touched", NULL);
  g_autoptr (CallTestAnswer) touch = NULL;
  GObject *owner;

  link_test_init_unspawned (&joined, "answer", "b");
  joined.b = link_test_add_transport (joined.launcher, joined.router, "b");
  open_out (&joined, &receiver);
  joined.worker = worker_test_spawn (joined.launcher, joined.router);
  owner = take_calls (joined.b);
  link_test_assert_answers (joined.b, "name", NULL, "'b'");
  clog = link_test_ask (joined.b, "clog", g_variant_new_string (full));
  wait_for_file (full);
  wait_until_asleep (ferry_test_get_process (joined.worker), "clog");
  /* Its answer waits for room, as all answers do. */
  touch = link_test_ask (joined.b, "touch", g_variant_new_string (touched));
  wait_for_file (touched);
  link_test_wait_done (touch);
  link_test_wait_done (clog);
  call_test_assert_result (clog, "uint32 1");
  g_unlink (full);
  g_unlink (touched);
  g_rmdir (folder);
  g_assert_true (ferry_router_close_pipe (joined.router, receiver, NULL));
  leave_calls (joined.b, owner);
  link_test_close (&joined);
}

static void
test_large_messages_go_both_ways (void)
{
  g_auto (LinkTest) joined;
  const gsize size = 3 * 1024 * 1024 + 5;
  g_autofree guint8 *data = g_malloc (size);

  link_test_init (&joined);
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 31 >> 3);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GVariant) value = g_variant_ref_sink (g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1));
      g_autoptr (CallTestAnswer) answer = link_test_ask (joined.a, "echo", value);

      link_test_wait_done (answer);
      g_assert_no_error (answer->error);
      /* g_variant_equal() compares values that are not trusted byte by byte, each of them a value. */
      g_assert_cmpmem (g_variant_get_data (answer->result), g_variant_get_size (answer->result), data, size);
    }
  link_test_close (&joined);
}

static void
test_transports_of_one_link_keep_apart (void)
{
  g_auto (LinkTest) joined;

  link_test_init (&joined);
  for (guint i = 0; i < 200; i++)
    {
      link_test_assert_answers (joined.a, "name", NULL, "'a'");
      link_test_assert_answers (joined.b, "name", NULL, "'b'");
    }
  /* The end of one is not the other's. */
  g_clear_object (&joined.a);
  link_test_assert_answers (joined.b, "name", NULL, "'b'");
  link_test_close (&joined);
}

static void
assert_hang_ends (CallTestAnswer *hanging, const char *name)
{
  link_test_wait_done (hanging);
  call_test_assert_failed (hanging, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpstr (hanging->error->message, ==, name);
}

static void
test_cancels_go_to_the_transport_that_asked (void)
{
  g_auto (LinkTest) joined;

  link_test_init (&joined);
  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (CallTestAnswer) first = link_test_ask (joined.a, "hang", NULL);
      g_autoptr (CallTestAnswer) second = link_test_ask (joined.b, "hang", NULL);

      g_assert_true (ferry_transport_cancel (second->end, second->xid, FERRY_CANCEL_REASON_CANCELLED));
      assert_hang_ends (second, "b");
      link_test_assert_answers (joined.a, "name", NULL, "'a'");
      g_assert_cmpuint (first->n_done, ==, 0);
      g_assert_true (ferry_transport_cancel (first->end, first->xid, FERRY_CANCEL_REASON_CANCELLED));
      assert_hang_ends (first, "a");
    }
  link_test_close (&joined);
}

static void
test_worker_of_a_fork_server_has_transports (void)
{
  g_auto (LinkTest) joined;
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (LINK_TEST_WORKER, "answer", "a", "b", NULL);
  g_autoptr (FerryForkServer) fork_server = ferry_fork_server_new (launcher);

  link_test_init_unspawned (&joined, "answer", "b");
  ferry_launcher_set_fork_server (joined.launcher, fork_server);
  joined.b = link_test_add_transport (joined.launcher, joined.router, "b");
  joined.worker = worker_test_spawn (joined.launcher, joined.router);
  link_test_assert_answers (joined.a, "name", NULL, "'a'");
  link_test_assert_answers (joined.b, "name", NULL, "'b'");
  link_test_close (&joined);
}

/* ---- room ---- */

#define PAYLOAD 30000

static gboolean
send_one_way (FerryTransport *transport, GError **error)
{
  static const guint8 payload[PAYLOAD];
  FerryRequest request = {.method = "echo", .flags = FERRY_CALL_ONE_WAY};

  request.arguments = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, payload, sizeof payload, 1);
  return ferry_transport_ask (transport, &request, NULL, NULL, error) != 0;
}

/* Sends until there is room no more. */
static guint
fill (FerryTransport *transport)
{
  g_autoptr (GError) error = NULL;
  guint n = 0;

  while (send_one_way (transport, &error))
    n++;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  return n;
}

#define N_SENT 2000

static gpointer
send_all (gpointer transport)
{
  for (guint i = 0; i < N_SENT; i++)
    {
      guint64 count = ferry_transport_get_room_count (transport);
      g_autoptr (GError) error = NULL;

      while (!send_one_way (transport, &error))
        {
          g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
          g_clear_error (&error);
          g_assert_true (ferry_transport_wait_for_room (transport, count, 0, NULL, NULL));
          count = ferry_transport_get_room_count (transport);
        }
    }
  return NULL;
}

/* Two threads wait for room in a worker that does not read, and the main context does not run. */
static void
test_room_is_told_of_after_it_would_have_blocked (void)
{
  g_auto (LinkTest) joined;
  GThread *threads[2];

  link_test_init (&joined);
  worker_test_wait_open (joined.worker);
  link_test_assert_answers (joined.a, "echo", NULL, NULL);
  ferry_worker_send_signal (joined.worker, SIGSTOP);
  g_assert_cmpuint (fill (joined.a), >, 1024 * 1024 / PAYLOAD - 2);
  threads[0] = g_thread_new ("a", send_all, joined.a);
  threads[1] = g_thread_new ("b", send_all, joined.b);
  ferry_worker_send_signal (joined.worker, SIGCONT);
  g_thread_join (threads[0]);
  g_thread_join (threads[1]);
  link_test_assert_answers (joined.a, "name", NULL, "'a'");
  link_test_close (&joined);
}

/* The worker may take some more before the signal stops it. */
static gpointer
wait_for_end (gpointer transport)
{
  while (!ferry_test_get_number (transport, "closed"))
    {
      guint64 count = ferry_transport_get_room_count (transport);

      if (!send_one_way (transport, NULL))
        ferry_transport_wait_for_room (transport, count, 0, NULL, NULL);
    }
  return NULL;
}

static void
test_who_waits_for_room_hears_of_the_end (void)
{
  g_auto (LinkTest) joined;
  GThread *thread;

  link_test_init (&joined);
  worker_test_wait_open (joined.worker);
  ferry_worker_send_signal (joined.worker, SIGSTOP);
  fill (joined.a);
  thread = g_thread_new ("a", wait_for_end, joined.a);
  ferry_worker_force_exit (joined.worker);
  link_test_wait_closed (joined.a, FERRY_ERROR_WORKER_LOST, "signal 9");
  g_thread_join (thread);
}

#define ADD(name, function) g_test_add_func ("/link-transport/" name, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* It has a descriptor, which is not to count as left behind. */
  g_main_context_default ();
  ADD ("both-ends-ask-and-answer", test_both_ends_ask_and_answer);
  ADD ("what-is-asked-right-after-the-spawn-waits-for-the-worker",
       test_what_is_asked_right_after_the_spawn_waits_for_the_worker);
  ADD ("what-is-asked-waits-until-the-worker-gets-the-transport",
       test_what_is_asked_waits_until_the_worker_gets_the_transport);
  ADD ("many-threads-of-the-worker-ask-at-once", test_many_threads_of_the_worker_ask_at_once);
  ADD ("threads-of-the-worker-wait-for-each-answer", test_threads_of_the_worker_wait_for_each_answer);
  ADD ("a-thread-of-the-worker-waits-while-others-are-asked", test_a_thread_of_the_worker_waits_while_others_are_asked);
  ADD ("a-thread-of-the-worker-that-waits-for-room-holds-up-no-requests",
       test_a_thread_of_the_worker_that_waits_for_room_holds_up_no_requests);
  ADD ("large-messages-go-both-ways", test_large_messages_go_both_ways);
  ADD ("transports-of-one-link-keep-apart", test_transports_of_one_link_keep_apart);
  ADD ("cancels-go-to-the-transport-that-asked", test_cancels_go_to_the_transport_that_asked);
  ADD ("worker-of-a-fork-server-has-transports", test_worker_of_a_fork_server_has_transports);
  ADD ("room-is-told-of-after-it-would-have-blocked", test_room_is_told_of_after_it_would_have_blocked);
  ADD ("who-waits-for-room-hears-of-the-end", test_who_waits_for_room_hears_of_the_end);
  return g_test_run ();
}
