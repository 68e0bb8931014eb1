/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Signals processes by their pidfds, and checks which process a pidfd stands for.
 *
 * A container may refuse any of the system calls of pidfds. */

#include "config.h"

#include "link/ferry-pidfd-private.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "base/ferry-base-private.h"

/* A flag of pidfd_send_signal() from Linux 6.9 on: signals the group that the process of the pidfd leads, or led. */
#define SIGNAL_GROUP (1u << 2)

/* What the kernel returns about the process of a pidfd, from Linux 6.13 on. The kernel fills in as many bytes as the
 * request number says. */
typedef struct
{
  guint64 mask;
  guint64 cgroup_id;
  guint32 pid;
  guint32 tgid;
  guint32 parent;
  guint32 credentials[8];
  gint32 exit_code;
} ProcessInfo;

G_STATIC_ASSERT (sizeof (ProcessInfo) == 64);

#define GET_PROCESS_INFO _IOWR (0xff, 11, ProcessInfo)

/* The number that the kernel shows for a process that was reaped. */
#define REAPED (-1)

/* Returns the number that the kernel shows for the process of a pidfd; 0 where the descriptor is no pidfd. */
static GPid
read_pidfd (int pidfd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fdinfo/%d", pidfd);
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  line = strstr (text, "\nPid:");
  return line != NULL ? (GPid) g_ascii_strtoll (line + strlen ("\nPid:"), NULL, 10) : 0;
}

/* any: (transfer full) (nullable): what a file of a process says; NULL where no such process exists. */
static char *
read_of (GPid pid, const char *name)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/%s", (int) pid, name);
  g_autofree char *text = NULL;

  if (pid <= 0 || !g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  return g_steal_pointer (&text);
}

/* Returns (nullable) the state of a process in what its stat says, which its parent follows after a blank. */
static const char *
find_state (const char *stat)
{
  /* The name of the process is in brackets, and may contain brackets. */
  const char *name_end = stat != NULL ? strrchr (stat, ')') : NULL;

  return name_end != NULL && strlen (name_end) > 4 ? name_end + 2 : NULL;
}

/* any: returns the number of the process' parent; 0 where no such process exists. */
GPid
ferry_read_parent (GPid pid)
{
  g_autofree char *text = read_of (pid, "stat");
  const char *state = find_state (text);

  return state != NULL ? (GPid) g_ascii_strtoll (state + 2, NULL, 10) : 0;
}

/* any: whether a process was stopped by a signal. */
gboolean
ferry_process_is_stopped (GPid pid)
{
  g_autofree char *text = read_of (pid, "stat");
  const char *state = find_state (text);

  return state != NULL && *state == 'T';
}

/* any: whether a process has a handler of a signal. */
gboolean
ferry_process_hears (GPid pid, int signal_number)
{
  g_autofree char *text = read_of (pid, "status");
  const char *line = text != NULL ? strstr (text, "\nSigCgt:") : NULL;

  return line != NULL && (g_ascii_strtoull (line + strlen ("\nSigCgt:"), NULL, 16) & G_GUINT64_CONSTANT (1)
                                                                                       << (signal_number - 1)) != 0;
}

/* any: whether a process has a handler of SIGTERM, so that it may have to tidy up before it ends. Any other one can as
 * well be killed. */
gboolean
ferry_process_hears_sigterm (GPid pid)
{
  return ferry_process_hears (pid, SIGTERM);
}

/* any: sends a signal to the process of a pidfd. pid: the number of that process. Where the system call is refused or
 * missing, the signal goes by the number, while the process is there to have it. Returns FALSE with errno. */
gboolean
ferry_pidfd_signal (int pidfd, GPid pid, int signal_number)
{
  struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

  if (syscall (SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0) == 0)
    return TRUE;
  if (!ferry_is_refused (errno) || pid <= 1)
    return FALSE;
  if (poll (&poll_fd, 1, 0) == 0)
    return kill (pid, signal_number) == 0;
  errno = ESRCH;
  return FALSE;
}

/* any: signals the group of the process of a pidfd, which is there, and leads a group or is in that of another process.
 * Where it leads none, only the process is signalled. Before Linux 6.9 the group is known by its number. */
void
ferry_pidfd_signal_group (int pidfd, GPid pid, int signal_number)
{
  struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

  if (syscall (SYS_pidfd_send_signal, pidfd, signal_number, NULL, SIGNAL_GROUP) == 0)
    return;
  if (pid <= 1 || poll (&poll_fd, 1, 0) != 0)
    return;
  if (kill (-pid, signal_number) < 0)
    kill (pid, signal_number);
}

/* any: kills the process of a pidfd, and the group that it leads, or led. Before Linux 6.9 the group cannot be killed
 * by a pidfd, so children of the process may live on. */
gboolean
ferry_pidfd_kill_group (int pidfd, GPid pid)
{
  gboolean is_killed = ferry_pidfd_signal (pidfd, pid, SIGKILL);
  int failure = errno;

  syscall (SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, SIGNAL_GROUP);
  errno = failure;
  return is_killed;
}

static gboolean
was_reaped (int pidfd)
{
  return syscall (SYS_pidfd_send_signal, pidfd, 0, NULL, 0) < 0 && errno == ESRCH;
}

/* monitor: whether pidfd, which a fork server sent, is the pidfd of process pid, a child of parent. Without this check,
 * the fork server could make the application signal another process. Accepts a reaped process, which can be neither
 * inspected nor signalled. A child may be reaped at any time, so a mismatch is checked once more. The probing signal
 * may be refused: by a filter, or for a process of another user. */
gboolean
ferry_pidfd_is_child (int pidfd, GPid pid, GPid parent)
{
  ProcessInfo info = {.mask = 1};

  if (ioctl (pidfd, GET_PROCESS_INFO, &info) == 0)
    return info.tgid == (guint32) pid && info.parent == (guint32) parent;
  return was_reaped (pidfd) || (read_pidfd (pidfd) == pid && ferry_read_parent (pid) == parent) || was_reaped (pidfd) ||
         read_pidfd (pidfd) == REAPED;
}
