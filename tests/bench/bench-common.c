/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "bench-common.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

G_STATIC_ASSERT (G_STRUCT_OFFSET (BenchMessage, text) == 20);

#define MILLISECOND G_GINT64_CONSTANT (1000000)

/* Takes the options that all benches share. Prints the reason and returns FALSE when they make no sense. */
gboolean
bench_options_parse (BenchOptions *options, int *argc, char ***argv)
{
  gboolean quick = FALSE, smoke = FALSE;
  char *only = NULL;
  const GOptionEntry entries[] = {
    {"quick", 'q', G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &quick, "Short windows: rough figures in seconds", NULL},
    {"smoke", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_NONE, &smoke, "One moment of each: does it run, is nothing lost",
     NULL},
    {"only", 0, G_OPTION_FLAG_NONE, G_OPTION_ARG_STRING, &only,
     "Measure only that row of throughput, start, transact or objects, the hosts of cluster, or a way of queue", "ROW"},
    {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  signal (SIGPIPE, SIG_IGN);
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return FALSE;
    }
  *options = (BenchOptions){
    .quick = quick || smoke,
    .smoke = smoke,
    .only = only,
    .rounds = smoke ? 1 : 5,
    .warm_up = (smoke   ? 1
                : quick ? 20
                        : 100) *
               MILLISECOND,
    .window = (smoke   ? 5
               : quick ? 40
                       : 300) *
              MILLISECOND,
  };
  return TRUE;
}

/* How much of something is done, for each of the options. */
gint64
bench_choose (const BenchOptions *options, gint64 smoke, gint64 quick, gint64 whole)
{
  return options->smoke ? smoke : options->quick ? quick : whole;
}

gint64
bench_now (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

/* The CPU time of the calling thread, in ns. */
gint64
bench_thread_cpu (void)
{
  struct timespec used;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &used);
  return used.tv_sec * G_GINT64_CONSTANT (1000000000) + used.tv_nsec;
}

/* Paces a sender: the pause is what is being measured around, and not a way to wait for a fact. */
void
bench_pause (gint64 nanoseconds)
{
  const struct timespec pause = {nanoseconds / 1000000000, nanoseconds % 1000000000};

  ppoll (NULL, 0, &pause, NULL);
}

void
bench_run_for (gint64 duration)
{
  const gint64 end = bench_now () + duration;

  while (bench_now () < end)
    g_main_context_iteration (NULL, TRUE);
}

void
bench_print (const char *name, double value, const char *unit)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd (number, sizeof number, value >= 1000 || value == (gint64) value ? "%.0f" : "%.3f", value);
  printf ("%s %s %s\n", name, number, unit);
}

void
bench_print_as (double value, const char *unit, const char *format, ...)
{
  g_autofree char *name = NULL;
  va_list arguments;

  va_start (arguments, format);
  name = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  bench_print (name, value, unit);
}

void
bench_print_budget (const char *text)
{
  printf ("# budget %s\n", text);
}

void
bench_comment (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  fputs ("# ", stdout);
  vprintf (format, arguments);
  putchar ('\n');
  va_end (arguments);
}

static int
compare_doubles (const void *a, const void *b)
{
  const double left = *(const double *) a;
  const double right = *(const double *) b;

  return (left > right) - (left < right);
}

double
bench_quantile (const double *values, gsize n_values, double quantile)
{
  g_autofree double *sorted = g_memdup2 (values, n_values * sizeof *values);
  double position, below;

  if (n_values == 0)
    return 0;
  qsort (sorted, n_values, sizeof *sorted, compare_doubles);
  position = quantile * (n_values - 1);
  below = (gsize) position;
  if ((gsize) below + 1 >= n_values)
    return sorted[n_values - 1];
  return sorted[(gsize) below] + (position - below) * (sorted[(gsize) below + 1] - sorted[(gsize) below]);
}

double
bench_array_quantile (const GArray *array, double quantile)
{
  return bench_quantile ((gconstpointer) array->data, array->len, quantile);
}

double
bench_median (const double *values, gsize n_values)
{
  return bench_quantile (values, n_values, 0.5);
}

/* The median of the ratios of what was measured in the same round, which drift of the machine touches least. */
double
bench_median_ratio (const double *values, const double *base, gsize n_values)
{
  g_autofree double *ratios = g_new0 (double, n_values);

  for (gsize i = 0; i < n_values; i++)
    ratios[i] = base[i] > 0 ? values[i] / base[i] : 0;
  return bench_median (ratios, n_values);
}

BenchMessage *
bench_message_new (gsize size)
{
  BenchMessage *message = g_malloc0 (MAX (size, sizeof *message));

  g_assert (size > sizeof *message);
  message->percent = BENCH_MESSAGE_PERCENT;
  for (gsize i = 0; i + 1 < size - G_STRUCT_OFFSET (BenchMessage, text); i++)
    message->text[i] = 'a' + i % 26;
  return message;
}

GVariant *
bench_message_to_variant (const BenchMessage *message)
{
  return g_variant_new ((const char *) BENCH_MESSAGE_TYPE, message->sequence, message->stamp, message->percent,
                        message->text);
}

/* ---- what /proc says ---- */

/* Adds up the numbers behind a name in a file of /proc. */
static gint64
sum_of (const char *contents, const char *name)
{
  const gsize length = strlen (name);
  gint64 sum = 0;

  for (const char *at = strstr (contents, name); at != NULL; at = strstr (at + 1, name))
    sum += g_ascii_strtoll (at + length, NULL, 10);
  return sum;
}

/* The context switches of all threads of a process since each began. Both kinds are in the file, and one's name ends
 * in the other's. */
guint64
bench_proc_switches (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", pid);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint64 switches = 0;
  const char *thread;

  while (dir != NULL && (thread = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *status = g_build_filename (path, thread, "status", NULL);
      g_autofree char *contents = NULL;

      if (g_file_get_contents (status, &contents, NULL, NULL))
        switches += sum_of (contents, "voluntary_ctxt_switches:");
    }
  return switches;
}

/* The KiB of a process that are in memory, and how many of them are in memfds. */
gint64
bench_proc_resident (GPid pid, gint64 *of_memfds)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/smaps", pid);
  g_autofree char *contents = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean is_memfd = FALSE;
  gint64 resident = 0, memfds = 0;

  if (!g_file_get_contents (path, &contents, NULL, NULL))
    return 0;
  lines = g_strsplit (contents, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      const gint64 size = g_str_has_prefix (*line, "Rss:") ? sum_of (*line, "Rss:") : 0;

      if (g_ascii_isxdigit ((*line)[0]) && !g_ascii_isupper ((*line)[0]))
        is_memfd = strstr (*line, "/memfd:") != NULL;
      resident += size;
      memfds += is_memfd ? size : 0;
    }
  if (of_memfds != NULL)
    *of_memfds = memfds;
  return resident;
}

/* The KiB that a process has for itself. */
gint64
bench_proc_private (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/smaps_rollup", pid);
  g_autofree char *contents = NULL;

  if (!g_file_get_contents (path, &contents, NULL, NULL))
    return 0;
  return sum_of (contents, "Private_Clean:") + sum_of (contents, "Private_Dirty:");
}

/* The path of a program that lies beside this one. */
char *
bench_path_beside (const char *name)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = g_path_get_dirname (self);

  return g_build_filename (folder, name, NULL);
}

/* It gets stdin_fd and fds, which are taken, as 0, 3, 4 and so on. */
GSubprocess *
bench_spawn (char **argv, int stdin_fd, const int *fds, guint n_fds, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);

  g_subprocess_launcher_take_stdin_fd (launcher, stdin_fd);
  for (guint i = 0; i < n_fds; i++)
    g_subprocess_launcher_take_fd (launcher, fds[i], 3 + i);
  return g_subprocess_launcher_spawnv (launcher, (const char *const *) argv, error);
}
