/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: pool/ferry-pool-worker.c, pool/ferry-task-queue.c
 *
 * What does not end by itself is ended: a function that sleeps, one that loops, a process that stands still, one that
 * ignores SIGTERM; by the deadline of a cancel, of a run, or of a shutdown, and with no harm to what runs beside it or
 * waits behind it. */

#include "config.h"

#include "task/task-test.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* The grace of a cancel and the time of a shutdown. How much later the end comes is up to the machine. */
#define GRACE 50000

/* Messages that fill what a link may have out to the router's thread, and leave room in its lane. */
#define N_MESSAGES 6000

typedef struct
{
  const char *function;
  gboolean stands_still; /* its process gets SIGSTOP */
} Stubborn;

static const Stubborn sleeping = {"pause-for-ever", FALSE};
static const Stubborn looping = {"spin-for-ever", FALSE};
static const Stubborn stopped = {"pause-for-ever", TRUE};
static const Stubborn deaf = {"stubborn", FALSE};

static gboolean
is_gone (gpointer data)
{
  return !ferry_test_is_alive (*(GPid *) data);
}

static FerryTask *
start_stubborn (TaskTest *test, const Stubborn *what)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, what->function, NULL);

  ferry_task_set_cancel_grace (task, GRACE);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun (task);
  if (what->stands_still)
    ferry_test_stop_worker (ferry_test_get_worker (test->pool, task));
  return task;
}

/* A neighbour runs beside it for all the time, and others wait. */
static FerryTask *
surround (TaskTest *test)
{
  FerryTask *neighbour = task_test_submit (test->executor, "sleep-until-cancelled", NULL);

  task_test_wait_begun (neighbour);
  for (guint i = 0; i < 20; i++)
    g_object_unref (task_test_submit (test->executor, "echo", g_variant_new_string ("behind")));
  return neighbour;
}

static void
assert_unharmed (TaskTest *test, FerryTask *neighbour, GPid pid)
{
  g_assert_cmpint (ferry_task_get_state (neighbour), ==, FERRY_TASK_STATE_EXECUTING);
  ferry_task_cancel (neighbour);
  ferry_test_run_until (task_test_is_idle, test->executor);
  task_test_assert_cancelled (neighbour);
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-completed"), ==, 20);
  ferry_test_look_until (is_gone, &pid);
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-restarts"), ==, 0);
}

static void
ends_by_cancel (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) task = start_stubborn (test, data);
  g_autoptr (FerryWorker) worker = g_object_ref (ferry_test_get_worker (test->pool, task));
  g_autoptr (FerryTask) neighbour = surround (test);
  GPid pid = ferry_test_get_process (task);
  gint64 begin = g_get_monotonic_time ();

  g_assert_true (ferry_task_cancel (task));
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLING);
  task_test_assert_cancelled (task);
  g_assert_cmpint (g_get_monotonic_time () - begin, >=, GRACE / 2);
  assert_unharmed (test, neighbour, pid);
  ferry_test_wait_ended (worker);
  /* The cancel ended it, and no other signal. */
  g_assert_true (ferry_test_get_number (ferry_test_get_object (worker, "exit"), "forced"));
}

static void
set_flag (GObject *object, GAsyncResult *result, gpointer data)
{
  g_assert_true (ferry_executor_shutdown_finish (FERRY_EXECUTOR (object), result, NULL));
  *(gboolean *) data = TRUE;
}

/* The neighbour is another executor's, and so are those that wait. */
static void
ends_by_shutdown (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (FerryTask) neighbour = NULL;
  FerryExecutor *ending = ferry_executor_new (test->pool);
  FerryExecutor *other = test->executor;
  gboolean ended = FALSE;
  GPid pid;

  test->executor = ending;
  task = start_stubborn (test, data);
  test->executor = other;
  neighbour = surround (test);
  pid = ferry_test_get_process (task);
  ferry_executor_shutdown_async (ending, GRACE, NULL, set_flag, &ended);
  ferry_test_wait_flag (&ended);
  g_assert_cmpint (ferry_task_get_state (task), ==, FERRY_TASK_STATE_CANCELLED);
  g_object_unref (ending);
  assert_unharmed (test, neighbour, pid);
}

static gboolean
is_no_more_waiting (gpointer data)
{
  return ferry_task_get_state (data) == FERRY_TASK_STATE_EXECUTING || ferry_task_get_done (data);
}

static void
ends_by_run_timeout (gconstpointer data)
{
  const Stubborn *what = data;
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, what->function, NULL);
  g_autoptr (FerryTask) behind = NULL;
  g_autoptr (FerryTask) before = task_test_submit (test->executor, "nothing", NULL);
  TaskTestWitness *witness = task_test_witness_new (task);
  GPid pid;

  task_test_assert_result (before, NULL);
  ferry_task_set_run_timeout (task, 2 * GRACE);
  ferry_task_set_cancel_grace (task, GRACE);
  g_object_set (task, "retries", 3, NULL);
  task_test_submit_task (test->executor, task);
  behind = task_test_submit (test->executor, "echo", g_variant_new_string ("behind"));
  ferry_test_run_until (is_no_more_waiting, task);
  pid = ferry_test_get_process (task);
  if (what->stands_still && !ferry_task_get_done (task))
    ferry_worker_send_signal (ferry_test_get_worker (test->pool, task), SIGSTOP);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  task_test_assert_result (behind, "'behind'");
  /* It was done when its worker had ended, but for one that was so late that the function was not begun: that one has
   * said so, and lives. */
  if (!g_error_matches (ferry_test_get_error (task, "late-error"), FERRY_ERROR, FERRY_ERROR_TIMED_OUT))
    ferry_test_look_until (is_gone, &pid);
  g_assert_cmpuint (witness->n_started, ==, 1);
  task_test_witness_free (witness);
}

/* The function heeds it: the worker stays. */
static void
spares_worker_that_heeds_its_run_timeout (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) behind = NULL;

  ferry_task_set_run_timeout (task, 20000);
  ferry_task_set_cancel_grace (task, 600 * G_USEC_PER_SEC);
  task_test_submit_task (test->executor, task);
  task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  behind = task_test_submit (test->executor, "echo", g_variant_new_string ("behind"));
  task_test_assert_result (behind, "'behind'");
  g_assert_cmpint (ferry_test_get_process (task), ==, ferry_test_get_process (behind));
  g_assert_cmpuint (ferry_test_get_number (test->pool, "n-workers"), ==, 1);
}

static void
fails_what_waited_for_too_long (gconstpointer data)
{
  g_autoptr (TaskTest) test = task_test_new (GPOINTER_TO_INT (data), 1);
  g_autoptr (FerryTask) ahead = task_test_submit (test->executor, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) hasty = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (FerryTask) patient = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  TaskTestWitness *witness = task_test_witness_new (hasty);

  task_test_wait_begun (ahead);
  g_object_set (hasty, "queue-timeout", (gint64) 20000, NULL);
  g_object_set (patient, "queue-timeout", (gint64) (600 * G_USEC_PER_SEC), NULL);
  task_test_submit_task (test->executor, hasty);
  task_test_submit_task (test->executor, patient);
  task_test_assert_failed (hasty, FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT);
  g_assert_cmpuint (witness->n_started, ==, 0);
  ferry_task_cancel (ahead);
  task_test_assert_result (patient, NULL);
  task_test_witness_free (witness);
}

/* A task that runs, and the time that it had for waiting: twice as long until the machine had a turn for it. */
static FerryTask *
start_in_time (TaskTest *test, gint64 *time)
{
  for (*time = 30000;; *time *= 2)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "sleep-until-cancelled", NULL);

      g_object_set (task, "queue-timeout", (gint64) (*time), NULL);
      task_test_submit_task (test->executor, task);
      ferry_test_run_until (is_no_more_waiting, task);
      if (!ferry_task_get_done (task))
        return g_steal_pointer (&task);
      task_test_assert_failed (task, FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT);
    }
}

/* A task that was sent ahead is still waiting, and its deadline counts; one that runs has none any more. */
static void
fails_what_was_sent_ahead_and_waited_for_too_long (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) ahead = NULL;
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  gint64 time;

  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);

      task_test_assert_result (task, NULL);
    }
  ahead = start_in_time (test, &time);
  for (guint i = 0; i < 10; i++)
    {
      FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);

      g_object_set (task, "queue-timeout", (gint64) time, NULL);
      task_test_submit_task (test->executor, task);
      g_ptr_array_add (tasks, task);
    }
  for (guint i = 0; i < tasks->len; i++)
    task_test_assert_failed (g_ptr_array_index (tasks, i), FERRY_ERROR, FERRY_ERROR_QUEUE_TIMED_OUT);
  g_assert_cmpint (ferry_task_get_state (ahead), ==, FERRY_TASK_STATE_EXECUTING);
  ferry_task_cancel (ahead);
  task_test_assert_cancelled (ahead);
}

/* It cannot be killed: it is given up, and another thread goes on. */
static void
gives_up_thread (void)
{
  g_autoptr (TaskTest) test = task_test_new (TRUE, 1);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "hang", NULL);
  g_autoptr (FerryTask) timed = ferry_task_new (FERRY_TASK_KIND_CALL, "hang", NULL);
  g_autoptr (FerryTask) behind = NULL;

  ferry_task_set_cancel_grace (task, 20000);
  ferry_task_set_cancel_grace (timed, 20000);
  ferry_task_set_run_timeout (timed, 20000);
  task_test_submit_task (test->executor, task);
  task_test_wait_begun (task);
  task_test_submit_task (test->executor, timed);
  behind = task_test_submit (test->executor, "echo", g_variant_new_string ("behind"));
  ferry_task_cancel (task);
  task_test_assert_cancelled (task);
  task_test_assert_failed (timed, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  task_test_assert_result (behind, "'behind'");
}

/* ---- a kill and the next task ---- */

static void
finished (FerryTask *task, gpointer data)
{
  ++*(guint *) data;
}

/* Cancels race with answers, and neighbours wait right behind: none of them is ever hit. */
static void
never_hit_the_next_task (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  guint n_hit = 0;

  g_object_set (test->pool, "restart-limit", 1000, "restart-interval", (gint64) 1, NULL);
  for (guint i = 0; i < 400; i++)
    {
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, i % 2 ? "spin-for-ever" : "nothing", NULL);
      g_autoptr (GPtrArray) neighbours = g_ptr_array_new_with_free_func (g_object_unref);
      guint n_done = 0;

      ferry_task_set_cancel_grace (task, (gint64) (i / 2 % 8) * 50);
      task_test_submit_task (test->executor, task);
      for (guint j = 0; j < 6; j++)
        g_ptr_array_add (neighbours,
                         task_test_submit (test->executor, "add", g_variant_new_parsed ("(int64 1, int64 1)")));
      g_signal_connect (g_ptr_array_index (neighbours, 0), "done", G_CALLBACK (finished), &n_done);
      for (guint turn = 0; turn < i % 5; turn++)
        g_main_context_iteration (NULL, FALSE);
      ferry_task_cancel (task);
      for (guint j = 0; j < neighbours->len; j++)
        task_test_assert_result (g_ptr_array_index (neighbours, j), "2");
      task_test_wait_done (task);
      g_assert_cmpuint (n_done, ==, 1);
      n_hit += ferry_task_get_exit (task) != NULL;
    }
  g_assert_cmpuint (ferry_test_get_number (test->executor, "n-failed"), ==, 0);
  g_test_message ("%u processes were ended", n_hit);
}

/* A pool sends tasks ahead where they are short. */
static void
run_short_tasks (TaskTest *test)
{
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (FerryTask) task = task_test_submit (test->executor, "nothing", NULL);

      task_test_wait_done (task);
    }
}

/* Opens it for writing if another process has it open for reading before long. */
static int
open_in_time (const char *fifo)
{
  gint64 deadline = g_get_monotonic_time () + G_USEC_PER_SEC;
  int fd;

  do
    fd = open (fifo, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  while (fd < 0 && errno == ENXIO && g_get_monotonic_time () < deadline);
  return fd;
}

/* The executor's only task is answered, and its worker is at another executor's, when its time to shut down is over:
 * none of this has been heard of. Returns whether it came so; where tasks took long, the other one was not sent ahead.
 */
static gboolean
shut_down_unheard (TaskTest *test, const char *fifo)
{
  g_autoptr (FerryExecutor) ending = ferry_executor_new (test->pool);
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "send", g_variant_new_uint64 (N_MESSAGES));
  g_autoptr (FerryTask) behind = NULL;
  ferry_test_autofd fd = -1;
  gboolean ended = FALSE;
  gboolean was_ahead;

  run_short_tasks (test);
  ferry_task_set_cancel_grace (task, 0);
  task_test_submit_task (ending, task);
  behind = task_test_submit (test->executor, "read-fifo", g_variant_new_string (fifo));
  ferry_executor_shutdown_async (ending, 0, NULL, set_flag, &ended);
  fd = open_in_time (fifo);
  was_ahead = fd >= 0;
  ferry_test_wait_flag (&ended);
  if (!was_ahead)
    {
      task_test_wait_begun (behind);
      fd = open (fifo, O_WRONLY | O_CLOEXEC);
    }
  g_assert_cmpint (write (fd, "x", 1), ==, 1);
  task_test_wait_done (behind);
  g_assert_no_error ((GError *) ferry_task_get_error (behind));
  return was_ahead;
}

static void
shutdown_never_hits_the_next_task (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autofree char *fifo = g_build_filename (folder, "fifo", NULL);
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  guint n_ahead = 0;

  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  for (guint i = 0; i < 20 && n_ahead < 5; i++)
    n_ahead += shut_down_unheard (test, fifo);
  if (n_ahead == 0)
    g_test_skip ("Tasks take so long on this machine that none is sent ahead");
  g_unlink (fifo);
  g_rmdir (folder);
}

/* ---- pauses ---- */

static gboolean
is_stopped_for_a_pause (gpointer data)
{
  return ferry_test_is_stopped (ferry_test_get_process (data));
}

/* What two functions may run for, one that looks for a pause and one whose process is stopped, and what a task behind
 * them may wait for: after a pause that is longer than that, there is still some left. */
static void
stand_still_in_a_pause (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 2);
  g_autoptr (FerryTask) looking = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report-until-cancelled", NULL);
  g_autoptr (FerryTask) stoppable = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "sleep-until-cancelled", NULL);
  g_autoptr (FerryTask) behind = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  FerryTask *tasks[] = {looking, stoppable, behind};
  const FerryError errors[] = {FERRY_ERROR_TIMED_OUT, FERRY_ERROR_TIMED_OUT, FERRY_ERROR_QUEUE_TIMED_OUT};
  gint64 paused, resumed;

  g_object_set (looking, "run-timeout", (gint64) G_USEC_PER_SEC, "cancel-grace", (gint64) GRACE, NULL);
  g_object_set (stoppable, "run-timeout", (gint64) G_USEC_PER_SEC, "cancel-grace", (gint64) GRACE, "stoppable", TRUE,
                NULL);
  g_object_set (behind, "queue-timeout", (gint64) G_USEC_PER_SEC / 2, NULL);
  task_test_submit_task (test->executor, looking);
  task_test_submit_task (test->executor, stoppable);
  task_test_wait_begun (looking);
  task_test_wait_begun (stoppable);
  task_test_submit_task (test->executor, behind);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    ferry_task_pause (tasks[i]);
  paused = g_get_monotonic_time ();
  /* This takes a second. */
  ferry_test_look_until (is_stopped_for_a_pause, stoppable);
  while (g_get_monotonic_time () < paused + 3 * G_USEC_PER_SEC / 2)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpint (ferry_task_get_state (looking), ==, FERRY_TASK_STATE_EXECUTING);
  g_assert_cmpint (ferry_task_get_state (stoppable), ==, FERRY_TASK_STATE_EXECUTING);
  g_assert_cmpint (ferry_task_get_state (behind), ==, FERRY_TASK_STATE_WAITING);
  resumed = g_get_monotonic_time ();
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    ferry_task_resume (tasks[i]);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      task_test_wait_done (tasks[i]);
      g_assert_cmpint (g_get_monotonic_time () - resumed, >, G_USEC_PER_SEC / 8);
      task_test_assert_failed (tasks[i], FERRY_ERROR, errors[i]);
    }
}

static void
at_a_time_do_not_stand_still_in_a_pause (void)
{
  g_autoptr (TaskTest) test = task_test_new (FALSE, 1);
  g_autoptr (FerryTask) running = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report-until-cancelled", NULL);
  g_autoptr (FerryTask) waiting = ferry_task_new (FERRY_TASK_KIND_CALL, "nothing", NULL);
  g_autoptr (FerryTask) first = task_test_submit (test->executor, "nothing", NULL);
  gint64 deadline;

  /* The worker is there then, and begins in time on a busy machine, too. */
  task_test_wait_done (first);
  deadline = g_get_monotonic_time () + 2 * G_USEC_PER_SEC;
  g_object_set (running, "deadline", deadline, "run-timeout", (gint64) 3600 * G_USEC_PER_SEC, NULL);
  g_object_set (waiting, "deadline", deadline, "queue-timeout", (gint64) 3600 * G_USEC_PER_SEC, NULL);
  ferry_task_pause (waiting);
  task_test_submit_task (test->executor, running);
  task_test_submit_task (test->executor, waiting);
  task_test_wait_begun (running);
  ferry_task_pause (running);
  task_test_assert_failed (running, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
  task_test_assert_failed (waiting, FERRY_ERROR, FERRY_ERROR_TIMED_OUT);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_data_func ("/deadlines/of-a-cancel-end-a-sleep", &sleeping, ends_by_cancel);
  g_test_add_data_func ("/deadlines/of-a-cancel-end-a-loop", &looping, ends_by_cancel);
  g_test_add_data_func ("/deadlines/of-a-cancel-end-a-process-that-stands-still", &stopped, ends_by_cancel);
  g_test_add_data_func ("/deadlines/of-a-cancel-end-what-ignores-signals", &deaf, ends_by_cancel);
  g_test_add_data_func ("/deadlines/of-a-shutdown-end-a-sleep", &sleeping, ends_by_shutdown);
  g_test_add_data_func ("/deadlines/of-a-shutdown-end-a-loop", &looping, ends_by_shutdown);
  g_test_add_data_func ("/deadlines/of-a-shutdown-end-a-process-that-stands-still", &stopped, ends_by_shutdown);
  g_test_add_data_func ("/deadlines/of-a-shutdown-end-what-ignores-signals", &deaf, ends_by_shutdown);
  g_test_add_data_func ("/deadlines/of-a-run-end-a-sleep", &sleeping, ends_by_run_timeout);
  g_test_add_data_func ("/deadlines/of-a-run-end-a-loop", &looping, ends_by_run_timeout);
  g_test_add_data_func ("/deadlines/of-a-run-end-a-process-that-stands-still", &stopped, ends_by_run_timeout);
  g_test_add_data_func ("/deadlines/of-a-run-end-what-ignores-signals", &deaf, ends_by_run_timeout);
  g_test_add_data_func ("/deadlines/of-a-run-spare-a-process-that-heeds-them", GINT_TO_POINTER (FALSE),
                        spares_worker_that_heeds_its_run_timeout);
  g_test_add_data_func ("/deadlines/of-a-queue-of-processes", GINT_TO_POINTER (FALSE), fails_what_waited_for_too_long);
  g_test_add_func ("/deadlines/of-a-queue-count-ahead", fails_what_was_sent_ahead_and_waited_for_too_long);
  g_test_add_func ("/deadlines/never-hit-the-next-task", never_hit_the_next_task);
  g_test_add_func ("/deadlines/of-a-shutdown-never-hit-the-next-task", shutdown_never_hits_the_next_task);
  g_test_add_data_func ("/deadlines/of-a-run-spare-a-thread-that-heeds-them", GINT_TO_POINTER (TRUE),
                        spares_worker_that_heeds_its_run_timeout);
  g_test_add_data_func ("/deadlines/of-a-queue-of-threads", GINT_TO_POINTER (TRUE), fails_what_waited_for_too_long);
  g_test_add_func ("/deadlines/give-up-a-thread", gives_up_thread);
  g_test_add_func ("/deadlines/of-runs-and-queues-stand-still-in-a-pause", stand_still_in_a_pause);
  g_test_add_func ("/deadlines/at-a-time-do-not-stand-still-in-a-pause", at_a_time_do_not_stand_still_in_a_pause);
  return g_test_run ();
}
