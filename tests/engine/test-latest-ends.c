/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-cell-watch.c, route/ferry-send-latest.c
 *
 * How pipes for latest values end: the last value comes before `closed`, and handlers may end whatever they like. */

#include "config.h"

#include "engine/latest-test.h"
#include "route/ferry-pipe-private.h"

static void
stop_sender (LatestTest *self)
{
  g_autoptr (GError) error = NULL;

  ferry_sender_stop (self->sender, &error);
  g_assert_no_error (error);
}

static void
stop_router (FerryRouter *router)
{
  g_autoptr (GError) error = NULL;

  ferry_router_stop (router, &error);
  g_assert_no_error (error);
}

static void
assert_ended_with (LatestTest *self, guint64 number, FerryCloseReason reason)
{
  latest_test_wait_closed (self);
  route_test_settle ();
  g_assert_cmpuint (self->n_closed, ==, 1);
  g_assert_cmpint (self->reason, ==, reason);
  g_assert_cmpuint (self->latest, ==, number);
  g_assert_cmpuint (self->at_closed, ==, self->n_values);
  g_assert_true (self->grows);
}

static void
test_last_value_comes_before_closed (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    for (guint64 n = 1; n <= 100; n++)
      latest_test_send (pipe, n);
    stop_sender (pipe);
    assert_ended_with (pipe, 100, FERRY_CLOSE_REASON_STOPPED);
    g_assert_cmpuint (pipe->n_values, ==, 1);
  }
}

static void
test_last_value_of_hot_cell_does_not_wait (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    /* An interval that no test waits for. */
    g_object_set (router, "latest-interval", 3000 * (gint64) G_USEC_PER_SEC, NULL);
    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 1);
    latest_test_send (pipe, 2);
    stop_sender (pipe);
    assert_ended_with (pipe, 2, FERRY_CLOSE_REASON_STOPPED);
  }
}

static gboolean
has_no_tick (gpointer router)
{
  return ferry_hot_cells_get_tick (&((FerryRouter *) router)->dispatcher.hot_cells) == G_MAXINT64;
}

static void
assert_no_tick (LatestTest *self)
{
  g_assert_true (has_no_tick (self->router));
}

static void
test_interval_without_end_is_never (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    g_object_set (router, "latest-interval", G_MAXINT64, NULL);
    pipe->hook = assert_no_tick;
    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 1);
    latest_test_send (pipe, 2);
    /* A tick that was set before the interval. */
    router->dispatcher.hot_cells.tick = 1;
    ferry_test_run_until (has_no_tick, router);
    g_assert_cmpuint (pipe->n_values, ==, 1);
    stop_sender (pipe);
    assert_ended_with (pipe, 2, FERRY_CLOSE_REASON_STOPPED);
  }
}

static void
test_value_that_was_delivered_does_not_come_again (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 1);
    latest_test_wait_cold (router);
    stop_sender (pipe);
    assert_ended_with (pipe, 1, FERRY_CLOSE_REASON_STOPPED);
    g_assert_cmpuint (pipe->n_values, ==, 1);
  }
}

static void
test_pipe_without_values_is_closed_without (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    stop_sender (pipe);
    assert_ended_with (pipe, 0, FERRY_CLOSE_REASON_STOPPED);
    g_assert_cmpuint (pipe->n_values, ==, 0);
  }
}

static void
test_dropped_sender_leaves_its_last_value (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    latest_test_send (pipe, 7);
    g_assert_finalize_object (g_steal_pointer (&pipe->sender));
    assert_ended_with (pipe, 7, FERRY_CLOSE_REASON_STOPPED);
  }
}

static void
test_states_are_as_with_queued_pipes (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    g_autoptr (FerrySender) sender = NULL;
    g_autoptr (FerryReceiver) receiver = NULL;
    g_autoptr (GCancellable) cancellable = g_cancellable_new ();
    g_autoptr (GError) error = NULL;

    ferry_router_pipe (router, FERRY_PIPE_LATEST, &sender, &receiver, NULL);
    g_assert_false (ferry_sender_send_bytes (sender, "", 0, &error));
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_STARTED);
    g_clear_error (&error);
    ferry_router_close_pipe (router, receiver, NULL);

    g_cancellable_cancel (cancellable);
    g_assert_false (
      ferry_test_within (pipe->sender, 0, cancellable, ferry_sender_send_bytes (pipe->sender, "", 0, &error)));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_clear_error (&error);

    stop_sender (pipe);
    g_assert_false (ferry_sender_send (pipe->sender, g_variant_new_byte (1), &error));
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_STOPPED);
    assert_ended_with (pipe, 0, FERRY_CLOSE_REASON_STOPPED);
  }
}

static void
test_stop_of_router_counts_what_it_does_not_deliver (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (LatestTest) pipe = latest_test_new (router);
  g_autoptr (LatestTest) idle = latest_test_new (router);
  g_autoptr (GError) error = NULL;

  latest_test_send (idle, 1);
  latest_test_wait_value (idle, 1);
  for (guint64 n = 1; n <= 100; n++)
    latest_test_send (pipe, n);
  stop_router (router);
  route_test_assert_warned ("The router is stopped with 2 open pipes: *");
  assert_ended_with (pipe, 0, FERRY_CLOSE_REASON_ROUTER_STOPPED);
  assert_ended_with (idle, 1, FERRY_CLOSE_REASON_ROUTER_STOPPED);
  g_assert_cmpuint (ferry_test_get_number (pipe->receiver, "n-undelivered"), ==, 1);
  g_assert_cmpuint (ferry_test_get_number (idle->receiver, "n-undelivered"), ==, 0);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_UNDELIVERED), ==, 1);
  g_assert_null (router->dispatcher.hot_cells.source);
  g_assert_false (ferry_sender_send_bytes (pipe->sender, "", 0, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static void
close_pipe (LatestTest *self)
{
  g_autoptr (GError) error = NULL;

  ferry_router_close_pipe (self->router, self->receiver, &error);
  g_assert_no_error (error);
}

static gboolean
is_refused (gpointer data)
{
  LatestTest *self = data;
  g_autoptr (GError) error = NULL;

  g_main_context_wakeup (NULL);
  if (ferry_sender_send_bytes (self->sender, "12345678", 8, &error))
    return FALSE;
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  return TRUE;
}

static void
test_nothing_arrives_after_close_pipe (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 1);
    latest_test_send (pipe, 2);
    close_pipe (pipe);
    ferry_test_run_until (is_refused, pipe);
    latest_test_wait_cold (router);
    g_assert_cmpuint (pipe->n_values, ==, 1);
    g_assert_cmpuint (pipe->n_closed, ==, 0);
  }
}

static void
test_owner_that_is_disposed_hears_nothing_more (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    GObject *owner = g_object_new (G_TYPE_OBJECT, NULL);

    ferry_receiver_bind (pipe->receiver, owner);
    latest_test_send (pipe, 1);
    g_object_unref (owner);
    ferry_test_run_until (is_refused, pipe);
    g_assert_cmpuint (pipe->n_values, ==, 0);
    g_assert_cmpuint (pipe->n_closed, ==, 0);
  }
}

/* What a handler does to its pipe or router, and with which value. */
typedef struct
{
  guint64 at;
  void (*act) (LatestTest *self);
  gboolean done;
} Deed;

static void
do_deed (LatestTest *self)
{
  Deed *deed = self->data;

  if (self->latest != deed->at)
    return;
  deed->done = TRUE;
  deed->act (self);
}

/* Has the deed done as a cell rings, at a tick, or with the last value: at 1, 2 or 3. */
static void
run_deed (LatestTest *pipe, Deed *deed)
{
  pipe->hook = do_deed;
  pipe->data = deed;
  latest_test_send (pipe, 1);
  latest_test_wait_value (pipe, 1);
  if (!deed->done)
    {
      latest_test_send (pipe, 2);
      latest_test_wait_value (pipe, 2);
    }
  if (!deed->done)
    {
      latest_test_send (pipe, 3);
      stop_sender (pipe);
      latest_test_wait_value (pipe, 3);
    }
  g_assert_true (deed->done);
  route_test_settle ();
}

static void
test_handler_may_close_its_pipe (void)
{
  for (guint64 at = 1; at <= 3; at++)
    {
      FerryRouter *router = ferry_test_router_new ();

      {
        g_autoptr (LatestTest) pipe = latest_test_new (router);
        Deed deed = {at, close_pipe, FALSE};

        run_deed (pipe, &deed);
        g_assert_cmpuint (pipe->n_closed, ==, 0);
        g_assert_cmpuint (pipe->n_values, ==, at);
      }
      ferry_test_router_stop (router);
    }
}

/* A sender that was stopped before the router has ended for one reason or the other. */
static void
assert_ended_with_router (LatestTest *self, guint64 number)
{
  assert_ended_with (self, number,
                     number == 3 && self->reason == FERRY_CLOSE_REASON_STOPPED ? FERRY_CLOSE_REASON_STOPPED
                                                                               : FERRY_CLOSE_REASON_ROUTER_STOPPED);
}

static void
stop_routers (LatestTest *self)
{
  stop_router (self->router);
}

static void
test_handler_may_stop_the_router (void)
{
  for (guint64 at = 1; at <= 3; at++)
    {
      FerryRouter *router = ferry_test_router_new ();

      {
        g_autoptr (LatestTest) pipe = latest_test_new (router);
        g_autoptr (LatestTest) other = latest_test_new (router);
        Deed deed = {at, stop_routers, FALSE};

        latest_test_send (other, 1);
        run_deed (pipe, &deed);
        assert_ended_with_router (pipe, at);
        g_assert_cmpint (other->reason, ==, FERRY_CLOSE_REASON_ROUTER_STOPPED);
        g_assert_cmpuint (other->n_values + ferry_test_get_number (other->receiver, "n-undelivered"), ==, 1);
        route_test_assert_warned ("The router is stopped with 2 open pipes: *");
      }
      g_assert_finalize_object (router);
    }
}

static void
stop_and_start_router (LatestTest *self)
{
  g_autoptr (GError) error = NULL;

  stop_router (self->router);
  ferry_router_start (self->router, &error);
  g_assert_no_error (error);
}

static void
test_handler_may_start_the_router_again (void)
{
  for (guint64 at = 1; at <= 3; at++)
    {
      FerryRouter *router = ferry_test_router_new ();

      {
        g_autoptr (LatestTest) pipe = latest_test_new (router);
        g_autoptr (LatestTest) next = NULL;
        Deed deed = {at, stop_and_start_router, FALSE};

        run_deed (pipe, &deed);
        assert_ended_with_router (pipe, at);
        route_test_assert_warned ("The router is stopped with 1 open pipe: *");
        next = latest_test_new (router);
        latest_test_send (next, 1);
        latest_test_wait_value (next, 1);
        stop_sender (next);
        assert_ended_with (next, 1, FERRY_CLOSE_REASON_STOPPED);
      }
      ferry_test_router_stop (router);
    }
}

static gboolean
has_begun (gpointer data)
{
  return ((FerryTestPipe *) data)->n_messages > 0;
}

/* The rest of a block goes back to its queue, whichever thread stops the router, and its link with it. */
static void
test_handler_may_stop_the_router_within_a_block_of_others (void)
{
  FerryRouter *router = ferry_test_router_new ();
  FerryMonitor *monitor = ferry_monitor_ref (router->monitor);

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    g_autoptr (FerryTestPipe) queued = route_test_started_pipe (router);
    Deed deed = {2, stop_routers, FALSE};

    g_object_set (router, "dispatch-budget", (gint64) 1, "latest-interval", 3000 * (gint64) G_USEC_PER_SEC, NULL);
    pipe->hook = do_deed;
    pipe->data = &deed;
    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 1);
    latest_test_send (pipe, 2);
    route_test_burst (queued->sender, 0, 1000);
    ferry_test_run_until (has_begun, queued);
    g_assert_cmpuint (queued->n_messages, <, 1000);
    /* It is time. */
    ferry_pipes_find (&router->pipes, ferry_receiver_get_connection_id (pipe->receiver))->watch->delivered_at = 0;
    g_object_set (router, "latest-interval", (gint64) 1000, NULL);
    router->dispatcher.hot_cells.tick = 1;
    latest_test_wait_value (pipe, 2);
    g_assert_cmpuint (ferry_test_get_number (queued->receiver, "n-undelivered"), >, 0);
    g_assert_true (deed.done);
    g_assert_cmpuint (queued->n_messages + ferry_test_get_number (queued->receiver, "n-undelivered"), ==, 1000);
    g_assert_cmpint (ferry_local_queue_get_bytes (ferry_monitor_get_local_queue (monitor)), ==, 0);
    route_test_assert_warned ("The router is stopped with 2 open pipes: *");
  }
  ferry_monitor_unref (monitor);
  g_assert_finalize_object (router);
}

static void
drop_all (LatestTest *self)
{
  /* Its hook goes with the handler's data. */
  g_signal_handlers_disconnect_by_data (self->receiver, self);
  ferry_receiver_set_handler (self->receiver, NULL, NULL, NULL);
  g_clear_object (&self->sender);
  ferry_router_close_pipe (self->router, self->receiver, NULL);
  g_clear_object (&self->receiver);
}

static void
test_handler_may_drop_its_pipe (void)
{
  for (guint64 at = 1; at <= 3; at++)
    {
      FerryRouter *router = ferry_test_router_new ();
      LatestTest *pipe = latest_test_new (router);
      Deed deed = {at, drop_all, FALSE};

      run_deed (pipe, &deed);
      latest_test_wait_cold (router);
      g_free (pipe);
      ferry_test_router_stop (router);
    }
}

/* A message that has the newest value delivered before it. */
static void
flushing_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  LatestTest *self = user_data;

  g_assert_cmpuint (self->latest, ==, 1);
  ferry_router_flush_latest (self->router, self->receiver);
  g_assert_cmpuint (self->latest, ==, 2);
  ferry_router_flush_latest (self->router, self->receiver);
  g_assert_cmpuint (self->n_values, ==, 2);
  /* Of another kind: nothing. */
  ferry_router_flush_latest (self->router, receiver);
}

static void
test_newest_value_can_be_had_before_a_message (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);
    g_autoptr (FerryTestPipe) queued = route_test_started_pipe (router);

    g_object_set (router, "latest-interval", 3000 * (gint64) G_USEC_PER_SEC, NULL);
    ferry_receiver_set_handler (queued->receiver, flushing_cb, pipe, NULL);
    latest_test_send (pipe, 1);
    latest_test_wait_value (pipe, 1);
    latest_test_send (pipe, 2);
    route_test_send_numbers (queued->sender, 0, 1);
    latest_test_wait_value (pipe, 2);
    close_pipe (pipe);
    ferry_router_flush_latest (router, pipe->receiver);
    g_assert_cmpuint (pipe->n_values, ==, 2);
  }
}

/* A value that the router's thread was not told of yet. */
static void
test_newest_value_can_be_had_before_it_rang (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  {
    g_autoptr (LatestTest) pipe = latest_test_new (router);

    latest_test_send (pipe, 1);
    ferry_router_flush_latest (router, pipe->receiver);
    g_assert_cmpuint (pipe->latest, ==, 1);
    /* What rang for it finds nothing new, and the cell goes on. */
    latest_test_wait_cold (router);
    latest_test_send (pipe, 2);
    latest_test_wait_value (pipe, 2);
    stop_sender (pipe);
    assert_ended_with (pipe, 2, FERRY_CLOSE_REASON_STOPPED);
  }
}

static void
test_flush_after_stop_of_router_does_nothing (void)
{
  g_autoptr (FerryRouter) router = ferry_test_router_new ();
  g_autoptr (LatestTest) pipe = latest_test_new (router);

  latest_test_send (pipe, 1);
  stop_router (router);
  route_test_assert_warned ("The router is stopped with 1 open pipe: *");
  ferry_router_flush_latest (router, pipe->receiver);
  g_assert_cmpuint (pipe->n_values, ==, 0);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/latest-ends/last-value-comes-before-closed", test_last_value_comes_before_closed);
  g_test_add_func ("/latest-ends/last-value-of-hot-cell-does-not-wait", test_last_value_of_hot_cell_does_not_wait);
  g_test_add_func ("/latest-ends/interval-without-end-is-never", test_interval_without_end_is_never);
  g_test_add_func ("/latest-ends/value-that-was-delivered-does-not-come-again",
                   test_value_that_was_delivered_does_not_come_again);
  g_test_add_func ("/latest-ends/pipe-without-values-is-closed-without", test_pipe_without_values_is_closed_without);
  g_test_add_func ("/latest-ends/dropped-sender-leaves-its-last-value", test_dropped_sender_leaves_its_last_value);
  g_test_add_func ("/latest-ends/states-are-as-with-queued-pipes", test_states_are_as_with_queued_pipes);
  g_test_add_func ("/latest-ends/stop-of-router-counts-what-it-does-not-deliver",
                   test_stop_of_router_counts_what_it_does_not_deliver);
  g_test_add_func ("/latest-ends/nothing-arrives-after-close-pipe", test_nothing_arrives_after_close_pipe);
  g_test_add_func ("/latest-ends/owner-that-is-disposed-hears-nothing-more",
                   test_owner_that_is_disposed_hears_nothing_more);
  g_test_add_func ("/latest-ends/handler-may-close-its-pipe", test_handler_may_close_its_pipe);
  g_test_add_func ("/latest-ends/handler-may-stop-the-router", test_handler_may_stop_the_router);
  g_test_add_func ("/latest-ends/handler-may-stop-the-router-within-a-block-of-others",
                   test_handler_may_stop_the_router_within_a_block_of_others);
  g_test_add_func ("/latest-ends/handler-may-start-the-router-again", test_handler_may_start_the_router_again);
  g_test_add_func ("/latest-ends/handler-may-drop-its-pipe", test_handler_may_drop_its_pipe);
  g_test_add_func ("/latest-ends/newest-value-can-be-had-before-a-message",
                   test_newest_value_can_be_had_before_a_message);
  g_test_add_func ("/latest-ends/newest-value-can-be-had-before-it-rang", test_newest_value_can_be_had_before_it_rang);
  g_test_add_func ("/latest-ends/flush-after-stop-of-router-does-nothing",
                   test_flush_after_stop_of_router_does_nothing);
  return g_test_run ();
}
