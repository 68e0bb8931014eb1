/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: queue/ferry-queue-away.c, cluster/ferry-cluster-away.c, cluster/ferry-host-queue.c, cluster/ferry-streams.c,
 *        cluster/ferry-away-message.c
 *
 * What a queue has left with hosts, with a real server and real hosts. */

#include "config.h"

#include "cluster/proxy-test.h"
#include "queue/away-test.h"

#include <signal.h>
#include <string.h>

static void
assert_done (AwayTest *test, const char *key)
{
  g_autoptr (FerryTask) task = away_test_get (test, key);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (g_variant_get_string (result, NULL), ==, key);
  g_assert_cmpuint (away_test_count_lines (test, 'e', key), ==, 1);
}

static void
assert_failed (AwayTest *test, const char *key, FerryError code, const char *words)
{
  g_autoptr (FerryTask) task = away_test_get (test, key);

  g_assert_error (ferry_task_get_error (task), FERRY_ERROR, (int) code);
  ferry_test_assert_says (ferry_task_get_error (task)->message, words);
}

/* A host has made the streams, and is gone. */
static void
make_streams (AwayTest *test)
{
  away_test_start_host (test, 0);
  away_test_begin (test);
  away_test_submit (test, "note", "first", NULL);
  away_test_await (test, "first");
  assert_done (test, "first");
  away_test_end_host (test, 0);
  away_test_close (test);
}

/* What 'ferry-host --status' says of a host has these words. */
static void
assert_tells (AwayTest *test, guint host, const char *words)
{
  g_autofree char *status = away_test_dup_status (test, host);

  ferry_test_assert_says (status, words);
}

static void
test_left (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  static const char *const keys[] = {"one", "two", "three"};

  make_streams (test);
  away_test_begin (test);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    away_test_submit (test, "note", keys[i], "idempotent", (gboolean) i % 2, NULL);
  away_test_submit (test, "fail", "four", NULL);
  away_test_await_tasks (test, 4);
  away_test_kill (test);
  g_assert_cmpuint (away_test_count_lines (test, 'b', "one"), ==, 0);

  away_test_start_host (test, 1);
  away_test_await_tasks (test, 0);
  away_test_await_log (test, 1, ": noted three");
  assert_tells (test, 1, "none waits");
  assert_tells (test, 1, "3 done, 1 failed, 0 lost");
  away_test_end_host (test, 1);

  /* Its own workers are free, and run nothing of it once more. */
  test->runs_here = TRUE;
  away_test_begin (test);
  away_test_await (test, "four");
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (FerryTask) task = away_test_get (test, keys[i]);

      away_test_await (test, keys[i]);
      assert_done (test, keys[i]);
      g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 1);
      g_assert_cmpuint (away_test_count_lines (test, 'b', keys[i]), ==, 1);
    }
  {
    g_autoptr (FerryTask) task = away_test_get (test, "four");

    g_assert_error (ferry_task_get_error (task), G_IO_ERROR, G_IO_ERROR_BUSY);
    g_assert_cmpstr (ferry_task_get_error (task)->message, ==, "The key 'four' is busy");
  }
  /* What is in the file is not there any more. */
  away_test_close (test);
  g_assert_cmpuint (away_test_count_messages (test, "tasks"), ==, 0);
  away_test_begin (test);
  assert_done (test, "one");
}

/* It closes in order, and what it has submitted last is with the hosts. */
static void
test_close (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "before", NULL);
  away_test_await_tasks (test, 1);
  away_test_submit (test, "note", "last", NULL);
  away_test_close (test);
  g_assert_cmpuint (away_test_count_messages (test, "tasks"), ==, 2);
}

/* The host that runs a task is lost. pause: before it may run again, in microseconds. Returns when, by the monotonic
 * clock. */
static gint64
lose_host (AwayTest *test, gboolean once, gint64 pause)
{
  gint64 lost;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "hold", "held", "idempotent", !once, "retry-pause", pause, NULL);
  away_test_await_tasks (test, 1);
  away_test_kill (test);
  away_test_start_host (test, 0);
  away_test_await_lines (test, 'b', "held", 1);
  lost = g_get_monotonic_time ();
  away_test_end_host (test, 0);
  away_test_let_go (test, "held");
  away_test_start_host (test, 1);
  away_test_await_tasks (test, 0);
  away_test_begin (test);
  away_test_await (test, "held");
  return lost;
}

static void
test_once (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  lose_host (test, TRUE, 0);
  assert_failed (test, "held", FERRY_ERROR_WORKER_LOST, "Host 'alpha' was lost while it ran task");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 1);
}

static void
test_again (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;

  lose_host (test, FALSE, 0);
  assert_done (test, "held");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 2);
  task = away_test_get (test, "held");
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 2);
}

static void
test_rest (void)
{
  const gint64 pause = 4 * G_USEC_PER_SEC;
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;
  gint64 lost = lose_host (test, FALSE, pause);

  g_assert_cmpint (g_get_monotonic_time () - lost, >=, pause);
  assert_done (test, "held");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 2);
  task = away_test_get (test, "held");
  g_assert_cmpuint (ferry_test_get_number (task, "n-attempts"), ==, 2);
}

/* It is one of those that end what runs them. */
static void
test_quarantine (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "die", "bad", "idempotent", TRUE, NULL);
  away_test_await_tasks (test, 1);
  away_test_kill (test);
  away_test_start_host (test, 0);
  away_test_await_tasks (test, 0);
  away_test_begin (test);
  away_test_await (test, "bad");
  assert_failed (test, "bad", FERRY_ERROR_QUARANTINED, "was lost 3 times and is not begun again");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "bad"), ==, 3);
}

/* The tasks are gone: nobody can have begun them, and they are sent again. */
static void
test_purged (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "one", NULL);
  away_test_submit (test, "note", "two", NULL);
  away_test_await_tasks (test, 2);
  away_test_purge (test, "tasks", FALSE);
  away_test_await_tasks (test, 2);
  away_test_kill (test);
  away_test_purge (test, "tasks", FALSE);
  away_test_begin (test);
  away_test_await_tasks (test, 2);
  away_test_start_host (test, 0);
  away_test_await (test, "one");
  away_test_await (test, "two");
  assert_done (test, "one");
  assert_done (test, "two");
}

/* All is gone, with who has begun what: what may not run twice is for a person to judge. */
static void
test_reset (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) again = NULL;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "once", NULL);
  away_test_submit (test, "note", "often", "idempotent", TRUE, NULL);
  away_test_await_tasks (test, 2);
  away_test_kill (test);
  away_test_purge (test, "tasks", TRUE);
  away_test_purge (test, "ends", TRUE);
  away_test_start_host (test, 0);
  away_test_begin (test);
  away_test_await (test, "often");
  away_test_await (test, "once");
  assert_done (test, "often");
  assert_failed (test, "once", FERRY_ERROR_INTERRUPTED, "the NATS server lost what it knew of it");
  task = away_test_get (test, "once");
  again = ferry_executor_retry (test->executor, task, NULL);
  g_assert_nonnull (again);
  away_test_await (test, "once");
  assert_done (test, "once");
}

/* As the file is while the end is told: an application that is killed now finds that at its next start. */
static void
copy_file (FerryTask *task, AwayTest *test)
{
  static const char *const suffixes[] = {"", "-wal"};

  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *path = g_strconcat (test->path, suffixes[i], NULL);
      g_autofree char *copy_path = g_strconcat (test->path, ".copy", suffixes[i], NULL);
      g_autoptr (GFile) file = g_file_new_for_path (path), copy = g_file_new_for_path (copy_path);
      g_autoptr (GError) error = NULL;

      g_file_copy (file, copy, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
    }
}

static void
assert_copy_has_end (AwayTest *test, const char *key)
{
  g_autoptr (FerryTask) task = NULL;
  char *path = g_strconcat (test->path, ".copy", NULL);

  away_test_close (test);
  g_free (test->path);
  test->path = path;
  away_test_begin (test);
  task = away_test_get (test, key);
  g_assert_true (ferry_task_get_done (task));
}

/* A host has begun the task and is lost, as is the memory of that. What that ends as is stored, and then told. */
static void
test_forgotten (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "hold", "held", NULL);
  away_test_await_tasks (test, 1);
  away_test_kill (test);
  away_test_start_host (test, 0);
  away_test_await_lines (test, 'b', "held", 1);
  away_test_purge (test, "ends", FALSE);
  away_test_end_host (test, 0);
  away_test_let_go (test, "held");
  away_test_start_host (test, 1);
  away_test_await_log (test, 1, "waits for its application");
  away_test_begin (test);
  task = away_test_get (test, "held");
  g_signal_connect (task, "done", G_CALLBACK (copy_file), test);
  away_test_await (test, "held");
  assert_failed (test, "held", FERRY_ERROR_INTERRUPTED, "may have been begun by a host");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 1);
  assert_copy_has_end (test, "held");
}

/* What no host has ever had cannot have been begun. */
static void
test_never_delivered (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "one", NULL);
  away_test_await_tasks (test, 1);
  away_test_kill (test);
  away_test_purge (test, "ends", FALSE);
  away_test_begin (test);
  away_test_start_host (test, 0);
  away_test_await (test, "one");
  assert_done (test, "one");
}

/* The application has judged a task that the server forgot, and was killed before that was in its file. */
static void
test_forgotten_twice (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autofree char *path =
    g_test_build_filename (G_TEST_DIST, "fuzz", "corpus", "away-message", "begun-by-nobody-knows.bin", NULL);
  g_autofree char *word = NULL;
  g_autofree char *name = NULL;
  g_autofree char *subject = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_file_get_contents (path, &word, &size, &error);
  g_assert_no_error (error);
  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "one", NULL);
  away_test_await_tasks (test, 1);
  name = away_test_dup_task_name (test);
  away_test_kill (test);
  away_test_purge (test, "ends", FALSE);
  subject = g_strconcat ("begun.", name, NULL);
  /* Behind the first byte, which says for the fuzzer what it is. */
  away_test_publish (test, subject, word + 1, (int) size - 1);
  away_test_begin (test);
  away_test_await (test, "one");
  assert_failed (test, "one", FERRY_ERROR_INTERRUPTED, "may have been begun by a host");
}

static void
test_no_server (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  nats_test_server_kill (test->server);
  test->runs_here = TRUE;
  away_test_begin (test);
  away_test_submit (test, "note", "one", NULL);
  away_test_await (test, "one");
  assert_done (test, "one");
}

static gboolean
says_why (gpointer task)
{
  const char *text = ferry_task_get_text (task);

  return text != NULL && g_str_has_prefix (text, "A host may have begun it. No NATS server answers at");
}

/* What was left with hosts and may not run twice waits until they can be asked; the other runs here meanwhile. */
static void
test_server_lost (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "once", NULL);
  away_test_submit (test, "note", "often", "idempotent", TRUE, NULL);
  away_test_await_tasks (test, 2);
  away_test_kill (test);
  nats_test_server_kill (test->server);
  test->runs_here = TRUE;
  away_test_begin (test);
  away_test_await (test, "often");
  assert_done (test, "often");
  task = away_test_get (test, "once");
  ferry_test_run_until (says_why, task);
  g_assert_cmpuint (away_test_count_lines (test, 'b', "once"), ==, 0);
  away_test_start_server (test);
  away_test_await (test, "once");
  assert_done (test, "once");
  away_test_await_tasks (test, 0);
  /* The other one was withdrawn. */
  away_test_start_host (test, 0);
  away_test_submit (test, "note", "last", NULL);
  away_test_await (test, "last");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "often"), ==, 1);
}

static void
test_cancel (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) waiting = NULL;
  g_autoptr (FerryTask) running = NULL;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "waiting", NULL);
  away_test_submit (test, "hold", "running", "priority", 1, NULL);
  away_test_await_tasks (test, 2);
  waiting = away_test_get (test, "waiting");
  g_assert_true (ferry_task_cancel (waiting));
  away_test_await_tasks (test, 1);
  away_test_start_host (test, 0);
  away_test_await_lines (test, 'b', "running", 1);
  running = away_test_get (test, "running");
  g_assert_true (ferry_task_cancel (running));
  away_test_await (test, "running");
  g_assert_cmpint (ferry_task_get_state (running), ==, FERRY_TASK_STATE_CANCELLED);
  /* The host has one worker, which is free again. */
  away_test_submit (test, "note", "next", NULL);
  away_test_await (test, "next");
  assert_done (test, "next");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "waiting"), ==, 0);
  g_assert_cmpuint (away_test_count_lines (test, 'e', "running"), ==, 0);
}

/* Cancelled while the server was away: it hears of that later, also by the next process. */
static void
test_late_cancel (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "waiting", NULL);
  away_test_await_tasks (test, 1);
  away_test_kill (test);
  nats_test_server_kill (test->server);
  away_test_begin (test);
  task = away_test_get (test, "waiting");
  g_assert_true (ferry_task_cancel (task));
  away_test_close (test);
  away_test_start_server (test);
  away_test_begin (test);
  away_test_await_tasks (test, 0);
  away_test_start_host (test, 0);
  away_test_submit (test, "note", "next", NULL);
  away_test_await (test, "next");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "waiting"), ==, 0);
}

static void
test_pause (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "paused", NULL);
  away_test_submit (test, "note", "other", NULL);
  away_test_await_tasks (test, 2);
  task = away_test_get (test, "paused");
  g_assert_true (ferry_task_pause (task));
  away_test_await_tasks (test, 1);
  g_object_set (test->queue, "paused", TRUE, NULL);
  away_test_await_tasks (test, 0);
  g_object_set (test->queue, "paused", FALSE, NULL);
  away_test_await_tasks (test, 1);
  away_test_start_host (test, 0);
  away_test_await (test, "other");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "paused"), ==, 0);
  g_assert_true (ferry_task_resume (task));
  away_test_await (test, "paused");
  assert_done (test, "paused");
}

static void
assert_order (AwayTest *test, const char *const *keys)
{
  g_autofree char *text = NULL;
  const char *at;

  g_assert_true (g_file_get_contents (test->ledger, &text, NULL, NULL));
  at = text;
  for (; *keys != NULL; keys++)
    {
      g_autofree char *line = g_strdup_printf ("b %s ", *keys);

      at = strstr (at, line);
      g_assert_nonnull (at);
    }
}

static void
test_priority (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "low", "priority", -5, NULL);
  away_test_submit (test, "note", "normal", NULL);
  away_test_submit (test, "note", "raised", "priority", -5, NULL);
  away_test_submit (test, "note", "high", "priority", 5, NULL);
  away_test_await_tasks (test, 4);
  task = away_test_get (test, "raised");
  g_assert_true (ferry_executor_set_task_priority (test->executor, task, 5, NULL));
  away_test_await_tasks (test, 3);
  away_test_await_tasks (test, 4);
  away_test_kill (test);
  away_test_start_host (test, 0);
  away_test_await_lines (test, 'e', "low", 1);
  assert_order (test, (const char *const[]){"high", "raised", "normal", "low", NULL});
}

static void
test_not_before (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  const gint64 time = g_get_real_time () + 3 * G_USEC_PER_SEC;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "later", "not-before", time, NULL);
  away_test_submit (test, "note", "never", "not-before", time + 3600 * (gint64) G_USEC_PER_SEC, NULL);
  away_test_await_tasks (test, 2);
  away_test_kill (test);
  away_test_start_host (test, 0);
  away_test_await_lines (test, 'b', "later", 1);
  g_assert_cmpint (g_get_real_time (), >=, time);
  g_assert_cmpuint (away_test_count_lines (test, 'b', "never"), ==, 0);
}

/* What a host cannot be given stays, and is run by the application. */
static void
test_stays (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autofree char *large = g_strnfill (100000, 'k');
  g_autoptr (FerryTask) task =
    ferry_task_new (FERRY_TASK_KIND_CALL, "note", g_variant_new ("(ss)", test->ledger, large));
  g_autoptr (FerryTask) submitted = NULL;

  make_streams (test);
  test->runs_here = TRUE;
  away_test_begin (test);
  g_object_set (test->queue, "paused", TRUE, NULL);
  submitted = ferry_queue_submit (test->queue, task, "large", NULL);
  away_test_submit (test, "note", "asks", "interactive", TRUE, NULL);
  g_object_set (test->queue, "paused", FALSE, NULL);
  away_test_await (test, "large");
  away_test_await (test, "asks");
  assert_done (test, "asks");
  g_assert_cmpuint (away_test_count_messages (test, "tasks"), ==, 0);
}

static void
submit_labelled (AwayTest *test, const char *key, const char *label)
{
  const char *needs[] = {label, NULL};

  away_test_submit (test, "note", key, "needs", needs, NULL);
}

/* Waits until the host has run it. */
static void
await_host (AwayTest *test, const char *key, const char *host)
{
  g_autoptr (FerryTask) task = away_test_get (test, key);
  g_autofree char *name = NULL;

  away_test_await (test, key);
  g_object_get (task, "host-name", &name, NULL);
  g_assert_cmpstr (name, ==, host);
}

static gboolean
waits_for_label (gpointer task)
{
  return strstr (ferry_task_get_text (task), "Waits for a host with the label 'tape'") != NULL;
}

/* Hosts without the label leave it to those that have it, and another task goes past it. */
static void
test_needs (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (FerryTask) task = NULL;

  make_streams (test);
  test->runs_here = TRUE;
  test->labels[0] = "gpu";
  test->labels[1] = "tape";
  away_test_begin (test);
  submit_labelled (test, "tape-1", "tape");
  submit_labelled (test, "tape-2", "tape");
  submit_labelled (test, "tape-3", "tape");
  submit_labelled (test, "gpu", "gpu");
  away_test_submit (test, "note", "here", NULL);
  away_test_await (test, "here");
  away_test_await_tasks (test, 4);
  task = away_test_get (test, "tape-1");
  ferry_test_look_until (waits_for_label, task);

  away_test_start_host (test, 0);
  await_host (test, "gpu", "alpha");
  away_test_await_tasks (test, 3);
  away_test_kill (test);
  away_test_start_host (test, 1);
  away_test_await_tasks (test, 0);
  away_test_begin (test);
  await_host (test, "tape-3", "beta");
  away_test_await (test, "tape-1");
  assert_done (test, "tape-1");
}

static void
test_large_result (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_start_host (test, 0);
  away_test_begin (test);
  away_test_submit (test, "big", "big", NULL);
  away_test_await (test, "big");
  assert_failed (test, "big", FERRY_ERROR_TOO_LARGE, "raise its max_payload");
}

/* What the server has no room for runs here, and so does what it has and no host was given. */
static void
test_no_room (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  static const char *const keys[] = {"1", "2", "3", "4", "5", "6"};

  make_streams (test);
  away_test_begin (test);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      away_test_submit (test, "note", keys[i], NULL);
      if (i < 3)
        away_test_await_tasks (test, i + 1);
      if (i == 2)
        away_test_set_full (test, "tasks", TRUE);
    }
  away_test_set_full (test, "ends", TRUE);
  ferry_executor_set_paused (test->executor, FALSE, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      away_test_await (test, keys[i]);
      assert_done (test, keys[i]);
      g_assert_cmpuint (away_test_count_lines (test, 'b', keys[i]), ==, 1);
    }
  away_test_set_full (test, "ends", FALSE);
  away_test_set_full (test, "tasks", FALSE);
  away_test_close (test);
  g_assert_cmpuint (away_test_count_messages (test, "tasks"), ==, 0);
}

static void
note_flushed (GObject *queue, GAsyncResult *result, gpointer is_flushed)
{
  g_assert_true (ferry_queue_flush_finish (FERRY_QUEUE (queue), result, NULL));
  *(gboolean *) is_flushed = TRUE;
}

/* The application takes it back while it has to wait for the server, which has no room for a word. */
static void
test_taken_before_it_is_sent (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (ProxyTest) proxy = proxy_test_new (test->server->port);
  gboolean is_flushed = FALSE;

  make_streams (test);
  g_free (test->url);
  test->url = g_strdup_printf ("nats://127.0.0.1:%u", proxy_test_get_port (proxy));
  away_test_begin (test);
  away_test_submit (test, "note", "first there", NULL);
  away_test_await_tasks (test, 1);
  away_test_set_full (test, "ends", TRUE);
  proxy_test_hold (proxy, 1500);
  away_test_submit (test, "note", "sent", NULL);
  away_test_submit (test, "note", "not sent", "priority", 1, NULL);
  ferry_queue_flush_async (test->queue, NULL, note_flushed, &is_flushed);
  ferry_test_wait_flag (&is_flushed);
  ferry_executor_set_paused (test->executor, FALSE, FALSE);
  away_test_await (test, "not sent");
  assert_done (test, "not sent");
  away_test_await (test, "sent");
  assert_done (test, "sent");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "not sent"), ==, 1);
}

/* A host keeps an end until there is room for it. */
static void
test_no_room_for_the_end (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_start_host (test, 0);
  away_test_begin (test);
  away_test_submit (test, "hold", "held", NULL);
  away_test_await_lines (test, 'b', "held", 1);
  away_test_set_full (test, "ends", TRUE);
  away_test_let_go (test, "held");
  away_test_await_log (test, 0, "has no room in the stream 'ferry+away+user+ends' (");
  away_test_set_full (test, "ends", FALSE);
  away_test_await (test, "held");
  assert_done (test, "held");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 1);
}

/* The host ends it all the same. */
static void
test_purged_while_it_runs (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_start_host (test, 0);
  away_test_begin (test);
  away_test_submit (test, "hold", "held", NULL);
  away_test_await_lines (test, 'b', "held", 1);
  away_test_purge (test, "tasks", FALSE);
  away_test_let_go (test, "held");
  away_test_await (test, "held");
  assert_done (test, "held");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 1);
}

/* The same user has another file with tasks there, which are none of this one. */
static void
test_purged_beside_others (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "one", NULL);
  away_test_await_tasks (test, 1);
  away_test_purge (test, "tasks", FALSE);
  away_test_publish (test, "task.normal.other.1", "another", -1);
  away_test_publish (test, "task.normal.other.2", "another", -1);
  away_test_await_tasks (test, 3);
}

/* SIGTERM: it finishes what it has begun. */
static void
test_drain (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "hold", "held", NULL);
  away_test_submit (test, "note", "next", NULL);
  away_test_await_tasks (test, 2);
  away_test_kill (test);
  away_test_start_host (test, 0);
  away_test_await_lines (test, 'b', "held", 1);
  away_test_signal_host (test, 0, SIGTERM);
  away_test_await_log (test, 0, "Finishes 1 tasks that run");
  away_test_let_go (test, "held");
  g_assert_true (g_subprocess_wait (test->hosts[0], NULL, NULL));
  g_assert_cmpint (g_subprocess_get_exit_status (test->hosts[0]), ==, 0);
  g_clear_object (&test->hosts[0]);
  away_test_begin (test);
  away_test_await (test, "held");
  assert_done (test, "held");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "next"), ==, 0);
}

/* A host that was stopped for longer than others wait for it, and comes back with the task in its hands. */
static void
test_stopped (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "hold", "held", NULL);
  away_test_await_tasks (test, 1);
  away_test_start_host (test, 0);
  away_test_await_lines (test, 'b', "held", 1);
  away_test_start_host (test, 1);
  away_test_signal_host (test, 0, SIGSTOP);
  away_test_await (test, "held");
  assert_failed (test, "held", FERRY_ERROR_WORKER_LOST, "Host 'alpha' was lost");
  away_test_signal_host (test, 0, SIGCONT);
  away_test_let_go (test, "held");
  away_test_await_lines (test, 'e', "held", 1);
  away_test_submit (test, "note", "next", NULL);
  away_test_await (test, "next");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 1);
  away_test_close (test);
  away_test_begin (test);
  assert_failed (test, "held", FERRY_ERROR_WORKER_LOST, "Host 'alpha' was lost");
}

/* What a host sends between its fetch of a task and its begin: a question for the file's mark, and its word. Each is
 * held up for so many milliseconds: less than the host waits for an answer, and both for longer than others wait for
 * it. */
static const char *const sent_between[] = {"\"last_by_subj\":\"ferry.away.queue.user.mark.",
                                           "PUB ferry.away.queue.user.begun.", NULL};
#define HELD_UP_TIME 1500

/* A host that is stopped after it has fetched the task cannot know whether others have run it, and whether that is
 * forgotten. */
static void
test_held_up (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (ProxyTest) proxy = proxy_test_new (test->server->port);

  make_streams (test);
  test->url_of_hosts = g_strdup_printf ("nats://127.0.0.1:%u", proxy_test_get_port (proxy));
  away_test_start_host (test, 0);
  away_test_await_log (test, 0, "Works off the queue");
  away_test_begin (test);
  proxy_test_hold_at (proxy, sent_between, HELD_UP_TIME);
  away_test_submit (test, "note", "late", NULL);
  away_test_await_log (test, 0, "this host was held up before it could begin it");
  proxy_test_hold_at (proxy, NULL, 0);
  away_test_await (test, "late");
  assert_done (test, "late");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "late"), ==, 1);
}

/* A host whose delivery has become another one's takes that one for alive. */
static void
test_slow_host (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autoptr (ProxyTest) proxy = proxy_test_new (test->server->port);

  make_streams (test);
  test->url_of_hosts = g_strdup_printf ("nats://127.0.0.1:%u", proxy_test_get_port (proxy));
  away_test_start_host (test, 0);
  away_test_await_log (test, 0, "Works off the queue");
  g_clear_pointer (&test->url_of_hosts, g_free);
  away_test_begin (test);
  proxy_test_hold_at (proxy, sent_between, HELD_UP_TIME);
  away_test_submit (test, "hold", "held", NULL);
  away_test_await_delivery (test);
  away_test_start_host (test, 1);
  away_test_await_lines (test, 'b', "held", 1);
  away_test_await_log (test, 0, "this host was held up before it could begin it");
  proxy_test_hold_at (proxy, NULL, 0);
  away_test_let_go (test, "held");
  away_test_await (test, "held");
  assert_done (test, "held");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 1);
}

/* The application and a host take from the same: each task is run once. */
static void
test_both (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  guint n_at_host = 0;

  make_streams (test);
  test->runs_here = TRUE;
  away_test_begin (test);
  g_object_set (test->queue, "paused", TRUE, NULL);
  away_test_start_host (test, 0);
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);

      away_test_submit (test, "work", key, NULL);
    }
  g_object_set (test->queue, "paused", FALSE, NULL);
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *key = g_strdup_printf ("%u", i);
      g_autoptr (FerryTask) task = away_test_get (test, key);

      away_test_await (test, key);
      assert_done (test, key);
      g_assert_cmpuint (away_test_count_lines (test, 'b', key), ==, 1);
      n_at_host += ferry_test_get_string (task, "host-name") != NULL;
    }
  g_test_message ("%u of 200 were told as a host's", n_at_host);
}

/* The server is started again under what runs. */
static void
test_restart (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "hold", "held", NULL);
  away_test_start_host (test, 0);
  away_test_await_lines (test, 'b', "held", 1);
  nats_test_server_kill (test->server);
  away_test_let_go (test, "held");
  away_test_await_lines (test, 'e', "held", 1);
  away_test_start_server (test);
  away_test_await (test, "held");
  assert_done (test, "held");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "held"), ==, 1);
}

/* ---- who may do what ---- */

static void
test_users (void)
{
  g_autoptr (AwayTest) test = away_test_new_with_users ();

  away_test_make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "left", NULL);
  away_test_submit (test, "note", "cancelled", NULL);
  away_test_await_tasks (test, 2);
  {
    g_autoptr (FerryTask) task = away_test_get (test, "cancelled");

    g_assert_true (ferry_task_cancel (task));
  }
  away_test_await_tasks (test, 1);
  away_test_kill (test);
  away_test_start_host (test, 0);
  away_test_await_tasks (test, 0);
  away_test_begin (test);
  away_test_await (test, "left");
  assert_done (test, "left");

  /* The server loses who has begun what. */
  away_test_end_host (test, 0);
  away_test_submit (test, "note", "kept", NULL);
  away_test_await_tasks (test, 1);
  away_test_kill (test);
  away_test_purge (test, "ends", FALSE);
  away_test_begin (test);
  away_test_start_host (test, 0);
  away_test_await (test, "kept");
  assert_done (test, "kept");
}

#define API "$JS.API."
#define TASKS "ferry+demo+alice+tasks"
#define ENDS "ferry+demo+alice+ends"
#define QUEUE "ferry.demo.queue.alice."

typedef struct
{
  const char *user;
  gboolean publishes;
  const char *subject;
} Attempt;

static void
assert_refused (const Attempt *attempts, gsize n)
{
  g_autoptr (AwayTest) test = away_test_new_with_users ();

  for (gsize i = 0; i < n; i++)
    if (away_test_may (test, attempts[i].user, attempts[i].publishes, attempts[i].subject))
      g_error ("'%s' may use '%s'", attempts[i].user, attempts[i].subject);
}

static void
test_hostile_application (void)
{
  static const Attempt attempts[] = {
    {"bob", TRUE, QUEUE "task.high.0.1"},
    {"bob", TRUE, QUEUE "begun.0.1"},
    {"bob", TRUE, QUEUE "end.0.1"},
    {"bob", TRUE, API "STREAM.MSG.GET." ENDS},
    {"bob", TRUE, API "STREAM.PURGE." TASKS},
    {"bob", TRUE, API "STREAM.INFO." TASKS},
    {"bob", TRUE, API "CONSUMER.MSG.NEXT." TASKS ".high"},
    {"bob", TRUE, API "STREAM.CREATE.ferry+demo+bob+tasks"},
    {"bob", FALSE, QUEUE "inbox.alice.>"},
    {"bob", FALSE, QUEUE ">"},
    {"bob", FALSE, "$JS.>"},
    {"alice", TRUE, QUEUE "end.0.1"},
    {"alice", TRUE, "ferry.demo.queue.bob.task.high.0.1"},
    {"alice", TRUE, API "STREAM.DELETE." TASKS},
    {"alice", TRUE, API "STREAM.UPDATE." TASKS},
    {"alice", TRUE, API "STREAM.PURGE." ENDS},
    {"alice", TRUE, API "CONSUMER.MSG.NEXT." TASKS ".high"},
    {"alice", TRUE, API "CONSUMER.CREATE." TASKS},
    {"alice", TRUE, "$JS.ACK." TASKS ".high.1.1.1.1.0"},
    {"alice", FALSE, QUEUE "inbox.alpha.>"},
  };

  assert_refused (attempts, G_N_ELEMENTS (attempts));
}

static void
test_hostile_host (void)
{
  static const Attempt attempts[] = {
    {"alpha", TRUE, QUEUE "task.high.0.1"},
    {"alpha", TRUE, QUEUE "mark.0"},
    {"alpha", TRUE, API "STREAM.PURGE." TASKS},
    {"alpha", TRUE, API "STREAM.DELETE." TASKS},
    {"alpha", TRUE, API "STREAM.UPDATE." ENDS},
    {"alpha", TRUE, API "STREAM.CREATE.other"},
    {"alpha", TRUE, API "STREAM.MSG.DELETE." ENDS},
    {"alpha", TRUE, API "STREAM.MSG.GET." TASKS},
    {"alpha", TRUE, API "CONSUMER.DELETE." TASKS ".high"},
    {"alpha", TRUE, API "CONSUMER.DURABLE.CREATE." TASKS ".mine"},
    {"alpha", FALSE, QUEUE "inbox.alice.>"},
    {"alpha", FALSE, QUEUE "begun.>"},
    {"beta", TRUE, QUEUE "begun.0.1"},
    {"beta", TRUE, QUEUE "end.0.1"},
    {"beta", TRUE, API "CONSUMER.MSG.NEXT." TASKS ".high"},
    {"beta", TRUE, "$JS.ACK." TASKS ".high.1.1.1.1.0"},
    {"beta", TRUE, API "STREAM.MSG.GET." ENDS},
  };

  assert_refused (attempts, G_N_ELEMENTS (attempts));
}

/* What is in the streams is no value of theirs. */
static void
test_garbage (void)
{
  g_autoptr (AwayTest) test = away_test_new ();
  g_autofree char *name = NULL;
  g_autofree char *end = NULL;

  make_streams (test);
  away_test_begin (test);
  away_test_submit (test, "note", "one", NULL);
  away_test_await_tasks (test, 1);
  name = away_test_dup_task_name (test);
  end = g_strconcat ("end.", name, NULL);
  away_test_publish (test, end, "no end at all", -1);
  away_test_await (test, "one");
  assert_failed (test, "one", FERRY_ERROR_PROTOCOL, "an end that is malformed");
  away_test_publish (test, "task.high.0.1", "no task at all", -1);
  away_test_publish (test, "task.high.no-name", "no task at all", -1);
  away_test_publish (test, "task.high.0.2", "\x01\0\0\0of an earlier version", 24);
  away_test_publish (test, "begun.0.1", "no word at all", -1);
  away_test_start_host (test, 0);
  away_test_submit (test, "note", "two", NULL);
  away_test_await (test, "two");
  assert_done (test, "two");
  g_assert_cmpuint (away_test_count_lines (test, 'b', "one"), ==, 0);
  /* What is of another version is left for a host that knows it. */
  away_test_await_log (test, 0, "message of version 1");
  away_test_await_tasks (test, 1);
}

static void
test_no_permission (void)
{
  g_autoptr (AwayTest) test = away_test_new_with_users ();

  away_test_start_host (test, 1);
  away_test_await_log (test, 1, "does not permit what the queue 'alice' needs");
}

/* The server keeps nothing. */
static void
test_no_streams (void)
{
  g_autoptr (AwayTest) test = away_test_new ();

  nats_test_server_kill (test->server);
  g_free (test->configuration);
  test->configuration = g_strdup ("");
  away_test_start_server (test);
  away_test_start_host (test, 0);
  away_test_await_log (test, 0, "start it with --jetstream");
  test->runs_here = TRUE;
  away_test_begin (test);
  away_test_submit (test, "note", "one", NULL);
  away_test_await (test, "one");
  assert_done (test, "one");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  nats_test_add ("/away/hosts-run-what-an-application-has-left", test_left);
  nats_test_add ("/away/what-was-submitted-last-is-sent-before-the-close", test_close);
  nats_test_add ("/away/a-task-that-runs-once-ends-with-its-host", test_once);
  nats_test_add ("/away/a-task-that-may-runs-again-at-another-host", test_again);
  nats_test_add ("/away/a-task-rests-before-it-runs-again", test_rest);
  nats_test_add ("/away/a-task-that-ends-its-workers-waits-for-a-person", test_quarantine);
  nats_test_add ("/away/tasks-that-the-server-has-lost-are-sent-again", test_purged);
  nats_test_add ("/away/what-was-purged-is-sent-again-beside-tasks-of-others", test_purged_beside_others);
  nats_test_add ("/away/what-was-purged-while-it-runs-is-ended", test_purged_while_it_runs);
  nats_test_add ("/away/a-server-that-was-reset-costs-no-task", test_reset);
  nats_test_add ("/away/what-the-server-forgot-is-not-begun-again", test_forgotten);
  nats_test_add ("/away/and-is-not-once-it-was-judged", test_forgotten_twice);
  nats_test_add ("/away/but-is-where-no-host-had-it", test_never_delivered);
  nats_test_add ("/away/without-a-server-all-goes-on-here", test_no_server);
  nats_test_add ("/away/what-a-host-may-have-begun-waits-for-the-server", test_server_lost);
  nats_test_add ("/away/a-cancelled-task-does-not-run", test_cancel);
  nats_test_add ("/away/a-cancel-without-a-server-counts-later", test_late_cancel);
  nats_test_add ("/away/a-paused-task-comes-back", test_pause);
  nats_test_add ("/away/a-higher-priority-is-first", test_priority);
  nats_test_add ("/away/a-task-waits-for-its-time", test_not_before);
  nats_test_add ("/away/what-no-host-can-run-stays", test_stays);
  nats_test_add ("/away/what-needs-a-label-is-for-hosts-that-have-it", test_needs);
  nats_test_add ("/away/a-result-that-is-too-large-is-an-error", test_large_result);
  nats_test_add ("/away/what-the-server-has-no-room-for-runs-here", test_no_room);
  nats_test_add ("/away/what-is-taken-before-it-is-sent-runs-here", test_taken_before_it_is_sent);
  nats_test_add ("/away/an-end-waits-for-room", test_no_room_for_the_end);
  nats_test_add ("/away/a-drained-host-finishes-what-it-has-begun", test_drain);
  nats_test_add ("/away/a-host-that-was-stopped-changes-nothing-any-more", test_stopped);
  nats_test_add ("/away/a-host-that-was-held-up-begins-nothing", test_held_up);
  nats_test_add ("/away/a-slow-host-takes-others-for-alive", test_slow_host);
  nats_test_add ("/away/each-task-is-begun-here-or-there", test_both);
  nats_test_add ("/away/a-server-that-is-started-again-costs-no-task", test_restart);
  nats_test_add ("/away/users-of-nats-conf-may-do-their-part", test_users);
  nats_test_add ("/away/an-application-may-do-nothing-else", test_hostile_application);
  nats_test_add ("/away/a-host-may-do-nothing-else", test_hostile_host);
  nats_test_add ("/away/what-is-none-of-the-protocol-is-an-error", test_garbage);
  nats_test_add ("/away/a-host-says-what-it-may-not-do", test_no_permission);
  nats_test_add ("/away/a-server-that-keeps-nothing-is-said", test_no_streams);
  return g_test_run ();
}
