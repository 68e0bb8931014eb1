/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What workers cost that say nothing: memory and context switches; and what is kept of the memory of a flood when its
 * worker has been idle for a while.
 *
 * The program runs twice: as the application, and as the observer that reads what /proc has to say about the
 * application and its workers, so that observing wakes none of them. */

#include "config.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench-feed.h"
#include "bench-team.h"

#define N_WORKERS 100
#define FLOOD_BYTES (G_GUINT64_CONSTANT (64) * 1024 * 1024)
#define N_FIRST 1 /* started first, so that what is needed once is not counted with the links */

static gboolean
quit_cb (int fd, GIOCondition condition, gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

/* Waits for a byte on the standard input, or its end. */
static void
wait_for_order (void)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);

  g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP, quit_cb, loop);
  g_main_loop_run (loop);
}

/* The application: says how many KiB it grew by, then the workers' process ids, and lives until its standard input
 * ends. */
static int
run_application (void)
{
  BenchFeed *first, *feed;
  gint64 before;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  first = bench_ferry_open (BENCH_MODE_IDLE, BENCH_TAKE_RAW, N_FIRST);
  before = bench_proc_resident (getpid (), NULL);
  feed = bench_ferry_open (BENCH_MODE_IDLE, BENCH_TAKE_RAW, N_WORKERS);
  printf ("%" G_GINT64_FORMAT "\n", bench_proc_resident (getpid (), NULL) - before);
  for (guint i = 0; i < N_WORKERS; i++)
    puts (ferry_worker_get_identifier (bench_ferry_get_worker (&feed->ports[i])));
  fflush (stdout);
  wait_for_order ();
  return bench_feed_free (feed) && bench_feed_free (first) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- after a flood ---- */

/* Answers each byte of its standard input: the first by a flood of messages of that size, the second by its end. */
static int
run_flooded_application (guint64 size, gint64 spare_time)
{
  const guint64 n_messages = FLOOD_BYTES / size;
  g_autoptr (FerryRouter) router = ferry_router_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) pid = NULL;
  g_autoptr (GVariant) done = NULL;
  BenchTeam team;
  char byte;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  g_object_set (router, "spare-time", spare_time, NULL);
  if (!ferry_router_start (router, &error))
    bench_fail ("the router", error);
  bench_team_open (&team, router, 1);
  pid = bench_team_ask (&team, "flood", g_variant_new ("(tt)", G_GUINT64_CONSTANT (1), size));
  printf ("%d\n", g_variant_get_int32 (pid));
  fflush (stdout);
  wait_for_order ();
  if (read (STDIN_FILENO, &byte, 1) == 1)
    done = bench_team_ask (&team, "flood", g_variant_new ("(tt)", n_messages, size));
  printf ("0\n");
  fflush (stdout);
  wait_for_order ();
  bench_team_close (&team);
  return ferry_router_stop (router, &error) ? EXIT_SUCCESS : EXIT_FAILURE;
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

typedef struct
{
  gint64 application, worker; /* KiB that each has for itself */
  gint64 lanes;               /* KiB of the link's memory that is mapped in either */
} Kept;

static Kept
look (GPid application, GPid worker)
{
  Kept kept = {bench_proc_private (application), bench_proc_private (worker), 0};
  gint64 of_application = 0, of_worker = 0;

  bench_proc_resident (application, &of_application);
  bench_proc_resident (worker, &of_worker);
  kept.lanes = MAX (of_application, of_worker);
  return kept;
}

static void
print_kept (const char *size, const char *when, const Kept *before, const Kept *after)
{
  g_autofree char *application = g_strdup_printf ("idle/%s/%s/application", when, size);
  g_autofree char *worker = g_strdup_printf ("idle/%s/%s/worker", when, size);
  g_autofree char *lanes = g_strdup_printf ("idle/%s/%s/lanes", when, size);

  bench_print (application, after->application - before->application, "KiB");
  bench_print (worker, after->worker - before->worker, "KiB");
  bench_print (lanes, after->lanes - before->lanes, "KiB");
}

static void
run_after_flood (const char *name, guint64 size, gint64 spare_time)
{
  g_autofree char *size_text = g_strdup_printf ("%" G_GUINT64_FORMAT, size);
  g_autofree char *spare_text = g_strdup_printf ("%" G_GINT64_FORMAT, spare_time);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) application =
    g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "/proc/self/exe",
                      "flooded", size_text, spare_text, NULL);
  g_autoptr (GDataInputStream) output = NULL;
  g_autofree char *switches_name = g_strdup_printf ("idle/after-flood/%s/switches", name);
  Kept before, at_once, later;
  guint64 switches;
  GPid pid, worker;

  if (application == NULL)
    bench_feed_fail (NULL, error);
  output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (application));
  pid = (GPid) g_ascii_strtoll (g_subprocess_get_identifier (application), NULL, 10);
  worker = (GPid) read_number (output);
  before = look (pid, worker);
  g_output_stream_write (g_subprocess_get_stdin_pipe (application), "", 1, NULL, NULL);
  read_number (output);
  at_once = look (pid, worker);
  /* A link is given two spare times: the first may begin in the midst of the flood. */
  bench_pause (2 * spare_time * 1000 + G_GINT64_CONSTANT (500000000));
  later = look (pid, worker);
  print_kept (name, "flooded", &before, &at_once);
  print_kept (name, "after-flood", &before, &later);
  bench_print_budget ("<= 64");
  switches = bench_proc_switches (pid) + bench_proc_switches (worker);
  bench_pause (G_GINT64_CONSTANT (1000000000));
  bench_print (switches_name, bench_proc_switches (pid) + bench_proc_switches (worker) - switches, "context-switches");
  bench_print_budget ("0");
  g_output_stream_close (g_subprocess_get_stdin_pipe (application), NULL, NULL);
  g_subprocess_wait (application, NULL, NULL);
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
  gint64 grown, spare_time;

  if (argc == 2 && g_str_equal (argv[1], "application"))
    return run_application ();
  if (argc == 4 && g_str_equal (argv[1], "flooded"))
    return run_flooded_application (g_ascii_strtoull (argv[2], NULL, 10), g_ascii_strtoll (argv[3], NULL, 10));
  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  spare_time = bench_choose (&options, 100, 1000, 5000) * 1000;
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
  print_switches (pid, workers, (guint) bench_choose (&options, 1, 2, 10));
  g_output_stream_close (g_subprocess_get_stdin_pipe (application), NULL, NULL);
  g_subprocess_wait (application, NULL, NULL);
  run_after_flood ("64B", 64, spare_time);
  run_after_flood ("4KiB", 4096, spare_time);
  run_after_flood ("1MiB", 1024 * 1024, spare_time);
  return g_subprocess_get_if_exited (application) ? g_subprocess_get_exit_status (application) : EXIT_FAILURE;
}
