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

#include "sandbox/ferry-call-filter-private.h"

#include <errno.h>

#ifdef FERRY_HAVE_SECCOMP

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
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

/* By their numbers, which headers of the kernel have and those of the C library do not. */
#ifndef PR_SCHED_CORE
#define PR_SCHED_CORE 62
#endif
#ifndef F_SET_RW_HINT
#define F_SET_RW_HINT 1036
#endif
#ifndef F_SET_FILE_RW_HINT
#define F_SET_FILE_RW_HINT 1038
#endif

#if defined(__s390__) || defined(__s390x__)
#define CLONE_FLAGS SCMP_A1
#else
#define CLONE_FLAGS SCMP_A0
#endif

/* The bits of a socket's type that are not flags. */
#define SOCKET_TYPES 0xf

/* By name, as a library may be older than the kernel that it runs on; what does not exist here is left out. */
static const char *const refused[] = {
  /* Other programs and processes. */
  "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
  "process_mrelease", "kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill", "migrate_pages", "move_pages",
  "ioprio_set", "setpgid", "setsid",
  /* The kernel itself, and what much of it hangs on. */
  "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "kexec_load",
  "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "reboot", "syslog", "acct",
  "swapon", "swapoff", "quotactl", "quotactl_fd", "nfsservctl", "lookup_dcookie", "vhangup", "iopl", "ioperm",
  "modify_ldt", "uselib", "_sysctl", "sethostname", "setdomainname", "setrlimit", "landlock_create_ruleset",
  "landlock_add_rule", "landlock_restrict_self", "seccomp", "vm86", "vm86old",
  /* What the user, or the whole system, has only so much of: watches, queues, memory that is never swapped, and the
   * time of disks, for which all that write to them wait. */
  "inotify_init", "inotify_init1", "io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents", "io_pgetevents",
  "memfd_secret", "sync", "syncfs",
  /* What others do with their files, and what they say of them. Landlock does not look at these, nor, before Linux
   * 6.2, at the last two. */
  "inotify_add_watch", "fanotify_init", "fanotify_mark", "getxattr", "lgetxattr", "getxattrat", "listxattr",
  "llistxattr", "listxattrat", "truncate", "truncate64",
  /* The clock. */
  "settimeofday", "stime", "clock_settime", "clock_settime64", "adjtimex", "clock_adjtime", "clock_adjtime64",
  /* Namespaces and mounts. */
  "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "open_tree_attr",
  "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "statmount", "listmount", "open_by_handle_at",
  "name_to_handle_at",
  /* What is shared with all processes of the user, and is no file. */
  "add_key", "request_key", "keyctl", "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget",
  "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", NULL};

/* What Landlock does not look at. A worker that may write somewhere needs it there. */
static const char *const refused_without_writable_paths[] = {
  "chmod",      "fchmod",      "fchmodat",         "fchmodat2",    "chown",         "chown32",   "fchown",
  "fchown32",   "lchown",      "lchown32",         "fchownat",     "setxattr",      "lsetxattr", "fsetxattr",
  "setxattrat", "removexattr", "lremovexattr",     "fremovexattr", "removexattrat", "utime",     "utimes",
  "futimesat",  "utimensat",   "utimensat_time64", "file_setattr", "flock",         NULL};

/* Calls that a library of filters may not have by name yet, of those that have the same number everywhere. */
static const struct
{
  const char *name;
  int number;
} newer[] = {
  {"process_madvise", 440},
  {"mount_setattr", 442},
  {"quotactl_fd", 443},
  {"landlock_add_rule", 445},
  {"landlock_restrict_self", 446},
  {"landlock_create_ruleset", 444},
  {"memfd_secret", 447},
  {"process_mrelease", 448},
  {"fchmodat2", 452},
  {"statmount", 457},
  {"listmount", 458},
  {"setxattrat", 463},
  {"getxattrat", 464},
  {"listxattrat", 465},
  {"removexattrat", 466},
  {"open_tree_attr", 467},
  {"file_setattr", 469},
};

static const char *const refused_without_network[] = {"connect", "bind", "listen", "accept", "accept4", NULL};

/* Memory that is not private counts against no limit. */
static const char *const refused_with_memory_limit[] = {"memfd_create", NULL};

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

static gboolean
refuse_if_both (scmp_filter_ctx filter, int number, struct scmp_arg_cmp first, struct scmp_arg_cmp second)
{
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), number, 2, first, second) == 0;
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

/* A worker has itself ended with the application, and may not take that back. It does not share a processor's threads
 * with those that it chooses, and has no filters of its own, which are the kernel's memory. */
static gboolean
refuse_settings (scmp_filter_ctx filter)
{
  return refuse_if (filter, SCMP_SYS (prctl), SCMP_A0 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, PR_SCHED_CORE)) &&
         refuse_if (filter, SCMP_SYS (prctl), SCMP_A0 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, PR_SET_SECCOMP)) &&
         refuse_if_both (filter, SCMP_SYS (prctl), SCMP_A0 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, PR_SET_PDEATHSIG),
                         SCMP_A1 (SCMP_CMP_NE, SIGKILL));
}

/* Threads only, and in no namespace of their own. */
static gboolean
refuse_clones (scmp_filter_ctx filter)
{
  static const scmp_datum_t namespaces[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                            CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

  for (guint i = 0; i < G_N_ELEMENTS (namespaces); i++)
    if (!refuse_if (filter, SCMP_SYS (clone), CLONE_FLAGS (SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i])))
      return FALSE;
  return refuse_if (filter, SCMP_SYS (clone), CLONE_FLAGS (SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
}

static gboolean
refuse_processes (scmp_filter_ctx filter)
{
  scmp_datum_t self = (scmp_datum_t) getpid ();

  return refuse_clones (filter) && refuse_scheduling (filter) && refuse_settings (filter) &&
         refuse_if (filter, SCMP_SYS (get_robust_list), SCMP_A0 (SCMP_CMP_NE, 0)) &&
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

/* Refuses whatever begins with these bits and is not allowed. The kernel looks at 32 bits of a request. */
static gboolean
refuse_requests (scmp_filter_ctx filter, const guint32 *allowed, guint n_allowed, guint32 prefix, guint n_bits)
{
  const guint32 mask = n_bits > 0 ? ~(guint32) 0 << (32 - n_bits) : 0;
  guint i;

  for (i = 0; i < n_allowed && (allowed[i] & mask) != prefix; i++)
    ;
  if (i == n_allowed)
    return refuse_if (filter, SCMP_SYS (ioctl), SCMP_A1 (SCMP_CMP_MASKED_EQ, mask, prefix));
  return n_bits == 32 || (refuse_requests (filter, allowed, n_allowed, prefix, n_bits + 1) &&
                          refuse_requests (filter, allowed, n_allowed, prefix | 1u << (31 - n_bits), n_bits + 1));
}

/* What a descriptor can be asked for beside reading and writing is without end, of drivers and file systems, and much
 * of it changes what somebody else opened: so this is a list of what is allowed, which are few and old. They tell what
 * a descriptor is, how much is there, and whether one waits for it. */
static gboolean
refuse_controls (scmp_filter_ctx filter, gboolean network)
{
  static const guint32 plain[] = {TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX};
  static const guint32 of_networks[] = {SIOCATMARK,     SIOCOUTQ,       SIOCGIFNAME, SIOCGIFINDEX,
                                        SIOCGIFCONF,    SIOCGIFFLAGS,   SIOCGIFADDR, SIOCGIFDSTADDR,
                                        SIOCGIFBRDADDR, SIOCGIFNETMASK, SIOCGIFMTU};
  guint32 allowed[G_N_ELEMENTS (plain) + G_N_ELEMENTS (of_networks)];

  memcpy (allowed, plain, sizeof plain);
  memcpy (allowed + G_N_ELEMENTS (plain), of_networks, sizeof of_networks);
  return refuse_requests (filter, allowed, network ? G_N_ELEMENTS (allowed) : G_N_ELEMENTS (plain), 0, 0);
}

static gboolean
refuse_commands (scmp_filter_ctx filter, const guint32 *commands, guint n)
{
  for (guint i = 0; i < n; i++)
    if (!refuse_if (filter, SCMP_SYS (fcntl), SCMP_A1 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, commands[i])) ||
        !refuse_if (filter, SCMP_SYS (fcntl64), SCMP_A1 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, commands[i])))
      return FALSE;
  return TRUE;
}

/* The flags of a descriptor belong to all that have a copy: the application, whose reads would no longer wait, or whose
 * file would no longer be written at its end only. The kernel sets all of them at once, and which descriptor it is
 * about cannot be seen here: so none are set. A pipe or a socket is told not to wait by FIONBIO, which is about nothing
 * else. GLib's sockets, and others, set that flag in the other way: so where there is the network it is let pass, but
 * with no other. */
static gboolean
refuse_flags (scmp_filter_ctx filter, gboolean network)
{
  static const scmp_datum_t flags[] = {O_APPEND, O_ASYNC, O_DIRECT, O_NOATIME};
  static const guint32 command[] = {F_SETFL};
  const struct scmp_arg_cmp sets_flags = SCMP_A1 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, F_SETFL);

  if (!network)
    return refuse_commands (filter, command, G_N_ELEMENTS (command));
  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      const struct scmp_arg_cmp has_flag = SCMP_A2 (SCMP_CMP_MASKED_EQ, flags[i], flags[i]);

      if (!refuse_if_both (filter, SCMP_SYS (fcntl), sets_flags, has_flag) ||
          !refuse_if_both (filter, SCMP_SYS (fcntl64), sets_flags, has_flag))
        return FALSE;
    }
  return TRUE;
}

/* Ways of a descriptor to have its owner signalled, which for a terminal is the program in front, and to keep others
 * from a file: a lease has them wait for most of a minute, a lock for as long as the worker lives. */
static gboolean
refuse_descriptor_commands (scmp_filter_ctx filter, gboolean locks)
{
  static const guint32 commands[] = {F_SETOWN, F_SETOWN_EX,  F_SETSIG,      F_SETLEASE,
                                     F_NOTIFY, F_SETPIPE_SZ, F_SET_RW_HINT, F_SET_FILE_RW_HINT};
  static const guint32 lock_commands[] = {F_SETLK, F_SETLKW, F_SETLK64, F_SETLKW64, F_OFD_SETLK, F_OFD_SETLKW};

  return refuse_commands (filter, commands, G_N_ELEMENTS (commands)) &&
         (locks || refuse_commands (filter, lock_commands, G_N_ELEMENTS (lock_commands)));
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
         refuse_if (filter, SCMP_SYS (socket), SCMP_A0 (SCMP_CMP_GT, AF_NETLINK)) &&
         refuse_if_both (filter, SCMP_SYS (socket), SCMP_A0 (SCMP_CMP_EQ, AF_NETLINK),
                         SCMP_A2 (SCMP_CMP_NE, NETLINK_ROUTE));
}

/* One end of a pair of datagram sockets can be pointed elsewhere, and what is asked for as a raw one is such a pair. */
static gboolean
refuse_pairs (scmp_filter_ctx filter)
{
  if (!refuse_if (filter, SCMP_SYS (socketpair), SCMP_A0 (SCMP_CMP_NE, AF_UNIX)))
    return FALSE;
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

/* Where the main thread's stack ends at its lowest. What is mapped otherwise lies below that. */
static guintptr
get_end_of_stack (void)
{
  struct rlimit limit;
  const guintptr here = (guintptr) __builtin_frame_address (0);

  return getrlimit (RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < here ? here - (guintptr) limit.rlim_cur : 0;
}

/* Nor does memory that grows like a stack count where the rest does, which a piece of the stack does anywhere. */
static gboolean
refuse_uncounted_memory (scmp_filter_ctx filter)
{
  const scmp_datum_t kind = MAP_SHARED | MAP_ANONYMOUS;
  const scmp_datum_t grows = MAP_GROWSDOWN;

  return refuse_names (filter, refused_with_memory_limit) &&
         refuse_if (filter, SCMP_SYS (mremap), SCMP_A0 (SCMP_CMP_GE, get_end_of_stack ())) &&
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
         refuse_unknown (filter) && refuse_processes (filter) && refuse_controls (filter, plan->network) &&
         refuse_flags (filter, plan->network) && refuse_descriptor_commands (filter, plan->writable->len > 0) &&
         refuse_sockets (filter, plan->network) && (plan->address_space == 0 || refuse_uncounted_memory (filter)) &&
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
