/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sandbox-attempts.h"

#include <errno.h>
#include <fcntl.h>
#include <ferry-conversations.h>
#include <linux/capability.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif
#define SHARE_FROM 3
#define CREATE_RULESET 444
#define MEMFD_SECRET 447
#define STACK_SIZE 65536

typedef int (*DescriptorFunc) (int fd);

static int
outcome_of (long result)
{
  return result < 0 ? errno : 0;
}

static int
try_file (const char *path, DescriptorFunc func)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  int outcome;

  if (fd < 0)
    return errno;
  outcome = outcome_of (func (fd));
  close (fd);
  return outcome;
}

static int
try_socket (DescriptorFunc func)
{
  int pair[2];
  int outcome;

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
    return errno;
  outcome = outcome_of (func (pair[0]));
  close (pair[0]);
  close (pair[1]);
  return outcome;
}

/* ---- what is done to a descriptor ---- */

static int
take_lease (int fd)
{
  return fcntl (fd, F_SETLEASE, F_RDLCK);
}

static int
take_lock (int fd)
{
  struct flock whole = {.l_type = F_RDLCK};

  return flock (fd, LOCK_EX | LOCK_NB) == 0 || fcntl (fd, F_SETLK, &whole) == 0 || fcntl (fd, F_OFD_SETLK, &whole) == 0
           ? 0
           : -1;
}

static int
request_signals (int fd)
{
  int on = 1;

  return ioctl (fd, FIOASYNC, &on);
}

static int
flag_signals (int fd)
{
  return fcntl (fd, F_SETFL, O_ASYNC);
}

static int
flag_append (int fd)
{
  return fcntl (fd, F_SETFL, O_APPEND);
}

static int
flag_unblocked (int fd)
{
  return fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
}

static int
turn_unblocked (int fd)
{
  int on = 1;

  return ioctl (fd, FIONBIO, &on);
}

static int
make_transport (int fd)
{
  int copy = dup (fd);
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTransport) transport = ferry_transport_new_for_descriptors (copy, copy, &error);

  if (transport != NULL)
    return 0;
  errno = EPERM;
  return -1;
}

static int
name_interface (int fd)
{
  struct ifreq request = {.ifr_ifindex = 1};

  return ioctl (fd, SIOCGIFNAME, &request);
}

static int
make_netlink (int protocol)
{
  int fd = socket (AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  int outcome = outcome_of (fd);

  if (fd >= 0)
    close (fd);
  return outcome;
}

static int
compare_file (int fd, guint64 number)
{
  struct stat status;

  if (fstat (fd, &status) < 0)
    return errno;
  return (guint64) status.st_ino == number ? 0 : EXDEV;
}

/* ---- the kernel's edges ---- */

static int
ask_for_robust_list (pid_t pid)
{
  void *head;
  size_t size;

  return outcome_of (syscall (SYS_get_robust_list, pid, &head, &size));
}

static int
make_ruleset (void)
{
  guint64 rules = 1;

  return outcome_of (syscall (CREATE_RULESET, &rules, sizeof rules, 0));
}

static int
make_queue (void)
{
  unsigned long context = 0;

  return outcome_of (syscall (SYS_io_setup, 1, &context));
}

static int
end_thread (void *data)
{
  return 0;
}

static int
start_thread_in_namespace (void)
{
  g_autofree guint8 *stack = g_malloc (STACK_SIZE);
  pid_t gone = 1;
  int outcome = outcome_of (clone (end_thread, stack + STACK_SIZE,
                                   CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNET | CLONE_CHILD_CLEARTID, NULL,
                                   NULL, NULL, &gone));

  while (outcome == 0 && g_atomic_int_get (&gone) != 0)
    sched_yield ();
  return outcome;
}

static int
use_capability (void)
{
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};

  if (syscall (SYS_capget, &header, data) < 0)
    return errno;
  return data[0].effective != 0 || data[1].effective != 0 ? 0 : EPERM;
}

/* ---- what there is only so much of ---- */

static void *
wait_at (void *barrier)
{
  pthread_mutex_lock (barrier);
  pthread_mutex_unlock (barrier);
  return NULL;
}

static int
have_threads (guint n)
{
  g_autofree pthread_t *threads = g_new (pthread_t, n);
  pthread_mutex_t barrier = PTHREAD_MUTEX_INITIALIZER;
  pthread_attr_t small;
  int outcome = 0;
  guint i;

  pthread_attr_init (&small);
  pthread_attr_setstacksize (&small, STACK_SIZE);
  pthread_mutex_lock (&barrier);
  for (i = 0; i < n && outcome == 0; i++)
    outcome = pthread_create (&threads[i], &small, wait_at, &barrier);
  if (outcome != 0)
    i--;
  pthread_mutex_unlock (&barrier);
  while (i-- > 0)
    pthread_join (threads[i], NULL);
  pthread_attr_destroy (&small);
  return outcome;
}

static int
reserve (gsize size)
{
  void *memory = mmap (NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (memory == MAP_FAILED)
    return errno;
  munmap (memory, size);
  return 0;
}

/* In pieces, each of which counts only until it is put away. What is not touched takes no memory. */
static int
shelve (gsize size)
{
  const gsize piece = 16 * 1024 * 1024;

  for (gsize done = 0; done < size; done += piece)
    {
      void *memory = mmap (NULL, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

      if (memory == MAP_FAILED || mprotect (memory, piece, PROT_READ) < 0)
        return errno;
    }
  return 0;
}

/* A page that the stack has grown by, far from where it is used. */
static int
stretch (gsize size)
{
  const guintptr page_size = (guintptr) sysconf (_SC_PAGESIZE);
  volatile guint8 deep[64 * 4096];
  void *page = (void *) (((guintptr) deep + page_size) & ~(page_size - 1));
  void *stretched;

  deep[0] = deep[sizeof deep / 2] = 1;
  stretched = mremap (page, page_size, size, MREMAP_MAYMOVE);
  return stretched == MAP_FAILED ? errno : 0;
}

static gboolean
try_descriptors (const char *what, const char *value, const char *second, int *outcome)
{
  if (g_str_equal (what, "lease"))
    *outcome = try_file (value, take_lease);
  else if (g_str_equal (what, "lock"))
    *outcome = try_file (value, take_lock);
  else if (g_str_equal (what, "attributes"))
    *outcome = outcome_of (listxattr (value, NULL, 0));
  else if (g_str_equal (what, "link"))
    *outcome = outcome_of (symlink ("/", value));
  else if (g_str_equal (what, "fifo"))
    *outcome = outcome_of (mkfifo (value, 0600));
  else if (g_str_equal (what, "turn-async"))
    *outcome = try_socket (request_signals);
  else if (g_str_equal (what, "turn-async-flag"))
    *outcome = try_socket (flag_signals);
  else if (g_str_equal (what, "flag-append"))
    *outcome = try_socket (flag_append);
  else if (g_str_equal (what, "flag-unblocked"))
    *outcome = try_socket (flag_unblocked);
  else if (g_str_equal (what, "turn-unblocked"))
    *outcome = try_socket (turn_unblocked);
  else if (g_str_equal (what, "transport"))
    *outcome = try_socket (make_transport);
  else if (g_str_equal (what, "name-interface"))
    *outcome = try_socket (name_interface);
  else if (g_str_equal (what, "netlink"))
    *outcome = make_netlink (atoi (value));
  else if (g_str_equal (what, "same"))
    *outcome = compare_file (atoi (value), g_ascii_strtoull (second, NULL, 10));
  else
    return FALSE;
  return TRUE;
}

/* A file by its handle, as administrators may open any. The handle is of no kind that there is, so that another error
 * than EPERM says that the call is let through. */
static int
open_handle (void)
{
  struct file_handle handle = {0};

  return open_by_handle_at (AT_FDCWD, &handle, O_RDONLY) < 0 && errno == EPERM ? EPERM : 0;
}

static gboolean
try_processes (const char *what, pid_t pid, int *outcome)
{
  if (g_str_equal (what, "pidfd"))
    *outcome = outcome_of (syscall (SYS_pidfd_open, pid, 0));
  else if (g_str_equal (what, "robust-list"))
    *outcome = ask_for_robust_list (pid);
  else if (g_str_equal (what, "share-core"))
    *outcome = outcome_of (prctl (PR_SCHED_CORE, SHARE_FROM, pid, 0, 0));
  else if (g_str_equal (what, "leave-group"))
    *outcome = outcome_of (setpgid (0, 0));
  else if (g_str_equal (what, "outlive-by-wide"))
    *outcome = outcome_of (syscall (SYS_prctl, G_GUINT64_CONSTANT (0x100000000) | PR_SET_PDEATHSIG, 0, 0, 0, 0));
  else if (g_str_equal (what, "thread-in-namespace"))
    *outcome = start_thread_in_namespace ();
  else if (g_str_equal (what, "capability"))
    *outcome = use_capability ();
  else if (g_str_equal (what, "open-handle"))
    *outcome = open_handle ();
  else
    return FALSE;
  return TRUE;
}

gboolean
sandbox_attempt (const char *what, const char *value, const char *second, int *outcome)
{
  guint64 number = value != NULL ? g_ascii_strtoull (value, NULL, 10) : 0;

  if (g_str_equal (what, "make-ruleset"))
    *outcome = make_ruleset ();
  else if (g_str_equal (what, "queue-reads"))
    *outcome = make_queue ();
  else if (g_str_equal (what, "secret"))
    *outcome = outcome_of (syscall (MEMFD_SECRET, 0));
  else if (g_str_equal (what, "sync"))
    *outcome = outcome_of (syscall (SYS_sync));
  else if (g_str_equal (what, "sync-input"))
    *outcome = outcome_of (syncfs (STDIN_FILENO));
  else if (g_str_equal (what, "threads"))
    *outcome = have_threads ((guint) number);
  else if (g_str_equal (what, "reserve"))
    *outcome = reserve (number);
  else if (g_str_equal (what, "shelve"))
    *outcome = shelve (number);
  else if (g_str_equal (what, "stretch"))
    *outcome = stretch (number);
  else
    return try_descriptors (what, value, second, outcome) || try_processes (what, (pid_t) number, outcome);
  return TRUE;
}
