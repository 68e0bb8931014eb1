/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker that tries what a sandbox forbids, as its arguments tell it, one after the other. Of each it sends through
 * the sender "out" the error number that it met, as 4 bytes; 0 where nothing kept it from doing so.
 *
 *   read:PATH           opens a file for reading
 *   list:PATH           opens a folder
 *   write:PATH          opens a file for writing, and makes it where it is not there
 *   mode:PATH           changes the permissions of a file
 *   connect:PORT        connects to that port of 127.0.0.1
 *   local:PATH          connects to the local socket at that path
 *   bind                listens at a port of 127.0.0.1
 *   execute:PATH        executes a program; where that works there is no report
 *   memory:PID:PLACE    writes a 1 into another process' memory, through /proc
 *   remote:PID:PLACE    the same by process_vm_writev()
 *   trace:PID           attaches to another process as a debugger does
 *   signal:PID          sends it SIGURG, which does nothing
 *   queue:PID           the same by sigqueue()
 *   limit:PID           takes the core dumps of another process
 *   fork                forks, and again, 20 times unless it is refused
 *   spawn:PATH          has posix_spawn() start a program
 *   thread              starts a thread, and waits for its end
 *   schedule:PID        gives another process the policy that it has
 *   place:PID           puts another process on the processors that it is on
 *   pair                makes a pair of sockets that take messages from anyone
 *   watch:PATH          has itself told of what happens in a folder
 *   empty:PATH          cuts a file down to nothing
 *   outlive             goes on when its parent ends
 *   stack:SIZE          allocates and touches memory that grows downwards
 *   deepen:SIZE         raises the limit of its stack
 *   allocate:SIZE       allocates and touches private memory
 *   share:SIZE          the same of memory that can be shared
 *   memfd:SIZE          the same of a file in memory
 *   descriptors:N       has that many descriptors open
 *   unshare             makes a namespace of users
 *   mount               mounts a file system
 *   keys                adds a key to its session's
 *   type                types into its terminal
 *   new-call            makes a system call that no kernel has yet
 *   input               reads standard input, and sends what it is in place of a number
 *   buffer:SIZE         sends a buffer of so many bytes, of which byte i is i modulo 251
 *   unmap               takes a page of a buffer away from where it is mapped
 *   abort               dies of SIGABRT
 *   block               blocks SIGTERM from now on
 *   term                waits for SIGTERM, which is blocked, and then exits with status 9
 *   exit:STATUS         exits at once
 *   spin                computes without end
 *
 * and those of sandbox-attempts.h. */

#include <errno.h>
#include <fcntl.h>
#include <ferry.h>
#include <linux/keyctl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox-attempts.h"

/* Higher than any that there is. */
#define NEW_CALL 555

/* What AddressSanitizer looks for at the end it would look for with a process of its own. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}

static FerrySender *sender;

static void
check (gboolean success, GError **error)
{
  if (success)
    return;
  g_printerr ("sandboxed-worker: %s\n", (*error)->message);
  exit (2);
}

static int
outcome_of (long result)
{
  return result < 0 ? errno : 0;
}

/* ---- files ---- */

static int
try_to_open (const char *path, int flags)
{
  int fd = open (path, flags | O_CLOEXEC, 0600);
  int outcome = outcome_of (fd);

  if (fd >= 0)
    close (fd);
  return outcome;
}

/* ---- the network ---- */

static int
try_address (const struct sockaddr *address, socklen_t size, int (*act) (int, const struct sockaddr *, socklen_t))
{
  int fd = socket (address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int outcome;

  if (fd < 0)
    return errno;
  outcome = outcome_of (act (fd, address, size));
  close (fd);
  return outcome;
}

static int
try_port (int port, int (*act) (int, const struct sockaddr *, socklen_t))
{
  struct sockaddr_in address = {
    .sin_family = AF_INET, .sin_port = htons ((guint16) port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};

  return try_address ((struct sockaddr *) &address, sizeof address, act);
}

static int
try_local (const char *path)
{
  struct sockaddr_un address = {.sun_family = AF_UNIX};

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  return try_address ((struct sockaddr *) &address, sizeof address, connect);
}

/* ---- other processes ---- */

static int
write_memory (pid_t pid, guint64 place)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/mem", (int) pid);
  guint32 value = 1;
  int fd = open (path, O_RDWR | O_CLOEXEC);
  int outcome;

  if (fd < 0)
    return errno;
  outcome = outcome_of (pwrite (fd, &value, sizeof value, (off_t) place));
  close (fd);
  return outcome;
}

static int
write_remotely (pid_t pid, guint64 place)
{
  guint32 value = 1;
  struct iovec local = {&value, sizeof value};
  struct iovec remote = {(void *) (guintptr) place, sizeof value};

  return outcome_of (process_vm_writev (pid, &local, 1, &remote, 1, 0));
}

static int
trace (pid_t pid)
{
  int outcome = outcome_of (ptrace (PTRACE_SEIZE, pid, NULL, NULL));

  return outcome;
}

static int
take_core_dumps (pid_t pid)
{
  struct rlimit none = {0, 0};

  return outcome_of (prlimit (pid, RLIMIT_CORE, &none, NULL));
}

static int
fork_often (void)
{
  for (int i = 0; i < 20; i++)
    {
      pid_t pid = fork ();

      if (pid < 0)
        return errno;
      if (pid == 0)
        _exit (0);
      waitpid (pid, NULL, 0);
    }
  return 0;
}

static int
spawn (const char *path)
{
  char *argv[] = {(char *) path, NULL};
  pid_t pid;
  int outcome = posix_spawn (&pid, path, NULL, NULL, argv, environ);

  if (outcome == 0)
    waitpid (pid, NULL, 0);
  return outcome;
}

static int
execute (const char *path)
{
  execl (path, path, NULL);
  return errno;
}

static int
schedule (pid_t pid)
{
  struct sched_param parameters = {0};

  return outcome_of (sched_setscheduler (pid, SCHED_OTHER, &parameters));
}

static int
put_in_place (pid_t pid)
{
  cpu_set_t set;

  if (sched_getaffinity (pid, sizeof set, &set) < 0)
    return errno;
  return outcome_of (sched_setaffinity (pid, sizeof set, &set));
}

/* The kernel makes datagram sockets of it. */
static int
make_pair (void)
{
  int pair[2];

  if (socketpair (AF_UNIX, SOCK_RAW, 0, pair) < 0)
    return errno;
  close (pair[0]);
  close (pair[1]);
  return 0;
}

static int
watch (const char *path)
{
  int fd = inotify_init1 (IN_CLOEXEC);
  int outcome;

  if (fd < 0)
    return errno;
  outcome = outcome_of (inotify_add_watch (fd, path, IN_OPEN));
  close (fd);
  return outcome;
}

static void *
do_nothing (void *data)
{
  return NULL;
}

static int
start_thread (void)
{
  pthread_t thread;
  int outcome = pthread_create (&thread, NULL, do_nothing, NULL);

  if (outcome == 0)
    pthread_join (thread, NULL);
  return outcome;
}

/* ---- what there is only so much of ---- */

/* Touches some pages everywhere: each takes its time, and the limit is one of what is mapped. */
static int
map (gsize size, int flags, int fd)
{
  guint8 *memory = mmap (NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);

  if (memory == MAP_FAILED)
    return errno;
  for (gsize i = 0; i < size; i += 16 * 4096)
    memory[i] = 1;
  munmap (memory, size);
  return 0;
}

static int
deepen (gsize size)
{
  struct rlimit limit = {size, size};

  return outcome_of (setrlimit (RLIMIT_STACK, &limit));
}

static int
map_memfd (gsize size)
{
  int fd = memfd_create ("sandboxed-worker", MFD_CLOEXEC);
  int outcome;

  if (fd < 0)
    return errno;
  outcome = ftruncate (fd, (off_t) size) < 0 ? errno : map (size, MAP_SHARED, fd);
  close (fd);
  return outcome;
}

static int
open_many (guint n)
{
  g_autofree int *fds = g_new (int, n);
  guint i;
  int outcome = 0;

  for (i = 0; i < n && outcome == 0; i++)
    {
      fds[i] = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
      outcome = outcome_of (fds[i]);
    }
  while (i-- > 0)
    if (fds[i] >= 0)
      close (fds[i]);
  return outcome;
}

/* ---- what is for administrators ---- */

static int
add_key (void)
{
  return outcome_of (syscall (SYS_add_key, "user", "sandboxed-worker", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static int
read_input (void)
{
  guint32 value = 0;

  return read (STDIN_FILENO, &value, sizeof value) < 0 ? -errno : (int) value;
}

static void
send_buffer (gsize size)
{
  GError *error = NULL;
  g_autoptr (FerryBuffer) buffer = ferry_sender_create_buffer (sender, size, &error);
  guint8 *data;

  check (buffer != NULL, &error);
  data = ferry_buffer_get_data (buffer, NULL);
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i % 251);
  check (ferry_sender_send_buffer (sender, NULL, buffer, &error), &error);
}

static int
unmap_buffer (void)
{
  GError *error = NULL;
  g_autoptr (FerryBuffer) buffer = ferry_sender_create_buffer (sender, 1024 * 1024, &error);

  check (buffer != NULL, &error);
  return outcome_of (munmap (ferry_buffer_get_data (buffer, NULL), (gsize) sysconf (_SC_PAGESIZE)));
}

static void
block_sigterm (sigset_t *set)
{
  sigemptyset (set);
  sigaddset (set, SIGTERM);
  sigprocmask (SIG_BLOCK, set, NULL);
}

static G_GNUC_NORETURN void
wait_for_sigterm (void)
{
  sigset_t set;
  int number;

  block_sigterm (&set);
  sigwait (&set, &number);
  exit (9);
}

static gboolean
try_files (const char *what, const char *value, int *outcome)
{
  if (g_str_equal (what, "read"))
    *outcome = try_to_open (value, O_RDONLY);
  else if (g_str_equal (what, "list"))
    *outcome = try_to_open (value, O_RDONLY | O_DIRECTORY);
  else if (g_str_equal (what, "write"))
    *outcome = try_to_open (value, O_WRONLY | O_CREAT);
  else if (g_str_equal (what, "mode"))
    *outcome = outcome_of (chmod (value, 0600));
  else if (g_str_equal (what, "empty"))
    *outcome = outcome_of (truncate (value, 0));
  else if (g_str_equal (what, "watch"))
    *outcome = watch (value);
  else if (g_str_equal (what, "connect"))
    *outcome = try_port (atoi (value), connect);
  else if (g_str_equal (what, "local"))
    *outcome = try_local (value);
  else if (g_str_equal (what, "bind"))
    *outcome = try_port (0, bind);
  else
    return FALSE;
  return TRUE;
}

static gboolean
try_processes (const char *what, const char *value, const char *place, int *outcome)
{
  pid_t pid = value != NULL ? atoi (value) : 0;

  if (g_str_equal (what, "execute"))
    *outcome = execute (value);
  else if (g_str_equal (what, "memory"))
    *outcome = write_memory (pid, g_ascii_strtoull (place, NULL, 10));
  else if (g_str_equal (what, "remote"))
    *outcome = write_remotely (pid, g_ascii_strtoull (place, NULL, 10));
  else if (g_str_equal (what, "trace"))
    *outcome = trace (pid);
  else if (g_str_equal (what, "signal"))
    *outcome = outcome_of (kill (pid, SIGURG));
  else if (g_str_equal (what, "queue"))
    *outcome = outcome_of (sigqueue (pid, SIGURG, (union sigval){0}));
  else if (g_str_equal (what, "limit"))
    *outcome = take_core_dumps (pid);
  else if (g_str_equal (what, "schedule"))
    *outcome = schedule (pid);
  else if (g_str_equal (what, "place"))
    *outcome = put_in_place (pid);
  else if (g_str_equal (what, "outlive"))
    *outcome = outcome_of (prctl (PR_SET_PDEATHSIG, 0, 0, 0, 0));
  else if (g_str_equal (what, "fork"))
    *outcome = fork_often ();
  else if (g_str_equal (what, "spawn"))
    *outcome = spawn (value);
  else if (g_str_equal (what, "thread"))
    *outcome = start_thread ();
  else
    return FALSE;
  return TRUE;
}

static gboolean
try_others (const char *what, const char *value, int *outcome)
{
  guint64 number = value != NULL ? g_ascii_strtoull (value, NULL, 10) : 0;

  if (g_str_equal (what, "allocate"))
    *outcome = map (number, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  else if (g_str_equal (what, "stack"))
    *outcome = map (number, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1);
  else if (g_str_equal (what, "deepen"))
    *outcome = deepen (number);
  else if (g_str_equal (what, "unmap"))
    *outcome = unmap_buffer ();
  else if (g_str_equal (what, "pair"))
    *outcome = make_pair ();
  else if (g_str_equal (what, "share"))
    *outcome = map (number, MAP_SHARED | MAP_ANONYMOUS, -1);
  else if (g_str_equal (what, "memfd"))
    *outcome = map_memfd (number);
  else if (g_str_equal (what, "descriptors"))
    *outcome = open_many ((guint) number);
  else if (g_str_equal (what, "unshare"))
    *outcome = outcome_of (unshare (CLONE_NEWUSER));
  else if (g_str_equal (what, "mount"))
    *outcome = outcome_of (mount ("none", "/tmp", "tmpfs", 0, NULL));
  else if (g_str_equal (what, "keys"))
    *outcome = add_key ();
  else if (g_str_equal (what, "type"))
    *outcome = outcome_of (ioctl (STDIN_FILENO, TIOCSTI, "x"));
  else if (g_str_equal (what, "new-call"))
    *outcome = outcome_of (syscall (NEW_CALL));
  else if (g_str_equal (what, "input"))
    *outcome = read_input ();
  else
    return FALSE;
  return TRUE;
}

static void
obey (const char *what, const char *value, const char *place)
{
  GError *error = NULL;
  sigset_t set;
  int outcome;

  if (g_str_equal (what, "block"))
    block_sigterm (&set);
  else if (g_str_equal (what, "buffer"))
    send_buffer (g_ascii_strtoull (value, NULL, 10));
  else if (g_str_equal (what, "abort"))
    abort ();
  else if (g_str_equal (what, "term"))
    wait_for_sigterm ();
  else if (g_str_equal (what, "exit"))
    _exit (atoi (value));
  else if (g_str_equal (what, "spin"))
    for (;;)
      ;
  else if (try_files (what, value, &outcome) || try_processes (what, value, place, &outcome) ||
           try_others (what, value, &outcome) || sandbox_attempt (what, value, place, &outcome))
    check (ferry_sender_send_bytes (sender, &outcome, sizeof outcome, &error), &error);
  else
    g_error ("sandboxed-worker: no such order: %s", what);
}

int
main (int argc, char **argv)
{
  GError *error = NULL;

  sender = ferry_worker_get_sender ("out", &error);
  check (sender != NULL && ferry_sender_start (sender, &error), &error);
  for (int i = 1; i < argc; i++)
    {
      g_auto (GStrv) words = g_strsplit (argv[i], ":", 3);

      obey (words[0], words[1], words[1] != NULL ? words[2] : NULL);
    }
  check (ferry_sender_stop (sender, &error), &error);
  g_object_unref (sender);
  return 0;
}
