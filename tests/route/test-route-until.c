/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Routing by hand, until a condition holds. */

#include "config.h"

#include "route/route-test.h"

#include <time.h>

#define MILLISECOND 1000
#define LONG (FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC)

typedef struct
{
  FerryTestPipe *pipe;
  guint64 n;
} Count;

static gboolean
has_count (gpointer user_data)
{
  Count *count = user_data;

  return count->pipe->n_messages >= count->n;
}

static gboolean
never (gpointer user_data)
{
  return FALSE;
}

static gboolean
always (gpointer user_data)
{
  return TRUE;
}

static void
route (FerryTestPipe *pipe, guint64 n)
{
  g_autoptr (GError) error = NULL;
  Count count = {pipe, n};

  g_assert_true (ferry_router_route_until (pipe->router, has_count, &count, LONG, &error));
  g_assert_no_error (error);
}

static void
test_returns_when_the_condition_holds (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:100000", NULL);

  route (pipe, 100000);
  g_assert_cmpuint (pipe->n_messages, ==, 100000);
  g_assert_true (pipe->in_order);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

static void
test_returns_at_once_when_it_holds_already (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  route_test_burst (pipe->sender, 0, 10);
  g_assert_true (ferry_router_route_until (router, always, NULL, LONG, NULL));
  g_assert_cmpuint (pipe->n_messages, ==, 0);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_looks_after_each_message (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  route_test_burst (pipe->sender, 0, 1000);
  for (guint64 n = 1; n <= 1000; n += 37)
    {
      route (pipe, n);
      g_assert_cmpuint (pipe->n_messages, ==, n);
    }
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_looks_after_each_message_of_a_worker (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:100000", "stop", NULL);

  for (guint64 n = 1; n < 100000; n += 997)
    {
      route (pipe, n);
      g_assert_cmpuint (pipe->n_messages, ==, n);
    }
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 100000);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

static void
test_times_out (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (GError) error = NULL;
  gint64 began = g_get_monotonic_time ();

  g_assert_false (ferry_router_route_until (router, never, NULL, 30 * MILLISECOND, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpint (g_get_monotonic_time () - began, >=, 30 * MILLISECOND);
  ferry_test_router_stop (router);
}

static void
test_times_out_in_a_flood (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "flood", NULL);
  g_autoptr (GError) error = NULL;

  route (pipe, 1000);
  g_assert_false (ferry_router_route_until (router, never, NULL, 30 * MILLISECOND, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpuint (pipe->n_messages, >, 1000);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

static void
test_without_time_delivers_what_is_there (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GError) error = NULL;

  route_test_burst (pipe->sender, 0, 10);
  /* What the monitor took is in the local queue a moment later: its counter says so. */
  while (ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES) == 0)
    g_thread_yield ();
  g_assert_false (ferry_router_route_until (router, never, NULL, 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpuint (pipe->n_messages, >, 0);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_main_loop_takes_over_again (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  for (guint64 round = 0; round < 20; round++)
    {
      route_test_burst (pipe->sender, round * 100, 100);
      route (pipe, round * 100 + 50);
      ferry_test_pipe_wait_count (pipe, round * 100 + 100);
    }
  g_assert_true (pipe->in_order);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_other_sources_do_not_run (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  gint ran = FALSE;

  g_idle_add_once ((GSourceOnceFunc) route_test_raise, &ran);
  route_test_send_numbers (pipe->sender, 0, 100);
  route (pipe, 100);
  g_assert_false (g_atomic_int_get (&ran));
  route_test_wait_raised (&ran);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

/* ---- handlers ---- */

static void
busy_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryTestPipe *pipe = user_data;
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_router_route_until (pipe->router, always, NULL, LONG, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BUSY);
  pipe->n_messages++;
}

static void
test_refuses_a_handler_of_the_main_loop (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  ferry_receiver_set_handler (pipe->receiver, busy_cb, pipe, NULL);
  route_test_send_numbers (pipe->sender, 0, 10);
  ferry_test_pipe_wait_count (pipe, 10);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_refuses_a_handler_of_its_own (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  ferry_receiver_set_handler (pipe->receiver, busy_cb, pipe, NULL);
  route_test_send_numbers (pipe->sender, 0, 10);
  route (pipe, 10);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
stop_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryTestPipe *pipe = user_data;

  pipe->n_messages++;
  g_assert_true (ferry_router_stop (pipe->router, NULL));
}

static void
test_fails_when_a_handler_stops_the_router (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GError) error = NULL;

  ferry_receiver_set_handler (pipe->receiver, stop_cb, pipe, NULL);
  route_test_send_numbers (pipe->sender, 0, 10);
  g_assert_false (ferry_router_route_until (router, never, NULL, LONG, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
  g_assert_cmpuint (pipe->n_messages, ==, 1);
  route_test_assert_warned ("*1 open pipes*");
  g_assert_finalize_object (router);
}

static void
drop_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryTestPipe *pipe = user_data;

  pipe->n_messages++;
  g_clear_object (&pipe->router);
}

static void
test_keeps_the_router_that_a_handler_drops (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  Count count = {pipe, 1};
  g_autoptr (GError) error = NULL;

  ferry_receiver_set_handler (pipe->receiver, drop_cb, pipe, NULL);
  route_test_send_numbers (pipe->sender, 0, 1);
  g_assert_true (ferry_router_route_until (router, has_count, &count, LONG, &error));
  g_assert_no_error (error);
  route_test_assert_warned ("*1 open pipes*");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_ROUTER_STOPPED);
}

/* ---- without a timeout ---- */

static gpointer
send_after_a_while (gpointer data)
{
  g_autoptr (GError) error = NULL;
  guint64 number = 0;
  GMutex lock;
  GCond no_one;
  gint64 until = g_get_monotonic_time () + 200 * MILLISECOND;

  g_mutex_init (&lock);
  g_cond_init (&no_one);
  g_mutex_lock (&lock);
  while (g_cond_wait_until (&no_one, &lock, until))
    ;
  g_mutex_unlock (&lock);
  g_cond_clear (&no_one);
  g_mutex_clear (&lock);
  ferry_sender_send_bytes (data, &number, sizeof number, &error);
  g_assert_no_error (error);
  return NULL;
}

static gint64
get_thread_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static void
test_sleeps_while_nothing_comes (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  GThread *thread = g_thread_new ("send", send_after_a_while, pipe->sender);
  Count count = {pipe, 1};
  g_autoptr (GError) error = NULL;
  gint64 before = get_thread_time ();

  g_assert_true (ferry_router_route_until (router, has_count, &count, -1, &error));
  g_assert_no_error (error);
  /* It computes for less than a quarter of the time. */
  g_assert_cmpint (get_thread_time () - before, <, 50 * MILLISECOND);
  g_thread_join (thread);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  route_test_add_untraceable ("/route-until/returns-when-the-condition-holds", test_returns_when_the_condition_holds);
  g_test_add_func ("/route-until/returns-at-once-when-it-holds-already", test_returns_at_once_when_it_holds_already);
  g_test_add_func ("/route-until/looks-after-each-message", test_looks_after_each_message);
  route_test_add_untraceable ("/route-until/looks-after-each-message-of-a-worker",
                              test_looks_after_each_message_of_a_worker);
  g_test_add_func ("/route-until/times-out", test_times_out);
  route_test_add_untraceable ("/route-until/times-out-in-a-flood", test_times_out_in_a_flood);
  g_test_add_func ("/route-until/without-time-delivers-what-is-there", test_without_time_delivers_what_is_there);
  g_test_add_func ("/route-until/main-loop-takes-over-again", test_main_loop_takes_over_again);
  g_test_add_func ("/route-until/other-sources-do-not-run", test_other_sources_do_not_run);
  g_test_add_func ("/route-until/refuses-a-handler-of-the-main-loop", test_refuses_a_handler_of_the_main_loop);
  g_test_add_func ("/route-until/refuses-a-handler-of-its-own", test_refuses_a_handler_of_its_own);
  g_test_add_func ("/route-until/fails-when-a-handler-stops-the-router", test_fails_when_a_handler_stops_the_router);
  g_test_add_func ("/route-until/keeps-the-router-that-a-handler-drops", test_keeps_the_router_that_a_handler_drops);
  g_test_add_func ("/route-until/sleeps-while-nothing-comes", test_sleeps_while_nothing_comes);
  return g_test_run ();
}
