/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: lane/ferry-arena.c, lane/ferry-segment.c, engine/ferry-drain.c, engine/ferry-visits.c
 *
 * A worker can make page faults in its files take long: it fills them, and has the kernel free all pages. The main loop
 * waits for none of them. */

#include "config.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/ferry-base-private.h"
#include "link/ferry-link-private.h"
#include "process/ferry-worker-private.h"
#include "process/worker-test.h"

#define MEBIBYTE ((gsize) 1024 * 1024)
#define CAPACITY (256 * MEBIBYTE)
#define N_TRIES 5

static FerryWorker *
spawn (FerryTestPipe *pipe, const char *orders)
{
  g_autofree char *path = ferry_test_build_path ("hostile-worker");
  g_autofree char *line = g_strconcat (path, " ", orders, NULL);
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new ((const char *const *) argv);

  g_object_set (launcher, "buffer-capacity", (guint64) CAPACITY, NULL);
  worker_test_add_sender (launcher, "out", pipe);
  return worker_test_spawn (launcher, pipe->router);
}

/* How long this thread has run, and waited for a processor, in nanoseconds. */
static gint64
get_busy_time (void)
{
  g_autofree char *text = NULL;
  guint64 waited;

  g_assert_true (g_file_get_contents ("/proc/thread-self/schedstat", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%*u %" G_GUINT64_FORMAT, &waited), ==, 1);
  return ferry_test_read_clock (CLOCK_THREAD_CPUTIME_ID) * 1000 + (gint64) waited;
}

/* For how long an iteration of the main loop was held up, in nanoseconds: it never sleeps here, so that is the time in
 * which it neither runs nor waits for a processor. The thread may lose the processor while it asks, which takes longer
 * than an iteration, so the clock is read within what is known to be busy. */
static gint64
iterate (void)
{
  gint64 busy = get_busy_time ();
  gint64 began = g_get_monotonic_time ();
  gint64 took;

  g_main_context_iteration (NULL, FALSE);
  took = (g_get_monotonic_time () - began) * 1000;
  return took - (get_busy_time () - busy);
}

/* How long the worker's longest punch took. Sets *held_up to the longest time for which the main loop was held up. */
static gint64
run_puncher (FerryRouter *router, gint64 *held_up)
{
  FerryTestPipe *pipe = ferry_test_pipe_new (router);
  FerryWorker *worker = spawn (pipe, "welcome unread attach punch:4 send:1");
  gint64 longest;

  *held_up = 0;
  while (pipe->n_closed == 0)
    {
      gint64 time = iterate ();

      *held_up = MAX (*held_up, time);
    }
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  g_assert_cmpuint (pipe->n_messages, ==, 1);
  longest = (gint64) (pipe->next - 1) * 1000;
  g_test_message ("a punch took %" G_GINT64_FORMAT " ns, the main loop was held up for %" G_GINT64_FORMAT " ns",
                  longest, *held_up);
  g_object_unref (worker);
  ferry_test_pipe_free (pipe);
  return longest;
}

/* A machine that is shared holds threads up as well, but not each time. */
static void
test_main_loop_waits_for_no_punch (void)
{
  FerryRouter *router = ferry_test_router_new ();
  gint64 longest = 0, held_up = 0;

  if (!g_file_test ("/proc/thread-self/schedstat", G_FILE_TEST_EXISTS))
    g_test_skip ("the kernel does not tell how long a thread waits for a processor");
  else
    for (guint i = 0; i < N_TRIES && held_up >= longest / 10; i++)
      longest = run_puncher (router, &held_up);
  g_assert_cmpint (held_up, <=, longest / 10);
  ferry_test_router_stop (router);
}

/* ---- who copies ---- */

static void
buffer_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, gboolean *came)
{
  *came = TRUE;
}

static void
set_flag (gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

/* Lets the main loop rest for long enough that the monitor has lent it the drain lock. What is asserted holds without
 * that as well, but then is no wonder. */
static void
rest (void)
{
  gboolean rested = FALSE;

  g_timeout_add_once (50, set_flag, &rested);
  ferry_test_wait_flag (&rested);
}

static glong
count_faults (void)
{
  struct rusage usage;

  g_assert_no_errno (getrusage (RUSAGE_THREAD, &usage));
  return usage.ru_minflt;
}

/* Receives a buffer, and returns how many page faults this thread had meanwhile. */
static glong
receive (FerryRouter *router, const char *orders)
{
  FerryTestPipe *pipe = ferry_test_pipe_new (router);
  FerryWorker *worker = spawn (pipe, orders);
  gboolean came = FALSE;
  glong n;

  g_signal_connect (pipe->receiver, "buffer", G_CALLBACK (buffer_cb), &came);
  worker_test_wait_open (worker);
  rest ();
  n = count_faults ();
  /* The worker goes on. */
  atomic_store (&ferry_worker_get_link (worker)->arena->control->copied, 1);
  ferry_test_wait_flag (&came);
  n = count_faults () - n;
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  g_object_unref (worker);
  ferry_test_pipe_free (pipe);
  return n;
}

/* The application touches the pages of the arena for the first time, so the thread that copies them has faults: one for
 * 64 KiB or less, as kernels map up to 16 pages at once. The first buffer touches what is needed for any buffer. */
static void
test_main_loop_copies_no_buffer (void)
{
  FerryRouter *router = ferry_test_router_new ();
  const glong n_faults_of_a_visit = 16;

  receive (router, "attach copied buffer: pause");
  g_assert_cmpint (receive (router, "attach copied buffer:size=67108864 pause"), <, n_faults_of_a_visit);
  ferry_test_router_stop (router);
}

/* ---- slow copies ---- */

typedef struct
{
  FerryLink *link; /* (owned) */
  guint n;         /* buffers that have come */
  guint enough;
} Sent;

static void
count_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, Sent *sent)
{
  sent->n++;
}

static gboolean
was_slow (gpointer data)
{
  return __atomic_load_n (&((Sent *) data)->link->intake.next_copies_aside, __ATOMIC_RELAXED) > 0;
}

static gboolean
has_enough (gpointer data)
{
  return ((Sent *) data)->n >= ((Sent *) data)->enough;
}

/* The worker sends one buffer after the other while another process punches its arena. */
static void
test_another_thread_copies_after_a_slow_copy (void)
{
  FerryRouter *router = ferry_test_router_new ();
  FerryTestPipe *pipe = ferry_test_pipe_new (router);
  FerryWorker *worker = spawn (pipe, "attach punch-on buffers");
  Sent sent = {.link = ferry_link_ref (ferry_worker_get_link (worker))};

  g_signal_connect (pipe->receiver, "buffer", G_CALLBACK (count_cb), &sent);
  ferry_test_look_until (was_slow, &sent);
  sent.enough = sent.n + 10;
  ferry_test_look_until (has_enough, &sent);
  ferry_worker_force_exit (worker);
  ferry_test_wait_ended (worker);
  g_object_unref (worker);
  ferry_test_pipe_free (pipe);
  ferry_test_router_stop (router);
  /* The monitor is gone. */
  g_assert_cmpuint (sent.link->intake.n_copies_aside, <, sent.link->intake.next_copies_aside);
  ferry_link_unref (sent.link);
}

static void
bytes_cb (FerryReceiver *receiver, GVariant *metadata, GBytes *buffer, guint *n)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (buffer, &size);

  for (gsize i = 0; i < size; i++)
    g_assert_cmpuint (bytes[i], ==, i % 251);
  (*n)++;
}

/* Three copies by another thread, and the last by the monitor again. */
static void
test_copies_aside_are_whole (void)
{
  FerryRouter *router = ferry_test_router_new ();
  FerryTestPipe *pipe = ferry_test_pipe_new (router);
  FerryWorker *worker;
  guint n = 0;

  g_signal_connect (pipe->receiver, "buffer", G_CALLBACK (bytes_cb), &n);
  worker = ferry_test_spawn_obedient (router, pipe, "buffer:3145730", "buffer:5", NULL);
  /* Long before its worker has sent anything. */
  ferry_worker_get_link (worker)->intake.n_copies_aside = 3;
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (n, ==, 2);
  g_object_unref (worker);
  ferry_test_pipe_free (pipe);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/punched-holes/main-loop-waits-for-no-punch", test_main_loop_waits_for_no_punch);
  g_test_add_func ("/punched-holes/main-loop-copies-no-buffer", test_main_loop_copies_no_buffer);
  g_test_add_func ("/punched-holes/another-thread-copies-after-a-slow-copy",
                   test_another_thread_copies_after_a_slow_copy);
  g_test_add_func ("/punched-holes/copies-aside-are-whole", test_copies_aside_are_whole);
  return g_test_run ();
}
