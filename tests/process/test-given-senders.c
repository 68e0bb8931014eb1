/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-worker.c, process/ferry-attachment.c, route/ferry-given-sender.c
 *
 * Workers that are given senders while they run. */

#include "config.h"

#include <ferry-conversations.h>
#include <signal.h>

#include "process/worker-test.h"

#define N_MESSAGES 20000

typedef struct
{
  FerryRouter *router;
  FerryTransport *transport;
  FerryMux *mux;
  FerryWorker *worker;
} GivenTest;

static void
note_result (GObject *source, GAsyncResult *result, gpointer data)
{
  g_set_object ((GAsyncResult **) data, result);
}

static gboolean
is_set (gpointer data)
{
  return *(gpointer *) data != NULL;
}

static GVariant *
ask (GivenTest *test, const char *method, const char *name, guint64 n, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  ferry_mux_transact_async (test->mux, method, g_variant_new ("(st)", name, n), -1, NULL, note_result, &result);
  ferry_test_run_until (is_set, &result);
  return ferry_mux_transact_finish (test->mux, result, error);
}

/* A worker that has answered a request already. */
static GivenTest *
given_test_new (void)
{
  GivenTest *test = g_new0 (GivenTest, 1);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("given-worker", NULL, NULL);
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;

  test->router = ferry_test_router_new ();
  test->transport = ferry_launcher_add_transport (launcher, test->router, "calls", &error);
  g_assert_no_error (error);
  test->worker = worker_test_spawn (launcher, test->router);
  test->mux = ferry_mux_new (test->transport);
  answer = ask (test, "send", "none", 0, &error);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_UNKNOWN_SENDER);
  return test;
}

static void
given_test_free (GivenTest *test)
{
  g_clear_object (&test->mux);
  g_clear_object (&test->transport);
  ferry_worker_force_exit (test->worker);
  ferry_test_wait_ended (test->worker);
  g_clear_object (&test->worker);
  ferry_test_router_stop (test->router);
  g_free (test);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GivenTest, given_test_free)

static void
give (GivenTest *test, const char *name, FerryTestPipe *pipe)
{
  g_autoptr (GError) error = NULL;

  ferry_worker_add_sender (test->worker, name, pipe->sender, &error);
  g_assert_no_error (error);
}

static void
ask_well (GivenTest *test, const char *method, const char *name, guint64 n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = ask (test, method, name, n, &error);

  g_assert_no_error (error);
}

static void
test_a_handler_has_what_was_given_before_its_request (void)
{
  g_autoptr (GivenTest) test = given_test_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);

  give (test, "late", pipe);
  ask_well (test, "send", "late", N_MESSAGES);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, N_MESSAGES);
  g_assert_true (pipe->in_order);
}

/* A name may be used again, and many senders leave nothing behind. */
static void
test_many_are_given_one_after_the_other (void)
{
  g_autoptr (GivenTest) test = given_test_new ();

  for (guint i = 0; i < 200; i++)
    {
      g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);

      give (test, "late", pipe);
      ask_well (test, "send", "late", i);
      ferry_test_pipe_wait_closed (pipe);
      g_assert_cmpuint (pipe->n_messages, ==, i);
      g_assert_true (pipe->in_order);
    }
}

static void
test_the_pipe_ends_with_the_worker (void)
{
  g_autoptr (GivenTest) test = given_test_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTestPipe) unused = ferry_test_pipe_new (test->router);
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GError) error = NULL;

  give (test, "late", pipe);
  give (test, "unused", unused);
  ask_well (test, "keep", "late", 0);
  answer = ask (test, "die", "", 0, &error);
  g_assert_nonnull (error);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpint (ferry_exit_get_reason (pipe->exit), ==, FERRY_CLOSE_REASON_KILLED);
  g_assert_cmpint (ferry_exit_get_signal (pipe->exit), ==, SIGKILL);
  g_assert_cmpuint (pipe->n_messages, ==, 1);
  ferry_test_pipe_wait_closed (unused);
  g_assert_cmpint (ferry_exit_get_reason (unused->exit), ==, FERRY_CLOSE_REASON_KILLED);
}

/* A main() that returns has dropped its sender, and says by its status alone how it went. */
static void
test_a_drop_waits_for_the_worker (void)
{
  g_autoptr (GivenTest) test = given_test_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTestPipe) next = ferry_test_pipe_new (test->router);

  give (test, "late", pipe);
  ask_well (test, "drop", "late", N_MESSAGES);
  give (test, "next", next);
  ask_well (test, "send", "next", 1);
  ferry_test_pipe_wait_closed (next);
  g_assert_cmpuint (pipe->n_closed, ==, 0);
  ferry_worker_force_exit (test->worker);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpint (ferry_exit_get_reason (pipe->exit), ==, FERRY_CLOSE_REASON_KILLED);
  g_assert_cmpuint (pipe->n_messages, ==, N_MESSAGES);
}

/* A worker that has no transport looks when it asks. */
static void
test_a_worker_that_only_sends_has_it (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) out = ferry_test_pipe_new (router);
  g_autoptr (FerryTestPipe) late = ferry_test_pipe_new (router);
  g_autofree char *program = ferry_test_build_path ("given-worker");
  g_autoptr (FerryWorker) worker = ferry_test_spawn (router, program, out, "plain", NULL);
  g_autoptr (GError) error = NULL;

  ferry_test_pipe_wait_count (out, 1);
  ferry_worker_add_sender (worker, "late", late->sender, &error);
  g_assert_no_error (error);
  ferry_worker_send_signal (worker, SIGUSR1);
  ferry_test_pipe_wait_closed (late);
  ferry_test_pipe_assert_end (late, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (late->n_messages, ==, 10);
  ferry_test_wait_ended (worker);
  g_clear_object (&worker);
  g_clear_pointer (&out, ferry_test_pipe_free);
  g_clear_pointer (&late, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
assert_refused (FerryWorker *worker, const char *name, FerrySender *sender, FerryError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_worker_add_sender (worker, name, sender, &error));
  g_assert_error (error, FERRY_ERROR, (int) code);
}

static void
test_what_cannot_be_given_is_refused (void)
{
  g_autoptr (GivenTest) test = given_test_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTestPipe) other = ferry_test_pipe_new (test->router);
  g_autofree char *too_long = g_strnfill (256, 'n');

  assert_refused (test->worker, "", pipe->sender, FERRY_ERROR_BAD_ARGUMENTS);
  assert_refused (test->worker, too_long, pipe->sender, FERRY_ERROR_BAD_ARGUMENTS);
  assert_refused (test->worker, "ferry.calls", pipe->sender, FERRY_ERROR_BAD_ARGUMENTS);
  give (test, "late", pipe);
  assert_refused (test->worker, "later", pipe->sender, FERRY_ERROR_ALREADY_STARTED);
  ferry_worker_force_exit (test->worker);
  ferry_test_wait_ended (test->worker);
  assert_refused (test->worker, "later", other->sender, FERRY_ERROR_WORKER_LOST);
  ferry_test_pipe_wait_closed (pipe);
}

/* The socket has room for 64 descriptors that were not taken. */
static void
test_a_worker_that_takes_nothing_is_given_64 (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) out = ferry_test_pipe_new (router);
  g_autoptr (GPtrArray) pipes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_test_pipe_free);
  g_autofree char *program = ferry_test_build_path ("given-worker");
  g_autoptr (FerryWorker) worker = ferry_test_spawn (router, program, out, "plain", NULL);

  ferry_test_pipe_wait_count (out, 1);
  for (guint i = 0; i < 65; i++)
    {
      FerryTestPipe *pipe = ferry_test_pipe_new (router);

      g_ptr_array_add (pipes, pipe);
      if (i < 64)
        g_assert_true (ferry_worker_add_sender (worker, "other", pipe->sender, NULL));
      else
        assert_refused (worker, "other", pipe->sender, FERRY_ERROR_BUSY);
    }
  ferry_test_pipe_wait_closed (g_ptr_array_index (pipes, 64));
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  for (guint i = 0; i < 64; i++)
    ferry_test_pipe_wait_closed (g_ptr_array_index (pipes, i));
  g_clear_object (&worker);
  g_clear_pointer (&out, ferry_test_pipe_free);
  g_clear_pointer (&pipes, g_ptr_array_unref);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);

  g_test_add_func ("/given-senders/a-handler-has-what-was-given-before-its-request",
                   test_a_handler_has_what_was_given_before_its_request);
  g_test_add_func ("/given-senders/many-are-given-one-after-the-other", test_many_are_given_one_after_the_other);
  g_test_add_func ("/given-senders/the-pipe-ends-with-the-worker", test_the_pipe_ends_with_the_worker);
  g_test_add_func ("/given-senders/a-drop-waits-for-the-worker", test_a_drop_waits_for_the_worker);
  g_test_add_func ("/given-senders/a-worker-that-only-sends-has-it", test_a_worker_that_only_sends_has_it);
  g_test_add_func ("/given-senders/what-cannot-be-given-is-refused", test_what_cannot_be_given_is_refused);
  g_test_add_func ("/given-senders/a-worker-that-takes-nothing-is-given-64",
                   test_a_worker_that_takes_nothing_is_given_64);
  return g_test_run ();
}
