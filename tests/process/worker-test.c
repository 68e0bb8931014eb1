/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "process/worker-test.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "base/ferry-base-private.h"

/* A launcher for a program that stands beside the tests, or any other when it is a path, with its orders. */
FerryLauncher *
worker_test_launcher_new (const char *program, const char *first_order, ...)
{
  g_autofree char *path = g_path_is_absolute (program) ? g_strdup (program) : ferry_test_build_path (program);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  va_list orders;

  g_ptr_array_add (argv, path);
  va_start (orders, first_order);
  for (const char *order = first_order; order != NULL; order = va_arg (orders, const char *))
    g_ptr_array_add (argv, (gpointer) order);
  va_end (orders);
  g_ptr_array_add (argv, NULL);
  return ferry_launcher_new ((const char *const *) argv->pdata);
}

FerryWorker *
worker_test_spawn (FerryLauncher *launcher, FerryRouter *router)
{
  g_autoptr (GError) error = NULL;
  FerryWorker *worker = ferry_launcher_spawn (launcher, router, &error);

  g_assert_no_error (error);
  return worker;
}

void
worker_test_add_sender (FerryLauncher *launcher, const char *name, FerryTestPipe *pipe)
{
  g_autoptr (GError) error = NULL;

  ferry_launcher_add_sender (launcher, name, pipe->sender, &error);
  g_assert_no_error (error);
}

/* Gives the worker a stream. Its other end is returned. */
int
worker_test_open_output (FerryLauncher *launcher, FerryStream stream)
{
  int fds[2];

  g_assert_no_errno (pipe2 (fds, O_CLOEXEC));
  ferry_launcher_take_stream_fd (launcher, stream, fds[1]);
  return fds[0];
}

/* Spawns the worker with its standard output going to *fd, which ends when no process has it any more. */
FerryWorker *
worker_test_spawn_with_output (FerryLauncher *launcher, FerryRouter *router, int *fd)
{
  FerryWorker *worker;

  *fd = worker_test_open_output (launcher, FERRY_STREAM_STDOUT);
  worker = worker_test_spawn (launcher, router);
  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_INHERIT, NULL);
  return worker;
}

/* Reads a byte; returns FALSE at the end. */
static gboolean
read_byte (int fd, char *byte)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

  g_assert_cmpint (poll (&poll_fd, 1, FERRY_TEST_TIMEOUT_SECONDS * 1000), ==, 1);
  return read (fd, byte, 1) == 1;
}

/* Reads until no process writes any more. */
char *
worker_test_read_all (int fd)
{
  GString *text = g_string_new (NULL);
  char byte;

  while (read_byte (fd, &byte))
    g_string_append_c (text, byte);
  return g_string_free (text, FALSE);
}

char *
worker_test_read_line (int fd)
{
  GString *text = g_string_new (NULL);
  char byte;

  while (read_byte (fd, &byte) && byte != '\n')
    g_string_append_c (text, byte);
  return g_string_free (text, FALSE);
}

/* Runs a worker to its end, which must be a good one, and returns what it wrote to standard output. */
char *
worker_test_run (FerryLauncher *launcher, FerryRouter *router)
{
  ferry_autofd fd = -1;
  g_autoptr (FerryWorker) worker = worker_test_spawn_with_output (launcher, router, &fd);
  char *text = worker_test_read_all (fd);

  ferry_test_wait_ended (worker);
  if (!ferry_exit_is_success (ferry_test_get_object (worker, "exit")))
    g_error ("%s", ferry_exit_get_message (ferry_test_get_object (worker, "exit")));
  return text;
}

static gboolean
is_open (gpointer data)
{
  return ferry_worker_get_state (data) != FERRY_WORKER_STATE_STARTING;
}

void
worker_test_wait_open (FerryWorker *worker)
{
  ferry_test_run_until (is_open, worker);
  g_assert_cmpint (ferry_worker_get_state (worker), ==, FERRY_WORKER_STATE_OPEN);
}

static gboolean
is_launched (gpointer data)
{
  return ferry_worker_get_identifier (data) != NULL;
}

void
worker_test_wait_launched (FerryWorker *worker)
{
  ferry_test_run_until (is_launched, worker);
}

static gboolean
is_gone (gpointer data)
{
  return !ferry_test_is_alive (*(GPid *) data);
}

/* Waits for the end of a process that is no child of ours. */
void
worker_test_wait_gone (GPid pid)
{
  ferry_test_look_until (is_gone, &pid);
}

/* Asserts how a worker ended, and that its message has those words. */
void
worker_test_assert_exit (FerryWorker *worker, FerryCloseReason reason, const char *words)
{
  FerryExit *exit;

  ferry_test_wait_ended (worker);
  exit = ferry_test_get_object (worker, "exit");
  if (ferry_exit_get_reason (exit) != reason || strstr (ferry_exit_get_message (exit), words) == NULL)
    g_error ("Ended with reason %d (%s), not %d (… %s …)", ferry_exit_get_reason (exit), ferry_exit_get_message (exit),
             reason, words);
}
