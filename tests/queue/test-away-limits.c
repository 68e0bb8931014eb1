/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue-away.c, queue/ferry-queue-tasks.c, cluster/ferry-host-queue.c
 *
 * Limits of time and of attempts of what a queue has left with hosts, with a real server and real hosts. */

#include "config.h"

#include <string.h>

#include "queue/away-test.h"

/* A host has made the streams, and stays. */
static void
begin (AwayTest *test)
{
  away_test_start_host (test, 0);
  away_test_begin (test);
  away_test_submit (test, "note", "first", NULL);
  away_test_await (test, "first");
}

typedef struct
{
  AwayTest *test;
  FerryTask *task;
  const char *key;
} Begin;

static gboolean
has_begun_or_ended (gpointer data)
{
  const Begin *begin = data;

  return away_test_count_lines (begin->test, 'b', begin->key) > 0 || ferry_task_get_done (begin->task);
}

/* Submits a task with a limit of time by which a host begins it, and returns its key (transfer full) once a host has,
 * and the application is off. A machine may be slow: a task that came too late is followed by one with more time. over:
 * the monotonic time at which the limit is. */
static char *
submit_in_time (AwayTest *test, const char *function, const char *limit, gint64 *over)
{
  for (gint64 time = G_USEC_PER_SEC;; time *= 2)
    {
      g_autofree char *key = g_strdup_printf ("held-%d", (int) (time / G_USEC_PER_SEC));
      g_autoptr (FerryTask) task = NULL;
      gboolean is_in_time;

      *over = g_get_monotonic_time () + time;
      away_test_submit (test, function, key, limit, g_str_equal (limit, "deadline") ? *over : time, "idempotent", TRUE,
                        NULL);
      task = away_test_get (test, key);
      ferry_test_look_until (has_begun_or_ended, &(Begin){test, task, key});
      is_in_time = away_test_count_lines (test, 'b', key) > 0 && g_get_monotonic_time () < *over;
      if (is_in_time)
        {
          g_clear_object (&task);
          away_test_kill (test);
          return g_steal_pointer (&key);
        }
      away_test_let_go (test, key);
      away_test_await (test, key);
    }
}

static gboolean
is_over (gpointer time)
{
  return g_get_monotonic_time () > *(gint64 *) time;
}

/* The clock has come so far. */
static void
await_time (gint64 time)
{
  ferry_test_look_until (is_over, &time);
}

/* What a host has begun and completed in time is done, however late the application hears of that. */
static void
check_done_in_time (const char *limit)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autofree char *key = NULL;
  gint64 over;

  begin (test);
  key = submit_in_time (test, "note", limit, &over);
  away_test_await_lines (test, 'e', key, 1);
  await_time (over);
  away_test_begin (test);
  away_test_assert_done (test, key, 1);
}

static void
test_queue_timeout (void)
{
  check_done_in_time ("queue-timeout");
}

static void
test_deadline (void)
{
  check_done_in_time ("deadline");
}

static gboolean
is_at_host (gpointer task)
{
  return strcmp (ferry_task_get_text (task), "The host 'alpha' runs it") == 0 || ferry_task_get_done (task);
}

static void
test_runs_in_time (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autofree char *key = NULL;
  g_autoptr (FerryTask) task = NULL;
  gint64 over;

  begin (test);
  key = submit_in_time (test, "hold", "queue-timeout", &over);
  await_time (over);
  away_test_begin (test);
  task = away_test_get (test, key);
  ferry_test_look_until (is_at_host, task);
  away_test_let_go (test, key);
  away_test_assert_done (test, key, 1);
}

/* The time in which a lost host ran the task does not count. */
static void
test_lost_later (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autofree char *key = NULL;
  gint64 over;

  begin (test);
  key = submit_in_time (test, "hold", "queue-timeout", &over);
  await_time (over);
  away_test_end_host (test, 0);
  away_test_let_go (test, key);
  away_test_start_host (test, 1);
  away_test_await_lines (test, 'e', key, 1);
  away_test_begin (test);
  away_test_assert_done (test, key, 2);
}

/* A deadline is never moved. */
static void
test_lost_after_deadline (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autofree char *key = NULL;
  g_autoptr (FerryTask) task = NULL;
  gint64 over;

  begin (test);
  key = submit_in_time (test, "hold", "deadline", &over);
  away_test_end_host (test, 0);
  away_test_let_go (test, key);
  await_time (over);
  away_test_start_host (test, 1);
  away_test_await_tasks (test, 0);
  away_test_begin (test);
  away_test_await (test, key);
  task = away_test_get (test, key);
  g_assert_error (ferry_task_get_error (task), FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  g_assert_cmpuint (away_test_count_lines (test, 'b', key), ==, 1);
}

/* A retry more than it has is none, whichever host is lost. */
static void
test_losses_count_together (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;

  begin (test);
  away_test_submit (test, "hold", "held", "retries", 1, NULL);
  away_test_await_lines (test, 'b', "held", 1);
  away_test_kill (test);
  away_test_end_host (test, 0);
  away_test_start_host (test, 1);
  away_test_await_lines (test, 'b', "held", 2);
  away_test_end_host (test, 1);
  away_test_let_go (test, "held");
  away_test_start_host (test, 0);
  away_test_await_tasks (test, 0);
  away_test_begin (test);
  away_test_await (test, "held");
  task = away_test_get (test, "held");
  g_assert_error (ferry_task_get_error (task), FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  nats_test_add ("/away-limits/done-within-its-queue-timeout", test_queue_timeout);
  nats_test_add ("/away-limits/done-before-its-deadline", test_deadline);
  nats_test_add ("/away-limits/begun-in-time-it-may-run-for-longer", test_runs_in_time);
  nats_test_add ("/away-limits/the-time-at-a-lost-host-does-not-count", test_lost_later);
  nats_test_add ("/away-limits/no-deadline-moves-as-a-host-is-lost", test_lost_after_deadline);
  nats_test_add ("/away-limits/losses-at-hosts-count-together", test_losses_count_together);
  return g_test_run ();
}
