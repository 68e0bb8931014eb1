/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: link/ferry-output.c
 *
 * What workers write to their standard streams, where those are logged or shown. */

#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "engine/ferry-exit-private.h"
#include "link/console-test.h"
#include "process/ferry-worker-private.h"
#include "process/fork-server-test.h"

/* What was heard of one worker. */
typedef struct
{
  ForkServerTest base;
  FerryWorker *worker;
  GPtrArray *lines; /* (element-type utf8): "1:text" or "2:text" */
  guint at_end;     /* how many there were when the worker ended */
} OutputTest;

static void
output_cb (FerryWorker *worker, FerryStream stream, const char *line, gpointer user_data)
{
  OutputTest *test = user_data;

  g_assert_cmpint (ferry_worker_get_state (worker), !=, FERRY_WORKER_STATE_ENDED);
  g_ptr_array_add (test->lines, g_strdup_printf ("%d:%s", stream, line));
}

static void
ended_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  OutputTest *test = user_data;

  test->at_end = test->lines->len;
}

static void
begin (OutputTest *self)
{
  fork_server_test_begin (&self->base);
  ferry_launcher_set_fork_server (self->base.launcher, NULL);
  g_object_set (self->base.launcher, "stdout", FERRY_STREAM_MODE_LOG, NULL);
  g_object_set (self->base.launcher, "stderr", FERRY_STREAM_MODE_LOG, NULL);
  self->worker = NULL;
  self->lines = g_ptr_array_new_with_free_func (g_free);
  self->at_end = 0;
}

static void
spawn (OutputTest *self, const char *orders)
{
  self->worker = fork_server_test_spawn (&self->base, orders);
  g_signal_connect (self->worker, "output", G_CALLBACK (output_cb), self);
  g_signal_connect (self->worker, "ended", G_CALLBACK (ended_cb), self);
}

static void
finish (OutputTest *self)
{
  g_assert_cmpuint (self->at_end, ==, self->lines->len);
  g_object_unref (self->worker);
  fork_server_test_finish (&self->base);
  g_ptr_array_unref (self->lines);
}

static void
assert_line (OutputTest *self, guint index, const char *expected)
{
  g_assert_cmpuint (index, <, self->lines->len);
  g_assert_cmpstr (g_ptr_array_index (self->lines, index), ==, expected);
}

static void
test_lines_come_before_the_end (void)
{
  OutputTest test;

  begin (&test);
  spawn (&test, "tell:one tell: tell:two part:and part:half exit:3");
  ferry_test_wait_ended (test.worker);
  g_assert_cmpuint (test.lines->len, ==, 4);
  assert_line (&test, 0, "1:one");
  assert_line (&test, 1, "1:");
  assert_line (&test, 2, "1:two");
  assert_line (&test, 3, "1:andhalf");
  finish (&test);
}

static void
test_forked_worker_is_logged (void)
{
  OutputTest test;

  begin (&test);
  ferry_launcher_set_fork_server (test.base.launcher, test.base.fork_server);
  spawn (&test, "tell:one part:half kill:9");
  ferry_test_wait_ended (test.worker);
  g_assert_cmpuint (test.lines->len, ==, 2);
  assert_line (&test, 0, "1:one");
  assert_line (&test, 1, "1:half");
  finish (&test);
}

static void
test_exit_record_has_the_last_lines (void)
{
  OutputTest test;
  FerryExit *exit;
  g_auto (GStrv) last = NULL;

  begin (&test);
  spawn (&test, "lines:100 error:it_broke exit:1");
  ferry_test_wait_ended (test.worker);
  g_assert_cmpuint (test.lines->len, ==, 101);
  exit = ferry_test_get_object (test.worker, "exit");
  g_object_get (exit, "last-lines", &last, NULL);
  g_assert_cmpuint (g_strv_length (last), ==, 20);
  g_assert_true (g_strv_contains ((const char *const *) last, "it_broke"));
  g_assert_true (g_strv_contains ((const char *const *) last, "99"));
  g_assert_nonnull (
    strstr (ferry_exit_get_message (exit), "exited with status 1; it wrote to standard error: it_broke"));
  finish (&test);
}

static void
test_exit_record_without_lines_has_none (void)
{
  OutputTest test;

  begin (&test);
  g_object_set (test.base.launcher, "stdout", FERRY_STREAM_MODE_INHERIT, NULL);
  g_object_set (test.base.launcher, "stderr", FERRY_STREAM_MODE_INHERIT, NULL);
  spawn (&test, "exit:0");
  ferry_test_wait_ended (test.worker);
  g_assert_nonnull (ferry_exit_get_last_lines (ferry_test_get_object (test.worker, "exit")));
  g_assert_null (ferry_exit_get_last_lines (ferry_test_get_object (test.worker, "exit"))[0]);
  finish (&test);
}

/* A program of the system that writes for us. */
static void
spawn_shell (OutputTest *self, const char *script)
{
  const char *argv[] = {"sh", "-c", script, NULL};

  g_object_set (self->base.launcher, "argv", argv, NULL);
  spawn (self, "");
}

static void
test_long_lines_are_cut_between_characters (void)
{
  OutputTest test;
  g_autoptr (GString) text = g_string_new (NULL);

  begin (&test);
  spawn_shell (&test, "for i in $(seq 3000); do printf 'ä€'; done; echo; echo next");
  ferry_test_wait_ended (test.worker);
  g_assert_cmpuint (test.lines->len, ==, 5);
  for (guint i = 0; i < 4; i++)
    {
      const char *line = (const char *) g_ptr_array_index (test.lines, i) + 2;

      g_assert_cmpuint (strlen (line), <=, 4096);
      g_string_append (text, line);
    }
  g_assert_cmpuint (text->len, ==, 3000 * strlen ("ä€"));
  g_assert_null (strstr (text->str, "\xef\xbf\xbd"));
  assert_line (&test, 4, "1:next");
  finish (&test);
}

static void
test_bytes_that_are_no_text_are_replaced (void)
{
  OutputTest test;

  begin (&test);
  spawn_shell (&test, "printf 'a\\377b\\000c\\n'");
  ferry_test_wait_ended (test.worker);
  g_assert_cmpuint (test.lines->len, ==, 1);
  assert_line (&test, 0,
               "1:a\xef\xbf\xbd"
               "b\xef\xbf\xbd"
               "c");
  finish (&test);
}

static gboolean
has_many (gpointer data)
{
  return ((OutputTest *) data)->lines->len >= 1000;
}

static gsize
get_resident (void)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  return (gsize) g_ascii_strtoull (strchr (text, ' '), NULL, 10) * 4096;
}

/* The main context does not run while the worker writes, which then waits for it: it cannot have got further than the
 * pipe, the lane's window and a turn. Then all arrives. */
static void
test_flood_waits_and_arrives (void)
{
  OutputTest test;
  gsize before;
  guint n = 300000;

  begin (&test);
  spawn (&test, "lines:300000 exit:0");
  ferry_test_run_until (has_many, &test);
  before = get_resident ();
  /* Something else runs for long: the monitor goes on, and stops at its bound. */
  for (gint64 until = g_get_monotonic_time () + G_USEC_PER_SEC / 4; g_get_monotonic_time () < until;)
    ;
  g_assert_cmpuint (get_resident (), <, before + 4 * 1024 * 1024);
  g_assert_true (ferry_test_is_alive (ferry_test_get_process (test.worker)));
  ferry_test_wait_ended (test.worker);
  g_assert_cmpuint (test.lines->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (atoi ((const char *) g_ptr_array_index (test.lines, i) + 2), ==, (int) i);
  finish (&test);
}

static void
test_flood_without_an_end_is_stopped (void)
{
  OutputTest test;

  begin (&test);
  spawn_shell (&test, "yes");
  ferry_test_run_until (has_many, &test);
  ferry_worker_force_exit (test.worker);
  ferry_test_wait_ended (test.worker);
  g_assert_cmpint (ferry_exit_get_signal (ferry_test_get_object (test.worker, "exit")), ==, 9);
  finish (&test);
}

/* A process outside the worker's group, which is not ended, has the pipe as well; not as its output, since it would
 * miss the reader of that. */
static void
test_holder_of_the_pipe_does_not_delay_the_end (void)
{
  OutputTest test;

  begin (&test);
  spawn_shell (&test,
               "exec 3>&1; pid=$(setsid sh -c 'tail -f /dev/null 4>&3 > /dev/null & echo $!'); echo $pid; printf last");
  ferry_test_wait_ended (test.worker);
  g_assert_cmpuint (test.lines->len, ==, 2);
  g_assert_true (ferry_test_is_alive (atoi ((const char *) g_ptr_array_index (test.lines, 0) + 2)));
  ferry_test_kill (atoi ((const char *) g_ptr_array_index (test.lines, 0) + 2), SIGKILL);
  assert_line (&test, 1, "1:last");
  finish (&test);
}

static gboolean
is_gone (gpointer pid)
{
  return !ferry_test_is_alive (GPOINTER_TO_INT (pid));
}

/* A process of the application's that was just forked has the reading ends as well, so that these outlive their
 * closing. What comes into them must not wake the monitor for a link that it has given up. */
static void
test_line_after_the_end_wakes_nothing (void)
{
  OutputTest test;
  g_autofree char *fifo = NULL;
  g_autofree char *command = NULL;
  g_autoptr (FerryWorker) next = NULL;
  pid_t holder;
  int writer;
  int pid;

  begin (&test);
  fifo = g_strdup_printf ("%s/ferry-fifo-%d", g_get_tmp_dir (), (int) getpid ());
  g_assert_no_errno (mkfifo (fifo, 0600));
  command = g_strdup_printf ("exec 3>&1; pid=$(setsid sh -c '{ read x < %s; echo late >&4; } 4>&3 > /dev/null & "
                             "echo $!'); echo $pid; exec tail -f /dev/null",
                             fifo);
  spawn_shell (&test, command);
  while (test.lines->len < 1)
    g_main_context_iteration (NULL, TRUE);
  pid = atoi ((const char *) g_ptr_array_index (test.lines, 0) + 2);
  holder = fork ();
  if (holder == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      for (;;)
        pause ();
    }
  ferry_worker_force_exit (test.worker);
  ferry_test_wait_ended (test.worker);
  writer = open (fifo, O_WRONLY | O_CLOEXEC);
  g_assert_no_errno (writer);
  g_assert_cmpint (write (writer, "\n", 1), ==, 1);
  close (writer);
  ferry_test_look_until (is_gone, GINT_TO_POINTER (pid));
  /* What is asked for after that is done after it. */
  g_object_set (test.base.launcher, "argv", (const char *[]){"true", NULL}, NULL);
  next = fork_server_test_spawn (&test.base, "");
  ferry_test_wait_ended (next);
  g_assert_cmpuint (test.lines->len, ==, 1);
  ferry_test_kill (holder, SIGKILL);
  waitpid (holder, NULL, 0);
  unlink (fifo);
  finish (&test);
}

static void
test_stopping_the_router_tells_what_is_there (void)
{
  OutputTest test;
  const char *const *last;

  begin (&test);
  spawn_shell (&test, "printf 'one\\nhalf'; exec tail -f /dev/null");
  while (test.lines->len < 1)
    g_main_context_iteration (NULL, TRUE);
  ferry_router_stop (test.base.router, NULL);
  last = ferry_exit_get_last_lines (ferry_test_get_object (test.worker, "exit"));
  g_assert_cmpstr (last[0], ==, "one");
  g_assert_cmpuint (test.lines->len, ==, 2);
  assert_line (&test, 1, "1:half");
  g_assert_true (ferry_router_start (test.base.router, NULL));
  finish (&test);
}

static GLogWriterOutput
log_cb (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  GPtrArray *logged = user_data;
  GString *text = g_string_new (NULL);
  gboolean ours = FALSE;

  for (gsize i = 0; i < n_fields; i++)
    {
      const char *value = fields[i].value;

      ours |= strcmp (fields[i].key, "GLIB_DOMAIN") == 0 && strcmp (value, "Ferry-Worker") == 0;
      if (fields[i].length < 0 && strcmp (fields[i].key, "FERRY_PID") != 0)
        g_string_append_printf (text, "%s=%s ", fields[i].key, value);
    }
  if (ours)
    g_ptr_array_add (logged, g_string_free (text, FALSE));
  else
    g_string_free (text, TRUE);
  return G_LOG_WRITER_HANDLED;
}

static char *
give_task_name (FerryWorker *worker, gpointer data)
{
  return g_strdup ("task");
}

static void
test_lines_are_logged (void)
{
  if (g_test_subprocess ())
    {
      g_autoptr (GPtrArray) logged = g_ptr_array_new_with_free_func (g_free);
      OutputTest test;

      g_log_set_writer_func (log_cb, logged, NULL);
      begin (&test);
      g_object_set (test.base.launcher, "name", "teller", NULL);
      spawn (&test, "error:bad tell:good exit:0");
      ferry_worker_set_task_name_func (test.worker, give_task_name, NULL);
      ferry_test_wait_ended (test.worker);
      g_assert_cmpuint (logged->len, ==, 2);
      for (guint i = 0; i < 2; i++)
        {
          const char *text = g_ptr_array_index (logged, i);

          g_assert_nonnull (strstr (text, "FERRY_WORKER=teller"));
          g_assert_nonnull (strstr (text, "FERRY_TASK=task"));
          if (strstr (text, "MESSAGE=bad ") != NULL)
            g_assert_nonnull (
              strstr (text, "PRIORITY=5 GLIB_DOMAIN=Ferry-Worker FERRY_WORKER=teller FERRY_STREAM=stderr"));
          else
            g_assert_nonnull (strstr (text, "MESSAGE=good PRIORITY=6"));
        }
      finish (&test);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

/* ---- lines that are shown ---- */

/* As begin(), with a launcher as it is by default. */
static void
begin_usual (OutputTest *self, gboolean forked)
{
  begin (self);
  g_object_unref (self->base.launcher);
  self->base.launcher = worker_test_launcher_new ("parent-worker", NULL, NULL);
  g_object_set (self->base.launcher, "name", "teller", NULL);
  if (forked)
    ferry_launcher_set_fork_server (self->base.launcher, self->base.fork_server);
}

static void
test_usual_line_is_shown (gconstpointer forked)
{
  OutputTest test;
  ConsoleTest console;
  g_autofree char *text = NULL;
  g_autofree char *expected = NULL;

  begin_usual (&test, forked != NULL);
  console_test_begin (&console, STDOUT_FILENO);
  spawn (&test, "tell:one tell: part:half exit:0");
  ferry_test_wait_ended (test.worker);
  text = console_test_end (&console);
  expected = g_strdup_printf ("teller[%1$d]: one\nteller[%1$d]: half\n", (int) ferry_test_get_process (test.worker));
  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpuint (test.lines->len, ==, 3);
  finish (&test);
}

/* A forked worker has the stream that its fork server was given, or the application's where it is to inherit. */
static void
test_forked_worker_has_the_streams_that_were_set (void)
{
  OutputTest test;
  ConsoleTest console;
  g_autofree char *text = NULL;

  begin_usual (&test, TRUE);
  g_object_set (test.base.base, "stdout", FERRY_STREAM_MODE_SILENT, NULL);
  console_test_begin (&console, STDOUT_FILENO);
  spawn (&test, "tell:lost exit:0");
  ferry_test_wait_ended (test.worker);
  g_clear_object (&test.worker);
  g_object_set (test.base.launcher, "stdout", FERRY_STREAM_MODE_INHERIT, NULL);
  spawn (&test, "tell:inherited exit:0");
  ferry_test_wait_ended (test.worker);
  text = console_test_end (&console);
  g_assert_cmpstr (text, ==, "inherited\n");
  g_assert_cmpuint (test.lines->len, ==, 0);
  finish (&test);
}

static gboolean
is_launched (gpointer data)
{
  return ferry_worker_get_identifier (((OutputTest *) data)->worker) != NULL;
}

/* The main loop does not run, and what is shown is not read. The last line is a part, so it comes with the end. */
static void
test_shown_flood_does_not_wait_for_the_main_loop (void)
{
  OutputTest test;
  ConsoleTest console;
  g_autofree char *text = NULL;
  gint64 deadline;

  begin_usual (&test, FALSE);
  console_test_begin (&console, STDOUT_FILENO);
  spawn (&test, "lines:300000 part:half exit:0");
  ferry_test_run_until (is_launched, &test);
  deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;
  while (ferry_test_is_alive (ferry_test_get_process (test.worker)) && g_get_monotonic_time () < deadline)
    g_thread_yield ();
  g_assert_false (ferry_test_is_alive (ferry_test_get_process (test.worker)));
  ferry_test_wait_ended (test.worker);
  text = console_test_end (&console);
  g_assert_true (g_str_has_prefix (text, "teller["));
  g_assert_cmpuint (test.lines->len, <, 300000);
  g_assert_true (g_strv_contains (ferry_exit_get_last_lines (ferry_test_get_object (test.worker, "exit")), "half"));
  finish (&test);
}

#define N_WORKERS 20

static void
test_leaves_no_descriptor (void)
{
  OutputTest test;
  guint before;

  begin (&test);
  /* The first has the router start its guardian. */
  spawn (&test, "exit:0");
  ferry_test_wait_ended (test.worker);
  before = ferry_test_count_fds ();
  for (guint i = 0; i < N_WORKERS; i++)
    {
      g_clear_object (&test.worker);
      spawn (&test, "tell:one error:two");
      ferry_test_wait_ended (test.worker);
    }
  g_assert_cmpuint (ferry_test_count_fds (), ==, before);
  g_assert_cmpuint (test.lines->len, ==, 2 * N_WORKERS);
  finish (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/output/lines-come-before-the-end", test_lines_come_before_the_end);
  g_test_add_func ("/output/forked-worker-is-logged", test_forked_worker_is_logged);
  g_test_add_func ("/output/exit-record-has-the-last-lines", test_exit_record_has_the_last_lines);
  g_test_add_func ("/output/exit-record-without-lines-has-none", test_exit_record_without_lines_has_none);
  g_test_add_func ("/output/long-lines-are-cut-between-characters", test_long_lines_are_cut_between_characters);
  g_test_add_func ("/output/bytes-that-are-no-text-are-replaced", test_bytes_that_are_no_text_are_replaced);
  g_test_add_func ("/output/flood-waits-and-arrives", test_flood_waits_and_arrives);
  g_test_add_func ("/output/flood-without-an-end-is-stopped", test_flood_without_an_end_is_stopped);
  g_test_add_func ("/output/holder-of-the-pipe-does-not-delay-the-end", test_holder_of_the_pipe_does_not_delay_the_end);
  g_test_add_func ("/output/line-after-the-end-wakes-nothing", test_line_after_the_end_wakes_nothing);
  g_test_add_func ("/output/stopping-the-router-tells-what-is-there", test_stopping_the_router_tells_what_is_there);
  g_test_add_func ("/output/lines-are-logged", test_lines_are_logged);
  g_test_add_data_func ("/output/usual-line-is-shown", NULL, test_usual_line_is_shown);
  g_test_add_data_func ("/output/usual-line-of-a-forked-worker-is-shown", "", test_usual_line_is_shown);
  g_test_add_func ("/output/forked-worker-has-the-streams-that-were-set",
                   test_forked_worker_has_the_streams_that_were_set);
  g_test_add_func ("/output/shown-flood-does-not-wait-for-the-main-loop",
                   test_shown_flood_does_not_wait_for_the_main_loop);
  g_test_add_func ("/output/leaves-no-descriptor", test_leaves_no_descriptor);
  return g_test_run ();
}
