/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads what a command's processes write that go on after it, so that they do not die of SIGPIPE: "gpg-agent", started
 * by gpg, may have the pipe that was gpg's standard error, and would end at its next word, long after the command
 * succeeded.
 *
 * The worker ends then, so a process of its own reads: this program with another argument. It has a session, as what it
 * reads from, and ends with the last process that holds a pipe. It may read a flood, so it takes no time from others.
 */

#include "command-drain.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROGRAM "/proc/self/exe"

/* The first descriptor above those that the process is given. */
#define SAFE_FD 10

/* ---- in the worker ---- */

static int
spawn (const int *fds, guint n_fds)
{
  char *const argv[] = {(char *) "ferry-command", (char *) COMMAND_DRAIN_ARGUMENT, NULL};
  char *const environment[] = {NULL};
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t signals;
  pid_t pid;
  int failure;

  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  for (int target = STDIN_FILENO; target <= STDERR_FILENO; target++)
    {
      if ((guint) target < n_fds)
        posix_spawn_file_actions_adddup2 (&actions, fds[target], target);
      else
        posix_spawn_file_actions_addopen (&actions, target, "/dev/null", O_RDWR, 0);
    }
  sigemptyset (&signals);
  posix_spawnattr_setsigmask (&attributes, &signals);
  sigfillset (&signals);
  posix_spawnattr_setsigdefault (&attributes, &signals);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  failure = posix_spawn (&pid, PROGRAM, &actions, &attributes, argv, environment);
  posix_spawnattr_destroy (&attributes);
  posix_spawn_file_actions_destroy (&actions);
  return failure;
}

gboolean
command_drain_start (const int *fds, guint n_fds, GError **error)
{
  int copies[COMMAND_DRAIN_MAX] = {-1, -1};
  int failure = 0;

  g_return_val_if_fail (n_fds <= COMMAND_DRAIN_MAX, FALSE);

  for (guint i = 0; i < n_fds && failure == 0; i++)
    {
      copies[i] = fcntl (fds[i], F_DUPFD_CLOEXEC, SAFE_FD);
      failure = copies[i] < 0 ? errno : 0;
    }
  if (failure == 0)
    failure = spawn (copies, n_fds);
  for (guint i = 0; i < n_fds; i++)
    if (copies[i] >= 0)
      close (copies[i]);
  if (failure != 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (failure), "A process could not be started: %s",
                 g_strerror (failure));
  return failure == 0;
}

/* ---- in a process of its own ---- */

/* Returns FALSE at the end. */
static gboolean
read_some (int fd)
{
  static guint8 buffer[64 * 1024];
  gssize got = TEMP_FAILURE_RETRY (read (fd, buffer, sizeof buffer));

  return got > 0 || (got < 0 && errno == EAGAIN);
}

void
command_drain_run (void)
{
  struct pollfd polls[COMMAND_DRAIN_MAX];
  guint n_open = COMMAND_DRAIN_MAX;

  setpriority (PRIO_PROCESS, 0, 19);
  syscall (SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
  for (int i = 0; i < COMMAND_DRAIN_MAX; i++)
    polls[i] = (struct pollfd){.fd = i, .events = POLLIN};
  while (n_open > 0 && (poll (polls, COMMAND_DRAIN_MAX, -1) >= 0 || errno == EINTR))
    for (guint i = 0; i < COMMAND_DRAIN_MAX; i++)
      if (polls[i].fd >= 0 && polls[i].revents != 0 && !read_some (polls[i].fd))
        {
          polls[i].fd = -1;
          n_open--;
        }
}
