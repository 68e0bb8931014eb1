/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What grows with the number of workers, pipes, tasks, objects and rows, and how. */

#include "config.h"

#include "bench-scale.h"

#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench-common.h"
#include "bench-proc.h"
#include "bench-team.h"

#define N_COUNTS 4
#define MAX_RUNS 9
/* What a process needs beside its links. */
#define SPARE_DESCRIPTORS 64
/* The prime is larger than each count, so that each position comes once. */
#define STRIDE 1000003

typedef struct
{
  const char *name;
  const char *unit;
  double costs[N_COUNTS][MAX_RUNS];
  guint n_runs[N_COUNTS];
} Operation;

struct _BenchScale
{
  const BenchThing *thing;
  GPtrArray *operations; /* (owned) (element-type Operation) in the order of their first costs */
  guint level;           /* index of the count that runs */
  gint64 began;          /* process time in ns, as the helper's */
  clockid_t helper;
  gboolean has_helper;
  gint64 helper_began;
  gint64 heap, resident; /* bytes */
  guint n_descriptors;
};

/* ---- what a thing notes ---- */

static gint64
read_clock (clockid_t clock)
{
  struct timespec used;

  clock_gettime (clock, &used);
  return used.tv_sec * G_GINT64_CONSTANT (1000000000) + used.tv_nsec;
}

static Operation *
find_operation (BenchScale *self, const char *name, const char *unit)
{
  Operation *operation;

  for (guint i = 0; i < self->operations->len; i++)
    {
      operation = self->operations->pdata[i];
      if (g_str_equal (operation->name, name))
        return operation;
    }
  operation = g_new0 (Operation, 1);
  operation->name = name;
  operation->unit = unit;
  g_ptr_array_add (self->operations, operation);
  return operation;
}

void
bench_scale_note (BenchScale *self, const char *operation, double cost, const char *unit)
{
  Operation *entry = find_operation (self, operation, unit);

  g_assert (entry->n_runs[self->level] < MAX_RUNS);
  entry->costs[self->level][entry->n_runs[self->level]++] = cost;
}

void
bench_scale_begin (BenchScale *self)
{
  if (self->has_helper)
    self->helper_began = read_clock (self->helper);
  self->began = read_clock (CLOCK_PROCESS_CPUTIME_ID);
}

void
bench_scale_end (BenchScale *self, const char *operation)
{
  bench_scale_note (self, operation, (read_clock (CLOCK_PROCESS_CPUTIME_ID) - self->began) / 1e3, "us");
}

void
bench_scale_end_with_helper (BenchScale *self, const char *operation, const char *of_helper)
{
  bench_scale_end (self, operation);
  bench_scale_note (self, of_helper, (read_clock (self->helper) - self->helper_began) / 1e3, "us");
}

void
bench_scale_set_helper (BenchScale *self, GPid pid)
{
  self->has_helper = pid > 0 && clock_getcpuclockid (pid, &self->helper) == 0;
}

static guint
count_descriptors (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (folder != NULL && g_dir_read_name (folder) != NULL)
    n++;
  return n;
}

static gint64
get_heap (void)
{
  const struct mallinfo2 info = mallinfo2 ();

  return (gint64) (info.uordblks + info.hblkhd);
}

void
bench_scale_begin_memory (BenchScale *self)
{
  self->n_descriptors = count_descriptors ();
  self->resident = bench_proc_resident (getpid (), NULL) * 1024;
  self->heap = get_heap ();
}

void
bench_scale_end_memory (BenchScale *self, gboolean of_links)
{
  bench_scale_note (self, "heap", get_heap () - self->heap, "bytes");
  if (!of_links)
    return;
  bench_scale_note (self, "resident", bench_proc_resident (getpid (), NULL) * 1024 - self->resident, "bytes");
  bench_scale_note (self, "descriptors", (double) count_descriptors () - self->n_descriptors, "-");
}

void
bench_scale_run_until (const guint *counter, guint count)
{
  while (*counter < count)
    g_main_context_iteration (NULL, TRUE);
}

void
bench_scale_run_until_released (gpointer exporter)
{
  guint64 n_references;

  for (g_object_get (exporter, "n-references", &n_references, NULL); n_references > 0;
       g_object_get (exporter, "n-references", &n_references, NULL))
    g_main_context_iteration (NULL, TRUE);
}

guint
bench_scale_shuffle (guint index, guint count)
{
  return (guint) ((guint64) index * STRIDE % count);
}

/* ---- what is printed ---- */

static guint
get_count (const BenchThing *thing, guint level)
{
  guint count = thing->base;

  while (level-- > 0)
    count *= 10;
  return count;
}

/* The slope of the line that fits the logarithms best. The smallest count is left out where there are three others:
 * there, what each run costs once hides what grows. Returns NaN without two costs. */
static double
fit (const double *costs, guint n_levels)
{
  double n = 0, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;

  for (guint level = n_levels > 3 ? 1 : 0; level < n_levels; level++)
    {
      double y;

      if (costs[level] <= 0)
        continue;
      y = log10 (costs[level]);
      n += 1;
      sum_x += level;
      sum_y += y;
      sum_xx += (double) level * level;
      sum_xy += level * y;
    }
  return n < 2 ? NAN : (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x);
}

static void
print_operation (const BenchThing *thing, const Operation *operation)
{
  g_autofree char *title = g_strdup_printf ("exponent/scale/%s/%s", thing->name, operation->name);
  const gboolean is_time = g_str_equal (operation->unit, "us");
  double costs[N_COUNTS];
  double exponent;
  guint n_levels = 0;

  for (guint level = 0; level < N_COUNTS && operation->n_runs[level] > 0; level++)
    {
      g_autofree char *name =
        g_strdup_printf ("scale/%s/%s/%u", thing->name, operation->name, get_count (thing, level));

      /* The least time, as what else runs on the machine only adds to it. The largest memory, as what an earlier run
       * has freed may be used again. */
      costs[n_levels] = bench_quantile (operation->costs[level], operation->n_runs[level], is_time ? 0 : 1);
      bench_print (name, costs[n_levels++], operation->unit);
    }
  exponent = fit (costs, n_levels);
  if (isnan (exponent))
    return;
  bench_print (title, exponent, "-");
  bench_print_budget ("<= 1.05");
}

/* The limit of descriptors is raised as far as this process may. */
static rlim_t
get_limit (void)
{
  struct rlimit limit = {0};

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

/* Whether there are descriptors for ten times as many as at the last level. */
static gboolean
may_go_on (BenchScale *self, rlim_t limit)
{
  const Operation *descriptors = find_operation (self, "descriptors", "-");
  double n =
    descriptors->n_runs[self->level] > 0 && self->level + 1 < N_COUNTS ? descriptors->costs[self->level][0] : 0;

  if (n * 10 + SPARE_DESCRIPTORS <= (double) limit)
    return TRUE;
  bench_comment ("scale/%s ends at %u: ten times as many need %.0f descriptors, and the limit is %.0f",
                 self->thing->name, get_count (self->thing, self->level), n * 10, (double) limit);
  return FALSE;
}

static void
run_thing (const BenchThing *thing, const BenchOptions *options)
{
  /* What is cheap is noisy, and can be run more often. */
  static const guint n_runs[N_COUNTS] = {MAX_RUNS, MAX_RUNS, 5, 3};
  const guint n_levels = (guint) bench_choose (options, 2, N_COUNTS - 1, N_COUNTS);
  const rlim_t limit = get_limit ();
  BenchScale self = {.thing = thing, .operations = g_ptr_array_new_with_free_func (g_free)};

  for (self.level = 0; self.level < n_levels; self.level++)
    {
      for (guint run = 0; run < (options->quick ? 1 : n_runs[self.level]); run++)
        thing->run (&self, get_count (thing, self.level));
      if (!may_go_on (&self, limit))
        break;
    }
  for (guint i = 0; i < self.operations->len; i++)
    print_operation (thing, self.operations->pdata[i]);
  g_ptr_array_unref (self.operations);
}

/* Begins again with all memory from malloc(): GLib may keep what was freed, and then it is not counted when it is used
 * again. GLib reads this when it is loaded, so the workers are not to inherit it. */
static void
use_malloc_alone (char **argv)
{
  if (g_getenv ("G_SLICE") == NULL)
    {
      g_setenv ("G_SLICE", "always-malloc", TRUE);
      execv ("/proc/self/exe", argv);
    }
  g_unsetenv ("G_SLICE");
}

int
main (int argc, char **argv)
{
  static const BenchThing *const things[] = {&bench_scale_pool,    &bench_scale_links,    &bench_scale_grants,
                                             &bench_scale_pipes,   &bench_scale_tasks,    &bench_scale_priorities,
                                             &bench_scale_objects, &bench_scale_followed, &bench_scale_rows};
  BenchOptions options;

  use_malloc_alone (argv);
  if (!bench_options_parse (&options, &argc, &argv))
    return EXIT_FAILURE;
  for (gsize i = 0; i < G_N_ELEMENTS (things); i++)
    if (options.only == NULL || g_str_equal (options.only, things[i]->name))
      run_thing (things[i], &options);
  return EXIT_SUCCESS;
}
