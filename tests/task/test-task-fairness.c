/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tasks beside a worker that lays buffers ahead, of which each takes its handler a while: answers do not wait for them.
 */

#include "config.h"

#include "task/task-test.h"

#define N_BUFFERS 20000
/* A task's answer may come late, as its worker gets little of the machine, so that it is tried until so many buffers
 * have come. One that is held up by buffers comes behind all that their link has laid ahead, however often it is tried.
 */
#define LAST_BUFFER (N_BUFFERS / 2)

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

/* Looks without the main loop, which stands still. */
static void
wait_for_more (FerryRouter *router, FerryCounter counter, guint64 before)
{
  gint64 deadline = g_get_monotonic_time () + FERRY_TEST_TIMEOUT_SECONDS * G_USEC_PER_SEC;

  while (ferry_router_get_counter (router, counter) <= before)
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

/* How many buffers come before the answer of a task, with as many of them laid ahead as may be. What is there by then
 * may be news of something else: so the least of several is what counts. */
static guint
count_before (TaskTest *test, Flood *flood)
{
  guint n_before = flood->n_buffers;
  gpointer data[] = {&n_before, flood};
  g_autoptr (FerryTask) task = NULL;
  guint64 n_blocks;

  wait_for_more (test->router, FERRY_COUNTER_WAITING_LINKS, 0);
  n_blocks = ferry_router_get_counter (test->router, FERRY_COUNTER_BLOCKS);
  task = task_test_submit (test->executor, "nothing", NULL);
  g_signal_connect (task, "done", G_CALLBACK (done_cb), data);
  wait_for_more (test->router, FERRY_COUNTER_BLOCKS, n_blocks);
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
  guint least = G_MAXUINT;

  task_test_wait_done (first);
  ferry_router_pipe (test->router, FERRY_PIPE_QUEUED, &sender, &receiver, &error);
  g_assert_no_error (error);
  g_signal_connect (receiver, "buffer", G_CALLBACK (buffer_cb), &flood);
  g_signal_connect (receiver, "closed", G_CALLBACK (closed_cb), &flood);
  worker = spawn_flood (test, sender);
  while (least > MOST_BEFORE && flood.n_buffers < LAST_BUFFER)
    least = MIN (least, count_before (test, &flood));
  g_assert_cmpuint (least, <=, MOST_BEFORE);
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
