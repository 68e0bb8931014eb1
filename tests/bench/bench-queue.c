/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue in a file, beside an executor alone: what a task costs the main thread while 100 are under way; how many are
 * on the disk a second of 100,000 that are submitted at a time, and what one takes in memory; and how long it takes to
 * open a file of that many, to its first row. A function gives back its argument. */

#include "config.h"

#include <ferry-queue.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bench-common.h"
#include "bench-queue-file.h"
#include "bench-team.h"

#define N_WORKERS 2
#define UNDER_WAY 100
#define MANY 100000
#define MAX_ROUNDS 16

typedef struct
{
  BenchTeam team;
  char *folder;      /* (owned) */
  char *path;        /* (owned): of the queue's file */
  FerryQueue *queue; /* (owned) (nullable): NULL: tasks go to the executor */
  guint64 n_asked;
  guint64 n_done;
  gboolean refilling;
} Bench;

/* ---- the queue ---- */

static void
open_queue (Bench *self, gboolean is_paused)
{
  self->queue = ferry_queue_new (self->team.executor, self->path);
  g_object_set (self->queue, "paused", is_paused, NULL);
  bench_queue_open (self->queue);
}

static void
close_queue (Bench *self)
{
  bench_queue_close (self->queue);
  g_clear_object (&self->queue);
}

/* ---- tasks ---- */

static void ask (Bench *self);

static void
done_cb (FerryTask *task, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = ferry_task_get_result (task, &error);

  if (result == NULL || g_variant_get_uint64 (result) >= self->n_asked)
    bench_fail ("a task", error);
  self->n_done++;
  if (self->refilling)
    ask (self);
}

static void
submit (Bench *self, FerryTask *task, const char *key)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FerryTask) submitted = NULL;

  if (self->queue == NULL && !ferry_executor_submit_task (self->team.executor, task, &error))
    bench_fail ("a task", error);
  if (self->queue != NULL && (submitted = ferry_queue_submit (self->queue, task, key, &error)) == NULL)
    bench_fail ("a task", error);
}

static void
ask (Bench *self)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_uint64 (self->n_asked++));

  g_signal_connect (task, "done", G_CALLBACK (done_cb), self);
  submit (self, task, NULL);
}

static void
run_until (Bench *self, guint64 n_done)
{
  while (self->n_done < n_done)
    g_main_context_iteration (NULL, TRUE);
}

/* What one costs this thread in ns, while so many are under way. A number of tasks, and no time: the disk says how many
 * of a queue's there are in a time. */
static double
measure_cost (Bench *self, const BenchOptions *options)
{
  const guint64 n = (guint64) bench_choose (options, 200, 4000, 20000);
  gint64 used;
  guint64 before;

  self->refilling = TRUE;
  while (self->n_asked - self->n_done < UNDER_WAY)
    ask (self);
  run_until (self, self->n_done + n / 4);
  before = self->n_done;
  used = bench_thread_cpu ();
  run_until (self, before + n);
  used = bench_thread_cpu () - used;
  before = self->n_done - before;
  self->refilling = FALSE;
  run_until (self, self->n_asked);
  return (double) used / before;
}

static double
measure_cost_of_queue (Bench *self, const BenchOptions *options)
{
  double cost;

  open_queue (self, FALSE);
  cost = measure_cost (self, options);
  close_queue (self);
  return cost;
}

static void
run_under_way (Bench *self, const BenchOptions *options)
{
  double own[MAX_ROUNDS], base[MAX_ROUNDS];

  for (guint round = 0; round < options->rounds; round++)
    {
      base[round] = measure_cost (self, options);
      own[round] = measure_cost_of_queue (self, options);
    }
  bench_print ("queue/100-under-way/cpu", bench_median (own, options->rounds), "ns");
  bench_print ("queue/100-under-way/executor/cpu", bench_median (base, options->rounds), "ns");
  bench_print ("ratio/queue/100-under-way-vs-executor", bench_median_ratio (own, base, options->rounds), "ratio");
  bench_print_budget ("<= 1.3");
}

/* ---- many ---- */

static void
submit_many (Bench *self, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *key = g_strdup_printf ("/home/somebody/pictures/%u.png", i);
      g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "echo", g_variant_new_uint64 (i));

      submit (self, task, key);
    }
}

/* Submits to a new file. */
static void
run_submission (Bench *self, guint n)
{
  gint64 before, started, used;

  open_queue (self, TRUE);
  before = bench_proc_resident (getpid (), NULL);
  started = bench_now ();
  used = bench_thread_cpu ();
  submit_many (self, n);
  bench_queue_flush (self->queue);
  bench_print ("queue/submitted", n * 1e9 / (bench_now () - started), "tasks/s");
  bench_print_budget (">= 15000");
  bench_print ("queue/submitted/cpu", (double) (bench_thread_cpu () - used) / n, "ns");
  bench_print ("memory/queue/submitted-task", (bench_proc_resident (getpid (), NULL) - before) * 1024.0 / n, "bytes");
  close_queue (self);
}

/* In a process of its own, as an application that starts: prints the time to the first row in ms, what of it the
 * process has worked, and this thread, and the memory of it all in bytes. */
static int
open_once (Bench *self, const char *path)
{
  const gint64 before = bench_proc_resident (getpid (), NULL);
  const gint64 started = bench_now (), cpu = bench_thread_cpu ();
  struct timespec worked = {0}, ended;
  g_autoptr (FerryTask) first = NULL;

  self->path = g_strdup (path);
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &worked);
  open_queue (self, TRUE);
  first = g_list_model_get_item (G_LIST_MODEL (self->queue), 0);
  if (first == NULL)
    bench_fail ("the first row", NULL);
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &ended);
  printf ("%g %g %g %g\n", (bench_now () - started) / 1e6,
          (ended.tv_sec - worked.tv_sec) * 1e3 + (ended.tv_nsec - worked.tv_nsec) / 1e6,
          (bench_thread_cpu () - cpu) / 1e6, (bench_proc_resident (getpid (), NULL) - before) * 1024.0);
  g_clear_object (&first);
  close_queue (self);
  g_free (self->path);
  return EXIT_SUCCESS;
}

static void
run_opening (Bench *self, const BenchOptions *options, guint n)
{
  double figures[4][MAX_ROUNDS];
  const char *const argv[] = {"/proc/self/exe", "open", self->path, NULL};

  for (guint round = 0; round < options->rounds; round++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GSubprocess) process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
      g_autofree char *text = NULL;
      char *next;

      if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &text, NULL, &error))
        bench_fail ("the start of a program with a queue", error);
      next = text;
      for (guint i = 0; i < G_N_ELEMENTS (figures); i++)
        figures[i][round] = g_ascii_strtod (next, &next);
    }
  bench_print ("queue/open/100000/first-row", bench_median (figures[0], options->rounds), "ms");
  bench_print_budget ("<= 500");
  bench_print ("queue/open/100000/cpu", bench_median (figures[1], options->rounds), "ms");
  bench_print ("queue/open/100000/main-thread", bench_median (figures[2], options->rounds), "ms");
  bench_print ("memory/queue/stored-task", bench_median (figures[3], options->rounds) / n, "bytes");
}

static void
remove_folder (Bench *self)
{
  g_autoptr (GDir) folder = g_dir_open (self->folder, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->folder, name, NULL);

      g_unlink (path);
    }
  g_rmdir (self->folder);
}

int
main (int argc, char **argv)
{
  BenchOptions options;
  FerryRouter *router;
  Bench self = {0};

  if (argc == 3 && g_str_equal (argv[1], "open"))
    {
      self.team.executor = ferry_executor_new_for_program ("/proc/self/exe", NULL);
      return open_once (&self, argv[2]);
    }
  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  self.folder = g_dir_make_tmp ("ferry-bench-queue-XXXXXX", NULL);
  self.path = g_build_filename (self.folder, "queue.db", NULL);
  router = bench_router_open ();
  bench_team_open (&self.team, router, N_WORKERS);
  bench_team_warm_up (&self.team);
  if (g_strcmp0 (options.only, "executor") == 0)
    bench_print ("queue/100-under-way/executor/cpu", measure_cost (&self, &options), "ns");
  else if (g_strcmp0 (options.only, "100-under-way") == 0)
    bench_print ("queue/100-under-way/cpu", measure_cost_of_queue (&self, &options), "ns");
  else if (options.only == NULL)
    run_under_way (&self, &options);
  if (options.only == NULL || g_str_equal (options.only, "open"))
    {
      const guint n = options.smoke ? 1000 : MANY;

      run_submission (&self, n);
      run_opening (&self, &options, n);
    }
  bench_team_close (&self.team);
  bench_router_close (router);
  remove_folder (&self);
  g_free (self.path);
  g_free (self.folder);
  return EXIT_SUCCESS;
}
