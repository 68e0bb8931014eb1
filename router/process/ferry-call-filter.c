/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sandbox's filter of system calls (seccomp), sockets and connections among them: those that a worker may not make.
 *
 * The list names those that are refused, for the reason in docs/decisions.md. They fail with EPERM, and calls that are
 * newer than the list with ENOSYS; no process is killed. The call clone3() fails with ENOSYS, since a filter cannot
 * read its flags; the C library then uses clone() for threads.
 *
 * The filter contains the id of this process: the process can send signals to itself only, which abort() and threads
 * need. */

#include "config.h"

#include "process/ferry-sandbox-message-private.h"
#include "process/ferry-sandbox-private.h"

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

/* The calls that are newer than the list below. Call numbers from 424 on are the same on all processors. */
#define FIRST_UNKNOWN_CALL 470
#define LAST_UNKNOWN_CALL 560

/* These constants are missing in the headers of older C libraries. */
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

/* The bits of socketpair()'s type argument that hold the type; the other bits are flags. */
#define SOCKET_TYPES 0xf

/* The refused calls, by name, since libseccomp may be older than the kernel. Names that do not exist are ignored. */
static const char *const refused[] = {
  /* Starting programs and processes, and access to other processes. */
  "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
  "process_mrelease", "kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill", "migrate_pages", "move_pages",
  "ioprio_set", "setpgid", "setsid",
  /* Access to the kernel itself. */
  "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "kexec_load",
  "kexec_file_load", "init_module", "finit_module", "delete_module", "create_module", "reboot", "syslog", "acct",
  "swapon", "swapoff", "quotactl", "quotactl_fd", "nfsservctl", "lookup_dcookie", "vhangup", "iopl", "ioperm",
  "modify_ldt", "uselib", "_sysctl", "sethostname", "setdomainname", "setrlimit", "landlock_create_ruleset",
  "landlock_add_rule", "landlock_restrict_self", "seccomp", "vm86", "vm86old",
  /* Use of limited resources: watches, queues, memory that is never swapped, and the time of disks. */
  "inotify_init", "inotify_init1", "io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents", "io_pgetevents",
  "memfd_secret", "sync", "syncfs",
  /* Watches of files and reading of their attributes, which Landlock does not restrict; and truncation by path,
   * which Landlock restricts only from Linux 6.2 on. */
  "inotify_add_watch", "fanotify_init", "fanotify_mark", "getxattr", "lgetxattr", "getxattrat", "listxattr",
  "llistxattr", "listxattrat", "truncate", "truncate64",
  /* Changes of the system's clock. */
  "settimeofday", "stime", "clock_settime", "clock_settime64", "adjtimex", "clock_adjtime", "clock_adjtime64",
  /* Namespaces and mounts. */
  "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "open_tree_attr",
  "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "statmount", "listmount", "open_by_handle_at",
  "name_to_handle_at",
  /* Objects other than files that all processes of the user share. */
  "add_key", "request_key", "keyctl", "shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget",
  "msgsnd", "msgrcv", "msgctl", "mq_open", "mq_unlink", NULL};

/* Calls that Landlock does not restrict, and that a worker with a writable path needs. */
static const char *const refused_without_writable_paths[] = {
  "chmod",      "fchmod",      "fchmodat",         "fchmodat2",    "chown",         "chown32",   "fchown",
  "fchown32",   "lchown",      "lchown32",         "fchownat",     "setxattr",      "lsetxattr", "fsetxattr",
  "setxattrat", "removexattr", "lremovexattr",     "fremovexattr", "removexattrat", "utime",     "utimes",
  "futimesat",  "utimensat",   "utimensat_time64", "file_setattr", "flock",         NULL};

/* Calls with names that an older libseccomp does not know. Their numbers are the same on all processors. */
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
refuse (scmp_filter_ctx filter, int number)
{
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), number, 0) == 0;
}

static gboolean
refuse_names (scmp_filter_ctx filter, const char *const *names)
{
  for (guint i = 0; names[i] != NULL; i++)
    {
      int number = find_number (names[i]);

      if (number != __NR_SCMP_ERROR && !refuse (filter, number))
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

/* Refuses calls that change the scheduling of any thread but the calling one, which has the number 0 in these calls. */
static gboolean
refuse_scheduling (scmp_filter_ctx filter)
{
  static const char *const names[] = {"sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!refuse_if (filter, find_number (names[i]), SCMP_A0 (SCMP_CMP_NE, 0)))
      return FALSE;
  return TRUE;
}

/* Refuses three settings of prctl(). A worker must not cancel the signal that kills it when the application ends. It
 * must not choose which processes share its processor core. It must not add filters, since filters use memory of the
 * kernel. */
static gboolean
refuse_settings (scmp_filter_ctx filter)
{
  return refuse_if (filter, SCMP_SYS (prctl), SCMP_A0 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, PR_SCHED_CORE)) &&
         refuse_if (filter, SCMP_SYS (prctl), SCMP_A0 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, PR_SET_SECCOMP)) &&
         refuse_if_both (filter, SCMP_SYS (prctl), SCMP_A0 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, PR_SET_PDEATHSIG),
                         SCMP_A1 (SCMP_CMP_NE, SIGKILL));
}

/* Allows clone() for new threads only, and not in new namespaces. */
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

/* Refuses each ioctl() request that has the first n_bits (of 32) bits of prefix and is not in allowed. */
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

/* Refuses ioctl() requests except for a list. Drivers and file systems define many requests, and some change a file
 * for all processes that have it open. The allowed requests are old ones. They are for a descriptor's type, the amount
 * of data that can be read, blocking or not, and, with the network, addresses of interfaces. */
static gboolean
refuse_controls (scmp_filter_ctx filter, gboolean network)
{
  enum
  {
    N_WITHOUT_NETWORK = 6
  };
  static const guint32 allowed[] = {TCGETS,         TIOCGWINSZ,   FIONREAD,    FIONBIO,        FIOCLEX,
                                    FIONCLEX,       SIOCATMARK,   SIOCOUTQ,    SIOCGIFNAME,    SIOCGIFINDEX,
                                    SIOCGIFCONF,    SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFDSTADDR, SIOCGIFBRDADDR,
                                    SIOCGIFNETMASK, SIOCGIFMTU};

  return refuse_requests (filter, allowed, network ? G_N_ELEMENTS (allowed) : N_WITHOUT_NETWORK, 0, 0);
}

static gboolean
refuse_command (scmp_filter_ctx filter, guint32 command)
{
  const struct scmp_arg_cmp is_command = SCMP_A1 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, command);

  return refuse_if (filter, SCMP_SYS (fcntl), is_command) && refuse_if (filter, SCMP_SYS (fcntl64), is_command);
}

static gboolean
refuse_commands (scmp_filter_ctx filter, const guint32 *commands, guint n)
{
  for (guint i = 0; i < n; i++)
    if (!refuse_command (filter, commands[i]))
      return FALSE;
  return TRUE;
}

/* Refuses F_SETFL, or some of its flags. All copies of a descriptor share its flags, also the application's copies. A
 * worker could make the application's reads not block, or its writes not append. A filter cannot distinguish
 * descriptors, and F_SETFL sets all flags at once, so F_SETFL is refused. A worker can use FIONBIO, which changes the
 * blocking of a pipe or socket and no other flag. With the network, F_SETFL is allowed without the flags below, since
 * GLib uses it to make its sockets not block. */
static gboolean
refuse_flags (scmp_filter_ctx filter, gboolean network)
{
  static const scmp_datum_t flags[] = {O_APPEND, O_ASYNC, O_DIRECT, O_NOATIME};
  const struct scmp_arg_cmp sets_flags = SCMP_A1 (SCMP_CMP_MASKED_EQ, G_MAXUINT32, F_SETFL);

  if (!network)
    return refuse_command (filter, F_SETFL);
  for (guint i = 0; i < G_N_ELEMENTS (flags); i++)
    {
      const struct scmp_arg_cmp has_flag = SCMP_A2 (SCMP_CMP_MASKED_EQ, flags[i], flags[i]);

      if (!refuse_if_both (filter, SCMP_SYS (fcntl), sets_flags, has_flag) ||
          !refuse_if_both (filter, SCMP_SYS (fcntl64), sets_flags, has_flag))
        return FALSE;
    }
  return TRUE;
}

/* Refuses fcntl() commands of two kinds. Some make the kernel send signals to the owner of a descriptor; the owner
 * of a terminal's descriptor is the foreground program. Others block other processes' access to a file: a lease for
 * up to a minute, a lock until the worker ends. */
static gboolean
refuse_descriptor_commands (scmp_filter_ctx filter, gboolean locks)
{
  static const guint32 commands[] = {F_SETOWN, F_SETOWN_EX,  F_SETSIG,      F_SETLEASE,
                                     F_NOTIFY, F_SETPIPE_SZ, F_SET_RW_HINT, F_SET_FILE_RW_HINT};
  static const guint32 lock_commands[] = {F_SETLK, F_SETLKW, F_SETLK64, F_SETLKW64, F_OFD_SETLK, F_OFD_SETLKW};

  return refuse_commands (filter, commands, G_N_ELEMENTS (commands)) &&
         (locks || refuse_commands (filter, lock_commands, G_N_ELEMENTS (lock_commands)));
}

/* Allows only internet sockets, and netlink sockets for routes, which the lookup of host names uses. Local sockets
 * are refused since they can connect to the session bus and the display. */
static gboolean
refuse_socket_families (scmp_filter_ctx filter)
{
  for (int family = AF_INET + 1; family < AF_NETLINK; family++)
    if (family != AF_INET6 && !refuse_if (filter, SCMP_SYS (socket), SCMP_A0 (SCMP_CMP_EQ, (scmp_datum_t) family)))
      return FALSE;
  return refuse_if (filter, SCMP_SYS (socket), SCMP_A0 (SCMP_CMP_LE, AF_UNIX)) &&
         refuse_if (filter, SCMP_SYS (socket), SCMP_A0 (SCMP_CMP_GT, AF_NETLINK)) &&
         refuse_if_both (filter, SCMP_SYS (socket), SCMP_A0 (SCMP_CMP_EQ, AF_NETLINK),
                         SCMP_A2 (SCMP_CMP_NE, NETLINK_ROUTE));
}

/* Refuses pairs of datagram sockets: each socket of such a pair could be connected to another address. The system
 * makes a pair of type SOCK_RAW a pair of datagram sockets. */
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
  return refuse (filter, SCMP_SYS (socket)) && refuse_names (filter, refused_without_network);
}

/* Returns the lowest address of the main thread's stack. All other mappings have lower addresses. */
static guintptr
get_end_of_stack (void)
{
  struct rlimit limit;
  const guintptr here = (guintptr) __builtin_frame_address (0);

  return getrlimit (RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < here ? here - (guintptr) limit.rlim_cur : 0;
}

/* Refuses memory that does not count against RLIMIT_DATA. This is shared memory, memory that grows like a stack, and
 * parts of the stack that are moved with mremap(). */
static gboolean
refuse_uncounted_memory (scmp_filter_ctx filter)
{
  const scmp_datum_t kind = MAP_SHARED | MAP_ANONYMOUS;
  const scmp_datum_t grows = MAP_GROWSDOWN;

  return refuse (filter, SCMP_SYS (memfd_create)) &&
         refuse_if (filter, SCMP_SYS (mremap), SCMP_A0 (SCMP_CMP_GE, get_end_of_stack ())) &&
         refuse_if (filter, SCMP_SYS (mmap), SCMP_A3 (SCMP_CMP_MASKED_EQ, grows, grows)) &&
         refuse_if (filter, SCMP_SYS (mmap2), SCMP_A3 (SCMP_CMP_MASKED_EQ, grows, grows)) &&
         refuse_if (filter, SCMP_SYS (mmap), SCMP_A3 (SCMP_CMP_MASKED_EQ, kind, kind)) &&
         refuse_if (filter, SCMP_SYS (mmap2), SCMP_A3 (SCMP_CMP_MASKED_EQ, kind, kind));
}

static gboolean
fill (scmp_filter_ctx filter, const FerrySandboxMessage *message)
{
  /* The system calls of another architecture, such as 32-bit calls on a 64-bit processor, are refused, since the
   * rules do not apply to them. */
  return seccomp_attr_set (filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO (ENOSYS)) == 0 &&
         seccomp_attr_set (filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 && refuse_names (filter, refused) &&
         refuse_unknown (filter) && refuse_processes (filter) && refuse_controls (filter, message->network) &&
         refuse_flags (filter, message->network) && refuse_descriptor_commands (filter, message->writable->len > 0) &&
         refuse_sockets (filter, message->network) &&
         (message->address_space == 0 || refuse_uncounted_memory (filter)) &&
         (message->writable->len > 0 || refuse_names (filter, refused_without_writable_paths));
}

gboolean
ferry_call_filter_is_possible (void)
{
  return prctl (PR_GET_SECCOMP, 0, 0, 0, 0) >= 0 && seccomp_api_get () >= 1;
}

int
ferry_call_filter_enter (const FerrySandboxMessage *message)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  int failure;

  if (filter == NULL)
    return ENOMEM;
  failure = fill (filter, message) ? -seccomp_load (filter) : EINVAL;
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
ferry_call_filter_enter (const FerrySandboxMessage *message)
{
  return ENOSYS;
}

#endif
