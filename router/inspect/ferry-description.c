/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application has and does, as text for a report: versions, limits, workers, tasks and figures, and nothing
 * that is its users': no arguments, no names and texts of tasks, no lines, and of a path its last part only.
 *
 * Threads: any. */

#include "config.h"

#include "inspect/ferry-description.h"

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/ferry-base-private.h"
#include "base/ferry-usable-cores.h"
#include "inspect/ferry-inspection-private.h"
#include "process/ferry-sandbox-private.h"

/* The most of each that a report has. */
#define MAX_SHOWN 100

static void
add_size (GString *text, guint64 bytes)
{
  g_string_append_printf (text, "%.1f MB", (double) bytes / 1e6);
}

/* ---- The machine ---- */

static void
add_versions (GString *text)
{
  /* Found where the program has GTK; this library knows nothing of it. */
  guint (*major) (void) = (guint (*) (void)) dlsym (RTLD_DEFAULT, "gtk_get_major_version");
  guint (*minor) (void) = (guint (*) (void)) dlsym (RTLD_DEFAULT, "gtk_get_minor_version");
  guint (*micro) (void) = (guint (*) (void)) dlsym (RTLD_DEFAULT, "gtk_get_micro_version");
  struct utsname system;

  g_string_append_printf (text, "Ferry %s, GLib %u.%u.%u", FERRY_PROJECT_VERSION, glib_major_version,
                          glib_minor_version, glib_micro_version);
  if (major != NULL && minor != NULL && micro != NULL)
    g_string_append_printf (text, ", GTK %u.%u.%u", major (), minor (), micro ());
  if (uname (&system) == 0)
    g_string_append_printf (text, ", %s %s %s", system.sysname, system.release, system.machine);
  g_string_append_c (text, '\n');
}

static void
add_limit (GString *text, int resource, const char *name)
{
  struct rlimit limit;

  if (getrlimit (resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    g_string_append_printf (text, ", %" G_GUINT64_FORMAT " %s", (guint64) limit.rlim_cur, name);
}

static void
add_machine (GString *text)
{
  g_autofree char *layers = NULL;
  gboolean all;

  layers = ferry_sandbox_describe_strength (ferry_sandbox_peek_strength (&all));
  g_string_append_printf (text, "It may use: %u cores, ", ferry_get_n_usable_cores ());
  add_size (text, ferry_get_usable_memory ());
  g_string_append (text, " of memory");
  add_limit (text, RLIMIT_NOFILE, "descriptors");
  add_limit (text, RLIMIT_NPROC, "processes");
  g_string_append_printf (text, "\nSandboxes have: %s%s\n", layers, all ? "" : "; nobody has tried namespaces yet");
}

/* ---- What it has ---- */

static const char *const states[] = {
  [FERRY_INSPECTED_STARTING] = "starts",    [FERRY_INSPECTED_IDLE] = "is idle",
  [FERRY_INSPECTED_BUSY] = "runs",          [FERRY_INSPECTED_OPEN] = "is open",
  [FERRY_INSPECTED_FORKS] = "forks others", [FERRY_INSPECTED_ENDING] = "is ending",
};

static void
add_worker (GString *text, const FerryInspectedWorker *worker)
{
  FerryWorkerUsage usage = FERRY_WORKER_USAGE_INIT;

  g_string_append_printf (text, "  %s", worker->name);
  if (worker->identifier != NULL)
    g_string_append_printf (text, ", process %s", worker->identifier);
  if (worker->program != NULL)
    g_string_append_printf (text, " of %s", worker->program);
  g_string_append_printf (text, ": %s", states[worker->state]);
  if (worker->function != NULL)
    g_string_append_printf (text, " %s", worker->function);
  if (worker->n_waiting > 0)
    g_string_append_printf (text, ", %u tasks wait there", worker->n_waiting);
  if (worker->unread > 0)
    g_string_append_printf (text, ", %" G_GUINT64_FORMAT " bytes of it are not handled yet%s", worker->unread,
                            worker->held_up ? ", and it waits for that" : "");
  if (ferry_worker_usage_look (&usage, worker->identifier, g_get_monotonic_time ()))
    {
      g_string_append (text, ", ");
      add_size (text, usage.memory);
      g_string_append_printf (text, " of memory, %.1f s of a processor",
                              (double) usage.ticks / (double) sysconf (_SC_CLK_TCK));
    }
  if (worker->sandbox != NULL)
    g_string_append_printf (text, "; sandbox: %s", worker->sandbox);
  g_string_append_c (text, '\n');
}

static const char *const waits[FERRY_N_WAITS] = {
  [FERRY_WAITS_BEHIND] = "behind the task that its worker runs",
  [FERRY_WAITS_FOR_START] = "for a worker that starts",
  [FERRY_WAITS_PAUSED] = "as it is paused",
  [FERRY_WAITS_WHILE_PAUSED] = "as its executor is paused",
  [FERRY_WAITS_FOR_ROUTER] = "as its router was stopped",
  [FERRY_WAITS_FOR_SHORTAGE] = "as the system has too little memory, descriptors or processes for a worker",
  [FERRY_WAITS_FOR_NEXT_START] = "for the next start of a worker, as the last ones have ended too early",
  [FERRY_WAITS_FOR_WORKER] = "for a worker: as many as there may be are busy",
  [FERRY_WAITS_FOR_HOST] = "for a host",
  [FERRY_WAITS_FOR_TIME] = "for its time",
  [FERRY_WAITS_FOR_QUEUE] = "in its queue",
  [FERRY_WAITS_FOR_TURN] = "for its turn, which is next",
  [FERRY_WAITS_FOR_HANDLERS] = "as it runs, until what it has sent is handled",
};

static void
add_task (GString *text, const FerryInspectedTask *task)
{
  const gint64 now = g_get_monotonic_time ();
  double seconds = (double) ((task->ended > 0 ? task->ended : now) - task->since) / G_USEC_PER_SEC;

  g_string_append_printf (text, "  %s (%" G_GUINT64_FORMAT "): ", task->function, task->number);
  if (task->wait != FERRY_WAITS_NOT)
    g_string_append_printf (text, "waits %s, for %.1f s", waits[task->wait], seconds);
  else if (ferry_task_get_done (task->task))
    g_string_append_printf (text, "%s %.1f s ago, after %.1f s",
                            task->state == FERRY_TASK_STATE_FAILED ? "failed" : "ended",
                            (double) (now - task->ended) / G_USEC_PER_SEC, seconds);
  else
    g_string_append_printf (text, "%s for %.1f s", task->state == FERRY_TASK_STATE_CANCELLING ? "is ending" : "runs",
                            seconds);
  if (task->where != NULL)
    g_string_append_printf (text, ", at %s", task->where);
  if (task->fraction >= 0)
    g_string_append_printf (text, ", %.0f %% done", task->fraction * 100);
  if (task->n_attempts > 1)
    g_string_append_printf (text, ", attempt %u", task->n_attempts);
  if (task->paused)
    g_string_append (text, ", paused");
  g_string_append_c (text, '\n');
}

static const char *const kinds[] = {
  [FERRY_KIND_ROUTER] = "router", [FERRY_KIND_POOL] = "pool", [FERRY_KIND_EXECUTOR] = "executor"};

/* before: (nullable): the figure before this one. */
static void
add_figure (GString *text, const FerryInspectedFigure *figure, const FerryInspectedFigure *before)
{
  if (before == NULL || before->kind != figure->kind || before->owner != figure->owner ||
      before->of_queue != figure->of_queue)
    g_string_append_printf (text, "%s  %s%s %" G_GUINT64_FORMAT "%s%s:", before != NULL ? "\n" : "",
                            figure->of_queue ? "queue of " : "", kinds[figure->kind], figure->owner,
                            figure->owner_name != NULL ? " " : "",
                            figure->owner_name != NULL ? figure->owner_name : "");
  else
    g_string_append_c (text, ',');
  g_string_append_printf (text, " %s %" G_GUINT64_FORMAT, figure->name, figure->value);
  if (figure->limit > 0)
    g_string_append_printf (text, " of %" G_GUINT64_FORMAT, figure->limit);
}

static const char *const paths[] = {
  [FERRY_PATH_PIPE] = "pipe", [FERRY_PATH_CHANNEL] = "channel", [FERRY_PATH_CALLS] = "calls"};

static void
add_path (GString *text, const FerryInspectedPath *path)
{
  g_string_append_printf (text, "  %s", paths[path->kind]);
  if (path->name != NULL)
    g_string_append_printf (text, " %s", path->name);
  g_string_append_printf (text, ": %" G_GUINT64_FORMAT " carried", path->load.n_carried);
  if (path->kind != FERRY_PATH_PIPE)
    g_string_append_printf (text, ", %u wait for the other end, %u for this one", path->load.n_sent,
                            path->load.n_received);
  g_string_append_c (text, '\n');
}

static void
add_inspection (GString *text, const FerryInspection *inspection)
{
  g_string_append_printf (text, "\nWorkers: %u\n", inspection->workers->len);
  for (guint i = 0; i < inspection->workers->len; i++)
    add_worker (text, g_ptr_array_index (inspection->workers, i));
  g_string_append_printf (text, "\nOpen tasks: %u\n", inspection->n_tasks);
  for (guint i = 0; i < inspection->tasks->len; i++)
    add_task (text, g_ptr_array_index (inspection->tasks, i));
  g_string_append (text, "\nFigures:\n");
  for (guint i = 0; i < inspection->figures->len; i++)
    add_figure (text, g_ptr_array_index (inspection->figures, i),
                i > 0 ? g_ptr_array_index (inspection->figures, i - 1) : NULL);
  g_string_append_printf (text, "%s\nPipes, channels and calls: %u\n", inspection->figures->len > 0 ? "\n" : "",
                          inspection->paths->len);
  for (guint i = 0; i < inspection->paths->len; i++)
    add_path (text, g_ptr_array_index (inspection->paths, i));
  if (inspection->n_elsewhere > 0)
    g_string_append_printf (text, "\nRouters of other threads: %u\n", inspection->n_elsewhere);
}

/**
 * ferry_describe_application:
 *
 * Describes what this process has of Ferry and what that does, for a report or a log: versions and limits of the
 * machine, workers, tasks and what each waits for, counters, pipes, channels and calls. It is for people: its form may
 * change with any version.
 *
 * The text has nothing of the application's users: no arguments, names and texts of tasks, and no paths. It has
 * functions by their names, and programs by the last parts of theirs.
 *
 * Any thread may call this. It finds the routers that the calling thread has started, with what belongs to them, and
 * says how many others there are. A debugger can call it in a program that hangs:
 *
 *     gdb -p PID -batch -ex 'printf "%s", ((char *(*) ()) ferry_describe_application) ()'
 *
 * Returns: (transfer full): the text, of several lines
 */
char *
ferry_describe_application (void)
{
  g_autoptr (FerryInspection) inspection = ferry_inspection_new (FERRY_INSPECTS_ALL, MAX_SHOWN);
  GString *text = g_string_new (NULL);

  add_versions (text);
  add_machine (text);
  add_inspection (text, inspection);
  return g_string_free (text, FALSE);
}
