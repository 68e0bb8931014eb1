/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-router.c, engine/ferry-drain.c
 *
 * The whole way of a message, with real workers. */

#include "config.h"

#include "ferry-test.h"

static void
test_messages_arrive_once_and_in_order (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:300000", "stop", NULL);

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 300000);
  ferry_test_wait_ended (worker);
  g_assert_true (ferry_exit_is_success (ferry_test_get_object (worker, "exit")));
  ferry_test_router_stop (router);
}

static void
test_messages_sent_before_a_crash_arrive (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:100000", "crash", NULL);

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_KILLED);
  g_assert_cmpuint (pipe->n_messages, ==, 100000);
  g_assert_cmpint (ferry_exit_get_signal (pipe->exit), ==, 11);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/way/messages-arrive-once-and-in-order", test_messages_arrive_once_and_in_order);
  g_test_add_func ("/way/messages-sent-before-a-crash-arrive", test_messages_sent_before_a_crash_arrive);
  return g_test_run ();
}
