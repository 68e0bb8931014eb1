/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A group of tasks that are cancelled together and waited for together, and the task that stands for all of them.
 *
 * Owner:   counted references; the object that a group is bound to holds one until the object is disposed, and a task
 *          that stands for the group until that task is done.
 * Threads: the router's. The owner may be disposed on any thread. */

#include "config.h"

#include "task/ferry-task-group.h"

#include "base/ferry-property-private.h"

#include <stdatomic.h>

#include "base/ferry-wait-queue-private.h"
#include "engine/ferry-affinity-private.h"
#include "task/ferry-whole-task-private.h"

/**
 * FerryTaskGroup:
 *
 * Tasks that belong together, such as those of a window, a search or a document.
 *
 * The tasks of a group can be cancelled together and waited for together. A group can be bound to an object: when the
 * object is disposed, the tasks are cancelled. A task is in the group until the task is done. A task may be in several
 * groups, and the tasks of a group may be submitted to several executors.
 *
 * A group belongs to the first thread that adds a task to it, binds it or waits for it. This must be the router's
 * thread, with the router's main context as the thread-default context.
 */
struct _FerryTaskGroup
{
  GObject parent_instance;

  GHashTable *open;     /* (element-type FerryTask): the tasks that are not done */
  FerryWaitQueue waits; /* callers of ferry_task_group_wait_async() that wait until no task is open */

  GWeakRef owner;          /* the object that the group is bound to; may be empty */
  gpointer owner_address;  /* (nullable): only compared, never used as a pointer; NULL before the first binding */
  FerryAffinity *affinity; /* any: (owned) (nullable): of the first thread that used the group; set once */
  _Atomic gint asked;      /* any: another thread has posted cancel_asked(), which has not run yet */
  _Atomic gint abandoned;  /* any: the owner was disposed */

  GSList *sums; /* (element-type FerryGroupTask) (unowned): the tasks that stand for the group, and are not done */
};

enum
{
  PROP_N_OPEN = 1,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

#define FERRY_TYPE_GROUP_TASK (ferry_group_task_get_type ())
G_DECLARE_FINAL_TYPE (FerryGroupTask, ferry_group_task, FERRY, GROUP_TASK, FerryWholeTask)

/* What the task that stands for a group knows of one of the tasks. */
typedef struct
{
  double fraction;
  guint number; /* the place in the order of addition */
} Part;

struct _FerryGroupTask
{
  FerryWholeTask parent_instance;

  GHashTable *open; /* (element-type FerryTask Part) (owned): those that are not done */
  double sum;       /* of their fractions */
  guint n_all;      /* how many tasks the group has had */
  guint n_completed;
  FerryFailures failures;
};

static void group_task_take (FerryGroupTask *self, FerryTask *task);

G_DEFINE_FINAL_TYPE (FerryTaskGroup, ferry_task_group, G_TYPE_OBJECT)

/* any: returns (transfer none) (nullable) the affinity of the group's thread. */
static FerryAffinity *
get_affinity (FerryTaskGroup *self)
{
  return g_atomic_pointer_get (&self->affinity);
}

/* any: whether this is the group's thread. The first caller's thread becomes it. On another one, logs a critical. */
static gboolean
check_thread (FerryTaskGroup *self, const char *function)
{
  if (get_affinity (self) == NULL)
    {
      g_autoptr (FerryAffinity) affinity = ferry_affinity_new_here ();

      if (g_atomic_pointer_compare_and_exchange (&self->affinity, NULL, affinity))
        g_steal_pointer (&affinity);
    }
  return ferry_affinity_check (get_affinity (self), function);
}

static gboolean
is_abandoned (FerryTaskGroup *self)
{
  /* Acquire: pairs with owner_disposed(). */
  return atomic_load_explicit (&self->abandoned, memory_order_acquire) != 0;
}

/* Returns (transfer full) a copy of the list of open tasks, because handlers may change the list. */
static GPtrArray *
dup_open (FerryTaskGroup *self)
{
  GPtrArray *tasks = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, self->open);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    g_ptr_array_add (tasks, g_object_ref (task));
  return tasks;
}

/* Cancels all tasks of a disposed owner, and first disconnects their signal handlers that have the owner as data. */
static void
cancel_abandoned (gpointer data)
{
  FerryTaskGroup *self = data;
  g_autoptr (GPtrArray) tasks = dup_open (self);

  for (guint i = 0; i < tasks->len; i++)
    g_signal_handlers_disconnect_by_data (g_ptr_array_index (tasks, i), self->owner_address);
  ferry_task_group_cancel (self);
}

/* any: runs while the owner is being disposed. */
static void
owner_disposed (gpointer data, GObject *owner)
{
  g_autoptr (FerryTaskGroup) self = data;

  /* Release: pairs with is_abandoned(). */
  atomic_store_explicit (&self->abandoned, 1, memory_order_release);
  if (ferry_affinity_is_own (get_affinity (self)))
    cancel_abandoned (self);
  else
    ferry_affinity_invoke (get_affinity (self), cancel_abandoned, g_object_ref (self), g_object_unref);
}

/* main: ends the binding to the owner, if there is one. If the owner is being disposed, the weak reference is empty or
 * abandoned is set; then owner_disposed() releases the owner's reference to the group. */
static void
unbind (FerryTaskGroup *self)
{
  g_autoptr (GObject) owner = NULL;

  if (self->owner_address == NULL)
    return;
  owner = g_weak_ref_get (&self->owner);
  g_weak_ref_set (&self->owner, NULL);
  if (owner == NULL || is_abandoned (self))
    return;
  g_object_weak_unref (owner, owner_disposed, self);
  g_object_unref (self);
}

static gboolean
is_empty (gpointer data)
{
  return g_hash_table_size (FERRY_TASK_GROUP (data)->open) == 0;
}

static void
task_done (FerryTask *task, FerryTaskGroup *self)
{
  g_autoptr (FerryTaskGroup) kept G_GNUC_UNUSED = g_object_ref (self);

  g_signal_handlers_disconnect_by_func (task, task_done, self);
  g_hash_table_remove (self->open, task);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_OPEN]);
  if (is_empty (self))
    ferry_wait_queue_finish_all (&self->waits);
}

static void
ferry_task_group_dispose (GObject *object)
{
  FerryTaskGroup *self = FERRY_TASK_GROUP (object);
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, self->open);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    {
      g_signal_handlers_disconnect_by_func (task, task_done, self);
      g_hash_table_iter_remove (&iter);
    }

  G_OBJECT_CLASS (ferry_task_group_parent_class)->dispose (object);
}

static void
ferry_task_group_finalize (GObject *object)
{
  FerryTaskGroup *self = FERRY_TASK_GROUP (object);

  ferry_wait_queue_clear (&self->waits);
  g_hash_table_unref (self->open);
  g_weak_ref_clear (&self->owner);
  g_clear_pointer (&self->affinity, ferry_affinity_unref);

  G_OBJECT_CLASS (ferry_task_group_parent_class)->finalize (object);
}

static void
ferry_task_group_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerryTaskGroup *self = FERRY_TASK_GROUP (object);

  if (get_affinity (self) == NULL || ferry_affinity_check_property (get_affinity (self), pspec))
    g_value_set_uint (value, g_hash_table_size (self->open));
}

static void
ferry_task_group_class_init (FerryTaskGroupClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = ferry_task_group_dispose;
  object_class->finalize = ferry_task_group_finalize;
  object_class->get_property = ferry_task_group_get_property;
  /**
   * FerryTaskGroup:n-open:
   *
   * How many tasks of the group are not done.
   */
  properties[PROP_N_OPEN] = g_param_spec_uint ("n-open", NULL, NULL, 0, G_MAXUINT, 0, FERRY_NOTIFIED);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_task_group_init (FerryTaskGroup *self)
{
  self->open = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  g_weak_ref_init (&self->owner, NULL);
  ferry_wait_queue_init (&self->waits);
}

/**
 * ferry_task_group_new:
 *
 * Makes an empty group. Any thread.
 *
 * Returns: (transfer full): a new group
 */
FerryTaskGroup *
ferry_task_group_new (void)
{
  return g_object_new (FERRY_TYPE_TASK_GROUP, NULL);
}

/**
 * ferry_task_group_bind:
 * @self: a group
 * @owner: an object, such as the widget that shows the tasks
 *
 * Binds the group to an object. An earlier binding ends. When the object is disposed, handlers of the tasks' signals
 * that have the object as their data are disconnected. Then all tasks of the group are cancelled, and so is every task
 * that is added later. The owner holds a reference to the group. On the router's thread.
 *
 * If the owner is disposed on another thread, the router's thread cancels the tasks a moment later. A signal that is
 * emitted at that moment may still reach the owner.
 */
void
ferry_task_group_bind (FerryTaskGroup *self, GObject *owner)
{
  g_return_if_fail (FERRY_IS_TASK_GROUP (self));
  g_return_if_fail (G_IS_OBJECT (owner));

  if (!check_thread (self, G_STRFUNC) || is_abandoned (self))
    return;
  unbind (self);
  self->owner_address = owner;
  g_weak_ref_set (&self->owner, owner);
  g_object_weak_ref (owner, owner_disposed, g_object_ref (self));
}

static void
take_cb (gpointer sum, gpointer task)
{
  group_task_take (sum, task);
}

/**
 * ferry_task_group_add:
 * @self: a group
 * @task: a task, submitted or not
 *
 * Adds a task to the group, until the task is done. A task that is done, or is in the group already, is not added. If
 * the group's owner was disposed before, the task is cancelled. On the router's thread.
 */
void
ferry_task_group_add (FerryTaskGroup *self, FerryTask *task)
{
  g_return_if_fail (FERRY_IS_TASK_GROUP (self));
  g_return_if_fail (FERRY_IS_TASK (task));

  if (!check_thread (self, G_STRFUNC))
    return;
  if (ferry_task_get_done (task) || g_hash_table_contains (self->open, task))
    return;
  g_signal_connect (task, "done", G_CALLBACK (task_done), self);
  g_hash_table_add (self->open, g_object_ref (task));
  g_slist_foreach (self->sums, take_cb, task);
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_N_OPEN]);
  if (is_abandoned (self))
    ferry_task_cancel (task);
}

static void
cancel_asked (gpointer data)
{
  /* Cleared before the cancel, so that a thread that asks meanwhile posts another cancel. Acquire-release: see
   * ferry_task_group_cancel(). */
  atomic_exchange_explicit (&((FerryTaskGroup *) data)->asked, 0, memory_order_acq_rel);
  ferry_task_group_cancel (data);
}

/**
 * ferry_task_group_cancel:
 * @self: a group
 *
 * Cancels all tasks of the group that are not cancelled or done, as [method@Ferry.Task.cancel] does. The group can be
 * used again afterwards. Any thread may call this. On another thread, it asks the router's thread to cancel the tasks
 * that the group has when that thread handles the request.
 *
 * Returns: the number of tasks that were cancelled; 0 on another thread
 */
guint
ferry_task_group_cancel (FerryTaskGroup *self)
{
  g_autoptr (FerryTaskGroup) kept G_GNUC_UNUSED = NULL;
  g_autoptr (GPtrArray) tasks = NULL;
  guint n_cancelled = 0;

  g_return_val_if_fail (FERRY_IS_TASK_GROUP (self), 0);

  if (!ferry_affinity_is_own (get_affinity (self)))
    {
      /* Acquire-release: if another cancel is posted already, its cancel_asked() sees what this thread wrote before. */
      if (!atomic_exchange_explicit (&self->asked, 1, memory_order_acq_rel))
        ferry_affinity_invoke (get_affinity (self), cancel_asked, g_object_ref (self), g_object_unref);
      return 0;
    }
  kept = g_object_ref (self);
  tasks = dup_open (self);
  for (guint i = 0; i < tasks->len; i++)
    n_cancelled += ferry_task_cancel (g_ptr_array_index (tasks, i));
  return n_cancelled;
}

/* Pauses or resumes the tasks of the group. Returns how many were. */
static guint
set_paused (FerryTaskGroup *self, gboolean paused)
{
  g_autoptr (FerryTaskGroup) kept G_GNUC_UNUSED = g_object_ref (self);
  g_autoptr (GPtrArray) tasks = dup_open (self);
  guint n = 0;

  for (guint i = 0; i < tasks->len; i++)
    n += paused ? ferry_task_pause (g_ptr_array_index (tasks, i)) : ferry_task_resume (g_ptr_array_index (tasks, i));
  return n;
}

/**
 * ferry_task_group_pause:
 * @self: a group
 *
 * Pauses all tasks of the group, as [method@Ferry.Task.pause] does. Tasks that are added later are not paused. On the
 * router's thread.
 *
 * Returns: the number of tasks that were paused
 */
guint
ferry_task_group_pause (FerryTaskGroup *self)
{
  g_return_val_if_fail (FERRY_IS_TASK_GROUP (self), 0);

  return check_thread (self, G_STRFUNC) ? set_paused (self, TRUE) : 0;
}

/**
 * ferry_task_group_resume:
 * @self: a group
 *
 * Lets all tasks of the group go on that are paused. On the router's thread.
 *
 * Returns: the number of tasks that go on
 */
guint
ferry_task_group_resume (FerryTaskGroup *self)
{
  g_return_val_if_fail (FERRY_IS_TASK_GROUP (self), 0);

  return check_thread (self, G_STRFUNC) ? set_paused (self, FALSE) : 0;
}

/**
 * ferry_task_group_wait_async:
 * @self: a group
 * @cancellable: (nullable): cancels the waiting; the tasks continue
 * @callback: (scope async) (closure user_data): called when all tasks of the group are done
 * @user_data: data for @callback
 *
 * Waits until all tasks of the group are done. On the router's thread.
 */
void
ferry_task_group_wait_async (FerryTaskGroup *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_return_if_fail (FERRY_IS_TASK_GROUP (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  if (check_thread (self, G_STRFUNC))
    ferry_wait_queue_wait_async (&self->waits, is_empty, self, self, cancellable, callback, user_data);
}

/**
 * ferry_task_group_wait_finish:
 * @self: a group
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Finishes [method@Ferry.TaskGroup.wait_async]. The tasks may have completed, failed or been cancelled. Any thread.
 *
 * Fails with %G_IO_ERROR_CANCELLED if the waiting was cancelled.
 *
 * Returns: %TRUE if all tasks were done
 */
gboolean
ferry_task_group_wait_finish (FerryTaskGroup *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (FERRY_IS_TASK_GROUP (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- A task that stands for the group ---- */

G_DEFINE_FINAL_TYPE (FerryGroupTask, ferry_group_task, FERRY_TYPE_WHOLE_TASK)

static void
group_task_release (FerryWholeTask *whole, gpointer parts)
{
  FerryGroupTask *self = FERRY_GROUP_TASK (whole);
  FerryTaskGroup *group = parts;
  GHashTableIter iter;
  gpointer task;

  g_hash_table_iter_init (&iter, self->open);
  while (g_hash_table_iter_next (&iter, &task, NULL))
    {
      g_signal_handlers_disconnect_by_data (task, self);
      g_hash_table_iter_remove (&iter);
    }
  group->sums = g_slist_remove (group->sums, self);
}

static void
group_task_cancel (gpointer group)
{
  ferry_task_group_cancel (group);
}

static void
group_task_set_paused (gpointer group, gboolean paused)
{
  set_paused (group, paused);
}

static void
group_task_report (FerryGroupTask *self, gboolean may_fall)
{
  guint n_done = self->n_all - g_hash_table_size (self->open);
  double fraction = CLAMP ((n_done + self->sum) / self->n_all, 0.0, 1.0);

  ferry_whole_task_report (FERRY_WHOLE_TASK (self), fraction, n_done, self->n_all, may_fall);
}

static void
group_task_note_end (FerryGroupTask *self, FerryTask *task)
{
  FerryTaskState state = ferry_task_get_state (task);
  const Part *part = g_hash_table_lookup (self->open, task);

  if (state == FERRY_TASK_STATE_COMPLETED)
    self->n_completed++;
  if (state == FERRY_TASK_STATE_FAILED)
    ferry_failures_add (&self->failures, part->number, ferry_task_get_name (task), ferry_task_get_error (task));
  self->sum -= part->fraction;
  g_signal_handlers_disconnect_by_data (task, self);
  g_hash_table_remove (self->open, task);
}

static void
group_task_state_cb (FerryTask *task, GParamSpec *pspec, FerryGroupTask *self)
{
  FerryWholeTask *whole = FERRY_WHOLE_TASK (self);
  g_autoptr (FerryTask) kept G_GNUC_UNUSED = g_object_ref (task);

  if (ferry_task_get_state (task) != FERRY_TASK_STATE_WAITING)
    ferry_whole_task_start (whole);
  if (ferry_task_get_done (task))
    group_task_note_end (self, task);
  group_task_report (self, FALSE);
  if (g_hash_table_size (self->open) == 0 && ferry_whole_task_get_parts (whole) != NULL)
    ferry_whole_task_finish (whole, self->failures.n == 0 && self->n_completed == 0, NULL, &self->failures,
                             self->n_all);
}

static void
group_task_progress_cb (FerryTask *task, FerryGroupTask *self)
{
  Part *part = g_hash_table_lookup (self->open, task);
  double before = part->fraction;
  gboolean is_indeterminate;

  g_object_get (task, "indeterminate", &is_indeterminate, NULL);
  part->fraction = ferry_task_get_fraction (task);
  self->sum += part->fraction - before;
  group_task_report (self, before > 0 && is_indeterminate);
}

/* The task is not done. */
static void
group_task_take (FerryGroupTask *self, FerryTask *task)
{
  Part *part = g_new (Part, 1);

  *part = (Part){.number = self->n_all++};
  g_hash_table_insert (self->open, g_object_ref (task), part);
  g_signal_connect_object (task, "notify::state", G_CALLBACK (group_task_state_cb), self, 0);
  g_signal_connect_object (task, "progress", G_CALLBACK (group_task_progress_cb), self, 0);
  if (ferry_task_get_state (task) != FERRY_TASK_STATE_WAITING)
    ferry_whole_task_start (FERRY_WHOLE_TASK (self));
  group_task_progress_cb (task, self);
}

static const FerryWholeParts group_functions = {
  .release = group_task_release,
  .cancel = group_task_cancel,
  .set_paused = group_task_set_paused,
};

static void
ferry_group_task_finalize (GObject *object)
{
  FerryGroupTask *self = FERRY_GROUP_TASK (object);

  g_hash_table_unref (self->open);
  ferry_failures_clear (&self->failures);
  G_OBJECT_CLASS (ferry_group_task_parent_class)->finalize (object);
}

static void
ferry_group_task_class_init (FerryGroupTaskClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_group_task_finalize;
}

static void
ferry_group_task_init (FerryGroupTask *self)
{
  self->open = g_hash_table_new_full (NULL, NULL, g_object_unref, g_free);
}

/**
 * ferry_task_new_for_group:
 * @group: a group
 * @name: the name of the task, for users and errors
 * @unit: (nullable): what the tasks of the group are, such as `files`; %NULL to report no amounts
 *
 * Makes a task that stands for all tasks of a group, so that a window shows the group as one task: in a list or a row,
 * by a bar, in a dialog. The task is not submitted. It begins with the first task that the group has or is given, and
 * ends when all of these are done, with as much progress as all of them together. To cancel or pause it is to cancel or
 * pause the group. It fails if one of them has failed ([property@Ferry.Task:failures]); its result is empty.
 *
 * The task keeps the group until the task is done. On the router's thread.
 *
 * Returns: (transfer full): a new task
 */
FerryTask *
ferry_task_new_for_group (FerryTaskGroup *group, const char *name, const char *unit)
{
  g_autoptr (GPtrArray) tasks = NULL;
  FerryGroupTask *self;

  g_return_val_if_fail (FERRY_IS_TASK_GROUP (group), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  if (!check_thread (group, G_STRFUNC))
    return NULL;
  self = ferry_whole_task_new (FERRY_TYPE_GROUP_TASK, &group_functions, group, get_affinity (group), name, unit);
  group->sums = g_slist_prepend (group->sums, self);
  tasks = dup_open (group);
  for (guint i = 0; i < tasks->len; i++)
    group_task_take (self, g_ptr_array_index (tasks, i));
  return FERRY_TASK (self);
}
