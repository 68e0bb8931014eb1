/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: call/ferry-link-transport.c, call/ferry-worker-transport.c
 *
 * How transports over the links of real workers end, and what is refused. */

#include "config.h"

#include "call/link-test.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#include "conversation/ferry-mux.h"
#include "process/ferry-launcher-private.h"
#include "process/ferry-worker-private.h"

/* ---- ends ---- */

static void
test_nothing_is_asked_before_the_worker_is_spawned (void)
{
  g_auto (LinkTest) joined;

  link_test_init_unspawned (&joined, "answer", NULL);
  link_test_assert_cannot_ask (joined.a, FERRY_ERROR_NOT_STARTED, "ferry_launcher_spawn()");
  joined.worker = worker_test_spawn (joined.launcher, joined.router);
  link_test_assert_answers (joined.a, "name", NULL, "'a'");
  link_test_close (&joined);
}

static void
test_launcher_that_goes_without_a_worker_ends_the_transport (void)
{
  g_auto (LinkTest) joined;

  link_test_init_unspawned (&joined, "answer", NULL);
  g_clear_object (&joined.launcher);
  link_test_assert_closed (joined.a, FERRY_ERROR_CLOSED, "before it spawned");
  link_test_assert_cannot_ask (joined.a, FERRY_ERROR_CLOSED, "before it spawned");
}

static void
test_transport_closed_before_the_spawn_does_not_keep_others_from_it (void)
{
  g_auto (LinkTest) joined;

  link_test_init_unspawned (&joined, "answer", "b");
  joined.b = link_test_add_transport (joined.launcher, joined.router, "b");
  ferry_transport_close (joined.a);
  joined.worker = worker_test_spawn (joined.launcher, joined.router);
  link_test_assert_answers (joined.b, "name", NULL, "'b'");
  link_test_assert_closed (joined.a, FERRY_ERROR_CLOSED, "at this end");
  link_test_close (&joined);
}

static void
test_worker_that_is_killed_fails_all_that_was_asked (void)
{
  g_auto (LinkTest) joined;
  CallTestAnswer *answers[20];

  link_test_init (&joined);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    answers[i] = link_test_ask (i % 2 == 0 ? joined.a : joined.b, "hang", NULL);
  link_test_assert_answers (joined.a, "name", NULL, "'a'");
  ferry_worker_force_exit (joined.worker);
  ferry_test_wait_ended (joined.worker);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      call_test_assert_failed (answers[i], FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      g_assert_nonnull (strstr (answers[i]->error->message, "signal 9"));
      call_test_answer_free (answers[i]);
    }
  link_test_assert_closed (joined.b, FERRY_ERROR_WORKER_LOST, "signal 9");
  link_test_assert_cannot_ask (joined.b, FERRY_ERROR_CLOSED, "signal 9");
}

static void
test_worker_that_returns_with_transports_open_is_lost_in_order (void)
{
  g_auto (LinkTest) joined;

  link_test_init_unspawned (&joined, "exit", NULL);
  joined.worker = worker_test_spawn (joined.launcher, joined.router);
  link_test_wait_closed (joined.a, FERRY_ERROR_WORKER_LOST, "status 0");
}

static void
test_finish_ends_all_transports_of_the_worker (void)
{
  g_auto (LinkTest) joined;
  g_autoptr (CallTestAnswer) answer = NULL;

  link_test_init (&joined);
  answer = link_test_ask (joined.a, "hang", NULL);
  link_test_assert_answers (joined.b, "name", NULL, "'b'");
  g_assert_cmpint (ferry_link_send_finish (ferry_worker_get_link (joined.worker)), ==, FERRY_DOWN_SENT);
  worker_test_assert_exit (joined.worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  call_test_assert_failed (answer, FERRY_ERROR, FERRY_ERROR_CLOSED);
  link_test_assert_closed (joined.b, FERRY_ERROR_CLOSED, "The worker closed");
}

static void
test_router_that_stops_closes_transports (void)
{
  guint n_fds = ferry_test_count_fds ();
  LinkTest joined;
  CallTestAnswer *answer;

  link_test_init (&joined);
  answer = link_test_ask (joined.a, "hang", NULL);
  link_test_assert_answers (joined.b, "name", NULL, "'b'");
  g_assert_true (ferry_router_stop (joined.router, NULL));
  call_test_assert_failed (answer, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_nonnull (strstr (answer->error->message, "router was stopped"));
  call_test_answer_free (answer);
  link_test_assert_cannot_ask (joined.b, FERRY_ERROR_CLOSED, "router was stopped");
  g_assert_finalize_object (joined.router);
  g_object_unref (joined.worker);
  g_object_unref (joined.launcher);
  g_assert_finalize_object (joined.a);
  g_assert_finalize_object (joined.b);
  g_assert_cmpuint (ferry_test_count_fds (), ==, n_fds);
}

static void
test_router_that_stops_before_the_spawn_closes_transports (void)
{
  LinkTest joined;

  link_test_init_unspawned (&joined, "answer", NULL);
  ferry_test_router_stop (joined.router);
  link_test_assert_closed (joined.a, FERRY_ERROR_CLOSED, "router was stopped");
  g_assert_finalize_object (joined.launcher);
  g_assert_finalize_object (joined.a);
}

static void
test_closing_at_this_end_is_heard_at_the_other (void)
{
  g_auto (LinkTest) joined;
  g_autoptr (CallTestAnswer) answer = NULL;

  link_test_init (&joined);
  answer = link_test_ask (joined.a, "hang", NULL);
  link_test_assert_answers (joined.a, "name", NULL, "'a'");
  ferry_transport_close (joined.a);
  call_test_assert_failed (answer, FERRY_ERROR, FERRY_ERROR_CLOSED);
  ferry_transport_close (joined.b);
  worker_test_assert_exit (joined.worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  link_test_assert_closed (joined.a, FERRY_ERROR_CLOSED, "at this end");
}

static gpointer
close_there (gpointer transport)
{
  ferry_transport_close (transport);
  return NULL;
}

static gpointer
drop_there (gpointer transport)
{
  g_object_unref (transport);
  return NULL;
}

static void
test_any_thread_closes_or_drops_it (void)
{
  g_auto (LinkTest) joined;

  link_test_init (&joined);
  link_test_assert_answers (joined.a, "name", NULL, "'a'");
  g_thread_join (g_thread_new ("close", close_there, joined.a));
  g_thread_join (g_thread_new ("drop", drop_there, g_steal_pointer (&joined.b)));
  worker_test_assert_exit (joined.worker, FERRY_CLOSE_REASON_EXITED, "status 0");
}

/* What is asked ends with its answer or with the transport, on whichever thread, and once. */
static void
test_another_thread_closes_or_drops_it_while_answers_come (void)
{
  for (guint round = 0; round < 30; round++)
    {
      g_auto (LinkTest) joined;
      CallTestAnswer *answers[300];
      GThread *thread;

      link_test_init (&joined);
      link_test_assert_answers (joined.a, "name", NULL, "'a'");
      for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
        answers[i] = link_test_ask (joined.a, "echo", g_variant_new_uint32 (i));
      thread = round % 2 == 0 ? g_thread_new ("close", close_there, joined.a)
                              : g_thread_new ("drop", drop_there, g_steal_pointer (&joined.a));
      g_clear_object (&joined.b);
      worker_test_assert_exit (joined.worker, FERRY_CLOSE_REASON_EXITED, "status 0");
      g_thread_join (thread);
      for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
        {
          g_assert_cmpuint (answers[i]->n_done, ==, 1);
          if (answers[i]->error != NULL)
            g_assert_error (answers[i]->error, FERRY_ERROR, FERRY_ERROR_CLOSED);
          call_test_answer_free (answers[i]);
        }
    }
}

static void
test_closing_at_the_other_end_is_heard_here (void)
{
  g_auto (LinkTest) joined;
  g_autoptr (CallTestAnswer) answer = NULL;

  link_test_init (&joined);
  answer = link_test_ask (joined.a, "close", NULL);
  link_test_wait_done (answer);
  call_test_assert_failed (answer, FERRY_ERROR, FERRY_ERROR_CLOSED);
  link_test_assert_closed (joined.a, FERRY_ERROR_CLOSED, "The worker closed");
  link_test_assert_answers (joined.b, "name", NULL, "'b'");
  link_test_close (&joined);
}

static void
test_last_reference_of_the_worker_closes_it (void)
{
  g_auto (LinkTest) joined;

  link_test_init (&joined);
  link_test_assert_answers (joined.a, "drop", NULL, NULL);
  link_test_wait_closed (joined.a, FERRY_ERROR_CLOSED, "The worker closed");
  link_test_assert_code (joined.b, "get", "a", FERRY_ERROR_STOPPED);
  link_test_close (&joined);
}

static void
drop_in_answer (gpointer data, GVariant *result, GError *error, const char *trace, gboolean refused)
{
  LinkTest *joined = data;

  g_assert_no_error (error);
  g_assert_finalize_object (joined->b);
  joined->b = NULL;
  g_object_unref (g_steal_pointer (&joined->a));
}

static gboolean
is_dropped (gpointer data)
{
  return ((LinkTest *) data)->a == NULL;
}

static void
test_last_reference_may_go_inside_an_answer (void)
{
  static const FerryAnswerFuncs funcs = {.done = drop_in_answer};
  g_auto (LinkTest) joined;
  FerryRequest request = {.method = "name"};

  link_test_init (&joined);
  g_assert_cmpuint (ferry_transport_ask (joined.a, &request, &funcs, &joined, NULL), !=, 0);
  ferry_test_run_until (is_dropped, &joined);
  worker_test_assert_exit (joined.worker, FERRY_CLOSE_REASON_EXITED, "status 0");
}

static void
test_garbage_ends_the_worker_and_no_other (void)
{
  g_auto (LinkTest) joined;
  g_autoptr (CallTestAnswer) answer = NULL;
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (LINK_TEST_WORKER, "answer", "other", NULL);
  g_autoptr (FerryTransport) other = NULL;
  g_autoptr (FerryWorker) second = NULL;

  link_test_init (&joined);
  other = link_test_add_transport (launcher, joined.router, "other");
  second = worker_test_spawn (launcher, joined.router);
  link_test_assert_answers (other, "name", NULL, "'other'");
  answer = link_test_ask (joined.a, "garbage", NULL);
  link_test_wait_done (answer);
  call_test_assert_failed (answer, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  link_test_assert_closed (joined.a, FERRY_ERROR_PROTOCOL, "less than a header");
  worker_test_assert_exit (joined.worker, FERRY_CLOSE_REASON_PROTOCOL_ERROR, "less than a header");
  link_test_assert_closed (joined.b, FERRY_ERROR_WORKER_LOST, "broke the protocol");
  link_test_assert_answers (other, "name", NULL, "'other'");
  g_clear_object (&other);
  worker_test_assert_exit (second, FERRY_CLOSE_REASON_EXITED, "status 0");
}

/* ---- refusals ---- */

static void
assert_name_refused (LinkTest *joined, const char *name)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_launcher_add_transport (joined->launcher, joined->router, name, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
}

static void
test_names_are_refused_that_cannot_be_used (void)
{
  g_auto (LinkTest) joined;
  g_autofree char *longest = g_strnfill (239, 'x');
  g_autofree char *longer = g_strnfill (240, 'x');

  link_test_init_unspawned (&joined, "answer", NULL);
  assert_name_refused (&joined, "");
  assert_name_refused (&joined, "a");
  assert_name_refused (&joined, longer);
  joined.b = link_test_add_transport (joined.launcher, joined.router, longest);
  g_clear_object (&joined.launcher);
}

static void
test_application_has_no_transport_to_get (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_worker_get_transport ("a", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER);
}

static void
test_worker_gets_only_what_it_was_given (void)
{
  g_auto (LinkTest) joined;

  link_test_init (&joined);
  /* Before, the asking end might be the first to get it, and the last. */
  link_test_assert_answers (joined.b, "name", NULL, "'b'");
  link_test_assert_code (joined.a, "get", "b", -1);
  link_test_assert_code (joined.a, "get", "nobody", FERRY_ERROR_UNKNOWN_SENDER);
  link_test_assert_code (joined.a, "fork", "a", FERRY_ERROR_NOT_A_WORKER);
  link_test_assert_code (joined.a, "fork", "nobody", FERRY_ERROR_NOT_A_WORKER);
  link_test_close (&joined);
}

typedef struct
{
  FerryMux *mux; /* (owned) */
  _Atomic guint n_answers;
  guint n_seen;
  _Atomic gboolean stops;
  _Atomic gboolean ended;
} Asker;

static gpointer
ask_again_and_again (gpointer data)
{
  Asker *self = data;

  while (!atomic_load (&self->stops))
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) name G_GNUC_UNUSED = ferry_mux_transact (self->mux, "name", NULL, -1, NULL, &error);

      g_assert_no_error (error);
      atomic_fetch_add (&self->n_answers, 1);
      g_main_context_wakeup (NULL);
    }
  atomic_store (&self->ended, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gboolean
has_more_answers (gpointer data)
{
  return atomic_load (&((Asker *) data)->n_answers) > ((Asker *) data)->n_seen;
}

static gboolean
asker_has_ended (gpointer data)
{
  return atomic_load (&((Asker *) data)->ended);
}

/* Also on the thread of the router, where it must not wait. */
static void
assert_cannot_wait (FerryMux *mux)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_mux_transact (mux, "name", NULL, -1, NULL, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  g_assert_nonnull (strstr (error->message, "was forked from"));
}

/* The child's copy of the lane's positions is of no use as soon as the parent writes on. And a thread of the parent may
 * have any lock at the fork. */
static void
test_forked_child_is_refused (void)
{
  g_auto (LinkTest) joined;
  Asker asker = {0};
  GThread *thread;

  link_test_init (&joined);
  asker.mux = ferry_mux_new (joined.a);
  thread = g_thread_new ("asker", ask_again_and_again, &asker);
  for (guint i = 0; i < 50; i++)
    {
      pid_t child = fork ();
      int status;

      if (child == 0)
        {
          alarm (FERRY_TEST_TIMEOUT_SECONDS);
          assert_cannot_wait (asker.mux);
          link_test_assert_cannot_ask (joined.a, FERRY_ERROR_CLOSED, "was forked from the one that has the transport");
          _exit (0);
        }
      g_assert_cmpint (child, >, 0);
      g_assert_cmpint (waitpid (child, &status, 0), ==, child);
      g_assert_cmpint (status, ==, 0);
      asker.n_seen = atomic_load (&asker.n_answers);
      ferry_test_run_until (has_more_answers, &asker);
    }
  atomic_store (&asker.stops, TRUE);
  ferry_test_run_until (asker_has_ended, &asker);
  g_thread_join (thread);
  g_clear_object (&asker.mux);
  link_test_assert_answers (joined.a, "name", NULL, "'a'");
  link_test_close (&joined);
}

/* A worker that is to serve tasks and has a transport as well. */
static void
assert_ends_with (const char *what, const char *status)
{
  g_auto (LinkTest) joined;
  g_autoptr (FerryTestPipe) pipe = NULL;

  link_test_init_unspawned (&joined, what, NULL);
  pipe = ferry_test_pipe_new (joined.router);
  g_assert_true (ferry_launcher_add_watched_sender (joined.launcher, "ferry.calls", pipe->sender, FERRY_MAIN_ENTRY,
                                                    NULL, NULL, NULL));
  joined.worker = worker_test_spawn (joined.launcher, joined.router);
  worker_test_assert_exit (joined.worker, FERRY_CLOSE_REASON_EXITED, status);
  link_test_wait_closed (joined.a, FERRY_ERROR_WORKER_LOST, status);
}

static void
test_process_that_serves_tasks_has_no_transports (void)
{
  g_autofree char *status = g_strdup_printf ("status %d", 100 + FERRY_ERROR_ALREADY_RUNNING);

  assert_ends_with ("tasks", status);
}

static void
test_process_with_transports_serves_no_tasks (void)
{
  assert_ends_with ("late", "status 76");
}

#define ADD(name, function) g_test_add_func ("/link-transport-ends/" name, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  /* It has a descriptor, which is not to count as left behind. */
  g_main_context_default ();
  ADD ("nothing-is-asked-before-the-worker-is-spawned", test_nothing_is_asked_before_the_worker_is_spawned);
  ADD ("launcher-that-goes-without-a-worker-ends-the-transport",
       test_launcher_that_goes_without_a_worker_ends_the_transport);
  ADD ("transport-closed-before-the-spawn-does-not-keep-others-from-it",
       test_transport_closed_before_the_spawn_does_not_keep_others_from_it);
  ADD ("worker-that-is-killed-fails-all-that-was-asked", test_worker_that_is_killed_fails_all_that_was_asked);
  ADD ("worker-that-returns-with-transports-open-is-lost-in-order",
       test_worker_that_returns_with_transports_open_is_lost_in_order);
  ADD ("finish-ends-all-transports-of-the-worker", test_finish_ends_all_transports_of_the_worker);
  ADD ("router-that-stops-closes-transports", test_router_that_stops_closes_transports);
  ADD ("router-that-stops-before-the-spawn-closes-transports",
       test_router_that_stops_before_the_spawn_closes_transports);
  ADD ("closing-at-this-end-is-heard-at-the-other", test_closing_at_this_end_is_heard_at_the_other);
  ADD ("any-thread-closes-or-drops-it", test_any_thread_closes_or_drops_it);
  ADD ("another-thread-closes-or-drops-it-while-answers-come",
       test_another_thread_closes_or_drops_it_while_answers_come);
  ADD ("closing-at-the-other-end-is-heard-here", test_closing_at_the_other_end_is_heard_here);
  ADD ("last-reference-of-the-worker-closes-it", test_last_reference_of_the_worker_closes_it);
  ADD ("last-reference-may-go-inside-an-answer", test_last_reference_may_go_inside_an_answer);
  ADD ("garbage-ends-the-worker-and-no-other", test_garbage_ends_the_worker_and_no_other);
  ADD ("names-are-refused-that-cannot-be-used", test_names_are_refused_that_cannot_be_used);
  ADD ("application-has-no-transport-to-get", test_application_has_no_transport_to_get);
  ADD ("worker-gets-only-what-it-was-given", test_worker_gets_only_what_it_was_given);
  ADD ("forked-child-is-refused", test_forked_child_is_refused);
  ADD ("process-that-serves-tasks-has-no-transports", test_process_that_serves_tasks_has_no_transports);
  ADD ("process-with-transports-serves-no-tasks", test_process_with_transports_serves_no_tasks);
  return g_test_run ();
}
