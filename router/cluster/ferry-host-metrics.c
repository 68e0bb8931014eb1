/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a host does, in figures, and the file of 'ferry-host --metrics-file' that has them.
 *
 * The file is text as Prometheus reads it, for node_exporter's textfile collector: no port is opened for it. A new file
 * is written beside it and renamed, so that a reader finds a whole one. The first line says which host writes it, and a
 * file that begins otherwise is not touched. It is not brought to the disk: it is worth nothing after a power cut.
 *
 * Threads: one.
 * Trust:   the names of functions are the program's, and those of users the server's. Both are escaped, and how many
 *          pairs of them are counted apart is bounded. */

#include "config.h"

#include "cluster/ferry-host-metrics-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ferry-base-private.h"

#define OTHER "other"

/* How many bytes the first line of a file of a host has at most: two names, and the words. */
#define MAX_FIRST_LINE 256

static guint
hash_tally (gconstpointer tally)
{
  const FerryHostTally *self = tally;

  return g_str_hash (self->function) * 31 + g_str_hash (self->user);
}

static gboolean
equal_tallies (gconstpointer a, gconstpointer b)
{
  const FerryHostTally *one = a, *other = b;

  return strcmp (one->function, other->function) == 0 && strcmp (one->user, other->user) == 0;
}

static void
tally_free (gpointer tally)
{
  FerryHostTally *self = tally;

  g_free (self->function);
  g_free (self->user);
  g_free (self);
}

void
ferry_host_metrics_init (FerryHostMetrics *self)
{
  *self = (FerryHostMetrics){
    .tallies = g_hash_table_new_full (hash_tally, equal_tallies, tally_free, NULL),
    .started = g_get_monotonic_time (),
    .start_time = g_get_real_time (),
  };
}

void
ferry_host_metrics_clear (FerryHostMetrics *self)
{
  g_clear_pointer (&self->tallies, g_hash_table_unref);
}

static FerryHostTally *
add_tally (FerryHostMetrics *self, const char *function, const char *user)
{
  FerryHostTally *tally = g_new0 (FerryHostTally, 1);

  tally->function = g_strdup (function);
  tally->user = g_strdup (user);
  g_hash_table_add (self->tallies, tally);
  return tally;
}

FerryHostTally *
ferry_host_metrics_find (FerryHostMetrics *self, const char *function, const char *user, gsize length)
{
  char name[FERRY_MAX_TOKEN + 1];
  FerryHostTally wanted = {.function = (char *) function, .user = name};
  FerryHostTally *found;

  length = MIN (length, FERRY_MAX_TOKEN);
  memcpy (name, user, length);
  name[length] = '\0';
  found = g_hash_table_lookup (self->tallies, &wanted);
  if (found != NULL)
    return found;
  if (g_hash_table_size (self->tallies) < FERRY_HOST_MAX_COUNTED)
    return add_tally (self, function, name);
  if (self->other == NULL)
    self->other = add_tally (self, OTHER, OTHER);
  return self->other;
}

static FerryHostResult
get_result (const FerryRun *run)
{
  FerryTaskState state = ferry_run_get_state (run);

  if (state == FERRY_TASK_STATE_FAILED)
    return g_error_matches (run->error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST) ||
               g_error_matches (run->error, FERRY_ERROR, FERRY_ERROR_QUARANTINED)
             ? FERRY_HOST_RESULT_LOST
             : FERRY_HOST_RESULT_FAILED;
  return state == FERRY_TASK_STATE_COMPLETED ? FERRY_HOST_RESULT_DONE : FERRY_HOST_RESULT_CANCELLED;
}

void
ferry_host_tally_count_end (FerryHostTally *self, const FerryRun *run, gint64 came_at, gboolean is_returned)
{
  self->n_ended[is_returned ? FERRY_HOST_RESULT_RETURNED : get_result (run)]++;
  if (run->start_time == 0)
    return;
  self->n_begun++;
  self->wait_time += (guint64) MAX (run->start_time - came_at, 0);
  self->run_time += (guint64) MAX (run->end_time - run->start_time, 0);
}

gboolean
ferry_host_tally_count_present (FerryHostTally *self, const FerryRun *run, gint64 came_at, FerryHostFigures *figures)
{
  const gboolean is_running = run->start_time > 0;

  self->n_running += is_running;
  self->n_waiting += !is_running;
  if (!is_running)
    figures->longest_wait = MAX (figures->longest_wait, (guint64) MAX (g_get_monotonic_time () - came_at, 0));
  return is_running;
}

void
ferry_host_metrics_sum (const FerryHostMetrics *self, FerryHostFigures *figures)
{
  GHashTableIter iter;
  const FerryHostTally *tally;

  figures->uptime = (guint64) (g_get_monotonic_time () - self->started);
  g_hash_table_iter_init (&iter, self->tallies);
  while (g_hash_table_iter_next (&iter, (gpointer *) &tally, NULL))
    {
      figures->n_waiting += tally->n_waiting;
      figures->n_running += tally->n_running;
      figures->n_done += tally->n_ended[FERRY_HOST_RESULT_DONE];
      figures->n_failed += tally->n_ended[FERRY_HOST_RESULT_FAILED];
      figures->n_lost += tally->n_ended[FERRY_HOST_RESULT_LOST];
    }
}

/* ---- the text ---- */

/* A text that is being written, and what the lines of one host have in common. */
typedef struct
{
  GString *text;
  char *labels; /* (owned): of the host */
} Writing;

/* As the format wants it. A control character would be one in the terminal of who reads the file. */
static void
append_escaped (GString *text, const char *value)
{
  for (; *value != '\0'; value++)
    if (*value == '\n')
      g_string_append (text, "\\n");
    else if (*value == '"' || *value == '\\')
      g_string_append_printf (text, "\\%c", *value);
    else
      g_string_append_c (text, g_ascii_iscntrl (*value) ? '?' : *value);
}

static char *
make_labels (const char *application, const char *host)
{
  return g_strdup_printf ("application=\"%s\",host=\"%s\"", application, host);
}

static void
begin (Writing *self, const char *name, const char *type, const char *help)
{
  g_string_append_printf (self->text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
add_number (Writing *self, const char *name, const char *help, double value)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  begin (self, name, "gauge", help);
  g_string_append_printf (self->text, "%s{%s} %s\n", name, self->labels, g_ascii_dtostr (number, sizeof number, value));
}

/* Begins a line of the pair. further: (nullable): another label. */
static void
begin_line (Writing *self, const char *name, const FerryHostTally *tally, const char *further)
{
  g_string_append_printf (self->text, "%s{%s,function=\"", name, self->labels);
  append_escaped (self->text, tally->function);
  g_string_append (self->text, "\",user=\"");
  append_escaped (self->text, tally->user);
  g_string_append_printf (self->text, "\"%s%s} ", further != NULL ? "," : "", further != NULL ? further : "");
}

static void
add_count (Writing *self, const char *name, const FerryHostTally *tally, const char *further, guint64 n)
{
  begin_line (self, name, tally, further);
  g_string_append_printf (self->text, "%" G_GUINT64_FORMAT "\n", n);
}

static void
add_seconds (Writing *self, const char *name, const FerryHostTally *tally, guint64 microseconds)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  begin_line (self, name, tally, NULL);
  g_string_append_printf (self->text, "%s\n",
                          g_ascii_dtostr (number, sizeof number, (double) microseconds / G_USEC_PER_SEC));
}

static int
compare_tallies (gconstpointer a, gconstpointer b)
{
  const FerryHostTally *one = *(const FerryHostTally *const *) a, *other = *(const FerryHostTally *const *) b;
  int order = strcmp (one->function, other->function);

  return order != 0 ? order : strcmp (one->user, other->user);
}

/* Returns (transfer container) (element-type FerryHostTally) them in the order of their names. */
static GPtrArray *
list_tallies (const FerryHostMetrics *self)
{
  GPtrArray *tallies = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer tally;

  g_hash_table_iter_init (&iter, self->tallies);
  while (g_hash_table_iter_next (&iter, &tally, NULL))
    g_ptr_array_add (tallies, tally);
  g_ptr_array_sort (tallies, compare_tallies);
  return tallies;
}

static void
describe_present (Writing *self, GPtrArray *tallies)
{
  begin (self, "ferry_host_tasks_waiting", "gauge", "Tasks that wait for a worker of the host.");
  for (guint i = 0; i < tallies->len; i++)
    add_count (self, "ferry_host_tasks_waiting", tallies->pdata[i], NULL,
               ((const FerryHostTally *) tallies->pdata[i])->n_waiting);
  begin (self, "ferry_host_tasks_running", "gauge", "Tasks that workers of the host run.");
  for (guint i = 0; i < tallies->len; i++)
    add_count (self, "ferry_host_tasks_running", tallies->pdata[i], NULL,
               ((const FerryHostTally *) tallies->pdata[i])->n_running);
}

static void
describe_results (Writing *self, GPtrArray *tallies)
{
  static const char *const results[] = {"result=\"done\"", "result=\"failed\"", "result=\"cancelled\"",
                                        "result=\"lost\"", "result=\"returned\""};

  begin (
    self, "ferry_host_tasks_total", "counter",
    "Tasks that have left the host: those that are done, have failed, were cancelled, were lost with their worker, "
    "or were given back before they were begun.");
  for (guint i = 0; i < tallies->len; i++)
    for (guint result = 0; result < G_N_ELEMENTS (results); result++)
      {
        const FerryHostTally *tally = tallies->pdata[i];

        add_count (self, "ferry_host_tasks_total", tally, results[result], tally->n_ended[result]);
      }
}

static void
describe_times (Writing *self, GPtrArray *tallies)
{
  begin (self, "ferry_host_task_wait_seconds", "summary",
         "How long tasks have waited at the host until a worker began.");
  for (guint i = 0; i < tallies->len; i++)
    {
      const FerryHostTally *tally = tallies->pdata[i];

      add_seconds (self, "ferry_host_task_wait_seconds_sum", tally, tally->wait_time);
      add_count (self, "ferry_host_task_wait_seconds_count", tally, NULL, tally->n_begun);
    }
  begin (self, "ferry_host_task_run_seconds", "summary", "How long workers have run tasks.");
  for (guint i = 0; i < tallies->len; i++)
    {
      const FerryHostTally *tally = tallies->pdata[i];

      add_seconds (self, "ferry_host_task_run_seconds_sum", tally, tally->run_time);
      add_count (self, "ferry_host_task_run_seconds_count", tally, NULL, tally->n_begun);
    }
}

static void
describe_host (Writing *self, const FerryHostMetrics *metrics, const FerryHostFacts *facts,
               const FerryHostFigures *figures, guint n_busy)
{
  begin (self, "ferry_host_info", "gauge", "The versions of Ferry and of the program at the host; always 1.");
  g_string_append_printf (self->text, "ferry_host_info{%s,version=\"%s\",program_version=\"%s\"} 1\n", self->labels,
                          facts->ferry_version, facts->program_version != NULL ? facts->program_version : "");
  add_number (self, "ferry_host_start_time_seconds", "When the host was started, in seconds since 1970.",
              (double) metrics->start_time / G_USEC_PER_SEC);
  add_number (self, "ferry_host_draining", "Whether the host finishes its tasks and takes no more.", facts->draining);
  add_number (self, "ferry_host_workers", "How many tasks the host runs at a time.", facts->n_workers);
  add_number (self, "ferry_host_workers_busy", "How many workers of the host have a task.", n_busy);
  add_number (self, "ferry_host_sessions", "How many applications are connected to the host.", figures->n_sessions);
  add_number (self, "ferry_host_longest_wait_seconds", "How long the task has waited that has waited longest.",
              (double) figures->longest_wait / G_USEC_PER_SEC);
}

/* The first line of a host's file. */
static char *
make_first_line (const char *application, const char *host)
{
  return g_strdup_printf ("# ferry-host: metrics of host '%s' of the application '%s'\n", host, application);
}

char *
ferry_host_metrics_describe (const FerryHostMetrics *self, const FerryHostFacts *facts, const char *application,
                             const FerryHostFigures *figures, guint n_busy)
{
  g_autofree char *labels = make_labels (application, facts->name);
  g_autofree char *first_line = make_first_line (application, facts->name);
  g_autoptr (GPtrArray) tallies = list_tallies (self);
  Writing writing = {g_string_new (first_line), labels};

  describe_host (&writing, self, facts, figures, n_busy);
  describe_present (&writing, tallies);
  describe_results (&writing, tallies);
  describe_times (&writing, tallies);
  return g_string_free (writing.text, FALSE);
}

/* ---- the file ---- */

static gboolean
refuse_file (const char *path, const char *why, GError **error)
{
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "--metrics-file '%s': %s", path, why);
}

/* Reads the beginning. Returns the size, or -1. */
static gssize
read_beginning (int fd, char *text, gsize size)
{
  gssize n;

  do
    n = read (fd, text, size - 1);
  while (n < 0 && errno == EINTR);
  text[MAX (n, 0)] = '\0';
  return n;
}

gboolean
ferry_host_metrics_check_file (const char *path, const char *application, const char *host, GError **error)
{
  g_autofree char *first_line = make_first_line (application, host);
  char text[MAX_FIRST_LINE];
  struct stat status;
  ferry_autofd fd = -1;

  if (!g_str_has_suffix (path, ".prom"))
    return refuse_file (path, "the name must end in '.prom', or node_exporter does not read the file", error);
  fd = open (path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT)
    return TRUE;
  if (fd < 0 && errno != ELOOP)
    return refuse_file (path, g_strerror (errno), error);
  if (fd < 0 || fstat (fd, &status) < 0 || !S_ISREG (status.st_mode))
    return refuse_file (path, "this is no regular file; give the name of one that may be replaced", error);
  if (read_beginning (fd, text, sizeof text) == 0 || g_str_has_prefix (text, first_line))
    return TRUE;
  if (g_str_has_prefix (text, "# ferry-host: "))
    return refuse_file (path, "another host writes this file; give each host a file of its own, or remove this one",
                        error);
  return refuse_file (
    path, "this file was not written by ferry-host, and is not replaced; give another name, or remove it", error);
}

/* As write() and close(), of all. The mask of the process is for what workers write. */
static gboolean
fill_file (int fd, const char *text)
{
  gsize size = strlen (text);

  while (size > 0)
    {
      gssize n = write (fd, text, size);

      if (n < 0 && errno != EINTR)
        return FALSE;
      text += MAX (n, 0);
      size -= (gsize) MAX (n, 0);
    }
  return fchmod (fd, 0644) == 0;
}

static gboolean
replace_file (const char *path, const char *beside, const char *text, GError **error)
{
  ferry_autofd fd = -1;

  unlink (beside);
  fd = open (beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0 && fill_file (fd, text) && rename (beside, path) == 0)
    return TRUE;
  ferry_set_error (error, FERRY_ERROR_SYSTEM, "--metrics-file '%s': the file cannot be written: %s", path,
                   g_strerror (errno));
  if (fd >= 0)
    unlink (beside);
  return FALSE;
}

gboolean
ferry_host_metrics_write_file (const char *path, const char *application, const char *host, const char *text,
                               GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *hidden = g_strdup_printf (".%s.new", name);
  g_autofree char *beside = g_build_filename (folder, hidden, NULL);

  return ferry_host_metrics_check_file (path, application, host, error) && replace_file (path, beside, text, error);
}

void
ferry_host_metrics_remove_file (const char *path, const char *application, const char *host)
{
  if (ferry_host_metrics_check_file (path, application, host, NULL))
    unlink (path);
}
