/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: engine/ferry-shared-queue.c, link/ferry-orphan.c, wire/ferry-handshake.c
 *
 * Workers that misuse their control socket, their doorbell and the memory that they share. */

#include "config.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "process/hostile-test.h"

#define FAULT FERRY_CLOSE_REASON_PROTOCOL_ERROR
#define EXITED FERRY_CLOSE_REASON_EXITED

#define HANDSHAKE(name, what, words)                                                                                   \
  {                                                                                                                    \
    "/hostile-link/" name, "welcome packet:" what " pause", 0, FAULT, words                                            \
  }

#define AFTER_100(name, orders, words)                                                                                 \
  {                                                                                                                    \
    "/hostile-link/" name, "attach send:100 " orders " pause", 100, FAULT, words                                       \
  }

/* Of what may write over the messages as well. */
#define DRAINED_100(name, orders, words)                                                                               \
  {                                                                                                                    \
    "/hostile-link/" name, "attach send:100 drained " orders " pause", 100, FAULT, words                               \
  }

static const HostileRow rows[] = {
  HANDSHAKE ("refuses-garbage-for-an-answer", "garbage", "do not begin as a packet does"),
  HANDSHAKE ("refuses-another-magic", "magic", "do not begin as a packet does"),
  HANDSHAKE ("refuses-another-version", "version", "protocol version 99 and this application version 9"),
  HANDSHAKE ("refuses-another-version-that-is-longer", "version-long", "version 99 and this application version 9"),
  HANDSHAKE ("refuses-another-version-that-is-shorter", "version-short", "version 99 and this application version 9"),
  HANDSHAKE ("refuses-another-kind-of-answer", "kind", "a packet of kind 77; it must send attach"),
  HANDSHAKE ("refuses-an-answer-with-another-size", "size", "with a segment size of"),
  HANDSHAKE ("refuses-an-answer-that-is-too-short", "short", "an attach packet of 16 bytes; it must have 32"),
  HANDSHAKE ("refuses-an-answer-that-is-too-long", "long", "an attach packet of 4096 bytes; it must have 32"),
  HANDSHAKE ("refuses-an-answer-with-a-descriptor", "descriptor", "descriptors"),
  HANDSHAKE ("refuses-an-answer-with-many-descriptors", "descriptors", "descriptors"),
  AFTER_100 ("refuses-a-second-answer", "packet:attach", "after attach"),
  AFTER_100 ("refuses-garbage-after-the-answer", "packet:garbage", "after attach"),
  AFTER_100 ("refuses-a-descriptor-after-the-answer", "packet:descriptor", "descriptors"),
  AFTER_100 ("refuses-many-descriptors-after-the-answer", "packet:descriptors", "descriptors"),
  AFTER_100 ("refuses-a-flood-of-packets", "packets", "On its control socket"),
  HANDSHAKE ("refuses-an-empty-answer", "nothing", "sent 0 bytes"),
  AFTER_100 ("refuses-an-empty-packet-after-the-answer", "packet:nothing", "a packet of 0 bytes"),

  AFTER_100 ("refuses-a-storm-of-rings", "bell-storm", "rang its doorbell"),
  AFTER_100 ("refuses-a-storm-of-rings-of-a-blocking-doorbell", "bell-block bell-storm", "rang its doorbell"),
  {"/hostile-link/refuses-a-storm-of-rings-before-the-answer", "welcome bell-storm", 0, FAULT, "rang its doorbell"},
  {"/hostile-link/hears-an-emptied-doorbell", "attach send:50 bell-block bell-empty send:50 exit:0", 100, EXITED,
   "status 0"},
  {"/hostile-link/hears-at-the-end-what-a-full-doorbell-kept", "attach send:50 drained bell-fill send:50 exit:0", 100,
   EXITED, "status 0"},

  DRAINED_100 ("survives-scribbling", "scribble:1", "broke the protocol"),
  DRAINED_100 ("survives-scribbling-that-goes-on", "scribble:1000", "broke the protocol"),
  {"/hostile-link/ignores-a-head-that-is-overwritten", "attach send:50 drained head send:50 exit:0", 100, EXITED,
   "status 0"},
  {"/hostile-link/ignores-a-pipe-table-that-is-overwritten", "attach send:50 table send:50 exit:0", 100, EXITED,
   "status 0"},
  {"/hostile-link/ignores-wild-words-of-waiting", "attach waiting:500 exit:0", 500, EXITED, "status 0"},
};

/* Has a worker do something to its doorbell after 100 messages, and asserts that it does no harm and can be ended. */
static void
assert_harmless (const char *orders)
{
  static const HostileRow row = {NULL, NULL, 100, FERRY_CLOSE_REASON_KILLED, "signal 9"};
  HostileTest test;

  hostile_test_begin (&test);
  hostile_test_spawn (&test, orders);
  ferry_test_pipe_wait_count (test.pipe, 100);
  hostile_test_assert_progress (&test);
  hostile_test_assert_progress (&test);
  ferry_worker_force_exit (test.worker);
  hostile_test_assert_ended (&test, &row);
  hostile_test_finish (&test);
}

static void
test_survives_a_doorbell_that_is_blocking_and_full (void)
{
  assert_harmless ("attach send:100 bell-fill bell-block pause");
}

/* Emptied before the application has looked, it would keep the worker's own messages back. */
static void
test_survives_a_doorbell_that_is_blocking_and_empty (void)
{
  assert_harmless ("attach send:100 drained bell-empty bell-block pause");
}

/* The other way round: a storm must not keep an honest worker from ever ending well. */
static void
test_finishes_honest_work_during_a_storm (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryTestPipe) hostile_pipe = ferry_test_pipe_new (router);
  g_autofree char *path = ferry_test_build_path ("hostile-worker");
  g_autoptr (FerryWorker) hostile =
    ferry_test_spawn (router, path, hostile_pipe, "attach", "send:1", "bell-storm", NULL);
  g_autoptr (FerryWorker) worker = NULL;

  ferry_test_pipe_wait_count (hostile_pipe, 1);
  worker = ferry_test_spawn_obedient (router, pipe, "send:300000", "stop", NULL);
  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 300000);
  ferry_test_wait_ended (worker);
  ferry_worker_force_exit (hostile);
  ferry_test_wait_ended (hostile);
  ferry_test_router_stop (router);
}

/* While the application takes nothing, more lies in the lane than its monitor takes out. */
#define N_UNDRAINED 60000

static gboolean
has_process (gpointer worker)
{
  return ferry_worker_get_identifier (worker) != NULL;
}

static void
assert_delivered_before_the_fault (const char *fault, const char *words)
{
  const HostileRow row = {NULL, NULL, N_UNDRAINED, FAULT, words};
  g_autofree char *orders = g_strdup_printf ("attach send:%d %s pause", N_UNDRAINED, fault);
  HostileTest test;
  struct pollfd poll_fd = {.events = POLLIN};

  hostile_test_begin (&test);
  hostile_test_spawn (&test, orders);
  ferry_test_run_until (has_process, test.worker);
  poll_fd.fd = (int) syscall (SYS_pidfd_open, ferry_test_get_process (test.worker), 0);
  /* Where there is none, the process has ended already. */
  if (poll_fd.fd >= 0)
    {
      g_assert_cmpint (TEMP_FAILURE_RETRY (poll (&poll_fd, 1, -1)), ==, 1);
      close (poll_fd.fd);
    }
  hostile_test_assert_ended (&test, &row);
  hostile_test_finish (&test);
}

static void
test_delivers_what_was_published_before_a_fault (void)
{
  assert_delivered_before_the_fault ("packet:attach", "after attach");
  assert_delivered_before_the_fault ("bell-storm", "rang its doorbell");
}

#define N_HOSTILE 20

static gboolean
has_so_many_fds (gpointer data)
{
  return ferry_test_count_fds () == *(guint *) data;
}

/* Workers that break the protocol, one after the other, leave nothing behind. */
static void
test_leaves_no_descriptor_of_hostile_workers (void)
{
  static const char *const orders[] = {"welcome packet:descriptors pause", "attach send:100 kind:0 pause",
                                       "attach index:4 send:1 pause", "attach packet:attach pause"};
  FerryRouter *router = ferry_test_router_new_with_guardian ();
  g_autofree char *path = ferry_test_build_path ("hostile-worker");
  guint before = ferry_test_count_fds ();

  for (guint i = 0; i < N_HOSTILE; i++)
    {
      g_auto (GStrv) words = g_strsplit (orders[i % G_N_ELEMENTS (orders)], " ", -1);
      g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
      g_autoptr (FerryWorker) worker =
        ferry_test_spawn (router, path, pipe, words[0], words[1], words[2], words[2] != NULL ? words[3] : NULL, NULL);

      worker_test_assert_exit (worker, FAULT, "");
    }
  ferry_test_look_until (has_so_many_fds, &before);
  g_assert_cmpuint (ferry_router_get_counter (router, FERRY_COUNTER_PROTOCOL_ERRORS), ==, N_HOSTILE);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  hostile_test_add_rows (rows, G_N_ELEMENTS (rows));
  g_test_add_func ("/hostile-link/survives-a-doorbell-that-is-blocking-and-full",
                   test_survives_a_doorbell_that_is_blocking_and_full);
  g_test_add_func ("/hostile-link/survives-a-doorbell-that-is-blocking-and-empty",
                   test_survives_a_doorbell_that_is_blocking_and_empty);
  g_test_add_func ("/hostile-link/delivers-what-was-published-before-a-fault",
                   test_delivers_what_was_published_before_a_fault);
  g_test_add_func ("/hostile-link/finishes-honest-work-during-a-storm", test_finishes_honest_work_during_a_storm);
  g_test_add_func ("/hostile-link/leaves-no-descriptor-of-hostile-workers",
                   test_leaves_no_descriptor_of_hostile_workers);
  return g_test_run ();
}
