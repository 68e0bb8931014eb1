/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cells: one that is written without a reader, and the progress of tasks that report as fast as they can. */

#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench-common.h"
#include "bench-proc.h"
#include "bench-team.h"

#define N_WORKERS 8
#define MAX_ROUNDS 16

typedef struct
{
  guint64 n_deliveries;
  guint64 last;
} Cell;

static void
cell_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  Cell *cell = user_data;

  memcpy (&cell->last, data, sizeof cell->last);
  cell->n_deliveries++;
}

static FerryWorker *
start_writer (FerryRouter *router, FerrySender *sender, guint64 n_writes, int input, int output)
{
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, n_writes);
  g_autoptr (FerryLauncher) launcher = bench_functions_launcher ();
  g_autoptr (GError) error = NULL;
  FerryWorker *worker = NULL;

  ferry_launcher_setenv (launcher, "FERRY_BENCH_WRITES", number);
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDIN, input);
  ferry_launcher_take_stream_fd (launcher, FERRY_STREAM_STDOUT, output);
  if (ferry_launcher_add_sender (launcher, "cell", sender, &error))
    worker = ferry_launcher_spawn (launcher, router, &error);
  if (worker == NULL)
    bench_fail ("a worker", error);
  return worker;
}

/* Waits for the number that the writer prints when it has written all, without the main loop. */
static gint64
wait_for_number (int fd)
{
  char text[32] = "";
  gsize length = 0;
  gssize n;

  while (strchr (text, '\n') == NULL && (n = read (fd, text + length, sizeof text - 1 - length)) > 0)
    length += (gsize) n;
  return g_ascii_strtoll (text, NULL, 10);
}

/* The main loop is blocked while the cell is written, and then gets what is there. */
static gboolean
run_blocked (FerryRouter *router, guint64 n_writes)
{
  g_autoptr (FerrySender) sender = NULL;
  g_autoptr (FerryReceiver) receiver = NULL;
  g_autoptr (FerryWorker) worker = NULL;
  g_autoptr (GError) error = NULL;
  Cell cell = {0};
  gint64 memory, spent;
  int orders[2], answers[2];

  if (!g_unix_open_pipe (orders, FD_CLOEXEC, &error) || !g_unix_open_pipe (answers, FD_CLOEXEC, &error) ||
      !ferry_router_pipe (router, FERRY_PIPE_LATEST, &sender, &receiver, &error))
    bench_fail ("a pipe", error);
  ferry_receiver_set_handler (receiver, cell_cb, &cell, NULL);
  memory = bench_proc_resident (getpid (), NULL);
  worker = start_writer (router, sender, n_writes, orders[0], answers[1]);
  spent = wait_for_number (answers[0]);
  memory = bench_proc_resident (getpid (), NULL) - memory;
  while (cell.last < n_writes && ferry_receiver_get_exit (receiver) == NULL)
    g_main_context_iteration (NULL, TRUE);
  bench_print ("cells/blocked/writes", (double) n_writes, "writes");
  bench_print ("cells/blocked/growth", (double) memory, "KiB");
  bench_print ("cells/blocked/deliveries", (double) cell.n_deliveries, "deliveries");
  bench_print_budget ("1, of the last value");
  bench_print ("cells/write", (double) spent / n_writes, "ns");
  close (orders[1]);
  close (answers[0]);
  while (ferry_worker_get_state (worker) != FERRY_WORKER_STATE_ENDED || ferry_receiver_get_exit (receiver) == NULL)
    g_main_context_iteration (NULL, TRUE);
  if (cell.last != n_writes || cell.n_deliveries != 1)
    bench_comment ("FAILED: %" G_GUINT64_FORMAT " deliveries, the last of %" G_GUINT64_FORMAT, cell.n_deliveries,
                   cell.last);
  return cell.last == n_writes;
}

static void
progress_cb (FerryTask *task, gpointer user_data)
{
  guint64 *n_reports = user_data;

  (*n_reports)++;
}

static void
measure_progress (const BenchOptions *options, guint64 *n_reports, guint n_workers)
{
  double shares[MAX_ROUNDS], rates[MAX_ROUNDS];
  const gint64 window = options->quick ? options->window * 5 : G_GINT64_CONSTANT (1000000000);

  bench_run_for (window / 2);
  for (guint round = 0; round < options->rounds; round++)
    {
      const gint64 started = bench_now ();
      const gint64 used = bench_thread_cpu ();
      const guint64 before = *n_reports;
      double elapsed;

      bench_run_for (window);
      elapsed = (double) (bench_now () - started);
      shares[round] = 100 * (bench_thread_cpu () - used) / elapsed;
      rates[round] = (*n_reports - before) * 1e9 / elapsed / n_workers;
    }
  bench_print ("progress/8-workers/deliveries", bench_median (rates, options->rounds), "a second and worker");
  bench_print ("progress/8-workers/cpu", bench_median (shares, options->rounds), "percent of a core");
  bench_print_budget ("< 1");
}

/* Tasks that report without a pause, and are still at it when it is over. */
static void
run_progress (FerryRouter *router, const BenchOptions *options)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  guint64 n_reports = 0;
  BenchTeam team;

  bench_team_open (&team, router, N_WORKERS);
  bench_team_warm_up (&team);
  for (guint i = 0; i < N_WORKERS; i++)
    {
      FerryTask *task =
        ferry_task_new (FERRY_TASK_KIND_PROGRESS, "report", g_variant_new_uint64 (G_GUINT64_CONSTANT (1) << 60));
      g_autoptr (GError) error = NULL;

      g_ptr_array_add (tasks, task);
      g_signal_connect (task, "progress", G_CALLBACK (progress_cb), &n_reports);
      if (!ferry_executor_submit_task (team.executor, task, &error))
        bench_fail ("a task", error);
    }
  measure_progress (options, &n_reports, N_WORKERS);
  for (guint i = 0; i < tasks->len; i++)
    g_signal_handlers_disconnect_by_data (tasks->pdata[i], &n_reports);
  bench_team_close (&team);
}

/* What a report costs the function. */
static void
run_report (FerryRouter *router, guint64 n_reports)
{
  g_autoptr (GVariant) spent = NULL;
  BenchTeam team;

  bench_team_open (&team, router, 1);
  bench_team_warm_up (&team);
  spent = bench_team_ask (&team, "report", g_variant_new_uint64 (n_reports));
  bench_print ("progress/report", (double) g_variant_get_int64 (spent) / n_reports, "ns");
  bench_team_close (&team);
}

int
main (int argc, char **argv)
{
  const guint64 million = 1000000;
  BenchOptions options;
  FerryRouter *router;
  gboolean passed;

  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  router = bench_router_open ();
  passed = run_blocked (router, (guint64) bench_choose (&options, 1, 10, 100) * million / 10);
  run_report (router, million);
  run_progress (router, &options);
  bench_router_close (router);
  return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
