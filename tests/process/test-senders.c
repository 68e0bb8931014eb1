/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-launcher.c, route/ferry-sender.c
 *
 * Senders on their way to a worker: what the launcher takes, and what the worker gets. */

#include "config.h"

#include <string.h>

#include "lane/ferry-wake-private.h"
#include "link/ferry-link-private.h"
#include "process/ferry-worker-private.h"
#include "process/worker-test.h"

#define CURIOUS "curious-worker"
#define MAX_SENDERS 1024

/* ---- lanes ---- */

static gsize
get_lane_capacity_of_worker (FerryRouter *router)
{
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1", NULL);
  gsize capacity = ferry_worker_get_link (worker)->segment.up_capacity;

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_wait_ended (worker);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  return capacity;
}

static void
test_a_worker_beside_many_has_a_shorter_lane (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (GPtrArray) pipes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_test_pipe_free);

  g_assert_cmpuint (get_lane_capacity_of_worker (router), ==, 2 << 20);
  for (guint i = 0; i < 16; i++)
    {
      FerryTestPipe *pipe = ferry_test_pipe_new (router);

      g_assert_true (ferry_sender_start (pipe->sender, NULL));
      g_ptr_array_add (pipes, pipe);
    }
  g_assert_cmpuint (get_lane_capacity_of_worker (router), ==, 1 << 20);
  g_clear_pointer (&pipes, g_ptr_array_unref);
  ferry_test_router_stop (router);
}

/* ---- what the launcher takes ---- */

static void
assert_refused (FerryLauncher *launcher, const char *name, FerrySender *sender, FerryError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_launcher_add_sender (launcher, name, sender, &error));
  g_assert_error (error, FERRY_ERROR, (int) code);
}

static void
test_takes_a_name_once (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) first = ferry_test_pipe_new (router);
  g_autoptr (FerryTestPipe) second = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, NULL, NULL);

  worker_test_add_sender (launcher, "out", first);
  assert_refused (launcher, "out", second->sender, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_pointer (&first, ferry_test_pipe_free);
  g_clear_pointer (&second, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_takes_a_sender_once (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, NULL, NULL);

  worker_test_add_sender (launcher, "out", pipe);
  assert_refused (launcher, "other", pipe->sender, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_refuses_names_that_are_empty_or_too_long (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, NULL, NULL);
  g_autofree char *too_long = g_strnfill (256, 'n');
  g_autofree char *long_enough = g_strnfill (255, 'n');

  assert_refused (launcher, "", pipe->sender, FERRY_ERROR_BAD_ARGUMENTS);
  assert_refused (launcher, too_long, pipe->sender, FERRY_ERROR_BAD_ARGUMENTS);
  worker_test_add_sender (launcher, long_enough, pipe);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_refuses_a_started_sender (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, NULL, NULL);

  g_assert_true (ferry_sender_start (pipe->sender, NULL));
  assert_refused (launcher, "out", pipe->sender, FERRY_ERROR_ALREADY_STARTED);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_refuses_a_stopped_sender (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, NULL, NULL);

  g_assert_true (ferry_sender_start (pipe->sender, NULL));
  g_assert_true (ferry_sender_stop (pipe->sender, NULL));
  assert_refused (launcher, "out", pipe->sender, FERRY_ERROR_STOPPED);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_refuses_a_sender_that_was_passed (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1", NULL);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, NULL, NULL);

  assert_refused (launcher, "out", pipe->sender, FERRY_ERROR_ALREADY_STARTED);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

static void
test_passes_a_sender_to_the_first_of_two_launchers (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) first = worker_test_launcher_new ("obedient-worker", "send:1", NULL);
  g_autoptr (FerryLauncher) second = worker_test_launcher_new ("obedient-worker", "send:1", NULL);
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;

  worker_test_add_sender (first, "out", pipe);
  worker_test_add_sender (second, "out", pipe);
  worker = worker_test_spawn (first, router);
  g_assert_null (ferry_launcher_spawn (second, router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED);
  ferry_test_wait_ended (worker);
  g_assert_cmpuint (pipe->n_messages, ==, 1);
  ferry_test_router_stop (router);
}

static void
test_refuses_a_sender_of_another_router (void)
{
  FerryRouter *router = ferry_test_router_new ();
  FerryRouter *other = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (other);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, NULL, NULL);
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;

  worker_test_add_sender (launcher, "out", pipe);
  worker = ferry_launcher_spawn (launcher, router, &error);
  g_assert_null (worker);
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
  ferry_test_router_stop (other);
}

/* A worker of a launcher that gave its senders to an earlier worker: it would look for them in vain. */
static void
test_refuses_a_second_worker_without_senders (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) first = ferry_test_pipe_new (router);
  g_autoptr (FerryTestPipe) second = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("obedient-worker", "send:1", NULL);
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (FerryWorker) other = NULL;
  g_autoptr (GError) error = NULL;

  worker_test_add_sender (launcher, "out", first);
  worker = worker_test_spawn (launcher, router);
  g_assert_null (ferry_launcher_spawn (launcher, router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_nonnull (strstr (error->message, "The sender 'out' was passed to an earlier worker"));
  g_assert_nonnull (strstr (error->message, "ferry_launcher_add_sender()"));
  worker_test_add_sender (launcher, "out", second);
  other = worker_test_spawn (launcher, router);
  ferry_test_pipe_wait_count (second, 1);
  ferry_test_pipe_wait_closed (first);
  ferry_test_pipe_wait_closed (second);
  /* That it returned 0 is said in words, too. */
  g_assert_true (ferry_exit_is_success (second->exit));
  g_assert_nonnull (
    strstr (ferry_exit_get_message (second->exit), "'out' of worker 'obedient-worker' was stopped; all its messages"));
  ferry_test_wait_ended (worker);
  worker_test_assert_exit (other, FERRY_CLOSE_REASON_EXITED, "exited with status 0 (success)");
  ferry_test_router_stop (router);
}

static void
test_refuses_a_sender_whose_pipe_is_closed (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("obedient-worker", "send:1", NULL);
  g_autoptr (GError) error = NULL;

  worker_test_add_sender (launcher, "out", pipe);
  g_assert_true (ferry_router_close_pipe (router, pipe->receiver, NULL));
  g_assert_null (ferry_launcher_spawn (launcher, router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  ferry_test_router_stop (router);
}

static void
test_cannot_be_started_here_when_passed (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (ferry_sender_start (pipe->sender, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_ALREADY_STARTED);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

/* ---- many of them ---- */

static GPtrArray *
make_pipes (FerryRouter *router, FerryLauncher *launcher, guint n, const char *format_prefix)
{
  GPtrArray *pipes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_test_pipe_free);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s%u", format_prefix, i);
      FerryTestPipe *pipe = ferry_test_pipe_new (router);

      g_ptr_array_add (pipes, pipe);
      worker_test_add_sender (launcher, name, pipe);
    }
  return pipes;
}

static void
test_takes_1024_senders_and_no_more (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, NULL, NULL);
  g_autoptr (GPtrArray) pipes = make_pipes (router, launcher, MAX_SENDERS, "out");
  g_autoptr (FerryTestPipe) one_more = ferry_test_pipe_new (router);

  assert_refused (launcher, "one more", one_more->sender, FERRY_ERROR_TOO_LARGE);
  g_clear_pointer (&pipes, g_ptr_array_unref);
  g_clear_pointer (&one_more, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static void
test_refuses_names_that_are_too_long_together (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, NULL, NULL);
  g_autofree char *prefix = g_strnfill (250, 'n');
  g_autoptr (GPtrArray) pipes = make_pipes (router, launcher, MAX_SENDERS, prefix);
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_launcher_spawn (launcher, router, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_clear_pointer (&pipes, g_ptr_array_unref);
  ferry_test_router_stop (router);
}

static void
assert_one_message_each (FerryRouter *router, guint n)
{
  g_autofree char *order = g_strdup_printf ("each:%u", n);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, order, NULL);
  g_autoptr (GPtrArray) pipes = make_pipes (router, launcher, n, "out");
  g_autoptr (FerryWorker) worker = worker_test_spawn (launcher, router);

  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  for (guint i = 0; i < n; i++)
    {
      FerryTestPipe *pipe = pipes->pdata[i];

      ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
      g_assert_cmpuint (pipe->n_messages, ==, 1);
    }
}

static void
test_uses_1000_senders_of_one_worker (void)
{
  FerryRouter *router = ferry_test_router_new ();

  assert_one_message_each (router, 1000);
  ferry_test_router_stop (router);
}

static void
test_uses_1024_senders_of_one_worker (void)
{
  FerryRouter *router = ferry_test_router_new ();

  assert_one_message_each (router, MAX_SENDERS);
  ferry_test_router_stop (router);
}

/* ---- what the worker gets ---- */

/* What a worker with the sender "out" tells, obeying two orders. */
static char *
tell (const char *first, const char *second)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new (CURIOUS, first, second, NULL);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  char *told;

  worker_test_add_sender (launcher, "out", pipe);
  told = worker_test_run (launcher, router);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
  return told;
}

static void
assert_tells_error (const char *told, FerryError code)
{
  g_autofree char *begin = g_strdup_printf ("%s %d ", g_quark_to_string (FERRY_ERROR), code);

  if (strstr (told, begin) == NULL)
    g_error ("No '%s…' in '%s'", begin, told);
}

static void
test_gives_the_same_object_twice (void)
{
  g_autofree char *told = tell ("same:out", NULL);

  g_assert_cmpstr (told, ==, "same\n");
}

static void
test_does_not_know_other_names (void)
{
  g_autofree char *told = tell ("sender:in", NULL);

  assert_tells_error (told, FERRY_ERROR_UNKNOWN_SENDER);
}

static void
test_finds_its_sender_after_asking_for_another_name (void)
{
  g_autofree char *told = tell ("sender:in", "sender:out");

  g_assert_true (g_str_has_suffix (told, "\nok\n"));
}

static void
test_lives_until_it_is_stopped (void)
{
  g_autofree char *told = tell ("drop:out", "same:out");

  g_assert_cmpstr (told, ==, "same\n");
}

static void
test_is_gone_once_it_was_stopped (void)
{
  g_autofree char *told = tell ("drop-and-stop:out", "sender:out");

  assert_tells_error (told, FERRY_ERROR_STOPPED);
}

/* A main() that returns drops its sender first, whatever it returns. How the process ended is known when it has. */
static void
assert_closed_says (FerryRouter *router, const char *end, FerryCloseReason reason, const char *words)
{
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("obedient-worker", "send:3", "drop", end, NULL);
  g_autoptr (FerryWorker) worker = NULL;

  worker_test_add_sender (launcher, "out", pipe);
  worker = worker_test_spawn (launcher, router);
  ferry_test_pipe_wait_closed (pipe);
  g_assert_cmpuint (pipe->n_messages, ==, 3);
  g_assert_cmpint (ferry_exit_get_reason (pipe->exit), ==, reason);
  g_assert_nonnull (strstr (ferry_exit_get_message (pipe->exit), words));
  g_assert_cmpint (ferry_exit_is_success (pipe->exit), ==, strcmp (end, "exit:0") == 0);
  ferry_test_wait_ended (worker);
}

static void
test_that_were_dropped_tell_how_the_worker_ended (void)
{
  FerryRouter *router = ferry_test_router_new ();

  assert_closed_says (router, "exit:0", FERRY_CLOSE_REASON_EXITED, "exited with status 0 (success)");
  assert_closed_says (router, "exit:1", FERRY_CLOSE_REASON_EXITED, "exited with status 1");
  assert_closed_says (router, "abort", FERRY_CLOSE_REASON_KILLED, "killed by signal 6");
  ferry_test_router_stop (router);
}

static void
test_clears_the_variable (void)
{
  g_autofree char *told = tell ("sender:out", "variable:FERRY_CONTROL_FD");

  g_assert_cmpstr (told, ==, "ok\n(none)\n");
}

static void
test_has_children_without_the_variable (void)
{
  g_autofree char *told = tell ("sender:out", "child:variable:FERRY_CONTROL_FD");

  g_assert_cmpstr (told, ==, "ok\n(none)\n");
}

static void
test_has_children_without_its_descriptors (void)
{
  g_autofree char *told = tell ("sender:out", "child:descriptors");

  g_assert_cmpstr (told, ==, "ok\n0 1 2 \n");
}

static void
test_has_children_that_are_no_workers (void)
{
  g_autofree char *told = tell ("sender:out", "child:sender:out");

  assert_tells_error (told, FERRY_ERROR_NOT_A_WORKER);
}

/* What a process tells that was started without a launcher, with that in its environment. */
static char *
tell_alone (const char *variable)
{
  g_autofree char *path = ferry_test_build_path (CURIOUS);
  char *argv[] = {path, (char *) "sender:out", NULL};
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  char *told;

  if (variable != NULL)
    environment = g_environ_setenv (environment, "FERRY_CONTROL_FD", variable, TRUE);
  g_spawn_sync (NULL, argv, environment, G_SPAWN_DEFAULT, NULL, NULL, &told, NULL, NULL, &error);
  g_assert_no_error (error);
  return told;
}

static void
test_is_no_worker_without_a_launcher (void)
{
  g_autofree char *told = tell_alone (NULL);

  assert_tells_error (told, FERRY_ERROR_NOT_A_WORKER);
}

static void
test_is_no_worker_with_a_variable_that_names_nothing (void)
{
  static const char *const values[] = {"", "x", "3x", "-1", "99999999999", "77", "0"};

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *told = tell_alone (values[i]);

      assert_tells_error (told, FERRY_ERROR_NOT_A_WORKER);
    }
}

static void
test_is_no_worker_in_the_application (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ferry_worker_get_sender ("out", &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_A_WORKER);
}

static void
add_worker_tests (void)
{
  g_test_add_func ("/senders/give-the-same-object-twice", test_gives_the_same_object_twice);
  g_test_add_func ("/senders/are-not-known-by-other-names", test_does_not_know_other_names);
  g_test_add_func ("/senders/are-found-after-asking-for-another-name",
                   test_finds_its_sender_after_asking_for_another_name);
  g_test_add_func ("/senders/live-until-they-are-stopped", test_lives_until_it_is_stopped);
  g_test_add_func ("/senders/are-gone-once-stopped", test_is_gone_once_it_was_stopped);
  g_test_add_func ("/senders/that-were-dropped-tell-how-the-worker-ended",
                   test_that_were_dropped_tell_how_the_worker_ended);
  g_test_add_func ("/senders/clear-the-variable", test_clears_the_variable);
  g_test_add_func ("/senders/leave-children-without-the-variable", test_has_children_without_the_variable);
  g_test_add_func ("/senders/leave-children-without-descriptors", test_has_children_without_its_descriptors);
  g_test_add_func ("/senders/leave-children-that-are-no-workers", test_has_children_that_are_no_workers);
  g_test_add_func ("/senders/need-a-launcher", test_is_no_worker_without_a_launcher);
  g_test_add_func ("/senders/need-a-variable-that-names-a-control-socket",
                   test_is_no_worker_with_a_variable_that_names_nothing);
  g_test_add_func ("/senders/are-not-for-the-application-to-ask-for", test_is_no_worker_in_the_application);
}

/* The main context does not run meanwhile: the queue fills, and the rest lies in the lane, which is not armed. All fits
 * there: a writer that waits for room issues barriers. */
static void
wait_until_barriers_are_omitted (FerryWorker *worker)
{
  FerryLaneControl *control = ferry_worker_get_link (worker)->up.control;
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (atomic_load (&control->writer.omits_barriers) == 0)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

static void
test_leave_the_barrier_to_the_reader_in_a_flood (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("obedient-worker", "send:80000", "stop", NULL);
  g_autoptr (FerryWorker) worker = NULL;

  worker_test_add_sender (launcher, "out", pipe);
  worker = worker_test_spawn (launcher, router);
  if (ferry_barrier_is_available ())
    wait_until_barriers_are_omitted (worker);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 80000);
  ferry_test_wait_ended (worker);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static gboolean
is_over (gpointer data)
{
  return g_get_monotonic_time () >= *(gint64 *) data;
}

static gboolean
wake_up (gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* The worker has announced that it publishes without a barrier, and does not publish any more. */
static void
test_leave_no_thread_busy_where_barriers_are_refused_later (void)
{
  FerryRouter *router;
  FerryTestPipe *pipe;
  g_autoptr (FerryLauncher) launcher = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  gint64 used;
  gint64 until;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
      g_test_trap_assert_passed ();
      return;
    }
  router = ferry_test_router_new ();
  pipe = ferry_test_pipe_new (router);
  launcher = worker_test_launcher_new ("obedient-worker", "send:100000", "pause", NULL);
  worker_test_add_sender (launcher, "out", pipe);
  worker = worker_test_spawn (launcher, router);
  if (ferry_barrier_is_available ())
    wait_until_barriers_are_omitted (worker);
  ferry_test_refuse_barriers ();
  ferry_test_pipe_wait_count (pipe, 100000);
  used = ferry_test_read_clock (CLOCK_PROCESS_CPUTIME_ID);
  until = g_get_monotonic_time () + 500 * G_TIME_SPAN_MILLISECOND;
  g_timeout_add (500, wake_up, NULL);
  ferry_test_run_until (is_over, &until);
  g_assert_cmpint (ferry_test_read_clock (CLOCK_PROCESS_CPUTIME_ID) - used, <, G_TIME_SPAN_SECOND / 4);
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  ferry_test_pipe_free (pipe);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/senders/have-a-shorter-lane-beside-many-links", test_a_worker_beside_many_has_a_shorter_lane);
  g_test_add_func ("/senders/have-a-name-once", test_takes_a_name_once);
  g_test_add_func ("/senders/are-added-once", test_takes_a_sender_once);
  g_test_add_func ("/senders/have-no-empty-or-long-names", test_refuses_names_that_are_empty_or_too_long);
  g_test_add_func ("/senders/are-not-passed-when-started", test_refuses_a_started_sender);
  g_test_add_func ("/senders/are-not-passed-when-stopped", test_refuses_a_stopped_sender);
  g_test_add_func ("/senders/are-passed-once", test_refuses_a_sender_that_was_passed);
  g_test_add_func ("/senders/go-to-the-first-of-two-launchers", test_passes_a_sender_to_the_first_of_two_launchers);
  g_test_add_func ("/senders/refuses-a-sender-of-another-router", test_refuses_a_sender_of_another_router);
  g_test_add_func ("/senders/are-missed-at-the-second-spawn", test_refuses_a_second_worker_without_senders);
  g_test_add_func ("/senders/are-not-passed-when-closed", test_refuses_a_sender_whose_pipe_is_closed);
  g_test_add_func ("/senders/are-not-started-here-when-passed", test_cannot_be_started_here_when_passed);
  g_test_add_func ("/senders/are-1024-a-worker-and-no-more", test_takes_1024_senders_and_no_more);
  g_test_add_func ("/senders/have-names-that-fit-together", test_refuses_names_that_are_too_long_together);
  g_test_add_func ("/senders/reach-a-worker-by-the-thousand", test_uses_1000_senders_of_one_worker);
  g_test_add_func ("/senders/reach-a-worker-up-to-the-limit", test_uses_1024_senders_of_one_worker);
  g_test_add_func ("/senders/leave-the-barrier-to-the-reader-in-a-flood",
                   test_leave_the_barrier_to_the_reader_in_a_flood);
  g_test_add_func ("/senders/leave-no-thread-busy-where-barriers-are-refused-later",
                   test_leave_no_thread_busy_where_barriers_are_refused_later);
  add_worker_tests ();
  return g_test_run ();
}
