/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-downlink.c, process/ferry-attachment.c
 *
 * What goes down to a worker process. */

#include "config.h"

#include "process/worker-test.h"

#include <string.h>

#include "link/control-sockets.h"
#include "link/ferry-link-private.h"
#include "process/ferry-attachment-private.h"
#include "process/ferry-launcher-private.h"
#include "process/ferry-worker-private.h"
#include "route/ferry-sender-private.h"

#define N_MESSAGES 20000
#define RESERVED "ferry.test"

typedef struct
{
  FerryRouter *router;
  FerryTestPipe *pipe;
  FerryWorker *worker;
  FerryLink *link;
  guint64 connection_id;
} Listener;

static void
listener_init_named (Listener *self, const char *what, const char *name)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("listening-worker", what, name, NULL);
  g_autoptr (GError) error = NULL;

  self->router = ferry_test_router_new ();
  self->pipe = ferry_test_pipe_new (self->router);
  self->connection_id = ferry_sender_get_connection_id (self->pipe->sender);
  if (g_str_has_prefix (name, FERRY_RESERVED_SENDER_PREFIX))
    ferry_launcher_add_watched_sender (launcher, name, self->pipe->sender, FERRY_MAIN_ENTRY, NULL, NULL, &error);
  else
    ferry_launcher_add_sender (launcher, name, self->pipe->sender, &error);
  g_assert_no_error (error);
  self->worker = worker_test_spawn (launcher, self->router);
  self->link = ferry_link_ref (ferry_worker_get_link (self->worker));
}

static void
listener_init (Listener *self, const char *what)
{
  listener_init_named (self, what, "out");
}

static void
listener_clear (Listener *self)
{
  ferry_test_wait_ended (self->worker);
  g_assert_null (ferry_worker_get_link (self->worker));
  g_assert_null (self->link->segment.base);
  ferry_link_unref (self->link);
  g_object_unref (self->worker);
  ferry_test_pipe_free (self->pipe);
  ferry_test_router_stop (self->router);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Listener, listener_clear)

static FerryDownResult
send_number (Listener *self, guint64 number)
{
  const FerryPart part = {&number, sizeof number};

  return ferry_link_send (self->link, self->connection_id, &part, 1);
}

/* Sends numbers, and lets the main context run while the worker has too much of them. */
static void
send_numbers (Listener *self, guint64 n)
{
  for (guint64 number = 0; number < n; number++)
    {
      FerryDownResult result;

      while ((result = send_number (self, number)) == FERRY_DOWN_WOULD_BLOCK)
        g_main_context_iteration (NULL, TRUE);
      g_assert_cmpint (result, ==, FERRY_DOWN_SENT);
    }
}

static void
finish (Listener *self, guint64 n)
{
  g_assert_cmpint (ferry_link_send_finish (self->link), ==, FERRY_DOWN_SENT);
  ferry_test_pipe_wait_closed (self->pipe);
  ferry_test_pipe_assert_end (self->pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (self->pipe->n_messages, ==, n);
  ferry_test_wait_ended (self->worker);
  g_assert_true (ferry_exit_is_success (ferry_test_get_object (self->worker, "exit")));
}

/* Everything is sent before the worker has come as far as to attach. */
static void
test_hears_what_was_sent_before_it_attached (void)
{
  g_auto (Listener) listener;

  listener_init (&listener, "echo");
  for (guint64 number = 0; number < N_MESSAGES; number++)
    g_assert_cmpint (send_number (&listener, number), ==, FERRY_DOWN_SENT);
  finish (&listener, N_MESSAGES);
}

static void
test_hears_what_is_sent_while_it_runs (void)
{
  g_auto (Listener) listener;

  listener_init (&listener, "echo");
  worker_test_wait_open (listener.worker);
  send_numbers (&listener, 10 * N_MESSAGES);
  finish (&listener, 10 * N_MESSAGES);
}

/* One at a time: the worker sleeps before each. */
static void
test_wakes_for_each_message (void)
{
  g_auto (Listener) listener;

  listener_init (&listener, "echo");
  for (guint64 number = 0; number < 2000; number++)
    {
      g_assert_cmpint (send_number (&listener, number), ==, FERRY_DOWN_SENT);
      ferry_test_pipe_wait_count (listener.pipe, number + 1);
    }
  finish (&listener, 2000);
}

static void
test_hears_a_cancel_ahead_of_what_was_sent (void)
{
  g_auto (Listener) listener;

  listener_init (&listener, "cancel");
  for (guint64 number = 1; number <= N_MESSAGES; number++)
    g_assert_cmpint (send_number (&listener, number), ==, FERRY_DOWN_SENT);
  g_assert_cmpint (ferry_link_send_cancel (listener.link, 0, 1), ==, FERRY_DOWN_SENT);
  finish (&listener, N_MESSAGES + 1);
}

static void
test_uses_a_sender_of_a_reserved_name (void)
{
  g_auto (Listener) listener;

  listener_init_named (&listener, "echo", RESERVED);
  send_numbers (&listener, 100);
  finish (&listener, 100);
}

static void
test_application_takes_no_reserved_name (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("listening-worker", "echo", RESERVED, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_launcher_add_sender (launcher, RESERVED, pipe->sender, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, "begin with"));
  g_clear_error (&error);
  g_assert_true (ferry_launcher_add_sender (launcher, "ferry", pipe->sender, &error));
  g_assert_no_error (error);
  g_clear_object (&launcher);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

/* The application is refused, and not kept, by a worker that does not listen. */
static void
test_deaf_worker_holds_nobody (void)
{
  g_auto (Listener) listener;
  guint64 number = 0;

  listener_init (&listener, "deaf");
  ferry_test_pipe_wait_count (listener.pipe, 1);
  while (send_number (&listener, number) == FERRY_DOWN_SENT)
    number++;
  g_assert_cmpint (send_number (&listener, number), ==, FERRY_DOWN_WOULD_BLOCK);
  for (guint64 xid = 1; xid < 2000; xid++)
    g_assert_cmpint (ferry_link_send_cancel (listener.link, xid, 1), ==, FERRY_DOWN_SENT);
  ferry_worker_force_exit (listener.worker);
  ferry_test_wait_ended (listener.worker);
  g_assert_cmpint (send_number (&listener, number), ==, FERRY_DOWN_CLOSED);
  g_assert_cmpint (ferry_link_send_cancel (listener.link, 1, 1), ==, FERRY_DOWN_CLOSED);
  g_assert_cmpint (ferry_link_send_finish (listener.link), ==, FERRY_DOWN_CLOSED);
}

static void
note_begun (FerryWorker *worker, FerryExit *exit, gpointer data)
{
  Listener *listener = data;

  g_assert_cmpuint (ferry_link_get_begun_call (listener->link), ==, 4711);
}

static void
test_begun_call_is_known_after_a_kill (void)
{
  g_auto (Listener) listener;
  guint64 begun;

  listener_init (&listener, "begin");
  listener.pipe->next = 4711;
  g_signal_connect (listener.worker, "ended", G_CALLBACK (note_begun), &listener);
  g_assert_cmpint (send_number (&listener, 4711), ==, FERRY_DOWN_SENT);
  ferry_test_pipe_wait_count (listener.pipe, 1);
  g_assert_true (ferry_link_hold_calls (listener.link, &begun));
  g_assert_cmpuint (begun, ==, 4711);
  ferry_link_release_calls (listener.link, 4720);
  g_assert_true (ferry_link_doom_call (listener.link, 4711));
  ferry_worker_force_exit (listener.worker);
  ferry_test_wait_ended (listener.worker);
  g_assert_cmpuint (ferry_link_get_begun_call (listener.link), ==, 4711);
}

static void
test_nonsense_in_the_down_lane_ends_the_worker (void)
{
  g_auto (Listener) listener;

  listener_init (&listener, "wild");
  worker_test_assert_exit (listener.worker, FERRY_CLOSE_REASON_PROTOCOL_ERROR, "position");
  g_assert_cmpint (send_number (&listener, 0), ==, FERRY_DOWN_CLOSED);
}

/* With the backlog full and the memory still there. */
static void
test_router_stops_while_a_worker_is_deaf (void)
{
  FerryRouter *router;
  Listener listener;

  listener_init (&listener, "deaf");
  router = listener.router;
  ferry_test_pipe_wait_count (listener.pipe, 1);
  while (send_number (&listener, 0) == FERRY_DOWN_SENT)
    ;
  g_assert_true (ferry_router_close_pipe (router, listener.pipe->receiver, NULL));
  g_assert_true (ferry_router_stop (router, NULL));
  g_assert_cmpint (send_number (&listener, 0), ==, FERRY_DOWN_CLOSED);
  g_assert_null (listener.link->segment.base);
  ferry_link_unref (listener.link);
  g_object_unref (listener.worker);
  ferry_test_pipe_free (listener.pipe);
  g_object_unref (router);
}

static void
test_application_is_no_worker (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_attachment_is_possible ());
  g_setenv (FERRY_CONTROL_FD_VARIABLE, "0", TRUE);
  g_assert_false (ferry_attachment_is_possible ());
  g_setenv (FERRY_CONTROL_FD_VARIABLE, "nothing", TRUE);
  g_assert_false (ferry_attachment_is_possible ());
  g_unsetenv (FERRY_CONTROL_FD_VARIABLE);
  g_assert_false (ferry_attachment_has_sender ("out"));
  g_assert_null (ferry_attachment_get_downlink (&error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER);
}

/* A socket that is named after that changes nothing. */
static void
test_attaching_is_impossible_once_it_has_failed (void)
{
  g_auto (Sockets) sockets;
  g_autofree char *number = NULL;

  sockets_init (&sockets);
  g_assert_null (ferry_attachment_get_downlink (NULL));
  number = g_strdup_printf ("%d", sockets.peer);
  g_setenv (FERRY_CONTROL_FD_VARIABLE, number, TRUE);
  g_assert_cmpint (ferry_control_find_fd (), ==, sockets.peer);
  g_assert_false (ferry_attachment_is_possible ());
  g_unsetenv (FERRY_CONTROL_FD_VARIABLE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/listening/hears-what-was-sent-before-it-attached", test_hears_what_was_sent_before_it_attached);
  g_test_add_func ("/listening/hears-what-is-sent-while-it-runs", test_hears_what_is_sent_while_it_runs);
  g_test_add_func ("/listening/wakes-for-each-message", test_wakes_for_each_message);
  g_test_add_func ("/listening/hears-a-cancel-ahead-of-what-was-sent", test_hears_a_cancel_ahead_of_what_was_sent);
  g_test_add_func ("/listening/uses-a-sender-of-a-reserved-name", test_uses_a_sender_of_a_reserved_name);
  g_test_add_func ("/listening/application-takes-no-reserved-name", test_application_takes_no_reserved_name);
  g_test_add_func ("/listening/deaf-worker-holds-nobody", test_deaf_worker_holds_nobody);
  g_test_add_func ("/listening/begun-call-is-known-after-a-kill", test_begun_call_is_known_after_a_kill);
  g_test_add_func ("/listening/nonsense-in-the-down-lane-ends-the-worker",
                   test_nonsense_in_the_down_lane_ends_the_worker);
  g_test_add_func ("/listening/router-stops-while-a-worker-is-deaf", test_router_stops_while_a_worker_is_deaf);
  g_test_add_func ("/listening/application-is-no-worker", test_application_is_no_worker);
  g_test_add_func ("/listening/attaching-is-impossible-once-it-has-failed",
                   test_attaching_is_impossible_once_it_has_failed);
  return g_test_run ();
}
