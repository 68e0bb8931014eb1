/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-pipe.c, route/ferry-receiver.c, route/ferry-router.c
 *
 * Pipes that open and close, and what becomes of them when the router stops. */

#include "config.h"

#include "route/ferry-pipe-private.h"
#include "route/ferry-sender-private.h"
#include "route/route-test.h"

static gboolean
no_links (gpointer data)
{
  return ferry_router_get_counter (data, FERRY_COUNTER_LINKS) == 0;
}

static void
test_both_ends_have_the_connection_id (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  guint64 of_sender, of_receiver;

  g_object_get (pipe->sender, "connection-id", &of_sender, NULL);
  g_object_get (pipe->receiver, "connection-id", &of_receiver, NULL);
  g_assert_cmpuint (of_sender, !=, 0);
  g_assert_cmpuint (of_sender, ==, of_receiver);
  g_assert_cmpuint (ferry_sender_get_connection_id (pipe->sender), ==, of_sender);
  g_assert_cmpuint (ferry_receiver_get_connection_id (pipe->receiver), ==, of_receiver);
}

/* An object keeps a list of its weak references, and searches it for each that goes: each end of a thousand pipes took
 * as long as there were pipes. */
static void
test_receivers_share_a_weak_reference (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) one = ferry_test_pipe_new (router);
  g_autoptr (FerryTestPipe) other = ferry_test_pipe_new (router);
  g_autoptr (FerryReceiver) left = g_object_ref (one->receiver);
  g_autoptr (FerryRouter) found = ferry_receiver_dup_router (one->receiver);

  g_assert_true (found == router);
  g_assert_true (one->receiver->router == other->receiver->router);
  g_clear_object (&found);
  g_clear_pointer (&one, ferry_test_pipe_free);
  g_clear_pointer (&other, ferry_test_pipe_free);
  ferry_test_router_stop (router);
  g_assert_null (ferry_receiver_dup_router (left));
}

static void
add_new_id (GHashTable *seen, FerryReceiver *receiver)
{
  guint64 id = ferry_receiver_get_connection_id (receiver);

  g_assert_true (g_hash_table_add (seen, g_memdup2 (&id, sizeof id)));
}

static void
test_ids_are_never_used_again (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 10000; i++)
    {
      g_autoptr (FerrySender) sender = NULL;
      g_autoptr (FerryReceiver) receiver = NULL;

      if (i % 3000 == 2999)
        {
          g_assert_true (ferry_router_stop (router, &error));
          g_assert_true (ferry_router_start (router, &error));
        }
      route_test_pipe (router, &sender, &receiver);
      add_new_id (seen, receiver);
      g_assert_true (ferry_router_close_pipe (router, receiver, &error));
    }
  g_assert_cmpuint (g_hash_table_size (seen), ==, 10000);
  ferry_test_router_stop (router);
}

static void
test_slots_do_not_leak (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();

  for (guint i = 0; i < 10000; i++)
    {
      g_autoptr (FerryTestPipe) one G_GNUC_UNUSED = ferry_test_pipe_new (router);
      g_autoptr (FerryTestPipe) two G_GNUC_UNUSED = ferry_test_pipe_new (router);

      g_assert_cmpuint (router->pipes.slots->len, ==, 2);
      g_assert_cmpuint (ferry_test_get_number (router, "n-pipes"), ==, 2);
    }
  g_assert_cmpuint (router->pipes.free_slots->len, ==, 2);
}

static void
test_started_pipes_leak_neither_slots_nor_descriptors (void)
{
  g_autoptr (FerryTestRouter) router = ferry_test_router_new ();
  guint n_fds = ferry_test_count_fds ();

  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (FerryTestPipe) closed_here = route_test_started_pipe (router);
      g_autoptr (FerryTestPipe) stopped_there = route_test_started_pipe (router);

      route_test_send_numbers (stopped_there->sender, 0, 10);
      g_assert_true (ferry_sender_stop (stopped_there->sender, NULL));
      g_assert_true (ferry_router_close_pipe (router, closed_here->receiver, NULL));
      ferry_test_pipe_wait_closed (stopped_there);
      ferry_test_run_until (no_links, router);
      route_test_settle ();
    }
  g_assert_cmpuint (router->pipes.slots->len, <=, 2);
  g_assert_cmpuint (ferry_test_count_fds (), ==, n_fds);
}

static void
test_many_pipes_are_open_at_once (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (GPtrArray) pipes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_test_pipe_free);

  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (pipes, route_test_started_pipe (router));
  for (guint i = 0; i < pipes->len; i++)
    route_test_send_numbers (((FerryTestPipe *) g_ptr_array_index (pipes, i))->sender, 0, i + 1);
  for (guint i = 0; i < pipes->len; i++)
    {
      FerryTestPipe *pipe = g_ptr_array_index (pipes, i);

      ferry_test_pipe_wait_count (pipe, i + 1);
      g_assert_true (pipe->in_order);
    }
  g_ptr_array_set_size (pipes, 0);
  ferry_test_router_stop (router);
}

static void
test_closing_says_nothing_to_the_receiver (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, &error));
  g_assert_true (ferry_test_get_number (pipe->receiver, "is-closed"));
  g_assert_null (ferry_receiver_get_exit (pipe->receiver));
  ferry_test_run_until (no_links, router);
  route_test_settle ();
  g_assert_cmpuint (pipe->n_closed, ==, 0);
  ferry_test_router_stop (router);
  g_assert_cmpuint (pipe->n_closed, ==, 0);
}

static void
test_closing_twice_is_closing_once (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, &error));
  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (ferry_test_get_number (router, "n-pipes"), ==, 0);
  ferry_test_router_stop (router);
}

static void
test_closing_what_its_sender_stopped_changes_nothing (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GError) error = NULL;

  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  ferry_test_pipe_wait_closed (pipe);
  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, &error));
  g_assert_no_error (error);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_closed, ==, 1);
  ferry_test_router_stop (router);
}

static gboolean
has_dropped_100 (gpointer data)
{
  return ferry_router_get_counter (data, FERRY_COUNTER_DROPPED) >= 100;
}

static void
test_messages_for_a_closed_pipe_are_counted_and_dropped (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  route_test_burst (pipe->sender, 0, 100);
  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, NULL));
  ferry_test_run_until (has_dropped_100, router);
  ferry_test_run_until (no_links, router);
  route_test_settle ();
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_DROPPED), ==, 100);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_MESSAGES), ==, 0);
  g_assert_cmpuint (pipe->n_messages, ==, 0);
  ferry_test_router_stop (router);
}

static void
test_sender_of_a_closed_pipe_is_told (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;

  route_test_send_numbers (pipe->sender, 0, 1);
  ferry_test_pipe_wait_count (pipe, 1);
  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, NULL));
  ferry_test_run_until (no_links, router);
  g_assert_false (ferry_sender_send_bytes (pipe->sender, "", 1, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  name = g_strdup_printf ("The pipe %" G_GUINT64_FORMAT " ", ferry_sender_get_connection_id (pipe->sender));
  g_assert_true (g_str_has_prefix (error->message, name));
  ferry_test_router_stop (router);
}

static void
test_worker_of_a_closed_pipe_is_told (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "flood", NULL);

  ferry_test_pipe_wait_count (pipe, 1000);
  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, NULL));
  ferry_test_wait_ended (worker);
  /* The obedient worker exits with 3 when a send says that the pipe is closed. */
  g_assert_cmpint (ferry_exit_get_exit_status (ferry_test_get_object (worker, "exit")), ==, 3);
  g_assert_true (pipe->in_order);
  ferry_test_router_stop (router);
}

/* ---- when the router stops ---- */

static void
test_stop_warns_of_open_pipes (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) one G_GNUC_UNUSED = ferry_test_pipe_new (router);
  g_autoptr (FerryTestPipe) closed = ferry_test_pipe_new (router);
  g_autoptr (FerryTestPipe) two = route_test_started_pipe (router);
  g_autofree char *expected = NULL;

  expected = g_strdup_printf (
    "The router is stopped with 2 open pipes: %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT "; *",
    ferry_receiver_get_connection_id (one->receiver), ferry_receiver_get_connection_id (two->receiver));
  g_clear_pointer (&closed, ferry_test_pipe_free);
  ferry_test_router_stop (router);
  route_test_assert_warned (expected);
}

static void
test_stop_without_open_pipes_does_not_warn (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autofree char *warnings = NULL;

  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, NULL));
  ferry_test_router_stop (router);
  warnings = route_test_take_warnings ();
  g_assert_cmpstr (warnings, ==, "");
}

static void
test_undelivered_messages_are_counted_for_each_pipe (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) one = route_test_started_pipe (router);
  g_autoptr (FerryTestPipe) two = route_test_started_pipe (router);

  route_test_burst (one->sender, 0, 1000);
  route_test_burst (two->sender, 0, 500);
  g_assert_true (ferry_router_stop (router, NULL));
  route_test_assert_warned ("*2 open pipes*");
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_UNDELIVERED), ==, 1500);
  g_assert_cmpuint (ferry_test_get_number (one->receiver, "n-undelivered"), ==, 1000);
  g_assert_cmpuint (ferry_test_get_number (two->receiver, "n-undelivered"), ==, 500);
  g_assert_cmpuint (one->n_messages + two->n_messages, ==, 0);
  g_assert_finalize_object (router);
}

static void
test_undelivered_large_messages_are_counted (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);
  g_autofree guint8 *data = g_malloc0 (100000);

  g_assert_true (ferry_sender_send_bytes (pipe->sender, data, 100000, NULL));
  route_test_wait_drained (pipe->sender);
  g_assert_true (ferry_router_stop (router, NULL));
  route_test_assert_warned ("*1 open pipe*");
  g_assert_cmpuint (ferry_test_get_number (pipe->receiver, "n-undelivered"), ==, 1);
  g_assert_finalize_object (router);
}

static void
test_closed_comes_inside_stop_and_nothing_after (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) started = route_test_started_pipe (router);
  g_autoptr (FerryTestPipe) fresh = ferry_test_pipe_new (router);

  route_test_burst (started->sender, 0, 1000);
  g_assert_true (ferry_router_stop (router, NULL));
  route_test_assert_warned ("*2 open pipes*");
  ferry_test_pipe_assert_end (started, FERRY_CLOSE_REASON_ROUTER_STOPPED);
  ferry_test_pipe_assert_end (fresh, FERRY_CLOSE_REASON_ROUTER_STOPPED);
  route_test_settle ();
  g_assert_cmpuint (started->n_messages, ==, 0);
  g_assert_cmpuint (started->n_closed, ==, 1);
  g_assert_cmpuint (fresh->n_closed, ==, 1);
  g_assert_finalize_object (router);
}

static void
test_pipe_of_a_worker_is_closed_once_when_the_router_stops (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "flood", NULL);

  ferry_test_pipe_wait_count (pipe, 1000);
  g_assert_true (ferry_router_stop (router, NULL));
  route_test_assert_warned ("*1 open pipe*");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_ROUTER_STOPPED);
  g_assert_cmpint (ferry_worker_get_state (worker), ==, FERRY_WORKER_STATE_ENDED);
  g_clear_object (&worker);
  g_assert_finalize_object (router);
}

static void
test_closed_exactly_once_when_stopped_and_then_routed (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_run_until (no_links, router);
  route_test_settle ();
  ferry_test_router_stop (router);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
}

static void
test_dropping_a_running_router_stops_it (void)
{
  FerryRouter *router = ferry_test_router_new ();
  guint n_fds = ferry_test_count_fds ();
  g_autoptr (FerryTestPipe) pipe = route_test_started_pipe (router);

  route_test_send_numbers (pipe->sender, 0, 10);
  g_assert_finalize_object (router);
  route_test_assert_warned ("*1 open pipe*");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_ROUTER_STOPPED);
  route_test_settle ();
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  g_assert_cmpuint (ferry_test_count_fds (), <, n_fds);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/pipes/both-ends-have-the-connection-id", test_both_ends_have_the_connection_id);
  g_test_add_func ("/pipes/ids-are-never-used-again", test_ids_are_never_used_again);
  g_test_add_func ("/pipes/receivers-share-a-weak-reference", test_receivers_share_a_weak_reference);
  g_test_add_func ("/pipes/slots-do-not-leak", test_slots_do_not_leak);
  g_test_add_func ("/pipes/started-pipes-leak-neither-slots-nor-descriptors",
                   test_started_pipes_leak_neither_slots_nor_descriptors);
  g_test_add_func ("/pipes/many-are-open-at-once", test_many_pipes_are_open_at_once);
  g_test_add_func ("/pipes/closing-says-nothing-to-the-receiver", test_closing_says_nothing_to_the_receiver);
  g_test_add_func ("/pipes/closing-twice-is-closing-once", test_closing_twice_is_closing_once);
  g_test_add_func ("/pipes/closing-what-its-sender-stopped-changes-nothing",
                   test_closing_what_its_sender_stopped_changes_nothing);
  g_test_add_func ("/pipes/messages-for-a-closed-pipe-are-counted-and-dropped",
                   test_messages_for_a_closed_pipe_are_counted_and_dropped);
  g_test_add_func ("/pipes/sender-of-a-closed-pipe-is-told", test_sender_of_a_closed_pipe_is_told);
  route_test_add_untraceable ("/pipes/worker-of-a-closed-pipe-is-told", test_worker_of_a_closed_pipe_is_told);
  g_test_add_func ("/pipes/stop-warns-of-open-pipes", test_stop_warns_of_open_pipes);
  g_test_add_func ("/pipes/stop-without-open-pipes-does-not-warn", test_stop_without_open_pipes_does_not_warn);
  g_test_add_func ("/pipes/undelivered-messages-are-counted-for-each-pipe",
                   test_undelivered_messages_are_counted_for_each_pipe);
  g_test_add_func ("/pipes/undelivered-large-messages-are-counted", test_undelivered_large_messages_are_counted);
  g_test_add_func ("/pipes/closed-comes-inside-stop-and-nothing-after",
                   test_closed_comes_inside_stop_and_nothing_after);
  route_test_add_untraceable ("/pipes/pipe-of-a-worker-is-closed-once-when-the-router-stops",
                              test_pipe_of_a_worker_is_closed_once_when_the_router_stops);
  g_test_add_func ("/pipes/closed-exactly-once-when-the-sender-stops-before-the-router",
                   test_closed_exactly_once_when_stopped_and_then_routed);
  g_test_add_func ("/pipes/dropping-a-running-router-stops-it", test_dropping_a_running_router_stops_it);
  return g_test_run ();
}
