/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The guardian as it runs on a kernel before 6.9, which cannot signal a group by a pidfd. */

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* PIDFD_SIGNAL_PROCESS_GROUP, which older headers do not have. */
#define SIGNAL_GROUP (1u << 2)

/* The flags' lower half, on a little-endian machine; on another one nothing is refused. */
#define FLAGS offsetof (struct seccomp_data, args[3])

int
main (int argc, char **argv)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_send_signal, 0, 3),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, FLAGS),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SIGNAL_GROUP, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};

  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
    return EXIT_FAILURE;
  execv (FERRY_TEST_GUARDIAN, argv);
  return EXIT_FAILURE;
}
