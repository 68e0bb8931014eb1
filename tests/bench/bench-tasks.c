/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tiny tasks through a warm pool of two, one at a time and many under way, beside GTask's threads and beside two
 * processes that are bare; how much the rate depends on the length of the queue, and what a task that waits
 * takes; commands beside GSubprocess; and what it costs to hear of progress. A function gives back its argument. */

#include "config.h"

#include <glib-unix.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench-common.h"
#include "bench-team.h"

#define N_WORKERS 2
#define N_REPORTING 8
#define UNDER_WAY 100
#define LONG_QUEUE 100000
#define MAX_ROUNDS 16

/* ---- ways ---- */

typedef struct _Bench Bench;

/* Asks for one more; what is done makes room for the next. */
typedef void (*AskFunc) (Bench *self);

struct _Bench
{
  BenchTeam team;
  AskFunc ask;
  guint64 n_asked;
  guint64 n_done;
  gboolean refilling;
  GSubprocess *processes[N_WORKERS]; /* (owned): bare ones */
  int sockets[N_WORKERS];            /* (owned) */
};

static void
done (Bench *self)
{
  self->n_done++;
  if (self->refilling)
    self->ask (self);
}

static void
done_cb (FerryTask *task, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  if (result == NULL || g_variant_get_uint64 (result) >= self->n_asked)
    bench_fail ("a task", error);
  done (self);
}

static void
submit (Bench *self, const char *function)
{
  g_autoptr (FerryTask) task = bench_team_submit (&self->team, function, g_variant_new_uint64 (self->n_asked++));

  g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
}

static void
ask_task (Bench *self)
{
  submit (self, "echo");
}

static void
called_cb (GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_executor_call_finish (FERRY_EXECUTOR (source), async_result, &error);

  if (result == NULL)
    bench_fail ("a call", error);
  done (user_data);
}

static void
ask_call (Bench *self)
{
  ferry_executor_call_async (self->team.executor, "echo", g_variant_new_uint64 (self->n_asked++), NULL, called_cb,
                             self);
}

static void
run_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_pointer (task, g_variant_ref (data), (GDestroyNotify) g_variant_unref);
}

static void
thread_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GVariant) value = g_task_propagate_pointer (G_TASK (result), NULL);

  if (value == NULL)
    bench_fail ("a thread", NULL);
  done (user_data);
}

static void
ask_thread (Bench *self)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, thread_cb, self);

  g_task_set_task_data (task, g_variant_ref_sink (g_variant_new_uint64 (self->n_asked++)),
                        (GDestroyNotify) g_variant_unref);
  g_task_run_in_thread (task, run_in_thread);
}

/* ---- commands ---- */

static void
ask_command (Bench *self)
{
  submit (self, "true");
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!g_subprocess_wait_check_finish (G_SUBPROCESS (source), result, &error))
    bench_fail ("true", error);
  done (user_data);
}

static void
ask_subprocess (Bench *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "true", NULL);

  if (process == NULL)
    bench_fail ("true", error);
  self->n_asked++;
  g_subprocess_wait_check_async (process, NULL, ended_cb, self);
}

/* ---- two bare processes ---- */

/* A packet each way for each question. */
static void
ask_bare (Bench *self)
{
  const guint64 number = self->n_asked++;

  if (write (self->sockets[number % N_WORKERS], &number, sizeof number) != sizeof number)
    bench_fail ("a packet", NULL);
}

static gboolean
answered_cb (int fd, GIOCondition condition, gpointer user_data)
{
  guint64 number;

  while (recv (fd, &number, sizeof number, MSG_DONTWAIT) == sizeof number)
    done (user_data);
  return G_SOURCE_CONTINUE;
}

static void
start_processes (Bench *self)
{
  for (guint i = 0; i < N_WORKERS; i++)
    {
      g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
      g_autoptr (GError) error = NULL;
      int fds[2];

      if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
        bench_fail ("a socket", NULL);
      self->sockets[i] = fds[0];
      g_subprocess_launcher_take_stdin_fd (launcher, fds[1]);
      self->processes[i] = g_subprocess_launcher_spawn (launcher, &error, "/proc/self/exe", "bare", NULL);
      if (self->processes[i] == NULL)
        bench_fail ("a process", error);
      g_unix_fd_add (fds[0], G_IO_IN, answered_cb, self);
    }
}

static int
answer_bare (void)
{
  guint64 number;

  while (read (STDIN_FILENO, &number, sizeof number) == sizeof number)
    if (write (STDIN_FILENO, &number, sizeof number) != sizeof number)
      return EXIT_FAILURE;
  return EXIT_SUCCESS;
}

static void
end_processes (Bench *self)
{
  for (guint i = 0; i < N_WORKERS; i++)
    {
      g_subprocess_force_exit (self->processes[i]);
      g_subprocess_wait (self->processes[i], NULL, NULL);
      g_object_unref (self->processes[i]);
      g_source_remove_by_user_data (self);
      close (self->sockets[i]);
    }
}

/* ---- rates ---- */

enum
{
  ONE_TASK,
  ONE_THREAD,
  TASKS,
  CALLS,
  BARE,
  QUEUE,
  COMMANDS,
  SUBPROCESSES,
  N_WAYS,
};

static const struct
{
  const char *name;
  AskFunc ask;
  guint n_under_way;
} ways[N_WAYS] = {{"tasks/one", ask_task, 1},
                  {"tasks/one/gtask", ask_thread, 1},
                  {"tasks/100-queued", ask_task, UNDER_WAY},
                  {"tasks/100-queued/call-async", ask_call, UNDER_WAY},
                  {"tasks/100-queued/bare", ask_bare, UNDER_WAY},
                  {"tasks/100000-queued", ask_task, LONG_QUEUE},
                  {"commands/true", ask_command, N_WORKERS},
                  {"commands/true/gsubprocess", ask_subprocess, N_WORKERS}};

static const struct
{
  const char *name;
  int own, base;
  const char *budget; /* (nullable) */
} ratios[] = {{"ratio/tasks/one-vs-gtask", ONE_TASK, ONE_THREAD, ">= 10"},
              {"ratio/tasks/100-queued-vs-bare", TASKS, BARE, ">= 0.9"},
              {"ratio/tasks/call-async-vs-task", CALLS, TASKS, ">= 0.83: 1 / 1.2"},
              {"ratio/tasks/100000-queued-vs-100", QUEUE, TASKS, NULL},
              {"ratio/commands/true-vs-gsubprocess", COMMANDS, SUBPROCESSES, ">= 1"}};

static void
run_until_done (Bench *self)
{
  self->refilling = FALSE;
  while (self->n_done < self->n_asked)
    g_main_context_iteration (NULL, TRUE);
}

/* What is done a second while as many as that wait; cpu: what one costs this thread, in ns. */
static double
measure_rate (Bench *self, const BenchOptions *options, int way, double *cpu)
{
  gint64 started, used;
  guint64 before;
  double rate;

  self->ask = ways[way].ask;
  self->refilling = TRUE;
  while (self->n_asked - self->n_done < ways[way].n_under_way)
    self->ask (self);
  bench_run_for (options->warm_up);
  before = self->n_done;
  used = bench_thread_cpu ();
  started = bench_now ();
  bench_run_for (options->window);
  rate = (self->n_done - before) * 1e9 / (bench_now () - started);
  *cpu = (double) (bench_thread_cpu () - used) / (self->n_done - before);
  run_until_done (self);
  return rate;
}

/* What a task that waits takes in memory, and how many are taken a second, and done. */
static void
run_memory (Bench *self)
{
  const gint64 before = bench_proc_resident (getpid (), NULL);
  gint64 started = bench_now ();

  for (guint i = 0; i < LONG_QUEUE; i++)
    ask_task (self);
  bench_print ("tasks/submit", LONG_QUEUE * 1e9 / (bench_now () - started), "tasks/s");
  bench_print ("memory/queued-task", (bench_proc_resident (getpid (), NULL) - before) * 1024.0 / LONG_QUEUE, "bytes");
  started = bench_now ();
  run_until_done (self);
  bench_print ("tasks/100000-drained", LONG_QUEUE * 1e9 / (bench_now () - started), "tasks/s");
}

static void
run_rates (Bench *self, const BenchOptions *options)
{
  double rates[N_WAYS][MAX_ROUNDS] = {0}, costs[N_WAYS][MAX_ROUNDS] = {0};
  const guint n_rounds = options->rounds;

  for (guint round = 0; round < n_rounds; round++)
    for (int way = 0; way < N_WAYS; way++)
      rates[way][round] = measure_rate (self, options, way, &costs[way][round]);
  for (int way = 0; way < N_WAYS; way++)
    {
      bench_print (ways[way].name, bench_median (rates[way], n_rounds), "tasks/s");
      bench_print_as (bench_median (costs[way], n_rounds), "ns", "%s/cpu", ways[way].name);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (ratios); i++)
    {
      bench_print (ratios[i].name, bench_median_ratio (rates[ratios[i].own], rates[ratios[i].base], n_rounds), "ratio");
      if (ratios[i].budget != NULL)
        bench_print_budget (ratios[i].budget);
    }
}

/* ---- progress ---- */

static void
progress_cb (FerryTask *task, gpointer user_data)
{
  ++*(guint64 *) user_data;
}

/* What is told of tasks that report without a pause, and what one of it costs this thread. */
static void
measure_progress (const BenchOptions *options, const guint64 *n_reports)
{
  double rates[MAX_ROUNDS], costs[MAX_ROUNDS];
  const gint64 window = bench_choose (options, 100, 250, 1000) * G_GINT64_CONSTANT (1000000);

  bench_run_for (window / 2);
  for (guint round = 0; round < options->rounds; round++)
    {
      const gint64 started = bench_now ();
      const gint64 used = bench_thread_cpu ();
      const guint64 before = *n_reports;

      bench_run_for (window);
      rates[round] = (*n_reports - before) * 1e9 / (bench_now () - started) / N_REPORTING;
      costs[round] = (bench_thread_cpu () - used) / 1e3 / MAX (*n_reports - before, 1);
    }
  bench_print ("progress/8-workers/deliveries", bench_median (rates, options->rounds), "a second and worker");
  bench_print_budget ("<= 60");
  bench_print ("progress/8-workers/cost", bench_median (costs, options->rounds), "us");
  bench_print_budget ("<= 50");
}

static void
run_progress (FerryRouter *router, const BenchOptions *options)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  guint64 n_reports = 0;
  BenchTeam team;

  bench_team_open (&team, router, N_REPORTING);
  bench_team_warm_up (&team);
  for (guint i = 0; i < N_REPORTING; i++)
    {
      FerryTask *task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report", g_variant_new_uint64 (G_MAXINT64));
      g_autoptr (GError) error = NULL;

      g_ptr_array_add (tasks, task);
      g_signal_connect (task, "progress", G_CALLBACK (progress_cb), &n_reports);
      if (!ferry_executor_submit_task (team.executor, task, &error))
        bench_fail ("a task", error);
    }
  measure_progress (options, &n_reports);
  for (guint i = 0; i < tasks->len; i++)
    g_signal_handlers_disconnect_by_data (tasks->pdata[i], &n_reports);
  bench_team_close (&team);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  FerryRouter *router;
  Bench self = {0};

  if (argc == 2 && g_str_equal (argv[1], "bare"))
    return answer_bare ();
  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  router = bench_router_open ();
  bench_team_open (&self.team, router, N_WORKERS);
  bench_team_warm_up (&self.team);
  start_processes (&self);
  run_memory (&self);
  run_rates (&self, &options);
  end_processes (&self);
  bench_team_close (&self.team);
  run_progress (router, &options);
  bench_router_close (router);
  return EXIT_SUCCESS;
}
