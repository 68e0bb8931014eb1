/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the inspector's page says in its tables: columns, and the words of what a look at the application found.
 *
 * Threads: the one that runs GTK. */

#include "config.h"

#include "gtk/ferry-inspector-view-private.h"

#include "gtk/ferry-format.h"
#include "gtk/ferry-translation-private.h"

/* An en dash, as UTF-8: for what is not known. */
#define UNKNOWN "\342\200\223"

/* ---- units ---- */

static char *
format_percent (double fraction)
{
  return g_strdup_printf (_ ("%d %%"), (int) (fraction * 100.0 + 0.5));
}

static char *
format_seconds (gint64 microseconds)
{
  if (microseconds < 10 * G_USEC_PER_SEC)
    return g_strdup_printf (_ ("%.1f s"), (double) MAX (microseconds, 0) / G_USEC_PER_SEC);
  return ferry_format_duration (microseconds);
}

/* How much more a second there is since the look before; 0: it is not more. */
static double
take_rate (FerryInspectorItem *item, guint64 carried, gint64 now)
{
  gint64 passed = now - item->carried_at;
  gboolean is_known = item->carried_at > 0 && passed > 0 && carried > item->carried;
  double rate = is_known ? (double) (carried - item->carried) * G_USEC_PER_SEC / (double) passed : 0;

  item->carried = carried;
  item->carried_at = now;
  return rate;
}

/* (transfer full): an empty text where it is not more. */
static char *
format_rate (FerryInspectorItem *item, guint64 carried, gint64 now)
{
  double rate = take_rate (item, carried, now);

  return rate > 0 ? ferry_format_amount (rate) : g_strdup ("");
}

/* (transfer full): the same of bytes. */
static char *
format_size_rate (FerryInspectorItem *item, guint64 bytes, gint64 now)
{
  double rate = take_rate (item, bytes, now);

  return rate > 0 ? g_format_size ((guint64) rate) : g_strdup ("");
}

/* (transfer full): the same of a time in microseconds, which is a share of the time that has passed. */
static char *
format_share (FerryInspectorItem *item, guint64 time, gint64 now)
{
  double rate = take_rate (item, time, now);

  return rate > 0 ? format_percent (rate / G_USEC_PER_SEC) : g_strdup ("");
}

/* (transfer full) */
static char *
format_growth (FerryInspectorItem *item, FerryUnit unit, guint64 value, gint64 now)
{
  if (unit == FERRY_UNIT_BYTES)
    return format_size_rate (item, value, now);
  return unit == FERRY_UNIT_MICROSECONDS ? format_share (item, value, now) : format_rate (item, value, now);
}

/* ---- workers ---- */

enum
{
  WORKER_NAME,
  WORKER_PROCESS,
  WORKER_POOL,
  WORKER_STATE,
  WORKER_PROCESSOR,
  WORKER_MEMORY,
  WORKER_TASK,
  WORKER_LINE,
  WORKER_SANDBOX,
  N_WORKER_CELLS,
};

static const FerryInspectorColumn worker_columns[N_WORKER_CELLS] = {
  [WORKER_NAME] = {N_ ("Worker"), NULL, 0, 16, FALSE},
  [WORKER_PROCESS] = {N_ ("Process"), N_ ("The number of its process; a thread of this program has none"), 1, 7, FALSE},
  [WORKER_POOL] = {N_ ("Pool"), N_ ("The number of its pool, as in Routers and Queues"), 1, 4, FALSE},
  [WORKER_STATE] = {N_ ("State"),
                    N_ (
                      "Open: it is of no pool. Forks Others: the workers of a pool are copies of it. Held Up: it "
                      "waits for this program to handle what it has sent. Ended: this program has yet to handle that"),
                    0, 13, FALSE},
  [WORKER_PROCESSOR] = {N_ ("CPU"),
                        N_ ("How much it has computed in the last second; all of one processor core is 100 %"), 1, 5,
                        FALSE},
  [WORKER_MEMORY] = {N_ ("Memory"), N_ ("How much it has in memory, with what it shares with others"), 1, 9, FALSE},
  [WORKER_TASK] = {N_ ("Runs"), N_ ("The name of the task that it runs"), 0, 18, TRUE},
  [WORKER_LINE] = {N_ ("Last Line"), N_ ("The latest line that it has printed for its task"), 0, 16, TRUE},
  [WORKER_SANDBOX] = {N_ ("Sandbox"), N_ ("The layers of its sandbox, which keep it from the rest of the system"), 0, 8,
                      FALSE},
};

static GPtrArray *
get_workers (const FerryInspection *inspection)
{
  return inspection->workers;
}

static guint64
get_worker_number (gconstpointer row)
{
  return ((const FerryInspectedWorker *) row)->number;
}

static const char *
get_worker_state (FerryInspectedState state)
{
  switch (state)
    {
    case FERRY_INSPECTED_STARTING:
      return _ ("Starting");
    case FERRY_INSPECTED_IDLE:
      return _ ("Idle");
    case FERRY_INSPECTED_BUSY:
      return _ ("Busy");
    case FERRY_INSPECTED_OPEN:
      return _ ("Open");
    case FERRY_INSPECTED_FORKS:
      return _ ("Forks Others");
    case FERRY_INSPECTED_ENDED:
      return _ ("Ended");
    case FERRY_INSPECTED_ENDING:
    default:
      return _ ("Ending");
    }
}

static char *
get_last_line (const char *lines)
{
  const char *start = lines != NULL ? strrchr (lines, '\n') : NULL;

  return g_strdup (start != NULL ? start + 1 : lines);
}

/* (transfer full): what a worker is, what it runs, and the lines that it has printed for that. */
static char *
describe_worker (const FerryInspectedWorker *worker)
{
  GString *text = g_string_new (worker->program);

  if (worker->pool > 0)
    g_string_append_printf (text, "%s%s %" G_GUINT64_FORMAT ": %s", text->len > 0 ? ", " : "", _ ("Pool"), worker->pool,
                            worker->pool_name);
  if (worker->sandbox != NULL)
    g_string_append_printf (text, "%s%s", text->len > 0 ? "\n" : "", worker->sandbox);
  if (worker->task != NULL)
    g_string_append_printf (text, "%s%s (%s)", text->len > 0 ? "\n" : "", worker->task, worker->function);
  if (worker->held_up)
    g_string_append_printf (text, "\n%s", _ ("It waits for this program to handle what it has sent"));
  if (worker->unread > 0)
    {
      g_autofree char *size = g_format_size (worker->unread);

      g_string_append_c (text, '\n');
      g_string_append_printf (text, _ ("Not handled yet: %s"), size);
    }
  if (worker->place != NULL)
    g_string_append_printf (text, "\n%s", worker->place);
  if (worker->lines != NULL && *worker->lines != '\0')
    g_string_append_printf (text, "\n%s", worker->lines);
  return g_string_free (text, FALSE);
}

static void
fill_worker (FerryInspectorItem *item, gconstpointer row, gint64 now)
{
  const FerryInspectedWorker *worker = row;
  gboolean is_known = ferry_worker_usage_look (&item->usage, worker->identifier, now);

  item->has_ended = worker->state == FERRY_INSPECTED_ENDED;
  item->can_end = worker->identifier != NULL && !item->has_ended;
  ferry_inspector_item_set (item, WORKER_NAME, g_strdup (worker->name));
  ferry_inspector_item_set (item, WORKER_PROCESS, g_strdup (worker->identifier != NULL ? worker->identifier : UNKNOWN));
  ferry_inspector_item_set (
    item, WORKER_POOL, worker->pool > 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT, worker->pool) : g_strdup (UNKNOWN));
  ferry_inspector_item_set (item, WORKER_STATE,
                            g_strdup (worker->held_up ? _ ("Held Up") : get_worker_state (worker->state)));
  ferry_inspector_item_set (item, WORKER_PROCESSOR,
                            item->usage.share >= 0 ? format_percent (item->usage.share) : g_strdup (UNKNOWN));
  ferry_inspector_item_set (item, WORKER_MEMORY, is_known ? g_format_size (item->usage.memory) : g_strdup (UNKNOWN));
  ferry_inspector_item_set (item, WORKER_TASK, g_strdup (worker->task));
  ferry_inspector_item_set (item, WORKER_LINE, get_last_line (worker->lines));
  ferry_inspector_item_set (item, WORKER_SANDBOX, g_strdup (worker->sandbox != NULL ? worker->sandbox : UNKNOWN));
  ferry_inspector_item_set (item, FERRY_INSPECTOR_MAX_CELLS, describe_worker (worker));
}

/* (transfer full): how many have not ended, and their memory together. */
static char *
sum_workers (GListModel *items)
{
  g_autofree char *size = NULL;
  guint64 memory = 0;
  guint n_live = 0;

  for (guint i = 0; i < g_list_model_get_n_items (items); i++)
    {
      g_autoptr (FerryInspectorItem) item = g_list_model_get_item (items, i);

      memory += item->has_ended ? 0 : item->usage.memory;
      n_live += !item->has_ended;
    }
  size = g_format_size (memory);
  /* Translators: the size is that of their memory together. */
  return g_strdup_printf (ferry_gtk_ngettext ("%u worker: %s", "%u workers: %s", n_live), n_live, size);
}

/* ---- tasks ---- */

enum
{
  TASK_NAME,
  TASK_FUNCTION,
  TASK_STATE,
  TASK_PLACE,
  TASK_TIME,
  TASK_PROGRESS,
  TASK_ATTEMPTS,
  TASK_REASON,
  TASK_ARGUMENTS,
  N_TASK_CELLS,
};

static const FerryInspectorColumn task_columns[N_TASK_CELLS] = {
  [TASK_NAME] = {N_ ("Task"), NULL, 0, 20, TRUE},
  [TASK_FUNCTION] = {N_ ("Function"), NULL, 0, 10, FALSE},
  [TASK_STATE] = {N_ ("State"), NULL, 0, 11, FALSE},
  [TASK_PLACE] = {N_ ("Where"), N_ ("The number of the process that runs it, or the name of the host"), 0, 9, FALSE},
  [TASK_TIME] = {N_ ("Time"), N_ ("For how long it has waited or run, or how long it took"), 1, 6, FALSE},
  [TASK_PROGRESS] = {N_ ("Progress"), N_ ("How much of it is done, as its function says"), 1, 7, FALSE},
  [TASK_ATTEMPTS] = {N_ ("Attempts"), N_ ("How often it was begun"), 1, 7, FALSE},
  [TASK_REASON] = {N_ ("Waits For, or Says"),
                   N_ ("What it waits for; of one that waits for nothing, what its function says, or its error"), 0, 26,
                   TRUE},
  [TASK_ARGUMENTS] = {N_ ("Arguments"), N_ ("What its function is given, or the start of that"), 0, 12, FALSE},
};

static GPtrArray *
get_tasks (const FerryInspection *inspection)
{
  return inspection->tasks;
}

static guint64
get_task_number (gconstpointer row)
{
  return ((const FerryInspectedTask *) row)->number;
}

static const char *
get_task_state (const FerryInspectedTask *task)
{
  switch (task->state)
    {
    case FERRY_TASK_STATE_WAITING:
      return task->paused ? _ ("Paused") : _ ("Waiting");
    case FERRY_TASK_STATE_EXECUTING:
      return task->paused ? _ ("Paused") : _ ("Running");
    case FERRY_TASK_STATE_CANCELLING:
      return _ ("Cancelling");
    case FERRY_TASK_STATE_COMPLETED:
      return _ ("Done");
    case FERRY_TASK_STATE_CANCELLED:
      return _ ("Cancelled");
    case FERRY_TASK_STATE_FAILED:
    default:
      return _ ("Failed");
    }
}

static const char *const reasons[FERRY_N_WAITS] = {
  [FERRY_WAITS_BEHIND] = N_ ("The task that its worker runs"),
  [FERRY_WAITS_FOR_START] = N_ ("The start of a worker"),
  [FERRY_WAITS_PAUSED] = N_ ("Somebody who resumes it"),
  [FERRY_WAITS_WHILE_PAUSED] = N_ ("Its executor, which is paused"),
  [FERRY_WAITS_FOR_ROUTER] = N_ ("Its router, which was stopped"),
  [FERRY_WAITS_FOR_SHORTAGE] = N_ ("Memory, descriptors or processes for a worker"),
  [FERRY_WAITS_FOR_NEXT_START] = N_ ("The next start of a worker, as the last ones ended too early"),
  [FERRY_WAITS_FOR_HOST] = N_ ("A host that has room"),
  [FERRY_WAITS_FOR_TIME] = N_ ("Its time"),
  [FERRY_WAITS_FOR_QUEUE] = N_ ("Its turn in the queue"),
  [FERRY_WAITS_FOR_TURN] = N_ ("Its turn, which is next"),
  [FERRY_WAITS_FOR_HANDLERS] = N_ ("This program, to handle what it has sent"),
};

/* (transfer full) (nullable) */
static char *
get_reason (const FerryInspectedTask *task, gint64 now)
{
  /* A task that is in a file says what it waits for, such as the hour. */
  if (task->wait == FERRY_WAITS_NOT ||
      ((task->wait == FERRY_WAITS_FOR_TIME || task->wait == FERRY_WAITS_FOR_QUEUE) && task->text != NULL))
    return g_strdup (task->text);
  if (task->wait == FERRY_WAITS_FOR_WORKER)
    return g_strdup_printf (
      ferry_gtk_ngettext ("A worker: the only one is busy", "A worker: all %u are busy", task->n_before),
      task->n_before);
  if (task->until > 0)
    {
      g_autofree char *left = format_seconds (task->until - now);
      g_autofree char *after = g_strdup_printf (_ ("again in %s"), left);

      return g_strdup_printf ("%s (%s)", _ (reasons[task->wait]), after);
    }
  return g_strdup (_ (reasons[task->wait]));
}

/* (transfer full): its call, what it waits for, what it says, and where it failed. reason: (nullable) */
static char *
describe_task (const FerryInspectedTask *task, const char *arguments, const char *reason)
{
  GString *text = g_string_new (task->function);

  g_string_append_printf (text, " %s", arguments);
  if (reason != NULL)
    g_string_append_printf (text, "\n%s", reason);
  if (task->text != NULL && g_strcmp0 (task->text, reason) != 0)
    g_string_append_printf (text, "\n%s", task->text);
  if (task->was_killed)
    g_string_append_printf (text, "\n%s", _ ("This program has killed its worker"));
  if (task->trace != NULL)
    g_string_append_printf (text, "\n%s", task->trace);
  return g_string_free (text, FALSE);
}

static void
fill_task (FerryInspectorItem *item, gconstpointer row, gint64 now)
{
  const FerryInspectedTask *task = row;
  g_autofree char *reason = get_reason (task, now);

  if (item->kept == NULL)
    {
      /* Of a task that is in a file, this is all that keeps it the same one. */
      item->kept = g_object_ref (task->task);
      ferry_inspector_item_set (item, TASK_ARGUMENTS, ferry_inspection_show_arguments (task->task));
    }
  ferry_inspector_item_set (item, TASK_NAME, g_strdup (task->name));
  ferry_inspector_item_set (item, TASK_FUNCTION, g_strdup (task->function));
  ferry_inspector_item_set (item, TASK_STATE, g_strdup (get_task_state (task)));
  ferry_inspector_item_set (item, TASK_PLACE, g_strdup (task->where != NULL ? task->where : UNKNOWN));
  ferry_inspector_item_set (item, TASK_TIME, format_seconds ((task->ended > 0 ? task->ended : now) - task->since));
  ferry_inspector_item_set (item, TASK_PROGRESS,
                            task->fraction >= 0 ? format_percent (task->fraction) : g_strdup (UNKNOWN));
  ferry_inspector_item_set (item, TASK_ATTEMPTS, g_strdup_printf ("%u", task->n_attempts));
  ferry_inspector_item_set (item, FERRY_INSPECTOR_MAX_CELLS, describe_task (task, item->cells[TASK_ARGUMENTS], reason));
  ferry_inspector_item_set (item, TASK_REASON, g_steal_pointer (&reason));
}

/* ---- figures ---- */

enum
{
  FIGURE_OWNER,
  FIGURE_NAME,
  FIGURE_VALUE,
  FIGURE_LIMIT,
  FIGURE_RATE,
  N_FIGURE_CELLS,
};

static const FerryInspectorColumn figure_columns[N_FIGURE_CELLS] = {
  [FIGURE_OWNER] = {N_ ("Of"), NULL, 0, 24, TRUE},
  [FIGURE_NAME] = {N_ ("Property or Counter"), N_ ("The name that it has in the reference of Ferry"), 0, 24, FALSE},
  [FIGURE_VALUE] = {N_ ("Value"), NULL, 1, 11, FALSE},
  [FIGURE_LIMIT] = {N_ ("Limit"), N_ ("The most that the value may be; a property sets it"), 1, 11, FALSE},
  [FIGURE_RATE] = {N_ ("More per Second"),
                   N_ ("How much the value has grown in the last second; of a time, the share of that second"), 1, 13,
                   FALSE},
};

static GPtrArray *
get_figures (const FerryInspection *inspection)
{
  return inspection->figures;
}

/* Each object has one figure of a name, but that a queue in a file has some of its executor's. */
static guint64
get_figure_number (gconstpointer row)
{
  const FerryInspectedFigure *figure = row;

  return figure->owner << 40 ^ (guint64) figure->kind << 36 ^ (guint64) figure->of_queue << 35 ^
         g_str_hash (figure->name);
}

static char *
format_value (FerryUnit unit, guint64 value)
{
  switch (unit)
    {
    case FERRY_UNIT_BYTES:
      return g_format_size (value);
    case FERRY_UNIT_MICROSECONDS:
      return format_seconds ((gint64) MIN (value, G_MAXINT64));
    case FERRY_UNIT_FLAG:
      return g_strdup (value != 0 ? _ ("Yes") : _ ("No"));
    case FERRY_UNIT_COUNT:
    default:
      return ferry_format_count (value);
    }
}

static char *
describe_owner (const FerryInspectedFigure *figure)
{
  const char *kind = figure->kind == FERRY_KIND_ROUTER ? _ ("Router") : _ ("Pool");

  if (figure->kind == FERRY_KIND_EXECUTOR)
    kind = figure->of_queue ? _ ("Queue of Executor") : _ ("Executor");
  return g_strdup_printf ("%s %" G_GUINT64_FORMAT "%s%s", kind, figure->owner, figure->owner_name != NULL ? ": " : "",
                          figure->owner_name != NULL ? figure->owner_name : "");
}

static void
fill_figure (FerryInspectorItem *item, gconstpointer row, gint64 now)
{
  const FerryInspectedFigure *figure = row;

  ferry_inspector_item_set (item, FIGURE_OWNER, describe_owner (figure));
  ferry_inspector_item_set (item, FIGURE_NAME, g_strdup (figure->name));
  ferry_inspector_item_set (item, FIGURE_VALUE, format_value (figure->unit, figure->value));
  ferry_inspector_item_set (item, FIGURE_LIMIT,
                            figure->limit > 0 ? format_value (figure->unit, figure->limit) : g_strdup (UNKNOWN));
  ferry_inspector_item_set (item, FIGURE_RATE, format_growth (item, figure->unit, figure->value, now));
}

/* ---- pipes, channels and calls ---- */

enum
{
  PATH_KIND,
  PATH_NAME,
  PATH_CARRIED,
  PATH_RATE,
  PATH_SENT,
  PATH_RECEIVED,
  PATH_HANDLER,
  PATH_SLOWEST,
  PATH_OLDEST,
  N_PATH_CELLS,
};

static const FerryInspectorColumn path_columns[N_PATH_CELLS] = {
  [PATH_KIND] = {N_ ("Kind"), NULL, 0, 8, FALSE},
  [PATH_NAME] = {N_ ("Sender"), N_ ("The worker that sends, or the task that was given the sender"), 0, 24, TRUE},
  [PATH_CARRIED] = {N_ ("Carried"), N_ ("How many messages or calls there were so far"), 1, 10, FALSE},
  [PATH_RATE] = {N_ ("Per Second"), N_ ("How many messages or calls there were in the last second"), 1, 9, FALSE},
  [PATH_SENT] = {N_ ("Wait There"),
                 N_ ("How many messages or calls the other end has not taken. Held Up: the sender waits until this "
                     "program has handled some"),
                 1, 9, FALSE},
  [PATH_RECEIVED] = {N_ ("Wait Here"), N_ ("How many messages or calls have come that this program has not handled"), 1,
                     12, FALSE},
  [PATH_HANDLER] = {N_ ("Handler"), N_ ("How long handlers take for a message, on average of those in the last second"),
                    1, 8, FALSE},
  [PATH_SLOWEST] = {N_ ("Slowest"), N_ ("The longest time that a handler took for a message"), 1, 8, FALSE},
  [PATH_OLDEST] = {N_ ("Oldest Call"), N_ ("For how long the oldest call waits for its answer, as far as it was seen"),
                   1, 9, FALSE},
};

static GPtrArray *
get_paths (const FerryInspection *inspection)
{
  return inspection->paths;
}

static guint64
get_path_number (gconstpointer row)
{
  return ((const FerryInspectedPath *) row)->number;
}

static const char *
get_path_kind (FerryPathKind kind)
{
  if (kind == FERRY_PATH_PIPE)
    return _ ("Pipe");
  return kind == FERRY_PATH_CHANNEL ? _ ("Channel") : _ ("Calls");
}

/* (transfer full): for how long the oldest call has been seen to be the oldest one. */
static char *
format_oldest (FerryInspectorItem *item, guint64 oldest, gint64 now)
{
  if (oldest == 0)
    return g_strdup (UNKNOWN);
  if (item->oldest != oldest)
    item->oldest_at = now;
  item->oldest = oldest;
  return format_seconds (now - item->oldest_at);
}

/* (transfer full): of "'name' of worker 'worker'", what tells it from others is to be in sight where there is little
 * room. */
static char *
put_worker_first (const char *name, const char *worker)
{
  g_autofree char *end = g_strdup_printf (" of worker '%s'", worker);

  if (!g_str_has_suffix (name, end))
    return g_strdup (name);
  return g_strdup_printf ("%s: %.*s", worker, (int) (strlen (name) - strlen (end)), name);
}

/* (transfer full) */
static char *
describe_sender (const FerryInspectedPath *path)
{
  const char *worker = path->worker != NULL ? path->worker : UNKNOWN;

  if (path->name != NULL)
    return put_worker_first (path->name, worker);
  if (path->task != NULL)
    return g_strdup_printf (_ ("%s, at %s"), path->task, worker);
  return g_strdup (path->is_local ? _ ("This Program") : worker);
}

/* (transfer full): a time of handlers. */
static char *
format_short (guint64 microseconds)
{
  if (microseconds < G_USEC_PER_SEC)
    return g_strdup_printf (_ ("%.1f ms"), (double) microseconds / 1000);
  return format_seconds ((gint64) MIN (microseconds, G_MAXINT64));
}

/* (transfer full): what a handler of the pipe takes, of those since the look before if there were any, else of all. */
static char *
format_handler (FerryInspectorItem *item, const FerryInspectedPath *path)
{
  const guint64 n_new = path->load.n_carried - item->carried;
  const guint64 time = path->handler_time - item->handler_time;

  if (path->kind != FERRY_PATH_PIPE || path->load.n_carried == 0)
    return g_strdup (UNKNOWN);
  if (n_new == 0)
    return g_strdup (item->cells[PATH_HANDLER]);
  item->handler_time = path->handler_time;
  /* What shared a reading of the clock with others may have some of their time. */
  return format_short (MIN (time / n_new, path->slowest));
}

/* (transfer full): what waits for the other end. */
static char *
format_sent (const FerryInspectedPath *path)
{
  if (path->kind != FERRY_PATH_PIPE)
    return ferry_format_count (path->load.n_sent);
  return g_strdup (path->held_up ? _ ("Held Up") : UNKNOWN);
}

/* (transfer full): what waits for this end. */
static char *
format_received (const FerryInspectedPath *path)
{
  g_autofree char *count = ferry_format_count (path->load.n_received);

  return path->has_more ? g_strdup_printf (_ ("over %s"), count) : g_steal_pointer (&count);
}

static void
fill_path (FerryInspectorItem *item, gconstpointer row, gint64 now)
{
  const FerryInspectedPath *path = row;

  ferry_inspector_item_set (item, PATH_KIND, g_strdup (get_path_kind (path->kind)));
  ferry_inspector_item_set (item, PATH_NAME, describe_sender (path));
  ferry_inspector_item_set (item, PATH_CARRIED, ferry_format_count (path->load.n_carried));
  /* Before the rate, which keeps what was carried. */
  ferry_inspector_item_set (item, PATH_HANDLER, format_handler (item, path));
  ferry_inspector_item_set (item, PATH_SLOWEST, path->slowest > 0 ? format_short (path->slowest) : g_strdup (UNKNOWN));
  ferry_inspector_item_set (item, PATH_RATE, format_rate (item, path->load.n_carried, now));
  ferry_inspector_item_set (item, PATH_SENT, format_sent (path));
  ferry_inspector_item_set (item, PATH_RECEIVED, format_received (path));
  ferry_inspector_item_set (item, PATH_OLDEST, format_oldest (item, path->load.oldest, now));
}

/* ---- the tables ---- */

const FerryInspectorKind ferry_inspector_kinds[FERRY_INSPECTOR_N_KINDS] = {
  {"workers", N_ ("Workers"), N_ ("No Workers"), FERRY_INSPECTS_WORKERS, TRUE, TRUE, worker_columns, N_WORKER_CELLS,
   get_workers, get_worker_number, fill_worker, sum_workers},
  {"tasks", N_ ("Tasks"), N_ ("No Tasks"), FERRY_INSPECTS_TASKS, TRUE, FALSE, task_columns, N_TASK_CELLS, get_tasks,
   get_task_number, fill_task, NULL},
  {"figures", N_ ("Routers and Queues"), N_ ("No Routers"), FERRY_INSPECTS_FIGURES, FALSE, FALSE, figure_columns,
   N_FIGURE_CELLS, get_figures, get_figure_number, fill_figure, NULL},
  {"paths", N_ ("Pipes and Calls"), N_ ("No Pipes, Channels or Calls"), FERRY_INSPECTS_PATHS, FALSE, FALSE,
   path_columns, N_PATH_CELLS, get_paths, get_path_number, fill_path, NULL},
};
