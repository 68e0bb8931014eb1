/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-dispatch.c, engine/ferry-fair-queue.c
 *
 * Tasks beside a worker that lays buffers ahead, of which each takes its handler a while: answers do not wait for them.
 */

#include "config.h"

#include "link/ferry-link-private.h"
#include "process/ferry-worker-private.h"
#include "task/task-test.h"

#define N_BUFFERS 20000
#define N_TASKS 9

/* Microseconds that a handler of a buffer takes: more than a turn. */
#define SLOW 200

/* A turn of the buffers' link, and one that was begun already. */
#define MOST_BEFORE 2

typedef struct
{
  guint n_buffers;
  gboolean closed;
} Flood;

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gpointer data)
{
  gint64 until = g_get_monotonic_time () + SLOW;

  while (g_get_monotonic_time () < until)
    ;
  ((Flood *) data)->n_buffers++;
}

static void
closed_cb (FerryReceiver *receiver, FerryExit *exit, gpointer data)
{
  ((Flood *) data)->closed = TRUE;
}

static FerryWorker *
spawn_flood (TaskTest *test, FerrySender *sender)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (FerryLauncher) launcher = NULL;
  g_auto (GStrv) orders = NULL;
  g_autoptr (GError) error = NULL;
  FerryWorker *worker;

  g_strv_builder_add (builder, g_getenv ("FERRY_TEST_WORKER"));
  for (guint i = 0; i < N_BUFFERS; i++)
    g_strv_builder_add (builder, "buffer:65536");
  orders = g_strv_builder_end (builder);
  launcher = ferry_launcher_new ((const char *const *) orders);
  g_assert_true (ferry_launcher_add_sender (launcher, "out", sender, &error));
  worker = ferry_launcher_spawn (launcher, test->router, &error);
  g_assert_no_error (error);
  return worker;
}

/* The link of the one worker of the pool. Returns (transfer none). */
static FerryLink *
find_link (TaskTest *test)
{
  g_autoptr (FerryWorker) worker = g_list_model_get_item (ferry_pool_get_workers (test->pool), 0);

  return ferry_worker_get_link (worker);
}

static gboolean
have_buffers_their_share (TaskTest *test, guint64 unused)
{
  return ferry_router_get_counter (test->router, FERRY_COUNTER_WAITING_LINKS) > 0;
}

static gboolean
has_answer_been_taken (TaskTest *test, guint64 before)
{
  return atomic_load (&find_link (test)->up_taken) > before;
}

/* Looks without the main loop, which stands still. */
static void
look_until (TaskTest *test, gboolean (*condition) (TaskTest *test, guint64 before), guint64 before)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (!condition (test, before))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

static void
done_cb (FerryTask *task, gpointer data)
{
  guint *n_before = ((gpointer *) data)[0];
  const Flood *flood = ((gpointer *) data)[1];

  *n_before = flood->n_buffers - *n_before;
}

/* How many buffers come before the answer of a task, which is there as they are. A message of the worker's that is no
 * answer may have been taken in its place: so most of several are what counts. */
static guint
count_before (TaskTest *test, Flood *flood)
{
  guint n_before = flood->n_buffers;
  gpointer data[] = {&n_before, flood};
  g_autoptr (FerryTask) task = NULL;
  guint64 taken;

  look_until (test, have_buffers_their_share, 0);
  taken = atomic_load (&find_link (test)->up_taken);
  task = task_test_submit (test->executor, "nothing", NULL);
  g_signal_connect (task, "done", G_CALLBACK (done_cb), data);
  look_until (test, has_answer_been_taken, taken);
  task_test_wait_done (task);
  return n_before;
}

static void
test_answers_pass_buffers (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "nothing", NULL);
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  Flood flood = {0, FALSE};
  guint n_passed = 0;

  task_test_wait_done (first);
  ferry_router_pipe (test->router, FERRY_PIPE_QUEUED, &sender, &receiver, &error);
  g_assert_no_error (error);
  g_signal_connect (receiver, "buffer", G_CALLBACK (buffer_cb), &flood);
  g_signal_connect (receiver, "closed", G_CALLBACK (closed_cb), &flood);
  worker = spawn_flood (test, sender);
  for (guint i = 0; i < N_TASKS; i++)
    n_passed += count_before (test, &flood) <= MOST_BEFORE;
  g_assert_cmpuint (n_passed, >, N_TASKS / 2);
  ferry_worker_force_exit (worker);
  ferry_test_wait_flag (&flood.closed);
  ferry_test_wait_ended (worker);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/task-fairness/answers-pass-buffers-of-a-slow-handler", test_answers_pass_buffers);
  return g_test_run ();
}
