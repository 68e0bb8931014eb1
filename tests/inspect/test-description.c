/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-registry.c, inspect/ferry-description.c, inspect/ferry-inspection-figures.c,
 *   inspect/ferry-inspection-paths.c, inspect/ferry-inspection-tasks.c, inspect/ferry-inspection.c
 *
 * What an application has and does, as text: what is in it, what is not, and what a task waits for. */

#include "config.h"

#include <ferry-conversations.h>
#include <signal.h>
#include <string.h>

#include "task/task-test.h"

/* Says which part is missing, and all of the text. */
static void
assert_has (const char *part)
{
  g_autofree char *text = ferry_describe_application ();

  if (strstr (text, part) == NULL)
    g_error ("there is no '%s' in\n%s", part, text);
}

static void
assert_has_not (const char *part)
{
  g_autofree char *text = ferry_describe_application ();

  if (strstr (text, part) != NULL)
    g_error ("there is '%s' in\n%s", part, text);
}

static gboolean
has (gpointer part)
{
  g_autofree char *text = ferry_describe_application ();

  return strstr (text, part) != NULL;
}

static void
test_text_says_versions_and_limits_of_the_machine (void)
{
  g_autofree char *cores = g_strdup_printf ("It may use: %u cores", ferry_get_n_usable_cores ());

  assert_has ("Ferry " FERRY_VERSION_STRING ", GLib ");
  assert_has ("Linux ");
  assert_has (cores);
  assert_has (" descriptors");
  assert_has ("Sandboxes have: ");
}

static void
test_text_says_what_workers_run_and_what_tasks_wait_for (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) running = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) waiting = NULL;
  FerryWorker *worker;
  g_autofree char *process = NULL;

  task_test_wait_begun (running);
  worker = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);
  process = g_strdup_printf (", process %s of serving-worker, in pool ", ferry_worker_get_identifier (worker));
  g_object_unref (worker);
  assert_has ("Workers: 2, with ");
  assert_has (" of memory together\n");
  assert_has (" of serving-worker: forks others, ");
  assert_has (process);
  assert_has (": busy, runs sleep-until-cancelled");
  assert_has (" of memory, ");
  assert_has ("running for ");
  waiting = task_test_submit (test->executor, "nothing", NULL);
  ferry_test_run_until (has, (gpointer) ", waits for a worker: the only one is busy");
  assert_has ("Tasks: 2 open\n");
  ferry_task_cancel (running);
  task_test_wait_done (waiting);
  assert_has ("Tasks: 0 open\n");
  task_test_free (test);
}

static void
test_text_says_what_is_paused (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autoptr (FerryTask) task = NULL;

  ferry_executor_set_paused (test->executor, TRUE, FALSE);
  task = task_test_submit (test->executor, "nothing", NULL);
  assert_has ("waiting for ");
  assert_has (", waits for its executor, which is paused");
  assert_has ("paused yes");
  ferry_task_pause (task);
  assert_has ("paused for ");
  assert_has (", waits for somebody who resumes it");
  ferry_task_resume (task);
  ferry_executor_set_paused (test->executor, FALSE, FALSE);
  task_test_wait_done (task);
  task_test_free (test);
}

/* The main loop has not heard of it. */
static void
test_text_says_which_worker_has_ended (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  FerryWorker *worker;
  GPid process;

  task_test_wait_begun (task);
  worker = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);
  process = (GPid) g_ascii_strtoll (ferry_worker_get_identifier (worker), NULL, 10);
  g_object_unref (worker);
  g_assert_cmpint (process, >, 1);
  kill (process, SIGKILL);
  while (!has ((gpointer) ": ended, runs sleep-until-cancelled"))
    ferry_test_let_others ();
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  assert_has_not (": ended");
  task_test_free (test);
}

static void
test_text_says_which_worker_is_held_up (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "flood", NULL);

  ferry_test_pipe_wait_count (pipe, 1);
  /* The main loop stands still, and so do handlers. */
  while (!has ((gpointer) ": held up, waits for this program to handle what it has sent"))
    ferry_test_let_others ();
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
}

/* The links of such senders are none of the worker's own. */
static void
test_text_says_which_worker_is_held_up_by_a_sender_of_its_task (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (test->router);
  g_autoptr (FerryTask) task =
    ferry_task_new (FERRY_TASK_KIND_CALL, "send-numbers", g_variant_new ("(ht)", 0, G_MAXUINT64));

  g_assert_cmpint (ferry_task_add_sender (task, pipe->sender, NULL), ==, 0);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun (task);
  ferry_test_pipe_wait_count (pipe, 1);
  while (!has ((gpointer) ": held up, runs send-numbers, waits for this program to handle what it has sent") ||
         !has ((gpointer) ", waits for this program, to handle what it has sent"))
    ferry_test_let_others ();
  assert_has (" wait here, held up");
  assert_has ("  pipe of serving-worker ");
  ferry_task_cancel (task);
  task_test_wait_done (task);
  ferry_test_pipe_wait_closed (pipe);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  task_test_free (test);
}

/* A rule that the sender keeps by itself. */
static void
test_text_says_which_sender_has_used_its_credit (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  guint64 credit;

  g_assert_true (ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, NULL));
  g_assert_true (ferry_sender_start (sender, NULL));
  for (guint i = 0; i < 3; i++)
    g_assert_true (ferry_sender_send_bytes (sender, "one", 3, NULL));
  /* The main loop stands still. */
  while (!has ((gpointer) "  pipe of this program: 0 carried, 3 wait here"))
    ferry_test_let_others ();
  assert_has_not ("held up");
  g_object_set (receiver, "credit", (guint64) 3, NULL);
  g_object_get (receiver, "credit", &credit, NULL);
  g_assert_cmpuint (credit, ==, 3);
  assert_has (": 0 carried, 3 wait here, held up");
  g_object_set (receiver, "credit", (guint64) 4, NULL);
  assert_has_not ("held up");
  g_assert_true (ferry_router_close_pipe (router, receiver, NULL));
  g_clear_object (&sender);
  g_clear_object (&receiver);
  ferry_test_router_stop (router);
}

static void
slow_handler (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer n)
{
  ferry_test_take_time (20000);
  ++*(guint *) n;
}

static gboolean
has_three (gpointer n)
{
  return *(guint *) n == 3;
}

static void
test_text_says_how_long_handlers_take (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autofree char *text = NULL;
  const char *mean, *most;
  guint n = 0;

  g_assert_true (ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, NULL));
  ferry_receiver_set_handler (receiver, slow_handler, &n, NULL);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_HANDLER_TIME), <, 20000);
  g_assert_true (ferry_sender_start (sender, NULL));
  for (guint i = 0; i < 3; i++)
    g_assert_true (ferry_sender_send_bytes (sender, "one", 3, NULL));
  ferry_test_run_until (has_three, &n);
  text = ferry_describe_application ();
  mean = strstr (text, ", handler ");
  most = strstr (text, " ms, slowest ");
  g_assert_nonnull (mean);
  g_assert_nonnull (most);
  g_assert_cmpfloat (g_ascii_strtod (mean + strlen (", handler "), NULL), >=, 20);
  g_assert_cmpfloat (g_ascii_strtod (most + strlen (" ms, slowest "), NULL), >=, 20);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_HANDLER_TIME), >=, 60000);
  g_assert_true (ferry_router_close_pipe (router, receiver, NULL));
  g_clear_object (&sender);
  g_clear_object (&receiver);
  ferry_test_router_stop (router);
}

static void
test_text_says_by_what_a_task_failed (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) crashed = NULL;
  g_autoptr (FerryTask) killed = NULL;
  g_autoptr (FerryWorker) worker = NULL;

  g_object_set (test->executor, "keep-finished", 2, NULL);
  crashed = task_test_submit (test->executor, "crash", g_variant_new_int32 (SIGSEGV));
  task_test_assert_failed (crashed, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  assert_has ("Tasks: 0 open\n\nTasks that have ended, and are still in a list:\n  crash (");
  assert_has (": worker-lost, its worker was killed by signal 11");
  killed = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  task_test_wait_begun (killed);
  worker = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);
  ferry_worker_force_exit (worker);
  task_test_assert_failed (killed, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  assert_has (": worker-lost, its worker was killed by signal 9, which this program sent");
  g_clear_object (&worker);
  task_test_free (test);
}

/* A router's pipes are as many as there are in the list. */
static void
test_text_has_the_pipes_that_tasks_use (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);

  task_test_wait_done (task);
  assert_has (" n-pipes 2,");
  assert_has ("Pipes and Calls: 2\n");
  assert_has ("  pipe 'ferry.calls' of worker 'serving-worker ");
  task_test_free (test);
}

/* A name, arguments, texts and paths are the users'. */
static void
test_text_has_nothing_of_users (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("secret argument"));
  g_autoptr (FerryTask) waiting =
    ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_string ("secret argument"));

  g_object_set (task, "name", "secret name", NULL);
  g_object_set (waiting, "name", "secret name", NULL);
  ferry_executor_set_paused (test->executor, TRUE, FALSE);
  task_test_submit_task (test->executor, waiting);
  assert_has ("echo");
  assert_has_not ("secret");
  assert_has_not ("/");
  ferry_executor_set_paused (test->executor, FALSE, FALSE);
  task_test_submit_task (test->executor, task);
  task_test_wait_done (task);
  assert_has ("serving-worker");
  assert_has_not ("secret");
  assert_has_not ("/");
  task_test_wait_done (waiting);
  task_test_free (test);
}

static void
test_text_has_pipes_channels_and_calls (void)
{
  g_autoptr (FerryRouter) router = ferry_router_new (NULL);
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerryTransport) one = NULL;
  g_autoptr (FerryTransport) other = NULL;
  g_autoptr (FerryChannel) channel = NULL;

  g_assert_true (ferry_router_start (router, NULL));
  g_assert_true (ferry_router_pipe (router, FERRY_PIPE_QUEUED, &sender, &receiver, NULL));
  assert_has ("  pipe: 0 carried");
  ferry_transport_new_pair (&one, &other);
  assert_has ("  calls: 0 carried");
  channel = ferry_channel_new (one);
  assert_has ("  channel: 0 carried, 0 wait there, 0 wait here");
  g_assert_true (ferry_channel_send (channel, g_variant_new_string ("one"), -1, NULL, NULL));
  assert_has ("  channel: 1 carried");
  g_clear_object (&channel);
  g_assert_true (ferry_router_close_pipe (router, receiver, NULL));
  assert_has_not ("  pipe: ");
  assert_has_not ("  channel: ");
  g_assert_true (ferry_router_stop (router, NULL));
}

static gpointer
describe_cb (gpointer data)
{
  return ferry_describe_application ();
}

static void
test_another_thread_sees_that_there_is_a_router (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autofree char *text = g_thread_join (g_thread_new ("other", describe_cb, NULL));

  g_assert_nonnull (strstr (text, "Routers of other threads: 1\n"));
  g_assert_null (strstr (text, "queued-bytes"));
  assert_has ("queued-bytes 0 of ");
  assert_has_not ("Routers of other threads");
  task_test_free (test);
}

static void
test_nothing_is_left_of_what_is_gone (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ FALSE, 2);
  g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);

  task_test_wait_done (task);
  task_test_free (test);
  assert_has ("Workers: 0\n");
  assert_has ("Tasks: 0 open\n");
  assert_has_not ("executor ");
  assert_has_not ("pool ");
  assert_has_not ("router ");
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);

  g_test_add_func ("/description/text-says-versions-and-limits-of-the-machine",
                   test_text_says_versions_and_limits_of_the_machine);
  g_test_add_func ("/description/text-says-what-workers-run-and-what-tasks-wait-for",
                   test_text_says_what_workers_run_and_what_tasks_wait_for);
  g_test_add_func ("/description/text-says-what-is-paused", test_text_says_what_is_paused);
  g_test_add_func ("/description/text-says-which-worker-has-ended", test_text_says_which_worker_has_ended);
  g_test_add_func ("/description/text-says-which-worker-is-held-up", test_text_says_which_worker_is_held_up);
  g_test_add_func ("/description/text-says-which-worker-is-held-up-by-a-sender-of-its-task",
                   test_text_says_which_worker_is_held_up_by_a_sender_of_its_task);
  g_test_add_func ("/description/text-says-which-sender-has-used-its-credit",
                   test_text_says_which_sender_has_used_its_credit);
  g_test_add_func ("/description/text-says-how-long-handlers-take", test_text_says_how_long_handlers_take);
  g_test_add_func ("/description/text-says-by-what-a-task-failed", test_text_says_by_what_a_task_failed);
  g_test_add_func ("/description/text-has-the-pipes-that-tasks-use", test_text_has_the_pipes_that_tasks_use);
  g_test_add_func ("/description/text-has-nothing-of-users", test_text_has_nothing_of_users);
  g_test_add_func ("/description/text-has-pipes-channels-and-calls", test_text_has_pipes_channels_and_calls);
  g_test_add_func ("/description/another-thread-sees-that-there-is-a-router",
                   test_another_thread_sees_that_there_is_a_router);
  g_test_add_func ("/description/nothing-is-left-of-what-is-gone", test_nothing_is_left_of_what_is_gone);
  return g_test_run ();
}
