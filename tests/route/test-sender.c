/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-sender.c, route/ferry-send.c, route/ferry-send-message.c
 *
 * A sender's states, and its waiting for room. */

#include "config.h"

#include "route/route-test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MILLISECOND 1000

/* ---- state rules ---- */

static void
assert_send_fails (FerrySender *sender, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_sender_send_bytes (sender, "", 1, &error));
  g_assert_error (error, FERRY_ERROR, code);
  g_clear_error (&error);
  g_assert_false (ferry_sender_send (sender, g_variant_new_uint32 (1), &error));
  g_assert_error (error, FERRY_ERROR, code);
}

static void
assert_start_fails (FerrySender *sender, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_sender_start (sender, &error));
  g_assert_error (error, FERRY_ERROR, code);
}

static void
assert_stop_fails (FerrySender *sender, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_sender_stop (sender, &error));
  g_assert_error (error, FERRY_ERROR, code);
}

static void
test_refuses_to_send_before_start (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);

  assert_send_fails (pipe->sender, FERRY_ERROR_NOT_STARTED);
}

static void
test_refuses_to_send_after_stop (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  assert_send_fails (pipe->sender, FERRY_ERROR_STOPPED);
  ferry_test_pipe_wait_closed (pipe);
  assert_send_fails (pipe->sender, FERRY_ERROR_STOPPED);
  ferry_test_router_stop (router);
}

static void
test_refuses_to_send_when_passed (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "stop", NULL);

  assert_send_fails (pipe->sender, FERRY_ERROR_ALREADY_STARTED);
  ferry_test_wait_ended (worker);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_refuses_to_start_twice (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  assert_start_fails (pipe->sender, FERRY_ERROR_ALREADY_STARTED);
}

static void
test_refuses_to_start_after_stop (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  assert_start_fails (pipe->sender, FERRY_ERROR_STOPPED);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_router_stop (router);
}

static void
test_refuses_to_start_when_passed (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "stop", NULL);

  assert_start_fails (pipe->sender, FERRY_ERROR_ALREADY_STARTED);
  ferry_test_wait_ended (worker);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_refuses_to_start_when_the_pipe_is_closed (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);

  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, NULL));
  assert_start_fails (pipe->sender, FERRY_ERROR_CLOSED);
  ferry_test_router_stop (router);
}

static void
test_refuses_to_start_when_the_router_is_stopped (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);

  route_test_stop_with_open_pipes (router);
  assert_start_fails (pipe->sender, FERRY_ERROR_CLOSED);
}

static void
test_refuses_to_stop_before_start (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);

  assert_stop_fails (pipe->sender, FERRY_ERROR_NOT_STARTED);
}

static void
test_refuses_to_stop_twice (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  assert_stop_fails (pipe->sender, FERRY_ERROR_STOPPED);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpuint (pipe->n_closed, ==, 1);
  ferry_test_router_stop (router);
}

static void
test_dropping_the_last_reference_stops (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  route_test_send_numbers (pipe->sender, 0, 10);
  g_object_unref (pipe->sender);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 10);
  /* For ferry_test_pipe_free(). */
  pipe->sender = g_object_new (FERRY_TYPE_SENDER, NULL);
  ferry_test_router_stop (router);
}

static gpointer
drop_there (gpointer sender)
{
  g_object_unref (sender);
  return NULL;
}

/* Its receiver waits for messages that will not be sent. */
static void
test_dropping_what_was_not_started_closes (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (FerryTestPipe) pipe =
        ferry_test_pipe_new_with_flags (router, i == 2 ? FERRY_PIPE_LATEST : FERRY_PIPE_QUEUED);

      if (i == 1)
        g_thread_join (g_thread_new ("drops", drop_there, pipe->sender));
      else
        g_object_unref (pipe->sender);
      /* For ferry_test_pipe_free(). */
      pipe->sender = g_object_new (FERRY_TYPE_SENDER, NULL);
      g_assert_cmpuint (pipe->n_closed, ==, 0);
      ferry_test_pipe_wait_closed (pipe);
      ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
      g_assert_nonnull (strstr (ferry_exit_get_message (pipe->exit), "before it was started"));
      g_assert_cmpuint (ferry_test_get_number (router, "n-pipes"), ==, 0);
    }
  g_assert_cmpuint (router->pipes.slots->len, ==, 1);
}

/* The one that closes first has said what becomes of the other end: the receiver hears nothing. */
static void
test_dropping_and_closing_leave_no_slot (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  for (guint i = 0; i < 4; i++)
    {
      FerrySender *sender;
      g_autoptr (FerryReceiver) receiver = NULL;

      route_test_pipe (router, &sender, &receiver);
      if (i < 2)
        g_object_unref (sender);
      g_assert_true (ferry_router_close_pipe (router, receiver, NULL));
      if (i >= 2)
        g_object_unref (sender);
      g_assert_cmpuint (ferry_test_get_number (router, "n-pipes"), ==, 0);
    }
  route_test_settle ();
  g_assert_cmpuint (router->pipes.slots->len, ==, 1);
}

/* ---- waiting ---- */

static void
count_cb (guint *n)
{
  ++*n;
}

static void
test_without_time_a_full_lane_would_block (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  guint64 n = route_test_fill (router, pipe->sender);
  RouteTestSend *send = route_test_send_new (pipe->sender, NULL, 8, 0, NULL);

  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_WOULD_BLOCK);
  ferry_test_pipe_wait_count (pipe, n);
  g_assert_true (pipe->in_order);
}

static void
test_never_waits_on_the_thread_of_the_router (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  guint64 n = route_test_fill (router, pipe->sender);

  assert_send_fails (pipe->sender, FERRY_ERROR_WOULD_BLOCK);
  ferry_test_pipe_wait_count (pipe, n);
  route_test_send_numbers (pipe->sender, n, 1);
  ferry_test_pipe_wait_count (pipe, n + 1);
  g_assert_true (pipe->in_order);
}

static void
test_waits_for_the_timeout_and_no_shorter (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  guint64 n = route_test_fill (router, pipe->sender);
  gint64 deadline = g_get_monotonic_time () + 50 * MILLISECOND;
  RouteTestSend *send = route_test_send_new (pipe->sender, NULL, 8, 50 * MILLISECOND, NULL);

  g_thread_join (g_thread_ref (send->thread));
  g_assert_cmpint (send->ended, >=, deadline);
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  ferry_test_pipe_wait_count (pipe, n);
}

static void
test_the_shortest_timeout_is_soon_over (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  RouteTestSend *send;

  route_test_fill (router, pipe->sender);
  send = route_test_send_new (pipe->sender, NULL, 8, 1, NULL);
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

/* Of both ends, as by a frozen container: the reader makes room soon after it. */
static void
test_a_stop_takes_no_time (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autofree char *go = g_build_filename (g_get_user_runtime_dir (), "go", NULL);
  guint64 n = route_test_fill (router, pipe->sender);
  guint waits = route_test_count_waits (pipe->sender);
  RouteTestSend *send;
  GPid stopper;
  int order;

  g_assert_no_errno (mkfifo (go, 0600));
  stopper = ferry_test_fork_stopper (go, 3 * G_USEC_PER_SEC, &order);
  send = route_test_send_new (pipe->sender, &n, sizeof n, 2 * G_USEC_PER_SEC, NULL);
  route_test_wait_waiting (pipe->sender, waits);
  g_assert_cmpint (write (order, "", 1), ==, 1);
  close (open (go, O_RDONLY | O_CLOEXEC));
  ferry_test_take_time (G_USEC_PER_SEC / 4);
  ferry_test_pipe_wait_count (pipe, n);
  route_test_send_finish (send, 0, 0);
  ferry_test_pipe_wait_count (pipe, n + 1);
  g_assert_true (pipe->in_order);
  g_assert_cmpint (waitpid (stopper, NULL, 0), ==, stopper);
  close (order);
}

static void
test_a_waiting_send_goes_on_when_there_is_room (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  guint64 n = route_test_fill (router, pipe->sender);
  guint waits = route_test_count_waits (pipe->sender);
  RouteTestSend *send = route_test_send_new (pipe->sender, &n, sizeof n, -1, NULL);

  route_test_wait_waiting (pipe->sender, waits);
  ferry_test_pipe_wait_count (pipe, n + 1);
  g_assert_true (pipe->in_order);
  route_test_send_finish (send, 0, 0);
}

static void
test_a_timeout_without_end_is_none (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  guint64 n = route_test_fill (router, pipe->sender);
  guint waits = route_test_count_waits (pipe->sender);
  RouteTestSend *send = route_test_send_new (pipe->sender, &n, sizeof n, G_MAXINT64, NULL);

  route_test_wait_waiting (pipe->sender, waits);
  ferry_test_pipe_wait_count (pipe, n + 1);
  route_test_send_finish (send, 0, 0);
}

static void
test_cancelling_ends_a_waiting_send (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint64 n = route_test_fill (router, pipe->sender);
  guint waits = route_test_count_waits (pipe->sender);
  RouteTestSend *send = route_test_send_new (pipe->sender, NULL, 8, -1, cancellable);

  route_test_wait_waiting (pipe->sender, waits);
  g_cancellable_cancel (cancellable);
  route_test_send_finish (send, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ferry_test_pipe_wait_count (pipe, n);
  route_test_settle ();
  g_assert_cmpuint (pipe->n_messages, ==, n);
}

static void
test_a_cancelled_send_sends_nothing (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_object_set (pipe->sender, "cancellable", cancellable, NULL);
  g_assert_false (ferry_sender_send_bytes (pipe->sender, "", 1, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (ferry_sender_send (pipe->sender, g_variant_new_byte (1), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpuint (pipe->n_messages, ==, 0);
  ferry_test_router_stop (router);
}

static void
test_cancelling_one_send_leaves_another_waiting (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  guint64 n = route_test_fill (router, pipe->sender);
  guint waits = route_test_count_waits (pipe->sender);
  RouteTestSend *stays = route_test_send_new (pipe->sender, &n, sizeof n, -1, NULL);
  RouteTestSend *goes;

  route_test_wait_waiting (pipe->sender, waits);
  waits = route_test_count_waits (pipe->sender);
  goes = route_test_send_new (pipe->sender, NULL, 8, -1, cancellable);
  route_test_wait_waiting (pipe->sender, waits);
  g_cancellable_cancel (cancellable);
  route_test_send_finish (goes, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  ferry_test_pipe_wait_count (pipe, n + 1);
  route_test_send_finish (stays, 0, 0);
  g_assert_true (pipe->in_order);
}

static void
test_a_sender_without_its_cancellable_sends_again (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GCancellable) found = NULL;
  gint64 timeout = 0;
  guint n_notified = 0;

  g_signal_connect_swapped (pipe->sender, "notify::cancellable", G_CALLBACK (count_cb), &n_notified);
  g_signal_connect_swapped (pipe->sender, "notify::timeout", G_CALLBACK (count_cb), &n_notified);
  g_object_get (pipe->sender, "timeout", &timeout, "cancellable", &found, NULL);
  g_assert_cmpint (timeout, ==, -1);
  g_assert_null (found);
  g_object_set (pipe->sender, "cancellable", cancellable, "timeout", (gint64) 7, NULL);
  g_object_set (pipe->sender, "cancellable", cancellable, "timeout", (gint64) 7, NULL);
  g_assert_cmpuint (n_notified, ==, 2);
  g_object_get (pipe->sender, "timeout", &timeout, "cancellable", &found, NULL);
  g_assert_cmpint (timeout, ==, 7);
  g_assert_true (found == cancellable);
  route_test_burst (pipe->sender, 0, 10);
  g_cancellable_cancel (cancellable);
  g_object_set (pipe->sender, "cancellable", NULL, NULL);
  route_test_burst (pipe->sender, 10, 10);
  ferry_test_pipe_wait_count (pipe, 20);
  g_assert_true (pipe->in_order);
}

static void
test_closing_the_pipe_wakes_a_waiting_send (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  RouteTestSend *send;
  guint waits;

  route_test_fill (router, pipe->sender);
  waits = route_test_count_waits (pipe->sender);
  send = route_test_send_new (pipe->sender, NULL, 8, -1, NULL);
  route_test_wait_waiting (pipe->sender, waits);
  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, NULL));
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_CLOSED);
  ferry_test_router_stop (router);
}

static void
test_stopping_the_router_wakes_a_waiting_send (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  RouteTestSend *send;
  guint waits;

  route_test_fill (router, pipe->sender);
  waits = route_test_count_waits (pipe->sender);
  send = route_test_send_new (pipe->sender, NULL, 8, -1, NULL);
  route_test_wait_waiting (pipe->sender, waits);
  route_test_stop_with_open_pipes (router);
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_CLOSED);
  assert_send_fails (pipe->sender, FERRY_ERROR_CLOSED);
}

static void
test_stopping_never_waits (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  guint64 n = route_test_fill (router, pipe->sender);

  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, n);
  ferry_test_router_stop (router);
}

static void
test_stopping_ends_a_waiting_send (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  guint64 n = route_test_fill (router, pipe->sender);
  guint waits = route_test_count_waits (pipe->sender);
  RouteTestSend *send = route_test_send_new (pipe->sender, NULL, 8, -1, NULL);

  route_test_wait_waiting (pipe->sender, waits);
  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  route_test_wait_raised (&send->done);
  route_test_send_finish (send, FERRY_ERROR, FERRY_ERROR_STOPPED);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpuint (pipe->n_messages, ==, n);
  ferry_test_router_stop (router);
}

static GVariant *
make_variants (guint n)
{
  GVariant *value = g_variant_new_int32 (1);

  for (; n > 0; n--)
    value = g_variant_new_variant (value);
  return value;
}

/* The receiver would take it for a fault of the worker. */
static void
test_refuses_to_send_what_is_too_deep (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autofree char *members = g_strnfill (2000, 'v');
  g_autofree char *type = g_strdup_printf ("(%s)", members);
  g_autoptr (GError) error = NULL;
  GVariantBuilder builder;

  g_assert_false (ferry_sender_send (pipe->sender, make_variants (65), &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_nonnull (strstr (error->message, "64 levels"));
  g_clear_error (&error);
  g_assert_true (ferry_sender_send (pipe->sender, make_variants (64), &error));
  g_assert_no_error (error);

  /* A type that cannot be announced travels in a variant, which is a level as well. */
  for (guint n = 62; n <= 63; n++)
    {
      g_variant_builder_init (&builder, G_VARIANT_TYPE (type));
      for (guint i = 0; i < 2000; i++)
        g_variant_builder_add_value (&builder, make_variants (n));
      g_assert_cmpint (ferry_sender_send (pipe->sender, g_variant_builder_end (&builder), NULL), ==, n == 62);
    }
  ferry_test_pipe_wait_count (pipe, 2);
}

static void
test_null_is_a_critical (void)
{
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*FERRY_IS_SENDER (self)*");
  g_assert_false (ferry_sender_start (NULL, NULL));
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*FERRY_IS_SENDER (self)*");
  g_assert_false (ferry_sender_stop (NULL, NULL));
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*FERRY_IS_SENDER (self)*");
  g_assert_false (ferry_sender_send_bytes (NULL, NULL, 0, NULL));
  g_test_assert_expected_messages ();
}

static void
test_no_message_is_a_critical (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*message != NULL*");
  g_assert_false (ferry_sender_send (pipe->sender, NULL, NULL));
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*data != NULL || size == 0*");
  g_assert_false (ferry_sender_send_bytes (pipe->sender, NULL, 1, NULL));
  g_test_assert_expected_messages ();
}

static void
add_state_rules (void)
{
  g_test_add_func ("/sender/refuses-to-send-before-start", test_refuses_to_send_before_start);
  g_test_add_func ("/sender/refuses-to-send-after-stop", test_refuses_to_send_after_stop);
  route_test_add_untraceable ("/sender/refuses-to-send-when-passed", test_refuses_to_send_when_passed);
  g_test_add_func ("/sender/refuses-to-start-twice", test_refuses_to_start_twice);
  g_test_add_func ("/sender/refuses-to-start-after-stop", test_refuses_to_start_after_stop);
  route_test_add_untraceable ("/sender/refuses-to-start-when-passed", test_refuses_to_start_when_passed);
  g_test_add_func ("/sender/refuses-to-start-when-the-pipe-is-closed", test_refuses_to_start_when_the_pipe_is_closed);
  g_test_add_func ("/sender/refuses-to-start-when-the-router-is-stopped",
                   test_refuses_to_start_when_the_router_is_stopped);
  g_test_add_func ("/sender/refuses-to-stop-before-start", test_refuses_to_stop_before_start);
  g_test_add_func ("/sender/refuses-to-stop-twice", test_refuses_to_stop_twice);
  g_test_add_func ("/sender/dropping-the-last-reference-stops", test_dropping_the_last_reference_stops);
  g_test_add_func ("/sender/refuses-to-send-what-is-too-deep", test_refuses_to_send_what_is_too_deep);
  g_test_add_func ("/sender/dropping-what-was-not-started-closes", test_dropping_what_was_not_started_closes);
  g_test_add_func ("/sender/dropping-and-closing-leave-no-slot", test_dropping_and_closing_leave_no_slot);
  g_test_add_func ("/sender/null-is-a-critical", test_null_is_a_critical);
  g_test_add_func ("/sender/no-message-is-a-critical", test_no_message_is_a_critical);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  add_state_rules ();
  g_test_add_func ("/sender/without-time-a-full-lane-would-block", test_without_time_a_full_lane_would_block);
  g_test_add_func ("/sender/never-waits-on-the-thread-of-the-router", test_never_waits_on_the_thread_of_the_router);
  g_test_add_func ("/sender/waits-for-the-timeout-and-no-shorter", test_waits_for_the_timeout_and_no_shorter);
  g_test_add_func ("/sender/a-stop-takes-no-time", test_a_stop_takes_no_time);
  g_test_add_func ("/sender/the-shortest-timeout-is-soon-over", test_the_shortest_timeout_is_soon_over);
  g_test_add_func ("/sender/a-waiting-send-goes-on-when-there-is-room", test_a_waiting_send_goes_on_when_there_is_room);
  g_test_add_func ("/sender/a-timeout-without-end-is-none", test_a_timeout_without_end_is_none);
  g_test_add_func ("/sender/cancelling-ends-a-waiting-send", test_cancelling_ends_a_waiting_send);
  g_test_add_func ("/sender/a-cancelled-send-sends-nothing", test_a_cancelled_send_sends_nothing);
  g_test_add_func ("/sender/cancelling-one-send-leaves-another-waiting",
                   test_cancelling_one_send_leaves_another_waiting);
  g_test_add_func ("/sender/one-without-its-cancellable-sends-again",
                   test_a_sender_without_its_cancellable_sends_again);
  g_test_add_func ("/sender/closing-the-pipe-wakes-a-waiting-send", test_closing_the_pipe_wakes_a_waiting_send);
  g_test_add_func ("/sender/stopping-the-router-wakes-a-waiting-send", test_stopping_the_router_wakes_a_waiting_send);
  g_test_add_func ("/sender/stopping-never-waits", test_stopping_never_waits);
  g_test_add_func ("/sender/stopping-ends-a-waiting-send", test_stopping_ends_a_waiting_send);
  return g_test_run ();
}
