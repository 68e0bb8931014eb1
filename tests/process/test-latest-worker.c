/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-cell.c, engine/ferry-cell-watch.c
 *
 * Pipes for latest values from worker processes: the last value comes before the end, whatever the end is; and a worker
 * that breaks the rules of its cell ends, and does no harm. */

#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "process/worker-test.h"
#include "route/ferry-router-private.h"

/* What arrives on a pipe for latest values. */
typedef struct
{
  FerryRouter *router; /* (owned) */
  FerrySender *sender;
  FerryReceiver *receiver;
  FerrySender *second;
  FerryReceiver *second_receiver; /* of a queued pipe */
  FerryLauncher *launcher;
  FerryWorker *worker;
  guint n_values;
  guint64 latest;
  guint n_closed;
  FerryCloseReason reason;
} LatestWorker;

static void
value_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  LatestWorker *self = user_data;
  guint64 number;

  g_assert_cmpuint (self->n_closed, ==, 0);
  g_assert_cmpuint (size, ==, sizeof number);
  memcpy (&number, data, sizeof number);
  g_assert_cmpuint (number, >, self->latest);
  self->latest = number;
  self->n_values++;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer user_data)
{
  LatestWorker *self = user_data;

  self->n_closed++;
  self->reason = ferry_exit_get_reason (exit);
}

/* Takes launcher over. */
static void
latest_worker_init_with_launcher (LatestWorker *self, FerryLauncher *launcher)
{
  g_autoptr (GError) error = NULL;

  *self = (LatestWorker){.router = ferry_test_router_new (), .launcher = launcher};
  ferry_router_pipe (self->router, FERRY_PIPE_LATEST, &self->sender, &self->receiver, &error);
  g_assert_no_error (error);
  ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &self->second, &self->second_receiver, &error);
  g_assert_no_error (error);
  ferry_receiver_set_handler (self->receiver, value_cb, self, NULL);
  g_signal_connect (self->receiver, "closed", G_CALLBACK (closed_cb), self);
  /* The queued one first: the numbers of pipes and cells are not the same. */
  ferry_launcher_add_sender (self->launcher, "second", self->second, &error);
  g_assert_no_error (error);
  ferry_launcher_add_sender (self->launcher, "out", self->sender, &error);
  g_assert_no_error (error);
}

static void
latest_worker_init (LatestWorker *self, const char *first_order, const char *second_order, const char *third_order)
{
  latest_worker_init_with_launcher (
    self, worker_test_launcher_new ("cell-worker", first_order, second_order, third_order, NULL));
}

static void
latest_worker_clear (LatestWorker *self)
{
  ferry_test_wait_ended (self->worker);
  g_assert_cmpuint (self->n_closed, ==, 1);
  ferry_receiver_set_handler (self->receiver, NULL, NULL, NULL);
  g_clear_object (&self->sender);
  g_clear_object (&self->receiver);
  g_clear_object (&self->second);
  g_clear_object (&self->second_receiver);
  g_clear_object (&self->launcher);
  g_clear_object (&self->worker);
  ferry_test_router_stop (self->router);
}

static void
latest_worker_run (LatestWorker *self, const char *first_order, const char *second_order, const char *third_order)
{
  latest_worker_init (self, first_order, second_order, third_order);
  self->worker = worker_test_spawn (self->launcher, self->router);
}

static gboolean
is_closed (gpointer data)
{
  return ((LatestWorker *) data)->n_closed > 0;
}

static void
test_last_value_of_a_worker_comes_before_closed (void)
{
  static const char *const ends[] = {"stop", NULL};
  static const FerryCloseReason reasons[] = {FERRY_CLOSE_REASON_STOPPED, FERRY_CLOSE_REASON_EXITED};

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      LatestWorker test;

      latest_worker_run (&test, "send:1000000", ends[i], NULL);
      ferry_test_run_until (is_closed, &test);
      g_assert_cmpint (test.reason, ==, reasons[i]);
      g_assert_cmpuint (test.latest, ==, 1000000);
      latest_worker_clear (&test);
    }
}

/* Gives the worker memory in which it keeps account. */
static _Atomic guint64 *
share_account (LatestWorker *self)
{
  int memory = memfd_create ("account", MFD_CLOEXEC);
  _Atomic guint64 *account;

  g_assert_no_errno (ftruncate (memory, sizeof *account));
  account = mmap (NULL, sizeof *account, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  ferry_launcher_take_stream_fd (self->launcher, FERRY_STREAM_STDIN, memory);
  return account;
}

static void
test_worker_that_dies_within_a_write_leaves_the_value_before (void)
{
  for (guint i = 1; i <= 4; i++)
    {
      g_autofree char *order = g_strdup_printf ("count:%u", i * i);
      LatestWorker test;
      _Atomic guint64 *account;

      latest_worker_init (&test, order, NULL, NULL);
      account = share_account (&test);
      test.worker = worker_test_spawn (test.launcher, test.router);
      ferry_test_run_until (is_closed, &test);
      g_assert_cmpint (test.reason, ==, FERRY_CLOSE_REASON_KILLED);
      g_assert_cmpuint (atomic_load (account), ==, i * i);
      g_assert_cmpuint (test.latest, ==, i * i);
      latest_worker_clear (&test);
      munmap ((void *) account, sizeof *account);
    }
}

static gboolean
has_sent (gpointer data)
{
  g_main_context_wakeup (NULL);
  return atomic_load ((_Atomic guint64 *) data) > 0;
}

/* The value of the send that returned is the last one, or there was one more of a send that did not return. */
static void
test_killed_worker_leaves_what_was_acknowledged (void)
{
  guint n_unacknowledged = 0;

  for (guint i = 0; i < 50; i++)
    {
      LatestWorker test;
      _Atomic guint64 *account;
      guint64 acknowledged;

      latest_worker_init (&test, "flood", NULL, NULL);
      account = share_account (&test);
      test.worker = worker_test_spawn (test.launcher, test.router);
      ferry_test_run_until (has_sent, (gpointer) account);
      ferry_worker_send_signal (test.worker, SIGKILL);
      ferry_test_run_until (is_closed, &test);
      g_assert_cmpint (test.reason, ==, FERRY_CLOSE_REASON_KILLED);
      acknowledged = atomic_load (account);
      g_assert_cmpuint (test.latest, >=, acknowledged);
      g_assert_cmpuint (test.latest, <=, acknowledged + 1);
      n_unacknowledged += test.latest != acknowledged;
      latest_worker_clear (&test);
      munmap ((void *) account, sizeof *account);
    }
  g_test_message ("%u of 50 last values were not acknowledged", n_unacknowledged);
}

static void
order_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  LatestWorker *self = user_data;

  ferry_router_flush_latest (self->router, self->receiver);
  g_assert_cmpuint (self->latest, ==, 5);
}

/* The value of a worker that has just begun, of which the monitor may hear after the message. */
static void
test_newest_value_can_be_had_before_a_workers_message (void)
{
  LatestWorker test;

  latest_worker_init (&test, "send:5", "message:1", NULL);
  ferry_receiver_set_handler (test.second_receiver, order_cb, &test, NULL);
  test.worker = worker_test_spawn (test.launcher, test.router);
  ferry_test_run_until (is_closed, &test);
  g_assert_cmpuint (ferry_test_get_number (test.second_receiver, "n-messages"), ==, 1);
  ferry_test_wait_ended (test.worker);
  ferry_receiver_set_handler (test.second_receiver, NULL, NULL, NULL);
  latest_worker_clear (&test);
}

typedef struct
{
  const char *order;
  const char *words; /* of the fault */
} Lie;

static void
test_lies_in_a_cell_are_protocol_errors (void)
{
  static const Lie lies[] = {
    {"lie", "larger than its cell"},
    {"type", "one definite type"},
    {"back", "set the count of a cell's values back"},
    {"storm", "over and over"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (lies); i++)
    {
      LatestWorker test;

      latest_worker_run (&test, "send:7", lies[i].order, "pause");
      worker_test_assert_exit (test.worker, FERRY_CLOSE_REASON_PROTOCOL_ERROR, lies[i].words);
      ferry_test_run_until (is_closed, &test);
      g_assert_cmpint (test.reason, ==, FERRY_CLOSE_REASON_PROTOCOL_ERROR);
      g_assert_cmpuint (test.latest, <=, 7);
      g_assert_cmpuint (ferry_router_get_counter (test.router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, 1);
      latest_worker_clear (&test);
    }
}

static gboolean
has_message (gpointer data)
{
  return ferry_test_get_number (((LatestWorker *) data)->second_receiver, "n-messages") > 0;
}

/* Nothing of these arrives, and nothing else suffers by them. */
static void
test_writes_that_never_end_harm_nobody (void)
{
  static const char *const orders[] = {"torn", "bits"};

  for (guint i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      LatestWorker test;

      latest_worker_init (&test, orders[i], "message:1", "pause");
      test.worker = worker_test_spawn (test.launcher, test.router);
      ferry_test_run_until (has_message, &test);
      ferry_worker_force_exit (test.worker);
      ferry_test_run_until (is_closed, &test);
      g_assert_cmpint (test.reason, ==, FERRY_CLOSE_REASON_KILLED);
      g_assert_cmpuint (test.n_values, ==, 0);
      latest_worker_clear (&test);
    }
}

/* A worker may write to its cells as soon as it has their memory. What it is, it says with the attach. */
static void
test_cells_are_looked_at_after_the_attach (void)
{
  LatestWorker test;
  FerryExit *exit;

  latest_worker_init_with_launcher (
    &test, worker_test_launcher_new ("hostile-worker", "mark", "attach", "mark-taken", "exit:0", NULL));
  g_object_set (test.launcher, "stderr", FERRY_STREAM_MODE_LOG, NULL);
  test.worker = worker_test_spawn (test.launcher, test.router);
  ferry_test_wait_ended (test.worker);
  exit = ferry_test_get_object (test.worker, "exit");
  g_assert_cmpint (ferry_exit_get_reason (exit), ==, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpint (ferry_exit_get_exit_status (exit), ==, 0);
  g_assert_cmpuint (test.n_values, ==, 0);
  latest_worker_clear (&test);
}

static void
test_worker_is_passed_so_many_latest_senders (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("cell-worker", "pause", NULL);
  g_autoptr (GPtrArray) receivers = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i <= 64; i++)
    {
      g_autoptr (FerrySender) sender = NULL;
      g_autofree char *name = g_strdup_printf ("sender %u", i);
      FerryReceiver *receiver;

      ferry_router_pipe (router, FERRY_PIPE_LATEST, &sender, &receiver, NULL);
      g_ptr_array_add (receivers, receiver);
      g_assert_cmpint (ferry_launcher_add_sender (launcher, name, sender, &error), ==, i < 64);
    }
  g_assert_error (error, FERRY_ERROR, FERRY_ERROR_TOO_LARGE);
  for (guint i = 0; i <= 64; i++)
    ferry_router_close_pipe (router, g_ptr_array_index (receivers, i), NULL);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/latest-worker/last-value-of-a-worker-comes-before-closed",
                   test_last_value_of_a_worker_comes_before_closed);
  g_test_add_func ("/latest-worker/worker-that-dies-within-a-write-leaves-the-value-before",
                   test_worker_that_dies_within_a_write_leaves_the_value_before);
  g_test_add_func ("/latest-worker/killed-worker-leaves-what-was-acknowledged",
                   test_killed_worker_leaves_what_was_acknowledged);
  g_test_add_func ("/latest-worker/newest-value-can-be-had-before-a-workers-message",
                   test_newest_value_can_be_had_before_a_workers_message);
  g_test_add_func ("/latest-worker/lies-in-a-cell-are-protocol-errors", test_lies_in_a_cell_are_protocol_errors);
  g_test_add_func ("/latest-worker/writes-that-never-end-harm-nobody", test_writes_that_never_end_harm_nobody);
  g_test_add_func ("/latest-worker/cells-are-looked-at-after-the-attach", test_cells_are_looked_at_after_the_attach);
  g_test_add_func ("/latest-worker/worker-is-passed-so-many-latest-senders",
                   test_worker_is_passed_so_many_latest_senders);
  return g_test_run ();
}
