/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: process/ferry-worker.c, process/ferry-attachment.c
 *
 * Workers that leave children behind, which keep the control socket, the doorbell and the lane: the worker's end is
 * the end of its own process, and comes in time. */

#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/ferry-base-private.h"
#include "process/worker-test.h"

typedef struct
{
  FerryRouter *router;
  FerryTestPipe *pipe;
  FerryWorker *worker;
  int output;
  GPid child;
} Family;

/* Has a worker send 1000 messages and leave a child, and waits for the end of the worker. */
static Family
family_new (const char *where, const char *what)
{
  g_autoptr (FerryLauncher) launcher = worker_test_launcher_new ("forking-worker", "1000", where, what, NULL);
  Family family = {.router = ferry_test_router_new ()};
  g_autofree char *line = NULL;

  family.pipe = ferry_test_pipe_new (family.router);
  worker_test_add_sender (launcher, "out", family.pipe);
  family.worker = worker_test_spawn_with_output (launcher, family.router, &family.output);
  line = worker_test_read_line (family.output);
  family.child = atoi (line);
  g_assert_cmpint (family.child, >, 0);
  worker_test_assert_exit (family.worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  return family;
}

static void
family_clear (Family *family)
{
  g_object_unref (family->worker);
  ferry_test_pipe_free (family->pipe);
  ferry_clear_fd (&family->output);
  ferry_test_router_stop (family->router);
}

/* Ends a child that nothing else ends. */
static void
end_child (Family *family)
{
  g_autofree char *rest = NULL;

  ferry_test_kill (family->child, SIGKILL);
  rest = worker_test_read_all (family->output);
  worker_test_wait_gone (family->child);
}

static void
test_does_not_wait_for_a_child_that_keeps_the_socket (void)
{
  Family family = family_new ("outside", "pause");

  g_assert_true (ferry_test_is_alive (family.child));
  ferry_test_pipe_assert_end (family.pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpuint (family.pipe->n_messages, ==, 1000);
  end_child (&family);
  family_clear (&family);
}

static void
test_ends_a_child_in_the_process_group (void)
{
  Family family = family_new ("inside", "pause");
  g_autofree char *rest G_GNUC_UNUSED = worker_test_read_all (family.output);

  worker_test_wait_gone (family.child);
  ferry_test_pipe_assert_end (family.pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpuint (family.pipe->n_messages, ==, 1000);
  family_clear (&family);
}

/* What the child writes is taken up to one last look, and not a record of it after `closed`. */
static void
test_hears_no_more_of_a_child_that_writes_on (void)
{
  Family family = family_new ("outside", "send");
  guint64 n_messages = family.pipe->n_messages;

  g_assert_true (ferry_test_is_alive (family.child));
  ferry_test_pipe_assert_end (family.pipe, FERRY_CLOSE_REASON_EXITED);
  g_assert_cmpuint (n_messages, >=, 1000);
  end_child (&family);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (family.pipe->n_messages, ==, n_messages);
  family_clear (&family);
}

static void
test_gives_other_workers_their_turn_beside_a_child_that_writes_on (void)
{
  Family family = family_new ("outside", "send");
  FerryTestPipe *pipe = ferry_test_pipe_new (family.router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (family.router, pipe, "send:100000", "stop", NULL);

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 100000);
  ferry_test_wait_ended (worker);
  ferry_test_pipe_free (pipe);
  end_child (&family);
  family_clear (&family);
}

static void
test_leaves_no_descriptor_of_its_link (void)
{
  Family family;
  guint before;

  g_main_context_default ();
  before = ferry_test_count_fds ();
  family = family_new ("outside", "pause");
  end_child (&family);
  family_clear (&family);
  g_assert_cmpuint (ferry_test_count_fds (), ==, before);
}

/* The router's stop kills the worker's own group as well. */
static void
test_ends_children_with_the_router (void)
{
  FerryRouter *router = ferry_test_router_new ();
  const char *argv[] = {"sh", "-c", "tail -f /dev/null & echo $!; wait", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryWorker) worker = NULL;
  g_autofree char *line = NULL;
  g_autofree char *rest = NULL;
  ferry_autofd fd = -1;

  worker = worker_test_spawn_with_output (launcher, router, &fd);
  line = worker_test_read_line (fd);
  g_assert_true (ferry_test_is_alive (atoi (line)));
  ferry_test_router_stop (router);
  rest = worker_test_read_all (fd);
  worker_test_wait_gone (atoi (line));
}

static void
test_ends_children_of_a_killed_worker (void)
{
  FerryRouter *router = ferry_test_router_new ();
  const char *argv[] = {"sh", "-c", "tail -f /dev/null & echo $!; wait", NULL};
  g_autoptr (FerryLauncher) launcher = ferry_launcher_new (argv);
  g_autoptr (FerryWorker) worker = NULL;
  g_autofree char *line = NULL;
  g_autofree char *rest = NULL;
  ferry_autofd fd = -1;

  worker = worker_test_spawn_with_output (launcher, router, &fd);
  line = worker_test_read_line (fd);
  ferry_worker_force_exit (worker);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_KILLED, "signal 9");
  rest = worker_test_read_all (fd);
  worker_test_wait_gone (atoi (line));
  ferry_test_router_stop (router);
}

static void
test_a_forked_child_does_not_write_into_the_lane (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker =
    ferry_test_spawn_obedient (router, pipe, "send:100", "fork-send", "send:100", "stop", NULL);

  ferry_test_pipe_wait_closed (pipe);
  ferry_test_pipe_assert_end (pipe, FERRY_CLOSE_REASON_STOPPED);
  g_assert_cmpuint (pipe->n_messages, ==, 200);
  ferry_test_wait_ended (worker);
  g_assert_true (ferry_exit_is_success (ferry_test_get_object (worker, "exit")));
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

/* It goes on as an application, where it would else be ended as a worker that cannot attach. */
static void
test_a_forked_child_does_not_become_a_worker (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryTestPipe) pipe = ferry_test_pipe_new (router);
  g_autoptr (FerryWorker) worker = ferry_test_spawn_obedient (router, pipe, "fork-main", "send:1", "stop", NULL);

  ferry_test_wait_ended (worker);
  g_assert_cmpint (ferry_exit_get_exit_status (ferry_test_get_object (worker, "exit")), ==, 0);
  ferry_test_pipe_wait_closed (pipe);
  g_clear_pointer (&pipe, ferry_test_pipe_free);
  ferry_test_router_stop (router);
}

static gboolean
has_no_child (gpointer data)
{
  siginfo_t info = {0};

  return waitid (P_PGID, (id_t) * (GPid *) data, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0;
}

/* Such as a worker has by CLONE_PARENT. */
static void
test_that_are_the_applications_are_ended_and_reaped (void)
{
  FerryRouter *router = ferry_test_router_new ();
  g_autoptr (FerryWorker) worker =
    ferry_test_spawn_obedient (router, NULL, "give-dead:200", "give-away:3", "exit:0", NULL);
  GPid pid;

  worker_test_wait_launched (worker);
  pid = ferry_test_get_process (worker);
  worker_test_assert_exit (worker, FERRY_CLOSE_REASON_EXITED, "status 0");
  ferry_test_look_until (has_no_child, &pid);
  ferry_test_router_stop (router);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
  g_test_add_func ("/grandchildren/do-not-keep-the-worker", test_does_not_wait_for_a_child_that_keeps_the_socket);
  g_test_add_func ("/grandchildren/end-with-the-process-group", test_ends_a_child_in_the_process_group);
  g_test_add_func ("/grandchildren/are-not-heard-after-the-end", test_hears_no_more_of_a_child_that_writes_on);
  g_test_add_func ("/grandchildren/do-not-hold-up-other-workers",
                   test_gives_other_workers_their_turn_beside_a_child_that_writes_on);
  g_test_add_func ("/grandchildren/leave-no-descriptor", test_leaves_no_descriptor_of_its_link);
  g_test_add_func ("/grandchildren/end-with-the-router", test_ends_children_with_the_router);
  g_test_add_func ("/grandchildren/end-with-a-killed-worker", test_ends_children_of_a_killed_worker);
  g_test_add_func ("/grandchildren/a-forked-child-does-not-write-into-the-lane",
                   test_a_forked_child_does_not_write_into_the_lane);
  g_test_add_func ("/grandchildren/a-forked-child-does-not-become-a-worker",
                   test_a_forked_child_does_not_become_a_worker);
  g_test_add_func ("/grandchildren/that-are-the-applications-are-ended-and-reaped",
                   test_that_are_the_applications_are_ended_and_reaped);
  return g_test_run ();
}
