/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The program of the guardian, a process that kills an application's workers when the application has ended: see
 * link/ferry-link-private.h. The program links the C library only, so that it is small and starts quickly. It has
 * one thread, and blocks all signals.
 *
 * A worker that has a handler of SIGTERM gets that signal, and time to tidy up, by its fork server or else by the
 * guardian. All others are killed at once.
 *
 * A process id is valid while the pidfd shows that the process is alive, or while the process group of that id has
 * members. After that, the system may give the id to another process and group, which must not be killed. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "wire/ferry-guardian-protocol.h"

/* A flag of Linux 6.9: sends the signal to the process group of which the pidfd's process is, or was, the leader. */
#define SIGNAL_GROUP (1u << 2)

typedef struct
{
  int pid;
  int pidfd; /* (owned); -1: the system had no free descriptor */
  int is_fork_server;
} Process;

static Process *processes; /* (owned) */
static size_t n_processes;
static int application = -1; /* (owned): the pidfd of the application */

static int
has_ended (int pidfd)
{
  struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

  return pidfd >= 0 && poll (&poll_fd, 1, 0) == 1;
}

/* Reads a file of a process into text, and ends it with a 0. Returns 0 where there is none. */
static int
read_of (int pid, const char *name, char *text, size_t room)
{
  char path[64];
  ssize_t size;
  int fd;

  snprintf (path, sizeof path, "/proc/%d/%s", pid, name);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  size = read (fd, text, room - 1);
  close (fd);
  text[size > 0 ? size : 0] = '\0';
  return size > 0;
}

/* Returns the parent of a living process; 0 where no living process has this id. */
static int
get_parent (int pid)
{
  char text[512];
  const char *name_end;
  char state;
  int parent;

  name_end = read_of (pid, "stat", text, sizeof text) ? strrchr (text, ')') : NULL;
  if (name_end == NULL || sscanf (name_end + 1, " %c %d", &state, &parent) != 2 || state == 'Z' || state == 'X')
    return 0;
  return parent;
}

/* Whether a process has a handler of SIGTERM. */
static int
hears_sigterm (int pid)
{
  char text[4096];
  const char *line = read_of (pid, "status", text, sizeof text) ? strstr (text, "\nSigCgt:") : NULL;

  return line != NULL && (strtoull (line + strlen ("\nSigCgt:"), NULL, 16) & (1ull << (SIGTERM - 1))) != 0;
}

/* Kills the group of a process. When the process has ended, and a living process has its id, that id names a new
 * process and its group, which are not killed. */
static void
kill_group (const Process *process)
{
  if (process->pidfd >= 0 &&
      (syscall (SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, SIGNAL_GROUP) == 0 || errno == ESRCH))
    return;
  if (!has_ended (process->pidfd) || get_parent (process->pid) == 0)
    kill (-process->pid, SIGKILL);
}

static void
kill_process (const Process *process)
{
  kill_group (process);
  if (process->pidfd >= 0 && syscall (SYS_pidfd_send_signal, process->pidfd, SIGKILL, NULL, 0) == 0)
    return;
  if (!has_ended (process->pidfd))
    kill (process->pid, SIGKILL);
}

static int64_t
get_milliseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
wait_for (const Process *process, int64_t deadline)
{
  struct pollfd poll_fd = {.fd = process->pidfd, .events = POLLIN};
  int64_t left = deadline - get_milliseconds ();

  if (process->pidfd >= 0 && left > 0)
    poll (&poll_fd, 1, (int) left);
}

static int
is_fork_server (int pid)
{
  for (size_t i = 0; i < n_processes; i++)
    if (processes[i].is_fork_server && processes[i].pid == pid)
      return 1;
  return 0;
}

/* Asks a worker to end that hears of it. Returns whether it does. A worker of a fork server is asked by that one, once:
 * a second signal could end a handler that tidies up. */
static int
ask_to_end (const Process *process)
{
  if (process->pidfd < 0 || has_ended (process->pidfd) || !hears_sigterm (process->pid))
    return 0;
  if (is_fork_server (get_parent (process->pid)))
    return 1;
  syscall (SYS_pidfd_send_signal, process->pidfd, SIGTERM, NULL, 0);
  syscall (SYS_pidfd_send_signal, process->pidfd, SIGCONT, NULL, 0);
  return 1;
}

/* Ends all workers. What has to end in its own time gets some, and the rest none. */
static void
end_all (void)
{
  int64_t deadline = get_milliseconds () + FERRY_GUARDIAN_GRACE_MILLISECONDS;

  for (size_t i = 0; i < n_processes; i++)
    if (!processes[i].is_fork_server && !ask_to_end (&processes[i]))
      kill_process (&processes[i]);
  for (size_t i = 0; i < n_processes; i++)
    wait_for (&processes[i], deadline);
  for (size_t i = 0; i < n_processes; i++)
    kill_process (&processes[i]);
}

static void
release (int pid)
{
  for (size_t i = 0; i < n_processes; i++)
    if (processes[i].pid == pid)
      {
        if (processes[i].pidfd >= 0)
          close (processes[i].pidfd);
        processes[i] = processes[--n_processes];
        return;
      }
}

/* Kills a process that the application may not signal. Its entry stays until the application releases it. */
static void
kill_now (int pid)
{
  for (size_t i = 0; i < n_processes; i++)
    if (processes[i].pid == pid)
      kill_process (&processes[i]);
}

/* Adds a process to the table. Replaces an earlier entry, since the application may name a process twice. When no
 * memory is available the guardian exits, and the application starts another one. */
static void
guard (int pid, int pidfd, int is_fork_server)
{
  release (pid);
  processes = realloc (processes, (n_processes + 1) * sizeof *processes);
  if (processes == NULL)
    exit (EXIT_FAILURE);
  processes[n_processes++] = (Process){pid, pidfd, is_fork_server};
}

static void
take (const FerryGuardianPacket *packet, int fd)
{
  switch (packet->word)
    {
    case FERRY_GUARDIAN_APPLICATION:
      application = fd;
      return;
    case FERRY_GUARDIAN_GUARD:
    case FERRY_GUARDIAN_GUARD_FORK_SERVER:
      guard (packet->pid, fd, packet->word == FERRY_GUARDIAN_GUARD_FORK_SERVER);
      return;
    default:
      if (packet->word == FERRY_GUARDIAN_RELEASE)
        release (packet->pid);
      else if (packet->word == FERRY_GUARDIAN_KILL)
        kill_now (packet->pid);
      if (fd >= 0)
        close (fd);
    }
}

/* Handles the packets that have arrived. Returns whether more may arrive. */
static int
receive_all (void)
{
  for (;;)
    {
      FerryGuardianPacket packet;
      struct iovec vector = {.iov_base = &packet, .iov_len = sizeof packet};
      union
      {
        char bytes[CMSG_SPACE (sizeof (int))];
        struct cmsghdr header;
      } rights = {0};
      struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = CMSG_LEN (sizeof (int))};
      ssize_t size = recvmsg (FERRY_GUARDIAN_FD, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      struct cmsghdr *header = size > 0 ? CMSG_FIRSTHDR (&message) : NULL;
      int fd = -1;

      if (size < 0 && errno == EINTR)
        continue;
      if (size < 0)
        return errno == EAGAIN;
      if (header != NULL && header->cmsg_type == SCM_RIGHTS)
        memcpy (&fd, CMSG_DATA (header), sizeof fd);
      if (size != (ssize_t) sizeof packet)
        return 0;
      take (&packet, fd);
    }
}

/* Raises the limit of descriptors, since the guardian has one for each worker. */
static void
raise_limit (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
    return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

int
main (void)
{
  sigset_t all;
  int more;

  sigfillset (&all);
  sigprocmask (SIG_SETMASK, &all, NULL);
  raise_limit ();
  do
    {
      struct pollfd polls[] = {{.fd = FERRY_GUARDIAN_FD, .events = POLLIN}, {.fd = application, .events = POLLIN}};

      poll (polls, 2, -1);
      /* Packets that the application sent before it ended are handled first. */
      more = receive_all ();
    }
  while (more && !has_ended (application));
  end_all ();
  return EXIT_SUCCESS;
}
