/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-router.c
 *
 * A router's states, settings and counters. */

#include "config.h"

#include "route/ferry-router-private.h"
#include "route/route-test.h"

/* ---- state rules ---- */

typedef struct
{
  const char *name;
  gboolean (*call) (FerryRouter *router, FerryReceiver *receiver, GError **error);
} Call;

static gboolean
call_stop (FerryRouter *router, FerryReceiver *receiver, GError **error)
{
  return ferry_router_stop (router, error);
}

static gboolean
call_pipe (FerryRouter *router, FerryReceiver *receiver, GError **error)
{
  g_autoptr (FerrySender) new_sender = NULL;
  g_autoptr (FerryReceiver) new_receiver = NULL;

  return ferry_router_pipe (router, FERRY_PIPE_QUEUED, &new_sender, &new_receiver, error);
}

static gboolean
call_close_pipe (FerryRouter *router, FerryReceiver *receiver, GError **error)
{
  return ferry_router_close_pipe (router, receiver, error);
}

static gboolean
always (gpointer user_data)
{
  return TRUE;
}

static gboolean
call_route_until (FerryRouter *router, FerryReceiver *receiver, GError **error)
{
  return ferry_router_route_until (router, always, NULL, 0, error);
}

static const Call calls[] = {
  {"stop", call_stop},
  {"pipe", call_pipe},
  {"close-pipe", call_close_pipe},
  {"route-until", call_route_until},
};

/* A receiver with a closed pipe. */
static FerryReceiver *
make_receiver (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerrySender) sender = NULL;
  FerryReceiver *receiver;

  route_test_pipe (router, &sender, &receiver);
  ferry_router_close_pipe (router, receiver, NULL);
  ferry_test_router_stop (router);
  return receiver;
}

static void
test_refuses_call_before_start (gconstpointer data)
{
  const Call *call = data;
  g_autoptr (FerryReceiver) receiver = make_receiver ();
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (call->call (router, receiver, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
}

static void
test_refuses_call_after_stop (gconstpointer data)
{
  const Call *call = data;
  g_autoptr (FerryReceiver) receiver = make_receiver ();
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (GError) error = NULL;

  ferry_router_stop (router, &error);
  g_assert_no_error (error);
  g_assert_false (call->call (router, receiver, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_RUNNING);
}

typedef struct
{
  const Call *call;
  FerryRouter *router;
  FerryReceiver *receiver;
  GError *error;
} Elsewhere;

static gpointer
call_elsewhere (gpointer data)
{
  Elsewhere *elsewhere = data;

  g_assert_false (elsewhere->call->call (elsewhere->router, elsewhere->receiver, &elsewhere->error));
  return NULL;
}

static void
test_refuses_call_on_another_thread (gconstpointer data)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  Elsewhere elsewhere = {data, router, pipe->receiver, NULL};

  g_thread_join (g_thread_new ("elsewhere", call_elsewhere, &elsewhere));
  g_assert_error (elsewhere.error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_clear_error (&elsewhere.error);
  g_assert_true (ferry_router_get_running (router));
  g_assert_false (ferry_test_get_number (pipe->receiver, "is-closed"));
}

static void
test_refuses_to_start_twice (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_router_start (router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_RUNNING);
  g_assert_true (ferry_router_get_running (router));
}

static gboolean
call_start (FerryRouter *router, FerryReceiver *receiver, GError **error)
{
  return ferry_router_start (router, error);
}

static void
test_refuses_to_start_twice_on_another_thread (void)
{
  static const Call call = {"start", call_start};
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  Elsewhere elsewhere = {&call, router, NULL, NULL};

  g_thread_join (g_thread_new ("elsewhere", call_elsewhere, &elsewhere));
  g_assert_error (elsewhere.error, FERRY_ERROR, FERRY_ERROR_WRONG_THREAD);
  g_clear_error (&elsewhere.error);
}

static void
test_starts_again_after_stop (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  for (guint round = 1; round <= 3; round++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

      route_test_send_numbers (pipe->sender, 0, 100);
      ferry_test_pipe_wait_count (pipe, 100);
      g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_MESSAGES), ==, round * 100);
      g_clear_pointer (&pipe, ferry_test_pipe_free);
      ferry_router_stop (router, &error);
      g_assert_no_error (error);
      ferry_router_start (router, &error);
      g_assert_no_error (error);
    }
}

/* any: starts and stops a router that belonged to another thread before. */
static gpointer
start_and_stop_elsewhere (gpointer data)
{
  g_autoptr (GError) error = NULL;

  /* As a main loop of this thread has it. */
  g_assert_true (g_main_context_acquire (NULL));
  g_assert_true (ferry_router_start (data, &error));
  g_assert_no_error (error);
  g_assert_true (ferry_router_stop (data, &error));
  g_assert_no_error (error);
  g_main_context_release (NULL);
  return NULL;
}

static void
test_belongs_to_the_thread_of_its_latest_start (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_router_stop (router, &error));
  g_assert_no_error (error);
  g_thread_join (g_thread_new ("elsewhere", start_and_stop_elsewhere, router));
  g_assert_finalize_object (router);
}

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
test_notifies_of_running (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  g_autoptr (GError) error = NULL;
  guint n_notified = 0;

  g_signal_connect (router, "notify::running", G_CALLBACK (count_notify), &n_notified);
  g_assert_false (ferry_router_get_running (router));
  ferry_router_start (router, &error);
  g_assert_no_error (error);
  g_assert_true (ferry_router_get_running (router));
  g_assert_cmpuint (n_notified, ==, 1);
  ferry_router_stop (router, &error);
  g_assert_no_error (error);
  g_assert_false (ferry_router_get_running (router));
  g_assert_cmpuint (n_notified, ==, 2);
}

/* ---- mistakes of the programmer ---- */

static void
expect_critical (const char *pattern)
{
  g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, pattern);
}

static void
test_null_is_a_critical (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      expect_critical ("*FERRY_IS_ROUTER (self)*");
      g_assert_false (calls[i].call (NULL, NULL, NULL));
    }
  expect_critical ("*FERRY_IS_ROUTER (self)*");
  g_assert_false (ferry_router_start (NULL, NULL));
  expect_critical ("*FERRY_IS_ROUTER (self)*");
  g_assert_false (ferry_router_get_running (NULL));
  expect_critical ("*FERRY_IS_ROUTER (self)*");
  g_assert_cmpuint (ferry_router_get_counter (NULL, FERRY_COUNTER_BLOCKS), ==, 0);
  expect_critical ("*FERRY_IS_RECEIVER (receiver)*");
  g_assert_false (ferry_router_close_pipe (router, NULL, NULL));
  expect_critical ("*condition != NULL*");
  g_assert_false (ferry_router_route_until (router, NULL, NULL, 0, NULL));
  expect_critical ("*sender != NULL && receiver != NULL*");
  g_assert_false (ferry_router_pipe (router, FERRY_PIPE_QUEUED, NULL, NULL, NULL));
  g_test_assert_expected_messages ();
}

static void
test_another_type_is_a_critical (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (GObject) other = g_object_new (G_TYPE_OBJECT, NULL);

  expect_critical ("*FERRY_IS_ROUTER (self)*");
  g_assert_false (ferry_router_stop ((FerryRouter *) other, NULL));
  expect_critical ("*FERRY_IS_RECEIVER (receiver)*");
  g_assert_false (ferry_router_close_pipe (router, (FerryReceiver *) other, NULL));
  expect_critical ("*FERRY_IS_SENDER (self)*");
  g_assert_false (ferry_sender_start ((FerrySender *) other, NULL));
  expect_critical ("*FERRY_IS_RECEIVER (self)*");
  g_assert_null (ferry_receiver_get_exit ((FerryReceiver *) other));
  g_test_assert_expected_messages ();
  ferry_test_router_stop (router);
}

static void
test_unknown_counter_is_a_critical (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);

  expect_critical ("*should not be reached*");
  g_assert_cmpuint (ferry_router_get_counter (router, (FerryCounter) 1000), ==, 0);
  g_test_assert_expected_messages ();
}

/* ---- settings and counters ---- */

static void
test_has_documented_defaults (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  g_autoptr (GMainContext) context = NULL;
  gint64 budget, ageing;
  guint64 queue_limit, capacity, max_size;
  gboolean running;
  int priority;

  g_object_get (router, "main-context", &context, "priority", &priority, "dispatch-budget", &budget, "ageing", &ageing,
                "local-queue-limit", &queue_limit, "lane-capacity", &capacity, "max-message-size", &max_size, "running",
                &running, NULL);
  g_assert_true (context == g_main_context_default ());
  g_assert_cmpint (priority, ==, G_PRIORITY_HIGH_IDLE + 25);
  g_assert_cmpint (budget, ==, 4000);
  g_assert_cmpint (ageing, ==, 20000);
  g_assert_cmpuint (queue_limit, ==, 16 << 20);
  g_assert_cmpuint (capacity, ==, 2 << 20);
  g_assert_cmpuint (max_size, ==, 64 << 20);
  g_assert_false (running);
}

static void
test_keeps_settings (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);
  gint64 budget, ageing;
  guint64 queue_limit, capacity, max_size;
  int priority;

  g_object_set (router, "priority", 7, "dispatch-budget", (gint64) 1000, "ageing", (gint64) -1, "local-queue-limit",
                (guint64) 1 << 20, "lane-capacity", (guint64) 200000, "max-message-size", (guint64) 65536, NULL);
  g_object_get (router, "priority", &priority, "dispatch-budget", &budget, "ageing", &ageing, "local-queue-limit",
                &queue_limit, "lane-capacity", &capacity, "max-message-size", &max_size, NULL);
  g_assert_cmpint (priority, ==, 7);
  g_assert_cmpint (budget, ==, 1000);
  g_assert_cmpint (ageing, ==, -1);
  g_assert_cmpuint (queue_limit, ==, 1 << 20);
  g_assert_cmpuint (max_size, ==, 65536);
  /* Rounded down to a power of two. */
  g_assert_cmpuint (capacity, ==, 131072);
  g_object_set (router, "ageing", G_MAXINT64, "spare-time", G_MAXINT64, NULL);
}

static void
test_lane_has_the_capacity_that_was_set (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) small = NULL;
  g_autoptr (FerryTestPipe) large = NULL;
  guint64 n_small, n_large;

  g_object_set (router, "lane-capacity", (guint64) 128 * 1024, NULL);
  small = route_test_started_pipe (router);
  g_object_set (router, "lane-capacity", (guint64) 512 * 1024, NULL);
  large = route_test_started_pipe (router);
  n_small = route_test_fill (router, small->sender);
  ferry_test_pipe_wait_count (small, n_small);
  n_large = route_test_fill (router, large->sender);
  ferry_test_pipe_wait_count (large, n_large);
  /* A message of 8 bytes takes 24 of the lane; each block of the window has one more. */
  g_assert_cmpuint (n_small, <=, 128 * 1024 / 24 + FERRY_LINK_WINDOW / FERRY_BLOCK_SIZE);
  g_assert_cmpuint (n_large - n_small, >, 380 * 1024 / 24);
}

static gboolean
no_links (gpointer data)
{
  return ferry_router_get_counter (data, FERRY_COUNTER_LINKS) == 0;
}

static void
test_hundreds_of_links_have_shorter_lanes (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (GPtrArray) pipes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_test_pipe_free);

  for (guint n = 0; n <= 130; n++)
    {
      const guint n_halvings = (n >= 16) + (n >= 32) + (n >= 64) + (n >= 128);

      g_assert_cmpuint (ferry_router_choose_lane_capacity (router), ==, (2 << 20) >> n_halvings);
      g_ptr_array_add (pipes, route_test_started_pipe (router));
    }
  g_object_set (router, "lane-capacity", (guint64) 128 * 1024, NULL);
  g_assert_cmpuint (ferry_router_choose_lane_capacity (router), ==, 128 * 1024);
  g_object_set (router, "lane-capacity", (guint64) 4 << 20, NULL);
  for (guint i = 0; i < pipes->len; i++)
    ferry_sender_stop (((FerryTestPipe *) pipes->pdata[i])->sender, NULL);
  ferry_test_run_until (no_links, router);
  g_assert_cmpuint (ferry_router_choose_lane_capacity (router), ==, 4 << 20);
}

static void
test_counts_what_goes_through (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  route_test_send_numbers (pipe->sender, 0, 1000);
  ferry_test_pipe_wait_count (pipe, 1000);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_LINKS), ==, 1);
  g_assert_cmpuint (ferry_test_get_number (router, "n-pipes"), ==, 1);
  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_MESSAGES), ==, 1000);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_BYTES), ==, 8000);
  g_assert_cmpuint (ferry_test_get_number (pipe->receiver, "n-messages"), ==, 1000);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_BLOCKS), >, 0);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_DISPATCHES), >, 0);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_DROPPED), ==, 0);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_UNDELIVERED), ==, 0);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (router, "n-pipes"), ==, 0);
  ferry_test_run_until (no_links, router);
  route_test_settle ();
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_QUEUED_BYTES), ==, 0);
}

/* ---- contexts and threads ---- */

static gpointer
route_on_a_context_of_its_own (gpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (FerryTestPipe) pipe = NULL;
  FerryRouter *router;

  g_main_context_push_thread_default (context);
  router = ferry_test_router_new ();
  pipe = route_test_started_pipe (router);
  for (guint64 round = 0; round < 10; round++)
    {
      route_test_send_numbers (pipe->sender, round * 100, 100);
      while (pipe->n_messages < (round + 1) * 100)
        g_main_context_iteration (context, TRUE);
    }
  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  while (pipe->n_closed == 0)
    g_main_context_iteration (context, TRUE);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_runs_on_another_context_in_another_thread (void)
{
  g_thread_join (g_thread_new ("router", route_on_a_context_of_its_own, NULL));
}

static void
test_two_routers_run_in_two_threads (void)
{
  GThread *one = g_thread_new ("router", route_on_a_context_of_its_own, NULL);
  GThread *two = g_thread_new ("router", route_on_a_context_of_its_own, NULL);

  g_thread_join (one);
  g_thread_join (two);
}

static void
test_two_routers_run_on_one_context (void)
{
  FerryRouter *one = ferry_test_router_new ();
  FerryRouter *two = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) first = route_test_started_pipe (one);
  g_autoptr (FerryTestPipe) second = route_test_started_pipe (two);

  route_test_send_numbers (first->sender, 0, 1000);
  route_test_send_numbers (second->sender, 0, 2000);
  ferry_test_pipe_wait_count (first, 1000);
  ferry_test_pipe_wait_count (second, 2000);
  g_assert_true (first->in_order && second->in_order);
  g_assert_cmpuint (ferry_router_get_counter (one, FERRY_COUNTER_MESSAGES), ==, 1000);
  g_clear_pointer (&first, ferry_test_pipe_free);
  ferry_test_router_stop (one);
  route_test_send_numbers (second->sender, 2000, 1000);
  ferry_test_pipe_wait_count (second, 3000);
  g_clear_pointer (&second, ferry_test_pipe_free);
  ferry_test_router_stop (two);
}

static void
test_refuses_a_pipe_of_another_router (void)
{
  FerryRouter *one = ferry_test_router_new ();
  FerryRouter *two = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) mine = ferry_test_pipe_new (one);
  g_autoptr (FerryTestPipe) other = ferry_test_pipe_new (two);
  g_autoptr (GError) error = NULL;

  /* The two have the same connection id. */
  g_assert_false (ferry_router_close_pipe (one, other->receiver, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_cmpuint (ferry_test_get_number (one, "n-pipes"), ==, 1);
  g_clear_pointer (&mine, ferry_test_pipe_free);
  g_clear_pointer (&other, ferry_test_pipe_free);
  ferry_test_router_stop (one);
  ferry_test_router_stop (two);
}

static void
add_calls (const char *format, GTestDataFunc func)
{
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autofree char *path = g_strdup_printf ("/router/refuses-%s-%s", calls[i].name, format);

      g_test_add_data_func (path, &calls[i], func);
    }
}

static gpointer
drop_reference (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

static void
raise_flag (gpointer data, GObject *where_it_was)
{
  *(gboolean *) data = TRUE;
}

static void
test_stops_on_its_thread_when_dropped_on_another (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerrySender) sender = NULL;
  gboolean gone = FALSE;

  g_assert_true (ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, NULL));
  g_assert_true (ferry_sender_start (sender, NULL));
  for (guint i = 0; i < 1000; i++)
    g_assert_true (ferry_sender_send_bytes (sender, &i, sizeof i, NULL));
  g_object_weak_ref (G_OBJECT (router), raise_flag, &gone);
  g_thread_join (g_thread_new ("dropper", drop_reference, router));
  ferry_test_wait_flag (&gone);
  route_test_assert_warned ("*1 open pipe*");
  g_assert_true (ferry_test_get_number (receiver, "is-closed"));
  g_assert_cmpint (ferry_exit_get_reason (ferry_receiver_get_exit (receiver)), ==, FERRY_CLOSE_REASON_ROUTER_STOPPED);
}

static void
test_unknown_counter_is_refused (void)
{
  static const int unknown[] = {-1, FERRY_COUNTER_HANDLER_TIME + 1, G_MAXINT};
  g_autoptr (FerryRouter) router = ferry_test_router_new_stopped (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_test_expect_message ("Ferry", G_LOG_LEVEL_CRITICAL, "*should not be reached*");
      g_assert_cmpuint (ferry_router_get_counter (router, (FerryCounter) unknown[i]), ==, 0);
      g_test_assert_expected_messages ();
    }
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_HIGHEST_SPARE_BYTES), ==, 0);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/router/refuses-to-start-twice", test_refuses_to_start_twice);
  g_test_add_func ("/router/refuses-to-start-twice-on-another-thread", test_refuses_to_start_twice_on_another_thread);
  add_calls ("before-start", test_refuses_call_before_start);
  add_calls ("after-stop", test_refuses_call_after_stop);
  add_calls ("on-another-thread", test_refuses_call_on_another_thread);
  g_test_add_func ("/router/unknown-counter-is-refused", test_unknown_counter_is_refused);
  g_test_add_func ("/router/starts-again-after-stop", test_starts_again_after_stop);
  g_test_add_func ("/router/belongs-to-the-thread-of-its-latest-start", test_belongs_to_the_thread_of_its_latest_start);
  g_test_add_func ("/router/notifies-of-running", test_notifies_of_running);
  g_test_add_func ("/router/null-is-a-critical", test_null_is_a_critical);
  g_test_add_func ("/router/another-type-is-a-critical", test_another_type_is_a_critical);
  g_test_add_func ("/router/unknown-counter-is-a-critical", test_unknown_counter_is_a_critical);
  g_test_add_func ("/router/has-documented-defaults", test_has_documented_defaults);
  g_test_add_func ("/router/keeps-settings", test_keeps_settings);
  g_test_add_func ("/router/lane-has-the-capacity-that-was-set", test_lane_has_the_capacity_that_was_set);
  g_test_add_func ("/router/hundreds-of-links-have-shorter-lanes", test_hundreds_of_links_have_shorter_lanes);
  g_test_add_func ("/router/counts-what-goes-through", test_counts_what_goes_through);
  g_test_add_func ("/router/runs-on-another-context-in-another-thread", test_runs_on_another_context_in_another_thread);
  route_test_add_untraceable ("/router/two-routers-run-in-two-threads", test_two_routers_run_in_two_threads);
  g_test_add_func ("/router/two-routers-run-on-one-context", test_two_routers_run_on_one_context);
  g_test_add_func ("/router/refuses-a-pipe-of-another-router", test_refuses_a_pipe_of_another_router);
  g_test_add_func ("/router/stops-on-its-thread-when-dropped-on-another",
                   test_stops_on_its_thread_when_dropped_on_another);
  return g_test_run ();
}
