/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-worker.c, engine/ferry-exit.c
 *
 * What comes before the end of a worker is told, and that it is told whichever process reaps. */

#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/worker-test.h"

/* ---- what comes when ---- */

#define N_PIPES 5

typedef struct
{
  FerryTestPipe *pipes[N_PIPES];
  guint n_ended;
  guint n_closed_before;
} Ending;

static void
ended_cb (FerryWorker *worker, FerryExit *exit, gpointer user_data)
{
  Ending *ending = user_data;

  ending->n_ended++;
  for (guint i = 0; i < N_PIPES; i++)
    ending->n_closed_before += ending->pipes[i]->n_closed;
}

static void
test_tells_receivers_before_the_worker (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("curious-worker", "pause", NULL);
  g_autoptr (FerryWorker) worker = NULL;
  Ending ending = {0};

  for (guint i = 0; i < N_PIPES; i++)
    {
      g_autofree char *name = g_strdup_printf ("out%u", i);

      ending.pipes[i] = ferry_test_pipe_new (router);
      worker_test_add_sender (launcher, name, ending.pipes[i]);
    }
  worker = worker_test_spawn (launcher, router);
  g_signal_connect (worker, "ended", G_CALLBACK (ended_cb), &ending);
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  g_assert_cmpuint (ending.n_ended, ==, 1);
  g_assert_cmpuint (ending.n_closed_before, ==, N_PIPES);
  for (guint i = 0; i < N_PIPES; i++)
    {
      ferry_test_pipe_assert_end (ending.pipes[i], FERRY_CLOSE_REASON_KILLED);
      ferry_test_pipe_free (ending.pipes[i]);
    }
  ferry_test_router_stop (router);
}

static void
test_does_not_close_a_stopped_pipe_again (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:1000", "stop", "crash", NULL);

  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 11");
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
  ferry_test_router_stop (router);
}

/* Whether a process waits and a count stands still: it waits for room, and the test for its waiting. */
static gboolean
waits_for_room (GPid pid, _Atomic guint64 *count)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
  guint64 before = atomic_load (count);

  for (guint look = 0; look < 200; look++)
    {
      g_autofree char *text = NULL;

      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      if (strrchr (text, ')')[2] != 'S' || atomic_load (count) != before)
        return FALSE;
    }
  return before > 0;
}

/* The main loop stands still from the moment that the worker's process is known to its end. */
static void
test_delivers_a_full_lane_after_a_crash (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("counting-worker", "1", "64", NULL);
  g_autoptr (FerryWorker) worker = NULL;
  int memory = memfd_create ("acknowledged", MFD_CLOEXEC);
  _Atomic guint64 *acknowledged;

  g_assert_no_errno (ftruncate (memory, sizeof *acknowledged));
  acknowledged = mmap (NULL, sizeof *acknowledged, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDIN, memory);
  worker_test_add_sender (launcher, "out", pipe);
  worker = worker_test_spawn (launcher, router);
  worker_test_wait_open (worker);
  while (!waits_for_room (ferry_test_get_process (worker), acknowledged))
    g_thread_yield ();
  ferry_worker_force_exit (worker);
  worker_test_wait_gone (ferry_test_get_process (worker));
  ferry_test_wait_ended (worker);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_KILLED);
  g_assert_cmpuint (pipe->n_messages, >=, atomic_load (acknowledged));
  g_assert_cmpuint (pipe->n_messages, <=, atomic_load (acknowledged) + 1);
  munmap ((void *) acknowledged, sizeof *acknowledged);
  ferry_test_router_stop (router);
}

/* ---- with others that reap ---- */

static void
test_is_told_when_the_application_ignores_its_children (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = NULL;

  signal (SIGCHLD, SIG_IGN);
  worker = ferry_test_spawn_obedient (router, pipe, "send:1000", "exit:7", NULL);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status was taken");
  signal (SIGCHLD, SIG_DFL);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpuint (pipe->n_messages, ==, 1000);
  g_assert_cmpint (ferry_exit_get_exit_status (pipe->exit), ==, -1);
  g_assert_false (ferry_exit_is_success (pipe->exit));
  ferry_test_router_stop (router);
}

static gpointer
reap_everything (gpointer data)
{
  _Atomic gboolean *stop = data;

  while (!atomic_load (stop))
    if (waitpid (-1, NULL, WNOHANG) <= 0)
      g_thread_yield ();
  return NULL;
}

#define N_REAPED 20

static void
test_is_told_when_another_part_reaps (void)
{
  FerryRouter *router = ferry_test_router_new ();
  _Atomic gboolean stop = FALSE;
  GThread *thread = g_thread_new ("reaper", reap_everything, (gpointer) &stop);

  for (guint i = 0; i < N_REAPED; i++)
    {
      g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
      g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "send:100", "exit:0", NULL);

      worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "");
      ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_EXITED);
      g_assert_cmpuint (pipe->n_messages, ==, 100);
    }
  atomic_store (&stop, TRUE);
  g_thread_join (thread);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/closing/tells-receivers-before-the-worker", test_tells_receivers_before_the_worker);
  g_test_add_func ("/closing/does-not-close-a-stopped-pipe-again", test_does_not_close_a_stopped_pipe_again);
  g_test_add_func ("/closing/delivers-a-full-lane-after-a-crash", test_delivers_a_full_lane_after_a_crash);
  g_test_add_func ("/closing/is-told-when-the-application-ignores-its-children",
                   test_is_told_when_the_application_ignores_its_children);
  g_test_add_func ("/closing/is-told-when-another-part-reaps", test_is_told_when_another_part_reaps);
  return g_test_run ();
}
