/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue of tasks in a file.
 *
 * The queue has a row for each task, in memory as in the file, and decides by the rows in memory what is next. Each
 * change of a row goes to the file with the next batch, which is one transaction: all that one turn of the main loop
 * has changed, or what came while the batch before it was written. What must be on the disk first waits for its batch:
 * that a task is begun, before its executor gets it, and how it has ended, before anybody is told (FerryRunKeeper).
 *
 * A row becomes a FerryTask when its task is begun, or somebody looks at it. A task that waits has the queue as its
 * source; the executor takes it over when it is begun.
 *
 * It is one file since each step of a task changes its row, the list and the batch.
 *
 * Threads: the router's. The file is used by a thread of its own: ferry-queue-store.c. */

#include "config.h"

#include "queue/ferry-queue.h"

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "command/ferry-command-private.h"
#include "queue/ferry-queue-enums.h"
#include "queue/ferry-queue-figures-private.h"
#include "queue/ferry-queue-store-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-private.h"
#include "task/ferry-iterate-private.h"

/* So many places lie between two tasks, for those that are moved there. */
#define PLACE_GAP ((gint64) 1 << 24)

/* How long a batch that could not be written waits until it is tried again, in microseconds. */
#define RETRY_TIME G_USEC_PER_SEC

/* How often the queue looks for tasks that ended too long ago, in microseconds. */
#define PRUNE_TIME (3600 * (gint64) G_USEC_PER_SEC)

/* How often the queue looks at the wall clock while tasks wait for a time, in microseconds: it may be set, and stands
 * still for a monotonic timer while the machine sleeps. */
#define LOOK_TIME (60 * (gint64) G_USEC_PER_SEC)

#define DEFAULT_DEATH_LIMIT 3
#define DEFAULT_KEEP_COUNT 1000
#define DEFAULT_KEEP_TIME (30 * 24 * 3600 * (gint64) G_USEC_PER_SEC)

/* At most so many tasks are begun in the file ahead of those that run. */
#define MAX_AHEAD 1024

typedef struct
{
  FerryQueue *queue; /* (unowned) */
  FerryQueueRow row;
  FerryTask *task;         /* (nullable): owned if keeps_task */
  GSequenceIter *position; /* in the list */
  GSequenceIter *turn;     /* (nullable): among those that may be begun, or wait for their time */
  FerryQueueCounted counted;
  GList ended_link;         /* in one of the two lists of ended tasks, if has_ended */
  FerryQueueChange *change; /* (unowned) (nullable): in the batch of the number */
  guint64 batch_number;
  guint keeps_task : 1;
  guint has_ended : 1;
  guint claimed : 1;   /* the file has it begun, or is about to */
  guint stored : 1;    /* its end is in the row, and is not told yet */
  guint cancelled : 1; /* somebody cancelled it while it executed, and not the end of the application */
} Entry;

/* What goes to the file together. */
typedef struct
{
  GPtrArray *changes; /* (owned) (element-type FerryQueueChange) */
  GPtrArray *claims;  /* (owned) (element-type FerryTask): to be given to the executor afterwards */
  GPtrArray *ends;    /* (owned) (element-type FerryTask): to be told afterwards */
  GPtrArray *flushes; /* (owned) (element-type GTask): to be called back afterwards */
} Batch;

typedef enum
{
  NEW,
  OPENING,
  OPEN,
  CLOSING,
  CLOSED,
} Phase;

/**
 * FerryQueue:
 *
 * A queue of tasks in a file: the tasks survive the end of the application, a crash and a power cut.
 *
 * The queue is in front of a [class@Ferry.Executor], which runs its tasks as any others. [method@Ferry.Queue.submit]
 * stores a task. When the application starts again and opens the file, the tasks that waited wait, those that were done
 * are done, with their results, and those that failed have failed. What was under way is run again if that is safe:
 * [property@Ferry.Task:idempotent], a run that [property@Ferry.Task:retries] allows, or a command that replaces its
 * files as a whole. Any other such task has failed with %FERRY_ERROR_INTERRUPTED, and [method@Ferry.Executor.retry]
 * runs it again.
 *
 * A queue is a list model of its tasks, of those that have ended too. It can be shown as an executor's.
 *
 * A task is [property@Ferry.Task:is-done] only when its end is on the disk. One that no worker had begun and that is
 * cancelled is done at once, and is stored with the next commit.
 *
 * All functions are for the router's thread. None waits for the disk.
 */
struct _FerryQueue
{
  GObject parent_instance;

  FerryTaskSource source; /* of the tasks that wait here */
  FerryRunKeeper keeper;
  FerryExecutor *executor; /* const (owned) */
  FerryRouter *router;     /* const (unowned): the executor's */
  char *path;              /* const */
  FerryQueueStart start;
  guint death_limit;
  guint version;
  guint keep_count;
  gint64 keep_time;
  gboolean paused;
  char *reason; /* (nullable) */

  Phase phase;
  FerryQueueStore *store; /* (owned) (nullable) */
  GTask *opening;         /* (owned) (nullable) */
  GTask *closing;         /* (owned) (nullable) */
  GError *error;          /* (owned) (nullable): why the latest batch was not written */
  GError *damage;         /* (owned) (nullable) */

  GSequence *list;   /* (element-type Entry) (owned): by place */
  GSequence *turns;  /* (element-type Entry): those that may be begun, in that order */
  GSequence *timed;  /* (element-type Entry): those that wait for their time, the earliest first */
  GHashTable *keys;  /* (element-type utf8 Entry): the keys are the rows' */
  GHashTable *known; /* (element-type utf8 FerryQueueRow): keys of tasks that were removed */
  GQueue ended;      /* (element-type Entry): completed and cancelled, the oldest first */
  GQueue failed;     /* (element-type Entry): the oldest first */
  FerryQueueFigures figures;
  gint64 last_id;
  gint64 last_place;
  guint n_claimed;
  guint n_just_ended; /* how many of those have ended since the latest batch was sent */

  Batch next;
  Batch sent;           /* while is_writing */
  guint64 batch_number; /* of next */
  gboolean is_writing;
  FerryTimer send_timer;
  FerryTimer retry_timer;
  FerryTimer prune_timer;
  FerryTimer look_timer;
};

enum
{
  PROP_EXECUTOR = 1,
  PROP_PATH,
  PROP_START,
  PROP_DEATH_LIMIT,
  PROP_VERSION,
  PROP_KEEP_COUNT,
  PROP_KEEP_TIME,
  PROP_PAUSED,
  PROP_REASON,
  PROP_IS_OPEN,
  PROP_ERROR,
  PROP_DAMAGE,
  PROP_N_WAITING,
  PROP_N_EXECUTING,
  PROP_N_INTERRUPTED,
  PROP_N_COMPLETED,
  PROP_N_FAILED,
  PROP_N_CANCELLED,
  PROP_FRACTION,
  N_PROPERTIES,
};

enum
{
  SIGNAL_CONVERT,
  N_SIGNALS,
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

static GType
get_item_type (GListModel *model)
{
  return FERRY_TYPE_TASK;
}

static guint
get_n_items (GListModel *model)
{
  FerryQueue *self = FERRY_QUEUE (model);

  if (!ferry_affinity_check (self->router->affinity, "g_list_model_get_n_items"))
    return 0;
  return (guint) g_sequence_get_length (self->list);
}

static gpointer get_item (GListModel *model, guint position);

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (FerryQueue, ferry_queue, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static G_DEFINE_QUARK (ferry - queue - entry, entry)

static void
notify (FerryQueue *self, guint property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static FerryQueue *
from_keeper (FerryRunKeeper *keeper)
{
  return (FerryQueue *) (void *) ((char *) keeper - G_STRUCT_OFFSET (FerryQueue, keeper));
}

/* Returns (transfer none) (nullable) the entry of a task of this queue. */
static Entry *
find_entry (FerryQueue *self, FerryTask *task)
{
  Entry *entry = g_object_get_qdata (G_OBJECT (task), entry_quark ());

  return entry != NULL && entry->queue == self && entry->task == task ? entry : NULL;
}

static void
told_change (FerryQueue *self, Entry *entry, guint removed, guint added)
{
  g_list_model_items_changed (G_LIST_MODEL (self), (guint) g_sequence_iter_get_position (entry->position), removed,
                              added);
}

/* ---- figures ---- */

static FerryQueueNumbers
get_numbers (FerryQueue *self)
{
  double sum = 0;

  for (GList *link = self->figures.executing.head; link != NULL; link = link->next)
    {
      const Entry *entry = link->data;

      sum += entry->task != NULL ? MAX (ferry_task_get_fraction (entry->task), 0) : 0;
    }
  return ferry_queue_figures_get (&self->figures, sum);
}

/* All that have changed since they were told last, at a time. */
static void
tell_figures (FerryQueue *self)
{
  const FerryQueueNumbers before = self->figures.told, now = get_numbers (self);
  gboolean changed[N_PROPERTIES] = {
    [PROP_N_WAITING] = now.n_waiting != before.n_waiting,
    [PROP_N_EXECUTING] = now.n_executing != before.n_executing,
    [PROP_N_INTERRUPTED] = now.n_interrupted != before.n_interrupted,
    [PROP_N_COMPLETED] = now.n_completed != before.n_completed,
    [PROP_N_FAILED] = now.n_failed != before.n_failed,
    [PROP_N_CANCELLED] = now.n_cancelled != before.n_cancelled,
    [PROP_FRACTION] = now.fraction < before.fraction || now.fraction > before.fraction,
  };

  self->figures.told = now;
  for (guint property = PROP_N_WAITING; property < PROP_FRACTION; property++)
    changed[PROP_FRACTION] |= changed[property];
  g_object_freeze_notify (G_OBJECT (self));
  for (guint property = PROP_N_WAITING; property <= PROP_FRACTION; property++)
    if (changed[property])
      notify (self, property);
  g_object_thaw_notify (G_OBJECT (self));
}

/* ---- batches ---- */

static void
batch_init (Batch *self)
{
  self->changes = g_ptr_array_new_with_free_func ((GDestroyNotify) ferry_queue_change_free);
  self->claims = g_ptr_array_new_with_free_func (g_object_unref);
  self->ends = g_ptr_array_new_with_free_func (g_object_unref);
  self->flushes = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
batch_clear (Batch *self)
{
  g_clear_pointer (&self->changes, g_ptr_array_unref);
  g_clear_pointer (&self->claims, g_ptr_array_unref);
  g_clear_pointer (&self->ends, g_ptr_array_unref);
  g_clear_pointer (&self->flushes, g_ptr_array_unref);
}

/* Puts what was in first in front of what is in self. */
static void
prepend (GPtrArray **self, GPtrArray **first)
{
  g_ptr_array_extend_and_steal (*first, g_steal_pointer (self));
  *self = g_steal_pointer (first);
}

static void send_batch (gpointer data);

/* The batch goes in the next turn of the main loop. */
static void
send_soon (FerryQueue *self)
{
  if (self->phase >= OPEN && !ferry_timer_is_set (&self->send_timer) && !ferry_timer_is_set (&self->retry_timer))
    ferry_timers_set (self->router->timers, &self->send_timer, 0, send_batch, self);
}

static void
add_change (FerryQueue *self, FerryQueueChange *change)
{
  g_ptr_array_add (self->next.changes, change);
  send_soon (self);
}

/* The row of entry has changed. kind: INSERT or UPDATE. */
static void
put (Entry *entry, FerryQueueChangeKind kind)
{
  FerryQueue *self = entry->queue;

  if (entry->change != NULL && entry->batch_number == self->batch_number)
    {
      ferry_queue_row_clear (&entry->change->row);
      entry->change->row = ferry_queue_row_copy (&entry->row);
      if (kind == FERRY_QUEUE_CHANGE_INSERT)
        entry->change->kind = kind;
      return;
    }
  entry->change = ferry_queue_change_of (kind, &entry->row);
  entry->batch_number = self->batch_number;
  add_change (self, entry->change);
}

/* ---- which is next ---- */

static int
compare_turns (gconstpointer a, gconstpointer b, gpointer data)
{
  const FerryQueueRow *one = &((const Entry *) a)->row;
  const FerryQueueRow *other = &((const Entry *) b)->row;

  if (one->priority != other->priority)
    return one->priority > other->priority ? -1 : 1;
  return ferry_queue_row_compare (one, other);
}

static int
compare_times (gconstpointer a, gconstpointer b, gpointer data)
{
  const FerryQueueRow *one = &((const Entry *) a)->row;
  const FerryQueueRow *other = &((const Entry *) b)->row;

  return one->not_before < other->not_before ? -1 : one->not_before > other->not_before;
}

static gboolean
waits_for_its_time (const Entry *entry)
{
  return entry->row.not_before > 0 && entry->row.not_before > g_get_real_time ();
}

/* (transfer full): as people read it. */
static char *
describe_time (gint64 time)
{
  g_autoptr (GDateTime) then = g_date_time_new_from_unix_local (time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  gboolean is_today = g_date_time_get_day_of_year (then) == g_date_time_get_day_of_year (now) &&
                      g_date_time_get_year (then) == g_date_time_get_year (now);
  g_autofree char *shown = g_date_time_format (then, is_today ? "%H:%M" : "%x %H:%M");

  return g_strdup_printf ("Waits until %s", shown);
}

/* The task's text says what holds it. */
static void
tell_reason (Entry *entry)
{
  FerryQueue *self = entry->queue;
  g_autofree char *text = NULL;

  if (entry->task == NULL || entry->row.state != FERRY_QUEUE_ROW_WAITING)
    return;
  if (self->paused)
    text = g_strdup (self->reason != NULL ? self->reason : "The queue is paused");
  else if (waits_for_its_time (entry))
    text = describe_time (entry->row.not_before);
  ferry_task_set_obstacle (entry->task, text);
}

static void
tell_reasons (FerryQueue *self)
{
  for (GSequenceIter *iter = g_sequence_get_begin_iter (self->list); !g_sequence_iter_is_end (iter);
       iter = g_sequence_iter_next (iter))
    tell_reason (g_sequence_get (iter));
}

static void look_at_clock (gpointer data);

/* Puts an entry where it belongs among those that may be begun or wait for their time, or takes it away from them. */
static void
update_turn (Entry *entry)
{
  FerryQueue *self = entry->queue;

  ferry_queue_figures_count (&self->figures, &entry->counted, &entry->row);
  if (entry->turn != NULL)
    g_sequence_remove (g_steal_pointer (&entry->turn));
  tell_reason (entry);
  if (entry->row.state != FERRY_QUEUE_ROW_WAITING || entry->row.paused || entry->claimed)
    return;
  if (!waits_for_its_time (entry))
    entry->turn = g_sequence_insert_sorted (self->turns, entry, compare_turns, NULL);
  else
    {
      entry->turn = g_sequence_insert_sorted (self->timed, entry, compare_times, NULL);
      ferry_timers_set (self->router->timers, &self->look_timer, 0, look_at_clock, self);
    }
}

/* Those whose time has come may be begun. */
static void
look_at_clock (gpointer data)
{
  FerryQueue *self = data;
  gint64 now = g_get_real_time ();

  while (!g_sequence_is_empty (self->timed))
    {
      Entry *entry = g_sequence_get (g_sequence_get_begin_iter (self->timed));
      gint64 left = entry->row.not_before - now;

      if (left > 0)
        {
          ferry_timers_set (self->router->timers, &self->look_timer, g_get_monotonic_time () + MIN (left, LOOK_TIME),
                            look_at_clock, self);
          break;
        }
      update_turn (entry);
    }
  send_soon (self);
}

/* ---- an entry and its task ---- */

static void
task_gone (gpointer data, GObject *task)
{
  Entry *entry = data;

  entry->task = NULL;
}

/* A task that has left the queue, or whose queue is gone, and that waits: nobody runs it. */
static void
ignore (FerryTaskSource *source, FerryRun *run)
{
}

static gboolean
refuse_wait (FerryTaskSource *source, FerryTask *task, gint64 timeout, GError **error)
{
  return ferry_set_error (error, FERRY_ERROR_CLOSED, "The queue of task '%s' is closed; it waits in the queue's file",
                          ferry_task_get_name (task));
}

static FerryTaskSource nowhere = {.cancelled = ignore, .pause_changed = ignore, .wait = refuse_wait};

/* The entry has no task from now on. */
static void
detach (Entry *entry)
{
  FerryTask *task = g_steal_pointer (&entry->task);
  FerryRun *run;

  if (task == NULL)
    return;
  run = ferry_task_get_run (task);
  g_object_set_qdata (G_OBJECT (task), entry_quark (), NULL);
  run->keeper = NULL;
  if (run->source == &entry->queue->source)
    run->source = &nowhere;
  if (entry->keeps_task)
    g_object_unref (task);
  else
    g_object_weak_unref (G_OBJECT (task), task_gone, entry);
  entry->keeps_task = FALSE;
}

/* The entry gets a task. keeps: until it has ended. */
static void
attach (Entry *entry, FerryTask *task, gboolean keeps)
{
  entry->task = task;
  entry->keeps_task = keeps;
  g_object_set_qdata (G_OBJECT (task), entry_quark (), entry);
  ferry_task_get_run (task)->keeper = &entry->queue->keeper;
  if (keeps)
    g_object_ref (task);
  else
    g_object_weak_ref (G_OBJECT (task), task_gone, entry);
}

/* The task has ended: it stays as long as somebody else has it, and is made again for who looks later. */
static void
let_go (Entry *entry)
{
  if (!entry->keeps_task)
    return;
  entry->keeps_task = FALSE;
  g_object_weak_ref (G_OBJECT (entry->task), task_gone, entry);
  g_object_unref (entry->task);
}

static void note_end (Entry *entry);

/* A row that is no task of this version has failed. (transfer full) */
static FerryTask *
make_broken_task (Entry *entry, const GError *error)
{
  const char *function = *entry->row.function != '\0' ? entry->row.function : "unknown";
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_CALL, function, NULL);

  if (!ferry_queue_row_has_ended (&entry->row))
    {
      ferry_queue_row_fail (&entry->row, error, NULL);
      put (entry, FERRY_QUEUE_CHANGE_UPDATE);
      update_turn (entry);
      note_end (entry);
    }
  g_object_set (task, "name", entry->row.name, NULL);
  return task;
}

/* Returns (transfer none) the task of the entry, which is made if there is none. The caller takes a reference. */
static FerryTask *
need_task (Entry *entry, FerryTask **owned)
{
  FerryQueue *self = entry->queue;
  g_autoptr (GError) error = NULL;
  FerryTask *task;

  *owned = NULL;
  if (entry->task != NULL)
    return entry->task;
  task = *owned = ferry_queue_row_new_task (&entry->row, &error);
  if (task == NULL)
    task = *owned = make_broken_task (entry, error);
  if (ferry_queue_row_has_ended (&entry->row))
    ferry_queue_row_restore_end (&entry->row, task, self->router->affinity);
  else
    {
      if (entry->row.paused)
        ferry_task_pause (task);
      ferry_task_submit_to (task, &self->source, self->router->affinity, NULL);
    }
  attach (entry, task, !ferry_queue_row_has_ended (&entry->row));
  tell_reason (entry);
  return task;
}

/* (transfer full) */
static FerryTask *
dup_task (Entry *entry)
{
  FerryTask *owned;
  FerryTask *task = need_task (entry, &owned);

  return owned != NULL ? owned : g_object_ref (task);
}

static gpointer
get_item (GListModel *model, guint position)
{
  FerryQueue *self = FERRY_QUEUE (model);
  GSequenceIter *iter;

  if (!ferry_affinity_check (self->router->affinity, "g_list_model_get_item") ||
      position >= (guint) g_sequence_get_length (self->list))
    return NULL;
  iter = g_sequence_get_iter_at_pos (self->list, (int) position);
  return dup_task (g_sequence_get (iter));
}

/* Takes row. */
static Entry *
entry_new (FerryQueue *self, FerryQueueRow row)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->queue = self;
  entry->row = row;
  entry->ended_link.data = entry;
  entry->counted.link.data = entry;
  self->last_id = MAX (self->last_id, row.id);
  self->last_place = MAX (self->last_place, row.place);
  g_hash_table_replace (self->keys, entry->row.key, entry);
  return entry;
}

static void
entry_free (gpointer data)
{
  Entry *self = data;

  detach (self);
  ferry_queue_row_clear (&self->row);
  g_free (self);
}

static GQueue *
get_ended_list (Entry *entry)
{
  return entry->row.state == FERRY_QUEUE_ROW_FAILED ? &entry->queue->failed : &entry->queue->ended;
}

static void
note_end (Entry *entry)
{
  entry->has_ended = TRUE;
  g_queue_push_tail_link (get_ended_list (entry), &entry->ended_link);
}

static void
forget_end (Entry *entry)
{
  if (entry->has_ended)
    g_queue_unlink (get_ended_list (entry), &entry->ended_link);
  entry->has_ended = FALSE;
}

/* Takes row, which has a key, a state and an end. */
static void
remember (FerryQueue *self, FerryQueueRow *row)
{
  g_hash_table_replace (self->known, row->key, row);
}

/* Removes an entry that has ended from the list and the file. keeps_key: a submission with its key gives its end. */
static void
drop (Entry *entry, gboolean keeps_key)
{
  FerryQueue *self = entry->queue;
  guint position = (guint) g_sequence_iter_get_position (entry->position);
  FerryQueueRow *known;

  add_change (self, ferry_queue_change_of (FERRY_QUEUE_CHANGE_DELETE, &entry->row));
  if (keeps_key && !entry->row.made_up)
    {
      known = g_new0 (FerryQueueRow, 1);
      known->key = g_ref_string_acquire (entry->row.key);
      known->state = entry->row.state;
      known->ended = entry->row.ended;
      add_change (self, ferry_queue_change_of (FERRY_QUEUE_CHANGE_REMEMBER, known));
      remember (self, known);
    }
  forget_end (entry);
  ferry_queue_figures_count (&self->figures, &entry->counted, NULL);
  g_hash_table_remove (self->keys, entry->row.key);
  if (entry->turn != NULL)
    g_sequence_remove (entry->turn);
  /* The list frees the entry. */
  g_sequence_remove (entry->position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

/* ---- retention ---- */

static gboolean
is_looked_at (Entry *entry)
{
  return entry->task != NULL && ((FerryListedRun *) ferry_task_get_run (entry->task))->n_keepers > 0;
}

static void
prune_list (FerryQueue *self, GQueue *list)
{
  gint64 oldest = self->keep_time > 0 ? g_get_real_time () - self->keep_time : 0;
  GList *link = list->head;

  while (link != NULL && (list->length > self->keep_count || ((Entry *) link->data)->row.ended < oldest))
    {
      Entry *entry = link->data;

      link = link->next;
      if (!is_looked_at (entry) && !entry->stored)
        drop (entry, TRUE);
    }
}

static void
prune (gpointer data)
{
  g_autoptr (FerryQueue) self = g_object_ref (data);

  prune_list (self, &self->ended);
  prune_list (self, &self->failed);
  ferry_timers_set (self->router->timers, &self->prune_timer, g_get_monotonic_time () + PRUNE_TIME, prune, self);
}

/* ---- a task is begun ---- */

/* Whether an end of a task now is that of the application, and nobody's wish for the task. */
static gboolean
is_ending (FerryQueue *self)
{
  return self->phase >= CLOSING || ferry_executor_is_shutting_down (self->executor);
}

/* Whether the queue and its executor begin tasks. */
static gboolean
may_claim (FerryQueue *self)
{
  gboolean executor_is_paused;
  FerryExecutorState state;

  if (self->phase != OPEN || self->paused || self->error != NULL || g_sequence_is_empty (self->turns))
    return FALSE;
  g_object_get (self->executor, "paused", &executor_is_paused, "state", &state, NULL);
  return !executor_is_paused && state == FERRY_EXECUTOR_STATE_RUNNING && ferry_executor_can_run (self->executor);
}

/* The file has as many begun as can run, and of short tasks more, so that workers need not wait for the disk. A task
 * that is begun in the file and not in a worker is one of which nobody knows, after a crash, whether it was. */
static void
claim (FerryQueue *self)
{
  guint limit = ferry_executor_get_parallelism (self->executor) + MIN (2 * self->n_just_ended, MAX_AHEAD);

  self->n_just_ended = 0;
  if (!may_claim (self))
    return;
  /* Nobody hears of a claim before it is stored, so that is so until its end. */
  while (self->n_claimed < limit && !g_sequence_is_empty (self->turns))
    {
      Entry *entry = g_sequence_get (g_sequence_get_begin_iter (self->turns));
      g_autoptr (FerryTask) task = dup_task (entry);

      if (ferry_queue_row_has_ended (&entry->row))
        continue;
      entry->claimed = TRUE;
      self->n_claimed++;
      entry->row.state = FERRY_QUEUE_ROW_BEGUN;
      entry->row.attempts++;
      entry->row.began = g_get_real_time ();
      update_turn (entry);
      put (entry, FERRY_QUEUE_CHANGE_UPDATE);
      g_ptr_array_add (self->next.claims, g_steal_pointer (&task));
    }
}

/* A task that was begun in the file was begun by nobody. */
static void
unclaim (Entry *entry)
{
  entry->claimed = FALSE;
  entry->queue->n_claimed--;
  ferry_queue_row_wait (&entry->row);
  entry->row.attempts--;
  entry->row.began = 0;
  update_turn (entry);
  put (entry, FERRY_QUEUE_CHANGE_UPDATE);
}

static void
give_to_executor (FerryQueue *self, FerryTask *task)
{
  Entry *entry = find_entry (self, task);
  g_autoptr (GError) error = NULL;

  /* It may have been cancelled while it was written. */
  if (entry == NULL || !entry->claimed || ferry_task_get_state (task) != FERRY_TASK_STATE_WAITING)
    return;
  if (self->phase != OPEN || self->paused || entry->row.paused)
    unclaim (entry);
  else if (ferry_executor_take_kept (self->executor, task, &error))
    return;
  else if (g_error_matches (error, FERRY_ERROR, FERRY_ERROR_STOPPED))
    unclaim (entry);
  else
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_REFUSE, g_steal_pointer (&error), NULL, NULL);
}

/* ---- a task ends ---- */

static void
fail_as_interrupted (FerryQueueRow *row)
{
  g_autoptr (GError) error =
    g_error_new (FERRY_ERROR, FERRY_ERROR_INTERRUPTED,
                 "Task '%s' was under way when the application ended, and may have done a part of its work; look what "
                 "it has done, and try it again",
                 row->name);

  ferry_queue_row_fail (row, error, NULL);
}

/* The application ends while the task is under way. */
static void
interrupt (Entry *entry, const FerryRun *run)
{
  if (run->start_time == 0)
    {
      ferry_queue_row_wait (&entry->row);
      entry->row.attempts -= entry->claimed;
    }
  else if (ferry_queue_row_may_repeat (&entry->row))
    ferry_queue_row_wait (&entry->row);
  else
    fail_as_interrupted (&entry->row);
}

static gboolean
was_interrupted (Entry *entry, const FerryRun *run, FerryTaskState end)
{
  if (!is_ending (entry->queue) || entry->cancelled)
    return FALSE;
  return end == FERRY_TASK_STATE_CANCELLED ||
         (end == FERRY_TASK_STATE_FAILED && (g_error_matches (run->error, FERRY_ERROR, FERRY_ERROR_WORKER_LOST) ||
                                             g_error_matches (run->error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT)));
}

static void
take_end (Entry *entry, const FerryRun *run, FerryTaskState end)
{
  const GError *error = run->error != NULL ? run->error : run->limit_error;

  entry->row.attempts = MAX (entry->row.attempts, run->n_attempts);
  if (was_interrupted (entry, run, end))
    interrupt (entry, run);
  else if (end == FERRY_TASK_STATE_COMPLETED)
    ferry_queue_row_complete (&entry->row, run->result);
  else if (end == FERRY_TASK_STATE_FAILED)
    ferry_queue_row_fail (&entry->row, error, run->trace);
  else
    ferry_queue_row_cancel (&entry->row);
  put (entry, FERRY_QUEUE_CHANGE_UPDATE);
}

static void
hold (FerryRunKeeper *keeper, FerryRun *run, FerryTaskState end)
{
  FerryQueue *self = from_keeper (keeper);
  Entry *entry = find_entry (self, run->owner);

  take_end (entry, run, end);
  entry->stored = TRUE;
  g_ptr_array_add (self->next.ends, g_object_ref (run->owner));
}

static void
cancelling (FerryRunKeeper *keeper, FerryRun *run)
{
  FerryQueue *self = from_keeper (keeper);
  Entry *entry = find_entry (self, run->owner);

  entry->cancelled = !is_ending (self);
}

/* The task has ended in this process, and waits in the file. */
static void
part_with (Entry *entry)
{
  detach (entry);
  update_turn (entry);
  told_change (entry->queue, entry, 1, 1);
}

static void
ended (FerryRunKeeper *keeper, FerryRun *run)
{
  g_autoptr (FerryQueue) self = g_object_ref (from_keeper (keeper));
  Entry *entry = find_entry (self, run->owner);

  if (!entry->stored)
    take_end (entry, run, ferry_run_get_state (run));
  entry->stored = FALSE;
  entry->cancelled = FALSE;
  if (entry->claimed)
    {
      self->n_claimed--;
      self->n_just_ended++;
    }
  entry->claimed = FALSE;
  update_turn (entry);
  if (!ferry_queue_row_has_ended (&entry->row))
    {
      part_with (entry);
      return;
    }
  note_end (entry);
  let_go (entry);
  prune_list (self, get_ended_list (entry));
  send_soon (self);
}

/* ---- what people do with tasks ---- */

static FerryTask *
retry (FerryRunKeeper *keeper, FerryTask *task, GError **error)
{
  FerryQueue *self = from_keeper (keeper);
  Entry *entry = find_entry (self, task);
  g_autoptr (FerryTask) again = ferry_queue_row_new_task (&entry->row, error);

  if (again == NULL || !ferry_executor_check_task (self->executor, again, error))
    return NULL;
  forget_end (entry);
  ferry_queue_row_wait (&entry->row);
  entry->row.attempts = 0;
  entry->row.deaths = 0;
  entry->row.began = 0;
  entry->row.not_before = 0;
  g_object_set (again, "not-before", (gint64) 0, NULL);
  ferry_task_get_run (again)->n_attempts = 0;
  detach (entry);
  ferry_task_submit_to (again, &self->source, self->router->affinity, NULL);
  attach (entry, again, TRUE);
  put (entry, FERRY_QUEUE_CHANGE_UPDATE);
  update_turn (entry);
  told_change (self, entry, 1, 1);
  return g_steal_pointer (&again);
}

/* Whether the task has ended now: one that waits is cancelled. */
static gboolean
end_waiting (FerryTask *task, GError **error)
{
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_WAITING && ferry_run_take_back (ferry_task_get_run (task)))
    ferry_task_cancel (task);
  return ferry_task_get_done (task) ||
         ferry_set_error (error, FERRY_ERROR_BUSY, "Task '%s' is being run; cancel it, and wait for its end",
                          ferry_task_get_name (task));
}

static gboolean
remove_task (FerryRunKeeper *keeper, FerryTask *task, GError **error)
{
  FerryQueue *self = from_keeper (keeper);
  Entry *entry;

  if (!end_waiting (task, error))
    return FALSE;
  /* A handler may have removed it. */
  entry = find_entry (self, task);
  if (entry != NULL)
    drop (entry, TRUE);
  return TRUE;
}

static gboolean
set_priority (FerryRunKeeper *keeper, FerryTask *task, int priority, GError **error)
{
  Entry *entry = find_entry (from_keeper (keeper), task);

  if (entry->claimed || ferry_queue_row_has_ended (&entry->row))
    return ferry_set_error (error, FERRY_ERROR_BUSY,
                            "Task '%s' was begun already; change the priority of tasks only while they wait",
                            ferry_task_get_name (task));
  entry->row.priority = priority;
  put (entry, FERRY_QUEUE_CHANGE_UPDATE);
  update_turn (entry);
  ferry_task_change_priority (task, priority);
  return TRUE;
}

static gboolean
keeper_move (FerryRunKeeper *keeper, FerryTask *task, FerryTask *before, GError **error)
{
  return ferry_queue_move (from_keeper (keeper), task, before, error);
}

static gboolean
begin_now (FerryRunKeeper *keeper, FerryTask *task, GError **error)
{
  return ferry_queue_set_not_before (from_keeper (keeper), task, 0, error);
}

static void
keeper_close_async (FerryRunKeeper *keeper, GAsyncReadyCallback callback, gpointer user_data)
{
  ferry_queue_close_async (from_keeper (keeper), NULL, callback, user_data);
}

static gboolean
keeper_close_finish (FerryRunKeeper *keeper, GAsyncResult *result, GError **error)
{
  return ferry_queue_close_finish (from_keeper (keeper), result, error);
}

static const FerryRunKeeperFuncs keeper_funcs = {
  .hold = hold,
  .cancelling = cancelling,
  .ended = ended,
  .retry = retry,
  .remove = remove_task,
  .set_priority = set_priority,
  .move = keeper_move,
  .begin_now = begin_now,
  .close_async = keeper_close_async,
  .close_finish = keeper_close_finish,
};

static FerryQueue *
from_source (FerryTaskSource *source)
{
  return (FerryQueue *) (void *) ((char *) source - G_STRUCT_OFFSET (FerryQueue, source));
}

static void
source_pause_changed (FerryTaskSource *source, FerryRun *run)
{
  Entry *entry = find_entry (from_source (source), run->owner);

  entry->row.paused = run->paused;
  put (entry, FERRY_QUEUE_CHANGE_UPDATE);
  update_turn (entry);
}

static gboolean
task_is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

static gboolean
source_wait (FerryTaskSource *source, FerryTask *task, gint64 timeout, GError **error)
{
  g_autoptr (FerryQueue) self = g_object_ref (from_source (source));
  g_autofree char *what = g_strdup_printf ("Task '%s' was not done", ferry_task_get_name (task));

  return ferry_iterate_until (self->router, self->router->context, task_is_done, task, timeout, what, error);
}

/* ---- writing ---- */

static void close_store (FerryQueue *self);

static void
set_failure (FerryQueue *self, const GError *error)
{
  if (error == NULL && self->error == NULL)
    return;
  if (error != NULL && self->error == NULL)
    g_warning ("%s. It is tried again each second", error->message);
  g_clear_error (&self->error);
  self->error = error != NULL ? g_error_copy (error) : NULL;
  notify (self, PROP_ERROR);
}

static void
finish_flushes (GPtrArray *flushes, const GError *error)
{
  for (guint i = 0; i < flushes->len; i++)
    if (error != NULL)
      g_task_return_error (flushes->pdata[i], g_error_copy (error));
    else
      g_task_return_boolean (flushes->pdata[i], TRUE);
  g_ptr_array_set_size (flushes, 0);
}

static gboolean
has_nothing_to_write (FerryQueue *self)
{
  return self->next.changes->len == 0 && self->next.claims->len == 0 && self->next.ends->len == 0;
}

static void
tell_ends (GPtrArray *ends)
{
  for (guint i = 0; i < ends->len; i++)
    ferry_run_tell_end (ferry_task_get_run (ends->pdata[i]));
}

/* The file is closed: what still ends is told, and the file says at the next start that it was interrupted. */
static void
drop_batch (FerryQueue *self)
{
  Batch dropped = self->next;

  batch_init (&self->next);
  self->batch_number++;
  tell_ends (dropped.ends);
  batch_clear (&dropped);
}

static void
send_batch (gpointer data)
{
  g_autoptr (FerryQueue) self = g_object_ref (data);

  if (self->is_writing)
    return;
  if (self->store == NULL)
    {
      drop_batch (self);
      return;
    }
  claim (self);
  tell_figures (self);
  if (has_nothing_to_write (self))
    {
      finish_flushes (self->next.flushes, NULL);
      close_store (self);
      return;
    }
  self->sent = self->next;
  batch_init (&self->next);
  self->batch_number++;
  self->is_writing = TRUE;
  ferry_queue_store_write (self->store, self->sent.changes, TRUE);
}

/* The batch that was not written goes with the next one. */
static void
keep_batch (FerryQueue *self, const GError *error)
{
  finish_flushes (self->sent.flushes, error);
  prepend (&self->next.changes, &self->sent.changes);
  prepend (&self->next.claims, &self->sent.claims);
  prepend (&self->next.ends, &self->sent.ends);
  batch_clear (&self->sent);
  ferry_timers_set (self->router->timers, &self->retry_timer, g_get_monotonic_time () + RETRY_TIME, send_batch, self);
}

static void
written (gpointer owner, const GError *error)
{
  FerryQueue *self = owner;
  Batch done;

  self->is_writing = FALSE;
  if (error != NULL)
    {
      keep_batch (self, error);
      set_failure (self, error);
      close_store (self);
      return;
    }
  done = self->sent;
  self->sent = (Batch){0};
  set_failure (self, NULL);
  tell_ends (done.ends);
  for (guint i = 0; i < done.claims->len; i++)
    give_to_executor (self, done.claims->pdata[i]);
  finish_flushes (done.flushes, NULL);
  batch_clear (&done);
  send_batch (self);
}

/* ---- opening ---- */

static void
convert (FerryQueue *self, Entry *entry)
{
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GVariant) arguments = NULL;
  g_autoptr (GVariant) converted = NULL;
  g_autoptr (GError) error = NULL;

  task = ferry_queue_row_new_task (&entry->row, NULL);
  if (task == NULL)
    return;
  g_object_get (task, "arguments", &arguments, NULL);
  g_signal_emit (self, signals[SIGNAL_CONVERT], 0, entry->row.function, arguments, entry->row.version, &converted);
  if (converted == NULL && arguments != NULL)
    {
      error = g_error_new (FERRY_ERROR, FERRY_ERROR_VERSION,
                           "Task '%s' is of version %u of the application, and this one cannot run it; remove it",
                           entry->row.name, entry->row.version);
      ferry_queue_row_fail (&entry->row, error, NULL);
    }
  else if (converted != arguments)
    ferry_queue_row_set_arguments (&entry->row, converted);
  entry->row.version = self->version;
  put (entry, FERRY_QUEUE_CHANGE_INSERT);
}

/* The application has ended while the task was under way. */
static void
settle (FerryQueue *self, Entry *entry)
{
  FerryQueueRow *row = &entry->row;
  g_autoptr (GError) error = NULL;

  row->deaths++;
  if (!ferry_queue_row_may_repeat (row))
    fail_as_interrupted (row);
  else if (self->death_limit == 0 || row->deaths < self->death_limit)
    ferry_queue_row_wait (row);
  else
    {
      error = g_error_new (FERRY_ERROR, FERRY_ERROR_QUARANTINED,
                           "Task '%s' was under way at %u ends of the application, and is not begun again by itself; "
                           "find out whether it ends the application, and try it again",
                           row->name, row->deaths);
      ferry_queue_row_fail (row, error, NULL);
    }
  put (entry, FERRY_QUEUE_CHANGE_UPDATE);
}

static int
compare_ends (gconstpointer a, gconstpointer b)
{
  gint64 one = (*(const Entry *const *) a)->row.ended;
  gint64 other = (*(const Entry *const *) b)->row.ended;

  return one < other ? -1 : one > other;
}

/* Takes the rows over. They are sorted by their place. */
static void
take_rows (FerryQueue *self, FerryQueueContent *content)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();

  for (guint i = 0; i < content->rows->len; i++)
    {
      FerryQueueRow *row = content->rows->pdata[i];
      Entry *entry = entry_new (self, *row);

      *row = (FerryQueueRow){0};
      entry->position = g_sequence_append (self->list, entry);
      if (entry->row.state == FERRY_QUEUE_ROW_BEGUN)
        settle (self, entry);
      if (entry->row.state == FERRY_QUEUE_ROW_WAITING && entry->row.version < self->version)
        convert (self, entry);
      update_turn (entry);
      if (ferry_queue_row_has_ended (&entry->row))
        g_ptr_array_add (entries, entry);
    }
  g_ptr_array_sort (entries, compare_ends);
  g_ptr_array_foreach (entries, (GFunc) (void (*) (void)) note_end, NULL);
  for (guint i = 0; i < content->known->len; i++)
    {
      FerryQueueRow *row = content->known->pdata[i];
      FerryQueueRow *known = g_memdup2 (row, sizeof *row);

      *row = (FerryQueueRow){0};
      remember (self, known);
    }
}

static void
change_paused (FerryQueue *self, gboolean paused)
{
  const FerryQueueRow row = {.paused = paused};

  add_change (self, ferry_queue_change_of (FERRY_QUEUE_CHANGE_PAUSE, &row));
  if (self->paused == paused)
    return;
  self->paused = paused;
  tell_reasons (self);
  notify (self, PROP_PAUSED);
}

static void
opened (gpointer owner, FerryQueueContent *content, GError *error)
{
  FerryQueue *self = owner;
  g_autoptr (GTask) opening = g_steal_pointer (&self->opening);
  guint n;

  if (error != NULL)
    {
      self->phase = NEW;
      ferry_queue_store_close (g_steal_pointer (&self->store), FALSE, FALSE);
      g_task_return_error (opening, error);
      return;
    }
  self->phase = OPEN;
  self->damage = g_steal_pointer (&content->damage);
  if (self->start != FERRY_QUEUE_START_CONTINUE)
    change_paused (self, self->start == FERRY_QUEUE_START_PAUSED || content->paused || self->paused);
  take_rows (self, content);
  ferry_queue_content_free (content);
  n = (guint) g_sequence_get_length (self->list);
  if (n > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), 0, 0, n);
  prune (self);
  if (self->damage != NULL)
    notify (self, PROP_DAMAGE);
  tell_figures (self);
  notify (self, PROP_IS_OPEN);
  g_task_return_boolean (opening, TRUE);
  send_soon (self);
}

/* ---- closing ---- */

/* Closes the file when all has ended and is written, or cannot be written. */
static void
close_store (FerryQueue *self)
{
  gboolean is_orderly = has_nothing_to_write (self);

  if (self->phase != CLOSING || self->store == NULL || self->is_writing || (self->n_claimed > 0 && self->error == NULL))
    return;
  if (!is_orderly && self->error == NULL)
    return;
  ferry_timers_unset (self->router->timers, &self->retry_timer);
  ferry_queue_store_close (g_steal_pointer (&self->store), is_orderly, TRUE);
}

static void
closed (gpointer owner)
{
  FerryQueue *self = owner;
  g_autoptr (GTask) closing = g_steal_pointer (&self->closing);

  self->phase = CLOSED;
  drop_batch (self);
  notify (self, PROP_IS_OPEN);
  if (self->error != NULL)
    g_task_return_error (closing, g_error_copy (self->error));
  else
    g_task_return_boolean (closing, TRUE);
}

static const FerryQueueStoreFuncs store_funcs = {opened, written, closed};

/* Returns (transfer full) the tasks that the executor has, since handlers may change the list. */
static GPtrArray *
list_claimed (FerryQueue *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);

  for (GSequenceIter *iter = g_sequence_get_begin_iter (self->list); !g_sequence_iter_is_end (iter);
       iter = g_sequence_iter_next (iter))
    {
      Entry *entry = g_sequence_get (iter);

      if (entry->claimed && entry->task != NULL)
        g_ptr_array_add (tasks, g_object_ref (entry->task));
    }
  return tasks;
}

/* ---- submitting ---- */

static gboolean
check_open (FerryQueue *self, GError **error)
{
  if (self->phase == OPEN)
    return TRUE;
  if (self->phase > OPEN)
    return ferry_set_error (error, FERRY_ERROR_STOPPED, "The queue '%s' was closed; make another one", self->path);
  return ferry_set_error (error, FERRY_ERROR_NOT_STARTED,
                          "The queue '%s' is not open; call ferry_queue_open_async(), and wait for its callback",
                          self->path);
}

/* Whether a value has handles, which name descriptors of this process. */
static gboolean
has_handles (GVariant *value)
{
  return value != NULL && strchr (g_variant_get_type_string (value), G_VARIANT_CLASS_HANDLE) != NULL;
}

/* Whether the task is made of what can be stored. */
static gboolean
check_storable (FerryTask *task, GError **error)
{
  const FerryRun *run = ferry_task_get_run (task);
  const char *name = ferry_task_get_name (task);

  if (*run->function == '\0')
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Task '%s' stands for others, and cannot be stored; submit those", name);
  if (run->has_handles || has_handles (run->arguments))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Task '%s' was given descriptors, bytes or senders, which end with this process; give it "
                            "the name of a file, or the content as arguments",
                            name);
  if (run->settings->max_returned_descriptors > 0 && !g_str_equal (run->function, FERRY_COMMAND_FUNCTION))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Task '%s' may return descriptors, which end with this process; have its function return "
                            "values, or write a file",
                            name);
  return TRUE;
}

/* The key is of a task that was removed: task has ended as that one. */
static FerryTask *
end_as_known (FerryQueue *self, FerryTask *task, const FerryQueueRow *known)
{
  FerryQueueRow row = *known;

  row.error = NULL;
  ferry_queue_row_restore_end (&row, task, self->router->affinity);
  return g_object_ref (task);
}

static Entry *
add_entry (FerryQueue *self, FerryTask *task, const char *key)
{
  g_autofree char *made_up = key == NULL ? g_uuid_string_random () : NULL;
  FerryQueueRow row = {.id = self->last_id + 1,
                       .key = g_ref_string_new (key != NULL ? key : made_up),
                       .made_up = key == NULL,
                       .version = self->version,
                       .place = self->last_place + PLACE_GAP};
  Entry *entry;

  ferry_queue_row_take_task (&row, task);
  entry = entry_new (self, row);
  entry->position = g_sequence_append (self->list, entry);
  return entry;
}

/**
 * ferry_queue_submit:
 * @self: an open queue
 * @task: a task that was not submitted
 * @key: (nullable): a name that the task has in this queue for ever, such as the path of what it makes; %NULL: one is
 *   made up
 * @error: return location for an error
 *
 * Submits a task, unless the queue knows @key: then it returns the task that has it, also if that is done, and leaves
 * @task alone. So an application may submit all that is to be done at each start, and nothing is done twice.
 *
 * The task is stored with all that this turn of the main loop submits, in one commit: [method@Ferry.Queue.flush_async]
 * tells when. It is begun after that. Stored are the function, the arguments, the settings, the name and
 * [property@Ferry.Task:application-data]; neither the signals that are connected nor the class of a task that derives
 * from [class@Ferry.Task].
 *
 * A key is known until [method@Ferry.Queue.forget], also when its task has left the list. Then @task has ended as that
 * one did, without its result or error, and is returned.
 *
 * Fails with %FERRY_ERROR_NOT_STARTED before the queue is open, and with %FERRY_ERROR_STOPPED once it is closed. Fails
 * with %FERRY_ERROR_BAD_ARGUMENTS if the task is made of what cannot be stored: descriptors, bytes, senders, or others
 * for which it stands. Fails as [method@Ferry.Executor.submit_task] does, but never with %FERRY_ERROR_WOULD_BLOCK. On
 * the router's thread.
 *
 * Returns: (transfer full): the task with the key
 */
FerryTask *
ferry_queue_submit (FerryQueue *self, FerryTask *task, const char *key, GError **error)
{
  const FerryQueueRow *known;
  Entry *entry;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), NULL);
  g_return_val_if_fail (FERRY_IS_TASK (task), NULL);
  g_return_val_if_fail (key == NULL || (*key != '\0' && g_utf8_validate (key, -1, NULL)), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) || !check_open (self, error))
    return NULL;
  entry = key != NULL ? g_hash_table_lookup (self->keys, key) : NULL;
  if (entry != NULL)
    return dup_task (entry);
  known = key != NULL ? g_hash_table_lookup (self->known, key) : NULL;
  if (!check_storable (task, error) || !ferry_executor_check_task (self->executor, task, error))
    return NULL;
  if (known != NULL)
    return end_as_known (self, task, known);
  if (!ferry_task_submit_to (task, &self->source, self->router->affinity, error))
    return NULL;
  entry = add_entry (self, task, key);
  attach (entry, task, TRUE);
  put (entry, FERRY_QUEUE_CHANGE_INSERT);
  update_turn (entry);
  told_change (self, entry, 0, 1);
  return g_object_ref (task);
}

/**
 * ferry_queue_lookup:
 * @self: a queue
 * @key: a key
 *
 * Finds a task of the list by its key. On the router's thread.
 *
 * Returns: (transfer full) (nullable): the task; %NULL if no task in the list has the key
 */
FerryTask *
ferry_queue_lookup (FerryQueue *self, const char *key)
{
  Entry *entry;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), NULL);
  g_return_val_if_fail (key != NULL, NULL);
  ferry_return_val_if_elsewhere (self->router->affinity, NULL);

  entry = g_hash_table_lookup (self->keys, key);
  return entry != NULL ? dup_task (entry) : NULL;
}

/**
 * ferry_queue_get_key:
 * @self: a queue
 * @task: a task
 *
 * Gets the key of a task. On the router's thread.
 *
 * Returns: (transfer none) (nullable): the key; %NULL if the task is not in the list
 */
const char *
ferry_queue_get_key (FerryQueue *self, FerryTask *task)
{
  const Entry *entry;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), NULL);
  g_return_val_if_fail (FERRY_IS_TASK (task), NULL);
  ferry_return_val_if_elsewhere (self->router->affinity, NULL);

  entry = find_entry (self, task);
  return entry != NULL ? entry->row.key : NULL;
}

/**
 * ferry_queue_forget:
 * @self: an open queue
 * @key: a key
 * @error: return location for an error
 *
 * Forgets a key, and removes its task from the list. A task that waits is cancelled first. A later submission with the
 * key is a new task. To remove a task and keep its key, call [method@Ferry.Executor.remove]. On the router's thread.
 *
 * Fails with %FERRY_ERROR_BUSY while a worker runs the task, and with %FERRY_ERROR_BAD_ARGUMENTS if the queue does not
 * know the key. Fails with %FERRY_ERROR_NOT_STARTED and %FERRY_ERROR_STOPPED if the queue is not open.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_queue_forget (FerryQueue *self, const char *key, GError **error)
{
  g_autoptr (FerryTask) task = NULL;
  Entry *entry;
  FerryQueueRow *known;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (key != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) || !check_open (self, error))
    return FALSE;
  entry = g_hash_table_lookup (self->keys, key);
  known = g_hash_table_lookup (self->known, key);
  if (entry == NULL && known == NULL)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The queue '%s' has no task with the key '%s'",
                            self->path, key);
  if (known != NULL)
    {
      add_change (self, ferry_queue_change_of (FERRY_QUEUE_CHANGE_FORGET, known));
      g_hash_table_remove (self->known, key);
      return TRUE;
    }
  task = dup_task (entry);
  if (!end_waiting (task, error))
    return FALSE;
  entry = find_entry (self, task);
  if (entry != NULL)
    drop (entry, FALSE);
  return TRUE;
}

/* Returns (transfer none) (nullable) the entry of a task, or NULL with an error. */
static Entry *
require_entry (FerryQueue *self, FerryTask *task, GError **error)
{
  Entry *entry = find_entry (self, task);

  if (entry == NULL)
    ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "Task '%s' is not in the list of the queue '%s'",
                     ferry_task_get_name (task), self->path);
  return entry;
}

/* Gives each task a place anew, with gaps between them. */
static void
spread_places (FerryQueue *self)
{
  gint64 place = 0;

  for (GSequenceIter *iter = g_sequence_get_begin_iter (self->list); !g_sequence_iter_is_end (iter);
       iter = g_sequence_iter_next (iter))
    {
      Entry *entry = g_sequence_get (iter);

      place += PLACE_GAP;
      entry->row.place = place;
      put (entry, FERRY_QUEUE_CHANGE_UPDATE);
    }
  self->last_place = place;
}

/* Returns a place in front of iter, or 0 if there is none. */
static gint64
find_place (FerryQueue *self, GSequenceIter *iter)
{
  gint64 after = 0;
  gint64 before;

  if (g_sequence_iter_is_end (iter))
    return self->last_place + PLACE_GAP;
  if (!g_sequence_iter_is_begin (iter))
    after = ((Entry *) g_sequence_get (g_sequence_iter_prev (iter)))->row.place;
  before = ((Entry *) g_sequence_get (iter))->row.place;
  return before - after >= 2 ? after + (before - after) / 2 : 0;
}

/**
 * ferry_queue_move:
 * @self: an open queue
 * @task: a task of the queue
 * @before: (nullable): the task of the queue that @task is to be in front of; %NULL: it becomes the last one
 * @error: return location for an error
 *
 * Moves a task in the list. Tasks of the same priority are begun in the order of the list, which is that of their
 * submission otherwise. The order is stored. On the router's thread.
 *
 * Fails with %FERRY_ERROR_BAD_ARGUMENTS if one of the tasks is not in the list. Fails with %FERRY_ERROR_NOT_STARTED and
 * %FERRY_ERROR_STOPPED if the queue is not open.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_queue_move (FerryQueue *self, FerryTask *task, FerryTask *before, GError **error)
{
  Entry *entry, *next;
  GSequenceIter *place;
  guint from;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (before == NULL || FERRY_IS_TASK (before), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) || !check_open (self, error))
    return FALSE;
  entry = require_entry (self, task, error);
  next = entry != NULL && before != NULL ? require_entry (self, before, error) : NULL;
  if (entry == NULL || (before != NULL && next == NULL))
    return FALSE;
  if (entry == next)
    return TRUE;
  place = next != NULL ? next->position : g_sequence_get_end_iter (self->list);
  if (find_place (self, place) == 0)
    spread_places (self);
  entry->row.place = find_place (self, place);
  self->last_place = MAX (self->last_place, entry->row.place);
  put (entry, FERRY_QUEUE_CHANGE_UPDATE);
  from = (guint) g_sequence_iter_get_position (entry->position);
  g_sequence_move (entry->position, place);
  update_turn (entry);
  g_list_model_items_changed (G_LIST_MODEL (self), from, 1, 0);
  told_change (self, entry, 0, 1);
  return TRUE;
}

/**
 * ferry_queue_set_not_before:
 * @self: an open queue
 * @task: a task of the queue that waits
 * @not_before: when it may be begun, in microseconds since 1970; 0: now, as a person may wish all the same
 * @error: return location for an error
 *
 * Changes [property@Ferry.Task:not-before] of a task that was submitted. On the router's thread.
 *
 * Fails with %FERRY_ERROR_BUSY if the task was begun, and with %FERRY_ERROR_BAD_ARGUMENTS if it is not in the list.
 * Fails with %FERRY_ERROR_NOT_STARTED and %FERRY_ERROR_STOPPED if the queue is not open.
 *
 * Returns: %TRUE on success
 */
gboolean
ferry_queue_set_not_before (FerryQueue *self, FerryTask *task, gint64 not_before, GError **error)
{
  Entry *entry;

  g_return_val_if_fail (FERRY_IS_QUEUE (self), FALSE);
  g_return_val_if_fail (FERRY_IS_TASK (task), FALSE);
  g_return_val_if_fail (not_before >= 0, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!ferry_affinity_check_error (self->router->affinity, G_STRFUNC, error) || !check_open (self, error))
    return FALSE;
  entry = require_entry (self, task, error);
  if (entry == NULL)
    return FALSE;
  if (entry->claimed || ferry_queue_row_has_ended (&entry->row))
    return ferry_set_error (error, FERRY_ERROR_BUSY, "Task '%s' was begun already; tasks wait before they are begun",
                            ferry_task_get_name (task));
  entry->row.not_before = not_before;
  put (entry, FERRY_QUEUE_CHANGE_UPDATE);
  update_turn (entry);
  ferry_task_change_not_before (task, not_before);
  return TRUE;
}

/**
 * ferry_queue_flush_async:
 * @self: an open queue
 * @cancellable: (nullable): cancels the waiting
 * @callback: (scope async): called when all that was changed so far is on the disk, or cannot be written
 * @user_data: data for @callback
 *
 * Waits until what was submitted, cancelled or moved before is on the disk. On the router's thread.
 */
void
ferry_queue_flush_async (FerryQueue *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) flush = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (FERRY_IS_QUEUE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->affinity);

  flush = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (flush, ferry_queue_flush_async);
  if (!check_open (self, &error))
    g_task_return_error (flush, g_steal_pointer (&error));
  else
    g_ptr_array_add (self->next.flushes, g_steal_pointer (&flush));
  send_soon (self);
}

/**
 * ferry_queue_flush_finish:
 * @self: a queue
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Queue.flush_async]. Any thread.
 *
 * Fails with what [property@Ferry.Queue:error] is then; what could not be written is tried again all the same. Fails
 * with %FERRY_ERROR_NOT_STARTED and %FERRY_ERROR_STOPPED if the queue is not open, and with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when all is on the disk
 */
gboolean
ferry_queue_flush_finish (FerryQueue *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- the file ---- */

/**
 * ferry_queue_open_async:
 * @self: a queue
 * @cancellable: (nullable): cancels the waiting
 * @callback: (scope async): called when the tasks of the file are in the list
 * @user_data: data for @callback
 *
 * Opens the file, or makes it. Then the list has its tasks, and those that wait are begun, unless the queue is paused.
 * On the router's thread.
 *
 * What an application wants to know of tasks of earlier runs it connects in @callback, before any of them is begun: the
 * queue is a list of them. A damaged file is no reason to fail: see [property@Ferry.Queue:damage].
 */
void
ferry_queue_open_async (FerryQueue *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) opening = NULL;
  GError *error = NULL;

  g_return_if_fail (FERRY_IS_QUEUE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->affinity);

  opening = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (opening, ferry_queue_open_async);
  if (self->phase != NEW)
    ferry_set_error (&error, FERRY_ERROR_ALREADY_STARTED, "The queue '%s' was opened before; open each queue once",
                     self->path);
  else
    self->store = ferry_queue_store_open (self->path, self->router->context, &store_funcs, G_OBJECT (self), &error);
  if (error != NULL)
    {
      g_task_return_error (opening, error);
      return;
    }
  self->phase = OPENING;
  self->opening = g_steal_pointer (&opening);
}

/**
 * ferry_queue_open_finish:
 * @self: a queue
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Queue.open_async]. Any thread.
 *
 * Fails with %FERRY_ERROR_BUSY if another process has the file, which the message names, or another queue of this
 * process. Fails with %FERRY_ERROR_VERSION if the file is of a newer version of Ferry, with %FERRY_ERROR_BAD_ARGUMENTS
 * if it is something else, with %FERRY_ERROR_SYSTEM, %G_IO_ERROR_NO_SPACE, %G_IO_ERROR_READ_ONLY and
 * %G_IO_ERROR_FAILED if it cannot be opened or written, and with %FERRY_ERROR_ALREADY_STARTED if it was opened before.
 * After another error it may be opened once more.
 *
 * Returns: %TRUE when the queue is open
 */
gboolean
ferry_queue_open_finish (FerryQueue *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * ferry_queue_close_async:
 * @self: an open queue
 * @cancellable: (nullable): cancels the waiting
 * @callback: (scope async): called when the file is closed
 * @user_data: data for @callback
 *
 * Closes the queue before the application ends: begins no more tasks, ends those that are under way, and closes the
 * file. That is no cancel: at the next start they go on as [class@Ferry.Queue] says, and the end does not count for
 * [property@Ferry.Queue:death-limit]. A task that is under way has its [property@Ferry.Task:cancel-grace] to return.
 *
 * An application need not close its queue. Without it, the next start looks whether the file is damaged. On the
 * router's thread.
 */
void
ferry_queue_close_async (FerryQueue *self, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) closing = NULL;
  g_autoptr (GPtrArray) tasks = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (FERRY_IS_QUEUE (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));
  ferry_return_if_elsewhere (self->router->affinity);

  closing = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (closing, ferry_queue_close_async);
  if (!check_open (self, &error))
    {
      g_task_return_error (closing, g_steal_pointer (&error));
      return;
    }
  self->phase = CLOSING;
  self->closing = g_steal_pointer (&closing);
  tasks = list_claimed (self);
  for (guint i = 0; i < tasks->len; i++)
    {
      FerryTask *task = tasks->pdata[i];
      const Entry *entry = find_entry (self, task);

      /* One that the executor does not have yet is taken back when it would get it. */
      if (entry != NULL && ferry_task_get_run (task)->source != &self->source)
        ferry_task_cancel (task);
    }
  send_soon (self);
}

/**
 * ferry_queue_close_finish:
 * @self: a queue
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.Queue.close_async]. Any thread.
 *
 * Fails with [property@Ferry.Queue:error] if something could not be written: the file is closed, and what was under way
 * counts as interrupted by a crash. Fails with %FERRY_ERROR_NOT_STARTED and %FERRY_ERROR_STOPPED if the queue was not
 * open, and with %G_IO_ERROR_CANCELLED.
 *
 * Returns: %TRUE when all is on the disk
 */
gboolean
ferry_queue_close_finish (FerryQueue *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- properties ---- */

static gboolean
get_is_open (FerryQueue *self)
{
  return self->phase == OPEN || self->phase == CLOSING;
}

static const gsize fields[N_PROPERTIES] = {
  [PROP_EXECUTOR] = G_STRUCT_OFFSET (FerryQueue, executor),
  [PROP_PATH] = G_STRUCT_OFFSET (FerryQueue, path),
  [PROP_START] = G_STRUCT_OFFSET (FerryQueue, start),
  [PROP_DEATH_LIMIT] = G_STRUCT_OFFSET (FerryQueue, death_limit),
  [PROP_VERSION] = G_STRUCT_OFFSET (FerryQueue, version),
  [PROP_KEEP_COUNT] = G_STRUCT_OFFSET (FerryQueue, keep_count),
  [PROP_KEEP_TIME] = G_STRUCT_OFFSET (FerryQueue, keep_time),
  [PROP_PAUSED] = G_STRUCT_OFFSET (FerryQueue, paused),
  [PROP_REASON] = G_STRUCT_OFFSET (FerryQueue, reason),
  [PROP_ERROR] = G_STRUCT_OFFSET (FerryQueue, error),
  [PROP_DAMAGE] = G_STRUCT_OFFSET (FerryQueue, damage),
  [PROP_N_WAITING] = G_STRUCT_OFFSET (FerryQueue, figures.now.n_waiting),
  [PROP_N_EXECUTING] = G_STRUCT_OFFSET (FerryQueue, figures.now.n_executing),
  [PROP_N_INTERRUPTED] = G_STRUCT_OFFSET (FerryQueue, figures.now.n_interrupted),
  [PROP_N_COMPLETED] = G_STRUCT_OFFSET (FerryQueue, figures.now.n_completed),
  [PROP_N_FAILED] = G_STRUCT_OFFSET (FerryQueue, figures.now.n_failed),
  [PROP_N_CANCELLED] = G_STRUCT_OFFSET (FerryQueue, figures.now.n_cancelled),
};

static void
ferry_queue_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryQueue *self = FERRY_QUEUE (object);

  if (property_id > PROP_PATH && !ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  if (property_id == PROP_IS_OPEN)
    g_value_set_boolean (value, get_is_open (self));
  else if (property_id == PROP_FRACTION)
    g_value_set_double (value, get_numbers (self).fraction);
  else
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
}

/* (transfer full): where an application keeps its state, and the desktop looks for it. */
static char *
make_path (void)
{
  GApplication *application = g_application_get_default ();
  const char *id = application != NULL ? g_application_get_application_id (application) : NULL;
  const char *folder = id != NULL ? id : g_get_prgname () != NULL ? g_get_prgname () : "ferry";

  return g_build_filename (g_get_user_state_dir (), folder, "queue.db", NULL);
}

static void
ferry_queue_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerryQueue *self = FERRY_QUEUE (object);

  if (property_id > PROP_PATH && !ferry_affinity_check_property (self->router->affinity, pspec))
    return;
  if (property_id == PROP_EXECUTOR)
    {
      self->executor = ferry_property_require (object, value, pspec);
      self->router = ferry_executor_get_router (self->executor);
      self->keeper.executor = self->executor;
      ferry_run_keeper_init (&self->keeper);
      self->source.limits = self->router->limits;
      g_signal_connect_object (self->executor, "notify::paused", G_CALLBACK (send_soon), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (self->executor, "notify::state", G_CALLBACK (send_soon), self, G_CONNECT_SWAPPED);
      g_signal_connect_object (self->executor, "notify::fraction", G_CALLBACK (tell_figures), self, G_CONNECT_SWAPPED);
    }
  else if (property_id == PROP_PATH)
    self->path = g_value_get_string (value) != NULL ? g_value_dup_string (value) : make_path ();
  else if (property_id == PROP_PAUSED)
    {
      if (self->phase == NEW || self->phase == OPENING)
        ferry_property_change (self, &self->paused, value, pspec);
      else
        change_paused (self, g_value_get_boolean (value));
    }
  else if (ferry_property_change (self, G_STRUCT_MEMBER_P (self, fields[property_id]), value, pspec))
    {
      if (property_id == PROP_REASON)
        tell_reasons (self);
      else if (self->phase == OPEN && (property_id == PROP_KEEP_COUNT || property_id == PROP_KEEP_TIME))
        prune (self);
    }
}

static void
install_settings (void)
{
  /**
   * FerryQueue:executor:
   *
   * What runs the tasks.
   */
  properties[PROP_EXECUTOR] = g_param_spec_object ("executor", NULL, NULL, FERRY_TYPE_EXECUTOR, FERRY_AT_CONSTRUCTION);
  /**
   * FerryQueue:path: (type filename)
   *
   * The queue's file. The default is `queue.db` below the user's folder for states (`~/.local/state`) and the id of the
   * default application, or the name of the program. Only the user may read it.
   */
  properties[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, FERRY_AT_CONSTRUCTION);
  /**
   * FerryQueue:start:
   *
   * What the queue does with the tasks that it finds when it is opened.
   */
  properties[PROP_START] =
    g_param_spec_enum ("start", NULL, NULL, FERRY_TYPE_QUEUE_START, FERRY_QUEUE_START_CONTINUE, FERRY_SETTABLE);
  /**
   * FerryQueue:death-limit:
   *
   * At how many ends of the application a task may be under way until it is not begun again by itself; 0 for no limit.
   * A task that ends the application is not started again at each start: it fails with %FERRY_ERROR_QUARANTINED, and
   * waits for a person ([method@Ferry.Executor.retry]). Ends of which the queue knew beforehand do not count.
   */
  properties[PROP_DEATH_LIMIT] =
    g_param_spec_uint ("death-limit", NULL, NULL, 0, G_MAXUINT, DEFAULT_DEATH_LIMIT, FERRY_SETTABLE);
  /**
   * FerryQueue:version:
   *
   * A number of the application's own, which goes up when its functions take other arguments. It is stored with each
   * task, and [signal@Ferry.Queue::convert] is emitted for those of a lower number. Set it before the queue is opened.
   */
  properties[PROP_VERSION] = g_param_spec_uint ("version", NULL, NULL, 0, G_MAXINT, 0, FERRY_SETTABLE);
  /**
   * FerryQueue:keep-count:
   *
   * How many tasks that have ended stay in the list and in the file: the latest. As many that have failed stay beside
   * those that were completed or cancelled. Their keys stay known.
   */
  properties[PROP_KEEP_COUNT] =
    g_param_spec_uint ("keep-count", NULL, NULL, 0, G_MAXUINT, DEFAULT_KEEP_COUNT, FERRY_SETTABLE);
  /**
   * FerryQueue:keep-time:
   *
   * How long tasks that have ended stay, in microseconds; 0 for no limit. The default is 30 days.
   */
  properties[PROP_KEEP_TIME] =
    g_param_spec_int64 ("keep-time", NULL, NULL, 0, G_MAXINT64 / 2, DEFAULT_KEEP_TIME, FERRY_SETTABLE);
}

static void
install_states (void)
{
  /**
   * FerryQueue:paused:
   *
   * Whether no task is begun. What runs goes on. It is stored: [property@Ferry.Queue:start] says what that is for.
   */
  properties[PROP_PAUSED] = g_param_spec_boolean ("paused", NULL, NULL, FALSE, FERRY_SETTABLE);
  /**
   * FerryQueue:reason:
   *
   * Why the queue is paused, in words for the user, such as “Waits for mains power”; %NULL for none but that. It is the
   * text of tasks that wait while the queue is paused ([property@Ferry.Task:text]).
   */
  properties[PROP_REASON] = g_param_spec_string ("reason", NULL, NULL, NULL, FERRY_SETTABLE);
  /**
   * FerryQueue:is-open:
   *
   * Whether the file is open, and tasks may be submitted.
   */
  properties[PROP_IS_OPEN] = g_param_spec_boolean ("is-open", NULL, NULL, FALSE, FERRY_NOTIFIED);
  /**
   * FerryQueue:error:
   *
   * Why the file cannot be written now, such as %G_IO_ERROR_NO_SPACE; else %NULL. Meanwhile no task is begun, and none
   * that has ended is told so; those that run go on. It is tried again each second.
   */
  properties[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, FERRY_NOTIFIED);
  /**
   * FerryQueue:damage:
   *
   * What was found to be damaged when the file was opened; else %NULL. The message says where the damaged file is, and
   * how many tasks could be kept.
   */
  properties[PROP_DAMAGE] = g_param_spec_boxed ("damage", NULL, NULL, G_TYPE_ERROR, FERRY_NOTIFIED);
}

/* As those of an executor: what shows an executor shows a queue. */
static void
install_figures (void)
{
  /**
   * FerryQueue:n-waiting:
   *
   * How many tasks wait. All figures that have changed are notified of at a time, [property@Ferry.Queue:fraction] with
   * each of them.
   */
  properties[PROP_N_WAITING] = g_param_spec_uint ("n-waiting", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-executing:
   *
   * How many tasks are under way: those that the file has as begun.
   */
  properties[PROP_N_EXECUTING] = g_param_spec_uint ("n-executing", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-interrupted:
   *
   * How many tasks of the list have failed with %FERRY_ERROR_INTERRUPTED, and wait for somebody to try them again.
   */
  properties[PROP_N_INTERRUPTED] = g_param_spec_uint ("n-interrupted", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-completed:
   *
   * How many tasks have been completed since the queue was opened.
   */
  properties[PROP_N_COMPLETED] = g_param_spec_uint64 ("n-completed", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-failed:
   *
   * How many tasks have failed since the queue was opened, and those that had failed before and were in the file.
   */
  properties[PROP_N_FAILED] = g_param_spec_uint64 ("n-failed", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:n-cancelled:
   *
   * How many tasks have been cancelled since the queue was opened.
   */
  properties[PROP_N_CANCELLED] = g_param_spec_uint64 ("n-cancelled", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_NOTIFIED);
  /**
   * FerryQueue:fraction:
   *
   * How much is done, from 0 to 1, of the tasks that were in the queue since it had none that waited or ran.
   */
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, FERRY_NOTIFIED);
}

static GVariant *
keep_arguments (FerryQueue *self, const char *function, GVariant *arguments, guint version)
{
  return arguments != NULL ? g_variant_ref (arguments) : NULL;
}

static void
install_signals (FerryQueueClass *klass)
{
  /**
   * FerryQueue::convert:
   * @self: the queue
   * @function: the name of the function
   * @arguments: (nullable): its arguments, as an earlier version of the application stored them
   * @version: [property@Ferry.Queue:version] of that version
   *
   * Emitted while the queue is opened, for each task that waits and was stored with a lower number.
   *
   * Returns: (transfer full) (nullable): the arguments of this version, which may be the same; %NULL if the task cannot
   *   be run any more: then it fails with %FERRY_ERROR_VERSION, and stays in the list
   */
  signals[SIGNAL_CONVERT] =
    g_signal_new_class_handler ("convert", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, G_CALLBACK (keep_arguments),
                                g_signal_accumulator_first_wins, NULL, NULL, G_TYPE_VARIANT, 3,
                                G_TYPE_STRING | G_SIGNAL_TYPE_STATIC_SCOPE, G_TYPE_VARIANT, G_TYPE_UINT);
}

/* ---- life cycle ---- */

/* What has not been written yet is, after the queue's end. */
static void
ferry_queue_dispose (GObject *object)
{
  FerryQueue *self = FERRY_QUEUE (object);

  ferry_timers_unset (self->router->timers, &self->send_timer);
  ferry_timers_unset (self->router->timers, &self->retry_timer);
  ferry_timers_unset (self->router->timers, &self->prune_timer);
  ferry_timers_unset (self->router->timers, &self->look_timer);
  if (self->store != NULL)
    {
      gboolean is_orderly = self->phase == OPEN && self->n_claimed == 0;

      if (self->phase >= OPEN)
        ferry_queue_store_write (self->store, self->next.changes, FALSE);
      ferry_queue_store_close (g_steal_pointer (&self->store), is_orderly, FALSE);
    }
  self->phase = CLOSED;
  self->figures = (FerryQueueFigures){0};
  g_hash_table_remove_all (self->keys);
  g_sequence_remove_range (g_sequence_get_begin_iter (self->turns), g_sequence_get_end_iter (self->turns));
  g_sequence_remove_range (g_sequence_get_begin_iter (self->timed), g_sequence_get_end_iter (self->timed));
  g_sequence_remove_range (g_sequence_get_begin_iter (self->list), g_sequence_get_end_iter (self->list));
  tell_ends (self->next.ends);

  G_OBJECT_CLASS (ferry_queue_parent_class)->dispose (object);
}

static void
ferry_queue_finalize (GObject *object)
{
  FerryQueue *self = FERRY_QUEUE (object);

  batch_clear (&self->next);
  g_sequence_free (self->turns);
  g_sequence_free (self->timed);
  g_sequence_free (self->list);
  g_hash_table_unref (self->keys);
  g_hash_table_unref (self->known);
  g_clear_error (&self->error);
  g_clear_error (&self->damage);
  g_free (self->path);
  g_free (self->reason);
  g_object_unref (self->executor);

  G_OBJECT_CLASS (ferry_queue_parent_class)->finalize (object);
}

static void
ferry_queue_class_init (FerryQueueClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = ferry_queue_get_property;
  object_class->set_property = ferry_queue_set_property;
  object_class->dispose = ferry_queue_dispose;
  object_class->finalize = ferry_queue_finalize;
  install_settings ();
  install_states ();
  install_figures ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  install_signals (klass);
}

static void
ferry_queue_init (FerryQueue *self)
{
  self->source = (FerryTaskSource){.cancelled = ignore, .pause_changed = source_pause_changed, .wait = source_wait};
  self->keeper.funcs = &keeper_funcs;
  self->keeper.list = G_LIST_MODEL (self);
  self->death_limit = DEFAULT_DEATH_LIMIT;
  self->keep_count = DEFAULT_KEEP_COUNT;
  self->keep_time = DEFAULT_KEEP_TIME;
  self->list = g_sequence_new (entry_free);
  self->turns = g_sequence_new (NULL);
  self->timed = g_sequence_new (NULL);
  self->keys = g_hash_table_new (g_str_hash, g_str_equal);
  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) ferry_queue_row_free);
  batch_init (&self->next);
}

/**
 * ferry_queue_new:
 * @executor: what runs the tasks
 * @path: (type filename) (nullable): the queue's file; %NULL: [property@Ferry.Queue:path] says which
 *
 * Makes a queue of tasks in a file. It is opened by [method@Ferry.Queue.open_async]. On the router's thread.
 *
 * Returns: (transfer full): the queue
 */
FerryQueue *
ferry_queue_new (FerryExecutor *executor, const char *path)
{
  g_return_val_if_fail (FERRY_IS_EXECUTOR (executor), NULL);
  ferry_return_val_if_elsewhere (ferry_executor_get_router (executor)->affinity, NULL);

  return g_object_new (FERRY_TYPE_QUEUE, "executor", executor, "path", path, NULL);
}
