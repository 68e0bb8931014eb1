/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-drain.c, route/ferry-send-large.c
 *
 * Messages that are larger than a record: what becomes of one that is given up, and of small ones beside it. */

#include "config.h"

#include "engine/messages-test.h"

#define MILLISECOND 1000

/* ---- large messages that are given up ---- */

static void
assert_only_small_ones_arrive (MessagesTest *scene, guint64 n)
{
  route_test_settle ();
  messages_test_wait (scene, (guint) n);
  g_assert_true (ferry_sender_send_bytes (scene->sender, "after", 5, NULL));
  messages_test_wait (scene, (guint) n + 1);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[n]), ==, 5);
}

/* The beginning of a large message has gone into the lane, and the rest of it waits. */
static RouteTestSend *
send_halfway (MessagesTest *scene, gint64 timeout, GCancellable *cancellable)
{
  guint waits = route_test_count_waits (scene->sender);
  RouteTestSend *send = route_test_send_new (scene->sender, NULL, MESSAGES_TEST_LARGE_SIZE, timeout, cancellable);

  route_test_wait_waiting (scene->sender, waits);
  return send;
}

static void
test_one_that_would_block_is_not_delivered (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  g_autofree guint8 *data = g_malloc0 (MESSAGES_TEST_LARGE_SIZE);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_sender_send_bytes (scene->sender, data, MESSAGES_TEST_LARGE_SIZE, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  assert_only_small_ones_arrive (scene, n);
}

static void
test_one_past_its_timeout_is_not_delivered (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  RouteTestSend *send = send_halfway (scene, 50 * MILLISECOND, NULL);

  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  assert_only_small_ones_arrive (scene, n);
}

static void
test_a_cancelled_one_is_not_delivered (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  RouteTestSend *send = send_halfway (scene, -1, cancellable);

  g_cancellable_cancel (cancellable);
  route_test_send_finish (send, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_object_set (scene->sender, "cancellable", NULL, NULL);
  assert_only_small_ones_arrive (scene, n);
}

static void
test_closing_the_pipe_ends_one_halfway (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  RouteTestSend *send;

  route_test_use_up_window (scene->router, scene->sender);
  send = send_halfway (scene, -1, NULL);
  g_assert_true (ferry_router_close_pipe (scene->router, scene->receiver, NULL));
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_CLOSED);
  route_test_settle ();
  g_assert_cmpuint (scene->messages->len, ==, 0);
}

static void
test_stopping_the_router_ends_one_halfway (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (FerryBuffer) buffer G_GNUC_UNUSED = messages_test_use_up_buffers (pipe->sender);
  RouteTestSend *send;
  guint waits;

  route_test_use_up_window (router, pipe->sender);
  waits = route_test_count_waits (pipe->sender);
  send = route_test_send_new (pipe->sender, NULL, MESSAGES_TEST_LARGE_SIZE, -1, NULL);
  route_test_wait_waiting (pipe->sender, waits);
  route_test_stop_with_open_pipes (router);
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static void
test_stopping_the_sender_ends_one_halfway (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  RouteTestSend *send = send_halfway (scene, -1, NULL);

  g_assert_true (ferry_sender_stop (scene->sender, NULL));
  route_test_wait_raised (&send->done);
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_STOPPED);
  messages_test_wait (scene, (guint) n);
  g_assert_cmpuint (ferry_router_get_counter (scene->router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, 0);
}

/* ---- large and small at once ---- */

static gboolean
has_1000 (gpointer data)
{
  return ((FerryTestPipe *) data)->n_messages == 1000;
}

static void
test_a_waiting_large_one_does_not_hold_up_another_sender (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  g_autoptr (FerryTestPipe) other = route_test_started_pipe (scene->router);
  guint64 n = route_test_use_up_window (scene->router, scene->sender);
  RouteTestSend *send = send_halfway (scene, -1, NULL);

  route_test_burst (other->sender, 0, 1000);
  /* They are in the local queue before the large one can be. Looked at after each message. */
  g_assert_true (ferry_router_route_until (scene->router, has_1000, other, -1, NULL));
  g_assert_cmpuint (scene->messages->len, <=, n);
  messages_test_wait (scene, (guint) n + 1);
  route_test_send_finish (send, 0, 0);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[n]), ==, MESSAGES_TEST_LARGE_SIZE);
}

static gboolean
is_done (gpointer data)
{
  return g_atomic_int_get (&((RouteTestSend *) data)->done);
}

/* Another thread writes, with the lock. */
static guint64
get_written (FerryUplink *uplink)
{
  gboolean locked = ferry_uplink_lock (uplink);
  guint64 written = uplink->writer.tail;

  ferry_uplink_unlock (uplink, locked);
  return written;
}

/* Sends a large and a small message through one sender at once. Returns whether the small one was written before the
 * last piece of the large one. */
static gboolean
overlap (MessagesTest *scene)
{
  FerryUplink *uplink = ferry_sender_get_uplink (scene->sender);
  const gsize size = 32 * 1024 * 1024;
  guint64 before = get_written (uplink);
  RouteTestSend *large = route_test_send_new (scene->sender, NULL, size, -1, NULL);
  RouteTestSend *small;
  gboolean within;

  while (get_written (uplink) < before + 2 * FERRY_MAX_RECORD_SIZE && !is_done (large))
    g_thread_yield ();
  small = route_test_send_new (scene->sender, NULL, 8, -1, NULL);
  g_thread_join (g_thread_ref (small->thread));
  within = get_written (uplink) < before + size;
  ferry_test_run_until (is_done, large);
  route_test_send_finish (large, 0, 0);
  route_test_send_finish (small, 0, 0);
  return within;
}

static void
test_small_ones_pass_a_large_one_of_the_same_process (void)
{
  g_autoptr (MessagesTest) scene = messages_test_new ();
  guint n = 0;
  gboolean within;

  do
    {
      within = overlap (scene);
      n += 2;
      messages_test_wait (scene, n);
    }
  while (!within);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[n - 2]), ==, 8);
  g_assert_cmpuint (g_variant_get_size (scene->messages->pdata[n - 1]), ==, 32 * 1024 * 1024);
}

static void
test_large_ones_of_several_threads_take_turns (gconstpointer in_buffers)
{
  g_autoptr (MessagesTest) scene = messages_test_new_for_large (in_buffers);
  RouteTestSend *sends[6];
  gsize total = 0;

  for (guint i = 0; i < G_N_ELEMENTS (sends); i++)
    sends[i] = route_test_send_new (scene->sender, NULL, 1000000 + i, -1, NULL);
  messages_test_wait (scene, G_N_ELEMENTS (sends));
  for (guint i = 0; i < G_N_ELEMENTS (sends); i++)
    {
      route_test_send_finish (sends[i], 0, 0);
      total += g_variant_get_size (scene->messages->pdata[i]);
    }
  g_assert_cmpuint (total, ==, 6 * 1000000 + 15);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/large-messages/one-that-would-block-is-not-delivered", test_one_that_would_block_is_not_delivered);
  g_test_add_func ("/large-messages/one-past-its-timeout-is-not-delivered", test_one_past_its_timeout_is_not_delivered);
  g_test_add_func ("/large-messages/one-that-is-cancelled-is-not-delivered", test_a_cancelled_one_is_not_delivered);
  g_test_add_func ("/large-messages/one-is-ended-by-closing-the-pipe-halfway", test_closing_the_pipe_ends_one_halfway);
  g_test_add_func ("/large-messages/one-is-ended-by-stopping-the-router-halfway",
                   test_stopping_the_router_ends_one_halfway);
  g_test_add_func ("/large-messages/one-is-ended-by-stopping-the-sender-halfway",
                   test_stopping_the_sender_ends_one_halfway);
  g_test_add_func ("/large-messages/a-waiting-one-does-not-hold-up-another-sender",
                   test_a_waiting_large_one_does_not_hold_up_another_sender);
  g_test_add_func ("/large-messages/small-ones-pass-one-of-the-same-process",
                   test_small_ones_pass_a_large_one_of_the_same_process);
  g_test_add_data_func ("/large-messages/of-several-threads-take-turns/in-pieces", NULL,
                        test_large_ones_of_several_threads_take_turns);
  g_test_add_data_func ("/large-messages/of-several-threads-take-turns/in-buffers", "",
                        test_large_ones_of_several_threads_take_turns);
  return g_test_run ();
}
