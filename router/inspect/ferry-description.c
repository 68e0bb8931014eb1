/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application has and does, as text for a report: versions, limits, workers, tasks and figures, and nothing
 * that is its users': no arguments, no names and texts of tasks, no lines, and of a path its last part only. Its words
 * are those of the inspector's page.
 *
 * Threads: any. */

#include "config.h"

#include "inspect/ferry-description.h"

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/ferry-base-private.h"
#include "base/ferry-usable-cores.h"
#include "engine/ferry-exit-private.h"
#include "ferry-enums.h"
#include "inspect/ferry-inspection-private.h"
#include "pool/ferry-run-private.h"
#include "process/ferry-sandbox-private.h"
#include "task/ferry-executor-private.h"

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

static const char *const worker_states[] = {
  [FERRY_INSPECTED_STARTING] = "starting",  [FERRY_INSPECTED_IDLE] = "idle",
  [FERRY_INSPECTED_BUSY] = "busy",          [FERRY_INSPECTED_OPEN] = "open",
  [FERRY_INSPECTED_FORKS] = "forks others", [FERRY_INSPECTED_ENDING] = "ending",
  [FERRY_INSPECTED_ENDED] = "ended",
};

/* Adds what it has of memory to *memory. */
static void
add_worker (GString *text, const FerryInspectedWorker *worker, guint64 *memory)
{
  FerryWorkerUsage usage = FERRY_WORKER_USAGE_INIT;

  g_string_append_printf (text, "  %s", worker->name);
  if (worker->identifier != NULL)
    g_string_append_printf (text, ", process %s", worker->identifier);
  if (worker->program != NULL)
    g_string_append_printf (text, " of %s", worker->program);
  if (worker->pool > 0)
    g_string_append_printf (text, ", in pool %" G_GUINT64_FORMAT, worker->pool);
  g_string_append_printf (text, ": %s", worker->held_up ? "held up" : worker_states[worker->state]);
  if (worker->function != NULL)
    g_string_append_printf (text, ", runs %s", worker->function);
  if (worker->n_waiting > 0)
    g_string_append_printf (text, ", %u tasks wait there", worker->n_waiting);
  if (worker->held_up)
    g_string_append (text, ", waits for this program to handle what it has sent");
  if (worker->unread > 0)
    g_string_append_printf (text, ", not handled yet: %" G_GUINT64_FORMAT " bytes", worker->unread);
  if (ferry_worker_usage_look (&usage, worker->identifier, g_get_monotonic_time ()))
    {
      *memory += usage.memory;
      g_string_append (text, ", ");
      add_size (text, usage.memory);
      g_string_append_printf (text, " of memory, %.1f s of a processor",
                              (double) usage.ticks / (double) sysconf (_SC_CLK_TCK));
    }
  if (worker->sandbox != NULL)
    g_string_append_printf (text, "; sandbox: %s", worker->sandbox);
  g_string_append_c (text, '\n');
}

static const char *const reasons[FERRY_N_WAITS] = {
  [FERRY_WAITS_BEHIND] = "the task that its worker runs",
  [FERRY_WAITS_FOR_START] = "the start of a worker",
  [FERRY_WAITS_PAUSED] = "somebody who resumes it",
  [FERRY_WAITS_WHILE_PAUSED] = "its executor, which is paused",
  [FERRY_WAITS_FOR_ROUTER] = "its router, which was stopped",
  [FERRY_WAITS_FOR_SHORTAGE] = "memory, descriptors or processes for a worker",
  [FERRY_WAITS_FOR_NEXT_START] = "the next start of a worker, as the last ones ended too early",
  [FERRY_WAITS_FOR_WORKER] = "a worker: ",
  [FERRY_WAITS_FOR_HOST] = "a host that has room",
  [FERRY_WAITS_FOR_TIME] = "its time",
  [FERRY_WAITS_FOR_QUEUE] = "its turn in the queue",
  [FERRY_WAITS_FOR_TURN] = "its turn, which is next",
  [FERRY_WAITS_FOR_HANDLERS] = "this program, to handle what it has sent",
};

static const char *const task_states[] = {
  [FERRY_TASK_STATE_WAITING] = "waiting",       [FERRY_TASK_STATE_EXECUTING] = "running",
  [FERRY_TASK_STATE_CANCELLING] = "cancelling", [FERRY_TASK_STATE_COMPLETED] = "done",
  [FERRY_TASK_STATE_FAILED] = "failed",         [FERRY_TASK_STATE_CANCELLED] = "cancelled",
};

/* By what a task failed: the error's code, as its message may have what is the users'; how its worker ended; and the
 * innermost place of a crash. */
static void
add_failure (GString *text, FerryTask *task)
{
  g_autoptr (GEnumClass) codes = g_type_class_ref (FERRY_TYPE_ERROR);
  const GError *error = ferry_task_get_run (task)->error;
  FerryExit *exit = ferry_task_get_exit (task);
  const char *backtrace = exit != NULL ? ferry_exit_get_backtrace (exit) : NULL;
  const GEnumValue *code = NULL;
  gboolean forced = FALSE;

  if (exit != NULL)
    g_object_get (exit, "forced", &forced, NULL);
  if (error != NULL && error->domain == FERRY_ERROR)
    code = g_enum_get_value (codes, error->code);
  if (code != NULL)
    g_string_append_printf (text, ": %s", code->value_nick);
  else if (error != NULL)
    g_string_append_printf (text, ": %s %d", g_quark_to_string (error->domain), error->code);
  if (exit != NULL && ferry_exit_get_signal (exit) != 0)
    g_string_append_printf (text, ", its worker was killed by signal %d%s", ferry_exit_get_signal (exit),
                            forced ? ", which this program sent" : "");
  else if (exit != NULL && ferry_exit_get_exit_status (exit) >= 0)
    g_string_append_printf (text, ", its worker exited with status %d", ferry_exit_get_exit_status (exit));
  if (backtrace != NULL && g_str_has_prefix (backtrace, "#"))
    g_string_append_printf (text, ", at %.*s", (int) strcspn (backtrace, "\n"), backtrace);
}

/* What it waits for. */
static void
add_reason (GString *text, const FerryInspectedTask *task, gint64 now)
{
  g_string_append_printf (text, ", waits for %s", reasons[task->wait]);
  if (task->wait == FERRY_WAITS_FOR_WORKER && task->n_before == 1)
    g_string_append (text, "the only one is busy");
  else if (task->wait == FERRY_WAITS_FOR_WORKER)
    g_string_append_printf (text, "all %u are busy", task->n_before);
  if (task->until > 0)
    g_string_append_printf (text, " (again in %.1f s)", (double) MAX (task->until - now, 0) / G_USEC_PER_SEC);
}

static void
add_task (GString *text, const FerryInspectedTask *task)
{
  const gint64 now = g_get_monotonic_time ();
  double seconds = (double) ((task->ended > 0 ? task->ended : now) - task->since) / G_USEC_PER_SEC;

  g_string_append_printf (text, "  %s (%" G_GUINT64_FORMAT "): ", task->function, task->number);
  if (ferry_task_get_done (task->task))
    {
      g_string_append_printf (text, "%s %.1f s ago, after %.1f s", task_states[task->state],
                              (double) (now - task->ended) / G_USEC_PER_SEC, seconds);
      add_failure (text, task->task);
    }
  else
    g_string_append_printf (
      text, "%s for %.1f s",
      task->paused && task->state != FERRY_TASK_STATE_CANCELLING ? "paused" : task_states[task->state], seconds);
  if (task->wait != FERRY_WAITS_NOT)
    add_reason (text, task, now);
  if (task->where != NULL)
    g_string_append_printf (text, ", at %s", task->where);
  if (task->fraction >= 0)
    g_string_append_printf (text, ", progress %.0f %%", task->fraction * 100);
  if (task->n_attempts > 1)
    g_string_append_printf (text, ", attempts %u", task->n_attempts);
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
  if (figure->unit == FERRY_UNIT_FLAG)
    g_string_append_printf (text, " %s %s", figure->name, figure->value != 0 ? "yes" : "no");
  else
    g_string_append_printf (text, " %s %" G_GUINT64_FORMAT, figure->name, figure->value);
  if (figure->limit > 0)
    g_string_append_printf (text, " of %" G_GUINT64_FORMAT, figure->limit);
}

static const char *const paths[] = {
  [FERRY_PATH_PIPE] = "pipe", [FERRY_PATH_CHANNEL] = "channel", [FERRY_PATH_CALLS] = "calls"};

/* What waits for handlers, and how long these take. */
static void
add_pipe (GString *text, const FerryInspectedPath *path)
{
  if (path->load.n_received > 0 || path->has_more)
    g_string_append_printf (text, ", %s%u wait here", path->has_more ? "over " : "", path->load.n_received);
  if (path->held_up)
    g_string_append (text, ", held up");
  if (path->load.n_carried > 0 && path->handler_time > 0)
    g_string_append_printf (
      text, ", handler %.3f ms, slowest %.3f ms",
      MIN ((double) path->handler_time / (double) path->load.n_carried, (double) path->slowest) / 1000,
      (double) path->slowest / 1000);
}

static void
add_path (GString *text, const FerryInspectedPath *path)
{
  g_string_append_printf (text, "  %s", paths[path->kind]);
  if (path->name != NULL)
    g_string_append_printf (text, " %s", path->name);
  else if (path->worker != NULL)
    g_string_append_printf (text, " of %s", path->worker);
  else if (path->is_local)
    g_string_append (text, " of this program");
  g_string_append_printf (text, ": %" G_GUINT64_FORMAT " carried", path->load.n_carried);
  if (path->kind != FERRY_PATH_PIPE)
    g_string_append_printf (text, ", %u wait there, %u wait here", path->load.n_sent, path->load.n_received);
  else
    add_pipe (text, path);
  g_string_append_c (text, '\n');
}

static void
add_workers (GString *text, GPtrArray *workers)
{
  g_autoptr (GString) lines = g_string_new (NULL);
  guint64 memory = 0;

  for (guint i = 0; i < workers->len; i++)
    add_worker (lines, g_ptr_array_index (workers, i), &memory);
  g_string_append_printf (text, "\nWorkers: %u", workers->len);
  if (memory > 0)
    {
      g_string_append (text, ", with ");
      add_size (text, memory);
      g_string_append (text, " of memory together");
    }
  g_string_append_printf (text, "\n%s", lines->str);
}

/* Adds those that are done, or those that are not. */
static void
add_tasks (GString *text, GPtrArray *tasks, gboolean done)
{
  gboolean has_any = FALSE;

  for (guint i = 0; i < tasks->len; i++)
    {
      const FerryInspectedTask *task = g_ptr_array_index (tasks, i);

      if (ferry_task_get_done (task->task) != done)
        continue;
      if (done && !has_any)
        g_string_append (text, "\nTasks that have ended, and are still in a list:\n");
      has_any = TRUE;
      add_task (text, task);
    }
}

static void
add_inspection (GString *text, const FerryInspection *inspection)
{
  add_workers (text, inspection->workers);
  g_string_append_printf (text, "\nTasks: %u open\n", inspection->n_tasks);
  add_tasks (text, inspection->tasks, /* done: */ FALSE);
  add_tasks (text, inspection->tasks, /* done: */ TRUE);
  g_string_append (text, "\nRouters and Queues:\n");
  for (guint i = 0; i < inspection->figures->len; i++)
    add_figure (text, g_ptr_array_index (inspection->figures, i),
                i > 0 ? g_ptr_array_index (inspection->figures, i - 1) : NULL);
  g_string_append_printf (text, "%s\nPipes and Calls: %u\n", inspection->figures->len > 0 ? "\n" : "",
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
