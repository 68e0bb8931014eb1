/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-starters.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench-team.h"

static BenchStart
read_time (int fd, gint64 started)
{
  BenchStart start;
  gint64 told;

  if (read (fd, &told, sizeof told) != sizeof told)
    bench_fail ("a process did not tell the time", NULL);
  start.answer = bench_now () - started;
  start.instruction = told - started;
  return start;
}

/* Takes the time that a process tells, and waits until it has ended, so that its end is in no other's figure. */
static BenchStart
take_time (int fd, gint64 started)
{
  const BenchStart start = read_time (fd, started);
  char byte;

  if (read (fd, &byte, sizeof byte) != 0)
    bench_fail ("a process told too much", NULL);
  close (fd);
  return start;
}

BenchForkServer *
bench_fork_server_new (const char *program)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *path = bench_path_beside (program);
  g_autoptr (GError) error = NULL;
  BenchForkServer *self = g_new0 (BenchForkServer, 1);
  int sockets[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
    bench_fail ("socketpair", NULL);
  g_subprocess_launcher_take_stdin_fd (launcher, sockets[1]);
  self->control = sockets[0];
  self->process = g_subprocess_launcher_spawn (launcher, &error, path, NULL);
  if (self->process == NULL)
    bench_fail (program, error);
  return self;
}

void
bench_fork_server_free (BenchForkServer *self)
{
  close (self->control);
  g_subprocess_wait (self->process, NULL, NULL);
  g_object_unref (self->process);
  g_free (self);
}

BenchStart
bench_start_bare (BenchForkServer *fork_server)
{
  const gint64 started = bench_now ();
  char byte = 0, control[CMSG_SPACE (sizeof (int))] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) < 0)
    bench_fail ("pipe2", NULL);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (header), &fds[1], sizeof (int));
  if (sendmsg (fork_server->control, &message, 0) != 1)
    bench_fail ("sendmsg", NULL);
  close (fds[1]);
  return take_time (fds[0], started);
}

BenchStart
bench_start_posix_spawn (void)
{
  g_autofree char *path = bench_path_beside ("bench-first-byte");
  char *const argv[] = {path, NULL};
  posix_spawn_file_actions_t actions;
  BenchStart start;
  gint64 started;
  int fds[2];
  pid_t pid;

  started = bench_now ();
  if (pipe2 (fds, O_CLOEXEC) < 0)
    bench_fail ("pipe2", NULL);
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, fds[1], STDOUT_FILENO);
  if (posix_spawn (&pid, path, &actions, NULL, argv, environ) != 0)
    bench_fail ("posix_spawn", NULL);
  close (fds[1]);
  start = take_time (fds[0], started);
  posix_spawn_file_actions_destroy (&actions);
  waitpid (pid, NULL, 0);
  return start;
}

BenchStart
bench_start_gsubprocess (void)
{
  g_autofree char *path = bench_path_beside ("bench-first-byte");
  const gint64 started = bench_now ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, path, NULL);
  GInputStream *output;
  BenchStart start;

  if (process == NULL)
    bench_fail ("GSubprocess", error);
  output = g_subprocess_get_stdout_pipe (process);
  start = take_time (dup (g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (output))), started);
  g_subprocess_wait (process, NULL, NULL);
  return start;
}

BenchStart
bench_start_worker (FerryLauncher *launcher, FerryRouter *router)
{
  const gint64 started = bench_now ();
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  BenchStart start;
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) < 0)
    bench_fail ("pipe2", NULL);
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDOUT, fds[1]);
  worker = ferry_launcher_spawn (launcher, router, &error);
  if (worker == NULL)
    bench_fail ("a worker", error);
  start = read_time (fds[0], started);
  close (fds[0]);
  while (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_ENDED)
    g_main_context_iteration (NULL, TRUE);
  return start;
}
