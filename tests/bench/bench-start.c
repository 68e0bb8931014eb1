/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What it takes to start a process for a task, beside GSubprocess and beside the barest fork server, in turn; and the
 * same again in an application with a heap of 500 MB. */

#include "config.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench-common.h"
#include "bench-team.h"

#define HEAP (500 * (gsize) 1024 * 1024)
#define MAX_ROUNDS 16

enum
{
  FERRY,
  BARE,
  GSUBPROCESS,
  N_WAYS,
};

static const char *const names[N_WAYS] = {"start/ferry-task", "start/bare-fork-server-gio", "start/gsubprocess"};

/* In ns: until the first instruction of what was started, by the clock that it reads; until its answer is here. */
typedef struct
{
  gint64 instruction;
  gint64 answer;
} Start;

typedef struct
{
  double instruction[N_WAYS][MAX_ROUNDS];
  double answer[N_WAYS][MAX_ROUNDS];
} Figures;

typedef struct
{
  FerryRouter *router;      /* (owned) */
  BenchTeam fresh;          /* a new worker for each task */
  GSubprocess *fork_server; /* (owned): the bare one */
  int control;              /* (owned): its socket */
  const char *only;         /* (nullable): the one way to measure, for a profiler */
  Figures figures[2];       /* without the heap, and with it */
} Bench;

/* ---- the ways ---- */

/* A task in a worker that is started for it, forked by a fork server that is there. */
static Start
start_ferry (Bench *self)
{
  g_autoptr (GVariant) told = NULL;
  gint64 started;

  /* The last worker's end is in no other's figure. */
  while (bench_get_number (self->fresh.pool, "n-workers") > 0)
    g_main_context_iteration (NULL, TRUE);
  started = bench_now ();
  told = bench_team_ask (&self->fresh, "now", NULL);
  return (Start){g_variant_get_int64 (told) - started, bench_now () - started};
}

/* Takes the time that a process tells, and waits until it has ended. */
static Start
take_time (int fd, gint64 started)
{
  Start start;
  gint64 told;
  char byte;

  if (read (fd, &told, sizeof told) != sizeof told)
    bench_fail ("a process did not tell the time", NULL);
  start = (Start){told - started, bench_now () - started};
  if (read (fd, &byte, sizeof byte) != 0)
    bench_fail ("a process told too much", NULL);
  close (fd);
  return start;
}

static Start
start_bare (Bench *self)
{
  const gint64 started = bench_now ();
  char byte = 0, control[CMSG_SPACE (sizeof (int))] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) < 0)
    bench_fail ("pipe2", NULL);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (header), &fds[1], sizeof (int));
  if (sendmsg (self->control, &message, 0) != 1)
    bench_fail ("sendmsg", NULL);
  close (fds[1]);
  return take_time (fds[0], started);
}

static Start
start_gsubprocess (void)
{
  g_autofree char *path = bench_path_beside ("bench-first-byte");
  const gint64 started = bench_now ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, path, "once", NULL);
  GInputStream *output;
  Start start;

  if (process == NULL)
    bench_fail ("GSubprocess", error);
  output = g_subprocess_get_stdout_pipe (process);
  start = take_time (dup (g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (output))), started);
  g_subprocess_wait (process, NULL, NULL);
  return start;
}

static Start
take (Bench *self, int way)
{
  switch (way)
    {
    case FERRY:
      return start_ferry (self);
    case BARE:
      return start_bare (self);
    case GSUBPROCESS:
    default:
      return start_gsubprocess ();
    }
}

/* ---- the bench ---- */

static void
bench_init (Bench *self)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autofree char *path = bench_path_beside ("bench-fork-server-gio");
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GError) error = NULL;
  int sockets[2];

  self->router = bench_router_open ();
  bench_team_open (&self->fresh, self->router, 1);
  g_object_set (self->fresh.pool, "max-tasks", 1, NULL);
  first = bench_team_ask (&self->fresh, "now", NULL);
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
    bench_fail ("socketpair", NULL);
  g_subprocess_launcher_take_stdin_fd (launcher, sockets[1]);
  self->control = sockets[0];
  self->fork_server = g_subprocess_launcher_spawn (launcher, &error, path, NULL);
  if (self->fork_server == NULL)
    bench_fail (path, error);
}

static void
bench_clear (Bench *self)
{
  close (self->control);
  g_subprocess_wait (self->fork_server, NULL, NULL);
  g_object_unref (self->fork_server);
  bench_team_close (&self->fresh);
  bench_router_close (self->router);
}

/* Takes n of each of the ways in turn: each finds a machine that has done something else meanwhile, and what changes on
 * it meets all of them. */
static void
measure (Bench *self, Figures *figures, guint n, guint round)
{
  g_autofree double *values = g_new (double, 2 * N_WAYS * n);
  double *instructions = values;
  double *answers = values + N_WAYS * n;

  for (guint i = 0; i < n; i++)
    for (int way = 0; way < N_WAYS; way++)
      if (self->only == NULL || g_str_has_suffix (names[way], self->only))
        {
          const Start start = take (self, way);

          instructions[way * n + i] = start.instruction / 1e3;
          answers[way * n + i] = start.answer / 1e3;
        }
  for (int way = 0; way < N_WAYS; way++)
    if (self->only == NULL || g_str_has_suffix (names[way], self->only))
      {
        figures->instruction[way][round] = bench_median (&instructions[way * n], n);
        figures->answer[way][round] = bench_median (&answers[way * n], n);
      }
}

/* Memory as malloc() has it, all of it touched, in pages of the usual size. */
static gpointer
heap_new (void)
{
  gpointer heap = mmap (NULL, HEAP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (heap == MAP_FAILED)
    bench_fail ("500 MB", NULL);
  madvise (heap, HEAP, MADV_NOHUGEPAGE);
  memset (heap, 1, HEAP);
  return heap;
}

static void
run_round (Bench *self, const BenchOptions *options, gboolean heavy, guint round)
{
  gpointer heap = heavy ? heap_new () : NULL;

  measure (self, &self->figures[heavy], (guint) bench_choose (options, 1, 10, 40), round);
  if (heap != NULL)
    munmap (heap, HEAP);
}

static void
print_figures (const Figures *figures, const char *suffix, guint n_rounds)
{
  for (int way = 0; way < N_WAYS; way++)
    {
      const double instruction = bench_median (figures->instruction[way], n_rounds);
      const double answer = bench_median (figures->answer[way], n_rounds);

      if (instruction > 0)
        bench_print_as (instruction, "us", "%s/first-instruction%s", names[way], suffix);
      if (answer > 0)
        bench_print_as (answer, "us", "%s/answer%s", names[way], suffix);
    }
}

static void
print_ratio (const char *name, const double *values, const double *base, guint n_rounds, const char *budget)
{
  bench_print (name, bench_median_ratio (values, base, n_rounds), "ratio");
  if (budget != NULL)
    bench_print_budget (budget);
}

static void
print_ratios (const Figures *light, const Figures *heavy, guint n_rounds)
{
  print_ratio ("ratio/start/vs-bare-fork-server", light->instruction[FERRY], light->instruction[BARE], n_rounds,
               "<= 2");
  print_ratio ("ratio/start/500-MB-heap-vs-none", heavy->instruction[FERRY], light->instruction[FERRY], n_rounds,
               "about 1");
  print_ratio ("ratio/gsubprocess/500-MB-heap-vs-none", heavy->instruction[GSUBPROCESS],
               light->instruction[GSUBPROCESS], n_rounds, NULL);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  Bench self = {0};
  guint n_rounds;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  n_rounds = (guint) bench_choose (&options, 1, 5, 9);
  self.only = options.only;
  bench_init (&self);
  for (guint round = 0; round < n_rounds; round++)
    for (int heavy = 0; heavy < 2; heavy++)
      run_round (&self, &options, heavy, round);
  print_figures (&self.figures[0], "", n_rounds);
  print_figures (&self.figures[1], "/500-MB-heap", n_rounds);
  if (self.only == NULL)
    print_ratios (&self.figures[0], &self.figures[1], n_rounds);
  bench_clear (&self);
  return EXIT_SUCCESS;
}
