/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What workers cost that say nothing: memory and context switches.
 *
 * The program runs twice: as the application, and as the observer that reads what /proc has to say about the
 * application and its workers, so that observing wakes nobody up. */

#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench-ferry.h"
#include "bench-proc.h"

#define N_WORKERS 100
#define N_FIRST 1 /* started first, so that what is needed once is not counted with the links */

static BenchFeed *
open_workers (guint n_workers)
{
  const BenchLoad load = {
    .transport = &bench_ferry,
    .content = BENCH_CONTENT_BYTES,
    .take = BENCH_TAKE_RAW,
    .mode = BENCH_MODE_IDLE,
    .size = 64,
    .n_workers = n_workers,
  };
  g_autoptr (GError) error = NULL;
  BenchFeed *feed = bench_feed_new (&load, &error);

  if (feed == NULL || !bench_ferry_wait_until_open (feed, &error))
    bench_feed_fail (feed, error);
  return feed;
}

static gboolean
quit_cb (int fd, GIOCondition condition, gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

/* The application: says how many KiB it grew by, then the workers' process ids, and lives until its standard input
 * ends. */
static int
run_application (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  BenchFeed *first, *feed;
  gint64 before;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  first = open_workers (N_FIRST);
  before = bench_proc_resident (getpid (), NULL);
  feed = open_workers (N_WORKERS);
  printf ("%" G_GINT64_FORMAT "\n", bench_proc_resident (getpid (), NULL) - before);
  for (guint i = 0; i < N_WORKERS; i++)
    printf ("%d\n", ferry_worker_get_pid (bench_ferry_get_worker (&feed->ports[i])));
  fflush (stdout);
  g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, quit_cb, loop);
  g_main_loop_run (loop);
  return bench_feed_free (feed) && bench_feed_free (first) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static gint64
read_number (GDataInputStream *stream)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *line = g_data_input_stream_read_line (stream, NULL, NULL, &error);

  if (line == NULL || line[0] == '#')
    {
      bench_comment ("FAILED: %s", line != NULL ? line : "the application did not start");
      exit (EXIT_FAILURE);
    }
  return g_ascii_strtoll (line, NULL, 10);
}

static guint64
count_switches (GPid application, const GPid *workers, guint64 *of_workers)
{
  *of_workers = 0;
  for (guint i = 0; i < N_WORKERS; i++)
    *of_workers += bench_proc_switches (workers[i]);
  return bench_proc_switches (application);
}

static void
print_switches (GPid application, const GPid *workers, gint64 seconds)
{
  guint64 workers_before, workers_after;
  guint64 before, after;

  bench_pause (G_GINT64_CONSTANT (1000000000));
  before = count_switches (application, workers, &workers_before);
  bench_pause (seconds * 1000000000);
  after = count_switches (application, workers, &workers_after);
  bench_comment ("idle: %d workers, %" G_GINT64_FORMAT " s", N_WORKERS, seconds);
  bench_print ("idle/100-workers/application", after - before, "context-switches");
  bench_print_budget ("0");
  bench_print ("idle/100-workers/workers", workers_after - workers_before, "context-switches");
  bench_print_budget ("0");
}

static void
print_memory (double grown, const GPid *workers)
{
  double shared = 0, private = 0;

  for (guint i = 0; i < N_WORKERS; i++)
    {
      gint64 lanes = 0;

      private += bench_proc_private (workers[i]);
      bench_proc_resident (workers[i], &lanes);
      shared += lanes;
    }
  bench_print ("memory/link/application", grown / N_WORKERS, "KiB");
  bench_print ("memory/link/worker-lanes", shared / N_WORKERS, "KiB");
  bench_print ("memory/link/total", (grown + shared) / N_WORKERS, "KiB");
  bench_print_budget ("<= 64, until the link is used");
  bench_print ("memory/worker/private", private / N_WORKERS, "KiB");
}

int
main (int argc, char **argv)
{
  g_autoptr (GSubprocess) application = NULL;
  g_autoptr (GDataInputStream) output = NULL;
  g_autoptr (GError) error = NULL;
  BenchOptions options;
  GPid workers[N_WORKERS];
  GPid pid;
  gint64 grown;

  if (argc == 2 && g_str_equal (argv[1], "application"))
    return run_application ();
  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  application = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                                  "/proc/self/exe", "application", NULL);
  if (application == NULL)
    bench_feed_fail (NULL, error);
  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (application));
  grown = read_number (output);
  for (guint i = 0; i < N_WORKERS; i++)
    workers[i] = (GPid) read_number (output);
  pid = (GPid) g_ascii_strtoll (g_subprocess_get_identifier (application), NULL, 10);
  print_memory (grown, workers);
  print_switches (pid, workers, options.quick ? 2 : 10);
  g_output_stream_close (g_subprocess_get_stdin_pipe (application), NULL, NULL);
  g_subprocess_wait (application, NULL, NULL);
  return g_subprocess_get_if_exited (application) ? g_subprocess_get_exit_status (application) : EXIT_FAILURE;
}
