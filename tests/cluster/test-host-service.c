/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-host-service.c, cluster/ferry-host-run.c
 *
 * What a host does for applications that say what they like. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ferry-base-private.h"
#include "cluster/ferry-rate-private.h"
#include "cluster/host-test.h"
#include "cluster/loop-pair.h"
#include "wire/ferry-reserved-name-private.h"

#define GRACE (600 * G_USEC_PER_SEC)

/* The limits of a run beside a host that is late: a machine may be too slow for a limit, but not for all. */
#define SHORTEST (400 * FERRY_MICROSECONDS_PER_MILLISECOND)
#define LONGEST (20 * G_USEC_PER_SEC)

static void
test_application_is_told_of_the_host (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 2);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");

  host_test_wait_room (application, 2);
  g_assert_true (g_str_has_prefix (application->serve->said->str, "host room"));
}

static void
test_run_waits_for_leave (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) first = NULL;
  g_autoptr (HostTestCall) second = NULL;

  first = host_test_run (application, "note", g_variant_new_string ("first"));
  host_test_wait_begin (first);
  host_test_wait_counts (test, 0, 1, 0);
  g_assert_cmpuint (ferry_test_get_number (test->task->executor, "n-executing"), ==, 0);
  g_assert_cmpuint (ferry_test_get_number (test->task->pool, "n-busy"), ==, 0);
  host_test_give_leave (first);
  host_test_assert_result (first, NULL);
  g_assert_cmpstr (first->said->str, ==, "begin");
  second = host_test_run (application, "add", g_variant_new ("(xx)", (gint64) 3, (gint64) 4));
  host_test_wait_begin (second);
  host_test_give_leave (second);
  host_test_assert_result (second, "7");
}

static void
test_idempotent_run_begins_at_once (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  call = host_test_run_idempotent (application, "echo", g_variant_new_string ("text"));
  host_test_assert_result (call, "'text'");
  g_assert_cmpstr (call->said->str, ==, "begin");
}

/* Two runs of which the first has the only place. */
typedef struct
{
  HostTest *test;
  HostTestApplication *application;
  HostTestCall *first;
  HostTestCall *second;
} Two;

static void
two_set_up (Two *self)
{
  self->test = host_test_new (TRUE, 1);
  self->application = host_test_connect (self->test, "demo");
  host_test_wait_room (self->application, 1);
  self->first = host_test_run (self->application, "echo", g_variant_new_string ("first"));
  host_test_wait_begin (self->first);
  host_test_want (self->application, 5);
  /* One run holds the place of the worker, so there is room for no other. */
  host_test_wait_counts (self->test, 0, 1, 0);
}

static void
two_tear_down (Two *self)
{
  host_test_call_unref (self->first);
  g_clear_pointer (&self->second, host_test_call_unref);
  host_test_application_free (self->application);
  host_test_free (self->test);
}

static void
test_place_is_kept_for_leave (void)
{
  g_autoptr (HostTestApplication) other = NULL;
  g_autoptr (HostTestCall) waiting = NULL;
  Two two = {0};

  two_set_up (&two);
  other = host_test_connect (two.test, "other");
  waiting = host_test_run_idempotent (other, "echo", g_variant_new_string ("waits"));
  host_test_wait_counts (two.test, 1, 1, 0);
  g_assert_cmpuint (waiting->n_begins, ==, 0);
  host_test_give_leave (two.first);
  host_test_assert_result (two.first, "'first'");
  host_test_assert_result (waiting, "'waits'");
  two_tear_down (&two);
}

/* An application that is slow to give leave does not keep others from the workers for long. */
static void
test_place_is_given_away_after_a_while (void)
{
  g_autoptr (HostTestApplication) other = NULL;
  g_autoptr (HostTestCall) waiting = NULL;
  Two two = {0};

  two_set_up (&two);
  other = host_test_connect (two.test, "other");
  waiting = host_test_run_idempotent (other, "echo", g_variant_new_string ("waits"));
  host_test_assert_result (waiting, "'waits'");
  host_test_give_leave (two.first);
  host_test_assert_result (two.first, "'first'");
  two_tear_down (&two);
}

static gboolean
is_past (gpointer time)
{
  return g_get_monotonic_time () > *(const gint64 *) time;
}

static void
give_leave_late (HostTestCall *call)
{
  gint64 late = g_get_monotonic_time () + 10000;

  ferry_test_look_until (is_past, &late);
  host_test_give_leave (call);
}

/* The host learns that runs are short, and that leave takes 10 ms. */
static void
run_short_ones_far_away (HostTestApplication *application)
{
  while (ferry_host_service_get_counts (application->test->service).n_places < 2)
    {
      g_autoptr (HostTestCall) call = host_test_run (application, "echo", g_variant_new_string ("short"));

      host_test_wait_begin (call);
      give_leave_late (call);
      host_test_assert_result (call, "'short'");
    }
}

static HostTestCall *
run_with_leave_ahead (HostTestApplication *application, guint8 leave_ahead)
{
  g_autoptr (GVariant) arguments = g_variant_ref_sink (g_variant_new_string ("word"));
  const FerryRunRequest request = {.function = (char *) "echo", .arguments = arguments, .leave_ahead = leave_ahead};

  return host_test_run_fully (application, request, 0);
}

/* Once the times are measured, two have leave where there is one worker. */
static void
test_leave_is_asked_for_ahead_where_the_run_allows_that (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  gboolean are_both_begun = FALSE;

  run_short_ones_far_away (application);
  while (!are_both_begun)
    {
      g_autoptr (HostTestCall) first = NULL;
      g_autoptr (HostTestCall) second = NULL;

      host_test_want (application, 2);
      first = run_with_leave_ahead (application, 2);
      second = run_with_leave_ahead (application, 2);
      host_test_wait_begin (first);
      task_test_settle ();
      are_both_begun = second->n_begins > 0;
      give_leave_late (first);
      host_test_assert_result (first, "'word'");
      host_test_wait_begin (second);
      host_test_give_leave (second);
      host_test_assert_result (second, "'word'");
    }
}

/* Leave means that the run has begun, so there is none for a run that no worker is free for. */
static void
test_no_leave_is_asked_for_ahead (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) first = NULL;
  g_autoptr (HostTestCall) second = NULL;

  run_short_ones_far_away (application);
  host_test_want (application, 2);
  first = host_test_run (application, "echo", g_variant_new_string ("first"));
  second = host_test_run (application, "echo", g_variant_new_string ("second"));
  host_test_wait_counts (test, 1, 1, 0);
  host_test_wait_begin (first);
  host_test_give_leave (first);
  host_test_assert_result (first, "'first'");
  host_test_wait_begin (second);
  host_test_give_leave (second);
  host_test_assert_result (second, "'second'");
}

static void
test_withdrawn_run_is_refused (void)
{
  Two two = {0};

  two_set_up (&two);
  host_test_withdraw (two.first);
  host_test_assert_refused (two.first, FERRY_ERROR, FERRY_ERROR_REFUSED);
  /* Leave for it comes too late, and is harmless. */
  host_test_give_leave (two.first);
  two.second = host_test_run_idempotent (two.application, "echo", g_variant_new_string ("second"));
  host_test_assert_result (two.second, "'second'");
  two_tear_down (&two);
}

static void
test_run_that_has_begun_cannot_be_withdrawn (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  task_test_close_gate ();
  call = host_test_run_idempotent (application, "gate", g_variant_new_string ("runs"));
  task_test_wait_log ("runs");
  host_test_withdraw (call);
  host_test_want (application, 1);
  task_test_open_gate ();
  host_test_assert_result (call, NULL);
  g_free (task_test_take_log ());
}

static void
test_cancel_refuses_what_was_not_begun (void)
{
  Two two = {0};

  two_set_up (&two);
  host_test_cancel (two.first);
  host_test_assert_refused (two.first, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  host_test_wait_counts (two.test, 0, 0, 0);
  two_tear_down (&two);
}

static void
test_cancel_ends_what_runs (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  call = host_test_run_idempotent (application, "sleep-until-cancelled", NULL);
  host_test_wait_begin (call);
  host_test_wait_counts (test, 0, 0, 1);
  host_test_cancel (call);
  host_test_assert_failed (call, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_cancel_comes_too_late_for_a_function_that_has_committed (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  task_test_close_gate ();
  call = host_test_run_idempotent (application, "commit", g_variant_new_string ("done"));
  task_test_wait_log ("done");
  host_test_cancel (call);
  task_test_open_gate ();
  host_test_assert_result (call, "'done'");
  g_assert_nonnull (strstr (call->said->str, FERRY_COMMITTED));
  g_free (task_test_take_log ());
  task_test_close_gate ();
}

static gboolean
has_told_process (gpointer data)
{
  return ((HostTestCall *) data)->process != 0;
}

static void
test_run_that_lasts_tells_its_process (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = host_test_run (application, "sleep-until-cancelled", NULL);

  host_test_wait_begin (call);
  host_test_give_leave (call);
  ferry_test_run_until (has_told_process, call);
  host_test_cancel (call);
  host_test_assert_failed (call, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (call->process, !=, getpid ());
}

/* A fifo that a function reads, which then has begun, and does not listen. */
typedef struct
{
  char *folder;
  char *path;
  int fd; /* to write, once there is a reader */
} Fifo;

static void
fifo_set_up (Fifo *self)
{
  *self = (Fifo){.folder = g_dir_make_tmp ("ferry-fifo-XXXXXX", NULL), .fd = -1};
  self->path = g_build_filename (self->folder, "fifo", NULL);
  g_assert_no_errno (mkfifo (self->path, 0600));
}

static void
fifo_tear_down (Fifo *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_assert_no_errno (g_unlink (self->path));
  g_assert_no_errno (g_rmdir (self->folder));
  g_free (self->path);
  g_free (self->folder);
}

static gboolean
has_reader (gpointer data)
{
  Fifo *self = data;

  self->fd = open (self->path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  g_assert_true (self->fd >= 0 || errno == ENXIO);
  return self->fd >= 0;
}

/* Without the hurry the function would have ten minutes. A run that is told as begun, and its process, may still be on
 * its way to the function; then it would not have to be killed. */
static void
test_hurry_kills_what_does_not_listen (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;
  Fifo fifo;

  fifo_set_up (&fifo);
  call = host_test_run_idempotent (application, "read-fifo", g_variant_new_string (fifo.path));
  ferry_test_look_until (has_reader, &fifo);
  host_test_cancel (call);
  host_test_tell (application, FERRY_HURRY_METHOD, ferry_run_order_to_variant (call->xid, 0));
  host_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  fifo_tear_down (&fifo);
}

static HostTestCall *
run_for (HostTestApplication *application, const char *function, GVariant *arguments, gint64 run_timeout,
         gint64 deadline_left)
{
  g_autoptr (GVariant) sunk = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  FerryRunRequest request = {
    .function = (char *) function,
    .arguments = sunk,
    .settings = {.idempotent = TRUE, .run_timeout = run_timeout, .deadline = deadline_left, .cancel_grace = GRACE}};

  return host_test_run_fully (application, request, 0);
}

static gboolean
has_passed (gpointer data)
{
  return g_get_monotonic_time () > *(gint64 *) data;
}

/* The time is over twice while the run is paused, and goes on afterwards. */
static void
test_pause_holds_the_run_and_its_time (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  /* The function listens to nothing, and so is ended by force. */
  FerryRunRequest request = {
    .function = (char *) "spin-for-ever",
    .settings = {.idempotent = TRUE, .run_timeout = G_USEC_PER_SEC / 2, .cancel_grace = G_USEC_PER_SEC / 10}};
  g_autoptr (HostTestCall) call = host_test_run_fully (application, request, 0);
  gint64 later;

  host_test_tell (application, FERRY_PAUSE_METHOD, ferry_run_order_to_variant (call->xid, TRUE));
  later = g_get_monotonic_time () + 3 * G_USEC_PER_SEC / 2;
  ferry_test_look_until (has_passed, &later);
  g_assert_false (call->done);
  host_test_tell (application, FERRY_PAUSE_METHOD, ferry_run_order_to_variant (call->xid, FALSE));
  ferry_test_run_until (has_told_process, call);
  host_test_tell (application, FERRY_PAUSE_METHOD, ferry_run_order_to_variant (call->xid, TRUE));
  later = g_get_monotonic_time () + 3 * G_USEC_PER_SEC / 2;
  ferry_test_look_until (has_passed, &later);
  g_assert_false (call->done);
  host_test_tell (application, FERRY_PAUSE_METHOD, ferry_run_order_to_variant (call->xid, FALSE));
  host_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

static void
test_times_are_kept (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 2);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) limited = NULL;
  g_autoptr (HostTestCall) late = NULL;

  limited = run_for (application, "sleep-until-cancelled", NULL, 1000, 0);
  late = run_for (application, "sleep-until-cancelled", NULL, 0, 1000);
  host_test_assert_failed (limited, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  host_test_wait_done (late);
  g_assert_nonnull (late->error);
}

/* A run whose result comes within its limit, at a host that does not look for twice that time. */
typedef struct
{
  gboolean is_stopped; /* the host's process is, by a signal; or else its main loop is in a callback */
  gboolean has_deadline;
} Late;

/* Returns a process that waits for a byte in order. It ends the function that reads the fifo, while this process, the
 * host, is stopped for a time, if it is. */
static GPid
fork_ender (int order, int fifo, gboolean is_stopped, gint64 time)
{
  GPid host = getpid ();
  GPid pid = fork ();
  char byte;

  g_assert_cmpint (pid, >=, 0);
  if (pid > 0)
    return pid;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  if (read (order, &byte, 1) != 1 || (is_stopped && kill (host, SIGSTOP) != 0) || write (fifo, &byte, 1) != 1)
    _exit (1);
  if (is_stopped)
    ferry_test_take_time (time);
  kill (host, SIGCONT);
  _exit (0);
}

/* Returns whether the result came. */
static gboolean
is_limit_fair (const Late *self, gint64 limit, const char *path)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) first = host_test_run_idempotent (application, "echo", g_variant_new_string ("is there"));
  g_autoptr (HostTestCall) call = NULL;
  int fifo = open (path, O_RDWR | O_CLOEXEC);
  int order[2];
  int status;
  GPid ender;

  g_assert_no_errno (fifo);
  g_assert_no_errno (pipe2 (order, O_CLOEXEC));
  ender = fork_ender (order[0], fifo, self->is_stopped, 2 * limit);
  host_test_assert_result (first, "'is there'");
  call = run_for (application, "read-fifo", g_variant_new_string (path), self->has_deadline ? 0 : limit,
                  self->has_deadline ? limit : 0);
  host_test_wait_begin (call);
  g_assert_cmpint (write (order[1], "", 1), ==, 1);
  if (!self->is_stopped)
    ferry_test_take_time (2 * limit);
  host_test_wait_done (call);
  g_assert_cmpint (waitpid (ender, &status, 0), ==, ender);
  g_assert_cmpint (status, ==, 0);
  close (order[0]);
  close (order[1]);
  close (fifo);
  return call->error == NULL;
}

static void
test_result_that_is_there_wins (gconstpointer data)
{
  Fifo fifo;

  fifo_set_up (&fifo);
  for (gint64 limit = SHORTEST; !is_limit_fair (data, limit, fifo.path); limit *= 2)
    g_assert_cmpint (limit, <, LONGEST);
  fifo_tear_down (&fifo);
}

/* ---- what a function says ---- */

static gboolean
has_two_items (gpointer data)
{
  return ((HostTestCall *) data)->n_items == 2;
}

/* Returns (transfer full) a call that yields a hundred values, of which the first two have filled its window. */
static HostTestCall *
run_full_yield (HostTestApplication *application)
{
  g_autoptr (GVariant) n = g_variant_ref_sink (g_variant_new_uint64 (100));
  FerryRunRequest request = {.function = (char *) "yield",
                             .kind = FERRY_TASK_KIND_ITERATION,
                             .settings = {.idempotent = TRUE, .cancel_grace = GRACE},
                             .arguments = n};
  HostTestCall *call = host_test_run_fully (application, request, 2);

  ferry_test_run_until (has_two_items, call);
  task_test_settle ();
  return call;
}

static void
test_yields_wait_for_the_window (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = run_full_yield (application);

  g_assert_cmpuint (call->n_items, ==, 2);
  g_assert_false (call->done);
  g_assert_true (ferry_transport_add_window (application->transport, call->xid, 98, NULL));
  host_test_assert_result (call, "4950");
  g_assert_cmpuint (call->n_items, ==, 100);
  g_assert_true (g_str_has_suffix (call->said->str, ":98 :99"));
}

static void
test_cancel_ends_what_waits_for_the_window (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = run_full_yield (application);

  host_test_cancel (call);
  host_test_assert_failed (call, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (call->n_items, ==, 2);
}

static void
test_messages_come_in_order_before_the_result (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  call = host_test_run_idempotent (application, "send", g_variant_new_uint64 (3));
  host_test_assert_result (call, NULL);
  g_assert_cmpstr (call->said->str, ==, "begin number:0 number:1 number:2");
}

/* As a worker must not speak in the host's name. */
static void
test_message_with_a_name_of_the_host_fails_the_run (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  call = host_test_run_idempotent (application, "send-as", g_variant_new_string (FERRY_BEGIN_VALUE));
  host_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS);
  g_assert_cmpuint (call->n_begins, ==, 1);
}

static void
test_last_progress_comes_before_the_result (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  call = host_test_run_idempotent (application, "report", g_variant_new_uint64 (100000));
  host_test_assert_result (call, NULL);
  g_assert_cmpfloat (call->fraction, ==, 1);
  g_assert_cmpuint (call->n_progress, >=, 1);
}

static gboolean
is_taken_back (gpointer call)
{
  return ((HostTestCall *) call)->fraction == FERRY_FRACTION_TAKEN_BACK;
}

static void
test_fraction_is_taken_back (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  call = host_test_run_idempotent (application, "report-and-take-back", g_variant_new_uint64 (1000));
  ferry_test_run_until (is_taken_back, call);
  host_test_cancel (call);
  host_test_assert_failed (call, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_lines_of_the_worker_come_along (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = host_test_run_idempotent (application, "complain", g_variant_new_string ("Oh no"));

  host_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_cmpstr (call->said->str, ==, "begin log:(32, 'Oh no')");
}

/* By the application, of which there may be many with the same numbers. */
static void
test_log_tells_the_tasks_of_applications_apart (void)
{
  static const char *const names[] = {"alice-1", "alice-2"};
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (HostTestApplication) application = host_test_connect (test, names[i]);
      g_autoptr (HostTestCall) call =
        host_test_run_idempotent (application, "complain", g_variant_new_string ("Oh no"));
      g_autofree char *line = g_strdup_printf ("task %s/7, attempt 1, function 'complain': Worker ", names[i]);
      g_autofree char *message = NULL;

      host_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      message = task_test_take_message ();
      g_assert_nonnull (message);
      g_assert_true (g_str_has_prefix (message, line));
    }
}

static void
test_log_has_a_line_for_a_crash (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "alice-1");
  g_autofree char *message = NULL;

  task_test_take_n_messages ();
  for (guint i = 0; i < FERRY_RATE_MAX_LINES + 5; i++)
    {
      g_autoptr (HostTestCall) call = host_test_run_idempotent (application, "crash", g_variant_new_int32 (SIGKILL));

      host_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
      message = i == 0 ? task_test_take_message () : message;
    }
  g_assert_true (g_str_has_prefix (message, "task alice-1/7, attempt 1, function 'crash': Worker "));
  g_assert_true (g_str_has_suffix (message, " was killed by signal 9 (Killed)"));
  g_assert_cmpuint (task_test_take_n_messages (), ==, FERRY_RATE_MAX_LINES + 1);
}

static gboolean
has_worker (gpointer data)
{
  g_autoptr (FerryWorker) worker = g_list_model_get_item (data, 0);

  return worker != NULL && ferry_worker_get_state (worker) == FERRY_WORKER_STATE_OPEN;
}

static void
test_log_has_a_line_for_a_crash_without_a_task (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  GListModel *workers = ferry_pool_get_workers (test->task->pool);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "alice-1");
  g_autoptr (HostTestCall) call = host_test_run_idempotent (application, "echo", g_variant_new_string ("text"));
  g_autoptr (FerryWorker) worker = NULL;

  host_test_assert_result (call, "'text'");
  ferry_test_run_until (has_worker, workers);
  worker = g_list_model_get_item (workers, 0);
  /* A signal that this process sends by the worker's object is no crash. */
  ferry_test_kill (ferry_test_get_process (worker), SIGKILL);
  task_test_wait_message ("A worker ended while it ran no task: Worker ");
}

static void
test_errors_name_the_host (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  call = host_test_run_idempotent (application, "fail", g_variant_new ("(sis)", "some-quark", 5, "No such thing"));
  host_test_assert_failed (call, g_quark_from_string ("some-quark"), 5);
  g_assert_cmpstr (call->error->message, ==, "No such thing");
  g_assert_nonnull (strstr (call->trace, "in function 'fail' of process"));
  g_assert_nonnull (strstr (call->trace, "\non host 'alpha', in whose log it is task demo/7\n"));
}

/* An operator cannot set a property of the host's router. */
static void
test_result_that_is_too_large_says_what_can_be_done (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  g_object_set (test->task->router, "max-message-size", (guint64) 1024 * 1024, NULL);
  call = host_test_run_idempotent (application, "bytes", g_variant_new_uint64 (2 * 1024 * 1024));
  host_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  g_assert_nonnull (strstr (call->error->message, "1048576; yield it in parts, or write it to a file"));
  g_assert_null (strstr (call->error->message, "FerryRouter"));
}

static void
test_lost_worker_is_told (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;
  g_autoptr (HostTestCall) next = NULL;

  call = host_test_run_idempotent (application, "crash", g_variant_new_int32 (SIGKILL));
  host_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  g_assert_cmpstr (call->said->str, ==, "begin");
  g_assert_nonnull (strstr (call->trace, "on host 'alpha'"));
  next = host_test_run_idempotent (application, "echo", g_variant_new_string ("next"));
  host_test_assert_result (next, "'next'");
}

static void
test_unknown_function_is_refused (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) unknown = NULL;
  g_autoptr (HostTestCall) hidden = NULL;

  unknown = host_test_run_idempotent (application, "no-such-function", NULL);
  host_test_assert_refused (unknown, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
  host_test_wait_room (application, 2);
  /* The program has it, and the host does not offer it. */
  hidden = host_test_run_idempotent (application, "spin-until-cancelled", NULL);
  host_test_assert_refused (hidden, FERRY_ERROR, FERRY_ERROR_UNKNOWN_FUNCTION);
}

static void
test_failed_pool_refuses (void)
{
  static const char *const functions[] = {"echo", NULL};
  static const char *const argv[] = {"/no/such/program", NULL};
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryPool) pool = ferry_pool_new (test->task->router, launcher);
  g_autoptr (HostTestApplication) application = NULL;
  g_autoptr (HostTestCall) call = NULL;

  g_clear_object (&test->service);
  test->service = ferry_host_service_new (pool, "alpha", "0", functions, NULL, test);
  application = host_test_connect (test, "demo");
  host_test_wait_room (application, ferry_test_get_number (pool, "max-workers"));
  call = host_test_run_idempotent (application, "echo", g_variant_new_string ("text"));
  host_test_wait_done (call);
  g_assert_true (call->refused);
  g_assert_error (call->error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED);
  g_clear_object (&test->service);
  host_test_wait_done (application->serve);
}

/* ---- applications that break the rules ---- */

/* Another application, which must not notice. */
static void
assert_serves (HostTestApplication *application)
{
  g_autoptr (HostTestCall) call = host_test_run_idempotent (application, "echo", g_variant_new_string ("well"));

  host_test_assert_result (call, "'well'");
}

static void
assert_other_is_served (HostTest *test)
{
  g_autoptr (HostTestApplication) other = host_test_connect (test, "other");

  assert_serves (other);
}

static void
test_malformed_arguments_end_the_session (void)
{
  static const char *const methods[] = {FERRY_LEAVE_METHOD, FERRY_WITHDRAW_METHOD, FERRY_WANT_METHOD,
                                        FERRY_HURRY_METHOD, FERRY_PAUSE_METHOD};
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");

      host_test_wait_room (application, 1);
      host_test_tell (application, methods[i], g_variant_new_string ("nonsense"));
      host_test_assert_ended (application, FERRY_ERROR_PROTOCOL);
    }
  assert_other_is_served (test);
}

/* What else the application runs does not suffer: the task alone is at fault, or the version that made it. */
static void
test_malformed_run_is_refused_alone (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 2);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) sound = NULL;

  host_test_wait_room (application, 2);
  sound = host_test_run_idempotent (application, "gate", g_variant_new_string ("gate"));
  task_test_wait_log ("gate");
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (HostTestCall) call = NULL;

      host_test_wait_room (application, ++application->n_sent);
      call = host_test_ask (application, FERRY_RUN_METHOD, g_variant_new ("(ts)", (guint64) 5, "echo"));
      host_test_assert_refused (call, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
      g_assert_true (g_str_has_prefix (call->error->message, "Host 'alpha' cannot read what the task is: "));
    }
  task_test_open_gate ();
  host_test_wait_done (sound);
  g_assert_no_error (sound->error);
  g_assert_false (application->serve->done);
  assert_other_is_served (test);
}

static void
test_more_than_room_ends_the_session (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) first = NULL;
  g_autoptr (HostTestCall) second = NULL;

  host_test_wait_room (application, 1);
  application->is_greedy = TRUE;
  first = host_test_run (application, "echo", g_variant_new_string ("first"));
  second = host_test_run (application, "echo", g_variant_new_string ("second"));
  host_test_assert_ended (application, FERRY_ERROR_PROTOCOL);
  g_assert_nonnull (strstr (application->serve->error->message, "capacity"));
  host_test_wait_done (first);
  host_test_wait_done (second);
  assert_other_is_served (test);
}

static void
test_unknown_method_ends_the_session (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");

  host_test_tell (application, "ferry.\n\033[2Jnonsense", NULL);
  host_test_assert_ended (application, FERRY_ERROR_PROTOCOL);
  /* What is logged of it moves no cursor. */
  g_assert_nonnull (strstr (application->serve->error->message, "ferry.\\n\\033[2Jnonsense"));
  assert_other_is_served (test);
}

static void
test_being_served_twice_ends_the_session (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  const FerryServeRequest request = {(char *) "demo", (char *) "demo", 1};
  g_autoptr (HostTestCall) again =
    host_test_ask (application, FERRY_SERVE_METHOD, ferry_serve_request_to_variant (&request));

  host_test_assert_ended (application, FERRY_ERROR_PROTOCOL);
  assert_other_is_served (test);
  ferry_transport_close (application->transport);
  host_test_wait_done (again);
}

/* ---- an application that has come back ---- */

static void
test_client_that_comes_back_ends_what_ran_before (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 2);
  g_autoptr (HostTestApplication) before = host_test_connect_as (test, "alice/1", "client", 1);
  g_autoptr (HostTestApplication) application = NULL;
  g_autoptr (HostTestCall) heeding = NULL;
  g_autoptr (HostTestCall) deaf = NULL;
  FerryHostServiceCounts counts;

  host_test_wait_room (before, 2);
  heeding = host_test_run_idempotent (before, "sleep-until-cancelled", NULL);
  deaf = host_test_run_idempotent (before, "spin-for-ever", NULL);
  host_test_wait_counts (test, 0, 0, 2);
  application = host_test_connect_as (test, "alice/2", "client", 2);
  host_test_assert_ended (before, FERRY_ERROR_CLOSED);
  host_test_wait_done (heeding);
  host_test_wait_done (deaf);
  /* Nothing can begin before what ran is over. */
  host_test_wait_room (application, 2);
  counts = ferry_host_service_get_counts (test->service);
  g_assert_cmpuint (counts.n_running + counts.n_reserved + counts.n_waiting, ==, 0);
  g_assert_cmpuint (counts.n_sessions, ==, 1);
  assert_serves (application);
}

/* Of another name, and of another user by the same name. */
static void
test_other_clients_are_left_alone (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 4);
  g_autoptr (HostTestApplication) first = host_test_connect_as (test, "alice/1", "client-0", 1);
  g_autoptr (HostTestApplication) second = NULL;
  g_autoptr (HostTestApplication) third = NULL;
  g_autoptr (HostTestCall) call = host_test_run_idempotent (first, "sleep-until-cancelled", NULL);

  host_test_wait_begin (call);
  second = host_test_connect_as (test, "alice/2", "client-1", 2);
  third = host_test_connect_as (test, "bob/1", "client-0", 2);
  assert_serves (second);
  assert_serves (third);
  g_assert_false (call->done || first->serve->done);
  host_test_cancel (call);
  host_test_wait_done (call);
}

static void
test_what_an_earlier_start_sends_late_ends_nothing (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 2);
  g_autoptr (HostTestApplication) application = host_test_connect_as (test, "alice/2", "client", 2);
  g_autoptr (HostTestApplication) late = NULL;
  g_autoptr (HostTestCall) call = host_test_run_idempotent (application, "sleep-until-cancelled", NULL);

  host_test_wait_begin (call);
  late = host_test_connect_as (test, "alice/1", "client", 1);
  host_test_assert_ended (late, FERRY_ERROR_CLOSED);
  g_assert_false (call->done || application->serve->done);
  host_test_cancel (call);
  host_test_wait_done (call);
  assert_serves (application);
}

static void
test_other_version_ends_the_session (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect_mute (test, "demo");

  application->serve = host_test_ask (application, FERRY_SERVE_METHOD, g_variant_new ("(us)", 999, "9.0"));
  host_test_assert_ended (application, FERRY_ERROR_VERSION);
  assert_other_is_served (test);
}

static void
test_applications_that_lie_do_not_fill_the_log (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);

  task_test_take_n_messages ();
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (HostTestApplication) application = host_test_connect_mute (test, "demo");

      application->serve = host_test_ask (application, FERRY_SERVE_METHOD, g_variant_new ("(us)", 999, "9.0"));
      host_test_assert_ended (application, FERRY_ERROR_VERSION);
    }
  g_assert_cmpuint (task_test_take_n_messages (), ==, FERRY_RATE_MAX_LINES + 1);
}

/* As when the transport finds that its other end breaks a rule. */
static void
test_transport_that_ends_for_a_fault_is_told_of (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (FerrySession) application = NULL;
  g_autoptr (FerrySession) end = NULL;
  g_autoptr (GError) fault = g_error_new_literal (FERRY_ERROR, FERRY_ERROR_PROTOCOL, "It broke a rule");

  loop_pair_new (test->task->router, &application, &end);
  g_assert_true (ferry_host_service_add (test->service, end, "demo", NULL));
  ferry_transport_end (FERRY_TRANSPORT (end), fault);
  task_test_wait_message ("The session of demo ends: It broke a rule");
}

/* The tasks end without a cancel. */
static void
test_log_tells_when_an_application_leaves_its_tasks (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  HostTestApplication *application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = host_test_run_idempotent (application, "sleep-until-cancelled", NULL);

  host_test_wait_begin (call);
  host_test_application_free (application);
  host_test_wait_done (call);
  task_test_wait_message ("The session of demo ends with 1 of its tasks open: ");
  host_test_wait_counts (test, 0, 0, 0);
}

static void
test_who_does_not_ask_to_be_served_is_cut_off (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect_mute (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  application->is_greedy = TRUE;
  call = host_test_run (application, "echo", g_variant_new_string ("text"));
  host_test_wait_done (call);
  g_assert_error (call->error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  assert_other_is_served (test);
}

/* ---- ends ---- */

static gboolean
is_left_alone (gpointer data)
{
  FerryHostServiceCounts counts = ferry_host_service_get_counts (((HostTest *) data)->service);

  return counts.n_sessions == 0 && counts.n_running == 0 && counts.n_waiting == 0 && counts.n_reserved == 0;
}

static void
test_end_of_a_session_ends_its_tasks (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 2);
  HostTestApplication *application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) stubborn = NULL;
  g_autoptr (HostTestCall) reserved = NULL;

  stubborn = host_test_run_idempotent (application, "spin-for-ever", NULL);
  reserved = host_test_run (application, "echo", g_variant_new_string ("text"));
  host_test_wait_begin (stubborn);
  host_test_wait_begin (reserved);
  host_test_application_free (application);
  ferry_test_run_until (is_left_alone, test);
  host_test_wait_done (stubborn);
  host_test_wait_done (reserved);
  assert_other_is_served (test);
}

static void
test_drain_finishes_what_runs (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestApplication) other = host_test_connect (test, "other");
  g_autoptr (HostTestCall) running = NULL;
  g_autoptr (HostTestCall) waiting = NULL;

  task_test_close_gate ();
  host_test_wait_room (application, 1);
  running = host_test_run_idempotent (application, "gate", g_variant_new_string ("runs"));
  task_test_wait_log ("runs");
  waiting = host_test_run (other, "echo", g_variant_new_string ("text"));
  host_test_wait_counts (test, 1, 0, 1);
  ferry_host_service_drain (test->service);
  g_assert_true (ferry_host_service_get_facts (test->service)->draining);
  host_test_assert_refused (waiting, FERRY_ERROR, FERRY_ERROR_REFUSED);
  host_test_assert_result (other->serve, NULL);
  g_assert_false (application->serve->done);
  task_test_open_gate ();
  host_test_assert_result (running, NULL);
  host_test_assert_result (application->serve, NULL);
  g_assert_true (application->told_drain && other->told_drain);
  host_test_wait_drained (test);
  g_free (task_test_take_log ());
}

static void
test_service_that_is_dropped_ends_its_sessions (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect (test, "demo");
  g_autoptr (HostTestCall) call = NULL;

  call = host_test_run_idempotent (application, "spin-for-ever", NULL);
  host_test_wait_begin (call);
  g_clear_object (&test->service);
  host_test_assert_failed (call, FERRY_ERROR, FERRY_ERROR_CLOSED);
}

static void
add_late (const char *name, gboolean is_stopped, gboolean has_deadline)
{
  g_autofree char *path = g_strdup_printf ("/host-service/result-that-is-there-wins/%s", name);

  g_test_add_data_func_full (path, g_memdup2 (&(Late){is_stopped, has_deadline}, sizeof (Late)),
                             test_result_that_is_there_wins, g_free);
}

/* ---- what it counts ---- */

static void
assert_line (const char *text, const char *line)
{
  g_autofree char *whole = g_strdup_printf ("\n%s\n", line);

  if (strstr (text, whole) == NULL)
    g_test_message ("'%s' is not in:\n%s", line, text);
  g_assert_nonnull (strstr (text, whole));
}

/* A line of the function and user, with a number. what: the name and further labels, as "NAME" or "NAME,LABEL". */
static void
assert_number (const char *text, const char *name, const char *function, const char *further, guint n)
{
  g_autofree char *line = g_strdup_printf (
    "%s{application=\"demo\",host=\"alpha\",function=\"%s\",user=\"alice\"%s} %u", name, function, further, n);

  assert_line (text, line);
}

static char *
describe (HostTest *test)
{
  return ferry_host_service_describe_metrics (test->service, "demo");
}

static void
tasks_are_counted_by_function_and_result (void)
{
  g_autoptr (HostTest) test = host_test_new (FALSE, 2);
  g_autoptr (HostTestApplication) application = host_test_connect_as (test, "alice/1", "client", 1);
  g_autoptr (HostTestCall) one = host_test_run_idempotent (application, "echo", g_variant_new_string ("one"));
  g_autoptr (HostTestCall) two = host_test_run_idempotent (application, "echo", g_variant_new_string ("two"));
  g_autoptr (HostTestCall) failed = NULL;
  g_autoptr (HostTestCall) lost = NULL;
  g_autoptr (HostTestCall) cancelled = NULL;
  g_autofree char *text = NULL;
  FerryHostFigures figures;

  host_test_assert_result (one, "'one'");
  host_test_assert_result (two, "'two'");
  failed = host_test_run_idempotent (application, "fail", NULL);
  host_test_wait_done (failed);
  lost = host_test_run_idempotent (application, "crash", g_variant_new_int32 (SIGKILL));
  host_test_assert_failed (lost, FERRY_ERROR, FERRY_ERROR_WORKER_LOST);
  cancelled = host_test_run_idempotent (application, "sleep-until-cancelled", NULL);
  host_test_wait_begin (cancelled);
  host_test_cancel (cancelled);
  host_test_wait_done (cancelled);
  text = describe (test);
  assert_number (text, "ferry_host_tasks_total", "echo", ",result=\"done\"", 2);
  assert_number (text, "ferry_host_tasks_total", "fail", ",result=\"failed\"", 1);
  assert_number (text, "ferry_host_tasks_total", "crash", ",result=\"lost\"", 1);
  assert_number (text, "ferry_host_tasks_total", "sleep-until-cancelled", ",result=\"cancelled\"", 1);
  assert_number (text, "ferry_host_task_run_seconds_count", "echo", "", 2);
  assert_number (text, "ferry_host_tasks_running", "echo", "", 0);
  assert_line (text, "ferry_host_workers{application=\"demo\",host=\"alpha\"} 2");
  assert_line (text, "ferry_host_sessions{application=\"demo\",host=\"alpha\"} 1");
  ferry_host_service_get_figures (test->service, &figures);
  g_assert_cmpuint (figures.n_done, ==, 2);
  g_assert_cmpuint (figures.n_failed, ==, 1);
  g_assert_cmpuint (figures.n_lost, ==, 1);
  g_assert_cmpuint (figures.n_running + figures.n_waiting, ==, 0);
  g_assert_cmpuint (figures.uptime, >, 0);
}

static gboolean
has_waited (gpointer test)
{
  FerryHostFigures figures;

  ferry_host_service_get_figures (((HostTest *) test)->service, &figures);
  return figures.n_running == 1 && figures.longest_wait > G_USEC_PER_SEC / 50;
}

static void
tasks_that_wait_and_run_are_told_apart (void)
{
  g_autoptr (HostTest) test = host_test_new (TRUE, 1);
  g_autoptr (HostTestApplication) application = host_test_connect_as (test, "alice/1", "client", 1);
  g_autoptr (HostTestApplication) other = host_test_connect_as (test, "alice/2", "other", 1);
  g_autoptr (HostTestCall) runs = host_test_run_idempotent (application, "sleep-until-cancelled", NULL);
  g_autoptr (HostTestCall) waits = NULL;
  g_autofree char *text = NULL;

  host_test_wait_begin (runs);
  waits = host_test_run_idempotent (other, "sleep-until-cancelled", NULL);
  host_test_wait_counts (test, 1, 0, 1);
  ferry_test_run_until (has_waited, test);
  text = describe (test);
  assert_number (text, "ferry_host_tasks_running", "sleep-until-cancelled", "", 1);
  assert_number (text, "ferry_host_tasks_waiting", "sleep-until-cancelled", "", 1);
  assert_line (text, "ferry_host_workers_busy{application=\"demo\",host=\"alpha\"} 1");
  host_test_withdraw (waits);
  host_test_wait_done (waits);
  host_test_cancel (runs);
  host_test_wait_done (runs);
  g_free (text);
  text = describe (test);
  assert_number (text, "ferry_host_tasks_total", "sleep-until-cancelled", ",result=\"returned\"", 1);
  assert_number (text, "ferry_host_tasks_waiting", "sleep-until-cancelled", "", 0);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
#define ADD(name, test) g_test_add_func ("/host-service/" name, test)
  ADD ("application-is-told-of-the-host", test_application_is_told_of_the_host);
  ADD ("run-waits-for-leave", test_run_waits_for_leave);
  ADD ("idempotent-run-begins-at-once", test_idempotent_run_begins_at_once);
  ADD ("place-is-kept-for-leave", test_place_is_kept_for_leave);
  ADD ("place-is-given-away-after-a-while", test_place_is_given_away_after_a_while);
  ADD ("no-leave-is-asked-for-ahead", test_no_leave_is_asked_for_ahead);
  ADD ("leave-is-asked-for-ahead-where-the-run-allows-that", test_leave_is_asked_for_ahead_where_the_run_allows_that);
  ADD ("withdrawn-run-is-refused", test_withdrawn_run_is_refused);
  ADD ("run-that-has-begun-cannot-be-withdrawn", test_run_that_has_begun_cannot_be_withdrawn);
  ADD ("cancel-refuses-what-was-not-begun", test_cancel_refuses_what_was_not_begun);
  ADD ("cancel-ends-what-runs", test_cancel_ends_what_runs);
  ADD ("cancel-comes-too-late-for-a-function-that-has-committed",
       test_cancel_comes_too_late_for_a_function_that_has_committed);
  ADD ("run-that-lasts-tells-its-process", test_run_that_lasts_tells_its_process);
  ADD ("hurry-kills-what-does-not-listen", test_hurry_kills_what_does_not_listen);
  ADD ("pause-holds-the-run-and-its-time", test_pause_holds_the_run_and_its_time);
  ADD ("times-are-kept", test_times_are_kept);
  add_late ("busy-host/run-timeout", FALSE, FALSE);
  add_late ("busy-host/deadline", FALSE, TRUE);
  add_late ("stopped-host/run-timeout", TRUE, FALSE);
  add_late ("stopped-host/deadline", TRUE, TRUE);
  ADD ("yields-wait-for-the-window", test_yields_wait_for_the_window);
  ADD ("cancel-ends-what-waits-for-the-window", test_cancel_ends_what_waits_for_the_window);
  ADD ("messages-come-in-order-before-the-result", test_messages_come_in_order_before_the_result);
  ADD ("message-with-a-name-of-the-host-fails-the-run", test_message_with_a_name_of_the_host_fails_the_run);
  ADD ("last-progress-comes-before-the-result", test_last_progress_comes_before_the_result);
  ADD ("fraction-is-taken-back", test_fraction_is_taken_back);
  ADD ("lines-of-the-worker-come-along", test_lines_of_the_worker_come_along);
  ADD ("log-tells-the-tasks-of-applications-apart", test_log_tells_the_tasks_of_applications_apart);
  ADD ("log-has-a-line-for-a-crash", test_log_has_a_line_for_a_crash);
  ADD ("log-has-a-line-for-a-crash-without-a-task", test_log_has_a_line_for_a_crash_without_a_task);
  ADD ("errors-name-the-host", test_errors_name_the_host);
  ADD ("result-that-is-too-large-says-what-can-be-done", test_result_that_is_too_large_says_what_can_be_done);
  ADD ("lost-worker-is-told", test_lost_worker_is_told);
  ADD ("unknown-function-is-refused", test_unknown_function_is_refused);
  ADD ("failed-pool-refuses", test_failed_pool_refuses);
  ADD ("malformed-arguments-end-the-session", test_malformed_arguments_end_the_session);
  ADD ("malformed-run-is-refused-alone", test_malformed_run_is_refused_alone);
  ADD ("more-than-room-ends-the-session", test_more_than_room_ends_the_session);
  ADD ("unknown-method-ends-the-session", test_unknown_method_ends_the_session);
  ADD ("being-served-twice-ends-the-session", test_being_served_twice_ends_the_session);
  ADD ("client-that-comes-back-ends-what-ran-before", test_client_that_comes_back_ends_what_ran_before);
  ADD ("other-clients-are-left-alone", test_other_clients_are_left_alone);
  ADD ("what-an-earlier-start-sends-late-ends-nothing", test_what_an_earlier_start_sends_late_ends_nothing);
  ADD ("other-version-ends-the-session", test_other_version_ends_the_session);
  ADD ("applications-that-lie-do-not-fill-the-log", test_applications_that_lie_do_not_fill_the_log);
  ADD ("transport-that-ends-for-a-fault-is-told-of", test_transport_that_ends_for_a_fault_is_told_of);
  ADD ("log-tells-when-an-application-leaves-its-tasks", test_log_tells_when_an_application_leaves_its_tasks);
  ADD ("who-does-not-ask-to-be-served-is-cut-off", test_who_does_not_ask_to_be_served_is_cut_off);
  ADD ("end-of-a-session-ends-its-tasks", test_end_of_a_session_ends_its_tasks);
  ADD ("drain-finishes-what-runs", test_drain_finishes_what_runs);
  ADD ("service-that-is-dropped-ends-its-sessions", test_service_that_is_dropped_ends_its_sessions);
#undef ADD
  g_test_add_func ("/host-service/tasks-are-counted-by-function-and-result", tasks_are_counted_by_function_and_result);
  g_test_add_func ("/host-service/tasks-that-wait-and-run-are-told-apart", tasks_that_wait_and_run_are_told_apart);
  return g_test_run ();
}
