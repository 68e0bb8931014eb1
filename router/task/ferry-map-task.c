/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task that stands for a whole map.
 *
 * Owner:   see ferry-whole-task.c. The map does not know the task.
 * Threads: the router's. */

#include "config.h"

#include "task/ferry-map-private.h"

#include "base/ferry-base-private.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-private.h"

static void
report (FerryWholeTask *self)
{
  FerryMap *map = ferry_whole_task_get_parts (self);
  guint64 n_submitted, n_done, n_items = ferry_map_get_n_items (map);
  gboolean is_known = n_items != G_MAXUINT64;

  g_object_get (map, "n-submitted", &n_submitted, "n-done", &n_done, NULL);
  if (n_submitted == 0)
    return;
  ferry_whole_task_start (self);
  ferry_whole_task_report (self, is_known ? (double) n_done / (double) MAX (n_items, 1) : -1, n_done,
                           is_known ? n_items : 0, FALSE);
}

/* The map may have been cancelled by others. */
static void
finish (FerryWholeTask *self)
{
  g_autoptr (FerryMap) map = g_object_ref (ferry_whole_task_get_parts (self));
  const FerryFailures *failures = ferry_map_get_failures (map);
  guint64 n_done, n_items = ferry_map_get_n_items (map);
  g_autoptr (GListModel) results = NULL;
  FerryMapOutcome outcome;
  GError *error;

  g_object_get (map, "outcome", &outcome, "error", &error, "results", &results, "n-done", &n_done, NULL);
  /* A map that collects its results ends with the first item that fails. */
  if (results != NULL && failures->n > 0)
    g_clear_error (&error);
  report (self);
  ferry_whole_task_finish (self, outcome == FERRY_MAP_OUTCOME_CANCELLED, error, failures,
                           n_items != G_MAXUINT64 ? n_items : n_done);
}

static void
paused_cb (FerryTask *self)
{
  gboolean paused;

  g_object_get (ferry_whole_task_get_parts (FERRY_WHOLE_TASK (self)), "paused", &paused, NULL);
  if (paused)
    ferry_task_pause (self);
  else
    ferry_task_resume (self);
}

static void
release (FerryWholeTask *self, gpointer map)
{
  g_signal_handlers_disconnect_by_data (map, self);
}

static void
cancel (gpointer map)
{
  ferry_map_cancel (map);
}

static void
set_paused (gpointer map, gboolean paused)
{
  ferry_map_set_paused (map, paused);
}

static const FerryWholeParts functions = {.release = release, .cancel = cancel, .set_paused = set_paused};

/**
 * ferry_task_new_for_map:
 * @map: a map
 * @name: the name of the task, for users and errors
 * @unit: (nullable): what the items are, such as `files`; %NULL to report no amounts
 *
 * Makes a task that stands for all items of a map, so that a window shows the map as one task: in a list or a row, by a
 * bar, in a dialog. The task is not submitted, it begins and ends with the map. To cancel or pause it is to cancel or
 * pause the map. It fails if an item has failed ([property@Ferry.Task:failures]); its result is empty.
 *
 * The task keeps the map until that is finished. On the router's thread.
 *
 * Returns: (transfer full): a new task
 */
FerryTask *
ferry_task_new_for_map (FerryMap *map, const char *name, const char *unit)
{
  g_autoptr (FerryExecutor) executor = NULL;
  FerryWholeTask *self;
  FerryAffinity *affinity;
  gboolean is_finished, paused;

  g_return_val_if_fail (FERRY_IS_MAP (map), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  g_object_get (map, "executor", &executor, NULL);
  affinity = ferry_executor_get_router (executor)->affinity;
  ferry_return_val_if_elsewhere (affinity, NULL);
  self = ferry_whole_task_new (FERRY_TYPE_WHOLE_TASK, &functions, map, affinity, name, unit);
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
