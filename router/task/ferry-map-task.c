/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task that stands for a whole map: windows show it as they show any other.
 *
 * No worker runs it. Its driver is the task itself, which has the map do what the task is asked for.
 *
 * Owner:     reference counted. The task keeps its map until both are over; the map does not know the task.
 * Threads:   the router's.
 * Invariant: the task is done if and only if it has no map. */

#include "config.h"

#include "task/ferry-map-private.h"

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-private.h"
#include "task/ferry-iterate-private.h"
#include "task/ferry-task-private.h"
#include "wire/ferry-progress-private.h"

#define FERRY_TYPE_MAP_TASK (ferry_map_task_get_type ())
G_DECLARE_FINAL_TYPE (FerryMapTask, ferry_map_task, FERRY, MAP_TASK, FerryTask)

struct _FerryMapTask
{
  FerryTask parent_instance;

  FerryMap *map;       /* (owned) (nullable) */
  FerryRouter *router; /* (unowned): the map's, while there is one */
  char *unit;          /* const (nullable) */
};

G_DEFINE_FINAL_TYPE (FerryMapTask, ferry_map_task, FERRY_TYPE_TASK)

static void
release (FerryMapTask *self)
{
  if (self->map != NULL)
    g_signal_handlers_disconnect_by_data (self->map, self);
  g_clear_object (&self->map);
}

/* A worker has begun the first item. */
static void
start (FerryMapTask *self)
{
  if (ferry_task_get_state (FERRY_TASK (self)) == FERRY_TASK_STATE_WAITING)
    ferry_task_start (FERRY_TASK (self), -1);
}

static void
report (FerryMapTask *self)
{
  guint64 n_submitted, n_done, n_items = ferry_map_get_n_items (self->map);
  FerryProgress progress = {.fraction = -1};

  g_object_get (self->map, "n-submitted", &n_submitted, "n-done", &n_done, NULL);
  if (n_submitted == 0)
    return;
  start (self);
  if (n_items != G_MAXUINT64)
    progress.fraction = (double) n_done / (double) MAX (n_items, 1);
  if (self->unit != NULL)
    ferry_progress_set_amount (&progress, n_done, n_items != G_MAXUINT64 ? n_items : 0, self->unit);
  ferry_task_take_progress (FERRY_TASK (self), &progress);
}

/* (transfer full) (nullable): why the map has not done all that it was to do. */
static GError *
dup_failure (FerryMap *map)
{
  g_autoptr (GError) error = NULL;
  guint64 n_done, n_failed;

  g_object_get (map, "error", &error, "n-done", &n_done, "n-failed", &n_failed, NULL);
  if (error != NULL || n_failed == 0)
    return g_steal_pointer (&error);
  return g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " items failed",
                      n_failed, n_done);
}

/* The map may have been cancelled by others. */
static void
finish (FerryMapTask *self)
{
  g_autoptr (FerryTask) task = g_object_ref (FERRY_TASK (self));
  g_autoptr (FerryMap) map = g_object_ref (self->map);
  g_autoptr (GError) error = dup_failure (map);
  FerryMapOutcome outcome;

  g_object_get (map, "outcome", &outcome, NULL);
  report (self);
  start (self);
  release (self);
  if (outcome == FERRY_MAP_OUTCOME_CANCELLED)
    ferry_task_cancel (task);
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_CANCELLING)
    ferry_task_fail (task, FERRY_TASK_EVENT_LOST, NULL, NULL, NULL);
  else if (error != NULL)
    ferry_task_fail (task, FERRY_TASK_EVENT_ERROR, g_steal_pointer (&error), NULL, NULL);
  else
    ferry_task_complete (task, NULL);
}

static void
paused_cb (FerryMapTask *self)
{
  gboolean paused;

  g_object_get (self->map, "paused", &paused, NULL);
  if (paused)
    ferry_task_pause (FERRY_TASK (self));
  else
    ferry_task_resume (FERRY_TASK (self));
}

/* ---- the driver ---- */

static void
withdraw (gpointer executor, FerryTask *task)
{
}

static void
cancelled (gpointer executor, FerryTask *task)
{
  FerryMapTask *self = executor;
  g_autoptr (FerryMap) map = g_steal_pointer (&self->map);

  if (map == NULL)
    return;
  /* A task that has not begun is over; one that has waits for the map. */
  if (ferry_task_get_done (task))
    g_signal_handlers_disconnect_by_data (map, self);
  else
    self->map = g_object_ref (map);
  ferry_map_cancel (map);
}

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

static gboolean
wait_for (gpointer executor, FerryTask *task, gint64 timeout, GError **error)
{
  g_autofree char *what = g_strdup_printf ("Task '%s' was not done", ferry_task_get_name (task));

  return ferry_iterate_until (FERRY_MAP_TASK (executor)->router, NULL, is_done, task, timeout, what, error);
}

static void
pause_changed (gpointer executor, FerryTask *task)
{
  FerryMapTask *self = executor;

  if (self->map != NULL)
    ferry_map_set_paused (self->map, ferry_task_get_placement (task)->paused);
}

static const FerryTaskDriver driver = {
  .withdraw = withdraw,
  .cancelled = cancelled,
  .wait = wait_for,
  .pause_changed = pause_changed,
};

/* ---- the object ---- */

static void
ferry_map_task_dispose (GObject *object)
{
  release (FERRY_MAP_TASK (object));
  G_OBJECT_CLASS (ferry_map_task_parent_class)->dispose (object);
}

static void
ferry_map_task_finalize (GObject *object)
{
  g_free (FERRY_MAP_TASK (object)->unit);
  G_OBJECT_CLASS (ferry_map_task_parent_class)->finalize (object);
}

static void
ferry_map_task_class_init (FerryMapTaskClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_map_task_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_map_task_finalize;
}

static void
ferry_map_task_init (FerryMapTask *self)
{
}

/**
 * ferry_task_new_for_map:
 * @map: a map
 * @name: the name of the task, for users and errors
 * @unit: (nullable): what the items are, such as `files`; %NULL to report no amounts
 *
 * Makes a task that stands for all items of a map, so that a window shows the map as one task: in a list or a row, by a
 * bar, in a dialog. The task is not submitted, it begins and ends with the map. To cancel or pause it is to cancel or
 * pause the map. It fails where an item has failed; its result is empty.
 *
 * The task keeps the map until that is finished. On the router's thread.
 *
 * Returns: (transfer full): a new task
 */
FerryTask *
ferry_task_new_for_map (FerryMap *map, const char *name, const char *unit)
{
  g_autoptr (FerryExecutor) executor = NULL;
  FerryMapTask *self;
  gboolean is_finished, paused;

  g_return_val_if_fail (FERRY_IS_MAP (map), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  g_object_get (map, "executor", &executor, NULL);
  ferry_return_val_if_elsewhere (ferry_executor_get_router (executor)->home, NULL);
  self = g_object_new (FERRY_TYPE_MAP_TASK, NULL);
  self->map = g_object_ref (map);
  self->router = ferry_executor_get_router (executor);
  self->unit = g_strdup (unit);
  ferry_task_set_up (FERRY_TASK (self), FERRY_TASK_KIND_PROGRESS, "", NULL);
  ferry_task_set_name (FERRY_TASK (self), name);
  ferry_task_submit_to (FERRY_TASK (self), &driver, self, self->router->home, NULL);
  g_signal_connect_object (map, "notify::n-done", G_CALLBACK (report), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (map, "notify::paused", G_CALLBACK (paused_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (map, "finished", G_CALLBACK (finish), self, G_CONNECT_SWAPPED);
  g_object_get (map, "is-finished", &is_finished, "paused", &paused, NULL);
  if (is_finished)
    finish (self);
  else
    report (self);
  if (paused)
    ferry_task_pause (FERRY_TASK (self));
  return FERRY_TASK (self);
}
