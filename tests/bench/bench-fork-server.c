/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The barest fork server that there is: a process with one thread that forks for each message on its standard input,
 * which carries a descriptor. The child reads the clock and writes it there. It is linked with what a worker of Ferry's
 * links, as a fork costs what is mapped. With an argument it only tells the time itself, and links libc alone. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef BENCH_WITH_GIO
#include <gio/gio.h>
#endif

static void
tell_time (int fd)
{
  struct timespec time;
  int64_t now;

  clock_gettime (CLOCK_MONOTONIC, &time);
  now = time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
  _exit (write (fd, &now, sizeof now) == sizeof now ? EXIT_SUCCESS : EXIT_FAILURE);
}

int
main (int argc, char **argv)
{
  char byte, control[CMSG_SPACE (sizeof (int))];
  struct iovec part = {&byte, 1};
  pid_t pid;
  int fd;

  if (argc > 1)
    tell_time (STDOUT_FILENO);
#ifdef BENCH_WITH_GIO
  g_type_ensure (G_TYPE_CANCELLABLE);
#endif
  for (;;)
    {
      struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};

      if (recvmsg (STDIN_FILENO, &message, MSG_CMSG_CLOEXEC) <= 0 || message.msg_controllen == 0)
        return EXIT_SUCCESS;
      memcpy (&fd, CMSG_DATA (CMSG_FIRSTHDR (&message)), sizeof fd);
      pid = fork ();
      if (pid == 0)
        tell_time (fd);
      close (fd);
      waitpid (pid, NULL, 0);
    }
}
