/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: base/ferry-registry.c, inspect/ferry-description.c, inspect/ferry-inspection-figures.c,
 *   inspect/ferry-inspection-tasks.c, inspect/ferry-inspection.c
 *
 * What an application has and does, as text: what is in it, what is not, and what a task waits for. */

#include "config.h"

#include <ferry-conversations.h>
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
  process = g_strdup_printf (", process %s of serving-worker: runs sleep-until-cancelled",
                             ferry_worker_get_identifier (worker));
  g_object_unref (worker);
  assert_has ("Workers: 2\n");
  assert_has (" of serving-worker: forks others, ");
  assert_has (process);
  assert_has (" of memory, ");
  assert_has ("runs for ");
  waiting = task_test_submit (test->executor, "nothing", NULL);
  ferry_test_run_until (has, (gpointer) "waits for a worker: as many as there may be are busy");
  assert_has ("Open tasks: 2\n");
  ferry_task_cancel (running);
  task_test_wait_done (waiting);
  assert_has ("Open tasks: 0\n");
  task_test_free (test);
}

static void
test_text_says_what_is_paused (void)
{
  TaskTest *test = task_test_new (/* in_threads: */ TRUE, 1);
  g_autoptr (FerryTask) task = NULL;

  ferry_executor_set_paused (test->executor, TRUE, FALSE);
  task = task_test_submit (test->executor, "nothing", NULL);
  assert_has ("waits as its executor is paused");
  assert_has ("paused 1");
  ferry_task_pause (task);
  assert_has ("waits as it is paused");
  ferry_task_resume (task);
  ferry_executor_set_paused (test->executor, FALSE, FALSE);
  task_test_wait_done (task);
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
  while (!has ((gpointer) " bytes of it are not handled yet, and it waits for that"))
    ferry_test_let_others ();
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  ferry_test_router_stop (router);
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
  assert_has ("  channel: 0 carried, 0 wait for the other end");
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
  assert_has ("Open tasks: 0\n");
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
  g_test_add_func ("/description/text-says-which-worker-is-held-up", test_text_says_which_worker_is_held_up);
  g_test_add_func ("/description/text-has-nothing-of-users", test_text_has_nothing_of_users);
  g_test_add_func ("/description/text-has-pipes-channels-and-calls", test_text_has_pipes_channels_and_calls);
  g_test_add_func ("/description/another-thread-sees-that-there-is-a-router",
                   test_another_thread_sees_that_there_is_a_router);
  g_test_add_func ("/description/nothing-is-left-of-what-is-gone", test_nothing_is_left_of_what_is_gone);
  return g_test_run ();
}
