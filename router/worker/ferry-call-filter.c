/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a worker may not ask of the kernel.
 *
 * A list of what is refused and not of what is allowed: a worker runs whatever its program links, and a library that
 * comes to use a call which a list of ours lacks would end up broken on the users' machines. What such a list is
 * feared for is what it does not know of, so calls that are newer than the list do not exist. A refused call fails with
 * EPERM, and nothing is killed: libraries take that as they take any other failure. clone3() fails with ENOSYS, since
 * its flags cannot be looked at; the C library then makes its threads by clone().
 *
 * Signals go to this process only, whose number is in the filter: so abort() and threads work. */

#include "config.h"

#include "worker/ferry-call-filter-private.h"

#include <errno.h>

#ifdef FERRY_HAVE_SECCOMP

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ferry-base-private.h"

/* The first call that came after the list below was made, and as far as one looks ahead. Numbers from 424 on are the
 * same on all processors. */
#define FIRST_UNKNOWN_CALL 470
#define LAST_UNKNOWN_CALL 560

/* The bits of a socket's type that are not flags. */
#define SOCKET_TYPES 0xf

/* By name, as a library may be older than the kernel that it runs on; what does not exist here is left out. */
static const char *const refused[] = {
  /* Other programs and processes. */
  "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
  "process_mrelease", "kcmp", "pidfd_getfd", "pidfd_send_signal", "tkill", "migrate_pages", "move_pages", "ioprio_set",
  /* The kernel itself, and what much of it hangs on. */
  "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "kexec_load",
  "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "reboot", "syslog", "acct",
  "swapon", "swapoff", "quotactl", "quotactl_fd", "nfsservctl", "lookup_dcookie", "vhangup", "iopl", "ioperm",
  "modify_ldt", "uselib", "_sysctl", "sethostname", "setdomainname", "setrlimit",
  /* What others do with their files. Landlock does not look at these, nor, before Linux 6.2, at the next two. */
  "inotify_add_watch", "fanotify_init", "fanotify_mark", "truncate", "truncate64",
  /* The clock. */
  "settimeofday", "stime", "clock_settime", "clock_settime64", "adjtimex", "clock_adjtime", "clock_adjtime64",
  /* Namespaces and mounts. */
  "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "open_tree_attr",
  "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "open_by_handle_at", "name_to_handle_at",
  /* What is shared with all processes of the user, and is no file. */
  "add_key", "request_key", "keyctl", "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget",
  "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", NULL};

/* What Landlock does not look at. A worker that may write somewhere needs it there. */
static const char *const refused_without_writable_paths[] = {
  "chmod",         "fchmod",    "fchmodat",   "fchmodat2",   "chown",        "chown32",
  "fchown",        "fchown32",  "lchown",     "lchown32",    "fchownat",     "setxattr",
  "lsetxattr",     "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr",
  "removexattrat", "utime",     "utimes",     "futimesat",   "utimensat",    "utimensat_time64",
  "file_setattr",  NULL};

/* Calls that a library of filters may not have by name yet, of those that have the same number everywhere. */
static const struct
{
  const char *name;
  int number;
} newer[] = {
  {"process_madvise", 440},  {"mount_setattr", 442}, {"quotactl_fd", 443}, {"memfd_secret", 447},
  {"process_mrelease", 448}, {"fchmodat2", 452},     {"setxattrat", 463},  {"removexattrat", 466},
  {"open_tree_attr", 467},   {"file_setattr", 469},
};

static const char *const refused_without_network[] = {"connect", "bind", "listen", "accept", "accept4", NULL};

/* Memory that is not private counts against no limit. */
static const char *const refused_with_memory_limit[] = {"memfd_create", "memfd_secret", NULL};

static int
find_number (const char *name)
{
  int number = seccomp_syscall_resolve_name (name);

  for (guint i = 0; i < G_N_ELEMENTS (newer) && number == __NR_SCMP_ERROR; i++)
    if (g_strcmp0 (newer[i].name, name) == 0)
      number = newer[i].number;
  return number;
}

static gboolean
refuse_names (scmp_filter_ctx filter, const char *const *names)
{
  for (guint i = 0; names[i] != NULL; i++)
    {
      int number = find_number (names[i]);

      if (number != __NR_SCMP_ERROR && seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), number, 0) < 0)
        return FALSE;
    }
  return TRUE;
}

static gboolean
refuse_unknown (scmp_filter_ctx filter)
{
  for (int number = FIRST_UNKNOWN_CALL; number <= LAST_UNKNOWN_CALL; number++)
    if (seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), number, 0) < 0)
      return FALSE;
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0) == 0;
}

static gboolean
refuse_if (scmp_filter_ctx filter, int number, struct scmp_arg_cmp condition)
{
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), number, 1, condition) == 0;
}

/* Of the calls that may be about any process, those about the calling thread are left, which is number 0. */
static gboolean
refuse_scheduling (scmp_filter_ctx filter)
{
  static const char *const names[] = {"sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!refuse_if (filter, find_number (names[i]), SCMP_A0 (SCMP_CMP_NE, 0)))
      return FALSE;
  return TRUE;
}

/* A worker has itself ended with the application, and may not take that back. */
static gboolean
refuse_outliving (scmp_filter_ctx filter)
{
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (prctl), 2, SCMP_A0 (SCMP_CMP_EQ, PR_SET_PDEATHSIG),
                           SCMP_A1 (SCMP_CMP_NE, SIGKILL)) == 0;
}

static gboolean
refuse_processes (scmp_filter_ctx filter)
{
  scmp_datum_t self = (scmp_datum_t) getpid ();

#if defined(__s390__) || defined(__s390x__)
  struct scmp_arg_cmp no_thread = SCMP_A1 (SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
#else
  struct scmp_arg_cmp no_thread = SCMP_A0 (SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
#endif

  return refuse_if (filter, SCMP_SYS (clone), no_thread) && refuse_scheduling (filter) && refuse_outliving (filter) &&
         refuse_if (filter, SCMP_SYS (kill), SCMP_A0 (SCMP_CMP_NE, self)) &&
         refuse_if (filter, SCMP_SYS (tgkill), SCMP_A0 (SCMP_CMP_NE, self)) &&
         refuse_if (filter, SCMP_SYS (rt_sigqueueinfo), SCMP_A0 (SCMP_CMP_NE, self)) &&
         refuse_if (filter, SCMP_SYS (rt_tgsigqueueinfo), SCMP_A0 (SCMP_CMP_NE, self)) &&
         refuse_if (filter, SCMP_SYS (prlimit64), SCMP_A0 (SCMP_CMP_NE, 0)) &&
         refuse_if (filter, SCMP_SYS (prlimit64), SCMP_A2 (SCMP_CMP_NE, 0)) &&
         refuse_if (filter, SCMP_SYS (setpriority), SCMP_A0 (SCMP_CMP_NE, PRIO_PROCESS)) &&
         refuse_if (filter, SCMP_SYS (setpriority), SCMP_A1 (SCMP_CMP_NE, 0)) &&
         refuse_if (filter, SCMP_SYS (personality), SCMP_A0 (SCMP_CMP_NE, 0xffffffff));
}

/* Ways of a descriptor to type into a terminal, and to send its owner a signal. The kernel looks at 32 bits of these
 * arguments, so the filter does too. */
static gboolean
refuse_controls (scmp_filter_ctx filter)
{
  static const guint32 controls[] = {TIOCSTI, TIOCLINUX, FIOSETOWN, SIOCSPGRP};
  static const guint32 commands[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};

  for (guint i = 0; i < G_N_ELEMENTS (controls); i++)
    if (!refuse_if (filter, SCMP_SYS (ioctl), SCMP_A1 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, controls[i])))
      return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (!refuse_if (filter, SCMP_SYS (fcntl), SCMP_A1 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, commands[i])) ||
        !refuse_if (filter, SCMP_SYS (fcntl64), SCMP_A1 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, commands[i])))
      return FALSE;
  return TRUE;
}

/* Where the network is granted it is the internet's, with what its names are looked up by. A local socket is none of
 * it: behind those are the session bus and the display. */
static gboolean
refuse_socket_families (scmp_filter_ctx filter)
{
  static const guint between[] = {3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15};

  for (guint i = 0; i < G_N_ELEMENTS (between); i++)
    if (!refuse_if (filter, SCMP_SYS (socket), SCMP_A0 (SCMP_CMP_EQ, between[i])))
      return FALSE;
  return refuse_if (filter, SCMP_SYS (socket), SCMP_A0 (SCMP_CMP_LE, AF_UNIX)) &&
         refuse_if (filter, SCMP_SYS (socket), SCMP_A0 (SCMP_CMP_GT, AF_NETLINK));
}

/* One end of a pair of datagram sockets can be pointed elsewhere, and what is asked for as a raw one is such a pair. */
static gboolean
refuse_pairs (scmp_filter_ctx filter)
{
  for (int type = 0; type <= SOCKET_TYPES; type++)
    if (type != SOCK_STREAM && type != SOCK_SEQPACKET &&
        !refuse_if (filter, SCMP_SYS (socketpair), SCMP_A1 (SCMP_CMP_MASKED_EQ, SOCKET_TYPES, (scmp_datum_t) type)))
      return FALSE;
  return TRUE;
}

static gboolean
refuse_sockets (scmp_filter_ctx filter, gboolean network)
{
  if (!refuse_pairs (filter))
    return FALSE;
  if (network)
    return refuse_socket_families (filter);
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (socket), 0) == 0 &&
         refuse_names (filter, refused_without_network);
}

/* Nor does memory that grows like a stack count where the rest does. */
static gboolean
refuse_uncounted_memory (scmp_filter_ctx filter)
{
  const scmp_datum_t kind = MAP_SHARED | MAP_ANONYMOUS;
  const scmp_datum_t grows = MAP_GROWSDOWN;

  return refuse_names (filter, refused_with_memory_limit) &&
         refuse_if (filter, SCMP_SYS (mmap), SCMP_A3 (SCMP_CMP_MASKED_EQ, grows, grows)) &&
         refuse_if (filter, SCMP_SYS (mmap2), SCMP_A3 (SCMP_CMP_MASKED_EQ, grows, grows)) &&
         refuse_if (filter, SCMP_SYS (mmap), SCMP_A3 (SCMP_CMP_MASKED_EQ, kind, kind)) &&
         refuse_if (filter, SCMP_SYS (mmap2), SCMP_A3 (SCMP_CMP_MASKED_EQ, kind, kind));
}

static gboolean
fill (scmp_filter_ctx filter, const FerrySandboxPlan *plan)
{
  /* Another processor's calls, such as those of 32 bits on one of 64, would pass by the rules. */
  return seccomp_attr_set (filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO (ENOSYS)) == 0 &&
         seccomp_attr_set (filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 && refuse_names (filter, refused) &&
         refuse_unknown (filter) && refuse_processes (filter) && refuse_controls (filter) &&
         refuse_sockets (filter, plan->network) && (!plan->memory_limited || refuse_uncounted_memory (filter)) &&
         (plan->writable->len > 0 || refuse_names (filter, refused_without_writable_paths));
}

gboolean
ferry_call_filter_is_possible (void)
{
  return prctl (PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 && seccomp_api_get () >= 1;
}

int
ferry_call_filter_enter (const FerrySandboxPlan *plan)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  int failure = 0;

  if (filter == NULL)
    return ENOMEM;
  if (!fill (filter, plan))
    failure = EINVAL;
  else
    failure = -seccomp_load (filter);
  seccomp_release (filter);
  return failure;
}

#else

gboolean
ferry_call_filter_is_possible (void)
{
  return FALSE;
}

int
ferry_call_filter_enter (const FerrySandboxPlan *plan)
{
  return ENOSYS;
}

#endif
