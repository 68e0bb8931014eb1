/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue-away.c, queue/ferry-queue-tasks.c, cluster/ferry-cluster-away.c, cluster/ferry-host-queue.c
 *
 * Cancels of what a queue has left with hosts, and what is lost there, with a real server and real hosts. */

#include "config.h"

#include <string.h>

#include "cluster/proxy-test.h"
#include "queue/away-test.h"

#define N_TASKS 5

static const char *const keys[N_TASKS] = {"1", "2", "3", "4", "5"};

static void
assert_cancelled (AwayTest *test, const char *key)
{
  g_autoptr (FerryTask) task = away_test_get (test, key);

  away_test_await (test, key);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpuint (away_test_count_lines (test, 'b', key), ==, 0);
}

/* Hosts have seen all that was there before. */
static void
pass (AwayTest *test)
{
  away_test_submit (test, "note", "last", NULL);
  away_test_assert_done (test, "last", 1);
}

/* ---- while all can be reached ---- */

#define N_ROUNDS 6
#define N_RACERS 20

typedef struct
{
  AwayTest *test;
  char *key;
  gboolean is_told;
  guint n_begun; /* when it was told as cancelled */
} Racer;

static void
note_told (FerryTask *task, Racer *racer)
{
  racer->is_told = ferry_task_get_state (task) == FERRY_TASK_STATE_CANCELLED;
  racer->n_begun = away_test_count_lines (racer->test, 'b', racer->key);
}

/* They are cancelled as the host begins the first ones, the last of them first or last. Returns how many it has begun.
 */
static guint
race (AwayTest *test, guint round)
{
  Racer racers[N_RACERS];
  g_autofree char *last = g_strdup_printf ("last-%u", round);
  const guint before = away_test_count_lines (test, 'b', NULL);

  for (guint i = 0; i < N_RACERS; i++)
    {
      g_autoptr (FerryTask) task = NULL;

      racers[i] = (Racer){.test = test, .key = g_strdup_printf ("%u-%u", round, i)};
      away_test_submit (test, "note", racers[i].key, NULL);
      task = away_test_get (test, racers[i].key);
      g_signal_connect (task, "done", G_CALLBACK (note_told), &racers[i]);
    }
  away_test_await_lines (test, 'b', NULL, before + 1);
  for (guint i = 0; i < N_RACERS; i++)
    {
      g_autoptr (FerryTask) task = away_test_get (test, racers[round % 2 > 0 ? i : N_RACERS - 1 - i].key);

      ferry_task_cancel (task);
    }
  for (guint i = 0; i < N_RACERS; i++)
    away_test_await (test, racers[i].key);
  away_test_submit (test, "note", last, NULL);
  away_test_assert_done (test, last, 1);
  for (guint i = 0; i < N_RACERS; i++)
    {
      if (racers[i].is_told)
        g_assert_cmpuint (away_test_count_lines (test, 'b', racers[i].key), ==, racers[i].n_begun);
      else
        away_test_assert_done (test, racers[i].key, 1);
      g_free (racers[i].key);
    }
  return away_test_count_lines (test, 'b', NULL) - before - 1;
}

/* Nor does what a host has completed become a cancelled task. */
static void
test_race (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  away_test_start_host (test, 0);
  away_test_begin (test);
  for (guint i = 0; i < N_ROUNDS; i++)
    g_test_message ("%u of %d were begun", race (test, i), N_RACERS);
}

static gboolean
is_begun_by_alpha (gpointer task)
{
  return g_strcmp0 (ferry_task_get_text (task), "The host 'alpha' runs it") == 0;
}

/* (transfer full): what /proc has of the process that has begun the task. */
static char *
dup_process_folder (AwayTest *test, const char *key)
{
  g_autofree char *beginning = g_strdup_printf ("b %s ", key);
  g_autofree char *text = NULL;
  const char *line;

  g_assert_true (g_file_get_contents (test->ledger, &text, NULL, NULL));
  line = strstr (text, beginning);
  g_assert_nonnull (line);
  line += strlen (beginning);
  return g_strdup_printf ("/proc/%.*s", (int) strspn (line, "0123456789"), line);
}

/* A host hears of the cancel while it runs the task, and has ended it when it is told. */
static void
test_running (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *process = NULL;

  away_test_start_host (test, 0);
  away_test_begin (test);
  away_test_submit (test, "hold", "held", NULL);
  away_test_await_lines (test, 'b', "held", 1);
  process = dup_process_folder (test, "held");
  g_assert_true (g_file_test (process, G_FILE_TEST_EXISTS));
  task = away_test_get (test, "held");
  g_assert_true (ferry_task_cancel (task));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
  away_test_await (test, "held");
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_false (g_file_test (process, G_FILE_TEST_EXISTS));
  /* The host has one worker. */
  pass (test);
  g_assert_cmpuint (away_test_count_lines (test, 'e', "held"), ==, 0);
}

/* ---- while the server cannot be reached ---- */

static gboolean
waits_for_server (gpointer task)
{
  const char *text = ferry_task_get_text (task);

  return ferry_task_get_state (task) == FERRY_TASK_STATE_CANCELLING && text != NULL &&
         g_str_has_prefix (text, "A host may run it until it hears of the cancel. ");
}

static void
assert_waits (AwayTest *test, const char *key)
{
  g_autoptr (FerryTask) task = away_test_get (test, key);
  g_autoptr (GError) error = NULL;

  ferry_test_look_until (waits_for_server, task);
  g_assert_null (ferry_executor_retry (test->executor, task, &error));
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_NOT_DONE);
}

/* The application begins, with the server behind a proxy. */
static ProxyTest *
begin (AwayTest *test)
{
  ProxyTest *proxy = proxy_test_new (test->server->port);

  away_test_start_host (test, 0);
  away_test_await_log (test, 0, "Works off the queue");
  test->url_of_hosts = g_steal_pointer (&test->url);
  test->url = g_strdup_printf ("nats://127.0.0.1:%u", proxy_test_get_port (proxy));
  away_test_begin (test);
  return proxy;
}

static gboolean
has_none_waiting (gpointer queue)
{
  return ferry_test_get_number (queue, "n-waiting") == 0;
}

/* The host has a task, and others wait. These are cancelled while the application cannot reach the server. quits: it
 * ends, and starts anew. runs: the host goes on meanwhile. */
static void
check_out_of_reach (gboolean quits, gboolean runs)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (ProxyTest) proxy = begin (test);

  away_test_submit (test, "hold", "held", NULL);
  away_test_await_lines (test, 'b', "held", 1);
  for (guint i = 0; i < N_TASKS; i++)
    away_test_submit (test, "note", keys[i], NULL);
  away_test_await_tasks (test, N_TASKS + 1);
  proxy_test_refuse (proxy, TRUE);
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autoptr (FerryTask) task = away_test_get (test, keys[i]);

      g_assert_true (ferry_task_cancel (task));
      assert_waits (test, keys[i]);
    }
  g_assert_cmpint (ferry_test_get_number (test->queue, "n-cancelled"), ==, 0);
  if (quits)
    {
      away_test_close (test);
      away_test_begin (test);
      g_assert_cmpint (ferry_test_get_number (test->queue, "n-waiting"), ==, N_TASKS + 1);
      /* Some are looked at. */
      assert_waits (test, "1");
      assert_waits (test, "2");
    }
  if (runs)
    {
      away_test_let_go (test, "held");
      for (guint i = 0; i < N_TASKS; i++)
        away_test_await_lines (test, 'e', keys[i], 1);
    }
  proxy_test_refuse (proxy, FALSE);
  for (guint i = 0; i < N_TASKS; i++)
    {
      if (runs)
        away_test_assert_done (test, keys[i], 1);
      else
        assert_cancelled (test, keys[i]);
    }
  away_test_let_go (test, "held");
  away_test_assert_done (test, "held", 1);
  pass (test);
  ferry_test_run_until (has_none_waiting, test->queue);
  g_assert_cmpint (ferry_test_get_number (test->queue, "n-cancelled"), ==, runs ? 0 : N_TASKS);
  /* The file has it, too. */
  away_test_close (test);
  away_test_begin (test);
  for (guint i = 0; i < N_TASKS; i++)
    {
      if (runs)
        away_test_assert_done (test, keys[i], 1);
      else
        assert_cancelled (test, keys[i]);
    }
}

static void
test_not_told (void)
{
  check_out_of_reach (FALSE, FALSE);
}

static void
test_result_kept (void)
{
  check_out_of_reach (FALSE, TRUE);
}

static void
test_over_a_quit (void)
{
  check_out_of_reach (TRUE, FALSE);
}

static void
test_result_kept_over_a_quit (void)
{
  check_out_of_reach (TRUE, TRUE);
}

static gboolean
are_all_cancelled (gpointer queue)
{
  return ferry_test_get_number (queue, "n-cancelled") == N_TASKS;
}

/* Nobody has looked at them. */
static void
test_all (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (ProxyTest) proxy = begin (test);

  pass (test);
  away_test_end_host (test, 0);
  for (guint i = 0; i < N_TASKS; i++)
    away_test_submit (test, "note", keys[i], NULL);
  away_test_await_tasks (test, N_TASKS);
  away_test_close (test);
  proxy_test_refuse (proxy, TRUE);
  away_test_begin (test);
  g_assert_cmpuint (ferry_executor_cancel_all (test->executor), ==, N_TASKS);
  assert_waits (test, "3");
  g_assert_cmpint (ferry_test_get_number (test->queue, "n-waiting"), ==, N_TASKS);
  ferry_executor_clear_finished (test->executor);
  proxy_test_refuse (proxy, FALSE);
  ferry_test_run_until (are_all_cancelled, test->queue);
  away_test_start_host (test, 0);
  away_test_await_tasks (test, 0);
  for (guint i = 0; i < N_TASKS; i++)
    assert_cancelled (test, keys[i]);
}

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

/* A person who knows that no host has it need not wait. */
static void
test_forgotten (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (ProxyTest) proxy = begin (test);
  g_autoptr (FerryTask) ran = NULL;
  g_autoptr (FerryTask) waits = NULL;

  away_test_submit (test, "hold", "ran", NULL);
  away_test_await_lines (test, 'b', "ran", 1);
  away_test_submit (test, "note", "waits", NULL);
  away_test_await_tasks (test, 2);
  ran = away_test_get (test, "ran");
  waits = away_test_get (test, "waits");
  proxy_test_refuse (proxy, TRUE);
  g_assert_true (ferry_task_cancel (ran));
  assert_waits (test, "ran");
  g_assert_true (ferry_executor_remove (test->executor, ran, NULL));
  g_assert_true (ferry_queue_forget (test->queue, "waits", NULL));
  ferry_test_look_until (is_done, ran);
  ferry_test_look_until (is_done, waits);
  g_assert_cmpint (ferry_task_get_state (ran), ==, FERRY_TASK_STATE_CANCELLED);
  g_assert_cmpint (ferry_task_get_state (waits), ==, FERRY_TASK_STATE_CANCELLED);
  proxy_test_refuse (proxy, FALSE);
  away_test_await_tasks (test, 0);
  away_test_let_go (test, "ran");
  pass (test);
  g_assert_cmpuint (away_test_count_lines (test, 'b', "waits"), ==, 0);
}

static gboolean
has_none (gpointer executor)
{
  return ferry_test_get_number (executor, "n-executing") == 0;
}

/* One that may run twice runs here meanwhile. A host may begin it still when it has ended here. */
static void
test_runs_here (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (ProxyTest) proxy = begin (test);
  g_autoptr (FerryTask) task = NULL;

  pass (test);
  away_test_end_host (test, 0);
  away_test_submit (test, "hold", "held", "idempotent", TRUE, NULL);
  away_test_await_tasks (test, 1);
  away_test_close (test);
  proxy_test_refuse (proxy, TRUE);
  test->runs_here = TRUE;
  away_test_begin (test);
  away_test_await_lines (test, 'b', "held", 1);
  task = away_test_get (test, "held");
  g_assert_true (ferry_task_cancel (task));
  ferry_test_look_until (waits_for_server, task);
  ferry_test_run_until (has_none, test->executor);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
  g_clear_object (&task);
  away_test_close (test);
  away_test_begin (test);
  assert_waits (test, "held");
  proxy_test_refuse (proxy, FALSE);
  away_test_await (test, "held");
  task = away_test_get (test, "held");
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  away_test_start_host (test, 0);
  away_test_await_tasks (test, 0);
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 1);
}

/* ---- what the server has lost ---- */

/* Two hosts run a task each, of which the server knows nothing any more, and one of them is lost. */
static void
lose (AwayTest *test, gboolean may_repeat)
{
  g_autoptr (FerryTask) task = NULL;

  away_test_start_host (test, 0);
  away_test_begin (test);
  away_test_submit (test, "hold", "kept", NULL);
  away_test_await_lines (test, 'b', "kept", 1);
  away_test_start_host (test, 1);
  away_test_submit (test, "hold", "lost", "idempotent", may_repeat, NULL);
  away_test_await_lines (test, 'b', "lost", 1);
  away_test_purge (test, "tasks", FALSE);
  away_test_end_host (test, 1);
  away_test_let_go (test, "lost");
  away_test_start_host (test, 1);
  away_test_await (test, "lost");
  task = away_test_get (test, "kept");
  ferry_test_look_until (is_begun_by_alpha, task);
  away_test_let_go (test, "kept");
  away_test_assert_done (test, "kept", 1);
}

static void
test_lost_again (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  lose (test, TRUE);
  away_test_assert_done (test, "lost", 2);
}

static void
test_lost_once (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;

  lose (test, FALSE);
  task = away_test_get (test, "lost");
  g_assert_error (ferry_task_get_error (task), FERRY_ERROR, FERRY_ERROR_INTERRUPTED);
  g_assert_cmpuint (away_test_count_lines (test, 'b', "lost"), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  nats_test_add ("/away-cancels/what-is-told-as-cancelled-is-not-begun", test_race);
  nats_test_add ("/away-cancels/a-host-ends-what-it-runs-before-that-is-told", test_running);
  nats_test_add ("/away-cancels/without-a-server-none-is-told", test_not_told);
  nats_test_add ("/away-cancels/what-a-host-completes-meanwhile-is-done", test_result_kept);
  nats_test_add ("/away-cancels/a-cancel-that-no-server-has-taken-survives-a-quit", test_over_a_quit);
  nats_test_add ("/away-cancels/and-so-does-what-a-host-completes-meanwhile", test_result_kept_over_a_quit);
  nats_test_add ("/away-cancels/all-are-cancelled-without-a-look", test_all);
  nats_test_add ("/away-cancels/what-waits-for-the-server-can-be-forgotten", test_forgotten);
  nats_test_add ("/away-cancels/what-ran-here-meanwhile-waits-for-the-server", test_runs_here);
  nats_test_add ("/away-cancels/what-the-server-lost-with-its-host-runs-again", test_lost_again);
  nats_test_add ("/away-cancels/or-is-interrupted-where-it-may-not", test_lost_once);
  return g_test_run ();
}
