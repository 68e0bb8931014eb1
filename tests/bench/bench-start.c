/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long it takes to start a worker, from the call to the first byte that the worker writes: executed, forked by a
 * nursery, and forked by a bare nursery, which is what the kernel charges: a message with a descriptor, a fork, a byte.
 * All three are this program, which is run again with another argument, and take turns. */

#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench-common.h"
#include "route/ferry-router.h"
#include "worker/ferry-launcher.h"
#include "worker/ferry-nursery-private.h"

#define N_KINDS 3
#define KIND_BARE 0
#define KIND_NURSERY 1
#define KIND_EXECUTED 2

static const char *const names[N_KINDS] = {"start/bare-nursery", "start/nursery", "start/executed"};

static FerryRouter *router;
static FerryLauncher *launchers[N_KINDS];
static int bare_socket;

static void
say_hello (int fd)
{
  if (write (fd, "h", 1) != 1)
    abort ();
}

/* A nursery without anything: the floor. */
static int
serve_barely (int control)
{
  for (;;)
    {
      char byte;
      char rights[CMSG_SPACE (sizeof (int))];
      struct iovec vector = {&byte, 1};
      struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = rights, .msg_controllen = sizeof rights};
      pid_t child;
      int fd;

      if (recvmsg (control, &message, MSG_CMSG_CLOEXEC) <= 0)
        return 0;
      memcpy (&fd, CMSG_DATA (CMSG_FIRSTHDR (&message)), sizeof fd);
      child = fork ();
      if (child == 0)
        {
          say_hello (fd);
          _exit (0);
        }
      close (fd);
      waitpid (child, NULL, 0);
    }
}

static void
start_bare_nursery (const char *program)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET, 0, fds) < 0)
    abort ();
  fcntl (fds[0], F_SETFD, FD_CLOEXEC);
  if (fork () == 0)
    {
      dup2 (fds[1], STDIN_FILENO);
      execl (program, program, "bare", NULL);
      _exit (127);
    }
  close (fds[1]);
  bare_socket = fds[0];
}

static void
ask_barely (int fd)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr header;
  } rights = {0};
  struct iovec vector = {(char[]){"?"}, 1};
  struct msghdr message = {
    .msg_iov = &vector, .msg_iovlen = 1, .msg_control = rights.bytes, .msg_controllen = sizeof rights.bytes};

  rights.header.cmsg_level = SOL_SOCKET;
  rights.header.cmsg_type = SCM_RIGHTS;
  rights.header.cmsg_len = CMSG_LEN (sizeof fd);
  memcpy (CMSG_DATA (&rights.header), &fd, sizeof fd);
  if (sendmsg (bare_socket, &message, 0) != 1)
    abort ();
}

/* Microseconds from the call to the first byte. */
static double
measure (guint kind)
{
  g_autoptr (FerryWorker) worker = NULL;
  int fds[2];
  char byte;
  gint64 begin;
  gint64 end;

  if (pipe2 (fds, O_CLOEXEC) < 0)
    abort ();
  if (kind != KIND_BARE)
    ferry_launcher_take_stream_fd (launchers[kind], FERRY_STREAM_STDOUT, fds[1]);
  begin = bench_now ();
  if (kind == KIND_BARE)
    ask_barely (fds[1]);
  else
    worker = ferry_launcher_spawn (launchers[kind], router, NULL);
  if (read (fds[0], &byte, 1) != 1)
    abort ();
  end = bench_now ();
  close (fds[0]);
  if (kind == KIND_BARE)
    close (fds[1]);
  while (worker != NULL && ferry_worker_get_state (worker) != FERRY_WORKER_STATE_ENDED)
    g_main_context_iteration (NULL, TRUE);
  return (double) (end - begin) / 1000;
}

static void
run (const char *program, guint n)
{
  const char *argv[] = {program, "hello", NULL};
  g_autoptr (FerryLauncher) base = ferry_launcher_new (argv);
  g_autoptr (FerryNursery) nursery = ferry_nursery_new (base);
  g_autofree double *times = g_new (double, N_KINDS *n);

  for (guint kind = KIND_NURSERY; kind < N_KINDS; kind++)
    launchers[kind] = ferry_launcher_new (argv);
  ferry_launcher_set_nursery (launchers[KIND_NURSERY], nursery);
  start_bare_nursery (program);
  for (guint kind = 0; kind < N_KINDS; kind++)
    measure (kind);
  for (guint i = 0; i < n; i++)
    for (guint kind = 0; kind < N_KINDS; kind++)
      times[kind * n + i] = measure (kind);
  for (guint kind = 0; kind < N_KINDS; kind++)
    bench_print (names[kind], bench_median (times + kind * n, n), "us");
  bench_print ("start/nursery-to-bare", bench_median_ratio (times + n, times, n), "times");
  bench_print_budget ("start/nursery-to-bare <= 2");
  for (guint kind = KIND_NURSERY; kind < N_KINDS; kind++)
    g_object_unref (launchers[kind]);
}

int
main (int argc, char **argv)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  BenchOptions options;

  if (ferry_nursery_is_asked_for ())
    {
      ferry_nursery_set_arguments (argc, argv);
      if (ferry_nursery_run (NULL) < 0)
        return 1;
      say_hello (STDOUT_FILENO);
      _exit (0);
    }
  if (argc > 1 && strcmp (argv[1], "bare") == 0)
    return serve_barely (STDIN_FILENO);
  if (argc > 1 && strcmp (argv[1], "hello") == 0)
    {
      say_hello (STDOUT_FILENO);
      return 0;
    }
  if (!bench_options_parse (&options, &argc, &argv))
    return 2;
  router = ferry_router_new (NULL);
  if (!ferry_router_start (router, NULL))
    return 1;
  run (program, options.quick ? 100 : 500);
  ferry_router_stop (router, NULL);
  g_object_unref (router);
  return 0;
}
